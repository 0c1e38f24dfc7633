package flow

import (
	"time"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/spec"
)

// checkLapses reports what takes longer than a run may.
func (c *compiler) checkLapses() {
	if c.flow.Timeout == 0 || c.stored {
		return
	}
	for i := range c.spec.Nodes {
		s := &c.spec.Nodes[i]
		n := c.flow.Nodes[s.ID.Value]
		if n == nil || n.Pos != s.ID.Pos {
			continue
		}
		c.checkOwnLapse(s, n)
		if s.Timeout.Value > c.flow.Timeout {
			c.list.Warnf(s.Timeout.Pos, diag.BeyondTimeout, "the timeout of node %q is longer than the run's, which is %s", n.ID, c.flow.Timeout).
				Hint = "shorten it, or give the flow more time"
		}
		c.checkRetryLapse(s, n)
	}
	c.checkDelays()
}

func (c *compiler) checkOwnLapse(s *spec.Node, n *Node) {
	l := n.lapse
	if l.For < c.flow.Timeout || l.For == 0 {
		return
	}
	pos := valueAt(s.With, []string{l.Input}, s.ID.Pos)
	if l.Always {
		c.list.Errorf(pos, diag.BeyondTimeout, "node %q waits %s, and the run's timeout is %s: it always ends here", n.ID, l.For, c.flow.Timeout).
			Hint = "shorten it, or give the flow more time"
		return
	}
	c.list.Warnf(pos, diag.BeyondTimeout, "node %q waits up to %s, and the run's timeout is %s: the run ends first", n.ID, l.For, c.flow.Timeout).
		Hint = "shorten it, or give the flow more time"
}

// checkRetryLapse reports attempts that there is no time for. Gaps are at least
// as long as they are written.
func (c *compiler) checkRetryLapse(s *spec.Node, n *Node) {
	if n.Retry.Max == 0 {
		return
	}
	total, gap, fit := time.Duration(0), n.Retry.Delay, 0
	for range n.Retry.Max {
		if total += gap; total >= c.flow.Timeout {
			break
		}
		fit++
		gap = min(2*gap, n.Retry.MaxDelay)
	}
	if fit == n.Retry.Max {
		return
	}
	pos := s.ID.Pos
	if s.Retry != nil {
		pos = s.Retry.Pos
	}
	c.list.Warnf(pos, diag.BeyondTimeout, "of %d attempts more, node %q has time for %d: the run's timeout is %s", n.Retry.Max, n.ID, fit, c.flow.Timeout).
		Hint = "lower max or the delays, or give the flow more time"
}

// checkDelays reports the node to which all the waiting before it, each within
// bounds, leaves no time.
func (c *compiler) checkDelays() {
	if len(c.flow.Nodes) != len(c.spec.Nodes) || c.lost {
		return
	}
	tree := c.flow.graph().dominators()
	ids := make([]string, len(tree.parent))
	for id, n := range tree.number {
		ids[n] = id
	}
	waited := make([]time.Duration, len(tree.parent)) // by every run that comes here
	for n := 1; n < len(ids); n++ {                   // what is above has a lower number
		node := c.flow.Nodes[ids[n]]
		own := time.Duration(0)
		if node.lapse.Always {
			own = node.lapse.For
		}
		before := waited[tree.parent[n]]
		if waited[n] = before + own; before < c.flow.Timeout && waited[n] >= c.flow.Timeout && own < c.flow.Timeout {
			c.list.Errorf(node.Pos, diag.BeyondTimeout, "with node %q every run has waited %s, and its timeout is %s: it always ends here", node.ID, waited[n], c.flow.Timeout).
				Hint = "shorten the delays, or give the flow more time"
		}
	}
}
