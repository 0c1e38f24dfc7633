// Package graph draws flows: as Mermaid, as DOT, as SVG, or as data with
// coordinates for others to draw. It can show beside a flow what a run did in
// it, or what is another since a version before.
package graph

import (
	"slices"
	"time"

	"github.com/wendflow/wend/runtime/flow"
)

// Graph is a flow as it is drawn. Its JSON is stable.
type Graph struct {
	Flow  string `json:"flow"`
	Nodes []Node `json:"nodes"` // as the file has them, and then those that were removed
	Edges []Edge `json:"edges"`
	Run   *Run   `json:"run,omitempty"` // that is shown in it
	// Diff tells that changes are shown.
	Diff bool `json:"diff,omitempty"`

	// How much room all takes, once it is placed: in points, of which a line of
	// text has about 16.
	Width  float64 `json:"width,omitempty"`
	Height float64 `json:"height,omitempty"`
}

// Run is a run that is shown in a graph.
type Run struct {
	ID      string  `json:"id"`
	Status  string  `json:"status"`
	Outcome string  `json:"outcome,omitempty"`
	Millis  float64 `json:"durationMs"`
}

// Node is a node of a flow. One that runs other flows is one node, whatever goes
// on in them.
type Node struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"` // for people
	Type string `json:"type"`
	Kind Kind   `json:"kind"`
	// Flows are the names of those that it runs.
	Flows []string `json:"flows,omitempty"`
	// Ends tells that the run ends here if all goes well, and Open which other
	// outcomes lead nowhere.
	Ends bool     `json:"ends,omitempty"`
	Open []string `json:"open,omitempty"`

	// What a run did here: how often it came, how long it was here in all, and
	// whether it still is.
	Visits int     `json:"visits,omitempty"`
	Millis float64 `json:"durationMs,omitempty"`
	At     bool    `json:"at,omitempty"`

	Change  Change   `json:"change,omitempty"`
	Changed []string `json:"changed,omitempty"` // its keys, "with.url" for an input

	// The place of the box, once it is placed: of its upper left corner, y
	// downwards.
	X      float64 `json:"x"`
	Y      float64 `json:"y"`
	Width  float64 `json:"width,omitempty"`
	Height float64 `json:"height,omitempty"`
}

// Edge is the way from a node to another, by one outcome or several.
type Edge struct {
	From     string    `json:"from"`
	To       string    `json:"to"`
	Kind     EdgeKind  `json:"kind"`
	Outcomes []Outcome `json:"outcomes"`
	Taken    int       `json:"taken,omitempty"` // by the run, how often
	Change   Change    `json:"change,omitempty"`

	// The line, once it is placed: a point, and then three for each piece of a
	// cubic Bézier curve. The last but one piece may be straight: Tip is where
	// the arrow ends.
	Points []Point `json:"points,omitempty"`
	Tip    *Point  `json:"tip,omitempty"`
	Label  *Point  `json:"label,omitempty"` // the middle of it
	// Short is the middle of a box with the name of the node that the edge leads
	// to. The line ends at that box: where many nodes lead to one when they fail,
	// lines to it would be all that is to be seen.
	Short *Point `json:"short,omitempty"`
}

// Outcome is one by which an edge is taken.
type Outcome struct {
	Name  string   `json:"name"`
	Via   flow.Via `json:"via"`
	Taken int      `json:"taken,omitempty"` // by the run, how often
}

// Point is a place, y downwards.
type Point struct {
	X float64 `json:"x"`
	Y float64 `json:"y"`
}

// Kind says what a node does for a run.
type Kind string

// The kinds, in the order in which they are explained.
const (
	Trigger Kind = "trigger"
	Plugin  Kind = "plugin"
	Call    Kind = "call"   // without a plugin
	Decide  Kind = "decide" // by outcomes that the flow itself names
	Child   Kind = "child"  // runs other flows
	Wait    Kind = "wait"
	Answer  Kind = "answer"
	Step    Kind = "step" // any other
)

var kinds = []Kind{Trigger, Plugin, Call, Decide, Child, Wait, Answer, Step}

// EdgeKind says what it means that an edge is taken.
type EdgeKind string

// An outcome that is neither a success nor a failure is a branch, unless it leads
// where failures lead.
const (
	Success EdgeKind = "success"
	Branch  EdgeKind = "branch"
	Error   EdgeKind = "error"
)

// Change says what became of a node or an edge.
type Change string

// What is as it was has no Change.
const (
	Added   Change = "added"
	Removed Change = "removed"
	Changed Change = "changed"
)

// Of returns the graph of a flow.
func Of(f *flow.Flow) *Graph {
	g := &Graph{Flow: f.Name}
	for _, id := range f.Order {
		g.Nodes = append(g.Nodes, nodeOf(f, f.Nodes[id]))
	}
	g.Edges = join(ways(f))
	return g
}

func nodeOf(f *flow.Flow, n *flow.Node) Node {
	node := Node{ID: n.ID, Name: oneLine(n.Label), Type: n.Type.Ref(), Kind: kindOf(n)}
	for _, c := range n.Callees {
		if c.Flow != "" {
			node.Flows = append(node.Flows, oneLine(c.Flow))
		}
	}
	for _, o := range n.Outcomes.All {
		switch {
		case f.Nodes[n.Routes[o.Name]] != nil:
		case o.Name == n.Outcomes.Success:
			node.Ends = true
		default:
			node.Open = append(node.Open, o.Name)
		}
	}
	return node
}

func kindOf(n *flow.Node) Kind {
	switch t := n.Type; {
	case t.Starts():
		return Trigger
	case t.Digest != "":
		return Plugin
	case t.Connects:
		return Call
	case len(n.Callees) > 0:
		return Child
	case t.Responds:
		return Answer
	case t.Waits || n.Event != "":
		return Wait
	case len(n.Outcomes.All) > len(t.Outcomes.All):
		return Decide
	default:
		return Step
	}
}

// way is where one outcome leads.
type way struct {
	from, to string
	outcome  Outcome
	kind     EdgeKind
	change   Change
}

// ways returns where the outcomes of a flow's nodes lead, those that lead
// nowhere left out.
func ways(f *flow.Flow) []way {
	failing := failureTargets(f)
	var all []way
	for _, e := range f.Edges() {
		if f.Nodes[e.To] == nil {
			continue
		}
		w := way{from: e.From, to: e.To, outcome: Outcome{Name: e.Outcome, Via: e.Via}, kind: Branch}
		switch {
		case e.Kind == flow.KindSuccess:
			w.kind = Success
		case isFailure(f, e), failing[e.To]:
			w.kind = Error
		}
		all = append(all, w)
	}
	return all
}

// isFailure tells of an outcome that is one for certain: a fault, or of a call
// one that nobody thought worth a route of its own.
func isFailure(f *flow.Flow, e flow.Edge) bool {
	return e.Kind == flow.KindFault || e.Kind == flow.KindInvalid ||
		e.Kind == flow.KindOther && e.Via != flow.ViaOutcomes && f.Nodes[e.From].Type.Connects
}

// failureTargets are the nodes to which failures lead and no success does.
func failureTargets(f *flow.Flow) map[string]bool {
	targets := map[string]bool{}
	for _, e := range f.Edges() {
		if isFailure(f, e) {
			targets[e.To] = true
		}
	}
	for _, e := range f.Edges() {
		if e.Kind == flow.KindSuccess {
			delete(targets, e.To)
		}
	}
	return targets
}

// join makes one edge of the ways between two nodes that are of one kind.
func join(ways []way) []Edge {
	var edges []Edge
	for _, w := range ways {
		i := slices.IndexFunc(edges, func(e Edge) bool {
			return e.From == w.from && e.To == w.to && e.Kind == w.kind && e.Change == w.change
		})
		if i < 0 {
			i = len(edges)
			edges = append(edges, Edge{From: w.from, To: w.to, Kind: w.kind, Change: w.change})
		}
		edges[i].Outcomes = append(edges[i].Outcomes, w.outcome)
	}
	return edges
}

// Node returns the node of an id, or nil.
func (g *Graph) Node(id string) *Node {
	if i := slices.IndexFunc(g.Nodes, func(n Node) bool { return n.ID == id }); i >= 0 {
		return &g.Nodes[i]
	}
	return nil
}

func length(millis float64) string {
	d := time.Duration(millis * float64(time.Millisecond))
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	default:
		return d.Round(100 * time.Microsecond).String()
	}
}
