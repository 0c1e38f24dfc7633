package nodes

import (
	"errors"
	"fmt"
	"maps"

	"github.com/wendflow/wend/runtime/node"
)

// objectSchema reads the JSON Schema that a flow gives under an input for what
// comes from outside. It is one of an object, since the properties of what
// comes are the node's outputs.
func objectSchema(input string, v any) (map[string]any, []node.Problem) {
	schema, ok := v.(map[string]any)
	if !ok {
		return nil, []node.Problem{{Path: []string{input}, Msg: input + ": expected a JSON Schema, which is a map"}}
	}
	if _, err := node.NewSchema(schema); err != nil {
		return nil, schemaProblems(input, err)
	}
	if kind, given := schema["type"]; given && kind != "object" {
		return nil, []node.Problem{{
			Path: []string{input, "type"},
			Msg:  fmt.Sprintf("%s: its type is %v, expected object", input, kind),
			Hint: fmt.Sprintf("the properties of the %s are the node's outputs", input),
		}}
	}
	return schema, nil
}

// schemaProblems puts the mistakes of a schema where the flow has it.
func schemaProblems(input string, err error) []node.Problem {
	var wrong *node.SchemaError
	if !errors.As(err, &wrong) {
		return []node.Problem{{Path: []string{input}, Msg: input + ": " + err.Error()}}
	}
	problems := make([]node.Problem, len(wrong.Problems))
	for i, p := range wrong.Problems {
		problems[i] = node.Problem{
			Path: append([]string{input}, p.Path...),
			Msg:  input + " is no JSON Schema: " + p.String(),
		}
	}
	return problems
}

// openObject returns the schema of outputs that are the properties of an
// object of this schema: any, where it names none.
func openObject(schema map[string]any) map[string]any {
	outputs := map[string]any{"type": "object"}
	if schema["properties"] == nil {
		outputs["additionalProperties"] = true
	}
	maps.Copy(outputs, schema)
	return outputs
}
