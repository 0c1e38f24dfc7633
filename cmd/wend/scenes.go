package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"path/filepath"
	"strings"

	"github.com/wendflow/wend/runtime/casefile"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/webhook"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// scenesFile is what the demo plays.
//
//go:embed scenes.yaml
var scenesFile []byte

var sceneFormat = yamldoc.Format{Name: "file of scenes", Keys: []string{"scenes"}, Begins: `"scenes:", a list of them`}

// codeScene is of a scene that did not go as it should.
const codeScene diag.Code = "scene"

// readScenes reads what the demo plays, in its order.
func readScenes() ([]scene, error) {
	doc, mistakes := sceneFormat.Parse("scenes.yaml", scenesFile)
	r := &yamldoc.Reader{Mistakes: mistakes, Invalid: codeScene}
	var scenes []scene
	r.Object(yamldoc.Field{What: "the file", Value: doc.Root()}, nil, yamldoc.Key{Name: "scenes", Required: true, Read: func(f yamldoc.Field) {
		for _, item := range r.Items(f) {
			scenes = append(scenes, readScene(r, item))
		}
	}})
	return scenes, r.Mistakes.Err()
}

func readScene(r *yamldoc.Reader, f yamldoc.Field) scene {
	var sc scene
	r.Object(f, nil,
		yamldoc.Key{Name: "flow", Required: true, Read: yamldoc.Into(&sc.flow, r.Str)},
		yamldoc.Key{Name: "fault", Read: yamldoc.Into(&sc.fault, r.Str)},
		yamldoc.Key{Name: "node", Required: true, Read: yamldoc.Into(&sc.node, r.Str)},
		yamldoc.Key{Name: "then", Read: func(f yamldoc.Field) {
			for _, item := range r.Items(f) {
				var n next
				r.Object(item, nil,
					yamldoc.Key{Name: "flow", Required: true, Read: yamldoc.Into(&n.flow, r.Str)},
					yamldoc.Key{Name: "after", Read: yamldoc.Into(&n.after, r.Str)},
				)
				sc.then = append(sc.then, n)
			}
		}},
		yamldoc.Key{Name: "want", Required: true, Read: func(f yamldoc.Field) {
			r.Object(f, nil,
				yamldoc.Key{Name: "status", Required: true, Read: func(f yamldoc.Field) { sc.want.status = casefile.Read(r, f) }},
				yamldoc.Key{Name: "outcome", Required: true, Read: func(f yamldoc.Field) { sc.want.outcome = casefile.ReadText(r, f) }},
				yamldoc.Key{Name: "record", Required: true, Read: func(f yamldoc.Field) { sc.want.record = casefile.ReadText(r, f) }},
			)
		}},
	)
	return sc
}

// vendor is whose emulator a scene is about.
func (s *scene) vendor() string { return path.Dir(s.flow) }

// wrong tells how a scene went otherwise than it should; "" if it did not.
func (s *scene) wrong(got act) string {
	d := casefile.Differ{Code: codeScene}
	d.Value("status", s.want.status, got.status)
	d.Text("outcome", s.want.outcome, got.outcome)
	var record any
	if got.record != "" {
		record = got.record
	}
	d.Value("record", s.want.record, record)
	said := make([]string, len(d.Found))
	for i, e := range d.Found {
		said[i] = e.Text()
	}
	return strings.Join(said, ", ")
}

// records tell where an emulator's state has what a scene was about.
var records = map[string]recordField{
	"cisco-cce":   {state: "state", path: []place{{"tasks", "taskId", "taskId"}}},
	"nice-cxone":  {state: "state", path: []place{{"contacts", "contactId", "contactId"}}},
	"genesys-cs":  {state: "status", path: []place{{"services", "service_id", "serviceId"}, {"tasks", "task_id", "taskId"}}},
	"genesys-gws": {state: "state", path: []place{{"facebooksessions", "id", "sessionId"}}},
	"luware-lucs": {state: "state", path: []place{{"tasks", "taskId", "taskId"}}},
}

// recordField is a field of an entry that lies in lists, one inside the other.
type recordField struct {
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
	dump, err := s.stands[sc.vendor()].ask(ctx, http.MethodGet, "/_emulator/state", nil)
	if err != nil {
		return "", err
	}
	dec := json.NewDecoder(bytes.NewReader(dump))
	dec.UseNumber() // ids of 64 bits
	var entry map[string]any
	if err := dec.Decode(&entry); err != nil {
		return "", fmt.Errorf("the emulator's state: %w", err)
	}
	where := records[sc.vendor()]
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
