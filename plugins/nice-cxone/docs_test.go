package main

import "testing"

const page = "../../docs/vendors/nice-cxone.md"

// TestPageHasTheManifest: UPDATE=1 writes the tables into the page.
func TestPageHasTheManifest(t *testing.T) {
	t.Parallel()
	tested.Page(t, page)
}

func TestPagesConnections(t *testing.T) {
	t.Parallel()
	if n := tested.Connections(t, page); n != 4 {
		t.Errorf("%s has %d connections, want 4", page, n)
	}
}
