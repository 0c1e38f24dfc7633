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
	want := "schema: properties.a: is the text \"string\", expected a schema; write { type: string }; " +
		"properties.b.type: JSON Schema has no type \"strin\"; did you mean \"string\"?"
	if err.Error() != want {
		t.Errorf("NewSchema: %s\nwant %s", err, want)
	}
}

// TestSchemaMessagesOfNumbers holds that a message has the limit that the schema
// has, however large, and the number that was given.
func TestSchemaMessagesOfNumbers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		keyword      string
		limit, given any
		want         string
	}{
		{"maximum", 1000000, 1000001, "is 1000001, expected at most 1000000"},
		{"maximum", 1000000, 1000000.5, "is 1000000.5, expected at most 1000000"},
		{"maximum", int64(9007199254740993), int64(9007199254740994), "is 9007199254740994, expected at most 9007199254740993"},
		{"minimum", 0.1, 0.05, "is 0.05, expected at least 0.1"},
		{"exclusiveMinimum", 0, 0, "is 0, expected more than 0"},
		{"exclusiveMaximum", -1, 1e300, "is 1e+300, expected less than -1"},
		{"multipleOf", 0.01, 19.999, "is 19.999, expected a multiple of 0.01"},
	}
	for _, test := range tests {
		schema, err := node.NewSchema(map[string]any{test.keyword: test.limit})
		if err != nil {
			t.Fatal(err)
		}
		if got := node.FormatProblems(schema.Validate(test.given)); got != test.want {
			t.Errorf("%s %v: %q, want %q", test.keyword, test.limit, got, test.want)
		}
	}
}
