package spec_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/spec"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// golden runs got over every x.yaml of the archives under dir and compares the
// answer with x.out beside it. UPDATE=1 rewrites the answers.
func golden(t *testing.T, dir string, got func(t *testing.T, name string, src []byte) string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", dir, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives in testdata/%s: %v", dir, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			updated := &txtar.Archive{Comment: ar.Comment}
			want := map[string]string{}
			for _, f := range ar.Files {
				want[f.Name] = string(f.Data)
			}
			for _, f := range ar.Files {
				name, isFlow := strings.CutSuffix(f.Name, ".yaml")
				if !isFlow {
					continue
				}
				out := got(t, f.Name, f.Data)
				updated.Files = append(updated.Files, f, txtar.File{Name: name + ".out", Data: []byte(out)})
				if diff := cmp.Diff(want[name+".out"], out); diff != "" && os.Getenv("UPDATE") == "" {
					t.Errorf("%s (-want +got):\n%s", f.Name, diff)
				}
			}
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(file, txtar.Format(updated), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestParseMistakes(t *testing.T) {
	t.Parallel()
	golden(t, "err", func(t *testing.T, name string, src []byte) string {
		_, list := spec.Parse(name, src)
		if len(list) == 0 {
			t.Errorf("Parse(%s) found no mistake", name)
		}
		var b bytes.Buffer
		diag.Print(&b, list, func(string) []byte { return src })
		return b.String()
	})
}

func TestParseFlows(t *testing.T) {
	t.Parallel()
	golden(t, "ok", func(t *testing.T, name string, src []byte) string {
		f, list := spec.Parse(name, src)
		if len(list) > 0 {
			t.Fatalf("Parse(%s): %v", name, list.Err())
		}
		return dump(t, f)
	})
}

// dump writes a flow with the place of everything in it.
func dump(t *testing.T, f *spec.Flow) string {
	t.Helper()
	var b strings.Builder
	text := func(what string, x yamldoc.Text) {
		if x.Given() {
			fmt.Fprintf(&b, "%-28s %-6s %q\n", what, place(x.Pos), x.Value)
		}
	}
	duration := func(what string, d yamldoc.Duration) {
		if d.Pos.Line != 0 {
			fmt.Fprintf(&b, "%-28s %-6s %s\n", what, place(d.Pos), d.Value)
		}
	}
	routes := func(what string, routes []spec.Route) {
		for _, r := range routes {
			text(what+" "+r.Outcome.Value, r.Target)
		}
	}
	retry := func(what string, r *spec.Retry) {
		if r != nil {
			fmt.Fprintf(&b, "%-28s %-6s max %d\n", what, place(r.Pos), r.Max)
			for _, on := range r.On {
				text(what+".on", on)
			}
			duration(what+".delay", r.Delay)
			duration(what+".maxDelay", r.MaxDelay)
		}
	}
	data := func(what string, v yamldoc.Value) {
		if v == nil {
			return
		}
		plain, err := json.Marshal(yamldoc.Plain(v))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%-28s %-6s %s\n", what, place(v.Pos()), plain)
	}
	text("flow", f.Name)
	text("description", f.Description)
	duration("timeout", f.Timeout)
	if f.Durable != nil {
		fmt.Fprintf(&b, "%-28s %-6s %v\n", "durable", "", *f.Durable)
	}
	if f.Visits != 0 {
		fmt.Fprintf(&b, "%-28s %-6s %d\n", "visits", "", f.Visits)
	}
	for _, v := range f.Variables {
		data("variable "+v.Name.Value, v.Value)
	}
	duration("defaults.timeout", f.Defaults.Timeout)
	retry("defaults.retry", f.Defaults.Retry)
	routes("defaults.outcome", f.Defaults.Outcomes)
	for _, n := range f.Nodes {
		text("node", n.ID)
		text("  name", n.Name)
		text("  type", n.Type)
		text("  connection", n.Connection)
		data("  with", n.With)
		duration("  timeout", n.Timeout)
		retry("  retry", n.Retry)
		text("  next", n.Next)
		routes("  outcome", n.Outcomes)
	}
	return b.String()
}

func place(p diag.Pos) string { return fmt.Sprintf("%d:%d", p.Line, p.Col) }

// The library's limits are far higher than ours; neither may be reached.
func TestParseDeep(t *testing.T) {
	t.Parallel()
	for _, open := range []string{"[", "{a: ", "- ", "? "} {
		_, list := spec.Parse("deep.yaml", []byte("flow: deep\nnodes:\n  n1:\n    type: log\n    with:\n      x: \n       "+strings.Repeat(open, 20_000)))
		if !list.HasErrors() {
			t.Errorf("20000 times %q: no mistake", open)
		}
	}
}

// A quote that opens far above the end is not searched for.
func TestParseUnclosedFarAway(t *testing.T) {
	t.Parallel()
	src := "flow: \"x\n" + strings.Repeat("a: b\n", 500)
	flow, list := spec.Parse("f.yaml", []byte(src))
	if flow != nil || len(list) != 1 || list[0].Pos.Line != 502 || !strings.Contains(list[0].Msg, "further up") {
		t.Errorf("Parse = %v, %v, want one mistake at the end of the file", flow, list)
	}
}
