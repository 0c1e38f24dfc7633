package flow

import (
	"github.com/wendflow/wend/runtime/diag"
)

// checkAnswers reports nodes whose response nobody gets: no caller waits for
// the runs that come here, or the caller has a response already.
func (c *compiler) checkAnswers() {
	if len(c.flow.Nodes) != len(c.spec.Nodes) || c.lost || c.stored {
		return
	}
	g := c.graph()
	var heard, warned []string  // triggers
	first := map[string]*Node{} // whose runs come to a node
	for _, t := range c.flow.Triggers {
		switch {
		case t.unanswered == nil:
			heard = append(heard, t.ID)
		case t.unanswered.Warning:
			warned = append(warned, t.ID)
		}
		for todo := []string{t.ID}; len(todo) > 0; todo = todo[1:] {
			if first[todo[0]] == nil {
				first[todo[0]] = t
				todo = append(todo, g.next[todo[0]]...)
			}
		}
	}
	isHeard, isWarned := g.reachable(heard), g.reachable(warned)
	answered := c.flow.answered()
	for _, id := range c.flow.Order {
		n := c.flow.Nodes[id]
		switch {
		case !n.Type.Responds || first[id] == nil:
		case !isHeard[id]:
			why := first[id].unanswered
			e := c.list.Errorf(n.Pos, diag.UselessResponse, "nobody gets the response of node %q: trigger %q %s", n.ID, first[id].ID, why.Msg)
			if e.Hint = why.Hint; isWarned[id] {
				e.Severity = diag.SeverityWarning
			}
		case answered[id]:
			c.list.Warnf(n.Pos, diag.UselessResponse, "node %q comes after another that responds, on every way to it, and a run answers once", id).
				Hint = "leave it out, or give its response in the node before"
		}
	}
}

// answered names the nodes to which no run comes whose caller still waits.
func (f *Flow) answered() map[string]bool {
	open := map[string]bool{}
	var todo []string
	visit := func(id string) {
		if f.Nodes[id] != nil && !open[id] {
			open[id] = true
			todo = append(todo, id)
		}
	}
	for _, t := range f.Triggers {
		if t.unanswered == nil {
			visit(t.ID)
		}
	}
	for len(todo) > 0 {
		n := f.Nodes[todo[0]]
		todo = todo[1:]
		for _, e := range n.edges {
			if !n.Type.Responds || e.Kind != KindSuccess {
				visit(e.To)
			}
		}
	}
	answered := map[string]bool{}
	for id := range f.Nodes {
		answered[id] = !open[id]
	}
	return answered
}
