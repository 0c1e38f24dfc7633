// Package pluginbuild makes a plugin's .wasm file of its folder: it runs the Go
// toolchain and puts the manifest in. It loads no plugin.
package pluginbuild

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/infile"
	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/pluginhost"
	"github.com/wendflow/wend/runtime/wasm"
)

// ManifestFile is the author's manifest in a plugin's folder.
const ManifestFile = "plugin.yaml"

// Config says what to build.
type Config struct {
	Dir string // with plugin.yaml and package main
	// Out is the file to write. Defaults to <plugin>.wasm in Dir.
	Out string
	// Module is a wasm file that another language's toolchain made; then Dir
	// needs no Go package. Defaults to none.
	Module string
	// Go is the toolchain's command. Defaults to "go" in the PATH.
	Go string
}

// Report says what was built.
type Report struct {
	Out      string
	Manifest *manifest.Manifest
	Digest   string
	Size     int
	Warnings []string
}

// ManifestError says that a plugin.yaml is wrong.
type ManifestError struct {
	File     string
	Source   []byte
	Mistakes diag.List
}

func (e *ManifestError) Error() string { return e.Mistakes.Err().Error() }

// Build compiles a plugin written in Go, or takes the module of another
// language, and puts its manifest into the file.
// The mistakes of a plugin.yaml are a *ManifestError. The file is written whole
// or not at all.
func Build(ctx context.Context, c Config) (*Report, error) {
	m, err := readManifestFile(filepath.Join(c.Dir, ManifestFile))
	if err != nil {
		return nil, err
	}
	compiled, err := c.compile(ctx)
	if err != nil {
		return nil, fmt.Errorf("build plugin %s: %w", m.Plugin, err)
	}
	file, err := manifest.Append(compiled, m)
	if err != nil {
		return nil, fmt.Errorf("build plugin %s: %w", m.Plugin, err)
	}
	warnings, err := examine(file)
	if err != nil {
		return nil, fmt.Errorf("build plugin %s: %w", m.Plugin, err)
	}
	out := cmp.Or(c.Out, filepath.Join(c.Dir, m.Plugin+".wasm"))
	if err := replaceFile(out, file); err != nil {
		return nil, fmt.Errorf("build plugin %s: %w", m.Plugin, err)
	}
	return &Report{Out: out, Manifest: m, Digest: wasm.Digest(file), Size: len(file), Warnings: warnings}, nil
}

func readManifestFile(file string) (*manifest.Manifest, error) {
	src, err := infile.Read(file, infile.MostText)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("no %s in %q: that file makes a folder a plugin", ManifestFile, filepath.Dir(file))
	}
	if err != nil {
		return nil, err
	}
	m, mistakes := manifest.Parse(file, src)
	if mistakes.HasErrors() {
		return nil, &ManifestError{file, src, mistakes}
	}
	return m, nil
}

// compile gives the module without its manifest.
func (c Config) compile(ctx context.Context) ([]byte, error) {
	if c.Module != "" {
		return infile.Read(c.Module, infile.MostPlugin)
	}
	return c.compileGo(ctx)
}

// compileGo runs the Go toolchain in the plugin's folder.
func (c Config) compileGo(ctx context.Context) ([]byte, error) {
	tool, err := exec.LookPath(cmp.Or(c.Go, "go"))
	if err != nil {
		return nil, fmt.Errorf("the Go toolchain is needed and was not found: %w; see https://go.dev/dl", err)
	}
	tmp, err := os.MkdirTemp("", "wend-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	file := filepath.Join(tmp, "plugin.wasm")
	// The names of functions stay in: they are what a trap shows. Paths and
	// the state of the checkout go, so that equal sources give equal files.
	cmd := exec.CommandContext(ctx, tool, "build", "-buildmode=c-shared", "-trimpath", "-buildvcs=false", "-o", file, ".")
	cmd.Dir = c.Dir
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, bytes.TrimSpace(out))
	}
	return infile.Read(file, infile.MostPlugin)
}

// examine checks a fresh module as a load would, short of compiling it.
func examine(file []byte) (warnings []string, err error) {
	in, err := pluginhost.Inspect(file)
	if err != nil {
		return nil, err
	}
	if len(in.Problems) > 0 {
		return nil, errors.New(strings.Join(in.Problems, "\n"))
	}
	return in.Warnings(), nil
}

func replaceFile(file string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(file), ".wend-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails once it is renamed, as it should
	_, err = tmp.Write(content)
	if err := errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}
