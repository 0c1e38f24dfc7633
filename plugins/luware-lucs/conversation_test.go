package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/wendflow/wend/emulator"
	"github.com/wendflow/wend/emulator/emulatortest"
	lucs "github.com/wendflow/wend/plugins/luware-lucs/emulator"
	"github.com/wendflow/wend/plugins/plugintest"
	"github.com/wendflow/wend/sdk/sdktest"
)

// row is a visit of testdata/matrix.yaml. Its connection is admin if it names
// none, its state is that of the task, and its faults begin after First.
type row struct {
	plugintest.Row `yaml:",inline"`

	First []struct {
		Method string
		Inputs map[string]any
		Into   string // a name for the id of the task that it makes
	}
	Advance time.Duration
}

func readMatrix(t *testing.T) plugintest.Matrix[row] {
	t.Helper()
	return plugintest.ReadMatrix[row](t)
}

// site is the emulator, and the plugin connected with it.
type site struct {
	*plugintest.Link

	t      *testing.T
	vendor *emulator.Vendor
}

// newSite starts an emulator with the settings of a row, and connects to it as
// the row says.
func newSite(t *testing.T, r row) *site {
	t.Helper()
	vendor, err := lucs.New(emulatortest.Config(t, r.Emulator, nil))
	if err != nil {
		t.Fatal(err)
	}
	name := cmp.Or(r.Connection, "admin")
	c, known := readMatrix(t).Connections[name]
	if !known {
		t.Fatalf("no connection %q", name)
	}
	return &site{t: t, vendor: vendor, Link: tested.Connect(t, vendor, c.With(r.Settings))}
}

func (s *site) visit(method string, inputs map[string]any, timeout time.Duration) sdktest.Result {
	s.t.Helper()
	return s.Visit(s.t, method, inputs, timeout)
}

// must runs a method that has to succeed.
func (s *site) must(method string, inputs map[string]any) sdktest.Result {
	s.t.Helper()
	result := s.visit(method, inputs, 0)
	if result.Outcome != success {
		s.t.Fatalf("%s %v leaves by %s: %s", method, inputs, result.Outcome, result.Message)
	}
	return result
}

func (s *site) control(method, path, body string, into any) {
	s.t.Helper()
	emulatortest.Control(s.t, s.vendor, method, path, body, into)
}

func (s *site) fault(text string) {
	s.t.Helper()
	fault, err := emulator.ParseFault(text)
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := json.Marshal(fault)
	if err != nil {
		s.t.Fatal(err)
	}
	s.control("POST", "/faults", string(body), nil)
}

func (s *site) advance(d time.Duration) {
	s.t.Helper()
	s.control("POST", "/clock", fmt.Sprintf(`{"advance":%q}`, d), nil)
}

// emulated is what a task is in the emulator's own state.
type emulated struct {
	TaskID, ExternalTaskID, State, Agent string
	Ronas                                int
}

func (s *site) tasks() []emulated {
	s.t.Helper()
	var state struct{ Tasks []emulated }
	s.control("GET", "/state", "", &state)
	return state.Tasks
}

func (s *site) task(id any) emulated {
	s.t.Helper()
	for _, task := range s.tasks() {
		if strings.EqualFold(task.TaskID, fmt.Sprint(id)) {
			return task
		}
	}
	s.t.Fatalf("the emulator has no task %v", id)
	return emulated{}
}

// TestMatrix holds plugin, connection and emulator together against every row
// of the outcome tables.
func TestMatrix(t *testing.T) {
	t.Parallel()
	for _, r := range readMatrix(t).Rows {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, r)
			inputs := s.prepare(r)
			r.Check(t, s.visit(r.Method, inputs, r.Timeout))
			if r.Want.State == "" {
				return
			}
			if task := s.task(inputs["taskId"]); task.State != r.Want.State {
				t.Errorf("the task is %+v, want it %s", task, r.Want.State)
			}
		})
	}
}

// prepare does what a row wants done first, and returns its inputs with the
// names of tasks filled in.
func (s *site) prepare(r row) map[string]any {
	s.t.Helper()
	ids := map[string]string{}
	for _, f := range r.First {
		result := s.must(f.Method, f.Inputs)
		ids["{"+f.Into+"}"], _ = result.Outputs["taskId"].(string)
	}
	if r.Advance > 0 {
		s.advance(r.Advance)
	}
	for _, text := range r.Faults {
		s.fault(text)
	}
	inputs := maps.Clone(r.Inputs)
	for name, value := range inputs {
		if text, is := value.(string); is && ids[text] != "" {
			inputs[name] = ids[text]
		}
	}
	return inputs
}

func TestMatrixHasEveryOutcome(t *testing.T) {
	t.Parallel()
	var rows []plugintest.Row
	for _, r := range readMatrix(t).Rows {
		rows = append(rows, r.Row)
	}
	tested.Covered(t, rows)
}

// TestLifeOfATask goes the whole way, with an agent who does not answer.
func TestLifeOfATask(t *testing.T) {
	t.Parallel()
	s := newSite(t, row{})
	created := s.must("create-task", map[string]any{
		"service": serviceID, "required": map[string]any{"im": true, "audio": true}, "distributeToAgent": true,
		"externalTaskId": "life-1", "caller": "Lena Lang", "ronaTimeoutSeconds": 50,
	})
	id := map[string]any{"taskId": created.Outputs["taskId"]}
	phase := func(want, agent string) {
		t.Helper()
		got := s.must("get-task", id).Outputs
		if got["phase"] != want || got["agentSipUri"] != agent || got["externalTaskId"] != "life-1" || got["customerIdentifier"] != "Lena Lang" {
			t.Fatalf("the task is %v with %v, want %s with %s", got["phase"], got["agentSipUri"], want, agent)
		}
	}
	phase("queued", "")
	s.advance(time.Second)
	phase("assigned", "sip:smoky.aa@dev.local")

	s.must("refresh-task", map[string]any{"taskId": id["taskId"], "setAgentOnRona": true})
	phase("queued", "")
	s.advance(time.Second)
	phase("assigned", "sip:smoky.bb@dev.local")

	s.must("set-established", id)
	phase("established", "sip:smoky.bb@dev.local")
	if again := s.visit("refresh-task", id, 0); again.Outcome != conflict {
		t.Errorf("refresh of an established task leaves by %s, want conflict", again.Outcome)
	}
	ended := s.must("terminate-task", id).Outputs
	if ended["phase"] != "terminated" || ended["agentDisplayName"] != "Bruno Baker" {
		t.Errorf("the task ended as %v", ended)
	}
	if again := s.visit("terminate-task", id, 0); again.Outcome != notFound {
		t.Errorf("the second terminate leaves by %s, want notFound", again.Outcome)
	}
}

// TestLUCSRefreshesByItself: after the RONA timeout nobody needs to ask.
func TestLUCSRefreshesByItself(t *testing.T) {
	t.Parallel()
	s := newSite(t, row{})
	id := map[string]any{"taskId": s.must("create-task", map[string]any{
		"service": serviceID, "required": map[string]any{"im": true}, "distributeToAgent": true, "ronaTimeoutSeconds": 5,
	}).Outputs["taskId"]}
	s.advance(time.Second)
	first := s.must("get-task", id).Outputs["agentSipUri"]
	s.advance(6 * time.Second)
	second := s.must("get-task", id).Outputs
	if second["phase"] != "assigned" || second["agentSipUri"] == first {
		t.Errorf("after the timeout the task is %v with %v, want it with another than %v", second["phase"], second["agentSipUri"], first)
	}
}

// TestCreateThatLostItsAnswer: the task is there, and is found by its external
// id; a second create would have made a second task.
func TestCreateThatLostItsAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t, row{})
	s.fault("POST /v1.0/tasks=lost_reply*1")
	inputs := map[string]any{"service": serviceID, "required": map[string]any{"im": true}, "distributeToAgent": true, "externalTaskId": "lost-1"}
	if lost := s.visit("create-task", inputs, 0); lost.Outcome != unreachable || lost.Outputs["taskId"] != nil {
		t.Fatalf("outcome %s, want unreachable", lost.Outcome)
	}
	find := map[string]any{"service": serviceID, "externalTaskId": "lost-1"}
	found := s.must("list-service-tasks", find).Outputs
	if found["count"] != 1 {
		t.Fatalf("%v tasks were found, want 1", found["count"])
	}
	id := found["tasks"].([]any)[0].(map[string]any)["taskId"]
	if got := s.task(id); got.ExternalTaskID != "lost-1" {
		t.Errorf("the task found is %+v", got)
	}
	s.must("create-task", inputs)
	if again := s.must("list-service-tasks", find).Outputs; again["count"] != 2 {
		t.Errorf("after a second create there are %v tasks, want 2", again["count"])
	}
}

// TestNoSecretComesBack holds that the key is in nothing that the guest gives or
// asks for.
func TestNoSecretComesBack(t *testing.T) {
	t.Parallel()
	s := newSite(t, row{})
	for method := range plugin {
		if all := fmt.Sprint(s.visit(method, inputsOf(method), 0)); strings.Contains(all, "lucs-admin") || strings.Contains(all, "X-Api-Key") {
			t.Errorf("%s gives %s", method, all)
		}
	}
	var journal json.RawMessage
	s.control("GET", "/journal", "", &journal)
	if strings.Contains(string(journal), "lucs-admin") {
		t.Errorf("the journal holds the key: %s", journal)
	}
}
