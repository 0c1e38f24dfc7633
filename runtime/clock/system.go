package clock

import (
	"context"
	"time"
)

// System is the clock of the machine.
var System = Told(time.Now)

// Told returns a clock that waits as the machine does and takes its time from
// now, for a program that shows or repeats a moment.
func Told(now func() time.Time) Clock { return told(now) }

type told func() time.Time

func (now told) Now() time.Time { return now() }

func (told) NewTimer(d time.Duration) *Timer {
	t := time.NewTimer(d)
	return &Timer{C: t.C, stop: func() { t.Stop() }}
}

func (told) NewTicker(d time.Duration) *Timer {
	t := time.NewTicker(d)
	return &Timer{C: t.C, stop: t.Stop}
}

func (told) WithTimeout(ctx context.Context, d time.Duration, cause error) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, cause)
}

func (told) Busy() (idle func()) { return nothing }

func nothing() {}

func (told) Wait(ctx context.Context, t *Timer, w *Wake) error {
	err := wait(ctx, t, w)
	if w != nil {
		w.Take()
	}
	return err
}
