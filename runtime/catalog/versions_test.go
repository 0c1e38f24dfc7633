package catalog_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
)

// versioned is a folder of flows and a journal, on which servers are started.
type versioned struct {
	*testing.T
	dir      string
	journal  journal.Driver
	lost     bool // versions cannot be had
	versions *catalog.Versions
	live     *catalog.Live
}

func newVersioned(t *testing.T) *versioned {
	t.Helper()
	return &versioned{T: t, dir: t.TempDir(), journal: journal.NewMemory(10)}
}

func (v *versioned) write(src string) {
	v.Helper()
	if err := os.WriteFile(filepath.Join(v.dir, "a.yaml"), []byte(src), 0o600); err != nil {
		v.Fatal(err)
	}
}

// start is what a server does when it starts.
func (v *versioned) start() {
	v.Helper()
	var err error
	if v.versions, err = catalog.OpenVersions(v.Context(), catalog.VersionsConfig{Journal: v.journal}); err != nil {
		v.Fatal(err)
	}
	v.live, _, err = catalog.OpenLive(v.Context(), catalog.LiveConfig{
		Paths:    []string{v.dir},
		Flows:    func() flow.Config { return config(v.T) },
		Check:    func(*catalog.Set) diag.List { return nil },
		Versions: v.versions,
		Version: func(ctx context.Context, file string, one journal.Version) (*flow.Flow, error) {
			if v.lost {
				return nil, errors.New("lost")
			}
			src, err := v.versions.Source(ctx, one)
			if err != nil {
				return nil, err
			}
			f, mistakes := flow.LoadStored(file, src, config(v.T))
			return f, mistakes.Err()
		},
		Prepare: func(context.Context, *catalog.Set) error { return nil },
		Tell:    func(diag.List) {},
		Log:     slog.New(slog.DiscardHandler),
	})
	if err != nil {
		v.Fatal(err)
	}
}

// serves holds that what is served has a comment that the source of a version has,
// or that nothing is.
func (v *versioned) serves(when, comment string) {
	v.Helper()
	f := v.live.Set().Flow("a")
	if f == nil {
		if comment != "" {
			v.Fatalf("%s: nothing is served, want %q", when, comment)
		}
		return
	}
	if comment == "" || !strings.Contains(string(f.Source), "# "+comment) {
		v.Fatalf("%s: %q is served, want %q", when, f.Source, comment)
	}
}

func (v *versioned) rollBack(to *journal.Rollback) {
	v.Helper()
	if err := v.versions.Stand(v.Context(), "a", func(s *journal.Standing) { s.Rollback = to }); err != nil {
		v.Fatal(err)
	}
}

func commented(comment string) string { return flowFile("a") + "# " + comment + "\n" }

// TestRollback follows a flow that is rolled back through what may become of its
// file, of its server and of its old version.
func TestRollback(t *testing.T) {
	t.Parallel()
	v := newVersioned(t)
	v.write(commented("one"))
	v.start()
	v.serves("at first", "one")
	v.write(commented("two"))
	v.live.Reload(t.Context())
	v.serves("after a change", "two")
	v.rollBack(&journal.Rollback{Version: 1, Over: 2})
	v.live.Reload(t.Context())
	v.serves("rolled back", "one")
	v.live.Reload(t.Context())
	v.serves("read again", "one")
	v.start()
	v.serves("started again", "one")
	if n := v.versions.Number("a", v.live.Set().Flow("a").Digest, nil); n != 1 {
		t.Errorf("version %d is served, want 1", n)
	}

	v.lost = true
	v.live.Reload(t.Context())
	v.serves("the version is there already", "one")
	v.start()
	v.serves("the version cannot be had at a start", "")
	v.lost = false
	v.live.Reload(t.Context())
	v.serves("it can again", "one")

	v.write("flow: a\nnodes: {}\n")
	v.live.Reload(t.Context())
	v.serves("the file is wrong", "one")
	v.start()
	v.serves("the file is wrong at a start", "one")

	v.write(commented("three"))
	v.live.Reload(t.Context())
	v.serves("the file has another version", "three")
	if s, _ := v.versions.Standing("a"); s.Rollback != nil || s.Current != 3 {
		t.Errorf("standing %+v, want version 3 and no rollback", s)
	}
	v.rollBack(&journal.Rollback{Version: 2, Over: 3})
	v.live.Reload(t.Context())
	v.serves("rolled back once more", "two")
	v.rollBack(nil)
	v.live.Reload(t.Context())
	v.serves("no more", "three")

	all, err := v.versions.Of(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	var numbers []int
	for _, one := range all {
		numbers = append(numbers, one.Number)
	}
	if diff := cmp.Diff([]int{3, 2, 1}, numbers); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
}

// TestRollbackTakesNoOthersPath: a version whose webhook another flow has by now
// does not come to be served, and takes the path from nobody.
func TestRollbackTakesNoOthersPath(t *testing.T) {
	t.Parallel()
	v := newVersioned(t)
	v.write(strings.ReplaceAll(commented("one"), "/a", "/b"))
	v.start()
	v.write(commented("two"))
	if err := os.WriteFile(filepath.Join(v.dir, "b.yaml"), []byte(flowFile("b")), 0o600); err != nil {
		t.Fatal(err)
	}
	v.live.Reload(t.Context()) // first it gives the path up
	v.live.Reload(t.Context())
	old, _ := flow.Load("a.yaml", []byte(strings.ReplaceAll(commented("one"), "/a", "/b")), config(t))
	if clashes := v.live.Set().Clashes(old); !clashes.HasErrors() {
		t.Error("nothing is said of a path that is taken")
	}
	v.rollBack(&journal.Rollback{Version: 1, Over: 2})
	v.live.Reload(t.Context())
	v.serves("its path is taken", "two")
	if h := v.live.Set().Hooks(); len(h) != 2 || h[1].Flow.Name != "b" {
		t.Errorf("hooks %v", h)
	}
}

// TestChangedFlowTakesNoOthersPath: a flow that comes to want a path which another
// has stays as it was, though its file be read first.
func TestChangedFlowTakesNoOthersPath(t *testing.T) {
	t.Parallel()
	v := newVersioned(t)
	v.write(commented("one"))
	if err := os.WriteFile(filepath.Join(v.dir, "b.yaml"), []byte(flowFile("b")), 0o600); err != nil {
		t.Fatal(err)
	}
	v.start()
	v.write(strings.ReplaceAll(commented("two"), "/a", "/b"))
	v.live.Reload(t.Context())
	v.serves("its new path is taken", "one")
	if f := v.live.Set().Flow("b"); f == nil || len(v.live.Mistakes()) != 1 {
		t.Errorf("b is %v, with mistakes %v", f, v.live.Mistakes())
	}
	if s, _ := v.versions.Standing("a"); s.Current != 1 {
		t.Errorf("version %d of a is the current one, want 1", s.Current)
	}
}
