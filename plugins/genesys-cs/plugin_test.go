package main

import (
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/sdk/sdktest"
	"github.com/wendflow/wend/sdk/wire"
)

func replying(reply wire.Reply) func(wire.Call) wire.Reply {
	return func(wire.Call) wire.Reply { return reply }
}

var accepted = replying(wire.Reply{Status: 204})

// least is what each method can be run with, and goods what makes it a success.
var (
	least = map[string]map[string]any{
		"complete-task": {"serviceId": "95", "taskId": 3},
		"start-service": {"customerId": "C-1"},
		"start-task":    {"serviceId": "95"},
		"get-task":      {"serviceId": "95", "taskId": 3},
		"query-tasks":   {"serviceId": "95"},
	}
	goods = map[string]string{
		"complete-task": ``,
		"start-service": `{"service_id":95}`,
		"start-task":    `{"task_id":3}`,
		"get-task":      `{"task_id":3,"started":{}}`,
		"query-tasks":   `[{"task_id":3,"started":{}}]`,
	}
)

// with is the least input of a method and more.
func with(method string, more map[string]any) map[string]any {
	inputs := maps.Clone(least[method])
	maps.Copy(inputs, more)
	return inputs
}

// sent is the body of the only call, with its numbers as they were written.
func sent(t *testing.T, result sdktest.Result) map[string]any {
	t.Helper()
	if len(result.Calls) != 1 {
		t.Fatalf("%d calls, outcome %s: %s", len(result.Calls), result.Outcome, result.Message)
	}
	decoder := json.NewDecoder(strings.NewReader(string(result.Calls[0].Body)))
	decoder.UseNumber()
	var body map[string]any
	if err := decoder.Decode(&body); err != nil {
		t.Fatal(err)
	}
	return body
}

func TestCalls(t *testing.T) {
	t.Parallel()
	get := map[string]string{"Accept": "application/json"}
	post := map[string]string{"Accept": "application/json", "Content-Type": "application/json;charset=UTF-8"}
	const base = "/genesys/1/cs/services"
	tests := []struct {
		name, method     string
		inputs, settings map[string]any
		want             wire.Call
	}{
		{
			name: "complete", method: "complete-task",
			want: wire.Call{Method: "POST", URL: base + "/95/tasks/3/end", Headers: post, Body: []byte(`{}`)},
		},
		{
			name: "complete with every field", method: "complete-task",
			inputs: map[string]any{
				"serviceId": " 95 ", "taskId": " 03 ", "stateId": "24", "sessionId": "s", "interactionId": "i", "applicationType": "IVR", "applicationId": "1",
				"resourceType": 2, "resourceId": 3, "mediaType": "chat", "disposition": 10, "dispositionDesc": "SUCCESS", "timestamp": "2018-09-07T10:34:00Z",
				"extensions": map[string]any{"car type": "cabriolet", "": nil, "n": []any{1, true, nil, map[string]any{}}},
			},
			want: wire.Call{Method: "POST", URL: base + "/95/tasks/3/end", Headers: post, Body: []byte(
				`{"":null,"application_id":1,"application_type":"IVR","car type":"cabriolet","disposition":10,"disposition_desc":"SUCCESS","interaction_id":"i",` +
					`"media_type":"chat","n":[1,true,null,{}],"resource_id":3,"resource_type":2,"session_id":"s","state_id":24,"timestamp":"2018-09-07T10:34:00.000Z"}`,
			)},
		},
		{
			name: "complete with fields that are empty", method: "complete-task",
			inputs: map[string]any{
				"stateId": "", "sessionId": nil, "interactionId": "", "applicationType": "", "applicationId": nil, "resourceType": nil, "resourceId": "",
				"mediaType": "", "disposition": nil, "dispositionDesc": "", "timestamp": "", "extensions": nil,
			},
			want: wire.Call{Method: "POST", URL: base + "/95/tasks/3/end", Headers: post, Body: []byte(`{}`)},
		},
		{
			name: "complete in a tenant and elsewhere", method: "complete-task",
			settings: map[string]any{"contactCenterId": 101, "groupId": "Sales", "servicesPath": "/services"},
			want: wire.Call{Method: "POST", URL: "/services/95/tasks/3/end", Body: []byte(`{}`), Headers: map[string]string{
				"Accept": "application/json", "Content-Type": "application/json;charset=UTF-8", "ContactCenterId": "101", "GroupId": "Sales",
			}},
		},
		{
			name: "start a service", method: "start-service",
			inputs: map[string]any{
				"contactKey": 4930, "serviceType": "CarRental", "estDuration": "60", "autoCompleteAfter": 600, "sessionId": "s", "interactionId": 65, "mediaType": 202,
				"extensions": map[string]any{"Car": 1},
			},
			want: wire.Call{Method: "POST", URL: base + "/start", Headers: post, Body: []byte(
				`{"Car":1,"auto_complete_after":600,"contact_key":"4930","customer_id":"C-1","est_duration":60,"interaction_id":"65","media_type":202,"service_type":"CarRental","session_id":"s"}`,
			)},
		},
		{
			name: "start a task", method: "start-task",
			inputs: map[string]any{"stateId": 24, "taskType": 60, "estDuration": 30},
			want:   wire.Call{Method: "POST", URL: base + "/95/tasks/start", Headers: post, Body: []byte(`{"est_duration":30,"state_id":24,"task_type":60}`)},
		},
		{
			name: "get", method: "get-task",
			want: wire.Call{Method: "GET", URL: base + "/95/tasks/3", Headers: get, Body: []byte{}},
		},
		{
			name: "get with attached data", method: "get-task",
			inputs:   map[string]any{"extensions": []any{"Survey", "car type", "Größe&?#/"}},
			settings: map[string]any{"contactCenterId": "Resources"},
			want: wire.Call{
				Method: "GET", URL: base + "/95/tasks/3?extensions=Survey,car%20type,Gr%C3%B6%C3%9Fe%26%3F%23%2F", Body: []byte{},
				Headers: map[string]string{"Accept": "application/json", "ContactCenterId": "Resources"},
			},
		},
		{
			name: "query", method: "query-tasks",
			want: wire.Call{Method: "GET", URL: base + "/95/tasks", Headers: get, Body: []byte{}},
		},
		{
			name: "query with everything", method: "query-tasks",
			inputs: map[string]any{"status": "completed", "stateId": 0, "taskTypes": []any{"STT-Survey", 3}, "extensions": []any{"Survey"}},
			want:   wire.Call{Method: "GET", URL: base + "/95/tasks/completed?state_id=0&task_types=STT-Survey,3&extensions=Survey", Headers: get, Body: []byte{}},
		},
		{
			name: "query active", method: "query-tasks",
			inputs: map[string]any{"status": "active", "stateId": nil, "taskTypes": []any{}, "extensions": nil},
			want:   wire.Call{Method: "GET", URL: base + "/95/tasks/active", Headers: get, Body: []byte{}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result := run(t, test.method, sdktest.Visit{
				Inputs: with(test.method, test.inputs), Settings: test.settings, Reply: replying(wire.Reply{Status: 200, Body: []byte(goods[test.method])}),
			})
			if diff := cmp.Diff([]wire.Call{test.want}, result.Calls); diff != "" {
				t.Errorf("calls (-want +got), outcome %s %s:\n%s", result.Outcome, result.Message, diff)
			}
			if result.Outcome != success {
				t.Errorf("outcome %s: %s", result.Outcome, result.Message)
			}
		})
	}
}

// TestStatuses goes through every status there is, with each method.
func TestStatuses(t *testing.T) {
	t.Parallel()
	for method := range plugin {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			for status := 200; status <= 599; status++ {
				want, code := serverError, "http"+strconv.Itoa(status)
				switch {
				case status == 200 || status == 201 || status == 204:
					want, code = success, ""
				case status == 401 || status == 403:
					want = unauthorized
				case status == 404:
					want = notFound
				case 400 <= status && status <= 499:
					want = badRequest
				}
				result := run(t, method, sdktest.Visit{
					Inputs: least[method], Reply: replying(wire.Reply{Status: status, Body: []byte(goods[method])}),
				})
				if result.Outcome != want || result.Outputs["errorCode"] != code || result.Outputs["httpStatus"] != status {
					t.Errorf("%d: outcome %s, code %v; want %s, %s", status, result.Outcome, result.Outputs["errorCode"], want, code)
				}
			}
		})
	}
}

// TestStatusOutcomes holds that a connection turns the statuses it names, and no
// success.
func TestStatusOutcomes(t *testing.T) {
	t.Parallel()
	settings := map[string]any{"statusOutcomes": map[string]any{
		"409": notFound, "302": unauthorized, "404": badRequest, "500": badRequest, "401": serverError, "204": badRequest,
	}}
	for status, want := range map[int]string{
		409: notFound, 302: unauthorized, 404: badRequest, 500: badRequest, 401: serverError, 204: success, 400: badRequest, 403: unauthorized, 503: serverError,
	} {
		result := run(t, "complete-task", sdktest.Visit{Inputs: least["complete-task"], Settings: settings, Reply: replying(wire.Reply{Status: status})})
		if result.Outcome != want {
			t.Errorf("%d: outcome %s, want %s", status, result.Outcome, want)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	tests := map[wire.Failure]string{
		wire.Timeout: timeout, wire.Unauthorized: unauthorized, wire.Unreachable: unreachable, wire.Refused: unreachable, wire.Interrupted: unreachable,
	}
	for method := range plugin {
		for failure, want := range tests {
			for said, message := range map[string]string{"": "the call had no response: " + string(failure), "why": "why"} {
				result := run(t, method, sdktest.Visit{Inputs: least[method], Reply: replying(wire.Reply{Failure: failure, Message: said})})
				if result.Outcome != want || result.Message != message {
					t.Errorf("%s, %s: outcome %s: %s; want %s: %s", method, failure, result.Outcome, result.Message, want, message)
				}
				if got := result.Outputs; got["errorCode"] != string(failure) || got["errorMessage"] != message || got["httpStatus"] != 0 || got["responsePayload"] != "" {
					t.Errorf("%s, %s: outputs are %v", method, failure, got)
				}
			}
		}
	}
}

// TestErrors holds what is made of an error's body.
func TestErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, message, exception, said string }{
		{"as it is published", `{"message":"no such task","exception":"com.x.Y"}`, "no such task", "com.x.Y", ": no such task"},
		{"only a message", `{"message":"busy"}`, "busy", "", ": busy"},
		{"only an exception", `{"exception":"com.x.Y"}`, "", "com.x.Y", ""},
		{"nothing", ``, "", "", ""},
		{"HTML", `<html>no such task</html>`, "", "", ""},
		{"a list", `[{"message":"x"}]`, "", "", ""},
		{"a message that is an object", `{"message":{"text":"x"}}`, "", "", ""},
		{"no text", "\xff\xfe", "", "", ""},
		{"half of it", `{"message":"no su`, "", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result := run(t, "complete-task", sdktest.Visit{Inputs: least["complete-task"], Reply: replying(wire.Reply{Status: 400, Body: []byte(test.body)})})
			message := "Context Services answered 400" + test.said
			want := map[string]any{
				"httpStatus": 400, "responsePayload": strings.ToValidUTF8(test.body, "\uFFFD"), "vendorMessage": test.message, "vendorException": test.exception,
				"errorCode": "http400", "errorMessage": message, "completedAt": "",
			}
			if diff := cmp.Diff(want, result.Outputs); diff != "" || result.Outcome != badRequest || result.Message != message {
				t.Errorf("outcome %s: %s; outputs (-want +got):\n%s", result.Outcome, result.Message, diff)
			}
		})
	}
}

// TestMalformedSuccess holds that a success which is not what it must be is none.
func TestMalformedSuccess(t *testing.T) {
	t.Parallel()
	tests := []struct{ method, body, message string }{
		{"complete-task", `<html>log in</html>`, "the reply is no JSON: "},
		{"complete-task", "\xff", "the reply is no JSON: "},
		{"start-service", ``, "the reply holds no service_id"},
		{"start-service", `{}`, "the reply holds no service_id"},
		{"start-service", `{"service_id":null}`, "the reply holds no service_id"},
		{"start-service", `{"service_id":""}`, "the reply holds no service_id"},
		{"start-service", `[95]`, "the reply holds no service_id"},
		{"start-service", `{"service_id":95`, "the reply is no JSON: "},
		{"start-task", ``, "the reply holds no task_id"},
		{"start-task", `{"task_id":"x"}`, "the reply holds no task_id"},
		{"start-task", `{"task_id":2147483648}`, "the reply holds no task_id"},
		{"get-task", ``, "the reply holds no task"},
		{"get-task", `{}`, "the reply holds no task"},
		{"get-task", `[]`, "the reply holds no task"},
		{"query-tasks", ``, "the reply is no list of tasks"},
		{"query-tasks", `{"task_id":3}`, "the reply is no list of tasks"},
		{"query-tasks", `[{"task_id":3},{}]`, "the reply is no list of tasks"},
		{"query-tasks", `[3]`, "the reply is no list of tasks"},
	}
	for _, test := range tests {
		result := run(t, test.method, sdktest.Visit{Inputs: least[test.method], Reply: replying(wire.Reply{Status: 200, Body: []byte(test.body)})})
		if result.Outcome != serverError || result.Outputs["errorCode"] != "malformedReply" || !strings.HasPrefix(result.Message, test.message) {
			t.Errorf("%s, %q: outcome %s, code %v: %s", test.method, test.body, result.Outcome, result.Outputs["errorCode"], result.Message)
		}
		for _, name := range []string{"serviceId", "taskId", "tasks"} {
			if got, has := result.Outputs[name]; has {
				t.Errorf("%s, %q: output %s is %v", test.method, test.body, name, got)
			}
		}
	}
}

// TestSuccessWithoutBody holds that white space is no body, and 204 is no list.
func TestSuccessWithoutBody(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 201, 204} {
		result := run(t, "complete-task", sdktest.Visit{Inputs: least["complete-task"], Reply: replying(wire.Reply{Status: status, Body: []byte(" \r\n")})})
		if result.Outcome != success {
			t.Errorf("%d: outcome %s: %s", status, result.Outcome, result.Message)
		}
	}
	result := run(t, "query-tasks", sdktest.Visit{Inputs: least["query-tasks"], Reply: accepted})
	if diff := cmp.Diff([]any{}, result.Outputs["tasks"]); diff != "" || result.Outcome != success || result.Outputs["count"] != 0 {
		t.Errorf("outcome %s: %s, %v", result.Outcome, result.Message, result.Outputs)
	}
}

// TestServiceIDs holds what a service's id may be, and that it goes out as it came.
func TestServiceIDs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		given any
		sent  string // "" where nothing is
	}{
		{"95", "95"},
		{95, "95"},
		{0, "0"},
		{int64(9223372036854775807), "9223372036854775807"},
		{json.Number("9007199254740993"), "9007199254740993"},
		{"9223372036854775807", "9223372036854775807"},
		{"99999999999999999999999", "99999999999999999999999"},
		{"ABC1235XZY", "ABC1235XZY"},
		{"0197f4a0-0000-7000-8000-0000000000ff", "0197f4a0-0000-7000-8000-0000000000ff"},
		{"a.b_c-d", "a.b_c-d"},
		{".hidden", ".hidden"},
		{"-95", "-95"},
		{"0095", "0095"},
		{"\t95\n", "95"},
		{given: ""},
		{given: " "},
		{given: "."},
		{given: ".."},
		{given: "..."},
		{given: "9 5"},
		{given: "95/tasks/3"},
		{given: "95%2Ftasks"},
		{given: "95?x=1"},
		{given: "95#"},
		{given: "\\95"},
		{given: "größe"},
		{given: "９５"},
		{given: "9\u0135"}, // its low byte is a 5
		{given: "95\x00"},
		{given: "${service_id}"},
		{given: "$(serviceId)"},
		{given: -95},
		{given: json.Number("9223372036854775808")},
		{given: 1.5},
	}
	for _, test := range tests {
		result := run(t, "start-task", sdktest.Visit{
			Inputs: map[string]any{"serviceId": test.given}, Reply: replying(wire.Reply{Status: 201, Body: []byte(`{"task_id":0}`)}),
		})
		if test.sent == "" {
			if result.Outcome != invalidData || len(result.Calls) > 0 || !strings.HasPrefix(result.Message, "serviceId ") {
				t.Errorf("%#v: outcome %s: %s, %d calls", test.given, result.Outcome, result.Message, len(result.Calls))
			}
			continue
		}
		if result.Outcome != success || result.Calls[0].URL != "/genesys/1/cs/services/"+test.sent+"/tasks/start" || result.Outputs["serviceId"] != test.sent {
			t.Errorf("%#v: outcome %s: %s, calls %v, outputs %v", test.given, result.Outcome, result.Message, result.Calls, result.Outputs)
		}
	}
}

// TestSmallIDs holds the limits of task_id and state_id. 0 is one of them.
func TestSmallIDs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		given any
		sent  string // "" where nothing is
	}{
		{0, "0"},
		{"0", "0"},
		{3, "3"},
		{" 007 ", "7"},
		{2147483647, "2147483647"},
		{"2147483647", "2147483647"},
		{given: 2147483648},
		{given: -1},
		{given: "-1"},
		{given: "three"},
		{given: "3.0"},
		{given: 3.5},
		{given: "0x3"},
		{given: " "},
		{given: "99999999999999999999"},
	}
	for _, test := range tests {
		task := run(t, "complete-task", sdktest.Visit{Inputs: map[string]any{"serviceId": "95", "taskId": test.given}, Reply: accepted})
		state := run(t, "complete-task", sdktest.Visit{Inputs: with("complete-task", map[string]any{"stateId": test.given}), Reply: accepted})
		if test.sent == "" {
			for name, result := range map[string]sdktest.Result{"taskId": task, "stateId": state} {
				if result.Outcome != invalidData || len(result.Calls) > 0 || !strings.HasPrefix(result.Message, name+" ") {
					t.Errorf("%s %#v: outcome %s: %s", name, test.given, result.Outcome, result.Message)
				}
			}
			continue
		}
		if task.Outcome != success || task.Calls[0].URL != "/genesys/1/cs/services/95/tasks/"+test.sent+"/end" {
			t.Errorf("taskId %#v: outcome %s: %s, calls %v", test.given, task.Outcome, task.Message, task.Calls)
		}
		if got := sent(t, state)["state_id"]; got != json.Number(test.sent) {
			t.Errorf("stateId %#v is sent as %#v, want %s", test.given, got, test.sent)
		}
	}
	if empty := run(t, "complete-task", sdktest.Visit{Inputs: map[string]any{"serviceId": "95", "taskId": ""}}); empty.Outcome != invalidData {
		t.Errorf("an empty taskId: outcome %s", empty.Outcome)
	}
}

// TestLengths holds the limits of texts, in characters, and that the connection
// moves them.
func TestLengths(t *testing.T) {
	t.Parallel()
	tests := []struct {
		input, name, setting string
		most                 int
	}{
		{"sessionId", "session_id", "maxSessionId", 32},
		{"interactionId", "interaction_id", "maxInteractionId", 50},
		{"dispositionDesc", "disposition_desc", "maxDispositionDesc", 64},
	}
	for _, test := range tests {
		t.Run(test.input, func(t *testing.T) {
			t.Parallel()
			visit := func(length int, settings map[string]any) sdktest.Result {
				text := strings.Repeat("é", length)
				result := run(t, "complete-task", sdktest.Visit{Inputs: with("complete-task", map[string]any{test.input: text}), Settings: settings, Reply: accepted})
				if result.Outcome == success && sent(t, result)[test.name] != text {
					t.Errorf("%d characters are sent as %v", length, sent(t, result))
				}
				return result
			}
			if got := visit(test.most, nil); got.Outcome != success {
				t.Errorf("%d characters: outcome %s: %s", test.most, got.Outcome, got.Message)
			}
			got := visit(test.most+1, nil)
			if want := "expected at most " + strconv.Itoa(test.most) + " characters"; got.Outcome != invalidData || !strings.HasSuffix(got.Message, want) || len(got.Calls) > 0 {
				t.Errorf("%d characters: outcome %s: %s", test.most+1, got.Outcome, got.Message)
			}
			if got := visit(3, map[string]any{test.setting: 2}); got.Outcome != invalidData {
				t.Errorf("3 characters of 2: outcome %s", got.Outcome)
			}
			if got := visit(1000, map[string]any{test.setting: 0}); got.Outcome != success {
				t.Errorf("1000 characters without a limit: outcome %s: %s", got.Outcome, got.Message)
			}
		})
	}
}

// TestBusinessAttributes holds that an integer stays a number and a name a text,
// to the last digit.
func TestBusinessAttributes(t *testing.T) {
	t.Parallel()
	inputs := map[string][]string{
		"complete-task": {"applicationType", "resourceType", "mediaType", "disposition"},
		"start-service": {"applicationType", "resourceType", "mediaType", "serviceType"},
		"start-task":    {"applicationType", "resourceType", "mediaType", "taskType"},
	}
	values := []struct{ given, sent any }{
		{10, json.Number("10")},
		{0, json.Number("0")},
		{-1, json.Number("-1")},
		{json.Number("9223372036854775807"), json.Number("9223372036854775807")},
		{"10", "10"},
		{"Success", "Success"},
		{" a name ", " a name "},
		{json.Number("9223372036854775808"), nil},
		{1.5, nil},
	}
	for method, names := range inputs {
		for _, name := range names {
			for _, value := range values {
				result := run(t, method, sdktest.Visit{
					Inputs: with(method, map[string]any{name: value.given}), Reply: replying(wire.Reply{Status: 200, Body: []byte(goods[method])}),
				})
				if value.sent == nil {
					if want := name + ` "`; result.Outcome != invalidData || !strings.HasPrefix(result.Message, want) {
						t.Errorf("%s, %s %v: outcome %s: %s", method, name, value.given, result.Outcome, result.Message)
					}
					continue
				}
				if got := sent(t, result)[snake(name)]; got != value.sent {
					t.Errorf("%s, %s %v is sent as %#v", method, name, value.given, got)
				}
			}
		}
	}
}

// snake is the vendor's spelling of a name.
func snake(name string) string {
	var b strings.Builder
	for _, r := range name {
		if 'A' <= r && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteString(strings.ToLower(string(r)))
	}
	return b.String()
}

// TestFieldNames holds that each field is the vendor's in another spelling.
func TestFieldNames(t *testing.T) {
	t.Parallel()
	for _, fields := range [][]field{shared, ending, startingTask, startingService} {
		for _, f := range fields {
			if f.name != snake(f.input) {
				t.Errorf("the input %q is the field %q, want %q", f.input, f.name, snake(f.input))
			}
		}
	}
}

func TestDatabaseIDs(t *testing.T) {
	t.Parallel()
	values := []struct {
		given any
		sent  string
	}{
		{101, "101"},
		{"101", "101"},
		{"9223372036854775807", "9223372036854775807"},
		{0, "0"},
		{-1, ""},
		{"IVR", ""},
		{"9223372036854775808", ""},
		{"1e3", ""},
	}
	for _, name := range []string{"applicationId", "resourceId"} {
		for _, value := range values {
			result := run(t, "complete-task", sdktest.Visit{Inputs: with("complete-task", map[string]any{name: value.given}), Reply: accepted})
			if value.sent == "" {
				if result.Outcome != invalidData {
					t.Errorf("%s %v: outcome %s", name, value.given, result.Outcome)
				}
				continue
			}
			if got := sent(t, result)[snake(name)]; got != json.Number(value.sent) {
				t.Errorf("%s %v is sent as %#v", name, value.given, got)
			}
		}
	}
}

// TestTimestamps holds that any time of RFC 3339 goes out in the vendor's form,
// which is also what completedAt and startedAt tell.
func TestTimestamps(t *testing.T) {
	t.Parallel()
	tests := []struct{ given, sent string }{
		{"2018-09-07T10:34:00.000Z", "2018-09-07T10:34:00.000Z"},
		{"2018-09-07T10:34:00Z", "2018-09-07T10:34:00.000Z"},
		{" 2018-09-07T10:34:00Z ", "2018-09-07T10:34:00.000Z"},
		{"2018-09-07T10:34:00.5Z", "2018-09-07T10:34:00.500Z"},
		{"2018-09-07T10:34:00.123999999Z", "2018-09-07T10:34:00.123Z"},
		{"2018-09-07T12:34:00+02:00", "2018-09-07T10:34:00.000Z"},
		{"2018-12-31T23:30:00-05:45", "2019-01-01T05:15:00.000Z"},
		{"2020-02-29T23:59:59.999-00:01", "2020-03-01T00:00:59.999Z"},
		{"9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"},
		{given: "9999-12-31T23:59:59-01:00"},
		{given: "0000-01-01T00:00:00+01:00"},
		{given: "2018-09-07"},
		{given: "2018-09-07T10:34:00"},
		{given: "2018-09-07 10:34:00Z"},
		{given: "2018-09-07T10:34Z"},
		{given: "2019-02-29T00:00:00Z"},
		{given: "2018-09-07T24:00:00Z"},
		{given: "1536316440000"},
		{given: "yesterday"},
	}
	for method, output := range map[string]string{"complete-task": "completedAt", "start-service": "startedAt", "start-task": "startedAt"} {
		for _, test := range tests {
			result := run(t, method, sdktest.Visit{
				Inputs: with(method, map[string]any{"timestamp": test.given}), Reply: replying(wire.Reply{Status: 200, Body: []byte(goods[method])}),
			})
			if test.sent == "" {
				if result.Outcome != invalidData || len(result.Calls) > 0 || !strings.HasPrefix(result.Message, "timestamp ") {
					t.Errorf("%s, %q: outcome %s: %s", method, test.given, result.Outcome, result.Message)
				}
				continue
			}
			if got := sent(t, result)["timestamp"]; got != test.sent || result.Outputs[output] != test.sent {
				t.Errorf("%s, %q is sent as %v, and told as %v; want %s", method, test.given, got, result.Outputs[output], test.sent)
			}
		}
	}
}

// TestExtensions holds that attached data goes out as it came, under any name but
// those of the vendor.
func TestExtensions(t *testing.T) {
	t.Parallel()
	given := map[string]any{
		"car type": "S.U.V.", "Disposition": 1, "größe": map[string]any{"π": 3.25}, "list": []any{[]any{}, nil, false},
		"large": json.Number("9223372036854775807"), "larger": json.Number("12345678901234567890123"), "exact": json.Number("0.10"), "quoted": "\"\\\u2028\n",
	}
	result := run(t, "complete-task", sdktest.Visit{Inputs: with("complete-task", map[string]any{"extensions": given}), Reply: accepted})
	want := maps.Clone(given)
	want["Disposition"], want["größe"] = json.Number("1"), map[string]any{"π": json.Number("3.25")}
	if diff := cmp.Diff(want, sent(t, result)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

// TestExtensionsCollide holds the names that attached data cannot have.
func TestExtensionsCollide(t *testing.T) {
	t.Parallel()
	names := []string{
		"service_id", "state_id", "task_id", "session_id", "interaction_id", "application_type", "application_id", "resource_type", "resource_id",
		"media_type", "disposition", "disposition_desc", "timestamp", "customer_id", "contact_key", "service_type", "state_type", "task_type",
		"est_duration", "auto_complete_after", "started", "completed", "states", "tasks",
	}
	if len(names) != len(reserved) {
		t.Errorf("%d names are reserved, want %d", len(reserved), len(names))
	}
	for _, method := range []string{"complete-task", "start-service", "start-task"} {
		for _, name := range names {
			result := run(t, method, sdktest.Visit{Inputs: with(method, map[string]any{"extensions": map[string]any{"Survey": 1, name: nil}})})
			if want := `extensions: "` + name + `" is a field`; result.Outcome != invalidData || !strings.HasPrefix(result.Message, want) {
				t.Errorf("%s, %s: outcome %s: %s", method, name, result.Outcome, result.Message)
			}
		}
	}
}

// TestAllMistakesAreTold holds that nothing is sent as long as anything is wrong,
// and that a flow's author sees everything at once.
func TestAllMistakesAreTold(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method string
		inputs map[string]any
		want   string
	}{
		{
			"complete-task",
			map[string]any{
				"serviceId": "9/5", "taskId": -1, "stateId": "x", "applicationId": "y", "timestamp": "z", "disposition": 1.5,
				"extensions": map[string]any{"task_id": 1},
			},
			`serviceId "9/5": expected a number of 64 bits, or a text of letters, digits, '.', '_' and '-'; taskId "-1": expected an integer of 0 to 2147483647; ` +
				`applicationId "y": expected an integer of 0 to 9223372036854775807; timestamp "z": expected a time as 2018-09-07T10:34:00.000Z, or any other of RFC 3339; ` +
				`stateId "x": expected an integer of 0 to 2147483647; disposition "1.5": expected an integer of 64 bits, or a name; ` +
				`extensions: "task_id" is a field of the vendor's own, attached data cannot have that name`,
		},
		{
			"start-service",
			map[string]any{"customerId": "", "estDuration": -1, "autoCompleteAfter": "soon"},
			`estDuration "-1": expected a number of seconds; autoCompleteAfter "soon": expected a number of seconds; customerId and contactKey are empty: expected one of them`,
		},
		{
			"query-tasks",
			map[string]any{"serviceId": "", "status": "Active", "stateId": -1, "taskTypes": []any{"a,b"}, "extensions": []any{""}},
			`serviceId "": expected a number of 64 bits, or a text of letters, digits, '.', '_' and '-'; status "Active": expected all, active or completed; ` +
				`stateId "-1": expected an integer of 0 to 2147483647; taskTypes "a,b": expected a name without commas, since commas stand between the names; ` +
				`extensions "": expected a name without commas, since commas stand between the names`,
		},
	}
	for _, test := range tests {
		result := run(t, test.method, sdktest.Visit{Inputs: test.inputs})
		if result.Outcome != invalidData || len(result.Calls) > 0 || result.Outputs["errorCode"] != invalidData || result.Outputs["httpStatus"] != 0 {
			t.Errorf("%s: outcome %s, %d calls, outputs %v", test.method, result.Outcome, len(result.Calls), result.Outputs)
		}
		if diff := cmp.Diff(test.want, result.Message); diff != "" {
			t.Errorf("%s: message (-want +got):\n%s", test.method, diff)
		}
	}
}

// TestDescribe holds how a task of the vendor is told.
func TestDescribe(t *testing.T) {
	t.Parallel()
	body := `{"service_id":9007199254740993,"state_id":2,"task_id":0,"task_type":"STT-Survey","est_duration":55,
		"started":{"timestamp":"2010-05-20T15:41:52.380Z","interaction_id":"65","application_id":9223372036854775807,"odd_field":[1]},
		"completed":{"disposition":10,"disposition_desc":"SUCCESS"},"Survey":{"question_1":7},"car type":null}`
	want := map[string]any{
		"serviceId": "9007199254740993", "stateId": 2, "taskId": 0, "taskType": "STT-Survey", "estDuration": 55, "status": "completed",
		"started": map[string]any{
			"timestamp": "2010-05-20T15:41:52.380Z", "interactionId": "65", "applicationId": 9223372036854775807, "odd_field": []any{1},
		},
		"completed":  map[string]any{"disposition": 10, "dispositionDesc": "SUCCESS"},
		"extensions": map[string]any{"Survey": map[string]any{"question_1": 7}, "car type": nil},
	}
	list := run(t, "query-tasks", sdktest.Visit{Inputs: least["query-tasks"], Reply: replying(wire.Reply{Status: 200, Body: []byte("[" + body + "]")})})
	if diff := cmp.Diff([]any{want}, list.Outputs["tasks"]); diff != "" || list.Outputs["count"] != 1 {
		t.Errorf("tasks (-want +got):\n%s", diff)
	}
	one := run(t, "get-task", sdktest.Visit{Inputs: least["get-task"], Reply: replying(wire.Reply{Status: 200, Body: []byte(body)})})
	maps.Copy(want, map[string]any{"httpStatus": 200, "responsePayload": body, "vendorMessage": "", "vendorException": "", "errorCode": "", "errorMessage": ""})
	if diff := cmp.Diff(want, one.Outputs); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
}

// TestDescribeLittle holds what is told of a task of which there is little, or
// something odd.
func TestDescribeLittle(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		want       map[string]any
	}{
		{"inside of its service", `{"task_id":"3"}`, map[string]any{"serviceId": "95", "taskId": 3, "status": "active"}},
		{"in a service with a text for an id", `{"task_id":3,"service_id":"ABC1235XZY","completed":null}`, map[string]any{"serviceId": "ABC1235XZY", "taskId": 3, "status": "active"}},
		{"with numbers as texts", `{"task_id":3,"state_id":"24","est_duration":"5","task_type":5}`, map[string]any{"serviceId": "95", "taskId": 3, "status": "active", "stateId": 24, "estDuration": 5, "taskType": 5}},
		{"with fields of another kind", `{"task_id":3,"state_id":[],"est_duration":1.5,"task_type":{},"started":"now"}`, map[string]any{"serviceId": "95", "taskId": 3, "status": "active"}},
	}
	for _, test := range tests {
		result := run(t, "get-task", sdktest.Visit{Inputs: with("get-task", map[string]any{"serviceId": " 95 "}), Reply: replying(wire.Reply{Status: 200, Body: []byte(test.body)})})
		got := maps.Clone(result.Outputs)
		for _, name := range []string{"started", "completed", "extensions"} {
			if diff := cmp.Diff(map[string]any{}, got[name]); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", test.name, name, diff)
			}
			delete(got, name)
		}
		for _, name := range []string{"httpStatus", "responsePayload", "vendorMessage", "vendorException", "errorCode", "errorMessage"} {
			delete(got, name)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got), outcome %s: %s\n%s", test.name, result.Outcome, result.Message, diff)
		}
	}
}

func TestPayloadIsBounded(t *testing.T) {
	t.Parallel()
	for _, body := range []string{strings.Repeat("x", maxPayload+1), "x" + strings.Repeat("é", maxPayload)} {
		result := run(t, "complete-task", sdktest.Visit{Inputs: least["complete-task"], Reply: replying(wire.Reply{Status: 500, Body: []byte(body)})})
		got, _ := result.Outputs["responsePayload"].(string)
		if len(got) > maxPayload || len(got) < maxPayload-utf8.UTFMax || !utf8.ValidString(got) {
			t.Errorf("a body of %d bytes is told in %d", len(body), len(got))
		}
	}
}
