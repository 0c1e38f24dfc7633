package spec

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// reserved names mean something else in templates, or would in a console
// written in JavaScript.
var reserved = map[string]string{
	"flow": "is the flow itself", "run": "is the run itself", "error": "is the last error", "item": "is the item of a foreach", "else": "takes the other outcomes",
	"true": exprWord, "false": exprWord, "nil": exprWord, "null": exprWord, "not": exprWord, "in": exprWord, "and": exprWord, "or": exprWord, "let": exprWord, "if": exprWord,
	"matches": exprWord, "contains": exprWord, "startsWith": exprWord, "endsWith": exprWord,
	"constructor": jsProperty, "prototype": jsProperty, "toString": jsProperty, "toLocaleString": jsProperty, "valueOf": jsProperty,
	"hasOwnProperty": jsProperty, "isPrototypeOf": jsProperty, "propertyIsEnumerable": jsProperty,
}

const (
	exprWord   = "is a word of the expression language"
	jsProperty = "is a property of every JavaScript object"
)

// Reserved says why a node or a variable cannot have a name, "" if it can.
func Reserved(name string) (why string) {
	if strings.HasPrefix(name, "__") {
		return `begins with "__"`
	}
	return reserved[name]
}

// checkName checks the id of a node or the name of a variable.
func (p *parser) checkName(t yamldoc.Text, kind string, wellFormed bool) {
	why := Reserved(t.Value)
	switch {
	case why != "":
		p.Mistakes.Errorf(t.Pos, diag.ReservedName, "%s name %q is reserved: it %s", kind, t.Value, why)
	case !wellFormed:
		e := p.Mistakes.Errorf(t.Pos, diag.InvalidName, "%s name %q is not made of letters, digits and \"_\"", kind, t.Value)
		if fixed := sanitized(t.Value); yamldoc.IsIdentifier(fixed) {
			e.Hint = "write " + strconv.Quote(fixed)
		}
	}
}

// sanitized replaces what a name must not hold.
func sanitized(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '-' || r == '.' || r == ' ' || r == '/' {
			return '_'
		}
		return r
	}, s)
	if s != "" && s[0] >= '0' && s[0] <= '9' {
		return "n" + s
	}
	return s
}

// kebab makes lower-case words joined by "-" of a name written otherwise.
func kebab(name string) string {
	var b strings.Builder
	before := '-'
	for _, r := range name {
		switch {
		case r == ' ' || r == '_' || r == '.' || r == '/':
			r = '-'
		case unicode.IsUpper(r) && (unicode.IsLower(before) || unicode.IsDigit(before)):
			b.WriteByte('-')
		}
		if r != '-' || before != '-' {
			b.WriteRune(unicode.ToLower(r))
		}
		before = r
	}
	return strings.TrimRight(b.String(), "-")
}

// similarNames warns of names that templates tell apart only by their case.
func (p *parser) similarNames(f *Flow) {
	var names []yamldoc.Text
	for _, v := range f.Variables {
		names = append(names, v.Name)
	}
	for _, n := range f.Nodes {
		names = append(names, n.ID)
	}
	first := make(map[string]yamldoc.Text, len(names))
	for _, t := range names {
		folded := strings.ToLower(t.Value)
		before, ok := first[folded]
		if !ok {
			first[folded] = t
		} else if before.Value != t.Value {
			p.Mistakes.Warnf(t.Pos, diag.SimilarName, "%q and %q at line %d differ only by case", t.Value, before.Value, before.Pos.Line)
		}
	}
}
