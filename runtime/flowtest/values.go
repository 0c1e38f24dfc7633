package flowtest

import (
	"context"
	"sync"
	"time"

	"github.com/wendflow/wend/runtime/journal"
)

// remembering is a journal that notes what is changed of the values that flows
// keep, for one that must have them as they were at a crash.
type remembering struct {
	*journal.Memory
	mu      sync.Mutex
	changes []change
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

// before makes the changes in another journal that the run made before it had so
// many events, and its children until then.
func (m *remembering) before(ctx context.Context, events int, then time.Time, disk *journal.Memory) error {
	now := disk.Now
	defer func() { disk.Now = now }()
	for _, c := range m.changes {
		if c.Run == runID && c.After >= events || c.Run != runID && c.at.After(then) {
			continue
		}
		disk.Now = func() time.Time { return c.at }
		c.Run = "" // it has all its events there, and did this when it had fewer
		if _, err := disk.Change(ctx, c.Change, c.bounds); err != nil {
			return err
		}
	}
	return nil
}
