package lsp

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/spec"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// mention is a place where a file says the name of a node or a variable.
type mention struct {
	kind     flow.NameKind
	name     string
	from, to int
	declares bool
}

// mentions are all places where a file declares or uses a name, in their order.
func (d *document) mentions(draft *flow.Draft) []mention {
	d.sought.Do(func() { d.names = d.find(draft) })
	return d.names
}

func (d *document) find(draft *flow.Draft) []mention {
	m := &mentions{d: d, nodes: map[string]bool{}, variables: map[string]bool{}}
	for _, v := range draft.Variables {
		m.variables[v.Name] = true
		m.add(flow.VariableName, v.Name, v.Pos, true)
	}
	for _, n := range draft.Nodes {
		m.nodes[n.ID] = true
		m.add(flow.NodeName, n.ID, n.Pos, true)
	}
	for _, e := range draft.Edges {
		if e.Pos.Line > 0 && m.nodes[e.To] {
			m.add(flow.NodeName, e.To, e.Pos, false)
		}
	}
	for _, t := range draft.Templates() {
		for _, r := range t.Refs {
			kind := flow.NodeName
			if m.variables[r.Name] {
				kind = flow.VariableName
			}
			if m.variables[r.Name] || m.nodes[r.Name] {
				m.add(kind, r.Name, r.Pos, false)
			}
		}
	}
	m.written(draft)
	slices.SortFunc(m.list, func(a, b mention) int { return a.from - b.from })
	return slices.CompactFunc(m.list, func(a, b mention) bool { return a.from == b.from })
}

type mentions struct {
	d                *document
	nodes, variables map[string]bool
	list             []mention
}

// add takes a place if the name really stands there: a default may come from
// elsewhere, and a text with escapes is not found by its place.
func (m *mentions) add(kind flow.NameKind, name string, pos diag.Pos, declares bool) {
	from := m.d.at(pos)
	if from < len(m.d.text) && (m.d.text[from] == '"' || m.d.text[from] == '\'') {
		from++
	}
	to := from + len(name)
	if to > len(m.d.text) || m.d.text[from:to] != name {
		return
	}
	m.list = append(m.list, mention{kind: kind, name: name, from: from, to: to, declares: declares})
}

// written finds what neither edges nor templates tell: targets in `defaults`, and
// the variables that nodes set.
func (m *mentions) written(draft *flow.Draft) {
	f := draft.Spec
	if f == nil {
		return
	}
	for _, r := range f.Defaults.Outcomes {
		if m.nodes[r.Target.Value] {
			m.add(flow.NodeName, r.Target.Value, r.Target.Pos, false)
		}
	}
	types := map[string]*node.Type{}
	for _, n := range draft.Nodes {
		types[n.ID] = n.Type
	}
	for _, n := range f.Nodes {
		for _, r := range n.Outcomes {
			if m.nodes[r.Target.Value] {
				m.add(flow.NodeName, r.Target.Value, r.Target.Pos, false)
			}
		}
		with, ok := n.With.(*yamldoc.Map)
		if t := types[n.ID.Value]; ok && t != nil {
			properties, _ := t.Inputs.Raw()["properties"].(map[string]any)
			m.set(with, properties)
		}
	}
}

func (m *mentions) set(with *yamldoc.Map, properties map[string]any) {
	for _, e := range with.Entries {
		schema, _ := properties[e.Key.Value].(map[string]any)
		into, ok := e.Value.(*yamldoc.Map)
		if !ok || schema["x-wend"] != "set" {
			continue
		}
		for _, v := range into.Entries {
			if m.variables[v.Key.Value] {
				m.add(flow.VariableName, v.Key.Value, v.Key.Pos, false)
			}
		}
	}
}

// mentionAt is the name that the cursor stands in or behind.
func mentionAt(list []mention, at int) (mention, bool) {
	i := slices.IndexFunc(list, func(m mention) bool { return m.from <= at && at <= m.to })
	if i < 0 {
		return mention{}, false
	}
	return list[i], true
}

// seek finds the name under the cursor, and every mention of it.
func (s *server) seek(u uri.URI, p protocol.Position) (d *document, under mention, same []mention, err error) {
	if d, err = s.document(u); err != nil {
		return nil, mention{}, nil, err
	}
	all := d.mentions(d.draft())
	under, ok := mentionAt(all, d.offset(p))
	if !ok {
		return d, mention{}, nil, nil
	}
	for _, m := range all {
		if m.kind == under.kind && m.name == under.name {
			same = append(same, m)
		}
	}
	return d, under, same, nil
}

func (s *server) Definition(_ context.Context, p *protocol.DefinitionParams) (protocol.DefinitionResult, error) {
	d, _, same, err := s.seek(p.TextDocument.URI, p.Position)
	if err != nil {
		return nil, err
	}
	for _, m := range same {
		if m.declares {
			return &protocol.Location{URI: d.uri, Range: d.span(m.from, m.to)}, nil
		}
	}
	return nil, nil
}

func (s *server) References(_ context.Context, p *protocol.ReferenceParams) ([]protocol.Location, error) {
	d, _, same, err := s.seek(p.TextDocument.URI, p.Position)
	if err != nil {
		return nil, err
	}
	out := []protocol.Location{}
	for _, m := range same {
		if !m.declares || p.Context.IncludeDeclaration {
			out = append(out, protocol.Location{URI: d.uri, Range: d.span(m.from, m.to)})
		}
	}
	return out, nil
}

func (s *server) PrepareRename(_ context.Context, p *protocol.PrepareRenameParams) (protocol.PrepareRenameResult, error) {
	d, under, same, err := s.seek(p.TextDocument.URI, p.Position)
	if err != nil || same == nil {
		return nil, err
	}
	r := d.span(under.from, under.to)
	return &r, nil
}

// Rename changes every mention. It refuses a name that cannot be one, that is
// taken, or that an expression could not say.
func (s *server) Rename(_ context.Context, p *protocol.RenameParams) (*protocol.WorkspaceEdit, error) {
	d, under, same, err := s.seek(p.TextDocument.URI, p.Position)
	if err != nil {
		return nil, err
	}
	if same == nil {
		return nil, errors.New("no node and no variable stands there")
	}
	draft := d.draft()
	if !draft.Whole {
		return nil, fmt.Errorf("the file is not YAML at the moment, so not every mention of %q is known: mend that first", under.name)
	}
	if !yamldoc.IsIdentifier(p.NewName) {
		return nil, fmt.Errorf("%q is no name for a %s: letters, digits and _, the first of them no digit", p.NewName, under.kind)
	}
	if why := spec.Reserved(p.NewName); why != "" {
		return nil, fmt.Errorf("%q is reserved: it %s", p.NewName, why)
	}
	for _, m := range d.mentions(draft) {
		if m.declares && m.name == p.NewName && p.NewName != under.name {
			return nil, fmt.Errorf("%q is the name of a %s already", p.NewName, m.kind)
		}
	}
	var edits []protocol.TextEdit
	for _, m := range same {
		edits = append(edits, protocol.TextEdit{Range: d.span(m.from, m.to), NewText: p.NewName})
	}
	return &protocol.WorkspaceEdit{Changes: map[uri.URI][]protocol.TextEdit{d.uri: sorted(edits)}}, nil
}

func (s *server) DocumentSymbol(_ context.Context, p *protocol.DocumentSymbolParams) (protocol.DocumentSymbolResult, error) {
	d, err := s.document(p.TextDocument.URI)
	if err != nil {
		return nil, err
	}
	draft := d.draft()
	out := protocol.DocumentSymbolSlice{}
	for _, v := range draft.Variables {
		from := d.at(v.Pos)
		kind := v.Type.Kind()
		out = append(out, protocol.DocumentSymbol{
			Name: v.Name, Detail: &kind, Kind: protocol.SymbolKindVariable,
			Range: d.span(from, d.endOfLine(from)), SelectionRange: d.span(d.name(from)),
		})
	}
	for i, n := range draft.Nodes {
		from := d.at(n.Pos)
		to := len(d.text)
		if i+1 < len(draft.Nodes) && d.at(draft.Nodes[i+1].Pos) > from {
			to = d.starts[max(draft.Nodes[i+1].Pos.Line-1, 0)]
		}
		kind := protocol.SymbolKindFunction
		if n.Type != nil && n.Type.Starts() {
			kind = protocol.SymbolKindEvent
		}
		detail := n.TypeName
		if n.Label != "" {
			detail += ": " + n.Label
		}
		out = append(out, protocol.DocumentSymbol{
			Name: n.ID, Detail: &detail, Kind: kind, Range: d.span(from, max(to, from)), SelectionRange: d.span(d.name(from)),
		})
	}
	return out, nil
}
