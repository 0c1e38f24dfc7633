package api_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/wendflow/wend/runtime/auth"
)

// TestSession: a browser asks with a cookie in the place of a token, changes things
// only with the header beside it, and is let in no longer than the token would be.
func TestSession(t *testing.T) {
	t.Parallel()
	s, tokens := doors(t, slog.New(slog.DiscardHandler), auth.Token{Name: "ops", Scopes: []auth.Scope{auth.Read, auth.Run}, Flows: []string{"order"}})
	if w := s.do("POST", "/api/v1/session", ""); w.Code != http.StatusUnauthorized || w.Header().Get("Set-Cookie") != "" {
		t.Errorf("without a token: %d %v", w.Code, w.Header())
	}
	begin := func() (cookie *http.Cookie, csrf string) {
		w := s.do("POST", "/api/v1/session", "", func(r *http.Request) {
			bearing(tokens["ops"])(r)
			r.Header.Set("X-Forwarded-Proto", "https")
		})
		var doc struct {
			Name, CSRF    string
			Scopes, Flows []string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code != http.StatusOK || doc.Name != "ops" || len(doc.Scopes) != 2 || doc.Flows[0] != "order" {
			t.Fatalf("%v %d %s", err, w.Code, w.Body)
		}
		cookie = w.Result().Cookies()[0]
		if !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.MaxAge != 12*60*60 {
			t.Errorf("cookie %s", cookie)
		}
		return cookie, doc.CSRF
	}
	cookie, csrf := begin()
	other, _ := begin()
	ask := func(method, path string, cookie *http.Cookie, csrf string) *httptest.ResponseRecorder {
		return s.do(method, path, `{"id": 1}`, func(r *http.Request) {
			r.AddCookie(cookie)
			if csrf != "" {
				r.Header.Set(auth.SessionHeader, csrf)
			}
		})
	}
	for _, test := range []struct {
		method, path string
		cookie       *http.Cookie
		csrf         string
		want         int
	}{
		{"GET", "/api/v1/flows", cookie, "", 200},
		{"GET", "/api/v1/session", cookie, "", 200},
		{"GET", "/api/v1/flows", &http.Cookie{Name: cookie.Name, Value: cookie.Value + "A"}, "", 401},
		{"POST", "/api/v1/flows/order/runs", cookie, "", 403},
		{"POST", "/api/v1/flows/order/runs", cookie, "guessed", 403},
		{"POST", "/api/v1/flows/order/runs", cookie, csrf, 202},
		{"POST", "/api/v1/flows/order/runs", other, csrf, 403},
		{"POST", "/api/v1/flows/pay/runs", cookie, csrf, 404},
		{"POST", "/api/v1/flows/order/pause", cookie, csrf, 403},
		{"POST", "/api/v1/session", cookie, csrf, 401}, // for a token only
		{"DELETE", "/api/v1/session", cookie, "", 403},
		{"DELETE", "/api/v1/session", cookie, csrf, 204},
		{"GET", "/api/v1/flows", cookie, "", 401},
		{"GET", "/api/v1/flows", other, "", 200},
	} {
		if w := ask(test.method, test.path, test.cookie, test.csrf); w.Code != test.want {
			t.Errorf("%s %s: %d %s, want %d", test.method, test.path, w.Code, w.Body, test.want)
		}
	}
}
