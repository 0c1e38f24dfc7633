package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/quota"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/webhook"
	"github.com/wendflow/wend/sdk/wire"
)

// post sends an empty object.
func post(s http.Handler, path string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("{}"))
	r.Header.Set("Content-Type", "application/json")
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func diff(t *testing.T, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// slow answers after an hour, unless the call is given up.
func slow(ctx context.Context, _ outbound.Request) wire.Reply {
	select {
	case <-time.After(time.Hour):
		return wire.Reply{Status: 200}
	case <-ctx.Done():
		return wire.Reply{Failure: wire.Interrupted}
	}
}

func TestWaitTooLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, webhook.Config{}, vendor{})
		began := time.Now()
		w := post(s, "/hooks/waits")
		diff(t, 25*time.Second, time.Since(began))
		diff(t, http.StatusAccepted, w.Code)
		diff(t, "/api/v1/runs/"+runID, w.Header().Get("Location"))
		diff(t, `{"run":"`+runID+`","status":"waiting"}`+"\n", w.Body.String())

		res, err := s.engine.Find(runID).Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		diff(t, run.Completed, res.Status)
		diff(t, time.Minute, time.Since(began))
	})
}

// A run that made nothing but repeatable calls comes on record before it is
// promised; one that cannot is not promised.
func TestWaitTooLongPutsOnRecord(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		driver journal.Driver
		want   int
	}{
		"on record": {journal.NewMemory(1), http.StatusAccepted},
		"disk full": {broken{journal.NewMemory(1)}, http.StatusGatewayTimeout},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				eng := engine.New(engine.Config{Journal: tc.driver, Caller: vendor{slow}, NewID: func() string { return runID }})
				s := serve(t, webhook.Config{Engine: eng, Wait: time.Second}, nil)
				w := post(s, "/hooks/vendor")
				diff(t, tc.want, w.Code)
				diff(t, "/api/v1/runs/"+runID, w.Header().Get("Location"))
				eng.Find(runID).Cancel("the test is over")
			})
		})
	}
}

// Requests with one key are one run, also when they arrive together, and get
// its response once there is one.
func TestDedupe(t *testing.T) {
	t.Parallel()
	eng := engine.New(engine.Config{Caller: vendor{}})
	s := serve(t, webhook.Config{Engine: eng}, nil)
	key := func(id string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("X-Event-Id", id) }
	}
	first := post(s, "/hooks/orders/new", key("e-1"))
	if r := eng.Find(first.Header().Get(webhook.RunHeader)); r != nil {
		if _, err := r.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	second := post(s, "/hooks/orders/new", key("e-1"))
	diff(t, first.Header().Get(webhook.RunHeader), second.Header().Get(webhook.RunHeader))
	diff(t, "", first.Header().Get(webhook.RepeatedHeader))
	diff(t, "true", second.Header().Get(webhook.RepeatedHeader))
	diff(t, http.StatusOK, second.Code)
}

// A request whose run failed, or was answered with 500 or more, is done once
// more when it is sent again, unless the webhook keeps the key.
func TestDedupeAfterAFailure(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path   string
		first  wire.Reply
		status int // of the first answer
		again  int // of the second, when the vendor is well
		calls  int32
	}{
		"502":                 {"/hooks/charge", wire.Reply{Status: 503}, 502, 200, 2},
		"422":                 {"/hooks/charge", wire.Reply{Status: 404}, 422, 422, 1},
		"200":                 {"/hooks/charge", wire.Reply{Status: 200, Body: []byte("done")}, 200, 200, 1},
		"a failure, kept":     {"/hooks/once", wire.Reply{Status: 503}, 500, 500, 1},
		"a success, kept too": {"/hooks/once", wire.Reply{Status: 200, Body: []byte("done")}, 200, 200, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			eng := engine.New(engine.Config{Caller: vendor{func(context.Context, outbound.Request) wire.Reply {
				if calls.Add(1) == 1 {
					return test.first
				}
				return wire.Reply{Status: 200, Body: []byte("done")}
			}}})
			s := serve(t, webhook.Config{Engine: eng}, nil)
			key := func(r *http.Request) { r.Header.Set("X-Event-Id", "e-1") }
			var runs []string
			for _, want := range []int{test.status, test.again, test.again} {
				w := post(s, test.path, key)
				diff(t, want, w.Code)
				id := w.Header().Get(webhook.RunHeader)
				runs = append(runs, id)
				if r := eng.Find(id); r != nil {
					if _, err := r.Wait(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
			diff(t, test.calls, calls.Load())
			diff(t, test.calls == 1, runs[0] == runs[1])
			diff(t, runs[1], runs[2])
		})
	}
}

// One key with another body is a mistake, or another request, as the webhook
// says. What is written otherwise and is the same is the same body.
func TestDedupeAnotherBody(t *testing.T) {
	t.Parallel()
	s := serve(t, webhook.Config{Engine: engine.New(engine.Config{Caller: vendor{func(context.Context, outbound.Request) wire.Reply {
		return wire.Reply{Status: 200}
	}}})}, nil)
	send := func(path, body string) *httptest.ResponseRecorder {
		return post(s, path, func(r *http.Request) {
			r.Header.Set("X-Event-Id", strings.Repeat("long", 1000))
			r.Body = io.NopCloser(strings.NewReader(body))
			r.ContentLength = -1
		})
	}
	first := send("/hooks/charge", `{"n": 1, "s": "x"}`)
	diff(t, http.StatusOK, first.Code)
	run := first.Header().Get(webhook.RunHeader)
	same := send("/hooks/charge", `{"s":"x","n":1.0}`)
	diff(t, http.StatusOK, same.Code)
	diff(t, run, same.Header().Get(webhook.RunHeader))
	other := send("/hooks/charge", `{"n": 2, "s": "x"}`)
	diff(t, http.StatusConflict, other.Code)
	diff(t, `{"title":"Conflict","status":409,"detail":"a request with the same dedupe key and another body came before: no run was made; give a new request a key of its own","run":"`+
		run+`","flow":"dedupe-charge"}`+"\n", other.Body.String())

	one, two, again := send("/hooks/once", `{"n": 1}`), send("/hooks/once", `{"n": 2}`), send("/hooks/once", `{"n": 1}`)
	diff(t, http.StatusOK, two.Code)
	diff(t, one.Header().Get(webhook.RunHeader), again.Header().Get(webhook.RunHeader))
	diff(t, false, one.Header().Get(webhook.RunHeader) == two.Header().Get(webhook.RunHeader))

	counted, recounted := send("/hooks/counted", `{"attempt": 1}`), send("/hooks/counted", `{"attempt": 2}`)
	diff(t, http.StatusOK, recounted.Code)
	diff(t, counted.Header().Get(webhook.RunHeader), recounted.Header().Get(webhook.RunHeader))
}

// Who looks after the server is told which run has the key of a request that is
// refused for its body.
func TestDedupeMismatchIsLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	observers := fact.Observe(fact.Log(slog.New(slog.NewTextHandler(&log, nil)), clock.System))
	s := serve(t, webhook.Config{Engine: engine.New(engine.Config{Caller: vendor{}}), Observers: observers}, nil)
	var answers []*httptest.ResponseRecorder
	for _, body := range []string{`{"order": {"id": 7, "state": "new"}}`, `{"order": {"id": 7, "state": "paid"}}`} {
		answers = append(answers, post(s, "/hooks/orders/changed", func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), -1
		}))
	}
	runID := answers[0].Header().Get(webhook.RunHeader)
	for _, want := range []string{"flow=dedupe-body", "status=409", runID + " has this dedupe key, and was begun by a request with another body"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, log.String())
		}
	}
}

// Two ids that differ beyond 64 bits, or in the last of their digits, are two.
func TestDedupeIsExact(t *testing.T) {
	t.Parallel()
	s := serve(t, webhook.Config{Engine: engine.New(engine.Config{Caller: vendor{}})}, nil)
	send := func(id string) string {
		w := post(s, "/hooks/orders/changed", func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(`{"order": {"id": ` + id + `}}`))
			r.ContentLength = -1
		})
		if w.Code != http.StatusOK {
			t.Errorf("id %s: %d %s", id, w.Code, w.Body)
		}
		return w.Header().Get(webhook.RunHeader)
	}
	ids := []string{
		"9223372036854775807", "9223372036854775808", "9223372036854775809", "18446744073709551615", "18446744073709551614",
		"1000000000000000000000", "1000000000000000000001", "9007199254740993", "9007199254740992", "0.1", `"x"`, `{"a": 1}`, "2500000",
	}
	runs := map[string]string{}
	for _, id := range ids {
		run := send(id)
		if other := runs[run]; other != "" {
			t.Errorf("%s and %s are one run", other, id)
		}
		runs[run] = id
	}
	for _, same := range [][2]string{{"2500000", "2.5e6"}, {"2500000", "2500000.0"}, {"9007199254740993", "9007199254740993.0"}, {`{"a": 1}`, `{ "a":1.0 }`}} {
		if runs[send(same[1])] != same[0] {
			t.Errorf("%s and %s are two runs", same[0], same[1])
		}
	}
}

// While callers wait there is room for so many; the next one is told to come
// back, and served when one of them has gone.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := quota.Gate{Requests: quota.New("requests", 1), MaxBody: 1 << 10}
		s := serve(t, webhook.Config{Gate: gate, Wait: time.Second}, vendor{})
		first := make(chan int, 1)
		go func() { first <- post(s, "/hooks/waits").Code }()
		synctest.Wait()
		w := post(s, "/hooks/waits")
		diff(t, http.StatusServiceUnavailable, w.Code)
		diff(t, "1", w.Header().Get("Retry-After"))
		diff(t, `{"title":"Service Unavailable","status":503,"detail":"1 requests are being answered, as many as may be at one time; come back"}`+"\n", w.Body.String())
		diff(t, http.StatusAccepted, <-first)
		diff(t, quota.Figure{Name: "requests", Most: 1, Refused: 1}, gate.Requests.Figure())
		s.engine.Find(runID).Cancel("the test is over")
	})
}

func TestCallerGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, webhook.Config{}, vendor{})
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		w := post(s, "/hooks/waits", func(r *http.Request) { *r = *r.WithContext(ctx) })
		diff(t, "", w.Body.String())
		res, err := s.engine.Find(runID).Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		diff(t, run.Completed, res.Status)
	})
}

func TestStopped(t *testing.T) {
	t.Parallel()
	s := serve(t, webhook.Config{}, vendor{})
	if err := s.engine.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/hooks/quiet", "/hooks/orders/new"} {
		w := post(s, path, func(r *http.Request) { r.Header.Set("X-Event-Id", "e-1") })
		diff(t, http.StatusServiceUnavailable, w.Code)
		diff(t, "5", w.Header().Get("Retry-After"))
		diff(t, `{"title":"Service Unavailable","status":503,"detail":"the server is stopping, no run was made"}`+"\n", w.Body.String())
	}
}

// A caller that waits while the server stops gets the run's address if the run
// goes on after the next start, and else an error.
func TestStoppedWhileWaiting(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path string
		want int
	}{
		"a run on record":       {"/hooks/waits", http.StatusAccepted},
		"a run put on record":   {"/hooks/vendor", http.StatusAccepted},
		"a flow not so durable": {"/hooks/forgotten", http.StatusServiceUnavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, webhook.Config{}, vendor{slow})
				go func() {
					time.Sleep(time.Second)
					stopped, cancel := context.WithCancel(t.Context())
					cancel()
					if err := s.engine.Shutdown(stopped); err == nil {
						t.Error("Shutdown: want an error, a run is interrupted")
					}
				}()
				diff(t, test.want, post(s, test.path).Code)
				synctest.Wait()
			})
		})
	}
}

// broken is a journal that cannot write.
type broken struct{ journal.Driver }

func (broken) Append(context.Context, string, int, []run.Event) error { return errFull }

func (broken) Begin(context.Context, string, journal.Dedupe, []run.Event) (string, error) {
	return "", errFull
}

var errFull = errors.New("disk full")

func TestJournalBroken(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"/hooks/orders/new": "the run could not be put on record, so none was made",
		"/hooks/quiet":      "the run could not be put on record, and will not go on",
	}
	for path, want := range tests {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			eng := engine.New(engine.Config{Journal: broken{journal.NewMemory(1)}, Caller: vendor{}})
			s := serve(t, webhook.Config{Engine: eng}, nil)
			w := post(s, path, func(r *http.Request) { r.Header.Set("X-Event-Id", "e-1") })
			diff(t, http.StatusServiceUnavailable, w.Code)
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("body %s, want %q in it", w.Body, want)
			}
		})
	}
}

func TestAcceptedIsOnRecord(t *testing.T) {
	t.Parallel()
	kept := journal.NewMemory(10)
	eng := engine.New(engine.Config{Journal: kept, Caller: vendor{}, NewID: func() string { return runID }})
	s := serve(t, webhook.Config{Engine: eng}, nil)
	w := post(s, "/hooks/orders/new", func(r *http.Request) { r.Header.Set("X-Event-Id", "e-1") })
	diff(t, http.StatusAccepted, w.Code)
	if events, err := kept.Events(t.Context(), runID); err != nil || len(events) == 0 {
		t.Errorf("journal has %d events, %v: want some when 202 is sent", len(events), err)
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	at := now
	s := serve(t, webhook.Config{
		Engine: engine.New(engine.Config{Caller: vendor{}}),
		Rate:   0.5, Burst: 2, Clock: clock.Told(func() time.Time { return at }),
	}, nil)
	diff(t, http.StatusOK, post(s, "/hooks/quiet").Code)
	diff(t, http.StatusOK, post(s, "/hooks/quiet").Code)
	w := post(s, "/hooks/quiet")
	diff(t, http.StatusTooManyRequests, w.Code)
	diff(t, "2", w.Header().Get("Retry-After"))
	diff(t, `{"title":"Too Many Requests","status":429,"detail":"more than 0.5 requests a second"}`+"\n", w.Body.String())
	diff(t, http.StatusOK, post(s, "/hooks/echo").Code)
	at = at.Add(2 * time.Second)
	diff(t, http.StatusOK, post(s, "/hooks/quiet").Code)
	diff(t, http.StatusTooManyRequests, post(s, "/hooks/quiet").Code)
}

func TestTraceParent(t *testing.T) {
	t.Parallel()
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for given, want := range map[string]string{parent: parent, "": "", "00-oaf7-b7ad-01": "", "ff" + parent[2:]: ""} {
		var got string
		s := serve(t, webhook.Config{}, vendor{func(_ context.Context, r outbound.Request) wire.Reply {
			got = r.TraceParent
			return wire.Reply{Status: 200}
		}})
		diff(t, http.StatusOK, post(s, "/hooks/vendor", func(r *http.Request) { r.Header.Set("Traceparent", given) }).Code)
		diff(t, want, got)
	}
}

func TestBodyOfUnknownLength(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body io.Reader
		want int
	}{
		"fits":      {strings.NewReader(`{}`), http.StatusOK},
		"too large": {strings.NewReader(`{"a": "` + strings.Repeat("x", 100) + `"}`), http.StatusRequestEntityTooLarge},
		"broken":    {io.MultiReader(strings.NewReader("{"), iotest.ErrReader(io.ErrUnexpectedEOF)), http.StatusBadRequest},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, webhook.Config{MaxBody: 100}, vendor{})
			w := post(s, "/hooks/quiet", func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(test.body), -1 })
			diff(t, test.want, w.Code)
		})
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	live := load(t, "flow: a\nnodes: { n1: { type: webhook, with: { path: /one } } }\n")
	s := serve(t, webhook.Config{
		Engine: engine.New(engine.Config{Caller: vendor{}}),
		Flows:  func() *catalog.Set { return live },
	}, nil)
	diff(t, http.StatusOK, post(s, "/hooks/one").Code)
	diff(t, http.StatusNotFound, post(s, "/hooks/two").Code)
	live = load(t, "flow: a\nnodes: { n1: { type: webhook, with: { path: /two } } }\n")
	diff(t, http.StatusNotFound, post(s, "/hooks/one").Code)
	diff(t, http.StatusOK, post(s, "/hooks/two").Code)
}

// Requests and reloads may come at once.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	const one = "flow: a\nnodes:\n  n1: { type: webhook, with: { path: /one }, next: n2 }\n  n2: { type: respond, with: { body: $(n1.n) } }\n"
	sets := []*catalog.Set{load(t, one), load(t, one)}
	var live atomic.Pointer[catalog.Set]
	live.Store(sets[0])
	s := serve(t, webhook.Config{Engine: engine.New(engine.Config{Caller: vendor{}}), Flows: live.Load, Rate: 1e6}, nil)
	var wg sync.WaitGroup
	for n := range 100 {
		wg.Go(func() {
			live.Store(sets[n%2])
			w := post(s, "/hooks/one", func(r *http.Request) {
				r.Body, r.ContentLength = io.NopCloser(strings.NewReader(fmt.Sprintf(`{"n": %d}`, n))), -1
			})
			if want := fmt.Sprintf("%d\n", n); w.Code != http.StatusOK || w.Body.String() != want {
				t.Errorf("%d %s, want 200 %s", w.Code, w.Body, want)
			}
		})
	}
	wg.Wait()
}

// load makes a set of flows from their sources.
func load(t testing.TB, sources ...string) *catalog.Set {
	t.Helper()
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for i, src := range sources {
		file := filepath.Join(t.TempDir(), string(rune('a'+i))+".yaml")
		if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	set, mistakes := catalog.Load(files, flow.Config{Types: types})
	if err := mistakes.Err(); err != nil {
		t.Fatal(err)
	}
	return set
}

func TestCheck(t *testing.T) {
	t.Parallel()
	client := gateway(t)
	tests := map[string]string{
		"":        "",
		"gateway": "",
		"gateway, handshake: { type: crc }, accepts: [json]":     "",
		"gateway, handshake: { type: hub }":                      `3:3: webhook "n1": connection "gateway" cannot check the token of a handshake; one of type "hmac" with a secret verifyToken can, or one of type "bearer" [unknown-connection]`,
		"gateway, handshake: { type: zoom, connection: vendor }": `3:3: webhook "n1": connection "vendor" cannot sign the answer to a handshake; one of type "hmac" can [unknown-connection]`,
		"gateway, handshake: { type: hub, connection: vender }":  `3:3: webhook "n1": no connection "vender" in the configuration; did you mean "vendor"? [unknown-connection]`,
		"vender, handshake: { type: zoom }":                      `3:3: webhook "n1": no connection "vender" in the configuration; did you mean "vendor"? [unknown-connection]`,
		"gatewya":                                                `3:3: webhook "n1": no connection "gatewya" in the configuration; did you mean "gateway"? [unknown-connection]`,
		"vendor":                                                 `3:3: webhook "n1": connection "vendor" cannot check callers; one of type "hmac", "ed25519", "jwt", "mtls", "basic", "bearer" or "api-key" with a header can [unknown-connection]`,
		"whatever":                                               `3:3: webhook "n1": no connection "whatever" in the configuration; expected one of "gateway", "vendor" [unknown-connection]`,
	}
	for connection, want := range tests {
		t.Run(connection, func(t *testing.T) {
			t.Parallel()
			verify := ""
			if connection != "" {
				verify = ", verify: " + connection
			}
			set := load(t, "flow: a\nnodes:\n  n1: { type: webhook, with: { path: /a"+verify+" } }\n")
			var got []string
			is := func(name string) bool { return name == "gateway" }
			no := func(string) bool { return false }
			for _, e := range webhook.Check(set, webhook.Abilities{Verify: is, Token: no, Sign: is, Connections: client.Names()}) {
				got = append(got, strings.TrimPrefix(e.Error(), e.Pos.File+":"))
			}
			diff(t, want, strings.Join(got, "\n"))
		})
	}
}

// keyless is a journal that has as many dedupe keys as may be.
type keyless struct{ journal.Driver }

func (keyless) Begin(_ context.Context, id string, _ journal.Dedupe, _ []run.Event) (string, error) {
	return "", fmt.Errorf("begin run %s: %w", id, journal.ErrKeys)
}

func TestNoMoreDedupeKeys(t *testing.T) {
	t.Parallel()
	eng := engine.New(engine.Config{Journal: keyless{journal.NewMemory(1)}, Caller: vendor{}})
	w := post(serve(t, webhook.Config{Engine: eng}, nil), "/hooks/orders/new", func(r *http.Request) { r.Header.Set("X-Event-Id", "e-1") })
	diff(t, http.StatusServiceUnavailable, w.Code)
	diff(t, "5", w.Header().Get("Retry-After"))
	diff(t, `{"title":"Service Unavailable","status":503,"detail":"there are as many dedupe keys as may be at one time, no run was made"}`+"\n", w.Body.String())
}
