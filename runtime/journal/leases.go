package journal

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Leases are the owners in one process, their leases and what they tell each
// other. Drivers that no other process can share keep theirs here: when the
// process is gone, so are its owners. The zero value is ready to use and safe
// for concurrent use.
type Leases struct {
	mu      sync.Mutex
	held    [NumShards]lease
	there   map[string]time.Time // owners that want shards, and until when
	hearing map[string]*ear
}

type lease struct {
	owner string
	until time.Time
}

type ear struct{ hear func(Note) }

// Lease is Owners.Lease at the given time.
func (l *Leases) Lease(now time.Time, owner string, want int, ttl time.Duration) Share {
	l.mu.Lock()
	defer l.mu.Unlock()
	until := now.Add(ttl)
	l.present(now, owner, want, until)
	share := Share{Owners: slices.Sorted(maps.Keys(l.there))}
	for i, h := range l.held {
		if h.owner == owner {
			share.Shards |= 1 << i
		}
	}
	for i, h := range l.held {
		if share.Shards.Len() >= want {
			break
		}
		if !now.Before(h.until) {
			share.Shards |= 1 << i
		}
	}
	for i := range share.Shards.All() {
		l.held[i] = lease{owner, until}
	}
	return share
}

// present notes who is there.
func (l *Leases) present(now time.Time, owner string, want int, until time.Time) {
	if l.there == nil {
		l.there = map[string]time.Time{}
	}
	maps.DeleteFunc(l.there, func(_ string, until time.Time) bool { return !now.Before(until) })
	if want > 0 {
		l.there[owner] = until
	} else {
		delete(l.there, owner)
	}
}

// Release is Owners.Release.
func (l *Leases) Release(owner string, s Shards) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range s.All() {
		if l.held[i].owner == owner {
			l.held[i] = lease{}
		}
	}
}

// Hear is Owners.Hear, until stop is called.
func (l *Leases) Hear(owner string, hear func(Note)) (stop func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hearing == nil {
		l.hearing = map[string]*ear{}
	}
	mine := &ear{hear}
	l.hearing[owner] = mine
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.hearing[owner] == mine {
			delete(l.hearing, owner)
		}
	}
}

// Tell is Owners.Tell at the given time.
func (l *Leases) Tell(now time.Time, n Note) {
	l.mu.Lock()
	h := l.held[ShardOf(n.Run)]
	e := l.hearing[h.owner]
	l.mu.Unlock()
	if e != nil && now.Before(h.until) {
		e.hear(n)
	}
}
