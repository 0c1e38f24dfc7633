package outbound_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/outbound"
)

// sent is a request as a sender would send it.
type sent struct {
	name, typ, scheme string
	// source is where the sender, or its own library, publishes the example; else how it
	// was made: by Python's hmac and cryptography.
	source string
	key    string // a secret, or the public key
	at     int64
	target string
	header map[string]string
	body   string
}

const (
	form     = "application/x-www-form-urlencoded"
	computed = "none published; computed with Python"
)

const stripeBody = `{
  "id": "evt_123",
  "object": "event",
  "account": "acct_123",
  "api_version": "2017-05-25",
  "created": 1533204620,
  "data": {
    "object": {
      "id": "cus_123",
      "object": "customer",
      "created": 123456789,
      "email": "test@stripe.com",
      "livemode": false,
      "metadata": {}
    }
  },
  "livemode": false,
  "pending_webhooks": 1,
  "request": {
    "id": "req_123",
    "idempotency_key": "idempotency-key-123"
  },
  "type": "customer.created"
}
`

const slackBody = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"

var published = []sent{
	{
		"standard-webhooks", "hmac", "standard-webhooks", "https://docs.svix.com/receiving/verifying-payloads/how-manual",
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 1614265330, "/",
		map[string]string{
			"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
			"webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		},
		`{"test": 2432232314}`,
	},
	{
		"standard-webhooks, while its key is changed", "hmac", "standard-webhooks", "the same, beside two other signatures",
		"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 1614265330, "/",
		map[string]string{
			"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
			"webhook-signature": "v1,bm9uZQ== v1a,bm9uZQ== v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
		},
		`{"test": 2432232314}`,
	},
	{
		"standard-webhooks, a pair of keys", "ed25519", "standard-webhooks", computed,
		"whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=", 1614265330, "/",
		map[string]string{
			"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
			"webhook-signature": "v1,bm9uZQ== v1a,yoUrgEkc12aGqm0n4Sydmdz55xJfTz4AsAgieHFjmkR7LJtqVCZOQYzvvHjI5kAey+r4iaBGxTFRrl2iBQxtDQ==",
		},
		`{"test": 2432232314}`,
	},
	{
		"stripe", "hmac", "stripe", "stripe/stripe-dotnet: EventUtilityTest.cs and event_test_signature.json",
		"webhook_secret", 1533204620, "/",
		map[string]string{"Stripe-Signature": "t=1533204620,v1=2220f87ef101a04665f11cdf770523143f875572008577fa0f20882ddb9cc3c7,v0=63f3a72374a733066c4be69ed7f8e5ac85c22c9f0a6a612ab9a025a9e4ee7eef"},
		stripeBody,
	},
	{
		"slack", "hmac", "slack", "https://docs.slack.dev/authentication/verifying-requests-from-slack",
		"8f742231b10e8888abcd99yyyzzz85a5", 1531420618, "/",
		map[string]string{
			"X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503", "X-Slack-Request-Timestamp": "1531420618",
		},
		slackBody,
	},
	{
		"github", "hmac", "github", "https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries",
		"It's a Secret to Everybody", 0, "/",
		map[string]string{"X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
		"Hello, World!",
	},
	{
		"meta", "hmac", "meta", computed, "meta-app-secret", 0, "/",
		map[string]string{"X-Hub-Signature-256": "sha256=5dcb51eb590634700c8d9cc1fde4d2d5981ca7bb83f250eb3fb71bfd849057ed"},
		`{"object":"page","entry":[]}`,
	},
	{
		"twilio", "hmac", "twilio", "https://www.twilio.com/docs/usage/webhooks/webhooks-security",
		"12345", 0, "/myapp.php?foo=1&bar=2",
		map[string]string{"Content-Type": form, "X-Twilio-Signature": "0/KCTR6DLpKmkAf8muzZqo1nDgQ="},
		"To=%2B18005551212&Digits=1234&Caller=%2B12349013030&CallSid=CA1234567890ABCDE&From=%2B12349013030",
	},
	{
		"twilio, JSON", "hmac", "twilio", computed,
		"12345", 0, "/myapp.php?bodySHA256=e852ec28d46c49841e1e6687b51c3dbf2b3da45f0b5f73184b3220daaa45ab3b",
		map[string]string{"Content-Type": "application/json", "X-Twilio-Signature": "C8sJ7v4QWOODDruoAbJ+vnu8RQ4="},
		`{"CallSid":"CA1234567890ABCDE"}`,
	},
	{
		"shopify", "hmac", "shopify", computed, "hush", 0, "/",
		map[string]string{"X-Shopify-Hmac-SHA256": "3+Yq/TpwjqJ7IXuMq8EfED7b+y0XbokqOKLUdagDxMI="},
		`{"a":1}`,
	},
	{
		"zendesk", "hmac", "zendesk", computed, // with the key that Zendesk has for tests
		"dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==", 1795161600, "/",
		map[string]string{
			"X-Zendesk-Webhook-Signature": "3SwDAv3pumIw0gqyuTlr8UxGo8pgJTCnq1sSaKhDuu4=", "X-Zendesk-Webhook-Signature-Timestamp": "2026-11-20T08:00:00Z",
		},
		`{"a":1}`,
	},
	{
		"genesys", "hmac", "genesys", computed, "genesys-secret-token", 0, "/",
		map[string]string{"X-Hub-Signature-256": "sha256=tg0A8VhUFdB5/w02kaGR+Vf0WKv1B7KkcJydbQo4hB4="},
		`{"a":1}`,
	},
	{
		"webex", "hmac", "webex", computed, "somesupersecretphrase", 0, "/",
		map[string]string{"X-Spark-Signature": "efdd02b48cf11b7283c312950319f991806faa19"},
		`{"a":1}`,
	},
	{
		"discord", "ed25519", "discord", computed,
		"03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8", 1795161600, "/",
		map[string]string{
			"X-Signature-Ed25519":   "beda72ba82731f0d2ba76f62d0d00a47623c8dc869b11d7dbf5deeede2c2b48c2b6e8dd121ce18b4557f2d035a86b07dab4a4f8864c44d59bed4690ceb207509",
			"X-Signature-Timestamp": "1795161600",
		},
		`{"type":1}`,
	},
}

// schemed is a connection that names a scheme and has what it does not stand for.
func schemed(scheme string, secrets map[string]string) outbound.Connection {
	settings := map[string]any{"scheme": scheme}
	switch scheme {
	case "twilio":
		settings["publicURL"] = "https://mycompany.com/"
	case "standard-webhooks":
		settings["keyEncoding"] = "text" // what is given is stronger
	}
	return outbound.Connection{Type: "hmac", Secrets: secrets, Settings: settings}
}

func (s sent) client(t *testing.T) *outbound.Client {
	t.Helper()
	c := schemed(s.scheme, map[string]string{"key": "env:SENT", "old": "env:OLD"})
	delete(c.Settings, "keyEncoding")
	if s.typ == "ed25519" {
		c.Type, c.Secrets = s.typ, nil
		c.Settings["publicKeys"] = []any{"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", s.key}
	}
	c.Name = "c"
	env := map[string]string{"SENT": s.key, "OLD": "b2xkLWtleS1vZi1vdXJz"}
	return newClient(t, outbound.Config{
		Connections: []outbound.Connection{c},
		Env:         func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
}

func (s sent) incoming() outbound.Incoming {
	in := outbound.Incoming{Target: s.target, Header: http.Header{}, Body: []byte(s.body)}
	for name, v := range s.header {
		in.Header.Set(name, v)
	}
	return in
}

// TestPublishedSignatures: what senders publish as examples is taken, and with
// a byte changed anywhere it is not.
func TestPublishedSignatures(t *testing.T) {
	t.Parallel()
	tried := map[string]bool{}
	for _, s := range published {
		tried[s.typ+" "+s.scheme] = true
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			c, at := s.client(t), time.Unix(s.at, 0)
			proven, err := c.Verify(t.Context(), "c", s.incoming(), at)
			if err != nil {
				t.Fatalf("%s: %v", s.source, err)
			}
			if want := s.header["webhook-id"]; proven.ID != want {
				t.Errorf("the id is %q, want %q", proven.ID, want)
			}
			if stamped := s.at != 0; stamped == proven.Until.IsZero() || stamped && !proven.Until.Equal(at.Add(5*time.Minute)) {
				t.Errorf("the proof is taken until %s", proven.Until)
			}
			in := s.incoming()
			in.Body = append(in.Body, ' ')
			refuse(t, c, in, at, "another body")
			if s.scheme == "twilio" {
				in = s.incoming()
				in.Target += "&more"
				refuse(t, c, in, at, "another address")
			}
			for name, v := range s.header {
				if name == "Content-Type" {
					continue
				}
				in = s.incoming()
				in.Header.Del(name)
				refuse(t, c, in, at, "without "+name)
				in = s.incoming()
				in.Header.Set(name, flipped(v))
				refuse(t, c, in, at, "another "+name)
			}
			if s.at != 0 {
				refuse(t, c, s.incoming(), at.Add(5*time.Minute+time.Second), "too late")
				refuse(t, c, s.incoming(), at.Add(-5*time.Minute-time.Second), "too early")
			}
		})
	}
	for _, s := range outbound.Schemes() {
		if !tried[s.Type+" "+s.Name] {
			t.Errorf("scheme %q of type %q has no example", s.Name, s.Type)
		}
	}
}

func refuse(t *testing.T, c *outbound.Client, in outbound.Incoming, at time.Time, what string) {
	t.Helper()
	if _, err := c.Verify(t.Context(), "c", in, at); err == nil {
		t.Errorf("%s is taken", what)
	}
}

// flipped changes a text in its middle, where no prefix is.
func flipped(text string) string {
	b := []byte(text)
	i := len(b) / 2
	if i < len("t=1533204620,v1=") && strings.HasPrefix(text, "t=") {
		i = len(b) - 80
	}
	if b[i] == '1' {
		b[i] = '2'
	} else {
		b[i] = '1'
	}
	return string(b)
}

// TestMarks: a proof has one mark however it is spelt, and by whichever of two
// keys, and another for another message or time.
func TestMarks(t *testing.T) {
	t.Parallel()
	c := newClient(t, outbound.Config{
		Connections: []outbound.Connection{{
			Name: "c", Type: "hmac", Secrets: map[string]string{"a": "env:A", "b": "env:B"}, Settings: map[string]any{"tolerance": "5m"},
		}},
		Env: func(name string) (string, bool) { return "key " + name, true },
	})
	at := time.Unix(1_800_000_000, 0)
	mark := func(key, stamp, body string, spell func(string) string) outbound.Mark {
		t.Helper()
		signed := spell(hex.EncodeToString(sign(sha256.New, "key "+key, stamp+"."+body)))
		in := outbound.Incoming{Header: http.Header{"X-Signature": {signed}, "X-Timestamp": {stamp}}, Body: []byte(body)}
		proven, err := c.Verify(t.Context(), "c", in, at)
		if err != nil {
			t.Fatal(err)
		}
		return proven.Mark
	}
	plain := func(s string) string { return s }
	first := mark("A", "1800000000", "{}", plain)
	for name, same := range map[string]outbound.Mark{
		"upper case":        mark("A", "1800000000", "{}", strings.ToUpper),
		"beside another":    mark("A", "1800000000", "{}", func(s string) string { return "00, " + s }),
		"by the second key": mark("B", "1800000000", "{}", plain),
	} {
		if same != first {
			t.Errorf("%s: another mark", name)
		}
	}
	if mark("A", "1800000001", "{}", plain) == first || mark("A", "1800000000", "[]", plain) == first {
		t.Error("two proofs have one mark")
	}
}

// TestSignatureSettings: what is read and not signed, and what is signed and not
// read, are mistakes.
func TestSignatureSettings(t *testing.T) {
	t.Parallel()
	key := map[string]string{"key": "env:KEY"}
	for _, test := range []struct {
		typ      string
		settings map[string]any
		want     string // "" for none
	}{
		{"hmac", map[string]any{"scheme": "stripe", "tolerance": "1m"}, ""},
		{"hmac", map[string]any{"scheme": "strpe"}, `settings.scheme: no such choice as "strpe"`},
		{"hmac", map[string]any{"scheme": "discord"}, `it is one of type "ed25519"`},
		{"hmac", map[string]any{"scheme": "twilio"}, "say settings.publicURL"},
		{"hmac", map[string]any{"scheme": "twilio", "publicURL": "hooks.example.com"}, "settings.publicURL: expected where the sender calls us"},
		{"hmac", map[string]any{"publicURL": "https://hooks.example.com"}, "no address is signed"},
		{"hmac", map[string]any{"idHeader": "X-Id"}, ""},
		{"hmac", map[string]any{"idHeader": "X-Id", "signed": "{body}"}, "an id that is not signed proves nothing"},
		{"hmac", map[string]any{"signed": "{id}{body}"}, "{id} needs settings.idHeader"},
		{"hmac", map[string]any{"signed": "{form}"}, "{form} needs {url}"},
		{"hmac", map[string]any{"signed": "{form}{body}"}, "expected {body} in it, once"},
		{"hmac", map[string]any{"timestampPrefix": "t=", "timestampHeader": "X-T"}, "expected one of them"},
		{"hmac", map[string]any{"timestampPrefix": "t=", "signed": "{body}"}, "a time that is not signed proves nothing"},
		{"hmac", map[string]any{"separator": "tab"}, "settings.separator"},
		{"hmac", map[string]any{"separator": "blank", "prefix": "v1,"}, ""},
		{"hmac", map[string]any{"separator": "blank", "prefix": "a b"}, "blanks stand between signatures"},
		{"hmac", map[string]any{"idHeader": "X-Signature"}, `header "X-Signature" holds the signature`},
		{"ed25519", map[string]any{"scheme": "discord"}, "needs settings.publicKeys"},
		{"ed25519", map[string]any{"publicKeys": "00ff"}, "expected the 32 bytes of a key in hex or base64"},
		{"ed25519", map[string]any{"publicKeys": []any{published[2].key, published[13].key}}, ""},
		{"ed25519", map[string]any{"publicKeys": published[2].key, "algorithm": "sha256"}, `type "ed25519" has no setting "algorithm"`},
	} {
		c := outbound.Connection{Name: "c", Type: test.typ, Settings: test.settings}
		if test.typ == "hmac" {
			c.Secrets = key
		}
		err := c.Validate()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s %v: %v, want %q", test.typ, test.settings, err, test.want)
		}
	}
}

// TestKeysAreKeys: a secret that holds no key, or not as it is said to, is told
// without being shown; signed with nothing, everybody could sign.
func TestKeysAreKeys(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"whsec_":             `secret "key": holds no key`,
		"whsec_=":            `secret "key": holds no key`,
		"whsec_not base64!":  `secret "key": expected a key in base64`,
		"whsec_c2VjcmV0cw":   "",
		"c2VjcmV0cy1tb3Jl==": "",
	} {
		c, err := outbound.New(outbound.Config{
			Connections: []outbound.Connection{{Name: "c", Type: "hmac", Secrets: map[string]string{"key": "env:KEY"}, Settings: map[string]any{"scheme": "standard-webhooks"}}},
			Env:         func(string) (string, bool) { return text, true },
		})
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "base64!") {
			t.Errorf("the error shows the secret: %v", err)
		}
		if c != nil {
			c.Close()
		}
	}
}

// TestNextSecrets: while a credential is changed callers may use the old and the
// new one; we use the first.
func TestNextSecrets(t *testing.T) {
	t.Parallel()
	next := map[string]string{"basic": "nextPassword", "bearer": "nextToken", "api-key": "nextKey"}
	first := map[string]string{"basic": "password", "bearer": "token", "api-key": "key"}
	for typ, name := range next {
		t.Run(typ, func(t *testing.T) {
			t.Parallel()
			connection := func(secrets map[string]string) outbound.Connection {
				c := outbound.Connection{Type: typ, Secrets: secrets}
				if typ == "basic" {
					c.Settings = map[string]any{"username": "me"}
				}
				return c
			}
			both := connect(t, connection(map[string]string{first[typ]: "env:KEY", name: "env:OLD_KEY"}))
			alone := map[string]*outbound.Client{
				"KEY": connect(t, connection(map[string]string{first[typ]: "env:KEY"})), "OLD_KEY": connect(t, connection(map[string]string{first[typ]: "env:OLD_KEY"})),
				"TOKEN": connect(t, connection(map[string]string{first[typ]: "env:TOKEN"})),
			}
			for which, c := range alone {
				headers, err := c.Sign("c", outbound.Incoming{}, time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				in := outbound.Incoming{Header: http.Header{}}
				for name, v := range headers {
					in.Header.Set(name, v)
				}
				if _, err := both.Verify(t.Context(), "c", in, time.Time{}); (err == nil) != (which != "TOKEN") {
					t.Errorf("the credential %s: %v", which, err)
				}
			}
		})
	}
}
