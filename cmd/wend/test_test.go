package main_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/wendflow/wend/runtime/catalog"
)

// TestShippedFlows holds that each shipped flow has tests, that they pass, and
// that they come to nearly all ways out of its nodes.
func TestShippedFlows(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(root, "flows")
	code, stdout, stderr := command(t, "test", folder, "--plugins", plugins(t, "dist"), "--min-coverage", "95")
	if code != 0 {
		t.Errorf("exit %d:\n%s\n%s", code, stderr, stdout)
	}
	files, err := catalog.Find([]string{folder})
	if err != nil || len(files) == 0 {
		t.Fatalf("no flows: %v", err)
	}
	for _, file := range files {
		if tests := strings.TrimSuffix(file, ".yaml") + ".test.yaml"; !strings.Contains(stdout, "ok    "+tests) {
			t.Errorf("%s has no tests that pass", file)
		}
	}
}
