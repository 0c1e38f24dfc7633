package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/wendflow/wend/emulator"
	cs "github.com/wendflow/wend/plugins/genesys-cs/emulator"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/sdk/sdktest"
	"github.com/wendflow/wend/sdk/wire"
)

// matrix is testdata/matrix.yaml.
type matrix struct {
	Connections map[string]connection
	Rows        []row
}

type connection struct {
	Type     string
	Secrets  map[string]string
	Settings map[string]any
}

type row struct {
	Name       string
	Method     string
	Connection string
	Inputs     map[string]any
	Settings   map[string]any
	Emulator   map[string]any
	Faults     []string
	Timeout    time.Duration
	Want       struct {
		Outcome string
		Outputs map[string]any
		Status  string
		Calls   *int
	}
}

func readMatrix(t *testing.T) matrix {
	t.Helper()
	source, err := os.ReadFile("testdata/matrix.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var m matrix
	decoder := yaml.NewDecoder(strings.NewReader(string(source)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

// site is the emulator, and the host's own connection to it.
type site struct {
	t      *testing.T
	vendor *emulator.Vendor
	client *outbound.Client
}

const within = 20 * time.Second

// newSite starts an emulator with the settings and faults of a row, and connects
// to it as the row says.
func newSite(t *testing.T, m matrix, r row) *site {
	t.Helper()
	cfg := emulator.Config{Seed: 1}
	if r.Emulator != nil {
		settings, err := json.Marshal(r.Emulator)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Settings = settings
	}
	for _, text := range r.Faults {
		fault, err := emulator.ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Faults = append(cfg.Faults, fault)
	}
	vendor, err := cs.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(vendor)
	t.Cleanup(func() {
		_ = vendor.Close()
		server.Close()
	})
	s := &site{t: t, vendor: vendor}
	s.connect(m.Connections[r.Connection], r.Settings, server.URL)
	return s
}

// connect makes the connection, whose secrets are texts of the row.
func (s *site) connect(c connection, over map[string]any, base string) {
	s.t.Helper()
	secrets := map[string]string{}
	for name := range c.Secrets {
		secrets[name] = "env:" + name
	}
	settings := map[string]any{}
	maps.Copy(settings, c.Settings)
	maps.Copy(settings, over)
	maps.DeleteFunc(settings, func(_ string, v any) bool { return v == nil })
	client, err := outbound.New(outbound.Config{
		Connections: []outbound.Connection{{
			Name: "genesys-cs", Type: c.Type, Secrets: secrets, Settings: settings, BaseURL: base, Private: true, Timeout: within,
		}},
		Env: func(name string) (string, bool) { v, ok := c.Secrets[name]; return v, ok },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(client.Close)
	s.client = client
}

// visit runs a method, with the host's connection on the wire.
func (s *site) visit(method string, inputs map[string]any, timeout time.Duration) sdktest.Result {
	s.t.Helper()
	return run(s.t, method, sdktest.Visit{
		Inputs: inputs, Settings: s.client.Settings("genesys-cs"),
		Reply: func(call wire.Call) wire.Reply {
			return s.client.Do(context.Background(), outbound.Request{Connection: "genesys-cs", Call: call, Key: "key", Timeout: timeout})
		},
	})
}

// show reads what the emulator's control surface has at a path.
func (s *site) show(path string, into any) {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.vendor.ServeHTTP(w, httptest.NewRequestWithContext(s.t.Context(), http.MethodGet, "/_emulator"+path, http.NoBody))
	decoder := json.NewDecoder(w.Body)
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		s.t.Fatalf("GET %s answered %d: %v", path, w.Code, err)
	}
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
// of the outcome table.
func TestMatrix(t *testing.T) {
	t.Parallel()
	m := readMatrix(t)
	names := map[string]bool{}
	for _, r := range m.Rows {
		if names[r.Name] {
			t.Errorf("two rows are called %q", r.Name)
		}
		names[r.Name] = true
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, m, r)
			result := s.visit(r.Method, r.Inputs, r.Timeout)
			checkRow(t, r, result)
			if r.Want.Status != "" {
				if it := s.task(r.Inputs["serviceId"], r.Inputs["taskId"]); it.Status != r.Want.Status {
					t.Errorf("the task is %+v, want it %s", it, r.Want.Status)
				}
			}
		})
	}
}

func checkRow(t *testing.T, r row, result sdktest.Result) {
	t.Helper()
	if result.Outcome != r.Want.Outcome {
		t.Errorf("outcome %s: %s; want %s", result.Outcome, result.Message, r.Want.Outcome)
	}
	for name, want := range r.Want.Outputs {
		if got := result.Outputs[name]; got != want {
			t.Errorf("output %s is %#v, want %#v", name, got, want)
		}
	}
	if r.Want.Calls != nil && len(result.Calls) != *r.Want.Calls {
		t.Errorf("%d calls were made, want %d", len(result.Calls), *r.Want.Calls)
	}
}

// TestMatrixHasEveryOutcome fails when an outcome has no row.
func TestMatrixHasEveryOutcome(t *testing.T) {
	t.Parallel()
	left := map[string]bool{}
	for _, method := range readManifest(t).Methods {
		for _, o := range method.Outcomes.All {
			left[method.Name+" "+o.Name] = true
		}
	}
	for _, r := range readMatrix(t).Rows {
		delete(left, r.Method+" "+r.Want.Outcome)
	}
	for name := range left {
		t.Errorf("testdata/matrix.yaml has no row for %s", name)
	}
}

// TestLifeOfATask starts a service and a task, completes the task with attached
// data and reads it back, ids passed on as the flow would.
func TestLifeOfATask(t *testing.T) {
	t.Parallel()
	s := newSite(t, readMatrix(t), row{Connection: "admin"})
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
	s := newSite(t, readMatrix(t), row{Connection: "admin", Faults: []string{"POST=lost_reply*1"}})
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
	s := newSite(t, readMatrix(t), row{Connection: "admin", Settings: map[string]any{"contactCenterId": 1, "groupId": "Sales"}})
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
