package outbound_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/outbound"
)

func sign(h func() hash.Hash, key, text string) []byte {
	mac := hmac.New(h, []byte(key))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func TestVerifySignature(t *testing.T) {
	t.Parallel()
	const body = `{"a":1}`
	now := time.Unix(1_800_000_000, 0)
	key := env["KEY"]
	hexOf := hex.EncodeToString
	stamped := map[string]any{"tolerance": "5m"}
	tests := []struct {
		name     string
		settings map[string]any
		header   map[string]string
		want     string // of the error; "" is verified
	}{
		{"plain", nil, map[string]string{"X-Signature": hexOf(sign(sha256.New, key, body))}, ""},
		{"upper case hex", nil, map[string]string{"X-Signature": strings.ToUpper(hexOf(sign(sha256.New, key, body)))}, ""},
		{"the older key", nil, map[string]string{"X-Signature": hexOf(sign(sha256.New, env["OLD_KEY"], body))}, ""},
		{"prefix", map[string]any{"header": "X-Hub-Signature-256", "prefix": "sha256="}, map[string]string{"X-Hub-Signature-256": "sha256=" + hexOf(sign(sha256.New, key, body))}, ""},
		{"sha1, base64", map[string]any{"algorithm": "sha1", "encoding": "base64"}, map[string]string{"X-Signature": base64.StdEncoding.EncodeToString(sign(sha1.New, key, body))}, ""},
		{"sha512, base64url", map[string]any{"algorithm": "sha512", "encoding": "base64url"}, map[string]string{"X-Signature": base64.RawURLEncoding.EncodeToString(sign(sha512.New, key, body))}, ""},
		{"two signatures", nil, map[string]string{"X-Signature": "00ff, " + hexOf(sign(sha256.New, key, body))}, ""},
		{"stamped", stamped, map[string]string{"X-Timestamp": "1800000000", "X-Signature": hexOf(sign(sha256.New, key, "1800000000."+body))}, ""},
		{"stamped in milliseconds", stamped, map[string]string{"X-Timestamp": "1800000000000", "X-Signature": hexOf(sign(sha256.New, key, "1800000000000."+body))}, ""},
		{"stamped in RFC 3339", stamped, map[string]string{"X-Timestamp": "2027-01-15T08:00:00Z", "X-Signature": hexOf(sign(sha256.New, key, "2027-01-15T08:00:00Z."+body))}, ""},
		{"own form", map[string]any{"timestampHeader": "X-Time", "signed": "v0:{timestamp}:{body}!", "prefix": "v0="}, map[string]string{"X-Time": "1799999701", "X-Signature": "v0=" + hexOf(sign(sha256.New, key, "v0:1799999701:"+body+"!"))}, ""},

		{"missing", nil, nil, `header "X-Signature" with the signature is missing`},
		{"another body", nil, map[string]string{"X-Signature": hexOf(sign(sha256.New, key, body+" "))}, "does not fit the body"},
		{"another key", nil, map[string]string{"X-Signature": hexOf(sign(sha256.New, "guess", body))}, "does not fit the body"},
		{"another algorithm", nil, map[string]string{"X-Signature": hexOf(sign(sha1.New, key, body))}, "does not fit the body"},
		{"cut short", nil, map[string]string{"X-Signature": hexOf(sign(sha256.New, key, body))[:32]}, "does not fit the body"},
		{"empty", nil, map[string]string{"X-Signature": ""}, "does not fit the body"},
		{"no hex", nil, map[string]string{"X-Signature": "zz"}, `expected "" and a signature in hex`},
		{"without its prefix", map[string]any{"prefix": "sha256="}, map[string]string{"X-Signature": hexOf(sign(sha256.New, key, body))}, `expected "sha256=" and a signature in hex`},
		{"no time", stamped, map[string]string{"X-Signature": hexOf(sign(sha256.New, key, body))}, `header "X-Timestamp" with the time of signing is missing`},
		{"no time that can be read", stamped, map[string]string{"X-Timestamp": "today", "X-Signature": "00"}, "expected Unix time or RFC 3339"},
		{"too old", stamped, map[string]string{"X-Timestamp": "1799999699", "X-Signature": hexOf(sign(sha256.New, key, "1799999699."+body))}, "is 5m1s off, and 5m0s is tolerated"},
		{"from the future", stamped, map[string]string{"X-Timestamp": "1800000301", "X-Signature": hexOf(sign(sha256.New, key, "1800000301."+body))}, "is 5m1s off"},
		{"far off", stamped, map[string]string{"X-Timestamp": "-9223372036854775808", "X-Signature": "00"}, "off"},
		{"another time than was signed", stamped, map[string]string{"X-Timestamp": "1800000001", "X-Signature": hexOf(sign(sha256.New, key, "1800000000."+body))}, "does not fit the body"},
		{"the time was not signed", stamped, map[string]string{"X-Timestamp": "1800000000", "X-Signature": hexOf(sign(sha256.New, key, body))}, "does not fit the body"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := connect(t, outbound.Connection{
				Type: "hmac", Settings: test.settings, Secrets: map[string]string{"key": "env:KEY", "oldKey": "env:OLD_KEY"},
			})
			check(t, c, test.header, body, now, test.want)
		})
	}
}

func check(t *testing.T, c *outbound.Client, headers map[string]string, body string, now time.Time, want string) {
	t.Helper()
	header := http.Header{}
	for name, v := range headers {
		header.Set(name, v)
	}
	_, err := c.Verify(t.Context(), "c", outbound.Incoming{Header: header, Body: []byte(body)}, now)
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("Verify = %v, want %q", err, want)
	}
	for _, secret := range env {
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
}

func TestVerifyCredential(t *testing.T) {
	t.Parallel()
	basic := outbound.Connection{Type: "basic", Secrets: map[string]string{"password": "env:PASSWORD"}, Settings: map[string]any{"username": "hook"}}
	bearer := outbound.Connection{Type: "bearer", Secrets: map[string]string{"token": "env:TOKEN"}}
	key := outbound.Connection{Type: "api-key", Secrets: map[string]string{"key": "env:KEY"}, Settings: map[string]any{"header": "X-Hook-Key"}}
	pair := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	tests := []struct {
		name       string
		connection outbound.Connection
		header     map[string]string
		want       string
	}{
		{"basic", basic, map[string]string{"Authorization": pair("hook:s3cret-pass")}, ""},
		{"basic, wrong", basic, map[string]string{"Authorization": pair("hook:guess")}, "not the credential that was expected"},
		{"bearer", bearer, map[string]string{"Authorization": "bearer tok-4f9a17"}, ""},
		{"bearer, wrong", bearer, map[string]string{"Authorization": "Bearer tok-4f9a18"}, "not the credential that was expected"},
		{"bearer, longer", bearer, map[string]string{"Authorization": "Bearer tok-4f9a17x"}, "not the credential that was expected"},
		{"bearer, another scheme", bearer, map[string]string{"Authorization": "Basic tok-4f9a17"}, "expected the scheme Bearer"},
		{"bearer, scheme only", bearer, map[string]string{"Authorization": "Bearer"}, "expected the scheme Bearer"},
		{"bearer, missing", bearer, nil, "expected once, not 0 times"},
		{"key", key, map[string]string{"X-Hook-Key": "key-77aa01"}, ""},
		{"key, wrong", key, map[string]string{"X-Hook-Key": "key-77aa02"}, "not the credential that was expected"},
		{"none", outbound.Connection{}, nil, `connection "c" of type "none" cannot check callers`},
		{"key in the query", outbound.Connection{Type: "api-key", Secrets: key.Secrets, Settings: map[string]any{"query": "k"}}, nil, "cannot check callers"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := connect(t, test.connection)
			check(t, c, test.header, "", time.Time{}, test.want)
			if got, want := test.connection.CanVerify(), !strings.Contains(test.want, "cannot check"); got != want {
				t.Errorf("CanVerify = %t, want %t", got, want)
			}
		})
	}
	if _, err := connect(t, bearer).Verify(t.Context(), "x", outbound.Incoming{}, time.Time{}); err == nil || err.Error() != `no connection "x"` {
		t.Errorf("Verify = %v", err)
	}
}

// TestSign: what is signed is taken, by every kind that checks callers, and by
// none with another body or key.
func TestSign(t *testing.T) {
	t.Parallel()
	key := map[string]string{"key": "env:KEY"}
	connections := map[string]outbound.Connection{}
	for _, s := range outbound.Schemes() {
		if s.Type == "hmac" {
			connections[s.Name] = schemed(s.Name, key)
		}
	}
	maps.Copy(connections, map[string]outbound.Connection{
		"hmac":         {Type: "hmac", Secrets: key},
		"hmac stamped": {Type: "hmac", Secrets: key, Settings: map[string]any{"tolerance": "1m", "algorithm": "sha1", "encoding": "base64", "prefix": "v1="}},
		"hmac two":     {Type: "hmac", Secrets: map[string]string{"a": "env:OLD_KEY", "b": "env:KEY"}, Settings: map[string]any{"algorithm": "sha512", "encoding": "base64url", "signed": "x{body}y"}},
		"basic":        {Type: "basic", Secrets: map[string]string{"password": "env:PASSWORD"}, Settings: map[string]any{"username": "me"}},
		"bearer":       {Type: "bearer", Secrets: map[string]string{"token": "env:TOKEN"}},
		"api-key":      {Type: "api-key", Secrets: key, Settings: map[string]any{"prefix": "k "}},
	})
	for name, connection := range connections {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := connect(t, connection)
			now := time.Unix(1_800_000_000, 0)
			in := outbound.Incoming{Target: "/hooks/a?b=c", Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, Body: []byte(`b=2&a=1&b=1`)}
			signed, err := c.Sign("c", in, now)
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range signed {
				in.Header.Set(name, value)
			}
			if _, err := c.Verify(t.Context(), "c", in, now); err != nil {
				t.Errorf("%v: %v", signed, err)
			}
			in.Body = []byte(`a=2`)
			if _, err := c.Verify(t.Context(), "c", in, now); connection.Type == "hmac" && err == nil {
				t.Error("another body is taken")
			}
		})
	}
	c := connect(t, outbound.Connection{Type: "oauth2-client-credentials", Secrets: map[string]string{"clientSecret": "env:KEY"}, Settings: map[string]any{"clientId": "x", "tokenURL": "https://example.com/"}})
	for name, want := range map[string]string{"c": "cannot check callers", "none": `no connection "none"`} {
		if _, err := c.Sign(name, outbound.Incoming{}, time.Time{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Sign by %s: %v", name, err)
		}
	}
}

// What a handshake takes of a connection proves nothing else.
func TestHandshakeSecrets(t *testing.T) {
	t.Parallel()
	hub := connect(t, outbound.Connection{Type: "hmac", Secrets: map[string]string{"key": "env:KEY", "verifyToken": "env:TOKEN"}})
	bearer := connect(t, outbound.Connection{Type: "bearer", Secrets: map[string]string{"token": "env:TOKEN"}})
	plain := connect(t, outbound.Connection{Type: "hmac", Secrets: map[string]string{"key": "env:KEY"}})
	token, key := env["TOKEN"], env["KEY"]
	for _, test := range []struct {
		c          *outbound.Client
		name, text string
		want       string
	}{
		{hub, "c", token, ""},
		{bearer, "c", token, ""},
		{hub, "c", key, `not the token of connection "c"`},
		{hub, "c", "", `not the token of connection "c"`},
		{plain, "c", "", `connection "c" has no token for handshakes`},
		{plain, "c", key, `connection "c" has no token for handshakes`},
		{plain, "d", key, `no connection "d"`},
	} {
		got := ""
		if err := test.c.CheckToken(test.name, test.text); err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("CheckToken(%q, %q): %s, want %s", test.name, test.text, got, test.want)
		}
	}
	mac := sign(sha256.New, key, "x")
	for c, want := range map[*outbound.Client][]byte{hub: mac, plain: mac, bearer: nil} {
		if got, err := c.MAC("c", "x"); !bytes.Equal(got, want) || (err == nil) != (want != nil) {
			t.Errorf("MAC = %x, %v, want %x", got, err, want)
		}
	}
	signed := http.Header{}
	signed.Set("X-Signature", hex.EncodeToString(sign(sha256.New, token, "{}")))
	if _, err := hub.Verify(t.Context(), "c", outbound.Incoming{Header: signed, Body: []byte("{}")}, time.Now()); err == nil {
		t.Error("a body that is signed with the token is taken")
	}
	alone := outbound.Connection{Name: "c", Type: "hmac", Secrets: map[string]string{"verifyToken": "env:TOKEN"}}
	if err := alone.Validate(); err == nil || !strings.Contains(err.Error(), `needs a key beside "verifyToken"`) {
		t.Errorf("a connection without a key: %v", err)
	}
}
