package plugincase_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/plugincase"
	"github.com/wendflow/wend/sdk/wire"
)

// method is a node type like that of a plugin. It asks for the calls that its
// input names, one after the other, and leaves by what the last reply says.
var method = &node.Type{
	Name: "shop/send",
	Outcomes: node.Outcomes{Success: "done", Fault: "onError", Invalid: "onInvalid", All: []node.Outcome{
		{Name: "done"}, {Name: "gone"}, {Name: "onError"}, {Name: "onInvalid"},
	}},
	Step: func(_ context.Context, v node.Visit) (node.Action, error) {
		v.Log("began")
		switch v.Inputs["fault"] {
		case "invalid":
			return nil, &node.InvalidError{Problems: []node.Problem{{Path: []string{"id"}, Msg: "expected a text"}}}
		case "trap":
			return nil, &node.Fault{Code: "trap", Msg: "it broke"}
		case "other":
			return nil, errors.New("something else")
		case "sleep":
			return node.Sleep{}, nil
		}
		calls, _ := v.Inputs["calls"].([]any)
		for i, c := range calls {
			v.Log(fmt.Sprintf("call %d", i+1))
			if i == len(v.Replies) {
				return node.Ask{Calls: []wire.Call{call(c)}}, nil
			}
		}
		out := map[string]any{"calls": len(v.Replies), "settings": v.Settings, "seed": v.Seed, "now": v.Now.Format("15:04:05"), "list": []any{1, 2.5}}
		for _, r := range v.Replies {
			out["last"] = string(r.Body) + string(r.Failure) + strings.Join(r.Headers["x-from"], "+")
		}
		if len(v.Replies) > 0 && v.Replies[len(v.Replies)-1].Status == 404 {
			return node.Finish{Outcome: "gone", Message: "it is gone"}, nil
		}
		return node.Finish{Outcome: "done", Outputs: out}, nil
	},
}

func call(v any) wire.Call {
	m := v.(map[string]any)
	headers := map[string]string{}
	for name, value := range m["headers"].(map[string]any) {
		headers[name] = value.(string)
	}
	return wire.Call{Method: "POST", URL: m["url"].(string), Headers: headers, Body: []byte(m["body"].(string))}
}

// TestCases plays the case of every archive in testdata and compares what is
// said about it with what stands in the archive.
func TestCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			src := archive.Files[0].Data
			got := []byte(played(t, src))
			if os.Getenv("UPDATE") != "" {
				archive.Files[1].Data = got
				if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := archive.Files[1].Data; !bytes.Equal(want, got) {
				t.Errorf("not what the archive holds; UPDATE=1 rewrites it (-want +got):\n%s", cmp.Diff(string(want), string(got)))
			}
		})
	}
}

func played(t *testing.T, src []byte) string {
	t.Helper()
	var out strings.Builder
	cases, mistakes := plugincase.Parse("case.yaml", src)
	if mistakes.HasErrors() != (cases == nil) {
		t.Errorf("Parse gives %d cases and the mistakes %v", len(cases), mistakes)
	}
	source := func(string) []byte { return src }
	diag.Print(&out, mistakes, source)
	for _, c := range cases {
		typ, wrong := c.Find("shop", []*node.Type{method})
		if typ == nil {
			fmt.Fprintln(&out, wrong.Err())
			continue
		}
		said := c.Play(t.Context(), typ)
		fmt.Fprintf(&out, "%s: %s, %d calls, log %q\n", c.Name, said.Outcome, len(said.Calls), said.Log)
		diag.Print(&out, c.Compare(said), source)
	}
	return out.String()
}
