package catalog_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/environment"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
)

// TestCodes runs the failing flow in the comment of every code of the stages
// behind the templates, so that the docs made from them are true.
func TestCodes(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../diag/codes_flow.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, decl := range file.Decls {
		for _, s := range decl.(*ast.GenDecl).Specs {
			c := s.(*ast.ValueSpec)
			code, err := strconv.Unquote(c.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(code, func(t *testing.T) {
				t.Parallel()
				files := write(t, example(c.Doc.Text()))
				if code == string(diag.Unreadable) {
					files = []string{filepath.Join(t.TempDir(), "missing.yaml")}
				}
				if code == string(diag.FlowNameTaken) {
					files = append(files, write(t, example(c.Doc.Text()))...)
				}
				cfg := config(t)
				if code == string(diag.TooManyFlows) {
					files, cfg.Nodes = write(t, "flow: large\nnodes:\n  n1: { type: webhook, with: { path: /a }, next: n2 }\n  n2: { type: log, with: { message: x } }\n"), 1
				}
				_, mistakes := catalog.Load(files, cfg)
				if !slices.ContainsFunc(mistakes, func(e *diag.Error) bool { return string(e.Code) == code }) {
					t.Errorf("the flow has other mistakes: %v", mistakes)
				}
			})
		}
	}
}

func config(t *testing.T) flow.Config {
	t.Helper()
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	cfg := environment.Flows(types, nil)
	cfg.Connections = []string{"cce"}
	return cfg
}

func write(t *testing.T, src string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "f.yaml")
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{file}
}

// example is what stands indented in a comment.
func example(comment string) string {
	var b strings.Builder
	for line := range strings.Lines(comment) {
		if code, ok := strings.CutPrefix(line, "\t"); ok {
			b.WriteString(code)
		}
	}
	return b.String()
}
