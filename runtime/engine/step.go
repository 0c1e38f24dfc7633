package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

// step lets the node decide once and does what it wants.
func (r *Run) step() error {
	// A node may take long. Whoever waits for a response that was given
	// before gets it first.
	if r.unanswered() {
		if err := r.flush(r.ctx); err != nil {
			return err
		}
	}
	n := r.state.Flow.Nodes[r.state.At.Node]
	action, err := r.decide(n, nil)
	if err != nil {
		if r.ctx.Err() != nil {
			return r.interrupted()
		}
		return r.fault(n, err)
	}
	switch a := action.(type) {
	case node.Ask:
		if f := r.assumed(a); f != nil {
			return r.finish(n, *f)
		}
		return r.ask(n, a)
	case node.Sleep:
		return r.record(run.TimerSet{At: r.at(), Place: r.state.At.Place, Kind: run.TimerSleep, Due: r.within(r.engine.now().Add(a.For))})
	case node.Await:
		return r.awaits(n, a)
	case node.Spawn:
		return r.spawn(n, a)
	case node.Keep:
		return r.keeps(n, a)
	case node.Finish:
		return r.finish(n, a)
	case nil:
	}
	return r.fault(n, fmt.Errorf("node type %q wants nothing", n.Type.Name))
}

// decide evaluates the inputs and calls the node type. A panic there is a
// fault of the node, never of the engine.
func (r *Run) decide(n *flow.Node, kept *node.Kept) (action node.Action, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &node.Fault{Code: "panic", Msg: fmt.Sprintf("node type %q: %v", n.Type.Name, p)}
		}
	}()
	inputs, err := n.Eval(r.state.Env())
	if err != nil {
		return nil, err
	}
	v := r.visit(n, inputs)
	v.Kept = kept
	if n.Type.Digest == "" || !r.engine.cfg.Observers.Watched() {
		return n.Type.Step(r.ctx, v)
	}
	var fuel uint64
	v.Fuel = &fuel
	began := r.engine.now()
	action, err = n.Type.Step(r.ctx, v)
	r.invoked(n, began, fuel, err)
	return action, err
}

func (r *Run) visit(n *flow.Node, inputs map[string]any) node.Visit {
	at := &r.state.At
	replies, asked := at.Replies()
	v := node.Visit{
		Run: r.ID, Flow: r.state.Flow.Name, Node: n.ID,
		Visit: at.Visit, Attempt: at.Attempt, Now: at.Since,
		Seed: at.Seed(r.state.Seed), Key: at.Key(r.ID),
		Inputs: inputs, Replies: replies, Asked: asked,
		Woken: at.Woken, Received: at.Received, Event: at.Event, Outcomes: n.Outcomes,
		Log: r.logger(),
	}
	switch {
	case at.Children == nil:
	case r.state.Tending(): // asked for its Spawn once more
		v.Woken = false
	default:
		v.Spawned, v.Children = true, at.Children.Ends()
	}
	if n.Connection != "" && r.engine.cfg.Caller != nil {
		v.Settings = r.engine.cfg.Caller.Settings(n.Connection)
	}
	v.Settings = n.Type.Settings.WithDefaults(v.Settings)
	return v
}

// logger shows each line once: a node that is stepped again repeats the lines
// it wrote before.
func (r *Run) logger() func(string) {
	seen := 0
	if len(r.state.At.Calls) == 0 && !r.state.At.Woken && !r.state.At.Received {
		r.logged = 0
	}
	return func(line string) {
		seen++
		if seen > r.logged {
			r.logged = seen
			fact.Tell(r.engine.cfg.Observers, fact.NodeLogged{Visit: r.visiting(r.state.At.Place, r.engine.now()), Line: line})
		}
	}
}

// fault leaves by the node's outcome for faults.
func (r *Run) fault(n *flow.Node, err error) error {
	f := n.Outcomes.Failed(err)
	_, failed := errors.AsType[*expand.Error](err)
	_, large := errors.AsType[*data.BoundError](err)
	if failed || large || f.Code == "template" {
		f.Outcome, f.Code = n.Outcomes.Refused(), "template"
	}
	if f.Outcome == "" {
		f.End = &node.End{Failed: true, Code: f.Code, Reason: fmt.Sprintf("node %q: %s", n.ID, f.Message)}
	}
	r.faulted = true
	defer func() { r.faulted = false }()
	e := r.finished(f)
	if f.Code == "template" || f.Code == "invalid-input" || f.Code == "value-limit" {
		e.Class = flow.Hopeless
	}
	return r.record(e)
}

func (r *Run) finish(n *flow.Node, f node.Finish) error {
	if f.Outcome == "" {
		f.Outcome = n.Outcomes.Success
	}
	if !n.Outcomes.Has(f.Outcome) {
		return r.fault(n, fmt.Errorf("node type %q left by the outcome %q, which it does not declare", n.Type.Name, f.Outcome))
	}
	if err := r.fits(f); err != nil {
		return r.fault(n, err)
	}
	if l := f.Log; l != nil {
		fact.Tell(r.engine.cfg.Observers, fact.NodeLogged{
			Visit: r.visiting(r.state.At.Place, r.engine.now()), Level: l.Level, Line: l.Text, Fields: l.Fields,
		})
	}
	if f.Emit != nil {
		err := r.emit(f.Emit)
		if err != nil && r.ctx.Err() != nil {
			return r.interrupted()
		}
		if err != nil {
			return r.fault(n, err)
		}
	}
	if f.Message == "" && f.Outcome != n.Outcomes.Success {
		f.Message = unsaid(n.Outcomes, f.Outcome, r.state.At.Calls)
	}
	if f.RetryAfter == 0 {
		f.RetryAfter = retryAfter(r.state.At, r.engine.now())
	}
	if err := r.record(r.finished(f)); err != nil {
		return err
	}
	if f.Response == nil || r.state.Response != nil {
		return nil // a run answers once
	}
	return r.record(run.RunResponded{At: r.at(), Response: *f.Response})
}

// unsaid is what is known of an outcome for which the node gave no reason: what
// its last call came to, or else what the outcome stands for. No error is without
// a text.
func unsaid(o node.Outcomes, outcome string, calls []run.Call) string {
	if len(calls) > 0 {
		switch reply := calls[len(calls)-1].Reply; {
		case reply == nil:
		case reply.Failure != "":
			return cmp.Or(reply.Message, string(reply.Failure))
		case reply.Status >= http.StatusBadRequest:
			return strings.TrimSpace(fmt.Sprintf("the last call was answered with %d %s", reply.Status, http.StatusText(reply.Status)))
		}
	}
	for _, all := range o.All {
		if all.Name == outcome && all.Doc != "" {
			return strings.TrimSuffix(all.Doc, ".")
		}
	}
	return fmt.Sprintf("the node gave no reason but %q", outcome)
}

// fits tells whether what the node leaves behind can be kept and written down.
func (r *Run) fits(f node.Finish) error {
	if err := r.state.Fits(f.Outputs, f.Set); err != nil || f.Response == nil {
		return err
	}
	if _, err := data.Measure(f.Response.Body, r.engine.cfg.Bounds.Value); err != nil {
		return &node.Fault{Code: "value-limit", Msg: fmt.Sprintf("the body of the response: %s", err)}
	}
	return nil
}

// emit tells an event to other runs, and starts those of flows that listen. Its id
// is that of the visit, so that it is one event even if the node is stepped again
// after a crash.
func (r *Run) emit(m *node.Emit) error {
	doc, err := json.Marshal(m.Data)
	if err != nil {
		return fmt.Errorf("emit %q: %w", m.Event, err)
	}
	e := journal.Event{
		ID: r.state.At.Key(r.ID), Name: m.Event, Key: m.Key, Data: doc, Expires: r.engine.now().Add(m.For),
	}
	if err := e.Check(); err != nil {
		return err
	}
	if _, err := dataOf(e); err != nil {
		return &node.Fault{Code: "event-data", Msg: fmt.Sprintf("emit %q: data: %s", m.Event, err)}
	}
	hops, err := r.hops(r.ctx)
	if err != nil {
		return err
	}
	if hops++; hops > mostHops {
		return &node.Fault{Code: "event-loop", Msg: fmt.Sprintf("emit %q: this run comes from a chain of %d, each started by an event of the one before", m.Event, mostHops)}
	}
	deliver := func(ctx context.Context) error {
		_, err := r.engine.Publish(ctx, Occurrence{Event: e, Hops: hops, TraceParent: r.state.TraceParent})
		return err
	}
	if err = deliver(r.ctx); err != nil && r.onRecord() {
		err = r.insist(r.ctx, err, deliver)
	}
	if misfit, ok := errors.AsType[*MisfitError](err); ok {
		return &node.Fault{Code: "event-data", Msg: misfit.Error()}
	}
	if mismatch, ok := errors.AsType[*journal.MismatchError](err); ok {
		return &node.Fault{Code: "event-data", Msg: fmt.Sprintf("emit %q: run %s was begun by an event with this id and other data", m.Event, mismatch.Holder)}
	}
	if full, ok := errors.AsType[*FullError](err); ok {
		return &node.Fault{Code: "events-full", Msg: full.Error()}
	}
	return err
}

func (r *Run) finished(f node.Finish) run.NodeFinished {
	n := r.state.Flow.Nodes[r.state.At.Node]
	return run.NodeFinished{
		Class: retryClass(n.Outcomes, r.state.At, f.Outcome),
		At:    r.at(), Place: r.state.At.Place,
		Outcome: f.Outcome, Outputs: f.Outputs, Message: f.Message, Code: f.Code,
		Set: f.Set, RetryAfter: f.RetryAfter, End: f.End,
	}
}

func (r *Run) awaits(n *flow.Node, a node.Await) error {
	if err := journal.CheckAwaited(journal.Awaited{Name: a.Event, Key: a.Key}); err != nil {
		return r.fault(n, err)
	}
	e := run.EventAwaited{At: r.at(), Place: r.state.At.Place, Name: a.Event, Key: a.Key}
	limit := a.Timeout
	if n.Timeout > 0 && (limit == 0 || n.Timeout < limit) {
		limit = n.Timeout
	}
	if limit > 0 {
		e.Due = e.At.At.Add(limit)
	}
	e.Due = r.within(e.Due)
	return r.record(e)
}

// ask makes calls side by side and journals what came back.
func (r *Run) ask(n *flow.Node, a node.Ask) error {
	first := len(r.state.At.Calls)
	if done, _ := r.state.At.Replies(); len(done) < first {
		first = len(done) // some were sent before a crash
	}
	todo := make([]int, 0, len(a.Calls))
	var lost []int
	safe := true
	for i, call := range a.Calls {
		nr := first + i
		repeatable := n.Idempotent || readOnly(call.Method)
		switch {
		case nr >= len(r.state.At.Calls):
			if err := r.record(r.calling(nr, call)); err != nil {
				return err
			}
			todo = append(todo, i)
			safe = safe && repeatable
		case r.state.At.Calls[nr].Fingerprint != wire.Fingerprint(call):
			return r.fault(n, &node.Fault{Code: "nondeterministic", Msg: fmt.Sprintf(
				"call %d was %q before the run was interrupted and is %q now", nr, r.state.At.Calls[nr].Fingerprint, wire.Fingerprint(call))})
		case r.state.At.Calls[nr].Reply != nil:
		case repeatable:
			todo = append(todo, i)
		default:
			lost = append(lost, i)
		}
	}
	for _, i := range lost {
		reply := r.replied(first+i, wire.Reply{Failure: wire.Interrupted, Message: "sent, then interrupted: whether it happened is not known"})
		if err := r.record(reply, r.callMade(n, a.Calls[i], reply, time.Time{})...); err != nil {
			return err
		}
	}
	if err := r.prepare(safe); err != nil {
		return err
	}
	return r.exchange(n, a, first, todo)
}

// prepare sees to it that calls may be sent. What must not be repeated is on
// record before, and is sent only by who owns the run: once more after the
// append, which may have taken longer than the lease.
func (r *Run) prepare(safe bool) error {
	if safe {
		if r.unanswered() {
			return r.flush(r.ctx)
		}
		return nil
	}
	if err := r.hold(); err != nil {
		return err
	}
	if err := r.flush(r.ctx); err != nil {
		return err
	}
	return r.hold()
}

func (r *Run) calling(nr int, call wire.Call) run.CallStarted {
	return run.CallStarted{
		At: r.at(), Place: r.state.At.Place, Call: nr,
		Method: call.Method, URL: call.URL, Fingerprint: wire.Fingerprint(call),
	}
}

// exchange sends the calls and records the replies, each at its own time.
func (r *Run) exchange(n *flow.Node, a node.Ask, first int, todo []int) error {
	replies, began := make([]run.CallReplied, len(todo)), make([]time.Time, len(todo))
	clock.Together(r.engine.cfg.Clock, len(todo), func(k int) {
		i := todo[k]
		req := outbound.Request{
			Connection: n.Connection, Call: a.Calls[i], Secrets: outbound.Secrets(a.Secrets),
			Key: r.state.At.CallKey(r.ID, first+i), TraceParent: r.callTrace(first + i),
		}
		began[k] = r.engine.now()
		var late bool
		if req.Timeout, late = r.timeLeft(n); late {
			replies[k] = r.replied(first+i, wire.Reply{Failure: wire.Timeout, Message: fmt.Sprintf("the node's timeout of %s was over before the call", n.Timeout)})
			return
		}
		replies[k] = r.replied(first+i, r.engine.cfg.Caller.Do(r.ctx, req))
	})
	stopped := r.ctx.Err() != nil
	for k, reply := range replies {
		made := r.callMade(n, a.Calls[todo[k]], reply, began[k])
		if stopped && reply.Reply.Failure == wire.Interrupted {
			if r.cancelled() {
				r.also(made) // nobody else will say so
			}
			continue // it is for the next process to send it again, or to say so
		}
		if err := r.record(reply, made...); err != nil {
			return err
		}
	}
	if stopped {
		return r.interrupted()
	}
	return nil
}

func (r *Run) replied(call int, reply wire.Reply) run.CallReplied {
	return run.CallReplied{At: r.at(), Place: r.state.At.Place, Call: call, Reply: run.FromWire(reply)}
}

// timeLeft is how long a call may take: what is left of the attempt and of the
// run. 0 leaves it to the connection.
func (r *Run) timeLeft(n *flow.Node) (left time.Duration, late bool) {
	now := r.engine.now()
	if n.Timeout > 0 {
		left = r.state.At.Since.Add(n.Timeout).Sub(now)
		late = left <= 0
	}
	if d := r.state.Deadline; !d.IsZero() {
		if rest := d.Sub(now); left == 0 || rest < left {
			left = max(rest, 1)
		}
	}
	return left, late
}

func readOnly(method string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS":
		return true
	default:
		return false
	}
}
