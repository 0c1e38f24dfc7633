package expand

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/checker/nature"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/types"
	"github.com/expr-lang/expr/vm"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// maxSource is the longest expression in bytes. It bounds how deep the parser
// recurses and how many nodes there are.
const maxSource = 16 << 10

// expression is one compiled expression. Most only read a field, perhaps with a
// default; those are operands and need no program.
type expression struct {
	source string
	pos    diag.Pos
	text   yamldoc.Text // that it stands in
	piece  yamldoc.Piece

	typ      Type
	refs     []Ref
	operands []operand // the first that is not nil is the value
	program  *vm.Program
}

// operand is a path to data, or a literal.
type operand struct {
	path    *path
	literal any
}

// defaults are values of the kinds that are no texts.
var defaults = map[string]string{kindInteger: "0", kindNumber: "0", kindBoolean: "false", kindArray: "[]", kindObject: "{}"}

// proposeDefaults says for each reference how a default is given, such that it
// can stand where the reference does.
func (e *expression) proposeDefaults(s *Scope) {
	for i := range e.refs {
		ref := &e.refs[i]
		read := strings.Join(append([]string{ref.Name}, ref.Path...), ".")
		other, inQuotes := e.text.Literal("…")
		typ := s.Names[ref.Name]
		for _, name := range ref.Path {
			typ, _ = typ.Field(name)
		}
		if own := defaults[typ.Kind()]; own != "" {
			other = own
		}
		if ref.Default = read + " ?? " + other; read != e.source {
			ref.Default = "(" + ref.Default + ")"
		}
		if inQuotes {
			ref.Default += ", and put the whole value in quotes"
		}
	}
}

// compileExpression parses, resolves, checks and compiles one expression, and
// stops at the first of these that finds mistakes.
func compileExpression(t yamldoc.Text, p yamldoc.Piece, s *Scope, list *diag.List) *expression {
	trimmed := strings.TrimSpace(p.Text)
	e := &expression{source: trimmed, text: t, piece: p}
	e.pos = t.At(p.Offset + strings.Index(p.Text, trimmed))
	switch {
	case trimmed == "":
		list.Errorf(e.pos, diag.EmptyTemplate, "the expression is empty")
		return e
	case len(p.Text) > maxSource:
		list.Errorf(e.pos, diag.InvalidExpression, "the expression is longer than %d bytes", maxSource)
		return e
	}
	defer func() {
		if r := recover(); r != nil {
			list.Errorf(e.pos, diag.InvalidExpression, "the expression cannot be compiled: %v", r)
		}
	}()
	if at := comment(p.Text); at >= 0 {
		list.Errorf(t.At(p.Offset+at), diag.MisleadingExpression, `"//" begins a comment, which hides the rest of the line`).
			Hint = `divide with "/", and to a whole number with int(a / b)`
	}
	defer e.proposeDefaults(s)
	tree, err := parser.Parse(p.Text)
	if err != nil {
		e.syntaxError(list, err)
		return e
	}
	r := resolver{scope: s, expr: e, list: list}
	if e.typ = r.visit(&tree.Node); r.failed {
		return e
	}
	if !r.chooses {
		e.noteGaps(r.fails, s)
	}
	if e.operands = simpleOperands(tree.Node, s); len(e.operands) == 1 {
		return e
	}
	if err := e.check(tree, s); err != nil {
		mistake := e.report(list, diag.ExpressionType, err)
		switch {
		case strings.HasPrefix(mistake.Msg, "cannot concat "):
			mistake.Msg, mistake.Hint = "concat() joins lists", "texts are joined by +, such as a + b"
		case strings.Contains(blankQuoted(e.source), "?:"):
			mistake.Hint = syntaxHint("", "?:")
		}
		return e
	}
	if tree.Node.Nature().Type == digestType {
		list.Errorf(e.pos, diag.ExpressionType, "the result is bytes, which are not a text").Hint = "write hex(…) or base64(…) around it"
		return e
	}
	if e.operands == nil {
		if e.program, err = compileProgram(tree, s, r.slices); err != nil {
			e.report(list, diag.InvalidExpression, err)
		}
	}
	return e
}

// noteGaps notes what may be missing of paths that the expression fails without.
func (e *expression) noteGaps(paths []*path, s *Scope) {
	for _, p := range paths {
		gap, _ := p.gap(s)
		if gap == nil {
			continue
		}
		for i := range e.refs {
			if ref := &e.refs[i]; ref.Name == p.name && len(ref.Path) == len(p.steps) && slices.EqualFunc(ref.Path, p.steps, func(name string, s step) bool { return name == s.name }) {
				ref.Gap, ref.Fails = gap, true
			}
		}
	}
}

// check lets expr's checker verify operators and arguments, against the types
// of what the expression reads.
func (e *expression) check(tree *parser.Tree, s *Scope) error {
	env := types.Map{}
	for _, ref := range e.refs {
		env[ref.Name] = s.Names[ref.Name].exprType()
	}
	cfg := newConfig(env)
	if _, err := checker.Check(tree, cfg); err != nil {
		return err
	}
	if e.typ.Kind() == kindAny {
		e.typ = typeOfNature(tree.Node.Nature())
	}
	return nil
}

// newConfig is expr's configuration for one expression. Of its tables of functions,
// which nobody changes, there is one for all.
func newConfig(env any) *conf.Config {
	cfg := *configOfAll
	cfg.WithEnv(env)
	return &cfg
}

var configOfAll = func() *conf.Config {
	cfg := conf.CreateNew()
	cfg.Optimize = false // it may unroll ranges, and fold what our limits watch
	cfg.Functions = declared
	return cfg
}()

// typeOfNature is what is known of an expression's value after plain has seen
// it.
func typeOfNature(n *nature.Nature) Type {
	switch {
	case n.Nil:
		return simple(kindNull)
	case n.IsTime(), n.IsDuration(), n.IsString(), n.IsByteSlice():
		return simple(kindString)
	case n.Type == nil:
		return Type{}
	case n.IsBool():
		return simple(kindBoolean)
	case n.IsFloat:
		return simple(kindNumber)
	}
	switch n.Kind {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return simple(kindInteger)
	case reflect.Slice, reflect.Array:
		return Type{&typeInfo{kind: kindArray}}
	case reflect.Map:
		return Type{&typeInfo{kind: kindObject, open: true}}
	default:
		return Type{}
	}
}

// simpleOperands returns the operands of a path, or of paths and literals
// joined by ??; nil if the expression is more than that.
func simpleOperands(n ast.Node, s *Scope) []operand {
	switch n := n.(type) {
	case *ast.BinaryNode:
		if n.Operator != "??" {
			return nil
		}
		left, right := simpleOperands(n.Left, s), simpleOperands(n.Right, s)
		if left == nil || right == nil {
			return nil
		}
		return append(left, right...)
	case *ast.StringNode:
		return []operand{{literal: n.Value}}
	case *ast.IntegerNode:
		return []operand{{literal: n.Value}}
	case *ast.BoolNode:
		return []operand{{literal: n.Value}}
	}
	if p, ok := pathOf(n, s); ok {
		return []operand{{path: p}}
	}
	return nil
}

// compileProgram compiles for running. Values are untyped there: expr emits
// opcodes for the types it was told, and those panic on a field that happens to
// be missing.
func compileProgram(tree *parser.Tree, s *Scope, maybes map[*ast.SliceNode]bool) (*vm.Program, error) {
	cfg := newConfig(map[string]any{})
	ast.Walk(&tree.Node, &instrument{scope: s, maybes: maybes})
	if _, err := checker.Check(tree, cfg); err != nil {
		return nil, err
	}
	program, err := compiler.Compile(tree, cfg)
	if err != nil {
		// What follows the first line is a stack trace.
		first, _, _ := strings.Cut(err.Error(), "\n")
		return nil, errors.New(first)
	}
	return program, nil
}

// eval returns the value as plain data, or an *Error.
func (e *expression) eval(env Env) (any, error) {
	switch {
	case e.program != nil:
		return e.run(env)
	case e.operands == nil:
		return nil, e.fail(errors.New("it did not compile"))
	}
	for i, o := range e.operands {
		v := o.literal
		if o.path != nil {
			var err error
			if v, err = o.path.eval(env.Names); err != nil {
				return nil, e.fail(err)
			}
		}
		if v != nil || i == len(e.operands)-1 {
			return v, nil
		}
	}
	return nil, nil
}

func (e *expression) run(env Env) (v any, err error) {
	f := &frame{env: env, budget: maxWork}
	defer func() {
		// The VM turns panics into errors; this is for those of our own.
		if r := recover(); r != nil {
			v, err = nil, e.fail(fmt.Errorf("%v", r))
		}
	}()
	machine := vm.VM{MemoryBudget: maxItems}
	v, err = machine.Run(e.program, f)
	if err != nil {
		pos, msg := e.locate(err)
		if f.err != nil {
			return nil, &Error{Pos: pos, Expr: e.source, Err: f.err}
		}
		return nil, &Error{Pos: pos, Expr: e.source, Err: errors.New(msg)}
	}
	if v, err = plain(v, f); err != nil {
		return nil, e.fail(err)
	}
	return v, nil
}

func (e *expression) fail(err error) *Error { return &Error{Pos: e.pos, Expr: e.source, Err: err} }

// locate returns the place in the YAML file that expr complains of, and the
// complaint in our words.
func (e *expression) locate(err error) (diag.Pos, string) {
	var at *file.Error
	if !errors.As(err, &at) {
		return e.pos, inOurWords(err.Error())
	}
	return e.at(at.From), inOurWords(at.Message)
}

// at returns the place of the n-th character of the expression. expr gives some
// nodes no location; those get the beginning.
func (e *expression) at(n int) diag.Pos {
	if n <= 0 {
		return e.pos
	}
	offset := 0
	for ; n > 0 && offset < len(e.piece.Text); n-- {
		_, size := utf8.DecodeRuneInString(e.piece.Text[offset:])
		offset += size
	}
	return e.text.At(e.piece.Offset + offset)
}

// report adds what expr complains of.
func (e *expression) report(list *diag.List, code diag.Code, err error) *diag.Error {
	pos, msg := e.locate(err)
	return list.Errorf(pos, code, "%s", msg)
}

// quoted returns the length of the literal that s begins with, or 0.
func quoted(s string) int {
	quote := s[0]
	if quote != '"' && quote != '\'' && quote != '`' {
		return 0
	}
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quote != '`':
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return len(s)
}

// comment returns the offset of the first "//" outside of quotes, or -1.
func comment(source string) int {
	for i := 0; i < len(source); i++ {
		if n := quoted(source[i:]); n > 0 {
			i += n - 1
		} else if strings.HasPrefix(source[i:], "//") {
			return i
		}
	}
	return -1
}

// depth returns how many brackets are open before the n-th character.
func (e *expression) depth(n int) int {
	runes := []rune(e.piece.Text)
	source := string(runes[:min(n, len(runes))])
	depth := 0
	for i := 0; i < len(source); i++ {
		if n := quoted(source[i:]); n > 0 {
			i += n - 1
			continue
		}
		switch source[i] {
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			depth--
		}
	}
	return depth
}

func (e *expression) syntaxError(list *diag.List, err error) {
	mistake := e.report(list, diag.InvalidExpression, err)
	mistake.Hint = syntaxHint(mistake.Msg, e.source)
	if mark, _ := e.text.Cut(); mark == "#" && e.piece.Offset+len(e.piece.Text) == len(e.text.Value) {
		mistake.Hint = `" #" begins a comment in YAML and cut the expression short; put the whole value in quotes`
	}
}
