package outbound_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/sdk/wire"
)

func carrying(base string) outbound.Connection {
	return outbound.Connection{
		Type: "bearer", BaseURL: base, Private: true, ForFlows: []string{"tenant", "odd"},
		Secrets: map[string]string{"token": "env:TOKEN", "tenant": "env:KEY", "odd": "env:PASSWORD"},
	}
}

// TestCarriedSecrets holds that secrets come where they are wanted, and in no
// other place of the call or its reply.
func TestCarriedSecrets(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	tests := map[string]struct {
		url, kind, body string
		secrets         outbound.Secrets
		want            string // method-less request as it came: query, X-Odd, body
	}{
		"none":         {"/x?a=1", "application/json", `{"a":1}`, outbound.Secrets{}, `a=1||{"a":1}`},
		"a header":     {"/x", "application/json", `{"a":1}`, outbound.Secrets{Headers: map[string]string{"x-odd": "tenant"}}, `|key-77aa01|{"a":1}`},
		"a parameter":  {"/x?a=1", "", "", outbound.Secrets{Query: map[string]string{"k y": "odd"}}, `a=1&k+y=s3cret-pass||`},
		"the only one": {"/x", "", "", outbound.Secrets{Query: map[string]string{"key": "odd"}}, `key=s3cret-pass||`},
		"a field": {
			"/x", "application/json", `{"z":12345678901234567890.10,"auth":{"user":"é<"}}`,
			outbound.Secrets{Body: map[string]any{"auth": map[string]any{"key": "tenant"}, "new": map[string]any{"deep": "odd"}}},
			`||{"auth":{"key":"key-77aa01","user":"é<"},"new":{"deep":"s3cret-pass"},"z":12345678901234567890.10}`,
		},
		"a field of a form":        {"/x", form, "a=1", outbound.Secrets{Body: map[string]any{"key": "odd"}}, `||a=1&key=s3cret-pass`},
		"the only field of a form": {"/x", form, "", outbound.Secrets{Body: map[string]any{"key": "odd"}}, `||key=s3cret-pass`},
		"data that looks like one": {"/x", "application/json", `{"a":{"secret":"tenant"}}`, outbound.Secrets{Headers: map[string]string{"X-Odd": "odd"}}, `|s3cret-pass|{"a":{"secret":"tenant"}}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got seen
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				got.note(r)
				_, body := got.last()
				w.Header().Set("X-Echo", r.Header.Get("X-Odd"))
				fmt.Fprint(w, r.URL.RawQuery, r.Header, body)
			})
			c := connect(t, carrying(server.URL))
			headers := map[string]string{}
			if test.kind != "" {
				headers["Content-Type"] = test.kind
			}
			reply := c.Do(t.Context(), outbound.Request{
				Connection: "c", Secrets: test.secrets,
				Call: wire.Call{Method: "POST", URL: test.url, Headers: headers, Body: []byte(test.body)},
			})
			if reply.Status != 200 {
				t.Fatalf("Do = %+v", reply)
			}
			r, body := got.last()
			if diff := cmp.Diff(test.want, r.URL.RawQuery+"|"+r.Header.Get("X-Odd")+"|"+body); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			if r.ContentLength != int64(len(body)) {
				t.Errorf("Content-Length %d, the body has %d bytes", r.ContentLength, len(body))
			}
			for _, text := range env {
				if strings.Contains(string(reply.Body)+fmt.Sprint(reply.Headers), text) {
					t.Errorf("the reply shows %q: %s", text, reply.Body)
				}
			}
		})
	}
}

// TestCarriedSecretsAreRefused holds what may not be carried, at run time and,
// where it can be seen then, before.
func TestCarriedSecretsAreRefused(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a call was sent") })
	connections := []outbound.Connection{carrying(server.URL), {Name: "public", ForFlows: []string{"tenant"}, Secrets: map[string]string{"tenant": "env:KEY"}, Hosts: []string{"vendor.example.com"}}}
	connections[0].Name = "c"
	c := newClient(t, outbound.Config{Connections: connections, Allow: []string{"*"}})
	rules := outbound.RulesOf(connections, []string{"*"})
	header := func(name, secret string) outbound.Secrets {
		return outbound.Secrets{Headers: map[string]string{name: secret}}
	}
	field := func(tree map[string]any) outbound.Secrets { return outbound.Secrets{Body: tree} }
	tests := map[string]struct {
		connection, url, kind, body string
		secrets                     outbound.Secrets
		want                        string
		before                      string // the part refused before any run; empty: none
	}{
		"no connection":          {"", "https://vendor.example.com/", "", "", header("X-Odd", "tenant"), "a call without a connection has no secrets to carry", "secrets headers X-Odd"},
		"the connection's own":   {"c", "/x", "", "", header("X-Odd", "token"), `secret "token" of connection "c" is not for flows: list it under connections.c.forFlows`, "secrets headers X-Odd"},
		"one that there is not":  {"c", "/x", "", "", field(map[string]any{"a": map[string]any{"b": "tenent"}}), `connection "c" has no secret "tenent" for flows`, "secrets body a b"},
		"another host":           {"c", "https://evil.example.com/", "", "", header("X-Odd", "tenant"), `host "evil.example.com" is not allowed`, ""},
		"without TLS":            {"public", "http://vendor.example.com/", "", "", header("X-Odd", "tenant"), "the call carries a secret, which needs https", ""},
		"a reserved header":      {"c", "/x", "", "", header("Cookie", "tenant"), `header "Cookie" is not for the call to set`, "secrets headers Cookie"},
		"no header":              {"c", "/x", "", "", header("X Odd", "tenant"), "not a header's name", "secrets headers X Odd"},
		"a header twice":         {"c", "/x", "a/b", "", header("content-type", "tenant"), `header "content-type" is given twice`, "secrets headers content-type"},
		"a parameter twice":      {"c", "/x?k=1", "", "", outbound.Secrets{Query: map[string]string{"k": "tenant"}}, `query parameter "k" is given twice`, ""},
		"a body that is text":    {"c", "/x", "text/plain", "hello", field(map[string]any{"a": "tenant"}), "a body that is a JSON object or a form", ""},
		"a body that is a list":  {"c", "/x", "application/json", `[1]`, field(map[string]any{"a": "tenant"}), "a body that is a JSON object or a form", ""},
		"two bodies":             {"c", "/x", "application/json", `{} {}`, field(map[string]any{"a": "tenant"}), "a body that is a JSON object or a form", ""},
		"a field twice":          {"c", "/x", "application/json", `{"a":{"b":1}}`, field(map[string]any{"a": map[string]any{"b": "tenant"}}), "body.a.b is given twice", ""},
		"no object":              {"c", "/x", "application/json", `{"a":[]}`, field(map[string]any{"a": map[string]any{"b": "tenant"}}), "body.a is no object", ""},
		"a form's field twice":   {"c", "/x", "application/x-www-form-urlencoded", "a=1", field(map[string]any{"a": "tenant"}), "body.a is given twice", ""},
		"fields within a form's": {"c", "/x", "application/x-www-form-urlencoded", "a=1", field(map[string]any{"b": map[string]any{"c": "tenant"}}), "a form has no fields within fields", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			headers := map[string]string{}
			if test.kind != "" {
				headers["Content-Type"] = test.kind
			}
			reply := c.Do(t.Context(), outbound.Request{
				Connection: test.connection, Secrets: test.secrets, Call: wire.Call{Method: "POST", URL: test.url, Headers: headers, Body: []byte(test.body)},
			})
			if reply.Failure != wire.Refused || !strings.Contains(reply.Message, test.want) {
				t.Errorf("Do = %s %q, want refused: …%s…", reply.Failure, reply.Message, test.want)
			}
			if strings.Contains(reply.Message, env["KEY"]) {
				t.Errorf("the message shows the secret: %s", reply.Message)
			}
			before := ""
			for _, r := range rules.Refusals(outbound.Plan{Connection: test.connection, Headers: headers, Secrets: test.secrets}) {
				before += strings.Join(r.Part, " ")
			}
			if before != test.before {
				t.Errorf("refused before any run: %q, want %q", before, test.before)
			}
		})
	}
}

// TestRedirectLeavesCarriedSecretsBehind: another origin gets none, be it listed or
// not, and the own one gets them once.
func TestRedirectLeavesCarriedSecretsBehind(t *testing.T) {
	t.Parallel()
	show := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%d header, %d in the query", len(r.Header.Values("X-Odd")), strings.Count(r.URL.RawQuery, env["PASSWORD"]))
	}
	other := serve(t, show)
	var to string
	home := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/there" {
			show(w, r)
			return
		}
		http.Redirect(w, r, to, http.StatusFound)
	})
	connection := carrying(home.URL)
	connection.Hosts = []string{host(other.URL)}
	c := connect(t, connection)
	r := get("/here")
	r.Secrets = outbound.Secrets{Headers: map[string]string{"X-Odd": "tenant"}, Query: map[string]string{"key": "odd"}}
	for _, test := range []struct{ to, want string }{
		{"/there", "1 header, 1 in the query"},
		{"/there?key=" + env["PASSWORD"], "1 header, 1 in the query"},
		{other.URL, "0 header, 0 in the query"},
		{other.URL + "/?key=" + env["PASSWORD"], "would carry the credential along"},
	} {
		to = test.to
		reply := c.Do(t.Context(), r)
		if got := string(reply.Body) + reply.Message; !strings.Contains(got, test.want) {
			t.Errorf("redirected to %s: %q, want %q", test.to, got, test.want)
		}
	}
}
