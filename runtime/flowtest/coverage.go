package flowtest

import (
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/run"
)

// Coverage is what of a flow its tests came to, nodes that others have in their
// inputs included. It is not safe for concurrent use.
type Coverage struct {
	flow    *flow.Flow
	entered map[string]bool // by their addresses
	left    map[way]bool
}

// way is an outcome of a node, by its address.
type way struct{ node, outcome string }

// NewCoverage is that of a flow to which no test came.
func NewCoverage(f *flow.Flow) *Coverage {
	return &Coverage{flow: f, entered: map[string]bool{}, left: map[way]bool{}}
}

// Add adds what came of one case.
func (c *Coverage) Add(r *Result) {
	c.add(c.flow, r.Way)
	for path, ways := range r.Bodies {
		for _, traces := range ways {
			c.add(c.flow.Body(path), traces)
		}
	}
}

func (c *Coverage) add(of *flow.Flow, traces []run.Trace) {
	for _, t := range traces {
		address := of.Address(t.Node)
		c.entered[address] = true
		c.left[way{address, t.Outcome}] = true
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

// Nodes are the nodes that a run came to, by their addresses.
func (c *Coverage) Nodes() Share {
	s := Share{Missing: []string{}}
	for of, n := range c.flow.Walk() {
		address := of.Address(n.ID)
		s.count(address, c.entered[address])
	}
	return s
}

// Outcomes are the outcomes by which a node was left, each as "node: outcome".
// All count that a node can leave by, whether or not they are routed.
func (c *Coverage) Outcomes() Share {
	s := Share{Missing: []string{}}
	for of, n := range c.flow.Walk() {
		address := of.Address(n.ID)
		for _, e := range n.Edges() {
			s.count(address+": "+e.Outcome, c.left[way{address, e.Outcome}])
		}
	}
	return s
}
