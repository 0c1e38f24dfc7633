package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
)

// audience are live flows, as package catalog finds them.
type audience struct {
	flows []*flow.Flow
	waits bool
}

func (a audience) find(name, key string) engine.Audience {
	found := engine.Audience{Waits: a.waits}
	for _, f := range a.flows {
		if e, ok := f.Triggers[0].Trigger.(*node.Event); ok && e.Takes(name, key) {
			found.Listeners = append(found.Listeners, engine.Listener{Flow: f, Node: f.Triggers[0]})
		}
	}
	return found
}

func publishTo(t *testing.T, a audience) (*engine.Engine, journal.Driver) {
	t.Helper()
	d := disk()
	e := engine.New(engine.Config{Journal: d, Audience: a.find})
	t.Cleanup(func() { _ = e.Shutdown(context.Background()) })
	return e, d
}

func occurrence(id, key, data string) engine.Occurrence {
	return engine.Occurrence{Event: journal.Event{ID: id, Name: "paid", Key: key, Data: []byte(data), Expires: time.Now().Add(time.Hour)}}
}

const listening = `flow: %s
nodes:
  n1: { type: event, with: { name: paid%s }, next: n2 }
  n2: { type: end, with: { code: $(n1.event.key) } }
`

// An event starts a run of each flow that listens, once for each id, and goes to
// runs that wait if there may be any.
func TestPublish(t *testing.T) {
	t.Parallel()
	all := loadReal(t, fmt.Sprintf(listening, "all", ""))
	seven := loadReal(t, fmt.Sprintf(listening, "seven", `, key: "7"`))
	typed := loadReal(t, fmt.Sprintf(listening, "typed", `, data: { type: object, required: [amount] }`))
	tests := map[string]struct {
		audience audience
		o        engine.Occurrence
		runs     []string // flows
		misfits  int
		offered  bool
	}{
		"two flows":          {audience{[]*flow.Flow{all, seven}, false}, occurrence("e", "7", `{}`), []string{"all", "seven"}, 0, false},
		"one by its key":     {audience{[]*flow.Flow{all, seven}, false}, occurrence("e", "8", `{}`), []string{"all"}, 0, false},
		"no key":             {audience{[]*flow.Flow{all}, true}, occurrence("e", "", ``), []string{"all"}, 0, false},
		"a run may wait":     {audience{[]*flow.Flow{all}, true}, occurrence("e", "7", `{}`), []string{"all"}, 0, true},
		"nobody listens":     {audience{nil, false}, occurrence("e", "7", `{}`), nil, 0, true},
		"one cannot use it":  {audience{[]*flow.Flow{all, typed}, false}, occurrence("e", "7", `{}`), []string{"all"}, 1, false},
		"both can use it":    {audience{[]*flow.Flow{all, typed}, false}, occurrence("e", "7", `{"amount":1}`), []string{"all", "typed"}, 0, false},
		"kept, cannot use":   {audience{[]*flow.Flow{typed}, true}, occurrence("e", "7", `{}`), nil, 1, true},
		"nobody else at all": {audience{[]*flow.Flow{seven}, false}, occurrence("e", "8", `{}`), nil, 0, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, d := publishTo(t, test.audience)
			var first engine.Published
			for i := range 2 {
				p, err := e.Publish(t.Context(), test.o)
				if err != nil {
					t.Fatal(err)
				}
				if p.Fresh != (i == 0) || p.Offered != test.offered || len(p.Misfits) != test.misfits {
					t.Errorf("%d: %+v", i, p)
				}
				var flows []string
				for j, r := range p.Runs {
					flows = append(flows, r.Flow)
					if r.Repeated != (i == 1) || i == 1 && r.Run != first.Runs[j].Run {
						t.Errorf("%d: %+v, the first was %+v", i, r, first.Runs)
					}
				}
				if diff := cmp.Diff(test.runs, flows); diff != "" {
					t.Errorf("runs (-want +got)\n%s", diff)
				}
				if i == 0 {
					first = p
				}
			}
			kept, err := d.Kept(t.Context())
			if err != nil || (kept == 1) != test.offered {
				t.Errorf("%d events are kept, %v", kept, err)
			}
			if len(first.Runs) > 0 {
				o := test.o
				o.Data = []byte(`{"amount":2}`)
				if _, err := e.Publish(t.Context(), o); !isMismatch(err) {
					t.Errorf("the id with other data: %v", err)
				}
			}
		})
	}
}

func isMismatch(err error) bool {
	_, ok := errors.AsType[*journal.MismatchError](err)
	return ok
}

// Data that nobody can use is refused, and nothing has happened.
func TestPublishMisfit(t *testing.T) {
	t.Parallel()
	typed := loadReal(t, fmt.Sprintf(listening, "typed", `, data: { type: object, required: [amount] }`))
	e, d := publishTo(t, audience{[]*flow.Flow{typed}, false})
	_, err := e.Publish(t.Context(), occurrence("e", "7", `{}`))
	const want = `flow "typed" listens to this event at node "n1", and its data does not fit: amount: is missing`
	if _, ok := errors.AsType[*engine.MisfitError](err); !ok || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	page, err := d.Runs(t.Context(), journal.Filter{})
	if err != nil || len(page.Runs) > 0 {
		t.Errorf("%d runs, %v", len(page.Runs), err)
	}
}

// An event that failed its run is not done again when it is published again, as
// after a crash of the one who emits it.
func TestPublishAfterFailure(t *testing.T) {
	t.Parallel()
	fails := loadReal(t, "flow: fails\nnodes:\n  n1: { type: event, with: { name: paid }, next: n2 }\n  n2: { type: end, with: { failed: true } }\n")
	e, d := publishTo(t, audience{[]*flow.Flow{fails}, false})
	first, err := e.Publish(t.Context(), occurrence("e", "7", `{}`))
	if err != nil {
		t.Fatal(err)
	}
	if r := e.Find(first.Runs[0].Run); r != nil {
		if _, err := r.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	again, err := e.Publish(t.Context(), occurrence("e", "7", `{}`))
	if err != nil || again.Fresh || again.Runs[0].Run != first.Runs[0].Run {
		t.Errorf("%+v, %v; the first was %+v", again, err, first)
	}
	page, err := d.Runs(t.Context(), journal.Filter{Status: run.Failed})
	if err != nil || len(page.Runs) != 1 {
		t.Errorf("%d failed runs, %v", len(page.Runs), err)
	}
}

// A flow that emits the event that starts it, itself or through one that it calls,
// ends after a hundred runs.
func TestEmitLoop(t *testing.T) {
	t.Parallel()
	const emit = "{ type: emit, with: { event: paid, key: k, data: { a: 1 } } }"
	tests := map[string][]string{
		"itself": {"flow: loop\nnodes:\n  n1: { type: event, with: { name: paid }, next: n2 }\n  n2: " + emit + "\n"},
		"through another": {
			"flow: loop\nnodes:\n  n1: { type: event, with: { name: paid }, next: n2 }\n  n2: { type: call, with: { flow: teller } }\n",
			"flow: teller\nnodes:\n  n1: { type: called, next: n2 }\n  n2: " + emit + "\n",
		},
	}
	for name, sources := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				flows := map[string]*flow.Flow{}
				for _, src := range sources {
					f := loadReal(t, src)
					flows[f.Name] = f
				}
				d := disk()
				p := bootConfig(t, d, engine.Config{
					Audience: audience{[]*flow.Flow{flows["loop"]}, false}.find,
					Callee:   func(name string) *flow.Flow { return flows[name] },
					Flow:     func(_ context.Context, s journal.Summary) (*flow.Flow, error) { return flows[s.Flow], nil },
				})
				if _, err := p.Publish(t.Context(), occurrence("e", "k", `{"a":1}`)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute)
				page, err := d.Runs(t.Context(), journal.Filter{Limit: 1000, Flow: "loop"})
				if err != nil || len(page.Runs) != 101 {
					t.Fatalf("%d runs, %v, want the first and a hundred of its kind", len(page.Runs), err)
				}
				failed, err := d.Runs(t.Context(), journal.Filter{Status: run.Failed})
				if err != nil || len(failed.Runs) == 0 || failed.Runs[len(failed.Runs)-1].Code != "event-loop" {
					t.Errorf("failed are %+v, %v", failed.Runs, err)
				}
				p.kill()
			})
		})
	}
}

// A run that emits does so once, after whichever append its process dies.
func TestEmitAfterEachAppend(t *testing.T) {
	t.Parallel()
	for kill := 1; kill <= 8; kill++ {
		t.Run(fmt.Sprint(kill), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sender := loadReal(t, `flow: sender
nodes:
  hook: { type: webhook, with: { path: /x }, next: nap }
  nap: { type: delay, with: { for: 1h }, next: tell }
  tell: { type: emit, with: { event: paid, key: "7", data: { a: 1 } }, next: again }
  again: { type: delay, with: { for: 1h }, next: done }
  done: { type: end }
`)
				listener := loadReal(t, fmt.Sprintf(listening, "listener", ""))
				d := disk()
				cfg := engine.Config{
					Audience: audience{[]*flow.Flow{listener}, false}.find,
					Flow: func(_ context.Context, s journal.Summary) (*flow.Flow, error) {
						if s.Flow == "sender" {
							return sender, nil
						}
						return listener, nil
					},
				}
				first := bootConfig(t, &mortal{Driver: d, killAfter: kill}, cfg)
				id := accept(t, first, sender)
				time.Sleep(3 * time.Hour)
				first.kill()
				bootConfig(t, d, cfg)
				if s := ended(t, d, id); s.Status != run.Completed {
					t.Errorf("run is %s: %s", s.Status, s.Reason)
				}
				time.Sleep(time.Hour)
				page, err := d.Runs(t.Context(), journal.Filter{Flow: "listener"})
				if err != nil || len(page.Runs) != 1 || page.Runs[0].Status != run.Completed {
					t.Errorf("the listener has runs %+v, %v", page.Runs, err)
				}
			})
		})
	}
}
