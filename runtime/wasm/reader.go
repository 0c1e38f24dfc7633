package wasm

import (
	"fmt"
	"unicode/utf8"
)

// Error says what is wrong with a module, and where.
type Error struct {
	Offset   int    // in the module's bytes
	Function string // name or $index of the function, if it is inside one
	Msg      string
}

func (e *Error) Error() string {
	if e.Function != "" {
		return fmt.Sprintf("wasm offset %#x, function %q: %s", e.Offset, e.Function, e.Msg)
	}
	if e.Offset == 0 { // there is but one thing to be wrong there
		return e.Msg
	}
	return fmt.Sprintf("wasm offset %#x: %s", e.Offset, e.Msg)
}

// Reader walks a part of a module. The first failure sticks: later reads yield zeros, so callers
// check err once per loop. Offsets in errors count from the first byte of the file.
type Reader struct {
	Bytes []byte
	Pos   int
	Base  int // offset of Bytes[0] in the file
	Err   error
}

// Fail notes what is wrong at a place in Bytes.
func (r *Reader) Fail(at int, format string, args ...any) {
	if r.Err == nil {
		r.Err = &Error{Offset: r.Base + at, Msg: fmt.Sprintf(format, args...)}
	}
}

// More tells whether there is anything left to read.
func (r *Reader) More() bool { return r.Err == nil && r.Pos < len(r.Bytes) }

// Byte reads a byte.
func (r *Reader) Byte() byte {
	if r.Err != nil {
		return 0
	}
	if r.Pos >= len(r.Bytes) {
		r.Fail(r.Pos, "unexpected end")
		return 0
	}
	c := r.Bytes[r.Pos]
	r.Pos++
	return c
}

// Take reads n bytes.
func (r *Reader) Take(n int) []byte {
	if r.Err != nil {
		return nil
	}
	if n < 0 || n > len(r.Bytes)-r.Pos {
		r.Fail(r.Pos, "unexpected end: %d bytes wanted, %d left", n, len(r.Bytes)-r.Pos)
		return nil
	}
	p := r.Bytes[r.Pos : r.Pos+n]
	r.Pos += n
	return p
}

// Sub yields a reader of the next n bytes.
func (r *Reader) Sub(n int) Reader {
	at := r.Base + r.Pos
	return Reader{Bytes: r.Take(n), Base: at, Err: r.Err}
}

// U32 reads an unsigned number.
func (r *Reader) U32() uint32 {
	at := r.Pos
	var v uint64
	for shift := uint(0); shift < 35; shift += 7 {
		c := r.Byte()
		v |= uint64(c&0x7f) << shift
		if c < 0x80 {
			if v > 1<<32-1 || r.Err != nil {
				break
			}
			return uint32(v)
		}
	}
	r.Fail(at, "integer is not an unsigned LEB128 of 32 bits")
	return 0
}

// Signed reads a signed LEB128 of the given width: 32, 33 or 64 bits.
func (r *Reader) Signed(width uint) int64 {
	at := r.Pos
	var v int64
	for shift := uint(0); shift < width; shift += 7 {
		c := r.Byte()
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
	r.Fail(at, "integer is not a signed LEB128 of %d bits", width)
	return 0
}

// Count reads the length of a vector whose elements take at least one byte each, so that a forged
// length can make neither us nor the engine allocate more than the file is long.
func (r *Reader) Count(what string) int {
	at := r.Pos
	n := r.U32()
	if int64(n) > int64(len(r.Bytes)-r.Pos) {
		r.Fail(at, "%d %s cannot fit into %d bytes", n, what, len(r.Bytes)-r.Pos)
		return 0
	}
	return int(n)
}

// Name reads a text with its length.
func (r *Reader) Name() string {
	at := r.Pos
	p := r.Take(r.Count("bytes of a name"))
	if !utf8.Valid(p) {
		r.Fail(at, "name is not UTF-8")
	}
	return string(p)
}

// Index reads an index that must be below limit. Since the rewritten module has more functions,
// globals and types than the original, only this check keeps a guest from naming the injected ones.
func (r *Reader) Index(what string, limit int) uint32 {
	at := r.Pos
	i := r.U32()
	if int64(i) >= int64(limit) {
		r.Fail(at, "%s %d does not exist, there are %d", what, i, limit)
		return 0
	}
	return i
}

// Done fails when bytes are left over.
func (r *Reader) Done(what string) {
	if r.Err == nil && r.Pos != len(r.Bytes) {
		r.Fail(r.Pos, "%d bytes left over after %s", len(r.Bytes)-r.Pos, what)
	}
}

// HeapType reads a heap type, in a module of so many types.
func (r *Reader) HeapType(types int) {
	at := r.Pos
	if t := r.Signed(33); t >= int64(types) {
		r.Fail(at, "type %d does not exist, there are %d", t, types)
	}
}

// ValType reads a value type, in a module of so many types, and returns its encoding.
func (r *Reader) ValType(types int) []byte {
	at := r.Pos
	switch c := r.Byte(); c {
	case 0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f, 0x69:
	case 0x63, 0x64: // (ref null? heaptype)
		r.HeapType(types)
	default:
		r.Fail(at, "value type %#02x is not known", c)
	}
	if r.Err != nil {
		return nil
	}
	return r.Bytes[at:r.Pos]
}

// Limits reads the size of a table or memory; high is nil if none is named.
func (r *Reader) Limits() (low uint32, high *uint32, shared bool) {
	at := r.Pos
	flags := r.Byte()
	low = r.U32()
	if flags > 3 {
		r.Fail(at, "limits flag %#02x is not known", flags)
	}
	if flags&1 != 0 {
		h := r.U32()
		high = &h
	}
	return low, high, flags&2 != 0
}
