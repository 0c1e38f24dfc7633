package journal

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/wendflow/wend/runtime/run"
)

// Summary is what a list of runs shows. It follows from the events alone,
// whatever the flow, see Apply; drivers keep it beside them.
type Summary struct {
	ID         string            `json:"id"`
	Flow       string            `json:"flow"`
	FlowDigest string            `json:"flowDigest"`
	Plugins    map[string]string `json:"plugins,omitempty"` // node type to digest
	Trigger    string            `json:"trigger"`
	RetryOf    string            `json:"retryOf,omitempty"`
	Parent     *run.Parent       `json:"parent,omitempty"` // nil: it is no child
	Key        string            `json:"key,omitempty"`    // what people know the run by
	Labels     map[string]string `json:"labels,omitempty"`
	Status     run.Status        `json:"status"`
	Node       string            `json:"node,omitempty"` // the last one that an event names
	Outcome    string            `json:"outcome,omitempty"`
	Code       string            `json:"code,omitempty"`
	Reason     string            `json:"reason,omitempty"`
	Error      *run.Failure      `json:"error,omitempty"`    // of the run's end
	Response   int               `json:"response,omitempty"` // status of the answer; 0: none
	StartedAt  time.Time         `json:"startedAt"`
	UpdatedAt  time.Time         `json:"updatedAt"` // of a paused run: since when it is
	EndedAt    time.Time         `json:"endedAt,omitzero"`
	Due        time.Time         `json:"due,omitzero"` // when a run that waits goes on by itself
	Awaits     *Awaited          `json:"awaits,omitempty"`
	Events     int               `json:"events"`
}

// Awaited is the outside event that a run waits for.
type Awaited struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

// GivesUpKey tells whether a request that repeats the one of this run is to be
// done once more: the run has ended, and it failed or told its caller to come
// again. While a run goes on it has its dedupe key, whatever it has answered.
func (s Summary) GivesUpKey() bool {
	return s.Status == run.Failed || s.Status == run.Completed && asksAgain(s.Response)
}

// PassesKey tells whether a retry of the run takes over its dedupe key. That of
// one which did what it was asked for does not: should it fail, whoever repeats
// the request must not have it done twice.
func (s Summary) PassesKey() bool { return s.Status != run.Completed || asksAgain(s.Response) }

// asksAgain tells of the status of a response whether the same request may go
// well later.
func asksAgain(response int) bool {
	switch response {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return response >= 500
}

// Summarize makes the summary of a run from all its events. It fails if they
// do not begin with RunStarted.
func Summarize(events []run.Event) (Summary, error) {
	var s Summary
	if len(events) == 0 {
		return s, errors.New("no events")
	}
	if first, ok := events[0].(run.RunStarted); !ok {
		return s, fmt.Errorf("a run begins with run-started, not with %s", run.Name(events[0]))
	} else if first.Run == "" {
		return s, errors.New("run-started has no run id")
	}
	s.Apply(events)
	return s, nil
}

// Apply brings the summary up to date with events that come next. What a run
// is doing follows from its last event, of whose kind there is a case below:
// none is taken for one of a run that is running because it is not known.
func (s *Summary) Apply(events []run.Event) {
	for _, e := range events {
		s.apply(e)
		s.UpdatedAt = e.When()
		s.Events++
	}
}

func (s *Summary) apply(e run.Event) {
	s.Due, s.Awaits = time.Time{}, nil
	s.Outcome, s.Code, s.Reason = "", "", "" // of the end, or of a pause
	switch e := e.(type) {
	case run.RunStarted:
		s.ID, s.Flow, s.FlowDigest, s.Plugins = e.Run, e.Flow, e.FlowDigest, e.Plugins
		s.Trigger, s.RetryOf, s.StartedAt = e.Trigger, e.RetryOf, e.At.At
		s.Key, s.Labels, s.Parent = e.Key, e.Labels, e.Parent
		s.Status, s.Node = run.Running, cmp.Or(e.From, e.Trigger)
	case run.CallStarted:
		s.Status, s.Node = run.Running, e.Node
	case run.NodeFinished:
		s.Status, s.Node = run.Running, e.Node
	case run.ChildrenStarted: // it has to be at work for them, and is no run that only waits
		s.Status, s.Node, s.Due = run.Running, e.Node, e.Due
	case run.ChildEnded:
		s.Status, s.Due = run.Running, e.Due
	case run.CallReplied, run.ChildrenStopped, run.TimerFired, run.EventReceived:
		s.Status = run.Running
	case run.RunResponded:
		s.Status, s.Response = run.Running, e.Status
	case run.TimerSet:
		s.Status, s.Node, s.Due = run.Waiting, e.Node, e.Due
	case run.EventAwaited:
		s.Status, s.Node, s.Due = run.Waiting, e.Node, e.Due
		s.Awaits = &Awaited{Name: e.Name, Key: e.Key}
	case run.RunPaused:
		s.Status, s.Node = run.Paused, cmp.Or(e.Node, s.Node)
		s.Outcome, s.Code, s.Reason = e.Outcome, e.Code, e.Reason()
	case run.RunResumed:
		s.Status = run.Running
	case run.RunEnded:
		s.end(e.Status, e.At)
		s.Outcome, s.Code, s.Reason, s.Error = e.Outcome, e.Code, e.Reason, e.Error
	case run.RunCancelled:
		s.end(run.Cancelled, e.At)
		s.Code, s.Reason = "cancelled", e.Reason
	}
}

func (s *Summary) end(status run.Status, at run.At) {
	s.Status, s.EndedAt = status, at.At
}
