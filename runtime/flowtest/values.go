package flowtest

import (
	"context"
	"sync"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

// remembering is a journal that notes what is changed of the values that flows
// keep, and which events are offered, for one that must have them as they were at
// a crash.
type remembering struct {
	*journal.Memory
	mu      sync.Mutex
	changes []change
	offers  []offer
}

type offer struct {
	journal.Event
	at time.Time
}

func (m *remembering) Offer(ctx context.Context, e journal.Event) (bool, error) {
	fresh, err := m.Memory.Offer(ctx, e)
	if fresh {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.offers = append(m.offers, offer{e, m.Now()})
	}
	return fresh, err
}

type change struct {
	journal.Change
	bounds journal.ValueBounds
	at     time.Time
}

func (m *remembering) Change(ctx context.Context, c journal.Change, bounds journal.ValueBounds) (journal.Changed, error) {
	is, err := m.Memory.Change(ctx, c, bounds)
	if err == nil && is.Done {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.changes = append(m.changes, change{c, bounds, m.Now()})
	}
	return is, err
}

// before has another journal hold what runs did, up to the events that they had
// then, beyond those: the values that they changed, and the events that they
// emitted.
func (m *remembering) before(ctx context.Context, runs map[string][]run.Event, disk *journal.Memory) error {
	now := disk.Now
	defer func() { disk.Now = now }()
	for _, c := range m.changes {
		if c.After >= len(runs[c.Run]) {
			continue
		}
		disk.Now = func() time.Time { return c.at }
		c.Run = "" // it has all its events there, and did this when it had fewer
		if _, err := disk.Change(ctx, c.Change, c.bounds); err != nil {
			return err
		}
	}
	emitted := map[string]bool{}
	for id, events := range runs {
		for _, e := range events {
			if f, ok := e.(run.NodeFinished); ok {
				emitted[f.Key(id)] = true
			}
		}
	}
	for _, o := range m.offers {
		if !emitted[o.ID] {
			continue
		}
		disk.Now = func() time.Time { return o.at }
		if _, err := disk.Offer(ctx, o.Event); err != nil {
			return err
		}
	}
	return nil
}
