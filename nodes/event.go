package nodes

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/node"
)

type eventIn struct {
	Name string         `json:"name" doc:"Name of the events that start a run: POST /api/v1/events/NAME, the type of a CloudEvent, or the event of an emit node."`
	Key  string         `json:"key,omitempty" x-wend:"text" doc:"Only events with this key start a run. Any, if not given."`
	Data map[string]any `json:"data,omitempty" x-wend:"literal" doc:"JSON Schema of the event's data. It types what templates read; an event whose data does not fit starts no run, and who sends it is told. Without it any JSON object will do."`
}

// event starts a run for each event of a name.
func event() *node.Type {
	return node.DefineTrigger(node.Type{
		Name:  "event",
		Title: "Event",
		Doc: "Starts a run for each event of a name: one that comes by POST /api/v1/events/{name}, as a CloudEvent, or from an `emit` node of another run. " +
			"Each flow that listens has a run of its own; an event with the id of an earlier one starts none. The properties of the data are the outputs, and so is " +
			"`event`: `id`, `name`, `key`, `hops`, and of a CloudEvent `source`, `type`, `subject`, `time` and its other attributes. A property `event` of the data cannot be read.",
		Outputs:  node.MustSchema(withEvent(nil)),
		Outcomes: outcomes("An event came, and it is in order.", ""),
		Shape:    shapeEvent,
	}, makeEvent)
}

func makeEvent(in eventIn) (node.Trigger, error) {
	e := &node.Event{Name: in.Name, Key: in.Key}
	var err error
	if in.Data != nil {
		e.Data, err = node.NewSchema(in.Data)
	}
	return e, err
}

func shapeEvent(with map[string]any) (node.Shape, []node.Problem) {
	shape := node.Shape{Unanswered: &node.Problem{
		Msg:     "has no caller who waits; only `wend run` shows it",
		Hint:    "give a result with a node of type \"end\", or start the flow by a webhook",
		Warning: true,
	}}
	problems := fixed(with, "name", "key")
	if name, _ := with["name"].(string); strings.ContainsRune(name, '*') {
		problems = append(problems, node.Problem{
			Path: []string{"name"}, Warning: true,
			Msg:  fmt.Sprintf("name %q is held against events to the letter, and * stands for itself", name),
			Hint: "give each name a trigger of its own",
		})
	}
	given, ok := with["data"]
	if !ok {
		return shape, problems
	}
	data, wrong := objectSchema("data", given)
	problems = append(problems, wrong...)
	if refused(wrong) {
		return shape, problems
	}
	if props, ok := data["properties"].(map[string]any); ok && props["event"] != nil {
		return shape, append(problems, node.Problem{
			Path: []string{"data", "properties", "event"},
			Msg:  `data: no property can be called "event", that is where the event's id and name are`,
		})
	}
	outputs, err := node.NewSchema(withEvent(data))
	if err != nil {
		return shape, append(problems, node.Problem{Path: []string{"data"}, Msg: fmt.Sprintf("data: %s", err)})
	}
	shape.Outputs = outputs
	return shape, problems
}

// aboutSchema is that of what is known of an event beside its data. CloudEvents
// have attributes of their own making.
var aboutSchema = map[string]any{
	"type": "object",
	"properties": map[string]any{
		"id":      map[string]any{"type": "string", "description": "By which it is known again."},
		"name":    map[string]any{"type": "string"},
		"key":     map[string]any{"type": "string", "description": "What it is about; empty if it does not say."},
		"hops":    map[string]any{"type": "integer", "description": "How many runs it comes from, each started by an event of the one before."},
		"source":  map[string]any{"type": "string"},
		"type":    map[string]any{"type": "string"},
		"subject": map[string]any{"type": "string"},
		"time":    map[string]any{"type": "string"},
	},
	"required":             []any{"id", "name", "key", "hops"},
	"additionalProperties": map[string]any{"type": "string"},
}

// withEvent adds to the schema of data what is known about the event.
func withEvent(data map[string]any) map[string]any {
	props := map[string]any{}
	if own, ok := data["properties"].(map[string]any); ok {
		maps.Copy(props, own)
	}
	props["event"] = aboutSchema
	outputs := openObject(data)
	outputs["properties"] = props
	needed, _ := outputs["required"].([]any)
	outputs["required"] = append(slices.Clone(needed), "event")
	return outputs
}
