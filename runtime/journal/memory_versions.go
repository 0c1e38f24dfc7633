package journal

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/wendflow/wend/runtime/run"
)

// Count implements History.
func (m *Memory) Count(ctx context.Context, flow string, status run.Status, most int) (int, error) {
	runs, err := m.list(ctx, func(r *record) bool { return r.summary.Flow == flow && r.summary.Status == status })
	return min(len(runs), most), err
}

// Deploy implements Versions.
func (m *Memory) Deploy(ctx context.Context, v Version) (Version, error) {
	if err := m.lock(ctx); err != nil {
		return Version{}, err
	}
	defer m.mu.Unlock()
	f := m.flows[v.Flow]
	if f == nil {
		f = &versions{standing: Standing{Flow: v.Flow}}
		m.flows[v.Flow] = f
	}
	return f.deploy(v, m.Now()), nil
}

// Versions implements Versions.
func (m *Memory) Versions(ctx context.Context, flow string) ([]Version, error) {
	if err := m.lock(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	if f := m.flows[flow]; f != nil {
		return f.newest(), nil
	}
	return nil, nil
}

// Standings implements Versions.
func (m *Memory) Standings(ctx context.Context) ([]Standing, error) {
	if err := m.lock(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	var all []Standing
	for _, name := range slices.Sorted(maps.Keys(m.flows)) {
		all = append(all, m.flows[name].standing)
	}
	return all, nil
}

// Stand implements Versions.
func (m *Memory) Stand(ctx context.Context, flow string, change func(*Standing)) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	f := m.flows[flow]
	if f == nil {
		return fmt.Errorf("flow %q: %w", flow, ErrNotFound)
	}
	change(&f.standing)
	return nil
}

func (m *Memory) trimVersions(keep int) {
	if keep == 0 {
		return
	}
	for name, f := range m.flows {
		f.trim(keep, func(v Version) bool {
			for _, r := range m.runs {
				if s := &r.summary; s.Flow == name && v.Is(s.FlowDigest, s.Plugins) {
					return true
				}
			}
			return false
		})
	}
}
