package catalog

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
)

// LiveConfig says what is live, and who has a say in it.
type LiveConfig struct {
	// Paths are files, and folders of them.
	Paths []string
	// Flows is what flows are checked against whenever they are read.
	Flows func() flow.Config
	// Check finds what else is wrong with a set of one flow. Any error keeps
	// that flow from going live.
	Check func(*Set) diag.List
	// Stored finds the last good version of the flow of that name, for a file
	// that is wrong at the start, or nil.
	Stored func(ctx context.Context, file, name string) *flow.Flow
	// Versions notes what goes live, and says which flows are rolled back. Defaults
	// to nothing noted.
	Versions *Versions
	// Version finds a flow as it was, to be served in the place of the one that the
	// file has. Needed for Versions.
	Version func(ctx context.Context, file string, v journal.Version) (*flow.Flow, error)
	// Prepare is called before a set goes live; if it fails, the set does not.
	Prepare func(context.Context, *Set) error
	// Tell takes the mistakes that a Reload finds.
	Tell func(diag.List)
	// Log says what has become of a Reload.
	Log *slog.Logger
}

// Live is the set of flows that are served, read again when told to. A flow
// that is wrong after a change goes on as it was before, with the plugins it
// had. It is safe for concurrent use.
type Live struct {
	cfg LiveConfig
	mu  sync.Mutex // one reload at a time
	set atomic.Pointer[Set]

	mistakes atomic.Pointer[diag.List]
}

// OpenLive reads the flows for the first time, and returns all their mistakes.
// A flow that is wrong is the last good version, or left out.
func OpenLive(ctx context.Context, c LiveConfig) (*Live, diag.List, error) {
	files, err := Find(c.Paths)
	if err != nil {
		return nil, nil, err
	}
	l := &Live{cfg: c}
	set, mistakes := l.read(ctx, files, nil)
	if err := c.Prepare(ctx, set); err != nil {
		return nil, mistakes, err
	}
	if err := l.deploy(ctx, set); err != nil {
		return nil, mistakes, err
	}
	l.set.Store(set)
	l.note(mistakes)
	for _, f := range set.Flows() {
		if _, back := l.rolledBack(f.Name); !back && set.filed[f.Name] == nil {
			c.Log.Warn("a flow is served as it was before", "flow", f.Name, "file", f.File, "digest", journal.Short(f.Digest))
		}
	}
	return l, mistakes, nil
}

// deploy notes which versions are the ones of their files from now on.
func (l *Live) deploy(ctx context.Context, set *Set) error {
	if l.cfg.Versions == nil {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(64) // which the journal writes at once
	for _, f := range set.filed {
		group.Go(func() error { return l.cfg.Versions.Deploy(ctx, f) })
	}
	return group.Wait()
}

// serve is what is served of a flow that was read: another version if it is rolled
// back. Should that not be to be had, nothing is: it was to replace what is in the
// file.
func (l *Live) serve(ctx context.Context, f *flow.Flow) *flow.Flow {
	if l.cfg.Versions == nil {
		return f
	}
	v, back := l.cfg.Versions.Instead(f)
	if !back {
		return f
	}
	return l.version(ctx, f.File, v)
}

func (l *Live) version(ctx context.Context, file string, v journal.Version) *flow.Flow {
	if s := l.Set(); s != nil {
		if f := s.Flow(v.Flow); f != nil && f.File == file && v.Is(f.Digest, f.Plugins()) {
			return f
		}
	}
	f, err := l.cfg.Version(ctx, file, v)
	if err != nil {
		l.cfg.Log.Error("a flow is rolled back to a version that cannot be had", "flow", v.Flow, "version", v.Number, "error", err)
		return nil
	}
	return f
}

func (l *Live) read(ctx context.Context, files []string, live *Set) (*Set, diag.List) {
	check := func(f *flow.Flow) diag.List { return l.cfg.Check(One(f)) }
	served := map[string]*flow.Flow{} // by file
	if live != nil {
		for _, f := range live.flows {
			served[f.File] = f
		}
	}
	before := func(file string) *flow.Flow {
		f, name := served[file], ""
		if f != nil {
			name = f.Name
		} else if src, list := source(file); list == nil {
			name = nameIn(src)
		}
		if v, back := l.rolledBack(name); back && name != "" {
			return cmp.Or(l.version(ctx, file, v), f)
		}
		if f != nil || name == "" || l.cfg.Stored == nil {
			return f
		}
		return l.cfg.Stored(ctx, file, name)
	}
	serve := func(f *flow.Flow) *flow.Flow { return cmp.Or(l.serve(ctx, f), served[f.File]) }
	return load(files, l.cfg.Flows(), live, says{check: check, before: before, serve: serve, source: source})
}

func (l *Live) rolledBack(name string) (journal.Version, bool) {
	if l.cfg.Versions == nil {
		return journal.Version{}, false
	}
	return l.cfg.Versions.RolledBack(name)
}

var flowLine = regexp.MustCompile(`(?m)^flow:[ \t]*["']?([a-zA-Z0-9_-]+)`)

// nameIn finds which flow a file is meant to be, however wrong the rest is.
func nameIn(src []byte) string {
	if m := flowLine.FindSubmatch(src); m != nil {
		return string(m[1])
	}
	return ""
}

// Mistakes returns the errors of the files as they were read last, for which
// flows are left out or as they were before.
func (l *Live) Mistakes() diag.List {
	if m := l.mistakes.Load(); m != nil {
		return *m
	}
	return nil
}

func (l *Live) note(mistakes diag.List) {
	wrong := slices.DeleteFunc(slices.Clone(mistakes), func(e *diag.Error) bool { return e.Severity == diag.SeverityWarning })
	l.mistakes.Store(&wrong)
}

// Set returns the live flows.
func (l *Live) Set() *Set { return l.set.Load() }

// Reload reads all files again. What is wrong is told, and stays as it was.
func (l *Live) Reload(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	log := l.cfg.Log
	files, err := Find(l.cfg.Paths)
	if err != nil {
		log.Error("flows are not reloaded", "error", err)
		return
	}
	set, mistakes := l.read(ctx, files, l.Set())
	l.note(mistakes)
	l.cfg.Tell(l.Mistakes()) // warnings were told at the start
	if err := l.cfg.Prepare(ctx, set); err != nil {
		log.Error("flows are not reloaded, all stay as they were", "error", err)
		return
	}
	if err := l.deploy(ctx, set); err != nil {
		log.Error("the versions of flows are not noted; they are served all the same", "error", err)
	}
	l.set.Store(set)
	if mistakes.HasErrors() {
		log.Warn("flows reloaded; those with mistakes stay as they were")
		return
	}
	log.Info("flows reloaded", "flows", len(set.Flows()))
}

// Plugins returns the digests of the plugins that the flows use, each once.
func (s *Set) Plugins() []string {
	var digests []string
	for _, f := range s.flows {
		digests = append(digests, Plugins(f)...)
	}
	slices.Sort(digests)
	return slices.Compact(digests)
}

// Plugins returns the digests of the plugins that a flow uses, each once.
func Plugins(f *flow.Flow) []string {
	var digests []string
	for n := range f.All() {
		if n.Type.Digest != "" {
			digests = append(digests, n.Type.Digest)
		}
	}
	slices.Sort(digests)
	return slices.Compact(digests)
}

// Connections returns the names of the connections that a flow calls with and
// checks callers by, each once.
func Connections(f *flow.Flow) []string {
	var names []string
	for n := range f.All() {
		if n.Connection != "" {
			names = append(names, n.Connection)
		}
		hook, ok := n.Trigger.(*node.Hook)
		if ok && hook.Verify != "" {
			names = append(names, hook.Verify)
		}
		if ok && hook.Handshake != nil && hook.Handshake.Connection != "" {
			names = append(names, hook.Handshake.Connection)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Folders returns every folder that may hold a flow under paths, for who
// watches them. What is not there is left out; it may come back.
func Folders(paths []string) ([]string, error) {
	var folders []string
	for _, root := range paths {
		info, err := os.Stat(root)
		if err != nil {
			continue
		}
		if !info.IsDir() {
			// An editor that replaces the file would end a watch of it.
			folders = append(folders, filepath.Dir(root))
			continue
		}
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // removed meanwhile
			}
			if err == nil && d.IsDir() {
				folders = append(folders, path)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return folders, nil
}
