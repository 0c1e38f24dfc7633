package journaltest

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wendflow/wend/runtime/journal"
)

var tickTests = []namedTest{
	{"Moves", testTickMoves},
	{"Forgotten", testTickForgotten},
	{"OneMoves", testOneMovesTick},
	{"Stays", testTickStays},
}

func (b *bench) tick(schedule string, from, to journal.Tick) (moved bool) {
	b.Helper()
	moved, err := b.d.Tick(b.Context(), schedule, from, to)
	b.ok(err)
	return moved
}

func (b *bench) ticked(schedule string, want journal.Tick) {
	b.Helper()
	got, err := b.d.Ticked(b.Context(), schedule)
	b.ok(err)
	if !got.Same(want) {
		b.Errorf("schedule %q is at %+v, want %+v", schedule, got, want)
	}
}

var (
	begun = journal.Tick{Plan: "every 1h0m0s", At: noon, Seen: noon}
	later = journal.Tick{Plan: "every 1h0m0s", At: noon.Add(time.Hour + 1), Seen: noon.Add(2 * time.Hour), Run: "r1"}
)

func testTickMoves(b *bench) {
	b.ticked("a", journal.Tick{})
	b.same("from nothing", b.tick("a", journal.Tick{}, begun), true)
	b.ticked("a", begun)
	b.ticked("b", journal.Tick{})
	b.same("from nothing again", b.tick("a", journal.Tick{}, later), false)
	b.same("from elsewhere", b.tick("a", later, begun), false)
	b.ticked("a", begun)
	abroad := begun
	abroad.At = begun.At.In(time.FixedZone("", 7200))
	b.same("from the same place told in another zone", b.tick("a", abroad, later), true)
	b.ticked("a", later)
	for name, other := range map[string]func(*journal.Tick){
		"plan": func(t *journal.Tick) { t.Plan = "every 2h0m0s" },
		"at":   func(t *journal.Tick) { t.At = t.At.Add(1) },
		"seen": func(t *journal.Tick) { t.Seen = t.Seen.Add(1) },
		"run":  func(t *journal.Tick) { t.Run = "r2" },
	} {
		from := later
		other(&from)
		b.same("from another "+name, b.tick("a", from, begun), false)
	}
	b.same("of another schedule", b.tick("b", later, begun), false)
	b.ticked("a", later)
}

func testTickForgotten(b *bench) {
	b.tick("a", journal.Tick{}, begun)
	b.same("forgotten from elsewhere", b.tick("a", later, journal.Tick{}), false)
	b.ticked("a", begun)
	b.same("forgotten", b.tick("a", begun, journal.Tick{}), true)
	b.ticked("a", journal.Tick{})
	b.same("known again", b.tick("a", journal.Tick{}, later), true)
	b.ticked("a", later)
}

func testOneMovesTick(b *bench) {
	b.tick("a", journal.Tick{}, begun)
	var movers atomic.Int32
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			to := later
			to.Run = strconv.Itoa(i)
			moved, err := b.d.Tick(b.Context(), "a", begun, to)
			if err != nil {
				b.Error(err)
			}
			if moved {
				movers.Add(1)
			}
		})
	}
	group.Wait()
	b.same("movers", movers.Load(), int32(1))
}

func testTickStays(b *bench) {
	if !b.setup.Persists {
		b.Skip("this driver keeps nothing")
	}
	b.tick("a", journal.Tick{}, later)
	b.reopen()
	b.ticked("a", later)
}
