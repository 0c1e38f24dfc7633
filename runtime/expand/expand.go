// Package expand is the language of templates, $( … ): it compiles them against
// what is known of their variables, and evaluates them in a run.
// Evaluation is pure: the same Env gives the same value, within fixed bounds of
// time and memory. Where templates may stand, and which nodes a template may
// read, others decide.
package expand

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// Scope is the names that templates may use, and their types: variables, the
// outputs of nodes under their ids, "run", "flow" and "error".
type Scope struct {
	Names map[string]Type

	once   sync.Once
	sorted []string
}

// names returns the names in order, for hints.
func (s *Scope) names() []string {
	s.once.Do(func() { s.sorted = slices.Sorted(maps.Keys(s.Names)) })
	return s.sorted
}

// Env is what a template sees in a run. Names maps the names of the Scope to
// plain data; a name that is not there is nil. Now is what now() returns. Room,
// if there is one, bounds what is made of templates; who makes values of them
// takes it.
type Env struct {
	Names map[string]any
	Now   time.Time
	Room  *Room
}

// Room is what the values may take that one step of a run makes of templates.
type Room struct {
	Value int // bytes as JSON of one of them
	Left  int // of all of them that are still to come
}

// Take takes the room of one value. It fails with a *data.BoundError where the
// value is too large, nests too deep, or is no data. A nil Room bounds nothing.
func (r *Room) Take(v any) error {
	if r == nil {
		return nil
	}
	size, err := data.Measure(v, r.Value)
	if bound, ok := errors.AsType[*data.BoundError](err); ok && bound.Large {
		return fmt.Errorf("%w, more than limits.value allows", err)
	}
	if r.Left -= size.JSON; err == nil && r.Left < 0 {
		return &data.BoundError{Msg: "with it the values of this one step take more than limits.run allows", Large: true}
	}
	return err
}

// Ref is a variable or node that a template reads. Path is the fields read
// from it, as far as they are fixed. Optional refs may be nil: they stand left
// of ?? or before ?. .
type Ref struct {
	Name     string
	Path     []string
	Optional bool
	Pos      diag.Pos
	// Gap is the beginning of Path that may be missing and so make the whole
	// expression nil, or fail. Fails tells that it fails: it stands in a text, or
	// reads on behind the gap.
	Gap   []string
	Fails bool
	// Default is what to write in its place for a value where it has none.
	Default string
}

// Error is a template that could not be evaluated, at which place and why.
type Error struct {
	Pos  diag.Pos
	Expr string // between $( and )
	Err  error
}

// Error returns "file:line:col: $(expr): why".
func (e *Error) Error() string { return fmt.Sprintf("%s: $(%s): %v", e.Pos, e.Expr, e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// Template is a compiled scalar: a literal, one expression whose value it
// yields, or a text with expressions in it. It is immutable and safe for
// concurrent use.
type Template struct {
	parts     []part
	whole     bool // parts is a single expression, or a literal, that yields its value
	condition bool
	url       bool // the text is an address
}

// part is a literal or an expression.
type part struct {
	literal any // a string
	expr    *expression
}

// maxPieces bounds what one text costs: a list is better joined than written out.
const maxPieces = 2000

// maxMistakes is after how many a tree of templates is not looked at any
// further: each costs a search for what may have been meant.
const maxMistakes = 1000

// Compile compiles a text. It returns a Template even when there are errors, so
// that the caller can go on checking; evaluating it then fails.
func Compile(t yamldoc.Text, s *Scope) (*Template, diag.List) {
	var list diag.List
	pieces, open := t.Pieces()
	if open >= 0 {
		t.ReportUnclosed(&list, open)
		return broken(t), list
	}
	tmpl := &Template{}
	if len(pieces) > maxPieces {
		list.Errorf(t.Pos, diag.InvalidExpression, "the text is cut into %d pieces by its templates, expected %d at most", len(pieces), maxPieces)
		return broken(t), list
	}
	if len(pieces) > 1 {
		t = t.Aligned()
	}
	for _, p := range pieces {
		if p.Template {
			tmpl.add(compilePart(t, p, s, &list))
		} else {
			tmpl.add(part{literal: p.Text})
		}
	}
	if len(pieces) == 0 {
		tmpl.add(part{literal: ""})
	}
	tmpl.whole = len(tmpl.parts) == 1
	tmpl.findGaps(s)
	return tmpl, list
}

// findGaps notes what may be missing of that which expressions come to.
func (t *Template) findGaps(s *Scope) {
	for _, p := range t.parts {
		if p.expr == nil || len(p.expr.operands) == 0 || len(p.expr.refs) == 0 {
			continue
		}
		last := p.expr.operands[len(p.expr.operands)-1].path // the others have it behind them
		if last == nil {
			continue
		}
		ref := &p.expr.refs[len(p.expr.refs)-1]
		gap, through := last.gap(s)
		ref.Gap, ref.Fails = gap, gap != nil && (!t.whole || through)
	}
}

// add appends a part; literals side by side become one.
func (t *Template) add(p part) {
	if n := len(t.parts); n > 0 && p.expr == nil && t.parts[n-1].expr == nil {
		t.parts[n-1].literal = t.parts[n-1].literal.(string) + p.literal.(string)
		return
	}
	t.parts = append(t.parts, p)
}

var onlyDigits = regexp.MustCompile(`^[0-9]+$`)

func compilePart(t yamldoc.Text, p yamldoc.Piece, s *Scope, list *diag.List) part {
	source := strings.TrimSpace(p.Text)
	if !onlyDigits.MatchString(source) {
		return part{expr: compileExpression(t, p, s, list)}
	}
	pos := t.At(p.Offset + strings.Index(p.Text, source))
	if declared, ok := s.Names[source]; ok {
		return part{expr: &expression{
			source: source, pos: pos, typ: declared,
			operands: []operand{{path: &path{name: source}}},
			refs:     []Ref{{Name: source, Pos: pos}},
		}}
	}
	mistake := list.Warnf(pos, diag.UndeclaredDigits, "no variable %q is declared, so $(%s) is the text %q", source, source, source)
	mistake.Hint = fmt.Sprintf("if the text is meant, write it as one, %q, or declare it under variables, %q: %q", source, source, source)
	return part{literal: source}
}

// compared proposes a condition that could be meant by an expression which is
// none, unless that is a constant.
func compared(e *expression, t yamldoc.Text) string {
	if len(e.refs) == 0 {
		return ""
	}
	source := e.source
	if len(e.operands) != 1 {
		source = "(" + source + ")"
	}
	switch e.typ.Kind() {
	case kindInteger, kindNumber:
		return ", such as " + source + " > 0"
	case kindArray, kindObject:
		return ", such as len(" + e.source + ") > 0"
	}
	empty, _ := t.Literal("")
	return ", such as " + source + " != " + empty
}

// CompileCondition compiles a text that is an expression as it stands and must
// be true or false; $( ) may stand around all of it.
func CompileCondition(t yamldoc.Text, s *Scope) (*Template, diag.List) {
	var list diag.List
	piece, ok := conditionPiece(t, &list)
	if !ok {
		return broken(t), list
	}
	e := compileExpression(t, piece, s, &list)
	if k := e.typ.Kind(); k != kindBoolean && k != kindAny && !list.HasErrors() {
		mistake := list.Errorf(e.pos, diag.NotBoolean, "the condition is %s, neither true nor false", e.typ)
		mistake.Hint = "compare it with something" + compared(e, t)
	}
	return &Template{parts: []part{{expr: e}}, whole: true, condition: true}, list
}

func conditionPiece(t yamldoc.Text, list *diag.List) (yamldoc.Piece, bool) {
	pieces, open := t.Pieces()
	var found []yamldoc.Piece
	bare := true
	for _, p := range pieces {
		if p.Template {
			found = append(found, p)
		} else if strings.TrimSpace(p.Text) != "" {
			bare = false
		}
	}
	switch {
	case open >= 0:
		t.ReportUnclosed(list, open)
		return yamldoc.Piece{}, false
	case len(found) == 0:
		return yamldoc.Piece{Template: true, Text: t.Value}, true
	case len(found) == 1 && bare:
		return found[0], true
	}
	mistake := list.Errorf(t.At(found[0].Offset-len("$(")), diag.PartialCondition, "a condition is an expression already; $( ) may stand around all of it, not around a part")
	mistake.Hint = fmt.Sprintf("write %s instead of $(%s)", found[0].Text, found[0].Text)
	return yamldoc.Piece{}, false
}

// broken stands in for a template that does not compile.
func broken(t yamldoc.Text) *Template {
	return &Template{whole: true, parts: []part{{expr: &expression{source: t.Value, pos: t.Pos}}}}
}

// IsLiteral returns the value of a template without expressions.
func (t *Template) IsLiteral() (any, bool) {
	if !t.whole || t.parts[0].expr != nil {
		return nil, false
	}
	return t.parts[0].literal, true
}

// Type returns what is known of the value.
func (t *Template) Type() Type {
	switch {
	case !t.whole:
		return simple(kindString)
	case t.condition:
		return simple(kindBoolean)
	case t.parts[0].expr != nil:
		return t.parts[0].expr.typ
	default:
		return TypeOf(t.parts[0].literal)
	}
}

// Refs returns what the template reads, in the order of the text.
func (t *Template) Refs() []Ref {
	var refs []Ref
	for _, p := range t.parts {
		if p.expr != nil {
			refs = append(refs, p.expr.refs...)
		}
	}
	return refs
}

// Eval returns the value as plain data: what package data
// holds for that. Times and durations become text, times as RFC 3339. The
// value may share parts with e.Names and must not be changed. An error is an
// *Error.
func (t *Template) Eval(e Env) (any, error) {
	switch {
	case !t.whole && t.url:
		return t.evalURL(e)
	case !t.whole:
		return t.interpolate(e)
	}
	p := t.parts[0]
	if p.expr == nil {
		return p.literal, nil
	}
	v, err := p.expr.eval(e)
	if err != nil {
		return nil, err
	}
	if _, ok := v.(bool); t.condition && !ok {
		return nil, p.expr.fail(fmt.Errorf("the condition is %s, neither true nor false", TypeOf(v)))
	}
	return v, nil
}

func (t *Template) interpolate(e Env) (any, error) {
	var b strings.Builder
	for _, p := range t.parts {
		if p.expr == nil {
			b.WriteString(p.literal.(string))
			continue
		}
		v, err := p.expr.eval(e)
		if err != nil {
			return nil, err
		}
		s, err := data.Text(v)
		if err != nil {
			return nil, p.expr.fail(err)
		}
		if b.Len()+len(s) > data.MaxText {
			return nil, p.expr.fail(fmt.Errorf("with it the text is longer than %s", data.ShowSize(data.MaxText)))
		}
		b.WriteString(s)
	}
	return b.String(), nil
}
