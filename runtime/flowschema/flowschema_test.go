package flowschema_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wendflow/wend/runtime/flowschema"
	"github.com/wendflow/wend/runtime/node"
)

// method is a version of a plugin's method that must have one input.
func method(version, input string) *node.Type {
	return &node.Type{
		Name: "shop/order", Version: version, Digest: version, Outcomes: node.Outcomes{Success: "success", All: []node.Outcome{{Name: "success"}}},
		Inputs: node.MustSchema(map[string]any{
			"type": "object", "additionalProperties": false, "required": []any{input}, "properties": map[string]any{input: map[string]any{"type": "string"}},
		}),
	}
}

// TestVersions holds that a flow gets the inputs of the version that it names, in
// each of the ways that there are to do so.
func TestVersions(t *testing.T) {
	t.Parallel()
	types, err := node.NewSet(method("1.0.0", "old"), method("2.1.0", "new"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(flowschema.Of(types))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("flow.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("flow.json")
	if err != nil {
		t.Fatal(err)
	}
	for ref, input := range map[string]string{
		"shop/order": "new", "shop/order@2": "new", "shop/order@2.1": "new", "shop/order@2.1.0": "new",
		"shop/order@1": "old", "shop/order@1.0": "old", "shop/order@1.0.0": "old", "shop/order@3": "", "shop/order@": "",
	} {
		if found := types.Find(ref); (found != nil) != (input != "") {
			t.Errorf("Find(%q) = %v", ref, found)
		}
		for _, given := range []string{"old", "new"} {
			flow := map[string]any{"flow": "a", "nodes": map[string]any{"n1": map[string]any{"type": ref, "with": map[string]any{given: "x"}}}}
			if err := schema.Validate(flow); (err == nil) != (given == input) {
				t.Errorf("%s with the input %q: %v", ref, given, err)
			}
		}
	}
}
