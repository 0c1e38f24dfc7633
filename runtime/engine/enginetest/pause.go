package enginetest

import (
	"context"
	"errors"
	"time"

	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

// testPaused has runs resumed by an engine that does not own them, while their
// owner is well, stopped or dead: each is resumed once, and goes on.
func testPaused(b *bench) {
	owner, asked := b.boot(), b.boot()
	b.pass(settled)
	pause := func(p *process) string {
		b.Helper()
		b.vendor.isDown(true)
		id := p.start("pause", nil)
		b.pass(10 * time.Second)
		b.paused(id)
		b.vendor.isDown(false)
		return id
	}
	resume := func(p *process, id string, h engine.Resumption) error {
		return b.await(func(ctx context.Context) error { return p.Resume(ctx, id, h) })
	}

	b.Log("the owner is well")
	id := pause(owner)
	b.ok(resume(asked, id, engine.Resumption{}))
	b.same("end", b.ended([]string{id}), map[string]int{"completed success": 1})
	b.same("resumed", b.resumed(id), 1)
	if err := resume(asked, id, engine.Resumption{}); !errors.Is(err, engine.ErrNotPaused) {
		b.Errorf("Resume of a run that has ended: %v", err)
	}
	id = pause(owner)
	b.ok(resume(asked, id, engine.Resumption{GiveUp: true}))
	b.same("end", b.ended([]string{id}), map[string]int{"failed sorry": 1})

	b.Log("it is no better: it waits again, and that is another pause")
	id = pause(owner)
	b.vendor.isDown(true)
	b.ok(resume(asked, id, engine.Resumption{}))
	b.pass(10 * time.Second)
	b.paused(id)
	b.same("resumed", b.resumed(id), 1)
	b.vendor.isDown(false)
	b.ok(resume(asked, id, engine.Resumption{}))
	b.same("end", b.ended([]string{id}), map[string]int{"completed success": 1})
	b.same("resumed", b.resumed(id), 2)

	b.Log("both at the same instant")
	id = pause(owner)
	b.ok(b.await(func(ctx context.Context) error {
		errs := make(chan error)
		for _, p := range []*process{owner, asked} {
			go func() { errs <- p.Resume(ctx, id, engine.Resumption{}) }()
		}
		for range 2 {
			if err := <-errs; err != nil && !errors.Is(err, engine.ErrNotPaused) {
				return err
			}
		}
		return nil
	}))
	b.same("end", b.ended([]string{id}), map[string]int{"completed success": 1})
	b.same("resumed", b.resumed(id), 1)

	b.Log("cancelled")
	id = pause(owner)
	b.ok(b.await(func(ctx context.Context) error { return asked.Cancel(ctx, id, "enough") }))
	b.same("status", b.summary(id).Status, run.Cancelled)

	b.Log("the owner is stopped for longer than its lease, and comes back")
	id = pause(owner)
	owner.freeze()
	b.ok(resume(asked, id, engine.Resumption{}))
	b.same("end", b.ended([]string{id}), map[string]int{"completed success": 1})
	owner.thaw()
	b.pass(2 * settled)
	b.same("resumed", b.resumed(id), 1)
	b.same("parts", b.parts(), []int{32, 32})

	b.Log("the owner is dead: the run waits as before")
	id = pause(owner)
	owner.kill()
	b.pass(takenOver)
	b.pass(time.Hour)
	b.paused(id)
	b.ok(resume(asked, id, engine.Resumption{}))
	b.same("end", b.ended([]string{id}), map[string]int{"completed success": 1})
	b.same("resumed", b.resumed(id), 1)
}

// testFlowPaused has runs wait since their flow is paused. They go on when that is
// over, whoever owns them by then.
func testFlowPaused(b *bench) {
	dying, one, two := b.boot(), b.boot(), b.boot()
	b.pass(2 * settled)
	b.pauses.Store(&journal.Pause{Since: b.clock.Now()})
	var ids []string
	for range 10 {
		for _, p := range []*process{dying, one, two} {
			ids = append(ids, p.start("charge", nil))
		}
	}
	b.pass(time.Minute)
	dying.kill()
	b.pass(takenOver)
	b.pass(time.Hour)
	for _, id := range ids {
		b.same("status", b.summary(id).Status, run.Paused)
	}
	b.pauses.Store(nil)
	for _, p := range b.live {
		p.FlowResumed("charge")
	}
	b.same("ends", b.ended(ids), map[string]int{"completed success": 30})
	for _, id := range ids {
		b.same("resumed", b.resumed(id), 1)
	}
	all, again := b.calls()
	b.same("calls", []int{all, again}, []int{30, 0})
}

func (b *bench) paused(id string) {
	b.Helper()
	if s := b.summary(id); s.Status != run.Paused || s.Outcome != "serverError" {
		b.Fatalf("run is %s by %q, want paused by serverError", s.Status, s.Outcome)
	}
}

// resumed is how often a run was.
func (b *bench) resumed(id string) (n int) {
	b.Helper()
	events, err := b.reader.Events(b.Context(), id)
	b.ok(err)
	for _, e := range events {
		if _, ok := e.(run.RunResumed); ok {
			n++
		}
	}
	return n
}
