package run

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"time"

	"github.com/wendflow/wend/runtime/flow"
)

// Command is what is to be done next.
//
//sumtype:decl
type Command interface{ command() }

// Step wants the node at State.At to decide.
type Step struct{}

// SetTimer wants a TimerSet in the journal.
type SetTimer struct {
	Kind TimerKind
	Due  time.Time
}

// Wait wants nothing done until Due, or until the event comes. A zero Due is
// no limit.
type Wait struct {
	Due   time.Time
	Kind  TimerKind // of the timer to fire at Due
	Event string    // empty: no event is awaited
	Key   string
}

// Pause wants a RunPaused in the journal.
type Pause struct {
	Cause   PauseCause
	Outcome string
	Code    string
	Message string
}

// Stay wants nothing done until somebody resumes the run.
type Stay struct{ Cause PauseCause }

// End wants the run ended.
type End struct {
	Status Status
	// Outcome is that of the last node. Where that node made the run fail, it is
	// the last one that was not a success outcome, or "failed" if there was none.
	Outcome string
	Code    string
	Reason  string
}

// Tend wants child runs made, as far as they are not, and their ends heard.
type Tend struct{}

func (Step) command()     {}
func (Tend) command()     {}
func (SetTimer) command() {}
func (Wait) command()     {}
func (Pause) command()    {}
func (Stay) command()     {}
func (End) command()      {}

// Next says what is to be done now. It is nil when the run has ended.
func (s *State) Next() Command {
	switch {
	case s.Status.Ended():
		return nil
	case s.At.Pause != nil:
		return Stay{Cause: s.At.Pause.Cause}
	case s.ending != nil:
		return *s.ending
	case s.Tending():
		return Tend{}
	case s.At.Awaited != nil:
		return Wait{Due: s.At.Awaited.Due, Kind: TimerEvent, Event: s.At.Awaited.Name, Key: s.At.Awaited.Key}
	case s.At.Timer != nil:
		return Wait{Due: s.At.Timer.Due, Kind: s.At.Timer.Kind}
	case s.At.spent != nil:
		left := s.At.spent
		return Pause{Cause: PauseRetries, Outcome: left.outcome, Code: left.code, Message: left.message}
	case !s.At.retryAt.IsZero():
		return SetTimer{Kind: TimerRetry, Due: s.At.retryAt}
	case s.At.Visit > s.maxVisits() && !s.At.begun():
		return s.loops()
	default:
		return Step{}
	}
}

// begun tells whether the attempt is past its first step: a limit that is lower
// after a restart does not cut off what is under way.
func (p *Position) begun() bool {
	return p.Attempt > 1 || len(p.Calls) > 0 || p.Woken || p.Received
}

// backoff is how long to wait before the next attempt: doubling from the
// policy's delay up to its maximum, and by the run's seed up to a quarter more,
// so that runs which failed together do not come back together. What the vendor
// asked for is honoured if it is longer, as far as the policy lets it ask.
func backoff(r flow.Retry, seed string, e NodeFinished, attempt int) time.Duration {
	d := r.Delay
	for range attempt - 1 {
		if d > r.MaxDelay/2 {
			d = r.MaxDelay
			break
		}
		d *= 2
	}
	d = min(d, r.MaxDelay)
	h := sha256.New()
	h.Write([]byte(seed))
	h.Write([]byte(e.Node))
	_ = binary.Write(h, binary.BigEndian, [2]int64{int64(e.Visit), int64(e.Attempt)})
	part := float64(binary.BigEndian.Uint32(h.Sum(nil))) / (1 << 32)
	d += min(time.Duration(part*float64(d/4)), math.MaxInt64-d)
	return max(d, min(e.RetryAfter, r.MaxAsked))
}
