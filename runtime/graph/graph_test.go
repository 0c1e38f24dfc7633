package graph_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/graph"
	"github.com/wendflow/wend/runtime/graphviz"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
)

// engine is the one Graphviz of all tests.
var engine = sync.OnceValues(func() (*graphviz.Engine, error) { return graphviz.New(context.Background()) })

// TestGolden draws the flows of testdata: alone, with a run, and beside an older
// version, if there are.
func TestGolden(t *testing.T) {
	t.Parallel()
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, file := range archives {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := read(t, file)
			f := load(t, "flow.yaml", files["flow.yaml"])
			golden(t, name, graph.Of(f))
			if raw, ok := files["run.json"]; ok {
				var report run.Report
				if err := json.Unmarshal([]byte(raw), &report); err != nil {
					t.Fatal(err)
				}
				g := graph.Of(f)
				if missing := g.Show(&report, report.Nodes); missing != nil {
					t.Errorf("missing: %q", missing)
				}
				golden(t, name+"-run", g)
			}
			if raw, ok := files["before.yaml"]; ok {
				golden(t, name+"-diff", graph.Diff(load(t, "before.yaml", raw), f))
			}
		})
	}
}

// golden holds a graph in all formats against testdata/NAME.*.
func golden(t *testing.T, name string, g *graph.Graph) {
	t.Helper()
	place(t, g)
	data, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	svg := g.SVG()
	for ext, got := range map[string]string{".mmd": g.Mermaid(), ".dot": g.DOT(), ".svg": svg, ".json": string(data) + "\n"} {
		file := filepath.Join("testdata", name+ext)
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
	checkPicture(t, g, svg)
	checkPlaces(t, g)
	e, err := engine()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Layout(t.Context(), g.DOT(), "plain"); err != nil {
		t.Errorf("Graphviz does not take the DOT: %v", err)
	}
	place(t, g)
	if again := g.SVG(); again != svg {
		t.Errorf("placed again it is another picture: %s", cmp.Diff(svg, again))
	}
}

// checkPicture holds that a picture is XML of few elements, and that all names
// stand in it as text.
func checkPicture(t *testing.T, g *graph.Graph, svg string) {
	t.Helper()
	var texts []string
	dec := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Errorf("no XML: %v\n%s", err, svg)
			return
		}
		switch token := token.(type) {
		case xml.StartElement:
			if !slices.Contains([]string{"svg", "title", "style", "defs", "marker", "g", "rect", "path", "text"}, token.Name.Local) {
				t.Errorf("an element %q", token.Name.Local)
			}
			for _, a := range token.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" {
					t.Errorf("an attribute %s=%q", a.Name.Local, a.Value)
				}
			}
		case xml.CharData:
			texts = append(texts, string(token))
		}
	}
	all := strings.Join(texts, "\n")
	for _, n := range g.Nodes {
		if n.Name != "" && !strings.Contains(all, n.Name) {
			t.Errorf("the name %q does not stand in the picture", n.Name)
		}
	}
}

// checkPlaces holds that boxes lie inside of the picture and not upon each
// other, and that lines begin and end at their boxes.
func checkPlaces(t *testing.T, g *graph.Graph) {
	t.Helper()
	for i, a := range g.Nodes {
		if a.X < 0 || a.Y < 0 || a.X+a.Width > g.Width+0.1 || a.Y+a.Height > g.Height+0.1 {
			t.Errorf("%s is outside of the picture", a.ID)
		}
		for _, b := range g.Nodes[i+1:] {
			if a.X < b.X+b.Width && b.X < a.X+a.Width && a.Y < b.Y+b.Height && b.Y < a.Y+a.Height {
				t.Errorf("%s lies upon %s", a.ID, b.ID)
			}
		}
	}
	near := func(n *graph.Node, p graph.Point) bool {
		const most = 12
		return p.X > n.X-most && p.X < n.X+n.Width+most && p.Y > n.Y-most && p.Y < n.Y+n.Height+most
	}
	for _, e := range g.Edges {
		if len(e.Points)%3 != 1 || e.Tip == nil || e.Label == nil {
			t.Errorf("%s to %s is not placed: %+v", e.From, e.To, e)
			continue
		}
		if !near(g.Node(e.From), e.Points[0]) || e.Short == nil && !near(g.Node(e.To), *e.Tip) {
			t.Errorf("%s to %s begins at %v and ends at %v", e.From, e.To, e.Points[0], *e.Tip)
		}
	}
}

func place(t *testing.T, g *graph.Graph) {
	t.Helper()
	e, err := engine()
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Place(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

// TestMissing tells what a run did that another version of its flow has not.
func TestMissing(t *testing.T) {
	t.Parallel()
	g := graph.Of(load(t, "f.yaml", "flow: f\nnodes:\n  n1: { type: manual, next: n2 }\n  n2: { type: end }\n"))
	got := g.Show(&run.Report{Run: "r"}, []run.Trace{
		{Node: "n1", Visit: 1, Outcome: "success"},
		{Node: "n7", Visit: 1, Outcome: "success"},
		{Node: "n7", Visit: 2, Outcome: "success"},
		{Node: "n2", Visit: 1, Outcome: "onError"},
		{Node: "n1", Visit: 2, Outcome: "success"},
	})
	want := []string{`n1 by outcome "success" to n7`, `node "n7"`, `n2 by outcome "onError" to n1`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
}

// TestTooLarge holds that what would take minutes is refused.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	g := &graph.Graph{Flow: "large", Nodes: make([]graph.Node, graph.MostNodes+1)}
	e, err := engine()
	if err != nil {
		t.Fatal(err)
	}
	const want = "the flow has 1001 nodes and 0 ways between them, expected 1000 nodes and 3000 ways at most to place them; as Mermaid and as DOT it can have more"
	if err := g.Place(t.Context(), e); err == nil || err.Error() != want {
		t.Errorf("Place: %v, want %s", err, want)
	}
}

// FuzzNames holds that whatever a name is made of, it stays a text in every
// format.
func FuzzNames(f *testing.F) {
	for _, s := range []string{`"`, "`a`", "<script>", "]]>", "#quot;", "&amp;", "\\N", "\\", "a\nb", "\x00", "\ufffe", "|", "%%{init: {}}%%", "--> x", "\u202e", "\xff", strings.Repeat("界", 99)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		at := graph.Point{X: 1, Y: 1}
		g := &graph.Graph{
			Flow:  name,
			Run:   &graph.Run{ID: name, Status: name, Outcome: name},
			Nodes: []graph.Node{{ID: "a", Name: name, Type: name, Kind: graph.Trigger, Open: []string{name}, Change: graph.Changed, Changed: []string{name}}, {ID: "b", Kind: graph.Step}},
			Edges: []graph.Edge{{From: "a", To: "b", Outcomes: []graph.Outcome{{Name: name, Via: flow.ViaOutcomes}}, Points: []graph.Point{at}, Label: &at, Short: &at}},
		}
		svg := g.SVG()
		checkPicture(t, &graph.Graph{}, svg)
		for line := range strings.Lines(g.Mermaid()) {
			if quotes := strings.Count(line, `"`); quotes != 0 && quotes != 2 {
				t.Errorf("Mermaid has %d quotes in %s", quotes, line)
			}
			if rest := strings.NewReplacer("<br/>", "", "<small>", "", "</small>", "").Replace(line); strings.ContainsAny(rest, "<`\r\x00") {
				t.Errorf("Mermaid has signs of others in %q", line)
			}
		}
		if lines := strings.Count(g.DOT(), "\n"); lines != 7 {
			t.Errorf("DOT has %d lines:\n%s", lines, g.DOT())
		}
		for line := range strings.Lines(g.DOT()) {
			if strings.Count(strings.ReplaceAll(strings.ReplaceAll(line, `\\`, ""), `\"`, ""), `"`)%2 != 0 {
				t.Errorf("DOT has an open quote in %q", line)
			}
		}
	})
}

func read(t *testing.T, file string) map[string]string {
	t.Helper()
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range ar.Files {
		files[f.Name] = string(f.Data)
	}
	return files
}

// load compiles a flow that may use a plugin's type.
func load(t *testing.T, file, src string) *flow.Flow {
	t.Helper()
	plugin := &node.Type{Name: "shop/place-order", Version: "1.2.0", Digest: "sha256:1", Connects: true, Inputs: node.MustSchema(map[string]any{"type": "object"})}
	plugin.Outcomes = node.Outcomes{Success: "Success", Fault: "onError"}
	for _, name := range []string{"Success", "onError", "onTimeout", "outOfStock", "refused", "invalidData", "gone", "serverError"} {
		plugin.Outcomes.All = append(plugin.Outcomes.All, node.Outcome{Name: name})
	}
	types, err := node.NewSet(append(nodes.All(), plugin)...)
	if err != nil {
		t.Fatal(err)
	}
	f, mistakes := flow.Load(file, []byte(src), flow.Config{Types: types})
	if f == nil {
		t.Fatal(mistakes)
	}
	return f
}
