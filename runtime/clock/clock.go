// Package clock is the time that all of Wend goes by. Everything of a running
// product that asks what time it is, or lets time pass, does so through one
// Clock that whoever wires it passes in: System for real, Steady for what must not
// notice that the machine's clock is set, Virtual where an hour must not take an
// hour. It knows nothing of what is waited for.
//
// # Work and waiting
//
// A virtual clock moves when nothing else can happen, so it has to know who is
// at work. Who is at work says so with Busy, or is started with Go or Together;
// it waits for time and for others with Wait and Sleep only, and the clock
// stands still until all who are busy wait. What blocks in another way, such as
// a journal that writes to disk or a call on a real network, is work: time that
// is virtual does not pass meanwhile. For a real clock all this is nothing.
package clock

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Clock is one source of time. It is safe for concurrent use.
type Clock interface {
	// Now is the time. That of System has Go's monotonic reading, so that the
	// difference of two is what passed, whatever is done to the clock on the
	// wall; that of Steady is made of it.
	Now() time.Time
	// NewTimer returns a timer that fires once, when d is over. Stop it when it
	// is needed no more.
	NewTimer(d time.Duration) *Timer
	// NewTicker returns a timer that fires every d, for what is done now and
	// then whether or not there is anything to do. A tick that nobody received
	// is dropped. A ticker makes no time pass: a virtual clock that moves past
	// several ticks gives one. Stop it when it is needed no more. d must be
	// more than 0.
	NewTicker(d time.Duration) *Timer
	// WithTimeout is context.WithTimeoutCause by this clock.
	WithTimeout(ctx context.Context, d time.Duration, cause error) (context.Context, context.CancelFunc)
	// Busy says that somebody is at work until idle is called, which must be
	// once.
	Busy() (idle func())
	// Wait returns nil when t has fired or w was set, which is then taken back,
	// and the cause of ctx when that has ended. Both t and w may be nil. The
	// caller must be busy; it is not while it waits. One at a time may wait for
	// a timer, and for a Wake.
	Wait(ctx context.Context, t *Timer, w *Wake) error
}

// Timer fires on C. For a select without Wait.
type Timer struct {
	C    <-chan time.Time
	stop func()
	at   *alarm // of a virtual clock
}

// Stop makes the timer fire no more.
func (t *Timer) Stop() { t.stop() }

// Wake is how somebody is told that there is something to look at. Telling it
// again before it looked is no more than telling once.
type Wake struct {
	mu   sync.Mutex
	set  bool
	told chan struct{} // holds one token when set, until it is received
}

// NewWake returns a Wake that is not set.
func NewWake() *Wake { return &Wake{told: make(chan struct{}, 1)} }

// Set wakes who waits, or who waits next.
func (w *Wake) Set() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.set {
		w.set = true
		w.told <- struct{}{}
	}
}

// Take tells whether the Wake was set, and takes that back.
func (w *Wake) Take() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := w.set
	w.set = false
	select {
	case <-w.told:
	default: // not set, or received by Wait
	}
	return was
}

func (w *Wake) isSet() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.set
}

// wait blocks until one of the three is there. It leaves it to the caller to
// take w back.
func wait(ctx context.Context, t *Timer, w *Wake) error {
	var over <-chan time.Time
	var told <-chan struct{}
	if t != nil {
		over = t.C
	}
	if w != nil {
		told = w.told
	}
	select {
	case <-over:
	case <-told:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return nil
}

// Sleep waits until d is over, or returns the cause of ctx. The caller must be
// busy.
func Sleep(ctx context.Context, c Clock, d time.Duration) error {
	t := c.NewTimer(d)
	defer t.Stop()
	return c.Wait(ctx, t, nil)
}

// Go starts somebody who is busy until f returns.
func Go(c Clock, f func()) {
	idle := c.Busy()
	go func() {
		defer idle()
		f()
	}()
}

// Together calls do with the numbers from 0 to n-1 side by side, the last in
// the caller's own goroutine, and returns when all have returned. The caller
// must be busy, and so are those who are called.
func Together(c Clock, n int, do func(i int)) {
	if n == 1 {
		do(0)
		return
	}
	// All but the one who is done last go idle. In its place the caller goes
	// on, so that there is no moment between at which nobody is busy.
	idle := make([]func(), max(n-1, 0))
	for i := range idle {
		idle[i] = c.Busy()
	}
	var done atomic.Int32
	all := make(chan struct{})
	end := func() {
		if k := int(done.Add(1)); k < n {
			idle[k-1]()
			return
		}
		close(all)
	}
	for i := range idle {
		go func() {
			defer end()
			do(i)
		}()
	}
	if n > 0 {
		do(n - 1)
		end()
		<-all
	}
}
