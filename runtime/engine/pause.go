package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

// Resumption is how a paused run goes on.
type Resumption struct {
	// GiveUp has the node leave by the outcome for which the run is paused. Else it
	// is tried again, as often as its retry says.
	GiveUp bool
}

// ErrNotPaused is returned to those who want a run resumed that is not paused.
var ErrNotPaused = errors.New("the run is not paused")

// ErrNothingToGiveUp is returned to those who want a run to give up that has not
// tried anything: it is paused because its flow is.
var ErrNothingToGiveUp = errors.New("the run has not begun, so there is nothing to give up")

// Resume has a paused run go on, wherever it is. When it returns nil that is on
// record.
func (e *Engine) Resume(ctx context.Context, id string, h Resumption) error {
	after := 0 // events of the run when its owner was told; 0: nobody was
	for again := firstLook; ; again = min(2*again, lookEvery) {
		var err error
		if r := e.Find(id); r != nil {
			err = r.resumed(ctx, h)
		} else {
			err = e.resumeAway(ctx, id, h, &after)
		}
		switch {
		case errors.Is(err, errUnowned), errors.Is(err, errParked), errors.Is(err, journal.ErrConflict), elsewhere(err):
		default:
			return err
		}
		if err := e.pause(ctx, e.cfg.Clock.NewTimer(again)); err != nil {
			return err
		}
	}
}

// resumption is handed to the goroutine that drives a run.
type resumption struct {
	Resumption
	after int           // events of the run that is to be resumed; with more it was already
	done  chan struct{} // closed when it is on record
}

// resumed hands a resumption to who drives the run, and waits until it is on
// record. It returns errParked, or why the run stopped, if that came first.
func (r *Run) resumed(ctx context.Context, h Resumption) error {
	ask, err := r.wants(h)
	if err != nil {
		return err
	}
	for {
		r.mu.Lock()
		stopped, changed := r.stopped, r.changed
		late := r.wanted == ask && len(r.events) != ask.after // it went on by itself
		r.mu.Unlock()
		select {
		case <-ask.done:
			return nil
		default:
		}
		switch {
		case stopped != nil:
			return stopped
		case late:
			return fmt.Errorf("run %s: %w", r.ID, ErrNotPaused)
		}
		select {
		case <-ask.done:
			return nil
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// wants leaves a resumption for who drives the run, if the run is paused.
func (r *Run) wants(h Resumption) (*resumption, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped != nil {
		return nil, r.stopped
	}
	if err := mayResume(r.ID, r.result.Status, r.result.Outcome, h); err != nil {
		return nil, err
	}
	if r.wanted == nil || r.wanted.after != len(r.events) {
		r.wanted = &resumption{h, len(r.events), make(chan struct{})}
	}
	r.wake.Set()
	return r.wanted, nil
}

// takeWanted takes what somebody wants of the run as it is now, if anybody does.
func (r *Run) takeWanted() *resumption {
	r.mu.Lock()
	defer r.mu.Unlock()
	wanted := r.wanted
	if wanted == nil || wanted.after != len(r.events) {
		return nil
	}
	r.wanted = nil
	return wanted
}

// mayResume tells what is in the way of a resumption.
func mayResume(id string, s run.Status, outcome string, h Resumption) error {
	switch {
	case s != run.Paused:
		return fmt.Errorf("run %s is %s: %w", id, s, ErrNotPaused)
	case h.GiveUp && outcome == "":
		return fmt.Errorf("run %s: %w", id, ErrNothingToGiveUp)
	}
	return nil
}

// recordFirst records the first event of a run, and that it waits if its flow is
// paused.
func (r *Run) recordFirst(first run.RunStarted, unpaused bool) error {
	if err := r.record(first); err != nil {
		return err
	}
	p := r.engine.pauseOf(first.Flow)
	if p == nil || unpaused {
		return nil
	}
	return r.record(run.RunPaused{At: run.At{At: first.When()}, Place: r.state.At.Place, Cause: run.PauseFlow, Message: p.Reason})
}

// stay keeps the run where it is until somebody resumes it, or its flow if it is
// paused for that.
func (r *Run) stay(s run.Stay) error {
	if err := r.flush(r.ctx); err != nil {
		return err
	}
	for {
		if wanted := r.takeWanted(); wanted != nil {
			return r.goOn(run.RunResumed{GiveUp: wanted.GiveUp}, wanted.done)
		}
		if s.Cause == run.PauseFlow && r.engine.pauseOf(r.state.Flow.Name) == nil {
			return r.goOn(run.RunResumed{}, make(chan struct{}))
		}
		switch {
		case r.mayPark(0):
			r.due = time.Time{}
			return errParked
		case r.journal == r.engine.cfg.Memory && r.engine.stopping():
			return ErrStopped // it would be waited for in vain
		}
		if err := r.rest(0); err != nil {
			return r.interrupted()
		}
	}
}

// goOn resumes the run, and closes done when that is on record.
func (r *Run) goOn(e run.RunResumed, done chan<- struct{}) error {
	e.At, e.Place = r.at(), r.state.At.Place
	if err := r.record(e); err != nil {
		return err
	}
	if err := r.flush(r.ctx); err != nil {
		return err
	}
	close(done)
	return nil
}

// resumeAway resumes a run that is not driven here, or tells its owner to; then it
// returns errUnowned, and is to be called again with the same after.
func (e *Engine) resumeAway(ctx context.Context, id string, h Resumption, after *int) error {
	s, d, err := e.Summary(ctx, id)
	if err != nil {
		return err
	}
	if *after > 0 && s.Events > *after && s.Status != run.Cancelled {
		return nil // its owner has done it
	}
	if err := mayResume(id, s.Status, s.Outcome, h); err != nil {
		return err
	}
	mine, err := e.mayDrive(ctx, id, d)
	switch {
	case err != nil:
		return err
	case d == e.cfg.Memory:
		return ErrStopped // else somebody would drive it
	case mine:
		return e.resumeStored(ctx, s, h)
	}
	if err := d.Tell(ctx, journal.Note{Run: id, Resume: true, GiveUp: h.GiveUp, After: s.Events}); err != nil {
		return err
	}
	*after = s.Events
	return errUnowned
}

// resumeStored resumes a run that nobody drives, and takes it up. It loses against
// anybody who changes the run in that moment.
func (e *Engine) resumeStored(ctx context.Context, s journal.Summary, h Resumption) error {
	// What cannot be read is for another version of Wend to resume.
	events, err := e.cfg.Journal.Events(ctx, s.ID)
	if err != nil {
		return err
	}
	if len(events) != s.Events {
		return journal.Conflict(s.ID, len(events), s.Events)
	}
	paused, ok := events[len(events)-1].(run.RunPaused)
	if !ok {
		return fmt.Errorf("run %s: %w", s.ID, ErrNotPaused)
	}
	resumed := run.RunResumed{At: run.At{At: e.now(), Wend: e.cfg.Version}, Place: paused.Place, GiveUp: h.GiveUp}
	if err := e.cfg.Journal.Append(ctx, s.ID, s.Events, []run.Event{resumed}); err != nil {
		return err
	}
	about := runOf(events[0].(run.RunStarted))
	fact.Tell(e.cfg.Observers, fact.RunResumed{
		Visit:  fact.Visit{Of: fact.Of{At: fact.At{At: resumed.When()}, Run: &about}, Place: paused.Place},
		GiveUp: h.GiveUp, Paused: resumed.When().Sub(paused.When()),
	})
	return e.wakeByID(ctx, s.ID, e.cfg.Journal)
}

// heedResume does what another engine wants of a run that is this one's.
func (e *Engine) heedResume(ctx context.Context, n journal.Note) error {
	h := Resumption{GiveUp: n.GiveUp}
	if r := e.Find(n.Run); r != nil {
		if len(r.Events()) == n.After {
			_, _ = r.wants(h) // who told looks whether it came about, and tells again
		}
		return nil
	}
	s, err := e.cfg.Journal.Find(ctx, n.Run)
	if err == nil && s.Events == n.After && mayResume(n.Run, s.Status, s.Outcome, h) == nil {
		err = e.resumeStored(ctx, s, h)
	}
	if errors.Is(err, journal.ErrConflict) || errors.Is(err, journal.ErrNotFound) || errors.Is(err, ErrNotPaused) {
		return nil
	}
	return err
}

// pauseOf tells whether new runs of a flow wait, and why; nil if they do not.
func (e *Engine) pauseOf(flow string) *journal.Pause {
	if e.cfg.Paused == nil {
		return nil
	}
	return e.cfg.Paused(flow)
}

// FlowResumed has the runs go on that wait because their flow was paused, those
// that began first before others, no more than Config.Recoveries at a time. It
// returns at once. Config.Paused must say already that the flow is not paused.
func (e *Engine) FlowResumed(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.resumed = append(e.resumed, name)
	for _, r := range e.runs {
		r.wake.Set()
	}
	e.flows.Set()
}

// takeUpResumed takes up the runs of flows that were resumed, until ctx ends.
func (e *Engine) takeUpResumed(ctx context.Context) {
	for e.cfg.Clock.Wait(ctx, nil, e.flows) == nil {
		e.mu.Lock()
		names := e.resumed
		e.resumed = nil
		e.mu.Unlock()
		for _, name := range names {
			err := e.takeUpFlow(ctx, name)
			if err == nil || ctx.Err() != nil {
				continue
			}
			e.journalFailed("find paused runs", err)
			_ = clock.Sleep(ctx, e.cfg.Clock, lookAgain) // the loop sees that ctx has ended
			e.FlowResumed(name)
		}
	}
}

func (e *Engine) takeUpFlow(ctx context.Context, name string) error {
	var ids []string
	f := journal.Filter{Flow: name, Status: run.Paused, Limit: pollLimit}
	for more := true; more; more = f.Cursor != "" {
		page, err := e.cfg.Journal.Runs(ctx, f)
		if err != nil {
			return err
		}
		for _, s := range page.Runs {
			if s.Outcome == "" && e.Shards().Has(s.ID) {
				ids = append(ids, s.ID)
			}
		}
		f.Cursor = page.Next
	}
	for _, id := range slices.Backward(ids) {
		if e.pauseOf(name) != nil {
			return nil // again
		}
		s, err := e.cfg.Journal.Find(ctx, id)
		switch {
		case errors.Is(err, journal.ErrNotFound):
			continue
		case err != nil:
			return err
		case s.Status != run.Paused:
			continue
		}
		if e.takeSlot(ctx) != nil {
			return nil
		}
		e.takeUp(s, e.freeSlot)
	}
	return nil
}
