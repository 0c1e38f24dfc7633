package spec

import (
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// What a flow is made of.
type (
	Text     = yamldoc.Text
	Piece    = yamldoc.Piece
	Value    = yamldoc.Value
	Scalar   = yamldoc.Scalar
	Map      = yamldoc.Map
	Entry    = yamldoc.Entry
	List     = yamldoc.List
	Duration = yamldoc.Duration
)

// Flow is a flow as it was written: checked in its shape, not yet in its
// meaning. File and Source are what Parse was given. Fields that were not
// written are zero; a Text or Duration that was not written has no Pos.
type Flow struct {
	File        string
	Source      []byte
	Name        Text
	Description Text
	Timeout     Duration // of the whole run
	Durable     *bool    // nil: not written, which means true
	Variables   []Variable
	Defaults    Defaults
	Nodes       []Node
}

// Variable is a custom variable and the value it begins with.
type Variable struct {
	Name  Text
	Value Value
}

// Defaults apply to every node that leaves them open.
type Defaults struct {
	Timeout  Duration
	Retry    *Retry
	Outcomes []Route
}

// Route says which node an outcome leads to. The entry `else` of `outcomes`
// is a Route whose Outcome is "else".
type Route struct {
	Outcome Text
	Target  Text
}

// Retry says how often and how fast a node is tried again, and after which
// outcomes. On is empty if it was not written.
type Retry struct {
	Pos      diag.Pos
	Max      int
	On       []Text
	Delay    Duration
	MaxDelay Duration
}

// Node is an entry of a flow. With is a *Map, or nil if it was not written.
type Node struct {
	ID         Text
	Name       Text
	Type       Text
	Connection Text
	With       Value
	Timeout    Duration // of one attempt
	Retry      *Retry
	Next       Text
	Outcomes   []Route
}
