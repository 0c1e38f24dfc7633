package engine_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/tracecontext"
	"github.com/wendflow/wend/sdk/wire"
)

// recorder is an observer that remembers all that it is told of runs.
type recorder struct {
	mu    sync.Mutex
	facts []fact.Fact
}

func (r *recorder) tell(f fact.Fact) {
	switch f.(type) {
	case fact.LeaseGained, fact.LeaseLost:
		return // of the engine, and on times of its own
	default:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.facts = append(r.facts, f)
}

// all is what was told so far.
func (r *recorder) all() []fact.Fact {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.facts)
}

// told is what was told, one line each, and forgets it.
func (r *recorder) told() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var lines []string
	for _, f := range r.facts {
		lines = append(lines, describe(f))
	}
	r.facts = nil
	return lines
}

func describe(f fact.Fact) string {
	say := func(v fact.Visit, what string, more ...any) string {
		return fmt.Sprintf("%s %s/%d/%d", what, v.Node, v.Visit, v.Attempt) + prefixed(more)
	}
	switch f := f.(type) {
	case fact.RunStarted:
		return "started by " + f.Run.Trigger
	case fact.RunTakenUp:
		return fmt.Sprintf("taken up at %d", f.Events)
	case fact.RunWaits:
		return say(f.Visit, "waits", f.Event, f.Due.Sub(f.At.At))
	case fact.RunWoken:
		return say(f.Visit, "woken", f.Event, f.Waited, f.Late)
	case fact.RunParked:
		return "parked"
	case fact.RunResponded:
		return fmt.Sprintf("responded %d", f.Status)
	case fact.RunEnded:
		return fmt.Sprintf("%s at %s", f.Status, f.Node) + prefixed([]any{f.Outcome, f.Code, f.Took})
	case fact.RunDropped:
		return fmt.Sprintf("dropped %s, kept %t", f.Why, f.Kept)
	case fact.NodeEntered:
		return say(f.Visit, "entered")
	case fact.NodeLeft:
		return say(f.Visit, "left", f.Outcome, f.Code, f.Took)
	case fact.Invoked:
		return say(f.Visit, "invoked", f.Code)
	case fact.NodeLogged:
		return say(f.Visit, "logged", f.Line)
	case fact.Fault:
		return say(f.Visit, "fault", f.Code, fmt.Sprintf("handled %t", f.Handled))
	case fact.RetryScheduled:
		return say(f.Visit, "again", f.Outcome)
	case fact.CallMade:
		return say(f.Visit, "call", f.Method, f.Path, cmp.Or(string(f.Failure), fmt.Sprint(f.Status)), f.Took)
	case fact.RunsFound:
		return fmt.Sprintf("found %d", f.Runs)
	case fact.StartRefused:
		return fmt.Sprintf("refused, later %t", f.Later)
	case fact.HookRefused:
		return fmt.Sprintf("hook refused %d", f.Status)
	case fact.HookAsked:
		return "handshake " + f.Type
	case fact.TicksLeftOut:
		return fmt.Sprintf("%d ticks left out: %s", f.Count, f.Why)
	case fact.LeaseGained:
		return fmt.Sprintf("gained %d", f.Shards.Len())
	case fact.LeaseLost:
		return fmt.Sprintf("lost %d", f.Shards.Len())
	case fact.Committed:
		return fmt.Sprintf("committed %d", f.Writes)
	case fact.JournalFailed:
		return "journal failed: " + f.Doing
	case fact.JournalHealed:
		return "journal healed"
	case fact.ObserverFailed:
		return "observer failed: " + f.Panic
	}
	return ""
}

func prefixed(values []any) (text string) {
	for _, v := range values {
		if v != "" && v != time.Duration(0) {
			text += fmt.Sprint(" ", v)
		}
	}
	return text
}

// after answers in that time.
func after(d time.Duration, reply wire.Reply) func(context.Context, outbound.Request) wire.Reply {
	return func(ctx context.Context, _ outbound.Request) wire.Reply {
		select {
		case <-time.After(d):
			return reply
		case <-ctx.Done():
			return wire.Reply{Failure: wire.Interrupted}
		}
	}
}

// TestFacts holds what observers are told of a run, from its start to its end,
// that nothing interrupts.
func TestFacts(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, head, nodes string
		reply             wire.Reply
		wait              bool // the run is not promised, and its caller waits
		want              string
	}{
		{
			"success", "", `  a: { type: call-idempotent, with: { urls: ["/one?key=s3cret"] }, next: b }` + "\n  b: { type: respond }",
			wire.Reply{Status: 200},
			true,
			`started by hook
			entered a/1/1
			call a/1/1 POST /one 200 1s
			left a/1/1 success 1s
			entered b/1/1
			left b/1/1 success
			responded 200
			completed at b success 1s`,
		},
		{
			"a node that logs", "", `  a: { type: logs }`,
			wire.Reply{Status: 200},
			false,
			`started by hook
			entered a/1/1
			logged a/1/1 first
			logged a/1/1 second
			call a/1/1 GET /log 200 1s
			left a/1/1 success 1s
			completed at a success 1s`,
		},
		{
			"retry", "", `  a: { type: call-idempotent, with: { urls: [/one] }, retry: { max: 1, on: [onTimeout], delay: 2s } }`,
			wire.Reply{Failure: wire.Timeout, Message: "slow"},
			true,
			`started by hook
			entered a/1/1
			call a/1/1 POST /one timeout 1s
			left a/1/1 onTimeout 1s
			again a/1/1 onTimeout
			entered a/1/2
			call a/1/2 POST /one timeout 1s
			left a/1/2 onTimeout 1s
			failed at a onTimeout`,
		},
		{
			"failure", "", `  a: { type: call, with: { urls: [/one] } }`,
			wire.Reply{Status: 503},
			false,
			`started by hook
			entered a/1/1
			call a/1/1 POST /one 503 1s
			left a/1/1 onError 503 1s
			failed at a onError 503 1s`,
		},
		{
			"fault that is routed", "", `  a: { type: broken, outcomes: { onError: b } }` + "\n  b: { type: respond }",
			wire.Reply{},
			false,
			`started by hook
			entered a/1/1
			fault a/1/1 fuel handled true
			left a/1/1 onError fuel
			entered b/1/1
			left b/1/1 success
			responded 200
			completed at b success`,
		},
		{
			"fault that ends the run", "", `  a: { type: panics }`,
			wire.Reply{},
			false,
			`started by hook
			entered a/1/1
			fault a/1/1 panic handled false
			left a/1/1 onError panic
			failed at a onError panic`,
		},
		{
			"park and wake", "", `  a: { type: sleep }`,
			wire.Reply{},
			false,
			`started by hook
			entered a/1/1
			waits a/1/1 1h0m0s
			parked
			taken up at 2
			woken a/1/1 1h0m0s
			left a/1/1 success 1h0m0s
			completed at a success 1h0m0s`,
		},
		{
			"a wait in memory", "", `  a: { type: await }`,
			wire.Reply{},
			true,
			`started by hook
			entered a/1/1
			waits a/1/1 e 1m0s
			woken a/1/1 1m0s
			left a/1/1 onTimeout 1m0s
			failed at a onTimeout 1m0s`,
		},
		{
			"timeout of the run", "timeout: 5s\n", `  a: { type: await }`,
			wire.Reply{},
			true,
			`started by hook
			entered a/1/1
			waits a/1/1 e 5s
			failed at a run-timeout 5s`,
		},
		{
			"timeout of the run, parked", "timeout: 30m\n", `  a: { type: sleep }`,
			wire.Reply{},
			false,
			`started by hook
			entered a/1/1
			waits a/1/1 30m0s
			parked
			taken up at 2
			failed at a run-timeout 30m0s`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, f, seen := disk(), loadHeaded(t, tc.head, tc.nodes), &recorder{}
				p := boot(t, d, f, &vendor{reply: after(time.Second, tc.reply)}, seen.tell)
				synctest.Wait()
				r, _, err := p.Start(t.Context(), engine.Start{Flow: f, Accepted: !tc.wait})
				if err != nil {
					t.Fatal(err)
				}
				if tc.wait {
					if _, err := r.Wait(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				ended(t, d, r.ID)
				// The pause of a retry is the run's own secret.
				got := regexp.MustCompile(`^(failed at a onTimeout) .*s$`)
				told := seen.told()
				if tc.name == "retry" {
					told[len(told)-1] = got.ReplaceAllString(told[len(told)-1], "$1")
				}
				if diff := gocmp.Diff(lines(tc.want), told); diff != "" {
					t.Errorf("facts (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func lines(text string) []string {
	var list []string
	for l := range strings.Lines(text) {
		list = append(list, strings.TrimSpace(l))
	}
	return list
}

func loadHeaded(t *testing.T, head, nodes string) *flow.Flow {
	t.Helper()
	f, mistakes := flow.Load("sample.yaml", []byte("flow: sample\n"+head+"nodes:\n  hook: { type: start, next: a }\n"+nodes), flow.Config{Types: types(t)})
	if f == nil {
		t.Fatal(mistakes.Err())
	}
	return f
}

// TestFactsOfACrash has a process killed in two calls: one may be repeated, and
// the other is said to be interrupted, once.
func TestFactsOfACrash(t *testing.T) {
	t.Parallel()
	for typ, second := range map[string]string{
		"call-idempotent": `taken up at 1
			found 1
			call a/1/1 POST /one 200
			left a/1/1 success
			completed at a success`,
		"call": `taken up at 2
			found 1
			call a/1/1 POST /one interrupted
			left a/1/1 onError 0
			failed at a onError 0`,
	} {
		t.Run(typ, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, f := disk(), load(t, `  a: { type: `+typ+`, with: { urls: [/one] } }`)
				before, later := &recorder{}, &recorder{}
				first := boot(t, d, f, &vendor{reply: after(time.Hour, wire.Reply{})}, before.tell)
				synctest.Wait()
				id := accept(t, first, f)
				time.Sleep(time.Second)
				first.kill()
				boot(t, d, f, &vendor{reply: after(time.Second, wire.Reply{Status: 200})}, later.tell)
				ended(t, d, id)
				// What was told before is what the journal had, and no more.
				told := slices.DeleteFunc(before.told(), func(l string) bool { return strings.HasPrefix(l, "dropped") }) // a process that is killed says nothing
				if diff := gocmp.Diff(lines("started by hook\nentered a/1/1"), told); diff != "" {
					t.Errorf("before the crash (-want +got):\n%s", diff)
				}
				got := later.told()
				for i, l := range got {
					got[i] = lease.ReplaceAllString(l, "")
				}
				slices.SortStableFunc(got, func(a, b string) int { return order(a) - order(b) })
				if diff := gocmp.Diff(lines(second), got); diff != "" {
					t.Errorf("after the crash (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// lease is how long it all took: until the lease of the dead is over, that is.
var lease = regexp.MustCompile(` [0-9.]+m?s$`)

// order puts what two goroutines tell side by side into one order.
func order(line string) int {
	switch {
	case strings.HasPrefix(line, "taken up"):
		return 0
	case strings.HasPrefix(line, "found"):
		return 1
	default:
		return 2
	}
}

func TestFactsOfACancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, f, seen := disk(), load(t, `  a: { type: call, with: { urls: [/one] } }`), &recorder{}
		p := boot(t, d, f, &vendor{reply: after(time.Hour, wire.Reply{})}, seen.tell)
		synctest.Wait()
		id := accept(t, p, f)
		time.Sleep(time.Second)
		if err := p.Cancel(t.Context(), id, "enough"); err != nil {
			t.Fatal(err)
		}
		want := lines(`started by hook
			entered a/1/1
			call a/1/1 POST /one interrupted 1s
			cancelled at a cancelled 1s`)
		if diff := gocmp.Diff(want, seen.told()); diff != "" {
			t.Errorf("facts (-want +got):\n%s", diff)
		}
	})
}

// A run that waits in the journal is cancelled there.
func TestFactsOfAParkedRunThatIsCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, f, seen := disk(), load(t, `  a: { type: sleep }`), &recorder{}
		p := boot(t, d, f, &vendor{}, seen.tell)
		synctest.Wait()
		id := accept(t, p, f)
		time.Sleep(time.Minute)
		if err := p.Cancel(t.Context(), id, "enough"); err != nil {
			t.Fatal(err)
		}
		want := lines("started by hook\nentered a/1/1\nwaits a/1/1 1h0m0s\nparked\ncancelled at a cancelled 1m0s")
		if diff := gocmp.Diff(want, seen.told()); diff != "" {
			t.Errorf("facts (-want +got):\n%s", diff)
		}
	})
}

// What facts carry for metrics and traces.
func TestFactOfACall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		seen, v := &recorder{}, &vendor{reply: after(time.Second, wire.Reply{Status: 201, Body: []byte("12345")})}
		f := load(t, `  a: { type: call-idempotent, with: { urls: ["https://user:s3cret@vendor.example.com/one/two?key=s3cret#s3cret"] } }`)
		e := engine.New(engine.Config{Caller: v, Observers: fact.Observe(seen.tell), NewID: func() string { return "r1" }})
		r, _, err := e.Start(t.Context(), engine.Start{Flow: f, TraceParent: parent})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		var call fact.CallMade
		var owner *fact.Run
		for _, f := range seen.all() {
			if c, ok := f.(fact.CallMade); ok {
				call = c
			}
			if s, ok := f.(fact.RunStarted); ok {
				owner = s.Run
			}
			if strings.Contains(fmt.Sprintf("%+v", f), "s3cret") {
				t.Errorf("a fact tells a secret: %+v", f)
			}
		}
		if call.Run != owner {
			t.Error("the facts of a run point to several")
		}
		want := fact.CallMade{
			Visit: fact.Visit{
				Of:    fact.Of{At: call.At, Run: &fact.Run{ID: "r1", Flow: "sample", Trigger: "hook", TraceParent: parent, StartedAt: call.At.At.Add(-time.Second)}},
				Place: run.Place{Node: "a", Visit: 1, Attempt: 1}, Type: "call-idempotent",
			},
			Method: "POST", Scheme: "https", Host: "vendor.example.com", Path: "/one/two", Status: 201, Took: time.Second, Received: 5,
			Key: v.calls()[0].Key, Idempotent: true,
		}
		if diff := gocmp.Diff(want, call); diff != "" {
			t.Errorf("fact (-want +got):\n%s", diff)
		}
		if got := v.calls()[0].TraceParent; got != parent {
			t.Errorf("the call carries the trace context %q, want %q", got, parent)
		}
	})
}

// Where runs are traced, a call carries its own span on, and a run that nobody
// traced begins a trace of its own.
func TestCallsCarryTheirSpan(t *testing.T) {
	t.Parallel()
	v := &vendor{}
	e := engine.New(engine.Config{Caller: v, NewID: func() string { return "r1" }, Trace: func(run, parent string) tracecontext.Trace {
		return tracecontext.Of(run, parent, 1)
	}})
	f := load(t, `  a: { type: call-idempotent, with: { urls: [/one, /two] } }`)
	if _, err := start(t, e, f).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	trace := tracecontext.Of("r1", "", 1)
	var got []string
	for _, c := range v.calls() {
		got = append(got, c.TraceParent)
	}
	slices.Sort(got)
	want := []string{trace.Header(trace.Call("a", 1, 1, 0)), trace.Header(trace.Call("a", 1, 1, 1))}
	slices.Sort(want)
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("calls carry (-want +got):\n%s", diff)
	}
}

// What a plugin decides is told with what that cost, also when it fails.
func TestFactOfAnInvoke(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		plugin := &node.Type{
			Name: "metered", Version: "1.0.0", Digest: "d1", Outcomes: node.Outcomes{Success: "success", Fault: "onError", All: []node.Outcome{{Name: "success"}, {Name: "onError"}}},
			Step: func(_ context.Context, v node.Visit) (node.Action, error) {
				time.Sleep(time.Second)
				*v.Fuel = 500
				if len(v.Replies) == 0 {
					return node.Ask{Calls: []wire.Call{{Method: "GET", URL: "/one"}}}, nil
				}
				return nil, &node.Fault{Code: "fuel", Msg: "it has none left"}
			},
		}
		all, err := node.NewSet(append(types(t).All(), plugin)...)
		if err != nil {
			t.Fatal(err)
		}
		f, mistakes := flow.Load("sample.yaml", []byte("flow: sample\nnodes:\n  hook: { type: start, next: a }\n  a: { type: metered@1, outcomes: { onError: b } }\n  b: { type: respond }\n"), flow.Config{Types: all})
		if f == nil {
			t.Fatal(mistakes.Err())
		}
		seen := &recorder{}
		e := engine.New(engine.Config{Caller: &vendor{reply: after(0, wire.Reply{Status: 200})}, Observers: fact.Observe(seen.tell)})
		if _, err := start(t, e, f).Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, f := range seen.all() {
			if i, ok := f.(fact.Invoked); ok {
				told = append(told, fmt.Sprintf("%s %s %d %q", i.Type, i.Took, i.Fuel, i.Code))
			}
		}
		if diff := gocmp.Diff([]string{`metered@1 1s 500 ""`, `metered@1 1s 500 "fuel"`}, told); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// What there is to do is counted: the runs that are driven, since when the oldest
// is under way, and when the next one's time comes.
func TestBacklog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := engine.New(engine.Config{Journal: disk()})
		if b, err := e.Backlog(t.Context()); err != nil || b != (engine.Backlog{}) {
			t.Fatalf("backlog of nothing %+v, %v", b, err)
		}
		f := loadReal(t, slowFlow)
		began := time.Now()
		r := start(t, e, f)
		time.Sleep(time.Hour)
		start(t, e, f)
		synctest.Wait()
		b, err := e.Backlog(t.Context())
		if err != nil || b.Driven != 2 || !b.Oldest.Equal(began) || !b.Due.Equal(began.Add(30*24*time.Hour)) {
			t.Errorf("backlog %+v, %v; want two since %s, the first due in 30 days", b, err, began)
		}
		if err := e.Cancel(t.Context(), r.ID, "enough"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_ = e.Shutdown(ctx)
	})
}

// TestTraceParentStays follows a trace context through a park, a crash and a
// retry of the run.
func TestTraceParentStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		d := disk()
		f := load(t, `  a: { type: sleep, next: b }`+"\n"+`  b: { type: call-idempotent, with: { urls: [/one] } }`)
		first := boot(t, d, f, &vendor{})
		synctest.Wait()
		r, _, err := first.Start(t.Context(), engine.Start{Flow: f, Accepted: true, TraceParent: parent})
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		first.kill()
		seen, v := &recorder{}, &vendor{}
		second := boot(t, d, f, v, seen.tell)
		ended(t, d, r.ID)
		again, _, err := second.Retry(t.Context(), r.ID, engine.Retry{From: "b"})
		if err != nil {
			t.Fatal(err)
		}
		ended(t, d, again.ID)
		for i, c := range v.calls() {
			if c.TraceParent != parent {
				t.Errorf("call %d carries %q, want %q", i, c.TraceParent, parent)
			}
		}
		if len(v.calls()) != 2 {
			t.Errorf("%d calls, want 2", len(v.calls()))
		}
		for _, f := range seen.all() {
			if e, ok := f.(fact.RunEnded); ok && e.Run.TraceParent != parent {
				t.Errorf("a fact has the trace context %q, want %q", e.Run.TraceParent, parent)
			}
		}
	})
}

// An observer that panics ends nothing but its own part.
func TestObserverPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked, seen := 0, &recorder{}
		e := engine.New(engine.Config{Caller: &vendor{}, Observers: fact.Observe(func(fact.Fact) { asked++; panic("oh no") }, seen.tell)})
		for range 2 {
			if res, err := start(t, e, load(t, `  a: { type: respond }`)).Wait(t.Context()); err != nil || res.Status != run.Completed {
				t.Errorf("run is %s, %v", res.Status, err)
			}
		}
		if asked != 1 {
			t.Errorf("the observer was told %d facts, want 1", asked)
		}
		if got, want := seen.told()[0], "observer failed: fact.RunStarted: oh no"; got != want {
			t.Errorf("the other was told %q first, want %q", got, want)
		}
	})
}

// TestLogLines: one line for each run that failed and for each call that was
// interrupted, and none for what went well.
func TestLogLines(t *testing.T) {
	t.Parallel()
	const interrupted = `level=WARN msg="call interrupted" run=r1 flow=sample node=a attempt=1 call=0 outcome=interrupted message="sent, then interrupted: whether it happened is not known" method=POST path=/one took=0s`
	for _, tc := range []struct {
		name, nodes string
		reply       wire.Reply
		crash       bool
		want        []string
	}{
		{"success", `  a: { type: call, with: { urls: [/one] } }`, wire.Reply{Status: 200}, false, nil},
		{"failure", `  a: { type: call, with: { urls: [/one] } }`, wire.Reply{Failure: wire.Unreachable, Message: "no route"}, false, []string{
			`level=WARN msg="run failed" run=r1 flow=sample node=a outcome=onError code=0 message="node \"a\" left by \"onError\", which goes nowhere: no route" took=1s`,
		}},
		{"fault", `  a: { type: broken }`, wire.Reply{}, false, []string{
			`level=WARN msg="run failed" run=r1 flow=sample node=a outcome=onError code=fuel message="node \"a\" left by \"onError\", which goes nowhere: out of fuel" took=0s`,
		}},
		{"fault that is routed", `  a: { type: broken, outcomes: { onError: b } }` + "\n  b: { type: respond }", wire.Reply{}, false, []string{
			`level=WARN msg="node fault" run=r1 flow=sample node=a attempt=1 outcome=onError code=fuel message="out of fuel"`,
		}},
		{"a failure that the caller is told of", `  a: { type: call, with: { urls: [/one] }, outcomes: { onError: b } }` + "\n  b: { type: respond, with: { status: 502 } }", wire.Reply{Failure: wire.Unreachable, Message: "no route"}, false, []string{
			`level=WARN msg="run completed" run=r1 flow=sample node=b outcome=success cause.node=a cause.outcome=onError cause.code=0 cause.message="no route" response=502 took=1s`,
		}},
		{"a failure that ends in a coded result", `  a: { type: call, with: { urls: [/one] }, outcomes: { onError: b } }` + "\n  b: { type: ends, with: { reason: gone } }", wire.Reply{Failure: wire.Unreachable, Message: "no route"}, false, []string{
			`level=WARN msg="run failed" run=r1 flow=sample node=b outcome=onError code=0 message=gone cause.node=a cause.outcome=onError cause.code=0 cause.message="no route" took=1s`,
		}},
		{"a failed end that says nothing", `  a: { type: call, with: { urls: [/one] }, outcomes: { onError: b } }` + "\n  b: { type: ends }", wire.Reply{Failure: wire.Unreachable, Message: "no route"}, false, []string{
			`level=WARN msg="run failed" run=r1 flow=sample node=b outcome=onError code=0 message="node \"a\" left by \"onError\": no route" took=1s`,
		}},
		{"crash in a call", `  a: { type: call, with: { urls: [/one] } }`, wire.Reply{Status: 200}, true, []string{
			`level=INFO msg="unfinished runs go on" runs=1`, interrupted,
			`level=WARN msg="run failed" run=r1 flow=sample node=a outcome=onError code=0 message="node \"a\" left by \"onError\", which goes nowhere: sent, then interrupted: whether it happened is not known" took=0s`,
		}},
		{"crash in a call, routed", `  a: { type: call, with: { urls: [/one] }, outcomes: { onError: b } }` + "\n  b: { type: respond }", wire.Reply{Status: 200}, true, []string{
			`level=INFO msg="unfinished runs go on" runs=1`, interrupted,
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, f := disk(), load(t, tc.nodes)
				var said syncBuffer
				log := fact.Log(slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
					if a.Key == slog.TimeKey {
						return slog.Attr{}
					}
					return a
				}})), clock.System)
				v := &vendor{reply: after(time.Second, tc.reply)}
				p := bootNamed(t, d, f, v, log)
				synctest.Wait()
				if _, _, err := p.Start(t.Context(), engine.Start{Flow: f, Accepted: true}); err != nil {
					t.Fatal(err)
				}
				if tc.crash {
					time.Sleep(500 * time.Millisecond)
					p.kill()
					said.Reset() // what a process says that is being killed
					bootNamed(t, d, f, v, log)
				}
				ended(t, d, "r1")
				var got []string
				for l := range strings.Lines(said.String()) {
					l = strings.TrimSpace(l)
					if tc.crash {
						l = regexp.MustCompile(`took=[0-9.]+m?s$`).ReplaceAllString(l, "took=0s")
					}
					got = append(got, l)
				}
				slices.Sort(got)
				slices.Sort(tc.want)
				if diff := gocmp.Diff(tc.want, got); diff != "" {
					t.Errorf("log (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// syncBuffer is a buffer that is written to while it is read.
type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (b *syncBuffer) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Reset()
}

// A journal that cannot be written is told of, once for each try, and that it
// can be written again.
func TestFactsOfAFullDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		seen := &recorder{}
		f := load(t, `  a: { type: respond }`)
		broken := &refusing{Driver: journal.NewMemory(10)}
		e := engine.New(engine.Config{Journal: broken, Caller: &vendor{}, Observers: fact.Observe(seen.tell)})
		broken.left.Store(1)
		_, _, err := e.Start(t.Context(), engine.Start{Flow: f, Accepted: true})
		if err == nil {
			t.Fatal("a run was accepted that is not on record")
		}
		if diff := gocmp.Diff([]string{"refused, later false"}, seen.told()); diff != "" {
			t.Errorf("facts (-want +got):\n%s", diff)
		}
		r, _, err := e.Start(t.Context(), engine.Start{Flow: f, Accepted: true})
		if err != nil {
			t.Fatal(err)
		}
		broken.left.Store(2)
		if _, err := r.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := lines(`started by hook
			entered a/1/1
			journal failed: append, and wait until it can be done
			journal failed: append, and wait until it can be done
			journal healed
			left a/1/1 success
			responded 200
			completed at a success 300ms`)
		got := seen.told()
		got[len(got)-1] = strings.TrimSuffix(got[len(got)-1], " 300ms") + " 300ms"
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("facts (-want +got):\n%s", diff)
		}
	})
}

// refusing refuses so many appends.
type refusing struct {
	journal.Driver
	left atomic.Int32
}

func (r *refusing) Append(ctx context.Context, id string, after int, events []run.Event) error {
	if r.left.Add(-1) >= 0 {
		return errors.New("the disk is full")
	}
	return r.Driver.Append(ctx, id, after, events)
}

// BenchmarkFacts is a run with nobody watching, and with one who does.
func BenchmarkFacts(b *testing.B) {
	f := load(b, `  a: { type: call-idempotent, with: { urls: [/one] }, next: b }`+"\n  b: { type: respond }")
	for name, observers := range map[string]*fact.Observers{
		"nobody": nil,
		"one":    fact.Observe(func(fact.Fact) {}),
		"log":    fact.Observe(fact.Log(slog.New(slog.NewTextHandler(discard{}, nil)), clock.System)),
	} {
		b.Run(name, func(b *testing.B) {
			e := engine.New(engine.Config{Caller: quick{}, Observers: observers})
			b.ReportAllocs()
			for b.Loop() {
				r, _, err := e.Start(b.Context(), engine.Start{Flow: f})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := r.Wait(b.Context()); err != nil {
					b.Fatal(err)
				}
				r.Leave()
			}
		})
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

type quick struct{}

func (quick) Do(context.Context, outbound.Request) wire.Reply { return wire.Reply{Status: 200} }
func (quick) Settings(string) map[string]any                  { return nil }
