package data

import (
	"encoding/json"
	"mime"
	"strings"
)

// The media types of bodies that say none.
const (
	jsonKind = "application/json"
	textKind = "text/plain; charset=utf-8"
)

// Body returns what to send for a value, and of which media type that is; given
// is the type that its author wrote, or "". A text is sent as it is, and is
// JSON if it is a JSON object or list; all else is sent as JSON. A text that is
// no JSON is written as one where the author says JSON. nil is no body.
func Body(v any, given string) (body []byte, kind string, err error) {
	text, isText := v.(string)
	switch {
	case v == nil:
		return nil, given, nil
	case !isText:
		body, err = JSON(v)
		kind = jsonKind
	case IsJSON(given) && !json.Valid([]byte(text)):
		body, err = JSON(text)
	case strings.HasPrefix(strings.TrimSpace(text), "{"), strings.HasPrefix(strings.TrimSpace(text), "["):
		body, kind = []byte(text), textKind
		if json.Valid(body) {
			kind = jsonKind
		}
	default:
		body, kind = []byte(text), textKind
	}
	if given != "" {
		kind = given
	}
	return body, kind, err
}

// IsJSON tells whether a header Content-Type says that a body is JSON.
func IsJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == jsonKind || kind == "text/json" || strings.HasSuffix(kind, "+json"))
}

// IsXML tells whether a header Content-Type says that a body is XML.
func IsXML(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/xml" || kind == "text/xml" || strings.HasSuffix(kind, "+xml"))
}

// IsForm tells whether a header Content-Type says that a body is a form.
func IsForm(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && kind == "application/x-www-form-urlencoded"
}
