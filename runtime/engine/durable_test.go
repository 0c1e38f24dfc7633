package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

// disk is a journal that outlives engines, as a file does.
func disk() *journal.Memory { return journal.NewMemory(1000) }

// process is an engine as one process has it.
type process struct {
	*engine.Engine
	driver journal.Driver
	kill   func()
}

func (p *process) disk() journal.Driver { return p.driver }

// boot starts a process on a disk. kill ends it without a word: nothing that it
// has in memory is written.
func boot(t *testing.T, d journal.Driver, f *flow.Flow, v engine.Caller, watch ...fact.Observer) *process {
	t.Helper()
	return bootAs(t, d, f, engine.Config{Caller: v, Observers: fact.Observe(watch...)})
}

// bootNamed has runs r1, r2 and so on.
func bootNamed(t *testing.T, d journal.Driver, f *flow.Flow, v engine.Caller, watch ...fact.Observer) *process {
	t.Helper()
	n := 0
	return bootAs(t, d, f, engine.Config{Caller: v, Observers: fact.Observe(watch...), NewID: func() string {
		n++
		return fmt.Sprint("r", n)
	}})
}

func bootAs(t *testing.T, d journal.Driver, f *flow.Flow, cfg engine.Config) *process {
	t.Helper()
	cfg.Flow = func(context.Context, journal.Summary) (*flow.Flow, error) { return f, nil }
	return bootConfig(t, d, cfg)
}

func bootConfig(t *testing.T, d journal.Driver, cfg engine.Config) *process {
	t.Helper()
	dead := &mortal{Driver: d}
	cfg.Journal, cfg.Version = dead, "v2.0.0"
	e := engine.New(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := e.Run(ctx); err != nil && !errors.Is(err, errDead) {
			t.Errorf("Run: %v", err)
		}
	}()
	kill := sync.OnceFunc(func() {
		dead.die()
		cancel()
		<-done
		gone, stop := context.WithCancel(context.Background())
		stop()
		_ = e.Shutdown(gone)
	})
	t.Cleanup(kill)
	return &process{e, d, kill}
}

// mortal is the journal of a process that can be killed.
type mortal struct {
	journal.Driver
	mu   sync.Mutex
	dead bool
	// killAfter kills the process after so many appends; 0 does not.
	appends, killAfter int
}

var errDead = fmt.Errorf("the process was killed: %w", journal.ErrClosed)

func (m *mortal) die() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dead = true
}

func (m *mortal) Append(ctx context.Context, id string, after int, events []run.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errDead
	}
	if m.appends++; m.appends == m.killAfter {
		m.dead = true
	}
	return m.Driver.Append(ctx, id, after, events)
}

// Change counts as an append: what is killed by it does not learn what came of it.
func (m *mortal) Change(ctx context.Context, c journal.Change, b journal.ValueBounds) (journal.Changed, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return journal.Changed{}, errDead
	}
	is, err := m.Driver.Change(ctx, c, b)
	if m.appends++; m.appends == m.killAfter {
		m.dead = true
		return journal.Changed{}, errDead
	}
	return is, err
}

func (m *mortal) Release(ctx context.Context, owner string, s journal.Shards) error {
	return m.Driver.Release(ctx, owner, s) // leases of the dead run out; tests need not wait for it
}

func ended(t *testing.T, d journal.Driver, id string) journal.Summary {
	t.Helper()
	for range 5000 {
		s, err := d.Find(t.Context(), id)
		if err != nil && !errors.Is(err, journal.ErrNotFound) {
			t.Fatal(err)
		}
		if s.Status.Ended() {
			return s
		}
		time.Sleep(5 * time.Second) // inside synctest: no real time
	}
	t.Fatalf("run %s does not end", id)
	return journal.Summary{}
}

func accept(t *testing.T, p *process, f *flow.Flow) string {
	t.Helper()
	r, _, err := p.Start(t.Context(), engine.Start{Flow: f, Accepted: true})
	if err != nil {
		t.Fatal(err)
	}
	return r.ID
}

func TestRunGoesOnAfterACrash(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, nodes string
		want        run.Status
		outcome     string
		calls       int // of the vendor, in both lives together
	}{
		{"asleep", `  a: { type: sleep }`, run.Completed, "success", 0},
		{"in an idempotent call", `  a: { type: call-idempotent, with: { urls: [/one] } }`, run.Completed, "success", 2},
		{"in a call that must not be repeated", `  a: { type: call, with: { urls: [/one] } }`, run.Failed, "onError", 1},
		{"waiting for an event", `  a: { type: await, next: b, outcomes: { received: b, onTimeout: b } }` + "\n  b: { type: respond }", run.Completed, "success", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, f := disk(), load(t, tc.nodes)
				hang := &vendor{reply: func(ctx context.Context, _ outbound.Request) wire.Reply {
					<-ctx.Done()
					return wire.Reply{Failure: wire.Interrupted}
				}}
				first := boot(t, d, f, hang)
				id := accept(t, first, f)
				time.Sleep(time.Second)
				first.kill()
				answers := &vendor{}
				boot(t, d, f, answers)
				s := ended(t, d, id)
				if s.Status != tc.want || s.Outcome != tc.outcome {
					t.Errorf("run is %s, outcome %q, %s; want %s, %q", s.Status, s.Outcome, s.Reason, tc.want, tc.outcome)
				}
				if n := len(hang.calls()) + len(answers.calls()); n != tc.calls {
					t.Errorf("the vendor was called %d times, want %d", n, tc.calls)
				}
				if len(answers.calls()) > 0 && answers.calls()[0].Key != hang.calls()[0].Key {
					t.Error("the repeated call has another key")
				}
			})
		})
	}
}

// TestCrashAfterEachAppend kills the process after every single append of a run
// and expects the same end as without a crash.
func TestCrashAfterEachAppend(t *testing.T) {
	t.Parallel()
	nodes := `  a: { type: call-idempotent, with: { urls: [/one, /two] }, next: b }
  b: { type: sleep, next: c }
  c: { type: await, outcomes: { onTimeout: d, received: d } }
  d: { type: call-idempotent, with: { urls: [/three] }, next: e }
  e: { type: respond, with: { body: $(a.status) } }
`
	for kill := 1; kill <= 8; kill++ {
		t.Run(fmt.Sprint(kill), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, f, v := disk(), load(t, nodes), &vendor{}
				first := boot(t, &mortal{Driver: d, killAfter: kill}, f, v)
				id := accept(t, first, f)
				time.Sleep(2 * time.Hour)
				first.kill()
				boot(t, d, f, v)
				s := ended(t, d, id)
				if s.Status != run.Completed {
					t.Errorf("run is %s: %s", s.Status, s.Reason)
				}
				keys := map[string]string{}
				for _, c := range v.calls() {
					if url, ok := keys[c.Key]; ok && url != c.Call.URL {
						t.Errorf("one key for %s and %s", url, c.Call.URL)
					}
					keys[c.Key] = c.Call.URL
				}
				if len(keys) != 3 {
					t.Errorf("%d keys, want one for each of three calls", len(keys))
				}
			})
		})
	}
}

// TestClockIsSet: a parked run is taken up when its hour has passed, whatever is
// done to the machine's clock meanwhile.
func TestClockIsSet(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{-time.Hour, 40 * 24 * time.Hour} {
		t.Run(by.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var set atomic.Int64
				steady := clock.NewSteady(clock.System, func() time.Time { return time.Now().Round(0).Add(time.Duration(set.Load())) })
				f, d := load(t, `  a: { type: sleep }`), disk()
				p := bootAs(t, d, f, engine.Config{Clock: steady})
				go steady.Watch(t.Context(), func(clock.Jump) {})
				id := accept(t, p, f)
				time.Sleep(time.Minute)
				if p.Find(id) != nil {
					t.Error("the run is not parked")
				}
				set.Store(int64(by))
				for _, after := range []struct {
					wait time.Duration
					want run.Status
				}{{58 * time.Minute, run.Waiting}, {2 * time.Minute, run.Completed}} {
					time.Sleep(after.wait)
					synctest.Wait()
					if s, err := d.Find(t.Context(), id); err != nil || s.Status != after.want {
						t.Errorf("the run is %q, %v, want %q", s.Status, err, after.want)
					}
				}
			})
		})
	}
}

// TestKeepsUp: of a long row of calls that may be repeated only the last few are,
// after a crash, with the keys that they had; also if the calls are slow, and if
// one node makes them all.
func TestKeepsUp(t *testing.T) {
	t.Parallel()
	urls := strings.TrimSuffix(strings.Repeat("/one, ", 500), ", ")
	for name, tc := range map[string]struct {
		nodes       string
		pause       time.Duration // of each call
		before      int           // calls that are answered in the first life
		atMostAgain int
	}{
		"a loop":        {`  a: { type: call-idempotent, with: { urls: [/one] }, next: a }`, 0, 490, 20},
		"a slow loop":   {`  a: { type: call-idempotent, with: { urls: [/one] }, next: a }`, 2 * time.Second, 17, 3},
		"one node":      {"  a: { type: call-idempotent, with: { urls: [" + urls + "] } }", 0, 490, 20},
		"one slow node": {"  a: { type: call-idempotent, with: { urls: [" + urls + "] } }", 2 * time.Second, 17, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, f := disk(), load(t, tc.nodes)
				calls, crashed := map[string]int{}, make(chan struct{}) // by key
				var mu sync.Mutex
				v := &vendor{reply: func(ctx context.Context, r outbound.Request) wire.Reply {
					time.Sleep(tc.pause)
					mu.Lock()
					calls[r.Key]++
					n := len(calls)
					mu.Unlock()
					if n == tc.before+1 {
						select {
						case <-crashed:
						default: // the process ends in this call
							close(crashed)
							<-ctx.Done()
							return wire.Reply{Failure: wire.Interrupted}
						}
					}
					return wire.Reply{Status: 200}
				}}
				first := boot(t, d, f, v)
				id := accept(t, first, f)
				<-crashed
				first.kill()
				second := boot(t, d, f, v)
				ended(t, d, id)
				second.kill()
				again := 0
				for _, times := range calls {
					again += times - 1
				}
				if again == 0 || again > tc.atMostAgain+1 { // that which was interrupted too
					t.Errorf("%d of %d calls were made again, want %d at most, and that which was interrupted", again, len(calls), tc.atMostAgain)
				}
			})
		})
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	nodes := `  a: { type: await, outcomes: { received: b, onTimeout: c } }` + "\n  b: { type: respond, with: { body: $(a.n) } }\n  c: { type: respond, with: { body: late } }"
	event := func(id string) journal.Event {
		return journal.Event{ID: id, Name: "e", Key: "k", Data: []byte(`{"n":7}`), Expires: time.Now().Add(time.Hour)}
	}
	response := func(t *testing.T, p *process, id string) any {
		t.Helper()
		events, err := p.Events(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if r, ok := e.(run.RunResponded); ok {
				return r.Body
			}
		}
		return nil
	}
	for _, tc := range []struct {
		name string
		play func(t *testing.T, p *process, start func() string) string
		want any
	}{
		{"after the wait began", func(t *testing.T, p *process, start func() string) string {
			id := start()
			time.Sleep(time.Second)
			deliver(t, p, event("1"), true)
			return id
		}, 7},
		{"before the wait began", func(t *testing.T, p *process, start func() string) string {
			deliver(t, p, event("1"), true)
			return start()
		}, 7},
		{"a duplicate", func(t *testing.T, p *process, start func() string) string {
			deliver(t, p, event("1"), true)
			deliver(t, p, event("1"), false)
			id := start()
			ended(t, p.disk(), id)
			deliver(t, p, event("1"), false)
			return id
		}, 7},
		{"too late", func(t *testing.T, p *process, start func() string) string {
			id := start()
			time.Sleep(2 * time.Minute)
			deliver(t, p, event("1"), true)
			return id
		}, "late"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := load(t, nodes)
				p := boot(t, disk(), f, &vendor{})
				id := tc.play(t, p, func() string { return accept(t, p, f) })
				ended(t, p.disk(), id)
				if diff := cmp.Diff(tc.want, response(t, p, id)); diff != "" {
					t.Errorf("response (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func deliver(t *testing.T, p *process, e journal.Event, fresh bool) {
	t.Helper()
	got, err := p.Deliver(t.Context(), e)
	if err != nil || got != fresh {
		t.Errorf("Deliver(%s) = %v, %v; want %v", e.ID, got, err, fresh)
	}
}

// One event, two runs that wait for it: one gets it, the other times out.
func TestAnEventIsReceivedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := load(t, `  a: { type: await, outcomes: { received: b, onTimeout: c } }`+"\n  b: { type: respond }\n  c: { type: broken }")
		p := boot(t, disk(), f, &vendor{})
		ids := []string{accept(t, p, f), accept(t, p, f)}
		time.Sleep(time.Second)
		deliver(t, p, journal.Event{ID: "1", Name: "e", Key: "k", Expires: time.Now().Add(time.Hour)}, true)
		counts := map[run.Status]int{}
		for _, id := range ids {
			counts[ended(t, p.disk(), id).Status]++
		}
		if diff := cmp.Diff(map[run.Status]int{run.Completed: 1, run.Failed: 1}, counts); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
	})
}

// Data that no waiting run can use are refused; the run that can gets them, though
// it waits for a shorter time. What came before is not looked at again.
func TestAnEventMustFit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		number := load(t, "  a: { type: await-number, outcomes: { received: b, onTimeout: c } }\n  b: { type: respond }\n  c: { type: broken }")
		p := boot(t, disk(), number, &vendor{})
		waits := accept(t, p, number)
		time.Sleep(10 * time.Second) // parked
		event := journal.Event{ID: "1", Name: "e", Key: "k", Data: []byte(`{"n": "7"}`), Expires: time.Now().Add(time.Hour)}
		_, err := p.Deliver(t.Context(), event)
		misfit, ok := errors.AsType[*engine.MisfitError](err)
		if !ok || misfit.Run != waits || misfit.Node != "a" || len(misfit.Problems) != 1 {
			t.Fatalf("Deliver: %v", err)
		}
		if s, err := p.disk().Find(t.Context(), waits); err != nil || s.Status != run.Waiting {
			t.Errorf("the run is %s, %v; want it to wait", s.Status, err)
		}
		event.Data = []byte(`{"n": 7}`)
		deliver(t, p, event, true)
		l, err := p.Delivered(t.Context(), event, time.Second)
		if err != nil || l.Taker != waits {
			t.Errorf("the event went to %q, %v; want %q", l.Taker, err, waits)
		}
		if s := ended(t, p.disk(), waits); s.Status != run.Completed {
			t.Errorf("the run is %s", s.Status)
		}
		waits = accept(t, p, number)
		time.Sleep(10 * time.Second)
		event.Data = nil
		deliver(t, p, event, false)
		if l, err := p.Delivered(t.Context(), event, time.Second); err != nil || l.Taker == waits {
			t.Errorf("an event that came before went to %q, %v", l.Taker, err)
		}
	})
}

// What an emit node sends must fit too: the one that emits is told.
func TestAnEmittedEventMustFit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		number := load(t, "  a: { type: await-number, outcomes: { received: b, onTimeout: c } }\n  b: { type: respond }\n  c: { type: broken }")
		tells := load(t, "  a: { type: tell-words, next: b }\n  b: { type: respond }")
		p := boot(t, disk(), number, &vendor{})
		waits := accept(t, p, number)
		time.Sleep(10 * time.Second)
		told := accept(t, p, tells)
		if s := ended(t, p.disk(), told); s.Status != run.Failed || !strings.Contains(s.Reason, "does not fit") {
			t.Errorf("the run that emits is %s: %s", s.Status, s.Reason)
		}
		if s, err := p.disk().Find(t.Context(), waits); err != nil || s.Status != run.Waiting {
			t.Errorf("the run that waits is %s, %v; want it to wait", s.Status, err)
		}
	})
}

func TestRepeatedStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := load(t, `  a: { type: call-idempotent, with: { urls: [/one] }, next: b }`+"\n  b: { type: respond, with: { body: $(a.status) } }")
		p := boot(t, disk(), f, &vendor{})
		const many = 20
		ids := make([]string, many)
		var wg sync.WaitGroup
		fresh := 0
		var mu sync.Mutex
		for i := range many {
			wg.Go(func() {
				r, repeated, err := p.Start(t.Context(), engine.Start{Flow: f, Dedupe: journal.Dedupe{Scope: "s", Key: "k", For: time.Hour}})
				if err != nil {
					t.Error(err)
					return
				}
				res, err := r.Response(t.Context())
				if err != nil || res.Response == nil || res.Response.Body != 200 {
					t.Errorf("Response: %+v, %v", res, err)
				}
				mu.Lock()
				defer mu.Unlock()
				ids[i] = r.ID
				if !repeated {
					fresh++
				}
			})
		}
		wg.Wait()
		if fresh != 1 {
			t.Errorf("%d runs were begun, want 1", fresh)
		}
		for _, id := range ids {
			if id != ids[0] {
				t.Errorf("runs %s and %s for one key", id, ids[0])
			}
		}
		time.Sleep(2 * time.Hour)
		if _, repeated, err := p.Start(t.Context(), engine.Start{Flow: f, Dedupe: journal.Dedupe{Scope: "s", Key: "k", For: time.Hour}}); err != nil || repeated {
			t.Errorf("Start after the key's time: repeated %v, %v", repeated, err)
		}
	})
}

// A request that comes again after its run failed begins another, which one of
// many does; while the run goes on, on either side of a crash, none does.
func TestRepeatedAfterAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := load(t, `  a: { type: sleep, next: b }
  b: { type: call-idempotent, with: { urls: [/one] }, next: c }
  c: { type: respond, with: { body: $(b.status) } }`)
		d, down := disk(), true
		v := &vendor{reply: func(context.Context, outbound.Request) wire.Reply {
			if down {
				return wire.Reply{Status: 500}
			}
			return wire.Reply{Status: 200}
		}}
		p := boot(t, d, f, v)
		start := func() (id string, repeated bool) {
			t.Helper()
			r, repeated, err := p.Start(t.Context(), engine.Start{Flow: f, Accepted: true, Dedupe: journal.Dedupe{Scope: "s", Key: "k", For: 48 * time.Hour}})
			if err != nil {
				t.Fatal(err)
			}
			return r.ID, repeated
		}
		want := func(what, id string, repeated bool) {
			t.Helper()
			if got, again := start(); got != id || again != repeated {
				t.Errorf("%s: run %s, repeated %v; want %s, %v", what, got, again, id, repeated)
			}
		}
		first, _ := start()
		want("while it goes on", first, true)
		p.kill()
		p = boot(t, d, f, v)
		want("after a crash", first, true)
		if s := ended(t, d, first); s.Status != run.Failed {
			t.Fatalf("run is %s", s.Status)
		}
		p.kill()
		p = boot(t, d, f, v)
		var wg sync.WaitGroup
		var mu sync.Mutex
		fresh := map[string]bool{}
		for range 20 {
			wg.Go(func() {
				id, repeated := start()
				mu.Lock()
				defer mu.Unlock()
				fresh[id] = fresh[id] || !repeated
			})
		}
		wg.Wait()
		if len(fresh) != 1 || fresh[first] {
			t.Fatalf("runs after a failure, and whether they are new: %v; want one", fresh)
		}
		var second string
		for second = range fresh {
		}

		// Who tries it again has its key.
		if s := ended(t, d, second); s.Status != run.Failed {
			t.Fatalf("run is %s", s.Status)
		}
		down = false
		third, _, err := p.Retry(t.Context(), second, engine.Retry{})
		if err != nil {
			t.Fatal(err)
		}
		want("while it is tried again", third.ID, true)
		if s := ended(t, d, third.ID); s.Status != run.Completed {
			t.Fatalf("run is %s", s.Status)
		}
		want("when that went well", third.ID, true)

		// The first has none any more.
		fourth, _, err := p.Retry(t.Context(), first, engine.Retry{})
		if err != nil {
			t.Fatal(err)
		}
		ended(t, d, fourth.ID)
		want("after a retry of the first", third.ID, true)
	})
}

func TestCancelWhereverItIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := load(t, `  a: { type: sleep }`)
		p := boot(t, disk(), f, &vendor{})
		id := accept(t, p, f)
		time.Sleep(10 * time.Second) // parked by now
		if p.Find(id) != nil {
			t.Error("a run that sleeps for an hour is still in memory")
		}
		if err := p.Cancel(t.Context(), id, "enough"); err != nil {
			t.Fatal(err)
		}
		if s := ended(t, p.disk(), id); s.Status != run.Cancelled || s.Reason != "enough" {
			t.Errorf("run is %s, %q", s.Status, s.Reason)
		}
		if err := p.Cancel(t.Context(), id, "again"); !errors.Is(err, engine.ErrEnded) {
			t.Errorf("Cancel twice: %v", err)
		}
		if err := p.Cancel(t.Context(), "nobody", ""); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("Cancel of no run: %v", err)
		}
	})
}

func TestRetry(t *testing.T) {
	t.Parallel()
	nodes := `  a: { type: call-idempotent, with: { urls: [/one] }, next: b }
  b: { type: call, with: { urls: [/two] }, next: c }
  c: { type: respond, with: { body: $(a.status) } }`
	for from, want := range map[string][]string{
		"":     {"/two"},
		"b":    {"/two"},
		"a":    {"/one", "/two"},
		"hook": {"/one", "/two"},
	} {
		t.Run("from "+from, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, down := load(t, nodes), true
				v := &vendor{reply: func(_ context.Context, r outbound.Request) wire.Reply {
					if r.Call.URL == "/two" && down {
						return wire.Reply{Status: 500}
					}
					return wire.Reply{Status: 200}
				}}
				p := boot(t, disk(), f, v)
				id := accept(t, p, f)
				if s := ended(t, p.disk(), id); s.Status != run.Failed {
					t.Fatalf("run is %s", s.Status)
				}
				down = false
				before := len(v.calls())
				again, _, err := p.Retry(t.Context(), id, engine.Retry{From: from})
				if err != nil {
					t.Fatal(err)
				}
				s := ended(t, p.disk(), again.ID)
				if s.Status != run.Completed || s.RetryOf != id {
					t.Errorf("run is %s, a retry of %q: %s", s.Status, s.RetryOf, s.Reason)
				}
				var urls []string
				for _, c := range v.calls()[before:] {
					urls = append(urls, c.Call.URL)
				}
				if diff := cmp.Diff(want, urls); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestRetryKeepsTheError: a run that is taken up at the node which told of the
// failure still tells of it.
func TestRetryKeepsTheError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := load(t, `  a: { type: call, with: { urls: [/one] }, outcomes: { onError: b } }
  b: { type: ends, with: { reason: "$(error.node): $(error.message)" } }`)
		v := &vendor{reply: func(context.Context, outbound.Request) wire.Reply {
			return wire.Reply{Failure: wire.Unreachable, Message: "no route"}
		}}
		p := boot(t, disk(), f, v)
		id := accept(t, p, f)
		first := ended(t, p.disk(), id)
		again, _, err := p.Retry(t.Context(), id, engine.Retry{From: "b"})
		if err != nil {
			t.Fatal(err)
		}
		second := ended(t, p.disk(), again.ID)
		for _, s := range []journal.Summary{first, second} {
			if s.Status != run.Failed || s.Outcome != "onError" || s.Reason != "a: no route" || s.Error == nil || s.Error.Node != "a" {
				t.Errorf("run %s is %s by %q: %q, error %+v", s.ID, s.Status, s.Outcome, s.Reason, s.Error)
			}
		}
	})
}

// A full disk holds up a run that was promised, and loses nothing.
func TestJournalThatFailsForAWhile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := load(t, `  a: { type: call, with: { urls: [/one] }, next: b }`+"\n  b: { type: respond }")
		full := &flaky{Driver: disk()}
		v := &vendor{reply: func(context.Context, outbound.Request) wire.Reply {
			time.Sleep(time.Second)
			return wire.Reply{Status: 200}
		}}
		p := boot(t, full, f, v)
		id := accept(t, p, f)
		synctest.Wait()
		ended(t, full, id)
		full.fail = errors.New("disk full")
		if _, _, err := p.Start(t.Context(), engine.Start{Flow: f, Accepted: true}); err == nil {
			t.Error("a run was accepted that is not on disk")
		}
		full.fail = nil
		second := accept(t, p, f)
		synctest.Wait() // in the call by now
		full.set(errors.New("disk full"))
		time.Sleep(10 * time.Second)
		if s, err := full.Find(t.Context(), second); err != nil || s.Status != run.Running {
			t.Errorf("run is %s, %v while the disk is full", s.Status, err)
		}
		full.set(nil)
		if s := ended(t, full, second); s.Status != run.Completed {
			t.Errorf("run is %s: %s", s.Status, s.Reason)
		}
		if n := len(v.calls()); n != 2 {
			t.Errorf("the vendor was called %d times, want 2", n)
		}
	})
}

// newer is a journal in which a later version of Wend went on with each run.
type newer struct{ *journal.Memory }

func (n newer) Events(ctx context.Context, id string) ([]run.Event, error) {
	events, err := n.Memory.Events(ctx, id)
	if err != nil {
		return nil, err
	}
	return run.UnmarshalMore(events, []byte(`[{"type":"run-dreamt","event":{"at":"2026-11-20T08:00:00Z","wend":"v1.3.0"}}]`))
}

// TestUnknownEventIsLeftAlone has an engine find runs that a later version
// wrote: whatever they are doing, it does nothing.
func TestUnknownEventIsLeftAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, f, v := newer{disk()}, load(t, `  a: { type: call-idempotent, with: { urls: [/one] } }`), &vendor{}
		at := run.At{At: time.Now()}
		first := run.RunStarted{At: at, Run: "r1", Flow: f.Name, FlowDigest: f.Digest, Trigger: "hook"}
		due := run.TimerSet{At: at, Place: run.Place{Node: "a", Visit: 1, Attempt: 1}, Kind: run.TimerSleep, Due: time.Now().Add(time.Minute)}
		if err := d.Append(t.Context(), "r1", 0, []run.Event{first, due}); err != nil {
			t.Fatal(err)
		}
		p := boot(t, d, f, v)
		time.Sleep(time.Hour)
		_, err := p.Events(t.Context(), "r1")
		if unknown, ok := errors.AsType[*run.UnknownError](err); !ok || unknown.Wend != "v1.3.0" {
			t.Errorf("Events: %v, want what is unknown, and the version", err)
		}
		if err := p.Cancel(t.Context(), "r1", "try"); err == nil {
			t.Error("a run that cannot be read was cancelled")
		}
		if s, err := d.Find(t.Context(), "r1"); err != nil || s.Events != 2 || s.Status != run.Waiting {
			t.Errorf("the run has %d events and is %s, %v; want it as it was", s.Events, s.Status, err)
		}
		if n := len(v.calls()); n > 0 {
			t.Errorf("the vendor was called %d times", n)
		}
	})
}

// TestVersionIsOnRecord wants to know of each event which version wrote it.
func TestVersionIsOnRecord(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, f := disk(), load(t, `  a: { type: sleep, next: b }`+"\n  b: { type: sleep }")
		at := run.At{At: time.Now(), Wend: "v1.0.0"}
		first := run.RunStarted{At: at, Run: "r1", Flow: f.Name, FlowDigest: f.Digest, Trigger: "hook", Output: map[string]any{}}
		if err := d.Append(t.Context(), "r1", 0, []run.Event{first}); err != nil {
			t.Fatal(err)
		}
		p := boot(t, d, f, &vendor{})
		ended(t, d, "r1")
		own := accept(t, p, f)
		ended(t, d, own)
		for id, want := range map[string]string{"r1": "v1.0.0 v2.0.0", own: "v2.0.0"} {
			events, err := d.Events(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			var said []string
			for _, e := range events {
				if w := e.Writer(); w != "" {
					said = append(said, w)
				}
			}
			if got := strings.Join(said, " "); got != want {
				t.Errorf("versions in run %s: %q, want %q", id, got, want)
			}
		}
	})
}
