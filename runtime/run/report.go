package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"time"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
)

// Report is what is known of a run, as `wend run --json` and the API show it.
// Its JSON is stable.
type Report struct {
	Run        string `json:"run"`
	Flow       string `json:"flow"`
	Version    int    `json:"version,omitempty"` // of the flow, where a server numbers them
	FlowDigest string `json:"flowDigest"`
	Trigger    string `json:"trigger"`
	RetryOf    string `json:"retryOf,omitempty"`
	// Parent is the node of another run that had this one made.
	Parent *Parent `json:"parent,omitempty"`
	Key    string  `json:"key,omitempty"`
	// Labels by name. Unmarked says what of them, and of the key, is missing.
	Labels    map[string]string `json:"labels,omitempty"`
	Unmarked  []string          `json:"unmarked,omitempty"`
	Status    Status            `json:"status"`
	Outcome   string            `json:"outcome,omitempty"` // see End
	Code      string            `json:"code,omitempty"`
	Reason    string            `json:"reason,omitempty"`
	Error     *Failure          `json:"error,omitempty"` // the last one, whether or not the run went on well
	Pause     *PausedAt         `json:"pause,omitempty"` // nil unless the run is paused
	StartedAt time.Time         `json:"startedAt"`
	EndedAt   time.Time         `json:"endedAt,omitzero"`
	Duration  float64           `json:"durationMs"` // up to the end, or to the last event
	Response  *node.Response    `json:"response"`   // null if the run gave none
	// Outputs are what the node that ended the run gave back.
	Outputs   map[string]any `json:"outputs,omitempty"`
	Variables map[string]any `json:"variables"`
	Nodes     []Trace        `json:"nodes"`
	// Unrecorded is how many events of the run are known only to the server that
	// drives it: what they tell would begin again if that died.
	Unrecorded int `json:"unrecorded,omitempty"`
	// Unreadable says why the events of the run cannot be read here, and who
	// can. The rest is then what the journal's list has of the run.
	Unreadable string `json:"unreadable,omitempty"`
	// Cut says that long values are shown cut, see Shorten.
	Cut bool `json:"cut,omitempty"`
	// Next is how many nodes come before the next page, if Nodes is not the
	// last, see Page.
	Next int `json:"next,omitempty"`
}

// PausedAt is since when a run is paused, where and why.
type PausedAt struct {
	Since time.Time `json:"since"`
	Place
	Cause PauseCause `json:"cause"`
}

// Bytes of what people are shown, and nodes on a page.
const (
	shownValue = 8 << 10 // of all inputs, outputs or variables
	shownText  = 2 << 10 // of a reason or a message
	shownNodes = 500
)

// Page leaves of the nodes those of the page after so many.
func (r *Report) Page(after int) {
	after = min(after, len(r.Nodes))
	r.Nodes = r.Nodes[after:]
	if len(r.Nodes) > shownNodes {
		r.Nodes, r.Next = r.Nodes[:shownNodes], after+shownNodes
	}
}

// Shorten puts something short in the place of each long value, as data.Cut
// does. The events that the report was made of stay as they are.
func (r *Report) Shorten() {
	r.Variables, r.Outputs = r.shortMap(r.Variables), r.shortMap(r.Outputs)
	r.Reason = r.shortText(r.Reason)
	if r.Response != nil {
		response := *r.Response
		var cut bool
		response.Body, cut = data.Cut(response.Body, shownValue)
		r.Response, r.Cut = &response, r.Cut || cut
	}
	if r.Error != nil {
		failure := *r.Error
		failure.Message = r.shortText(failure.Message)
		r.Error = &failure
	}
	for i := range r.Nodes {
		n := &r.Nodes[i]
		n.Message = r.shortText(n.Message)
		n.Inputs, n.Outputs, n.Set = r.shortMap(n.Inputs), r.shortMap(n.Outputs), r.shortMap(n.Set)
		for k := range n.Calls {
			n.Calls[k].URL = r.shortText(n.Calls[k].URL)
		}
	}
}

func (r *Report) shortMap(values map[string]any) map[string]any {
	if values == nil {
		return nil
	}
	shown, cut := data.Cut(values, shownValue)
	r.Cut = r.Cut || cut
	return shown.(map[string]any)
}

func (r *Report) shortText(text string) string {
	shown, cut := data.Cut(text, shownText)
	r.Cut = r.Cut || cut
	return shown.(string)
}

// WriteJSON writes the report as encoding/json does, one node at a time.
func (r *Report) WriteJSON(w io.Writer) error {
	head, err := json.Marshal(struct {
		*Report
		Nodes *struct{} `json:"nodes,omitempty"` // in the place of the report's
	}{Report: r})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, `%s,"nodes":[`, bytes.TrimSuffix(head, []byte("}"))); err != nil {
		return err
	}
	for i := range r.Nodes {
		node, err := json.Marshal(&r.Nodes[i])
		if err != nil {
			return err
		}
		if i > 0 {
			node = append([]byte{','}, node...)
		}
		if _, err := w.Write(node); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, "]}\n")
	return err
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
		r.Parent = e.Parent
		r.Key, r.Labels, r.Unmarked = e.Key, e.Labels, e.Unmarked
		r.StartedAt, r.Status = e.At.At, Running
		maps.Copy(r.Variables, e.Variables)
	case TimerSet, EventAwaited:
		r.Status = Waiting
	case TimerFired, EventReceived:
		r.Status = Running
	case RunPaused:
		r.Status, r.Outcome, r.Code, r.Reason = Paused, e.Outcome, e.Code, e.Reason()
		r.Pause = &PausedAt{Since: e.At.At, Place: e.Place, Cause: e.Cause}
	case RunResumed:
		r.Status, r.Outcome, r.Code, r.Reason, r.Pause = Running, "", "", "", nil
	case CallStarted, CallReplied, ChildrenStarted, ChildEnded, ChildrenStopped:
	case NodeFinished:
		maps.Copy(r.Variables, e.Set)
		if e.End != nil {
			r.Outputs = e.Outputs
		}
	case RunResponded:
		r.Response = &e.Response
	case RunEnded:
		r.Pause = nil
		r.Status, r.Outcome, r.Code, r.Reason, r.Error, r.EndedAt = e.Status, e.Outcome, e.Code, e.Reason, e.Error, e.At.At
	case RunCancelled:
		r.Pause, r.Outcome = nil, ""
		r.Status, r.Code, r.Reason, r.EndedAt = Cancelled, "cancelled", e.Reason, e.At.At
	}
}
