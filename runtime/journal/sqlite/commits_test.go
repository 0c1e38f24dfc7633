package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/journal/sqlite"
)

// crashed returns a folder as a process leaves it that was killed after some
// appends: most of them only in the write-ahead log.
func crashed(t *testing.T, runs int) (dir string) {
	t.Helper()
	s := open(t, t.TempDir())
	for i := range runs {
		begin(t, s, fmt.Sprint("run", i), "x")
	}
	dir = t.TempDir()
	for _, name := range []string{sqlite.File, sqlite.File + "-wal", sqlite.CommitsFile} {
		data, err := os.ReadFile(filepath.Join(s.Dir(), name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestLostCommits says that a journal which lost what was committed is not taken
// for one that has it all.
func TestLostCommits(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		damage func(t *testing.T, dir string)
		want   string // "" opens
		left   int    // runs
	}{
		{"nothing was lost", func(*testing.T, string) {}, "", 10},
		{"the database was emptied", func(t *testing.T, dir string) {
			remove(t, dir, sqlite.File, sqlite.File+"-wal")
		}, "wend.db is another database than the one with 10 commits that was here until 20", 0},
		{"the log was removed", func(t *testing.T, dir string) {
			remove(t, dir, sqlite.File+"-wal")
		}, "wend.db is another database than the one with 10 commits", 0},
		{"the log was cut", func(t *testing.T, dir string) {
			cut(t, filepath.Join(dir, sqlite.File+"-wal"), 3)
		}, "of 10 commits are missing, the last of 20", -1},
		{"the log was overwritten in the middle", func(t *testing.T, dir string) {
			scribble(t, filepath.Join(dir, sqlite.File+"-wal"))
		}, "of 10 commits are missing", -1},
		{"nobody counted", func(t *testing.T, dir string) { remove(t, dir, sqlite.CommitsFile) }, "", 10},
		{"the count is damaged", func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, sqlite.CommitsFile), []byte(strings.Repeat("wend ", 100)), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "", 10},
		{"the count lost its last write", func(t *testing.T, dir string) {
			cut(t, filepath.Join(dir, sqlite.CommitsFile), 2)
		}, "", 10},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := crashed(t, 10)
			c.damage(t, dir)
			cfg := sqlite.Config{Dir: dir, Now: func() time.Time { return noon }}
			s, err := sqlite.Open(t.Context(), cfg)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				count(t, s, c.left)
				return
			}
			if !errors.Is(err, sqlite.ErrLacking) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("Open: error %v, want one with %q", err, c.want)
			}
			cfg.AcceptLoss = true
			if s, err = sqlite.Open(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
			if c.left >= 0 {
				count(t, s, c.left)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			cfg.AcceptLoss = false // it was accepted, once and for all
			if s, err = sqlite.Open(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
			_ = s.Close()
		})
	}
}

func count(t *testing.T, s *sqlite.Store, want int) {
	t.Helper()
	defer s.Close()
	page, err := s.Runs(t.Context(), journal.Filter{})
	if err != nil || len(page.Runs) != want {
		t.Errorf("%d runs, %v; want %d", len(page.Runs), err, want)
	}
}

func remove(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

// cut leaves all of a file but its last part of so many.
func cut(t *testing.T, path string, parts int64) {
	t.Helper()
	info, err := os.Stat(path)
	if err == nil {
		err = os.Truncate(path, info.Size()-info.Size()/parts)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func scribble(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(data[len(data)/2:], strings.Repeat("\xff", 512))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestLockFileDeleted says that without its lock file a folder that is open
// stays closed to others.
func TestLockFileDeleted(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	remove(t, s.Dir(), sqlite.LockFile)
	if other, err := sqlite.Open(t.Context(), sqlite.Config{Dir: s.Dir()}); !errors.Is(err, sqlite.ErrLocked) {
		t.Errorf("Open: %v, want ErrLocked", err)
		if err == nil {
			_ = other.Close()
		}
	}
}
