package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/wendflow/wend/runtime/graphviz"
)

// Sizes, in points.
const (
	nameSize = 13.0
	typeSize = 11.0
	waySize  = 10.5
	lineStep = 16.0 // from one line of a box to the next
	wayStep  = 13.0
	boxSide  = 14.0 // beside the text of a box
	boxTop   = 10.0 // above and below
	boxMost  = 110.0
	perInch  = 72.0
)

// The largest graph that is placed; it takes about ten seconds of one
// core.
const (
	MostNodes = 1000
	MostEdges = 3000
)

// Place gives every node and edge its place. It fails for a graph that is too
// large for it.
func (g *Graph) Place(ctx context.Context, engine *graphviz.Engine) error {
	if len(g.Nodes) > MostNodes || len(g.Edges) > MostEdges {
		return fmt.Errorf("the flow has %d nodes and %d ways between them, expected %d nodes and %d ways at most to place them; as Mermaid and as DOT it can have more",
			len(g.Nodes), len(g.Edges), MostNodes, MostEdges)
	}
	for i := range g.Nodes {
		g.Nodes[i].measure()
	}
	for i := range g.Edges {
		g.Edges[i].Label, g.Edges[i].Short = nil, nil
	}
	out, err := engine.Layout(ctx, g.sizes(), "json0")
	if err != nil {
		return err
	}
	var placed struct {
		BB      string `json:"bb"`
		Objects []struct {
			ID, Pos string
		}
		Edges []struct {
			ID, Pos, LP string
		}
	}
	if err := json.Unmarshal([]byte(out), &placed); err != nil {
		return fmt.Errorf("read what graphviz placed: %w", err)
	}
	g.Width, g.Height = extent(placed.BB)
	for _, o := range placed.Objects {
		if number, short := strings.CutPrefix(o.ID, "short"); short {
			if i, err := strconv.Atoi(number); err == nil && i < len(g.Edges) {
				at := pointOf(o.Pos)
				g.Edges[i].Short = &at
			}
			continue
		}
		i, err := strconv.Atoi(o.ID)
		if err != nil || i < 0 || i >= len(g.Nodes) {
			return fmt.Errorf("graphviz placed a node %q that there is not", o.ID)
		}
		n, at := &g.Nodes[i], pointOf(o.Pos)
		n.X, n.Y = round(at.X-n.Width/2), round(at.Y-n.Height/2)
	}
	for _, o := range placed.Edges {
		i, err := strconv.Atoi(o.ID)
		if err != nil || i < 0 || i >= len(g.Edges) {
			return fmt.Errorf("graphviz placed an edge %q that there is not", o.ID)
		}
		e := &g.Edges[i]
		e.Points, e.Tip = curve(o.Pos)
		if o.LP != "" {
			at := pointOf(o.LP)
			e.Label = &at
		}
	}
	return nil
}

// measure finds how large a box has to be for its text.
func (n *Node) measure() {
	wide := max(boxMost-2*boxSide, textWidth(n.title(), nameSize)*1.13, textWidth(n.subtitle(), typeSize), textWidth(n.note(), typeSize)*1.13)
	if n.Kind == Trigger {
		wide += markWidth
	}
	lines := 2.0
	if n.note() != "" {
		lines = 3
	}
	n.Width, n.Height = math.Ceil(wide+2*boxSide), lines*lineStep+2*boxTop
}

// sizes is the graph for Graphviz, which gets to see no name: what it places are
// boxes and labels of given sizes.
func (g *Graph) sizes() string {
	var b strings.Builder
	b.WriteString("digraph { graph [nodesep=0.4 ranksep=0.42 nslimit=2 nslimit1=2 mclimit=0.3]\nnode [shape=box fixedsize=true label=\"\"]\n")
	number := map[string]int{}
	for i, n := range g.Nodes {
		number[n.ID] = i
		fmt.Fprintf(&b, "n%d [id=%d width=%.4f height=%.4f]\n", i, i, n.Width/perInch, n.Height/perInch)
	}
	short := g.shortened()
	for i, e := range g.Edges {
		wide, high := e.labelSize()
		to := fmt.Sprintf("n%d", number[e.To])
		if short[i] {
			to = fmt.Sprintf("short%d", i)
			w, h := g.shortSize(e)
			fmt.Fprintf(&b, "%s [id=%s width=%.4f height=%.4f]\n", to, to, w/perInch, h/perInch)
		}
		fmt.Fprintf(&b, "n%d -> %s [id=%d weight=%d label=<<TABLE BORDER=\"0\" FIXEDSIZE=\"TRUE\" WIDTH=\"%.0f\" HEIGHT=\"%.0f\"><TR><TD></TD></TR></TABLE>>]\n",
			number[e.From], to, i, weight(e), wide, high)
	}
	b.WriteString("}\n")
	return b.String()
}

// manyFailures is how many nodes may lead to one when they fail, so that all are
// drawn.
const manyFailures = 6

// shortened tells which edges do not go all the way: those by which many nodes
// fail, all but the last.
func (g *Graph) shortened() map[int]bool {
	to := map[string][]int{}
	for i, e := range g.Edges {
		if e.Kind == Error && e.Taken == 0 && e.Change == "" && e.From != e.To {
			to[e.To] = append(to[e.To], i)
		}
	}
	short := map[int]bool{}
	for _, edges := range to {
		if len(edges) > manyFailures {
			for _, i := range edges[:len(edges)-1] {
				short[i] = true
			}
		}
	}
	return short
}

// shortSize is that of the box at the end of a short edge.
func (g *Graph) shortSize(e Edge) (wide, high float64) {
	return math.Ceil(textWidth(g.Node(e.To).title(), waySize) + 16), 18
}

// labelSize is that of what is written at an edge.
func (e *Edge) labelSize() (wide, high float64) {
	lines := e.ways()
	for _, l := range lines {
		wide = max(wide, textWidth(l, waySize))
	}
	return math.Ceil(wide + 8), wayStep*float64(len(lines)) + 2
}

// extent reads "x1,y1,x2,y2"; which of the y is the greater one depends on where
// they grow to.
func extent(bb string) (wide, high float64) {
	p := numbers(bb)
	if len(p) != 4 {
		return 0, 0
	}
	return round(p[2] - p[0]), round(math.Abs(p[3] - p[1]))
}

// curve reads the tip of the arrow, which has an "e," before it, and the points.
func curve(pos string) (points []Point, tip *Point) {
	for _, field := range strings.Fields(pos) {
		if end, ok := strings.CutPrefix(field, "e,"); ok {
			at := pointOf(end)
			tip = &at
			continue
		}
		points = append(points, pointOf(field))
	}
	return points, tip
}

func pointOf(text string) Point {
	p := numbers(text)
	if len(p) != 2 {
		return Point{}
	}
	return Point{round(p[0]), round(p[1])}
}

func numbers(text string) []float64 {
	var list []float64
	for part := range strings.SplitSeq(text, ",") {
		if f, err := strconv.ParseFloat(part, 64); err == nil {
			list = append(list, f)
		}
	}
	return list
}

// round keeps a tenth of a point.
func round(f float64) float64 { return math.Round(f*10) / 10 }
