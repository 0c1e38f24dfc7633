package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/pluginhost"
)

const (
	defaultConfig  = "wend.yaml"
	defaultPlugins = "plugins/dist"
)

// environment is what flows run in: the configuration and the plugins.
type environment struct {
	configPath string
	pluginDir  string
}

func (e *environment) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&e.configPath, "config", "", "configuration with the connections (default wend.yaml, if there is one)")
	cmd.Flags().StringVar(&e.pluginDir, "plugins", "", "folder of the plugins (default "+defaultPlugins+", if there is one)")
}

// load reads the configuration. It is nil if none was named and there is no
// wend.yaml.
func (e *environment) load(std *streams) (*config.Config, error) {
	path := e.configPath
	if path == "" {
		if _, err := os.Stat(defaultConfig); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		path = defaultConfig
	}
	cfg, mistakes := config.Load(path)
	diag.Print(std.err, mistakes, readSource)
	if mistakes.HasErrors() {
		return nil, errSaid
	}
	return cfg, nil
}

// wasmFiles lists the plugins. A folder that was named must be there.
func (e *environment) wasmFiles() ([]string, error) {
	dir := e.pluginDir
	if dir == "" {
		dir = defaultPlugins
	}
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && e.pluginDir == "":
		return nil, nil
	case err != nil:
		return nil, wrongf("plugins: %w", err)
	case !info.IsDir():
		return nil, wrongf("plugins: %q is not a folder", dir)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.wasm"))
	return files, wrong(err)
}

// catalogue knows every node type from what it declares: nothing is compiled,
// so it cannot run anything.
func (e *environment) catalogue(*streams) (*node.Set, error) {
	types := nodes.All()
	files, err := e.wasmFiles()
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		wasm, err := os.ReadFile(file)
		if err != nil {
			return nil, wrong(err)
		}
		declared, err := manifest.Declared(wasm)
		if err != nil {
			return nil, wrongf("%s: %w", file, err)
		}
		types = append(types, declared...)
	}
	set, err := node.NewSet(types...)
	return set, wrong(err)
}

// forChecking is what flows are checked against. The configuration is nil if
// there is none.
func (e *environment) forChecking(std *streams) (*config.Config, flow.Config, error) {
	cfg, err := e.load(std)
	if err != nil {
		return nil, flow.Config{}, err
	}
	types, err := e.catalogue(std)
	if err != nil {
		return nil, flow.Config{}, err
	}
	return cfg, flowConfig(types, cfg), nil
}

func flowConfig(types *node.Set, cfg *config.Config) flow.Config {
	fc := flow.Config{Types: types}
	if cfg != nil {
		fc.Variables = cfg.Variables
		fc.Connections = []string{}
		for _, c := range cfg.Connections {
			fc.Connections = append(fc.Connections, c.Name)
		}
	}
	return fc
}

// world is an environment that can run flows. Close it.
type world struct {
	config    *config.Config // never nil
	pluginDir string
	host      *pluginhost.Host
	plugins   []*pluginhost.Plugin
	types     *node.Set
	outbound  *outbound.Client
	clock     clock.Clock // of all that is run here
}

// open loads the plugins and prepares the connections that are used. nil stands
// for all.
func (e *environment) open(ctx context.Context, std *streams, log *slog.Logger, used func(connection string) bool) (*world, error) {
	cfg, err := e.load(std)
	if err != nil {
		return nil, err
	}
	if cfg == nil {
		cfg = &config.Config{}
	}
	if _, err := e.wasmFiles(); err != nil { // a folder that was named must be there
		return nil, err
	}
	return openWorld(ctx, std, cfg, used, cmp.Or(e.pluginDir, defaultPlugins), log)
}

func openWorld(ctx context.Context, std *streams, cfg *config.Config, used func(string) bool, pluginDir string, log *slog.Logger) (*world, error) {
	client, err := outbound.New(outbound.Config{
		Connections: connectionsOf(cfg, used), Allow: cfg.Outbound.Allow, MaxReply: cfg.Limits.Reply, Clock: clock.System,
	})
	if err != nil {
		diag.Print(std.err, placed(cfg, err), readSource)
		return nil, errSaid
	}
	w := &world{config: cfg, pluginDir: pluginDir, outbound: client, clock: clock.System}
	w.host, err = pluginhost.New(ctx, pluginhost.Config{CacheDir: cacheDir(log), Ceiling: pluginCeiling(cfg), Log: log})
	if err != nil {
		w.Close(ctx)
		return nil, wrong(err)
	}
	types := nodes.All()
	if w.plugins, err = w.host.LoadDir(ctx, pluginDir); err != nil {
		w.Close(ctx)
		return nil, wrong(err)
	}
	for _, p := range w.plugins {
		types = append(types, p.Types()...)
	}
	if w.types, err = node.NewSet(types...); err != nil {
		w.Close(ctx)
		return nil, wrong(err)
	}
	return w, nil
}

func connectionsOf(cfg *config.Config, used func(string) bool) []outbound.Connection {
	if used == nil {
		return cfg.Connections
	}
	return slices.DeleteFunc(slices.Clone(cfg.Connections), func(c outbound.Connection) bool { return !used(c.Name) })
}

// placed finds the places in wend.yaml of what is wrong with connections.
func placed(cfg *config.Config, err error) diag.List {
	var list diag.List
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		list.Errorf(diag.Pos{File: cfg.File}, config.InvalidConnection, "%s", err)
		return list
	}
	for _, err := range joined.Unwrap() {
		pos := diag.Pos{File: cfg.File}
		if field, ok := errors.AsType[*outbound.FieldError](err); ok {
			pos = cfg.Pos("connections." + field.Connection + "." + field.Field)
		}
		list.Errorf(pos, config.InvalidConnection, "%s", err)
	}
	return list.Sorted()
}

// Close lets go of plugins and connections. No run may be in progress.
func (w *world) Close(ctx context.Context) {
	if w.host != nil {
		_ = w.host.Close(ctx)
	}
	w.outbound.Close()
}

// cacheDir keeps compiled plugins between starts; without a home every start
// compiles.
func cacheDir(log *slog.Logger) string {
	dir, err := os.UserCacheDir()
	if err != nil {
		log.Warn("compiled plugins are not cached", "error", err)
		return ""
	}
	return filepath.Join(dir, "wend")
}

func pluginCeiling(cfg *config.Config) manifest.Limits {
	p := cfg.Limits.Plugin
	return manifest.Limits{
		Fuel: uint64(p.Fuel), Memory: uint64(p.Memory), Calls: uint64(p.Calls), Depth: uint64(p.Depth),
		Wall: p.Wall, Input: uint64(p.Input), Output: uint64(p.Output), Reply: uint64(p.Reply), Log: uint64(p.Log),
	}
}

// newLog writes for people on a terminal's stderr.
func newLog(std *streams, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(std.err, &slog.HandlerOptions{Level: level}))
}

// logFlag is --log.
type logFlag struct{ level string }

func (l *logFlag) flags(cmd *cobra.Command, def string) {
	cmd.Flags().StringVar(&l.level, "log", def, "what to log: debug, info, warn or error")
}

func (l *logFlag) logger(std *streams) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.level)); err != nil {
		return nil, fmt.Errorf("--log %q: expected debug, info, warn or error", l.level)
	}
	return newLog(std, level), nil
}
