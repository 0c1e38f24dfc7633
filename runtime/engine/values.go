package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
)

// DefaultStore is what Config.Store is if it is not set.
var DefaultStore = journal.ValueBounds{Value: 64 << 10, Keys: 10_000, Size: 64 << 20}

func storeBounds(b journal.ValueBounds) journal.ValueBounds {
	return journal.ValueBounds{
		Value: cmp.Or(b.Value, DefaultStore.Value), Keys: cmp.Or(b.Keys, DefaultStore.Keys), Size: cmp.Or(b.Size, DefaultStore.Size),
	}
}

// keeps does what a node wants of a value that is kept between runs, and lets the
// node decide again.
func (r *Run) keeps(n *flow.Node, k node.Keep) error {
	kept, err := r.kept(k)
	if refused, ok := errors.AsType[*journal.ChangeError](err); ok {
		return r.fault(n, &node.Fault{Code: refused.Code, Msg: refused.Msg})
	}
	switch {
	case err != nil && r.ctx.Err() != nil:
		return r.interrupted()
	case errors.Is(err, journal.ErrConflict), errors.Is(err, journal.ErrClosed):
		return err // another drives the run, or takes it up later
	case err != nil:
		return r.fault(n, err)
	}
	action, err := r.decide(n, &kept)
	if err != nil {
		return r.fault(n, err)
	}
	f, ok := action.(node.Finish)
	if !ok {
		return r.fault(n, fmt.Errorf("node type %q does not leave with the value that it asked for", n.Type.Name))
	}
	return r.finish(n, f)
}

// kept reads or changes a value. A run that changes one is on record before, with
// all that led to it, and the change is the visit's: after a crash the run comes
// back to this node, and what was done is not done again.
func (r *Run) kept(k node.Keep) (kept node.Kept, err error) {
	if past := r.engine.cfg.Past; past != nil {
		if kept, known, err := past.Kept(r.ID, r.state.At.Place, k); known {
			return kept, err
		}
	}
	scope := r.state.Flow.Name
	if k.Global {
		scope = ""
	}
	j := r.engine.cfg.Journal
	if k.Kind == node.KeepGet {
		var v journal.Value
		get := func(ctx context.Context) (err error) {
			if v, err = j.Value(ctx, scope, k.Key); errors.Is(err, journal.ErrNotFound) {
				err = nil
			}
			return err
		}
		if err = get(r.ctx); err != nil && r.onRecord() {
			err = r.insist(r.ctx, err, get)
		}
		return decoded(v.Data, v.Data != nil, err)
	}
	c := journal.Change{Scope: scope, Key: k.Key, Kind: kinds[k.Kind], By: k.By, For: k.For}
	if c.Kind == journal.Put {
		if c.Data, err = json.Marshal(k.Value); err != nil {
			return kept, fmt.Errorf("store key %q: %w", k.Key, err)
		}
	}
	if k.If != nil {
		c.If = new(json.RawMessage)
		if k.If.Value != nil {
			if *c.If, err = json.Marshal(k.If.Value); err != nil {
				return kept, fmt.Errorf("store key %q: if: %w", k.Key, err)
			}
		}
	}
	if r.journal == j {
		if err := r.flush(r.ctx); err != nil {
			return kept, err
		}
		c.Run, c.After, c.ID = r.ID, r.stored, r.state.At.Key(r.ID)
	}
	var is journal.Changed
	change := func(ctx context.Context) (err error) {
		is, err = j.Change(ctx, c, r.engine.cfg.Store)
		return err
	}
	if err = change(r.ctx); err != nil && c.Run != "" {
		err = r.insist(r.ctx, err, change)
	}
	return decoded(is.Data, is.Done, err)
}

var kinds = map[node.KeepKind]journal.ChangeKind{
	node.KeepPut: journal.Put, node.KeepDelete: journal.Delete, node.KeepAdd: journal.Add,
}

func decoded(raw json.RawMessage, done bool, err error) (node.Kept, error) {
	kept := node.Kept{Done: done}
	if err == nil && len(raw) > 0 {
		kept.Value, err = data.DecodeJSON(raw)
	}
	return kept, err
}

// Value returns a value that flows keep, or ErrNotFound of package journal. An
// empty scope is that of all flows.
func (e *Engine) Value(ctx context.Context, scope, key string) (journal.Value, error) {
	return e.cfg.Journal.Value(ctx, scope, key)
}

// Values lists the values that flows keep, by scope and key and without their
// data. It returns ErrCursor of package journal if f.Cursor is not a Next of that
// list.
func (e *Engine) Values(ctx context.Context, f journal.ValueFilter) (journal.ValuePage, error) {
	return e.cfg.Journal.Values(ctx, f)
}

// ChangeValue changes a value that flows keep, for somebody who is no run. It
// returns what Change of package journal does.
func (e *Engine) ChangeValue(ctx context.Context, c journal.Change) (journal.Changed, error) {
	return e.cfg.Journal.Change(ctx, c, e.cfg.Store)
}
