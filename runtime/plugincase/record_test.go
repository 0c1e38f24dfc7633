package plugincase_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/plugincase"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

var began = time.Date(2026, 11, 20, 8, 0, 0, 123456789, time.UTC)

// aRun is a run that went through node n4 twice: the first attempt met a
// timeout, the second was answered.
func aRun(t *testing.T) (nodes []run.Trace, events []run.Event) {
	t.Helper()
	inputs := map[string]any{"calls": []any{map[string]any{
		"url": "/a", "headers": map[string]any{"A": "x"}, "body": `{"n":12345678901234567,"odd":{"matches":"("}}`,
	}}}
	asked := wire.Call{Method: "POST", URL: "/a", Headers: map[string]string{"A": "x"}, Body: []byte(`{"n":12345678901234567,"odd":{"matches":"("}}`)}
	at := run.At{At: began}
	events = []run.Event{run.RunStarted{At: at, Run: "r1", Flow: "orders", Trigger: "n1", Seed: "s", Output: map[string]any{}}}
	nodes = []run.Trace{{Node: "n1", Type: "webhook", Visit: 1, Attempt: 1, Outcome: "success"}}
	for attempt, reply := range []run.Reply{{Failure: wire.Timeout, Message: "late"}, {Status: 404, Headers: map[string][]string{"x-from": {"a", "b"}, "date": {"now"}}, BodyBase64: []byte{0xff}}} {
		place := run.Place{Node: "n4", Visit: 1, Attempt: attempt + 1}
		outcome := []string{"done", "gone"}[attempt]
		events = append(events,
			run.CallStarted{At: at, Place: place, Method: "POST", URL: "/a", Fingerprint: wire.Fingerprint(asked)},
			run.CallReplied{At: at, Place: place, Reply: reply},
			run.NodeFinished{At: at, Place: place, Outcome: outcome},
		)
		nodes = append(nodes, run.Trace{Node: "n4", Type: "shop/send@1", Connection: "shop", Visit: 1, Attempt: attempt + 1, Inputs: inputs, Outcome: outcome, StartedAt: began})
	}
	return nodes, events
}

// report is what `wend run --json --events` prints of it.
func report(t *testing.T, nodes []run.Trace, events []run.Event) []byte {
	t.Helper()
	raw, err := run.Marshal(events)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := json.Marshal(map[string]any{"run": "r1", "flow": "orders", "nodes": nodes, "events": json.RawMessage(raw)})
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestRecord(t *testing.T) {
	t.Parallel()
	nodes, events := aRun(t)
	rec, err := plugincase.ReadRecording(report(t, nodes, events))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"n4"}, rec.NodesOf("shop")); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	a, err := rec.Attempt("n4", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	text, err := a.Record(t.Context(), "order gone", "shop", method, map[string]any{"path": "/p"})
	if err != nil {
		t.Fatal(err)
	}
	want := `name: order gone
method: send
inputs:
  calls:
    - body: '{"n":12345678901234567,"odd":{"matches":"("}}'
      headers:
        A: x
      url: /a
settings:
  path: /p
context:
  run: r1
  node: n4
  visit: 1
  attempt: 2
  now: "2026-11-20T08:00:00.123Z"
  seed: s/n4/1/2
  key: ` + run.Place{Node: "n4", Visit: 1, Attempt: 2}.Key("r1") + `
calls:
  - expect:
      method: POST
      url: /a
      headers:
        A: x
      body:
        "n": 12345678901234567
        odd:
          equals:
            matches: (
    reply:
      status: 404
      headers:
        date: now
        x-from:
          - a
          - b
      bodyBase64: /w==
want:
  outcome: gone
  outputs: {}
  message: it is gone
`
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("case (-want +got):\n%s", diff)
	}
	if got := played(t, text); got != "order gone: gone, 1 calls, log [\"began\" \"call 1\"]\n" {
		t.Errorf("the case does not play: %s", got)
	}
}

func TestRecordFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(nodes []run.Trace, events []run.Event) ([]run.Trace, []run.Event)
		want   string
	}{
		"other inputs": {
			func(nodes []run.Trace, events []run.Event) ([]run.Trace, []run.Event) {
				nodes[2].Inputs = map[string]any{"calls": []any{map[string]any{"url": "/b", "headers": map[string]any{}, "body": ""}}}
				return nodes, events
			},
			"call 1 is not the one of the run: it is POST /b #",
		},
		"no call any more": {
			func(nodes []run.Trace, events []run.Event) ([]run.Trace, []run.Event) {
				nodes[2].Inputs = map[string]any{}
				return nodes, events
			},
			"call 1 is not the one of the run: it is no call, and was POST /a #",
		},
		"another outcome": {
			func(nodes []run.Trace, events []run.Event) ([]run.Trace, []run.Event) {
				nodes[2].Outcome = "done"
				return nodes, events
			},
			`the method leaves by "gone": it is gone; in the run it left by "done"`,
		},
		"not over": {
			func(nodes []run.Trace, events []run.Event) ([]run.Trace, []run.Event) {
				return nodes, events[:len(events)-2]
			},
			`the run has not left node "n4" yet`,
		},
		"no such node": {
			func(nodes []run.Trace, events []run.Event) ([]run.Trace, []run.Event) { return nodes[:1], events },
			`run r1 has no such attempt at node "n4"`,
		},
		"events of another run": {
			func(nodes []run.Trace, events []run.Event) ([]run.Trace, []run.Event) {
				events[0] = run.RunStarted{Run: "r2"}
				return nodes, events
			},
			"the events are not those of run r1",
		},
		"no events": {
			func(nodes []run.Trace, _ []run.Event) ([]run.Trace, []run.Event) { return nodes, nil },
			"no events",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nodes, events := test.change(aRun(t))
			rec, err := plugincase.ReadRecording(report(t, nodes, events))
			if err != nil {
				t.Fatal(err)
			}
			a, err := rec.Attempt("n4", 0, 0)
			if err == nil {
				_, err = a.Record(t.Context(), "x", "shop", method, nil)
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}

func TestReadRecordingMistakes(t *testing.T) {
	t.Parallel()
	for src, want := range map[string]string{
		"":                             "not the report of a run: EOF",
		"{}":                           "it has no nodes",
		`{"nodes":[{}],"events":[{}]}`: `decode event 0, ""`,
	} {
		if _, err := plugincase.ReadRecording([]byte(src)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ReadRecording(%q) fails with %v, want %q", src, err, want)
		}
	}
}

func TestDifference(t *testing.T) {
	t.Parallel()
	base := plugincase.Transcript{
		Calls:   []wire.Call{{Method: "GET", URL: "/a", Headers: map[string]string{"A": "x"}, Body: []byte("b")}},
		Outcome: "done", Outputs: map[string]any{"n": 1}, Log: []string{"line"},
	}
	tests := map[string]struct {
		change func(*plugincase.Transcript)
		want   string
	}{
		"":        {func(*plugincase.Transcript) {}, ""},
		"url":     {func(s *plugincase.Transcript) { s.Calls = []wire.Call{{Method: "GET", URL: "/b"}} }, "another method or URL"},
		"headers": {func(s *plugincase.Transcript) { s.Calls = []wire.Call{{Method: "GET", URL: "/a", Body: []byte("b")}} }, `headers {"A":"x"}, and then null`},
		"body": {func(s *plugincase.Transcript) {
			s.Calls = []wire.Call{{Method: "GET", URL: "/a", Headers: map[string]string{"A": "x"}, Body: []byte("c")}}
		}, `body "b", and then "c"`},
		"calls":   {func(s *plugincase.Transcript) { s.Calls = nil }, "asked for 1 calls, and then for 0"},
		"outcome": {func(s *plugincase.Transcript) { s.Outcome, s.Message = "gone", "why" }, `left by "done", and then by "gone": why`},
		"code":    {func(s *plugincase.Transcript) { s.Code = "trap" }, `left by "done"`},
		"message": {func(s *plugincase.Transcript) { s.Message = "m" }, `its message was "", and then "m"`},
		"outputs": {func(s *plugincase.Transcript) { s.Outputs = map[string]any{"n": 2} }, `its outputs were {"n":1}, and then {"n":2}`},
		"log":     {func(s *plugincase.Transcript) { s.Log = nil }, `it logged ["line"], and then []`},
	}
	for name, test := range tests {
		changed := base
		test.change(&changed)
		if got := plugincase.Difference(base, changed); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: Difference = %q, want %q", name, got, test.want)
		}
	}
}
