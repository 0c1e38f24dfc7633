package nodes_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
)

// TestBounds holds that a value which is too large, too deep or no data is a
// fault of the node that makes it, and that such a run ends, can be written down
// and be shown. The node n1 is what is tested; "failed" answers with what the
// fault says, which is wanted as "code: message", "run: …" is why the run ended.
func TestBounds(t *testing.T) {
	t.Parallel()
	const loop = "outcomes: { again: n1 }"
	deepText := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
	tests := map[string]struct {
		flow    string
		replies string
		value   int // bound of one value, 0 for 2 KB
		run     int // bound of the run's memory, 0 for 200 KB
		want    string
	}{
		"a list that doubles": {
			flow: "type: evaluate, with: { set: { x: ['$(x)', '$(x)'] }, branches: [ { when: 'true', outcome: again } ] }, " + loop,
			want: `template: set "x": it takes more than 2KB as JSON, more than limits.value allows`,
		},
		"a text that doubles": {
			flow: "type: evaluate, with: { set: { x: '$(x ?? long)$(x ?? long)' }, branches: [ { when: 'true', outcome: again } ] }, " + loop,
			want: `template: set "x": it takes more than 2KB as JSON, more than limits.value allows`,
		},
		"an object that doubles": {
			flow: "type: evaluate, with: { set: { x: '$({\"a\": x, \"b\": x})' }, branches: [ { when: 'true', outcome: again } ] }, " + loop,
			want: `template: set "x": it takes more than 2KB as JSON, more than limits.value allows`,
		},
		"variables that double in one node": {
			flow: "type: evaluate, with: { set: { x: ['$(long)', '$(long)', '$(long)'], y: ['$(x)', '$(x)'], z: ['$(y)', '$(y)'] } }",
			want: `template: set "z": it takes more than 2KB as JSON, more than limits.value allows`,
		},
		"more in one step than a run may have": {
			flow: "type: evaluate, with: { set: { x: '$(repeat(long, 8))', y: '$(repeat(long, 8))', z: '$(repeat(long, 8))', big: '$(repeat(long, 8))', long: '$(repeat(long, 8))' } }",
			run:  7 << 10,
			want: `template: set "long": with it the values of this one step take more than limits.run allows`,
		},
		"more than a run may have": {
			flow: "type: evaluate, with: { set: { x: '$(repeat(long, 8))', y: '$(repeat(long, 9))' } }",
			run:  4 << 10,
			want: `template: variable "y": with it the values of the run take more than 4KB of memory, more than limits.run allows`,
		},
		"parts that variables share": {
			flow: "type: evaluate, with: { set: { x: '$(big)', y: ['$(big)'], z: '$(big)' } }",
			run:  5 << 10,
			want: "run: completed",
		},
		"nested a level with every visit": {
			flow:  "type: evaluate, with: { set: { x: " + strings.Repeat("[", 90) + "'$(x)'" + strings.Repeat("]", 90) + " }, branches: [ { when: 'true', outcome: again } ] }, " + loop,
			value: 8 << 10,
			want:  `template: set "x": it nests deeper than 1000 levels`,
		},
		"outputs of a node": {
			flow: "type: evaluate, with: { outputs: { x: '$(repeat(long, 20))' } }",
			want: `template: outputs: it takes more than 2KB as JSON, more than limits.value allows`,
		},
		"an input": {
			flow: "type: http, with: { url: 'https://h/', method: POST, body: '$(repeat(long, 20))' }",
			want: `template: input "body": it takes more than 2KB as JSON, more than limits.value allows`,
		},
		"fromJSON": {
			flow: "type: evaluate, with: { set: { x: '$(fromJSON(repeat(\"[\", 501)))' } }",
			want: "template: set \"x\": flow.yaml:7:44: $(fromJSON(repeat(\"[\", 501))): fromJSON: not JSON: nested deeper than 500 levels",
		},
		"a reply that is too deep": {
			flow: "type: http, with: { url: 'https://h/' }", replies: `200 {"a":` + deepText(500) + "}",
			want: "too-deep: the body of the reply nests deeper than 500 levels, so it stays a text",
		},
		"a reply as deep as may be, taken as a whole": {
			flow: "type: http, with: { url: 'https://h/' }, next: n2", replies: `200 {"a":` + deepText(499) + "}",
			want: "run: completed",
		},
		"a reply that is too large": {
			flow: "type: http, with: { url: 'https://h/' }", replies: `200 "` + strings.Repeat("a", 3000) + `"`,
			want: `value-limit: output "body": it takes more than 2KB as JSON, more than limits.value allows`,
		},
		"an event that is too deep": {
			flow: "type: emit, with: { event: e, key: k, data: { x: " + strings.Repeat("[", 90) + "'$([[[[[[[[[[fromJSON(repeat(\"[\", 400) + repeat(\"]\", 400))]]]]]]]]]])'" + strings.Repeat("]", 90) + " } }",
			want: `event-data: emit "e": data: nested deeper than 500 levels`,
		},
		"a loop that fills the journal": {
			flow: "type: evaluate, with: { set: { x: '$(big)' }, branches: [ { when: 'true', outcome: again } ] }, " + loop,
			want: `run: the run has more than 64KB in the journal at node "n1", more than limits.journal allows`,
		},
	}
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := fmt.Sprintf(`flow: f
defaults: { outcomes: { onError: failed } }
variables: { x: null, y: null, z: null, big: %q, long: %q }
nodes:
  start: { type: webhook, with: { path: /a }, next: n1 }
  n1:
    { %s }
  n2: { type: evaluate, with: { outputs: { all: '$(n1)' } } }
  failed: { type: respond, with: { body: '$(error.code): $(error.message)' } }
`, strings.Repeat("b", 1000), strings.Repeat("l", 200), test.flow)
			f, mistakes := flow.Load("flow.yaml", []byte(src), flow.Config{Types: types})
			if f == nil {
				t.Fatal(mistakes.Err())
			}
			eng := engine.New(engine.Config{
				Caller: newScript(t, test.replies), Journal: journal.NewMemory(1),
				Bounds: run.Bounds{Value: cmp.Or(test.value, 2<<10), Run: cmp.Or(test.run, 200<<10), Journal: 64 << 10},
			})
			r, _, err := eng.Start(t.Context(), engine.Start{Flow: f})
			if err != nil {
				t.Fatal(err)
			}
			result, err := r.Wait(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got := "run: " + string(result.Status)
			switch {
			case result.Response != nil:
				got, _ = result.Response.Body.(string)
			case result.Status == run.Failed:
				got = "run: " + result.Reason
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			written, err := run.Marshal(r.Events())
			if err != nil {
				t.Fatalf("what the run did cannot be written: %v", err)
			}
			if len(written) > 200<<10 {
				t.Errorf("the run has %d bytes in the journal", len(written))
			}
			events, err := run.Unmarshal(written)
			if err != nil {
				t.Fatalf("what the run did cannot be read: %v", err)
			}
			if _, err := run.NewReport(f, events); err != nil {
				t.Errorf("the run cannot be shown: %v", err)
			}
		})
	}
}

// TestKeptEventTooDeep has an event in the mailbox as an earlier version kept
// it, which knew no depth: the node that gets it leaves by its outcome, and the
// run goes on.
func TestKeptEventTooDeep(t *testing.T) {
	t.Parallel()
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	f, mistakes := flow.Load("flow.yaml", []byte(`flow: f
nodes:
  start: { type: webhook, with: { path: /a }, next: n1 }
  n1:
    type: wait
    with: { event: e, key: k }
    outcomes: { onError: failed }
  failed: { type: respond, with: { body: '$(error.code): $(error.message)' } }
`), flow.Config{Types: types})
	if f == nil {
		t.Fatal(mistakes.Err())
	}
	kept := journal.NewMemory(1)
	deep := `{"a":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "}"
	if _, err := kept.Offer(t.Context(), journal.Event{ID: "1", Name: "e", Key: "k", Data: []byte(deep), Expires: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	r, _, err := engine.New(engine.Config{Journal: kept}).Start(t.Context(), engine.Start{Flow: f})
	if err != nil {
		t.Fatal(err)
	}
	result, err := r.Wait(t.Context())
	if err != nil || result.Response == nil {
		t.Fatal(result, err)
	}
	if want := "event-data: the event's data cannot be used: nested deeper than 500 levels"; result.Response.Body != want {
		t.Errorf("got  %v\nwant %s", result.Response.Body, want)
	}
}

// TestDeepJournal holds that a run whose values are deeper than they may be now
// can be read and shown.
func TestDeepJournal(t *testing.T) {
	t.Parallel()
	const levels = 9000
	doc := `[{"type":"run-started","event":{"at":"2026-11-28T10:00:00Z","run":"r","flow":"f","trigger":"start","output":{"a":` +
		strings.Repeat("[", levels) + strings.Repeat("]", levels) + `}}}]`
	events, err := run.Unmarshal([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run.Marshal(events); err != nil {
		t.Error(err)
	}
	if report, err := run.NewReport(nil, events); err != nil || report.Run != "r" {
		t.Error(report, err)
	}
}
