package pluginhost

import (
	"cmp"
	"math"
	"slices"

	"github.com/wendflow/wend/runtime/wasm"
)

// takeData splits a module from its initial memory: the file without its data
// section, and what that section would write. A Go guest has tens of thousands
// of segments, which wazero evaluates one by one for each instance; writing
// them here, once, makes an instance ten times cheaper. A module that does
// anything with its segments but write them at fixed places is left as it is.
func takeData(m *wasm.Module) ([]byte, []wasm.Segment) {
	if m.Data == nil || m.DataCount || m.Start || m.Memory == nil {
		return m.File, nil
	}
	segments, ok := m.Segments()
	if !ok || slices.ContainsFunc(segments, func(s wasm.Segment) bool {
		return uint64(s.Offset)+uint64(len(s.Bytes)) > uint64(m.Memory.Min)*wasm.PageSize
	}) {
		return m.File, nil
	}
	rest := make([]byte, 0, len(m.File)-(m.Data.End-m.Data.Start))
	rest = append(rest, m.File[:m.Data.Start]...)
	if packed, ok := pack(segments); ok {
		segments = packed
	}
	return append(rest, m.File[m.Data.End:]...), segments
}

// pack copies segments, or the whole file would be kept for them, and joins
// those that lie close together: a few hundred are left to write of a Go
// guest's. Segments that overlap depend on their order and stay as they are.
func pack(segments []wasm.Segment) (packed []wasm.Segment, ok bool) {
	const near = 64 // bytes, which are zero
	sorted := slices.SortedStableFunc(slices.Values(segments), func(a, b wasm.Segment) int { return cmp.Compare(a.Offset, b.Offset) })
	for _, s := range sorted {
		gap := int64(math.MaxInt64)
		if n := len(packed); n > 0 {
			gap = int64(s.Offset) - int64(packed[n-1].Offset) - int64(len(packed[n-1].Bytes))
		}
		switch {
		case gap < 0:
			return nil, false
		case gap <= near:
			last := &packed[len(packed)-1]
			last.Bytes = append(append(last.Bytes, zeros[:gap]...), s.Bytes...)
		default:
			packed = append(packed, wasm.Segment{Offset: s.Offset, Bytes: slices.Clone(s.Bytes)})
		}
	}
	return packed, true
}
