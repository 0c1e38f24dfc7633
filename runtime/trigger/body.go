package trigger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/problem"
)

// ParseJSON decodes a JSON body into data that flows see. The error is a
// *problem.Problem that says where the body stops being JSON.
func ParseJSON(raw []byte) (any, error) {
	raw = data.TrimBOM(raw)
	if at := invalidUTF8(raw); at >= 0 {
		return nil, malformed(raw, at, "the body is not UTF-8")
	}
	v, err := data.DecodeJSON(raw)
	if err != nil {
		return nil, jsonProblem(raw, err)
	}
	return v, nil
}

// jsonProblem says where a body stops being JSON. Only Unmarshal tells that for
// every mistake.
func jsonProblem(raw []byte, err error) *problem.Problem {
	if deep, ok := errors.AsType[*data.DepthError](err); ok {
		return malformed(raw, deep.Offset, "the body nests deeper than %d levels", data.MaxDepth)
	}
	var wrong *json.SyntaxError
	if !errors.As(json.Unmarshal(raw, new(json.RawMessage)), &wrong) {
		return problem.New(http.StatusBadRequest, "the body cannot be read: %s", err)
	}
	at := int(wrong.Offset) - 1
	if at+1 >= len(raw) && strings.Contains(wrong.Error(), "unexpected end") {
		at = len(raw)
	}
	return malformed(raw, at, "the body is not JSON: %s", wrong)
}

func malformed(raw []byte, at int, format string, a ...any) *problem.Problem {
	p := problem.New(http.StatusBadRequest, format, a...)
	at = min(max(at, 0), len(raw))
	before := raw[:at]
	lineStart := bytes.LastIndexByte(before, '\n') + 1
	p.Place = &problem.Place{
		Line:   bytes.Count(before, []byte("\n")) + 1,
		Column: utf8.RuneCount(before[lineStart:]) + 1,
		Offset: at,
	}
	return p
}

// invalidUTF8 returns the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(raw []byte) int {
	if utf8.Valid(raw) {
		return -1
	}
	for i := 0; ; {
		r, size := utf8.DecodeRune(raw[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
}

// ParseForm makes an object of the types that the webhook's schema has; what it
// says nothing of is a string, and a list of them if it is given several times.
// The error is a *problem.Problem.
func ParseForm(h *node.Hook, raw []byte) (any, error) {
	if at := invalidUTF8(raw); at >= 0 {
		return nil, malformed(raw, at, "the body is not UTF-8")
	}
	values, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, "the body is not a form: %s", err)
	}
	form := make(map[string]any, len(values))
	for name, given := range values {
		list := make([]any, len(given))
		for i, v := range given {
			if !utf8.ValidString(name + v) {
				return nil, problem.New(http.StatusBadRequest, "the body is not a form: field %s is not UTF-8", fmt.Sprintf("%+q", name))
			}
			list[i] = v
		}
		form[name] = list
		if len(list) == 1 {
			form[name] = list[0]
		}
	}
	return h.Body.ReadTexts(form), nil
}
