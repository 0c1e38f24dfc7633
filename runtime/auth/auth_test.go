package auth_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/wendflow/wend/runtime/auth"
	"github.com/wendflow/wend/runtime/problem"
)

func ask(t *testing.T, m echo.MiddlewareFunc, change func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	e := echo.New()
	e.HTTPErrorHandler = problem.Handler(slog.New(slog.DiscardHandler))
	e.Use(m)
	e.Any("/*", func(c echo.Context) error { return c.NoContent(http.StatusNoContent) })
	r := httptest.NewRequest(http.MethodGet, "/api/v1/runs", nil)
	change(r)
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

func TestPages(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		host, origin, site string
		open, withToken    int
	}{
		{"127.0.0.1:8080", "", "", 204, 204},
		{"localhost", "", "", 204, 204},
		{"LOCALHOST.:8080", "", "", 204, 204},
		{"wend.localhost:8080", "", "none", 204, 204},
		{"[::1]:8080", "", "same-origin", 204, 204},
		{"[::1]", "", "", 204, 204},
		{"127.8.9.10:8080", "", "", 204, 204},
		{"127.0.0.1:8080", "http://127.0.0.1:8080", "same-origin", 204, 204},
		{"127.0.0.1:8080", "http://localhost:3000", "same-site", 204, 204},
		{"wend.example.com", "https://wend.example.com", "same-origin", 403, 204},
		{"wend.example.com", "", "", 403, 204},
		{"localhost.example.com", "", "", 403, 204},
		{"192.0.2.7:8080", "", "", 403, 204},
		{"", "", "", 403, 204},
		{"127.0.0.1:8080", "https://evil.example.com", "", 403, 403},
		{"127.0.0.1:8080", "https://evil.example.com", "cross-site", 403, 403},
		{"127.0.0.1:8080", "null", "", 403, 403},
		{"127.0.0.1:8080", "", "cross-site", 403, 403},
		{"evil.example.com", "http://evil.example.com", "same-origin", 403, 204},
		{"wend.example.com", "http://localhost:3000", "", 403, 403},
		{"wend.example.com", "https://shop.example.com", "cross-site", 403, 204},
		{"127.0.0.1:8080", "https://shop.example.com", "cross-site", 204, 204},
	} {
		for open, want := range map[bool]int{true: test.open, false: test.withToken} {
			w := ask(t, auth.Pages(func() bool { return open }, func(r *http.Request) bool {
				return r.Header.Get("Origin") == "https://shop.example.com"
			}), func(r *http.Request) {
				r.Host = test.host
				for name, v := range map[string]string{"Origin": test.origin, "Sec-Fetch-Site": test.site} {
					if v != "" {
						r.Header.Set(name, v)
					}
				}
			})
			if w.Code != want {
				t.Errorf("%+v, open %t: %d, want %d: %s", test, open, w.Code, want, w.Body)
			}
		}
	}
}

// What concerns a browser is on every answer, refused ones too; what concerns
// pages only on ours, since a flow may answer with a page.
func TestHarden(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]map[string]string{
		"/api/v1/runs": {
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'",
			"Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store",
		},
		"/hooks/a": {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "", "Content-Security-Policy": "", "Cache-Control": ""},
	} {
		w := ask(t, auth.Harden(func(r *http.Request) bool { return !strings.HasPrefix(r.URL.Path, "/hooks/") }), func(r *http.Request) { r.URL.Path = path })
		for name, value := range want {
			if got := w.Header().Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", path, name, got, value)
			}
		}
	}
}

func TestCheckToken(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]string{
		"0123456789abcdef":              "",
		"":                              "blank",
		" \t\n":                         "blank",
		"0123456789abcde":               "15 bytes, expected at least 16",
		"0123456789 abcdef":             "a blank",
		"0123456789abcdef\n0123":        "a control character",
		"ééééééééééééééééé":             "outside of ASCII",
		strings.Repeat("a-long-one", 9): "",
	} {
		err := auth.CheckToken(token)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("CheckToken(%q) = %v, want %q", token, err, want)
		}
	}
}
