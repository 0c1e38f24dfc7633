package outbound_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/sdk/wire"
)

// TestReload: what a connection was made from counts anew, and one that is as
// it was keeps what it has.
func TestReload(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	secret := filepath.Join(t.TempDir(), "secret")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(secret, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("old-secret-11")
	with := func(one outbound.Connection) []outbound.Connection { return []outbound.Connection{one} }
	vendor := outbound.Connection{
		Name: "c", Type: "oauth2-client-credentials", BaseURL: i.URL, Private: true,
		Secrets:  map[string]string{"clientSecret": "file:" + secret},
		Settings: map[string]any{"clientId": "wend", "tokenURL": i.URL + "/token"},
	}
	c := newClient(t, outbound.Config{Connections: with(vendor), Late: true})
	call := func(want string) {
		t.Helper()
		reply := c.Do(t.Context(), get("/"))
		i.calls.mu.Lock()
		defer i.calls.mu.Unlock()
		if got := i.calls.requests[len(i.calls.requests)-1].Header.Get("Authorization"); reply.Status != 200 || got != want {
			t.Errorf("the API got %q and answered %d, %s, want %q", got, reply.Status, reply.Message, want)
		}
	}
	reload := func(connections []outbound.Connection, wantStale, wantErr string) {
		t.Helper()
		stale, err := c.Reload(connections, nil, 0)
		for _, e := range []struct {
			err  error
			want string
		}{{stale, wantStale}, {err, wantErr}} {
			if (e.err != nil) != (e.want != "") || e.err != nil && !strings.Contains(e.err.Error(), e.want) {
				t.Errorf("Reload: %v, want %q", e.err, e.want)
			}
		}
	}
	bearer := func(n int) string { return fmt.Sprintf("Bearer access-token-%d", n) }

	call(bearer(1))
	reload(with(vendor), "", "") // nothing is new: the token stays
	call(bearer(1))

	write("new-secret-22") // the token of the old one is dropped
	reload(with(vendor), "", "")
	call(bearer(2))
	i.tokens.mu.Lock()
	_, sent, _ := i.tokens.requests[1].BasicAuth()
	i.tokens.mu.Unlock()
	if sent != "new-secret-22" {
		t.Errorf("the token endpoint got %q", sent)
	}

	write("") // the old one serves
	reload(with(vendor), `connection "c": secret "clientSecret": file:`, "")
	call(bearer(2))

	write("new-secret-22")
	other := vendor
	other.Concurrency = 3
	reload(with(other), "", "")
	call(bearer(3))

	wrong := vendor // nothing changes
	wrong.Type = "oauth"
	reload(append(with(wrong), outbound.Connection{Name: "d"}), "", `no connection type "oauth"`)
	call(bearer(3))
	if c.Has("d") {
		t.Error("half of what is wrong was taken")
	}

	reload([]outbound.Connection{{Name: "d"}}, "", "")
	if reply := c.Do(t.Context(), get("/")); reply.Failure != wire.Refused || !strings.Contains(reply.Message, `no connection "c"`) {
		t.Errorf("a call with what is gone: %+v", reply)
	}
}

// TestReloadUnderWay: a call goes on with what it began with.
func TestReloadUnderWay(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-release
		fmt.Fprint(w, r.Header.Get("Authorization"))
	})
	c := connect(t, outbound.Connection{Type: "bearer", Secrets: map[string]string{"token": "env:KEY"}, BaseURL: server.URL, Private: true})
	done := make(chan wire.Reply)
	go func() { done <- c.Do(t.Context(), get("/")) }()
	<-arrived
	if _, err := c.Reload(nil, nil, 0); err != nil {
		t.Fatal(err)
	}
	close(release)
	if reply := <-done; reply.Status != 200 {
		t.Errorf("the call under way: %+v", reply)
	}
}

// TestReloadVerify: a caller is held against the new secret.
func TestReloadVerify(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	hook := []outbound.Connection{{Name: "c", Type: "api-key", Secrets: map[string]string{"key": "file:" + secret}}}
	c := newClient(t, outbound.Config{Connections: hook, Late: true})
	for _, key := range []string{"first-key", "second-key"} {
		if err := os.WriteFile(secret, []byte(key), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Reload(hook, nil, 0); err != nil {
			t.Fatal(err)
		}
		for _, sent := range []string{"first-key", "second-key"} {
			_, err := c.Verify(t.Context(), "c", outbound.Incoming{Header: http.Header{"X-Api-Key": {sent}}}, time.Unix(0, 0))
			if (err == nil) != (sent == key) {
				t.Errorf("key %s, sent %s: %v", key, sent, err)
			}
		}
	}
	hook[0].Settings = map[string]any{"header": "X-Other"}
	if _, err := c.Reload(hook, nil, 0); err != nil {
		t.Fatal(err)
	}
	if header, _ := c.Proof("c"); header != "X-Other" {
		t.Errorf("the proof is in header %q", header)
	}
}

// TestFilesChanged: files of secrets and certificates are seen to be others, through
// links too, until they are taken; those of connections that nobody uses are not
// looked at.
func TestFilesChanged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	vendor := outbound.Connection{Name: "c", Type: "bearer", Secrets: map[string]string{"token": "file:" + at("link")}, BaseURL: "https://vendor.example.com"}
	unused := vendor
	unused.Name, unused.Secrets = "unused", map[string]string{"token": "file:" + at("unused")}
	both := []outbound.Connection{vendor, unused}
	link := func(to string) func() {
		return func() {
			_ = os.Remove(at("link"))
			if err := os.Symlink(at(to), at("link")); err != nil {
				t.Fatal(err)
			}
		}
	}
	write("first", "first-secret")
	write("second", "second-secret")
	link("first")()
	c := newClient(t, outbound.Config{Connections: both, Late: true})
	if err := c.Lacks("c"); err != nil { // needs it now
		t.Fatal(err)
	}
	for _, step := range []struct {
		what   string
		change func()
		want   bool
		stale  bool
	}{
		{"nothing", func() {}, false, false},
		{"a link leads elsewhere", link("second"), true, false},
		{"it is there no more", func() { _ = os.Remove(at("link")) }, true, true},
		{"it is there again", link("first"), true, false},
		{"it is longer", func() { write("first", "first-secret-2") }, true, false},
		{"one that nobody uses", func() { write("unused", "x") }, false, false},
	} {
		step.change()
		if got := c.FilesChanged(); got != step.want {
			t.Errorf("%s: changed %t, want %t", step.what, got, step.want)
		}
		stale, err := c.Reload(both, nil, 0)
		if err != nil || (stale != nil) != step.stale {
			t.Errorf("%s: Reload = %v, %v", step.what, stale, err)
		}
		if c.FilesChanged() {
			t.Errorf("%s: it is seen again after it was taken", step.what)
		}
	}
}
