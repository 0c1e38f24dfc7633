package nodes

import (
	"context"
	"time"

	"github.com/wendflow/wend/runtime/node"
)

type emitIn struct {
	Event string         `json:"event" doc:"Name of the event."`
	Key   string         `json:"key" x-wend:"text" doc:"What the event is about: the run that waits for this name and key receives it."`
	Data  map[string]any `json:"data,omitempty" doc:"What that run gets to know."`
	For   string         `json:"for,omitempty" doc:"How long the event is kept for a run that does not wait yet. 24h if not given."`
}

type emitOut struct{}

// emit hands an event to another run.
func emit() *node.Type {
	return node.Define[emitIn, emitOut](node.Type{
		Name:  "emit",
		Title: "Emit an event",
		Doc: "Hands an event to the run that waits for it at a `wait` node. If none does yet, the event is kept. " +
			"It is one event however often the node has to be tried after a crash.",
		Idempotent: true,
		Outcomes:   outcomes("The event is on record.", "What was given is no key or duration, a template failed, the run that waits for the event cannot use its data (code `event-data`), or the event could not be put on record."),
		Shape:      shapeEmit,
	}, stepEmit)
}

// kept is how long an event is kept that does not say.
const kept = 24 * time.Hour

func shapeEmit(with map[string]any) (node.Shape, []node.Problem) {
	if text, ok := with["for"].(string); ok && !isTemplate(text) {
		if _, err := parseDuration(text); err != nil {
			return node.Shape{}, []node.Problem{{Path: []string{"for"}, Msg: "for: " + err.Error()}}
		}
	}
	return node.Shape{}, nil
}

func stepEmit(_ context.Context, _ node.Visit, in emitIn) (node.Action, error) {
	lifetime := kept
	if in.For != "" {
		var err error
		if lifetime, err = parseDuration(in.For); err != nil {
			return nil, wrong("for", "%s", err)
		}
	}
	switch {
	case in.Event == "":
		return nil, wrong("event", "is empty")
	case in.Key == "":
		return nil, wrong("key", "is empty")
	}
	return node.Finish{Emit: &node.Emit{Event: in.Event, Key: in.Key, Data: in.Data, For: lifetime}}, nil
}
