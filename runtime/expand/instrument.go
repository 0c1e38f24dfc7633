package expand

import (
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/wendflow/wend/runtime/pattern"
)

// instrument rewrites a checked expression for running: paths are read by us,
// which is faster and gives better errors; functions that are not deterministic
// or not bounded are replaced by ours; and what may cost much is counted.
// ast.Walk calls Visit on children first.
type instrument struct {
	scope  *Scope
	maybes map[*ast.SliceNode]bool // slices of what may be nil
}

func (in *instrument) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.IdentifierNode:
		if _, ok := in.scope.Names[n.Value]; ok {
			replace(node, pathNode(&path{name: n.Value}))
		}
	case *ast.MemberNode:
		in.member(node, n)
	case *ast.ChainNode:
		if p := readPath(n.Node); p != nil {
			replace(node, pathNode(p))
		}
	case *ast.PredicateNode:
		n.Node = call("$tick", n.Node)
	case *ast.SliceNode:
		in.slice(node, n)
	case *ast.MapNode:
		in.object(node, n)
	case *ast.CallNode:
		in.call(node, n)
	case *ast.UnaryNode:
		if n.Operator == "-" && !isLiteral(n.Node) {
			replace(node, call("$negate", n.Node))
		}
	case *ast.BinaryNode:
		in.binary(node, n)
	case *ast.BuiltinNode:
		in.builtin(node, n)
	}
}

func (in *instrument) member(node *ast.Node, n *ast.MemberNode) {
	name, fixed := n.Property.(*ast.StringNode)
	switch p := readPath(n.Node); {
	case p != nil && fixed && !n.Method:
		replace(node, pathNode(p.then(name.Value, n.Optional)))
	case fixed:
		n.Optional = n.Optional || isCall(n.Node, "$indexIfAny") // it stands in the chain of that ?.
	case n.Optional:
		replace(node, call("$indexIfAny", n.Node, n.Property))
	default:
		replace(node, call("$index", n.Node, n.Property))
	}
}

func isCall(n ast.Node, function string) bool {
	c, ok := n.(*ast.CallNode)
	if !ok {
		return false
	}
	callee, ok := c.Callee.(*ast.IdentifierNode)
	return ok && callee.Value == function
}

func (in *instrument) slice(node *ast.Node, n *ast.SliceNode) {
	limit := func(n ast.Node) ast.Node {
		if n == nil {
			return &ast.NilNode{}
		}
		return n
	}
	function := "$slice"
	if in.maybes[n] {
		function = "$sliceIfAny"
	}
	replace(node, call(function, n.Node, limit(n.From), limit(n.To)))
}

// object takes over maps whose keys are not all fixed: of two equal keys expr
// drops one.
func (in *instrument) object(node *ast.Node, n *ast.MapNode) {
	var args []ast.Node
	fixed := true
	for _, p := range n.Pairs {
		pair := p.(*ast.PairNode)
		if _, ok := pair.Key.(*ast.StringNode); !ok {
			fixed = false
		}
		args = append(args, pair.Key, pair.Value)
	}
	if !fixed {
		replace(node, call("$object", args...))
	}
}

// call gives our functions the frame.
func (in *instrument) call(node *ast.Node, n *ast.CallNode) {
	callee, ok := n.Callee.(*ast.IdentifierNode)
	if !ok {
		return
	}
	if strings.HasPrefix(callee.Value, "$") && declared["$"+callee.Value] != nil {
		replace(node, call("$"+callee.Value, n.Arguments...))
	}
}

func (in *instrument) binary(node *ast.Node, n *ast.BinaryNode) {
	if function, ok := operators[n.Operator]; ok {
		replace(node, call(function, n.Left, n.Right))
		return
	}
	switch n.Operator {
	case "matches":
		if text, fixed := n.Right.(*ast.StringNode); fixed {
			if p, err := pattern.Compile(text.Value); err == nil { // else the resolver has said so
				n.Right = &ast.ConstantNode{Value: p}
			}
		}
		replace(node, call("$matches", n.Left, n.Right))
	case "<", ">", "<=", ">=", "contains", "startsWith", "endsWith":
		weigh("$shallow", &n.Left)
		weigh("$shallow", &n.Right)
	}
}

// weigh counts the size of an operand that is not a literal.
func weigh(function string, node *ast.Node) {
	if !isLiteral(*node) {
		*node = call(function, *node)
	}
}

func isLiteral(n ast.Node) bool {
	switch n.(type) {
	case *ast.StringNode, *ast.BoolNode, *ast.NilNode:
		return true
	default:
		return isNumber(n)
	}
}

func isNumber(n ast.Node) bool {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		return true
	default:
		return false
	}
}

// replaced are expr's functions that ours stand in for.
var replaced = map[string]bool{
	"now": true, "date": true, "timezone": true,
	"keys": true, "values": true, "toPairs": true, "fromJSON": true,
	"repeat": true, "replace": true, "join": true,
	"abs": true, "bitshl": true, "int": true, "float": true, "round": true, "floor": true, "ceil": true, "string": true, "toJSON": true,
	"type": true, "duration": true, "fromBase64": true, "indexOf": true, "lastIndexOf": true, "first": true, "last": true, "get": true,
}

// weighed are expr's functions whose cost grows with their arguments: with the
// length of texts and lists, with all that is in them, or with the square.
var weighed = map[string]string{
	"trim": "$shallow", "trimPrefix": "$shallow", "trimSuffix": "$shallow", "upper": "$shallow", "lower": "$shallow",
	"hasPrefix": "$shallow", "hasSuffix": "$shallow",
	"toBase64": "$shallow", "reverse": "$shallow", "concat": "$shallow", "fromPairs": "$shallow",
	"count": "$shallow", "len": "$length",
	"split": "$bytes", "splitAfter": "$bytes", "sort": "$sorted", "sortBy": "$sorted", "uniq": "$square",
	"flatten": "$deep", "max": "$deep", "min": "$deep", "mean": "$deep", "median": "$deep",
}

func (in *instrument) builtin(node *ast.Node, n *ast.BuiltinNode) {
	if replaced[n.Name] {
		replace(node, call("$"+n.Name, n.Arguments...))
		return
	}
	if n.Name == "sum" {
		list := n.Arguments[0]
		if len(n.Arguments) > 1 {
			list = &ast.BuiltinNode{Name: "map", Arguments: n.Arguments}
		}
		replace(node, call("$sum", list))
		return
	}
	function, ok := weighed[n.Name]
	for i := range n.Arguments {
		if _, predicate := n.Arguments[i].(*ast.PredicateNode); ok && !predicate {
			weigh(function, &n.Arguments[i])
		}
	}
	if n.Name == "groupBy" || n.Name == "fromPairs" {
		replace(node, call("$plain", n)) // keys become texts
	}
}

// call makes a call of one of our functions; the first argument is the frame,
// which expr knows as $env.
func call(function string, args ...ast.Node) *ast.CallNode {
	n := &ast.CallNode{
		Callee:    &ast.IdentifierNode{Value: function},
		Arguments: append([]ast.Node{&ast.IdentifierNode{Value: "$env"}}, args...),
	}
	if len(args) > 0 {
		n.SetLocation(args[0].Location())
	}
	return n
}

func pathNode(p *path) *ast.CallNode { return call("$path", &ast.ConstantNode{Value: p}) }

// readPath returns the path of a node that pathNode made.
func readPath(n ast.Node) *path {
	c, ok := n.(*ast.CallNode)
	if !ok || len(c.Arguments) != 2 {
		return nil
	}
	constant, ok := c.Arguments[1].(*ast.ConstantNode)
	if !ok {
		return nil
	}
	p, _ := constant.Value.(*path)
	return p
}

// replace puts n at the place of another node.
func replace(node *ast.Node, n ast.Node) {
	n.SetLocation((*node).Location())
	*node = n
}
