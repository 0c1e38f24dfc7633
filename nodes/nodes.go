// Package nodes holds the node types that every Wend has: one file for each,
// and All, the list of them. A node type decides and never does; package node
// says how.
package nodes

import (
	"fmt"
	"strings"

	"github.com/wendflow/wend/runtime/node"
)

// All returns the built-in node types, made anew at each call.
func All() []*node.Type {
	return []*node.Type{webhook(), schedule(), event(), manual(), called(), evaluate(), httpCall(), delay(), wait(), emit(), store(), respond(), logLine(), call(), parallel(), foreach(), end()}
}

// The outcomes that most node types have.
const (
	success   = "success"
	onError   = "onError"
	onTimeout = "onTimeout"
	failed    = "failed"
)

// outcomes makes the list of a node type: the success outcome first, and then
// the one for faults, if the type has any.
func outcomes(done string, fault string, more ...node.Outcome) node.Outcomes {
	o := node.Outcomes{Success: success, All: []node.Outcome{{Name: success, Doc: done}}}
	if fault != "" {
		o.Fault = onError
		o.All = append(o.All, node.Outcome{Name: onError, Doc: fault})
	}
	o.All = append(o.All, more...)
	return o
}

// isTemplate tells whether a value under `with` is known only when a run comes
// to the node.
func isTemplate(v any) bool {
	text, ok := v.(string)
	return ok && strings.Contains(text, "$(")
}

// fixed reports those inputs that hold a template though they are read when
// the flow is loaded.
func fixed(with map[string]any, names ...string) []node.Problem {
	var problems []node.Problem
	for _, name := range names {
		if isTemplate(with[name]) {
			problems = append(problems, takesNoTemplate(name))
		}
	}
	return problems
}

func takesNoTemplate(path ...string) node.Problem {
	return node.Problem{
		Path: path,
		Msg:  strings.Join(path, ".") + " takes no template",
		Hint: "it is read when the flow is loaded",
	}
}

// wrong is the error of a Step about an input that has the right type and yet
// makes no sense.
func wrong(input, format string, a ...any) error {
	return &node.InvalidError{Problems: []node.Problem{{Path: []string{input}, Msg: fmt.Sprintf(format, a...)}}}
}
