package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

const counted = `flow: counted
variables: { n: 0, note: "" }
defaults: { outcomes: { onError: failed, onTimeout: failed, clientError: failed, serverError: failed } }
nodes:
  hook: { type: webhook, with: { path: /c, reply: accept, body: { type: object, properties: { id: { type: string } } } }, next: count }
` + counts + `url: /charge, body: { n: $(n), double: $(count.double), note: $(note) } }, next: done }
  done: { type: end }
  failed: { type: evaluate, with: { set: { note: $(error.node), n: 99 } }, next: sorry, outcomes: { onError: sorry } }
  sorry: { type: end, with: { failed: true, code: charged, reason: $(error.message) } }
`

const counts = `  count: { type: evaluate, with: { set: { n: $(n + 1) }, outputs: { double: $(n * 2) } }, next: charge }
  charge: { type: http, connection: vendor, with: { method: POST, `

// hooked is what a webhook gives.
var hooked = map[string]any{"id": "7", "request": map[string]any{"headers": map[string]any{}, "query": map[string]any{}, "method": "POST", "path": "/c"}}

// counting has one run of the flow that failed at the vendor, and a vendor that
// is well since.
func counting(t *testing.T, f *flow.Flow) (p *process, v *vendor, failed string) {
	t.Helper()
	down := true
	v = &vendor{reply: func(context.Context, outbound.Request) wire.Reply {
		if down {
			return wire.Reply{Status: 503}
		}
		return wire.Reply{Status: 200, Body: []byte(`{}`)}
	}}
	p = boot(t, disk(), f, v)
	r, _, err := p.Start(t.Context(), engine.Start{
		Flow: f, Output: hooked,
		Accepted: true, Dedupe: journal.Dedupe{Scope: "s", Key: "k", For: 24 * time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	if s := ended(t, p.disk(), r.ID); s.Status != run.Failed || s.Code != "charged" {
		t.Fatalf("the run is %s %s", s.Status, s.Code)
	}
	down = false
	return p, v, r.ID
}

// A retry begins at the node that failed, wherever that led, with what the run
// had when it came there.
func TestRetryOfTheNodeThatFailed(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		"":       `{"double":2,"n":1,"note":""}`,
		"charge": `{"double":2,"n":1,"note":""}`,
		"count":  `{"double":2,"n":1,"note":""}`,
		"hook":   `{"double":2,"n":1,"note":""}`,
	} {
		t.Run("from "+from, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, v, id := counting(t, loadReal(t, counted))
				plan, err := p.PlanRetry(t.Context(), id, engine.Retry{From: from})
				if err != nil || len(v.calls()) != 1 {
					t.Fatalf("plan: %v, %d calls", err, len(v.calls()))
				}
				again, done, err := p.Retry(t.Context(), id, engine.Retry{From: from})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(plan, done); diff != "" {
					t.Errorf("what is done and what was planned (-planned +done):\n%s", diff)
				}
				if from == "" && done.From != "charge" {
					t.Errorf("it begins at %q", done.From)
				}
				if s := ended(t, p.disk(), again.ID); s.Status != run.Completed {
					t.Errorf("the retry is %s: %s", s.Status, s.Reason)
				}
				if got := string(v.calls()[1].Call.Body); got != want {
					t.Errorf("the vendor got %s, want %s", got, want)
				}
			})
		})
	}
}

// Once makes one run, however often it is said, and the request that is repeated
// gets the retry.
func TestRetryOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := loadReal(t, counted)
		p, v, id := counting(t, f)
		first, done, err := p.Retry(t.Context(), id, engine.Retry{Once: true})
		if err != nil || done.Repeated {
			t.Fatal(done, err)
		}
		ended(t, p.disk(), first.ID)
		second, done, err := p.Retry(t.Context(), id, engine.Retry{Once: true})
		if err != nil || !done.Repeated || second.ID != first.ID {
			t.Errorf("again: run %s, repeated %v, %v; want %s", second.ID, done.Repeated, err, first.ID)
		}
		same, repeated, err := p.Start(t.Context(), engine.Start{Flow: f, Accepted: true, Dedupe: journal.Dedupe{Scope: "s", Key: "k", For: time.Hour}})
		if err != nil || !repeated || same.ID != first.ID {
			t.Errorf("the request, repeated: run %s, %v, %v; want %s", same.ID, repeated, err, first.ID)
		}
		third, done, err := p.Retry(t.Context(), id, engine.Retry{})
		if err != nil || done.Repeated || third.ID == first.ID {
			t.Errorf("without once: %+v, %v", done, err)
		}
		ended(t, p.disk(), third.ID)
		if n := len(v.calls()); n != 3 {
			t.Errorf("the vendor was called %d times", n)
		}
	})
}

// With another version of its flow a run goes on if it fits, and what differs is
// said; if it does not, why not.
func TestRetryWithAnotherFlow(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		old, new string // in the flow, each replaced
		changes  []string
		refused  string // in the reason, or its problems
		body     string
	}{
		"an input":       {`url: /charge`, `url: /charges`, []string{"node charge differs in with.url"}, "", `{"double":2,"n":1,"note":""}`},
		"a new variable": {`note: "" }`, `note: "", more: x }`, []string{"variable more is added"}, "", `{"double":2,"n":1,"note":""}`},
		"another value":  {`variables: { n: 0,`, `variables: { n: 5,`, []string{"variable n is changed"}, "", `{"double":2,"n":1,"note":""}`},
		"another type":   {`variables: { n: 0, note: "" }`, `variables: { n: 0, note: 7 }`, nil, "note: is a number now, and was a text", ""},
		"reads a new node": {
			"next: charge }\n  charge: { type: http, connection: vendor, with: { method: POST, url: /charge,",
			"next: more }\n  more: { type: evaluate, with: { outputs: { at: /charge } }, next: charge }\n" +
				"  charge: { type: http, connection: vendor, with: { method: POST, url: $(more.at),",
			nil, "charge: cannot have its inputs: ", "",
		},
		"a trigger that gives more": {
			"{ id: { type: string } } } }, next: count }\n" + counts + "url: /charge,",
			"{ id: { type: string }, at: { type: string } } } }, next: count }\n" + counts + "url: $(hook.at),",
			nil, "charge.with.url: is missing", "",
		},
		"the node is gone":   {"charge: {", "pay: {", nil, `has no node "charge"`, ""},
		"the trigger's body": {`{ id: { type: string } }`, `{ id: { type: integer } }`, nil, "hook: gave what does not fit any more: id", ""},
		"where it leads":     {"next: done }", "next: done, retry: { max: 2, on: [serverError] } }", []string{"node charge differs in retry"}, "", `{"double":2,"n":1,"note":""}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p, v, id := counting(t, loadReal(t, counted))
				text := strings.ReplaceAll(counted, test.old, test.new)
				if name == "the node is gone" {
					text = strings.ReplaceAll(text, "next: charge", "next: pay")
				}
				if name == "another type" {
					text = strings.ReplaceAll(text, "note: $(error.node), n: 99", "n: 99")
				}
				again, done, err := p.Retry(t.Context(), id, engine.Retry{Flow: loadReal(t, text)})
				if test.refused != "" {
					refused, ok := errors.AsType[*engine.RetryError](err)
					if !ok || !strings.Contains(refused.Reason+" "+node.FormatProblems(refused.Problems), test.refused) {
						t.Errorf("refused with %v, want %q", err, test.refused)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				var changes []string
				for _, c := range done.Changes {
					changes = append(changes, c.String())
				}
				if diff := cmp.Diff(test.changes, changes); diff != "" {
					t.Errorf("changes (-want +got):\n%s", diff)
				}
				synctest.Wait()
				if got := string(v.calls()[1].Call.Body); got != test.body {
					t.Errorf("the vendor got %s, want %s", got, test.body)
				}
				if s, err := p.disk().Find(t.Context(), again.ID); err != nil || s.FlowDigest == loadReal(t, counted).Digest {
					t.Errorf("it runs the flow of then: %v", err)
				}
			})
		})
	}
}

// A run that was stopped in the middle of a node is taken up there, with what it
// had, and not at what it had coped with before.
func TestRetryOfWhatWasStopped(t *testing.T) {
	t.Parallel()
	const head = `variables: { n: 0, seen: null }
nodes:
  hook: { type: webhook, with: { path: /c, reply: accept }, next: pick }
  pick: { type: evaluate, with: { set: { seen: "$(string(n))" }, branches: [{ when: n == 0, outcome: odd }] }, next: charge, outcomes: { odd: charge } }
  charge: { type: http, connection: vendor, with: { method: POST, url: /charge }, next: rest }
`
	tests := map[string]struct {
		flow, code, from string
		n                int
	}{
		"by its timeout": {"flow: slow\ntimeout: 1m\n" + head + "  rest: { type: wait, with: { event: paid, key: $(run.id) } }\n", "run-timeout", "rest", 0},
		"by the limit of visits": {"flow: loop\n" + head +
			"  rest: { type: evaluate, with: { set: { n: $(n + 1) }, branches: [{ when: n < 0, outcome: done }] }, next: rest }\n", "visit-limit", "rest", run.DefaultVisits},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := loadReal(t, test.flow)
				v := &vendor{reply: func(context.Context, outbound.Request) wire.Reply { return wire.Reply{Status: 200, Body: []byte(`{}`)} }}
				p := boot(t, disk(), f, v)
				r, _, err := p.Start(t.Context(), engine.Start{Flow: f, Output: hooked, Accepted: true})
				if err != nil {
					t.Fatal(err)
				}
				if s := ended(t, p.disk(), r.ID); s.Code != test.code {
					t.Fatalf("the run is %s %s %s", s.Status, s.Code, s.Reason)
				}
				// A variable that had no value to begin with may have one by now.
				is := loadReal(t, strings.Replace(test.flow, "seen: null", `seen: ""`, 1))
				if plan, err := p.PlanRetry(t.Context(), r.ID, engine.Retry{Flow: is}); err != nil || plan.From != test.from {
					t.Errorf("with the flow as it is now: %+v, %v", plan, err)
				}
				again, done, err := p.Retry(t.Context(), r.ID, engine.Retry{})
				if err != nil || done.From != test.from {
					t.Fatalf("it begins at %q, %v; want %q", done.From, err, test.from)
				}
				ended(t, p.disk(), again.ID)
				events, err := p.disk().Events(t.Context(), again.ID)
				if err != nil {
					t.Fatal(err)
				}
				want := map[string]any{"n": test.n, "seen": "0"}
				if diff := cmp.Diff(want, events[0].(run.RunStarted).Variables); diff != "" {
					t.Errorf("variables (-want +got):\n%s", diff)
				}
				if n := len(v.calls()); n != 1 {
					t.Errorf("the vendor was called %d times", n)
				}
			})
		})
	}
}
