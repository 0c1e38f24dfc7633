//go:build unix

package sqlite_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/journal/sqlite"
)

// A process that the test kills is this one, started again with childDir set
// to the data folder, and childBytes to how large its files may get.
const (
	childDir   = "WEND_TEST_CHILD_DIR"
	childBytes = "WEND_TEST_CHILD_BYTES"
)

func TestMain(m *testing.M) {
	dir := os.Getenv(childDir)
	if dir == "" {
		os.Exit(m.Run())
	}
	if err := child(dir, os.Getenv(childBytes)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child appends until it is killed, and prints the id of each run that it was
// told is safe. With a limit it ends at the first error, once the limit is
// gone and another append went well.
func child(dir, limit string) error {
	ctx := context.Background()
	s, err := sqlite.Open(ctx, sqlite.Config{Dir: dir})
	if err != nil {
		return err
	}
	if limit != "" {
		if err := limitFiles(limit); err != nil {
			return err
		}
	}
	errs := make([]error, 4)
	together(len(errs), func(i int) {
		for errs[i] == nil {
			errs[i] = appendAndTell(ctx, s)
		}
	})
	if err := errors.Join(errs...); limit == "" {
		return err
	}
	if err := limitFiles(""); err != nil {
		return err
	}
	return errors.Join(appendAndTell(ctx, s), s.Close())
}

func appendAndTell(ctx context.Context, s *sqlite.Store) error {
	id := uuid.Must(uuid.NewV7()).String()
	if err := s.Append(ctx, id, 0, wholeRun(id, noise(500))); err != nil {
		return err
	}
	_, err := os.Stdout.WriteString(id + "\n")
	return err
}

// limitFiles lets writes fail that would make a file larger; no limit takes
// that back.
func limitFiles(bytes string) error {
	signal.Ignore(syscall.SIGXFSZ)
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
		return err
	}
	l.Cur = l.Max
	if bytes != "" {
		if _, err := fmt.Sscan(bytes, &l.Cur); err != nil {
			return err
		}
	}
	return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l)
}

func start(t *testing.T, dir, limit string) (*exec.Cmd, io.Reader) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childDir+"="+dir, childBytes+"="+limit)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// TestKill kills a process that appends, again and again: each append that it
// was told is safe is there, and the next process opens the folder at once.
func TestKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var safe []string
	for round := range 4 {
		cmd, out := start(t, dir, "")
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			if len(lines.Text()) == len(uuid.Nil.String()) { // else torn by the kill
				safe = append(safe, lines.Text())
			}
			if n == 20+30*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the process ended by itself")
		}
	}
	found(t, dir, safe)
}

// TestWritesFail lets the file system refuse writes: what was safe stays so,
// and the same process goes on when writes are possible again.
func TestWritesFail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd, out := start(t, dir, "1500000")
	text, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	found(t, dir, strings.Fields(string(text)))
}

func found(t *testing.T, dir string, safe []string) {
	t.Helper()
	s := open(t, dir)
	if len(safe) < 20 {
		t.Fatalf("only %d appends were safe", len(safe))
	}
	for _, id := range safe {
		events, err := s.Events(t.Context(), id)
		if err != nil {
			t.Fatalf("after %d safe appends: %v", len(safe), err)
		}
		sum, err := s.Find(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if want, _ := journal.Summarize(events); sum.Events != want.Events || sum.Status != want.Status {
			t.Fatalf("Find(%s) = %+v, want %+v", id, sum, want)
		}
	}
}
