package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/journal/sqlite"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/pluginhost"
)

const defaultData = ".wend"

// store is the journal on disk and the definitions in it: a run goes on with
// the flow and the plugins that it began with, whatever is live now.
type store struct {
	journal.Driver
	host *pluginhost.Host
	live func(name string) *flow.Flow // nil if there is none of that name

	mu      sync.Mutex
	flows   map[string]*flow.Flow // by flowKey
	plugins map[string]*pluginhost.Plugin
}

// openStore opens the data folder and puts the loaded plugins into it.
func openStore(ctx context.Context, dir string, w *world, live func(name string) *flow.Flow) (*store, error) {
	db, err := sqlite.Open(ctx, sqlite.Config{Dir: dir})
	if err != nil {
		return nil, wrong(err)
	}
	s := &store{
		Driver: db, host: w.host, live: live,
		flows: map[string]*flow.Flow{}, plugins: map[string]*pluginhost.Plugin{},
	}
	if err := s.keepPlugins(ctx, w.pluginDir); err != nil {
		_ = db.Close()
		return nil, wrong(err)
	}
	return s, nil
}

func (s *store) keepPlugins(ctx context.Context, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.wasm"))
	if err != nil {
		return err
	}
	for _, file := range files {
		wasm, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := s.PutBlob(ctx, pluginhost.Digest(wasm), wasm); err != nil {
			return fmt.Errorf("keep plugin %q: %w", file, err)
		}
	}
	return nil
}

// Flow finds the definition that a run began with.
func (s *store) Flow(ctx context.Context, run journal.Summary) (*flow.Flow, error) {
	if f := s.live(run.Flow); f != nil && f.Digest == run.FlowDigest && samePlugins(f, run.Plugins) {
		return f, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := run.FlowDigest + fmt.Sprint(run.Plugins)
	if f := s.flows[key]; f != nil {
		return f, nil
	}
	src, err := s.Blob(ctx, run.FlowDigest)
	if err != nil {
		return nil, fmt.Errorf("the flow %q as it was: %w", run.Flow, err)
	}
	types, err := s.types(ctx, run.Plugins)
	if err != nil {
		return nil, err
	}
	f, mistakes := flow.Load(run.Flow+".yaml", src, flow.Config{Types: types})
	if f == nil {
		return nil, fmt.Errorf("the flow %q as it was: %w", run.Flow, mistakes.Err())
	}
	s.flows[key] = f
	return f, nil
}

func samePlugins(f *flow.Flow, digests map[string]string) bool {
	for _, n := range f.Nodes {
		if n.Type.Digest != digests[n.Type.Name] {
			return false
		}
	}
	return true
}

// types is the catalogue with the plugins that have these digests, and no
// others.
func (s *store) types(ctx context.Context, digests map[string]string) (*node.Set, error) {
	types := nodes.All()
	seen := map[string]bool{}
	for name, digest := range digests {
		if seen[digest] {
			continue
		}
		seen[digest] = true
		p, err := s.plugin(ctx, digest)
		if err != nil {
			return nil, fmt.Errorf("the plugin of %q as it was: %w", name, err)
		}
		types = append(types, p.Types()...)
	}
	return node.NewSet(types...)
}

// plugin loads a plugin once; it stays as long as its host. The host gives back
// the one that is loaded already if it is the same file.
func (s *store) plugin(ctx context.Context, digest string) (*pluginhost.Plugin, error) {
	if p := s.plugins[digest]; p != nil {
		return p, nil
	}
	wasm, err := s.Blob(ctx, digest)
	if err != nil {
		return nil, err
	}
	p, err := s.host.Load(ctx, wasm)
	if err != nil {
		return nil, err
	}
	s.plugins[digest] = p
	return p, nil
}
