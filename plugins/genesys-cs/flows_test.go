package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
)

const flowsFolder = "../../flows/genesys-cs"

// nodeTypes are the built-in ones and this plugin's.
func nodeTypes(t *testing.T) *node.Set {
	t.Helper()
	set, err := node.NewSet(append(nodes.All(), tested.Types(t)...)...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestFlows holds that every flow is without a mistake, and that its webhook
// takes the sample input beside it.
func TestFlows(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(flowsFolder + "/*.yaml")
	files = slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, ".test.yaml") })
	if err != nil || len(files) == 0 {
		t.Fatalf("no flows in %s: %v", flowsFolder, err)
	}
	set := nodeTypes(t)
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		f, mistakes := flow.Load(file, source, flow.Config{Types: set, Connections: []string{"genesys-cs"}})
		for _, m := range mistakes {
			t.Errorf("%v", m)
		}
		if f == nil {
			continue
		}
		input := readObject(t, strings.TrimSuffix(file, ".yaml")+".json", strings.NewReplacer())
		input["request"] = map[string]any{"method": "POST", "path": "/", "headers": map[string]any{}, "query": map[string]any{}}
		for _, p := range f.Triggers[0].Outputs.Validate(input) {
			t.Errorf("%s: the sample does not fit the webhook: %v", file, p)
		}
	}
}

// TestFlowHasTheVendorsSample holds that the flow attaches what the vendor's
// sample does, with its numbers and its text repaired.
func TestFlowHasTheVendorsSample(t *testing.T) {
	t.Parallel()
	input := readObject(t, flowsFolder+"/complete-task.json", strings.NewReplacer())
	sample := readObject(t, "emulator/testdata/complete-task.txt", strings.NewReplacer(
		"0000CSS0FXZUP6UR", `"0000CSS0FXZUP6UR"`, "25 000", "25000", "70 000", "70000",
	))
	for in, name := range map[string]string{"survey": "Survey", "proposal": "Proposal", "interactionId": "interaction_id"} {
		if diff := cmp.Diff(sample[name], input[in]); diff != "" {
			t.Errorf("%s (-vendor +flow):\n%s", name, diff)
		}
	}
}

func readObject(t *testing.T, file string, repair *strings.Replacer) map[string]any {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(repair.Replace(string(source))))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return object
}
