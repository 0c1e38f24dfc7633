package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
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

// vendor answers calls by their URL and remembers them.
type vendor struct {
	reply func(ctx context.Context, r outbound.Request) wire.Reply

	mu   sync.Mutex
	seen []outbound.Request
}

func (v *vendor) Do(ctx context.Context, r outbound.Request) wire.Reply {
	v.mu.Lock()
	v.seen = append(v.seen, r)
	v.mu.Unlock()
	if v.reply == nil {
		return wire.Reply{Status: 200}
	}
	return v.reply(ctx, r)
}

func (v *vendor) Settings(string) map[string]any { return nil }

func (v *vendor) calls() []outbound.Request {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.seen
}

var anything = node.MustSchema(map[string]any{"type": "object"})

func outcomes(names ...string) node.Outcomes {
	o := node.Outcomes{Success: "success", Fault: "onError"}
	for _, n := range append([]string{"success", "onError"}, names...) {
		o.All = append(o.All, node.Outcome{Name: n, Doc: docs[n]})
	}
	return o
}

func stepAwait(_ context.Context, v node.Visit) (node.Action, error) {
	switch {
	case v.Received:
		return node.Finish{Outcome: "received", Outputs: v.Event}, nil
	case v.Woken:
		return node.Finish{Outcome: "onTimeout"}, nil
	}
	return node.Await{Event: "e", Key: "k", Timeout: time.Minute}, nil
}

var docs = map[string]string{"onTimeout": "Nothing came in time."}

// types are node types that behave as their name says.
func types(t testing.TB) *node.Set {
	t.Helper()
	make1 := func(name string, step func(context.Context, node.Visit) (node.Action, error)) *node.Type {
		return &node.Type{
			Name: name, Inputs: anything, Outputs: anything,
			Outcomes: outcomes("onTimeout", "received"), Connects: true, Step: step,
		}
	}
	call := make1("call", stepCall)
	idempotent := make1("call-idempotent", stepCall)
	idempotent.Idempotent = true
	await := make1("await", stepAwait)
	awaitNumber := make1("await-number", stepAwait)
	awaitNumber.Outputs = node.MustSchema(map[string]any{
		"type": "object", "properties": map[string]any{"n": map[string]any{"type": "integer"}},
	})
	set, err := node.NewSet(
		&node.Type{
			Name: "start", Trigger: func(map[string]any) (node.Trigger, error) { return &node.Manual{}, nil }, Inputs: anything, Outputs: anything,
			Outcomes: node.Outcomes{Success: "success", All: []node.Outcome{{Name: "success"}}},
		},
		call, idempotent,
		make1("respond", func(_ context.Context, v node.Visit) (node.Action, error) {
			status, given := v.Inputs["status"].(int)
			if !given {
				status = 200
			}
			return node.Finish{Response: &node.Response{Status: status, Body: v.Inputs["body"]}}, nil
		}),
		make1("sleep", func(_ context.Context, v node.Visit) (node.Action, error) {
			if v.Woken {
				return node.Finish{}, nil
			}
			return node.Sleep{For: time.Hour}, nil
		}),
		await, awaitNumber,
		make1("tell", func(context.Context, node.Visit) (node.Action, error) {
			return node.Finish{Emit: &node.Emit{Event: "e", Key: "k", For: time.Hour}}, nil
		}),
		make1("tell-words", func(context.Context, node.Visit) (node.Action, error) {
			return node.Finish{Emit: &node.Emit{Event: "e", Key: "k", Data: map[string]any{"n": "seven"}, For: time.Hour}}, nil
		}),
		make1("broken", func(context.Context, node.Visit) (node.Action, error) {
			return nil, &node.Fault{Code: "fuel", Msg: "out of fuel"}
		}),
		make1("ends", func(_ context.Context, v node.Visit) (node.Action, error) {
			reason, _ := v.Inputs["reason"].(string)
			return node.Finish{End: &node.End{Failed: true, Reason: reason}}, nil
		}),
		make1("silent", func(_ context.Context, v node.Visit) (node.Action, error) {
			if urls, _ := v.Inputs["urls"].([]any); len(v.Replies) < len(urls) {
				return node.Ask{Calls: []wire.Call{{Method: "POST", URL: "/one"}}}, nil
			}
			return node.Finish{Outcome: "onTimeout"}, nil
		}),
		make1("unsayable", func(_ context.Context, v node.Visit) (node.Action, error) {
			bad := map[string]any{"number": math.NaN(), "function": func() {}, "deep": any(nil)}
			for range 1001 {
				bad["deep"] = []any{bad["deep"]}
			}
			what, _ := v.Inputs["what"].(string)
			switch v.Inputs["where"] {
			case "set":
				return node.Finish{Set: map[string]any{"x": bad[what]}}, nil
			case "response":
				return node.Finish{Response: &node.Response{Body: bad[what]}}, nil
			}
			return node.Finish{Outputs: map[string]any{"x": bad[what]}}, nil
		}),
		make1("panics", func(context.Context, node.Visit) (node.Action, error) { panic("oh no") }),
		make1("liar", func(context.Context, node.Visit) (node.Action, error) {
			return node.Finish{Outcome: "unheard"}, nil
		}),
		make1("logs", func(_ context.Context, v node.Visit) (node.Action, error) {
			v.Log("first")
			if len(v.Replies) == 0 {
				return node.Ask{Calls: []wire.Call{{Method: "GET", URL: "/log"}}}, nil
			}
			v.Log("second")
			return node.Finish{}, nil
		}),
	)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// stepCall makes the calls that its inputs list one after the other, and leaves
// by what the last one said.
func stepCall(_ context.Context, v node.Visit) (node.Action, error) {
	urls, _ := v.Inputs["urls"].([]any)
	if len(v.Replies) < len(urls) {
		url, _ := urls[len(v.Replies)].(string)
		return node.Ask{Calls: []wire.Call{{Method: "POST", URL: url}}}, nil
	}
	last := v.Replies[len(v.Replies)-1]
	switch {
	case last.Failure == wire.Timeout:
		return node.Finish{Outcome: "onTimeout", Message: last.Message}, nil
	case last.Failure != "" || last.Status >= 400:
		return node.Finish{Outcome: "onError", Message: last.Message, Code: fmt.Sprint(last.Status)}, nil
	}
	return node.Finish{Outputs: map[string]any{"status": last.Status}}, nil
}

func load(t testing.TB, nodes string) *flow.Flow {
	t.Helper()
	src := "flow: sample\nnodes:\n  hook: { type: start, next: a }\n" + nodes
	f, mistakes := flow.Load("sample.yaml", []byte(src), flow.Config{Types: types(t)})
	if f == nil {
		t.Fatalf("%v\n%s", mistakes.Err(), src)
	}
	return f
}

func start(t testing.TB, e *engine.Engine, f *flow.Flow) *engine.Run {
	t.Helper()
	r, _, err := e.Start(t.Context(), engine.Start{Flow: f})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// story is what the events of a run tell, one word each.
func story(t *testing.T, f *flow.Flow, r *engine.Run) string {
	t.Helper()
	traces, err := run.Traces(f, r.Events())
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for _, tr := range traces {
		word := tr.Node + ":" + tr.Outcome
		for _, c := range tr.Calls {
			word += fmt.Sprintf("(%s %s %d%s)", c.Method, c.URL, c.Status, c.Failure)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

func TestRuns(t *testing.T) {
	t.Parallel()
	down := func(_ context.Context, r outbound.Request) wire.Reply {
		return wire.Reply{Failure: wire.Unreachable, Message: "refused"}
	}
	for _, tc := range []struct {
		name   string
		nodes  string
		vendor func(context.Context, outbound.Request) wire.Reply
		want   engine.Result
		story  string
	}{
		{
			"to the end",
			`  a: { type: call, with: { urls: [/one, /two] }, next: b }` + "\n" + `  b: { type: respond, with: { body: $(a.status) } }`,
			nil,
			engine.Result{Response: &node.Response{Status: 200, Body: 200}, Status: run.Completed, Outcome: "success"},
			"hook:success a:success(POST /one 200)(POST /two 200) b:success",
		},
		{
			"a vendor that is down leaves by its outcome",
			`  a: { type: call, with: { urls: [/one] }, outcomes: { onError: b } }` + "\n" + `  b: { type: respond, with: { body: $(error.message) } }`,
			down,
			engine.Result{Response: &node.Response{Status: 200, Body: "refused"}, Status: run.Completed, Outcome: "success"},
			"hook:success a:onError(POST /one 0unreachable) b:success",
		},
		{
			"an outcome that goes nowhere fails the run",
			`  a: { type: call, with: { urls: [/one] } }`,
			down,
			engine.Result{Status: run.Failed, Outcome: "onError", Code: "0", Reason: `node "a" left by "onError", which goes nowhere: refused`},
			"hook:success a:onError(POST /one 0unreachable)",
		},
		{
			"a fault leaves by the fault outcome",
			`  a: { type: broken, outcomes: { onError: b } }` + "\n" + `  b: { type: respond, with: { body: $(error.code) } }`,
			nil,
			engine.Result{Response: &node.Response{Status: 200, Body: "fuel"}, Status: run.Completed, Outcome: "success"},
			"hook:success a:onError b:success",
		},
		{
			"a panic is a fault",
			`  a: { type: panics, outcomes: { onError: b } }` + "\n" + `  b: { type: respond, with: { body: $(error.message) } }`,
			nil,
			engine.Result{Response: &node.Response{Status: 200, Body: `node type "panics": oh no`}, Status: run.Completed, Outcome: "success"},
			"hook:success a:onError b:success",
		},
		{
			"an outcome that is not declared is a fault",
			`  a: { type: liar, outcomes: { onError: b } }` + "\n" + `  b: { type: respond, with: { body: $(error.message) } }`,
			nil,
			engine.Result{Response: &node.Response{Status: 200, Body: `node type "liar" left by the outcome "unheard", which it does not declare`}, Status: run.Completed, Outcome: "success"},
			"hook:success a:onError b:success",
		},
		{
			"a template that fails at run time is a fault",
			`  a: { type: respond, with: { body: '$(hook.x.y) and more' }, outcomes: { onError: b } }` + "\n" + `  b: { type: respond, with: { body: $(error.code) } }`,
			nil,
			engine.Result{Response: &node.Response{Status: 200, Body: "template"}, Status: run.Completed, Outcome: "success"},
			"hook:success a:onError b:success",
		},
		{
			"a node that says nothing: what its call came to is said",
			`  a: { type: silent, with: { urls: [/one] }, outcomes: { onTimeout: b } }` + "\n" + `  b: { type: respond, with: { body: $(error.message) } }`,
			func(context.Context, outbound.Request) wire.Reply { return wire.Reply{Status: 503} },
			engine.Result{Response: &node.Response{Status: 200, Body: "the last call was answered with 503 Service Unavailable"}, Status: run.Completed, Outcome: "success"},
			"hook:success a:onTimeout(POST /one 503) b:success",
		},
		{
			"a node that says nothing, whose call came to nothing",
			`  a: { type: silent, with: { urls: [/one] }, outcomes: { onTimeout: b } }` + "\n" + `  b: { type: respond, with: { body: $(error.message) } }`,
			down,
			engine.Result{Response: &node.Response{Status: 200, Body: "refused"}, Status: run.Completed, Outcome: "success"},
			"hook:success a:onTimeout(POST /one 0unreachable) b:success",
		},
		{
			"a node that says nothing and makes no call",
			`  a: { type: silent, next: b, outcomes: { onTimeout: b } }` + "\n" + `  b: { type: respond, with: { body: $(error.message) } }`,
			nil,
			engine.Result{Response: &node.Response{Status: 200, Body: "Nothing came in time"}, Status: run.Completed, Outcome: "success"},
			"hook:success a:onTimeout b:success",
		},
		{
			"a run answers once and goes on",
			`  a: { type: respond, with: { body: first }, next: b }` + "\n" + `  b: { type: respond, with: { body: second } }`,
			nil,
			engine.Result{Response: &node.Response{Status: 200, Body: "first"}, Status: run.Completed, Outcome: "success"},
			"hook:success a:success b:success",
		},
		{
			"a loop is bounded",
			`  a: { type: respond, with: { body: x }, next: b }` + "\n" + `  b: { type: respond, with: { body: x }, next: a }`,
			nil,
			engine.Result{Response: &node.Response{Status: 200, Body: "x"}, Status: run.Failed, Code: "visit-limit", Reason: `the run goes round a → b → a: it has entered node "a" 1000 times, as often as limits.visits of wend.yaml allows; let an outcome lead out of the cycle, or write a larger visits in the head of the flow`},
			"",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := load(t, tc.nodes)
			e := engine.New(engine.Config{Caller: &vendor{reply: tc.vendor}})
			r := start(t, e, f)
			got, err := r.Wait(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if s := story(t, f, r); tc.story != "" && s != tc.story {
				t.Errorf("story %q, want %q", s, tc.story)
			}
			if err := e.Shutdown(t.Context()); err != nil {
				t.Errorf("Shutdown: %v", err)
			}
		})
	}
}

func TestTimeouts(t *testing.T) {
	t.Parallel()
	never := func(ctx context.Context, r outbound.Request) wire.Reply {
		ctx, cancel := context.WithTimeout(ctx, r.Timeout)
		defer cancel()
		<-ctx.Done()
		return wire.Reply{Failure: wire.Timeout, Message: "no answer within " + r.Timeout.String()}
	}
	for _, tc := range []struct {
		name  string
		nodes string
		head  string
		took  time.Duration
		want  engine.Result
		story string
	}{
		{
			name:  "of an attempt",
			nodes: `  a: { type: call, with: { urls: [/one] }, timeout: 3s }`,
			took:  3 * time.Second,
			want:  engine.Result{Status: run.Failed, Outcome: "onTimeout", Reason: `node "a" left by "onTimeout", which goes nowhere: no answer within 3s`},
			story: "hook:success a:onTimeout(POST /one 0timeout)",
		},
		{
			name:  "each attempt has its own",
			nodes: `  a: { type: call-idempotent, with: { urls: [/one] }, timeout: 3s, retry: { max: 1, on: [onTimeout], delay: 1s } }`,
			took:  8 * time.Second,
			want:  engine.Result{Status: run.Failed, Outcome: "onTimeout", Reason: `node "a" left by "onTimeout", which goes nowhere: no answer within 3s`},
			story: "hook:success a:onTimeout(POST /one 0timeout) a:onTimeout(POST /one 0timeout)",
		},
		{
			name:  "of the run, in a call",
			nodes: `  a: { type: call, with: { urls: [/one] }, timeout: 3s, next: b, outcomes: { onTimeout: a } }` + "\n" + `  b: { type: respond }`,
			head:  "timeout: 10s\n",
			took:  10 * time.Second,
			want:  engine.Result{Status: run.Failed, Code: "run-timeout", Reason: `the run's timeout of 10s is over at node "a"`},
		},
		{
			name:  "of the run, asleep",
			nodes: `  a: { type: sleep }`,
			head:  "timeout: 10s\n",
			took:  10 * time.Second,
			want:  engine.Result{Status: run.Failed, Code: "run-timeout", Reason: `the run's timeout of 10s is over at node "a"`},
		},
		{
			name:  "no event came",
			nodes: `  a: { type: await, outcomes: { received: b, onTimeout: c } }` + "\n  b: { type: respond, with: { body: b } }\n  c: { type: respond, with: { body: c } }",
			took:  time.Minute,
			want:  engine.Result{Response: &node.Response{Status: 200, Body: "c"}, Status: run.Completed, Outcome: "success"},
			story: "hook:success a:onTimeout c:success",
		},
		{
			name:  "sleep",
			nodes: `  a: { type: sleep, next: b }` + "\n  b: { type: respond, with: { body: b } }",
			took:  time.Hour,
			want:  engine.Result{Response: &node.Response{Status: 200, Body: "b"}, Status: run.Completed, Outcome: "success"},
			story: "hook:success a:success b:success",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				src := "flow: sample\n" + tc.head + "nodes:\n  hook: { type: start, next: a }\n" + tc.nodes
				f, mistakes := flow.Load("sample.yaml", []byte(src), flow.Config{Types: types(t)})
				if f == nil {
					t.Fatal(mistakes.Err())
				}
				e := engine.New(engine.Config{Caller: &vendor{reply: never}})
				begin := time.Now()
				r := start(t, e, f)
				got, err := r.Wait(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tc.want, got); diff != "" {
					t.Errorf("result (-want +got):\n%s", diff)
				}
				if took := time.Since(begin); took > tc.took || took < tc.took-time.Second {
					t.Errorf("took %s, want about %s", took, tc.took)
				}
				if s := story(t, f, r); tc.story != "" && s != tc.story {
					t.Errorf("story %q, want %q", s, tc.story)
				}
				if err := e.Shutdown(t.Context()); err != nil {
					t.Errorf("Shutdown: %v", err)
				}
			})
		})
	}
}

func TestRetryKeepsTheKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		v := &vendor{reply: func(context.Context, outbound.Request) wire.Reply {
			if tries++; tries < 3 {
				return wire.Reply{Failure: wire.Timeout}
			}
			return wire.Reply{Status: 200}
		}}
		e := engine.New(engine.Config{Caller: v})
		f := load(t, `  a: { type: call-idempotent, with: { urls: [/one] }, retry: { max: 5, on: [onTimeout] } }`)
		if res, err := start(t, e, f).Wait(t.Context()); err != nil || res.Status != run.Completed {
			t.Fatalf("Wait: %+v, %v", res, err)
		}
		seen := v.calls()
		if len(seen) != 3 || seen[0].Key == "" || seen[0].Key != seen[1].Key || seen[1].Key != seen[2].Key {
			t.Errorf("calls %+v, want three with one key", seen)
		}
	})
}

// TestUnsayable holds that what cannot be written into a journal is a fault of
// the node that leaves it, and that the run goes on.
func TestUnsayable(t *testing.T) {
	t.Parallel()
	for what, want := range map[string]string{
		"number":   "it holds the number NaN, which JSON has not",
		"function": "JSON cannot say it: json: unsupported type: func()",
		"deep":     "it nests deeper than 1000 levels",
	} {
		for where, named := range map[string]string{
			"outputs": `value-limit: output "x": `, "set": `template: variable "x": `, "response": "value-limit: the body of the response: ",
		} {
			f := load(t, "  a: { type: unsayable, with: { what: "+what+", where: "+where+" }, outcomes: { onError: b } }\n"+
				`  b: { type: respond, with: { body: "$(error.code): $(error.message)" } }`)
			r := start(t, engine.New(engine.Config{Journal: journal.NewMemory(1)}), f)
			res, err := r.Wait(t.Context())
			if err != nil || res.Response == nil || res.Response.Body != named+want {
				t.Errorf("%s in %s: %+v, %v; want %s", what, where, res, err, named+want)
			}
			if _, err := run.Marshal(r.Events()); err != nil {
				t.Errorf("%s in %s: %v", what, where, err)
			}
		}
	}
}

// TestBeyondFromTheStart holds that a run whose trigger gave more than a run may
// have gets to its end by nodes that add nothing.
func TestBeyondFromTheStart(t *testing.T) {
	t.Parallel()
	e := engine.New(engine.Config{Journal: journal.NewMemory(1), Bounds: run.Bounds{Value: 1 << 20, Run: 1000, Journal: 1 << 20}})
	f := load(t, `  a: { type: respond, with: { body: done } }`)
	r, _, err := e.Start(t.Context(), engine.Start{Flow: f, Output: map[string]any{"x": strings.Repeat("a", 2000)}})
	if err != nil {
		t.Fatal(err)
	}
	res, err := r.Wait(t.Context())
	if err != nil || res.Response == nil || res.Response.Body != "done" {
		t.Errorf("%+v, %v; want the response", res, err)
	}
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	date := "Fri, 20 Nov 2026 08:00:00 GMT"
	for name, tc := range map[string]struct {
		headers map[string][]string
		policy  string
		want    time.Duration
	}{
		"seconds":                {map[string][]string{"retry-after": {"40"}}, "", 40 * time.Second},
		"a date":                 {map[string][]string{"retry-after": {"Fri, 20 Nov 2026 08:00:40 GMT"}, "date": {date}}, "", 40 * time.Second},
		"no longer than an hour": {map[string][]string{"retry-after": {"2147483647"}}, "", time.Hour},
		"nor than maxDelay":      {map[string][]string{"retry-after": {"2147483647"}}, ", maxDelay: 20s", 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				v := &vendor{reply: func(context.Context, outbound.Request) wire.Reply {
					if tries++; tries == 1 {
						return wire.Reply{Status: 429, Headers: tc.headers}
					}
					return wire.Reply{Status: 200}
				}}
				e := engine.New(engine.Config{Caller: v})
				f := load(t, `  a: { type: call-idempotent, with: { urls: [/one] }, retry: { max: 1, on: [onError], delay: 1s`+tc.policy+` } }`)
				begin := time.Now()
				if res, err := start(t, e, f).Wait(t.Context()); err != nil || res.Status != run.Completed {
					t.Fatalf("Wait: %+v, %v", res, err)
				}
				if took := time.Since(begin); took != tc.want {
					t.Errorf("tried again after %s, want %s", took, tc.want)
				}
			})
		})
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := engine.New(engine.Config{})
		r := start(t, e, load(t, `  a: { type: sleep }`))
		synctest.Wait()
		r.Cancel("enough")
		res, err := r.Wait(t.Context())
		want := engine.Result{Status: run.Cancelled, Code: "cancelled", Reason: "enough"}
		if err != nil || !cmp.Equal(res, want) {
			t.Errorf("Wait: %+v, %v; want %+v", res, err, want)
		}
	})
}

func TestShutdownInterrupts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := engine.New(engine.Config{})
		f := load(t, `  a: { type: sleep }`)
		r := start(t, e, f)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := e.Shutdown(ctx); err == nil || !strings.Contains(err.Error(), "1 runs were interrupted") {
			t.Errorf("Shutdown: %v, want one run interrupted", err)
		}
		if _, err := r.Wait(t.Context()); !errors.Is(err, engine.ErrStopped) {
			t.Errorf("Wait: %v, want ErrStopped", err)
		}
		if _, _, err := e.Start(t.Context(), engine.Start{Flow: f}); !errors.Is(err, engine.ErrStopped) {
			t.Errorf("Start after Shutdown: %v, want ErrStopped", err)
		}
	})
}

// flaky is a journal that fails when told to, and counts what reaches it.
type flaky struct {
	journal.Driver
	mu      sync.Mutex
	appends int
	fail    error
}

func (j *flaky) Append(ctx context.Context, id string, after int, events []run.Event) error {
	j.mu.Lock()
	j.appends++
	err := j.fail
	j.mu.Unlock()
	if err != nil {
		return err
	}
	return j.Driver.Append(ctx, id, after, events)
}

func (j *flaky) set(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.fail = err
}

// TestCommits holds the number of journal appends to the promise: one for a
// run with idempotent calls that somebody waits for, one more for each call
// that must not be repeated.
func TestCommits(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		nodes string
		want  int
	}{
		{`  a: { type: call-idempotent, with: { urls: [/one, /two] }, next: b }` + "\n  b: { type: respond }", 1},
		{`  a: { type: call, with: { urls: [/one, /two] }, next: b }` + "\n  b: { type: respond }", 3},
		{`  a: { type: respond, next: b }` + "\n" + `  b: { type: call-idempotent, with: { urls: [/one] } }`, 2},
	} {
		j := &flaky{Driver: journal.NewMemory(10)}
		e := engine.New(engine.Config{Journal: j, Caller: &vendor{}})
		if _, err := start(t, e, load(t, tc.nodes)).Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if j.appends != tc.want {
			t.Errorf("%d appends, want %d, for\n%s", j.appends, tc.want, tc.nodes)
		}
	}
}

func TestNothingIsSaidThatIsNotJournaled(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	v := &vendor{}
	e := engine.New(engine.Config{Journal: &flaky{Driver: journal.NewMemory(10), fail: full}, Caller: v})
	f := load(t, `  a: { type: call, with: { urls: [/one] }, next: b }`+"\n  b: { type: respond }")
	if _, _, err := e.Start(t.Context(), engine.Start{Flow: f, Accepted: true}); !errors.Is(err, full) {
		t.Errorf("Start: %v, want %v", err, full)
	}
	r := start(t, e, f)
	res, err := r.Response(t.Context())
	if !errors.Is(err, full) || res.Response != nil {
		t.Errorf("Response: %+v, %v; want %v", res, err, full)
	}
	if seen := v.calls(); len(seen) != 0 {
		t.Errorf("%d calls were sent that could be repeated after a crash", len(seen))
	}
}

func TestFollowTellsEverything(t *testing.T) {
	t.Parallel()
	e := engine.New(engine.Config{Caller: &vendor{}})
	r := start(t, e, load(t, `  a: { type: call, with: { urls: [/one] } }`))
	var names []string
	r.Follow(t.Context(), func(ev run.Event) bool {
		names = append(names, run.Name(ev))
		return true
	})
	want := []string{"run-started", "call-started", "call-replied", "node-finished", "run-ended"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}
