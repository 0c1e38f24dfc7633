package flow

import (
	"maps"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/expand"
)

// cycle is the nodes that runs can go round, by id.
type cycle map[string]bool

// checkCycles reports cycles that runs do not leave, and those in which nothing
// waits and nothing changes.
func (c *compiler) checkCycles() {
	if len(c.flow.Nodes) != len(c.spec.Nodes) || c.lost || c.stored {
		return
	}
	told := map[string]bool{} // nodes of cycles
	all := c.graph()
	for _, around := range all.cycles() {
		if c.checkWayOut(around) {
			maps.Copy(told, around)
		}
	}
	if c.flow.Visits > 0 {
		return // the author counts the turns
	}
	reached := all.reachable(all.starts)
	hasty := c.flow.hasty().without(func(id string) bool { return c.flow.Nodes[id].Type.Waits || told[id] || !reached[id] })
	for _, around := range hasty.cycles() {
		if c.moves(around) {
			continue
		}
		path, at := c.round(around)
		c.list.Warnf(at, diag.EndlessCycle, "nothing waits in the cycle %s, and no turn differs from the one before: it turns as fast as it can", path).
			Hint = `put a node of type "delay" into it, count the turns with "evaluate", or bound them by "visits" in the head of the flow`
	}
}

// hasty is the graph without the failures of nodes that make no calls: those
// hardly ever come, and not again and again.
func (f *Flow) hasty() graph {
	g := graph{next: map[string][]string{}}
	for _, e := range f.Edges() {
		fault := e.Kind == KindFault || e.Kind == KindInvalid
		if f.Nodes[e.To] != nil && (!fault || f.Nodes[e.From].Type.Connects) {
			g.next[e.From] = append(g.next[e.From], e.To)
		}
	}
	return g
}

// checkWayOut reports a cycle that only faults lead out of, and tells whether it
// did. Where something waits in it, that may be meant.
func (c *compiler) checkWayOut(around cycle) bool {
	waits, faults := false, false
	for id := range around {
		n := c.flow.Nodes[id]
		waits = waits || n.Type.Waits
		for _, e := range n.edges {
			switch {
			case around[e.To]:
			case e.Kind == KindFault || e.Kind == KindInvalid:
				faults = true
			default:
				return false
			}
		}
	}
	path, at := c.round(around)
	e := c.list.Errorf(at, diag.EndlessCycle, "no outcome leads out of the cycle %s", path)
	if faults {
		e.Msg = "only failures lead out of the cycle " + path
	}
	if e.Hint = `let a branch of "evaluate" lead out of it`; waits {
		e.Severity = diag.SeverityWarning
	}
	return true
}

// moves tells whether turns of a cycle differ: a call or a condition in it
// reads a variable that it sets, or a call reads what a node of it gave, or a
// condition reads what a node of it counts. A
// condition on what a call gave is enough where the call is not one that only
// asks: such a one may wait on the other side.
func (c *compiler) moves(around cycle) bool {
	set := map[string]bool{}
	for id := range around {
		for _, name := range c.sets[id] {
			set[name] = true
		}
	}
	inside := func(id string) bool { return around[id] }
	for id := range around {
		n := c.flow.Nodes[id]
		if n.counts && slices.ContainsFunc(c.tested[fieldKey(id, nil)], inside) {
			return true
		}
		if !n.Type.Connects {
			continue
		}
		if slices.ContainsFunc(c.refs[id], func(r expand.Ref) bool { return set[r.Name] || around[r.Name] }) {
			return true
		}
		if !n.Idempotent && slices.ContainsFunc(c.tested[fieldKey(id, nil)], inside) {
			return true
		}
	}
	for name := range set {
		if slices.ContainsFunc(c.tested[fieldKey(name, nil)], inside) {
			return true
		}
	}
	return false
}

// round writes a way round a cycle, a long one without its middle, and returns where the route stands that
// closes it.
func (c *compiler) round(around cycle) (path string, at diag.Pos) {
	first := ""
	for id := range around {
		if first == "" || before(c.flow.Nodes[id].Pos, c.flow.Nodes[first].Pos) {
			first = id
		}
	}
	from := map[string]Edge{} // by node, how it was first reached
	for todo := []string{first}; len(todo) > 0; {
		id := todo[0]
		todo = todo[1:]
		for _, e := range c.flow.Nodes[id].edges {
			if _, seen := from[e.To]; seen || !around[e.To] {
				continue
			}
			from[e.To] = e
			todo = append(todo, e.To)
		}
	}
	last := from[first]
	names := []string{first}
	for id := last.From; id != first; id = from[id].From {
		names = append(names, id)
	}
	names = append(names, first)
	slices.Reverse(names)
	if most := 10; len(names) > most {
		names = slices.Concat(names[:most/2], []string{"…"}, names[len(names)-most/2:])
	}
	if at = last.Pos; at.Line == 0 {
		at = c.flow.Nodes[last.From].Pos
	}
	return strings.Join(names, " → "), at
}

// without returns the graph without some of its nodes; runs may begin anywhere
// in it.
func (g graph) without(out func(id string) bool) graph {
	rest := graph{next: map[string][]string{}}
	for id, next := range g.next {
		if !out(id) {
			rest.starts = append(rest.starts, id)
			rest.next[id] = slices.DeleteFunc(slices.Clone(next), out)
		}
	}
	return rest
}

// cycles returns the largest sets of nodes of which each leads to all of them,
// itself included. It is the method of Kosaraju: behind the last node that a walk
// left, all that lead to it are of its set.
func (g graph) cycles() []cycle {
	preds := map[string][]string{}
	for from, targets := range g.next {
		for _, to := range targets {
			preds[to] = append(preds[to], from)
		}
	}
	order := g.postorder()
	left := make(map[string]bool, len(order))
	for _, id := range order {
		left[id] = true
	}
	var all []cycle
	for _, id := range slices.Backward(order) {
		if !left[id] {
			continue
		}
		set := cycle{}
		for todo := []string{id}; len(todo) > 0; {
			at := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			if left[at] {
				delete(left, at)
				set[at] = true
				todo = append(todo, preds[at]...)
			}
		}
		if len(set) > 1 || slices.Contains(g.next[id], id) {
			all = append(all, set)
		}
	}
	return all
}
