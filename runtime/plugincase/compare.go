package plugincase

import (
	"fmt"

	"github.com/wendflow/wend/runtime/casefile"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/outbound"
)

// Compare says where a method did something else than the case expects, each
// difference at the place in the file of what was expected.
func (c *Case) Compare(said Transcript) diag.List {
	d := differ{casefile.Differ{Code: CodeDiffers}}
	rules := outbound.GeneralRules()
	for i, call := range said.Calls {
		pos := c.Pos
		if i < len(c.Calls) {
			pos = c.Calls[i].pos
		}
		for _, r := range rules.Refusals(outbound.Plan{Connection: c.Method, Method: call.Method, URL: call.URL, Headers: call.Headers}) {
			d.Errorf(pos, "call %d would be refused by the host: %s", i+1, r.Msg).Hint = r.Hint
		}
	}
	for i, x := range c.Calls {
		if i >= len(said.Calls) {
			d.Errorf(x.pos, "call %d was not asked for: the method left by %q%s", i+1, said.Outcome, why(said))
			return d.Found
		}
		d.Call(fmt.Sprintf("call %d", i+1), x.expect, said.Calls[i])
	}
	if said.Unanswered {
		next := said.Calls[len(c.Calls)]
		d.Errorf(c.Pos, "the method asks for call %d, %s %s, and the case has %d", len(c.Calls)+1, next.Method, next.URL, len(c.Calls))
		return d.Found
	}
	d.end(c.want, said)
	return d.Found
}

// why is the message of an outcome, for the end of a line.
func why(said Transcript) string {
	if said.Message == "" {
		return ""
	}
	return ": " + said.Message
}

type differ struct{ casefile.Differ }

// end compares how the method left. A fault is never what was expected, unless
// the case names its code.
func (d *differ) end(w want, said Transcript) {
	switch {
	case w.code == nil && said.Code != "":
		e := d.Errorf(w.outcome.Pos(), "the method ended in the fault %q: %s", said.Code, said.Message)
		e.Hint = "if that is meant, want it with code: " + said.Code
		return
	case w.code != nil && w.code.Value != said.Code:
		d.Errorf(w.code.Pos(), "code is %q, expected %q; outcome %q%s", said.Code, w.code.Value, said.Outcome, why(said))
	}
	if w.outcome.Value != said.Outcome {
		d.Errorf(w.outcome.Pos(), "outcome is %q, expected %q%s", said.Outcome, w.outcome.Value, why(said))
	}
	d.Text("message", w.message, said.Message)
	if w.outputs != nil {
		d.Value("outputs", w.outputs, said.outputs())
	}
}
