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
	defaults := map[string]Edge{}
	for _, r := range c.spec.Defaults.Outcomes {
		defaults[r.Outcome.Value] = Edge{To: r.Target.Value, Via: ViaDefaults, Pos: r.Target.Pos}
	}
	used := map[string]bool{}
	for i := range c.spec.Nodes {
		if c.enough() {
			return
		}
		s := &c.spec.Nodes[i]
		if n := c.flow.Nodes[s.ID.Value]; n != nil {
			c.routeNode(s, n, defaults, used)
		}
	}
	var all []string
	for _, r := range c.spec.Defaults.Outcomes {
		if c.enough() {
			return
		}
		c.checkTarget(r.Target)
		if !used[r.Outcome.Value] && len(c.flow.Nodes) == len(c.spec.Nodes) {
			if all == nil {
				all = c.allOutcomes()
			}
			c.list.Warnf(r.Outcome.Pos, diag.UnknownOutcome, "no node of this flow has an outcome %q", r.Outcome.Value).
				Hint = diag.Suggest(r.Outcome.Value, all)
		}
	}
}

func (c *compiler) routeNode(s *spec.Node, n *Node, defaults map[string]Edge, used map[string]bool) {
	explicit := c.explicitRoutes(s, n)
	byDefault := func(outcome string) Edge {
		// A default that leads back to the node it is for would be a loop
		// that nobody wrote.
		if e := defaults[outcome]; e.To != n.ID {
			return e
		}
		return Edge{}
	}
	n.Routes = map[string]string{}
	var open []string
	for _, o := range n.Outcomes.All {
		used[o.Name] = true
		e := explicit[o.Name]
		if e.To == "" && o.Name != n.Outcomes.Success {
			vendors := explicit[n.Outcomes.Default]
			vendors.Via = ViaCatchAll
			e = firstTo(explicit["else"], vendors, byDefault(o.Name), byDefault(n.Outcomes.Default))
		}
		e.From, e.Outcome, e.Kind = n.ID, o.Name, kindOfOutcome(n.Outcomes, o.Name)
		// Success need not lead anywhere: that is how a run completes. Nor need
		// the failures of a node that the defaults lead to: they have no better
		// place to go.
		if e.To != "" {
			n.Routes[o.Name] = e.To
		} else if o.Name != n.Outcomes.Success && defaults[o.Name].To != n.ID {
			if o.Path != nil { // the node names it, so it is told there
				c.warnOpen(s, yamldoc.ValueAt(s.With, o.Path, s.ID.Pos), []string{strconv.Quote(o.Name)})
			} else {
				open = append(open, strconv.Quote(o.Name))
			}
		}
		n.edges = append(n.edges, e)
	}
	c.warnOpen(s, s.ID.Pos, open)
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
	known := map[string]bool{"else": true}
	for _, o := range n.Outcomes.All {
		known[o.Name] = true
	}
	if s.Next.Value != "" {
		routes[n.Outcomes.Success] = Edge{To: s.Next.Value, Via: ViaNext, Pos: s.Next.Pos}
		c.checkTarget(s.Next)
	}
	for _, r := range s.Outcomes {
		if c.enough() {
			break
		}
		c.checkTarget(r.Target)
		name := r.Outcome.Value
		switch {
		case !known[name]:
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
	if c.declared[target.Value] {
		if n := c.flow.Nodes[target.Value]; n != nil && n.Type.Starts() {
			c.lost = true
			c.list.Errorf(target.Pos, diag.TargetIsTrigger, "node %q is a trigger: runs begin there and cannot go there", target.Value)
		}
		return
	}
	c.lost = true
	e := c.list.Errorf(target.Pos, diag.UnknownNode, "no node %q", target.Value)
	if e.Hint = suggestFixed(target.Value, c.ids); slices.Contains(ends, strings.ToLower(target.Value)) {
		e.Hint = "where a run ends, leave the route out"
	}
}

// ends are words that other products have for where a run ends.
var ends = []string{"end", "stop", "exit", "finish", "done", "none", "null", "true", "return"}

func (c *compiler) warnOpen(s *spec.Node, pos diag.Pos, outcomes []string) {
	if len(outcomes) == 0 {
		return
	}
	subject, verb, them := "outcome", "goes", "it"
	if len(outcomes) > 1 {
		subject, verb, them = "outcomes", "go", "them"
	}
	c.list.Warnf(pos, diag.OpenOutcome, "%s %s of node %q %s nowhere and would end the run as failed",
		subject, strings.Join(outcomes, ", "), s.ID.Value, verb).
		Hint = "route " + them + " under `outcomes`, by `else`, or for all nodes under `defaults.outcomes`"
}

// allOutcomes returns the outcomes of all nodes, each once.
func (c *compiler) allOutcomes() []string {
	names := []string{}
	seen := map[string]bool{}
	for _, id := range c.flow.Order {
		for _, o := range c.flow.Nodes[id].Outcomes.All {
			if !seen[o.Name] {
				seen[o.Name] = true
				names = append(names, o.Name)
			}
		}
	}
	return names
}
