package emulator_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/emulator"
	cce "github.com/wendflow/wend/plugins/cisco-cce/emulator"
)

const (
	tasksPath = "/drapi/v1/tasks"
	taskA     = "0197f4a0-0000-7000-8000-00000000000a"
	taskB     = "0197f4a0-0000-7000-8000-00000000000b"
)

var start = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// site is an emulator with a clock that stands still.
type site struct {
	*emulator.Vendor

	t *testing.T
}

func newSite(t *testing.T, settings string) site {
	t.Helper()
	v, err := cce.New(emulator.Config{
		Now:      func() time.Time { return start },
		NewID:    func() string { return "0197f4a0-0000-7000-8000-0000000000ff" },
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

// field returns a value inside the JSON body: field("data", "state").
func (r reply) field(path ...string) any {
	var value any
	if json.Unmarshal([]byte(r.body), &value) != nil {
		return nil
	}
	for _, name := range path {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

// call makes a request as an administrator. Headers are given as name, value,
// name, value and go over the usual ones.
func (s site) call(method, target, body string, headers ...string) reply {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, target, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer cce-admin")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
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

// taskJSON is the body of a create, changed as a JSON object says: null takes
// a field away.
func taskJSON(t *testing.T, id, change string) string {
	t.Helper()
	fields := map[string]any{
		"taskId": id, "mediaType": "Social", "mediaChannel": "SMS", "destination": "+4420",
		"scriptSelector": "Insurance", "customerId": "+4930",
	}
	if change != "" {
		if err := json.Unmarshal([]byte(change), &fields); err != nil {
			t.Fatal(err)
		}
	}
	maps.DeleteFunc(fields, func(_ string, value any) bool { return value == nil })
	body, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

type record struct {
	TaskID          string            `json:"taskId"`
	State           string            `json:"state"`
	DispositionCode string            `json:"dispositionCode"`
	ClosedAt        string            `json:"closedAt"`
	MediaType       string            `json:"mediaType"`
	Agent           string            `json:"agent"`
	Adopted         bool              `json:"adopted"`
	Variables       map[string]string `json:"variables"`
	History         []struct{ State, Time, DispositionCode string }
}

type state struct {
	Tasks   []record
	Queues  map[string]struct{ Waiting, Quota int }
	Webhook struct {
		Delivered, Failed int
		LastError         string
	}
}

func (s site) state() state {
	s.t.Helper()
	var st state
	if err := json.Unmarshal([]byte(s.must(200, "GET", "/_emulator/state", "").body), &st); err != nil {
		s.t.Fatal(err)
	}
	return st
}

func (s site) record(id string) record {
	s.t.Helper()
	for _, r := range s.state().Tasks {
		if r.TaskID == id {
			return r
		}
	}
	s.t.Fatalf("no task %s in the state", id)
	return record{}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	got := s.must(201, "POST", tasksPath, taskJSON(t, strings.ToUpper(taskA), ""), "TrackingID", "WebexConnect_1")
	if want := `{"data": {"id": "` + taskA + `"}}`; got.body != want || len(got.body) != 56 {
		t.Errorf("body = %s (%d bytes), want %s", got.body, len(got.body), want)
	}
	if loc := got.header.Get("Location"); loc != tasksPath+"/"+taskA {
		t.Errorf("Location = %q", loc)
	}
	if id := got.header["TrackingID"]; !slices.Equal(id, []string{"WebexConnect_1"}) {
		t.Errorf("TrackingID = %q, want the one of the request", id)
	}
	if basis := got.header.Get("X-Emulator-Basis"); basis != "inference" {
		t.Errorf("basis = %q, want inference", basis)
	}
}

func TestTrackingIDIsMade(t *testing.T) {
	t.Parallel()
	got := newSite(t, "").call("GET", tasksPath, "")
	if id := got.header["TrackingID"]; !slices.Equal(id, []string{"Emulator_0197f4a0-0000-7000-8000-0000000000ff"}) {
		t.Errorf("TrackingID = %q", id)
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.must(201, "POST", tasksPath, taskJSON(t, taskA, `{
		"origin": "+4930", "preferredOwner": "1100", "conversationId": "C1", "customerName": "Ann",
		"variables": {"cv_1": "x", "user_DR_EmailSubject": "y", "facebookID": "z"}}`))
	want := map[string]any{"data": map[string]any{
		"taskId": taskA, "customerId": "+4930", "origin": "+4930", "destination": "+4420",
		"mediaType": "Social", "mediaChannel": "SMS", "direction": "INBOUND", "preferredOwner": "1100",
		"scriptSelector": "Insurance", "state": "CREATED", "estimatedWaitTime": -1.0,
		"createdTime": "2026-11-20T08:00:00.000Z", "lastUpdatedTime": "2026-11-20T08:00:00.000Z",
		"variables": map[string]any{
			"cv_1": "x", "user_DR_EmailSubject": "y", "facebookID": "z",
			"user_DR_MediaResourceID": "C1", "user_DR_CustomerName": "Ann",
		},
		"history": []any{map[string]any{"state": "CREATED", "time": "2026-11-20T08:00:00.000Z"}},
	}}
	got := s.must(200, "GET", tasksPath+"/"+taskA, "")
	if diff := cmp.Diff(any(want), got.field()); diff != "" {
		t.Errorf("task (-want +got):\n%s", diff)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.must(201, "POST", tasksPath, taskJSON(t, taskB, ""))
	s.must(200, "POST", "/_emulator/clock", `{"advance":"10s"}`)
	s.must(201, "POST", tasksPath, taskJSON(t, taskA, ""))
	s.must(200, "POST", tasksPath+"/"+taskB+"/close", "{}")
	for query, want := range map[string][]any{
		"":        {taskB, taskA},
		"?from=0": {taskB, taskA},
		fmt.Sprintf("?from=%d", start.Add(time.Second).UnixMilli()): {taskA},
		fmt.Sprintf("?from=%d", start.Add(time.Minute).UnixMilli()): nil,
	} {
		var ids []any
		for _, task := range s.must(200, "GET", tasksPath+query, "").field("data").([]any) {
			ids = append(ids, task.(map[string]any)["taskId"])
		}
		if diff := cmp.Diff(want, ids); diff != "" {
			t.Errorf("list%s (-want +got):\n%s", query, diff)
		}
	}
	s.must(400, "GET", tasksPath+"?from=today", "")
}

// TestLife tells lives of tasks, a line each:
//
//	create ID [JSON] = STATUS    close ID [JSON] = STATUS    get ID = STATUS
//	route ID = STATUS            transfer ID = STATUS        advance DURATION
//	is ID STATE [DISPOSITION [CLOSED, after the start]]
func TestLife(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ settings, story string }{
		"by itself": {`{"routeAfterMs":5000}`, `
			create A = 201
			is A CREATED
			advance 999ms
			is A CREATED
			advance 1ms
			is A QUEUED
			advance 5s
			is A ROUTED
			advance 1000h
			is A ROUTED`},
		"all changes of a long time at once": {`{"routeAfterMs":5000}`, `
			create A = 201
			advance 1h
			is A ROUTED`},
		"never queued": {`{"queueAfterMs":-1}`, `
			create A = 201
			advance 1000h
			is A CREATED`},
		"closed when created is an abandon": {``, `
			create A = 201
			close A = 200
			is A CLOSED CD_TASK_CUSTOMER_ABANDON 0s`},
		"closed in queue is an abandon": {``, `
			create A = 201
			advance 3s
			close A = 200
			is A CLOSED CD_TASK_CUSTOMER_ABANDON 3s`},
		"closed with an agent is a normal end": {``, `
			create A = 201
			route A = 200
			is A ROUTED
			close A = 200
			is A CLOSED CD_NORMAL_END_TASK 0s`},
		"closed with a disposition of its own": {``, `
			create A = 201
			close A {"dispositionCode":"CD_TASK_ABANDONED_WHILE_OFFERED"} = 200
			is A CLOSED CD_TASK_ABANDONED_WHILE_OFFERED 0s`},
		"closed again changes nothing": {``, `
			create A = 201
			close A = 200
			advance 1m
			close A {"dispositionCode":"CD_NORMAL_END_TASK","variables":{"cv_1":"late"}} = 200
			is A CLOSED CD_TASK_CUSTOMER_ABANDON 0s`},
		"closed again, the strict way": {`{"closed":400}`, `
			create A = 201
			close A = 200
			close A = 400`},
		"closed tasks are forgotten after 15 minutes": {``, `
			create A = 201
			close A = 200
			advance 14m59s
			get A = 200
			close A = 200
			advance 1s
			get A = 404
			close A = 404
			create A = 201`},
		"an id that is closed can be used again": {``, `
			create A = 201
			close A = 200
			create A = 201
			is A CREATED
			advance 16m
			is A QUEUED`},
		"a second create of an open task": {``, `
			create A = 201
			create A = 409
			route A = 200
			create A = 409`},
		"a second create, answered 200": {`{"existing":200}`, `
			create A = 201
			create A = 200`},
		"a second create, answered 400": {`{"existing":400}`, `
			create A = 201
			create A = 400`},
		"transferred and created again in time": {``, `
			create A = 201
			route A = 200
			transfer A = 200
			is A TRANSFERRED
			advance 14999ms
			create A {"scriptSelector":"Claims"} = 201
			is A QUEUED
			advance 1m
			is A QUEUED`},
		"transferred and not created again": {``, `
			create A = 201
			route A = 200
			transfer A = 200
			advance 15s
			is A CLOSED CD_TASK_TRANSFER_TIMEOUT 15s
			advance 14m59s
			get A = 200
			advance 1s
			get A = 404`},
		"forgotten by the time it was closed, not by when that was seen": {``, `
			create A = 201
			route A = 200
			transfer A = 200
			advance 16m
			get A = 404`},
		"transferred and closed": {``, `
			create A = 201
			route A = 200
			transfer A = 200
			close A = 200
			is A CLOSED CD_NORMAL_END_TASK 0s`},
		"queue time of social is three days": {``, `
			create A = 201
			advance 72h
			is A QUEUED
			advance 1s
			is A CLOSED CD_MAX_DIALOG_LIFETIME_EXCEEDED 72h0m1s`},
		"queue time of chat is two hours": {``, `
			create A {"mediaType":"Chat"} = 201
			advance 2h
			is A QUEUED
			advance 1s
			is A CLOSED CD_MAX_DIALOG_LIFETIME_EXCEEDED 2h0m1s`},
		"a script selector that is not configured": {`{"scriptSelectors":["Claims"]}`, `
			create A = 201
			create B {"scriptSelector":"Claims"} = 201
			advance 1s
			is A CLOSED CD_FAILED_INVALID_SCRIPT_SELECTOR 1s
			is B QUEUED`},
		"a task that is not there": {``, `
			get A = 404
			close A = 404
			route A = 404
			transfer A = 404`},
		"a task adopted by its close": {`{"adopt":true}`, `
			get A = 404
			close A = 200
			is A CLOSED CD_TASK_CUSTOMER_ABANDON 0s`},
		"moves at the wrong time": {``, `
			create A = 201
			transfer A = 409
			route A = 200
			route A = 409
			close A = 200
			route A = 409
			transfer A = 409`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, tt.settings)
			for line := range strings.Lines(strings.TrimSpace(tt.story)) {
				s.tell(strings.TrimSpace(line))
			}
		})
	}
}

// tell does one line of a story.
func (s site) tell(line string) {
	s.t.Helper()
	line, want, _ := strings.Cut(line, " = ")
	words := append(strings.SplitN(line, " ", 3), "", "")
	id := map[string]string{"A": taskA, "B": taskB}[words[1]]
	var got reply
	switch words[0] {
	case "create":
		got = s.call("POST", tasksPath, taskJSON(s.t, id, words[2]))
	case "close":
		body := words[2]
		if body == "" {
			body = "{}"
		}
		got = s.call("POST", tasksPath+"/"+id+"/close", body)
	case "get":
		got = s.call("GET", tasksPath+"/"+id, "")
	case "route", "transfer":
		got = s.call("POST", "/_emulator/tasks/"+id+"/"+words[0], "")
	case "advance":
		s.must(200, "POST", "/_emulator/clock", fmt.Sprintf(`{"advance":%q}`, words[1]))
		return
	case "is":
		s.is(id, words[2])
		return
	default:
		s.t.Fatalf("no command %q", words[0])
	}
	if fmt.Sprint(got.status) != want {
		s.t.Fatalf("%s = %d %s, want %s", line, got.status, got.body, want)
	}
}

func (s site) is(id, want string) {
	s.t.Helper()
	r := s.record(id)
	got := r.State
	if r.State == "CLOSED" {
		at, err := time.Parse(time.RFC3339, r.ClosedAt)
		if err != nil {
			s.t.Fatal(err)
		}
		got += " " + r.DispositionCode + " " + at.Sub(start).String()
	}
	if got != want {
		s.t.Fatalf("task is %s, want %s", got, want)
	}
	last := r.History[len(r.History)-1]
	if last.State != r.State || last.DispositionCode != r.DispositionCode {
		s.t.Errorf("history ends with %+v, task is %s", last, got)
	}
}

func TestCloseByEveryPath(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"POST", "PUT"} {
		for _, verb := range []string{"close", "end"} {
			t.Run(method+" "+verb, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, "")
				s.must(201, "POST", tasksPath, taskJSON(t, taskA, `{"variables":{"cv_1":"first","cv_2":"kept"}}`))
				got := s.must(200, method, tasksPath+"/"+taskA+"/"+verb, `{
					"dispositionCode": "CD_NORMAL_END_TASK", "mediaType": "social", "conversationId": "C1",
					"variables": {"cv_1": "last"}}`)
				if want := `{"data": {"id": "` + taskA + `"}}`; got.body != want {
					t.Errorf("body = %s, want %s", got.body, want)
				}
				if basis := got.header.Get("X-Emulator-Basis"); basis != "decision" {
					t.Errorf("basis = %q, want decision", basis)
				}
				want := map[string]string{"cv_1": "last", "cv_2": "kept", "user_DR_MediaResourceID": "C1"}
				if diff := cmp.Diff(want, s.record(taskA).Variables); diff != "" {
					t.Errorf("variables (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	variables := func(name, value string) string {
		return fmt.Sprintf(`{"variables":{%q:%q}}`, name, value)
	}
	tests := map[string]struct {
		create, close string // a change of a good create, or a body of a close
		message       string
	}{
		"task id is missing":           {create: `{"taskId":null}`, message: `taskId "": expected a UUID`},
		"task id is no uuid":           {create: `{"taskId":"flid"}`, message: `taskId "flid": expected a UUID`},
		"task id of two spellings":     {create: `{"id":"` + taskB + `"}`, message: `differ`},
		"media type is missing":        {create: `{"mediaType":null}`, message: "mediaType is missing"},
		"media channel is missing":     {create: `{"mediaChannel":""}`, message: "mediaChannel is missing"},
		"destination is missing":       {create: `{"destination":null}`, message: "destination is missing"},
		"selector is missing":          {create: `{"scriptSelector":null}`, message: "scriptSelector is missing"},
		"customer is missing":          {create: `{"customerId":null}`, message: "customerId is missing"},
		"media type is unknown":        {create: `{"mediaType":"Fax"}`, message: `mediaType "Fax": expected Email, Chat`},
		"disposition at the start":     {create: `{"dispositionCode":"CD_NORMAL_END_TASK"}`, message: "dispositionCode"},
		"field is unknown":             {create: `{"colour":"red"}`, message: `unknown field "colour"`},
		"field is no string":           {create: `{"customerId":17}`, message: `field "customerId": expected string, not number`},
		"media type of a close":        {close: `{"mediaType":"Fax"}`, message: `mediaType "Fax"`},
		"task of another path":         {close: `{"taskId":"` + taskB + `"}`, message: "is not the task of the path"},
		"nothing":                      {close: ` `, message: "expected a JSON object"},
		"text":                         {close: `closed`, message: "expected a JSON object"},
		"list":                         {close: `[]`, message: "expected a JSON object"},
		"null":                         {close: `null`, message: "expected a JSON object"},
		"half":                         {close: `{"variables":`, message: "unexpected EOF"},
		"more than one":                {close: `{}{}`, message: "nothing after it"},
		"variables are a list":         {close: `{"variables":[]}`, message: `field "variables": expected object, not array`},
		"variable is a number":         {close: `{"variables":{"cv_1":1}}`, message: `expected string, not number`},
		"no such call variable":        {close: variables("cv_11", "x"), message: `no call variable "cv_11"`},
		"call variable of 41 bytes":    {close: variables("cv_1", strings.Repeat("x", 41)), message: `"cv_1" has 41 bytes; expected at most 40`},
		"user variable, 211 bytes":     {close: variables("user_x", strings.Repeat("x", 211)), message: `has 211 bytes; expected at most 210`},
		"user variable, long name":     {close: variables("user_"+strings.Repeat("x", 28), "x"), message: `has 33 bytes; expected at most 32`},
		"beyond Latin-1":               {close: variables("cv_1", "Łódź"), message: "Latin-1"},
		"user variable, only a prefix": {close: variables("user", "x"), message: `expected a name after "user"`},
		"variable without a name":      {close: variables("", "x"), message: "variable without a name"},
		"user variables together":      {close: manyVariables(10, 201), message: "user variables of 2010 bytes"},
		"names of user variables":      {close: manyVariables(30, 60), message: "2700 with their names"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "")
			var got reply
			if tt.create != "" {
				got = s.call("POST", tasksPath, taskJSON(t, taskA, tt.create))
			} else {
				s.must(201, "POST", tasksPath, taskJSON(t, taskA, ""))
				got = s.call("POST", tasksPath+"/"+taskA+"/close", tt.close)
			}
			message, _ := got.field("error", "message").(string)
			if got.status != 400 || !strings.Contains(message, tt.message) {
				t.Errorf("reply = %d %s, want 400 with %q", got.status, got.body, tt.message)
			}
			if key := got.field("error", "key"); key != "BAD_REQUEST" {
				t.Errorf("key = %v, want BAD_REQUEST", key)
			}
		})
	}
}

// manyVariables is a body with n user variables, each with a name of 30 bytes
// and a value of size bytes.
func manyVariables(n, size int) string {
	variables := map[string]string{}
	for i := range n {
		variables[fmt.Sprintf("user_%025d", i)] = strings.Repeat("x", size)
	}
	body, _ := json.Marshal(map[string]any{"variables": variables})
	return string(body)
}

func TestGoodVariables(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"cv_1":                           strings.Repeat("x", 40),
		"cv_10":                          strings.Repeat("x", 39) + "é", // 41 bytes in UTF-8, 40 in Latin-1
		"user_DR_EmailSubject":           strings.Repeat("ü", 210),
		"user" + strings.Repeat("x", 28): "",
		"LiveChatThreadID":               strings.Repeat("x", 3000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "")
			s.must(201, "POST", tasksPath, taskJSON(t, taskA, fmt.Sprintf(`{"variables":{%q:%q}}`, name, value)))
			if got := s.record(taskA).Variables[name]; got != value {
				t.Errorf("variable = %q, want %q", got, value)
			}
		})
	}
}

func TestUserVariablesMustBeDefined(t *testing.T) {
	t.Parallel()
	s := newSite(t, `{"userVariables":["user_Known"]}`)
	s.must(201, "POST", tasksPath, taskJSON(t, taskA, `{"customerName":"Ann","variables":{"user_Known":"x"}}`))
	got := s.must(400, "POST", tasksPath, taskJSON(t, taskB, `{"variables":{"user_Other":"x"}}`))
	if !strings.Contains(got.body, "is not defined in CCE") {
		t.Errorf("body = %s", got.body)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	s := newSite(t, `{"tokens":{"mine":["agent","admin"]}}`)
	for authorization, want := range map[string]int{
		"":                 401,
		"Bearer":           401,
		"Bearer unknown":   401,
		"Basic cce-admin":  401,
		"Bearer cce-agent": 403,
		"Bearer cce-admin": 200,
		"bearer mine":      200,
	} {
		got := s.call("GET", tasksPath, "", "Authorization", authorization)
		if got.status != want {
			t.Errorf("%q = %d, want %d", authorization, got.status, want)
		}
		if challenge := got.header.Get("WWW-Authenticate"); (challenge != "") != (want == 401) {
			t.Errorf("%q has WWW-Authenticate %q", authorization, challenge)
		}
	}
	if got := s.must(200, "GET", "/drapi/v1/ping", "", "Authorization", ""); got.field("status") != "UP" {
		t.Errorf("ping = %s", got.body)
	}
}

func TestQuota(t *testing.T) {
	t.Parallel()
	s := newSite(t, `{"quota":{"telephony":1,"chat":0,"email":-1}}`)
	full := func(id, media string) {
		t.Helper()
		got := s.must(400, "POST", tasksPath, taskJSON(t, id, fmt.Sprintf(`{"mediaType":%q}`, media)))
		if got.field("error", "code") != 20286.0 || got.field("error", "key") != "MEDIA_TYPE_QUEUE_LIMIT_EXCEEDED" {
			t.Errorf("error = %s, want 20286", got.body)
		}
	}
	full(taskA, "chat")
	s.must(201, "POST", tasksPath, taskJSON(t, taskA, `{"mediaType":"Web Callback"}`))
	full(taskB, "Telephony")
	s.must(201, "POST", tasksPath, taskJSON(t, taskB, `{"mediaType":"EMAIL"}`))
	if q := s.state().Queues["telephony"]; q.Waiting != 1 || q.Quota != 1 {
		t.Errorf("telephony = %+v, want 1 of 1", q)
	}
	s.tell("route A = 200") // a task with an agent waits no more
	s.tell("close B = 200")
	s.must(201, "POST", tasksPath, taskJSON(t, taskB, `{"mediaType":"Telephony"}`))
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	for i := range 100 {
		if got := s.call("GET", tasksPath, ""); got.status != 200 {
			t.Fatalf("request %d = %d, want 200", i, got.status)
		}
	}
	got := s.must(429, "GET", tasksPath, "", "Authorization", "") // the proxy knows no tokens
	if got.header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After = %q", got.header.Get("Retry-After"))
	}
	s.must(200, "POST", "/_emulator/clock", `{"advance":"10ms"}`)
	s.must(200, "GET", tasksPath, "")
	s.must(429, "GET", tasksPath, "")
	s.must(200, "PATCH", "/_emulator/settings", `{"rate":0}`)
	for range 200 {
		s.must(200, "GET", tasksPath, "")
	}
	s.must(204, "POST", "/_emulator/reset", "")
	s.must(200, "GET", tasksPath, "")
}

func TestFaults(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fault    string
		status   int
		code     any
		contains string
	}{
		{"20200", 409, 20200.0, "TASK_ALREADY_EXISTS"},
		{"20200:200", 200, 20200.0, "TASK_ALREADY_EXISTS"},
		{"20200:400", 400, 20200.0, "TASK_ALREADY_EXISTS"},
		{"20200:409", 409, 20200.0, "TASK_ALREADY_EXISTS"},
		{"20286", 400, 20286.0, "MEDIA_TYPE_QUEUE_LIMIT_EXCEEDED"},
		{"400", 400, 400.0, "BAD_REQUEST"},
		{"401", 401, 401.0, "UNAUTHORIZED"},
		{"403", 403, 403.0, "FORBIDDEN"},
		{"404", 404, 404.0, "NOT_FOUND"},
		{"429", 429, 429.0, "TOO_MANY_REQUESTS"},
		{"500", 500, 500.0, "INTERNAL_SERVER_ERROR"},
		{"502", 502, nil, "<h1>502 Bad Gateway</h1>"},
		{"503", 503, 503.0, "this node is on standby"},
		{"expired_token", 401, 401.0, "expired"},
		{"malformed_json", 200, nil, `{"data": {"id": "0197f4a`},
		{"empty_body", 200, nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "")
			s.must(201, "POST", tasksPath, taskJSON(t, taskA, ""))
			got := s.call("POST", tasksPath+"/"+taskA+"/close", "{}", "X-Emulator-Fault", tt.fault, "TrackingID", "t1")
			if got.status != tt.status || got.field("error", "code") != tt.code || !strings.Contains(got.body, tt.contains) {
				t.Errorf("reply = %d %s, want %d with %v and %q", got.status, got.body, tt.status, tt.code, tt.contains)
			}
			if id := got.header["TrackingID"]; !slices.Equal(id, []string{"t1"}) {
				t.Errorf("TrackingID = %q, want t1", id)
			}
		})
	}
}

func TestExistingHasTheVendorsCode(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.must(201, "POST", tasksPath, taskJSON(t, taskA, ""))
	got := s.must(409, "POST", tasksPath, taskJSON(t, taskA, ""))
	want := `{"error":{"code":20200,"key":"TASK_ALREADY_EXISTS","message":"the task already exists"}}` + "\n"
	if got.body != want || got.header.Get("X-Emulator-Basis") != "decision" {
		t.Errorf("reply = %s (%s), want %s (decision)", got.body, got.header.Get("X-Emulator-Basis"), want)
	}
}

func TestIdempotencyKeyHasNoEffect(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	for _, want := range []int{201, 409} {
		s.must(want, "POST", tasksPath, taskJSON(t, taskA, ""), "Idempotency-Key", "k1")
	}
	var entries []emulator.Entry
	if err := json.Unmarshal([]byte(s.must(200, "GET", "/_emulator/journal", "").body), &entries); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IdempotencyKey != "k1" || e.Headers["authorization"] != "Bearer REDACTED" {
			t.Errorf("entry = %+v, want the key and no token", e)
		}
	}
}

func TestUnknownRoutes(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	for call, want := range map[string]int{
		"DELETE " + tasksPath + "/" + taskA: 405,
		"POST /drapi/v2/tasks":              404,
		"GET /_emulator/nothing":            404,
	} {
		method, path, _ := strings.Cut(call, " ")
		if got := s.call(method, path, ""); got.status != want {
			t.Errorf("%s = %d, want %d", call, got.status, want)
		}
	}
}

func TestRouteNamesTheAgent(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{"": "1100", `{"agent":"7"}`: "7"} {
		s := newSite(t, "")
		s.must(201, "POST", tasksPath, taskJSON(t, taskA, `{"preferredOwner":"1100"}`))
		s.must(200, "POST", "/_emulator/tasks/"+taskA+"/route", body)
		if got := s.record(taskA).Agent; got != want {
			t.Errorf("route %s: agent = %q, want %q", body, got, want)
		}
		s.must(400, "POST", "/_emulator/tasks/"+taskA+"/route", `{"agnet":"7"}`)
	}
}

func TestAdoptedTasksSaySo(t *testing.T) {
	t.Parallel()
	s := newSite(t, `{"adopt":true}`)
	s.must(200, "POST", tasksPath+"/"+taskA+"/close", `{"mediaType":"Social"}`)
	s.must(404, "POST", tasksPath+"/flid/close", `{}`)
	if r := s.record(taskA); !r.Adopted || r.MediaType != "Social" {
		t.Errorf("record = %+v, want an adopted task with the close's fields", r)
	}
}

func TestBadSettings(t *testing.T) {
	t.Parallel()
	for settings, message := range map[string]string{
		`{"existing":418}`:     "existing 418: expected 409, 400 or 200",
		`{"closed":500}`:       "closed 500: expected 200 or 400",
		`{"rate":-1}`:          "rate -1",
		`{"quota":{"fax":1}}`:  `quota of "fax": expected one of chat, email, social, telephony`,
		`{"existin":200}`:      `unknown field "existin"`,
		`{"webhookUrl":"://"}`: "webhookUrl",
	} {
		_, err := cce.New(emulator.Config{Settings: json.RawMessage(settings)})
		if err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("New with %s = %v, want %q", settings, err, message)
		}
	}
}

// receiver keeps what a webhook is told.
type receiver struct {
	events chan event
	status int
}

type event struct {
	Event, Time, DispositionCode string
	Task                         record
}

func (rc receiver) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var ev event
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &ev)
	w.WriteHeader(rc.status)
	select {
	case rc.events <- ev:
	case <-r.Context().Done(): // the test is over
	}
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	rc := receiver{events: make(chan event), status: 204}
	server := httptest.NewServer(rc)
	t.Cleanup(server.Close)
	s := newSite(t, fmt.Sprintf(`{"webhookUrl":%q,"routeAfterMs":1000}`, server.URL))
	next := func(want, disposition string) {
		t.Helper()
		ev := <-rc.events
		if ev.Event != want || ev.DispositionCode != disposition || ev.Task.TaskID != taskA || ev.Task.State != want {
			t.Fatalf("event = %+v, want %s %s", ev, want, disposition)
		}
	}
	s.tell("create A = 201")
	next("CREATED", "")
	// Nobody asks for the task: the emitter must see by itself that time passed.
	s.tell("advance 2s")
	next("QUEUED", "")
	next("ROUTED", "")
	s.tell("transfer A = 200")
	next("TRANSFERRED", "")
	s.tell("advance 15s")
	next("CLOSED", "CD_TASK_TRANSFER_TIMEOUT")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// The last delivery may have been cut off between its arrival and its reply.
	if got := s.state().Webhook; got.Delivered < 4 {
		t.Errorf("webhook = %+v, want at least 4 delivered", got)
	}
}

func TestWebhookThatFails(t *testing.T) {
	t.Parallel()
	rc := receiver{events: make(chan event), status: 500}
	server := httptest.NewServer(rc)
	t.Cleanup(server.Close)
	s := newSite(t, fmt.Sprintf(`{"webhookUrl":%q}`, server.URL))
	s.tell("create A = 201")
	<-rc.events
	s.tell("route A = 200")
	<-rc.events // the first delivery is over, and was not made again
	if got := s.state().Webhook; got.Failed < 1 || !strings.Contains(got.LastError, "500") {
		t.Errorf("webhook = %+v, want a failure", got)
	}
	s.must(204, "POST", "/_emulator/reset", "")
}

func TestCloseLetsGoOfASlowReceiver(t *testing.T) {
	t.Parallel()
	arrived := make(chan bool)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		arrived <- true
		<-r.Context().Done()
	}))
	t.Cleanup(server.Close)
	s := newSite(t, fmt.Sprintf(`{"webhookUrl":%q}`, server.URL))
	s.tell("create A = 201")
	<-arrived
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.tell("create B = 201") // a request that comes late starts nothing
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, `{"rate":0,"quota":{"social":-1},"queueAfterMs":0,"routeAfterMs":0}`)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 20 {
				id := fmt.Sprintf("0197f4a0-0000-7000-8000-%06d%06d", i, j)
				create := s.call("POST", tasksPath, taskJSON(t, id, ""))
				end := s.call("PUT", tasksPath+"/"+id+"/end", "{}")
				if create.status != 201 || end.status != 200 {
					t.Errorf("task %s: %d, %d", id, create.status, end.status)
				}
				s.call("GET", tasksPath+"?from=0", "")
				s.call("GET", "/_emulator/state", "")
			}
		})
	}
	wg.Wait()
	if got := len(s.state().Tasks); got != 160 {
		t.Errorf("%d tasks, want 160", got)
	}
}
