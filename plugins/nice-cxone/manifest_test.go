package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/wendflow/wend/plugins/plugintest"
	"github.com/wendflow/wend/sdk/sdktest"
	"github.com/wendflow/wend/sdk/wire"
)

var tested = plugintest.New(plugin)

func run(t *testing.T, method string, visit sdktest.Visit) sdktest.Result {
	t.Helper()
	return tested.Run(t, method, visit)
}

func TestManifestHasTheMethods(t *testing.T) {
	t.Parallel()
	tested.Methods(t)
}

func TestManifestHasTheDefaults(t *testing.T) {
	t.Parallel()
	declared := map[string]any{}
	for name, property := range plugintest.Properties(tested.Manifest(t).Settings) {
		if value, has := property.(map[string]any)["default"]; has {
			declared[name] = value
		}
	}
	want := map[string]any{
		"discoveryURL":   defaultDiscoveryURL,
		"apiVersion":     defaultAPIVersion,
		"endPath":        defaultEndPath,
		"agentsPath":     defaultAgentsPath,
		"verifyAgent":    false,
		"statusOutcomes": map[string]any{},
	}
	if diff := cmp.Diff(want, declared); diff != "" {
		t.Errorf("defaults of plugin.yaml (-guest +manifest):\n%s", diff)
	}
	input := plugintest.Properties(tested.Method(t, "end-contact").Inputs)["securityUser"].(map[string]any)
	if input["default"] != variable {
		t.Errorf("securityUser has the default %v, want %s", input["default"], variable)
	}
}

// TestManifestHasTheVendorsFields holds the field table of the vendor's page
// against plugin.yaml.
func TestManifestHasTheVendorsFields(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("testdata/vendor-fields.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var page struct {
		Title           string
		Inputs, Outputs map[string]struct{ Field, Value string }
		Branches        []string
	}
	if err := yaml.Unmarshal(source, &page); err != nil {
		t.Fatal(err)
	}
	method := tested.Method(t, "end-contact")
	if method.Title != page.Title {
		t.Errorf("the method's title is %q, want %q", method.Title, page.Title)
	}
	for label, want := range page.Inputs {
		checkTitle(t, method.Inputs, want.Field, label)
	}
	for label, want := range page.Outputs {
		checkTitle(t, method.Outputs, want.Field, label)
		ended := endWith(t, declared, wire.Reply{Status: 202})
		if ended.Outputs[want.Field] != want.Value {
			t.Errorf("output %s is %v, want %s", want.Field, ended.Outputs[want.Field], want.Value)
		}
	}
	names := method.Outcomes.Names()
	slices.Sort(names)
	slices.Sort(page.Branches)
	if diff := cmp.Diff(page.Branches, names); diff != "" {
		t.Errorf("outcomes (-page +manifest):\n%s", diff)
	}
	if got := method.Outcomes; got.Success != "OnSuccess" || got.Default != "Default" || got.Fault != "Default" {
		t.Errorf("success is %q, default %q, fault %q; want OnSuccess, Default, Default", got.Success, got.Default, got.Fault)
	}
}

func checkTitle(t *testing.T, schema map[string]any, field, label string) {
	t.Helper()
	property, _ := plugintest.Properties(schema)[field].(map[string]any)
	if property == nil || property["title"] != label {
		t.Errorf("plugin.yaml has no %q with the title %q", field, label)
	}
}

// TestManifestLeavesRefusalsToTheGuest holds that every input of the matrix fits
// the schema, so that it leaves by the vendor's outcome, and that the settings
// do.
func TestManifestLeavesRefusalsToTheGuest(t *testing.T) {
	t.Parallel()
	m := readMatrix(t)
	for _, r := range m.Rows {
		for _, p := range plugintest.Validate(t, tested.Method(t, r.Method).Inputs, r.Inputs) {
			t.Errorf("row %q: inputs do not fit plugin.yaml: %v", r.Name, p)
		}
		settings := map[string]any{}
		for name, value := range r.Settings {
			if text, is := value.(string); is {
				value = strings.ReplaceAll(text, "{base}", "http://127.0.0.1:9102")
			}
			settings[name] = value
		}
		for _, p := range plugintest.Validate(t, tested.Manifest(t).Settings, settings) {
			t.Errorf("row %q: settings do not fit plugin.yaml: %v", r.Name, p)
		}
	}
}

// TestSchemaRefusesTheRest holds that what no outcome of the vendor is for never
// reaches the guest, and that the table of statuses can be turned only to what
// there is.
func TestSchemaRefusesTheRest(t *testing.T) {
	t.Parallel()
	end, set, settings := tested.Method(t, "end-contact").Inputs, tested.Method(t, "set-security-user").Inputs, tested.Manifest(t).Settings
	tests := []struct {
		name   string
		schema map[string]any
		value  map[string]any
	}{
		{"no contact", end, map[string]any{}},
		{"a list of contacts", end, map[string]any{"contactId": []any{1, 2}}},
		{"all outputs instead of the handle", end, map[string]any{"contactId": 1, "securityUser": map[string]any{"securityUser": "x"}}},
		{"an unknown input", end, map[string]any{"contactId": 1, "agentState": "Available"}},
		{"a list of agents", set, map[string]any{"agent": []any{1}}},
		{"a base without a scheme", settings, map[string]any{"apiBase": "api-na1.niceincontact.com"}},
		{"a version without its v", settings, map[string]any{"apiVersion": "34"}},
		{"a relative path", settings, map[string]any{"endPath": "contacts"}},
		{"a success that is none", settings, map[string]any{"statusOutcomes": map[string]any{"202": "Default"}}},
		{"an outcome there is not", settings, map[string]any{"statusOutcomes": map[string]any{"404": "OnNotFound"}}},
		{"a failure as success", settings, map[string]any{"statusOutcomes": map[string]any{"404": "OnSuccess"}}},
		{"an unknown setting", settings, map[string]any{"tokenFlow": "central"}},
	}
	for _, test := range tests {
		if plugintest.Validate(t, test.schema, test.value) == nil {
			t.Errorf("%s: %v fits plugin.yaml", test.name, test.value)
		}
	}
}
