package journal

import (
	"fmt"

	"github.com/wendflow/wend/runtime/run"
)

// Begun is the summary of a run after its first append. It fails if the
// events are not the beginning of the run with that id. For drivers.
func Begun(id string, events []run.Event) (Summary, error) {
	s, err := Summarize(events)
	if err == nil && s.ID != id {
		err = fmt.Errorf("run-started is of run %s", s.ID)
	}
	if err != nil {
		return s, fmt.Errorf("begin run %s: %w", id, err)
	}
	return s, nil
}

// Conflict is an ErrConflict of a run that has other events than expected.
// For drivers.
func Conflict(id string, have, expected int) error {
	return fmt.Errorf("run %s has %d events, expected %d: %w", id, have, expected, ErrConflict)
}

// Check tells what is missing for an event to be offered. For drivers.
func (e Event) Check() error {
	switch {
	case e.ID == "":
		return fmt.Errorf("offer event %q: it has no id", e.Name)
	case e.Expires.IsZero():
		return fmt.Errorf("offer event %q: it has no time to expire", e.Name)
	default:
		return CheckAwaited(Awaited{e.Name, e.Key})
	}
}

// MaxEventText is the longest name and the longest key of an event, in bytes.
// They are in an index.
const MaxEventText = 1024

// CheckAwaited tells whether a name or a key is longer than that of any event.
func CheckAwaited(a Awaited) error {
	switch {
	case len(a.Name) > MaxEventText:
		return fmt.Errorf("the name of an event has %d bytes, expected at most %d", len(a.Name), MaxEventText)
	case len(a.Key) > MaxEventText:
		return fmt.Errorf("the key of event %q has %d bytes, expected at most %d", a.Name, len(a.Key), MaxEventText)
	}
	return nil
}
