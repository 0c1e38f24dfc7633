package pluginhost

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/sdk/wire"
)

// timeFormat is how the guest sees the time: UTC, to the millisecond.
const timeFormat = "2006-01-02T15:04:05.000Z"

// appendInput writes the document that a guest is invoked with.
func appendInput(b []byte, method string, v node.Visit) []byte {
	b = append(b, `{"abi":`...)
	b = strconv.AppendInt(b, wire.ABI, 10)
	b = append(b, `,"method":`...)
	b = appendString(b, method)
	b = append(b, `,"inputs":`...)
	b = appendObject(b, v.Inputs)
	b = append(b, `,"settings":`...)
	b = appendObject(b, v.Settings)
	b = append(b, `,"context":{"run":`...)
	b = appendString(b, v.Run)
	b = append(b, `,"node":`...)
	b = appendString(b, v.Node)
	b = append(b, `,"visit":`...)
	b = strconv.AppendInt(b, int64(v.Visit), 10)
	b = append(b, `,"attempt":`...)
	b = strconv.AppendInt(b, int64(v.Attempt), 10)
	b = append(b, `,"key":`...)
	b = appendString(b, v.Key)
	b = append(b, `,"now":"`...)
	b = v.Now.UTC().AppendFormat(b, timeFormat)
	b = append(b, `","seed":`...)
	b = appendString(b, v.Seed)
	b = append(b, `},"replies":[`...)
	for i, r := range v.Replies {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendReply(b, r)
	}
	return append(b, `]}`...)
}

func appendReply(b []byte, r wire.Reply) []byte {
	if r.Failure != "" {
		b = append(b, `{"failure":`...)
		b = appendString(b, string(r.Failure))
		b = append(b, `,"message":`...)
		b = appendString(b, r.Message)
		return append(b, '}')
	}
	b = append(b, `{"status":`...)
	b = strconv.AppendInt(b, int64(r.Status), 10)
	b = append(b, `,"headers":`...)
	b = appendMap(b, r.Headers, appendStrings)
	if utf8.Valid(r.Body) {
		b = append(b, `,"body":`...)
		b = appendString(b, string(r.Body))
	} else {
		b = append(b, `,"bodyBase64":"`...)
		b = base64.StdEncoding.AppendEncode(b, r.Body)
		b = append(b, '"')
	}
	return append(b, '}')
}

func appendStrings(b []byte, list []string) []byte {
	return appendList(b, list, appendString)
}

func appendObject(b []byte, m map[string]any) []byte {
	return appendMap(b, m, appendValue)
}

// appendMap writes names in order, so that equal inputs make equal documents.
func appendMap[T any](b []byte, m map[string]T, value func([]byte, T) []byte) []byte {
	var few [24]string // most objects need no allocation for their names
	names := sortedNames(few[:0], m)
	b = append(b, '{')
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, name), ':')
		b = value(b, m[name])
	}
	return append(b, '}')
}

func appendList[T any](b []byte, list []T, value func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = value(b, v)
	}
	return append(b, ']')
}

// appendValue writes data of a flow. What is no plain data is left to
// encoding/json, and is null where that refuses.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case string:
		return appendString(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case float64:
		return appendFloat(b, v)
	case json.Number:
		return append(b, v...)
	case map[string]any:
		return appendObject(b, v)
	case []any:
		return appendList(b, v, appendValue)
	case time.Time:
		return append(v.AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
	default:
		text, err := json.Marshal(v)
		if err != nil {
			return append(b, "null"...)
		}
		return append(b, text...)
	}
}

// appendFloat writes null for what JSON cannot say.
func appendFloat(b []byte, f float64) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(b, "null"...)
	}
	return data.AppendFloat(b, f)
}

// appendString writes s in quotes. What is no valid UTF-8 becomes U+FFFD, byte
// by byte.
func appendString(b []byte, s string) []byte {
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
