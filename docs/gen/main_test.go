package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPagesAreFresh holds the pages in docs/ to what would be written now.
// `make generate` writes it.
func TestPagesAreFresh(t *testing.T) {
	t.Chdir("../..")
	pages, err := makePages()
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range pages {
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(got), want); diff != "" {
			t.Errorf("%s is stale; run make generate (-page +code):\n%s", file, diff)
		}
	}
}
