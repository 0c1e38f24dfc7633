package webhook

import (
	"errors"
	"sync"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/outbound"
)

// replays remembers proofs that were used, for as long as they would be taken
// again. It knows mostMarks of them at most, those that came last, and none of
// before the start. It is safe for concurrent use.
type replays struct {
	mu    sync.Mutex
	used  map[outbound.Mark]use
	order []turn // as they came; of one given back it has what is no more
	turns uint64
}

type use struct {
	key  dedupeKey // of the request
	turn uint64
}

// dedupeKey tells by what a request gets the answer of another; it is zero if by
// nothing.
type dedupeKey struct{ scope, key string }

type turn struct {
	mark  outbound.Mark
	until time.Time
	turn  uint64
}

// mostMarks bounds the memory that signed requests can fill, to some 30 MB.
const mostMarks = 100_000

var errReplayed = errors.New("the signature was used already: a sender that tries again signs anew")

// take notes that a proof is used by a request; give takes that back. It is an
// error if it was used before, unless by one with the same key, whose answer the
// request will get.
func (r *replays) take(proven outbound.Proven, dedupe journal.Dedupe, now time.Time) (give func(), err error) {
	key := dedupeKey{dedupe.Scope, dedupe.Key}
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.order) > 0 && (len(r.order) >= mostMarks || now.After(r.order[0].until)) {
		r.forget()
	}
	if before, known := r.used[proven.Mark]; known {
		if key != (dedupeKey{}) && before.key == key {
			return func() {}, nil
		}
		return nil, errReplayed
	}
	if r.used == nil {
		r.used = map[outbound.Mark]use{}
	}
	r.turns++
	r.used[proven.Mark] = use{key, r.turns}
	r.order = append(r.order, turn{proven.Mark, proven.Until, r.turns})
	return func() { r.give(proven.Mark) }, nil
}

// forget forgets the proof that came first.
func (r *replays) forget() {
	first := r.order[0]
	r.order = r.order[1:]
	if r.used[first.mark].turn == first.turn {
		delete(r.used, first.mark)
	}
}

// give says that what was taken made no run, so that it may come again.
func (r *replays) give(mark outbound.Mark) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.used, mark)
}
