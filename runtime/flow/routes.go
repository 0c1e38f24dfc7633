package flow

import (
	"cmp"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/spec"
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
	rest := explicit["else"]
	delete(explicit, "else")
	defaults := map[string]string{}
	for _, r := range c.spec.Defaults.Outcomes {
		// A default that leads back to the node it is for would be a loop
		// that nobody wrote.
		if r.Target.Value != n.ID {
			defaults[r.Outcome.Value] = r.Target.Value
		}
		if n.Outcomes.Has(r.Outcome.Value) {
			used[r.Outcome.Value] = true
		}
	}
	n.Routes = map[string]string{}
	for _, o := range n.Outcomes.All {
		target := explicit[o.Name]
		if target == "" && o.Name != n.Outcomes.Success {
			target = cmp.Or(rest, explicit[n.Outcomes.Default], defaults[o.Name], defaults[n.Outcomes.Default])
		}
		if target != "" {
			n.Routes[o.Name] = target
		} else {
			c.warnOpen(s, n, o.Name)
		}
	}
}

// explicitRoutes reads `next` and `outcomes`; the key "else" stands for the
// rest.
func (c *compiler) explicitRoutes(s *spec.Node, n *Node) map[string]string {
	routes := map[string]string{}
	if s.Next.Value != "" {
		routes[n.Outcomes.Success] = s.Next.Value
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
			c.list.Errorf(r.Outcome.Pos, diag.RoutedTwice, "the success outcome %q is routed by `next` already", name)
		}
		routes[name] = r.Target.Value
	}
	return routes
}

func (c *compiler) checkTarget(target spec.Text) {
	if target.Value == "" {
		return
	}
	var ids []string
	for _, s := range c.spec.Nodes {
		if s.ID.Value == target.Value {
			if n := c.flow.Nodes[target.Value]; n != nil && n.Type.Trigger {
				c.list.Errorf(target.Pos, diag.TargetIsTrigger, "node %q is a trigger: runs begin there and cannot go there", target.Value)
			}
			return
		}
		ids = append(ids, s.ID.Value)
	}
	c.list.Errorf(target.Pos, diag.UnknownNode, "no node %q", target.Value).Hint = diag.Suggest(target.Value, ids)
}

// warnOpen warns of an outcome that goes nowhere. Success may: that is how a
// run completes. So may a node that the defaults lead to: its own failures
// have no better place to go.
func (c *compiler) warnOpen(s *spec.Node, n *Node, outcome string) {
	if outcome == n.Outcomes.Success {
		return
	}
	for _, r := range c.spec.Defaults.Outcomes {
		if r.Target.Value == n.ID && r.Outcome.Value == outcome {
			return
		}
	}
	c.list.Warnf(s.ID.Pos, diag.OpenOutcome, "outcome %q of node %q goes nowhere and would end the run as failed", outcome, n.ID).
		Hint = "route it under `outcomes`, by `else`, or for all nodes under `defaults.outcomes`"
}

func (c *compiler) allOutcomes() []string {
	var names []string
	for _, id := range c.flow.Order {
		names = append(names, c.flow.Nodes[id].Outcomes.Names()...)
	}
	return names
}

func (c *compiler) checkRetries() {
	for i := range c.spec.Nodes {
		s := &c.spec.Nodes[i]
		n := c.flow.Nodes[s.ID.Value]
		if n == nil {
			continue
		}
		own := s.Retry != nil
		r := s.Retry
		if !own {
			r = c.spec.Defaults.Retry
		}
		if r == nil {
			continue
		}
		n.Retry = Retry{
			Max:      r.Max,
			Delay:    cmp.Or(r.Delay.Value, DefaultRetryDelay),
			MaxDelay: cmp.Or(r.MaxDelay.Value, DefaultRetryMaxDelay),
		}
		for _, on := range r.On {
			if n.Outcomes.Has(on.Value) {
				n.Retry.On = append(n.Retry.On, on.Value)
			} else if own {
				c.list.Errorf(on.Pos, diag.UnknownOutcome, "node type %q has no outcome %q to retry on", n.Type.Name, on.Value).
					Hint = diag.Suggest(on.Value, n.Outcomes.Names())
			}
		}
		if own && len(n.Retry.On) > 0 && !n.Idempotent {
			c.list.Warnf(r.Pos, diag.RetryNotIdempotent, "node %q is tried again, but %q is not idempotent: what it does may be done twice", n.ID, n.Type.Name)
		}
	}
}
