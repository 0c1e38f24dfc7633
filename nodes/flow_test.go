package nodes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

// TestFlows runs every flow of testdata/flows and holds what happened at each
// node, or the mistakes of the flow, against what is written there. The file
// "replies" answers the calls, one by line: a status and a body, or a failure. Other flows are there to be
// called.
// UPDATE=1 writes what happened.
func TestFlows(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/flows/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no flows", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts := map[string]string{}
			for _, f := range archive.Files {
				parts[f.Name] = string(f.Data)
			}
			synctest.Test(t, func(t *testing.T) {
				got := runFlow(t, parts)
				if os.Getenv("UPDATE") == "" {
					diff(t, parts["want"], got)
					return
				}
				archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
				archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

func runFlow(t *testing.T, parts map[string]string) string {
	t.Helper()
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	others := map[string]*flow.Flow{}
	for name, src := range parts {
		if strings.HasSuffix(name, ".yaml") && name != "flow.yaml" {
			other, mistakes := flow.Load(name, []byte(src), flow.Config{Types: types})
			if other == nil {
				return mistakes.Err().Error() + "\n"
			}
			others[other.Name] = other
		}
	}
	f, mistakes := flow.Load("flow.yaml", []byte(parts["flow.yaml"]), flow.Config{Types: types, Callee: func(name string) (*flow.Signature, *diag.Error) {
		return others[name].Signature(), nil
	}})
	if f == nil {
		return mistakes.Err().Error() + "\n"
	}
	output := map[string]any{}
	if parts["input"] != "" {
		v, err := data.DecodeJSON([]byte(parts["input"]))
		if err != nil {
			t.Fatal(err)
		}
		output = v.(map[string]any)
	}
	eng := engine.New(engine.Config{
		Caller: newScript(t, parts["replies"]),
		Callee: func(name string) *flow.Flow { return others[name] },
		NewID:  func() string { return "01939c3e-0000-7000-8000-000000000001" },
	})
	r, _, err := eng.Start(t.Context(), engine.Start{Flow: f, Output: output})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	report, err := run.NewReport(f, r.Events())
	if err != nil {
		t.Fatal(err)
	}
	return show(t, report)
}

// show writes a line for each attempt and one for the run.
func show(t *testing.T, report *run.Report) string {
	t.Helper()
	b := &strings.Builder{}
	for _, n := range report.Nodes {
		fmt.Fprintf(b, "%s %s", n.Node, n.Outcome)
		if n.Duration > 0 {
			fmt.Fprintf(b, " after %gms", n.Duration)
		}
		for _, c := range n.Calls {
			fmt.Fprintf(b, " call %s %s", c.Method, c.URL)
		}
		if n.Children != nil {
			for _, c := range n.Children.Runs {
				fmt.Fprintf(b, " child %d %s", c.Index, c.Status)
			}
		}
		if n.Code != "" {
			fmt.Fprintf(b, " code %s", n.Code)
		}
		if n.Message != "" {
			fmt.Fprintf(b, " message %q", n.Message)
		}
		if len(n.Outputs) > 0 {
			fmt.Fprintf(b, " outputs %s", compact(t, n.Outputs))
		}
		if len(n.Set) > 0 {
			fmt.Fprintf(b, " set %s", compact(t, n.Set))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(b, "run %s %s", report.Status, report.Outcome)
	if report.Code != "" {
		fmt.Fprintf(b, " code %s", report.Code)
	}
	if report.Reason != "" {
		fmt.Fprintf(b, " reason %q", report.Reason)
	}
	if e := report.Error; e != nil {
		fmt.Fprintf(b, " error %s %s %d", e.Node, e.Outcome, e.Attempt)
	}
	if report.Response != nil {
		fmt.Fprintf(b, " response %s", compact(t, report.Response))
	}
	b.WriteString("\n")
	return b.String()
}

func compact(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// script answers calls with one line after the other.
type script struct {
	mu    sync.Mutex
	lines []string
	t     *testing.T
}

func newScript(t *testing.T, text string) *script {
	t.Helper()
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return &script{lines: lines, t: t}
}

func (s *script) Do(context.Context, outbound.Request) wire.Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.lines) == 0 {
		s.t.Error("a call that no reply is written for")
		return wire.Reply{Failure: wire.Unreachable}
	}
	line := s.lines[0]
	s.lines = s.lines[1:]
	var reply wire.Reply
	var body string
	if n, _ := fmt.Sscanf(line, "%d %s", &reply.Status, &body); n == 0 {
		return wire.Reply{Failure: wire.Failure(line), Message: "as the test says"}
	}
	reply.Body = []byte(body)
	if strings.HasPrefix(body, "{") {
		reply.Headers = map[string][]string{"content-type": {"application/json"}}
	}
	return reply
}

func (*script) Settings(string) map[string]any { return nil }
