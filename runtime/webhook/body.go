package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/problem"
)

// The media types that a webhook takes.
const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
	noType   = "" // of a request that has no body
)

// mediaType returns which of them a body has.
func mediaType(header http.Header) (string, error) {
	refuse := func(format string, a ...any) (string, error) {
		p := problem.New(http.StatusUnsupportedMediaType, format, a...)
		p.Header.Set("Accept-Post", jsonType+", "+formType)
		return "", p
	}
	if encoding := header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return refuse("Content-Encoding %q: expected a body that is not compressed", encoding)
	}
	text := header.Get("Content-Type")
	if text == "" {
		return noType, nil
	}
	kind, params, err := mime.ParseMediaType(text)
	if err != nil {
		return refuse("Content-Type %q: %s", text, err)
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "us-ascii") {
		return refuse("charset %q: expected utf-8", charset)
	}
	switch {
	case kind == jsonType || strings.HasSuffix(kind, "+json"):
		return jsonType, nil
	case kind == formType:
		return formType, nil
	default:
		return refuse("Content-Type %q: expected %s or %s", kind, jsonType, formType)
	}
}

// ReadBody returns the raw body of a request, of at most limit bytes. The error
// is a *problem.Problem.
func ReadBody(c echo.Context, limit int64) ([]byte, error) {
	r := c.Request()
	tooLarge := problem.New(http.StatusRequestEntityTooLarge, "the body has more than %d bytes", limit)
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	var body bytes.Buffer
	if r.ContentLength > 0 {
		body.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := body.ReadFrom(http.MaxBytesReader(c.Response().Writer, r.Body, limit))
	switch {
	case err == nil:
		return body.Bytes(), nil
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, tooLarge
	default:
		return nil, problem.New(http.StatusBadRequest, "the body broke off after %d bytes", body.Len())
	}
}

// parse decodes a body into data that flows see.
func parse(kind string, raw []byte) (any, error) {
	switch {
	case kind == noType && len(raw) == 0:
		return map[string]any{}, nil
	case kind == noType:
		p := problem.New(http.StatusUnsupportedMediaType, "Content-Type is missing: expected %s or %s", jsonType, formType)
		p.Header.Set("Accept-Post", jsonType+", "+formType)
		return nil, p
	}
	if at := invalidUTF8(raw); at >= 0 {
		return nil, malformed(raw, at, "the body is not UTF-8")
	}
	if kind == formType {
		return parseForm(raw)
	}
	v, err := data.DecodeJSON(raw)
	if err != nil {
		return nil, jsonProblem(raw, err)
	}
	return v, nil
}

// ParseJSON decodes a JSON body into data that flows see. The error is a
// *problem.Problem that says where the body stops being JSON.
func ParseJSON(raw []byte) (any, error) { return parse(jsonType, raw) }

// jsonProblem says where a body stops being JSON. Only Unmarshal tells that for
// every mistake.
func jsonProblem(raw []byte, err error) *problem.Problem {
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

// parseForm makes an object of strings; a field that is given several times is
// a list of them.
func parseForm(raw []byte) (any, error) {
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
	return form, nil
}
