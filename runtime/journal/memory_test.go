package journal_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine/enginetest"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/journal/journaltest"
	"github.com/wendflow/wend/runtime/run"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	journaltest.Test(t, journaltest.Setup{
		Open: func(_ testing.TB, _ string, now func() time.Time) journal.Driver {
			m := journal.NewMemory(1000)
			m.Now = now
			return m
		},
	})
}

func TestMemoryUnderEngines(t *testing.T) {
	t.Parallel()
	enginetest.Test(t, enginetest.Setup{
		Open: func(_ testing.TB, c clock.Clock) func() journal.Driver {
			m := journal.NewMemory(100_000)
			m.Now = c.Now
			return func() journal.Driver { return m }
		},
	})
}

// What a Memory holds of dedupe keys is bounded: they go with the runs that are
// forgotten, and when their time is over; beyond MaxKeys there are no more.
func TestMemoryKeys(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	begin := func(t *testing.T, m *journal.Memory, nr int, more ...run.Event) error {
		t.Helper()
		id := fmt.Sprint("run", nr)
		first := run.RunStarted{At: run.At{At: now}, Run: id, Flow: "f", Trigger: "hook"}
		key := journal.Dedupe{Scope: "f", Key: fmt.Sprint(nr, strings.Repeat("k", 200)), For: time.Hour}
		_, err := m.Begin(t.Context(), id, key, append([]run.Event{first}, more...))
		return err
	}
	held := func(t *testing.T, m *journal.Memory, want, refused int) {
		t.Helper()
		if n, most, no := m.Keys(); n != want || most != journal.MaxKeys || no != refused {
			t.Errorf("Keys() = %d, %d, %d; want %d, %d, %d", n, most, no, want, journal.MaxKeys, refused)
		}
	}
	end := run.RunEnded{At: run.At{At: now}, Status: run.Completed, Outcome: "success"}
	for _, keep := range []int{0, 10} {
		t.Run(fmt.Sprint("ended, keep ", keep), func(t *testing.T) {
			t.Parallel()
			m := journal.NewMemory(keep)
			m.Now = func() time.Time { return now }
			for nr := range 60_000 {
				if err := begin(t, m, nr, end); err != nil {
					t.Fatal(err)
				}
			}
			held(t, m, keep, 0)
		})
	}
	t.Run("going on", func(t *testing.T) {
		t.Parallel()
		m, at := journal.NewMemory(10), now
		m.Now = func() time.Time { return at }
		for nr := range journal.MaxKeys {
			if err := begin(t, m, nr); err != nil {
				t.Fatal(err)
			}
		}
		if err := begin(t, m, -1); !errors.Is(err, journal.ErrKeys) {
			t.Errorf("one more: %v, want ErrKeys", err)
		}
		if _, err := m.Events(t.Context(), "run-1"); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("its run: %v, want none", err)
		}
		if err := begin(t, m, 7); err != nil {
			t.Errorf("one that is known: %v", err)
		}
		held(t, m, journal.MaxKeys, 1)
		if err := m.Append(t.Context(), "run0", 1, []run.Event{end}); err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Hour)
		if err := begin(t, m, -1); err != nil {
			t.Errorf("when the time of the others is over: %v", err)
		}
		held(t, m, 1, 1)
	})
}
