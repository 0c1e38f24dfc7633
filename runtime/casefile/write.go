package casefile

import (
	"encoding/base64"
	"unicode/utf8"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/yamldoc"
	"github.com/wendflow/wend/sdk/wire"
)

// Expected is a call as a file has it that expects it, for yamldoc.Encode.
type Expected struct {
	Method     string            `yaml:"method"`
	URL        string            `yaml:"url"`
	Headers    map[string]string `yaml:"headers"`
	Body       any               `yaml:"body,omitempty"`
	BodyBase64 string            `yaml:"bodyBase64,omitempty"`
}

// Expect writes a call for ReadCall. A body that is a JSON object or list is
// shown as one.
func Expect(call wire.Call) Expected {
	f := Expected{Method: call.Method, URL: call.URL, Headers: call.Headers}
	v, err := data.DecodeJSON(call.Body)
	_, object := v.(map[string]any)
	_, list := v.([]any)
	switch {
	case err == nil && (object || list):
		f.Body = yamldoc.Writable(Writable(v))
	case utf8.Valid(call.Body):
		f.Body = string(call.Body)
	default:
		f.BodyBase64 = base64.StdEncoding.EncodeToString(call.Body)
	}
	return f
}

// Replied is a reply as a file has it, for yamldoc.Encode.
type Replied struct {
	Status     int            `yaml:"status,omitempty"`
	Headers    map[string]any `yaml:"headers,omitempty"`
	Body       any            `yaml:"body,omitempty"`
	BodyBase64 string         `yaml:"bodyBase64,omitempty"`
	Failure    wire.Failure   `yaml:"failure,omitempty"`
	Message    string         `yaml:"message,omitempty"`
}

// Reply writes a reply for ReadReply, its body byte by byte.
func Reply(r wire.Reply) Replied {
	f := Replied{Status: r.Status, Failure: r.Failure, Message: r.Message}
	switch {
	case len(r.Body) == 0:
	case utf8.Valid(r.Body):
		f.Body = string(r.Body)
	default:
		f.BodyBase64 = base64.StdEncoding.EncodeToString(r.Body)
	}
	for name, values := range r.Headers {
		if f.Headers == nil {
			f.Headers = map[string]any{}
		}
		if f.Headers[name] = values; len(values) == 1 {
			f.Headers[name] = values[0]
		}
	}
	return f
}
