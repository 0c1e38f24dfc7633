package sdk

import (
	"math"
	"slices"
	"strconv"
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
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':')
		b = write(b, m[name])
	}
	return append(b, '}')
}

func appendValue(b []byte, v Value) []byte {
	switch v.kind {
	case Absent, Null:
		return append(b, "null"...)
	case Bool, Number:
		return append(b, v.text...)
	case String:
		return appendString(b, v.text)
	case List:
		return append(appendMembers(append(b, '['), v), ']')
	default:
		return append(appendMembers(append(b, '{'), v), '}')
	}
}

func appendMembers(b []byte, v Value) []byte {
	for i, m := range v.members {
		if i > 0 {
			b = append(b, ',')
		}
		if v.kind == Object {
			b = append(appendString(b, m.name), ':')
		}
		b = appendValue(b, m.value)
	}
	return b
}

func appendFloat(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		panic(fault("cannot write " + strconv.FormatFloat(f, 'g', -1, 64) + " as JSON"))
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64)
}

// appendString writes s in quotes. What is no valid UTF-8 becomes U+FFFD, byte
// by byte.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for {
		plain := plainLength(s)
		b = append(b, s[:plain]...)
		if s = s[plain:]; s == "" {
			return append(b, '"')
		}
		size := 1
		if c := s[0]; c < utf8.RuneSelf {
			b = appendEscape(b, c)
		} else {
			var r rune
			r, size = utf8.DecodeRuneInString(s)
			b = utf8.AppendRune(b, r)
		}
		s = s[size:]
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
