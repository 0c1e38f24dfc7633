package main

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/wendflow/wend/sdk/sdktest"
)

// manifest is plugin.yaml, as far as the guest must agree with it.
type manifest struct {
	Settings schema            `yaml:"settings"`
	Methods  map[string]method `yaml:"methods"`
}

type method struct {
	Inputs   schema `yaml:"inputs"`
	Outputs  schema `yaml:"outputs"`
	inputs   *jsonschema.Schema
	outputs  *jsonschema.Schema
	Outcomes struct {
		Others map[string]string `yaml:"others"`
	} `yaml:"outcomes"`
}

type schema map[string]any

func (s schema) properties() map[string]any {
	properties, _ := s["properties"].(schema)
	return properties
}

// readManifest reads plugin.yaml once, and compiles its schemas.
var readManifest = sync.OnceValues(func() (manifest, error) {
	source, err := os.ReadFile("plugin.yaml")
	if err != nil {
		return manifest{}, err
	}
	var m manifest
	if err := yaml.Unmarshal(source, &m); err != nil {
		return manifest{}, err
	}
	for name, method := range m.Methods {
		if method.inputs, err = compile(method.Inputs); err != nil {
			return manifest{}, err
		}
		if method.outputs, err = compile(method.Outputs); err != nil {
			return manifest{}, err
		}
		m.Methods[name] = method
	}
	return m, nil
})

func compile(s schema) (*jsonschema.Schema, error) {
	source, err := asJSON(s)
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	if err := compiler.AddResource("plugin.yaml", source); err != nil {
		return nil, err
	}
	return compiler.Compile("plugin.yaml")
}

func mustManifest(t *testing.T) manifest {
	t.Helper()
	m, err := readManifest()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestManifestHasTheMethods(t *testing.T) {
	t.Parallel()
	declared := slices.Sorted(maps.Keys(mustManifest(t).Methods))
	if diff := cmp.Diff(slices.Sorted(maps.Keys(plugin)), declared); diff != "" {
		t.Errorf("methods of plugin.yaml (-guest +manifest):\n%s", diff)
	}
}

func TestManifestHasTheDefaults(t *testing.T) {
	t.Parallel()
	declared := map[string]any{}
	for name, property := range mustManifest(t).Settings.properties() {
		declared[name] = property.(schema)["default"]
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
	m := mustManifest(t)
	for _, test := range refusals() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if err := fits(m.Methods[test.method].inputs, test.inputs); err != nil {
				t.Errorf("inputs do not fit plugin.yaml: %v", err)
			}
		})
	}
}

// checkResult holds a result against the manifest.
func checkResult(t *testing.T, name string, result sdktest.Result) {
	t.Helper()
	declared := mustManifest(t).Methods[name]
	if _, known := declared.Outcomes.Others[result.Outcome]; !known {
		t.Errorf("outcome %q is not in plugin.yaml", result.Outcome)
	}
	if err := fits(declared.outputs, result.Outputs); err != nil {
		t.Errorf("outputs do not fit plugin.yaml: %v", err)
	}
}

func fits(s *jsonschema.Schema, v any) error {
	plain, err := asJSON(v)
	if err != nil {
		return err
	}
	return s.Validate(plain)
}

// asJSON gives v the types that a schema knows.
func asJSON(v any) (any, error) {
	document, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(document))
}
