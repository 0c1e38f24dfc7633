package yamldoc_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/yamldoc"
)

var flows = yamldoc.Format{Name: "flow"}

// root reads a file that has no mistakes.
func root(t *testing.T, format yamldoc.Format, src string) yamldoc.Value {
	t.Helper()
	doc, list := format.Parse("f.yaml", []byte(src))
	if len(list) > 0 {
		t.Fatalf("Parse(%q): %v", src, list)
	}
	return doc.Root()
}

// TestNumbers says of each way to write a number what it is where any data may
// stand, whether it has to be quoted there, and what it is where a number is
// due.
func TestNumbers(t *testing.T) {
	t.Parallel()
	const quote = true
	for _, tt := range []struct {
		written string
		data    any
		quote   bool
		due     any // nil if it is none
	}{
		{"0", 0, false, 0},
		{"-7", -7, false, -7},
		{"9223372036854775807", 9223372036854775807, false, 9223372036854775807},
		{"9223372036854775808", json.Number("9223372036854775808"), false, json.Number("9223372036854775808")},
		{"-123456789012345678901234567890", json.Number("-123456789012345678901234567890"), false, json.Number("-123456789012345678901234567890")},
		{"0.5", 0.5, false, 0.5},
		{"1e-7", 1e-7, false, 1e-7},
		{"1e+21", 1e21, false, 1e21},
		{"1e21", 1e21, false, 1e21},
		{"0.0", 0.0, false, 0},
		{"3.10", 3.1, quote, 3.1},
		{"1.0", 1.0, quote, 1},
		{"-1.50", -1.5, quote, -1.5},
		{"6063e25", 6063e25, quote, 6063e25},
		{"680841e1", 6808410.0, quote, 6808410},
		{"1E3", 1e3, quote, 1000},
		{"1e3", 1e3, quote, 1000},
		{"+1.5", 1.5, quote, 1.5},
		{"+5", 5, quote, 5},
		{"-0", 0, quote, 0},
		{".5", .5, quote, .5},
		{"5.", 5.0, quote, 5},
		{"1_000", "1_000", quote, 1000},
		{"-1_000", "-1_000", quote, -1000},
		{"0x1F", 31, quote, 31},
		{"0o17", 15, quote, 15},
		{"0b11", "0b11", quote, 3},
		{"0123", 123, quote, nil},
		{"007", 7, quote, nil},
		{"08", 8, quote, nil},
		{"1e400", "1e400", quote, nil},
		{"-1e999999999999", "-1e999999999999", quote, nil},
		{"1e-400", 0.0, quote, nil},
		{"0e99999999999999999999", 0.0, quote, 0},
		{"0.1000000000000000055511151231257827", 0.1, quote, nil},
		{"9007199254740993.0", 9007199254740992.0, quote, nil},
		{"0xFFFFFFFFFFFFFFFFFF", "0xFFFFFFFFFFFFFFFFFF", quote, nil},
		{".inf", ".inf", quote, nil},
		{"-.Inf", "-.Inf", quote, nil},
		{".nan", ".nan", quote, nil},
		{`"3.10"`, "3.10", false, nil},
		{"'0123'", "0123", false, nil},
		{"1.2.3", "1.2.3", false, nil},
		{"08:30", "08:30", false, nil},
		{"6063f25", "6063f25", false, nil},
		{"1_", "1_", false, nil},
		{"_1", "_1", false, nil},
		{"0x", "0x", false, nil},
		{"e5", "e5", false, nil},
		{"+", "+", false, nil},
		{".", ".", false, nil},
		{"true", true, false, nil},
	} {
		s := root(t, flows, "v: "+tt.written+"\n").(*yamldoc.Map).Get("v").(*yamldoc.Scalar)
		if s.Data != tt.data {
			t.Errorf("%s is %#v, want %#v", tt.written, s.Data, tt.data)
		}
		var list diag.List
		if s.CheckNumber(&list); (len(list) > 0) != tt.quote {
			t.Errorf("CheckNumber(%s) = %v, want a mistake: %v", tt.written, list, tt.quote)
		}
		for _, e := range list {
			if e.Code != diag.YAMLNumber || !strings.Contains(e.Hint, "quotes") {
				t.Errorf("CheckNumber(%s) = %v, want yaml-number that says to quote", tt.written, e)
			}
		}
		if n, _ := s.Number(); n != tt.due {
			t.Errorf("Number(%s) = %#v, want %#v", tt.written, n, tt.due)
		}
	}
}

func TestParseSize(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int64{
		"1": 1, "1048576": 1 << 20, "1B": 1, "256KB": 256 << 10, "256KiB": 256 << 10, "64MB": 64 << 20, "64 MiB": 64 << 20, "2GB": 2 << 30, "2GiB": 2 << 30,
		"": 0, "0": 0, "0B": 0, "-1": 0, "1.5MB": 0, "1TB": 0, "much": 0, "99999999999GB": 0, "64 apples": 0, "1kb": 0,
	} {
		got, err := yamldoc.ParseSize(in)
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("ParseSize(%q) = %d, %v, want %d", in, got, err, want)
		}
		if err != nil && !strings.Contains(err.Error(), fmt.Sprintf("%q", in)) {
			t.Errorf("ParseSize(%q) does not say what is wrong: %v", in, err)
		}
	}
}

// TestLimits: each limit of a file is told with its figure, and costs little.
func TestLimits(t *testing.T) {
	t.Parallel()
	shared := yamldoc.Format{Name: "case", Many: true, Aliases: true}
	bomb := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 9; i++ {
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	for what, tt := range map[string]struct {
		src, want string
	}{
		"bytes":      {"a: " + strings.Repeat("x", yamldoc.MaxBytes), "expected 1048576 at most"},
		"values":     {"a:\n" + strings.Repeat("- [x"+strings.Repeat(", x", 99)+"]\n", yamldoc.MaxValues/100), "more than 100000 values"},
		"keys":       {strings.Repeat("---\na: b\n", yamldoc.MaxValues/3+1), "more than 100000 values"},
		"items":      {"a:\n" + strings.Repeat("- x\n", yamldoc.MaxEntries+1), "the list has 5001 items, expected 5000 at most"},
		"entries":    {numbered(yamldoc.MaxEntries + 1), "the mapping has 5001 entries, expected 5000 at most"},
		"depth":      {"a: " + strings.Repeat("[", 101) + strings.Repeat("]", 101), "deeper than 100 levels"},
		"aliases":    {bomb, "more than 100000 values"},
		"themselves": {"a: &a { b: *a }\n", "deeper than 100 levels"},
	} {
		doc, list := shared.Parse("f.yaml", []byte(tt.src))
		if len(list) != 1 || list[0].Code != diag.InvalidYAML || !strings.Contains(list[0].Msg, tt.want) {
			t.Errorf("%s: %.300v, want one mistake with %q", what, list, tt.want)
		}
		if doc == nil {
			t.Errorf("%s: no document", what)
		}
	}
}

// numbered is a mapping with many entries.
func numbered(entries int) string {
	var b strings.Builder
	for i := range entries {
		fmt.Fprintf(&b, "k%d: x\n", i)
	}
	return b.String()
}

// TestMost: as many entries as there may be can be read, and the mistake about
// one more stands at it.
func TestMost(t *testing.T) {
	t.Parallel()
	f := yamldoc.Format{Name: "case"}
	doc, list := f.Parse("f.yaml", []byte(numbered(yamldoc.MaxEntries)))
	if m, _ := doc.Root().(*yamldoc.Map); len(list) > 0 || len(m.Entries) != yamldoc.MaxEntries {
		t.Errorf("a mapping of %d entries: %v", yamldoc.MaxEntries, list)
	}
	_, list = f.Parse("f.yaml", []byte(numbered(yamldoc.MaxEntries+7)))
	if len(list) != 1 || list[0].Pos.Line != yamldoc.MaxEntries+1 {
		t.Errorf("the mistake is %v, want it in line %d", list, yamldoc.MaxEntries+1)
	}
}

// TestLongLine: places far behind in a line are those of a short one.
func TestLongLine(t *testing.T) {
	t.Parallel()
	for _, before := range []string{"x", "é", "€", "𝄞"} {
		for _, n := range []int{0, 1, 200, 255, 256, 257, 1000, 1001} {
			src := "a: 1\n{ b: \"" + strings.Repeat(before, n) + "\", b: 1, c: $(x), d: \"" + strings.Repeat(before, n) + "$(x)\" }\n"
			doc, list := yamldoc.Format{Name: "case", Many: true}.Parse("f.yaml", []byte(strings.Replace(src, "a: 1\n", "a: 1\n---\n", 1)))
			if len(list) != 1 || list[0].Pos.Line != 3 || list[0].Pos.Col != n+10 {
				t.Fatalf("%d × %s: mistakes %v, want one at 3:%d", n, before, list, n+10)
			}
			d := doc.Roots[1].(*yamldoc.Map).Get("d").(*yamldoc.Scalar).Text
			at := diag.Pos{File: "f.yaml", Line: 3, Col: 2*n + 29}
			for _, text := range []yamldoc.Text{d, d.Aligned()} {
				if got := text.At(strings.Index(d.Value, "$")); got != at {
					t.Fatalf("%d × %s: At is %v, want %v", n, before, got, at)
				}
			}
		}
	}
}

func TestAliases(t *testing.T) {
	t.Parallel()
	src := "base: &base { a: 1, b: [x] }\none: *base\ntwo: { <<: *base, a: 2, c: &text word }\nthree: { <<: [{ d: 4 }, *base], e: *text }\n"
	got := yamldoc.Plain(root(t, yamldoc.Format{Name: "case", Aliases: true}, src))
	base := map[string]any{"a": 1, "b": []any{"x"}}
	want := map[string]any{
		"base": base, "one": base,
		"two":   map[string]any{"a": 2, "b": []any{"x"}, "c": "word"},
		"three": map[string]any{"a": 1, "b": []any{"x"}, "d": 4, "e": "word"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Plain (-want +got):\n%s", diff)
	}
	if _, list := flows.Parse("f.yaml", []byte(src)); len(list) != 6 {
		t.Errorf("where they are not understood: %v, want a mistake for each of 2 anchors, 2 aliases and 2 merge keys", list)
	}
}

func TestComments(t *testing.T) {
	t.Parallel()
	src := "# top\na: 1 # behind\nb: | # of the block\n  text # of it\n  # this too\n# between\nc: 'it''s # no' # yes\n" +
		"d: { e: f#g, h: \"# i\" } # j\nk: a\n  # in the middle of nothing\nl: >-\n\n  # text\n\n# last"
	doc, list := flows.Parse("f.yaml", []byte(src))
	if len(list) > 0 {
		t.Fatal(list)
	}
	var got []string
	for _, c := range doc.Comments() {
		got = append(got, fmt.Sprintf("%s %v %s", place(c.Pos), c.Own, c.Text))
	}
	want := []string{
		"1:1 true # top", "2:6 false # behind", "3:6 false # of the block", "6:1 true # between", "7:17 false # yes",
		"8:25 false # j", "10:3 true # in the middle of nothing", "15:1 true # last",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Comments (-want +got):\n%s", diff)
	}
}

func TestPos(t *testing.T) {
	t.Parallel()
	doc, _ := flows.Parse("f.yaml", []byte("a:\n  b: [x, { c: 1 }]\n  d.e: 2\n  d: { e: 3, f: }\n"))
	for path, want := range map[string]string{
		"": "1:1", "a": "1:1", "a.b": "2:3", "a.b[0]": "2:7", "a.b[1]": "2:10", "a.b[1].c": "2:15", "a.b[9]": "2:3", "a.d.e": "3:8", "a.d.f": "4:14",
		"a.d.none.at.all": "4:3", "none": "1:1",
	} {
		if got := place(doc.Pos(path)); got != want {
			t.Errorf("Pos(%q) = %s, want %s", path, got, want)
		}
	}
	empty, _ := flows.Parse("f.yaml", nil)
	if got := empty.Pos("a"); got != (diag.Pos{File: "f.yaml"}) {
		t.Errorf("Pos in nothing = %v", got)
	}
}

func TestParseHalf(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, src, want string }{
		{"whole", "a: 1\n", `{"a":1}`},
		{"an open quote at the end", "a: 1\nb:\n  c: 2\n  d: \"x", `{"a":1,"b":{"c":2}}`},
		{"an open brace in the middle", "a: { b: 1\nc:\n  d: 2\n", `{"c":{"d":2}}`},
		{"a line in an entry", "n:\n  x:\n    a: 1\n    b: c: d\n    e: 2\n  y:\n    f: 3\n", `{"n":{"x":{"a":1,"e":2},"y":{"f":3}}}`},
		{"an entry of another indent", "n:\n  x:\n    a: 1\n   y:\n    b: 2\n  z:\n    c: 3\n", `{"n":{"x":{"a":1},"z":{"c":3}}}`},
		{"a line that lost its indent", "n:\n  x:\n    a: 1\nb: 2\n    c: 3\n  y:\n    d: 4\ne: 5\n", `{"e":5,"n":{"x":{"a":1,"c":3},"y":{"d":4}}}`},
		{"tabs", "a: 1\n\tb: 2\nc: 3\n", `{"a":1,"c":3}`},
		{"nothing that is YAML", "[\n]]\n", `null`},
		{"a byte that is none", "a: 1\nb: \xff\n", `null`},
	} {
		doc, list, whole := flows.ParseHalf("f.yaml", []byte(tt.src))
		got, err := json.Marshal(yamldoc.Plain(doc.Root()))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != tt.want || whole == list.HasErrors() || whole != (tt.name == "whole") {
			t.Errorf("%s: ParseHalf = %s, %v, %v; want %s", tt.name, got, list, whole, tt.want)
		}
	}
}

// TestReader: what is read, how each value that does not fit is told, and that
// reading goes on.
func TestReader(t *testing.T) {
	t.Parallel()
	r := yamldoc.Reader{Invalid: "bad"}
	var got struct {
		text, any string
		list      []string
		yes       bool
		count     int
		above     float64
		size      int64
		wait      yamldoc.Duration
	}
	read := func(src string) {
		r.Mistakes, r.Misread = nil, 0
		r.Object(yamldoc.Field{What: "the file", Value: root(t, flows, src)}, map[string]string{"words": "text"},
			yamldoc.Key{Name: "text", Required: true, Read: yamldoc.Into(&got.text, r.Str)},
			yamldoc.Key{Name: "any", MayBeBlank: true, Read: func(f yamldoc.Field) { got.any = r.AnyText(f).Value }},
			yamldoc.Key{Name: "list", Read: yamldoc.Into(&got.list, r.Strs)},
			yamldoc.Key{Name: "yes", Read: yamldoc.Into(&got.yes, r.Bool)},
			yamldoc.Key{Name: "count", Read: yamldoc.Into(&got.count, r.Count)},
			yamldoc.Key{Name: "above", Read: yamldoc.Into(&got.above, r.Above)},
			yamldoc.Key{Name: "size", Read: yamldoc.Into(&got.size, r.Size)},
			yamldoc.Key{Name: "wait", Read: func(f yamldoc.Field) { got.wait = r.Duration(f, time.Second) }},
		)
	}
	read("text: a\nany: ''\nlist: [b, 7]\nyes: true\ncount: 1_000\nabove: 2.50\nsize: 64 KiB\nwait: 1d\n")
	if len(r.Mistakes) > 0 || got.text != "a" || len(got.list) != 2 || got.list[1] != "7" || !got.yes || got.count != 1000 || got.above != 2.5 || got.size != 64<<10 || got.wait.Value != 24*time.Hour {
		t.Errorf("read %+v, %v", got, r.Mistakes)
	}
	read("words: a\nany:\nlist: [b, 3.10, { c: d }]\nyes: yes\ncount: 0\nabove: x\nsize: big\nwait: 5\nnext: 1\n")
	var told []string
	for _, e := range r.Mistakes.Sorted() {
		told = append(told, strings.TrimPrefix(e.Error(), "f.yaml:"))
	}
	want := []string{
		`1:1: the file has no key "words"; did you mean "text"? [unknown-key]`,
		`3:11: as a number 3.10 would become 3.1; write 3.1 if the number is meant, or "3.10" in quotes to keep the text [yaml-number]`,
		`3:17: "list[2]" is a mapping, expected a text [wrong-type]`,
		`4:6: "yes" is the text "yes", expected true or false; write true [wrong-type]`,
		`5:8: "count" is "0", expected a whole number of at least 1 [bad]`,
		`6:8: "above" is the text "x", expected a number above 0 [wrong-type]`,
		`7:7: "size": "big" is not a size, expected one such as "256KB" or "64MiB" [bad]`,
		`8:7: "wait": "5" is not a duration, expected one such as "200ms", "5s", "1h30m" or "2d"; did you mean "5s"? [invalid-duration]`,
		`9:1: the file has no key "next"; did you mean "text"? [unknown-key]`,
	}
	if diff := cmp.Diff(want, told); diff != "" || r.Misread != 6 {
		t.Errorf("%d were misread, want 6 (-want +told):\n%s", r.Misread, diff)
	}
}

// TestEncode: what is written is read back the same, without a mistake.
func TestEncode(t *testing.T) {
	t.Parallel()
	for _, v := range []any{
		"3.10", "6063e25", "1_000", "0x1F", "0123", "+5", "yes", "off", "2026-11-20", "", "null", "~", "a: b", "# c", "multi\nline\n",
		0, -7, 2500000.5, 1e21, 1e-7, 6.063e28, 123456789012.5, json.Number("123456789012345678901234567890"), true, nil,
	} {
		text, err := yamldoc.Encode(yamldoc.Writable(map[string]any{"v": v, "list": []any{v}}))
		if err != nil {
			t.Fatal(err)
		}
		var list diag.List
		tree := root(t, flows, string(text))
		yamldoc.CheckNumbers(tree, &list)
		yamldoc.CheckWords(tree, &list)
		if got := yamldoc.Plain(tree.(*yamldoc.Map).Get("v")); got != v || len(list) > 0 {
			t.Errorf("%#v was written as %q and read as %#v, %v", v, text, got, list)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	src := []byte("a:\n" + strings.Repeat("  - b: word\n    c: [1, 2.5, \"x\"]\n    d: |\n      text\n      more\n", 200))
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, list := flows.Parse("f.yaml", src); len(list) > 0 {
			b.Fatal(list)
		}
	}
}
