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
	before := c.dominators()
	for _, id := range c.flow.Order {
		n := c.flow.Nodes[id]
		if !before.reached(id) {
			c.list.Warnf(n.Pos, diag.UnreachableNode, "no route leads to node %q", id)
			continue
		}
		for _, ref := range c.refs[id] {
			c.checkRef(n, ref, before)
			c.checkHeader(ref)
			if ref.Fails && !c.isTested(ref, id, before) {
				c.warnGap(ref, "this fails without one")
			}
		}
		for _, need := range c.needs[id] {
			if !c.isTested(need.ref, id, before) {
				c.warnGap(need.ref, fmt.Sprintf("the input %q needs one", need.input))
			}
		}
	}
}

func (c *compiler) checkRef(n *Node, ref expand.Ref, before *dominators) {
	other := c.flow.Nodes[ref.Name]
	if other == nil || ref.Optional || before.above(ref.Name, n.ID) || n.Type.Starts() { // for a trigger see checkEarly
		return
	}
	msg := fmt.Sprintf("node %q is not on every path to %q, so it may have no outputs here", ref.Name, n.ID)
	if ref.Name == n.ID {
		msg = fmt.Sprintf("node %q reads its own outputs, which it does not have yet", n.ID)
	}
	c.list.Errorf(ref.Pos, diag.NotOnEveryPath, "%s", msg).
		Hint = "give a default, such as " + ref.Default + "; or route differently"
}

// checkHeader reports a header of a request that is read by a name which none has.
func (c *compiler) checkHeader(ref expand.Ref) {
	n := c.flow.Nodes[ref.Name]
	if c.stored || n == nil || len(ref.Path) != 3 || ref.Path[0] != "request" || ref.Path[1] != "headers" {
		return
	}
	if outputs, _ := n.Outputs.Raw()["properties"].(map[string]any); !n.Type.Starts() || outputs["request"] == nil {
		return
	}
	if name := strings.ToLower(strings.ReplaceAll(ref.Path[2], "-", "_")); name != ref.Path[2] {
		c.list.Errorf(ref.Pos, diag.UnknownField, "no request has a header %q: their names are in small letters, with \"_\" for \"-\"", ref.Path[2]).
			Hint = fmt.Sprintf("write %s.request.headers.%s", ref.Name, name)
	}
}

// graph is that of the flow, once all is routed.
func (c *compiler) graph() graph {
	if c.drawn == nil {
		g := c.flow.graph()
		c.drawn = &g
	}
	return *c.drawn
}

// dominators are those of the graph.
func (c *compiler) dominators() *dominators {
	if c.above == nil {
		c.above = c.graph().dominators()
	}
	return c.above
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
	for _, id := range f.Order {
		edges := f.Nodes[id].edges
		for i := range edges {
			if to := edges[i].To; f.Nodes[to] != nil {
				g.next[id] = append(g.next[id], to)
			}
		}
	}
	return g
}

// dominators is the tree in which every node that can be reached hangs below the
// last node that every path to it passes. It is built by the method of Cooper,
// Harvey and Kennedy and takes as much memory as the flow has nodes: sets of all
// dominators of each would take the square.
type dominators struct {
	number map[string]int // by node id; the root, before all starts, is 0
	parent []int
	// When a walk through the tree comes to a node and when it leaves it.
	in, out []int
}

// dominators finds, for every node that can be reached, the nodes that every
// path from any start passes before it.
func (g graph) dominators() *dominators {
	order := g.postorder()
	slices.Reverse(order)
	d := &dominators{number: make(map[string]int, len(order)), parent: make([]int, len(order)+1)}
	for i, id := range order {
		d.number[id] = i + 1
		d.parent[i+1] = -1 // not known yet
	}
	preds := make([][]int, len(order)+1)
	for _, id := range g.starts {
		preds[d.number[id]] = []int{0}
	}
	for _, from := range order {
		for _, to := range g.next[from] {
			preds[d.number[to]] = append(preds[d.number[to]], d.number[from])
		}
	}
	for changed := true; changed; {
		changed = false
		for n := 1; n <= len(order); n++ {
			if met := d.meet(preds[n]); met != d.parent[n] {
				d.parent[n] = met
				changed = true
			}
		}
	}
	d.walk()
	return d
}

// meet returns the nearest node above all of nodes whose own parent is known.
func (d *dominators) meet(nodes []int) int {
	met := -1
	for _, n := range nodes {
		switch {
		case n != 0 && d.parent[n] < 0:
		case met < 0:
			met = n
		default:
			for n != met {
				if n > met { // above is who has the lower number
					n = d.parent[n]
				} else {
					met = d.parent[met]
				}
			}
		}
	}
	return met
}

// walk goes through the tree once, so that above need not climb it.
func (d *dominators) walk() {
	children := make([][]int, len(d.parent))
	for n := 1; n < len(d.parent); n++ {
		children[d.parent[n]] = append(children[d.parent[n]], n)
	}
	d.in, d.out = make([]int, len(d.parent)), make([]int, len(d.parent))
	time := 0
	for path := []int{0}; len(path) > 0; {
		n := path[len(path)-1]
		time++
		if len(children[n]) == 0 {
			d.out[n] = time
			path = path[:len(path)-1]
			continue
		}
		child := children[n][0]
		children[n] = children[n][1:]
		d.in[child] = time
		path = append(path, child)
	}
}

// reached tells whether runs can come to a node.
func (d *dominators) reached(id string) bool { return d.number[id] != 0 }

// above tells whether every path to a node passes another before it.
func (d *dominators) above(other, id string) bool {
	a, n := d.number[other], d.number[id]
	return a != 0 && n != 0 && a != n && d.in[a] < d.in[n] && d.out[n] < d.out[a]
}

// postorder returns the nodes that runs can reach, each behind those that it
// leads to, as far as there are no loops. It does not recurse: a flow may be one
// long chain.
func (g graph) postorder() []string {
	var order []string
	left := map[string][]string{} // of the nodes seen, where they lead and nobody went yet
	for _, start := range g.starts {
		if _, seen := left[start]; seen {
			continue
		}
		left[start] = g.next[start]
		for path := []string{start}; len(path) > 0; {
			at := path[len(path)-1]
			if len(left[at]) == 0 {
				order = append(order, at)
				path = path[:len(path)-1]
				continue
			}
			to := left[at][0]
			left[at] = left[at][1:]
			if _, seen := left[to]; !seen {
				left[to] = g.next[to]
				path = append(path, to)
			}
		}
	}
	return order
}

// reachable returns the nodes that lie on some path from starts, and those.
func (g graph) reachable(starts []string) map[string]bool {
	on := map[string]bool{}
	for todo := slices.Clone(starts); len(todo) > 0; {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !on[id] {
			on[id] = true
			todo = append(todo, g.next[id]...)
		}
	}
	return on
}

// backwards returns the other nodes that lie on some path to a node.
func (g graph) backwards(to string) map[string]bool {
	preds := map[string][]string{}
	for from, targets := range g.next {
		for _, t := range targets {
			preds[t] = append(preds[t], from)
		}
	}
	on := map[string]bool{}
	for todo := preds[to]; len(todo) > 0; {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !on[id] {
			on[id] = true
			todo = append(todo, preds[id]...)
		}
	}
	delete(on, to)
	return on
}
