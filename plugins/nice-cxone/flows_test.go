package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
)

const flowsFolder = "../../flows/nice-cxone"

// nodeTypes are the built-in ones and this plugin's.
func nodeTypes(t *testing.T) *node.Set {
	t.Helper()
	set, err := node.NewSet(append(nodes.All(), tested.Types(t)...)...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestFlows holds that there is a flow for each script type of the vendor's page,
// without a mistake, whose sample input is taken by its webhook and names a
// contact of that type in the emulator.
func TestFlows(t *testing.T) {
	t.Parallel()
	types := map[string]string{
		"generic": "Generic", "email": "Email", "chat": "Chat", "phone": "Phone",
		"voicemail": "Voicemail", "work-item": "Work Item", "sms": "SMS",
	}
	set := nodeTypes(t)
	for name, mediaType := range types {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := loadFlow(t, set, name)
			input := readInput(t, name)
			for _, p := range f.Triggers[0].Outputs.Validate(withRequest(input)) {
				t.Errorf("the sample does not fit the webhook: %v", p)
			}
			id, _ := input["contactId"].(string)
			if number, is := input["contactId"].(json.Number); is {
				id = number.String()
			}
			if c := newSite(t, readMatrix(t), vera).contact(id); c.MediaType != mediaType || c.State != "Active" {
				t.Errorf("contact %s of the emulator is %+v, want an active one of type %s", id, c, mediaType)
			}
		})
	}
	files, err := filepath.Glob(flowsFolder + "/*.yaml")
	files = slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, ".test.yaml") })
	if err != nil || len(files) != len(types) {
		t.Errorf("there are %d flows (%v), want one for each of %d script types", len(files), err, len(types))
	}
}

func loadFlow(t *testing.T, set *node.Set, name string) *flow.Flow {
	t.Helper()
	file := filepath.Join(flowsFolder, name+".yaml")
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f, mistakes := flow.Load(file, source, flow.Config{Types: set, Connections: []string{"cxone"}})
	for _, m := range mistakes {
		t.Errorf("%v", m)
	}
	if f == nil {
		t.FailNow()
	}
	return f
}

func readInput(t *testing.T, name string) map[string]any {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(flowsFolder, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(source)))
	decoder.UseNumber()
	var input map[string]any
	if err := decoder.Decode(&input); err != nil {
		t.Fatal(err)
	}
	return input
}

// withRequest adds what a webhook knows beside the body.
func withRequest(body map[string]any) map[string]any {
	body["request"] = map[string]any{"method": "POST", "path": "/", "headers": map[string]any{}, "query": map[string]any{}}
	return body
}
