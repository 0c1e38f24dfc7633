package engine

import (
	"context"
	"time"

	"github.com/wendflow/wend/runtime/run"
)

// lookEvery is how often the journal is asked about a run that nobody drives
// here and somebody follows.
const lookEvery = time.Second

// Follow calls yield with the events of a run that come after the first `after`
// of them, those of the past at once and those to come when they are in the
// journal, until the run has ended or yield returns false; then it returns nil.
// It stays while the run waits in the journal, and goes on when the run does.
// Otherwise it returns ErrNotFound of package journal, ErrStopped, or the cause
// of ctx.
func (e *Engine) Follow(ctx context.Context, id string, after int, yield func(run.Event) bool) error {
	f := follower{engine: e, id: id, next: after, yield: yield}
	for {
		if r := e.Find(id); r != nil {
			f.driven(ctx, r)
		}
		if !f.done {
			if err := f.stored(ctx); err != nil {
				return err
			}
		}
		if f.done {
			return nil
		}
		if err := e.pause(ctx, e.cfg.Clock.NewTicker(lookEvery)); err != nil {
			return err
		}
	}
}

// follower is somebody who wants the events of one run.
type follower struct {
	engine *Engine
	id     string
	next   int // events that it has seen
	done   bool
	yield  func(run.Event) bool
}

// driven follows a run that is driven here, until it is no more.
func (f *follower) driven(ctx context.Context, r *Run) {
	seen := 0
	r.Follow(ctx, func(ev run.Event) bool {
		seen++
		if seen > f.next {
			f.give(ev)
		}
		return !f.done
	})
}

// stored reads what the journal has beyond that: of a run that has ended, or
// that waits, or that another process drives.
func (f *follower) stored(ctx context.Context) error {
	s, d, err := f.engine.Summary(ctx, f.id)
	if err != nil {
		return err
	}
	if s.Events > f.next {
		events, err := d.Events(ctx, f.id)
		if err != nil {
			return err
		}
		for _, ev := range events[min(f.next, len(events)):] {
			if f.give(ev); f.done {
				return nil
			}
		}
	}
	f.done = f.done || s.Status.Ended()
	return nil
}

func (f *follower) give(ev run.Event) {
	f.next++
	f.done = !f.yield(ev) || ends(ev)
}

func ends(ev run.Event) bool {
	switch ev.(type) {
	case run.RunEnded, run.RunCancelled:
		return true
	default:
		return false
	}
}
