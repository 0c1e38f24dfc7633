package journaltest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

var appendTests = []namedTest{
	{"EveryEvent", testEveryEvent},
	{"Refused", testRefused},
	{"OneSuccessor", testOneSuccessor},
	{"ManyRuns", testManyRuns},
	{"ConflictIsAlone", testConflictIsAlone},
	{"StrangeNames", testStrangeNames},
	{"BigPayload", testBigPayload},
	{"ContextEnded", testContextEnded},
}

// testEveryEvent appends each kind of event on its own and reads them back.
func testEveryEvent(b *bench) {
	const id = "01985b6e-7a31-7c3e-9d2a-0c1f8e5b4a11"
	first := started(id)
	first.Output = map[string]any{"n": 7, "big": 12345678901, "pi": 3.5, "list": []any{"a", nil, true}, "empty": map[string]any{}}
	first.Variables = map[string]any{"domain": "finesse.example.com"}
	events := []run.Event{
		first,
		run.CallStarted{At: at(1), Place: place("n4"), Method: "POST", URL: "https://example.com/a?b=c", Fingerprint: "POST /a"},
		run.CallReplied{At: at(2), Place: place("n4"), Reply: run.Reply{Status: 202, Headers: map[string][]string{"location": {"/x"}}, Body: "ok"}},
		run.CallReplied{At: at(3), Place: place("n4"), Call: 1, Reply: run.Reply{Failure: wire.Timeout, Message: "5s"}},
		run.CallReplied{At: at(4), Place: place("n4"), Call: 2, Reply: run.Reply{Status: 200, BodyBase64: []byte{0xff, 0}}},
		run.TimerSet{At: at(5), Place: place("n4"), Kind: run.TimerRetry, Due: noon.Add(time.Second)},
		run.TimerFired{At: at(6), Place: place("n4"), Kind: run.TimerRetry},
		run.EventAwaited{At: at(7), Place: place("n5"), Name: "paid", Key: "order 7", Due: noon.Add(time.Hour)},
		run.EventReceived{At: at(8), Place: place("n5"), Name: "paid", Key: "order 7", ID: "e1", Data: map[string]any{"sum": 99}},
		run.NodeFinished{
			At: at(9), Place: place("n5"), Outcome: "onError", Outputs: map[string]any{"x": 1}, Message: "m", Code: "c",
			Set: map[string]any{"flid": "f"}, RetryAfter: time.Second, End: &node.End{Failed: true, Code: "e", Reason: "r"},
		},
		run.RunResponded{At: at(10), Response: node.Response{Status: 200, Body: map[string]any{"ok": true}}},
		run.RunEnded{At: at(11), Status: run.Failed, Outcome: "onError", Code: "e", Reason: "r"},
	}
	for i, e := range events {
		b.append(id, i, e)
		b.same("events", b.events(id), events[:i+1])
		b.audit()
	}
	b.begin("cancelled")
	b.append("cancelled", 1, run.RunCancelled{At: at(1), Reason: "by hand"})
	b.audit()
}

func testRefused(b *bench) {
	b.begin("a", finished("hook"))
	cases := []struct {
		name     string
		id       string
		after    int
		events   []run.Event
		conflict bool
	}{
		{"a second beginning", "a", 0, one(started("a")), true},
		{"an old place", "a", 1, one(finished("n1")), true},
		{"a place to come", "a", 3, one(finished("n1")), true},
		{"a run that is not there", "b", 1, one(finished("n1")), true},
		{"no events", "a", 2, nil, false},
		{"no start", "b", 0, one(finished("n1")), false},
		{"the start of another run", "b", 0, one(started("c")), false},
	}
	for _, c := range cases {
		err := b.d.Append(b.Context(), c.id, c.after, c.events)
		if err == nil || errors.Is(err, journal.ErrConflict) != c.conflict {
			b.Errorf("Append with %s: error %v, want a conflict: %v", c.name, err, c.conflict)
		}
	}
	b.same("events", b.events("a"), []run.Event{started("a"), finished("hook")})
	for _, id := range []string{"b", "c", ""} {
		if _, err := b.d.Events(b.Context(), id); !errors.Is(err, journal.ErrNotFound) {
			b.Errorf("Events(%q): error %v, want ErrNotFound", id, err)
		}
		if _, err := b.d.Find(b.Context(), id); !errors.Is(err, journal.ErrNotFound) {
			b.Errorf("Find(%q): error %v, want ErrNotFound", id, err)
		}
	}
}

// testOneSuccessor lets many append the next event of one run.
func testOneSuccessor(b *bench) {
	const owners, rounds = 8, 10
	b.begin("a")
	for round := range rounds {
		var won atomic.Int32
		together(owners, func(i int) {
			err := b.d.Append(b.Context(), "a", 1+round, one(finished(fmt.Sprintf("owner%d", i))))
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, journal.ErrConflict):
				b.Error(err)
			}
		})
		if n := won.Load(); n != 1 {
			b.Fatalf("%d owners appended event %d, want 1", n, 1+round)
		}
	}
	b.same("number of events", len(b.events("a")), 1+rounds)
	b.audit()
}

func testManyRuns(b *bench) {
	const writers, runs, steps = 16, 4, 3
	together(writers, func(i int) {
		for n := range runs {
			id := fmt.Sprintf("run-%d-%d", i, n)
			b.begin(id)
			for step := range steps {
				b.append(id, 1+step, finished(fmt.Sprintf("n%d", step)))
			}
		}
	})
	for i := range writers {
		for n := range runs {
			id := fmt.Sprintf("run-%d-%d", i, n)
			b.same(id, b.events(id), []run.Event{started(id), finished("n0"), finished("n1"), finished("n2")})
		}
	}
	b.same("number of runs", len(b.all(journal.Filter{})), writers*runs)
}

// testConflictIsAlone mixes appends that conflict with others that do not.
func testConflictIsAlone(b *bench) {
	b.begin("taken")
	var conflicts atomic.Int32
	together(32, func(i int) {
		if i%2 == 0 {
			b.begin(fmt.Sprintf("good-%d", i))
			return
		}
		if err := b.d.Append(b.Context(), "taken", 7, one(finished("n1"))); errors.Is(err, journal.ErrConflict) {
			conflicts.Add(1)
		}
	})
	b.same("conflicts", conflicts.Load(), int32(16))
	b.same("number of runs", len(b.all(journal.Filter{})), 17)
	b.audit()
}

// strange are texts that a driver may mistake for something of its own.
var strange = []string{
	"a.b", "a", ".", ">", "*", "a b", "ünïcødé", "日本", "a/b", "../a", "'; DROP TABLE runs; --",
	"A", "%", "a\nb", "a\x00b", "\U0001f600", strings.Repeat("long", 100),
	"01985b6e-7a31-7c3e-9d2a-0c1f8e5b4a11", "01985B6E-7A31-7C3E-9D2A-0C1F8E5B4A11", "0123456789abcdef",
}

func testStrangeNames(b *bench) {
	for _, id := range strange {
		s := started(id)
		s.Flow, s.RetryOf = id, id
		b.append(id, 0, s, awaiting(id, id))
	}
	for _, id := range strange {
		b.same("events of "+id, len(b.events(id)), 2)
		b.same("who awaits "+id, b.awaiting(id, id), []string{id})
		b.same("runs of flow "+id, len(b.all(journal.Filter{Flow: id})), 1)
	}
	b.same("number of runs", len(b.all(journal.Filter{})), len(strange))
	b.audit()
}

func testBigPayload(b *bench) {
	big := strings.Repeat("0123456789abcdef", 80_000) // 1.3 MB
	b.begin("big")
	b.append("big", 1, run.CallReplied{At: at(1), Place: place("n1"), Reply: run.Reply{Status: 200, Body: big}})
	b.append("big", 2, finished("n1"))
	events := b.events("big")
	if got := events[1].(run.CallReplied).Reply.Body; got != big {
		b.Fatalf("a body of %d bytes came back as another of %d", len(big), len(got))
	}
	b.audit()
}

func testContextEnded(b *bench) {
	why := errors.New("the caller has gone")
	ctx, cancel := context.WithCancelCause(b.Context())
	cancel(why)
	if err := b.d.Append(ctx, "a", 0, one(started("a"))); !errors.Is(err, why) {
		b.Errorf("Append: error %v, want %v", err, why)
	}
	if _, err := b.d.Events(b.Context(), "a"); !errors.Is(err, journal.ErrNotFound) {
		b.Errorf("Events: error %v, want ErrNotFound", err)
	}
}
