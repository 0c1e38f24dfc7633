package flow

import (
	"fmt"
	"time"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/spec"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// checkLapses reports what takes longer than a run may.
func (c *compiler) checkLapses() {
	if c.flow.Timeout == 0 || c.stored {
		return
	}
	c.checkLimit("`defaults`", c.spec.Defaults.Timeout)
	c.checkRetryLapse("a node", c.spec.Defaults.Retry)
	for i := range c.spec.Nodes {
		s := &c.spec.Nodes[i]
		n := c.flow.Nodes[s.ID.Value]
		if n == nil || n.Pos != s.ID.Pos {
			continue
		}
		c.checkOwnLapse(s, n)
		c.checkLimit(fmt.Sprintf("node %q", n.ID), s.Timeout)
		c.checkRetryLapse(fmt.Sprintf("node %q", n.ID), s.Retry)
	}
	c.checkDelays()
}

// checkLimit reports a timeout that never comes.
func (c *compiler) checkLimit(whose string, timeout yamldoc.Duration) {
	if timeout.Value > c.flow.Timeout {
		c.list.Warnf(timeout.Pos, diag.BeyondTimeout, "the timeout of %s is longer than the run's, which is %s", whose, yamldoc.FormatDuration(c.flow.Timeout)).
			Hint = "shorten it, or give the flow more time"
	}
}

func (c *compiler) checkOwnLapse(s *spec.Node, n *Node) {
	l := n.lapse
	if l.For < c.flow.Timeout || l.For == 0 {
		return
	}
	pos := yamldoc.ValueAt(s.With, []string{l.Input}, s.ID.Pos)
	if l.Always {
		c.list.Errorf(pos, diag.BeyondTimeout, "node %q waits %s, and the run's timeout is %s: it always ends here", n.ID, yamldoc.FormatDuration(l.For), yamldoc.FormatDuration(c.flow.Timeout)).
			Hint = "shorten it, or give the flow more time"
		return
	}
	c.list.Warnf(pos, diag.BeyondTimeout, "node %q waits up to %s, and the run's timeout is %s: the run ends first", n.ID, yamldoc.FormatDuration(l.For), yamldoc.FormatDuration(c.flow.Timeout)).
		Hint = "shorten it, or give the flow more time"
}

// checkRetryLapse reports attempts that there is no time for. Gaps are at least
// as long as they are written.
func (c *compiler) checkRetryLapse(who string, written *spec.Retry) {
	if written == nil {
		return
	}
	r := retryOf(written)
	total, gap, fit := time.Duration(0), r.Delay, 0
	for range r.Max {
		if total += gap; total >= c.flow.Timeout {
			c.list.Warnf(written.Pos, diag.BeyondTimeout, "of %d attempts more, %s has time for %d: the run's timeout is %s", r.Max, who, fit, yamldoc.FormatDuration(c.flow.Timeout)).
				Hint = "lower max or the delays, or give the flow more time"
			return
		}
		fit++
		gap = min(2*gap, r.MaxDelay)
	}
}

// checkDelays reports the node to which all the waiting before it, each within
// bounds, leaves no time.
func (c *compiler) checkDelays() {
	if len(c.flow.Nodes) != len(c.spec.Nodes) || c.lost {
		return
	}
	tree := c.dominators()
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
			c.list.Errorf(node.Pos, diag.BeyondTimeout, "with node %q every run has waited %s, and its timeout is %s: it always ends here", node.ID, yamldoc.FormatDuration(waited[n]), yamldoc.FormatDuration(c.flow.Timeout)).
				Hint = "shorten the delays, or give the flow more time"
		}
	}
}
