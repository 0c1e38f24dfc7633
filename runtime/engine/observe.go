package engine

import (
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

// note adds the facts that follow from an event, which is folded, to those to be
// told. The run was at before.
func (r *Run) note(e run.Event, before run.Position) {
	add := func(f fact.Fact) { r.facts = append(r.facts, f) }
	at := r.visiting(before.Place, e.When())
	switch e := e.(type) {
	case run.RunStarted:
		r.about = runOf(e)
		add(fact.RunStarted{Of: r.of(e.When()), From: e.From, Unmarked: e.Unmarked})
	case run.CallStarted, run.CallReplied: // callMade knows more
	case run.ChildrenStarted:
		add(fact.ChildrenStarted{Visit: at, Count: e.Count, Most: e.Most, Due: e.Due})
	case run.ChildEnded:
		add(fact.ChildEnded{Visit: at, Index: e.Index, Child: e.Run, Status: e.Status, Outcome: e.Outcome, Code: e.Code, Reason: e.Reason})
	case run.ChildrenStopped:
	case run.TimerSet:
		if e.Kind != run.TimerRetry { // RetryScheduled says so
			add(fact.RunWaits{Visit: at, Due: e.Due})
		}
	case run.EventAwaited:
		add(fact.RunWaits{Visit: at, Event: e.Name, Due: e.Due})
	case run.TimerFired:
		if e.Kind != run.TimerRetry {
			add(fact.RunWoken{Visit: at, Waited: waited(before, e.When()), Late: late(before, e.When())})
		}
	case run.EventReceived:
		add(fact.RunWoken{Visit: at, Event: e.Name, Waited: waited(before, e.When())})
	case run.NodeFinished:
		r.noteLeft(e, at, before)
	case run.RunPaused:
		add(fact.RunPaused{Visit: at, Cause: e.Cause, Outcome: e.Outcome, Code: e.Code, Message: e.Message})
	case run.RunResumed:
		add(fact.RunResumed{Visit: at, GiveUp: e.GiveUp, Paused: waited(before, e.When())})
	case run.RunResponded:
		add(fact.RunResponded{Of: r.of(e.When()), Status: e.Status, Took: e.When().Sub(r.about.StartedAt)})
	case run.RunEnded, run.RunCancelled:
		s := r.state
		add(fact.RunEnded{
			Of: at.Of, Status: s.Status, Node: before.Node, Outcome: s.Outcome, Code: s.Code, Reason: s.Reason, Error: s.Error,
			Response: answered(s.Response), Took: at.At.At.Sub(r.about.StartedAt),
		})
	}
	if now := r.state.At.Place; now != before.Place && !r.ending() {
		add(fact.NodeEntered{Visit: r.visiting(now, e.When())})
	}
}

func (r *Run) noteLeft(e run.NodeFinished, at fact.Visit, before run.Position) {
	if r.faulted {
		r.facts = append(r.facts, fact.Fault{Visit: at, Outcome: e.Outcome, Code: e.Code, Message: e.Message, Handled: !r.ending()})
	}
	r.facts = append(r.facts, fact.NodeLeft{
		Visit: at, Outcome: e.Outcome, Failed: e.Outcome != r.state.Flow.Nodes[e.Node].Outcomes.Success,
		Code: e.Code, Message: e.Message, Calls: len(before.Calls), Took: e.When().Sub(before.Since),
	})
	if again, ok := r.state.Next().(run.SetTimer); ok {
		due := r.within(again.Due)
		r.facts = append(r.facts, fact.RetryScheduled{Visit: at, Outcome: e.Outcome, Due: due, Delay: due.Sub(e.When())})
	}
}

// answered is the status of a response, 0 if there is none.
func answered(r *node.Response) int {
	if r == nil {
		return 0
	}
	return r.Status
}

// waited is how long a run has waited that was at p.
func waited(p run.Position, now time.Time) time.Duration {
	switch {
	case p.Pause != nil:
		return now.Sub(p.Pause.When())
	case p.Awaited != nil:
		return now.Sub(p.Awaited.When())
	case p.Timer != nil:
		return now.Sub(p.Timer.When())
	default:
		return 0
	}
}

// late is how long the time is over that a run waited for at p.
func late(p run.Position, now time.Time) time.Duration {
	switch {
	case p.Awaited != nil:
		return now.Sub(p.Awaited.Due)
	case p.Timer != nil:
		return now.Sub(p.Timer.Due)
	default:
		return 0
	}
}

// ending tells whether the run has nothing to do but to end.
func (r *Run) ending() bool {
	_, yes := r.state.Next().(run.End)
	return yes
}

// invoked tells of a plugin that has decided, or failed to.
func (r *Run) invoked(n *flow.Node, began time.Time, fuel uint64, err error) {
	now := r.engine.now()
	f := fact.Invoked{Visit: r.visiting(r.state.At.Place, now), Took: now.Sub(began), Fuel: fuel}
	if err != nil {
		f.Code = n.Outcomes.Failed(err).Code
	}
	fact.Tell(r.engine.cfg.Observers, f)
}

// callMade is the fact of a call, if anybody wants it. A call that was made in an
// earlier process began at no time that is known.
func (r *Run) callMade(n *flow.Node, call wire.Call, replied run.CallReplied, began time.Time) []fact.Fact {
	if !r.engine.cfg.Observers.Watched() {
		return nil
	}
	scheme, host, path := r.engine.address(n.Connection, call.URL)
	f := fact.CallMade{
		Visit: r.visiting(replied.Place, replied.When()), Call: replied.Call, Method: call.Method, Scheme: scheme, Host: host, Path: path,
		Status: replied.Reply.Status, Failure: replied.Reply.Failure, Message: replied.Reply.Message,
		Sent: len(call.Body), Received: len(replied.Reply.Body) + len(replied.Reply.BodyBase64),
		Key: replied.CallKey(r.ID, replied.Call), Idempotent: n.Idempotent || readOnly(call.Method),
	}
	if !began.IsZero() {
		f.Took = replied.When().Sub(began)
	}
	return []fact.Fact{f}
}

// addresser is a Caller that knows where a call goes whose URL is only a path.
type addresser interface {
	Address(connection, url string) (scheme, host string)
}

// address is what may be told of a URL: a query or a user may hold a secret.
func (e *Engine) address(connection, text string) (scheme, host, path string) {
	path, _, _ = strings.Cut(text, "?")
	path, _, _ = strings.Cut(path, "#")
	if u, err := url.Parse(text); err == nil {
		scheme, host, path = u.Scheme, u.Host, u.EscapedPath()
	}
	if a, ok := e.cfg.Caller.(addresser); ok && host == "" {
		scheme, host = a.Address(connection, text)
	}
	return scheme, host, path
}

// also adds facts that follow from no event to those to be told.
func (r *Run) also(facts []fact.Fact) {
	r.keep.Lock()
	defer r.keep.Unlock()
	r.facts = append(r.facts, facts...)
}

// runOf is what all facts say of the run that began so.
func runOf(e run.RunStarted) fact.Run {
	return fact.Run{
		ID: e.Run, Flow: e.Flow, Trigger: e.Trigger, RetryOf: e.RetryOf, Parent: e.Parent, TraceParent: e.TraceParent, StartedAt: e.When(),
		Key: e.Key, Labels: e.Labels,
	}
}

func (r *Run) of(when time.Time) fact.Of { return fact.Of{At: fact.At{At: when}, Run: &r.about} }

func (r *Run) visiting(at run.Place, when time.Time) fact.Visit {
	v := fact.Visit{Of: r.of(when), Place: at}
	if n := r.state.Flow.Nodes[at.Node]; n != nil {
		v.Type, v.Connection = n.Type.Ref(), n.Connection
	}
	return v
}

func (r *Run) dropped(why fact.Why, err error) {
	fact.Tell(r.engine.cfg.Observers, fact.RunDropped{
		Of: r.of(r.engine.now()), Why: why, Kept: r.onRecord() && r.journal != r.engine.cfg.Memory, Err: err,
	})
}

func (r *Run) journalFailed(doing string, err error) {
	fact.Tell(r.engine.cfg.Observers, fact.JournalFailed{At: r.engine.momentNow(), Run: &r.about, Doing: doing, Err: err})
}

func (e *Engine) journalFailed(doing string, err error) {
	fact.Tell(e.cfg.Observers, fact.JournalFailed{At: e.momentNow(), Doing: doing, Err: err})
}

// refused tells that no run was made, unless whoever wanted it asked for what
// there is not.
func (e *Engine) refused(flow string, err error) {
	var asked *RetryError
	var unknown *run.UnknownError
	if errors.As(err, &asked) || errors.As(err, &unknown) || errors.Is(err, journal.ErrNotFound) {
		return
	}
	fact.Tell(e.cfg.Observers, fact.StartRefused{At: e.momentNow(), Flow: flow, Later: errors.Is(err, ErrStopped) || errors.Is(err, ErrNoShards), Err: err})
}

// tellLease tells what changed in what the engine holds. It gave up what it lost
// by itself, or not.
func (e *Engine) tellLease(before, held journal.Shards, given bool) {
	gained, lost := held&^before, before&^held
	if lost != 0 {
		fact.Tell(e.cfg.Observers, fact.LeaseLost{At: e.momentNow(), Shards: lost, Held: held, Given: given})
	}
	if gained != 0 {
		fact.Tell(e.cfg.Observers, fact.LeaseGained{At: e.momentNow(), Shards: gained, Held: held})
	}
}

func (e *Engine) momentNow() fact.At { return fact.At{At: e.now()} }

// callTrace is the traceparent of a call of this attempt.
func (r *Run) callTrace(call int) string {
	if r.engine.cfg.Trace == nil {
		return r.state.TraceParent
	}
	t, at := r.engine.cfg.Trace(r.ID, r.state.TraceParent), r.state.At.Place
	return t.Header(t.Call(at.Node, at.Visit, at.Attempt, call))
}

// nodeTrace is the traceparent of what this attempt starts.
func (r *Run) nodeTrace() string {
	if r.engine.cfg.Trace == nil {
		return r.state.TraceParent
	}
	t, at := r.engine.cfg.Trace(r.ID, r.state.TraceParent), r.state.At.Place
	return t.Header(t.Node(at.Node, at.Visit, at.Attempt))
}
