package journal

import (
	"cmp"
	"slices"
	"time"
)

// mailbox holds the outside events of Memory.
type mailbox struct {
	byID    map[string]*letter
	letters []*letter // as they came
	last    int64     // nr of the newest
}

type letter struct {
	Letter
	nr int64
}

func (m *mailbox) offer(e Event, now time.Time) bool {
	m.expire(now)
	if m.byID[e.ID] != nil {
		return false
	}
	m.last++
	l := &letter{Letter: Letter{Event: e}, nr: m.last}
	m.byID[e.ID] = l
	m.letters = append(m.letters, l)
	return true
}

func (m *mailbox) take(name, key, taker string, now time.Time) (Event, bool) {
	var free *letter
	for _, l := range m.letters {
		if l.Name != name || l.Key != key || !now.Before(l.Expires) {
			continue
		}
		if l.Taker == taker {
			return l.Event, true
		}
		if free == nil && l.Taker == "" {
			free = l
		}
	}
	if free == nil {
		return Event{}, false
	}
	free.Taker = taker
	return free.Event, true
}

func (m *mailbox) putBack(id, taker string) {
	if l := m.byID[id]; l != nil && l.Taker == taker {
		l.Taker = ""
	}
}

func (m *mailbox) letter(id string, now time.Time) (Letter, bool) {
	l := m.byID[id]
	if l == nil || !now.Before(l.Expires) {
		return Letter{}, false
	}
	return l.Letter, true
}

func (m *mailbox) page(f LetterFilter, now time.Time) (page LetterPage, err error) {
	after, err := ParseLetterCursor(f.Cursor)
	if err != nil {
		return page, err
	}
	limit, last := cmp.Or(f.Limit, DefaultLimit), int64(0)
	for _, l := range m.letters {
		switch {
		case l.nr <= after || l.Taker != "" || !now.Before(l.Expires),
			f.Name != "" && f.Name != l.Name, f.Key != "" && f.Key != l.Key:
			continue
		case len(page.Letters) == limit:
			page.Next = LetterCursor(last)
			return page, nil
		}
		page.Letters, last = append(page.Letters, l.Letter), l.nr
	}
	return page, nil
}

func (m *mailbox) kept(now time.Time) (n int) {
	for _, l := range m.letters {
		if l.Taker == "" && now.Before(l.Expires) {
			n++
		}
	}
	return n
}

func (m *mailbox) expire(now time.Time) {
	m.letters = slices.DeleteFunc(m.letters, func(l *letter) bool {
		expired := !now.Before(l.Expires)
		if expired {
			delete(m.byID, l.ID)
		}
		return expired
	})
}
