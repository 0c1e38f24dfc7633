package flowtest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/flowtest"
	"github.com/wendflow/wend/runtime/node"
)

// TestFiles plays the tests of an archive, test.yaml, of its flow, flow.yaml, and
// holds what is said of each case against what stands in the archive. UPDATE=1
// writes that.
func TestFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := said(t, archive)
			for range 3 { // it is the same each time
				if again := said(t, archive); again != got {
					t.Errorf("played again (-before +now)\n%s", cmp.Diff(got, again))
				}
			}
			if os.Getenv("UPDATE") != "" {
				archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool { return f.Name == "want" })
				archive.Files = append(archive.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(file(archive, "want")), got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func file(a *txtar.Archive, name string) []byte {
	for _, f := range a.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

// load reads flow.yaml, and callee.yaml if that is there.
func load(t *testing.T, a *txtar.Archive) flowtest.Env {
	t.Helper()
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var files []string
	for _, name := range []string{"flow.yaml", "callee.yaml"} {
		if src := file(a, name); src != nil {
			files = append(files, filepath.Join(dir, name))
			if err := os.WriteFile(files[len(files)-1], src, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	set, mistakes := catalog.Load(files[:1], flow.Config{Types: types})
	if err := mistakes.Err(); err != nil {
		t.Fatal(err)
	}
	for _, f := range set.Flows() {
		if f.File == files[0] {
			return flowtest.Env{Flow: f, Callee: set.Flow}
		}
	}
	t.Fatal("no flow")
	return flowtest.Env{}
}

func said(t *testing.T, archive *txtar.Archive) string {
	t.Helper()
	env := load(t, archive)
	f, testSrc := env.Flow, file(archive, "test.yaml")
	var b strings.Builder
	source := func(string) []byte { return testSrc }
	parsed, mistakes := flowtest.Parse("flow.test.yaml", testSrc)
	if parsed != nil {
		mistakes = append(mistakes, parsed.Bind(f)...)
	}
	diag.Print(&b, mistakes, source)
	if mistakes.HasErrors() {
		return b.String()
	}
	cover := flowtest.NewCoverage(f)
	for _, c := range parsed.Cases {
		r, err := c.Play(t.Context(), env)
		if err != nil {
			t.Fatal(err)
		}
		cover.Add(r)
		result := "ok"
		if len(r.Mistakes) > 0 {
			result = "FAIL"
		}
		fmt.Fprintf(&b, "%s %s\n", result, c.Name)
		for _, step := range r.Way {
			fmt.Fprintf(&b, "  %s %d/%d %s\n", step.Node, step.Visit, step.Attempt, step.Outcome)
		}
		diag.Print(&b, r.Mistakes, source)
	}
	fmt.Fprintf(&b, "nodes %v\noutcomes %v\n", cover.Nodes(), cover.Outcomes())
	return strings.ReplaceAll(b.String(), filepath.Dir(f.File)+string(filepath.Separator), "")
}

func TestFind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"a.yaml", "a.test.yaml", "sub/b.test.yml", ".hidden/c.test.yaml", "wend.yaml", "d.yml", "d.test.yaml"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tests := map[string][]string{
		".":              {"a.test.yaml", "d.test.yaml", "sub/b.test.yml"},
		"a.yaml":         {"a.test.yaml"},
		"d.yml":          {"d.test.yaml"},
		"wend.yaml":      nil,
		"sub/b.test.yml": {"sub/b.test.yml"},
	}
	for root, want := range tests {
		got, err := flowtest.Find([]string{filepath.Join(dir, root)})
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			rel, err := filepath.Rel(dir, got[i])
			if err != nil {
				t.Fatal(err)
			}
			got[i] = filepath.ToSlash(rel)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", root, got, want)
		}
	}
	if _, err := flowtest.Find([]string{filepath.Join(dir, "none")}); err == nil || !strings.Contains(err.Error(), "no file or folder") {
		t.Errorf("a path that is not there: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file(archive, "test.yaml"))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		parsed, mistakes := flowtest.Parse("flow.test.yaml", src)
		if (parsed == nil) != mistakes.HasErrors() {
			t.Errorf("a file: %t, and mistakes: %v", parsed != nil, mistakes)
		}
		for _, m := range mistakes {
			if m.Pos.Line < 1 || m.Pos.Line > strings.Count(string(src), "\n")+1 {
				t.Errorf("%s is outside of the file", m)
			}
		}
	})
}
