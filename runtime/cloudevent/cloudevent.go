// Package cloudevent reads CloudEvents 1.0 from HTTP requests, whether structured,
// binary or batched.
//
// It is the small part of the specification that events with JSON data need:
// https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md, with its
// JSON format (formats/json-format.md) and HTTP binding
// (bindings/http-protocol-binding.md); sections are named where they matter.
package cloudevent

import (
	"encoding/base64"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/trigger"
)

// Event is a CloudEvent whose data is an object.
type Event struct {
	ID, Source, Type string            // never empty
	Attributes       map[string]string // all others, extensions too, as texts
	Data             map[string]any    // nil if it has none
}

// Media types.
const (
	Structured = "application/cloudevents+json"
	Batched    = "application/cloudevents-batch+json"
)

// Mode is how CloudEvents come in a request.
type Mode int

// The modes of the HTTP binding, section 3.
const (
	None Mode = iota // it has none
	Single
	Binary
	Batch
)

// ModeOf tells how CloudEvents come in a request of those headers.
func ModeOf(h http.Header) Mode {
	kind, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	switch {
	case kind == Structured:
		return Single
	case kind == Batched:
		return Batch
	case strings.HasPrefix(kind, "application/cloudevents"):
		return Single // in a format that nobody knows, which Read says
	case h.Get("Ce-Specversion") != "":
		return Binary
	}
	return None
}

// Read returns the events of a request, which is in one of the modes. The error is
// a *problem.Problem.
func Read(h http.Header, body []byte) ([]Event, error) {
	switch ModeOf(h) {
	case Binary:
		e, err := readBinary(h, body)
		return []Event{e}, err
	case Batch:
		return readBatch(h, body)
	case Single, None:
	}
	if err := checkFormat(h, Structured); err != nil {
		return nil, err
	}
	v, err := trigger.ParseJSON(body)
	if err != nil {
		return nil, err
	}
	e, wrong := fromJSON(v)
	if wrong != nil {
		return nil, invalid(wrong)
	}
	return []Event{e}, nil
}

func readBatch(h http.Header, body []byte) ([]Event, error) {
	if err := checkFormat(h, Batched); err != nil {
		return nil, err
	}
	v, err := trigger.ParseJSON(body)
	if err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok {
		return nil, invalid([]node.Problem{{Msg: "expected a list of CloudEvents"}})
	}
	events := make([]Event, len(list))
	var all []node.Problem
	for i, one := range list {
		var wrong []node.Problem
		if events[i], wrong = fromJSON(one); wrong != nil {
			for _, w := range wrong {
				w.Path = append([]string{strconv.Itoa(i)}, w.Path...)
				all = append(all, w)
			}
		}
	}
	if all != nil {
		return nil, invalid(all)
	}
	return events, nil
}

// checkFormat refuses other formats than JSON, and other encodings than its own.
func checkFormat(h http.Header, want string) error {
	text := h.Get("Content-Type")
	kind, params, err := mime.ParseMediaType(text)
	if err != nil || kind != want || params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		return problem.New(http.StatusUnsupportedMediaType, "Content-Type %q: expected %s, in UTF-8", text, want)
	}
	return nil
}

// readBinary takes the attributes from headers and the data from the body, HTTP
// binding, section 3.1.
func readBinary(h http.Header, body []byte) (Event, error) {
	attributes := map[string]any{}
	var wrong []node.Problem
	for _, name := range slices.Sorted(maps.Keys(h)) {
		lower := strings.ToLower(name)
		attribute, ok := strings.CutPrefix(lower, "ce-")
		if !ok {
			continue
		}
		text, err := headerText(h[name][0])
		if err != nil {
			wrong = append(wrong, node.Problem{Path: []string{attribute}, Msg: err.Error()})
		}
		attributes[attribute] = text
	}
	if wrong != nil {
		return Event{}, invalid(wrong)
	}
	delete(attributes, "datacontenttype") // which is the Content-Type
	e, wrong := context(attributes)
	if wrong != nil {
		return Event{}, invalid(wrong)
	}
	kind := h.Get("Content-Type")
	if kind != "" {
		e.Attributes["datacontenttype"] = kind
	}
	if len(body) == 0 {
		return e, nil
	}
	if kind != "" && !data.IsJSON(kind) {
		return e, problem.New(http.StatusUnsupportedMediaType, "Content-Type %q: the data of an event must be JSON", kind)
	}
	v, err := trigger.ParseJSON(body)
	if err != nil {
		return e, err
	}
	if e.Data, wrong = object(v); wrong != nil {
		return e, invalid(wrong)
	}
	return e, nil
}

// headerText reads the value of an attribute: what is quoted without its quotes,
// and then one round of percent-decoding, HTTP binding, section 3.1.3.2.
func headerText(value string) (string, error) {
	if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
		var b strings.Builder
		for i := 1; i < n-1; i++ {
			if value[i] == '\\' && i < n-2 {
				i++
			}
			b.WriteByte(value[i])
		}
		value = b.String()
	}
	text, err := url.PathUnescape(value)
	if err != nil || !utf8.ValidString(text) {
		return "", fmt.Errorf("%q is not percent-encoded UTF-8", value)
	}
	return text, nil
}

// fromJSON reads an event in the JSON format, section 3.
func fromJSON(v any) (Event, []node.Problem) {
	members, ok := v.(map[string]any)
	if !ok {
		return Event{}, []node.Problem{{Msg: "expected a CloudEvent, which is an object"}}
	}
	attributes := map[string]any{}
	for name, value := range members {
		if name != "data" && name != "data_base64" {
			attributes[name] = value
		}
	}
	e, wrong := context(attributes)
	kind := e.Attributes["datacontenttype"]
	value, has := members["data"]
	coded, hasCoded := members["data_base64"]
	if kind != "" && !data.IsJSON(kind) && (has || hasCoded) {
		wrong = append(wrong, node.Problem{Path: []string{"datacontenttype"}, Msg: fmt.Sprintf("is %q, and the data of an event must be JSON", kind)})
		return e, wrong
	}
	switch {
	case has && hasCoded:
		wrong = append(wrong, node.Problem{Path: []string{"data_base64"}, Msg: "is given beside data, expected one of them"})
	case hasCoded:
		text, _ := coded.(string)
		raw, err := base64.StdEncoding.DecodeString(text)
		if err == nil {
			value, err = trigger.ParseJSON(raw)
		}
		if has = err == nil; !has {
			wrong = append(wrong, node.Problem{Path: []string{"data_base64"}, Msg: "is not base64 of JSON"})
		}
	}
	if has && value != nil {
		var misfit []node.Problem
		e.Data, misfit = object(value)
		wrong = append(wrong, misfit...)
	}
	return e, wrong
}

func object(v any) (map[string]any, []node.Problem) {
	if o, ok := v.(map[string]any); ok {
		return o, nil
	}
	return nil, []node.Problem{{Path: []string{"data"}, Msg: "expected an object"}}
}

// context checks the attributes of an event, which are of scalar types, section 3
// of the specification.
func context(attributes map[string]any) (Event, []node.Problem) {
	e := Event{Attributes: map[string]string{}}
	var wrong []node.Problem
	problem := func(name, format string, a ...any) {
		wrong = append(wrong, node.Problem{Path: []string{name}, Msg: fmt.Sprintf(format, a...)})
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		value := attributes[name]
		text, err := data.Text(value)
		_, isObject := value.(map[string]any)
		_, isList := value.([]any)
		switch {
		case value == nil: // as if it were not there, JSON format, section 2.2
		case err != nil || isObject || isList:
			problem(name, "expected a text, a number or a boolean")
		case !attributeName(name):
			problem(name, "is no name of an attribute: expected lower-case letters and digits")
		default:
			e.Attributes[name] = text
		}
	}
	take := func(name string) string {
		text := e.Attributes[name]
		if delete(e.Attributes, name); text == "" {
			problem(name, "is missing or empty")
		}
		return text
	}
	e.ID, e.Source, e.Type = take("id"), take("source"), take("type")
	if version := take("specversion"); version != "" && version != "1.0" {
		problem("specversion", "is %q, expected \"1.0\"", version)
	}
	if text, ok := e.Attributes["time"]; ok {
		if _, err := time.Parse(time.RFC3339, text); err != nil {
			problem("time", "%q is not a time such as 2026-11-20T12:00:00Z", text)
		}
	}
	return e, wrong
}

func attributeName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789") == ""
}

func invalid(wrong []node.Problem) error {
	p := trigger.Invalid(wrong)
	p.Detail = "this is no CloudEvent that can be taken"
	return p
}
