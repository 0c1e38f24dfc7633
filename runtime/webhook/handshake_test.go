package webhook_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/webhook"
)

// shakers are webhooks of senders that ask first, beside one that they do not
// know of.
const shakers = `flow: shakers
nodes:
  meta: { type: webhook, with: { path: /meta, verify: meta, handshake: { type: hub } }, next: n }
  strava: { type: webhook, with: { path: /strava, methods: [GET, POST], handshake: { type: hub, connection: strava } }, next: n }
  slack: { type: webhook, with: { path: /slack, verify: slack, handshake: { type: slack } }, next: n }
  x: { type: webhook, with: { path: /x, verify: x, handshake: { type: crc } }, next: n }
  zoom: { type: webhook, with: { path: /zoom, verify: zoom, handshake: { type: zoom } }, next: n }
  graph: { type: webhook, with: { path: /graph, handshake: { type: echo, parameter: validationToken } }, next: n }
  texts: { type: webhook, with: { path: /x/texts, verify: x, accepts: [text] }, next: n }
  n: { type: respond, with: { body: a run } }
`

// slackSecret and slackTime are those of Slack's own example:
// https://docs.slack.dev/authentication/verifying-requests-from-slack
const (
	slackSecret = "8f742231b10e8888abcd99yyyzzz85a5"
	slackTime   = 1531420618
)

func shakerServer(t testing.TB, log io.Writer) server {
	t.Helper()
	set := load(t, shakers)
	env := map[string]string{"META": "app-secret", "META_TOKEN": "meatyhamhock", "STRAVA": "STRAVA", "SLACK": slackSecret, "X": "consumer-secret", "ZOOM": "zoom-secret"}
	stamped := func(header, stamp string) map[string]any {
		return map[string]any{"header": header, "timestampHeader": stamp, "prefix": "v0=", "signed": "v0:{timestamp}:{body}"}
	}
	client, err := outbound.New(outbound.Config{
		Connections: []outbound.Connection{
			{Name: "meta", Type: "hmac", Secrets: map[string]string{"key": "env:META", "verifyToken": "env:META_TOKEN"}, Settings: map[string]any{"header": "X-Hub-Signature-256", "prefix": "sha256="}},
			{Name: "strava", Type: "bearer", Secrets: map[string]string{"token": "env:STRAVA"}},
			{Name: "slack", Type: "hmac", Secrets: map[string]string{"key": "env:SLACK"}, Settings: stamped("X-Slack-Signature", "X-Slack-Request-Timestamp")},
			{Name: "x", Type: "hmac", Secrets: map[string]string{"key": "env:X"}, Settings: map[string]any{"header": "X-Twitter-Webhooks-Signature", "prefix": "sha256=", "encoding": "base64"}},
			{Name: "zoom", Type: "hmac", Secrets: map[string]string{"key": "env:ZOOM"}, Settings: stamped("X-Zm-Signature", "X-Zm-Request-Timestamp")},
		},
		Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	at := clock.Told(func() time.Time { return time.Unix(slackTime, 0) })
	return serve(t, webhook.Config{
		Flows: func() *catalog.Set { return set }, Verifier: client, Clock: at, Observers: fact.Observe(fact.Log(slog.New(slog.NewTextHandler(log, nil)), at)),
	}, vendor{})
}

func hmacOf(key, text string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// signedAt has a request signed as Slack and Zoom do.
func signedAt(header, stamp, key, body string) func(*http.Request) {
	at := strconv.Itoa(slackTime)
	return func(r *http.Request) {
		r.Header.Set(stamp, at)
		r.Header.Set(header, "v0="+hex.EncodeToString(hmacOf(key, "v0:"+at+":"+body)))
	}
}

// ask sends a request with a body, or without.
func ask(s http.Handler, method, target, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// What senders publish as their handshake is answered as they publish it, and
// makes no run.
func TestHandshakes(t *testing.T) {
	t.Parallel()
	// https://docs.slack.dev/reference/events/url_verification
	const slack = `{"token":"Jhj5dZrVaK7ZwHHjRyZWjbDl","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}`
	// https://developers.zoom.us/docs/api/webhooks/#validate-your-webhook-endpoint
	const zoom = `{"payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event_ts":1654503849680,"event":"endpoint.url_validation"}`
	for name, test := range map[string]struct {
		method, target, body string
		change               func(*http.Request)
		kind, want           string
	}{
		// https://developers.facebook.com/docs/graph-api/webhooks/getting-started
		"Meta": {
			method: "GET", target: "/hooks/meta?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=meatyhamhock",
			kind: "text/plain; charset=utf-8", want: "1158201444",
		},
		"Slack": {
			method: "POST", target: "/hooks/slack", body: slack,
			change: signedAt("X-Slack-Signature", "X-Slack-Request-Timestamp", slackSecret, slack),
			kind:   "text/plain; charset=utf-8", want: "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",
		},
		// https://developer.x.com/en/docs/x-api/enterprise/account-activity-api/guides/securing-webhooks
		"X": {
			method: "GET", target: "/hooks/x?crc_token=challenge_string&nonce=1",
			kind: "application/json", want: `{"response_token":"sha256=` + base64.StdEncoding.EncodeToString(hmacOf("consumer-secret", "challenge_string")) + `"}`,
		},
		"Zoom": {
			method: "POST", target: "/hooks/zoom", body: zoom, change: signedAt("X-Zm-Signature", "X-Zm-Request-Timestamp", "zoom-secret", zoom),
			kind: "application/json",
			want: `{"encryptedToken":"` + hex.EncodeToString(hmacOf("zoom-secret", "qgg8vlvZRS6UYooatFL8Aw")) + `","plainToken":"qgg8vlvZRS6UYooatFL8Aw"}`,
		},
		// https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks
		"Microsoft Graph": {
			method: "POST", target: "/hooks/graph?validationToken=Validation%3A+Testing+client+application+reachability", body: "",
			kind: "text/plain; charset=utf-8", want: "Validation: Testing client application reachability",
		},
		"a page that is sent to be sent back": {
			method: "GET", target: "/hooks/graph?validationToken=%3Cscript%3E",
			kind: "text/plain; charset=utf-8", want: "<script>",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			s := shakerServer(t, &log)
			if test.change == nil {
				test.change = func(*http.Request) {}
			}
			w := ask(s, test.method, test.target, test.body, test.change)
			diff(t, http.StatusOK, w.Code)
			diff(t, test.kind, w.Header().Get("Content-Type"))
			diff(t, test.want, strings.TrimSpace(w.Body.String()))
			diff(t, "", w.Header().Get(webhook.RunHeader))
			if s.engine.Find(runID) != nil {
				t.Error("there is a run")
			}
			if !strings.Contains(log.String(), "handshake answered") {
				t.Errorf("the log does not say so: %s", log.String())
			}
		})
	}
}

// Whatever else comes to such a webhook is refused as on a path that is not
// served, or is a request like any other.
func TestNoHandshake(t *testing.T) {
	t.Parallel()
	const event = `{"type":"event_callback","text":"url_verification"}`
	const form = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	slack := func(body string) func(*http.Request) {
		return signedAt("X-Slack-Signature", "X-Slack-Request-Timestamp", slackSecret, body)
	}
	unknown := ask(shakerServer(t, &bytes.Buffer{}), "GET", "/hooks/nobody", "")
	diff(t, http.StatusUnauthorized, unknown.Code)
	for name, test := range map[string]struct {
		method, target, body string
		change               func(*http.Request)
		want                 int
	}{
		"another token":            {method: "GET", target: "/hooks/meta?hub.mode=subscribe&hub.challenge=1&hub.verify_token=meatyhamhoc", want: 401},
		"no token":                 {method: "GET", target: "/hooks/meta?hub.mode=subscribe&hub.challenge=1", want: 401},
		"the key as a token":       {method: "GET", target: "/hooks/meta?hub.mode=subscribe&hub.challenge=1&hub.verify_token=app-secret", want: 401},
		"another mode":             {method: "GET", target: "/hooks/meta?hub.mode=unsubscribe&hub.challenge=1&hub.verify_token=meatyhamhock", want: 401},
		"a GET without a question": {method: "GET", target: "/hooks/meta", want: 401},
		"a body that is signed by the token": {
			method: "POST", target: "/hooks/meta", body: "{}", want: 401,
			change: func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", "sha256="+sign("meatyhamhock", "{}")) },
		},
		"a signed body": {
			method: "POST", target: "/hooks/meta", body: "{}", want: 200,
			change: func(r *http.Request) { r.Header.Set("X-Hub-Signature-256", "sha256="+sign("app-secret", "{}")) },
		},
		"a GET that makes a run":         {method: "GET", target: "/hooks/strava?a=1", want: 200},
		"a GET that asks with another":   {method: "GET", target: "/hooks/strava?hub.mode=subscribe&hub.challenge=1&hub.verify_token=x", want: 401},
		"a challenge that nobody signed": {method: "POST", target: "/hooks/slack", body: `{"type":"url_verification","challenge":"x"}`, want: 401},
		"a signed event":                 {method: "POST", target: "/hooks/slack", body: event, change: slack(event), want: 200},
		"a challenge without one": {
			method: "POST", target: "/hooks/slack", body: `{"type":"url_verification"}`, change: slack(`{"type":"url_verification"}`), want: 400,
		},
		// The signature is the one that Slack publishes for this form.
		"a signed form": {method: "POST", target: "/hooks/slack", body: form, want: 200, change: func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("X-Slack-Request-Timestamp", strconv.Itoa(slackTime))
			r.Header.Set("X-Slack-Signature", "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503")
		}},
		"a text that could be a body": {method: "GET", target: "/hooks/x?crc_token=%7B%22a%22%3A1%7D", want: 401},
		"a text that is too long":     {method: "GET", target: "/hooks/x?crc_token=" + strings.Repeat("a", 257), want: 401},
		"a form that was signed as a text": {method: "POST", target: "/hooks/x", body: "challenge_string", want: 401, change: func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("X-Twitter-Webhooks-Signature", "sha256="+base64.StdEncoding.EncodeToString(hmacOf("consumer-secret", "challenge_string")))
		}},
		"a text that was signed as one, elsewhere": {method: "POST", target: "/hooks/x/texts", body: "challenge_string", want: 401, change: func(r *http.Request) {
			r.Header.Set("Content-Type", "text/plain")
			r.Header.Set("X-Twitter-Webhooks-Signature", "sha256="+base64.StdEncoding.EncodeToString(hmacOf("consumer-secret", "challenge_string")))
		}},
		"a text that could not be": {method: "POST", target: "/hooks/x/texts", body: "a text", want: 200, change: func(r *http.Request) {
			r.Header.Set("Content-Type", "text/plain")
			r.Header.Set("X-Twitter-Webhooks-Signature", "sha256="+base64.StdEncoding.EncodeToString(hmacOf("consumer-secret", "a text")))
		}},
		"a challenge for Zoom that nobody signed": {method: "POST", target: "/hooks/zoom", body: `{"event":"endpoint.url_validation","payload":{"plainToken":"v0:1:{}"}}`, want: 401},
		"a challenge that is too long":            {method: "GET", target: "/hooks/graph?validationToken=" + strings.Repeat("a", 5000), want: 400},
		"a GET to one that takes POST":            {method: "GET", target: "/hooks/graph", want: 405},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if test.change == nil {
				test.change = func(*http.Request) {}
			}
			w := ask(shakerServer(t, &bytes.Buffer{}), test.method, test.target, test.body, test.change)
			diff(t, test.want, w.Code)
			if w.Code == http.StatusUnauthorized {
				diff(t, unknown.Header(), w.Header())
				diff(t, unknown.Body.String(), w.Body.String())
			}
		})
	}
}

// What is answered to anybody is answered so often.
func TestHandshakeLimit(t *testing.T) {
	t.Parallel()
	s := shakerServer(t, &bytes.Buffer{})
	codes := map[int]int{}
	for range 30 {
		codes[ask(s, "GET", "/hooks/x?crc_token=a", "").Code]++
	}
	diff(t, map[int]int{http.StatusOK: 20, http.StatusTooManyRequests: 10}, codes)
	for range 30 {
		codes[ask(s, "GET", "/hooks/meta?hub.mode=subscribe&hub.challenge=1&hub.verify_token=guess", "").Code]++
	}
	diff(t, map[int]int{http.StatusOK: 20, http.StatusUnauthorized: 20, http.StatusTooManyRequests: 20}, codes)
}

// FuzzHandshake holds that whatever is asked nobody gets a run without a proof,
// nor an answer that is a fault of ours, nor what only a sender knows.
func FuzzHandshake(f *testing.F) {
	s := shakerServer(f, io.Discard)
	paths := []string{"meta", "strava", "slack", "x", "zoom", "graph", "x/texts"}
	f.Add(uint8(0), false, "hub.mode=subscribe&hub.challenge=1&hub.verify_token=x", []byte("{}"))
	f.Add(uint8(3), false, "crc_token=abc", []byte(nil))
	f.Add(uint8(5), true, "validationToken=%3Cb%3E", []byte("{}"))
	f.Add(uint8(2), true, "", []byte(`{"type":"url_verification","challenge":"x"}`))
	f.Add(uint8(4), true, "", []byte(`{"event":"endpoint.url_validation","payload":{"plainToken":"x"}}`))
	f.Fuzz(func(t *testing.T, which uint8, posted bool, query string, body []byte) {
		path := paths[int(which)%len(paths)]
		r := httptest.NewRequest(http.MethodGet, "/hooks/"+path, bytes.NewReader(body))
		if r.URL.RawQuery = query; posted {
			r.Method = http.MethodPost
			r.Header.Set("Content-Type", "application/json")
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code >= http.StatusInternalServerError {
			t.Errorf("%d: %s", w.Code, w.Body)
		}
		open := path == "strava" || path == "graph" // these take anybody's POST
		if w.Header().Get(webhook.RunHeader) != "" && !open {
			t.Errorf("%s made a run", path)
		}
		for _, secret := range []string{"app-secret", "meatyhamhock", slackSecret, "consumer-secret", "zoom-secret"} {
			if strings.Contains(w.Body.String(), secret) && !strings.Contains(query+string(body), secret) {
				t.Errorf("%s gives %q away", path, secret)
			}
		}
	})
}
