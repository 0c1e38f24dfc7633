package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

// pauses is a flow whose vendor may be down, and what its runs may take in all.
func pauses(t testing.TB, durable bool, timeout time.Duration) *flow.Flow {
	t.Helper()
	f, mistakes := flow.Load("sample.yaml", fmt.Appendf(nil, `flow: sample
timeout: %s
durable: %v
nodes:
  hook: { type: start, next: a }
  a:
    type: call-idempotent
    with: { urls: [/one] }
    retry: { max: 1, on: [onTimeout], delay: 1s, then: pause }
    next: done
    outcomes: { onTimeout: sorry }
  done: { type: respond, with: { body: done } }
  sorry: { type: respond, with: { body: sorry } }
`, timeout, durable), flow.Config{Types: types(t)})
	if f == nil {
		t.Fatal(mistakes.Err())
	}
	return f
}

// moody is a vendor that is down until it is well.
type moody struct {
	vendor
	well atomic.Bool
}

func newMoody() *moody {
	m := &moody{}
	m.reply = func(context.Context, outbound.Request) wire.Reply {
		if m.well.Load() {
			return wire.Reply{Status: 200}
		}
		return wire.Reply{Failure: wire.Timeout, Message: "down"}
	}
	return m
}

// named are the names of a run's events.
func named(t *testing.T, d journal.Driver, id string) (names []string) {
	t.Helper()
	events, err := d.Events(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		names = append(names, run.Name(e))
	}
	return names
}

func is(t *testing.T, d journal.Driver, id string, want run.Status) journal.Summary {
	t.Helper()
	s, err := d.Find(t.Context(), id)
	if err != nil || s.Status != want {
		t.Fatalf("run is %s, %v; want %s", s.Status, err, want)
	}
	return s
}

// TestPause: a run whose retries run out waits for somebody, in the journal or in
// memory, and whoever waits for it is told.
func TestPause(t *testing.T) {
	t.Parallel()
	for _, durable := range []bool{true, false} {
		for _, giveUp := range []bool{true, false} {
			t.Run(fmt.Sprintf("durable %v, give up %v", durable, giveUp), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					d, v, f := disk(), newMoody(), pauses(t, durable, 10*time.Second)
					memory := journal.NewMemory(10)
					p := bootAs(t, d, f, engine.Config{Caller: v, Memory: memory})
					where := journal.Driver(memory)
					if durable {
						where = d
					}
					r := start(t, p.Engine, f)
					res, err := r.Response(t.Context())
					if err != nil || res.Status != run.Paused || res.Outcome != "onTimeout" || res.Response != nil {
						t.Fatalf("Response = %+v, %v; want one that is paused by onTimeout", res, err)
					}
					r.Leave()
					time.Sleep(time.Hour) // its ten seconds do not go on
					if s := is(t, where, r.ID, run.Paused); s.Node != "a" || s.Outcome != "onTimeout" || s.Reason == "" {
						t.Errorf("paused at %q by %q: %q", s.Node, s.Outcome, s.Reason)
					}
					if durable == (p.Find(r.ID) != nil) {
						t.Errorf("the engine drives the run: %v", !durable)
					}
					if _, _, err := p.Retry(t.Context(), r.ID, engine.Retry{}); err == nil {
						t.Error("a paused run is retried")
					}
					v.well.Store(true)
					if err := p.Resume(t.Context(), r.ID, engine.Resumption{GiveUp: giveUp}); err != nil {
						t.Fatal(err)
					}
					s := ended(t, where, r.ID)
					body := map[bool]string{true: "sorry", false: "done"}[giveUp]
					events, err := where.Events(t.Context(), r.ID)
					if err != nil || s.Status != run.Completed {
						t.Fatalf("run is %s, %s, %v", s.Status, s.Reason, err)
					}
					for _, e := range events {
						if e, ok := e.(run.RunResponded); ok && e.Body != body {
							t.Errorf("response %v, want %s", e.Body, body)
						}
					}
					calls := map[bool]int{true: 2, false: 3}[giveUp]
					if n := len(v.calls()); n != calls {
						t.Errorf("the vendor was called %d times, want %d", n, calls)
					}
					if key := v.calls()[0].Key; slices.ContainsFunc(v.calls(), func(r outbound.Request) bool { return r.Key != key }) {
						t.Error("a call that is tried again after the pause has another key")
					}
					if err := p.Resume(t.Context(), r.ID, engine.Resumption{}); !errors.Is(err, engine.ErrNotPaused) {
						t.Errorf("Resume of a run that has ended: %v", err)
					}
				})
			})
		}
	}
}

// TestPauseSurvives kills the process after each append of a run that is paused
// and resumed: it waits as long as nobody resumes it, and is resumed once.
func TestPauseSurvives(t *testing.T) {
	t.Parallel()
	for kill := 1; kill <= 6; kill++ {
		t.Run(fmt.Sprint(kill), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, v, f := disk(), newMoody(), pauses(t, true, 10*time.Minute)
				first := boot(t, &mortal{Driver: d, killAfter: kill}, f, v)
				id := accept(t, first, f)
				time.Sleep(5 * time.Second)
				resume, stop := context.WithTimeout(t.Context(), time.Second)
				_ = first.Resume(resume, id, engine.Resumption{}) // it may be dead
				stop()
				time.Sleep(5 * time.Second)
				first.kill()
				second := boot(t, d, f, v)
				time.Sleep(time.Hour)
				is(t, d, id, run.Paused)
				v.well.Store(true)
				if err := second.Resume(t.Context(), id, engine.Resumption{}); err != nil {
					t.Fatal(err)
				}
				if s := ended(t, d, id); s.Status != run.Completed {
					t.Errorf("run is %s: %s", s.Status, s.Reason)
				}
			})
		})
	}
}

// TestStopWhilePaused: nobody waits at a stop for a run that waits for somebody.
func TestStopWhilePaused(t *testing.T) {
	t.Parallel()
	for _, durable := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			d, v, f := disk(), newMoody(), pauses(t, durable, time.Minute)
			p := boot(t, d, f, v)
			accept(t, p, f)
			time.Sleep(5 * time.Second)
			before := time.Now()
			if err := p.Shutdown(t.Context()); err != nil || time.Since(before) > 0 {
				t.Errorf("durable %v: Shutdown: %v, after %s", durable, err, time.Since(before))
			}
		})
	}
}

// TestResumeTogether: of many who resume a run at the same instant one does.
func TestResumeTogether(t *testing.T) {
	t.Parallel()
	for _, durable := range []bool{true, false} {
		t.Run(fmt.Sprint("durable ", durable), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, v, f := disk(), newMoody(), pauses(t, durable, 10*time.Second)
				memory := journal.NewMemory(10)
				p := bootAs(t, d, f, engine.Config{Caller: v, Memory: memory})
				where := journal.Driver(memory)
				if durable {
					where = d
				}
				id := accept(t, p, f)
				time.Sleep(5 * time.Second)
				v.well.Store(true)
				results := make(chan error)
				for range 8 {
					go func() { results <- p.Resume(t.Context(), id, engine.Resumption{}) }()
				}
				for range 8 {
					if err := <-results; err != nil && !errors.Is(err, engine.ErrNotPaused) {
						t.Errorf("Resume: %v", err)
					}
				}
				ended(t, where, id)
				n := 0
				for _, name := range named(t, where, id) {
					if name == "run-resumed" {
						n++
					}
				}
				if n != 1 {
					t.Errorf("the run was resumed %d times", n)
				}
			})
		})
	}
}

// TestCancelPaused ends a run that waits for somebody.
func TestCancelPaused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, v, f := disk(), newMoody(), pauses(t, true, 10*time.Second)
		p := boot(t, d, f, v)
		id := accept(t, p, f)
		time.Sleep(5 * time.Second)
		if err := p.Cancel(t.Context(), id, "enough"); err != nil {
			t.Fatal(err)
		}
		if s := is(t, d, id, run.Cancelled); s.Reason != "enough" || s.Outcome != "" {
			t.Errorf("cancelled by %q, %q", s.Reason, s.Outcome)
		}
	})
}

// TestReplacePaused takes a paused run up with another flow: the old one ends, and
// one new begins, however often it is asked for.
func TestReplacePaused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, v, f := disk(), newMoody(), pauses(t, true, 10*time.Second)
		p := boot(t, d, f, v)
		id := accept(t, p, f)
		if _, _, err := p.Retry(t.Context(), id, engine.Retry{Flow: f, Once: true, Replace: true}); !errors.Is(err, engine.ErrNotPaused) {
			t.Errorf("Retry in the place of a run that is running: %v", err)
		}
		time.Sleep(5 * time.Second)
		v.well.Store(true)
		r, plan, err := p.Retry(t.Context(), id, engine.Retry{Flow: f, Once: true, Replace: true})
		if err != nil || plan.From != "a" || plan.Repeated {
			t.Fatalf("Retry = %+v, %v; want one from a", plan, err)
		}
		is(t, d, id, run.Cancelled)
		if s := ended(t, d, r.ID); s.Status != run.Completed || s.RetryOf != id {
			t.Errorf("the new run is %s, of %q", s.Status, s.RetryOf)
		}
	})
}

// TestFlowPaused: while a flow is paused its new runs wait before their first node,
// over restarts, and go on in the order in which they began.
func TestFlowPaused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, v := disk(), &vendor{}
		f := load(t, "  a: { type: call-idempotent, with: { urls: [/one] } }")
		var paused atomic.Pointer[journal.Pause]
		var order []string
		cfg := engine.Config{
			Caller: v, Paused: func(string) *journal.Pause { return paused.Load() }, Recoveries: 1,
			Observers: fact.Observe(func(e fact.Fact) {
				if e, ok := e.(fact.RunResumed); ok {
					order = append(order, e.Run.ID)
				}
			}),
		}
		paused.Store(&journal.Pause{Since: time.Now(), Reason: "incident"})
		first := bootAs(t, d, f, cfg)
		var ids []string
		for range 5 {
			ids = append(ids, accept(t, first, f))
			time.Sleep(time.Millisecond)
		}
		waits := start(t, first.Engine, f) // somebody waits for this one
		res, err := waits.Response(t.Context())
		if err != nil || res.Status != run.Paused || waits.Began() != run.Paused {
			t.Fatalf("Response = %+v, %v; want one that is paused", res, err)
		}
		waits.Leave()
		ids = append(ids, waits.ID)
		time.Sleep(time.Hour)
		first.kill()
		second := bootAs(t, d, f, cfg)
		time.Sleep(time.Hour)
		for _, id := range ids {
			if s := is(t, d, id, run.Paused); s.Reason != "the flow is paused: incident" || s.Outcome != "" {
				t.Errorf("paused by %q, %q", s.Outcome, s.Reason)
			}
		}
		if n := len(v.calls()); n > 0 {
			t.Errorf("the vendor was called %d times", n)
		}
		if err := second.Resume(t.Context(), ids[2], engine.Resumption{GiveUp: true}); !errors.Is(err, engine.ErrNothingToGiveUp) {
			t.Errorf("Resume to give up: %v", err)
		}
		if err := second.Resume(t.Context(), ids[2], engine.Resumption{}); err != nil {
			t.Fatal(err)
		}
		ended(t, d, ids[2])
		is(t, d, ids[1], run.Paused)
		paused.Store(nil)
		second.FlowResumed(f.Name)
		for _, id := range ids {
			ended(t, d, id)
		}
		want := slices.Concat([]string{ids[2]}, ids[:2], ids[3:])
		if diff := cmp.Diff(want, order); diff != "" {
			t.Errorf("resumed (-want +got):\n%s", diff)
		}
		id := accept(t, second, f)
		ended(t, d, id)
		if names := named(t, d, id); slices.Contains(names, "run-paused") {
			t.Errorf("a run of a flow that goes on: %v", names)
		}
	})
}

// TestFlowResumedWhileDead: runs that waited for their flow go on after a start that
// finds the flow going on.
func TestFlowResumedWhileDead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, v := disk(), &vendor{}
		f := load(t, "  a: { type: call-idempotent, with: { urls: [/one] } }")
		first := bootAs(t, d, f, engine.Config{Caller: v, Paused: func(string) *journal.Pause { return &journal.Pause{} }})
		id := accept(t, first, f)
		time.Sleep(time.Minute)
		first.kill()
		boot(t, d, f, v)
		if s := ended(t, d, id); s.Status != run.Completed {
			t.Errorf("run is %s: %s", s.Status, s.Reason)
		}
	})
}

// TestPausedChild: a run waits for one that it made while that is paused, because
// its retries ran out or its flow is, over a restart too.
func TestPausedChild(t *testing.T) {
	t.Parallel()
	child := strings.Replace(childFlow, "urls: [/one] }", "urls: [/one] }, retry: { max: 1, on: [onTimeout], delay: 1s, then: pause }", 1)
	for name, held := range map[string]bool{"its retries ran out": false, "its flow is paused": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, v, f := disk(), newMoody(), loadFamily(t, parentFlow, child)
				var paused atomic.Pointer[journal.Pause]
				cfg := f.config(v)
				cfg.Paused = func(name string) *journal.Pause {
					if name != "child" {
						return nil
					}
					return paused.Load()
				}
				if held {
					paused.Store(&journal.Pause{})
				}
				first := bootConfig(t, d, cfg)
				id := accept(t, first, f["parent"])
				time.Sleep(time.Hour)
				first.kill()
				second := bootConfig(t, d, cfg)
				time.Sleep(time.Hour)
				events, err := d.Events(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				childID := childOf(t, events, 0)
				is(t, d, childID, run.Paused)
				if s, err := d.Find(t.Context(), id); err != nil || s.Status.Ended() || s.Status == run.Paused {
					t.Fatalf("the parent is %s, %v", s.Status, err)
				}
				var refused *engine.RetryError
				_, _, err = second.Retry(t.Context(), childID, engine.Retry{Flow: f["child"], Once: true, Replace: true})
				if !errors.As(err, &refused) {
					t.Errorf("another run in the place of a child: %v", err)
				}
				v.well.Store(true)
				if held {
					paused.Store(nil)
					second.FlowResumed("child")
				} else if err := second.Resume(t.Context(), childID, engine.Resumption{}); err != nil {
					t.Fatal(err)
				}
				if s := ended(t, d, id); s.Status != run.Completed {
					t.Errorf("the parent is %s: %s", s.Status, s.Reason)
				}
			})
		})
	}
}

// TestFlowPausedGoesOnInside: what a run of a paused flow makes of its own nodes has
// begun with it.
func TestFlowPausedGoesOnInside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := disk()
		f := loadFamily(t, `flow: parent
nodes:
  hook: { type: start, next: nap }
  nap: { type: sleep, next: a }
  a: { type: each, with: { count: 2, nodes: { out: { type: give, with: { n: $(index) } } } }, next: done }
  done: { type: respond, with: { body: $(a.ends) } }
`)
		var paused atomic.Pointer[journal.Pause]
		cfg := f.config(&vendor{})
		cfg.Paused = func(string) *journal.Pause { return paused.Load() }
		p := bootConfig(t, d, cfg)
		id := accept(t, p, f["parent"])
		time.Sleep(time.Minute)
		paused.Store(&journal.Pause{})
		if s := ended(t, d, id); s.Status != run.Completed {
			t.Errorf("run is %s: %s", s.Status, s.Reason)
		}
	})
}
