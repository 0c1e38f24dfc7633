package pluginhost

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"slices"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/wendflow/wend/runtime/data"
)

// snapshot is a guest's memory in a file that lives in memory only. Instances
// map it privately: they share its pages until they write to them.
type snapshot struct {
	file  int
	bytes []byte // the file, mapped to be read
}

func newSnapshot(memory []byte) (*snapshot, error) {
	fd, err := unix.MemfdCreate("wend-plugin", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("memory file: %w", err)
	}
	s := &snapshot{file: fd}
	if err := s.fill(memory); err != nil {
		s.free()
		return nil, fmt.Errorf("memory file: %w", err)
	}
	return s, nil
}

func (s *snapshot) fill(memory []byte) error {
	if err := unix.Ftruncate(s.file, int64(len(memory))); err != nil {
		return err
	}
	err := eachUsed(memory, func(at, end int) error {
		_, err := unix.Pwrite(s.file, memory[at:end], int64(at))
		return err
	})
	if err != nil {
		return err
	}
	s.bytes, err = unix.Mmap(s.file, 0, len(memory), unix.PROT_READ, unix.MAP_SHARED)
	return err
}

// free lets go of the file; instances that map it keep their pages.
func (s *snapshot) free() {
	if s.bytes != nil {
		_ = unix.Munmap(s.bytes) // fails for an address that is none only
	}
	_ = unix.Close(s.file)
}

// arena is the linear memory of one instance. Its address never changes, and
// pages that the guest never writes take no room.
type arena struct {
	region  []byte // reserved up to the limit
	size    uint64
	denied  uint64 // the size the guest wanted and did not get; 0 if it got all
	image   *snapshot
	tracker *tracker
	written []int  // where pages begin that were written since adopt
	stale   bool   // there may be more of them
	flags   []byte // of pages, as the kernel gives them
}

func newArena(limit uint64, t *tracker) (*arena, error) {
	region, err := unix.Mmap(-1, 0, int(limit), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
	if err != nil {
		return nil, fmt.Errorf("reserve %s of memory for a plugin: %w", data.ShowSize(limit), err)
	}
	return &arena{region: region, tracker: t}, nil
}

// Reallocate implements experimental.LinearMemory.
func (a *arena) Reallocate(size uint64) []byte {
	if size > uint64(len(a.region)) {
		a.denied = size
		return nil
	}
	a.size = size
	return a.region[:size]
}

// Free implements experimental.LinearMemory.
func (a *arena) Free() {
	if a.region != nil {
		_ = unix.Munmap(a.region) // fails for an address that is none only
		a.region = nil
	}
}

// adopt begins the memory with the image, which must not be larger.
func (a *arena) adopt(s *snapshot) error {
	_, err := unix.MmapPtr(s.file, 0, unsafe.Pointer(&a.region[0]), uintptr(len(s.bytes)),
		unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_FIXED)
	if err != nil {
		return fmt.Errorf("map the image of a plugin: %w", err)
	}
	a.image, a.stale = s, true
	return nil
}

// restore makes the memory equal to the image again. The kernel knows which
// pages were written since the image was mapped: those are no pages of its file
// any more, and stay so. They are few, and it can be asked for them, so this
// costs a tenth of comparing everything. It need not even be asked where the
// guest ran without a single page fault: then it wrote to no new page.
func (a *arena) restore() {
	src := a.image.bytes
	if a.tracker == nil {
		restoreByCompare(a.region, src)
		return
	}
	if a.stale && !a.findWritten() {
		restoreByCompare(a.region, src)
		return
	}
	for _, at := range a.written {
		copy(a.region[at:at+block], src[at:])
	}
}

// watch runs f, which may write to the memory, and notes whether it could have
// written to a page for the first time.
func (a *arena) watch(f func() error) error {
	if a.tracker == nil || a.stale {
		a.stale = true
		return f()
	}
	runtime.LockOSThread() // faults are counted by thread
	defer runtime.UnlockOSThread()
	before := pageFaults()
	err := f()
	a.stale = before < 0 || pageFaults() != before
	return err
}

// pageFaults counts those of this thread so far; it is negative if that is not
// known.
func pageFaults() int64 {
	var usage unix.Rusage
	if unix.Getrusage(unix.RUSAGE_THREAD, &usage) != nil {
		return -1
	}
	return usage.Minflt + usage.Majflt
}

// findWritten asks which pages were written.
func (a *arena) findWritten() bool {
	if a.flags == nil {
		a.flags = make([]byte, len(a.image.bytes)/block*8)
	}
	if !a.tracker.read(a.flags, a.region) {
		return false
	}
	a.written = a.written[:0]
	for i := 0; i < len(a.flags); i += 8 {
		if written(binary.NativeEndian.Uint64(a.flags[i:])) {
			a.written = append(a.written, i/8*block)
		}
	}
	a.stale = false
	return true
}

// tracker asks the kernel for the state of pages. A nil tracker means that it
// cannot be asked.
type tracker struct {
	pagemap *os.File
	fd      int
}

// newTracker returns nil where the kernel does not tell, or tells nonsense: it
// is tried on pages of its own.
func newTracker() *tracker {
	if os.Getpagesize() != block {
		return nil
	}
	f, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return nil
	}
	t := &tracker{f, int(f.Fd())}
	if !t.works() {
		t.close()
		return nil
	}
	return t
}

// works tries to find the pages written, and whether a first write to a page is
// seen as a fault.
func (t *tracker) works() bool {
	s, err := newSnapshot(make([]byte, 4*block))
	if err != nil {
		return false
	}
	defer s.free()
	a, err := newArena(uint64(len(s.bytes)), t)
	if err != nil {
		return false
	}
	defer a.Free()
	if a.adopt(s) != nil || a.region[2*block] != 0 || !a.findWritten() || len(a.written) > 0 {
		return false
	}
	_ = a.watch(func() error { a.region[2*block]++; return nil })
	return a.stale && a.findWritten() && slices.Equal(a.written, []int{2 * block})
}

// read fills flags with one word for each page from the beginning of region.
func (t *tracker) read(flags, region []byte) bool {
	at := int64(uintptr(unsafe.Pointer(&region[0]))) / block * 8
	n, err := unix.Pread(t.fd, flags, at)
	return err == nil && n == len(flags)
}

// written tells whether a page of a private mapping has been written: then it
// exists, in memory or in swap, and is not the file's.
func written(flags uint64) bool {
	const present, swapped, file = 1 << 63, 1 << 62, 1 << 61
	return flags&(present|swapped) != 0 && flags&file == 0
}

func (t *tracker) close() {
	if t != nil {
		_ = t.pagemap.Close() // read only
	}
}
