package pluginhost_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/pluginhost"
	"github.com/wendflow/wend/runtime/wasm"
)

func TestInspect(t *testing.T) {
	t.Parallel()
	file := guest(t)
	got, err := pluginhost.Inspect(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.Kind != pluginhost.Reactor || got.Digest != wasm.Digest(file) || got.Size != len(file) || got.Problems != nil || got.InitialPages == 0 {
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

// FuzzInspect: hostile bytes give an error, never a panic.
func FuzzInspect(f *testing.F) {
	f.Add(withManifest(f, answer(done).module(), manifest.Limits{}))
	f.Add([]byte("\x00asm\x01\x00\x00\x00\x00\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, file []byte) {
		i, err := pluginhost.Inspect(file)
		if (i == nil) == (err == nil) {
			t.Errorf("Inspect = %v, %v", i, err)
		}
	})
}
