package catalog

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"golang.org/x/sync/singleflight"

	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
)

// PastConfig says where flows as they were are found.
type PastConfig struct {
	// Live finds a flow that is live, or nil: most runs began with one.
	Live func(name string) *flow.Flow
	// Blobs has the sources.
	Blobs journal.Blobs
	// Types is the catalogue with the plugins that have these digests, by the
	// names of their node types.
	Types func(ctx context.Context, plugins map[string]string) (*node.Set, error)
}

// Past finds the flows that runs began with: a run goes on with the flow and
// the plugins that it had, whatever is live now. It is safe for concurrent use.
type Past struct {
	cfg   PastConfig
	found sync.Map // *flow.Flow by keys
	one   singleflight.Group
}

// NewPast finds flows by c.
func NewPast(c PastConfig) *Past { return &Past{cfg: c} }

// Flow finds the flow that a run began with, which may be a body of another.
func (p *Past) Flow(ctx context.Context, run journal.Summary) (*flow.Flow, error) {
	f, err := p.whole(ctx, run)
	if err != nil || run.Parent == nil || run.Parent.Body == "" {
		return f, err
	}
	if body := f.Body(run.Parent.Body); body != nil {
		return body, nil
	}
	return nil, fmt.Errorf("the flow %q as it was has no nodes inside %q", run.Flow, run.Parent.Body)
}

func (p *Past) whole(ctx context.Context, run journal.Summary) (*flow.Flow, error) {
	if f := p.cfg.Live(run.Flow); f != nil && f.Digest == run.FlowDigest && maps.Equal(f.Plugins(), run.Plugins) {
		return f, nil
	}
	key := fmt.Sprint(run.Flow, run.FlowDigest, run.Plugins)
	if f, ok := p.found.Load(key); ok {
		return f.(*flow.Flow), nil
	}
	f, err, _ := p.one.Do(key, func() (any, error) {
		f, err := p.compile(context.WithoutCancel(ctx), run) // others may wait for it
		if err == nil {
			p.found.Store(key, f)
		}
		return f, err
	})
	if err != nil {
		return nil, err
	}
	return f.(*flow.Flow), nil
}

func (p *Past) compile(ctx context.Context, run journal.Summary) (*flow.Flow, error) {
	src, err := p.cfg.Blobs.Blob(ctx, run.FlowDigest)
	if err != nil {
		return nil, fmt.Errorf("the flow %q as it was: %w", run.Flow, err)
	}
	types, err := p.cfg.Types(ctx, run.Plugins)
	if err != nil {
		return nil, err
	}
	f, mistakes := flow.LoadStored(run.Flow+".yaml", src, flow.Config{Types: types})
	if f == nil {
		return nil, fmt.Errorf("the flow %q as it was: %w", run.Flow, mistakes.Err())
	}
	return f, nil
}
