package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/wendflow/wend/emulator"
	gws "github.com/wendflow/wend/plugins/genesys-gws/emulator"
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
	Control    []string
	Faults     []string
	Timeout    time.Duration
	Repeat     int
	Want       want
}

type want struct {
	Outcome  string
	Outputs  map[string]any
	State    string
	Queue    string
	Statuses *string
	Calls    *int
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
	url    string
	client *outbound.Client
}

const within = 20 * time.Second

// newSite starts an emulator with the settings, faults and requests of a row,
// and connects to it as the row says.
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
	vendor, err := gws.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(vendor)
	t.Cleanup(func() {
		_ = vendor.Close()
		server.Close()
	})
	s := &site{t: t, vendor: vendor, url: server.URL}
	s.connect(m.Connections[r.Connection], r.Settings)
	for _, path := range r.Control {
		s.control("POST", path, nil)
	}
	return s
}

// connect makes the connection, whose secrets are texts of the row.
func (s *site) connect(c connection, over map[string]any) {
	s.t.Helper()
	secrets := map[string]string{}
	for name := range c.Secrets {
		secrets[name] = "env:" + name
	}
	settings := maps.Clone(c.Settings)
	maps.Copy(settings, over)
	client, err := outbound.New(outbound.Config{
		Connections: []outbound.Connection{{
			Name: "gws", Type: c.Type, Secrets: secrets, Settings: settings, BaseURL: s.url, Private: true, Timeout: within,
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
		Inputs: inputs, Settings: s.client.Settings("gws"),
		Reply: func(call wire.Call) wire.Reply {
			return s.client.Do(context.Background(), outbound.Request{Connection: "gws", Call: call, Key: "key", Timeout: timeout})
		},
	})
}

func (s *site) control(method, path string, into any) {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.vendor.ServeHTTP(w, httptest.NewRequestWithContext(s.t.Context(), method, "/_emulator"+path, http.NoBody))
	if w.Code >= 300 {
		s.t.Fatalf("%s %s answered %d %s", method, path, w.Code, w.Body)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		s.t.Fatal(err)
	}
}

// emulated is what a session is in the emulator's own state.
type emulated struct {
	ID           string
	State        string
	Owner        string
	SessionEnded bool
	Queue        string
}

func (s *site) session(id string) emulated {
	s.t.Helper()
	var state struct{ FacebookSessions []emulated }
	s.control("GET", "/state", &state)
	for _, fs := range state.FacebookSessions {
		if fs.ID == id {
			return fs
		}
	}
	s.t.Fatalf("the emulator has no session %s", id)
	return emulated{}
}

// statuses are those of all requests to the vendor's API, in their order.
func (s *site) statuses() string {
	s.t.Helper()
	var entries []emulator.Entry
	s.control("GET", "/journal", &entries)
	statuses := make([]string, len(entries))
	for i, e := range entries {
		statuses[i] = strconv.Itoa(e.Status)
	}
	return strings.Join(statuses, " ")
}

// TestMatrix holds plugin, connection and emulator together against every row
// of the outcome tables.
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
			var result sdktest.Result
			for range max(r.Repeat, 1) {
				result = s.visit(r.Method, r.Inputs, r.Timeout)
			}
			checkResult(t, r.Want, result)
			if r.Want.Statuses != nil && s.statuses() != *r.Want.Statuses {
				t.Errorf("the emulator answered %s, want %s", s.statuses(), *r.Want.Statuses)
			}
			if r.Want.State == "" {
				return
			}
			if fs := s.session(fmt.Sprint(r.Inputs["sessionId"])); fs.State != r.Want.State || fs.Queue != r.Want.Queue {
				t.Errorf("the session is %+v, want it %s, its queue %q", fs, r.Want.State, r.Want.Queue)
			}
		})
	}
}

func checkResult(t *testing.T, want want, result sdktest.Result) {
	t.Helper()
	if result.Outcome != want.Outcome {
		t.Errorf("outcome %s: %s; want %s", result.Outcome, result.Message, want.Outcome)
	}
	for name, value := range want.Outputs {
		if got := result.Outputs[name]; got != value {
			t.Errorf("output %s is %#v, want %#v", name, got, value)
		}
	}
	if want.Calls != nil && len(result.Calls) != *want.Calls {
		t.Errorf("%d calls were made, want %d", len(result.Calls), *want.Calls)
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

var ann = row{Connection: "a1"}

func only(id string) map[string]any { return map[string]any{"sessionId": id} }

// TestSessionIsKept holds that one HTTP session serves all calls, and that one
// which ended between two calls is renewed by the host, once.
func TestSessionIsKept(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, control, statuses string }{
		{"nothing happens", "", "200 200 200"},
		{"the token is replaced", "/csrf/rotate", "200 200 403 200 200"},
		{"the session expires", "/logins/expire", "200 200 403 200 200"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, readMatrix(t), ann)
			first := s.visit("complete-facebook-session", only("0002DaAVKJ0V0095"), 0)
			if test.control != "" {
				s.control("POST", test.control, nil)
			}
			second := s.visit("complete-facebook-session", only("0002DaAVKJ0V0096"), 0)
			if first.Outcome != success || second.Outcome != success {
				t.Errorf("outcomes %s: %s; %s: %s", first.Outcome, first.Message, second.Outcome, second.Message)
			}
			if got := s.statuses(); got != test.statuses {
				t.Errorf("the emulator answered %s, want %s", got, test.statuses)
			}
		})
	}
}

// TestLifeOfASession goes through a session's states with all methods.
func TestLifeOfASession(t *testing.T) {
	t.Parallel()
	s := newSite(t, readMatrix(t), ann)
	id := "0071023821aec011"
	for _, step := range []struct {
		method string
		more   map[string]any
		want   emulated
	}{
		{"accept", map[string]any{"nickname": "John Doe"}, emulated{id, "Chatting", "a1", false, ""}},
		{"leave", nil, emulated{id, "Left", "a1", true, ""}},
		{"complete", map[string]any{"queueName": "PostProcessingQueue"}, emulated{id, "Completed", "a1", true, "PostProcessingQueue"}},
	} {
		inputs := only(id)
		maps.Copy(inputs, step.more)
		result := s.visit(step.method+"-facebook-session", inputs, 0)
		if got := s.session(id); result.Outcome != success || got != step.want {
			t.Fatalf("%s: outcome %s: %s; the session is %+v, want %+v", step.method, result.Outcome, result.Message, got, step.want)
		}
	}
}

// TestTransferredSession holds that a session is the next agent's after a
// transfer, and no longer the first's.
func TestTransferredSession(t *testing.T) {
	t.Parallel()
	s := newSite(t, readMatrix(t), ann)
	id := "01QQQG2MU214P05W"
	result := s.visit("transfer-facebook-session", map[string]any{"sessionId": id, "targetPath": "/users/10f8abb20c154fb28c82c68102625233"}, 0)
	if want := (emulated{id, "Invited", "a2", false, ""}); result.Outcome != success || s.session(id) != want {
		t.Errorf("outcome %s: %s; the session is %+v, want %+v", result.Outcome, result.Message, s.session(id), want)
	}
	if again := s.visit("complete-facebook-session", only(id), 0); again.Outcome != forbidden {
		t.Errorf("outcome %s: %s; want %s", again.Outcome, again.Message, forbidden)
	}
}

// TestNoSecretComesBack holds that no password, cookie or token is in anything
// that the guest gives or asks for.
func TestNoSecretComesBack(t *testing.T) {
	t.Parallel()
	s := newSite(t, readMatrix(t), ann)
	result := s.visit("complete-facebook-session", only("0002DaAVKJ0V0095"), 0)
	all := fmt.Sprint(result)
	for _, secret := range []string{"a1-password", "JSESSIONID", "Csrf", "CSRF", "Authorization"} {
		if strings.Contains(all, secret) {
			t.Errorf("the result holds %q: %s", secret, all)
		}
	}
}
