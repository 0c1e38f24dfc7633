package main_test

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The secret of the connections here, and a word that is none: where the one must not
// be seen, the other shows that it was looked for in the right place.
const (
	canary  = "c4nary-5f2c91e07b"
	visible = "vi5ible-83d0e6a1"
)

// echoes are the places where a vendor may give back what it was sent; {} stands for it.
// Those without a status are the bytes of a whole answer.
var echoes = map[string]struct {
	status int
	header [2]string
	body   string
}{
	"text":               {200, [2]string{}, "you sent {}"},
	"an error's text":    {400, [2]string{}, "{} is wrong"},
	"a failure's text":   {500, [2]string{}, "{} is wrong"},
	"JSON value":         {200, [2]string{"Content-Type", "application/json"}, `{"a":[{"b":"{}"}]}`},
	"JSON name":          {200, [2]string{"Content-Type", "application/json"}, `{"{}":{"{}":1}}`},
	"JSON escapes":       {200, [2]string{"Content-Type", "application/json"}, `{"a":"\u0063\u0034nary-5f2c91e07b"}`},
	"JSON in JSON":       {200, [2]string{"Content-Type", "application/json"}, `{"a":"{\"b\":\"{}\"}"}`},
	"broken JSON":        {200, [2]string{"Content-Type", "application/json"}, `{"a":"{}"`},
	"form":               {200, [2]string{"Content-Type", "application/x-www-form-urlencoded"}, "a=c4nary%2D5f2c91e07b&b={}"},
	"page":               {200, [2]string{"Content-Type", "text/html"}, "<a href='/?t={}'>c4nary&#45;5f2c91e07b</a>"},
	"XML":                {200, [2]string{"Content-Type", "application/xml"}, "<a t='{}'><{}/></a>"},
	"hex":                {200, [2]string{}, fmt.Sprintf("%x", canary)},
	"base64":             {200, [2]string{}, base64.StdEncoding.EncodeToString([]byte("Bearer " + canary))},
	"header value":       {200, [2]string{"X-Echo", "Bearer {}"}, ""},
	"header name":        {200, [2]string{"X-{}", "1"}, ""},
	"challenge":          {401, [2]string{"Www-Authenticate", `Bearer realm="{}"`}, ""},
	"content type":       {200, [2]string{"Content-Type", "text/plain; token={}"}, "a"},
	"cookie":             {200, [2]string{"Set-Cookie", "session={}; Path=/{}"}, ""},
	"ETag":               {200, [2]string{"Etag", `"{}"`}, ""},
	"redirect":           {302, [2]string{"Location", "/next?t={}"}, ""},
	"redirect elsewhere": {302, [2]string{"Location", "https://evil.example.com/{}"}, ""},
	"redirect to none":   {302, [2]string{"Location", "http://[::1/{}"}, ""},
	"Retry-After":        {503, [2]string{"Retry-After", "{}"}, ""},
	"status text":        {0, [2]string{}, "HTTP/1.1 418 {}\r\nContent-Length: 0\r\n\r\n"},
	"trailer":            {0, [2]string{}, "HTTP/1.1 200 OK\r\nTrailer: X-T\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-T: {}\r\n\r\n"},
	"no HTTP":            {0, [2]string{}, "{}\r\n\r\n"},
	"no status":          {0, [2]string{}, "HTTP/1.1 {} OK\r\n\r\n"},
	"no header":          {0, [2]string{}, "HTTP/1.1 200 OK\r\n{}\r\n\r\n"},
	"no length":          {0, [2]string{}, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n"},
	"no encoding":        {0, [2]string{}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: {}\r\n\r\n"},
	"no chunk":           {0, [2]string{}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}\r\n"},
	"more than it is":    {0, [2]string{}, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na{}"},
	"packed":             {0, [2]string{}, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n" + packed("{}")},
}

// grants are what a token endpoint may answer.
var grants = map[string]string{
	"error":       `HTTP/1.1 400 Bad|{"error":"{}","error_description":"{}","error_uri":"https://{}"}`,
	"status text": "HTTP/1.1 401 {}|",
	"page":        "HTTP/1.1 200 OK|<p>{}</p>",
	"no token":    `HTTP/1.1 200 OK|{"{}":"{}"}`,
	"no HTTP":     "{}|",
	"redirect":    "HTTP/1.1 307 {}\r\nLocation: https://evil.example.com/{}|",
	"itself":      `HTTP/1.1 200 OK|{"access_token":"{}","token_type":"bearer"}`,
}

func packed(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, strings.ReplaceAll(text, "{}", canary))
	_ = w.Close()
	return b.String()
}

func withCanary(text string) string { return strings.ReplaceAll(text, "{}", canary) }

// echoing answers as the path says: what is in echoes, or in grants.
func echoing(w http.ResponseWriter, r *http.Request) {
	kind, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	e := echoes[name]
	if kind == "grant" {
		head, body, _ := strings.Cut(grants[name], "|")
		e.body, e.status = head+"\r\nConnection: close\r\nContent-Type: application/json\r\n\r\n"+body, 0
	}
	if e.status > 0 {
		w.Header().Set("X-Visible", visible)
		if e.header[0] != "" {
			w.Header().Set(withCanary(e.header[0]), withCanary(e.header[1]))
		}
		w.WriteHeader(e.status)
		_, _ = io.WriteString(w, withCanary(e.body))
		return
	}
	line, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(line, withCanary(e.body))
	_ = line.Close()
}

// canaryFlow calls with a connection, and says what comes of it everywhere that a flow
// can.
const canaryFlow = `flow: NAME
nodes:
  hook: { type: webhook, with: { path: /NAME, body: { type: object, required: [path], properties: { path: { type: string } } } }, next: call }
  call:
    type: http
    connection: NAME
    with: { url: $(hook.path) }
    next: told
    outcomes: { clientError: told, serverError: told, onError: failed, onTimeout: failed }
  told: { type: log, with: { message: "It said $(call.body)", fields: { status: $(call.status), headers: $(call.headers), body: $(call.body) } }, next: sent, outcomes: { onError: failed } }
  sent: { type: emit, with: { event: heard, key: k, data: { headers: $(call.headers), body: $(call.body) } }, next: answer, outcomes: { onError: failed } }
  answer: { type: respond, with: { body: { headers: $(call.headers), body: $(call.body) } } }
  failed: { type: log, with: { message: "It failed: $(error.message)" }, next: sorry }
  sorry: { type: respond, with: { status: 502, body: { code: $(error.code), message: $(error.message) } } }
`

// TestCanary has a vendor, a token endpoint and a certificate give back the secret of
// their connection in every place that there is. It is in no journal, trace, log,
// metric or answer, whatever the run makes of it. What a plugin gets is the reply
// that the journal has.
func TestCanary(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	vendor := httptest.NewServer(http.HandlerFunc(echoing))
	t.Cleanup(vendor.Close)
	named, ca := namedServer(t)
	receiver := &spanReceiver{}
	traces := httptest.NewServer(receiver)
	t.Cleanup(traces.Close)
	secretFile := write("secrets/canary", canary)

	connections := []string{fmt.Sprintf("  plain: { type: bearer, baseURL: %q, private: true, secrets: { token: %q }, breaker: { failures: 1000 } }", vendor.URL, "file:"+secretFile)}
	calls := map[string][]string{"plain": {}}
	for _, name := range sortedKeys(echoes) {
		calls["plain"] = append(calls["plain"], "/echo/"+url.PathEscape(name))
	}
	for i, name := range sortedKeys(grants) {
		connection := fmt.Sprintf("token%d", i)
		connections = append(connections, fmt.Sprintf("  %s: { type: oauth2-client-credentials, baseURL: %q, private: true, secrets: { clientSecret: %q }, settings: { clientId: wend, tokenURL: %q } }",
			connection, vendor.URL, "file:"+secretFile, vendor.URL+"/grant/"+url.PathEscape(name)))
		calls[connection] = []string{"/echo/text"}
	}
	connections = append(connections, fmt.Sprintf("  named: { type: bearer, baseURL: %q, private: true, secrets: { token: %q }, tls: { caFile: %q } }", named, "file:"+secretFile, write("ca.pem", ca)))
	calls["named"] = []string{"/"}
	write("wend.yaml", "connections:\n"+strings.Join(connections, "\n")+"\ntelemetry: { traces: { endpoint: "+fmt.Sprintf("%q", traces.URL)+" } }\n")
	for name := range calls {
		write("flows/"+name+".yaml", strings.ReplaceAll(canaryFlow, "NAME", name))
	}

	s := beginServing(t, "--config", filepath.Join(dir, "wend.yaml"), "--data", filepath.Join(dir, "data"), "--log", "debug", "--log-format", "json", filepath.Join(dir, "flows"))
	said := map[string]string{} // all that is to be seen, by where
	for _, connection := range sortedKeys(calls) {
		for _, path := range calls[connection] {
			body, err := json.Marshal(map[string]string{"path": path})
			if err != nil {
				t.Fatal(err)
			}
			status, answer, run := s.ask(t, "POST", "/hooks/"+connection, string(body))
			said["the answer for "+connection+path] = answer
			if status != 200 && status != 502 || run == "" {
				t.Errorf("%s%s: %d %s", connection, path, status, answer)
			}
			_, said["the API for "+connection+path], _ = s.ask(t, "GET", "/api/v1/runs/"+run, "")
			_, said["the stream for "+connection+path], _ = s.ask(t, "GET", "/api/v1/runs/"+run+"/events", "")
		}
	}
	for _, path := range []string{"/metrics", "/readyz", "/api/v1/connections", "/api/v1/flows", "/api/v1/events", "/api/v1/runs", "/api/v1/limits"} {
		_, said[path], _ = s.ask(t, "GET", path, "")
	}
	said["the log"] = s.stop()
	if log.Writer() != io.Discard {
		t.Error("Go's own log goes somewhere, and with it what a vendor sends unasked")
	}
	said["the traces"] = receiver.text()
	said["the journal"] = textOf(t, filepath.Join(dir, "data"))

	for where, text := range said {
		for _, form := range []string{canary, fmt.Sprintf("%x", canary), "YzRuYXJ5", "c4nary%2D5f2c", "c4nary&#45;5f2c", `c\u0034nary`} {
			if at := strings.Index(strings.ToLower(text), strings.ToLower(form)); at >= 0 {
				t.Errorf("%s shows the secret: …%s…", where, text[max(0, at-100):min(len(text), at+100)])
			}
		}
	}
	for where, want := range map[string]string{
		"the log": visible, "the journal": visible, "the answer for plain/echo/text": visible, "the API for plain/echo/text": visible,
		"the stream for plain/echo/text": "call-replied", "/api/v1/events": visible, "/metrics": `connection="plain"`, "the traces": "wend.connection",
	} {
		if !strings.Contains(said[where], want) {
			t.Errorf("%s has no %q, so that nothing was looked for in it:\n%.2000s", where, want, said[where])
		}
	}
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// serving is a server in this process.
type serving struct {
	url  string
	stop func() (log string) // once
}

func beginServing(t *testing.T, args ...string) *serving {
	t.Helper()
	url, log, end := serveLogged(t, args...)
	t.Cleanup(end)
	return &serving{url: url, stop: func() string {
		end()
		return log()
	}}
}

// ask returns the answer with its header, and the run that it names.
func (s *serving) ask(t *testing.T, method, path, body string) (status int, answer, run string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, fmt.Sprint(response.Header) + string(text), response.Header.Get("Wend-Run")
}

// spanReceiver keeps what is sent to an OTLP receiver.
type spanReceiver struct {
	mu  sync.Mutex
	got bytes.Buffer
}

func (s *spanReceiver) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" { // which it need not be on one machine
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			return
		}
		body = z
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.Copy(&s.got, body)
}

func (s *spanReceiver) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.String()
}

// textOf is all that the files of a folder hold.
func textOf(t *testing.T, dir string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all.Write(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// namedServer has a certificate for another name than its own, which is the secret.
func namedServer(t *testing.T) (address, ca string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: canary, Organization: []string{canary}}, DNSNames: []string{canary + ".example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(echoing))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
