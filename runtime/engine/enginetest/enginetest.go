// Package enginetest is what every driver of package journal must pass beside
// journaltest: several engines that share its work, of which some die, are
// stopped, come and go. Time is virtual. It is for tests of drivers only.
package enginetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

// Setup is what the suite needs to know of a driver.
type Setup struct {
	// Open makes an empty journal that goes by a clock. Each call of join gives
	// the driver of one more process on it, which may be the same for all.
	// What is opened, the cleanup of tb closes.
	Open func(tb testing.TB, c clock.Clock) (join func() journal.Driver)
}

// Test runs the suite.
func Test(t *testing.T, s Setup) {
	for _, test := range []struct {
		name string
		run  func(*bench)
	}{
		{"FairParts", testFairParts},
		{"OwnRuns", testOwnRuns},
		{"OneJoins", testOneJoins},
		{"RunsMove", testRunsMove},
		{"OneLeaves", testOneLeaves},
		{"OneDies", testOneDies},
		{"OneIsStopped", testOneIsStopped},
		{"StoppedAnywhere", testStoppedAnywhere},
		{"StoppedWithAnEvent", testStoppedWithAnEvent},
		{"StoppedAtAChange", testStoppedAtAChange},
		{"BothAway", testBothAway},
		{"WrongEngine", testWrongEngine},
		{"Paused", testPaused},
		{"FlowPaused", testFlowPaused},
		{"WaitingCaller", testWaitingCaller},
		{"Kill", testKill},
		{"Children", testChildren},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(newBench(t, s))
		})
	}
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// bench is one test with a journal, a vendor and a clock of its own. The test is
// busy: time passes only in pass and await.
type bench struct {
	*testing.T
	clock  *clock.Virtual
	join   func() journal.Driver
	reader journal.Driver // of the test itself
	vendor *vendor
	flows  map[string]*flow.Flow
	pauses atomic.Pointer[journal.Pause] // of all flows
	live   []*process
}

func newBench(t *testing.T, s Setup) *bench {
	t.Helper()
	v := clock.NewVirtual(noon)
	b := &bench{T: t, clock: v, vendor: &vendor{clock: v, seen: map[string][]sent{}}, flows: map[string]*flow.Flow{}}
	b.join = s.Open(t, v)
	b.reader = b.join()
	for name, src := range sources {
		b.flows[name] = load(t, "flow: "+name+"\nnodes:\n"+src)
	}
	t.Cleanup(v.Busy())
	return b
}

// sources are the flows that are run here.
var sources = map[string]string{
	"charge": `  hook: { type: webhook, with: { path: /x }, next: call }
  call: { type: http, with: { method: POST, url: https://vendor.example.com/call }, next: done }
  done: { type: respond, with: { body: charged } }
`,
	"put": `  hook: { type: webhook, with: { path: /x }, next: call }
  call: { type: http, with: { method: PUT, url: https://vendor.example.com/call }, next: done }
  done: { type: respond, with: { body: put } }
`,
	"later": `  hook: { type: webhook, with: { path: /x }, next: nap }
  nap: { type: delay, with: { for: 10m }, next: call }
  call: { type: http, with: { method: POST, url: https://vendor.example.com/call }, next: done }
  done: { type: respond, with: { body: later } }
`,
	"soon": `  hook: { type: webhook, with: { path: /x }, next: nap }
  nap: { type: delay, with: { for: 2500ms }, next: call }
  call: { type: http, with: { method: POST, url: https://vendor.example.com/call }, next: done }
  done: { type: respond, with: { body: soon } }
`,
	"count": `  hook: { type: webhook, with: { path: /x }, next: one }
  one: { type: store, with: { operation: add, key: n, scope: global }, next: call }
  call: { type: http, with: { method: PUT, url: https://vendor.example.com/call }, next: more }
  more: { type: store, with: { operation: add, key: n, scope: global, by: 1000 }, next: done }
  done: { type: end }
`,
	"count-soon": `  hook: { type: webhook, with: { path: /x }, next: nap }
  nap: { type: delay, with: { for: 2500ms }, next: one }
  one: { type: store, with: { operation: add, key: soon, scope: global }, next: more }
  more: { type: store, with: { operation: add, key: soon, scope: global, by: 1000 }, next: done }
  done: { type: end }
`,
	"family": `  hook: { type: webhook, with: { path: /x }, next: all }
  all:
    type: parallel
    with:
      branches:
        inside:
          nodes:
            nap: { type: delay, with: { for: 2500ms }, next: call }
            call: { type: http, with: { method: PUT, url: https://vendor.example.com/call }, next: done }
            done: { type: end }
        later: { flow: middle, input: { for: 5m } }
        soon: { flow: middle, input: { for: 1s } }
    next: done
  done: { type: end }
`,
	"middle": `  given: { type: called, next: nap }
  nap: { type: delay, with: { for: $(given.for) }, next: child }
  child: { type: call, with: { flow: child }, next: done }
  done: { type: end, with: { outputs: { status: $(child.status) } } }
`,
	"child": `  given: { type: called, next: call }
  call: { type: http, with: { method: PUT, url: https://vendor.example.com/call }, next: done }
  done: { type: end, with: { code: fine, outputs: { status: $(call.status) } } }
`,
	"chain": chain(12),
	"both": `  hook: { type: webhook, with: { path: /x }, next: first }
  first: { type: http, with: { method: PUT, url: https://vendor.example.com/call }, next: call }
  call: { type: http, with: { method: POST, url: https://vendor.example.com/call }, next: done }
  done: { type: end }
`,
	"pause": `  hook: { type: webhook, with: { path: /x }, next: call }
  call:
    type: http
    with: { method: PUT, url: https://vendor.example.com/call }
    retry: { max: 1, on: [serverError], delay: 1s, then: pause }
    next: done
    outcomes: { serverError: sorry }
  done: { type: respond, with: { body: put } }
  sorry: { type: end, with: { failed: true, code: sorry } }
`,
	"gate": `  hook: { type: webhook, with: { path: /x }, next: gate }
  gate: { type: wait, with: { event: open, key: $(hook.key), timeout: 10m }, outcomes: { received: call, onTimeout: late } }
  call: { type: http, with: { method: POST, url: https://vendor.example.com/call }, next: done }
  done: { type: respond, with: { body: opened } }
  late: { type: end, with: { failed: true, code: late } }
`,
}

// chain makes calls one after the other.
func chain(calls int) string {
	var src strings.Builder
	src.WriteString("  hook: { type: webhook, with: { path: /x }, next: call0 }\n")
	for i := range calls {
		fmt.Fprintf(&src, "  call%d: { type: http, with: { method: PUT, url: https://vendor.example.com/call }, next: call%d }\n", i, i+1)
	}
	fmt.Fprintf(&src, "  call%d: { type: end }\n", calls)
	return src.String()
}

func load(t *testing.T, src string) *flow.Flow {
	t.Helper()
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	f, mistakes := flow.Load("sample.yaml", []byte(src), flow.Config{Types: types})
	if f == nil {
		t.Fatalf("%v\n%s", mistakes.Err(), src)
	}
	return f
}

func (b *bench) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) same(what string, got, want any) {
	b.Helper()
	if diff := gocmp.Diff(want, got); diff != "" {
		b.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// pass lets time pass, in steps that are short beside those of a lease: all
// engines do what they do on time. At the end they have done it.
func (b *bench) pass(d time.Duration) {
	b.Helper()
	for end := b.clock.Now().Add(d); b.clock.Now().Before(end); {
		b.ok(clock.Sleep(b.Context(), b.clock, min(time.Second, end.Sub(b.clock.Now()))))
	}
	b.ok(clock.Sleep(b.Context(), b.clock, 0))
}

// await does what waits for others in another way than by the clock. Time passes
// meanwhile, nobody knows how much.
func (b *bench) await(do func(ctx context.Context) error) error {
	b.Helper()
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	for {
		select {
		case err := <-done:
			return err
		default:
			b.pass(10 * time.Millisecond)
			runtime.Gosched()
		}
	}
}

// process is an engine as one process has it.
type process struct {
	*engine.Engine
	*gate
	bench *bench
	end   func()
}

// boot starts a process.
func (b *bench) boot() *process {
	b.Helper()
	leased := make(chan struct{})
	p := &process{gate: &gate{clock: b.clock, first: leased}, bench: b}
	p.Engine = engine.New(engine.Config{
		Journal: &gated{b.join(), p.gate}, Caller: caller{b.vendor, p.gate}, Clock: processTime{b.clock, p.gate},
		Flow: func(_ context.Context, s journal.Summary) (*flow.Flow, error) {
			if s.Parent != nil && s.Parent.Body != "" {
				return b.flows[s.Flow].Body(s.Parent.Body), nil
			}
			return b.flows[s.Flow], nil
		},
		Callee: func(name string) *flow.Flow { return b.flows[name] },
		Paused: func(string) *journal.Pause { return b.pauses.Load() },
	})
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := p.Run(ctx); err != nil && !errors.Is(err, errDead) {
			b.Errorf("Run: %v", err)
		}
	})
	<-leased
	b.pass(0) // until it does what it does then
	p.end = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		b.live = slices.DeleteFunc(b.live, func(q *process) bool { return q == p })
	})
	b.live = append(b.live, p)
	b.Cleanup(p.kill)
	return p
}

// kill ends a process without a word.
func (p *process) kill() {
	p.die()
	p.end()
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	_ = p.Shutdown(gone)
}

// stop ends a process in an orderly way.
func (p *process) stop() {
	p.bench.Helper()
	p.end()
	if err := p.bench.await(p.Shutdown); err != nil {
		p.bench.Errorf("Shutdown: %v", err)
	}
	p.die()
}

// start begins a run that is promised.
func (p *process) start(name string, output map[string]any) string {
	p.bench.Helper()
	r, _, err := p.Start(p.bench.Context(), engine.Start{Flow: p.bench.flows[name], Accepted: true, Output: output})
	p.bench.ok(err)
	return r.ID
}

// parts are how many shards each live process has. That they are disjoint and
// all is checked.
func (b *bench) parts() []int {
	b.Helper()
	var parts []int
	var all journal.Shards
	for _, p := range b.live {
		s := p.Shards()
		if all&s != 0 {
			b.Fatalf("two engines have the shards %b", all&s)
		}
		all |= s
		parts = append(parts, s.Len())
	}
	if all != journal.AllShards {
		b.Fatalf("nobody has the shards %b; parts are %v", ^all, parts)
	}
	slices.SortFunc(parts, func(a, b int) int { return cmp.Compare(b, a) })
	return parts
}

func (b *bench) summary(id string) journal.Summary {
	b.Helper()
	s, err := b.reader.Find(b.Context(), id)
	b.ok(err)
	return s
}

// ended lets time pass until the runs have ended, and returns how many did by
// which outcome, or code if they failed.
func (b *bench) ended(ids []string) map[string]int {
	b.Helper()
	for range 240 {
		if !b.anyUnfinished(ids) {
			break
		}
		b.pass(30 * time.Second)
	}
	how := map[string]int{}
	for _, id := range ids {
		s := b.summary(id)
		if !s.Status.Ended() {
			b.Fatalf("run %s has not ended after two hours: %+v", id, s)
		}
		how[string(s.Status)+" "+cmp.Or(s.Code, s.Outcome)]++
		b.whole(id)
	}
	return how
}

func (b *bench) anyUnfinished(ids []string) bool {
	b.Helper()
	for s, err := range b.reader.Unfinished(b.Context(), journal.AllShards) {
		b.ok(err)
		if slices.Contains(ids, s.ID) {
			return true
		}
	}
	return false
}

// whole checks that a run is one line of events: it ended once, at the end, no
// timer fired early or twice, and each call got one reply.
func (b *bench) whole(id string) {
	b.Helper()
	events, err := b.reader.Events(b.Context(), id)
	b.ok(err)
	var due time.Time
	calls := map[string]int{}
	for i, e := range events {
		last := i == len(events)-1
		switch e := e.(type) {
		case run.TimerSet:
			due = e.Due
		case run.EventAwaited:
			due = e.Due
		case run.TimerFired:
			if due.IsZero() || e.At.At.Before(due) {
				b.Errorf("run %s: a timer of %s fired at %s", id, due, e.At.At)
			}
			due = time.Time{}
		case run.CallReplied:
			calls[fmt.Sprint(e.Place, e.Call)]++
		case run.RunEnded, run.RunCancelled:
			if !last {
				b.Errorf("run %s goes on after its end: %s", id, run.Name(events[i+1]))
			}
		default: // says nothing of the run's course
		}
	}
	for call, n := range calls {
		if n != 1 {
			b.Errorf("run %s: call %s has %d replies", id, call, n)
		}
	}
}

// gate is between a process and the rest of the world: one that is stopped does
// nothing until it goes on, and then what it was about to do.
type gate struct {
	clock *clock.Virtual

	mu            sync.Mutex
	dead, stopped bool
	waiting       []*held       // up
	led           bool          // one goes on, and the others when it comes here again
	at            string        // where to stop, once
	first         chan struct{} // closed when the first lease is there
}

var errDead = fmt.Errorf("the process was killed: %w", journal.ErrClosed)

func (g *gate) die() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dead = true
	g.letGo()
}

func (g *gate) letGo() {
	for _, h := range g.waiting {
		h.wake.Set()
	}
	g.waiting = nil
}

// held is somebody who is stopped somewhere.
type held struct {
	what string
	wake *clock.Wake
	goes bool
}

// thawFirst lets the one go on who was stopped there, and all others as soon as
// that one asks for something: of the many who go on after a stop, that is the
// most dangerous order.
func (g *gate) thawFirst(what string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.IndexFunc(g.waiting, func(h *held) bool { return h.what == what })
	if i < 0 {
		return false
	}
	g.led, g.waiting[i].goes = true, true
	g.waiting[i].wake.Set()
	g.waiting = slices.Delete(g.waiting, i, i+1)
	return true
}

// freeze stops the process, and thaw lets it go on.
func (g *gate) freeze() { g.set(true) }
func (g *gate) thaw()   { g.set(false) }

func (g *gate) set(stopped bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopped = stopped
	if !stopped {
		g.letGo()
	}
}

// freezeAt stops the process when it comes out of what.
func (g *gate) freezeAt(what string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.at = what
}

// through returns when the process may go on. Those who come here are busy.
func (g *gate) through(what string) error {
	for {
		h, err := g.ask(what)
		if h == nil {
			return err
		}
		_ = g.clock.Wait(context.Background(), nil, h.wake) // which does not end
		if h.goes {
			return nil
		}
	}
}

// ask returns what to wait for, if the process is stopped.
func (g *gate) ask(what string) (*held, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.led {
		g.led, g.stopped = false, false
		g.letGo()
	}
	if what == "after Lease" && g.first != nil {
		close(g.first)
		g.first = nil
	}
	if g.at == what {
		g.at, g.stopped = "", true
	}
	switch {
	case g.dead:
		return nil, errDead
	case !g.stopped:
		return nil, nil
	}
	h := &held{what: what, wake: clock.NewWake()}
	g.waiting = append(g.waiting, h)
	return h, nil
}

// Wait is that of the process's clock.
func (t processTime) Wait(ctx context.Context, timer *clock.Timer, w *clock.Wake) error {
	err := t.Clock.Wait(ctx, timer, w)
	_ = t.gate.through("after Wait")
	return err
}

// processTime is the clock as a process sees it.
type processTime struct {
	clock.Clock
	gate *gate
}

// sent is a call that the vendor got.
type sent struct {
	method string
	at     time.Time
}

// vendor answers after a while, and remembers what it got by idempotency key.
type vendor struct {
	clock *clock.Virtual

	mu   sync.Mutex
	slow map[string]time.Duration // by method
	down bool
	seen map[string][]sent
}

// caller is the vendor as one process sees it.
type caller struct {
	vendor *vendor
	gate   *gate
}

func (c caller) Settings(string) map[string]any { return nil }

func (c caller) Do(ctx context.Context, r outbound.Request) wire.Reply {
	if c.gate.through("before a call") != nil || ctx.Err() != nil {
		return wire.Reply{Failure: wire.Interrupted}
	}
	v := c.vendor
	v.mu.Lock()
	v.seen[r.Key] = append(v.seen[r.Key], sent{r.Call.Method, v.clock.Now()})
	slow, down := v.slow[r.Call.Method], v.down
	v.mu.Unlock()
	if err := clock.Sleep(ctx, v.clock, slow); err != nil || c.gate.through("after a call") != nil {
		return wire.Reply{Failure: wire.Interrupted}
	}
	if down {
		return wire.Reply{Status: 503}
	}
	return wire.Reply{Status: 200}
}

// isDown has the vendor answer with 503, or be well again.
func (v *vendor) isDown(down bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.down = down
}

func (v *vendor) takes(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.slow = map[string]time.Duration{"PUT": d, "POST": d}
}

// takesFor is takes for the calls to come of one method.
func (v *vendor) takesFor(method string, d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.slow[method] = d
}

// calls is how many calls came, and how many of them had come before. What must
// not be repeated is checked.
func (b *bench) calls() (all, again int) {
	b.Helper()
	b.vendor.mu.Lock()
	defer b.vendor.mu.Unlock()
	for key, calls := range b.vendor.seen {
		all += len(calls)
		again += len(calls) - 1
		if calls[0].method == "POST" && len(calls) > 1 {
			b.Errorf("call %s, which must not be repeated, came %d times: %v", key, len(calls), calls)
		}
	}
	return all, again
}
