package flow

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/spec"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// All yields every node of the flow, those of bodies inside others too, in no
// order.
func (f *Flow) All() iter.Seq[*Node] {
	return func(yield func(*Node) bool) {
		for _, of := range append(slices.Collect(maps.Values(f.bodies)), f) {
			for _, n := range of.Nodes {
				if !yield(n) {
					return
				}
			}
		}
	}
}

// Size is how many nodes All yields.
func (f *Flow) Size() int {
	n := len(f.Nodes)
	for _, b := range f.bodies {
		n += len(b.Nodes)
	}
	return n
}

// Walk yields every node that somebody wrote, with the flow that it is of, in the
// order of the file: behind a node those of its bodies.
func (f *Flow) Walk() iter.Seq2[*Flow, *Node] {
	return func(yield func(*Flow, *Node) bool) { f.walk(yield) }
}

func (f *Flow) walk(yield func(*Flow, *Node) bool) bool {
	for _, id := range f.Order {
		n := f.Nodes[id]
		if f.Root != nil && n.Type.Starts() {
			continue // the head of a body
		}
		if !yield(f, n) {
			return false
		}
		for _, b := range n.bodies {
			if body := f.BodyOf(id, b.Name); body != nil && !body.walk(yield) {
				return false
			}
		}
	}
	return true
}

// Address names a node of this flow among all of its root: the id, or behind the
// Path of a body, "each/book".
func (f *Flow) Address(id string) string {
	if f.Path == "" {
		return id
	}
	return f.Path + "/" + id
}

// Replaced returns a copy of a flow that is no body with other nodes, in bodies
// too: change gets each node and its address, and returns that node or one of the
// same id.
func (f *Flow) Replaced(change func(address string, n *Node) *Node) *Flow {
	root := f.replaced(change)
	root.bodies = make(map[string]*Flow, len(f.bodies))
	for path, b := range f.bodies {
		body := b.replaced(change)
		body.Root, root.bodies[path] = root, body
	}
	return root
}

func (f *Flow) replaced(change func(address string, n *Node) *Node) *Flow {
	changed := *f
	changed.Nodes = make(map[string]*Node, len(f.Nodes))
	for id, n := range f.Nodes {
		changed.Nodes[id] = change(f.Address(id), n)
	}
	return &changed
}

// Body returns a body by its Path, nil if there is none.
func (f *Flow) Body(path string) *Flow { return f.bodies[path] }

// BodyOf returns the body of that name of a node of this flow, nil if there is
// none.
func (f *Flow) BodyOf(id, name string) *Flow {
	if f.Root != nil {
		return f.Root.bodies[bodyPath(f, id, name)]
	}
	return f.bodies[bodyPath(f, id, name)]
}

func bodyPath(around *Flow, id, name string) string {
	path := id
	if name != "" {
		path += "." + name
	}
	if around.Path != "" {
		path = around.Path + "/" + path
	}
	return path
}

// Reads returns what a body reads of names around it: as much of each as it needs,
// so that no child run has to keep more.
func (f *Flow) Reads(names map[string]any) map[string]any {
	read := map[string]any{}
	for _, path := range f.reads {
		copyPath(read, names, path)
	}
	return read
}

// copyPath copies what stands at a path, and of the objects around it nothing
// else. What is not there is not copied.
func copyPath(to, from map[string]any, path []string) {
	v, there := from[path[0]]
	if !there {
		return
	}
	inner, isObject := v.(map[string]any)
	if len(path) == 1 || !isObject {
		to[path[0]] = v
		return
	}
	at, begun := to[path[0]].(map[string]any)
	if !begun {
		at = map[string]any{}
		to[path[0]] = at
	}
	copyPath(at, inner, path[1:])
}

// outer is what a body sees of what is around it.
type outer struct {
	names map[string]expand.Type
	own   []string // of names, those that only the body has
}

// bodyTrigger is the type of the node that a body has at its head, and that nobody
// wrote.
var bodyTrigger = &node.Type{
	Name: "body", Title: "Body", Doc: "Where the nodes begin that another node has in its inputs.",
	Trigger: func(map[string]any) (node.Trigger, error) { return &node.Called{}, nil },
	Inputs:  node.MustSchema(object(map[string]any{})), Outputs: node.MustSchema(object(map[string]any{})),
	Outcomes: node.Outcomes{Success: "success", All: []node.Outcome{{Name: "success", Doc: "The body begins."}}},
	Shape: func(map[string]any) (node.Shape, []node.Problem) {
		return node.Shape{Unanswered: &node.Problem{
			Msg: "is that of nodes inside another, whose run has no caller who waits", Hint: `give outputs with a node of type "end"`, Warning: true,
		}}, nil
	},
}

// compileBodies compiles the flows that nodes have in their inputs. Those of a node
// may read what the bodies of nodes before it gave, in the order of the file.
func (c *compiler) compileBodies() {
	for i := range c.spec.Nodes {
		s := &c.spec.Nodes[i]
		n := c.flow.Nodes[s.ID.Value]
		if n == nil || n.Pos != s.ID.Pos {
			continue
		}
		for _, b := range n.bodies {
			c.compileBody(s, n, b)
		}
		if len(n.bodies) > 0 && !c.stored {
			c.scope.Names[n.ID] = n.outputType()
		}
	}
}

func (c *compiler) compileBody(s *spec.Node, n *Node, b node.Body) {
	if c.enough() {
		return
	}
	written := inputAt(s.With, append(slices.Clone(b.Path), "nodes"))
	if written == nil {
		return // the shape has said so
	}
	nodes, mistakes := spec.ParseNodes(written)
	c.list = append(c.list, mistakes...)
	if len(nodes) == 0 {
		return
	}
	start, _ := inputAt(s.With, append(slices.Clone(b.Path), "start")).(*yamldoc.Scalar)
	head, known := c.bodyHead(n, nodes, start, written.Pos())
	inner := &spec.Flow{
		File: c.spec.File, Name: c.spec.Name, Visits: c.spec.Visits,
		Nodes:    append([]spec.Node{head}, nodes...),
		Defaults: spec.Defaults{Timeout: c.spec.Defaults.Timeout, Retry: c.spec.Defaults.Retry},
	}
	root := c.flow
	if root.Root != nil {
		root = root.Root
	}
	sub := &compiler{spec: inner, cfg: c.cfg, stored: c.stored, leaves: c.leaves, outer: c.around(s, n, b), lost: !known}
	sub.flow = newFlow(inner)
	sub.flow.Source, sub.flow.Digest, sub.flow.Durable = root.Source, root.Digest, root.Durable
	sub.flow.Root, sub.flow.Path = root, bodyPath(c.flow, n.ID, b.Name)
	if root.bodies == nil {
		root.bodies = map[string]*Flow{}
	}
	root.bodies[sub.flow.Path] = sub.flow
	sub.run()
	c.list = append(c.list, sub.list...)
	c.lost = c.lost || sub.lost
	c.readsOf(sub, n)
	if sig := sub.flow.Signature(); sig != nil && !c.stored {
		c.giveOutputs(n, b.Gives, b.Maybe, sig.Outputs)
	}
}

// around is what the body sees of the flow: all names but that of its own node. Its
// own nodes hide those of the same name.
func (c *compiler) around(s *spec.Node, n *Node, b node.Body) *outer {
	o := &outer{names: map[string]expand.Type{}}
	for name, t := range c.scope.Names {
		if name != n.ID && !slices.Contains(engineNames, name) {
			o.names[name] = t
		}
	}
	if b.Items != nil {
		c.nameItems(o.names, s, b.Items)
		o.own = itemNames
	}
	return o
}

// itemNames are what is read of each element of a list.
var itemNames = []string{"item", "index"}

// nameItems adds them to names, for the list that is an input of a node.
func (c *compiler) nameItems(names map[string]expand.Type, s *spec.Node, items []string) {
	names["item"], names["index"] = expand.Type{}, expand.FromSchema(map[string]any{"type": "integer"})
	if v := inputAt(s.With, items); v != nil {
		names["item"] = c.typeOf(v).Elem()
	}
}

// typeOf is the type of what an input comes to. What is wrong with it is told when
// it is compiled.
func (c *compiler) typeOf(v yamldoc.Value) expand.Type {
	if s, ok := v.(*yamldoc.Scalar); ok {
		if _, isText := s.Data.(string); isText {
			t, _ := expand.Compile(s.Text, c.scope)
			return t.Type()
		}
	}
	return expand.TypeOf(yamldoc.Plain(v))
}

// bodyHead is the trigger of a body, which leads to where it begins. It is not known
// where nobody says it and the routes do not tell, which it reports.
func (c *compiler) bodyHead(n *Node, nodes []spec.Node, start *yamldoc.Scalar, at diag.Pos) (head spec.Node, known bool) {
	taken := func(id string) bool {
		return slices.ContainsFunc(nodes, func(s spec.Node) bool { return s.ID.Value == id })
	}
	id := "begin"
	for taken(id) {
		id += "_"
	}
	head = spec.Node{ID: yamldoc.Text{Value: id, Pos: at}, Type: yamldoc.Text{Value: bodyTrigger.Name, Pos: at}}
	if start != nil {
		head.Next = start.Text
		return head, true
	}
	led := map[string]bool{}
	for i := range nodes {
		led[nodes[i].Next.Value] = true
		for _, r := range nodes[i].Outcomes {
			led[r.Target.Value] = true
		}
	}
	var first []string
	for i := range nodes {
		if !led[nodes[i].ID.Value] {
			first = append(first, nodes[i].ID.Value)
		}
	}
	if len(first) != 1 {
		what := "routes lead to all of them"
		if len(first) > 1 {
			what = "no route leads to " + strings.Join(quotedAll(first), " and ")
		}
		c.list.Errorf(at, diag.MissingInput, "at which of the nodes inside it does node %q begin? %s", n.ID, what).
			Hint = "say it beside them, such as start: " + append(first, nodes[0].ID.Value)[0]
		return head, false
	}
	head.Next = yamldoc.Text{Value: first[0], Pos: at}
	return head, true
}

func quotedAll(names []string) []string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	return quoted
}

// readsOf notes what a body reads of what is around it: its own node must then have
// that.
func (c *compiler) readsOf(sub *compiler, n *Node) {
	paths := map[string][]string{}
	for _, id := range slices.Sorted(maps.Keys(sub.refs)) {
		for _, ref := range sub.refs[id] {
			if _, around := sub.outer.names[ref.Name]; !around || sub.declared[ref.Name] || slices.Contains(sub.outer.own, ref.Name) {
				continue
			}
			c.refs[n.ID] = append(c.refs[n.ID], ref)
			path := append([]string{ref.Name}, ref.Path...)
			paths[strings.Join(path, "\x00")] = path
		}
	}
	// A path behind its beginning: that has it all.
	for _, key := range slices.Sorted(maps.Keys(paths)) {
		if reads := sub.flow.reads; len(reads) == 0 || !within(reads[len(reads)-1], paths[key]) {
			sub.flow.reads = append(sub.flow.reads, paths[key])
		}
	}
}

// within tells whether a path leads further into what another has.
func within(outer, inner []string) bool {
	return len(outer) <= len(inner) && slices.Equal(outer, inner[:len(outer)])
}

// giveOutputs puts the schema of what a flow gives back where the node has it.
func (c *compiler) giveOutputs(n *Node, path []string, maybe bool, given map[string]any) {
	if path == nil {
		return
	}
	if maybe {
		given = maps.Clone(given)
		delete(given, "required")
	}
	if outputs, err := node.NewSchema(putOutputs(n.Outputs.Raw(), path, given)); err == nil {
		n.Outputs = outputs
	}
}

func putOutputs(schema map[string]any, path []string, given map[string]any) map[string]any {
	if len(path) == 0 {
		return given
	}
	if schema = maps.Clone(schema); schema == nil {
		schema = map[string]any{}
	}
	if path[0] == "[]" {
		items, _ := schema["items"].(map[string]any)
		schema["items"] = putOutputs(items, path[1:], given)
		return schema
	}
	props, _ := schema["properties"].(map[string]any)
	if props = maps.Clone(props); props == nil {
		props = map[string]any{}
	}
	at, _ := props[path[0]].(map[string]any)
	props[path[0]] = putOutputs(at, path[1:], given)
	schema["properties"] = props
	return schema
}

// inputAt returns what a node has at a path under `with`, or nil.
func inputAt(v yamldoc.Value, path []string) yamldoc.Value {
	for _, name := range path {
		m, ok := v.(*yamldoc.Map)
		if !ok {
			return nil
		}
		v = m.Get(name)
	}
	return v
}
