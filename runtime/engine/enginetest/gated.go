package enginetest

import (
	"context"
	"iter"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

// gated is the journal of a process behind its gate: before it is asked, and
// before its answer is seen.
type gated struct {
	journal.Driver
	gate *gate
}

// through does what is behind the gate. That a process is killed before it sees
// the answer does not undo what was done.
func through[T any](g *gated, what string, do func() (T, error)) (T, error) {
	var none T
	if err := g.gate.through("before " + what); err != nil {
		return none, err
	}
	v, err := do()
	if dead := g.gate.through("after " + what); dead != nil {
		return none, dead
	}
	return v, err
}

type nothing struct{}

func (g *gated) Append(ctx context.Context, id string, after int, events []run.Event) error {
	_, err := through(g, "Append", func() (nothing, error) { return nothing{}, g.Driver.Append(ctx, id, after, events) })
	return err
}

func (g *gated) Begin(ctx context.Context, id string, d journal.Dedupe, events []run.Event) (string, error) {
	return through(g, "Begin", func() (string, error) { return g.Driver.Begin(ctx, id, d, events) })
}

func (g *gated) Events(ctx context.Context, id string) ([]run.Event, error) {
	return through(g, "Events", func() ([]run.Event, error) { return g.Driver.Events(ctx, id) })
}

func (g *gated) Find(ctx context.Context, id string) (journal.Summary, error) {
	return through(g, "Find", func() (journal.Summary, error) { return g.Driver.Find(ctx, id) })
}

func (g *gated) Offer(ctx context.Context, e journal.Event) (bool, error) {
	return through(g, "Offer", func() (bool, error) { return g.Driver.Offer(ctx, e) })
}

func (g *gated) Take(ctx context.Context, name, key, taker string) (e journal.Event, ok bool, err error) {
	e, err = through(g, "Take", func() (e journal.Event, err error) {
		e, ok, err = g.Driver.Take(ctx, name, key, taker)
		return e, err
	})
	return e, ok && err == nil, err
}

func (g *gated) Return(ctx context.Context, id, taker string) error {
	_, err := through(g, "Return", func() (nothing, error) { return nothing{}, g.Driver.Return(ctx, id, taker) })
	return err
}

func (g *gated) Awaiting(ctx context.Context, name, key string) ([]string, error) {
	return through(g, "Awaiting", func() ([]string, error) { return g.Driver.Awaiting(ctx, name, key) })
}

func (g *gated) Change(ctx context.Context, c journal.Change, b journal.ValueBounds) (journal.Changed, error) {
	return through(g, "Change", func() (journal.Changed, error) { return g.Driver.Change(ctx, c, b) })
}

func (g *gated) Value(ctx context.Context, scope, key string) (journal.Value, error) {
	return through(g, "Value", func() (journal.Value, error) { return g.Driver.Value(ctx, scope, key) })
}

func (g *gated) Lease(ctx context.Context, owner string, want int, ttl time.Duration) (journal.Share, error) {
	return through(g, "Lease", func() (journal.Share, error) { return g.Driver.Lease(ctx, owner, want, ttl) })
}

func (g *gated) Release(ctx context.Context, owner string, s journal.Shards) error {
	_, err := through(g, "Release", func() (nothing, error) { return nothing{}, g.Driver.Release(ctx, owner, s) })
	return err
}

func (g *gated) Tell(ctx context.Context, n journal.Note) error {
	_, err := through(g, "Tell", func() (nothing, error) { return nothing{}, g.Driver.Tell(ctx, n) })
	return err
}

func (g *gated) Due(ctx context.Context, s journal.Shards, before time.Time, limit int) ([]journal.Timer, error) {
	return through(g, "Due", func() ([]journal.Timer, error) { return g.Driver.Due(ctx, s, before, limit) })
}

func (g *gated) Unfinished(ctx context.Context, s journal.Shards) iter.Seq2[journal.Summary, error] {
	return func(yield func(journal.Summary, error) bool) {
		if err := g.gate.through("before Unfinished"); err != nil {
			yield(journal.Summary{}, err)
			return
		}
		g.Driver.Unfinished(ctx, s)(yield)
	}
}
