package journal

import "context"

// Ticked implements Ticks.
func (m *Memory) Ticked(ctx context.Context, schedule string) (Tick, error) {
	if err := m.lock(ctx); err != nil {
		return Tick{}, err
	}
	defer m.mu.Unlock()
	return m.ticks[schedule], nil
}

// Tick implements Ticks.
func (m *Memory) Tick(ctx context.Context, schedule string, from, to Tick) (moved bool, err error) {
	if err := m.lock(ctx); err != nil {
		return false, err
	}
	defer m.mu.Unlock()
	if !m.ticks[schedule].Same(from) {
		return false, nil
	}
	if m.ticks[schedule] = to; to.Same(Tick{}) {
		delete(m.ticks, schedule)
	}
	return true, nil
}
