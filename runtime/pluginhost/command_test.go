package pluginhost_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/pluginhost"
	"github.com/wendflow/wend/sdk/wire"
)

// TestCommand runs a plugin that is a program: JSON on stdin, JSON on stdout.
func TestCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	module := filepath.Join(dir, "command.wasm")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", module, ".")
	build.Dir = "testdata/command"
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	report, err := pluginhost.Build(t.Context(), pluginhost.BuildConfig{Dir: "testdata/command", Module: module, Out: filepath.Join(dir, "plugin.wasm")})
	if err != nil {
		t.Fatal(err)
	}
	wasm := read(t, report.Out)
	if in, err := pluginhost.Inspect(wasm); err != nil || in.Kind != pluginhost.Command {
		t.Errorf("Inspect = %+v, %v, want a command", in, err)
	}

	p := load(t, newHost(t, pluginhost.Config{}), wasm)
	if s := p.Status(); !s.Restored {
		t.Errorf("status = %+v, want it restored", s)
	}
	greet := method(t, p, "greet")
	for range 3 {
		var log []string
		v := visit(map[string]any{"name": "Ada"})
		v.Log = func(line string) { log = append(log, line) }
		action, err := greet.Step(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(node.Ask{Calls: []wire.Call{{Method: "GET", URL: "/hello"}}}, action); diff != "" {
			t.Fatalf("Step (-want +got):\n%s", diff)
		}
		v.Asked, v.Replies = []string{"GET /hello"}, []wire.Reply{{Status: 204}}
		want := map[string]any{"greeting": "hello Ada", "status": 204}
		if diff := cmp.Diff(want, finish(t, greet, v)); diff != "" {
			t.Errorf("outputs (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"greeting Ada", "greeting Ada"}, log); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
	}
}

// TestHostileCommands: programs meet the limits too.
func TestHostileCommands(t *testing.T) {
	t.Parallel()
	program := func(parts ...[]byte) asm {
		a := answer(done)
		a.rename = map[string]string{"wend_alloc": "", "wend_invoke": ""}
		a.imports = []wasmImport{wasi("fd_write", i32+i32+i32+i32, i32), wasi("proc_exit", i32, "")}
		a.extra = []wasmFunc{{"_start", "", "", body(parts...)}}
		return a
	}
	tests := map[string]hostile{
		"answers":        {asm: program(write(1, 8192, int32(len(done))))},
		"answers, exits": {asm: program(write(1, 8192, int32(len(done))), const32(0), call(1))},
		"fails":          {asm: program(write(1, 8192, int32(len(done))), const32(1), call(1)), code: "exit", want: "exited with status 1"},
		"says nothing":   {asm: program(), code: "contract", want: "not JSON"},
		"says too much":  {asm: program(loop(write(1, 0, 60_000))), code: "output", want: "over the output limit of 1MB"},
		"never ends":     {asm: program(loop()), limits: manifest.Limits{Fuel: 100_000_000}, code: "fuel"},
	}
	h := newHost(t, pluginhost.Config{})
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := method(t, load(t, h, withManifest(t, test.asm.module(), test.limits)), "go")
			for range 3 {
				action, err := bad.Step(t.Context(), visit(map[string]any{}))
				checkFault(t, action, err, test.code, test.want)
			}
		})
	}
}

// TestBuild builds what cannot be built.
func TestBuild(t *testing.T) {
	t.Parallel()
	declared := string(read(t, "testdata/command/plugin.yaml"))
	tests := map[string]struct {
		files  map[string]string
		config pluginhost.BuildConfig
		want   string
	}{
		"no manifest":  {nil, pluginhost.BuildConfig{}, "no plugin.yaml in "},
		"no toolchain": {map[string]string{"plugin.yaml": declared}, pluginhost.BuildConfig{Go: "no-such-go"}, "the Go toolchain is needed and was not found"},
		"no sources":   {map[string]string{"plugin.yaml": declared}, pluginhost.BuildConfig{}, "build plugin command: go build: exit status 1\n"},
		"does not compile": {
			map[string]string{"plugin.yaml": declared, "go.mod": "module x\n", "main.go": "package main\nfunc main() { nope() }\n"},
			pluginhost.BuildConfig{},
			"./main.go:2:15: undefined: nope",
		},
		"exports nothing": {
			map[string]string{"plugin.yaml": declared, "go.mod": "module x\n", "main.go": "package main\nfunc main() {}\n"},
			pluginhost.BuildConfig{},
			"does not export the function wend_alloc(i32) i32 of ABI 1",
		},
		"no module":     {map[string]string{"plugin.yaml": declared}, pluginhost.BuildConfig{Module: "/no/such.wasm"}, "no such file"},
		"wrong mistake": {map[string]string{"plugin.yaml": "plugin: x\n"}, pluginhost.BuildConfig{}, `missing "version"`},
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
			_, err := pluginhost.Build(t.Context(), test.config)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Build = %v, want %q", err, test.want)
			}
			if bad, ok := errors.AsType[*pluginhost.ManifestError](err); ok && len(bad.Source) == 0 {
				t.Error("the error of a manifest has no source to show")
			}
			if files, _ := filepath.Glob(filepath.Join(test.config.Dir, "*.wasm")); len(files) > 0 {
				t.Errorf("a build that failed left %q", files)
			}
		})
	}
}
