package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"

	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/webhook"
)

// scenes are what the demo plays, in this order.
var scenes = []scene{
	good("cisco-cce", "sms", "n5", "Success", "CLOSED"),
	good("cisco-cce", "facebook-messenger", "n5", "Success", "CLOSED"),
	good("cisco-cce", "whatsapp", "n5", "Success", "CLOSED"),
	good("cisco-cce", "email", "n5", "Success", "CLOSED"),
	good("cisco-cce", "live-chat", "n5", "Success", "CLOSED"),
	good("cisco-cce", "web-callback", "n5", "Success", "CLOSED"),
	bad("cisco-cce", "sms", "POST /drapi/v1/tasks/*/close=503", "n5", "Error", "CREATED"),

	good("nice-cxone", "generic", "n4", "OnSuccess", "Ended"),
	good("nice-cxone", "email", "n4", "OnSuccess", "Ended"),
	good("nice-cxone", "chat", "n4", "OnSuccess", "Ended"),
	good("nice-cxone", "phone", "n4", "OnSuccess", "Ended"),
	good("nice-cxone", "voicemail", "n4", "OnSuccess", "Ended"),
	good("nice-cxone", "work-item", "n4", "OnSuccess", "Ended"),
	good("nice-cxone", "sms", "n4", "OnSuccess", "Ended"),
	bad("nice-cxone", "chat", "", "n4", "OnInvalidContactID", "Ended"), // it has ended above

	good("genesys-cs", "complete-task", "n5", "success", "completed"),
	bad("genesys-cs", "complete-task", "POST /genesys/1/cs/services/*/tasks/*/end=503", "n5", "serverError", "active"),

	bad("genesys-gws", "complete", "POST /api/v2/me/facebooksession/*=statusCode:4", "n3", "serverError", "Chatting"),
	good("genesys-gws", "complete", "n3", "success", "Completed"),
	good("genesys-gws", "complete-and-wait", "n3", "success", "Completed"),
	good("genesys-gws", "complete-to-queue-and-wait", "n3", "success", "Completed"),
	good("genesys-gws", "complete-by-cometd", "n6", "success", "Completed"),

	good("luware-lucs", "create-task", "n3", "success", ""),
	good("luware-lucs", "list-service-tasks", "n3", "success", ""),
	good("luware-lucs", "agents", "n3", "success", ""),
	good("luware-lucs", "get-task", "n3", "success", "InQueue"),
	bad("luware-lucs", "set-established", "/v1.0/tasks/*/setestablished=500", "n3", "serverError", "Assigned"),
	good("luware-lucs", "set-established", "n3", "success", "Established"),
	bad("luware-lucs", "set-established", "", "n3", "conflict", "Established"),
	good("luware-lucs", "refresh-task", "n3", "success", "InQueue"),
	good("luware-lucs", "terminate-task", "n3", "success", "Terminated"),
	good("luware-lucs", "task", "n5", "success", "Terminated"),
	{
		flow: "luware-lucs/task-life", vendor: "luware-lucs", status: http.StatusAccepted,
		node: "n12", outcome: "success", record: "Terminated",
		then: []next{
			{flow: "luware-lucs/task-confirmed", after: "5s"}, // LUCS has given the task to an agent
			{flow: "luware-lucs/task-done"},
		},
	},
}

// good is a scene that ends as everybody hopes.
func good(vendor, name, node, outcome, record string) scene {
	return scene{flow: vendor + "/" + name, vendor: vendor, status: 200, node: node, outcome: outcome, record: record}
}

// bad is a scene whose flow answers that it failed. A fault is set at the
// emulator for it, unless what came before is reason enough.
func bad(vendor, name, fault, node, outcome, record string) scene {
	return scene{
		flow: vendor + "/" + name, vendor: vendor, fault: fault,
		status: http.StatusBadGateway, node: node, outcome: outcome, record: record,
	}
}

// records tell where an emulator's state has what a scene was about.
var records = map[string]record{
	"cisco-cce":   {state: "state", path: []place{{"tasks", "taskId", "taskId"}}},
	"nice-cxone":  {state: "state", path: []place{{"contacts", "contactId", "contactId"}}},
	"genesys-cs":  {state: "status", path: []place{{"services", "service_id", "serviceId"}, {"tasks", "task_id", "taskId"}}},
	"genesys-gws": {state: "state", path: []place{{"facebooksessions", "id", "sessionId"}}},
	"luware-lucs": {state: "state", path: []place{{"tasks", "taskId", "taskId"}}},
}

// record is a field of an entry that lies in lists, one inside the other.
type record struct {
	state string
	path  []place
}

// place is an entry of a list, by an id that a node of the flow was given.
type place struct{ list, id, input string }

// ciscoConnection reaches the emulator of Cisco CCE; vars gets what the flows
// need to know of it.
func ciscoConnection(addr string, vars map[string]any) outbound.Connection {
	vars["domain"] = addr
	return outbound.Connection{
		Name: "cce", Type: "bearer", Secrets: map[string]string{"token": "cce-admin"},
		Hosts: []string{addr}, Private: true, Settings: map[string]any{"scheme": "http"},
	}
}

// cxoneConnection reaches the emulator of NICE CXone as one of its agents.
func cxoneConnection(addr string, _ map[string]any) outbound.Connection {
	return outbound.Connection{
		Name: "cxone", Type: "access-key", BaseURL: "http://" + addr, Private: true,
		Secrets: map[string]string{"accessKeySecret": "vera-key-secret"},
		Settings: map[string]any{
			"tokenURL":    "http://" + addr + "/authentication/v1/token/access-key",
			"accessKeyId": "vera-key", "agentId": "100001",
		},
	}
}

// basicConnection reaches an emulator with a name and a password.
func basicConnection(name, kind, user, password string) func(string, map[string]any) outbound.Connection {
	return func(addr string, _ map[string]any) outbound.Connection {
		return outbound.Connection{
			Name: name, Type: kind, BaseURL: "http://" + addr, Private: true,
			Secrets: map[string]string{"password": password}, Settings: map[string]any{"username": user},
		}
	}
}

// gwsConnection reaches the emulator of Genesys Web Services as an agent.
func gwsConnection(addr string, vars map[string]any) outbound.Connection {
	c := basicConnection("gws", "session", "a1", "a1-password")(addr, vars)
	c.Settings["sessionPath"] = "/api/v2/me"
	return c
}

// lucsConnection reaches the emulator of LUCS.
func lucsConnection(addr string, _ map[string]any) outbound.Connection {
	return outbound.Connection{
		Name: "lucs", Type: "api-key", BaseURL: "http://" + addr, Private: true,
		Secrets: map[string]string{"key": "lucs-admin"},
	}
}

// notified are the webhooks that a vendor tells what happened there.
var notified = map[string]string{"genesys-gws": "genesys-gws/notification"}

// introduce tells the emulators where the server is.
func (s *stage) introduce(ctx context.Context, base string) error {
	for name, path := range notified {
		settings, err := json.Marshal(map[string]string{"webhookUrl": base + webhook.Prefix + path})
		if err != nil {
			return err
		}
		if _, err := s.stands[name].ask(ctx, http.MethodPatch, "/_emulator/settings", settings); err != nil {
			return err
		}
	}
	return nil
}

// recordOf is the vendor's own word on what a scene was about.
func (s *stage) recordOf(ctx context.Context, sc scene, report *run.Report) (string, error) {
	dump, err := s.stands[sc.vendor].ask(ctx, http.MethodGet, "/_emulator/state", nil)
	if err != nil {
		return "", err
	}
	dec := json.NewDecoder(bytes.NewReader(dump))
	dec.UseNumber() // ids of 64 bits
	var entry map[string]any
	if err := dec.Decode(&entry); err != nil {
		return "", fmt.Errorf("the emulator's state: %w", err)
	}
	where := records[sc.vendor]
	for _, p := range where.path {
		list, _ := entry[p.list].([]any)
		entry = findEntry(list, p.id, inputOf(report, sc.node, p.input))
	}
	if entry == nil {
		return "", nil
	}
	return fmt.Sprint(entry[where.state]), nil
}

func findEntry(list []any, key, id string) map[string]any {
	for _, v := range list {
		if entry, ok := v.(map[string]any); ok && fmt.Sprint(entry[key]) == id {
			return entry
		}
	}
	return nil
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
			return h.Flow, h.Path.String(), nil
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
