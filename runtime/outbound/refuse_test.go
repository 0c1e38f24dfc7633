package outbound_test

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"code.dny.dev/ssrf"

	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/sdk/wire"
)

func refusing() []outbound.Connection {
	secret := map[string]string{"token": "env:TOKEN"}
	key := map[string]string{"key": "env:KEY"}
	return []outbound.Connection{
		{Name: "plain", Hosts: []string{"vendor.example.com", "*.wide.example.com", "other.example.com:8443"}},
		{Name: "bearer", Type: "bearer", Secrets: secret, Hosts: []string{"vendor.example.com"}},
		{Name: "based", BaseURL: "https://vendor.example.com/api"},
		{Name: "header", Type: "api-key", Secrets: key, Hosts: []string{"vendor.example.com"}, Settings: map[string]any{"header": "X-Vendor-Key"}},
		{Name: "query", Type: "api-key", Secrets: key, Hosts: []string{"vendor.example.com"}, Settings: map[string]any{"query": "apikey"}},
		{Name: "hmac", Type: "hmac", Secrets: key},
		{Name: "literal", Hosts: []string{"127.0.0.1", "[::1]", "169.254.169.254", "10.0.0.1", "0.0.0.0", "[::ffff:7f00:1]", "[64:ff9b::a00:1]", "[fe80::1]", "100.64.0.1"}},
		{Name: "private", Private: true, Hosts: []string{"169.254.169.254", "0.0.0.0", "224.0.0.1", "[64:ff9b::a9fe:a9fe]"}},
	}
}

// Each of these must be refused before anything is sent.
func TestDoRefuses(t *testing.T) {
	t.Parallel()
	c := newClient(t, outbound.Config{Connections: refusing(), Allow: []string{"open.example.com"}})
	rules := outbound.RulesOf(refusing(), []string{"open.example.com"})
	const url = "https://vendor.example.com/x"
	tests := []struct {
		name       string
		connection string
		method     string
		url        string
		header     [2]string
		want       string // in the message
	}{
		{"unknown connection", "nope", "", url, [2]string{}, `no connection "nope"`},
		{"no connection, host not allowed", "", "", url, [2]string{}, `host "vendor.example.com" is not allowed for calls without a connection: add it to outbound.allow`},
		{"credential to a host not listed", "bearer", "", "https://evil.example.com/", [2]string{}, `host "evil.example.com" is not allowed for connection "bearer": add it to connections.bearer.hosts`},
		{"credential to a name that ends alike", "bearer", "", "https://xvendor.example.com/", [2]string{}, "is not allowed"},
		{"credential to a name that goes on", "bearer", "", "https://vendor.example.com.evil.net/", [2]string{}, "is not allowed"},
		{"credential to another port", "bearer", "", "https://vendor.example.com:8443/", [2]string{}, `host "vendor.example.com:8443" is not allowed`},
		{"credential over http", "bearer", "", "http://vendor.example.com/", [2]string{}, "needs https"},
		{"the wildcard's own name", "plain", "", "https://wide.example.com/", [2]string{}, "is not allowed"},
		{"a listed port means that port", "plain", "", "https://other.example.com/", [2]string{}, "is not allowed"},
		{"inbound only", "hmac", "", url, [2]string{}, "only checks callers"},
		{"scheme ftp", "plain", "", "ftp://vendor.example.com/", [2]string{}, `scheme "ftp"`},
		{"scheme file", "plain", "", "file:///etc/passwd", [2]string{}, `scheme "file"`},
		{"no host", "plain", "", "https:vendor.example.com", [2]string{}, "no host"},
		{"user name", "plain", "", "https://user:pw@vendor.example.com/", [2]string{}, "user name"},
		{"user name that looks like the host", "plain", "", "https://vendor.example.com@evil.net/", [2]string{}, "user name"},
		{"port 0", "plain", "", "https://vendor.example.com:0/", [2]string{}, `port "0"`},
		{"port too large", "plain", "", "https://vendor.example.com:70000/", [2]string{}, `port "70000"`},
		{"host outside ASCII", "plain", "", "https://vendör.example.com/", [2]string{}, "xn--"},
		{"backslash in the host", "plain", "", `https://vendor.example.com\@evil.net/`, [2]string{}, "invalid userinfo"},
		{"line break in the URL", "plain", "", "https://vendor.example.com/\r\nX: y", [2]string{}, "invalid control character"},
		{"path without baseURL", "plain", "", "/x", [2]string{}, "has no baseURL"},
		{"path without connection", "", "", "/x", [2]string{}, "there is no baseURL"},
		{"another host through the path", "based", "", "https://evil.example.com/", [2]string{}, "is not allowed"},
		{"above the base", "based", "", "/orders/../../admin", [2]string{}, `the part ".." of its path would lead elsewhere`},
		{"above the base at once", "based", "", "..", [2]string{}, `the part ".." of its path would lead elsewhere`},
		{"above the base by escapes", "based", "", "orders/%2e%2E/admin", [2]string{}, `the part "%2e%2E" of its path would lead elsewhere`},
		{"above the base before the query", "based", "", "/orders/..?a=1", [2]string{}, `the part ".." of its path would lead elsewhere`},
		{"a segment of one dot", "based", "", "/./orders", [2]string{}, `the part "." of its path would lead elsewhere`},
		{"dots in a whole address", "plain", "", "https://vendor.example.com/a/../b", [2]string{}, `the part ".." of its path would lead elsewhere`},
		{"dots behind backslashes", "based", "", `/orders\..\admin`, [2]string{}, `has no place in a path; write "%5C"`},
		{"CONNECT", "plain", "CONNECT", url, [2]string{}, "method CONNECT"},
		{"connect in lower case", "plain", "connect", url, [2]string{}, "method CONNECT"},
		{"TRACE", "plain", "TRACE", url, [2]string{}, "method TRACE"},
		{"injection by the method", "plain", "GET / HTTP/1.1\r\nX: y", url, [2]string{}, "expected a word"},
		{"injection by a value", "plain", "", url, [2]string{"X-A", "a\r\nX-B: b"}, "line break"},
		{"injection by a name", "plain", "", url, [2]string{"X-A: a\r\nX-B", "b"}, "not a header's name"},
		{"NUL in a value", "plain", "", url, [2]string{"X-A", "a\x00"}, "control character"},
		{"Authorization", "plain", "", url, [2]string{"authorization", "Bearer x"}, "credentials come from the connection"},
		{"Proxy-Authorization", "plain", "", url, [2]string{"Proxy-Authorization", "x"}, "credentials come from the connection"},
		{"Cookie", "plain", "", url, [2]string{"Cookie", "a=b"}, "cookies are kept"},
		{"Host", "plain", "", url, [2]string{"HOST", "evil.net"}, "follows from the URL"},
		{"Idempotency-Key", "plain", "", url, [2]string{"idempotency-key", "1"}, "derived from the run"},
		{"Content-Length", "plain", "", url, [2]string{"Content-Length", "7"}, "follows from the body"},
		{"Transfer-Encoding", "plain", "", url, [2]string{"Transfer-Encoding", "chunked"}, "one hop"},
		{"Connection", "plain", "", url, [2]string{"Connection", "X-A"}, "one hop"},
		{"Upgrade", "plain", "", url, [2]string{"Upgrade", "h2c"}, "one hop"},
		{"TE", "plain", "", url, [2]string{"TE", "trailers"}, "one hop"},
		{"Accept-Encoding", "plain", "", url, [2]string{"Accept-Encoding", "gzip"}, "decompressed"},
		{"the credential's own header", "header", "", url, [2]string{"x-vendor-key", "mine"}, `is set by connection "header"`},
		{"the credential's own parameter", "query", "", url + "?apikey=mine", [2]string{}, `query parameter "apikey" is set by`},
		{"loopback", "literal", "", "http://127.0.0.1/", [2]string{}, `127.0.0.1 is a loopback address: if it is meant, set private: true for connection "literal"`},
		{"loopback, IPv6", "literal", "", "http://[::1]/", [2]string{}, "::1 is a loopback address"},
		{"loopback, IPv4 in IPv6", "literal", "", "http://[::ffff:127.0.0.1]/", [2]string{}, "127.0.0.1 is a loopback address"},
		{"private", "literal", "", "http://10.0.0.1/", [2]string{}, "10.0.0.1 is a private address"},
		{"carrier", "literal", "", "http://100.64.0.1/", [2]string{}, "carrier"},
		{"link-local, IPv6", "literal", "", "http://[fe80::1]/", [2]string{}, "link-local"},
		{"NAT64", "literal", "", "http://[64:ff9b::10.0.0.1]/", [2]string{}, "NAT64"},
		{"unspecified", "literal", "", "http://0.0.0.0/", [2]string{}, "no call may go there"},
		{"metadata", "literal", "", "http://169.254.169.254/latest/", [2]string{}, "no call may go there"},
		{"metadata from a private connection", "private", "", "http://169.254.169.254/latest/", [2]string{}, "no call may go there"},
		{"metadata behind NAT64 from a private connection", "private", "", "http://[64:ff9b::a9fe:a9fe]/", [2]string{}, "no call may go there"},
		{"unspecified from a private connection", "private", "", "http://0.0.0.0/", [2]string{}, "no call may go there"},
		{"multicast from a private connection", "private", "", "http://224.0.0.1/", [2]string{}, "no call may go there"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			call := wire.Call{Method: test.method, URL: test.url}
			if test.header[0] != "" {
				call.Headers = map[string]string{test.header[0]: test.header[1]}
			}
			reply := c.Do(t.Context(), outbound.Request{Connection: test.connection, Call: call})
			if reply.Failure != wire.Refused || !strings.Contains(reply.Message, test.want) {
				t.Errorf("Do = %+v, want refused: …%s…", reply, test.want)
			}
			// Of connections and methods others tell.
			if test.method != "" || test.connection == "nope" || test.connection == "hmac" {
				return
			}
			plan := outbound.Plan{Connection: test.connection, URL: test.url, Headers: call.Headers}
			told := rules.Refusals(plan)
			if len(told) != 1 || !strings.Contains(told[0].Msg, test.want) {
				t.Errorf("Refusals = %+v, want one: …%s…", told, test.want)
			}
		})
	}
}

func TestDoRefusesAHeaderGivenTwice(t *testing.T) {
	t.Parallel()
	c := connect(t, outbound.Connection{Hosts: []string{"vendor.example.com"}})
	r := get("https://vendor.example.com/")
	r.Call.Headers = map[string]string{"X-A": "1", "x-a": "2"}
	if reply := c.Do(t.Context(), r); reply.Failure != wire.Refused || !strings.Contains(reply.Message, "given twice") {
		t.Errorf("Do = %+v, want refused", reply)
	}
}

func TestDoRefusesWhatANameResolvesTo(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "172.20.0.1", "100.100.100.200"} {
		t.Run(addr, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, outbound.Config{
				Allow:    []string{"*"},
				Resolver: fakeDNS(func(int) netip.Addr { return netip.MustParseAddr(addr) }),
			})
			reply := c.Do(t.Context(), outbound.Request{Call: wire.Call{URL: "http://vendor.example.com/"}})
			if reply.Failure != wire.Refused || !strings.Contains(reply.Message, addr) {
				t.Errorf("Do = %+v, want refused for %s", reply, addr)
			}
		})
	}
}

// A name that points to a permitted place when it is looked at, and elsewhere
// when it is called, gains nothing: what is checked is what is dialled.
func TestDoRefusesRebinding(t *testing.T) {
	t.Parallel()
	reached := false
	server := serve(t, func(http.ResponseWriter, *http.Request) { reached = true })
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	dns := fakeDNS(func(n int) netip.Addr {
		if n == 1 {
			return netip.MustParseAddr("169.254.169.254")
		}
		return netip.MustParseAddr("127.0.0.1")
	})
	c := newClient(t, outbound.Config{
		Connections: []outbound.Connection{
			{Name: "public", Hosts: []string{"vendor.example.com:" + port}},
			{Name: "private", Private: true, Hosts: []string{"vendor.example.com:" + port}},
		},
		Resolver: dns,
	})
	call := wire.Call{URL: "http://vendor.example.com:" + port + "/"}
	for range 2 {
		reply := c.Do(t.Context(), outbound.Request{Connection: "public", Call: call})
		if reply.Failure != wire.Refused || reached {
			t.Fatalf("Do = %+v, server reached: %t, want refused", reply, reached)
		}
	}
	// The open line of a private connection is no way in for another.
	if reply := c.Do(t.Context(), outbound.Request{Connection: "private", Call: call}); reply.Status != 200 || !reached {
		t.Fatalf("Do = %+v, want 200", reply)
	}
	if reply := c.Do(t.Context(), outbound.Request{Connection: "public", Call: call}); reply.Failure != wire.Refused {
		t.Errorf("Do = %+v, want refused although a line is open", reply)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	const public, private, never = "public", "private", "never"
	tests := map[string]string{
		"93.184.216.34": public, "8.8.8.8": public, "2606:2800:220:1::1": public, "::ffff:8.8.8.8": public,
		"172.15.255.255": public, "172.32.0.0": public, "100.63.255.255": public, "100.128.0.0": public, "11.0.0.0": public, "126.255.255.255": public, "128.0.0.0": public,
		"127.0.0.1": private, "127.255.255.255": private, "::1": private, "::ffff:127.0.0.1": private,
		"10.0.0.0": private, "10.255.255.255": private, "172.16.0.1": private, "172.31.255.255": private, "192.168.1.1": private, "::ffff:10.0.0.1": private,
		"fc00::1": private, "fd12:3456::1": private, "fe80::1": private, "fe80::1%eth0": private, "fec0::1": private, "169.254.1.1": private,
		"100.64.0.0": private, "100.127.255.255": private, "64:ff9b::808:808": private, "64:ff9b:1::1": private, "2002:808:808::": private, "2001::1": private,
		"198.18.0.1": private, "203.0.113.1": private, "2001:db8::1": private, "192.0.0.1": private,
		"169.254.169.254": never, "::ffff:169.254.169.254": never, "fd00:ec2::254": never, "100.100.100.200": never, "168.63.129.16": never,
		"64:ff9b::a9fe:a9fe": never, "2002:a9fe:a9fe::1": never, "0.0.0.0": never, "0.1.2.3": never, "::": never, "::7f00:1": never,
		"224.0.0.1": never, "239.255.255.255": never, "255.255.255.255": never, "240.0.0.1": never, "ff02::1": never, "100::1": never,
		"192.31.196.1": private, "192.175.48.1": private, "192.52.193.1": private, "3fff::1": private, "2620:4f:8000::1": private, "5f00::1": private,
		"100:0:0:1::1": never, "4000::1": never, "1::1": never, "e000::1": never, "3ffe::1": public,
	}
	for text, want := range tests {
		why, isNever := outbound.Judge(netip.MustParseAddr(text))
		got := public
		switch {
		case isNever:
			got = never
		case why != "":
			got = private
		}
		if got != want {
			t.Errorf("Judge(%s) = %s (%s), want %s", text, got, why, want)
		}
	}
}

// TestJudgeHasWords holds that all of IANA's registries is refused, and that there
// are words for each of their ranges: a newer library may bring one that needs some.
func TestJudgeHasWords(t *testing.T) {
	t.Parallel()
	for _, prefix := range slices.Concat(ssrf.IPv4DeniedPrefixes, ssrf.IPv6DeniedPrefixes) {
		why, _ := outbound.Judge(prefix.Addr())
		if why == "" || why == "an address for a special purpose" {
			t.Errorf("%s is %q", prefix, why)
		}
	}
}

func TestHostRules(t *testing.T) {
	t.Parallel()
	tests := []struct {
		rule, url string
		want      bool
	}{
		{"example.com", "https://example.com/", true},
		{"example.com", "http://example.com/", true},
		{"EXAMPLE.com.", "https://eXample.COM/", true},
		{"example.com", "https://example.com./", true},
		{"example.com", "https://example.com:443/", true},
		{"example.com", "http://example.com:80/", true},
		{"example.com", "http://example.com:443/", false},
		{"example.com:443", "https://example.com/", true},
		{"example.com:8443", "https://example.com:8443/", true},
		{"example.com:8443", "https://example.com/", false},
		{"example.com", "https://a.example.com/", false},
		{"*.example.com", "https://a.example.com/", true},
		{"*.example.com", "https://a.b.example.com/", true},
		{"*.example.com", "https://example.com/", false},
		{"*.example.com", "https://aexample.com/", false},
		{"*.example.com:8443", "https://a.example.com:8443/", true},
		{"*", "https://anything.test:99/", true},
		{"127.0.0.1", "http://127.0.0.1/", true},
		{"127.0.0.1:9101", "http://127.0.0.1:9101/", true},
		{"::1", "http://[::1]/", true},
		{"[::1]:80", "http://[0:0::1]/", true},
		{"[::1]", "http://[::1]:8080/", false},
		{"::ffff:127.0.0.1", "http://127.0.0.1/", true},
	}
	for _, test := range tests {
		got, err := outbound.HostMatches(test.rule, test.url)
		if err != nil || got != test.want {
			t.Errorf("rule %q, %s: %t, %v, want %t", test.rule, test.url, got, err, test.want)
		}
	}
	for _, rule := range []string{"", "https://example.com", "example.com/x", "u@example.com", "*.com", "a.*.com", "*x.com", "exa mple.com", "example.com:0", "example.com:http", "exämple.com"} {
		if _, err := outbound.HostMatches(rule, "https://example.com/"); err == nil {
			t.Errorf("rule %q was taken", rule)
		}
	}
}

// Whatever stands in a call's path, it stays with the host of the baseURL.
func FuzzJoin(f *testing.F) {
	for _, path := range []string{"", "/", "//evil.net/", "/../..", "?q", "\\evil.net", "@evil.net", ":80@evil.net", "#f", "/%2e%2e/"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		joined := outbound.Join("https://vendor.example.com:8443", path)
		if ok, err := outbound.HostMatches("vendor.example.com:8443", joined); err == nil && !ok {
			t.Errorf("Join(%q) = %q leaves the host", path, joined)
		}
	})
}

func TestDoWithCancelledContext(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the call was sent") })
	c := connect(t, outbound.Connection{BaseURL: server.URL, Private: true})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if reply := c.Do(ctx, get("/")); reply.Failure != wire.Interrupted || !strings.Contains(reply.Message, "had not been sent") {
		t.Errorf("Do = %+v, want interrupted before it was sent", reply)
	}
}
