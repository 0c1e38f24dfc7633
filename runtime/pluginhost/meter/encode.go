package meter

import "encoding/binary"

// code appends WebAssembly bytes. Its methods return the longer slice, so that they chain.
type code []byte

func (c code) u32(v uint32) code { return binary.AppendUvarint(c, uint64(v)) }

func (c code) s64(v int64) code {
	for {
		b := byte(v & 0x7f)
		v >>= 7
		if (v == 0 && b&0x40 == 0) || (v == -1 && b&0x40 != 0) {
			return append(c, b)
		}
		c = append(c, b|0x80)
	}
}

func (c code) name(s string) code { return append(c.u32(uint32(len(s))), s...) }

// sized appends p behind its length.
func (c code) sized(p []byte) code { return append(c.u32(uint32(len(p))), p...) }

func (c code) section(id byte, body []byte) code { return append(c, id).sized(body) }

func (c code) op(ops ...byte) code { return append(c, ops...) }

func (c code) at(op byte, index uint32) code { return append(c, op).u32(index) }

func (c code) i32(v int32) code { return append(c, 0x41).s64(int64(v)) }

func (c code) i64(v int64) code { return append(c, 0x42).s64(v) }

func (c code) get(local uint32) code { return c.at(0x20, local) }

func (c code) set(local uint32) code { return c.at(0x21, local) }

func (c code) globalGet(g uint32) code { return c.at(0x23, g) }

func (c code) globalSet(g uint32) code { return c.at(0x24, g) }

func (c code) call(f uint32) code { return c.at(0x10, f) }
