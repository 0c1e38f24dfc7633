package run

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
)

// Report is what is known of a run, as `wend run --json` and the API show it.
// Its JSON is stable.
type Report struct {
	Run        string `json:"run"`
	Flow       string `json:"flow"`
	FlowDigest string `json:"flowDigest"`
	Trigger    string `json:"trigger"`
	RetryOf    string `json:"retryOf,omitempty"`
	Key        string `json:"key,omitempty"`
	// Labels by name. Unmarked says what of them, and of the key, is missing.
	Labels    map[string]string `json:"labels,omitempty"`
	Unmarked  []string          `json:"unmarked,omitempty"`
	Status    Status            `json:"status"`
	Outcome   string            `json:"outcome,omitempty"` // see End
	Code      string            `json:"code,omitempty"`
	Reason    string            `json:"reason,omitempty"`
	Error     *Failure          `json:"error,omitempty"` // the last one, whether or not the run went on well
	StartedAt time.Time         `json:"startedAt"`
	EndedAt   time.Time         `json:"endedAt,omitzero"`
	Duration  float64           `json:"durationMs"` // up to the end, or to the last event
	Response  *node.Response    `json:"response"`   // null if the run gave none
	Variables map[string]any    `json:"variables"`
	Nodes     []Trace           `json:"nodes"`
	// Unreadable says why the events of the run cannot be read here, and who
	// can. The rest is then what the journal's list has of the run.
	Unreadable string `json:"unreadable,omitempty"`
}

// NewReport makes the report of a run from all its events. f is the flow that
// the run began with; if it is not known any more it is nil, and the report has
// no nodes.
func NewReport(f *flow.Flow, events []Event) (*Report, error) {
	if len(events) == 0 {
		return nil, errors.New("no events")
	}
	r := &Report{Variables: map[string]any{}, Nodes: []Trace{}}
	for _, e := range events {
		r.add(e)
	}
	r.Duration = millis(events[len(events)-1].When().Sub(r.StartedAt))
	if f == nil {
		return r, nil
	}
	traces, err := Traces(f, events)
	if err != nil {
		return nil, fmt.Errorf("report run %s: %w", r.Run, err)
	}
	r.Nodes = traces
	return r, nil
}

func (r *Report) add(e Event) {
	switch e := e.(type) {
	case RunStarted:
		r.Run, r.Flow, r.FlowDigest, r.Trigger, r.RetryOf = e.Run, e.Flow, e.FlowDigest, e.Trigger, e.RetryOf
		r.Key, r.Labels, r.Unmarked = e.Key, e.Labels, e.Unmarked
		r.StartedAt, r.Status = e.At.At, Running
		maps.Copy(r.Variables, e.Variables)
	case TimerSet, EventAwaited:
		r.Status = Waiting
	case TimerFired, EventReceived:
		r.Status = Running
	case CallStarted, CallReplied:
	case NodeFinished:
		maps.Copy(r.Variables, e.Set)
	case RunResponded:
		r.Response = &e.Response
	case RunEnded:
		r.Status, r.Outcome, r.Code, r.Reason, r.Error, r.EndedAt = e.Status, e.Outcome, e.Code, e.Reason, e.Error, e.At.At
	case RunCancelled:
		r.Status, r.Code, r.Reason, r.EndedAt = Cancelled, "cancelled", e.Reason, e.At.At
	}
}
