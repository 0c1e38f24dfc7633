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
	reached := map[string][]*Node{} // the triggers whose runs come to a node
	for _, t := range c.flow.Triggers {
		g := graph{starts: []string{t.ID}, next: c.flow.graph().next}
		for _, id := range g.reachable() {
			reached[id] = append(reached[id], t)
		}
	}
	answered := c.flow.answered()
	for _, id := range c.flow.Order {
		n := c.flow.Nodes[id]
		if !n.Type.Responds || len(reached[id]) == 0 {
			continue
		}
		if !c.checkHeard(n, reached[id]) && answered[id] {
			c.list.Warnf(n.Pos, diag.UselessResponse, "node %q comes after another that responds, on every way to it, and a run answers once", id).
				Hint = "leave it out, or give its response in the node before"
		}
	}
}

// checkHeard reports a response that is for nobody, and tells whether it did.
func (c *compiler) checkHeard(n *Node, triggers []*Node) bool {
	warning := false
	for _, t := range triggers {
		if t.unanswered == nil {
			return false
		}
		warning = warning || t.unanswered.Warning
	}
	why := triggers[0].unanswered
	e := c.list.Errorf(n.Pos, diag.UselessResponse, "nobody gets the response of node %q: trigger %q %s", n.ID, triggers[0].ID, why.Msg)
	if e.Hint = why.Hint; warning {
		e.Severity = diag.SeverityWarning
	}
	return true
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
