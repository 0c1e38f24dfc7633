package outbound_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/sdk/wire"
)

// issuer is a token endpoint at /token and an API that takes only the newest
// token everywhere else.
type issuer struct {
	*httptest.Server
	tokens   seen
	calls    seen
	answer   func(n int) (status int, body string) // to the n-th request for a token; nil: a good one
	rejected atomic.Bool                           // the API takes no token at all
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	i.Server = serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			i.give(w, r)
			return
		}
		i.calls.note(r)
		want := fmt.Sprintf("Bearer access-token-%d", i.tokens.count())
		if r.Header.Get("Authorization") != want || i.rejected.Load() {
			w.WriteHeader(http.StatusUnauthorized)
		}
		fmt.Fprint(w, r.Header.Get("Authorization"))
	})
	return i
}

func (i *issuer) give(w http.ResponseWriter, r *http.Request) {
	n := i.tokens.note(r)
	status, body := 200, fmt.Sprintf(`{"access_token":"access-token-%d","refresh_token":"refresh-token-%d","token_type":"bearer","expires_in":3600}`, n, n)
	if i.answer != nil {
		status, body = i.answer(n)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprint(w, body)
}

// watch is a time that tests set.
type watch struct {
	mu  sync.Mutex
	now time.Time
}

func (c *watch) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *watch) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (i *issuer) client(t *testing.T, clk *watch, c outbound.Connection) *outbound.Client {
	t.Helper()
	c.Name, c.BaseURL, c.Private = "c", i.URL, true
	settings := map[string]any{"tokenURL": i.URL + "/token"}
	for name, v := range c.Settings {
		settings[name] = v
	}
	c.Settings = settings
	return newClient(t, outbound.Config{Connections: []outbound.Connection{c}, Clock: clock.Told(clk.Now)})
}

func password() outbound.Connection {
	return outbound.Connection{
		Type: "oauth2-password", Secrets: map[string]string{"password": "env:PASSWORD"},
		Settings: map[string]any{"username": "agent"},
	}
}

func TestTokenRequests(t *testing.T) {
	t.Parallel()
	client := map[string]string{"clientSecret": "env:KEY"}
	tests := []struct {
		name       string
		connection outbound.Connection
		auth       string // user:password of HTTP Basic
		form       url.Values
		body       map[string]string // of a JSON request
	}{
		{
			name: "client credentials",
			connection: outbound.Connection{
				Type: "oauth2-client-credentials", Secrets: client,
				Settings: map[string]any{"clientId": "wend", "scopes": []any{"a", "b"}, "tokenParams": map[string]any{"audience": "api"}},
			},
			auth: "wend:key-77aa01",
			form: url.Values{"grant_type": {"client_credentials"}, "scope": {"a b"}, "audience": {"api"}},
		},
		{
			name: "client credentials in the body",
			connection: outbound.Connection{
				Type: "oauth2-client-credentials", Secrets: client,
				Settings: map[string]any{"clientId": "wend", "clientAuth": "body", "scopes": "a b"},
			},
			form: url.Values{"grant_type": {"client_credentials"}, "scope": {"a b"}, "client_id": {"wend"}, "client_secret": {"key-77aa01"}},
		},
		{
			name:       "password",
			connection: password(),
			form:       url.Values{"grant_type": {"password"}, "username": {"agent"}, "password": {"s3cret-pass"}},
		},
		{
			name: "password with a client",
			connection: outbound.Connection{
				Type: "oauth2-password", Secrets: map[string]string{"password": "env:PASSWORD", "username": "env:ACCESS", "clientSecret": "env:KEY"},
				Settings: map[string]any{"clientId": "wend"},
			},
			auth: "wend:key-77aa01",
			form: url.Values{"grant_type": {"password"}, "username": {"access-secret-5"}, "password": {"s3cret-pass"}},
		},
		{
			name: "password in JSON",
			connection: outbound.Connection{
				Type: "oauth2-password", Secrets: map[string]string{"password": "env:PASSWORD", "clientSecret": "env:KEY"},
				Settings: map[string]any{"clientId": "App@Vendor", "username": "agent", "tokenFormat": "json", "scopes": "x"},
			},
			auth: "App@Vendor:key-77aa01",
			body: map[string]string{"grant_type": "password", "username": "agent", "password": "s3cret-pass", "scope": "x"},
		},
		{
			name: "client in JSON",
			connection: outbound.Connection{
				Type: "oauth2-client-credentials", Secrets: client,
				Settings: map[string]any{"clientId": "wend", "tokenFormat": "json", "clientAuth": "body"},
			},
			body: map[string]string{"grant_type": "client_credentials", "client_id": "wend", "client_secret": "key-77aa01"},
		},
		{
			name: "access key",
			connection: outbound.Connection{
				Type: "access-key", Secrets: map[string]string{"accessKeyId": "env:KEY", "accessKeySecret": "env:ACCESS"},
			},
			body: map[string]string{"accessKeyId": "key-77aa01", "accessKeySecret": "access-secret-5"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			c := i.client(t, &watch{}, test.connection)
			reply := c.Do(t.Context(), post("/x"))
			if reply.Status != 200 || string(reply.Body) != "Bearer •••" {
				t.Fatalf("Do = %d %s %s", reply.Status, reply.Body, reply.Message)
			}
			r, body := i.tokens.last()
			if user, pass, ok := r.BasicAuth(); ok && user+":"+pass != test.auth || !ok && test.auth != "" {
				t.Errorf("client %q:%q, want %q", user, pass, test.auth)
			}
			if r.Method != http.MethodPost || r.Header.Get("User-Agent") != "wend" || r.Header.Get("Idempotency-Key") != "" {
				t.Errorf("asked by %s with %v", r.Method, r.Header)
			}
			if test.form != nil {
				got, err := url.ParseQuery(body)
				if diff := cmp.Diff(test.form, got); diff != "" || err != nil {
					t.Errorf("form (-want +got):\n%s%v", diff, err)
				}
				return
			}
			var got map[string]string
			err := json.Unmarshal([]byte(body), &got)
			if diff := cmp.Diff(test.body, got); diff != "" || err != nil {
				t.Errorf("body (-want +got):\n%s%v", diff, err)
			}
		})
	}
}

func TestTokenIsKeptUntilItLapses(t *testing.T) {
	t.Parallel()
	i, clk := newIssuer(t), &watch{now: time.Unix(1e9, 0)}
	c := i.client(t, clk, password())
	call := func(wantTokens int) {
		t.Helper()
		if reply := c.Do(t.Context(), post("/x")); reply.Status != 200 {
			t.Fatalf("Do = %+v", reply)
		}
		if n := i.tokens.count(); n != wantTokens {
			t.Fatalf("%d tokens asked for, want %d", n, wantTokens)
		}
	}
	call(1)
	clk.pass(3569 * time.Second)
	call(1)
	clk.pass(time.Second) // half a minute before its hour is over
	call(2)
	_, body := i.tokens.last()
	if form, _ := url.ParseQuery(body); form.Get("grant_type") != "refresh_token" || form.Get("refresh_token") != "refresh-token-1" || form.Has("password") {
		t.Errorf("asked with %s, want the refresh token alone", body)
	}
	if got := c.Redact("access-token-1 refresh-token-1 access-token-2"); got != "••• ••• •••" {
		t.Errorf("Redact = %q", got)
	}
}

func TestTokenRefreshRefusedFallsBackToTheSecrets(t *testing.T) {
	t.Parallel()
	i, clk := newIssuer(t), &watch{now: time.Unix(1e9, 0)}
	i.answer = func(n int) (int, string) {
		if n == 2 {
			return 400, `{"error":"invalid_grant"}`
		}
		return 200, fmt.Sprintf(`{"access_token":"access-token-%d","refresh_token":"r-%d","expires_in":"100"}`, n, n)
	}
	c := i.client(t, clk, password())
	c.Do(t.Context(), post("/x"))
	clk.pass(91 * time.Second) // a tenth of 100 s is taken off
	if reply := c.Do(t.Context(), post("/x")); reply.Status != 200 || i.tokens.count() != 3 {
		t.Errorf("Do = %+v after %d requests for tokens", reply, i.tokens.count())
	}
}

func TestTokenWithoutLifeIsKeptUntilRefused(t *testing.T) {
	t.Parallel()
	i, clk := newIssuer(t), &watch{now: time.Unix(1e9, 0)}
	i.answer = func(n int) (int, string) { return 200, fmt.Sprintf(`{"access_token":"access-token-%d"}`, n) }
	c := i.client(t, clk, outbound.Connection{Type: "access-key", Secrets: map[string]string{"accessKeyId": "env:KEY", "accessKeySecret": "env:ACCESS"}})
	c.Do(t.Context(), post("/x"))
	clk.pass(1000 * time.Hour)
	if c.Do(t.Context(), post("/x")); i.tokens.count() != 1 {
		t.Errorf("%d tokens asked for, want 1", i.tokens.count())
	}
}

func TestTokenRefusedIsReplacedOnce(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	c := i.client(t, &watch{}, password())
	if reply := c.Do(t.Context(), post("/x")); reply.Status != 200 {
		t.Fatal(reply)
	}
	i.tokens.note(httptest.NewRequest("POST", "/token", nil)) // the vendor gave somebody a newer one: ours is void
	if reply := c.Do(t.Context(), post("/x")); reply.Status != 200 || i.calls.count() != 3 || i.tokens.count() != 3 {
		t.Fatalf("Do = %+v after %d calls and %d tokens, want 200 after 3 and 3", reply, i.calls.count(), i.tokens.count())
	}
	r, body := i.calls.last()
	if body != "{}" || r.Header.Get("Idempotency-Key") != "key-1" {
		t.Errorf("the second attempt differs from the first: %q %v", body, r.Header)
	}
	i.rejected.Store(true)
	if reply := c.Do(t.Context(), post("/x")); reply.Status != 401 || i.calls.count() != 5 || i.tokens.count() != 4 {
		t.Errorf("Do = %+v after %d calls and %d tokens, want the 401 after one more attempt", reply, i.calls.count(), i.tokens.count())
	}
}

func TestTokenJustMadeIsNotReplaced(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.rejected.Store(true)
	c := i.client(t, &watch{}, password())
	if reply := c.Do(t.Context(), post("/x")); reply.Status != 401 || i.calls.count() != 1 || i.tokens.count() != 1 {
		t.Errorf("Do = %+v after %d calls and %d tokens, want the 401 at once", reply, i.calls.count(), i.tokens.count())
	}
}

func TestTokenIsFetchedOnceForAll(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	asked, release := make(chan struct{}), make(chan struct{})
	i.answer = func(n int) (int, string) {
		if n == 1 {
			close(asked)
		}
		<-release
		return 200, fmt.Sprintf(`{"access_token":"access-token-%d","expires_in":3600}`, n)
	}
	c := i.client(t, &watch{}, password())
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			if reply := c.Do(t.Context(), post("/x")); reply.Status != 200 {
				t.Errorf("Do = %+v", reply)
			}
		})
	}
	<-asked
	// One caller who gives up does not take the token of the others along.
	r := post("/x")
	r.Timeout = 10 * time.Millisecond
	if reply := c.Do(t.Context(), r); reply.Failure != wire.Timeout || !strings.Contains(reply.Message, `no credential for connection "c" within 10ms`) {
		t.Errorf("Do = %+v, want timeout", reply)
	}
	close(release)
	calls.Wait()
	if n := i.tokens.count(); n != 1 {
		t.Errorf("%d tokens asked for, want 1", n)
	}
}

func TestTokenFailures(t *testing.T) {
	t.Parallel()
	accessKey := outbound.Connection{Type: "access-key", Secrets: map[string]string{"accessKeyId": "env:KEY", "accessKeySecret": "env:ACCESS"}}
	tests := []struct {
		name       string
		connection outbound.Connection
		status     int
		body       string
		want       string
	}{
		{"refused", password(), 400, `{"error":"invalid_grant","error_description":"s3cret-pass is wrong"}`, `no credential for connection "c": the token endpoint answered 400 (invalid_grant)`},
		{"refused without a code", password(), 401, `no`, "the token endpoint answered 401"},
		{"the code echoes the secret", password(), 400, `{"error":"s3cret-pass"}`, "answered 400 (•••)"},
		{"down", password(), 503, ``, "answered 503"},
		{"no token", password(), 200, `{}`, `without "access_token"`},
		{"access key refused", accessKey, 401, `{"error":"Unauthorized"}`, "answered 401 (Unauthorized)"},
		{"access key, no JSON", accessKey, 200, `<html>`, "not with a JSON object"},
		{"access key, no token", accessKey, 200, `{"token":"x"}`, `without "access_token"`},
		{"access key, too much", accessKey, 200, strings.Repeat(" ", 1<<20+1), "larger than"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			i.answer = func(int) (int, string) { return test.status, test.body }
			c := i.client(t, &watch{}, test.connection)
			reply := c.Do(t.Context(), post("/x"))
			want := wire.Unauthorized
			if test.status >= 500 {
				want = wire.Unreachable // nothing is said against the credential
			}
			if reply.Failure != want || !strings.Contains(reply.Message, test.want) {
				t.Errorf("Do = %+v, want %s: …%s…", reply, want, test.want)
			}
			if strings.Contains(reply.Message, "s3cret-pass") || i.calls.count() != 0 {
				t.Errorf("the message is %q, %d calls were sent", reply.Message, i.calls.count())
			}
		})
	}
}

func TestTokenRequestIsNotRedirected(t *testing.T) {
	t.Parallel()
	thief := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the secrets went along") })
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
	})
	for _, connection := range []outbound.Connection{
		password(),
		{Type: "access-key", Secrets: map[string]string{"accessKeyId": "env:KEY", "accessKeySecret": "env:ACCESS"}, Settings: map[string]any{}},
	} {
		connection.BaseURL, connection.Private, connection.Hosts = server.URL, true, []string{host(thief.URL)}
		connection.Settings["tokenURL"] = server.URL
		reply := connect(t, connection).Do(t.Context(), post("/x"))
		if reply.Failure != wire.Unauthorized || !strings.Contains(reply.Message, "answered 307") {
			t.Errorf("%s: %+v, want unauthorized", connection.Type, reply)
		}
	}
}

func TestTokenEndpointIsHeldAgainstTheAddressRules(t *testing.T) {
	t.Parallel()
	c := connect(t, outbound.Connection{
		Type: "access-key", Secrets: map[string]string{"accessKeyId": "env:KEY", "accessKeySecret": "env:ACCESS"},
		Hosts: []string{"vendor.example.com"}, Settings: map[string]any{"tokenURL": "https://127.0.0.1:1/token"},
	})
	reply := c.Do(t.Context(), get("https://vendor.example.com/"))
	if reply.Failure != wire.Refused || !strings.Contains(reply.Message, "127.0.0.1 is a loopback address") {
		t.Errorf("Do = %+v, want refused", reply)
	}
}

func TestTokenEndpointIsNoHostForCalls(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	other := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("called") })
	connection := password()
	connection.Settings["tokenURL"] = other.URL + "/token"
	c := i.client(t, &watch{}, connection)
	if reply := c.Do(t.Context(), get(other.URL+"/token")); reply.Failure != wire.Refused {
		t.Errorf("Do = %+v, want refused: the endpoint's host is not listed", reply)
	}
}

// A token that no header can carry is refused when it comes, not kept to spoil
// every call.
func TestTokenThatNoHeaderCarriesIsRefused(t *testing.T) {
	t.Parallel()
	accessKey := outbound.Connection{Type: "access-key", Secrets: map[string]string{"accessKeyId": "env:KEY", "accessKeySecret": "env:ACCESS"}}
	for kind, connection := range map[string]outbound.Connection{"form": password(), "JSON": accessKey} {
		for token, want := range map[string]string{
			"two\r\nlines":              "a control character",
			"a blank":                   "a blank",
			"é":                         "outside of ASCII",
			strings.Repeat("x", 20_000): "20000 bytes, more than 16384",
		} {
			i := newIssuer(t)
			i.answer = func(int) (int, string) {
				body, _ := json.Marshal(map[string]any{"access_token": token, "token_type": "bearer"})
				return 200, string(body)
			}
			reply := i.client(t, &watch{}, connection).Do(t.Context(), post("/x"))
			if reply.Failure != wire.Unauthorized || !strings.Contains(reply.Message, want) || i.calls.count() != 0 {
				t.Errorf("%s, token %.20q: Do = %+v after %d calls, want one that says %q", kind, token, reply, i.calls.count(), want)
			}
		}
	}
}

// A credential that was refused is not offered again with every call.
func TestTokenRefusedIsHeldBack(t *testing.T) {
	t.Parallel()
	i, clk := newIssuer(t), &watch{now: time.Unix(1e9, 0)}
	i.answer = func(int) (int, string) { return 401, `{"error":"invalid_client"}` }
	c := i.client(t, clk, password())
	call := func(wantAsked int, want string) {
		t.Helper()
		reply := c.Do(t.Context(), post("/x"))
		if reply.Failure != wire.Unauthorized || !strings.Contains(reply.Message, want) || i.tokens.count() != wantAsked {
			t.Errorf("Do = %+v after %d requests for tokens, want %q after %d", reply, i.tokens.count(), want, wantAsked)
		}
	}
	call(1, "answered 401 (invalid_client)")
	call(1, "answered 401 (invalid_client); it is not asked again for 1s")
	clk.pass(time.Second)
	call(2, "answered 401 (invalid_client)")
	clk.pass(1500 * time.Millisecond)
	call(2, "not asked again for 500ms")
	for n := 3; n < 12; n++ {
		clk.pass(time.Minute) // the longest that it is held back
		call(n, "answered 401")
	}
	i.answer = nil
	clk.pass(time.Minute)
	if reply := c.Do(t.Context(), post("/x")); reply.Status != 200 {
		t.Errorf("Do = %+v once the credential is taken", reply)
	}
}

// The same for a vendor that gives tokens and then refuses them.
func TestTokenRefusedByTheVendorIsHeldBack(t *testing.T) {
	t.Parallel()
	i, clk := newIssuer(t), &watch{now: time.Unix(1e9, 0)}
	i.rejected.Store(true)
	c := i.client(t, clk, password())
	for n := range 5 {
		if reply := c.Do(t.Context(), post("/x")); reply.Status != 401 || i.tokens.count() != 1 || i.calls.count() != n+1 {
			t.Fatalf("Do = %+v after %d calls and %d tokens, want 401 with the first token", reply, i.calls.count(), i.tokens.count())
		}
	}
	clk.pass(time.Second)
	if c.Do(t.Context(), post("/x")); i.tokens.count() != 2 {
		t.Errorf("%d tokens asked for after a second, want 2", i.tokens.count())
	}
}

// An endpoint that is down has refused nothing: it is asked with the next call.
func TestTokenEndpointDownIsNotHeldBack(t *testing.T) {
	t.Parallel()
	i, clk := newIssuer(t), &watch{now: time.Unix(1e9, 0)}
	i.answer = func(int) (int, string) { return 503, "" }
	c := i.client(t, clk, password())
	c.Do(t.Context(), post("/x"))
	i.answer = nil
	if reply := c.Do(t.Context(), post("/x")); reply.Status != 401 && reply.Status != 200 || i.tokens.count() != 2 {
		t.Errorf("Do = %+v after %d requests for tokens, want 2", reply, i.tokens.count())
	}
}
