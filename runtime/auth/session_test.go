package auth_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/auth"
)

// TestSessionEnds: a session is over with its token, after its time, and when a
// thousand newer ones have begun.
func TestSessionEnds(t *testing.T) {
	t.Parallel()
	tokens := quiet(t.TempDir())
	clock := now
	g := auth.NewGuard("for-the-test-itself", tokens, func() time.Time { return clock })
	texts := map[string]string{}
	for _, name := range []string{"revoked", "expired", "stays"} {
		one := auth.Token{Name: name, Scopes: []auth.Scope{auth.Read}}
		if name == "expired" {
			one.Expires = now.Add(time.Hour)
		}
		texts[name] = create(t, tokens, one)
	}
	begin := func(token string) *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		s, err := g.Begin(r)
		if err != nil || s == nil {
			t.Fatal(s, err)
		}
		r.Header.Del("Authorization")
		r.AddCookie(&http.Cookie{Name: auth.SessionCookie, Value: s.ID})
		return r
	}
	revoked, expired, stays := begin(texts["revoked"]), begin(texts["expired"]), begin(texts["stays"])
	known := func(what string, r *http.Request, want bool) {
		t.Helper()
		if who, err := g.Who(r); (err == nil) != want {
			t.Errorf("%s: %v %v", what, who, err)
		}
	}
	known("as they began", revoked, true)
	if err := tokens.Revoke("revoked"); err != nil {
		t.Fatal(err)
	}
	known("revoked", revoked, false)
	clock = clock.Add(2 * time.Hour)
	known("expired", expired, false)
	known("of a token that stays", stays, true)
	stays.Header.Set("Authorization", "Bearer wrong")
	known("beside a token that is wrong", stays, false)
	stays.Header.Del("Authorization")
	clock = clock.Add(10 * time.Hour)
	known("after 12 hours", stays, false)

	first := begin(texts["stays"])
	for i := range 999 {
		clock = clock.Add(time.Millisecond)
		known("the newest of "+strconv.Itoa(i+2), begin(texts["stays"]), true)
	}
	clock = clock.Add(time.Millisecond)
	known("the first of a thousand", first, true)
	begin(texts["stays"])
	known("the first, when there are more", first, false)
}

// TestNoSession: where no token is demanded there is nothing to stand for.
func TestNoSession(t *testing.T) {
	t.Parallel()
	g := auth.NewGuard("", nil, time.Now)
	if s, err := g.Begin(httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)); s != nil || err != nil {
		t.Error(s, err)
	}
}
