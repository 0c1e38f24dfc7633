package pluginhost

import (
	"encoding/base64"
	"strconv"
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
	b = data.AppendString(b, method)
	b = append(b, `,"inputs":`...)
	b = appendObject(b, v.Inputs)
	b = append(b, `,"settings":`...)
	b = appendObject(b, v.Settings)
	b = append(b, `,"context":{"run":`...)
	b = data.AppendString(b, v.Run)
	b = append(b, `,"node":`...)
	b = data.AppendString(b, v.Node)
	b = append(b, `,"visit":`...)
	b = strconv.AppendInt(b, int64(v.Visit), 10)
	b = append(b, `,"attempt":`...)
	b = strconv.AppendInt(b, int64(v.Attempt), 10)
	b = append(b, `,"key":`...)
	b = data.AppendString(b, v.Key)
	b = append(b, `,"now":"`...)
	b = v.Now.UTC().AppendFormat(b, timeFormat)
	b = append(b, `","seed":`...)
	b = data.AppendString(b, v.Seed)
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
		b = data.AppendString(b, string(r.Failure))
		b = append(b, `,"message":`...)
		b = data.AppendString(b, r.Message)
		return append(b, '}')
	}
	b = append(b, `{"status":`...)
	b = strconv.AppendInt(b, int64(r.Status), 10)
	b = append(b, `,"headers":`...)
	b, _ = data.AppendJSON(b, r.Headers)
	if utf8.Valid(r.Body) {
		b = append(b, `,"body":`...)
		b = data.AppendString(b, string(r.Body))
	} else {
		b = append(b, `,"bodyBase64":"`...)
		b = base64.StdEncoding.AppendEncode(b, r.Body)
		b = append(b, '"')
	}
	return append(b, '}')
}

// appendObject writes data of a flow; what JSON cannot say is null.
func appendObject(b []byte, m map[string]any) []byte {
	b, _ = data.AppendJSON(b, m)
	return b
}
