package nodes

import (
	"context"
	"fmt"
	"time"

	"github.com/wendflow/wend/runtime/node"
)

type waitIn struct {
	Event   string         `json:"event" doc:"Name of the event to wait for."`
	Key     string         `json:"key" x-wend:"text" doc:"What the event is about, such as a session's id: only an event with the same key is received."`
	Timeout string         `json:"timeout,omitempty" doc:"How long to wait: 30s, 1h, 2d. As long as the run may, if not given."`
	Data    map[string]any `json:"data,omitempty" x-wend:"literal" doc:"JSON Schema of the event's data. It types what templates read; an event whose data does not fit is refused while the run waits, and leaves by onError if it came before."`
}

type waitOut struct{}

// wait waits for an outside event.
func wait() *node.Type {
	return node.Define[waitIn, waitOut](node.Type{
		Name:  "wait",
		Title: "Wait for an event",
		Doc: "Waits for an event with a name and a key, which comes by POST /api/v1/events/{name} or from an `emit` node of another run. " +
			"Its data are the node's outputs. An event that came before the run waits is kept and received at once. A run that waits costs nothing, and goes on after a restart.",
		Idempotent: true,
		Waits:      true,
		Outputs:    node.MustSchema(map[string]any{"type": "object"}),
		Outcomes: node.Outcomes{
			Success: "received", Fault: onError,
			All: []node.Outcome{
				{Name: "received", Doc: "The event came."},
				{Name: onTimeout, Doc: "It did not come in time."},
				{Name: onError, Doc: "What was given is no key or duration, a template failed, or the data of an event that came before does not fit."},
			},
		},
		Shape: shapeWait,
	}, stepWait)
}

func shapeWait(with map[string]any) (node.Shape, []node.Problem) {
	var problems []node.Problem
	var shape node.Shape
	shape.Event, _ = with["event"].(string)
	if text, ok := with["timeout"].(string); ok && !isTemplate(text) {
		d, err := parseDuration(text)
		if err != nil {
			problems = append(problems, node.Problem{Path: []string{"timeout"}, Msg: "timeout: " + err.Error()})
		}
		shape.Lapse = node.Lapse{Input: "timeout", For: d}
	}
	given, ok := with["data"]
	if !ok {
		return shape, problems
	}
	schema, wrong := objectSchema("data", given)
	problems = append(problems, wrong...)
	if refused(wrong) {
		return shape, problems
	}
	shape.Outputs = node.MustSchema(schema)
	return shape, problems
}

func stepWait(_ context.Context, v node.Visit, in waitIn) (node.Action, error) {
	switch {
	case v.Received:
		return in.received(v.Event)
	case v.Woken:
		return node.Finish{Outcome: onTimeout, Message: fmt.Sprintf("no event %q came in time", in.Event)}, nil
	case in.Event == "":
		return nil, wrong("event", "is empty")
	case in.Key == "":
		return nil, wrong("key", "is empty")
	}
	a := node.Await{Event: in.Event, Key: in.Key}
	if in.Timeout != "" {
		d, err := parseDuration(in.Timeout)
		if err != nil {
			return nil, wrong("timeout", "%s", err)
		}
		a.Timeout = max(d, time.Nanosecond) // 0 would be no limit
	}
	return a, nil
}

func (in waitIn) received(data map[string]any) (node.Action, error) {
	if data == nil {
		data = map[string]any{}
	}
	if in.Data != nil {
		schema, err := node.NewSchema(in.Data)
		if err != nil {
			return nil, err
		}
		if problems := schema.Validate(data); problems != nil {
			return node.Finish{
				Outcome: onError, Code: "event-data",
				Message: "the event's data does not fit: " + node.FormatProblems(problems),
			}, nil
		}
	}
	return node.Finish{Outcome: "received", Outputs: data}, nil
}
