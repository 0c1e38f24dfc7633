package flow

import (
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/node"
)

// Edge is where an outcome of a node leads.
type Edge struct {
	From    string
	Outcome string
	Kind    OutcomeKind
	To      string   // "" if the run ends there
	Via     Via      // who says so
	Pos     diag.Pos // of the target as it was written; zero for an end
}

// OutcomeKind says what an outcome means to the engine.
type OutcomeKind string

// Every node type has one success and one fault at most; its other outcomes are
// its own.
const (
	KindSuccess OutcomeKind = "success"
	KindFault   OutcomeKind = "fault"
	KindInvalid OutcomeKind = "invalid"
	KindOther   OutcomeKind = "other"
)

// Via says which words of a flow give an outcome its target.
type Via string

// In the order in which they are asked. An outcome that none of them names has
// none, and ends the run.
const (
	ViaNext     Via = "next"
	ViaOutcomes Via = "outcomes"
	ViaElse     Via = "else"
	ViaCatchAll Via = "catch-all" // the route of the vendor's own branch for all the rest
	ViaDefaults Via = "defaults"
)

func kindOfOutcome(o node.Outcomes, name string) OutcomeKind {
	switch name {
	case o.Success:
		return KindSuccess
	case o.Fault:
		return KindFault
	case o.Invalid:
		return KindInvalid
	default:
		return KindOther
	}
}

// Edges returns every outcome of every node and where it leads, by node in the
// order of the file and by outcome in the order of the node type.
func (f *Flow) Edges() []Edge {
	var edges []Edge
	for _, id := range f.Order {
		edges = append(edges, f.Nodes[id].edges...)
	}
	return edges
}

// Edges returns the outcomes of the node and where they lead, as those of a flow.
func (n *Node) Edges() []Edge { return n.edges }
