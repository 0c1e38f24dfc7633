package flow_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
)

// TestNil: what a node gets of inputs that are nil, written so or come to it.
func TestNil(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	text := m{"type": "string"}
	typ := &node.Type{
		Name: "shop/send", Version: "1.0.0", Digest: "d",
		Outcomes: node.Outcomes{Success: "success", All: []node.Outcome{{Name: "success"}}},
		Outputs:  node.MustSchema(m{}),
		Inputs: node.MustSchema(m{"type": "object", "additionalProperties": false, "properties": m{
			"name": text, "maybe": m{"type": []any{"string", "null"}}, "any": m{}, "open": m{"type": "object"}, "list": m{"type": "array"},
			"customer": m{"type": "object", "properties": m{"name": text, "phone": m{"type": []any{"string", "null"}}, "notes": m{}}},
			"labels":   m{"type": "object", "additionalProperties": text},
		}}),
	}
	types, err := node.NewSet(append(nodes.All(), typ)...)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ with, want string }{
		{"name: $(n1.x)", `{}`},
		{"maybe: $(n1.x)", `{}`},
		{"any: $(n1.x)", `{}`},
		{"any: { a: null, b: $(n1.x), c: { d: ~ } }", `{"any":{"a":null,"b":null,"c":{"d":null}}}`},
		{"open: { a: null, l: [null, { b: $(n1.x) }] }", `{"open":{"a":null,"l":[null,{"b":null}]}}`},
		{"list: [$(n1.x), null]", `{"list":[null,null]}`},
		{"customer: { name: $(n1.x), phone: $(n1.x), notes: $(n1.x) }", `{"customer":{"notes":null,"phone":null}}`},
		{"customer: { phone: null }", `{"customer":{"phone":null}}`},
		{"labels: { a: $(n1.x), b: c }", `{"labels":{"b":"c"}}`},
	}
	for _, test := range tests {
		f, mistakes := flow.Load("f.yaml", []byte("flow: f\nnodes:\n  n1: { type: webhook, with: { path: /a }, next: n2 }\n  n2: { type: shop/send, with: { "+test.with+" } }\n"), flow.Config{Types: types})
		if f == nil {
			t.Errorf("%s: %v", test.with, mistakes.Err())
			continue
		}
		in, err := f.Nodes["n2"].Eval(expand.Env{Names: m{"n1": m{}}})
		if err != nil {
			t.Errorf("%s: %v", test.with, err)
			continue
		}
		got, err := data.JSON(in)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.want, string(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.with, diff)
		}
	}
}
