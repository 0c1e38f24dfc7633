package run

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/node"
)

// Bounds are of what one run may take. The zero Bounds are none but DefaultVisits.
type Bounds struct {
	Value   int // of one value as JSON: a variable, an output, an input
	Run     int // of all values of a run in memory, where shared parts count once
	Journal int // of what a run has in the journal

	Visits int // of one node, where the flow does not say. Defaults to DefaultVisits
}

// DefaultVisits is how often a run may enter one node if nobody says otherwise.
const DefaultVisits = 1000

// maxVisits is how often the run may enter one node, by its flow or by who runs it.
func (s *State) maxVisits() int {
	return cmp.Or(s.Flow.Visits, s.Bounds.Visits, DefaultVisits)
}

// loops is how a run ends that has entered its node too often. It names the last
// turn as the run went it, a long one without its middle.
func (s *State) loops() End {
	most, id := s.maxVisits(), s.At.Node
	var turn []string
	for other, v := range s.visits {
		if v.at > s.visits[id].before {
			turn = append(turn, other)
		}
	}
	slices.SortFunc(turn, func(a, b string) int { return s.visits[a].at - s.visits[b].at })
	turn = append([]string{id}, turn...)
	if most := 10; len(turn) > most {
		turn = slices.Concat(turn[:most/2], []string{"…"}, turn[len(turn)-most/2:])
	}
	by := "limits.visits of wend.yaml"
	if s.Flow.Visits > 0 {
		by = "visits of the flow"
	}
	return End{
		Status: Failed, Code: "visit-limit",
		Reason: fmt.Sprintf("the run goes round %s: it has entered node %q %d times, as often as %s allows; let an outcome lead out of the cycle, or write a larger visits in the head of the flow",
			strings.Join(turn, " → "), id, most, by),
	}
}

// room is what the templates of the next step may make.
func (s *State) room() *expand.Room {
	if s.Bounds.Value == 0 {
		return nil
	}
	s.left = expand.Room{Value: s.Bounds.Value, Left: s.Bounds.Run}
	return &s.left
}

// Full tells whether the run has more in the journal than it may.
func (s *State) Full() bool { return s.Bounds.Journal > 0 && s.written > s.Bounds.Journal }

// Written is about how many bytes the events so far take in the journal.
func (s *State) Written() int { return s.written }

// Fits tells whether the run can keep what its node leaves behind. The error is
// a *node.Fault that names what is too much; its code is "template" for a
// variable, which a template made, and "value-limit" for an output. A node that
// leaves nothing behind always fits, also in a run that began with more than it
// may have: it is how such a run gets to its end.
func (s *State) Fits(outputs, set map[string]any) error {
	if s.Bounds.Value == 0 {
		return nil
	}
	added, largest := 0, kept{}
	for _, values := range []struct {
		of map[string]any
		kept
	}{{set, kept{"template", "variable", "", 0}}, {outputs, kept{"value-limit", "output", "", 0}}} {
		for name, v := range values.of {
			size, err := data.Measure(v, s.Bounds.Value)
			one := values.kept
			one.name, one.bytes = name, size.Memory
			if bound, ok := errors.AsType[*data.BoundError](err); ok && bound.Large {
				return one.fault("%w, more than limits.value allows", err)
			}
			if err != nil {
				return one.fault("%w", err)
			}
			added += size.Memory
			if one.bytes > largest.bytes || one.bytes == largest.bytes && one.name < largest.name {
				largest = one
			}
		}
	}
	if added == 0 || s.held+added <= s.Bounds.Run {
		return nil
	}
	held := s.weighWith(outputs, set)
	if held > s.Bounds.Run {
		return largest.fault("with it the values of the run take more than %s of memory, more than limits.run allows", data.ShowSize(uint64(s.Bounds.Run)))
	}
	s.held = held - added // the event adds it
	return nil
}

// kept is a value that a node leaves behind.
type kept struct {
	code, what, name string
	bytes            int
}

func (k kept) fault(format string, a ...any) error {
	return &node.Fault{Code: k.code, Msg: fmt.Sprintf("%s %q: %s", k.what, k.name, fmt.Errorf(format, a...))}
}

// weighWith is what all values take that the run has after its node. It takes
// longer than to add up what came, which counts shared parts each time.
func (s *State) weighWith(outputs, set map[string]any) int {
	names := maps.Clone(s.names)
	maps.Copy(names, set)
	names[s.At.Node] = outputs
	return data.Memory(names)
}

// weigh counts what an event takes in the journal, and what the run holds of it
// from now on.
func (s *State) weigh(e Event) {
	const around = 200 // names of fields, times, digests
	s.written += around
	switch e := e.(type) {
	case RunStarted:
		s.holds(e.Output)
		s.holds(e.Variables)
		for _, out := range e.Outputs {
			s.holds(out)
		}
	case CallStarted:
		s.written += len(e.URL)
	case ChildrenStarted:
		s.written += len(e.Flows) * around
	case ChildEnded:
		s.holds(e.Outputs)
		s.written += len(e.Reason)
	case CallReplied:
		s.written += len(e.Reply.Body) + len(e.Reply.BodyBase64)*4/3 + len(e.Reply.Message)
		for name, values := range e.Reply.Headers {
			for _, v := range values {
				s.written += len(name) + len(v)
			}
		}
	case NodeFinished:
		s.holds(e.Outputs)
		s.holds(e.Set)
		s.written += len(e.Message)
	case EventReceived:
		s.written += sizeOf(e.Data).JSON
	case RunResponded:
		s.written += sizeOf(e.Body).JSON
	case RunPaused:
		s.written += len(e.Message)
	case TimerSet, TimerFired, EventAwaited, ChildrenStopped, RunResumed, RunEnded, RunCancelled:
	}
}

func (s *State) holds(values map[string]any) {
	if len(values) == 0 {
		return
	}
	size := sizeOf(values)
	s.written += size.JSON
	s.held += size.Memory
}

// sizeOf is of what was let in before, however large.
func sizeOf(v any) data.Size {
	size, _ := data.Measure(v, math.MaxInt) // what is too deep is in the journal already
	return size
}
