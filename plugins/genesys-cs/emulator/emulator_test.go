package emulator_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/emulator"
	cs "github.com/wendflow/wend/plugins/genesys-cs/emulator"
)

const (
	api     = "/genesys/1/cs/services"
	taskEnd = api + "/95/tasks/3/end"
	taskGet = api + "/95/tasks/3"
)

var start = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// site is an emulator with a clock that stands still.
type site struct {
	*emulator.Vendor

	t *testing.T
}

func newSite(t *testing.T, settings string) site {
	t.Helper()
	v, err := cs.New(emulator.Config{
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

func (r reply) basis() string { return r.header.Get("X-Emulator-Basis") }

// call makes a request as an administrator. Headers are given as name, value,
// name, value and go over the usual ones; an empty value takes one away.
func (s site) call(method, target, body string, headers ...string) reply {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, target, strings.NewReader(body))
	r.SetBasicAuth("cs-admin", "cs-admin-password")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Del(headers[i])
		if headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return reply{w.Code, w.Header(), strings.TrimSpace(w.Body.String())}
}

// as makes a request as somebody else.
func (s site) as(user, method, target, body string) reply {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, target, strings.NewReader(body))
	r.SetBasicAuth(user, user+"-password")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return reply{w.Code, w.Header(), strings.TrimSpace(w.Body.String())}
}

// must makes a request that must be answered so.
func (s site) must(status int, body, method, target, sent string, headers ...string) {
	s.t.Helper()
	got := s.call(method, target, sent, headers...)
	if got.status != status || got.body != body {
		s.t.Fatalf("%s %s = %d %s, want %d %s", method, target, got.status, got.body, status, body)
	}
}

// failure is the body of an error.
func failure(message string) string {
	text, _ := json.Marshal(message) // a string is always JSON
	return `{"message":` + string(text) + `,"exception":"com.genesyslab.gsg.services.contextservices.exceptions.ContextServicesExceptionResource"}`
}

func sample(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("testdata/complete-task.txt")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// repaired is the vendor's sample with its three mistakes taken out.
func repaired(t *testing.T) string {
	t.Helper()
	return strings.NewReplacer(
		"0000CSS0FXZUP6UR", `"0000CSS0FXZUP6UR"`, "25 000", "25000", "70 000", "70000",
	).Replace(sample(t))
}

// TestSampleVerbatim holds that the sample of the vendor's page is refused as it
// stands, and also with only one kind of its mistakes taken out.
func TestSampleVerbatim(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	text := sample(t)
	for _, body := range []string{
		text,
		strings.ReplaceAll(text, "0000CSS0FXZUP6UR", `"0000CSS0FXZUP6UR"`),
		strings.NewReplacer("25 000", "25000", "70 000", "70000").Replace(text),
	} {
		got := s.call("POST", taskEnd, body)
		if got.status != 400 || !strings.Contains(got.body, "the body is no JSON object: invalid character") {
			t.Errorf("the sample is answered %d %s", got.status, got.body)
		}
	}
	s.must(200, `{"service_id":95,"started":{"timestamp":"2026-11-20T08:00:00.000Z"},"state_id":24,"task_id":3,"task_type":60}`, "GET", taskGet, "")
}

func TestSampleRepaired(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.must(204, "", "POST", taskEnd, repaired(t))
	if got := s.call("POST", api+"/95/tasks/3/end", "{}").basis(); got != "decision" {
		t.Errorf("the second completion has the basis %q", got)
	}
	s.must(200, `{"Proposal":[{"car type":"cabriolet","price":25000,"seats":2,"comments":"200 cv, hardtop"},`+
		`{"car type":"S.U.V.","price":70000,"seats":8,"comments":"4wd, leather seats"}],`+
		`"Survey":{"url":"http://ourServer/storage/userAnswers","question1":7,"question2":true,"question3":"will be better with cable tv and on-demand video"},`+
		`"completed":{"disposition":10,"disposition_desc":"SUCCESS","interaction_id":"0000CSS0FXZUP6UR","timestamp":"2026-11-20T08:00:00.000Z"},`+
		`"service_id":95,"started":{"timestamp":"2026-11-20T08:00:00.000Z"},"state_id":24,"task_id":3,"task_type":60}`,
		"GET", taskGet+"?extensions=Survey,Proposal,Unknown", "")
}

func TestBasis(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	tests := []struct{ method, target, body, want string }{
		{"POST", taskEnd, "{}", "seed"},
		{"GET", taskGet, "", "public"},
		{"GET", api + "/95/tasks", "", "public"},
		{"GET", api + "/95", "", "inference"},
		{"POST", api + "/start", `{"customer_id":"C"}`, "inference"},
		{"POST", api + "/95/tasks/start", `{}`, "inference"},
		{"POST", api + "/95/states/24/end", `{}`, "inference"},
		{"POST", api + "/95/end", `{}`, "inference"},
		{"GET", api + "/96", "", "decision"},
		{"GET", "/genesys/1/cs/metadata/business-attributes", "", "decision"},
	}
	for _, test := range tests {
		if got := s.call(test.method, test.target, test.body); got.basis() != test.want || got.status >= 400 && got.status != 404 {
			t.Errorf("%s %s = %d, basis %q, want %q", test.method, test.target, got.status, got.basis(), test.want)
		}
	}
}

// TestRefusals goes through what is answered with an error.
func TestRefusals(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 65)
	tests := []struct {
		name, method, target, body string
		status                     int
		message                    string
	}{
		{"unknown service", "POST", api + "/96/tasks/3/end", "{}", 404, "service 96 does not exist"},
		{"id with a leading zero", "POST", api + "/095/tasks/3/end", "{}", 404, "service 095 does not exist"},
		{"unknown task", "POST", api + "/95/tasks/4/end", "{}", 404, "task 4 does not exist in service 95"},
		{"task that is no number", "POST", api + "/95/tasks/x/end", "{}", 400, "task_id 'x': expected an integer of 32 bits"},
		{"task beyond 32 bits", "GET", api + "/95/tasks/2147483648", "", 400, "task_id '2147483648': expected an integer of 32 bits"},
		{"negative task", "GET", api + "/95/tasks/-1", "", 400, "task_id '-1': expected an integer of 32 bits"},
		{"unknown state", "GET", api + "/95/states/9", "", 404, "state 9 does not exist in service 95"},
		{"unknown resource", "GET", "/genesys/1/cs/customers/C-95/services", "", 404, "no resource '/genesys/1/cs/customers/C-95/services'"},
		{"no body", "POST", taskEnd, "", 400, "the body is no JSON object: EOF"},
		{"null", "POST", taskEnd, "null", 400, "the body is null, expected a JSON object"},
		{"two objects", "POST", taskEnd, "{}{}", 400, "the body goes on after its JSON object"},
		{"wrong state", "POST", taskEnd, `{"state_id":23}`, 400, "task 3 is of state 24, not of state 23"},
		{"state that is no integer", "POST", taskEnd, `{"state_id":"24"}`, 400, "state_id: expected an integer of 0 to 2147483647"},
		{"state with a fraction", "POST", taskEnd, `{"state_id":24.0}`, 400, "state_id: expected an integer of 0 to 2147483647"},
		{"completed already", "POST", api + "/95/tasks/0/end", "{}", 400, "task 0 is already completed"},
		{"unknown disposition", "POST", taskEnd, `{"disposition":99}`, 400, "unknown value 99 of business attribute 'disposition', valid values are 10 (Success), 11 (Failure), 12 (NoAnswer)"},
		{"unknown media type", "POST", taskEnd, `{"media_type":"fax"}`, 400, "unknown value 'fax' of business attribute 'media_type', valid values are 200 (voice), 201 (email), 202 (chat), 203 (sms)"},
		{"an id as a text", "POST", taskEnd, `{"disposition":"10"}`, 400, "unknown value '10' of business attribute 'disposition', valid values are 10 (Success), 11 (Failure), 12 (NoAnswer)"},
		{"a null disposition", "POST", taskEnd, `{"disposition":null}`, 400, "disposition: expected an integer or a string"},
		{"a list of services", "POST", taskEnd, `{"service_id":[95]}`, 400, "service_id: expected an integer or a string"},
		{"session_id too long", "POST", taskEnd, `{"session_id":"` + strings.Repeat("s", 33) + `"}`, 400, "session_id is limited to 32 characters"},
		{"interaction_id too long", "POST", taskEnd, `{"interaction_id":"` + strings.Repeat("i", 51) + `"}`, 400, "interaction_id is limited to 50 characters"},
		{"disposition_desc too long", "POST", taskEnd, `{"disposition_desc":"` + long + `"}`, 400, "disposition_desc is limited to 64 characters"},
		{"session_id no string", "POST", taskEnd, `{"session_id":1}`, 400, "session_id: expected a string"},
		{"application_id no integer", "POST", taskEnd, `{"application_id":"1"}`, 400, "application_id: expected an integer of 0 to 9223372036854775807"},
		{"timestamp without milliseconds", "POST", taskEnd, `{"timestamp":"2018-09-07T10:34:00Z"}`, 400, "timestamp: expected [YYYY]-[MM]-[DD]T[HH]:[mm]:[ss].[SSS]Z"},
		{"timestamp not in UTC", "POST", taskEnd, `{"timestamp":"2018-09-07T10:34:00.000+02:00"}`, 400, "timestamp: expected [YYYY]-[MM]-[DD]T[HH]:[mm]:[ss].[SSS]Z"},
		{"the first mistake by name", "POST", taskEnd, `{"session_id":1,"media_type":"fax","disposition":null}`, 400, "disposition: expected an integer or a string"},
		{"service of nobody", "POST", api + "/start", `{"service_type":1}`, 400, "customer_id or contact_key is mandatory"},
		{"service of an unknown type", "POST", api + "/start", `{"customer_id":"C","service_type":9}`, 400, "unknown value 9 of business attribute 'service_type', valid values are 1 (Sales), 2 (Support), 100 (CarRental)"},
		{"task of an unknown state", "POST", api + "/95/tasks/start", `{"state_id":9}`, 400, "state 9 is not an active state of service 95"},
		{"task of an unknown service", "POST", api + "/96/tasks/start", `{}`, 404, "service 96 does not exist"},
		{"query by a state that is no number", "GET", api + "/95/tasks?state_id=x", "", 400, "state_id 'x': expected an integer of 32 bits"},
		{"unknown attribute", "GET", "/genesys/1/cs/metadata/business-attributes/x", "", 404, "no business attribute 'x'"},
	}
	s := newSite(t, "")
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			site{s.Vendor, t}.must(test.status, failure(test.message), test.method, test.target, test.body)
		})
	}
}

func TestOtherMediaTypes(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.must(415, failure("unsupported media type 'text/plain', expected application/json"), "POST", taskEnd, "{}", "Content-Type", "text/plain")
	s.must(204, "", "POST", taskEnd, "{}", "Content-Type", "application/json;charset=UTF-8")
}

func TestMethodNotAllowed(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	got := s.call("GET", taskEnd, "")
	if got.status != 405 || got.header.Get("Allow") != "POST" || got.body != failure("method GET is not allowed here") {
		t.Errorf("GET %s = %d %s", taskEnd, got.status, got.body)
	}
}

// TestStateOnlyWhereTheTaskHasOne holds that a state is compared with that of the
// task, and does not matter where the task has none.
func TestStateOnlyWhereTheTaskHasOne(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.must(204, "", "POST", api+"/ABC1235XZY/tasks/0/end", `{"state_id":24}`)
	s.must(204, "", "POST", taskEnd, `{"state_id":24}`)
}

func TestRepeat(t *testing.T) {
	t.Parallel()
	for _, status := range []int{204, 400, 404, 409} {
		s := newSite(t, fmt.Sprintf(`{"repeat":%d}`, status))
		for _, target := range []string{api + "/95/tasks/0/end", api + "/1/states/2/end", api + "/1/end"} {
			s.call("POST", target, "{}")
			if got := s.call("POST", target, "{}"); got.status != status || got.basis() != "decision" {
				t.Errorf("the second POST %s = %d, basis %q, want %d", target, got.status, got.basis(), status)
			}
		}
	}
}

// TestLife starts everything there is, ends the service and finds all ended.
func TestLife(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	const id = "9007199254740993"
	s.must(201, `{"service_id":`+id+`}`, "POST", api+"/start",
		`{"customer_id":"C-1","service_type":"CarRental","media_type":202,"est_duration":60,"Car":{"doors":5}}`)
	s.must(201, `{"service_id":9007199254740994}`, "POST", api+"/start", `{"contact_key":"+49"}`)
	s.must(201, `{"state_id":0}`, "POST", api+"/"+id+"/states/start", `{"state_type":24}`)
	s.must(201, `{"task_id":0}`, "POST", api+"/"+id+"/tasks/start", `{"task_type":"STT-Survey","state_id":0}`)
	s.must(201, `{"task_id":1}`, "POST", api+"/"+id+"/tasks/start", `{"est_duration":5}`)
	s.must(204, "", "POST", api+"/"+id+"/tasks/0/end", `{"disposition":"Success","timestamp":"2018-09-07T10:34:00.000Z"}`)
	s.must(200, `[{"est_duration":5,"service_id":`+id+`,"started":{"timestamp":"2026-11-20T08:00:00.000Z"},"task_id":1}]`, "GET", api+"/"+id+"/tasks/active", "")
	s.must(204, "", "POST", api+"/"+id+"/end", `{"service_id":`+id+`,"disposition":11}`)
	s.must(200, `[]`, "GET", api+"/"+id+"/tasks/active", "")
	s.must(200, `[{"completed":{"disposition":10,"timestamp":"2018-09-07T10:34:00.000Z"},"service_id":`+id+`,"started":{"timestamp":"2026-11-20T08:00:00.000Z"},"state_id":0,"task_id":0,"task_type":60},`+
		`{"completed":{"timestamp":"2026-11-20T08:00:00.000Z"},"est_duration":5,"service_id":`+id+`,"started":{"timestamp":"2026-11-20T08:00:00.000Z"},"task_id":1}]`,
		"GET", api+"/"+id+"/tasks/completed", "")
	s.must(200, `[{"completed":{"timestamp":"2026-11-20T08:00:00.000Z"},"service_id":`+id+`,"started":{"timestamp":"2026-11-20T08:00:00.000Z"},"state_id":0,"state_type":24}]`,
		"GET", api+"/"+id+"/states/completed", "")
	s.must(200, `{"Car":{"doors":5},"completed":{"disposition":11,"service_id":`+id+`,"timestamp":"2026-11-20T08:00:00.000Z"},"customer_id":"C-1","est_duration":60,"service_id":`+id+
		`,"service_type":100,"started":{"media_type":202,"timestamp":"2026-11-20T08:00:00.000Z"}}`, "GET", api+"/"+id+"?extensions=Car", "")
	s.must(400, failure("service "+id+" is already completed"), "POST", api+"/"+id+"/tasks/start", "{}")
	s.must(400, failure("task 1 is already completed"), "POST", api+"/"+id+"/tasks/1/end", "{}")
}

func TestQueryTasks(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	tests := []struct {
		query string
		want  []int
	}{
		{"", []int{0, 1, 2, 3}},
		{"/active", []int{3}},
		{"/completed", []int{0, 1, 2}},
		{"?state_id=24", []int{3}},
		{"?task_types=60", []int{3}},
		{"?task_types=STT-Survey", []int{3}},
		{"?task_types=50,STT-Survey", []int{0, 1, 2, 3}},
		{"/completed?task_types=60", []int{}},
		{"?task_types=99", []int{}},
		{"/active?state_id=24&task_types=60", []int{3}},
	}
	for _, test := range tests {
		var tasks []struct {
			ID int `json:"task_id"`
		}
		got := s.call("GET", api+"/95/tasks"+test.query, "")
		if err := json.Unmarshal([]byte(got.body), &tasks); err != nil {
			t.Fatalf("%s: %v", test.query, err)
		}
		ids := []int{}
		for _, task := range tasks {
			ids = append(ids, task.ID)
		}
		if !slices.Equal(ids, test.want) {
			t.Errorf("tasks%s are %v, want %v", test.query, ids, test.want)
		}
	}
}

// TestVendorsQuerySample holds that the task of the vendor's Query Tasks page is
// there as the page has it.
func TestVendorsQuerySample(t *testing.T) {
	t.Parallel()
	newSite(t, "").must(200, `[{"Survey":{"url":"http://ourServer/storage/userAnswers","question1":7,"question2":true,"question3":"will be better with cable tv and on-demand video"},`+
		`"completed":{"timestamp":"2010-05-20T15:42:47.380Z"},"est_duration":55,"service_id":1,"started":{"interaction_id":"65","timestamp":"2010-05-20T15:41:52.380Z"},"state_id":2,"task_id":0,"task_type":55}]`,
		"GET", api+"/1/tasks?extensions=Survey", "")
}

func TestLargestIDs(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	const largest = api + "/9223372036854775807/tasks/2147483647"
	s.must(204, "", "POST", largest+"/end", `{"application_id":9223372036854775807}`)
	s.must(200, `{"completed":{"application_id":9223372036854775807,"timestamp":"2026-11-20T08:00:00.000Z"},"service_id":9223372036854775807,"started":{"timestamp":"2026-11-20T08:00:00.000Z"},"task_id":2147483647}`,
		"GET", largest, "")
}

func TestTextIDs(t *testing.T) {
	t.Parallel()
	s := newSite(t, `{"serviceIds":"text","start":200}`)
	const id = "0197f4a0-0000-7000-8000-0000000000ff"
	s.must(200, `{"service_id":"`+id+`"}`, "POST", api+"/start", `{"customer_id":"C"}`)
	s.must(200, `{"task_id":0}`, "POST", api+"/"+id+"/tasks/start", `{}`)
	s.must(200, `{"service_id":"`+id+`","started":{"timestamp":"2026-11-20T08:00:00.000Z"},"task_id":0}`, "GET", api+"/"+id+"/tasks/0", "")
}

func TestTypesMandatory(t *testing.T) {
	t.Parallel()
	s := newSite(t, `{"typesMandatory":true}`)
	s.must(400, failure("service_type is mandatory"), "POST", api+"/start", `{"customer_id":"C"}`)
	s.must(400, failure("task_type is mandatory"), "POST", api+"/95/tasks/start", `{}`)
	s.must(201, `{"task_id":4}`, "POST", api+"/95/tasks/start", `{"task_type":50}`)
}

func TestMapNames(t *testing.T) {
	t.Parallel()
	s := newSite(t, `{"mapNames":true,"attributes":{"media_type":[]}}`)
	s.must(204, "", "POST", taskEnd, `{"disposition":10,"media_type":"fax"}`)
	s.must(200, `{"completed":{"disposition":"Success","media_type":"fax","timestamp":"2026-11-20T08:00:00.000Z"},"service_id":95,"started":{"timestamp":"2026-11-20T08:00:00.000Z"},"state_id":24,"task_id":3,"task_type":"STT-Survey"}`,
		"GET", taskGet, "")
	s.must(200, `[{"id":10,"name":"Success","display":"Success"},{"id":11,"name":"Failure","display":"Failure"},{"id":12,"name":"NoAnswer","display":"No answer"}]`,
		"GET", "/genesys/1/cs/metadata/business-attributes/disposition", "")
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	got := s.call("POST", taskEnd, "{}", "Authorization", "")
	if got.status != 401 || got.body != failure("credentials are missing") || got.header.Get("WWW-Authenticate") != `Basic realm="Genesys Application Configuration Needed"` {
		t.Errorf("without credentials: %d %s %v", got.status, got.body, got.header)
	}
	s.must(401, failure("credentials are incorrect"), "POST", taskEnd, "{}", "Authorization", "Basic Y3MtYWRtaW46eA==")
	s.must(401, failure("credentials are missing"), "POST", taskEnd, "{}", "Authorization", "Bearer x")
	newSite(t, `{"basic":false}`).must(204, "", "POST", taskEnd, "{}", "Authorization", "")
}

func TestRoles(t *testing.T) {
	t.Parallel()
	free, strict := newSite(t, ""), newSite(t, `{"useRole":true}`)
	tests := []struct {
		user, method, target string
		free, strict         int
	}{
		{"cs-admin", "GET", taskGet, 200, 200},
		{"cs-supervisor", "GET", taskGet, 200, 200},
		{"cs-agent", "GET", taskGet, 200, 401},
		{"cs-supervisor", "POST", api + "/95/tasks/start", 201, 401},
		{"cs-agent", "POST", api + "/95/tasks/start", 201, 401},
		{"cs-admin", "POST", api + "/95/tasks/start", 201, 201},
	}
	for _, test := range tests {
		if got := free.as(test.user, test.method, test.target, "{}").status; got != test.free {
			t.Errorf("%s %s as %s = %d, want %d", test.method, test.target, test.user, got, test.free)
		}
		if got := strict.as(test.user, test.method, test.target, "{}").status; got != test.strict {
			t.Errorf("%s %s as %s with roles = %d, want %d", test.method, test.target, test.user, got, test.strict)
		}
	}
}

// TestTenants holds the two errors whose texts are public, and that one tenant
// does not see the services of another.
func TestTenants(t *testing.T) {
	t.Parallel()
	const (
		missing = "Invalid tenant specified : no tenant specified in multi-tenant environment. Verify configuration and 'ContactCenterId' HTTP header."
		wrong   = "Invalid tenant specified : specified tenant in HTTP header 'ContactCenterId'='wrong value' not configured. Verify configuration."
	)
	single, multi := newSite(t, ""), newSite(t, `{"multiTenant":true,"tenantStatus":403}`)
	multi.must(403, failure(missing), "GET", taskGet, "")
	multi.must(403, failure(wrong), "GET", taskGet, "", "ContactCenterId", "wrong value")
	single.must(400, failure(wrong), "GET", taskGet, "", "ContactCenterId", "wrong value")
	for _, tenant := range []string{"1", "Environment"} {
		if got := multi.call("GET", taskGet, "", "ContactCenterId", tenant); got.status != 200 {
			t.Errorf("tenant %s: %d %s", tenant, got.status, got.body)
		}
	}
	single.must(404, failure("service 95 does not exist"), "GET", taskGet, "", "ContactCenterId", "101")
	single.must(201, `{"service_id":9007199254740993}`, "POST", api+"/start", `{"customer_id":"C"}`, "ContactCenterId", "Resources")
	single.must(404, failure("service 9007199254740993 does not exist"), "GET", api+"/9007199254740993", "")
}

// TestAutoComplete puts the clock ahead until the server ends what is open.
func TestAutoComplete(t *testing.T) {
	t.Parallel()
	s := newSite(t, `{"autoComplete":true,"autoCompleteAfter":100}`)
	advance := func(d string) {
		s.call("POST", "/_emulator/clock", `{"advance":"`+d+`"}`)
	}
	status := func(target string) string {
		if strings.Contains(s.call("GET", target, "").body, `"completed"`) {
			return "completed"
		}
		return "active"
	}
	s.must(201, `{"service_id":9007199254740993}`, "POST", api+"/start", `{"customer_id":"C","auto_complete_after":10}`)
	s.must(201, `{"service_id":9007199254740994}`, "POST", api+"/start", `{"customer_id":"C","auto_complete_after":1000}`)
	advance("9s")
	s.must(201, `{"task_id":0}`, "POST", api+"/9007199254740993/tasks/start", "{}") // a change, which puts it off
	advance("9s")
	if got := status(api + "/9007199254740993"); got != "active" {
		t.Errorf("9 seconds after its last change the service is %s", got)
	}
	advance("1s")
	for target, want := range map[string]string{
		"/9007199254740993": "completed", "/9007199254740993/tasks/0": "completed", "/9007199254740994": "active", "/95/tasks/3": "active",
	} {
		if got := status(api + target); got != want {
			t.Errorf("after 19 s %s is %s, want %s", target, got, want)
		}
	}
	advance("81s")
	if got := status(taskGet); got != "completed" {
		t.Errorf("after 100 s the task of service 95 is %s", got)
	}
	s.must(400, failure("task 3 is already completed"), "POST", taskEnd, "{}")
}

func TestFaults(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	tests := []struct {
		fault  string
		status int
		body   string
	}{
		{"already_completed", 400, failure("task 0 is already completed")},
		{"invalid_tenant", 400, failure("Invalid tenant specified : specified tenant in HTTP header 'ContactCenterId'='wrong value' not configured. Verify configuration.")},
		{"no_tenant", 400, failure("Invalid tenant specified : no tenant specified in multi-tenant environment. Verify configuration and 'ContactCenterId' HTTP header.")},
		{"role_refused", 401, failure("the user is not allowed to execute this operation, it needs the role Administrator")},
		{"login_page", 200, `<html><body><form action="/login">Please log in</form></body></html>`},
		{"503", 503, failure("service unavailable")},
		{"expired_token", 401, failure("unauthorized")},
	}
	for _, test := range tests {
		s.must(test.status, test.body, "POST", taskEnd, "{}", "X-Emulator-Fault", test.fault)
	}
	if got := newSite(t, `{"repeat":204}`).call("POST", taskEnd, "{}", "X-Emulator-Fault", "already_completed").status; got != 400 {
		t.Errorf("already_completed where a repeat is a success: %d, want 400", got)
	}
	s.must(204, "", "POST", taskEnd, "{}")
}

// TestState holds that the dump has everything: attached data without being
// asked for, and other tenants' services.
func TestState(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.must(201, `{"service_id":9007199254740993}`, "POST", api+"/start", `{"contact_key":"+49","service_type":1,"n":1}`, "ContactCenterId", "101")
	s.must(201, `{"task_id":0}`, "POST", api+"/9007199254740993/tasks/start", `{"task_type":60,"Survey":{"q":1}}`, "ContactCenterId", "101")
	s.must(204, "", "POST", api+"/9007199254740993/tasks/0/end", `{"disposition":10,"Survey":{"q":2}}`, "ContactCenterId", "101")
	s.must(201, `{"state_id":0}`, "POST", api+"/9007199254740993/states/start", `{"state_type":20,"Note":"x"}`, "ContactCenterId", "101")
	s.must(204, "", "POST", api+"/9007199254740993/end", `{"disposition":11}`, "ContactCenterId", "101")
	var state struct{ Services []json.RawMessage }
	if err := json.Unmarshal([]byte(s.call("GET", "/_emulator/state", "").body), &state); err != nil {
		t.Fatal(err)
	}
	var compact strings.Builder
	for _, line := range strings.Split(string(state.Services[len(state.Services)-1]), "\n") {
		compact.WriteString(strings.ReplaceAll(strings.TrimSpace(line), `": `, `":`))
	}
	want := `{"service_id":9007199254740993,"tenant":"101","contact_key":"+49","service_type":1,"status":"completed",` +
		`"started":{"timestamp":"2026-11-20T08:00:00.000Z"},"completed":{"disposition":11,"timestamp":"2026-11-20T08:00:00.000Z"},"extensions":{"n":1},` +
		`"states":[{"state_id":0,"state_type":20,"status":"completed","started":{"timestamp":"2026-11-20T08:00:00.000Z"},` +
		`"completed":{"timestamp":"2026-11-20T08:00:00.000Z"},"extensions":{"Note":"x"}}],` +
		`"tasks":[{"task_id":0,"task_type":60,"status":"completed","started":{"timestamp":"2026-11-20T08:00:00.000Z"},` +
		`"completed":{"disposition":10,"timestamp":"2026-11-20T08:00:00.000Z"},"extensions":{"Survey":{"q":2}}}]}`
	if diff := cmp.Diff(want, compact.String()); diff != "" {
		t.Errorf("state (-want +got):\n%s", diff)
	}
}

func TestReset(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	before := s.call("GET", "/_emulator/state", "").body
	s.must(204, "", "POST", taskEnd, "{}")
	s.must(201, `{"service_id":9007199254740993}`, "POST", api+"/start", `{"customer_id":"C"}`)
	s.call("PATCH", "/_emulator/settings", `{"basic":false}`)
	s.call("POST", "/_emulator/reset", "")
	if diff := cmp.Diff(before, s.call("GET", "/_emulator/state", "").body); diff != "" {
		t.Errorf("state after a reset (-before +after):\n%s", diff)
	}
	s.must(401, failure("credentials are missing"), "GET", taskGet, "", "Authorization", "")
	s.must(201, `{"service_id":9007199254740993}`, "POST", api+"/start", `{"customer_id":"C"}`)
}

func TestSettingsAreChecked(t *testing.T) {
	t.Parallel()
	for settings, want := range map[string]string{
		`{"repeat":500}`:             "settings: repeat 500: expected 204, 400, 404 or 409",
		`{"start":204}`:              "settings: start 204: expected 201 or 200",
		`{"tenantStatus":200}`:       "settings: tenantStatus 200: expected one from 400 to 599",
		`{"serviceIds":"uuid"}`:      `settings: serviceIds "uuid": expected integer or text`,
		`{"firstServiceId":-1}`:      "settings: firstServiceId -1: expected 0 or more",
		`{"autoCompleteAfter":-1}`:   "settings: autoCompleteAfter -1: expected seconds, or 0 for never",
		`{"attributes":{"mood":[]}}`: `settings: attribute "mood": expected one of application_type, disposition, media_type, resource_type, service_type, state_type, task_type`,
		`{"token":"x"}`:              `settings: json: unknown field "token"`,
	} {
		if _, err := cs.New(emulator.Config{Settings: json.RawMessage(settings)}); err == nil || err.Error() != want {
			t.Errorf("New with %s fails with %v, want %s", settings, err, want)
		}
	}
}

func TestUnknownFault(t *testing.T) {
	t.Parallel()
	fault, err := emulator.ParseFault("lightning")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cs.New(emulator.Config{Faults: []emulator.Fault{fault}}); err == nil || !strings.Contains(err.Error(), `no fault "lightning"`) {
		t.Errorf("New fails with %v", err)
	}
}
