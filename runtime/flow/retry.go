package flow

import (
	"slices"
	"time"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/spec"
)

// Retry says what is worth another attempt.
type Retry struct {
	Max      int           // attempts after the first
	On       []string      // outcomes
	Classes  []RetryClass  // and failures of calls, whatever the outcome
	Delay    time.Duration // before the first retry; doubles each time
	MaxDelay time.Duration // where the doubling ends; never below Delay
	// MaxAsked is the longest gap that a vendor can ask for: MaxDelay if that is
	// written, else MaxAsked of this package.
	MaxAsked time.Duration
	// Pause has the run wait for somebody when the attempts are used up.
	Pause bool
}

// MaxAsked is how long a vendor can make a run wait that says nothing of it.
const MaxAsked = time.Hour

// Takes tells whether an attempt that failed so is worth another.
func (r Retry) Takes(outcome string, class RetryClass) bool {
	if class == Hopeless {
		return false
	}
	return slices.Contains(r.On, outcome) || class != "" && slices.Contains(r.Classes, class)
}

// RetryClass says what kind of failure an attempt ended with. The engine finds
// it in the replies to the attempt's calls, whichever node type made them.
type RetryClass string

// The classes of failures. All but Hopeless may stand under `on` of a retry.
const (
	Unreachable RetryClass = "unreachable" // no connection: DNS, TLS, refused, reset
	TimedOut    RetryClass = "timeout"     // no complete answer in time
	RateLimited RetryClass = "rateLimited" // 429
	ServerError RetryClass = "5xx"         // 500 to 599
	// Hopeless is what every attempt comes to: inputs that have no value or do
	// not fit, a call that our own policy refuses. It is never tried again.
	Hopeless RetryClass = "hopeless"
)

var retryClasses = []string{string(Unreachable), string(TimedOut), string(RateLimited), string(ServerError)}

// What a retry without delays gets. Each gives way to the other if that is
// written.
const (
	DefaultRetryDelay    = 200 * time.Millisecond
	DefaultRetryMaxDelay = 30 * time.Second
)

func retryOf(r *spec.Retry) Retry {
	retry := Retry{Max: r.Max, Pause: r.Then.Value != "", Delay: DefaultRetryDelay, MaxDelay: DefaultRetryMaxDelay, MaxAsked: MaxAsked}
	if r.MaxDelay.Pos.Line != 0 {
		retry.MaxDelay, retry.MaxAsked = r.MaxDelay.Value, r.MaxDelay.Value
		retry.Delay = min(retry.Delay, retry.MaxDelay)
	}
	if r.Delay.Pos.Line != 0 {
		retry.Delay = r.Delay.Value
		retry.MaxDelay = max(retry.MaxDelay, retry.Delay)
	}
	return retry
}

func (c *compiler) checkRetries() {
	c.checkRetryOn(c.spec.Defaults.Retry)
	c.checkPause(c.spec.Defaults.Retry)
	for i := range c.spec.Nodes {
		s := &c.spec.Nodes[i]
		n := c.flow.Nodes[s.ID.Value]
		switch {
		case n == nil:
		case s.Retry != nil:
			c.checkRetryOn(s.Retry)
			c.checkPause(s.Retry)
			n.Retry = retryOf(s.Retry)
			c.retryOwn(s.Retry, n)
		case c.spec.Defaults.Retry != nil:
			n.Retry = retryOf(c.spec.Defaults.Retry)
			for _, on := range c.spec.Defaults.Retry.On {
				n.takes(on.Value)
			}
		}
	}
}

// checkPause warns of a pause in a flow whose runs end with the process.
func (c *compiler) checkPause(r *spec.Retry) {
	if r != nil && r.Then.Value != "" && !c.flow.Durable {
		c.list.Warnf(r.Then.Pos, diag.PauseNotDurable, "runs of a flow with `durable: false` are gone when the server stops, those that are paused too").
			Hint = "leave out `durable: false`, or `then`"
	}
}

// takes adds what a retry is for, and tells whether the node has that. A name
// that the node type gives to an outcome means the outcome.
func (n *Node) takes(on string) bool {
	switch {
	case on == n.Outcomes.Success:
		return false
	case n.Outcomes.Has(on):
		n.Retry.On = append(n.Retry.On, on)
	case n.Type.Connects && slices.Contains(retryClasses, on):
		n.Retry.Classes = append(n.Retry.Classes, RetryClass(on))
	default:
		return false
	}
	return true
}

func (c *compiler) retryOwn(r *spec.Retry, n *Node) {
	known := slices.DeleteFunc(n.Outcomes.Names(), func(name string) bool { return name == n.Outcomes.Success })
	if n.Type.Connects {
		known = append(known, retryClasses...)
	}
	for _, on := range r.On {
		switch {
		case n.takes(on.Value):
		case on.Value == n.Outcomes.Success:
			c.list.Errorf(on.Pos, diag.InvalidRetry, "%q is the success of node type %q, and what went well is not tried again", on.Value, n.Type.Name).
				Hint = diag.Suggest("", known)
		case slices.Contains(retryClasses, on.Value):
			c.list.Errorf(on.Pos, diag.UnknownOutcome, "node type %q makes no calls, so none of them ends with %q", n.Type.Name, on.Value).
				Hint = diag.Suggest("", known)
		default:
			c.list.Errorf(on.Pos, diag.UnknownOutcome, "node type %q has no outcome %q to retry on", n.Type.Name, on.Value).
				Hint = diag.Suggest(on.Value, known)
		}
	}
	// What was refused for its rate was not done.
	onlyRate := !slices.ContainsFunc(n.Retry.Classes, func(class RetryClass) bool { return class != RateLimited })
	if len(n.Retry.On)+len(n.Retry.Classes) > 0 && !n.Idempotent && (len(n.Retry.On) > 0 || !onlyRate) {
		c.list.Warnf(r.Pos, diag.RetryNotIdempotent, "node %q is tried again, but %q is not idempotent: what it does may be done twice", n.ID, n.Type.Name)
	}
}

// checkRetryOn reports a retry that says not for what.
func (c *compiler) checkRetryOn(r *spec.Retry) {
	if r != nil && r.Max > 0 && len(r.On) == 0 {
		c.list.Errorf(r.Pos, diag.InvalidRetry, "the retry names no outcome, so it never happens").
			Hint = "say what is worth another attempt, such as on: [unreachable, timeout, 5xx]"
	}
}
