package journal

import (
	"sync"
	"time"
)

// Leases are the leases of owners in one process. Drivers that no other
// process can share keep theirs here: when the process is gone, so are its
// owners. The zero value is ready to use and safe for concurrent use.
type Leases struct {
	mu   sync.Mutex
	held [NumShards]lease
}

type lease struct {
	owner string
	until time.Time
}

// Lease is Owners.Lease at the given time.
func (l *Leases) Lease(now time.Time, owner string, want int, ttl time.Duration) Shards {
	l.mu.Lock()
	defer l.mu.Unlock()
	var mine Shards
	for i, h := range l.held {
		if h.owner == owner {
			mine |= 1 << i
		}
	}
	for i, h := range l.held {
		if mine.Len() >= want {
			break
		}
		if !now.Before(h.until) {
			mine |= 1 << i
		}
	}
	for i := range mine.All() {
		l.held[i] = lease{owner, now.Add(ttl)}
	}
	return mine
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
