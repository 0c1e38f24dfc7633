package sdk_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// maxGuest is how large a guest with little of its own may get; an empty one is
// 1.85 MB.
const maxGuest = 2_350_000

// TestGuest builds a plugin as WebAssembly and runs it over the documents of
// docs/abi.md.
func TestGuest(t *testing.T) {
	t.Parallel()
	guest := buildGuest(t)
	tests := []struct {
		name, document, want string
		stderr               string // how it begins
	}{
		{
			name:     "a call, then its replay",
			document: string(example(t, "invoke-1.json")),
			want:     string(example(t, "answer-1.json")),
			stderr:   "fetching\n",
		},
		{
			name:     "the replay",
			document: string(example(t, "invoke-2.json")),
			want:     string(example(t, "answer-2.json")),
			stderr:   "fetching\n",
		},
		{
			name:     "a fault that the SDK finds",
			document: `{"abi":1,"method":"fetch","inputs":{"url":1}}`,
			stderr:   "fetching\npanic: fetch: \"url\" is 1, expected a string\n",
		},
		{
			name:     "a panic of the method",
			document: `{"abi":1,"method":"break"}`,
			stderr:   "panic: the author's own",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var stderr bytes.Buffer
			out, err := guest.instantiate(t, &stderr).invoke(t.Context(), []byte(test.document))
			if (err != nil) != (test.want == "") {
				t.Errorf("wend_invoke failed with %v, stderr:\n%s", err, &stderr)
			}
			if string(out) != test.want {
				t.Errorf("wend_invoke = %s, want %s", out, test.want)
			}
			if !strings.HasPrefix(stderr.String(), test.stderr) {
				t.Errorf("stderr is %q, want it to begin with %q", &stderr, test.stderr)
			}
		})
	}
	t.Run("a table", func(t *testing.T) {
		t.Parallel()
		checkTable(t, guest.instantiate(t, new(bytes.Buffer)))
	})
	t.Run("a table cut short", func(t *testing.T) {
		t.Parallel()
		var stderr bytes.Buffer
		table := example(t, "invoke-2.table")
		_, err := guest.instantiate(t, &stderr).call(t.Context(), "wend_invoke_table", table[:100])
		if want := "panic: the table of an invoke does not hold the entries that it says"; err == nil || !strings.HasPrefix(stderr.String(), want) {
			t.Errorf("wend_invoke_table failed with %v and said %q, want %q", err, &stderr, want)
		}
	})
	t.Run("room", func(t *testing.T) {
		t.Parallel()
		checkRoom(t, guest.instantiate(t, new(bytes.Buffer)))
	})
}

// checkTable holds that a document as a table is answered as it is as JSON.
// runtime/pluginhost writes the file.
func checkTable(t *testing.T, instance instance) {
	t.Helper()
	out, err := instance.call(t.Context(), "wend_invoke_table", example(t, "invoke-2.table"))
	if want := string(example(t, "answer-2.json")); err != nil || string(out) != want {
		t.Errorf("wend_invoke_table = %s, %v, want %s", out, err, want)
	}
}

// checkRoom holds that an invoke of a common size needs no more memory than the
// module has after its start: a host cannot take memory back.
func checkRoom(t *testing.T, instance instance) {
	t.Helper()
	before := instance.module.Memory().Size()
	body := strings.Repeat("x", 100_000)
	document := `{"abi":1,"method":"fetch","inputs":{"url":"/"},"replies":[{"status":200,"body":"` + body + `"}]}`
	if _, err := instance.invoke(t.Context(), []byte(document)); err != nil {
		t.Fatal(err)
	}
	if after := instance.module.Memory().Size(); after != before {
		t.Errorf("an invoke with a reply of 100 KB made memory grow from %d to %d bytes", before, after)
	}
}

// BenchmarkGuest is one invoke in an instance that is used again.
func BenchmarkGuest(b *testing.B) {
	instance := buildGuest(b).instantiate(b, new(bytes.Buffer))
	document := example(b, "invoke-2.json")
	for b.Loop() {
		if _, err := instance.invoke(b.Context(), document); err != nil {
			b.Fatal(err)
		}
	}
}

// guest is a compiled plugin.
type guest struct {
	runtime wazero.Runtime
	module  wazero.CompiledModule
}

func buildGuest(tb testing.TB) guest {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "guest.wasm")
	build := exec.CommandContext(tb.Context(), "go", "build", "-buildmode=c-shared", "-o", file, "./testdata/guest")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if out, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("go build: %v\n%s", err, out)
	}
	binary, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	if size := len(binary); size > maxGuest {
		tb.Errorf("the guest has %d bytes, want at most %d", size, maxGuest)
	}
	ctx := context.WithoutCancel(tb.Context())
	runtime := wazero.NewRuntime(ctx)
	tb.Cleanup(func() { _ = runtime.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, runtime)
	module, err := runtime.CompileModule(ctx, binary)
	if err != nil {
		tb.Fatal(err)
	}
	return guest{runtime, module}
}

func (g guest) instantiate(tb testing.TB, stderr *bytes.Buffer) instance {
	tb.Helper()
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize").WithStderr(stderr)
	module, err := g.runtime.InstantiateModule(context.WithoutCancel(tb.Context()), g.module, config)
	if err != nil {
		tb.Fatal(err)
	}
	return instance{module}
}

// instance is a guest that can be called as a host calls it.
type instance struct{ module api.Module }

func (i instance) invoke(ctx context.Context, document []byte) ([]byte, error) {
	return i.call(ctx, "wend_invoke", document)
}

func (i instance) call(ctx context.Context, entry string, document []byte) ([]byte, error) {
	size := uint64(len(document))
	at, err := i.module.ExportedFunction("wend_alloc").Call(ctx, size)
	if err != nil {
		return nil, err
	}
	i.module.Memory().Write(uint32(at[0]), document)
	answer, err := i.module.ExportedFunction(entry).Call(ctx, at[0], size)
	if err != nil {
		return nil, err
	}
	out, _ := i.module.Memory().Read(uint32(answer[0]>>32), uint32(answer[0]))
	return bytes.Clone(out), nil
}

func example(tb testing.TB, name string) []byte {
	tb.Helper()
	document, err := os.ReadFile(filepath.Join("testdata", "abi", name))
	if err != nil {
		tb.Fatal(err)
	}
	return bytes.TrimSpace(document)
}
