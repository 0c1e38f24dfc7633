package outbound

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/wendflow/wend/sdk/wire"
)

// Breaker leaves a connection alone that does not work, so that calls fail at
// once instead of waiting for it, and it can recover.
type Breaker struct {
	Failures int           // calls in a row that open it. 0 is no breaker
	Pause    time.Duration // until one call tries again. Default 30 s
}

const defaultPause = 30 * time.Second

// BreakerState is how it stands with a Breaker.
type BreakerState string

// The states of a Breaker.
const (
	Closed   BreakerState = "closed"    // calls go out
	Open     BreakerState = "open"      // none does
	HalfOpen BreakerState = "half-open" // one may go out, to try
)

// gate says when the calls of one connection may go out: not for as long as the
// other side asked us to wait by Retry-After, nor while the breaker is open. It
// is safe for concurrent use.
type gate struct {
	breaker Breaker
	now     func() time.Time

	mu       sync.Mutex
	asked    time.Time // until when the other side wants no calls
	failures int       // in a row
	last     string    // what came of the last of them
	shut     time.Time // until when no call goes out; zero: the breaker is closed
	trying   bool      // one call is out to try
	// era counts the openings and closings. What calls say that went out in an
	// earlier one counts no more.
	era int
}

func newGate(b Breaker, now func() time.Time) *gate {
	b.Pause = cmp.Or(b.Pause, defaultPause)
	return &gate{breaker: b, now: now}
}

// openError is a call that the breaker kept back.
type openError struct {
	left     time.Duration // 0: another call is out to try
	failures int
	last     string
}

func (e *openError) explain(what string) string {
	failed := fmt.Sprintf("the last %d calls failed", e.failures)
	if e.failures == 1 {
		failed = "the last call failed"
	}
	now := "one call is out to try it again"
	if e.left > 0 {
		now = "it is tried again in " + roundUp(e.left).String()
	}
	return fmt.Sprintf("%s is left alone, since %s, the last with: %s; %s", what, failed, e.last, now) + fate(false)
}

func (e *openError) Error() string { return e.explain("the connection") }

// retryAfter is when another attempt makes sense, as vendors say it.
func (e *openError) retryAfter() string {
	return strconv.Itoa(int(max(time.Second, roundUp(e.left)) / time.Second))
}

// roundUp makes whole seconds of d: whoever waits for that long is not early.
func roundUp(d time.Duration) time.Duration {
	return (d + time.Second - 1).Truncate(time.Second)
}

// check says whether the breaker keeps calls back now.
func (g *gate) check() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.kept()
}

func (g *gate) kept() error {
	switch left := g.shut.Sub(g.now()); {
	case g.shut.IsZero():
		return nil
	case left > 0:
		return &openError{left, g.failures, g.last}
	case g.trying:
		return &openError{0, g.failures, g.last}
	}
	return nil
}

// pass lets a call go out, or says why not. done is to be called once, with what
// came of it.
func (g *gate) pass() (done func(*answer, error), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.kept(); err != nil {
		return nil, err
	}
	g.trying = !g.shut.IsZero()
	era := g.era
	return func(a *answer, err error) { g.learn(era, a, err) }, nil
}

func (g *gate) learn(era int, a *answer, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if a != nil {
		g.heed(a)
	}
	if g.breaker.Failures == 0 || era != g.era {
		return
	}
	why, known := verdict(a, err)
	half := g.trying
	g.trying = false
	switch {
	case !known: // another may try
	case why == "":
		g.failures, g.last = 0, ""
		if half {
			g.shut = time.Time{}
			g.era++
		}
	default:
		g.failures++
		g.last = why
		if half || g.failures >= g.breaker.Failures {
			g.shut = g.now().Add(g.breaker.Pause)
			g.era++
		}
	}
}

// verdict says what a call tells of the other side: why it does not work, "" if it
// does. A call that was given up, or kept from going out by our own policy, tells
// nothing; one that was answered in a way that we do not like says that it works.
func verdict(a *answer, err error) (why string, known bool) {
	switch {
	case err == nil && a.status < http.StatusInternalServerError:
		return "", true
	case err == nil:
		return "status " + strconv.Itoa(a.status), true
	case errors.Is(err, context.Canceled) || errors.As(err, new(*addressError)):
		return "", false
	case errors.As(err, new(*oversizeError)):
		return "", true
	case errors.Is(err, context.DeadlineExceeded):
		return "no complete reply in time", true
	default:
		return err.Error(), true
	}
}

// mostAsked bounds what one reply can ask for. A vendor that asks for years has a
// mistake, and all runs would wait for it; after a minute the next call may be
// told so again.
const mostAsked = time.Minute

// heed notes how long the other side wants no calls.
func (g *gate) heed(a *answer) {
	if a.status != http.StatusTooManyRequests && a.status != http.StatusServiceUnavailable {
		return
	}
	now := g.now()
	until := now.Add(min(RetryAfter(a.header.Get("Retry-After"), a.header.Get("Date"), now), mostAsked))
	if until.After(g.asked) {
		g.asked = until
	}
}

// pause returns how long the other side still wants no calls.
func (g *gate) pause() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return max(0, g.asked.Sub(g.now()))
}

// show fills in how it stands.
func (g *gate) show(s *Status) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if g.asked.After(now) {
		s.Until = g.asked
	}
	if g.breaker.Failures == 0 {
		return
	}
	s.Failures, s.LastFailure = g.failures, g.last
	switch {
	case g.shut.IsZero():
		s.Breaker = Closed
	case g.shut.After(now):
		s.Breaker = Open
		if g.shut.After(s.Until) {
			s.Until = g.shut
		}
	default:
		s.Breaker = HalfOpen
	}
}

// left is the reply to a call that the breaker kept back. It says when another
// attempt makes sense in the way that vendors do, so that retries wait for it.
func (c *conn) left(e *openError) wire.Reply {
	return wire.Reply{
		Failure: wire.Unreachable, Message: c.mask.hide(e.explain(c.what())),
		Headers: map[string][]string{"retry-after": {e.retryAfter()}},
	}
}
