package pluginhost_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/pluginbuild"
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
	report, err := pluginbuild.Build(t.Context(), pluginbuild.Config{Dir: "testdata/command", Module: module, Out: filepath.Join(dir, "plugin.wasm")})
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
