package nodes_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/sdk/wire"
)

var now = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// late is an input that the node evaluates.
type late func(over m) (any, error)

func (l late) Eval(over map[string]any) (any, error) { return l(over) }

func value(v any) late { return func(m) (any, error) { return v, nil } }

func read(name string) late { return func(over m) (any, error) { return over[name], nil } }

func fails() late {
	return func(m) (any, error) { return nil, errors.New("no such field") }
}

func TestStep(t *testing.T) {
	t.Parallel()
	reply := func(status int, headers map[string][]string, body string) []wire.Reply {
		return []wire.Reply{{Status: status, Headers: headers, Body: []byte(body)}}
	}
	failure := func(f wire.Failure) []wire.Reply { return []wire.Reply{{Failure: f, Message: "says why"}} }
	get := m{"method": "GET", "url": "https://h/p?secret=1"}
	isJSON := map[string][]string{"content-type": {"application/json; charset=utf-8"}}
	tests := map[string]struct {
		typ     string
		in      m
		replies []wire.Reply
		woken   bool
		want    node.Action
		err     string
	}{
		"evaluate sets in order": {
			typ:  "evaluate",
			in:   m{"set": node.Assignments{{Name: "b", Value: value(1)}, {Name: "a", Value: read("b")}}},
			want: node.Finish{Set: m{"a": 1, "b": 1}},
		},
		"evaluate takes the first branch that holds": {
			typ: "evaluate",
			in: m{
				"set": node.Assignments{{Name: "a", Value: value(true)}},
				"branches": []any{
					m{"when": value(false), "outcome": "no"},
					m{"when": read("a"), "outcome": "yes"},
					m{"when": fails(), "outcome": "never tried"},
				},
			},
			want: node.Finish{Outcome: "yes", Set: m{"a": true}, Message: "branch 2 holds"},
		},
		"evaluate takes no branch": {
			typ:  "evaluate",
			in:   m{"branches": []any{m{"when": value(false), "outcome": "no"}}},
			want: node.Finish{Set: m{}},
		},
		"evaluate gives outputs": {
			typ: "evaluate",
			in: m{
				"set":     node.Assignments{{Name: "a", Value: value(1)}},
				"outputs": late(func(over m) (any, error) { return m{"sees": over["a"]}, nil }),
			},
			want: node.Finish{Set: m{"a": 1}, Outputs: m{"sees": 1}},
		},
		"evaluate fails to give outputs": {typ: "evaluate", in: m{"outputs": fails()}, err: "outputs: no such field"},
		"evaluate has no map of outputs": {typ: "evaluate", in: m{"outputs": value("x")}, err: "outputs are x, expected a map"},
		"evaluate fails to set": {
			typ: "evaluate",
			in:  m{"set": node.Assignments{{Name: "a", Value: fails()}}},
			err: `set "a": no such field`,
		},
		"evaluate fails to decide": {
			typ: "evaluate",
			in:  m{"branches": []any{m{"when": fails(), "outcome": "no"}}},
			err: "condition of branch 1: no such field",
		},
		"evaluate has no boolean": {
			typ: "evaluate",
			in:  m{"branches": []any{m{"when": value("x"), "outcome": "no"}}},
			err: "condition of branch 1 is x, expected true or false",
		},

		"http asks": {
			typ:  "http",
			in:   get,
			want: node.Ask{Calls: []wire.Call{{Method: "GET", URL: "https://h/p?secret=1", Headers: map[string]string{}}}},
		},
		"http sends JSON, parameters by name and lists": {
			typ: "http",
			in: m{
				"method": "POST", "url": "/p?x=1#top", "headers": m{"X-A": "b"},
				"query": m{"z": []any{1, true}, "a": "b c", "n": nil}, "body": m{"a": 1},
			},
			want: node.Ask{Calls: []wire.Call{{
				Method: "POST", URL: "/p?x=1&a=b+c&z=1&z=true#top",
				Headers: map[string]string{"X-A": "b", "Content-Type": "application/json"}, Body: []byte(`{"a":1}`),
			}}},
		},
		"http sends text": {
			typ: "http",
			in:  m{"method": "PUT", "url": "/p", "body": "a=b"},
			want: node.Ask{Calls: []wire.Call{{
				Method: "PUT", URL: "/p", Headers: map[string]string{"Content-Type": "text/plain; charset=utf-8"}, Body: []byte("a=b"),
			}}},
		},
		"http keeps the content type": {
			typ: "http",
			in:  m{"method": "PUT", "url": "/p", "headers": m{"content-type": "application/x-www-form-urlencoded"}, "body": "a=b"},
			want: node.Ask{Calls: []wire.Call{{
				Method: "PUT", URL: "/p", Headers: map[string]string{"content-type": "application/x-www-form-urlencoded"}, Body: []byte("a=b"),
			}}},
		},
		"http writes parameters as all text": {
			typ: "http",
			in: m{"method": "GET", "url": "/p", "query": m{
				"a": m{"id": 7}, "b": []any{m{"id": 7}, []any{1}}, "f": 2.5e6, "n": json.Number("18446744073709551615"), "s": "a&b=c ../%20é\r\n",
			}},
			want: node.Ask{Calls: []wire.Call{{
				Method: "GET", Headers: map[string]string{},
				URL: "/p?a=%7B%22id%22%3A7%7D&b=%7B%22id%22%3A7%7D&b=%5B1%5D&f=2500000&n=18446744073709551615&s=a%26b%3Dc+..%2F%2520%C3%A9%0D%0A",
			}}},
		},
		"http sends a form": {
			typ: "http",
			in: m{
				"method": "POST", "url": "/p", "headers": m{"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
				"body": m{"to": "+47 1", "text": "a&b=c", "n": 2.5e6, "ids": []any{1, 2}, "none": nil, "o": m{"a": "<"}},
			},
			want: node.Ask{Calls: []wire.Call{{
				Method: "POST", URL: "/p", Headers: map[string]string{"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
				Body: []byte("ids=1&ids=2&n=2500000&o=%7B%22a%22%3A%22%3C%22%7D&text=a%26b%3Dc&to=%2B47+1"),
			}}},
		},
		"http sends null and numbers of any size": {
			typ: "http",
			in:  m{"method": "PATCH", "url": "/p", "body": m{"assignee": nil, "deep": m{"a": nil, "l": []any{nil}}, "id": json.Number("18446744073709551615"), "n": 1e20, "t": "<b>&"}},
			want: node.Ask{Calls: []wire.Call{{
				Method: "PATCH", URL: "/p", Headers: map[string]string{"Content-Type": "application/json"},
				Body: []byte(`{"assignee":null,"deep":{"a":null,"l":[null]},"id":18446744073709551615,"n":100000000000000000000,"t":"<b>&"}`),
			}}},
		},
		"http sends text that is JSON as JSON": {
			typ: "http",
			in:  m{"method": "PUT", "url": "/p", "body": `{"a": 1}`},
			want: node.Ask{Calls: []wire.Call{{
				Method: "PUT", URL: "/p", Headers: map[string]string{"Content-Type": "application/json"}, Body: []byte(`{"a": 1}`),
			}}},
		},
		"http decodes JSON behind a byte order mark": {
			typ: "http", in: get, replies: reply(200, isJSON, "\uFEFF{\"id\": 18446744073709551615}"),
			want: node.Finish{Outputs: m{"status": 200, "headers": m{"content_type": "application/json; charset=utf-8"}, "body": m{"id": json.Number("18446744073709551615")}}},
		},
		"http has nil for JSON that is empty": {
			typ: "http", in: get, replies: reply(200, isJSON, " \n"),
			want: node.Finish{Outputs: m{"status": 200, "headers": m{"content_type": "application/json; charset=utf-8"}, "body": nil}},
		},
		"http has nil for no body": {
			typ: "http", in: get, replies: reply(204, nil, ""),
			want: node.Finish{Outputs: m{"status": 204, "headers": m{}, "body": nil}},
		},
		"http has a text that is empty": {
			typ: "http", in: get, replies: reply(200, map[string][]string{"content-type": {"text/plain"}}, ""),
			want: node.Finish{Outputs: m{"status": 200, "headers": m{"content_type": "text/plain"}, "body": ""}},
		},
		"http keeps JSON with something behind it as text": {
			typ: "http", in: get, replies: reply(200, isJSON, "{}}"),
			want: node.Finish{Outputs: m{"status": 200, "headers": m{"content_type": "application/json; charset=utf-8"}, "body": "{}}"}},
		},
		"http decodes JSON": {
			typ: "http", in: get,
			replies: reply(200, map[string][]string{"content-type": {"application/problem+json"}, "x-a": {"1", "2"}}, `{"id":12345678901234567}`),
			want: node.Finish{Outputs: m{
				"status": 200, "headers": m{"content_type": "application/problem+json", "x_a": "1, 2"}, "body": m{"id": 12345678901234567},
			}},
		},
		"http takes broken JSON for text": {
			typ: "http", in: get, replies: reply(204, isJSON, `{"id":`),
			want: node.Finish{Outputs: m{"status": 204, "headers": m{"content_type": isJSON["content-type"][0]}, "body": `{"id":`}},
		},
		"http has bytes as base64": {
			typ: "http", in: get, replies: reply(200, nil, "\xff\x00"),
			want: node.Finish{Outputs: m{"status": 200, "headers": m{}, "body": "/wA="}},
		},
		"http 404": {
			typ: "http", in: get, replies: reply(404, nil, "gone"),
			want: node.Finish{
				Outcome: "clientError", Code: "404", Message: "GET https://h/p was answered with 404 Not Found",
				Outputs: m{"status": 404, "headers": m{}, "body": "gone"},
			},
		},
		"http 429 says when to come back": {
			typ: "http", in: get, replies: reply(429, map[string][]string{"retry-after": {"7"}}, ""),
			want: node.Finish{
				Outcome: "clientError", Code: "429", Message: "GET https://h/p was answered with 429 Too Many Requests",
				Outputs: m{"status": 429, "headers": m{"retry_after": "7"}, "body": nil},
			},
		},
		"http 503 says when by its own clock": {
			typ: "http", in: get,
			replies: reply(503, map[string][]string{
				"retry-after": {"Fri, 20 Nov 2026 10:00:30 GMT"}, "date": {"Fri, 20 Nov 2026 10:00:00 GMT"},
			}, ""),
			want: node.Finish{
				Outcome: "serverError", Code: "503", Message: "GET https://h/p was answered with 503 Service Unavailable",
				Outputs: m{"status": 503, "body": nil, "headers": m{
					"retry_after": "Fri, 20 Nov 2026 10:00:30 GMT", "date": "Fri, 20 Nov 2026 10:00:00 GMT",
				}},
			},
		},
		"http 503 says when by our clock, which is over": {
			typ: "http", in: get, replies: reply(503, map[string][]string{"retry-after": {"Fri, 20 Nov 2026 07:00:00 GMT"}}, ""),
			want: node.Finish{
				Outcome: "serverError", Code: "503", Message: "GET https://h/p was answered with 503 Service Unavailable",
				Outputs: m{"status": 503, "body": nil, "headers": m{"retry_after": "Fri, 20 Nov 2026 07:00:00 GMT"}},
			},
		},
		"http redirect": {
			typ: "http", in: get, replies: reply(302, nil, ""),
			want: node.Finish{
				Outcome: "onError", Code: "302", Message: "GET https://h/p was answered with 302 Found",
				Outputs: m{"status": 302, "headers": m{}, "body": nil},
			},
		},
		"http status of nobody": {
			typ: "http", in: get, replies: reply(799, nil, ""),
			want: node.Finish{
				Outcome: "onError", Code: "799", Message: "GET https://h/p was answered with 799",
				Outputs: m{"status": 799, "headers": m{}, "body": nil},
			},
		},
		"http timeout":      {typ: "http", in: get, replies: failure(wire.Timeout), want: node.Finish{Outcome: "onTimeout", Code: "timeout", Message: "says why"}},
		"http unreachable":  {typ: "http", in: get, replies: failure(wire.Unreachable), want: node.Finish{Outcome: "onError", Code: "unreachable", Message: "says why"}},
		"http refused":      {typ: "http", in: get, replies: failure(wire.Refused), want: node.Finish{Outcome: "onError", Code: "refused", Message: "says why"}},
		"http unauthorized": {typ: "http", in: get, replies: failure(wire.Unauthorized), want: node.Finish{Outcome: "onError", Code: "unauthorized", Message: "says why"}},
		"http interrupted":  {typ: "http", in: get, replies: failure(wire.Interrupted), want: node.Finish{Outcome: "onError", Code: "interrupted", Message: "says why"}},

		"delay sleeps for":       {typ: "delay", in: m{"for": "1d12h"}, want: node.Sleep{For: 36 * time.Hour}},
		"delay sleeps until":     {typ: "delay", in: m{"until": "2026-11-20T09:00:00+00:30"}, want: node.Sleep{For: 30 * time.Minute}},
		"delay is over":          {typ: "delay", in: m{"until": "2026-11-20T07:00:00Z"}, want: node.Finish{}},
		"delay for nothing":      {typ: "delay", in: m{"for": "0s"}, want: node.Finish{}},
		"delay wakes":            {typ: "delay", in: m{"for": "5s"}, woken: true, want: node.Finish{}},
		"delay for a wrong time": {typ: "delay", in: m{"for": "soon"}, err: `inputs do not fit: for: "soon" is not a duration, expected one such as "200ms", "5s", "1h30m" or "2d"`},
		"delay until nonsense":   {typ: "delay", in: m{"until": "noon"}, err: `inputs do not fit: until: "noon" is not a time, expected one such as "2026-11-20T08:00:00Z"`},
		"delay has no time":      {typ: "delay", in: m{}, err: "inputs do not fit: for: either for or until must come to something"},

		"emit": {
			typ: "emit", in: m{"event": "paid", "key": "7", "data": m{"a": 1}, "for": "1h"},
			want: node.Finish{Emit: &node.Emit{Event: "paid", Key: "7", Data: m{"a": 1}, For: time.Hour}},
		},
		"emit sends a CloudEvent": {
			typ: "emit", in: m{"event": "paid", "key": "7", "data": m{"a": 1}, "url": "https://h/in"},
			want: node.Ask{Calls: []wire.Call{{
				Method: "POST", URL: "https://h/in", Headers: map[string]string{"Content-Type": "application/cloudevents+json; charset=utf-8"},
				Body: []byte(`{"data":{"a":1},"datacontenttype":"application/json","id":"visit-1","source":"/flows/f","specversion":"1.0","subject":"7","time":"2026-11-20T08:00:00Z","type":"paid"}`),
			}}},
		},
		"emit sends one of another source, without data": {
			typ: "emit", in: m{"event": "paid", "key": "7", "url": "/in", "source": "urn:shop"},
			want: node.Ask{Calls: []wire.Call{{
				Method: "POST", URL: "/in", Headers: map[string]string{"Content-Type": "application/cloudevents+json; charset=utf-8"},
				Body: []byte(`{"id":"visit-1","source":"urn:shop","specversion":"1.0","subject":"7","time":"2026-11-20T08:00:00Z","type":"paid"}`),
			}}},
		},
		"emit was answered": {typ: "emit", in: m{"event": "paid", "key": "7", "url": "/in"}, replies: reply(202, nil, ""), want: node.Finish{}},
		"emit was refused": {
			typ: "emit", in: m{"event": "paid", "key": "7", "url": "/in?a=1"}, replies: reply(400, nil, ""),
			want: node.Finish{Outcome: "onError", Code: "400", Message: "the event sent to /in was answered with 400 Bad Request"},
		},
		"emit timeout":     {typ: "emit", in: m{"event": "paid", "key": "7", "url": "/in"}, replies: failure(wire.Timeout), want: node.Finish{Outcome: "onTimeout", Code: "timeout", Message: "says why"}},
		"emit of no event": {typ: "emit", in: m{"event": "", "key": "7"}, err: "inputs do not fit: event: is empty"},
		"emit of no key":   {typ: "emit", in: m{"event": "paid", "key": ""}, err: "inputs do not fit: key: is empty"},

		"respond": {
			typ:  "respond",
			in:   m{"status": 201, "headers": m{"X-A": "b"}, "body": m{"ok": true}},
			want: node.Finish{Response: &node.Response{Status: 201, Headers: map[string]string{"X-A": "b"}, Body: m{"ok": true}}},
		},
		"respond with nothing":    {typ: "respond", in: m{}, want: node.Finish{Response: &node.Response{Status: 200}}},
		"respond with no status":  {typ: "respond", in: m{"status": 99}, err: "inputs do not fit: status: 99 is no status of a response, expected 200 to 599"},
		"respond with two lines":  {typ: "respond", in: m{"headers": m{"X-A": "a\r\nb"}}, err: `inputs do not fit: headers: the value of "X-A" holds a line break or another control character`},
		"end":                     {typ: "end", in: m{}, want: node.Finish{End: &node.End{}}},
		"end with a coded result": {typ: "end", in: m{"failed": true, "code": "102", "reason": "nobody there"}, want: node.Finish{Code: "102", Message: "nobody there", End: &node.End{Failed: true, Code: "102", Reason: "nobody there"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := node.Visit{Flow: "f", Key: "visit-1", Inputs: test.in, Now: now, Replies: test.replies, Woken: test.woken}
			got, err := find(t, test.typ).Step(context.Background(), v)
			diff(t, test.err, text(err))
			diff(t, test.want, got)
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestLog(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		in   m
		want node.LogLine
	}{
		"a message":   {m{"message": "task closed"}, node.LogLine{Text: "task closed"}},
		"to debug":    {m{"message": "hm", "level": "debug"}, node.LogLine{Level: slog.LevelDebug, Text: "hm"}},
		"to warn":     {m{"message": "hm", "level": "warn"}, node.LogLine{Level: slog.LevelWarn, Text: "hm"}},
		"an error":    {m{"message": "hm", "level": "error"}, node.LogLine{Level: slog.LevelError, Text: "hm"}},
		"with fields": {m{"message": "x", "level": "info", "fields": m{"b": 1, "c": m{"d": nil}}}, node.LogLine{Text: "x", Fields: m{"b": 1, "c": m{"d": nil}}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			action, err := find(t, "log").Step(context.Background(), node.Visit{Inputs: test.in})
			if err != nil {
				t.Fatal(err)
			}
			diff(t, node.Action(node.Finish{Log: &test.want}), action)
		})
	}
	_, err := find(t, "log").Step(context.Background(), node.Visit{Inputs: m{"message": "x", "level": "loud"}})
	if err == nil || !strings.Contains(err.Error(), "expected debug, info, warn or error") {
		t.Errorf("a level that is none: %v", err)
	}
}

// TestLate: children that end in the moment in which the node's time is over count
// as they ended.
func TestLate(t *testing.T) {
	t.Parallel()
	completed := func(i int) node.ChildEnd { return node.ChildEnd{Index: i, Run: "r"} }
	failed := func(i int) node.ChildEnd { return node.ChildEnd{Index: i, Run: "r", Failed: true} }
	cancelled := func(i int) node.ChildEnd { return node.ChildEnd{Index: i, Run: "r", Failed: true, Cancelled: true} }
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	branches := m{"a": m{"flow": "f"}, "b": m{"flow": "f"}}
	for name, tc := range map[string]struct {
		typ  string
		in   m
		ends []node.ChildEnd
		want string
	}{
		"a call that was cancelled":             {"call", m{"flow": "f"}, []node.ChildEnd{cancelled(0)}, "onTimeout"},
		"a call that never began":               {"call", m{"flow": "f"}, nil, "onTimeout"},
		"a call that completed":                 {"call", m{"flow": "f"}, []node.ChildEnd{completed(0)}, "success"},
		"a call that failed":                    {"call", m{"flow": "f"}, []node.ChildEnd{failed(0)}, "failed"},
		"branches, one cancelled":               {"parallel", m{"branches": branches, "wait": "all"}, []node.ChildEnd{completed(1), cancelled(0)}, "onTimeout"},
		"branches, one never began":             {"parallel", m{"branches": branches, "wait": "all"}, []node.ChildEnd{completed(0)}, "onTimeout"},
		"branches, all completed":               {"parallel", m{"branches": branches, "wait": "all"}, []node.ChildEnd{completed(1), completed(0)}, "success"},
		"branches, one failed":                  {"parallel", m{"branches": branches, "wait": "all"}, []node.ChildEnd{failed(1), completed(0)}, "someFailed"},
		"the first of two":                      {"parallel", m{"branches": branches, "wait": "first"}, []node.ChildEnd{completed(1), cancelled(0)}, "success"},
		"the first of two, and none in time":    {"parallel", m{"branches": branches, "wait": "first"}, []node.ChildEnd{failed(1), cancelled(0)}, "onTimeout"},
		"the first of two, and both had failed": {"parallel", m{"branches": branches, "wait": "first"}, []node.ChildEnd{failed(1), failed(0)}, "someFailed"},
	} {
		typ := types.Find(tc.typ)
		action, err := typ.Step(t.Context(), node.Visit{Inputs: tc.in, Spawned: true, Woken: true, Children: tc.ends, Outcomes: typ.Outcomes})
		if err != nil {
			t.Errorf("%s: %s", name, err)
			continue
		}
		if f := action.(node.Finish); f.Outcome != tc.want {
			t.Errorf("%s: left by %q, want %q", name, f.Outcome, tc.want)
		}
	}
}
