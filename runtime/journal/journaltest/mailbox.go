package journaltest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

var mailboxTests = []namedTest{
	{"Order", testOrder},
	{"Duplicates", testDuplicates},
	{"Expiry", testExpiry},
	{"NamesAndKeys", testNamesAndKeys},
	{"OneTaker", testOneTaker},
	{"Return", testReturn},
	{"Letter", testLetter},
	{"Letters", testLetters},
	{"Awaiting", testAwaiting},
	{"NeverUnseen", testNeverUnseen},
	{"EventOrTimeout", testEventOrTimeout},
}

func (b *bench) offer(id, name, key string) (fresh bool) {
	b.Helper()
	fresh, err := b.d.Offer(b.Context(), letter(id, name, key))
	b.ok(err)
	return fresh
}

func letter(id, name, key string) journal.Event {
	return journal.Event{ID: id, Name: name, Key: key, Data: []byte(`{"id":"` + id + `"}`), Expires: noon.Add(time.Hour)}
}

// take returns the id of the event, or nothing.
func (b *bench) take(name, key, taker string) string {
	b.Helper()
	e, ok, err := b.d.Take(b.Context(), name, key, taker)
	b.ok(err)
	if !ok {
		return ""
	}
	b.same("taken event", e, letter(e.ID, name, key))
	return e.ID
}

func testOrder(b *bench) {
	for _, id := range []string{"e3", "e1", "e2"} {
		b.offer(id, "paid", "7")
	}
	b.same("first", b.take("paid", "7", "a"), "e3")
	b.same("first again, after a crash", b.take("paid", "7", "a"), "e3")
	b.same("second", b.take("paid", "7", "b"), "e1")
	b.same("third", b.take("paid", "7", "c"), "e2")
	none := letter("none", "paid", "8")
	none.Data = nil
	_, err := b.d.Offer(b.Context(), none)
	b.ok(err)
	got, _, err := b.d.Take(b.Context(), "paid", "8", "a")
	b.ok(err)
	b.same("without data", got, none)
	b.same("no more", b.take("paid", "7", "d"), "")
	b.same("first still", b.take("paid", "7", "a"), "e3")
}

func testDuplicates(b *bench) {
	b.same("new", b.offer("e1", "paid", "7"), true)
	b.same("again", b.offer("e1", "paid", "7"), false)
	b.same("taken", b.take("paid", "7", "a"), "e1")
	b.same("again when taken", b.offer("e1", "paid", "7"), false)
	b.same("nothing is left", b.take("paid", "7", "b"), "")
	var fresh atomic.Int32
	together(16, func(int) {
		if b.offer("e2", "paid", "7") {
			fresh.Add(1)
		}
	})
	b.same("new at the same instant", fresh.Load(), int32(1))
	for _, e := range []journal.Event{{Name: "paid", Expires: noon.Add(1)}, {ID: "e3", Name: "paid"}} {
		if _, err := b.d.Offer(b.Context(), e); err == nil {
			b.Errorf("Offer(%+v): no error", e)
		}
	}
}

func testExpiry(b *bench) {
	b.offer("e1", "paid", "7")
	b.offer("e2", "paid", "7")
	b.clock.advance(time.Hour - 1)
	b.same("just before", b.take("paid", "7", "a"), "e1")
	b.clock.advance(1)
	b.same("taken and expired", b.take("paid", "7", "a"), "")
	b.same("expired", b.take("paid", "7", "b"), "")
	e := letter("e1", "paid", "7")
	e.Expires = noon.Add(2 * time.Hour)
	fresh, err := b.d.Offer(b.Context(), e)
	b.ok(err)
	b.same("the id of an expired one is free", fresh, true)
}

func testNamesAndKeys(b *bench) {
	for i, s := range strange {
		b.offer(fmt.Sprintf("name-%d", i), s, "key")
		b.offer(fmt.Sprintf("key-%d", i), "name", s)
		b.offer(s, "id", strconv.Itoa(i))
	}
	b.offer("joined", "a", "b.c")
	for i, s := range strange {
		b.same("by name "+s, b.take(s, "key", s), fmt.Sprintf("name-%d", i))
		b.same("by key "+s, b.take("name", s, s), fmt.Sprintf("key-%d", i))
		b.same("by id "+s, b.take("id", strconv.Itoa(i), s), s)
	}
	b.same("name and key are two", b.take("a.b", "c", "x"), "")
	b.same("an event of that name only", b.take("a", "", "x"), "")
}

func testOneTaker(b *bench) {
	const events, takers = 8, 16
	for i := range events {
		b.offer(fmt.Sprintf("e%d", i), "paid", "7")
	}
	var mu sync.Mutex
	got := map[string]int{}
	together(takers, func(i int) {
		id := b.take("paid", "7", fmt.Sprintf("taker%d", i))
		mu.Lock()
		defer mu.Unlock()
		got[id]++
	})
	b.same("went away with nothing", got[""], takers-events)
	delete(got, "")
	for id, n := range got {
		b.same("takers of "+id, n, 1)
	}
	b.same("events taken", len(got), events)
}

func testReturn(b *bench) {
	b.offer("e1", "paid", "7")
	b.same("taken", b.take("paid", "7", "a"), "e1")
	b.ok(b.d.Return(b.Context(), "e1", "b"))
	b.same("returned by who did not take it", b.take("paid", "7", "b"), "")
	b.ok(b.d.Return(b.Context(), "e1", "a"))
	b.ok(b.d.Return(b.Context(), "e1", "a"))
	b.ok(b.d.Return(b.Context(), "unknown", "a"))
	b.same("returned", b.take("paid", "7", "b"), "e1")
}

func testLetter(b *bench) {
	b.offer("e1", "paid", "7")
	got, err := b.d.Letter(b.Context(), "e1")
	b.ok(err)
	b.same("kept", got, journal.Letter{Event: letter("e1", "paid", "7")})
	b.take("paid", "7", "a")
	got, err = b.d.Letter(b.Context(), "e1")
	b.ok(err)
	b.same("taken", got, journal.Letter{Event: letter("e1", "paid", "7"), Taker: "a"})
	b.ok(b.d.Return(b.Context(), "e1", "a"))
	got, err = b.d.Letter(b.Context(), "e1")
	b.ok(err)
	b.same("returned", got.Taker, "")
	_, err = b.d.Letter(b.Context(), "e2")
	b.same("unknown", errors.Is(err, journal.ErrNotFound), true)
	b.clock.advance(time.Hour)
	_, err = b.d.Letter(b.Context(), "e1")
	b.same("expired", errors.Is(err, journal.ErrNotFound), true)
}

func testLetters(b *bench) {
	b.same("an empty mailbox", b.letters(journal.LetterFilter{}), none)
	for i, key := range []string{"7", "8", "7", "7", "9"} {
		b.offer(fmt.Sprintf("e%d", i), "paid", key)
	}
	b.offer("other", "sent", "7")
	short := letter("short", "sent", "8")
	short.Expires = noon.Add(time.Minute)
	_, err := b.d.Offer(b.Context(), short)
	b.ok(err)
	b.take("paid", "8", "a")
	b.same("all", b.letters(journal.LetterFilter{}), []string{"e0", "e2", "e3", "e4", "other", "short"})
	b.same("of a name", b.letters(journal.LetterFilter{Name: "sent"}), []string{"other", "short"})
	b.same("of a key", b.letters(journal.LetterFilter{Key: "7"}), []string{"e0", "e2", "e3", "other"})
	b.same("of both", b.letters(journal.LetterFilter{Name: "paid", Key: "7"}), []string{"e0", "e2", "e3"})
	b.same("in pages", b.letters(journal.LetterFilter{Limit: 2}), []string{"e0", "e2", "e3", "e4", "other", "short"})
	b.same("in pages of a key", b.letters(journal.LetterFilter{Key: "7", Limit: 3}), []string{"e0", "e2", "e3", "other"})
	kept, err := b.d.Kept(b.Context())
	b.ok(err)
	b.same("kept", kept, 6)
	b.clock.advance(time.Minute)
	b.same("expired", b.letters(journal.LetterFilter{Name: "sent"}), []string{"other"})
	_, err = b.d.Letters(b.Context(), journal.LetterFilter{Cursor: "no cursor"})
	b.same("no cursor", errors.Is(err, journal.ErrCursor), true)
}

// letters returns the ids of all pages.
func (b *bench) letters(f journal.LetterFilter) []string {
	b.Helper()
	var ids []string
	for {
		page, err := b.d.Letters(b.Context(), f)
		b.ok(err)
		for _, l := range page.Letters {
			ids = append(ids, l.ID)
		}
		if page.Next == "" {
			return ids
		}
		b.same("events on a full page", len(page.Letters), f.Limit)
		f.Cursor = page.Next
	}
}

func testAwaiting(b *bench) {
	b.begin("a", awaiting("paid", "7"))
	b.begin("b")
	later := awaiting("paid", "7")
	later.At = at(time.Minute)
	b.append("b", 1, later)
	b.begin("c", awaiting("paid", "8"))
	b.begin("d", awaiting("paid", ""))
	b.same("awaiting", b.awaiting("paid", "7"), []string{"a", "b"})
	b.same("awaiting no key", b.awaiting("paid", ""), []string{"d"})
	b.append("a", 2, run.EventReceived{At: at(1), Place: place("gate"), Name: "paid", Key: "7"})
	b.append("c", 2, run.TimerFired{At: at(1), Place: place("gate"), Kind: run.TimerEvent})
	b.append("d", 2, run.RunCancelled{At: at(1)})
	b.same("received", b.awaiting("paid", "7"), []string{"b"})
	b.same("timed out", b.awaiting("paid", "8"), none)
	b.same("cancelled", b.awaiting("paid", ""), none)
	b.audit()
}

// testNeverUnseen lets a run begin to wait while its event arrives.
func testNeverUnseen(b *bench) {
	for round := range 20 {
		id, key := fmt.Sprintf("run%d", round), strconv.Itoa(round)
		b.begin(id)
		var took string
		var found []string
		together(2, func(i int) {
			if i == 0 {
				b.append(id, 1, awaiting("paid", key))
				took = b.take("paid", key, id)
				return
			}
			b.offer("e"+key, "paid", key)
			found = b.awaiting("paid", key)
		})
		if took == "" && len(found) == 0 {
			b.Fatalf("round %d: the run did not see the event, nor the event the run", round)
		}
	}
}

// testEventOrTimeout lets the event and the timer of a run race. The one that
// loses leaves no trace, and the event is still there for another run.
func testEventOrTimeout(b *bench) {
	for round := range 20 {
		id, key := fmt.Sprintf("run%d", round), strconv.Itoa(round)
		b.begin(id, awaiting("paid", key))
		b.offer("e"+key, "paid", key)
		var won [2]bool
		together(2, func(i int) {
			if i == 0 {
				won[0] = b.wins(id, run.TimerFired{At: at(1), Place: place("gate"), Kind: run.TimerEvent})
				return
			}
			event := b.take("paid", key, id)
			won[1] = b.wins(id, run.EventReceived{At: at(1), Place: place("gate"), Name: "paid", Key: key, ID: event})
			if !won[1] {
				b.ok(b.d.Return(b.Context(), event, id))
			}
		})
		if won[0] == won[1] {
			b.Fatalf("round %d: timer won %v, event won %v", round, won[0], won[1])
		}
		b.same("number of events", len(b.events(id)), 3)
		b.same("left for another run", b.take("paid", key, "other") != "", won[0])
	}
	b.audit()
}

func (b *bench) wins(id string, e run.Event) bool {
	b.Helper()
	err := b.d.Append(b.Context(), id, 2, one(e))
	if err != nil && !errors.Is(err, journal.ErrConflict) {
		b.Error(err)
	}
	return err == nil
}
