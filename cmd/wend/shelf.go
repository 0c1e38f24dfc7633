package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/pluginhost"
	"github.com/wendflow/wend/runtime/wasm"
)

const (
	// unusedFor is how long a plugin that the folder does not have any more
	// stays loaded after somebody needed it.
	unusedFor  = 5 * time.Minute
	sweepEvery = time.Minute
)

// shelf has the plugins of a server: those of the plugin folder, and older ones
// that runs began with, or flows that are wrong with the newer. Node types from
// a shelf find their plugin by its digest at every step; one that was let go of
// is loaded again, from the journal. So nobody has to know who needs which.
type shelf struct {
	host  *pluginhost.Host
	dir   string
	blobs journal.Blobs // nil: nothing is let go of
	log   *slog.Logger
	clock clock.Clock

	mu     sync.Mutex
	loaded map[string]*shelved // by digest
}

// shelved is a plugin that the shelf holds.
type shelved struct {
	*pluginhost.Plugin
	live bool // the folder has it
	used time.Time
}

// newShelf takes over plugins that are loaded.
func newShelf(host *pluginhost.Host, dir string, plugins []*pluginhost.Plugin, c clock.Clock, log *slog.Logger) *shelf {
	s := &shelf{host: host, dir: dir, log: log, clock: c, loaded: map[string]*shelved{}}
	for _, p := range plugins {
		s.loaded[p.Digest()] = &shelved{Plugin: p, live: true}
	}
	return s
}

// keepIn has the journal keep the plugins of the folder, and those to come.
func (s *shelf) keepIn(ctx context.Context, blobs journal.Blobs) error {
	s.blobs = blobs
	kept, err := s.keep(ctx)
	if err != nil {
		return err
	}
	for digest, p := range s.loaded {
		if !kept[digest] {
			return changedMeanwhile(p.Plugin)
		}
	}
	return nil
}

func changedMeanwhile(p *pluginhost.Plugin) error {
	return fmt.Errorf("the file of plugin %s changed while it was read", p.Manifest().Plugin)
}

// keep puts the files of the folder into the journal, so that a run that begins
// with one of them can go on after the file has changed.
func (s *shelf) keep(ctx context.Context) (map[string]bool, error) {
	files, err := filepath.Glob(filepath.Join(s.dir, "*.wasm"))
	if err != nil {
		return nil, err
	}
	kept := map[string]bool{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		digest := wasm.Digest(content)
		kept[digest] = true
		if s.blobs == nil {
			continue
		}
		if err := s.blobs.PutBlob(ctx, digest, content); err != nil {
			return nil, fmt.Errorf("keep plugin %q: %w", file, err)
		}
	}
	return kept, nil
}

// reload takes the folder as it is now, and returns the node types there are.
// If a file of it is no plugin that can be loaded, or two of them have the same
// types, all plugins stay as they were.
func (s *shelf) reload(ctx context.Context) (*node.Set, error) {
	kept, err := s.keep(ctx)
	if err != nil {
		return nil, err
	}
	plugins, err := s.host.LoadDir(ctx, s.dir)
	for _, p := range plugins {
		if !kept[p.Digest()] {
			err = errors.Join(err, changedMeanwhile(p))
		}
	}
	var types *node.Set
	if err == nil {
		types, err = s.typesOf(plugins)
	}
	if err != nil {
		for _, p := range plugins {
			s.release(ctx, p)
		}
		return nil, err
	}
	s.put(ctx, plugins)
	return types, nil
}

// holds tells whether file is a plugin of the folder, or the way to it.
func (s *shelf) holds(file string) bool {
	file = filepath.Clean(file)
	if filepath.Ext(file) == ".wasm" {
		return filepath.Dir(file) == filepath.Clean(s.dir)
	}
	return strings.HasPrefix(filepath.Clean(s.dir)+string(filepath.Separator), file+string(filepath.Separator))
}

// watched is the folder, or what there is of the way to it.
func (s *shelf) watched() string {
	dir := filepath.Clean(s.dir)
	for {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
		if up := filepath.Dir(dir); up != dir {
			dir = up
			continue
		}
		return dir
	}
}

// typesOf is the catalogue with these plugins.
func (s *shelf) typesOf(plugins []*pluginhost.Plugin) (*node.Set, error) {
	types := nodes.All()
	for _, p := range plugins {
		types = append(types, s.bound(p.Types())...)
	}
	return node.NewSet(types...)
}

// put makes plugins the live ones. Those that the shelf has already are held
// once too often.
func (s *shelf) put(ctx context.Context, plugins []*pluginhost.Plugin) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.loaded {
		if p.live {
			p.live, p.used = false, s.clock.Now()
		}
	}
	for _, p := range plugins {
		if known := s.loaded[p.Digest()]; known != nil {
			known.live = true
			s.release(ctx, p)
			continue
		}
		s.loaded[p.Digest()] = &shelved{Plugin: p, live: true}
		s.log.Info("plugin loaded", "plugin", p.Manifest().Plugin, "version", p.Manifest().Version, "digest", p.Digest())
	}
}

// older returns the node types of a plugin by its digest, loading it if needed.
func (s *shelf) older(ctx context.Context, digest string) ([]*node.Type, error) {
	p, err := s.borrow(ctx, digest)
	if err != nil {
		return nil, err
	}
	defer s.release(ctx, p)
	return s.bound(p.Types()), nil
}

// bound returns node types that find their plugin at every step.
func (s *shelf) bound(types []*node.Type) []*node.Type {
	bound := make([]*node.Type, len(types))
	for i, t := range types {
		copied := *t
		copied.Step = func(ctx context.Context, v node.Visit) (node.Action, error) {
			p, err := s.borrow(ctx, t.Digest)
			if err != nil {
				return nil, fmt.Errorf("plugin of %q: %w", t.Name, err)
			}
			defer s.release(ctx, p)
			return p.Types()[i].Step(ctx, v)
		}
		bound[i] = &copied
	}
	return bound
}

// borrow returns a plugin with one more holder.
func (s *shelf) borrow(ctx context.Context, digest string) (*pluginhost.Plugin, error) {
	if p := s.held(digest); p != nil {
		return p, nil
	}
	if s.blobs == nil {
		return nil, errors.New("it is not loaded any more")
	}
	wasm, err := s.blobs.Blob(ctx, digest)
	if err != nil {
		return nil, err
	}
	p, err := s.host.Load(ctx, wasm)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loaded[digest] == nil {
		s.loaded[digest] = &shelved{Plugin: p, used: s.clock.Now()}
		p.Hold()
	}
	return p, nil
}

func (s *shelf) held(digest string) *pluginhost.Plugin {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.loaded[digest]
	if p == nil {
		return nil
	}
	p.used = s.clock.Now()
	p.Hold()
	return p.Plugin
}

// release gives up one hold of a plugin; the last frees it.
func (s *shelf) release(ctx context.Context, p *pluginhost.Plugin) {
	if err := p.Close(context.WithoutCancel(ctx)); err != nil {
		s.log.Error("let go of a plugin", "plugin", p.Manifest().Plugin, "digest", p.Digest(), "error", err)
	}
}

// sweep lets go of old plugins that nobody has needed for a while.
func (s *shelf) sweep(ctx context.Context) {
	if s.blobs == nil {
		return
	}
	s.mu.Lock()
	var unused []*pluginhost.Plugin
	for digest, p := range s.loaded {
		if !p.live && s.clock.Now().Sub(p.used) >= unusedFor {
			unused = append(unused, p.Plugin)
			delete(s.loaded, digest)
		}
	}
	s.mu.Unlock()
	for _, p := range unused {
		s.log.Info("plugin let go of", "plugin", p.Manifest().Plugin, "version", p.Manifest().Version, "digest", p.Digest())
		s.release(ctx, p)
	}
}

// run sweeps now and then, until ctx ends.
func (s *shelf) run(ctx context.Context) {
	tick := s.clock.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.sweep(ctx)
		}
	}
}
