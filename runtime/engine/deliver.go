package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
)

// MisfitError says that an outside event was not taken, because its data is not
// what the run that waits for it can use, which goes on waiting, or the flow that
// it would start.
type MisfitError struct {
	Run        string // that waits; "" if it would have been a new one
	Flow, Node string
	Problems   []node.Problem // of the data
}

func (e *MisfitError) Error() string {
	if e.Run == "" {
		return fmt.Sprintf("flow %q listens to this event at node %q, and its data does not fit: %s", e.Flow, e.Node, node.FormatProblems(e.Problems))
	}
	return fmt.Sprintf("run %s waits for this event at node %q of flow %q, and its data does not fit: %s", e.Run, e.Node, e.Flow, node.FormatProblems(e.Problems))
}

// Deliver gives an outside event to the run that waits for it, or keeps it
// until one does. It is false if an event with this ID came before. The event
// is as safe as the journal promises when Deliver returns. Of several runs that
// wait for it one gets it whose node takes such data; if none does, the error
// is a *MisfitError, and nothing has happened. The data of an event that is kept
// is looked at when a run waits for it.
func (e *Engine) Deliver(ctx context.Context, ev journal.Event) (fresh bool, err error) {
	misfits, awaited, err := e.misfits(ctx, ev)
	if err == nil && !awaited {
		err = e.kept.room(ctx, e)
	}
	if err != nil {
		return false, err
	}
	fresh, err = e.cfg.Journal.Offer(ctx, ev)
	if err != nil {
		return false, err
	}
	if fresh && !awaited {
		e.kept.add()
	}
	return fresh, e.alert(ctx, ev.Name, ev.Key, misfits)
}

// DefaultKept is what Config.MaxKept is if it is not set.
const DefaultKept = 100_000

// FullError says that an event was not kept, since there are so many.
type FullError struct{ Most int }

func (e *FullError) Error() string {
	return fmt.Sprintf("%d events are kept for runs that do not wait for them, as many as may be", e.Most)
}

// keptEvents knows about how many events are kept: by what the journal said in
// the last second, and what this engine added since.
type keptEvents struct {
	mu      sync.Mutex
	most    int
	n       int
	counted time.Time
	refused int // since the start
}

func (k *keptEvents) room(ctx context.Context, e *Engine) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now := e.now(); now.Sub(k.counted) >= time.Second || k.n >= k.most || now.Before(k.counted) {
		n, err := e.cfg.Journal.Kept(ctx)
		if err != nil {
			return err
		}
		k.n, k.counted = n, now
	}
	if k.n >= k.most {
		k.refused++
		return &FullError{k.most}
	}
	return nil
}

func (k *keptEvents) add() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.n++
}

// misfits returns the runs that wait for the event and cannot use its data. It
// is a *MisfitError if others do not wait. An event that came before is left to
// Offer: what it is now does not count.
func (e *Engine) misfits(ctx context.Context, ev journal.Event) (runs []string, awaited bool, err error) {
	data, err := dataOf(ev)
	if err != nil {
		return nil, false, err
	}
	var first *MisfitError
	waiting := 0
	for _, d := range e.drivers {
		ids, err := d.Awaiting(ctx, ev.Name, ev.Key)
		if err != nil {
			return nil, false, err
		}
		for _, id := range ids {
			waiting++
			misfit, err := e.misfit(ctx, id, d, ev, data)
			if err != nil {
				return nil, false, err
			}
			if misfit == nil {
				continue
			}
			runs = append(runs, id)
			if first == nil {
				first = misfit
			}
		}
	}
	if first == nil || waiting > len(runs) {
		return runs, waiting > 0, nil
	}
	if _, err = e.cfg.Journal.Letter(ctx, ev.ID); errors.Is(err, journal.ErrNotFound) {
		return nil, true, first
	}
	return runs, true, err
}

// misfit says what a run that waits finds wrong with data; nil if nothing, or if
// it cannot be told from here.
func (e *Engine) misfit(ctx context.Context, id string, d journal.Driver, ev journal.Event, data map[string]any) (*MisfitError, error) {
	s, err := d.Find(ctx, id)
	if errors.Is(err, journal.ErrNotFound) {
		return nil, nil // in that very moment
	}
	if err != nil {
		return nil, err
	}
	if s.Awaits == nil || *s.Awaits != (journal.Awaited{Name: ev.Name, Key: ev.Key}) {
		return nil, nil // it has gone on since, and is at another node
	}
	n := e.nodeOf(ctx, s, d)
	if n == nil || n.Outputs == nil {
		return nil, nil
	}
	if data == nil {
		data = map[string]any{}
	}
	problems := n.Outputs.Validate(data)
	if problems == nil {
		return nil, nil
	}
	return &MisfitError{Run: id, Flow: s.Flow, Node: s.Node, Problems: problems}, nil
}

// nodeOf returns the node at which a run is, nil if its flow is not known here.
// Then the run looks at the event itself.
func (e *Engine) nodeOf(ctx context.Context, s journal.Summary, d journal.Driver) *flow.Node {
	if d == e.cfg.Memory {
		if r := e.Find(s.ID); r != nil {
			return r.state.Flow.Nodes[s.Node] // such a run keeps its state, and a state its flow
		}
		return nil
	}
	if e.cfg.Flow == nil {
		return nil
	}
	f, err := e.cfg.Flow(ctx, s)
	if err != nil {
		return nil
	}
	return f.Nodes[s.Node]
}

// alert makes runs that wait for an event look into the mailbox, but those that
// could not use what is there. One of them will find it.
func (e *Engine) alert(ctx context.Context, name, key string, misfits []string) error {
	for _, d := range e.drivers {
		ids, err := d.Awaiting(ctx, name, key)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if slices.Contains(misfits, id) {
				continue
			}
			if err := e.rouse(ctx, id, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// Delivered returns an event as the mailbox has it, with the run that took it as
// its Taker. It waits for one that is about to, no longer than limit; no Taker
// means that no run wants the event so far. It is ErrNotFound of package journal
// when the event's time is over.
func (e *Engine) Delivered(ctx context.Context, ev journal.Event, limit time.Duration) (journal.Letter, error) {
	until := e.now().Add(limit)
	for again := time.Millisecond; ; again = min(2*again, lookEvery) {
		// In this order: a run that waited has taken it, or waits still.
		awaited, err := e.awaited(ctx, ev)
		if err != nil {
			return journal.Letter{}, err
		}
		l, err := e.cfg.Journal.Letter(ctx, ev.ID)
		if err != nil || l.Taker != "" || !awaited || !e.now().Before(until) {
			l.Taker = takenBy(l.Taker)
			return l, err
		}
		if err := e.pause(ctx, e.cfg.Clock.NewTimer(again)); err != nil {
			return journal.Letter{}, err
		}
	}
}

func (e *Engine) awaited(ctx context.Context, ev journal.Event) (bool, error) {
	for _, d := range e.drivers {
		ids, err := d.Awaiting(ctx, ev.Name, ev.Key)
		if err != nil || len(ids) > 0 {
			return true, err
		}
	}
	return false, nil
}

// takenBy is the run of a taker. See Run.taker.
func takenBy(taker string) string {
	id, _, _ := strings.Cut(taker, "/")
	return id
}

// Keys is how many dedupe keys of runs that are not durable are held, how many
// may be, and how many runs were refused since there were no more. All are 0 if
// Memory has no bound.
func (e *Engine) Keys() (n, most, refused int) {
	if m, ok := e.cfg.Memory.(interface{ Keys() (n, most, refused int) }); ok {
		return m.Keys()
	}
	return 0, 0, 0
}

// Kept is how many outside events are kept, how many may be, and how many were
// refused since the start because there were that many.
func (e *Engine) Kept(ctx context.Context) (n, most, refused int, err error) {
	n, err = e.cfg.Journal.Kept(ctx)
	e.kept.mu.Lock()
	defer e.kept.mu.Unlock()
	return n, e.kept.most, e.kept.refused, err
}

// KeepAtMost changes how many outside events are kept for runs that do not wait
// for them; 0 is DefaultKept. Those that are kept stay.
func (e *Engine) KeepAtMost(n int) {
	e.kept.mu.Lock()
	defer e.kept.mu.Unlock()
	e.kept.most = cmp.Or(n, DefaultKept)
}

// Letters lists the outside events that are kept, the oldest first. It returns
// ErrCursor of package journal if f.Cursor is not a Next of that list.
func (e *Engine) Letters(ctx context.Context, f journal.LetterFilter) (journal.LetterPage, error) {
	return e.cfg.Journal.Letters(ctx, f)
}
