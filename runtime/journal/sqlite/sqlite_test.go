package sqlite_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine/enginetest"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/journal/journaltest"
	"github.com/wendflow/wend/runtime/journal/sqlite"
)

func TestDriver(t *testing.T) {
	t.Parallel()
	journaltest.Test(t, journaltest.Setup{
		Open: func(tb testing.TB, dir string, now func() time.Time) journal.Driver {
			s, err := sqlite.Open(tb.Context(), sqlite.Config{
				Dir: dir, Now: now,
				AcceptLoss: true, // the suite cuts off writes that it had been told were there
			})
			if err != nil {
				tb.Fatal(err)
			}
			return s
		},
		Persists: true,
		Tail:     func(dir string) string { return filepath.Join(dir, sqlite.File+"-wal") },
	})
}

func TestDriverUnderEngines(t *testing.T) {
	t.Parallel()
	enginetest.Test(t, enginetest.Setup{
		Open: func(tb testing.TB, c clock.Clock) func() journal.Driver {
			s, err := sqlite.Open(tb.Context(), sqlite.Config{Dir: tb.TempDir(), Now: c.Now})
			if err != nil {
				tb.Fatal(err)
			}
			tb.Cleanup(func() {
				if err := s.Close(); err != nil {
					tb.Error(err)
				}
			})
			return func() journal.Driver { return s }
		},
	})
}
