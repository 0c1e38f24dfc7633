package mcp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/labstack/echo/v4"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/auth"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/mcp"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/problem"
	"github.com/wendflow/wend/runtime/run"
)

// server serves the tools of testdata/flows to clients of the SDK.
type server struct {
	engine *engine.Engine
	url    string
	tokens map[string]string
	log    *bytes.Buffer
}

// serve has a token for each that is given; wait is how long a call waits for its
// run.
func serve(t *testing.T, wait time.Duration, tokens ...auth.Token) *server {
	t.Helper()
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	files, err := catalog.Find([]string{"testdata/flows"})
	if err != nil {
		t.Fatal(err)
	}
	set, mistakes := catalog.Load(files, flow.Config{Types: types})
	if err := mistakes.Err(); err != nil {
		t.Fatal(err)
	}
	s := &server{tokens: map[string]string{}, log: new(bytes.Buffer)}
	s.engine = engine.New(engine.Config{Journal: journal.NewMemory(100), Flow: func(_ context.Context, r journal.Summary) (*flow.Flow, error) {
		return set.Flow(r.Flow), nil
	}})
	onFile := auth.NewTokens(t.TempDir(), slog.New(slog.DiscardHandler))
	for _, one := range tokens {
		if s.tokens[one.Name], err = onFile.Create(one); err != nil {
			t.Fatal(err)
		}
	}
	e := echo.New()
	e.HTTPErrorHandler = problem.Handler(slog.New(slog.DiscardHandler))
	mcp.New(mcp.Config{
		Flows: func() *catalog.Set { return set }, Engine: s.engine, Guard: auth.NewGuard("", onFile, time.Now), MaxBody: 4 << 10,
		Wait: wait, Version: "1.2.3", Log: slog.New(slog.NewJSONHandler(s.log, nil)),
	}).Mount(e)
	listening := httptest.NewServer(e)
	t.Cleanup(listening.Close)
	s.url = listening.URL + mcp.Path
	return s
}

// bearer adds a token to what a client sends.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if b != "" {
		r.Header.Set("Authorization", "Bearer "+string(b))
	}
	return http.DefaultTransport.RoundTrip(r)
}

// client is one of the SDK, with a token.
func (s *server) client(t *testing.T, token string) *sdk.ClientSession {
	t.Helper()
	session, err := s.connect(t, token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

func (s *server) connect(t *testing.T, token string) (*sdk.ClientSession, error) {
	t.Helper()
	client := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil)
	return client.Connect(t.Context(), &sdk.StreamableClientTransport{
		Endpoint: s.url, HTTPClient: &http.Client{Transport: bearer(s.tokens[token])}, MaxRetries: -1,
	}, nil)
}

// told is the structured content of a result.
type told struct {
	Run, Status, Outcome, Code, Reason string
	Outputs                            map[string]any
	Response                           *struct {
		Status int
		Body   any
	}
}

func call(t *testing.T, c *sdk.ClientSession, tool string, input any) (*sdk.CallToolResult, told) {
	t.Helper()
	res, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: input})
	if err != nil {
		t.Fatalf("call %s: %v", tool, err)
	}
	var doc told
	raw, err := json.Marshal(res.StructuredContent)
	if err == nil {
		err = json.Unmarshal(raw, &doc)
	}
	if err != nil {
		t.Fatal(err)
	}
	return res, doc
}

func textOf(res *sdk.CallToolResult) string {
	var texts []string
	for _, c := range res.Content {
		if text, ok := c.(*sdk.TextContent); ok {
			texts = append(texts, text.Text)
		}
	}
	return strings.Join(texts, "\n")
}

// TestTools holds what is served, and what of it a model reads.
func TestTools(t *testing.T) {
	t.Parallel()
	s := serve(t, 0, auth.Token{Name: "all", Scopes: []auth.Scope{auth.Run}}, auth.Token{Name: "one", Scopes: []auth.Scope{auth.Run}, Flows: []string{"greet", "hidden"}})
	all, err := s.client(t, "all").ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, tool := range all.Tools {
		got = append(got, tool.Name+": "+tool.Title+": "+tool.Description)
		if tool.OutputSchema == nil {
			t.Errorf("%s has no output schema", tool.Name)
		}
		if tool.Name == "greet" {
			input, err := json.Marshal(tool.InputSchema)
			want := `{"properties":{"name":{"description":"Whom to greet.","type":"string"},"times":{"minimum":1,"type":"integer"}},"required":["name"],"type":"object"}`
			if err != nil || string(input) != want {
				t.Errorf("input of greet: %s %v, want %s", input, err, want)
			}
		}
	}
	want := []string{
		"approve.again: : Waits for somebody who says yes.", "approve.asked: : Waits for somebody who says yes.", "greet: Greet: Greets somebody by name.",
		"wend_run: What became of a run: Waits for the result of a run that another tool started and that was not at its end.",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	one, err := s.client(t, "one").ListTools(t.Context(), nil)
	if err != nil || len(one.Tools) != 2 || one.Tools[0].Name != "greet" {
		t.Errorf("for a token of greet: %+v %v", one, err)
	}
}

// TestCall calls tools whose runs end at once.
func TestCall(t *testing.T) {
	t.Parallel()
	s := serve(t, 0, auth.Token{Name: "all", Scopes: []auth.Scope{auth.Run}})
	c := s.client(t, "all")
	res, doc := call(t, c, "greet", map[string]any{"name": "Ada"})
	if res.IsError || doc.Response == nil || doc.Response.Status != 200 || cmp.Diff(map[string]any{"text": "hello Ada"}, doc.Response.Body) != "" {
		t.Errorf("greet: %t %s", res.IsError, textOf(res))
	}
	var same told
	if err := json.Unmarshal([]byte(textOf(res)), &same); err != nil || cmp.Diff(doc, same) != "" {
		t.Errorf("the text is not what is structured: %s %v", textOf(res), err)
	}
	if res, doc := call(t, c, "greet", map[string]any{"name": "nobody"}); !res.IsError || doc.Response == nil || doc.Response.Status != 422 {
		t.Errorf("a response of 422: %t %s", res.IsError, textOf(res))
	}
	if res, doc := call(t, c, "approve.again", nil); !res.IsError || doc.Status != "failed" || doc.Code != "late" || doc.Reason != "nobody said yes" {
		t.Errorf("a run that fails: %t %s", res.IsError, textOf(res))
	}
	for input, want := range map[string]string{`{}`: "name", `{"name": 7}`: "name", `{"name": "a", "times": 0}`: "times"} {
		res, doc := call(t, c, "greet", json.RawMessage(input))
		if !res.IsError || doc.Run != "" || !strings.Contains(textOf(res), want) {
			t.Errorf("input %s: %t %s, want a word on %q and no run", input, res.IsError, textOf(res), want)
		}
	}
	for _, name := range []string{"hidden", "no-such-tool", "approve.hook", "approve"} {
		if _, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: name}); err == nil {
			t.Errorf("%s is a tool", name)
		}
	}
	var lines []string
	for line := range strings.Lines(s.log.String()) {
		var one struct {
			Msg, Action, By, Tool, Flow string
			Status                      int
		}
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Join([]string{one.Msg, one.Action, one.By, one.Tool, one.Flow, http.StatusText(one.Status)}, " "))
	}
	const ran, refused = "audit callTool all greet greet Accepted", "audit callTool all greet greet Bad Request"
	want := []string{ran, ran, "audit callTool all approve.again approve Accepted", refused, refused, refused}
	for _, name := range []string{"hidden", "no-such-tool", "approve.hook", "approve"} {
		want = append(want, "audit callTool all "+name+"  Not Found")
	}
	if d := cmp.Diff(want, lines); d != "" {
		t.Errorf("audit (-want +got)\n%s", d)
	}
}

// TestLongRun calls a tool whose run waits for an event, and asks what became of it.
func TestLongRun(t *testing.T) {
	t.Parallel()
	s := serve(t, time.Nanosecond,
		auth.Token{Name: "all", Scopes: []auth.Scope{auth.Run}}, auth.Token{Name: "other", Scopes: []auth.Scope{auth.Run}, Flows: []string{"greet"}})
	c := s.client(t, "all")
	res, doc := call(t, c, "approve.asked", nil)
	if res.IsError || doc.Run == "" || doc.Status != "running" && doc.Status != "waiting" || !strings.Contains(textOf(res), `ask wend_run with {"run": "`+doc.Run+`"}`) {
		t.Fatalf("approve: %t %s", res.IsError, textOf(res))
	}
	if res, _ := call(t, s.client(t, "other"), "wend_run", map[string]any{"run": doc.Run}); !res.IsError || strings.Contains(textOf(res), "approve") {
		t.Errorf("for a token of another flow: %t %s", res.IsError, textOf(res))
	}
	event := journal.Event{ID: "e1", Name: "approved", Key: doc.Run, Data: json.RawMessage(`{"by":"Bo"}`), Expires: time.Now().Add(time.Hour)}
	if _, err := s.engine.Deliver(t.Context(), event); err != nil {
		t.Fatal(err)
	}
	if err := s.engine.Follow(t.Context(), doc.Run, 0, func(run.Event) bool { return true }); err != nil {
		t.Fatal(err)
	}
	res, end := call(t, c, "wend_run", map[string]any{"run": doc.Run})
	if res.IsError || end.Status != "completed" || cmp.Diff(map[string]any{"by": "Bo"}, end.Outputs) != "" {
		t.Errorf("at its end: %t %s", res.IsError, textOf(res))
	}
	for _, input := range []any{map[string]any{"run": "nothing"}, map[string]any{"run": ""}, map[string]any{"run": 7}, nil} {
		if res, _ := call(t, c, "wend_run", input); !res.IsError {
			t.Errorf("wend_run of %v: %s", input, textOf(res))
		}
	}
}

// TestVersions greets the server as clients of each version of the protocol do.
func TestVersions(t *testing.T) {
	t.Parallel()
	s := serve(t, 0, auth.Token{Name: "run", Scopes: []auth.Scope{auth.Run}})
	for _, version := range []string{"2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"} {
		body := `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"` + version + `","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`
		status, _, answer := s.post(t, "run", "POST", "application/json", body)
		if status != http.StatusOK || !strings.Contains(answer, `"protocolVersion":"`+version+`"`) {
			t.Errorf("%s: %d %s", version, status, answer)
		}
	}
	if got := s.client(t, "run").InitializeResult().ProtocolVersion; got != "2026-07-28" {
		t.Errorf("the SDK's client speaks %s", got)
	}
}

// post sends a request by hand.
func (s *server) post(t *testing.T, token, method, kind, body string) (status int, media, answer string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Accept", "application/json, text/event-stream")
	w, err := (&http.Client{Transport: bearer(s.tokens[token])}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	raw, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if cache := w.Header.Get("Cache-Control"); w.StatusCode == http.StatusOK && cache != "no-store" {
		t.Errorf("Cache-Control: %q", cache)
	}
	return w.StatusCode, w.Header.Get("Content-Type"), string(raw)
}

// TestDoor holds who is let in, and that who is not is told so as a problem.
func TestDoor(t *testing.T) {
	t.Parallel()
	s := serve(t, 0, auth.Token{Name: "run", Scopes: []auth.Scope{auth.Run}}, auth.Token{Name: "read", Scopes: []auth.Scope{auth.Read, auth.Operate}})
	for _, name := range []string{"read", "none"} {
		if _, err := s.connect(t, name); err == nil {
			t.Errorf("with %s it is let in", name)
		}
	}
	const list = `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`
	for name, test := range map[string]struct {
		method, token, kind, body string
		want                      int
	}{
		"in order":      {"POST", "run", "application/json", list, 200},
		"no token":      {"POST", "", "application/json", list, 401},
		"another scope": {"POST", "read", "application/json", list, 403},
		"a form":        {"POST", "run", "application/x-www-form-urlencoded", list, 415},
		"a text":        {"POST", "run", "text/plain", list, 415},
		"too large":     {"POST", "run", "application/json", strings.Repeat(" ", 5<<10) + list, 413},
		"half of it":    {"POST", "run", "application/json", list[:9], 400},
		"no method":     {"POST", "run", "application/json", `{"jsonrpc":"2.0","id":1,"method":"nothing"}`, 400},
		"no parameters": {"POST", "run", "application/json", `{"jsonrpc":"2.0","id":1,"method":"tools/call"}`, 400},
		"not JSON-RPC":  {"POST", "run", "application/json", `{"n":1}`, 400},
		"GET":           {"GET", "run", "", "", 405},
		"DELETE":        {"DELETE", "run", "", "", 405},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, kind, answer := s.post(t, test.token, test.method, test.kind, test.body)
			if status != test.want {
				t.Fatalf("%d %s, want %d", status, answer, test.want)
			}
			if (status >= 400) != (kind == problem.ContentType) {
				t.Errorf("%d of type %s", status, kind)
			}
		})
	}
}
