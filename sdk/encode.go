package sdk

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// JSON writes v as JSON, for the body of a request. v may be nil, a bool, a
// string, an int, int64 or float64, a Value, and slices and string-keyed maps
// of those: []any, []string, []Value, []map[string]any, map[string]any and
// map[string]string. Names are sorted, so that equal values give equal bytes.
// It panics on any other type, and on a float64 that JSON cannot say.
func JSON(v any) []byte {
	return appendJSON(make([]byte, 0, 256), v)
}

func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case string:
		return appendString(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case int64:
		return strconv.AppendInt(b, v, 10)
	case float64:
		return appendFloat(b, v)
	case Value:
		return appendValue(b, v)
	case []any:
		return appendList(b, v, appendJSON)
	case []string:
		return appendList(b, v, appendString)
	case []Value:
		return appendList(b, v, appendValue)
	case []map[string]any:
		return appendList(b, v, func(b []byte, m map[string]any) []byte { return appendMap(b, m, appendJSON) })
	case map[string]any:
		return appendMap(b, v, appendJSON)
	case map[string]string:
		return appendMap(b, v, appendString)
	default:
		panic(fault("cannot write a value of this type as JSON; see the documentation of sdk.JSON for those it takes"))
	}
}

func appendList[T any](b []byte, list []T, write func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = write(b, v)
	}
	return append(b, ']')
}

func appendMap[T any](b []byte, m map[string]T, write func([]byte, T) []byte) []byte {
	var few [32]field[T] // most objects need no allocation for their fields
	b = append(b, '{')
	for i, f := range sorted(few[:0], m) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, f.name), ':')
		b = write(b, f.value)
	}
	return append(b, '}')
}

type field[T any] struct {
	name  string
	value T
}

// sorted appends the fields of m to an empty slice, by name. It inserts: most
// objects are small, and a map that is looked into again for each name is dear.
func sorted[T any](fields []field[T], m map[string]T) []field[T] {
	if len(m) > cap(fields) {
		return sortedMany(m)
	}
	for name, value := range m {
		at := len(fields)
		fields = fields[:at+1]
		for ; at > 0 && before(name, fields[at-1].name); at-- {
			fields[at] = fields[at-1]
		}
		fields[at] = field[T]{name, value}
	}
	return fields
}

// before tells whether a comes before b. Mostly the first byte tells, and to
// compare strings is dear in a guest.
func before(a, b string) bool {
	if len(a) > 0 && len(b) > 0 && a[0] != b[0] {
		return a[0] < b[0]
	}
	return a < b
}

func sortedMany[T any](m map[string]T) []field[T] {
	fields := make([]field[T], 0, len(m))
	for name, value := range m {
		fields = append(fields, field[T]{name, value})
	}
	slices.SortFunc(fields, func(a, b field[T]) int { return strings.Compare(a.name, b.name) })
	return fields
}

func appendValue(b []byte, v Value) []byte {
	switch v.Kind() {
	case Absent, Null:
		return append(b, "null"...)
	case Bool, Number:
		return append(b, v.text()...)
	case String:
		return appendString(b, v.text())
	case List:
		return append(appendEntries(append(b, '['), v), ']')
	default:
		return append(appendEntries(append(b, '{'), v), '}')
	}
}

func appendEntries(b []byte, of Value) []byte {
	fields, more := of.Kind() == Object, false
	for e := of.first(); e.of != nil; e = e.next() {
		if more {
			b = append(b, ',')
		}
		more = true
		if fields {
			b = append(appendString(b, e.name()), ':')
		}
		b = appendValue(b, e)
	}
	return b
}

func appendFloat(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		panic(fault("cannot write " + strconv.FormatFloat(f, 'g', -1, 64) + " as JSON"))
	}
	format := byte('e')
	if size := math.Abs(f); f == 0 || 1e-6 <= size && size < 1e21 {
		format = 'f' // as a host writes it, and every program in JavaScript
	}
	return strconv.AppendFloat(b, f, format, -1, 64)
}

// appendString writes s in quotes. What is no valid UTF-8 becomes U+FFFD, byte
// by byte.
func appendString(b []byte, s string) []byte {
	if at := len(b); plainEnd(s, 0) == len(s) && cap(b)-at >= len(s)+2 { // nearly always
		b = b[:at+len(s)+2]
		b[at], b[len(b)-1] = '"', '"'
		copy(b[at+1:], s)
		return b
	}
	b = append(b, '"')
	for i, at := 0, len(b); ; {
		if cap(b)-at < len(s)-i+16 { // the rest, a word more than it, and what an escape adds
			b = slices.Grow(b[:at], len(s)-i+len(s)/8+64)
		}
		into := b[:cap(b)]
		if i+8 <= len(s) {
			// A word is written before it is known how much of it may stand.
			w := word(s, i)
			binary.LittleEndian.PutUint64(into[at:], w)
			odd := oddBytes(w)
			if odd == 0 {
				at, i = at+8, i+8
				continue
			}
			n := bits.TrailingZeros64(odd) / 8
			at, i = at+n, i+n
		}
		if i == len(s) {
			return append(b[:at], '"')
		}
		switch c := s[i]; {
		case c == '"' || c == '\\':
			into[at], into[at+1] = '\\', c
			at, i = at+2, i+1
		case isPlain(c):
			into[at] = c
			at, i = at+1, i+1
		case c < utf8.RuneSelf:
			at, i = len(appendEscape(into[:at], c)), i+1
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			at, i = len(utf8.AppendRune(into[:at], r)), i+size
		}
	}
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	default:
		const digits = "0123456789abcdef"
		return append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&0xf])
	}
}
