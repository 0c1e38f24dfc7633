package yamldoc_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// message parses a flow with one text and returns it.
func message(t *testing.T, written string) yamldoc.Text {
	t.Helper()
	doc, list := yamldoc.Format{Name: "flow"}.Parse("f.yaml", []byte("flow: f\nnodes:\n  n1:\n    type: log\n    with:\n      message: "+written+"\n"))
	if list.HasErrors() {
		t.Fatal(list.Err())
	}
	v := doc.Root()
	for _, key := range []string{"nodes", "n1", "with", "message"} {
		v = v.(*yamldoc.Map).Get(key)
	}
	return v.(*yamldoc.Scalar).Text
}

func place(p diag.Pos) string { return fmt.Sprintf("%d:%d", p.Line, p.Col) }

func TestAt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ written, value, want string }{
		"plain":                  {"ab@c", "ab@c", "6:18"},
		"plain folded":           {"ab\n        c@d", "ab c@d", "7:10"},
		"plain folded twice":     {"ab\n\n\n        c@d", "ab\n\nc@d", "9:10"},
		"single":                 {"'it''s @'", "it's @", "6:23"},
		"single folded":          {"'a \n\n     b @'", "a\nb @", "8:8"},
		"double":                 {`"a\tb\u00e9\x41@"`, "a\tbéA@", "6:31"},
		"double escaped break":   {"\"a \\\n        \\ b\\\n\n      @\"", "a  b\n@", "9:7"},
		"double folded":          {"\"a\n        @b\"", "a @b", "7:9"},
		"double wide":            {`"\U0001F600é@"`, "😀é@", "6:28"},
		"literal":                {"|\n        a\n          b @\n", "a\n  b @\n", "8:13"},
		"literal blank lines":    {"|\n\n        a\n\n        @", "\na\n\n@\n", "10:9"},
		"literal explicit":       {"|1\n         a@\n", "  a@\n", "7:11"},
		"literal keep":           {"|+\n        @\n\n", "@\n\n\n", "7:9"},
		"literal with a comment": {"| # 2 lines\n        a\n        @", "a\n@\n", "8:9"},
		"folded":                 {">\n        a\n        b\n\n        c @\n", "a b\nc @\n", "10:11"},
		"folded more indented":   {">\n        a\n          b\n        @\n", "a\n  b\n@\n", "9:9"},
		"folded strip":           {">-\n        a\n        @\n", "a @", "8:9"},
		"not ascii":              {"äöü漢@", "äöü漢@", "6:20"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := message(t, tt.written)
			if got.Value != tt.value {
				t.Fatalf("Value = %q, want %q", got.Value, tt.value)
			}
			at := got.At(strings.IndexByte(got.Value, '@'))
			if place(at) != tt.want {
				t.Errorf("At = %s, want %s", place(at), tt.want)
			}
			if !yamldoc.Aligned(got) {
				t.Error("the text was not found in its source")
			}
		})
	}
}

func TestAtWithoutSource(t *testing.T) {
	t.Parallel()
	text := yamldoc.Text{Value: "äb", Pos: diag.Pos{File: "f", Line: 3, Col: 5}}
	for offset, want := range map[int]string{-1: "3:5", 0: "3:5", 2: "3:6", 3: "3:7", 99: "3:7"} {
		if got := place(text.At(offset)); got != want {
			t.Errorf("At(%d) = %s, want %s", offset, got, want)
		}
	}
}

func TestPieces(t *testing.T) {
	t.Parallel()
	type piece = yamldoc.Piece
	tests := []struct {
		text string
		want []piece
		open int
	}{
		{"", nil, -1},
		{"plain $ text (x)", []piece{{false, "plain $ text (x)", 0}}, -1},
		{"$(a)", []piece{{true, "a", 2}}, -1},
		{"x$(a)y", []piece{{false, "x", 0}, {true, "a", 3}, {false, "y", 5}}, -1},
		{"$(a)$(b)", []piece{{true, "a", 2}, {true, "b", 6}}, -1},
		{"$(f(g(1), 2))", []piece{{true, "f(g(1), 2)", 2}}, -1},
		{`$(")" + ')' + "\")")`, []piece{{true, `")" + ')' + "\")"`, 2}}, -1},
		{"$(`)` + `a``)`)", []piece{{true, "`)` + `a``)`", 2}}, -1},
		{"$$(a)", []piece{{false, "$(a)", 0}}, -1},
		{"a$$(b)c$(d)", []piece{{false, "a$(b)c", 0}, {true, "d", 9}}, -1},
		{"$$$(a)", []piece{{false, "$$(a)", 0}}, -1},
		{"$()", []piece{{true, "", 2}}, -1},
		{"a $(b", []piece{{false, "a ", 0}}, 2},
		{`$(a) $("b)`, []piece{{true, "a", 2}, {false, " ", 4}}, 5},
		{"$((a)", nil, 0},
	}
	for _, tt := range tests {
		got, open := yamldoc.Text{Value: tt.text}.Pieces()
		if diff := cmp.Diff(tt.want, got); diff != "" || open != tt.open {
			t.Errorf("Pieces(%q): open = %d, want %d (-want +got):\n%s", tt.text, open, tt.open, diff)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	tests := []struct{ written, mark, at string }{
		{"a #b", "#", "6:18"},
		{"a", "", "0:0"},
		{"a # c", "#", "6:18"},
		{`"a" # c`, "", "0:0"},
		{"a#b", "", "0:0"},
	}
	for _, tt := range tests {
		mark, at := message(t, tt.written).Cut()
		if mark != tt.mark || place(at) != tt.at {
			t.Errorf("Cut(%s) = %q at %s, want %q at %s", tt.written, mark, place(at), tt.mark, tt.at)
		}
	}
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"200ms": "200ms", "1h30m": "1h30m0s", "2d": "48h0m0s", "1d12h": "36h0m0s", "0.5d": "12h0m0s", "0": "0s", "-1d1h": "-25h0m0s", "-5s": "-5s",
		"": "!", "5": "!", "d": "!", "1d1d": "!", "+5s": "!", "1d+5h": "!", "1d-5h": "!", "1w": "!", "106752d": "!", "1 d": "!", "1h1d": "!",
	} {
		d, err := yamldoc.ParseDuration(in)
		got := d.String()
		if err != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("ParseDuration(%q) = %s, %v, want %s", in, got, err, want)
		}
	}
}
