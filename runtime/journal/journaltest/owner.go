package journaltest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

var ownerTests = []namedTest{
	{"Leases", testLeases},
	{"LeasesAreDisjoint", testLeasesAreDisjoint},
	{"LostLease", testLostLease},
	{"WhoIsThere", testWhoIsThere},
	{"Notes", testNotes},
	{"TwoOwners", testTwoOwners},
	{"Unfinished", testUnfinished},
	{"Due", testDue},
	{"Shards", testShards},
}

func (b *bench) lease(owner string, want int) journal.Shards {
	b.Helper()
	return b.share(owner, want).Shards
}

func (b *bench) share(owner string, want int) journal.Share {
	b.Helper()
	s, err := b.d.Lease(b.Context(), owner, want, time.Minute)
	b.ok(err)
	return s
}

// testWhoIsThere counts owners as they come and go.
func testWhoIsThere(b *bench) {
	b.same("alone", b.share("b", journal.NumShards).Owners, []string{"b"})
	b.same("one joins, and gets nothing yet", b.share("a", 32), journal.Share{Owners: []string{"a", "b"}})
	b.clock.advance(30 * time.Second)
	kept := b.share("b", 32)
	b.same("too many are kept", kept, journal.Share{Shards: journal.AllShards, Owners: []string{"a", "b"}})
	b.ok(b.d.Release(b.Context(), "b", 0xffff_ffff))
	b.same("part of the one who joins", b.share("a", 32), journal.Share{Shards: 0xffff_ffff, Owners: []string{"a", "b"}})
	b.same("part of the first", b.share("b", 32).Shards, journal.Shards(0xffff_ffff<<32))

	b.same("one is about to leave", b.share("b", 0), journal.Share{Shards: 0xffff_ffff << 32, Owners: []string{"a"}})
	b.same("the other sees it", b.share("a", 64), journal.Share{Shards: 0xffff_ffff, Owners: []string{"a"}})
	b.same("one comes back", b.share("b", 1).Owners, []string{"a", "b"})
	b.clock.advance(time.Minute)
	b.same("both were away", b.share("c", 1).Owners, []string{"c"})
}

// testNotes tells owners of runs: the one who holds a run's shard hears, and
// nobody else.
func testNotes(b *bench) {
	ids := map[journal.Shards]string{} // one of each half
	low := journal.Shards(0xffff_ffff)
	for i := 0; len(ids) < 2; i++ {
		id := fmt.Sprintf("run%d", i)
		half := low
		if !low.Has(id) {
			half = ^low
		}
		ids[half] = id
	}
	ears := map[string]*ear{"a": newEar(), "b": newEar()}
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	for name, e := range ears {
		b.ok(b.d.Hear(ctx, name, e.hear))
	}
	b.tell(journal.Note{Run: ids[low]}) // nobody holds the shard: nothing is to be known of it
	b.lease("a", journal.NumShards)
	b.ok(b.d.Release(b.Context(), "a", ^low))
	b.same("shards of b", b.lease("b", journal.NumShards), ^low)

	b.tell(journal.Note{Run: ids[low]}, journal.Note{Run: ids[^low], Cancel: true, Reason: "enough"})
	b.same("a hears", ears["a"].next(b), journal.Note{Run: ids[low]})
	b.same("b hears", ears["b"].next(b), journal.Note{Run: ids[^low], Cancel: true, Reason: "enough"})

	b.clock.advance(time.Minute)
	b.tell(journal.Note{Run: ids[low], Reason: "for nobody"})
	b.same("taken over", b.lease("b", journal.NumShards), journal.AllShards)
	b.tell(journal.Note{Run: ids[low], Reason: "for the new owner"})
	b.same("b hears", ears["b"].next(b), journal.Note{Run: ids[low], Reason: "for the new owner"})
	ears["a"].silent(b)
	ears["b"].silent(b)
}

func (b *bench) tell(notes ...journal.Note) {
	b.Helper()
	for _, n := range notes {
		b.ok(b.d.Tell(b.Context(), n))
	}
}

// ear remembers what it hears.
type ear struct{ heard chan journal.Note }

func newEar() *ear { return &ear{make(chan journal.Note, 100)} }

func (e *ear) hear(n journal.Note) { e.heard <- n }

// next is what is heard next, which may take a while.
func (e *ear) next(b *bench) journal.Note {
	b.Helper()
	select {
	case n := <-e.heard:
		return n
	case <-b.Context().Done():
		b.Fatal("nothing is heard")
		return journal.Note{}
	}
}

// silent fails if there is more.
func (e *ear) silent(b *bench) {
	b.Helper()
	if len(e.heard) > 0 {
		b.Fatalf("one hears %+v, which is for another", <-e.heard)
	}
}

func testLeases(b *bench) {
	half := b.lease("a", journal.NumShards/2)
	b.same("half", half.Len(), journal.NumShards/2)
	b.same("renewed", b.lease("a", 0), half)
	rest := b.lease("b", journal.NumShards)
	b.same("the rest", rest, ^half)
	b.same("nothing left", b.lease("c", 1), journal.Shards(0))

	b.ok(b.d.Release(b.Context(), "b", half)) // not b's to release
	b.same("still held", b.lease("a", journal.NumShards), half)
	b.ok(b.d.Release(b.Context(), "b", rest))
	b.same("released", b.lease("a", journal.NumShards), journal.AllShards)

	b.clock.advance(time.Minute - 1)
	b.same("just before the end", b.lease("c", journal.NumShards), journal.Shards(0))
	b.clock.advance(1)
	b.same("expired", b.lease("c", 5).Len(), 5)
	b.same("taken up again", b.lease("a", journal.NumShards).Len(), journal.NumShards-5)
}

func testLeasesAreDisjoint(b *bench) {
	for range 5 {
		var mu sync.Mutex
		var all journal.Shards
		sum := 0
		together(4, func(i int) {
			s := b.lease(fmt.Sprintf("owner%d", i), 20)
			mu.Lock()
			defer mu.Unlock()
			all |= s
			sum += s.Len()
		})
		b.same("shards", all, journal.AllShards)
		b.same("leases", sum, journal.NumShards)
		b.clock.advance(time.Minute)
	}
}

// testLostLease is the story of an owner that was away for too long.
func testLostLease(b *bench) {
	b.same("leased", b.lease("old", journal.NumShards), journal.AllShards)
	b.begin("a", run.CallStarted{At: at(1), Place: place("n1"), Method: "POST", URL: "https://example.com"})

	b.clock.advance(time.Minute)
	b.same("taken over", b.lease("new", journal.NumShards), journal.AllShards)
	b.same("what there is to do", b.unfinished(journal.AllShards), []string{"a"})
	lost := run.CallReplied{At: at(2), Place: place("n1"), Reply: run.Reply{Failure: "interrupted"}}
	b.append("a", 2, lost)

	late := run.CallReplied{At: at(3), Place: place("n1"), Reply: run.Reply{Status: 200}}
	if err := b.d.Append(b.Context(), "a", 2, one(late)); !errors.Is(err, journal.ErrConflict) {
		b.Fatalf("append of the owner that lost its lease: error %v, want ErrConflict", err)
	}
	b.same("lost", b.lease("old", journal.NumShards), journal.Shards(0))
	b.same("events", b.events("a")[2], run.Event(lost))
}

// testTwoOwners lets two owners drive one run, each believing that it is the
// only one: whatever they do, the run is one line of events that both can read.
func testTwoOwners(b *bench) {
	const steps = 20
	b.begin("a")
	var appended [2][]int
	together(2, func(i int) {
		for seen := 1; seen < steps; {
			err := b.d.Append(b.Context(), "a", seen, one(finished(fmt.Sprintf("owner%d", i))))
			switch {
			case err == nil:
				appended[i] = append(appended[i], seen)
				seen++
			case errors.Is(err, journal.ErrConflict):
				seen = len(b.events("a"))
			default:
				b.Error(err)
				return
			}
		}
	})
	events := b.events("a")
	b.same("number of events", len(events), steps)
	for i, places := range appended {
		for _, place := range places {
			b.same("who appended", events[place].(run.NodeFinished).Node, fmt.Sprintf("owner%d", i))
		}
	}
	b.same("appends", len(appended[0])+len(appended[1]), steps-1)
	b.audit()
}

func testUnfinished(b *bench) {
	var ids []string
	for i := range 12 {
		id := fmt.Sprintf("run%02d", i)
		s := started(id)
		s.At = at(time.Duration(-i) * time.Second) // the later a run is begun here, the older it is
		b.append(id, 0, s)
		ids = append(ids, id)
	}
	slices.Reverse(ids)
	b.append("run03", 1, sleeping(time.Hour))
	b.append("run04", 1, awaiting("paid", "7"))
	b.append("run06", 1, pausedBy("onTimeout"))
	b.same("unfinished", b.unfinished(journal.AllShards), ids)
	b.append("run03", 2, ended(run.Completed, "success"))
	b.append("run04", 2, run.RunCancelled{At: at(1)})
	b.append("run05", 1, ended(run.Failed, "onError"))
	ids = slices.DeleteFunc(ids, func(id string) bool { return id == "run03" || id == "run04" || id == "run05" })
	b.same("after three ended", b.unfinished(journal.AllShards), ids)
	for range b.d.Unfinished(b.Context(), journal.AllShards) {
		break // whoever has seen enough may go
	}
	b.audit()
}

func testDue(b *bench) {
	b.begin("c", sleeping(3*time.Minute))
	b.begin("a", sleeping(time.Minute))
	wait := awaiting("paid", "7")
	wait.Due = noon.Add(2 * time.Minute)
	b.begin("b", wait)
	b.begin("forever", awaiting("paid", "8"))
	b.begin("busy")
	b.begin("paused", pausedBy("onTimeout"))
	far := sleeping(0)
	far.Due = noon.AddDate(1000, 0, 0)
	b.begin("far", far)

	b.same("none yet", b.due(time.Minute, 10), none)
	b.same("one", b.due(time.Minute+1, 10), []string{"a"})
	b.same("earliest first", b.due(time.Hour, 10), []string{"a", "b", "c"})
	b.same("not more than asked for", b.due(time.Hour, 2), []string{"a", "b"})
	b.append("a", 2, run.TimerFired{At: at(1), Place: place("nap"), Kind: run.TimerSleep})
	b.append("b", 2, run.EventReceived{At: at(1), Place: place("gate"), Name: "paid", Key: "7"})
	b.append("c", 2, run.RunCancelled{At: at(1)})
	b.same("fired, received, cancelled", b.due(time.Hour, 10), none)
}

// testShards divides the runs among the shards: each is in its own.
func testShards(b *bench) {
	var union []string
	for i := range 40 {
		b.begin(fmt.Sprintf("run%d", i), sleeping(time.Minute))
	}
	for i := range journal.NumShards {
		shard := journal.Shards(1) << i
		ids := b.unfinished(shard)
		timers, err := b.d.Due(b.Context(), shard, noon.Add(time.Hour), 100)
		b.ok(err)
		b.same("timers of a shard", len(timers), len(ids))
		for _, id := range ids {
			b.same("shard of "+id, journal.ShardOf(id), i)
		}
		union = append(union, ids...)
	}
	slices.Sort(union)
	b.same("all shards", union, slices.Sorted(slices.Values(b.unfinished(journal.AllShards))))
}
