package expand

import (
	"fmt"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"
)

// path reads a field of a variable or of a node's outputs.
type path struct {
	name  string
	steps []step
}

// step is a field, and whether the value that has it may be nil.
type step struct {
	name     string
	optional bool
}

// pathOf returns the path that an expression consists of.
func pathOf(n ast.Node, s *Scope) (*path, bool) {
	switch n := n.(type) {
	case *ast.IdentifierNode:
		_, ok := s.Names[n.Value]
		return &path{name: n.Value}, ok
	case *ast.ChainNode:
		return pathOf(n.Node, s)
	case *ast.MemberNode:
		name, fixed := n.Property.(*ast.StringNode)
		if !fixed || n.Method {
			return nil, false
		}
		p, ok := pathOf(n.Node, s)
		if !ok {
			return nil, false
		}
		return p.then(name.Value, n.Optional), true
	default:
		return nil, false
	}
}

// then returns the path to a field of what p reads.
func (p *path) then(field string, optional bool) *path {
	steps := append(slices.Clip(p.steps), step{field, optional})
	return &path{name: p.name, steps: steps}
}

// eval reads the path. A missing last field is nil; a field of nil or of
// something that is no object is an error.
func (p *path) eval(names map[string]any) (any, error) {
	v := names[p.name]
	for i, s := range p.steps {
		object, ok := v.(map[string]any)
		switch {
		case ok:
			v = object[s.name]
		case v == nil && s.optional:
			return nil, nil
		case v == nil:
			return nil, fmt.Errorf("%s is nil and has no field %q; give a default with ?? or read it with ?.%s", p.upTo(i), s.name, s.name)
		default:
			return nil, fmt.Errorf("%s is %s and has no field %q", p.upTo(i), TypeOf(v), s.name)
		}
	}
	return v, nil
}

// gap returns the first part of the path that may be missing, and whether
// reading goes on behind it as if it were not.
func (p *path) gap(s *Scope) (at []string, through bool) {
	t := s.Names[p.name]
	for i, step := range p.steps {
		if t.info != nil && t.info.gaps[step.name] != 0 {
			for _, before := range p.steps[:i+1] {
				at = append(at, before.name)
			}
			return at, i+1 < len(p.steps) && !p.steps[i+1].optional
		}
		t, _ = t.Field(step.name)
	}
	return nil, false
}

// upTo writes the path before its i-th step.
func (p *path) upTo(i int) string {
	var b strings.Builder
	b.WriteString(p.name)
	for _, s := range p.steps[:i] {
		b.WriteString("." + s.name)
	}
	return b.String()
}
