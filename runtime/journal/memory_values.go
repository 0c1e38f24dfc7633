package journal

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

type valueKey struct{ scope, key string }

// values are those of Memory.
type values struct {
	by   map[valueKey]*Value
	last map[string]lastChange // by run
}

type lastChange struct {
	id string
	Changed
}

func newValues() values { return values{map[valueKey]*Value{}, map[string]lastChange{}} }

// Change implements Values.
func (m *Memory) Change(ctx context.Context, c Change, bounds ValueBounds) (Changed, error) {
	if err := c.Check(bounds); err != nil {
		return Changed{}, err
	}
	if err := m.lock(ctx); err != nil {
		return Changed{}, err
	}
	defer m.mu.Unlock()
	if c.Run != "" {
		have := 0
		if r := m.runs[c.Run]; r != nil {
			have = len(r.events)
		}
		if have != c.After || have == 0 {
			return Changed{}, Conflict(c.Run, have, c.After)
		}
		if last, ok := m.values.last[c.Run]; ok && last.id == c.ID {
			return last.Changed, nil
		}
	}
	is, err := m.values.change(c, bounds, m.Now())
	if err == nil && is.Done && c.Run != "" {
		m.values.last[c.Run] = lastChange{c.ID, is}
	}
	return is, err
}

func (v *values) change(c Change, bounds ValueBounds, now time.Time) (Changed, error) {
	at := valueKey{c.Scope, c.Key}
	old := v.by[at]
	made, is, err := c.On(old, now)
	if err != nil || !is.Done {
		return is, err
	}
	keys, size := v.count(c.Scope)
	if bounds.Room(old, made, keys, size) != nil {
		v.expire(now)
		keys, size = v.count(c.Scope)
		old = v.by[at]
	}
	if err := bounds.Room(old, made, keys, size); err != nil {
		return Changed{}, err
	}
	if made == nil {
		delete(v.by, at)
	} else {
		v.by[at] = made
	}
	return is, nil
}

func (v *values) count(scope string) (keys int, size int64) {
	for at, value := range v.by {
		size += int64(value.Size + len(at.key))
		if at.scope == scope {
			keys++
		}
	}
	return keys, size
}

func (v *values) expire(now time.Time) {
	maps.DeleteFunc(v.by, func(_ valueKey, value *Value) bool { return !value.lives(now) })
}

// Value implements Values.
func (m *Memory) Value(ctx context.Context, scope, key string) (Value, error) {
	if err := m.lock(ctx); err != nil {
		return Value{}, err
	}
	defer m.mu.Unlock()
	v := m.values.by[valueKey{scope, key}]
	if v == nil || !v.lives(m.Now()) {
		return Value{}, fmt.Errorf("key %q: %w", key, ErrNotFound)
	}
	return *v, nil
}

// Values implements Values.
func (m *Memory) Values(ctx context.Context, f ValueFilter) (page ValuePage, err error) {
	scope, key, err := ParseValueCursor(f.Cursor)
	if err != nil {
		return page, err
	}
	if err := m.lock(ctx); err != nil {
		return page, err
	}
	defer m.mu.Unlock()
	now, after := m.Now(), valueKey{scope, key}
	for at, v := range m.values.by {
		if v.lives(now) && (f.Scope == nil || *f.Scope == at.scope) && at.compare(after) > 0 {
			one := *v
			one.Data = nil
			page.Values = append(page.Values, one)
		}
	}
	slices.SortFunc(page.Values, func(a, b Value) int { return valueKey{a.Scope, a.Key}.compare(valueKey{b.Scope, b.Key}) })
	if limit := cmp.Or(f.Limit, DefaultLimit); len(page.Values) > limit {
		page.Values = page.Values[:limit]
		page.Next = ValueCursor(page.Values[limit-1].Scope, page.Values[limit-1].Key)
	}
	return page, nil
}

func (k valueKey) compare(other valueKey) int {
	return cmp.Or(strings.Compare(k.scope, other.scope), strings.Compare(k.key, other.key))
}
