package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/pluginhost"
)

// UnusedFor is how long an old plugin stays.
const UnusedFor = unusedFor

// Shelf is what a server does about its plugins, with a clock of the test's.
type Shelf struct{ s *shelf }

// NewShelf takes over plugins of a folder.
func NewShelf(ctx context.Context, host *pluginhost.Host, dir string, plugins []*pluginhost.Plugin, blobs journal.Blobs, now func() time.Time) (Shelf, error) {
	s := newShelf(host, dir, plugins, clock.Told(now), slog.New(slog.DiscardHandler))
	return Shelf{s}, s.keepIn(ctx, blobs)
}

func (s Shelf) TypesOf(plugins []*pluginhost.Plugin) (*node.Set, error) { return s.s.typesOf(plugins) }
func (s Shelf) Reload(ctx context.Context) (*node.Set, error)           { return s.s.reload(ctx) }
func (s Shelf) Sweep(ctx context.Context)                               { s.s.sweep(ctx) }
