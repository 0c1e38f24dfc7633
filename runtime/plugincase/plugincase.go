// Package plugincase holds plugins against recorded conversations: what a method
// was run with, the calls it asked for with their replies, how it ended. They
// are written in YAML by people, or from the events of a real run. It makes no
// calls: the other side of every conversation is in the file.
package plugincase

import (
	"context"
	"fmt"

	"github.com/wendflow/wend/runtime/casefile"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/yamldoc"
	"github.com/wendflow/wend/sdk/wire"
)

// Codes of what can be wrong with a case only; the others are package diag's.
const (
	CodeValue   diag.Code = "case-value"   // a value of the wrong form
	CodeDiffers diag.Code = "case-differs" // the plugin did something else
)

// Case is one conversation. It is immutable and safe for concurrent use.
type Case struct {
	Pos    diag.Pos
	Name   string
	Method string     // of the plugin, or an alias of one
	Visit  node.Visit // what the method is run with, without replies
	Calls  []Exchange // in the order in which the method asks

	settings yamldoc.Value // as written; nil if the case has none
	want     want
}

// Exchange is one call that the method is expected to ask for, and what it
// gets.
type Exchange struct {
	Reply  wire.Reply
	expect casefile.Call
	pos    diag.Pos
}

// want is how the method must end; what is nil may be anything.
type want struct {
	outcome, code    *yamldoc.Scalar
	message, outputs casefile.Want
}

// Transcript is what a method said in one conversation.
type Transcript struct {
	Calls []wire.Call // all that were asked for
	// Unanswered tells that the method asked for more calls than the case has
	// replies, and the conversation ended there.
	Unanswered bool

	Outcome string
	Outputs map[string]any
	Message string
	Code    string   // of the fault, or empty
	Log     []string // each line once
}

// outputs are those of the method, none if it gave nothing.
func (said *Transcript) outputs() map[string]any {
	if said.Outputs == nil {
		return map[string]any{}
	}
	return said.Outputs
}

// Find returns the type of the case's method. It is nil if the plugin has none of
// that name, or if no connection could have the settings of the case; the list says
// so.
func (c *Case) Find(plugin string, types []*node.Type) (*node.Type, diag.List) {
	var names []string
	for _, t := range types {
		if t.Name == plugin+"/"+c.Method {
			if wrong := c.checkSettings(t); wrong.HasErrors() {
				return nil, wrong
			}
			return t, nil
		}
		names = append(names, t.Name[len(plugin)+1:])
	}
	var wrong diag.List
	wrong.Errorf(c.Pos, CodeValue, "plugin %q has no method %q", plugin, c.Method).Hint = diag.Suggest(c.Method, names)
	return nil, wrong
}

// Sampled is a case of a method that has none: its inputs and settings are made of
// their schemas, there are no replies, and it may end as it likes.
func Sampled(method string, t *node.Type) *Case {
	c := &Case{Name: method, Method: method, Visit: defaults}
	c.Visit.Inputs, _ = node.Sample(t.Inputs.Raw()).(map[string]any)
	c.Visit.Settings, _ = node.Sample(t.Settings.Raw()).(map[string]any)
	return c
}

// checkSettings finds what wend.yaml could not have as settings of a connection.
func (c *Case) checkSettings(t *node.Type) (list diag.List) {
	for _, p := range t.Settings.Validate(t.Settings.WithDefaults(c.Visit.Settings)) {
		pos := yamldoc.ValueAt(c.settings, p.Path, c.Pos)
		if p.Key {
			pos = yamldoc.KeyAt(c.settings, p.Path, pos)
		}
		list.Errorf(pos, CodeValue, "settings: %s", p)
	}
	return list
}

// Play runs the method step by step as the engine does, and answers each call
// with the reply that stands at its place, whatever the call is.
func (c *Case) Play(ctx context.Context, t *node.Type) Transcript {
	var said Transcript
	v := c.Visit
	for {
		line := 0
		v.Log = func(text string) {
			if line++; line > len(said.Log) {
				said.Log = append(said.Log, text)
			}
		}
		action, err := t.Step(ctx, v)
		if err != nil {
			said.fault(t, err)
			return said
		}
		switch a := action.(type) {
		case node.Finish:
			said.Outcome, said.Outputs, said.Message = a.Outcome, a.Outputs, a.Message
			return said
		case node.Ask:
			said.Calls = append(said.Calls, a.Calls...)
			if len(said.Calls) > len(c.Calls) {
				said.Unanswered = true
				return said
			}
			for _, call := range a.Calls {
				v.Asked = append(v.Asked, wire.Fingerprint(call))
				v.Replies = append(v.Replies, c.Calls[len(v.Replies)].Reply)
			}
		default:
			said.fault(t, fmt.Errorf("wants %T, which a plugin cannot ask for", action))
			return said
		}
	}
}

// fault ends the conversation as the engine would end the node.
func (said *Transcript) fault(t *node.Type, err error) {
	f := t.Outcomes.Failed(err)
	said.Outcome, said.Code, said.Message = f.Outcome, f.Code, f.Message
}
