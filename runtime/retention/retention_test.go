package retention_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/infile"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/retention"
)

// trims counts how often runs are removed.
type trims struct {
	n   int
	err error
}

func (t *trims) Trim(context.Context, journal.Retention) (int, error) {
	t.n++
	return 1, t.err
}

func month() journal.Retention { return journal.Retention{Age: 30 * 24 * time.Hour} }

// life is one process on a folder, whose clock is off the true time.
type life struct {
	off   time.Duration
	lasts time.Duration // that pass; then the process ends
	rests time.Duration // until the next begins
	trust bool
	trims bool // runs are removed at its end
}

// TestDoubt starts processes on one folder one after the other.
func TestDoubt(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for name, lives := range map[string][]life{
		"a new folder":                          {{trims: true, lasts: time.Hour}},
		"a new folder, and a wrong clock":       {{off: 40 * day, trims: true, lasts: time.Hour}},
		"a restart":                             {{lasts: time.Hour, trims: true, rests: time.Hour}, {lasts: time.Hour, trims: true}},
		"40 days ahead":                         {{lasts: time.Hour, trims: true}, {off: 40 * day, lasts: 23 * time.Hour}},
		"for a day":                             {{lasts: time.Hour, trims: true}, {off: 40 * day, lasts: 25 * time.Hour, trims: true}},
		"with restarts":                         {{lasts: time.Hour, trims: true}, {off: 40 * day, lasts: time.Hour}, {off: 40 * day, lasts: time.Hour}, {off: 40 * day, lasts: 21 * time.Hour, rests: 2 * time.Hour}, {off: 40 * day, lasts: time.Hour, trims: true}},
		"and back":                              {{lasts: time.Hour, trims: true}, {off: 40 * day, lasts: time.Hour}, {lasts: time.Hour, trims: true}},
		"with the operator's word":              {{lasts: time.Hour, trims: true}, {off: 40 * day, lasts: time.Hour}, {off: 40 * day, trust: true, lasts: time.Hour, trims: true}, {off: 40 * day, lasts: time.Hour, trims: true}},
		"off for a month":                       {{lasts: time.Hour, trims: true, rests: 30 * day}, {lasts: time.Hour}},
		"an hour back":                          {{lasts: 2 * time.Hour, trims: true}, {off: -time.Hour, lasts: time.Hour, trims: true}},
		"a process that runs for many days":     {{lasts: 5 * day, trims: true}, {lasts: time.Hour, trims: true}},
		"a jump of some hours, which is little": {{lasts: time.Hour, trims: true}, {off: 20 * time.Hour, lasts: time.Hour, trims: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				for i, l := range lives {
					var removed trims
					var log bytes.Buffer
					k, err := retention.New(retention.Config{
						Journal: &removed, Keep: month, Folder: dir, TrustClock: l.trust, Log: slog.New(slog.NewTextHandler(&log, nil)),
						Clock: clock.Told(func() time.Time { return time.Now().Add(l.off) }),
					})
					if err != nil {
						t.Fatal(err)
					}
					ctx, cancel := context.WithCancel(t.Context())
					go k.Run(ctx)
					time.Sleep(l.lasts)
					cancel()
					synctest.Wait()
					if (removed.n > 0) != l.trims {
						t.Errorf("process %d removes runs %d times, want some: %v\n%s", i+1, removed.n, l.trims, log.String())
					}
					if !l.trims && !strings.Contains(log.String(), "--trust-clock") {
						t.Errorf("process %d does not say what to do:\n%s", i+1, log.String())
					}
					time.Sleep(l.rests)
				}
			})
		})
	}
}

// A pipe in the place of the note would be waited for, a device never end.
func TestIrregularNote(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Symlink(os.DevNull, filepath.Join(dir, retention.File)); err != nil {
		t.Skip(err)
	}
	_, err := retention.New(retention.Config{Folder: dir, Clock: clock.System, Log: slog.New(slog.DiscardHandler)})
	if !errors.Is(err, infile.ErrIrregular) {
		t.Errorf("New: %v, want that it is no regular file", err)
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var removed trims
	var log bytes.Buffer
	cfg := retention.Config{Journal: &removed, Keep: month, Folder: dir, Clock: clock.System, Log: slog.New(slog.NewTextHandler(&log, nil))}
	once := func() {
		t.Helper()
		k, err := retention.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		k.Run(ctx)
	}
	file := filepath.Join(dir, retention.File)
	if err := os.WriteFile(file, []byte("torn"), 0o600); err != nil {
		t.Fatal(err)
	}
	if once(); removed.n != 0 || !strings.Contains(log.String(), "the time may be wrong") {
		t.Errorf("with a note that is torn runs are removed %d times: %s", removed.n, log.String())
	}
	cfg.TrustClock = true
	if once(); removed.n != 1 {
		t.Errorf("runs are removed %d times, want once", removed.n)
	}
	cfg.Folder = filepath.Join(dir, "gone") // it can be written nowhere
	if once(); removed.n != 1 || !strings.Contains(log.String(), "note the time") {
		t.Errorf("without a note runs are removed %d times: %s", removed.n-1, log.String())
	}
}

// TestTrimFails: it is tried again.
func TestTrimFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		removed := trims{err: errors.New("the disk is full")}
		var log bytes.Buffer
		k, err := retention.New(retention.Config{Journal: &removed, Keep: month, Folder: dir, Clock: clock.System, Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		go k.Run(ctx)
		time.Sleep(time.Hour)
		cancel()
		synctest.Wait()
		if removed.n < 2 || !strings.Contains(log.String(), "the disk is full") {
			t.Errorf("tried %d times: %s", removed.n, log.String())
		}
	})
}
