package outbound_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/sdk/wire"
)

func redirectTo(to *string, status int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/there" {
			w.Header().Set("Location", *to)
			w.WriteHeader(status)
		}
	}
}

func TestRedirectIsHeldAgainstTheRules(t *testing.T) {
	t.Parallel()
	var target string
	server := serve(t, redirectTo(&target, http.StatusFound))
	c := connect(t, outbound.Connection{
		Type: "bearer", Secrets: map[string]string{"token": "env:TOKEN"}, BaseURL: server.URL, Private: true,
		Hosts: []string{"169.254.169.254", "listed.example.com"},
	})
	tests := []struct{ target, want string }{
		{"http://evil.example.com/", `redirect from "` + host(server.URL) + `": host "evil.example.com" is not allowed`},
		{"//evil.example.com/", `host "evil.example.com" is not allowed`},
		{"http://169.254.169.254/latest/meta-data/", "no call may go there"},
		{"file:///etc/passwd", `scheme "file"`},
		{"gopher://" + host(server.URL), `scheme "gopher"`},
		{"http://user@" + host(server.URL) + "/there", "user name"},
		{"http://[::1", "missing ']'"},
		{"https://listed.example.com/?t=" + env["TOKEN"], "would carry the credential along"},
		{"/again", "more than 5 redirects"},
	}
	for _, test := range tests {
		target = test.target
		reply := c.Do(t.Context(), get("/"))
		if reply.Failure != wire.Refused || !strings.Contains(reply.Message, test.want) {
			t.Errorf("to %s: %+v, want refused: …%s…", target, reply, test.want)
		}
		if strings.Contains(reply.Message, env["TOKEN"]) {
			t.Errorf("to %s: the message shows the token: %s", target, reply.Message)
		}
	}
}

func TestRedirectKeepsTheCredentialAtHome(t *testing.T) {
	t.Parallel()
	show := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s auth=%t", r.RequestURI, r.Header.Get("Authorization") != "" || strings.Contains(r.RequestURI, env["KEY"]))
	}
	var home string
	other := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/back" {
			http.Redirect(w, r, home+"/end", http.StatusFound)
			return
		}
		show(w, r)
	})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/same":
			http.Redirect(w, r, "/end?"+r.URL.RawQuery, http.StatusMovedPermanently)
		case "/other":
			http.Redirect(w, r, other.URL+"/end", http.StatusTemporaryRedirect)
		case "/back":
			http.Redirect(w, r, other.URL+"/back", http.StatusSeeOther)
		default:
			show(w, r)
		}
	})
	home = server.URL
	connections := map[string]outbound.Connection{
		"header": {Type: "bearer", Secrets: map[string]string{"token": "env:TOKEN"}},
		"query":  {Type: "api-key", Secrets: map[string]string{"key": "env:KEY"}, Settings: map[string]any{"query": "k"}},
	}
	for name, connection := range connections {
		connection.BaseURL, connection.Private, connection.Hosts = server.URL, true, []string{host(other.URL)}
		c := connect(t, connection)
		for path, want := range map[string]string{"/same": "auth=true", "/other": "auth=false", "/back": "auth=false"} {
			reply := c.Do(t.Context(), get(path))
			if reply.Status != 200 || !strings.HasSuffix(string(reply.Body), want) {
				t.Errorf("%s, %s: %d %s %s, want %s", name, path, reply.Status, reply.Body, reply.Message, want)
			}
			if strings.Count(string(reply.Body), "k=") > 1 {
				t.Errorf("%s, %s: the key is there twice: %s", name, path, reply.Body)
			}
		}
	}
}

func TestRedirectOfAnUnsafeCallIsTheReply(t *testing.T) {
	t.Parallel()
	target := "/there"
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := serve(t, redirectTo(&target, status))
		c := connect(t, outbound.Connection{BaseURL: server.URL, Private: true})
		if reply := c.Do(t.Context(), post("/")); reply.Status != status || reply.Headers["location"][0] != "/there" {
			t.Errorf("POST: %+v, want %d", reply, status)
		}
		if reply := c.Do(t.Context(), get("/")); reply.Status != 200 {
			t.Errorf("GET after %d: %+v, want it followed", status, reply)
		}
	}
	for _, status := range []int{300, 304, 305} {
		server := serve(t, redirectTo(&target, status))
		c := connect(t, outbound.Connection{BaseURL: server.URL, Private: true})
		if reply := c.Do(t.Context(), get("/")); reply.Status != status {
			t.Errorf("GET: %+v, want %d as it is", reply, status)
		}
	}
}
