package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
)

// Retry is how a run is taken up again.
type Retry struct {
	// From is the node to begin at. Empty takes the one at which the run
	// failed, or else the one at which it ended.
	From string
	// Flow goes on with the run in place of the one that it began with, which
	// must be one of the same name. Nil takes that one.
	Flow *flow.Flow
	// Once makes no second run where one was made with Once before.
	Once bool
	// Replace takes up a run that is paused, and only such a one: it is cancelled
	// first, so that never both go on. The new run goes on though its flow be paused.
	Replace bool
}

// Plan is what a retry comes to.
type Plan struct {
	From    string        `json:"from"`
	Changes []flow.Change `json:"changes,omitempty"` // from the flow that the run began with
	// Kept is how many child runs of that node completed and are not made again, and
	// Again how many are taken up where they failed, or made if they were not. Both
	// are 0 if the node has all its children made anew.
	Kept  int `json:"kept,omitempty"`
	Again int `json:"again,omitempty"`
	// Repeated says that Retry.Once found a run that was made before.
	Repeated bool `json:"repeated,omitempty"`
}

// RetryError says why a run cannot be started again as wanted.
type RetryError struct {
	Reason string
	// Problems are the reasons why the run cannot go on with another flow.
	Problems []node.Problem
}

func (e *RetryError) Error() string { return e.Reason }

// Retry starts a new run with the trigger's output, the variables and the outputs
// of an earlier one, from a node of it: as they were when the run came to that
// node for the last time.
func (e *Engine) Retry(ctx context.Context, id string, h Retry) (r *Run, p Plan, err error) {
	s, f, first, p, err := e.planRetry(ctx, id, h)
	if err != nil {
		return nil, p, err
	}
	if h.Replace {
		// Should we die before the new run is begun, a retry takes up the old one.
		if err := e.Cancel(ctx, id, "taken up with the flow as it is now"); err != nil {
			return nil, p, err
		}
	}
	// Who repeats the request of the old run from now on gets the new one.
	dedupe := journal.Dedupe{Of: id}
	if h.Once {
		dedupe.Scope, dedupe.Key, dedupe.For, dedupe.Keep = "retry", id, onceFor, true
	}
	r, p.Repeated, err = e.start(ctx, Start{Flow: f, Trigger: first.Trigger, Accepted: true, Dedupe: dedupe, unpaused: h.Replace}, first)
	if err != nil {
		e.refused(s.Flow, err)
	}
	return r, p, err
}

// onceFor is longer than any run is kept.
const onceFor = 100 * 365 * 24 * time.Hour

// PlanRetry says what Retry would do, and does nothing.
func (e *Engine) PlanRetry(ctx context.Context, id string, h Retry) (Plan, error) {
	_, _, _, p, err := e.planRetry(ctx, id, h)
	return p, err
}

func (e *Engine) planRetry(ctx context.Context, id string, h Retry) (s journal.Summary, f *flow.Flow, first run.RunStarted, p Plan, err error) {
	s, d, err := e.Summary(ctx, id)
	if err != nil {
		return s, nil, first, p, err
	}
	switch {
	case h.Replace && s.Status != run.Paused:
		return s, nil, first, p, fmt.Errorf("run %s is %s: %w", id, s.Status, ErrNotPaused)
	case !h.Replace && s.Status == run.Paused:
		return s, nil, first, p, &RetryError{Reason: fmt.Sprintf("run %s is paused; resume it, or cancel it to try it again", id)}
	case !h.Replace && !s.Status.Ended():
		return s, nil, first, p, &RetryError{Reason: fmt.Sprintf("run %s is %s; only a run that has ended can be tried again", id, s.Status)}
	}
	if h.Replace && s.Parent != nil {
		return s, nil, first, p, &RetryError{Reason: fmt.Sprintf(
			"node %q of run %s waits for run %s and for no other in its place; resume it with the flow that it began with", s.Parent.Node, s.Parent.Run, id)}
	}
	if s.Parent != nil && s.Parent.Body != "" {
		return s, nil, first, p, &RetryError{Reason: fmt.Sprintf("run %s is of the nodes inside node %q of run %s; try that one again", id, s.Parent.Node, s.Parent.Run)}
	}
	f, first, p, err = e.goOn(ctx, s, d, h)
	return s, f, first, p, err
}

// goOn makes the first event of a run that takes up another.
func (e *Engine) goOn(ctx context.Context, s journal.Summary, d journal.Driver, h Retry) (f *flow.Flow, first run.RunStarted, p Plan, err error) {
	began, err := e.flowOf(ctx, s)
	if err != nil {
		return nil, first, p, err
	}
	events, err := d.Events(ctx, s.ID)
	if err != nil {
		return nil, first, p, err
	}
	old, err := run.Fold(began, events)
	if err != nil {
		return nil, first, p, err
	}
	f, p.From = began, h.From
	if p.From == "" {
		p.From = failedAt(old, events)
	}
	at, err := stateAt(began, events, p.From, old)
	if err != nil {
		return nil, first, p, err
	}
	if h.Flow != nil && h.Flow.Digest != began.Digest {
		f, p.Changes = h.Flow, flow.Diff(began, h.Flow)
	}
	if first, err = retryOf(at, f, events[0].(run.RunStarted), p.From); err == nil && f != began {
		err = readable(first, at, f, e.now())
	}
	if err == nil {
		first.Children, p.Kept, p.Again = unfinishedChildren(events, p.From)
	}
	return f, first, p, err
}

// flowOf is the flow that a run began with.
func (e *Engine) flowOf(ctx context.Context, s journal.Summary) (*flow.Flow, error) {
	if e.cfg.Flow == nil {
		return nil, &RetryError{Reason: "this engine keeps no definitions of flows"}
	}
	f, err := e.cfg.Flow(ctx, s)
	if errors.Is(err, journal.ErrNotFound) {
		return nil, &RetryError{Reason: fmt.Sprintf("the flow %q or a plugin, as run %s began with it, is not kept any more", s.Flow, s.ID)}
	}
	return f, err
}

// failedAt is the node at which a run went wrong: the one whose outcome is its
// last error, wherever that led. One that was stopped in the middle of a node, by
// the run's timeout or another of its limits, went wrong there, whatever it had
// coped with before. A run in which nothing failed ended where it is.
func failedAt(s *run.State, events []run.Event) string {
	failed := s.Status == run.Failed || s.Response != nil && s.Response.Status >= 500
	if failed && s.Error != nil && left(events, s.At.Node, s.At.Visit) {
		return s.Error.Node
	}
	return s.At.Node
}

// left tells whether an attempt of a visit came to an outcome.
func left(events []run.Event, id string, visit int) bool {
	return slices.ContainsFunc(events, func(e run.Event) bool {
		f, ok := e.(run.NodeFinished)
		return ok && f.Node == id && f.Visit == visit
	})
}

// stateAt is the run as it was when it came to a node for the last time, or as it
// ended if it was never there or did nothing there.
func stateAt(f *flow.Flow, events []run.Event, id string, ended *run.State) (*run.State, error) {
	last, visit := 0, 0
	for i, e := range events {
		if at, ok := run.PlaceOf(e); ok && at.Node == id && at.Visit > visit {
			last, visit = i, at.Visit
		}
	}
	if last == 0 || ended.At.Node == id && ended.At.Visit > visit {
		return ended, nil
	}
	return run.Fold(f, events[:last])
}

// retryOf is the first event of a run with the flow f that takes up another at a
// node.
func retryOf(old *run.State, f *flow.Flow, began run.RunStarted, from string) (run.RunStarted, error) {
	first := run.RunStarted{Trigger: began.Trigger, Output: began.Output, Variables: began.Variables, RetryOf: old.ID, TraceParent: began.TraceParent}
	first.Key, first.Labels, first.Unmarked = began.Key, began.Labels, began.Unmarked
	n := f.Nodes[from]
	if n == nil {
		return first, &RetryError{Reason: fmt.Sprintf("flow %q has no node %q; %s", f.Name, from, diag.Suggest(from, f.Order))}
	}
	if !n.Type.Starts() {
		first.From = from
		first.Variables, first.Error = old.Variables(), old.Error
		first.Outputs = map[string]map[string]any{}
		for _, other := range old.Flow.Order {
			if out := old.Outputs(other); out != nil && other != began.Trigger && other != from {
				first.Outputs[other] = maps.Clone(out)
			}
		}
	}
	if f == old.Flow {
		return first, nil
	}
	return fitted(first, old.Flow, f)
}

// fitted makes what a run begins with fit another flow, or says why it cannot.
func fitted(first run.RunStarted, was, is *flow.Flow) (run.RunStarted, error) {
	var wrong []node.Problem
	problem := func(name, format string, a ...any) {
		wrong = append(wrong, node.Problem{Path: []string{name}, Msg: fmt.Sprintf(format, a...)})
	}
	switch n := is.Nodes[first.Trigger]; {
	case n == nil || !n.Type.Starts():
		problem(first.Trigger, "began the run, and is no trigger any more")
	default:
		for _, p := range n.Outputs.Validate(first.Output) {
			problem(first.Trigger, "gave what does not fit any more: %s", node.FormatProblems([]node.Problem{p}))
		}
	}
	for id, out := range first.Outputs {
		n := is.Nodes[id]
		if n == nil {
			delete(first.Outputs, id) // nothing can read it
			continue
		}
		for _, p := range n.Outputs.Validate(out) {
			problem(id, "gave what does not fit any more: %s", node.FormatProblems([]node.Problem{p}))
		}
	}
	variables := maps.Clone(is.Variables)
	for name, value := range first.Variables {
		now, declared := is.Variables[name]
		switch {
		case !declared: // nothing can read it
		case now != nil && kind(now) != kind(was.Variables[name]) && kind(now) != kind(value):
			problem(name, "is %s now, and was %s", kind(now), kind(value))
		default:
			variables[name] = value
		}
	}
	first.Variables = variables
	if wrong != nil {
		slices.SortFunc(wrong, func(a, b node.Problem) int { return slices.Compare(a.Path, b.Path) })
		return first, &RetryError{Reason: fmt.Sprintf("the run cannot go on with flow %q as it is now", is.Name), Problems: wrong}
	}
	return first, nil
}

// readable says why the node that a run would begin at cannot have its inputs in
// another flow, if it could in the one that the run began with: an input that is
// required now, or one that reads what the run does not have. What failed before
// too is left to the flow, which may have a way for it by now.
func readable(first run.RunStarted, old *run.State, is *flow.Flow, now time.Time) error {
	if first.From == "" {
		return nil
	}
	if n := old.Flow.Nodes[first.From]; n != nil {
		if _, failed := n.Eval(old.Env()); failed != nil {
			return nil //nolint:nilerr // that is not for here
		}
	}
	first.At.At = now
	s, err := run.Fold(is, []run.Event{first})
	if err != nil {
		return err
	}
	_, err = is.Nodes[first.From].Eval(s.Env())
	if err == nil {
		return nil
	}
	refused := &RetryError{Reason: fmt.Sprintf("the run cannot go on with flow %q as it is now", is.Name)}
	if invalid, ok := errors.AsType[*node.InvalidError](err); ok {
		for _, p := range invalid.Problems {
			p.Path = append([]string{first.From, "with"}, p.Path...)
			refused.Problems = append(refused.Problems, p)
		}
		return refused
	}
	refused.Problems = []node.Problem{{Path: []string{first.From}, Msg: "cannot have its inputs: " + err.Error()}}
	return refused
}

// kind is what a variable holds, by its value at the start.
func kind(v any) string {
	switch v.(type) {
	case nil:
		return "nothing"
	case string:
		return "a text"
	case bool:
		return "true or false"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	default:
		return "a number"
	}
}
