package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/webhook"
)

// doors is a webhook for each way to prove who calls, and an open one; they
// answer with all that a flow can know.
func doors(t *testing.T) *catalog.Set {
	t.Helper()
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var files []string
	for _, verify := range []string{"keyed", "paired", "borne", "signed", ""} {
		name := verify
		if verify == "" {
			name = "open"
		} else {
			verify = ", verify: " + verify
		}
		src := "flow: " + name + "\nnodes:\n" +
			"  n1: { type: webhook, with: { path: /" + name + verify + " }, next: n2 }\n" +
			"  n2: { type: respond, with: { body: $(n1) } }\n"
		files = append(files, write(t, dir, name+".yaml", src))
	}
	set, mistakes := catalog.Load(files, flow.Config{Types: types})
	if err := mistakes.Err(); err != nil {
		t.Fatal(err)
	}
	return set
}

func doorkeeper(t *testing.T) *outbound.Client {
	t.Helper()
	env := map[string]string{"KEY": "key-77aa01-shown-nowhere", "PASSWORD": "password-shown-nowhere", "TOKEN": "token-shown-nowhere"}
	client, err := outbound.New(outbound.Config{
		Connections: []outbound.Connection{
			{Name: "keyed", Type: "api-key", Secrets: map[string]string{"key": "env:KEY"}, Settings: map[string]any{"header": "X-Shop"}},
			{Name: "paired", Type: "basic", Secrets: map[string]string{"password": "env:PASSWORD"}, Settings: map[string]any{"username": "shop"}},
			{Name: "borne", Type: "bearer", Secrets: map[string]string{"token": "env:TOKEN"}},
			{Name: "signed", Type: "hmac", Secrets: map[string]string{"key": "env:KEY"}, Settings: map[string]any{"header": "X-Shop-Mac"}},
		},
		Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func sign(key, body string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(body))
	return hex.EncodeToString(mac.Sum(nil))
}

func write(t testing.TB, dir, name, src string) (file string) {
	t.Helper()
	file = filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestProofIsSeenByNobody(t *testing.T) {
	t.Parallel()
	set := doors(t)
	s := serve(t, webhook.Config{
		Flows: func() *catalog.Set { return set }, Verifier: doorkeeper(t), Engine: engine.New(engine.Config{Caller: vendor{}}),
	}, nil)
	for path, prove := range map[string]func(*http.Request){
		"/hooks/keyed":  func(r *http.Request) { r.Header.Set("X-Shop", "key-77aa01-shown-nowhere") },
		"/hooks/paired": func(r *http.Request) { r.SetBasicAuth("shop", "password-shown-nowhere") },
		"/hooks/borne":  func(r *http.Request) { r.Header.Set("Authorization", "Bearer token-shown-nowhere") },
		"/hooks/signed": func(r *http.Request) { r.Header.Set("X-Shop-Mac", sign("key-77aa01-shown-nowhere", "{}")) },
	} {
		w := post(s, path, prove, func(r *http.Request) { r.Header.Set("X-Other", "seen") })
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"x_other":"seen"`) {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
		for _, hidden := range []string{"shown-nowhere", "x_shop", "authorization", sign("key-77aa01-shown-nowhere", "{}")} {
			if strings.Contains(w.Body.String(), hidden) {
				t.Errorf("%s: the flow sees %q: %s", path, hidden, w.Body)
			}
		}
	}
}

// Whoever proves nothing learns nothing: not which paths there are, nor what a
// webhook reads. The log has it all.
func TestRefusedAlike(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	set := doors(t)
	s := serve(t, webhook.Config{
		Flows: func() *catalog.Set { return set }, Verifier: doorkeeper(t), Clock: atNow,
		Observers: fact.Observe(fact.Log(slog.New(slog.NewTextHandler(&log, nil)), atNow)),
	}, vendor{})
	get := func(r *http.Request) { r.Method = http.MethodGet }
	odd := func(r *http.Request) { r.Method = "BREW" }
	html := func(r *http.Request) { r.Header.Set("Content-Type", "text/html") }
	wrong := func(r *http.Request) {
		r.Header.Set("X-Shop", "guessed")
		r.Header.Set("X-Shop-Mac", "00")
		r.SetBasicAuth("shop", "guessed")
	}
	twice := func(r *http.Request) { r.Header.Add("X-Shop", "a"); r.Header.Add("X-Shop", "b") }
	want := post(s, "/hooks/nobody")
	diff(t, http.StatusUnauthorized, want.Code)
	diff(t, []string{`ApiKey realm="hooks"`, `Basic realm="hooks"`, `Bearer realm="hooks"`, `Signature realm="hooks"`}, want.Header()["Www-Authenticate"])
	for _, path := range []string{"/hooks/keyed", "/hooks/paired", "/hooks/borne", "/hooks/signed", "/hooks/keye", "/hooks/"} {
		for i, change := range []func(*http.Request){func(*http.Request) {}, get, html, wrong, twice, odd} {
			other := func(r *http.Request) { r.RemoteAddr = "192.0.2." + string(rune('1'+i)) + ":4711" }
			got := post(s, path, change, other)
			diff(t, want.Code, got.Code)
			diff(t, want.Header(), got.Header())
			diff(t, want.Body.String(), got.Body.String())
		}
	}
	diff(t, http.StatusOK, post(s, "/hooks/open").Code)
	for _, line := range []string{
		`path=/hooks/nobody caller=192.0.2.1 status=401 error="no webhook has this path"`,
		`path=/hooks/signed caller=192.0.2.2 flow=signed node=n1 status=401 error="expected POST, not GET; verify by connection \"signed\": header \"X-Shop-Mac\" with the signature is missing"`,
		`path=/hooks/keyed caller=192.0.2.4 flow=keyed node=n1 status=401 error="verify by connection \"keyed\": header \"X-Shop\": not the credential that was expected"`,
	} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("the log has no line with %s", line)
		}
	}
}

// Who proves who they are is told which methods there are.
func TestMethodOfAVerifiedCaller(t *testing.T) {
	t.Parallel()
	set := doors(t)
	s := serve(t, webhook.Config{Flows: func() *catalog.Set { return set }, Verifier: doorkeeper(t)}, vendor{})
	w := post(s, "/hooks/keyed", func(r *http.Request) {
		r.Method = http.MethodPut
		r.Header.Set("X-Shop", "key-77aa01-shown-nowhere")
	})
	diff(t, http.StatusMethodNotAllowed, w.Code)
	diff(t, "POST", w.Header().Get("Allow"))
}

// Requests without proof, as many as they are, take nothing from those who have
// it.
func TestFloodDoesNotStarveTheVerified(t *testing.T) {
	t.Parallel()
	at := now
	set := doors(t)
	s := serve(t, webhook.Config{
		Flows: func() *catalog.Set { return set }, Verifier: doorkeeper(t), Clock: clock.Told(func() time.Time { return at }),
		Engine: engine.New(engine.Config{Caller: vendor{}}), Rate: 1, Burst: 1,
	}, nil)
	codes := map[int]int{}
	var last *httptest.ResponseRecorder
	for range 100 {
		last = post(s, "/hooks/keyed")
		codes[last.Code]++
	}
	diff(t, map[int]int{http.StatusUnauthorized: 20, http.StatusTooManyRequests: 80}, codes)
	diff(t, "1", last.Header().Get("Retry-After"))
	diff(t, `{"title":"Too Many Requests","status":429,"detail":"more than 10 refused requests a second"}`+"\n", last.Body.String())
	proven := func(r *http.Request) { r.Header.Set("X-Shop", "key-77aa01-shown-nowhere") }
	diff(t, http.StatusOK, post(s, "/hooks/keyed", proven).Code)
	diff(t, http.StatusTooManyRequests, post(s, "/hooks/keyed", proven).Code) // its own limit
	elsewhere := func(r *http.Request) { r.RemoteAddr = "[2001:db8::7]:1" }
	diff(t, http.StatusUnauthorized, post(s, "/hooks/keyed", elsewhere).Code)
}

// Where no webhook checks callers there is nothing to hide but the neighbours.
func TestUnknownPathOfOpenHooks(t *testing.T) {
	t.Parallel()
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	file := write(t, t.TempDir(), "f.yaml", "flow: f\nnodes: { n1: { type: webhook, with: { path: /sms/ended } } }\n")
	set, mistakes := catalog.Load([]string{file}, flow.Config{Types: types})
	if err := mistakes.Err(); err != nil {
		t.Fatal(err)
	}
	s := serve(t, webhook.Config{Flows: func() *catalog.Set { return set }}, vendor{})
	w := post(s, "/hooks/sms/endet")
	diff(t, http.StatusNotFound, w.Code)
	diff(t, `{"title":"Not Found","status":404,"detail":"no webhook at \"/hooks/sms/endet\""}`+"\n", w.Body.String())
}

// Only what a webhook says of pages lets one of another site through.
func TestTakesPage(t *testing.T) {
	t.Parallel()
	set := flows(t)
	h := webhook.New(webhook.Config{Flows: func() *catalog.Set { return set }})
	for _, test := range []struct {
		method, path, origin, asks string
		want                       bool
	}{
		{"POST", "/hooks/page", "https://shop.example.com", "", true},
		{"OPTIONS", "/hooks/page", "https://shop.example.com", "PUT", true},
		{"OPTIONS", "/hooks/page", "https://shop.example.com", "DELETE", false},
		{"OPTIONS", "/hooks/page", "https://shop.example.com", "", false},
		{"GET", "/hooks/page", "https://shop.example.com", "", false},
		{"POST", "/hooks/page", "https://shop.example.com.evil.example", "", false},
		{"POST", "/hooks/page", "http://shop.example.com", "", false},
		{"POST", "/hooks/page", "null", "", false},
		{"POST", "/hooks/page", "", "", false},
		{"GET", "/hooks/page/open", "https://any.example.com", "", true},
		{"POST", "/hooks/echo", "https://shop.example.com", "", false},
		{"POST", "/api/v1/runs", "https://shop.example.com", "", false},
		{"POST", "/page", "https://shop.example.com", "", false},
	} {
		r := httptest.NewRequest(test.method, test.path, nil)
		r.Header.Set("Origin", test.origin)
		r.Header.Set("Access-Control-Request-Method", test.asks)
		if got := h.TakesPage(r); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}
