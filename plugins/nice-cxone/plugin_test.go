package main

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/sdk/sdktest"
	"github.com/wendflow/wend/sdk/wire"
)

// declared are the settings of a connection that says whose credential it is.
var declared = map[string]any{"agentId": "100001"}

const handle = "SecurityUser:16464288a4396e47:100001"

var accepted = replying(wire.Reply{Status: 202})

func replying(replies ...wire.Reply) func(wire.Call) wire.Reply {
	next := 0
	return func(wire.Call) wire.Reply {
		reply := replies[next]
		if next < len(replies)-1 {
			next++
		}
		return reply
	}
}

// endWith ends a contact and answers the call.
func endWith(t *testing.T, settings map[string]any, reply wire.Reply) sdktest.Result {
	t.Helper()
	return run(t, "end-contact", sdktest.Visit{
		Inputs: map[string]any{"securityUser": handle, "contactId": "42"}, Settings: settings, Reply: replying(reply),
	})
}

func TestCalls(t *testing.T) {
	t.Parallel()
	get := map[string]string{"Accept": "application/json"}
	post := map[string]string{"Accept": "application/json", "Content-Type": "application/json; charset=utf-8"}
	discovered := wire.Reply{Status: 200, Body: []byte(`{"api_endpoint":"https://api-eu1.niceincontact.com/"}`)}
	agent := wire.Reply{Status: 200, Body: []byte(`{"agents":[{"agentId":100001,"userName":"vera","isActive":true}]}`)}
	tests := []struct {
		name, method     string
		inputs, settings map[string]any
		replies          []wire.Reply
		want             []wire.Call
	}{
		{
			name: "end at the connection's baseURL", method: "end-contact",
			inputs:   map[string]any{"contactId": "450100000001"},
			settings: declared,
			want:     []wire.Call{{Method: "POST", URL: "/incontactapi/services/v34.0/contacts/450100000001/end", Headers: post}},
		},
		{
			name: "end at a base of its own, in another version", method: "end-contact",
			inputs:   map[string]any{"contactId": 7},
			settings: map[string]any{"agentId": 100001, "apiBase": "https://api-na1.niceincontact.com//", "tenantId": "t", "apiVersion": "v12.0"},
			want:     []wire.Call{{Method: "POST", URL: "https://api-na1.niceincontact.com/incontactapi/services/v12.0/contacts/7/end", Headers: post}},
		},
		{
			name: "end by another path", method: "end-contact",
			inputs:   map[string]any{"contactId": " 0007 "},
			settings: map[string]any{"agentName": "Vera", "endPath": "/InContactAPI/services/{apiVersion}/contacts/{contactId}/end"},
			want:     []wire.Call{{Method: "POST", URL: "/InContactAPI/services/v34.0/contacts/0007/end", Headers: post}},
		},
		{
			name: "end where discovery says", method: "end-contact",
			inputs:   map[string]any{"contactId": "7"},
			settings: map[string]any{"agentId": "1", "tenantId": "11e8 &=%é"},
			replies:  []wire.Reply{discovered, {Status: 202}},
			want: []wire.Call{
				{Method: "GET", URL: "https://cxone.niceincontact.com/.well-known/cxone-configuration?tenantId=11e8%20%26%3D%25%C3%A9", Headers: get},
				{Method: "POST", URL: "https://api-eu1.niceincontact.com/incontactapi/services/v34.0/contacts/7/end", Headers: post},
			},
		},
		{
			name: "set", method: "set-security-user",
			inputs: map[string]any{"agent": "vera"},
		},
		{
			name: "set and look up by id", method: "set-security-user",
			settings: map[string]any{"agentId": 100001, "verifyAgent": true},
			replies:  []wire.Reply{agent},
			want:     []wire.Call{{Method: "GET", URL: "/incontactapi/services/v34.0/agents/100001", Headers: get}},
		},
		{
			name: "set and look up by name, where discovery says", method: "set-security-user",
			inputs:   map[string]any{"agent": "vera"},
			settings: map[string]any{"verifyAgent": true, "tenantId": "t", "discoveryURL": "https://gov.example.com/d", "agentsPath": "/a/{apiVersion}"},
			replies:  []wire.Reply{discovered, agent},
			want: []wire.Call{
				{Method: "GET", URL: "https://gov.example.com/d?tenantId=t", Headers: get},
				{Method: "GET", URL: "https://api-eu1.niceincontact.com/a/v34.0?fields=agentId,userName,isActive&searchString=vera", Headers: get},
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			visit := sdktest.Visit{Inputs: test.inputs, Settings: test.settings, Reply: accepted}
			if test.replies != nil {
				visit.Reply = replying(test.replies...)
			}
			result := run(t, test.method, visit)
			for i := range test.want {
				test.want[i].Body = []byte{}
			}
			if diff := cmp.Diff(test.want, result.Calls); diff != "" {
				t.Errorf("calls (-want +got), outcome %s %s:\n%s", result.Outcome, result.Message, diff)
			}
			if result.Outputs["errorCode"] != "" {
				t.Errorf("outcome %s: %s", result.Outcome, result.Message)
			}
		})
	}
}

// TestStatuses goes through every status there is.
func TestStatuses(t *testing.T) {
	t.Parallel()
	for status := 200; status <= 599; status++ {
		want, code := "Default", "http"+strconv.Itoa(status)
		switch {
		case status <= 299:
			want, code = "OnSuccess", ""
		case status == 401 || status == 403:
			want = "OnUnauthorized"
		case status == 404:
			want = "OnInvalidContactID"
		}
		result := endWith(t, declared, wire.Reply{Status: status})
		if result.Outcome != want || result.Outputs["errorCode"] != code || result.Outputs["httpStatus"] != status {
			t.Errorf("status %d: outcome %s, outputs %v; want %s, %s", status, result.Outcome, result.Outputs, want, code)
		}
		if reason, has := result.Outputs["disconnectReason"]; has != (want == "OnSuccess") || has && reason != "TerminateScript" {
			t.Errorf("status %d: the disconnect reason is %v", status, reason)
		}
		if (result.Message == "") != (want == "OnSuccess") || result.Outputs["errorMessage"] != result.Message {
			t.Errorf("status %d: message %q, outputs %v", status, result.Message, result.Outputs)
		}
	}
}

func TestStatusOutcomes(t *testing.T) {
	t.Parallel()
	for _, outcome := range []string{"OnInvalidContactID", "OnUnauthorized", "OnInvalidSecurityUser", "Default"} {
		for _, status := range []int{302, 400, 401, 403, 404, 500} {
			settings := map[string]any{"agentId": "100001", "statusOutcomes": map[string]any{strconv.Itoa(status): outcome}}
			result := endWith(t, settings, wire.Reply{Status: status, Body: []byte(`{"error_description":"InvalidContactId"}`)})
			if result.Outcome != outcome {
				t.Errorf("status %d is to be %s, outcome is %s", status, outcome, result.Outcome)
			}
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	tests := []struct {
		failure wire.Failure
		outcome string
	}{
		{wire.Unauthorized, "OnInvalidSecurityUser"},
		{wire.Timeout, "Default"},
		{wire.Unreachable, "Default"},
		{wire.Refused, "Default"},
		{wire.Interrupted, "Default"},
		{"weather", "Default"},
	}
	discovering := map[string]any{"agentId": "100001", "tenantId": "t"}
	looking := map[string]any{"agentId": "100001", "verifyAgent": true}
	for _, test := range tests {
		for _, message := range []string{"", "the token endpoint answered 401"} {
			reply := wire.Reply{Failure: test.failure, Message: message}
			want := message
			if message == "" {
				want = "the call had no response: " + string(test.failure)
			}
			found := run(t, "end-contact", sdktest.Visit{Inputs: map[string]any{"contactId": 1}, Settings: discovering, Reply: replying(reply)})
			looked := run(t, "set-security-user", sdktest.Visit{Settings: looking, Reply: replying(reply)})
			for outcome, result := range map[string]sdktest.Result{test.outcome: endWith(t, declared, reply), test.outcome + " ": found, "Error": looked} {
				if result.Outcome != strings.TrimSpace(outcome) || result.Message != want || result.Outputs["errorCode"] != string(test.failure) {
					t.Errorf("%s: outcome %s: %s, want %s: %s", test.failure, result.Outcome, result.Message, outcome, want)
				}
			}
		}
	}
}

func TestVendorsWords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body, header string
		status             int
		outcome, message   string
	}{
		{"blames the id", `{"error_description":"InvalidContactId"}`, "", 400, "OnInvalidContactID", "CXone answered 400: InvalidContactId"},
		{"blames the id in other words", `{"error_description":"Invalid Contact Id."}`, "", 400, "OnInvalidContactID", "CXone answered 400: Invalid Contact Id."},
		{"blames the id in capitals", `{"errorDescription":"BAD CONTACT ID"}`, "", 400, "OnInvalidContactID", "CXone answered 400: BAD CONTACT ID"},
		{"blames something else", `{"error_description":"InvalidSkillId"}`, "", 400, "Default", "CXone answered 400: InvalidSkillId"},
		{"blames the id elsewhere", `{"message":"InvalidContactId"}`, "", 400, "Default", "CXone answered 400: InvalidContactId"},
		{"blames the id at another status", `{"error_description":"InvalidContactId"}`, "", 409, "Default", "CXone answered 409: InvalidContactId"},
		{"a code only", `{"error":"not_found"}`, "", 404, "OnInvalidContactID", "CXone answered 404: not_found"},
		{"a header only", ``, "Internal Error", 500, "Default", "CXone answered 500: Internal Error"},
		{"the body before the header", `{"message":"busy"}`, "Internal Error", 500, "Default", "CXone answered 500: busy"},
		{"HTML", `<html>InvalidContactId</html>`, "", 400, "Default", "CXone answered 400"},
		{"no text", "\xff\xfe", "", 502, "Default", "CXone answered 502"},
		{"a list", `[{"error_description":"InvalidContactId"}]`, "", 400, "Default", "CXone answered 400"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			reply := wire.Reply{Status: test.status, Body: []byte(test.body), Headers: map[string][]string{"correlationid": {"c-1"}}}
			if test.header != "" {
				reply.Headers["icstatusdescription"] = []string{test.header}
			}
			result := endWith(t, declared, reply)
			if result.Outcome != test.outcome || result.Message != test.message {
				t.Errorf("outcome %s: %s; want %s: %s", result.Outcome, result.Message, test.outcome, test.message)
			}
			want := map[string]any{
				"httpStatus": test.status, "statusDescription": test.header, "correlationId": "c-1",
				"responsePayload": strings.ToValidUTF8(test.body, "\uFFFD"),
				"errorCode":       "http" + strconv.Itoa(test.status), "errorMessage": test.message,
			}
			if diff := cmp.Diff(want, result.Outputs); diff != "" {
				t.Errorf("outputs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCorrelationIDInTheBody(t *testing.T) {
	t.Parallel()
	result := endWith(t, declared, wire.Reply{Status: 500, Body: []byte(`{"correlationId":"c-2"}`)})
	if result.Outputs["correlationId"] != "c-2" {
		t.Errorf("outputs are %v, want the body's correlationId", result.Outputs)
	}
}

// TestContactIDs holds the limits of an id, and that it is sent as it came.
func TestContactIDs(t *testing.T) {
	t.Parallel()
	tests := []struct {
		given   any
		sent    string // "" where nothing is
		message string // a part of it
	}{
		{given: "1", sent: "1"},
		{given: 1, sent: "1"},
		{given: "9223372036854775807", sent: "9223372036854775807"},
		{given: int64(9223372036854775807), sent: "9223372036854775807"},
		{given: "9223372036854775806", sent: "9223372036854775806"},
		{given: " 12\n", sent: "12"},
		{given: "007", sent: "007"},
		{given: "", message: "contactId is empty"},
		{given: "  ", message: "contactId is empty"},
		{given: nil, message: "contactId is empty"},
		{given: "0", message: "expected 1 to 9223372036854775807"},
		{given: 0, message: "expected 1 to 9223372036854775807"},
		{given: "000", message: "expected 1 to 9223372036854775807"},
		{given: "9223372036854775808", message: "expected 1 to 9223372036854775807"},
		{given: "99999999999999999999", message: "expected 1 to 9223372036854775807"},
		{given: 1e300, message: "expected digits only"},
		{given: 1.5, message: `contactId "1.5": expected digits only`},
		{given: -1, message: `contactId "-1": expected digits only`},
		{given: "+1", message: "expected digits only"},
		{given: "1e3", message: "expected digits only"},
		{given: "0x1F", message: "expected digits only"},
		{given: "1 2", message: "expected digits only"},
		{given: "{42}", message: "expected digits only"},
		{given: "١٢", message: "expected digits only"},
		{given: "1/end?x", message: "expected digits only"},
		{given: "../agents", message: "expected digits only"},
		{given: true, message: `contactId "true": expected digits only`},
		{given: "Available", message: `contactId "Available" is a state of an agent: NICE's page describes this property by mistake as one`},
		{given: "Unavailable", message: `contactId "Unavailable" is a state of an agent`},
		{given: "unavailable", message: `contactId "unavailable" is a state of an agent`},
	}
	for _, test := range tests {
		result := run(t, "end-contact", sdktest.Visit{
			Inputs: map[string]any{"contactId": test.given}, Settings: declared, Reply: accepted,
		})
		if test.sent == "" {
			if result.Outcome != "OnInvalidContactID" || len(result.Calls) > 0 || !strings.Contains(result.Message, test.message) || result.Outputs["errorCode"] != "invalidContactId" {
				t.Errorf("contactId %v: outcome %s: %s after %d calls; want OnInvalidContactID: %s", test.given, result.Outcome, result.Message, len(result.Calls), test.message)
			}
			continue
		}
		if len(result.Calls) != 1 || result.Calls[0].URL != "/incontactapi/services/v34.0/contacts/"+test.sent+"/end" {
			t.Errorf("contactId %v: calls %v, outcome %s: %s; want it sent as %s", test.given, result.Calls, result.Outcome, result.Message, test.sent)
		}
	}
}

func TestSecurityUsers(t *testing.T) {
	t.Parallel()
	const (
		byName  = "SecurityUser:4e4d204b97948623:Vera.Security"
		anybody = "SecurityUser:4d25767f9dce13f5:vera"
	)
	named := map[string]any{"agentName": "Vera.Security"}
	tests := []struct {
		name     string
		given    any
		settings map[string]any
		message  string // a part of it; "" where the user is admitted
	}{
		{name: "a handle", given: handle, settings: declared},
		{name: "in braces", given: "{" + handle + "}", settings: declared},
		{name: "in braces with blanks", given: " { " + handle + " } ", settings: declared},
		{name: "by name", given: byName, settings: named},
		{name: "of a connection that declares nobody", given: anybody, settings: nil},
		{name: "the variable's name", given: "SecurityUser", settings: declared},
		{name: "the variable's name where a name is declared", given: "{SecurityUser}", settings: named},

		{name: "empty", given: "", settings: declared, message: "securityUser is empty"},
		{name: "null", given: nil, settings: declared, message: "securityUser is empty"},
		{name: "blanks", given: "  ", settings: declared, message: "securityUser is empty"},
		{name: "empty braces", given: "{}", settings: declared, message: "securityUser is empty"},
		{name: "a brace", given: "{", settings: declared, message: "is no security user"},
		{name: "two pairs of braces", given: "{{" + handle + "}}", settings: declared, message: "is no security user"},
		{name: "the variable's name where nobody is declared", given: "{SecurityUser}", message: "set its agentId"},
		{name: "the variable's name in small letters", given: "securityuser", settings: declared, message: "is no security user"},
		{name: "another variable", given: "{Supervisor}", settings: declared, message: "is no security user"},
		{name: "an agent", given: 100001, settings: declared, message: "is no security user"},
		{name: "a boolean", given: true, settings: declared, message: "is no security user"},
		{name: "without a seal", given: "SecurityUser:100001", settings: declared, message: "is no security user"},
		{name: "with half a seal", given: "SecurityUser:16464288:100001", settings: declared, message: "is no security user"},
		{name: "of nobody", given: "SecurityUser:16464288a4396e47:", settings: declared, message: "is no security user"},
		{name: "of another connection", given: anybody, settings: declared, message: `securityUser "vera" was made with another connection`},
		{name: "of this connection before it was changed", given: handle, settings: map[string]any{"agentId": "100001", "tenantId": "t"}, message: "was made with another connection"},
		{name: "of another agent", given: "SecurityUser:16464288a4396e47:100002", settings: declared, message: "was made with another connection"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			visit := sdktest.Visit{
				Inputs: map[string]any{"securityUser": test.given, "contactId": 1}, Settings: test.settings, Reply: accepted,
			}
			result := run(t, "end-contact", visit)
			want, calls := "OnSuccess", 1
			if test.message != "" {
				want, calls = "OnInvalidSecurityUser", 0
			}
			if result.Outcome != want || len(result.Calls) != calls || !strings.Contains(result.Message, test.message) {
				t.Errorf("outcome %s: %s after %d calls; want %s: %s", result.Outcome, result.Message, len(result.Calls), want, test.message)
			}
		})
	}
}

// TestTokenIsNotRepeated holds that what somebody took for a SecurityUser does
// not get into messages and from there into logs.
func TestTokenIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"eyJhbGciOi.J9.c2ln", "Bearer eyJhbGciOi.J9.c2ln", "SecurityUser eyJhbGciOi.J9.c2ln", "{eyJhbGciOi.J9.c2ln}"} {
		result := run(t, "end-contact", sdktest.Visit{
			Inputs: map[string]any{"securityUser": token, "contactId": "Available"}, Settings: declared,
		})
		if result.Outcome != "OnInvalidSecurityUser" || strings.Contains(result.Message, "eyJ") || !strings.Contains(result.Message, "contactId") {
			t.Errorf("outcome %s: %s; want OnInvalidSecurityUser, both mistakes and no token", result.Outcome, result.Message)
		}
	}
}

func TestAgents(t *testing.T) {
	t.Parallel()
	both := map[string]any{"agentId": 100001, "agentName": "Vera.Security"}
	tests := []struct {
		name     string
		given    any
		settings map[string]any
		agent    string // "" where there is no handle
		code     string
	}{
		{name: "any id", given: 4711, agent: "4711"},
		{name: "any name", given: " Zoë:Ω {x} ", agent: "Zoë:Ω {x}"},
		{name: "the longest name", given: strings.Repeat("x", 128), agent: strings.Repeat("x", 128)},
		{name: "the declared id", given: "100001", settings: both, agent: "100001"},
		{name: "the declared name", given: "vera.SECURITY", settings: both, agent: "100001"},
		{name: "the declared name alone", given: "vera.security", settings: map[string]any{"agentName": "Vera.Security"}, agent: "Vera.Security"},
		{name: "left out", given: nil, settings: both, agent: "100001"},
		{name: "empty", given: "", settings: both, agent: "100001"},

		{name: "nobody", given: "", code: "noAgent"},
		{name: "blanks", given: " \t", code: "noAgent"},
		{name: "another id", given: 100002, settings: both, code: "wrongAgent"},
		{name: "another name", given: "tom.reader", settings: both, code: "wrongAgent"},
		{name: "a part of the name", given: "vera", settings: both, code: "wrongAgent"},
		{name: "an id where a name is declared", given: 100001, settings: map[string]any{"agentName": "vera"}, code: "wrongAgent"},
		{name: "too long", given: strings.Repeat("x", 129), code: "invalidAgent"},
		{name: "two lines", given: "vera\r\nX: y", code: "invalidAgent"},
		{name: "a control character", given: "vera\x7f", code: "invalidAgent"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result := run(t, "set-security-user", sdktest.Visit{Inputs: map[string]any{"agent": test.given}, Settings: test.settings})
			if test.agent == "" {
				if result.Outcome != "Error" || result.Outputs["errorCode"] != test.code || result.Outputs["securityUser"] != nil {
					t.Errorf("outcome %s: %s, outputs %v; want Error, %s", result.Outcome, result.Message, result.Outputs, test.code)
				}
				return
			}
			if result.Outcome != "Success" || result.Outputs["agent"] != test.agent {
				t.Fatalf("outcome %s: %s, outputs %v; want Success, %s", result.Outcome, result.Message, result.Outputs, test.agent)
			}
			ended := run(t, "end-contact", sdktest.Visit{
				Inputs: map[string]any{"securityUser": result.Outputs["securityUser"], "contactId": 1}, Settings: test.settings, Reply: accepted,
			})
			if ended.Outcome != "OnSuccess" {
				t.Errorf("the handle %v is answered %s: %s", result.Outputs["securityUser"], ended.Outcome, ended.Message)
			}
		})
	}
}

func TestLookUp(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, agent, body, code string
		status                  int
	}{
		{name: "a list", agent: "100001", status: 200, body: `{"agents":[{"agentId":7,"isActive":true},{"agentId":100001,"isActive":true}]}`},
		{name: "an agent as agents", agent: "100001", status: 200, body: `{"agents":{"agentId":"100001","isActive":true}}`},
		{name: "an agent alone", agent: "100001", status: 200, body: `{"agentId":100001,"isActive":"true"}`},
		{name: "by name", agent: "VERA", status: 200, body: `{"agents":[{"agentId":100001,"userName":"vera","isActive":true}]}`},

		{name: "inactive", agent: "100001", status: 200, body: `{"agents":[{"agentId":100001,"isActive":false}]}`, code: "inactiveAgent"},
		{name: "of whose activity nothing is said", agent: "100001", status: 200, body: `{"agents":[{"agentId":100001}]}`, code: "inactiveAgent"},
		{name: "a name that only begins so", agent: "vera", status: 200, body: `{"agents":[{"agentId":1,"userName":"vera2","isActive":true}]}`, code: "unknownAgent"},
		{name: "a name without an id", agent: "vera", status: 200, body: `{"agents":[{"userName":"vera","isActive":true}]}`, code: "unknownAgent"},
		{name: "an empty list", agent: "vera", status: 200, body: `{"agents":[]}`, code: "unknownAgent"},
		{name: "nothing", agent: "vera", status: 200, body: `{}`, code: "unknownAgent"},
		{name: "not found", agent: "100001", status: 404, body: `{}`, code: "unknownAgent"},
		{name: "not allowed", agent: "100001", status: 403, body: `{"error_description":"no"}`, code: "http403"},
		{name: "not now", agent: "100001", status: 503, code: "http503"},
		{name: "no JSON", agent: "100001", status: 200, body: `<`, code: "malformedReply"},
		{name: "no body", agent: "100001", status: 204, code: "malformedReply"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result := run(t, "set-security-user", sdktest.Visit{
				Inputs: map[string]any{"agent": test.agent}, Settings: map[string]any{"verifyAgent": true},
				Reply: replying(wire.Reply{Status: test.status, Body: []byte(test.body)}),
			})
			want := "Success"
			if test.code != "" {
				want = "Error"
			}
			if result.Outcome != want || result.Outputs["errorCode"] != test.code || result.Outputs["httpStatus"] != test.status {
				t.Errorf("outcome %s: %s, outputs %v; want %s, %q", result.Outcome, result.Message, result.Outputs, want, test.code)
			}
			if agent := result.Outputs["agent"]; want == "Success" && agent != "100001" {
				t.Errorf("the handle names %v, want the id", agent)
			}
		})
	}
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		status     int
		code       string
		message    string
	}{
		{"unknown tenant", `{"errorDescription":"no such tenant"}`, 404, "discoveryFailed", "discovery answered 404: no such tenant"},
		{"a refused token", ``, 401, "discoveryFailed", "discovery answered 401"},
		{"a redirect", ``, 302, "discoveryFailed", "discovery answered 302"},
		{"no JSON", `<`, 200, "malformedReply", "the discovery document is no JSON: byte 0: expected a value"},
		{"no body", ``, 200, "malformedReply", "the discovery document is no JSON: byte 0: expected a value"},
		{"no endpoint", `{"area":"na1"}`, 200, "malformedReply", `the discovery document has no "api_endpoint" that is an address`},
		{"a number", `{"api_endpoint":1}`, 200, "malformedReply", `the discovery document has no "api_endpoint" that is an address`},
		{"a path", `{"api_endpoint":"/api"}`, 200, "malformedReply", `the discovery document has no "api_endpoint" that is an address`},
		{"another scheme", `{"api_endpoint":"file:///etc"}`, 200, "malformedReply", `the discovery document has no "api_endpoint" that is an address`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result := run(t, "end-contact", sdktest.Visit{
				Inputs: map[string]any{"contactId": 1}, Settings: map[string]any{"agentId": "100001", "tenantId": "t"},
				Reply: replying(wire.Reply{Status: test.status, Body: []byte(test.body)}),
			})
			if result.Outcome != "Default" || result.Outputs["errorCode"] != test.code || result.Message != test.message || len(result.Calls) != 1 {
				t.Errorf("outcome %s, code %v: %s after %d calls; want Default, %s: %s", result.Outcome, result.Outputs["errorCode"], result.Message, len(result.Calls), test.code, test.message)
			}
		})
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
		{strings.Repeat("x", maxPayload-3) + "中中", maxPayload},
		{strings.Repeat("😀", maxPayload), maxPayload},
	}
	for _, test := range tests {
		payload, _ := endWith(t, declared, wire.Reply{Status: 500, Body: []byte(test.body)}).Outputs["responsePayload"].(string)
		if len(payload) != test.want || !utf8.ValidString(payload) || !strings.HasPrefix(test.body, payload) {
			t.Errorf("a body of %d bytes is given with %d, want %d", len(test.body), len(payload), test.want)
		}
	}
}
