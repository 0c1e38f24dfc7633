package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

// Run is a run that is being driven, or one of the past. Its methods are safe
// for concurrent use.
type Run struct {
	ID string

	engine  *Engine
	journal journal.Driver
	ctx     context.Context //nolint:containedctx // the run's own life: ends when it is cancelled or must stop
	cancel  context.CancelCauseFunc
	wake    *clock.Wake // an event may be there, or nobody waits any more
	about   fact.Run    // complete as soon as the run has begun

	// state belongs to the goroutine that drives the run; it changes only
	// under keep, which orders it with what is written.
	keep    sync.Mutex
	state   *run.State
	pending []run.Event // folded, not in the journal yet
	facts   []fact.Fact // to be told when it is
	replies int         // of calls and children, among what is pending
	stored  int         // events in the journal
	size    int         // about how many bytes these take
	logged  int         // log lines shown in this attempt
	faulted bool        // what is being recorded is a fault
	due     time.Time   // when it goes on by itself, if it is parked
	brood   *brood      // nil: it tends no children
	left    func()      // tells that it is in progress no more; nil: nobody asked
	slot    func()      // gives back what it holds of Config.Recoveries; nil: nothing

	mu        sync.Mutex
	events    []run.Event   // all that is in the journal
	unwritten []run.Event   // pending, for those who look
	flow      *flow.Flow    // nil until it is known
	moved     chan struct{} // closed when there is more of it, or the run is gone; nil while nobody watches
	result    Result        // by those events
	wanted    *resumption   // what somebody wants of the run, if it is paused
	stopped   error         // why the run stopped without an end; errParked is no fault
	waiters   int
	ends      []run.ChildEnded // told by children, and not looked at yet
	changed   chan struct{}    // closed and replaced when something above changes
}

// cancelledError carries the reason of a cancellation.
type cancelledError struct{ reason string }

func (e cancelledError) Error() string { return "cancelled: " + e.reason }

// errParked says that the run waits in the journal.
var errParked = errors.New("the run is parked")

func (e *Engine) newRun(id string, j journal.Driver) *Run {
	r := &Run{
		ID: id, engine: e, journal: j, about: fact.Run{ID: id},
		wake: clock.NewWake(), changed: make(chan struct{}),
	}
	r.ctx, r.cancel = context.WithCancelCause(e.ctx)
	return r
}

// pastRun is a run that nobody drives here, as its events tell it.
func (e *Engine) pastRun(id string, j journal.Driver, events []run.Event) *Run {
	r := e.newRun(id, j)
	r.cancel(nil)
	r.events, r.stopped = events, errParked
	r.result = resultOf(events)
	return r
}

// resultOf is what the events of a run tell of it.
func resultOf(events []run.Event) (res Result) {
	for _, ev := range events {
		if responded, ok := ev.(run.RunResponded); ok {
			res.Response = &responded.Response
		}
	}
	if s, err := journal.Summarize(events); err == nil {
		res.Status, res.Outcome, res.Code, res.Reason = s.Status, s.Outcome, s.Code, s.Reason
		res.Outputs = givenBack(events)
	}
	return res
}

// Cancel stops the run where it is. A call that is under way is given up.
func (r *Run) Cancel(reason string) { r.cancel(cancelledError{reason}) }

// Response waits until the run has answered or ended, or is paused, or ctx ends. A
// run that waits in the journal, with nobody driving it, returns as it is.
func (r *Run) Response(ctx context.Context) (Result, error) {
	return r.wait(ctx, func(res Result) bool { return res.Response != nil })
}

// Began is the status that a run that was just started began with, however far it
// has come since: Running, or Paused if its flow is paused.
func (r *Run) Began() run.Status {
	if events := r.Events(); len(events) > 1 {
		if p, ok := events[1].(run.RunPaused); ok && p.Cause == run.PauseFlow {
			return run.Paused
		}
	}
	return run.Running
}

// Wait waits until the run has ended or is paused, or ctx ends.
func (r *Run) Wait(ctx context.Context) (Result, error) {
	return r.wait(ctx, never)
}

func never(Result) bool { return false }

// Result is what the journal has of the run by now.
func (r *Run) Result() Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.result
}

func (r *Run) wait(ctx context.Context, want func(Result) bool) (Result, error) {
	enough := func(res Result) bool { return res.Status == run.Paused || want(res) }
	res, stopped, err := r.here(ctx, enough)
	switch {
	case err != nil || stopped == nil || errors.Is(stopped, errParked):
		return res, err
	case elsewhere(stopped):
		return r.there(ctx, enough, stopped)
	default:
		return res, stopped
	}
}

// here waits as long as the run is driven here. stopped is why it is no more,
// if that came before enough was there.
func (r *Run) here(ctx context.Context, enough func(Result) bool) (res Result, stopped, err error) {
	r.mu.Lock()
	r.waiters++
	r.mu.Unlock()
	defer r.Leave()
	for {
		r.mu.Lock()
		res, stopped, changed := r.result, r.stopped, r.changed
		r.mu.Unlock()
		switch {
		case res.Status.Ended() || enough(res):
			return res, nil, nil
		case stopped != nil:
			return res, stopped, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return res, nil, context.Cause(ctx)
		}
	}
}

// elsewhere tells whether a run stopped here because another owner has it.
func elsewhere(stopped error) bool {
	return errors.Is(stopped, errLost) || errors.Is(stopped, errMoved) || errors.Is(stopped, journal.ErrConflict)
}

// there waits for what another owner writes into the journal. A run that never
// got there is none.
func (r *Run) there(ctx context.Context, enough func(Result) bool, stopped error) (Result, error) {
	e := r.engine
	for {
		if here := e.Find(r.ID); here != nil {
			return here.wait(ctx, enough) // it came back
		}
		events, err := r.journal.Events(ctx, r.ID)
		if errors.Is(err, journal.ErrNotFound) {
			return r.Result(), stopped
		}
		res := resultOf(events)
		if err == nil && (res.Status.Ended() || enough(res)) {
			return res, nil
		}
		if err := e.pause(ctx, e.cfg.Clock.NewTimer(lookEvery)); err != nil {
			return res, err
		}
	}
}

// Leave says that whoever started the run waits for it no more. A run that
// nobody waits for may be parked.
func (r *Run) Leave() {
	r.mu.Lock()
	r.waiters--
	r.mu.Unlock()
	r.wake.Set()
}

// Accept makes sure that the run is in the journal, so that it can be promised
// to somebody. What it did since it got there may follow.
func (r *Run) Accept(ctx context.Context) error {
	if r.onRecord() {
		return nil
	}
	err := r.flush(ctx)
	if err != nil {
		r.journalFailed("put the run on record, to promise it", err)
	}
	return err
}

// onRecord tells whether the run is in the journal.
func (r *Run) onRecord() bool { return len(r.Events()) > 0 }

// Events returns the events that are in the journal by now. The slice must not
// be changed.
func (r *Run) Events() []run.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events[:len(r.events):len(r.events)]
}

// Follow calls yield with every event of the run, those of the past first,
// until the run has ended, is parked or stopped, yield returns false, or ctx
// ends.
func (r *Run) Follow(ctx context.Context, yield func(run.Event) bool) {
	for next := 0; ; {
		r.mu.Lock()
		events, changed, done := r.events, r.changed, r.result.Status.Ended() || r.stopped != nil
		r.mu.Unlock()
		for ; next < len(events); next++ {
			if !yield(events[next]) {
				return
			}
		}
		if done {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
	}
}

// begin records the first event, and journals it if somebody relies on it
// before the run's first effect.
func (r *Run) begin(ctx context.Context, first run.RunStarted, s Start) (holder string, err error) {
	if err := r.recordFirst(first, s.unpaused); err != nil {
		return "", err
	}
	switch {
	case s.Dedupe.For > 0 || s.Dedupe.Of != "":
		return r.claim(ctx, s.Dedupe)
	case s.Accepted:
		return r.ID, r.flush(ctx)
	default:
		return r.ID, nil
	}
}

// claim journals the first event together with the dedupe key.
func (r *Run) claim(ctx context.Context, d journal.Dedupe) (holder string, err error) {
	r.keep.Lock()
	defer r.keep.Unlock()
	holder, err = r.journal.Begin(ctx, r.ID, d, r.pending)
	if err == nil && holder == r.ID {
		r.written()
	}
	return holder, err
}

// record folds an event. It reaches the journal with the next flush, and then
// observers are told the facts that follow from it, after those given.
func (r *Run) record(e run.Event, facts ...fact.Fact) error {
	if past := r.engine.cfg.Past; past != nil {
		e = past.Event(r.ID, e)
	}
	r.keep.Lock()
	defer r.keep.Unlock()
	before := r.state.At
	if err := r.state.Apply(e); err != nil {
		return err
	}
	r.pending = append(r.pending, e)
	r.move()
	switch e.(type) {
	case run.CallReplied, run.ChildEnded:
		r.replies++
	}
	if r.engine.cfg.Observers.Watched() {
		r.facts = append(r.facts, facts...)
		r.note(e, before)
	}
	return nil
}

// flush puts what is pending into the journal, and only then lets the outside
// see it.
func (r *Run) flush(ctx context.Context) error {
	r.keep.Lock()
	defer r.keep.Unlock()
	if len(r.pending) == 0 {
		return nil
	}
	err := r.append(ctx)
	if err != nil && (r.stored > 0 || r.parent() != "") { // its parent has put on record that it begins
		err = r.insist(ctx, err, r.appendAgain)
	}
	if err != nil {
		return fmt.Errorf("append to run %s: %w", r.ID, err)
	}
	r.written()
	return nil
}

// large is from how many bytes on events are encoded by few runs at a time.
const large = 64 << 10

// append appends what is pending. To encode large values takes long, and runs
// that have none should not have to wait for the processor until then: so those
// that have take turns.
func (r *Run) append(ctx context.Context) error {
	if r.state.Written()-r.size > large {
		select {
		case r.engine.turns <- struct{}{}:
			defer func() { <-r.engine.turns }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return r.journal.Append(ctx, r.ID, r.stored, r.pending)
}

// appendAgain appends what is pending, if it was not added the last time: that
// is not known after an error.
func (r *Run) appendAgain(ctx context.Context) error {
	have, err := r.journal.Events(ctx, r.ID)
	if r.stored == 0 && errors.Is(err, journal.ErrNotFound) {
		err = nil
	}
	if err != nil || len(have) > r.stored && same(have[r.stored:], r.pending) {
		return err
	}
	return r.journal.Append(ctx, r.ID, r.stored, r.pending)
}

// insist goes on trying to write what was refused with err: the run was
// promised to somebody, and a full disk can be emptied. It gives up when
// another drives the run, the engine stops or ctx ends.
func (r *Run) insist(ctx context.Context, err error, again func(context.Context) error) error {
	const first, most = 100 * time.Millisecond, 5 * time.Second
	for pause := first; ; pause = min(2*pause, most) {
		if isFinal(err) || errors.Is(err, journal.ErrConflict) || errors.Is(err, journal.ErrClosed) || ctx.Err() != nil {
			return err
		}
		r.journalFailed("append, and wait until it can be done", err)
		if stopped := r.sleep(ctx, pause); stopped != nil {
			return errors.Join(stopped, err)
		}
		if err = again(ctx); err == nil {
			fact.Tell(r.engine.cfg.Observers, fact.JournalHealed{Of: r.of(r.engine.now())})
			return nil
		}
	}
}

// isFinal tells of an error which is an answer, and which no other try changes
// soon.
func isFinal(err error) bool {
	_, misfit := errors.AsType[*MisfitError](err)
	_, full := errors.AsType[*FullError](err)
	_, refused := errors.AsType[*journal.ChangeError](err)
	_, mismatch := errors.AsType[*journal.MismatchError](err)
	return misfit || full || refused || mismatch
}

// sleep returns the cause if ctx ends first, or the engine stops.
func (r *Run) sleep(ctx context.Context, d time.Duration) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(r.engine.ctx, func() { cancel(context.Cause(r.engine.ctx)) })()
	return clock.Sleep(ctx, r.engine.cfg.Clock, d)
}

// same tells whether two lists of events are written alike.
func same(a, b []run.Event) bool {
	x, errX := run.Marshal(a)
	y, errY := run.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// written tells everybody what is in the journal now.
func (r *Run) written() {
	r.stored += len(r.pending)
	r.size = r.state.Written()
	r.replies = 0
	for _, f := range r.facts {
		r.engine.cfg.Observers.Tell(f)
	}
	r.facts = nil
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, r.pending...)
	r.pending, r.unwritten = nil, nil
	s := r.state
	r.result = Result{Response: s.Response, Status: s.Status, Outcome: s.Outcome, Code: s.Code, Reason: s.Reason, Outputs: s.Result}
	r.tell()
}

func (r *Run) tell() {
	close(r.changed)
	r.changed = make(chan struct{})
	if r.moved != nil {
		close(r.moved)
		r.moved = nil
	}
}

// unanswered tells whether a caller may be waiting for a response that is not
// in the journal yet.
func (r *Run) unanswered() bool {
	r.keep.Lock() // Accept may be writing
	defer r.keep.Unlock()
	return slices.ContainsFunc(r.pending, func(e run.Event) bool {
		_, ok := e.(run.RunResponded)
		return ok
	})
}

// drive does what the run decides until it has ended or must stop.
func (r *Run) drive() {
	err := r.loop()
	switch {
	case errors.Is(err, errParked):
		fact.Tell(r.engine.cfg.Observers, fact.RunParked{Of: r.of(r.engine.now()), Due: r.due})
	case errors.Is(err, errMoved):
		r.dropped(fact.Moved, nil)
	case err != nil:
		r.leave(err)
	}
	// The run is gone from the engine before anybody is told, so that who is
	// told finds it in the journal.
	r.engine.remove(r)
	r.cancel(nil)
	r.mu.Lock()
	r.stopped = err
	r.tell()
	r.mu.Unlock()
	r.parting(err)
	switch {
	case errors.Is(err, errParked):
		r.engine.parked(r)
	case errors.Is(err, journal.ErrConflict):
		r.engine.overtaken(r)
	}
}

// leave writes what can be written of a run that stops in the middle, so that
// the next process has it.
func (r *Run) leave(err error) {
	if elsewhere(err) {
		defer r.dropped(fact.Lost, err)
		if errors.Is(err, errLost) && r.stored == 0 {
			r.handOver()
			return
		}
		if errors.Is(err, journal.ErrConflict) {
			r.giveBack()
		}
		return
	}
	why := fact.Stopping
	if !errors.Is(err, ErrStopped) {
		why = fact.Broken
	}
	defer func() { r.dropped(why, err) }()
	if why == fact.Broken && !r.onRecord() {
		return // those who wait for it are told that it is lost
	}
	ctx, cancel := r.engine.cfg.Clock.WithTimeout(context.WithoutCancel(r.ctx), lastWrite, nil)
	defer cancel()
	if unwritten := r.flush(ctx); unwritten != nil {
		why, err = fact.Broken, errors.Join(err, unwritten)
	}
}

// handOver begins a run in the journal that nobody but this engine knows, and
// tells the owner of its shard.
func (r *Run) handOver() {
	ctx, cancel := r.engine.cfg.Clock.WithTimeout(context.WithoutCancel(r.ctx), lastWrite, nil)
	defer cancel()
	err := r.flush(ctx)
	if err == nil {
		err = r.journal.Tell(ctx, journal.Note{Run: r.ID})
	}
	if err != nil {
		r.journalFailed("leave the run to its owner", err)
	}
}

// giveBack returns an event that was taken for a run which went another way, as
// the journal has it. Where the journal has nothing the event stays the run's:
// its owner takes the same, as after a crash.
func (r *Run) giveBack() {
	ctx, cancel := r.engine.cfg.Clock.WithTimeout(context.WithoutCancel(r.ctx), lastWrite, nil)
	defer cancel()
	r.keep.Lock()
	defer r.keep.Unlock()
	for _, e := range r.pending {
		got, ok := e.(run.EventReceived)
		if !ok {
			continue
		}
		has, err := r.journal.Events(ctx, r.ID)
		if err == nil && !received(has, got.ID) {
			err = r.engine.cfg.Journal.Return(ctx, got.ID, r.takerAt(got.Place))
		}
		if err != nil {
			r.journalFailed("give back the event "+strconv.Quote(got.ID), err)
		}
	}
}

// received tells whether a run got an event: another owner may have received
// what this one had taken for the run.
func received(events []run.Event, id string) bool {
	return slices.ContainsFunc(events, func(e run.Event) bool {
		got, ok := e.(run.EventReceived)
		return ok && got.ID == id
	})
}

// How far the journal may be behind a run that is not about to end or to wait:
// what is not there is done again after a crash, though with the same keys.
const (
	keepUpReplies = 20
	keepUpEvery   = 5 * time.Second
)

// keepUp puts what is pending into the journal if it is much or old.
func (r *Run) keepUp() error {
	r.keep.Lock() // Accept may be writing
	behind := r.replies >= keepUpReplies || len(r.pending) > 0 && r.engine.now().Sub(r.pending[0].When()) >= keepUpEvery
	r.keep.Unlock()
	if !behind || r.journal == r.engine.cfg.Memory {
		return nil
	}
	return r.flush(r.ctx)
}

// lastWrite is how long a run that stops may take to write down where it is.
const lastWrite = 2 * time.Second

func (r *Run) loop() error {
	for {
		if err := r.dismiss(); err != nil {
			return err
		}
		next := r.next()
		if next != nil && r.moves() {
			if err := r.flush(r.ctx); err != nil {
				return err
			}
			return errMoved
		}
		var err error
		switch cmd := next.(type) {
		case nil:
			return r.flush(context.WithoutCancel(r.ctx))
		case run.Step:
			if err = r.keepUp(); err == nil {
				err = r.step()
			}
		case run.SetTimer:
			err = r.record(run.TimerSet{At: r.at(), Place: r.state.At.Place, Kind: cmd.Kind, Due: r.within(cmd.Due)})
		case run.Wait:
			err = r.await(cmd)
		case run.Tend:
			err = r.tend()
		case run.Pause:
			err = r.record(run.RunPaused{
				At: r.at(), Place: r.state.At.Place, Cause: cmd.Cause, Outcome: cmd.Outcome, Code: cmd.Code, Message: cmd.Message,
			})
		case run.Stay:
			err = r.stay(cmd)
		case run.End:
			err = r.record(run.RunEnded{
				At: r.at(), Status: cmd.Status, Outcome: cmd.Outcome, Code: cmd.Code, Reason: cmd.Reason, Error: r.state.Error,
			})
		}
		if err != nil && !r.cancelled() {
			return err
		}
	}
}

// cancelled tells whether somebody cancelled the run, which then has nothing to
// do but to say so: whatever was under way was given up for it.
func (r *Run) cancelled() bool {
	_, yes := errors.AsType[cancelledError](context.Cause(r.ctx))
	return yes
}

// next is the run's own decision, unless somebody stopped the run or its time
// is over.
func (r *Run) next() run.Command {
	cmd := r.state.Next()
	if cmd == nil {
		return nil
	}
	if stopped, ok := errors.AsType[cancelledError](context.Cause(r.ctx)); ok {
		if err := r.record(run.RunCancelled{At: r.at(), Reason: stopped.reason}); err != nil {
			r.journalFailed("cancel", err)
		}
		return nil
	}
	if _, paused := cmd.(run.Stay); paused {
		return cmd // its time stands still
	}
	if _, ending := cmd.(run.End); !ending && r.overdue() {
		return run.End{
			Status: run.Failed, Code: "run-timeout",
			Reason: fmt.Sprintf("the run's timeout of %s is over at node %q", r.state.Flow.Timeout, r.state.At.Node),
		}
	}
	if _, ending := cmd.(run.End); !ending && r.state.Full() {
		return run.End{
			Status: run.Failed, Code: "journal-limit",
			Reason: fmt.Sprintf("the run has more than %s in the journal at node %q, more than limits.journal allows",
				data.ShowSize(uint64(r.engine.cfg.Bounds.Journal)), r.state.At.Node),
		}
	}
	return cmd
}

// within is a time, or the end of the run's own time if that comes first: a
// parked run is found by the earlier of both. A zero time is none.
func (r *Run) within(due time.Time) time.Time {
	if d := r.state.Deadline; !d.IsZero() && (due.IsZero() || d.Before(due)) {
		return d
	}
	return due
}

func (r *Run) overdue() bool {
	return !r.state.Deadline.IsZero() && !r.engine.now().Before(r.state.Deadline)
}

// interrupted is nil if the run was cancelled: that is for next to journal.
func (r *Run) interrupted() error {
	cause := context.Cause(r.ctx)
	if _, ok := errors.AsType[cancelledError](cause); ok {
		return nil
	}
	return cause
}

// at is the time of an event, with our version if another wrote the events so far.
func (r *Run) at() run.At {
	at := run.At{At: r.engine.now()}
	if v := r.engine.cfg.Version; v != r.state.Wend {
		at.Wend = v
	}
	return at
}
