package flow

import (
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/expand"
)

// need is an input that must be there, and is not if the ref has no value.
type need struct {
	input string
	ref   expand.Ref
}

// noteNeed notes that a required input is whatever a field is that may be
// missing.
func (c *inputCompiler) noteNeed(in input, path []string) {
	var t *expand.Template
	switch in := in.(type) {
	case templateInput:
		t = in.t
	case textInput:
		t = in.t
	default:
		return
	}
	refs := t.Refs()
	if len(refs) == 0 {
		return
	}
	if last := refs[len(refs)-1]; last.Gap != nil && !last.Fails {
		c.needs[c.node.ID] = append(c.needs[c.node.ID], need{dotted(path), last})
	}
}

// isTested tells whether a condition reads what may be missing, in a node that
// every run has passed that comes here.
func (c *compiler) isTested(ref expand.Ref, at string, before *dominators) bool {
	return slices.ContainsFunc(c.tested[fieldKey(ref.Name, ref.Gap)], func(id string) bool { return before.above(id, at) })
}

// testedDeep is how far into an object the fields of conditions are noted: each
// is noted with all that it is in.
const testedDeep = 16

// test notes what a condition of a node reads.
func (c *compiler) test(id string, refs []expand.Ref) {
	for _, ref := range refs {
		for n := range min(len(ref.Path), testedDeep) + 1 {
			key := fieldKey(ref.Name, ref.Path[:n])
			if ids := c.tested[key]; len(ids) == 0 || ids[len(ids)-1] != id {
				c.tested[key] = append(ids, id)
			}
		}
	}
}

// fieldKey names a field and what it is in. No name has a zero byte.
func fieldKey(name string, path []string) string {
	return strings.Join(append([]string{name}, path...), "\x00")
}

// warnGap warns of a field that may be missing where it is needed.
func (c *compiler) warnGap(ref expand.Ref, why string) {
	if c.stored {
		return
	}
	gap := strings.Join(append([]string{ref.Name}, ref.Gap...), ".")
	c.list.Warnf(ref.Pos, diag.OptionalField, "%s may have no value, and %s", gap, why).
		Hint = "give a default, such as " + ref.Default + "; or have the schema require a value"
}
