package main

import (
	"maps"
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/sdk/sdktest"
	"github.com/wendflow/wend/sdk/wire"
)

const (
	taskID    = "488e2892-16c2-48a2-9040-f7f96157ad77"
	serviceID = "7830678b-03b1-4e71-af33-a3987142519f"
)

// inputsOf are good inputs of a method.
func inputsOf(method string) map[string]any {
	switch method {
	case "create-task":
		return map[string]any{"service": serviceID, "required": map[string]any{"im": true}, "distributeToAgent": true}
	case "list-service-tasks", "list-service-users":
		return map[string]any{"service": serviceID}
	case "list-services":
		return map[string]any{}
	default:
		return map[string]any{"taskId": taskID}
	}
}

// taskIn is a task in a state, as JSON.
func taskIn(state string) string { return `{"Id":"` + taskID + `","State":"` + state + `"}` }

func replying(replies ...wire.Reply) func(wire.Call) wire.Reply {
	next := 0
	return func(wire.Call) wire.Reply {
		reply := replies[min(next, len(replies)-1)]
		next++
		return reply
	}
}

func answering(status int, body string) func(wire.Call) wire.Reply {
	return replying(wire.Reply{Status: status, Body: []byte(body)})
}

func sample(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestCalls(t *testing.T) {
	t.Parallel()
	call := func(method, url, body string) wire.Call {
		headers := map[string]string{"Accept": "application/json"}
		if body != "" {
			headers["Content-Type"] = "application/json"
		}
		return wire.Call{Method: method, URL: url, Headers: headers, Body: []byte(body)}
	}
	minimal := `{"DistributeToAgent":true,"Required":{"Audio":false,"ConversationContext":false,"DesktopSharing":false,"Im":true,"Video":false},"Service":"` + serviceID + `"}`
	paths := map[string]any{
		"apiPrefix": "", "tasksPath": "/api/Task", "taskPath": "/api/Task/{taskId}", "serviceTasksPath": "/api/Task?service={serviceId}",
		"refreshPath": "/api/Task/Refresh?id={taskId}", "establishedPath": "/e/{taskId}", "terminatePath": "/t/{taskId}",
		"servicesPath": "/s", "serviceUsersPath": "/u", "ronaParameter": "rona",
	}
	tests := []struct {
		name, method     string
		inputs, settings map[string]any
		want             wire.Call
	}{
		{name: "create with what is needed", method: "create-task", want: call("POST", "/v1.0/tasks", minimal)},
		{
			name: "create with nothing in what may be left out", method: "create-task",
			inputs: map[string]any{
				"service": " " + serviceID + "\n", "required": map[string]any{"im": true, "audio": nil}, "distributeToAgent": true,
				"externalTaskId": "", "caller": nil, "preferredAgents": []any{}, "considerPreferredAgentsOnly": nil, "ronaTimeoutSeconds": nil,
			},
			want: call("POST", "/v1.0/tasks", minimal),
		},
		{
			name: "create with all", method: "create-task",
			inputs: map[string]any{
				"service": serviceID, "distributeToAgent": false, "externalTaskId": 4711, "caller": "Ä \"B\"",
				"required":        map[string]any{"im": true, "audio": true, "video": true, "desktopSharing": true, "conversationContext": true},
				"preferredAgents": []any{"sip:smoky.aa@dev.local", "\tSIP:b+1@host:5061;transport=tls "}, "considerPreferredAgentsOnly": true, "ronaTimeoutSeconds": 50,
			},
			want: call("POST", "/v1.0/tasks", `{"Caller":"Ä \"B\"","ConsiderPreferredAgentsOnly":true,"DistributeToAgent":false,"DistributeToAgentRONATimeoutInSeconds":50,`+
				`"ExternalTaskId":"4711","PreferredAgents":["sip:smoky.aa@dev.local","SIP:b+1@host:5061;transport=tls"],`+
				`"Required":{"Audio":true,"ConversationContext":true,"DesktopSharing":true,"Im":true,"Video":true},"Service":"`+serviceID+`"}`),
		},
		{name: "get", method: "get-task", want: call("GET", "/v1.0/tasks/"+taskID, "")},
		{name: "list tasks", method: "list-service-tasks", want: call("GET", "/v1.0/services/"+serviceID+"/tasks", "")},
		{
			name: "list tasks of an external id", method: "list-service-tasks", inputs: map[string]any{"service": serviceID, "externalTaskId": "a&b"},
			want: call("GET", "/v1.0/services/"+serviceID+"/tasks", ""),
		},
		{name: "refresh", method: "refresh-task", want: call("POST", "/v1.0/tasks/"+taskID+"/refresh", "")},
		{
			name: "refresh and set RONA", method: "refresh-task", inputs: map[string]any{"taskId": taskID, "setAgentOnRona": true},
			want: call("POST", "/v1.0/tasks/"+taskID+"/refresh?SetAgentOnRona=true", ""),
		},
		{
			name: "refresh and leave the presence", method: "refresh-task", inputs: map[string]any{"taskId": taskID, "setAgentOnRona": false},
			want: call("POST", "/v1.0/tasks/"+taskID+"/refresh?SetAgentOnRona=false", ""),
		},
		{
			name: "refresh where nothing can be said of RONA", method: "refresh-task", inputs: map[string]any{"taskId": taskID, "setAgentOnRona": true},
			settings: map[string]any{"ronaParameter": ""}, want: call("POST", "/v1.0/tasks/"+taskID+"/refresh", ""),
		},
		{name: "set established", method: "set-established", want: call("POST", "/v1.0/tasks/"+taskID+"/setestablished", "")},
		{name: "terminate", method: "terminate-task", want: call("POST", "/v1.0/tasks/"+taskID+"/terminate", "")},
		{name: "list services", method: "list-services", want: call("GET", "/v1.0/services", "")},
		{name: "list users", method: "list-service-users", want: call("GET", "/v1.0/services/"+serviceID+"/users", "")},

		{name: "create elsewhere", method: "create-task", settings: paths, want: call("POST", "/api/Task", minimal)},
		{name: "get elsewhere", method: "get-task", settings: paths, want: call("GET", "/api/Task/"+taskID, "")},
		{name: "list tasks elsewhere", method: "list-service-tasks", settings: paths, want: call("GET", "/api/Task?service="+serviceID, "")},
		{
			name: "refresh elsewhere", method: "refresh-task", settings: paths, inputs: map[string]any{"taskId": taskID, "setAgentOnRona": true},
			want: call("POST", "/api/Task/Refresh?id="+taskID+"&rona=true", ""),
		},
		{name: "set established elsewhere", method: "set-established", settings: paths, want: call("POST", "/e/"+taskID, "")},
		{name: "terminate elsewhere", method: "terminate-task", settings: paths, want: call("POST", "/t/"+taskID, "")},
		{name: "list services elsewhere", method: "list-services", settings: paths, want: call("GET", "/s", "")},
		{name: "list users elsewhere", method: "list-service-users", settings: paths, want: call("GET", "/u", "")},
		{name: "a prefix with a slash at its end", method: "list-services", settings: map[string]any{"apiPrefix": "/lucs/v2/"}, want: call("GET", "/lucs/v2/services", "")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			inputs := test.inputs
			if inputs == nil {
				inputs = inputsOf(test.method)
			}
			result := run(t, test.method, sdktest.Visit{Inputs: inputs, Settings: test.settings, Reply: answering(404, "")})
			if diff := cmp.Diff([]wire.Call{test.want}, result.Calls); diff != "" {
				t.Errorf("calls (-want +got), outcome %s %s:\n%s", result.Outcome, result.Message, diff)
			}
		})
	}
}

// TestRefusals goes through what is wrong before anything is sent.
func TestRefusals(t *testing.T) {
	t.Parallel()
	agents := func(list ...any) map[string]any { return map[string]any{"preferredAgents": list} }
	const noGUID = `is no id, expected a GUID such as 7830678b-03b1-4e71-af33-a3987142519f`
	const noAgent = `is no SIP address such as sip:smoky.aa@dev.local`
	tests := []struct {
		name    string
		change  map[string]any
		message string // none: it is taken
	}{
		{"upper case", map[string]any{"service": strings.ToUpper(serviceID)}, ""},
		{"empty", map[string]any{"service": ""}, `service: "" ` + noGUID},
		{"too short", map[string]any{"service": serviceID[1:]}, `service: "` + serviceID[1:] + `" ` + noGUID},
		{"no hyphens", map[string]any{"service": strings.ReplaceAll(serviceID, "-", "0")}, `service: "` + strings.ReplaceAll(serviceID, "-", "0") + `" ` + noGUID},
		{"hyphens elsewhere", map[string]any{"service": "7830678-b03b1-4e71-af33-a3987142519f"}, `service: "7830678-b03b1-4e71-af33-a3987142519f" ` + noGUID},
		{"letters beyond f", map[string]any{"service": "g" + serviceID[1:]}, `service: "g` + serviceID[1:] + `" ` + noGUID},
		{"a path", map[string]any{"service": "../../../../../../../../../etc/passwd."}, `service: "../../../../../../../../../etc/passwd." ` + noGUID},
		{"zeros only", map[string]any{"service": "00000000-0000-0000-0000-000000000000"}, `service: "00000000-0000-0000-0000-000000000000" ` + noGUID},

		{"no capability", map[string]any{"required": map[string]any{}}, "required: expected at least one of im, audio, video, desktopSharing, conversationContext to be true"},
		{"all capabilities false", map[string]any{"required": map[string]any{"im": false, "video": nil}}, "required: expected at least one of im, audio, video, desktopSharing, conversationContext to be true"},
		{"the last capability", map[string]any{"required": map[string]any{"conversationContext": true}}, ""},

		{"two agents", agents("sip:a@b", "SIP:c@d"), ""},
		{"an agent without sip:", agents("smoky.aa@dev.local"), `preferredAgents: entry 1, "smoky.aa@dev.local", ` + noAgent},
		{"an agent without a host", agents("sip:a@b", "sip:smoky.aa"), `preferredAgents: entry 2, "sip:smoky.aa", ` + noAgent},
		{"an agent without a user", agents("sip:@dev.local"), `preferredAgents: entry 1, "sip:@dev.local", ` + noAgent},
		{"an agent with an empty host", agents("sip:a@"), `preferredAgents: entry 1, "sip:a@", ` + noAgent},
		{"an agent with two hosts", agents("sip:a@b@c"), `preferredAgents: entry 1, "sip:a@b@c", ` + noAgent},
		{"an agent by a name", agents(`"A" <sip:a@b>`), `preferredAgents: entry 1, "\"A\" <sip:a@b>", ` + noAgent},
		{"an agent with a blank inside", agents("sip:a b@c"), `preferredAgents: entry 1, "sip:a b@c", ` + noAgent},
		{"a telephone number", agents("tel:+41"), `preferredAgents: entry 1, "tel:+41", ` + noAgent},
		{"no agent in the list", agents(""), `preferredAgents: entry 1, "", ` + noAgent},

		{"only preferred agents, and there are some", map[string]any{"considerPreferredAgentsOnly": true, "preferredAgents": []any{"sip:a@b"}}, ""},
		{"only preferred agents, and there are none", map[string]any{"considerPreferredAgentsOnly": true}, "considerPreferredAgentsOnly: is true, and there are no preferredAgents to consider"},
		{"only preferred agents, of an empty list", map[string]any{"considerPreferredAgentsOnly": true, "preferredAgents": []any{}}, "considerPreferredAgentsOnly: is true, and there are no preferredAgents to consider"},
		{"not only preferred agents, and there are none", map[string]any{"considerPreferredAgentsOnly": false}, ""},

		{"timeout 1", map[string]any{"ronaTimeoutSeconds": 1}, ""},
		{"timeout 3600", map[string]any{"ronaTimeoutSeconds": 3600}, ""},
		{"timeout 0", map[string]any{"ronaTimeoutSeconds": 0}, "ronaTimeoutSeconds: 0 is out of bounds, expected 1 to 3600"},
		{"timeout -1", map[string]any{"ronaTimeoutSeconds": -1}, "ronaTimeoutSeconds: -1 is out of bounds, expected 1 to 3600"},
		{"timeout 3601", map[string]any{"ronaTimeoutSeconds": 3601}, "ronaTimeoutSeconds: 3601 is out of bounds, expected 1 to 3600"},
		{"timeout beyond 64 bits", map[string]any{"ronaTimeoutSeconds": 1e30}, "ronaTimeoutSeconds: 1e+30 is out of bounds, expected 1 to 3600"},

		{
			"all at once",
			map[string]any{"service": "x", "required": map[string]any{}, "ronaTimeoutSeconds": 0},
			`service: "x" ` + noGUID + "; required: expected at least one of im, audio, video, desktopSharing, conversationContext to be true; ronaTimeoutSeconds: 0 is out of bounds, expected 1 to 3600",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			inputs := inputsOf("create-task")
			maps.Copy(inputs, test.change)
			result := run(t, "create-task", sdktest.Visit{Inputs: inputs, Reply: answering(200, taskID)})
			want, calls, code := "invalidData", 0, "invalidInput"
			if test.message == "" {
				want, calls, code = "success", 1, ""
			}
			if result.Outcome != want || result.Message != test.message || len(result.Calls) != calls || result.Outputs["errorCode"] != code {
				t.Errorf("outcome %s after %d calls: %s; want %s: %s", result.Outcome, len(result.Calls), result.Message, want, test.message)
			}
		})
	}
}

// TestEveryMethodRefusesWhatIsNoID goes through all that take an id.
func TestEveryMethodRefusesWhatIsNoID(t *testing.T) {
	t.Parallel()
	for method := range plugin {
		inputs := inputsOf(method)
		for _, name := range []string{"taskId", "service"} {
			if inputs[name] == nil {
				continue
			}
			inputs[name] = "4711"
			result := run(t, method, sdktest.Visit{Inputs: inputs})
			if result.Outcome != "invalidData" || len(result.Calls) != 0 || !strings.HasPrefix(result.Message, name+`: "4711" is no id`) {
				t.Errorf("%s with a wrong %s: outcome %s: %s", method, name, result.Outcome, result.Message)
			}
		}
	}
}

// TestStatuses goes through every status there is, of every method.
func TestStatuses(t *testing.T) {
	t.Parallel()
	for method := range plugin {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			for status := 300; status <= 599; status++ {
				if status == 500 && (method == "refresh-task" || method == "set-established") {
					continue // TestConflictOrCrash
				}
				want := "serverError"
				switch {
				case status == 401 || status == 403:
					want = "unauthorized"
				case status == 404:
					want = "notFound"
				case status == 409 && mayConflict(method):
					want = "conflict"
				case status != 429 && 400 <= status && status <= 499:
					want = "invalidData"
				}
				result := run(t, method, sdktest.Visit{Inputs: inputsOf(method), Reply: answering(status, `{"Message":"why"}`)})
				code := "http" + strconv.Itoa(status)
				message := "LUCS answered " + strconv.Itoa(status) + ": why"
				if result.Outcome != want || result.Outputs["errorCode"] != code || result.Outputs["httpStatus"] != status || result.Message != message || len(result.Calls) != 1 {
					t.Errorf("status %d: outcome %s: %s, outputs %v; want %s", status, result.Outcome, result.Message, result.Outputs, want)
				}
			}
		})
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	outcomes := map[wire.Failure]string{
		wire.Timeout: "timeout", wire.Interrupted: "timeout", wire.Unauthorized: "unauthorized",
		wire.Unreachable: "unreachable", wire.Refused: "unreachable",
	}
	for method := range plugin {
		for failure, want := range outcomes {
			for _, said := range []string{"", "no route to host"} {
				result := run(t, method, sdktest.Visit{
					Inputs: inputsOf(method), Reply: replying(wire.Reply{Failure: failure, Message: said}),
				})
				message := said
				if message == "" {
					message = "the call had no response: " + string(failure)
				}
				if result.Outcome != want || result.Outputs["errorCode"] != string(failure) || result.Message != message || result.Outputs["httpStatus"] != 0 || len(result.Calls) != 1 {
					t.Errorf("%s, %s: outcome %s: %s, outputs %v; want %s: %s", method, failure, result.Outcome, result.Message, result.Outputs, want, message)
				}
			}
		}
	}
}

// TestConflictOrCrash: 500 means both, and the task's state tells which.
func TestConflictOrCrash(t *testing.T) {
	t.Parallel()
	rona := map[string]any{"taskId": taskID, "setAgentOnRona": true}
	noRona := map[string]any{"taskId": taskID, "setAgentOnRona": false}
	again := func(status int, body string) wire.Reply { return wire.Reply{Status: status, Body: []byte(body)} }
	in := func(state string) wire.Reply { return again(200, "["+taskIn(state)+"]") }
	const said = "LUCS answered 500: An error has occurred; "
	tests := []struct {
		name, method string
		inputs       map[string]any
		again        wire.Reply
		outcome      string
		code         string
		message      string
	}{
		{name: "refresh, queued", method: "refresh-task", again: in("InQueue"), outcome: "serverError", message: "the task is in the state InQueue, which does not explain it"},
		{name: "refresh, pending", method: "refresh-task", inputs: rona, again: in("Pending"), outcome: "serverError", message: "the task is in the state Pending, which does not explain it"},
		{name: "refresh, assigned", method: "refresh-task", again: in("Assigned"), outcome: "serverError", message: "the task is in the state Assigned, which does not explain it"},
		{name: "refresh, assigned, and no RONA asked for", method: "refresh-task", inputs: noRona, again: in("Assigned"), outcome: "serverError", message: "the task is in the state Assigned, which does not explain it"},
		{name: "refresh, assigned, and RONA asked for", method: "refresh-task", inputs: rona, again: in("Assigned"), outcome: "conflict", message: "the task is in the state Assigned and keeps its agent, whose RONA status may not be set remotely"},
		{name: "refresh, established", method: "refresh-task", again: in("Established"), outcome: "conflict", message: "the task is in the state Established and cannot be refreshed"},
		{name: "refresh, terminated", method: "refresh-task", again: in("terminated"), outcome: "conflict", message: "the task is in the state terminated and cannot be refreshed"},
		{name: "refresh, in a state unknown here", method: "refresh-task", again: in("Ringing"), outcome: "serverError", message: "the task is in the state Ringing, which does not explain it"},

		{name: "established, queued", method: "set-established", again: in("InQueue"), outcome: "conflict", message: "the task is in the state InQueue and has no agent who could confirm it"},
		{name: "established, assigned", method: "set-established", again: in("Assigned"), outcome: "serverError", message: "the task is in the state Assigned, which does not explain it"},
		{name: "established, established", method: "set-established", again: in("Established"), outcome: "conflict", message: "the task is in the state Established and cannot be set established again"},
		{name: "established, terminated", method: "set-established", again: in("Terminated"), outcome: "conflict", message: "the task is in the state Terminated and cannot be set established again"},
		{name: "established, in a state unknown here", method: "set-established", again: in("Ringing"), outcome: "serverError", message: "the task is in the state Ringing, which does not explain it"},

		{name: "not there: 404", method: "refresh-task", again: again(404, ""), outcome: "notFound", code: "noTask", message: "the task is not there"},
		{name: "not there: an empty list", method: "set-established", again: again(200, "[]"), outcome: "notFound", code: "noTask", message: "the task is not there"},
		{name: "a second crash", method: "refresh-task", again: again(500, ""), outcome: "serverError", message: "what became of the task is unknown: LUCS answered 500"},
		{name: "may not be read", method: "refresh-task", again: again(401, ""), outcome: "serverError", message: "what became of the task is unknown: LUCS answered 401"},
		{name: "no task in the reply", method: "set-established", again: again(200, "{}"), outcome: "serverError", message: "what became of the task is unknown: LUCS answered 200, and the reply holds no task"},
		{name: "no answer", method: "set-established", again: wire.Reply{Failure: wire.Timeout}, outcome: "serverError", message: "what became of the task is unknown: the call had no response: timeout"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			inputs := test.inputs
			if inputs == nil {
				inputs = inputsOf(test.method)
			}
			crash := wire.Reply{Status: 500, Body: []byte(`{"Message":"An error has occurred."}`)}
			result := run(t, test.method, sdktest.Visit{Inputs: inputs, Reply: replying(crash, test.again)})
			code := test.code
			if code == "" {
				code = "http500"
			}
			if result.Outcome != test.outcome || result.Message != said+test.message || result.Outputs["errorCode"] != code {
				t.Errorf("outcome %s, code %v: %s; want %s, %s: %s", result.Outcome, result.Outputs["errorCode"], result.Message, test.outcome, code, said+test.message)
			}
			if result.Outputs["httpStatus"] != 500 || result.Outputs["responsePayload"] != string(crash.Body) || result.Outputs["taskId"] != taskID {
				t.Errorf("outputs %v, want those of the 500", result.Outputs)
			}
			if len(result.Calls) != 2 || result.Calls[1].Method != "GET" || result.Calls[1].URL != "/v1.0/tasks/"+taskID {
				t.Errorf("calls %+v, want one more that reads the task", result.Calls)
			}
		})
	}
}

// TestConflictTellsTheTask: what was read is not lost.
func TestConflictTellsTheTask(t *testing.T) {
	t.Parallel()
	result := run(t, "refresh-task", sdktest.Visit{
		Inputs: inputsOf("refresh-task"),
		Reply:  replying(wire.Reply{Status: 500}, wire.Reply{Status: 200, Body: []byte(sample(t, "terminated"))}),
	})
	if result.Outputs["phase"] != "terminated" || result.Outputs["agentDisplayName"] != "Alisa Abbot" {
		t.Errorf("outputs %v, want those of the task", result.Outputs)
	}
}

func TestStatusOutcomes(t *testing.T) {
	t.Parallel()
	all := map[string]any{"409": "notFound", "500": "conflict", "503": "unauthorized", "302": "invalidData", "200": "serverError"}
	tests := []struct {
		method  string
		status  int
		outcome string
	}{
		{"refresh-task", 409, "notFound"},
		{"refresh-task", 500, "conflict"},
		{"set-established", 500, "conflict"},
		{"terminate-task", 500, "conflict"},
		{"create-task", 500, "serverError"}, // has no conflict
		{"get-task", 500, "serverError"},
		{"list-services", 503, "unauthorized"},
		{"create-task", 302, "invalidData"},
		{"refresh-task", 200, "success"},
	}
	for _, test := range tests {
		result := run(t, test.method, sdktest.Visit{
			Inputs: inputsOf(test.method), Settings: map[string]any{"statusOutcomes": all}, Reply: answering(test.status, ""),
		})
		if result.Outcome != test.outcome || len(result.Calls) != 1 {
			t.Errorf("%s answered %d: outcome %s after %d calls, want %s after 1", test.method, test.status, result.Outcome, len(result.Calls), test.outcome)
		}
	}
}

// TestStates: what LUCS calls its states is a setting.
func TestStates(t *testing.T) {
	t.Parallel()
	settings := map[string]any{"states": map[string]any{"assigned": []any{"Reserved", "Ringing"}, "queued": []any{}}}
	for state, want := range map[string]string{
		"Reserved": "assigned", "RINGING": "assigned", "Assigned": "unknown", "InQueue": "unknown",
		"Established": "established", "Terminated": "terminated",
	} {
		result := run(t, "get-task", sdktest.Visit{Inputs: inputsOf("get-task"), Settings: settings, Reply: answering(200, taskIn(state))})
		if result.Outputs["phase"] != want || result.Outputs["state"] != state {
			t.Errorf("%s is %v, want %s", state, result.Outputs["phase"], want)
		}
	}
	for state, want := range map[string]string{
		"InQueue": "queued", "Pending": "queued", "Assigned": "assigned", "Established": "established", "Terminated": "terminated", "Ringing": "unknown",
	} {
		result := run(t, "get-task", sdktest.Visit{Inputs: inputsOf("get-task"), Reply: answering(200, taskIn(state))})
		if result.Outputs["phase"] != want {
			t.Errorf("%s is %v, want %s", state, result.Outputs["phase"], want)
		}
	}
}

// TestNewIDs goes through the forms in which the id of a new task comes.
func TestNewIDs(t *testing.T) {
	t.Parallel()
	for _, body := range []string{taskID, `"` + taskID + `"`, "  " + taskID + "\r\n", `'` + taskID + `'`, "\uFEFF\"" + taskID + `"`} {
		result := run(t, "create-task", sdktest.Visit{Inputs: inputsOf("create-task"), Reply: answering(200, body)})
		if result.Outcome != "success" || result.Outputs["taskId"] != taskID || result.Outputs["responsePayload"] != body {
			t.Errorf("%q: outcome %s: %s, outputs %v", body, result.Outcome, result.Message, result.Outputs)
		}
	}
	for _, body := range []string{"", "null", "4711", `""`, "{}", `{"Id":"` + taskID + `"}`, taskID + taskID, "00000000-0000-0000-0000-000000000000", "<html>"} {
		result := run(t, "create-task", sdktest.Visit{Inputs: inputsOf("create-task"), Reply: answering(200, body)})
		if result.Outcome != "serverError" || result.Outputs["taskId"] != nil || result.Outputs["errorCode"] != "malformedReply" ||
			result.Message != "LUCS answered 200, and the reply holds no id; there may be a task nevertheless" {
			t.Errorf("%q: outcome %s: %s, outputs %v", body, result.Outcome, result.Message, result.Outputs)
		}
	}
	if result := run(t, "create-task", sdktest.Visit{Inputs: inputsOf("create-task"), Reply: answering(201, taskID)}); result.Outcome != "success" {
		t.Errorf("201: outcome %s, want success", result.Outcome)
	}
}

// TestTaskReplies goes through the forms in which a task comes.
func TestTaskReplies(t *testing.T) {
	t.Parallel()
	other := strings.Replace(taskIn("InQueue"), "488e", "5555", 1)
	tests := []struct {
		name, body, outcome, code string
	}{
		{"an object", taskIn("InQueue"), "success", ""},
		{"a list of one", "[" + taskIn("InQueue") + "]", "success", ""},
		{"another id", other, "success", ""}, // the vendor's own samples differ
		{"a list with the task", "[" + other + "," + strings.ToUpper(taskIn("x")) + "," + strings.Replace(taskIn("x"), "488e", "488E", 1) + "]", "success", ""},
		{"an empty list", "[]", "notFound", "noTask"},
		{"null", " null ", "notFound", "noTask"},
		{"a list without the task", "[" + other + "," + other + "]", "serverError", "malformedReply"},
		{"no body", "", "serverError", "malformedReply"},
		{"no JSON", "<html>", "serverError", "malformedReply"},
		{"half of it", taskIn("InQueue")[:20], "serverError", "malformedReply"},
		{"no task", "{}", "serverError", "malformedReply"},
		{"no state", `{"Id":"x"}`, "serverError", "malformedReply"},
		{"a text", `"` + taskID + `"`, "serverError", "malformedReply"},
		{"a list of texts", `["` + taskID + `"]`, "serverError", "malformedReply"},
	}
	for _, test := range tests {
		result := run(t, "get-task", sdktest.Visit{Inputs: inputsOf("get-task"), Reply: answering(200, test.body)})
		if result.Outcome != test.outcome || result.Outputs["errorCode"] != test.code {
			t.Errorf("%s: outcome %s, code %v: %s; want %s, %s", test.name, result.Outcome, result.Outputs["errorCode"], result.Message, test.outcome, test.code)
		}
		// A change has been made, whatever its reply holds.
		for _, method := range []string{"refresh-task", "set-established", "terminate-task"} {
			changed := run(t, method, sdktest.Visit{Inputs: inputsOf(method), Reply: answering(200, test.body)})
			_, told := changed.Outputs["state"]
			if changed.Outcome != "success" || told != (test.outcome == "success") || changed.Outputs["taskId"] == nil {
				t.Errorf("%s, %s: outcome %s, outputs %v", method, test.name, changed.Outcome, changed.Outputs)
			}
		}
	}
}

// TestVendorsSamples reads the tasks of the vendor's page.
func TestVendorsSamples(t *testing.T) {
	t.Parallel()
	queued := map[string]any{
		"taskId": taskID, "externalTaskId": "testingtask123", "type": "ExternalNonBlocking", "state": "InQueue", "phase": "queued",
		"customerIdentifier": "Johnny HasaProblem Again",
		"created":            "27.06.2019 11:58:35.4996911Z", "createdRfc3339": "2019-06-27T11:58:35.4996911Z",
		"queueStarted": "27.06.2019 11:58:35.4996911Z", "queueStartedRfc3339": "2019-06-27T11:58:35.4996911Z",
		"connected": "", "connectedRfc3339": "",
		"initialModalityType": "External", "originType": "Unknown", "originTypeCustom": "",
		"queuePosition": "1", "agentSipUri": "", "agentDisplayName": "",
		"contextParameters": map[string]any{
			"ServiceCulture": "en-GB", "InitialQueuePosition": "1", "ServiceSipUri": "sip:smoky.businesss@dev.local",
			"SessionAgentToken": "00000000-0000-0000-0000-000000000000", "CurrentSystemTime": "6/27/2019 2:11 PM",
			"ServiceTelNumber": "+41000000000", "ExternalTaskId": "testingtask123", "ServiceDisplayName": "Business Customer Care",
			"AgentSipUri": "sip:unknown@unknown",
		},
		"reservedUser": map[string]any{}, "httpStatus": 200, "errorCode": "", "errorMessage": "",
	}
	terminated := maps.Clone(queued)
	maps.Copy(terminated, map[string]any{
		"state": "Terminated", "phase": "terminated", "agentSipUri": "sip:smoky.aa@dev.local", "agentDisplayName": "Alisa Abbot",
		"contextParameters": map[string]any{
			"ServiceCulture": "en-GB", "InitialQueuePosition": "1", "ServiceSipUri": "sip:smoky.businesss@dev.local",
			"SessionAgentToken": "0406e2d8-92ec-4017-b3d6-caf2848c68c5", "CurrentSystemTime": "6/27/2019 2:22 PM",
			"ServiceTelNumber": "+41000000000", "ExternalTaskId": "testingtask123", "ServiceDisplayName": "Business Customer Care",
			"AgentSipUri": "sip:smoky.aa@dev.local",
		},
		"reservedUser": map[string]any{
			"id": "275cb3e3-4d73-4012-9033-c58daa50ad4e", "displayName": "Alisa Abbot", "organizationUnitName": "Insurance Services",
			"sipUri": "sip:smoky.aa@dev.local", "userPrincipalName": "smoky.aa@dev.local",
			"securityIdentifier": "S-1-5-21-870184815-4058679007-2540742146-76261", "samAccountName": "smoky.aa",
			"agentProfileName": "Eastern Division", "responsibleSinceLevel": 1, "selectionAlgorithm": "BestQualifiedMostResponsibleAgent",
		},
	})
	for method, want := range map[string]map[string]any{"get-task": queued, "terminate-task": terminated} {
		name := map[string]string{"get-task": "in-queue", "terminate-task": "terminated"}[method]
		got := run(t, method, sdktest.Visit{Inputs: inputsOf(method), Reply: answering(200, sample(t, name))}).Outputs
		task, _ := got["task"].(map[string]any)
		if task["State"] != want["state"] || got["responsePayload"] != sample(t, name) {
			t.Errorf("%s: the task is %v", method, task)
		}
		delete(got, "task")
		delete(got, "responsePayload")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: outputs (-want +got):\n%s", method, diff)
		}
	}
}

// TestWhatLUCSMightSend: a task that differs from the samples spoils nothing.
func TestWhatLUCSMightSend(t *testing.T) {
	t.Parallel()
	body := `{"Id":"x","State":"InQueue","Type":7,"Created":null,"ContextParameters":[{"Name":"New","Value":"1"},{"Name":"","Value":"2"},{"Value":"3"},4,{"Name":"Count","Value":5}],` +
		`"ReservedUserObject":{"SipUri":"sip:a@b","ResponsibleSinceLevel":"2"}}`
	got := run(t, "get-task", sdktest.Visit{Inputs: inputsOf("get-task"), Reply: answering(200, body)}).Outputs
	want := map[string]any{"New": "1", "Count": "5"}
	if diff := cmp.Diff(want, got["contextParameters"]); diff != "" || got["type"] != "7" || got["created"] != "" || got["agentSipUri"] != "sip:a@b" {
		t.Errorf("outputs %v; context parameters (-want +got):\n%s", got, diff)
	}
	if user := got["reservedUser"].(map[string]any); user["responsibleSinceLevel"] != 2 {
		t.Errorf("the user is %v", user)
	}
	for _, odd := range []string{`"ContextParameters":{}`, `"ContextParameters":null`, `"ReservedUserObject":[]`, `"ReservedUserObject":{"ResponsibleSinceLevel":"high"}`} {
		if result := run(t, "get-task", sdktest.Visit{Inputs: inputsOf("get-task"), Reply: answering(200, `{"Id":"x","State":"y",`+odd+`}`)}); result.Outcome != "success" {
			t.Errorf("%s: outcome %s: %s", odd, result.Outcome, result.Message)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"27.06.2019 11:58:35.4996911Z", "2019-06-27T11:58:35.4996911Z"},
		{"01.12.2026 00:00:00Z", "2026-12-01T00:00:00Z"},
		{" 29.02.2024 23:59:59.1Z ", "2024-02-29T23:59:59.1Z"},
		{"29.02.2000 23:59:59Z", "2000-02-29T23:59:59Z"},
		{"27.06.2019 11:58:35+02:00", "2019-06-27T11:58:35+02:00"},
		{"2019-06-27T11:58:35.4996911Z", "2019-06-27T11:58:35.4996911Z"},
		{"2019-06-27T11:58:35-05:30", "2019-06-27T11:58:35-05:30"},

		{"", ""},
		{"6/27/2019 2:11 PM", ""},
		{"27.06.2019 11:58:35", ""}, // of which zone?
		{"2019-06-27T11:58:35", ""},
		{"2019-06-27 11:58:35Z", ""},
		{"2019-06-27", ""},
		{"27.06.2019", ""},
		{"29.02.2023 00:00:00Z", ""},
		{"29.02.1900 00:00:00Z", ""},
		{"31.04.2026 00:00:00Z", ""},
		{"32.01.2026 00:00:00Z", ""},
		{"00.01.2026 00:00:00Z", ""},
		{"01.13.2026 00:00:00Z", ""},
		{"01.00.2026 00:00:00Z", ""},
		{"01.01.2026 24:00:00Z", ""},
		{"01.01.2026 00:60:00Z", ""},
		{"01.01.2026 00:00:60Z", ""},
		{"01.01.2026 00:00:00.Z", ""},
		{"01.01.2026 00:00:00.1", ""},
		{"01.01.2026 00:00:00+2:00", ""},
		{"01.01.2026 00:00:00+24:00", ""},
		{"01.01.2026 00:00:00+02:60", ""},
		{"01.01.2026 00:00:00Z later", ""},
		{"1.1.2026 00:00:00Z", ""},
	}
	for _, test := range tests {
		body := `{"Id":"x","State":"y","Created":"` + test.text + `","QueueStarted":"` + test.text + `","Connected":"` + test.text + `"}`
		got := run(t, "get-task", sdktest.Visit{Inputs: inputsOf("get-task"), Reply: answering(200, body)}).Outputs
		for _, name := range []string{"created", "queueStarted", "connected"} {
			if got[name] != test.text || got[name+"Rfc3339"] != test.want {
				t.Errorf("%q: %s is %q, %q; want %q", test.text, name, got[name], got[name+"Rfc3339"], test.want)
			}
		}
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	one := `{"Id":"1","State":"InQueue","ExternalTaskId":"a"}`
	two := `{"Id":"2","State":"Terminated","ExternalTaskId":"A"}`
	tests := []struct {
		name, method, body, wanted string
		count                      int // -1: it is none
	}{
		{"tasks", "list-service-tasks", "[" + one + "," + two + "]", "", 2},
		{"tasks of an external id", "list-service-tasks", "[" + one + "," + two + "]", "A", 1},
		{"tasks of an external id that none has", "list-service-tasks", "[" + one + "," + two + "]", "b", 0},
		{"no tasks", "list-service-tasks", "[]", "", 0},
		{"null instead of tasks", "list-service-tasks", "null", "", 0},
		{"the only task", "list-service-tasks", one, "", 1},
		{"something other than tasks", "list-service-tasks", "[" + one + ",{}]", "", -1},
		{"a task that is none, of another external id", "list-service-tasks", "[{}]", "x", -1},
		{"no list", "list-service-tasks", "7", "", -1},
		{"no JSON", "list-service-tasks", "<", "", -1},
		{"no body", "list-service-tasks", "", "", -1},
		{"services", "list-services", `[{"Id":"1"},{"Name":2}]`, "", 2},
		{"no services", "list-services", `[]`, "", 0},
		{"names instead of services", "list-services", `["a"]`, "", -1},
		{"users", "list-service-users", `[{"SipUri":"sip:a@b","IsSelectable":true}]`, "", 1},
		{"the only user", "list-service-users", `{"SipUri":"sip:a@b"}`, "", 1},
		{"no users", "list-service-users", "null", "", 0},
		{"numbers instead of users", "list-service-users", `[1]`, "", -1},
	}
	outputs := map[string]string{"list-service-tasks": "tasks", "list-services": "services", "list-service-users": "users"}
	for _, test := range tests {
		inputs := inputsOf(test.method)
		if test.wanted != "" {
			inputs["externalTaskId"] = test.wanted
		}
		result := run(t, test.method, sdktest.Visit{Inputs: inputs, Reply: answering(200, test.body)})
		if test.count < 0 {
			if result.Outcome != "serverError" || result.Outputs["errorCode"] != "malformedReply" {
				t.Errorf("%s: outcome %s, want serverError", test.name, result.Outcome)
			}
			continue
		}
		list, is := result.Outputs[outputs[test.method]].([]any)
		if result.Outcome != "success" || !is || len(list) != test.count || result.Outputs["count"] != test.count {
			t.Errorf("%s: outcome %s: %s, outputs %v; want %d", test.name, result.Outcome, result.Message, result.Outputs, test.count)
		}
	}
	result := run(t, "list-service-tasks", sdktest.Visit{Inputs: inputsOf("list-service-tasks"), Reply: answering(200, sample(t, "in-queue"))})
	if task := result.Outputs["tasks"].([]any)[0].(map[string]any); task["taskId"] != taskID || task["createdRfc3339"] != "2019-06-27T11:58:35.4996911Z" {
		t.Errorf("the task is %v", task)
	}
	result = run(t, "list-service-users", sdktest.Visit{Inputs: inputsOf("list-service-users"), Reply: answering(200, `[{"IsSelectable":false,"Odd":{"a":[1]}}]`)})
	if diff := cmp.Diff([]any{map[string]any{"IsSelectable": false, "Odd": map[string]any{"a": []any{1}}}}, result.Outputs["users"]); diff != "" {
		t.Errorf("users (-sent +given):\n%s", diff)
	}
}

// TestMessages: LUCS' own words, wherever they stand.
func TestMessages(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"Message":"a","message":"b"}`: "LUCS answered 400: a",
		`{"message":"b"}`:               "LUCS answered 400: b",
		`"c"`:                           "LUCS answered 400: c",
		`{"error":"d"}`:                 "LUCS answered 400",
		`<html>`:                        "LUCS answered 400",
		``:                              "LUCS answered 400",
	} {
		result := run(t, "get-task", sdktest.Visit{Inputs: inputsOf("get-task"), Reply: answering(400, body)})
		if result.Message != want || result.Outputs["errorMessage"] != want || result.Outputs["responsePayload"] != body {
			t.Errorf("%s: message %q, outputs %v; want %q", body, result.Message, result.Outputs, want)
		}
	}
}

func TestPayloadIsBounded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		body string
		want int
	}{
		{strings.Repeat("x", maxPayload), maxPayload},
		{strings.Repeat("x", maxPayload+1), maxPayload},
		{strings.Repeat("x", maxPayload-1) + "é", maxPayload - 1},
		{strings.Repeat("😀", maxPayload), maxPayload},
		{`"` + strings.Repeat("é", maxPayload) + `"`, maxPayload - 1},
	}
	for _, test := range tests {
		result := run(t, "get-task", sdktest.Visit{Inputs: inputsOf("get-task"), Reply: answering(400, test.body)})
		payload, _ := result.Outputs["responsePayload"].(string)
		if len(payload) != test.want || !utf8.ValidString(payload) || !strings.HasPrefix(test.body, payload) {
			t.Errorf("a body of %d bytes is given with %d, want %d", len(test.body), len(payload), test.want)
		}
		if len(result.Message) > maxPayload+100 {
			t.Errorf("the message has %d bytes", len(result.Message))
		}
	}
	broken := run(t, "get-task", sdktest.Visit{Inputs: inputsOf("get-task"), Reply: answering(400, "a\xffb")})
	if broken.Outputs["responsePayload"] != "a\uFFFDb" {
		t.Errorf("the payload is %q", broken.Outputs["responsePayload"])
	}
}
