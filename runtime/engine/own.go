package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/journal"
)

const (
	leaseTTL   = 30 * time.Second
	leaseEvery = leaseTTL / 3
)

// ErrNoShards is returned to those who want a durable run started while every
// shard is another engine's: this one has come just now, and gets its part when
// the others have seen it.
var ErrNoShards = errors.New("the engine owns no part of the journal yet")

// errLost stops the runs of a shard that another owner has now, errMoved those
// that are left to another in good order.
var (
	errLost  = errors.New("the run belongs to another owner now")
	errMoved = errors.New("the run goes on with another owner")
)

// errUnowned says that a run is not the engine's to drive.
var errUnowned = errors.New("the run belongs to another owner")

// ownership is what an engine has of the shared journal. Those of Memory are
// its own anyway.
type ownership struct {
	held    journal.Shards // by the last lease
	leaving journal.Shards // of them, those that are given up when no run of theirs is driven
	until   time.Time      // when the lease is over; zero: there was none
	fresh   journal.Shards // their runs are still to be taken up
}

// at is what is held at a time. Suspended machines stop the monotonic clock and
// some people set the other, so both must agree.
func (o *ownership) at(now time.Time) journal.Shards {
	if now.Before(o.until) && now.Round(0).Before(o.until.Round(0)) {
		return o.held
	}
	return 0
}

// active are the shards in which runs may be started and taken up.
func (o *ownership) active(now time.Time) journal.Shards { return o.at(now) &^ o.leaving }

// Ready tells why durable runs cannot be started now; nil if they can.
func (e *Engine) Ready() error {
	if e.stopping() {
		return ErrStopped
	}
	if e.cfg.Journal != e.cfg.Memory && e.Shards() == 0 {
		return ErrNoShards
	}
	return nil
}

// Shards are those in which the engine starts and takes up durable runs now.
func (e *Engine) Shards() journal.Shards {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.own.active(e.now())
}

// holding returns what the engine holds right now. If the time of its lease is
// over, which it may find out late, it asks the journal: nobody may have come
// for the shards, or somebody did. So nothing has to happen before an engine
// can start its first run.
func (e *Engine) holding(ctx context.Context) (all, active journal.Shards, err error) {
	for asked := false; ; asked = true {
		e.mu.Lock()
		now := e.now()
		all, active = e.own.at(now), e.own.active(now)
		e.mu.Unlock()
		if all != 0 || asked {
			return all, active, nil
		}
		if err := e.lease(ctx); err != nil {
			return 0, 0, err
		}
	}
}

// mayDrive tells whether the engine may take up a run of a journal, or change
// it without taking it up.
func (e *Engine) mayDrive(ctx context.Context, id string, d journal.Driver) (bool, error) {
	if d == e.cfg.Memory {
		return true, nil
	}
	_, active, err := e.holding(ctx)
	return active.Has(id), err
}

// hold returns errLost if a run is another's by now. An engine that was
// stopped, or whose journal could not be reached, asks before it does what must
// not be done twice.
func (r *Run) hold() error {
	e := r.engine
	if r.journal == e.cfg.Memory {
		return nil
	}
	var mine bool
	ask := func(ctx context.Context) error {
		all, _, err := e.holding(ctx)
		mine = all.Has(r.ID)
		return err
	}
	err := ask(r.ctx)
	if err != nil && r.stored > 0 {
		err = r.insist(r.ctx, err, ask)
	}
	if err == nil && !mine {
		err = errLost
	}
	return err
}

// newID makes the id of a run that falls into a shard of this engine.
func (e *Engine) newID(ctx context.Context, d journal.Driver) (string, error) {
	if e.stopping() {
		return "", ErrStopped
	}
	if d == e.cfg.Memory {
		return e.cfg.NewID(), nil
	}
	_, active, err := e.holding(ctx)
	if err != nil {
		return "", fmt.Errorf("own the journal: %w", err)
	}
	if active == 0 {
		return "", ErrNoShards
	}
	const most = 100 * journal.NumShards // with a single shard, that none falls into it is as likely as 10^-43
	for range most {
		if id := e.cfg.NewID(); active.Has(id) {
			return id, nil
		}
	}
	return "", fmt.Errorf("none of %d ids falls into the shards of this engine", most)
}

// lease renews what the engine owns and asks for its part. Runs of what was
// lost are left to their new owner, those of what is new are taken up.
func (e *Engine) lease(ctx context.Context) error {
	e.leasing.Lock()
	defer e.leasing.Unlock()
	for first := true; ; first = false {
		if e.stopping() {
			e.wanted = 0
		}
		asked, want := e.now(), e.wanted
		share, err := e.cfg.Journal.Lease(ctx, e.owner, want, leaseTTL)
		if err != nil {
			return err
		}
		e.wanted = e.partOf(share.Owners)
		if first && e.wanted > max(want, share.Shards.Len()) {
			continue // there are fewer owners than it knew
		}
		e.settle(share.Shards, asked)
		return e.shed(ctx)
	}
}

// partOf is how many shards the engine should have: they are divided as evenly
// as can be, the rest going to the first owners.
func (e *Engine) partOf(owners []string) int {
	if e.stopping() {
		return 0
	}
	rank, ok := slices.BinarySearch(owners, e.owner)
	if !ok {
		return 1
	}
	part := journal.NumShards / len(owners)
	if rank < journal.NumShards%len(owners) {
		part++
	}
	return max(part, 1)
}

// settle notes what the engine has from now on, by a lease that was asked for
// then.
func (e *Engine) settle(held journal.Shards, asked time.Time) {
	e.mu.Lock()
	before, beforeActive := e.own.held, e.own.active(asked)
	e.own.held, e.own.until = held, asked.Add(leaseTTL)
	e.own.leaving = e.excess()
	e.leaving.Store(uint64(e.own.leaving))
	// What is new, what is to stay after all, and all if the lease was over:
	// others may have been there meanwhile.
	e.own.fresh = (e.own.fresh | e.own.held&^e.own.leaving&^beforeActive) & held
	lost := before &^ held
	for id := range e.broken {
		if lost.Has(id) {
			delete(e.broken, id)
		}
	}
	for id, r := range e.runs {
		switch {
		case r.journal == e.cfg.Memory:
		case lost.Has(id):
			r.cancel(errLost)
		case e.own.leaving.Has(id):
			r.wake.Set() // it may leave
		}
	}
	e.mu.Unlock()
	e.tellLease(before, held, false)
	e.gained.Set()
	e.timers.Set()
}

// excess chooses the shards to give up: those that are on their way already,
// then those with the fewest runs in progress.
func (e *Engine) excess() journal.Shards {
	surplus := e.own.held.Len() - e.wanted
	if surplus <= 0 {
		return 0
	}
	driven := e.driven()
	shards := slices.Collect(e.own.held.All())
	slices.SortStableFunc(shards, func(a, b int) int {
		stays := func(i int) int { return int(^e.own.leaving >> i & 1) }
		return cmp.Or(cmp.Compare(stays(a), stays(b)), cmp.Compare(driven[a], driven[b]))
	})
	var leaving journal.Shards
	for _, i := range shards[:surplus] {
		leaving |= 1 << i
	}
	return leaving
}

// driven counts the runs in progress in each shard.
func (e *Engine) driven() (count [journal.NumShards]int) {
	for id, r := range e.runs {
		if r.journal != e.cfg.Memory {
			count[journal.ShardOf(id)]++
		}
	}
	return count
}

// shed gives up the shards that are on their way and in which no run is driven
// any more.
func (e *Engine) shed(ctx context.Context) error {
	e.mu.Lock()
	var free journal.Shards
	if e.own.leaving != 0 {
		driven := e.driven()
		for i := range e.own.leaving.All() {
			if driven[i] == 0 {
				free |= 1 << i
			}
		}
	}
	held := e.own.held &^ free
	e.own.held = held
	e.own.leaving &^= free
	e.leaving.Store(uint64(e.own.leaving))
	e.mu.Unlock()
	if free == 0 {
		return nil
	}
	e.tellLease(held|free, held, true)
	return e.cfg.Journal.Release(ctx, e.owner, free)
}

// keepLease also has the timers looked at now and then: the clock on the wall
// may be set, and then a time comes sooner than it seemed.
func (e *Engine) keepLease(ctx context.Context) {
	tick := e.cfg.Clock.NewTicker(leaseEvery)
	defer tick.Stop()
	// A wake that is no tick comes when a run has left a shard that is on its
	// way.
	for next := e.now().Add(leaseEvery / 2); e.cfg.Clock.Wait(ctx, tick, e.vacant) == nil; {
		do := e.shed
		if now := e.now(); !now.Before(next) {
			do, next = e.lease, now.Add(leaseEvery/2)
		}
		if err := do(ctx); err != nil && ctx.Err() == nil {
			e.journalFailed("renew the lease of it", err)
		}
	}
}

// release gives up all that the engine has, at its end.
func (e *Engine) release(ctx context.Context) {
	ctx, cancel := e.cfg.Clock.WithTimeout(context.WithoutCancel(ctx), lastWrite, nil)
	defer cancel()
	e.mu.Lock()
	held := e.own.held
	e.own = ownership{}
	e.mu.Unlock()
	if held == 0 {
		return
	}
	e.tellLease(held, 0, true)
	if err := e.cfg.Journal.Release(ctx, e.owner, held); err != nil && !errors.Is(err, journal.ErrClosed) {
		e.journalFailed("release it; others get it when the lease is over", err)
	}
}

// moves tells whether the run should be left to another owner as soon as that
// can be: nobody waits for it here, and it is in the middle of nothing.
func (r *Run) moves() bool {
	if !journal.Shards(r.engine.leaving.Load()).Has(r.ID) || r.journal == r.engine.cfg.Memory || r.engine.stopping() {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waiters <= 0
}

// rouse makes a run look whether it can go on: one that is driven here at once,
// one that is parked by taking it up, and any other by telling its owner.
func (e *Engine) rouse(ctx context.Context, id string, d journal.Driver) error {
	if r := e.Find(id); r != nil {
		r.wake.Set()
		// A run that was leaving sees that only if it is here still; see parked.
		if e.Find(id) == r {
			return nil
		}
	}
	mine, err := e.mayDrive(ctx, id, d)
	switch {
	case err != nil:
		return err
	case mine:
		return e.wakeByID(ctx, id, d)
	default:
		return d.Tell(ctx, journal.Note{Run: id})
	}
}

// hear takes a note of another engine.
func (e *Engine) hear(n journal.Note) {
	e.mu.Lock()
	e.notes = append(e.notes, n)
	e.mu.Unlock()
	e.told.Set()
}

// heed does what others want of runs that are this engine's. What it cannot do
// is left to who told: it looks, and tells again.
func (e *Engine) heed(ctx context.Context) {
	for e.cfg.Clock.Wait(ctx, nil, e.told) == nil {
		e.mu.Lock()
		notes := e.notes
		e.notes = nil
		e.mu.Unlock()
		for _, n := range notes {
			if err := e.heedNote(ctx, n); err != nil && ctx.Err() == nil {
				e.journalFailed("do what another engine wants of run "+n.Run, err)
			}
		}
	}
}

func (e *Engine) heedNote(ctx context.Context, n journal.Note) error {
	r := e.Find(n.Run)
	switch {
	case n.Resume && r != nil:
		return e.heedResume(ctx, n)
	case r != nil && n.Cancel:
		r.Cancel(n.Reason)
		return nil
	case r != nil:
		return e.rouse(ctx, n.Run, e.cfg.Journal)
	}
	mine, err := e.mayDrive(ctx, n.Run, e.cfg.Journal)
	switch {
	case err != nil || !mine:
		return err
	case n.Resume:
		return e.heedResume(ctx, n)
	case n.Cancel:
		err = e.cancelAway(ctx, n.Run, n.Reason, false)
		if r := e.Find(n.Run); errors.Is(err, errWoken) && r != nil {
			r.Cancel(n.Reason)
			return nil
		}
		if errors.Is(err, ErrEnded) || errors.Is(err, errWoken) || errors.Is(err, journal.ErrConflict) || errors.Is(err, journal.ErrNotFound) {
			return nil
		}
		return err
	default:
		return e.wakeByID(ctx, n.Run, e.cfg.Journal)
	}
}

// pause waits for somebody who is not at work.
func (e *Engine) pause(ctx context.Context, t *clock.Timer) error {
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-e.ctx.Done():
		return context.Cause(e.ctx)
	}
}
