package nodes_test

import (
	"fmt"
	"testing"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/node"
)

// find returns a built-in node type by name.
func find(t *testing.T, name string) *node.Type {
	t.Helper()
	set, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	found := set.Find(name)
	if found == nil {
		t.Fatalf("no node type %q", name)
	}
	return found
}

// TestDocs holds that the catalogue has something to say about everything it
// shows: docs/nodes.md, the editor's completion and `wend nodes` print it.
func TestDocs(t *testing.T) {
	t.Parallel()
	for _, typ := range nodes.All() {
		t.Run(typ.Name, func(t *testing.T) {
			t.Parallel()
			if typ.Title == "" || typ.Doc == "" {
				t.Errorf("title %q, doc %q: want both", typ.Title, typ.Doc)
			}
			for _, o := range typ.Outcomes.All {
				if o.Doc == "" {
					t.Errorf("outcome %q has no doc", o.Name)
				}
			}
			for _, named := range []string{typ.Outcomes.Success, typ.Outcomes.Fault} {
				if named != "" && !typ.Outcomes.Has(named) {
					t.Errorf("outcome %q is not among %q", named, typ.Outcomes.Names())
				}
			}
			checkDescribed(t, typ.Inputs.Raw(), "")
		})
	}
}

func checkDescribed(t *testing.T, schema map[string]any, at string) {
	t.Helper()
	props, _ := schema["properties"].(map[string]any)
	for name, p := range props {
		p := p.(map[string]any)
		if p["description"] == nil {
			t.Errorf("input %q has no description", at+name)
		}
		checkDescribed(t, p, at+name+".")
		if items, ok := p["items"].(map[string]any); ok {
			checkDescribed(t, items, at+name+"[].")
		}
	}
}

func ExampleAll() {
	for _, typ := range nodes.All() {
		fmt.Printf("%-9s %s\n", typ.Name, typ.Outcomes.Names())
	}
	// Output:
	// webhook   [success]
	// schedule  [success]
	// event     [success]
	// manual    [success]
	// called    [success]
	// evaluate  [success onError]
	// http      [success onError clientError serverError onTimeout]
	// delay     [success onError]
	// wait      [received onTimeout onError]
	// emit      [success onError]
	// store     [success onError]
	// respond   [success onError]
	// log       [success onError]
	// call      [success onError failed onTimeout]
	// parallel  [success onError someFailed onTimeout]
	// foreach   [success onError someFailed onTimeout]
	// end       [success]
}
