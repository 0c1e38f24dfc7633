package clock

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Steady is the time of one process for what must take as long as it was meant
// to: it begins with the time of the machine, goes on by what passed since, and
// never goes back. Whoever sets the machine's clock neither delays what waits nor
// makes it come early.
type Steady struct {
	Clock // for waiting, and for what passed
	wall  func() time.Time
	began time.Time // by Clock
	base  time.Time // by the machine, then

	ahead atomic.Int64 // what was taken over since

	mu    sync.Mutex
	off   time.Duration // of the machine's time from this one, as it was told last
	since time.Time     // by Clock, when that was told
	slept time.Duration
}

var _ Clock = (*Steady)(nil)

// NewSteady returns a clock that waits by c and begins now. Wall tells the time of
// the machine; nil is that of c, without its monotonic reading.
func NewSteady(c Clock, wall func() time.Time) *Steady {
	if wall == nil {
		wall = func() time.Time { return c.Now().Round(0) }
	}
	return &Steady{Clock: c, wall: wall, began: c.Now(), base: wall(), slept: slept()}
}

// Now implements Clock.
func (s *Steady) Now() time.Time {
	return s.base.Add(s.Clock.Now().Sub(s.began) + time.Duration(s.ahead.Load()))
}

const (
	// jump is how far the machine's clock may be moved without a word. What it
	// is ahead by less is taken over.
	jump      = time.Minute
	lookEvery = 10 * time.Second
	// trustAfter is how long the machine's clock must have been ahead by more
	// for it to be right.
	trustAfter = 24 * time.Hour
)

// Jump is a move of the machine's clock by more than a minute.
type Jump struct {
	By    time.Duration // the machine's clock was moved
	Off   time.Duration // it is ahead of this one now, or behind if that is less than 0
	Taken bool          // this clock was moved by By: the machine's has been ahead for a day
}

// Watch compares this clock with the machine's now and then, until ctx ends. It
// tells of jumps, and takes over what is right: small moves ahead, the time for
// which the machine slept, and a jump ahead that has lasted for a day.
func (s *Steady) Watch(ctx context.Context, tell func(Jump)) {
	tick := s.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if j, jumped := s.look(); jumped {
				tell(j)
			}
		}
	}
}

func (s *Steady) look() (j Jump, jumped bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if total := slept(); total > s.slept {
		s.ahead.Add(int64(total - s.slept))
		s.slept = total
	}
	off := s.wall().Sub(s.Now())
	switch by := off - s.off; {
	case by.Abs() > jump:
		s.off, s.since = off, s.Clock.Now()
		return Jump{By: by, Off: off}, true
	case 0 < off && off <= jump:
		s.ahead.Add(int64(off))
		s.off = 0
	case off > jump && s.Clock.Now().Sub(s.since) >= trustAfter:
		s.ahead.Add(int64(off))
		s.off = 0
		return Jump{By: off, Taken: true}, true
	}
	return Jump{}, false
}
