package engine

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

const (
	// Parked runs are taken up pollAhead before their time, so that they are in
	// memory when it comes, and looked for every pollEvery at most.
	pollEvery = 500 * time.Millisecond
	pollAhead = 2 * time.Second
	pollLimit = 1024
)

// Run takes up the runs that wait in the journal, those that an earlier
// process left unfinished first, and keeps hold of the engine's part of them,
// until ctx ends; Shutdown then gives that part to others. It fails only if the journal cannot be owned at all. It must
// be called once.
func (e *Engine) Run(ctx context.Context) error {
	if !e.recovers() {
		<-ctx.Done()
		return nil
	}
	idle := e.cfg.Clock.Busy()
	err := e.cfg.Journal.Hear(ctx, e.owner, e.hear)
	if err == nil {
		err = e.lease(ctx)
	}
	if err != nil {
		idle()
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("own the journal: %w", err)
	}
	e.taking.Store(true)
	e.parkWaiting()
	defer e.taking.Store(false)
	e.gained.Set()
	var group sync.WaitGroup
	for _, do := range []func(context.Context){e.takeUpGained, e.takeUpResumed, e.keepLease, e.poll, e.heed} {
		group.Add(1)
		clock.Go(e.cfg.Clock, func() {
			defer group.Done()
			do(ctx)
		})
	}
	idle()
	group.Wait()
	return nil
}

// recovers tells whether there is a journal to take runs from.
func (e *Engine) recovers() bool { return e.cfg.Journal != e.cfg.Memory && e.cfg.Flow != nil }

// takeUpGained takes up what is unfinished in shards that are new to this
// engine. It goes on trying until it has seen them all: nobody else will look.
func (e *Engine) takeUpGained(ctx context.Context) {
	for e.cfg.Clock.Wait(ctx, nil, e.gained) == nil {
		e.mu.Lock()
		shards := e.own.fresh
		e.own.fresh = 0
		e.mu.Unlock()
		if shards == 0 {
			continue
		}
		err := e.takeUpUnfinished(ctx, shards)
		if err == nil || ctx.Err() != nil {
			continue
		}
		e.journalFailed("find unfinished runs", err)
		_ = clock.Sleep(ctx, e.cfg.Clock, lookAgain) // the loop sees that ctx has ended
		e.mu.Lock()
		e.own.fresh |= shards & e.own.held
		e.mu.Unlock()
		e.gained.Set()
	}
}

// lookAgain is how long a journal that cannot be read is left alone.
const lookAgain = 5 * time.Second

// takeUpUnfinished has no more than Config.Recoveries runs go on at a time: all
// of them at once would be more than the vendors they call have ever seen. Runs
// that only wait for a time are left for poll, and those that are paused for who
// resumes them.
func (e *Engine) takeUpUnfinished(ctx context.Context, shards journal.Shards) error {
	found := 0
	for s, err := range e.cfg.Journal.Unfinished(ctx, shards) {
		if err != nil {
			return err
		}
		if e.Find(s.ID) != nil {
			continue // it has only just begun
		}
		if s.Status == run.Paused && !e.mayGoOn(s) {
			continue
		}
		found++
		if s.Status == run.Waiting && s.Awaits == nil {
			continue
		}
		if e.takeSlot(ctx) != nil {
			return nil
		}
		e.takeUp(s, e.freeSlot)
	}
	if found > 0 {
		fact.Tell(e.cfg.Observers, fact.RunsFound{At: e.momentNow(), Runs: found})
	}
	return nil
}

// mayGoOn tells whether a paused run has nothing to wait for: its flow was paused,
// and is so no more.
func (e *Engine) mayGoOn(s journal.Summary) bool { return s.Outcome == "" && e.pauseOf(s.Flow) == nil }

// takeSlot waits until one of Config.Recoveries is free.
func (e *Engine) takeSlot(ctx context.Context) error {
	for {
		select {
		case e.slots <- struct{}{}:
			return nil
		default:
		}
		if err := e.cfg.Clock.Wait(ctx, nil, e.slotFree); err != nil {
			return err
		}
	}
}

func (e *Engine) freeSlot() {
	<-e.slots
	e.slotFree.Set()
}

// poll takes up runs whose time comes. It looks when that of the next one does,
// and when it is told that there may be an earlier one.
func (e *Engine) poll(ctx context.Context) {
	for {
		// Runs that are parked while the journal is read may not be seen there.
		e.lookAt(farAway)
		next := e.takeUpDue(ctx)
		e.lookAt(next)
		if e.waitForTimers(ctx, next) != nil {
			return
		}
	}
}

func (e *Engine) waitForTimers(ctx context.Context, next time.Time) error {
	var timer *clock.Timer
	if next.Before(farAway) {
		timer = e.cfg.Clock.NewTimer(max(next.Add(-pollAhead).Sub(e.now()), pollEvery))
		defer timer.Stop()
	}
	return e.cfg.Clock.Wait(ctx, timer, e.timers)
}

// farAway stands for no time at all.
var farAway = time.Unix(1<<33, 0) // the year 2242

// takeUpDue takes up the runs whose time comes soon, and returns that of the
// next one.
func (e *Engine) takeUpDue(ctx context.Context) (next time.Time) {
	limit, soon := e.pollLimit(), e.now().Add(pollAhead)
	due, err := e.cfg.Journal.Due(ctx, e.Shards(), farAway, limit)
	if err != nil {
		if ctx.Err() == nil {
			e.journalFailed("find runs whose time has come", err)
		}
		return soon
	}
	for _, t := range due {
		if e.Find(t.Run) != nil || e.isBroken(t.Run) {
			continue
		}
		if t.Due.After(soon) {
			return t.Due
		}
		if err := e.wakeByID(ctx, t.Run, e.cfg.Journal); err != nil && ctx.Err() == nil {
			e.journalFailed("take up run "+t.Run, err)
			return soon
		}
	}
	if len(due) == limit {
		return soon // there are more
	}
	return farAway
}

// lookAt notes when poll looks next.
func (e *Engine) lookAt(next time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.nextLook = next
}

// dueBy tells poll of a run that is parked until then.
func (e *Engine) dueBy(due time.Time) {
	e.mu.Lock()
	sooner := !due.IsZero() && due.Before(e.nextLook)
	e.mu.Unlock()
	if sooner {
		e.timers.Set()
	}
}

// pollLimit leaves room behind the runs that are found but not taken up: those
// that are being driven, and those that cannot be.
func (e *Engine) pollLimit() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return pollLimit + len(e.runs) + len(e.broken)
}

// wakeByID takes up a run whose time or event has come. It waits for no slot:
// this is the normal course of a run, and one that holds a slot may wake others.
func (e *Engine) wakeByID(ctx context.Context, id string, d journal.Driver) error {
	if d == e.cfg.Memory || !e.recovers() || e.Find(id) != nil || e.isBroken(id) {
		return nil
	}
	s, err := d.Find(ctx, id)
	switch {
	case errors.Is(err, journal.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	e.takeUp(s, func() {})
	return nil
}

// takeUp drives a run from where its events end, and calls done when it drives
// it no more. A run that cannot be taken up stays in the journal for a later
// try.
func (e *Engine) takeUp(s journal.Summary, done func()) {
	r := e.newRun(s.ID, e.cfg.Journal)
	done = sync.OnceFunc(done)
	r.slot = done
	if s.Status.Ended() || e.add(r) != nil {
		r.cancel(nil) // driven already, or no more work is taken
		done()
		return
	}
	clock.Go(e.cfg.Clock, func() {
		defer done()
		if err := r.resume(s); err != nil {
			r.about.Flow = s.Flow
			fact.Tell(e.cfg.Observers, fact.RunDropped{Of: r.of(e.now()), Why: fact.Broken, Kept: true, Err: err})
			e.giveUp(r, err)
			return
		}
		r.drive()
	})
}

// resume brings the run to where its events end.
func (r *Run) resume(s journal.Summary) error {
	// Not the run's own context: one that is cancelled right now goes on to
	// say so in the journal.
	ctx := r.engine.ctx
	events, err := r.journal.Events(ctx, r.ID)
	if err != nil {
		return err
	}
	f, err := r.engine.cfg.Flow(ctx, s)
	if err != nil {
		return err
	}
	if r.state, err = run.Fold(f, events); err != nil {
		return err
	}
	r.state.Bounds = r.engine.cfg.Bounds
	r.stored, r.size = len(events), r.state.Written()
	r.about = runOf(events[0].(run.RunStarted))
	fact.Tell(r.engine.cfg.Observers, fact.RunTakenUp{Of: r.of(r.engine.now()), Events: len(events)})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flow = f
	r.events = events[:len(events):len(events)]
	r.result = Result{Response: r.state.Response, Status: r.state.Status}
	r.tell()
	return nil
}

// giveUp leaves a run alone until the next start, and tells those who found it
// meanwhile.
func (e *Engine) giveUp(r *Run, err error) {
	r.cancel(nil)
	e.mu.Lock()
	e.broken[r.ID] = true
	e.mu.Unlock()
	e.remove(r)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = err
	r.tell()
}

func (e *Engine) isBroken(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.broken[id]
}

// parked tells poll of the run, and looks once more for an event that came while the run was leaving: it
// was offered when the run was still here, and told to nobody.
func (e *Engine) parked(r *Run) {
	e.dueBy(r.due)
	if !r.wake.Take() {
		return
	}
	s, err := e.cfg.Journal.Find(e.ctx, r.ID)
	switch {
	case e.stopping(): // the next process looks at it
	case err != nil:
		e.journalFailed("take up run "+r.ID, err)
	default:
		e.takeUp(s, func() {})
	}
}

// overtaken takes up a run from the journal that was changed there while it was
// driven here. That is by another owner, which had the shard in between, or by
// a cancellation.
func (e *Engine) overtaken(r *Run) {
	mine, err := e.mayDrive(e.ctx, r.ID, r.journal)
	if err == nil && mine {
		err = e.wakeByID(e.ctx, r.ID, r.journal)
	}
	if parent := r.parent(); err == nil && parent != "" {
		err = e.tellEnded(r.ID, parent, r.journal)
	}
	if err != nil && !e.stopping() {
		e.journalFailed("take up run "+r.ID, err)
	}
}

// parkWaiting lets runs that only wait look whether they should stay.
func (e *Engine) parkWaiting() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, r := range e.runs {
		r.wake.Set()
	}
}
