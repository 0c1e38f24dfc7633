package sqlite_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/wendflow/wend/runtime/infile"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/journal/sqlite"
	"github.com/wendflow/wend/runtime/run"
)

// TestOpenRefused says what people read when a data folder cannot be used.
func TestOpenRefused(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		prepare func(t *testing.T, dir string)
		want    error
		text    string // with DIR for the folder
	}{
		{
			"in use", func(t *testing.T, dir string) { open(t, dir) },
			sqlite.ErrLocked, fmt.Sprintf(`data folder "DIR" is in use by another process: process %d on `, os.Getpid()),
		},
		{
			"newer", func(t *testing.T, dir string) {
				open(t, dir).Close()
				execute(t, dir, "PRAGMA user_version = 10")
			},
			sqlite.ErrNewer, `"DIR/wend.db" was written by a newer Wend (schema 10, this one knows 9)`,
		},
		{
			"of another program", func(t *testing.T, dir string) { execute(t, dir, "CREATE TABLE t (x)") },
			sqlite.ErrForeign, `"DIR/wend.db" is not a database of Wend`,
		},
		{
			"no database", func(t *testing.T, dir string) { write(t, dir, strings.Repeat("not a database\n", 1000)) },
			sqlite.ErrDamaged, `"DIR/wend.db" is damaged, or no database at all: it does not begin as one of SQLite; `,
		},
		{
			"a folder", func(t *testing.T, dir string) {
				if err := os.Mkdir(filepath.Join(dir, sqlite.File), 0o700); err != nil {
					t.Fatal(err)
				}
			},
			sqlite.ErrForeign, `"DIR/wend.db" is not a database of Wend: it is a folder`,
		},
		{
			"without its tables", func(t *testing.T, dir string) {
				open(t, dir).Close()
				execute(t, dir, "DROP TABLE commits")
			},
			sqlite.ErrDamaged, `"DIR/wend.db" is damaged: it does not have the tables that a database of Wend has; `,
		},
		{
			"read-only file", func(t *testing.T, dir string) {
				open(t, dir).Close()
				unlessRoot(t, os.Chmod(filepath.Join(dir, sqlite.File), 0o400))
			},
			sqlite.ErrReadOnly, `"DIR/wend.db" is read-only`,
		},
		{
			"no right to write", func(t *testing.T, dir string) {
				unlessRoot(t, os.Chmod(dir, 0o500))
			},
			sqlite.ErrReadOnly, `data folder "DIR" is read-only: `,
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			c.prepare(t, dir)
			_, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir})
			if !errors.Is(err, c.want) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			text := strings.ReplaceAll(filepath.ToSlash(err.Error()), filepath.ToSlash(dir), "DIR")
			if !strings.HasPrefix(text, c.text) {
				t.Errorf("error\n%s\nwant\n%s", text, c.text)
			}
			// The folder is not left locked.
			if _, again := sqlite.Open(t.Context(), sqlite.Config{Dir: dir}); !errors.Is(again, c.want) {
				t.Errorf("opened again: error %v, want %v", again, c.want)
			}
		})
	}
}

// execute changes the database behind the package's back.
func execute(t *testing.T, dir, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.File))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// unlessRoot skips the test for a user who may write everywhere.
func unlessRoot(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "windows" || os.Getuid() == 0 {
		t.Skip("this user may write everywhere")
	}
}

func write(t *testing.T, dir, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, sqlite.File), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOpenStrangeFolder(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), `a?b=c#d%20 ü'"`, "not there yet")
	s := open(t, dir)
	begin(t, s, "a", "x")
	if _, err := os.Stat(filepath.Join(dir, sqlite.File)); err != nil {
		t.Error(err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("the data folder has mode %v, want 0700", info.Mode().Perm())
	}
}

// A pipe in the place of the note of commits would be waited for.
func TestIrregularCommits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink(os.DevNull, filepath.Join(dir, sqlite.CommitsFile)); err != nil {
		t.Skip(err)
	}
	if _, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir}); !errors.Is(err, infile.ErrIrregular) {
		t.Errorf("Open: %v, want that it is no regular file", err)
	}
}

// TestMode holds that a journal is its owner's alone, in a folder open to others.
func TestMode(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("files have no modes")
	}
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	begin(t, open(t, dir), "r", "{}")
	for _, name := range []string{"wend.db", "wend.db-wal", "wend.db-shm", "wend.commits", "wend.lock"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("%s has the mode %o, want 600", name, got)
		}
	}
}

// TestDamaged breaks a page in the middle of the file.
func TestDamaged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	begin(t, s, "a", noise(60_000))
	s.Close()
	path := filepath.Join(dir, sqlite.File)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const page = 4096
	for at := page; at < len(data); at += page {
		copy(data[at:], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
	}
	write(t, dir, string(data))
	s, err = sqlite.Open(t.Context(), sqlite.Config{Dir: dir})
	if err == nil {
		t.Cleanup(func() { s.Close() })
		_, err = s.Events(t.Context(), "a")
	}
	if !errors.Is(err, sqlite.ErrDamaged) {
		t.Errorf("error %v, want %v", err, sqlite.ErrDamaged)
	}
}

// TestFull fills the disk. What does not fit is refused and takes no other
// append with it; when there is room again all goes on.
func TestFull(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	ctx := t.Context()
	pages, err := s.Pages(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.LimitPages(ctx, pages+30); err != nil {
		t.Fatal(err)
	}
	errs := make([]error, 9)
	together(len(errs), func(i int) {
		payload := "small"
		if i == 4 {
			payload = noise(1_000_000)
		}
		id := fmt.Sprintf("run%d", i)
		errs[i] = s.Append(ctx, id, 0, wholeRun(id, payload))
	})
	for i, err := range errs {
		switch {
		case i == 4 && !errors.Is(err, sqlite.ErrFull):
			t.Errorf("append of what does not fit: error %v, want ErrFull", err)
		case i != 4 && err != nil:
			t.Errorf("append of what fits: %v", err)
		}
	}
	if _, err := s.Find(ctx, "run4"); !errors.Is(err, journal.ErrNotFound) {
		t.Errorf("run that did not fit: error %v, want ErrNotFound", err)
	}
	if err := s.LimitPages(ctx, pages+10_000); err != nil {
		t.Fatal(err)
	}
	begin(t, s, "run4", noise(1_000_000))
}

// TestShrink gives the disk back what Trim removed.
func TestShrink(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	for i := range 30 {
		begin(t, s, fmt.Sprintf("run%d", i), noise(60_000))
	}
	full, err := s.Pages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Trim(t.Context(), journal.Retention{Bytes: 1}); err != nil {
		t.Fatal(err)
	}
	left, err := s.Pages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if left > full/4 {
		t.Errorf("the file has %d pages after all was removed, and had %d before", left, full)
	}
}

// TestNewerEvents is about a later version that used this file, and was taken
// back: the run that it touched says so, and the others are as they were.
func TestNewerEvents(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	begin(t, s, "a", "x")
	at := run.At{At: noon, Wend: "v1.2.0"}
	newer := []run.Event{run.RunStarted{At: at, Run: "b", Flow: "f", Trigger: "hook"}}
	if err := s.Append(t.Context(), "b", 0, newer); err != nil {
		t.Fatal(err)
	}
	execute(t, dir, `INSERT INTO events (at, data) SELECT nr << 22 | 1, '[{"type":"run-dreamt","event":{"at":"2026-11-20T08:00:00Z"}}]' FROM runs WHERE id = 'b';
		UPDATE runs SET events = 2 WHERE id = 'b'`)
	_, err := s.Events(t.Context(), "b")
	unknown, ok := errors.AsType[*run.UnknownError](err)
	if want := (run.UnknownError{What: "event", Name: "run-dreamt", Wend: "v1.2.0"}); !ok || *unknown != want {
		t.Errorf("Events: %v, want %+v", err, want)
	}
	if events, err := s.Events(t.Context(), "a"); err != nil || len(events) == 0 {
		t.Errorf("another run: %d events, %v", len(events), err)
	}
	if sum, err := s.Find(t.Context(), "b"); err != nil || sum.Events != 2 || sum.Status != run.Running {
		t.Errorf("Find: %+v, %v; want what the later version left", sum, err)
	}
}

func begin(t *testing.T, s *sqlite.Store, id, payload string) {
	t.Helper()
	if err := s.Append(t.Context(), id, 0, wholeRun(id, payload)); err != nil {
		t.Fatal(err)
	}
}

// TestReadOnly is about a database that becomes read-only while it is open.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	begin(t, s, "a", "x")
	if err := s.MakeReadOnly(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Append(t.Context(), "b", 0, wholeRun("b", "x")); !errors.Is(err, sqlite.ErrReadOnly) {
		t.Errorf("Append: error %v, want ErrReadOnly", err)
	}
	if _, err := s.Events(t.Context(), "a"); err != nil {
		t.Errorf("Events: %v", err)
	}
}

// TestLabelsGoWithTheirRun says that nothing of a removed run is left in the
// table of labels, whatever its status was.
func TestLabelsGoWithTheirRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	for i, upTo := range []int{1, 5} {
		id := fmt.Sprint("run", i)
		events := wholeRun(id, "x")
		first := events[0].(run.RunStarted)
		first.Key, first.Labels = "k", map[string]string{"a": "1", "b": "2"}
		events[0] = first
		for n := range upTo { // one append for each event
			if err := s.Append(t.Context(), id, n, events[n:n+1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := s.Trim(t.Context(), journal.Retention{Bytes: 1}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.File))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var rows, running int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*), coalesce(sum(status = 0), 0) FROM labels").Scan(&rows, &running); err != nil {
		t.Fatal(err)
	}
	if rows != 2 || running != 2 {
		t.Errorf("%d labels are left, %d of them of a run that is running; want those of one that is", rows, running)
	}
}
