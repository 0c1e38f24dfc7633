package outbound_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/sdk/wire"
)

func TestDoSends(t *testing.T) {
	t.Parallel()
	var got seen
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got.note(r)
		w.Header().Set("Location", "/tasks/1")
		w.Header().Add("X-Many", "a")
		w.Header().Add("X-Many", "b")
		http.SetCookie(w, &http.Cookie{Name: "sid", Value: "1"})
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"id":1}`)
	})
	c := connect(t, outbound.Connection{BaseURL: server.URL + "/api/", Private: true})
	reply := c.Do(t.Context(), outbound.Request{
		Connection: "c", Key: "run.n4.1.0", TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
		Call: wire.Call{
			Method: "post", URL: "/v1/tasks?a=%2F&b=1#part",
			Headers: map[string]string{"content-type": "application/json", "x-tracking": "t1"}, Body: []byte(`{"n":1}`),
		},
	})
	if reply.Status != 201 || string(reply.Body) != `{"id":1}` || reply.Failure != "" {
		t.Fatalf("Do = %+v, want 201", reply)
	}
	delete(reply.Headers, "date")
	wantHeaders := map[string][]string{
		"location": {"/tasks/1"}, "x-many": {"a", "b"}, "content-length": {"8"}, "content-type": {"text/plain; charset=utf-8"},
	}
	if diff := cmp.Diff(wantHeaders, reply.Headers); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	r, body := got.last()
	if r.Method != "POST" || r.RequestURI != "/api/v1/tasks?a=%2F&b=1" || body != `{"n":1}` {
		t.Errorf("sent %s %s %s", r.Method, r.RequestURI, body)
	}
	for name, want := range map[string]string{
		"Idempotency-Key": "run.n4.1.0", "Content-Type": "application/json", "X-Tracking": "t1", "User-Agent": "wend",
		"Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	} {
		if r.Header.Get(name) != want {
			t.Errorf("sent %s: %q, want %q", name, r.Header.Get(name), want)
		}
	}
}

func TestDoSendsNoKeyWithSafeCalls(t *testing.T) {
	t.Parallel()
	var got seen
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { got.note(r) })
	c := connect(t, outbound.Connection{BaseURL: server.URL, Private: true})
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"} {
		reply := c.Do(t.Context(), outbound.Request{Connection: "c", Key: "k", Call: wire.Call{Method: method}})
		r, _ := got.last()
		unsafe := !slices.Contains([]string{"GET", "HEAD", "OPTIONS"}, method)
		if reply.Status != 200 || (r.Header.Get("Idempotency-Key") == "k") != unsafe {
			t.Errorf("%s: %+v, Idempotency-Key %q", method, reply, r.Header.Get("Idempotency-Key"))
		}
	}
}

func TestDoResolvesAgainstBaseURL(t *testing.T) {
	t.Parallel()
	tests := []struct{ base, path, want string }{
		{"", "/x", "/x"},
		{"/", "x", "/x"},
		{"/api", "", "/api"},
		{"/api", "/x", "/api/x"},
		{"/api/", "/x/", "/api/x/"},
		{"/api", "?a=1", "/api?a=1"},
		{"/api", "//evil.net/x", "/api/evil.net/x"},
		{"/api", "/a%2Fb/c:d", "/api/a%2Fb/c:d"},
		{"", "@evil.net", "/@evil.net"},
		{"/api", "/a..b/...", "/api/a..b/..."},
		{"/api", "/..%2Fadmin", "/api/..%2Fadmin"},
		{"/api", "/a b/é", "/api/a%20b/%C3%A9"},
		{"/api", "/é/a%2F..%2fb/c d", "/api/%C3%A9/a%2F..%2fb/c%20d"}, // one segment stays one
		{"/ü", "/a%2Fb", "/%C3%BC/a%2Fb"},
		{"/api", "/x?q=a b&é=\"<>\\^`{|}", "/api/x?q=a%20b&%C3%A9=%22%3C%3E%5C%5E%60%7B%7C%7D"},
		{"/api", "/x?q=../..", "/api/x?q=../.."},
	}
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RequestURI) })
	for _, test := range tests {
		c := connect(t, outbound.Connection{BaseURL: server.URL + test.base, Private: true})
		if reply := c.Do(t.Context(), get(test.path)); string(reply.Body) != test.want {
			t.Errorf("base %q, path %q: sent %s (%s), want %s", test.base, test.path, reply.Body, reply.Message, test.want)
		}
	}
}

// net/http sends a request again on its own if a kept line breaks and the
// request has an Idempotency-Key. Ours must go out once.
func TestDoNeverRepeatsAnUnsafeCall(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", `{}`} {
		var posts atomic.Int32
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				posts.Add(1)
				panic(http.ErrAbortHandler) // the line breaks without an answer
			}
		})
		c := connect(t, outbound.Connection{BaseURL: server.URL, Private: true})
		if reply := c.Do(t.Context(), get("/")); reply.Status != 200 { // now there is a kept line
			t.Fatal(reply)
		}
		r := post("/")
		r.Call.Body = []byte(body)
		r.Call.Headers = map[string]string{"X-Idempotency-Key": "mine"}
		reply := c.Do(t.Context(), r)
		if reply.Failure != wire.Unreachable || !strings.Contains(reply.Message, "may have been done") {
			t.Errorf("Do = %+v, want unreachable, possibly done", reply)
		}
		if n := posts.Load(); n != 1 {
			t.Errorf("body %q: sent %d times, want once", body, n)
		}
	}
}

func TestDoFailures(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/drop":
			panic(http.ErrAbortHandler)
		case "/cut":
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "short")
		case "/hang":
			<-release
		case "/drip":
			fmt.Fprint(w, "begun")
			w.(http.Flusher).Flush()
			<-release
		case "/large":
			w.Write(make([]byte, 2000))
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			z.Write(make([]byte, 1<<20))
			z.Close()
		}
	})
	defer close(release)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + listener.Addr().String()
	listener.Close()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = quiet
	secure.StartTLS()
	defer secure.Close()

	c := newClient(t, outbound.Config{MaxReply: 1000, Connections: []outbound.Connection{{
		Name: "c", BaseURL: server.URL, Private: true, Hosts: []string{host(closed), host(secure.URL), "nowhere.invalid"},
	}}})
	tests := []struct {
		url     string
		failure wire.Failure
		message string
	}{
		{closed, wire.Unreachable, "connection refused; it had not been sent"},
		{secure.URL, wire.Unreachable, "certificate"},
		{"/drop", wire.Unreachable, "EOF; it had been sent, so it may have been done"},
		{"/cut", wire.Unreachable, "answered 200, then the reply broke off: unexpected EOF"},
		{"/hang", wire.Timeout, "no complete reply within 300ms; it had been sent, so it may have been done"},
		{"/drip", wire.Timeout, "no complete reply within 300ms; it had been sent"},
		{"/large", wire.Refused, "the call was made and answered 200, but the reply is larger than 1000 bytes"},
		{"/bomb", wire.Refused, "larger than 1000 bytes"},
	}
	for _, test := range tests {
		t.Run(test.url, func(t *testing.T) {
			r := post(test.url)
			if test.failure == wire.Timeout {
				r.Timeout = 300 * time.Millisecond
			}
			reply := c.Do(t.Context(), r)
			if reply.Failure != test.failure || !strings.Contains(reply.Message, test.message) || reply.Status != 0 {
				t.Errorf("Do = %+v, want %s: …%s…", reply, test.failure, test.message)
			}
		})
	}
}

func host(url string) string { return url[strings.Index(url, "//")+2:] }

func TestDoUnknownName(t *testing.T) {
	t.Parallel()
	resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
	}}
	c := newClient(t, outbound.Config{Allow: []string{"vendor.example.com"}, Resolver: resolver})
	reply := c.Do(t.Context(), outbound.Request{Call: wire.Call{URL: "https://vendor.example.com/"}})
	if reply.Failure != wire.Unreachable || !strings.Contains(reply.Message, "lookup vendor.example.com") {
		t.Errorf("Do = %+v, want unreachable", reply)
	}
}

func TestDoInterrupted(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	server := serve(t, func(http.ResponseWriter, *http.Request) { close(arrived); <-release })
	defer close(release)
	c := connect(t, outbound.Connection{BaseURL: server.URL, Private: true})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	reply := c.Do(ctx, post("/"))
	if reply.Failure != wire.Interrupted || !strings.Contains(reply.Message, "may have been done") {
		t.Errorf("Do = %+v, want interrupted", reply)
	}
}

func TestDoTimeoutIsTheShorterOne(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	c := connect(t, outbound.Connection{BaseURL: server.URL, Private: true, Timeout: 40 * time.Millisecond})
	for timeout, want := range map[time.Duration]string{0: "within 40ms", time.Hour: "within 40ms", 10 * time.Millisecond: "within 10ms"} {
		r := get("/")
		r.Timeout = timeout
		if reply := c.Do(t.Context(), r); reply.Failure != wire.Timeout || !strings.Contains(reply.Message, want) {
			t.Errorf("timeout %s: %+v, want %s", timeout, reply, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if reply := c.Do(ctx, get("/")); reply.Failure != wire.Timeout {
		t.Errorf("deadline of the context: %+v, want timeout", reply)
	}
}

func TestDoReadsGzip(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Errorf("Accept-Encoding %q", r.Header.Get("Accept-Encoding"))
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		fmt.Fprint(z, "plain text")
		z.Close()
	})
	c := connect(t, outbound.Connection{BaseURL: server.URL, Private: true})
	if reply := c.Do(t.Context(), get("/")); string(reply.Body) != "plain text" {
		t.Errorf("Do = %+v", reply)
	}
}

func TestDoRateLimit(t *testing.T) {
	t.Parallel()
	var got seen
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { got.note(r) })
	c := connect(t, outbound.Connection{BaseURL: server.URL, Private: true, Rate: outbound.Rate{PerSecond: 0.001, Burst: 2}})
	for range 2 {
		if reply := c.Do(t.Context(), get("/")); reply.Status != 200 {
			t.Fatal(reply)
		}
	}
	// The third would have to wait for 1000 s: that is known at once.
	reply := c.Do(t.Context(), get("/"))
	if reply.Failure != wire.Timeout || !strings.Contains(reply.Message, `the rate limit of connection "c" did not let the call go in time; it had not been sent`) {
		t.Errorf("Do = %+v, want timeout by the rate limit", reply)
	}
	if got.count() != 2 {
		t.Errorf("%d calls sent, want 2", got.count())
	}
}

func TestDoConcurrencyLimit(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}, 3), make(chan struct{})
	server := serve(t, func(http.ResponseWriter, *http.Request) { arrived <- struct{}{}; <-release })
	c := connect(t, outbound.Connection{BaseURL: server.URL, Private: true, Concurrency: 2})
	var calls sync.WaitGroup
	for range 2 {
		calls.Go(func() { c.Do(t.Context(), get("/")) })
	}
	<-arrived
	<-arrived
	r := get("/")
	r.Timeout = 20 * time.Millisecond
	if reply := c.Do(t.Context(), r); reply.Failure != wire.Timeout || !strings.Contains(reply.Message, "concurrency limit") {
		t.Errorf("Do = %+v, want timeout by the concurrency limit", reply)
	}
	close(release)
	calls.Wait()
	if reply := c.Do(t.Context(), get("/")); reply.Status != 200 {
		t.Errorf("Do = %+v, want 200 once there is room", reply)
	}
}

func TestDoKeepsLinesOpen(t *testing.T) {
	t.Parallel()
	const clients, each = 64, 20
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	c := connect(t, outbound.Connection{BaseURL: server.URL, Private: true})
	var calls sync.WaitGroup
	for range clients {
		calls.Go(func() {
			for range each {
				if reply := c.Do(t.Context(), post("/")); reply.Status != 200 {
					t.Errorf("Do = %+v", reply)
				}
			}
		})
	}
	calls.Wait()
	// A call that finds no idle line may open one and then use another that
	// came free, so somewhat more than one line for each client is possible.
	if n := opened.Load(); n > 2*clients {
		t.Errorf("%d lines opened for %d clients and %d calls", n, clients, clients*each)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Proto, " ", r.Header.Get("Authorization"))
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = quiet
	server.StartTLS()
	t.Cleanup(server.Close)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	bearer := outbound.Connection{Type: "bearer", Secrets: map[string]string{"token": "env:TOKEN"}, BaseURL: server.URL, Private: true}
	tests := []struct {
		name string
		tls  outbound.TLS
		want wire.Failure
	}{
		{"unknown CA", outbound.TLS{}, wire.Unreachable},
		{"our CA", outbound.TLS{CAFile: ca}, ""},
		{"insecure", outbound.TLS{Insecure: true}, ""},
		{"another name", outbound.TLS{CAFile: ca, ServerName: "other.test"}, wire.Unreachable},
		{"the name of the certificate", outbound.TLS{CAFile: ca, ServerName: "example.com"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			connection := bearer
			connection.TLS = test.tls
			reply := connect(t, connection).Do(t.Context(), get("/"))
			if reply.Failure != test.want {
				t.Errorf("Do = %+v, want failure %q", reply, test.want)
			}
			if test.want == "" && string(reply.Body) != "HTTP/2.0 Bearer •••" {
				t.Errorf("body %q", reply.Body)
			}
		})
	}
}

// The server takes only those who show its own certificate as theirs.
func TestTLSClientCertificate(t *testing.T) {
	t.Parallel()
	cert, key := certificate(t)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.TLS.PeerCertificates[0].Subject.CommonName)
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: roots, ClientAuth: tls.RequireAndVerifyClientCert}
	server.Config.ErrorLog = quiet
	server.StartTLS()
	t.Cleanup(server.Close)
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, content := range map[string][]byte{certFile: cert, keyFile: key} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := connect(t, outbound.Connection{BaseURL: server.URL, Private: true, TLS: outbound.TLS{CAFile: certFile, CertFile: certFile, KeyFile: keyFile}})
	if reply := c.Do(t.Context(), get("/")); string(reply.Body) != "wend.test" {
		t.Errorf("Do = %+v, want our name", reply)
	}
	c = connect(t, outbound.Connection{BaseURL: server.URL, Private: true, TLS: outbound.TLS{CAFile: certFile}})
	if reply := c.Do(t.Context(), get("/")); reply.Failure != wire.Unreachable {
		t.Errorf("Do without a certificate = %+v, want unreachable", reply)
	}
	for path, want := range map[string]string{certFile: "tls.certFile: ", "/nowhere": "tls.keyFile: "} {
		_, err := outbound.New(outbound.Config{Connections: []outbound.Connection{{Name: "c", TLS: outbound.TLS{CertFile: certFile, KeyFile: path}}}})
		if err == nil || !strings.Contains(err.Error(), `connection "c": `+want) {
			t.Errorf("key %s: %v", path, err)
		}
	}
	_, err = outbound.New(outbound.Config{Connections: []outbound.Connection{{Name: "c", TLS: outbound.TLS{CAFile: keyFile}}}})
	if err == nil || !strings.Contains(err.Error(), "no certificate in") {
		t.Errorf("a CA file without certificate: %v", err)
	}
}

// certificate makes a certificate for 127.0.0.1 that signs itself.
func certificate(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "wend.test"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs})
}

func TestSettingsAndNames(t *testing.T) {
	t.Parallel()
	c := newClient(t, outbound.Config{Connections: []outbound.Connection{
		{Name: "b", Type: "api-key", Secrets: map[string]string{"key": "env:KEY"}, Settings: map[string]any{"header": "X-K", "tasksPath": "/t", "csrfText": 1}},
		{Name: "a"},
	}})
	if got, want := c.Names(), []string{"a", "b"}; !slices.Equal(got, want) {
		t.Errorf("Names() = %v, want %v", got, want)
	}
	if !c.Has("a") || c.Has("x") {
		t.Error("Has is wrong")
	}
	settings := c.Settings("b")
	if diff := cmp.Diff(map[string]any{"tasksPath": "/t", "csrfText": 1}, settings); diff != "" {
		t.Errorf("Settings (-want +got):\n%s", diff)
	}
	settings["tasksPath"] = "changed"
	if c.Settings("b")["tasksPath"] != "/t" {
		t.Error("Settings gives away its own map")
	}
	if got := c.Settings("a"); got == nil || len(got) != 0 {
		t.Errorf("Settings(a) = %v, want an empty map", got)
	}
	if got := c.Settings("x"); got != nil {
		t.Errorf("Settings(x) = %v, want nil", got)
	}
}

func BenchmarkDo(b *testing.B) {
	server := serve(b, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"ok":true}`) })
	c := connect(b, outbound.Connection{
		Type: "bearer", Secrets: map[string]string{"token": "env:TOKEN"}, BaseURL: server.URL, Private: true,
	})
	r := post("/v1/tasks")
	b.ReportAllocs()
	b.SetParallelism(32) // 64 clients on two cores
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if reply := c.Do(b.Context(), r); reply.Status != 200 {
				b.Fatal(reply)
			}
		}
	})
}

// BenchmarkTransport is what net/http alone costs for the same exchange.
func BenchmarkTransport(b *testing.B) {
	server := serve(b, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"ok":true}`) })
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128}}
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			response, err := client.Post(server.URL+"/v1/tasks", "application/json", strings.NewReader("{}"))
			if err != nil {
				b.Fatal(err)
			}
			var body bytes.Buffer
			body.ReadFrom(response.Body)
			response.Body.Close()
		}
	})
}
