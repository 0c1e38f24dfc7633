package main

import (
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/wendflow/wend/plugins/plugintest"
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
		if m.Idempotent {
			t.Errorf("%s is declared idempotent; the vendor refuses every operation that comes twice", m.Name)
		}
	}
}

func TestManifestHasTheDefaults(t *testing.T) {
	t.Parallel()
	declared := map[string]any{}
	for name, property := range plugintest.Properties(tested.Manifest(t).Settings) {
		declared[name] = property.(map[string]any)["default"]
	}
	want := map[string]any{"apiPath": defaultAPIPath, "sessionsSegment": defaultSessionsSegment}
	if diff := cmp.Diff(want, declared); diff != "" {
		t.Errorf("defaults of plugin.yaml (-guest +manifest):\n%s", diff)
	}
}

// vendorMethod is a page of the vendor about one operation, with the names that
// plugin.yaml gives its fields. Fixed is what a field always has.
type vendorMethod struct {
	Title           string
	Request         string
	Inputs, Outputs map[string]struct {
		Field, Fixed string
		Required     bool
	}
}

func readVendorFields(t *testing.T) map[string]vendorMethod {
	t.Helper()
	source, err := os.ReadFile("testdata/vendor-fields.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var pages map[string]vendorMethod
	if err := yaml.Unmarshal(source, &pages); err != nil {
		t.Fatal(err)
	}
	return pages
}

// TestManifestHasTheVendorsFields holds the field tables of the vendor's pages
// against plugin.yaml.
func TestManifestHasTheVendorsFields(t *testing.T) {
	t.Parallel()
	pages := readVendorFields(t)
	for name, page := range pages {
		method := tested.Method(t, name)
		if method.Title != page.Title {
			t.Errorf("%s has the title %q, want %q", name, method.Title, page.Title)
		}
		required, _ := method.Inputs["required"].([]any)
		for label, want := range page.Inputs {
			if want.Fixed != "" {
				continue // TestCallsHaveTheVendorsFields
			}
			checkTitle(t, name, method.Inputs, want.Field, label)
			if slices.Contains(required, any(want.Field)) != want.Required {
				t.Errorf("%s: required are %v, want %s among them: %v", name, required, want.Field, want.Required)
			}
		}
		for label, want := range page.Outputs {
			checkTitle(t, name, method.Outputs, want.Field, label)
		}
	}
	if len(pages) != len(plugin) {
		t.Errorf("there are pages of %d methods, want %d", len(pages), len(plugin))
	}
}

func checkTitle(t *testing.T, method string, schema map[string]any, field, label string) {
	t.Helper()
	property, _ := plugintest.Properties(schema)[field].(map[string]any)
	if property == nil || property["title"] != label {
		t.Errorf("%s has no %q with the title %q", method, field, label)
	}
}

// TestManifestHasTheOutcomes holds that every method has the same ten.
func TestManifestHasTheOutcomes(t *testing.T) {
	t.Parallel()
	want := []string{success, invalidData, invalidState, forbidden, unauthorized, notFound, partial, serverError, timeout, unreachable}
	for _, m := range tested.Manifest(t).Methods {
		if diff := cmp.Diff(want, m.Outcomes.Names()); diff != "" {
			t.Errorf("outcomes of %s (-want +manifest):\n%s", m.Name, diff)
		}
		if o := m.Outcomes; o.Success != success || o.Fault != serverError || o.Invalid != invalidData || o.Default != "" {
			t.Errorf("%s: success is %q, fault %q, invalid %q, default %q", m.Name, o.Success, o.Fault, o.Invalid, o.Default)
		}
	}
}

// TestManifestLeavesRefusalsToTheGuest holds that every input of the matrix fits
// the schema, so that it leaves by invalidData with a reason for people, and
// that the settings do.
func TestManifestLeavesRefusalsToTheGuest(t *testing.T) {
	t.Parallel()
	for _, r := range readMatrix(t).Rows {
		for _, p := range plugintest.Validate(t, tested.Method(t, r.Method).Inputs, r.Inputs) {
			t.Errorf("row %q: inputs do not fit plugin.yaml: %v", r.Name, p)
		}
		for _, p := range plugintest.Validate(t, tested.Manifest(t).Settings, r.Settings) {
			t.Errorf("row %q: settings do not fit plugin.yaml: %v", r.Name, p)
		}
	}
}

// TestSchemaRefusesTheRest holds that what makes no sense at all never reaches
// the guest.
func TestSchemaRefusesTheRest(t *testing.T) {
	t.Parallel()
	settings := tested.Manifest(t).Settings
	inputs := func(method string) map[string]any { return tested.Method(t, method+"-facebook-session").Inputs }
	id := "0002DaAVKJ0V0095"
	tests := []struct {
		name   string
		schema map[string]any
		value  map[string]any
	}{
		{"no session", inputs("complete"), map[string]any{}},
		{"null for a session", inputs("complete"), map[string]any{"sessionId": nil}},
		{"a list of sessions", inputs("complete"), map[string]any{"sessionId": []any{id}}},
		{"a number for a queue", inputs("complete"), map[string]any{"sessionId": id, "queueName": 5}},
		{"waiting in a method", inputs("complete"), map[string]any{"sessionId": id, "waitForNotification": true}},
		{"another operation", inputs("complete"), map[string]any{"sessionId": id, "operationName": "Leave"}},
		{"no nickname", inputs("accept"), map[string]any{"sessionId": id}},
		{"null for a nickname", inputs("accept"), map[string]any{"sessionId": id, "nickname": nil}},
		{"a queue for a rejection", inputs("reject"), map[string]any{"sessionId": id, "queueName": "q"}},
		{"a queue for a leave", inputs("leave"), map[string]any{"sessionId": id, "queueName": "q"}},
		{"a number for a target", inputs("transfer"), map[string]any{"sessionId": id, "targetPath": 5}},
		{"a relative path", settings, map[string]any{"apiPath": "api/v2"}},
		{"a segment that no release has", settings, map[string]any{"sessionsSegment": "sessions"}},
		{"an unknown setting", settings, map[string]any{"csrf": "off"}},
	}
	for _, test := range tests {
		if plugintest.Validate(t, test.schema, test.value) == nil {
			t.Errorf("%s: %v fits plugin.yaml", test.name, test.value)
		}
	}
}
