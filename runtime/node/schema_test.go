package node_test

import (
	"errors"
	"testing"

	"github.com/wendflow/wend/runtime/node"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	schema := node.MustSchema(map[string]any{
		"type": "object", "required": []any{"id", "at"}, "additionalProperties": false,
		"properties": map[string]any{
			"id":   map[string]any{"type": []any{"integer", "string"}},
			"at":   map[string]any{"type": "string", "format": "date-time"},
			"tags": map[string]any{"type": "array", "items": map[string]any{"enum": []any{"a", "b"}}},
		},
	})
	tests := map[string]struct {
		value any
		want  string
	}{
		"fits":                  {map[string]any{"id": 1, "at": "2026-11-20T08:00:00Z"}, ""},
		"missing, by each name": {map[string]any{}, "at: is missing; id: is missing"},
		"too much":              {map[string]any{"id": 1, "at": "2026-11-20T08:00:00Z", "x": 1, "w": 1}, "w: is not expected here; x: is not expected here"},
		"types":                 {map[string]any{"id": true, "at": nil}, "at: is null, expected a string; id: is a boolean, expected an integer or a string"},
		"inside a list":         {map[string]any{"id": 1, "at": "2026-11-20T08:00:00Z", "tags": []any{"a", "c"}}, "tags.1: value must be one of 'a', 'b'"},
		"a format":              {map[string]any{"id": 1, "at": "noon"}, `at: "noon" is not a valid date-time`},
		"no object":             {"x", "is a string, expected an object"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := node.FormatProblems(schema.Validate(test.value)); got != test.want {
				t.Errorf("Validate(%v) = %q, want %q", test.value, got, test.want)
			}
		})
	}
}

func TestSchemaError(t *testing.T) {
	t.Parallel()
	_, err := node.NewSchema(map[string]any{
		"properties": map[string]any{"b": map[string]any{"type": "strin"}, "a": "string"},
	})
	var wrong *node.SchemaError
	if !errors.As(err, &wrong) || len(wrong.Problems) != 2 {
		t.Fatalf("NewSchema: %v, want a *SchemaError with a problem for each place", err)
	}
	want := "schema: properties.a: is a string, expected a boolean or an object; " +
		"properties.b.type: value must be one of 'array', 'boolean', 'integer', 'null', 'number', 'object', 'string'"
	if err.Error() != want {
		t.Errorf("NewSchema: %s\nwant %s", err, want)
	}
}
