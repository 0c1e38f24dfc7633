package flowtest

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

// crash undoes what the run did after the point of the crash, and has another
// engine take it up from a journal that holds only what came before. That is all
// that there is of a run when a machine dies; and the run is the same up to
// there, whatever comes after.
func (p *play) crash(ctx context.Context) error {
	id, before := p.crashPoint()
	if before == nil {
		return nil
	}
	last := before[len(before)-1].When()
	runs := p.before(id, before, last)
	p.clock = clock.NewVirtual(last)
	p.outside.clock = p.clock
	p.outside.rewind(callsOf(runs))
	p.forget(runs)
	disk, err := p.diskWith(ctx, runs)
	if err != nil {
		return err
	}
	return p.takeUp(ctx, disk, last.Sub(p.events[0].When()))
}

// crashPoint is the run that was at work there, and its events up to it; none if
// no run came there. Of several runs of a body it is the one that came first.
func (p *play) crashPoint() (id string, before []run.Event) {
	c := p.Case.crash
	body, _ := placeOf(c.node.Value)
	for child, events := range p.runsOf(body) {
		at := c.at(events)
		if at == 0 {
			continue
		}
		if before != nil {
			was, is := before[len(before)-1].When(), events[at-1].When()
			if is.After(was) || is.Equal(was) && inOrder(before, events) < 0 {
				continue
			}
		}
		id, before = child, events[:at:at]
	}
	switch {
	case before != nil:
	case c.during:
		p.differ.Errorf(c.node.Pos, "the run made no call at node %q during which to crash", c.node.Value)
	default:
		p.differ.Errorf(c.node.Pos, "the run never left node %q, after which to crash", c.node.Value)
	}
	return id, before
}

// placeOf is the path of the body that a node is in, by its address, and its id
// there.
func placeOf(address string) (body, id string) {
	at := strings.LastIndexByte(address, '/')
	return address[:max(at, 0)], address[at+1:]
}

// at is how many events of a run come before the crash; 0 if the run never came
// there. A node that is tried again has not left; one that answers does so in the
// same breath.
func (c crash) at(events []run.Event) int {
	_, node := placeOf(c.node.Value)
	for i, e := range events {
		switch e := e.(type) {
		case run.RunStarted:
			if !c.during && e.Trigger == node {
				return i + 1
			}
		case run.CallReplied:
			if c.during && e.Node == node {
				return i
			}
		case run.NodeFinished:
			if c.during || e.Node != node {
				continue
			}
			if i++; i == len(events) {
				return i
			}
			switch next := events[i].(type) {
			case run.TimerSet:
				if next.Kind == run.TimerRetry && next.Node == node {
					continue
				}
			case run.RunResponded:
				i++
			}
			return i
		}
	}
	return 0
}

// runsOf are the events of the runs of a body, by their ids; of the run itself for
// the path "".
func (p *play) runsOf(body string) map[string][]run.Event {
	if body == "" {
		return map[string][]run.Event{runID: p.events}
	}
	runs := map[string][]run.Event{}
	for id, events := range p.children {
		if first := events[0].(run.RunStarted); first.Flow == p.flow.Name && first.Parent.Body == body {
			runs[id] = events
		}
	}
	return runs
}

// inOrder compares children of a run, by their events, as the run had them made.
func inOrder(a, b []run.Event) int {
	x, y := a[0].(run.RunStarted).Parent, b[0].(run.RunStarted).Parent
	return cmp.Or(strings.Compare(x.Run, y.Run), cmp.Compare(x.Visit, y.Visit), cmp.Compare(x.Attempt, y.Attempt), cmp.Compare(x.Index, y.Index))
}

// before are the events of all runs up to the crash, by their ids. Those that had
// the crashed run made have at least what says so; one of which its parent has
// heard that it ended has all of its own, and another those that were certainly
// there.
func (p *play) before(id string, events []run.Event, last time.Time) map[string][]run.Event {
	runs := map[string][]run.Event{id: events}
	for first := events[0].(run.RunStarted); first.Parent != nil; {
		parent := p.eventsOf(first.Parent.Run)
		n := earlier(parent, last)
		for i, e := range parent {
			if c, ok := e.(run.ChildrenStarted); ok && c.Place == first.Parent.Place {
				n = max(n, i+1)
			}
		}
		runs[first.Parent.Run] = parent[:n:n]
		first = parent[0].(run.RunStarted)
	}
	for child, events := range p.children {
		if _, known := runs[child]; known {
			continue
		}
		if n := earlier(events, last); n > 0 {
			runs[child] = events[:n:n]
		}
	}
	var whole func(events []run.Event)
	whole = func(events []run.Event) {
		for _, e := range events {
			if c, ok := e.(run.ChildEnded); ok && p.children[c.Run] != nil {
				runs[c.Run] = p.children[c.Run]
				whole(runs[c.Run])
			}
		}
	}
	for _, events := range slices.Collect(maps.Values(runs)) {
		whole(events)
	}
	return runs
}

func (p *play) eventsOf(id string) []run.Event {
	if id == runID {
		return p.events
	}
	return p.children[id]
}

// earlier is how many events happened before that time.
func earlier(events []run.Event, than time.Time) int {
	n := 0
	for n < len(events) && events[n].When().Before(than) {
		n++
	}
	return n
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

// diskWith is a journal that holds the beginnings of the runs, the events that
// they emitted, and those from outside that they received until then.
func (p *play) diskWith(ctx context.Context, runs map[string][]run.Event) (journal.Driver, error) {
	disk := journal.NewMemory(keptRuns)
	disk.Now = p.clock.Now
	if err := disk.PutBlob(ctx, p.flow.Digest, p.flow.Source); err != nil {
		return nil, err
	}
	if err := p.memory.before(ctx, runs, disk); err != nil {
		return nil, fmt.Errorf("crash at node %q: %w", p.Case.crash.node.Value, err)
	}
	start := p.events[0].When()
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
	cfg.Flow = catalog.NewPast(catalog.PastConfig{Live: p.live}).Flow // none of them changes
	cfg.Observers = fact.Observe(p.hear, func(f fact.Fact) {
		if _, ok := f.(fact.RunsFound); ok {
			told()
		}
	})
	e := engine.New(cfg)
	defer stop(ctx, e)
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
	err := p.wait(ctx, e, disk)
	end()
	engines.Wait()
	if err == nil {
		err = failed
	}
	return err
}
