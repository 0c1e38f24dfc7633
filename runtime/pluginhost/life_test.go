package pluginhost_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/pluginhost"
	"github.com/wendflow/wend/runtime/wasm"
)

// ended is a context that has ended.
func ended(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

// versioned is a plugin whose method "go" answers n.
func versioned(t *testing.T, version, n string) []byte {
	t.Helper()
	wasm := withManifest(t, answer(`{"outcome":"Success","outputs":{"n":`+n+`}}`).module(), manifest.Limits{})
	m, err := manifest.Read(wasm)
	if err != nil {
		t.Fatal(err)
	}
	m.Version = version
	wasm, err = manifest.Append(wasm, m)
	if err != nil {
		t.Fatal(err)
	}
	return wasm
}

func wantN(t *testing.T, p *pluginhost.Plugin, n int) {
	t.Helper()
	if got := finish(t, p.Types()[0], visit(map[string]any{})); got["n"] != n {
		t.Errorf("outputs = %v, want n = %d", got, n)
	}
}

func wantClosed(t *testing.T, p *pluginhost.Plugin) {
	t.Helper()
	types := p.Types()
	_, err := types[len(types)-1].Step(t.Context(), visit(map[string]any{}))
	if f, ok := errors.AsType[*node.Fault](err); !ok || f.Code != pluginhost.FaultClosed {
		t.Errorf("Step after Close = %v, want the fault closed", err)
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	h := newHost(t, pluginhost.Config{})
	one, two := load(t, h, versioned(t, "1.4.0", "1")), load(t, h, versioned(t, "2.0.0", "2"))
	set, err := node.NewSet(append(one.Types(), two.Types()...)...)
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]int{"bad/go": 2, "bad/go@1": 1, "bad/go@2": 2, "bad/go@1.4.0": 1} {
		if got := finish(t, set.Find(ref), visit(map[string]any{})); got["n"] != want {
			t.Errorf("%s: outputs = %v, want n = %d", ref, got, want)
		}
	}
}

// TestHolders: the same file is the same plugin, and lives as long as anyone
// holds it.
func TestHolders(t *testing.T) {
	t.Parallel()
	h := newHost(t, pluginhost.Config{})
	wasm := versioned(t, "1.0.0", "1")
	p := load(t, h, wasm)
	if load(t, h, wasm) != p {
		t.Error("a second Load gave another plugin")
	}
	p.Hold()
	for range 2 {
		if err := p.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantN(t, p, 1)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantClosed(t, p)
	again := load(t, h, wasm)
	if again == p {
		t.Error("Load after the last Close gave the closed plugin")
	}
	wantN(t, again, 1)
}

// TestReplace: a file that is no plugin leaves those that are loaded as they
// are, and a newer version goes on beside the one that a run began with.
func TestReplace(t *testing.T) {
	t.Parallel()
	h := newHost(t, pluginhost.Config{})
	old := load(t, h, versioned(t, "1.0.0", "1"))
	if _, err := h.Load(t.Context(), []byte("rubbish")); err == nil {
		t.Error("Load took rubbish")
	}
	wantN(t, old, 1)
	p := load(t, h, versioned(t, "1.0.1", "2"))
	wantN(t, p, 2)
	wantN(t, old, 1)
	if err := old.Close(t.Context()); err != nil { // the run ended
		t.Fatal(err)
	}
	wantClosed(t, old)
	wantN(t, p, 2)
}

// TestDrain: Close waits for the invoke under way, or until its context ends.
func TestDrain(t *testing.T) {
	t.Parallel()
	h := newHost(t, pluginhost.Config{})
	p := load(t, h, guest(t))
	chatter := method(t, p, "chatter")
	inside, release := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		v := visit(map[string]any{"calls": 1})
		v.Log = func(string) { close(inside); <-release }
		if _, err := chatter.Step(t.Context(), v); err != nil {
			t.Errorf("the invoke under way: %v", err)
		}
	})
	<-inside
	if err := p.Close(ended(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("Close = %v, want it to give up waiting", err)
	}
	wantClosed(t, p)
	close(release)
	wg.Wait()
	if err := h.Close(t.Context()); err != nil {
		t.Errorf("Close of the host, later = %v", err)
	}
}

// TestProven: what this build has loaded once need not be loaded again to know that
// it can be, and what could not be loaded is not among it.
func TestProven(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	proven := func(a asm) (before bool, err error) {
		t.Helper()
		h := newHost(t, pluginhost.Config{CacheDir: dir})
		mod, err := wasm.Parse(withManifest(t, a.module(), manifest.Limits{}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.Check(mod); err != nil {
			t.Errorf("Check = %v", err)
		}
		before, err = h.Proven(mod)
		if err != nil {
			t.Errorf("Proven = %v", err)
		}
		p, err := h.LoadModule(t.Context(), mod)
		if err == nil {
			err = p.Close(t.Context())
		}
		return before, err
	}
	sound, traps := answer(done), answer(done)
	traps.extra = []wasmFunc{{"_initialize", "", "", body(opUnreachable)}}
	for _, want := range []bool{false, true} {
		if got, err := proven(sound); got != want || err != nil {
			t.Errorf("proven %t, %v, want %t", got, err, want)
		}
		if got, err := proven(traps); got || err == nil || !strings.Contains(err.Error(), "does not start") {
			t.Errorf("what traps: proven %t, %v", got, err)
		}
	}
}

// TestConcurrentLoads: one file is compiled once, however many want it.
func TestConcurrentLoads(t *testing.T) {
	t.Parallel()
	h := newHost(t, pluginhost.Config{CacheDir: t.TempDir()})
	wasm := versioned(t, "1.0.0", "1")
	plugins := make([]*pluginhost.Plugin, 16)
	var wg sync.WaitGroup
	for i := range plugins {
		wg.Go(func() { plugins[i] = load(t, h, wasm) })
	}
	wg.Wait()
	for _, p := range plugins {
		if p != plugins[0] {
			t.Fatal("concurrent loads gave different plugins")
		}
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "cache")
	h := newHost(t, pluginhost.Config{CacheDir: dir})
	load(t, h, versioned(t, "1.0.0", "1"))
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o700 {
		t.Errorf("mode of the cache = %o, want 700", got)
	}
}

// A cache is a help and never a hindrance: what is wrong with it is told, and
// compiled anew.
func TestCacheDamaged(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		damage func(t *testing.T, file string) error // each file of the cache
		want   string                                // in the log
	}{
		"nothing is wrong": {func(*testing.T, string) error { return nil }, ""},
		"cut":              {func(_ *testing.T, file string) error { return os.Truncate(file, 40) }, "it is damaged"},
		"emptied":          {func(_ *testing.T, file string) error { return os.Truncate(file, 0) }, "it is damaged"},
		"a bit flipped": {func(t *testing.T, file string) error {
			data, err := os.ReadFile(file)
			if err == nil {
				data[len(data)/3] ^= 4
				err = os.WriteFile(file, data, 0o600)
			}
			return err
		}, "it is damaged"},
		"not sealed": {func(_ *testing.T, file string) error { return os.Remove(file + ".sum") }, "it was not finished"},
	}
	wasm := versioned(t, "1.0.0", "1")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "cache")
			load(t, newHost(t, pluginhost.Config{CacheDir: dir}), wasm)
			files := cached(t, dir)
			if len(files) < 2 {
				t.Fatalf("the cache has %q, expected machine code and a metered module", files)
			}
			for _, file := range files {
				if err := test.damage(t, file); err != nil {
					t.Fatal(err)
				}
			}
			var log bytes.Buffer
			load(t, newHost(t, pluginhost.Config{CacheDir: dir, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}), wasm)
			if test.want == "" && strings.Contains(log.String(), "compiled anew") || strings.Count(log.String(), test.want) != len(files) && test.want != "" {
				t.Errorf("log of %d files: %s", len(files), &log)
			}
			log.Reset()
			load(t, newHost(t, pluginhost.Config{CacheDir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))}), wasm)
			if log.Len() > 0 {
				t.Errorf("the next start says: %s", &log)
			}
		})
	}
}

// cached lists the files of a cache that have or need a seal.
func cached(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && filepath.Ext(path) != ".sum" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestCacheFolderThatIsNotUsed(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("folders have no modes")
	}
	open := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(open, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o777); err != nil { // Mkdir would be held back by the umask
		t.Fatal(err)
	}
	wasm := versioned(t, "1.0.0", "1")
	for dir, want := range map[string]string{"/dev/null/x": "not a directory", open: "others may write to folder"} {
		var log bytes.Buffer
		h := newHost(t, pluginhost.Config{CacheDir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
		load(t, h, wasm)
		if !strings.Contains(log.String(), want) || !strings.Contains(log.String(), "every start compiles them") {
			t.Errorf("folder %s: log %q, want %q", dir, &log, want)
		}
	}
	if files := cached(t, open); len(files) > 0 {
		t.Errorf("a folder open to others was written to: %q", files)
	}
}

func TestClosedHost(t *testing.T) {
	t.Parallel()
	h, err := pluginhost.New(t.Context(), pluginhost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	p := load(t, h, versioned(t, "1.0.0", "1"))
	if err := h.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantClosed(t, p)
	if _, err := h.Load(t.Context(), versioned(t, "1.0.0", "1")); err == nil {
		t.Error("Load of a closed host = nil")
	}
	if err := p.Close(t.Context()); err != nil {
		t.Errorf("Close after the host's = %v", err)
	}
}

// TestCacheForgets: what no process has opened for a month is not kept for ever,
// of other builds neither, and what is not the cache's own is left alone.
func TestCacheForgets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old, recent := time.Now().AddDate(0, 0, -31), time.Now().AddDate(0, 0, -29)
	for name, opened := range map[string]time.Time{"wend-1-old/a": old, "wend-2-old/a": old, "wend-2-old/b": recent, "other/a": old} {
		folder := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(folder, 0o700), os.WriteFile(filepath.Join(folder, "code"), nil, 0o600), os.Chtimes(folder, opened, opened)); err != nil {
			t.Fatal(err)
		}
	}
	load(t, newHost(t, pluginhost.Config{CacheDir: dir}), versioned(t, "1.0.0", "1"))
	for name, want := range map[string]bool{"wend-1-old": false, "wend-2-old/a": false, "wend-2-old/b/code": true, "other/a/code": true} {
		if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); (err == nil) != want {
			t.Errorf("%s is there: %t, want %t", name, err == nil, want)
		}
	}
}
