package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/webhook"
)

const replayKey = "a key of twenty-odd bytes"

func stamped(at time.Time, body string) func(*http.Request) {
	return func(r *http.Request) {
		stamp := fmt.Sprint(at.Unix())
		r.Header.Set("Stripe-Signature", "t="+stamp+",v1="+sign(replayKey, stamp+"."+body))
	}
}

func identified(id string, at time.Time, body string) func(*http.Request) {
	return func(r *http.Request) {
		stamp := fmt.Sprint(at.Unix())
		mac := hmac.New(sha256.New, []byte(replayKey))
		mac.Write([]byte(id + "." + stamp + "." + body))
		r.Header.Set("Webhook-Id", id)
		r.Header.Set("Webhook-Timestamp", stamp)
		r.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
}

func withBody(body string) func(*http.Request) {
	return func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	}
}

// TestRequestsThatComeAgain: by what is signed a copy is refused, or gets the
// answer of the first, while an attempt that is signed anew is taken.
func TestRequestsThatComeAgain(t *testing.T) {
	t.Parallel()
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var files []string
	for path, with := range map[string]string{
		"timed": "verify: timed", "timed-too": "verify: timed", "timed-once": "verify: timed, dedupe: { key: $(n1.id) }",
		"named": "verify: named", "named-too": "verify: named", "named-own": "verify: named, dedupe: { key: $(n1.request.headers.x_mine) }",
	} {
		files = append(files, write(t, dir, path+".yaml", "flow: "+path+"\nnodes:\n  n1: { type: webhook, with: { path: /"+path+", "+with+
			", body: { type: object, required: [id], properties: { id: { type: string } } } }, next: n2 }\n  n2: { type: respond, with: { body: $(run.id) } }\n"))
	}
	set, mistakes := catalog.Load(files, flow.Config{Types: types})
	if err := mistakes.Err(); err != nil {
		t.Fatal(err)
	}
	client, err := outbound.New(outbound.Config{
		Connections: []outbound.Connection{
			{Name: "timed", Type: "hmac", Secrets: map[string]string{"key": "env:KEY"}, Settings: map[string]any{"scheme": "stripe"}},
			{Name: "named", Type: "hmac", Secrets: map[string]string{"key": "env:KEY"}, Settings: map[string]any{"scheme": "standard-webhooks", "keyEncoding": "text"}},
		},
		Env: func(string) (string, bool) { return replayKey, true },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	at := now
	cfg := webhook.Config{
		Flows: func() *catalog.Set { return set }, Verifier: client, Clock: clock.Told(func() time.Time { return at }),
		Engine: engine.New(engine.Config{Caller: vendor{}}),
	}
	s := serve(t, cfg, nil)
	answers := map[string]string{}
	try := func(what, path, body string, prove func(*http.Request), status int, sameAs string) {
		t.Helper()
		w := post(s, "/hooks/"+path, prove, withBody(body))
		if w.Code != status {
			t.Errorf("%s: %d, want %d: %s", what, w.Code, status, w.Body)
		}
		answers[what] = w.Body.String()
		if repeated := w.Header().Get(webhook.RepeatedHeader) != ""; repeated != (sameAs != "") || repeated && answers[what] != answers[sameAs] {
			t.Errorf("%s: repeated %t, %s", what, repeated, w.Body)
		}
	}
	later := func(r *http.Request) { r.Header.Set("X-Mine", "other") }
	const one, two = `{"id":"1"}`, `{"id":"2"}`
	try("timed", "timed", one, stamped(now, one), 200, "")
	try("timed, a copy", "timed", one, stamped(now, one), 401, "")
	try("timed, a copy for another webhook", "timed-too", one, stamped(now, one), 401, "")
	try("timed, another body", "timed", two, stamped(now, two), 200, "")
	try("timed, signed anew", "timed", one, stamped(now.Add(time.Second), one), 200, "")
	try("timed, no good body", "timed", `{}`, stamped(now, `{}`), 400, "")
	try("timed, no good body again", "timed", `{}`, stamped(now, `{}`), 400, "")
	try("timed, once", "timed-once", one, stamped(now.Add(2*time.Second), one), 200, "")
	try("timed, once, a copy", "timed-once", one, stamped(now.Add(2*time.Second), one), 200, "timed, once")
	try("timed, once, signed anew", "timed-once", one, stamped(now.Add(3*time.Second), one), 200, "timed, once")

	try("named", "named", one, identified("m1", now, one), 200, "")
	try("named, a copy", "named", one, identified("m1", now, one), 200, "named")
	try("named, signed anew", "named", one, identified("m1", now.Add(time.Second), one), 200, "named")
	try("named, a copy for another webhook", "named-too", one, identified("m1", now, one), 401, "")
	try("named, another body", "named", two, identified("m1", now, two), 409, "")
	try("named, another id", "named", one, identified("m2", now, one), 200, "")
	own := identified("m3", now, one)
	try("named, an own key", "named-own", one, func(r *http.Request) { own(r); r.Header.Set("X-Mine", "first") }, 200, "")
	try("named, a copy with the own key", "named-own", one, func(r *http.Request) { own(r); r.Header.Set("X-Mine", "first") }, 200, "named, an own key")
	try("named, a copy with another key", "named-own", one, func(r *http.Request) { own(r); later(r) }, 401, "")

	at = now.Add(6 * time.Minute)
	try("timed, too late", "timed", two, stamped(now, two), 401, "")

	at = now
	s = serve(t, cfg, nil) // as after a restart
	try("timed, a copy after a restart", "timed", one, stamped(now, one), 200, "")
	try("named, a copy after a restart", "named", one, identified("m1", now, one), 200, "named")
}
