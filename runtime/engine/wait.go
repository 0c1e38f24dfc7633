package engine

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
)

// parkAfter is how long a wait must be for a run to be parked meanwhile. It is
// more than pollAhead, so that a run which is taken up in time is not parked
// again at once.
const parkAfter = 3 * time.Second

// await waits for a time, an event or both. What is pending is journaled
// first: the run may be away for long, and whoever brings the event looks for
// the run in the journal.
func (r *Run) await(w run.Wait) error {
	if err := r.flush(r.ctx); err != nil {
		return err
	}
	due := r.within(w.Due)
	for {
		if w.Event != "" {
			if took, err := r.receive(w); took || err != nil {
				return err
			}
		}
		left := time.Duration(0)
		if !due.IsZero() {
			if left = due.Sub(r.engine.now()); left <= 0 {
				return r.fire(w)
			}
		}
		if r.mayPark(left) {
			r.due = due
			return errParked
		}
		if err := r.rest(left); err != nil {
			return r.interrupted()
		}
	}
}

// rest returns when the time is over, 0 being none, or when there is something
// to look at. It fails when the run must stop.
func (r *Run) rest(left time.Duration) error {
	var over *clock.Timer
	if left > 0 {
		over = r.engine.cfg.Clock.NewTimer(left)
		defer over.Stop()
	}
	return r.engine.cfg.Clock.Wait(r.ctx, over, r.wake)
}

// fire says that the time has come; next ends a run whose own time is over.
func (r *Run) fire(w run.Wait) error {
	if r.overdue() {
		return nil
	}
	return r.record(run.TimerFired{At: r.at(), Place: r.state.At.Place, Kind: w.Kind})
}

// receive takes an event that is in the mailbox. An event that comes too late
// stays there for another.
func (r *Run) receive(w run.Wait) (took bool, err error) {
	var e journal.Event
	take := func(ctx context.Context) (err error) {
		e, took, err = r.engine.cfg.Journal.Take(ctx, w.Event, w.Key, r.taker())
		return err
	}
	if err = take(r.ctx); err != nil {
		err = r.insist(r.ctx, err, take)
	}
	if err != nil || !took {
		return false, err
	}
	got := run.EventReceived{At: r.at(), Place: r.state.At.Place, Name: e.Name, Key: e.Key, ID: e.ID}
	if got.Data, err = dataOf(e); err != nil {
		return true, r.unusable(got, err)
	}
	return true, r.record(got)
}

// unusable leaves the node that got an event whose data cannot be read: one that
// an earlier version kept, which took what nests deeper.
func (r *Run) unusable(got run.EventReceived, why error) error {
	if err := r.record(got); err != nil {
		return err
	}
	n := r.state.Flow.Nodes[got.Node]
	return r.fault(n, &node.Fault{Code: "event-data", Msg: fmt.Sprintf("the event's data cannot be used: %s", why)})
}

// taker names this visit, so that it gets the same event again after a crash.
func (r *Run) taker() string { return r.takerAt(r.state.At.Place) }

func (r *Run) takerAt(at run.Place) string {
	return r.ID + "/" + at.Node + "/" + strconv.Itoa(at.Visit) + "/" + strconv.Itoa(at.Attempt)
}

func dataOf(e journal.Event) (map[string]any, error) {
	if len(e.Data) == 0 {
		return nil, nil
	}
	v, err := data.DecodeJSON(e.Data)
	if err != nil {
		return nil, err
	}
	object, _ := v.(map[string]any)
	return object, nil
}

// mayPark tells whether the run can wait in the journal: for long, with nobody
// waiting for it, and with somebody to take it up again, which is another
// process if this one is stopping or has more than its part.
func (r *Run) mayPark(left time.Duration) bool {
	switch {
	case r.journal == r.engine.cfg.Memory:
		return false
	case r.engine.stopping() || r.moves():
		return true
	case left > 0 && left < parkAfter || !r.engine.taking.Load():
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waiters <= 0
}
