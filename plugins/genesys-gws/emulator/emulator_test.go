package emulator_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/emulator"
	gws "github.com/wendflow/wend/plugins/genesys-gws/emulator"
)

const (
	chatting  = "0002DaAVKJ0V0095"
	invited   = "0071023821aec011"
	left      = "0002DaAVKJ0V00A0"
	completed = "0002DaAVKJ0V00A1"
	bens      = "0002DaAVKJ0V00B2"

	benID   = "10f8abb20c154fb28c82c68102625233"
	queueID = "41cc5016-2d18-4a91-93ec-b43748948608"
)

var start = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// site is an emulator whose clock only moves when it is put ahead.
type site struct {
	*emulator.Vendor

	t *testing.T
}

func newSite(t *testing.T, settings string) site {
	t.Helper()
	id := 0
	v, err := gws.New(emulator.Config{
		Now:      func() time.Time { return start },
		NewID:    func() string { id++; return fmt.Sprintf("00000000-0000-4000-8000-%012d", id) },
		Settings: json.RawMessage(settings),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return site{v, t}
}

type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) basis() string { return r.header.Get("X-Emulator-Basis") }

// call makes a request. Headers are given as name, value, name, value.
func (s site) call(method, target, body string, headers ...string) reply {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if !strings.HasPrefix(target, "/_emulator") && w.Header().Get("X-Emulator-Basis") == "" {
		s.t.Errorf("%s %s was answered without a basis", method, target)
	}
	return reply{w.Code, w.Header(), w.Body.String()}
}

// must makes a request that must be answered with that status.
func (s site) must(status int, method, target, body string, headers ...string) reply {
	s.t.Helper()
	got := s.call(method, target, body, headers...)
	if got.status != status {
		s.t.Fatalf("%s %s = %d %s, want %d", method, target, got.status, got.body, status)
	}
	return got
}

func basic(user string) []string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, user+"-password")
	return []string{"Authorization", r.Header.Get("Authorization")}
}

// logIn returns the headers that calls of a user need, as a GET has given them.
func (s site) logIn(user string) []string {
	s.t.Helper()
	got := s.must(200, "GET", "/api/v2/me", "", basic(user)...)
	cookie, _, _ := strings.Cut(got.header.Get("Set-Cookie"), ";")
	return []string{"Cookie", cookie, got.header.Get("X-CSRF-HEADER"), got.header.Get("X-CSRF-TOKEN")}
}

func path(id string) string { return "/api/v2/me/facebooksession/" + id }

const complete = `{"operationName":"Complete"}`

type session struct {
	ID           string
	State        string
	Owner        string
	SessionEnded bool
	Queue        string
}

type state struct {
	FacebookSessions []session
	Logins           int
	CometD           []struct {
		User    string
		Topics  []string
		Waiting int
	}
	Notifications int
	Webhook       struct {
		Delivered, Failed int
		LastError         string
	}
}

func (s site) state() (st state) {
	s.t.Helper()
	s.decode("/_emulator/state", &st)
	return st
}

func (s site) session(id string) session {
	s.t.Helper()
	for _, fs := range s.state().FacebookSessions {
		if fs.ID == id {
			return fs
		}
	}
	s.t.Fatalf("no session %s", id)
	return session{}
}

func (s site) decode(target string, into any) {
	s.t.Helper()
	if err := json.Unmarshal([]byte(s.must(200, "GET", target, "").body), into); err != nil {
		s.t.Fatal(err)
	}
}

// notification is one of the plain list.
type notification struct {
	N       int
	User    string
	Session string
	Topic   string
	Mishap  string
	Data    json.RawMessage
	Text    string
}

func (n notification) says() (said struct {
	ReferenceID      int    `json:"referenceId"`
	NotificationType string `json:"notificationType"`
	MessageType      string `json:"messageType"`
	Session          struct {
		ID, State    string
		Capabilities []string
		Participants []struct{ Nickname, Type string }
	} `json:"facebooksession"`
},
) {
	_ = json.Unmarshal(n.Data, &said)
	return said
}

func (s site) notifications(query string) (list []notification) {
	s.t.Helper()
	s.decode("/_emulator/notifications"+query, &list)
	return list
}

func TestLogin(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	me := s.must(200, "GET", "/api/v2/me", "", basic("a1")...)
	if got, want := me.header.Get("Set-Cookie"), "JSESSIONID=00000000000040008000000000000001; Path=/; HttpOnly"; got != want {
		t.Errorf("the cookie is %q, want %q", got, want)
	}
	if name, token := me.header.Get("X-CSRF-HEADER"), me.header.Get("X-CSRF-TOKEN"); name != "X-CSRF-TOKEN" || token != "00000000-0000-4000-8000-000000000002" {
		t.Errorf("the token is %s: %s", name, token)
	}
	want := `{"statusCode":0,"user":{"firstName":"Ann","id":"5e101708f14442c7ab79814bb4f79e01","lastName":"One","uri":"http://example.com/api/v2/users/5e101708f14442c7ab79814bb4f79e01","userName":"a1"}}`
	if strings.TrimSpace(me.body) != want || me.basis() != "inference" {
		t.Errorf("me is %s by %s, want %s", me.body, me.basis(), want)
	}
	cookie := []string{"Cookie", "JSESSIONID=00000000000040008000000000000001"}
	again := s.must(200, "GET", "/api/v2/me", "", cookie...)
	if again.header.Get("Set-Cookie") != "" || again.header.Get("X-CSRF-TOKEN") != me.header.Get("X-CSRF-TOKEN") {
		t.Errorf("a second call gives another session: %v", again.header)
	}
}

// TestGuard holds who gets through to the API, in both modes.
func TestGuard(t *testing.T) {
	t.Parallel()
	const noToken = "Missing or invalid Csrf token\n"
	tests := []struct {
		name, settings string
		headers        func(s site, login []string) []string
		status         int
		body           string
	}{
		{"cookie and token", "", func(_ site, login []string) []string { return login }, 200, ""},
		{"cookie, token and password", "", func(_ site, login []string) []string { return append(login, basic("a1")...) }, 200, ""},
		{"nothing", "", func(site, []string) []string { return nil }, 401, `{"statusCode":20,"statusMessage":"not authenticated"}` + "\n"},
		{"nothing, flat", `{"httpMode":"flat"}`, func(site, []string) []string { return nil }, 200, `{"statusCode":20,"statusMessage":"not authenticated"}` + "\n"},
		{"a wrong password", "", func(_ site, login []string) []string { return append(login, "Authorization", "Basic YTE6eA==") }, 401, ""},
		{"an unknown user", "", func(site, []string) []string { return basic("a9") }, 401, ""},
		{"no token", "", func(_ site, login []string) []string { return login[:2] }, 403, noToken},
		{"no token, flat", `{"httpMode":"flat"}`, func(_ site, login []string) []string { return login[:2] }, 403, noToken},
		{"a wrong token", "", func(_ site, login []string) []string { return append(login[:2], "X-CSRF-TOKEN", "x") }, 403, noToken},
		{"no cookie", "", func(_ site, login []string) []string { return append(login[2:], basic("a1")...) }, 403, noToken},
		{"the token of the session that the call opens", "", func(site, []string) []string {
			return append([]string{"X-CSRF-TOKEN", "00000000-0000-4000-8000-000000000004"}, basic("a1")...) // the fourth id
		}, 403, noToken},
		{"another's cookie", "", func(s site, login []string) []string {
			return append(append([]string{}, s.logIn("a2")...), basic("a1")...)
		}, 403, noToken},
		{"a token that was replaced", "", func(s site, login []string) []string {
			s.must(204, "POST", "/_emulator/csrf/rotate", "")
			return login
		}, 403, noToken},
		{"a session that was ended, with the password", "", func(s site, login []string) []string {
			s.must(204, "POST", "/_emulator/logins/expire", "")
			return append(login, basic("a1")...)
		}, 403, noToken},
		{"a session that was ended", "", func(s site, login []string) []string {
			s.must(204, "POST", "/_emulator/logins/expire", "")
			return login
		}, 401, ""},
		{"a session that lay idle", "", func(s site, login []string) []string {
			s.must(200, "POST", "/_emulator/clock", `{"advance":"30m"}`)
			return login
		}, 401, ""},
		{"a session that lay idle almost as long", "", func(s site, login []string) []string {
			s.must(200, "POST", "/_emulator/clock", `{"advance":"29m59s"}`)
			return login
		}, 200, ""},
		{"a token in another header", `{"csrfHeader":"X-Anti-Forgery"}`, func(_ site, login []string) []string { return login }, 200, ""},
		{"a token in the wrong header", `{"csrfHeader":"X-Anti-Forgery"}`, func(_ site, login []string) []string { return append(login[:2], "X-CSRF-TOKEN", login[3]) }, 403, noToken},
		{"no token where none is wanted", `{"csrf":false}`, func(_ site, login []string) []string { return login[:2] }, 200, ""},
		{"only the password where no token is wanted", `{"csrf":false}`, func(site, []string) []string { return basic("a1") }, 200, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, test.settings)
			headers := test.headers(s, s.logIn("a1"))
			got := s.call("POST", path(chatting), complete, headers...)
			if got.status != test.status || test.body != "" && got.body != test.body {
				t.Errorf("%d %s, want %d %s", got.status, got.body, test.status, test.body)
			}
			if is := s.session(chatting).State; (is == "Completed") != (got.body == "{\"statusCode\":0}\n") {
				t.Errorf("%s was answered, and the session is %s", got.body, is)
			}
		})
	}
}

// TestOperations holds the table of operations and states, in both modes.
func TestOperations(t *testing.T) {
	t.Parallel()
	ann := func(id, state string, ended bool, queue string) session {
		return session{id, state, "a1", ended, queue}
	}
	tests := []struct {
		name, user, id, body string
		code                 int
		want                 session
	}{
		{"the vendor's sample", "a1", chatting, complete, 0, ann(chatting, "Completed", true, "")},
		{"the vendor's sample with a queue", "a1", chatting, `{"operationName":"Complete","queueName":"PostProcessingQueue"}`, 0, ann(chatting, "Completed", true, "PostProcessingQueue")},
		{"complete after leaving", "a1", left, complete, 0, ann(left, "Completed", true, "")},
		{"complete what is completed", "a1", completed, complete, 2, ann(completed, "Completed", true, "")},
		{"complete what is offered", "a1", invited, complete, 2, ann(invited, "Invited", false, "")},
		{"complete into an unknown queue", "a1", chatting, `{"operationName":"Complete","queueName":"q"}`, 6, ann(chatting, "Chatting", false, "")},
		{"complete into an empty queue", "a1", chatting, `{"operationName":"Complete","queueName":""}`, 10, ann(chatting, "Chatting", false, "")},
		{"accept", "a1", invited, `{"operationName":"Accept","nickname":"John Doe"}`, 0, ann(invited, "Chatting", false, "")},
		{"accept without a nickname", "a1", invited, `{"operationName":"Accept"}`, 1, ann(invited, "Invited", false, "")},
		{"accept what is accepted", "a1", chatting, `{"operationName":"Accept","nickname":"n"}`, 2, ann(chatting, "Chatting", false, "")},
		{"reject", "a1", invited, `{"operationName":"Reject"}`, 0, ann(invited, "Completed", false, "")},
		{"reject what is accepted", "a1", chatting, `{"operationName":"Reject"}`, 2, ann(chatting, "Chatting", false, "")},
		{"leave", "a1", chatting, `{"operationName":"Leave"}`, 0, ann(chatting, "Left", true, "")},
		{"leave twice", "a1", left, `{"operationName":"Leave"}`, 2, ann(left, "Left", true, "")},
		{"transfer to a user", "a1", chatting, `{"operationName":"Transfer","targetUri":"/users/` + benID + `"}`, 0, session{chatting, "Invited", "a2", false, ""}},
		{"transfer to a queue", "a1", chatting, `{"operationName":"Transfer","targetPath":"/queues/` + queueID + `"}`, 0, session{chatting, "Queued", "", false, "PostProcessingQueue"}},
		{"transfer to an address", "a1", chatting, `{"operationName":"Transfer","targetUri":"http://h/api/v2/users/` + benID + `"}`, 0, session{chatting, "Invited", "a2", false, ""}},
		{"transfer to nobody", "a1", chatting, `{"operationName":"Transfer"}`, 1, ann(chatting, "Chatting", false, "")},
		{"transfer to an unknown user", "a1", chatting, `{"operationName":"Transfer","targetPath":"/users/x"}`, 6, ann(chatting, "Chatting", false, "")},
		{"transfer to something else", "a1", chatting, `{"operationName":"Transfer","targetPath":"/skills/x"}`, 6, ann(chatting, "Chatting", false, "")},
		{"transfer to no path", "a1", chatting, `{"operationName":"Transfer","targetPath":"%zz"}`, 10, ann(chatting, "Chatting", false, "")},
		{"transfer to a word", "a1", chatting, `{"operationName":"Transfer","targetPath":"x"}`, 6, ann(chatting, "Chatting", false, "")},
		{"transfer after leaving", "a1", left, `{"operationName":"Transfer","targetPath":"/users/` + benID + `"}`, 2, ann(left, "Left", true, "")},
		{"no operation", "a1", chatting, `{}`, 1, ann(chatting, "Chatting", false, "")},
		{"an unknown operation", "a1", chatting, `{"operationName":"Close"}`, 2, ann(chatting, "Chatting", false, "")},
		{"no JSON", "a1", chatting, `operationName=Complete`, 10, ann(chatting, "Chatting", false, "")},
		{"a list", "a1", chatting, `[]`, 10, ann(chatting, "Chatting", false, "")},
		{"a number for a queue", "a1", chatting, `{"operationName":"Complete","queueName":5}`, 10, ann(chatting, "Chatting", false, "")},
		{"another agent's session", "a1", bens, complete, 3, session{bens, "Chatting", "a2", false, ""}},
		{"without the feature", "a3", "0002DaAVKJ0V00B3", complete, 5, session{"0002DaAVKJ0V00B3", "Chatting", "a3", false, ""}},
		{"without a contact center session", "a4", "0002DaAVKJ0V00B4", complete, 2, session{"0002DaAVKJ0V00B4", "Chatting", "a4", false, ""}},
		{"with an old password", "a5", "0002DaAVKJ0V00B5", complete, 8, session{"0002DaAVKJ0V00B5", "Chatting", "a5", false, ""}},
	}
	split := map[int]int{0: 200, 1: 400, 2: 400, 3: 403, 5: 403, 6: 404, 8: 403, 10: 400}
	for _, test := range tests {
		for _, mode := range []string{"split", "flat"} {
			t.Run(test.name+" "+mode, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, `{"httpMode":"`+mode+`"}`)
				got := s.call("POST", path(test.id), test.body, s.logIn(test.user)...)
				var said struct {
					StatusCode    *int
					StatusMessage string
				}
				if err := json.Unmarshal([]byte(got.body), &said); err != nil || said.StatusCode == nil {
					t.Fatalf("the body is %s", got.body)
				}
				status := 200
				if mode == "split" {
					status = split[test.code]
				}
				if *said.StatusCode != test.code || got.status != status || (said.StatusMessage == "") != (test.code == 0) {
					t.Errorf("%d %s, want %d with statusCode %d", got.status, got.body, status, test.code)
				}
				if wantBasis := map[bool]string{true: "public", false: "decision"}[test.code == 0]; got.basis() != wantBasis {
					t.Errorf("the basis is %s, want %s", got.basis(), wantBasis)
				}
				if diff := cmp.Diff(test.want, s.session(test.id)); diff != "" {
					t.Errorf("the session (-want +got):\n%s", diff)
				}
				if n := s.state().Notifications; (n == 0) != (test.code != 0) {
					t.Errorf("there are %d notifications", n)
				}
			})
		}
	}
}

func TestUnknownSession(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	login := s.logIn("a1")
	got := s.call("POST", path("0002DaAVKJ0V9999"), complete, login...)
	if want := `{"statusCode":6,"statusMessage":"no facebooksession \"0002DaAVKJ0V9999\""}` + "\n"; got.status != 404 || got.body != want {
		t.Errorf("%d %s, want 404 %s", got.status, got.body, want)
	}
}

func TestTransferSaysTheReference(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	got := s.must(200, "POST", path(chatting), `{"operationName":"Transfer","targetUri":"/users/`+benID+`"}`, s.logIn("a1")...)
	if want := `{"referenceId":23,"statusCode":0}` + "\n"; got.body != want {
		t.Errorf("%s, want %s", got.body, want)
	}
	list := s.notifications("")
	if len(list) != 2 || list[0].User != "a1" || list[1].User != "a2" {
		t.Fatalf("notifications are %+v, want one to a1 and one to a2", list)
	}
	if one, two := list[0].says(), list[1].says(); one.ReferenceID != 23 || one.Session.State != "Completed" || two.ReferenceID != 0 || two.Session.State != "Invited" {
		t.Errorf("notifications are %+v, %+v", one, two)
	}
}

// TestNotifications holds what is told of each operation.
func TestNotifications(t *testing.T) {
	t.Parallel()
	all := []string{"Transfer", "Complete", "Leave", "InFocus", "SendMessage", "SendStartTypingNotification", "SendStopTypingNotification"}
	tests := []struct {
		name, id, body string
		want           []string // reference, type, state, capabilities, participants
	}{
		{"complete", chatting, complete, []string{"23 StatusChange Completed [] VitaliyOnv"}},
		{"accept", invited, `{"operationName":"Accept","nickname":"John Doe"}`, []string{
			"23 StatusChange Chatting " + fmt.Sprint(all) + " VitaliyOnv",
			"0 ParticipantsUpdated Chatting " + fmt.Sprint(all) + " John Doe, VitaliyOnv",
		}},
		{"reject", invited, `{"operationName":"Reject"}`, []string{"23 StatusChange Completed [] VitaliyOnv"}},
		{"leave", chatting, `{"operationName":"Leave"}`, []string{"0 StatusChange Left [Complete] VitaliyOnv"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "")
			s.must(200, "POST", path(test.id), test.body, s.logIn("a1")...)
			var got []string
			for i, n := range s.notifications("?session=" + test.id) {
				said := n.says()
				var names []string
				for _, p := range said.Session.Participants {
					names = append(names, p.Nickname)
				}
				got = append(got, fmt.Sprintf("%d %s %s %v %s", said.ReferenceID, said.NotificationType, said.Session.State, said.Session.Capabilities, strings.Join(names, ", ")))
				if n.N != i+1 || n.User != "a1" || n.Topic != "/v2/me/facebooksession" || said.MessageType != "FacebooksessionStateChangeMessage" || said.Session.ID != test.id {
					t.Errorf("notification %+v", n)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("notifications (-want +got):\n%s", diff)
			}
			if others := s.notifications("?session=other"); len(others) != 0 {
				t.Errorf("another session has the notifications %+v", others)
			}
		})
	}
}

// keys are the names of an object and all in it, in their order.
func keys(t *testing.T, text string) (found []string) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	var objects []bool // whether each open bracket is an object's
	name := false
	for {
		token, err := dec.Token()
		if err != nil {
			return found
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			objects = append(objects, token == json.Delim('{'))
			name = token == json.Delim('{')
			continue
		case json.Delim('}'), json.Delim(']'):
			objects = objects[:len(objects)-1]
		default:
			if name {
				found = append(found, token.(string))
				name = false
				continue
			}
		}
		name = len(objects) > 0 && objects[len(objects)-1]
	}
}

// vendorSample is the notification of the vendor's page, as it stands there.
func vendorSample(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/notification.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestNotificationIsTheVendorsSample holds the emulator's notification against
// the vendor's sample: it is no JSON as it stands, and what is left once its
// damage is undone is what the emulator sends, to the order of the fields.
func TestNotificationIsTheVendorsSample(t *testing.T) {
	t.Parallel()
	sample := vendorSample(t)
	if json.Valid([]byte(sample)) {
		t.Fatal("the vendor's sample is JSON, and was not")
	}
	if strings.Count(sample, "None") != 1 {
		t.Fatal("the vendor's sample has no None, or more than one")
	}
	repaired := strings.Replace(sample, ": None", ": null", 1)
	var want map[string]any
	if err := json.Unmarshal([]byte(repaired), &want); err != nil {
		t.Fatal(err)
	}
	s := newSite(t, "")
	s.must(200, "POST", "http://192.168.83.25:8090"+path(chatting), complete, s.logIn("a1")...)
	n := s.notifications("")[0]
	var got map[string]any
	if err := json.Unmarshal(n.Data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(keys(t, repaired), keys(t, string(n.Data))); diff != "" {
		t.Errorf("fields (-sample +emulator):\n%s", diff)
	}
	mend(want)
	session := want["facebooksession"].(map[string]any)
	session["comment"] = "I am crazy about my test" // its blanks are lost on the page
	session["receivedDate"] = "2026-11-20T08:00:00.000+0000"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("notification (-sample +emulator):\n%s", diff)
	}
	if data := session["userData"].(map[string]any); len(data) != 83 {
		t.Errorf("the sample has %d user data, want 83", len(data))
	}
}

// mend takes the blanks after colons out of all texts.
func mend(value any) {
	switch value := value.(type) {
	case map[string]any:
		for name, v := range value {
			if text, is := v.(string); is {
				value[name] = strings.ReplaceAll(text, ": ", ":")
			}
			mend(v)
		}
	case []any:
		for i, v := range value {
			if text, is := v.(string); is {
				value[i] = strings.ReplaceAll(text, ": ", ":")
			}
			mend(v)
		}
	}
}

// TestMishaps holds what may befall a notification, over CometD and the webhook.
func TestMishaps(t *testing.T) {
	t.Parallel()
	tests := []struct {
		mishap   string
		sent     int
		contains string
		json     bool
	}{
		{"lost", 0, "", false},
		{"duplicate", 2, `"RRequestedSkills":null`, true},
		{"malformed", 1, `"RRequestedSkills":None`, false},
		{"damaged", 1, `"LCA_TimeStamp_facebook": "2015-08-11T12: 11: 34Z"`, true},
	}
	for _, test := range tests {
		t.Run(test.mishap, func(t *testing.T) {
			t.Parallel()
			hook := newReceiver(t, 200)
			s := newSite(t, `{"webhookUrl":"`+hook.url+`"}`)
			login := s.logIn("a1")
			client := s.listen(login, "/v2/me/facebooksession")
			s.must(200, "POST", path(chatting), complete, append(login, "X-Emulator-Fault", "notification_"+test.mishap)...)

			list := s.notifications("")
			if len(list) != max(test.sent, 1) || list[0].Mishap != test.mishap || (list[0].Text == "") == (test.mishap == "malformed") {
				t.Errorf("the list is %+v", list)
			}
			got := s.must(200, "POST", "/api/v2/notifications", client.connect(0), login...).body
			if n := strings.Count(got, `"channel":"/v2/me/facebooksession"`); n != test.sent || !strings.Contains(got, test.contains) {
				t.Errorf("%d notifications came, want %d with %s:\n%s", n, test.sent, test.contains, got)
			}
			for range test.sent {
				if body := hook.next(t); json.Valid([]byte(body)) != test.json || !strings.Contains(body, test.contains) {
					t.Errorf("the webhook got %s", body)
				}
			}
			s.must(200, "POST", path("0002DaAVKJ0V0096"), complete, login...)
			if body := hook.next(t); !strings.Contains(body, "0002DaAVKJ0V0096") {
				t.Errorf("after it the webhook got %s", body)
			}
		})
	}
}

// receiver is a webhook.
type receiver struct {
	url  string
	came chan string
}

func newReceiver(t *testing.T, status int) receiver {
	t.Helper()
	r := receiver{came: make(chan string, 10)}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		w.WriteHeader(status)
		r.came <- req.Method + " " + req.Header.Get("Content-Type") + " " + req.Header.Get("X-Emulator-Basis") + "\n" + string(body)
	}))
	t.Cleanup(server.Close)
	r.url = server.URL
	return r
}

func (r receiver) next(t *testing.T) (body string) {
	t.Helper()
	select {
	case got := <-r.came:
		head, body, _ := strings.Cut(got, "\n")
		if head != "POST application/json decision" {
			t.Errorf("the webhook was called with %s", head)
		}
		return body
	case <-time.After(20 * time.Second):
		t.Fatal("the webhook was not called")
		return ""
	}
}

// TestWebhook holds that notifications come in order, and that what becomes of
// them is counted.
func TestWebhook(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t, 200)
	s := newSite(t, `{"webhookUrl":"`+hook.url+`"}`)
	login := s.logIn("a1")
	s.must(200, "POST", path(invited), `{"operationName":"Accept","nickname":"n"}`, login...)
	s.must(200, "POST", path(invited), complete, login...)
	for _, want := range []string{"StatusChange Chatting", "ParticipantsUpdated Chatting", "StatusChange Completed"} {
		said := notification{Data: json.RawMessage(hook.next(t))}.says()
		if got := said.NotificationType + " " + said.Session.State; got != want {
			t.Errorf("the webhook got %s, want %s", got, want)
		}
	}
	if err := s.Close(); err != nil { // waits for the last delivery to be counted
		t.Fatal(err)
	}
	if w := s.state().Webhook; w.Delivered+w.Failed != 3 || w.Delivered < 2 {
		t.Errorf("deliveries are %+v, want 3", w)
	}
}

func TestWebhookThatRefuses(t *testing.T) {
	t.Parallel()
	hook := newReceiver(t, 503)
	s := newSite(t, `{"webhookUrl":"`+hook.url+`"}`)
	login := s.logIn("a1")
	s.must(200, "POST", path(chatting), complete, login...)
	hook.next(t)
	s.must(200, "POST", path("0002DaAVKJ0V0096"), complete, login...)
	hook.next(t) // so the first delivery is counted
	if w := s.state().Webhook; w.Delivered != 0 || w.Failed == 0 || !strings.Contains(w.LastError, "503") {
		t.Errorf("deliveries are %+v, want failures with 503", w)
	}
	s.must(204, "POST", "/_emulator/reset", "")
	if w := s.state().Webhook; w.Delivered != 0 {
		t.Errorf("after a reset deliveries are %+v", w)
	}
}

// TestNotifyLater holds that a notification may come after its operation, and
// that a reset takes back those that are still to come.
func TestNotifyLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, `{"notifyAfterMs":1000}`)
		login := s.logIn("a1")
		s.must(200, "POST", path(chatting), complete, login...)
		time.Sleep(999 * time.Millisecond)
		if list := s.notifications(""); len(list) != 0 {
			t.Errorf("after 999 ms the list is %+v", list)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if list := s.notifications(""); len(list) != 1 {
			t.Errorf("after 1 s the list is %+v", list)
		}
		s.must(200, "POST", path("0002DaAVKJ0V0096"), complete, login...)
		s.must(204, "POST", "/_emulator/reset", "")
		time.Sleep(time.Hour)
		if list := s.notifications(""); len(list) != 0 {
			t.Errorf("after a reset the list is %+v", list)
		}
	})
}

// listener is a client of CometD.
type listener string

func (s site) listen(login []string, topics ...string) listener {
	s.t.Helper()
	var shaken []struct{ ClientID string }
	got := s.must(200, "POST", "/api/v2/notifications/handshake", `[{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling","websocket"],"id":"1"}]`, login...)
	if err := json.Unmarshal([]byte(got.body), &shaken); err != nil || len(shaken) != 1 || shaken[0].ClientID == "" {
		s.t.Fatalf("the handshake was answered %s", got.body)
	}
	l := listener(shaken[0].ClientID)
	if len(topics) > 0 {
		list, _ := json.Marshal(topics)
		s.must(200, "POST", "/api/v2/notifications", l.message("/meta/subscribe", `"subscription":`+string(list)), login...)
	}
	s.must(200, "POST", "/api/v2/notifications", l.connect(0), login...)
	return l
}

func (l listener) message(channel string, more ...string) string {
	fields := append([]string{`"channel":"` + channel + `"`, `"clientId":"` + string(l) + `"`}, more...)
	return "[{" + strings.Join(fields, ",") + "}]"
}

func (l listener) connect(timeout int) string {
	return l.message("/meta/connect", `"connectionType":"long-polling"`, `"advice":{"timeout":`+strconv.Itoa(timeout)+`}`)
}

// TestBayeux holds each message of the protocol and each way to refuse it.
func TestBayeux(t *testing.T) {
	t.Parallel()
	const retry = `"advice":{"interval":0,"reconnect":"retry","timeout":30000}`
	const me = "00000000000040008000000000000003" // the third id, after cookie and token
	tests := []struct{ name, body, want string }{
		{
			"handshake", `[{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["long-polling"],"id":7}]`,
			`[{` + retry + `,"channel":"/meta/handshake","clientId":"00000000000040008000000000000004","id":7,"successful":true,"supportedConnectionTypes":["long-polling"],"version":"1.0"}]`,
		},
		{
			"handshake without long polling", `[{"channel":"/meta/handshake","supportedConnectionTypes":["websocket"]}]`,
			`[{"advice":{"interval":0,"reconnect":"none"},"channel":"/meta/handshake","error":"400::no connection type in common","successful":false,"supportedConnectionTypes":["long-polling"]}]`,
		},
		{
			"subscribe, not in a list", `{"channel":"/meta/subscribe","clientId":"` + me + `","subscription":"/v2/me/calls","id":"2"}`,
			`[{"channel":"/meta/subscribe","clientId":"` + me + `","id":"2","subscription":"/v2/me/calls","successful":true}]`,
		},
		{
			"subscribe to nothing", `[{"channel":"/meta/subscribe","clientId":"` + me + `"}]`,
			`[{"advice":{"interval":0,"reconnect":"none"},"channel":"/meta/subscribe","clientId":"` + me + `","error":"403::subscription_missing","successful":false}]`,
		},
		{
			"connect", listener(me).connect(0),
			`[{` + retry + `,"channel":"/meta/connect","clientId":"` + me + `","successful":true}]`,
		},
		{
			"connect by another type", listener(me).message("/meta/connect", `"connectionType":"websocket"`),
			`[{"advice":{"interval":0,"reconnect":"none"},"channel":"/meta/connect","clientId":"` + me + `","error":"400::Unsupported connection type","successful":false}]`,
		},
		{
			"an unknown client", listener("x").connect(0),
			`[{"advice":{"interval":0,"reconnect":"handshake"},"channel":"/meta/connect","clientId":"x","error":"402::Unknown client","successful":false}]`,
		},
		{
			"publish", listener(me).message("/v2/me/facebooksession", `"data":{}`),
			`[{"advice":{"interval":0,"reconnect":"none"},"channel":"/v2/me/facebooksession","clientId":"` + me + `","error":"403::Publish denied","successful":false}]`,
		},
		{
			"two messages", strings.TrimSuffix(listener(me).message("/meta/unsubscribe", `"subscription":"/x"`), "]") + "," + strings.TrimPrefix(listener(me).message("/meta/disconnect"), "["),
			`[{"channel":"/meta/unsubscribe","clientId":"` + me + `","subscription":"/x","successful":true},{"channel":"/meta/disconnect","clientId":"` + me + `","successful":true}]`,
		},
		{"none", `[]`, `[]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "")
			login := s.logIn("a1")
			s.listen(login)
			got := s.must(200, "POST", "/api/v2/notifications", test.body, login...)
			if strings.TrimSpace(got.body) != test.want || got.basis() != "inference" {
				t.Errorf("%s\nwant %s", got.body, test.want)
			}
		})
	}
}

func TestBayeuxRefusals(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	login := s.logIn("a1")
	s.must(400, "POST", "/api/v2/notifications", `{"channel":`, login...)
	s.must(400, "POST", "/api/v2/notifications", `["x"]`, login...)
	s.must(401, "POST", "/api/v2/notifications", `[]`)
	s.must(403, "POST", "/api/v2/notifications", `[]`, login[:2]...)
	client := s.listen(login)
	if got := s.must(200, "POST", "/api/v2/notifications", client.connect(0), s.logIn("a2")...); !strings.Contains(got.body, "402::") {
		t.Errorf("another user's client: %s", got.body)
	}
	s.must(200, "POST", "/api/v2/notifications", client.message("/meta/disconnect"), login...)
	if got := s.must(200, "POST", "/api/v2/notifications", client.connect(0), login...); !strings.Contains(got.body, "402::") {
		t.Errorf("after a disconnect: %s", got.body)
	}
}

// TestSubscriptions holds who gets a notification.
func TestSubscriptions(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, user string
		topics     []string
		want       int
	}{
		{"the topic", "a1", []string{"/v2/me/facebooksession"}, 1},
		{"the topic among others", "a1", []string{"/v2/me/calls", "/v2/me/facebooksession"}, 1},
		{"two that cover it", "a1", []string{"/v2/me/*", "/v2/me/facebooksession"}, 1},
		{"all of a level", "a1", []string{"/v2/me/*"}, 1},
		{"all of another level", "a1", []string{"/v2/*"}, 0},
		{"all below", "a1", []string{"/v2/**"}, 1},
		{"another topic", "a1", []string{"/v2/me/facebooksessions"}, 0},
		{"nothing", "a1", nil, 0},
		{"another agent", "a2", []string{"/**"}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "")
			ann, other := s.logIn("a1"), s.logIn(test.user)
			client := s.listen(other, test.topics...)
			s.must(200, "POST", path(chatting), complete, ann...)
			got := s.must(200, "POST", "/api/v2/notifications", client.connect(0), other...).body
			if n := strings.Count(got, `"channel":"/v2/me/facebooksession","data":{"referenceId":23,`); n != test.want {
				t.Errorf("%d notifications came, want %d:\n%s", n, test.want, got)
			}
			if again := s.must(200, "POST", "/api/v2/notifications", client.connect(0), other...).body; strings.Contains(again, "facebooksession") {
				t.Errorf("it came a second time: %s", again)
			}
		})
	}
}

func TestUnsubscribed(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	login := s.logIn("a1")
	client := s.listen(login, "/v2/me/*", "/v2/me/facebooksession")
	s.must(200, "POST", "/api/v2/notifications", client.message("/meta/unsubscribe", `"subscription":["/v2/me/*","/v2/me/facebooksession"]`), login...)
	s.must(200, "POST", path(chatting), complete, login...)
	if got := s.must(200, "POST", "/api/v2/notifications", client.connect(0), login...).body; strings.Contains(got, "facebooksession") {
		t.Errorf("it came nevertheless: %s", got)
	}
}

// TestLongPoll holds that a connect is held until there is news, or the client
// is no more.
func TestLongPoll(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		act  func(s site, l listener, login []string)
		want []string // one of them
	}{
		{"news", func(s site, _ listener, login []string) { s.must(200, "POST", path(chatting), complete, login...) }, []string{`"state":"Completed"`}},
		{"a disconnect", func(s site, l listener, login []string) {
			s.must(200, "POST", "/api/v2/notifications", l.message("/meta/disconnect"), login...)
		}, []string{"402::Unknown client"}},
		// A connect that comes after the reset is not logged in any more.
		{"a reset", func(s site, _ listener, _ []string) { s.must(204, "POST", "/_emulator/reset", "") }, []string{"402::Unknown client", `"statusCode":20`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "")
			login := s.logIn("a1")
			client := s.listen(login, "/v2/me/facebooksession")
			answered := make(chan string)
			go func() {
				answered <- s.call("POST", "/api/v2/notifications/connect", client.connect(30000), login...).body
			}()
			test.act(s, client, login)
			got := <-answered
			if !slices.ContainsFunc(test.want, func(want string) bool { return strings.Contains(got, want) }) {
				t.Errorf("the connect was answered %s, want one of %s in it", got, test.want)
			}
		})
	}
}

// TestLongPollEnds holds that a connect with nothing to tell is answered after
// the shorter of the client's time and the emulator's, and let go when the
// emulator closes.
func TestLongPollEnds(t *testing.T) {
	t.Parallel()
	for name, times := range map[string][2]int{"the client's": {30000, 20}, "the emulator's": {20, 30000}} {
		s := newSite(t, `{"cometdTimeoutMs":`+strconv.Itoa(times[0])+`}`)
		login := s.logIn("a1")
		client := s.listen(login, "/v2/me/facebooksession")
		if got := s.must(200, "POST", "/api/v2/notifications", client.connect(times[1]), login...).body; !strings.Contains(got, `"successful":true`) {
			t.Errorf("%s: %s", name, got)
		}
	}
	s := newSite(t, "")
	login := s.logIn("a1")
	client := s.listen(login, "/v2/me/facebooksession")
	let := make(chan error)
	go func() {
		defer func() { err, _ := recover().(error); let <- err }()
		s.call("POST", "/api/v2/notifications", client.connect(30000), login...)
	}()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := <-let; !errors.Is(got, http.ErrAbortHandler) {
		t.Errorf("the connect ended with %v, want it let go", got)
	}
}

func TestPathsOfCometD(t *testing.T) {
	t.Parallel()
	s := newSite(t, `{"cometdPath":"/genesys/cometd","topic":"/v2/me/facebooksessions"}`)
	login := s.logIn("a1")
	s.must(404, "POST", "/api/v2/notifications", `[]`, login...)
	got := s.must(200, "POST", "/genesys/cometd/handshake", `[{"channel":"/meta/handshake","supportedConnectionTypes":["long-polling"]}]`, login...)
	if !strings.Contains(got.body, `"successful":true`) {
		t.Error(got.body)
	}
	s.must(200, "POST", path(chatting), complete, login...)
	if n := s.notifications("")[0]; n.Topic != "/v2/me/facebooksessions" {
		t.Errorf("the topic is %s", n.Topic)
	}
}

func TestReading(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	login := s.logIn("a2")
	if got := s.must(200, "GET", "/api/v2/me/facebooksession", "", login...).body; got != `{"statusCode":0,"uris":["http://example.com/api/v2/facebooksessions/0002DaAVKJ0V00B2"]}`+"\n" {
		t.Errorf("the list is %s", got)
	}
	for _, target := range []string{"/api/v2/me/facebooksessions?fields=*", "/api/v2/me/facebooksessions/" + bens} {
		got := s.must(200, "GET", target, "", login...)
		if !strings.Contains(got.body, `"state":"Chatting"`) || !strings.Contains(got.body, `"nickname":"Ben Two"`) || got.basis() != "inference" {
			t.Errorf("%s is %s", target, got.body)
		}
	}
	s.must(403, "GET", path(chatting), "", login...)
	s.must(404, "GET", path("0"), "", login...)
	voice := s.logIn("a3")
	s.must(403, "GET", path(chatting), "", voice...)
	s.must(403, "GET", "/api/v2/me/facebooksessions", "", voice...)
}

func TestPaths(t *testing.T) {
	t.Parallel()
	both := newSite(t, "")
	login := both.logIn("a1")
	both.must(200, "POST", "/api/v2/me/facebooksession/"+chatting, complete, login...)
	both.must(200, "POST", "/api/v2/me/facebooksessions/0002DaAVKJ0V0096", complete, login...)
	both.must(404, "POST", "/api/v2/me/chats/1", complete, login...)
	both.must(404, "GET", "/", "")
	both.must(405, "DELETE", path(chatting), "", login...)
	later := newSite(t, `{"segments":["facebooksessions"]}`)
	login = later.logIn("a1")
	later.must(404, "POST", "/api/v2/me/facebooksession/"+chatting, complete, login...)
	later.must(200, "POST", "/api/v2/me/facebooksessions/"+chatting, complete, login...)
}

func TestContactCenterSession(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	login := s.logIn("a4")
	id := "0002DaAVKJ0V00B4"
	s.must(400, "POST", path(id), complete, login...)
	s.must(400, "POST", "/api/v2/me", `{"operationName":"StartContactCenterSession"}`, login...)
	s.must(400, "POST", "/api/v2/me", `{"operationName":"Start"}`, login...)
	s.must(400, "POST", "/api/v2/me", `x`, login...)
	s.must(200, "POST", "/api/v2/me", `{"operationName":"StartContactCenterSession","channels":["facebook"]}`, login...)
	s.must(200, "POST", path(id), `{"operationName":"Leave"}`, login...)
	s.must(200, "POST", "/api/v2/me", `{"operationName":"EndContactCenterSession"}`, login...)
	s.must(400, "POST", path(id), complete, login...)
}

// TestReturnValues holds that each published return value can be had, at the
// HTTP status of each mode.
func TestReturnValues(t *testing.T) {
	t.Parallel()
	split := map[int]int{1: 400, 2: 400, 3: 403, 5: 403, 6: 404, 7: 200, 8: 403, 10: 400, 20: 401}
	for mode, want := range map[string]func(int) int{
		"flat": func(int) int { return 200 },
		"split": func(code int) int {
			if status := split[code]; status != 0 {
				return status
			}
			return 500
		},
	} {
		s := newSite(t, `{"httpMode":"`+mode+`"}`)
		login := s.logIn("a1")
		for code := 1; code <= 20; code++ {
			got := s.must(want(code), "POST", path(chatting), complete, append(login, "X-Emulator-Fault", "statusCode:"+strconv.Itoa(code))...)
			if !strings.HasPrefix(got.body, `{"statusCode":`+strconv.Itoa(code)+`,"statusMessage":"`) || got.basis() != "decision" {
				t.Errorf("%s", got.body)
			}
			if (got.status == 401) != (got.header.Get("WWW-Authenticate") != "") {
				t.Errorf("%d has the headers %v", got.status, got.header)
			}
		}
	}
}

// TestFaults holds the faults that the plugin's tables need.
func TestFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault  string
		status int
		body   string
	}{
		{"csrf_refused", 403, "Missing or invalid Csrf token\n"},
		{"csrf_rotate", 403, "Missing or invalid Csrf token\n"},
		{"session_expired", 401, `{"statusCode":20,"statusMessage":"not authenticated"}` + "\n"},
		{"no_status_code", 200, "{}\n"},
		{"text_status_code", 200, `{"statusCode":"0"}` + "\n"},
		{"expired_token", 401, `{"statusCode":20,"statusMessage":"not authenticated"}` + "\n"},
		{"400", 400, `{"statusCode":10,"statusMessage":"an input is not valid"}` + "\n"},
		{"403", 403, `{"statusCode":3,"statusMessage":"forbidden"}` + "\n"},
		{"404", 404, `{"statusCode":6,"statusMessage":"the resource was not found"}` + "\n"},
		{"500", 500, `{"statusCode":4,"statusMessage":"internal error"}` + "\n"},
		{"503", 503, "Service Unavailable\n"},
	}
	for _, test := range tests {
		s := newSite(t, "")
		got := s.call("POST", path(chatting), complete, append(s.logIn("a1"), "X-Emulator-Fault", test.fault)...)
		if got.status != test.status || got.body != test.body {
			t.Errorf("%s: %d %q, want %d %q", test.fault, got.status, got.body, test.status, test.body)
		}
		if fs := s.session(chatting); fs.State != "Chatting" {
			t.Errorf("%s: the session is %+v", test.fault, fs)
		}
	}
}

func TestAddSession(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	tests := []struct {
		body   string
		status int
		want   session
	}{
		{``, 201, session{"0002DaAVKJ0V100E", "Invited", "a1", false, ""}},
		{`{"id":"x1","state":"Chatting","owner":"a2"}`, 201, session{"x1", "Chatting", "a2", false, ""}},
		{`{"id":"x2","state":"Left"}`, 201, session{"x2", "Left", "a1", true, ""}},
		{`{"id":"x1"}`, 409, session{}},
		{`{"state":"Queued"}`, 400, session{}},
		{`{"state":"Ringing"}`, 400, session{}},
		{`{"owner":"a9"}`, 400, session{}},
		{`{"queue":"q"}`, 400, session{}},
	}
	for _, test := range tests {
		got := s.call("POST", "/_emulator/facebooksessions", test.body)
		if got.status != test.status {
			t.Errorf("%s: %d %s, want %d", test.body, got.status, got.body, test.status)
		}
		if test.status == 201 && s.session(test.want.ID) != test.want {
			t.Errorf("%s: the session is %+v, want %+v", test.body, s.session(test.want.ID), test.want)
		}
	}
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]string{
		`{"httpMode":"both"}`:                   `httpMode "both": expected split or flat`,
		`{"csrfHeader":""}`:                     `csrfHeader "": expected the name of a header`,
		`{"csrfHeader":"a b"}`:                  `csrfHeader "a b": expected the name of a header`,
		`{"sessionSeconds":0}`:                  `sessionSeconds 0: expected at least 1`,
		`{"segments":["chats"]}`:                `segment "chats": expected one of facebooksession, facebooksessions`,
		`{"cometdPath":"cometd"}`:               `cometdPath "cometd": expected a path`,
		`{"topic":"/v2/me/"}`:                   `topic "/v2/me/": expected a path`,
		`{"notifyAfterMs":-1}`:                  `cometdTimeoutMs 30000, notifyAfterMs -1: expected milliseconds`,
		`{"cometdTimeoutMs":-1}`:                `cometdTimeoutMs -1, notifyAfterMs 0: expected milliseconds`,
		`{"webhookUrl":"/hooks/notifications"}`: `webhookUrl "/hooks/notifications": expected an absolute URL`,
		`{"http_mode":"flat"}`:                  `unknown field "http_mode"`,
	} {
		_, err := gws.New(emulator.Config{Settings: json.RawMessage(settings)})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", settings, err, want)
		}
	}
	if _, err := gws.New(emulator.Config{Faults: []emulator.Fault{{Then: emulator.Then{Fault: "statusCode:21"}}}}); err == nil {
		t.Error("a fault that there is not was taken")
	}
}

// TestReset holds that a switch takes effect at once and a reset puts it back,
// as it does everything.
func TestReset(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	before := s.must(200, "GET", "/_emulator/state", "").body
	login := s.logIn("a1")
	s.must(200, "PATCH", "/_emulator/settings", `{"httpMode":"flat"}`)
	s.listen(login, "/v2/me/facebooksession")
	s.must(200, "POST", path(chatting), complete, login...)
	s.must(200, "POST", path(chatting), complete, login...)
	s.must(201, "POST", "/_emulator/facebooksessions", `{"id":"x"}`)
	s.must(204, "POST", "/_emulator/reset", "")
	if diff := cmp.Diff(before, s.must(200, "GET", "/_emulator/state", "").body); diff != "" {
		t.Errorf("state after a reset (-before +after):\n%s", diff)
	}
	s.must(401, "POST", path(chatting), complete, login...) // and split again
	s.must(200, "POST", path(chatting), complete, s.logIn("a1")...)
	if n := s.notifications("")[0].says(); n.ReferenceID != 23 {
		t.Errorf("the first referenceId is %d, want 23", n.ReferenceID)
	}
}

func TestStateOfListeners(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	login := s.logIn("a1")
	s.listen(login, "/v2/me/facebooksession")
	s.listen(s.logIn("a2"))
	s.must(200, "POST", path(chatting), complete, login...)
	st := s.state()
	if st.Logins != 2 || len(st.CometD) != 2 || st.CometD[0].User != "a1" || st.CometD[0].Waiting != 1 || !slices.Equal(st.CometD[0].Topics, []string{"/v2/me/facebooksession"}) || len(st.CometD[1].Topics) != 0 {
		t.Errorf("the state is %+v", st)
	}
}

// TestNoSecretIsShown holds that nothing of the control surface shows a
// password, a cookie or a token.
func TestNoSecretIsShown(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	login := append(s.logIn("a1"), basic("a1")...)
	s.must(200, "POST", path(chatting), complete, login...)
	for _, target := range []string{"/_emulator/state", "/_emulator/journal", "/_emulator/notifications"} {
		body := s.must(200, "GET", target, "").body
		for _, secret := range []string{"a1-password", login[1], login[3], login[5]} {
			if strings.Contains(body, strings.TrimPrefix(secret, "JSESSIONID=")) {
				t.Errorf("%s shows %s", target, secret)
			}
		}
	}
}

// TestSeed holds that a seed makes two sessions equal.
func TestSeed(t *testing.T) {
	t.Parallel()
	play := func() string {
		v, err := gws.New(emulator.Config{Seed: 7})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = v.Close() }()
		s := site{v, t}
		ann, ben := s.logIn("a1"), s.logIn("a2")
		s.must(204, "POST", "/_emulator/csrf/rotate", "")
		s.must(403, "POST", path(chatting), complete, ann...)
		token := s.must(200, "GET", "/api/v2/me", "", ann...).header.Get("X-CSRF-TOKEN")
		s.must(200, "POST", path(chatting), complete, ann[0], ann[1], ann[2], token)
		return fmt.Sprint(ann, ben, token) + s.must(200, "GET", "/_emulator/notifications", "").body + s.must(200, "GET", "/_emulator/journal", "").body
	}
	if one, two := play(), play(); one != two {
		t.Errorf("two sessions with one seed differ:\n%s", cmp.Diff(one, two))
	}
}
