package flow

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/spec"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// Signature is what a flow is to those that call it.
type Signature struct {
	Name string
	// Input is the schema of what it is called with; nil takes any object.
	Input map[string]any
	// Codes are those by which it ends, sorted. Any tells that there may be others,
	// made by templates.
	Codes []string
	Any   bool
	// Outputs is the schema of what it gives back, whichever end it comes to.
	Outputs map[string]any
}

// Called returns the trigger by which other flows call this one, or nil.
func (f *Flow) Called() *Node {
	for _, t := range f.Triggers {
		if _, ok := t.Trigger.(*node.Called); ok {
			return t
		}
	}
	return nil
}

// Signature returns what the flow is to those that call it, nil if it has no
// trigger for that.
func (f *Flow) Signature() *Signature {
	t := f.Called()
	if t == nil {
		return nil
	}
	s := &Signature{Name: f.Name}
	if input := t.Trigger.(*node.Called).Input; input != nil {
		s.Input = closed(input.Raw())
	}
	reached := f.graph().reachable([]string{t.ID})
	var all []map[string]any
	plain := false // it may end without a node that says how
	for id := range reached {
		n := f.Nodes[id]
		if n.ending == nil {
			plain = plain || slices.ContainsFunc(n.edges, func(e Edge) bool { return e.To == "" })
			continue
		}
		switch {
		case n.ending.Code != "":
			s.Codes = append(s.Codes, n.ending.Code)
		case n.gives("code"):
			s.Any = true
		}
		all = append(all, n.given(n.ending.Outputs))
	}
	slices.Sort(s.Codes)
	s.Codes = slices.Compact(s.Codes)
	if plain {
		all = append(all, object(map[string]any{}))
	}
	s.Outputs = eitherOf(all)
	return s
}

// closed is a schema that takes no fields but those it declares, unless it says
// otherwise: what is called cannot read any other.
func closed(schema map[string]any) map[string]any {
	for _, keyword := range []string{"additionalProperties", "unevaluatedProperties", "patternProperties", "$ref", "allOf", "anyOf", "oneOf", "if", "dependentSchemas"} {
		if _, said := schema[keyword]; said {
			return schema
		}
	}
	if _, declared := schema["properties"].(map[string]any); !declared {
		return schema
	}
	schema = maps.Clone(schema)
	schema["additionalProperties"] = false
	return schema
}

// gives tells whether a node has an input.
func (n *Node) gives(name string) bool {
	m, _ := n.inputs.(mapInput)
	return slices.Contains(m.keys, name)
}

// given is the schema of what a node has as an input.
func (n *Node) given(name string) map[string]any {
	m, _ := n.inputs.(mapInput)
	if i := slices.Index(m.keys, name); i >= 0 {
		return schemaOf(m.values[i])
	}
	return object(map[string]any{})
}

// schemaOf is the schema of what an input comes to.
func schemaOf(in input) map[string]any {
	switch in := in.(type) {
	case literalInput:
		return expand.TypeOf(in.value).Schema()
	case templateInput:
		return templateSchema(in.t)
	case textInput:
		return text
	case mapInput:
		props, required := map[string]any{}, []any{}
		for i, key := range in.keys {
			props[key] = schemaOf(in.values[i])
			required = append(required, key)
		}
		s := object(props)
		s["required"] = required
		return s
	case listInput:
		return map[string]any{"type": "array"}
	default:
		return map[string]any{}
	}
}

// templateSchema is of what a template comes to. It is nothing where what it
// reads is missing.
func templateSchema(t *expand.Template) map[string]any {
	s := t.Type().Schema()
	gap := slices.ContainsFunc(t.Refs(), func(r expand.Ref) bool { return r.Gap != nil || r.Optional })
	if kind, ok := s["type"].(string); ok && gap {
		s = maps.Clone(s)
		s["type"] = []any{kind, "null"}
	}
	return s
}

// eitherOf is the schema of objects that fit one of several: what not all of them
// have may be missing.
func eitherOf(all []map[string]any) map[string]any {
	props, count := map[string]any{}, map[string]int{}
	for _, s := range all {
		if s["type"] != "object" || s["additionalProperties"] != false {
			return map[string]any{"type": "object", "additionalProperties": true}
		}
		of, _ := s["properties"].(map[string]any)
		for name, p := range of {
			if count[name]++; count[name] == 1 {
				props[name] = p
			} else {
				props[name] = map[string]any{"anyOf": []any{props[name], p}}
			}
		}
	}
	required := []any{}
	for _, name := range slices.Sorted(maps.Keys(props)) {
		if count[name] == len(all) {
			required = append(required, name)
		}
	}
	s := object(props)
	s["required"] = required
	return s
}

// checkCallees holds a node against the flows that it has run, as far as they are
// known: codes by which they end are outcomes where the node routes them.
func (c *compiler) checkCallees(s *spec.Node, n *Node) {
	for _, callee := range n.Callees {
		sig := c.callee(s, n, callee)
		if sig != nil && !c.stored {
			c.giveOutputs(n, callee.Gives, callee.Maybe, sig.Outputs)
		}
		if !callee.Ends {
			continue
		}
		if sig != nil && !c.stored {
			if outputs, err := node.NewSchema(sig.Outputs); err == nil {
				n.Outputs = outputs
			}
		}
		for _, r := range s.Outcomes {
			name := r.Outcome.Value
			if name == "else" || n.Outcomes.Has(name) {
				continue
			}
			if sig != nil && !sig.Any && !slices.Contains(sig.Codes, name) {
				c.list.Errorf(r.Outcome.Pos, diag.UnknownOutcome, "node type %q has no outcome %q, and flow %q does not end with that code", n.Type.Name, name, callee.Flow).
					Hint = diag.Suggest(name, append(n.Outcomes.Names(), sig.Codes...))
			}
			n.Outcomes.All = append(n.Outcomes.All, node.Outcome{Name: name, Doc: fmt.Sprintf("The flow ended with the code %q.", name)})
		}
	}
}

// callee finds what a flow is to the node that calls it, nil if that is not known.
func (c *compiler) callee(s *spec.Node, n *Node, callee node.Callee) *Signature {
	if callee.Flow == "" || c.cfg.Callee == nil || c.stored {
		return nil
	}
	sig, wrong := c.cfg.Callee(callee.Flow)
	if wrong != nil {
		e := c.list.Errorf(yamldoc.ValueAt(s.With, callee.Name, s.ID.Pos), wrong.Code, "%s", wrong.Msg)
		e.Hint, e.Severity = wrong.Hint, wrong.Severity
	}
	if sig != nil {
		if c.callees == nil {
			c.callees = map[string]*Signature{}
		}
		c.callees[calleeKey(n, callee)] = sig
	}
	return sig
}

func calleeKey(n *Node, callee node.Callee) string {
	return n.ID + "/" + strconv.Quote(fmt.Sprint(callee.Input))
}

// inputsOf is the schema of a node's inputs: its type's, with what the flows that
// it calls want in the places of their inputs.
func (c *compiler) inputsOf(n *Node) map[string]any {
	schema := n.Type.Inputs.Raw()
	for _, callee := range n.Callees {
		if sig := c.callees[calleeKey(n, callee)]; sig != nil && sig.Input != nil {
			schema = putSchema(schema, callee.Input, sig.Input)
		}
	}
	return schema
}

// putSchema returns a schema with another in the place of a property. A property
// that the other needs makes it needed too.
func putSchema(schema map[string]any, path []string, inner map[string]any) map[string]any {
	if len(path) == 0 {
		if how, said := schema["x-wend"]; said {
			inner = maps.Clone(inner)
			inner["x-wend"] = how
		}
		return inner
	}
	if schema = maps.Clone(schema); schema == nil {
		schema = map[string]any{}
	}
	props, _ := schema["properties"].(map[string]any)
	if props = maps.Clone(props); props == nil {
		props = map[string]any{}
	}
	at, known := props[path[0]].(map[string]any)
	if !known {
		at, _ = schema["additionalProperties"].(map[string]any)
	}
	props[path[0]] = putSchema(at, path[1:], inner)
	schema["properties"] = props
	if len(asList(inner["required"])) > 0 && !slices.Contains(asList(schema["required"]), any(path[0])) {
		schema["required"] = append(slices.Clone(asList(schema["required"])), path[0])
	}
	return schema
}

// EndlessCalls finds the flows that come to no end without calling one of them
// again, by name, with the mistake where they call.
func EndlessCalls(flows map[string]*Flow) map[string]diag.List {
	endless := map[string]bool{}
	for name, f := range flows {
		endless[name] = f.Called() != nil
	}
	for changed := true; changed; {
		changed = false
		for name, f := range flows {
			if endless[name] && f.endsWithout(endless) {
				endless[name], changed = false, true
			}
		}
	}
	wrong := map[string]diag.List{}
	for name, f := range flows {
		if !endless[name] {
			continue
		}
		var list diag.List
		for _, id := range f.Order {
			n := f.Nodes[id]
			for _, callee := range n.Callees {
				if endless[callee.Flow] {
					list.Errorf(n.Pos, diag.EndlessCalls, "every run of flow %q calls flow %q, and none comes to an end: %s", name, callee.Flow, callPath(flows, endless, name, callee.Flow)).
						Hint = `let a branch of "evaluate" lead past the call`
				}
			}
		}
		wrong[name] = list
	}
	return wrong
}

// endsWithout tells whether a run that is called may end and not call one of
// these flows before. Failures of the host are no such end: they hardly ever come.
func (f *Flow) endsWithout(these map[string]bool) bool {
	seen := map[string]bool{}
	for todo := []string{f.Called().ID}; len(todo) > 0; {
		id := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		n := f.Nodes[id]
		calls := n != nil && slices.ContainsFunc(n.Callees, func(c node.Callee) bool { return these[c.Flow] })
		if n == nil || seen[id] || calls {
			continue
		}
		seen[id] = true
		if n.ending != nil {
			return true
		}
		for _, e := range n.edges {
			switch {
			case e.Kind == KindFault || e.Kind == KindInvalid:
			case e.To == "":
				return true
			default:
				todo = append(todo, e.To)
			}
		}
	}
	return false
}

// callPath writes how a call comes round to a flow that was called before.
func callPath(flows map[string]*Flow, endless map[string]bool, from, to string) string {
	path := []string{from}
	for seen := map[string]bool{from: true}; ; {
		path = append(path, to)
		if seen[to] || len(path) > 10 {
			return strings.Join(path, " → ")
		}
		seen[to] = true
		f := flows[to]
		for _, id := range f.Order {
			if i := slices.IndexFunc(f.Nodes[id].Callees, func(c node.Callee) bool { return endless[c.Flow] }); i >= 0 {
				to = f.Nodes[id].Callees[i].Flow
				break
			}
		}
	}
}
