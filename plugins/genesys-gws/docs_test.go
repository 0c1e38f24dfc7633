package main

import "testing"

const page = "../../docs/vendors/genesys-gws.md"

// TestPageHasTheManifest: UPDATE=1 writes the tables into the page.
func TestPageHasTheManifest(t *testing.T) {
	t.Parallel()
	tested.Page(t, page)
}

func TestPagesConnections(t *testing.T) {
	t.Parallel()
	if n := tested.Connections(t, page); n != 2 {
		t.Errorf("%s has %d connections, want 2", page, n)
	}
}
