package diag_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/diag"
)

func at(file string, line, col int) diag.Pos { return diag.Pos{File: file, Line: line, Col: col} }

func TestPos(t *testing.T) {
	t.Parallel()
	for want, pos := range map[string]diag.Pos{
		"": {}, "a.yaml": {File: "a.yaml"}, "3:4": {Line: 3, Col: 4}, "a.yaml:3:4": at("a.yaml", 3, 4),
	} {
		if got := pos.String(); got != want {
			t.Errorf("%#v = %q, want %q", pos, got, want)
		}
	}
}

func TestSorted(t *testing.T) {
	t.Parallel()
	var l diag.List
	l.Errorf(at("b", 1, 1), "x", "other file")
	l.Errorf(at("a", 2, 1), "x", "line 2")
	l.Warnf(at("a", 1, 5), "x", "column 5")
	l.Errorf(at("a", 1, 5), "x", "same place, found later")
	l.Errorf(at("a", 2, 1), "x", "line 2")
	l.Errorf(at("a", 2, 1), "x", "line 2").Hint = "not the same with a hint"
	var got []string
	for _, e := range l.Sorted() {
		got = append(got, e.Text())
	}
	want := []string{"column 5", "same place, found later", "line 2", "line 2; not the same with a hint", "other file"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Sorted (-want +got):\n%s", diff)
	}
	if len(l) != 6 {
		t.Errorf("Sorted changed the list: %d entries, want 6", len(l))
	}
}

func TestErr(t *testing.T) {
	t.Parallel()
	var l diag.List
	if l.HasErrors() || l.Err() != nil {
		t.Errorf("empty list: HasErrors %v, Err %v", l.HasErrors(), l.Err())
	}
	l.Warnf(at("a", 1, 1), "w", "careful")
	if l.HasErrors() || l.Err() != nil {
		t.Errorf("only a warning: HasErrors %v, Err %v", l.HasErrors(), l.Err())
	}
	l.Errorf(at("a", 3, 1), "e", "second")
	l.Errorf(at("a", 2, 1), "e", "first").Hint = "try this"
	err := l.Err()
	if want := "a:2:1: first; try this [e]\na:3:1: second [e]"; err == nil || err.Error() != want {
		t.Fatalf("Err = %v, want %s", err, want)
	}
	var many diag.List
	for line := range 250 {
		many.Errorf(at("a", line, 1), "e", "m")
		many.Warnf(at("a", line, 1), "w", "m")
	}
	if lines := strings.Split(many.Err().Error(), "\n"); len(lines) != 101 || lines[100] != "… and 150 more" {
		t.Errorf("250 mistakes have %d lines, the last %q", len(lines), lines[len(lines)-1])
	}
	var first *diag.Error
	if !errors.As(fmt.Errorf("check: %w", err), &first) || first.Msg != "first" {
		t.Errorf("errors.As found %v, want the first mistake", first)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	var l diag.List
	l.Errorf(at("a.yaml", 3, 4), "unknown-key", "no key %q", "x").Hint = "did you mean y?"
	l.Warnf(at("a.yaml", 5, 6), "open-outcome", "goes nowhere")
	got, err := json.Marshal(l)
	want := `[{"file":"a.yaml","line":3,"column":4,"severity":"error","code":"unknown-key","message":"no key \"x\"","hint":"did you mean y?"},` +
		`{"file":"a.yaml","line":5,"column":6,"severity":"warning","code":"open-outcome","message":"goes nowhere"}]`
	if err != nil || string(got) != want {
		t.Errorf("Marshal = %s, %v\nwant %s", got, err, want)
	}
	for _, s := range []diag.Severity{diag.SeverityError, diag.SeverityWarning} {
		text, _ := s.MarshalText()
		var back diag.Severity
		if err := back.UnmarshalText(text); err != nil || back != s {
			t.Errorf("severity %s came back as %s, %v", s, back, err)
		}
	}
	if err := new(diag.Severity).UnmarshalText([]byte("fatal")); err == nil {
		t.Error(`UnmarshalText("fatal") succeeded`)
	}
}

func TestPrint(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"a.yaml": "\ufeffflow: a\r\n\tx: é $(y)\nlast",
	}
	tests := []struct {
		name string
		pos  diag.Pos
		want string
	}{
		{"first line behind a byte order mark", at("a.yaml", 1, 7), "a.yaml:1:7: m [c]\n    1 | flow: a\n      |       ^\n"},
		{"tab stays a tab", at("a.yaml", 2, 7), "a.yaml:2:7: m [c]\n    2 | \tx: é $(y)\n      | \t     ^\n"},
		{"behind the end", at("a.yaml", 3, 7), "a.yaml:3:7: m [c]\n    3 | last\n      |       ^\n"},
		{"no such line", at("a.yaml", 9, 1), "a.yaml:9:1: m [c]\n"},
		{"no source", at("b.yaml", 1, 1), "b.yaml:1:1: m [c]\n"},
		{"no place", diag.Pos{}, "m [c]\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var l diag.List
			l.Errorf(tt.pos, "c", "m")
			var b strings.Builder
			diag.Print(&b, l, func(file string) []byte {
				if src, ok := files[file]; ok {
					return []byte(src)
				}
				return nil
			})
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("Print (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPrintLongLine(t *testing.T) {
	t.Parallel()
	var l diag.List
	l.Errorf(at("a", 1, 1002), "c", "m")
	var b strings.Builder
	diag.Print(&b, l, func(string) []byte { return []byte(strings.Repeat("é", 1000) + "[x]" + strings.Repeat("ü", 1000)) })
	want := "a:1:1002: m [c]\n    1 | …" + strings.Repeat("é", 99) + "[x]" + strings.Repeat("ü", 98) + "…\n      | " + strings.Repeat(" ", 101) + "^\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("Print (-want +got):\n%s", diff)
	}
}

// TestPrintMany: one file with thousands of mistakes neither hides those of the
// next, nor is it read again for each.
func TestPrintMany(t *testing.T) {
	t.Parallel()
	var l diag.List
	for line := range 5000 {
		l.Errorf(at("a", line+1, 1), "c", "m")
		l.Errorf(at("", 0, 0), "c", "m %d", line)
	}
	l.Errorf(at("b", 1, 1), "c", "m")
	var b strings.Builder
	reads := 0
	diag.Print(&b, l, func(string) []byte {
		reads++
		return []byte(strings.Repeat("x\n", 5000))
	})
	got := strings.Split(b.String(), "\n")
	for want, times := range map[string]int{
		"a:100:1: m [c]": 1, "a:101:1: m [c]": 0, "  100 | x": 1, "… and 4900 more in a": 1,
		"m 99 [c]": 1, "m 100 [c]": 0, "… and 4900 more": 1, "b:1:1: m [c]": 1,
	} {
		n := 0
		for _, line := range got {
			if line == want {
				n++
			}
		}
		if n != times {
			t.Errorf("the line %q is there %d times, want %d", want, n, times)
		}
	}
	if reads != 3 {
		t.Errorf("the files are read %d times, want once each", reads)
	}
}

func TestSuggest(t *testing.T) {
	t.Parallel()
	keys := []string{"name", "type", "connection", "with", "timeout", "retry", "next", "outcomes"}
	tests := []struct {
		word  string
		known []string
		want  string
	}{
		{"nxt", keys, `did you mean "next"?`},
		{"Type", keys, `did you mean "type"?`},
		{"conn", keys, `did you mean "connection"?`},
		{"outcome", keys, `did you mean "outcomes"?`},
		{"sendrNumber", []string{"serviceNumber", "senderNumber"}, `did you mean "senderNumber"?`},
		{"SENDER", []string{"sender", "Sender"}, `did you mean "sender"?`},
		{"t", []string{"text", "type"}, `expected one of "text", "type"`},
		{"xyz", []string{"only"}, `expected "only"`},
		{"xyz", nil, ""},
		{"", []string{"a", "b"}, `expected one of "a", "b"`},
		{"zzz", []string{"success", "success", "onError", "success"}, `expected one of "success", "onError"`},
		{"zzz", []string{"success", "success"}, `expected "success"`},
		{"ti", []string{"time", "timer"}, `expected one of "time", "timer"`},
		{"zzz", strings.Split("abcdefghijklmn", ""), `expected one of "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", …`},
		{"größe", []string{"grösse", "Größen"}, `did you mean "Größen"?`},
	}
	names := make([]string, 3000)
	for i := range names {
		names[i] = fmt.Sprintf("node%d", i)
	}
	long := strings.Repeat("x", 1<<20)
	tests = append(tests, []struct {
		word  string
		known []string
		want  string
	}{
		{"mode17", names, `did you mean "node17"?`},
		{"NODE2999", names, `did you mean "node2999"?`}, // letters are compared with the first names only, cases with all
		{long + "y", []string{long + "z", long}, "expected one of \"" + long + "z\", \"" + long + "\""},
		{"node", []string{long, "mode"}, `did you mean "mode"?`},
	}...)
	for _, tt := range tests {
		if got := diag.Suggest(tt.word, tt.known); got != tt.want {
			t.Errorf("Suggest(%q, %q) = %s, want %s", tt.word, tt.known, got, tt.want)
		}
	}
}

func ExamplePrint() {
	src := []byte("flow: hello\nnodes:\n  n1: { type: lgo }\n")
	var mistakes diag.List
	mistake := mistakes.Errorf(diag.Pos{File: "hello.yaml", Line: 3, Col: 15}, "unknown-node-type", "no node type %q", "lgo")
	mistake.Hint = diag.Suggest("lgo", []string{"http", "log", "respond"})
	diag.Print(os.Stdout, mistakes, func(string) []byte { return src })
	// Output:
	// hello.yaml:3:15: no node type "lgo"; did you mean "log"? [unknown-node-type]
	//     3 |   n1: { type: lgo }
	//       |               ^
}
