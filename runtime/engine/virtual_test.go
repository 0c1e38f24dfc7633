package engine_test

import (
	"context"
	"errors"
	"iter"
	"sync"
	"testing"
	"time"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/journal/sqlite"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

// slowFlow waits for a month, for a vendor that is down, and for an event that
// does not come.
const slowFlow = `flow: slow
nodes:
  hook: { type: webhook, with: { path: /slow }, next: later }
  later: { type: delay, with: { for: 30d }, next: pay }
  pay:
    type: http
    with: { method: PUT, url: https://example.com/pay }
    timeout: 1m
    retry: { max: 3, on: [onTimeout, serverError], delay: 1h, maxDelay: 1d }
    next: gate
  gate: { type: wait, with: { event: paid, key: "7", timeout: 7d }, outcomes: { onTimeout: done } }
  done: { type: end }
`

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func loadReal(t testing.TB, src string, more ...*node.Type) *flow.Flow {
	t.Helper()
	types, err := node.NewSet(append(nodes.All(), more...)...)
	if err != nil {
		t.Fatal(err)
	}
	f, mistakes := flow.Load("sample.yaml", []byte(src), flow.Config{Types: types})
	if f == nil {
		t.Fatalf("%v\n%s", mistakes.Err(), src)
	}
	return f
}

// watched is a journal that tells when an engine looks for what is unfinished:
// from then on it takes up runs that are parked.
type watched struct {
	journal.Driver
	looked func()
}

func watch(d journal.Driver) (watched, <-chan struct{}) {
	c := make(chan struct{})
	return watched{d, sync.OnceFunc(func() { close(c) })}, c
}

func (w watched) Unfinished(ctx context.Context, s journal.Shards) iter.Seq2[journal.Summary, error] {
	w.looked()
	return w.Driver.Unfinished(ctx, s)
}

// A month is over in milliseconds, on the very path that runs take in a server.
func TestVirtualTime(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T, *clock.Virtual) journal.Driver{
		"not durable": func(*testing.T, *clock.Virtual) journal.Driver { return nil },
		"memory": func(_ *testing.T, v *clock.Virtual) journal.Driver {
			m := disk()
			m.Now = v.Now
			return m
		},
		"sqlite": func(t *testing.T, v *clock.Virtual) journal.Driver {
			s, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Now: v.Now})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := clock.NewVirtual(noon)
			f := loadReal(t, slowFlow)
			tries := 0
			down := &vendor{reply: func(ctx context.Context, r outbound.Request) wire.Reply {
				if tries++; tries == 4 {
					return wire.Reply{Status: 204}
				}
				if err := clock.Sleep(ctx, v, r.Timeout); err != nil {
					return wire.Reply{Failure: wire.Interrupted, Message: err.Error()}
				}
				return wire.Reply{Failure: wire.Timeout}
			}}
			cfg := engine.Config{
				Caller: down, Clock: v, Journal: open(t, v),
				Flow: func(context.Context, journal.Summary) (*flow.Flow, error) { return f, nil },
			}
			began := time.Now()
			events := toTheEnd(t, cfg, v, f)
			t.Logf("%s in %s", v.Now().Sub(noon), time.Since(began))
			s, err := journal.Summarize(events)
			if err != nil {
				t.Fatal(err)
			}
			if s.Status != run.Completed || tries != 4 {
				t.Errorf("run is %s, outcome %q, %s, after %d calls", s.Status, s.Outcome, s.Reason, tries)
			}
			const waits = 37*24*time.Hour + 3*time.Minute
			if took := s.EndedAt.Sub(s.StartedAt); took < waits+7*time.Hour || took > waits+9*time.Hour {
				t.Errorf("the run took %s, want %s and the backoff of three retries", took, waits)
			}
			onTime(t, events)
		})
	}
}

// toTheEnd starts a run as a webhook does that answers at once, and returns its
// events when nothing can happen any more.
func toTheEnd(t *testing.T, cfg engine.Config, v *clock.Virtual, f *flow.Flow) []run.Event {
	t.Helper()
	var looked <-chan struct{}
	if cfg.Journal != nil {
		cfg.Journal, looked = watch(cfg.Journal)
	}
	e := engine.New(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := e.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	if looked != nil {
		<-looked
	}
	r, _, err := e.Start(ctx, engine.Start{Flow: f, Accepted: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Stalled(ctx); !errors.Is(err, clock.ErrStalled) {
		t.Fatal(err)
	}
	events, err := e.Events(ctx, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	running.Wait()
	if err := e.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	return events
}

// onTime checks that timers fired at their very time.
func onTime(t *testing.T, events []run.Event) {
	t.Helper()
	var due time.Time
	for _, e := range events {
		switch e := e.(type) {
		case run.TimerSet:
			due = e.Due
		case run.EventAwaited:
			due = e.Due
		case run.TimerFired:
			if !e.At.At.Equal(due) {
				t.Errorf("timer of %q fired at %s, its time was %s", e.Node, e.At.At, due)
			}
		}
	}
}
