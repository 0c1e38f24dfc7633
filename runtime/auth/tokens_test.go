package auth_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/auth"
)

var now = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

func create(t *testing.T, tokens *auth.Tokens, one auth.Token) string {
	t.Helper()
	text, err := tokens.Create(one)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func quiet(dir string) *auth.Tokens { return auth.NewTokens(dir, slog.New(slog.DiscardHandler)) }

// guarded asks a server with a guard as one who bears a header.
func guarded(t *testing.T, g *auth.Guard, scope auth.Scope, header string) (status int, challenge string) {
	t.Helper()
	w := ask(t, g.For(scope), func(r *http.Request) {
		if header != "" {
			r.Header.Set("Authorization", header)
		}
	})
	return w.Code, w.Header().Get("WWW-Authenticate")
}

// TestGuard asks with each kind of token for each scope.
func TestGuard(t *testing.T) {
	t.Parallel()
	const given = "0123456789abcdef"
	tokens := quiet(t.TempDir())
	reader := create(t, tokens, auth.Token{Name: "reader", Scopes: []auth.Scope{auth.Read}})
	both := create(t, tokens, auth.Token{Name: "both", Scopes: []auth.Scope{auth.Run, auth.Operate}})
	admin := create(t, tokens, auth.Token{Name: "admin", Scopes: []auth.Scope{auth.Admin}})
	fresh := create(t, tokens, auth.Token{Name: "fresh", Scopes: []auth.Scope{auth.Read}, Expires: now.Add(time.Second)})
	over := create(t, tokens, auth.Token{Name: "over", Scopes: []auth.Scope{auth.Read}, Expires: now})
	guard := auth.NewGuard(given, tokens, func() time.Time { return now })
	if guard.Open() {
		t.Error("it is open")
	}
	for _, test := range []struct {
		header             string
		read, run, operate int
		challenge          string // for read
	}{
		{"Bearer " + given, 204, 204, 204, ""},
		{"bearer  " + given + " ", 204, 204, 204, ""},
		{"Bearer " + reader, 204, 403, 403, ""},
		{"Bearer " + both, 403, 204, 204, `Bearer realm="wend", error="insufficient_scope", scope="read"`},
		{"Bearer " + admin, 204, 204, 204, ""},
		{"Bearer " + fresh, 204, 403, 403, ""},
		{"Bearer " + over, 401, 401, 401, `Bearer realm="wend", error="invalid_token"`},
		{"", 401, 401, 401, `Bearer realm="wend"`},
		{"Bearer", 401, 401, 401, `Bearer realm="wend"`},
		{"Bearer ", 401, 401, 401, `Bearer realm="wend"`},
		{"Basic " + given, 401, 401, 401, `Bearer realm="wend"`},
		{"Basic " + admin, 401, 401, 401, `Bearer realm="wend"`},
		{given, 401, 401, 401, `Bearer realm="wend"`},
		{"Bearer " + given + "0", 401, 401, 401, `Bearer realm="wend"`},
		{"Bearer " + admin[:len(admin)-1], 401, 401, 401, `Bearer realm="wend"`},
		{"Bearer " + strings.ToUpper(admin), 401, 401, 401, `Bearer realm="wend"`},
	} {
		for scope, want := range map[auth.Scope]int{auth.Read: test.read, auth.Run: test.run, auth.Operate: test.operate} {
			got, challenge := guarded(t, guard, scope, test.header)
			if got != want || scope == auth.Read && challenge != test.challenge {
				t.Errorf("%q for %s: %d %s, want %d %s", test.header, scope, got, challenge, want, test.challenge)
			}
		}
	}
}

// TestOpen holds when no token is demanded: while there never was one.
func TestOpen(t *testing.T) {
	t.Parallel()
	clock := func() time.Time { return now }
	if g := auth.NewGuard("", nil, clock); !g.Open() {
		t.Error("without tokens it is not open")
	}
	dir := t.TempDir()
	guard := auth.NewGuard("", quiet(dir), clock)
	if status, _ := guarded(t, guard, auth.Operate, ""); !guard.Open() || status != 204 {
		t.Errorf("without a file: %d, open %t", status, guard.Open())
	}
	cli := quiet(dir) // another process
	text := create(t, cli, auth.Token{Name: "a", Scopes: []auth.Scope{auth.Operate}})
	if status, _ := guarded(t, guard, auth.Operate, ""); guard.Open() || status != 401 {
		t.Errorf("with a token on file: %d, open %t", status, guard.Open())
	}
	if status, _ := guarded(t, guard, auth.Operate, "Bearer "+text); status != 204 {
		t.Errorf("with the token: %d", status)
	}
	if err := cli.Revoke("a"); err != nil {
		t.Fatal(err)
	}
	if status, _ := guarded(t, guard, auth.Operate, "Bearer "+text); guard.Open() || status != 401 {
		t.Errorf("revoked: %d, open %t", status, guard.Open())
	}
	if err := os.Remove(filepath.Join(dir, auth.TokensFile)); err != nil {
		t.Fatal(err)
	}
	if status, _ := guarded(t, guard, auth.Operate, ""); guard.Open() || status == 204 {
		t.Errorf("the file is gone: %d, open %t", status, guard.Open())
	}
}

// TestTokensOnDisk holds what is in the file: no token, and nothing for others.
func TestTokensOnDisk(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	tokens := quiet(dir)
	text := create(t, tokens, auth.Token{Name: "ci", Scopes: []auth.Scope{auth.Run}, Flows: []string{"order"}, Created: now, Expires: now.Add(time.Hour)})
	if !strings.HasPrefix(text, "wend_") || len(text) != len("wend_")+43 || auth.CheckToken(text) != nil {
		t.Errorf("token %q", text)
	}
	file := filepath.Join(dir, auth.TokensFile)
	raw, err := os.ReadFile(file)
	if err != nil || bytes.Contains(raw, []byte(text)) || bytes.Contains(raw, []byte("wend_")) {
		t.Errorf("%v, or the token is in the file: %s", err, raw)
	}
	for path, want := range map[string]os.FileMode{file: 0o600, dir: os.ModeDir | 0o700} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v %v, want %v", path, info.Mode(), err, want)
		}
	}
	list, made, err := quiet(dir).List()
	if err != nil || !made || len(list) != 1 || list[0].Name != "ci" || !list[0].Expires.Equal(now.Add(time.Hour)) {
		t.Errorf("%+v %t %v", list, made, err)
	}
	if _, err := tokens.Create(auth.Token{Name: "ci", Scopes: []auth.Scope{auth.Run}}); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a second of the name: %v", err)
	}
	if err := quiet(filepath.Join(t.TempDir(), "nowhere")).Revoke("cd"); !errors.Is(err, auth.ErrNoToken) {
		t.Errorf("revoke where no token was made: %v", err)
	}
	if err := tokens.Revoke("cd"); !errors.Is(err, auth.ErrNoToken) {
		t.Errorf("revoke another: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("it leaves files: %v %v", entries, err)
	}
	// Another process is at work, or was when it was killed.
	if err := os.WriteFile(file+".new", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := tokens.Revoke("ci"); err == nil || !strings.Contains(err.Error(), "being changed by another process") {
		t.Errorf("while another changes them: %v", err)
	}
}

// TestChangesSideBySide makes tokens from several processes, none of which is
// lost.
func TestChangesSideBySide(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var group sync.WaitGroup
	for _, name := range []string{"a", "b", "c", "d"} {
		group.Go(func() {
			for {
				_, err := quiet(dir).Create(auth.Token{Name: name, Scopes: []auth.Scope{auth.Read}})
				if err == nil {
					return
				}
				if !strings.Contains(err.Error(), "being changed") {
					t.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	if list, _, err := quiet(dir).List(); err != nil || len(list) != 4 {
		t.Errorf("%d tokens, %v", len(list), err)
	}
}

// TestDamaged holds that a file which says something else lets nobody in, but by
// server.token, and that the log says so once.
func TestDamaged(t *testing.T) {
	t.Parallel()
	const hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	one := func(change string) string {
		return `{"version":1,"tokens":[` + strings.Replace(`{"name":"a","sha256":"`+hash+`","scopes":["read"],"created":"2026-11-20T08:00:00Z"}`, `"scopes"`, change, 1) + `]}`
	}
	for name, test := range map[string]struct{ content, want string }{
		"no JSON":           {"{", "unexpected EOF"},
		"empty":             {"", "EOF"},
		"more than one":     {`{"version":1,"tokens":[]}{}`, "there is more"},
		"of a newer Wend":   {`{"version":2,"tokens":[]}`, "version 2: expected 1"},
		"an unknown key":    {one(`"limit":1,"scopes"`), `unknown field "limit"`},
		"another scope":     {`{"version":1,"tokens":[{"name":"a","sha256":"` + hash + `","scopes":["write"]}]}`, `no scope "write"`},
		"no scope":          {`{"version":1,"tokens":[{"name":"a","sha256":"` + hash + `"}]}`, "good for nothing"},
		"no hash":           {`{"version":1,"tokens":[{"name":"a","sha256":"","scopes":["read"]}]}`, "expected its SHA-256"},
		"a name twice":      {`{"version":1,"tokens":[{"name":"a","sha256":"` + hash + `","scopes":["read"]},{"name":"a","sha256":"` + hash + `","scopes":["read"]}]}`, "is there twice"},
		"an admin of flows": {`{"version":1,"tokens":[{"name":"a","sha256":"` + hash + `","scopes":["admin"],"flows":["x"]}]}`, "is for all flows"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, auth.TokensFile), []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			tokens := auth.NewTokens(dir, slog.New(slog.NewTextHandler(&log, nil)))
			guard := auth.NewGuard("0123456789abcdef", tokens, func() time.Time { return now })
			first, _ := guarded(t, guard, auth.Read, "Bearer wend_x")
			guarded(t, guard, auth.Read, "Bearer wend_x")
			if first != 503 || strings.Count(log.String(), "\n") != 1 || !strings.Contains(strings.ReplaceAll(log.String(), `\"`, `"`), test.want) {
				t.Errorf("%d, want 503; log %s, want %s once", first, log.String(), test.want)
			}
			if status, _ := guarded(t, guard, auth.Operate, "Bearer 0123456789abcdef"); status != 204 {
				t.Errorf("server.token: %d", status)
			}
			if status, _ := guarded(t, guard, auth.Read, ""); status != 401 {
				t.Errorf("no token: %d", status)
			}
		})
	}
}

// TestTold holds that the log of a server has what others change in the file.
func TestTold(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cli := quiet(dir)
	create(t, cli, auth.Token{Name: "a", Scopes: []auth.Scope{auth.Read}})
	var log bytes.Buffer
	server := auth.NewTokens(dir, slog.New(slog.NewJSONHandler(&log, nil)))
	look := func() {
		if _, _, err := server.List(); err != nil {
			t.Fatal(err)
		}
	}
	look()
	create(t, cli, auth.Token{Name: "b", Scopes: []auth.Scope{auth.Run}, Flows: []string{"order"}})
	look()
	if err := cli.Revoke("a"); err != nil {
		t.Fatal(err)
	}
	look()
	look()
	var got []string
	for line := range strings.Lines(log.String()) {
		var one struct{ Msg, Action, Token string }
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err)
		}
		got = append(got, one.Msg+" "+one.Action+" "+one.Token)
	}
	if want := "audit createToken b,audit revokeToken a"; strings.Join(got, ",") != want {
		t.Errorf("%v, want %s", got, want)
	}
}
