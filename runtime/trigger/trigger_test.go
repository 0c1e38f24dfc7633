package trigger_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/trigger"
)

const sms = `flow: sms-ended
nodes:
  n2:
    type: webhook
    with:
      path: /sms/ended
      body:
        type: object
        required: [sms]
        properties:
          sms:
            type: object
            required: [senderNumber, serviceNumber]
            additionalProperties: false
            properties:
              senderNumber: { type: string, pattern: '^\+' }
              serviceNumber: { type: string }
          conversationId: { type: string, default: none }
          mode: { type: string }
`

// A run that is started by hand with a manual trigger gets what was given.
func TestManual(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		with, body string
		want       map[string]any
		err        string
	}{
		"fits":         {typed, `{"from": "+47", "request": 1}`, map[string]any{"from": "+47", "to": "none", "request": 1}, ""},
		"does not fit": {typed, `{"from": 47}`, nil, "the body does not fit; from: is a number, expected a string"},
		"no object":    {typed, `[]`, nil, "the body does not fit; expected an object"},
		"anything":     {"{}", `{"x": null}`, map[string]any{"x": nil}, ""},
		"no JSON":      {"{}", `{`, nil, "the body is not JSON: unexpected end of JSON input"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := load(t, "flow: f\nnodes:\n  n1: { type: manual, with: "+test.with+" }\n")
			check(t, f, test.body, test.want, test.err)
		})
	}
}

const typed = `{ input: { type: object, required: [from], properties: { from: { type: string }, to: { type: string, default: none } } } }`

func load(t *testing.T, src string) *flow.Flow {
	t.Helper()
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	f, mistakes := flow.Load("f.yaml", []byte(src), flow.Config{Types: types})
	if err := mistakes.Err(); err != nil {
		t.Fatal(err)
	}
	return f
}

func check(t *testing.T, f *flow.Flow, body string, want map[string]any, wrong string) {
	t.Helper()
	got, err := trigger.ByHand(f.Triggers[0], []byte(body), trigger.Request{}, noon)
	msg := ""
	if err != nil {
		msg = err.Error()
	}
	if msg != wrong {
		t.Errorf("error %q, want %q", msg, wrong)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// An event that somebody makes up has what a real one has.
func TestEvent(t *testing.T) {
	t.Parallel()
	about := map[string]any{"id": "", "name": "paid", "key": "", "hops": int64(0)}
	of := map[string]any{"id": "e1", "name": "paid", "key": "7", "hops": int64(0), "source": "urn:shop"}
	tests := map[string]struct {
		body string
		want map[string]any
		err  string
	}{
		"only the data": {`{"amount": 5}`, map[string]any{"amount": 5, "currency": "CHF", "event": about}, ""},
		"of an event":   {`{"amount": 5, "event": {"id": "e1", "key": "7", "source": "urn:shop"}}`, map[string]any{"amount": 5, "currency": "CHF", "event": of}, ""},
		"no number":     {`{"amount": "5"}`, nil, "the body does not fit; amount: is a string, expected an integer"},
		"odd event":     {`{"amount": 5, "event": {"id": 7}}`, nil, "the body does not fit; event.id: is a number, expected a string"},
		"no object":     {`[]`, nil, "the body does not fit; expected an object"},
	}
	f := load(t, "flow: f\nnodes:\n  n1: { type: event, with: { name: paid, data: { type: object, required: [amount], properties: { amount: { type: integer }, currency: { type: string, default: CHF } } } } }\n")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, f, test.body, test.want, test.err)
		})
	}
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 5, time.UTC)

// A schedule that is started by hand ticks now, or at the time that is given.
func TestTick(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		want map[string]any
		err  string
	}{
		"now":         {"{}", map[string]any{"tick": "2026-11-20T13:00:00+01:00", "late": 0.0, "missed": int64(0)}, ""},
		"a time":      {`{"tick": "2026-07-01T05:00:00Z", "missed": 2}`, map[string]any{"tick": "2026-07-01T07:00:00+02:00", "late": 0.0, "missed": 2}, ""},
		"no time":     {`{"tick": "tomorrow"}`, nil, `the body does not fit; tick: "tomorrow" is not a valid date-time`},
		"more":        {`{"tik": "2026-07-01T05:00:00Z"}`, nil, `the body does not fit; tik: is not expected here`},
		"nothing due": {`[]`, nil, "the body does not fit; expected an object"},
	}
	f := load(t, "flow: f\nnodes:\n  n1: { type: schedule, with: { cron: 0 7 * * *, timezone: Europe/Zurich } }\n")
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, f, test.body, test.want, test.err)
		})
	}
}

// A run that is started by hand gets what a request would have given.
func TestByHand(t *testing.T) {
	t.Parallel()
	empty := map[string]any{"headers": map[string]any{}, "query": map[string]any{}, "method": "POST", "path": ""}
	body := map[string]any{"senderNumber": "+47", "serviceNumber": "1"}
	tests := map[string]struct {
		body string
		want map[string]any
		err  string
	}{
		"only the body": {
			body: `{"sms": {"senderNumber": "+47", "serviceNumber": "1"}}`,
			want: map[string]any{"sms": body, "conversationId": "none", "request": empty},
		},
		"with a request": {
			body: `{"sms": {"senderNumber": "+47", "serviceNumber": "1"}, "request": {"headers": {"x_id": "1"}}}`,
			want: map[string]any{"sms": body, "conversationId": "none", "request": map[string]any{
				"headers": map[string]any{"x_id": "1"}, "query": map[string]any{}, "method": "POST", "path": "",
			}},
		},
		"with an odd request": {
			body: `{"sms": {"senderNumber": "+47", "serviceNumber": "1"}, "request": {"headers": {"x_id": 1}, "bdoy": 1}}`,
			err:  "the body does not fit; request.bdoy: is not expected here; request.headers.x_id: is a number, expected a string",
		},
		"does not fit": {body: `{"sms": {}}`, err: "the body does not fit; sms.senderNumber: is missing; sms.serviceNumber: is missing"},
		"no object":    {body: `"sms"`, err: "the body does not fit; expected an object"},
		"no JSON":      {body: `{sms}`, err: "the body is not JSON: invalid character 's' looking for beginning of object key string"},
	}
	f := load(t, sms)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, f, test.body, test.want, test.err)
		})
	}
}
