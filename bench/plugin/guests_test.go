package plugin_test

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero"

	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/pluginbuild"
	"github.com/wendflow/wend/runtime/pluginhost"
)

const (
	repository  = "../.."
	ciscoFolder = repository + "/plugins/cisco-cce"
)

// build makes a wasip1 reactor, as Extism's PDK asks for.
func build(b *testing.B, pkg string, more ...string) []byte {
	b.Helper()
	out := filepath.Join(b.TempDir(), "guest.wasm")
	args := append([]string{"build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-o", out}, more...)
	cmd := exec.CommandContext(b.Context(), "go", append(args, pkg)...)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if said, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("build %s: %v\n%s", pkg, err, said)
	}
	return readFile(b, out)
}

// sameCode is the shipped plugin, built for Extism.
func sameCode(b *testing.B) []byte {
	b.Helper()
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{
		absolute(b, ciscoFolder+"/extism.go"): absolute(b, "testdata/cisco-cce/extism.go"),
	}})
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(b.TempDir(), "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		b.Fatal(err)
	}
	return build(b, "github.com/wendflow/wend/plugins/cisco-cce", "-overlay", file)
}

func absolute(b *testing.B, path string) string {
	b.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		b.Fatal(err)
	}
	return abs
}

func readFile(b *testing.B, path string) []byte {
	b.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	return content
}

// buildPlugin makes a plugin as `wend plugin build` does.
func buildPlugin(b *testing.B, dir string) []byte {
	b.Helper()
	out := filepath.Join(b.TempDir(), "plugin.wasm")
	if _, err := pluginbuild.Build(b.Context(), pluginbuild.Config{Dir: dir, Out: out}); err != nil {
		b.Fatal(err)
	}
	return readFile(b, out)
}

// load loads a plugin as wend does, with all limits on.
func load(b *testing.B, wasm []byte) *pluginhost.Plugin {
	b.Helper()
	h, err := pluginhost.New(b.Context(), pluginhost.Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = h.Close(context.Background()) })
	p, err := h.Load(b.Context(), wasm)
	if err != nil {
		b.Fatal(err)
	}
	return p
}

func typeNamed(b *testing.B, types []*node.Type, name string) *node.Type {
	b.Helper()
	for _, t := range types {
		if strings.HasSuffix(t.Name, "/"+name) {
			return t
		}
	}
	b.Fatalf("no node type %q", name)
	return nil
}

// compileExtism gives a plugin the limits that Extism has. A timeout of 0 is
// none.
func compileExtism(b *testing.B, wasm []byte, timeout time.Duration) *extism.CompiledPlugin {
	b.Helper()
	p, err := extism.NewCompiledPlugin(b.Context(), extism.Manifest{
		Wasm:    []extism.Wasm{extism.WasmData{Data: wasm}},
		Memory:  &extism.ManifestMemory{MaxPages: 1024}, // 64 MB, as ours
		Timeout: uint64(timeout.Milliseconds()),
	}, extism.PluginConfig{EnableWasi: true}, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = p.Close(context.Background()) })
	return p
}

func instance(b *testing.B, p *extism.CompiledPlugin) *extism.Plugin {
	b.Helper()
	i, err := p.Instance(b.Context(), extism.PluginInstanceConfig{ModuleConfig: wazero.NewModuleConfig()})
	if err != nil {
		b.Fatal(err)
	}
	return i
}
