// Package trigger makes of what came from outside, or was given by hand, what a
// trigger gives to its run, or says why it does not fit. It starts nothing.
package trigger

import (
	"maps"
	"net/http"
	"strings"

	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/problem"
)

// Output is what a webhook gives to a run: the properties of the body, and the
// request. The error is a *problem.Problem.
func Output(h *node.Hook, body any, request map[string]any) (map[string]any, error) {
	if _, ok := body.(map[string]any); !ok {
		return nil, Invalid([]node.Problem{{Msg: "expected an object"}})
	}
	if wrong := h.Body.Validate(body); wrong != nil {
		return nil, Invalid(wrong)
	}
	output := maps.Clone(h.Body.WithDefaults(body.(map[string]any)))
	output["request"] = request
	return output, nil
}

// Invalid is the problem of a body that does not fit its schema.
func Invalid(wrong []node.Problem) *problem.Problem {
	p := problem.New(http.StatusBadRequest, "the body does not fit")
	for _, w := range wrong {
		message := node.Problem{Msg: w.Msg, Hint: w.Hint}.String()
		p.Errors = append(p.Errors, problem.Field{Field: strings.Join(w.Path, "."), Message: message})
	}
	return p
}

// ByHand makes the output of a trigger from a JSON body that came without a
// webhook's request: by `wend run --input` or through the API. An object under
// "request" stands for the request; without it the request is empty. The error
// is a *problem.Problem.
func ByHand(n *flow.Node, raw []byte) (map[string]any, error) {
	body, err := ParseJSON(raw)
	if err != nil {
		return nil, err
	}
	hook, ok := n.Trigger.(*node.Hook)
	if !ok {
		return nil, problem.New(http.StatusBadRequest, "node %q is no trigger that can be started by hand", n.ID)
	}
	request := map[string]any{"headers": map[string]any{}, "query": map[string]any{}, "method": http.MethodPost, "path": ""}
	if object, ok := body.(map[string]any); ok {
		given, _ := object["request"].(map[string]any)
		maps.Copy(request, given)
		delete(object, "request")
	}
	output, err := Output(hook, body, request)
	if err != nil {
		return nil, err
	}
	if wrong := n.Outputs.Validate(output); wrong != nil {
		return nil, Invalid(wrong)
	}
	return output, nil
}
