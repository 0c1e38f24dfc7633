package webhook

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/outbound"
)

func proven(n int, until time.Time) outbound.Proven {
	p := outbound.Proven{Until: until}
	binary.BigEndian.PutUint64(p.Mark[:], uint64(n))
	return p
}

// TestReplays: a proof is taken once until it is too old, again if it made no
// run, and again and again with the same dedupe key.
func TestReplays(t *testing.T) {
	t.Parallel()
	var r replays
	now := time.Unix(1_800_000_000, 0)
	take := func(n int, dedupe journal.Dedupe, at time.Time, want bool) (give func()) {
		t.Helper()
		give, err := r.take(proven(n, now.Add(time.Minute)), dedupe, at)
		if (err == nil) != want {
			t.Errorf("proof %d with %+v: %v", n, dedupe, err)
		}
		return give
	}
	none, a := journal.Dedupe{}, journal.Dedupe{Scope: "a", Key: "1"}
	give := take(1, none, now, true)
	take(1, none, now, false)
	take(1, a, now, false)
	take(2, a, now, true)
	take(2, a, now, true)() // was not its own
	take(2, journal.Dedupe{Scope: "a", Key: "2"}, now, false)
	take(2, journal.Dedupe{Scope: "b", Key: "1"}, now, false)
	take(2, none, now, false)
	give()
	take(1, a, now, true)
	take(1, none, now.Add(time.Minute), false)
	// The first turn of proof 1 ends; its second is another.
	take(3, none, now.Add(time.Minute+1), true)
	if len(r.used) != 1 || len(r.order) != 1 {
		t.Errorf("%d proofs are remembered in %d turns, want the last", len(r.used), len(r.order))
	}
}

// TestReplaysAreBounded: what came first is forgotten for what comes, and with it
// all memory but its own.
func TestReplaysAreBounded(t *testing.T) {
	t.Parallel()
	var r replays
	now := time.Unix(1_800_000_000, 0)
	for n := range mostMarks + 10 {
		if _, err := r.take(proven(n, now.Add(time.Hour)), journal.Dedupe{}, now); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.used) != mostMarks || len(r.order) != mostMarks {
		t.Errorf("%d proofs are remembered in %d turns", len(r.used), len(r.order))
	}
	if _, err := r.take(proven(0, now.Add(time.Hour)), journal.Dedupe{}, now); err != nil {
		t.Error("the first is remembered")
	}
	if _, err := r.take(proven(mostMarks, now.Add(time.Hour)), journal.Dedupe{}, now); err == nil {
		t.Error("a later one is forgotten")
	}
}
