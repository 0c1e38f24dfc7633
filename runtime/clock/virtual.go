package clock

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"sync"
	"time"
)

// Virtual is a clock that never waits: when all who are busy wait, it moves to
// the time of the next timer at once, and a month takes as long as what is done
// in it. It is safe for concurrent use.
//
// Time moves whenever nobody is busy. Who starts several things at one moment,
// or looks at what others do, is Busy meanwhile; who waits for a run or a
// channel in another way than by Wait is not.
type Virtual struct {
	mu      sync.Mutex
	now     time.Time
	busy    int
	made    int    // alarms ever
	timers  alarms // and timeouts
	tickers alarms
	waiting map[*waiter]struct{}
	stalled chan struct{} // closed when nothing can happen any more; nil: nobody asks
}

var _ Clock = (*Virtual)(nil)

// NewVirtual returns a clock at which it is the given time.
func NewVirtual(now time.Time) *Virtual {
	return &Virtual{now: now.Round(0), waiting: map[*waiter]struct{}{}}
}

// alarm is a timer, a ticker or a timeout.
type alarm struct {
	due   time.Time
	nr    int           // order among those of one time
	every time.Duration // of a ticker
	ring  func(now time.Time)
	rang  bool // and nobody has received it
	index int  // in its heap; -1: not there
}

// waiter is one call of Wait.
type waiter struct {
	ctx  context.Context //nolint:containedctx // of the call
	at   *alarm
	wake *Wake
}

// stirs tells whether the waiter is about to go on.
func (w *waiter) stirs() bool {
	return w.at != nil && w.at.rang || w.wake != nil && w.wake.isSet() || w.ctx.Err() != nil
}

// Now implements Clock.
func (v *Virtual) Now() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// NewTimer implements Clock. A timer whose time has come fires when all who are
// busy wait, not before: so a timer of 0 lets others go first.
func (v *Virtual) NewTimer(d time.Duration) *Timer { return v.newTimer(d, 0) }

// NewTicker implements Clock.
func (v *Virtual) NewTicker(d time.Duration) *Timer {
	if d <= 0 {
		panic("clock: a ticker of no time")
	}
	return v.newTimer(d, d)
}

func (v *Virtual) newTimer(d, every time.Duration) *Timer {
	c := make(chan time.Time, 1)
	a := &alarm{every: every}
	a.ring = func(now time.Time) {
		a.rang = true
		select {
		case c <- now:
		default: // the tick before was not received yet
		}
	}
	v.add(a, d)
	return &Timer{C: c, at: a, stop: func() { v.remove(a) }}
}

func (v *Virtual) add(a *alarm, d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	a.due, a.nr = v.now.Add(max(d, 0)), v.made
	v.made++
	heap.Push(v.heapOf(a), a)
	v.move()
}

func (v *Virtual) heapOf(a *alarm) *alarms {
	if a.every > 0 {
		return &v.tickers
	}
	return &v.timers
}

func (v *Virtual) remove(a *alarm) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if a.index >= 0 {
		heap.Remove(v.heapOf(a), a.index)
	}
	v.move() // it may have been what others wait for
}

// WithTimeout implements Clock.
func (v *Virtual) WithTimeout(ctx context.Context, d time.Duration, cause error) (context.Context, context.CancelFunc) {
	inner, cancel := context.WithCancelCause(ctx)
	if cause == nil {
		cause = context.DeadlineExceeded
	}
	c := &timeout{Context: inner, over: timeoutError{cause}}
	a := &alarm{ring: func(time.Time) { cancel(&c.over) }}
	v.add(a, d)
	return c, func() {
		v.remove(a)
		cancel(context.Canceled)
	}
}

// timeout is a context that says, as others with a deadline do, why it ended.
type timeout struct {
	context.Context //nolint:containedctx // this is one
	over            timeoutError
}

// timeoutError marks the cause of a context that ended by its own time.
type timeoutError struct{ error }

func (t *timeoutError) Unwrap() error { return t.error }

func (c *timeout) Err() error {
	err := c.Context.Err()
	if err != nil && context.Cause(c.Context) == error(&c.over) { //nolint:errorlint // this very one, not another like it
		return context.DeadlineExceeded
	}
	return err
}

// Busy implements Clock.
func (v *Virtual) Busy() (idle func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.busy++
	return v.idle
}

func (v *Virtual) idle() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.busy--
	v.move()
}

// Wait implements Clock.
func (v *Virtual) Wait(ctx context.Context, t *Timer, w *Wake) error {
	me := &waiter{ctx: ctx, wake: w}
	if t != nil {
		me.at = t.at
	}
	v.mu.Lock()
	if v.busy == 0 {
		v.mu.Unlock()
		panic("clock: Wait by somebody who is not busy")
	}
	v.waiting[me] = struct{}{}
	v.busy--
	v.move()
	v.mu.Unlock()

	err := wait(ctx, t, w)

	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.waiting, me)
	v.busy++
	if t != nil {
		me.at.rang = len(t.C) > 0
	}
	if w != nil {
		w.Take()
	}
	return err
}

// move lets time pass while nobody is busy, or about to be.
func (v *Virtual) move() {
	for v.busy == 0 && !v.stirring() {
		if len(v.timers) == 0 {
			if v.stalled != nil {
				close(v.stalled)
				v.stalled = nil
			}
			return
		}
		if due := v.timers[0].due; due.After(v.now) {
			v.now = due
		}
		v.ring(&v.tickers)
		v.ring(&v.timers)
	}
}

// ring lets all alarms go off whose time has come; a ticker goes on from now.
func (v *Virtual) ring(h *alarms) {
	for len(*h) > 0 && !(*h)[0].due.After(v.now) {
		a := (*h)[0]
		if a.every > 0 {
			a.due = v.now.Add(a.every)
			heap.Fix(h, 0)
		} else {
			heap.Pop(h)
		}
		a.ring(v.now)
	}
}

func (v *Virtual) stirring() bool {
	for w := range v.waiting {
		if w.stirs() {
			return true
		}
	}
	return false
}

// ErrStalled says that nothing can happen any more.
var ErrStalled = errors.New("nobody is at work, and there is no time to wait for")

// Stalled returns ErrStalled when nobody is busy and no timer is left to move
// to, so that nothing will happen unless somebody from outside does something;
// or the cause of ctx.
func (v *Virtual) Stalled(ctx context.Context) error {
	v.mu.Lock()
	if v.stalled == nil {
		v.stalled = make(chan struct{})
	}
	stalled := v.stalled
	v.move()
	v.mu.Unlock()
	select {
	case <-stalled:
		return ErrStalled
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// alarms is a heap, the next one first.
type alarms []*alarm

func (a *alarm) before(b *alarm) bool {
	return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.nr, b.nr)) < 0
}

func (h alarms) Len() int           { return len(h) }
func (h alarms) Less(i, j int) bool { return h[i].before(h[j]) }

func (h alarms) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *alarms) Push(x any) {
	a := x.(*alarm)
	a.index = len(*h)
	*h = append(*h, a)
}

// Pop implements heap.Interface.
func (h *alarms) Pop() any {
	last := len(*h) - 1
	a := (*h)[last]
	(*h)[last] = nil
	*h, a.index = (*h)[:last], -1
	return a
}
