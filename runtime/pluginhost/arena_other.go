//go:build !linux

package pluginhost

import "slices"

// snapshot is a copy of a guest's memory.
type snapshot struct{ bytes []byte }

func newSnapshot(memory []byte) (*snapshot, error) {
	return &snapshot{slices.Clone(memory)}, nil
}

func (s *snapshot) free() {}

// arena is the linear memory of one instance.
type arena struct {
	region []byte
	size   uint64
	limit  uint64
	denied uint64 // the size the guest wanted and did not get; 0 if it got all
	image  *snapshot
}

func newArena(limit uint64, _ *tracker) (*arena, error) { return &arena{limit: limit}, nil }

// Reallocate implements experimental.LinearMemory.
func (a *arena) Reallocate(size uint64) []byte {
	if size > a.limit {
		a.denied = size
		return nil
	}
	a.region = slices.Grow(a.region, int(size)-len(a.region))[:size]
	a.size = size
	return a.region
}

// Free implements experimental.LinearMemory.
func (a *arena) Free() { a.region = nil }

// adopt begins the memory with the image, which must not be larger.
func (a *arena) adopt(s *snapshot) error {
	a.image = s
	copy(a.region, s.bytes)
	return nil
}

// restore makes the memory equal to the image again.
func (a *arena) restore() { restoreByCompare(a.region, a.image.bytes) }

// watch runs f, which may write to the memory.
func (a *arena) watch(f func() error) error { return f() }

// tracker is of no use here: the kernel does not tell which pages were written.
type tracker struct{}

func newTracker() *tracker { return nil }

func (t *tracker) close() {}
