package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/sdk/sdktest"
	"github.com/wendflow/wend/sdk/wire"
)

const uuid = "7d7aa2d4-0b1b-4b5e-9c55-6f3a5b0c9f10"

// inputs are those of a good call, changed by more; nil removes one.
func inputs(method string, more map[string]any) map[string]any {
	in := map[string]any{"domain": "finesse.example.com", "taskId": uuid, "trackingId": "T-1"}
	if method == "create-task" {
		maps.Copy(in, map[string]any{
			"conversationId": "c-1", "destination": "4915112345", "mediaType": "Social",
			"mediaChannel": "SMS", "scriptSelector": "Insurance", "customerId": "cust",
		})
	}
	maps.Copy(in, more)
	maps.DeleteFunc(in, func(_ string, v any) bool { return v == nil })
	return in
}

func replying(reply wire.Reply) func(wire.Call) wire.Reply {
	return func(wire.Call) wire.Reply { return reply }
}

var accepted = replying(wire.Reply{Status: 200})

// body is the body of the one call that was made.
func body(t *testing.T, result sdktest.Result) map[string]any {
	t.Helper()
	if len(result.Calls) != 1 {
		t.Fatalf("%d calls were made, want 1; outcome %s: %s", len(result.Calls), result.Outcome, result.Message)
	}
	var decoded map[string]any
	if err := json.Unmarshal(result.Calls[0].Body, &decoded); err != nil {
		t.Fatal(err)
	}
	return decoded
}

func TestCalls(t *testing.T) {
	t.Parallel()
	headers := map[string]string{"Accept": "application/json", "Content-Type": "application/json", "TrackingID": "T-1"}
	tests := []struct {
		name, method string
		inputs       map[string]any
		settings     map[string]any
		want         wire.Call
	}{
		{
			name: "end", method: "end-task",
			want: wire.Call{
				Method: "POST", URL: "https://finesse.example.com/drapi/v1/tasks/" + uuid + "/close",
				Headers: headers, Body: []byte(`{}`),
			},
		},
		{
			name: "end with all that is sent", method: "end-task",
			inputs: map[string]any{
				"dispositionCode":    "CD_NORMAL_END_TASK",
				"callVariables":      map[string]any{"cv_1": "gold", "cv_10": 7},
				"userVariables":      []any{map[string]any{"key": "_DR_EmailSubject", "type": "string", "value": "Re"}, map[string]any{"key": "userLevel", "value": true}},
				"extensionVariables": []any{map[string]any{"key": "facebookID", "value": "psid ☺"}},
				"mediaType":          "Social", // not without sendContext
			},
			want: wire.Call{
				Method: "POST", URL: "https://finesse.example.com/drapi/v1/tasks/" + uuid + "/close",
				Headers: headers,
				Body: []byte(`{"dispositionCode":"CD_NORMAL_END_TASK","variables":{"cv_1":"gold","cv_10":"7",` +
					`"facebookID":"psid ☺","userLevel":"true","user_DR_EmailSubject":"Re"}}`),
			},
		},
		{
			name: "end with context", method: "end-task",
			inputs: map[string]any{
				"sendContext": true, "conversationId": "c-1", "destination": 4915112345, "mediaType": "social",
				"mediaChannel": "whatsapp", "preferredOwner": "1100", "scriptSelector": "S", "customerId": "c",
				"customerName": "Zoë", "origin": "+49", "dispositionCode": "",
			},
			want: wire.Call{
				Method: "POST", URL: "https://finesse.example.com/drapi/v1/tasks/" + uuid + "/close",
				Headers: headers,
				Body: []byte(`{"conversationId":"c-1","customerId":"c","customerName":"Zoë","destination":"4915112345",` +
					`"mediaChannel":"WhatsApp","mediaType":"Social","origin":"+49","preferredOwner":"1100","scriptSelector":"S"}`),
			},
		},
		{
			name: "end by other settings", method: "end-task",
			inputs: map[string]any{"domain": "127.0.0.1:9101", "callVariables": map[string]any{"cv_2": ""}},
			settings: map[string]any{
				"scheme": "http", "tasksPath": "/t", "closePath": "{tasksPath}/{taskId}/end", "closeMethod": "PUT",
				"trackingHeader": "X-Track", "trackingPrefix": "Y",
			},
			want: wire.Call{
				Method: "PUT", URL: "http://127.0.0.1:9101/t/" + uuid + "/end",
				Headers: map[string]string{"Accept": "application/json", "Content-Type": "application/json", "X-Track": "T-1"},
				Body:    []byte(`{"variables":{"cv_2":""}}`),
			},
		},
		{
			name: "create", method: "create-task",
			inputs: map[string]any{"preferredOwner": "000", "userVariables": []any{}},
			want: wire.Call{
				Method: "POST", URL: "https://finesse.example.com/drapi/v1/tasks",
				Headers: headers,
				Body: []byte(`{"conversationId":"c-1","customerId":"cust","destination":"4915112345","mediaChannel":"SMS",` +
					`"mediaType":"Social","scriptSelector":"Insurance","taskId":"` + uuid + `"}`),
			},
		},
		{
			name: "get", method: "get-task",
			settings: map[string]any{"trackingHeader": ""},
			want: wire.Call{
				Method: "GET", URL: "https://finesse.example.com/drapi/v1/tasks/" + uuid,
				Headers: map[string]string{"Accept": "application/json"}, Body: []byte{},
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result := run(t, test.method, sdktest.Visit{
				Inputs: inputs(test.method, test.inputs), Settings: test.settings, Reply: accepted,
			})
			if diff := cmp.Diff([]wire.Call{test.want}, result.Calls); diff != "" {
				t.Errorf("calls (-want +got), outcome %s %s:\n%s", result.Outcome, result.Message, diff)
			}
		})
	}
}

func TestTrackingID(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		inputs map[string]any
		prefix any
		want   string // what it begins with
		size   int
	}{
		{name: "given", inputs: map[string]any{"trackingId": "mine"}, want: "mine", size: 4},
		{name: "left out", inputs: map[string]any{"trackingId": nil}, want: "Wend_", size: 41},
		{name: "empty", inputs: map[string]any{"trackingId": ""}, want: "Wend_", size: 41},
		{name: "prefixed", inputs: map[string]any{"trackingId": nil}, prefix: "WebexConnect", want: "WebexConnect_", size: 49},
		{name: "without prefix", inputs: map[string]any{"trackingId": nil}, prefix: "", want: "", size: 36},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result := run(t, "end-task", sdktest.Visit{
				Inputs: inputs("end-task", test.inputs), Settings: map[string]any{"trackingPrefix": test.prefix}, Reply: accepted,
			})
			sent := result.Calls[0].Headers["TrackingID"]
			if !strings.HasPrefix(sent, test.want) || len(sent) != test.size {
				t.Errorf("tracking id %q, want %d bytes that begin with %q", sent, test.size, test.want)
			}
			if result.Outputs["trackingId"] != sent {
				t.Errorf("output trackingId is %q, sent was %q", result.Outputs["trackingId"], sent)
			}
		})
	}
}

func TestPreferredOwner(t *testing.T) {
	t.Parallel()
	tests := []struct{ given, want any }{
		{"1100", "1100"},
		{1100, "1100"},
		{"0123", "0123"},
		{"0000", nil},
		{0, nil},
		{"", nil},
		{nil, nil},
	}
	for _, test := range tests {
		result := run(t, "create-task", sdktest.Visit{
			Inputs: inputs("create-task", map[string]any{"preferredOwner": test.given}), Reply: accepted,
		})
		if got := body(t, result)["preferredOwner"]; got != test.want {
			t.Errorf("preferred owner %v is sent as %v, want %v", test.given, got, test.want)
		}
	}
}

func TestChoices(t *testing.T) {
	t.Parallel()
	tests := []struct{ input, given, want string }{
		{"mediaType", "Email", "Email"},
		{"mediaType", "email", "Email"},
		{"mediaType", "CHAT", "Chat"},
		{"mediaType", "Live chat", "Chat"},
		{"mediaType", "telephony", "Telephony"},
		{"mediaType", "Callbacks", "Telephony"},
		{"mediaType", "social", "Social"},
		{"mediaType", "SMS", "Social"},
		{"mediaType", "web callback", "Web Callback"},
		{"mediaType", "WebCallback", "Web Callback"},
		{"mediaType", "fax", ""},
		{"mediaType", "Chät", ""},
		{"mediaChannel", "email", "Email"},
		{"mediaChannel", "telephony", "Telephony"},
		{"mediaChannel", "voice chat", "Voice Chat"},
		{"mediaChannel", "chat", "Chat"},
		{"mediaChannel", "Live Chat/In App Messaging", "Live Chat/In App Messaging"},
		{"mediaChannel", "live chat / in-app messaging", "Live Chat/In App Messaging"},
		{"mediaChannel", "Live Chat", "Live Chat/In App Messaging"},
		{"mediaChannel", "social", "Social"},
		{"mediaChannel", "facebook", "Facebook Messenger"},
		{"mediaChannel", "Facebook Messenger", "Facebook Messenger"},
		{"mediaChannel", "sms", "SMS"},
		{"mediaChannel", "WhatsApp", "WhatsApp"},
		{"mediaChannel", "WEB CALLBACK", "Web Callback"},
		{"mediaChannel", "apple messages for business", "Apple Messages for Business"},
		{"mediaChannel", "pigeon", ""},
		{"mediaChannel", " ", ""},
	}
	for _, test := range tests {
		t.Run(test.input+" "+test.given, func(t *testing.T) {
			t.Parallel()
			result := run(t, "create-task", sdktest.Visit{
				Inputs: inputs("create-task", map[string]any{test.input: test.given}), Reply: accepted,
			})
			if test.want == "" {
				if result.Outcome != "onInvalidChoice" || len(result.Calls) > 0 || result.Outputs["errorCode"] != "invalidChoice" {
					t.Errorf("outcome %s with %d calls, want onInvalidChoice without one", result.Outcome, len(result.Calls))
				}
				return
			}
			if got := body(t, result)[test.input]; got != test.want {
				t.Errorf("%s %q is sent as %v, want %q", test.input, test.given, got, test.want)
			}
		})
	}
}

// TestChoicesKnowTheirOwnNames holds that no name of a choice is lacking among
// its spellings.
func TestChoicesKnowTheirOwnNames(t *testing.T) {
	t.Parallel()
	for _, choices := range [][]choice{mediaTypes, mediaChannels, variableTypes} {
		for _, c := range choices {
			f := form{}
			if got := f.choice("x", c.name, choices); got != c.name {
				t.Errorf("choice %q is read as %q", c.name, got)
			}
			for _, spelling := range c.spellings {
				if bare(spelling) != spelling {
					t.Errorf("spelling %q of %q can never be met", spelling, c.name)
				}
			}
		}
	}
}

func TestWebCallbackMediaType(t *testing.T) {
	t.Parallel()
	result := run(t, "create-task", sdktest.Visit{
		Inputs:   inputs("create-task", map[string]any{"mediaType": "web callback", "mediaChannel": "web callback"}),
		Settings: map[string]any{"webCallbackMediaType": "Telephony"},
		Reply:    accepted,
	})
	sent := body(t, result)
	if sent["mediaType"] != "Telephony" || sent["mediaChannel"] != "Web Callback" {
		t.Errorf("sent %v and %v, want Telephony and Web Callback", sent["mediaType"], sent["mediaChannel"])
	}
}

// refusal is a call that is never made.
type refusal struct {
	name, method string
	inputs       map[string]any
	outcome      string
	message      string // a part of it
}

func variables(pairs ...string) []any {
	list := []any{}
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, map[string]any{"key": pairs[i], "value": pairs[i+1]})
	}
	return list
}

func refusals() []refusal {
	const data, choice = "onInvalidData", "onInvalidChoice"
	end := func(name, outcome, message string, more map[string]any) refusal {
		return refusal{name, "end-task", inputs("end-task", more), outcome, message}
	}
	one := func(input string, value any, outcome, message string) refusal {
		return end(fmt.Sprintf("%s %.60v", input, value), outcome, message, map[string]any{input: value})
	}
	all := []refusal{
		one("taskId", "", data, `taskId "": expected a UUID`),
		one("taskId", "42", data, `taskId "42": expected a UUID`),
		one("taskId", strings.ReplaceAll(uuid, "-", ""), data, "expected a UUID"),
		one("taskId", "{"+uuid+"}", data, "expected a UUID"),
		one("taskId", "g"+uuid[1:], data, "expected a UUID"),
		one("taskId", strings.Replace(uuid, "-", "0", 1), data, "expected a UUID"),

		one("domain", "", data, `domain "": expected a host`),
		one("domain", "https://finesse.example.com", data, "expected a host"),
		one("domain", "finesse.example.com/x", data, "expected a host"),
		one("domain", "user@finesse.example.com", data, "expected a host"),
		one("domain", "user:pass@finesse.example.com", data, "expected a host"),
		one("domain", "finesse.example.com?x", data, "expected a host"),
		one("domain", "finesse.example.com#x", data, "expected a host"),
		one("domain", "finesse example.com", data, "expected a host"),
		one("domain", "finesse.example.com\\@evil", data, "expected a host"),
		one("domain", "finesse..com", data, "expected a host"),
		one("domain", "-finesse.com", data, "expected a host"),
		one("domain", "finesse.com:", data, "expected a host"),
		one("domain", "finesse.com:0", data, "expected a host"),
		one("domain", "finesse.com:65536", data, "expected a host"),
		one("domain", "finesse.com:8443:1", data, "expected a host"),
		one("domain", "bücher.example.com", data, "expected a host"),
		one("domain", strings.Repeat("a", 64)+".com", data, "expected a host"),
		one("domain", strings.Repeat("a.", 127), data, "expected a host"),

		one("trackingId", strings.Repeat("x", 129), data, "trackingId: expected at most 128 printable ASCII characters"),
		one("trackingId", "a\r\nX-Evil: 1", data, "printable"),
		one("trackingId", "ü", data, "printable"),

		one("callVariables", map[string]any{"cv_1": strings.Repeat("x", 41)}, data, `call variable "cv_1": 41 bytes, expected at most 40`),
		one("callVariables", map[string]any{"cv_1": strings.Repeat("x", 39) + "üü"}, data, "41 bytes"),
		one("callVariables", map[string]any{"cv_1": "€"}, data, `'€' is no character of Latin-1`),
		one("callVariables", map[string]any{"cv_0": "x"}, data, `call variable "cv_0": expected cv_1 to cv_10`),
		one("callVariables", map[string]any{"cv_11": "x"}, data, "expected cv_1 to cv_10"),
		one("callVariables", map[string]any{"CV_1": "x"}, data, "expected cv_1 to cv_10"),

		one("userVariables", []any{map[string]any{"type": "String", "value": "thread"}}, data, "user variable 1: has no key"),
		one("userVariables", variables("user", "x"), data, `expected a name beside "user"`),
		one("userVariables", variables(strings.Repeat("n", 29), "x"), data, "33 bytes, expected at most 32"),
		one("userVariables", variables("Ω", "x"), data, "is no character of Latin-1"),
		one("userVariables", variables("v", strings.Repeat("x", 211)), data, "211 bytes, expected at most 210"),
		one("userVariables", variables("v", strings.Repeat("x", 209)+"éé"), data, "211 bytes"),
		one("userVariables", variables("v", "中"), data, "is no character of Latin-1"),
		one("userVariables", variables("v", "1", "userv", "2"), data, `user variable "userv": is given twice`),
		one("userVariables", numbered(10, 201), data, "user variables: 2010 bytes, expected at most 2000"),
		one("userVariables", numbered(80, 25), data, "user variables with their names: 2560 bytes, expected at most 2500"),
		one("userVariables", []any{map[string]any{"key": "v", "type": "Integer", "value": 1}}, choice, `type of user variable "v" "Integer": expected one of String`),

		one("extensionVariables", []any{map[string]any{"value": "x"}}, data, "extension variable 1: has no key"),
		one("extensionVariables", variables("cv_1", "x"), data, "belongs to another kind of variable"),
		one("extensionVariables", variables("userX", "x"), data, "belongs to another kind of variable"),
		one("extensionVariables", variables("a", "1", "a", "2"), data, "is given twice"),
		one("extensionVariables", []any{map[string]any{"key": "v", "type": "Blob"}}, choice, "expected one of String"),

		one("mediaType", "fax", choice, `mediaType "fax": expected one of Email, Chat, Telephony, Social, Web Callback`),
		one("mediaChannel", "fax", choice, `mediaChannel "fax": expected one of Email, Telephony, Voice Chat, Chat, Live Chat/In App Messaging`),

		end("all mistakes are told, the first decides", data, `expected a UUID, as "`+uuid+`"; mediaType "fax"`, map[string]any{"taskId": "x", "mediaType": "fax"}),
	}
	for _, name := range []string{"conversationId", "destination", "mediaType", "mediaChannel", "scriptSelector", "customerId"} {
		all = append(all, refusal{"create without " + name, "create-task", inputs("create-task", map[string]any{name: ""}), data, name + " is empty"})
	}
	return append(all,
		refusal{"create with a bad id", "create-task", inputs("create-task", map[string]any{"taskId": "x"}), data, "expected a UUID"},
		refusal{"get with a bad id", "get-task", inputs("get-task", map[string]any{"taskId": "x"}), data, "expected a UUID"},
	)
}

// numbered makes n user variables with names of 7 bytes and values of size.
func numbered(n, size int) []any {
	var pairs []string
	for i := range n {
		pairs = append(pairs, fmt.Sprintf("%03d", i), strings.Repeat("x", size))
	}
	return variables(pairs...)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, test := range refusals() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result := run(t, test.method, sdktest.Visit{Inputs: test.inputs})
			if result.Outcome != test.outcome || !strings.Contains(result.Message, test.message) {
				t.Errorf("outcome %s: %s; want %s: %s", result.Outcome, result.Message, test.outcome, test.message)
			}
			if result.Outputs["errorMessage"] != result.Message || result.Outputs["httpStatus"] != 0 {
				t.Errorf("outputs are %v, want the message and no status", result.Outputs)
			}
		})
	}
}

// TestLimitsAreInclusive holds that what is just within a limit is sent.
func TestLimitsAreInclusive(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		more map[string]any
		want map[string]any
	}{
		{
			"40 bytes",
			map[string]any{"callVariables": map[string]any{"cv_1": strings.Repeat("x", 40)}},
			map[string]any{"cv_1": strings.Repeat("x", 40)},
		},
		{
			"40 bytes of Latin-1, 41 of UTF-8",
			map[string]any{"callVariables": map[string]any{"cv_10": strings.Repeat("x", 39) + "é"}},
			map[string]any{"cv_10": strings.Repeat("x", 39) + "é"},
		},
		{
			"40 letters of two UTF-8 bytes",
			map[string]any{"callVariables": map[string]any{"cv_10": strings.Repeat("ÿ", 40)}},
			map[string]any{"cv_10": strings.Repeat("ÿ", 40)},
		},
		{
			"a name of 32 bytes",
			map[string]any{"userVariables": variables(strings.Repeat("n", 28), "x")},
			map[string]any{"user" + strings.Repeat("n", 28): "x"},
		},
		{
			"a name of 32 bytes with its prefix",
			map[string]any{"userVariables": variables("user"+strings.Repeat("n", 28), "x")},
			map[string]any{"user" + strings.Repeat("n", 28): "x"},
		},
		{
			"a prefix too many",
			map[string]any{"userVariables": variables("useruser_x", "x")},
			map[string]any{"user_x": "x"},
		},
		{
			"a value of 210 bytes",
			map[string]any{"userVariables": variables("v", strings.Repeat("ä", 210))},
			map[string]any{"userv": strings.Repeat("ä", 210)},
		},
		{
			"an extension of any size and letters",
			map[string]any{"extensionVariables": variables("x", strings.Repeat("中", 3000))},
			map[string]any{"x": strings.Repeat("中", 3000)},
		},
		{
			"a null value",
			map[string]any{"extensionVariables": []any{map[string]any{"key": "x", "value": nil}}},
			map[string]any{"x": ""},
		},
		{
			"a tracking id of 128", map[string]any{"trackingId": strings.Repeat("~", 128)}, nil,
		},
		{
			"a long host", map[string]any{"domain": strings.Repeat("a", 63) + ".example.com:65535"}, nil,
		},
		{
			"a task id in capitals", map[string]any{"taskId": strings.ToUpper(uuid)}, nil,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result := run(t, "end-task", sdktest.Visit{Inputs: inputs("end-task", test.more), Reply: accepted})
			var sent map[string]any
			if v, is := body(t, result)["variables"].(map[string]any); is {
				sent = v
			}
			if diff := cmp.Diff(test.want, sent); diff != "" {
				t.Errorf("variables (-want +got):\n%s", diff)
			}
		})
	}
	t.Run("2000 bytes of values", func(t *testing.T) {
		t.Parallel()
		result := run(t, "end-task", sdktest.Visit{
			Inputs: inputs("end-task", map[string]any{"userVariables": numbered(10, 200)}), Reply: accepted,
		})
		if result.Outcome != "Success" {
			t.Errorf("outcome %s: %s, want Success", result.Outcome, result.Message)
		}
	})
}

func TestStatuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name                 string
		reply                wire.Reply
		outcome, label, code string
		vendorCode           string
		message              string
	}{
		// The vendor's status table.
		{name: "200", reply: wire.Reply{Status: 200}, outcome: "Success", label: "ok"},
		{name: "201", reply: wire.Reply{Status: 201}, outcome: "Success", label: "Successfully Created"},
		{name: "400", reply: wire.Reply{Status: 400}, outcome: "Error", label: "Bad Request", code: "http400", message: "Digital Routing answered 400 Bad Request"},
		{name: "403", reply: wire.Reply{Status: 403}, outcome: "Error", label: "Forbidden", code: "http403"},
		{name: "404", reply: wire.Reply{Status: 404}, outcome: "Error", label: "Not Found", code: "http404"},
		{name: "500", reply: wire.Reply{Status: 500}, outcome: "Error", label: "Internal Server Error", code: "http500"},
		{name: "502", reply: wire.Reply{Status: 502}, outcome: "Error", label: "Unreachable", code: "http502"},
		{name: "503", reply: wire.Reply{Status: 503}, outcome: "Error", label: "Service Unavailable", code: "http503"},
		{name: "20200", reply: wire.Reply{Status: 409, Body: []byte(`{"error":{"code":20200,"key":"TASK_ALREADY_EXISTS"}}`)}, outcome: "Success", label: "Task Already Exists", vendorCode: "20200"},

		// 20200 wherever it stands, and at any status.
		{name: "20200 as text", reply: wire.Reply{Status: 400, Body: []byte(`{"code":"20200"}`)}, outcome: "Success", label: "Task Already Exists", vendorCode: "20200"},
		{name: "20200 in a 200", reply: wire.Reply{Status: 200, Body: []byte(`{"code":20200}`)}, outcome: "Success", label: "Task Already Exists", vendorCode: "20200"},
		{name: "20200 in a 401", reply: wire.Reply{Status: 401, Body: []byte(`{"code":20200}`)}, outcome: "Success", label: "Task Already Exists", vendorCode: "20200"},
		{name: "20200 in a 500, in a list", reply: wire.Reply{Status: 500, Body: []byte(`[{"errors":[{"code":1},{"code":"20200"}]}]`)}, outcome: "Success", label: "Task Already Exists", vendorCode: "20200"},
		{name: "20200 that is no code", reply: wire.Reply{Status: 500, Body: []byte(`{"id":20200}`)}, outcome: "Error", label: "Internal Server Error", code: "http500"},

		// Other codes of the vendor.
		{name: "20286", reply: wire.Reply{Status: 400, Body: []byte(`{"error":{"code":20286,"message":"MEDIA_TYPE_QUEUE_LIMIT_EXCEEDED"}}`)}, outcome: "Error", label: "Bad Request", vendorCode: "20286", code: "20286", message: "Digital Routing answered 400 Bad Request: MEDIA_TYPE_QUEUE_LIMIT_EXCEEDED"},
		{name: "a code in depth", reply: wire.Reply{Status: 400, Body: []byte(`{"errors":[{"code":7}],"message":"no"}`)}, outcome: "Error", label: "Bad Request", vendorCode: "7", code: "7", message: "Digital Routing answered 400 Bad Request: no"},
		{name: "a key for a message", reply: wire.Reply{Status: 404, Body: []byte(`{"error":{"key":"NO_TASK"}}`)}, outcome: "Error", label: "Not Found", code: "http404", message: "Digital Routing answered 404 Not Found: NO_TASK"},

		// Statuses that the table lacks.
		{name: "401", reply: wire.Reply{Status: 401}, outcome: "onauthorizationfail", code: "unauthorized", message: "Digital Routing answered 401"},
		{name: "204", reply: wire.Reply{Status: 204}, outcome: "Error", code: "http204"},
		{name: "302", reply: wire.Reply{Status: 302}, outcome: "Error", code: "http302"},
		{name: "409", reply: wire.Reply{Status: 409}, outcome: "Error", code: "http409"},
		{name: "429", reply: wire.Reply{Status: 429}, outcome: "Error", code: "http429"},
		{name: "504", reply: wire.Reply{Status: 504, Body: []byte(`<html>`)}, outcome: "Error", code: "http504"},

		// No response, or no use in it.
		{name: "timeout", reply: wire.Reply{Failure: wire.Timeout, Message: "no answer in 5s"}, outcome: "onTimeout", code: "timeout", message: "no answer in 5s"},
		{name: "unreachable", reply: wire.Reply{Failure: wire.Unreachable}, outcome: "onError", code: "unreachable", message: "the call had no response: unreachable"},
		{name: "refused", reply: wire.Reply{Failure: wire.Refused}, outcome: "onError", code: "refused"},
		{name: "unauthorized", reply: wire.Reply{Failure: wire.Unauthorized}, outcome: "onauthorizationfail", code: "unauthorized"},
		{name: "interrupted", reply: wire.Reply{Failure: wire.Interrupted}, outcome: "onError", code: "interrupted"},
		{name: "a failure that is not known yet", reply: wire.Reply{Failure: "weather"}, outcome: "onError", code: "weather"},
		{name: "malformed", reply: wire.Reply{Status: 200, Body: []byte(`{"data":`)}, outcome: "onError", label: "ok", code: "malformedReply", message: "the reply is no JSON: byte 8: expected a value"},
		{name: "a body that is no text", reply: wire.Reply{Status: 201, Body: []byte{0xff}}, outcome: "onError", label: "Successfully Created", code: "malformedReply"},
		{name: "a body of blanks", reply: wire.Reply{Status: 200, Body: []byte(" \n")}, outcome: "Success", label: "ok"},
		{name: "another content type", reply: wire.Reply{Status: 200, Headers: map[string][]string{"content-type": {"text/html"}}, Body: []byte(`{"data":{}}`)}, outcome: "Success", label: "ok"},
	}
	for _, test := range tests {
		for _, method := range []string{"end-task", "create-task"} {
			t.Run(method+" "+test.name, func(t *testing.T) {
				t.Parallel()
				result := run(t, method, sdktest.Visit{Inputs: inputs(method, nil), Reply: replying(test.reply)})
				want := map[string]any{
					"location": "", "responsePayload": strings.ToValidUTF8(string(test.reply.Body), "\uFFFD"), "vendorCode": test.vendorCode,
					"statusLabel": test.label, "httpStatus": test.reply.Status, "trackingId": "T-1",
					"errorCode": test.code, "errorMessage": result.Message,
				}
				if result.Outcome != test.outcome {
					t.Errorf("outcome %s: %s; want %s", result.Outcome, result.Message, test.outcome)
				}
				if diff := cmp.Diff(want, result.Outputs); diff != "" {
					t.Errorf("outputs (-want +got):\n%s", diff)
				}
				if test.message != "" && result.Message != test.message || (result.Message == "") != (result.Outcome == "Success") {
					t.Errorf("message %q, want %q", result.Message, test.message)
				}
			})
		}
	}
}

func TestLocation(t *testing.T) {
	t.Parallel()
	result := run(t, "create-task", sdktest.Visit{
		Inputs: inputs("create-task", nil),
		Reply: replying(wire.Reply{
			Status: 201, Headers: map[string][]string{"location": {"/drapi/v1/tasks/" + uuid}},
			Body: []byte(`{"data": {"id": "` + uuid + `"}}`),
		}),
	})
	if result.Outcome != "Success" || result.Outputs["location"] != "/drapi/v1/tasks/"+uuid {
		t.Errorf("outcome %s, location %v", result.Outcome, result.Outputs["location"])
	}
}

func TestGetTask(t *testing.T) {
	t.Parallel()
	task := `{"id":"` + uuid + `","preferredOwner":"1100","customerId":"c","origin":"+49","destination":"d",` +
		`"mediaType":"Social","mediaChannel":"SMS","state":"QUEUED","direction":"INBOUND","createdTime":1700000000000,` +
		`"lastUpdatedTime":"2026-11-20T08:00:00Z","scriptSelector":"S","variables":{"cv_1":"gold"},` +
		`"history":[{"state":"CREATED"}],"estimatedWaitTime":12}`
	full := map[string]any{
		"taskId": uuid, "preferredOwner": "1100", "customerId": "c", "origin": "+49", "destination": "d",
		"mediaType": "Social", "mediaChannel": "SMS", "state": "QUEUED", "direction": "INBOUND",
		"createdTime": "1700000000000", "lastUpdatedTime": "2026-11-20T08:00:00Z", "scriptSelector": "S",
		"variables": map[string]any{"cv_1": "gold"}, "history": []any{map[string]any{"state": "CREATED"}},
		"estimatedWaitTime": 12,
	}
	bare := map[string]any{
		"taskId": uuid, "preferredOwner": "", "customerId": "", "origin": "", "destination": "", "mediaType": "",
		"mediaChannel": "", "state": "", "direction": "", "createdTime": "", "lastUpdatedTime": "", "scriptSelector": "",
		"variables": map[string]any{}, "history": []any{}, "estimatedWaitTime": -1,
	}
	tests := []struct {
		name    string
		reply   wire.Reply
		outcome string
		code    string
		want    map[string]any // beside the outputs of all methods
	}{
		{"a task", wire.Reply{Status: 200, Body: []byte(task)}, "Success", "", full},
		{"a task as data", wire.Reply{Status: 200, Body: []byte(`{"data":` + task + `}`)}, "Success", "", full},
		{"a task of which nothing is known", wire.Reply{Status: 200, Body: []byte(`{"taskId":"` + uuid + `","variables":[],"history":{}}`)}, "Success", "", bare},
		{"no task", wire.Reply{Status: 200, Body: []byte(`{"data":[]}`)}, "onError", "malformedReply", nil},
		{"no body", wire.Reply{Status: 200}, "onError", "malformedReply", nil},
		{"no JSON", wire.Reply{Status: 200, Body: []byte(`<`)}, "onError", "malformedReply", nil},
		{"not found", wire.Reply{Status: 404}, "Error", "http404", nil},
		{"timeout", wire.Reply{Failure: wire.Timeout}, "onTimeout", "timeout", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result := run(t, "get-task", sdktest.Visit{Inputs: inputs("get-task", nil), Reply: replying(test.reply)})
			if result.Outcome != test.outcome || result.Outputs["errorCode"] != test.code {
				t.Errorf("outcome %s, code %v; want %s, %s", result.Outcome, result.Outputs["errorCode"], test.outcome, test.code)
			}
			task := maps.Clone(result.Outputs)
			for _, name := range []string{"location", "responsePayload", "vendorCode", "statusLabel", "httpStatus", "trackingId", "errorCode", "errorMessage"} {
				delete(task, name)
			}
			if len(task) != len(test.want) || test.want != nil && !cmp.Equal(test.want, task) {
				t.Errorf("task (-want +got):\n%s", cmp.Diff(test.want, task))
			}
		})
	}
}
