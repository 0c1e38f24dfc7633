// Package retention forgets ended runs at intervals: those that are too old, or
// the oldest of too many. It forgets nothing while the time may be wrong: a clock
// that is 40 days ahead would make every run old.
package retention

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/infile"
	"github.com/wendflow/wend/runtime/journal"
)

// File is where the time is noted, in the folder of the journal.
const File = "wend.clock"

const (
	every = 10 * time.Minute
	// doubtFrom is how much time may pass between two starts without a doubt. A
	// server that was off for longer looks like a clock that was set.
	doubtFrom = 24 * time.Hour
	// doubtFor is how long a doubt lasts.
	doubtFor = 24 * time.Hour
)

// Trimmer is a journal.Driver.
type Trimmer interface {
	Trim(ctx context.Context, r journal.Retention) (int, error)
}

// Config is what a Keeper needs.
type Config struct {
	Journal Trimmer
	Keep    func() journal.Retention
	Clock   clock.Clock
	Folder  string // of the journal
	// TrustClock says that the time is right, whatever was noted.
	TrustClock bool
	Log        *slog.Logger
}

// Keeper forgets ended runs. Make it by New, and call Run once.
type Keeper struct {
	cfg  Config
	note note
}

// note is what a later process has to know.
type note struct {
	Seen    time.Time `json:"seen"`             // the time when somebody looked last
	Doubted time.Time `json:"doubted,omitzero"` // since when the time is doubted
}

// New reads what was noted. A note that cannot be read makes the time doubtful.
func New(c Config) (*Keeper, error) {
	k := &Keeper{cfg: c}
	now := c.Clock.Now().UTC()
	src, err := infile.Read(k.file(), 1<<20)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return k, nil // a new journal, or one from before there were notes
	case err != nil:
		return nil, fmt.Errorf("read the time that was noted: %w", err)
	}
	if err := json.Unmarshal(src, &k.note); err != nil {
		k.note.Doubted = now
	}
	switch since := now.Sub(k.note.Seen); {
	case c.TrustClock:
		k.note.Doubted = time.Time{}
	case since >= doubtFrom:
		k.note.Doubted = now
	case now.Before(k.note.Doubted): // it was set back since
		k.note.Doubted = time.Time{}
	}
	if !k.note.Doubted.IsZero() {
		c.Log.Warn("the time may be wrong: no ended runs are removed for a day, or until `wend serve --trust-clock` says that it is right",
			"now", now, "before", k.note.Seen, "until", k.note.Doubted.Add(doubtFor))
	}
	return k, nil
}

func (k *Keeper) file() string { return filepath.Join(k.cfg.Folder, File) }

// Run removes what is not to be kept, until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	tick := k.cfg.Clock.NewTicker(every)
	defer tick.Stop()
	for {
		k.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look removes runs unless there is a doubt, and notes the time.
func (k *Keeper) look(ctx context.Context) {
	now := k.cfg.Clock.Now().UTC()
	if !k.note.Doubted.IsZero() && now.Sub(k.note.Doubted) >= doubtFor {
		k.note.Doubted = time.Time{}
		k.cfg.Log.Info("the time is taken to be right, ended runs are removed again")
	}
	k.note.Seen = now
	if err := k.write(); err != nil {
		k.cfg.Log.Error("note the time, without which no ended runs are removed", "error", err)
		return
	}
	if !k.note.Doubted.IsZero() {
		return
	}
	removed, err := k.cfg.Journal.Trim(ctx, k.cfg.Keep())
	switch {
	case ctx.Err() != nil:
	case err != nil:
		k.cfg.Log.Error("remove old runs", "error", err)
	case removed > 0:
		k.cfg.Log.Info("old runs removed", "runs", removed)
	}
}

// write puts the note in place in one step.
func (k *Keeper) write() error {
	text, err := json.Marshal(k.note)
	if err != nil {
		return err
	}
	fresh := k.file() + ".new"
	if err := os.WriteFile(fresh, append(text, '\n'), 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, k.file())
}
