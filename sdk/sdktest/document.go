package sdktest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wendflow/wend/sdk/wire"
)

type invokeDocument struct {
	ABI      int             `json:"abi"`
	Method   string          `json:"method"`
	Inputs   map[string]any  `json:"inputs"`
	Settings map[string]any  `json:"settings"`
	Context  contextDocument `json:"context"`
	Replies  []replyDocument `json:"replies"`
}

type contextDocument struct {
	Run     string `json:"run"`
	Node    string `json:"node"`
	Visit   int    `json:"visit"`
	Attempt int    `json:"attempt"`
	Key     string `json:"key"`
	Now     string `json:"now"`
	Seed    string `json:"seed"`
}

type replyDocument struct {
	Status     int                 `json:"status,omitempty"`
	Headers    map[string][]string `json:"headers,omitempty"`
	Body       string              `json:"body,omitempty"`
	BodyBase64 []byte              `json:"bodyBase64,omitempty"`
	Failure    wire.Failure        `json:"failure,omitempty"`
	Message    string              `json:"message,omitempty"`
}

func newReplyDocument(r wire.Reply) replyDocument {
	d := replyDocument{Status: r.Status, Failure: r.Failure, Message: r.Message, Headers: map[string][]string{}}
	for name, values := range r.Headers {
		d.Headers[strings.ToLower(name)] = values
	}
	if utf8.Valid(r.Body) {
		d.Body = string(r.Body)
	} else {
		d.BodyBase64 = r.Body
	}
	return d
}

// answerDocument is either calls or an outcome.
type answerDocument struct {
	Calls    []callDocument `json:"calls"`
	Outcome  *string        `json:"outcome"`
	Outputs  map[string]any `json:"outputs"`
	Message  string         `json:"message"`
	Replayed []string       `json:"replayed"`
}

type callDocument struct {
	Method     string            `json:"method"`
	URL        string            `json:"url"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
	BodyBase64 []byte            `json:"bodyBase64"`
}

func (d callDocument) call() wire.Call {
	c := wire.Call{Method: d.Method, URL: d.URL, Headers: d.Headers, Body: []byte(d.Body)}
	if len(d.BodyBase64) > 0 {
		c.Body = d.BodyBase64
	}
	return c
}

func decodeAnswer(document []byte) (answerDocument, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	decoder.DisallowUnknownFields()
	var answer answerDocument
	if err := decoder.Decode(&answer); err != nil {
		return answerDocument{}, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return answerDocument{}, errors.New("is followed by something")
	}
	if (answer.Outcome == nil) == (len(answer.Calls) == 0) {
		return answerDocument{}, errors.New("is neither calls nor an outcome")
	}
	for name, output := range answer.Outputs {
		answer.Outputs[name] = plainNumbers(output)
	}
	return answer, nil
}

// plainNumbers makes an int of each json.Number that is one, and a float64 of
// those with a fraction or an exponent; a whole number beyond 64 bits stays what
// it is, as flows see it.
func plainNumbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := strconv.Atoi(v.String()); err == nil {
			return n
		}
		if strings.Trim(v.String(), "-0123456789") == "" {
			return v
		}
		f, _ := v.Float64() // ±Inf beyond its range
		return f
	case []any:
		for i := range v {
			v[i] = plainNumbers(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = plainNumbers(v[name])
		}
	}
	return v
}
