package nodes

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/sdk/wire"
)

type emitIn struct {
	Event  string         `json:"event" doc:"Name of the event; the type of a CloudEvent."`
	Key    string         `json:"key" x-wend:"text" doc:"What the event is about: the run that waits for this name and key receives it. The subject of a CloudEvent."`
	Data   map[string]any `json:"data,omitempty" doc:"What others get to know."`
	For    string         `json:"for,omitempty" doc:"How long the event is kept for a run that does not wait yet. 24h if not given."`
	URL    string         `json:"url,omitempty" x-wend:"url" doc:"Sends the event out as a CloudEvent, by a POST to this absolute address, or with a connection to this path after its baseURL; runs of this server do not get it."`
	Source string         `json:"source,omitempty" doc:"With url: where the CloudEvent comes from, a URI reference. /flows/ and the flow's name, if not given."`
}

type emitOut struct{}

// emit tells an event to other runs, or to others outside.
func emit() *node.Type {
	return node.Define[emitIn, emitOut](node.Type{
		Name:  "emit",
		Title: "Emit an event",
		Doc: "Tells an event: each flow that listens to its name by an `event` trigger gets a run, and the run that waits for it at a `wait` node receives it. If none does yet, the event is kept. " +
			"With `url` it goes out as a CloudEvent 1.0 instead. It is one event however often the node has to be tried after a crash.",
		Idempotent: true,
		Connects:   true,
		Outcomes: outcomes("The event is on record, or with `url` was answered with 2xx.",
			"What was given is no key or duration, a template failed, nobody whom the event concerns can use its data (code `event-data`), the event could not be put on record, or the receiver under `url` answered with another status or not at all."),
		Shape: shapeEmit,
	}, stepEmit)
}

// kept is how long an event is kept that does not say.
const kept = 24 * time.Hour

func shapeEmit(with map[string]any) (node.Shape, []node.Problem) {
	var problems []node.Problem
	if text, ok := with["for"].(string); ok && !isTemplate(text) {
		if _, err := parseDuration(text); err != nil {
			problems = append(problems, node.Problem{Path: []string{"for"}, Msg: "for: " + err.Error()})
		}
	}
	_, out := with["url"]
	if !out {
		if _, given := with["source"]; given {
			problems = append(problems, node.Problem{Path: []string{"source"}, Msg: "source has no effect without url", Hint: "it is where a CloudEvent says it comes from"})
		}
		return node.Shape{}, problems
	}
	if _, given := with["for"]; given {
		problems = append(problems, node.Problem{Path: []string{"for"}, Msg: "for has no effect with url: what is sent out is not kept here"})
	}
	return node.Shape{
		Call:     writtenCall(with),
		Outcomes: []node.Outcome{{Name: onTimeout, Doc: "With `url`: no complete answer came in time."}},
	}, problems
}

func stepEmit(_ context.Context, v node.Visit, in emitIn) (node.Action, error) {
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
	case in.URL != "" && len(v.Replies) > 0:
		return in.answered(v.Replies[0]), nil
	case in.URL != "":
		return in.send(v)
	}
	return node.Finish{Emit: &node.Emit{Event: in.Event, Key: in.Key, Data: in.Data, For: lifetime}}, nil
}

// send makes the call of a CloudEvent in the structured mode. Who gets it twice
// knows it by its source and its id, which is that of the visit.
func (in emitIn) send(v node.Visit) (node.Action, error) {
	body := map[string]any{
		"specversion": "1.0", "id": v.Key, "type": in.Event, "subject": in.Key,
		"source": cmp.Or(in.Source, "/flows/"+url.PathEscape(v.Flow)), "time": v.Now.UTC().Format(time.RFC3339Nano),
	}
	if in.Data != nil {
		body["data"], body["datacontenttype"] = in.Data, "application/json"
	}
	raw, _, err := data.Body(body, "application/cloudevents+json")
	if err != nil {
		return nil, wrong("data", "cannot be sent as JSON: %s", err)
	}
	return node.Ask{Calls: []wire.Call{{
		Method: http.MethodPost, URL: in.URL, Body: raw,
		Headers: map[string]string{"Content-Type": "application/cloudevents+json; charset=utf-8"},
	}}}, nil
}

func (in emitIn) answered(r wire.Reply) node.Action {
	if r.Failure != "" {
		return failedCall(r)
	}
	if r.Status/100 == 2 {
		return node.Finish{}
	}
	address, _, _ := strings.Cut(in.URL, "?")
	return node.Finish{
		Outcome: onError, Code: strconv.Itoa(r.Status),
		Message: strings.TrimSpace(fmt.Sprintf("the event sent to %s was answered with %d %s", address, r.Status, http.StatusText(r.Status))),
	}
}
