package main_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ownFiles are the places that open files without package infile, each with why.
var ownFiles = map[string]string{
	"runtime/infile/infile.go":            "it is that package",
	"runtime/journal/sqlite/backup.go":    "a folder that it has made",
	"runtime/journal/sqlite/commits.go":   "its own file in the data folder, which may be of any size",
	"runtime/journal/sqlite/lock.go":      "its own file",
	"runtime/journal/sqlite/lock_unix.go": "the same, and the data folder",
	"runtime/pluginhost/arena_linux.go":   "the kernel's",
	"runtime/pluginhost/cache.go":         "its own files in the cache",
	"runtime/pluginhost/guest.go":         "the same",
	"runtime/journal/sqlite/sqlite.go":    "makes it, and fails if it is there",
	"runtime/auth/tokens.go":              "makes it, and fails if it is there; the data folder, to sync it",
	"cmd/wend/plugin_record.go":           "makes it, and fails if it is there",
}

var opensFile = regexp.MustCompile(`\bos\.(ReadFile|Open|OpenFile)\(|\btls\.LoadX509KeyPair\(`)

// TestFiles finds who opens a file that people may have named without looking
// what it is.
func TestFiles(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, dir := range []string{"runtime", "cmd", "nodes"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "testdata") {
				return err
			}
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			src, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			file := filepath.ToSlash(rel)
			if found := opensFile.Find(src); found != nil {
				seen[file] = true
				if ownFiles[file] == "" {
					t.Errorf("%s: %s…) may hang or never end on what is no regular file; use infile, or say why not in ownFiles", file, found)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for file := range ownFiles {
		if !seen[file] {
			t.Errorf("ownFiles has a row for %q, which opens nothing or is gone", file)
		}
	}
}
