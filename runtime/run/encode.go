package run

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/wendflow/wend/sdk/wire"
)

type envelope struct {
	Type  string          `json:"type"`
	Event json.RawMessage `json:"event"`
}

// Marshal encodes events as one JSON array of {"type","event"}. What it writes
// can be read by every later version.
func Marshal(events []Event) ([]byte, error) {
	all := []byte{'['}
	for i, e := range events {
		// To marshal an envelope would read and copy the event once more, which
		// may be long.
		raw, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("encode %s: %w", Name(e), err)
		}
		if i > 0 {
			all = append(all, ',')
		}
		all = slices.Grow(all, len(raw)+64)
		all = append(all, `{"type":"`...)
		all = append(all, Name(e)...)
		all = append(all, `","event":`...)
		all = append(append(all, raw...), '}')
	}
	return append(all, ']'), nil
}

// Unmarshal decodes what Marshal wrote of all events of a run. It fails with an
// UnknownError where a later version wrote what this one has no type for.
func Unmarshal(data []byte) ([]Event, error) { return UnmarshalMore(nil, data) }

// UnmarshalMore decodes what Marshal wrote of the events that come after those
// before, and returns them all. Its errors are those of Unmarshal; the events
// before tell them who wrote what cannot be read.
func UnmarshalMore(before []Event, data []byte) ([]Event, error) {
	var list []envelope
	if err := json.Unmarshal(data, &list); err != nil {
		return before, fmt.Errorf("decode events: %w", err)
	}
	events := slices.Grow(before, len(list))
	for _, env := range list {
		e, err := env.decode()
		if unknown, ok := errors.AsType[*UnknownError](err); ok {
			unknown.Wend = cmp.Or(unknown.Wend, writerOf(events))
		}
		if err != nil {
			return events, fmt.Errorf("decode event %d, %q: %w", len(events), env.Type, err)
		}
		events = append(events, e)
	}
	return events, nil
}

// writerOf is the version that wrote the last of the events.
func writerOf(events []Event) (wend string) {
	for _, e := range events {
		wend = cmp.Or(e.Writer(), wend)
	}
	return wend
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
