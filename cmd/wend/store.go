package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/journal/sqlite"
	"github.com/wendflow/wend/runtime/node"
)

const defaultData = ".wend"

// store is the journal on disk and the definitions in it: a run goes on with
// the flow and the plugins that it began with, whatever is live now.
type store struct {
	journal.Driver
	shelf *shelf
	live  func(name string) *flow.Flow // nil if there is none of that name

	mu    sync.Mutex
	flows map[string]*flow.Flow // by digests, its own and those of its plugins
}

// openStore opens the data folder and puts the loaded plugins into it.
// acceptLoss opens one that lost commits.
func openStore(ctx context.Context, dir string, acceptLoss bool, c clock.Clock, plugins *shelf, live func(name string) *flow.Flow) (*store, error) {
	db, err := sqlite.Open(ctx, sqlite.Config{Dir: dir, Now: c.Now, AcceptLoss: acceptLoss})
	if errors.Is(err, sqlite.ErrLacking) {
		return nil, wrongf("%w\nrestore what is missing in data folder %q, or go on with what is left by --accept-loss", err, dir)
	}
	if err != nil {
		return nil, wrong(err)
	}
	if err := plugins.keepIn(ctx, db); err != nil {
		_ = db.Close()
		return nil, wrong(err)
	}
	return &store{Driver: db, shelf: plugins, live: live, flows: map[string]*flow.Flow{}}, nil
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
	f, mistakes := flow.LoadStored(run.Flow+".yaml", src, flow.Config{Types: types})
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
		older, err := s.shelf.older(ctx, digest)
		if err != nil {
			return nil, fmt.Errorf("the plugin of %q as it was: %w", name, err)
		}
		types = append(types, older...)
	}
	return node.NewSet(types...)
}
