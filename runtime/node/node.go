// Package node is the engine's contract with everything that can stand in a
// flow: what a node type declares (inputs, outputs, outcomes, how its runs
// begin) and how it decides. It holds no node type and runs none.
//
// A node type never does I/O. Its Step is a function of the Visit that says
// what it wants: calls to be made, time to pass, an event to come, or to be
// finished. The engine does what it wants, journals what came of it, and calls
// Step again with one reply more. So built-in node types and plugin methods
// have one shape, survive a crash in the middle, and are tested without a
// network.
package node

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/wendflow/wend/sdk/wire"
)

// Type is a kind of work: "http", "cisco-cce/end-task". A Type is immutable
// once it is in a Set and safe for concurrent use.
type Type struct {
	Name    string // as flows write it, without a version
	Version string // of the plugin, "1.2.0"; empty for a built-in
	Title   string // a label for people
	Doc     string // one paragraph
	// Trigger is set for a type that starts runs, and makes of a node's inputs
	// how they begin. Its outputs are what started the run; its Step is never
	// called.
	Trigger func(inputs map[string]any) (Trigger, error)
	// Connects tells whether a node of this type may name a connection.
	Connects bool
	// Waits says that a node of this type may let time pass before it goes on.
	Waits bool
	// Responds says that a node of this type answers the caller who waits for
	// the run.
	Responds bool
	// Idempotent says that a call whose answer was lost may be sent again
	// with the same Idempotency-Key.
	Idempotent bool

	Inputs   *Schema
	Outputs  *Schema
	Settings *Schema // of the connection; nil if there are none
	Outcomes Outcomes

	// Digest names the plugin module, so that a run keeps to the one it began
	// with; empty for a built-in.
	Digest string

	// Shape, if set, looks at what one node has under `with` (templates still
	// as text) and tells how that node differs from its type.
	Shape func(with map[string]any) (Shape, []Problem)

	// Step decides. It must not block, must not keep the Visit, and must give
	// the same Action for an equal Visit. An error is a fault: the node leaves
	// by Outcomes.Fault, or by Outcomes.Invalid if the error is an
	// InvalidError. Safe for concurrent use.
	Step func(context.Context, Visit) (Action, error)
}

// Starts tells whether nodes of this type start runs.
func (t *Type) Starts() bool { return t.Trigger != nil }

// Ref returns the type as a flow pins it: "name" or "name@1".
func (t *Type) Ref() string {
	if t.Version == "" {
		return t.Name
	}
	return t.Name + "@" + major(t.Version)
}

// Outcomes are the named ways out of a node.
type Outcomes struct {
	Success string
	Fault   string // where faults of the host's side go
	Invalid string // where inputs go that do not fit the schema; Fault if empty
	// Default is the vendor's catch-all branch: an outcome that a flow leaves
	// open goes there first. Empty if there is none.
	Default string
	All     []Outcome // every outcome, those above included, in the order to show them
}

// Outcome is one way out.
type Outcome struct {
	Name string
	Doc  string // one line: exactly when
	// Path is that of the input which names the outcome; nil for one of the type.
	Path []string
}

// Has tells whether name is one of the outcomes.
func (o Outcomes) Has(name string) bool {
	for _, out := range o.All {
		if out.Name == name {
			return true
		}
	}
	return false
}

// Names returns the names of All.
func (o Outcomes) Names() []string {
	names := make([]string, len(o.All))
	for i, out := range o.All {
		names[i] = out.Name
	}
	return names
}

// Shape is what one node has that its type leaves open. Zero fields mean: as
// the type has it.
type Shape struct {
	Outputs    *Schema
	Outcomes   []Outcome // added to the type's
	Idempotent *bool
	// Event is the name of the outside event that the node waits for, as it is
	// written: it may hold a template. Empty if it waits for none.
	Event string
	// Lapse is how long the node waits, as far as its inputs say so in every run.
	Lapse Lapse
	// Counts says that no two visits have the same outputs, so that a condition on
	// them comes to hold.
	Counts bool
	// Unanswered is why no response of a run that begins with this node reaches
	// anybody: its Msg goes on after the node's name. Nil if one does.
	Unanswered *Problem
	// Call is the HTTP call that the inputs spell out; nil if there is none, or
	// if the node makes up its calls itself.
	Call *Call
	// Callees are the flows that the node has run.
	Callees []Callee
	// Bodies are the flows that are written in its inputs, and that it has run.
	Bodies []Body
	// Ending is how the node ends the run; nil if it does not.
	Ending *Ending
}

// Lapse is a time that a node waits. The zero Lapse is not known.
type Lapse struct {
	Input  string // that says it
	For    time.Duration
	Always bool // never less than that
}

// Call is what inputs say of an HTTP call, as it is written: texts may hold
// templates.
type Call struct {
	URL     string            // under the input "url"; empty if it is no text
	Headers map[string]string // under "headers"
	Query   []string          // names under "query", sorted
	Secrets Secrets           // under "secrets"
}

// Problem is a mistake in a value, at a path inside it.
type Problem struct {
	Path []string // property names and decimal indices, outermost first
	Msg  string
	Hint string
	// Key says that it is about the name at Path, not about what it has.
	Key bool
	// Warning marks what may well be meant.
	Warning bool
}

// Visit is what a Step sees.
type Visit struct {
	Run     string // id of the run
	Flow    string
	Node    string
	Visit   int       // 1 for the first time the run enters the node
	Attempt int       // 1 for the first try of this visit
	Now     time.Time // when the attempt began, by the journal
	Seed    string    // for randomness: the same for every Step of an attempt
	Key     string    // prefix of the idempotency keys of this visit's calls

	Inputs   map[string]any // templates evaluated; checked against Type.Inputs
	Settings map[string]any // of the connection, never secrets

	Replies []wire.Reply // to the calls asked for so far, in order
	Asked   []string     // fingerprints of those calls, for replay checks

	Woken    bool           // the time asked for by Sleep, or the timeout of Await or of a Spawn, is over
	Received bool           // the event asked for by Await came
	Event    map[string]any // its data
	Kept     *Kept          // what came of Keep; nil: not asked for yet

	// Spawned tells that the children asked for by Spawn have ended, or never
	// began; Children are the ends of those that began, in the order in which
	// they came.
	Spawned  bool
	Children []ChildEnd
	// Outcomes are the ways out of this very node, those that only it has included.
	Outcomes Outcomes

	// Log takes one line for the log, on level info. Lines of an earlier Step of the same
	// attempt may be repeated; the engine shows each once.
	Log func(line string)

	// Fuel, if there is one, gets what a plugin's Step used of it.
	Fuel *uint64
}

// Action is what a node wants next: Ask, Sleep, Await, Spawn, Keep or Finish.
//
//sumtype:decl
type Action interface{ action() }

// Ask wants HTTP calls made, side by side. Step is called again when all
// have a reply.
type Ask struct {
	Calls   []wire.Call
	Secrets Secrets // that each of them carries
}

// Secrets says which secrets of its connection a call carries, each by its name,
// and where. Who asks for the call never sees what it is.
type Secrets struct {
	Headers map[string]string
	Query   map[string]string
	// Body is laid over the fields of the body: a name of a secret where its text
	// goes, or again a map.
	Body map[string]any
}

// Sleep wants time to pass. Step is called again with Woken.
type Sleep struct{ For time.Duration }

// Await wants an event by name and correlation key. Step is called again with
// Received, or with Woken after Timeout (0 waits as long as the run may). The
// event's data must fit the node's outputs: an event that comes while the run
// waits is refused if its data does not.
type Await struct {
	Event   string
	Key     string
	Timeout time.Duration
}

// Keep wants a value read or changed that is kept between runs. Step is called
// again with Kept, and must leave the node then. A change is made once, however
// often the node has to be tried after a crash.
type Keep struct {
	Kind   KeepKind
	Global bool // of all flows, not of the run's own
	Key    string
	Value  any // for KeepPut
	By     int64
	For    time.Duration // 0: for ever
	If     *KeepIf       // for KeepPut and KeepDelete; nil: whatever is there
}

// KeepKind is what is done with a value that is kept.
type KeepKind string

// The kinds of Keep.
const (
	KeepGet    KeepKind = "get"
	KeepPut    KeepKind = "put"
	KeepDelete KeepKind = "delete"
	KeepAdd    KeepKind = "add" // By to a whole number, which begins as 0
)

// KeepIf is what must be there; nil is that there is none.
type KeepIf struct{ Value any }

// Kept is what came of Keep.
type Kept struct {
	// Done is false if what must be there is not, or if there is nothing to get
	// or delete.
	Done  bool
	Value any // that is there now, or was deleted
}

// Finish leaves the node by an outcome.
type Finish struct {
	Outcome string // empty means the success outcome
	Outputs map[string]any
	Message string // says why, for people: error.message of the run
	Code    string // for programs: error.code of the run
	// RetryAfter is how long the vendor asked us to wait before the next try.
	RetryAfter time.Duration
	Set        map[string]any // variables of the run to set
	Response   *Response      // answer the caller who waits
	Emit       *Emit          // hand an event to a run that waits for it
	Log        *LogLine       // note in the log of the server
	End        *End           // end the run here, whatever is routed; Outputs are then those of the run
}

func (Ask) action()    {}
func (Sleep) action()  {}
func (Await) action()  {}
func (Keep) action()   {}
func (Finish) action() {}

// LogLine is a line that a flow writes for its operators.
type LogLine struct {
	Level  slog.Level
	Text   string
	Fields map[string]any // values to note with it, by name
}

// Emit is an event for other runs. One that comes before its run waits is kept.
type Emit struct {
	Event string
	Key   string
	Data  map[string]any
	For   time.Duration // how long it is kept
}

// Response is what the caller of a webhook gets.
type Response struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    any               `json:"body,omitempty"` // sent as JSON; a string is sent as it is
}

// End is a coded result of a run.
type End struct {
	Failed bool   `json:"failed,omitempty"`
	Code   string `json:"code,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Failed is how a node leaves whose Step returned an error: by the outcome for
// inputs that do not fit or the one for faults, with a code that a flow can
// test. The outcome is empty if the type has none for it.
func (o Outcomes) Failed(err error) Finish {
	f := Finish{Outcome: o.Fault, Code: "fault", Message: err.Error()}
	if fault, ok := errors.AsType[*Fault](err); ok {
		f.Code = fault.Code
	}
	if _, ok := errors.AsType[*InvalidError](err); ok {
		f.Outcome, f.Code = o.Refused(), "invalid-input"
	}
	return f
}

// Refused is the outcome for inputs that do not fit, or that have no value.
func (o Outcomes) Refused() string { return cmp.Or(o.Invalid, o.Fault) }

// InvalidError says that inputs do not fit the node type's schema.
type InvalidError struct{ Problems []Problem }

func (e *InvalidError) Error() string {
	return "inputs do not fit: " + FormatProblems(e.Problems)
}

// Fault is an error of the host's side with a code that a flow can test, as
// error.code: "fuel", "trap", "nondeterministic".
type Fault struct {
	Code string
	Msg  string
}

func (f *Fault) Error() string { return f.Msg }

// Late is an input that the node evaluates itself, when and if it wants, with
// names of its own over those of the run. A schema asks for it by
// {"x-wend": "late"}, or {"x-wend": "condition"} for a bare boolean expression.
type Late interface {
	Eval(over map[string]any) (any, error)
}

// Early is an input of a trigger: a template that is evaluated when something
// comes, before there is a run, with the names and the time given. A schema asks
// for it as for Late.
type Early interface {
	Eval(names map[string]any, now time.Time) (any, error)
}

// Assignments is an input whose schema is {"x-wend": "set"}: variables of the
// run and their new values, in the order of the file, since a value may read
// those set before it.
type Assignments []Assignment

// Assignment gives a variable of the run its new value.
type Assignment struct {
	Name  string
	Value Late
}
