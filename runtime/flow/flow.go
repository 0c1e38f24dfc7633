// Package flow compiles flows: a flow as it was written becomes, with the
// catalogue of node types, one whose types are resolved, whose templates are
// compiled and type-checked and whose routes are complete, or a list of
// mistakes, each at its place. It runs nothing.
package flow

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/spec"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// Flow is a compiled flow. Immutable and safe for concurrent use.
type Flow struct {
	Name        string
	Description string
	File        string
	Pos         diag.Pos // of the flow's name
	Source      []byte
	Digest      string        // sha256 of Source, hex
	Timeout     time.Duration // of a whole run; 0 is none
	Durable     bool
	Visits      int            // how often a run may enter one node; 0 is what the engine permits
	Variables   map[string]any // names declared, with their values at the start
	Nodes       map[string]*Node
	Order       []string // node ids as the file has them
	Triggers    []*Node  // as the file has them

	// Root is the flow in whose inputs this one is written, nil if it is none, and
	// Path says where: the node, and the name of the body if there are several; of
	// one inside another, those of both.
	Root *Flow
	Path string

	bodies map[string]*Flow // by Path, those inside others included
	marks  []mark           // what runs are found by
	reads  [][]string       // of a body: the names of the flow around it that it reads, with the fields
}

// Node is an entry of a flow.
type Node struct {
	ID         string
	Label      string // for people; empty if not given
	Type       *node.Type
	Pos        diag.Pos
	Connection string
	Outputs    *node.Schema // the type's, or what this node makes of it
	Outcomes   node.Outcomes
	Idempotent bool
	Timeout    time.Duration // of one attempt; 0 is the default
	Retry      Retry
	Routes     map[string]string // outcome to node id; one that is not here ends the run
	Trigger    node.Trigger      // how runs begin here; nil if none do
	Event      string            // it waits for, as it is written, templates and all; empty if for none

	// Callees are the flows that it has run.
	Callees []node.Callee

	bodies []node.Body
	ending *node.Ending // how it ends runs; nil if it does not
	edges  []Edge       // the same as Routes, with who says so
	lapse  node.Lapse
	// unanswered is why no response of a run that begins here reaches anybody;
	// nil if one does.
	unanswered *node.Problem
	counts     bool // no two visits have the same outputs
	inputs     input
	late       bool // some input is left to the node to evaluate
}

// Plugins are the digests of the plugins' modules that the flow uses, by node
// type; nil if it uses none.
func (f *Flow) Plugins() map[string]string {
	if f.Root != nil {
		return f.Root.Plugins()
	}
	var digests map[string]string
	for n := range f.All() {
		if n.Type.Digest == "" {
			continue
		}
		if digests == nil {
			digests = map[string]string{}
		}
		digests[n.Type.Name] = n.Type.Digest
	}
	return digests
}

// Config is what a flow is checked against.
type Config struct {
	Types *node.Set
	// Nodes is how many nodes all flows that live together may have. Defaults to
	// 10,000.
	Nodes int
	// Connections are the names that a node may use. Nil means that they are
	// not known and not checked.
	Connections []string
	// Variables are this environment's values; they replace the values of
	// variables that a flow declares.
	Variables map[string]any
	// Refused tells why the rules for calls refuse a node's call in every run;
	// the paths of the problems are those of its inputs. Nil means that the
	// rules are not known and not held against anything.
	Refused func(connection string, call node.Call) []node.Problem
	// Callee finds what a flow is to those that call it, nil if that is not known.
	// The mistake, if there is one, has no place: it is told where the flow is
	// called. Nil means that other flows are not known and not checked.
	Callee func(name string) (*Signature, *diag.Error)
}

// Compile checks f and collects every mistake. The Flow is nil if the list
// has errors; warnings leave it usable.
func Compile(f *spec.Flow, cfg Config) (*Flow, diag.List) {
	c := compile(f, cfg, false)
	if c.list.HasErrors() {
		return nil, c.list.Sorted()
	}
	return c.flow, c.list.Sorted()
}

func compile(f *spec.Flow, cfg Config, stored bool) *compiler {
	c := &compiler{spec: f, cfg: cfg, flow: newFlow(f), stored: stored, leaves: map[uintptr]*node.Schema{}}
	c.run()
	return c
}

func (c *compiler) run() {
	c.declareVariables()
	c.resolveTypes()
	c.buildScope()
	for _, stage := range []func(){c.compileBodies, c.compileMarks, c.compileInputs, c.checkVariables, c.checkSecrets, c.routeOutcomes, c.checkGraph, c.checkAnswers, c.checkCycles, c.checkRetries, c.checkLapses} {
		if c.enough() {
			c.list.Errorf(c.spec.Name.Pos, diag.InvalidYAML, "the rest of the flow is not checked, %d mistakes are enough", c.errors)
			return
		}
		stage()
	}
	if c.stored || !c.list.HasErrors() && !c.besides {
		c.makeTriggers()
	}
}

// Load parses and compiles in one go.
func Load(file string, src []byte, cfg Config) (*Flow, diag.List) {
	parsed, mistakes := spec.Parse(file, src)
	if parsed == nil {
		return nil, mistakes.Sorted()
	}
	c := compile(parsed, cfg, false)
	c.explain(mistakes)
	if mistakes.HasErrors() {
		c.list = slices.DeleteFunc(c.list, mayFollow)
	}
	mistakes = append(mistakes, c.list...)
	if mistakes.HasErrors() {
		return nil, mistakes.Sorted()
	}
	return c.flow, mistakes.Sorted()
}

// mayFollow tells of a mistake that may be there only because a key was
// misspelt, and so did not count.
func mayFollow(e *diag.Error) bool {
	return e.Code == diag.OpenOutcome || e.Code == diag.UnreachableNode
}

// maxMistakes is after how many mistakes a flow is not looked at any further.
// They come of one then, and each costs a search for what may have been meant.
const maxMistakes = 1000

// enough tells that no more mistakes are looked for.
func (c *compiler) enough() bool {
	for _, e := range c.list[c.counted:] {
		if e.Severity == diag.SeverityError {
			c.errors++
		}
	}
	c.counted = len(c.list)
	return c.errors >= maxMistakes && !c.stored
}

type compiler struct {
	spec  *spec.Flow
	cfg   Config
	flow  *Flow
	scope *expand.Scope
	list  diag.List
	// errors is how many there are among the first counted of list.
	errors, counted int
	refs            map[string][]expand.Ref // by node id
	ids             []string                // of all nodes, those of unknown type too, as the file has them
	// variables are the names declared, sorted.
	variables []string
	// declared holds the ids.
	declared map[string]bool
	// needs are the refs of a node that an input depends on: without a value it
	// would be missing.
	needs map[string][]need
	// tested are the nodes whose conditions read a field, by fieldKey.
	tested map[string][]string
	// drawn and above are the graph and its dominators, when they were asked for.
	drawn *graph
	above *dominators
	// lost tells that a route is wrong, so that what the graph has to say may
	// only come of that.
	lost bool
	// sets are the variables that a node sets.
	sets map[string][]string
	// callees are the flows that nodes call, by calleeKey, as far as they are known.
	callees map[string]*Signature
	// outer is of a body: what is around it.
	outer *outer
	// besides tells that inputs that must be there stand beside `with`, or in
	// one that is no mapping.
	besides bool
	// stored tells that the flow was checked when a run began with it: only
	// what cannot be run is still looked for.
	stored bool
	// leaves are the schemas of inputs that are written out, compiled once: many
	// nodes are of one type. By the address of the map, which the schema holds on
	// to; nil is one that cannot be compiled by itself.
	leaves map[uintptr]*node.Schema
}

func newFlow(f *spec.Flow) *Flow {
	sum := sha256.Sum256(f.Source)
	return &Flow{
		Name:        f.Name.Value,
		Description: f.Description.Value,
		File:        f.File,
		Pos:         f.Name.Pos,
		Source:      f.Source,
		Digest:      hex.EncodeToString(sum[:]),
		Timeout:     f.Timeout.Value,
		Durable:     f.Durable == nil || *f.Durable,
		Visits:      f.Visits,
		Variables:   map[string]any{},
		Nodes:       map[string]*Node{},
	}
}

func (c *compiler) declareVariables() {
	for _, v := range c.spec.Variables {
		value := yamldoc.Plain(v.Value)
		if env, ok := c.cfg.Variables[v.Name.Value]; ok {
			value = env
		}
		c.flow.Variables[v.Name.Value] = value
	}
	c.variables = slices.Sorted(maps.Keys(c.flow.Variables))
}

// resolveTypes makes a Node for each entry whose type is known. Those of
// unknown type are left out, so that one mistake is reported once.
func (c *compiler) resolveTypes() {
	c.refs, c.tested, c.needs = map[string][]expand.Ref{}, map[string][]string{}, map[string][]need{}
	c.sets = map[string][]string{}
	c.declared = make(map[string]bool, len(c.spec.Nodes))
	for i := range c.spec.Nodes {
		s := &c.spec.Nodes[i]
		if c.outer == nil || i > 0 { // else nobody wrote it
			c.ids = append(c.ids, s.ID.Value)
		}
		c.declared[s.ID.Value] = true
		if _, clash := c.flow.Variables[s.ID.Value]; clash {
			c.list.Errorf(s.ID.Pos, diag.NameClash, "%q is both a variable and a node", s.ID.Value).
				Hint = "templates address both by the bare name; rename one"
		}
		t := c.findType(s)
		if t == nil {
			continue
		}
		n := &Node{
			ID: s.ID.Value, Label: s.Name.Value, Type: t, Pos: s.ID.Pos,
			Connection: s.Connection.Value,
			Outputs:    t.Outputs, Outcomes: t.Outcomes, Idempotent: t.Idempotent,
			Timeout: c.timeout(s, t),
		}
		c.shape(s, n)
		c.checkConnection(s, n)
		c.flow.Nodes[n.ID] = n
		c.flow.Order = append(c.flow.Order, n.ID)
		if t.Starts() {
			c.flow.Triggers = append(c.flow.Triggers, n)
		}
	}
	if len(c.flow.Triggers) == 0 && len(c.flow.Nodes) == len(c.spec.Nodes) && len(c.spec.Nodes) > 0 {
		c.list.Errorf(c.spec.Name.Pos, diag.NoTrigger, "flow %q has no trigger, nothing can start it", c.flow.Name).
			Hint = `add a node of type "webhook" or "manual"`
	}
}

// timeout is the node's own, or for one that makes calls the flow's default: a
// node that waits for people is not to be cut short by what is meant for
// vendors.
func (c *compiler) timeout(s *spec.Node, t *node.Type) time.Duration {
	if s.Timeout.Value > 0 || !t.Connects {
		return s.Timeout.Value
	}
	return c.spec.Defaults.Timeout.Value
}

// shape asks the type what this node makes of it.
func (c *compiler) shape(s *spec.Node, n *Node) {
	if n.Type.Shape == nil {
		return
	}
	with, _ := yamldoc.Plain(s.With).(map[string]any)
	shape, problems := n.Type.Shape(with)
	for _, p := range problems {
		if isBlank(s.With, p.Path) && (len(p.Path) == 1 || !n.takesLiteral(p.Path[0])) {
			continue // compileInputs says so
		}
		pos := yamldoc.ValueAt(s.With, p.Path, s.ID.Pos)
		if p.Key {
			pos = yamldoc.KeyAt(s.With, p.Path, pos)
		}
		mistake := c.list.Errorf(pos, diag.InvalidInput, "%s", p.Msg)
		mistake.Hint = p.Hint
		if p.Warning {
			mistake.Severity = diag.SeverityWarning
		}
	}
	if shape.Outputs != nil {
		n.Outputs = shape.Outputs
	}
	n.Event = shape.Event
	n.Callees, n.bodies, n.ending = shape.Callees, shape.Bodies, shape.Ending
	n.unanswered, n.lapse, n.counts = shape.Unanswered, shape.Lapse, shape.Counts
	c.checkCall(s, n, shape.Call)
	if n.Connection != "" && n.Type.Connects && n.Type.Digest == "" && shape.Call == nil {
		c.list.Errorf(s.Connection.Pos, diag.UselessConnection, "node %q makes no call without url, so it takes no connection", n.ID)
	}
	if shape.Idempotent != nil {
		n.Idempotent = *shape.Idempotent
	}
	n.Outcomes.All = append(n.Outcomes.All[:len(n.Outcomes.All):len(n.Outcomes.All)], shape.Outcomes...)
	c.checkCallees(s, n)
}

// takesLiteral tells of an input that is kept as it is, whatever is in it.
func (n *Node) takesLiteral(name string) bool {
	props, _ := n.Type.Inputs.Raw()["properties"].(map[string]any)
	schema, _ := props[name].(map[string]any)
	return schema["x-wend"] == "literal"
}

// checkCall reports a call that no run could make.
func (c *compiler) checkCall(s *spec.Node, n *Node, call *node.Call) {
	if call == nil || c.cfg.Refused == nil || c.stored {
		return
	}
	for _, p := range c.cfg.Refused(n.Connection, *call) {
		if !isBlank(s.With, p.Path) {
			c.list.Errorf(yamldoc.ValueAt(s.With, p.Path, s.ID.Pos), diag.RefusedCall, "%s", p.Msg).Hint = p.Hint
		}
	}
}

func isBlank(v yamldoc.Value, path []string) bool {
	for _, name := range path {
		m, ok := v.(*yamldoc.Map)
		if !ok {
			return false
		}
		v = m.Get(name)
	}
	s, ok := v.(*yamldoc.Scalar)
	return ok && len(path) > 0 && strings.TrimSpace(s.Value) == ""
}

func (c *compiler) checkConnection(s *spec.Node, n *Node) {
	pos := s.Connection.Pos
	switch {
	case n.Connection == "" && n.Type.Connects && n.Type.Digest != "":
		c.list.Warnf(n.Pos, diag.RefusedCall, "node %q names no connection: what %q calls then gets no credential, and must be under outbound.allow", n.ID, n.Type.Name).
			Hint = "write connection: and the name of one in wend.yaml"
	case n.Connection == "":
	case !n.Type.Connects:
		c.list.Errorf(pos, diag.UselessConnection, "node type %q makes no calls and takes no connection", n.Type.Name)
	case c.cfg.Connections != nil && !contains(c.cfg.Connections, n.Connection):
		c.list.Errorf(pos, diag.UnknownConnection, "no connection %q in the configuration", n.Connection).
			Hint = suggestFixed(n.Connection, c.cfg.Connections)
	}
}

func (c *compiler) findType(s *spec.Node) *node.Type {
	if s.Type.Value == "" {
		return nil // spec has said so
	}
	if c.outer != nil && s == &c.spec.Nodes[0] {
		return bodyTrigger
	}
	t := c.cfg.Types.Find(s.Type.Value)
	if t != nil {
		return t
	}
	name, version := cutVersion(s.Type.Value)
	known := c.cfg.Types.Versions(name)
	switch {
	case len(known) == 0:
		c.list.Errorf(s.Type.Pos, diag.UnknownNodeType, "no node type %q", name).
			Hint = c.suggestType(name, version)
	case slices.Equal(known, []string{""}):
		c.list.Errorf(s.Type.Pos, diag.UnknownVersion, "node type %q is built in and has no versions", name).
			Hint = fmt.Sprintf("write %q", name)
	default:
		c.list.Errorf(s.Type.Pos, diag.UnknownVersion, "no version %q of node type %q is loaded", version, name).
			Hint = fmt.Sprintf("write %q", name+"@"+known[0])
	}
	return nil
}

// suggestType is a hint for a type that is not known: one that is meant, at the
// version that is written, or where the plugin was looked for.
func (c *compiler) suggestType(name, version string) string {
	if strings.Contains(name, "$(") {
		return suggestFixed(name, nil)
	}
	if meant := typeElsewhere(name); meant != "" && c.cfg.Types.Find(meant) != nil {
		return uses(name, meant)
	}
	if isVendors(name) {
		return `what is a vendor's is a method of a plugin, type: vendor/method; an API is called by type: http`
	}
	if near := diag.Nearest(name, c.cfg.Types.Names()); near != "" {
		if pinned := near + "@" + version; version != "" && c.cfg.Types.Find(pinned) != nil {
			near = pinned
		}
		return fmt.Sprintf("did you mean %q?", near)
	}
	vendor, _, isMethod := strings.Cut(name, "/")
	vendors, source := c.cfg.Types.Vendors(), c.cfg.Types.Source()
	switch {
	case slices.Contains(vendors, vendor):
		var methods []string
		for _, t := range c.cfg.Types.Of(vendor) {
			methods = append(methods, t.Name)
		}
		return diag.Suggest(name, methods)
	case !isMethod, source.Folder == "":
		return diag.Suggest(name, c.cfg.Types.Names())
	case source.Missing:
		return fmt.Sprintf("plugins are looked for in the folder %q, which is not there; name theirs with --plugins", source.Folder)
	case len(vendors) == 0:
		return fmt.Sprintf("the folder %q holds no plugins; put %s.wasm there, or name another folder with --plugins", source.Folder, vendor)
	}
	return fmt.Sprintf("the folder %q holds the plugins %s; put %s.wasm there, or name another folder with --plugins",
		source.Folder, strings.Join(vendors, ", "), vendor)
}

// suggestFixed is a hint for a name that the engine reads before any run.
func suggestFixed(word string, known []string) string {
	if strings.Contains(word, "$(") {
		return "it is fixed before any run, templates are for `with`"
	}
	return diag.Suggest(word, known)
}

// engineNames are what templates may name in every flow.
var engineNames = []string{"run", "flow", "error"}

// buildScope types every name that templates may use.
func (c *compiler) buildScope() {
	names := map[string]expand.Type{ // those of engineNames
		"run":   expand.FromSchema(runSchema),
		"flow":  expand.FromSchema(flowSchema),
		"error": expand.FromSchema(errorSchema),
	}
	if c.outer != nil {
		maps.Copy(names, c.outer.names)
	}
	for name, value := range c.flow.Variables {
		names[name] = expand.TypeOf(value)
	}
	for id, n := range c.flow.Nodes {
		names[id] = n.outputType()
	}
	// A node of unknown type may have any output.
	for _, s := range c.spec.Nodes {
		if c.flow.Nodes[s.ID.Value] == nil && s.ID.Value != "" {
			names[s.ID.Value] = expand.FromSchema(nil)
		}
	}
	if c.stored {
		for name := range names {
			names[name] = expand.FromSchema(nil)
		}
	}
	if c.outer != nil {
		delete(names, c.spec.Nodes[0].ID.Value)
	}
	c.scope = &expand.Scope{Names: names}
}

// outputType is strict where somebody thought of what must be there: the author
// of the flow, or of a plugin who requires anything.
func (n *Node) outputType() expand.Type {
	raw := n.Outputs.Raw()
	if n.Outputs != n.Type.Outputs || n.Type.Digest != "" && raw["required"] != nil {
		return expand.FromStrict(raw)
	}
	return expand.FromSchema(raw)
}

var (
	text       = map[string]any{"type": "string"}
	runSchema  = object(map[string]any{"id": text, "startedAt": text})
	flowSchema = object(map[string]any{"name": text, "digest": text})

	errorSchema = object(map[string]any{
		"node": text, "outcome": text, "message": text, "code": text,
		"attempt": map[string]any{"type": "integer"},
	})
)

func object(props map[string]any) map[string]any {
	return map[string]any{"type": "object", "properties": props, "additionalProperties": false}
}
