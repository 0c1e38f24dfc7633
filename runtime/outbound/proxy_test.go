package outbound_test

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/sdk/wire"
)

// forwarder is a proxy that goes to one address, whatever it is asked for.
func forwarder(t *testing.T, to string, asked *seen) *httptest.Server {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.note(r)
		want := "Basic " + base64.StdEncoding.EncodeToString([]byte("wend:"+env["PASSWORD"]))
		if r.Header.Get("Proxy-Authorization") != want {
			http.Error(w, r.Header.Get("Proxy-Authorization"), http.StatusProxyAuthRequired)
			return
		}
		if r.Method != http.MethodConnect {
			fmt.Fprintf(w, "through for %s, and for me %s", r.URL, r.Header.Get("Proxy-Authorization"))
			return
		}
		far, err := net.Dial("tcp", to)
		if err != nil {
			t.Error(err)
			return
		}
		near, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
		go func() {
			_, _ = io.Copy(far, near)
			_ = far.Close()
		}()
		_, _ = io.Copy(near, far)
		_ = near.Close()
	})
}

// TestProxy: calls of a connection go out by its proxy, which asks for names; only
// what is written out as an address is checked here.
func TestProxy(t *testing.T) {
	t.Parallel()
	vendor := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s, bearer %t, proxy %t", r.Host, r.URL, r.Header.Get("Authorization") != "", r.Header.Get("Proxy-Authorization") != "")
	}))
	t.Cleanup(vendor.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: vendor.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	var asked seen
	proxy := forwarder(t, vendor.Listener.Addr().String(), &asked)
	secrets := map[string]string{"token": "env:TOKEN", "proxyPassword": "env:PASSWORD"}
	by := outbound.Connection{
		Name: "c", Type: "bearer", Secrets: secrets, Proxy: "http://wend@" + host(proxy.URL), TLS: outbound.TLS{CAFile: ca},
		Hosts: []string{"example.com", "169.254.169.254", "10.0.0.1", "localhost"},
	}
	wrong := by
	wrong.Name, wrong.Secrets = "wrong", map[string]string{"token": "env:TOKEN", "proxyPassword": "env:KEY"}
	open := by
	open.Name, open.Type, open.Secrets = "open", "none", map[string]string{"proxyPassword": "env:PASSWORD"}
	c := newClient(t, outbound.Config{Connections: []outbound.Connection{by, wrong, open}})
	tests := []struct {
		connection, url, want string
		failure               wire.Failure
		asks                  int
	}{
		{"c", "https://example.com/a", "example.com /a, bearer true, proxy false", "", 1},
		{"open", "http://example.com/a", "through for http://example.com/a, and for me Basic •••", "", 1},
		{"wrong", "https://example.com/a", "proxy \"" + host(proxy.URL) + "\" lets the call not through: it answered 407 Proxy Authentication Required", wire.Unreachable, 1},
		{"c", "https://evil.example.com/", "is not allowed", wire.Refused, 0},
		{"c", "https://169.254.169.254/", "no call may go there", wire.Refused, 0},
		{"c", "https://10.0.0.1/", "a private address", wire.Refused, 0},
		{"c", "https://localhost/", "a loopback address", wire.Refused, 0},
	}
	for _, test := range tests {
		before := asked.count()
		r := get(test.url)
		r.Connection = test.connection
		reply := c.Do(t.Context(), r)
		if reply.Failure != test.failure || !strings.Contains(reply.Message+string(reply.Body), test.want) {
			t.Errorf("%s by %s: %+v, want %s …%s…", test.url, test.connection, reply, test.failure, test.want)
		}
		if n := asked.count() - before; n != test.asks {
			t.Errorf("%s by %s: the proxy was asked %d times, want %d", test.url, test.connection, n, test.asks)
		}
	}
}

func TestProxyIsValidated(t *testing.T) {
	t.Parallel()
	user := map[string]string{"proxyPassword": "env:PASSWORD"}
	for _, test := range []struct {
		proxy   string
		secrets map[string]string
		want    string
	}{
		{"http://proxy.example.com:3128", nil, ""},
		{"https://wend@proxy.example.com", user, ""},
		{"proxy.example.com:3128", nil, "expected http://… or https://… with a host"},
		{"socks5://proxy.example.com", nil, "expected http://… or https://… with a host"},
		{"http://proxy.example.com/p", nil, "expected no path"},
		{"http://wend:pw@proxy.example.com", nil, "holds a password"},
		{"http://wend@proxy.example.com", nil, `needs the secret "proxyPassword"`},
		{"http://proxy.example.com", user, `no user for the secret "proxyPassword"`},
		{"http://proxy.example.com:0", nil, `port "0"`},
		{"", user, `uses no secret "proxyPassword"`},
	} {
		err := outbound.Connection{Name: "c", Proxy: test.proxy, Secrets: test.secrets}.Validate()
		if (err != nil) != (test.want != "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("proxy %q: %v, want %q", test.proxy, err, test.want)
		}
	}
}
