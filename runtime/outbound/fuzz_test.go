package outbound_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/outbound"
)

// FuzzVerify holds that no request is taken that its sender has not signed, in
// any scheme, whatever stands in its headers, its address and its body; that a
// refusal shows no secret; and that what we sign is taken.
func FuzzVerify(f *testing.F) {
	const key = "c2VjcmV0LWtleS1vZi1zZW5kZXJz"
	var connections []outbound.Connection
	for _, s := range outbound.Schemes() {
		c := schemed(s.Name, map[string]string{"key": "env:KEY"})
		if s.Type == "ed25519" {
			c.Type, c.Secrets = s.Type, nil
			c.Settings["publicKeys"] = published[2].key
			delete(c.Settings, "keyEncoding")
		}
		c.Name = s.Type + " " + s.Name
		connections = append(connections, c)
	}
	connections = append(connections,
		outbound.Connection{Name: "basic", Type: "basic", Secrets: map[string]string{"password": "env:KEY"}, Settings: map[string]any{"username": "me"}},
		outbound.Connection{Name: "bearer", Type: "bearer", Secrets: map[string]string{"token": "env:KEY"}},
		outbound.Connection{Name: "key", Type: "api-key", Secrets: map[string]string{"key": "env:KEY"}},
	)
	c, err := outbound.New(outbound.Config{Connections: connections, Env: func(string) (string, bool) { return key, true }})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(c.Close)
	now := time.Unix(1_800_000_000, 0)
	for i := range connections {
		f.Add(uint8(i), "t=1800000000,v1=00,v1=zz", "1800000000", "msg_1", "/hooks/a?b=c", "application/x-www-form-urlencoded", []byte("b=2&a=%31"))
	}
	for _, s := range published {
		f.Add(uint8(0), s.header["webhook-signature"], "2027-01-15T08:00:00Z", s.header["webhook-id"], s.target, "application/json", []byte(s.body))
	}
	f.Fuzz(func(t *testing.T, which uint8, signature, stamp, id, target, kind string, body []byte) {
		name := connections[int(which)%len(connections)].Name
		proof, _ := c.Proof(name)
		in := outbound.Incoming{Target: target, Header: http.Header{"Content-Type": {kind}}, Body: body}
		in.Header[proof] = []string{signature}
		for _, header := range []string{"Webhook-Timestamp", "X-Slack-Request-Timestamp", "X-Zendesk-Webhook-Signature-Timestamp", "X-Signature-Timestamp"} {
			in.Header[header] = []string{stamp}
		}
		in.Header["Webhook-Id"] = []string{id}
		if _, err := c.Verify(t.Context(), name, in, now); err == nil {
			t.Fatalf("%s takes %v", name, in)
		}
		signed, err := c.Sign(name, in, now)
		if err != nil {
			return // a public key, or a form that cannot be read
		}
		for header, value := range signed {
			in.Header.Set(header, value)
		}
		if _, err := c.Verify(t.Context(), name, in, now); err != nil {
			t.Fatalf("%s refuses what it signed: %v", name, err)
		}
	})
}
