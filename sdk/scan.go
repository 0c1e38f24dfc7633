package sdk

import (
	"math/bits"
	"unicode/utf8"
)

// Strings are looked at eight bytes at a time: byte by byte, looking alone
// would take a tenth of an invoke.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// plainEnd is where that part of s ends which begins at i, stands in a JSON
// string as it is, and is ASCII.
func plainEnd(s string, i int) int {
	for ; i+8 <= len(s); i += 8 {
		if odd := oddBytes(word(s, i)); odd != 0 {
			return i + bits.TrailingZeros64(odd)/8
		}
	}
	for i < len(s) && isPlain(s[i]) {
		i++
	}
	return i
}

// oddBytes has the high bit of a byte set where the byte is not plain: where it
// is no ASCII, or where a difference falls below zero, for a control character,
// '"' or '\'. A borrow reaches only bytes behind the first of these.
func oddBytes(w uint64) uint64 {
	return (w | (w - ' '*ones) | ((w ^ '"'*ones) - ones) | ((w ^ '\\'*ones) - ones)) & highs
}

func isPlain(c byte) bool { return c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' }

// isASCII is a quick way to know that s is valid UTF-8.
func isASCII(s string) bool {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if word(s, i)&highs != 0 {
			return false
		}
	}
	for ; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// word is the eight bytes of s from i on, the first the lowest. The compiler
// makes one load of it.
func word(s string, i int) uint64 {
	s = s[i : i+8]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}

// same tells whether two strings of the same size are equal. What the runtime
// has for it compares byte by byte in a guest.
func same(a, b string) bool {
	n := len(a)
	switch {
	case n > 16:
		return a == b
	case n >= 8:
		return word(a, 0) == word(b, 0) && word(a, n-8) == word(b, n-8)
	case n >= 4:
		return half(a, 0) == half(b, 0) && half(a, n-4) == half(b, n-4)
	default:
		return a == b
	}
}

// half is the four bytes of s from i on.
func half(s string, i int) uint32 {
	s = s[i : i+4]
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}
