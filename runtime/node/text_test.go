package node_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/node"
)

func TestReadTexts(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	schema := node.MustSchema(m{
		"type": "object",
		"properties": m{
			"n": m{"type": "integer"}, "x": m{"type": "number"}, "b": m{"type": "boolean"}, "s": m{"type": "string"}, "any": m{},
			"maybe": m{"type": []any{"integer", "null"}}, "either": m{"type": []any{"integer", "string"}},
			"ids": m{"type": "array", "items": m{"$ref": "#/$defs/id"}}, "id": m{"$ref": "#/$defs/id"},
			"all": m{"allOf": []any{m{"minimum": 1}, m{"type": "integer"}}}, "one": m{"oneOf": []any{m{"type": "boolean"}, m{"type": "number"}}},
			"choice": m{"enum": []any{1, 2}}, "o": m{"type": "object"}, "self": m{"$ref": "#/properties/self"},
		},
		"allOf":                []any{m{"properties": m{"deep": m{"type": "integer"}}}},
		"additionalProperties": m{"type": "boolean"},
		"$defs":                m{"id": m{"type": "integer"}},
	})
	tests := map[string]struct{ in, want any }{
		"n": {"5", 5}, "x": {"-2.5e0", -2.5}, "b": {"true", true}, "s": {"5", "5"}, "any": {"5", "5"},
		"maybe": {"", nil}, "either": {"5", "5"}, "ids": {"7", []any{7}}, "id": {"18446744073709551615", json.Number("18446744073709551615")},
		"all": {"3", 3}, "one": {"false", false}, "choice": {"2", 2}, "o": {`{"a": 1}`, m{"a": 1}}, "self": {"x", "x"},
		"deep": {"9", 9}, "other": {"true", true},
	}
	in, want := m{}, m{}
	for name, test := range tests {
		in[name], want[name] = test.in, test.want
	}
	if diff := cmp.Diff(want, schema.ReadTexts(in)); diff != "" {
		t.Errorf("ReadTexts (-want +got):\n%s", diff)
	}
	for _, text := range []string{"", " 5", "+5", "05", "0x5", "5.", "five", "1e400", "NaN", "5\n"} {
		if got := schema.ReadTexts(m{"n": text}); got["n"] != text {
			t.Errorf("ReadTexts made %#v of %q, want the text", got["n"], text)
		}
	}
	several := m{"ids": []any{"1", "x"}, "n": []any{"1", "2"}}
	if diff := cmp.Diff(m{"ids": []any{1, "x"}, "n": []any{"1", "2"}}, schema.ReadTexts(several)); diff != "" {
		t.Errorf("ReadTexts (-want +got):\n%s", diff)
	}
}
