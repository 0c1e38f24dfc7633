package yamldoc_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wendflow/wend/runtime/yamldoc"
)

// anything is a file of which nothing is known.
var anything = yamldoc.Format{Name: "document", Many: true, Aliases: true}

// TestLayout lays out what testdata/layout holds: each archive has files and
// behind each how it must become, as NAME.want; without one it must stay.
func TestLayout(t *testing.T) {
	t.Parallel()
	archives, err := filepath.Glob("testdata/layout/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			t.Parallel()
			ar, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			changed := false
			for i, file := range ar.Files {
				if strings.HasSuffix(file.Name, ".want") {
					continue
				}
				got := layOut(t, file.Data)
				next := len(ar.Files) > i+1 && ar.Files[i+1].Name == file.Name+".want"
				want := file.Data
				if next {
					want = ar.Files[i+1].Data
				}
				if os.Getenv("UPDATE") != "" && next {
					changed = changed || !bytes.Equal(got, want)
					ar.Files[i+1].Data = got
				} else if diff := cmp.Diff(string(want), string(got)); diff != "" {
					t.Errorf("%s: (-want +got)\n%s", file.Name, diff)
				}
			}
			if changed {
				if err := os.WriteFile(name, txtar.Format(ar), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// layOut lays out a file and holds that a second time changes nothing.
func layOut(t *testing.T, src []byte) []byte {
	t.Helper()
	once, mistakes := anything.Layout("f.yaml", src)
	if once == nil {
		t.Fatalf("%q is not laid out: %v", src, mistakes)
	}
	twice, mistakes := anything.Layout("f.yaml", once)
	if !bytes.Equal(once, twice) {
		t.Errorf("twice is not once: %v\n%s", mistakes, cmp.Diff(string(once), string(twice)))
	}
	return once
}

// TestLayoutOfAll lays out every YAML file of the repository, those in archives
// of tests too. Only what is not YAML at all may be left.
func TestLayoutOfAll(t *testing.T) {
	t.Parallel()
	files, left := 0, 0
	try := func(t *testing.T, name string, src []byte) {
		t.Helper()
		files++
		doc, mistakes := anything.Parse(name, src)
		if mistakes.HasErrors() || len(doc.Roots) == 0 {
			left++
			return
		}
		t.Run(name, func(t *testing.T) { layOut(t, src) })
	}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || d.Name() == "bin" || d.Name() == "dist"):
			return filepath.SkipDir
		case d.IsDir():
			return nil
		}
		switch filepath.Ext(path) {
		case ".yaml", ".yml":
			src, err := os.ReadFile(path)
			try(t, path, src)
			return err
		case ".txtar":
			ar, err := txtar.ParseFile(path)
			if err != nil {
				return err
			}
			for _, f := range ar.Files {
				if strings.HasSuffix(f.Name, ".yaml") {
					try(t, path+"/"+f.Name, f.Data)
				}
			}
		}
		return nil
	})
	if err != nil || files < 300 || left > files/4 {
		t.Errorf("%d files, %d of them not YAML: %v", files, left, err)
	}
}

// FuzzLayout holds that what is laid out means what it meant, which Layout
// itself makes sure of, is laid out the same a second time, and ends as a text
// file does.
func FuzzLayout(f *testing.F) {
	archives, err := filepath.Glob("testdata/layout/*.txtar")
	if err != nil || len(archives) == 0 {
		f.Fatalf("no archives: %v", err)
	}
	for _, name := range archives {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range ar.Files {
			f.Add(file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		out, mistakes := anything.Layout("f.yaml", src)
		if out == nil {
			if !mistakes.HasErrors() {
				t.Error("nothing, and no mistake")
			}
			return
		}
		if again, _ := anything.Layout("f.yaml", out); !bytes.Equal(out, again) {
			t.Errorf("twice is not once: %s", cmp.Diff(string(out), string(again)))
		}
		if len(out) > 0 && !bytes.HasSuffix(out, []byte("\n")) {
			t.Errorf("no line end at the end: %q", out)
		}
	})
}
