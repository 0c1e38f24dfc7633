package flow

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/spec"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// Change is one thing in which two versions of a flow differ.
type Change struct {
	What string `json:"what"` // flow, variable or node
	Name string `json:"name"` // of the variable or the node; what is meant of the flow
	How  string `json:"how"`  // added, removed or changed
	// Of says what of it is another: the keys of a node, "with.url" for an input,
	// "with.nodes.n5.next" for what is inside one, and "outcomes.onError" for where an
	// outcome leads.
	Of []string `json:"of,omitempty"`
	// Was and Is are the values before and after, by the names in Of, or by "value"
	// for a variable and what is of the flow. One that is not there has none.
	Was map[string]any `json:"was,omitempty"`
	Is  map[string]any `json:"is,omitempty"`
}

func (c Change) String() string {
	text := c.What + " " + c.Name + " is " + c.How
	if len(c.How) > 0 && c.How == changed && c.Of != nil {
		text = c.What + " " + c.Name + " differs in " + strings.Join(c.Of, ", ")
	}
	return text
}

const (
	added   = "added"
	removed = "removed"
	changed = "changed"
)

// Diff says in what the second version of a flow differs from the first, as it
// runs: comments, layout and names for people do not count, nor does what an
// environment makes of variables. Nodes and variables come in the order of their
// names.
func Diff(before, after *Flow) []Change {
	a, b := writtenOf(before), writtenOf(after)
	all := compare("flow", a.head, b.head, values)
	all = append(all, compare("variable", a.variables, b.variables, values)...)
	return append(all, compare("node", before.Nodes, after.Nodes, func(x, y *Node, c *Change) {
		differs(c, x, y, a.inputs, b.inputs)
	})...)
}

// compare finds what two maps have by names, and has fill say of each change what
// it is: of what is added or removed one of the two is the zero value.
func compare[T any](what string, before, after map[string]T, fill func(a, b T, c *Change)) (all []Change) {
	names := slices.Collect(maps.Keys(before))
	for name := range after {
		if _, both := before[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		a, was := before[name]
		b, is := after[name]
		c := Change{What: what, Name: name, How: changed}
		switch {
		case !was:
			c.How = added
		case !is:
			c.How = removed
		}
		if fill(a, b, &c); c.How != changed || c.Was != nil || c.Is != nil {
			all = append(all, c)
		}
	}
	return all
}

// values fills in those of a variable, or of what is of the flow.
func values(a, b any, c *Change) {
	if c.How == changed && reflect.DeepEqual(a, b) {
		return
	}
	if c.How != added {
		c.Was = map[string]any{"value": a}
	}
	if c.How != removed {
		c.Is = map[string]any{"value": b}
	}
}

// written is a flow as its source has it.
type written struct {
	head      map[string]any
	variables map[string]any
	inputs    map[string]map[string]any // of nodes, by node
}

func writtenOf(f *Flow) written {
	w := written{head: map[string]any{"durable": f.Durable}, variables: map[string]any{}, inputs: map[string]map[string]any{}}
	if f.Timeout > 0 {
		w.head["timeout"] = f.Timeout.String()
	}
	if f.Visits > 0 {
		w.head["visits"] = f.Visits
	}
	parsed, _ := spec.Parse(f.File, f.Source)
	if parsed == nil {
		return w
	}
	if parsed.Key.Value != "" {
		w.head["key"] = parsed.Key.Value
	}
	for _, l := range parsed.Labels {
		w.head["labels."+l.Name.Value] = l.Value.Value
	}
	for _, v := range parsed.Variables {
		w.variables[v.Name.Value] = yamldoc.Plain(v.Value)
	}
	for _, n := range parsed.Nodes {
		w.inputs[n.ID.Value], _ = yamldoc.Plain(n.With).(map[string]any)
	}
	return w
}

// differs names what two nodes have otherwise. Of one that is added or removed only
// the type is said.
func differs(c *Change, a, b *Node, with, other map[string]map[string]any) {
	switch c.How {
	case added:
		c.Is = map[string]any{"type": b.Type.Ref()}
		return
	case removed:
		c.Was = map[string]any{"type": a.Type.Ref()}
		return
	}
	was, is := a.written(), b.written()
	deeper("with", with[a.ID], other[b.ID], was, is)
	for _, d := range compare("", was, is, values) {
		c.Of = append(c.Of, d.Name)
		if d.Was != nil {
			c.Was = put(c.Was, d.Name, d.Was["value"])
		}
		if d.Is != nil {
			c.Is = put(c.Is, d.Name, d.Is["value"])
		}
	}
}

// deeper puts what two mappings have into was and is, by its path: both are looked into
// where both have a mapping, so that of a long one only that is named which differs.
func deeper(path string, before, after, was, is map[string]any) {
	for name, v := range before {
		at := path + "." + name
		inner, isMap := v.(map[string]any)
		if other, both := after[name].(map[string]any); isMap && both {
			deeper(at, inner, other, was, is)
			continue
		}
		was[at] = v
	}
	for name, v := range after {
		_, isMap := v.(map[string]any)
		if _, both := before[name].(map[string]any); !isMap || !both {
			is[path+"."+name] = v
		}
	}
}

func put(m map[string]any, name string, v any) map[string]any {
	if m == nil {
		m = map[string]any{}
	}
	m[name] = v
	return m
}

// written are the keys of a node but `with`, with all that the flow's defaults make
// of them.
func (n *Node) written() map[string]any {
	keys := map[string]any{"type": n.Type.Ref()}
	if n.Type.Digest != "" {
		keys["plugin"] = n.Type.Digest
	}
	if n.Connection != "" {
		keys["connection"] = n.Connection
	}
	if n.Timeout > 0 {
		keys["timeout"] = n.Timeout.String()
	}
	if n.Retry.Max > 0 {
		keys["retry"] = n.Retry.written()
	}
	for outcome, target := range n.Routes {
		if outcome == n.Outcomes.Success {
			keys["next"] = target
		} else {
			keys["outcomes."+outcome] = target
		}
	}
	return keys
}

func (r Retry) written() map[string]any {
	on := slices.Clone(r.On)
	for _, class := range r.Classes {
		on = append(on, string(class))
	}
	keys := map[string]any{"max": r.Max, "on": on, "delay": r.Delay.String(), "maxDelay": r.MaxDelay.String(), "maxAsked": r.MaxAsked.String()}
	if r.Pause {
		keys["then"] = "pause"
	}
	return keys
}
