package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

// ErrEnded is returned to those who want to change a run that has ended.
var ErrEnded = errors.New("the run has ended")

// Cancel ends a run that has not ended, wherever it is.
func (e *Engine) Cancel(ctx context.Context, id, reason string) error {
	told := false // another owner, who may do it now
	for again := firstLook; ; again = min(2*again, lookEvery) {
		if r := e.Find(id); r != nil {
			r.Cancel(reason)
			res, stopped, err := r.here(ctx, never)
			switch {
			case err != nil:
				return err
			case errors.Is(stopped, errParked) || elsewhere(stopped):
				continue // it left in that very moment
			case stopped != nil:
				return stopped
			}
			return cancelled(id, res.Status)
		}
		switch err := e.cancelAway(ctx, id, reason, told); {
		case errors.Is(err, errWoken):
			continue
		case errors.Is(err, errUnowned):
			told = true
		case !errors.Is(err, journal.ErrConflict):
			return err
		}
		if err := e.pause(ctx, e.cfg.Clock.NewTimer(again)); err != nil {
			return err
		}
	}
}

// firstLook is how soon a run is looked at of which another owner was told
// something.
const firstLook = 20 * time.Millisecond

// cancelled is ErrEnded for a run that ended in another way.
func cancelled(id string, s run.Status) error {
	if s == run.Cancelled {
		return nil
	}
	return fmt.Errorf("run %s is %s: %w", id, s, ErrEnded)
}

// cancelAway ends a run that is not driven here, or tells its owner to; then it
// returns errUnowned.
func (e *Engine) cancelAway(ctx context.Context, id, reason string, told bool) error {
	s, d, err := e.Summary(ctx, id)
	if err != nil {
		return err
	}
	mine, err := e.mayDrive(ctx, id, d)
	switch {
	case err != nil:
		return err
	case told && s.Status.Ended():
		return cancelled(id, s.Status)
	case mine && e.mayTend(s, d):
		if err := e.wakeByID(ctx, id, d); err != nil {
			return err
		}
		return errWoken
	case mine || s.Status.Ended():
		return e.cancelStored(ctx, id, reason)
	}
	if err := d.Tell(ctx, journal.Note{Run: id, Cancel: true, Reason: reason}); err != nil {
		return err
	}
	return errUnowned
}

// errWoken says that a run was taken up to be cancelled.
var errWoken = errors.New("the run was taken up")

// mayTend tells whether a run that nobody drives may have children, which it has
// to bring down before it ends.
func (e *Engine) mayTend(s journal.Summary, d journal.Driver) bool {
	return s.Status == run.Running && d != e.cfg.Memory && e.recovers() && !e.isBroken(s.ID) && !e.stopping()
}

// cancelStored ends a run that nobody drives. It loses against anybody who
// takes the run up in that moment.
func (e *Engine) cancelStored(ctx context.Context, id, reason string) error {
	s, d, err := e.Summary(ctx, id)
	if err != nil {
		return err
	}
	if s.Status.Ended() {
		return fmt.Errorf("run %s is %s: %w", id, s.Status, ErrEnded)
	}
	// What cannot be read is for another version of Wend to end.
	events, err := d.Events(ctx, id)
	if err != nil {
		return err
	}
	end := run.RunCancelled{At: run.At{At: e.now(), Wend: e.cfg.Version}, Reason: reason}
	if err := d.Append(ctx, id, s.Events, []run.Event{end}); err != nil {
		return err
	}
	s.Apply([]run.Event{end})
	about := runOf(events[0].(run.RunStarted))
	fact.Tell(e.cfg.Observers, fact.RunEnded{
		Of: fact.Of{At: fact.At{At: end.When()}, Run: &about}, Status: s.Status, Node: s.Node, Code: s.Code, Reason: s.Reason,
		Took: end.When().Sub(about.StartedAt),
	})
	if s.Parent != nil {
		e.childEnded(s.Parent.Run, run.ChildEnded{Run: id, Status: s.Status, Code: s.Code, Reason: s.Reason}, d)
	}
	return nil
}

// Summary returns what is known of a run and the journal that has it.
func (e *Engine) Summary(ctx context.Context, id string) (journal.Summary, journal.Driver, error) {
	err := fmt.Errorf("run %q: %w", id, journal.ErrNotFound)
	for _, d := range e.drivers {
		var s journal.Summary
		if s, err = d.Find(ctx, id); err == nil {
			return s, d, nil
		}
		if !errors.Is(err, journal.ErrNotFound) {
			break
		}
	}
	return journal.Summary{}, nil, err
}

// Match returns the runs whose ids begin or end with a text, at most limit of
// them.
func (e *Engine) Match(ctx context.Context, text string, limit int) (found []journal.Summary, err error) {
	for _, d := range e.drivers {
		ids, err := d.Match(ctx, text, limit-len(found))
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			s, err := d.Find(ctx, id)
			if errors.Is(err, journal.ErrNotFound) {
				continue // it has been removed since
			}
			if err != nil {
				return nil, err
			}
			found = append(found, s)
		}
	}
	return found, nil
}

// Runs lists runs, the newest first: those of durable flows, or the others,
// which are in another journal. It returns ErrCursor of package journal if
// f.Cursor is not a Next of that list.
func (e *Engine) Runs(ctx context.Context, durable bool, f journal.Filter) (journal.Page, error) {
	if durable {
		return e.cfg.Journal.Runs(ctx, f)
	}
	return e.cfg.Memory.Runs(ctx, f)
}

// Count counts the runs of a flow that have a status, up to most of them.
func (e *Engine) Count(ctx context.Context, f *flow.Flow, status run.Status, most int) (int, error) {
	return e.journalOf(f).Count(ctx, f.Name, status, most)
}

// Backlog is what there is to do.
type Backlog struct {
	Driven int       // runs that go on, or wait here for what comes soon
	Oldest time.Time // when the longest unfinished run of this engine's part began; zero: there is none
	Due    time.Time // the earliest time that a run of this part waits for; zero: none does
}

// Backlog tells what there is to do now, among durable runs but for Driven.
func (e *Engine) Backlog(ctx context.Context) (Backlog, error) {
	e.mu.Lock()
	b := Backlog{Driven: len(e.runs)}
	e.mu.Unlock()
	shards := e.Shards()
	for s, err := range e.cfg.Journal.Unfinished(ctx, shards) {
		if err != nil {
			return b, err
		}
		b.Oldest = s.StartedAt
		break
	}
	due, err := e.cfg.Journal.Due(ctx, shards, farAway, 1)
	if len(due) > 0 {
		b.Due = due[0].Due
	}
	return b, err
}
