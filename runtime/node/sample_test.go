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
		"a least":            {schema: `{"type": "integer", "minimum": 5}`, want: `5`},
		"more than":          {schema: `{"type": "integer", "exclusiveMinimum": 5.5}`, want: `6`},
		"at most":            {schema: `{"type": "integer", "maximum": -3}`, want: `-3`},
		"less than":          {schema: `{"type": "number", "exclusiveMaximum": 0}`, want: `-1`},
		"a narrow gap":       {schema: `{"type": "number", "exclusiveMinimum": 2, "exclusiveMaximum": 3}`, want: `2.5`},
		"a multiple":         {schema: `{"type": "integer", "minimum": 8, "multipleOf": 5}`, want: `10`},
		"a part":             {schema: `{"type": "number", "minimum": 0.3, "maximum": 0.9, "multipleOf": 0.5}`, want: `0.5`},
		"a pattern":          {schema: `{"type": "string", "pattern": "^[A-Z]{2}-\\d{4}(x|y)?$"}`, want: `"AA-0000x"`},
		"a long pattern":     {schema: `{"type": "string", "pattern": "^[+]\\d+$", "minLength": 9, "maxLength": 12}`, want: `"+00000000"`},
		"a short pattern":    {schema: `{"type": "string", "pattern": "^a*$", "maxLength": 0}`, want: `""`},
		"an address":         {schema: `{"type": "string", "format": "ipv6"}`, want: `"2001:db8::1"`},
		"an hour":            {schema: `{"type": "string", "format": "time"}`, want: `"08:00:00Z"`},
		"a long text":        {schema: `{"type": "string", "minLength": 6}`, want: `"textte"`},
		"a short text":       {schema: `{"type": "string", "maxLength": 2}`, want: `"te"`},
		"several items":      {schema: `{"type": "array", "items": {"type": "integer", "minimum": 3}, "minItems": 3, "uniqueItems": true}`, want: `[3, 4, 5]`},
		"different choices":  {schema: `{"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 2, "uniqueItems": true}`, want: `["a", "b"]`},
		"no items":           {schema: `{"type": "array", "items": {}, "maxItems": 0}`, want: `[]`},
		"alternatives":       {schema: `{"oneOf": [{"type": "object", "properties": {"a": {"const": 1}}, "required": ["a"]}, {"type": "null"}]}`, want: `{"a": 1}`},
		"parts":              {schema: `{"type": "object", "allOf": [{"properties": {"a": {"type": "integer"}}, "required": ["a"]}, {"properties": {"a": {"minimum": 4}, "b": {"type": "boolean"}}}]}`, want: `{"a": 4, "b": true}`},
		"required only":      {schema: `{"type": "object", "required": ["a"], "additionalProperties": {"type": "integer"}}`, want: `{"a": 1}`},
		"required inside":    {schema: `{"type": "object", "properties": {"a": {"type": "object", "required": ["b"], "properties": {"b": {"type": "object", "required": ["c"]}}}}}`, want: `{"a": {"b": {"c": "text"}}}`},
		"of itself":          {schema: `{"type": "object", "required": ["v"], "properties": {"v": {"type": "integer"}, "next": {"type": "array", "items": {"$ref": "#"}, "maxItems": 0}}}`, want: `{"v": 1, "next": []}`},
		"a negation":         {schema: `{"type": "string", "not": {"const": "text"}}`, want: `"text"`, invalid: true},
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
	if err != nil || len(text) < 500 || len(text) > 100_000 {
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
