package outbound

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/wendflow/wend/runtime/clock"
)

// Status is how it stands with one connection that makes calls.
type Status struct {
	Name, Type string
	// Used tells whether a call or a flow has needed it since the start. What
	// is below is zero of one that nobody has.
	Used bool
	// Breaker is empty for one that has none.
	Breaker     BreakerState
	Failures    int    // calls in a row that failed, while the breaker counts
	LastFailure string // what came of the last of them; holds no secret
	// Until is when calls go out again that the breaker or a Retry-After of the
	// other side keeps back; zero if nothing does.
	Until time.Time
	// UnderWay are the calls that have their place among those that may be under way,
	// Waiting those that wait for a place, for the rate or for Retry-After.
	UnderWay, Waiting int
	Waited            time.Duration    // by all calls together, since the start
	KeptBack          map[string]int64 // calls that were not sent, by one of Limits
}

// Limits are what keeps calls of a connection back, as Status.KeptBack names it.
func Limits() []string { return []string{byConcurrency, byRate, byRetryAfter, byBreaker} }

const (
	byConcurrency = "concurrency"
	byRate        = "rate"
	byRetryAfter  = "retryAfter"
	byBreaker     = "breaker"
)

// Statuses tells how it stands with all connections that make calls, sorted by
// their names.
func (c *Client) Statuses() []Status {
	var all []Status
	for _, name := range c.Names() {
		s := c.slot(name)
		if s == nil || !s.connection.CanCall() {
			continue
		}
		one := Status{Name: name, Type: s.connection.kindName()}
		if ready := s.ready.Load(); ready != nil {
			one.Used = true
			ready.gate.show(&one)
			one.LastFailure = ready.mask.hide(one.LastFailure)
		}
		s.tally.show(&one)
		all = append(all, one)
	}
	return all
}

// tally counts the calls of one connection, over reloads. It is safe for
// concurrent use.
type tally struct {
	underWay, waiting atomic.Int64
	waited            atomic.Int64 // ns
	kept              map[string]*atomic.Int64
}

func newTally() *tally {
	t := &tally{kept: map[string]*atomic.Int64{}}
	for _, limit := range Limits() {
		t.kept[limit] = new(atomic.Int64)
	}
	return t
}

func (t *tally) show(s *Status) {
	s.UnderWay, s.Waiting = int(t.underWay.Load()), int(t.waiting.Load())
	s.Waited = time.Duration(t.waited.Load())
	s.KeptBack = map[string]int64{}
	for limit, n := range t.kept {
		s.KeptBack[limit] = n.Load()
	}
}

// wait counts a call as waiting while it does.
func (t *tally) wait(by clock.Clock, until func() error) error {
	t.waiting.Add(1)
	began := by.Now()
	defer func() {
		t.waited.Add(int64(by.Now().Sub(began)))
		t.waiting.Add(-1)
	}()
	return until()
}

// sleep waits for d, or not at all if that would be after the deadline.
func (c *conn) sleep(ctx context.Context, d time.Duration, limit string) error {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return c.heldBack(ctx, limit)
	}
	err := c.tally.wait(c.clock, func() error { return clock.Sleep(ctx, c.clock, d) })
	if err != nil {
		return c.heldBack(ctx, limit)
	}
	return nil
}
