package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/wendflow/wend/emulator"
	"github.com/wendflow/wend/emulator/emulatortest"
	cxone "github.com/wendflow/wend/plugins/nice-cxone/emulator"
	"github.com/wendflow/wend/plugins/plugintest"
	"github.com/wendflow/wend/sdk/sdktest"
)

// row is a visit of testdata/matrix.yaml. Its state is that of the contact.
type row struct {
	plugintest.Row `yaml:",inline"`

	Control []string // requests to the emulator's control surface, in advance
}

func readMatrix(t *testing.T) plugintest.Matrix[row] {
	t.Helper()
	return plugintest.ReadMatrix[row](t)
}

// site is the emulator, and the plugin connected with it.
type site struct {
	*plugintest.Link

	t      *testing.T
	vendor *emulator.Vendor
}

// newSite starts an emulator with the settings, faults and requests of a row,
// and connects to it as the row says.
func newSite(t *testing.T, m plugintest.Matrix[row], r row) *site {
	t.Helper()
	vendor, err := cxone.New(emulatortest.Config(t, r.Emulator, r.Faults))
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, vendor: vendor}
	s.Link = tested.Connect(t, vendor, m.Connections[r.Connection].With(r.Settings))
	for _, path := range r.Control {
		s.control("POST", path, nil)
	}
	return s
}

func (s *site) visit(method string, inputs map[string]any, timeout time.Duration) sdktest.Result {
	s.t.Helper()
	return s.Visit(s.t, method, inputs, timeout)
}

func (s *site) control(method, path string, into any) {
	s.t.Helper()
	emulatortest.Control(s.t, s.vendor, method, path, "", into)
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
	for _, r := range m.Rows {
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, m, r)
			r.Check(t, s.visit(r.Method, r.Inputs, r.Timeout))
			if r.Want.State != "" {
				if c := s.contact(fmt.Sprint(r.Inputs["contactId"])); c.State != r.Want.State {
					t.Errorf("the contact is %+v, want it %s", c, r.Want.State)
				}
			}
		})
	}
}

func TestMatrixHasEveryOutcome(t *testing.T) {
	t.Parallel()
	var rows []plugintest.Row
	for _, r := range readMatrix(t).Rows {
		rows = append(rows, r.Row)
	}
	tested.Covered(t, rows)
}

// by is a row with nothing but a connection.
func by(connection string) row { return row{Row: plugintest.Row{Connection: connection}} }

var (
	vera   = by("vera")
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
			s := newSite(t, readMatrix(t), by(name))
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
	r := vera
	r.Settings = map[string]any{"verifyAgent": true}
	s := newSite(t, readMatrix(t), r)
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
	emulatortest.Control(s.t, s.vendor, "POST", "/faults", body, nil)
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
