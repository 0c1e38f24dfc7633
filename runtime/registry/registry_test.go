package registry_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/pluginhost"
	"github.com/wendflow/wend/runtime/registry"
	"github.com/wendflow/wend/runtime/wasm"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// place is a registry with all that is around it.
type place struct {
	*registry.Registry
	t     *testing.T
	dir   string
	now   time.Time
	blobs *blobs
	log   bytes.Buffer // guarded by mu
	mu    sync.Mutex
}

// blobs is a journal that counts, and lets a test do something meanwhile.
type blobs struct {
	journal.Blobs
	put  func(digest string)
	read atomic.Int64
}

func (b *blobs) PutBlob(ctx context.Context, digest string, data []byte) error {
	if b.put != nil {
		b.put(digest)
	}
	return b.Blobs.PutBlob(ctx, digest, data)
}

func (b *blobs) Blob(ctx context.Context, digest string) ([]byte, error) {
	b.read.Add(1)
	return b.Blobs.Blob(ctx, digest)
}

func (p *place) Write(line []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.Write(line)
}

// said counts what was logged.
func (p *place) said(what string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Count(p.log.String(), what)
}

// open opens a registry with files in its folder; its journal is there from
// the beginning.
func open(t *testing.T, files map[string][]byte) *place {
	t.Helper()
	p := &place{t: t, dir: t.TempDir(), now: noon, blobs: &blobs{Blobs: journal.NewMemory(10)}}
	for name, content := range files {
		p.write(name, content)
	}
	log := slog.New(slog.NewTextHandler(p, &slog.HandlerOptions{Level: slog.LevelDebug}))
	host, err := pluginhost.New(t.Context(), pluginhost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if p.Registry, err = registry.Open(t.Context(), registry.Config{
		Folder: p.dir, Host: host, Clock: clock.Told(func() time.Time { return p.now }), Log: log,
	}); err != nil {
		t.Fatal(err)
	}
	if err := p.KeepIn(t.Context(), p.blobs); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Close()
		if err := host.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return p
}

func (p *place) write(name string, content []byte) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), content, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *place) find(ref string) *node.Type {
	p.t.Helper()
	found := p.Types().Find(ref)
	if found == nil {
		p.t.Fatalf("no node type %q", ref)
	}
	return found
}

// wantN runs a node type once.
func (p *place) wantN(typ *node.Type, want int) {
	p.t.Helper()
	action, err := step(p.t.Context(), typ)
	if err != nil {
		p.t.Errorf("%s of %s: %v", typ.Name, typ.Version, err)
		return
	}
	if got := action.(node.Finish).Outputs["n"]; got != want {
		p.t.Errorf("%s of %s: n = %v, want %d", typ.Name, typ.Version, got, want)
	}
}

func step(ctx context.Context, typ *node.Type) (node.Action, error) {
	return typ.Step(ctx, node.Visit{Run: "r", Node: "n", Visit: 1, Attempt: 1, Now: noon, Inputs: map[string]any{}})
}

func (p *place) wantErr(err error, want string) {
	p.t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		p.t.Errorf("error = %v, want %q", err, want)
	}
}

// TestLazy: what is known is not loaded before somebody needs it.
func TestLazy(t *testing.T) {
	t.Parallel()
	p := open(t, map[string][]byte{"a.wasm": assemble(t, "1.0.0", "1", sound), "b.wasm": assemble(t, "2.0.0", "2", sound)})
	if n := p.said("plugin loaded"); n != 0 {
		t.Errorf("%d plugins were loaded for nothing", n)
	}
	if err := p.Want(t.Context(), []string{p.find("p/say@2").Digest}); err != nil {
		t.Fatal(err)
	}
	if n := p.said("plugin loaded"); n != 1 {
		t.Errorf("%d plugins were loaded, want 1", n)
	}
	p.wantN(p.find("p/say@2"), 2)
	p.wantN(p.find("p/say@1"), 1)
	if n := p.said("plugin loaded"); n != 2 {
		t.Errorf("%d plugins were loaded, want 2", n)
	}
}

// TestSideBySide: two versions in one folder, and one that came in the place of
// another, each for whoever began with it.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	p := open(t, map[string][]byte{"a.wasm": assemble(t, "1.0.0", "1", sound), "b.wasm": assemble(t, "2.0.0", "2", sound)})
	one, newest := p.find("p/say@1"), p.find("p/say")
	p.wantN(one, 1)
	p.wantN(newest, 2)
	p.write("b.wasm", assemble(t, "2.1.0", "21", sound))
	if err := p.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.wantN(p.find("p/say"), 21)
	p.wantN(newest, 2)
	p.wantN(one, 1)

	as, err := p.TypesOf(t.Context(), map[string]string{"p/say": newest.Digest})
	if err != nil {
		t.Fatal(err)
	}
	if got := as.Find("p/say"); got.Version != "2.0.0" {
		t.Errorf("TypesOf = version %s, want 2.0.0", got.Version)
	}
	p.wantN(as.Find("p/say"), 2)
	_, err = p.TypesOf(t.Context(), map[string]string{"p/say": "sha256:none"})
	p.wantErr(err, `the plugin of "p/say" as it was`)
}

// wrong joins what is wrong with files.
func (p *place) wrong() error {
	var errs []error
	for _, e := range p.Wrong() {
		errs = append(errs, e)
	}
	return errors.Join(errs...)
}

// reload takes the folder as it is now, all of which is sound.
func (p *place) reload() {
	p.t.Helper()
	if err := p.Reload(p.t.Context()); err != nil || len(p.Wrong()) > 0 {
		p.t.Fatalf("Reload: %v, wrong: %v", err, p.wrong())
	}
}

// TestRefused: a file that is wrong is left out, and the error names each.
func TestRefused(t *testing.T) {
	t.Parallel()
	host, err := pluginhost.New(t.Context(), pluginhost.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Close(context.Background()) })
	same := assemble(t, "1.0.0", "1", sound)
	tests := map[string]struct {
		files map[string][]byte
		types int // that are there all the same
		want  []string
	}{
		"no plugins":  {map[string][]byte{"a.wasm": []byte("text"), "b.wasm": same, "c.wasm": same[:len(same)-5]}, 1, []string{`/a.wasm": not a WebAssembly file`, `/c.wasm": `}},
		"same types":  {map[string][]byte{"a.wasm": same, "b.wasm": assemble(t, "1.0.0", "2", sound)}, 1, []string{`/b.wasm": plugin p@1.0.0: node type "p/say" stands twice`, `/a.wasm" already`}},
		"same file":   {map[string][]byte{"a.wasm": same, "b.wasm": same}, 1, []string{`/b.wasm": plugin p@1.0.0: node type "p/say" stands twice`}},
		"empty":       {map[string][]byte{"a.wasm": nil}, 0, []string{`/a.wasm": not a WebAssembly file`}},
		"no manifest": {map[string][]byte{"a.wasm": []byte("\x00asm\x01\x00\x00\x00")}, 0, []string{"no custom section"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &place{t: t, dir: t.TempDir()}
			for file, content := range test.files {
				p.write(file, content)
			}
			if p.Registry, err = registry.Open(t.Context(), registry.Config{Folder: p.dir, Host: host}); err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				p.wantErr(p.wrong(), want)
			}
			if got := len(p.Types().All()); got != test.types {
				t.Errorf("%d node types, want %d", got, test.types)
			}
		})
	}
	r, err := registry.Open(t.Context(), registry.Config{Folder: filepath.Join(t.TempDir(), "none"), Host: host})
	if err != nil || len(r.Types().All()) != 0 {
		t.Errorf("Open of no folder = %v", err)
	}
}

// TestProve leaves out what cannot be loaded, though nobody needs it.
func TestProve(t *testing.T) {
	t.Parallel()
	p := open(t, map[string][]byte{"a.wasm": assemble(t, "1.0.0", "1", sound), "b.wasm": assemble(t, "2.0.0", "2", traps)})
	two := p.find("p/say@2")
	p.wantErr(p.Want(t.Context(), []string{p.find("p/say@1").Digest, two.Digest}), `/b.wasm": plugin p@2.0.0: does not start: `)
	_, err := step(t.Context(), two)
	p.wantErr(err, `plugin of "p/say": plugin p@2.0.0: does not start: `)
	p.wantErr(p.Usable(t.Context(), []string{p.find("p/say@1").Digest, two.Digest}), `/b.wasm": plugin p@2.0.0: does not start: `)
	if err := p.Prove(t.Context()); err != nil || len(p.Wrong()) != 1 || p.Types().Find("p/say@2") != nil {
		t.Errorf("Prove = %v, wrong: %v", err, p.wrong())
	}
	p.wantErr(p.wrong(), `/b.wasm": plugin p@2.0.0: does not start: `)
	if err := p.Want(t.Context(), []string{p.find("p/say@1").Digest}); err != nil {
		t.Error(err)
	}
	p.wantN(p.find("p/say@1"), 1)
	if n := p.said("plugin loaded"); n != 1 {
		t.Errorf("loaded %d times, want once", n)
	}
}

// TestReloadBroken: a file that is wrong stays what it was, and the rest is
// taken.
func TestReloadBroken(t *testing.T) {
	t.Parallel()
	for want, broken := range map[string][]byte{
		`/b.wasm": not a WebAssembly file`:                   []byte("text"),
		`/b.wasm": plugin p@3.0.0: does not start`:           assemble(t, "3.0.0", "3", traps),
		`/b.wasm": plugin p@3.0.0: compile`:                  assemble(t, "3.0.0", "3", "\x6a"),
		`/b.wasm": plugin p@1.1.0: node type "p/say" stands`: assemble(t, "1.1.0", "3", sound),
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			p := open(t, map[string][]byte{"a.wasm": assemble(t, "1.0.0", "1", sound), "b.wasm": assemble(t, "2.0.0", "2", sound)})
			p.write("a.wasm", assemble(t, "1.1.0", "11", sound))
			p.write("b.wasm", broken)
			for range 2 { // a second time is no other
				if err := p.Reload(t.Context()); err != nil {
					t.Fatal(err)
				}
				p.wantErr(p.wrong(), want)
				p.wantN(p.find("p/say@1"), 11)
			}
			if same := strings.Contains(want, "stands"); same {
				if p.Types().Find("p/say@2") != nil {
					t.Error("b.wasm is a plugin, and stays another")
				}
			} else if p.wantN(p.find("p/say@2"), 2); p.Wrong()[0].Kept != "p@2.0.0" {
				t.Errorf("kept %q", p.Wrong()[0].Kept)
			}
			p.write("b.wasm", assemble(t, "4.0.0", "4", sound))
			p.reload()
			p.wantN(p.find("p/say"), 4)
			if p.Types().Find("p/say@2") != nil {
				t.Error("what b.wasm was is there still")
			}
		})
	}
}

// TestRenamed: a plugin whose file is wrong now, and which is in another, is
// there once.
func TestRenamed(t *testing.T) {
	t.Parallel()
	one := assemble(t, "1.0.0", "1", sound)
	p := open(t, map[string][]byte{"a.wasm": one})
	p.write("b.wasm", one)
	p.write("a.wasm", []byte("text"))
	if err := p.Reload(t.Context()); err != nil || len(p.Wrong()) != 1 || p.Wrong()[0].Kept != "" {
		t.Errorf("Reload = %v, wrong: %v", err, p.wrong())
	}
	p.wantN(p.find("p/say"), 1)
}

// TestChanging: what was read is what is loaded and what the journal has,
// whatever happens to the file then; one that changes while it is read is not
// taken.
func TestChanging(t *testing.T) {
	t.Parallel()
	p := open(t, map[string][]byte{"a.wasm": assemble(t, "1.0.0", "1", sound)})
	two, three := assemble(t, "2.0.0", "2", sound), assemble(t, "3.0.0", "3", sound)

	p.write("a.wasm", two)
	p.blobs.put = func(string) { p.write("a.wasm", three) }
	if err := p.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.blobs.put = nil
	got := p.find("p/say")
	p.wantN(got, 2)
	if got.Digest != wasm.Digest(two) {
		t.Errorf("digest = %s, want that of what was read", got.Digest)
	}
	if kept, err := p.blobs.Blob(t.Context(), got.Digest); err != nil || !bytes.Equal(kept, two) {
		t.Errorf("the journal has something else: %v", err)
	}

	p.While(func(file string) {
		f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.WriteString("\x00\x02\x01x"); err != nil {
			t.Fatal(err)
		}
	})
	if err := p.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.wantErr(p.wrong(), `/a.wasm": changed while it was read`)
	p.wantN(p.find("p/say"), 2)
	p.While(nil)
	if err := p.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.wantN(p.find("p/say"), 3)
}

// TestTogether: many who need one plugin at once share one load, and those who
// give up do not take it from the others.
func TestTogether(t *testing.T) {
	t.Parallel()
	p := open(t, map[string][]byte{"a.wasm": assemble(t, "1.0.0", "1", sound), "b.wasm": assemble(t, "2.0.0", "2", sound)})
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			if i%8 == 0 {
				if _, err := step(gone, p.find("p/say@1")); err != nil && !errors.Is(err, context.Canceled) {
					if f, ok := errors.AsType[*node.Fault](err); !ok || f.Code != pluginhost.FaultBusy {
						t.Errorf("given up: %v", err)
					}
				}
				return
			}
			p.wantN(p.find([]string{"p/say@1", "p/say@2"}[i%2]), 1+i%2)
		})
	}
	wg.Wait()
	if n := p.said("plugin loaded"); n != 2 {
		t.Errorf("%d loads for 2 plugins", n)
	}
	if n := p.blobs.read.Load(); n != 2 {
		t.Errorf("%d reads of 2 plugins", n)
	}
}

// TestSweep: who is not wanted is let go of when nobody has needed it for a
// while, and whoever needs it after that has it all the same.
func TestSweep(t *testing.T) {
	t.Parallel()
	p := open(t, map[string][]byte{"a.wasm": assemble(t, "1.0.0", "1", sound), "b.wasm": assemble(t, "2.0.0", "2", sound)})
	one, two := p.find("p/say@1"), p.find("p/say@2")
	if err := p.Want(t.Context(), []string{one.Digest}); err != nil {
		t.Fatal(err)
	}
	p.wantN(two, 2)
	pass := func(d time.Duration, let int) {
		t.Helper()
		p.now = p.now.Add(d)
		p.Sweep(t.Context())
		if n := p.said("plugin let go of"); n != let {
			t.Errorf("%d were let go of, want %d", n, let)
		}
	}
	pass(registry.UnusedFor-1, 0)
	p.wantN(two, 2)
	pass(registry.UnusedFor-1, 0)
	pass(1, 1) // two is in the folder, and not wanted
	if n := p.said("plugin loaded"); n != 2 {
		t.Errorf("%d loads, want 2", n)
	}
	p.wantN(two, 2)
	if n := p.said("plugin loaded"); n != 3 {
		t.Errorf("%d loads, want 3", n)
	}

	if err := os.Remove(filepath.Join(p.dir, "a.wasm")); err != nil {
		t.Fatal(err)
	}
	if err := p.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if typ := p.Types().Find("p/say@1"); typ != nil {
		t.Errorf("the catalogue still has %s", typ.Ref())
	}
	pass(registry.UnusedFor, 2)
	p.wantN(one, 1) // flows still want it
	if err := p.Want(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	pass(registry.UnusedFor, 3)
	p.wantN(one, 1) // a run of old, from the journal
	p.wantN(two, 2)
}

// TestOnlyLooking: without a host all is known and nothing is run.
func TestOnlyLooking(t *testing.T) {
	t.Parallel()
	p := &place{t: t, dir: t.TempDir()}
	p.write("a.wasm", assemble(t, "1.0.0", "1", sound))
	var err error
	if p.Registry, err = registry.Open(t.Context(), registry.Config{Folder: p.dir}); err != nil {
		t.Fatal(err)
	}
	_, err = step(t.Context(), p.find("p/say"))
	p.wantErr(err, "none is run")
}

// TestClosed: nothing is loaded any more.
func TestClosed(t *testing.T) {
	t.Parallel()
	p := open(t, map[string][]byte{"a.wasm": assemble(t, "1.0.0", "1", sound)})
	p.Close()
	_, err := step(t.Context(), p.find("p/say"))
	p.wantErr(err, "the plugins are closed")
}
