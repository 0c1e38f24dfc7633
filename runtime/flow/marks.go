package flow

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// MaxMark is how long the key of a run, or the value of one of its labels, may
// be, in bytes: each is in an index for as long as the run is kept.
const MaxMark = 256

// Marks are what people know a run by, and find it by.
type Marks struct {
	Key    string // "" is none
	Labels map[string]string
	// Missing says of each that could not be made what it is and why.
	Missing []string
}

// mark is a key or a label, compiled.
type mark struct {
	what   string // for messages
	label  string // "" is the key
	source string
	value  *expand.Template
}

// Marked tells whether runs of the flow have a key or labels.
func (f *Flow) Marked() bool { return len(f.marks) > 0 }

// Mark makes the marks of a run that begins with env. It never fails: what comes
// to nothing is missing, and an empty text is no mark on purpose.
func (f *Flow) Mark(env expand.Env) Marks {
	var m Marks
	for _, one := range f.marks {
		text, err := one.text(env)
		switch {
		case err != nil:
			m.Missing = append(m.Missing, fmt.Sprintf("%s: %s", one.what, err))
		case text == "":
		case one.label == "":
			m.Key = text
		default:
			if m.Labels == nil {
				m.Labels = map[string]string{}
			}
			m.Labels[one.label] = text
		}
	}
	return m
}

func (m mark) text(env expand.Env) (string, error) {
	v, err := m.value.Eval(env)
	if err != nil {
		return "", err
	}
	if k := expand.TypeOf(v).Kind(); k == "object" || k == "array" {
		return "", fmt.Errorf("%s: it is %s, expected a text, a number, true or false", m.source, node.OneOf(k))
	}
	text, err := data.Text(v)
	switch {
	case err != nil:
		return "", fmt.Errorf("%s: %w", m.source, err)
	case len(text) > MaxMark:
		return "", fmt.Errorf("%s: it has %d bytes, at most %d are possible: %.40q…", m.source, len(text), MaxMark, text)
	}
	return text, nil
}

func (c *compiler) compileMarks() {
	if c.spec.Key.Given() {
		c.compileMark(mark{what: "key"}, c.spec.Key)
	}
	for _, l := range c.spec.Labels {
		if l.Value.Given() {
			c.compileMark(mark{what: fmt.Sprintf("label %q", l.Name.Value), label: l.Name.Value}, l.Value)
		}
	}
}

func (c *compiler) compileMark(m mark, t yamldoc.Text) {
	var mistakes diag.List
	m.source = t.Value
	if !c.stored && c.checkHabit(t, false) {
		return
	}
	m.value, mistakes = expand.Compile(t, c.scope)
	c.list = append(c.list, mistakes...)
	if mistakes.HasErrors() {
		return
	}
	v, literal := m.value.IsLiteral()
	text, _ := v.(string)
	switch kind := m.value.Type().Kind(); {
	case literal && m.label == "":
		c.list.Errorf(t.Pos, diag.InvalidInput, "the key is %q for every run, so no run is found by it", text).
			Hint = "write a template, such as " + c.markExample()
	case len(text) > MaxMark:
		c.list.Errorf(t.Pos, diag.InvalidInput, "%s has %d bytes, at most %d are possible", m.what, len(text), MaxMark)
	case kind == "object" || kind == "array" || kind == "null":
		c.list.Errorf(t.Pos, diag.WrongType, "%s is %s, expected a text, a number, true or false", m.what, node.OneOf(kind)).
			Hint = "name the field that people know the run by"
	}
	c.checkMarkRefs(m, m.value.Refs())
	c.flow.marks = append(c.flow.marks, m)
}

// checkMarkRefs reports what a mark reads that a run does not have when it
// begins.
func (c *compiler) checkMarkRefs(m mark, refs []expand.Ref) {
	for _, ref := range refs {
		_, variable := c.flow.Variables[ref.Name]
		n := c.flow.Nodes[ref.Name]
		trigger := n != nil && n.Type.Starts()
		switch {
		case variable, ref.Optional, ref.Name == "run", ref.Name == "flow", trigger && len(c.flow.Triggers) == 1:
		case trigger:
			c.list.Errorf(ref.Pos, diag.NotOnEveryPath, "%s reads %q, but a run may begin at another trigger", m.what, ref.Name).
				Hint = "give a default, such as " + ref.Default
		case n != nil || ref.Name == "error":
			c.list.Errorf(ref.Pos, diag.NotOnEveryPath, "%s is made when the run begins, and %q has nothing to read then", m.what, ref.Name).
				Hint = fmt.Sprintf("it may read %s, variables, \"run\" and \"flow\"", c.triggerNames())
		}
	}
}

func (c *compiler) triggerNames() string {
	names := make([]string, len(c.flow.Triggers))
	for i, t := range c.flow.Triggers {
		names[i] = fmt.Sprintf("%q", t.ID)
	}
	if len(names) == 0 {
		return "the trigger"
	}
	return strings.Join(names, ", ")
}

// markExample is a template that could be meant by a key without one.
func (c *compiler) markExample() string {
	written := strings.TrimSpace(c.spec.Key.Value)
	if first, _, dotted := strings.Cut(written, "."); dotted && slices.ContainsFunc(c.flow.Triggers, func(n *Node) bool { return n.ID == first }) {
		return "$(" + written + ")"
	}
	for _, t := range c.flow.Triggers {
		return "$(" + t.ID + ".id)"
	}
	return "$(run.id)"
}
