package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/journal/sqlite"
)

// TestBackup copies a store that eight writers are busy with, twice: what was
// on disk before the copy began is in it, and no run is there in part.
func TestBackup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	ctx, stop := context.WithCancel(t.Context())
	var acknowledged atomic.Int64
	enough := make(chan struct{}, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		together(8, func(w int) {
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprintf("%d-%d", w, i)
				if err := s.Append(t.Context(), id, 0, wholeRun(id, noise(2000))); err != nil {
					t.Error(err)
					return
				}
				if acknowledged.Add(1) >= 200 {
					select {
					case enough <- struct{}{}:
					default:
					}
				}
			}
		})
	}()
	<-enough
	for i := range 2 {
		before := acknowledged.Load()
		to := filepath.Join(t.TempDir(), "copy.db")
		if err := sqlite.Backup(t.Context(), dir, to); err != nil {
			t.Fatal(err)
		}
		if got := wholeRuns(t, to); got < before {
			t.Errorf("copy %d has %d runs, and %d were on disk before it began", i, got, before)
		}
	}
	stop()
	<-done
}

// wholeRuns opens a copy and counts its runs, which have five events each.
func wholeRuns(t *testing.T, file string) (runs int64) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Rename(file, filepath.Join(dir, sqlite.File)); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	for f := (journal.Filter{}); ; {
		page, err := s.Runs(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Runs {
			events, err := s.Events(t.Context(), r.ID)
			if err != nil || len(events) != 5 || r.Events != 5 {
				t.Fatalf("run %s has %d events, and the list says %d: %v", r.ID, len(events), r.Events, err)
			}
			runs++
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
	}
	id := uuid.NewString()
	if err := s.Append(t.Context(), id, 0, wholeRun(id, "x")); err != nil {
		t.Errorf("the copy cannot be written to: %v", err)
	}
	return runs
}

// TestBackupRefused says why there is no copy, and holds that none is left in
// part.
func TestBackupRefused(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		prepare func(t *testing.T, dir, to string)
		want    error
		text    string // with DIR and TO for the two
	}{
		{"no folder", func(*testing.T, string, string) {}, fs.ErrNotExist, `data folder "DIR" has no journal: `},
		{
			"target is there", func(t *testing.T, dir, to string) {
				open(t, dir)
				if err := os.WriteFile(to, []byte("dear"), 0o600); err != nil {
					t.Fatal(err)
				}
			},
			fs.ErrExist, `"TO": file already exists`,
		},
		{"foreign", func(t *testing.T, dir, _ string) { execute(t, dir, "CREATE TABLE t (x)") }, sqlite.ErrForeign, `"DIR/wend.db" is not a database of Wend`},
		{
			"damaged", func(t *testing.T, dir, _ string) {
				s := open(t, dir)
				for i := range 50 {
					begin(t, s, fmt.Sprint(i), noise(20000))
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				file := filepath.Join(dir, sqlite.File)
				data := []byte(read(t, file))
				for i := len(data) / 4; i < len(data)/2; i++ {
					data[i] = 0
				}
				if err := os.WriteFile(file, data, 0o600); err != nil {
					t.Fatal(err)
				}
			},
			sqlite.ErrDamaged, `wend.db" is damaged: `,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir, target := filepath.Join(t.TempDir(), "data"), t.TempDir()
			to := filepath.Join(target, "copy.db")
			if c.name != "no folder" {
				if err := os.Mkdir(dir, 0o700); err != nil {
					t.Fatal(err)
				}
			}
			c.prepare(t, dir, to)
			before, _ := os.ReadDir(target)
			err := sqlite.Backup(t.Context(), dir, to)
			text := strings.NewReplacer("DIR", dir, "TO", to).Replace(c.text)
			if !errors.Is(err, c.want) || !strings.Contains(filepath.ToSlash(err.Error()), filepath.ToSlash(text)) {
				t.Errorf("Backup: %v\nwant %v, with %s", err, c.want, text)
			}
			if after, _ := os.ReadDir(target); len(after) != len(before) {
				t.Errorf("left behind: %v", after)
			}
		})
	}
}
