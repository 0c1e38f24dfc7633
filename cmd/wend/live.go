package main

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/config"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/node"
)

// live is the set of flows that are served, read again when a file changes, and
// checked again when a plugin does. A flow that is wrong after a change goes on
// as it was before, with the plugins it had.
type live struct {
	paths  []string
	shelf  *shelf
	config *config.Config
	std    *streams
	log    *slog.Logger

	mu    sync.Mutex // one reload at a time
	types atomic.Pointer[node.Set]
	set   atomic.Pointer[catalog.Set]
}

// openLive reads the flows for the first time, when any mistake is reason not
// to start.
func openLive(paths []string, w *world, shelf *shelf, std *streams, log *slog.Logger) (*live, error) {
	l := &live{paths: paths, shelf: shelf, config: w.config, std: std, log: log}
	types, err := shelf.typesOf(w.plugins)
	if err != nil {
		return nil, wrong(err)
	}
	l.types.Store(types)
	files, err := catalog.Find(paths)
	if err != nil {
		return nil, wrong(err)
	}
	cfg := flowConfig(types, l.config)
	set, mistakes := catalog.Load(files, cfg)
	mistakes = append(mistakes, checkConnections(set, l.config)...)
	diag.Print(std.err, mistakes.Sorted(), readSource)
	if mistakes.HasErrors() {
		return nil, errSaid
	}
	l.set.Store(set)
	return l, nil
}

// Set returns the live flows.
func (l *live) Set() *catalog.Set { return l.set.Load() }

// Types returns the catalogue that flows are checked against.
func (l *live) Types() *node.Set { return l.types.Load() }

// reloadPlugins takes the plugin folder as it is now. If anything in it is
// wrong, all plugins stay as they were.
func (l *live) reloadPlugins(ctx context.Context) {
	types, err := l.shelf.reload(ctx)
	if err != nil {
		l.log.Error("plugins are not reloaded, all stay as they were", "error", err)
		return
	}
	l.types.Store(types)
	l.log.Info("plugins reloaded")
}

// reload reads all files again. What is wrong is told, and stays as it was.
func (l *live) reload() {
	l.mu.Lock()
	defer l.mu.Unlock()
	files, err := catalog.Find(l.paths)
	if err != nil {
		l.log.Error("flows are not reloaded", "error", err)
		return
	}
	cfg := flowConfig(l.Types(), l.config)
	set, mistakes := catalog.Reload(files, cfg, l.Set())
	if refused := checkConnections(set, l.config); refused.HasErrors() {
		mistakes, set = append(mistakes, refused...), nil
	}
	// Warnings were told at the start.
	diag.Print(l.std.err, slices.DeleteFunc(mistakes.Sorted(), func(e *diag.Error) bool { return e.Severity == diag.SeverityWarning }), readSource)
	if set == nil {
		l.log.Error("flows are not reloaded, all stay as they were", "mistakes", len(mistakes))
		return
	}
	l.set.Store(set)
	if mistakes.HasErrors() {
		l.log.Warn("flows reloaded; those with mistakes stay as they were")
		return
	}
	l.log.Info("flows reloaded", "flows", len(set.Flows()))
}

// settle is how long files must rest before they are read: editors write in
// several moves, by the time of the machine whatever the clock.
const settle = 100 * time.Millisecond

// watcher notes from now on what changes; watch tells of it, and closes it.
func (l *live) watcher() (*fsnotify.Watcher, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch flows: %w", err)
	}
	if err := l.addFolders(w); err != nil {
		_ = w.Close()
		return nil, fmt.Errorf("watch flows: %w", err)
	}
	return w, nil
}

// watch reloads when a file changes, until ctx ends.
func (l *live) watch(ctx context.Context, w *fsnotify.Watcher) error {
	defer w.Close()
	var rest <-chan time.Time
	plugins := false // one of them changed
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-w.Events:
			if !concerns(e.Name) {
				continue
			}
			rest = time.After(settle)
			plugins = plugins || l.shelf.holds(e.Name)
		case err := <-w.Errors:
			l.log.Error("watch flows", "error", err)
		case <-rest:
			rest = nil
			if err := l.addFolders(w); err != nil {
				l.log.Error("watch flows", "error", err)
			}
			if plugins {
				plugins = false
				l.reloadPlugins(ctx)
			}
			l.reload()
		}
	}
}

// concerns tells whether a file that changed may be a flow or a plugin, or a
// folder of them. A log beside a flow, for one, is neither.
func concerns(name string) bool {
	if strings.HasPrefix(filepath.Base(name), ".") {
		return false
	}
	switch filepath.Ext(name) {
	case ".yaml", ".yml", ".wasm":
		return true
	default:
		info, err := os.Stat(name)
		return err != nil || info.IsDir() // what is gone may have been a folder
	}
}

// addFolders watches every folder under the paths, and that of the plugins; a
// second time does no harm.
func (l *live) addFolders(w *fsnotify.Watcher) error {
	if err := w.Add(l.shelf.watched()); err != nil {
		return err
	}
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
