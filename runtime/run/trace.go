package run

import (
	"cmp"
	"time"

	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
)

// Trace is what a run did, for people: one entry for each attempt at a node.
type Trace struct {
	Node       string         `json:"node"`
	Type       string         `json:"type"`
	Connection string         `json:"connection,omitempty"`
	Visit      int            `json:"visit"`
	Attempt    int            `json:"attempt"`
	Outcome    string         `json:"outcome,omitempty"` // empty while the run is there
	Message    string         `json:"message,omitempty"`
	Code       string         `json:"code,omitempty"`
	Inputs     map[string]any `json:"inputs,omitempty"`
	Outputs    map[string]any `json:"outputs,omitempty"`
	Set        map[string]any `json:"set,omitempty"` // variables, to their new values
	Calls      []TraceCall    `json:"calls,omitempty"`
	// Children are the child runs of the attempt, nil if it made none.
	Children  *TraceChildren `json:"children,omitempty"`
	StartedAt time.Time      `json:"startedAt"`
	Duration  float64        `json:"durationMs"`
	// While the run waits there: for the event of that name and key, and until
	// when at most.
	Awaits *Awaits   `json:"awaits,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

// Awaits is the event that a run waits for.
type Awaits struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

// TraceCall is one call of an attempt.
type TraceCall struct {
	Method  string  `json:"method"`
	URL     string  `json:"url"`
	Status  int     `json:"status,omitempty"`
	Failure string  `json:"failure,omitempty"`
	Millis  float64 `json:"durationMs"`
	// Since is when it began, while it is under way.
	Since time.Time `json:"since,omitzero"`
}

// Traces folds the events again and returns what happened at each node, in
// order. The last entry has no outcome if the run is still there.
func Traces(f *flow.Flow, events []Event) ([]Trace, error) {
	t := NewTracer(f)
	for _, e := range events {
		if err := t.Add(e); err != nil {
			return nil, err
		}
	}
	return t.traces, nil
}

// Tracer makes traces of events as they come. It is not safe for concurrent
// use.
type Tracer struct {
	state   *State
	traces  []Trace
	callsAt []time.Time // of the attempt that the run is at
}

// NewTracer returns a tracer for one run of a flow.
func NewTracer(f *flow.Flow) *Tracer { return &Tracer{state: &State{Flow: f}} }

// Finished returns the attempt that ended last, or nil.
func (t *Tracer) Finished() *Trace {
	for i := len(t.traces) - 1; i >= 0; i-- {
		if t.traces[i].Outcome != "" {
			return &t.traces[i]
		}
	}
	return nil
}

// Add takes the next event. Its errors are those of State.Apply.
func (t *Tracer) Add(e Event) error {
	before := t.state.At.Place
	if err := t.state.Apply(e); err != nil {
		return err
	}
	switch e := e.(type) {
	case RunStarted:
		t.traces = append(t.traces, triggerTrace(t.state.Flow, e))
	case NodeFinished:
		last := t.last()
		last.Awaits, last.Until = nil, time.Time{}
		last.Outcome, last.Message, last.Code = cmp.Or(e.Outcome, noOutcome), e.Message, e.Code
		last.Outputs, last.Set = e.Outputs, e.Set
		last.Duration = millis(e.When().Sub(last.StartedAt))
	case CallStarted:
		t.last().Calls = append(t.last().Calls, TraceCall{Method: e.Method, URL: e.URL, Since: e.When()})
		t.callsAt = append(t.callsAt, e.When())
	case CallReplied:
		call := &t.last().Calls[e.Call]
		call.Status, call.Failure = e.Reply.Status, string(e.Reply.Failure)
		call.Millis, call.Since = millis(e.When().Sub(t.callsAt[e.Call])), time.Time{}
	case ChildrenStarted:
		t.last().Until = e.Due
		t.last().Children = &TraceChildren{Count: e.Count, Runs: []TraceChild{}}
		t.last().Children.begin(t.state.ID, t.state.At.Children)
	case ChildEnded:
		t.last().Children.end(e)
		t.last().Children.begin(t.state.ID, t.state.At.Children)
	case ChildrenStopped:
		t.last().Children.stop(e.Began)
	case TimerSet:
		t.last().Until = e.Due
	case EventAwaited:
		t.last().Awaits, t.last().Until = &Awaits{e.Name, e.Key}, e.Due
	case TimerFired, EventReceived:
		t.last().Awaits, t.last().Until = nil, time.Time{}
	case RunResumed:
		if last := t.last(); last.Outcome == "" {
			last.StartedAt = e.When() // its node had not begun
		}
	case RunResponded, RunPaused, RunEnded, RunCancelled:
	}
	if t.state.At.Place != before && t.state.ending == nil {
		t.traces = append(t.traces, t.state.openTrace())
		t.callsAt = nil
	}
	return nil
}

func (t *Tracer) last() *Trace { return &t.traces[len(t.traces)-1] }

func triggerTrace(f *flow.Flow, e RunStarted) Trace {
	t := f.Nodes[e.Trigger]
	return Trace{
		Node: t.ID, Type: t.Type.Ref(), Visit: 1, Attempt: 1,
		Outcome: t.Outcomes.Success, Outputs: e.Output, StartedAt: e.At.At,
	}
}

// openTrace is the entry for the attempt that begins now.
func (s *State) openTrace() Trace {
	n := s.Flow.Nodes[s.At.Node]
	inputs, _ := n.Eval(s.Env()) // a template that fails is told by the outcome
	known, _ := withoutLate(inputs).(map[string]any)
	return Trace{
		Node: n.ID, Type: n.Type.Ref(), Connection: n.Connection, Visit: s.At.Visit, Attempt: s.At.Attempt,
		Inputs: known, StartedAt: s.At.Since,
	}
}

// withoutLate copies v without the inputs that are left to the node: they have
// no value here.
func withoutLate(v any) any {
	switch v := v.(type) {
	case node.Late, node.Assignments:
		return nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, e := range v {
			if known := withoutLate(e); known != nil {
				out[name] = known
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = withoutLate(e)
		}
		return out
	default:
		return v
	}
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
