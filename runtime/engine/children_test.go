package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
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

// family are flows that call each other.
type family map[string]*flow.Flow

// stepSpawn has children made as its inputs say, and gives back how they ended.
func stepSpawn(_ context.Context, v node.Visit) (node.Action, error) {
	name, _ := v.Inputs["flow"].(string)
	count, given := v.Inputs["count"].(int)
	if !given {
		count = 1
	}
	most, _ := v.Inputs["most"].(int)
	if !v.Spawned && !v.Woken {
		spawn := node.Spawn{Count: count, Most: most, Child: func(i int) (node.Child, error) {
			if name == "" {
				return node.Child{Names: map[string]any{"index": i, "item": i}}, nil
			}
			return node.Child{Flow: name, Input: map[string]any{"index": i, "given": v.Inputs["given"]}}, nil
		}}
		if name != "" {
			spawn.Flows = []string{name}
		}
		switch v.Inputs["until"] {
		case "first":
			spawn.Enough = func(end node.ChildEnd) bool { return !end.Failed }
		case "failure":
			spawn.Enough = func(end node.ChildEnd) bool { return end.Failed }
		}
		return spawn, nil
	}
	ends := make([]any, len(v.Children))
	f := node.Finish{Outputs: map[string]any{"ends": ends}}
	for i, end := range v.Children {
		ends[i] = fmt.Sprintf("%d %s %v", end.Index, end.Code, end.Outputs["n"])
		if end.Failed && v.Inputs["until"] != "first" {
			f.Outcome, f.Code, f.Message = "onError", end.Code, end.Reason
		}
	}
	if v.Woken {
		f.Outcome, f.Code = "onTimeout", "late"
	}
	return f, nil
}

func familyTypes(t testing.TB) *node.Set {
	t.Helper()
	spawn := &node.Type{
		Name: "spawn", Inputs: anything, Outputs: anything, Outcomes: outcomes("onTimeout"), Waits: true, Step: stepSpawn,
		Shape: func(with map[string]any) (node.Shape, []node.Problem) {
			name, _ := with["flow"].(string)
			return node.Shape{Callees: []node.Callee{{Flow: name, Name: []string{"flow"}}}}, nil
		},
	}
	each := &node.Type{
		Name: "each", Inputs: node.MustSchema(map[string]any{"type": "object", "properties": map[string]any{
			"nodes": map[string]any{"x-wend": "body"}, "items": map[string]any{"type": "array"},
		}}), Outputs: anything, Outcomes: outcomes("onTimeout"), Waits: true, Step: stepSpawn,
		Shape: func(map[string]any) (node.Shape, []node.Problem) {
			return node.Shape{Bodies: []node.Body{{Items: []string{"items"}}}}, nil
		},
	}
	called := &node.Type{
		Name: "called", Inputs: anything, Outputs: anything,
		Trigger: func(in map[string]any) (node.Trigger, error) {
			schema, given := in["input"].(map[string]any)
			if !given {
				return &node.Called{}, nil
			}
			input, err := node.NewSchema(schema)
			return &node.Called{Input: input}, err
		},
		Outcomes: node.Outcomes{Success: "success", All: []node.Outcome{{Name: "success"}}},
	}
	give := &node.Type{
		Name: "give", Inputs: anything, Outputs: anything, Outcomes: outcomes(),
		Step: func(_ context.Context, v node.Visit) (node.Action, error) {
			code, _ := v.Inputs["code"].(string)
			return node.Finish{
				Outputs: map[string]any{"n": v.Inputs["n"]},
				End:     &node.End{Code: code, Failed: v.Inputs["failed"] == true},
			}, nil
		},
	}
	set, err := node.NewSet(append(types(t).All(), spawn, each, called, give)...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// loadFamily reads flows; the first of them is begun by hand.
func loadFamily(t testing.TB, sources ...string) family {
	t.Helper()
	all := family{}
	for _, src := range sources {
		f, mistakes := flow.Load("f.yaml", []byte(src), flow.Config{Types: familyTypes(t)})
		if f == nil {
			t.Fatalf("%v\n%s", mistakes.Err(), src)
			return nil
		}
		all[f.Name] = f
	}
	return all
}

func (f family) config(v engine.Caller) engine.Config {
	return engine.Config{
		Caller: v, Callee: func(name string) *flow.Flow { return f[name] },
		Flow: func(_ context.Context, s journal.Summary) (*flow.Flow, error) {
			if f[s.Flow] == nil {
				return nil, journal.ErrNotFound
			}
			return f[s.Flow], nil
		},
	}
}

func (f family) boot(t *testing.T, d journal.Driver, v engine.Caller) *process {
	t.Helper()
	return bootConfig(t, d, f.config(v))
}

const (
	parentFlow = "flow: parent\nnodes:\n  hook: { type: start, next: a }\n  a: { type: spawn, with: { flow: child }, next: done }\n" +
		"  done: { type: respond, with: { body: $(a.ends) } }\n"
	childFlow = "flow: child\nnodes:\n  given: { type: called, next: call }\n  call: { type: call-idempotent, with: { urls: [/one] }, next: out }\n" +
		"  out: { type: give, with: { n: $(given.index), code: fine } }\n"
)

// told is what the events of a run say of its children.
func told(events []run.Event) string {
	var words []string
	for _, e := range events {
		switch e := e.(type) {
		case run.ChildrenStarted:
			words = append(words, fmt.Sprintf("start %d", e.Count))
		case run.ChildEnded:
			words = append(words, fmt.Sprintf("%d %s", e.Index, e.Status))
		case run.ChildrenStopped:
			words = append(words, fmt.Sprintf("stop %d", e.Began))
		case run.RunEnded:
			words = append(words, string(e.Status))
		case run.RunCancelled:
			words = append(words, "cancelled")
		}
	}
	return strings.Join(words, ", ")
}

func TestChildRunsInMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := loadFamily(t, "durable: false\n"+parentFlow, childFlow)
		e := engine.New(f.config(&vendor{}))
		r, _, err := e.Start(t.Context(), engine.Start{Flow: f["parent"]})
		if err != nil {
			t.Fatal(err)
		}
		res, err := r.Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]any{"0 fine 0"}, res.Response.Body); diff != "" {
			t.Errorf("the parent heard (-want +got):\n%s", diff)
		}
		id := childOf(t, r.Events(), 0)
		s, d, err := e.Summary(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		want := &run.Parent{Run: r.ID, Place: run.Place{Node: "a", Visit: 1, Attempt: 1}, Depth: 1}
		if diff := cmp.Diff(want, s.Parent); diff != "" {
			t.Errorf("the parent of the child (-want +got):\n%s", diff)
		}
		if events, _ := d.Events(t.Context(), id); len(events) == 0 {
			t.Error("the child is not in the journal of its parent")
		}
	})
}

func childOf(t *testing.T, events []run.Event, index int) string {
	t.Helper()
	for _, e := range events {
		if started, ok := e.(run.ChildrenStarted); ok {
			return started.Child(events[0].(run.RunStarted).Run, index)
		}
	}
	t.Fatal("no children were started")
	return ""
}

// TestChildrenAfterEachAppend kills the process after every single append of a
// parent and its children, and expects the same end as without a crash.
func TestChildrenAfterEachAppend(t *testing.T) {
	t.Parallel()
	parent := "flow: parent\nnodes:\n  hook: { type: start, next: a }\n" +
		"  a: { type: spawn, with: { flow: child, count: 3, most: 2 }, next: b }\n" +
		"  b: { type: spawn, with: { flow: middle }, next: c }\n  c: { type: sleep }\n"
	middle := "flow: middle\nnodes:\n  given: { type: called, next: a }\n  a: { type: spawn, with: { flow: child }, next: out }\n" +
		"  out: { type: give, with: { n: '$(a.ends[0])' } }\n"
	child := "flow: child\nnodes:\n  given: { type: called, next: call }\n  call: { type: call-idempotent, with: { urls: [/one] }, next: nap }\n" +
		"  nap: { type: sleep, next: out }\n  out: { type: give, with: { n: $(given.index) } }\n"
	for kill := 1; kill <= 24; kill++ {
		t.Run(fmt.Sprint(kill), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, f, v := disk(), loadFamily(t, parent, middle, child), &vendor{}
				first := f.boot(t, &mortal{Driver: d, killAfter: kill}, v)
				id := accept(t, first, f["parent"])
				time.Sleep(6 * time.Hour)
				first.kill()
				f.boot(t, d, v)
				s := ended(t, d, id)
				if s.Status != run.Completed {
					t.Errorf("run is %s at %s, %s", s.Status, s.Node, s.Reason)
				}
				seen := map[string]bool{}
				for _, c := range v.calls() {
					seen[c.Key] = true
				}
				if len(seen) != 4 {
					t.Errorf("the vendor saw %d different calls, want one of each child", len(seen))
				}
				page, err := d.Runs(t.Context(), journal.Filter{Limit: 100})
				if err != nil || len(page.Runs) != 6 {
					t.Errorf("there are %d runs, want 6 (%v)", len(page.Runs), err)
				}
				for _, s := range page.Runs {
					if !s.Status.Ended() {
						t.Errorf("run of %s is %s", s.Flow, s.Status)
					}
				}
			})
		})
	}
}

// mute is a journal that does not take the first events of child runs for a while,
// or takes them and loses the answer.
type mute struct {
	journal.Driver
	mu   sync.Mutex
	left int // refusals
	lost bool
}

func (j *mute) Append(ctx context.Context, id string, after int, events []run.Event) error {
	first, begins := events[0].(run.RunStarted)
	j.mu.Lock()
	refuse := begins && first.Parent != nil && j.left > 0
	if refuse {
		j.left--
	}
	j.mu.Unlock()
	if !refuse {
		return j.Driver.Append(ctx, id, after, events)
	}
	if j.lost {
		if err := j.Driver.Append(ctx, id, after, events); err != nil {
			return err
		}
	}
	return errFull
}

// A child that its parent has promised begins when there is room again, and its
// parent hears of it.
func TestChildThatCannotBeWrittenYet(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprint(lost), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, f := &mute{Driver: disk(), left: 3, lost: lost}, loadFamily(t, parentFlow, childFlow)
				p := f.boot(t, d, &vendor{})
				if s := ended(t, d, accept(t, p, f["parent"])); s.Status != run.Completed {
					t.Errorf("run is %s: %s", s.Status, s.Reason)
				}
			})
		})
	}
}

func TestCancelGoesDown(t *testing.T) {
	t.Parallel()
	middle := "flow: middle\nnodes:\n  given: { type: called, next: a }\n  a: { type: spawn, with: { flow: child, count: 5, most: 2 } }\n"
	child := "flow: child\nnodes:\n  given: { type: called, next: a }\n  a: { type: sleep }\n"
	parent := strings.Replace(parentFlow, "flow: child", "flow: middle", 1)
	for _, after := range []time.Duration{time.Second, 10 * time.Second} { // driven, and parked
		t.Run(after.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, f := disk(), loadFamily(t, parent, middle, child)
				p := f.boot(t, d, &vendor{})
				id := accept(t, p, f["parent"])
				time.Sleep(after)
				if err := p.Cancel(t.Context(), id, "enough"); err != nil {
					t.Fatal(err)
				}
				page, err := d.Runs(t.Context(), journal.Filter{})
				if err != nil {
					t.Fatal(err)
				}
				begun := 0
				for _, s := range page.Runs {
					if s.Events > 2 { // others were kept from beginning
						begun++
					}
					if s.Status != run.Cancelled {
						t.Errorf("run of %s is %s, want cancelled", s.Flow, s.Status)
					}
				}
				if begun != 4 {
					t.Errorf("%d runs had begun, want 4", begun)
				}
			})
		})
	}
}

func TestChildrenOfANode(t *testing.T) {
	t.Parallel()
	slow := "flow: child\nnodes:\n  given: { type: called, next: a }\n  a: { type: call-idempotent, with: { urls: [$(string(given.index))] }, next: out }\n" +
		"  out: { type: give, with: { n: $(given.index), code: fine, failed: '$(given.index == 1)' } }\n"
	for _, tc := range []struct {
		name, with string
		head       string
		want, told string
	}{
		{"all at once", "count: 3", "", `[1 fine 1 2 fine 2 0 fine 0]`, "start 3, 1 failed, 2 completed, 0 completed, failed"},
		{"two at a time", "count: 3, most: 2", "", `[1 fine 1 0 fine 0 2 fine 2]`, "start 3, 1 failed, 0 completed, 2 completed, failed"},
		{"until the first", "count: 3, until: first", "", `[1 fine 1 2 fine 2 0 cancelled <nil>]`, "start 3, 1 failed, 2 completed, stop 3, 0 cancelled, completed"},
		{"until a failure", "count: 30, most: 2, until: failure", "", `[1 fine 1 0 cancelled <nil>]`, "start 30, 1 failed, stop 2, 0 cancelled, failed"},
		{"none", "count: 0", "", `[]`, "start 0, completed"},
		{"until the node's time is over", "count: 3", "timeout: 2700ms", `[1 fine 1 2 fine 2 0 cancelled <nil>]`, "start 3, 1 failed, 2 completed, stop 3, 0 cancelled, failed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				timeout := ""
				if tc.head != "" {
					timeout = ", " + tc.head
				}
				parent := "flow: parent\nnodes:\n  hook: { type: start, next: a }\n  a: { type: spawn, with: { flow: child, " + tc.with + " }" + timeout + " }\n"
				d, f := disk(), loadFamily(t, parent, slow)
				// The first takes three seconds, the next one, and any other two and a half.
				v := &vendor{reply: func(ctx context.Context, r outbound.Request) wire.Reply {
					wait := map[string]time.Duration{"0": 3 * time.Second, "1": time.Second}[r.Call.URL]
					if wait == 0 {
						wait = 2500 * time.Millisecond
					}
					select {
					case <-time.After(wait):
						return wire.Reply{Status: 200}
					case <-ctx.Done():
						return wire.Reply{Failure: wire.Interrupted}
					}
				}}
				p := f.boot(t, d, v)
				id := accept(t, p, f["parent"])
				ended(t, d, id)
				events, err := d.Events(t.Context(), id)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tc.told, told(events)); diff != "" {
					t.Errorf("the run (-want +got):\n%s", diff)
				}
				report, err := run.NewReport(f["parent"], events)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tc.want, fmt.Sprint(report.Nodes[1].Outputs["ends"])); diff != "" {
					t.Errorf("the node heard (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestRunTimeoutGoesDown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		child := "flow: child\nnodes:\n  given: { type: called, next: a }\n  a: { type: sleep }\n"
		d, f := disk(), loadFamily(t, "timeout: 10m\n"+parentFlow, child)
		p := f.boot(t, d, &vendor{})
		id := accept(t, p, f["parent"])
		if s := ended(t, d, id); s.Code != "run-timeout" {
			t.Errorf("the parent ended with %q, %s", s.Code, s.Reason)
		}
		events, err := d.Events(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := d.Find(t.Context(), childOf(t, events, 0)); err != nil || s.Status != run.Cancelled {
			t.Errorf("the child is %s (%v)", s.Status, err)
		}
	})
}

func TestChildrenThatCannotBe(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, child, code, reason string }{
		{"no flow", "flow: other\nnodes:\n  given: { type: called }\n", "unknown-flow", `there is no flow "child" to call`},
		{"no trigger", "flow: child\nnodes:\n  given: { type: start }\n", "not-callable", `flow "child" cannot be called: it has no trigger of type "called"`},
		{
			"input that does not fit", "flow: child\nnodes:\n  given: { type: called, with: { input: { type: object, required: [x] } } }\n",
			"invalid-input", "inputs do not fit: x: is missing",
		},
		{
			"too deep", "flow: child\nnodes:\n  given: { type: called, next: a }\n  a: { type: spawn, with: { flow: child } }\n",
			"depth-limit", "the flow would be called at depth 4, deeper than limits.depth allows, which is 3",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := loadFamily(t, parentFlow, tc.child)
				cfg := f.config(&vendor{})
				cfg.Depth = 3
				r, _, err := engine.New(cfg).Start(t.Context(), engine.Start{Flow: f["parent"]})
				if err != nil {
					t.Fatal(err)
				}
				res, err := r.Wait(t.Context())
				if err != nil || res.Code != tc.code || !strings.Contains(res.Reason, tc.reason) {
					t.Errorf("the run ended with %q, %q (%v), want %q, %q", res.Code, res.Reason, err, tc.code, tc.reason)
				}
			})
		})
	}
}

// A child keeps to the flow that there was when its parent's node started it.
func TestChildKeepsItsFlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := disk()
		var mu sync.Mutex
		f := loadFamily(t, strings.Replace(parentFlow, "flow: child", "flow: child, count: 2, most: 1", 1),
			"flow: child\nnodes:\n  given: { type: called, next: a }\n  a: { type: sleep, next: out }\n  out: { type: give, with: { code: old } }\n")
		old := f["child"]
		cfg := f.config(&vendor{})
		cfg.Callee = func(name string) *flow.Flow {
			mu.Lock()
			defer mu.Unlock()
			return f[name]
		}
		cfg.Flow = func(_ context.Context, s journal.Summary) (*flow.Flow, error) {
			if s.FlowDigest == old.Digest {
				return old, nil
			}
			return f["parent"], nil
		}
		p := bootConfig(t, d, cfg)
		id := accept(t, p, f["parent"])
		time.Sleep(time.Minute)
		mu.Lock()
		f["child"] = loadFamily(t, "flow: child\nnodes:\n  given: { type: called, next: out }\n  out: { type: give, with: { code: new } }\n")["child"]
		mu.Unlock()
		p.kill()
		bootConfig(t, d, cfg)
		ended(t, d, id)
		events, err := d.Events(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if end, ok := e.(run.ChildEnded); ok && end.Code != "old" {
				t.Errorf("child %d ended as the flow is now", end.Index)
			}
		}
	})
}

// TestBodiesAfterEachAppend kills the process after every single append of a run
// whose node has nodes of its own run, one of which has the same.
func TestBodiesAfterEachAppend(t *testing.T) {
	t.Parallel()
	parent := `flow: parent
variables: { greeting: hello, other: unread }
nodes:
  hook: { type: start, next: a }
  a:
    type: each
    with:
      count: 3
      nodes:
        nap: { type: sleep, next: inner }
        inner:
          type: each
          with:
            count: 1
            nodes: { done: { type: give, with: { n: '$(greeting + " " + string(hook.from.name) + " " + string(index))' } } }
          next: out
        out: { type: give, with: { n: '$(string(index) + ": " + inner.ends[0])' } }
    next: done
  done: { type: respond, with: { body: $(a.ends) } }
`
	for kill := 1; kill <= 20; kill++ {
		t.Run(fmt.Sprint(kill), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, f := disk(), loadFamily(t, parent)
				cfg := f.config(&vendor{})
				cfg.Flow = func(_ context.Context, s journal.Summary) (*flow.Flow, error) {
					if s.Parent != nil {
						return f["parent"].Body(s.Parent.Body), nil
					}
					return f["parent"], nil
				}
				first := bootConfig(t, &mortal{Driver: d, killAfter: kill}, cfg)
				r, _, err := first.Start(t.Context(), engine.Start{Flow: f["parent"], Accepted: true, Output: map[string]any{
					"from": map[string]any{"name": "Bo", "long": "unread"}, "more": "unread",
				}})
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(6 * time.Hour)
				first.kill()
				bootConfig(t, d, cfg)
				ended(t, d, r.ID)
				events, err := d.Events(t.Context(), r.ID)
				if err != nil {
					t.Fatal(err)
				}
				report, err := run.NewReport(f["parent"], events)
				if err != nil {
					t.Fatal(err)
				}
				got := fmt.Sprint(report.Nodes[1].Outputs["ends"])
				for i := range 3 {
					if want := fmt.Sprintf("%d  %d: 0  hello Bo 0", i, i); !strings.Contains(got, want) {
						t.Errorf("the node heard %s, want %q in it", got, want)
					}
				}
				child, err := d.Events(t.Context(), childOf(t, events, 2))
				if err != nil {
					t.Fatal(err)
				}
				want := map[string]any{"greeting": "hello", "index": 2, "item": 2, "hook": map[string]any{"from": map[string]any{"name": "Bo"}}}
				if diff := cmp.Diff(want, child[0].(run.RunStarted).Variables); diff != "" {
					t.Errorf("a child has of its parent (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestRetryGoesOnInTheChildren takes up a run of which one child failed, and one
// child of that.
func TestRetryGoesOnInTheChildren(t *testing.T) {
	t.Parallel()
	parent := "flow: parent\nnodes:\n  hook: { type: start, next: a }\n  a: { type: spawn, with: { flow: middle, count: 3 }, next: done }\n" +
		"  done: { type: respond, with: { body: $(a.ends) } }\n"
	middle := "flow: middle\nnodes:\n  given: { type: called, next: first }\n" +
		"  first: { type: call-idempotent, with: { urls: ['$(\"/first/\" + string(given.index))'] }, next: a }\n" +
		"  a: { type: spawn, with: { flow: child, given: $(given.index) }, next: out, outcomes: { onError: failed } }\n" +
		"  out: { type: give, with: { n: '$(a.ends[0])' } }\n  failed: { type: give, with: { failed: true } }\n"
	child := "flow: child\nnodes:\n  given: { type: called, next: one }\n  one: { type: call-idempotent, with: { urls: ['$(\"/one/\" + string(given.given))'] }, next: two }\n" +
		"  two: { type: call-idempotent, with: { urls: ['$(\"/two/\" + string(given.given))'] }, next: out, outcomes: { onError: failed } }\n" +
		"  out: { type: give, with: { n: $(given.given), code: fine } }\n  failed: { type: give, with: { failed: true } }\n"
	for kill := range 7 {
		t.Run(fmt.Sprint(kill), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, f := disk(), loadFamily(t, parent, middle, child)
				well := false
				v := &vendor{reply: func(_ context.Context, r outbound.Request) wire.Reply {
					if r.Call.URL == "/two/1" && !well {
						return wire.Reply{Status: 400}
					}
					return wire.Reply{Status: 200}
				}}
				p := f.boot(t, d, v)
				id := accept(t, p, f["parent"])
				if s := ended(t, d, id); s.Status != run.Failed {
					t.Fatalf("the run is %s", s.Status)
				}
				well = true
				before := len(v.calls())
				p.kill()
				p = f.boot(t, &mortal{Driver: d, killAfter: kill}, v)
				plan, err := p.PlanRetry(t.Context(), id, engine.Retry{})
				if err != nil || plan.From != "a" || plan.Kept != 2 || plan.Again != 1 {
					t.Fatalf("PlanRetry = %+v, %v", plan, err)
				}
				r, _, err := p.Retry(t.Context(), id, engine.Retry{})
				if err != nil { // killed before it was on record: who asked asks again
					p.kill()
					p = f.boot(t, d, v)
					if r, _, err = p.Retry(t.Context(), id, engine.Retry{}); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Hour)
				p.kill()
				f.boot(t, d, v)
				if s := ended(t, d, r.ID); s.Status != run.Completed {
					t.Errorf("the retry is %s, %s", s.Status, s.Reason)
				}
				for _, c := range v.calls()[before:] {
					if c.Call.URL != "/two/1" {
						t.Errorf("%s was called again", c.Call.URL)
					}
				}
				events, err := d.Events(t.Context(), r.ID)
				if err != nil {
					t.Fatal(err)
				}
				report, err := run.NewReport(f["parent"], events)
				if err != nil {
					t.Fatal(err)
				}
				if n := report.Nodes[1].Children; n.Ended != 3 || n.Failed != 0 {
					t.Errorf("the children of the retry: %+v", n)
				}
			})
		})
	}
}

// A child of a flow that is paused waits before its first node, and its parent for
// it.
func TestChildOfAPausedFlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, f := disk(), loadFamily(t, parentFlow, childFlow)
		var paused atomic.Bool
		paused.Store(true)
		cfg := f.config(&vendor{})
		cfg.Paused = func(name string) *journal.Pause {
			if name == "child" && paused.Load() {
				return &journal.Pause{Reason: "incident"}
			}
			return nil
		}
		p := bootConfig(t, d, cfg)
		id := accept(t, p, f["parent"])
		time.Sleep(time.Hour)
		events, err := d.Events(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := d.Find(t.Context(), childOf(t, events, 0)); err != nil || s.Status != run.Paused {
			t.Errorf("the child is %s (%v), want paused", s.Status, err)
		}
		paused.Store(false)
		p.FlowResumed("child")
		if s := ended(t, d, id); s.Status != run.Completed {
			t.Errorf("the parent is %s, %s", s.Status, s.Reason)
		}
	})
}
