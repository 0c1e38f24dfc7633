package engine

import (
	"context"
	"slices"
	"time"

	"github.com/wendflow/wend/runtime/run"
)

// Now is the attempt at a node that a run is at, and the calls of it that have
// no reply so far.
type Now struct {
	run.Place
	Type  string    `json:"type"`
	Since time.Time `json:"since"` // when the attempt began
	Calls []NowCall `json:"calls,omitempty"`
}

// NowCall is a call that is under way.
type NowCall struct {
	Method string    `json:"method"`
	URL    string    `json:"url"`
	Since  time.Time `json:"since"`
}

// steady is how long a run must be somewhere to be told there: most nodes are left
// at once.
const steady = 100 * time.Millisecond

// Happened returns all events of a run so far, and how many of them are in a
// journal: those that come after are known only to the engine that drives the
// run, and would be gone if it died. It never waits for a journal that takes no
// more. The rest is as with Events.
func (e *Engine) Happened(ctx context.Context, id string) (events []run.Event, stored int, err error) {
	if r := e.Find(id); r != nil {
		if events, stored, _ = r.happened(); len(events) > 0 {
			return events, stored, nil
		}
	}
	events, err = e.Events(ctx, id)
	return events, len(events), err
}

// happened also returns what is closed when more has.
func (r *Run) happened() (events []run.Event, stored int, more <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.moved == nil {
		r.moved = make(chan struct{})
	}
	return slices.Concat(r.events, r.unwritten), len(r.events), r.moved
}

// move lets others see what is folded and not in the journal yet. The caller holds
// keep, and does not hold mu.
func (r *Run) move() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unwritten = r.pending[:len(r.pending):len(r.pending)]
	if r.moved != nil {
		close(r.moved)
		r.moved = nil
	}
}

// Watch calls yield with where a run is, in the journal or not, whenever it has
// been there for a moment, until ctx ends or yield returns false. Of a run that is
// not driven here it has nothing to tell: where that is only its own engine knows.
func (e *Engine) Watch(ctx context.Context, id string, yield func(Now) bool) {
	for {
		if r := e.Find(id); r != nil && !r.watch(ctx, yield) {
			return
		}
		if e.pause(ctx, e.cfg.Clock.NewTimer(lookEvery)) != nil {
			return
		}
	}
}

// watch does so while the run is driven here. It returns false if yield did, or
// ctx has ended.
func (r *Run) watch(ctx context.Context, yield func(Now) bool) bool {
	r.mu.Lock()
	s := &run.State{Flow: r.flow}
	r.mu.Unlock()
	if s.Flow == nil {
		return true // it is just being begun or taken up
	}
	var calls []NowCall
	told := true // where the run is
	for seen := 0; ; {
		events, _, more := r.happened()
		for _, ev := range events[min(seen, len(events)):] {
			was := s.At.Place
			if s.Apply(ev) != nil {
				return true // the run itself will find that out
			}
			if seen, told = seen+1, false; s.At.Place != was {
				calls = nil
			}
			if c, ok := ev.(run.CallStarted); ok {
				calls = append(calls, NowCall{Method: c.Method, URL: c.URL, Since: c.When()})
			}
		}
		r.mu.Lock()
		gone := r.stopped != nil || r.result.Status.Ended()
		r.mu.Unlock()
		if gone || s.Status.Ended() {
			return true
		}
		stands := r.engine.cfg.Clock.NewTimer(steady)
		if told || seen == 0 {
			stands.Stop()
		}
		select {
		case <-more:
		case <-stands.C:
			if told = true; !yield(nowAt(s, calls)) {
				return false
			}
		case <-ctx.Done():
			stands.Stop()
			return false
		}
		stands.Stop()
	}
}

func nowAt(s *run.State, calls []NowCall) Now {
	n := Now{Place: s.At.Place, Since: s.At.Since}
	if of := s.Flow.Nodes[n.Node]; of != nil {
		n.Type = of.Type.Ref()
	}
	for i, c := range s.At.Calls {
		if c.Reply == nil && i < len(calls) {
			n.Calls = append(n.Calls, calls[i])
		}
	}
	return n
}
