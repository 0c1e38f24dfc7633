package main_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAssemblyScript builds examples/assemblyscript, a plugin that is a program
// and knows nothing of our SDK, and holds it against its cases. Under
// continuous integration it may not be left out.
func TestAssemblyScript(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"node", "npm"} {
		if _, err := exec.LookPath(tool); errors.Is(err, exec.ErrNotFound) {
			if os.Getenv("CI") != "" {
				t.Fatalf("%s is not installed, and CI is set", tool)
			}
			t.Skipf("%s is not installed: plugins in other languages are NOT tested", tool)
		}
	}
	dir := t.TempDir()
	copyExample(t, "assemblyscript", dir)
	npm(t, dir, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	npm(t, dir, "run", "build")

	file := filepath.Join(dir, "greeter.wasm")
	code, stdout, stderr := command(t, "plugin", "build", dir, "--module", filepath.Join(dir, "build", "greeter.wasm"))
	if code != 0 || !strings.HasPrefix(stdout, file+"  greeter 1.0.0, 1 method, ") {
		t.Fatalf("plugin build exits with %d:\n%s%s", code, stdout, stderr)
	}
	code, stdout, stderr = command(t, "plugin", "check", file)
	for _, want := range []string{"kind      command\n", "state     restored before each invoke, ", "somebody who is known: greeted, calls 1, ", "an answer that is no JSON: onError, calls 1, "} {
		if !strings.Contains(stdout, want) {
			t.Errorf("plugin check does not say %q:\n%s", want, stdout)
		}
	}
	if code != 0 || stderr != "" {
		t.Errorf("plugin check exits with %d:\n%s", code, stderr)
	}
}

func npm(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "npm", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// copyExample copies an example without what its tools have left there.
func copyExample(t *testing.T, name, to string) {
	t.Helper()
	example := os.DirFS(filepath.Join(root, "examples", name))
	err := fs.WalkDir(example, ".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "build"):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, path), 0o700)
		}
		content, err := fs.ReadFile(example, path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, path), content, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
}
