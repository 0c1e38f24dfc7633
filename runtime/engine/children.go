package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
)

// DefaultDepth is what Config.Depth is if it is not set.
const DefaultDepth = 10

// brood is the children of a run that it tends: those that its node asked for.
type brood struct {
	plan  node.Spawn
	flows map[string]*flow.Flow // by name
	// out are those that have begun and whose end was not heard, by id.
	out  map[string]int
	next int // the first that nobody looked at
	// known is how many may have begun in an earlier life of the run: where they
	// are is seen in the journal.
	known int
	again *earlier // whose children these go on with; nil: nobody's
}

// spawn puts on record that the node has children made.
func (r *Run) spawn(n *flow.Node, a node.Spawn) (err error) {
	if r.state.At.Children != nil {
		return r.fault(n, &node.Fault{Code: "nondeterministic", Msg: fmt.Sprintf("node type %q wants children for the second time", n.Type.Name)})
	}
	e := run.ChildrenStarted{At: r.at(), Place: r.state.At.Place, Count: a.Count, Most: a.Most}
	if e.Most <= 0 || e.Most > e.Count {
		e.Most = e.Count
	}
	if n.Timeout > 0 {
		e.Due = r.state.At.Since.Add(n.Timeout)
	}
	e.Due = r.within(e.Due)
	if depth := r.state.Depth() + 1; depth > r.engine.cfg.Depth {
		return r.fault(n, &node.Fault{Code: "depth-limit", Msg: fmt.Sprintf(
			"the flow would be called at depth %d, deeper than limits.depth allows, which is %d", depth, r.engine.cfg.Depth)})
	}
	b := &brood{plan: a, flows: map[string]*flow.Flow{}, out: map[string]int{}}
	for _, name := range a.Flows {
		f, err := r.callee(name)
		if err == nil {
			err = r.keepCallee(f)
		}
		if err != nil && r.ctx.Err() != nil {
			return r.interrupted()
		}
		if err != nil {
			return r.fault(n, err)
		}
		b.flows[name] = f
		e.Flows = append(e.Flows, run.Definition{Flow: name, FlowDigest: f.Digest, Plugins: f.Plugins()})
	}
	if b.again, err = r.findAgain(r.state.ChildrenOf(), a.Count); err != nil {
		return err
	}
	if b.again != nil {
		e.Of = r.state.ChildrenOf()
	}
	if err := r.record(e); err != nil {
		return err
	}
	r.brood = b
	return nil
}

// callee is the flow of that name as it is now.
func (r *Run) callee(name string) (*flow.Flow, error) {
	var f *flow.Flow
	if r.engine.cfg.Callee != nil {
		f = r.engine.cfg.Callee(name)
	}
	switch {
	case f == nil:
		return nil, &node.Fault{Code: "unknown-flow", Msg: fmt.Sprintf("there is no flow %q to call", name)}
	case f.Called() == nil:
		return nil, &node.Fault{Code: "not-callable", Msg: fmt.Sprintf("flow %q cannot be called: it has no trigger of type \"called\"", name)}
	}
	return f, nil
}

// keepCallee puts the source of a flow where the children find it after a crash.
func (r *Run) keepCallee(f *flow.Flow) error {
	keep := func(ctx context.Context) error { return r.engine.keepFlow(ctx, r.journal, f) }
	err := keep(r.ctx)
	if err != nil && r.onRecord() {
		err = r.insist(r.ctx, err, keep)
	}
	return err
}

// tend makes children and hears their ends until there is none left, or the run
// is parked meanwhile.
func (r *Run) tend() error {
	if err := r.flush(r.ctx); err != nil {
		return err
	}
	r.freeSlot() // else those that wait for it could be its own children
	n := r.state.Flow.Nodes[r.state.At.Node]
	if err := r.findBrood(n); err != nil {
		return err
	}
	quiet := r.engine.now() // since when no child has ended
	for r.state.Tending() {
		c := r.state.At.Children
		if due := c.Started.Due; c.Stopped == nil && !due.IsZero() && !r.engine.now().Before(due) {
			if r.overdue() {
				return nil // next ends the run
			}
			if err := r.stopChildren(true); err != nil {
				return err
			}
			continue
		}
		if err := r.makeChildren(); err != nil {
			return err
		}
		heard, err := r.hearChildren()
		if err != nil {
			return err
		}
		if heard > 0 {
			quiet = r.engine.now()
			continue
		}
		if !r.state.Tending() {
			break
		}
		left, soon := time.Duration(0), quiet.Add(parkAfter).Sub(r.engine.now())
		if due := c.Started.Due; !due.IsZero() && c.Stopped == nil {
			left = max(due.Sub(r.engine.now()), 1)
		}
		if soon <= 0 || r.engine.stopping() || r.moves() {
			if heard, err := r.lookAfter(); err != nil || heard {
				if err != nil {
					return err
				}
				continue
			}
			if err := r.flush(r.ctx); err != nil {
				return err
			}
			if r.mayPark(left) {
				r.due = c.Started.Due
				return errParked
			}
			soon = parkAfter
		}
		if left == 0 || soon < left {
			left = soon
		}
		if r.journal == r.engine.cfg.Memory && c.Started.Due.IsZero() {
			left = 0 // it never parks
		}
		if err := r.rest(left); err != nil {
			return r.interrupted()
		}
	}
	r.brood = nil
	return nil
}

// findBrood finds the children of a run that was taken up: what its node wants
// follows from what it wanted before.
func (r *Run) findBrood(n *flow.Node) error {
	if r.brood != nil {
		return nil
	}
	action, err := r.decide(n, nil)
	if err != nil {
		return err
	}
	plan, ok := action.(node.Spawn)
	c := r.state.At.Children
	if !ok || plan.Count != c.Started.Count {
		return fmt.Errorf("node %q wanted %d children before the run was interrupted, and something else now", n.ID, c.Started.Count)
	}
	b := newBrood(c)
	b.plan = plan
	for _, d := range c.Started.Flows {
		f, err := r.engine.cfg.Flow(r.engine.ctx, journal.Summary{ID: r.ID, Flow: d.Flow, FlowDigest: d.FlowDigest, Plugins: d.Plugins})
		if err != nil {
			return err
		}
		b.flows[d.Flow] = f
	}
	if b.again, err = r.findAgain(c.Started.Of, plan.Count); err != nil {
		return err
	}
	r.brood = b
	return nil
}

// newBrood is of children that began in an earlier life of the run, if at all. Of
// the ends that it heard then some may not have come into the journal, see keepUp,
// and others have begun for them.
func newBrood(c *run.Children) *brood {
	known := min(c.Began(), len(c.Ended)+c.Started.Most+keepUpReplies)
	return &brood{flows: map[string]*flow.Flow{}, out: map[string]int{}, known: known}
}

// makeChildren begins as many children as there may be at a time. Those that
// began in an earlier life of the run are found.
func (r *Run) makeChildren() error {
	b, c := r.brood, r.state.At.Children
	for ; b.next < c.Began() && len(b.out) < c.Started.Most; b.next++ {
		if c.Heard(b.next) {
			continue
		}
		id := c.Started.Child(r.ID, b.next)
		b.out[id] = b.next
		if end, kept := b.again.completed(b.next); kept {
			if err := r.hear(id, end); err != nil {
				return err
			}
			continue
		}
		found := false
		if b.next < b.known {
			var err error
			if found, err = r.findChild(id, b.next); err != nil {
				return err
			}
		}
		if found {
			continue
		}
		if err := r.keepUp(); err != nil {
			return err
		}
		if c.Stopped != nil {
			if err := r.withhold(id, b.next); err != nil {
				return err
			}
			continue
		}
		if err := r.makeChild(id, b.next); err != nil {
			return err
		}
	}
	return nil
}

// withhold keeps a child from beginning: it may have begun in the memory of an owner
// that was stopped, and goes on there when that is let go. Its place in the journal
// is taken then.
func (r *Run) withhold(id string, index int) error {
	reason := "node " + strconv.Quote(r.state.At.Node) + " of its parent needed it no more"
	end := run.ChildEnded{Run: id, Status: run.Cancelled, Code: "cancelled", Reason: reason}
	if r.brood.plan.Child == nil { // it is not known with what it would begin
		return r.hear(id, run.ChildEnded{Reason: reason})
	}
	first, _, err := r.firstOf(id, index)
	if err != nil { // it could not begin anywhere
		return r.hear(id, run.ChildEnded{Reason: reason})
	}
	events := []run.Event{first, run.RunCancelled{At: r.at(), Reason: reason}}
	begin := func(ctx context.Context) error { return r.journal.Append(ctx, id, 0, events) }
	if err = begin(r.engine.ctx); errors.Is(err, journal.ErrConflict) {
		_, err = r.findChild(id, index) // it came in that very moment
		return err
	}
	if err != nil {
		err = r.insist(r.engine.ctx, err, begin)
	}
	if err != nil {
		return err
	}
	return r.hear(id, end)
}

// findChild looks where a child is that may have begun.
func (r *Run) findChild(id string, index int) (found bool, err error) {
	if r.engine.Find(id) != nil {
		return true, nil // it tells its end
	}
	events, err := r.journal.Events(r.engine.ctx, id)
	switch {
	case errors.Is(err, journal.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	}
	if end, ended := endOf(events); ended {
		end.Index = index
		return true, r.hear(id, end)
	}
	return true, nil
}

// lookAfter looks for children that nobody drives here: one may have ended, or have
// come into the journal, by the hand of an earlier owner that noticed late.
func (r *Run) lookAfter() (heard bool, err error) {
	if r.journal == r.engine.cfg.Memory || r.engine.stopping() {
		return false, nil
	}
	before := len(r.state.At.Children.Ended)
	for id, index := range maps.Clone(r.brood.out) {
		if _, err := r.findChild(id, index); err != nil {
			return false, err
		}
		if _, out := r.brood.out[id]; out && r.engine.Find(id) == nil {
			if s, err := r.journal.Find(r.engine.ctx, id); err == nil && s.Status == run.Running {
				if err := r.engine.rouse(r.engine.ctx, id, r.journal); err != nil {
					return false, err
				}
			}
		}
	}
	return len(r.state.At.Children.Ended) > before, nil
}

// endOf is how a run ended, by its events.
func endOf(events []run.Event) (end run.ChildEnded, ended bool) {
	s, err := journal.Summarize(events)
	if err != nil || !s.Status.Ended() {
		return end, false
	}
	end = run.ChildEnded{Run: s.ID, Status: s.Status, Outcome: s.Outcome, Code: s.Code, Reason: s.Reason}
	end.Outputs = givenBack(events)
	return end, true
}

// givenBack are the outputs of the node that ended a run.
func givenBack(events []run.Event) map[string]any {
	for _, e := range slices.Backward(events) {
		if f, ok := e.(run.NodeFinished); ok {
			if f.End != nil {
				return f.Outputs
			}
			break
		}
	}
	return nil
}

// makeChild begins a child. One that cannot begin has ended.
func (r *Run) makeChild(id string, index int) error {
	first, f, err := r.firstOf(id, index)
	if err != nil {
		fail := node.Outcomes{}.Failed(err)
		return r.hear(id, run.ChildEnded{Index: index, Code: fail.Code, Reason: fail.Message})
	}
	e := r.engine
	child := e.newRun(id, r.journal)
	child.state = &run.State{Flow: f, Bounds: e.cfg.Bounds, Parent: first.Parent}
	child.flow = f
	switch err := e.add(child); {
	case errors.Is(err, errDriven):
		child.cancel(nil)
		return nil
	case err != nil:
		child.cancel(nil)
		if errors.Is(err, errUnowned) {
			err = errMoved // the run is not ours any more either
		}
		if flushed := r.flush(r.ctx); flushed != nil {
			return flushed
		}
		return err
	}
	// What is the run's own flow has begun with it.
	if err := child.recordFirst(first, first.Flow == r.state.Flow.Name); err != nil {
		e.remove(child)
		child.cancel(nil)
		return err
	}
	clock.Go(e.cfg.Clock, child.drive)
	return nil
}

// firstOf makes the first event of a child.
func (r *Run) firstOf(id string, index int) (first run.RunStarted, f *flow.Flow, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &node.Fault{Code: "panic", Msg: fmt.Sprintf("child %d: %v", index, p)}
		}
	}()
	child, err := r.brood.plan.Child(index)
	if err != nil {
		return first, nil, err
	}
	if first, f, err = r.takenUp(index, child); f != nil || err != nil {
		return r.born(first, id, index), f, err
	}
	first = r.born(run.RunStarted{Output: map[string]any{}}, id, index)
	if child.Flow != "" {
		f, err = r.calledBy(&first, child)
	} else {
		f, err = r.bodyFor(&first, child)
	}
	if err != nil {
		return first, nil, err
	}
	first.Flow, first.FlowDigest, first.Plugins, first.Trigger = f.Name, f.Digest, f.Plugins(), f.Called().ID
	first.Mark(f)
	return first, f, nil
}

// born completes the first event of a child by what all children have.
func (r *Run) born(first run.RunStarted, id string, index int) run.RunStarted {
	body := ""
	if first.Parent != nil {
		body = first.Parent.Body
	}
	first.At, first.Run, first.Seed = run.At{At: r.engine.now(), Wend: r.engine.cfg.Version}, id, r.engine.cfg.NewSeed()
	first.TraceParent = r.nodeTrace()
	first.Parent = &run.Parent{Run: r.ID, Place: r.state.At.Place, Index: index, Depth: r.state.Depth() + 1, Body: body}
	return first
}

// calledBy fills in what a child begins with that runs another flow.
func (r *Run) calledBy(first *run.RunStarted, child node.Child) (*flow.Flow, error) {
	f := r.brood.flows[child.Flow]
	if f == nil || f.Called() == nil {
		return nil, &node.Fault{Code: "unknown-flow", Msg: fmt.Sprintf("flow %q was not there when the children were started", child.Flow)}
	}
	input, schema := child.Input, f.Called().Trigger.(*node.Called).Input
	if input == nil {
		input = map[string]any{}
	}
	if wrong := schema.Validate(input); wrong != nil {
		return nil, &node.InvalidError{Problems: wrong}
	}
	first.Output, first.Variables = maps.Clone(schema.WithDefaults(input)), maps.Clone(f.Variables)
	return f, nil
}

// bodyFor fills in what a child begins with that runs a body of the run's own
// flow: what that reads around it, as it is now.
func (r *Run) bodyFor(first *run.RunStarted, child node.Child) (*flow.Flow, error) {
	f := r.state.Flow.BodyOf(r.state.At.Node, child.Body)
	if f == nil {
		return nil, fmt.Errorf("node %q has no nodes inside it to run", r.state.At.Node)
	}
	first.Parent.Body = f.Path
	first.Variables = f.Reads(r.state.Env().Names)
	maps.Copy(first.Variables, child.Names)
	return f, nil
}

// tell takes the end of a child.
func (r *Run) tellEnd(end run.ChildEnded) {
	r.mu.Lock()
	r.ends = append(r.ends, end)
	r.mu.Unlock()
	r.wake.Set()
}

// hearChildren puts on record the ends that were told, and returns how many there
// were.
func (r *Run) hearChildren() (heard int, err error) {
	r.mu.Lock()
	ends := r.ends
	r.ends = nil
	r.mu.Unlock()
	for _, end := range ends {
		if _, waits := r.brood.out[end.Run]; !waits {
			continue // it was found before it told
		}
		heard++
		if err := r.hear(end.Run, end); err != nil {
			return heard, err
		}
	}
	return heard, nil
}

// hear puts the end of a child on record, and stops the others if its node has
// enough.
func (r *Run) hear(id string, end run.ChildEnded) error {
	b, c := r.brood, r.state.At.Children
	end.At, end.Place, end.Index = r.at(), r.state.At.Place, b.out[id]
	if len(c.Ended)+1 < c.Began() {
		end.Due = c.Started.Due
	}
	if err := r.fitsChild(&end); err != nil {
		end.Status, end.Outputs, end.Reason = run.Failed, nil, err.Error()
		if fault, ok := errors.AsType[*node.Fault](err); ok {
			end.Code = fault.Code
		}
	}
	delete(b.out, id)
	if err := r.record(end); err != nil {
		return err
	}
	if c.Stopped == nil && !c.Over() && b.plan.Enough != nil && b.plan.Enough(end.End()) {
		return r.stopChildren(false)
	}
	return nil
}

// fitsChild tells whether the run can keep what a child gave back.
func (r *Run) fitsChild(end *run.ChildEnded) error { return r.state.Fits(end.Outputs, nil) }

// stopChildren puts on record that no more children begin, and cancels those
// that have not ended.
func (r *Run) stopChildren(late bool) error {
	b := r.brood
	began := max(b.next, b.known)
	for _, index := range b.out { // the one that is looked at right now too
		began = max(began, index+1)
	}
	if err := r.record(run.ChildrenStopped{At: r.at(), Place: r.state.At.Place, Began: began, Late: late}); err != nil {
		return err
	}
	return r.cancelChildren("node " + strconv.Quote(r.state.At.Node) + " of its parent waits for it no more")
}

// cancelChildren cancels those that have not ended. Their ends are still to be
// heard.
func (r *Run) cancelChildren(reason string) error {
	e := r.engine
	for id := range r.brood.out {
		if child := e.Find(id); child != nil {
			child.Cancel(reason)
			if e.Find(id) == child {
				continue // it will say so
			}
		}
		err := e.Cancel(e.ctx, id, reason)
		if err != nil && !errors.Is(err, ErrEnded) && !errors.Is(err, journal.ErrNotFound) {
			return err
		}
	}
	return nil
}

// dismiss brings down the children of a run that is about to end, and hears their
// ends: a run that has ended leaves no child behind.
func (r *Run) dismiss() error {
	if !r.state.Tending() {
		return nil
	}
	switch stopped, cancelled := errors.AsType[cancelledError](context.Cause(r.ctx)); {
	case cancelled:
		return r.bringDown("its parent was cancelled: " + stopped.reason)
	case r.overdue():
		return r.bringDown("the time of its parent is over")
	case r.state.Full():
		return r.bringDown("its parent has too much in the journal")
	}
	return nil
}

func (r *Run) bringDown(reason string) error {
	if err := r.findBrood(r.state.Flow.Nodes[r.state.At.Node]); err != nil {
		r.brood = newBrood(r.state.At.Children) // what has begun can be cancelled all the same
	}
	if r.state.At.Children.Stopped == nil {
		if err := r.stopChildren(false); err != nil {
			return err
		}
	}
	told := r.brood.next
	for first := true; r.state.Tending(); first = false {
		if err := r.makeChildren(); err != nil {
			return err
		}
		if first || told < r.brood.next {
			told = r.brood.next
			if err := r.cancelChildren(reason); err != nil {
				return err
			}
		}
		heard, err := r.hearChildren()
		if err != nil {
			return err
		}
		if heard > 0 || !r.state.Tending() {
			continue
		}
		if err := r.restAnyway(); err != nil {
			return err
		}
	}
	r.brood = nil
	return nil
}

// restAnyway is rest for a run that is cancelled. It fails when the run is
// another owner's: then that one hears of the children.
func (r *Run) restAnyway() error {
	e := r.engine
	again := e.cfg.Clock.NewTimer(lookEvery)
	defer again.Stop()
	if err := e.cfg.Clock.Wait(e.ctx, again, r.wake); err != nil {
		return err
	}
	if r.journal == e.cfg.Memory {
		return nil
	}
	all, _, err := e.holding(e.ctx)
	if err == nil && !all.Has(r.ID) {
		err = errLost
	}
	return err
}

// parent is the id of the run that had this one made, or "".
func (r *Run) parent() string {
	if r.state == nil || r.state.Parent == nil {
		return ""
	}
	return r.state.Parent.Run
}

// freeSlot lets another run go on that was left unfinished.
func (r *Run) freeSlot() {
	if r.slot != nil {
		r.slot()
	}
}

// childEnded tells the parent of a run that has ended. One that is parked is taken
// up, and finds it in the journal.
func (e *Engine) childEnded(parent string, end run.ChildEnded, d journal.Driver) {
	if p := e.Find(parent); p != nil {
		p.tellEnd(end)
		if e.Find(parent) == p {
			return
		}
	}
	if d == e.cfg.Memory || e.stopping() {
		return
	}
	if err := e.rouse(e.ctx, parent, d); err != nil && e.ctx.Err() == nil {
		e.journalFailed("tell run "+parent+" that its child has ended", err)
	}
}

// tellEnded tells the parent of a run that the journal has the end of, by another
// hand.
func (e *Engine) tellEnded(id, parent string, d journal.Driver) error {
	events, err := d.Events(e.ctx, id)
	if err != nil {
		return err
	}
	if end, ended := endOf(events); ended {
		e.childEnded(parent, end, d)
	}
	return nil
}

// parting tells the parent that the run is driven no more, if that is because it
// has ended, or because nobody will ever drive it again.
func (r *Run) parting(err error) {
	s := r.state
	if s == nil || s.Parent == nil {
		return
	}
	switch {
	case err == nil:
		r.engine.childEnded(s.Parent.Run, run.ChildEnded{
			Run: r.ID, Status: s.Status, Outcome: s.Outcome, Code: s.Code, Reason: s.Reason, Outputs: s.Result,
		}, r.journal)
	case r.journal == r.engine.cfg.Memory && !errors.Is(err, ErrStopped):
		r.engine.childEnded(s.Parent.Run, run.ChildEnded{Run: r.ID, Status: run.Failed, Code: "broken", Reason: err.Error()}, r.journal)
	}
}
