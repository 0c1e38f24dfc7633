package flow_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
)

// config knows the built-in node types and those of the shipped plugins.
func config(tb testing.TB) flow.Config {
	tb.Helper()
	types := nodes.All()
	manifests, err := filepath.Glob("../../plugins/*/plugin.yaml")
	if err != nil || len(manifests) == 0 {
		tb.Fatalf("no plugins: %v", err)
	}
	for _, file := range manifests {
		m, mistakes := manifest.Parse(file, read(tb, file))
		if err := mistakes.Err(); err != nil {
			tb.Fatal(err)
		}
		more, err := m.Types("")
		if err != nil {
			tb.Fatal(err)
		}
		types = append(types, more...)
	}
	set, err := node.NewSet(types...)
	if err != nil {
		tb.Fatal(err)
	}
	return flow.Config{Types: set}
}

func read(tb testing.TB, file string) []byte {
	tb.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return src
}

// shipped are the flows that Wend comes with.
func shipped(tb testing.TB) map[string][]byte {
	tb.Helper()
	files, err := filepath.Glob("../../flows/*/*.yaml")
	files = slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, ".test.yaml") })
	if err != nil || len(files) < 20 {
		tb.Fatalf("flows: %v, %v", files, err)
	}
	flows := map[string][]byte{}
	for _, file := range files {
		flows[strings.TrimPrefix(file, "../../flows/")] = read(tb, file)
	}
	return flows
}

// TestCheck holds what is understood of whole, wrong and half flows to the files
// in testdata/draft. UPDATE=1 rewrites them.
func TestCheck(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/draft/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no drafts: %v", err)
	}
	cfg := config(t)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			src := ar.Files[0].Data
			got := dump(flow.Check("flow.yaml", src, cfg), src)
			if os.Getenv("UPDATE") != "" {
				ar.Files = []txtar.File{ar.Files[0], {Name: "draft", Data: []byte(got)}}
				if err := os.WriteFile(file, txtar.Format(ar), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(ar.Files[1].Data), got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", file, diff)
			}
		})
	}
}

// dump writes a draft as people read it.
func dump(d *flow.Draft, src []byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "flow %q at %d:%d, whole %v\n", d.Name, d.Pos.Line, d.Pos.Col, d.Whole)
	for _, n := range d.Nodes {
		known := "of unknown type"
		if n.Type != nil {
			known = "of type"
		}
		fmt.Fprintf(&b, "node %s %s %q at %d:%d, outputs %s\n", n.ID, known, n.TypeName, n.Pos.Line, n.Pos.Col, n.Outputs)
		for _, e := range d.Edges {
			if e.From == n.ID {
				fmt.Fprintf(&b, "  %s (%s) -> %q %s %d:%d\n", e.Outcome, e.Kind, e.To, e.Via, e.Pos.Line, e.Pos.Col)
			}
		}
		b.WriteString("  names:")
		for _, name := range d.Names(n.ID) {
			if name.Kind != flow.EngineName {
				fmt.Fprintf(&b, " %s%s", name.Name, map[bool]string{true: "", false: "?"}[name.Certain])
			}
		}
		b.WriteString("\n")
		dumpTemplates(&b, d, n.ID)
	}
	if head := slices.ContainsFunc(d.Templates(), func(x flow.Template) bool { return x.Node == "" }); head {
		b.WriteString("head\n  names:")
		for _, name := range d.Names("") {
			fmt.Fprintf(&b, " %s%s", name.Name, map[bool]string{true: "", false: "?"}[name.Certain])
		}
		b.WriteString("\n")
		dumpTemplates(&b, d, "")
	}
	var printed bytes.Buffer
	diag.Print(&printed, d.Mistakes, func(string) []byte { return src })
	return b.String() + printed.String()
}

func dumpTemplates(b *strings.Builder, d *flow.Draft, node string) {
	for _, x := range d.Templates() {
		if x.Node != node {
			continue
		}
		var refs []string
		for _, r := range x.Refs {
			refs = append(refs, strings.Join(append([]string{r.Name}, r.Path...), "."))
		}
		fmt.Fprintf(b, "  %s: $(%s) at %d:%d-%d:%d is %s, reads %s\n", strings.Join(x.Input, "."), x.Source, x.Pos.Line, x.Pos.Col, x.End.Line, x.End.Col, x.Type, refs)
	}
}

// TestEdges: a whole flow has the edges of its draft, and they are its routes.
func TestEdges(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	for file, src := range shipped(t) {
		f, mistakes := flow.Load(file, src, cfg)
		if f == nil {
			t.Fatal(mistakes.Err())
		}
		d := flow.Check(file, src, cfg)
		if diff := cmp.Diff(f.Edges(), d.Edges); diff != "" {
			t.Errorf("%s: Edges (-flow +draft):\n%s", file, diff)
		}
		if diff := cmp.Diff(mistakes, d.Mistakes); diff != "" {
			t.Errorf("%s: mistakes (-Load +Check):\n%s", file, diff)
		}
		routes := map[string]map[string]string{}
		for _, e := range f.Edges() {
			if routes[e.From] == nil {
				routes[e.From] = map[string]string{}
			}
			if e.To != "" {
				routes[e.From][e.Outcome] = e.To
			}
			if (e.To == "") != (e.Via == "") || (e.To == "") != (e.Pos.Line == 0) {
				t.Errorf("%s: %+v", file, e)
			}
		}
		for id, n := range f.Nodes {
			if diff := cmp.Diff(n.Routes, routes[id]); diff != "" {
				t.Errorf("%s: node %q (-routes +edges):\n%s", file, id, diff)
			}
		}
	}
}

// TestCheckCutFlows cuts every shipped flow behind every line, and the shortest
// behind every byte. Whatever stands whole before the cut is understood as in the whole
// flow.
func TestCheckCutFlows(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	flows := shipped(t)
	shortest := slices.MinFunc(slices.Sorted(maps.Keys(flows)), func(a, b string) int { return len(flows[a]) - len(flows[b]) })
	for file, src := range flows {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			whole := flow.Check(file, src, cfg)
			lines := 0
			for i := range src {
				if src[i] == '\n' {
					lines++
				}
				if src[i] != '\n' && file != shortest || lines%stride != 0 {
					continue
				}
				d := flow.Check(file, src[:i], cfg)
				line := 1 + bytes.Count(src[:i], []byte("\n"))
				for k, n := range whole.Nodes {
					if k+1 < len(whole.Nodes) && whole.Nodes[k+1].Pos.Line <= line {
						sameNode(t, fmt.Sprintf("cut behind line %d", line), whole, d, n.ID)
					}
				}
				inside(t, d, src[:i])
			}
		})
	}
}

// TestCheckDamagedFlows takes some bytes out of one node of every shipped flow.
// The other nodes are there, with their edges.
func TestCheckDamagedFlows(t *testing.T) {
	t.Parallel()
	cfg := config(t)
	for file, src := range shipped(t) {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(1, uint64(len(file))))
			whole := flow.Check(file, src, cfg)
			starts := lineStarts(src)
			for range 30 / stride {
				k := random.IntN(len(whole.Nodes))
				from, to := starts[whole.Nodes[k].Pos.Line], len(src)-1 // behind the line with its id
				if k+1 < len(whole.Nodes) {
					to = starts[whole.Nodes[k+1].Pos.Line-1] - 1
				}
				if to-from < 4 {
					continue
				}
				a := from + random.IntN(to-from-2)
				b := min(a+1+random.IntN(30), to-1)
				damaged := slices.Concat(src[:a], src[b:])
				d := flow.Check(file, damaged, cfg)
				for i, n := range whole.Nodes {
					if i != k {
						sameNode(t, fmt.Sprintf("without %q of node %q", src[a:b], whole.Nodes[k].ID), whole, d, n.ID)
					}
				}
				inside(t, d, damaged)
			}
		})
	}
}

func lineStarts(src []byte) []int {
	starts := []int{0}
	for i, c := range src {
		if c == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// sameNode compares what is known of a node itself. What the defaults and the
// variables of the flow add to it may be missing.
func sameNode(t *testing.T, when string, whole, d *flow.Draft, id string) {
	t.Helper()
	find := func(d *flow.Draft) (n flow.DraftNode, edges []flow.Edge) {
		for _, other := range d.Nodes {
			if other.ID == id {
				n = other
			}
		}
		for _, e := range d.Edges {
			if e.From == id && e.Via != flow.ViaDefaults && e.To != "" {
				e.Pos = diag.Pos{}
				edges = append(edges, e)
			}
		}
		return n, edges
	}
	want, wantEdges := find(whole)
	got, gotEdges := find(d)
	if got.ID != want.ID || got.Type != want.Type || got.TypeName != want.TypeName || got.Label != want.Label {
		t.Errorf("%s: node %q is %+v, want %+v", when, id, got, want)
	}
	if diff := cmp.Diff(wantEdges, gotEdges, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s: edges of node %q (-want +got):\n%s", when, id, diff)
	}
}

// inside holds that every place is in the file.
func inside(t *testing.T, d *flow.Draft, src []byte) {
	t.Helper()
	lines := strings.Split(string(src), "\n")
	check := func(what string, p diag.Pos) {
		if p.Line < 1 || p.Line > len(lines) || p.Col < 1 || p.Col > len([]rune(lines[p.Line-1]))+1 {
			t.Errorf("%s at %v is outside of the file", what, p)
		}
	}
	for _, e := range d.Mistakes {
		check(e.Error(), e.Pos)
	}
	for _, x := range d.Templates() {
		check(x.Source, x.Pos)
		check(x.Source, x.End)
		if x.Pos.Line == x.End.Line {
			line := []rune(lines[x.Pos.Line-1])
			if got := string(line[x.Pos.Col-1 : x.End.Col-1]); got != x.Source && !strings.ContainsAny(got, `\'`) {
				t.Errorf("the template $(%s) stands at %v, where %q is", x.Source, x.Pos, got)
			}
		}
	}
	if !d.Whole && !d.Mistakes.HasErrors() {
		t.Error("half a flow, and no mistake")
	}
}

// FuzzCheck: no flow, whole or half, makes a panic.
func FuzzCheck(f *testing.F) {
	for _, src := range shipped(f) {
		f.Add(src)
	}
	cfg := config(f)
	f.Fuzz(func(t *testing.T, src []byte) {
		d := flow.Check("f.yaml", src, cfg)
		for _, n := range d.Nodes {
			d.Names(n.ID)
		}
		if loaded, _ := flow.Load("f.yaml", src, cfg); (loaded != nil) == d.Mistakes.HasErrors() {
			t.Errorf("Load = %v, Check = %v", loaded, d.Mistakes)
		}
		flow.LoadStored("f.yaml", src, cfg)
	})
}

func BenchmarkCheck(b *testing.B) {
	cfg := config(b)
	src := shipped(b)["cisco-cce/sms.yaml"]
	for name, src := range map[string][]byte{"whole": src, "half": src[:len(src)-30]} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(src)))
			for b.Loop() {
				flow.Check("f.yaml", src, cfg)
			}
		})
	}
}
