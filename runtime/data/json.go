package data

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// JSON writes a value as compact JSON, in which < > and & stand as they are and
// names are in order, so that equal values give equal bytes.
func JSON(v any) ([]byte, error) {
	const most = 256 // bytes of most bodies
	b, err := AppendJSON(make([]byte, 0, most), v)
	if err != nil {
		return nil, err
	}
	return b, nil
}

// AppendJSON is JSON behind b. What JSON cannot say is null, and an error. It
// is our own because it is on the way of every call, where encoding/json takes
// as long as all the rest.
func AppendJSON(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case string:
		return AppendString(b, v), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return append(b, "null"...), fmt.Errorf("JSON has no number %v", v)
		}
		return AppendFloat(b, v), nil
	case json.Number:
		return append(b, v...), nil
	case map[string]any:
		return appendMap(b, v, AppendJSON)
	case []any:
		return appendList(b, v, AppendJSON)
	case map[string][]string:
		return appendMap(b, v, func(b []byte, list []string) ([]byte, error) { return AppendJSON(b, list) })
	case []string:
		return appendList(b, v, func(b []byte, s string) ([]byte, error) { return AppendString(b, s), nil })
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return append(b, "null"...), err
		}
		return append(b, text...), nil
	}
}

func appendMap[T any](b []byte, m map[string]T, value func([]byte, T) ([]byte, error)) ([]byte, error) {
	var few [24]string // most objects need no allocation for their names
	names := few[:0]
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	var first, err error
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b, err = value(append(AppendString(b, name), ':'), m[name])
		first = cmp.Or(first, err)
	}
	return append(b, '}'), first
}

func appendList[T any](b []byte, list []T, value func([]byte, T) ([]byte, error)) ([]byte, error) {
	var first, err error
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b, err = value(b, v)
		first = cmp.Or(first, err)
	}
	return append(b, ']'), first
}

// AppendString writes s in quotes. What is no valid UTF-8 becomes U+FFFD, byte
// by byte.
func AppendString(b []byte, s string) []byte {
	b = append(b, '"')
	plain := 0 // s[plain:i] is still to be copied as it stands
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[plain:i]...), "\uFFFD"...)
				plain = i + 1
			}
			i += n
			continue
		}
		if c < ' ' || c == '"' || c == '\\' {
			b = appendEscape(append(b, s[plain:i]...), c)
			plain = i + 1
		}
		i++
	}
	return append(append(b, s[plain:]...), '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	default:
		const digits = "0123456789abcdef"
		return append(append(b, `\u00`...), digits[c>>4], digits[c&15])
	}
}
