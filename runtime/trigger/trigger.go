// Package trigger makes of what came from outside, or was given by hand, what a
// trigger gives to its run, or says why it does not fit. It starts nothing.
package trigger

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/problem"
)

// Output is what a webhook gives to a run: the properties of the body, and the
// request. The error is a *problem.Problem.
func Output(h *node.Hook, body any, request map[string]any) (map[string]any, error) {
	output, err := properties(body, h.Body)
	if err != nil {
		return nil, err
	}
	output["request"] = request
	return output, nil
}

// properties returns those of an object that fits the schema, in a map of its
// own.
func properties(body any, schema *node.Schema) (map[string]any, error) {
	object, ok := body.(map[string]any)
	if !ok {
		return nil, Invalid([]node.Problem{{Msg: "expected an object"}})
	}
	if wrong := schema.Validate(object); wrong != nil {
		return nil, Invalid(wrong)
	}
	return maps.Clone(schema.WithDefaults(object)), nil
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

// ByHand makes the output of a trigger from a JSON body that came by no way of
// the trigger's own: by `wend run --input` or through the API. A schedule ticks
// now, if the body says nothing else. The error is a *problem.Problem.
func ByHand(n *flow.Node, raw []byte, now time.Time) (map[string]any, error) {
	body, err := ParseJSON(raw)
	if err != nil {
		return nil, err
	}
	output, err := byHand(n, body, now)
	if err != nil {
		return nil, err
	}
	if wrong := checkRequest(n, output); wrong != nil {
		return nil, Invalid(wrong)
	}
	return output, nil
}

// checkRequest holds a request that somebody made up against what real ones are.
// The body has been held against its schema, which may know no request.
func checkRequest(n *flow.Node, output map[string]any) []node.Problem {
	if _, ok := n.Trigger.(*node.Hook); !ok {
		return nil
	}
	props, _ := n.Outputs.Raw()["properties"].(map[string]any)
	shape, _ := props["request"].(map[string]any)
	schema, err := node.NewSchema(shape)
	if err != nil {
		return []node.Problem{{Msg: err.Error()}}
	}
	wrong := schema.Validate(output["request"])
	for i := range wrong {
		wrong[i].Path = append([]string{"request"}, wrong[i].Path...)
	}
	return wrong
}

func byHand(n *flow.Node, body any, now time.Time) (map[string]any, error) {
	switch t := n.Trigger.(type) {
	case *node.Hook:
		return Output(t, body, requestIn(body))
	case *node.Manual:
		return properties(body, t.Input)
	case *node.Schedule:
		return tickIn(t, n.Outputs, body, now)
	case *node.Called:
		return properties(body, t.Input)
	}
	return nil, fmt.Errorf("a trigger of type %T is not started by hand", n.Trigger)
}

// Tick is what a schedule gives to a run: when it was to start, how much later
// that is, and how many ticks were left out before.
func Tick(s *node.Schedule, tick time.Time, late time.Duration, missed int) map[string]any {
	return map[string]any{
		"tick": tick.In(s.Plan.Zone()).Format(time.RFC3339),
		"late": late.Round(time.Millisecond).Seconds(), "missed": int64(missed),
	}
}

func tickIn(s *node.Schedule, schema *node.Schema, body any, now time.Time) (map[string]any, error) {
	output := Tick(s, now, 0, 0)
	if given, ok := body.(map[string]any); ok {
		maps.Copy(output, given)
		body = output
	}
	output, err := properties(body, schema)
	if err != nil {
		return nil, err
	}
	text, _ := output["tick"].(string)
	tick, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, Invalid([]node.Problem{{Path: []string{"tick"}, Msg: fmt.Sprintf("%q is no time", text), Hint: "expected one such as " + now.In(s.Plan.Zone()).Format(time.RFC3339)}})
	}
	output["tick"] = tick.In(s.Plan.Zone()).Format(time.RFC3339)
	return output, nil
}

// requestIn takes from a body what it has under "request" for the request. What
// is not given of it is empty.
func requestIn(body any) map[string]any {
	request := map[string]any{"headers": map[string]any{}, "query": map[string]any{}, "method": http.MethodPost, "path": ""}
	if object, ok := body.(map[string]any); ok {
		given, _ := object["request"].(map[string]any)
		maps.Copy(request, given)
		delete(object, "request")
	}
	return request
}
