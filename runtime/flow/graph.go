package flow

import (
	"fmt"
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
	before := c.flow.dominators()
	for _, id := range c.flow.Order {
		n := c.flow.Nodes[id]
		doms, reached := before[id]
		if !reached {
			c.list.Warnf(n.Pos, diag.UnreachableNode, "no route leads to node %q", id)
			continue
		}
		for _, ref := range c.refs[id] {
			c.checkRef(n, ref, doms)
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

// dominators returns, for every node that can be reached, the nodes that every
// path from any trigger passes before it.
func (f *Flow) dominators() map[string]map[string]bool {
	edges := f.edges()
	preds := map[string][]string{}
	order := f.reachable(edges)
	for _, from := range order {
		for _, to := range edges[from] {
			preds[to] = append(preds[to], from)
		}
	}
	// before[n] is the intersection, over n's predecessors p, of before[p]
	// and p itself. A set that is not there yet stands for "all nodes".
	before := map[string]map[string]bool{}
	for changed := true; changed; {
		changed = false
		for _, id := range order {
			next := f.meet(id, preds[id], before)
			if old, ok := before[id]; next != nil && (!ok || len(old) != len(next)) {
				before[id] = next
				changed = true
			}
		}
	}
	return before
}

func (f *Flow) meet(id string, preds []string, before map[string]map[string]bool) map[string]bool {
	if f.Nodes[id].Type.Starts() {
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

func (f *Flow) edges() map[string][]string {
	edges := map[string][]string{}
	for _, id := range f.Order {
		n := f.Nodes[id]
		for _, o := range n.Outcomes.All {
			if to, ok := n.Routes[o.Name]; ok && f.Nodes[to] != nil {
				edges[id] = append(edges[id], to)
			}
		}
	}
	return edges
}

// reachable returns the nodes that runs can reach, breadth first.
func (f *Flow) reachable(edges map[string][]string) []string {
	var order []string
	seen := map[string]bool{}
	for _, t := range f.Triggers {
		seen[t.ID] = true
		order = append(order, t.ID)
	}
	for i := 0; i < len(order); i++ {
		for _, to := range edges[order[i]] {
			if !seen[to] {
				seen[to] = true
				order = append(order, to)
			}
		}
	}
	return order
}
