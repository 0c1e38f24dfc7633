package journal

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/wendflow/wend/runtime/run"
)

// Memory is a Driver that lives as long as the process. It keeps the newest
// ended runs so that they can still be looked at, and forgets the others.
type Memory struct {
	// Now is the clock. Defaults to time.Now. Set it before first use.
	Now func() time.Time

	keep   int
	leases Leases

	mu     sync.Mutex
	closed bool
	begun  int // runs ever
	runs   map[string]*record
	marked map[mark]map[string]*record // runs by key and label, and by id
	ended  []string                    // oldest end first
	waits  map[Awaited][]string
	keys   keys
	mail   mailbox
	ticks  map[string]Tick
	values values
	blobs  map[string][]byte
	flows  map[string]*versions // by name
}

type record struct {
	nr      int // order of begin
	events  []run.Event
	summary Summary
}

var _ Driver = (*Memory)(nil)

// NewMemory returns an empty journal that keeps the events of at most keep
// ended runs.
func NewMemory(keep int) *Memory {
	return &Memory{
		Now: time.Now, keep: keep,
		runs: map[string]*record{}, marked: map[mark]map[string]*record{},
		waits:  map[Awaited][]string{},
		keys:   newKeys(),
		mail:   mailbox{byID: map[string]*letter{}},
		values: newValues(),
		ticks:  map[string]Tick{},
		blobs:  map[string][]byte{},
		flows:  map[string]*versions{},
	}
}

// Append implements Journal.
func (m *Memory) Append(ctx context.Context, id string, after int, events []run.Event) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	return m.append(id, after, events)
}

// Begin implements Driver.
func (m *Memory) Begin(ctx context.Context, id string, d Dedupe, events []run.Event) (string, error) {
	if err := m.lock(ctx); err != nil {
		return "", err
	}
	defer m.mu.Unlock()
	key, now := dedupeKey{d.Scope, d.Key}, m.Now()
	if d.For > 0 {
		if id, err := m.holder(key, d, now); id != "" {
			return id, err
		}
		if !m.keys.room(key, now) {
			return "", fmt.Errorf("begin run %s: %w", id, ErrKeys)
		}
	}
	if err := m.append(id, 0, events); err != nil {
		return "", err
	}
	if m.runs[id] == nil {
		return id, nil // it has ended, and was forgotten at once
	}
	if old := m.runs[d.Of]; old != nil && old.summary.PassesKey() {
		m.keys.pass(d.Of, id)
	}
	if d.For > 0 {
		m.keys.hold(key, holder{id, now.Add(d.For), d.Print})
	}
	return id, nil
}

// holder returns the run that has a key, or nothing.
func (m *Memory) holder(key dedupeKey, d Dedupe, now time.Time) (string, error) {
	h, taken := m.keys.held[key]
	if !taken || !now.Before(h.expires) {
		return "", nil
	}
	switch {
	case m.runs[h.run].summary.GivesUpKey() && !d.Keep:
		return "", nil
	case h.print != "" && d.Print != "" && h.print != d.Print:
		return h.run, &MismatchError{h.run}
	}
	return h.run, nil
}

// drop removes a run, and its dedupe key with it.
func (m *Memory) drop(id string) {
	m.keys.drop(id)
	delete(m.values.last, id)
	s := &m.runs[id].summary
	delete(m.runs, id)
	for one := range marksOf(s.Key, s.Labels) {
		if delete(m.marked[one], id); len(m.marked[one]) == 0 {
			delete(m.marked, one)
		}
	}
}

// Events implements Journal.
func (m *Memory) Events(ctx context.Context, id string) ([]run.Event, error) {
	if err := m.lock(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	r, ok := m.runs[id]
	if !ok {
		return nil, fmt.Errorf("run %q: %w", id, ErrNotFound)
	}
	return r.events[:len(r.events):len(r.events)], nil
}

// lock fails if there is nothing to do any more.
func (m *Memory) lock(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return ErrClosed
	}
	return nil
}

func (m *Memory) append(id string, after int, events []run.Event) error {
	r := m.runs[id]
	have := 0
	if r != nil {
		have = len(r.events)
	}
	switch {
	case have != after:
		return Conflict(id, have, after)
	case len(events) == 0:
		return fmt.Errorf("append to run %s: no events", id)
	case r == nil:
		sum, err := Begun(id, events)
		if err != nil {
			return err
		}
		m.begun++
		r = &record{nr: m.begun, summary: sum}
		m.begin(r)
	default:
		m.unwait(r)
		r.summary.Apply(events)
	}
	r.events = append(r.events, events...)
	m.index(r)
	return nil
}

func (m *Memory) begin(r *record) {
	s := &r.summary
	m.runs[s.ID] = r
	for one := range marksOf(s.Key, s.Labels) {
		if m.marked[one] == nil {
			m.marked[one] = map[string]*record{}
		}
		m.marked[one][s.ID] = r
	}
}

// index notes what the run waits for, and that it has ended.
func (m *Memory) index(r *record) {
	if a := r.summary.Awaits; a != nil {
		m.waits[*a] = append(m.waits[*a], r.summary.ID)
	}
	if r.summary.Status.Ended() {
		m.ended = append(m.ended, r.summary.ID)
		m.forget()
	}
}

func (m *Memory) unwait(r *record) {
	a := r.summary.Awaits
	if a == nil {
		return
	}
	rest := slices.DeleteFunc(m.waits[*a], func(id string) bool { return id == r.summary.ID })
	if len(rest) == 0 {
		delete(m.waits, *a)
		return
	}
	m.waits[*a] = rest
}

func (m *Memory) forget() {
	for len(m.ended) > m.keep {
		m.drop(m.ended[0])
		m.ended = m.ended[1:]
	}
}

// Awaiting implements Mailbox.
func (m *Memory) Awaiting(ctx context.Context, name, key string) ([]string, error) {
	if err := m.lock(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	return slices.Clone(m.waits[Awaited{name, key}]), nil
}

// Offer implements Mailbox.
func (m *Memory) Offer(ctx context.Context, e Event) (bool, error) {
	if err := e.Check(); err != nil {
		return false, err
	}
	if err := m.lock(ctx); err != nil {
		return false, err
	}
	defer m.mu.Unlock()
	return m.mail.offer(e, m.Now()), nil
}

// Take implements Mailbox.
func (m *Memory) Take(ctx context.Context, name, key, taker string) (Event, bool, error) {
	if err := m.lock(ctx); err != nil {
		return Event{}, false, err
	}
	defer m.mu.Unlock()
	e, ok := m.mail.take(name, key, taker, m.Now())
	return e, ok, nil
}

// Return implements Mailbox.
func (m *Memory) Return(ctx context.Context, id, taker string) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	m.mail.putBack(id, taker)
	return nil
}

// Letter implements Mailbox.
func (m *Memory) Letter(ctx context.Context, id string) (Letter, error) {
	if err := m.lock(ctx); err != nil {
		return Letter{}, err
	}
	defer m.mu.Unlock()
	l, ok := m.mail.letter(id, m.Now())
	if !ok {
		return Letter{}, fmt.Errorf("event %q: %w", id, ErrNotFound)
	}
	return l, nil
}

// Letters implements Mailbox.
func (m *Memory) Letters(ctx context.Context, f LetterFilter) (LetterPage, error) {
	if err := m.lock(ctx); err != nil {
		return LetterPage{}, err
	}
	defer m.mu.Unlock()
	return m.mail.page(f, m.Now())
}

// Kept implements Mailbox.
func (m *Memory) Kept(ctx context.Context) (int, error) {
	if err := m.lock(ctx); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	return m.mail.kept(m.Now()), nil
}

// Lease implements Owners.
func (m *Memory) Lease(ctx context.Context, owner string, want int, ttl time.Duration) (Share, error) {
	if err := m.lock(ctx); err != nil {
		return Share{}, err
	}
	defer m.mu.Unlock()
	return m.leases.Lease(m.Now(), owner, want, ttl), nil
}

// Release implements Owners.
func (m *Memory) Release(ctx context.Context, owner string, s Shards) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	m.leases.Release(owner, s)
	return nil
}

// Tell implements Owners.
func (m *Memory) Tell(ctx context.Context, n Note) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	m.mu.Unlock() // whoever hears may want it
	m.leases.Tell(m.Now(), n)
	return nil
}

// Hear implements Owners.
func (m *Memory) Hear(ctx context.Context, owner string, hear func(Note)) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	context.AfterFunc(ctx, m.leases.Hear(owner, hear))
	return nil
}

// PutBlob implements Blobs.
func (m *Memory) PutBlob(ctx context.Context, digest string, data []byte) error {
	if err := m.lock(ctx); err != nil {
		return err
	}
	defer m.mu.Unlock()
	m.blobs[digest] = bytes.Clone(data)
	return nil
}

// Blob implements Blobs.
func (m *Memory) Blob(ctx context.Context, digest string) ([]byte, error) {
	if err := m.lock(ctx); err != nil {
		return nil, err
	}
	defer m.mu.Unlock()
	data, ok := m.blobs[digest]
	if !ok {
		return nil, fmt.Errorf("blob %q: %w", digest, ErrNotFound)
	}
	return data, nil
}

// Trim implements Driver.
func (m *Memory) Trim(ctx context.Context, r Retention) (int, error) {
	if err := m.lock(ctx); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	now := m.Now()
	m.keys.expire(now)
	m.mail.expire(now)
	m.values.expire(now)
	removed, err := m.trimRuns(now, r)
	m.trimVersions(r.Versions)
	return removed, err
}

func (m *Memory) trimRuns(now time.Time, r Retention) (removed int, err error) {
	size, sizes, err := m.size(r.Bytes > 0)
	if err != nil {
		return 0, err
	}
	slices.SortFunc(m.ended, func(a, b string) int { return m.runs[b].cursor().compare(m.runs[a].cursor()) })
	gone := map[string]bool{} // what they had made goes with them; it began later
	m.ended = slices.DeleteFunc(m.ended, func(id string) bool {
		if parent := m.runs[id].summary.Parent; parent != nil && (gone[parent.Run] || m.runs[parent.Run] != nil) {
			if !gone[parent.Run] {
				return false
			}
			gone[id] = true
			size -= sizes[id]
			m.drop(id)
			removed++
			return true
		}
		old := r.Age > 0 && now.Sub(m.runs[id].summary.EndedAt) > r.Age
		big := r.Bytes > 0 && size > r.Bytes
		if !old && !big {
			return false
		}
		gone[id] = true
		size -= sizes[id]
		m.drop(id)
		removed++
		return true
	})
	return removed, nil
}

// size is what the runs would take if they were written down.
func (m *Memory) size(wanted bool) (all int64, sizes map[string]int64, err error) {
	if !wanted {
		return 0, nil, nil
	}
	sizes = make(map[string]int64, len(m.runs))
	for id, r := range m.runs {
		data, err := run.Marshal(r.events)
		if err != nil {
			return 0, nil, err
		}
		sizes[id] = int64(len(data))
		all += sizes[id]
	}
	return all, sizes, nil
}

// Close implements Driver.
func (m *Memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}
