// Package spec reads the YAML of a flow into a Flow whose every text knows its
// place in the file. It checks the shape, keys, names and durations, and tells
// of what YAML silently misreads; it knows no node type and compiles no
// template.
package spec

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/wendflow/wend/runtime/diag"
)

// Parse reads a flow. It collects every mistake and warning; the flow holds all
// that could be understood, and is nil only if src is not YAML at all. With an
// error among the mistakes the flow is good for more checks, not for runs.
func Parse(file string, src []byte) (*Flow, diag.List) {
	text := strings.TrimPrefix(string(src), "\ufeff")
	p := &parser{src: newSource(file, text)}
	root := p.yaml()
	if root == nil {
		return nil, p.list
	}
	flow := &Flow{File: file, Source: bytes.Clone(src)}
	p.flow(flow, root)
	p.similarNames(flow)
	return flow, p.list
}

// parser turns YAML nodes into the syntax tree and collects what is wrong.
type parser struct {
	src   *source
	list  diag.List
	depth int
}

func (p *parser) flow(f *Flow, root *yaml.Node) {
	p.object(root, "a flow", map[string]string{"name": "flow", "id": "flow", "steps": "nodes", "states": "nodes", "tasks": "nodes", "vars": "variables"}, []field{
		{"flow", true, func(_ Text, n *yaml.Node) { f.Name = p.name(n) }},
		{"description", false, func(key Text, n *yaml.Node) { f.Description = p.optionalText(key, n) }},
		{"timeout", false, func(key Text, n *yaml.Node) { f.Timeout = p.duration(key, n, positive) }},
		{"durable", false, func(key Text, n *yaml.Node) { f.Durable = p.boolean(key, n) }},
		{"variables", false, func(key Text, n *yaml.Node) { f.Variables = p.variables(key, n) }},
		{"defaults", false, func(key Text, n *yaml.Node) { f.Defaults = p.defaults(key, n) }},
		{"nodes", true, func(key Text, n *yaml.Node) { f.Nodes = p.nodes(key, n) }},
	})
}

func (p *parser) name(n *yaml.Node) Text {
	t := p.wantText(Text{Value: "flow"}, n)
	if t.Given() && !isKebabCase(t.Value) {
		mistake := p.list.Errorf(t.Pos, diag.InvalidName, "flow name %q is not kebab-case", t.Value)
		mistake.Hint = `expected lower-case words joined by "-", such as "sms-end-task"`
	}
	return t
}

func (p *parser) variables(key Text, n *yaml.Node) []Variable {
	var vars []Variable
	for _, e := range p.entries(key, n, "names to values") {
		p.checkName(e.key, "variable", isIdentifier(e.key.Value) || isDigits(e.key.Value))
		vars = append(vars, Variable{Name: e.key, Value: p.value(e.value)})
	}
	return vars
}

func (p *parser) defaults(key Text, n *yaml.Node) (d Defaults) {
	if isNull(n) {
		return d
	}
	p.object(n, quoted(key), nil, []field{
		{"timeout", false, func(key Text, n *yaml.Node) { d.Timeout = p.duration(key, n, positive) }},
		{"retry", false, func(key Text, n *yaml.Node) { d.Retry = p.retry(key, n) }},
		{"outcomes", false, func(key Text, n *yaml.Node) { d.Outcomes = p.outcomes(key, n) }},
	})
	return d
}

func (p *parser) nodes(key Text, n *yaml.Node) []Node {
	entries := p.entries(key, n, "ids to nodes")
	if len(entries) == 0 && (n.Kind == yaml.MappingNode || isNull(n)) {
		p.list.Errorf(p.pos(n), diag.EmptyValue, "the flow has no nodes")
	}
	var nodes []Node
	for _, e := range entries {
		p.checkName(e.key, "node", isIdentifier(e.key.Value))
		nodes = append(nodes, p.node(e.key, e.value))
	}
	return nodes
}

// nodeKeys are what other products call the keys of a node.
var nodeKeys = map[string]string{
	"on": "outcomes", "outcome": "outcomes", "then": "next", "goto": "next", "transition": "next",
	"input": "with", "inputs": "with", "args": "with", "parameters": "with", "params": "with",
	"uses": "type", "kind": "type", "action": "type", "authorization": "connection", "auth": "connection",
	"retries": "retry", "label": "name", "title": "name",
}

func (p *parser) node(id Text, n *yaml.Node) Node {
	node := Node{ID: id}
	p.object(n, "node "+quoted(id), nodeKeys, []field{
		{"name", false, func(key Text, n *yaml.Node) { node.Name = p.optionalText(key, n) }},
		{"type", true, func(key Text, n *yaml.Node) { node.Type = p.wantText(key, n) }},
		{"connection", false, func(key Text, n *yaml.Node) { node.Connection = p.wantText(key, n) }},
		{"with", false, func(key Text, n *yaml.Node) { node.With = p.with(key, n) }},
		{"timeout", false, func(key Text, n *yaml.Node) { node.Timeout = p.duration(key, n, positive) }},
		{"retry", false, func(key Text, n *yaml.Node) { node.Retry = p.retry(key, n) }},
		{"next", false, func(key Text, n *yaml.Node) { node.Next = p.wantText(key, n) }},
		{"outcomes", false, func(key Text, n *yaml.Node) { node.Outcomes = p.outcomes(key, n) }},
	})
	return node
}

func (p *parser) with(key Text, n *yaml.Node) Value {
	if isNull(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		p.wrongType(n, quoted(key), "a mapping from inputs to values")
		return nil
	}
	return p.value(n)
}

func (p *parser) outcomes(key Text, n *yaml.Node) []Route {
	var routes []Route
	for _, e := range p.entries(key, n, "outcomes to nodes") {
		routes = append(routes, Route{Outcome: e.key, Target: p.wantText(e.key, e.value)})
	}
	return routes
}

func (p *parser) retry(key Text, n *yaml.Node) *Retry {
	r := &Retry{Pos: p.pos(n)}
	p.object(n, quoted(key), map[string]string{"attempts": "max", "maxAttempts": "max", "count": "max", "for": "on", "interval": "delay", "backoff": "delay", "maxInterval": "maxDelay"}, []field{
		{"max", true, func(key Text, n *yaml.Node) { r.Max = p.retries(key, n) }},
		{"on", false, func(key Text, n *yaml.Node) { r.On = p.texts(key, n) }},
		{"delay", false, func(key Text, n *yaml.Node) { r.Delay = p.duration(key, n, notNegative) }},
		{"maxDelay", false, func(key Text, n *yaml.Node) { r.MaxDelay = p.duration(key, n, positive) }},
	})
	if r.MaxDelay.Pos.Line != 0 && r.MaxDelay.Value < r.Delay.Value {
		p.list.Errorf(r.MaxDelay.Pos, diag.InvalidRetry, `"maxDelay" %s is shorter than "delay" %s`, r.MaxDelay.Value, r.Delay.Value)
	}
	return r
}

// maxRetries keeps a slip of the finger from hammering a vendor.
const maxRetries = 100

func (p *parser) retries(key Text, n *yaml.Node) int {
	s := p.scalar(key, n, "a whole number")
	if s == nil {
		return 0
	}
	more, ok := s.Data.(int)
	if !ok {
		p.wrongType(n, quoted(key), "a whole number")
		return 0
	}
	if more < 1 || more > maxRetries {
		p.list.Errorf(s.Text.Pos, diag.InvalidRetry, `"max" is %d, expected 1 to %d more attempts`, more, maxRetries)
	}
	return more
}
