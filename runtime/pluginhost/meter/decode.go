package meter

import (
	"fmt"
	"unicode/utf8"
)

// reader walks a part of the module. The first failure sticks: later reads yield zeros, so callers
// check err once per loop. Offsets in errors count from the first byte of the file.
type reader struct {
	b    []byte
	pos  int
	base int // offset of b[0] in the file
	err  error
}

func (r *reader) fail(at int, format string, args ...any) {
	if r.err == nil {
		r.err = &Error{Offset: r.base + at, Msg: fmt.Sprintf(format, args...)}
	}
}

func (r *reader) more() bool { return r.err == nil && r.pos < len(r.b) }

func (r *reader) byte() byte {
	if r.err != nil {
		return 0
	}
	if r.pos >= len(r.b) {
		r.fail(r.pos, "unexpected end")
		return 0
	}
	c := r.b[r.pos]
	r.pos++
	return c
}

func (r *reader) take(n int) []byte {
	if r.err != nil {
		return nil
	}
	if n < 0 || n > len(r.b)-r.pos {
		r.fail(r.pos, "unexpected end: %d bytes wanted, %d left", n, len(r.b)-r.pos)
		return nil
	}
	p := r.b[r.pos : r.pos+n]
	r.pos += n
	return p
}

// sub yields a reader of the next n bytes.
func (r *reader) sub(n int) reader {
	at := r.base + r.pos
	return reader{b: r.take(n), base: at, err: r.err}
}

func (r *reader) u32() uint32 {
	at := r.pos
	var v uint64
	for shift := uint(0); shift < 35; shift += 7 {
		c := r.byte()
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			if v > 1<<32-1 || r.err != nil {
				break
			}
			return uint32(v)
		}
	}
	r.fail(at, "integer is not an unsigned LEB128 of 32 bits")
	return 0
}

// signed reads a signed LEB128 of the given width: 32, 33 or 64 bits.
func (r *reader) signed(width uint) int64 {
	at := r.pos
	var v int64
	for shift := uint(0); shift < width; shift += 7 {
		c := r.byte()
		v |= int64(c&0x7f) << shift
		if c < 0x80 {
			if left := width - shift; left < 7 {
				// The bits past the width have to repeat the sign.
				if top := int8(c<<1) >> left; top != 0 && top != -1 {
					break
				}
			}
			if shift+7 < 64 && c&0x40 != 0 {
				v |= -1 << (shift + 7)
			}
			return v
		}
	}
	r.fail(at, "integer is not a signed LEB128 of %d bits", width)
	return 0
}

// count reads the length of a vector whose elements take at least one byte each, so that a forged
// length can make neither us nor the engine allocate more than the file is long.
func (r *reader) count(what string) int {
	at := r.pos
	n := r.u32()
	if int64(n) > int64(len(r.b)-r.pos) {
		r.fail(at, "%d %s cannot fit into %d bytes", n, what, len(r.b)-r.pos)
		return 0
	}
	return int(n)
}

func (r *reader) name() string {
	at := r.pos
	p := r.take(r.count("bytes of a name"))
	if !utf8.Valid(p) {
		r.fail(at, "name is not UTF-8")
	}
	return string(p)
}

// index reads an index that must be below limit. Since the rewritten module has more functions,
// globals and types than the original, only this check keeps a guest from naming the injected ones.
func (r *reader) index(what string, limit int) uint32 {
	at := r.pos
	i := r.u32()
	if int64(i) >= int64(limit) {
		r.fail(at, "%s %d does not exist, there are %d", what, i, limit)
		return 0
	}
	return i
}

// done fails when bytes are left over.
func (r *reader) done(what string) {
	if r.err == nil && r.pos != len(r.b) {
		r.fail(r.pos, "%d bytes left over after %s", len(r.b)-r.pos, what)
	}
}

// heapType reads a heap type, in a module of so many types.
func (r *reader) heapType(types int) {
	at := r.pos
	if t := r.signed(33); t >= int64(types) {
		r.fail(at, "type %d does not exist, there are %d", t, types)
	}
}

// valType reads a value type, in a module of so many types, and returns its encoding.
func (r *reader) valType(types int) []byte {
	at := r.pos
	switch c := r.byte(); c {
	case 0x7f, 0x7e, 0x7d, 0x7c, typeV128, 0x70, 0x6f, 0x69:
	case 0x63, 0x64: // (ref null? heaptype)
		r.heapType(types)
	default:
		r.fail(at, "value type %#02x is not known", c)
	}
	if r.err != nil {
		return nil
	}
	return r.b[at:r.pos]
}

// limits reads the size of a table or memory.
func (r *reader) limits() (low uint32, high *uint32) {
	at := r.pos
	flags := r.byte()
	low = r.u32()
	switch flags {
	case 0:
	case 1:
		h := r.u32()
		high = &h
	case 2, 3:
		r.fail(at, "shared memory (threads) is refused")
	default:
		r.fail(at, "limits flag %#02x is not known", flags)
	}
	return low, high
}
