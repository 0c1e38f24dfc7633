package main_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/wendflow/wend/runtime/manifest"
)

// modules writes files that no host takes.
func modules(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"text":      "no WebAssembly at all\n",
		"cut":       header + "\x01\x04\x01",
		"bare":      header,
		"broken":    header + custom(manifest.Section, `{"abi":1,`),
		"other-abi": header + custom(manifest.Section, `{"abi":2,`+sound),
		"foreign":   foreign + custom(manifest.Section, `{"abi":1,`+sound),
		"hollow":    header + custom(manifest.Section, `{"abi":1,`+sound),
	} {
		if err := os.WriteFile(filepath.Join(dir, name+".wasm"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	// header is WebAssembly with nothing in it.
	header = "\x00asm\x01\x00\x00\x00"
	// foreign imports the function env.steal, without arguments and results.
	foreign = header + "\x01\x04\x01\x60\x00\x00" + "\x02\x0d\x01\x03env\x05steal\x00\x00"
	// sound is the rest of a manifest in order, after its abi.
	sound = `"plugin":"p","version":"1.0.0","methods":{"m":{"inputs":{"type":"object"},"outputs":{"type":"object"},"outcomes":{"success":"ok","fault":"bad","others":{"ok":"","bad":""}}}}}`
)

// custom is a custom section.
func custom(name, content string) string {
	content = prefixed(name) + content
	return "\x00" + prefixed(content)
}

// prefixed is text with its length before it.
func prefixed(text string) string {
	return string(binary.AppendUvarint(nil, uint64(len(text)))) + text
}
