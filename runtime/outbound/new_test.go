package outbound_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/sdk/wire"
)

// One New shows all that is wrong with all connections.
func TestNewReportsEverything(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := outbound.New(outbound.Config{
		Connections: []outbound.Connection{
			{Name: "a", Type: "bearer", Secrets: map[string]string{"token": "env:NOT_SET"}},
			{Name: "b", Type: "basic", Secrets: map[string]string{"username": "file:/nowhere/user", "password": "file:" + empty}},
			{Name: "c", Type: "bearer"},
			{Name: "c"},
			{Name: "d", Type: "bearr"},
			{Name: "e", Type: "bearer", Secrets: map[string]string{"token": "tok-4f9a17", "tokn": "env:TOKEN"}, Hosts: []string{"https://x", "*"}},
			{Name: "f", TLS: outbound.TLS{CAFile: "/nowhere/ca.pem", CertFile: "x"}},
		},
		Allow: []string{"*", "*.com"},
		Env:   lookup,
	})
	want := []string{
		`connection "a": secret "token": environment variable "NOT_SET" is not set`,
		`connection "b": secret "password": file:` + empty + ` is empty`,
		`connection "b": secret "username": open /nowhere/user: no such file or directory`,
		`connection "c": type "bearer" needs the secret "token": write secrets: { token: env:NAME } or file:PATH`,
		`connection "c": is defined twice`,
		`connection "d": no connection type "bearr"`,
		`connection "e": secret "token": a secret is not written here: expected env:NAME or file:PATH, which say where it is`,
		`connection "e": type "bearer" uses no secret "tokn", and forFlows does not list it`,
		`connection "e": hosts: "https://x": expected host or host:port, without scheme, user or path`,
		`connection "e": hosts: "*": a credential needs named hosts`,
		`connection "f": tls: certFile and keyFile come together`,
		`connection "f": tls.caFile: open /nowhere/ca.pem: no such file or directory`,
		`outbound.allow: "*.com" is too wide: expected at least two names after *`,
	}
	if err == nil {
		t.Fatal("New took it")
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("New (-want +got):\n%s", diff)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	key := map[string]string{"key": "env:KEY"}
	client := map[string]string{"clientSecret": "env:KEY"}
	const https = "https://id.example.com/token"
	tests := []struct {
		connection outbound.Connection
		field      string
		want       string
	}{
		{outbound.Connection{Name: "c", BaseURL: "vendor.example.com"}, "baseURL", "expected http://"},
		{outbound.Connection{Name: "c", BaseURL: "ftp://vendor.example.com"}, "baseURL", "expected http://"},
		{outbound.Connection{Name: "c", BaseURL: "https://u:p@vendor.example.com"}, "baseURL", "user name"},
		{outbound.Connection{Name: "c", BaseURL: "https://vendor.example.com?x=1"}, "baseURL", "no ? and no #"},
		{outbound.Connection{Name: "c", BaseURL: "https://vendör.example.com"}, "baseURL", "xn--"},
		{outbound.Connection{Name: "c", Type: "bearer", Secrets: map[string]string{"token": "env:T"}, BaseURL: "http://vendor.example.com"}, "baseURL", "needs https"},
		{outbound.Connection{Name: ""}, "", "without a name"},
		{outbound.Connection{Name: "c", Timeout: -1}, "timeout", "more than 0"},
		{outbound.Connection{Name: "c", Rate: outbound.Rate{PerSecond: -1}}, "rate.perSecond", "more than 0"},
		{outbound.Connection{Name: "c", Rate: outbound.Rate{Burst: 3}}, "rate", "limits nothing"},
		{outbound.Connection{Name: "c", Rate: outbound.Rate{PerSecond: 1, Burst: -3}}, "rate.burst", "at least 1"},
		{outbound.Connection{Name: "c", Concurrency: -1}, "concurrency", "at least 1"},
		{outbound.Connection{Name: "c", TLS: outbound.TLS{Insecure: true}}, "tls.insecure", "needs private: true"},
		{outbound.Connection{Name: "c", Type: "bearer", Secrets: map[string]string{"token": "env:"}}, "secrets.token", `nothing after "env:"`},
		{outbound.Connection{Name: "c", Secrets: map[string]string{"x": "env:X"}}, "secrets.x", `type "none" uses no secret "x"`},
		{outbound.Connection{Name: "c", Type: "basic", Secrets: map[string]string{"password": "env:P"}}, "secrets", `needs "username"`},
		{outbound.Connection{Name: "c", Type: "basic", Secrets: map[string]string{"password": "env:P"}, Settings: map[string]any{"username": "a:b"}}, "settings.username", "colon"},
		{outbound.Connection{Name: "c", Type: "api-key", Secrets: key, Settings: map[string]any{"header": "X Y"}}, "settings.header", "not a header's name"},
		{outbound.Connection{Name: "c", Type: "api-key", Secrets: key, Settings: map[string]any{"header": "host"}}, "settings.header", "not for credentials"},
		{outbound.Connection{Name: "c", Type: "api-key", Secrets: key, Settings: map[string]any{"header": 5}}, "settings.header", "expected text, not 5"},
		{outbound.Connection{Name: "c", Type: "api-key", Secrets: key, Settings: map[string]any{"header": "X", "query": "x"}}, "settings.query", "not both"},
		{outbound.Connection{Name: "c", Type: "hmac"}, "secrets", "at least one secret"},
		{outbound.Connection{Name: "c", Type: "hmac", Secrets: key, Settings: map[string]any{"algorithm": "md5"}}, "settings.algorithm", `no such choice as "md5"`},
		{outbound.Connection{Name: "c", Type: "hmac", Secrets: key, Settings: map[string]any{"tolerance": "soon"}}, "settings.tolerance", "expected a duration"},
		{outbound.Connection{Name: "c", Type: "hmac", Secrets: key, Settings: map[string]any{"tolerance": "-1d"}}, "settings.tolerance", "more than 0"},
		{outbound.Connection{Name: "c", Type: "hmac", Secrets: key, Settings: map[string]any{"signed": "{timestamp}{body}"}}, "settings.signed", "needs settings.timestampHeader"},
		{outbound.Connection{Name: "c", Type: "hmac", Secrets: key, Settings: map[string]any{"signed": "body"}}, "settings.signed", "expected {body}"},
		{outbound.Connection{Name: "c", Type: "hmac", Secrets: key, Settings: map[string]any{"tolerance": "1m", "signed": "{body}"}}, "settings.signed", "expected {timestamp}"},
		{outbound.Connection{Name: "c", Type: "oauth2-client-credentials", Secrets: client, Settings: map[string]any{"tokenURL": https}}, "secrets", `needs "clientId"`},
		{outbound.Connection{Name: "c", Type: "oauth2-client-credentials", Secrets: client, Settings: map[string]any{"clientId": "w"}}, "settings", "needs settings.tokenURL"},
		{outbound.Connection{Name: "c", Type: "oauth2-client-credentials", Secrets: client, Settings: map[string]any{"clientId": "w", "tokenURL": "http://id.example.com"}}, "settings.tokenURL", "need https"},
		{outbound.Connection{Name: "c", Type: "oauth2-client-credentials", Secrets: client, Settings: map[string]any{"clientId": "w", "tokenURL": "/token"}}, "settings.tokenURL", "with a host"},
		{outbound.Connection{Name: "c", Type: "oauth2-client-credentials", Secrets: client, Settings: map[string]any{"clientId": "w", "tokenURL": "https://u@id.example.com"}}, "settings.tokenURL", "user name"},
		{outbound.Connection{Name: "c", Type: "oauth2-client-credentials", Secrets: client, Settings: map[string]any{"clientId": "w", "tokenURL": https, "scopes": []any{1}}}, "settings.scopes", "expected text, not 1"},
		{outbound.Connection{Name: "c", Type: "oauth2-client-credentials", Secrets: client, Settings: map[string]any{"clientId": "w", "tokenURL": https, "tokenParams": "x"}}, "settings.tokenParams", "expected a map"},
		{outbound.Connection{Name: "c", Type: "oauth2-client-credentials", Secrets: client, Settings: map[string]any{"clientId": "w", "tokenURL": https, "tokenParams": map[string]any{"a": 1}}}, "settings.tokenParams.a", "expected text, not 1"},
		{outbound.Connection{Name: "c", Type: "oauth2-client-credentials", Secrets: client, Settings: map[string]any{"clientId": "w", "tokenURL": https, "tokenFormat": "xml"}}, "settings.tokenFormat", `"xml"`},
		{outbound.Connection{Name: "c", Type: "session"}, "settings", "needs settings.sessionPath"},
		{outbound.Connection{Name: "c", Type: "session", Settings: map[string]any{"sessionPath": "/me", "username": "u"}}, "secrets", `"username" without the secret "password"`},
	}
	for _, test := range tests {
		err := test.connection.Validate()
		var field *outbound.FieldError
		if !errors.As(err, &field) || field.Field != test.field || !strings.Contains(field.Msg, test.want) {
			t.Errorf("Validate(%+v) = %v (field %+v), want %q: …%s…", test.connection, err, field, test.field, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("one mistake is told twice: %v", err)
		}
	}
}

func TestSecretsFromFiles(t *testing.T) {
	t.Parallel()
	var got seen
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { got.note(r) })
	path := filepath.Join(t.TempDir(), "token")
	for content, want := range map[string]string{"abcd1234\n": "", "abcd1234\r\n": "", "abcd\n1234": "line break", "": "is empty", strings.Repeat("x", 64<<10+1): "65537 bytes, expected at most 65536"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := outbound.New(outbound.Config{Connections: []outbound.Connection{{
			Name: "c", Type: "bearer", Secrets: map[string]string{"token": "file:" + path}, BaseURL: server.URL, Private: true,
		}}})
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "1234") {
				t.Errorf("content %q: %v, want %q", content, err, want)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		c.Do(t.Context(), get("/"))
		if r, _ := got.last(); r.Header.Get("Authorization") != "Bearer abcd1234" {
			t.Errorf("content %q: sent %q", content, r.Header.Get("Authorization"))
		}
		c.Close()
	}
}

func Example() {
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s with %s", r.Method, r.URL.Path, r.Header.Get("Authorization"))
	}))
	defer vendor.Close()

	client, err := outbound.New(outbound.Config{
		Connections: []outbound.Connection{{
			Name: "vendor", Type: "bearer", Secrets: map[string]string{"token": "env:VENDOR_TOKEN"},
			BaseURL: vendor.URL, Private: true,
		}},
		Env: func(string) (string, bool) { return "tok-123456", true },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	ask := func(url string) {
		reply := client.Do(context.Background(), outbound.Request{
			Connection: "vendor", Call: wire.Call{Method: "POST", URL: url},
		})
		fmt.Println(strings.TrimSpace(fmt.Sprintln(reply.Status, string(reply.Body), reply.Failure, reply.Message)))
	}
	ask("/v1/tasks")
	ask("https://elsewhere.example.com/v1/tasks")
	// Output:
	// 200 POST /v1/tasks with Bearer •••
	// 0  refused host "elsewhere.example.com" is not allowed for connection "vendor": add it to connections.vendor.hosts in wend.yaml
}

// TestLate: a secret is looked up when it is first needed, and again until it
// is there.
func TestLate(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Header.Get("X-Api-Key")[:3]) })
	there := map[string]string{}
	asked := 0
	c, err := outbound.New(outbound.Config{
		Late: true,
		Env:  func(name string) (string, bool) { asked++; v, ok := there[name]; return v, ok },
		Connections: []outbound.Connection{
			{Name: "c", Type: "api-key", Secrets: map[string]string{"key": "env:LATE"}, BaseURL: s.URL, Private: true, Settings: map[string]any{"own": 7}},
			{Name: "other", Type: "bearer", Secrets: map[string]string{"token": "env:NEVER"}},
		},
	})
	if err != nil || asked != 0 {
		t.Fatalf("New = %v, having looked up %d secrets", err, asked)
	}
	t.Cleanup(c.Close)
	const want = `connection "c": secret "key": environment variable "LATE" is not set`
	if r := c.Do(t.Context(), get("/")); r.Failure != wire.Unauthorized || r.Message != want+"; it had not been sent" {
		t.Errorf("a call without the secret = %q, %q", r.Failure, r.Message)
	}
	if _, err := c.Verify(t.Context(), "c", outbound.Incoming{}, time.Time{}); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Verify without the secret = %v", err)
	}
	if header, _ := c.Proof("c"); header != "X-Api-Key" {
		t.Errorf("Proof without the secret = %q", header)
	}
	if c.Settings("c")["own"] != 7 {
		t.Errorf("Settings without the secret = %v", c.Settings("c"))
	}
	if err := c.Lacks("c"); err == nil || err.Error() != want {
		t.Errorf("Lacks = %v", err)
	}
	there["LATE"] = "key-77aa01"
	if err := c.Lacks("c"); err != nil {
		t.Errorf("Lacks once the secret is there = %v", err)
	}
	if r := c.Do(t.Context(), get("/")); r.Failure != "" || r.Status != http.StatusOK {
		t.Errorf("a call with the secret = %+v", r)
	}
	_, err = outbound.New(outbound.Config{Late: true, Connections: []outbound.Connection{{Name: "c", Type: "bearer"}}})
	if err == nil {
		t.Error("New takes late what is wrong whatever the secrets are")
	}
}
