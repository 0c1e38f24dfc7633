package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/emulator"
	"github.com/wendflow/wend/emulator/emulatortest"
	cs "github.com/wendflow/wend/plugins/genesys-cs/emulator"
	"github.com/wendflow/wend/plugins/plugintest"
	"github.com/wendflow/wend/sdk/sdktest"
)

func readMatrix(t *testing.T) plugintest.Matrix[plugintest.Row] {
	t.Helper()
	return plugintest.ReadMatrix[plugintest.Row](t)
}

// site is the emulator, and the plugin connected with it.
type site struct {
	*plugintest.Link

	t      *testing.T
	vendor *emulator.Vendor
}

// newSite starts an emulator with the settings and faults of a row, and connects
// to it as the row says.
func newSite(t *testing.T, m plugintest.Matrix[plugintest.Row], r plugintest.Row) *site {
	t.Helper()
	vendor, err := cs.New(emulatortest.Config(t, r.Emulator, r.Faults))
	if err != nil {
		t.Fatal(err)
	}
	return &site{tested.Connect(t, vendor, m.Connections[r.Connection].With(r.Settings)), t, vendor}
}

func (s *site) visit(method string, inputs map[string]any, timeout time.Duration) sdktest.Result {
	s.t.Helper()
	return s.Visit(s.t, method, inputs, timeout)
}

// show reads what the emulator's control surface has at a path.
func (s *site) show(path string, into any) {
	s.t.Helper()
	emulatortest.Control(s.t, s.vendor, http.MethodGet, path, "", into)
}

// emulated is what a task is in the emulator's own state.
type emulated struct {
	ID         int64 `json:"task_id"`
	Status     string
	Completed  map[string]any
	Extensions map[string]any
}

func (s *site) task(service, task any) emulated {
	s.t.Helper()
	var state struct {
		Services []struct {
			ID    any `json:"service_id"`
			Tasks []emulated
		}
	}
	s.show("/state", &state)
	for _, sv := range state.Services {
		for _, it := range sv.Tasks {
			if fmt.Sprint(sv.ID) == fmt.Sprint(service) && fmt.Sprint(it.ID) == fmt.Sprint(task) {
				return it
			}
		}
	}
	s.t.Fatalf("the emulator has no task %v of service %v", task, service)
	return emulated{}
}

// TestMatrix holds plugin, connection and emulator together against every row
// of the outcome table. The state of a row is the status of the task.
func TestMatrix(t *testing.T) {
	t.Parallel()
	m := readMatrix(t)
	for _, r := range m.Rows {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, m, r)
			r.Check(t, s.visit(r.Method, r.Inputs, r.Timeout))
			if r.Want.State != "" {
				if it := s.task(r.Inputs["serviceId"], r.Inputs["taskId"]); it.Status != r.Want.State {
					t.Errorf("the task is %+v, want it %s", it, r.Want.State)
				}
			}
		})
	}
}

func TestMatrixHasEveryOutcome(t *testing.T) {
	t.Parallel()
	tested.Covered(t, readMatrix(t).Rows)
}

// TestLifeOfATask starts a service and a task, completes the task with attached
// data and reads it back, ids passed on as the flow would.
func TestLifeOfATask(t *testing.T) {
	t.Parallel()
	s := newSite(t, readMatrix(t), plugintest.Row{Connection: "admin"})
	service := s.visit("start-service", map[string]any{"customerId": "C-1"}, 0).Outputs["serviceId"]
	task := s.visit("start-task", map[string]any{"serviceId": service, "mediaType": "chat", "extensions": map[string]any{"Note": "x"}}, 0).Outputs["taskId"]
	extensions := map[string]any{
		"Survey":   map[string]any{"question1": 7, "question2": true, "largest": 9223372036854775807, "none": nil},
		"car type": []any{"cabriolet", 1.5},
	}
	done := s.visit("complete-task", map[string]any{
		"serviceId": service, "taskId": task, "disposition": 10, "timestamp": "2018-09-07T10:34:00Z", "extensions": extensions,
	}, 0)
	if done.Outcome != success {
		t.Fatalf("outcome %s: %s", done.Outcome, done.Message)
	}
	got := s.visit("get-task", map[string]any{"serviceId": service, "taskId": task, "extensions": []any{"Survey", "car type", "Missing"}}, 0).Outputs
	delete(got, "responsePayload")
	want := map[string]any{
		"serviceId": "9007199254740993", "taskId": 0, "status": "completed",
		"started":    map[string]any{"mediaType": 202, "timestamp": "2026-01-01T00:00:00.020Z"},
		"completed":  map[string]any{"disposition": 10, "timestamp": "2018-09-07T10:34:00.000Z"},
		"extensions": extensions,
		"httpStatus": 200, "vendorMessage": "", "vendorException": "", "errorCode": "", "errorMessage": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outputs of get-task (-want +got):\n%s", diff)
	}
	if it := s.task(service, task); it.Extensions["Note"] != "x" || it.Status != "completed" {
		t.Errorf("the task is %+v", it)
	}
}

// TestCompletedTwice holds that the second of two completions is refused, and
// that the task tells whether the first was done.
func TestCompletedTwice(t *testing.T) {
	t.Parallel()
	s := newSite(t, readMatrix(t), plugintest.Row{Connection: "admin", Faults: []string{"POST=lost_reply*1"}})
	inputs := map[string]any{"serviceId": "95", "taskId": 3}
	for _, want := range []string{unreachable, badRequest} {
		if got := s.visit("complete-task", inputs, 0); got.Outcome != want {
			t.Errorf("outcome %s: %s; want %s", got.Outcome, got.Message, want)
		}
	}
	if got := s.visit("get-task", inputs, 0).Outputs["status"]; got != "completed" {
		t.Errorf("the task is %v, want completed", got)
	}
}

// TestTheWire holds what arrives: the host's credential, the tenant, the type of
// the body, and no more of either than must be.
func TestTheWire(t *testing.T) {
	t.Parallel()
	s := newSite(t, readMatrix(t), plugintest.Row{Connection: "admin", Settings: map[string]any{"contactCenterId": 1, "groupId": "Sales"}})
	result := s.visit("complete-task", map[string]any{"serviceId": "95", "taskId": 3}, 0)
	var entries []emulator.Entry
	s.show("/journal", &entries)
	if len(entries) != 1 {
		t.Fatalf("%d requests arrived, want 1", len(entries))
	}
	got := entries[0]
	for name, want := range map[string]string{
		"authorization": "Basic REDACTED", "contactcenterid": "1", "groupid": "Sales", "content-type": "application/json;charset=UTF-8",
		"accept": "application/json", "idempotency-key": "key",
	} {
		if got.Headers[name] != want {
			t.Errorf("header %s is %q, want %q", name, got.Headers[name], want)
		}
	}
	if got.Body != "{}" || got.Path != "/genesys/1/cs/services/95/tasks/3/end" {
		t.Errorf("%s %s with %q arrived", got.Method, got.Path, got.Body)
	}
	if all := fmt.Sprint(result); strings.Contains(all, "cs-admin") || strings.Contains(all, "Basic") {
		t.Errorf("the result holds the credential: %s", all)
	}
}
