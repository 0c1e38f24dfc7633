package main_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	wend "github.com/wendflow/wend/cmd/wend"
)

// attack is a request that must make no run.
type attack struct {
	name string
	// request is as it goes over the line, with plain line ends. Host, who calls and the
	// length of the body are added where it has headers and does not say them.
	request string
	// want is the status, or several with blanks between: what the HTTP library refuses by
	// itself it may answer in more than one way. 401 is the answer that a path which is not
	// served gets, to the letter.
	want string
}

const attackKey = "attack-key-0123456789" // must never be seen

// The secrets of the table's connections, and what an answer or a log would give
// away by holding it.
var attackSecrets = map[string]string{
	"hmac": attackKey + "-hmac", "whsec": "whsec_" + base64.StdEncoding.EncodeToString([]byte(attackKey)),
	"bearer": attackKey + "-bearer", "basic": attackKey + "-basic", "api": attackKey + "-api", "hub": attackKey + "-hub", "crc": attackKey + "-crc",
}

const attackConfig = `
connections:
  c-github: { type: hmac, secrets: { key: "file:DIR/hmac", verifyToken: "file:DIR/hub" }, settings: { scheme: github } }
  c-stripe: { type: hmac, secrets: { key: "file:DIR/hmac" }, settings: { scheme: stripe } }
  c-slack: { type: hmac, secrets: { key: "file:DIR/hmac" }, settings: { scheme: slack } }
  c-standard: { type: hmac, secrets: { key: "file:DIR/whsec" }, settings: { scheme: standard-webhooks } }
  c-twilio: { type: hmac, secrets: { key: "file:DIR/hmac" }, settings: { scheme: twilio, publicURL: https://hooks.example.com } }
  c-discord: { type: ed25519, settings: { scheme: discord, publicKeys: 03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8 } }
  c-bearer: { type: bearer, secrets: { token: "file:DIR/bearer" } }
  c-basic: { type: basic, secrets: { password: "file:DIR/basic" }, settings: { username: somebody } }
  c-key: { type: api-key, secrets: { key: "file:DIR/api" } }
  c-crc: { type: hmac, secrets: { key: "file:DIR/crc" } }
  c-token: { type: jwt, private: true, settings: { issuer: the-issuer, audience: us, jwksURL: "ISSUER" } }
  c-lost: { type: bearer, secrets: { token: "file:DIR/nothing" } }
server: { proxies: [127.0.0.1] }
limits: { body: 64KB }
`

// attackHooks are the webhooks that are attacked, by their paths.
var attackHooks = map[string]string{
	"github":      "verify: c-github, handshake: { type: hub }",
	"stripe":      "verify: c-stripe",
	"stripe-too":  "verify: c-stripe",
	"slack":       "verify: c-slack, handshake: { type: slack }",
	"standard":    "verify: c-standard",
	"standard-to": "verify: c-standard",
	"twilio":      "verify: c-twilio",
	"discord":     "verify: c-discord",
	"bearer":      "verify: c-bearer",
	"basic":       "verify: c-basic",
	"key":         "verify: c-key",
	"token":       "verify: c-token",
	"crc":         "verify: c-crc, handshake: { type: crc }",
	"lost":        "verify: c-lost",
	"open":        "body: { type: object, required: [id], properties: { id: { type: string, maxLength: 20 } }, additionalProperties: false }",
	"form":        "accepts: [form], body: { type: object, required: [id] }",
	"parts":       "accepts: [multipart], body: { type: object, required: [id] }",
	"xml":         "accepts: [xml], body: { type: object, required: [order] }",
	"text":        "accepts: [text], body: { type: string, minLength: 1 }",
	"once":        "body: { type: object, required: [id] }, dedupe: { key: $(n1.id) }",
	"orders/{no}": "methods: [GET], params: { properties: { no: { type: integer } } }, query: { type: object, properties: { page: { type: integer } } }",
}

// stage is a server that is attacked.
type stage struct {
	t    *testing.T
	addr string
	dir  string
	log  lockedBuffer
	next int // who calls
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func setStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, dir: t.TempDir()}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(s.dir, "flows"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range attackSecrets {
		write(name, text)
	}
	keys, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: issuerKey.Public(), KeyID: "1"}}})
	if err != nil {
		t.Fatal(err)
	}
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(keys) }))
	t.Cleanup(issuer.Close)
	write("wend.yaml", strings.NewReplacer("DIR", s.dir, "ISSUER", issuer.URL).Replace(attackConfig))
	nr := 0
	for path, with := range attackHooks {
		nr++
		write(fmt.Sprintf("flows/hidden-flow-%d.yaml", nr), fmt.Sprintf("flow: hidden-flow-%d\ndurable: false\nnodes:\n"+
			"  n1: { type: webhook, with: { path: \"/%s\", %s }, next: n2 }\n  n2: { type: respond, with: { body: taken } }\n", nr, path, with))
	}
	ctx, cancel := context.WithCancel(t.Context())
	server, err := wend.Serve(ctx, filepath.Join(s.dir, "wend.yaml"), []string{filepath.Join(s.dir, "flows")}, slog.New(slog.NewTextHandler(&s.log, nil)))
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-server.Ended; err != nil {
			t.Errorf("the server: %v", err)
		}
	})
	s.addr = server.Addr
	return s
}

// send sends a request as it stands, from a caller of its own, and returns the
// answer: as it came, without its time, and its status, which is 0 for none.
func (s *stage) send(request string) (answer string, status int) {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, s.complete(request)); err != nil {
		return "", 0 // closed while we spoke
	}
	if strings.Contains(request, brokenOff) {
		_ = conn.(*net.TCPConn).CloseWrite()
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "", 0
	}
	body, _ := io.ReadAll(r.Body)
	r.Header.Del("Date")
	var header strings.Builder
	_ = r.Header.Write(&header)
	return fmt.Sprintf("%d\n%s\n%s", r.StatusCode, &header, body), r.StatusCode
}

// brokenOff is the length of a body of which less is sent.
const brokenOff = "Content-Length: 100\n"

// complete adds the headers that a request does not have, and line ends.
func (s *stage) complete(request string) string {
	head, body, whole := strings.Cut(request, "\n\n")
	if !whole {
		return strings.ReplaceAll(request, "\n", "\r\n")
	}
	s.next++
	add := func(name, value string) {
		if !strings.Contains(strings.ToLower(head), "\n"+strings.ToLower(name)+":") {
			head += "\n" + name + ": " + value
		}
	}
	add("Host", s.addr)
	add("Connection", "close")
	add("X-Forwarded-For", fmt.Sprintf("198.51.%d.%d", 100+s.next/250, 1+s.next%250))
	if !strings.Contains(strings.ToLower(head), "\ntransfer-encoding:") {
		add("Content-Length", strconv.Itoa(len(body)))
	}
	return strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body
}

// runs is how many runs there are.
func (s *stage) runs() int {
	s.t.Helper()
	answer, status := s.send("GET /api/v1/runs?limit=200 HTTP/1.1\n\n")
	_, body, _ := strings.Cut(strings.ReplaceAll(answer, "\r", ""), "\n\n")
	var list struct{ Runs []json.RawMessage }
	if err := json.Unmarshal([]byte(body), &list); err != nil || status != http.StatusOK {
		s.t.Fatalf("runs: %d %v: %s", status, err, answer)
	}
	return len(list.Runs)
}

func mac(h func() hash.Hash, key, text string) []byte {
	m := hmac.New(h, []byte(key))
	m.Write([]byte(text))
	return m.Sum(nil)
}

const jsonKind = "\nContent-Type: application/json"

// postTo is a POST of JSON with headers, one a line.
func postTo(path, headers, body string) string {
	if headers != "" {
		headers = "\n" + headers
	}
	return "POST " + path + " HTTP/1.1" + jsonKind + headers + "\n\n" + body
}

// typed is a POST of another kind of body.
func typed(path, kind, body string) string {
	return "POST " + path + " HTTP/1.1\nContent-Type: " + kind + "\n\n" + body
}

// What senders would send.
func githubSigned(key, body string) string {
	return "X-Hub-Signature-256: sha256=" + hex.EncodeToString(mac(sha256.New, key, body))
}

func stripeSigned(at int64, body string) string {
	return fmt.Sprintf("Stripe-Signature: t=%d,v1=%x", at, mac(sha256.New, attackSecrets["hmac"], fmt.Sprintf("%d.%s", at, body)))
}

func slackSigned(at int64, body string) string {
	return fmt.Sprintf("X-Slack-Request-Timestamp: %d\nX-Slack-Signature: v0=%x", at, mac(sha256.New, attackSecrets["hmac"], fmt.Sprintf("v0:%d:%s", at, body)))
}

func standardSigned(id string, at int64, body string) string {
	return fmt.Sprintf("webhook-id: %s\nwebhook-timestamp: %d\nwebhook-signature: v1,%s", id, at,
		base64.StdEncoding.EncodeToString(mac(sha256.New, attackKey, fmt.Sprintf("%s.%d.%s", id, at, body))))
}

func twilioSigned(url, fields string) string {
	return "X-Twilio-Signature: " + base64.StdEncoding.EncodeToString(mac(sha1.New, attackSecrets["hmac"], url+fields))
}

func basicOf(pair string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(pair))
}

// issuerKey is that of the issuer of tokens.
var issuerKey = ed25519.NewKeyFromSeed([]byte("attack-key-of-the-issuer-32bytes"))

// tokenBy makes a token, by a key and with something changed.
func tokenBy(key ed25519.PrivateKey, now int64, changes map[string]any) string {
	part := func(v map[string]any) string {
		text, _ := json.Marshal(v) //nolint:errchkjson // texts and numbers
		return base64.RawURLEncoding.EncodeToString(text)
	}
	claims := map[string]any{"iss": "the-issuer", "aud": "us", "exp": now + 300}
	maps.Copy(claims, changes)
	signed := part(map[string]any{"alg": "EdDSA", "kid": "1"}) + "." + part(claims)
	return "Authorization: Bearer " + signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, []byte(signed)))
}

// The requests that senders make, each of which makes a run.
func goodRequests(now int64) map[string]string {
	form := "POST /hooks/twilio?a=1 HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\n" + twilioSigned("https://hooks.example.com/hooks/twilio?a=1", "Body1CallSid2") + "\n\nCallSid=2&Body=1"
	return map[string]string{
		"github": postTo("/hooks/github", githubSigned(attackSecrets["hmac"], `{}`), `{}`),
		"stripe": postTo("/hooks/stripe", stripeSigned(now, `{}`), `{}`), "slack": postTo("/hooks/slack", slackSigned(now, `{}`), `{}`),
		"standard": postTo("/hooks/standard", standardSigned("msg_1", now, `{}`), `{}`), "twilio": form,
		"bearer": postTo("/hooks/bearer", "Authorization: Bearer "+attackSecrets["bearer"], `{}`),
		"basic":  postTo("/hooks/basic", basicOf("somebody:"+attackSecrets["basic"]), `{}`),
		"token":  postTo("/hooks/token", tokenBy(issuerKey, now, nil), `{}`),
		"key":    postTo("/hooks/key", "X-Api-Key: "+attackSecrets["api"], `{}`),
		"open":   postTo("/hooks/open", "", `{"id":"a"}`), "once": postTo("/hooks/once", "", `{"id":"a"}`),
		"orders": "GET /hooks/orders/5?page=1 HTTP/1.1\n\n", "text": typed("/hooks/text", "text/plain", "a"),
		"form": typed("/hooks/form", "application/x-www-form-urlencoded", "id=a"), "xml": typed("/hooks/xml", "text/xml", "<order/>"),
		"parts": typed("/hooks/parts", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=id\r\n\r\n1\r\n--b--\r\n"),
	}
}

// attacks are all that is tried; now is the time of the machine, good what was
// taken before.
func attacks(now int64, good map[string]string) []attack {
	key := attackSecrets["hmac"]
	nested := strings.Repeat(`{"id":`, 2000) + "1" + strings.Repeat("}", 2000)
	emptyDigest := fmt.Sprintf("bodySHA256=%x", sha256.Sum256([]byte(`{}`)))
	bare := func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }
	xml := func(body string) string { return typed("/hooks/xml", "application/xml", body) }
	part := func(header, body string) string {
		return typed("/hooks/parts", "multipart/form-data; boundary=b", "--b\r\n"+header+"\r\n\r\n"+body+"\r\n--b--\r\n")
	}
	return []attack{
		// Which paths are there is not to be learnt.
		{"a path that is not served", postTo("/hooks/none", "", `{}`), "401"},
		{"the same with a signature", postTo("/hooks/none", githubSigned(key, `{}`), `{}`), "401"},
		{"another method without a proof", "GET /hooks/github HTTP/1.1\n\n", "401"},
		{"OPTIONS without a proof", "OPTIONS /hooks/stripe HTTP/1.1\n\n", "401"},
		{"HEAD without a proof", "HEAD /hooks/stripe HTTP/1.1\n\n", "401"},
		{"a path with a dot segment", postTo("/hooks/./github", "", `{}`), "401"},
		{"a path that leaves the webhooks", postTo("/hooks/../api/v1/runs", "", `{}`), "401"},
		{"the same, escaped", postTo("/hooks/%2e%2e/api/v1/runs", "", `{}`), "401"},
		{"a path with an escaped slash", postTo("/hooks%2Fgithub", "", `{}`), "401 404"},
		{"a path with NUL", postTo("/hooks/github%00", "", `{}`), "401"},
		{"a path with two slashes", postTo("/hooks//github", "", `{}`), "401"},
		{"a path in other letters", postTo("/hooks/GITHUB", "", `{}`), "401"},
		{"a path of 20,000 letters", postTo("/hooks/"+strings.Repeat("a", 20_000), "", `{}`), "401"},
		{"a webhook whose secret cannot be read", postTo("/hooks/lost", "Authorization: Bearer ", `{}`), "401"},

		// Signatures over the body.
		{"no signature", postTo("/hooks/github", "", `{}`), "401"},
		{"an empty signature", postTo("/hooks/github", "X-Hub-Signature-256: ", `{}`), "401"},
		{"a prefix and no signature", postTo("/hooks/github", "X-Hub-Signature-256: sha256=", `{}`), "401"},
		{"a signature without its prefix", postTo("/hooks/github", "X-Hub-Signature-256: "+hex.EncodeToString(mac(sha256.New, key, `{}`)), `{}`), "401"},
		{"a signature cut short", postTo("/hooks/github", githubSigned(key, `{}`)[:60], `{}`), "401"},
		{"a signature by another key", postTo("/hooks/github", githubSigned("guess", `{}`), `{}`), "401"},
		{"a signature by an empty key", postTo("/hooks/github", githubSigned("", `{}`), `{}`), "401"},
		{"a signature of another body", postTo("/hooks/github", githubSigned(key, `{}`), `{"a":1}`), "401"},
		{"a signature of the body without its blank", postTo("/hooks/github", githubSigned(key, `{}`), `{} `), "401"},
		{"a signature by another algorithm", postTo("/hooks/github", "X-Hub-Signature-256: sha256="+hex.EncodeToString(mac(sha1.New, key, `{}`)), `{}`), "401"},
		{"a signature in another header", postTo("/hooks/github", strings.Replace(githubSigned(key, `{}`), "-256:", ":", 1), `{}`), "401"},
		{"a signature in the query", postTo("/hooks/github?X-Hub-Signature-256=sha256="+hex.EncodeToString(mac(sha256.New, key, `{}`)), "", `{}`), "401"},
		{"1,000 signatures", postTo("/hooks/github", "X-Hub-Signature-256: "+strings.TrimSuffix(strings.Repeat("sha256=00,", 1000), ","), `{}`), "401"},
		{"the token of the handshake as the key", postTo("/hooks/github", githubSigned(attackSecrets["hub"], `{}`), `{}`), "401"},

		// Times, and what was signed before.
		{"a time that is not signed", postTo("/hooks/stripe", strings.Replace(stripeSigned(now, `{}`), fmt.Sprint(now), fmt.Sprint(now+1), 1), `{}`), "401"},
		{"two times", postTo("/hooks/stripe", strings.Replace(stripeSigned(now, `{ }`), "t=", "t=1,t=", 1), `{ }`), "401"},
		{"no time", postTo("/hooks/stripe", strings.Replace(stripeSigned(now, `{}`), "t=", "x=", 1), `{}`), "401"},
		{"a time of an hour ago", postTo("/hooks/stripe", stripeSigned(now-3600, `{}`), `{}`), "401"},
		{"a time in an hour", postTo("/hooks/stripe", stripeSigned(now+3600, `{}`), `{}`), "401"},
		{"a time beyond all numbers", postTo("/hooks/slack", strings.ReplaceAll(slackSigned(now, `{}`), fmt.Sprint(now), "99999999999999999999"), `{}`), "401"},
		{"a time before all numbers", postTo("/hooks/slack", strings.ReplaceAll(slackSigned(now, `{}`), fmt.Sprint(now), "-9223372036854775808"), `{}`), "401"},
		{"a request of before, to the letter", good["stripe"], "401"},
		{"a request of before, its signature in capitals", strings.Replace(good["stripe"], hex.EncodeToString(mac(sha256.New, key, fmt.Sprintf("%d.{}", now))), strings.ToUpper(hex.EncodeToString(mac(sha256.New, key, fmt.Sprintf("%d.{}", now)))), 1), "401"},
		{"a request of before, with a second signature", strings.Replace(good["stripe"], "v1=", "v1=00,v1=", 1), "401"},
		{"a request of before, at another webhook", strings.Replace(good["stripe"], "/hooks/stripe", "/hooks/stripe-too", 1), "401"},
		{"a request of before, in the other scheme", good["slack"], "401"},
		{"a message of before, with its id, at another webhook", strings.Replace(good["standard"], "/hooks/standard", "/hooks/standard-to", 1), "401"},
		{"a message of before, with another id", strings.Replace(good["standard"], "msg_1", "msg_2", 1), "401"},
		{"an id of before, with another body", postTo("/hooks/standard", standardSigned("msg_1", now, `{"a":1}`), `{"a":1}`), "409"},
		{"a message without its id", postTo("/hooks/standard", strings.Replace(standardSigned("", now, `{}`), "webhook-id: \n", "", 1), `{}`), "401"},

		// Addresses and forms that are signed.
		{"a form with another field", strings.Replace(good["twilio"], "Body=1", "Body=1&Admin=1", 1), "401"},
		{"a form with another value", strings.Replace(good["twilio"], "Body=1", "Body=9", 1), "401"},
		{"another address than was signed", strings.Replace(good["twilio"], "?a=1", "?a=2", 1), "401"},
		{"an address of the caller's own, in X-Forwarded-Host", postTo("/hooks/twilio?"+emptyDigest, "X-Forwarded-Proto: https\nX-Forwarded-Host: evil.example.com\n"+twilioSigned("https://evil.example.com/hooks/twilio?"+emptyDigest, ""), `{}`), "401"},
		{"a body that is called no form", strings.Replace(good["twilio"], "application/x-www-form-urlencoded", "application/json", 1), "401"},
		{"a body of which the address has no digest", postTo("/hooks/twilio", twilioSigned("https://hooks.example.com/hooks/twilio", ""), `{}`), "401"},

		// Keys in pairs.
		{"a signature of another pair", postTo("/hooks/discord", fmt.Sprintf("X-Signature-Timestamp: %d\nX-Signature-Ed25519: %s", now, strings.Repeat("00", 64)), `{}`), "401"},
		{"a signature of no length", postTo("/hooks/discord", fmt.Sprintf("X-Signature-Timestamp: %d\nX-Signature-Ed25519: ", now), `{}`), "401"},
		{"the public key as a shared one", postTo("/hooks/discord", fmt.Sprintf("X-Signature-Timestamp: %d\nX-Signature-Ed25519: %x", now, mac(sha256.New, "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8", fmt.Sprintf("%d{}", now))), `{}`), "401"},

		// Credentials.
		{"no credential", postTo("/hooks/bearer", "", `{}`), "401"},
		{"a credential of another scheme", postTo("/hooks/bearer", basicOf("somebody:"+attackSecrets["bearer"]), `{}`), "401"},
		{"a token with a letter more", postTo("/hooks/bearer", "Authorization: Bearer "+attackSecrets["bearer"]+"x", `{}`), "401"},
		{"a token with a letter less", postTo("/hooks/bearer", "Authorization: Bearer "+strings.TrimSuffix(attackSecrets["bearer"], "r"), `{}`), "401"},
		{"a right token beside a wrong one", postTo("/hooks/bearer", "Authorization: Bearer guess\nAuthorization: Bearer "+attackSecrets["bearer"], `{}`), "401"},
		{"a token in the query", postTo("/hooks/bearer?access_token="+attackSecrets["bearer"], "", `{}`), "401"},
		{"a token in a cookie", postTo("/hooks/bearer", "Cookie: token="+attackSecrets["bearer"], `{}`), "401"},
		{"a password of somebody else", postTo("/hooks/basic", basicOf("root:"+attackSecrets["basic"]), `{}`), "401"},
		{"no password", postTo("/hooks/basic", basicOf("somebody:"), `{}`), "401"},
		{"a pair that is no base64", postTo("/hooks/basic", "Authorization: Basic !!!", `{}`), "401"},
		{"a key in the query", postTo("/hooks/key?X-Api-Key="+attackSecrets["api"], "", `{}`), "401"},
		{"a key under a name with an underscore", postTo("/hooks/key", "X_Api_Key: "+attackSecrets["api"], `{}`), "401"},

		// Tokens of an issuer.
		{"no token", postTo("/hooks/token", "", `{}`), "401"},
		{"a token of another key", postTo("/hooks/token", tokenBy(ed25519.NewKeyFromSeed(make([]byte, 32)), now, nil), `{}`), "401"},
		{"a token whose claims were changed", postTo("/hooks/token", strings.Replace(tokenBy(issuerKey, now, nil), ".", ".e30.", 1), `{}`), "401"},
		{"a token that is not signed", postTo("/hooks/token", "Authorization: Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJ0aGUtaXNzdWVyIiwiYXVkIjoidXMiLCJleHAiOjk5OTk5OTk5OTl9.", `{}`), "401"},
		{"a token signed by the public key as a shared one", postTo("/hooks/token", "Authorization: Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6IjEifQ.e30."+base64.RawURLEncoding.EncodeToString(mac(sha256.New, string(issuerKey.Public().(ed25519.PublicKey)), "eyJhbGciOiJIUzI1NiIsImtpZCI6IjEifQ.e30")), `{}`), "401"},
		{"a token that is over", postTo("/hooks/token", tokenBy(issuerKey, now-1000, nil), `{}`), "401"},
		{"a token without an end", postTo("/hooks/token", tokenBy(issuerKey, now, map[string]any{"exp": nil}), `{}`), "401"},
		{"a token for another", postTo("/hooks/token", tokenBy(issuerKey, now, map[string]any{"aud": "them"}), `{}`), "401"},
		{"a token of another issuer", postTo("/hooks/token", tokenBy(issuerKey, now, map[string]any{"iss": "me"}), `{}`), "401"},

		// Handshakes.
		{"a handshake with another token", "GET /hooks/github?hub.mode=subscribe&hub.challenge=1&hub.verify_token=guess HTTP/1.1\n\n", "401"},
		{"a handshake without a token", "GET /hooks/github?hub.mode=subscribe&hub.challenge=1 HTTP/1.1\n\n", "401"},
		{"a handshake that is not signed", postTo("/hooks/slack", "", `{"type":"url_verification","challenge":"x"}`), "401"},
		{"a token that would be a body to sign", "GET /hooks/crc?crc_token=%7B%7D HTTP/1.1\n\n", "401"},
		{"a body that the handshake signs for anybody", postTo("/hooks/crc", "X-Signature: "+hex.EncodeToString(mac(sha256.New, attackSecrets["crc"], "123")), "123"), "401"},

		// Bodies.
		{"a body over the limit", postTo("/hooks/open", "", `{"id":"`+strings.Repeat("a", 70_000)+`"}`), "413"},
		{"a body over the limit that is not signed", postTo("/hooks/github", "", strings.Repeat("a", 70_000)), "413"},
		{"a body over the limit in chunks", "POST /hooks/open HTTP/1.1" + jsonKind + "\nTransfer-Encoding: chunked\n\n" + "11170\r\n" + strings.Repeat("a", 70_000) + "\r\n0\r\n\r\n", "413"},
		{"a body that breaks off", "POST /hooks/open HTTP/1.1" + jsonKind + "\n" + brokenOff + "\n{", "400"},
		{"a body that is no JSON", postTo("/hooks/open", "", `{"id":`), "400"},
		{"a body that does not fit", postTo("/hooks/open", "", `{"id":5}`), "400"},
		{"a body with a property more", postTo("/hooks/open", "", `{"id":"a","__proto__":{"admin":true}}`), "400"},
		{"a body with a property twice", postTo("/hooks/open", "", `{"id":"a","id":5}`), "400"},
		{"a body that is a list", postTo("/hooks/open", "", `["id"]`), "400"},
		{"a body 2,000 levels deep", postTo("/hooks/open", "", nested), "400"},
		{"a number of 30,000 digits", postTo("/hooks/open", "", `{"id":`+strings.Repeat("9", 30_000)+`}`), "400"},
		{"text that is no UTF-8", postTo("/hooks/open", "", "{\"id\":\"\xff\xfe\"}"), "400"},
		{"a body that is compressed", postTo("/hooks/open", "Content-Encoding: gzip", "\x1f\x8b\x08"), "415"},
		{"a body of a kind that is not taken", typed("/hooks/open", "application/octet-stream", "id"), "415"},
		{"a Content-Type that is none", typed("/hooks/open", "json;;;=", "{}"), "415"},
		{"a charset that nobody knows", typed("/hooks/text", "text/plain; charset=x-made-up", "a"), "415"},
		{"a form with half an escape", typed("/hooks/form", "application/x-www-form-urlencoded", "id=%zz"), "400"},
		{"a form of 20,000 fields", typed("/hooks/form", "application/x-www-form-urlencoded", strings.Repeat("a=&", 20_000)+"b="), "400"},
		{"parts without a boundary", typed("/hooks/parts", "multipart/form-data", "--b--"), "400"},
		{"parts that do not end", typed("/hooks/parts", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=id\r\n\r\n1"), "400"},
		{"a part without a name", part("Content-Disposition: form-data", "1"), "400"},
		{"a file that would lie elsewhere", part(`Content-Disposition: form-data; name=file; filename="../../etc/passwd"`, "1"), "400"},
		{"2,000 empty parts", typed("/hooks/parts", "multipart/form-data; boundary=b", strings.Repeat("--b\r\nContent-Disposition: form-data\r\n\r\n\r\n", 1000)+"--b--"), "400"},
		{"XML with an entity from a file", xml(`<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><order>&x;</order>`), "400"},
		{"XML whose entities grow", xml(`<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;&b;">]><order>&c;</order>`), "400"},
		{"XML 2,000 levels deep", xml(strings.Repeat("<order>", 2000) + strings.Repeat("</order>", 2000)), "400"},
		{"XML that does not end", xml("<order><a>"), "400"},
		{"a parameter that is no number", "GET /hooks/orders/five HTTP/1.1\n\n", "400"},
		{"a query that is no number", "GET /hooks/orders/5?page=one HTTP/1.1\n\n", "400"},
		{"a query with half an escape", "GET /hooks/orders/5?page=%zz HTTP/1.1\n\n", "400"},
		{"no key for the webhook's dedupe", postTo("/hooks/once", "", `{"id":""}`), "400"},
		{"a key of before, with another body", postTo("/hooks/once", "", `{"id":"a","more":1}`), "409"},
		{"another method of an open webhook", "DELETE /hooks/open HTTP/1.1\n\n", "405"},

		// Pages of other sites, through a browser.
		{"a page of another site", postTo("/hooks/open", "Origin: https://evil.example.com\nSec-Fetch-Site: cross-site", `{"id":"a"}`), "403"},
		{"a form of another site, without a preflight", "POST /hooks/form HTTP/1.1\nContent-Type: application/x-www-form-urlencoded\nOrigin: https://evil.example.com\n\nid=a", "403"},
		{"a page of no site", postTo("/hooks/open", "Origin: null\nSec-Fetch-Site: cross-site", `{"id":"a"}`), "403"},
		{"a name that leads to this machine", postTo("/hooks/open", "Host: evil.example.com", `{"id":"a"}`), "403 421"},

		// What is hardly HTTP.
		{"two lengths", "POST /hooks/github HTTP/1.1" + jsonKind + "\nContent-Length: 2\nContent-Length: 3\n\n{} ", "400"},
		{"a length that is none", "POST /hooks/github HTTP/1.1" + jsonKind + "\nContent-Length: +2\n\n{}", "400"},
		{"a length beside chunks", "POST /hooks/github HTTP/1.1" + jsonKind + "\nContent-Length: 2\nTransfer-Encoding: chunked\n\n2\r\n{}\r\n0\r\n\r\n", "400 401"},
		{"chunks whose length is none", "POST /hooks/open HTTP/1.1" + jsonKind + "\nTransfer-Encoding: chunked\n\nzz\r\n{}\r\n0\r\n\r\n", "400"},
		{"an encoding of transfer that nobody knows", "POST /hooks/github HTTP/1.1" + jsonKind + "\nTransfer-Encoding: chunked, gzip\n\n2\r\n{}\r\n0\r\n\r\n", "400 501"},
		{"no Host", bare("POST /hooks/github HTTP/1.1\nContent-Length: 0\n\n"), "400"},
		{"two Hosts", bare("POST /hooks/github HTTP/1.1\nHost: a\nHost: b\nContent-Length: 0\n\n"), "400"},
		{"a header with a line break", bare("POST /hooks/github HTTP/1.1\nHost: a\nX-A: b\x00c\nContent-Length: 0\n\n"), "400"},
		{"a header whose name has a blank", bare("POST /hooks/github HTTP/1.1\nHost: a\nX A: b\nContent-Length: 0\n\n"), "400"},
		{"headers of 100,000 bytes", bare("POST /hooks/github HTTP/1.1\nHost: a\nX-A: " + strings.Repeat("a", 100_000) + "\nContent-Length: 0\n\n"), "400 431 0"},
		{"a version of HTTP that is none", bare("POST /hooks/github HTTP/9.9\nHost: a\nContent-Length: 0\n\n"), "400 505"},
		{"a request that is none", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n\n", "400 0"},
		{"the way to another server", "CONNECT metadata.example.com:80 HTTP/1.1\nHost: metadata.example.com:80\n\n", "400 403 404 405 421"},
		{"TRACE, which would show headers", "TRACE /hooks/github HTTP/1.1\n\n", "401 405"},
		{"an address with a user", "POST http://somebody:password@127.0.0.1/hooks/github HTTP/1.1" + jsonKind + "\n\n{}", "400 401"},
	}
}

// TestInboundAttacks tries every attack on the server that people run, over a
// line: it is answered as it should be, nothing is given away, and nothing runs.
func TestInboundAttacks(t *testing.T) {
	t.Parallel()
	s := setStage(t)
	now := time.Now().Unix()
	good := goodRequests(now)
	for name, request := range good {
		if answer, status := s.send(request); status != http.StatusOK {
			t.Fatalf("a good request, %s: %s", name, answer)
		}
	}
	made := s.runs()
	if made != len(good) {
		t.Fatalf("%d good requests made %d runs", len(good), made)
	}
	unknown, _ := s.send(postTo("/hooks/nothing-is-here", "", `{}`))
	page := strings.Builder{}
	page.WriteString(attackPage)
	seen := map[string]bool{}
	for _, a := range attacks(now, good) {
		if seen[a.name] {
			t.Errorf("two attacks are called %q", a.name)
		}
		seen[a.name] = true
		answer, status := s.send(a.request)
		if !strings.Contains(" "+a.want+" ", fmt.Sprintf(" %d ", status)) {
			t.Errorf("%s: %d, want %s: %s", a.name, status, a.want, answer)
		}
		if status == http.StatusUnauthorized && !strings.HasPrefix(a.request, "HEAD") && answer != unknown {
			t.Errorf("%s: not answered as a path that is not served is:\n%s\nwant\n%s", a.name, answer, unknown)
		}
		if status == http.StatusConflict { // it names the run that came before, to who has its key
			answer = regexp.MustCompile(`"flow":"hidden-flow-\d+"`).ReplaceAllString(answer, "")
		}
		s.holdsNothing(a.name, answer)
		if got := s.runs(); got != made {
			t.Errorf("%s: made a run", a.name)
			made = got
		}
		fmt.Fprintf(&page, "| %s | %s |\n", a.name, a.want)
	}
	golden(t, filepath.Join(root, "docs", "attacks.md"), page.String())
	s.holdsNothing("the log", s.log.String())
	if len(seen) < 60 {
		t.Errorf("%d attacks, want 60", len(seen))
	}
	for name, request := range goodRequests(now + 1) {
		if _, status := s.send(request); status != http.StatusOK {
			t.Errorf("after all a good request, %s: %d", name, status)
		}
	}
}

const attackPage = `<!-- Written by UPDATE=1 go test ./cmd/wend -run TestInboundAttacks; do not edit. -->

# Attacks on webhooks that are tried

Each row is a request that a test (` + "`cmd/wend/attack_test.go`" + `) sends to the whole server over a line, and the status that it has to get. 401 is the answer of a path
that is not served, to the letter. No answer holds a secret, a flow's or a connection's name, or a place in a file; nor does the log hold a secret. Not one makes a run, while the same server takes
what senders send before and after. Where the HTTP library of Go refuses by itself any of several answers will do; 0 is a line that is closed.

| Attack | Answer |
|---|---|
`

// holdsNothing reports what an answer or the log gives away.
func (s *stage) holdsNothing(what, text string) {
	s.t.Helper()
	hidden := []string{attackKey, base64.StdEncoding.EncodeToString([]byte(attackKey)), "goroutine ", ".go:"}
	if what != "the log" {
		hidden = append(hidden, "hidden-flow", "c-github", "c-stripe", s.dir, "wendflow")
	}
	for _, h := range hidden {
		if strings.Contains(text, h) {
			s.t.Errorf("%s gives away %q", what, h)
		}
	}
}
