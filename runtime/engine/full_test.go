package engine_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

var errFull = errors.New("disk full")

// reluctant is a journal whose mailbox fails for a while.
type reluctant struct {
	journal.Driver
	mu            sync.Mutex
	offers, takes int // that fail yet
}

func (j *reluctant) Offer(ctx context.Context, e journal.Event) (bool, error) {
	if j.fails(&j.offers) {
		return false, errFull
	}
	return j.Driver.Offer(ctx, e)
}

func (j *reluctant) Take(ctx context.Context, name, key, taker string) (journal.Event, bool, error) {
	if j.fails(&j.takes) {
		return journal.Event{}, false, errFull
	}
	return j.Driver.Take(ctx, name, key, taker)
}

func (j *reluctant) fails(left *int) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	*left--
	return *left >= 0
}

// A run that was promised waits for the mailbox as it waits for its journal.
func TestMailboxThatFailsForAWhile(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		nodes         string
		offers, takes int
	}{
		"in receiving": {`  a: { type: await, next: b, outcomes: { received: b } }` + "\n  b: { type: respond }", 0, 5},
		"in emitting":  {`  a: { type: tell, next: b }` + "\n  b: { type: await, outcomes: { received: c } }\n  c: { type: respond }", 5, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d, f := &reluctant{Driver: disk()}, load(t, tc.nodes)
				p := boot(t, d, f, &vendor{})
				if tc.takes > 0 {
					deliver(t, p, journal.Event{ID: "1", Name: "e", Key: "k", Expires: time.Now().Add(time.Hour)}, true)
				}
				d.offers, d.takes = tc.offers, tc.takes
				if s := ended(t, d, accept(t, p, f)); s.Status != run.Completed {
					t.Errorf("run is %s: %s", s.Status, s.Reason)
				}
			})
		})
	}
}

// insisting is a run that is on record, has made a call and tries in vain to
// write down what came of it, and that it goes on with another or ends.
func insisting(t *testing.T, next string) (p *process, d *flaky, r *engine.Run) {
	t.Helper()
	f := load(t, `  a: { type: call, with: { urls: [/one] }, next: b }`+"\n  b: "+next)
	d = &flaky{Driver: disk()}
	p = boot(t, d, f, &vendor{reply: func(context.Context, outbound.Request) wire.Reply {
		time.Sleep(time.Second)
		return wire.Reply{Status: 200}
	}})
	r = start(t, p.Engine, f)
	synctest.Wait() // in the call by now
	d.set(errFull)
	time.Sleep(2 * time.Second)
	return p, d, r
}

func TestAcceptOfARunOnRecordNeedsNoDisk(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, d, r := insisting(t, `{ type: respond }`)
		began := time.Now()
		if err := r.Accept(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 0 {
			t.Errorf("Accept took %s", took)
		}
		d.set(nil)
		if res, err := r.Wait(t.Context()); err != nil || res.Status != run.Completed {
			t.Errorf("Wait: %+v, %v", res, err)
		}
	})
}

func TestCancelWhileTheDiskIsFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, d, r := insisting(t, `{ type: call, with: { urls: [/two] } }`)
		time.AfterFunc(time.Minute, func() { d.set(nil) })
		if err := p.Cancel(t.Context(), r.ID, "enough"); err != nil {
			t.Errorf("Cancel: %v", err)
		}
		if s := ended(t, d, r.ID); s.Status != run.Cancelled {
			t.Errorf("run is %s", s.Status)
		}
	})
}

func TestShutdownWhileTheDiskIsFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p, _, _ := insisting(t, `{ type: respond }`)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		if err := p.Shutdown(ctx); err == nil {
			t.Error("Shutdown: want an error, a run is interrupted")
		}
		if took := time.Since(began); took > time.Minute+10*time.Second {
			t.Errorf("Shutdown took %s, its time was a minute", took)
		}
	})
}

// A run that could not be put on record, and whose caller is told so, is not
// put on record afterwards.
func TestARunThatIsGivenUpStaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := load(t, `  a: { type: call-idempotent, with: { urls: [/one] }, next: b }`+"\n  b: { type: respond }")
		d := &once{Driver: disk()}
		p := boot(t, d, f, &vendor{})
		r := start(t, p.Engine, f)
		if _, err := r.Response(t.Context()); !errors.Is(err, errFull) {
			t.Errorf("Response: error %v, want %v", err, errFull)
		}
		if _, err := d.Find(t.Context(), r.ID); !errors.Is(err, journal.ErrNotFound) {
			t.Errorf("Find: error %v, want %v", err, journal.ErrNotFound)
		}
	})
}

// once is a journal that fails once.
type once struct {
	journal.Driver
	failed sync.Once
}

func (j *once) Append(ctx context.Context, id string, after int, events []run.Event) (err error) {
	j.failed.Do(func() { err = errFull })
	if err != nil {
		return err
	}
	return j.Driver.Append(ctx, id, after, events)
}

// Of the runs that an earlier process left only so many go on at a time; those
// that they wake with an event are not among them.
func TestARecoveredRunWakesAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		teller := load(t, `  a: { type: call-idempotent, with: { urls: [/one] }, next: b }`+"\n  b: { type: tell, next: c }\n  c: { type: respond }")
		waiter := load(t, `  a: { type: await, outcomes: { received: b } }`+"\n  b: { type: respond }")
		d := disk()
		hang := &vendor{reply: func(ctx context.Context, _ outbound.Request) wire.Reply {
			<-ctx.Done()
			return wire.Reply{Failure: wire.Interrupted}
		}}
		first := boot(t, d, teller, hang)
		told, tells := accept(t, first, waiter), accept(t, first, teller)
		time.Sleep(time.Second)
		first.kill()

		e := engine.New(engine.Config{
			Journal: d, Caller: &vendor{}, Recoveries: 1,
			Flow: func(_ context.Context, s journal.Summary) (*flow.Flow, error) {
				if s.FlowDigest == teller.Digest {
					return teller, nil
				}
				return waiter, nil
			},
		})
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() {
			if err := e.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		for _, id := range []string{tells, told} {
			if s := ended(t, d, id); s.Status != run.Completed {
				t.Errorf("run is %s: %s", s.Status, s.Reason)
			}
		}
		cancel()
		running.Wait()
	})
}

// However long runs take after their time has come, others are not late.
func TestManyTimersAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const many = 300
		f := load(t, `  a: { type: sleep, next: b }`+"\n  b: { type: call-idempotent, with: { urls: [/one] } }")
		began := time.Now()
		var mu sync.Mutex
		var last time.Duration
		p := boot(t, disk(), f, &vendor{reply: func(context.Context, outbound.Request) wire.Reply {
			mu.Lock()
			last = max(last, time.Since(began))
			mu.Unlock()
			time.Sleep(time.Minute)
			return wire.Reply{Status: 200}
		}})
		var ids []string
		for range many {
			ids = append(ids, accept(t, p, f))
		}
		for _, id := range ids {
			ended(t, p.disk(), id)
		}
		if late := last - time.Hour; late > time.Second {
			t.Errorf("the last of %d timers was %s late", many, late)
		}
	})
}

// slowToFind is a journal that takes a second to find a run, and to look for an
// event.
type slowToFind struct{ journal.Driver }

func (j slowToFind) Find(ctx context.Context, id string) (journal.Summary, error) {
	time.Sleep(time.Second)
	if ctx.Err() != nil {
		return journal.Summary{}, context.Cause(ctx)
	}
	return j.Driver.Find(ctx, id)
}

func (j slowToFind) Take(ctx context.Context, name, key, taker string) (journal.Event, bool, error) {
	time.Sleep(time.Second)
	return j.Driver.Take(ctx, name, key, taker)
}

// A run that is parked because the engine stops is nothing to complain about.
func TestShutdownParksInSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := load(t, `  a: { type: await }`)
		var said bytes.Buffer
		e := engine.New(engine.Config{
			Journal: slowToFind{disk()}, Caller: &vendor{}, Observers: fact.Observe(fact.Log(slog.New(slog.NewTextHandler(&said, nil)), clock.System)),
		})
		if _, _, err := e.Start(t.Context(), engine.Start{Flow: f, Accepted: true}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // it looks for its event
		if err := e.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		if said.Len() > 0 {
			t.Errorf("the log says %s", &said)
		}
	})
}

// interruptible is a journal that gives up what takes long when its ctx ends.
type interruptible struct{ journal.Driver }

func (interruptible) Due(ctx context.Context, _ journal.Shards, _ time.Time, _ int) ([]journal.Timer, error) {
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

// That Run ends in the middle of a look at the journal is nothing to complain
// about either.
func TestRunEndsInSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		e := engine.New(engine.Config{
			Journal: interruptible{disk()}, Caller: &vendor{}, Observers: fact.Observe(fact.Log(slog.New(slog.NewTextHandler(&said, nil)), clock.System)),
			Flow: func(context.Context, journal.Summary) (*flow.Flow, error) { return nil, journal.ErrNotFound },
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := e.Run(ctx); err != nil {
			t.Error(err)
		}
		if said.Len() > 0 {
			t.Errorf("the log says %s", &said)
		}
	})
}

// unreadable is a journal that cannot be read at first.
type unreadable struct {
	journal.Driver
	looked atomic.Int32
}

func (j *unreadable) Unfinished(ctx context.Context, s journal.Shards) iter.Seq2[journal.Summary, error] {
	if j.looked.Add(1) > 3 {
		return j.Driver.Unfinished(ctx, s)
	}
	return func(yield func(journal.Summary, error) bool) { yield(journal.Summary{}, errFull) }
}

// Runs of an earlier process go on as soon as the journal can be read.
func TestJournalThatCannotBeReadAtFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, f := disk(), load(t, `  a: { type: call-idempotent, with: { urls: [/one] } }`)
		first := boot(t, d, f, &vendor{reply: func(ctx context.Context, _ outbound.Request) wire.Reply {
			<-ctx.Done()
			return wire.Reply{Failure: wire.Interrupted}
		}})
		id := accept(t, first, f)
		time.Sleep(time.Second)
		first.kill()
		boot(t, &unreadable{Driver: d}, f, &vendor{})
		if s := ended(t, d, id); s.Status != run.Completed {
			t.Errorf("run is %s: %s", s.Status, s.Reason)
		}
	})
}

// A reply that comes in the very moment of a stop is not lost: the call is not
// to be repeated, and nobody else will ever know.
func TestShutdownKeepsAReply(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d, f := disk(), load(t, `  a: { type: call, with: { urls: [/one] } }`)
		p := boot(t, d, f, &vendor{reply: func(ctx context.Context, _ outbound.Request) wire.Reply {
			<-ctx.Done()
			return wire.Reply{Status: 200}
		}})
		id := accept(t, p, f)
		synctest.Wait() // in the call by now
		now, cancel := context.WithCancel(t.Context())
		cancel()
		if err := p.Shutdown(now); err == nil {
			t.Error("Shutdown: want an error, a run is interrupted")
		}
		p.kill()
		second := &vendor{}
		boot(t, d, f, second)
		if s := ended(t, d, id); s.Status != run.Completed || len(second.calls()) > 0 {
			t.Errorf("run is %s, %s, after %d more calls", s.Status, s.Reason, len(second.calls()))
		}
	})
}
