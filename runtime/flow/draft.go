package flow

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/spec"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// Draft is what can be understood of a flow that somebody may still be writing:
// its nodes and edges, what templates may name, and what each template is. It is
// for those who show flows and help to write them. Immutable and safe for
// concurrent use.
type Draft struct {
	Name     string // empty if it is not written yet
	Pos      diag.Pos
	Mistakes diag.List // sorted, those of a half file only as far as they do not follow from its being half
	// Whole tells that the file is YAML. Else what is not is missing from the
	// rest.
	Whole     bool
	Variables []Name
	Nodes     []DraftNode // as the file has them
	Edges     []Edge      // of nodes whose type is not known only what is written at the node
	Spec      *spec.Flow  // as it was written; nil if there is nothing to read
	Flow      *Flow       // what can be run; nil if there are errors

	engine    []Name
	graph     graph
	before    *dominators
	templates func() []Template
}

// DraftNode is a node as far as it is known.
type DraftNode struct {
	ID       string
	Label    string
	TypeName string // as it was written
	Pos      diag.Pos
	Type     *node.Type // nil if there is none of that name
	Outcomes node.Outcomes
	Outputs  expand.Type // any if the node type is not known
}

// NameKind says what a name in a template stands for.
type NameKind string

// The engine's own names are run, flow and error.
const (
	VariableName NameKind = "variable"
	NodeName     NameKind = "node"
	EngineName   NameKind = "engine"
)

// Name is what a template may say, and what it is.
type Name struct {
	Name string
	Kind NameKind
	Type expand.Type
	Pos  diag.Pos // where it is declared; zero for the engine's own
	// Certain tells that it has a value whenever a run comes there; a node that
	// only some paths pass has none on the others.
	Certain bool
}

// Template is an expression of a flow, and what is known of its value.
type Template struct {
	Node      string   // "" is the head of the flow
	Input     []string // where it stands under `with`: branches, 0, when; or in the head: labels, channel
	Pos, End  diag.Pos // of the expression, without $( and )
	Source    string
	Condition bool
	Type      expand.Type  // any if it is not known, or the expression is wrong
	Refs      []expand.Ref // what it reads
}

// Check understands as much of a flow as it can and collects every mistake. The
// Draft is never nil, and src need not even be YAML.
func Check(file string, src []byte, cfg Config) *Draft {
	parsed, mistakes, whole := spec.ParseHalf(file, src)
	d := &Draft{Whole: whole, Spec: parsed, templates: func() []Template { return nil }}
	if parsed == nil {
		d.Mistakes = mistakes.Sorted()
		return d
	}
	c := compile(parsed, cfg, false)
	c.explain(mistakes)
	if mistakes.HasErrors() {
		c.list = slices.DeleteFunc(c.list, mayFollow)
	}
	d.Mistakes = slices.Concat(mistakes, c.list)
	if !whole {
		d.Mistakes = slices.DeleteFunc(d.Mistakes, mayBeMissing)
	}
	d.Mistakes = d.Mistakes.Sorted()
	if whole && !d.Mistakes.HasErrors() {
		d.Flow = c.flow
	}
	d.fill(c)
	return d
}

// mayBeMissing tells of a mistake that may be there only because a part of the
// file could not be read.
func mayBeMissing(e *diag.Error) bool {
	switch e.Code {
	case diag.OpenOutcome, diag.UnreachableNode, diag.NotOnEveryPath, diag.UnknownNode, diag.UnknownReference, diag.UnknownOutcome,
		diag.NoTrigger, diag.MissingKey, diag.MissingInput, diag.EmptyValue, diag.UndeclaredVariable:
		return true
	default:
		return false
	}
}

func (d *Draft) fill(c *compiler) {
	d.Name, d.Pos = c.flow.Name, c.flow.Pos
	for _, v := range c.spec.Variables {
		d.Variables = append(d.Variables, Name{v.Name.Value, VariableName, c.scope.Names[v.Name.Value], v.Name.Pos, true})
	}
	for _, name := range engineNames {
		d.engine = append(d.engine, Name{Name: name, Kind: EngineName, Type: c.scope.Names[name], Certain: true})
	}
	g := graph{next: map[string][]string{}}
	for i := range c.spec.Nodes {
		s := &c.spec.Nodes[i]
		n := c.flow.Nodes[s.ID.Value]
		node := DraftNode{
			ID: s.ID.Value, Label: s.Name.Value, TypeName: s.Type.Value, Pos: s.ID.Pos,
			Outputs: c.scope.Names[s.ID.Value],
		}
		edges := writtenEdges(s)
		if n != nil {
			node.Type, node.Outcomes, edges = n.Type, n.Outcomes, n.edges
		}
		if n != nil && n.Type.Starts() {
			g.starts = append(g.starts, n.ID)
		}
		d.Nodes = append(d.Nodes, node)
		d.Edges = append(d.Edges, edges...)
	}
	d.paths(g)
	d.templates = sync.OnceValue(c.templates)
}

// Templates are those of the flow as the file has them. They are found when they
// are asked for first: each is compiled once more.
func (d *Draft) Templates() []Template { return d.templates() }

func (c *compiler) templates() []Template {
	var all []Template
	for i := range c.spec.Nodes {
		s := &c.spec.Nodes[i]
		t := templateFinder{scope: c.scope, found: &all, node: s.ID.Value}
		t.find(s.With, inputSchema(c.flow.Nodes[s.ID.Value]), nil)
	}
	head := templateFinder{scope: c.scope, found: &all}
	head.scalar(c.spec.Key, false, []string{"key"})
	for _, l := range c.spec.Labels {
		head.scalar(l.Value, false, []string{"labels", l.Name.Value})
	}
	slices.SortStableFunc(all, func(a, b Template) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Col, b.Pos.Col))
	})
	return all
}

func inputSchema(n *Node) map[string]any {
	if n == nil {
		return nil
	}
	return n.Type.Inputs.Raw()
}

// writtenEdges are those of a node whose type is not known, and so neither what
// its success is called nor which outcomes there are besides.
func writtenEdges(s *spec.Node) []Edge {
	var edges []Edge
	if s.Next.Value != "" {
		edges = append(edges, Edge{From: s.ID.Value, Kind: KindSuccess, To: s.Next.Value, Via: ViaNext, Pos: s.Next.Pos})
	}
	for _, r := range s.Outcomes {
		e := Edge{From: s.ID.Value, Outcome: r.Outcome.Value, Kind: KindOther, To: r.Target.Value, Via: ViaOutcomes, Pos: r.Target.Pos}
		if e.Outcome == "else" {
			e.Via = ViaElse
		}
		edges = append(edges, e)
	}
	return edges
}

// paths finds out which nodes lie before which. Where no trigger is known, runs
// may begin wherever no edge leads.
func (d *Draft) paths(g graph) {
	known, led := map[string]bool{}, map[string]bool{}
	for _, n := range d.Nodes {
		known[n.ID] = true
	}
	for _, e := range d.Edges {
		if known[e.To] {
			g.next[e.From] = append(g.next[e.From], e.To)
			led[e.To] = true
		}
	}
	for _, n := range d.Nodes {
		if !led[n.ID] && (n.Type == nil || len(g.starts) == 0) {
			g.starts = append(g.starts, n.ID)
		}
	}
	d.graph, d.before = g, g.dominators()
}

// Names returns what the templates of a node may name: the variables, the nodes
// that a run may have passed before it, and the engine's own. For a node that is
// not known there are the variables and the engine's own, for the head of the
// flow, which is "", the triggers too.
func (d *Draft) Names(at string) []Name {
	names := slices.Clone(d.Variables)
	triggers := 0
	for _, n := range d.Nodes {
		if n.Type != nil && n.Type.Starts() {
			triggers++
		}
	}
	some := d.graph.backwards(at)
	for _, n := range d.Nodes {
		trigger := n.Type != nil && n.Type.Starts()
		if trigger && at == "" {
			names = append(names, Name{n.ID, NodeName, n.Outputs, n.Pos, triggers == 1})
			continue
		}
		own := n.ID == at && trigger
		if own || some[n.ID] {
			names = append(names, Name{n.ID, NodeName, n.Outputs, n.Pos, own || d.before.above(n.ID, at)})
		}
	}
	return append(names, d.engine...)
}

// templateFinder collects the templates of one node.
type templateFinder struct {
	scope *expand.Scope
	found *[]Template
	node  string
}

func (t *templateFinder) find(v yamldoc.Value, schema map[string]any, path []string) {
	if schema["x-wend"] == "literal" {
		return
	}
	switch v := v.(type) {
	case *yamldoc.Map:
		props, _ := schema["properties"].(map[string]any)
		extra, _ := schema["additionalProperties"].(map[string]any)
		for _, e := range v.Entries {
			sub, ok := props[e.Key.Value].(map[string]any)
			if !ok {
				sub = extra
			}
			t.find(e.Value, sub, append(path[:len(path):len(path)], e.Key.Value))
		}
	case *yamldoc.List:
		items, _ := schema["items"].(map[string]any)
		for i, item := range v.Items {
			t.find(item, items, append(path[:len(path):len(path)], strconv.Itoa(i)))
		}
	case *yamldoc.Scalar:
		if _, ok := v.Data.(string); ok {
			t.scalar(v.Text, schema["x-wend"] == "condition", path)
		}
	}
}

func (t *templateFinder) scalar(text yamldoc.Text, condition bool, path []string) {
	pieces, _ := text.Pieces()
	pieces = slices.DeleteFunc(pieces, func(p yamldoc.Piece) bool { return !p.Template })
	if condition && len(pieces) == 0 {
		pieces = []yamldoc.Piece{{Template: true, Text: text.Value}}
	}
	if len(pieces) == 0 {
		return
	}
	if len(pieces) > 1 {
		text = text.Aligned()
	}
	compile := expand.Compile
	if condition {
		compile = expand.CompileCondition
	}
	whole, mistakes := compile(text, t.scope)
	for _, p := range pieces {
		expr := strings.TrimSpace(p.Text)
		start := p.Offset + strings.Index(p.Text, expr)
		found := Template{
			Node: t.node, Input: path, Source: expr, Condition: condition,
			Pos: text.At(start), End: text.At(start + len(expr)),
		}
		alone := whole
		if len(text.Value) > len("$(")+len(p.Text)+len(")") { // there is more
			alone, mistakes = expand.Compile(yamldoc.Text{Value: "$(" + p.Text + ")", Pos: found.Pos}, t.scope)
		}
		if found.Type = alone.Type(); mistakes.HasErrors() {
			found.Type = expand.FromSchema(nil)
		}
		for _, ref := range whole.Refs() {
			if !before(ref.Pos, found.Pos) && before(ref.Pos, found.End) {
				found.Refs = append(found.Refs, ref)
			}
		}
		*t.found = append(*t.found, found)
	}
}

func before(a, b diag.Pos) bool {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col)) < 0
}
