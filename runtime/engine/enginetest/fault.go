package enginetest

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/wendflow/wend/runtime/journal"
)

func testOneDies(b *bench) {
	for range 3 {
		b.boot()
	}
	b.pass(2 * settled)
	b.vendor.takes(20 * time.Second)
	dying := b.live[1]
	var charges, puts, waits []string
	for range 10 {
		charges = append(charges, dying.start("charge", nil))
		puts = append(puts, dying.start("put", nil))
		waits = append(waits, dying.start("later", nil), dying.start("soon", nil))
	}
	b.pass(time.Second)
	dying.kill()
	b.pass(takenOver)
	b.same("parts", b.parts(), []int{32, 32})
	b.same("calls that must not be repeated", b.ended(charges), map[string]int{"failed interrupted": 10})
	b.same("calls that may be", b.ended(puts), map[string]int{"completed success": 10})
	b.same("waits", b.ended(waits), map[string]int{"completed success": 20})
	all, again := b.calls()
	b.same("calls", []int{all, again}, []int{50, 10})
}

// testOneIsStopped stops a process for longer than its lease, in whatever it is
// doing, and lets it go on when others have its work: it makes no call, it
// changes no run, and it gets a new part.
func testOneIsStopped(b *bench) {
	stopped, other := b.boot(), b.boot()
	b.pass(settled)
	b.vendor.takes(20 * time.Second)
	var ids []string
	for range 20 {
		for _, name := range []string{"charge", "put", "soon", "later"} {
			ids = append(ids, stopped.start(name, nil))
		}
	}
	b.pass(time.Second)
	stopped.freeze()
	b.pass(takenOver)
	b.same("parts", other.Shards(), journal.AllShards)
	b.pass(time.Minute)
	before, _ := b.calls()
	stopped.thaw()
	b.pass(5 * time.Second)
	for _, id := range ids {
		if stopped.Find(id) != nil && other.Find(id) != nil {
			b.Errorf("run %s is driven by two", id)
		}
	}
	b.same("parts", other.Shards().Len()+stopped.Shards().Len() <= journal.NumShards, true)
	b.pass(settled)
	b.same("parts", b.parts(), []int{32, 32})
	after, again := b.calls()
	b.same("calls of the one who was stopped", after-before, 0)
	b.same("calls that may be repeated", again, 20)
	b.same("ends", b.ended(ids), map[string]int{"completed success": 60, "failed interrupted": 20})
}

// testStoppedAnywhere stops a process for longer than its lease at each place
// of a run where that may matter, the last moment before a call that must not
// be repeated among them. The run ends with the other engine, the call comes
// once at most, and not at all from who had lost the run before.
func testStoppedAnywhere(b *bench) {
	stopped, other := b.boot(), b.boot()
	b.pass(settled)
	for _, tc := range []struct {
		where, ends string
		calls       []int // that are right
	}{
		{"before Append", "completed success", []int{1}},  // of the call: the other makes it
		{"after Append", "failed interrupted", []int{0}},  // on record, and not sent any more
		{"before a call", "failed interrupted", []int{1}}, // too late to know
		{"after a call", "failed interrupted", []int{1}},  // the reply is of no use
		{"before Lease", "completed success", []int{1}},   // the next one
		{"after Lease", "completed success", []int{1}},    // it holds the answer of long ago
	} {
		before, _ := b.calls()
		id := stopped.start("soon", nil)
		b.pass(2 * time.Second) // it waits, in memory
		stopped.freezeAt(tc.where)
		b.pass(settled) // it has come there by now
		b.pass(takenOver)
		b.same(tc.where+": parts", other.Shards(), journal.AllShards)
		if !stopped.thawFirst(tc.where) {
			b.Fatalf("nobody came by %q", tc.where)
		}
		b.same(tc.where, b.ended([]string{id}), map[string]int{tc.ends: 1})
		b.pass(2 * settled)
		b.same(tc.where+": parts", b.parts(), []int{32, 32})
		after, again := b.calls()
		if !slices.Contains(tc.calls, after-before) || again > 0 {
			b.Errorf("%s: %d calls, want %v", tc.where, after-before, tc.calls)
		}
	}
}

// testStoppedWithAnEvent stops a process that has taken an event out of the
// mailbox for a run. The other engine receives it in its place, and no second
// run does when the first engine is back.
func testStoppedWithAnEvent(b *bench) {
	stopped, other := b.boot(), b.boot()
	b.pass(settled)
	first := stopped.start("gate", map[string]any{"key": "k"})
	b.pass(10 * time.Second)
	stopped.freezeAt("after Take")
	other.deliver("k")
	b.pass(time.Second)
	second := other.start("gate", map[string]any{"key": "k"})
	b.pass(takenOver)
	b.same("parts", other.Shards(), journal.AllShards)
	b.same("end of the one it was for", b.ended([]string{first}), map[string]int{"completed success": 1})
	if !stopped.thawFirst("after Take") {
		b.Fatal("nobody took the event")
	}
	b.pass(settled)
	b.same("end of the other", b.ended([]string{second}), map[string]int{"failed late": 1})
}

// testStoppedAtAChange stops a process for longer than its lease beside a change of
// what is kept between runs. The other engine makes that change and the next, and
// who comes back makes neither once more.
func testStoppedAtAChange(b *bench) {
	stopped, other := b.boot(), b.boot()
	b.pass(settled)
	for i, where := range []string{"before Change", "after Change"} {
		id := stopped.start("count-soon", nil)
		b.pass(2 * time.Second) // it waits, in memory
		stopped.freezeAt(where)
		b.pass(settled) // it has come there by now
		b.pass(takenOver)
		b.same(where+": parts", other.Shards(), journal.AllShards)
		b.same(where, b.ended([]string{id}), map[string]int{"completed success": 1})
		if !stopped.thawFirst(where) {
			b.Fatalf("nobody came by %q", where)
		}
		b.pass(2 * settled)
		b.same(where+": parts", b.parts(), []int{32, 32})
		v, err := b.reader.Value(b.Context(), "", "soon")
		b.ok(err)
		b.same(where+": the count", string(v.Data), strconv.Itoa(1001*(i+1)))
	}
}

// testBothAway stops an engine, has another take over and go on with its work,
// and kills that too: the first finds shards that it had before, but not as it
// had them.
func testBothAway(b *bench) {
	stopped, other := b.boot(), b.boot()
	b.pass(settled)
	b.vendor.takes(time.Hour)
	var soon, both, puts []string
	for range 10 {
		soon = append(soon, stopped.start("soon", nil))
		both = append(both, stopped.start("both", nil)) // the first call takes an hour
	}
	b.pass(time.Second)
	stopped.freeze()
	b.vendor.takesFor("PUT", time.Second)
	b.pass(takenOver)
	b.same("parts", other.Shards(), journal.AllShards)
	b.vendor.takes(time.Hour)
	for range 20 {
		puts = append(puts, other.start("put", nil))
	}
	b.pass(time.Second)
	other.kill()
	b.vendor.takes(time.Second)
	b.pass(takenOver)
	stopped.thaw()
	b.pass(settled)
	b.same("parts", b.parts(), []int{64})
	b.pass(settled)
	b.same("ends of its own", b.ended(soon), map[string]int{"failed interrupted": 10})
	b.same("ends of its own that it drove all the time", b.ended(both), map[string]int{"failed interrupted": 10})
	b.same("ends of the other's", b.ended(puts), map[string]int{"completed success": 20})
	all, again := b.calls()
	b.same("calls", []int{all, again}, []int{10 + 30 + 40, 30})
}

// testKill kills engines at random, and starts others, with work of all kinds
// under way: all that was promised comes to its end, no call that must not
// be repeated is, and nothing is counted twice.
func testKill(b *bench) {
	const kills = 25
	random := rand.New(rand.NewPCG(1, 2))
	b.boot()
	b.boot()
	b.pass(settled)
	var ids []string
	events, counted := 0, 0
	for range kills {
		b.vendor.takes(time.Duration(random.IntN(8000)) * time.Millisecond)
		for range 12 {
			p := b.live[random.IntN(len(b.live))]
			name := []string{"charge", "put", "soon", "gate", "count"}[random.IntN(5)]
			if p.Ready() != nil {
				continue // it joined just now
			}
			key := strconv.Itoa(len(ids))
			ids = append(ids, p.start(name, map[string]any{"key": key}))
			b.pass(time.Duration(random.IntN(300)) * time.Millisecond)
			if name == "count" {
				counted++
			}
			if name == "gate" && random.IntN(2) == 0 {
				b.deliver(b.live[random.IntN(len(b.live))], key)
				events++
			}
		}
		b.harm(random)
		b.pass(time.Duration(random.IntN(60)) * time.Second)
	}
	how := b.ended(ids)
	all, again := b.calls()
	b.Logf("%d runs, %d events, %d calls, %d of them again: %v", len(ids), events, all, again, how)
	for _, outcome := range []string{"completed success", "failed interrupted", "failed late"} {
		if how[outcome] == 0 {
			b.Errorf("no run ended as %q: the test does not show what it should", outcome)
		}
		delete(how, outcome)
	}
	if len(how) > 0 {
		b.Errorf("runs ended as %v", how)
	}
	v, err := b.reader.Value(b.Context(), "", "n")
	b.ok(err)
	b.same("the count", string(v.Data), strconv.Itoa(1001*counted))
	for _, p := range slices.Clone(b.live) {
		p.stop()
	}
}

func (b *bench) deliver(p *process, key string) {
	b.Helper()
	fresh, err := p.Deliver(b.Context(), journal.Event{
		ID: "event-" + key, Name: "open", Key: key, Data: []byte(`{}`), Expires: b.clock.Now().Add(24 * time.Hour),
	})
	b.ok(err)
	b.same("fresh", fresh, true)
}

// harm freezes one engine for longer than its lease, stops it in good order or
// kills it.
func (b *bench) harm(random *rand.Rand) {
	victim := b.live[random.IntN(len(b.live))]
	switch random.IntN(4) {
	case 0:
		victim.freeze()
		b.pass(takenOver)
		victim.thaw()
	case 1:
		victim.stop()
		b.boot()
	default:
		victim.kill()
		b.boot()
	}
}
