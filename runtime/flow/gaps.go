package flow

import (
	"fmt"
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
func (c *compiler) isTested(ref expand.Ref, before map[string]bool) bool {
	for id := range before {
		for _, tested := range c.tested[id] {
			if tested.Name == ref.Name && len(tested.Path) >= len(ref.Gap) && slices.Equal(tested.Path[:len(ref.Gap)], ref.Gap) {
				return true
			}
		}
	}
	return false
}

// warnGap warns of a field that may be missing where it is needed.
func (c *compiler) warnGap(ref expand.Ref, why string) {
	if c.stored {
		return
	}
	whole := strings.Join(append([]string{ref.Name}, ref.Path...), ".")
	gap := strings.Join(append([]string{ref.Name}, ref.Gap...), ".")
	c.list.Warnf(ref.Pos, diag.OptionalField, "%s may have no value, and %s", gap, why).
		Hint = fmt.Sprintf("give a default, such as %s ?? \"…\", or have the schema require a value", whole)
}
