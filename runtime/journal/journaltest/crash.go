package journaltest

import (
	"fmt"
	"os"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

var crashTests = []namedTest{
	{"Reopen", testReopen},
	{"AfterEachAppend", testCrashAfterEachAppend},
	{"TornWrite", testTornWrite},
	{"MovedFolder", testMovedFolder},
}

func testReopen(b *bench) {
	ctx := b.Context()
	all := b.variety(21)
	key := journal.Dedupe{Scope: "f", Key: "1", For: time.Hour}
	_, err := b.d.Begin(ctx, "keyed", key, one(started("keyed")))
	b.ok(err)
	b.begin("gate", awaiting("paid", "7"))
	for _, id := range []string{"e1", "e2"} {
		b.offer(id, "paid", "7")
	}
	b.take("paid", "7", "gate")
	b.ok(b.d.PutBlob(ctx, "flow-1", []byte("of flow-1")))
	b.lease("a", journal.NumShards)

	b.reopen()
	b.audit()
	b.same("number of runs", len(b.all(journal.Filter{})), len(all)+2)
	holder, err := b.d.Begin(ctx, "keyed again", key, one(started("keyed again")))
	b.ok(err)
	b.same("holder", holder, "keyed")
	b.same("taken before", b.take("paid", "7", "gate"), "e1")
	b.same("taken by another", b.take("paid", "7", "other"), "e2")
	b.same("duplicate", b.offer("e1", "paid", "7"), false)
	b.hasBlobs("flow-1")
	b.append("keyed", 1, finished("n1"))
}

// life is a run that waits twice and ends, one append each.
func life(id string) []run.Event {
	return []run.Event{
		started(id),
		sleeping(time.Minute),
		run.TimerFired{At: at(time.Minute), Place: place("nap"), Kind: run.TimerSleep},
		awaiting("paid", id),
		run.EventReceived{At: at(2 * time.Minute), Place: place("gate"), Name: "paid", Key: id},
		ended(run.Completed, "success"),
	}
}

// testCrashAfterEachAppend looks at what is left if the process ends right
// after each append: everything up to it, and the run can go on.
func testCrashAfterEachAppend(b *bench) {
	events := life("a")
	for i, e := range events {
		b.append("a", i, e)
		left := b.crashed()
		left.same("events after a crash", left.events("a"), events[:i+1])
		left.audit()
		if i+1 < len(events) {
			left.append("a", i+1, events[i+1])
		}
		left.ok(left.d.Close())
	}
}

// testTornWrite cuts the end of what was written, as a loss of power may do
// with what was not yet on disk. What is left is what was there at some time
// before, whole.
func testTornWrite(b *bench) {
	if b.setup.Tail == nil {
		b.Skip("this driver's writes cannot be torn")
	}
	const runs = 3
	var order []string // the run of each append
	for i := range life("") {
		for n := range runs {
			id := fmt.Sprintf("run%d", n)
			b.append(id, i, life(id)[i])
			order = append(order, id)
		}
	}
	info, err := os.Stat(b.setup.Tail(b.dir))
	b.ok(err)
	const cuts = 12
	before := len(order)
	for cut := range int64(cuts) {
		left := b.torn(info.Size() * (cuts - 1 - cut) / cuts)
		kept := 0
		want := map[string]int{}
		for _, sum := range left.all(journal.Filter{}) {
			kept += sum.Events
		}
		if kept > before {
			b.Fatalf("cut %d: %d appends are left, and %d of a longer file", cut, kept, before)
		}
		before = kept
		for _, id := range order[:kept] {
			want[id]++
		}
		for id, n := range want {
			left.same("events of "+id, left.events(id), life(id)[:n])
		}
		left.audit()
		left.ok(left.d.Close())
	}
	if before == len(order) {
		b.Fatal("nothing was cut")
	}
}

// testMovedFolder opens a copy of a folder that was closed.
func testMovedFolder(b *bench) {
	all := b.variety(5)
	b.ok(b.d.Close())
	left := b.crashed()
	left.same("runs", left.all(journal.Filter{}), all)
	left.audit()
}

// crashed opens a copy of the folder as it is on disk now.
func (b *bench) crashed() *bench {
	b.Helper()
	return b.torn(-1)
}

// torn does the same, with the tail cut off at a length.
func (b *bench) torn(length int64) *bench {
	b.Helper()
	left := &bench{T: b.T, setup: b.setup, dir: b.TempDir(), clock: b.clock}
	b.ok(os.CopyFS(left.dir, os.DirFS(b.dir)))
	if length >= 0 {
		b.ok(os.Truncate(b.setup.Tail(left.dir), length))
	}
	left.d = left.open(left.dir)
	return left
}
