package spec

import (
	"fmt"
	"slices"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// ofNode are the keys of a node.
var ofNode = []string{"name", "type", "connection", "with", "timeout", "retry", "next", "outcomes"}

// IsNodeKey tells whether nodes have such a key.
func IsNodeKey(key string) bool { return slices.Contains(ofNode, key) }

// indented puts keys that stand among the nodes, since they are not indented
// enough, where they belong: into the node above. It reports each.
func (p *parser) indented(v yamldoc.Value) yamldoc.Value {
	m, ok := v.(*yamldoc.Map)
	if !ok || !slices.ContainsFunc(m.Entries, isShallow) {
		return v
	}
	whole := *m
	whole.Entries = nil
	for _, e := range m.Entries {
		last := len(whole.Entries) - 1
		if !isShallow(e) || last < 0 {
			whole.Entries = append(whole.Entries, e)
			continue
		}
		above := &whole.Entries[last]
		node, ok := above.Value.(*yamldoc.Map)
		if isBlank(above.Value) {
			node, ok = yamldoc.Of(map[string]any{}, above.Value.Pos()).(*yamldoc.Map)
		}
		if !ok || node.Get(e.Key.Value) != nil {
			whole.Entries = append(whole.Entries, e)
			continue
		}
		p.Mistakes.Errorf(e.Key.Pos, diag.UnknownKey, "%q stands among the nodes, and belongs to one", e.Key.Value).
			Hint = fmt.Sprintf("indent it deeper than %q, if it belongs to that node", above.Key.Value)
		deeper := *node
		deeper.Entries = append(slices.Clone(node.Entries), e)
		above.Value = &deeper
	}
	return &whole
}

// isShallow tells of an entry of nodes that is a key of a node.
func isShallow(e yamldoc.Entry) bool {
	if _, ok := e.Value.(*yamldoc.Map); ok {
		return slices.Contains([]string{"with", "retry", "outcomes"}, e.Key.Value) && !isNode(e.Value)
	}
	return IsNodeKey(e.Key.Value)
}

func isBlank(v yamldoc.Value) bool {
	s, ok := v.(*yamldoc.Scalar)
	return ok && s.Data == nil && !s.Lost()
}

// schemaTypes are what stands under type in a JSON Schema.
var schemaTypes = []string{"object", "array", "string", "integer", "number", "boolean", "null"}

// isNode tells what a node looks like.
func isNode(v yamldoc.Value) bool {
	m, ok := v.(*yamldoc.Map)
	if !ok {
		return false
	}
	s, ok := m.Get("type").(*yamldoc.Scalar)
	return ok && s.Data != nil && !slices.Contains(schemaTypes, s.Value)
}

// unknown returns the keys that no node has. Of one that is a node itself it
// says so.
func (p *parser) unknown(f yamldoc.Field) []yamldoc.Text {
	m, ok := f.Value.(*yamldoc.Map)
	if !ok {
		return nil
	}
	var keys []yamldoc.Text
	for _, e := range m.Entries {
		if IsNodeKey(e.Key.Value) {
			continue
		}
		keys = append(keys, e.Key)
		if hint := keysElsewhere[diag.Word(e.Key.Value)]; hint != "" {
			p.hint(e.Key, hint)
		}
		if isNode(e.Value) {
			p.hint(e.Key, fmt.Sprintf("it looks like a node; begin it in the column of %q", f.Key.Value))
		}
	}
	return keys
}

// misplaced says where keys at the top of a flow belong that are nodes, or keys
// of nodes.
func (p *parser) misplaced(root yamldoc.Value) {
	m, ok := root.(*yamldoc.Map)
	if !ok || !slices.ContainsFunc(p.Mistakes, func(e *diag.Error) bool { return e.Code == diag.UnknownKey }) {
		return
	}
	for _, e := range m.Entries {
		switch key := e.Key.Value; {
		case isNode(e.Value):
			p.hint(e.Key, `it looks like a node; indent it under "nodes"`)
		case headsElsewhere[diag.Word(key)] != "":
			p.hint(e.Key, headsElsewhere[diag.Word(key)])
		case key == "outcomes" || key == "retry":
			p.hint(e.Key, `indent it under "defaults" if it is for all nodes, else deeper than the id of its node`)
		case key != "name" && IsNodeKey(key):
			p.hint(e.Key, `it belongs to a node; indent it deeper than the id of that node`)
		}
	}
}

// hint puts a better hint to an unknown key.
func (p *parser) hint(key yamldoc.Text, hint string) {
	for _, e := range p.Mistakes {
		if e.Code == diag.UnknownKey && e.Pos == key.Pos {
			e.Hint = hint
		}
	}
}
