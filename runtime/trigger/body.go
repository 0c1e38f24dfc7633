package trigger

import (
	"bytes"
	"encoding/base64"
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

// Body decodes a body of one of the kinds that a webhook takes into data that
// flows see: JSON, what a form says, a text, or XML as data.DecodeXML has it. It
// says nothing of whether the data fits. media are the parameters of the media
// type, charset and boundary. The error is a *problem.Problem.
func Body(h *node.Hook, kind node.BodyKind, media map[string]string, raw []byte) (any, error) {
	charset := media["charset"]
	switch kind {
	case node.BodyForm:
		return parseForm(h, raw, charset)
	case node.BodyMultipart:
		return parseMultipart(h, raw, media["boundary"])
	case node.BodyXML:
		tree, err := data.DecodeXML(raw, charset)
		if err != nil {
			return nil, problem.New(http.StatusBadRequest, "the body is not XML: %s", err)
		}
		return h.Body.ReadTexts(tree), nil
	case node.BodyText:
		text, err := decodeText(raw, charset)
		return string(text), err
	default:
		text, err := decodeText(raw, charset)
		if err != nil {
			return nil, err
		}
		return ParseJSON(text)
	}
}

// Raw is a body as it came, for a webhook that gives it; nil for others.
func Raw(h *node.Hook, charset string, raw []byte) (any, error) {
	switch h.Raw {
	case node.RawText:
		text, err := decodeText(raw, charset)
		return string(text), err
	case node.RawBase64:
		return base64.StdEncoding.EncodeToString(raw), nil
	default:
		return nil, nil
	}
}

// decodeText is a body as text in UTF-8.
func decodeText(raw []byte, charset string) ([]byte, error) {
	text, err := data.DecodeText(raw, charset)
	if wrong, ok := errors.AsType[*data.TextError](err); ok && wrong.Offset >= 0 {
		return nil, malformed(data.TrimBOM(raw), wrong.Offset, "the body is not %s", strings.ToUpper(wrong.Charset))
	}
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, "the body cannot be read: %s", err)
	}
	return text, nil
}

// ParseJSON decodes a JSON body into data that flows see. The error is a
// *problem.Problem that says where the body stops being JSON.
func ParseJSON(raw []byte) (any, error) {
	raw, err := decodeText(raw, "")
	if err != nil {
		return nil, err
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

// parseForm makes an object of the types that the webhook's schema has; what it
// says nothing of is a string, and a list of them if it is given several times.
func parseForm(h *node.Hook, raw []byte, charset string) (any, error) {
	if _, err := decodeText(raw, charset); err != nil {
		return nil, err
	}
	values, err := url.ParseQuery(string(raw))
	if err != nil {
		return nil, problem.New(http.StatusBadRequest, "the body is not a form: %s", err)
	}
	form := fields{}
	for name, given := range values {
		for _, v := range given {
			if err := form.addBytes(name, []byte(v), charset); err != nil {
				return nil, err
			}
		}
	}
	return h.Body.ReadTexts(form.object()), nil
}

// fields are those of a form, each as often as it is given.
type fields map[string][]any

func (f fields) addBytes(name string, value []byte, charset string) error {
	key, err := data.DecodeText([]byte(name), charset)
	if err == nil {
		value, err = data.DecodeText(value, charset)
	}
	if err != nil {
		return problem.New(http.StatusBadRequest, "the body is not a form: field %s: %s", fmt.Sprintf("%+q", name), err)
	}
	f[string(key)] = append(f[string(key)], string(value))
	return nil
}

func (f fields) object() map[string]any {
	object := make(map[string]any, len(f))
	for name, given := range f {
		object[name] = given
		if len(given) == 1 {
			object[name] = given[0]
		}
	}
	return object
}
