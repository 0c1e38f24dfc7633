package main

import (
	"encoding/json"
	"maps"
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

// property is the part of a schema at a path of names with dots between.
func property(schema map[string]any, path string) map[string]any {
	for name := range strings.SplitSeq(path, ".") {
		schema, _ = plugintest.Properties(schema)[name].(map[string]any)
	}
	return schema
}

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
		"apiPrefix":        defaultAPIPrefix,
		"tasksPath":        defaultTasksPath,
		"taskPath":         defaultTaskPath,
		"serviceTasksPath": defaultServiceTasksPath,
		"refreshPath":      defaultRefreshPath,
		"establishedPath":  defaultEstablishedPath,
		"terminatePath":    defaultTerminatePath,
		"servicesPath":     defaultServicesPath,
		"serviceUsersPath": defaultServiceUsersPath,
		"ronaParameter":    defaultRonaParameter,
		"states":           map[string]any{},
		"statusOutcomes":   map[string]any{},
	}
	if diff := cmp.Diff(want, declared); diff != "" {
		t.Errorf("defaults of plugin.yaml (-guest +manifest):\n%s", diff)
	}
	described, _ := property(tested.Manifest(t).Settings, "states")["description"].(string)
	for _, p := range phases {
		if want := p.name + " " + strings.Join(p.states, " and "); !strings.Contains(described, want) {
			t.Errorf("the setting states does not say %q", want)
		}
	}
}

// vendorPage is testdata/vendor-fields.yaml.
type vendorPage struct {
	Functions             map[string]string
	Create, Refresh, Task map[string]string
	Needed                []string
	Codes                 []struct {
		Method, Outcome string
		Status          int
	}
}

func readVendorPage(t *testing.T) vendorPage {
	t.Helper()
	source, err := os.ReadFile("testdata/vendor-fields.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var p vendorPage
	if err := yaml.Unmarshal(source, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestManifestHasTheVendorsFields holds the fields of the vendor's page against
// plugin.yaml: each has its place there, and the vendor's own label.
func TestManifestHasTheVendorsFields(t *testing.T) {
	t.Parallel()
	p := readVendorPage(t)
	for label, name := range p.Functions {
		if got := tested.Method(t, name).Title; got != label {
			t.Errorf("%s has the title %q, want %q", name, got, label)
		}
	}
	if len(p.Functions) != len(plugin) {
		t.Errorf("the page has %d functions, the plugin %d methods", len(p.Functions), len(plugin))
	}
	create := tested.Method(t, "create-task").Inputs
	checkFields(t, create, p.Create)
	checkFields(t, tested.Method(t, "refresh-task").Inputs, p.Refresh)
	for _, name := range []string{"get-task", "refresh-task", "set-established", "terminate-task"} {
		checkFields(t, tested.Method(t, name).Outputs, p.Task)
	}
	var needed []string
	for _, name := range create["required"].([]any) {
		needed = append(needed, name.(string))
	}
	if diff := cmp.Diff(p.Needed, needed); diff != "" {
		t.Errorf("what create-task needs (-page +manifest):\n%s", diff)
	}
}

func checkFields(t *testing.T, schema map[string]any, fields map[string]string) {
	t.Helper()
	for field, name := range fields {
		_, label, _ := strings.Cut("."+field, ".")
		label = label[strings.LastIndexByte(label, '.')+1:]
		if got := property(schema, name)["title"]; got != label {
			t.Errorf("plugin.yaml has no %q with the title %q, but %v", name, label, got)
		}
	}
}

// TestPageHasTheFieldsOfItsSamples holds the list of fields against the samples
// themselves.
func TestPageHasTheFieldsOfItsSamples(t *testing.T) {
	t.Parallel()
	p := readVendorPage(t)
	for sample, fields := range map[string]map[string]string{"create": p.Create, "in-queue": p.Task, "terminated": p.Task} {
		source, err := os.ReadFile("testdata/" + sample + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var value any
		if err := json.Unmarshal(source, &value); err != nil {
			t.Fatal(err)
		}
		for _, name := range fieldsOf(value, "") {
			if fields[name] == "" {
				t.Errorf("%s.json has the field %s, which testdata/vendor-fields.yaml lacks", sample, name)
			}
		}
	}
}

// fieldsOf are the names in a value: those of parameters too, and those of
// entries of a list without a number.
func fieldsOf(value any, path string) []string {
	var names []string
	switch value := value.(type) {
	case []any:
		for _, entry := range value {
			if parameter, ok := entry.(map[string]any); ok && parameter["Name"] != nil {
				names = append(names, path+parameter["Name"].(string))
				continue
			}
			names = append(names, fieldsOf(entry, path)...)
		}
	case map[string]any:
		for name, field := range value {
			names = append(append(names, path+name), fieldsOf(field, path+name+".")...)
		}
	}
	return names
}

// TestPagesCodes holds the result codes of the vendor's page.
func TestPagesCodes(t *testing.T) {
	t.Parallel()
	for _, code := range readVendorPage(t).Codes {
		answer := wire.Reply{Status: code.Status, Body: []byte(`"` + taskID + `"`)}
		if method := code.Method; method == "get-task" || method == "list-service-tasks" {
			answer.Body = []byte(taskIn("InQueue"))
		}
		result := run(t, code.Method, sdktest.Visit{
			Inputs: inputsOf(code.Method),
			Reply:  replying(answer, wire.Reply{Status: 200, Body: []byte(taskIn("Established"))}),
		})
		if result.Outcome != code.Outcome || result.Outputs["httpStatus"] != code.Status {
			t.Errorf("%s answered %d: outcome %s, want %s", code.Method, code.Status, result.Outcome, code.Outcome)
		}
	}
}

// TestOutcomes holds the outcomes of each method against the table of outcomes.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	for _, method := range tested.Manifest(t).Methods {
		want := []string{success, invalidData, notFound}
		if mayConflict(method.Name) {
			want = append(want, conflict)
		}
		want = append(want, unauthorized, serverError, timeout, unreachable)
		o := method.Outcomes
		if diff := cmp.Diff(want, o.Names()); diff != "" {
			t.Errorf("%s: outcomes (-table +manifest):\n%s", method.Name, diff)
		}
		if o.Success != success || o.Fault != serverError || o.Invalid != invalidData || o.Default != "" {
			t.Errorf("%s: success is %q, fault %q, invalid %q, default %q", method.Name, o.Success, o.Fault, o.Invalid, o.Default)
		}
	}
}

func mayConflict(method string) bool {
	return slices.Contains([]string{"refresh-task", "set-established", "terminate-task"}, method)
}

// TestIdempotent: of a change whose answer was lost a second one is another
// change, or cannot be told from a mistake.
func TestIdempotent(t *testing.T) {
	t.Parallel()
	for _, method := range tested.Manifest(t).Methods {
		reads := strings.HasPrefix(method.Name, "get-") || strings.HasPrefix(method.Name, "list-")
		if method.Idempotent != reads {
			t.Errorf("%s: idempotent is %v, want %v", method.Name, method.Idempotent, reads)
		}
	}
}

// TestManifestLeavesRefusalsToTheGuest holds that the inputs and settings of the
// matrix fit the schema, so that it is the guest who refuses them.
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

// TestSchemaRefusesTheRest holds that values of a wrong kind never reach the
// guest.
func TestSchemaRefusesTheRest(t *testing.T) {
	t.Parallel()
	create, settings := tested.Method(t, "create-task").Inputs, tested.Manifest(t).Settings
	with := func(name string, value any) map[string]any {
		inputs := maps.Clone(inputsOf("create-task"))
		inputs[name] = value
		return inputs
	}
	without := func(name string) map[string]any {
		inputs := maps.Clone(inputsOf("create-task"))
		delete(inputs, name)
		return inputs
	}
	tests := []struct {
		name   string
		schema map[string]any
		value  map[string]any
	}{
		{"no service", create, without("service")},
		{"no capabilities", create, without("required")},
		{"no word on distribution", create, without("distributeToAgent")},
		{"distribution by a word", create, with("distributeToAgent", "yes")},
		{"an unknown capability", create, with("required", map[string]any{"fax": true})},
		{"a capability by a word", create, with("required", map[string]any{"im": "true"})},
		{"an agent alone", create, with("preferredAgents", "sip:smoky.aa@dev.local")},
		{"a timeout with a fraction", create, with("ronaTimeoutSeconds", 1.5)},
		{"an unknown input", create, with("priority", 1)},
		{"no task", tested.Method(t, "get-task").Inputs, map[string]any{}},
		{"a relative path", settings, map[string]any{"tasksPath": "tasks"}},
		{"a relative prefix", settings, map[string]any{"apiPrefix": "v1.0"}},
		{"a parameter of two", settings, map[string]any{"ronaParameter": "a=1&b"}},
		{"an unknown phase", settings, map[string]any{"states": map[string]any{"lost": []any{"Lost"}}}},
		{"a success that is none", settings, map[string]any{"statusOutcomes": map[string]any{"202": "conflict"}}},
		{"a failure as success", settings, map[string]any{"statusOutcomes": map[string]any{"404": "success"}}},
		{"an unknown setting", settings, map[string]any{"base": "x"}},
	}
	for _, test := range tests {
		if plugintest.Validate(t, test.schema, test.value) == nil {
			t.Errorf("%s: %v fits plugin.yaml", test.name, test.value)
		}
	}
}
