package spec_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/spec"
)

// FuzzParse holds that Parse and ParseHalf never panic, and that every mistake
// has a place inside the file.
func FuzzParse(f *testing.F) {
	archives, err := filepath.Glob("testdata/*/*.txtar")
	if err != nil {
		f.Fatal(err)
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
	f.Fuzz(func(t *testing.T, src []byte) {
		flow, list := spec.Parse("f.yaml", src)
		if flow == nil && !list.HasErrors() {
			t.Fatal("neither a flow nor a mistake")
		}
		if _, half, whole := spec.ParseHalf("f.yaml", src); whole != (flow != nil) && whole != (list[0].Code == diag.EmptyValue || list[0].Code == diag.WrongType) {
			t.Errorf("ParseHalf: %v, %v", whole, half)
		} else {
			list = append(list, half...)
		}
		for _, e := range list {
			if !inside(e.Pos, src) {
				t.Errorf("%v: outside the file", e)
			}
		}
		diag.Print(&bytes.Buffer{}, list, func(string) []byte { return src })
	})
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

func BenchmarkParse(b *testing.B) {
	ar, err := txtar.ParseFile("testdata/ok/design.txtar")
	if err != nil {
		b.Fatal(err)
	}
	src := ar.Files[0].Data
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, list := spec.Parse("f.yaml", src); len(list) > 0 {
			b.Fatal(list.Err())
		}
	}
}

func ExampleParse() {
	_, mistakes := spec.Parse("hello.yaml", []byte(`flow: hello
nodes:
  n1:
    type: log
    with: { message: $(max(1, 2)) }
    nxt: n2
`))
	diag.Print(os.Stdout, mistakes, func(string) []byte { return nil })
	// Output:
	// hello.yaml:5:29: "," ends an unquoted value in { } and [ ] style and cuts the template short; put the whole value in quotes [yaml-comma]
	// hello.yaml:6:5: node "n1" has no key "nxt"; did you mean "next"? [unknown-key]
}
