package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/sdk/wire"
)

// Name returns the event's name in the journal and in the API.
func Name(e Event) string {
	switch e.(type) {
	case RunStarted:
		return "run-started"
	case CallStarted:
		return "call-started"
	case CallReplied:
		return "call-replied"
	case TimerSet:
		return "timer-set"
	case TimerFired:
		return "timer-fired"
	case EventAwaited:
		return "event-awaited"
	case EventReceived:
		return "event-received"
	case NodeFinished:
		return "node-finished"
	case RunResponded:
		return "run-responded"
	case RunEnded:
		return "run-ended"
	case RunCancelled:
		return "run-cancelled"
	default:
		panic(fmt.Sprintf("run: event %T has no name", e))
	}
}

type envelope struct {
	Type  string          `json:"type"`
	Event json.RawMessage `json:"event"`
}

// Marshal encodes events as one JSON array of {"type","event"}. What it writes
// can be read by every later version.
func Marshal(events []Event) ([]byte, error) {
	list := make([]envelope, len(events))
	for i, e := range events {
		raw, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", Name(e), err)
		}
		list[i] = envelope{Name(e), raw}
	}
	return json.Marshal(list)
}

// Unmarshal decodes what Marshal wrote.
func Unmarshal(data []byte) ([]Event, error) {
	var list []envelope
	if err := json.Unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("decode events: %w", err)
	}
	events := make([]Event, len(list))
	for i, env := range list {
		e, err := decodeEvent(env)
		if err != nil {
			return nil, fmt.Errorf("decode event %d, %q: %w", i, env.Type, err)
		}
		events[i] = e
	}
	return events, nil
}

func decodeEvent(env envelope) (Event, error) {
	switch env.Type {
	case "run-started":
		return decodeAs(env.Event, func(e *RunStarted) {
			data.Plain(e.Output)
			data.Plain(e.Variables)
			for _, out := range e.Outputs {
				data.Plain(out)
			}
		})
	case "call-started":
		return decodeAs[CallStarted](env.Event, nil)
	case "call-replied":
		return decodeAs[CallReplied](env.Event, nil)
	case "timer-set":
		return decodeAs[TimerSet](env.Event, nil)
	case "timer-fired":
		return decodeAs[TimerFired](env.Event, nil)
	case "event-awaited":
		return decodeAs[EventAwaited](env.Event, nil)
	case "event-received":
		return decodeAs(env.Event, func(e *EventReceived) { data.Plain(e.Data) })
	case "node-finished":
		return decodeAs(env.Event, func(e *NodeFinished) {
			data.Plain(e.Outputs)
			data.Plain(e.Set)
		})
	case "run-responded":
		return decodeAs(env.Event, func(e *RunResponded) { e.Body = data.Plain(e.Body) })
	case "run-ended":
		return decodeAs[RunEnded](env.Event, nil)
	case "run-cancelled":
		return decodeAs[RunCancelled](env.Event, nil)
	default:
		return nil, errors.New("no such event")
	}
}

// decodeAs keeps whole numbers whole; plain turns those inside open values
// into what flows see.
func decodeAs[E Event](raw json.RawMessage, plain func(*E)) (Event, error) {
	var e E
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&e); err != nil {
		return nil, err
	}
	if plain != nil {
		plain(&e)
	}
	return e, nil
}

// FromWire makes a journal reply.
func FromWire(r wire.Reply) Reply {
	out := Reply{Status: r.Status, Headers: r.Headers, Failure: r.Failure, Message: r.Message}
	if utf8.Valid(r.Body) {
		out.Body = string(r.Body)
	} else {
		out.BodyBase64 = r.Body
	}
	return out
}

// Wire is the inverse of FromWire.
func (r Reply) Wire() wire.Reply {
	out := wire.Reply{Status: r.Status, Headers: r.Headers, Failure: r.Failure, Message: r.Message}
	switch {
	case r.Body != "":
		out.Body = []byte(r.Body)
	case len(r.BodyBase64) > 0:
		out.Body = r.BodyBase64
	}
	return out
}
