package journal

import (
	"maps"
	"slices"
	"time"
)

// MaxKeys is how many dedupe keys a Memory holds. Only runs that go on can have
// so many, for those that have ended are soon forgotten.
const MaxKeys = 100_000

type dedupeKey struct{ scope, key string }

type holder struct {
	run     string
	expires time.Time
	print   string
}

// keys are the dedupe keys that runs hold. Those of a run go with it.
type keys struct {
	held    map[dedupeKey]holder
	byRun   map[string][]dedupeKey
	swept   time.Time // when those that expired were looked for
	refused int       // runs that got none
}

func newKeys() keys { return keys{held: map[dedupeKey]holder{}, byRun: map[string][]dedupeKey{}} }

// room tells whether one more can be held. When they are many it forgets those
// that expired, seldom enough to cost little.
func (k *keys) room(key dedupeKey, now time.Time) bool {
	if _, known := k.held[key]; known {
		return true
	}
	if passed := now.Sub(k.swept); len(k.held) >= 1000 && (passed >= time.Second || passed < 0) {
		k.expire(now)
		k.swept = now
	}
	if len(k.held) < MaxKeys {
		return true
	}
	k.refused++
	return false
}

// hold gives a key to a run, whoever had it.
func (k *keys) hold(key dedupeKey, h holder) {
	k.release(key, k.held[key].run)
	k.held[key] = h
	k.byRun[h.run] = append(k.byRun[h.run], key)
}

// release takes a key from a run.
func (k *keys) release(key dedupeKey, run string) {
	rest := slices.DeleteFunc(k.byRun[run], func(one dedupeKey) bool { return one == key })
	if len(rest) == 0 {
		delete(k.byRun, run)
		return
	}
	k.byRun[run] = rest
}

// pass gives what one run holds to another.
func (k *keys) pass(from, to string) {
	for _, key := range slices.Clone(k.byRun[from]) {
		h := k.held[key]
		h.run = to
		k.hold(key, h)
	}
}

// drop frees what a run holds.
func (k *keys) drop(run string) {
	for _, key := range k.byRun[run] {
		delete(k.held, key)
	}
	delete(k.byRun, run)
}

func (k *keys) expire(now time.Time) {
	maps.DeleteFunc(k.held, func(key dedupeKey, h holder) bool {
		over := !now.Before(h.expires)
		if over {
			k.release(key, h.run)
		}
		return over
	})
}

// Keys is how many dedupe keys are held, how many may be, and how often a run
// was refused since there were no more.
func (m *Memory) Keys() (n, most, refused int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys.expire(m.Now())
	return len(m.keys.held), MaxKeys, m.keys.refused
}
