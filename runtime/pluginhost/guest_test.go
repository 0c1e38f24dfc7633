package pluginhost_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/pluginhost"
	"github.com/wendflow/wend/sdk/wire"
)

func finish(t *testing.T, typ *node.Type, v node.Visit) map[string]any {
	t.Helper()
	action, err := typ.Step(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	f, ok := action.(node.Finish)
	if !ok {
		t.Fatalf("Step = %#v, want it to finish", action)
	}
	return f.Outputs
}

// TestDeterminism looks around from inside a Go guest, in every way that
// fresh state is made: all see the same, and it follows seed and time.
func TestDeterminism(t *testing.T) {
	t.Parallel()
	modes := map[string]func(*testing.T) []*node.Type{
		"restored by page": func(t *testing.T) []*node.Type {
			t.Helper()
			return load(t, newHost(t, pluginhost.Config{}), guest(t)).Types()
		},
		"restored by comparison": func(t *testing.T) []*node.Type {
			t.Helper()
			h := newHost(t, pluginhost.Config{})
			h.WithoutTracker()
			return load(t, h, guest(t)).Types()
		},
		"a new instance": func(t *testing.T) []*node.Type {
			t.Helper()
			return load(t, newHost(t, pluginhost.Config{}), guest(t)).FreshTypes()
		},
	}
	var mu sync.Mutex
	seen := map[string]map[string]any{} // by seed
	for name, mode := range modes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			look := named(t, mode(t), "look")
			for _, seed := range []string{"a", "b", "a", "b"} {
				v := visit(map[string]any{})
				v.Seed = seed
				got := finish(t, look, v)
				mu.Lock()
				want := seen[seed]
				seen[seed] = got
				mu.Unlock()
				if want != nil {
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("seed %q (-want +got):\n%s", seed, diff)
					}
				}
				if got["seen"] != 1 || got["now"] != "2026-11-20T08:00:00.000Z" || got["slept"] != "1h0m0s" || got["env"] != 0 || got["args"] != 0 {
					t.Errorf("the guest saw %v", got)
				}
			}
		})
	}
	t.Cleanup(func() {
		if seen["a"]["random"] == seen["b"]["random"] {
			t.Errorf("randomness does not follow the seed: %v", seen)
		}
	})
}

// TestReplay asks call by call, each time from the beginning.
func TestReplay(t *testing.T) {
	t.Parallel()
	chatter := method(t, load(t, newHost(t, pluginhost.Config{}), guest(t)), "chatter")
	v := visit(map[string]any{"calls": 3})
	var log []string
	v.Log = func(line string) { log = append(log, line) }
	for range 3 {
		action, err := chatter.Step(t.Context(), v)
		if err != nil {
			t.Fatal(err)
		}
		v.Asked = append(v.Asked, wire.Fingerprint(action.(node.Ask).Calls[0]))
		v.Replies = append(v.Replies, wire.Reply{Failure: wire.Timeout, Message: "slow"})
	}
	finish(t, chatter, v)
	want := strings.Split("call 0|call 0|call 1|call 0|call 1|call 2|call 0|call 1|call 2", "|")
	if diff := cmp.Diff(want, log); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}

	v.Asked = slices.Clone(v.Asked)
	v.Asked[1] = "GET /other #0"
	_, err := chatter.Step(t.Context(), v)
	if f, ok := errors.AsType[*node.Fault](err); !ok || f.Code != pluginhost.FaultNondeterministic || !strings.Contains(f.Msg, `call 2 was "GET /other #0" before`) {
		t.Errorf("Step with another past = %v, want the fault nondeterministic", err)
	}
}

// TestGuestFaults: a Go guest's faults say what it said itself.
func TestGuestFaults(t *testing.T) {
	t.Parallel()
	h := newHost(t, pluginhost.Config{Ceiling: manifest.Limits{Fuel: 500_000_000}})
	p := load(t, h, guest(t))
	tests := []struct {
		method string
		inputs map[string]any
		code   string
		want   []string
	}{
		{"explode", map[string]any{}, "trap", []string{
			"plugin guest@1.2.0, method explode: panic: assignment to entry in nil map",
			"; in main.explode; it last wrote: about to explode",
		}},
		{"quit", map[string]any{}, "exit", []string{"exited with status 7 instead of answering"}},
		{"spin", map[string]any{}, "fuel", []string{"used up its fuel of 500000000; in main.spin"}},
		{"hoard", map[string]any{"megabytes": 100}, "memory", []string{"over its limit of 64MB", "main.hoard"}},
		{"chatter", map[string]any{"calls": "many"}, "trap", []string{`"calls"`}},
	}
	for _, test := range tests {
		t.Run(test.method, func(t *testing.T) {
			t.Parallel()
			_, err := method(t, p, test.method).Step(t.Context(), visit(test.inputs))
			f, ok := errors.AsType[*node.Fault](err)
			if !ok || f.Code != test.code {
				t.Fatalf("Step = %v, want the fault %q", err, test.code)
			}
			for _, want := range test.want {
				if !strings.Contains(f.Msg, want) {
					t.Errorf("fault = %q, want %q", f.Msg, want)
				}
			}
		})
	}
}

func TestInvalidInputs(t *testing.T) {
	t.Parallel()
	endTask := method(t, load(t, newHost(t, pluginhost.Config{}), guest(t)), "close-task")
	_, err := endTask.Step(t.Context(), visit(map[string]any{"domain": 7, "taskId": "x", "mediaType": "Fax"}))
	invalid, ok := errors.AsType[*node.InvalidError](err)
	if !ok {
		t.Fatalf("Step = %v, want an InvalidError", err)
	}
	got := node.FormatProblems(invalid.Problems)
	for _, want := range []string{"domain: is a number, expected a string", "taskId: ", "mediaType: "} {
		if !strings.Contains(got, want) {
			t.Errorf("problems = %q, want %q", got, want)
		}
	}
}

// TestDeepInputs: what a plugin is given nests no deeper than what it may say.
func TestDeepInputs(t *testing.T) {
	t.Parallel()
	look := method(t, load(t, newHost(t, pluginhost.Config{}), guest(t)), "look")
	var deep any = "x"
	for range 500 {
		deep = []any{deep}
	}
	if _, err := look.Step(t.Context(), visit(map[string]any{"extra": deep})); err != nil {
		t.Errorf("500 levels: %v", err)
	}
	_, err := look.Step(t.Context(), visit(map[string]any{"extra": []any{deep}}))
	invalid, ok := errors.AsType[*node.InvalidError](err)
	if !ok || node.FormatProblems(invalid.Problems) != "extra: nests deeper than 500 levels" {
		t.Errorf("501 levels: %v, want an InvalidError of the input", err)
	}
}

// TestGrowth: an instance that had to grow is not kept, and does no harm.
func TestGrowth(t *testing.T) {
	t.Parallel()
	p := load(t, newHost(t, pluginhost.Config{}), guest(t))
	hoard := method(t, p, "hoard")
	for range 20 {
		if got := finish(t, hoard, visit(map[string]any{"megabytes": 20})); got["kept"] != 20 {
			t.Fatalf("outputs = %v, want kept = 20", got)
		}
	}
	if s := p.Status(); s.Dropped != 20 || s.Grown != 20 || s.Pages < 320 || s.Idle != 0 || s.Invokes != 20 {
		t.Errorf("status = %+v, want all instances dropped since they grew by 20 MB", s)
	}
}

// TestInstances: no more invokes than allowed run at once, and one that gave up
// waiting says so.
func TestInstances(t *testing.T) {
	t.Parallel()
	p := load(t, newHost(t, pluginhost.Config{Instances: 2}), guest(t))
	chatter := method(t, p, "chatter")
	release := make(chan struct{})
	inside := make(chan struct{})
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			v := visit(map[string]any{"calls": 1})
			v.Log = func(string) { inside <- struct{}{}; <-release }
			if _, err := chatter.Step(t.Context(), v); err != nil {
				t.Error(err)
			}
		})
	}
	<-inside
	<-inside
	_, err := chatter.Step(ended(t), visit(map[string]any{"calls": 0}))
	if f, ok := errors.AsType[*node.Fault](err); !ok || f.Code != pluginhost.FaultBusy || !strings.Contains(f.Msg, "one of its 2 instances") {
		t.Errorf("Step = %v, want it to give up", err)
	}
	close(release)
	wg.Wait()
	if s := p.Status(); s.Idle != 2 {
		t.Errorf("status = %+v, want 2 idle instances", s)
	}
}

// TestWall stops a guest by real time, though fuel is left.
func TestWall(t *testing.T) {
	t.Parallel()
	const wall = 100 * time.Millisecond
	m, err := manifest.Read(guest(t))
	if err != nil {
		t.Fatal(err)
	}
	m.Limits.Wall = wall
	hasty, err := manifest.Append(guest(t), m)
	if err != nil {
		t.Fatal(err)
	}
	spin := method(t, load(t, newHost(t, pluginhost.Config{}), hasty), "spin")
	began := time.Now()
	_, err = spin.Step(t.Context(), visit(map[string]any{}))
	if f, ok := errors.AsType[*node.Fault](err); !ok || f.Code != pluginhost.FaultWall {
		t.Fatalf("Step = %v, want the fault wall", err)
	}
	t.Logf("stopped %s after its time", time.Since(began)-wall)

	spin = method(t, load(t, newHost(t, pluginhost.Config{Wall: time.Hour}), hasty), "spin")
	_, err = spin.Step(t.Context(), visit(map[string]any{}))
	if f, ok := errors.AsType[*node.Fault](err); !ok || f.Code != pluginhost.FaultFuel {
		t.Errorf("Step = %v, want the fault fuel where the host gives it time", err)
	}
}
