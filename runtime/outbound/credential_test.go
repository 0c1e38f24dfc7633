package outbound_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/wendflow/wend/runtime/outbound"
)

func TestCredentialsAreAdded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name       string
		connection outbound.Connection
		header     string
		want       string
		query      string
	}{
		{"none", outbound.Connection{}, "Authorization", "", "a=1"},
		{"basic", outbound.Connection{
			Type: "basic", Secrets: map[string]string{"password": "env:PASSWORD"}, Settings: map[string]any{"username": "agent"},
		}, "Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("agent:s3cret-pass")), "a=1"},
		{"basic, both secret", outbound.Connection{
			Type: "basic", Secrets: map[string]string{"username": "env:KEY", "password": "env:PASSWORD"},
		}, "Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte("key-77aa01:s3cret-pass")), "a=1"},
		{"bearer", outbound.Connection{Type: "bearer", Secrets: map[string]string{"token": "env:TOKEN"}}, "Authorization", "Bearer tok-4f9a17", "a=1"},
		{"api-key", outbound.Connection{Type: "api-key", Secrets: map[string]string{"key": "env:KEY"}}, "X-Api-Key", "key-77aa01", "a=1"},
		{"api-key, own header", outbound.Connection{
			Type: "api-key", Secrets: map[string]string{"key": "env:KEY"}, Settings: map[string]any{"header": "authorization", "prefix": "ApiKey "},
		}, "Authorization", "ApiKey key-77aa01", "a=1"},
		{"api-key, query", outbound.Connection{
			Type: "api-key", Secrets: map[string]string{"key": "env:KEY"}, Settings: map[string]any{"query": "api key"},
		}, "X-Api-Key", "", "a=1&api+key=key-77aa01"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got seen
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				got.note(r)
				w.Header().Set("Www-Authenticate", r.Header.Get(test.header))
				fmt.Fprint(w, "you sent ", r.Header.Get(test.header), " ", r.RequestURI)
			})
			test.connection.BaseURL, test.connection.Private = server.URL, true
			c := connect(t, test.connection)
			reply := c.Do(t.Context(), post("/x?a=1"))
			r, _ := got.last()
			if r.Header.Get(test.header) != test.want || r.URL.RawQuery != test.query {
				t.Errorf("sent %s: %q and %s, want %q and %s", test.header, r.Header.Get(test.header), r.URL.RawQuery, test.want, test.query)
			}
			shown := fmt.Sprint(string(reply.Body), reply.Headers)
			for _, secret := range []string{"tok-4f9a17", "key-77aa01", "s3cret-pass", base64.StdEncoding.EncodeToString([]byte("agent:s3cret-pass"))} {
				if test.name != "basic, both secret" && strings.Contains(shown, secret) {
					t.Errorf("the reply shows %q: %s", secret, shown)
				}
			}
			if reply.Status != 200 || test.name != "none" && !strings.Contains(shown, "•••") {
				t.Errorf("Do = %+v", reply)
			}
		})
	}
}

// A secret is found however the other side spells it, and what is no secret
// stays byte by byte.
func TestRepliesAreRedacted(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Write(body)
	})
	const secret = `a"b/c+d é`
	c := newClient(t, outbound.Config{
		Connections: []outbound.Connection{{
			Name: "c", Type: "bearer", Secrets: map[string]string{"token": "env:ODD"}, BaseURL: server.URL, Private: true,
		}, {
			Name: "short", Type: "bearer", Secrets: map[string]string{"token": "env:SHORT"}, BaseURL: server.URL, Private: true,
		}},
		Env: func(name string) (string, bool) {
			return map[string]string{"ODD": secret + "\n", "SHORT": "abc"}[name], true
		},
	})
	for body, want := range map[string]string{
		`x ` + secret + ` y ` + secret:         `x ••• y •••`,
		`{"t":"a\"b/c+d é"}`:                   `{"t":"•••"}`,
		`?t=a%22b%2Fc%2Bd+%C3%A9&u=1`:          `?t=•••&u=1`,
		`/a%22b%2Fc+d%20%C3%A9/`:               `/•••/`,
		"\xff\xfe binary \x00 stays as it is.": "\xff\xfe binary \x00 stays as it is.",
	} {
		r := post("/")
		r.Call.Body = []byte(body)
		reply := c.Do(t.Context(), r)
		if string(reply.Body) != want {
			t.Errorf("body %q came back as %q, want %q (%s)", body, reply.Body, want, reply.Message)
		}
	}
	r := post("/")
	r.Connection, r.Call.Body = "short", []byte("abcdef")
	if reply := c.Do(t.Context(), r); string(reply.Body) != "abcdef" {
		t.Errorf("a secret of three bytes blots out text: %q", reply.Body)
	}
	if got := c.Redact("log: " + secret); got != "log: •••" {
		t.Errorf("Redact = %q", got)
	}
}
