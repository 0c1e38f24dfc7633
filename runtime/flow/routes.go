package flow

import (
	"slices"
	"strconv"
	"strings"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/spec"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// routeOutcomes gives every outcome of every node its target. In this order:
// `next` and `outcomes` of the node, its `else`, the route of the vendor's own
// catch-all branch, `defaults.outcomes`.
func (c *compiler) routeOutcomes() {
	used := map[string]bool{}
	for i := range c.spec.Nodes {
		s := &c.spec.Nodes[i]
		if n := c.flow.Nodes[s.ID.Value]; n != nil {
			c.routeNode(s, n, used)
		}
	}
	for _, r := range c.spec.Defaults.Outcomes {
		c.checkTarget(r.Target)
		if !used[r.Outcome.Value] && len(c.flow.Nodes) == len(c.spec.Nodes) {
			c.list.Warnf(r.Outcome.Pos, diag.UnknownOutcome, "no node of this flow has an outcome %q", r.Outcome.Value).
				Hint = diag.Suggest(r.Outcome.Value, c.allOutcomes())
		}
	}
}

func (c *compiler) routeNode(s *spec.Node, n *Node, used map[string]bool) {
	explicit := c.explicitRoutes(s, n)
	defaults := map[string]Edge{}
	for _, r := range c.spec.Defaults.Outcomes {
		// A default that leads back to the node it is for would be a loop
		// that nobody wrote.
		if r.Target.Value != n.ID {
			defaults[r.Outcome.Value] = Edge{To: r.Target.Value, Via: ViaDefaults, Pos: r.Target.Pos}
		}
		if n.Outcomes.Has(r.Outcome.Value) {
			used[r.Outcome.Value] = true
		}
	}
	n.Routes = map[string]string{}
	var open []string
	for _, o := range n.Outcomes.All {
		e := explicit[o.Name]
		if e.To == "" && o.Name != n.Outcomes.Success {
			vendors := explicit[n.Outcomes.Default]
			vendors.Via = ViaCatchAll
			e = firstTo(explicit["else"], vendors, defaults[o.Name], defaults[n.Outcomes.Default])
		}
		e.From, e.Outcome, e.Kind = n.ID, o.Name, kindOfOutcome(n.Outcomes, o.Name)
		if e.To != "" {
			n.Routes[o.Name] = e.To
		} else if c.missed(n, o.Name) {
			open = append(open, strconv.Quote(o.Name))
		}
		n.edges = append(n.edges, e)
	}
	c.warnOpen(s, open)
}

// firstTo returns the first edge that leads anywhere.
func firstTo(edges ...Edge) Edge {
	for _, e := range edges {
		if e.To != "" {
			return e
		}
	}
	return Edge{}
}

// explicitRoutes reads `next` and `outcomes`; the key "else" stands for the
// rest.
func (c *compiler) explicitRoutes(s *spec.Node, n *Node) map[string]Edge {
	routes := map[string]Edge{}
	if s.Next.Value != "" {
		routes[n.Outcomes.Success] = Edge{To: s.Next.Value, Via: ViaNext, Pos: s.Next.Pos}
		c.checkTarget(s.Next)
	}
	for _, r := range s.Outcomes {
		c.checkTarget(r.Target)
		name := r.Outcome.Value
		switch {
		case name != "else" && !n.Outcomes.Has(name):
			c.list.Errorf(r.Outcome.Pos, diag.UnknownOutcome, "node type %q has no outcome %q", n.Type.Name, name).
				Hint = diag.Suggest(name, n.Outcomes.Names())
			continue
		case name == n.Outcomes.Success && s.Next.Value != "":
			c.lost = true
			c.list.Errorf(r.Outcome.Pos, diag.RoutedTwice, "the success outcome %q is routed by `next` already", name)
		}
		via := ViaOutcomes
		if name == "else" {
			via = ViaElse
		}
		routes[name] = Edge{To: r.Target.Value, Via: via, Pos: r.Target.Pos}
	}
	return routes
}

func (c *compiler) checkTarget(target yamldoc.Text) {
	if target.Value == "" {
		return
	}
	var ids []string
	for _, s := range c.spec.Nodes {
		if s.ID.Value == target.Value {
			if n := c.flow.Nodes[target.Value]; n != nil && n.Type.Starts() {
				c.lost = true
				c.list.Errorf(target.Pos, diag.TargetIsTrigger, "node %q is a trigger: runs begin there and cannot go there", target.Value)
			}
			return
		}
		ids = append(ids, s.ID.Value)
	}
	c.lost = true
	c.list.Errorf(target.Pos, diag.UnknownNode, "no node %q", target.Value).Hint = suggestFixed(target.Value, ids)
}

// missed tells whether an outcome that goes nowhere should have a route.
// Success need not: that is how a run completes. Nor need the failures of a
// node that the defaults lead to: they have no better place to go.
func (c *compiler) missed(n *Node, outcome string) bool {
	if outcome == n.Outcomes.Success {
		return false
	}
	return !slices.ContainsFunc(c.spec.Defaults.Outcomes, func(r spec.Route) bool {
		return r.Target.Value == n.ID && r.Outcome.Value == outcome
	})
}

func (c *compiler) warnOpen(s *spec.Node, outcomes []string) {
	if len(outcomes) == 0 {
		return
	}
	subject, verb, them := "outcome", "goes", "it"
	if len(outcomes) > 1 {
		subject, verb, them = "outcomes", "go", "them"
	}
	c.list.Warnf(s.ID.Pos, diag.OpenOutcome, "%s %s of node %q %s nowhere and would end the run as failed",
		subject, strings.Join(outcomes, ", "), s.ID.Value, verb).
		Hint = "route " + them + " under `outcomes`, by `else`, or for all nodes under `defaults.outcomes`"
}

func (c *compiler) allOutcomes() []string {
	var names []string
	for _, id := range c.flow.Order {
		names = append(names, c.flow.Nodes[id].Outcomes.Names()...)
	}
	return names
}
