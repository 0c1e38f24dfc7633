package spec

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/wendflow/wend/runtime/diag"
)

// field is a key that an object may have and what reads its value.
type field struct {
	name     string
	required bool
	read     func(key Text, n *yaml.Node)
}

// object reads a mapping with known keys. Aliases are the names of other
// products for them; they serve the hints only.
func (p *parser) object(n *yaml.Node, what string, aliases map[string]string, fields []field) {
	if n.Kind != yaml.MappingNode {
		p.wrongType(n, what, "a mapping")
		return
	}
	p.properties(n)
	seen := make(map[string]bool, len(fields))
	for _, e := range p.pairs(n) {
		seen[e.key.Value] = true
		if f := find(fields, e.key.Value); f != nil {
			f.read(e.key, e.value)
			continue
		}
		mistake := p.list.Errorf(e.key.Pos, diag.UnknownKey, "%s has no key %q", what, e.key.Value)
		mistake.Hint = suggestKey(e.key.Value, aliases, fields)
		p.value(e.value)
	}
	for _, f := range fields {
		if f.required && !seen[f.name] {
			p.list.Errorf(p.pos(n), diag.MissingKey, "%s is missing the key %q", what, f.name)
		}
	}
}

func find(fields []field, name string) *field {
	for i := range fields {
		if fields[i].name == name {
			return &fields[i]
		}
	}
	return nil
}

func suggestKey(key string, aliases map[string]string, fields []field) string {
	if known, ok := aliases[strings.ToLower(key)]; ok {
		return fmt.Sprintf("did you mean %q?", known)
	}
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.name
	}
	return diag.Suggest(key, names)
}

// entry is a key of a mapping and its value.
type entry struct {
	key   Text
	value *yaml.Node
}

// entries reads a mapping with keys of the author's choice. Nothing written
// there is an empty mapping.
func (p *parser) entries(key Text, n *yaml.Node, from string) []entry {
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		p.wrongType(n, quoted(key), "a mapping from "+from)
		return nil
	}
	p.properties(n)
	return p.pairs(n)
}

// pairs returns the entries of a mapping whose keys are texts, each key once.
func (p *parser) pairs(n *yaml.Node) []entry {
	var pairs []entry
	first := make(map[string]Text, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, ok := p.key(n.Content[i])
		if !ok {
			continue
		}
		if before, ok := first[key.Value]; ok {
			p.list.Errorf(key.Pos, diag.DuplicateKey, "%q is there already, at line %d", key.Value, before.Pos.Line)
			continue
		}
		first[key.Value] = key
		pairs = append(pairs, entry{key, n.Content[i+1]})
		if n.Style&yaml.FlowStyle != 0 && p.cut(n.Content[i+1]) {
			i = afterCut(n.Content, i+2, 2) - 2
		}
	}
	return pairs
}

func (p *parser) key(n *yaml.Node) (Text, bool) {
	switch {
	case n.Kind == yaml.AliasNode:
		p.alias(n)
		return Text{}, false
	case n.Kind != yaml.ScalarNode:
		e := p.list.Errorf(p.pos(n), diag.InvalidKey, "a key must be a piece of text, not %s", kindOf(n))
		if strings.HasPrefix(p.src.text[p.offset(n):], "{") {
			e.Hint = `templates are written "$(x)", not "{{ x }}"`
		}
		return Text{}, false
	case n.Tag == "!!merge":
		p.list.Errorf(p.pos(n), diag.YAMLAnchor, "merge keys are not supported").Hint = anchorHint
		return Text{}, false
	}
	p.properties(n)
	return p.text(n), true
}

// cut tells whether YAML cut a template short at a comma or bracket, so that
// the rest of it looks like more entries.
func (p *parser) cut(n *yaml.Node) bool {
	if n.Kind != yaml.ScalarNode {
		return false
	}
	t := p.text(n)
	if _, open := t.Pieces(); open < 0 {
		return false
	}
	mark, _ := t.Cut()
	return mark != "" && mark != "#"
}

// afterCut returns the index behind the pieces of a cut template: up to the
// first that holds a closing parenthesis.
func afterCut(content []*yaml.Node, i, step int) int {
	for ; i < len(content); i += step {
		for _, n := range content[i:min(i+step, len(content))] {
			if strings.Contains(n.Value, ")") {
				return i + step
			}
		}
	}
	return i
}

// scalar reads a scalar that must be there.
func (p *parser) scalar(key Text, n *yaml.Node, expected string) *Scalar {
	if n.Kind != yaml.ScalarNode {
		p.wrongType(n, quoted(key), expected)
		return nil
	}
	p.properties(n)
	s := p.newScalar(n)
	if s.Data == nil {
		p.list.Errorf(s.Text.Pos, diag.EmptyValue, "%s is empty, expected %s", quoted(key), expected)
		return nil
	}
	return s
}

// wantText reads a text that must not be empty.
func (p *parser) wantText(key Text, n *yaml.Node) Text {
	s := p.scalar(key, n, "a text")
	if s == nil {
		return Text{}
	}
	if strings.TrimSpace(s.Value) == "" {
		p.list.Errorf(s.Text.Pos, diag.EmptyValue, "%s is empty, expected a text", quoted(key))
		return Text{}
	}
	return s.Text
}

// optionalText reads a text that may be empty.
func (p *parser) optionalText(key Text, n *yaml.Node) Text {
	if isNull(n) {
		return Text{}
	}
	if s := p.scalar(key, n, "a text"); s != nil {
		return s.Text
	}
	return Text{}
}

// texts reads a list of texts; a single one may stand without brackets.
func (p *parser) texts(key Text, n *yaml.Node) []Text {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	var texts []Text
	for _, item := range items {
		if t := p.wantText(key, item); t.Given() {
			texts = append(texts, t)
		}
	}
	return texts
}

func (p *parser) boolean(key Text, n *yaml.Node) *bool {
	s := p.scalar(key, n, "true or false")
	if s == nil {
		return nil
	}
	b, ok := s.Data.(bool)
	if !ok {
		p.wrongType(n, quoted(key), "true or false")
		return nil
	}
	return &b
}

func (p *parser) wrongType(n *yaml.Node, what, expected string) {
	if n.Kind == yaml.AliasNode {
		p.alias(n)
		return
	}
	p.list.Errorf(p.pos(n), diag.WrongType, "%s is %s, expected %s", what, kindOf(n), expected)
}

// kindOf names what a node is, as people say it.
func kindOf(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.AliasNode:
		return "an alias"
	case isNull(n):
		return "empty"
	case styleOf(n) != plain:
		return "a text"
	}
	switch plainData(n.Value).(type) {
	case bool:
		return "a boolean"
	case int, float64:
		return "a number"
	default:
		return fmt.Sprintf("the text %q", n.Value)
	}
}

func quoted(key Text) string { return fmt.Sprintf("%q", key.Value) }
