package enginetest

import (
	"context"
	"errors"
	"time"

	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
)

// testWrongEngine asks an engine for all that concerns a run of another.
func testWrongEngine(b *bench) {
	owner, asked := b.boot(), b.boot()
	b.pass(settled)
	b.vendor.takes(time.Hour)

	b.Log("cancel, parked and in a call")
	parked, calling := owner.start("later", nil), owner.start("charge", nil)
	b.pass(10 * time.Second)
	for _, id := range []string{parked, calling} {
		b.ok(b.await(func(ctx context.Context) error { return asked.Cancel(ctx, id, "enough") }))
		if s := b.summary(id); s.Status != run.Cancelled || s.Reason != "enough" {
			b.Errorf("run is %s, %q", s.Status, s.Reason)
		}
		if err := b.await(func(ctx context.Context) error { return asked.Cancel(ctx, id, "again") }); !errors.Is(err, engine.ErrEnded) {
			b.Errorf("Cancel of a run that has ended: %v", err)
		}
		b.whole(id)
	}

	b.Log("an event, for a run that is parked and one that is not")
	b.vendor.takes(0)
	for _, wait := range []time.Duration{time.Second / 10, time.Minute} {
		key := wait.String()
		id := owner.start("gate", map[string]any{"key": key})
		b.pass(wait)
		asked.deliver(key)
		b.pass(time.Second)
		if s := b.summary(id); s.Status != run.Completed {
			b.Errorf("a second after its event the run is %s", s.Status)
		}
	}

	b.Log("a repeated request")
	b.vendor.takes(time.Minute)
	first := engine.Start{Flow: b.flows["put"], Dedupe: journal.Dedupe{Scope: "s", Key: "k", For: time.Hour}}
	r, repeated, err := owner.Start(b.Context(), first)
	b.ok(err)
	b.same("repeated", repeated, false)
	b.pass(time.Second)
	again, repeated, err := asked.Start(b.Context(), first)
	b.ok(err)
	b.same("repeated", repeated, true)
	b.same("run", again.ID, r.ID)
	b.answered(again, "put")

	b.Log("tell its events")
	b.vendor.takes(time.Second)
	id := owner.start("soon", nil)
	var names []string
	b.ok(b.await(func(ctx context.Context) error {
		return asked.Follow(ctx, id, 0, func(e run.Event) bool {
			names = append(names, run.Name(e))
			return true
		})
	}))
	b.same("events", names[len(names)-1], "run-ended")
	events, err := asked.Events(b.Context(), id)
	b.ok(err)
	b.same("number of events", len(names), len(events))

	b.Log("try again")
	anew, _, err := asked.Retry(b.Context(), id, engine.Retry{From: "call"})
	b.ok(err)
	b.same("a run of who was asked", asked.Shards().Has(anew.ID), true)
	b.same("end", b.ended([]string{anew.ID}), map[string]int{"completed success": 1})

	b.Log("cancel, when the owner is dead")
	id = owner.start("later", nil)
	b.pass(10 * time.Second)
	owner.kill()
	b.ok(b.await(func(ctx context.Context) error { return asked.Cancel(ctx, id, "enough") }))
	if s := b.summary(id); s.Status != run.Cancelled {
		b.Errorf("run is %s", s.Status)
	}
}

func (p *process) deliver(key string) { p.bench.Helper(); p.bench.deliver(p, key) }

// answered waits for a response.
func (b *bench) answered(r *engine.Run, want string) {
	b.Helper()
	var res engine.Result
	b.ok(b.await(func(ctx context.Context) (err error) {
		res, err = r.Response(ctx)
		return err
	}))
	b.same("response", res.Response, &node.Response{Status: 200, Body: want})
}

// testWaitingCaller has somebody wait at an engine that loses the run.
func testWaitingCaller(b *bench) {
	asked := b.boot()
	b.vendor.takes(20 * time.Second)
	start := func(name string) *engine.Run {
		r, _, err := asked.Start(b.Context(), engine.Start{Flow: b.flows[name]})
		b.ok(err)
		return r
	}

	b.Log("to one that joined")
	charge, put := start("charge"), start("put")
	other := b.boot()
	b.pass(settled)
	b.answered(charge, "charged")
	b.answered(put, "put")
	b.pass(settled)
	b.same("parts", b.parts(), []int{32, 32})

	b.Log("because it was stopped for too long")
	b.vendor.takes(time.Hour)
	var runs []*engine.Run
	for range 10 {
		runs = append(runs, start("put")) // of which nothing is on record so far
	}
	charge = start("charge")
	b.pass(time.Second)
	asked.freeze()
	b.vendor.takes(time.Second)
	b.pass(takenOver)
	b.same("parts", other.Shards(), journal.AllShards)
	asked.thaw()
	for _, r := range runs {
		b.answered(r, "put")
	}
	var res engine.Result
	b.ok(b.await(func(ctx context.Context) (err error) {
		res, err = charge.Wait(ctx)
		return err
	}))
	b.same("a call whose reply was lost", []any{res.Status, res.Code}, []any{run.Failed, "interrupted"})
	all, again := b.calls()
	b.same("calls", []int{all, again}, []int{23, 10})
}
