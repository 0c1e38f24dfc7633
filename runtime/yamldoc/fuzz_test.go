package yamldoc_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// FuzzParse holds that no file makes a panic, that every mistake, text and
// comment has a place inside the file, and that every text is found where it
// says, for files as a whole and for what is left of broken ones.
func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"../spec/testdata/*/*.txtar", "../config/testdata/*/*.txtar", "../plugincase/testdata/*.txtar"} {
		archives, err := filepath.Glob(pattern)
		if err != nil || len(archives) == 0 {
			f.Fatalf("%s: %v", pattern, err)
		}
		for _, name := range archives {
			ar, err := txtar.ParseFile(name)
			if err != nil {
				f.Fatal(err)
			}
			for _, file := range ar.Files {
				if strings.HasSuffix(file.Name, ".yaml") {
					f.Add(file.Data)
				}
			}
		}
	}
	f.Add([]byte("a: &a { a: *a }\nb: [&b [*b, *b, *b], *b] # comment\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, format := range []yamldoc.Format{{Name: "flow"}, {Name: "case", Many: true, Aliases: true}} {
			d, list := format.Parse("f.yaml", src)
			check(t, d, list, src, !format.Aliases)
			half, list, whole := format.ParseHalf("f.yaml", src)
			check(t, half, list, src, whole && !format.Aliases)
		}
	})
}

func check(t *testing.T, d *yamldoc.Document, list diag.List, src []byte, aligned bool) {
	t.Helper()
	for _, e := range list {
		if !inside(e.Pos, src) {
			t.Errorf("%v: outside the file", e)
		}
	}
	diag.Print(&bytes.Buffer{}, list, func(string) []byte { return src })
	for _, c := range d.Comments() {
		if !inside(c.Pos, src) || !strings.HasPrefix(string(lineOf(src, c.Pos.Line)[c.Pos.Col-1:]), c.Text) {
			t.Errorf("%v: no comment %q", c.Pos, c.Text)
		}
	}
	for _, root := range d.Roots {
		checkValue(t, root, src, aligned)
		var mistakes diag.List
		yamldoc.CheckNumbers(root, &mistakes)
		yamldoc.CheckWords(root, &mistakes)
	}
}

func checkValue(t *testing.T, v yamldoc.Value, src []byte, aligned bool) {
	t.Helper()
	switch v := v.(type) {
	case *yamldoc.Scalar:
		checkText(t, v.Text, src, aligned)
	case *yamldoc.Map:
		for _, e := range v.Entries {
			checkText(t, e.Key, src, aligned)
			checkValue(t, e.Value, src, aligned)
		}
	case *yamldoc.List:
		for _, item := range v.Items {
			checkValue(t, item, src, aligned)
		}
	}
}

func checkText(t *testing.T, text yamldoc.Text, src []byte, aligned bool) {
	t.Helper()
	if !text.Given() || text.Value == "" {
		return
	}
	for _, offset := range []int{0, len(text.Value) / 2, len(text.Value)} {
		if pos := text.At(offset); !inside(pos, src) {
			t.Errorf("%q: At(%d) = %v, outside the file", text.Value, offset, pos)
		}
	}
	// A tag or an anchor, both mistakes, stands before the text.
	first := lineOf(src, text.Pos.Line)[text.Pos.Col-1:]
	if aligned && first[0] != '!' && first[0] != '&' && !yamldoc.Aligned(text) {
		t.Errorf("%v: %q is not what stands there", text.Pos, text.Value)
	}
}

// inside allows the place behind the last character of a line.
func inside(p diag.Pos, src []byte) bool {
	lines := bytes.Count(src, []byte("\n")) + 1
	return p.File == "f.yaml" && p.Line >= 1 && p.Line <= lines && p.Col >= 1 && p.Col <= len(lineOf(src, p.Line))+1
}

func lineOf(src []byte, n int) []rune {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	lines := bytes.SplitAfter(src, []byte("\n"))
	if !utf8.Valid(src) {
		return bytes.Runes(lines[n-1])
	}
	return []rune(string(lines[n-1]))
}
