package nodes_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/node"
)

func diff(t *testing.T, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

type m = map[string]any

func TestShapeProblems(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		typ  string
		with m
		want []string
	}{
		"a webhook in order": {"webhook", m{"path": "/sms/ended", "body": m{"type": "object"}}, nil},
		"path without slash": {"webhook", m{"path": "sms"}, []string{
			`path: path "sms": expected one such as /sms/ended or /orders/{id}; did you mean "/sms"?`,
		}},
		"path with the prefix": {"webhook", m{"path": "/hooks/sms"}, []string{
			`path: path "/hooks/sms" would be served as /hooks/hooks/sms; did you mean "/sms"?`,
		}},
		"path with blanks": {"webhook", m{"path": "/a b"}, []string{
			`path: path "/a b": expected one such as /sms/ended or /orders/{id}; letters, digits and . _ ~ - between slashes`,
		}},
		"path with dots": {"webhook", m{"path": "/a/../b"}, []string{
			`path: path "/a/../b": expected one such as /sms/ended or /orders/{id}; letters, digits and . _ ~ - between slashes`,
		}},
		"templates where none can be": {"webhook", m{"path": "/$(a)", "reply": "$(b)", "verify": "$(c)", "dedupe": m{"for": "$(d)", "keep": "$(e)", "mismatch": "$(f)"}}, []string{
			"path: path takes no template; it is read when the flow is loaded",
			"reply: reply takes no template; it is read when the flow is loaded",
			"verify: verify takes no template; it is read when the flow is loaded",
			"dedupe.for: dedupe.for takes no template; it is read when the flow is loaded",
			"dedupe.keep: dedupe.keep takes no template; it is read when the flow is loaded",
			"dedupe.mismatch: dedupe.mismatch takes no template; it is read when the flow is loaded",
		}},
		"dedupe by a template alone": {"webhook", m{"path": "/a", "dedupe": "$(n1.id)"}, []string{
			"dedupe: dedupe takes no template; its key does: dedupe: { key: $(n1.id) }",
		}},
		"dedupe key of all requests": {"webhook", m{"path": "/a", "dedupe": m{"key": "n1.id"}}, []string{
			`dedupe.key: dedupe.key is "n1.id" for every request, so that all but the first are taken for repeats of it; read it from the request, such as $(n2.request.headers.x_event_id)`,
		}},
		"dedupe for a wrong time": {"webhook", m{"path": "/a", "dedupe": m{"for": "1 day"}}, []string{
			`dedupe.for: dedupe.for: "1 day" is not a duration, expected one such as "200ms", "5s", "1h30m" or "2d"; did you mean "1d"?`,
		}},
		"dedupe for no time": {"webhook", m{"path": "/a", "dedupe": m{"for": "0s"}}, []string{
			"dedupe.for: dedupe.for is 0, expected a longer duration",
		}},
		"body is no map": {"webhook", m{"path": "/a", "body": "string"}, []string{
			"body: body: expected a JSON Schema, which is a map",
		}},
		"body is no schema": {"webhook", m{"path": "/a", "body": m{"properties": m{"sms": m{"type": "strin"}}, "required": "sms"}}, []string{
			"body.properties.sms.type: schema \"body\", at properties.sms.type: JSON Schema has no type \"strin\"; did you mean \"string\"?",
			"body.required: schema \"body\", at required: is the text \"sms\", expected a list of names; write [sms]",
		}},
		"body refers to nothing": {"webhook", m{"path": "/a", "body": m{"$ref": "#/$defs/x"}}, []string{
			`body: schema "body": json-pointer in "wend:schema#/$defs/x" not found`,
		}},
		"body is a list":              {"webhook", m{"path": "/a", "body": m{"type": "array"}}, nil},
		"body is a list or an object": {"webhook", m{"path": "/a", "body": m{"type": []any{"array", "object"}}, "accepts": []any{"json", "xml"}}, nil},
		"body is a text":              {"webhook", m{"path": "/a", "accepts": []any{"text"}}, nil},
		"body is a text or not": {"webhook", m{"path": "/a", "accepts": []any{"text", "json"}}, []string{
			"accepts.0: accepts: a body of kind text is of type string, and the body here is of type object; say body: { type: [object, string] } for both",
		}},
		"body is a list in XML": {"webhook", m{"path": "/a", "body": m{"type": "array"}, "accepts": []any{"xml", "form", "multipart", "text"}}, []string{
			"accepts.0: accepts: a body of kind xml is of type object, and the body here is of type array; say body: { type: [array, object] } for both",
			"accepts.1: accepts: a body of kind form is of type object, and the body here is of type array; say body: { type: [array, object] } for both",
			"accepts.2: accepts: a body of kind multipart is of type object, and the body here is of type array; say body: { type: [array, object] } for both",
			"accepts.3: accepts: a body of kind text is of type string, and the body here is of type array; say body: { type: [array, string] } for both",
		}},
		"accepts nothing":  {"webhook", m{"path": "/a", "accepts": []any{}}, []string{"accepts: accepts is empty, so that no request would be taken; leave it out for what is usual"}},
		"accepts it twice": {"webhook", m{"path": "/a", "accepts": []any{"xml", "xml"}}, []string{"accepts.1: accepts: xml stands there twice"}},
		"accepts what": {"webhook", m{"path": "/a", "accepts": []any{"$(a)"}, "raw": "$(b)"}, []string{
			"raw: raw takes no template; it is read when the flow is loaded",
			"accepts.0: accepts.0 takes no template; it is read when the flow is loaded",
		}},
		"list refers elsewhere": {"webhook", m{"path": "/a", "body": m{"type": "array", "items": m{"$ref": "#/$defs/x"}, "$defs": m{"x": m{}}}}, []string{
			"body: body: its schema cannot refer to another; write out what `$ref` leads to",
		}},
		"body has request": {"webhook", m{"path": "/a", "body": m{"properties": m{"request": m{}}}}, []string{
			`body.properties.request: body: no property can be called "request", that is where headers and query are`,
		}},
		"evaluate nothing": {"evaluate", m{}, []string{
			"evaluate has nothing to do; give set, outputs or branches",
		}},
		"branches without a name": {"evaluate", m{"branches": []any{m{"outcome": ""}, m{"outcome": "else"}, m{"outcome": "$(x)"}}}, []string{
			`branches.0.outcome: outcome "": expected a name of your own`,
			`branches.1.outcome: outcome "else": expected a name of your own`,
			`branches.2.outcome: branches.2.outcome takes no template; it is read when the flow is loaded`,
		}},
		"outputs that are no map": {"evaluate", m{"outputs": []any{1}}, []string{"outputs: outputs: expected a map of names and values"}},
		"delay for nothing":       {"delay", m{}, []string{"delay takes either for or until; such as for: 5s"}},
		"delay for and until":     {"delay", m{"for": "1s", "until": "x"}, []string{"delay takes either for or until; such as for: 5s"}},
		"delay by a template":     {"delay", m{"for": "$(x)"}, nil},
		"delay for a wrong time":  {"delay", m{"for": "5"}, []string{`for: for: "5" is not a duration, expected one such as "200ms", "5s", "1h30m" or "2d"`}},
		"delay until nonsense":    {"delay", m{"until": "noon"}, []string{`until: until: "noon" is not a time, expected one such as "2026-11-20T08:00:00Z"`}},
		"respond in order":        {"respond", m{"status": 404, "headers": m{"X-A": "b"}}, nil},
		"respond oddly": {"respond", m{"status": 600, "headers": m{"a b": "", "content-length": "1"}}, []string{
			"status: status: 600 is no status of a response, expected 200 to 599",
			`headers.a b: headers: "a b" is no header's name`,
			`headers.content-length: headers: "content-length" is set by the server`,
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, problems := find(t, test.typ).Shape(test.with)
			var got []string
			for _, p := range problems {
				got = append(got, p.String())
			}
			diff(t, test.want, got)
		})
	}
}

func TestWebhookOutputs(t *testing.T) {
	t.Parallel()
	body := m{
		"type": "object", "required": []any{"sms"}, "additionalProperties": false,
		"properties": m{"sms": m{"$ref": "#/$defs/sms"}},
		"$defs":      m{"sms": m{"type": "object", "required": []any{"from"}}},
	}
	shape, problems := find(t, "webhook").Shape(m{"path": "/a", "body": body})
	if problems != nil {
		t.Fatal(problems)
	}
	request := m{"headers": m{"x_id": "1"}, "query": m{}, "method": "POST", "path": "/hooks/a"}
	tests := map[string]struct {
		output m
		want   string
	}{
		"fits":              {m{"sms": m{"from": "+1"}, "request": request}, ""},
		"body does not fit": {m{"sms": m{}, "request": request}, "sms.from: is missing"},
		"request is odd":    {m{"sms": m{"from": "+1"}, "request": m{"headers": m{"x": 1}}}, "request.headers.x: is a number, expected a string; request.method: is missing; request.path: is missing; request.query: is missing"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			diff(t, test.want, node.FormatProblems(shape.Outputs.Validate(test.output)))
		})
	}
	if _, changed := body["properties"].(m)["request"]; changed {
		t.Error("Shape changed the flow's own schema")
	}
}

func TestEvaluateOutcomes(t *testing.T) {
	t.Parallel()
	shape, problems := find(t, "evaluate").Shape(m{"branches": []any{
		m{"outcome": "vip"}, m{"outcome": "onError"}, m{"outcome": "vip"}, m{"outcome": "late"},
	}})
	if problems != nil {
		t.Fatal(problems)
	}
	diff(t, []node.Outcome{
		{Name: "vip", Doc: "The condition of branch 1 is the first that holds.", Path: []string{"branches", "0", "outcome"}},
		{Name: "late", Doc: "The condition of branch 4 is the first that holds.", Path: []string{"branches", "3", "outcome"}},
	}, shape.Outcomes)
}

func TestHTTPIdempotent(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]bool{
		"GET": true, "HEAD": true, "PUT": true, "DELETE": true, "OPTIONS": true,
		"POST": false, "PATCH": false, "$(method)": false,
	} {
		shape, _ := find(t, "http").Shape(m{"method": method})
		if *shape.Idempotent != want {
			t.Errorf("%s: idempotent is %t, want %t", method, *shape.Idempotent, want)
		}
	}
	if shape, _ := find(t, "http").Shape(nil); !*shape.Idempotent {
		t.Error("no method: want idempotent, since GET is the default")
	}
}
