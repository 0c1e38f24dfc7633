package tracecontext_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/tracecontext"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestOf(t *testing.T) {
	t.Parallel()
	own := tracecontext.Of("r1", "", 1)
	for header, want := range map[string]string{
		parent:                                             "0af7651916cd43dd8448eb211c80319c b7ad6b7169203331 true",
		strings.TrimSuffix(parent, "1") + "0":              "0af7651916cd43dd8448eb211c80319c b7ad6b7169203331 false",
		strings.TrimSuffix(parent, "01") + "ff":            "0af7651916cd43dd8448eb211c80319c b7ad6b7169203331 true",
		"cc" + strings.TrimPrefix(parent, "00") + "-later": "0af7651916cd43dd8448eb211c80319c b7ad6b7169203331 true",
		"":                                      "own",
		parent + "-more":                        "own", // version 00 has no more
		"ff" + strings.TrimPrefix(parent, "00"): "own",
		strings.ToUpper(parent):                 "own",
		"00-" + strings.Repeat("0", 32) + "-b7ad6b7169203331-01":                 "own",
		"00-0af7651916cd43dd8448eb211c80319c-" + strings.Repeat("0", 16) + "-01": "own",
	} {
		got := tracecontext.Of("r1", header, 1)
		if want == "own" {
			if got != own {
				t.Errorf("%q: %+v, want a trace of its own", header, got)
			}
			continue
		}
		if text := fmt.Sprintf("%x %x %t", got.ID, got.Parent, got.Sampled); text != want {
			t.Errorf("%q: %s, want %s", header, text, want)
		}
	}
	if own.ID == tracecontext.Of("r2", "", 1).ID || own.ID == [16]byte{} || !own.Sampled || own.Parent != (tracecontext.Span{}) {
		t.Errorf("%+v is no trace of its own", own)
	}
}

// The same place of a run has the same span, whoever asks, and no other has it.
func TestSpans(t *testing.T) {
	t.Parallel()
	seen := map[tracecontext.Span]string{}
	at := time.Unix(100, 0)
	for _, run := range []string{"r1", "r2"} {
		a, b := tracecontext.Of(run, parent, 0), tracecontext.Of(run, parent, 1)
		spans := map[string][2]tracecontext.Span{
			"root": {a.Root(), b.Root()}, "node": {a.Node("run", 1, 1), b.Node("run", 1, 1)}, "again": {a.Node("run", 1, 2), b.Node("run", 1, 2)},
			"call": {a.Call("run", 1, 1, 0), b.Call("run", 1, 1, 0)}, "invoke": {a.Invoke("run", 1, 1, at), b.Invoke("run", 1, 1, at)}, "invoked again": {a.Invoke("run", 1, 1, at.Add(1)), b.Invoke("run", 1, 1, at.Add(1))},
		}
		for name, s := range spans {
			if s[0] != s[1] {
				t.Errorf("%s of %s: %x and %x", name, run, s[0], s[1])
			}
			if before, ok := seen[s[0]]; ok {
				t.Errorf("%s of %s has the span of %s", name, run, before)
			}
			seen[s[0]] = name + " of " + run
		}
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	for _, rate := range []float64{0, 1} {
		mine := tracecontext.Of("r1", "", rate)
		span := mine.Call("a", 1, 1, 0)
		next := tracecontext.Of("r2", mine.Header(span), 1-rate)
		if next.ID != mine.ID || next.Parent != span || next.Sampled != (rate == 1) {
			t.Errorf("%s leads to %+v", mine.Header(span), next)
		}
	}
}

func TestRate(t *testing.T) {
	t.Parallel()
	n := 0
	for i := range 10_000 {
		if tracecontext.Of(fmt.Sprint(i), "", 0.25).Sampled {
			n++
		}
	}
	if n < 2300 || n > 2700 {
		t.Errorf("%d of 10000 are sampled, want about 2500", n)
	}
}

func FuzzOf(f *testing.F) {
	f.Add(parent)
	f.Add("ff-")
	f.Fuzz(func(t *testing.T, header string) {
		got := tracecontext.Of("r1", header, 1)
		again := tracecontext.Of("r1", got.Header(got.Root()), 1)
		if got.ID == [16]byte{} || again.ID != got.ID || again.Parent != got.Root() {
			t.Errorf("%q: %+v, and then %+v", header, got, again)
		}
	})
}

// Spans that are under way when Wend is replaced keep their names.
func TestNamesStay(t *testing.T) {
	t.Parallel()
	own := tracecontext.Of("r1", "", 1)
	for got, want := range map[string]string{
		own.Header(own.Root()):                                 "00-9fe2199cec4364a13d227aa60262496e-29a89d559c99a050-01",
		own.Header(own.Node("ask", 2, 3)):                      "00-9fe2199cec4364a13d227aa60262496e-f6f55376e71f16cf-01",
		own.Header(own.Call("ask", 2, 3, 4)):                   "00-9fe2199cec4364a13d227aa60262496e-27c7c9428d83af32-01",
		own.Header(own.Invoke("ask", 2, 3, time.Unix(100, 7))): "00-9fe2199cec4364a13d227aa60262496e-29a0342da999f50c-01",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func BenchmarkOf(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		tracecontext.Of("r1", parent, 1).Node("ask", 1, 1)
	}
}
