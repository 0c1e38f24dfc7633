package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
)

// Audience are those whom an event concerns, as the live flows have it.
type Audience struct {
	Listeners []Listener // whose flows it starts
	// Waits says that a run may come to wait for such an event, so that it is
	// worth keeping.
	Waits bool
}

// Listener is a trigger that an event starts a run of.
type Listener struct {
	Flow *flow.Flow
	Node *flow.Node // its Trigger is a *node.Event
}

// Occurrence is an event for all whom it concerns.
type Occurrence struct {
	journal.Event                   // without a key it is for listeners only
	About         map[string]string // what else is known of it, by name; runs see it
	Hops          int               // runs that it comes from, each started by an event of the one before
	TraceParent   string            // W3C trace context of who sent it
}

// Published says what became of an event.
type Published struct {
	Fresh   bool // nobody had an event with this id before
	Offered bool // it is for a run that waits for it, or will
	Runs    []Begun
	Misfits []*MisfitError // listeners that cannot use its data, in place of a Run
}

// Begun is a run that an event started.
type Begun struct {
	Flow, Run string
	Repeated  bool // by an event with the same id before
}

// Publish gives an event to all whom it concerns: it starts a run of each flow
// that listens, and goes to the run that waits for its name and key as Deliver
// has it. It is kept for one that waits later if there may be one, or if it
// concerns nobody else. All is on record when Publish returns. With the same id it
// can be published again, and does what is left to do. If nobody can use its data
// the error is a *MisfitError, and if another event had its id a *MismatchError of
// package journal.
func (e *Engine) Publish(ctx context.Context, o Occurrence) (p Published, err error) {
	var a Audience
	if e.cfg.Audience != nil {
		a = e.cfg.Audience(o.Name, o.Key)
	}
	data, err := dataOf(o.Event)
	if err != nil {
		return p, err
	}
	for _, l := range a.Listeners {
		begun, misfit, err := e.begin(ctx, o, l, data)
		switch {
		case err != nil:
			return p, err
		case misfit != nil:
			p.Misfits = append(p.Misfits, misfit)
			continue
		}
		p.Runs = append(p.Runs, begun)
		p.Fresh = p.Fresh || !begun.Repeated
	}
	if p.Offered, err = e.offers(ctx, o, a); err != nil {
		return p, err
	}
	switch {
	case p.Offered:
		fresh, err := e.Deliver(ctx, o.Event)
		if misfit, ok := errors.AsType[*MisfitError](err); ok && len(p.Runs) > 0 {
			p.Misfits, p.Offered = append(p.Misfits, misfit), false
			return p, nil
		}
		p.Fresh = p.Fresh || fresh
		return p, err
	case len(p.Runs) == 0 && len(p.Misfits) > 0:
		return p, p.Misfits[0]
	}
	return p, nil
}

// offers tells whether an event goes into the mailbox.
func (e *Engine) offers(ctx context.Context, o Occurrence, a Audience) (bool, error) {
	switch {
	case o.Key == "":
		return false, nil // who waits, waits for a key
	case a.Waits || len(a.Listeners) == 0:
		return true, nil
	}
	return e.awaited(ctx, o.Event)
}

// begin starts the run of one listener.
func (e *Engine) begin(ctx context.Context, o Occurrence, l Listener, data map[string]any) (Begun, *MisfitError, error) {
	about := map[string]any{}
	for name, text := range o.About {
		about[name] = text
	}
	about["id"], about["name"], about["key"], about["hops"] = o.ID, o.Name, o.Key, int64(o.Hops)
	t, ok := l.Node.Trigger.(*node.Event)
	if !ok {
		return Begun{}, nil, fmt.Errorf("node %q of flow %q listens to no event", l.Node.ID, l.Flow.Name)
	}
	output, wrong := t.Output(maps.Clone(data), about)
	if wrong != nil {
		return Begun{}, &MisfitError{Flow: l.Flow.Name, Node: l.Node.ID, Problems: wrong}, nil
	}
	sum := sha256.Sum256(o.Data)
	r, repeated, err := e.Start(ctx, Start{
		Flow: l.Flow, Trigger: l.Node.ID, Output: output, Accepted: true, TraceParent: o.TraceParent,
		Dedupe: journal.Dedupe{
			Scope: l.Flow.Name + "/" + l.Node.ID, Key: o.ID, Print: hex.EncodeToString(sum[:]), Keep: true,
			For: max(o.Expires.Sub(e.now()), time.Second),
		},
	})
	if err != nil {
		return Begun{}, nil, err
	}
	return Begun{Flow: l.Flow.Name, Run: r.ID, Repeated: repeated}, nil, nil
}

// mostHops is how long a chain of runs may be that start each other by events: a
// flow that emits what starts it would go on for ever.
const mostHops = 100

// hops is how many runs came before this one, each started by an event of the one
// before. A child has those of the run that made it.
func (r *Run) hops(ctx context.Context) (int, error) {
	events, _, _ := r.happened()
	for len(events) > 0 {
		started, _ := events[0].(run.RunStarted)
		if started.Parent == nil {
			about, _ := started.Output["event"].(map[string]any)
			return wholeNumber(about["hops"]), nil
		}
		var err error
		events, _, err = r.engine.Happened(ctx, started.Parent.Run)
		if err != nil && !errors.Is(err, journal.ErrNotFound) {
			return 0, fmt.Errorf("the run that made this one: %w", err)
		}
	}
	return 0, nil
}

// wholeNumber reads a number as it is before and after it was in a journal.
func wholeNumber(v any) int {
	switch n := v.(type) {
	case int64:
		return int(n)
	case int:
		return n
	case float64:
		return int(n)
	}
	return 0
}
