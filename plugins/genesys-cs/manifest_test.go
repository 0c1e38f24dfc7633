package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/wendflow/wend/plugins/plugintest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/sdk/sdktest"
)

var tested = plugintest.New(plugin)

func run(t *testing.T, method string, visit sdktest.Visit) sdktest.Result {
	t.Helper()
	return tested.Run(t, method, visit)
}

func TestManifestHasTheMethods(t *testing.T) {
	t.Parallel()
	tested.Methods(t)
	for _, m := range tested.Manifest(t).Methods {
		if reads := m.Name == "get-task" || m.Name == "query-tasks"; m.Idempotent != reads {
			t.Errorf("%s is declared idempotent: %v, want %v", m.Name, m.Idempotent, reads)
		}
		if o := m.Outcomes; o.Success != success || o.Fault != serverError || o.Invalid != invalidData {
			t.Errorf("%s has success %q, fault %q, invalid %q", m.Name, o.Success, o.Fault, o.Invalid)
		}
	}
}

func TestManifestHasTheOutcomes(t *testing.T) {
	t.Parallel()
	want := []string{success, invalidData, badRequest, unauthorized, notFound, serverError, timeout, unreachable}
	for _, m := range tested.Manifest(t).Methods {
		if diff := cmp.Diff(want, m.Outcomes.Names()); diff != "" {
			t.Errorf("outcomes of %s (-want +manifest):\n%s", m.Name, diff)
		}
	}
}

func TestManifestHasTheDefaults(t *testing.T) {
	t.Parallel()
	got := map[string]any{}
	for name, property := range plugintest.Properties(tested.Manifest(t).Settings) {
		if value, has := property.(map[string]any)["default"]; has {
			got[name] = fmt.Sprint(value)
		}
	}
	want := map[string]any{
		"servicesPath":       defaultServicesPath,
		"maxSessionId":       fmt.Sprint(defaultMaxSessionID),
		"maxInteractionId":   fmt.Sprint(defaultMaxInteractionID),
		"maxDispositionDesc": fmt.Sprint(defaultMaxDispositionDesc),
		"statusOutcomes":     "map[]",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults of plugin.yaml (-guest +manifest):\n%s", diff)
	}
}

// TestManifestHasTheVendorsFields holds the field table of the vendor's page
// against plugin.yaml, and that there is nothing else.
func TestManifestHasTheVendorsFields(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("testdata/vendor-fields.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var page struct {
		Title  string
		Inputs []struct {
			Label, Page, Field string
			Mandatory          bool
			Types              []any
		}
	}
	if err := yaml.Unmarshal(source, &page); err != nil {
		t.Fatal(err)
	}
	method := tested.Method(t, "complete-task")
	if method.Title != page.Title {
		t.Errorf("the method's title is %q, want %q", method.Title, page.Title)
	}
	required, _ := method.Inputs["required"].([]any)
	fields := maps.Clone(plugintest.Properties(method.Inputs))
	for _, want := range page.Inputs {
		property, _ := fields[want.Field].(map[string]any)
		if property == nil || property["title"] != want.Label {
			t.Errorf("plugin.yaml has no %q with the title %q", want.Field, want.Label)
		}
		if diff := cmp.Diff(want.Types, property["type"]); diff != "" {
			t.Errorf("types of %q (-want +manifest):\n%s", want.Field, diff)
		}
		if slices.Contains(required, any(want.Field)) != want.Mandatory {
			t.Errorf("%q is required: %v, want %v", want.Field, !want.Mandatory, want.Mandatory)
		}
		delete(fields, want.Field)
	}
	for name := range fields {
		t.Errorf("plugin.yaml has %q, which the vendor's page has not", name)
	}
}

// TestManifestLeavesRefusalsToTheGuest holds that every input of the matrix fits
// the schema, so that it leaves by the guest's outcome with its message, and that
// the settings do.
func TestManifestLeavesRefusalsToTheGuest(t *testing.T) {
	t.Parallel()
	m := readMatrix(t)
	for _, r := range m.Rows {
		for _, p := range plugintest.Validate(t, tested.Method(t, r.Method).Inputs, r.Inputs) {
			t.Errorf("row %q: inputs do not fit plugin.yaml: %v", r.Name, p)
		}
		settings := maps.Clone(r.Settings)
		for _, p := range plugintest.Validate(t, tested.Manifest(t).Settings, settings) {
			t.Errorf("row %q: settings do not fit plugin.yaml: %v", r.Name, p)
		}
	}
}

// TestSchemaRefusesTheRest holds that what is of the wrong kind never reaches the
// guest, and that the table of statuses can be turned only to what there is.
func TestSchemaRefusesTheRest(t *testing.T) {
	t.Parallel()
	complete, settings := tested.Method(t, "complete-task").Inputs, tested.Manifest(t).Settings
	list, service := tested.Method(t, "query-tasks").Inputs, tested.Method(t, "start-service").Inputs
	with := func(name string, value any) map[string]any {
		return map[string]any{"serviceId": "95", "taskId": 3, name: value}
	}
	tests := []struct {
		name   string
		schema map[string]any
		value  map[string]any
	}{
		{"no task", complete, map[string]any{"serviceId": "95"}},
		{"no service", complete, map[string]any{"taskId": 3}},
		{"a service without a value", complete, with("serviceId", nil)},
		{"a task with a fraction", complete, with("taskId", 1.5)},
		{"a list of tasks", complete, with("taskId", []any{3})},
		{"a disposition with a fraction", complete, with("disposition", 10.5)},
		{"a disposition that is an object", complete, with("disposition", map[string]any{"id": 10})},
		{"a boolean text", complete, with("dispositionDesc", true)},
		{"a time that is a number", complete, with("timestamp", 1536316440)},
		{"extensions that are a list", complete, with("extensions", []any{})},
		{"the vendor's spelling", complete, with("interaction_id", "x")},
		{"a start's field", complete, with("taskType", 1)},
		{"names that are a text", list, map[string]any{"serviceId": "95", "extensions": "Survey"}},
		{"names that are numbers", list, map[string]any{"serviceId": "95", "extensions": []any{1}}},
		{"an end's field", service, map[string]any{"customerId": "C", "disposition": 10}},
		{"a relative path", settings, map[string]any{"servicesPath": "services"}},
		{"a negative limit", settings, map[string]any{"maxSessionId": -1}},
		{"a status that is a success", settings, map[string]any{"statusOutcomes": map[string]any{"204": "badRequest"}}},
		{"an outcome there is not", settings, map[string]any{"statusOutcomes": map[string]any{"409": "conflict"}}},
		{"a failure as success", settings, map[string]any{"statusOutcomes": map[string]any{"409": "success"}}},
		{"an unknown setting", settings, map[string]any{"tenant": "1"}},
	}
	for _, test := range tests {
		if plugintest.Validate(t, test.schema, test.value) == nil {
			t.Errorf("%s: %v fits plugin.yaml", test.name, test.value)
		}
	}
}

// What the manifest declares is what the code takes, in these letters.
func TestManifestHasTheStatuses(t *testing.T) {
	t.Parallel()
	inputs := plugintest.Properties(tested.Method(t, "query-tasks").Inputs)
	declared, ok := node.ChoicesOf(inputs["status"].(map[string]any))
	if !ok {
		t.Fatal("no choices are declared")
	}
	taken := slices.DeleteFunc(slices.Sorted(maps.Keys(listPaths)), func(status string) bool { return status == "" })
	if diff := cmp.Diff(taken, slices.Sorted(slices.Values(declared.Values))); diff != "" {
		t.Errorf("(-code +manifest):\n%s", diff)
	}
	if _, known := declared.Known("Active"); known || len(declared.Aliases) > 0 {
		t.Error("the manifest takes words that the code does not")
	}
}
