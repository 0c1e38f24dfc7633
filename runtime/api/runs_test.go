package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/api"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

// page is an answer of the list of runs.
type page struct {
	Runs []struct{ Run string }
	Next string
}

func (s *server) list(t *testing.T, query string) (runs []string, next string) {
	t.Helper()
	w := s.do("GET", "/api/v1/runs?"+query, "")
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", query, w.Code, w.Body)
	}
	var p page
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	for _, r := range p.Runs {
		runs = append(runs, r.Run)
	}
	return runs, p.Next
}

func TestPages(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for range 5 {
		s.start(t, "order", `{"id": 1}`)
	}
	var pages [][]string
	for cursor := ""; ; {
		runs, next := s.list(t, "limit=2&cursor="+url.QueryEscape(cursor))
		pages = append(pages, runs)
		if cursor = next; next == "" {
			break
		}
	}
	want := [][]string{{"run-5", "run-4"}, {"run-3", "run-2"}, {"run-1"}}
	if d := cmp.Diff(want, pages); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	s := serve(t)
	several(t, s)
	tests := map[string][]string{
		"":                          {"run-4", "run-2", "run-1"},
		"flow=order":                {"run-2", "run-1"},
		"status=waiting":            {"run-4"},
		"status=running":            nil,
		"outcome=success":           {"run-1"},
		"flow=order&outcome=none":   {"run-2"},
		"from=2026-11-20T08:00:00Z": {"run-4", "run-2", "run-1"},
		"from=2026-11-20T08:00:01Z": nil,
		"to=2026-11-20T08:00:00Z":   nil,
		// A + that nobody escaped.
		"to=2026-11-20T09:00:01+01:00": {"run-4", "run-2", "run-1"},
		"limit=1000":                   {"run-4", "run-2", "run-1"},
		"durable=true":                 {"run-4", "run-2", "run-1"},
		"durable=false":                {"run-3"},
		"durable=false&flow=order":     nil,
	}
	for query, want := range tests {
		if got, _ := s.list(t, query); !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", query, got, want)
		}
	}
}

// With one journal for all there is one list.
func TestListWithOneJournal(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *api.Config) {
		cfg.Engine = engine.New(engine.Config{Caller: vendor{}, NewID: numbered("run")})
	})
	for range 2 {
		if w := s.do("POST", "/api/v1/flows/look/runs", `{}`); w.Code != http.StatusAccepted {
			t.Fatal(w.Code, w.Body)
		}
	}
	for _, query := range []string{"", "durable=true", "durable=false"} {
		if got, _ := s.list(t, query); !slices.Equal(got, []string{"run-2", "run-1"}) {
			t.Errorf("%q: %v", query, got)
		}
	}
}

// report returns a run as the API has it.
func (s *server) report(t *testing.T, id string) run.Report {
	t.Helper()
	w := s.do("GET", "/api/v1/runs/"+id, "")
	var r run.Report
	if err := json.Unmarshal(w.Body.Bytes(), &r); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	return r
}

func TestCancel(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.start(t, "pay", `{"id": "a"}`)
	if w := s.do("POST", "/api/v1/runs/run-1/cancel", `{"reason": "not needed"}`); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if r := s.report(t, "run-1"); r.Status != run.Cancelled || r.Reason != "not needed" {
		t.Errorf("status %q, reason %q", r.Status, r.Reason)
	}
	if w := s.do("POST", "/api/v1/runs/run-1/cancel", `{}`); w.Code != http.StatusConflict {
		t.Errorf("cancelled twice: %d %s", w.Code, w.Body)
	}
}

func TestRetry(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body  string
		nodes []string // of the new run
	}{
		"where it ended":  {`{}`, []string{"new", "check"}},
		"no body":         {``, []string{"new", "check"}},
		"from a node":     {`{"from": "place"}`, []string{"new", "place", "done"}},
		"from the start":  {`{"from": "new"}`, []string{"new", "check"}},
		"from a node far": {`{"from": "done"}`, []string{"new", "done"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t)
			s.start(t, "order", `{"id": 0}`)
			w := s.do("POST", "/api/v1/runs/run-1/retry", test.body, func(r *http.Request) {
				r.Header.Set("Content-Type", "application/json")
			})
			if w.Code != http.StatusAccepted || w.Header().Get("Location") != "/api/v1/runs/run-2" {
				t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
			}
			s.rests(t, "run-2")
			r := s.report(t, "run-2")
			var nodes []string
			for _, n := range r.Nodes {
				nodes = append(nodes, n.Node)
			}
			if r.RetryOf != "run-1" || !slices.Equal(nodes, test.nodes) {
				t.Errorf("retry of %q through %v, want run-1 through %v", r.RetryOf, nodes, test.nodes)
			}
		})
	}
}

// The id of an event comes in the body or in the header.
func TestEventID(t *testing.T) {
	t.Parallel()
	s := serve(t)
	post := func(body, key string) (int, string) {
		w := s.do("POST", "/api/v1/events/paid", body, func(r *http.Request) { r.Header.Set("Idempotency-Key", key) })
		checkDescribed(t, s, "POST", "/api/v1/events/paid", w)
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	tests := []struct {
		body, key string
		status    int
		want      string
	}{
		{`{"key": "a"}`, "e1", 202, `{"event":"e1","repeated":false,"status":"kept","expires":"2026-11-21T08:00:00Z"}`},
		{`{"key": "a"}`, "e1", 202, `{"event":"e1","repeated":true,"status":"kept","expires":"2026-11-21T08:00:00Z"}`},
		{`{"key": "a", "id": "e1"}`, "", 202, `{"event":"e1","repeated":true,"status":"kept","expires":"2026-11-21T08:00:00Z"}`},
		{`{"key": "a", "id": "e1"}`, "e1", 202, `{"event":"e1","repeated":true,"status":"kept","expires":"2026-11-21T08:00:00Z"}`},
		{`{"key": "a"}`, "", 202, `{"event":"event-1","repeated":false,"status":"kept","expires":"2026-11-21T08:00:00Z"}`},
		{`{"key": "a"}`, "", 202, `{"event":"event-2","repeated":false,"status":"kept","expires":"2026-11-21T08:00:00Z"}`},
		{`{"key": "a", "id": "e1"}`, "e2", 400, `{"title":"Bad Request","status":400,"detail":"id is \"e1\" and the header Idempotency-Key \"e2\"; expected one of them"}`},
	}
	for _, test := range tests {
		if status, got := post(test.body, test.key); status != test.status || got != test.want {
			t.Errorf("%s with %q: %d %s, want %d %s", test.body, test.key, status, got, test.status, test.want)
		}
	}
}

// An event that comes before the run waits is kept; its repetition is harmless.
func TestEventBeforeItsRun(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for range 2 {
		posted("paid", `{"key": "a/b", "id": "e1", "data": {"amount": 7}}`)(t, s)
	}
	start := func(id string) {
		if w := s.do("POST", "/api/v1/flows/pay/runs", `{"id": "a/b"}`); w.Code != http.StatusAccepted {
			t.Fatal(w.Code, w.Body)
		}
		s.rests(t, id)
	}
	start("run-1")
	if r := s.engine.Find("run-1"); r != nil {
		if _, err := r.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	start("run-2")
	if r := s.report(t, "run-1"); r.Status != run.Completed || r.Response == nil {
		t.Errorf("the run is %s", r.Status)
	}
	if r := s.report(t, "run-2"); r.Status != run.Waiting {
		t.Errorf("another run got the same event: it is %s", r.Status)
	}
}

// full is a journal that cannot be written.
type full struct{ *journal.Memory }

func (full) Offer(context.Context, journal.Event) (bool, error) {
	return false, errors.New("the disk is full")
}

func TestEventNotOnRecord(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *api.Config) {
		cfg.Engine = engine.New(engine.Config{Journal: full{journal.NewMemory(1)}})
	})
	w := s.do("POST", "/api/v1/events/paid", `{"key": "a"}`)
	checkDescribed(t, s, "POST", "/api/v1/events/paid", w)
	want := `{"title":"Service Unavailable","status":503,"detail":"the event may not be on record; send it again, with the same id if it has one"}`
	if got := strings.TrimSpace(w.Body.String()); w.Code != http.StatusServiceUnavailable || got != want || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s, want 503 %s", w.Code, got, want)
	}
}

// newer is a journal in which a later version of Wend went on with each run.
type newer struct{ *journal.Memory }

func (n newer) Events(ctx context.Context, id string) ([]run.Event, error) {
	events, err := n.Memory.Events(ctx, id)
	if err != nil {
		return nil, err
	}
	return run.UnmarshalMore(events, []byte(`[{"type":"run-dreamt","event":{"at":"2026-11-20T08:00:00Z","wend":"v1.3.0"}}]`))
}

// A run that a later version wrote is shown with what the list has of it, and
// nothing is done to it.
func TestUnreadableRun(t *testing.T) {
	t.Parallel()
	stored := newer{journal.NewMemory(1)}
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	err := stored.Append(t.Context(), "run-1", 0, []run.Event{
		run.RunStarted{At: run.At{At: now, Wend: "v1.2.0"}, Run: "run-1", Flow: "pay", FlowDigest: "d", Trigger: "hook"},
		run.TimerSet{At: run.At{At: now.Add(time.Second)}, Place: run.Place{Node: "wait", Visit: 1, Attempt: 1}, Kind: run.TimerSleep, Due: now.Add(time.Hour)},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, func(cfg *api.Config) {
		cfg.Engine = engine.New(engine.Config{Journal: stored, Flow: cfg.Flow, Version: "v1.2.0"})
	})
	unknown := `this version of Wend knows no event \"run-dreamt\"; version v1.3.0 wrote it: use that one or a later one`
	for _, tc := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/api/v1/runs/run-1", "", 200, `"status":"waiting","startedAt":"2026-11-20T08:00:00Z","durationMs":1000,"response":null,"variables":{},"unreadable":"` + unknown + `","nodes":[]}`},
		{"GET", "/api/v1/runs", "", 200, `"status":"waiting"`},
		{"GET", "/api/v1/runs/run-1/events", "", 409, unknown},
		{"POST", "/api/v1/runs/run-1/cancel", `{}`, 409, unknown},
	} {
		w := s.do(tc.method, tc.path, tc.body)
		checkDescribed(t, s, tc.method, strings.Replace(tc.path, "run-1", "{id}", 1), w)
		if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.want) {
			t.Errorf("%s %s: %d %s, want %d with %s", tc.method, tc.path, w.Code, w.Body, tc.status, tc.want)
		}
	}
	if sum, err := stored.Find(t.Context(), "run-1"); err != nil || sum.Events != 2 {
		t.Errorf("the run has %d events, %v; want it left alone", sum.Events, err)
	}
}

// A server that keeps no definitions shows the nodes of a run as long as its
// flow has not changed, and starts none again.
func TestWithoutDefinitions(t *testing.T) {
	t.Parallel()
	s := serve(t, func(cfg *api.Config) {
		cfg.Flow = nil
		cfg.Engine = engine.New(engine.Config{Caller: vendor{}, NewID: numbered("run")})
	})
	if w := s.do("POST", "/api/v1/flows/order/runs", `{"id": 0}`); w.Code != http.StatusAccepted {
		t.Fatal(w.Code, w.Body)
	}
	if r := s.report(t, "run-1"); len(r.Nodes) == 0 {
		t.Error("the run has no nodes")
	}
	s.flows = &catalog.Set{}
	if r := s.report(t, "run-1"); len(r.Nodes) != 0 {
		t.Errorf("nodes of a flow that is gone: %v", r.Nodes)
	}
}

// Everything under /api/v1 but the description, and /metrics, demands the token, and
// does nothing without.
func TestEveryRouteDemandsTheToken(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.start(t, "pay", `{"id": "a"}`)
	guarded := serve(t, func(cfg *api.Config) { cfg.Guard, cfg.Engine = guard("s3cret", nil), s.engine })
	params := strings.NewReplacer(":flow", "pay", ":id", "run-1", ":name", "paid")
	for _, r := range guarded.Routes() {
		path := params.Replace(r.Path)
		w := guarded.do(r.Method, path, `{}`)
		if want := path == "/metrics" || strings.HasPrefix(path, "/api/v1/") && path != "/api/v1/openapi.json"; want != (w.Code == http.StatusUnauthorized) {
			t.Errorf("%s %s: %d", r.Method, path, w.Code)
		}
	}
	if r := s.report(t, "run-1"); r.Status != run.Waiting {
		t.Errorf("the run is %s", r.Status)
	}
}

// TestLongValues holds that a run is shown cut unless all of it is asked for.
func TestLongValues(t *testing.T) {
	t.Parallel()
	s := serve(t)
	r, _, err := s.engine.Start(t.Context(), engine.Start{
		Flow: s.flows.Flow("order"), Output: map[string]any{"id": 1, "note": strings.Repeat("a", 50_000)},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.rests(t, r.ID)
	for query, want := range map[string]struct {
		status, least, most int
		cut                 bool
	}{
		"":              {200, 2_000, 30_000, true},
		"?values=cut":   {200, 2_000, 30_000, true},
		"?after=1":      {200, 100, 30_000, false},
		"?values=whole": {200, 50_000, 200_000, false},
		"?values=all":   {400, 0, 1000, false},
		"?after=-1":     {400, 0, 1000, false},
		"?page=1":       {400, 0, 1000, false},
	} {
		w := s.do("GET", "/api/v1/runs/run-1"+query, "")
		checkDescribed(t, s, "GET", "/api/v1/runs/{id}", w)
		cut := strings.Contains(w.Body.String(), `"cut":true`)
		if n := w.Body.Len(); w.Code != want.status || n < want.least || n > want.most || cut != want.cut {
			t.Errorf("%q: %d, %d bytes, cut %v, want %+v", query, w.Code, n, cut, want)
		}
	}
}
