package journal

import (
	"slices"
	"time"
)

// mailbox holds the outside events of Memory.
type mailbox struct {
	byID    map[string]*letter
	letters []*letter // as they came
}

type letter struct {
	Event
	taker string // empty: nobody took it yet
}

func (m *mailbox) offer(e Event, now time.Time) bool {
	m.expire(now)
	if m.byID[e.ID] != nil {
		return false
	}
	l := &letter{Event: e}
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
		if l.taker == taker {
			return l.Event, true
		}
		if free == nil && l.taker == "" {
			free = l
		}
	}
	if free == nil {
		return Event{}, false
	}
	free.taker = taker
	return free.Event, true
}

func (m *mailbox) putBack(id, taker string) {
	if l := m.byID[id]; l != nil && l.taker == taker {
		l.taker = ""
	}
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
