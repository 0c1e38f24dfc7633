package sqlite_test

import (
	"errors"
	"testing"

	"github.com/wendflow/wend/runtime/journal/sqlite"
)

// Each transaction is told, with what it has and what became of it.
func TestCommitsAreTold(t *testing.T) {
	t.Parallel()
	var told []sqlite.Commit // by the goroutine that writes, which is done before a write returns
	s, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Committed: func(c sqlite.Commit) { told = append(told, c) }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	begin(t, s, "a", "x")
	if len(told) != 1 || told[0].Writes != 1 || told[0].Err != nil || told[0].Took <= 0 || told[0].Waited < 0 {
		t.Fatalf("told %+v, want one transaction of one write", told)
	}
	before := s.Figures()
	if before.Waiting != 0 || before.Oldest != 0 || before.Bytes == 0 {
		t.Errorf("figures %+v, want none that wait", before)
	}
	pages, err := s.Pages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.LimitPages(t.Context(), pages+10); err != nil {
		t.Fatal(err)
	}
	told = nil
	if err := s.Append(t.Context(), "large", 0, wholeRun("large", noise(1_000_000))); err == nil {
		t.Fatal("append of what does not fit: no error")
	}
	if len(told) == 0 || told[len(told)-1].Err == nil {
		t.Errorf("told %+v, want a transaction that failed", told)
	}
}

// A store that cannot be written says so until it can.
func TestReady(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	defer s.Close()
	ready := func(want error) {
		t.Helper()
		if err := s.Ready(t.Context()); !errors.Is(err, want) {
			t.Errorf("ready: %v, want %v", err, want)
		}
	}
	ready(nil)
	if err := s.MakeReadOnly(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), "a", 0, wholeRun("a", "x")); err == nil {
		t.Fatal("append to what is read only: no error")
	}
	ready(sqlite.ErrReadOnly)
	ready(sqlite.ErrReadOnly) // it has tried again
	if err := s.MakeWritable(); err != nil {
		t.Fatal(err)
	}
	ready(nil)
}

// What waits for a transaction is counted, with how long the first has waited.
func TestWaitingWrites(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	defer s.Close()
	var f sqlite.Figures
	s.Together(t.Context(), func() { begin(t, s, "a", "x") }, func() { begin(t, s, "b", "x") }, func() {
		f = s.Figures()
		begin(t, s, "c", "x")
	})
	if f.Waiting != 2 || f.Oldest <= 0 {
		t.Errorf("figures %+v, want two that wait", f)
	}
	if f = s.Figures(); f.Waiting != 0 || f.Oldest != 0 {
		t.Errorf("figures %+v, want none that wait", f)
	}
}
