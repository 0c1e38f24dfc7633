// Package run decides. It folds the events of a run into a State and says what
// is to be done next. It does nothing itself: no clock, no network, no
// randomness but what the events hold, so the same events give the same
// decisions on every machine and after every crash.
package run

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/sdk/wire"
)

// Status is what a run is doing.
type Status string

// The statuses of design.
const (
	Running   Status = "running"
	Waiting   Status = "waiting" // for a time or an event
	Paused    Status = "paused"  // until somebody resumes it
	Completed Status = "completed"
	Failed    Status = "failed"
	Cancelled Status = "cancelled"
)

// Ended tells whether the status is a last one.
func (s Status) Ended() bool {
	switch s {
	case Completed, Failed, Cancelled:
		return true
	case Running, Waiting, Paused:
	}
	return false
}

// State is what the events so far come to. It is not safe for concurrent use.
type State struct {
	ID      string
	Flow    *flow.Flow
	Seed    string
	Trigger string
	Parent  *Parent // nil: it is no child
	// TraceParent is the W3C trace context that calls carry on, or "".
	TraceParent string
	Status      Status
	StartedAt   time.Time
	UpdatedAt   time.Time
	Deadline    time.Time // zero: none
	Seq         int       // events folded
	Wend        string    // version that wrote the last of them, "" if it did not say
	Outcome     string    // see End
	Code        string
	Reason      string
	Response    *node.Response
	Result      map[string]any // what the node that ended the run gave back
	Error       *Failure       // the last one; nil: none so far
	At          Position       // where the run is
	// Bounds are those that hold for what comes; they do not change what was.
	Bounds Bounds

	resumes *ChildrenOf    // with which the first attempt of the run goes on
	names   map[string]any // what templates read
	given   map[string]any // variables, as the run began
	visits  map[string]visits
	steps   int // nodes entered so far
	ending  *End

	held    int // bytes of names in memory, at most
	written int // bytes in the journal, about
	left    expand.Room
}

// Position is the attempt that the run is at.
type Position struct {
	Place
	Since    time.Time // when the attempt began
	Calls    []Call
	Timer    *TimerSet // set and not fired
	Awaited  *EventAwaited
	Woken    bool
	Received bool
	Event    map[string]any
	Children *Children  // nil: none were started
	Pause    *RunPaused // nil unless the run is paused here

	retryAt time.Time // not zero: the attempt failed and is worth another
	before  int       // attempts of the visit that do not count any more
	spent   *spent    // not nil: the attempt failed, and there are no more
}

// spent is how an attempt ended that was the last, in a node that then has its run
// pause.
type spent struct{ outcome, code, message string }

// visits are those of one node: how many, and which steps of the run the last and
// the one before it were.
type visits struct{ n, at, before int }

// Children are the child runs of an attempt.
type Children struct {
	Started ChildrenStarted
	Ended   []ChildEnded // in the order in which they were heard of
	Stopped *ChildrenStopped

	heard map[int]bool
}

// Heard tells whether the end of a child is known.
func (c *Children) Heard(index int) bool { return c.heard[index] }

// Began is how many children begin at most: those with the lowest indices.
func (c *Children) Began() int {
	if c.Stopped != nil {
		return c.Stopped.Began
	}
	return c.Started.Count
}

// Over tells whether there is none left whose end is not known.
func (c *Children) Over() bool { return len(c.Ended) >= c.Began() }

// Ends are the ends of the children as their node sees them.
func (c *Children) Ends() []node.ChildEnd {
	ends := make([]node.ChildEnd, len(c.Ended))
	for i := range c.Ended {
		ends[i] = c.Ended[i].End()
	}
	return ends
}

// ChildrenOf are the children of an earlier run with which the attempt that the
// run is at goes on; nil if there are none.
func (s *State) ChildrenOf() *ChildrenOf {
	if s.resumes != nil && s.resumes.Node == s.At.Node && s.At.Visit == 1 && s.At.Attempt == 1 {
		return s.resumes
	}
	return nil
}

// Depth is how many runs stand above this one.
func (s *State) Depth() int {
	if s.Parent == nil {
		return 0
	}
	return s.Parent.Depth
}

// Tending tells whether the run has children whose end is not known.
func (s *State) Tending() bool {
	return !s.Status.Ended() && s.At.Children != nil && !s.At.Children.Over() && s.ending == nil
}

// Call is a call of the current attempt.
type Call struct {
	Fingerprint string
	Reply       *wire.Reply // nil: not answered yet
}

// Fold makes the state of a run from all its events. The first must be
// RunStarted. The flow must be the one that the run began with.
func Fold(f *flow.Flow, events []Event) (*State, error) {
	s := &State{Flow: f}
	for _, e := range events {
		if err := s.Apply(e); err != nil {
			return nil, err
		}
	}
	if s.Seq == 0 {
		return nil, errors.New("no events")
	}
	return s, nil
}

// Apply folds one more event. An error means that the events do not belong to
// this flow or are not in order; the state is then of no use.
func (s *State) Apply(e Event) error {
	if _, first := e.(RunStarted); first != (s.Seq == 0) {
		return fmt.Errorf("event %d is %s, out of order", s.Seq, Name(e))
	}
	if s.Status.Ended() {
		return fmt.Errorf("%s after the end of the run", Name(e))
	}
	if err := s.fold(e); err != nil {
		return fmt.Errorf("event %d, %s: %w", s.Seq, Name(e), err)
	}
	s.weigh(e)
	s.Seq++
	s.UpdatedAt = e.When()
	s.Wend = cmp.Or(e.Writer(), s.Wend)
	return nil
}

func (s *State) fold(e Event) error {
	switch e := e.(type) {
	case RunStarted:
		return s.start(e)
	case CallStarted:
		return s.callStarted(e)
	case CallReplied:
		return s.callReplied(e)
	case TimerSet:
		s.Status = Waiting
		s.At.Timer = &e
	case TimerFired:
		return s.timerFired(e)
	case EventAwaited:
		s.Status = Waiting
		s.At.Awaited = &e
	case EventReceived:
		s.Status = Running
		s.At.Awaited, s.At.Timer = nil, nil
		s.At.Received, s.At.Event = true, e.Data
	case ChildrenStarted:
		s.At.Children = &Children{Started: e, heard: map[int]bool{}}
	case ChildEnded:
		return s.childEnded(e)
	case ChildrenStopped:
		return s.childrenStopped(e)
	case NodeFinished:
		return s.finish(e)
	case RunResponded:
		s.Response = &e.Response
	case RunPaused:
		s.Status, s.At.Pause = Paused, &e
		s.Outcome, s.Code, s.Reason = e.Outcome, e.Code, e.Reason()
	case RunResumed:
		return s.resume(e)
	case RunEnded:
		s.Status, s.Outcome, s.Code, s.Reason = e.Status, e.Outcome, e.Code, e.Reason
	case RunCancelled:
		s.Status, s.Outcome, s.Code, s.Reason = Cancelled, "", "cancelled", e.Reason
	}
	return nil
}

func (s *State) start(e RunStarted) error {
	if s.Flow.Nodes[e.Trigger] == nil {
		return fmt.Errorf("flow %q has no node %q", s.Flow.Name, e.Trigger)
	}
	s.ID, s.Seed, s.Trigger, s.StartedAt, s.Status = e.Run, e.Seed, e.Trigger, e.At.At, Running
	s.TraceParent, s.Error, s.Parent = e.TraceParent, e.Error, e.Parent
	if s.Flow.Timeout > 0 {
		s.Deadline = e.At.At.Add(s.Flow.Timeout)
	}
	s.visits = map[string]visits{}
	s.names, s.given = e.names(s.Flow), e.Variables
	s.visits[e.Trigger] = visits{n: 1}
	if e.Children != nil {
		s.resumes = &ChildrenOf{e.RetryOf, *e.Children}
	}
	if e.From != "" {
		s.enter(e.From, e.At.At)
		return nil
	}
	t := s.Flow.Nodes[e.Trigger]
	s.leave(t, t.Outcomes.Success, "", "", e.At.At)
	return nil
}

func (s *State) callStarted(e CallStarted) error {
	if e.Call != len(s.At.Calls) {
		return fmt.Errorf("call %d, expected %d", e.Call, len(s.At.Calls))
	}
	s.At.Calls = append(s.At.Calls, Call{Fingerprint: e.Fingerprint})
	return nil
}

func (s *State) callReplied(e CallReplied) error {
	if e.Call < 0 || e.Call >= len(s.At.Calls) {
		return fmt.Errorf("call %d was not started", e.Call)
	}
	r := e.Reply.Wire()
	s.At.Calls[e.Call].Reply = &r
	return nil
}

func (s *State) childEnded(e ChildEnded) error {
	c := s.At.Children
	if c == nil || e.Index < 0 || e.Index >= c.Began() || c.heard[e.Index] {
		return fmt.Errorf("child %d was not started, or ended before", e.Index)
	}
	c.Ended = append(c.Ended, e)
	c.heard[e.Index] = true
	return nil
}

func (s *State) childrenStopped(e ChildrenStopped) error {
	c := s.At.Children
	if c == nil || c.Stopped != nil || e.Began < len(c.Ended) || e.Began > c.Started.Count {
		return fmt.Errorf("%d children cannot be stopped here", e.Began)
	}
	c.Stopped = &e
	s.At.Woken = e.Late
	return nil
}

func (s *State) timerFired(e TimerFired) error {
	set := s.At.Timer != nil && s.At.Timer.Kind == e.Kind || s.At.Awaited != nil && e.Kind == TimerEvent
	if !set {
		return fmt.Errorf("no %s timer is set", e.Kind)
	}
	s.Status = Running
	if e.Kind == TimerRetry {
		s.again(s.At.before, e.At.At)
		return nil
	}
	s.At.Timer, s.At.Awaited = nil, nil
	s.At.Woken = true
	return nil
}

// again begins the next attempt of a visit.
func (s *State) again(before int, at time.Time) {
	next := s.At.Place
	next.Attempt++
	s.At = Position{Place: next, Since: at, before: before}
}

// resume goes on where the run is. Its time has stood still.
func (s *State) resume(e RunResumed) error {
	if s.At.Pause == nil {
		return errors.New("the run is not paused")
	}
	if !s.Deadline.IsZero() {
		s.Deadline = s.Deadline.Add(e.At.At.Sub(s.At.Pause.At.At))
	}
	left := s.At.spent
	s.Status, s.At.Pause, s.Outcome, s.Code, s.Reason = Running, nil, "", "", ""
	switch {
	case left == nil:
		s.At.Since = e.At.At
	case e.GiveUp:
		s.At.spent = nil
		s.leave(s.Flow.Nodes[s.At.Node], left.outcome, left.code, left.message, e.At.At)
	default:
		s.again(s.At.Attempt, e.At.At)
	}
	return nil
}

func (s *State) finish(e NodeFinished) error {
	n := s.Flow.Nodes[e.Node]
	if n == nil || e.Place != s.At.Place {
		return fmt.Errorf("at node %q, visit %d, attempt %d; the run is at %q, %d, %d",
			e.Node, e.Visit, e.Attempt, s.At.Node, s.At.Visit, s.At.Attempt)
	}
	s.names[e.Node] = orEmpty(e.Outputs)
	maps.Copy(s.names, e.Set)
	if e.Outcome != n.Outcomes.Success && e.Outcome != "" {
		s.Error = &Failure{Node: e.Node, Outcome: e.Outcome, Code: e.Code, Message: e.Message, Attempt: e.Attempt}
		s.names["error"] = s.Error.names()
	}
	attempt, again := e.Attempt-s.At.before, n.Retry.Takes(e.Outcome, e.Class)
	switch {
	case e.End != nil:
		s.ending, s.Result = s.endedBy(e), e.Outputs
	case again && attempt <= n.Retry.Max:
		s.At.retryAt = e.At.At.Add(backoff(n.Retry, s.Seed, e, attempt))
	case again && n.Retry.Pause:
		s.At.spent = &spent{e.Outcome, e.Code, e.Message}
	default:
		s.leave(n, e.Outcome, e.Code, e.Message, e.At.At)
	}
	return nil
}

// noOutcome stands for the outcome of what failed and has none.
const noOutcome = "failed"

// endedBy is the end of a run that a node ended. One that it made fail did not
// end by the success outcome of that node: what led there is said, as far as the
// node does not say it.
func (s *State) endedBy(e NodeFinished) *End {
	end := &End{Status: Completed, Outcome: e.Outcome, Code: e.End.Code, Reason: e.End.Reason}
	if !e.End.Failed {
		return end
	}
	end.Status, end.Outcome = Failed, noOutcome
	if s.Error != nil {
		end.Outcome = s.Error.Outcome
		end.Code, end.Reason = cmp.Or(end.Code, s.Error.Code), cmp.Or(end.Reason, s.Error.String())
	}
	return end
}

// leave follows the route of an outcome. One that goes nowhere ends the run.
func (s *State) leave(n *flow.Node, outcome, code, message string, at time.Time) {
	if target, ok := n.Routes[outcome]; ok {
		s.enter(target, at)
		return
	}
	end := End{Status: Completed, Outcome: outcome}
	if outcome != n.Outcomes.Success {
		end.Status = Failed
		end.Code = code
		end.Reason = s.Error.left() + ", which goes nowhere"
		if message != "" {
			end.Reason += ": " + message
		}
	}
	s.ending = &end
}

func (s *State) enter(id string, at time.Time) {
	s.steps++
	v := visits{n: s.visits[id].n + 1, at: s.steps, before: s.visits[id].at}
	s.visits[id] = v
	s.At = Position{Place: Place{Node: id, Visit: v.n, Attempt: 1}, Since: at}
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// Env returns what templates of the current node read. It is valid until the
// next Apply.
func (s *State) Env() expand.Env {
	return expand.Env{Names: s.names, Now: s.At.Since, Room: s.room()}
}

// Variables returns the run's variables as they are now.
func (s *State) Variables() map[string]any {
	vars := make(map[string]any, len(s.Flow.Variables))
	maps.Copy(vars, s.given) // of a body: what it reads of what is around it
	for name := range s.Flow.Variables {
		vars[name] = s.names[name]
	}
	return vars
}

// Outputs returns the outputs of a node, nil if it has none yet.
func (s *State) Outputs(id string) map[string]any {
	out, _ := s.names[id].(map[string]any)
	return out
}

// Replies returns the replies that the current attempt's node may see: those
// before the first call without one.
func (p *Position) Replies() (replies []wire.Reply, asked []string) {
	for _, c := range p.Calls {
		if c.Reply == nil {
			break
		}
		replies = append(replies, *c.Reply)
		asked = append(asked, c.Fingerprint)
	}
	return replies, asked
}
