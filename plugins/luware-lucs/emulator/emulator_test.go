package emulator_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/emulator"
	lucs "github.com/wendflow/wend/plugins/luware-lucs/emulator"
)

const (
	customerCare = "7830678b-03b1-4e71-af33-a3987142519f"
	nobodys      = "b5a5dd29-95b5-4b1c-8a0f-0c6a6a4a2f10"
	waitingTask  = "488e2892-16c2-48a2-9040-f7f96157ad77" // in the queue, nobody is looked for
	refreshable  = "6a1d4c0e-52f3-4d0c-9d6b-3f1f6f6f0a01" // assigned to Dana Doyle
	assignedTask = "6a1d4c0e-52f3-4d0c-9d6b-3f1f6f6f0a02" // assigned to Emil Ernst
	handled      = "6a1d4c0e-52f3-4d0c-9d6b-3f1f6f6f0a03" // established by Fay Frost
)

type site struct {
	t   *testing.T
	v   *emulator.Vendor
	key string
}

func newSite(t *testing.T, settings string) *site {
	t.Helper()
	cfg := emulator.Config{Seed: 1}
	if settings != "" {
		cfg.Settings = json.RawMessage(settings)
	}
	return open(t, cfg)
}

func open(t *testing.T, cfg emulator.Config) *site {
	t.Helper()
	v, err := lucs.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return &site{t: t, v: v, key: "lucs-admin"}
}

type reply struct {
	status int
	body   string
	basis  string
}

func (s *site) do(method, path, body string) reply {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, path, strings.NewReader(body))
	if s.key != "" {
		r.Header.Set("X-Api-Key", s.key)
	}
	return s.exchange(r)
}

func (s *site) exchange(r *http.Request) reply {
	w := httptest.NewRecorder()
	s.v.ServeHTTP(w, r)
	return reply{w.Code, strings.TrimSuffix(w.Body.String(), "\n"), w.Header().Get("X-Emulator-Basis")}
}

func (s *site) must(status int, method, path, body string) reply {
	s.t.Helper()
	got := s.do(method, path, body)
	if got.status != status {
		s.t.Fatalf("%s %s is answered %d %s, want %d", method, path, got.status, got.body, status)
	}
	return got
}

func (s *site) advance(d time.Duration) {
	s.t.Helper()
	s.must(200, "POST", "/_emulator/clock", fmt.Sprintf(`{"advance":%q}`, d))
}

func (s *site) presence(account, presence string) {
	s.t.Helper()
	s.must(200, "POST", "/v1.0/users/sip:"+account+"@dev.local/setpresence", fmt.Sprintf(`{"Presence":%q}`, presence))
}

// create makes a task for any agent who can do all, changed by some fields.
func (s *site) create(fields string) (id string) {
	s.t.Helper()
	body := `{"Service":"` + customerCare + `","DistributeToAgent":true`
	if !strings.Contains(fields, `"Required"`) {
		body += `,"Required":{"Im":true,"Audio":true}`
	}
	if fields != "" {
		body += "," + fields
	}
	body += "}"
	if err := json.Unmarshal([]byte(s.must(200, "POST", "/v1.0/tasks", body).body), &id); err != nil {
		s.t.Fatal(err)
	}
	return id
}

// task and user are parts of the emulator's state.
type task struct {
	TaskID, State, Agent, RonaAt, EstablishedAt, EndedAt string
	Ronas                                                int
}

type user struct {
	SipURI, Presence, TaskID string
	Blocked, Selectable      bool
}

func (s *site) task(id string) task {
	s.t.Helper()
	var state struct{ Tasks []task }
	s.read("/_emulator/state", &state)
	for _, t := range state.Tasks {
		if t.TaskID == id {
			return t
		}
	}
	return task{}
}

func (s *site) user(account string) user {
	s.t.Helper()
	var state struct{ Users []user }
	s.read("/_emulator/state", &state)
	for _, u := range state.Users {
		if u.SipURI == "sip:"+account+"@dev.local" {
			return u
		}
	}
	s.t.Fatalf("no user %s", account)
	return user{}
}

func (s *site) read(path string, into any) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(s.must(200, "GET", path, "").body), into); err != nil {
		s.t.Fatal(err)
	}
}

// TestStateMachine goes through the transitions of a task, row by row.
func TestStateMachine(t *testing.T) {
	t.Parallel()
	free := func(s *site) string { return s.create("") } // in the queue, and somebody is looked for
	fixed := func(id string) func(*site) string { return func(*site) string { return id } }
	ended := func(s *site) string { s.must(200, "POST", "/v1.0/tasks/"+handled+"/terminate", ""); return handled }
	tests := []struct {
		name     string
		settings string
		from     func(*site) string // makes the task, and returns its id
		event    string             // of the API, or a time that passes
		status   int
		state    string
		basis    string
		message  string
		presence string // of Emil Ernst, to whom the assigned task was given
	}{
		{name: "create, DistributeToAgent true", from: free, state: "InQueue"},
		{name: "create, DistributeToAgent false: never assigned", from: fixed(waitingTask), event: "24h", state: "InQueue"},
		{name: "InQueue, an agent is selected", from: free, event: "1s", state: "Assigned"},
		{name: "InQueue, none is selectable", settings: `{"noSelectableAgents":true}`, from: free, event: "24h", state: "InQueue"},
		{name: "InQueue, only preferred agents and none of them free", event: "24h", state: "InQueue", from: func(s *site) string {
			return s.create(`"PreferredAgents":["sip:smoky.dd@dev.local"],"ConsiderPreferredAgentsOnly":true`)
		}},
		{name: "Assigned, before the RONA timeout", from: fixed(assignedTask), event: "59m59s", state: "Assigned", presence: "Online"},
		{name: "Assigned, RONA timeout", settings: `{"noSelectableAgents":true}`, from: fixed(assignedTask), event: "1h", state: "InQueue", presence: "RONA"},

		{name: "Assigned, refresh", from: fixed(assignedTask), event: "refresh", status: 200, basis: "seed", state: "InQueue", presence: "Online"},
		{name: "Assigned, refresh with RONA", from: fixed(assignedTask), event: "refresh?SetAgentOnRona=true", status: 200, basis: "seed", state: "InQueue", presence: "RONA"},
		{name: "Assigned, refresh without RONA", from: fixed(assignedTask), event: "refresh?setagentonrona=false", status: 200, basis: "seed", state: "InQueue", presence: "Online"},
		{name: "InQueue, refresh", from: fixed(waitingTask), event: "refresh", status: 200, basis: "decision", state: "InQueue"},
		{
			name: "Established, refresh", from: fixed(handled), event: "refresh", status: 500, basis: "decision", state: "Established",
			message: "The task is established and cannot be refreshed.",
		},
		{
			name: "Terminated, refresh", from: ended, event: "refresh", status: 500, basis: "decision", state: "Terminated",
			message: "The task is terminated and cannot be refreshed.",
		},

		{name: "Assigned, setestablished", from: fixed(assignedTask), event: "setestablished", status: 200, basis: "seed", state: "Established"},
		{name: "InQueue with DistributeToAgent false, setestablished", from: fixed(waitingTask), event: "setestablished", status: 200, basis: "decision", state: "Established"},
		{
			name: "InQueue with DistributeToAgent true, setestablished", from: free, event: "setestablished", status: 500, basis: "decision", state: "InQueue",
			message: "The task is not assigned to an agent.",
		},
		{
			name: "Established, setestablished", from: fixed(handled), event: "setestablished", status: 500, basis: "decision", state: "Established",
			message: "The task is established and cannot be set established again.",
		},
		{
			name: "Terminated, setestablished", from: ended, event: "setestablished", status: 500, basis: "decision", state: "Terminated",
			message: "The task is terminated and cannot be set established again.",
		},
		{name: "Established, RONA timeout is over", from: fixed(handled), event: "24h", state: "Established"},

		{name: "Established, terminate", from: fixed(handled), event: "terminate", status: 200, basis: "seed", state: "Terminated"},
		{name: "InQueue, terminate", from: fixed(waitingTask), event: "terminate", status: 200, basis: "decision", state: "Terminated"},
		{name: "Assigned, terminate", from: fixed(assignedTask), event: "terminate", status: 200, basis: "decision", state: "Terminated"},
		{
			name: "InQueue, terminate, strict", settings: `{"strictTerminate":true}`, from: fixed(waitingTask), event: "terminate", status: 500, basis: "decision", state: "InQueue",
			message: "The task is not established and cannot be terminated.",
		},
		{
			name: "Assigned, terminate, strict", settings: `{"strictTerminate":true}`, from: fixed(assignedTask), event: "terminate", status: 500, basis: "decision", state: "Assigned",
			message: "The task is not established and cannot be terminated.",
		},
		{
			name: "Terminated, terminate", from: ended, event: "terminate", status: 404, basis: "decision", state: "Terminated",
			message: "The task '" + handled + "' was not found.",
		},
		{
			name: "unknown, terminate", from: fixed(customerCare), event: "terminate", status: 404, basis: "decision",
			message: "The task '" + customerCare + "' was not found.",
		},
		{name: "unknown, refresh", from: fixed(customerCare), event: "refresh", status: 404, basis: "decision", message: "The task '" + customerCare + "' was not found."},
		{name: "unknown, setestablished", from: fixed(customerCare), event: "setestablished", status: 404, basis: "decision", message: "The task '" + customerCare + "' was not found."},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, test.settings)
			id := test.from(s)
			if d, err := time.ParseDuration(test.event); err == nil {
				s.advance(d)
			} else if test.event != "" {
				got := s.do("POST", "/v1.0/tasks/"+id+"/"+test.event, "")
				if got.status != test.status || got.basis != test.basis {
					t.Errorf("answered %d on the basis of %s, want %d, %s", got.status, got.basis, test.status, test.basis)
				}
				if want := fmt.Sprintf(`{"Message":%q}`, test.message); test.message != "" && got.body != want {
					t.Errorf("answered %s, want %s", got.body, want)
				}
			}
			if got := s.task(id).State; got != test.state {
				t.Errorf("the task is %q, want %q", got, test.state)
			}
			if got := s.user("smoky.ee").Presence; test.presence != "" && got != test.presence {
				t.Errorf("the agent is %s, want %s", got, test.presence)
			}
		})
	}
}

// TestRonaMayNotBeSetRemotely: Fay Frost runs no Agent Assistant.
func TestRonaMayNotBeSetRemotely(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	id := s.create(`"PreferredAgents":["sip:smoky.ff@dev.local"],"ConsiderPreferredAgentsOnly":true,"DistributeToAgentRONATimeoutInSeconds":5`)
	s.must(200, "POST", "/v1.0/tasks/"+handled+"/terminate", "")
	s.advance(time.Second)
	got := s.must(500, "POST", "/v1.0/tasks/"+id+"/refresh?SetAgentOnRona=true", "")
	if want := `{"Message":"The task is assigned and the RONA status may not be set remotely."}`; got.body != want || s.task(id).State != "Assigned" {
		t.Errorf("answered %s, want %s; the task is %+v", got.body, want, s.task(id))
	}
	s.advance(5 * time.Second)
	// The time is over, yet the presence cannot be set: the only agent is asked again.
	if task := s.task(id); task.State != "InQueue" || task.Ronas != 1 || s.user("smoky.ff").Presence != "Online" {
		t.Errorf("after the timeout the task is %+v, and the agent %+v", task, s.user("smoky.ff"))
	}
	s.advance(time.Second)
	if task := s.task(id); task.State != "Assigned" || task.Agent != "sip:smoky.ff@dev.local" {
		t.Errorf("a second later the task is %+v, want it assigned to the same agent", task)
	}
}

// TestNobodyAnswers lets a task go from agent to agent.
func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	s := newSite(t, `{"ronaSeconds":120}`)
	id := s.create(`"DistributeToAgentRONATimeoutInSeconds":50`)
	tests := []struct {
		pass  time.Duration
		agent string
		state string
		ronas int
	}{
		{time.Second, "sip:smoky.aa@dev.local", "Assigned", 0},
		{49 * time.Second, "sip:smoky.aa@dev.local", "Assigned", 0},
		{time.Second, "", "InQueue", 1},
		{time.Second, "sip:smoky.bb@dev.local", "Assigned", 1},
		{50 * time.Second, "", "InQueue", 2}, // Clara Cole cannot talk
		{68 * time.Second, "", "InQueue", 2},
		{2 * time.Second, "sip:smoky.aa@dev.local", "Assigned", 2}, // back after two minutes
	}
	for i, test := range tests {
		s.advance(test.pass)
		if got := s.task(id); got.Agent != test.agent || got.State != test.state || got.Ronas != test.ronas {
			t.Fatalf("step %d: the task is %+v, want %+v", i, got, test)
		}
	}
	s.advance(24 * time.Hour)
	if got := s.task(id).Ronas; got < 500 {
		t.Errorf("a day later it rang out %d times, want it to go on", got)
	}
}

func TestSelection(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, fields string
		before       func(*site)
		agent        string
	}{
		{name: "the most responsible", agent: "smoky.aa"},
		{name: "the first preferred", fields: `"PreferredAgents":["sip:smoky.cc@dev.local","\tsip:SMOKY.bb@dev.local"]`, agent: "smoky.bb"},
		{name: "a preferred agent before the more responsible", fields: `"PreferredAgents":["sip:smoky.bb@dev.local"],"ConsiderPreferredAgentsOnly":true`, agent: "smoky.bb"},
		{name: "another where no preferred one can be selected", fields: `"PreferredAgents":["sip:smoky.dd@dev.local","sip:who@dev.local"]`, agent: "smoky.aa"},
		{name: "not one who is away", before: func(s *site) { s.presence("smoky.aa", "Away") }, agent: "smoky.bb"},
		{name: "not one who is blocked", before: func(s *site) { s.must(200, "POST", "/v1.0/users/275cb3e3-4d73-4012-9033-c58daa50ad4e/block", "") }, agent: "smoky.bb"},
		{name: "not one who has a task", before: func(s *site) { s.create(""); s.advance(time.Second) }, agent: "smoky.bb"},
		{name: "one who can do what is required", fields: `"Required":{"ConversationContext":true}`, agent: "smoky.cc", before: func(s *site) {
			s.presence("smoky.aa", "Busy")
			s.presence("smoky.bb", "DoNotDisturb")
		}},
		{name: "nobody who cannot", agent: "", before: func(s *site) {
			s.presence("smoky.aa", "Busy")
			s.presence("smoky.bb", "Offline")
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "")
			if test.before != nil {
				test.before(s)
			}
			id := s.create(test.fields)
			s.advance(time.Second)
			want := test.agent
			if want != "" {
				want = "sip:" + want + "@dev.local"
			}
			if got := s.task(id); got.Agent != want {
				t.Errorf("the task is %+v, want it with %q", got, want)
			}
		})
	}
}

// TestBlocking: blocking changes no presence, a task stays pending while nobody
// can be selected, and is distributed at once when somebody can.
func TestBlocking(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.presence("smoky.bb", "Away")
	if got := s.must(200, "POST", "/v1.0/users/sip:smoky.aa@dev.local/block", ""); got.basis != "public" {
		t.Errorf("blocking rests on %s, want public", got.basis)
	}
	if u := s.user("smoky.aa"); u.Presence != "Online" || !u.Blocked || u.Selectable {
		t.Errorf("the blocked user is %+v", u)
	}
	id := s.create("")
	s.advance(time.Hour)
	if got := s.task(id).State; got != "InQueue" {
		t.Errorf("with nobody to select the task is %s", got)
	}
	s.must(200, "POST", "/v1.0/users/sip:smoky.aa@dev.local/unblock", "")
	if got := s.task(id); got.State != "Assigned" || got.Agent != "sip:smoky.aa@dev.local" {
		t.Errorf("after unblocking the task is %+v", got)
	}
	s.must(404, "POST", "/v1.0/users/sip:who@dev.local/block", "")
	s.must(404, "POST", "/v1.0/users/sip:who@dev.local/setpresence", `{"Presence":"Away"}`)
	s.must(400, "POST", "/v1.0/users/sip:smoky.aa@dev.local/setpresence", `{"Presence":"Gone"}`)
	s.must(400, "POST", "/v1.0/users/sip:smoky.aa@dev.local/setpresence", `[`)
}

// TestRefreshGoesToAnother: who did not answer is asked again only if there is
// nobody else.
func TestRefreshGoesToAnother(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	id := s.create("")
	for _, want := range []string{"smoky.aa", "smoky.bb", "smoky.aa"} {
		s.advance(time.Second)
		if got := s.task(id).Agent; got != "sip:"+want+"@dev.local" {
			t.Errorf("the task is with %s, want %s", got, want)
		}
		s.must(200, "POST", "/v1.0/tasks/"+id+"/refresh", "")
	}
}

// TestAgentAccepts: in Agent Assistant, not over the API, which can then not
// establish the task again.
func TestAgentAccepts(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.must(200, "POST", "/_emulator/tasks/"+assignedTask+"/accept", "")
	if got := s.task(assignedTask); got.State != "Established" || got.EstablishedAt == "" {
		t.Errorf("the accepted task is %+v", got)
	}
	s.must(500, "POST", "/v1.0/tasks/"+assignedTask+"/setestablished", "")
	s.must(409, "POST", "/_emulator/tasks/"+waitingTask+"/accept", "")
	s.must(404, "POST", "/_emulator/tasks/who/accept", "")
}

// TestVendorsSamples sends what the vendor's page sends, at the times at which
// it did, and holds the answers against the page.
func TestVendorsSamples(t *testing.T) {
	t.Parallel()
	now := time.Date(2019, 6, 27, 11, 58, 35, 499691100, time.UTC)
	ids := []string{"488e2892-16c2-48a2-9040-f7f96157ad77", "0406e2d8-92ec-4017-b3d6-caf2848c68c5"}
	s := open(t, emulator.Config{
		Settings: json.RawMessage(`{"seedQuirks":true}`),
		Now:      func() time.Time { return now },
		NewID:    func() string { id := ids[0]; ids = ids[1:]; return id },
	})
	s.must(200, "POST", "/v1.0/tasks/"+waitingTask+"/terminate", "") // the emulator's own
	s.must(200, "PATCH", "/_emulator/settings", `{"forgetSeconds":0}`)
	s.must(404, "GET", "/v1.0/tasks/"+waitingTask, "")
	s.must(200, "PATCH", "/_emulator/settings", `{"noSelectableAgents":true,"forgetSeconds":60}`)

	if got := s.must(200, "POST", "/v1.0/tasks", sample(t, "create")); got.body != `"`+waitingTask+`"` || got.basis != "seed" {
		t.Errorf("the create is answered %+v", got)
	}
	now = time.Date(2019, 6, 27, 12, 11, 0, 0, time.UTC)
	got := s.must(200, "GET", "/v1.0/tasks/"+waitingTask, "")
	compare(t, "in-queue", got)
	compare(t, "in-queue", reply{body: onlyTask(t, s.must(200, "GET", "/v1.0/services/"+customerCare+"/tasks", "").body), basis: "seed"})

	s.must(200, "PATCH", "/_emulator/settings", `{"noSelectableAgents":false}`)
	if got := s.must(200, "GET", "/v1.0/tasks/"+waitingTask, ""); got.basis != "decision" || !strings.Contains(got.body, `"State":"Assigned"`) {
		t.Errorf("the assigned task rests on %s: %s", got.basis, got.body)
	}
	s.must(200, "POST", "/v1.0/tasks/"+waitingTask+"/setestablished", "")
	now = time.Date(2019, 6, 27, 12, 22, 0, 0, time.UTC)
	compare(t, "terminated", s.must(200, "POST", "/v1.0/tasks/"+waitingTask+"/terminate", ""))
}

func sample(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// compare holds a reply against a sample to the letter, white space aside.
func compare(t *testing.T, name string, got reply) {
	t.Helper()
	var want, indented bytes.Buffer
	if err := json.Compact(&want, []byte(sample(t, name))); err != nil {
		t.Fatal(err)
	}
	if err := json.Compact(&indented, []byte(got.body)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.String(), indented.String()); diff != "" || got.basis != "seed" {
		t.Errorf("on the basis of %s, %s.json (-page +emulator):\n%s", got.basis, name, diff)
	}
}

// onlyTask is a list with the only task that the vendor's page has.
func onlyTask(t *testing.T, list string) string {
	t.Helper()
	var entries []json.RawMessage
	if err := json.Unmarshal([]byte(list), &entries); err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if bytes.Contains(entry, []byte(waitingTask)) {
			return "[" + string(entry) + "]"
		}
	}
	t.Fatalf("no task %s in %s", waitingTask, list)
	return ""
}

func TestConnectedUnlessQuirky(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]string{
		"":                    `"Connected":"01.01.2026 00:00:00.0000000Z"`,
		`{"seedQuirks":true}`: `"Connected":null`,
	} {
		s := newSite(t, settings)
		if got := s.must(200, "GET", "/v1.0/tasks/"+handled, ""); !strings.Contains(got.body, want) {
			t.Errorf("with settings %s the task is %s, want %s", settings, got.body, want)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, key, method, path string
		status                  int
	}{
		{"no key", "", "GET", "/v1.0/services", 401},
		{"wrong key", "guess", "GET", "/v1.0/services", 401},
		{"reader reads", "lucs-reader", "GET", "/v1.0/tasks/" + waitingTask, 200},
		{"reader lists", "lucs-reader", "GET", "/v1.0/services/" + customerCare + "/users", 200},
		{"reader creates", "lucs-reader", "POST", "/v1.0/tasks", 401},
		{"reader refreshes", "lucs-reader", "POST", "/v1.0/tasks/" + assignedTask + "/refresh", 401},
		{"reader establishes", "lucs-reader", "POST", "/v1.0/tasks/" + assignedTask + "/setestablished", 401},
		{"reader terminates", "lucs-reader", "POST", "/v1.0/tasks/" + assignedTask + "/terminate", 401},
		{"reader blocks", "lucs-reader", "POST", "/v1.0/users/sip:smoky.aa@dev.local/block", 401},
		{"no key, no route", "", "GET", "/v2.0/services", 401},
	}
	for _, test := range tests {
		s := newSite(t, "")
		s.key = test.key
		if got := s.do(test.method, test.path, ""); got.status != test.status {
			t.Errorf("%s: answered %d %s, want %d", test.name, got.status, got.body, test.status)
		}
		if s.task(assignedTask).State != "Assigned" {
			t.Errorf("%s: the task was changed", test.name)
		}
	}
	s := newSite(t, `{"keys":{"other":["TasksManage"]}}`)
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/v1.0/tasks/"+handled+"/terminate", http.NoBody)
	r.SetBasicAuth("wend", "other")
	if got := s.exchange(r); got.status != 200 {
		t.Errorf("a key by HTTP Basic is answered %d %s", got.status, got.body)
	}
	if journal := s.must(200, "GET", "/_emulator/journal", "").body; strings.Contains(journal, "d2VuZDpvdGhlcg") {
		t.Errorf("the journal holds the credential: %s", journal)
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		status     int
		message    string
	}{
		{"no body", ``, 400, "The request is invalid: unexpected end of JSON input"},
		{"no object", `[]`, 400, "The request is invalid: json: cannot unmarshal array into Go value of type emulator.newTask"},
		{"no service", `{"Required":{},"DistributeToAgent":true}`, 400, "The Service field is required."},
		{"no capabilities", `{"Service":"` + customerCare + `","DistributeToAgent":true}`, 400, "The Required field is required."},
		{"no word on distribution", `{"Service":"` + customerCare + `","Required":{}}`, 400, "The DistributeToAgent field is required."},
		{
			"a timeout of nothing", `{"Service":"` + customerCare + `","Required":{},"DistributeToAgent":true,"DistributeToAgentRONATimeoutInSeconds":0}`, 400,
			"The DistributeToAgentRONATimeoutInSeconds field must be positive.",
		},
		{"an unknown service", `{"Service":"` + waitingTask + `","Required":{},"DistributeToAgent":true}`, 404, "The service '" + waitingTask + "' was not found."},
	}
	for _, test := range tests {
		got := newSite(t, "").do("POST", "/v1.0/tasks", test.body)
		if want := fmt.Sprintf(`{"Message":%q}`, test.message); got.status != test.status || got.body != want {
			t.Errorf("%s: answered %d %s, want %d %s", test.name, got.status, got.body, test.status, want)
		}
	}
}

// TestExternalIDIsNoKey: two creates make two tasks.
func TestExternalIDIsNoKey(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	first, second := s.create(`"ExternalTaskId":"twice"`), s.create(`"ExternalTaskId":"twice"`)
	if first == second || s.task(first).State != "InQueue" || s.task(second).State != "InQueue" {
		t.Errorf("the tasks are %s and %s", first, second)
	}
}

func TestRonaTimeoutOfATask(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	given, left := s.create(`"DistributeToAgentRONATimeoutInSeconds":7`), s.create("")
	s.advance(2 * time.Second)
	for id, want := range map[string]string{given: "2026-01-01T00:00:08.010Z", left: "2026-01-01T00:00:51.020Z"} {
		if got := s.task(id); got.RonaAt != want {
			t.Errorf("the task is %+v, want it to ring out at %s", got, want)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, settings, method, path string
		status                       int
		body                         string
	}{
		{"a task as an object", `{"single":true}`, "GET", "/v1.0/tasks/" + waitingTask, 200, `{"Id":"488e`},
		{"a task as a list", ``, "GET", "/v1.0/tasks/" + waitingTask, 200, `[{"Id":"488e`},
		{"no task as an empty list", `{"missingAsEmpty":true}`, "GET", "/v1.0/tasks/who", 200, `[]`},
		{"no task as 404", ``, "GET", "/v1.0/tasks/who", 404, `{"Message":"The task 'who' was not found."}`},
		{"conflict as 409", `{"conflict":409}`, "POST", "/v1.0/tasks/" + handled + "/refresh", 409, `{"Message":"The task is established`},
	}
	for _, test := range tests {
		got := newSite(t, test.settings).do(test.method, test.path, "")
		if got.status != test.status || !strings.HasPrefix(got.body, test.body) {
			t.Errorf("%s: answered %d %s, want %d %s", test.name, got.status, got.body, test.status, test.body)
		}
	}
	s := newSite(t, `{"newId":"text"}`)
	body := `{"Service":"` + customerCare + `","Required":{"Im":true},"DistributeToAgent":false}`
	if got := s.must(200, "POST", "/v1.0/tasks", body); len(got.body) != 36 || s.task(got.body).State != "InQueue" || got.basis != "seed" {
		t.Errorf("the id as text is %+v", got)
	}
}

func TestSettingsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]string{
		`{"distributeAfterMs":-1}`: "settings: distributeAfterMs -1: expected 0 or more",
		`{"ronaSeconds":-1}`:       "settings: ronaSeconds -1: expected 0 or more",
		`{"forgetSeconds":-1}`:     "settings: forgetSeconds -1: expected 0 or more",
		`{"newId":"xml"}`:          `settings: newId "xml": expected json or text`,
		`{"conflict":400}`:         "settings: conflict 400: expected 500 or 409",
		`{"keys":{"k":["All"]}}`:   `settings: role "All": expected TasksManage or UsersManage`,
		`{"paths":{}}`:             `settings: json: unknown field "paths"`,
	} {
		if _, err := lucs.New(emulator.Config{Settings: json.RawMessage(settings)}); err == nil || err.Error() != want {
			t.Errorf("New with %s fails with %v, want %s", settings, err, want)
		}
	}
}

func TestForgets(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.must(200, "POST", "/v1.0/tasks/"+handled+"/terminate", "")
	s.advance(59 * time.Minute)
	s.must(200, "GET", "/v1.0/tasks/"+handled, "")
	s.advance(time.Minute)
	s.must(404, "GET", "/v1.0/tasks/"+handled, "")
}

// TestCrashes tells the two kinds of a crash, both of which look alike.
func TestCrashes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ fault, event, state string }{
		{"500", "setestablished", "Assigned"},
		{"crash_after", "setestablished", "Established"},
		{"crash_after", "terminate", "Terminated"},
	} {
		s := newSite(t, "")
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/v1.0/tasks/"+assignedTask+"/"+test.event, http.NoBody)
		r.Header.Set("X-Api-Key", "lucs-admin")
		r.Header.Set("X-Emulator-Fault", test.fault)
		if got := s.exchange(r); got.status != 500 || got.body != `{"Message":"An error has occurred."}` {
			t.Errorf("%s is answered %d %s", test.fault, got.status, got.body)
		}
		if got := s.task(assignedTask).State; got != test.state {
			t.Errorf("after %s the task is %s, want %s", test.fault, got, test.state)
		}
	}
}

func TestFaultsAreOfTheVendorsForm(t *testing.T) {
	t.Parallel()
	for fault, want := range map[string]string{
		"expired_token": `{"Message":"Authorization has been denied for this request."}`,
		"503":           `{"Message":"Service Unavailable"}`,
	} {
		s := newSite(t, "")
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/v1.0/services", http.NoBody)
		r.Header.Set("X-Emulator-Fault", fault)
		if got := s.exchange(r); got.body != want || got.basis != "decision" {
			t.Errorf("%s is answered %+v, want %s", fault, got, want)
		}
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method, path string
		status       int
	}{
		{"GET", "/V1.0/Tasks/" + strings.ToUpper(waitingTask), 200},
		{"GET", "/v1.0/services/" + strings.ToUpper(customerCare) + "/tasks", 200},
		{"GET", "/v1.0/tasks", 405},
		{"DELETE", "/v1.0/tasks/" + waitingTask, 405},
		{"GET", "/v1.0/tasks/" + waitingTask + "/terminate", 405},
		{"GET", "/v1.0/tasks/", 404},
		{"POST", "/v1.0/tasks//terminate", 404},
		{"GET", "/v1.0", 404},
		{"GET", "/v2.0/services", 404},
		{"GET", "/v1.0/services/" + waitingTask + "/tasks", 404},
		{"GET", "/v1.0/services/" + waitingTask + "/users", 404},
	}
	for _, test := range tests {
		if got := newSite(t, "").do(test.method, test.path, ""); got.status != test.status {
			t.Errorf("%s %s is answered %d %s, want %d", test.method, test.path, got.status, got.body, test.status)
		}
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	want := `[{"Id":"7830678b-03b1-4e71-af33-a3987142519f","DisplayName":"Business Customer Care","SipUri":"sip:smoky.businesss@dev.local","TelNumber":"+41000000000","Culture":"en-GB"},` +
		`{"Id":"b5a5dd29-95b5-4b1c-8a0f-0c6a6a4a2f10","DisplayName":"Night Desk","SipUri":"sip:smoky.night@dev.local","TelNumber":"+41000000001","Culture":"de-CH"}]`
	if got := s.must(200, "GET", "/v1.0/services", "").body; got != want {
		t.Errorf("the services are %s", got)
	}
	for path, want := range map[string]int{"users": 6, "tasks": 4} {
		var entries []map[string]any
		s.read("/v1.0/services/"+customerCare+"/"+path, &entries)
		if len(entries) != want {
			t.Errorf("there are %d %s, want %d", len(entries), path, want)
		}
		if got := s.must(200, "GET", "/v1.0/services/"+nobodys+"/"+path, "").body; got != "[]" {
			t.Errorf("%s of a service without any are %s", path, got)
		}
	}
	var users []struct {
		Presence                           string
		IsSelectable, IsBlockedByLuwareAPI bool
	}
	s.must(200, "POST", "/v1.0/users/sip:smoky.aa@dev.local/block", "")
	s.read("/v1.0/services/"+customerCare+"/users", &users)
	if first, fourth := users[0], users[3]; first.IsSelectable || !first.IsBlockedByLuwareAPI || first.Presence != "Online" || fourth.IsSelectable || fourth.IsBlockedByLuwareAPI {
		t.Errorf("the users are %+v", users)
	}
}

// TestSameEachTime: with a seed everything is the same after each start and
// reset.
func TestSameEachTime(t *testing.T) {
	t.Parallel()
	play := func(s *site) string {
		id := s.create(`"ExternalTaskId":"x"`)
		s.advance(time.Minute)
		return s.must(200, "GET", "/v1.0/tasks/"+id, "").body + s.must(200, "GET", "/_emulator/state", "").body
	}
	s := newSite(t, "")
	first := play(s)
	s.must(204, "POST", "/_emulator/reset", "")
	if diff := cmp.Diff(first, play(s)); diff != "" {
		t.Errorf("after a reset (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(first, play(newSite(t, ""))); diff != "" {
		t.Errorf("after another start (-first +second):\n%s", diff)
	}
}
