package flowtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// Bind holds the tests against the flow that they are of: nodes, outcomes,
// variables and connections that it does not have.
func (f *File) Bind(of *flow.Flow) diag.List {
	b := &binder{flow: of, all: map[string]*flow.Node{}}
	for in, n := range of.Walk() {
		address := in.Address(n.ID)
		b.all[address] = n
		b.addresses = append(b.addresses, address)
	}
	for _, c := range f.Cases {
		b.bind(c)
	}
	return b.list.Sorted()
}

type binder struct {
	flow      *flow.Flow
	all       map[string]*flow.Node // those of bodies too, by their addresses
	addresses []string              // as the file has them
	list      diag.List
}

func (b *binder) bind(c *Case) {
	b.trigger(c)
	for _, v := range c.variables {
		b.variable(v.name)
	}
	for _, s := range c.settings {
		b.connection(s.connection)
	}
	for _, m := range c.mocks {
		if n := b.anywhere(m.node); n != nil {
			b.mock(n, m)
		}
	}
	if at := c.crash.node; at.Given() {
		if n := b.anywhere(at); n != nil && n.Type.Starts() && c.crash.during {
			b.list.Errorf(at.Pos, CodeValue, "trigger %q makes no calls, during which to crash", n.ID).
				Hint = "crashAfter: " + at.Value + " is when the run has begun"
		}
		if !b.flow.Durable {
			b.list.Errorf(at.Pos, CodeValue, "flow %q is not durable: a crash ends its runs, and nobody takes them up", b.flow.Name)
		}
	}
	for _, s := range c.want.path {
		b.node(s.node)
		if n := b.flow.Nodes[s.node.Value]; n != nil && s.outcome.Given() {
			b.outcome(n, s.outcome)
		}
	}
	for _, of := range [][]named{c.want.inputs, c.want.outputs} {
		for _, w := range of {
			b.anywhere(w.name)
		}
	}
	for _, w := range c.want.variables {
		b.variable(w.name)
	}
}

func (b *binder) trigger(c *Case) {
	g := c.trigger
	var ids []string
	for _, t := range b.flow.Triggers {
		ids = append(ids, t.ID)
	}
	if !g.node.Given() {
		if len(ids) > 1 {
			at := c.Pos
			if g.pos.Line > 0 {
				at = g.pos
			}
			b.list.Errorf(at, diag.MissingKey, "flow %q has %d triggers, and the test does not say which", b.flow.Name, len(ids)).
				Hint = "say trigger: { node: … }, with one of " + strings.Join(ids, ", ")
			return
		}
	} else if !slices.Contains(ids, g.node.Value) {
		b.list.Errorf(g.node.Pos, diag.UnknownNode, "flow %q has no trigger %q", b.flow.Name, g.node.Value).Hint = diag.Suggest(g.node.Value, ids)
		return
	}
	from := c.from(b.flow)
	hook, ok := from.Trigger.(*node.Hook)
	if ok {
		b.request(c, from, hook)
		return
	}
	if g.headers != nil || g.query != nil || g.params != nil || g.method != "" || g.unsigned {
		b.list.Errorf(g.pos, CodeValue, "trigger %q is no webhook: of what starts it there is only a body", from.ID)
	}
}

// request refuses what no request to the webhook could have.
func (b *binder) request(c *Case, n *flow.Node, hook *node.Hook) {
	g := c.trigger
	if g.unsigned && hook.Verify == "" {
		b.list.Errorf(g.signed, CodeValue, "trigger %q checks no callers, so it is all the same whether one is signed", n.ID)
	}
	if g.method != "" && !slices.Contains(hook.Methods, g.method) {
		b.list.Errorf(g.methodAt, CodeValue, "trigger %q takes no %s", n.ID, g.method).Hint = diag.Suggest(g.method, hook.Methods)
	}
	if _, _, err := g.sent(hook); err != nil {
		b.list.Errorf(g.bodyAt, CodeValue, "the body cannot be sent: %s", err)
	}
	names := hook.Path.Names()
	for _, name := range g.paramsAt {
		if !slices.Contains(names, name.Value) {
			b.list.Errorf(name.Pos, CodeValue, "the path %q has no {%s}", hook.Path, name.Value).Hint = diag.Suggest(name.Value, names)
		}
	}
	for _, name := range names {
		if _, ok := g.params[name]; !ok {
			at := c.Pos
			if g.pos.Line > 0 {
				at = g.pos
			}
			b.list.Errorf(at, diag.MissingKey, "the path %q has {%s}, and the test does not say what it stands for", hook.Path, name).
				Hint = "say trigger: { params: { " + name + ": … } }"
		}
	}
}

// from is the trigger that the case starts a run with.
func (c *Case) from(f *flow.Flow) *flow.Node {
	if c.trigger.node.Given() {
		return f.Nodes[c.trigger.node.Value]
	}
	return f.Triggers[0]
}

func (b *binder) variable(name yamldoc.Text) {
	if _, ok := b.flow.Variables[name.Value]; !ok {
		b.list.Errorf(name.Pos, diag.UndeclaredVariable, "flow %q declares no variable %q", b.flow.Name, name.Value).
			Hint = diag.Suggest(name.Value, slices.Sorted(maps.Keys(b.flow.Variables)))
	}
}

func (b *binder) connection(name yamldoc.Text) {
	known := map[string]bool{}
	for _, n := range b.all {
		if n.Connection != "" {
			known[n.Connection] = true
		}
	}
	if !known[name.Value] {
		b.list.Errorf(name.Pos, diag.UnknownConnection, "no node of flow %q uses a connection %q", b.flow.Name, name.Value).
			Hint = diag.Suggest(name.Value, slices.Sorted(maps.Keys(known)))
	}
}

// node is one of the flow itself.
func (b *binder) node(id yamldoc.Text) {
	if b.flow.Nodes[id.Value] == nil {
		b.unknown(id, b.flow.Order)
	}
}

// anywhere is a node by its address, nil if there is none.
func (b *binder) anywhere(address yamldoc.Text) *flow.Node {
	n := b.all[address.Value]
	if n == nil {
		b.unknown(address, b.addresses)
	}
	return n
}

func (b *binder) unknown(id yamldoc.Text, among []string) {
	if !id.Given() {
		return
	}
	hint := diag.Suggest(id.Value, among)
	for _, address := range among {
		if strings.HasSuffix(address, "/"+id.Value) {
			hint = fmt.Sprintf("the one inside another node is %q", address)
		}
	}
	b.list.Errorf(id.Pos, diag.UnknownNode, "flow %q has no node %q", b.flow.Name, id.Value).Hint = hint
}

func (b *binder) outcome(n *flow.Node, name yamldoc.Text) bool {
	if !name.Given() || n.Outcomes.Has(name.Value) {
		return true
	}
	b.list.Errorf(name.Pos, diag.UnknownOutcome, "node %q has no outcome %q", n.ID, name.Value).Hint = diag.Suggest(name.Value, n.Outcomes.Names())
	return false
}

// mock refuses what the node itself could not do.
func (b *binder) mock(n *flow.Node, m mocked) {
	if n.Type.Starts() {
		b.list.Errorf(m.node.Pos, CodeValue, "node %q is a trigger: what it gives stands under \"trigger\"", n.ID)
		return
	}
	for _, e := range m.ends {
		if !b.outcome(n, e.outcome) || e.outputs == nil || n.Outputs == nil || e.outcome.Value != n.Outcomes.Success {
			continue
		}
		for _, p := range n.Outputs.Validate(e.outputs) {
			b.list.Errorf(e.outputsPos, CodeValue, "node %q has no such outputs: %s", n.ID, p)
		}
	}
}
