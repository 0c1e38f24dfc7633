package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/webhook"
)

// live is the set of flows that are served, read again when a file changes. A
// flow that is wrong after a change goes on as it was before.
type live struct {
	paths    []string
	cfg      flow.Config
	verifier webhook.Verifier
	std      *streams
	log      *slog.Logger

	mu  sync.Mutex // one reload at a time
	set atomic.Pointer[catalog.Set]
}

// openLive reads the flows for the first time, when any mistake is reason not
// to start.
func openLive(paths []string, w *world, std *streams, log *slog.Logger) (*live, error) {
	l := &live{paths: paths, cfg: flowConfig(w.types, w.config), verifier: w.outbound, std: std, log: log}
	files, err := catalog.Find(paths)
	if err != nil {
		return nil, wrong(err)
	}
	set, mistakes := catalog.Load(files, l.cfg)
	if set != nil {
		mistakes = append(mistakes, webhook.Check(set, l.verifier, l.cfg.Connections)...)
	}
	diag.Print(std.err, mistakes.Sorted(), readSource)
	if mistakes.HasErrors() {
		return nil, errSaid
	}
	l.set.Store(set)
	return l, nil
}

// Set returns the live flows.
func (l *live) Set() *catalog.Set { return l.set.Load() }

// reload reads all files again. What is wrong is told, and stays as it was.
func (l *live) reload() {
	l.mu.Lock()
	defer l.mu.Unlock()
	files, err := catalog.Find(l.paths)
	if err != nil {
		l.log.Error("flows are not reloaded", "error", err)
		return
	}
	set, mistakes := catalog.Reload(files, l.cfg, l.Set())
	if set != nil {
		if refused := webhook.Check(set, l.verifier, l.cfg.Connections); refused.HasErrors() {
			mistakes, set = append(mistakes, refused...), nil
		}
	}
	diag.Print(l.std.err, mistakes.Sorted(), readSource)
	switch {
	case set == nil:
		l.log.Error("flows are not reloaded, all stay as they were", "mistakes", len(mistakes))
		return
	case mistakes.HasErrors():
		l.log.Warn("flows reloaded; those with mistakes stay as they were")
	default:
		l.log.Info("flows reloaded", "flows", len(set.Flows()))
	}
	l.set.Store(set)
}

// settle is how long files must rest before they are read: editors write in
// several moves.
const settle = 100 * time.Millisecond

// watch reloads when a file changes, until ctx ends.
func (l *live) watch(ctx context.Context) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("watch flows: %w", err)
	}
	defer w.Close()
	if err := l.addFolders(w); err != nil {
		return fmt.Errorf("watch flows: %w", err)
	}
	var rest <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-w.Events:
			if !strings.HasPrefix(filepath.Base(e.Name), ".") {
				rest = time.After(settle)
			}
		case err := <-w.Errors:
			l.log.Error("watch flows", "error", err)
		case <-rest:
			rest = nil
			if err := l.addFolders(w); err != nil {
				l.log.Error("watch flows", "error", err)
			}
			l.reload()
		}
	}
}

// addFolders watches every folder under the paths; a second time does no harm.
func (l *live) addFolders(w *fsnotify.Watcher) error {
	for _, root := range l.paths {
		info, err := os.Stat(root)
		if err != nil {
			continue // gone; it may come back
		}
		if !info.IsDir() {
			// An editor that replaces the file would end a watch of it.
			if err := w.Add(filepath.Dir(root)); err != nil {
				return err
			}
			continue
		}
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.IsDir() {
				return err
			}
			return w.Add(path)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
