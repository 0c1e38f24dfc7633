package node_test

import (
	"testing"

	"github.com/wendflow/wend/runtime/node"
)

func TestChoices(t *testing.T) {
	t.Parallel()
	schema := schemaOf(t, `{"type":"string","x-choices":{"values":["Email","Live Chat"],"aliases":{"Mail":"Email"},"ignore":["case","separators"]}}`)
	c, ok := node.ChoicesOf(schema)
	if !ok {
		t.Fatal("no choices")
	}
	for text, want := range map[string]string{"Email": "Email", "e-MAIL": "Email", "live_chat": "Live Chat", "mail": "Email", "Pigeon": "", "": ""} {
		if got, ok := c.Known(text); got != want || ok != (want != "") {
			t.Errorf("Known(%q) = %q, %v, want %q", text, got, ok, want)
		}
	}
	exact, _ := node.ChoicesOf(schemaOf(t, `{"x-choices":{"values":["Email"]}}`))
	if _, ok := exact.Known("email"); ok {
		t.Error("without ignore, another case is taken")
	}
	if _, ok := node.ChoicesOf(schemaOf(t, `{"type":"string"}`)); ok {
		t.Error("choices of a schema without any")
	}
}

func TestCheckSchemaOfChoices(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"x-choices":["a"]}`, `{"x-choices":{}}`, `{"x-choices":{"values":[]}}`, `{"x-choices":{"values":[1]}}`,
		`{"x-choices":{"values":["a"],"aliases":{"b":"c"}}}`, `{"x-choices":{"values":["a"],"aliases":["b"]}}`,
		`{"x-choices":{"values":["a"],"ignore":"case"}}`, `{"x-choices":{"values":["a"],"ignore":["casing"]}}`,
		`{"x-choices":{"values":["a"],"alias":{}}}`,
	} {
		inside := `{"type":"object","properties":{"kind":` + text + `}}`
		if problems := node.CheckSchema(schemaOf(t, inside)); len(problems) != 1 || problems[0].Path[0] != "properties" {
			t.Errorf("%s: %v", text, problems)
		}
	}
}
