package nodes

import (
	"fmt"
	"maps"
	"slices"
	"strings"

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
	problems := schemaProblems(input, schema)
	if refused(problems) {
		return nil, problems
	}
	if kind, given := schema["type"]; given && kind != "object" {
		return nil, []node.Problem{{
			Path: []string{input, "type"},
			Msg:  fmt.Sprintf("%s: its type is %v, expected object", input, kind),
			Hint: fmt.Sprintf("the properties of the %s are the node's outputs", input),
		}}
	}
	return schema, problems
}

// refused tells whether there is more than warnings.
func refused(problems []node.Problem) bool {
	return slices.ContainsFunc(problems, func(p node.Problem) bool { return !p.Warning })
}

// schemaProblems are the mistakes of a schema where the flow has it.
func schemaProblems(input string, schema map[string]any) []node.Problem {
	problems := node.CheckSchema(schema)
	for i, p := range problems {
		problems[i].Path = append([]string{input}, p.Path...)
		where := ""
		if len(p.Path) > 0 {
			where = ", at " + strings.Join(p.Path, ".")
		}
		problems[i].Msg = fmt.Sprintf("schema %q%s: %s", input, where, p.Msg)
	}
	return problems
}

// openObject returns the schema of outputs that are the properties of an
// object of this schema: any, where it names none.
func openObject(schema map[string]any) map[string]any {
	outputs := map[string]any{"type": "object"}
	if !declares(schema) {
		outputs["additionalProperties"] = true
	}
	maps.Copy(outputs, schema)
	return outputs
}

// declares tells whether a schema says which fields there are.
func declares(schema map[string]any) bool {
	for _, keyword := range []string{"properties", "$ref", "allOf", "anyOf", "oneOf"} {
		if schema[keyword] != nil {
			return true
		}
	}
	return false
}
