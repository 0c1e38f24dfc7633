package journal

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// Unfinished implements Owners.
func (m *Memory) Unfinished(ctx context.Context, s Shards) iter.Seq2[Summary, error] {
	return func(yield func(Summary, error) bool) {
		runs, err := m.list(ctx, func(r *record) bool {
			return !r.summary.Status.Ended() && s.Has(r.summary.ID)
		})
		if err != nil {
			yield(Summary{}, err)
			return
		}
		slices.SortFunc(runs, func(a, b record) int { return b.cursor().compare(a.cursor()) })
		for _, r := range runs {
			if !yield(r.summary, nil) {
				return
			}
		}
	}
}

// Due implements Owners.
func (m *Memory) Due(ctx context.Context, s Shards, before time.Time, limit int) ([]Timer, error) {
	runs, err := m.list(ctx, func(r *record) bool {
		due := r.summary.Due
		return !due.IsZero() && due.Before(before) && s.Has(r.summary.ID)
	})
	if err != nil {
		return nil, err
	}
	timers := make([]Timer, len(runs))
	for i, r := range runs {
		timers[i] = Timer{r.summary.ID, r.summary.Due}
	}
	slices.SortFunc(timers, func(a, b Timer) int { return a.Due.Compare(b.Due) })
	return timers[:min(limit, len(timers))], nil
}

// list copies the records that are wanted, in no order.
func (m *Memory) list(ctx context.Context, want func(*record) bool) ([]record, error) {
	return m.listMarked(ctx, Filter{}, want)
}

// listMarked is list that looks only at runs of a key or label of the filter, if
// there is one.
func (m *Memory) listMarked(ctx context.Context, f Filter, want func(*record) bool) ([]record, error) {
	if err := m.lock(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	among := m.runs
	for one := range marksOf(f.Key, f.Labels) {
		if some := m.marked[one]; len(some) < len(among) {
			among = some
		}
	}
	var runs []record
	for _, r := range among {
		if want(r) {
			runs = append(runs, *r)
		}
	}
	return runs, nil
}

// mark is a label and its value. The key of a run has no name.
type mark struct{ name, value string }

func marksOf(key string, labels map[string]string) iter.Seq[mark] {
	return func(yield func(mark) bool) {
		if key != "" && !yield(mark{"", key}) {
			return
		}
		for name, value := range labels {
			if !yield(mark{name, value}) {
				return
			}
		}
	}
}

// Find implements History.
func (m *Memory) Find(ctx context.Context, id string) (Summary, error) {
	if err := m.lock(ctx); err != nil {
		return Summary{}, err
	}
	defer m.mu.Unlock()
	r, ok := m.runs[id]
	if !ok {
		return Summary{}, fmt.Errorf("run %q: %w", id, ErrNotFound)
	}
	return r.summary, nil
}

// Runs implements History.
func (m *Memory) Runs(ctx context.Context, f Filter) (Page, error) {
	after, err := ParseCursor(f.Cursor)
	if err != nil {
		return Page{}, err
	}
	runs, err := m.listMarked(ctx, f, func(r *record) bool {
		return f.matches(&r.summary) && (f.Cursor == "" || after.compare(r.cursor()) < 0)
	})
	if err != nil {
		return Page{}, err
	}
	slices.SortFunc(runs, func(a, b record) int { return a.cursor().compare(b.cursor()) })
	limit := cmp.Or(max(f.Limit, 0), DefaultLimit)
	var page Page
	if len(runs) > limit {
		runs = runs[:limit]
		page.Next = runs[limit-1].cursor().String()
	}
	for _, r := range runs {
		page.Runs = append(page.Runs, r.summary)
	}
	return page, nil
}

func (r *record) cursor() Cursor { return Cursor{r.summary.StartedAt, int64(r.nr)} }

func (f *Filter) matches(s *Summary) bool {
	return (f.Flow == "" || f.Flow == s.Flow) &&
		(f.Status == "" || f.Status == s.Status) &&
		(f.Outcome == "" || f.Outcome == s.Outcome) &&
		f.Answered(s.Response) &&
		(f.Key == "" || f.Key == s.Key) &&
		f.Labelled(s.Labels) &&
		(f.Parent == "" || s.Parent != nil && s.Parent.Run == f.Parent) &&
		(f.From.IsZero() || !s.StartedAt.Before(f.From)) &&
		(f.To.IsZero() || s.StartedAt.Before(f.To))
}

// Match implements History.
func (m *Memory) Match(ctx context.Context, text string, limit int) ([]string, error) {
	if err := m.lock(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	var ids []string
	for id := range m.runs {
		if len(ids) < limit && (strings.HasPrefix(id, text) || strings.HasSuffix(id, text)) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
