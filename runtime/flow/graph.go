package flow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/expand"
)

// checkGraph warns of nodes that no run can reach and reports templates that
// read a node which a run may not have visited yet.
func (c *compiler) checkGraph() {
	if len(c.flow.Nodes) != len(c.spec.Nodes) || len(c.flow.Triggers) == 0 || c.lost {
		return // with unknown nodes or routes the graph is not known either
	}
	before := c.flow.graph().dominators()
	for _, id := range c.flow.Order {
		n := c.flow.Nodes[id]
		doms, reached := before[id]
		if !reached {
			c.list.Warnf(n.Pos, diag.UnreachableNode, "no route leads to node %q", id)
			continue
		}
		for _, ref := range c.refs[id] {
			c.checkRef(n, ref, doms)
			if ref.Fails && !c.isTested(ref, doms) {
				c.warnGap(ref, "this fails without one")
			}
		}
		for _, need := range c.needs[id] {
			if !c.isTested(need.ref, doms) {
				c.warnGap(need.ref, fmt.Sprintf("the input %q needs one", need.input))
			}
		}
	}
}

func (c *compiler) checkRef(n *Node, ref expand.Ref, doms map[string]bool) {
	other := c.flow.Nodes[ref.Name]
	if other == nil || ref.Optional || doms[ref.Name] || n.Type.Starts() { // for a trigger see checkEarly
		return
	}
	msg := fmt.Sprintf("node %q is not on every path to %q, so it may have no outputs here", ref.Name, n.ID)
	if ref.Name == n.ID {
		msg = fmt.Sprintf("node %q reads its own outputs, which it does not have yet", n.ID)
	}
	c.list.Errorf(ref.Pos, diag.NotOnEveryPath, "%s", msg).
		Hint = fmt.Sprintf("give a default, such as %s ?? \"…\", or route differently", strings.Join(append([]string{ref.Name}, ref.Path...), "."))
}

// graph is the nodes of a flow and their edges, as far as they are known.
type graph struct {
	starts []string // where runs begin
	next   map[string][]string
}

func (f *Flow) graph() graph {
	g := graph{next: map[string][]string{}}
	for _, t := range f.Triggers {
		g.starts = append(g.starts, t.ID)
	}
	for _, e := range f.Edges() {
		if f.Nodes[e.To] != nil {
			g.next[e.From] = append(g.next[e.From], e.To)
		}
	}
	return g
}

// dominators returns, for every node that can be reached, the nodes that every
// path from any start passes before it.
func (g graph) dominators() map[string]map[string]bool {
	preds := map[string][]string{}
	order := g.reachable()
	for _, from := range order {
		for _, to := range g.next[from] {
			preds[to] = append(preds[to], from)
		}
	}
	// before[n] is the intersection, over n's predecessors p, of before[p]
	// and p itself. A set that is not there yet stands for "all nodes".
	before := map[string]map[string]bool{}
	for changed := true; changed; {
		changed = false
		for _, id := range order {
			next := g.meet(id, preds[id], before)
			if old, ok := before[id]; next != nil && (!ok || len(old) != len(next)) {
				before[id] = next
				changed = true
			}
		}
	}
	return before
}

func (g graph) meet(id string, preds []string, before map[string]map[string]bool) map[string]bool {
	if slices.Contains(g.starts, id) {
		return map[string]bool{}
	}
	var met map[string]bool
	for _, p := range preds {
		if before[p] == nil {
			continue
		}
		through := map[string]bool{p: true}
		for d := range before[p] {
			through[d] = true
		}
		if met == nil {
			met = through
			continue
		}
		for d := range met {
			if !through[d] {
				delete(met, d)
			}
		}
	}
	return met
}

// reachable returns the nodes that runs can reach, breadth first.
func (g graph) reachable() []string {
	seen := map[string]bool{}
	for _, id := range g.starts {
		seen[id] = true
	}
	order := slices.Clone(g.starts)
	for i := 0; i < len(order); i++ {
		for _, to := range g.next[order[i]] {
			if !seen[to] {
				seen[to] = true
				order = append(order, to)
			}
		}
	}
	return order
}
