package lsp

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.lsp.dev/protocol"

	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
)

func (s *server) Hover(_ context.Context, p *protocol.HoverParams) (*protocol.Hover, error) {
	d, err := s.document(p.TextDocument.URI)
	if err != nil {
		return nil, err
	}
	at := d.offset(p.Position)
	draft := d.draft()
	text, from, to := s.explain(d, draft, at)
	if text == "" {
		return nil, nil
	}
	r := d.span(from, to)
	return &protocol.Hover{Contents: &protocol.MarkupContent{Kind: protocol.MarkupKindMarkdown, Value: text}, Range: &r}, nil
}

// explain says what stands at a byte, and from where to where it goes.
func (s *server) explain(d *document, draft *flow.Draft, at int) (text string, from, to int) {
	for _, t := range draft.Templates() {
		if begin, end := d.at(t.Pos), d.at(t.End); begin <= at && at <= end {
			return explainExpression(d, draft, t, at)
		}
	}
	if m, ok := mentionAt(d.mentions(draft), at); ok {
		return explainName(draft, m.kind, m.name), m.from, m.to
	}
	from, to = d.word(at)
	p := d.placeAt(to)
	if len(p.path) < 2 || p.path[0] != "nodes" {
		return "", 0, 0
	}
	i := slices.IndexFunc(draft.Nodes, func(n flow.DraftNode) bool { return n.ID == p.path[1] })
	if i < 0 || draft.Nodes[i].Type == nil {
		return "", 0, 0
	}
	n, word := draft.Nodes[i], d.text[from:to]
	key := p.path[2:]
	switch {
	case len(key) == 1 && key[0] == "type" && !p.key:
		return explainType(n.Type), from, to
	case len(key) > 0 && key[0] == "outcomes":
		for _, o := range n.Outcomes.All {
			if o.Name == word {
				return fmt.Sprintf("**%s**: %s", o.Name, o.Doc), from, to
			}
		}
	case len(key) > 0 && key[0] == "with":
		schema := n.Type.Inputs.Raw()
		if p.key {
			key = append(slices.Clone(key), word)
		}
		for _, k := range key[1:] {
			schema = down(schema, k)
		}
		if about := about(schema); about != "" {
			return fmt.Sprintf("**%s** %s\n\n%s", word, kindOf(schema, false), about), from, to
		}
	}
	return "", 0, 0
}

// explainExpression explains a name or a function of an expression, and else the
// whole of it.
func explainExpression(d *document, draft *flow.Draft, t flow.Template, at int) (text string, from, to int) {
	from, to = d.name(at)
	word := d.text[from:to]
	for _, r := range t.Refs {
		typ, path, begin := typeOf(draft, t.Node, r.Name), r.Name, d.at(r.Pos)
		for i, name := range append([]string{r.Name}, r.Path...) {
			if i > 0 {
				var known bool
				if typ, known = typ.Field(name); !known {
					break
				}
				path += "." + name
				skip := strings.Index(d.text[begin:], name)
				if skip < 0 {
					break
				}
				begin += skip
			}
			end := begin + len(name)
			if end > len(d.text) || d.text[begin:end] != name {
				break
			}
			if begin <= at && at <= end {
				return fmt.Sprintf("`%s`: %s%s", path, typ, fieldsOf(typ)), begin, end
			}
			begin = end
		}
	}
	for _, f := range expand.Functions() {
		if f.Name == word {
			return fmt.Sprintf("`%s`\n\n%s", f.Form, f.Doc), from, to
		}
	}
	return fmt.Sprintf("`%s` is %s", t.Source, t.Type), d.at(t.Pos), d.at(t.End)
}

func typeOf(draft *flow.Draft, at, name string) expand.Type {
	for _, n := range draft.Names(at) {
		if n.Name == name {
			return n.Type
		}
	}
	return expand.Type{}
}

// fieldsOf lists what an object has.
func fieldsOf(t expand.Type) string {
	var b strings.Builder
	for _, name := range t.Fields() {
		of, _ := t.Field(name)
		fmt.Fprintf(&b, "\n- `%s` %s", name, of.Kind())
	}
	if b.Len() == 0 {
		return ""
	}
	return "\n" + b.String()
}

func explainName(draft *flow.Draft, kind flow.NameKind, name string) string {
	if kind == flow.VariableName {
		return fmt.Sprintf("variable `%s`: %s", name, typeOf(draft, "", name))
	}
	for _, n := range draft.Nodes {
		if n.ID != name {
			continue
		}
		text := fmt.Sprintf("node `%s`: `%s`", n.ID, n.TypeName)
		if n.Label != "" {
			text += "\n\n" + n.Label
		}
		if n.Type != nil {
			text += "\n\n" + n.Type.Doc
		}
		return text + fieldsOf(n.Outputs)
	}
	return ""
}

func explainType(t *node.Type) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s** %s\n\n%s\n", t.Ref(), t.Title, t.Doc)
	if len(t.Outcomes.All) > 0 {
		b.WriteString("\nOutcomes:\n")
		for _, o := range t.Outcomes.All {
			fmt.Fprintf(&b, "- `%s` %s\n", o.Name, o.Doc)
		}
	}
	return b.String()
}
