package backtest

import (
	"time"

	"github.com/wendflow/wend/runtime/record"
	"github.com/wendflow/wend/runtime/run"
)

// past is what is on record of one run, the same as long as the run goes on as it
// did then.
type past struct {
	events   []run.Event
	left     map[spot][]run.Event // those that did not happen again so far, in order
	calls    []*call
	finished map[run.Place]run.NodeFinished
	masked   bool
	// flow is that of the run now; empty: it was not made again.
	flow string
	// moved says that what the run waits for is over at another time than it was.
	moved bool
	// astray is set when that time comes: from then on things happen when they happen.
	astray bool
}

// call is one on record.
type call struct {
	run.CallStarted
	reply *run.CallReplied // nil: it never came
	// taken says that a call of now is this one, or stands in its place.
	taken bool
}

// spot tells events of a run apart, but for those that happen several times at one
// place.
type spot struct {
	name string
	run.Place
	nr int
}

func callAt(at run.Place, nr int) spot { return spot{name: "call", Place: at, nr: nr} }

func spotOf(e run.Event) spot {
	at, _ := run.PlaceOf(e)
	s := spot{name: run.Name(e), Place: at}
	switch e := e.(type) {
	case run.CallStarted:
		s.nr = e.Call
	case run.CallReplied:
		s.nr = e.Call
	case run.ChildEnded:
		s.nr = e.Index
	case run.TimerSet:
		s.name += string(e.Kind)
	case run.TimerFired:
		s.name += string(e.Kind)
	default: // the place is enough
	}
	return s
}

func newPast(events []run.Event, masked bool) *past {
	p := &past{events: events, masked: masked, left: map[spot][]run.Event{}, finished: map[run.Place]run.NodeFinished{}}
	open := map[spot]*call{}
	for _, e := range events {
		s := spotOf(e)
		p.left[s] = append(p.left[s], e)
		switch e := e.(type) {
		case run.CallStarted:
			c := &call{CallStarted: e}
			open[callAt(e.Place, e.Call)] = c
			p.calls = append(p.calls, c)
		case run.CallReplied:
			if c := open[callAt(e.Place, e.Call)]; c != nil {
				c.reply = &e
			}
		case run.NodeFinished:
			p.finished[e.Place] = e
		default: // is looked for by its spot alone
		}
	}
	return p
}

// take returns the event of then that e is now, or nil.
func (p *past) take(e run.Event) run.Event {
	s := spotOf(e)
	left := p.left[s]
	if len(left) == 0 {
		return nil
	}
	p.left[s] = left[1:]
	return left[0]
}

// at is the call of then at the same place, if nothing took it; else nil.
func (p *past) at(c run.CallStarted) *call {
	for _, is := range p.calls {
		if is.Place == c.Place && is.Call == c.Call && !is.taken {
			return is
		}
	}
	return nil
}

// same is the call of then that is all like c: the one at its place, or else the
// first, of a node that has another name or comes at another time now. It is nil if
// there is none.
func (p *past) same(c run.CallStarted) *call {
	if here := p.at(c); here != nil && (here.like(c) || p.masked && here.mayBe(c)) {
		return here
	}
	for _, is := range p.calls {
		if !is.taken && is.like(c) {
			return is
		}
	}
	return nil
}

func (c *call) like(o run.CallStarted) bool {
	return c.Method == o.Method && c.URL == o.URL && c.Fingerprint == o.Fingerprint
}

// mayBe tells of a call whose body, or address, holds what was masked since.
func (c *call) mayBe(o run.CallStarted) bool {
	return c.Method == o.Method && (c.URL == o.URL || record.HasWord(c.URL))
}

// took is how long the reply took.
func (c *call) took() time.Duration {
	if c.reply == nil {
		return 0
	}
	return c.reply.When().Sub(c.When())
}

// slack is by how much what is on record of times is not exact: an event has the
// time at which it was noted, and what it is about came a little before or after.
const slack = time.Second

// again returns an event of now with the time, and all that is not of the flow, of
// the same then.
func (p *past) again(e, then run.Event) run.Event {
	now := e.When()
	switch e := run.Moved(e, then.When()).(type) {
	case run.RunStarted:
		return begunAgain(e, then.(run.RunStarted))
	case run.TimerSet:
		e.Due, p.moved = dueAgain(now, e.Due, then.When(), then.(run.TimerSet).Due)
		return e
	case run.EventAwaited:
		e.Due, p.moved = dueAgain(now, e.Due, then.When(), then.(run.EventAwaited).Due)
		return e
	case run.ChildrenStarted:
		e.Due, p.moved = dueAgain(now, e.Due, then.When(), then.(run.ChildrenStarted).Due)
		return e
	case run.ChildEnded:
		if !p.moved {
			e.Due = then.(run.ChildEnded).Due
		}
		return e
	default:
		return e
	}
}

// strays tells whether an event is the end of a wait that was over at another time
// then, or was not there.
func (p *past) strays(e, then run.Event) bool {
	switch e := e.(type) {
	case run.TimerFired:
		return then == nil || p.moved
	case run.ChildrenStopped:
		return e.Late && (then == nil || p.moved)
	default:
		return false
	}
}

// dueAgain is until when something waits from then on, and whether that is another
// time than it was.
func dueAgain(now, due, then, was time.Time) (again time.Time, moved bool) {
	switch {
	case due.IsZero():
		return due, !was.IsZero()
	case !was.IsZero() && (due.Sub(now)-was.Sub(then)).Abs() <= slack:
		return was, false
	default:
		return due.Add(then.Sub(now)), true
	}
}

// begunAgain is the start of a run. What a flow declares is as it is now: a run that
// nobody had taken up began with the values of its flow.
func begunAgain(e, then run.RunStarted) run.RunStarted {
	e.Seed, e.TraceParent = then.Seed, then.TraceParent
	if e.Parent != nil || then.From == "" {
		return e
	}
	e.From, e.Outputs, e.RetryOf, e.Error = then.From, then.Outputs, then.RetryOf, then.Error
	for name := range e.Variables {
		if value, had := then.Variables[name]; had {
			e.Variables[name] = value
		}
	}
	return e
}
