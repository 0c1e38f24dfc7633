package spec

import (
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// Flow is a flow as it was written: checked in its shape, not yet in its
// meaning. File and Source are what Parse was given. Fields that were not
// written are zero; a Text or Duration that was not written has no Pos.
type Flow struct {
	File        string
	Source      []byte
	Name        yamldoc.Text
	Description yamldoc.Text
	Timeout     yamldoc.Duration // of the whole run
	Durable     *bool            // nil: not written, which means true
	Visits      int              // of one node in a run; 0: not written
	Key         yamldoc.Text     // under which people know a run
	Labels      []Label
	Variables   []Variable
	Defaults    Defaults
	Nodes       []Node
}

// Label is a word by which runs are found, and its value for a run.
type Label struct{ Name, Value yamldoc.Text }

// Variable is a custom variable and the value it begins with.
type Variable struct {
	Name  yamldoc.Text
	Value yamldoc.Value
}

// Defaults apply to every node that leaves them open.
type Defaults struct {
	Timeout  yamldoc.Duration
	Retry    *Retry
	Outcomes []Route
}

// Route says which node an outcome leads to. The entry `else` of `outcomes`
// is a Route whose Outcome is "else".
type Route struct {
	Outcome yamldoc.Text
	Target  yamldoc.Text
}

// Retry says how often and how fast a node is tried again, and after which
// outcomes. On is empty if it was not written. Then is "pause", or empty.
type Retry struct {
	Pos      diag.Pos
	Max      int
	On       []yamldoc.Text
	Delay    yamldoc.Duration
	MaxDelay yamldoc.Duration
	Then     yamldoc.Text
}

// Node is an entry of a flow. With is a *Map, or nil if it was not written.
type Node struct {
	ID         yamldoc.Text
	Name       yamldoc.Text
	Type       yamldoc.Text
	Connection yamldoc.Text
	With       yamldoc.Value
	Timeout    yamldoc.Duration // of one attempt
	Retry      *Retry
	Next       yamldoc.Text
	Outcomes   []Route
	Misread    bool           // with is no mapping, or not called so, which was reported
	Unknown    []yamldoc.Text // keys that no node has; each was reported
}
