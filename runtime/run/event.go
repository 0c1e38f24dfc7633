package run

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/sdk/wire"
)

// Event is a fact about a run. Events are all that is kept of it; what the run
// is comes from folding them. Each has its own type, and its own name in the
// journal, see table.
//
//sumtype:decl
type Event interface {
	When() time.Time
	// Writer is At.Wend.
	Writer() string
	event()
}

func (RunStarted) event()      {}
func (CallStarted) event()     {}
func (CallReplied) event()     {}
func (TimerSet) event()        {}
func (TimerFired) event()      {}
func (EventAwaited) event()    {}
func (EventReceived) event()   {}
func (ChildrenStarted) event() {}
func (ChildEnded) event()      {}
func (ChildrenStopped) event() {}
func (NodeFinished) event()    {}
func (RunResponded) event()    {}
func (RunPaused) event()       {}
func (RunResumed) event()      {}
func (RunEnded) event()        {}
func (RunCancelled) event()    {}

// At is when an event happened, and who says so.
type At struct {
	At time.Time `json:"at"`
	// Wend is the version of Wend that wrote this event and those after it,
	// where it is not the one that wrote the events before.
	Wend string `json:"wend,omitempty"`
}

// When returns the time of the event.
func (a At) When() time.Time { return a.At }

func (a *At) move(to time.Time) { a.At = to }

// Writer returns the version that wrote this event and those after it, or "" if
// it is the one that wrote those before.
func (a At) Writer() string { return a.Wend }

// Place is where in the run something happened.
type Place struct {
	Node    string `json:"node"`
	Visit   int    `json:"visit"`
	Attempt int    `json:"attempt"`
}

func (p Place) place() Place { return p }

// PlaceOf returns where an event happened; false if it is of the whole run.
func PlaceOf(e Event) (Place, bool) {
	at, ok := e.(interface{ place() Place })
	if !ok {
		return Place{}, false
	}
	return at.place(), true
}

// Seed is what randomness at this place comes from, of the run's own: the same
// for every step of an attempt, and another for the next.
func (p Place) Seed(ofRun string) string {
	return ofRun + "/" + p.Node + "/" + strconv.Itoa(p.Visit) + "/" + strconv.Itoa(p.Attempt)
}

// keySpace makes idempotency keys ours.
var keySpace = uuid.MustParse("6f0c2a57-9f7e-5f0b-8d5b-3f2a6f0c9a11")

// Key is the idempotency key of a visit of the run with this id. It does not
// depend on the attempt: what is tried again is the same thing to do.
func (p Place) Key(run string) string { return p.key(run, "") }

// CallKey is the idempotency key of one of the visit's calls, counted from 0.
func (p Place) CallKey(run string, call int) string { return p.key(run, "/"+strconv.Itoa(call)) }

func (p Place) key(run, suffix string) string {
	return uuid.NewSHA1(keySpace, []byte(run+"/"+p.Node+"/"+strconv.Itoa(p.Visit)+suffix)).String()
}

// RunStarted begins every run.
type RunStarted struct {
	At
	Run        string            `json:"run"` // UUIDv7
	Flow       string            `json:"flow"`
	FlowDigest string            `json:"flowDigest"`
	Plugins    map[string]string `json:"plugins,omitempty"` // node type to digest of its module
	Trigger    string            `json:"trigger"`           // node id
	Output     map[string]any    `json:"output"`            // of the trigger
	Variables  map[string]any    `json:"variables,omitempty"`
	Seed       string            `json:"seed"`
	// From and Outputs are there when an earlier run is taken up again: the
	// node to begin at and the outputs of the nodes before it.
	From    string                    `json:"from,omitempty"`
	Outputs map[string]map[string]any `json:"outputs,omitempty"`
	RetryOf string                    `json:"retryOf,omitempty"`
	// Children is the attempt of that run with whose children the first attempt at
	// From goes on; nil if it has children of its own made.
	Children *Place `json:"children,omitempty"`
	// Parent is the node that had the run made; nil if nobody but a trigger did.
	Parent *Parent `json:"parent,omitempty"`
	// Key and Labels are what people know the run by; Unmarked says what of them
	// could not be made, and why.
	Key      string            `json:"key,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"`
	Unmarked []string          `json:"unmarked,omitempty"`
	// Error is what templates read as $(error…) from the start: that of the run
	// which is taken up again.
	Error *Failure `json:"error,omitempty"`
	// TraceParent is the W3C trace context that the calls of the run carry on.
	TraceParent string `json:"traceParent,omitempty"`
}

// Mark gives the run the key and the labels that its flow makes for it.
func (e *RunStarted) Mark(f *flow.Flow) {
	if !f.Marked() {
		return
	}
	m := f.Mark(expand.Env{Names: e.names(f), Now: e.At.At})
	e.Key, e.Labels, e.Unmarked = m.Key, m.Labels, m.Missing
}

// names is what templates read when the run begins.
func (e *RunStarted) names(f *flow.Flow) map[string]any {
	names := map[string]any{
		"run":   map[string]any{"id": e.Run, "startedAt": e.At.At.UTC().Format(time.RFC3339Nano)},
		"flow":  map[string]any{"name": f.Name, "digest": f.Digest},
		"error": e.Error.names(),
	}
	maps.Copy(names, f.Variables)
	maps.Copy(names, e.Variables)
	for id, out := range e.Outputs {
		names[id] = out
	}
	names[e.Trigger] = e.Output
	return names
}

// CallStarted says that a call is about to be sent.
type CallStarted struct {
	At
	Place
	Call        int    `json:"call"` // from 0, within the visit's attempt
	Method      string `json:"method"`
	URL         string `json:"url"`
	Fingerprint string `json:"fingerprint"`
}

// CallReplied holds what came back.
type CallReplied struct {
	At
	Place
	Call  int   `json:"call"`
	Reply Reply `json:"reply"`
}

// TimerKind is what a timer is for.
type TimerKind string

// What timers are for.
const (
	TimerSleep TimerKind = "sleep" // asked for by the node
	TimerRetry TimerKind = "retry" // before the next attempt
	TimerEvent TimerKind = "event" // the end of waiting for an event
)

// TimerSet says that the run goes on at Due.
type TimerSet struct {
	At
	Place
	Kind TimerKind `json:"kind"`
	Due  time.Time `json:"due"`
}

// TimerFired says that the timer's time has come.
type TimerFired struct {
	At
	Place
	Kind TimerKind `json:"kind"`
}

// EventAwaited says that the node waits for an outside event.
type EventAwaited struct {
	At
	Place
	Name string    `json:"name"`
	Key  string    `json:"key"`
	Due  time.Time `json:"due,omitzero"` // zero: as long as the run may
}

// EventReceived says that the event came.
type EventReceived struct {
	At
	Place
	Name string         `json:"name"`
	Key  string         `json:"key"`
	ID   string         `json:"id,omitempty"` // of the event, by which a duplicate is known
	Data map[string]any `json:"data,omitempty"`
}

// Parent is the place of another run that a child run was made at.
type Parent struct {
	Run string `json:"run"`
	Place
	Index int `json:"index"` // among the children of that attempt, from 0
	// Body is the Path of the flow that the run is of, if that is written in the
	// inputs of a node of the flow with the run's name and digest.
	Body  string `json:"body,omitempty"`
	Depth int    `json:"depth"` // 1 for the child of a run that is none
}

// Definition is what a run is begun with: a version of a flow and of the plugins
// that it uses.
type Definition struct {
	Flow       string            `json:"flow"`
	FlowDigest string            `json:"flowDigest"`
	Plugins    map[string]string `json:"plugins,omitempty"` // node type to digest of its module
}

// ChildrenStarted says that a node has child runs made. None begins before this
// is in the journal. What they begin with is not written here: it follows from
// the events before, and each child has it.
type ChildrenStarted struct {
	At
	Place
	Count int          `json:"count"`
	Most  int          `json:"most"` // that there are at a time; they begin in the order of their indices
	Due   time.Time    `json:"due,omitzero"`
	Flows []Definition `json:"flows,omitempty"` // of the children, each flow once
	// Of is where the children were made with which these go on: one that completed
	// there is not made again, and another is taken up where it failed.
	Of *ChildrenOf `json:"of,omitempty"`
}

// ChildrenOf names the children of one attempt of a run.
type ChildrenOf struct {
	Run string `json:"run"`
	Place
}

// ChildEnded says how a child run ended, in the order in which the parent heard
// of it.
type ChildEnded struct {
	At
	Place
	Index   int            `json:"index"`
	Run     string         `json:"run,omitempty"`    // empty: it never began
	Status  Status         `json:"status,omitempty"` // empty: the same
	Outcome string         `json:"outcome,omitempty"`
	Code    string         `json:"code,omitempty"`
	Reason  string         `json:"reason,omitempty"`
	Outputs map[string]any `json:"outputs,omitempty"`
	// Due is that of ChildrenStarted while there are others.
	Due time.Time `json:"due,omitzero"`
}

// End is the child's end as its node sees it.
func (e *ChildEnded) End() node.ChildEnd {
	return node.ChildEnd{
		Index: e.Index, Run: e.Run, Failed: e.Status != Completed, Cancelled: e.Status == Cancelled,
		Outcome: e.Outcome, Code: e.Code, Reason: e.Reason, Outputs: e.Outputs,
	}
}

// ChildrenStopped says that no more than the first Began children ever begin, and
// that those which have not ended are cancelled.
type ChildrenStopped struct {
	At
	Place
	Began int  `json:"began"`
	Late  bool `json:"late,omitempty"` // the time was over; else the node has enough, or the run ends
}

// NodeFinished says how an attempt at a node ended.
type NodeFinished struct {
	At
	Place
	Outcome    string          `json:"outcome"`
	Outputs    map[string]any  `json:"outputs,omitempty"`
	Message    string          `json:"message,omitempty"`
	Code       string          `json:"code,omitempty"`
	Set        map[string]any  `json:"set,omitempty"`
	RetryAfter time.Duration   `json:"retryAfter,omitempty"`
	Class      flow.RetryClass `json:"class,omitempty"` // of the failure; empty: of none
	End        *node.End       `json:"end,omitempty"`
}

// RunResponded holds the answer to the caller of the webhook.
type RunResponded struct {
	At
	node.Response
}

// PauseCause is why a run is paused.
type PauseCause string

// Why runs are paused.
const (
	PauseRetries PauseCause = "retries" // a node's attempts are used up, and its retry says so
	PauseFlow    PauseCause = "flow"    // somebody paused its flow before the run began
)

// RunPaused says that the run does nothing until it is resumed. Its timeout does
// not go on meanwhile.
type RunPaused struct {
	At
	Place
	Cause PauseCause `json:"cause"`
	// Outcome is the one by which the node would leave, with its Code and Message.
	// Of a flow that is paused only the message may be there: why.
	Outcome string `json:"outcome,omitempty"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// Reason says for people why the run is paused.
func (e RunPaused) Reason() string {
	if e.Cause == PauseFlow {
		return joined("the flow is paused", e.Message)
	}
	return joined(fmt.Sprintf("node %q left by %q, and its attempts are used up", e.Node, e.Outcome), e.Message)
}

func joined(text, more string) string {
	if more != "" {
		text += ": " + more
	}
	return text
}

// RunResumed says that a paused run goes on.
type RunResumed struct {
	At
	Place
	// GiveUp has the node leave by its outcome. Else it is tried again, as often as
	// its retry says from here on.
	GiveUp bool `json:"giveUp,omitempty"`
}

// RunEnded is the last event of a run that came to its end.
type RunEnded struct {
	At
	Status  Status   `json:"status"` // Completed or Failed
	Outcome string   `json:"outcome,omitempty"`
	Code    string   `json:"code,omitempty"`
	Reason  string   `json:"reason,omitempty"`
	Error   *Failure `json:"error,omitempty"` // nil: every node left by its success outcome
}

// Failure is how a node left that did not leave by its success outcome: what
// templates read as $(error…).
type Failure struct {
	Node    string `json:"node"`
	Outcome string `json:"outcome"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	Attempt int    `json:"attempt,omitempty"`
}

// String says it for people, without the code.
func (f *Failure) String() string {
	return joined(f.left(), f.Message)
}

func (f *Failure) left() string { return fmt.Sprintf("node %q left by %q", f.Node, f.Outcome) }

// Beside returns f if there is one that the reason of a run's end does not tell
// of already, else nil.
func (f *Failure) Beside(reason string) *Failure {
	if f == nil || strings.HasPrefix(reason, f.left()) {
		return nil
	}
	return f
}

// names is what templates read. Nil is no failure so far.
func (f *Failure) names() map[string]any {
	if f == nil {
		f = &Failure{}
	}
	return map[string]any{"node": f.Node, "outcome": f.Outcome, "message": f.Message, "code": f.Code, "attempt": f.Attempt}
}

// RunCancelled is the last event of a run that somebody stopped.
type RunCancelled struct {
	At
	Reason string `json:"reason,omitempty"`
}

// Reply is a wire.Reply as the journal has it.
type Reply struct {
	Status     int                 `json:"status,omitempty"`
	Headers    map[string][]string `json:"headers,omitempty"`
	Body       string              `json:"body,omitempty"`
	BodyBase64 []byte              `json:"bodyBase64,omitempty"` // a body that is not UTF-8
	Failure    wire.Failure        `json:"failure,omitempty"`
	Message    string              `json:"message,omitempty"`
}
