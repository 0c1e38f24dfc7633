// Package registry has the plugins: it knows each by its digest, finds its
// bytes in a folder or in the journal, loads it when it is first needed, and
// lets go of it when nobody has needed it for a while.
package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/pluginhost"
	"github.com/wendflow/wend/runtime/wasm"
)

const (
	// UnusedFor is how long a plugin that is not wanted stays loaded after
	// somebody needed it.
	UnusedFor  = 5 * time.Minute
	sweepEvery = time.Minute
)

// Config says where plugins come from.
type Config struct {
	// Folder has them as *.wasm files. One that is not there holds none.
	Folder string
	// Others are the node types that no plugin brings.
	Others []*node.Type
	// Host loads them. Defaults to none: what a plugin declares is known, and
	// to run a node of it is an error.
	Host *pluginhost.Host
	// Clock defaults to the machine's.
	Clock clock.Clock
	// Log takes what is loaded and let go of. Defaults to none.
	Log *slog.Logger
}

// Registry has the plugins of a folder, and older ones that runs began with, or
// flows that are wrong with the newer. Node types from a registry find their
// plugin by its digest at every step, so nobody has to know who needs which.
// It is safe for concurrent use.
type Registry struct {
	folder  folder
	others  []*node.Type
	host    *pluginhost.Host
	clock   clock.Clock
	log     *slog.Logger
	types   atomic.Pointer[node.Set]
	loading singleflight.Group // by digest

	reading sync.Mutex // held while the folder is taken as it is

	loads   sync.WaitGroup
	mu      sync.Mutex
	closed  bool          // nothing is loaded any more
	wrong   []*FileError  // of the folder
	blobs   journal.Blobs // nil until KeepIn
	plugins map[string]*plugin
}

// plugin is what is known of one digest. Guarded by Registry.mu, but for what
// never changes.
type plugin struct {
	digest   string
	manifest *manifest.Manifest
	types    []*node.Type
	file     string // that it was read from; "" if that was the journal

	module *wasm.Module       // nil if the journal has it
	kept   bool               // it was put there
	loaded *pluginhost.Plugin // nil if it is not loaded; held once
	listed bool               // the folder has it
	wanted bool               // it stays loaded
	used   time.Time
}

// Open reads the folder. No plugin is loaded. A file that the host would refuse
// is left out; see Wrong.
func Open(ctx context.Context, c Config) (*Registry, error) {
	r := &Registry{
		folder:  folder{dir: c.Folder},
		others:  c.Others,
		host:    c.Host,
		clock:   cmp.Or(c.Clock, clock.System),
		log:     cmp.Or(c.Log, slog.New(slog.DiscardHandler)),
		plugins: map[string]*plugin{},
	}
	if err := r.take(ctx, func(*plugin) error { return nil }); err != nil {
		return nil, err
	}
	return r, nil
}

// Types returns the node types of the folder's plugins and the others.
func (r *Registry) Types() *node.Set { return r.types.Load() }

// Status tells how the plugins do that are loaded, by their digests.
func (r *Registry) Status() map[string]Loaded {
	r.mu.Lock()
	defer r.mu.Unlock()
	loaded := map[string]Loaded{}
	for digest, p := range r.plugins {
		if p.loaded != nil {
			loaded[digest] = Loaded{p.manifest.Plugin, p.loaded.Status()}
		}
	}
	return loaded
}

// Loaded is a plugin that is loaded.
type Loaded struct {
	Plugin string
	pluginhost.Status
}

// FileError is what is wrong with one file of the folder.
type FileError struct {
	File string
	// Kept is the plugin that the file was before, which stays in its place, or
	// "" if it is left out.
	Kept string
	Err  error
}

func (e *FileError) Error() string { return fmt.Sprintf("plugin file %q: %s", e.File, e.Err) }

// Unwrap returns Err.
func (e *FileError) Unwrap() error { return e.Err }

// Wrong returns what was wrong with files when the folder was read last, by
// their names.
func (r *Registry) Wrong() []*FileError {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.wrong)
}

// Reload takes the folder as it is now. New plugins are loaded, to see whether
// they can be. A file that is wrong, or changes meanwhile, stays what it was; see
// Wrong. If the journal does not take the new ones, all stay as they were.
func (r *Registry) Reload(ctx context.Context) error {
	return r.take(ctx, func(p *plugin) error {
		loaded, err := r.host.LoadModule(ctx, p.module)
		if err != nil {
			return err
		}
		p.loaded = loaded // flows are about to need it
		return nil
	})
}

// take makes the folder's plugins the listed ones. try has its say about each
// that was not known.
func (r *Registry) take(ctx context.Context, try func(*plugin) error) error {
	r.reading.Lock()
	defer r.reading.Unlock()
	found, err := r.read()
	if err != nil {
		return err
	}
	_ = each(found, func(f *reading) error { // each has its own error
		if f.err == nil && r.find(f.plugin.digest) == nil {
			f.err = try(f.plugin)
		}
		return nil
	})
	plugins, set, wrong, err := r.choose(found)
	if blobs := r.journal(); err == nil && blobs != nil {
		err = keep(ctx, blobs, slices.DeleteFunc(slices.Clone(plugins), func(p *plugin) bool { return r.keeps(p.digest) }))
	}
	var spare []*pluginhost.Plugin
	if err == nil {
		spare = r.list(plugins, wrong)
		r.types.Store(set.From(r.folder.source()))
	}
	for _, f := range found {
		if f.plugin != nil && (err != nil || !slices.Contains(plugins, f.plugin)) {
			spare = append(spare, f.plugin.loaded)
		}
	}
	for _, p := range spare {
		r.release(ctx, p)
	}
	return err
}

// reading is what became of reading a file.
type reading struct {
	file   string
	plugin *plugin
	err    error
}

// read reads the files of the folder.
func (r *Registry) read() ([]*reading, error) {
	files, err := r.folder.files()
	if err != nil {
		return nil, err
	}
	found := make([]*reading, len(files))
	return found, each(indices(files), func(i int) error {
		found[i] = &reading{file: files[i]}
		found[i].plugin, found[i].err = r.readFile(files[i])
		return nil
	})
}

// choose says which plugins the folder has from now on: what its files are, and
// of those that are wrong what they were. Of two with the same node types it is
// the one that the folder had, else the first.
func (r *Registry) choose(found []*reading) (plugins []*plugin, set *node.Set, wrong []*FileError, err error) {
	before := r.listed()
	digests := map[string]bool{}
	for _, f := range found {
		if f.err == nil {
			digests[f.plugin.digest] = true
		}
	}
	var candidates []*plugin
	for _, f := range found {
		if f.err == nil {
			candidates = append(candidates, f.plugin)
			continue
		}
		e := &FileError{File: f.file, Err: f.err}
		wrong = append(wrong, e)
		if was := before[f.file]; was != nil && !digests[was.digest] {
			candidates = append(candidates, was)
			e.Kept = was.manifest.Plugin + "@" + was.manifest.Version
		}
	}
	had := map[string]bool{}
	for _, p := range before {
		had[p.digest] = true
	}
	slices.SortStableFunc(candidates, func(a, b *plugin) int {
		switch {
		case had[a.digest] == had[b.digest]:
			return 0
		case had[a.digest]:
			return -1
		}
		return 1
	})
	types := slices.Clone(r.others)
	if set, err = node.NewSet(types...); err != nil {
		return nil, nil, nil, err
	}
	for _, p := range candidates {
		more := slices.Concat(types, p.types)
		wider, err := node.NewSet(more...)
		if err != nil {
			wrong = append(wrong, &FileError{File: p.file, Err: fmt.Errorf("plugin %s@%s: %w%s", p.manifest.Plugin, p.manifest.Version, err, sameIn(plugins, p))})
			continue
		}
		plugins, types, set = append(plugins, p), more, wider
	}
	slices.SortStableFunc(wrong, func(a, b *FileError) int { return cmp.Compare(a.File, b.File) })
	return plugins, set, wrong, nil
}

// sameIn says which file has the node types of p already.
func sameIn(plugins []*plugin, p *plugin) string {
	for _, other := range plugins {
		if other.manifest.Plugin == p.manifest.Plugin && other.manifest.Version == p.manifest.Version {
			return fmt.Sprintf("; it is in %q already", other.file)
		}
	}
	return ""
}

// listed returns the plugins of the folder by the files that they were read
// from.
func (r *Registry) listed() map[string]*plugin {
	r.mu.Lock()
	defer r.mu.Unlock()
	listed := map[string]*plugin{}
	for _, p := range r.plugins {
		if p.listed {
			listed[p.file] = p
		}
	}
	return listed
}

func (r *Registry) readFile(file string) (*plugin, error) {
	content, err := r.folder.read(file)
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, at.Err // who tells it names the file
	}
	if err != nil {
		return nil, err
	}
	p, err := r.identify(content)
	if err != nil {
		return nil, err
	}
	p.file = file
	return p, nil
}

// identify says which plugin a file is, short of loading it.
func (r *Registry) identify(content []byte) (*plugin, error) {
	module, err := wasm.Parse(content)
	if err != nil {
		return nil, err
	}
	check := manifest.Of
	if r.host != nil {
		check = r.host.Check
	}
	m, err := check(module)
	if err != nil {
		return nil, err
	}
	p := &plugin{digest: module.Digest(), manifest: m, module: module}
	if p.types, err = m.Types(p.digest); err != nil {
		return nil, fmt.Errorf("plugin %s@%s: %w", m.Plugin, m.Version, err)
	}
	for i, t := range p.types {
		t.Step = r.step(t, i)
	}
	return p, nil
}

// step finds the plugin of its node type, the i-th, whenever it is called.
func (r *Registry) step(t *node.Type, i int) func(context.Context, node.Visit) (node.Action, error) {
	return func(ctx context.Context, v node.Visit) (node.Action, error) {
		p, err := r.borrow(ctx, t.Digest)
		if err != nil {
			return nil, fmt.Errorf("plugin of %q: %w", t.Name, err)
		}
		defer r.release(ctx, p)
		return p.Types()[i].Step(ctx, v)
	}
}

// list makes found the plugins of the folder. What is known already stays what
// it is; what it does not need is returned.
func (r *Registry) list(found []*plugin, wrong []*FileError) (spare []*pluginhost.Plugin) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrong = wrong
	for _, p := range r.plugins {
		if p.listed {
			p.listed, p.used = false, r.clock.Now()
		}
	}
	for _, p := range found {
		if known := r.plugins[p.digest]; known != nil {
			known.listed, known.file, known.kept = true, p.file, r.blobs != nil
			if p != known && p.loaded != nil { // a run of old needed it meanwhile
				spare = append(spare, p.loaded)
			}
			continue
		}
		p.listed, p.used = true, r.clock.Now()
		if r.blobs != nil {
			p.module, p.kept = nil, true
		}
		r.plugins[p.digest] = p
		if p.loaded != nil {
			r.say(r.log.Info, "plugin loaded", p) // somebody has changed it
		}
	}
	return spare
}

// keeps tells whether a plugin was put into the journal.
func (r *Registry) keeps(digest string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.plugins[digest]
	return p != nil && p.kept
}

// KeepIn puts the folder's plugins, those that are and those to come, into the
// journal, so that a run that begins with one can go on after its file has
// changed. From then on a plugin is let go of when it is not needed.
func (r *Registry) KeepIn(ctx context.Context, blobs journal.Blobs) error {
	r.reading.Lock()
	defer r.reading.Unlock()
	r.mu.Lock()
	known := slices.Collect(maps.Values(r.plugins))
	r.mu.Unlock()
	if err := keep(ctx, blobs, known); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blobs = blobs
	for _, p := range known {
		p.module, p.kept = nil, true
	}
	return nil
}

func keep(ctx context.Context, blobs journal.Blobs, plugins []*plugin) error {
	for _, p := range plugins {
		if err := blobs.PutBlob(ctx, p.digest, p.module.File); err != nil {
			return fmt.Errorf("keep plugin %q: %w", p.file, err)
		}
	}
	return nil
}

// Prove leaves out the plugins of the folder that cannot be loaded; see Wrong. It
// loads those of which nobody knows yet; somebody is about to need them.
func (r *Registry) Prove(ctx context.Context) error {
	r.reading.Lock()
	defer r.reading.Unlock()
	listed := slices.SortedFunc(maps.Values(r.listed()), func(a, b *plugin) int { return cmp.Compare(a.file, b.file) })
	found := make([]*reading, len(listed))
	_ = each(indices(listed), func(i int) error { // each has its own error
		found[i] = &reading{file: listed[i].file, plugin: listed[i], err: r.prove(ctx, listed[i].digest)}
		return nil
	})
	types, sound, wrong := slices.Clone(r.others), []*plugin(nil), r.Wrong()
	for _, f := range found {
		if f.err != nil {
			wrong = append(wrong, &FileError{File: f.file, Err: f.err})
			continue
		}
		sound, types = append(sound, f.plugin), append(types, f.plugin.types...)
	}
	set, err := node.NewSet(types...)
	if err != nil {
		return err
	}
	slices.SortStableFunc(wrong, func(a, b *FileError) int { return cmp.Compare(a.File, b.File) })
	r.list(sound, wrong)
	r.types.Store(set.From(r.folder.source()))
	return nil
}

func (r *Registry) prove(ctx context.Context, digest string) error {
	if r.isLoaded(digest) {
		return nil
	}
	module, err := r.module(ctx, digest)
	if err != nil {
		return err
	}
	if known, err := r.host.Proven(module); known || err != nil {
		return err
	}
	p, err := r.borrow(ctx, digest)
	r.release(ctx, p)
	return err
}

// Usable tells whether plugins can be loaded, those of the journal too.
func (r *Registry) Usable(ctx context.Context, digests []string) error {
	return each(digests, func(digest string) error {
		if err := r.prove(ctx, digest); err != nil {
			return r.placed(digest, err)
		}
		return nil
	})
}

// Want loads the plugins with these digests and has them stay loaded, until it
// is called again without them. If one cannot be loaded, nothing changes.
func (r *Registry) Want(ctx context.Context, digests []string) error {
	held := make([]*pluginhost.Plugin, len(digests))
	defer func() {
		for _, p := range held {
			r.release(ctx, p)
		}
	}()
	err := each(indices(digests), func(i int) error {
		var err error
		if held[i], err = r.borrow(ctx, digests[i]); err != nil {
			return r.placed(digests[i], err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range r.plugins {
		p.wanted = slices.Contains(digests, p.digest)
	}
	return nil
}

// placed names the file that an error is about.
func (r *Registry) placed(digest string, err error) error {
	if p := r.find(digest); p != nil && p.file != "" {
		return fmt.Errorf("plugin file %q: %w", p.file, err)
	}
	return fmt.Errorf("plugin %s: %w", digest, err)
}

// TypesOf is the catalogue with the plugins that have these digests, by the
// names of their node types, and with no others.
func (r *Registry) TypesOf(ctx context.Context, digests map[string]string) (*node.Set, error) {
	types := slices.Clone(r.others)
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(digests)) {
		digest := digests[name]
		if seen[digest] {
			continue
		}
		seen[digest] = true
		p, err := r.known(ctx, digest)
		if err != nil {
			return nil, fmt.Errorf("the plugin of %q as it was: %w", name, err)
		}
		types = append(types, p.types...)
	}
	return node.NewSet(types...)
}

// known finds what a plugin is by its digest.
func (r *Registry) known(ctx context.Context, digest string) (*plugin, error) {
	if p := r.find(digest); p != nil {
		return p, nil
	}
	module, err := r.module(ctx, digest)
	if err != nil {
		return nil, err
	}
	return r.meet(module)
}

// meet notes a plugin that came from the journal.
func (r *Registry) meet(module *wasm.Module) (*plugin, error) {
	p, err := r.identify(module.File)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.plugins[p.digest]; known != nil {
		return known, nil
	}
	p.module, p.used = nil, r.clock.Now()
	r.plugins[p.digest] = p
	return p, nil
}

// module finds the bytes of a plugin.
func (r *Registry) module(ctx context.Context, digest string) (*wasm.Module, error) {
	if p := r.find(digest); p != nil {
		r.mu.Lock()
		module := p.module
		r.mu.Unlock()
		if module != nil {
			return module, nil
		}
	}
	blobs := r.journal()
	if blobs == nil {
		return nil, errors.New("it is not loaded any more")
	}
	file, err := blobs.Blob(ctx, digest)
	if err != nil {
		return nil, err
	}
	module, err := wasm.Parse(file)
	if err != nil {
		return nil, err
	}
	if got := module.Digest(); got != digest {
		return nil, fmt.Errorf("the journal has %s in the place of %s", got, digest)
	}
	return module, nil
}

// borrow returns a plugin with one more holder. Those who ask for the same one
// at the same time share one load; those who ask for others do not wait.
func (r *Registry) borrow(ctx context.Context, digest string) (*pluginhost.Plugin, error) {
	for {
		if p := r.held(digest); p != nil {
			return p, nil
		}
		done := r.loading.DoChan(digest, func() (any, error) {
			if err := r.enter(); err != nil {
				return nil, err
			}
			defer r.loads.Done()
			return nil, r.load(context.WithoutCancel(ctx), digest) // whoever gives up, the others still wait
		})
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case result := <-done:
			if result.Err != nil {
				return nil, result.Err
			}
		}
	}
}

func (r *Registry) load(ctx context.Context, digest string) error {
	if r.host == nil {
		return errors.New("plugins are only looked at here, none is run")
	}
	if r.isLoaded(digest) { // by a load that ended just before this one began
		return nil
	}
	module, err := r.module(ctx, digest)
	if err != nil {
		return err
	}
	if r.find(digest) == nil {
		if _, err := r.meet(module); err != nil {
			return err
		}
	}
	loaded, err := r.host.LoadModule(ctx, module)
	if err != nil {
		return err
	}
	if !r.put(digest, loaded) {
		r.release(ctx, loaded)
	}
	return nil
}

// put makes a plugin a loaded one, if it is known still and not loaded.
func (r *Registry) put(digest string, loaded *pluginhost.Plugin) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.plugins[digest]
	if p == nil || p.loaded != nil {
		return false
	}
	p.loaded, p.used = loaded, r.clock.Now()
	r.say(r.log.Debug, "plugin loaded", p)
	return true
}

// enter begins a load.
func (r *Registry) enter() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return errors.New("the plugins are closed")
	}
	r.loads.Add(1)
	return nil
}

// Close waits for loads under way; after it nothing is loaded. The plugins that
// are loaded are the host's to close.
func (r *Registry) Close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.loads.Wait()
}

func (r *Registry) isLoaded(digest string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.plugins[digest]
	return p != nil && p.loaded != nil
}

func (r *Registry) find(digest string) *plugin {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.plugins[digest]
}

func (r *Registry) journal() journal.Blobs {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.blobs
}

func (r *Registry) held(digest string) *pluginhost.Plugin {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.plugins[digest]
	if p == nil {
		return nil
	}
	p.used = r.clock.Now()
	if p.loaded == nil {
		return nil
	}
	p.loaded.Hold()
	return p.loaded
}

// release gives up one hold of a plugin; the last frees it.
func (r *Registry) release(ctx context.Context, p *pluginhost.Plugin) {
	if p == nil {
		return
	}
	if err := p.Close(context.WithoutCancel(ctx)); err != nil {
		r.log.Error("let go of a plugin", "plugin", p.Manifest().Plugin, "digest", p.Digest(), "error", err)
	}
}

func (r *Registry) say(tell func(msg string, args ...any), what string, p *plugin) {
	tell(what, "plugin", p.manifest.Plugin, "version", p.manifest.Version, "digest", p.digest)
}

// Sweep lets go of plugins that are not wanted and that nobody has needed for
// UnusedFor, if the journal has them.
func (r *Registry) Sweep(ctx context.Context) {
	var unused []*pluginhost.Plugin
	defer func() {
		for _, p := range unused {
			r.release(ctx, p)
		}
	}()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.blobs == nil {
		return
	}
	for digest, p := range r.plugins {
		if p.wanted || r.clock.Now().Sub(p.used) < UnusedFor {
			continue
		}
		if p.loaded != nil {
			unused = append(unused, p.loaded)
			p.loaded = nil
			r.say(r.log.Debug, "plugin let go of", p)
		}
		if !p.listed {
			delete(r.plugins, digest)
		}
	}
}

// Run sweeps now and then, until ctx ends.
func (r *Registry) Run(ctx context.Context) {
	tick := r.clock.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.Sweep(ctx)
		}
	}
}

// each calls do for all things, a few at a time, and joins their errors in the
// order of the things.
func each[T any](things []T, do func(T) error) error {
	errs := make([]error, len(things))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, thing := range things {
		g.Go(func() error {
			errs[i] = do(thing)
			return nil
		})
	}
	_ = g.Wait() // each has its own error
	return errors.Join(errs...)
}

func indices[T any](list []T) []int {
	all := make([]int, len(list))
	for i := range all {
		all[i] = i
	}
	return all
}
