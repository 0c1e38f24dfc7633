package main_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"testing"

	wend "github.com/wendflow/wend/cmd/wend"
)

// TestCallerBehindProxies holds that a proxy is believed, and nobody else.
func TestCallerBehindProxies(t *testing.T) {
	t.Parallel()
	const ours = "127.0.0.1:40000"
	tests := []struct {
		name, peer string
		header     []string
		want       string
	}{
		{"nobody said anything", ours, nil, ours},
		{"a proxy", ours, []string{"203.0.113.7"}, "203.0.113.7:0"},
		{"two proxies", ours, []string{"203.0.113.7, 10.1.2.3"}, "203.0.113.7:0"},
		{"two proxies, a line each", ours, []string{"203.0.113.7", "10.1.2.3"}, "203.0.113.7:0"},
		{"a caller who claims to be another", ours, []string{"198.51.100.1, 203.0.113.7"}, "203.0.113.7:0"},
		{"a caller who claims to be a proxy of ours", ours, []string{"10.9.9.9, 203.0.113.7, 10.1.2.3"}, "203.0.113.7:0"},
		{"a caller from inside", ours, []string{"10.1.2.3"}, "10.1.2.3:0"},
		{"what is no address", ours, []string{"203.0.113.7, unknown"}, ours},
		{"what is no address, before one", ours, []string{"unknown, 203.0.113.7"}, "203.0.113.7:0"},
		{"no proxy", "203.0.113.9:40000", []string{"198.51.100.1"}, "203.0.113.9:40000"},
		{"IPv6", "[2001:db8::1]:40000", []string{"2001:db8:5::7"}, "[2001:db8:5::7]:0"},
		{"IPv4 over IPv6", "[::ffff:127.0.0.1]:40000", []string{"::ffff:203.0.113.7"}, "203.0.113.7:0"},
	}
	proxies := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::/64")}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got string
			h := wend.Behind(func() []netip.Prefix { return proxies }, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
			r := httptest.NewRequest(http.MethodPost, "/hooks/x", nil)
			r.RemoteAddr = test.peer
			r.Header["X-Forwarded-For"] = test.header
			h.ServeHTTP(httptest.NewRecorder(), r)
			if got != test.want || r.RemoteAddr != test.peer {
				t.Errorf("the caller is %s, want %s", got, test.want)
			}
		})
	}
}

// FuzzCallerBehindProxies holds that a caller is an address, whatever a header
// says, and who is no proxy of ours stays who it is.
func FuzzCallerBehindProxies(f *testing.F) {
	f.Add("127.0.0.1:1", "203.0.113.7, 10.1.2.3")
	f.Add("203.0.113.9:1", "198.51.100.1")
	f.Add("[::1%eth0]:1", "fe80::1%eth0,::ffff:10.0.0.1")
	proxies := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	var got string
	h := wend.Behind(func() []netip.Prefix { return proxies }, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.RemoteAddr }))
	f.Fuzz(func(t *testing.T, peer, header string) {
		r := httptest.NewRequest(http.MethodPost, "/hooks/x", nil)
		r.RemoteAddr = peer
		r.Header["X-Forwarded-For"] = []string{header}
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got == peer {
			return
		}
		caller, err := netip.ParseAddrPort(got)
		if err != nil || caller.Addr().Zone() != "" || caller.Addr().Is4In6() {
			t.Errorf("the caller is %q", got)
		}
		from, err := netip.ParseAddrPort(peer)
		if err != nil || !slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(from.Addr().Unmap()) }) {
			t.Errorf("%q, which is no proxy of ours, made the caller %q", peer, got)
		}
	})
}
