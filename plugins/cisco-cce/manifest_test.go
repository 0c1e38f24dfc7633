package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

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
