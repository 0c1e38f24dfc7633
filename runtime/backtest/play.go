package backtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/record"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

// play is a run while it is made again. It is the other side of all calls, and the
// past of the engine.
type play struct {
	cfg    Config
	rec    *record.Run
	clock  *clock.Virtual
	engine *engine.Engine

	mu    sync.Mutex
	res   *Result
	was   map[string]*past // by ids of runs; of those that were not made then it is empty
	order []string         // of the ids on record
	asked map[string]asked // calls that are about to be made, by their keys
	made  map[string][]run.Event
}

// asked is a call of now, and the one of then that it is; nil if there is none.
type asked struct {
	run.CallStarted
	run  string
	of   *past
	then *call
}

var (
	_ engine.Past   = (*play)(nil)
	_ engine.Caller = (*play)(nil)
)

func newPlay(cfg Config, r *record.Run, res *Result) *play {
	p := &play{cfg: cfg, rec: r, res: res, was: map[string]*past{}, asked: map[string]asked{}, made: map[string][]run.Event{}}
	for _, events := range append([][]run.Event{r.Events}, r.Children...) {
		if first, ok := events[0].(run.RunStarted); ok {
			p.was[first.Run] = newPast(events, r.Masked)
			p.order = append(p.order, first.Run)
		}
	}
	p.clock = clock.NewVirtual(r.Events[0].When())
	return p
}

// keptRuns is more ended runs than one run had made.
const keptRuns = 100_000

// begin starts the run and lets it go on until nothing can happen any more.
func (p *play) begin(ctx context.Context, f *flow.Flow, first run.RunStarted) error {
	memory := journal.NewMemory(keptRuns)
	memory.Now = p.clock.Now
	p.engine = engine.New(engine.Config{
		Memory: memory, Caller: p, Clock: p.clock, Callee: p.cfg.Flow, Depth: p.cfg.Depth, Bounds: p.cfg.Bounds, Store: p.cfg.Store,
		NewID: func() string { return first.Run }, Paused: p.paused, Past: p,
	})
	defer p.stop(ctx)
	idle := p.clock.Busy() // else its time would run before there is a run
	p.happen(ctx)
	_, _, err := p.engine.Start(ctx, engine.Start{Flow: f, Trigger: first.Trigger, Output: maps.Clone(first.Output)})
	idle()
	if err != nil {
		return err
	}
	if err := p.clock.Stalled(ctx); !errors.Is(err, clock.ErrStalled) {
		return err
	}
	return p.collect(ctx, memory)
}

// stop ends what is left of a run that can never go on.
func (p *play) stop(ctx context.Context) {
	now, cancel := context.WithCancel(ctx)
	cancel()
	_ = p.engine.Shutdown(now)
}

// collect reads what all runs did.
func (p *play) collect(ctx context.Context, j journal.Driver) error {
	f := journal.Filter{Limit: 1000}
	for {
		page, err := j.Runs(ctx, f)
		if err != nil {
			return err
		}
		for _, s := range page.Runs {
			events, err := j.Events(ctx, s.ID)
			if err != nil {
				return err
			}
			if p.made[s.ID], err = written(events); err != nil {
				return err
			}
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			return nil
		}
	}
}

// written are events as they would be on record.
func written(events []run.Event) ([]run.Event, error) {
	raw, err := run.Marshal(events)
	if err != nil {
		return nil, err
	}
	return run.Unmarshal(raw)
}

// happen has come from outside what came then, each at its time: events, and what
// operators did.
func (p *play) happen(ctx context.Context) {
	for _, id := range p.order {
		for _, e := range p.was[id].events {
			switch e := e.(type) {
			case run.EventReceived:
				p.later(ctx, e.When(), func() { p.deliver(ctx, id, e) })
			case run.RunResumed:
				p.later(ctx, e.When(), func() { _ = p.engine.Resume(ctx, id, engine.Resumption{GiveUp: e.GiveUp}) }) // it may not be paused now
			case run.RunCancelled:
				if !p.broughtDown(id) {
					p.later(ctx, e.When(), func() { p.cancel(id, e.Reason) })
				}
			default: // follows from the others
			}
		}
	}
}

func (p *play) later(ctx context.Context, at time.Time, do func()) {
	clock.Go(p.clock, func() {
		if clock.Sleep(ctx, p.clock, at.Sub(p.clock.Now())) == nil {
			do()
		}
	})
}

func (p *play) deliver(ctx context.Context, id string, e run.EventReceived) {
	doc, err := json.Marshal(e.Data)
	if err != nil || e.Data == nil {
		doc = nil
	}
	eventID := e.ID
	if eventID == "" {
		eventID = e.Key + "/" + id + "/" + e.Node // it has to have one
	}
	_, _ = p.engine.Deliver(ctx, journal.Event{ // one that is refused is not received, which is told
		ID: eventID, Name: e.Name, Key: e.Key, Data: doc, Expires: p.clock.Now().Add(100 * 365 * 24 * time.Hour),
	})
}

func (p *play) cancel(id, reason string) {
	if r := p.engine.Find(id); r != nil {
		r.Cancel(reason)
	}
}

// broughtDown tells whether a run was cancelled by the run that had it made, which
// does so again.
func (p *play) broughtDown(id string) bool {
	first, _ := p.was[id].events[0].(run.RunStarted)
	if first.Parent == nil {
		return false
	}
	parent := p.was[first.Parent.Run]
	return parent != nil && slices.ContainsFunc(parent.events, func(e run.Event) bool {
		switch e := e.(type) {
		case run.ChildrenStopped:
			return e.Place == first.Parent.Place
		case run.RunCancelled:
			return true
		default:
			return false
		}
	})
}

// paused has the run wait at its start if its flow was paused then.
func (p *play) paused(name string) *journal.Pause {
	if name != p.rec.Flow || len(p.rec.Events) < 2 {
		return nil
	}
	if e, ok := p.rec.Events[1].(run.RunPaused); ok && e.Cause == run.PauseFlow {
		return &journal.Pause{}
	}
	return nil
}

// pastOf is that of a run. The lock is held.
func (p *play) pastOf(id string) *past {
	if p.was[id] == nil {
		p.was[id] = newPast(nil, false)
	}
	return p.was[id]
}

// Event implements engine.Past. What happened then happens when it happened.
func (p *play) Event(id string, e run.Event) run.Event {
	p.mu.Lock()
	was := p.pastOf(id)
	then := was.take(e)
	switch e := e.(type) {
	case run.RunStarted:
		was.flow = e.Flow
	case run.CallStarted:
		a := asked{CallStarted: e, run: id, of: was, then: was.same(e)}
		if a.then != nil {
			a.then.taken = true
		}
		p.asked[e.CallKey(id, e.Call)] = a
	default: // nobody asks for it
	}
	was.astray = was.astray || was.strays(e, then)
	if then == nil || was.astray {
		p.mu.Unlock()
		return e
	}
	e = was.again(e, then)
	p.mu.Unlock()
	if wait := then.When().Sub(p.clock.Now()); wait > 0 {
		_ = clock.Sleep(context.Background(), p.clock, wait) // it cannot be cut short
	}
	return e
}

// Kept implements engine.Past.
func (p *play) Kept(id string, at run.Place, k node.Keep) (kept node.Kept, known bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.pastOf(id)
	then, had := was.finished[at]
	switch {
	case had && then.Code != "":
		return kept, true, &node.Fault{Code: then.Code, Msg: then.Message}
	case k.Kind == node.KeepPut && k.If == nil:
		return node.Kept{Done: true, Value: k.Value}, true, nil
	case had && then.Outputs["key"] == k.Key:
		kept = node.Kept{Done: then.Message == "", Value: then.Outputs["value"]}
		if kept.Done && k.Kind == node.KeepPut {
			kept.Value = k.Value
		}
		return kept, true, nil
	}
	p.res.add(Difference{Flow: was.flow, Kind: Store, Node: at.Node, What: "not known", Is: fmt.Sprintf("the value of key %q is not on record, and taken to be none", k.Key)})
	return kept, false, nil
}

// Assumed implements engine.Past.
func (p *play) Assumed(id string, at run.Place, calls []wire.Call, first int) *node.Finish {
	p.mu.Lock()
	defer p.mu.Unlock()
	was := p.pastOf(id)
	i := slices.IndexFunc(p.cfg.Assume, func(a Assumption) bool { return a.Node == at.Node && (a.Flow == "" || a.Flow == was.flow) })
	if i < 0 {
		return nil
	}
	all := make([]asked, len(calls))
	known := true
	for n, c := range calls {
		s := run.CallStarted{Place: at, Call: first + n, Method: c.Method, URL: c.URL, Fingerprint: wire.Fingerprint(c)}
		all[n] = asked{CallStarted: s, run: id, of: was, then: was.same(s)}
		known = known && all[n].then != nil
	}
	if known {
		return nil
	}
	for n, a := range all {
		if a.then == nil {
			p.unlike(a, calls[n])
		} else {
			a.then.taken = true
		}
	}
	f := &node.Finish{Outcome: p.cfg.Assume[i].Outcome}
	if then, had := was.finished[at]; had && then.Outcome == f.Outcome {
		f.Outputs, f.Message, f.Code = maps.Clone(then.Outputs), then.Message, then.Code
	}
	return f
}

// unlike tells of a call that is like none of then. The lock is held.
func (p *play) unlike(a asked, c wire.Call) {
	d := Difference{Flow: a.of.flow, Kind: Call, Node: a.Node, What: "new", Is: a.Method + " " + a.URL}
	if here := a.of.at(a.CallStarted); here != nil {
		here.taken = true
		d.What, d.Was = "address", here.Method+" "+here.URL
		if d.Was == d.Is {
			d.What, d.Was, d.Is = "body", "", d.Is+" "+short(string(c.Body))
		}
	}
	p.res.add(d)
}

// Settings implements engine.Caller.
func (p *play) Settings(connection string) map[string]any { return p.cfg.Settings(connection) }

// Do implements engine.Caller. A run that makes a call whose reply is not known ends
// there.
func (p *play) Do(ctx context.Context, r outbound.Request) wire.Reply {
	p.mu.Lock()
	a := p.asked[r.Key]
	if a.then == nil {
		p.unlike(a, r.Call)
		p.res.Unknown = true
		p.mu.Unlock()
		for _, id := range []string{a.run, p.rec.ID} {
			p.cancel(id, "the reply to a call is not known")
		}
		return wire.Reply{Failure: wire.Interrupted, Message: "the reply is not known"}
	}
	then := a.then
	if then.reply == nil { // the run was cancelled meanwhile
		p.mu.Unlock()
		return interrupted(clock.Sleep(ctx, p.clock, 365*24*time.Hour))
	}
	reply, takes := then.reply.Reply.Wire(), time.Duration(0)
	switch took := then.took(); {
	case reply.Failure != wire.Timeout && r.Timeout > 0 && took > r.Timeout+slack:
		reply, takes = wire.Reply{Failure: wire.Timeout, Message: fmt.Sprintf("no reply within %s", r.Timeout)}, r.Timeout
		a.of.astray = true
	case a.of.astray:
		takes = took
	}
	p.mu.Unlock()
	if takes > 0 {
		if err := clock.Sleep(ctx, p.clock, takes); err != nil {
			return interrupted(err)
		}
	}
	return reply
}

func interrupted(err error) wire.Reply {
	return wire.Reply{Failure: wire.Interrupted, Message: fmt.Sprint(err)}
}
