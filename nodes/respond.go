package nodes

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/wendflow/wend/runtime/node"
)

type respondIn struct {
	Status  int               `json:"status,omitempty" doc:"HTTP status, 200 to 599. 200 if not given."`
	Headers map[string]string `json:"headers,omitempty" x-wend:"text" doc:"Headers of the response."`
	Body    any               `json:"body,omitempty" doc:"Sent as JSON; text is sent as it is, as JSON if it is a JSON object or list, else as text/plain, unless the header Content-Type says otherwise. Responses of status 204 and 304 have none."`
}

type respondOut struct{}

// respond answers the caller.
func respond() *node.Type {
	return node.Define[respondIn, respondOut](node.Type{
		Name:  "respond",
		Title: "Respond",
		Doc: "Answers the caller of a webhook that waits. With next, the run goes on after it. " +
			"A run answers once: what a second respond says goes nowhere.",
		Responds:   true,
		Idempotent: true,
		Outcomes:   outcomes("The caller has the answer.", "There is no such status or header, or a template failed. No answer was given."),
		Shape:      shapeRespond,
	}, stepRespond)
}

func shapeRespond(with map[string]any) (node.Shape, []node.Problem) {
	var problems []node.Problem
	if status, ok := with["status"].(int); ok {
		if err := checkStatus(status); err != nil {
			problems = append(problems, node.Problem{Path: []string{"status"}, Msg: "status: " + err.Error()})
		}
	}
	problems = append(problems, checkBodyless(with)...)
	headers, _ := with["headers"].(map[string]any)
	before := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		canonical := http.CanonicalHeaderKey(name)
		if err := checkHeader(name); err != nil {
			problems = append(problems, node.Problem{Path: []string{"headers", name}, Msg: "headers: " + err.Error()})
		} else if first, twice := before[canonical]; twice {
			problems = append(problems, node.Problem{Path: []string{"headers", name}, Msg: fmt.Sprintf("headers: %q is %q again, and is given twice", name, first)})
		} else if text, ok := headers[name].(string); ok && !isTemplate(text) && !httpguts.ValidHeaderFieldValue(text) {
			problems = append(problems, node.Problem{Path: []string{"headers", name}, Msg: "headers: " + brokenValue(name)})
		} else if ok && canonical == "Content-Type" && !isTemplate(text) {
			problems = append(problems, checkMediaType(name, text)...)
		}
		before[canonical] = name
	}
	return node.Shape{}, problems
}

// checkBodyless reports a body that no caller would get.
func checkBodyless(with map[string]any) []node.Problem {
	status, _ := with["status"].(int)
	if bodyless(status) && with["body"] != nil {
		return []node.Problem{{
			Path: []string{"body"}, Msg: fmt.Sprintf("body: a response of status %d has none", status),
			Hint: "leave it out, or answer 200",
		}}
	}
	return nil
}

// bodyless tells whether responses of a status have no body.
func bodyless(status int) bool {
	return status == http.StatusNoContent || status == http.StatusNotModified
}

func checkMediaType(name, text string) []node.Problem {
	if kind, _, err := mime.ParseMediaType(text); err == nil && strings.Contains(kind, "/") {
		return nil
	}
	return []node.Problem{{
		Path: []string{"headers", name}, Msg: fmt.Sprintf("headers: %q is no media type", text),
		Hint: "expected one such as text/html; charset=utf-8",
	}}
}

func brokenValue(name string) string {
	return fmt.Sprintf("the value of %q holds a line break or another control character", name)
}

func stepRespond(_ context.Context, _ node.Visit, in respondIn) (node.Action, error) {
	status := cmp.Or(in.Status, http.StatusOK)
	if err := checkStatus(status); err != nil {
		return nil, wrong("status", "%s", err)
	}
	for _, name := range slices.Sorted(maps.Keys(in.Headers)) {
		if !httpguts.ValidHeaderFieldValue(in.Headers[name]) {
			return nil, wrong("headers", "%s", brokenValue(name))
		}
	}
	return node.Finish{Response: &node.Response{Status: status, Headers: in.Headers, Body: in.Body}}, nil
}

func checkStatus(status int) error {
	if status < 200 || status > 599 {
		return fmt.Errorf("%d is no status of a response, expected 200 to 599", status)
	}
	return nil
}

var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// checkHeader refuses what is not a header's name, and those that follow from
// the connection and the body.
func checkHeader(name string) error {
	if !headerName.MatchString(name) {
		return fmt.Errorf("%q is no header's name", name)
	}
	switch http.CanonicalHeaderKey(name) {
	case "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Trailer", "Upgrade", "Te":
		return fmt.Errorf("%q is set by the server", name)
	}
	return nil
}
