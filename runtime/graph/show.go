package graph

import (
	"fmt"
	"slices"

	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/run"
)

// Show marks the way that a run took. What the run did that the graph does not
// have, for it began with another version of the flow, is returned for people.
func (g *Graph) Show(r *run.Report, traces []run.Trace) (missing []string) {
	g.Run = &Run{ID: r.Run, Status: string(r.Status), Outcome: r.Outcome, Millis: r.Duration}
	miss := func(format string, a ...any) {
		if text := fmt.Sprintf(format, a...); !slices.Contains(missing, text) {
			missing = append(missing, text)
		}
	}
	for i, t := range traces {
		n := g.Node(t.Node)
		if n == nil {
			miss("node %q", t.Node)
			continue
		}
		n.Visits = max(n.Visits, t.Visit)
		n.Millis += t.Duration
		n.At = t.Outcome == ""
		if i+1 == len(traces) {
			break
		}
		next := traces[i+1]
		if next.Node == t.Node && next.Visit == t.Visit {
			continue // another attempt
		}
		if !g.take(t.Node, t.Outcome, next.Node) {
			miss("%s by outcome %q to %s", t.Node, t.Outcome, next.Node)
		}
	}
	return missing
}

func (g *Graph) take(from, outcome, to string) bool {
	for i := range g.Edges {
		e := &g.Edges[i]
		if e.From != from || e.To != to {
			continue
		}
		for k := range e.Outcomes {
			if e.Outcomes[k].Name == outcome {
				e.Taken++
				e.Outcomes[k].Taken++
				return true
			}
		}
	}
	return false
}

// Diff returns the graph of both versions of a flow: of the second one, with
// what it has not any more of the first.
func Diff(before, after *flow.Flow) *Graph {
	g := Of(after)
	g.Diff = true
	for _, c := range flow.Diff(before, after) {
		if c.What != "node" {
			continue
		}
		if Change(c.How) == Removed {
			g.Nodes = append(g.Nodes, nodeOf(before, before.Nodes[c.Name]))
		}
		n := g.Node(c.Name)
		n.Change, n.Changed = Change(c.How), c.Of
	}
	was, is := ways(before), ways(after)
	same := func(a, b way) bool { return a.from == b.from && a.to == b.to && a.outcome.Name == b.outcome.Name }
	for i := range is {
		if !slices.ContainsFunc(was, func(w way) bool { return same(w, is[i]) }) {
			is[i].change = Added
		}
	}
	for _, w := range was {
		if !slices.ContainsFunc(is, func(i way) bool { return same(i, w) }) {
			w.change = Removed
			is = append(is, w)
		}
	}
	g.Edges = join(is)
	return g
}
