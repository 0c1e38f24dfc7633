package sqlite_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/journal/sqlite"
)

// A transaction that fails is done again piece by piece, and by then an event
// that it had found may be gone.
func TestTakeOfWhatIsGoneWhenItIsDoneAgain(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	s, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Now: func() time.Time {
		now = now.Add(time.Minute)
		return now
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	pages, err := s.Pages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.LimitPages(t.Context(), pages+10); err != nil {
		t.Fatal(err)
	}
	// It is there the first time that Take looks, and not the second time.
	if _, err := s.Offer(t.Context(), journal.Event{ID: "1", Name: "n", Key: "k", Expires: now.Add(150 * time.Second)}); err != nil {
		t.Fatal(err)
	}
	s.Together(t.Context(), func() {
		if e, ok, err := s.Take(t.Context(), "n", "k", "taker"); ok || err != nil {
			t.Errorf("Take = %+v, %v, %v; want none", e, ok, err)
		}
	}, func() {
		if err := s.Append(t.Context(), "large", 0, wholeRun("large", noise(1_000_000))); err == nil {
			t.Error("append of what does not fit: no error")
		}
	})
}

// To open what is there writes nothing, so a full disk does not keep a server
// from starting.
func TestOpenWritesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	begin(t, s, "a", "x")
	s.Close()
	s = open(t, dir)
	defer s.Close()
	info, err := os.Stat(filepath.Join(dir, sqlite.File+"-wal"))
	if err != nil || info.Size() > 0 {
		t.Errorf("the write-ahead log after Open: %v, %v; want an empty one", info, err)
	}
}
