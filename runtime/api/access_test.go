package api_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/api"
	"github.com/wendflow/wend/runtime/auth"
)

// doors is a server with tokens, and the tokens by their names.
func doors(t *testing.T, log *slog.Logger, tokens ...auth.Token) (s *server, texts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	texts = map[string]string{}
	for _, one := range tokens {
		text, err := auth.NewTokens(dir, log).Create(one)
		if err != nil {
			t.Fatal(err)
		}
		texts[one.Name] = text
	}
	s = serve(t, func(cfg *api.Config) {
		cfg.Guard, cfg.Log = guard("for-the-test-itself", auth.NewTokens(dir, log)), log
	})
	deployed(t, s)
	return s, texts
}

func bearing(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

// itself may do all.
var itself = bearing("for-the-test-itself")

// TestScopes asks for each operation with a token of each scope: it gets in where
// the description says that scope, and nowhere else.
func TestScopes(t *testing.T) {
	t.Parallel()
	quiet := slog.New(slog.DiscardHandler)
	s, tokens := doors(t, quiet,
		auth.Token{Name: "read", Scopes: []auth.Scope{auth.Read}}, auth.Token{Name: "run", Scopes: []auth.Scope{auth.Run}},
		auth.Token{Name: "operate", Scopes: []auth.Scope{auth.Operate}}, auth.Token{Name: "admin", Scopes: []auth.Scope{auth.Admin}})
	for path, methods := range description(t)["paths"].(map[string]any) {
		for method, operation := range methods.(map[string]any) {
			if path == "/hooks/{path}" {
				continue
			}
			var needs string
			if security := operation.(map[string]any)["security"].([]any); len(security) > 0 {
				needs = "any"
				if scopes := security[0].(map[string]any)["token"].([]any); len(scopes) > 0 {
					needs = scopes[0].(string)
				}
			}
			target := regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "nothing")
			for name, text := range tokens {
				w := s.do(strings.ToUpper(method), target, "", bearing(text))
				let := needs == "" || needs == "any" || name == needs || name == "admin"
				if (w.Code != http.StatusForbidden) != let || w.Code == http.StatusUnauthorized {
					t.Errorf("%s %s needs %q; with %q it is %d", method, path, needs, name, w.Code)
				}
			}
			if w := s.do(strings.ToUpper(method), target, ""); (w.Code == http.StatusUnauthorized) != (needs != "") {
				t.Errorf("%s %s needs %q; without a token it is %d", method, path, needs, w.Code)
			}
		}
	}
}

// TestLimitedToFlows holds that for a token of certain flows others are not there,
// whichever way one asks.
func TestLimitedToFlows(t *testing.T) {
	t.Parallel()
	all := []auth.Scope{auth.Read, auth.Run, auth.Operate}
	s, tokens := doors(t, slog.New(slog.DiscardHandler),
		auth.Token{Name: "one", Scopes: all, Flows: []string{"order"}}, auth.Token{Name: "two", Scopes: all, Flows: []string{"order", "look"}},
		auth.Token{Name: "gone", Scopes: all, Flows: []string{"no-such-flow"}})
	for _, start := range []struct{ flow, body string }{{"order", `{"id": 1}`}, {"pay", `{"id": "a"}`}, {"order", `{"id": 2}`}} {
		w := s.do("POST", "/api/v1/flows/"+start.flow+"/runs", start.body, itself)
		if w.Code != http.StatusAccepted {
			t.Fatal(w.Code, w.Body)
		}
		s.rests(t, w.Header().Get("Wend-Run"))
	}
	for name, want := range map[string]string{"one": "order", "two": "look order", "gone": ""} {
		var doc struct{ Flows []struct{ Flow string } }
		decode(t, s.do("GET", "/api/v1/flows", "", bearing(tokens[name])), &doc)
		var flows []string
		for _, f := range doc.Flows {
			flows = append(flows, f.Flow)
		}
		if got := strings.Join(flows, " "); got != want {
			t.Errorf("%s sees flows %q, want %q", name, got, want)
		}
	}
	runs := map[string][]string{
		"": {"run-3", "run-1"}, "?flow=order": {"run-3", "run-1"}, "?flow=pay": nil, "?status=waiting": nil, "?id=run-": {"run-1", "run-3"}, "?id=un-2": nil,
		"?key=a": nil, "?durable=false": nil,
	}
	for query, want := range runs {
		for _, name := range []string{"one", "two"} {
			var p page
			decode(t, s.do("GET", "/api/v1/runs"+query, "", bearing(tokens[name])), &p)
			var got []string
			for _, r := range p.Runs {
				got = append(got, r.Run)
			}
			if strings.Contains(query, "id=") {
				slices.Sort(got)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s sees runs%s %v, want %v", name, query, got, want)
			}
		}
	}
	var first page
	decode(t, s.do("GET", "/api/v1/runs?limit=1", "", bearing(tokens["two"])), &first)
	var second page
	decode(t, s.do("GET", "/api/v1/runs?limit=1&cursor="+first.Next, "", bearing(tokens["two"])), &second)
	if len(first.Runs) != 1 || len(second.Runs) != 1 || first.Runs[0].Run != "run-3" || second.Runs[0].Run != "run-1" {
		t.Errorf("pages %+v %+v", first, second)
	}
	for request, want := range map[string]int{
		"GET /api/v1/runs/run-1": 200, "GET /api/v1/runs/run-1/events": 200, "POST /api/v1/runs/run-1/retry": 202,
		"GET /api/v1/runs/run-2": 404, "GET /api/v1/runs/run-2/events": 404, "POST /api/v1/runs/run-2/cancel": 404, "POST /api/v1/runs/run-2/retry": 404, "POST /api/v1/runs/run-2/resume": 404,
		"GET /api/v1/runs/run-9": 404, "GET /api/v1/runs/export": 403, "GET /api/v1/runs/export?flow=order": 403,
		"POST /api/v1/flows/pay/runs": 404, "POST /api/v1/flows/pay/pause": 404, "POST /api/v1/flows/pay/resume": 404, "POST /api/v1/flows/pay/rollback": 404,
		"GET /api/v1/flows/pay/versions": 404, "GET /api/v1/flows/pay/versions/1": 404, "GET /api/v1/flows/pay/diff?from=1&to=1": 404,
		"POST /api/v1/flows/order/pause": 200, "POST /api/v1/flows/order/resume": 200,
		"GET /api/v1/events": 403, "POST /api/v1/events": 403, "POST /api/v1/events/paid": 403, "GET /metrics": 403, "GET /api/v1/limits": 403,
		"GET /api/v1/store": 403, "GET /api/v1/store?scope=global": 403, "GET /api/v1/store?flow=pay": 403, "GET /api/v1/store?flow=order": 200,
		"GET /api/v1/store/value?key=a": 403, "PUT /api/v1/store/value?key=a": 403, "DELETE /api/v1/store/value?key=a": 403,
		"GET /api/v1/store/value?key=a&flow=pay": 403, "PUT /api/v1/store/value?key=a&flow=pay": 403, "DELETE /api/v1/store/value?key=a&flow=pay": 403,
		"PUT /api/v1/store/value?key=a&flow=order": 200, "GET /api/v1/nodes": 200,
	} {
		method, path, _ := strings.Cut(request, " ")
		body := "{}"
		if method == "PUT" {
			body = `{"value": 1}`
		}
		w := s.do(method, path, body, bearing(tokens["one"]))
		if w.Code != want {
			t.Errorf("%s: %d, want %d: %s", request, w.Code, want, w.Body)
		}
		if w.Code >= 400 && strings.Contains(w.Body.String(), "look") {
			t.Errorf("%s names a flow that is not there for it: %s", request, w.Body)
		}
	}
	if s.do("GET", "/api/v1/runs/run-2", "", itself).Code != http.StatusOK {
		t.Error("run-2 is not there at all")
	}
	if a, b := s.do("GET", "/api/v1/runs/run-2", "", bearing(tokens["one"])), s.do("GET", "/api/v1/runs/run-9", "", bearing(tokens["one"])); strings.ReplaceAll(a.Body.String(), "run-2", "run-9") != b.Body.String() {
		t.Errorf("what is another's and what is not there differ: %s %s", a.Body, b.Body)
	}
}

func decode(t *testing.T, w *httptest.ResponseRecorder, to any) {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), to); err != nil {
		t.Fatal(err)
	}
}

// TestAudit holds that each change leaves a line which says who, what, on what,
// from where and with which result, and that looking leaves none.
func TestAudit(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s, tokens := doors(t, slog.New(slog.NewJSONHandler(&log, nil)),
		auth.Token{Name: "shop", Scopes: []auth.Scope{auth.Read, auth.Run}}, auth.Token{Name: "ops", Scopes: []auth.Scope{auth.Operate}})
	ask := func(who, method, path, body string) {
		s.do(method, path, body, bearing(tokens[who]), func(r *http.Request) { r.RemoteAddr = "192.0.2.7:1234" })
	}
	ask("shop", "POST", "/api/v1/flows/pay/runs", `{"id": "a"}`)
	s.rests(t, "run-1")
	ask("shop", "POST", "/api/v1/flows/order/runs", `{"id": "a"}`)
	ask("shop", "POST", "/api/v1/runs/run-1/cancel", `{}`)
	ask("ops", "POST", "/api/v1/runs/run-1/cancel", `{}`)
	ask("shop", "POST", "/api/v1/events/paid", `{"key": "a"}`)
	ask("ops", "PUT", "/api/v1/store/value?flow=order&key=n", `{"value": "s3cret"}`)
	ask("ops", "POST", "/api/v1/flows/order/pause", `{}`)
	ask("shop", "GET", "/api/v1/runs", "")
	ask("nobody", "POST", "/api/v1/runs/run-1/cancel", `{}`)
	var got []string
	for line := range strings.Lines(log.String()) {
		var one map[string]any
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err)
		}
		if one["msg"] != "audit" {
			continue
		}
		for _, name := range []string{"time", "level", "msg"} {
			delete(one, name)
		}
		if one["from"] != "192.0.2.7:1234" {
			t.Errorf("from %v", one["from"])
		}
		delete(one, "from")
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(one)) {
			raw, _ := json.Marshal(one[name])
			parts = append(parts, name+"="+string(raw))
		}
		got = append(got, strings.Join(parts, " "))
	}
	want := []string{
		`action="startRun" by="shop" flow="pay" started="run-1" status=202`,
		`action="startRun" by="shop" flow="order" status=400`,
		`action="cancelRun" by="shop" run="run-1" status=403`,
		`action="cancelRun" by="ops" run="run-1" status=200`,
		`action="postEvent" by="shop" event="paid" status=202`,
		`action="putValue" by="ops" flow="order" key="n" status=200`,
		`action="pauseFlow" by="ops" flow="order" status=200`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if strings.Contains(log.String(), "s3cret") {
		t.Error("the value is in the log")
	}
}

// TestIdempotencyKey starts runs that are one, by the rules of the header's draft.
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	s := serve(t)
	start := func(flow, body string, keys ...string) *httptest.ResponseRecorder {
		w := s.do("POST", "/api/v1/flows/"+flow+"/runs", body, func(r *http.Request) { r.Header["Idempotency-Key"] = keys })
		checkDescribed(t, s, "POST", "/api/v1/flows/"+flow+"/runs", w)
		return w
	}
	ids := map[string]string{}
	for i, test := range []struct {
		flow, body string
		keys       []string
		status     int
		run        string // its name here
	}{
		{"order", `{"id": 1}`, []string{`"a"`}, 202, "run-1"},
		{"order", `{"id": 1}`, []string{`"a"`}, 202, "run-1"},
		{"order", `{ "id": 1.0 }`, []string{` a `}, 202, "run-1"},
		{"order", `{"id": 2}`, []string{`"a"`}, 422, "run-1"},
		{"order", `{"id": 1}`, []string{`"b"`}, 202, "run-2"},
		{"order", `{"id": 1}`, nil, 202, "run-3"},
		{"order", `{"id": 1}`, nil, 202, "run-4"},
		{"pay", `{"id": "1"}`, []string{`"a"`}, 202, "run-5"},  // another flow's
		{"order", `{"id": 0}`, []string{`"f"`}, 202, "run-6"},  // it fails
		{"order", `{"id": 0}`, []string{`"f"`}, 202, "run-6"},  // and has the key all the same
		{"look", `{}`, []string{`"\"\\"`}, 202, "run-7"},       // runs in memory too
		{"look", `{}`, []string{`"\"\\"`}, 202, "run-7"},       //
		{"look", `{"a": 1}`, []string{`"\"\\"`}, 422, "run-7"}, //
		{"order", `{"id": "x"}`, []string{`"g"`}, 400, ""},     // what does not fit has no run
		{"order", `{"id": 1}`, []string{`"g"`}, 202, "run-8"},  // and no key
		{"order", `{"id": 1}`, []string{``}, 202, "run-9"},
		{"order", `{"id": 1}`, []string{`""`}, 400, ""},
		{"order", `{"id": 1}`, []string{`"a`}, 400, ""},
		{"order", `{"id": 1}`, []string{`"a" "b"`}, 400, ""},
		{"order", `{"id": 1}`, []string{`"a";p=1`}, 400, ""},
		{"order", `{"id": 1}`, []string{`"\a"`}, 400, ""},
		{"order", `{"id": 1}`, []string{`é`}, 400, ""},
		{"order", `{"id": 1}`, []string{"a", "b"}, 400, ""},
		{"order", `{"id": 1}`, []string{strings.Repeat("k", 256)}, 400, ""},
	} {
		w := start(test.flow, test.body, test.keys...)
		var doc struct{ Run string }
		if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		if ids[test.run] == "" && slices.Index(slices.Collect(maps.Values(ids)), doc.Run) < 0 {
			ids[test.run] = doc.Run // of a new one
		}
		if w.Code != test.status || doc.Run != ids[test.run] || (test.run == "") != (doc.Run == "") {
			t.Errorf("%d: %d %s, want %d %s", i, w.Code, w.Body, test.status, ids[test.run])
		}
		if w.Code == http.StatusAccepted {
			s.rests(t, doc.Run)
		}
	}
	if w := start("order", `{"id": 1}`, `"a"`); w.Header().Get("Wend-Repeated") != "true" || w.Header().Get("Location") != "/api/v1/runs/run-1" || !strings.Contains(w.Body.String(), `"status":"completed"`) {
		t.Errorf("again: %v %s", w.Header(), w.Body)
	}
}

// TestProblemsOfRoutes holds that what no handler ever sees is told as a problem
// document too.
func TestProblemsOfRoutes(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for request, want := range map[string]int{
		"GET /": 404, "GET /nothing": 404, "GET /api/v1/": 404, "POST /api/v1/runs/run-1/nothing": 404, "GET /api/v2/runs": 404,
		"PATCH /api/v1/flows": 405, "DELETE /healthz": 405, "PUT /api/v1/events": 405, "POST /api/v1/runs": 405, "TRACE /api/v1/runs": 405, "FOO /api/v1/runs": 405,
		"POST /api/v1/flows/order/runs": 415, "POST /api/v1/runs/run-1/cancel": 415, "PUT /api/v1/store/value?key=a": 415, "POST /api/v1/events": 415,
	} {
		method, path, _ := strings.Cut(request, " ")
		w := s.do(method, path, "text", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") })
		var doc struct {
			Title  string
			Status int
		}
		if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code != want || doc.Status != want || doc.Title != http.StatusText(want) ||
			w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s %s (%v), want %d", request, w.Code, w.Header().Get("Content-Type"), w.Body, err, want)
		}
		if allow := w.Header().Get("Allow"); (want == 405) != (allow != "") {
			t.Errorf("%s: Allow %q", request, allow)
		}
	}
	large := `{"id": ` + strings.Repeat(" ", 2000) + `1}`
	for _, path := range []string{"/api/v1/flows/order/runs", "/api/v1/events/paid", "/api/v1/runs/run-1/cancel"} {
		if w := s.do("POST", path, large); w.Code != 413 || w.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("POST %s: %d %s, want 413", path, w.Code, w.Body)
		}
	}
}
