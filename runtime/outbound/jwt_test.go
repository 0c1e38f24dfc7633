package outbound_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/wendflow/wend/runtime/outbound"
)

// publisher publishes keys and makes tokens.
type publisher struct {
	t      *testing.T
	server *httptest.Server
	keys   atomic.Pointer[string]
	asked  atomic.Int32
	status atomic.Int32
}

func newPublisher(t *testing.T, keys ...jose.JSONWebKey) *publisher {
	t.Helper()
	i := &publisher{t: t}
	i.status.Store(http.StatusOK)
	i.publish(keys...)
	i.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.asked.Add(1)
		w.WriteHeader(int(i.status.Load()))
		fmt.Fprint(w, *i.keys.Load())
	}))
	t.Cleanup(i.server.Close)
	return i
}

func (i *publisher) publish(keys ...jose.JSONWebKey) {
	i.t.Helper()
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: keys})
	if err != nil {
		i.t.Fatal(err)
	}
	set := string(text)
	i.keys.Store(&set)
}

func (i *publisher) connection(settings map[string]any) outbound.Connection {
	all := map[string]any{"issuer": "https://issuer.example.com", "audience": []any{"us", "ours"}, "jwksURL": i.server.URL + "/keys"}
	for name, v := range settings {
		all[name] = v
	}
	return outbound.Connection{Name: "c", Type: "jwt", Private: true, Settings: all}
}

// signed makes a token; header has what it says beside its algorithm.
func signed(t *testing.T, algorithm jose.SignatureAlgorithm, key any, kid string, claims map[string]any, header ...func(*jose.SignerOptions)) string {
	t.Helper()
	o := (&jose.SignerOptions{}).WithType("JWT")
	if kid != "" {
		o = o.WithHeader("kid", kid)
	}
	for _, f := range header {
		f(o)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func public(key crypto.Signer, kid string) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key.Public(), KeyID: kid, Use: "sig"}
}

func borne(token string) outbound.Incoming {
	return outbound.Incoming{Header: http.Header{"Authorization": {"Bearer " + token}}}
}

// TestJWT: tokens of the issuer are taken, for us and in their time, and none that
// could be made by somebody else.
func TestJWT(t *testing.T) {
	t.Parallel()
	_, ed, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, other, _ := ed25519.GenerateKey(nil)
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := newPublisher(t, public(ed, "ed"), public(ec, "ec"), public(rs, "rs"), jose.JSONWebKey{Key: ec.Public(), KeyID: "enc", Use: "enc"})
	withNewer := strings.Replace(*i.keys.Load(), `{"keys":[`, `{"keys":[{"kty":"AKP","alg":"ML-DSA-44","kid":"new","pub":"AAAA"},{"kty":"oct","kid":"shared","k":"AAAA"},`, 1)
	i.keys.Store(&withNewer)
	now := time.Unix(1_800_000_000, 0)
	good := func(changes ...any) map[string]any {
		claims := map[string]any{"iss": "https://issuer.example.com", "aud": []string{"us", "x"}, "exp": now.Add(time.Minute).Unix(), "sub": "sender", "email": "a@example.com"}
		for n := 0; n < len(changes); n += 2 {
			if claims[changes[n].(string)] = changes[n+1]; changes[n+1] == nil {
				delete(claims, changes[n].(string))
			}
		}
		return claims
	}
	part := func(v map[string]any) string {
		text, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	unsigned := part(map[string]any{"alg": "none"}) + "." + part(good()) + "."
	crit := func(o *jose.SignerOptions) { o.WithHeader("crit", []string{"x"}); o.WithHeader("x", true) }
	elsewhere := func(o *jose.SignerOptions) { o.WithHeader("jku", "http://127.0.0.1:1/keys") }
	embedded := func(o *jose.SignerOptions) { o.EmbedJWK = true }
	pem, _ := json.Marshal(public(rs, "rs"))
	for _, test := range []struct {
		name, token string
		settings    map[string]any
		want        string // of the error; "" is taken
	}{
		{"EdDSA", signed(t, jose.EdDSA, ed, "ed", good()), nil, ""},
		{"ES256", signed(t, jose.ES256, ec, "ec", good()), nil, ""},
		{"RS256", signed(t, jose.RS256, rs, "rs", good()), nil, ""},
		{"PS256", signed(t, jose.PS256, rs, "rs", good()), nil, ""},
		{"no key named", signed(t, jose.EdDSA, ed, "", good()), nil, ""},
		{"one audience, as a text", signed(t, jose.EdDSA, ed, "ed", good("aud", "ours")), nil, ""},
		{"a claim", signed(t, jose.EdDSA, ed, "ed", good()), map[string]any{"claims": map[string]any{"email": "a@example.com"}}, ""},
		{"as late as is tolerated", signed(t, jose.EdDSA, ed, "ed", good("exp", now.Add(-time.Minute).Unix()+1)), nil, ""},
		{"keys of another address in the token", signed(t, jose.EdDSA, ed, "ed", good(), elsewhere), nil, ""},

		{"another key", signed(t, jose.EdDSA, other, "ed", good()), nil, "not signed by a key of"},
		{"another key, in the token", signed(t, jose.EdDSA, other, "", good(), embedded), nil, "not signed by a key of"},
		{"a key that nobody knows", signed(t, jose.EdDSA, ed, "none", good()), nil, `no key "none"`},
		{"the key of another algorithm", signed(t, jose.EdDSA, ed, "ec", good()), nil, "not signed by a key of"},
		{"a key that encrypts", signed(t, jose.ES256, ec, "enc", good()), nil, `no key "enc"`},
		{"the public key as a shared one", signed(t, jose.HS256, pem, "rs", good()), nil, "no JWT, or signed by an algorithm"},
		{"the published shared key", signed(t, jose.HS256, make([]byte, 32), "shared", good()), nil, "no JWT, or signed by an algorithm"},
		{"not signed", unsigned, nil, "no JWT, or signed by an algorithm"},
		{"an algorithm that is not among ours", signed(t, jose.RS256, rs, "rs", good()), map[string]any{"algorithms": "EdDSA ES256"}, "no JWT, or signed by an algorithm"},
		{"a header that has to be understood", signed(t, jose.EdDSA, ed, "ed", good(), crit), nil, "not signed by a key of"},
		{"another issuer", signed(t, jose.EdDSA, ed, "ed", good("iss", "https://issuer.example.com/")), nil, "iss"},
		{"no issuer", signed(t, jose.EdDSA, ed, "ed", good("iss", nil)), nil, "iss"},
		{"for another", signed(t, jose.EdDSA, ed, "ed", good("aud", "them")), nil, "aud"},
		{"for nobody", signed(t, jose.EdDSA, ed, "ed", good("aud", nil)), nil, "aud"},
		{"over", signed(t, jose.EdDSA, ed, "ed", good("exp", now.Add(-time.Minute).Unix()-1)), nil, "expired"},
		{"without an end", signed(t, jose.EdDSA, ed, "ed", good("exp", nil)), nil, "no end (exp)"},
		{"not yet", signed(t, jose.EdDSA, ed, "ed", good("nbf", now.Add(2*time.Minute).Unix())), nil, "nbf"},
		{"of the future", signed(t, jose.EdDSA, ed, "ed", good("iat", now.Add(2*time.Minute).Unix())), nil, "issued in the future"},
		{"another claim", signed(t, jose.EdDSA, ed, "ed", good()), map[string]any{"claims": map[string]any{"email": "b@example.com"}}, `claim "email" is not`},
		{"no claim", signed(t, jose.EdDSA, ed, "ed", good("email", nil)), map[string]any{"claims": map[string]any{"email": "a@example.com"}}, `claim "email" is not`},
		{"no token", "", nil, "no JWT"},
		{"two tokens in one", signed(t, jose.EdDSA, ed, "ed", good()) + " x", nil, "no JWT"},
		{"a token of 20,000 letters", strings.Repeat("a", 20_000), nil, "more than 16384"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, outbound.Config{Connections: []outbound.Connection{i.connection(test.settings)}})
			_, err := c.Verify(t.Context(), "c", borne(test.token), now)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("Verify = %v, want %q", err, test.want)
			}
			if err != nil && test.token != "" && strings.Contains(err.Error(), test.token) {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
}

// TestPublishedJWT: the example of RFC 7515, A.2, whose key and signature are
// right; it lacks but an audience.
func TestPublishedJWT(t *testing.T) {
	t.Parallel()
	i := newPublisher(t)
	set := `{"keys":[{"kty":"RSA","e":"AQAB","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"}]}`
	i.keys.Store(&set)
	const token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
	c := newClient(t, outbound.Config{Connections: []outbound.Connection{i.connection(map[string]any{"issuer": "joe"})}})
	at := time.Unix(1300819379, 0)
	for text, want := range map[string]string{token: "aud", strings.Replace(token, ".cC4h", ".cC5h", 1): "not signed by a key of joe"} {
		if _, err := c.Verify(t.Context(), "c", borne(text), at); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Verify = %v, want %q", err, want)
		}
	}
}

// TestKeysOfAnIssuer: they are asked for when they are needed, not more often
// than that, and used for a day when they cannot be had.
func TestKeysOfAnIssuer(t *testing.T) {
	t.Parallel()
	_, first, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, second, _ := ed25519.GenerateKey(nil)
	i := newPublisher(t, public(first, "1"))
	c := newClient(t, outbound.Config{Connections: []outbound.Connection{i.connection(nil)}})
	now := time.Unix(1_800_000_000, 0)
	token := func(key ed25519.PrivateKey, kid string) string {
		return signed(t, jose.EdDSA, key, kid, map[string]any{"iss": "https://issuer.example.com", "aud": "us", "exp": now.Add(48 * time.Hour).Unix()})
	}
	try := func(what string, key ed25519.PrivateKey, kid string, after time.Duration, taken bool, asked int32) {
		t.Helper()
		_, err := c.Verify(t.Context(), "c", borne(token(key, kid)), now.Add(after))
		if (err == nil) != taken || i.asked.Load() != asked {
			t.Errorf("%s: %v, asked %d times, want %d", what, err, i.asked.Load(), asked)
		}
	}
	try("the first", first, "1", 0, true, 1)
	try("again", first, "1", time.Minute, true, 1)
	try("a key that is invented", second, "x", time.Minute, false, 2)
	try("another", second, "y", time.Minute+29*time.Second, false, 2)
	i.publish(public(first, "1"), public(second, "2"))
	try("a new key, too early", second, "2", time.Minute+29*time.Second, false, 2)
	try("a new key", second, "2", time.Minute+30*time.Second, true, 3)
	try("an old one beside it", first, "1", time.Minute+30*time.Second, true, 3)
	i.publish(public(second, "2"))
	try("what was withdrawn, within the hour", first, "1", 50*time.Minute, true, 3)
	try("what was withdrawn", first, "1", 2*time.Hour, false, 4)
	i.status.Store(http.StatusInternalServerError)
	try("keys that cannot be had anew", second, "2", 4*time.Hour, true, 5)
	try("for a day", second, "2", 27*time.Hour, false, 6)
}

// TestJWTSettings: what keeps tokens from proving anything is a mistake.
func TestJWTSettings(t *testing.T) {
	t.Parallel()
	good := map[string]any{"issuer": "i", "audience": "a", "jwksURL": "https://issuer.example.com/keys"}
	for _, test := range []struct {
		name  string
		value any
		want  string
	}{
		{"tolerance", "30s", ""},
		{"issuer", nil, `type "jwt" needs settings.issuer`},
		{"audience", nil, `type "jwt" needs settings.audience`},
		{"jwksURL", nil, `type "jwt" needs settings.jwksURL`},
		{"jwksURL", "http://issuer.example.com/keys", "https, or private: true"},
		{"jwksURL", "keys.json", "expected https://… with a host"},
		{"algorithms", []any{"ES256", "HS256"}, `no such choice as "HS256"`},
		{"algorithms", "none", `no such choice as "none"`},
		{"tolerance", "2h", "expected 1h at most"},
		{"claims", []any{"a"}, "expected a map of names to text"},
		{"header", "X", `type "jwt" has no setting "header"`},
	} {
		settings := map[string]any{}
		for name, v := range good {
			settings[name] = v
		}
		if settings[test.name] = test.value; test.value == nil {
			delete(settings, test.name)
		}
		err := outbound.Connection{Name: "c", Type: "jwt", Settings: settings, Timeout: time.Second, TLS: outbound.TLS{CAFile: "ca.pem"}}.Validate()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s %v: %v, want %q", test.name, test.value, err, test.want)
		}
	}
}

// FuzzToken holds that no text is a token but one that the issuer signed.
func FuzzToken(f *testing.F) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		f.Fatal(err)
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public(key, "1")}})
	if err != nil {
		f.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) }))
	f.Cleanup(server.Close)
	c, err := outbound.New(outbound.Config{Connections: []outbound.Connection{{
		Name: "c", Type: "jwt", Private: true, Settings: map[string]any{"issuer": "i", "audience": "a", "jwksURL": server.URL},
	}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(c.Close)
	f.Add("Bearer eyJhbGciOiJFZERTQSIsImtpZCI6IjEifQ.eyJpc3MiOiJpIiwiYXVkIjoiYSIsImV4cCI6MTkwMDAwMDAwMH0.AAAA")
	f.Add("bearer eyJhbGciOiJub25lIn0.e30.")
	f.Add(`Bearer {"payload":"e30","signatures":[{"protected":"eyJhbGciOiJFZERTQSJ9","signature":"AA"}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		in := outbound.Incoming{Header: http.Header{"Authorization": {text}}}
		if _, err := c.Verify(t.Context(), "c", in, time.Unix(1_800_000_000, 0)); err == nil {
			t.Errorf("%q is taken", text)
		}
	})
}
