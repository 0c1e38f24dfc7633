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
