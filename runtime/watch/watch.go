// Package watch tells that files under some folders have changed, once they
// have come to rest. It reads none of them.
package watch

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

// rest is how long files must be left alone before they are read: editors write
// in several moves, by the time of the machine whatever the clock.
const rest = 100 * time.Millisecond

// Config says what is watched.
type Config struct {
	// Folders are looked into, not below. They are asked for again after every
	// change, so folders that come later are watched too.
	Folders func() ([]string, error)
	// Extensions are those of the files that matter, as ".yaml". Folders
	// matter, and what is gone may have been one; hidden files do not.
	Extensions []string
	// Log takes what cannot be watched.
	Log *slog.Logger
}

// Watcher notes changes from New on, and tells of them in Run.
type Watcher struct {
	cfg     Config
	changes *fsnotify.Watcher
}

// New begins to watch. Run closes the watcher.
func New(c Config) (*Watcher, error) {
	changes, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch files: %w", err)
	}
	w := &Watcher{cfg: c, changes: changes}
	if err := w.add(); err != nil {
		_ = changes.Close()
		return nil, fmt.Errorf("watch files: %w", err)
	}
	return w, nil
}

// add watches every folder; a second time does no harm.
func (w *Watcher) add() error {
	folders, err := w.cfg.Folders()
	if err != nil {
		return err
	}
	for _, dir := range folders {
		if err := w.changes.Add(dir); err != nil {
			return err
		}
	}
	return nil
}

// Run calls changed with the names of what has changed, each once, until ctx
// ends.
func (w *Watcher) Run(ctx context.Context, changed func(names []string)) error {
	defer w.changes.Close()
	var rested <-chan time.Time
	var names []string
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-w.changes.Events:
			if !w.matters(e.Name) {
				continue
			}
			rested = time.After(rest)
			if !slices.Contains(names, e.Name) {
				names = append(names, e.Name)
			}
		case err := <-w.changes.Errors:
			w.cfg.Log.Error("watch files", "error", err)
		case <-rested:
			if err := w.add(); err != nil {
				w.cfg.Log.Error("watch files", "error", err)
			}
			changed(names)
			rested, names = nil, nil
		}
	}
}

func (w *Watcher) matters(name string) bool {
	if strings.HasPrefix(filepath.Base(name), ".") {
		return false
	}
	if slices.Contains(w.cfg.Extensions, filepath.Ext(name)) {
		return true
	}
	info, err := os.Stat(name)
	return err != nil || info.IsDir()
}
