package expand_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/wendflow/wend/runtime/expand"
)

// TestURL puts values into addresses. A want that begins with "!" is the end of
// an error.
func TestURL(t *testing.T) {
	t.Parallel()
	const path, query = "/orders/$(x)/close", "/orders?id=$(x)&all=1"
	tests := []struct {
		template string
		x        any
		want     string
	}{
		// One segment of the path.
		{path, "7", "/orders/7/close"},
		{path, 7, "/orders/7/close"},
		{path, 2.5e6, "/orders/2500000/close"},
		{path, true, "/orders/true/close"},
		{path, "../../admin", "/orders/..%2F..%2Fadmin/close"},
		{path, "x?admin=1", "/orders/x%3Fadmin%3D1/close"},
		{path, "a#b", "/orders/a%23b/close"},
		{path, "a b+c", "/orders/a%20b%2Bc/close"},
		{path, "a%2e%2fb", "/orders/a%252e%252fb/close"},
		{path, "%2e%2e", "/orders/%252e%252e/close"},
		{path, `..\..\admin`, "/orders/..%5C..%5Cadmin/close"},
		{path, "a\r\nHost: x", "/orders/a%0D%0AHost%3A%20x/close"},
		{path, "é€", "/orders/%C3%A9%E2%82%AC/close"},
		{path, ";a=b,c&d", "/orders/%3Ba%3Db%2Cc%26d/close"},
		{path, "...", "/orders/.../close"},
		{path, list{"a", 1}, "/orders/%5B%22a%22%2C1%5D/close"},
		{path, object{"a": 1}, "/orders/%7B%22a%22%3A1%7D/close"},
		{path, "", "!it is empty, and the address would lead elsewhere without this part of its path"},
		{path, ".", `!it makes "." of a part of the path, and the address would lead elsewhere`},
		{path, "..", `!it makes ".." of a part of the path, and the address would lead elsewhere`},
		{path, nil, `!it is nil, which has no text; give a default with ?? "…"`},
		{"/orders/$(x)", "", "!without this part of its path"},
		{"/orders/$(x)?all=1", "", "!without this part of its path"},
		{"/orders/$(x)#top", "..", `!it makes ".." of a part of the path, and the address would lead elsewhere`},
		{"/orders/.$(x)/close", ".", `!it makes ".." of a part of the path, and the address would lead elsewhere`},
		{"/orders/$(x)$(x)/close", ".", `!it makes ".." of a part of the path, and the address would lead elsewhere`},
		{"/orders/$(x)$(x)/close", "a/", "/orders/a%2Fa%2F/close"},
		{"/orders/no-$(x)/close", "", "/orders/no-/close"},
		{"/orders/$(x).json", "", "/orders/.json"},
		{"orders-$(x)/1", "/../2", "orders-%2F..%2F2/1"},
		{"https://h/a/$(x)", "b/c", "https://h/a/b%2Fc"},
		{"https://h:8080/$(x)", "..", `!it makes ".." of a part of the path, and the address would lead elsewhere`},

		// One value of the query.
		{query, "a b&c=d#e?f+g/é%20", "/orders?id=a+b%26c%3Dd%23e%3Ff%2Bg%2F%C3%A9%2520&all=1"},
		{query, "", "/orders?id=&all=1"},
		{query, "..", "/orders?id=..&all=1"},
		{query, "a\r\nb", "/orders?id=a%0D%0Ab&all=1"},
		{query, list{1, 2}, "/orders?id=%5B1%2C2%5D&all=1"},
		{query, nil, `!it is nil, which has no text; give a default with ?? "…"`},
		{"/a?$(x)=1/$(x)", "b/c", "/a?b%2Fc=1/b%2Fc"},
		{"/a?b=/c/$(x)", "", "/a?b=/c/"},
		{"/a#$(x)", "b c", "/a#b%20c"},

		// The host.
		{"https://$(x)/a", "example.com:8443", "https://example.com:8443/a"},
		{"https://$(x)/a", "[::1]:80", "https://[::1]:80/a"},
		{"https://$(x)/a", "bücher.example", "https://bücher.example/a"},
		{"https://$(x).example.com/a", "eu", "https://eu.example.com/a"},
		{"https://example.com:$(x)/a", 8443, "https://example.com:8443/a"},
		{"https://$(x)/a", "evil.example/b", `!"evil.example/b" has no place in a host's name`},
		{"https://$(x).example.com/a", "evil.example?", `!"evil.example?" has no place in a host's name`},
		{"https://$(x).example.com/a", "evil.example#", `!"evil.example#" has no place in a host's name`},
		{"https://$(x).example.com/a", `evil.example\`, `!"evil.example\\" has no place in a host's name`},
		{"https://example.com:$(x)/a", "80@evil.example", `!"80@evil.example" has no place in a host's name`},
		{"https://$(x)/a", "a b", `!"a b" has no place in a host's name`},
		{"https://$(x)/a", "a\r\nb", `!"a\r\nb" has no place in a host's name`},
		{"https://$(x)/a", "a%2fb", `!"a%2fb" has no place in a host's name`},
		{"https://user:$(x)@example.com/a", "p/w", `!"p/w" has no place in a host's name`},
		{"https://$(x)?a=1", "evil.example/", `!"evil.example/" has no place in a host's name`},

		// The whole address, or its beginning.
		{"$(x)", "https://h/a b/../c?d=e f#g", "https://h/a b/../c?d=e f#g"},
		{"$(x)/a", "https://h/v1", "https://h/v1/a"},
		{"$(x)/a", "", "/a"},
		{"$(x)/a/$(x)", "/v1", "/v1/a/%2Fv1"},
		{"$(x)/a", "https://h?b=", `!it holds "?" or "#", and the path "/a" cannot follow that`},
		{"$(x)/a", "https://h#", `!it holds "?" or "#", and the path "/a" cannot follow that`},
		{"$(x)&b=$(x)", "/a?c=d", "/a?c=d&b=%2Fa%3Fc%3Dd"},
		{"$(x)?b=1", "/a", "/a?b=1"},
		{"$(x)://h/a", "https", "https://h/a"},
		{"$(x)://h/a", "https://evil.example/", `!the scheme is "https://evil.example/", expected http or https`},
		{"http$(x)://h/a", "s", "https://h/a"},
		{"http$(x)://h/a", "://evil.example/", "http%3A%2F%2Fevil.example%2F://h/a"},
		{"http:/$(x)", "/evil.example", `!"/evil.example" has no place in a host's name`},
		{"/$(x)", "/evil.example", "/%2Fevil.example"},
		{"//$(x)/a", "evil.example", "//evil.example/a"},
		{"/a", nil, "/a"},
	}
	for _, tt := range tests {
		tmpl, mistakes := expand.CompileURL(text(tt.template), &expand.Scope{Names: map[string]expand.Type{"x": {}}})
		if mistakes.HasErrors() {
			t.Fatal(mistakes.Err())
		}
		got, err := tmpl.Eval(expand.Env{Names: object{"x": tt.x}})
		if want, fails := strings.CutPrefix(tt.want, "!"); fails {
			var at *expand.Error
			if !errors.As(err, &at) || !strings.HasSuffix(err.Error(), want) {
				t.Errorf("%s with %#v: %q, %v; want an error that ends %s", tt.template, tt.x, got, err, want)
			}
			continue
		}
		if err != nil || got != tt.want {
			t.Errorf("%s with %#v: %q, %v; want %q", tt.template, tt.x, got, err, tt.want)
		}
	}
}

// FuzzURL: whatever a value holds, it is one segment and one value.
func FuzzURL(f *testing.F) {
	for _, s := range []string{"a", "../b", "%2e%2e", "a?b#c", "\r\n", `\\`, "é", "a b&c=d", ";", "//"} {
		f.Add(s)
	}
	tmpl, mistakes := expand.CompileURL(text("https://h/a/$(x)/b?c=$(x)&d=1"), &expand.Scope{Names: map[string]expand.Type{"x": {}}})
	if mistakes.HasErrors() {
		f.Fatal(mistakes.Err())
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := tmpl.Eval(expand.Env{Names: object{"x": s}})
		if err != nil {
			if s != "" && s != "." && s != ".." {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		u, err := url.Parse(got.(string))
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		query := u.Query()
		if u.Host != "h" || u.Path != "/a/"+s+"/b" || strings.Count(u.EscapedPath(), "/") != 3 || query.Get("c") != s || len(query) != 2 || u.Fragment != "" {
			t.Errorf("%q became %q", s, got)
		}
	})
}
