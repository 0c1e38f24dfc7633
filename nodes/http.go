package nodes

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/sdk/wire"
)

type httpIn struct {
	Method  string            `json:"method,omitempty" enum:"GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS" default:"GET" doc:"HTTP method."`
	URL     string            `json:"url" doc:"Absolute address, or with a connection a path after its baseURL."`
	Headers map[string]string `json:"headers,omitempty" doc:"Headers to send. Credentials are not among them: they come from the connection."`
	Query   map[string]any    `json:"query,omitempty" doc:"Parameters put after the URL. A list gives one parameter several times."`
	Body    any               `json:"body,omitempty" doc:"Sent as JSON; text is sent as it is."`
}

type httpOut struct {
	Status  int               `json:"status" doc:"HTTP status."`
	Headers map[string]string `json:"headers" doc:"Headers by name, in lower case and with _ for -."`
	Body    any               `json:"body,omitempty" doc:"Decoded if it is JSON, else text; base64 of what is not text."`
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

// shapeHTTP tells whether the call may be repeated: that lies in its method.
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
	return node.Shape{Idempotent: &idempotent}, nil
}

func stepHTTP(_ context.Context, v node.Visit, in httpIn) (node.Action, error) {
	call, err := in.call()
	if err != nil {
		return nil, err
	}
	if len(v.Replies) == 0 {
		return node.Ask{Calls: []wire.Call{call}}, nil
	}
	reply := v.Replies[0]
	if reply.Failure != "" {
		return failed(reply), nil
	}
	return answered(in, reply), nil
}

func (in httpIn) call() (wire.Call, error) {
	query, err := encodeQuery(in.Query)
	if err != nil {
		return wire.Call{}, err
	}
	call := wire.Call{Method: in.Method, URL: addQuery(in.URL, query), Headers: map[string]string{}}
	typed := false
	for name, value := range in.Headers {
		call.Headers[name] = value
		typed = typed || strings.EqualFold(name, "Content-Type")
	}
	var kind string
	switch body := in.Body.(type) {
	case nil:
		return call, nil
	case string:
		call.Body, kind = []byte(body), "text/plain; charset=utf-8"
	default:
		if call.Body, err = json.Marshal(body); err != nil {
			return wire.Call{}, wrong("body", "cannot be sent as JSON: %s", err)
		}
		kind = "application/json"
	}
	if !typed {
		call.Headers["Content-Type"] = kind
	}
	return call, nil
}

// encodeQuery writes parameters by name, so that equal inputs make equal calls.
func encodeQuery(query map[string]any) (string, error) {
	values := url.Values{}
	for name, v := range query {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, v := range list {
			switch v := v.(type) {
			case nil:
			case map[string]any, []any:
				return "", wrong("query", "parameter %q is an object, expected text, a number or a boolean", name)
			default:
				values.Add(name, fmt.Sprint(v))
			}
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

func failed(r wire.Reply) node.Finish {
	f := node.Finish{Outcome: onError, Code: string(r.Failure), Message: r.Message}
	if r.Failure == wire.Timeout {
		f.Outcome = onTimeout
	}
	return f
}

func answered(in httpIn, r wire.Reply) node.Finish {
	f := node.Finish{Outputs: map[string]any{
		"status": r.Status, "headers": joinHeaders(r.Headers), "body": decodeBody(r),
	}}
	switch r.Status / 100 {
	case 2:
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

// decodeBody returns a body as flows see it. JSON that is broken is text like
// any other: the status says already whether the call went well.
func decodeBody(r wire.Reply) any {
	if isJSON(first(r.Headers, "content-type")) {
		if v, err := data.DecodeJSON(r.Body); err == nil {
			return v
		}
	}
	if !utf8.Valid(r.Body) {
		return base64.StdEncoding.EncodeToString(r.Body)
	}
	return string(r.Body)
}

func isJSON(contentType string) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	return err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}

func first(headers map[string][]string, name string) string {
	if values := headers[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}
