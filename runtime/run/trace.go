package run

import (
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
	StartedAt  time.Time      `json:"startedAt"`
	Duration   float64        `json:"durationMs"`
}

// TraceCall is one call of an attempt.
type TraceCall struct {
	Method  string  `json:"method"`
	URL     string  `json:"url"`
	Status  int     `json:"status,omitempty"`
	Failure string  `json:"failure,omitempty"`
	Millis  float64 `json:"durationMs"`
}

// Traces folds the events again and returns what happened at each node, in
// order. The last entry has no outcome if the run is still there.
func Traces(f *flow.Flow, events []Event) ([]Trace, error) {
	s := &State{Flow: f}
	var traces []Trace
	var callsAt []time.Time
	for _, e := range events {
		switch e := e.(type) {
		case NodeFinished:
			last := &traces[len(traces)-1]
			last.Outcome, last.Message, last.Code = e.Outcome, e.Message, e.Code
			last.Outputs, last.Set = e.Outputs, e.Set
			last.Duration = millis(e.When().Sub(last.StartedAt))
		case CallStarted:
			last := &traces[len(traces)-1]
			last.Calls = append(last.Calls, TraceCall{Method: e.Method, URL: e.URL})
			callsAt = append(callsAt, e.When())
		case CallReplied:
			call := &traces[len(traces)-1].Calls[e.Call]
			call.Status, call.Failure = e.Reply.Status, string(e.Reply.Failure)
			call.Millis = millis(e.When().Sub(callsAt[e.Call]))
		}
		before := s.At.Place
		if err := s.Apply(e); err != nil {
			return nil, err
		}
		if start, ok := e.(RunStarted); ok {
			traces = append(traces, triggerTrace(f, start))
		}
		if s.At.Place != before && s.ending == nil {
			traces = append(traces, s.openTrace())
			callsAt = nil
		}
	}
	return traces, nil
}

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
