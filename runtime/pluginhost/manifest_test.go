package pluginhost_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/pluginhost"
)

// TestMistakes compares what is printed for each wrong manifest with the .out
// beside it. UPDATE=1 rewrites them.
func TestMistakes(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/manifest/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no manifests: %v", err)
	}
	for _, file := range files {
		src := read(t, file)
		m, mistakes := pluginhost.ParseManifest(filepath.Base(file), src)
		if m != nil || !mistakes.HasErrors() {
			t.Errorf("%s: no mistakes", file)
		}
		var got bytes.Buffer
		diag.Print(&got, mistakes, func(string) []byte { return src })
		golden := strings.TrimSuffix(file, ".yaml") + ".out"
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(string(read(t, golden)), got.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

func read(tb testing.TB, file string) []byte {
	tb.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func guestManifest(tb testing.TB) *pluginhost.Manifest {
	tb.Helper()
	m, mistakes := pluginhost.ParseManifest("plugin.yaml", read(tb, "testdata/guest/plugin.yaml"))
	if err := mistakes.Err(); err != nil {
		tb.Fatal(err)
	}
	return m
}

func TestManifest(t *testing.T) {
	t.Parallel()
	m := guestManifest(t)
	if m.Plugin != "guest" || m.Version != "1.2.0" || m.ABI != 1 || len(m.Methods) != 8 {
		t.Fatalf("manifest = %+v", m)
	}
	endTask := m.Methods[0]
	want := pluginhost.Method{
		Name: "end-task", Title: "End Task", Doc: "Closes a task.", Aliases: []string{"close-task"}, Idempotent: true,
		Inputs: endTask.Inputs, Outputs: endTask.Outputs,
		Outcomes: node.Outcomes{
			Success: "Success", Fault: "onError", Invalid: "onInvalidData",
			All: []node.Outcome{
				{Name: "Success", Doc: "It worked."},
				{Name: "onInvalidData", Doc: "An input does not fit."},
				{Name: "onTimeout", Doc: "The vendor did not answer in time."},
				{Name: "Error", Doc: "The vendor refused."},
				{Name: "onError", Doc: "The plugin itself failed."},
			},
		},
	}
	if diff := cmp.Diff(want, endTask); diff != "" {
		t.Errorf("end-task (-want +got):\n%s", diff)
	}
}

// TestSection puts manifests into a module and reads them back.
func TestSection(t *testing.T) {
	t.Parallel()
	m := guestManifest(t)
	m.Limits = pluginhost.Limits{Fuel: 7, Memory: 3 << 20, Log: 1000, Wall: 250 * time.Millisecond}
	bare := answer(done).module()
	wasm, err := pluginhost.Append(bare, m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pluginhost.ReadManifest(wasm)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, got); diff != "" {
		t.Errorf("ReadManifest(Append(m)) (-want +got):\n%s", diff)
	}

	m.Version = "1.3.0"
	again, err := pluginhost.Append(wasm, m)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(again, []byte("wend.plugin")); n != 1 || !bytes.HasPrefix(again, bare) {
		t.Errorf("the second Append left %d sections", n)
	}
	if got, err := pluginhost.ReadManifest(again); err != nil || got.Version != "1.3.0" {
		t.Errorf("ReadManifest = %+v, %v, want version 1.3.0", got, err)
	}

	m.Methods = nil
	if _, err := pluginhost.Append(bare, m); err == nil || !strings.Contains(err.Error(), "at least one method") {
		t.Errorf("Append of a manifest without methods = %v", err)
	}
}

func TestInspect(t *testing.T) {
	t.Parallel()
	wasm := guest(t)
	got, err := pluginhost.Inspect(wasm)
	if err != nil {
		t.Fatal(err)
	}
	if got.Kind != pluginhost.Reactor || got.Digest != pluginhost.Digest(wasm) || got.Size != len(wasm) || got.Problems != nil || got.InitialPages == 0 {
		t.Errorf("Inspect = %+v", got)
	}
	for _, want := range []string{"wend_alloc(i32) i32", "wend_invoke(i32, i32) i64", "_initialize()", "memory"} {
		if !strings.Contains(strings.Join(got.Exports, "\n"), want) {
			t.Errorf("exports = %q, want %q", got.Exports, want)
		}
	}
	if _, err := json.Marshal(got); err != nil {
		t.Error(err)
	}

	a := answer(done)
	a.imports = []wasmImport{{"env", "system", i32, i32}}
	a.memory = []byte{1, 1, 9}
	got, err = pluginhost.Inspect(a.module())
	if err != nil {
		t.Fatal(err)
	}
	if got.MaxPages != 9 || len(got.Problems) != 1 || !strings.Contains(got.ManifestError, "no custom section") {
		t.Errorf("Inspect = %+v", got)
	}
}

// FuzzReadManifest: hostile bytes give an error, never a panic.
func FuzzReadManifest(f *testing.F) {
	f.Add(withManifest(f, answer(done).module(), pluginhost.Limits{}))
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x00\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, wasm []byte) {
		m, err := pluginhost.ReadManifest(wasm)
		if (m == nil) == (err == nil) {
			t.Errorf("ReadManifest = %v, %v", m, err)
		}
		_, _ = pluginhost.Inspect(wasm)
	})
}

func BenchmarkReadManifest(b *testing.B) {
	wasm := guest(b)
	for b.Loop() {
		if _, err := pluginhost.ReadManifest(wasm); err != nil {
			b.Fatal(err)
		}
	}
}
