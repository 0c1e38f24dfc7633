package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/environment"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/pluginhost"
	"github.com/wendflow/wend/runtime/registry"
)

const (
	defaultConfig  = "wend.yaml"
	defaultPlugins = "plugins/dist"
)

// envFlags say what flows run in: the configuration and the plugins.
type envFlags struct {
	configPath string
	pluginDir  string
	wall       time.Duration // see openKit
}

func (e *envFlags) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&e.configPath, "config", "", "configuration with the connections (default wend.yaml, if there is one)")
	cmd.Flags().StringVar(&e.pluginDir, "plugins", "", "folder of the plugins (default "+defaultPlugins+", if there is one)")
}

// line is the flags as they were given, for another command.
func (e *envFlags) line() string {
	var line string
	if e.configPath != "" {
		line += " --config " + quoted(e.configPath)
	}
	if e.pluginDir != "" {
		line += " --plugins " + quoted(e.pluginDir)
	}
	return line
}

// load reads the configuration. It is nil if none was named and there is no
// wend.yaml.
func (e *envFlags) load(std *streams) (*config.Config, error) {
	path := e.configPath
	if path == "" {
		if _, err := os.Stat(defaultConfig); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		path = defaultConfig
	}
	cfg, mistakes := config.Load(path)
	std.tell(mistakes)
	if mistakes.HasErrors() {
		return nil, errSaid
	}
	return cfg, nil
}

// reload reads the configuration that took the place of now. One that was there
// must still be.
func (e *envFlags) reload(now *config.Config) (*config.Config, diag.List) {
	path := cmp.Or(e.configPath, now.File)
	if path == "" {
		if _, err := os.Stat(defaultConfig); errors.Is(err, fs.ErrNotExist) {
			return &config.Config{}, nil
		}
		path = defaultConfig
	}
	return config.Load(path)
}

// folder is where the plugins lie. One that was named must be there.
func (e *envFlags) folder() (string, error) {
	if e.pluginDir == "" {
		return defaultPlugins, nil
	}
	info, err := os.Stat(e.pluginDir)
	switch {
	case err != nil:
		return "", wrongf("plugins: %w", err)
	case !info.IsDir():
		return "", wrongf("plugins: %q is not a folder", e.pluginDir)
	}
	return e.pluginDir, nil
}

// catalogue knows every node type from what it declares: nothing is compiled,
// so it cannot run anything.
func (e *envFlags) catalogue(ctx context.Context) (*node.Set, error) {
	dir, err := e.folder()
	if err != nil {
		return nil, err
	}
	plugins, err := registry.Open(ctx, registry.Config{Folder: dir, Others: nodes.All(), Clock: clock.System})
	if err == nil {
		err = allSound(plugins)
	}
	if err != nil {
		return nil, wrong(err)
	}
	return plugins.Types(), nil
}

// allSound says which files of the folder are no plugins.
func allSound(plugins *registry.Registry) error {
	var errs []error
	for _, e := range plugins.Wrong() {
		errs = append(errs, e)
	}
	return errors.Join(errs...)
}

// forChecking is what flows are checked against. The configuration is nil if
// there is none.
func (e *envFlags) forChecking(ctx context.Context, std *streams) (*config.Config, flow.Config, error) {
	cfg, err := e.load(std)
	if err != nil {
		return nil, flow.Config{}, err
	}
	types, err := e.catalogue(ctx)
	if err != nil {
		return nil, flow.Config{}, err
	}
	return cfg, environment.Flows(types, cfg), nil
}

// kit is what an environment has to run flows with. Close it.
type kit struct {
	config   *config.Config // never nil
	host     *pluginhost.Host
	plugins  *registry.Registry
	outbound *outbound.Client // nil until connect
	safe     *safe            // where secrets are that wend.yaml says to be in a vault
	clock    clock.Clock      // of all that is run here
}

// open knows the plugins; none is loaded. Files that are none are left out.
func (e *envFlags) open(ctx context.Context, std *streams, log *slog.Logger) (*kit, error) {
	cfg, err := e.load(std)
	if err != nil {
		return nil, err
	}
	if cfg == nil {
		cfg = &config.Config{}
	}
	dir, err := e.folder()
	if err != nil {
		return nil, err
	}
	return openKit(ctx, cfg, dir, e.wall, log)
}

// patient is the limit of real time for a plugin where runs are made for what comes
// of them: fuel bounds it all the same, and a busy machine makes no difference.
const patient = time.Minute

// openKit knows the plugins of a folder. A wall of 0 leaves it to them how long an
// invoke may take.
func openKit(ctx context.Context, cfg *config.Config, pluginDir string, wall time.Duration, log *slog.Logger) (*kit, error) {
	k := &kit{config: cfg, clock: clock.System}
	var err error
	if k.safe, err = openSafe(cfg, k.clock, log); err != nil {
		return nil, wrong(err)
	}
	k.host, err = pluginhost.New(ctx, pluginhost.Config{CacheDir: cacheDir(log), Ceiling: environment.Ceiling(cfg), Wall: wall, Log: log})
	if err != nil {
		return nil, wrong(err)
	}
	k.plugins, err = registry.Open(ctx, registry.Config{Folder: pluginDir, Others: nodes.All(), Host: k.host, Clock: k.clock, Log: log})
	if err != nil {
		k.Close(ctx)
		return nil, wrong(err)
	}
	return k, nil
}

// inConfig leaves what is wrong with the configuration, not with flows.
func (k *kit) inConfig(mistakes diag.List) diag.List {
	return slices.DeleteFunc(mistakes, func(e *diag.Error) bool { return k.config.File == "" || e.Pos.File != k.config.File })
}

// connect prepares connections for calls, those with their secrets.
func (k *kit) connect(std *streams, connections []outbound.Connection) error {
	return k.dial(std, outbound.Config{Connections: connections})
}

// connectLate prepares all connections for calls. A secret is looked up when
// the first call needs it.
func (k *kit) connectLate(std *streams) error {
	return k.dial(std, outbound.Config{Connections: k.config.Connections, Late: true})
}

func (k *kit) dial(std *streams, oc outbound.Config) error {
	oc.Allow, oc.MaxReply, oc.Clock, oc.Store = k.config.Outbound.Allow, k.config.Limits.Reply, k.clock, k.safe
	var err error
	if k.outbound, err = outbound.New(oc); err != nil {
		std.tell(environment.Placed(k.config, err))
		return errSaid
	}
	return nil
}

// Close lets go of plugins and connections. No run may be in progress.
func (k *kit) Close(ctx context.Context) {
	if k.plugins != nil {
		k.plugins.Close()
	}
	_ = k.host.Close(ctx)
	if k.outbound != nil {
		k.outbound.Close()
	}
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
