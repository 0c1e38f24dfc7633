package journaltest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

var beginTests = []namedTest{
	{"HolderOfTheKey", testHolder},
	{"SameInstant", testSameInstant},
	{"ConflictTakesNoKey", testConflictTakesNoKey},
	{"KeyOfAFailedRun", testKeyOfAFailedRun},
	{"FreedKeySameInstant", testFreedKeySameInstant},
	{"AnotherBody", testAnotherBody},
	{"KeyPasses", testKeyPasses},
	{"KeyGoesWithItsRun", testKeyGoesWithItsRun},
}

func testHolder(b *bench) {
	steps := []struct {
		name    string
		id      string
		dedupe  journal.Dedupe
		advance time.Duration
		holder  string
	}{
		{"the first", "a", journal.Dedupe{Scope: "f/hook", Key: "1", For: time.Hour}, 0, "a"},
		{"a duplicate", "b", journal.Dedupe{Scope: "f/hook", Key: "1", For: time.Hour}, 0, "a"},
		{"another key", "c", journal.Dedupe{Scope: "f/hook", Key: "2", For: time.Hour}, 0, "c"},
		{"another scope", "d", journal.Dedupe{Scope: "g/hook", Key: "1", For: time.Hour}, 0, "d"},
		{"scope and key are two", "e", journal.Dedupe{Scope: "f", Key: "hook1", For: time.Hour}, 0, "e"},
		{"no key", "f", journal.Dedupe{}, 0, "f"},
		{"no key again", "g", journal.Dedupe{}, 0, "g"},
		{"an empty key", "h", journal.Dedupe{Scope: "f/hook", For: time.Hour}, 0, "h"},
		{"an empty key again", "i", journal.Dedupe{Scope: "f/hook", For: time.Hour}, 0, "h"},
		{"just before its time is over", "j", journal.Dedupe{Scope: "f/hook", Key: "1", For: time.Hour}, time.Hour - 1, "a"},
		{"when its time is over", "k", journal.Dedupe{Scope: "f/hook", Key: "1", For: time.Hour}, 1, "k"},
		{"a duplicate of the new holder", "l", journal.Dedupe{Scope: "f/hook", Key: "1", For: time.Hour}, 0, "k"},
	}
	for _, s := range steps {
		b.clock.advance(s.advance)
		holder, err := b.d.Begin(b.Context(), s.id, s.dedupe, one(started(s.id)))
		b.ok(err)
		b.same("holder for "+s.name, holder, s.holder)
		_, err = b.d.Events(b.Context(), s.id)
		if begun := err == nil; begun != (s.id == s.holder) {
			b.Fatalf("%s: run %s was begun: %v (%v)", s.name, s.id, begun, err)
		}
	}
	b.audit()
}

// testSameInstant lets many with the same key arrive at once.
func testSameInstant(b *bench) {
	const arrivals, rounds = 16, 5
	for round := range rounds {
		key := journal.Dedupe{Scope: "f", Key: strconv.Itoa(round), For: time.Hour}
		var mu sync.Mutex
		holders := map[string]int{}
		together(arrivals, func(i int) {
			id := fmt.Sprintf("run-%d-%d", round, i)
			holder, err := b.d.Begin(b.Context(), id, key, one(started(id)))
			if err != nil {
				b.Error(err)
			}
			// Whoever is told of the holder finds it.
			if _, err := b.d.Events(b.Context(), holder); err != nil {
				b.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			holders[holder]++
		})
		if len(holders) != 1 {
			b.Fatalf("one key has holders %v", holders)
		}
	}
	b.same("number of runs", len(b.all(journal.Filter{})), rounds)
}

func testConflictTakesNoKey(b *bench) {
	b.begin("a")
	key := journal.Dedupe{Scope: "f", Key: "1", For: time.Hour}
	if _, err := b.d.Begin(b.Context(), "a", key, one(started("a"))); !errors.Is(err, journal.ErrConflict) {
		b.Errorf("Begin of a run that is there: error %v, want ErrConflict", err)
	}
	holder, err := b.d.Begin(b.Context(), "b", key, []run.Event{started("b"), ended(run.Completed, "success")})
	b.ok(err)
	b.same("holder", holder, "b")
}

// testKeyOfAFailedRun: a run that failed, or told its caller to come again, gives
// its key up when it has ended, and not before. A crash changes nothing of it.
func testKeyOfAFailedRun(b *bench) {
	for i, c := range []struct {
		name   string
		events []run.Event
		keep   bool
		frees  bool
	}{
		{"running", nil, false, false},
		{"running, and has answered 502", []run.Event{responded(502)}, false, false},
		{"waiting", []run.Event{sleeping(time.Hour)}, false, false},
		{"completed", []run.Event{ended(run.Completed, "success")}, false, false},
		{"completed with 200", []run.Event{responded(200), ended(run.Completed, "success")}, false, false},
		{"completed with 404", []run.Event{responded(404), ended(run.Completed, "success")}, false, false},
		{"completed with 408", []run.Event{responded(408), ended(run.Completed, "success")}, false, true},
		{"completed with 425", []run.Event{responded(425), ended(run.Completed, "success")}, false, true},
		{"completed with 429", []run.Event{responded(429), ended(run.Completed, "success")}, false, true},
		{"completed with 429, and keeps it", []run.Event{responded(429), ended(run.Completed, "success")}, true, false},
		{"waiting, and has answered 502", []run.Event{responded(502), sleeping(time.Hour)}, false, false},
		{"completed with 500", []run.Event{responded(500), ended(run.Completed, "success")}, false, true},
		{"completed with 503, and keeps it", []run.Event{responded(503), ended(run.Completed, "success")}, true, false},
		{"failed", []run.Event{ended(run.Failed, "onError")}, false, true},
		{"failed, after it had answered 200", []run.Event{responded(200), ended(run.Failed, "onError")}, false, true},
		{"failed, and keeps it", []run.Event{ended(run.Failed, "onError")}, true, false},
		{"cancelled", []run.Event{run.RunCancelled{At: at(1)}}, false, false},
	} {
		key := journal.Dedupe{Scope: "f", Key: strconv.Itoa(i), For: time.Hour, Keep: c.keep}
		first, second := fmt.Sprintf("first%d", i), fmt.Sprintf("second%d", i)
		_, err := b.d.Begin(b.Context(), first, key, one(started(first)))
		b.ok(err)
		if c.events != nil {
			b.append(first, 1, c.events...)
		}
		want := first
		if c.frees {
			want = second
		}
		if b.setup.Persists {
			left := b.crashed()
			holder, err := left.d.Begin(b.Context(), second, key, one(started(second)))
			left.ok(err)
			left.same("holder after a crash of the key of a run that is "+c.name, holder, want)
			left.ok(left.d.Close())
		}
		holder, err := b.d.Begin(b.Context(), second, key, one(started(second)))
		b.ok(err)
		b.same("holder of the key of a run that is "+c.name, holder, want)
		holder, err = b.d.Begin(b.Context(), "third"+second, key, one(started("third"+second)))
		b.ok(err)
		b.same("holder after that", holder, want)
	}
	b.audit()
}

// testFreedKeySameInstant lets many repeat the request of a run that failed, and
// of one that fails in that moment.
func testFreedKeySameInstant(b *bench) {
	const rounds = 6
	for round := range rounds {
		key := journal.Dedupe{Scope: "f", Key: strconv.Itoa(round), For: time.Hour}
		first := fmt.Sprintf("first%d", round)
		_, err := b.d.Begin(b.Context(), first, key, one(started(first)))
		b.ok(err)
		before := round%2 == 0
		if before {
			b.append(first, 1, failedAt("n1"))
		}
		var mu sync.Mutex
		holders := map[string]int{}
		together(17, func(i int) {
			if i == 16 && !before {
				b.append(first, 1, failedAt("n1"))
			}
			if i == 16 {
				return
			}
			id := fmt.Sprintf("run%d-%d", round, i)
			holder, err := b.d.Begin(b.Context(), id, key, one(started(id)))
			if err != nil {
				b.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			holders[holder]++
		})
		if before && holders[first] != 0 {
			b.Errorf("a freed key has holders %v", holders)
		}
		if delete(holders, first); len(holders) > 1 || before && len(holders) == 0 {
			b.Errorf("a key that the run %s gave up has holders %v", first, holders)
		}
	}
	b.audit()
}

// testAnotherBody: one key with two bodies is a mistake of the sender, unless
// the key is free.
func testAnotherBody(b *bench) {
	key := func(mark string) journal.Dedupe {
		return journal.Dedupe{Scope: "f", Key: "1", For: time.Hour, Print: mark}
	}
	begin := func(id, mark, holder string, mismatch bool) {
		b.Helper()
		got, err := b.d.Begin(b.Context(), id, key(mark), one(started(id)))
		if m, ok := errors.AsType[*journal.MismatchError](err); ok != mismatch || ok && m.Holder != holder {
			b.Fatalf("Begin of run %s with mark %q: %v", id, mark, err)
		}
		b.same("holder for "+id, got, holder)
		_, err = b.d.Events(b.Context(), id)
		b.same("begun", err == nil, id == holder)
	}
	begin("a", "one", "a", false)
	begin("b", "one", "a", false)
	begin("c", "two", "a", true)
	begin("d", "", "a", false)
	b.append("a", 1, ended(run.Failed, "onError"))
	begin("e", "two", "e", false)
	begin("f", "one", "e", true)
	b.audit()
}

// testKeyPasses: a retry by hand takes over the key of the run that it takes up,
// if no other run has got it since.
func testKeyPasses(b *bench) {
	key := journal.Dedupe{Scope: "f", Key: "1", For: time.Hour, Print: "one"}
	begin := func(id string, d journal.Dedupe, holder string) {
		b.Helper()
		got, err := b.d.Begin(b.Context(), id, d, one(started(id)))
		b.ok(err)
		b.same("holder for "+id, got, holder)
	}
	begin("a", key, "a")
	b.append("a", 1, ended(run.Failed, "onError"))
	begin("retry", journal.Dedupe{Of: "a"}, "retry")
	begin("b", key, "retry")
	b.append("retry", 1, ended(run.Failed, "onError"))
	begin("c", key, "c")
	begin("late", journal.Dedupe{Of: "retry"}, "late")
	begin("d", key, "c")
	begin("of-no-key", journal.Dedupe{Of: "late"}, "of-no-key")
	begin("of-nobody", journal.Dedupe{Of: "nobody"}, "of-nobody")

	b.Log("what went well keeps its key")
	b.append("c", 1, responded(200), ended(run.Completed, "success"))
	begin("of-success", journal.Dedupe{Of: "c"}, "of-success")
	b.append("of-success", 1, failedAt("n1"))
	begin("e", key, "c")

	b.Log("what was cancelled, or told its caller to come again, does not")
	for id, events := range map[string][]run.Event{
		"cancelled": {run.RunCancelled{At: at(1)}},
		"unwell":    {responded(503), ended(run.Completed, "success")},
	} {
		key.Key = id
		begin(id, key, id)
		b.append(id, 1, events...)
		begin(id+"-retry", journal.Dedupe{Of: id}, id+"-retry")
		begin(id+"-again", key, id+"-retry")
	}

	b.Log("with the time that is left, and what it came with")
	key.Key = "time"
	begin("f", key, "f")
	b.append("f", 1, failedAt("n1"))
	b.clock.advance(time.Hour - 1)
	begin("f-retry", journal.Dedupe{Of: "f"}, "f-retry")
	begin("g", key, "f-retry")
	other := key
	other.Print = "two"
	if _, err := b.d.Begin(b.Context(), "h", other, one(started("h"))); !errors.As(err, new(*journal.MismatchError)) {
		b.Errorf("Begin with another mark: error %v, want a mismatch", err)
	}
	b.clock.advance(1)
	begin("i", other, "i")
	b.audit()
}

// testKeyGoesWithItsRun: who is told of a holder finds it, and a key that was
// taken over stays when its first run goes.
func testKeyGoesWithItsRun(b *bench) {
	begin := func(id, key, holder string, more ...run.Event) {
		b.Helper()
		d := journal.Dedupe{Scope: "f", Key: key, For: time.Hour}
		got, err := b.d.Begin(b.Context(), id, d, append(one(started(id)), more...))
		b.ok(err)
		b.same("holder for "+id, got, holder)
	}
	begin("done", "1", "done", ended(run.Completed, "success"))
	begin("goes-on", "2", "goes-on")
	begin("failed", "3", "failed", failedAt("n1"))
	begin("took-over", "3", "took-over")
	b.clock.advance(time.Minute)
	b.same("removed", b.trim(journal.Retention{Age: time.Second}), 2)
	begin("a", "1", "a")
	begin("b", "2", "goes-on")
	begin("c", "3", "took-over")
	b.same("kept", b.ids(), []string{"a", "took-over", "goes-on"})
}
