package outbound_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/sdk/wire"
)

// attack is one attempt of a flow, of a vendor or of whoever answers for names.
type attack struct {
	name string
	// What is called: url is put after the vendor's address if it begins with "/".
	// With host, the connection lists that host, which resolves to the address.
	method, url, host, dns string
	header                 [2]string
	body                   string
	private                bool // with host: the connection says private: true
	// What the vendor answers: the bytes as they are. {token} is the connection's
	// secret, {elsewhere} and {home} are the addresses of another party and of the
	// vendor. With hang it says nothing more and keeps the line.
	answer string
	hang   bool
	// What is wrong with the vendor's certificate or its TLS: "stranger", "another name",
	// "expired", "not yet", "old" or "none".
	tls string
	// What the token endpoint answers instead; the connection is of that kind then.
	token string
	// What the flow gets: a failure and a part of the message, or a status and a part of
	// the body.
	failure wire.Failure
	status  int
	want    string
	sent    int // requests that the vendor got; the token endpoint's do not count
}

const (
	refused     = wire.Refused
	unreachable = wire.Unreachable
	timedOut    = wire.Timeout
	noToken     = wire.Unauthorized
	okHead      = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	okEmpty     = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
	okToken     = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
)

// addressed are the attempts to reach what no call may reach, by ways to write an
// address and by what a name resolves to.
func addressed() []attack {
	var rows []attack
	for host, why := range map[string]string{
		"127.0.0.1": "a loopback address", "127.255.255.254": "a loopback address", "[::1]": "a loopback address",
		"[0:0:0:0:0:0:0:1]": "a loopback address", "[::ffff:127.0.0.1]": "a loopback address", "[::ffff:7f00:1]": "a loopback address",
		"[::127.0.0.1]": "an IPv4 address in an outdated form", "[64:ff9b::7f00:1]": "NAT64", "[2002:7f00:1::]": "6to4",
		"10.0.0.1": "a private address", "172.31.255.255": "a private address", "192.168.1.1": "a private address", "[fd00::1]": "a private address",
		"100.64.0.1": "a carrier's inner address", "169.254.1.1": "a link-local address", "[fe80::1]": "a link-local address",
		"198.18.0.1": "an address for benchmarks", "192.0.0.8": "a protocol's own address", "[4000::1]": "an address that nobody has been given",
		"0.0.0.0": "no call may go there", "[::]": "no call may go there", "255.255.255.255": "no call may go there", "224.0.0.1": "no call may go there",
		"169.254.169.254": "no call may go there", "[::ffff:169.254.169.254]": "no call may go there", "[fd00:ec2::254]": "no call may go there", "100.100.100.200": "no call may go there",
	} {
		rows = append(rows, attack{name: "address " + host, host: host, url: "https://" + host + "/", failure: refused, want: why})
	}
	for _, host := range []string{"169.254.169.254", "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]", "0.0.0.0", "224.0.0.1", "[fd00:ec2::254]"} {
		rows = append(rows, attack{name: "private connection to " + host, host: host, private: true, url: "http://" + host + "/", failure: refused, want: "no call may go there"})
	}
	// Ours takes these for no names; those that take them for addresses are looked at
	// like the rest.
	for _, host := range []string{"2130706433", "0177.0.0.1", "127.1"} {
		rows = append(rows, attack{name: "number " + host, host: host, dns: "127.0.0.1", url: "https://" + host + "/", failure: unreachable, want: "no such host"})
	}
	for _, host := range []string{"0x7f000001", "0x7f.1", "localhost.", "vendor.localhost", "127.0.0.1.nip.example.com"} {
		rows = append(rows, attack{name: "name " + host, host: host, dns: "127.0.0.1", url: "https://" + host + "/", failure: refused, want: "127.0.0.1 is a loopback address"})
	}
	for dns, why := range map[string]string{
		"10.1.2.3": "a private address", "169.254.169.254": "no call may go there", "0.0.0.0": "no call may go there",
		"100.64.0.1": "a carrier's inner address", "168.63.129.16": "no call may go there", "224.0.0.1": "no call may go there",
	} {
		rows = append(rows, attack{name: "name that resolves to " + dns, host: "vendor.example.com", dns: dns, url: "https://vendor.example.com/", failure: refused, want: why})
	}
	return append(rows, attack{
		name: "private name that resolves to metadata", host: "metadata.example.com", dns: "169.254.169.254", private: true,
		url: "http://metadata.example.com/latest/meta-data/", failure: refused, want: "no call may go there",
	})
}

// written are the attempts by what a flow writes into a call.
func written() []attack {
	rows := []attack{
		{name: "another host", url: "https://evil.example.com/", want: `host "evil.example.com" is not allowed`},
		{name: "another host by slashes", url: "//evil.example.com/", status: 200, sent: 1}, // a path of the vendor's
		{name: "the host as a user name", url: "https://127.0.0.1@evil.example.com/", want: "user name"},
		{name: "a password in the address", url: "https://me:pw@127.0.0.1/", want: "user name"},
		{name: "backslash for slash", url: `/a\..\b`, want: "has no place in a path"},
		{name: "dots", url: "/a/../b", want: "would lead elsewhere"},
		{name: "dots by escapes", url: "/a/%2e%2E/b", want: "would lead elsewhere"},
		{name: "line break in the path", url: "/a\r\nX-Evil: 1", want: "invalid control character"},
		{name: "a fragment", url: "/a#b", status: 200, sent: 1}, // is not sent
		{name: "escaped letters in the host", url: "https://%65vil.example.com/", want: ""},
		{name: "a full stop of another script", url: "https://evil。example.com/", want: "xn--"},
		{name: "port 0", url: "https://127.0.0.1:0/", want: `port "0"`},
		{name: "port 65536", url: "https://127.0.0.1:65536/", want: `port "65536"`},
		{name: "another port", url: "https://127.0.0.1:1/", want: `host "127.0.0.1:1" is not allowed`},
		{name: "method CONNECT", method: "CONNECT", url: "/", want: "method CONNECT is not for calls"},
		{name: "method TRACE", method: "TRACE", url: "/", want: "method TRACE is not for calls"},
		{name: "method with a request in it", method: "GET / HTTP/1.1\r\nX:", url: "/", want: "expected a word"},
		{name: "header value with a line break", url: "/", header: [2]string{"X-A", "1\r\nX-Evil: 1"}, want: "line break"},
		{name: "header name with a line break", url: "/", header: [2]string{"X-A: 1\r\nX-Evil", "1"}, want: "not a header's name"},
		{name: "header value with NUL", url: "/", header: [2]string{"X-A", "\x00"}, want: "control character"},
	}
	for _, scheme := range []string{"ftp", "file", "gopher", "dict", "ldap", "ws", "unix", "jar", "javascript", "data"} {
		rows = append(rows, attack{name: "scheme " + scheme, url: scheme + "://127.0.0.1/x", want: fmt.Sprintf("scheme %q", scheme)})
	}
	for _, name := range []string{"Authorization", "proxy-authorization", "Cookie", "Host", "Content-Length", "Transfer-Encoding", "Connection", "TE", "Trailer", "Upgrade", "Expect", "Accept-Encoding", "Keep-Alive", "Idempotency-Key"} {
		rows = append(rows, attack{name: "header " + name, url: "/", header: [2]string{name, "1"}, want: "is not for the call to set"})
	}
	for i := range rows {
		if rows[i].status == 0 {
			rows[i].failure = refused
		}
		rows[i].answer = okEmpty
	}
	return rows
}

func zipped(body []byte) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(body)
	_ = w.Close()
	return b.String()
}

// answered are the attempts by what a vendor answers.
func answered() []attack {
	redirect := func(to string) string {
		return "HTTP/1.1 302 Found\r\nLocation: " + to + "\r\nContent-Length: 0\r\n\r\n"
	}
	bomb := zipped(make([]byte, 8<<20))
	gzipHead := okHead + "Content-Encoding: gzip\r\n"
	const limit = "larger than 4096 bytes"
	rows := []attack{
		{name: "body over the limit", answer: okHead + "Content-Length: 5000\r\n\r\n" + strings.Repeat("x", 5000), failure: refused, want: limit},
		{name: "body that says it is huge", answer: okHead + "Content-Length: 9999999999999\r\n\r\n" + strings.Repeat("x", 5000), failure: refused, want: limit},
		{name: "chunks over the limit", answer: okHead + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("3e8\r\n"+strings.Repeat("x", 1000)+"\r\n", 6) + "0\r\n\r\n", failure: refused, want: limit},
		{name: "body without an end", answer: okHead + "\r\n" + strings.Repeat("x", 5000), hang: true, failure: refused, want: limit},
		{name: "body that grows when it is unpacked", answer: gzipHead + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(bomb), bomb), failure: refused, want: limit},
		{name: "packed body that is cut", answer: gzipHead + "Content-Length: 20\r\n\r\n" + zipped([]byte("{}"))[:20], failure: unreachable, want: "answered 200, then the reply broke off"},
		{name: "packed body that is none", answer: gzipHead + "Content-Length: 4\r\n\r\nnone", failure: unreachable, want: "answered 200, then the reply broke off"},
		{name: "packed twice", answer: gzipHead + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(zipped([]byte(bomb))), zipped([]byte(bomb))), failure: refused, want: limit},
		{name: "packed in a way that was not asked for", answer: okHead + "Content-Encoding: br\r\nContent-Length: 2\r\n\r\nab", status: 200, want: "ab"},
		{name: "shorter than its length", answer: okHead + "Content-Length: 50\r\n\r\n{}", failure: unreachable, want: "answered 200, then the reply broke off"},
		{name: "longer than its length", answer: okHead + "Content-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n\r\n", status: 200, want: "{}"},
		{name: "a negative length", answer: okHead + "Content-Length: -1\r\n\r\n{}", failure: unreachable, want: "bad Content-Length"},
		{name: "a length that is no number", answer: okHead + "Content-Length: 2x\r\n\r\n{}", failure: unreachable, want: "bad Content-Length"},
		{name: "a length beyond 64 bits", answer: okHead + "Content-Length: 99999999999999999999\r\n\r\n{}", failure: unreachable, want: "bad Content-Length"},
		{name: "two lengths", answer: okHead + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", failure: unreachable, want: "Content-Length"},
		{name: "a length and chunks", answer: okHead + "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", status: 200, want: "{}"},
		{name: "a chunk's length that is no number", answer: okHead + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", failure: unreachable, want: "broke off"},
		{name: "a chunk's length beyond 64 bits", answer: okHead + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n", failure: unreachable, want: "broke off"},
		{name: "chunks that are cut", answer: okHead + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", failure: unreachable, want: "broke off"},
		{name: "an encoding that there is not", answer: okHead + "Transfer-Encoding: chunked, gzip\r\n\r\n{}", failure: unreachable, want: "transfer encoding"},
		{name: "a trailer with the credential", answer: okHead + "Transfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n2\r\n{}\r\n0\r\nX-T: {token}\r\n\r\n", status: 200, want: "{}"},
		{name: "a header over the limit", answer: "HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("x", 100<<10) + "\r\n\r\n", failure: unreachable, want: "server response headers exceeded"},
		{name: "headers over the limit together", answer: "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-A: "+strings.Repeat("x", 100)+"\r\n", 1000) + "\r\n", failure: unreachable, want: "server response headers exceeded"},
		{name: "a header without a colon", answer: "HTTP/1.1 200 OK\r\nnothing\r\n\r\n", failure: unreachable, want: "malformed"},
		{name: "a header with the credential for its name", answer: okHead + "X-{token}: 1\r\nContent-Length: 2\r\n\r\n{}", status: 200, want: "{}"},
		{name: "a header's name with a blank", answer: "HTTP/1.1 200 OK\r\nX A : {token}\r\nContent-Length: 2\r\n\r\n{}", status: 200, want: "{}"},
		{name: "no answer but a word", answer: "hello {token}\r\n\r\n", failure: unreachable, want: "malformed HTTP"},
		{name: "another protocol", answer: "SSH-2.0-OpenSSH_9.2\r\n", failure: unreachable, want: "malformed HTTP"},
		{name: "a version that there is not", answer: "HTTP/7.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", status: 200, want: "{}"},
		{name: "a status of four digits", answer: "HTTP/1.1 2000 OK\r\n\r\n", failure: unreachable, want: "malformed HTTP status code"},
		{name: "a status below 100", answer: "HTTP/1.1 -20 OK\r\n\r\n", failure: unreachable, want: "malformed HTTP status code"},
		{name: "a status of zeros", answer: "HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\n{}", failure: unreachable, want: "the status 000, which is no end of a call"},
		{name: "a status that is no number", answer: "HTTP/1.1 abc {token}\r\n\r\n", failure: unreachable, want: "malformed HTTP status code"},
		{name: "a status text with the credential", answer: "HTTP/1.1 400 {token}\r\nContent-Length: 0\r\n\r\n", status: 400},
		{name: "hints without an end", answer: strings.Repeat("HTTP/1.1 103 Early Hints\r\nX-A: "+strings.Repeat("x", 1000)+"\r\n\r\n", 200), failure: unreachable, want: ""},
		{name: "another protocol is offered", answer: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", hang: true, failure: unreachable, want: "the status 101, which is no end of a call"},
		{name: "the line is cut in the header", answer: "HTTP/1.1 200 OK\r\nContent-", failure: unreachable, want: "it had been sent, so it may have been done"},
		{name: "the line is cut at once", answer: "", failure: unreachable, want: "it had been sent, so it may have been done"},
		{name: "silence", hang: true, failure: timedOut, want: "no complete reply within"},
		{name: "silence in the header", answer: "HTTP/1.1 200 OK\r\nX-A:", hang: true, failure: timedOut, want: "no complete reply within"},
		{name: "silence in the body", answer: okHead + "Content-Length: 50\r\n\r\n{", hang: true, failure: timedOut, want: "no complete reply within"},
		{name: "silence between chunks", answer: okHead + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", hang: true, failure: timedOut, want: "no complete reply within"},
		{name: "a cookie", answer: "HTTP/1.1 200 OK\r\nSet-Cookie: session={token}; Domain=example.com\r\nContent-Length: 2\r\n\r\n{}", status: 200, want: "{}"},
		{name: "many cookies", answer: "HTTP/1.1 200 OK\r\n" + strings.Repeat("Set-Cookie: a={token}\r\n", 500) + "Content-Length: 2\r\n\r\n{}", status: 200, want: "{}"},
		{name: "a cookie of the old form", answer: "HTTP/1.1 200 OK\r\nSet-Cookie2: a={token}\r\nContent-Length: 2\r\n\r\n{}", status: 200, want: "{}"},
		{name: "Retry-After for years", answer: "HTTP/1.1 429 Slow\r\nRetry-After: 99999999999999999999\r\nContent-Length: 0\r\n\r\n", status: 429},

		{name: "redirect elsewhere", answer: redirect("{elsewhere}/"), failure: refused, want: "is not allowed"},
		{name: "redirect elsewhere without a scheme", answer: redirect("//evil.example.com/"), failure: refused, want: "is not allowed"},
		{name: "redirect to metadata", answer: redirect("http://169.254.169.254/latest/"), failure: refused, want: "is not allowed"},
		{name: "redirect to a file", answer: redirect("file:///etc/passwd"), failure: refused, want: `scheme "file"`},
		{name: "redirect with a user name", answer: redirect("http://a:b@{home}/"), failure: refused, want: "user name"},
		{name: "redirect to an address that is none", answer: redirect("http://[::1"), failure: refused, want: "redirect from"},
		{name: "redirect to another port", answer: redirect("http://127.0.0.1:1/"), failure: refused, want: "is not allowed"},
		{name: "redirect that takes the credential along", answer: redirect("{elsewhere}/?t={token}"), failure: refused, want: "is not allowed"},
		{name: "redirect without an end", answer: redirect("/again"), failure: refused, want: "more than 5 redirects", sent: 6},
		{name: "redirect to nowhere", answer: redirect(""), status: 302},
		{name: "redirect of a POST", method: "POST", body: "{}", answer: "HTTP/1.1 307 Temporary\r\nLocation: {elsewhere}/\r\nContent-Length: 0\r\n\r\n", status: 307},
		{name: "refresh elsewhere", answer: "HTTP/1.1 200 OK\r\nRefresh: 0; url={elsewhere}/\r\nContent-Length: 2\r\n\r\n{}", status: 200, want: "{}"},
		{name: "another service is offered", answer: "HTTP/1.1 200 OK\r\nAlt-Svc: h2=\"{elsewhere}\"\r\nContent-Length: 2\r\n\r\n{}", status: 200, want: "{}"},
	}
	for name, body := range map[string]string{
		"a text": "you sent {token}", "a JSON value": `{"a":"{token}"}`, "a JSON name": `{"{token}":1}`, "escapes of JSON": `{"a":"\u0074ok-4f9a17"}`,
		"a page": "<p>{token}</p>", "an address": `{"next":"/b?t=tok%2d4f9a17"}`, "hex": "746f6b2d346639613137", "base64": "dG9rLTRmOWExNw==",
	} {
		rows = append(rows, attack{name: "the credential comes back in " + name, answer: okToken + body, status: 200})
	}
	for i := range rows {
		rows[i].url = "/"
		rows[i].sent = max(1, rows[i].sent)
	}
	return rows
}

// issued are the attempts by what a token endpoint answers. The secret is the one
// that it was sent.
func issued() []attack {
	rows := []attack{
		{name: "token: a page", token: okToken + "<html>{token}</html>", failure: noToken, want: "no credential for"},
		{name: "token: none in it", token: okToken + `{"token_type":"bearer"}`, failure: noToken, want: "no credential for"},
		{name: "token: of another kind", token: okToken + `{"access_token":7}`, failure: noToken, want: "no credential for"},
		{name: "token: with a line break", token: okToken + `{"access_token":"a\r\nX-Evil: 1","token_type":"bearer"}`, failure: noToken, want: "which no header can carry"},
		{name: "token: with a letter outside ASCII", token: okToken + `{"access_token":"tökén-123","token_type":"bearer"}`, failure: noToken, want: "which no header can carry"},
		{name: "token: too long", token: okToken + `{"access_token":"` + strings.Repeat("a", 20<<10) + `","token_type":"bearer"}`, failure: noToken, want: "more than 16384"},
		{name: "token: the secret in an error", token: "HTTP/1.1 400 Bad\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + `{"error":"{token}","error_description":"{token}"}`, failure: noToken, want: "answered 400"},
		{name: "token: the secret in a status text", token: "HTTP/1.1 401 {token}\r\nConnection: close\r\n\r\n{token}", failure: noToken, want: "answered 401"},
		{name: "token: redirect elsewhere", token: "HTTP/1.1 307 Temporary\r\nLocation: {elsewhere}/token\r\nConnection: close\r\n\r\n", failure: noToken, want: "answered 307"},
		{name: "token: redirect by GET", token: "HTTP/1.1 302 Found\r\nLocation: {elsewhere}/token\r\nConnection: close\r\n\r\n", failure: noToken, want: "answered 302"},
		{name: "token: the line is cut", token: "HTTP/1.1 200 OK\r\nContent-Le", failure: unreachable, want: "token endpoint: "},
		{name: "token: no HTTP", token: "hello {token}\r\n\r\n", failure: unreachable, want: "token endpoint: "},
		{name: "token: it is down", token: "HTTP/1.1 503 Away\r\nConnection: close\r\n\r\n{token}", failure: unreachable, want: "answered 503"},
		{name: "token: a life of centuries", token: okToken + `{"access_token":"granted-1234","token_type":"bearer","expires_in":99999999999}`, status: 200, sent: 1},
		{name: "token: a life that is none", token: okToken + `{"access_token":"granted-1234","token_type":"bearer","expires_in":"{token}"}`, failure: noToken, want: "cannot be read as a token"},
		{name: "token: a life beyond all numbers", token: okToken + `{"access_token":"granted-1234","token_type":"bearer","expires_in":1e300}`, failure: noToken, want: "cannot be read as a token"},
		{name: "token: a life that is negative", token: okToken + `{"access_token":"granted-1234","token_type":"bearer","expires_in":-5}`, status: 200, sent: 1},
	}
	for i := range rows {
		rows[i].url, rows[i].answer = "/", okEmpty
	}
	return rows
}

// pretended are the attempts by who is not the vendor. Each sends its whole answer to
// whoever takes it for the vendor.
func pretended() []attack {
	rows := []attack{
		{name: "TLS: a stranger's certificate", tls: "stranger", want: "certificate signed by unknown authority"},
		{name: "TLS: a certificate for another name", tls: "another name", want: "cannot validate certificate"},
		{name: "TLS: a certificate that has expired", tls: "expired", want: "certificate has expired or is not yet valid"},
		{name: "TLS: a certificate of the future", tls: "not yet", want: "certificate has expired or is not yet valid"},
		{name: "TLS: a version that is too old", tls: "old", want: "protocol version"},
		{name: "TLS: none", tls: "none", want: "does not look like a TLS handshake"},
	}
	for i := range rows {
		rows[i].url, rows[i].failure, rows[i].answer = "/", unreachable, okEmpty
	}
	return rows
}

// certified makes a line's other end as the row says, with the certificate that the
// connection trusts, in PEM.
func (a attack) certified(t *testing.T) (cfg *tls.Config, ca string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "vendor"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	switch a.tls {
	case "another name":
		template.IPAddresses, template.DNSNames = nil, []string{"other.example.com"}
	case "expired":
		template.NotAfter = now.Add(-time.Minute)
	case "not yet":
		template.NotBefore = now.Add(time.Minute)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cfg = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	if a.tls == "old" {
		cfg.MinVersion, cfg.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	}
	if a.tls == "stranger" {
		_, ca := attack{}.certified(t)
		return cfg, ca
	}
	return cfg, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// TestAttacks is the table of what flows, vendors and name servers may try. Each is
// answered as its row says, and whatever it is: nobody but the vendor gets anything,
// and no flow sees the credential.
func TestAttacks(t *testing.T) {
	t.Parallel()
	var rows []attack
	for _, more := range [][]attack{addressed(), written(), answered(), issued(), pretended()} {
		rows = append(rows, more...)
	}
	if len(rows) < 60 {
		t.Fatalf("%d attempts only", len(rows))
	}
	seen := map[string]bool{}
	for _, row := range rows {
		if seen[row.name] {
			t.Fatalf("two attempts are called %q", row.name)
		}
		seen[row.name] = true
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			row.try(t)
		})
	}
}

func (a attack) try(t *testing.T) {
	t.Helper()
	var strays atomic.Int64
	elsewhere := serve(t, func(http.ResponseWriter, *http.Request) { strays.Add(1) })
	secret := env["TOKEN"]
	fill := func(home string) *strings.Replacer {
		return strings.NewReplacer("{token}", secret, "{elsewhere}", elsewhere.URL, "{home}", home)
	}
	var secure *tls.Config
	trust := outbound.TLS{}
	scheme := "http://"
	if a.tls != "" {
		cfg, ca := a.certified(t)
		trust.CAFile, scheme = filepath.Join(t.TempDir(), "ca.pem"), "https://"
		if err := os.WriteFile(trust.CAFile, []byte(ca), 0o600); err != nil {
			t.Fatal(err)
		}
		if a.tls != "none" {
			secure = cfg
		}
	}
	vendor := listen(t, a.answer, a.hang, secure, fill)
	c := outbound.Connection{Name: "c", Type: "bearer", Secrets: map[string]string{"token": "env:TOKEN"}, BaseURL: scheme + vendor.addr, Private: true, TLS: trust}
	if a.hang && a.failure == timedOut {
		c.Timeout = 200 * time.Millisecond
	}
	if a.host != "" {
		c.BaseURL, c.Hosts, c.Private = "", []string{strings.Trim(a.host, "[]")}, a.private
		if !strings.HasPrefix(a.host, "[") {
			c.Hosts = []string{a.host}
		}
	}
	if a.token != "" {
		issuer := listen(t, a.token, false, nil, fill)
		c.Type, c.Secrets = "oauth2-client-credentials", map[string]string{"clientSecret": "env:TOKEN"}
		c.Settings = map[string]any{"clientId": "wend", "tokenURL": "http://" + issuer.addr + "/token"}
	}
	cfg := outbound.Config{Connections: []outbound.Connection{c}, MaxReply: 4096}
	if a.dns != "" {
		cfg.Resolver = fakeDNS(func(int) netip.Addr { return netip.MustParseAddr(a.dns) })
	}
	call := wire.Call{Method: a.method, URL: a.url, Body: []byte(a.body)}
	if a.header[0] != "" {
		call.Headers = map[string]string{a.header[0]: a.header[1]}
	}
	reply := newClient(t, cfg).Do(t.Context(), outbound.Request{Connection: "c", Call: call, Key: "k"})
	if reply.Failure != a.failure || reply.Status != a.status || !strings.Contains(reply.Message+string(reply.Body), a.want) {
		t.Errorf("Do = %d %s %q %q, want %d %s …%s…", reply.Status, reply.Failure, reply.Message, reply.Body, a.status, a.failure, a.want)
	}
	if got := vendor.requests.Load(); int(got) != a.sent {
		t.Errorf("the vendor got %d requests, want %d", got, a.sent)
	}
	if strays.Load() > 0 {
		t.Error("somebody else got a request")
	}
	if shown := fmt.Sprint(reply); shows(shown, secret) {
		t.Errorf("the flow sees the credential: %s", shown)
	}
}

// shows tells whether a text has a secret, in any case of letters and in the forms
// that nobody reads but everybody can.
func shows(text, secret string) bool {
	text = strings.ToLower(text)
	for _, form := range []string{secret, strings.ReplaceAll(secret, "-", "%2d"), fmt.Sprintf("%x", secret), "dg9rltrmowexnw"} {
		if strings.Contains(text, strings.ToLower(form)) {
			return true
		}
	}
	return false
}

// rawServer answers each request with the same bytes.
type rawServer struct {
	addr     string
	requests atomic.Int64
}

func listen(t *testing.T, answer string, hang bool, secure *tls.Config, fill func(home string) *strings.Replacer) *rawServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &rawServer{addr: l.Addr().String()}
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	answer = fill(s.addr).Replace(answer)
	over := make(chan struct{})
	t.Cleanup(func() {
		close(over)
		_ = l.Close()
	})
	go func() {
		for {
			line, err := l.Accept()
			if err != nil {
				return
			}
			go s.serve(line, answer, hang, over)
		}
	}()
	return s
}

func (s *rawServer) serve(line net.Conn, answer string, hang bool, over <-chan struct{}) {
	defer line.Close()
	r, err := http.ReadRequest(bufio.NewReader(line))
	if err != nil {
		_, _ = io.WriteString(line, answer) // whoever it is
		return
	}
	_ = r.Body.Close()
	s.requests.Add(1)
	_, _ = line.Write([]byte(answer))
	if hang {
		<-over
	}
}
