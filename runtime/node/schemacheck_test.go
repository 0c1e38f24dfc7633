package node_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/node"
)

func schemaOf(t *testing.T, text string) map[string]any {
	t.Helper()
	var raw map[string]any
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return raw
}

func TestCheckSchema(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"type":"object","properties":{"a":{"type":"string","default":"x","enum":["x","y"]}},"required":["a"]}`: "",
		`{"$ref":"#/$defs/a","$defs":{"a":{"type":"integer","default":3}}}`:                                      "",
		`{"properties":{"a":{"type":"string","nullable":true,"default":null,"example":"x","xml":{"name":"a"}}}}`: "",
		`{"properties":{"a":{"type":"string"}},"anyOf":[{"required":["a"]},{"required":["b"]}]}`:                 "",
		`{"properties":{"a":{"type":"integer","format":"int64"}},"x-note":1}`:                                    "",
		`{"components":{"schemas":{"A":{"type":"string","minLenght":1}}},"$ref":"#/components/schemas/A"}`:       `components.schemas.A.minLenght: JSON Schema has no keyword "minLenght", and so does nothing about it; did you mean "minLength"?`,
		`{"allOf":[{"items":{"propertes":{}}}]}`:                                                                 `allOf.0.items.propertes: JSON Schema has no keyword "propertes", and so does nothing about it; did you mean "properties"?`,
		`{"properties":{"requird":{"type":"string"}}}`:                                                           "",
		`{"default":{"requird":1},"const":{"patern":1}}`:                                                         `default: the default {"requird":1} does not fit its own schema: 'const' failed`,
		`{"properties":{"a":{"$ref":"#/$defs/n","default":"x"}},"$defs":{"n":{"type":"integer"}}}`:               `properties.a.default: the default "x" does not fit its own schema: is a string, expected an integer`,
		`{"type":"string","const":7}`:                                                                            `const: the const 7 does not fit its own schema: is a number, expected a string`,
		`{"minLength":3,"maxLength":2}`:                                                                          `minLength: minLength 3 is more than maxLength 2, so nothing fits`,
		`{"patternProperties":{"(?<!a)b":{}}}`:                                                                   `patternProperties.(?<!a)b: the pattern "(?<!a)b" cannot be run: invalid named capture: ` + "`(?<!a)b`; patterns are those of RE2, without lookaround and backreferences, so that none takes for ever",
		`{"properties":{"user~name/x":{"type":"integer","default":""}}}`:                                         `properties.user~name/x.default: the default "" does not fit its own schema: is a string, expected an integer`,
		`{"properties":{"a":{"pattern":"` + strings.Repeat("a{900}", 6) + `"}}}`:                                 `properties.a.pattern: the pattern "a{900}a{900}a{900}a{900}a{900}a{900}" cannot be run: its repetitions unfold to more than 5000 steps; repeat less, or hold the length by other means such as ` + "`maxLength`",
		`{"patternProperties":{"` + strings.Repeat("a", 4097) + `":{}}}`:                                         `patternProperties.` + strings.Repeat("a", 500-len("patternProperties.")) + `… 3615 more bytes: the pattern "` + strings.Repeat("a", 80) + `…" cannot be run: it is 4097 bytes long, expected 4096 at most`,
		`{"type":"objekt"}`:                                      `type: JSON Schema has no type "objekt"; did you mean "object"?`,
		`{"properties":{"n":{"type":"int"}}}`:                    `properties.n.type: JSON Schema has no type "int"; did you mean "integer"?`,
		`{"properties":{"n":{"type":["string","nil"]}}}`:         `properties.n.type.1: JSON Schema has no type "nil"; did you mean "null"?`,
		`{"properties":{"d":{"type":"date"}}}`:                   `properties.d.type: JSON Schema has no type "date"; write type: string, format: date`,
		`{"properties":{"d":{"type":"any"}}}`:                    `properties.d.type: JSON Schema has no type "any"; leave type out where anything will do`,
		`{"properties":{"d":"bool"}}`:                            `properties.d: is the text "bool", expected a schema; write { type: boolean }`,
		`{"properties":{"d":{"type":"string","required":true}}}`: `properties.d.required: is true, expected a list of names; write required: [d] beside the "properties" that it is one of`,
		`{"type":"object","required":"d","properties":{"d":{}}}`: `required: is the text "d", expected a list of names; write [d]`,
		`{"format":"rgb"}`:                                       "warning: format: no format \"rgb\" is known, so nothing is held against it; a `pattern` can say what is meant",
	} {
		var got []string
		for _, p := range node.CheckSchema(schemaOf(t, text)) {
			if p.Warning {
				got = append(got, "warning: "+p.String())
			} else {
				got = append(got, p.String())
			}
		}
		if d := cmp.Diff(want, strings.Join(got, "\n")); d != "" {
			t.Errorf("%s (-want +got)\n%s", text, d)
		}
	}
}

// Defaults are filled in wherever the schema says them for certain.
func TestDefaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ schema, given, want string }{
		{`{"properties":{"a":{"default":1},"b":{}}}`, `{"b":2}`, `{"a":1,"b":2}`},
		{`{"properties":{"a":{"default":1}}}`, `{"a":null}`, `{"a":null}`},
		{`{"properties":{"o":{"properties":{"a":{"default":1}}}}}`, `{"o":{}}`, `{"o":{"a":1}}`},
		{`{"properties":{"o":{"properties":{"a":{"default":1}}}}}`, `{}`, `{}`},
		{`{"properties":{"o":{"default":{},"properties":{"a":{"default":1}}}}}`, `{}`, `{"o":{"a":1}}`},
		{`{"properties":{"l":{"items":{"properties":{"a":{"default":1}}}}}}`, `{"l":[{},{"a":2},3]}`, `{"l":[{"a":1},{"a":2},3]}`},
		{`{"allOf":[{"properties":{"a":{"default":1}}},{"$ref":"#/$defs/b"}],"$defs":{"b":{"properties":{"b":{"default":2}}}}}`, `{}`, `{"a":1,"b":2}`},
		{`{"$ref":"#/components/schemas/Order","components":{"schemas":{"Order":{"properties":{"n":{"default":5}}}}}}`, `{}`, `{"n":5}`},
		{`{"oneOf":[{"properties":{"a":{"default":1}}}]}`, `{}`, `{}`},
		{`{"$defs":{"t":{"properties":{"v":{"default":0},"next":{"$ref":"#/$defs/t"}}}},"$ref":"#/$defs/t"}`, `{"next":{"next":{}}}`, `{"v":0,"next":{"v":0,"next":{"v":0}}}`},
	} {
		s, err := node.NewSchema(schemaOf(t, test.schema))
		if err != nil {
			t.Fatal(err)
		}
		given := schemaOf(t, test.given)
		if d := cmp.Diff(schemaOf(t, test.want), s.WithDefaults(given)); d != "" {
			t.Errorf("%s with %s (-want +got)\n%s", test.schema, test.given, d)
		}
		if d := cmp.Diff(schemaOf(t, test.given), given); d != "" {
			t.Errorf("%s changed what it was given:\n%s", test.schema, d)
		}
	}
}

// OpenAPI 3.0 says nullable where JSON Schema lists null among the types.
func TestNullable(t *testing.T) {
	t.Parallel()
	s, err := node.NewSchema(schemaOf(t, `{"properties":{"a":{"type":"string","nullable":true,"enum":["x"]},"b":{"type":"string"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if wrong := s.Validate(map[string]any{"a": nil}); wrong != nil {
		t.Errorf("null where it is allowed: %v", wrong)
	}
	if wrong := s.Validate(map[string]any{"b": nil}); wrong == nil {
		t.Error("null where it is not allowed fits")
	}
}

// OpenAPI 3.0 says whether a bound is exclusive where JSON Schema gives the bound.
func TestExclusiveBounds(t *testing.T) {
	t.Parallel()
	schema := schemaOf(t, `{"properties":{
		"above":{"type":"number","minimum":5,"exclusiveMinimum":true},
		"below":{"type":"integer","maximum":9,"exclusiveMaximum":true},
		"from":{"type":"number","minimum":5,"exclusiveMinimum":false},
		"exclusiveMinimum":{"type":"boolean"}, "minimum":{"type":"number"}}}`)
	s, err := node.NewSchema(schema)
	if err != nil {
		t.Fatal(err)
	}
	for text, fits := range map[string]bool{
		`{"above":5}`: false, `{"above":5.5}`: true, `{"from":5}`: true, `{"from":4}`: false,
		`{"below":9}`: false, `{"below":8}`: true,
		`{"exclusiveMinimum":true,"minimum":1}`: true, `{"exclusiveMinimum":1}`: false,
	} {
		if wrong := s.Validate(schemaOf(t, text)); (wrong == nil) != fits {
			t.Errorf("%s: %v, want it to fit: %t", text, wrong, fits)
		}
	}
}
