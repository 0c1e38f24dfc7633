package casefile

import (
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/yamldoc"
	"github.com/wendflow/wend/sdk/wire"
)

// Call is what a call must be; what a file does not say may be anything. It is
// immutable and safe for concurrent use.
type Call struct {
	method, url, body, bodyBase64 Want
	headers                       *Texts
}

// ReadCall reads what a call must be.
func ReadCall(r *yamldoc.Reader, f yamldoc.Field) Call {
	text := func(f yamldoc.Field) Want { return ReadText(r, f) }
	saying := func(f yamldoc.Field) Want { return readSaying(r, f) }
	var c Call
	r.Object(f, nil,
		yamldoc.Key{Name: "method", Read: yamldoc.Into(&c.method, saying)},
		yamldoc.Key{Name: "url", Read: yamldoc.Into(&c.url, saying)},
		yamldoc.Key{Name: "headers", Read: func(f yamldoc.Field) { c.headers = ReadTexts(r, f) }},
		yamldoc.Key{Name: "body", Read: func(f yamldoc.Field) { c.body = Read(r, f) }},
		yamldoc.Key{Name: "bodyBase64", Read: yamldoc.Into(&c.bodyBase64, text)},
	)
	return c
}

// readSaying reads what a text must be that is never empty.
func readSaying(r *yamldoc.Reader, f yamldoc.Field) Want {
	if s, ok := f.Value.(*yamldoc.Scalar); ok && !s.Lost() && strings.TrimSpace(s.Value) == "" {
		r.Blank(f, "a text")
		return nil
	}
	return ReadText(r, f)
}

// Addressed tells whether a call is of the method and to the URL that c wants.
func (c Call) Addressed(got wire.Call) bool {
	var d Differ
	d.address("", c, got)
	return len(d.Found) == 0
}

// Fits tells whether a call is all that c wants.
func (c Call) Fits(got wire.Call) bool {
	var d Differ
	d.Call("", c, got)
	return len(d.Found) == 0
}

// Call compares a call.
func (d *Differ) Call(what string, want Call, got wire.Call) {
	d.address(what, want, got)
	d.Headers(what, want.headers, got.Headers)
	if want.body != nil {
		d.Body(what+": body", want.body, got.Body)
		return
	}
	d.Text(what+": bodyBase64", want.bodyBase64, base64.StdEncoding.EncodeToString(got.Body))
}

func (d *Differ) address(what string, want Call, got wire.Call) {
	d.Text(what+": method", want.method, got.Method)
	d.Text(what+": url", want.url, got.URL)
}

// Failures are the ways in which a call can come to no reply, as files name them.
var Failures = []string{
	string(wire.Timeout), string(wire.Unreachable), string(wire.Refused), string(wire.Unauthorized), string(wire.Interrupted),
}

// ReadReply reads what comes back for a call: a status, headers and a body, or a
// failure.
func ReadReply(r *yamldoc.Reader, f yamldoc.Field, more ...yamldoc.Key) wire.Reply {
	text := func(f yamldoc.Field) string { return r.AnyText(f).Value }
	var reply wire.Reply
	var failure string
	before := r.Misread
	r.Object(f, nil, append(more,
		yamldoc.Key{Name: "status", Read: yamldoc.Into(&reply.Status, r.Count)},
		yamldoc.Key{Name: "headers", Read: func(f yamldoc.Field) { reply.Headers = readHeaders(r, f) }},
		yamldoc.Key{Name: "body", Read: func(f yamldoc.Field) { reply.Body = ReadBody(r, f) }},
		yamldoc.Key{Name: "bodyBase64", Read: func(f yamldoc.Field) { reply.Body = readBase64(r, f) }},
		yamldoc.Key{Name: "failure", Read: yamldoc.Into(&failure, r.Str)},
		yamldoc.Key{Name: "message", Read: yamldoc.Into(&reply.Message, text)},
	)...)
	reply.Failure = wire.Failure(failure)
	switch {
	case failure != "" && reply.Status != 0:
		r.Mistakes.Errorf(f.Value.Pos(), r.Invalid, "%s has a status and a failure, expected one of them", f)
	case failure == "" && reply.Status == 0 && r.Misread == before:
		r.Mistakes.Errorf(f.Value.Pos(), diag.MissingKey, "%s has neither a status nor a failure", f)
	case failure != "" && !slices.Contains(Failures, failure):
		r.Mistakes.Errorf(f.Value.Pos(), r.Invalid, "no failure %q", failure).Hint = diag.Suggest(failure, Failures)
	}
	return reply
}

// readHeaders reads {name: value} and {name: [value, …]}.
func readHeaders(r *yamldoc.Reader, f yamldoc.Field) map[string][]string {
	headers := map[string][]string{}
	for _, e := range r.Entries(f, "from names to values") {
		values := []yamldoc.Field{e}
		if _, ok := e.Value.(*yamldoc.List); ok {
			values = r.Items(e)
		}
		lower := strings.ToLower(e.Key.Value)
		for _, v := range values {
			headers[lower] = append(headers[lower], r.AnyText(v).Value)
		}
	}
	return headers
}

// ReadBody reads a text as it stands; an object or a list is its JSON.
func ReadBody(r *yamldoc.Reader, f yamldoc.Field) []byte {
	if _, ok := f.Value.(*yamldoc.Scalar); ok {
		return []byte(r.AnyText(f).Value)
	}
	body, err := data.JSON(r.Data(f))
	if err != nil {
		r.Mistakes.Errorf(f.Value.Pos(), r.Invalid, "%s cannot be sent as JSON: %v", f, err)
	}
	return body
}

func readBase64(r *yamldoc.Reader, f yamldoc.Field) []byte {
	body, err := base64.StdEncoding.DecodeString(r.AnyText(f).Value)
	if err != nil {
		r.Mistakes.Errorf(f.Value.Pos(), r.Invalid, "%s is no base64: %v", f, err)
	}
	return body
}

// ReadTime reads a moment as RFC 3339 has it; to stays as it is if there is none.
func ReadTime(r *yamldoc.Reader, f yamldoc.Field, to *time.Time) {
	text := r.Written(f)
	if !text.Given() {
		return
	}
	t, err := time.Parse(time.RFC3339, text.Value)
	if err != nil {
		r.Refuse(f, "a time as \"2026-11-20T08:00:00.000Z\"")
		return
	}
	*to = t
}
