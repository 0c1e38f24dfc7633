package flowtest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

// crash undoes what the run did after the point of the crash, and has another
// engine take it up from a journal that holds only what came before. That is all
// that there is of a run when a machine dies; and the run is the same up to
// there, whatever comes after.
func (p *play) crash(ctx context.Context) error {
	at := p.crashPoint()
	if at < 0 {
		return nil
	}
	before := p.events[:at:at]
	last := before[at-1].When()
	runs := p.before(before, last)
	p.clock = clock.NewVirtual(last)
	p.outside.clock = p.clock
	p.outside.rewind(callsOf(runs))
	p.forget(runs)
	disk, err := p.diskWith(ctx, runs)
	if err != nil {
		return err
	}
	return p.takeUp(ctx, disk, last.Sub(before[0].When()))
}

// crashPoint is how many events come before it, or -1 if the run never came
// there.
func (p *play) crashPoint() int {
	c := p.Case.crash
	at := slices.IndexFunc(p.events, func(e run.Event) bool {
		switch e := e.(type) {
		case run.CallReplied:
			return c.during && e.Node == c.node.Value
		case run.NodeFinished:
			return !c.during && e.Node == c.node.Value
		default:
			return false
		}
	})
	switch {
	case at < 0 && c.during:
		p.differ.Errorf(c.node.Pos, "the run made no call at node %q during which to crash", c.node.Value)
	case at < 0:
		p.differ.Errorf(c.node.Pos, "the run never left node %q, after which to crash", c.node.Value)
	case !c.during:
		at++
	}
	return at
}

// before are the events of all runs up to the crash, by their ids. A child of
// which the run has heard that it ended has all of its own; another has those that
// were certainly there.
func (p *play) before(parent []run.Event, last time.Time) map[string][]run.Event {
	runs := map[string][]run.Event{runID: parent}
	ended := map[string]bool{}
	for _, e := range parent {
		if c, ok := e.(run.ChildEnded); ok {
			ended[c.Run] = true
		}
	}
	for id, events := range p.children {
		n := 0
		for n < len(events) && (ended[id] || events[n].When().Before(last)) {
			n++
		}
		if n > 0 {
			runs[id] = events[:n:n]
		}
	}
	return runs
}

// callsOf counts the calls that were sent, by their keys.
func callsOf(runs map[string][]run.Event) map[string]int {
	calls := map[string]int{}
	for id, events := range runs {
		for _, e := range events {
			if c, ok := e.(run.CallStarted); ok {
				calls[c.CallKey(id, c.Call)]++
			}
		}
	}
	return calls
}

// forget drops the lines of the log that are written again.
func (p *play) forget(runs map[string][]run.Event) {
	left := map[spot]bool{}
	for id, events := range runs {
		for _, e := range events {
			if f, ok := e.(run.NodeFinished); ok {
				left[spot{id, f.Place}] = true
			}
		}
	}
	p.lines = slices.DeleteFunc(p.lines, func(l line) bool { return !left[l.spot] })
}

// diskWith is a journal that holds the beginnings of the runs, and the events
// from outside that they received until then.
func (p *play) diskWith(ctx context.Context, runs map[string][]run.Event) (journal.Driver, error) {
	disk := journal.NewMemory(keptRuns)
	disk.Now = p.clock.Now
	if err := disk.PutBlob(ctx, p.flow.Digest, p.flow.Source); err != nil {
		return nil, err
	}
	parent := runs[runID]
	if err := p.memory.before(ctx, len(parent), parent[len(parent)-1].When(), disk); err != nil {
		return nil, fmt.Errorf("crash at node %q: %w", p.Case.crash.node.Value, err)
	}
	start := parent[0].When()
	for id, events := range runs {
		if err := disk.Append(ctx, id, 0, events); err != nil {
			return nil, fmt.Errorf("crash at node %q: %w", p.Case.crash.node.Value, err)
		}
		for _, e := range events {
			got, ok := e.(run.EventReceived)
			if !ok {
				continue
			}
			taker := id + "/" + got.Node + "/" + strconv.Itoa(got.Visit) + "/" + strconv.Itoa(got.Attempt)
			letter := journal.Event{ID: got.ID, Name: got.Name, Key: got.Key, Expires: start.Add(eventsKept)}
			if _, err := disk.Offer(ctx, letter); err != nil {
				return nil, err
			}
			if _, _, err := disk.Take(ctx, got.Name, got.Key, taker); err != nil {
				return nil, err
			}
		}
	}
	return disk, nil
}

// takeUp is the next process.
func (p *play) takeUp(ctx context.Context, disk journal.Driver, already time.Duration) error {
	found := make(chan struct{})
	told := sync.OnceFunc(func() { close(found) })
	cfg := p.config()
	cfg.Journal = disk
	cfg.Flow = func(context.Context, journal.Summary) (*flow.Flow, error) { return p.flow, nil }
	cfg.Observers = fact.Observe(p.hear, func(f fact.Fact) {
		if _, ok := f.(fact.RunsFound); ok {
			told()
		}
	})
	e := engine.New(cfg)
	defer stop(e)
	idle := p.clock.Busy()
	p.deliver(ctx, e, p.Case.events, already)
	running, end := context.WithCancel(ctx)
	var engines sync.WaitGroup
	var failed error
	engines.Go(func() { failed = e.Run(running) })
	select {
	case <-found:
	case <-ctx.Done():
	}
	idle()
	err := p.wait(ctx, e)
	end()
	engines.Wait()
	if err == nil {
		err = failed
	}
	return err
}
