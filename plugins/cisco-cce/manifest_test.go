package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

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
}

func TestManifestHasTheDefaults(t *testing.T) {
	t.Parallel()
	declared := map[string]any{}
	for name, property := range plugintest.Properties(tested.Manifest(t).Settings) {
		declared[name] = property.(map[string]any)["default"]
	}
	want := map[string]any{
		"scheme":               defaultScheme,
		"tasksPath":            defaultTasksPath,
		"taskPath":             defaultTaskPath,
		"closePath":            defaultClosePath,
		"closeMethod":          defaultCloseMethod,
		"trackingHeader":       defaultTrackingHeader,
		"trackingPrefix":       defaultTrackingPrefix,
		"webCallbackMediaType": defaultWebCallbackMediaType,
	}
	if diff := cmp.Diff(want, declared); diff != "" {
		t.Errorf("defaults of plugin.yaml (-guest +manifest):\n%s", diff)
	}
}

// TestManifestLeavesRefusalsToTheGuest holds that what the vendor refuses fits
// the schema, so that it leaves by the vendor's outcome, and no flow that
// gives it is an error before it runs.
func TestManifestLeavesRefusalsToTheGuest(t *testing.T) {
	t.Parallel()
	for _, test := range refusals() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			for _, p := range plugintest.Validate(t, tested.Method(t, test.method).Inputs, test.inputs) {
				t.Errorf("inputs do not fit plugin.yaml: %v", p)
			}
		})
	}
}

// What the manifest declares is what the code takes: each spelling that one of
// them knows, for the same value.
func TestManifestHasTheChoices(t *testing.T) {
	t.Parallel()
	inputs := plugintest.Properties(tested.Method(t, "create-task").Inputs)
	items := inputs["userVariables"].(map[string]any)["items"].(map[string]any)
	for name, tc := range map[string]struct {
		schema any
		code   []choice
	}{
		"mediaType":    {inputs["mediaType"], mediaTypes},
		"mediaChannel": {inputs["mediaChannel"], mediaChannels},
		"variable":     {plugintest.Properties(items)["type"], variableTypes},
	} {
		declared, ok := node.ChoicesOf(tc.schema.(map[string]any))
		if !ok {
			t.Errorf("%s: no choices are declared", name)
			continue
		}
		var names []string
		for _, c := range tc.code {
			names = append(names, c.name)
			for _, spelling := range append(c.spellings, c.name) {
				if got, _ := declared.Known(spelling); got != c.name {
					t.Errorf("%s: the manifest takes %q for %q, the code for %q", name, spelling, got, c.name)
				}
			}
		}
		if diff := cmp.Diff(names, declared.Values); diff != "" {
			t.Errorf("%s: values (-code +manifest):\n%s", name, diff)
		}
		for alias, want := range declared.Aliases {
			f := &form{}
			if got := f.choice(name, alias, tc.code); got != want {
				t.Errorf("%s: the code takes %q for %q, the manifest for %q", name, alias, got, want)
			}
		}
	}
}
