package flow

import (
	"fmt"
	"slices"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/spec"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// explain puts better hints to the keys that no node has, where they are known
// to its type: the types are known here, and the keys were reported before.
func (c *compiler) explain(mistakes diag.List) {
	at := map[diag.Pos]*diag.Error{}
	for _, e := range mistakes {
		if e.Code == diag.UnknownKey {
			at[e.Pos] = e
		}
	}
	for i := range c.spec.Nodes {
		s := &c.spec.Nodes[i]
		n := c.flow.Nodes[s.ID.Value]
		if n == nil {
			continue
		}
		for _, key := range s.Unknown {
			mistake := at[key.Pos]
			switch {
			case mistake == nil:
			case n.hasInput(key.Value):
				mistake.Hint = fmt.Sprintf("%q is an input of %q; it goes under \"with\"", key.Value, n.Type.Name)
			case n.Outcomes.Has(key.Value):
				mistake.Hint = fmt.Sprintf("%q is an outcome of %q; it goes under \"outcomes\"", key.Value, n.Type.Name)
			}
		}
	}
}

func (n *Node) hasInput(name string) bool {
	props, _ := n.Type.Inputs.Raw()["properties"].(map[string]any)
	return props[name] != nil
}

// isBeside tells of an input that stands beside `with` instead of in it.
func isBeside(s *spec.Node, name string) bool {
	return slices.ContainsFunc(s.Unknown, func(key yamldoc.Text) bool { return key.Value == name })
}
