package flow

import (
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/secret"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// checkSecrets warns of texts that look like secrets, in what variables begin
// with and under `with`. Schemas hold none.
func (c *compiler) checkSecrets() {
	if c.stored || c.outer != nil { // a body is part of what is looked at around it
		return
	}
	for _, v := range c.spec.Variables {
		c.warnSecrets(v.Name.Value, v.Value)
	}
	for i := range c.spec.Nodes {
		with, _ := c.spec.Nodes[i].With.(*yamldoc.Map)
		if with == nil {
			continue
		}
		var props map[string]any
		if n := c.flow.Nodes[c.spec.Nodes[i].ID.Value]; n != nil {
			props, _ = n.Type.Inputs.Raw()["properties"].(map[string]any)
		}
		for _, e := range with.Entries {
			if input, _ := props[e.Key.Value].(map[string]any); input["x-wend"] != "literal" {
				c.warnSecrets(e.Key.Value, e.Value)
			}
		}
	}
}

func (c *compiler) warnSecrets(name string, v yamldoc.Value) {
	yamldoc.Texts(name, v, func(name string, t yamldoc.Text) {
		if what := secret.Looks(name, t.Value); what != "" {
			c.list.Warnf(t.Pos, diag.ExposedSecret, "this looks like %s: flows are shared, stored and shown", what).
				Hint = "let a connection in wend.yaml add it to calls; its secrets say where it is, as env:NAME or file:PATH"
		}
	})
}
