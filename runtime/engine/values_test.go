package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
)

const countingFlow = `flow: counting
nodes:
  hook: { type: webhook, with: { path: /c }, next: one }
  one: { type: store, with: { operation: add, key: n }, next: two, outcomes: { onError: done } }
  two: { type: store, with: { operation: add, key: n, by: 10 }, next: rest, outcomes: { onError: done } }
  rest: { type: delay, with: { for: 1h }, next: lock, outcomes: { onError: done } }
  lock: { type: store, with: { operation: put, key: lock, scope: global, value: $(run.id), if: { absent: true } }, next: drop, outcomes: { onError: done, conflict: done } }
  drop: { type: store, with: { operation: delete, key: lock, scope: global }, next: done, outcomes: { onError: done, absent: done } }
  done: { type: end, with: { code: "$(error.outcome)", reason: "$(one.value ?? 0) $(two.value ?? 0) $(drop.value ?? 0)" } }
`

// TestChangedOnce kills the process at each append and at each change of a value:
// whatever was done is not done again, and the run goes on with what came of it.
func TestChangedOnce(t *testing.T) {
	t.Parallel()
	for kill := 1; kill <= 9; kill++ {
		t.Run(fmt.Sprint(kill), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, f := disk(), loadReal(t, countingFlow)
				first := boot(t, &mortal{Driver: d, killAfter: kill}, f, &vendor{})
				id := accept(t, first, f)
				time.Sleep(2 * time.Hour)
				first.kill()
				boot(t, d, f, &vendor{})
				s := ended(t, d, id)
				if s.Status != run.Completed || s.Code != "" || s.Reason != "1 11 "+id {
					t.Errorf("the run is %s %q: %s", s.Status, s.Code, s.Reason)
				}
				if v, err := d.Value(t.Context(), "counting", "n"); err != nil || string(v.Data) != "11" {
					t.Errorf("the count is %s, %v; want 11", v.Data, err)
				}
				if _, err := d.Value(t.Context(), "", "lock"); !errors.Is(err, journal.ErrNotFound) {
					t.Errorf("the lock: %v", err)
				}
			})
		})
	}
}

// TestChangesOfForgottenRuns has flows whose runs are in memory only use the same
// store as the others.
func TestChangesOfForgottenRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := disk()
		f := loadReal(t, strings.Replace(strings.Replace(countingFlow, "flow: counting", "flow: counting\ndurable: false", 1), "1h", "1s", 1))
		p := boot(t, d, f, &vendor{})
		for range 2 {
			r, _, err := p.Start(t.Context(), engine.Start{Flow: f})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if v, err := d.Value(t.Context(), "counting", "n"); err != nil || string(v.Data) != "22" {
			t.Errorf("the count is %s, %v; want 22", v.Data, err)
		}
	})
}

// faltering is a journal that does a change and says for a while that it could not.
type faltering struct {
	journal.Driver
	mu    sync.Mutex
	fails int
}

func (d *faltering) Change(ctx context.Context, c journal.Change, b journal.ValueBounds) (journal.Changed, error) {
	is, err := d.Driver.Change(ctx, c, b)
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails > 0 {
		d.fails--
		return journal.Changed{}, errors.New("disk on fire")
	}
	return is, err
}

// TestStoreFailures holds how a store node leaves when there is no room, and that
// a journal which fails for a while makes nothing happen twice.
func TestStoreFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, f := &faltering{Driver: disk(), fails: 3}, loadReal(t, countingFlow)
		p := bootAs(t, d, f, engine.Config{Caller: &vendor{}, Store: journal.ValueBounds{Keys: 1}})
		if s := ended(t, d, accept(t, p, f)); s.Status != run.Completed {
			t.Errorf("the run is %s: %s", s.Status, s.Reason)
		}
		if v, err := d.Value(t.Context(), "counting", "n"); err != nil || string(v.Data) != "11" {
			t.Errorf("the count is %s, %v; want 11", v.Data, err)
		}
		full := loadReal(t, strings.Replace(countingFlow, "key: n }", "key: $(run.id) }", 1))
		p = bootAs(t, disk(), full, engine.Config{Caller: &vendor{}, Store: journal.ValueBounds{Size: 30}})
		r, _, err := p.Start(t.Context(), engine.Start{Flow: full})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, e := range r.Events() {
			if n, ok := e.(run.NodeFinished); ok && n.Node == "one" {
				if n.Outcome != "onError" || n.Code != "store-full" || !strings.Contains(n.Message, "limits.store.size allows (30B)") {
					t.Errorf("node one left by %q, %q: %s", n.Outcome, n.Code, n.Message)
				}
				return
			}
		}
		t.Error("node one did not leave")
	})
}

// TestKeepMustLeave: a node type that goes on asking is a fault of the type.
func TestKeepMustLeave(t *testing.T) {
	t.Parallel()
	ask := &node.Type{
		Name: "asks", Inputs: node.MustSchema(map[string]any{"type": "object"}), Outputs: node.MustSchema(map[string]any{"type": "object"}),
		Outcomes: node.Outcomes{Success: "success", Fault: "onError", All: []node.Outcome{{Name: "success"}, {Name: "onError"}}},
		Step: func(context.Context, node.Visit) (node.Action, error) {
			return node.Keep{Kind: node.KeepGet, Key: "k"}, nil
		},
	}
	f := loadReal(t, "flow: asks\nnodes:\n  hook: { type: webhook, with: { path: /c }, next: a }\n  a: { type: asks }\n", ask)
	e := engine.New(engine.Config{})
	r, _, err := e.Start(t.Context(), engine.Start{Flow: f})
	if err != nil {
		t.Fatal(err)
	}
	if res, err := r.Wait(t.Context()); err != nil || !strings.Contains(res.Reason, `node type "asks" does not leave with the value`) {
		t.Errorf("the run ended with %+v, %v", res, err)
	}
}
