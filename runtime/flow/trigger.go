package flow

import (
	"fmt"
	"maps"
	"time"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/node"
)

// makeTriggers reads how runs begin, once and for all. What depends on what
// comes in, a dedupe key for one, is left to be evaluated then.
func (c *compiler) makeTriggers() {
	for _, n := range c.flow.Triggers {
		in, err := n.Eval(expand.Env{})
		if err == nil {
			n.Trigger, err = n.Type.Trigger(in)
		}
		if err != nil {
			c.list.Errorf(n.Pos, diag.InvalidInput, "trigger %q: %s", n.ID, err)
		}
	}
}

// early is a node.Early.
type early struct{ t evaluator }

func (e early) Eval(names map[string]any, now time.Time) (any, error) {
	return e.t.Eval(expand.Env{Names: names, Now: now})
}

// EarlyRefs are the names that a node.Early of a flow reads.
func EarlyRefs(e node.Early) []expand.Ref {
	if e, ok := e.(early); ok {
		if t, ok := e.t.(interface{ Refs() []expand.Ref }); ok {
			return t.Refs()
		}
	}
	return nil
}

// checkEarly reports what an input of a trigger reads that only a run has.
func (c *inputCompiler) checkEarly(refs []expand.Ref) {
	for _, ref := range refs {
		if ref.Fails {
			c.warnGap(ref, "this fails without one")
		}
		_, variable := c.flow.Variables[ref.Name]
		if variable || ref.Name == c.node.ID || ref.Name == "flow" || ref.Optional {
			continue
		}
		c.list.Errorf(ref.Pos, diag.NotOnEveryPath, "there is no %q here: this is read before there is a run", ref.Name).
			Hint = fmt.Sprintf(`it may read %q, "flow" and variables`, c.node.ID)
	}
}

// NamesBefore returns the names that a node.Early of a trigger sees when the
// trigger gives output: that, `flow`, and the variables as they are declared.
func (f *Flow) NamesBefore(trigger string, output map[string]any) map[string]any {
	names := maps.Clone(f.Variables)
	names["flow"] = map[string]any{"name": f.Name, "digest": f.Digest}
	names[trigger] = output
	return names
}
