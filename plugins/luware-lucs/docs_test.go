package main

import "testing"

const page = "../../docs/vendors/luware-lucs.md"

// TestPageHasTheManifest: UPDATE=1 writes the tables into the page.
func TestPageHasTheManifest(t *testing.T) {
	t.Parallel()
	tested.Page(t, page)
}

func TestPagesConnections(t *testing.T) {
	t.Parallel()
	if n := tested.Connections(t, page); n != 3 {
		t.Errorf("%s has %d connections, want 3", page, n)
	}
}
