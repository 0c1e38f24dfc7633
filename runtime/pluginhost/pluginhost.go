// Package pluginhost runs plugins: WebAssembly modules whose methods become
// node types. It checks what a plugin says and does, bounds what it takes, and
// gives every invoke the same fresh state, so that a hostile or broken plugin
// can neither stop, starve, leak nor lie. It makes no HTTP calls: what a
// plugin asks for is the engine's to do.
package pluginhost

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/pluginhost/meter"
	"github.com/wendflow/wend/runtime/wasm"
)

// Config says how a Host works.
type Config struct {
	// CacheDir keeps compiled code from one start to the next. It holds
	// machine code: whoever can write there owns the process, so it is made
	// with mode 0700, and one that others may write to is not used. What is
	// damaged in it is compiled anew. Defaults to none, as does a folder that
	// cannot be used: every start compiles anew.
	CacheDir string
	// Ceiling is the most that a plugin may ask for, limit by limit; a default
	// above it is lowered to it. Zero fields default to manifest.DefaultCeiling.
	Ceiling manifest.Limits
	// Wall is the limit of real time of all plugins, whatever they ask for, where what
	// comes of an invoke must not depend on how busy the machine is. Defaults to what
	// each asks for.
	Wall time.Duration
	// Instances is how many invokes of one plugin may run at once; more wait.
	// Defaults to GOMAXPROCS, for an instance never waits for the network.
	Instances int
	// Log takes what a load or a close has to say. Defaults to none.
	Log *slog.Logger
	// Profile takes what the invokes of all plugins use. Defaults to none.
	Profile *Profile
}

// Host loads plugins. It is safe for concurrent use.
type Host struct {
	ceiling   manifest.Limits
	wall      time.Duration
	instances int
	log       *slog.Logger
	profile   *Profile
	kept      codeCache
	tracker   *tracker
	loading   singleflight.Group

	mu      sync.Mutex
	plugins map[string]*Plugin // those that have holders, by digest
	live    map[*Plugin]bool   // those that are not freed
	closed  bool
}

// New makes a host. Close it when the last plugin has done its work.
func New(ctx context.Context, c Config) (*Host, error) {
	h := &Host{
		ceiling:   c.Ceiling.Or(manifest.DefaultCeiling()),
		wall:      c.Wall,
		instances: cmp.Or(c.Instances, runtime.GOMAXPROCS(0)),
		log:       cmp.Or(c.Log, slog.New(slog.DiscardHandler)),
		profile:   c.Profile,
		plugins:   map[string]*Plugin{},
		live:      map[*Plugin]bool{},
		tracker:   newTracker(),
	}
	if c.CacheDir != "" {
		h.kept = openCache(filepath.Join(c.CacheDir, cacheKey()), h.log)
	}
	return h, nil
}

// cacheKey names the folder for code that this very build can use. wazero
// calls itself "dev" in a build from a checkout, so its word is not enough.
func cacheKey() string {
	const wazeroPath = "github.com/tetratelabs/wazero"
	own, engine := "dev", "dev"
	if info, ok := debug.ReadBuildInfo(); ok {
		own = cmp.Or(strings.Trim(info.Main.Version, "()"), own)
		for _, dep := range info.Deps {
			if dep.Path == wazeroPath {
				engine = dep.Version
			}
		}
	}
	return fmt.Sprintf("wend-%s-wazero-%s-meter-%s", own, engine, meter.Version)
}

// Load is LoadModule of a file.
func (h *Host) Load(ctx context.Context, file []byte) (*Plugin, error) {
	m, err := parse(file)
	if err != nil {
		return nil, err
	}
	return h.LoadModule(ctx, m)
}

// LoadModule checks, compiles and tries out a plugin. One that is loaded
// already is the same Plugin again, and callers at the same time share one
// load; each LoadModule is matched by one Close of the Plugin. ctx bounds the
// loading only.
func (h *Host) LoadModule(ctx context.Context, mod *wasm.Module) (*Plugin, error) {
	digest := mod.Digest()
	for {
		p, err := h.held(digest)
		if p != nil || err != nil {
			return p, err
		}
		_, err, _ = h.loading.Do(digest, func() (any, error) {
			p, err := h.load(ctx, mod)
			if err != nil {
				return nil, err
			}
			p.guest.kept.remember(proof(p.limits))
			p.guest.kept.seal()
			h.mu.Lock()
			defer h.mu.Unlock()
			h.plugins[digest] = p
			h.live[p] = true
			return nil, nil
		})
		if err != nil {
			return nil, err
		}
	}
}

// held returns a plugin that is loaded, with one more holder.
func (h *Host) held(digest string) (*Plugin, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errors.New("the plugin host is closed")
	}
	p := h.plugins[digest]
	if p != nil {
		p.holders++
	}
	return p, nil
}

// Close closes every plugin, whoever still holds it, after its invokes under
// way have ended, then the host. If ctx ends first it fails and can be tried
// again.
func (h *Host) Close(ctx context.Context) error {
	h.mu.Lock()
	h.closed = true
	plugins := slices.Collect(maps.Keys(h.live))
	h.plugins = map[string]*Plugin{}
	h.mu.Unlock()
	var errs []error
	for _, p := range plugins {
		errs = append(errs, p.shut(ctx))
	}
	if errors.Join(errs...) == nil {
		h.tracker.close()
	}
	return errors.Join(errs...)
}
