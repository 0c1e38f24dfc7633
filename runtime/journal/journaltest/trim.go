package journaltest

import (
	"errors"
	"fmt"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

var trimTests = []namedTest{
	{"Age", testTrimAge},
	{"Bytes", testTrimBytes},
	{"EndedOnly", testTrimEndedOnly},
	{"ManyRuns", testTrimMany},
	{"Children", testTrimChildren},
	{"Expired", testTrimExpired},
	{"Blobs", testTrimBlobs},
}

func (b *bench) trim(r journal.Retention) int {
	b.Helper()
	n, err := b.d.Trim(b.Context(), r)
	b.ok(err)
	return n
}

func (b *bench) ids() []string {
	b.Helper()
	var ids []string
	for _, s := range b.all(journal.Filter{}) {
		ids = append(ids, s.ID)
	}
	return ids
}

// began begins a run at a time, and may end it at another.
func (b *bench) began(id string, start time.Duration, end ...time.Duration) {
	b.Helper()
	s := started(id)
	s.At = at(start)
	events := one(s)
	for _, end := range end {
		events = append(events, run.RunEnded{At: at(end), Status: run.Completed, Outcome: "success"})
	}
	b.append(id, 0, events...)
}

func testTrimAge(b *bench) {
	b.began("running", 0)
	b.began("old", 1, time.Second)
	b.began("long", 2, time.Hour)
	b.began("young", time.Hour, time.Hour)
	b.clock.advance(time.Second)
	b.same("removed when just old enough to stay", b.trim(journal.Retention{Age: 0}), 0)
	b.clock.advance(time.Minute)
	b.same("removed", b.trim(journal.Retention{Age: time.Minute}), 0)
	b.clock.advance(1)
	b.same("removed", b.trim(journal.Retention{Age: time.Minute}), 1)
	b.same("kept", b.ids(), []string{"young", "long", "running"})
	if _, err := b.d.Events(b.Context(), "old"); !errors.Is(err, journal.ErrNotFound) {
		b.Errorf("events of a removed run: error %v, want ErrNotFound", err)
	}
	b.clock.advance(2 * time.Hour)
	b.same("removed", b.trim(journal.Retention{Age: time.Minute}), 2)
	b.same("kept", b.ids(), []string{"running"})
	b.append("running", 1, finished("n1"))
	b.began("old", 0) // its id is free again
	b.audit()
}

// child begins and ends a run that another had made.
func (b *bench) child(id, parent string, start time.Duration) {
	b.Helper()
	s := started(id)
	s.At = at(start)
	s.Parent = &run.Parent{Run: parent, Place: run.Place{Node: "n1", Visit: 1, Attempt: 1}, Depth: 1}
	b.append(id, 0, s, run.RunEnded{At: at(start), Status: run.Completed})
}

// testTrimChildren removes the children of a run with it and not before, however
// many they are and wherever they began.
func testTrimChildren(b *bench) {
	const children = 450 // more than a step of any driver
	b.began("ended", 0, time.Second)
	b.began("running", 0)
	for i := range children {
		b.child(fmt.Sprintf("child%03d", i), "ended", 1)
	}
	b.child("grandchild", "child007", 2)
	b.child("kept", "running", 1)
	b.child("orphan", "gone", 1)
	b.same("children of a run", len(b.all(journal.Filter{Parent: "ended"})), children)
	b.same("children of a child", b.all(journal.Filter{Parent: "child007"})[0].ID, "grandchild")
	b.clock.advance(10 * time.Hour)
	b.same("removed", b.trim(journal.Retention{Age: time.Minute}), children+3)
	b.same("kept", b.ids(), []string{"kept", "running"})
	b.same("removed by size", b.trim(journal.Retention{Bytes: 1}), 0)
	b.append("running", 1, ended(run.Completed, "success"))
	b.same("removed by size", b.trim(journal.Retention{Bytes: 1}), 2)
	b.audit()
}

func testTrimBytes(b *bench) {
	const size = 50_000 // of a run, at least
	for i := range 20 {
		s := started(fmt.Sprintf("run%02d", i))
		s.At = at(time.Duration(i) * time.Second)
		s.Output = map[string]any{"text": noise(size)}
		events := one(s)
		if i%10 != 0 {
			events = append(events, ended(run.Completed, "success"))
		}
		b.append(s.Run, 0, events...)
	}
	b.same("removed for a large store", b.trim(journal.Retention{Bytes: 100 * size}), 0)
	removed := b.trim(journal.Retention{Bytes: 10 * size})
	if removed < 9 || removed > 14 {
		b.Fatalf("removed %d runs to go from 20 to 10, want about 10", removed)
	}
	ids := b.ids()
	b.same("kept", len(ids), 20-removed)
	b.same("the newest is kept", ids[0], "run19")
	b.same("the unfinished are kept", b.unfinished(journal.AllShards), []string{"run00", "run10"})
	if _, err := b.d.Find(b.Context(), "run01"); !errors.Is(err, journal.ErrNotFound) {
		b.Errorf("the oldest ended run is still there: error %v", err)
	}
	b.trim(journal.Retention{Bytes: 1})
	b.same("all ended runs removed", b.ids(), []string{"run10", "run00"})
	b.audit()
}

// testTrimEndedOnly removes all that may be removed: what has not ended stays,
// however old.
func testTrimEndedOnly(b *bench) {
	var unfinished []journal.Summary
	for _, s := range b.variety(21) {
		if !s.Status.Ended() {
			unfinished = append(unfinished, s)
		}
	}
	b.clock.advance(10 * time.Hour)
	b.same("removed by age", b.trim(journal.Retention{Age: time.Minute}), 21-len(unfinished))
	b.same("removed by size", b.trim(journal.Retention{Bytes: 1}), 0)
	b.same("kept", b.all(journal.Filter{}), unfinished)
	b.audit()
}

func testTrimMany(b *bench) {
	const runs = 450 // more than a step of any driver
	together(16, func(i int) {
		for n := i; n < runs; n += 16 {
			b.began(fmt.Sprintf("run%d", n), 0, 1)
		}
	})
	b.began("running", 0)
	b.clock.advance(time.Hour)
	b.same("removed", b.trim(journal.Retention{Age: time.Minute}), runs)
	b.same("kept", b.ids(), []string{"running"})
}

func testTrimExpired(b *bench) {
	key := journal.Dedupe{Scope: "f", Key: "1", For: time.Hour}
	_, err := b.d.Begin(b.Context(), "a", key, []run.Event{started("a"), ended(run.Completed, "success")})
	b.ok(err)
	b.offer("e1", "paid", "7")
	b.clock.advance(time.Minute)
	b.trim(journal.Retention{Age: time.Second})
	b.same("runs", b.ids(), none)
	holder, err := b.d.Begin(b.Context(), "b", key, one(started("b")))
	b.ok(err)
	b.same("a key goes with its run", holder, "b")
	b.same("an event is kept", b.take("paid", "7", "x"), "e1")
	b.clock.advance(time.Hour)
	b.trim(journal.Retention{})
	b.same("an expired event", b.take("paid", "7", "x"), "")
}

func testTrimBlobs(b *bench) {
	ctx := b.Context()
	for _, digest := range []string{"flow-1", "plugin-1", "flow-2", "new"} {
		b.ok(b.d.PutBlob(ctx, digest, []byte("of "+digest)))
	}
	b.begin("a", ended(run.Completed, "success"))
	second := started("b")
	second.FlowDigest = "flow-2"
	b.append("b", 0, second)
	b.trim(journal.Retention{})
	b.hasBlobs("flow-1", "plugin-1", "flow-2", "new")
	if !b.setup.Persists {
		return
	}
	b.reopen()
	b.ok(b.d.PutBlob(ctx, "flow-3", []byte("of flow-3")))
	b.trim(journal.Retention{})
	b.hasBlobs("flow-1", "plugin-1", "flow-2", "flow-3")
	b.noBlob("new")
	b.clock.advance(time.Hour)
	b.same("removed", b.trim(journal.Retention{Age: time.Minute}), 1)
	b.noBlob("flow-1")
	b.hasBlobs("flow-2", "plugin-1", "flow-3")
}

func (b *bench) hasBlobs(digests ...string) {
	b.Helper()
	for _, digest := range digests {
		data, err := b.d.Blob(b.Context(), digest)
		b.ok(err)
		b.same("blob "+digest, string(data), "of "+digest)
	}
}

func (b *bench) noBlob(digest string) {
	b.Helper()
	if _, err := b.d.Blob(b.Context(), digest); !errors.Is(err, journal.ErrNotFound) {
		b.Errorf("blob %q: error %v, want ErrNotFound", digest, err)
	}
}
