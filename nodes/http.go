package nodes

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/sdk/wire"
)

type httpIn struct {
	Method  string            `json:"method,omitempty" enum:"GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS" default:"GET" doc:"HTTP method."`
	URL     string            `json:"url" x-wend:"url" doc:"Absolute address, or with a connection a path after its baseURL. A template inside the path is the text of one segment, inside the query of one value; one at the beginning is taken as it is."`
	Headers map[string]string `json:"headers,omitempty" x-wend:"text" doc:"Headers to send. Credentials are not among them: they come from the connection."`
	Query   map[string]any    `json:"query,omitempty" doc:"Parameters put after the URL. A list gives one parameter several times."`
	Body    any               `json:"body,omitempty" doc:"Sent as JSON, or as a form if the header Content-Type says application/x-www-form-urlencoded; text is sent as it is."`
	Secrets *httpSecrets      `json:"secrets,omitempty" x-wend:"literal" doc:"Secrets of the connection that the call carries beside its credential, each by its name there. They are put in when the call goes out: no template, trace or journal has them."`
}

type httpSecrets struct {
	Headers map[string]string `json:"headers,omitempty" doc:"Names of headers, and which secret each is."`
	Query   map[string]string `json:"query,omitempty" doc:"Names of parameters, and which secret each is."`
	Body    map[string]any    `json:"body,omitempty" doc:"Laid over the body, a JSON object or a form: names of fields, and which secret each is, or again a map."`
}

type httpOut struct {
	Status  int               `json:"status" doc:"HTTP status."`
	Headers map[string]string `json:"headers" doc:"Headers by name, in lower case and with _ for -."`
	Body    any               `json:"body,omitempty" doc:"Decoded if it is JSON, else text; base64 of what is not text. Nil if there is none."`
}

// httpCall makes one HTTP call.
func httpCall() *node.Type {
	return node.Define[httpIn, httpOut](node.Type{
		Name:     "http",
		Title:    "HTTP request",
		Doc:      "Makes one HTTP call and leaves by what came of it. With a connection, the call carries its credential; without one, only hosts under outbound.allow can be called.",
		Connects: true,
		Outcomes: outcomes("The status is 2xx.",
			"No usable answer: unreachable, refused by our own policy, no credential, interrupted, or a redirect that is not followed.",
			node.Outcome{Name: "clientError", Doc: "The status is 4xx."},
			node.Outcome{Name: "serverError", Doc: "The status is 5xx."},
			node.Outcome{Name: onTimeout, Doc: "No complete answer came in time."},
		),
		Shape: shapeHTTP,
	}, stepHTTP)
}

// shapeHTTP tells whether the call may be repeated, which lies in its method,
// and what is known of it before any run.
func shapeHTTP(with map[string]any) (node.Shape, []node.Problem) {
	method, given := with["method"].(string)
	if !given {
		method = http.MethodGet
	}
	var idempotent bool
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions:
		idempotent = true
	}
	call, problems := writtenCall(with), secretProblems(with)
	if problems != nil {
		call.Secrets = node.Secrets{} // the rest of them is not looked at
	}
	return node.Shape{Idempotent: &idempotent, Call: call}, problems
}

func writtenCall(with map[string]any) *node.Call {
	call := &node.Call{Headers: map[string]string{}, Secrets: writtenSecrets(with)}
	call.URL, _ = with["url"].(string)
	headers, _ := with["headers"].(map[string]any)
	for name, value := range headers {
		call.Headers[name], _ = value.(string)
	}
	query, _ := with["query"].(map[string]any)
	call.Query = slices.Sorted(maps.Keys(query))
	return call
}

func writtenSecrets(with map[string]any) node.Secrets {
	secrets, _ := with["secrets"].(map[string]any)
	texts := func(part string) map[string]string {
		names := map[string]string{}
		given, _ := secrets[part].(map[string]any)
		for at, v := range given {
			names[at], _ = v.(string)
		}
		return names
	}
	body, _ := secrets["body"].(map[string]any)
	return node.Secrets{Headers: texts("headers"), Query: texts("query"), Body: body}
}

// secretProblems are what is wrong with the names under secrets, whatever there is
// of them in any connection.
func secretProblems(with map[string]any) []node.Problem {
	given, ok := with["secrets"]
	if !ok {
		return nil
	}
	secrets, is := given.(map[string]any)
	if !is || len(secrets) == 0 {
		return []node.Problem{{Path: []string{"secrets"}, Msg: "secrets: expected headers, query or body, each with names of secrets", Hint: "such as secrets: { headers: { X-Api-Key: apiKey } }"}}
	}
	var problems []node.Problem
	for _, part := range slices.Sorted(maps.Keys(secrets)) {
		at := []string{"secrets", part}
		if part != "headers" && part != "query" && part != "body" {
			problems = append(problems, node.Problem{Path: at, Key: true, Msg: fmt.Sprintf("secrets has no part %q", part), Hint: `expected one of "headers", "query", "body"`})
			continue
		}
		problems = append(problems, namesProblems(at, secrets[part], part == "body")...)
	}
	if _, isMap := with["body"].(map[string]any); secrets["body"] != nil && with["body"] != nil && !isMap && !isTemplate(with["body"]) {
		problems = append(problems, node.Problem{Path: []string{"secrets", "body"}, Msg: "secrets.body: a secret can only be put into a body that is a map"})
	}
	return problems
}

// namesProblems are those of a map of places to names of secrets, which holds more
// of its kind if it is nested.
func namesProblems(path []string, v any, nested bool) []node.Problem {
	where := strings.Join(path, ".")
	places, ok := v.(map[string]any)
	if !ok || len(places) == 0 {
		return []node.Problem{{Path: path, Msg: where + ": expected a map of places to names of secrets"}}
	}
	var problems []node.Problem
	for _, at := range slices.Sorted(maps.Keys(places)) {
		below := append(slices.Clone(path), at)
		name, isText := places[at].(string)
		_, isMap := places[at].(map[string]any)
		switch {
		case isMap && nested:
			problems = append(problems, namesProblems(below, places[at], true)...)
		case !isText || strings.TrimSpace(name) == "":
			problems = append(problems, node.Problem{Path: below, Msg: strings.Join(below, ".") + ": expected the name of a secret of the connection"})
		case isTemplate(name):
			p := takesNoTemplate(below...)
			p.Hint = "write the name that the secret has in wend.yaml"
			problems = append(problems, p)
		}
	}
	return problems
}

func stepHTTP(_ context.Context, v node.Visit, in httpIn) (node.Action, error) {
	call, err := in.call()
	if err != nil {
		return nil, err
	}
	if len(v.Replies) == 0 {
		return node.Ask{Calls: []wire.Call{call}, Secrets: in.Secrets.carried()}, nil
	}
	reply := v.Replies[0]
	if reply.Failure != "" {
		return failedCall(reply), nil
	}
	return answered(in, reply), nil
}

func (s *httpSecrets) carried() node.Secrets {
	if s == nil {
		return node.Secrets{}
	}
	return node.Secrets(*s)
}

func (in httpIn) call() (wire.Call, error) {
	query, err := encodeForm("query", in.Query)
	if err != nil {
		return wire.Call{}, err
	}
	call := wire.Call{Method: in.Method, URL: addQuery(in.URL, query), Headers: map[string]string{}}
	given := ""
	for name, value := range in.Headers {
		call.Headers[name] = value
		if strings.EqualFold(name, "Content-Type") {
			given = value
		}
	}
	if in.Body == nil && in.Secrets != nil && in.Secrets.Body != nil {
		in.Body = map[string]any{} // for the secrets to stand in
	}
	if fields, ok := in.Body.(map[string]any); ok && data.IsForm(given) {
		form, err := encodeForm("body", fields)
		call.Body = []byte(form)
		return call, err
	}
	body, kind, err := data.Body(in.Body, given)
	if err != nil {
		return wire.Call{}, wrong("body", "cannot be sent as JSON: %s", err)
	}
	if call.Body = body; given == "" && kind != "" {
		call.Headers["Content-Type"] = kind
	}
	return call, nil
}

// encodeForm writes fields by name, so that equal inputs make equal calls. A
// list gives a field several times; a form has no null.
func encodeForm(input string, fields map[string]any) (string, error) {
	values := url.Values{}
	for name, v := range fields {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, v := range list {
			if v == nil {
				continue
			}
			text, err := data.Text(v)
			if err != nil {
				return "", wrong(input, "%q: %s", name, err)
			}
			values.Add(name, text)
		}
	}
	return values.Encode(), nil
}

// addQuery puts parameters after those that the address has already.
func addQuery(address, query string) string {
	if query == "" {
		return address
	}
	address, fragment, cut := strings.Cut(address, "#")
	switch {
	case !strings.Contains(address, "?"):
		address += "?"
	case !strings.HasSuffix(address, "?") && !strings.HasSuffix(address, "&"):
		address += "&"
	}
	address += query
	if cut {
		address += "#" + fragment
	}
	return address
}

func failedCall(r wire.Reply) node.Finish {
	f := node.Finish{Outcome: onError, Code: string(r.Failure), Message: r.Message}
	if r.Failure == wire.Timeout {
		f.Outcome = onTimeout
	}
	return f
}

func answered(in httpIn, r wire.Reply) node.Finish {
	body, deep := decodeBody(r)
	f := node.Finish{Outputs: map[string]any{
		"status": r.Status, "headers": joinHeaders(r.Headers), "body": body,
	}}
	switch r.Status / 100 {
	case 2:
		if deep {
			f.Outcome, f.Code = onError, "too-deep"
			f.Message = fmt.Sprintf("the body of the reply nests deeper than %d levels, so it stays a text", data.MaxDepth)
		}
		return f
	case 4:
		f.Outcome = "clientError"
	case 5:
		f.Outcome = "serverError"
	default:
		f.Outcome = onError
	}
	address, _, _ := strings.Cut(in.URL, "?")
	f.Code = strconv.Itoa(r.Status)
	f.Message = strings.TrimSpace(fmt.Sprintf("%s %s was answered with %d %s", in.Method, address, r.Status, http.StatusText(r.Status)))
	return f
}

// joinHeaders writes names as templates can: content_type for Content-Type.
func joinHeaders(headers map[string][]string) map[string]any {
	joined := make(map[string]any, len(headers))
	for name, values := range headers {
		joined[strings.ReplaceAll(name, "-", "_")] = strings.Join(values, ", ")
	}
	return joined
}

// decodeBody returns a body as flows see it, nil if there is none: an empty
// text is one only where text was promised. JSON that is broken is text like
// any other: the status says already whether the call went well. JSON that is
// too deep is a text too, and not what was promised.
func decodeBody(r wire.Reply) (body any, deep bool) {
	kind := first(r.Headers, "content-type")
	switch {
	case data.IsJSON(kind):
		if len(bytes.TrimSpace(data.TrimBOM(r.Body))) == 0 {
			return nil, false
		}
		v, err := data.DecodeJSON(r.Body)
		if err == nil {
			return v, false
		}
		_, deep = errors.AsType[*data.DepthError](err)
	case kind == "" && len(r.Body) == 0:
		return nil, false
	}
	if !utf8.Valid(r.Body) {
		return base64.StdEncoding.EncodeToString(r.Body), deep
	}
	return string(r.Body), deep
}

func first(headers map[string][]string, name string) string {
	if values := headers[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}
