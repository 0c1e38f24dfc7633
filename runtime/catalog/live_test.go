package catalog_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
)

func flowFile(name string) string {
	return "flow: " + name + "\nnodes:\n  n1: { type: webhook, with: { path: /" + name + " } }\n"
}

// TestLive: whatever is wrong after a change stays as it was.
func TestLive(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, src string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var told diag.List
	var refused diag.List
	var unready error
	cfg := catalog.LiveConfig{
		Paths:   []string{dir},
		Flows:   func() flow.Config { return config(t) },
		Check:   func(*catalog.Set) diag.List { return refused },
		Prepare: func(context.Context, *catalog.Set) error { return unready },
		Tell:    func(l diag.List) { told = l },
		Log:     slog.New(slog.DiscardHandler),
	}
	write("a.yaml", "flow: a\nnodes: {}\n")
	live, mistakes, err := catalog.OpenLive(t.Context(), cfg)
	if err != nil || !mistakes.HasErrors() || len(live.Set().Flows()) != 0 || len(live.Mistakes()) != 1 {
		t.Fatalf("OpenLive with a mistake = %v, %v, %v", live, mistakes, err)
	}
	cfg.Stored = func(_ context.Context, file, name string) *flow.Flow {
		f, _ := flow.Load(file, []byte(flowFile(name)), config(t))
		return f
	}
	live, _, err = catalog.OpenLive(t.Context(), cfg)
	if err != nil || live.Set().Flow("a") == nil || live.Set().Hooks()[0].Path.String() != "a" || len(live.Mistakes()) != 1 {
		t.Fatalf("OpenLive with a good version before = %v, %v", live, err)
	}
	cfg.Stored = nil
	write("a.yaml", flowFile("a"))
	unready = errors.New("no plugin")
	if live, _, err := catalog.OpenLive(t.Context(), cfg); live != nil || !errors.Is(err, unready) {
		t.Fatalf("OpenLive of what cannot be prepared = %v, %v", live, err)
	}
	unready = nil
	if live, mistakes, err = catalog.OpenLive(t.Context(), cfg); err != nil || mistakes.HasErrors() {
		t.Fatalf("OpenLive: %v, %v", err, mistakes)
	}
	names := func(want ...string) {
		t.Helper()
		var got []string
		for _, f := range live.Set().Flows() {
			got = append(got, f.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("flows (-want +got):\n%s", diff)
		}
	}
	names("a")

	write("a.yaml", "flow: a\nnodes: {}\n")
	write("b.yaml", flowFile("b"))
	live.Reload(t.Context())
	names("a", "b") // a as it was
	if !told.HasErrors() {
		t.Error("nobody was told what is wrong with a")
	}
	write("a.yaml", flowFile("c"))
	refused.Errorf(diag.Pos{File: "wend.yaml"}, "x", "no")
	live.Reload(t.Context())
	names("a", "b")
	refused, unready = nil, errors.New("no plugin")
	live.Reload(t.Context())
	names("a", "b")
	unready = nil
	live.Reload(t.Context())
	names("b", "c")
	if err := os.Remove(filepath.Join(dir, "b.yaml")); err != nil {
		t.Fatal(err)
	}
	live.Reload(t.Context())
	names("c")

	// Who comes to a name or a path that is taken stays out, whatever its file is called.
	write("0.yaml", flowFile("c"))
	write("1.yaml", "flow: thief\nnodes:\n  n1: { type: webhook, with: { path: /c } }\n")
	write("2.yaml", flowFile("d"))
	live.Reload(t.Context())
	names("c", "d")
	if f := live.Set().Flow("c"); filepath.Base(f.File) != "a.yaml" || len(live.Mistakes()) != 2 {
		t.Errorf("c is that of %s, with %v", f.File, live.Mistakes())
	}
	// At the start the first has it.
	if live, _, err = catalog.OpenLive(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	names("c", "d")
}

// TestPast: a run has the flow and the plugins that it began with.
func TestPast(t *testing.T) {
	t.Parallel()
	newest := config(t)
	now, mistakes := flow.Load("a.yaml", []byte(flowFile("a")), newest)
	if now == nil {
		t.Fatal(mistakes)
	}
	blobs := journal.NewMemory(10)
	before := "flow: a\ndescription: as it was\nnodes:\n  n1: { type: webhook, with: { path: /old } }\n"
	if err := blobs.PutBlob(t.Context(), "old", []byte(before)); err != nil {
		t.Fatal(err)
	}
	asked := 0
	past := catalog.NewPast(catalog.PastConfig{
		Live:  func(string) *flow.Flow { return now },
		Blobs: blobs,
		Types: func(_ context.Context, plugins map[string]string) (*node.Set, error) {
			asked++
			if plugins["p/say"] == "lost" {
				return nil, errors.New("no plugin")
			}
			return newest.Types, nil
		},
	})
	if f, err := past.Flow(t.Context(), journal.Summary{Flow: "a", FlowDigest: now.Digest}); f != now || err != nil || asked != 0 {
		t.Errorf("Flow of a run of now = %v, %v", f, err)
	}
	old := journal.Summary{Flow: "a", FlowDigest: "old"}
	f, err := past.Flow(t.Context(), old)
	if err != nil || f.Description != "as it was" {
		t.Fatalf("Flow of a run of old = %v, %v", f, err)
	}
	if again, err := past.Flow(t.Context(), old); again != f || err != nil || asked != 1 {
		t.Errorf("the second time: %v, %v after %d compilations", again, err, asked)
	}
	old.Plugins = map[string]string{"p/say": "lost"}
	if _, err := past.Flow(t.Context(), old); err == nil {
		t.Error("a run whose plugin is lost has a flow")
	}
	if _, err := past.Flow(t.Context(), journal.Summary{Flow: "a", FlowDigest: "lost"}); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("Flow whose source is lost = %v", err)
	}
}

// TestRoom: what is dropped into the folder is served as far as there is room
// for it, and takes none from what is live.
func TestRoom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name string, nodes int, rest string) {
		t.Helper()
		src := flowFile(name)
		for i := range nodes - 1 {
			src += fmt.Sprintf("  m%d: { type: log, with: { message: x } }\n", i)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(src+rest), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	nodes := func(set *catalog.Set) map[string]int {
		n := map[string]int{}
		for _, f := range set.Flows() {
			n[f.Name] = len(f.Nodes)
		}
		return n
	}
	var told diag.List
	cfg := config(t)
	cfg.Nodes = 10
	write("m", 4, "")
	live, _, err := catalog.OpenLive(t.Context(), catalog.LiveConfig{
		Paths:   []string{dir},
		Flows:   func() flow.Config { return cfg },
		Check:   func(*catalog.Set) diag.List { return nil },
		Prepare: func(context.Context, *catalog.Set) error { return nil },
		Tell:    func(l diag.List) { told = l },
		Log:     slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		what  string
		write func()
		want  map[string]int
		told  string
	}{
		{"a newcomer too large", func() { write("a", 7, "") }, map[string]int{"m": 4}, "has 7 nodes, and of the 10 that all flows may have together 6 are left"},
		{"one that fits", func() { write("a", 5, "") }, map[string]int{"a": 5, "m": 4}, ""},
		{"what is live grows beyond", func() { write("m", 6, "") }, map[string]int{"a": 5, "m": 4}, "has 6 nodes, and of the 10 that all flows may have together 5 are left"},
		{"and up to the limit", func() { write("m", 5, "") }, map[string]int{"a": 5, "m": 5}, ""},
		{"a file of comments", func() { write("b", 1, "#"+strings.Repeat("x", 4000)) }, map[string]int{"a": 5, "m": 5}, "of the 4000 that all flow files may have together"},
	} {
		step.write()
		live.Reload(t.Context())
		if diff := cmp.Diff(step.want, nodes(live.Set())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.what, diff)
		}
		if err := told.Err(); (err != nil) != (step.told != "") || err != nil && !strings.Contains(err.Error(), step.told) {
			t.Errorf("%s: told %v, want %q", step.what, err, step.told)
		}
	}
}
