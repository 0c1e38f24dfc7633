package api

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/wendflow/wend/runtime/yamldoc"
)

//go:embed openapi.yaml
var openAPI []byte

// examples are played to a server by tests, which write the answers.
//
//go:embed examples.json
var examples []byte

// Example is a request of one operation and its answer.
type Example struct {
	Path   map[string]string `json:"path,omitempty"` // parameters, by their names
	Query  map[string]string `json:"query,omitempty"`
	Header map[string]string `json:"header,omitempty"`
	Type   string            `json:"type,omitempty"` // of the body; empty: application/json
	Body   json.RawMessage   `json:"body,omitempty"`
	Status int               `json:"status"`
	Answer json.RawMessage   `json:"answer,omitempty"`
}

// Examples returns those of the description, by the ids of their operations.
func Examples() (all map[string]Example, err error) {
	err = json.Unmarshal(examples, &all)
	return all, err
}

// Description is the API as OpenAPI 3.1 has it, for a version of the program.
func Description(version string) ([]byte, error) {
	doc, err := description(version)
	if err != nil {
		return nil, err
	}
	return json.Marshal(doc)
}

func description(version string) (map[string]any, error) {
	parsed, mistakes := yamldoc.Format{Name: "description"}.Parse("openapi.yaml", openAPI)
	if err := mistakes.Err(); err != nil {
		return nil, err
	}
	doc, _ := yamldoc.Plain(parsed.Root()).(map[string]any)
	if info := object(doc, "info"); info != nil {
		info["version"] = version
	}
	all, err := Examples()
	if err != nil {
		return nil, fmt.Errorf("examples.json: %w", err)
	}
	for path, methods := range object(doc, "paths") {
		for method, operation := range methods.(map[string]any) {
			operation, _ := operation.(map[string]any)
			id, _ := operation["operationId"].(string)
			if one, ok := all[id]; ok {
				if err := one.enter(doc, operation); err != nil {
					return nil, fmt.Errorf("example of %s %s: %w", strings.ToUpper(method), path, err)
				}
			}
		}
	}
	return doc, nil
}

// enter puts an example where its parts belong in an operation of doc.
func (e Example) enter(doc, operation map[string]any) error {
	parameters, _ := operation["parameters"].([]any)
	for _, p := range parameters {
		p, _ := p.(map[string]any)
		name, _ := p["name"].(string)
		for in, values := range map[string]map[string]string{"path": e.Path, "query": e.Query, "header": e.Header} {
			if value, ok := values[name]; ok && p["in"] == in {
				p["example"] = typed(value, object(p, "schema"))
			}
		}
	}
	kind := e.Type
	if kind == "" {
		kind = "application/json"
	}
	if e.Body != nil {
		if media := object(operation, "requestBody", "content", kind); media != nil {
			media["example"] = e.Body
		}
	}
	if e.Answer == nil {
		return nil
	}
	responses, status := object(operation, "responses"), strconv.Itoa(e.Status)
	response := object(responses, status)
	if ref, ok := response["$ref"].(string); ok { // others have that one too
		response = maps.Clone(object(doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...))
	}
	media := maps.Clone(object(response, "content", "application/json"))
	if media == nil {
		return fmt.Errorf("no answer %s as JSON is described", status)
	}
	media["example"] = e.Answer
	response["content"] = map[string]any{"application/json": media}
	responses[status] = response
	return nil
}

// typed is a text as the schema of its parameter has it.
func typed(text string, schema map[string]any) any {
	n, err := strconv.Atoi(text)
	switch {
	case err == nil && schema["type"] == "integer":
		return n
	case schema["type"] == "array":
		return []any{text}
	}
	return text
}

// object follows keys; nil if there is no object at the end.
func object(v map[string]any, keys ...string) map[string]any {
	for _, key := range keys {
		v, _ = v[key].(map[string]any)
	}
	return v
}
