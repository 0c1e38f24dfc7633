package main

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wendflow/wend/emulator"
	"github.com/wendflow/wend/emulator/emulatortest"
	gws "github.com/wendflow/wend/plugins/genesys-gws/emulator"
	"github.com/wendflow/wend/plugins/plugintest"
	"github.com/wendflow/wend/sdk/sdktest"
)

// row is a visit of testdata/matrix.yaml. Its state is that of the session.
type row struct {
	plugintest.Row `yaml:",inline"`

	Control []string // requests to the emulator's control surface, in advance
	Repeat  int      // how often the visit is made; the last one counts
	After   struct {
		Queue    string
		Statuses *string
	}
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

// newSite starts an emulator with the settings, faults and requests of a row,
// and connects to it as the row says.
func newSite(t *testing.T, m plugintest.Matrix[row], r row) *site {
	t.Helper()
	vendor, err := gws.New(emulatortest.Config(t, r.Emulator, r.Faults))
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, vendor: vendor}
	s.Link = tested.Connect(t, vendor, m.Connections[r.Connection].With(r.Settings))
	for _, path := range r.Control {
		s.control("POST", path, nil)
	}
	return s
}

func (s *site) visit(method string, inputs map[string]any, timeout time.Duration) sdktest.Result {
	s.t.Helper()
	return s.Visit(s.t, method, inputs, timeout)
}

func (s *site) control(method, path string, into any) {
	s.t.Helper()
	emulatortest.Control(s.t, s.vendor, method, path, "", into)
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
	for _, r := range m.Rows {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, m, r)
			var result sdktest.Result
			for range max(r.Repeat, 1) {
				result = s.visit(r.Method, r.Inputs, r.Timeout)
			}
			r.Check(t, result)
			if r.After.Statuses != nil && s.statuses() != *r.After.Statuses {
				t.Errorf("the emulator answered %s, want %s", s.statuses(), *r.After.Statuses)
			}
			if r.Want.State == "" {
				return
			}
			if fs := s.session(fmt.Sprint(r.Inputs["sessionId"])); fs.State != r.Want.State || fs.Queue != r.After.Queue {
				t.Errorf("the session is %+v, want it %s, its queue %q", fs, r.Want.State, r.After.Queue)
			}
		})
	}
}

func TestMatrixHasEveryOutcome(t *testing.T) {
	t.Parallel()
	var rows []plugintest.Row
	for _, r := range readMatrix(t).Rows {
		rows = append(rows, r.Row)
	}
	tested.Covered(t, rows)
}

var ann = row{Row: plugintest.Row{Connection: "a1"}}

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
