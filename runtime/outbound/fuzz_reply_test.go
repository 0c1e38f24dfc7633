package outbound_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/sdk/wire"
)

// saying opens lines whose other end answers one request with these bytes.
func saying(answers map[string][]byte) func(context.Context, string, string) (net.Conn, error) {
	return func(_ context.Context, _, addr string) (net.Conn, error) {
		near, far := net.Pipe()
		go func() {
			defer far.Close()
			r, err := http.ReadRequest(bufio.NewReader(far))
			if err != nil {
				return
			}
			_ = r.Body.Close()
			_, _ = far.Write(answers[addr])
		}()
		return near, nil
	}
}

var failures = []wire.Failure{"", wire.Timeout, wire.Unreachable, wire.Refused, wire.Unauthorized, wire.Interrupted}

// sound holds what a flow gets against what it may be: a whole reply or a failure
// that says why, and no secret in it.
func sound(t *testing.T, reply wire.Reply, secrets ...string) {
	t.Helper()
	whole := reply.Failure == "" && reply.Status >= 100 && reply.Status <= 999
	if !whole && (reply.Failure == "" || !slices.Contains(failures, reply.Failure) || reply.Message == "" || reply.Status != 0) {
		t.Errorf("neither a reply nor a failure: %+v", reply)
	}
	if len(reply.Body) > 4096+1024 { // masks are longer than what they hide
		t.Errorf("a body of %d bytes", len(reply.Body))
	}
	for _, secret := range secrets {
		if strings.Contains(fmt.Sprintf("%s %s %s", reply.Headers, reply.Body, reply.Message), secret) {
			t.Errorf("the flow sees a secret: %+v", reply)
		}
	}
}

// FuzzReply has a vendor answer with whatever bytes.
func FuzzReply(f *testing.F) {
	for _, row := range answered() {
		if len(row.answer) < 4096 {
			f.Add([]byte(strings.ReplaceAll(row.answer, "{token}", env["TOKEN"])))
		}
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		c := newClient(t, outbound.Config{MaxReply: 4096, Connections: []outbound.Connection{{
			Name: "c", Type: "bearer", Secrets: map[string]string{"token": "env:TOKEN"}, BaseURL: "http://vendor.example.com", Timeout: time.Second,
			Private: true, Breaker: outbound.Breaker{Failures: 3},
		}}})
		c.DialBy(saying(map[string][]byte{"vendor.example.com:80": answer}))
		sound(t, c.Do(t.Context(), get("/")), env["TOKEN"])
		c.Statuses()
	})
}

// FuzzTokenAnswer has a token endpoint answer with whatever body, for each way to ask.
func FuzzTokenAnswer(f *testing.F) {
	for _, row := range issued() {
		_, body, _ := strings.Cut(row.token, "\r\n\r\n")
		f.Add(200, strings.ReplaceAll(body, "{token}", env["TOKEN"]))
	}
	f.Add(200, `{"access_token":"granted-1234","refresh_token":"again-5678","expires_in":"3600"}`)
	f.Add(400, `{"error":"invalid_client"}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		status = 100 + (status%900+900)%900
		answer := fmt.Sprintf("HTTP/1.1 %d OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n%s", status, body)
		for _, format := range []string{"form", "json"} {
			c := newClient(t, outbound.Config{MaxReply: 4096, Connections: []outbound.Connection{{
				Name: "c", Type: "oauth2-client-credentials", Secrets: map[string]string{"clientSecret": "env:TOKEN"}, Private: true,
				BaseURL: "http://vendor.example.com", Timeout: time.Second,
				Settings: map[string]any{"clientId": "wend", "tokenURL": "http://id.example.com/token", "tokenFormat": format},
			}}})
			c.DialBy(saying(map[string][]byte{"id.example.com:80": []byte(answer), "vendor.example.com:80": []byte(okEmpty)}))
			sound(t, c.Do(t.Context(), get("/")), env["TOKEN"])
		}
	})
}

// FuzzRetryAfter: whatever stands there, nobody waits for less than nothing.
func FuzzRetryAfter(f *testing.F) {
	f.Add("30", "")
	f.Add("Fri, 20 Nov 2026 08:00:40 GMT", "Fri, 20 Nov 2026 08:00:30 GMT")
	f.Add("-1", "soon")
	f.Fuzz(func(t *testing.T, text, date string) {
		if d := outbound.RetryAfter(text, date, time.Unix(1_800_000_000, 0)); d < 0 {
			t.Errorf("RetryAfter(%q, %q) = %s", text, date, d)
		}
	})
}

// FuzzRedirect: wherever a vendor sends a call, it goes to hosts of the connection
// only, and the credential nowhere but to the vendor.
func FuzzRedirect(f *testing.F) {
	for _, to := range []string{"/b", "//evil.example.com", "https://other.example.com/", "http://vendor.example.com@evil.example.com", "\\\\evil.example.com", "http://VENDOR.example.com.:80/", "?q", "javascript:1"} {
		f.Add(to)
	}
	f.Fuzz(func(t *testing.T, to string) {
		if strings.ContainsAny(to, "\r\n") {
			return
		}
		c := newClient(t, outbound.Config{MaxReply: 4096, Connections: []outbound.Connection{{
			Name: "c", Type: "bearer", Secrets: map[string]string{"token": "env:TOKEN"}, Private: true, Timeout: time.Second,
			BaseURL: "http://vendor.example.com", Hosts: []string{"other.example.com"},
		}}})
		dial := saying(map[string][]byte{
			"vendor.example.com:80": []byte("HTTP/1.1 302 Found\r\nLocation: " + to + "\r\nContent-Length: 0\r\n\r\n"),
			"other.example.com:80":  []byte(okEmpty),
		})
		c.DialBy(func(ctx context.Context, network, addr string) (net.Conn, error) {
			if !slices.Contains([]string{"vendor.example.com:80", "other.example.com:80", "other.example.com:443"}, addr) {
				t.Errorf("a redirect to %q has us dial %s", to, addr)
			}
			return dial(ctx, network, addr)
		})
		sound(t, c.Do(t.Context(), get("/")), env["TOKEN"])
	})
}
