package spec

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/wendflow/wend/runtime/diag"
)

// maxDepth is how deep values may nest, so that no stage need fear for its
// stack.
const maxDepth = 100

// value reads any data. Nothing that it returns is nil.
func (p *parser) value(n *yaml.Node) Value {
	p.depth++
	defer func() { p.depth-- }()
	p.properties(n)
	switch {
	case p.depth > maxDepth:
		p.list.Errorf(p.pos(n), diag.InvalidYAML, "values nest deeper than %d levels", maxDepth)
	case n.Kind == yaml.MappingNode:
		return p.mapping(n)
	case n.Kind == yaml.SequenceNode:
		return p.sequence(n)
	case n.Kind == yaml.ScalarNode:
		s := p.newScalar(n)
		p.lintScalar(s)
		return s
	default:
		p.alias(n)
	}
	return &Scalar{Text: Text{Pos: p.pos(n)}}
}

func (p *parser) mapping(n *yaml.Node) *Map {
	m := &Map{pos: p.pos(n)}
	for _, e := range p.pairs(n) {
		m.Entries = append(m.Entries, Entry{e.key, p.value(e.value)})
	}
	return m
}

func (p *parser) sequence(n *yaml.Node) *List {
	l := &List{pos: p.pos(n)}
	for i := 0; i < len(n.Content); i++ {
		l.Items = append(l.Items, p.value(n.Content[i]))
		if n.Style&yaml.FlowStyle != 0 && p.cut(n.Content[i]) {
			i = afterCut(n.Content, i+1, 1) - 1
		}
	}
	return l
}

func (p *parser) newScalar(n *yaml.Node) *Scalar {
	s := &Scalar{Text: p.text(n)}
	if s.style == plain {
		s.Data = plainData(s.Value)
	} else {
		s.Data = s.Value
	}
	return s
}

func (p *parser) text(n *yaml.Node) Text {
	return Text{Value: n.Value, Pos: p.pos(n), src: p.src, start: p.offset(n), style: styleOf(n)}
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

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && styleOf(n) == plain && plainData(n.Value) == nil
}

var (
	wholeNumber = regexp.MustCompile(`^[-+]?[0-9]+$`)
	otherRadix  = regexp.MustCompile(`^0o[0-7]+$|^0x[0-9a-fA-F]+$`)
	realNumber  = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
	notFinite   = regexp.MustCompile(`^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$`)
)

// plainData is what an unquoted text means by YAML 1.2's core schema. It does
// not ask the library, which still reads 0123 as octal and dates as times.
func plainData(s string) any {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return nil
	case "true", "True", "TRUE":
		return true
	case "false", "False", "FALSE":
		return false
	}
	if c := s[0]; c > '9' {
		return s
	}
	switch {
	case wholeNumber.MatchString(s):
		if i, err := strconv.Atoi(s); err == nil {
			return i
		}
	case otherRadix.MatchString(s):
		if i, err := strconv.ParseInt(s, 0, 64); err == nil {
			return int(i)
		}
		return s
	case !realNumber.MatchString(s):
		return s
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return s
	}
	return f
}

var leadingZeros = regexp.MustCompile(`^[-+]?0[0-9]+$`)

// lintScalar tells what YAML made of an unquoted text if that is hardly what
// was meant.
func (p *parser) lintScalar(s *Scalar) {
	if _, open := s.Pieces(); open >= 0 {
		if mark, _ := s.Cut(); mark != "" {
			s.ReportUnclosed(&p.list, open)
		}
	}
	if s.style != plain {
		return
	}
	number := func(format string, a ...any) {
		p.list.Errorf(s.Text.Pos, diag.YAMLNumber, format, a...).Hint = "put it in quotes to keep it as text"
	}
	_, isFloat := s.Data.(float64)
	switch v := s.Value; {
	case leadingZeros.MatchString(v):
		number("as a number %s would lose its leading zeros", v)
	case wholeNumber.MatchString(v) && v[0] == '+':
		number("as a number %s would lose its plus sign", v)
	case wholeNumber.MatchString(v) && isFloat:
		number("the number %s is too big to keep all its digits", v)
	case notFinite.MatchString(v), isFloat && math.IsInf(s.Data.(float64), 0), otherRadix.MatchString(v) && s.Data == v, realNumber.MatchString(v) && s.Data == v:
		number("the number %s cannot be represented", v)
	case isOldBoolean(v):
		mistake := p.list.Warnf(s.Text.Pos, diag.YAMLBoolean, "%s is the text %q here, not a boolean", v, v)
		mistake.Hint = "write true or false, or put it in quotes if the text is meant"
	}
}

// isOldBoolean tells whether YAML 1.1 would read s as a boolean, and 1.2 not.
func isOldBoolean(s string) bool {
	switch strings.ToLower(s) {
	case "yes", "no", "on", "off":
		return true
	}
	return false
}

const anchorHint = "write the value where it is used, or share it through `variables` or `defaults`"

// properties reports the anchor and the tag that stand before a value.
func (p *parser) properties(n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		return
	}
	if n.Anchor != "" {
		p.list.Errorf(p.pos(n), diag.YAMLAnchor, "anchors are not supported").Hint = anchorHint
		return
	}
	written := p.src.text[p.offset(n):]
	if !strings.HasPrefix(written, "!") {
		return
	}
	e := p.list.Errorf(p.pos(n), diag.YAMLTag, `YAML takes a leading "!" for a tag and drops the word with it`)
	e.Hint = "put the value in quotes"
	if !strings.HasPrefix(written, "!!") && !strings.HasPrefix(written, "!=") {
		e.Hint = `write "not x" instead of "!x", or put the value in quotes`
	}
}

func (p *parser) alias(n *yaml.Node) {
	p.list.Errorf(p.pos(n), diag.YAMLAnchor, "aliases are not supported").Hint = anchorHint
}
