package flow

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/spec"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// Eval evaluates the node's inputs and checks them against the schema of its
// type. It returns a *node.InvalidError if they do not fit, an *expand.Error if a
// template fails, and a *data.BoundError if there is no room for what one makes.
func (n *Node) Eval(env expand.Env) (map[string]any, error) {
	v, err := n.inputs.eval(env)
	if err != nil {
		return nil, err
	}
	in, _ := v.(map[string]any)
	if env.Room != nil && !n.late {
		for name, v := range in {
			if err := env.Room.Take(v); err != nil {
				return nil, fmt.Errorf("input %q: %w", name, err)
			}
		}
	}
	in = n.Type.Inputs.WithDefaults(in)
	// Inputs left to the node have no value yet, and all that there is to
	// check about them was checked when the flow was compiled.
	if n.late {
		return in, nil
	}
	if problems := n.Type.Inputs.Validate(in); problems != nil {
		return nil, &node.InvalidError{Problems: problems}
	}
	return in, nil
}

// input is one place under `with`, compiled.
type input interface {
	eval(expand.Env) (any, error)
}

type (
	literalInput  struct{ value any }
	templateInput struct{ t *expand.Template }
	textInput     struct{ t *expand.Template }
	lateInput     struct{ t evaluator }
	eachInput     struct{ in input }
	mapInput      struct {
		keys   []string
		values []input
		// inputs tells of each whether it is an input, rather than data that
		// the node passes on.
		inputs []bool
	}
	listInput []input
	setInput  []setEntry
)

type setEntry struct {
	name  string
	value evaluator
}

func (i literalInput) eval(expand.Env) (any, error) { return i.value, nil }

func (i templateInput) eval(env expand.Env) (any, error) { return i.t.Eval(env) }

func (i lateInput) eval(env expand.Env) (any, error) { return late{i.t, env}, nil }

func (i eachInput) eval(env expand.Env) (any, error) { return each{i.in, env}, nil }

// eval gives the text of what the template came to.
func (i textInput) eval(env expand.Env) (any, error) {
	v, err := i.t.Eval(env)
	if v == nil || err != nil {
		return nil, err
	}
	return data.Text(v)
}

// eval leaves out inputs that came to nil, so that an optional one can be given
// by a template that has nothing to say. Data is passed on as it was written.
func (i mapInput) eval(env expand.Env) (any, error) {
	m := make(map[string]any, len(i.keys))
	for k, in := range i.values {
		v, err := in.eval(env)
		if err != nil {
			return nil, err
		}
		if v != nil || !i.inputs[k] {
			m[i.keys[k]] = v
		}
	}
	return m, nil
}

func (i listInput) eval(env expand.Env) (any, error) {
	l := make([]any, len(i))
	for k, in := range i {
		v, err := in.eval(env)
		if err != nil {
			return nil, err
		}
		l[k] = v
	}
	return l, nil
}

func (i setInput) eval(env expand.Env) (any, error) {
	set := make(node.Assignments, len(i))
	for k, e := range i {
		set[k] = node.Assignment{Name: e.name, Value: late{e.value, env}}
	}
	return set, nil
}

// evaluator is a template or a tree of them.
type evaluator interface {
	Eval(expand.Env) (any, error)
}

// late is a node.Late: a template with the run's names.
type late struct {
	t   evaluator
	env expand.Env
}

func (l late) Eval(over map[string]any) (any, error) {
	env := l.env
	if len(over) > 0 {
		env.Names = maps.Clone(env.Names)
		maps.Copy(env.Names, over)
	}
	v, err := l.t.Eval(env)
	if err == nil {
		err = env.Room.Take(v)
	}
	return v, err
}

// each is an input that the node evaluates for every item of a list. It is not all
// there at the same time, so each time has the room of one step.
type each struct {
	in  input
	env expand.Env
}

func (l each) Eval(over map[string]any) (any, error) {
	env := l.env
	env.Names = maps.Clone(env.Names)
	maps.Copy(env.Names, over)
	if env.Room != nil {
		room := *env.Room
		env.Room = &room
	}
	v, err := l.in.eval(env)
	if err == nil {
		err = env.Room.Take(v)
	}
	return v, err
}

func (c *compiler) compileInputs() {
	for i := range c.spec.Nodes {
		if c.enough() {
			return
		}
		s := &c.spec.Nodes[i]
		n := c.flow.Nodes[s.ID.Value]
		if n == nil || n.Pos != s.ID.Pos {
			continue
		}
		in := inputCompiler{compiler: c, node: n, written: s, place: s.ID.Pos, what: fmt.Sprintf("node type %q", n.Type.Name)}
		if s.Misread {
			n.inputs, c.besides = mapInput{}, true
			continue
		}
		value := s.With
		if value == nil {
			value = &yamldoc.Map{}
		}
		before := len(c.list)
		n.inputs = in.compile(value, c.inputsOf(n), nil)
		c.withoutFollowing(before, value.Pos())
		if n.inputs == nil {
			n.inputs = mapInput{}
		}
	}
}

// withoutFollowing drops what the shape of a node's inputs had to say where that may be
// so only because of what was told since: an input that is none, or of another type.
func (c *compiler) withoutFollowing(before int, with diag.Pos) {
	at := map[diag.Pos]bool{}
	for _, e := range c.list[before:] {
		switch e.Code {
		case diag.UnknownInput:
			at[with] = true
		case diag.WrongType:
			at[with], at[e.Pos] = true, true
		default: // nothing follows from it
		}
	}
	if len(at) == 0 {
		return
	}
	told := slices.DeleteFunc(c.list[:before:before], func(e *diag.Error) bool { return e.Code == diag.InvalidInput && at[e.Pos] })
	c.list = append(told, c.list[before:]...)
	c.counted = min(c.counted, len(c.list))
}

// inputCompiler compiles what one node has under `with`.
type inputCompiler struct {
	*compiler
	node    *Node
	written *spec.Node
	place   diag.Pos // where to report what is missing altogether
	what    string
	meant   []string // inputs that are there by another name
}

// unusable tells whether a template has a mistake with which it cannot be run.
func (c *inputCompiler) unusable(mistakes diag.List) bool {
	return slices.ContainsFunc(mistakes, func(e *diag.Error) bool {
		prevents, known := preventsRuns[e.Code]
		return e.Severity == diag.SeverityError && (!c.stored || prevents || !known)
	})
}

func (c *inputCompiler) compile(v yamldoc.Value, schema map[string]any, path []string) input {
	if s, ok := v.(*yamldoc.Scalar); ok && s.Lost() {
		return nil
	}
	switch schema["x-wend"] {
	case "body": // see compileBodies
		c.shaped(v, schema, path)
		return nil
	case "literal":
		c.checkNumbers(v)
		if _, scalar := v.(*yamldoc.Scalar); !scalar && !c.shaped(v, schema, path) {
			return nil
		}
		return literalInput{yamldoc.Plain(v)}
	case "each":
		return c.compileEach(v, schema, path)
	case "late":
		return c.compileLate(v)
	case "condition":
		return c.compileCondition(v)
	case "set":
		return c.compileSet(v)
	}
	switch v := v.(type) {
	case *yamldoc.Map:
		return c.compileMap(v, schema, path)
	case *yamldoc.List:
		return c.compileList(v, schema, path)
	case *yamldoc.Scalar:
		return c.compileScalar(v, schema, path)
	default:
		return literalInput{nil}
	}
}

func (c *inputCompiler) compileMap(m *yamldoc.Map, schema map[string]any, path []string) input {
	if !c.kindFits("object", m.Pos(), schema, path, "") {
		return nil
	}
	props, _ := schema["properties"].(map[string]any)
	out := mapInput{}
	for _, e := range m.Entries {
		if c.enough() {
			return nil
		}
		sub, ok := c.property(schema, props, e.Key, path)
		if !ok {
			continue
		}
		if i := strings.Index(e.Key.Value, "$("); i >= 0 {
			c.list.Warnf(e.Key.At(i), diag.TemplateKey, "keys are never templates; this one stays %q", e.Key.Value)
		}
		// A text of a free name, as a header, may be "".
		_, named := props[e.Key.Value]
		if s, ok := e.Value.(*yamldoc.Scalar); ok && s.Data == nil && !nullable(sub) {
			named = true
		}
		if named && c.blank(e.Value, sub, schema, append(path, e.Key.Value)) {
			continue
		}
		if in := c.compile(e.Value, sub, append(path, e.Key.Value)); in != nil {
			if slices.Contains(asList(schema["required"]), any(e.Key.Value)) {
				c.noteNeed(in, append(path, e.Key.Value))
			}
			out.keys = append(out.keys, e.Key.Value)
			out.values = append(out.values, in)
			out.inputs = append(out.inputs, len(path) == 0 || !nullable(sub))
		}
	}
	c.checkRequired(m, schema, path)
	return out
}

// nullable tells whether a schema takes null. One that says nothing of the
// type does.
func nullable(schema map[string]any) bool {
	types := schemaTypes(schema)
	return len(types) == 0 || contains(types, "null")
}

// blank reports an input with nothing behind its name. An input that may be
// anything may be null or "", but not a key without a word behind it; a text
// that a plugin's method does not need may be "".
func (c *inputCompiler) blank(v yamldoc.Value, schema, parent map[string]any, path []string) bool {
	s, ok := v.(*yamldoc.Scalar)
	if !ok || s.Lost() || c.stored {
		return false
	}
	types := schemaTypes(schema)
	open := len(types) == 0 && schema["x-wend"] == nil
	name := path[len(path)-1]
	required := slices.Contains(asList(parent["required"]), any(name))
	switch text, isText := s.Data.(string); {
	case s.Data == nil:
		if contains(types, "null") || open && s.Value != "" {
			return false
		}
	case !isText || strings.TrimSpace(text) != "" || open,
		c.node.Type.Digest != "" && !required,
		len(types) > 0 && !contains(types, "string") && schema["x-wend"] != "literal":
		return false
	}
	e := c.list.Errorf(s.Text.Pos, diag.EmptyValue, "input %q of node %q is empty", dotted(path), c.node.ID)
	if e.Hint = "give it a value"; !required {
		e.Hint += ", or leave the key out"
	}
	return true
}

// checkNumbers reports numbers that would change, in data that may be anything.
func (c *inputCompiler) checkNumbers(v yamldoc.Value) {
	if !c.stored {
		yamldoc.CheckNumbers(v, &c.list)
	}
}

func asList(v any) []any {
	list, _ := v.([]any)
	return list
}

// property finds the schema of a key. It reports a key that is not expected.
func (c *inputCompiler) property(schema, props map[string]any, key yamldoc.Text, path []string) (map[string]any, bool) {
	if p, ok := props[key.Value].(map[string]any); ok {
		return p, true
	}
	switch extra := schema["additionalProperties"].(type) {
	case map[string]any:
		return extra, true
	case bool:
		if !extra && schema["patternProperties"] == nil {
			known := slices.Sorted(maps.Keys(props))
			e := c.list.Errorf(key.Pos, diag.UnknownInput, "%s has no input %q", c.what, dotted(path, key.Value))
			if meant := c.meantInput(key.Value, known); meant != "" {
				c.meant = append(c.meant, dotted(path, meant))
				e.Hint = fmt.Sprintf("did you mean %q?", meant)
			} else {
				e.Hint = c.suggestInput(key.Value, known, props, path)
			}
			return nil, false
		}
	}
	return nil, true
}

// meantInput is the input that somebody meant by another name, "" if no other product
// calls one so and none is close.
func (c *inputCompiler) meantInput(name string, known []string) string {
	if meant := inputElsewhere(name, known); meant != "" && c.node.Type.Digest == "" {
		return meant
	}
	return diag.Nearest(name, known)
}

// suggestInput is a hint for an input that there is not, and that none is meant by. One
// that is a key of the node is indented too deep.
func (c *inputCompiler) suggestInput(name string, known []string, props map[string]any, path []string) string {
	for _, outer := range known {
		sub, _ := props[outer].(map[string]any)
		if inner, _ := sub["properties"].(map[string]any); inner[name] != nil {
			return fmt.Sprintf("%q belongs to %q; it goes under that", name, outer)
		}
	}
	switch {
	case len(path) == 0 && name == "with":
		return `its inputs stand under the outer "with" already; leave the inner one out`
	case len(path) == 0 && spec.IsNodeKey(name):
		return fmt.Sprintf("%q is a key of the node; begin it in the column of \"with\"", name)
	case len(path) == 0 && c.node.Outcomes.Has(name):
		return fmt.Sprintf("%q is an outcome; it goes under \"outcomes\", beside \"with\"", name)
	case c.node.hasInput(name):
		return fmt.Sprintf("%q is an input of its own; begin it in the column of %q", name, path[0])
	}
	return diag.Suggest(name, known)
}

func (c *inputCompiler) checkRequired(m *yamldoc.Map, schema map[string]any, path []string) {
	var missing []string
	for _, r := range asList(schema["required"]) {
		name, _ := r.(string)
		switch {
		case m.Get(name) != nil, contains(c.meant, dotted(path, name)): // which was told
		case len(path) == 0 && isBeside(c.written, name): // which was told
			c.besides = true
		default:
			missing = append(missing, strconv.Quote(dotted(path, name)))
		}
	}
	if len(missing) == 0 {
		return
	}
	pos := m.Pos()
	if pos.Line == 0 {
		pos = c.place
	}
	word := "input"
	if len(missing) > 1 {
		word = "inputs"
	}
	c.list.Errorf(pos, diag.MissingInput, "node %q is missing the %s %s of %s", c.node.ID, word, strings.Join(missing, ", "), c.what)
}

func (c *inputCompiler) compileList(l *yamldoc.List, schema map[string]any, path []string) input {
	if !c.kindFits("array", l.Pos(), schema, path, "") {
		return nil
	}
	items, _ := schema["items"].(map[string]any)
	out := make(listInput, 0, len(l.Items))
	for i, v := range l.Items {
		if c.enough() {
			return nil
		}
		if in := c.compile(v, items, append(path, strconv.Itoa(i))); in != nil {
			out = append(out, in)
		}
	}
	return out
}

func (c *inputCompiler) compileScalar(s *yamldoc.Scalar, schema map[string]any, path []string) input {
	if want := schemaTypes(schema); (contains(want, "number") || contains(want, "integer")) && !contains(want, "string") {
		if n, ok := s.Number(); ok {
			return c.compileLiteral(n, s.Text.Pos, schema, path)
		}
	}
	before := len(c.list)
	if c.checkNumbers(s); len(c.list) > before {
		return nil
	}
	if _, isText := s.Data.(string); !isText {
		return c.compileLiteral(s.Data, s.Text.Pos, schema, path)
	}
	compile := expand.Compile
	if schema["x-wend"] == "url" {
		compile = expand.CompileURL
		if !c.stored {
			c.checkPlaceholders(s.Text)
		}
	}
	c.checkHabits(s)
	t, mistakes := compile(s.Text, c.scope)
	c.list = append(c.list, mistakes...)
	if c.unusable(mistakes) {
		return nil
	}
	if v, ok := t.IsLiteral(); ok {
		return c.compileLiteral(v, s.Text.Pos, schema, path)
	}
	c.refs[c.node.ID] = append(c.refs[c.node.ID], t.Refs()...)
	if schema["x-wend"] == "text" {
		return textInput{t}
	}
	if !c.kindFits(t.Type().Kind(), s.Text.Pos, schema, path, "use string(…) inside the template") {
		return nil
	}
	return templateInput{t}
}

// compileEach compiles the input of a flow that is run for every element of a list:
// there `item` and `index` are names too.
func (c *inputCompiler) compileEach(v yamldoc.Value, schema map[string]any, path []string) input {
	schema = maps.Clone(schema)
	delete(schema, "x-wend")
	around := c.scope
	defer func() { c.scope = around }()
	c.scope = &expand.Scope{Names: maps.Clone(around.Names)}
	for _, callee := range c.node.Callees {
		if slices.Equal(callee.Input, path) {
			c.nameItems(c.scope.Names, c.written, callee.Items)
		}
	}
	in := c.compile(v, schema, path)
	c.refs[c.node.ID] = slices.DeleteFunc(c.refs[c.node.ID], func(r expand.Ref) bool { return slices.Contains(itemNames, r.Name) })
	c.node.late = true
	return eachInput{in}
}

func (c *inputCompiler) compileLiteral(v any, pos diag.Pos, schema map[string]any, path []string) input {
	if v == nil {
		return literalInput{nil}
	}
	if !c.kindFits(kindOf(v), pos, schema, path, "put quotes around it") {
		return nil
	}
	// The rest of the schema (enum, pattern, format, limits) can be told
	// already. One with references into its root cannot be taken out of it;
	// the run checks it.
	if len(schema) > 0 {
		for _, p := range c.leaf(schema).Validate(v) {
			e := c.list.Errorf(pos, diag.InvalidInput, "input %q of node %q: %s", dotted(path), c.node.ID, p.Msg)
			if word, ok := v.(string); ok && len(choices(schema)) > 0 {
				e.Msg = fmt.Sprintf("input %q of node %q is %q", dotted(path), c.node.ID, word)
				e.Hint = diag.Suggest(word, choices(schema))
			}
		}
	}
	if known, ok := node.ChoicesOf(schema); ok && !c.stored {
		c.checkChoice(v, known, pos, path)
	}
	return literalInput{v}
}

// leaf returns the schema of one input, nil if it cannot be taken out of the
// whole.
func (c *compiler) leaf(schema map[string]any) *node.Schema {
	at := reflect.ValueOf(schema).Pointer()
	leaf, known := c.leaves[at]
	if !known {
		leaf, _ = node.NewSchema(schema) // what is wrong with it was told of the whole
		c.leaves[at] = leaf
	}
	return leaf
}

// checkChoice reports a text that the plugin does not know. One that is empty
// stands for none.
func (c *inputCompiler) checkChoice(v any, known node.Choices, pos diag.Pos, path []string) {
	text, ok := v.(string)
	if !ok || text == "" {
		return
	}
	if _, ok := known.Known(text); ok {
		return
	}
	words := slices.Concat(known.Values, slices.Sorted(maps.Keys(known.Aliases)))
	c.list.Errorf(pos, diag.InvalidInput, "input %q of node %q is %q, which %s does not know", dotted(path), c.node.ID, text, c.node.Type.Ref()).
		Hint = suggestChoice(text, known.Values, words)
}

// suggestChoice lists the usual values, unless an alias is meant.
func suggestChoice(text string, values, words []string) string {
	if near := diag.Nearest(text, words); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return diag.Suggest(text, values)
}

// choices are the values that a schema's enum allows, as texts.
func choices(schema map[string]any) []string {
	values, _ := schema["enum"].([]any)
	known := make([]string, len(values))
	for i, v := range values {
		known[i] = fmt.Sprint(v)
	}
	return known
}

// shaped tells whether an input is a map, a list or a single value as its schema
// says, and reports one that is not.
func (c *inputCompiler) shaped(v yamldoc.Value, schema map[string]any, path []string) bool {
	kind := kindOf(yamldoc.Plain(v))
	switch v.(type) {
	case *yamldoc.Map:
		kind = "object"
	case *yamldoc.List:
		kind = "array"
	}
	return c.kindFits(kind, v.Pos(), schema, path, "")
}

func (c *inputCompiler) compileLate(v yamldoc.Value) input {
	c.checkNumbers(v)
	c.checkHabits(v)
	t, mistakes := expand.CompileValue(v, c.scope)
	c.list = append(c.list, mistakes...)
	if c.unusable(mistakes) {
		return nil
	}
	c.node.late = true
	if c.node.Type.Starts() {
		c.checkEarly(t.Refs())
		return literalInput{early{t}}
	}
	c.refs[c.node.ID] = append(c.refs[c.node.ID], t.Refs()...)
	return lateInput{t}
}

// compileSet compiles a map from variables to their new values.
func (c *inputCompiler) compileSet(v yamldoc.Value) input {
	m, ok := v.(*yamldoc.Map)
	if !ok {
		c.list.Errorf(v.Pos(), diag.WrongType, "expected a map from variables to values")
		return nil
	}
	c.node.late = true
	out := setInput{}
	for _, e := range m.Entries {
		if c.enough() {
			return nil
		}
		name := e.Key.Value
		old, declared := c.flow.Variables[name]
		if !declared {
			mistake := c.list.Errorf(e.Key.Pos, diag.UndeclaredVariable, "no variable %q is declared", name)
			mistake.Hint = "declare it under `variables`, with its value at the start"
			if near := diag.Nearest(name, c.variables); near != "" {
				mistake.Hint = fmt.Sprintf("did you mean %q?", near)
			}
			if c.outer != nil {
				mistake.Msg = fmt.Sprintf("nodes inside another set no variables, and %q is one of the flow around them at best", name)
				mistake.Hint = "give the value as an output where they end"
			}
			continue
		}
		value, ok := c.compileLate(e.Value).(lateInput)
		if !ok {
			continue
		}
		c.sets[c.node.ID] = append(c.sets[c.node.ID], name)
		c.checkSetKind(e, old)
		out = append(out, setEntry{name, value.t})
	}
	return out
}

// checkSetKind reports a value of another type than the variable had: templates
// that read the variable were checked against that type.
func (c *inputCompiler) checkSetKind(e yamldoc.Entry, old any) {
	s, ok := e.Value.(*yamldoc.Scalar)
	if !ok || old == nil {
		return
	}
	t, mistakes := expand.Compile(s.Text, c.scope)
	if c.unusable(mistakes) {
		return
	}
	want, got := expand.TypeOf(old).Kind(), t.Type().Kind()
	if _, isText := s.Data.(string); !isText {
		got = expand.TypeOf(s.Data).Kind()
	}
	if c.stored || got == want || got == "any" || got == "null" || got == "integer" && want == "number" {
		return
	}
	c.list.Errorf(s.Text.Pos, diag.WrongType, "variable %q is %s, but is set to %s here",
		e.Key.Value, node.OneOf(want), node.OneOf(got))
}

func (c *inputCompiler) compileCondition(v yamldoc.Value) input {
	s, ok := v.(*yamldoc.Scalar)
	if !ok {
		c.list.Errorf(v.Pos(), diag.InvalidInput, "expected a boolean expression")
		return nil
	}
	if !c.stored && c.checkHabit(s.Text, true) {
		return nil
	}
	t, mistakes := expand.CompileCondition(s.Text, c.scope)
	c.list = append(c.list, mistakes...)
	if c.unusable(mistakes) {
		return nil
	}
	c.node.late = true
	c.refs[c.node.ID] = append(c.refs[c.node.ID], t.Refs()...)
	c.test(c.node.ID, t.Refs())
	return lateInput{t}
}

// kindFits checks a static type against the schema's `type`. It gives asText as
// the hint where the value should be text and could easily be.
func (c *inputCompiler) kindFits(kind string, pos diag.Pos, schema map[string]any, path []string, asText string) bool {
	want := schemaTypes(schema)
	if c.stored || len(want) == 0 || kind == "any" || contains(want, kind) || kind == "integer" && contains(want, "number") {
		return true
	}
	e := c.list.Errorf(pos, diag.WrongType, "input %q of node %q is %s, expected %s",
		dotted(path), c.node.ID, node.OneOf(kind), node.OneOf(want...))
	switch {
	case kind == "integer" && asText != "" && c.node.Type.Digest == "" && len(path) > 0 && slices.Contains(durations, path[len(path)-1]):
		e.Hint = "say the unit too, such as 5s or 2m"
	case contains(want, "string") && (kind == "integer" || kind == "number" || kind == "boolean"):
		e.Hint = asText
	case contains(want, "array") && kind != "object" && asText != "":
		e.Hint = "put it in [ ]"
	}
	return false
}

// durations are the inputs of built-in node types that are lengths of time.
var durations = []string{"for", "every", "jitter", "timeout"}

func schemaTypes(schema map[string]any) []string {
	switch t := schema["type"].(type) {
	case string:
		return []string{t}
	case []any:
		var names []string
		for _, v := range t {
			if s, ok := v.(string); ok {
				names = append(names, s)
			}
		}
		return names
	default:
		return nil
	}
}

func kindOf(v any) string {
	switch v.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case int, json.Number:
		return "integer"
	case float64:
		return "number"
	default:
		return "any"
	}
}

func dotted(path []string, more ...string) string {
	return strings.Join(append(path[:len(path):len(path)], more...), ".")
}

func contains(list []string, s string) bool { return slices.Contains(list, s) }

func cutVersion(ref string) (name, version string) {
	name, version, _ = strings.Cut(ref, "@")
	return name, version
}
