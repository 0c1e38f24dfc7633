package expand

import (
	"testing"
)

// TestFunctions: all that templates may call is described, and nothing else.
func TestFunctions(t *testing.T) {
	t.Parallel()
	described := map[string]bool{}
	for _, f := range Functions() {
		described[f.Name] = true
		if !functionNames[f.Name] {
			t.Errorf("%q is described and cannot be called", f.Name)
		}
	}
	for name := range functionNames {
		if !described[name] {
			t.Errorf("%q is not described", name)
		}
	}
}
