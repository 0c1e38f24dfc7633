package emulator_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/emulator"
)

// acmeSettings are the switches of the vendor that these tests make up.
type acmeSettings struct {
	Greeting string         `json:"greeting"`
	Limits   map[string]int `json:"limits"`
}

// newAcme returns the emulator of a vendor that makes things: each
// POST /things answers {"things":n}.
func newAcme(t *testing.T, cfg emulator.Config) *emulator.Vendor {
	t.Helper()
	v, err := openAcme(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	return v
}

func openAcme(cfg emulator.Config) (*emulator.Vendor, error) {
	defaults := acmeSettings{Greeting: "hello", Limits: map[string]int{"things": 3}}
	settings, err := emulator.NewSettings(defaults, cfg.Settings, func(s acmeSettings) error {
		if s.Greeting == "" {
			return errors.New("greeting is empty")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	world := emulator.NewWorld(cfg)
	var things atomic.Int64
	api := http.NewServeMux()
	api.HandleFunc("POST /things", func(w http.ResponseWriter, _ *http.Request) {
		emulator.WriteJSON(w, emulator.Public, http.StatusCreated, map[string]int64{"things": things.Add(1)})
	})
	api.HandleFunc("GET /things", func(http.ResponseWriter, *http.Request) {})
	api.HandleFunc("GET /id", func(w http.ResponseWriter, _ *http.Request) {
		emulator.WriteJSON(w, emulator.Seed, http.StatusOK, []string{world.NewID(), world.Now().Format(time.RFC3339Nano)})
	})
	api.HandleFunc("GET /poll", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "first")
		_ = http.NewResponseController(w).Flush()
		<-world.Closing()
	})
	control := http.NewServeMux()
	control.Handle("/_emulator/settings", settings)
	return emulator.New(world, emulator.API{
		Name:    "acme",
		Port:    9199,
		Handler: api,
		Control: control,
		State:   func() any { return map[string]int64{"things": things.Load()} },
		Reset:   func() { things.Store(0); settings.Reset() },
		Faults: map[string]http.HandlerFunc{"teapot": func(w http.ResponseWriter, _ *http.Request) {
			emulator.WriteJSON(w, emulator.Decision, http.StatusTeapot, "short and stout")
		}},
		Secrets: []string{"X-Api-Key", "password"},
	})
}

func serve(t *testing.T, v *emulator.Vendor) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(v)
	t.Cleanup(func() {
		_ = v.Close()
		server.Close()
	})
	return server
}

// call makes one request and returns its reply with the whole body. Headers
// are given as name, value, name, value.
func call(t *testing.T, h http.Handler, method, target, body string, headers ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// control makes a request to the control surface, which must answer status,
// and decodes the answer.
func control[T any](t *testing.T, v *emulator.Vendor, method, path, body string, status int) T {
	t.Helper()
	resp := call(t, v, method, "/_emulator"+path, body)
	got := text(t, resp)
	if resp.StatusCode != status {
		t.Fatalf("%s %s = %d %s, want %d", method, path, resp.StatusCode, got, status)
	}
	var value T
	if got == "" {
		return value
	}
	if err := json.Unmarshal([]byte(got), &value); err != nil {
		t.Fatalf("%s %s answered %q: %v", method, path, got, err)
	}
	return value
}

func journal(t *testing.T, v *emulator.Vendor) []emulator.Entry {
	t.Helper()
	return control[[]emulator.Entry](t, v, "GET", "/journal", "", http.StatusOK)
}

func TestFaultByHeader(t *testing.T) {
	t.Parallel()
	const made = "{\"things\":1}\n"
	tests := []struct {
		fault       string
		status      int
		contentType string
		body        string
		things      int // what the vendor has made in spite of the fault
	}{
		{"slow:1", 201, "application/json", made, 1},
		{"400", 400, "application/json", "{\"error\":\"Bad Request\"}\n", 0},
		{"429", 429, "application/json", "{\"error\":\"Too Many Requests\"}\n", 0},
		{"500", 500, "application/json", "{\"error\":\"Internal Server Error\"}\n", 0},
		{"502", 502, "application/json", "{\"error\":\"Bad Gateway\"}\n", 0},
		{"503", 503, "application/json", "{\"error\":\"Service Unavailable\"}\n", 0},
		{"expired_token", 401, "application/json", "{\"error\":\"Unauthorized\"}\n", 0},
		{"malformed_json", 201, "application/json", "{\"thin", 1},
		{"wrong_content_type", 201, "text/html; charset=utf-8", made, 1},
		{"empty_body", 201, "application/json", "", 1},
		{"teapot", 418, "application/json", "\"short and stout\"\n", 0},
	}
	for _, tt := range tests {
		t.Run(tt.fault, func(t *testing.T) {
			t.Parallel()
			v := newAcme(t, emulator.Config{})
			resp := call(t, v, "POST", "/things", "", "X-Emulator-Fault", tt.fault)
			if got := text(t, resp); resp.StatusCode != tt.status || got != tt.body {
				t.Errorf("reply = %d %q, want %d %q", resp.StatusCode, got, tt.status, tt.body)
			}
			if got := resp.Header.Get("Content-Type"); got != tt.contentType {
				t.Errorf("content type = %q, want %q", got, tt.contentType)
			}
			if got := control[map[string]int](t, v, "GET", "/state", "", 200)["things"]; got != tt.things {
				t.Errorf("things = %d, want %d", got, tt.things)
			}
			if e := journal(t, v)[0]; e.Fault != tt.fault || e.Status != tt.status {
				t.Errorf("journal has fault %q, status %d", e.Fault, e.Status)
			}
			if resp := call(t, v, "POST", "/things", ""); resp.StatusCode != http.StatusCreated {
				t.Errorf("the next call = %d, want 201", resp.StatusCode)
			}
		})
	}
}

func TestTooManyRequestsSaysWhen(t *testing.T) {
	t.Parallel()
	resp := call(t, newAcme(t, emulator.Config{}), "POST", "/things", "", "X-Emulator-Fault", "429")
	if got := resp.Header.Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After = %q, want 1", got)
	}
}

func TestHugeBody(t *testing.T) {
	t.Parallel()
	body := text(t, call(t, newAcme(t, emulator.Config{}), "POST", "/things", "", "X-Emulator-Fault", "huge_body"))
	if len(body) < 16<<20 || !json.Valid([]byte(body)) {
		t.Errorf("body has %d bytes, valid JSON: %v; want 16 MiB of JSON", len(body), json.Valid([]byte(body)))
	}
}

func TestMalformedNeverIsJSON(t *testing.T) {
	t.Parallel()
	v := newAcme(t, emulator.Config{})
	body := text(t, call(t, v, "GET", "/things", "", "X-Emulator-Fault", "malformed_json"))
	if body == "" || json.Valid([]byte(body)) {
		t.Errorf("body = %q, want text that is no JSON", body)
	}
}

func TestDroppedConnection(t *testing.T) {
	t.Parallel()
	for fault, things := range map[string]int{"drop": 0, "lost_reply": 1} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			v := newAcme(t, emulator.Config{})
			server := serve(t, v)
			resp, err := post(t.Context(), server, fault)
			if !errors.Is(err, io.EOF) {
				t.Fatalf("reply = %v, %v; want EOF", resp, err)
			}
			if got := control[map[string]int](t, v, "GET", "/state", "", 200)["things"]; got != things {
				t.Errorf("things = %d, want %d", got, things)
			}
			if e := journal(t, v)[0]; e.Fault != fault || e.Status != 0 {
				t.Errorf("journal has fault %q, status %d; want %q, 0", e.Fault, e.Status, fault)
			}
		})
	}
}

func post(ctx context.Context, server *httptest.Server, fault string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, "POST", server.URL+"/things", http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-Emulator-Fault", fault)
	resp, err := server.Client().Do(r)
	if err == nil {
		_ = resp.Body.Close()
	}
	return resp, err
}

func TestTimeoutEndsWithTheClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newAcme(t, emulator.Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		start := time.Now()
		if got := aborts(ctx, v, "timeout"); !errors.Is(got, http.ErrAbortHandler) {
			t.Errorf("handler ended with %v, want http.ErrAbortHandler", got)
		}
		if got := time.Since(start); got != time.Hour {
			t.Errorf("call was held for %v, want the client's hour", got)
		}
	})
}

func TestCloseEndsWhatIsHeld(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"timeout", "slow:3600000"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := newAcme(t, emulator.Config{})
				held := make(chan error)
				go func() { held <- aborts(t.Context(), v, fault) }()
				synctest.Wait()
				select {
				case got := <-held:
					t.Fatalf("handler ended with %v before Close", got)
				default:
				}
				if err := v.Close(); err != nil {
					t.Fatal(err)
				}
				if got := <-held; !errors.Is(got, http.ErrAbortHandler) {
					t.Errorf("handler ended with %v, want http.ErrAbortHandler", got)
				}
				if err := v.Close(); err != nil {
					t.Errorf("second Close = %v", err)
				}
			})
		})
	}
}

// aborts makes a call and returns what its handler panicked with.
func aborts(ctx context.Context, v *emulator.Vendor, fault string) (cause error) {
	defer func() { cause, _ = recover().(error) }()
	r := httptest.NewRequestWithContext(ctx, "POST", "/things", http.NoBody)
	r.Header.Set("X-Emulator-Fault", fault)
	v.ServeHTTP(httptest.NewRecorder(), r)
	return nil
}

func TestSlowTakesItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newAcme(t, emulator.Config{})
		control[any](t, v, "POST", "/faults", `{"then":{"delayMs":400}}`, http.StatusCreated)
		start := time.Now()
		resp := call(t, v, "POST", "/things", "", "X-Emulator-Fault", "slow:700")
		if got := time.Since(start); resp.StatusCode != 201 || got != 700*time.Millisecond {
			t.Errorf("slow:700 = %d after %v", resp.StatusCode, got)
		}
		start = time.Now()
		resp = call(t, v, "POST", "/things", "")
		if got := time.Since(start); resp.StatusCode != 201 || got != 400*time.Millisecond {
			t.Errorf("delayMs 400 = %d after %v", resp.StatusCode, got)
		}
	})
}

func TestFaultRules(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		rules []string
		calls []string // method, path and the status they must get
	}{
		"times": {
			[]string{`{"times":2,"then":{"fault":"503"}}`},
			[]string{"POST /things 503", "POST /things 503", "POST /things 201"},
		},
		"without times for ever": {
			[]string{`{"then":{"status":409}}`},
			[]string{"POST /things 409", "POST /things 409", "POST /things 409"},
		},
		"method": {
			[]string{`{"match":{"method":"get"},"then":{"fault":"500"}}`},
			[]string{"POST /things 201", "GET /things 500"},
		},
		"path": {
			[]string{`{"match":{"path":"/thi*"},"then":{"fault":"500"}}`},
			[]string{"POST /things 500", "GET /id 200", "GET /things/1 404"},
		},
		"first match goes first, then the next": {
			[]string{`{"times":1,"then":{"fault":"500"}}`, `{"times":1,"then":{"fault":"502"}}`},
			[]string{"POST /things 500", "POST /things 502", "POST /things 201"},
		},
		"reply without status": {
			[]string{`{"then":{"body":{"odd":true}}}`},
			[]string{"POST /things 200"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newAcme(t, emulator.Config{})
			for _, rule := range tt.rules {
				control[any](t, v, "POST", "/faults", rule, http.StatusCreated)
			}
			for i, c := range tt.calls {
				var method, path string
				var status int
				if _, err := fmt.Sscan(c, &method, &path, &status); err != nil {
					t.Fatal(err)
				}
				if resp := call(t, v, method, path, ""); resp.StatusCode != status {
					t.Errorf("call %d, %s %s = %d, want %d", i, method, path, resp.StatusCode, status)
				}
			}
		})
	}
}

func TestFaultReply(t *testing.T) {
	t.Parallel()
	tests := []struct{ then, contentType, body string }{
		{`{"status":418,"body":{"id": 9007199254740993}}`, "application/json", `{"id": 9007199254740993}`},
		{`{"status":418,"body":"plain <text>"}`, "text/plain; charset=utf-8", "plain <text>"},
		{`{"status":418,"body":"<b>","headers":{"content-type":"text/html"}}`, "text/html", "<b>"},
		{`{"status":418}`, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.then, func(t *testing.T) {
			t.Parallel()
			v := newAcme(t, emulator.Config{})
			control[any](t, v, "POST", "/faults", `{"then":`+tt.then+`}`, http.StatusCreated)
			resp := call(t, v, "POST", "/things", "")
			if got := text(t, resp); got != tt.body || resp.Header.Get("Content-Type") != tt.contentType {
				t.Errorf("reply = %q %q, want %q %q", resp.Header.Get("Content-Type"), got, tt.contentType, tt.body)
			}
			if got := resp.Header.Get("X-Emulator-Basis"); got != "decision" {
				t.Errorf("basis = %q, want decision", got)
			}
		})
	}
}

func TestJournalNamesWhatARuleDid(t *testing.T) {
	t.Parallel()
	for then, want := range map[string]string{
		`{"delayMs":1}`:                  "slow:1",
		`{"delayMs":1,"fault":"503"}`:    "slow:1 503",
		`{"malformed":true}`:             "malformed_json",
		`{"status":409}`:                 "reply:409",
		`{"headers":{"X-Odd":"1"}}`:      "reply:200",
		`{"fault":"wrong_content_type"}`: "wrong_content_type",
	} {
		v := newAcme(t, emulator.Config{})
		control[any](t, v, "POST", "/faults", `{"then":`+then+`}`, http.StatusCreated)
		call(t, v, "POST", "/things", "")
		if got := journal(t, v)[0].Fault; got != want {
			t.Errorf("%s: fault = %q, want %q", then, got, want)
		}
	}
}

func TestDropByRule(t *testing.T) {
	t.Parallel()
	v := newAcme(t, emulator.Config{})
	control[any](t, v, "POST", "/faults", `{"then":{"drop":true}}`, http.StatusCreated)
	if got := aborts(t.Context(), v, ""); !errors.Is(got, http.ErrAbortHandler) {
		t.Errorf("handler ended with %v, want http.ErrAbortHandler", got)
	}
	if got := journal(t, v)[0]; got.Fault != "drop" || got.Status != 0 {
		t.Errorf("entry = %+v, want a drop without status", got)
	}
}

func TestFaultsAreShownAndCleared(t *testing.T) {
	t.Parallel()
	start, err := emulator.ParseFault("POST /things=503*1")
	if err != nil {
		t.Fatal(err)
	}
	v := newAcme(t, emulator.Config{Faults: []emulator.Fault{start}})
	if resp := call(t, v, "POST", "/things", ""); resp.StatusCode != 503 {
		t.Errorf("first call = %d, want 503", resp.StatusCode)
	}
	shown := func() string { return text(t, call(t, v, "GET", "/_emulator/faults", "")) }
	want := `[
  {
    "match": {
      "method": "POST",
      "path": "/things"
    },
    "times": 1,
    "then": {
      "fault": "503"
    },
    "used": 1
  }
]
`
	if diff := cmp.Diff(want, shown()); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	control[any](t, v, "DELETE", "/faults", "", http.StatusNoContent)
	if got := shown(); got != "[]\n" {
		t.Errorf("faults after DELETE = %s", got)
	}
	control[any](t, v, "POST", "/reset", "", http.StatusNoContent)
	if resp := call(t, v, "POST", "/things", ""); resp.StatusCode != 503 {
		t.Errorf("call after reset = %d, want the 503 of the start", resp.StatusCode)
	}
}

func TestBadFaults(t *testing.T) {
	t.Parallel()
	tests := []struct{ rule, message string }{
		{`{"then":{}}`, "a fault without effect"},
		{`{"then":{"drop":true,"status":500}}`, "not in 2 of them"},
		{`{"then":{"fault":"explode"}}`, `no fault "explode"; expected one of teapot, timeout, drop`},
		{`{"then":{"fault":"slow:soon"}}`, `no fault "slow:soon"`},
		{`{"then":{"fault":"slow:-1"}}`, `no fault "slow:-1"`},
		{`{"then":{"fault":"200"}}`, `no fault "200"`},
		{`{"then":{"fault":"600"}}`, `no fault "600"`},
		{`{"then":{"delayMs":-1}}`, "delayMs -1"},
		{`{"then":{"status":99}}`, "status 99"},
		{`{"times":-1,"then":{"drop":true}}`, "times -1"},
		{`{"match":{"path":"/[a"},"then":{"drop":true}}`, "syntax error in pattern"},
		{`{"than":{"drop":true}}`, `unknown field "than"`},
		{`{"then":{"drop":true}} {}`, "nothing after it"},
		{`{"then":`, "unexpected EOF"},
	}
	for _, tt := range tests {
		t.Run(tt.rule, func(t *testing.T) {
			t.Parallel()
			v := newAcme(t, emulator.Config{})
			got := control[map[string]string](t, v, "POST", "/faults", tt.rule, http.StatusBadRequest)["error"]
			if !strings.Contains(got, tt.message) {
				t.Errorf("error = %q, want one that has %q", got, tt.message)
			}
		})
	}
}

func TestUnknownFaultInHeader(t *testing.T) {
	t.Parallel()
	v := newAcme(t, emulator.Config{})
	resp := call(t, v, "POST", "/things", "", "X-Emulator-Fault", "explode")
	if got := text(t, resp); resp.StatusCode != 400 || !strings.Contains(got, `no fault "explode"`) {
		t.Errorf("reply = %d %q, want 400 that names the fault", resp.StatusCode, got)
	}
}

func TestUnknownFaultAtStart(t *testing.T) {
	t.Parallel()
	fault, err := emulator.ParseFault("explode")
	if err != nil {
		t.Fatal(err)
	}
	_, err = openAcme(emulator.Config{Faults: []emulator.Fault{fault}})
	if err == nil || !strings.Contains(err.Error(), `emulator acme: no fault "explode"`) {
		t.Errorf("New = %v, want an error that names the fault", err)
	}
}

func TestParseFault(t *testing.T) {
	t.Parallel()
	named := func(method, path, name string, times int) emulator.Fault {
		return emulator.Fault{Match: emulator.Match{Method: method, Path: path}, Times: times, Then: emulator.Then{Fault: name}}
	}
	tests := []struct {
		text string
		want emulator.Fault
		err  string
	}{
		{"503", named("", "", "503", 0), ""},
		{"slow:250", named("", "", "slow:250", 0), ""},
		{"503*2", named("", "", "503", 2), ""},
		{"POST=drop", named("POST", "", "drop", 0), ""},
		{"/v1/ping=timeout", named("", "/v1/ping", "timeout", 0), ""},
		{"PUT /v1/*/end=20200:400*1", named("PUT", "/v1/*/end", "20200:400", 1), ""},
		{`{"times":3,"then":{"drop":true}}`, emulator.Fault{Times: 3, Then: emulator.Then{Drop: true}}, ""},
		{"503*", emulator.Fault{}, `fault "503*": expected a number of calls after *, not ""`},
		{"503*0", emulator.Fault{}, `fault "503*0": expected a number of calls after *, not "0"`},
		{"POST /x=", emulator.Fault{}, `fault "POST /x=": expected a name, as in "POST /path=503*2"`},
		{"", emulator.Fault{}, `fault "": expected a name, as in "POST /path=503*2"`},
		{`{"x":1}`, emulator.Fault{}, `fault: json: unknown field "x"`},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			got, err := emulator.ParseFault(tt.text)
			message := ""
			if err != nil {
				message = err.Error()
			}
			if message != tt.err || !cmp.Equal(got, tt.want) {
				t.Errorf("ParseFault(%q) = %+v, %q; want %+v, %q", tt.text, got, message, tt.want, tt.err)
			}
		})
	}
}

func TestJournal(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	v := newAcme(t, emulator.Config{Now: func() time.Time { return now }})
	call(t, v, "POST", "/things?x=1&password=p", `{"id":9007199254740993,"user":{"Password":"p"}}`,
		"Authorization", "Bearer s3cret", "X-Api-Key", "s3cret", "Cookie", "a=s3cret",
		"Idempotency-Key", "k1", "TrackingID", "t1")
	call(t, v, "POST", "/things", "grant_type=password&password=s3cret", "Content-Type", "application/x-www-form-urlencoded")
	call(t, v, "POST", "/things", `{"a": 0000CSS}`)
	call(t, v, "GET", "/things", "")
	call(t, v, "DELETE", "/nowhere", "", "X-Emulator-Fault", "teapot")

	want := []emulator.Entry{
		{
			N: 1, Time: now, Method: "POST", Path: "/things", Query: "x=1&password=REDACTED",
			Headers: map[string]string{
				"authorization": "Bearer REDACTED", "x-api-key": "REDACTED", "cookie": "REDACTED",
				"idempotency-key": "k1", "trackingid": "t1",
			},
			Body:           `{"id":9007199254740993,"user":{"Password":"REDACTED"}}`,
			IdempotencyKey: "k1", Status: 201, Basis: emulator.Public,
		},
		{
			N: 2, Time: now, Method: "POST", Path: "/things",
			Headers: map[string]string{"content-type": "application/x-www-form-urlencoded"},
			Body:    "grant_type=password&password=REDACTED", Status: 201, Basis: emulator.Public,
		},
		{N: 3, Time: now, Method: "POST", Path: "/things", Body: `{"a": 0000CSS}`, Status: 201, Basis: emulator.Public},
		{N: 4, Time: now, Method: "GET", Path: "/things", Status: 200, Basis: emulator.Decision},
		{
			N: 5, Time: now, Method: "DELETE", Path: "/nowhere", Headers: map[string]string{"x-emulator-fault": "teapot"},
			Fault: "teapot", Status: 418, Basis: emulator.Decision,
		},
	}
	if diff := cmp.Diff(want, journal(t, v)); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
}

func TestJournalKeepsTheNewest(t *testing.T) {
	t.Parallel()
	v := newAcme(t, emulator.Config{JournalSize: 3})
	for range 5 {
		call(t, v, "POST", "/things", "")
	}
	var got []int
	for _, e := range journal(t, v) {
		got = append(got, e.N)
	}
	if diff := cmp.Diff([]int{3, 4, 5}, got); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
}

func TestJournalShowsWhatIsHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := newAcme(t, emulator.Config{JournalSize: 1})
		ctx, cancel := context.WithCancel(t.Context())
		held := make(chan error)
		go func() { held <- aborts(ctx, v, "timeout") }()
		synctest.Wait()
		if e := journal(t, v)[0]; e.Status != 0 || e.Method != "POST" {
			t.Errorf("entry = %+v, want a POST without status", e)
		}
		call(t, v, "GET", "/things", "")
		cancel()
		<-held
		if e := journal(t, v)[0]; e.N != 2 || e.Status != 200 {
			t.Errorf("entry = %+v; the end of an overwritten call changed another's", e)
		}
	})
}

func TestBigRequest(t *testing.T) {
	t.Parallel()
	v := newAcme(t, emulator.Config{})
	if resp := call(t, v, "POST", "/things", strings.Repeat("x", 1<<20+1)); resp.StatusCode != 413 {
		t.Errorf("reply = %d, want 413", resp.StatusCode)
	}
	if got := len(journal(t, v)[0].Body); got != 16<<10 {
		t.Errorf("journal keeps %d bytes of the body, want 16 KiB", got)
	}
}

func TestControlIsNeitherJournaledNorSpoilt(t *testing.T) {
	t.Parallel()
	v := newAcme(t, emulator.Config{Faults: []emulator.Fault{{Then: emulator.Then{Status: 500}}}})
	control[any](t, v, "GET", "/state", "", http.StatusOK)
	control[any](t, v, "GET", "/settings", "", http.StatusOK)
	index := control[struct {
		Emulator string   `json:"emulator"`
		Faults   []string `json:"faults"`
	}](t, v, "GET", "", "", http.StatusOK)
	if index.Emulator != "acme" || index.Faults[0] != "teapot" {
		t.Errorf("index = %+v, want acme and its faults, its own first", index)
	}
	if got := journal(t, v); len(got) != 0 {
		t.Errorf("journal = %v, want none", got)
	}
}

func TestSeedRepeats(t *testing.T) {
	t.Parallel()
	ids := func(v *emulator.Vendor) string {
		return text(t, call(t, v, "GET", "/id", "")) + text(t, call(t, v, "GET", "/id", ""))
	}
	one := newAcme(t, emulator.Config{Seed: 1})
	first := ids(one)
	if !strings.Contains(first, "2026-01-01T00:00:00.01Z") || !strings.Contains(first, "2026-01-01T00:00:00.02Z") {
		t.Errorf("times = %s, want 10 ms a call from 2026-01-01", first)
	}
	if got := ids(newAcme(t, emulator.Config{Seed: 1})); got != first {
		t.Errorf("another emulator of seed 1 has %s, want %s", got, first)
	}
	if got := ids(newAcme(t, emulator.Config{Seed: 2})); got == first {
		t.Errorf("seed 2 has the ids of seed 1")
	}
	control[any](t, one, "POST", "/clock", `{"advance":"1h"}`, http.StatusOK)
	control[any](t, one, "POST", "/reset", "", http.StatusNoContent)
	if got := ids(one); got != first {
		t.Errorf("after a reset seed 1 has %s, want %s", got, first)
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.FixedZone("", 3600))
	v := newAcme(t, emulator.Config{Now: func() time.Time { return now }, NewID: func() string { return "id-1" }})
	control[any](t, v, "POST", "/clock", `{"advance":"15m30s"}`, http.StatusOK)
	want := "[\"id-1\",\"2026-11-20T07:15:30Z\"]\n"
	if got := text(t, call(t, v, "GET", "/id", "")); got != want {
		t.Errorf("id and time = %s, want %s", got, want)
	}
	if got := control[map[string]string](t, v, "GET", "/clock", "", http.StatusOK)["now"]; got != "2026-11-20T07:15:30Z" {
		t.Errorf("clock = %s", got)
	}
	for _, bad := range []string{`{"advance":"-1s"}`, `{"advance":"soon"}`, `{"advance":5}`, `{}`} {
		control[any](t, v, "POST", "/clock", bad, http.StatusBadRequest)
	}
}

func TestResetStartsOver(t *testing.T) {
	t.Parallel()
	v := newAcme(t, emulator.Config{})
	call(t, v, "POST", "/things", "")
	control[any](t, v, "PATCH", "/settings", `{"greeting":"bye"}`, http.StatusOK)
	control[any](t, v, "POST", "/faults", `{"then":{"drop":true}}`, http.StatusCreated)
	control[any](t, v, "POST", "/reset", "", http.StatusNoContent)
	if got := journal(t, v); len(got) != 0 {
		t.Errorf("journal = %v", got)
	}
	if got := text(t, call(t, v, "POST", "/things", "")); got != "{\"things\":1}\n" {
		t.Errorf("first call after reset = %s", got)
	}
	if e := journal(t, v)[0]; e.N != 1 {
		t.Errorf("journal counts from %d, want 1", e.N)
	}
	if got := control[acmeSettings](t, v, "GET", "/settings", "", http.StatusOK).Greeting; got != "hello" {
		t.Errorf("greeting = %q, want hello", got)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	v := newAcme(t, emulator.Config{Settings: json.RawMessage(`{"limits":{"ideas":1}}`)})
	want := acmeSettings{Greeting: "hi", Limits: map[string]int{"things": 3, "ideas": 2}}
	got := control[acmeSettings](t, v, "PATCH", "/settings", `{"greeting":"hi","limits":{"ideas":2}}`, http.StatusOK)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
	for _, bad := range []string{`{"greeting":""}`, `{"greetin":"x"}`, `{"greeting":1}`, `[]`, `{"greeting":"x"`} {
		control[any](t, v, "PATCH", "/settings", bad, http.StatusBadRequest)
	}
	control[any](t, v, "PUT", "/settings", `{}`, http.StatusMethodNotAllowed)
	if diff := cmp.Diff(want, control[acmeSettings](t, v, "GET", "/settings", "", http.StatusOK)); diff != "" {
		t.Errorf("settings after bad ones (-want +got):\n%s", diff)
	}
	control[any](t, v, "POST", "/reset", "", http.StatusNoContent)
	want = acmeSettings{Greeting: "hello", Limits: map[string]int{"things": 3, "ideas": 1}}
	if diff := cmp.Diff(want, control[acmeSettings](t, v, "GET", "/settings", "", http.StatusOK)); diff != "" {
		t.Errorf("settings after reset (-want +got):\n%s", diff)
	}
	if _, err := openAcme(emulator.Config{Settings: json.RawMessage(`{"x":1}`)}); err == nil {
		t.Error("New with a setting that is not one = nil error")
	}
}

// A long poll answers bit by bit, and ends with the emulator.
func TestLongPoll(t *testing.T) {
	t.Parallel()
	v := newAcme(t, emulator.Config{})
	server := serve(t, v)
	r, err := http.NewRequestWithContext(t.Context(), "GET", server.URL+"/poll", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	first := make([]byte, len("first"))
	if _, err := io.ReadFull(resp.Body, first); err != nil || string(first) != "first" {
		t.Fatalf("read %q, %v before the end", first, err)
	}
	if err := v.Close(); err != nil {
		t.Fatal(err)
	}
	if rest := text(t, resp); rest != "" {
		t.Errorf("rest = %q", rest)
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	v := newAcme(t, emulator.Config{JournalSize: 8, Seed: 1})
	server := serve(t, v)
	done := make(chan error)
	for range 8 {
		go func() {
			for range 20 {
				if _, err := post(t.Context(), server, "503"); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 20 {
		control[any](t, v, "POST", "/faults", `{"times":1,"then":{"status":500}}`, http.StatusCreated)
		control[any](t, v, "PATCH", "/settings", `{"limits":{"x":1}}`, http.StatusOK)
		control[any](t, v, "GET", "/settings", "", http.StatusOK)
		control[any](t, v, "POST", "/reset", "", http.StatusNoContent)
		journal(t, v)
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
