package flow

import (
	"maps"

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

// DedupeKey evaluates what makes what came in the same as another: env holds the
// flow's variables, `flow`, and the trigger's output under its id. It is nil if
// the node is no trigger with a key, or if the key comes to nothing.
func (n *Node) DedupeKey(env expand.Env) (any, error) {
	h, ok := n.Trigger.(*node.Hook)
	if !ok || h.Dedupe == nil {
		return nil, nil
	}
	key, ok := h.Dedupe.Key.(late)
	if !ok {
		return nil, nil
	}
	return key.t.Eval(env)
}

// TriggerEnv is what a template of a trigger sees when the trigger gives output.
func (f *Flow) TriggerEnv(trigger string, output map[string]any) expand.Env {
	names := maps.Clone(f.Variables)
	names["flow"] = map[string]any{"name": f.Name, "digest": f.Digest}
	names[trigger] = output
	return expand.Env{Names: names}
}
