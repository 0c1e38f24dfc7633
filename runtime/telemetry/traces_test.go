package telemetry_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	span "go.opentelemetry.io/proto/slim/otlp/trace/v1"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/telemetry"
	"github.com/wendflow/wend/sdk/wire"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func traces(endpoint string, sample float64, m *telemetry.Metrics) *telemetry.Traces {
	return telemetry.NewTraces(at(endpoint), sample, m)
}

// drain sends what is left.
func drain(t interface{ Run(ctx context.Context) }) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	t.Run(ctx)
}

// vendor answers all calls, and remembers what trace they carry on.
type vendor struct {
	mu      sync.Mutex
	parents []string
}

func (v *vendor) Do(_ context.Context, r outbound.Request) wire.Reply {
	time.Sleep(time.Second)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.parents = append(v.parents, r.TraceParent)
	if strings.HasSuffix(r.Call.URL, "/b") {
		return wire.Reply{Status: 503}
	}
	return wire.Reply{Status: 200}
}

func (*vendor) Settings(string) map[string]any { return nil }

const sample = `flow: sample
nodes:
  hook: { type: webhook, with: { path: /sample }, next: a }
  a: { type: http, with: { method: PUT, url: "https://one.example.com:8443/a?key=s3cret" }, outcomes: { else: done }, next: later }
  later: { type: delay, with: { for: 1d }, next: b }
  b: { type: http, with: { method: PUT, url: "https://two.example.com/b" }, outcomes: { else: done }, next: done }
  done: { type: end }
`

func loadSample(t *testing.T) *flow.Flow {
	t.Helper()
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	f, mistakes := flow.Load("sample.yaml", []byte(sample), flow.Config{Types: types})
	if f == nil {
		t.Fatal(mistakes.Err())
	}
	return f
}

// A run that is parked by one process and goes on in another is in the trace of
// its caller, and its calls carry it on.
func TestTraceStaysTogether(t *testing.T) {
	t.Parallel()
	r, v := receive(t), &vendor{}
	m := telemetry.New("")
	first, second := traces(r.URL, 1, m), traces(r.URL, 1, m)
	synctest.Test(t, func(t *testing.T) {
		f, disk := loadSample(t), journal.NewMemory(10)
		start := func(tr *telemetry.Traces) (e *engine.Engine, stop func()) {
			e = engine.New(engine.Config{
				Journal: disk, Caller: v, Trace: tr.Trace, Observers: fact.Observe(tr.Observe), NewID: func() string { return "r1" },
				Flow: func(context.Context, journal.Summary) (*flow.Flow, error) { return f, nil },
			})
			ctx, cancel := context.WithCancel(t.Context())
			var group sync.WaitGroup
			group.Go(func() { _ = e.Run(ctx) })
			return e, func() {
				cancel()
				_ = e.Shutdown(t.Context())
				group.Wait()
			}
		}
		e, stop := start(first)
		if _, _, err := e.Start(t.Context(), engine.Start{Flow: f, TraceParent: parent, Accepted: true}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		stop()
		_, stop = start(second)
		time.Sleep(25 * time.Hour)
		stop()
	})
	drain(first)
	drain(second)
	byID := map[string]*span.Span{}
	for _, s := range r.spans {
		byID[hex.EncodeToString(s.GetSpanId())] = s
		if id := hex.EncodeToString(s.GetTraceId()); id != "0af7651916cd43dd8448eb211c80319c" {
			t.Errorf("%s is in trace %s", s.GetName(), id)
		}
		if strings.Contains(s.String(), "s3cret") {
			t.Errorf("a span tells a secret: %s", s)
		}
	}
	var got []string
	for _, s := range r.spans {
		above := "the caller"
		if p := byID[hex.EncodeToString(s.GetParentSpanId())]; p != nil {
			above = p.GetName()
		} else if id := hex.EncodeToString(s.GetParentSpanId()); id != "b7ad6b7169203331" {
			above = "nobody: " + id
		}
		took := time.Duration(s.GetEndTimeUnixNano() - s.GetStartTimeUnixNano())
		got = append(got, fmt.Sprintf("%s below %s, %s %s, %s %s", s.GetName(), above,
			strings.TrimPrefix(s.GetKind().String(), "SPAN_KIND_"), took, strings.TrimPrefix(s.GetStatus().GetCode().String(), "STATUS_CODE_"), attr(s, "error.type")))
	}
	want := []string{
		"PUT below a, CLIENT 1s, UNSET ",
		"a below sample, INTERNAL 1s, UNSET ",
		"later below sample, INTERNAL 24h0m0s, UNSET ",
		"PUT below b, CLIENT 1s, ERROR 503",
		"b below sample, INTERNAL 1s, ERROR 503",
		"done below sample, INTERNAL 0s, UNSET ",
		"sample below the caller, SERVER 24h0m2s, UNSET ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	for i, p := range v.parents {
		s := byID[strings.Split(p, "-")[2]]
		if s == nil || s.GetKind() != span.Span_SPAN_KIND_CLIENT {
			t.Errorf("call %d carries %s, which is no span of a call", i, p)
		}
	}
	for key, want := range map[string]string{"server.address": "one.example.com", "server.port": "8443", "url.full": "https://one.example.com:8443/a", "http.request.method": "PUT", "http.response.status_code": "200"} {
		if got := attr(r.spans[0], key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if text := scrape(t, m); !strings.Contains(text, "\nwend_spans_sent_total 7\n") {
		t.Error("the spans are not counted")
	}
}

func attr(s *span.Span, key string) string {
	return attrs(s.GetAttributes())[key]
}

// What a plugin's invoke says is below its attempt.
func TestInvokeSpan(t *testing.T) {
	t.Parallel()
	r := receive(t)
	tr := traces(r.URL, 1, telemetry.New(""))
	at := visit
	at.At.At = time.Unix(100, 0)
	tr.Observe(fact.Invoked{Visit: at, Took: time.Second, Fuel: 7, Code: "fuel"})
	tr.Observe(fact.NodeLeft{Visit: at, Outcome: "onError", Failed: true, Code: "fuel", Took: time.Minute})
	drain(tr)
	if len(r.spans) != 2 || string(r.spans[0].GetParentSpanId()) != string(r.spans[1].GetSpanId()) || attr(r.spans[0], "wend.plugin.fuel") != "7" || attr(r.spans[0], "error.type") != "fuel" {
		t.Errorf("%v", r.spans)
	}
}

// Spans that nobody asked for are not sent.
func TestSampling(t *testing.T) {
	t.Parallel()
	r := receive(t)
	tr := traces(r.URL, 0.5, telemetry.New(""))
	for i := range 400 {
		about := &fact.Run{ID: fmt.Sprint(i), Flow: "own"}
		tr.Observe(fact.RunEnded{Of: fact.Of{At: fact.At{At: time.Unix(100, 0)}, Run: about}, Status: run.Completed})
	}
	for flags, flow := range map[string]string{"00": "unwanted", "01": "wanted"} {
		about := &fact.Run{ID: "r", Flow: flow, TraceParent: strings.TrimSuffix(parent, "01") + flags}
		tr.Observe(fact.RunEnded{Of: fact.Of{At: fact.At{At: time.Unix(100, 0)}, Run: about}, Status: run.Completed})
	}
	drain(tr)
	count := map[string]int{}
	for _, s := range r.spans {
		count[s.GetName()]++
	}
	if count["own"] < 150 || count["own"] > 250 || count["wanted"] != 1 || count["unwanted"] != 0 {
		t.Errorf("%v", count)
	}
}

// A receiver that refuses, or is not there, costs spans that are counted; so does
// one that is too slow for all there is.
func TestSpansAreDropped(t *testing.T) {
	t.Parallel()
	full := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }))
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	t.Cleanup(full.Close)
	ended := fact.RunEnded{Of: of, Status: run.Completed}
	ended.At.At = time.Unix(100, 0)
	for _, url := range []string{full.URL, gone.URL} {
		m := telemetry.New("")
		tr := traces(url, 1, m)
		for range 10_000 {
			tr.Observe(ended)
		}
		drain(tr)
		text := strings.Split(scrape(t, m), "\n")
		for _, want := range []string{`wend_spans_dropped_total{reason="queue"} 1808`, `wend_spans_dropped_total{reason="receiver"} 8192`, "wend_spans_sent_total 0"} {
			if !slices.Contains(text, want) {
				t.Errorf("%s: no line %q", url, want)
			}
		}
	}
}

// A call by another name than the standards have says so, and what has no port has
// that of its scheme.
func TestCallSpan(t *testing.T) {
	t.Parallel()
	r := receive(t)
	tr := traces(r.URL, 1, telemetry.New(""))
	at := visit
	at.At.At = time.Unix(100, 0)
	tr.Observe(fact.CallMade{Visit: at, Method: "BREW", Scheme: "http", Host: "pot.example.com", Path: "/tea", Status: 418, Took: time.Second})
	tr.Observe(fact.CallMade{Visit: at, Call: 1, Method: "GET", Scheme: "https", Host: "[2001:db8::1]", Path: "/\xff", Failure: "refused"})
	tr.Observe(fact.CallMade{Visit: at, Call: 2, Method: "GET", Path: "/nowhere"})
	drain(tr)
	var got []string
	for _, s := range r.spans {
		got = append(got, strings.Join([]string{
			s.GetName(), attr(s, "http.request.method"), attr(s, "http.request.method_original"), attr(s, "server.address"),
			attr(s, "server.port"), attr(s, "url.full"), attr(s, "error.type"),
		}, " "))
	}
	want := []string{
		"HTTP _OTHER BREW pot.example.com 80 http://pot.example.com/tea 418",
		"GET GET  2001:db8::1 443 https://[2001:db8::1]/� refused",
		"GET GET     ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
}

// What goes to another machine is compressed.
func TestCompressed(t *testing.T) {
	t.Parallel()
	r := receive(t)
	tr := traces(r.URL, 1, telemetry.New(""))
	tr.Compress()
	for range 2 {
		for _, f := range spanned {
			tr.Observe(f)
		}
		drain(tr)
	}
	if len(r.spans) != 2*len(spanned) {
		t.Errorf("%d spans", len(r.spans))
	}
	for endpoint, want := range map[string]bool{
		"http://127.0.0.1:4318": true, "http://[::1]:4318/otlp": true, "http://localhost:4318": true,
		"https://otlp.example.com": false, "http://10.0.0.7:4318": false,
	} {
		if telemetry.Near(endpoint) != want {
			t.Errorf("%s is near: %t", endpoint, !want)
		}
	}
}

// A span takes no memory of its own.
func TestSpansAllocateNothing(t *testing.T) {
	tr := traces("http://127.0.0.1:1", 1, telemetry.New(""))
	for _, f := range spanned {
		if n := testing.AllocsPerRun(100, func() { tr.Observe(f) }); n > 1 { // of the batch that grows
			t.Errorf("%T: %v allocations", f, n)
		}
	}
}

// spanned are facts that end a span, as those of one run with one call.
var spanned = func() []fact.Fact {
	v := visit
	v.At.At = time.Unix(100, 0)
	return []fact.Fact{
		fact.NodeLeft{Visit: v, Outcome: "success", Took: time.Millisecond},
		fact.Invoked{Visit: v, Took: time.Millisecond, Fuel: 100_000},
		fact.CallMade{Visit: v, Method: "POST", Scheme: "https", Host: "vendor.example.com", Path: "/tasks", Status: 200, Took: time.Millisecond},
		fact.Invoked{Visit: v, Took: time.Millisecond, Fuel: 100_000},
		fact.NodeLeft{Visit: v, Outcome: "success", Calls: 1, Took: time.Millisecond},
		fact.NodeLeft{Visit: v, Outcome: "success", Took: time.Millisecond},
		fact.RunEnded{Of: v.Of, Status: run.Completed, Outcome: "success", Took: time.Millisecond},
	}
}()

// BenchmarkTraceRun is what the spans of a run cost, their sending included.
func BenchmarkTraceRun(b *testing.B) {
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	b.Cleanup(sink.Close)
	for name, sample := range map[string]float64{"sampled": 1, "tenth": 0.1} {
		b.Run(name, func(b *testing.B) {
			tr := traces(sink.URL, sample, telemetry.New(""))
			b.ReportAllocs()
			var n int
			for b.Loop() {
				n++
				about := *visit.Run
				about.ID = strconv.Itoa(n)
				for _, f := range spanned {
					tr.Observe(ofRun(f, &about))
				}
				if n%64 == 0 {
					drain(tr)
				}
			}
		})
	}
}

// ofRun is a fact of another run.
func ofRun(f fact.Fact, r *fact.Run) fact.Fact {
	switch f := f.(type) {
	case fact.NodeLeft:
		f.Run = r
		return f
	case fact.Invoked:
		f.Run = r
		return f
	case fact.CallMade:
		f.Run = r
		return f
	case fact.RunEnded:
		f.Run = r
		return f
	}
	return f
}
