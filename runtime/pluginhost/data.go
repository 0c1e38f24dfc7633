package pluginhost

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
	return append(rest, wasm[m.data.end:]...), segments
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
