package cloudevent_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/cloudevent"
	"github.com/wendflow/wend/runtime/problem"
)

// request is headers, an empty line and a body.
func request(text string) (http.Header, []byte) {
	head, body, _ := strings.Cut(text, "\n\n")
	h := http.Header{}
	for line := range strings.Lines(head) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		h.Add(name, value)
	}
	return h, []byte(body)
}

func TestRead(t *testing.T) {
	t.Parallel()
	const binary = "Content-Type: application/json\nCe-Specversion: 1.0\nCe-Id: e-1\nCe-Source: /shop\nCe-Type: order.created\n"
	const structured = "Content-Type: application/cloudevents+json; charset=UTF-8\n\n"
	const batch = "Content-Type: application/cloudevents-batch+json\n\n"
	attributes := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	event := cloudevent.Event{ID: "e-1", Source: "/shop", Type: "order.created"}
	with := func(data map[string]any, pairs ...string) []cloudevent.Event {
		e := event
		e.Attributes, e.Data = attributes(pairs...), data
		return []cloudevent.Event{e}
	}
	tests := map[string]struct {
		request string
		want    []cloudevent.Event
		err     string // status and text
	}{
		"structured": {
			structured + `{"specversion":"1.0","id":"e-1","source":"/shop","type":"order.created","subject":"7","time":"2026-11-20T12:00:00Z","retries":2,"live":true,"none":null,"data":{"a":1}}`,
			with(map[string]any{"a": 1}, "subject", "7", "time", "2026-11-20T12:00:00Z", "retries", "2", "live", "true"), "",
		},
		"without data": {structured + `{"specversion":"1.0","id":"e-1","source":"/shop","type":"order.created"}`, with(nil), ""},
		"data is null": {structured + `{"specversion":"1.0","id":"e-1","source":"/shop","type":"order.created","data":null}`, with(nil), ""},
		"data in base64": {
			structured + `{"specversion":"1.0","id":"e-1","source":"/shop","type":"order.created","datacontenttype":"text/json","data_base64":"eyJhIjoxfQ=="}`,
			with(map[string]any{"a": 1}, "datacontenttype", "text/json"), "",
		},
		"binary": {
			binary + "Ce-Subject: Z%C3%BCrich 7\nce-Comexample: a%25b\n\n" + `{"a":1}`,
			with(map[string]any{"a": 1}, "subject", "Zürich 7", "comexample", "a%b", "datacontenttype", "application/json"), "",
		},
		"binary, quoted":       {binary + `Ce-Subject: "a \"b\" \\"` + "\n\n", with(nil, "subject", `a "b" \`, "datacontenttype", "application/json"), ""},
		"binary, without data": {strings.TrimPrefix(binary, "Content-Type: application/json\n") + "\n", with(nil), ""},
		"batch":                {batch + `[{"specversion":"1.0","id":"e-1","source":"/shop","type":"order.created"}]`, with(nil), ""},
		"empty batch":          {batch + `[]`, []cloudevent.Event{}, ""},

		"nothing is there":   {structured + `{}`, nil, "400 this is no CloudEvent that can be taken; id: is missing or empty; source: is missing or empty; type: is missing or empty; specversion: is missing or empty"},
		"another version":    {structured + `{"specversion":"0.3","id":"e-1","source":"/shop","type":"t"}`, nil, `400 this is no CloudEvent that can be taken; specversion: is "0.3", expected "1.0"`},
		"no object":          {structured + `[]`, nil, "400 this is no CloudEvent that can be taken; expected a CloudEvent, which is an object"},
		"no JSON":            {structured + `{`, nil, "400 the body is not JSON: unexpected end of JSON input"},
		"data is a list":     {structured + `{"specversion":"1.0","id":"e-1","source":"/shop","type":"t","data":[1]}`, nil, "400 this is no CloudEvent that can be taken; data: expected an object"},
		"two kinds of data":  {structured + `{"specversion":"1.0","id":"e-1","source":"/shop","type":"t","data":{},"data_base64":""}`, nil, "400 this is no CloudEvent that can be taken; data_base64: is given beside data, expected one of them"},
		"no base64":          {structured + `{"specversion":"1.0","id":"e-1","source":"/shop","type":"t","data_base64":"%"}`, nil, "400 this is no CloudEvent that can be taken; data_base64: is not base64 of JSON"},
		"data is XML":        {structured + `{"specversion":"1.0","id":"e-1","source":"/shop","type":"t","datacontenttype":"text/xml","data":"<a/>"}`, nil, `400 this is no CloudEvent that can be taken; datacontenttype: is "text/xml", and the data of an event must be JSON`},
		"a nested attribute": {structured + `{"specversion":"1.0","id":"e-1","source":"/shop","type":"t","more":{"a":1}}`, nil, "400 this is no CloudEvent that can be taken; more: expected a text, a number or a boolean"},
		"an odd attribute":   {structured + `{"specversion":"1.0","id":"e-1","source":"/shop","type":"t","My-Own":"1"}`, nil, "400 this is no CloudEvent that can be taken; My-Own: is no name of an attribute: expected lower-case letters and digits"},
		"no time":            {structured + `{"specversion":"1.0","id":"e-1","source":"/shop","type":"t","time":"noon"}`, nil, `400 this is no CloudEvent that can be taken; time: "noon" is not a time such as 2026-11-20T12:00:00Z`},
		"another format":     {"Content-Type: application/cloudevents+avro\n\nx", nil, `415 Content-Type "application/cloudevents+avro": expected application/cloudevents+json, in UTF-8`},
		"another encoding":   {"Content-Type: application/cloudevents+json; charset=latin1\n\n{}", nil, `415 Content-Type "application/cloudevents+json; charset=latin1": expected application/cloudevents+json, in UTF-8`},
		"binary, no JSON":    {strings.Replace(binary, "/json", "/xml", 1) + "\n<a/>", nil, `415 Content-Type "application/xml": the data of an event must be JSON`},
		"binary, half":       {"Ce-Specversion: 1.0\nCe-Id: %zz\n\n", nil, `400 this is no CloudEvent that can be taken; id: "%zz" is not percent-encoded UTF-8`},
		"batch of one":       {batch + `{}`, nil, "400 this is no CloudEvent that can be taken; expected a list of CloudEvents"},
		"one of a batch":     {batch + `[{"specversion":"1.0","id":"e-1","source":"/shop","type":"t"},{"specversion":"1.0","id":"e-2","source":"/shop"}]`, nil, "400 this is no CloudEvent that can be taken; 1.type: is missing or empty"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, body := request(test.request)
			got, err := cloudevent.Read(h, body)
			text := ""
			if p, ok := errors.AsType[*problem.Problem](err); ok {
				text = http.StatusText(p.Status)
				text = map[string]string{"Bad Request": "400 ", "Unsupported Media Type": "415 "}[text] + p.Error()
			} else if err != nil {
				t.Fatalf("error of type %T: %v", err, err)
			}
			if text != test.err {
				t.Errorf("error %q\nwant  %q", text, test.err)
			}
			if err == nil {
				if d := cmp.Diff(test.want, got); d != "" {
					t.Errorf("(-want +got)\n%s", d)
				}
			}
		})
	}
}

func TestModeOf(t *testing.T) {
	t.Parallel()
	tests := map[string]cloudevent.Mode{
		"Content-Type: application/json":                                      cloudevent.None,
		"Content-Type: application/json\nCe-Specversion: 1.0":                 cloudevent.Binary,
		"Content-Type: application/cloudevents+json\nCe-Specversion: 1.0":     cloudevent.Single,
		"Content-Type: application/cloudevents+xml":                           cloudevent.Single,
		"Content-Type: application/cloudevents-batch+json; charset=\"utf-8\"": cloudevent.Batch,
		"": cloudevent.None,
	}
	for head, want := range tests {
		h, _ := request(head)
		if got := cloudevent.ModeOf(h); got != want {
			t.Errorf("%q: mode %d, want %d", head, got, want)
		}
	}
}

// Whatever comes, there is an event with all that it must have, or a problem.
func FuzzRead(f *testing.F) {
	f.Add("application/cloudevents+json", "", []byte(`{"specversion":"1.0","id":"1","source":"/s","type":"t","data":{"a":[1,null]}}`))
	f.Add("application/cloudevents-batch+json", "", []byte(`[{},{"data_base64":"e30="}]`))
	f.Add("application/json", `"a\`, []byte(`{}`))
	f.Fuzz(func(t *testing.T, kind, id string, body []byte) {
		h := http.Header{"Content-Type": {kind}, "Ce-Specversion": {"1.0"}, "Ce-Id": {id}, "Ce-Source": {"/s"}, "Ce-Type": {"t"}}
		events, err := cloudevent.Read(h, body)
		if err != nil {
			if _, ok := errors.AsType[*problem.Problem](err); !ok {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		for _, e := range events {
			if e.ID == "" || e.Source == "" || e.Type == "" {
				t.Fatalf("%+v", e)
			}
		}
	})
}
