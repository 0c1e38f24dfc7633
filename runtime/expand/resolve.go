package expand

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/file"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/pattern"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// resolver finds out what every name and field of an expression means, and
// reports those that mean nothing. It leaves operators and arguments to expr's
// checker. On its way it makes everything left of ?? optional.
type resolver struct {
	scope  *Scope
	expr   *expression
	list   *diag.List
	failed bool

	lets  []binding
	items []Type            // of the predicates around
	maybe map[ast.Node]bool // names that may be nil although they have no ?.

	told   map[int]bool            // where names with "-" begin of which something was said
	slices map[*ast.SliceNode]bool // slices of what may be nil
	// fails are the paths without which the expression fails: they are computed or
	// ordered with, or are what a function cannot do without. chooses tells that the
	// expression decides what of it counts, so that nothing is known of that.
	fails   []*path
	chooses bool
}

// binding is a name bound by let.
type binding struct {
	name string
	typ  Type
}

// visit returns the type of a node if it is a name, a field or a literal, or
// may have fields; else any, and expr's checker knows more.
func (r *resolver) visit(node *ast.Node) Type {
	switch n := (*node).(type) {
	case *ast.StringNode:
		return simple(kindString)
	case *ast.IntegerNode:
		return simple(kindInteger)
	case *ast.BoolNode:
		return simple(kindBoolean)
	case *ast.IdentifierNode:
		return r.identifier(n)
	case *ast.ChainNode:
		return r.visit(&n.Node)
	case *ast.MemberNode:
		return r.member(node, n)
	case *ast.BinaryNode:
		if n.Operator == "??" {
			r.makeOptional(&n.Left)
		}
		switch n.Operator {
		case "+", "-", "*", "/", "%", "**", "^", "<", "<=", ">", ">=", "..":
			r.needs(n.Left)
			r.needs(n.Right)
		case "??", "&&", "||", "and", "or":
			r.chooses = true
		}
		r.mixed(n)
		r.visit(&n.Left)
		r.visit(&n.Right)
		r.pattern(n)
	case *ast.UnaryNode:
		r.needs(n.Node)
		r.visit(&n.Node)
	case *ast.SliceNode:
		return r.slice(n)
	case *ast.CallNode:
		r.call(n)
	case *ast.BuiltinNode:
		return r.builtin(node, n)
	case *ast.PredicateNode:
		r.visit(&n.Node)
	case *ast.PointerNode:
		if n.Name == "" && len(r.items) > 0 {
			return r.items[len(r.items)-1]
		}
	case *ast.VariableDeclaratorNode:
		return r.let(n)
	case *ast.SequenceNode:
		r.visitAll(n.Nodes)
	case *ast.ConditionalNode:
		r.chooses = true
		n.SetLocation(n.Cond.Location()) // expr's is behind the expression, or none
		r.visit(&n.Cond)
		r.visit(&n.Exp1)
		r.visit(&n.Exp2)
	case *ast.ArrayNode:
		r.visitAll(n.Nodes)
	case *ast.MapNode:
		r.object(n)
	case *ast.PairNode:
		r.visit(&n.Key)
		r.visit(&n.Value)
	}
	return Type{}
}

// object reports a key that stands twice: one of the values would be lost.
func (r *resolver) object(n *ast.MapNode) {
	seen := map[string]bool{}
	for _, p := range n.Pairs {
		key, ok := p.(*ast.PairNode).Key.(*ast.StringNode)
		if ok && seen[key.Value] {
			r.misleads(key.Location(), "the key %q stands twice", key.Value)
		}
		if ok {
			seen[key.Value] = true
		}
	}
	r.visitAll(n.Pairs)
}

// mixed reports an operator with ?? on its right that is in no parentheses.
// expr reports the other side itself.
func (r *resolver) mixed(n *ast.BinaryNode) {
	right, ok := n.Right.(*ast.BinaryNode)
	if !ok || n.Operator == "??" || right.Operator != "??" {
		return
	}
	if r.expr.depth(n.Location().From) == r.expr.depth(right.Location().From) {
		r.misleads(right.Location(), `"??" cannot be mixed with %q; put parentheses around it`, n.Operator)
	}
}

// pattern refuses one that cannot be run, before expr would try.
func (r *resolver) pattern(n *ast.BinaryNode) {
	text, fixed := n.Right.(*ast.StringNode)
	if n.Operator != "matches" || !fixed {
		return
	}
	var wrong *pattern.Error
	if _, err := pattern.Compile(text.Value); errors.As(err, &wrong) {
		r.errorf(text.Location(), diag.ExpressionType, "%s", wrong).Hint = wrong.Hint
	}
}

func (r *resolver) visitAll(nodes []ast.Node) {
	for i := range nodes {
		r.visit(&nodes[i])
	}
}

func (r *resolver) errorf(at file.Location, code diag.Code, format string, a ...any) *diag.Error {
	r.failed = true
	return r.list.Errorf(r.expr.at(at.From), code, format, a...)
}

// misleads reports what compiles, but hardly into what was meant.
func (r *resolver) misleads(at file.Location, format string, a ...any) {
	r.list.Errorf(r.expr.at(at.From), diag.MisleadingExpression, format, a...)
}

func (r *resolver) identifier(n *ast.IdentifierNode) Type {
	for _, b := range slices.Backward(r.lets) {
		if b.name == n.Value {
			return b.typ
		}
	}
	typ, ok := r.scope.Names[n.Value]
	if !ok {
		r.unknownName(n)
		return Type{}
	}
	r.reference(n, nil)
	return typ
}

// dashes are names with "-" in them, as headers and other products have them.
var dashes = regexp.MustCompile(`[A-Za-z_][\w.]*(?:-[A-Za-z]\w*)+`)

// dashed says how to read a name with "-" in it, of which one part stands at a place,
// and whether it has said so of another part already.
func (r *resolver) dashed(at file.Location) (hint string, told bool) {
	source := r.expr.piece.Text
	runes := []rune(source)
	from := len(string(runes[:min(at.From, len(runes))]))
	for _, span := range dashes.FindAllStringIndex(source, -1) {
		if from < span[0] || from >= span[1] {
			continue
		}
		name := source[span[0]:span[1]]
		told = r.told[span[0]]
		if r.told == nil {
			r.told = map[int]bool{}
		}
		r.told[span[0]] = true
		if root, header, ok := strings.Cut(name, ".headers."); ok {
			return fmt.Sprintf(`names of headers are in small letters, with "_" for "-": write %s.headers.%s`, root, strings.ToLower(strings.ReplaceAll(header, "-", "_"))), told
		}
		dot := strings.LastIndexByte(name, '.')
		if dot < 0 {
			return `"-" subtracts, and no name has it`, told
		}
		return fmt.Sprintf(`"-" subtracts; a field with it in its name is read as %s["%s"]`, name[:dot], name[dot+1:]), told
	}
	return "", false
}

// secretive are names under which people look for secrets.
var secretive = map[string]bool{"secret": true, "secrets": true, "env": true, "connection": true, "connections": true, "credentials": true}

func (r *resolver) unknownName(n *ast.IdentifierNode) {
	hint, told := r.dashed(n.Location())
	if told {
		r.failed = true
		return
	}
	e := r.errorf(n.Location(), diag.UnknownReference, "no variable or node %q", n.Value)
	_, isFunction := functionNames[n.Value]
	switch {
	case hint != "":
		e.Hint = hint
	case n.Value == "null" || n.Value == "undefined" || n.Value == "none" || n.Value == "None":
		e.Hint = `did you mean "nil"?`
	case secretive[n.Value]:
		e.Hint = `templates read no secrets and nothing of wend.yaml but its variables; a secret of a connection goes into a call by the input "secrets" of "http"`
	case isFunction:
		e.Hint = fmt.Sprintf(`did you mean "%s(…)"?`, n.Value)
	case diag.Nearest(n.Value, r.scope.names()) == "" && namesElsewhere[strings.ToLower(n.Value)] != "":
		e.Hint = namesElsewhere[strings.ToLower(n.Value)]
	default:
		e.Hint = diag.Suggest(n.Value, r.scope.names())
	}
}

// reference notes that the expression reads steps of a name.
func (r *resolver) reference(root *ast.IdentifierNode, steps []step) {
	ref := Ref{Name: root.Value, Pos: r.expr.at(root.Location().From), Optional: r.maybe[root]}
	for i, s := range steps {
		ref.Path = append(ref.Path, s.name)
		if i == 0 && s.optional {
			ref.Optional = true
		}
	}
	r.expr.refs = append(r.expr.refs, ref)
}

func (r *resolver) member(node *ast.Node, n *ast.MemberNode) Type {
	if p, ok := pathOf(n, r.scope); ok {
		r.reference(rootOf(n), p.steps)
		return r.fields(n)
	}
	base := r.visit(&n.Node)
	name, fixed := n.Property.(*ast.StringNode)
	if !fixed {
		if !n.Optional {
			r.needs(n.Node)
		}
		r.visit(&n.Property)
		if base.Kind() == kindString && !n.Optional {
			return character(node, "$character", n.Node, n.Property)
		}
		return base.Elem()
	}
	return r.field(base, r.describe(n.Node), name)
}

// character reads one of a text, of which expr's checker knows nothing.
func character(node *ast.Node, function string, text, at ast.Node) Type {
	c := &ast.CallNode{Callee: &ast.IdentifierNode{Value: function}, Arguments: []ast.Node{text, at}}
	replace(node, c)
	return simple(kindString)
}

// describe names what an expression yields, as the author would.
func (r *resolver) describe(n ast.Node) string {
	if p, ok := pathOf(n, r.scope); ok {
		return p.upTo(len(p.steps))
	}
	switch n := n.(type) {
	case *ast.PointerNode:
		return "the item"
	case *ast.IdentifierNode:
		return n.Value
	case *ast.MemberNode:
		if p, ok := pathOf(n.Node, r.scope); ok {
			return "the items of " + p.upTo(len(p.steps))
		}
	}
	return "the value"
}

// subject names what a function is called for, "" if that has no name.
func (r *resolver) subject(n ast.Node) string {
	if p, ok := pathOf(n, r.scope); ok {
		return p.upTo(len(p.steps))
	}
	return ""
}

func rootOf(n ast.Node) *ast.IdentifierNode {
	for {
		switch m := n.(type) {
		case *ast.MemberNode:
			n = m.Node
		case *ast.ChainNode:
			n = m.Node
		default:
			return n.(*ast.IdentifierNode)
		}
	}
}

// fields checks the fields of a path from its root on, and reports the first
// that cannot be.
func (r *resolver) fields(n ast.Node) Type {
	switch n := n.(type) {
	case *ast.ChainNode:
		return r.fields(n.Node)
	case *ast.MemberNode:
		base := r.fields(n.Node)
		if r.failed {
			return Type{}
		}
		p, _ := pathOf(n.Node, r.scope)
		return r.field(base, p.upTo(len(p.steps)), n.Property.(*ast.StringNode))
	default:
		return r.scope.Names[n.(*ast.IdentifierNode).Value]
	}
}

// field returns the type of a field of base, which the author calls what.
func (r *resolver) field(base Type, what string, name *ast.StringNode) Type {
	typ, ok := base.Field(name.Value)
	if ok || base.Kind() == kindNull {
		return typ
	}
	switch base.Kind() {
	case kindObject:
		mistake := r.errorf(name.Location(), diag.UnknownField, "no field %q in %s", name.Value, what)
		mistake.Hint, _ = r.dashed(name.Location())
		mistake.Hint = cmp.Or(mistake.Hint, diag.Suggest(name.Value, base.Fields()))
	case kindArray:
		mistake := r.errorf(name.Location(), diag.UnknownField, "%s is an array and has no field %q", what, name.Value)
		if mistake.Hint = fieldElsewhere(name.Value, what); mistake.Hint == "" {
			mistake.Hint = fmt.Sprintf("read an item with %s[0], or all with map(%s, .%s)", what, what, name.Value)
		}
	default:
		mistake := r.errorf(name.Location(), diag.UnknownField, "%s is %s and has no field %q", what, base, name.Value)
		if base.Kind() == kindString {
			mistake.Hint = fieldElsewhere(name.Value, what)
		}
	}
	return Type{}
}

func (r *resolver) slice(n *ast.SliceNode) Type {
	if !r.slices[n] {
		r.needs(n.Node)
	}
	base := r.visit(&n.Node)
	if n.From != nil {
		r.visit(&n.From)
	}
	if n.To != nil {
		r.visit(&n.To)
	}
	return base
}

func (r *resolver) let(n *ast.VariableDeclaratorNode) Type {
	if _, ok := r.scope.Names[n.Name]; ok {
		r.errorf(n.Location(), diag.InvalidExpression, "%q is a variable or node of the flow already", n.Name)
	}
	r.lets = append(r.lets, binding{n.Name, r.visit(&n.Value)})
	typ := r.visit(&n.Expr)
	r.lets = r.lets[:len(r.lets)-1]
	return typ
}

// call resolves a function that is not expr's own, or a method.
func (r *resolver) call(n *ast.CallNode) {
	r.visitAll(n.Arguments)
	switch callee := n.Callee.(type) {
	case *ast.IdentifierNode:
		if _, ok := r.scope.Names[callee.Value]; ok {
			r.errorf(callee.Location(), diag.UnknownFunction, "%q is a value, not a function", callee.Value)
			return
		}
		if _, ok := textFunctions[callee.Value]; ok {
			for _, a := range n.Arguments {
				r.needs(a)
			}
			callee.Value = "$" + callee.Value
			return
		}
		mistake := r.errorf(callee.Location(), diag.UnknownFunction, "no function %q", callee.Value)
		subject := ""
		if len(n.Arguments) > 0 {
			subject = r.subject(n.Arguments[0])
		}
		if mistake.Hint = functionElsewhere(callee.Value, subject); mistake.Hint == "" {
			mistake.Hint = didYouMean(callee.Value, slices.Sorted(maps.Keys(functionNames)))
		}
	case *ast.MemberNode:
		r.method(callee)
	default:
		r.errorf(n.Location(), diag.UnknownFunction, "only functions can be called")
	}
}

// method checks a call such as now().Format(…). Only times and durations have
// methods, and none of them comes from data.
func (r *resolver) method(callee *ast.MemberNode) {
	name, ok := callee.Property.(*ast.StringNode)
	if !ok {
		r.errorf(callee.Location(), diag.UnknownFunction, "only functions can be called")
		return
	}
	if p, ok := pathOf(callee.Node, r.scope); ok {
		subject := p.upTo(len(p.steps))
		mistake := r.errorf(name.Location(), diag.UnknownFunction, "%s is data and has no function %q", subject, name.Value)
		if _, ours := functionNames[name.Value]; ours {
			mistake.Hint = fmt.Sprintf("here that is %s(%s)", name.Value, subject)
		} else {
			mistake.Hint = functionElsewhere(name.Value, subject)
		}
		return
	}
	r.visit(&callee.Node)
	if !slices.Contains(methods, name.Value) {
		mistake := r.errorf(name.Location(), diag.UnknownFunction, "times and durations have no function %q", name.Value)
		mistake.Hint = didYouMean(name.Value, methods)
	}
}

// methods of times and durations that depend on nothing else.
var methods = []string{
	"Add", "AddDate", "After", "Before", "Compare", "Day", "Equal", "Format", "Hour", "Hours", "In", "IsZero",
	"Microseconds", "Milliseconds", "Minute", "Minutes", "Month", "Nanosecond", "Nanoseconds", "Round", "Second", "Seconds",
	"String", "Sub", "Truncate", "UTC", "Unix", "UnixMicro", "UnixMilli", "UnixNano", "Weekday", "Year", "YearDay",
}

func (r *resolver) builtin(node *ast.Node, n *ast.BuiltinNode) Type {
	var list Type
	for i := range n.Arguments {
		if _, ok := n.Arguments[i].(*ast.PredicateNode); ok {
			r.items = append(r.items, list.Elem())
			r.visit(&n.Arguments[i])
			r.items = r.items[:len(r.items)-1]
			continue
		}
		if typ := r.visit(&n.Arguments[i]); i == 0 {
			list = typ
		}
	}
	r.constant(n)
	if len(n.Arguments) > 0 && slices.Contains(needing, n.Name) {
		r.needs(n.Arguments[0])
	}
	switch n.Name {
	case "filter", "sortBy", "sort", "reverse", "take", "uniq":
		return list
	case "get":
		if len(n.Arguments) == 2 && list.Kind() == kindString {
			return character(node, "$characterIfAny", n.Arguments[0], n.Arguments[1])
		}
		return r.get(n, list)
	case "first", "last", "find", "findLast":
		return list.Elem()
	case "string", "upper", "lower", "trim", "trimPrefix", "trimSuffix", "replace", "repeat", "join", "toJSON", "toBase64", "fromBase64":
		return simple(kindString)
	default:
		return Type{}
	}
}

// needing are expr's functions that fail without a first argument.
var needing = []string{
	"string", "upper", "lower", "trim", "trimPrefix", "trimSuffix", "split", "splitAfter", "replace", "repeat",
	"join", "indexOf", "lastIndexOf", "hasPrefix", "hasSuffix", "toBase64", "fromBase64", "fromJSON", "int", "float", "len",
	"abs", "ceil", "floor", "round", "sum", "mean", "median", "max", "min",
	"all", "any", "none", "one", "filter", "map", "count", "find", "findIndex", "findLast", "findLastIndex", "groupBy", "sortBy", "reduce",
	"reverse", "uniq", "take", "concat", "keys", "values", "toPairs",
}

// needs notes a path without whose value the expression fails.
func (r *resolver) needs(n ast.Node) {
	if p, ok := pathOf(n, r.scope); ok {
		r.fails = append(r.fails, p)
	}
}

// constant reports a text that its function will refuse in every run.
func (r *resolver) constant(n *ast.BuiltinNode) {
	if len(n.Arguments) == 0 {
		return
	}
	text, ok := n.Arguments[0].(*ast.StringNode)
	if !ok {
		return
	}
	var err error
	switch n.Name {
	case "duration":
		_, err = yamldoc.ParseDuration(text.Value)
	case "timezone":
		_, err = location(text.Value)
	case "fromJSON":
		_, err = data.DecodeJSON([]byte(text.Value))
	}
	if err != nil {
		r.misleads(text.Location(), "%s: %s", n.Name, err)
	}
}

func (r *resolver) get(n *ast.BuiltinNode, base Type) Type {
	if len(n.Arguments) != 2 {
		return Type{} // the checker says so
	}
	if name, ok := n.Arguments[1].(*ast.StringNode); ok {
		return r.field(base, r.describe(n.Arguments[0]), name)
	}
	return base.Elem()
}

// makeOptional lets the left side of ?? be nil anywhere on its way. An index
// becomes get(), which knows no "out of range".
func (r *resolver) makeOptional(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if r.maybe == nil {
			r.maybe = map[ast.Node]bool{}
		}
		r.maybe[n] = true
	case *ast.ChainNode:
		r.makeOptional(&n.Node)
		if _, nested := n.Node.(*ast.ChainNode); nested {
			*node = n.Node
		}
	case *ast.MemberNode:
		*node = r.optionalMember(n)
	case *ast.SliceNode:
		r.makeOptional(&n.Node)
		if r.slices == nil {
			r.slices = map[*ast.SliceNode]bool{}
		}
		r.slices[n] = true
	case *ast.ConditionalNode:
		r.makeOptional(&n.Exp1)
		r.makeOptional(&n.Exp2)
	case *ast.BinaryNode:
		if n.Operator == "??" {
			r.makeOptional(&n.Right)
		}
	}
}

func (r *resolver) optionalMember(n *ast.MemberNode) ast.Node {
	r.makeOptional(&n.Node)
	if inner, ok := n.Node.(*ast.ChainNode); ok {
		n.Node = inner.Node
	}
	var out ast.Node
	if _, fixed := n.Property.(*ast.StringNode); fixed {
		n.Optional = true
		out = &ast.ChainNode{Node: n}
	} else {
		base := n.Node
		if m, ok := base.(*ast.MemberNode); ok {
			base = &ast.ChainNode{Node: m}
			base.SetLocation(m.Location())
		}
		out = &ast.BuiltinNode{Name: "get", Arguments: []ast.Node{base, n.Property}}
	}
	out.SetLocation(n.Location())
	return out
}

// functionNames are the functions that templates may call.
var functionNames = func() map[string]bool {
	names := map[string]bool{}
	for name := range textFunctions {
		names[name] = true
	}
	for _, f := range builtin.Builtins {
		names[f.Name] = true
	}
	return names
}()

// didYouMean is diag.Suggest for names too many to list.
func didYouMean(name string, known []string) string {
	if near := diag.Nearest(name, known); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return ""
}
