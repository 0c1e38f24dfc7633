package webhook

import (
	"bytes"
	"errors"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/trigger"
)

// mediaTypes are the names under which kinds of bodies come.
var mediaTypes = map[node.BodyKind]string{
	node.BodyJSON:      "application/json",
	node.BodyForm:      "application/x-www-form-urlencoded",
	node.BodyMultipart: "multipart/form-data",
	node.BodyText:      "text/plain",
	node.BodyXML:       "application/xml",
}

// MediaType is the name under which a kind of body comes.
func MediaType(kind node.BodyKind) string { return mediaTypes[kind] }

// kindOf returns the kind of a body by its media type; "" if that is none that
// a webhook knows.
func kindOf(media string) node.BodyKind {
	switch {
	case data.IsJSON(media):
		return node.BodyJSON
	case data.IsForm(media):
		return node.BodyForm
	case media == "multipart/form-data":
		return node.BodyMultipart
	case data.IsXML(media):
		return node.BodyXML
	case strings.HasPrefix(media, "text/"):
		return node.BodyText
	default:
		return ""
	}
}

// body decodes the body of a call, and returns its charset.
func (c call) body(r *http.Request) (body any, charset string, err error) {
	h := c.hook.Hook.Hook
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, "", wrongType(h, "Content-Encoding %q: expected a body that is not compressed", encoding)
	}
	text := r.Header.Get("Content-Type")
	if text == "" || len(c.raw) == 0 && bodiless(r.Method) {
		body, err = c.untyped()
		return body, "", err
	}
	media, params, err := mime.ParseMediaType(text)
	if err != nil {
		return nil, "", wrongType(h, "Content-Type %q: %s", text, err)
	}
	kind := kindOf(media)
	charset = params["charset"]
	switch {
	case !slices.Contains(h.Takes, kind):
		return nil, "", wrongType(h, "Content-Type %q: expected %s", media, strings.Join(accepted(h), " or "))
	case !data.KnowsCharset(charset):
		return nil, "", wrongType(h, "charset %q: expected one of %s", charset, data.Charsets)
	case kind == node.BodyForm && isObject(c.raw):
		// What curl says of every body unless it is told: read as a form it is one
		// field with a strange name. Forms write "{" as "%7B".
		return nil, "", wrongType(h, "Content-Type is %s, and the body is a JSON object: say Content-Type: %s", mediaTypes[node.BodyForm], mediaTypes[node.BodyJSON])
	}
	body, err = trigger.Body(h, kind, params, c.raw)
	return body, charset, err
}

// bodiless tells whether requests of a method have no body as a rule.
func bodiless(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodDelete
}

func isObject(raw []byte) bool {
	v, err := data.DecodeJSON(raw)
	_, object := v.(map[string]any)
	return err == nil && object
}

// untyped decodes a body of which nobody said what it is: no body is an object
// without properties, where an object will do. A webhook that takes only one kind
// has that; of others no form reads as a JSON object.
func (c call) untyped() (any, error) {
	h := c.hook.Hook.Hook
	takesJSON := slices.Contains(h.Takes, node.BodyJSON)
	switch {
	case len(c.raw) == 0 && !h.Whole:
		return map[string]any{}, nil
	case len(h.Takes) == 1 && (h.Whole || !takesJSON):
		return trigger.Body(h, h.Takes[0], nil, c.raw)
	case takesJSON:
		body, err := trigger.ParseJSON(c.raw)
		if _, object := body.(map[string]any); object || err == nil && h.Whole {
			return body, nil
		}
		if _, cause := data.DecodeJSON(c.raw); errors.As(cause, new(*data.DepthError)) {
			return nil, err
		}
		return nil, wrongType(h, "Content-Type is missing, and the body is no JSON object: expected %s", strings.Join(accepted(h), " or "))
	}
	return nil, wrongType(h, "Content-Type is missing: expected %s", strings.Join(accepted(h), " or "))
}

// accepted are the media types that a webhook takes.
func accepted(h *node.Hook) []string {
	types := make([]string, len(h.Takes))
	for i, kind := range h.Takes {
		types[i] = mediaTypes[kind]
	}
	return types
}

// DemandJSON refuses all media types but JSON's: others are what a page of another
// site may send from somebody's browser without asking first. The error is a
// *problem.Problem.
func DemandJSON(header http.Header) error {
	text := header.Get("Content-Type")
	if kind, _, err := mime.ParseMediaType(text); err == nil && kind == "application/json" {
		return nil
	}
	return problem.New(http.StatusUnsupportedMediaType, "Content-Type %q: expected application/json", text)
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

// wrongType says which types there are to a caller who gave another.
func wrongType(h *node.Hook, format string, a ...any) error {
	p := problem.New(http.StatusUnsupportedMediaType, format, a...)
	p.Header.Set("Accept-Post", strings.Join(accepted(h), ", "))
	return p
}
