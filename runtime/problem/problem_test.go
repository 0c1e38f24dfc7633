package problem_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/problem"
)

func TestHandler(t *testing.T) {
	t.Parallel()
	invalid := problem.New(http.StatusBadRequest, "the body does not fit")
	invalid.Errors = []problem.Field{{Field: "sms.from", Message: "is missing"}, {Message: "too deep"}}
	busy := problem.New(http.StatusTooManyRequests, "%d requests", 7)
	busy.Header.Set("Retry-After", "1")
	failed := problem.New(http.StatusInternalServerError, "the run ended as failed")
	failed.Run = &problem.Run{ID: "r", Flow: "f", Status: "failed", Outcome: "onError", Code: "c", Reason: "why"}
	broken := problem.New(http.StatusBadRequest, "not JSON")
	broken.Place = &problem.Place{Line: 2, Column: 3, Offset: 0}
	tests := map[string]struct {
		err    error
		status int
		want   string
		logged string
	}{
		"a problem":         {busy, 429, `{"title":"Too Many Requests","status":429,"detail":"7 requests"}`, ""},
		"a wrapped problem": {fmt.Errorf("serve: %w", busy), 429, `{"title":"Too Many Requests","status":429,"detail":"7 requests"}`, ""},
		"wrong fields":      {invalid, 400, `{"title":"Bad Request","status":400,"detail":"the body does not fit","errors":[{"field":"sms.from","message":"is missing"},{"field":"","message":"too deep"}]}`, ""},
		"a place":           {broken, 400, `{"title":"Bad Request","status":400,"detail":"not JSON","line":2,"column":3,"offset":0}`, ""},
		"a run":             {failed, 500, `{"title":"Internal Server Error","status":500,"detail":"the run ended as failed","run":"r","flow":"f","runStatus":"failed","outcome":"onError","code":"c","reason":"why"}`, ""},
		"an error of echo":  {echo.ErrNotFound, 404, `{"title":"Not Found","status":404,"detail":"not found"}`, ""},
		"any other error":   {errors.New("password is 1234"), 500, `{"title":"Internal Server Error","status":500,"detail":"an error of this server; its log says more"}`, "password is 1234"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			e := echo.New()
			e.HTTPErrorHandler = problem.Handler(slog.New(slog.NewTextHandler(&log, nil)))
			e.GET("/", func(echo.Context) error { return test.err })
			w := httptest.NewRecorder()
			e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
			if w.Code != test.status || w.Body.String() != test.want+"\n" {
				t.Errorf("%d %s\nwant %d %s", w.Code, w.Body, test.status, test.want)
			}
			if got := w.Header().Get("Content-Type"); got != problem.ContentType {
				t.Errorf("Content-Type %q", got)
			}
			if errors.Is(test.err, error(busy)) && w.Header().Get("Retry-After") != "1" {
				t.Error("the problem's header is not sent")
			}
			if (log.Len() > 0) != (test.logged != "") || !strings.Contains(log.String(), test.logged) {
				t.Errorf("log %q, want %q in it", log.String(), test.logged)
			}
		})
	}
}

// Who takes the wrong method is told the right one.
func TestMethod(t *testing.T) {
	t.Parallel()
	e := echo.New()
	e.HTTPErrorHandler = problem.Handler(slog.New(slog.DiscardHandler))
	e.GET("/events", func(echo.Context) error { return nil })
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/events", nil))
	want := `{"title":"Method Not Allowed","status":405,"detail":"POST is not for \"/events\", expected GET"}` + "\n"
	if w.Code != http.StatusMethodNotAllowed || w.Body.String() != want {
		t.Errorf("%d %s\nwant 405 %s", w.Code, w.Body, want)
	}
}

// What has been sent cannot be taken back.
func TestHandlerAfterTheResponseBegan(t *testing.T) {
	t.Parallel()
	e := echo.New()
	e.HTTPErrorHandler = problem.Handler(slog.New(slog.DiscardHandler))
	e.GET("/", func(c echo.Context) error {
		if err := c.String(http.StatusOK, "begun"); err != nil {
			return err
		}
		return errors.New("late")
	})
	w := httptest.NewRecorder()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusOK || w.Body.String() != "begun" {
		t.Errorf("%d %q, want 200 %q", w.Code, w.Body, "begun")
	}
}

func ExampleProblem_Error() {
	p := problem.New(http.StatusBadRequest, "the body does not fit")
	p.Errors = []problem.Field{{Field: "sms", Message: "is missing"}}
	fmt.Println(p)
	// Output: the body does not fit; sms: is missing
}

// TestLongProblem holds that a document has an end, whatever callers sent.
func TestLongProblem(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 100_000)
	p := problem.New(http.StatusBadRequest, "%s", long)
	p.Run = &problem.Run{ID: "r", Reason: long}
	for range 1000 {
		p.Errors = append(p.Errors, problem.Field{Field: long, Message: long})
	}
	doc, err := json.Marshal(p)
	if err != nil || len(doc) > 40<<10 || !utf8.Valid(doc) {
		t.Fatalf("%d bytes, %v", len(doc), err)
	}
	if !strings.Contains(string(doc), `{"field":"","message":"and 980 more problems"}`) {
		t.Error("it does not say how many errors there are")
	}
	if n := len(p.Error()); n > 40<<10 {
		t.Errorf("on one line it has %d bytes", n)
	}
	if len(p.Errors) != 1000 || p.Run.Reason != long {
		t.Error("the problem itself was changed")
	}
}
