package vault_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/secret"
	"github.com/wendflow/wend/runtime/secret/vault"
)

const canary = "canary-5f2c91e07b"

// standIn is a Vault of one KV engine of version 2 at "secret", with what counts
// of its state.
type standIn struct {
	mu       sync.Mutex
	sealed   bool
	answer   int                         // if not 0, of all requests
	versions map[string][]map[string]any // nil: deleted
	tokens   map[string]time.Duration    // that are good, and their leases
	logins   map[string]func(v any) bool // by mount
	asked    []string                    // method and path
	headers  http.Header                 // of the last request
	redirect string
}

func (v *standIn) set(change func(v *standIn)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change(v)
}

func (v *standIn) count(what string) (n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, a := range v.asked {
		if a == what {
			n++
		}
	}
	return n
}

func (v *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked = append(v.asked, r.Method+" "+r.URL.Path)
	v.headers = r.Header
	refuse := func(status int, msg string) {
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"errors":[%q]}`, msg+" "+canary)
	}
	switch {
	case v.redirect != "":
		http.Redirect(w, r, v.redirect, http.StatusTemporaryRedirect)
		return
	case v.answer != 0:
		refuse(v.answer, "told to")
		return
	case v.sealed:
		refuse(503, "Vault is sealed")
		return
	case r.Header.Get("X-Vault-Request") != "true":
		refuse(400, "missing X-Vault-Request")
		return
	}
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	if mount, ok := strings.CutPrefix(path, "auth/"); ok && strings.HasSuffix(mount, "/login") {
		v.login(w, r, strings.TrimSuffix(mount, "/login"), refuse)
		return
	}
	lease, good := v.tokens[r.Header.Get("X-Vault-Token")]
	switch name, isData := strings.CutPrefix(path, "secret/data/"); {
	case !good:
		refuse(403, "permission denied")
	case path == "auth/token/renew-self":
		fmt.Fprintf(w, `{"auth":{"client_token":%q,"lease_duration":%d,"renewable":%t}}`, r.Header.Get("X-Vault-Token"), int(lease.Seconds()), lease > 0)
	case isData:
		v.read(w, name, refuse)
	default:
		refuse(404, "no handler")
	}
}

func (v *standIn) login(w http.ResponseWriter, r *http.Request, mount string, refuse func(int, string)) {
	var proof map[string]any
	if err := json.NewDecoder(r.Body).Decode(&proof); err != nil || v.logins[mount] == nil || !v.logins[mount](proof) {
		refuse(400, "invalid role or secret ID")
		return
	}
	token := "login-" + strconv.Itoa(len(v.asked))
	v.tokens[token] = time.Hour
	fmt.Fprintf(w, `{"auth":{"client_token":%q,"lease_duration":3600,"renewable":true}}`, token)
}

func (v *standIn) read(w http.ResponseWriter, name string, refuse func(int, string)) {
	versions := v.versions[name]
	if len(versions) == 0 || versions[len(versions)-1] == nil {
		refuse(404, "")
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{
		"data": versions[len(versions)-1], "metadata": map[string]any{"version": len(versions)},
	}})
}

// ahead is a clock that goes on when the test says so.
type ahead struct {
	clock.Clock
	mu sync.Mutex
	by time.Duration
}

func (a *ahead) Now() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return time.Unix(1_800_000_000, 0).Add(a.by)
}

func (a *ahead) pass(d time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.by += d
}

type bundle struct {
	*vault.Store
	vault *standIn
	clock *ahead
	log   *bytes.Buffer
}

func setUp(t *testing.T, cfg vault.Config) bundle {
	t.Helper()
	v := &standIn{
		versions: map[string][]map[string]any{"crm": {{"token": "t-1", "port": 5432, "empty": ""}}},
		tokens:   map[string]time.Duration{"root": 0}, logins: map[string]func(any) bool{},
	}
	server := httptest.NewTLSServer(v)
	t.Cleanup(server.Close)
	cfg.Address = server.URL
	b := bundle{vault: v, clock: &ahead{Clock: clock.System}, log: &bytes.Buffer{}}
	env := func(name string) (string, bool) {
		text, ok := map[string]string{"VAULT_TOKEN": "root", "WRONG": "wrong", "SECRET_ID": "sid-1"}[name]
		return text, ok
	}
	b.Store = vault.New(cfg, server.Client().Transport, env, b.clock, slog.New(slog.NewTextHandler(b.log, nil)))
	return b
}

// read wants a text, or an error with that in it that shows nothing of a secret.
func (b bundle) read(t *testing.T, entry, want, wrong string) {
	t.Helper()
	e, err := secret.ParseEntry(entry)
	if err != nil {
		t.Fatal(err)
	}
	got, err := b.Read(e)
	if string(got) != want || (err != nil) != (wrong != "") || err != nil && !strings.Contains(err.Error(), wrong) {
		t.Errorf("Read(%s) = %q, %v, want %q, %q", entry, string(got), err, want, wrong)
	}
	if err != nil && (strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), "root")) {
		t.Errorf("Read(%s): the error shows what Vault said, or our token: %v", entry, err)
	}
}

const (
	entry = "secret/data/crm#token"
	asked = "GET /v1/secret/data/crm"
)

// TestRead: an entry is asked for once, in its newest version, and anew after
// Forget.
func TestRead(t *testing.T) {
	t.Parallel()
	b := setUp(t, vault.Config{Token: "env:VAULT_TOKEN", Namespace: "team-a"})
	for range 3 {
		b.read(t, entry, "t-1", "")
	}
	b.read(t, "secret/data/crm#empty", "", "")
	b.read(t, "secret/data/crm#tokn", "", `"secret/data/crm" has no "tokn": expected one of ["empty" "port" "token"]`)
	b.read(t, "secret/data/crm#port", "", `"port" of "secret/data/crm" is no text`)
	if n := b.vault.count(asked); n != 1 {
		t.Errorf("Vault was asked %d times, want once", n)
	}
	if got := b.vault.headers; got.Get("X-Vault-Namespace") != "team-a" || got.Get("X-Vault-Token") != "root" {
		t.Errorf("Vault got %v", got)
	}
	b.vault.set(func(v *standIn) { v.versions["crm"] = append(v.versions["crm"], map[string]any{"token": "t-2"}) })
	b.read(t, entry, "t-1", "")
	b.Forget()
	b.read(t, entry, "t-2", "")
	b.vault.set(func(v *standIn) { v.versions["crm"] = append(v.versions["crm"], nil) })
	b.Forget()
	b.read(t, entry, "", `nothing at "secret/data/crm", or its newest version was deleted`)
}

// TestFailures: what Vault answers is said in our words, and it is not asked again
// with every call.
func TestFailures(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(v *standIn)
		want   string
		all    bool // other paths are not asked for either
	}{
		"sealed":          {func(v *standIn) { v.sealed = true }, "answered 503: it is sealed, or in maintenance", true},
		"busy":            {func(v *standIn) { v.answer = 429 }, "answered 429", true},
		"broken":          {func(v *standIn) { v.answer = 500 }, "answered 500", true},
		"a standby":       {func(v *standIn) { v.answer = 473 }, "answered 473", true},
		"another node":    {func(v *standIn) { v.redirect = "/v1/elsewhere" }, "answered 307, and our token is not sent elsewhere", true},
		"a revoked token": {func(v *standIn) { delete(v.tokens, "root") }, `403 to the reading of "secret/data/crm"`, false},
		"nothing there":   {func(v *standIn) { delete(v.versions, "crm") }, `nothing at "secret/data/crm"`, false},
		"odd":             {func(v *standIn) { v.answer = 418 }, "answered 418", false},
		"not of KV 2":     {func(v *standIn) { v.answer = 200 }, "expected a KV engine of version 2", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setUp(t, vault.Config{Token: "env:VAULT_TOKEN"})
			b.vault.set(test.change)
			for range 3 {
				b.read(t, entry, "", test.want)
			}
			if n := b.vault.count(asked); n != 1 {
				t.Errorf("Vault was asked %d times at once, want once", n)
			}
			other, _ := secret.ParseEntry("secret/data/other#a")
			_, _ = b.Read(other)
			if n := b.vault.count("GET /v1/secret/data/other"); (n == 0) != test.all {
				t.Errorf("another path was asked for %d times", n)
			}
			b.vault.set(func(v *standIn) {
				v.sealed, v.answer, v.redirect = false, 0, ""
				v.tokens["root"], v.versions["crm"] = 0, []map[string]any{{"token": "t-3"}}
			})
			b.read(t, entry, "", test.want)
			b.clock.pass(time.Second)
			b.read(t, entry, "t-3", "") // it is there again
		})
	}
}

// TestHolds: it is asked again after a second, two, four, up to a minute.
func TestHolds(t *testing.T) {
	t.Parallel()
	b := setUp(t, vault.Config{Token: "env:VAULT_TOKEN"})
	b.vault.set(func(v *standIn) { v.sealed = true })
	want := 0
	for _, seconds := range []int{0, 1, 2, 4, 8, 16, 32, 60, 60} {
		wait := time.Duration(seconds) * time.Second
		if wait > 0 {
			b.clock.pass(wait - 1)
			b.read(t, entry, "", "sealed")
			if n := b.vault.count(asked); n != want {
				t.Fatalf("asked %d times before %s, want %d", n, wait, want)
			}
			b.clock.pass(1)
		}
		b.read(t, entry, "", "sealed")
		if want++; b.vault.count(asked) != want {
			t.Fatalf("asked %d times after %s, want %d", b.vault.count(asked), wait, want)
		}
	}
	b.Forget()
	b.vault.set(func(v *standIn) { v.sealed = false })
	b.read(t, entry, "t-1", "")
}

// TestAway: a Vault that is not there is said to be so.
func TestAway(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	s := vault.New(vault.Config{Address: server.URL + "/", Token: "env:T"}, http.DefaultTransport, func(string) (string, bool) { return canary, true }, clock.System, slog.New(slog.DiscardHandler))
	e, _ := secret.ParseEntry(entry)
	_, err := s.Read(e)
	if err == nil || !strings.Contains(err.Error(), "vault at "+server.URL+" cannot be asked: ") || strings.Contains(err.Error(), canary) {
		t.Errorf("Read: %v", err)
	}
}

// TestLogins: a login gives a token, which is used until it lapses, or is not
// good any more.
func TestLogins(t *testing.T) {
	t.Parallel()
	jwt := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(jwt, []byte("jwt-1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		cfg   vault.Config
		mount string
		want  map[string]any
	}{
		"appRole":       {vault.Config{AppRole: vault.AppRole{RoleID: "wend", SecretID: "env:SECRET_ID"}}, "approle", map[string]any{"role_id": "wend", "secret_id": "sid-1"}},
		"appRole at":    {vault.Config{AppRole: vault.AppRole{RoleID: "wend", SecretID: "env:SECRET_ID", Mount: "roles"}}, "roles", map[string]any{"role_id": "wend", "secret_id": "sid-1"}},
		"kubernetes":    {vault.Config{Kubernetes: vault.Kubernetes{Role: "wend", TokenFile: jwt}}, "kubernetes", map[string]any{"role": "wend", "jwt": "jwt-1"}},
		"kubernetes at": {vault.Config{Kubernetes: vault.Kubernetes{Role: "wend", TokenFile: jwt, Mount: "k8s/eu"}}, "k8s/eu", map[string]any{"role": "wend", "jwt": "jwt-1"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setUp(t, test.cfg)
			good := true
			b.vault.set(func(v *standIn) {
				v.versions["other"] = []map[string]any{{"a": "b"}}
				v.logins[test.mount] = func(proof any) bool { return good && fmt.Sprint(proof) == fmt.Sprint(test.want) }
			})
			login := "POST /v1/auth/" + test.mount + "/login"
			logins := func(want int) {
				t.Helper()
				if n := b.vault.count(login); n != want {
					t.Errorf("%d logins, want %d", n, want)
				}
			}
			b.read(t, entry, "t-1", "")
			b.read(t, "secret/data/other#a", "b", "")
			logins(1) // serves both
			b.vault.set(func(v *standIn) { clear(v.tokens); v.versions["third"] = []map[string]any{{"a": "c"}} })
			b.read(t, "secret/data/third#a", "c", "")
			logins(2) // the token was revoked
			b.vault.set(func(v *standIn) { v.versions["fourth"] = []map[string]any{{"a": "d"}} })
			b.clock.pass(55 * time.Minute)
			b.read(t, "secret/data/fourth#a", "d", "")
			logins(3) // nine tenths of its hour are over
			b.vault.set(func(*standIn) { good = false })
			b.Forget()
			b.read(t, entry, "", "answered 400 to our login at auth/"+test.mount)
		})
	}
	b := setUp(t, vault.Config{AppRole: vault.AppRole{RoleID: "wend", SecretID: "env:NONE"}})
	b.read(t, entry, "", `the secret id of our role: environment variable "NONE" is not set`)
	b = setUp(t, vault.Config{Kubernetes: vault.Kubernetes{Role: "wend", TokenFile: jwt + "x"}})
	b.read(t, entry, "", "the token of the pod: ")
}

// TestKeep renews our token when two thirds of its lease are over, and says so
// when that fails.
func TestKeep(t *testing.T) {
	t.Parallel()
	const renewal = "POST /v1/auth/token/renew-self"
	v := clock.NewVirtual(time.Unix(1_800_000_000, 0))
	stand := &standIn{tokens: map[string]time.Duration{"root": 90 * time.Minute}}
	server := httptest.NewServer(stand)
	defer server.Close()
	var log bytes.Buffer
	s := vault.New(vault.Config{Address: server.URL, Token: "env:T"}, http.DefaultTransport, func(string) (string, bool) { return "root", true }, v, slog.New(slog.NewTextHandler(&log, nil)))
	idle := v.Busy()
	ctx, stop := v.WithTimeout(context.Background(), 5*time.Hour, nil)
	defer stop()
	s.Keep(ctx)
	idle()
	if n := stand.count(renewal); n != 5 { // at 0, 1, 2, 3 and 4 h
		t.Errorf("renewed %d times in 5 hours, want 5", n)
	}
	if log.Len() > 0 {
		t.Errorf("the log has %s", &log)
	}
	stand.set(func(v *standIn) { v.sealed = true })
	idle = v.Busy()
	defer idle()
	ctx, stop = v.WithTimeout(context.Background(), 150*time.Second, nil)
	defer stop()
	s.Keep(ctx)
	if n := stand.count(renewal); n != 8 {
		t.Errorf("asked %d times, want 3 more: each minute", n-5)
	}
	if said := log.String(); strings.Count(said, "is not renewed") != 1 || !strings.Contains(said, "sealed") || strings.Contains(said, canary) {
		t.Errorf("the log has %s", said)
	}
}

// FuzzAnswer gives whatever Vault may answer. It is read or refused, and what is
// refused is not shown.
func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`{"data":{"data":{"token":"t"},"metadata":{"version":1}}}`))
	f.Add(200, []byte(`{"data":{"data":null}}`))
	f.Add(200, []byte(`{"auth":{"client_token":"t","lease_duration":1e99}}`))
	f.Add(503, []byte(`{"errors":["Vault is sealed"]}`))
	f.Add(200, []byte(`[`))
	e, err := secret.ParseEntry(entry)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		answers := answering{status, body}
		for _, cfg := range []vault.Config{{Token: "env:T"}, {AppRole: vault.AppRole{RoleID: "r", SecretID: "env:T"}}} {
			cfg.Address = "https://vault.example.com"
			s := vault.New(cfg, answers, func(string) (string, bool) { return canary, true }, clock.System, slog.New(slog.DiscardHandler))
			got, err := s.Read(e)
			if err == nil && !bytes.Contains(body, []byte("token")) && got != "" {
				t.Errorf("%q out of %d %q", string(got), status, body)
			}
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("the error shows our credential: %v", err)
			}
		}
	})
}

type answering struct {
	status int
	body   []byte
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.WriteHeader(max(100, min(a.status, 999)))
	_, _ = w.Write(a.body)
	response := w.Result()
	response.Request = r
	return response, nil
}
