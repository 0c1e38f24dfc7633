package flowtest

import (
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/run"
)

// Coverage is what of a flow its tests came to. It is not safe for concurrent
// use.
type Coverage struct {
	flow    *flow.Flow
	entered map[string]bool
	left    map[way]bool
}

// way is an outcome of a node.
type way struct{ node, outcome string }

// NewCoverage is that of a flow to which no test came.
func NewCoverage(f *flow.Flow) *Coverage {
	return &Coverage{flow: f, entered: map[string]bool{}, left: map[way]bool{}}
}

// Add adds what one run did.
func (c *Coverage) Add(traces []run.Trace) {
	for _, t := range traces {
		c.entered[t.Node] = true
		c.left[way{t.Node, t.Outcome}] = true
	}
}

// Share is how many there are of something, and which of them no test came to.
type Share struct {
	Total   int      `json:"total"`
	Covered int      `json:"covered"`
	Missing []string `json:"missing"` // in the order of the flow
}

// Percent is the part that is covered; of nothing it is all.
func (s Share) Percent() float64 {
	if s.Total == 0 {
		return 100
	}
	return 100 * float64(s.Covered) / float64(s.Total)
}

// Plus is both together.
func (s Share) Plus(other Share) Share {
	return Share{s.Total + other.Total, s.Covered + other.Covered, append(s.Missing[:len(s.Missing):len(s.Missing)], other.Missing...)}
}

func (s *Share) count(name string, covered bool) {
	s.Total++
	if covered {
		s.Covered++
	} else {
		s.Missing = append(s.Missing, name)
	}
}

// Nodes are the nodes that a run came to, by their ids.
func (c *Coverage) Nodes() Share {
	s := Share{Missing: []string{}}
	for _, id := range c.flow.Order {
		s.count(id, c.entered[id])
	}
	return s
}

// Outcomes are the outcomes by which a node was left, each as "node: outcome".
// All count that a node can leave by, whether or not they are routed.
func (c *Coverage) Outcomes() Share {
	s := Share{Missing: []string{}}
	for _, e := range c.flow.Edges() {
		s.count(e.From+": "+e.Outcome, c.left[way{e.From, e.Outcome}])
	}
	return s
}
