package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/emulator"
	"github.com/wendflow/wend/nodes"
	lucs "github.com/wendflow/wend/plugins/luware-lucs/emulator"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	wendrun "github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/sdktest"
	"github.com/wendflow/wend/sdk/wire"
)

const flowsFolder = "../../flows/luware-lucs"

// nodeTypes are the built-in ones and this plugin's, as plugin.yaml declares
// them and the guest's code does them.
func nodeTypes(t *testing.T) *node.Set {
	t.Helper()
	types := tested.Types(t)
	for i, declared := range types {
		native := *declared
		_, method, _ := strings.Cut(native.Name, "/")
		native.Step = func(_ context.Context, v node.Visit) (node.Action, error) { return step(method, v) }
		types[i] = &native
	}
	set, err := node.NewSet(append(nodes.All(), types...)...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// asked leaves a method that waits for a reply.
type asked struct{ call wire.Call }

// step runs a method natively, as far as the replies it has go.
func step(method string, v node.Visit) (action node.Action, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case asked:
			action = node.Ask{Calls: []wire.Call{p.call}}
		default:
			panic(p)
		}
	}()
	next := 0
	result, err := sdktest.Run(plugin, method, sdktest.Visit{
		Inputs: v.Inputs, Settings: v.Settings, Seed: v.Seed,
		Reply: func(call wire.Call) wire.Reply {
			if next == len(v.Replies) {
				panic(asked{call})
			}
			next++
			return v.Replies[next-1]
		},
	})
	if err != nil {
		return nil, err
	}
	code, _ := result.Outputs["errorCode"].(string)
	return node.Finish{Outcome: result.Outcome, Outputs: result.Outputs, Message: result.Message, Code: code}, nil
}

// wired stands where the host's connection stands: it adds the key, and calls
// the emulator without a network, so that time can be made up.
type wired struct{ vendor *emulator.Vendor }

func (wired) Settings(string) map[string]any { return nil }

func (w wired) Do(ctx context.Context, r outbound.Request) wire.Reply {
	if r.Connection != "lucs" {
		return wire.Reply{Failure: wire.Refused, Message: "no connection " + r.Connection}
	}
	request := httptest.NewRequestWithContext(ctx, r.Call.Method, r.Call.URL, strings.NewReader(string(r.Call.Body)))
	for name, value := range r.Call.Headers {
		request.Header.Set(name, value)
	}
	request.Header.Set("X-Api-Key", "lucs-admin")
	recorder := httptest.NewRecorder()
	w.vendor.ServeHTTP(recorder, request)
	return wire.Reply{Status: recorder.Code, Headers: recorder.Header(), Body: recorder.Body.Bytes()}
}

// stage is an engine with the emulator behind it.
type stage struct {
	site
	engine *engine.Engine
	types  *node.Set
	flows  map[string]*flow.Flow
}

// newStage must be called in a synctest bubble: the emulator's clock is that of
// the engine.
func newStage(t *testing.T) *stage {
	t.Helper()
	vendor, err := lucs.New(emulator.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = vendor.Close() })
	s := &stage{
		site: site{t: t, vendor: vendor}, types: nodeTypes(t), flows: map[string]*flow.Flow{},
		engine: engine.New(engine.Config{Caller: wired{vendor}}),
	}
	return s
}

// flow is a shipped one, loaded when it is first wanted.
func (s *stage) flow(name string) *flow.Flow {
	s.t.Helper()
	if s.flows[name] == nil {
		s.flows[name] = loadFlow(s.t, s.types, name)
	}
	return s.flows[name]
}

func loadFlow(t *testing.T, set *node.Set, name string) *flow.Flow {
	t.Helper()
	file := filepath.Join(flowsFolder, name+".yaml")
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	f, mistakes := flow.Load(file, source, flow.Config{Types: set, Connections: []string{"lucs"}})
	for _, m := range mistakes {
		t.Errorf("%v", m)
	}
	if f == nil {
		t.FailNow()
	}
	return f
}

// sampleInput is what lies beside a flow.
func sampleInput(t *testing.T, name string) map[string]any {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(flowsFolder, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	value, err := data.DecodeJSON(source)
	if err != nil {
		t.Fatal(err)
	}
	input, _ := value.(map[string]any)
	return input
}

// start calls the webhook of a flow.
func (s *stage) start(name string, body map[string]any) *engine.Run {
	s.t.Helper()
	f := s.flow(name)
	body["request"] = map[string]any{"method": "POST", "path": "/", "headers": map[string]any{}, "query": map[string]any{}}
	for _, p := range f.Triggers[0].Outputs.Validate(body) {
		s.t.Errorf("%s: the body does not fit the webhook: %v", name, p)
	}
	r, _, err := s.engine.Start(s.t.Context(), engine.Start{Flow: f, Output: body})
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// report waits for a run's end.
func (s *stage) report(name string, r *engine.Run) *wendrun.Report {
	s.t.Helper()
	if _, err := r.Wait(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	report, err := wendrun.NewReport(s.flow(name), r.Events())
	if err != nil {
		s.t.Fatal(err)
	}
	return report
}

// way is the nodes of a run with their outcomes, the trigger aside.
func way(report *wendrun.Report) string {
	var visits []string
	for _, n := range report.Nodes {
		if n.Type != "webhook" {
			visits = append(visits, n.Node+":"+n.Outcome)
		}
	}
	return strings.Join(visits, " ")
}

// TestFlows calls the webhook of every flow with the sample beside it.
func TestFlows(t *testing.T) {
	t.Parallel()
	tests := []struct {
		flow   string
		status int
		way    string
		body   string // in it, {task} stands for the id of a task that the run made
		state  string // of the task in the body
	}{
		{"create-task", 200, "n3:success done:success", `{"ok":true,"taskId":"{task}"}`, "InQueue"},
		{"get-task", 200, "n3:success done:success", `{"agent":"","caller":"Johnny HasaProblem Again","ok":true,"phase":"queued","state":"InQueue","taskId":"488e2892-16c2-48a2-9040-f7f96157ad77"}`, "InQueue"},
		{"list-service-tasks", 200, "n3:success done:success", `{"count":1,"ok":true,"tasks":["488e2892-16c2-48a2-9040-f7f96157ad77"]}`, ""},
		{"refresh-task", 200, "n3:success done:success", `{"ok":true,"taskId":"6a1d4c0e-52f3-4d0c-9d6b-3f1f6f6f0a01"}`, "InQueue"},
		{"set-established", 200, "n3:success done:success", `{"ok":true,"taskId":"6a1d4c0e-52f3-4d0c-9d6b-3f1f6f6f0a02"}`, "Established"},
		{"terminate-task", 200, "n3:success done:success", `{"agent":"Fay Frost","ok":true,"taskId":"6a1d4c0e-52f3-4d0c-9d6b-3f1f6f6f0a03"}`, "Terminated"},
		{"agents", 200, "n3:success n4:success done:success", `{"ok":true,"selectable":["sip:smoky.aa@dev.local","sip:smoky.bb@dev.local","sip:smoky.cc@dev.local"],"services":["Business Customer Care","Night Desk"]}`, ""},
		{"task", 200, "n3:success n4:success n5:success done:success", `{"created":"2000-01-01T00:00:00.0000000Z","ok":true,"queuePosition":"2","state":"Terminated","taskId":"{task}"}`, "Terminated"},
		{"task-confirmed", 202, "n3:success done:success", `{"ok":true,"taskId":"6a1d4c0e-52f3-4d0c-9d6b-3f1f6f6f0a02"}`, "Assigned"},
		{"task-done", 202, "n3:success done:success", `{"ok":true,"taskId":"6a1d4c0e-52f3-4d0c-9d6b-3f1f6f6f0a02"}`, "Assigned"},
	}
	seen := map[string]bool{"task-life": true} // TestTaskLife
	for _, test := range tests {
		seen[test.flow] = true
		t.Run(test.flow, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				report := s.report(test.flow, s.start(test.flow, sampleInput(t, test.flow)))
				checkReport(t, report, "completed", test.status, test.way)
				body, _ := report.Response.Body.(map[string]any)
				id, _ := body["taskId"].(string)
				if got, want := text(t, body), strings.ReplaceAll(test.body, "{task}", id); got != want {
					t.Errorf("the answer is %s, want %s", got, want)
				}
				if test.state != "" && s.task(id).State != test.state {
					t.Errorf("the task is %+v, want it %s", s.task(id), test.state)
				}
			})
		})
	}
	files, err := filepath.Glob(flowsFolder + "/*.yaml")
	files = slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, ".test.yaml") })
	if err != nil || len(files) != len(seen) {
		t.Errorf("there are %d flows (%v), and %d are tested", len(files), err, len(seen))
	}
}

func checkReport(t *testing.T, report *wendrun.Report, status string, response int, want string) {
	t.Helper()
	if diff := cmp.Diff(want, way(report)); diff != "" {
		t.Errorf("the way (-want +got):\n%s", diff)
	}
	if string(report.Status) != status {
		t.Errorf("the run is %s (%s %s), want %s", report.Status, report.Code, report.Reason, status)
	}
	if report.Response == nil || report.Response.Status != response {
		t.Fatalf("the answer is %+v, want %d", report.Response, response)
	}
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestFlowsFail: each vendor's failure leaves by its proper outcome, and the
// caller is told.
func TestFlowsFail(t *testing.T) {
	t.Parallel()
	tests := []struct {
		flow, fault, way, message string
	}{
		{"create-task", "POST /v1.0/tasks=400", "n3:invalidData failed:success", "LUCS answered 400: Bad Request"},
		{"get-task", "/v1.0/tasks/*=404", "n3:notFound failed:success", "LUCS answered 404: Not Found"},
		{"refresh-task", "/v1.0/tasks/*/refresh=409", "n3:conflict failed:success", "LUCS answered 409: Conflict"},
		{
			"set-established", "/v1.0/tasks/*/setestablished=500", "n3:serverError failed:success",
			"LUCS answered 500: An error has occurred; the task is in the state Assigned, which does not explain it",
		},
		{"terminate-task", "/v1.0/tasks/*/terminate=expired_token", "n3:unauthorized failed:success", "LUCS answered 401: Authorization has been denied for this request."},
		{"task", "/v1.0/tasks/*=503", "n3:success " + strings.Repeat("n4:serverError ", 3) + "failed:success", "LUCS answered 503: Service Unavailable"},
	}
	for _, test := range tests {
		t.Run(test.flow, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.fault(test.fault)
				report := s.report(test.flow, s.start(test.flow, sampleInput(t, test.flow)))
				checkReport(t, report, "completed", 502, test.way)
				if body, _ := report.Response.Body.(map[string]any); body["ok"] != false || body["message"] != test.message {
					t.Errorf("the answer is %v, want the message %s", body, test.message)
				}
			})
		})
	}
}

// TestTaskLife goes through the life of a task: one run, and several webhooks
// that tell it what happens.
func TestTaskLife(t *testing.T) {
	t.Parallel()
	const (
		aa = "sip:smoky.aa@dev.local"
		bb = "sip:smoky.bb@dev.local"
	)
	tests := []struct {
		name    string
		happens func(s *stage, id string)
		way     string
		code    string
		reason  string
		state   string
		agent   string
	}{
		{
			name: "an agent confirms and does the work",
			happens: func(s *stage, id string) {
				s.sleep(10 * time.Second)
				s.tell("task-confirmed", strings.ToUpper(id))
				s.phase(id, "Established")
				s.sleep(time.Hour)
				s.tell("task-done", id)
			},
			way:  "n3:success accepted:success n5:received n8:success n11:received n12:success done:success",
			code: "terminated", reason: "The task has ended after 0 refreshes.", state: "Terminated", agent: aa,
		},
		{
			name: "the first agent does not answer",
			happens: func(s *stage, id string) {
				s.sleep(44 * time.Second)
				s.phase(id, "Assigned")
				s.sleep(3 * time.Second)
				if u := s.task(id).Agent; u != bb {
					s.t.Errorf("after the refresh the task is with %s, want %s", u, bb)
				}
				s.tell("task-confirmed", id)
				s.tell("task-done", id)
			},
			way: "n3:success accepted:success n5:onTimeout n6:success n7:success n5:received " +
				"n8:success n11:received n12:success done:success",
			code: "terminated", reason: "The task has ended after 1 refreshes.", state: "Terminated", agent: bb,
		},
		{
			name: "nobody answers",
			way: "n3:success accepted:success n5:onTimeout n6:success n7:success n5:onTimeout n6:success n7:success " +
				"n5:onTimeout n6:success n7:nobodyAnswers n12:success done:success",
			code: "terminated", reason: "The task has ended after 3 refreshes.", state: "Terminated",
		},
		{
			name: "the agent confirms in Agent Assistant, and LUCS alone knows",
			happens: func(s *stage, id string) {
				s.sleep(10 * time.Second)
				s.control("POST", "/tasks/"+id+"/accept", "", nil)
				s.sleep(time.Minute)
				s.tell("task-done", id)
			},
			way:  "n3:success accepted:success n5:onTimeout n6:conflict n9:success n10:established n11:received n12:success done:success",
			code: "terminated", reason: "The task has ended after 0 refreshes.", state: "Terminated", agent: aa,
		},
		{
			name: "the agent confirms in Agent Assistant, and we are told too",
			happens: func(s *stage, id string) {
				s.sleep(10 * time.Second)
				s.control("POST", "/tasks/"+id+"/accept", "", nil)
				s.tell("task-confirmed", id)
				s.tell("task-done", id)
			},
			way:  "n3:success accepted:success n5:received n8:conflict n9:success n10:established n11:received n12:success done:success",
			code: "terminated", reason: "The task has ended after 0 refreshes.", state: "Terminated", agent: aa,
		},
		{
			name: "it is told before an agent has it",
			happens: func(s *stage, id string) {
				s.tell("task-confirmed", id)
				s.sleep(5 * time.Second)
				s.tell("task-confirmed", id)
				s.tell("task-done", id)
			},
			way: "n3:success accepted:success n5:received n8:conflict n9:success n10:success n7:success n5:received " +
				"n8:success n11:received n12:success done:success",
			code: "terminated", reason: "The task has ended after 1 refreshes.", state: "Terminated", agent: aa,
		},
		{
			name: "somebody else ends it before it is confirmed",
			happens: func(s *stage, id string) {
				s.sleep(10 * time.Second)
				s.report("terminate-task", s.start("terminate-task", map[string]any{"taskId": id}))
			},
			way:  "n3:success accepted:success n5:onTimeout n6:conflict n9:success n10:gone gone:success",
			code: "gone", reason: "Somebody else has ended the task.", state: "Terminated", agent: aa,
		},
		{
			name: "somebody else ends it before it is done",
			happens: func(s *stage, id string) {
				s.sleep(10 * time.Second)
				s.tell("task-confirmed", id)
				s.report("terminate-task", s.start("terminate-task", map[string]any{"taskId": id}))
				s.tell("task-done", id)
			},
			way:  "n3:success accepted:success n5:received n8:success n11:received n12:notFound gone:success",
			code: "gone", reason: "Somebody else has ended the task.", state: "Terminated", agent: aa,
		},
		{
			name: "nobody says that it is done",
			happens: func(s *stage, id string) {
				s.sleep(10 * time.Second)
				s.tell("task-confirmed", id)
				s.sleep(119 * time.Minute)
				s.phase(id, "Established")
			},
			way:  "n3:success accepted:success n5:received n8:success n11:onTimeout n12:success done:success",
			code: "terminated", reason: "The task has ended after 0 refreshes.", state: "Terminated", agent: aa,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				r := s.start("task-life", sampleInput(t, "task-life"))
				answer, err := r.Response(t.Context())
				if err != nil || answer.Response == nil {
					t.Fatalf("no answer: %v", err)
				}
				body, _ := answer.Response.Body.(map[string]any)
				id, _ := body["taskId"].(string)
				s.phase(id, "InQueue")
				if test.happens != nil {
					test.happens(s, id)
				}
				report := s.report("task-life", r)
				checkReport(t, report, "completed", 202, test.way)
				if report.Code != test.code || report.Reason != test.reason {
					t.Errorf("the run ended with %s, %q; want %s, %q", report.Code, report.Reason, test.code, test.reason)
				}
				if task := s.task(id); task.State != test.state || task.Agent != test.agent {
					t.Errorf("the task is %+v, want it %s with %q", task, test.state, test.agent)
				}
			})
		})
	}
}

// TestTaskLifeFails: before the answer the caller is told; after it, the run
// says so.
func TestTaskLifeFails(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault    string
		response int
		way      string
		code     string
	}{
		{"POST /v1.0/tasks=500", 502, "n3:serverError failed:success broken:success", "serverError"},
		{"/v1.0/tasks/*/refresh=403", 202, "n3:success accepted:success n5:onTimeout n6:unauthorized failed:success broken:success", "unauthorized"},
	}
	for _, test := range tests {
		synctest.Test(t, func(t *testing.T) {
			s := newStage(t)
			s.fault(test.fault)
			report := s.report("task-life", s.start("task-life", sampleInput(t, "task-life")))
			checkReport(t, report, "failed", test.response, test.way)
			if report.Code != test.code {
				t.Errorf("the run failed with %s, want %s", report.Code, test.code)
			}
		})
	}
}

// sleep lets time pass that nobody waits for.
func (s *stage) sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// tell calls one of the webhooks by which the run learns what happens.
func (s *stage) tell(name, id string) {
	s.t.Helper()
	report := s.report(name, s.start(name, map[string]any{"taskId": id}))
	if report.Response == nil || report.Response.Status != 202 {
		s.t.Fatalf("%s is answered %+v", name, report.Response)
	}
	synctest.Wait()
}

func (s *stage) phase(id, state string) {
	s.t.Helper()
	if got := s.task(id); got.State != state {
		s.t.Errorf("the task is %s, want it %s: %s", got.State, state, fmt.Sprint(got))
	}
}
