package yamldoc

import (
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/wendflow/wend/runtime/diag"
)

// value makes the tree of a node. Nothing that it returns is nil.
func (p *parser) value(n *yaml.Node) Value {
	p.depth++
	p.values++
	outside := p.flow
	p.flow = p.flow || n.Style&yaml.FlowStyle != 0
	defer func() { p.depth--; p.flow = outside }()
	tagged := p.properties(n)
	switch {
	case p.depth > MaxDepth:
		p.list.Errorf(p.pos(n), diag.InvalidYAML, "values nest deeper than %d levels", MaxDepth)
	case p.values > MaxValues:
		if !p.full {
			p.full = true
			p.list.Errorf(p.pos(n), diag.InvalidYAML, "the file holds more than %d values", MaxValues)
		}
	case n.Kind == yaml.MappingNode:
		return p.mapping(n)
	case n.Kind == yaml.SequenceNode:
		return p.sequence(n)
	case n.Kind == yaml.ScalarNode:
		s := p.scalar(n)
		s.lost = tagged
		return s
	case n.Kind == yaml.AliasNode && p.format.Aliases:
		return p.value(n.Alias)
	default:
		p.alias(n)
	}
	return &Scalar{Text: Text{Pos: p.pos(n)}, lost: true}
}

func (p *parser) mapping(n *yaml.Node) *Map {
	m := &Map{pos: p.pos(n)}
	if entries := len(n.Content) / 2; entries > MaxEntries {
		p.tooMany(n.Content[2*MaxEntries], "the mapping", entries, "entries")
		return m
	}
	first := make(map[string]Text, len(n.Content)/2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Tag == "!!merge" && p.format.Aliases {
			merged = append(merged, n.Content[i+1])
			continue
		}
		key, ok := p.key(n.Content[i])
		if !ok {
			continue
		}
		if before, ok := first[key.Value]; ok {
			p.list.Errorf(key.Pos, diag.DuplicateKey, "%q is there already, at line %d", key.Value, before.Pos.Line)
			continue
		}
		first[key.Value] = key
		m.Entries = append(m.Entries, Entry{key, p.value(n.Content[i+1])})
		if n.Style&yaml.FlowStyle != 0 && p.cut(n.Content[i+1]) {
			i = afterCut(n.Content, i+2, 2) - 2
		}
	}
	for _, from := range merged {
		p.merge(m, p.value(from), first)
	}
	return m
}

// tooMany reports a collection over its limit at the first entry beyond. Nothing
// of it is read, so that nobody looks into the rest.
func (p *parser) tooMany(beyond *yaml.Node, what string, has int, entries string) {
	p.list.Errorf(p.pos(beyond), diag.InvalidYAML, "%s has %d %s, expected %d at most", what, has, entries, MaxEntries)
}

// merge adds the entries of what stands behind <<, a mapping or several, that
// are not there yet.
func (p *parser) merge(m *Map, from Value, first map[string]Text) {
	switch from := from.(type) {
	case *Map:
		for _, e := range from.Entries {
			if _, ok := first[e.Key.Value]; !ok && len(m.Entries) < MaxEntries {
				first[e.Key.Value] = e.Key
				m.Entries = append(m.Entries, e)
			}
		}
	case *List:
		for _, item := range from.Items {
			p.merge(m, item, first)
		}
	case *Scalar:
		if !from.lost {
			p.list.Errorf(from.Text.Pos, diag.InvalidKey, `behind "<<" stands %s, expected a mapping`, kindOf(from))
		}
	}
}

func (p *parser) key(n *yaml.Node) (Text, bool) {
	p.values++
	switch {
	case n.Kind == yaml.AliasNode:
		p.alias(n)
		return Text{}, false
	case n.Kind != yaml.ScalarNode:
		e := p.list.Errorf(p.pos(n), diag.InvalidKey, "a key must be a piece of text, not %s", kindOfNode(n))
		if strings.HasPrefix(p.src.text[p.offset(n):], "{") {
			e.Hint = `templates are written "$(x)", not "{{ x }}"`
		}
		return Text{}, false
	case n.Tag == "!!merge":
		p.list.Errorf(p.pos(n), diag.YAMLAnchor, "merge keys are not supported").Hint = p.share()
		return Text{}, false
	}
	p.properties(n)
	return p.text(n), true
}

func kindOfNode(n *yaml.Node) string {
	if n.Kind == yaml.SequenceNode {
		return "a list"
	}
	return "a mapping"
}

func (p *parser) sequence(n *yaml.Node) *List {
	l := &List{pos: p.pos(n)}
	if items := len(n.Content); items > MaxEntries {
		p.tooMany(n.Content[MaxEntries], "the list", items, "items")
		return l
	}
	for i := 0; i < len(n.Content); i++ {
		l.Items = append(l.Items, p.value(n.Content[i]))
		if n.Style&yaml.FlowStyle != 0 && p.cut(n.Content[i]) {
			i = afterCut(n.Content, i+1, 1) - 1
		}
	}
	return l
}

func (p *parser) scalar(n *yaml.Node) *Scalar {
	s := &Scalar{Text: p.text(n)}
	if s.style == plain {
		s.Data = plainData(s.Value)
	} else {
		s.Data = s.Value
	}
	if _, open := s.Pieces(); open >= 0 {
		if mark, _ := s.Cut(); mark != "" {
			s.ReportUnclosed(&p.list, open)
		}
	}
	return s
}

func (p *parser) text(n *yaml.Node) Text {
	return Text{Value: n.Value, Pos: p.pos(n), src: p.src, start: p.offset(n), style: styleOf(n), flow: p.flow}
}

func (p *parser) offset(n *yaml.Node) int   { return p.src.offset(n.Line, n.Column) }
func (p *parser) pos(n *yaml.Node) diag.Pos { return p.src.pos(p.offset(n)) }

func styleOf(n *yaml.Node) style {
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return doubleQuoted
	case n.Style&yaml.SingleQuotedStyle != 0:
		return singleQuoted
	case n.Style&yaml.LiteralStyle != 0:
		return literal
	case n.Style&yaml.FoldedStyle != 0:
		return folded
	default:
		return plain
	}
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

func (p *parser) share() string {
	if p.format.Share == "" {
		return "write the value where it is used"
	}
	return "write the value where it is used, or share it through " + p.format.Share
}

// properties reports the anchor and the tag that stand before a value, and
// tells whether a tag does.
func (p *parser) properties(n *yaml.Node) (tagged bool) {
	if n.Kind == yaml.AliasNode {
		return false
	}
	written := p.src.text[p.offset(n):]
	if n.Anchor != "" {
		if !p.format.Aliases {
			p.list.Errorf(p.pos(n), diag.YAMLAnchor, "anchors are not supported").Hint = p.share()
			return false
		}
		written = strings.TrimLeft(strings.TrimPrefix(written, "&"+n.Anchor), " ")
	}
	if !strings.HasPrefix(written, "!") {
		return false
	}
	line, _, _ := strings.Cut(written, "\n")
	tag, value, _ := strings.Cut(line, " ")
	e := p.list.Errorf(p.pos(n), diag.YAMLTag, `YAML takes a leading "!" for a tag and drops the word with it`)
	switch value = strings.TrimSpace(value); {
	case tag == "!!str":
		e.Msg, e.Hint = "tags are not supported", "leave !!str out and put the value in quotes, which makes a text of it"
	case strings.HasPrefix(tag, "!!"):
		e.Msg, e.Hint = "tags are not supported", "leave "+tag+" out"
	case toolTag.MatchString(tag) && toolValue.MatchString(value):
		e.Msg, e.Hint = "tags are not supported, and those of other tools do nothing here", "leave "+tag+" out, or put the whole value in quotes"
	case strings.HasPrefix(tag, "!="):
		e.Hint = "put the value in quotes"
	default:
		e.Hint = `write "not x" instead of "!x", or put the value in quotes`
	}
	return true
}

// A tag of another tool, such as !secret or !Ref, has a value behind it; an expression
// such as !a && b has an operator.
var (
	toolTag   = regexp.MustCompile(`^![A-Za-z][\w:/-]*$`)
	toolValue = regexp.MustCompile(`^[\w"'{\[$/.-]`)
)

func (p *parser) alias(n *yaml.Node) {
	p.list.Errorf(p.pos(n), diag.YAMLAnchor, "aliases are not supported").Hint = p.share()
}
