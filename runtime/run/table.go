package run

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/sdk/wire"
)

// table is every event there is: its name in the journal and in the API, its
// type, and how it is read. A name is never changed and never used again.
var table = []kind{
	kindOf("run-started", func(e *RunStarted) error {
		data.Plain(e.Output)
		data.Plain(e.Variables)
		for _, out := range e.Outputs {
			data.Plain(out)
		}
		if len(e.Labels) == 0 {
			e.Labels = nil // as it is written again
		}
		return nil
	}),
	kindOf[CallStarted]("call-started", nil),
	kindOf("call-replied", func(e *CallReplied) error { return knownFailure(e.Reply.Failure) }),
	kindOf("timer-set", func(e *TimerSet) error { return knownTimer(e.Kind) }),
	kindOf("timer-fired", func(e *TimerFired) error { return knownTimer(e.Kind) }),
	kindOf[EventAwaited]("event-awaited", nil),
	kindOf("event-received", func(e *EventReceived) error {
		data.Plain(e.Data)
		return nil
	}),
	kindOf[ChildrenStarted]("children-started", nil),
	kindOf("child-ended", func(e *ChildEnded) error {
		data.Plain(e.Outputs)
		return knownChildEnd(e.Status)
	}),
	kindOf[ChildrenStopped]("children-stopped", nil),
	kindOf("node-finished", func(e *NodeFinished) error {
		data.Plain(e.Outputs)
		data.Plain(e.Set)
		return nil
	}),
	kindOf("run-responded", func(e *RunResponded) error {
		e.Body = data.Plain(e.Body)
		return nil
	}),
	kindOf("run-paused", func(e *RunPaused) error { return knownCause(e.Cause) }),
	kindOf[RunResumed]("run-resumed", nil),
	kindOf("run-ended", func(e *RunEnded) error { return knownEnd(e.Status) }),
	kindOf[RunCancelled]("run-cancelled", nil),
}

// kind is a row of the table.
type kind struct {
	name   string
	typ    reflect.Type
	decode func(json.RawMessage) (Event, error)
	moved  func(Event, time.Time) Event
}

// eventOf is what points to an event of one type. Its time can be set.
type eventOf[E Event] interface {
	*E
	move(time.Time)
}

// kindOf makes the row of a type of event. Numbers are kept as they were
// written; read makes those inside open values what flows see, and fails with
// an UnknownError if the event holds what this version has no name for.
func kindOf[E Event, P eventOf[E]](name string, read func(*E) error) kind {
	decode := func(raw json.RawMessage) (Event, error) {
		var e E
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		if err := dec.Decode(&e); err != nil {
			return nil, err
		}
		if read == nil {
			return e, nil
		}
		return e, read(&e)
	}
	moved := func(e Event, at time.Time) Event {
		one := e.(E)
		P(&one).move(at)
		return one
	}
	return kind{name, reflect.TypeFor[E](), decode, moved}
}

var byName, byType = index(table)

func index(table []kind) (names map[string]kind, types map[reflect.Type]kind) {
	names, types = map[string]kind{}, map[reflect.Type]kind{}
	for _, k := range table {
		names[k.name], types[k.typ] = k, k
	}
	return names, types
}

// Name returns the event's name in the journal and in the API.
func Name(e Event) string { return byType[reflect.TypeOf(e)].name }

// Moved returns the event as one of another time.
func Moved(e Event, at time.Time) Event { return byType[reflect.TypeOf(e)].moved(e, at) }

func (env envelope) decode() (Event, error) {
	k, ok := byName[env.Type]
	if !ok {
		return nil, &UnknownError{What: "event", Name: env.Type, Wend: env.writer()}
	}
	e, err := k.decode(env.Event)
	if unknown, ok := err.(*UnknownError); ok { //nolint:errorlint // as kindOf returns it
		unknown.Wend = env.writer()
	}
	return e, err
}

// writer is what the event itself says of who wrote it, whatever it is.
func (env envelope) writer() string {
	var at At
	if err := json.Unmarshal(env.Event, &at); err != nil {
		return ""
	}
	return at.Wend
}

// UnknownError says that a journal holds what this version of Wend does not
// know. Whatever the run is doing, this version cannot tell, and must leave it
// alone.
type UnknownError struct {
	What string // "event", or what of it: "status", "timer", "cause", "failure"
	Name string
	Wend string // version that wrote it; "" if the journal does not tell
}

func (e *UnknownError) Error() string {
	if e.Wend == "" {
		return fmt.Sprintf("this version of Wend knows no %s %q, and the journal does not say which version wrote it", e.What, e.Name)
	}
	return fmt.Sprintf("this version of Wend knows no %s %q; version %s wrote it: use that one or a later one", e.What, e.Name, e.Wend)
}

func knownFailure(f wire.Failure) error {
	switch f {
	case "", wire.Timeout, wire.Unreachable, wire.Refused, wire.Unauthorized, wire.Interrupted:
		return nil
	}
	return &UnknownError{What: "failure", Name: string(f)}
}

func knownTimer(k TimerKind) error {
	switch k {
	case TimerSleep, TimerRetry, TimerEvent:
		return nil
	}
	return &UnknownError{What: "timer", Name: string(k)}
}

func knownCause(c PauseCause) error {
	switch c {
	case PauseRetries, PauseFlow:
		return nil
	}
	return &UnknownError{What: "cause", Name: string(c)}
}

// knownEnd refuses a status that no run ends with as well.
func knownEnd(s Status) error {
	switch s {
	case Completed, Failed:
		return nil
	case Running, Waiting, Paused, Cancelled:
	}
	return &UnknownError{What: "status", Name: string(s)}
}

// knownChildEnd takes the status of a child that ended, or none of one that never
// began.
func knownChildEnd(s Status) error {
	if s == "" || s == Cancelled {
		return nil
	}
	return knownEnd(s)
}
