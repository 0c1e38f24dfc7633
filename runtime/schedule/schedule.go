// Package schedule starts runs at the ticks of schedules: one run a tick, however
// often the server is restarted and however many servers share the journal.
//
// Nothing is planned ahead. How far each schedule has come is in the journal
// (journal.Ticks), and what came since follows from its timetable. A tick's run
// has the tick as its dedupe key, and only when it is on record has the schedule
// come further; so after a crash in between the tick is tried again, and its run
// found. Servers that try the same tick find each other's run in the same way.
package schedule

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/trigger"
)

// Config is what a Scheduler needs.
type Config struct {
	Flows   func() *catalog.Set // the live flows; they may change at any time
	Engine  *engine.Engine
	Journal journal.Ticks
	// Clock is that of the engine. Defaults to clock.System.
	Clock clock.Clock
	// Observers are told which ticks have no run. Defaults to nobody.
	Observers *fact.Observers
	// Log gets what keeps schedules from going on. Defaults to none.
	Log *slog.Logger
}

// Scheduler starts runs while Run is running. It is safe for concurrent use.
type Scheduler struct {
	cfg  Config
	wake *clock.Wake

	// These belong to Run.
	clocks  map[string]*schedule // by name
	failing bool
}

// schedule is a trigger of a live flow.
type schedule struct {
	*node.Schedule
	name    string
	flow    *flow.Flow
	trigger *flow.Node
	until   time.Time     // what ticked until then was looked at
	pending []due         // and is to be started
	look    time.Time     // when there may be something to do
	again   time.Duration // until then, if there is something that could not be done
	failed  error         // of the last look
}

// New returns a scheduler that is ready to Run.
func New(cfg Config) *Scheduler {
	if cfg.Clock == nil {
		cfg.Clock = clock.System
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Scheduler{cfg: cfg, wake: clock.NewWake(), clocks: map[string]*schedule{}}
}

// Reload has the scheduler look at the live flows, which have changed. A schedule
// with the same timetable goes on as it was, one with another begins anew, and one
// that is gone is forgotten.
func (s *Scheduler) Reload() { s.wake.Set() }

const (
	// lookEvery is how often the clock is looked at though no tick is near: that
	// of a machine that slept has moved.
	lookEvery = 5 * time.Second
	// again is after what time at most a tick is tried again whose turn it is
	// not, or that could not be started.
	again = time.Second
	// together is how many ticks of one instant are started side by side, so
	// that the journal puts them on disk together.
	together = 64
)

// Run starts runs until ctx ends.
func (s *Scheduler) Run(ctx context.Context) {
	c := s.cfg.Clock
	defer c.Busy()()
	tick := c.NewTicker(lookEvery)
	defer tick.Stop()
	go func() {
		for {
			select {
			case <-tick.C:
				s.wake.Set()
			case <-ctx.Done():
				return
			}
		}
	}()
	for ctx.Err() == nil {
		s.adopt(ctx)
		s.pass(ctx)
		if err := s.rest(ctx); err != nil {
			return
		}
	}
}

// rest waits for the next tick, or for something to look at.
func (s *Scheduler) rest(ctx context.Context) error {
	var timer *clock.Timer
	var next time.Time
	for _, one := range s.clocks {
		if next.IsZero() || one.look.Before(next) {
			next = one.look
		}
	}
	if !next.IsZero() {
		timer = s.cfg.Clock.NewTimer(next.Sub(s.cfg.Clock.Now()))
		defer timer.Stop()
	}
	return s.cfg.Clock.Wait(ctx, timer, s.wake)
}

// adopt takes the live flows as they are now.
func (s *Scheduler) adopt(ctx context.Context) {
	gone := maps.Clone(s.clocks)
	for _, f := range s.cfg.Flows().Flows() {
		for _, t := range f.Triggers {
			given, ok := t.Trigger.(*node.Schedule)
			if !ok {
				continue
			}
			name := f.Name + "/" + t.ID
			delete(gone, name)
			one := s.clocks[name]
			if one == nil {
				one = &schedule{name: name}
				s.clocks[name] = one
			}
			if one.trigger != t { // also of one that goes on: it may have another jitter
				one.Schedule, one.flow, one.trigger, one.look = given, f, t, time.Time{}
			}
		}
	}
	for name := range gone {
		delete(s.clocks, name)
		if err := s.forget(ctx, name); err != nil {
			s.cfg.Log.Warn("a schedule that is gone is not forgotten; if it comes back, the time between counts as missed", "schedule", name, "error", err)
		}
	}
}

func (s *Scheduler) forget(ctx context.Context, name string) error {
	at, err := s.cfg.Journal.Ticked(ctx, name)
	if err == nil {
		_, err = s.cfg.Journal.Tick(ctx, name, at, journal.Tick{})
	}
	return err
}

// pass does what is due.
func (s *Scheduler) pass(ctx context.Context) {
	now := s.cfg.Clock.Now()
	var due []*schedule
	for _, name := range slices.Sorted(maps.Keys(s.clocks)) {
		if one := s.clocks[name]; !one.look.After(now) {
			due = append(due, one)
		}
	}
	var taken atomic.Int64
	clock.Together(s.cfg.Clock, min(len(due), together), func(int) {
		for i := taken.Add(1) - 1; i < int64(len(due)) && ctx.Err() == nil; i = taken.Add(1) - 1 {
			due[i].failed = s.advance(ctx, due[i])
		}
	})
	s.tell(due)
}

// tell logs that schedules do not go on, once until they all do.
func (s *Scheduler) tell(looked []*schedule) {
	for _, one := range looked {
		err := one.failed
		if err == nil || errors.Is(err, errMoved) || errors.Is(err, engine.ErrNoShards) || errors.Is(err, engine.ErrStopped) || errors.Is(err, context.Canceled) {
			continue
		}
		if !s.failing {
			s.cfg.Log.Error("a schedule does not go on; its ticks are tried again, and others may be held up too", "flow", one.flow.Name, "node", one.trigger.ID, "error", err)
		}
		s.failing = true
		return
	}
	if len(looked) > 0 {
		s.failing = false
	}
}

// advance starts what is due of a schedule and says when to look again.
func (s *Scheduler) advance(ctx context.Context, one *schedule) error {
	now := s.cfg.Clock.Now()
	one.again = min(max(2*one.again, 10*time.Millisecond), again)
	one.look = now.Add(one.again)
	at, err := s.place(ctx, one, now)
	if err != nil {
		return err
	}
	next, left := one.take(at, now)
	for _, l := range left {
		s.leftOut(one, l.why, l.ticks)
	}
	for len(one.pending) > 0 {
		var held bool
		if at, held, err = s.start(ctx, one, at, one.pending[0]); err != nil {
			return err
		}
		if held {
			return s.queue(ctx, one, at)
		}
		one.pending, one.again = one.pending[1:], 0
	}
	if one.until.After(at.At) { // the last of them have no run
		if _, err = s.move(ctx, one, at, journal.Tick{Plan: at.Plan, At: one.until, Seen: one.until, Run: at.Run}); err != nil {
			return err
		}
	}
	one.look, one.again = next, 0
	return nil
}

// trusted is how far ahead of the clock a schedule can be. One that is further was
// moved while the clock was wrong, and would not tick until it was right again.
const trusted = 24 * time.Hour

// place returns how far a schedule has come. One that is new, or has another
// timetable than before, begins now.
func (s *Scheduler) place(ctx context.Context, one *schedule, now time.Time) (journal.Tick, error) {
	at, err := s.cfg.Journal.Ticked(ctx, one.name)
	if err != nil || at.Plan == one.Plan.String() && at.At.Sub(now) <= trusted {
		return at, err
	}
	one.until, one.pending = time.Time{}, nil
	return s.move(ctx, one, at, journal.Tick{Plan: one.Plan.String(), At: now, Seen: now, Run: at.Run})
}

// errMoved says that another server has moved the schedule meanwhile.
var errMoved = errors.New("another server has moved this schedule")

// move says in the journal that a schedule has come further. If another server
// was there first, the schedule is looked at anew.
func (s *Scheduler) move(ctx context.Context, one *schedule, from, to journal.Tick) (journal.Tick, error) {
	if from.Same(to) {
		return to, nil
	}
	moved, err := s.cfg.Journal.Tick(ctx, one.name, from, to)
	if err == nil && !moved {
		err = errMoved
	}
	if err != nil {
		return from, err
	}
	return to, nil
}

// queue keeps what is pending until the run before has ended: also over a
// restart, after which it would count as missed.
func (s *Scheduler) queue(ctx context.Context, one *schedule, at journal.Tick) error {
	to := at
	to.Seen = later(at.Seen, one.waiting())
	if before := one.pending[0].before; before.After(at.At) {
		to.At = before
	}
	_, err := s.move(ctx, one, at, to)
	return err
}

// start begins the run of a tick and moves the schedule on; held says that the
// tick has to wait for another run.
func (s *Scheduler) start(ctx context.Context, one *schedule, at journal.Tick, tick due) (_ journal.Tick, held bool, err error) {
	to := journal.Tick{Plan: at.Plan, At: tick.at, Seen: later(at.Seen, tick.at), Run: at.Run}
	if one.Overlap != node.OverlapAllow {
		goesOn, err := s.goesOn(ctx, at.Run)
		switch {
		case err != nil:
			return at, false, err
		case goesOn && one.Overlap == node.OverlapQueue:
			return at, true, nil
		case goesOn:
			s.leftOut(one, fact.Overlapped, []time.Time{tick.at})
			at, err = s.move(ctx, one, at, to)
			return at, false, err
		}
	}
	begin := engine.Start{Flow: one.flow, Trigger: one.trigger.ID, Accepted: true}
	late := max(s.cfg.Clock.Now().Sub(tick.at.Add(one.delay(tick.at))), 0)
	begin.Output = trigger.Tick(one.Schedule, tick.at, late, tick.missed)
	if one.flow.Durable {
		begin.Dedupe = journal.Dedupe{Scope: one.name, Key: tick.at.Format(time.RFC3339), For: keyFor, Keep: true}
	} else if at, err = s.move(ctx, one, at, to); err != nil {
		return at, false, err // its run is on no record that others see, so who moves the schedule has it
	}
	r, _, err := s.cfg.Engine.Start(ctx, begin)
	if err != nil {
		return at, false, err
	}
	to.Run = r.ID
	at, err = s.move(ctx, one, at, to)
	return at, false, err
}

// keyFor is how long a tick is known by its run, if that is kept as long: longer
// than a server is away that crashed between the two.
const keyFor = 365 * 24 * time.Hour

func (s *Scheduler) goesOn(ctx context.Context, id string) (bool, error) {
	if id == "" {
		return false, nil
	}
	sum, _, err := s.cfg.Engine.Summary(ctx, id)
	if errors.Is(err, journal.ErrNotFound) {
		return false, nil // forgotten, or of a process that is gone
	}
	return err == nil && !sum.Status.Ended(), err
}

func (s *Scheduler) leftOut(one *schedule, why fact.LeftOut, ticks []time.Time) {
	if len(ticks) == 0 {
		return
	}
	fact.Tell(s.cfg.Observers, fact.TicksLeftOut{
		At: fact.At{At: s.cfg.Clock.Now()}, Flow: one.flow.Name, Node: one.trigger.ID, Why: why,
		Count: len(ticks), First: ticks[0], Last: ticks[len(ticks)-1],
	})
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
