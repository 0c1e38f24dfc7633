package pluginhost

import (
	"cmp"
	"math"
	"slices"
)

// segment is one piece of a module's initial memory.
type segment struct {
	offset uint32
	bytes  []byte
}

// takeData splits a module from its initial memory: the file without its data
// section, and what that section would write. A Go guest has tens of thousands
// of segments, which wazero evaluates one by one for each instance; writing
// them here, once, makes an instance ten times cheaper. A module that does
// anything with its segments but write them at fixed places is left as it is.
func (m *module) takeData(wasm []byte) ([]byte, []segment) {
	if m.data == nil || m.dataCount || m.start || m.memory == nil {
		return wasm, nil
	}
	r := &reader{rest: m.data.content}
	var segments []segment
	plain := true
	r.vector(func() {
		s, ok := r.segment()
		plain = plain && ok && uint64(s.offset)+uint64(len(s.bytes)) <= uint64(m.memory.min)*pageSize
		if !plain {
			r.fail(errShort) // looks no further
		}
		segments = append(segments, s)
	})
	if !plain || r.err != nil {
		return wasm, nil
	}
	rest := make([]byte, 0, len(wasm)-(m.data.end-m.data.start))
	rest = append(rest, wasm[:m.data.start]...)
	if packed, ok := pack(segments); ok {
		segments = packed
	}
	return append(rest, wasm[m.data.end:]...), segments
}

// pack copies segments, or the whole file would be kept for them, and joins
// those that lie close together: a few hundred are left to write of a Go
// guest's. Segments that overlap depend on their order and stay as they are.
func pack(segments []segment) (packed []segment, ok bool) {
	const near = 64 // bytes, which are zero
	sorted := slices.SortedStableFunc(slices.Values(segments), func(a, b segment) int { return cmp.Compare(a.offset, b.offset) })
	for _, s := range sorted {
		gap := int64(math.MaxInt64)
		if n := len(packed); n > 0 {
			gap = int64(s.offset) - int64(packed[n-1].offset) - int64(len(packed[n-1].bytes))
		}
		switch {
		case gap < 0:
			return nil, false
		case gap <= near:
			last := &packed[len(packed)-1]
			last.bytes = append(append(last.bytes, zeros[:gap]...), s.bytes...)
		default:
			packed = append(packed, segment{s.offset, slices.Clone(s.bytes)})
		}
	}
	return packed, true
}

// segment reads one data segment: active, in memory 0, at a constant offset.
func (r *reader) segment() (segment, bool) {
	const i32Const, end = 0x41, 0x0b
	if r.u32() != 0 || r.byte() != i32Const {
		return segment{}, false
	}
	offset := uint32(r.s32())
	if r.byte() != end {
		return segment{}, false
	}
	return segment{offset, r.take(r.u32())}, r.err == nil
}
