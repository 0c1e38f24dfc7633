package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/fact"
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
	case mine || s.Status.Ended():
		return e.cancelStored(ctx, id, reason)
	}
	if err := d.Tell(ctx, journal.Note{Run: id, Cancel: true, Reason: reason}); err != nil {
		return err
	}
	return errUnowned
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

// Runs lists runs, the newest first: those of durable flows, or the others,
// which are in another journal. It returns ErrCursor of package journal if
// f.Cursor is not a Next of that list.
func (e *Engine) Runs(ctx context.Context, durable bool, f journal.Filter) (journal.Page, error) {
	if durable {
		return e.cfg.Journal.Runs(ctx, f)
	}
	return e.cfg.Memory.Runs(ctx, f)
}

// RetryError says why a run cannot be started again as wanted.
type RetryError struct{ Reason string }

func (e *RetryError) Error() string { return e.Reason }

// Retry starts a new run with the flow, the trigger's output, the variables and
// the outputs of an earlier one, from a node of it; empty takes the node at
// which the earlier run ended.
func (e *Engine) Retry(ctx context.Context, id, from string) (*Run, error) {
	s, d, err := e.Summary(ctx, id)
	if err != nil {
		return nil, err
	}
	r, err := e.retry(ctx, s, d, from)
	if err != nil {
		e.refused(s.Flow, err)
	}
	return r, err
}

func (e *Engine) retry(ctx context.Context, s journal.Summary, d journal.Driver, from string) (*Run, error) {
	id := s.ID
	if !s.Status.Ended() {
		return nil, &RetryError{fmt.Sprintf("run %s is %s; only a run that has ended can be tried again", id, s.Status)}
	}
	if e.cfg.Flow == nil {
		return nil, &RetryError{"this engine keeps no definitions of flows"}
	}
	f, err := e.cfg.Flow(ctx, s)
	switch {
	case errors.Is(err, journal.ErrNotFound):
		return nil, &RetryError{fmt.Sprintf("the flow %q or a plugin, as run %s began with it, is not kept any more", s.Flow, id)}
	case err != nil:
		return nil, err
	}
	events, err := d.Events(ctx, id)
	if err != nil {
		return nil, err
	}
	state, err := run.Fold(f, events)
	if err != nil {
		return nil, err
	}
	first, err := retryOf(state, events[0].(run.RunStarted), from)
	if err != nil {
		return nil, err
	}
	// Who repeats the request of the old run from now on gets the new one.
	r, _, err := e.start(ctx, Start{Flow: f, Trigger: first.Trigger, Accepted: true, Dedupe: journal.Dedupe{Of: id}}, first)
	return r, err
}

// retryOf is the first event of a run that takes up another.
func retryOf(old *run.State, began run.RunStarted, from string) (run.RunStarted, error) {
	if from == "" {
		from = old.At.Node
	}
	first := run.RunStarted{Trigger: began.Trigger, Output: began.Output, Variables: began.Variables, RetryOf: old.ID, TraceParent: began.TraceParent}
	first.Key, first.Labels, first.Unmarked = began.Key, began.Labels, began.Unmarked
	n := old.Flow.Nodes[from]
	switch {
	case n == nil:
		return first, &RetryError{fmt.Sprintf("flow %q has no node %q; %s", old.Flow.Name, from, diag.Suggest(from, old.Flow.Order))}
	case n.Type.Starts():
		return first, nil // from the start
	}
	first.From = from
	first.Variables, first.Error = old.Variables(), old.Error
	first.Outputs = map[string]map[string]any{}
	for _, other := range old.Flow.Order {
		if out := old.Outputs(other); out != nil && other != began.Trigger && other != from {
			first.Outputs[other] = maps.Clone(out)
		}
	}
	return first, nil
}
