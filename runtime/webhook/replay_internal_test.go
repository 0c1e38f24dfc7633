package webhook

import (
	"encoding/binary"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/outbound"
)

func proven(n int, until time.Time) outbound.Proven {
	p := outbound.Proven{Until: until}
	binary.BigEndian.PutUint64(p.Mark[:], uint64(n))
	return p
}

// TestReplays: a proof is taken once until it is too old, again if it made no
// run, and at one webhook again and again if that answers repeats.
func TestReplays(t *testing.T) {
	t.Parallel()
	var r replays
	now := time.Unix(1_800_000_000, 0)
	take := func(n int, hook string, repeats bool, at time.Time, want bool) {
		t.Helper()
		if err := r.take(proven(n, now.Add(time.Minute)), hook, repeats, at); (err == nil) != want {
			t.Errorf("proof %d at %s: %v", n, hook, err)
		}
	}
	take(1, "a", false, now, true)
	take(1, "a", false, now, false)
	take(1, "b", false, now, false)
	take(2, "a", true, now, true)
	take(2, "a", true, now, true)
	take(2, "b", true, now, false)
	r.give(proven(1, now).Mark)
	take(1, "b", false, now, true)
	take(1, "b", false, now.Add(time.Minute), false)
	// The first turn of proof 1 ends; its second is another.
	take(3, "a", false, now.Add(time.Minute+1), true)
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
		if err := r.take(proven(n, now.Add(time.Hour)), "a", false, now); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.used) != mostMarks || len(r.order) != mostMarks {
		t.Errorf("%d proofs are remembered in %d turns", len(r.used), len(r.order))
	}
	if r.take(proven(0, now.Add(time.Hour)), "a", false, now) != nil || r.take(proven(mostMarks, now.Add(time.Hour)), "a", false, now) == nil {
		t.Error("not the first were forgotten")
	}
}
