package main

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/plugins/plugintest"
	"github.com/wendflow/wend/sdk/sdktest"
	"github.com/wendflow/wend/sdk/wire"
)

const sessionID = "0002DaAVKJ0V0095"

var done = wire.Reply{Status: 200, Body: []byte(`{"statusCode":0}`)}

func replying(reply wire.Reply) func(wire.Call) wire.Reply {
	return func(wire.Call) wire.Reply { return reply }
}

// minimal are inputs that each method takes.
func minimal(method string) map[string]any {
	inputs := map[string]any{"sessionId": sessionID}
	switch method {
	case "accept-facebook-session":
		inputs["nickname"] = "John Doe"
	case "transfer-facebook-session":
		inputs["targetPath"] = "/queues/q"
	}
	return inputs
}

func TestCalls(t *testing.T) {
	t.Parallel()
	headers := map[string]string{"Accept": "application/json", "Content-Type": "application/json"}
	tests := []struct {
		name, method     string
		inputs, settings map[string]any
		url, body        string
	}{
		{
			name: "the vendor's sample", method: "complete",
			inputs: map[string]any{"sessionId": sessionID},
			url:    "/api/v2/me/facebooksession/0002DaAVKJ0V0095", body: `{"operationName":"Complete"}`,
		},
		{
			name: "the vendor's sample with a queue", method: "complete",
			inputs: map[string]any{"sessionId": sessionID, "queueName": "PostProcessingQueue"},
			url:    "/api/v2/me/facebooksession/0002DaAVKJ0V0095", body: `{"operationName":"Complete","queueName":"PostProcessingQueue"}`,
		},
		{
			name: "null for a queue is none", method: "complete",
			inputs: map[string]any{"sessionId": sessionID, "queueName": nil},
			url:    "/api/v2/me/facebooksession/0002DaAVKJ0V0095", body: `{"operationName":"Complete"}`,
		},
		{
			name: "a queue's name is sent as it is", method: "complete",
			inputs: map[string]any{"sessionId": sessionID, "queueName": " Nachbearbeitung \"äöü\" & mehr "},
			url:    "/api/v2/me/facebooksession/0002DaAVKJ0V0095", body: `{"operationName":"Complete","queueName":" Nachbearbeitung \"äöü\" & mehr "}`,
		},
		{
			name: "the later path", method: "complete",
			inputs: map[string]any{"sessionId": sessionID}, settings: map[string]any{"sessionsSegment": "facebooksessions"},
			url: "/api/v2/me/facebooksessions/0002DaAVKJ0V0095", body: `{"operationName":"Complete"}`,
		},
		{
			name: "another path of the API", method: "complete",
			inputs: map[string]any{"sessionId": sessionID}, settings: map[string]any{"apiPath": "/genesys/api/v2"},
			url: "/genesys/api/v2/me/facebooksession/0002DaAVKJ0V0095", body: `{"operationName":"Complete"}`,
		},
		{
			name: "an id of digits only, beyond a double's precision", method: "complete",
			inputs: map[string]any{"sessionId": json.Number("9223372036854775807")},
			url:    "/api/v2/me/facebooksession/9223372036854775807", body: `{"operationName":"Complete"}`,
		},
		{
			name: "the shortest id", method: "complete", inputs: map[string]any{"sessionId": "0"},
			url: "/api/v2/me/facebooksession/0", body: `{"operationName":"Complete"}`,
		},
		{
			name: "accept", method: "accept", inputs: map[string]any{"sessionId": "0071023821aec011", "nickname": "John Doe"},
			url: "/api/v2/me/facebooksession/0071023821aec011", body: `{"nickname":"John Doe","operationName":"Accept"}`,
		},
		{
			name: "reject", method: "reject", inputs: map[string]any{"sessionId": "0071023821aec011"},
			url: "/api/v2/me/facebooksession/0071023821aec011", body: `{"operationName":"Reject"}`,
		},
		{
			name: "leave", method: "leave", inputs: map[string]any{"sessionId": sessionID},
			url: "/api/v2/me/facebooksession/0002DaAVKJ0V0095", body: `{"operationName":"Leave"}`,
		},
		{
			name: "transfer to a user, as sampled", method: "transfer",
			inputs: map[string]any{"sessionId": "01QQQG2MU214P05W", "targetUri": "/users/10f8abb20c154fb28c82c68102625233"},
			url:    "/api/v2/me/facebooksession/01QQQG2MU214P05W", body: `{"operationName":"Transfer","targetUri":"/users/10f8abb20c154fb28c82c68102625233"}`,
		},
		{
			name: "transfer to a queue, as sampled", method: "transfer",
			inputs: map[string]any{"sessionId": "01QQQG2MU214P05X", "targetPath": "/contacts/5c7c1112-2be4-4108-9fbe-341312585616", "targetUri": nil},
			url:    "/api/v2/me/facebooksession/01QQQG2MU214P05X", body: `{"operationName":"Transfer","targetPath":"/contacts/5c7c1112-2be4-4108-9fbe-341312585616"}`,
		},
		{
			name: "transfer to an address", method: "transfer",
			inputs: map[string]any{"sessionId": sessionID, "targetUri": "http://192.168.83.25:8090/api/v2/users/10f8"},
			url:    "/api/v2/me/facebooksession/0002DaAVKJ0V0095", body: `{"operationName":"Transfer","targetUri":"http://192.168.83.25:8090/api/v2/users/10f8"}`,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result := run(t, test.method+"-facebook-session", sdktest.Visit{Inputs: test.inputs, Settings: test.settings, Reply: replying(done)})
			want := []wire.Call{{Method: "POST", URL: test.url, Headers: headers, Body: []byte(test.body)}}
			if diff := cmp.Diff(want, result.Calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if result.Outcome != success {
				t.Errorf("outcome %s: %s", result.Outcome, result.Message)
			}
		})
	}
}

// TestCallsHaveTheVendorsFields holds the field tables of the vendor's pages
// against what is sent.
func TestCallsHaveTheVendorsFields(t *testing.T) {
	t.Parallel()
	for name, page := range readVendorFields(t) {
		result := run(t, name, sdktest.Visit{Inputs: minimal(name), Reply: replying(done)})
		if got := result.Calls[0].Method + " " + result.Calls[0].URL; got != page.Request {
			t.Errorf("%s calls %s, want %s", name, got, page.Request)
		}
		var body map[string]any
		if err := json.Unmarshal(result.Calls[0].Body, &body); err != nil {
			t.Fatal(err)
		}
		for label, want := range page.Inputs {
			if want.Fixed != "" && body[label] != want.Fixed {
				t.Errorf("%s sends %s as %v, want %s", name, label, body[label], want.Fixed)
			}
		}
	}
}

// TestRefusals holds every limit, and that nothing is sent.
func TestRefusals(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 256)
	tests := []struct {
		name, method string
		inputs       map[string]any
		want         string
	}{
		{"no id", "complete", map[string]any{"sessionId": ""}, `sessionId "": expected 1 to 64 letters and digits, as "0002DaAVKJ0V0095"`},
		{"an id too long", "complete", map[string]any{"sessionId": strings.Repeat("0", 65)}, `sessionId "` + strings.Repeat("0", 65) + `": expected 1 to 64 letters and digits, as "0002DaAVKJ0V0095"`},
		{"a path for an id", "complete", map[string]any{"sessionId": "../users"}, `sessionId "../users": expected 1 to 64 letters and digits, as "0002DaAVKJ0V0095"`},
		{"a blank in an id", "complete", map[string]any{"sessionId": "0002 DaA"}, `sessionId "0002 DaA": expected 1 to 64 letters and digits, as "0002DaAVKJ0V0095"`},
		{"a letter that is not ASCII", "complete", map[string]any{"sessionId": "ä1"}, `sessionId "ä1": expected 1 to 64 letters and digits, as "0002DaAVKJ0V0095"`},
		{"the page's placeholder", "complete", map[string]any{"sessionId": "{id}"}, `sessionId "{id}": expected 1 to 64 letters and digits, as "0002DaAVKJ0V0095"`},
		{"a negative number", "complete", map[string]any{"sessionId": -1}, `sessionId "-1": expected 1 to 64 letters and digits, as "0002DaAVKJ0V0095"`},
		{"an empty queue", "complete", map[string]any{"sessionId": "1", "queueName": ""}, "queueName is empty"},
		{"a blank queue", "complete", map[string]any{"sessionId": "1", "queueName": " \t"}, "queueName is empty"},
		{"a queue too long", "complete", map[string]any{"sessionId": "1", "queueName": long}, "queueName: expected at most 255 characters"},
		{"two mistakes", "complete", map[string]any{"sessionId": "", "queueName": ""}, `queueName is empty; sessionId "": expected 1 to 64 letters and digits, as "0002DaAVKJ0V0095"`},
		{"an empty nickname", "accept", map[string]any{"sessionId": "1", "nickname": ""}, "nickname is empty"},
		{"a nickname too long", "accept", map[string]any{"sessionId": "1", "nickname": long}, "nickname: expected at most 255 characters"},
		{"no id to accept", "accept", map[string]any{"sessionId": "", "nickname": "n"}, `sessionId "": expected 1 to 64 letters and digits, as "0002DaAVKJ0V0095"`},
		{"no id to reject", "reject", map[string]any{"sessionId": ""}, `sessionId "": expected 1 to 64 letters and digits, as "0002DaAVKJ0V0095"`},
		{"no id to leave", "leave", map[string]any{"sessionId": ""}, `sessionId "": expected 1 to 64 letters and digits, as "0002DaAVKJ0V0095"`},
		{"no target", "transfer", map[string]any{"sessionId": "1"}, "expected one of targetPath and targetUri"},
		{"null targets", "transfer", map[string]any{"sessionId": "1", "targetPath": nil, "targetUri": nil}, "expected one of targetPath and targetUri"},
		{"two targets", "transfer", map[string]any{"sessionId": "1", "targetPath": "/users/1", "targetUri": "/users/1"}, "expected one of targetPath and targetUri"},
		{"an empty target", "transfer", map[string]any{"sessionId": "1", "targetPath": ""}, `targetPath "": expected the path of a user or a queue, as "/users/10f8abb20c154fb28c82c68102625233"`},
		{"a root for a target", "transfer", map[string]any{"sessionId": "1", "targetPath": "/"}, `targetPath "/": expected the path of a user or a queue, as "/users/10f8abb20c154fb28c82c68102625233"`},
		{"an address for a path", "transfer", map[string]any{"sessionId": "1", "targetPath": "http://h/users/1"}, `targetPath "http://h/users/1": expected the path of a user or a queue, as "/users/10f8abb20c154fb28c82c68102625233"`},
		{"another scheme", "transfer", map[string]any{"sessionId": "1", "targetUri": "sip://h/1"}, `targetUri "sip://h/1": expected the path of a user or a queue, as "/users/10f8abb20c154fb28c82c68102625233"`},
		{"an address without a host", "transfer", map[string]any{"sessionId": "1", "targetUri": "http://"}, `targetUri "http://": expected the path of a user or a queue, as "/users/10f8abb20c154fb28c82c68102625233"`},
		{"a name for a target", "transfer", map[string]any{"sessionId": "1", "targetUri": "PostProcessingQueue"}, `targetUri "PostProcessingQueue": expected the path of a user or a queue, as "/users/10f8abb20c154fb28c82c68102625233"`},
		{"the damage of the vendor's pages", "transfer", map[string]any{"sessionId": "1", "targetUri": "http: //192.168.83.25: 8090/api/v2/users/1"}, `targetUri "http: //192.168.83.25: 8090/api/v2/users/1": expected the path of a user or a queue, as "/users/10f8abb20c154fb28c82c68102625233"`},
		{"a target too long", "transfer", map[string]any{"sessionId": "1", "targetPath": "/" + strings.Repeat("u", 1024)}, "targetPath: expected at most 1024 characters"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			method := test.method + "-facebook-session"
			result := run(t, method, sdktest.Visit{Inputs: test.inputs}) // without a Reply a call would fail
			want := map[string]any{
				"statusMessage": "", "httpStatus": 0, "responsePayload": "", "errorCode": "invalidData", "errorMessage": test.want,
			}
			if result.Outcome != invalidData || result.Message != test.want {
				t.Errorf("outcome %s: %s; want %s: %s", result.Outcome, result.Message, invalidData, test.want)
			}
			if diff := cmp.Diff(want, result.Outputs); diff != "" {
				t.Errorf("outputs (-want +got):\n%s", diff)
			}
			for _, p := range plugintest.Validate(t, tested.Method(t, method).Inputs, test.inputs) {
				t.Errorf("inputs do not fit plugin.yaml: %v", p)
			}
		})
	}
}

// TestLimits holds that the longest of everything is sent.
func TestLimits(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("ä", 255)
	for method, inputs := range map[string]map[string]any{
		"complete": {"sessionId": strings.Repeat("z", 64), "queueName": longest},
		"accept":   {"sessionId": "Z", "nickname": longest},
		"transfer": {"sessionId": "9", "targetPath": "/" + strings.Repeat("u", 1023)},
	} {
		if result := run(t, method+"-facebook-session", sdktest.Visit{Inputs: inputs, Reply: replying(done)}); result.Outcome != success {
			t.Errorf("%s: outcome %s: %s", method, result.Outcome, result.Message)
		}
	}
}

// TestReplies holds every row of the outcome table, for every method.
func TestReplies(t *testing.T) {
	t.Parallel()
	json := func(status int, body string) wire.Reply { return wire.Reply{Status: status, Body: []byte(body)} }
	tests := []struct {
		name    string
		reply   wire.Reply
		outcome string
		code    string
		message string
	}{
		{"2xx with 0", json(200, `{"statusCode":0}`), success, "", ""},
		{"another 2xx with 0", json(202, `{"statusCode": 0, "more": [1]}`), success, "", ""},
		{"HTTP 401", json(401, ``), unauthorized, "http401", "Genesys Web Services answered 401"},
		{"HTTP 403", json(403, `{"error":"no"}`), forbidden, "http403", "Genesys Web Services answered 403"},
		{"HTTP 403 without a token", json(403, "Missing or invalid Csrf token"), forbidden, "csrf", "Genesys Web Services answered 403: it takes no CSRF token, not even a fresh one"},
		{
			"the same in JSON", json(403, `{"statusCode":3,"statusMessage":"Missing or invalid CSRF token"}`), forbidden, "csrf",
			"Genesys Web Services answered 403: it takes no CSRF token, not even a fresh one: Missing or invalid CSRF token",
		},
		{"HTTP 404", json(404, `<html>`), notFound, "http404", "Genesys Web Services answered 404"},
		{"HTTP 400", json(400, `bad`), serverError, "http400", "Genesys Web Services answered 400"},
		{"HTTP 429", json(429, ``), serverError, "http429", "Genesys Web Services answered 429"},
		{"HTTP 302", json(302, ``), serverError, "http302", "Genesys Web Services answered 302"},
		{"HTTP 500", json(500, ``), serverError, "http500", "Genesys Web Services answered 500"},
		{"HTTP 503", json(503, `{}`), serverError, "http503", "Genesys Web Services answered 503"},
		{"HTTP 500 with 0", json(500, `{"statusCode":0}`), serverError, "http500", "Genesys Web Services answered 500"},
		{"HTTP 404 with 0", json(404, `{"statusCode":0}`), notFound, "http404", "Genesys Web Services answered 404"},
		{"2xx without a body", json(200, ``), serverError, "malformedReply", "Genesys Web Services answered 200: there is no statusCode that is a number"},
		{"2xx without a statusCode", json(200, `{}`), serverError, "malformedReply", "Genesys Web Services answered 200: there is no statusCode that is a number"},
		{"2xx with a text", json(200, `{"statusCode":"0"}`), serverError, "malformedReply", "Genesys Web Services answered 200: there is no statusCode that is a number"},
		{"2xx with a fraction", json(200, `{"statusCode":0.5}`), serverError, "malformedReply", "Genesys Web Services answered 200: there is no statusCode that is a number"},
		{"2xx with null", json(200, `{"statusCode":null}`), serverError, "malformedReply", "Genesys Web Services answered 200: there is no statusCode that is a number"},
		{"2xx with half a body", json(200, `{"statusCode":`), serverError, "malformedReply", "Genesys Web Services answered 200: there is no statusCode that is a number"},
		{"2xx with a list", json(200, `[0]`), serverError, "malformedReply", "Genesys Web Services answered 200: there is no statusCode that is a number"},
		{"a code nobody knows", json(200, `{"statusCode":21}`), serverError, "statusCode21", "Genesys Web Services answered 200: statusCode 21"},
		{"a negative code", json(200, `{"statusCode":-1}`), serverError, "statusCode-1", "Genesys Web Services answered 200: statusCode -1"},
		{"timeout", wire.Reply{Failure: wire.Timeout, Message: "no complete reply within 5s"}, timeout, "timeout", "no complete reply within 5s"},
		{"unreachable", wire.Reply{Failure: wire.Unreachable, Message: "connection refused"}, unreachable, "unreachable", "connection refused"},
		{"refused by our policy", wire.Reply{Failure: wire.Refused, Message: "host"}, unreachable, "refused", "host"},
		{"interrupted", wire.Reply{Failure: wire.Interrupted}, unreachable, "interrupted", "the call had no response: interrupted"},
		{"no credential", wire.Reply{Failure: wire.Unauthorized, Message: "answered 401"}, unauthorized, "unauthorized", "answered 401"},
	}
	for method := range plugin {
		for _, test := range tests {
			t.Run(method+" "+test.name, func(t *testing.T) {
				t.Parallel()
				result := run(t, method, sdktest.Visit{Inputs: minimal(method), Reply: replying(test.reply)})
				if result.Outcome != test.outcome || result.Message != test.message {
					t.Errorf("outcome %s: %q; want %s: %q", result.Outcome, result.Message, test.outcome, test.message)
				}
				o := result.Outputs
				if o["errorCode"] != test.code || o["errorMessage"] != test.message || o["httpStatus"] != test.reply.Status || o["responsePayload"] != string(test.reply.Body) {
					t.Errorf("outputs are %v", o)
				}
			})
		}
	}
}

// TestStatusCodes holds that the vendor's code decides, whatever the HTTP status.
func TestStatusCodes(t *testing.T) {
	t.Parallel()
	want := map[int]string{
		1: invalidData, 2: invalidState, 3: forbidden, 4: serverError, 5: forbidden, 6: notFound, 7: partial, 8: unauthorized,
		9: serverError, 10: invalidData, 20: unauthorized,
	}
	for code := 11; code <= 19; code++ {
		want[code] = serverError
	}
	for code, outcome := range want {
		for _, status := range []int{200, 400, 401, 403, 404, 500, 503} {
			t.Run(strconv.Itoa(code)+" in HTTP "+strconv.Itoa(status), func(t *testing.T) {
				t.Parallel()
				body := `{"statusCode":` + strconv.Itoa(code) + `,"statusMessage":"so it is"}`
				result := run(t, "complete-facebook-session", sdktest.Visit{
					Inputs: minimal(""), Reply: replying(wire.Reply{Status: status, Body: []byte(body)}),
				})
				o := result.Outputs
				if result.Outcome != outcome || o["statusCode"] != code || o["statusMessage"] != "so it is" ||
					o["errorCode"] != "statusCode"+strconv.Itoa(code) || o["httpStatus"] != status {
					t.Errorf("outcome %s, outputs %v; want %s", result.Outcome, o, outcome)
				}
				if !strings.HasSuffix(result.Message, ": so it is") || !strings.Contains(result.Message, "statusCode "+strconv.Itoa(code)+" (") {
					t.Errorf("the message is %q", result.Message)
				}
			})
		}
	}
}

// TestReferenceID holds that the id of the notification is given where there is
// one, and to the digit.
func TestReferenceID(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		want       any
	}{
		{"the vendor's sample", `{"statusCode":0,"referenceId":68}`, 68},
		{"64 bits", `{"statusCode":0,"referenceId":9223372036854775807}`, 9223372036854775807},
		{"none", `{"statusCode":0}`, nil},
		{"null", `{"statusCode":0,"referenceId":null}`, nil},
		{"a text", `{"statusCode":0,"referenceId":"68"}`, nil},
		{"beyond 64 bits", `{"statusCode":0,"referenceId":9223372036854775808}`, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result := run(t, "transfer-facebook-session", sdktest.Visit{
				Inputs: minimal("transfer-facebook-session"), Reply: replying(wire.Reply{Status: 200, Body: []byte(test.body)}),
			})
			got, has := result.Outputs["referenceId"]
			if got != test.want || has != (test.want != nil) || result.Outcome != success {
				t.Errorf("referenceId is %v, outcome %s; want %v", got, result.Outcome, test.want)
			}
		})
	}
}

func TestPayloadIsBounded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		body string
		want int
	}{
		{"at the limit", strings.Repeat("x", maxPayload), maxPayload},
		{"one more", strings.Repeat("x", maxPayload+1), maxPayload},
		{"a character across the limit", strings.Repeat("x", maxPayload-1) + "äx", maxPayload - 1},
		{"no text", "\xff\xfe", 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result := run(t, "complete-facebook-session", sdktest.Visit{
				Inputs: minimal(""), Reply: replying(wire.Reply{Status: 500, Body: []byte(test.body)}),
			})
			payload, _ := result.Outputs["responsePayload"].(string)
			if len(payload) != test.want || !utf8.ValidString(payload) {
				t.Errorf("the payload has %d bytes, want %d", len(payload), test.want)
			}
		})
	}
}
