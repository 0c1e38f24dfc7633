package emulator_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/emulator"
	cxone "github.com/wendflow/wend/plugins/nice-cxone/emulator"
)

const (
	api        = "/incontactapi/services/v34.0"
	stuckChat  = "450100000003"
	endedChat  = "450100000100"
	accessKeys = "/authentication/v1/token/access-key"
)

var start = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// site is an emulator with a clock that stands still.
type site struct {
	*emulator.Vendor

	t *testing.T
}

func newSite(t *testing.T, settings string) site {
	t.Helper()
	id := 0
	v, err := cxone.New(emulator.Config{
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

// field returns a value inside the JSON body, numbers as they were written.
func (r reply) field(path ...string) any {
	decoder := json.NewDecoder(strings.NewReader(r.body))
	decoder.UseNumber()
	var value any
	if decoder.Decode(&value) != nil {
		return nil
	}
	for _, name := range path {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

// words is a header by the spelling that it has on the wire.
func (r reply) words(name string) []string { return map[string][]string(r.header)[name] }

func (r reply) basis() string { return r.header.Get("X-Emulator-Basis") }

// call makes a request. Headers are given as name, value, name, value.
func (s site) call(method, target, body string, headers ...string) reply {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, target, strings.NewReader(body))
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

// as returns the Authorization header of a user who has just got a token.
func (s site) as(user string) []string {
	s.t.Helper()
	got := s.must(200, "POST", accessKeys, keyOf(user))
	return []string{"Authorization", "Bearer " + got.field("access_token").(string)}
}

func keyOf(user string) string {
	return fmt.Sprintf(`{"accessKeyId":"%s-key","accessKeySecret":"%s-key-secret"}`, user, user)
}

func (s site) end(contact string, headers ...string) reply {
	s.t.Helper()
	return s.call("POST", api+"/contacts/"+contact+"/end", "", headers...)
}

type contact struct {
	ContactID        json.Number
	MediaType        string
	State            string
	EndedAt          string
	EndedBy          int
	DisconnectReason string
	Signals          []map[string]string
}

type state struct {
	Contacts []contact
	Users    []struct {
		AgentID     int
		UserName    string
		Active      bool
		Permissions []string
	}
	AccessKeys []struct {
		AccessKeyID string
		Revoked     bool
	}
	Tokens []struct {
		AgentID int
		Expired bool
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

func (s site) contact(id string) contact {
	s.t.Helper()
	for _, c := range s.state().Contacts {
		if c.ContactID.String() == id {
			return c
		}
	}
	s.t.Fatalf("no contact %s in the state", id)
	return contact{}
}

func TestEnd(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	got := s.end(stuckChat, s.as("vera")...)
	if got.status != 202 || got.body != "" || got.basis() != "inference" {
		t.Errorf("end = %d %q, basis %s; want 202 without a body, inference", got.status, got.body, got.basis())
	}
	if words := got.words("icStatusDescription"); !slices.Equal(words, []string{"Accepted"}) {
		t.Errorf("icStatusDescription is %q, want Accepted", words)
	}
	if id := got.words("CorrelationId"); len(id) != 1 || id[0] == "" {
		t.Errorf("CorrelationId is %q, want one", id)
	}
	want := contact{
		ContactID: stuckChat, MediaType: "Chat", State: "Ended", EndedAt: "2026-11-20T08:00:00.000Z",
		EndedBy: 100001, DisconnectReason: "TerminateScript",
	}
	if diff := cmp.Diff(want, s.contact(stuckChat)); diff != "" {
		t.Errorf("contact (-want +got):\n%s", diff)
	}
}

// TestEveryScriptType holds that there is a stuck contact of each type to begin
// with, and that each can be ended.
func TestEveryScriptType(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	vera := s.as("vera")
	for i, mediaType := range []string{"Generic", "Email", "Chat", "Phone", "Voicemail", "Work Item", "SMS"} {
		id := fmt.Sprint(450100000001 + i)
		if c := s.contact(id); c.MediaType != mediaType || c.State != "Active" {
			t.Errorf("contact %s is %+v, want an active %s", id, c, mediaType)
		}
		if got := s.end(id, vera...); got.status != 202 || s.contact(id).State != "Ended" {
			t.Errorf("end of %s = %d %s", mediaType, got.status, got.body)
		}
	}
}

func TestEndRefused(t *testing.T) {
	t.Parallel()
	notFound := `{"error":"not_found","error_description":"InvalidContactId"}`
	tests := []struct {
		name, user, contact string
		status              int
		body, basis         string
	}{
		{"unknown", "vera", "450199999999", 404, notFound, "inference"},
		{"letters", "vera", "abc", 404, notFound, "inference"},
		{"special characters", "vera", "%21%40%23", 404, notFound, "inference"},
		{"a fraction", "vera", "1.5", 404, notFound, "inference"},
		{"negative", "vera", "-1", 404, notFound, "inference"},
		{"beyond 64 bits", "vera", "9223372036854775808", 404, notFound, "inference"},
		{"ended", "vera", endedChat, 404, notFound, "decision"},
		{"without permission", "tom", stuckChat, 403, `{"error":"forbidden","error_description":"The requested action is forbidden."}`, "inference"},
		{"without permission, of an unknown one", "tom", "1", 403, `{"error":"forbidden","error_description":"The requested action is forbidden."}`, "inference"},
		{"empty segment", "vera", "", 404, `{"error":"not_found","error_description":"resource not found"}`, "inference"},
		{"one segment more", "vera", "1/2", 404, `{"error":"not_found","error_description":"resource not found"}`, "inference"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "")
			got := s.end(test.contact, s.as(test.user)...)
			if got.status != test.status || got.body != test.body+"\n" || got.basis() != test.basis {
				t.Errorf("end = %d %s, basis %s; want %d %s, %s", got.status, got.body, got.basis(), test.status, test.body, test.basis)
			}
			if c := s.contact(stuckChat); c.State != "Active" {
				t.Errorf("the contact is %+v, want it untouched", c)
			}
		})
	}
}

func TestWho(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	vera := s.as("vera")
	for name, header := range map[string]string{
		"nobody": "", "an unknown token": "Bearer x", "another scheme": strings.Replace(vera[1], "Bearer", "Basic", 1), "no token": "Bearer",
	} {
		got := s.end(stuckChat, "Authorization", header)
		if got.status != 401 || got.field("error_description") != "Unauthorized" {
			t.Errorf("%s = %d %s, want 401 Unauthorized", name, got.status, got.body)
		}
	}
	if got := s.end(stuckChat, "authorization", strings.Replace(vera[1], "Bearer", "bearer", 1)); got.status != 202 {
		t.Errorf("a scheme in small letters = %d %s, want 202", got.status, got.body)
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		method, path string
		status       int
		allow        string
	}{
		{"POST", "/incontactapi/services/v1.0/contacts/" + stuckChat + "/end", 202, ""},
		{"POST", "/InContactAPI/services/v23.0/contacts/" + stuckChat + "/end", 202, ""},
		{"POST", "/inContactAPI/Services/v34.0/Contacts/" + stuckChat + "/End", 202, ""},
		{"GET", api + "/contacts/" + stuckChat + "/end", 405, "POST"},
		{"PUT", api + "/contacts/" + stuckChat + "/end", 405, "POST"},
		{"POST", api + "/contacts/active", 405, "GET"},
		{"GET", api + "/contacts/active", 200, ""},
		{"GET", api + "/agents", 200, ""},
		{"GET", api + "/agents/100001", 200, ""},
		{"POST", "/incontactapi/services/34/contacts/1/end", 404, ""},
		{"POST", "/incontactapi/v34.0/contacts/1/end", 404, ""},
		{"POST", "/contacts/1/end", 404, ""},
		{"GET", api + "/contacts", 404, ""},
		{"GET", "/", 404, ""},
	}
	for _, test := range tests {
		s := newSite(t, "")
		got := s.call(test.method, test.path, "", s.as("vera")...)
		if got.status != test.status || got.header.Get("Allow") != test.allow {
			t.Errorf("%s %s = %d %s, Allow %q; want %d, %q", test.method, test.path, got.status, got.body, got.header.Get("Allow"), test.status, test.allow)
		}
	}
}

func TestSignal(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	vera := s.as("vera")
	got := s.must(202, "POST", api+"/interactions/"+stuckChat+"/signal?p1=a&p9=i%20j&p10=no&p2=", "", vera...)
	if got.basis() != "public" {
		t.Errorf("basis is %s, want public", got.basis())
	}
	want := []map[string]string{{"p1": "a", "p2": "", "p9": "i j"}}
	if diff := cmp.Diff(want, s.contact(stuckChat).Signals); diff != "" {
		t.Errorf("signals (-want +got):\n%s", diff)
	}
	for _, id := range []string{endedChat, "1", "x"} {
		if got := s.must(404, "POST", api+"/interactions/"+id+"/signal", "", vera...); got.field("error_description") != "InvalidContactId" {
			t.Errorf("signal to %s = %s", id, got.body)
		}
	}
	s.must(403, "POST", api+"/interactions/"+stuckChat+"/signal", "", s.as("tom")...)
}

// TestActive holds that ids of 64 bits are listed to the last digit.
func TestActive(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	vera := s.as("vera")
	s.end(stuckChat, vera...)
	got := s.must(200, "GET", api+"/contacts/active", "", vera...)
	var ids []string
	for _, c := range got.field("activeContacts").([]any) {
		ids = append(ids, fmt.Sprint(c.(map[string]any)["contactId"]))
	}
	want := []string{
		"450100000001", "450100000002", "450100000004", "450100000005", "450100000006", "450100000007", "9223372036854775807",
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("active contacts (-want +got):\n%s", diff)
	}
	if n := got.field("totalRecords"); n != json.Number("7") {
		t.Errorf("totalRecords is %v, want 7", n)
	}
}

func TestAgents(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	vera := s.as("vera")
	tests := []struct {
		target string
		want   []string
	}{
		{"/agents/100001", []string{"vera.security true"}},
		{"/agents/100003", []string{"ina.gone false"}},
		{"/agents", []string{"vera.security true", "tom.reader true", "ina.gone false"}},
		{"/agents?searchString=TOM", []string{"tom.reader true"}},
		{"/agents?searchString=gone&fields=agentId", []string{"ina.gone false"}},
		{"/agents?searchString=nobody", nil},
	}
	for _, test := range tests {
		var names []string
		for _, a := range s.must(200, "GET", api+test.target, "", vera...).field("agents").([]any) {
			a := a.(map[string]any)
			names = append(names, fmt.Sprint(a["userName"], " ", a["isActive"]))
		}
		if diff := cmp.Diff(test.want, names); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.target, diff)
		}
	}
	s.must(404, "GET", api+"/agents/1", "", vera...)
	s.must(404, "GET", api+"/agents/x", "", vera...)
}

func form(pairs ...string) string {
	values := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
	}
	return values.Encode()
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

func TestTokens(t *testing.T) {
	t.Parallel()
	const (
		asForm  = "application/x-www-form-urlencoded"
		central = "/InContactAuthorizationServer/Token"
	)
	client, bu := basic("wend-client", "wend-client-secret"), basic("wend@wendflow", "4711")
	grant := form("grant_type", "password", "username", "vera-key", "password", "vera-key-secret")
	tests := []struct {
		name, path, body string
		header, kind     string
		status           int
		code             string // error, "" where there is a token
	}{
		{"access key", accessKeys, keyOf("vera"), "", "application/json", 200, ""},
		{"access key of nobody", accessKeys, keyOf("eve"), "", "application/json", 401, "invalid_grant"},
		{"access key with a wrong secret", accessKeys, `{"accessKeyId":"vera-key","accessKeySecret":"x"}`, "", "application/json", 401, "invalid_grant"},
		{"access key without a secret", accessKeys, `{"accessKeyId":"vera-key"}`, "", "application/json", 400, "invalid_request"},
		{"access key that is no JSON", accessKeys, `{`, "", "application/json", 400, "invalid_request"},
		{"access key of an inactive user", accessKeys, keyOf("ina"), "", "application/json", 403, "access_denied"},

		{"password", "/auth/token", grant, client, asForm, 200, ""},
		{"password with the client in the body", "/auth/token", grant + "&client_id=wend-client&client_secret=wend-client-secret", "", asForm, 200, ""},
		{"password without a client", "/auth/token", grant, "", asForm, 401, "invalid_client"},
		{"password with a wrong client", "/auth/token", grant, basic("wend-client", "x"), asForm, 401, "invalid_client"},
		{"password of nobody", "/auth/token", form("grant_type", "password", "username", "x", "password", "y"), client, asForm, 401, "invalid_grant"},
		{"password without one", "/auth/token", form("grant_type", "password", "username", "vera-key"), client, asForm, 400, "invalid_request"},
		{"password as JSON", "/auth/token", `{"grant_type":"password"}`, client, "application/json", 400, "invalid_request"},
		{"another grant", "/auth/token", form("grant_type", "client_credentials"), client, asForm, 400, "unsupported_grant_type"},
		{"a refresh token of nobody", "/auth/token", form("grant_type", "refresh_token", "refresh_token", "x"), client, asForm, 400, "invalid_grant"},
		{"no refresh token", "/auth/token", form("grant_type", "refresh_token"), client, asForm, 400, "invalid_grant"},

		{"Central", central, `{"grant_type":"password","username":"vera.security","password":"vera-password","scope":"AdminAPI"}`, bu, "application/json", 200, ""},
		{"Central with a wrong password", central, `{"grant_type":"password","username":"vera.security","password":"x"}`, bu, "application/json", 401, "invalid_grant"},
		{"Central of nobody", central, `{"grant_type":"password","username":"eve","password":"x"}`, bu, "application/json", 401, "invalid_grant"},
		{"Central of an inactive user", central, `{"grant_type":"password","username":"ina.gone","password":"ina-password"}`, bu, "application/json", 403, "access_denied"},
		{"Central without an application", central, `{"grant_type":"password","username":"vera.security","password":"vera-password"}`, "", "application/json", 401, "invalid_client"},
		{"Central with the other application", central, `{"grant_type":"password","username":"vera.security","password":"vera-password"}`, client, "application/json", 401, "invalid_client"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "")
			headers := []string{"Content-Type", test.kind}
			if test.header != "" {
				headers = append(headers, "Authorization", test.header)
			}
			got := s.must(test.status, "POST", test.path, test.body, headers...)
			if got.basis() != "decision" {
				t.Errorf("basis is %s, want decision", got.basis())
			}
			if test.code != "" {
				if got.field("error") != test.code || got.field("errorDescription") == nil || len(s.state().Tokens) != 0 {
					t.Errorf("error is %s, want %s, and no token", got.body, test.code)
				}
				return
			}
			if got.field("token_type") != "bearer" || got.field("expires_in") != json.Number("3600") {
				t.Errorf("token is %s", got.body)
			}
			token, _ := got.field("access_token").(string)
			if end := s.end(stuckChat, "Authorization", "Bearer "+token); end.status != 202 {
				t.Errorf("the token is answered %d %s", end.status, end.body)
			}
		})
	}
	s := newSite(t, "")
	s.must(405, "GET", "/auth/token", "")
	got := s.must(200, "POST", central, `{"grant_type":"password","username":"100001","password":"vera-password","scope":"AdminAPI"}`, "Authorization", bu)
	if got.field("resource_server_base_uri") != "http://example.com/InContactAPI/" || got.field("scope") != "AdminAPI" {
		t.Errorf("Central answered %s", got.body)
	}
}

func TestRefresh(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	headers := []string{"Content-Type", "application/x-www-form-urlencoded", "Authorization", basic("wend-client", "wend-client-secret")}
	first := s.must(200, "POST", "/auth/token", form("grant_type", "password", "username", "vera-key", "password", "vera-key-secret"), headers...)
	again := form("grant_type", "refresh_token", "refresh_token", first.field("refresh_token").(string))
	second := s.must(200, "POST", "/auth/token", again, headers...)
	if second.field("access_token") == first.field("access_token") {
		t.Error("the refreshed token is the old one")
	}
	s.must(400, "POST", "/auth/token", again, headers...) // it was used
	s.must(200, "POST", "/_emulator/users/100001/deactivate", "")
	s.must(403, "POST", "/auth/token", form("grant_type", "refresh_token", "refresh_token", second.field("refresh_token").(string)), headers...)
}

func TestTokenEnds(t *testing.T) {
	t.Parallel()
	tests := map[string]func(site){
		"by time":                  func(s site) { s.must(200, "POST", "/_emulator/clock", `{"advance":"1h"}`) },
		"by hand":                  func(s site) { s.must(204, "POST", "/_emulator/tokens/expire", "") },
		"with its user":            func(s site) { s.must(200, "POST", "/_emulator/users/vera.security/deactivate", "") },
		"by a fault, for one call": func(s site) { s.must(201, "POST", "/_emulator/faults", `{"times":1,"then":{"fault":"expired_token"}}`) },
		"by a reset":               func(s site) { s.must(204, "POST", "/_emulator/reset", "") },
	}
	for name, spoil := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, "")
			vera := s.as("vera")
			spoil(s)
			if got := s.end(stuckChat, vera...); got.status != 401 {
				t.Errorf("end = %d %s, want 401", got.status, got.body)
			}
		})
	}
	s := newSite(t, "")
	vera := s.as("vera")
	s.must(200, "POST", "/_emulator/clock", `{"advance":"59m59s"}`)
	if got := s.end(stuckChat, vera...); got.status != 202 {
		t.Errorf("end one second before the token runs out = %d %s, want 202", got.status, got.body)
	}
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	s := newSite(t, `{"tenantId":"t-1"}`)
	got := s.must(200, "GET", "http://127.0.0.1:9102/.well-known/cxone-configuration?tenantId=t-1", "")
	if got.field("api_endpoint") != "http://127.0.0.1:9102" || got.field("tenantId") != "t-1" || got.basis() != "public" {
		t.Errorf("discovery = %s, basis %s", got.body, got.basis())
	}
	s.must(404, "GET", "/.well-known/cxone-configuration?tenantId=wend-tenant", "")
	s.must(400, "GET", "/.well-known/cxone-configuration", "")
	s.must(405, "POST", "/.well-known/cxone-configuration?tenantId=t-1", "")
}

func TestSettings(t *testing.T) {
	t.Parallel()
	tests := []struct {
		settings string
		status   int
		do       func(s site) reply
	}{
		{`{"end":200}`, 200, func(s site) reply { return s.end(stuckChat, s.as("vera")...) }},
		{`{"end":204}`, 204, func(s site) reply { return s.end(stuckChat, s.as("vera")...) }},
		{`{"ended":409}`, 409, func(s site) reply { return s.end(endedChat, s.as("vera")...) }},
		{`{"ended":400}`, 400, func(s site) reply { return s.end(endedChat, s.as("vera")...) }},
		{`{"ended":202}`, 202, func(s site) reply { return s.end(endedChat, s.as("vera")...) }},
		{`{"refusedKey":400}`, 400, func(s site) reply { return s.call("POST", accessKeys, keyOf("eve")) }},
		{`{"refusedKey":403}`, 403, func(s site) reply { return s.call("POST", accessKeys, keyOf("eve")) }},
		{`{"inactiveUser":401}`, 401, func(s site) reply { return s.call("POST", accessKeys, keyOf("ina")) }},
		{`{"tokenSeconds":1}`, 200, func(s site) reply { return s.call("POST", accessKeys, keyOf("vera")) }},
	}
	for _, test := range tests {
		if got := test.do(newSite(t, test.settings)); got.status != test.status {
			t.Errorf("with %s: %d %s, want %d", test.settings, got.status, got.body, test.status)
		}
	}
	for _, bad := range []string{
		`{"end":404}`, `{"ended":200}`, `{"refusedKey":500}`, `{"inactiveUser":200}`, `{"tokenSeconds":0}`, `{"nonsense":1}`,
	} {
		if _, err := cxone.New(emulator.Config{Settings: json.RawMessage(bad)}); err == nil {
			t.Errorf("settings %s are taken", bad)
		}
	}
}

func TestControl(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	got := s.must(201, "POST", "/_emulator/contacts", `{"mediaType":"Work Item","skill":"Claims"}`)
	id := fmt.Sprint(got.field("contactId"))
	if end := s.end(id, s.as("vera")...); end.status != 202 || s.contact(id).State != "Ended" {
		t.Errorf("end of the new contact %s = %d %s", id, end.status, end.body)
	}
	s.must(201, "POST", "/_emulator/contacts", `{"mediaType":"SMS","contactId":9223372036854775806}`)
	if c := s.contact("9223372036854775806"); c.State != "Active" {
		t.Errorf("the new contact is %+v", c)
	}
	s.must(409, "POST", "/_emulator/contacts", `{"mediaType":"SMS","contactId":9223372036854775806}`)
	s.must(400, "POST", "/_emulator/contacts", `{"mediaType":"Fax"}`)
	s.must(400, "POST", "/_emulator/contacts", `{"mediaType":"SMS","state":"Ended"}`)
	s.must(404, "POST", "/_emulator/users/nobody/activate", "")
	s.must(404, "POST", "/_emulator/keys/nothing/revoke", "")

	s.must(200, "POST", "/_emulator/keys/vera-key/revoke", "")
	s.must(401, "POST", accessKeys, keyOf("vera"))
	s.must(200, "POST", "/_emulator/keys/vera-key/restore", "")
	s.must(200, "POST", accessKeys, keyOf("vera"))
	s.must(200, "POST", "/_emulator/users/ina.gone/activate", "")
	s.must(200, "POST", accessKeys, keyOf("ina"))

	s.must(204, "POST", "/_emulator/reset", "")
	st := s.state()
	if len(st.Contacts) != 9 || len(st.Tokens) != 0 || st.Users[2].Active || st.AccessKeys[0].Revoked {
		t.Errorf("after a reset the state is %+v", st)
	}
}

// TestFaults goes through the vendor's own faults and the statuses that have a
// form of their own.
func TestFaults(t *testing.T) {
	t.Parallel()
	const contacts, tokens = api + "/contacts/" + stuckChat + "/end", accessKeys
	tests := []struct {
		fault, path string
		status      int
		body        string
	}{
		{"invalid_contact_id", contacts, 404, `{"error":"not_found","error_description":"InvalidContactId"}`},
		{"invalid_contact_id:400", contacts, 400, `{"error":"bad_request","error_description":"Invalid Contact Id."}`},
		{"no_access_token", tokens, 200, `{"token_type":"bearer"}`},
		{"expired_token", contacts, 401, `{"error":"unauthorized","error_description":"Unauthorized"}`},
		{"401", tokens, 401, `{"error":"unauthorized","errorDescription":"Unauthorized"}`},
		{"403", contacts, 403, `{"error":"forbidden","error_description":"The requested action is forbidden."}`},
		{"404", contacts, 404, `{"error":"not_found","error_description":"resource not found"}`},
		{"405", contacts, 405, `{"error":"method_not_allowed","error_description":"Method Not Allowed"}`},
		{"429", contacts, 429, `{"error":"error","error_description":"Too Many Requests"}`},
		{"503", tokens, 503, `{"error":"error","errorDescription":"Service Unavailable"}`},
	}
	for _, test := range tests {
		s := newSite(t, "")
		got := s.call("POST", test.path, keyOf("vera"), "X-Emulator-Fault", test.fault)
		if got.status != test.status || got.body != test.body+"\n" {
			t.Errorf("%s = %d %s, want %d %s", test.fault, got.status, got.body, test.status, test.body)
		}
		if limited := got.header.Get("Retry-After") != ""; limited != (test.status == 429) {
			t.Errorf("%s has Retry-After %q", test.fault, got.header.Get("Retry-After"))
		}
	}
}

// TestEveryReplySaysItsBasis makes one request of each kind.
func TestEveryReplySaysItsBasis(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	vera := s.as("vera")
	for _, request := range []string{
		"GET /.well-known/cxone-configuration?tenantId=wend-tenant", "GET /.well-known/cxone-configuration",
		"POST /auth/token", "POST " + accessKeys, "GET " + accessKeys, "GET /nowhere",
		"GET " + api + "/contacts/active", "POST " + api + "/contacts/1/end", "POST " + api + "/contacts/" + stuckChat + "/end",
		"POST " + api + "/interactions/1/signal", "GET " + api + "/agents", "GET " + api + "/agents/1",
	} {
		method, target, _ := strings.Cut(request, " ")
		if basis := s.call(method, target, "", vera...).basis(); !slices.Contains([]string{"seed", "public", "inference", "decision"}, basis) {
			t.Errorf("%s has the basis %q", request, basis)
		}
	}
}

// TestNoSecretIsShown holds that neither state nor journal tell a secret or a token.
func TestNoSecretIsShown(t *testing.T) {
	t.Parallel()
	s := newSite(t, "")
	s.end(stuckChat, s.as("vera")...)
	s.call("POST", "/auth/token", form("grant_type", "password", "username", "vera-key", "password", "vera-key-secret", "client_secret", "wend-client-secret"),
		"Content-Type", "application/x-www-form-urlencoded")
	for _, path := range []string{"/_emulator/state", "/_emulator/journal"} {
		text := s.must(200, "GET", path, "").body
		for _, secret := range []string{"key-secret", "client-secret", "-password", "access-0", "refresh-0"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s tells %q", path, secret)
			}
		}
	}
}

// TestSeed holds that two sessions with one seed are the same to the byte.
func TestSeed(t *testing.T) {
	t.Parallel()
	session := func() string {
		v, err := cxone.New(emulator.Config{Seed: 7})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = v.Close() })
		s := site{v, t}
		token := s.must(200, "POST", accessKeys, keyOf("vera"))
		s.end(stuckChat, "Authorization", "Bearer "+token.field("access_token").(string))
		return token.body + s.must(200, "GET", "/_emulator/state", "").body + s.must(200, "GET", "/_emulator/journal", "").body
	}
	if diff := cmp.Diff(session(), session()); diff != "" {
		t.Errorf("sessions (-first +second):\n%s", diff)
	}
}
