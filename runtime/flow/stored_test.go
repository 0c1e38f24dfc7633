package flow_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/flow"
)

// older is a flow as a Wend of another day may have taken it: nothing in it
// keeps its runs from going on, and today's checks refuse it ten times.
const older = `flow: Older
variables: { version: 3.10, error: x, since: 2026-11-20, total: 1_000 }
colour: red
nodes:
  n1: { type: webhook, with: { path: "no path", verify: "", body: { properties: { id: { type: integer } } } }, next: n2 }
  n2:
    type: log
    with: { message: '$(n1.nosuch ?? "nothing") $(8 // 2) $("a" + n1.nosuch ?? "b") $({a: 1, a: 2})', level: loud }
    retry: { max: 5000, on: [onTimeout] }
    next: n3
    outcomes: { onGone: n3 }
  n3:
    type: http
    connection: nowhere
    with: { url: "https://example.com/$(n9.status ?? 1)", body: { version: 3.10, total: $(total) } }
    next: n4
  n9: { type: http, with: { url: "https://example.com" }, next: n4 }
  n4: { type: respond, with: { status: ten, body: $(n9.status) } }
`

func TestLoadStored(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	cfg.Connections = []string{"shop"}
	if f, mistakes := flow.Load("older.yaml", []byte(older), cfg); f != nil || len(mistakes) < 10 {
		t.Fatalf("Load = %v, %v; want at least ten mistakes", f, mistakes)
	}
	f, mistakes := flow.LoadStored("older.yaml", []byte(older), cfg)
	if f == nil {
		t.Fatal(mistakes.Err())
	}
	if f.Nodes["n2"].Routes["success"] != "n3" || f.Nodes["n3"].Routes["success"] != "n4" || f.Variables["version"] != 3.1 || f.Variables["total"] != "1_000" {
		t.Errorf("LoadStored = %+v, %v", f.Nodes["n2"].Routes, f.Variables)
	}
	names := map[string]any{"n1": map[string]any{"id": 7}, "total": "1_000"}
	if in, err := f.Nodes["n2"].Eval(expand.Env{Names: names}); err == nil || !strings.Contains(err.Error(), "level") {
		t.Errorf("Eval of n2 = %v, %v; want an error about the level alone", in, err)
	}
	in, err := f.Nodes["n3"].Eval(expand.Env{Names: names})
	if err != nil || in["url"] != "https://example.com/1" {
		t.Errorf("Eval of n3 = %v, %v", in, err)
	}
	// What does not fit its schema shows when the node is run.
	if in, err := f.Nodes["n4"].Eval(expand.Env{Names: names}); err == nil || !strings.Contains(err.Error(), "status") {
		t.Errorf("Eval of n4 = %v, %v; want an error about the status", in, err)
	}
}

// TestLoadStoredAsLoad: a flow that is in order is the same either way.
func TestLoadStoredAsLoad(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	for file, src := range shipped(t) {
		a, _ := flow.Load(file, src, cfg)
		b, mistakes := flow.LoadStored(file, src, cfg)
		if b == nil || a.Digest != b.Digest || len(a.Edges()) != len(b.Edges()) {
			t.Errorf("%s: LoadStored = %v, %v", file, b, mistakes.Err())
		}
	}
}

func TestLoadStoredRefuses(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	const head = "flow: f\nnodes:\n  n1: { type: webhook, with: { path: /a }, next: n2 }\n  n2: "
	for what, src := range map[string]string{
		"[yaml-comma]":         head + "{ type: log, with: { message: $(max(1, 2)) } }",
		"[invalid-yaml]":       head + "{",
		"[missing-key]":        head + "{ with: { message: a } }",
		"[unknown-node-type]":  head + "{ type: gone/away }",
		"[unknown-node]":       head + "{ type: log, with: { message: a }, next: n3 }",
		"[target-is-trigger]":  head + "{ type: log, with: { message: a }, next: n1 }",
		"[unknown-input]":      head + "{ type: log, with: { message: a, colour: red } }",
		"[unknown-function]":   head + "{ type: log, with: { message: $(shout(run.id)) } }",
		"[unknown-reference]":  head + "{ type: log, with: { message: $(nobody) } }",
		"[invalid-expression]": head + "{ type: log, with: { message: $(run.id +) } }",
		"[empty-value]":        "# nothing",
	} {
		f, mistakes := flow.LoadStored("f.yaml", []byte(src), cfg)
		if f != nil || !strings.Contains(mistakes.Err().Error(), what) {
			t.Errorf("LoadStored(%q) = %v, %v; want %s", src, f, mistakes, what)
		}
	}
}

// TestPreventsRuns holds that somebody decided of every code whether it keeps a
// stored flow from running.
func TestPreventsRuns(t *testing.T) {
	t.Parallel()
	codes := map[diag.Code]bool{}
	for _, name := range []string{"codes.go", "codes_flow.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), "../diag/"+name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			for _, s := range decl.(*ast.GenDecl).Specs {
				value, ok := s.(*ast.ValueSpec)
				if !ok {
					continue
				}
				text, err := strconv.Unquote(value.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				codes[diag.Code(text)] = true
			}
		}
	}
	for code := range codes {
		if _, ok := flow.PreventsRuns[code]; !ok {
			t.Errorf("stored.go does not say whether %q keeps a stored flow from running", code)
		}
	}
	for code := range flow.PreventsRuns {
		if !codes[code] {
			t.Errorf("stored.go knows %q, which is no code any more", code)
		}
	}
}
