package expand_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wendflow/wend/runtime/expand"
)

// describe writes a type on one line: {a: string, …} is open.
func describe(t expand.Type) string {
	switch t.Kind() {
	case "array":
		return "[" + describe(t.Elem()) + "]"
	case "object":
		var fields []string
		for _, name := range t.Fields() {
			f, _ := t.Field(name)
			fields = append(fields, name+": "+describe(f))
		}
		if other, open := t.Field("not declared"); open {
			fields = append(fields, "…"+strings.TrimPrefix(describe(other), "any"))
		}
		return "{" + strings.Join(fields, ", ") + "}"
	default:
		return t.Kind()
	}
}

func TestFromSchema(t *testing.T) {
	t.Parallel()
	str := object{"type": "string"}
	tests := []struct {
		schema object
		want   string
	}{
		{nil, "any"},
		{object{"type": "string"}, "string"},
		{object{"type": "integer"}, "integer"},
		{object{"type": "number"}, "number"},
		{object{"type": "boolean"}, "boolean"},
		{object{"type": "null"}, "null"},
		{object{"type": "string", "enum": list{"a"}}, "string"},
		{object{"type": list{"string", "null"}}, "string"},
		{object{"type": list{"string", "integer"}}, "any"},
		{object{"type": list{}}, "any"},
		{object{"type": list{"null"}}, "any"},
		{object{"type": "text"}, "any"},
		{object{"anyOf": list{str}}, "any"},
		{object{"type": "array"}, "[any]"},
		{object{"type": "array", "items": str}, "[string]"},
		{object{"type": "object"}, "{…}"},
		{object{"type": "object", "properties": object{}}, "{}"},
		{object{"type": "object", "properties": object{"a": str, "b": true}}, "{a: string, b: any}"},
		{object{"properties": object{"a": str}}, "{a: string}"},
		{object{"type": "object", "properties": object{"a": str}, "additionalProperties": true}, "{a: string, …}"},
		{object{"type": "object", "properties": object{"a": str}, "additionalProperties": false}, "{a: string}"},
		{object{"type": "object", "additionalProperties": false}, "{}"},
		{object{"type": "object", "additionalProperties": object{"type": "integer"}}, "{…integer}"},
		{object{"type": "object", "properties": object{"a": str}, "patternProperties": object{"^x": str}}, "{a: string, …}"},
		{object{"type": "object", "properties": object{"a": object{"type": "array", "items": object{"type": "object", "properties": object{"b": str}}}}}, "{a: [{b: string}]}"},
	}
	for _, tt := range tests {
		if got := describe(expand.FromSchema(tt.schema)); got != tt.want {
			t.Errorf("FromSchema(%v) = %s, want %s", tt.schema, got, tt.want)
		}
	}
}

func TestTypeOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		value any
		want  string
	}{
		{nil, "null"},
		{true, "boolean"},
		{1, "integer"},
		{1.5, "number"},
		{"a", "string"},
		{list{}, "[any]"},
		{list{1, 2}, "[integer]"},
		{list{1, "a"}, "[any]"},
		{list{object{}}, "[any]"},
		{object{"a": 1, "b": nil}, "{a: integer, b: null, …}"},
		{struct{}{}, "any"},
	}
	for _, tt := range tests {
		if got := describe(expand.TypeOf(tt.value)); got != tt.want {
			t.Errorf("TypeOf(%v) = %s, want %s", tt.value, got, tt.want)
		}
	}
}

func ExampleFromSchema() {
	t := expand.FromSchema(map[string]any{
		"type":       "object",
		"properties": map[string]any{"id": map[string]any{"type": "integer"}},
	})
	fmt.Println(t, t.Fields())
	// Output: an object [id]
}
