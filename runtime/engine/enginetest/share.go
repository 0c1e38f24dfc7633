package enginetest

import (
	"errors"
	"time"

	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/journal"
)

// settled is how long engines may take to share what there is anew: those who
// have too much see it with their next lease, and the others get it with
// theirs.
const settled = 25 * time.Second

// takenOver is how long it may take until a dead engine's work goes on: the
// rest of its lease, and then the next one of the others.
const takenOver = 45 * time.Second

func testFairParts(b *bench) {
	b.boot()
	b.same("one has all at once", b.parts(), []int{64})
	b.boot()
	b.pass(settled)
	b.same("two", b.parts(), []int{32, 32})
	third := b.boot()
	b.pass(settled)
	b.same("three", b.parts(), []int{22, 21, 21})
	b.pass(10 * time.Minute)
	b.same("three, later", b.parts(), []int{22, 21, 21})
	third.stop()
	b.pass(settled)
	b.same("one left", b.parts(), []int{32, 32})
	b.live[0].kill()
	b.pass(takenOver)
	b.same("one died", b.parts(), []int{64})
}

// testOwnRuns starts runs everywhere: each falls into a shard of the engine
// that it was started with, and is driven there.
func testOwnRuns(b *bench) {
	for range 3 {
		b.boot()
	}
	b.pass(2 * settled)
	b.vendor.takes(10 * time.Second)
	var ids []string
	for range 20 {
		for _, p := range b.live {
			id := p.start("charge", nil)
			if !p.Shards().Has(id) || p.Find(id) == nil {
				b.Fatalf("run %s is in shard %d, which its engine does not have", id, journal.ShardOf(id))
			}
			ids = append(ids, id)
		}
	}
	b.same("ends", b.ended(ids), map[string]int{"completed success": 60})
	all, again := b.calls()
	b.same("calls", []int{all, again}, []int{60, 0})
}

// testOneJoins lets an engine come while another has runs of all kinds: those
// that call are finished where they are, the others may move, and none is lost
// or doubled.
func testOneJoins(b *bench) {
	first := b.boot()
	b.vendor.takes(40 * time.Second)
	var ids []string
	for range 40 {
		ids = append(ids, first.start("charge", nil), first.start("put", nil), first.start("later", nil), first.start("gate", map[string]any{"key": "k"}))
	}
	b.pass(5 * time.Second)
	second := b.boot()
	_, _, err := second.Start(b.Context(), engine.Start{Flow: b.flows["charge"]})
	if !errors.Is(err, engine.ErrNoShards) || !errors.Is(second.Ready(), engine.ErrNoShards) {
		b.Errorf("Start of one that has no part yet: %v; Ready: %v", err, second.Ready())
	}
	b.pass(settled)
	b.ok(second.Ready())
	for _, id := range ids {
		if second.Find(id) != nil {
			b.Errorf("run %s was taken in the middle of a call", id)
		}
	}
	b.pass(settled)
	b.same("parts", b.parts(), []int{32, 32})
	b.vendor.takes(time.Second)
	b.same("ends", b.ended(ids), map[string]int{"completed success": 120, "failed late": 40})
	all, again := b.calls()
	b.same("calls", []int{all, again}, []int{120, 0})
}

// testRunsMove lets an engine come while the other has runs that take long and
// never wait: they move between two calls.
func testRunsMove(b *bench) {
	first := b.boot()
	b.vendor.takes(5 * time.Second)
	var ids []string
	for range 200 {
		ids = append(ids, first.start("chain", nil))
	}
	b.pass(time.Second)
	second := b.boot()
	b.pass(settled)
	b.same("parts", b.parts(), []int{32, 32})
	moved := 0
	for _, id := range ids {
		if second.Find(id) != nil {
			moved++
		}
		if b.summary(id).Status.Ended() {
			b.Fatalf("run %s is over: the test shows nothing", id)
		}
	}
	if moved < 20 {
		b.Errorf("%d runs of 200 have moved", moved)
	}
	b.same("ends", b.ended(ids), map[string]int{"completed success": 200})
	all, again := b.calls()
	b.same("calls", []int{all, again}, []int{200 * 12, 0})
}

// testOneLeaves stops an engine in an orderly way: what it does not finish in
// its time goes on elsewhere.
func testOneLeaves(b *bench) {
	first, second := b.boot(), b.boot()
	b.pass(settled)
	b.vendor.takes(5 * time.Second)
	var ids []string
	for range 20 {
		for _, name := range []string{"charge", "put", "soon", "later"} {
			ids = append(ids, first.start(name, nil), second.start(name, nil))
		}
	}
	b.pass(time.Second)
	first.stop()
	b.pass(settled)
	b.same("parts", b.parts(), []int{64})
	if _, _, err := first.Start(b.Context(), engine.Start{Flow: b.flows["charge"]}); err == nil {
		b.Error("an engine that was stopped starts a run")
	}
	b.same("ends", b.ended(ids), map[string]int{"completed success": 160})
	all, again := b.calls()
	b.same("calls", []int{all, again}, []int{160, 0})
}
