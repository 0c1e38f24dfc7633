package webhook

import (
	"bytes"
	"errors"
	"mime"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/trigger"
)

// The media types that a webhook takes.
const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
	noType   = "" // of a request that has no body, or does not say
)

// mediaType returns which of them a body has.
func mediaType(header http.Header) (string, error) {
	refuse := func(format string, a ...any) (string, error) {
		return "", wrongType(format, a...)
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
func parse(h *node.Hook, kind string, raw []byte) (any, error) {
	switch {
	case kind == formType:
		// What curl says of every body unless it is told: read as a form it is one
		// field with a strange name. Forms write "{" as "%7B".
		if v, err := data.DecodeJSON(raw); err == nil {
			if _, object := v.(map[string]any); object {
				return nil, wrongType("Content-Type is %s, and the body is a JSON object: say Content-Type: %s", formType, jsonType)
			}
		}
		return trigger.ParseForm(h, raw)
	case kind == jsonType:
		return trigger.ParseJSON(raw)
	case len(raw) == 0:
		return map[string]any{}, nil
	}
	// Nobody said what it is, but every webhook wants an object, and no form
	// reads as one.
	body, err := trigger.ParseJSON(raw)
	if _, object := body.(map[string]any); object {
		return body, nil
	}
	if _, cause := data.DecodeJSON(raw); errors.As(cause, new(*data.DepthError)) {
		return nil, err
	}
	return nil, wrongType("Content-Type is missing, and the body is no JSON object: expected %s or %s", jsonType, formType)
}

// wrongType says which types there are to a caller who gave another.
func wrongType(format string, a ...any) error {
	p := problem.New(http.StatusUnsupportedMediaType, format, a...)
	p.Header.Set("Accept-Post", jsonType+", "+formType)
	return p
}
