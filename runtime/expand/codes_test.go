package expand_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wendflow/wend/runtime/diag"
)

// TestCodes runs the failing flow in the comment of every code that Parse and
// Compile report. The codes of later stages are tested with those.
func TestCodes(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../diag/codes.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, decl := range file.Decls {
		for _, s := range decl.(*ast.GenDecl).Specs {
			c := s.(*ast.ValueSpec)
			code, err := strconv.Unquote(c.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			found++
			t.Run(code, func(t *testing.T) {
				t.Parallel()
				name, flow := example(c.Doc.Text())
				if name != c.Names[0].Name {
					t.Errorf("the comment begins %q, want %q", name, c.Names[0].Name)
				}
				mistakes := mistakesOf("f.yaml", []byte(flow))
				if !slices.ContainsFunc(mistakes, func(e *diag.Error) bool { return string(e.Code) == code }) {
					t.Errorf("the flow has other mistakes: %v\n%s", mistakes, flow)
				}
			})
		}
	}
	if found < 20 {
		t.Errorf("found %d codes, want all", found)
	}
}

// example returns the name that a comment explains and its indented lines.
func example(comment string) (name, flow string) {
	name, _, _ = strings.Cut(comment, ":")
	var b strings.Builder
	for line := range strings.Lines(comment) {
		if code, ok := strings.CutPrefix(line, "\t"); ok {
			b.WriteString(code)
		}
	}
	return name, b.String()
}
