package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/wendflow/wend/emulator"
	cxone "github.com/wendflow/wend/plugins/nice-cxone/emulator"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/sdk/sdktest"
	"github.com/wendflow/wend/sdk/wire"
)

// matrix is testdata/matrix.yaml.
type matrix struct {
	Connections map[string]connection
	Rows        []row
}

type connection struct {
	Type     string
	Secrets  map[string]string
	Settings map[string]any
}

type row struct {
	Name       string
	Method     string
	Connection string
	Inputs     map[string]any
	Settings   map[string]any
	Emulator   map[string]any
	Control    []string
	Faults     []string
	Timeout    time.Duration
	Want       struct {
		Outcome string
		Outputs map[string]any
		State   string
		Calls   *int
	}
}

func readMatrix(t *testing.T) matrix {
	t.Helper()
	source, err := os.ReadFile("testdata/matrix.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var m matrix
	if err := yaml.Unmarshal(source, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// site is the emulator, and the host's own connection to it.
type site struct {
	t      *testing.T
	vendor *emulator.Vendor
	client *outbound.Client
}

const within = 20 * time.Second

// newSite starts an emulator with the settings, faults and requests of a row,
// and connects to it as the row says.
func newSite(t *testing.T, m matrix, r row) *site {
	t.Helper()
	settings, err := json.Marshal(r.Emulator)
	if err != nil {
		t.Fatal(err)
	}
	cfg := emulator.Config{Settings: settings, Seed: 1}
	if r.Emulator == nil {
		cfg.Settings = nil
	}
	for _, text := range r.Faults {
		fault, err := emulator.ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Faults = append(cfg.Faults, fault)
	}
	vendor, err := cxone.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(vendor)
	t.Cleanup(func() {
		_ = vendor.Close()
		server.Close()
	})
	s := &site{t: t, vendor: vendor}
	s.connect(m.Connections[r.Connection], r.Settings, server.URL)
	for _, path := range r.Control {
		s.control("POST", path, nil)
	}
	return s
}

// connect makes the connection, whose secrets are texts of the row.
func (s *site) connect(c connection, over map[string]any, base string) {
	s.t.Helper()
	secrets := map[string]string{}
	for name := range c.Secrets {
		secrets[name] = "env:" + name
	}
	settings := maps.Clone(c.Settings)
	maps.Copy(settings, over)
	maps.DeleteFunc(settings, func(_ string, v any) bool { return v == nil })
	for name, v := range settings {
		if text, is := v.(string); is {
			settings[name] = strings.ReplaceAll(text, "{base}", base)
		}
	}
	client, err := outbound.New(outbound.Config{
		Connections: []outbound.Connection{{
			Name: "cxone", Type: c.Type, Secrets: secrets, Settings: settings, BaseURL: base, Private: true, Timeout: within,
		}},
		Env: func(name string) (string, bool) { v, ok := c.Secrets[name]; return v, ok },
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(client.Close)
	s.client = client
}

// visit runs a method, with the host's connection on the wire.
func (s *site) visit(method string, inputs map[string]any, timeout time.Duration) sdktest.Result {
	s.t.Helper()
	return run(s.t, method, sdktest.Visit{
		Inputs: inputs, Settings: s.client.Settings("cxone"),
		Reply: func(call wire.Call) wire.Reply {
			return s.client.Do(context.Background(), outbound.Request{Connection: "cxone", Call: call, Key: "key", Timeout: timeout})
		},
	})
}

func (s *site) control(method, path string, into any) {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.vendor.ServeHTTP(w, httptest.NewRequestWithContext(s.t.Context(), method, "/_emulator"+path, http.NoBody))
	if w.Code >= 300 {
		s.t.Fatalf("%s %s answered %d %s", method, path, w.Code, w.Body)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		s.t.Fatal(err)
	}
}

// emulated is what a contact is in the emulator's own state.
type emulated struct {
	ContactID        json.Number
	MediaType        string
	State            string
	DisconnectReason string
	EndedBy          int
}

func (s *site) contact(id string) emulated {
	s.t.Helper()
	var state struct{ Contacts []emulated }
	s.control("GET", "/state", &state)
	for _, c := range state.Contacts {
		if c.ContactID.String() == id {
			return c
		}
	}
	s.t.Fatalf("the emulator has no contact %s", id)
	return emulated{}
}

// TestMatrix holds plugin, connection and emulator together against every row
// of the outcome tables.
func TestMatrix(t *testing.T) {
	t.Parallel()
	m := readMatrix(t)
	names := map[string]bool{}
	for _, r := range m.Rows {
		if names[r.Name] {
			t.Errorf("two rows are called %q", r.Name)
		}
		names[r.Name] = true
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, m, r)
			result := s.visit(r.Method, r.Inputs, r.Timeout)
			checkRow(t, r, result)
			if r.Want.State != "" {
				if c := s.contact(fmt.Sprint(r.Inputs["contactId"])); c.State != r.Want.State {
					t.Errorf("the contact is %+v, want it %s", c, r.Want.State)
				}
			}
		})
	}
}

func checkRow(t *testing.T, r row, result sdktest.Result) {
	t.Helper()
	if result.Outcome != r.Want.Outcome {
		t.Errorf("outcome %s: %s; want %s", result.Outcome, result.Message, r.Want.Outcome)
	}
	for name, want := range r.Want.Outputs {
		if got := result.Outputs[name]; got != want {
			t.Errorf("output %s is %#v, want %#v", name, got, want)
		}
	}
	if r.Want.Calls != nil && len(result.Calls) != *r.Want.Calls {
		t.Errorf("%d calls were made, want %d", len(result.Calls), *r.Want.Calls)
	}
}

// TestMatrixHasEveryOutcome fails when an outcome has no row.
func TestMatrixHasEveryOutcome(t *testing.T) {
	t.Parallel()
	left := map[string]bool{}
	for _, method := range readManifest(t).Methods {
		for _, o := range method.Outcomes.All {
			left[method.Name+" "+o.Name] = true
		}
	}
	for _, r := range readMatrix(t).Rows {
		delete(left, r.Method+" "+r.Want.Outcome)
	}
	for name := range left {
		t.Errorf("testdata/matrix.yaml has no row for %s", name)
	}
}

var (
	vera   = row{Connection: "vera"}
	stuck  = map[string]any{"contactId": "450100000001"}
	other  = map[string]any{"contactId": "450100000002"}
	onlyID = "450100000002"
)

// TestHandleGoesAround holds that what one method gives the other takes, and
// that the contact is then ended by that agent.
func TestHandleGoesAround(t *testing.T) {
	t.Parallel()
	s := newSite(t, readMatrix(t), vera)
	user := s.visit("set-security-user", nil, 0)
	ended := s.visit("end-contact", map[string]any{"securityUser": user.Outputs["securityUser"], "contactId": 450100000003}, 0)
	want := emulated{"450100000003", "Chat", "Ended", "TerminateScript", 100001}
	if got := s.contact("450100000003"); ended.Outcome != "OnSuccess" || got != want {
		t.Errorf("outcome %s: %s; the contact is %+v, want %+v", ended.Outcome, ended.Message, got, want)
	}
}

// TestEndedTwice holds that the second of two calls finds no active contact.
func TestEndedTwice(t *testing.T) {
	t.Parallel()
	s := newSite(t, readMatrix(t), vera)
	for _, want := range []string{"OnSuccess", "OnInvalidContactID"} {
		if got := s.visit("end-contact", stuck, 0); got.Outcome != want {
			t.Errorf("outcome %s: %s; want %s", got.Outcome, got.Message, want)
		}
	}
}

// TestTokenExpires holds that a token that has run out between two calls is
// renewed once, by the host, and that the contact is ended after all.
func TestTokenExpires(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"vera", "password", "central"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, readMatrix(t), row{Connection: name})
			s.visit("end-contact", stuck, 0)
			s.control("POST", "/tokens/expire", nil)
			result := s.visit("end-contact", other, 0)
			if result.Outcome != "OnSuccess" || len(result.Calls) != 1 || s.contact(onlyID).State != "Ended" {
				t.Errorf("outcome %s: %s after %d calls", result.Outcome, result.Message, len(result.Calls))
			}
			if got := s.statuses("/end"); got != "202 401 202" {
				t.Errorf("the API answered %s, want 202 401 202", got)
			}
		})
	}
}

// TestTokenRenewedInVain tells the two meanings of 401 apart.
func TestTokenRenewedInVain(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, control, outcome, code string }{
		{"the key was revoked meanwhile", "/keys/vera-key/revoke", "OnInvalidSecurityUser", "unauthorized"},
		{"the user was deactivated meanwhile", "/users/vera.security/deactivate", "OnInvalidSecurityUser", "unauthorized"},
		{"the API does not take the new token either", "", "OnUnauthorized", "http401"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, readMatrix(t), vera)
			s.visit("end-contact", stuck, 0)
			if test.control != "" {
				s.control("POST", test.control, nil)
				s.control("POST", "/tokens/expire", nil)
			} else {
				s.fault(`{"match":{"path":"/incontactapi/services/*/contacts/*/end"},"then":{"fault":"expired_token"}}`)
			}
			result := s.visit("end-contact", other, 0)
			if result.Outcome != test.outcome || result.Outputs["errorCode"] != test.code || s.contact(onlyID).State != "Active" {
				t.Errorf("outcome %s, code %v: %s; want %s, %s", result.Outcome, result.Outputs["errorCode"], result.Message, test.outcome, test.code)
			}
		})
	}
}

// TestNoSecretComesBack holds that neither the key nor the token is in
// anything that the guest gives or asks for.
func TestNoSecretComesBack(t *testing.T) {
	t.Parallel()
	s := newSite(t, readMatrix(t), row{Connection: "vera", Settings: map[string]any{"verifyAgent": true}})
	user := s.visit("set-security-user", nil, 0)
	ended := s.visit("end-contact", map[string]any{"securityUser": user.Outputs["securityUser"], "contactId": 450100000001}, 0)
	for _, result := range []sdktest.Result{user, ended} {
		all := fmt.Sprint(result)
		for _, secret := range []string{"vera-key-secret", "access-", "refresh-", "Bearer", "Authorization"} {
			if strings.Contains(all, secret) {
				t.Errorf("the result holds %q: %s", secret, all)
			}
		}
	}
}

func (s *site) fault(body string) {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.vendor.ServeHTTP(w, httptest.NewRequestWithContext(s.t.Context(), "POST", "/_emulator/faults", strings.NewReader(body)))
	if w.Code != http.StatusCreated {
		s.t.Fatalf("the fault was answered %d %s", w.Code, w.Body)
	}
}

// statuses are those of the requests whose paths end so, in their order.
func (s *site) statuses(suffix string) string {
	s.t.Helper()
	var entries []emulator.Entry
	s.control("GET", "/journal", &entries)
	var statuses []string
	for _, e := range entries {
		if strings.HasSuffix(e.Path, suffix) {
			statuses = append(statuses, fmt.Sprint(e.Status))
		}
	}
	return strings.Join(statuses, " ")
}
