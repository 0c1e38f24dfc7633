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
		return nil
	}
}
