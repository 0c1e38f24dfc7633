// Package spec reads the YAML of a flow into a Flow whose every text knows its
// place in the file. It checks the shape, keys, names and durations; it knows
// no node type and compiles no template.
package spec

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/yamldoc"
)

var format = yamldoc.Format{Name: "flow", Share: "`variables` or `defaults`", Keys: []string{"flow", "nodes", "variables", "defaults", "durable"}, Begins: beginning}

const beginning = `"flow: name-of-the-flow" and has its nodes under "nodes:", by their ids`

// Parse reads a flow. It collects every mistake and warning; the flow holds all
// that could be understood, and is nil only if src is not YAML at all. With an
// error among the mistakes the flow is good for more checks, not for runs.
func Parse(file string, src []byte) (*Flow, diag.List) {
	doc, mistakes := format.Parse(file, src)
	return parse(doc, src, mistakes)
}

// ParseHalf is Parse for a flow that somebody is still writing: if src is not
// YAML, the flow holds what the entries say that are, and whole is false.
func ParseHalf(file string, src []byte) (f *Flow, mistakes diag.List, whole bool) {
	doc, mistakes, whole := format.ParseHalf(file, src)
	f, mistakes = parse(doc, src, mistakes)
	return f, mistakes, whole
}

func parse(doc *yamldoc.Document, src []byte, mistakes diag.List) (*Flow, diag.List) {
	p := &parser{Reader: yamldoc.Reader{Mistakes: mistakes, Invalid: diag.WrongType}}
	root := doc.Root()
	if root == nil {
		if len(p.Mistakes) == 0 {
			p.Mistakes.Errorf(diag.Pos{File: doc.File, Line: 1, Col: 1}, diag.EmptyValue, "the file holds no flow").
				Hint = "a flow begins with " + beginning
		}
		return nil, p.Mistakes
	}
	flow := &Flow{File: doc.File, Source: bytes.Clone(src)}
	p.flow(flow, root)
	p.similarNames(flow)
	return flow, p.Mistakes
}

// ParseNodes reads the nodes that a node has in its inputs. What is wrong with the
// words of their inputs was told where those of the node around them were.
func ParseNodes(v yamldoc.Value) ([]Node, diag.List) {
	p := &parser{Reader: yamldoc.Reader{Invalid: diag.WrongType}, inner: true}
	f := Flow{Nodes: p.nodes(yamldoc.Field{What: "nodes", Value: v})}
	p.similarNames(&f)
	return f.Nodes, p.Mistakes
}

// parser turns a document into the syntax tree and collects what is wrong.
type parser struct {
	yamldoc.Reader
	inner bool // the nodes are part of the inputs of another
}

func (p *parser) flow(f *Flow, root yamldoc.Value) {
	p.Object(yamldoc.Field{What: "a flow", Value: root},
		map[string]string{"name": "flow", "id": "flow", "label": "labels", "tags": "labels", "businesskey": "key", "correlationid": "key", "steps": "nodes", "states": "nodes", "tasks": "nodes", "jobs": "nodes", "activities": "nodes", "vars": "variables", "globals": "variables", "errorHandling": "defaults", "pluginDefaults": "defaults"},
		yamldoc.Key{Name: "flow", Required: true, Read: yamldoc.Into(&f.Name, p.name)},
		yamldoc.Key{Name: "description", MayBeBlank: true, Read: yamldoc.Into(&f.Description, p.AnyText)},
		yamldoc.Key{Name: "timeout", Read: yamldoc.Into(&f.Timeout, p.positive)},
		yamldoc.Key{Name: "durable", Read: yamldoc.Into(&f.Durable, p.boolean)},
		yamldoc.Key{Name: "visits", Read: yamldoc.Into(&f.Visits, p.visits)},
		yamldoc.Key{Name: "key", Read: yamldoc.Into(&f.Key, p.Text)},
		yamldoc.Key{Name: "labels", MayBeBlank: true, Read: yamldoc.Into(&f.Labels, p.labels)},
		yamldoc.Key{Name: "variables", MayBeBlank: true, Read: yamldoc.Into(&f.Variables, p.variables)},
		yamldoc.Key{Name: "defaults", MayBeBlank: true, Read: func(field yamldoc.Field) { p.defaults(field, &f.Defaults) }},
		yamldoc.Key{Name: "nodes", Required: true, Read: yamldoc.Into(&f.Nodes, p.nodes)},
	)
	p.misplaced(root)
}

func (p *parser) name(f yamldoc.Field) yamldoc.Text {
	t := p.Text(f)
	if t.Given() && !yamldoc.IsKebab(t.Value) {
		mistake := p.Mistakes.Errorf(t.Pos, diag.InvalidName, "flow name %q is not kebab-case", t.Value)
		mistake.Hint = `expected lower-case words joined by "-", such as "sms-end-task"`
		if name := kebab(t.Value); yamldoc.IsKebab(name) {
			mistake.Hint = fmt.Sprintf("write %q", name)
		}
	}
	return t
}

// maxVisits is the most that a flow may write for its visits.
const maxVisits = 100_000

func (p *parser) visits(f yamldoc.Field) int {
	n := p.Count(f)
	if n > maxVisits {
		p.Refuse(f, fmt.Sprintf("a whole number of at most %d", maxVisits))
	}
	return n
}

// What a run can be found by is bounded: it is in an index for as long as the run
// is kept.
const (
	maxLabels    = 16
	maxLabelName = 63 // bytes
)

func (p *parser) labels(f yamldoc.Field) []Label {
	var labels []Label
	for i, e := range p.Entries(f, "from names to values") {
		switch name := e.Key.Value; {
		case !yamldoc.IsConnection(name):
			p.Mistakes.Errorf(e.Key.Pos, diag.InvalidName, "label name %q is not made of letters, digits, \"_\" and \"-\", with a letter first", name)
		case len(name) > maxLabelName:
			p.Mistakes.Errorf(e.Key.Pos, diag.InvalidName, "label name %.20q… has %d bytes, at most %d are possible", name, len(name), maxLabelName)
		case i == maxLabels:
			p.Mistakes.Errorf(e.Key.Pos, diag.InvalidName, "label %q is one too many: a flow has at most %d", name, maxLabels)
		}
		labels = append(labels, Label{Name: e.Key, Value: p.Text(e)})
	}
	return labels
}

func (p *parser) variables(f yamldoc.Field) []Variable {
	var vars []Variable
	for _, e := range p.Entries(f, "from names to values") {
		p.checkName(e.Key, "variable", yamldoc.IsVariable(e.Key.Value))
		p.Data(e)
		vars = append(vars, Variable{Name: e.Key, Value: e.Value})
	}
	return vars
}

func (p *parser) defaults(f yamldoc.Field, d *Defaults) {
	p.Object(f, nil,
		yamldoc.Key{Name: "timeout", Read: yamldoc.Into(&d.Timeout, p.positive)},
		yamldoc.Key{Name: "retry", Read: yamldoc.Into(&d.Retry, p.retry)},
		yamldoc.Key{Name: "outcomes", MayBeBlank: true, Read: yamldoc.Into(&d.Outcomes, p.outcomes)},
	)
}

func (p *parser) nodes(f yamldoc.Field) []Node {
	if isEmpty(f.Value) {
		p.Mistakes.Errorf(f.Value.Pos(), diag.EmptyValue, "the flow has no nodes")
		return nil
	}
	if list, ok := f.Value.(*yamldoc.List); ok {
		p.nodesAsList(list)
		return nil
	}
	var nodes []Node
	f.Value = p.indented(f.Value)
	for _, e := range p.Entries(f, "from ids to nodes") {
		p.checkName(e.Key, "node", yamldoc.IsIdentifier(e.Key.Value))
		nodes = append(nodes, p.node(e))
	}
	return nodes
}

func isEmpty(v yamldoc.Value) bool {
	switch v := v.(type) {
	case *yamldoc.Map:
		return len(v.Entries) == 0
	case *yamldoc.Scalar:
		return v.Data == nil && !v.Lost()
	default:
		return false
	}
}

// nodesAsList says how to write what other products have as a list of steps.
func (p *parser) nodesAsList(l *yamldoc.List) {
	mistake := p.Mistakes.Errorf(l.Pos(), diag.WrongType, `"nodes" is a list, expected a mapping from ids to nodes`)
	mistake.Hint = `write the id of each node and a colon, such as "n1:", on a line of its own in place of its dash`
	if len(l.Items) > 0 {
		if first, ok := l.Items[0].(*yamldoc.Map); ok && len(first.Entries) > 0 && first.Entries[0].Key.Value == "id" {
			if s, ok := first.Entries[0].Value.(*yamldoc.Scalar); ok && yamldoc.IsIdentifier(s.Value) {
				mistake.Hint = fmt.Sprintf("write %q in place of %q, and the others in the same way", s.Value+":", "- id: "+s.Value)
			}
		}
	}
}

// nodeKeys are what other products call the keys of a node.
var nodeKeys = map[string]string{
	"on": "outcomes", "outcome": "outcomes", "then": "next", "goto": "next", "transition": "next",
	"input": "with", "inputs": "with", "args": "with", "parameters": "with", "params": "with",
	"uses": "type", "kind": "type", "action": "type", "authorization": "connection", "auth": "connection",
	"retries": "retry", "retryPolicy": "retry", "label": "name", "title": "name", "displayName": "name",
	"onSuccess": "next", "on_success": "next", "success": "next", "to": "next", "target": "next", "nextState": "next",
	"outcomeMap": "outcomes", "branches": "outcomes", "transitions": "outcomes", "edges": "outcomes",
	"properties": "with", "config": "with", "configuration": "with", "settings": "with", "options": "with", "arguments": "with",
}

func (p *parser) node(f yamldoc.Field) Node {
	node := Node{ID: f.Key}
	p.Object(yamldoc.Field{What: "node " + strconv.Quote(f.Key.Value), Value: f.Value}, nodeKeys,
		yamldoc.Key{Name: "name", MayBeBlank: true, Read: yamldoc.Into(&node.Name, p.AnyText)},
		yamldoc.Key{Name: "type", Required: true, Read: yamldoc.Into(&node.Type, p.Text)},
		yamldoc.Key{Name: "connection", Read: yamldoc.Into(&node.Connection, p.Text)},
		yamldoc.Key{Name: "with", MayBeBlank: true, Read: func(f yamldoc.Field) { node.With, node.Misread = p.with(f) }},
		yamldoc.Key{Name: "timeout", Read: yamldoc.Into(&node.Timeout, p.positive)},
		yamldoc.Key{Name: "retry", Read: yamldoc.Into(&node.Retry, p.retry)},
		yamldoc.Key{Name: "next", Read: yamldoc.Into(&node.Next, p.target)},
		yamldoc.Key{Name: "outcomes", MayBeBlank: true, Read: yamldoc.Into(&node.Outcomes, p.outcomes)},
	)
	node.Unknown = p.unknown(f)
	for _, key := range node.Unknown { // inputs under another name
		node.Misread = node.Misread || node.With == nil && nodeKeys[key.Value] == "with"
	}
	return node
}

// with keeps the inputs as they are. Which of its numbers would change is told
// where it is known whether a number is due.
func (p *parser) with(f yamldoc.Field) (with yamldoc.Value, misread bool) {
	if _, ok := f.Value.(*yamldoc.Map); !ok {
		p.Wrong(f, "a mapping from inputs to values")
		return nil, true
	}
	if !p.inner {
		yamldoc.CheckWords(f.Value, &p.Mistakes)
	}
	return f.Value, false
}

func (p *parser) outcomes(f yamldoc.Field) []Route {
	var routes []Route
	for _, e := range p.Entries(f, "from outcomes to nodes") {
		routes = append(routes, Route{Outcome: e.Key, Target: p.target(e)})
	}
	return routes
}

// target reads the id of the node to which a route leads.
func (p *parser) target(f yamldoc.Field) yamldoc.Text {
	before := len(p.Mistakes)
	id := p.Text(f)
	if len(p.Mistakes) == before {
		return id
	}
	mistake := p.Mistakes[before]
	switch v := f.Value.(type) {
	case *yamldoc.List:
		mistake.Hint = `a route leads to one node; several side by side are branches of "parallel"`
	case *yamldoc.Map:
		mistake.Hint = "write the id of the node alone"
	case *yamldoc.Scalar:
		if v.Data == nil {
			mistake.Hint = "give the id of a node, or leave the key out where the run ends"
		}
	}
	return id
}

func (p *parser) retry(f yamldoc.Field) *Retry {
	r := &Retry{Pos: f.Value.Pos()}
	if s, ok := f.Value.(*yamldoc.Scalar); ok && s.Data != nil {
		times := "2"
		if n, ok := s.Number(); ok {
			times = fmt.Sprint(n)
		}
		p.Wrong(f, "a mapping").Hint = fmt.Sprintf("write { max: %s, on: [unreachable, timeout, 5xx] }", times)
		return r
	}
	aliases := map[string]string{
		"attempts": "max", "maxAttempts": "max", "maxAttempt": "max", "maxRetries": "max", "maxTries": "max", "count": "max", "times": "max", "limit": "max",
		"for": "on", "outcomes": "on", "when": "on", "interval": "delay", "backoff": "delay", "wait": "delay", "waitBetweenTries": "delay", "initialInterval": "delay",
		"maxInterval": "maxDelay", "maxBackoff": "maxDelay",
	}
	p.Object(f, aliases,
		yamldoc.Key{Name: "max", Required: true, Read: yamldoc.Into(&r.Max, p.retries)},
		yamldoc.Key{Name: "on", Read: yamldoc.Into(&r.On, p.Texts)},
		yamldoc.Key{Name: "delay", Read: func(f yamldoc.Field) { r.Delay = p.Duration(f, 0) }},
		yamldoc.Key{Name: "maxDelay", Read: yamldoc.Into(&r.MaxDelay, p.positive)},
		yamldoc.Key{Name: "then", Read: yamldoc.Into(&r.Then, p.then)},
	)
	if r.MaxDelay.Pos.Line != 0 && r.MaxDelay.Value < r.Delay.Value {
		p.Mistakes.Errorf(r.MaxDelay.Pos, diag.InvalidRetry, `"maxDelay" %s is shorter than "delay" %s`, yamldoc.FormatDuration(r.MaxDelay.Value), yamldoc.FormatDuration(r.Delay.Value))
	}
	return r
}

// then is what comes when the attempts are used up.
func (p *parser) then(f yamldoc.Field) yamldoc.Text {
	before := p.Misread
	text := p.Text(f)
	if p.Misread == before && text.Value != "pause" {
		p.Mistakes.Errorf(text.Pos, diag.InvalidRetry, `%s is %q, expected "pause"`, f, text.Value).
			Hint = "without it the node leaves by its outcome, which `outcomes` routes"
	}
	return text
}

// maxRetries keeps a slip of the finger from hammering a vendor.
const maxRetries = 100

func (p *parser) retries(f yamldoc.Field) int {
	more, ok := p.Int(f)
	if ok && (more < 1 || more > maxRetries) {
		p.Mistakes.Errorf(f.Value.Pos(), diag.InvalidRetry, "%s is %d, expected 1 to %d more attempts", f, more, maxRetries)
	}
	return more
}

func (p *parser) positive(f yamldoc.Field) yamldoc.Duration { return p.Duration(f, 1) }

func (p *parser) boolean(f yamldoc.Field) *bool {
	before := p.Misread
	if b := p.Bool(f); p.Misread == before {
		return &b
	}
	return nil
}
