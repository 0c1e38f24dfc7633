package journal_test

import (
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine/enginetest"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/journal/journaltest"
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
