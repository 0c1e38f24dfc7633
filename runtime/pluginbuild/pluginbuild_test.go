package pluginbuild_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wendflow/wend/runtime/pluginbuild"
)

// TestBuild builds what cannot be built.
func TestBuild(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../pluginhost/testdata/command/plugin.yaml")
	if err != nil {
		t.Fatal(err)
	}
	declared := string(source)
	tests := map[string]struct {
		files  map[string]string
		config pluginbuild.Config
		want   string
	}{
		"no manifest":  {nil, pluginbuild.Config{}, "no plugin.yaml in "},
		"no toolchain": {map[string]string{"plugin.yaml": declared}, pluginbuild.Config{Go: "no-such-go"}, "the Go toolchain is needed and was not found"},
		"no sources":   {map[string]string{"plugin.yaml": declared}, pluginbuild.Config{}, "build plugin command: go build: exit status 1\n"},
		"does not compile": {
			map[string]string{"plugin.yaml": declared, "go.mod": "module x\n", "main.go": "package main\nfunc main() { nope() }\n"},
			pluginbuild.Config{},
			"./main.go:2:15: undefined: nope",
		},
		"exports nothing": {
			map[string]string{"plugin.yaml": declared, "go.mod": "module x\n", "main.go": "package main\nfunc main() {}\n"},
			pluginbuild.Config{},
			"does not export the function wend_alloc(i32) i32 of ABI 1",
		},
		"no module":     {map[string]string{"plugin.yaml": declared}, pluginbuild.Config{Module: "/no/such.wasm"}, "no such file"},
		"wrong mistake": {map[string]string{"plugin.yaml": "plugin: x\n"}, pluginbuild.Config{}, `missing the key "version"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.config.Dir = t.TempDir()
			for file, content := range test.files {
				if err := os.WriteFile(filepath.Join(test.config.Dir, file), []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := pluginbuild.Build(t.Context(), test.config)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Build = %v, want %q", err, test.want)
			}
			if bad, ok := errors.AsType[*pluginbuild.ManifestError](err); ok && len(bad.Source) == 0 {
				t.Error("the error of a manifest has no source to show")
			}
			if files, _ := filepath.Glob(filepath.Join(test.config.Dir, "*.wasm")); len(files) > 0 {
				t.Errorf("a build that failed left %q", files)
			}
		})
	}
}
