package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/infile"
	"github.com/wendflow/wend/runtime/pluginbuild"
	"github.com/wendflow/wend/runtime/plugincase"
	"github.com/wendflow/wend/runtime/pluginhost"
)

// casesFolder is where an author keeps conversations, beside plugin.yaml.
var casesFolder = filepath.Join("testdata", "cases")

// workbench is a plugin that its author looks at. Close it.
type workbench struct {
	host   *pluginhost.Host // nil until load
	plugin *pluginhost.Plugin
	wasm   []byte
	cases  string // default folder
}

// openBench builds the plugin of a folder, or reads a wasm file.
func openBench(ctx context.Context, std *streams, target string) (*workbench, error) {
	if strings.HasSuffix(target, ".wasm") {
		wasm, err := infile.Read(target, infile.MostPlugin)
		return &workbench{wasm: wasm, cases: filepath.Join(filepath.Dir(target), casesFolder)}, wrong(err)
	}
	if info, err := os.Stat(target); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("%q is neither a folder nor a .wasm file", target)
	}
	tmp, err := os.MkdirTemp("", "wend-plugin-")
	if err != nil {
		return nil, wrong(err)
	}
	defer os.RemoveAll(tmp)
	built, err := pluginbuild.Build(ctx, pluginbuild.Config{Dir: target, Out: filepath.Join(tmp, "plugin.wasm")})
	if err != nil {
		return nil, buildFailed(std, err)
	}
	wasm, err := infile.Read(built.Out, infile.MostPlugin)
	return &workbench{wasm: wasm, cases: filepath.Join(target, casesFolder)}, wrong(err)
}

// load makes the plugin ready. Equal sources are built to equal files, so what
// has not changed since the last time is not compiled again.
func (b *workbench) load(ctx context.Context) error {
	log := slog.New(slog.DiscardHandler)
	var err error
	if b.host, err = pluginhost.New(ctx, pluginhost.Config{CacheDir: cacheDir(log), Instances: 1, Log: log}); err != nil {
		return wrong(err)
	}
	b.plugin, err = b.host.Load(ctx, b.wasm)
	return wrong(err)
}

// Close frees the plugin.
func (b *workbench) Close(ctx context.Context) {
	if b.host != nil {
		_ = b.host.Close(ctx)
	}
}

// findCases lists the case files that args name: files, and folders of them.
// Without args it is the plugin's own folder, which need not be there.
func (b *workbench) findCases(args []string) ([]string, error) {
	if len(args) == 0 {
		return yamlFiles(b.cases)
	}
	var files []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, fmt.Errorf("no cases: %w", err)
		}
		found := []string{arg}
		if info.IsDir() {
			if found, err = yamlFiles(arg); err != nil {
				return nil, err
			}
		}
		files = append(files, found...)
	}
	return files, nil
}

func yamlFiles(dir string) ([]string, error) {
	var files []string
	for _, pattern := range []string{"*.yaml", "*.yml"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	return files, nil
}

// readCases reads files, and prints what is wrong with any of them.
func readCases(std *streams, files []string) ([]*plugincase.Case, error) {
	var cases []*plugincase.Case
	var mistakes diag.List
	for _, file := range files {
		src, err := infile.Read(file, infile.MostText)
		if err != nil {
			return nil, wrong(err)
		}
		read, wrongs := plugincase.Parse(file, src)
		cases, mistakes = append(cases, read...), append(mistakes, wrongs...)
	}
	diag.Print(std.err, mistakes, readSource)
	if mistakes.HasErrors() {
		return nil, errSaid
	}
	return cases, nil
}
