package nodes

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/route"
)

// shapeRequest makes the outputs of a webhook from what it says of its
// requests; nil if that is nothing.
func shapeRequest(path route.Route, with map[string]any) (*node.Schema, []node.Problem) {
	params, problems := shapeParams(path, with["params"])
	query, wrong := requestPart("query", with["query"])
	problems = append(problems, wrong...)
	kinds := kindsIn(with)
	body, wrong := shapeBody(kinds, with["body"])
	problems = append(problems, wrong...)
	raw, _ := with["raw"].(string)
	var rawSchema map[string]any
	if raw != "" {
		rawSchema = map[string]any{"type": "string"}
	}
	if refused(problems) || params == nil && query == nil && body == nil && rawSchema == nil {
		return nil, problems
	}
	outputs, err := node.NewSchema(withRequest(body, requestSchema(params, query, rawSchema)))
	if err != nil {
		return nil, append(problems, node.Problem{Path: []string{"body"}, Msg: "body: " + err.Error()})
	}
	return outputs, problems
}

// shapeBody makes the outputs of a webhook but for the request: the properties of
// the body, or the body; nil if nothing is said.
func shapeBody(kinds bodyKinds, v any) (map[string]any, []node.Problem) {
	if kinds.whole {
		body, problems := wholeBody(kinds, v)
		return map[string]any{"type": "object", "properties": map[string]any{"body": body}, "required": []any{"body"}, "additionalProperties": false}, problems
	}
	if v == nil {
		return nil, nil
	}
	body, problems := objectSchema("body", v)
	if props, ok := body["properties"].(map[string]any); ok && props["request"] != nil {
		return nil, []node.Problem{{
			Path: []string{"body", "properties", "request"},
			Msg:  `body: no property can be called "request", that is where headers and query are`,
		}}
	}
	return body, problems
}

func wholeBody(kinds bodyKinds, v any) (map[string]any, []node.Problem) {
	given, _ := v.(map[string]any)
	body := kinds.schema(given)
	problems := schemaProblems("body", body)
	if refers(body) && !refused(problems) {
		problems = append(problems, noReference("body"))
	}
	return body, problems
}

// shapeParams reads the schema of what the names in the path stand for, and
// adds the names that it does not have.
func shapeParams(path route.Route, v any) (map[string]any, []node.Problem) {
	schema, problems := requestPart("params", v)
	if refused(problems) {
		return nil, problems
	}
	props, _ := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(props)) {
		if slices.Contains(path.Names(), name) || path.Len() == 0 {
			continue // or the path is wrong, which is told
		}
		p := node.Problem{Path: []string{"params", "properties", name}, Msg: fmt.Sprintf("params: the path has no {%s}", name)}
		p.Hint = "it has no names: /orders/{id} has one"
		if names := path.Names(); len(names) > 0 {
			p.Hint = "it has {" + strings.Join(names, "}, {") + "}"
		}
		problems = append(problems, p)
	}
	if schema != nil && len(props) == 0 && path.Len() > 0 && len(path.Names()) == 0 {
		problems = append(problems, node.Problem{Path: []string{"params"}, Msg: "params: the path has no names", Hint: "/orders/{id} has one"})
	}
	return paramsSchema(path, schema), problems
}

// requestPart reads the JSON Schema of a part of a request that is not the body.
func requestPart(input string, v any) (map[string]any, []node.Problem) {
	if v == nil {
		return nil, nil
	}
	schema, problems := objectSchema(input, v)
	if refers(schema) && !refused(problems) {
		problems = append(problems, noReference(input))
	}
	return schema, problems
}

func noReference(input string) node.Problem {
	return node.Problem{Path: []string{input}, Msg: input + ": its schema cannot refer to another", Hint: "write out what `$ref` leads to"}
}

// refers tells whether there is a reference in a schema, which would lead to
// elsewhere when the schema is a part of another.
func refers(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for key, inside := range v {
			if key == "$ref" || key == "$dynamicRef" || refers(inside) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, refers)
	}
	return false
}

// paramsSchema is the schema of what the names in a path stand for; nil if it
// has none. Each is always there.
func paramsSchema(path route.Route, given map[string]any) map[string]any {
	names := path.Names()
	if len(names) == 0 {
		return nil
	}
	schema := map[string]any{"type": "object"}
	maps.Copy(schema, given)
	known, _ := given["properties"].(map[string]any)
	props := maps.Clone(known)
	if props == nil {
		props = map[string]any{}
	}
	required := make([]any, len(names))
	for i, name := range names {
		required[i] = name
		if props[name] == nil {
			props[name] = map[string]any{"type": "string"}
		}
	}
	schema["properties"], schema["required"], schema["additionalProperties"] = props, required, false
	return schema
}

// requestSchema is what is known of a request. What is nil is not said: params
// and raw are not there then.
func requestSchema(params, query, raw map[string]any) map[string]any {
	props := map[string]any{
		"headers": openTexts, "query": openTexts,
		"method": map[string]any{"type": "string"},
		"path":   map[string]any{"type": "string"},
	}
	required := []any{"headers", "query", "method", "path"}
	if query != nil {
		props["query"] = openObject(query)
	}
	if params != nil {
		props["params"] = params
		required = append(required, "params")
	}
	if raw != nil {
		props["raw"] = raw
		required = append(required, "raw")
	}
	return map[string]any{"type": "object", "properties": props, "required": required, "additionalProperties": false}
}

// openTexts is a map of texts by any name.
var openTexts = map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "string"}}

// withRequest adds to the schema of a body what is known about the request.
func withRequest(body, request map[string]any) map[string]any {
	props := map[string]any{}
	if own, ok := body["properties"].(map[string]any); ok {
		maps.Copy(props, own)
	}
	props["request"] = request
	outputs := openObject(body)
	outputs["properties"] = props
	needed, _ := outputs["required"].([]any)
	outputs["required"] = append(slices.Clone(needed), "request")
	return outputs
}
