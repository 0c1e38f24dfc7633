// Package trigger makes of what came from outside, or was given by hand, what a
// trigger gives to its run, or says why it does not fit. It starts nothing.
package trigger

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/problem"
)

// Output is what a webhook gives to a run: the body, or its properties, and the
// request. What of the request has a type by the webhook's schemas may be a text
// yet. The error is a *problem.Problem.
func Output(h *node.Hook, body any, request map[string]any) (map[string]any, error) {
	request, wrong := typed(h, request)
	output, misfits := bodyOutputs(h, body)
	switch {
	case misfits != nil:
		return nil, Invalid(append(misfits, wrong...))
	case wrong != nil:
		return nil, invalid("request", wrong)
	}
	output["request"] = request
	return output, nil
}

// bodyOutputs is what a webhook gives of a body.
func bodyOutputs(h *node.Hook, body any) (map[string]any, []node.Problem) {
	if !h.Whole {
		return properties(body, h.Body)
	}
	if wrong := h.Body.Validate(body); wrong != nil {
		return nil, wrong
	}
	return map[string]any{"body": h.Body.FillDefaults(body)}, nil
}

// typed returns a request as the webhook's schemas have it.
func typed(h *node.Hook, request map[string]any) (map[string]any, []node.Problem) {
	request = maps.Clone(request)
	query, wrong := part(request, "query", h.Query)
	if h.Query == nil {
		query = joined(query)
	}
	request["query"] = query
	if h.Params == nil {
		return request, wrong
	}
	params, misfits := part(request, "params", h.Params)
	request["params"] = params
	return request, append(wrong, misfits...)
}

// part reads one part of a request by its schema.
func part(request map[string]any, name string, schema *node.Schema) (map[string]any, []node.Problem) {
	given, ok := request[name].(map[string]any)
	if !ok && request[name] != nil {
		return nil, []node.Problem{{Path: []string{"request", name}, Msg: "expected an object"}}
	}
	if given == nil {
		given = map[string]any{}
	}
	given = schema.ReadTexts(given)
	wrong := schema.Validate(given)
	for i := range wrong {
		wrong[i].Path = append([]string{"request", name}, wrong[i].Path...)
	}
	return schema.WithDefaults(given), wrong
}

// joined makes one text of each parameter that was given several times.
func joined(query map[string]any) map[string]any {
	texts := make(map[string]any, len(query))
	for name, v := range query {
		texts[name] = v
		list, several := v.([]any)
		if !several {
			continue
		}
		parts := make([]string, len(list))
		for i, v := range list {
			parts[i], _ = data.Text(v)
		}
		texts[name] = strings.Join(parts, ", ")
	}
	return texts
}

// properties returns those of an object that fits the schema, in a map of its
// own.
func properties(body any, schema *node.Schema) (map[string]any, []node.Problem) {
	object, ok := body.(map[string]any)
	if !ok {
		return nil, []node.Problem{{Msg: "expected an object"}}
	}
	if wrong := schema.Validate(object); wrong != nil {
		return nil, wrong
	}
	return maps.Clone(schema.WithDefaults(object)), nil
}

// fitting returns the properties of an object, or the problem that it does not
// fit.
func fitting(body any, schema *node.Schema) (map[string]any, error) {
	output, wrong := properties(body, schema)
	if wrong != nil {
		return nil, Invalid(wrong)
	}
	return output, nil
}

// Invalid is the problem of a body that does not fit its schema.
func Invalid(wrong []node.Problem) *problem.Problem { return invalid("body", wrong) }

func invalid(what string, wrong []node.Problem) *problem.Problem {
	p := problem.New(http.StatusBadRequest, "the %s does not fit", what)
	for _, w := range wrong {
		message := node.Problem{Msg: w.Msg, Hint: w.Hint}.String()
		p.Errors = append(p.Errors, problem.Field{Field: strings.Join(w.Path, "."), Message: message})
	}
	return p
}

// Request is what somebody says of a request that is made up, in texts. What is
// not said is as the input has it.
type Request struct {
	Method string
	Query  url.Values
	Params map[string]string
}

// ByHand makes the output of a trigger from a JSON body that came by no way of
// the trigger's own: by `wend run --input` or through the API. A schedule ticks
// now, if the body says nothing else. The error is a *problem.Problem.
func ByHand(n *flow.Node, raw []byte, r Request, now time.Time) (map[string]any, error) {
	body, err := ParseJSON(raw)
	if err != nil {
		return nil, err
	}
	output, err := byHand(n, body, r, now)
	if err != nil {
		return nil, err
	}
	if wrong := checkRequest(n, output); wrong != nil {
		return nil, Invalid(wrong)
	}
	return output, nil
}

// checkRequest holds a request or event that somebody made up against what real ones are.
// The body has been held against its schema, which may know no request.
func checkRequest(n *flow.Node, output map[string]any) []node.Problem {
	var name string
	switch n.Trigger.(type) {
	case *node.Hook:
		name = "request"
	case *node.Event:
		name = "event"
	default:
		return nil
	}
	props, _ := n.Outputs.Raw()["properties"].(map[string]any)
	shape, _ := props[name].(map[string]any)
	schema, err := node.NewSchema(shape)
	if err != nil {
		return []node.Problem{{Msg: err.Error()}}
	}
	wrong := schema.Validate(output[name])
	for i := range wrong {
		wrong[i].Path = append([]string{name}, wrong[i].Path...)
	}
	return wrong
}

func byHand(n *flow.Node, body any, r Request, now time.Time) (map[string]any, error) {
	switch t := n.Trigger.(type) {
	case *node.Hook:
		body, request, err := requestIn(t, body)
		if err != nil {
			return nil, err
		}
		return Output(t, body, r.over(request))
	case *node.Manual:
		return fitting(body, t.Input)
	case *node.Event:
		return eventIn(t, body)
	case *node.Schedule:
		return tickIn(t, n.Outputs, body, now)
	case *node.Called:
		return fitting(body, t.Input)
	}
	return nil, fmt.Errorf("a trigger of type %T is not started by hand", n.Trigger)
}

// eventIn takes from a body what it has under "event" for what is known of the
// event.
func eventIn(e *node.Event, body any) (map[string]any, error) {
	object, ok := body.(map[string]any)
	if !ok {
		return nil, Invalid([]node.Problem{{Msg: "expected an object"}})
	}
	about := map[string]any{"id": "", "name": e.Name, "key": e.Key, "hops": int64(0)}
	given, _ := object["event"].(map[string]any)
	maps.Copy(about, given)
	delete(object, "event")
	output, wrong := e.Output(object, about)
	if wrong != nil {
		return nil, Invalid(wrong)
	}
	return output, nil
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
	output, err := fitting(body, schema)
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

// requestIn takes from what is given by hand what it has under "request" for the
// request. What is not given of it is empty. Where the body is one output, it may
// be given beside the request, under "body".
func requestIn(h *node.Hook, input any) (body any, request map[string]any, err error) {
	method := http.MethodPost
	if !slices.Contains(h.Methods, method) {
		method = h.Methods[0]
	}
	request = map[string]any{"headers": map[string]any{}, "query": map[string]any{}, "method": method, "path": ""}
	body = input
	object, ok := input.(map[string]any)
	if whole, both := object["body"]; h.Whole && (!both || len(object) > 2 || len(object) == 2 && object["request"] == nil) {
		ok = false
	} else if h.Whole {
		body = whole
	}
	if ok {
		given, _ := object["request"].(map[string]any)
		maps.Copy(request, given)
		delete(object, "request")
	}
	if _, given := request["raw"]; given || h.Raw == node.RawNone {
		return body, request, nil
	}
	text, isText := body.(string)
	raw := []byte(text)
	if !isText {
		if raw, err = data.JSON(body); err != nil {
			return nil, nil, err
		}
	}
	request["raw"], err = Raw(h, "", raw)
	return body, request, err
}

// over puts what is said over what a request has.
func (r Request) over(request map[string]any) map[string]any {
	if r.Method != "" {
		request["method"] = r.Method
	}
	put := func(part, name string, v any) {
		inside, _ := request[part].(map[string]any)
		inside = maps.Clone(inside)
		if inside == nil {
			inside = map[string]any{}
		}
		inside[name] = v
		request[part] = inside
	}
	for name, values := range r.Query {
		put("query", name, textOrList(values))
	}
	for name, text := range r.Params {
		put("params", name, text)
	}
	return request
}

// textOrList is what was given once or several times under one name.
func textOrList(texts []string) any {
	if len(texts) == 1 {
		return texts[0]
	}
	list := make([]any, len(texts))
	for i, text := range texts {
		list[i] = text
	}
	return list
}
