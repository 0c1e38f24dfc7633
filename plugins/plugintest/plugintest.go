// Package plugintest is for the tests of a plugin that is written in Go. It
// holds the guest's code, run natively, against plugin.yaml and against the
// page that documents the plugin, and lets it talk with the vendor's emulator
// over a connection of the host's own. It runs no WebAssembly.
package plugintest

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/sdk"
	"github.com/wendflow/wend/sdk/sdktest"
)

// Plugin is a guest's code and its manifest. It is safe for concurrent use.
type Plugin struct {
	code sdk.Plugin
	read func() (*declaration, error)
}

// declaration is a manifest, and what it says of the outputs of each method.
type declaration struct {
	manifest *manifest.Manifest
	outputs  map[string]*node.Schema
}

// New returns the plugin of the package under test. Its manifest is plugin.yaml
// in the package's folder, which is read when it is first needed.
func New(code sdk.Plugin) *Plugin {
	return &Plugin{code: code, read: sync.OnceValues(read)}
}

func read() (*declaration, error) {
	source, err := os.ReadFile("plugin.yaml")
	if err != nil {
		return nil, err
	}
	m, mistakes := manifest.Parse("plugin.yaml", source)
	if err := mistakes.Err(); err != nil {
		return nil, err
	}
	d := &declaration{m, map[string]*node.Schema{}}
	for _, method := range m.Methods {
		if d.outputs[method.Name], err = node.NewSchema(method.Outputs); err != nil {
			return nil, fmt.Errorf("outputs of %s: %w", method.Name, err)
		}
	}
	return d, nil
}

func (p *Plugin) declaration(t testing.TB) *declaration {
	t.Helper()
	d, err := p.read()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Manifest returns plugin.yaml as the host reads it. Nobody may change it.
func (p *Plugin) Manifest(t testing.TB) *manifest.Manifest {
	t.Helper()
	return p.declaration(t).manifest
}

// Method returns what plugin.yaml says of a method.
func (p *Plugin) Method(t testing.TB, name string) manifest.Method {
	t.Helper()
	for _, method := range p.Manifest(t).Methods {
		if method.Name == name {
			return method
		}
	}
	t.Fatalf("plugin.yaml has no method %q", name)
	return manifest.Method{}
}

// Run runs a method natively, and fails if its outcome or its outputs are not
// those of plugin.yaml.
func (p *Plugin) Run(t testing.TB, method string, visit sdktest.Visit) sdktest.Result {
	t.Helper()
	result, err := sdktest.Run(p.code, method, visit)
	if err != nil {
		t.Fatal(err)
	}
	if !p.Method(t, method).Outcomes.Has(result.Outcome) {
		t.Errorf("outcome %q is not in plugin.yaml", result.Outcome)
	}
	for _, problem := range p.declaration(t).outputs[method].Validate(result.Outputs) {
		t.Errorf("outputs do not fit plugin.yaml: %v", problem)
	}
	return result
}

// Methods fails if the code and plugin.yaml have not the same methods.
func (p *Plugin) Methods(t testing.TB) {
	t.Helper()
	var declared []string
	for _, m := range p.Manifest(t).Methods {
		declared = append(declared, m.Name)
	}
	slices.Sort(declared)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(p.code)), declared); diff != "" {
		t.Errorf("methods of plugin.yaml (-guest +manifest):\n%s", diff)
	}
}

// Types returns the node types that plugin.yaml declares. They can be checked,
// and not run.
func (p *Plugin) Types(t testing.TB) []*node.Type {
	t.Helper()
	types, err := p.Manifest(t).Types("")
	if err != nil {
		t.Fatal(err)
	}
	return types
}

// Properties are those of an object's schema.
func Properties(schema map[string]any) map[string]any {
	properties, _ := schema["properties"].(map[string]any)
	return properties
}

// Validate returns what in an object does not fit a schema of plugin.yaml.
func Validate(t testing.TB, schema, object map[string]any) []node.Problem {
	t.Helper()
	s, err := node.NewSchema(schema)
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(object)
}
