package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
)

const flowsFolder = "../../flows/genesys-gws"

// nodeTypes are the built-in ones and this plugin's.
func nodeTypes(t *testing.T) *node.Set {
	t.Helper()
	set, err := node.NewSet(append(nodes.All(), tested.Types(t)...)...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestFlows holds that every shipped flow is without a mistake, that its sample
// input is taken by its webhook, and that each completes a session of its own
// that is in the emulator.
func TestFlows(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(flowsFolder + "/*.yaml")
	files = slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, ".test.yaml") })
	if err != nil || len(files) != 5 {
		t.Fatalf("there are the flows %v (%v), want 5", files, err)
	}
	set := nodeTypes(t)
	sessions := map[string]string{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		f := loadFlow(t, set, file)
		input := readInput(t, name)
		for _, p := range f.Triggers[0].Outputs.Validate(withRequest(input)) {
			t.Errorf("%s: the sample does not fit the webhook: %v", name, p)
		}
		id, completes := input["sessionId"].(string)
		if !completes {
			continue
		}
		if other, taken := sessions[id]; taken {
			t.Errorf("%s and %s complete the same session", name, other)
		}
		sessions[id] = name
		if fs := newSite(t, readMatrix(t), ann).session(id); fs.State != "Chatting" || fs.Owner != "a1" {
			t.Errorf("%s: the session is %+v in the emulator, want one that a1 is chatting in", name, fs)
		}
	}
	if len(sessions) != 4 {
		t.Errorf("%d flows complete a session, want 4", len(sessions))
	}
}

// TestVendorsNotification holds that the sample of the vendor's page is refused
// as it stands, for its None, and that the other damage of the page does no harm.
func TestVendorsNotification(t *testing.T) {
	t.Parallel()
	sample, err := os.ReadFile("emulator/testdata/notification.txt")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := data.DecodeJSON(sample); err == nil {
		t.Error("the vendor's sample is taken for JSON")
	}
	body, err := data.DecodeJSON([]byte(strings.Replace(string(sample), ": None", ": null", 1)))
	if err != nil {
		t.Fatal(err)
	}
	f := loadFlow(t, nodeTypes(t), flowsFolder+"/notification.yaml")
	for _, p := range f.Triggers[0].Outputs.Validate(withRequest(body.(map[string]any))) {
		t.Errorf("the repaired sample does not fit the webhook: %v", p)
	}
}

func loadFlow(t *testing.T, set *node.Set, file string) *flow.Flow {
	t.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f, mistakes := flow.Load(file, source, flow.Config{Types: set, Connections: []string{"gws"}})
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
