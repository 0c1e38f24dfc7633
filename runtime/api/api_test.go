package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/api"
	"github.com/wendflow/wend/runtime/auth"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/quota"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

var now = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// vendor answers every call alike.
type vendor struct{}

func (vendor) Do(context.Context, outbound.Request) wire.Reply {
	return wire.Reply{Status: 201, Headers: map[string][]string{"content-type": {"application/json"}}, Body: []byte(`{"id":7}`)}
}

func (vendor) Settings(string) map[string]any { return nil }

// server is an API with its engine, without a network.
type server struct {
	*echo.Echo
	engine *engine.Engine
	flows  *catalog.Set // that are live
	stored *catalog.Set // that runs began with

	versions *catalog.Versions
}

func serve(t *testing.T, change ...func(*api.Config)) *server {
	t.Helper()
	return serveAt(t, func() time.Time { return now }, change...)
}

// serveAt is serve with a clock. Durable runs are in one journal, the others
// in another.
func serveAt(t *testing.T, now func() time.Time, change ...func(*api.Config)) *server {
	t.Helper()
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Echo: echo.New()}
	s.flows = load(t, types, "testdata/flows")
	durable := journal.NewMemory(100)
	durable.Now = now
	s.stored = s.flows
	stored := func(_ context.Context, r journal.Summary) (*flow.Flow, error) {
		if f := s.stored.Flow(r.Flow); f != nil {
			return f, nil
		}
		return nil, journal.ErrNotFound
	}
	s.engine = engine.New(engine.Config{MaxKept: 3, Journal: durable, Flow: stored, Paused: func(name string) *journal.Pause {
		standing, _ := s.versions.Standing(name)
		return standing.Pause
	}, Caller: vendor{}, Clock: clock.Told(now), NewID: numbered("run")})
	versions, err := catalog.OpenVersions(t.Context(), catalog.VersionsConfig{Journal: durable})
	if err != nil {
		t.Fatal(err)
	}
	s.versions = versions
	cfg := api.Config{
		Versions: versions, Rollback: func(ctx context.Context, name string, version int) error {
			if version == 1 {
				return &api.RefusedError{Reason: "version 1 does not fit", Mistakes: []string{"order.yaml:3:1: no"}}
			}
			return versions.Stand(ctx, name, func(s *journal.Standing) { s.Rollback = nil })
		},
		Flows:  func() *catalog.Set { return s.flows },
		Types:  func() *node.Set { return types },
		Engine: s.engine, Flow: stored, MaxBody: 1 << 10, Streams: quota.New("streams", 2),
		Gate: quota.Gate{Requests: quota.New("requests", 10), Bodies: quota.New("bodies", 1500), MaxBody: 1 << 10}, Version: "1.2.3",
		Clock: clock.Told(now), NewID: numbered("event"),
		Connections: func() []outbound.Status {
			kept := map[string]int64{"concurrency": 0, "rate": 2, "retryAfter": 0, "breaker": 7}
			return []outbound.Status{
				{Name: "crm", Type: "bearer", Used: true, Breaker: outbound.Open, Failures: 5, LastFailure: "status 503", Until: now().Add(time.Minute), KeptBack: kept},
				{Name: "shop", Type: "none", Used: true, UnderWay: 3, Waiting: 1, Waited: 1500 * time.Millisecond, KeptBack: kept},
				{Name: "unused", Type: "basic", KeptBack: kept},
			}
		},
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metrics 1\n") }),
	}
	for _, f := range change {
		f(&cfg)
	}
	made, err := api.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.HTTPErrorHandler = problem.Handler(slog.New(slog.DiscardHandler))
	made.Mount(s.Echo)
	return s
}

func load(t *testing.T, types *node.Set, folder string) *catalog.Set {
	t.Helper()
	files, err := catalog.Find([]string{folder})
	if err != nil {
		t.Fatal(err)
	}
	set, mistakes := catalog.Load(files, flow.Config{Types: types})
	if err := mistakes.Err(); err != nil {
		t.Fatal(err)
	}
	return set
}

// numbered makes ids that tests can name.
func numbered(what string) func() string {
	n := 0
	return func() string {
		n++
		return fmt.Sprintf("%s-%d", what, n)
	}
}

func (s *server) do(method, path, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
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

// start starts a run and waits until it has ended or waits for an event.
func (s *server) start(t *testing.T, flow, body string) {
	t.Helper()
	w := s.do("POST", "/api/v1/flows/"+flow+"/runs", body)
	if w.Code != http.StatusAccepted {
		t.Fatalf("start: %d %s", w.Code, w.Body)
	}
	s.rests(t, w.Header().Get("Wend-Run"))
}

func (s *server) rests(t *testing.T, id string) {
	t.Helper()
	err := s.engine.Follow(t.Context(), id, 0, func(e run.Event) bool {
		_, awaits := e.(run.EventAwaited)
		return !awaits
	})
	if err != nil {
		t.Fatal(err)
	}
}

// stored keeps values by hand.
func stored(t *testing.T, s *server) {
	t.Helper()
	for place, body := range map[string]string{
		"flow=order&key=last%2F7": `{"value": {"id": 7}}`, "flow=order&key=n": `{"value": 1}`, "key=n": `{"value": "é", "for": "1h"}`,
	} {
		if w := s.do("PUT", "/api/v1/store/value?"+place, body); w.Code != http.StatusOK {
			t.Fatalf("put: %d %s", w.Code, w.Body)
		}
	}
}

// TestAnswers holds answers against testdata/answers. UPDATE=1 writes them.
func TestAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method, path, body string
		prepare            func(*testing.T, *server)
	}{
		"health":             {"GET", "/healthz", "", nil},
		"ready":              {"GET", "/readyz", "", nil},
		"flows":              {"GET", "/api/v1/flows", "", nil},
		"flows-page":         {"GET", "/api/v1/flows?limit=1&cursor=look", "", nil},
		"flows-wrong":        {"GET", "/api/v1/flows?limit=0&cursor=lok&page=2", "", nil},
		"nodes-page":         {"GET", "/api/v1/nodes?limit=1", "", nil},
		"nodes":              {"GET", "/api/v1/nodes", "", nil},
		"start":              {"POST", "/api/v1/flows/order/runs", `{"id": 1}`, nil},
		"start-trigger":      {"POST", "/api/v1/flows/order/runs?trigger=other", `{}`, nil},
		"start-no-flow":      {"POST", "/api/v1/flows/ordr/runs", `{}`, nil},
		"start-no-trigger":   {"POST", "/api/v1/flows/order/runs?trigger=othr", `{}`, nil},
		"start-does-not-fit": {"POST", "/api/v1/flows/order/runs", `{"id": "1"}`, nil},
		"start-no-json":      {"POST", "/api/v1/flows/order/runs", `{"id": `, nil},
		"start-too-large":    {"POST", "/api/v1/flows/order/runs", `{"id": ` + strings.Repeat(" ", 1024) + `1}`, nil},
		"start-no-type":      {"POST", "/api/v1/flows/order/runs", "", nil},
		"start-stopped": {"POST", "/api/v1/flows/order/runs", `{"id": 1}`, func(t *testing.T, s *server) {
			t.Helper()
			if err := s.engine.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
		}},
		"run":           {"GET", "/api/v1/runs/run-1", "", started("order", `{"id": 1}`)},
		"run-failed":    {"GET", "/api/v1/runs/run-1", "", started("order", `{"id": 0}`)},
		"run-waiting":   {"GET", "/api/v1/runs/run-1", "", started("pay", `{"id": "a"}`)},
		"run-not-found": {"GET", "/api/v1/runs/run-1", "", nil},
		"run-of-a-flow-that-changed": {"GET", "/api/v1/runs/run-1", "", func(t *testing.T, s *server) {
			t.Helper()
			s.start(t, "order", `{"id": 1}`)
			s.flows = &catalog.Set{}
		}},
		"run-of-a-flow-that-is-lost": {"GET", "/api/v1/runs/run-1", "", lost},

		"runs":              {"GET", "/api/v1/runs", "", several},
		"runs-none":         {"GET", "/api/v1/runs", "", nil},
		"runs-filtered":     {"GET", "/api/v1/runs?flow=order&status=failed&outcome=none&from=2026-11-20T08:00:00Z&to=2026-11-20T09:00:01+01:00", "", several},
		"runs-response":     {"GET", "/api/v1/runs?response=201&flow=order", "", several},
		"runs-response-of":  {"GET", "/api/v1/runs?response=5xx", "", several},
		"runs-key":          {"GET", "/api/v1/runs?key=a&label=kind%3Dpay", "", several},
		"runs-labels-wrong": {"GET", "/api/v1/runs?label=kind&label=a=1&label=a=2&label==x&response=99&key=a&key=b", "", nil},
		"runs-page":         {"GET", "/api/v1/runs?limit=1", "", several},
		"runs-not-durable":  {"GET", "/api/v1/runs?durable=false", "", several},
		"runs-wrong":        {"GET", "/api/v1/runs?limit=0&from=yesterday&to=2026-11-20&status=faild&durable=no&flow=a&flow=b&outcom=none&z=1", "", nil},
		"runs-wrong-cursor": {"GET", "/api/v1/runs?cursor=2", "", several},
		"runs-wrong-order":  {"GET", "/api/v1/runs?from=2026-11-20T08:00:00Z&to=2026-11-20T07:00:00Z", "", nil},

		"store":              {"GET", "/api/v1/store", "", stored},
		"store-page":         {"GET", "/api/v1/store?flow=order&limit=1", "", stored},
		"store-global":       {"GET", "/api/v1/store?scope=global", "", stored},
		"store-wrong":        {"GET", "/api/v1/store?scope=flow&limit=0&flw=x", "", nil},
		"store-both":         {"GET", "/api/v1/store?scope=global&flow=order", "", nil},
		"store-wrong-cursor": {"GET", "/api/v1/store?cursor=2", "", nil},
		"value":              {"GET", "/api/v1/store/value?flow=order&key=last%2F7", "", stored},
		"value-none":         {"GET", "/api/v1/store/value?key=last%2F7", "", stored},
		"value-no-key":       {"GET", "/api/v1/store/value?flow=order", "", nil},
		"value-put":          {"PUT", "/api/v1/store/value?key=n", `{"value": {"b": [1.0, "é"]}, "for": "7d"}`, nil},
		"value-put-null":     {"PUT", "/api/v1/store/value?key=n", `{"value": null}`, nil},
		"value-put-wrong":    {"PUT", "/api/v1/store/value?key=n", `{"value": 1, "for": "week"}`, nil},
		"value-put-full":     {"PUT", "/api/v1/store/value?flow=order&key=" + strings.Repeat("k", 1025), `{"value": 1}`, nil},
		"value-delete":       {"DELETE", "/api/v1/store/value?flow=order&key=last%2F7", "", stored},
		"value-delete-none":  {"DELETE", "/api/v1/store/value?flow=order&key=last", "", stored},

		"stream-not-found": {"GET", "/api/v1/runs/run-1/events", "", nil},

		"cancel":           {"POST", "/api/v1/runs/run-1/cancel", `{"reason": "not needed"}`, started("pay", `{"id": "a"}`)},
		"cancel-ended":     {"POST", "/api/v1/runs/run-1/cancel", `{}`, started("order", `{"id": 1}`)},
		"cancel-not-found": {"POST", "/api/v1/runs/run-1/cancel", `{}`, nil},
		"cancel-wrong":     {"POST", "/api/v1/runs/run-1/cancel", `{"raeson": "not needed"}`, nil},
		"cancel-no-json":   {"POST", "/api/v1/runs/run-1/cancel", "{\n  reason", nil},
		"cancel-no-type":   {"POST", "/api/v1/runs/run-1/cancel", "", nil},

		"retry":         {"POST", "/api/v1/runs/run-1/retry", `{}`, started("order", `{"id": 0}`)},
		"retry-dry-run": {"POST", "/api/v1/runs/run-1/retry", `{"dryRun": true}`, started("order", `{"id": 0}`)},
		"retry-current": {"POST", "/api/v1/runs/run-1/retry", `{"with": "current"}`, started("order", `{"id": 0}`)},
		"retry-no-flow": {"POST", "/api/v1/runs/run-1/retry", `{"with": "current"}`, func(t *testing.T, s *server) {
			t.Helper()
			s.start(t, "order", `{"id": 0}`)
			s.flows = &catalog.Set{}
		}},
		"retry-once": {"POST", "/api/v1/runs/run-1/retry", `{"once": true}`, func(t *testing.T, s *server) {
			t.Helper()
			s.start(t, "order", `{"id": 0}`)
			s.do("POST", "/api/v1/runs/run-1/retry", `{"once": true}`)
		}},
		"runs-by-id":       {"GET", "/api/v1/runs?id=un-2", "", several},
		"runs-by-id-short": {"GET", "/api/v1/runs?id=un&flow=order", "", several},
		"retry-from":       {"POST", "/api/v1/runs/run-1/retry", `{"from": "place"}`, started("order", `{"id": 0}`)},
		"retry-running":    {"POST", "/api/v1/runs/run-1/retry", `{}`, started("pay", `{"id": "a"}`)},
		"retry-no-node":    {"POST", "/api/v1/runs/run-1/retry", `{"from": "plaec"}`, started("order", `{"id": 0}`)},
		"retry-lost":       {"POST", "/api/v1/runs/run-1/retry", `{}`, lost},
		"retry-not-found":  {"POST", "/api/v1/runs/run-1/retry", `{}`, nil},
		"retry-wrong":      {"POST", "/api/v1/runs/run-1/retry", `{"from": ""}`, nil},
		"retry-stopped": {"POST", "/api/v1/runs/run-1/retry", `{}`, func(t *testing.T, s *server) {
			t.Helper()
			s.start(t, "order", `{"id": 0}`)
			if err := s.engine.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
		}},

		"event":       {"POST", "/api/v1/events/paid", `{"key": "a", "data": {"amount": 7}, "for": "30d"}`, nil},
		"event-id":    {"POST", "/api/v1/events/paid", `{"key": "a", "id": "e1"}`, nil},
		"event-again": {"POST", "/api/v1/events/paid", `{"key": "a", "id": "e1"}`, posted("paid", `{"key": "a", "id": "e1"}`)},
		// What a sender numbers for one key says nothing about another.
		"event-other-key":   {"POST", "/api/v1/events/paid", `{"key": "b", "id": "e1"}`, posted("paid", `{"key": "a", "id": "e1"}`)},
		"event-other-name":  {"POST", "/api/v1/events/sent", `{"key": "a", "id": "e1"}`, posted("paid", `{"key": "a", "id": "e1"}`)},
		"event-again-later": {"POST", "/api/v1/events/paid", `{"key": "a", "id": "e1", "for": "9d"}`, posted("paid", `{"key": "a", "id": "e1"}`)},
		"event-again-other": {"POST", "/api/v1/events/paid", `{"key": "a", "id": "e1", "data": {"amount": 8}}`, posted("paid", `{"key": "a", "id": "e1", "data": {"amount": 7}}`)},
		"event-matched":     {"POST", "/api/v1/events/paid", `{"key": "a", "data": {"amount": 7}}`, started("pay", `{"id": "a"}`)},
		"event-matched-again": {"POST", "/api/v1/events/paid", `{"key": "a", "id": "e1", "data": {"amount": 7}}`, func(t *testing.T, s *server) {
			t.Helper()
			s.start(t, "pay", `{"id": "a"}`)
			posted("paid", `{"key": "a", "id": "e1", "data": {"amount": 7}}`)(t, s)
			s.start(t, "pay", `{"id": "a"}`)
		}},
		"event-misfit":     {"POST", "/api/v1/events/paid", `{"key": "a", "data": {"amount": "7"}}`, started("pay", `{"id": "a"}`)},
		"event-misspelt":   {"POST", "/api/v1/events/payd", `{"key": "a"}`, nil},
		"events":           {"GET", "/api/v1/events", "", letters},
		"events-filtered":  {"GET", "/api/v1/events?name=paid&key=b", "", letters},
		"events-page":      {"GET", "/api/v1/events?limit=1", "", letters},
		"events-none":      {"GET", "/api/v1/events", "", nil},
		"events-wrong":     {"GET", "/api/v1/events?limit=0&nam=paid", "", nil},
		"events-no-cursor": {"GET", "/api/v1/events?cursor=-", "", nil},
		"event-long":       {"POST", "/api/v1/events/" + strings.Repeat("n", 1025), `{"key": "a"}`, nil},
		"event-full":       {"POST", "/api/v1/events/paid", `{"key": "c"}`, letters},
		"event-full-matched": {"POST", "/api/v1/events/paid", `{"key": "c"}`, func(t *testing.T, s *server) {
			t.Helper()
			letters(t, s)
			s.start(t, "pay", `{"id": "c"}`)
		}},
		"connections": {"GET", "/api/v1/connections", "", nil},
		"limits": {"GET", "/api/v1/limits", "", func(t *testing.T, s *server) {
			t.Helper()
			letters(t, s)
			s.do("POST", "/api/v1/events/paid", `{"key": "c"}`)
		}},
		"event-no-key":    {"POST", "/api/v1/events/paid", `{}`, nil},
		"event-wrong":     {"POST", "/api/v1/events/paid", `{"key": 7, "dta": {}, "data": null, "id": "", "for": 5}`, nil},
		"event-no-object": {"POST", "/api/v1/events/paid", `[]`, nil},
		"event-too-long":  {"POST", "/api/v1/events/paid", `{"key": "a", "for": "31d"}`, nil},
		"event-no-time":   {"POST", "/api/v1/events/paid", `{"key": "a", "for": "soon"}`, nil},
		"event-too-large": {"POST", "/api/v1/events/paid", `{"key": "` + strings.Repeat("a", 1024) + `"}`, nil},

		"versions":             {"GET", "/api/v1/flows/order/versions", "", deployed},
		"versions-page":        {"GET", "/api/v1/flows/order/versions?limit=1", "", deployed},
		"versions-unknown":     {"GET", "/api/v1/flows/ordre/versions", "", deployed},
		"version":              {"GET", "/api/v1/flows/order/versions/1", "", deployed},
		"version-served":       {"GET", "/api/v1/flows/order/versions/served", "", deployed},
		"version-not-found":    {"GET", "/api/v1/flows/order/versions/7", "", deployed},
		"version-wrong":        {"GET", "/api/v1/flows/order/versions/one", "", deployed},
		"version-of-unserved":  {"GET", "/api/v1/flows/look/versions/served", "", deployed},
		"diff":                 {"GET", "/api/v1/flows/order/diff?from=2&to=served", "", deployed},
		"diff-wrong":           {"GET", "/api/v1/flows/order/diff?from=2&two=1", "", deployed},
		"diff-not-found":       {"GET", "/api/v1/flows/order/diff?from=2&to=9", "", deployed},
		"rollback":             {"POST", "/api/v1/flows/order/rollback", `{"version": 2}`, deployed},
		"rollback-off":         {"POST", "/api/v1/flows/order/rollback", `{"off": true}`, deployed},
		"rollback-refused":     {"POST", "/api/v1/flows/order/rollback", `{"version": 1}`, deployed},
		"rollback-not-found":   {"POST", "/api/v1/flows/order/rollback", `{"version": 9}`, deployed},
		"rollback-wrong":       {"POST", "/api/v1/flows/order/rollback", `{"version": 0, "off": true}`, deployed},
		"rollback-no-flow":     {"POST", "/api/v1/flows/ordre/rollback", `{"off": true}`, deployed},
		"flow-pause":           {"POST", "/api/v1/flows/order/pause", `{"reason": "the vendor is down"}`, deployed},
		"flow-pause-wrong":     {"POST", "/api/v1/flows/order/pause", `{"because": "the vendor is down"}`, deployed},
		"flow-pause-not-found": {"POST", "/api/v1/flows/ordre/pause", `{}`, deployed},
		"flow-resume":          {"POST", "/api/v1/flows/order/resume", `{}`, paused},
		"start-paused":         {"POST", "/api/v1/flows/order/runs", `{"id": 8}`, paused},
		"show-paused":          {"GET", "/api/v1/runs/run-1", "", paused},
		"runs-paused":          {"GET", "/api/v1/runs?status=paused", "", paused},
		"resume":               {"POST", "/api/v1/runs/run-1/resume", `{}`, paused},
		"resume-current":       {"POST", "/api/v1/runs/run-1/resume", `{"with": "current"}`, paused},
		"resume-give-up":       {"POST", "/api/v1/runs/run-1/resume", `{"giveUp": true}`, paused},
		"resume-wrong":         {"POST", "/api/v1/runs/run-1/resume", `{"giveUp": true, "with": "current"}`, paused},
		"resume-not-paused":    {"POST", "/api/v1/runs/run-1/resume", `{}`, started("order", `{"id": 7}`)},
		"resume-not-found":     {"POST", "/api/v1/runs/run-7/resume", `{}`, nil},
		"retry-paused":         {"POST", "/api/v1/runs/run-1/retry", `{}`, paused},
		"runs-versions": {"GET", "/api/v1/runs", "", func(t *testing.T, s *server) {
			t.Helper()
			deployed(t, s)
			s.start(t, "order", `{"id": 7}`)
		}},

		"no-route":  {"GET", "/api/v1/rnus", "", nil},
		"no-method": {"DELETE", "/api/v1/flows", "", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			if test.prepare != nil {
				test.prepare(t, s)
			}
			w := s.do(test.method, test.path, test.body)
			checkDescribed(t, s, test.method, test.path, w)
			golden(t, filepath.Join("testdata/answers", name+".txt"), dump(t, w))
		})
	}
}

// deployed is a server with two versions of a flow, of which the second is served.
func deployed(t *testing.T, s *server) {
	t.Helper()
	f := s.flows.Flow("order")
	other := *f
	other.Digest, other.Source = strings.Repeat("0", 64), []byte("flow: order\n")
	for _, f := range []*flow.Flow{&other, f} {
		if err := s.versions.Deploy(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.versions.Stand(t.Context(), f.Name, func(s *journal.Standing) {
		s.Rollback = &journal.Rollback{Version: 2, Over: 1, Since: now}
	}); err != nil {
		t.Fatal(err)
	}
}

// paused is a server with a flow that is paused, and a run of it.
func paused(t *testing.T, s *server) {
	t.Helper()
	deployed(t, s)
	if w := s.do("POST", "/api/v1/flows/order/pause", `{"reason": "the vendor is down"}`); w.Code != http.StatusOK {
		t.Fatalf("pause: %d %s", w.Code, w.Body)
	}
	if w := s.do("POST", "/api/v1/flows/order/runs", `{"id": 7}`); w.Code != http.StatusAccepted {
		t.Fatalf("start: %d %s", w.Code, w.Body)
	}
}

// started is a server with one run.
func started(flow, body string) func(*testing.T, *server) {
	return func(t *testing.T, s *server) {
		t.Helper()
		s.start(t, flow, body)
	}
}

// several is a server with runs of each kind.
func several(t *testing.T, s *server) {
	t.Helper()
	s.start(t, "order", `{"id": 1}`)
	s.start(t, "order", `{"id": 0}`)
	s.start(t, "look", `{}`)
	s.start(t, "pay", `{"id": "a"}`)
}

// lost is a server that does not know any more what its run was.
func lost(t *testing.T, s *server) {
	t.Helper()
	s.start(t, "order", `{"id": 1}`)
	s.stored = &catalog.Set{}
}

// posted is a server that got an event.
func posted(name, body string) func(*testing.T, *server) {
	return func(t *testing.T, s *server) {
		t.Helper()
		if w := s.do("POST", "/api/v1/events/"+name, body); w.Code != http.StatusAccepted {
			t.Fatalf("event: %d %s", w.Code, w.Body)
		}
	}
}

// letters is a server that got events which nobody waits for, and one that a run
// has received.
func letters(t *testing.T, s *server) {
	t.Helper()
	s.start(t, "pay", `{"id": "a"}`)
	for _, body := range []string{`{"key": "a", "data": {"amount": 7}}`, `{"key": "a", "id": "e/2", "data": {"amount": 8}}`, `{"key": "b"}`} {
		posted("paid", body)(t, s)
	}
	posted("sent", `{"key": "b", "for": "2d"}`)(t, s)
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// digests depend on the text of the flows.
var digests = regexp.MustCompile(`[0-9a-f]{64}`)

func dump(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s\n", w.Code, http.StatusText(w.Code))
	for _, name := range slices.Sorted(maps.Keys(w.Header())) {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(w.Header()[name], ", "))
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, bytes.TrimSpace(w.Body.Bytes()), "", "  "); err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "\n%s\n", digests.ReplaceAllString(pretty.String(), "DIGEST"))
	return b.String()
}

// guard demands a token, or one of tokens.
func guard(token string, tokens *auth.Tokens) *auth.Guard {
	return auth.NewGuard(token, tokens, func() time.Time { return now })
}

func TestToken(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *api.Config) { cfg.Guard = guard("s3cret", nil) })
	tests := map[string]struct {
		path, header string
		want         int
	}{
		"the token":           {"/api/v1/flows", "Bearer s3cret", 200},
		"in lower case":       {"/api/v1/flows", "bearer s3cret", 200},
		"none":                {"/api/v1/flows", "", 401},
		"another":             {"/api/v1/nodes", "Bearer s3cre", 401},
		"another scheme":      {"/api/v1/nodes", "Basic s3cret", 401},
		"a scheme only":       {"/api/v1/runs/run-1", "Bearer", 401},
		"health needs none":   {"/healthz", "", 200},
		"ready needs none":    {"/readyz", "", 200},
		"the description too": {"/api/v1/openapi.json", "", 200},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := s.do("GET", test.path, "", func(r *http.Request) {
				if test.header != "" {
					r.Header.Set("Authorization", test.header)
				}
			})
			if w.Code != test.want {
				t.Errorf("%s with %q: %d, want %d", test.path, test.header, w.Code, test.want)
			}
			if challenge := w.Header().Get("WWW-Authenticate"); (w.Code == 401) != (challenge == `Bearer realm="wend"`) {
				t.Errorf("status %d with WWW-Authenticate %q", w.Code, challenge)
			}
		})
	}
	if w := s.do("POST", "/api/v1/flows/order/runs", `{"id": 1}`); w.Code != 401 || s.engine.Find("run-1") != nil {
		t.Errorf("start without a token: %d, want 401 and no run", w.Code)
	}
}

func TestNotReady(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *api.Config) {
		cfg.Ready = func() error { return errors.New("plugins are being compiled") }
	})
	w := s.do("GET", "/readyz", "")
	want := `{"title":"Service Unavailable","status":503,"detail":"plugins are being compiled"}` + "\n"
	if w.Code != http.StatusServiceUnavailable || w.Body.String() != want {
		t.Errorf("%d %s, want 503 %s", w.Code, w.Body, want)
	}
}

// A flow whose connection lacks something is named where one looks for it; the
// server is ready all the same.
func TestLacking(t *testing.T) {
	t.Parallel()
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	src := "flow: signed\nnodes:\n  n1: { type: webhook, with: { path: /signed, verify: crm } }\n"
	if err := os.WriteFile(filepath.Join(dir, "signed.yaml"), []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	flows := load(t, types, dir)
	s := serve(t, func(cfg *api.Config) {
		cfg.Flows = func() *catalog.Set { return flows }
		cfg.Lacks = func(name string) error { return errors.Join(errors.New(name+": no key"), errors.New(name+": no id")) }
	})
	w := s.do("GET", "/readyz", "")
	want := `{"status":"ready","flows":[{"flow":"signed","mistakes":["crm: no key","crm: no id"]}]}` + "\n"
	if w.Code != http.StatusOK || w.Body.String() != want {
		t.Errorf("%d %s, want 200 %s", w.Code, w.Body, want)
	}
	w = s.do("GET", "/api/v1/flows", "")
	if !strings.Contains(w.Body.String(), `"mistakes":["crm: no key","crm: no id"]`) {
		t.Errorf("the list of flows says nothing: %s", w.Body)
	}
}

// A run that did nothing yet which had to be on record is running all the same.
func TestRunNotOnRecord(t *testing.T) {
	t.Parallel()
	asked, answer := make(chan struct{}), make(chan wire.Reply)
	busy := engine.New(engine.Config{NewID: numbered("run"), Caller: caller(func() wire.Reply {
		close(asked)
		return <-answer
	})})
	s := serve(t, func(cfg *api.Config) { cfg.Engine = busy })
	r, _, err := busy.Start(t.Context(), engine.Start{Flow: s.flows.Flow("look"), Output: map[string]any{}})
	if err != nil {
		t.Fatal(err)
	}
	<-asked
	w := s.do("GET", "/api/v1/runs/run-1", "")
	checkDescribed(t, s, "GET", "/api/v1/runs/run-1", w)
	for _, want := range []string{`"status":"running"`, `"unrecorded":2`, `"node":"n2"`, `"calls":[{"method":"GET","url":"https://vendor.example.com/"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s in %s", want, w.Body)
		}
	}
	answer <- wire.Reply{Status: 200}
	if _, err := r.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w := s.do("GET", "/api/v1/runs/run-1", ""); !strings.Contains(w.Body.String(), `"status":"completed"`) {
		t.Errorf("body %s, want a completed run", w.Body)
	}
}

// caller answers calls by a function.
type caller func() wire.Reply

func (c caller) Do(context.Context, outbound.Request) wire.Reply { return c() }

func (caller) Settings(string) map[string]any { return nil }

// A page of another site must not be able to start runs from a browser that
// can reach this server.
func TestStartRefusesWhatNeedsNoPermission(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""} {
		w := s.do("POST", "/api/v1/flows/order/runs", `{"id": 1}`, func(r *http.Request) { r.Header.Set("Content-Type", kind) })
		if w.Code != http.StatusUnsupportedMediaType {
			t.Errorf("Content-Type %q: %d, want 415", kind, w.Code)
		}
	}
}

// TestParametersAreDecoded sends one event twice: under a name with a slash, the
// name is the same however it is written.
func TestParametersAreDecoded(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for i, path := range []string{"/api/v1/events/order%2Fpaid%20late", "/api/v1/events/%6Frder%2fpaid%20late"} {
		want := fmt.Sprintf(`"repeated":%t`, i > 0)
		if w := s.do("POST", path, `{"key": "a", "id": "e1"}`); !strings.Contains(w.Body.String(), want) {
			t.Errorf("POST %s: %d %s, want %s", path, w.Code, w.Body, want)
		}
	}
	if w := s.do("GET", "/api/v1/runs/no%2Fsuch%20run", ""); !strings.Contains(w.Body.String(), "no/such run") {
		t.Errorf("GET: %d %s", w.Code, w.Body)
	}
}

// Metrics are for those who may ask the API, and are there when there is no more
// of what callers share.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *api.Config) { c.Guard = guard("let-me-in-0123456789", nil); c.Gate.Requests.Set(0) })
	if w := s.do("GET", "/metrics", ""); w.Code != http.StatusUnauthorized {
		t.Errorf("without a token: %d", w.Code)
	}
	w := s.do("GET", "/metrics", "", func(r *http.Request) { r.Header.Set("Authorization", "Bearer let-me-in-0123456789") })
	if w.Code != http.StatusOK || w.Body.String() != "metrics 1\n" {
		t.Errorf("with it: %d %s", w.Code, w.Body)
	}
}
