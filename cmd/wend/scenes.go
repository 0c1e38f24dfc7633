package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/run"
)

// scenes are what the demo plays.
var scenes = []scene{
	ciscoScene("sms"),
	ciscoScene("facebook-messenger"),
	ciscoScene("whatsapp"),
	ciscoScene("email"),
	ciscoScene("live-chat"),
	ciscoScene("web-callback"),
	{
		flow: "cisco-cce/sms", vendor: "cisco-cce", fault: "POST /drapi/v1/tasks/*/close=503",
		status: 502, outcome: "Error", node: "n5", record: "CREATED",
	},
}

func ciscoScene(channel string) scene {
	return scene{
		flow: "cisco-cce/" + channel, vendor: "cisco-cce",
		status: 200, outcome: "Success", node: "n5", record: "CLOSED",
	}
}

// ciscoConnection reaches the emulator of Cisco CCE; vars gets what the flows
// need to know of it.
func ciscoConnection(addr string, vars map[string]any) outbound.Connection {
	vars["domain"] = addr
	return outbound.Connection{
		Name: "cce", Type: "bearer", Secrets: map[string]string{"token": "cce-admin"},
		Hosts: []string{addr}, Private: true, Settings: map[string]any{"scheme": "http"},
	}
}

// record is the vendor's own word on what a scene was about.
func (s *stage) record(ctx context.Context, sc scene, report *run.Report) (string, error) {
	dump, err := s.stands[sc.vendor].ask(ctx, http.MethodGet, "/_emulator/state", nil)
	if err != nil {
		return "", err
	}
	switch sc.vendor {
	case "cisco-cce":
		var state struct {
			Tasks []struct{ TaskID, State string }
		}
		if err := json.Unmarshal(dump, &state); err != nil {
			return "", err
		}
		id := inputOf(report, sc.node, "taskId")
		for _, t := range state.Tasks {
			if t.TaskID == id {
				return t.State, nil
			}
		}
	}
	return "", nil
}

// inputOf is what a node of the run was given.
func inputOf(report *run.Report, id, name string) string {
	for _, n := range report.Nodes {
		if n.Node == id {
			return fmt.Sprint(n.Inputs[name])
		}
	}
	return ""
}

// find returns the flow of a file and the path of its webhook.
func (s *stage) find(name string) (*flow.Flow, string, error) {
	file := filepath.Join(defaultFlows, filepath.FromSlash(name)+".yaml")
	for _, h := range s.server.live.Set().Hooks() {
		if h.Flow.File == file {
			return h.Flow, h.Path, nil
		}
	}
	return nil, "", fmt.Errorf("%s has no webhook", file)
}

// report tells what a run did.
func (s *server) report(ctx context.Context, f *flow.Flow, id string) (*run.Report, error) {
	if r := s.engine.Find(id); r != nil {
		if _, err := r.Wait(ctx); err != nil {
			return nil, err
		}
	}
	events, err := s.engine.Events(ctx, id)
	if err != nil {
		return nil, err
	}
	return run.NewReport(f, events)
}
