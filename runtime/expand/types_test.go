package expand_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/yamldoc"
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
		{object{"anyOf": list{str}}, "string"},
		{object{"anyOf": list{str, object{"type": "integer"}}}, "any"},
		{object{"oneOf": list{object{"type": "null"}, str}}, "string"},
		{object{"oneOf": list{object{"type": "integer"}, object{"type": "number"}}}, "number"},
		{object{"const": "a"}, "string"},
		{object{"enum": list{1, 2}}, "integer"},
		{object{"enum": list{1, "a"}}, "any"},
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
		// Fields are found wherever they are declared.
		{object{"properties": object{"a": str}, "required": list{"a", "b"}}, "{a: string, b: any}"},
		{object{"type": "object", "required": list{"b"}}, "{b: any, …}"},
		{object{"allOf": list{object{"properties": object{"a": str}}, object{"properties": object{"b": str}}}}, "{a: string, b: string}"},
		{object{"type": "object", "allOf": list{object{"properties": object{"a": str}}, object{"required": list{"c"}}}}, "{a: string, c: any}"},
		{object{"properties": object{"k": str}, "oneOf": list{object{"properties": object{"a": str}}, object{"properties": object{"b": object{"type": "integer"}}}}}, "{a: string, b: integer, k: string}"},
		{object{"properties": object{"k": str}, "anyOf": list{object{"required": list{"a"}}, object{"required": list{"b"}}}}, "{a: any, b: any, k: string}"},
		{object{"oneOf": list{object{"properties": object{"a": str}}, object{"properties": object{"a": object{"type": "integer"}}}}}, "{a: any}"},
		{object{"properties": object{"a": str}, "if": object{"properties": object{"a": object{"const": "x"}}}, "then": object{"properties": object{"b": str}}, "else": object{"required": list{"c"}}}, "{a: string, b: string, c: any}"},
		{object{"properties": object{"a": str}, "dependentSchemas": object{"a": object{"properties": object{"b": str}}}}, "{a: string, b: string}"},
		{object{"properties": object{"a": str}, "unevaluatedProperties": true}, "{a: string, …}"},
		{object{"properties": object{"a": str}, "allOf": list{object{"additionalProperties": true}}}, "{a: string}"},
		{object{"properties": object{"a": str}, "allOf": list{object{"type": "object", "additionalProperties": true}}}, "{a: string, …}"},
		{object{"$ref": "#/$defs/a b", "$defs": object{"a b": object{"properties": object{"a": str}}}}, "{a: string}"},
		{object{"$ref": "#/$defs/a%20~1b", "$defs": object{"a /b": str}}, "string"},
		{object{"properties": object{"o": object{"$ref": "#/components/schemas/Order"}}, "components": object{"schemas": object{"Order": object{"allOf": list{object{"$ref": "#/components/schemas/Base"}, object{"properties": object{"n": object{"type": "integer"}}}}}, "Base": object{"properties": object{"id": str}}}}}, "{o: {id: string, n: integer}}"},
		{object{"$ref": "#/$defs/tree", "$defs": object{"tree": object{"properties": object{"v": str, "left": object{"$ref": "#/$defs/tree"}}}}}, "{left: any, v: string}"},
		{object{"$ref": "#"}, "any"},
		{object{"$ref": "#/nowhere/1"}, "any"},
		{object{"$ref": "https://example.com/schema.json"}, "any"},
		{object{"$ref": "#anchor"}, "any"},
		{object{"type": "array", "prefixItems": list{str, str}, "items": false}, "[string]"},
		{object{"type": "array", "prefixItems": list{str}}, "[any]"},
		{object{"allOf": list{object{"type": "array", "items": object{"properties": object{"a": str}}}, object{"type": "array", "items": object{"properties": object{"b": str}}}}}, "[{a: string, b: string}]"},
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

// TestGaps holds which fields of a schema may have no value, and what that does
// to the expressions that read them.
func TestGaps(t *testing.T) {
	t.Parallel()
	str := object{"type": "string"}
	party := object{"type": "object", "required": list{"id"}, "properties": object{"id": str, "name": str}}
	schema := object{
		"type":     "object",
		"required": list{"id", "note", "seller", "other"},
		"properties": object{
			"id": str, "name": str, "lang": object{"type": "string", "default": "en"},
			"note":   object{"type": list{"string", "null"}},
			"buyer":  object{"$ref": "#/$defs/party"},
			"seller": object{"allOf": list{object{"$ref": "#/$defs/party"}, object{"required": list{"name"}}}},
			"owner":  object{"oneOf": list{party, object{"type": "object", "properties": object{"id": str}}}},
		},
		"allOf": list{object{"required": list{"owner"}}},
		"$defs": object{"party": party},
	}
	tests := []struct {
		text string
		want string // of the last reference: its gap, and "fails"
	}{
		{"$(n.id)", ""},
		{"a $(n.id)", ""},
		{"a $(n.other)", ""},
		{"a $(n.lang)", ""},
		{"$(n.name)", "name"},
		{"a $(n.name)", "name fails"},
		{"a $(n.note)", "note fails"},
		{`a $(n.name ?? "b")`, ""},
		{"a $(n.id ?? n.name)", "name fails"},
		{`a $(n.name == nil ? "" : n.name)`, ""},
		{"a $(upper(n.name))", "name fails"},
		{`$("a " + n.name)`, "name fails"},
		{`$(n.name + " a")`, "name fails"},
		{"$(queryEscape(n.name))", "name fails"},
		{"$(len(n.name))", "name fails"},
		{"$(n.name[0:2])", "name fails"},
		{`$(n.name[0:2] ?? "none")`, ""},
		{`$(n.name != nil ? n.name[0:2] : "")`, ""},
		{`$("a " + n.id)`, ""},
		{`$("a " + (n.name ?? "b"))`, ""},
		{`$(n.name != nil ? "a " + n.name : "")`, ""},
		{`$(n.name != nil && upper(n.name) == "A")`, ""},
		{`$(n.name == "a")`, ""},
		{"$(toJSON(n.name))", ""},
		{"$(n.buyer.id)", "buyer fails"},
		{"$(n.buyer?.id)", "buyer"},
		{"a $(n.buyer?.id)", "buyer fails"},
		{"a $(n.seller.name)", ""},
		{"a $(n.seller.id)", ""},
		{"a $(n.owner.name)", "owner.name fails"},
		{"a $(n.owner.id)", ""},
	}
	scope := &expand.Scope{Names: map[string]expand.Type{"n": expand.FromStrict(schema)}}
	lax := &expand.Scope{Names: map[string]expand.Type{"n": expand.FromSchema(schema)}}
	for _, test := range tests {
		t.Run(test.text, func(t *testing.T) {
			t.Parallel()
			gap := func(s *expand.Scope) string {
				compiled, mistakes := expand.Compile(yamldoc.Text{Value: test.text}, s)
				if mistakes.HasErrors() {
					t.Fatal(mistakes)
				}
				refs := compiled.Refs()
				last := refs[len(refs)-1]
				told := strings.Join(last.Gap, ".")
				if last.Fails {
					told += " fails"
				}
				return told
			}
			if got := gap(scope); got != test.want {
				t.Errorf("gap %q, want %q", got, test.want)
			}
			if got := gap(lax); got != "" {
				t.Errorf("of a schema that says nothing of what must be there: gap %q, want none", got)
			}
		})
	}
}

// TestGapsFail holds that an expression which is said to fail without a value does,
// and that no other does.
func TestGapsFail(t *testing.T) {
	t.Parallel()
	schema := map[string]any{"type": "object", "required": []any{"id"}, "properties": map[string]any{
		"id": map[string]any{"type": "string"}, "count": map[string]any{"type": "integer"}, "flag": map[string]any{"type": "boolean"},
		"name": map[string]any{"type": "string"}, "list": map[string]any{"type": "array", "items": map[string]any{"type": "integer"}},
		"obj": map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "integer"}},
	}}
	scope := &expand.Scope{Names: map[string]expand.Type{"n": expand.FromStrict(schema)}}
	env := expand.Env{Names: map[string]any{"n": map[string]any{"id": "7"}}}
	for _, text := range []string{
		"n.count + 1", "1 + n.count", "n.count - 1", "1 - n.count", "n.count * 2", "n.count / 2", "7 / n.count", "n.count % 2", "n.count ** 2", "2 ^ n.count",
		"n.count > 5", "5 > n.count", "n.count >= 5", "n.count < 5", "n.count <= 5", "1..n.count", "-n.count", "not n.flag", "!n.flag",
		"n.count == 5", "n.count != 5", `n.name contains "a"`, `n.name startsWith "a"`, `n.name endsWith "a"`, `n.name matches "a"`, `n.name in ["a"]`, "1 in n.list",
		"abs(n.count)", "ceil(n.count)", "floor(n.count)", "round(n.count)", "max(n.count, 1)", "min(n.count, 1)", "sum(n.list)", "mean(n.list)", "median(n.list)",
		"all(n.list, true)", "any(n.list, true)", "none(n.list, true)", "one(n.list, true)", "filter(n.list, # > 1)", "map(n.list, # + 1)", "count(n.list, # > 1)",
		"find(n.list, # > 1)", "findIndex(n.list, # > 1)", "findLast(n.list, # > 1)", "findLastIndex(n.list, # > 1)", "groupBy(n.list, #)", "sortBy(n.list, #)",
		"reduce(n.list, #acc + #, 0)", "sort(n.list)", "reverse(n.list)", "uniq(n.list)", "first(n.list)", "last(n.list)", "take(n.list, 1)", "keys(n.obj)", "values(n.obj)",
		"len(n.list)", "upper(n.name)", "int(n.name)", "toJSON(n.obj)", "flatten([n.list])", "concat(n.list, [1])", "toPairs(n.obj)", "split(n.name, ',')", "trim(n.name)", "type(n.name)",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			tmpl, mistakes := expand.Compile(yamldoc.Text{Value: "$(" + text + ")"}, scope)
			if mistakes.HasErrors() {
				t.Fatal(mistakes)
			}
			said := slices.ContainsFunc(tmpl.Refs(), func(r expand.Ref) bool { return r.Fails })
			if v, err := tmpl.Eval(env); said != (err != nil) {
				t.Errorf("said to fail: %v, and it comes to %v, %v", said, v, err)
			}
		})
	}
}
