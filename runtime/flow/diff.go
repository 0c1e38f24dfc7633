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
	// Of says what of it is another: the keys of a node, "with.url" for an input.
	Of []string `json:"of,omitempty"`
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
// runs: comments, layout and names for people do not count. Nodes and variables
// come in the order of their names.
func Diff(before, after *Flow) []Change {
	var all []Change
	if before.Timeout != after.Timeout {
		all = append(all, Change{"flow", "timeout", changed, nil})
	}
	if before.Durable != after.Durable {
		all = append(all, Change{"flow", "durable", changed, nil})
	}
	if before.Visits != after.Visits {
		all = append(all, Change{"flow", "visits", changed, nil})
	}
	all = append(all, compare("variable", before.Variables, after.Variables, func(a, b any) ([]string, bool) {
		return nil, reflect.DeepEqual(a, b)
	})...)
	inputs := [2]map[string]map[string]any{withOf(before), withOf(after)}
	return append(all, compare("node", before.Nodes, after.Nodes, func(a, b *Node) ([]string, bool) {
		of := differs(a, b, inputs[0][a.ID], inputs[1][b.ID])
		return of, len(of) == 0
	})...)
}

// compare finds what two maps have by names.
func compare[T any](what string, before, after map[string]T, same func(a, b T) (of []string, same bool)) (all []Change) {
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
		switch {
		case !was:
			all = append(all, Change{what, name, added, nil})
		case !is:
			all = append(all, Change{what, name, removed, nil})
		default:
			if of, equal := same(a, b); !equal {
				all = append(all, Change{what, name, changed, of})
			}
		}
	}
	return all
}

// withOf are the inputs of a flow's nodes as they are written, by node.
func withOf(f *Flow) map[string]map[string]any {
	inputs := map[string]map[string]any{}
	parsed, _ := spec.Parse(f.File, f.Source)
	if parsed == nil {
		return inputs
	}
	for _, n := range parsed.Nodes {
		inputs[n.ID.Value], _ = yamldoc.Plain(n.With).(map[string]any)
	}
	return inputs
}

// differs names what two nodes have otherwise.
func differs(a, b *Node, with, other map[string]any) (of []string) {
	for _, c := range []struct {
		name string
		same bool
	}{
		{"type", a.Type.Name == b.Type.Name && a.Type.Version == b.Type.Version},
		{"plugin", a.Type.Digest == b.Type.Digest},
		{"connection", a.Connection == b.Connection},
		{"timeout", a.Timeout == b.Timeout},
		{"retry", reflect.DeepEqual(a.Retry, b.Retry)},
		{"outcomes", maps.Equal(a.Routes, b.Routes)},
	} {
		if !c.same {
			of = append(of, c.name)
		}
	}
	for _, c := range compare("", with, other, func(a, b any) ([]string, bool) { return nil, reflect.DeepEqual(a, b) }) {
		of = append(of, "with."+c.Name)
	}
	return of
}
