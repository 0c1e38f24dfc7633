package node_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
)

func TestSample(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		schema, want string
		invalid      bool // as nobody promises that it is not
	}{
		"a text":             {schema: `{"type": "string"}`, want: `"text"`},
		"anything":           {schema: `{}`, want: `"text"`},
		"a format":           {schema: `{"type": "string", "format": "uuid"}`, want: `"00000000-0000-4000-8000-000000000000"`},
		"a time":             {schema: `{"type": "string", "format": "date-time"}`, want: `"2026-11-20T08:00:00Z"`},
		"a number":           {schema: `{"type": "number"}`, want: `1`},
		"one of several":     {schema: `{"type": ["boolean", "null"]}`, want: `true`},
		"a choice":           {schema: `{"type": "string", "enum": ["b", "a"]}`, want: `"b"`},
		"an example":         {schema: `{"type": "string", "examples": ["x"], "enum": ["y", "x"]}`, want: `"x"`},
		"a default":          {schema: `{"type": "integer", "default": 7, "examples": [8]}`, want: `7`},
		"a constant":         {schema: `{"const": null}`, want: `null`},
		"an object":          {schema: `{"type": "object", "properties": {"a": {"type": "boolean"}, "b": {"properties": {"c": {}}}}}`, want: `{"a": true, "b": {"c": "text"}}`},
		"a list":             {schema: `{"type": "array", "items": {"type": "integer"}}`, want: `[1]`},
		"a list of anything": {schema: `{"type": "array"}`, want: `[]`},
		"a reference":        {schema: `{"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "integer"}}}`, want: `1`},
		"too small":          {schema: `{"type": "integer", "minimum": 5}`, want: `1`, invalid: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			schema, want := decoded(t, test.schema), decoded(t, test.want)
			got := node.Sample(schema.(map[string]any))
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
			if wrong := node.MustSchema(schema.(map[string]any)).Validate(got); (wrong != nil) != test.invalid {
				t.Errorf("%v: %s", got, node.FormatProblems(wrong))
			}
		})
	}
}

func TestSampleOfItself(t *testing.T) {
	t.Parallel()
	schema := decoded(t, `{"type": "object", "properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}, "c": {"$ref": "#"}, "d": {"$ref": "#"}, "e": {"$ref": "#"}, "f": {"$ref": "#"}, "g": {"$ref": "#"}, "loop": {"$ref": "#/$defs/loop"}}, "$defs": {"loop": {"$ref": "#/$defs/loop"}}}`)
	text, err := data.JSON(node.Sample(schema.(map[string]any)))
	if err != nil || len(text) < 1000 || len(text) > 100_000 {
		t.Errorf("%d bytes, %v: %.100s", len(text), err, text)
	}
}

func decoded(t *testing.T, text string) any {
	t.Helper()
	v, err := data.DecodeJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}
