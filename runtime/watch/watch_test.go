package watch_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/wendflow/wend/runtime/watch"
)

// TestRun changes files and waits until it is told; only what is told can end
// the test.
func TestRun(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write := func(name string) {
		if err := os.WriteFile(filepath.Join(root, name), []byte("x"), 0o600); err != nil {
			t.Error(err)
		}
	}
	w, err := watch.New(watch.Config{
		Folders: func() ([]string, error) {
			folders := []string{root}
			if info, err := os.Stat(filepath.Join(root, "later")); err == nil && info.IsDir() {
				folders = append(folders, filepath.Join(root, "later"))
			}
			return folders, nil
		},
		Extensions: []string{".yaml"},
		Log:        slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	told := make(chan []string)
	ended := make(chan error)
	go func() {
		ended <- w.Run(ctx, func(names []string) { told <- names })
	}()
	// wait takes what is told until name is in it.
	wait := func(name string) (all []string) {
		for !slices.Contains(all, filepath.Join(root, name)) {
			all = append(all, <-told...)
		}
		return all
	}

	write("run.log")
	write(".hidden.yaml")
	write("a.yaml")
	if all := wait("a.yaml"); len(all) != 1 {
		t.Errorf("told of %q, want a.yaml only", all)
	}
	if err := os.Mkdir(filepath.Join(root, "later"), 0o700); err != nil {
		t.Fatal(err)
	}
	wait("later")
	write("later/b.yaml")
	wait("later/b.yaml")
	if err := os.Remove(filepath.Join(root, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	wait("a.yaml")

	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Run = %v", err)
	}
}

func TestNoFolder(t *testing.T) {
	t.Parallel()
	_, err := watch.New(watch.Config{Folders: func() ([]string, error) { return []string{filepath.Join(t.TempDir(), "none")}, nil }})
	if err == nil {
		t.Error("New watches what is not there")
	}
}
