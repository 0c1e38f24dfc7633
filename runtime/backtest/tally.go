package backtest

import (
	"bufio"
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// Tally adds up results. It keeps of each run that differs its id for each
// difference, and of others nothing. It is not safe for concurrent use.
type Tally struct {
	runs, same, differ, unknown int
	groups                      map[string]*Group
	left                        map[string]*Left
}

// Group is the runs that differ in one thing. Its JSON is stable.
type Group struct {
	Name     string   `json:"name"`
	Flow     string   `json:"flow"`
	Kind     string   `json:"kind"`
	Node     string   `json:"node,omitempty"`
	What     string   `json:"what"`
	Was      string   `json:"was,omitempty"` // in the first of the runs
	Is       string   `json:"is,omitempty"`
	Accepted bool     `json:"accepted"`
	Runs     []string `json:"runs"` // sorted

	first string // the least so far
}

// Left is the runs that were not made again for one reason. Its JSON is stable.
type Left struct {
	Reason string `json:"reason"`
	Runs   int    `json:"runs"`
	First  string `json:"first"` // the least of their ids
}

// Report is what came of all runs. Its JSON is stable.
type Report struct {
	Runs        int      `json:"runs"`
	Same        int      `json:"same"`
	Differ      int      `json:"differ"`
	Unknown     int      `json:"unknown"`    // of those that differ, which came to a call whose reply is not known
	Unaccepted  int      `json:"unaccepted"` // differences
	Differences []*Group `json:"differences"`
	LeftOut     []*Left  `json:"leftOut"`
	// Unused are differences that are accepted and that there are not.
	Unused []string `json:"unused"`
}

// Add counts a result.
func (t *Tally) Add(r *Result) {
	t.runs++
	switch {
	case r.LeftOut != "":
		t.leave(r)
		return
	case len(r.Differences) == 0:
		t.same++
	default:
		t.differ++
	}
	if r.Unknown {
		t.unknown++
	}
	if t.groups == nil {
		t.groups = map[string]*Group{}
	}
	for _, d := range r.Differences {
		name := d.Name()
		g := t.groups[name]
		if g == nil {
			g = &Group{Name: name, Flow: d.Flow, Kind: d.Kind, Node: d.Node, What: d.What}
			t.groups[name] = g
		}
		if g.first == "" || r.Run < g.first { // whichever came first, the same is shown
			g.Was, g.Is, g.first = d.Was, d.Is, r.Run
		}
		g.Runs = append(g.Runs, r.Run)
	}
}

func (t *Tally) leave(r *Result) {
	if t.left == nil {
		t.left = map[string]*Left{}
	}
	l := t.left[r.LeftOut]
	if l == nil {
		l = &Left{Reason: r.LeftOut, First: r.Run}
		t.left[r.LeftOut] = l
	}
	l.Runs++
	l.First = min(l.First, r.Run)
}

// Report is what was added so far, the differences of most runs first.
func (t *Tally) Report(accepted []string) *Report {
	r := &Report{Runs: t.runs, Same: t.same, Differ: t.differ, Unknown: t.unknown, Differences: []*Group{}, LeftOut: []*Left{}, Unused: []string{}}
	for _, g := range t.groups {
		g.Accepted = slices.Contains(accepted, g.Name)
		if !g.Accepted {
			r.Unaccepted++
		}
		slices.Sort(g.Runs)
		r.Differences = append(r.Differences, g)
	}
	slices.SortFunc(r.Differences, func(a, b *Group) int {
		return cmp.Or(cmp.Compare(len(b.Runs), len(a.Runs)), cmp.Compare(a.Name, b.Name))
	})
	for _, l := range t.left {
		r.LeftOut = append(r.LeftOut, l)
	}
	slices.SortFunc(r.LeftOut, func(a, b *Left) int { return cmp.Or(cmp.Compare(b.Runs, a.Runs), cmp.Compare(a.Reason, b.Reason)) })
	for _, name := range accepted {
		if t.groups[name] == nil {
			r.Unused = append(r.Unused, name)
		}
	}
	return r
}

// ReadAccepted reads the names of differences that are accepted, each on a line.
// Empty lines, and those that begin with #, say nothing.
func ReadAccepted(text []byte) []string {
	var names []string
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, len(text)+1)
	for lines.Scan() {
		if name := strings.TrimSpace(lines.Text()); name != "" && !strings.HasPrefix(name, "#") {
			names = append(names, name)
		}
	}
	return names
}
