package expand

import (
	"github.com/expr-lang/expr/ast"
)

// instrument rewrites a checked expression for running: paths are read by us,
// which is faster and gives better errors; functions that are not deterministic
// or not bounded are replaced by ours; and what may cost much is counted.
// ast.Walk calls Visit on children first.
type instrument struct{ scope *Scope }

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
	case *ast.BinaryNode:
		in.binary(node, n)
	case *ast.BuiltinNode:
		in.builtin(node, n)
	}
}

func (in *instrument) member(node *ast.Node, n *ast.MemberNode) {
	name, fixed := n.Property.(*ast.StringNode)
	if p := readPath(n.Node); p != nil && fixed && !n.Method {
		replace(node, pathNode(p.then(name.Value, n.Optional)))
	}
}

func (in *instrument) binary(node *ast.Node, n *ast.BinaryNode) {
	switch n.Operator {
	case "+":
		if !isLiteral(n.Left) && !isNumber(n.Left) || !isNumber(n.Right) {
			*node = call("$grown", n)
		}
	case "==", "!=":
		// Besides counting, this hides the type: expr's typed comparisons panic
		// on nil.
		if isLiteral(n.Left) || isLiteral(n.Right) {
			weigh("$shallow", &n.Left)
			weigh("$shallow", &n.Right)
			return
		}
		weigh("$deep", &n.Left)
		weigh("$deep", &n.Right)
	case "in":
		weigh("$deep", &n.Right)
	case "<", ">", "<=", ">=", "contains", "startsWith", "endsWith", "matches":
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
}

// weighed are expr's functions whose cost grows with their arguments: with the
// length of texts and lists, with all that is in them, or with the square.
var weighed = map[string]string{
	"trim": "$shallow", "trimPrefix": "$shallow", "trimSuffix": "$shallow", "upper": "$shallow", "lower": "$shallow",
	"indexOf": "$shallow", "lastIndexOf": "$shallow", "hasPrefix": "$shallow", "hasSuffix": "$shallow",
	"toBase64": "$shallow", "fromBase64": "$shallow", "reverse": "$shallow", "concat": "$shallow", "fromPairs": "$shallow",
	"sum": "$shallow", "count": "$shallow", "len": "$length",
	"split": "$bytes", "splitAfter": "$bytes", "sort": "$sorted", "sortBy": "$sorted", "uniq": "$square",
	"toJSON": "$deep", "string": "$deep", "flatten": "$deep", "max": "$deep", "min": "$deep", "mean": "$deep", "median": "$deep",
}

func (in *instrument) builtin(node *ast.Node, n *ast.BuiltinNode) {
	if replaced[n.Name] {
		replace(node, call("$"+n.Name, n.Arguments...))
		return
	}
	function, ok := weighed[n.Name]
	for i := range n.Arguments {
		if _, predicate := n.Arguments[i].(*ast.PredicateNode); ok && !predicate {
			weigh(function, &n.Arguments[i])
		}
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
