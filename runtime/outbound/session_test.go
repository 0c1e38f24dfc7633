package outbound_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/sdk/wire"
)

// desk is a server that wants a session: a cookie, and on unsafe calls a
// token that it names in its answers.
type desk struct {
	*httptest.Server
	calls seen

	mu      sync.Mutex
	session int
	token   int
	rotate  bool // every unsafe call gives a new token
	plain   bool // no anti-forgery token at all
	always  bool // refuses every token
	down    int  // status of /me, if not 0
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{}
	d.Server = serve(t, d.handle)
	return d
}

func (d *desk) handle(w http.ResponseWriter, r *http.Request) {
	n := d.calls.note(r)
	d.mu.Lock()
	defer d.mu.Unlock()
	if user, pass, _ := r.BasicAuth(); user != "agent" || pass != "s3cret-pass" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.URL.Path == "/me" && d.down != 0 {
		w.WriteHeader(d.down)
		return
	}
	if r.URL.Path == "/me" && r.Header.Get("X-Caller") == "" {
		d.session = n
		d.token = n
		http.SetCookie(w, &http.Cookie{Name: "SID", Value: fmt.Sprintf("5e55104f00d1cafe-%d", d.session), Path: "/", HttpOnly: true})
		d.give(w)
		return
	}
	if cookie, err := r.Cookie("SID"); err != nil || cookie.Value != fmt.Sprintf("5e55104f00d1cafe-%d", d.session) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.Method == http.MethodPost && !d.plain && (r.Header.Get("X-Anti-Forgery") != fmt.Sprintf("forgery-%d", d.token) || d.always) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"message":"Missing or invalid Csrf token"}`)
		return
	}
	if d.rotate {
		d.token = n
		d.give(w)
	}
	fmt.Fprint(w, "done for ", r.Header.Get("Cookie"), r.Header.Get("X-Anti-Forgery"))
}

func (d *desk) give(w http.ResponseWriter) {
	if d.plain {
		return
	}
	w.Header().Set("X-CSRF-HEADER", "X-Anti-Forgery")
	w.Header().Set("X-CSRF-TOKEN", fmt.Sprintf("forgery-%d", d.token))
}

func (d *desk) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

func (d *desk) client(t *testing.T) *outbound.Client {
	t.Helper()
	return connect(t, outbound.Connection{
		Type: "session", Secrets: map[string]string{"password": "env:PASSWORD"}, BaseURL: d.URL, Private: true,
		Settings: map[string]any{"username": "agent", "sessionPath": "/me", "vendorSetting": true},
	})
}

func TestSessionIsOpenedOnceAndKept(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.client(t)
	for i, want := range []int{2, 3, 4} {
		reply := c.Do(t.Context(), post("/x"))
		if reply.Status != 200 || d.calls.count() != want {
			t.Fatalf("call %d: %+v after %d requests, want %d", i, reply, d.calls.count(), want)
		}
		if string(reply.Body) != "done for SID=••••••" {
			t.Errorf("the reply shows the session: %s", reply.Body)
		}
	}
	if reply := c.Do(t.Context(), get("/x")); reply.Status != 200 {
		t.Errorf("GET = %+v", reply)
	}
	if r, _ := d.calls.last(); r.Header.Get("X-Anti-Forgery") != "" {
		t.Error("a safe call bears the token")
	}
	if got := c.Redact("5e55104f00d1cafe-1 forgery-1"); got != "••• •••" {
		t.Errorf("Redact = %q", got)
	}
}

func TestSessionFollowsRotation(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.rotate = true
	c := d.client(t)
	for want := 2; want < 6; want++ {
		reply := c.Do(t.Context(), post("/x"))
		if reply.Status != 200 || d.calls.count() != want {
			t.Fatalf("%+v after %d requests, want %d", reply, d.calls.count(), want)
		}
		if fmt.Sprint(reply.Headers["x-csrf-token"]) != "[•••]" {
			t.Errorf("the reply shows the new token: %v", reply.Headers)
		}
	}
}

func TestSessionIsRenewedOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(d *desk)
		status int
		more   int // requests for the second call
	}{
		{"the token was replaced", func(d *desk) { d.token = 99 }, 200, 3},
		{"the session is over", func(d *desk) { d.session = 99 }, 200, 3},
		{"no token will do", func(d *desk) { d.always = true }, 403, 3},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			c := d.client(t)
			if reply := c.Do(t.Context(), post("/x")); reply.Status != 200 {
				t.Fatal(reply)
			}
			before := d.calls.count()
			d.set(func() { test.change(d) })
			reply := c.Do(t.Context(), post("/x"))
			if reply.Status != test.status || d.calls.count()-before != test.more {
				t.Errorf("Do = %+v after %d more requests, want %d after %d", reply, d.calls.count()-before, test.status, test.more)
			}
		})
	}
}

func TestSessionWithoutToken(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.plain = true
	if reply := d.client(t).Do(t.Context(), post("/x")); reply.Status != 200 {
		t.Errorf("Do = %+v, want 200: the token is an option of the server", reply)
	}
}

func TestSessionRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.down = 503
	reply := d.client(t).Do(t.Context(), post("/x"))
	if reply.Failure != wire.Unreachable || !strings.Contains(reply.Message, "session from /me: answered 503") {
		t.Errorf("Do = %+v, want unreachable", reply)
	}
}

func TestSessionForEachOrigin(t *testing.T) {
	t.Parallel()
	one, two := newDesk(t), newDesk(t)
	c := connect(t, outbound.Connection{
		Type: "session", Secrets: map[string]string{"password": "env:PASSWORD"}, BaseURL: one.URL, Hosts: []string{host(two.URL)}, Private: true,
		Settings: map[string]any{"username": "agent", "sessionPath": "/me"},
	})
	for _, d := range []*desk{one, two} {
		if reply := c.Do(t.Context(), post(d.URL+"/x")); reply.Status != 200 || d.calls.count() != 2 {
			t.Errorf("Do = %+v after %d requests", reply, d.calls.count())
		}
	}
}

func TestSessionIsOpenedOnceForAll(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.client(t)
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			if reply := c.Do(t.Context(), post("/x")); reply.Status != 200 {
				t.Errorf("Do = %+v", reply)
			}
		})
	}
	calls.Wait()
	if n := d.calls.count(); n != 21 {
		t.Errorf("%d requests, want 20 and one to open the session", n)
	}
}

// A session that is refused is not asked for again with every call: that locks
// accounts.
func TestSessionRefusedIsHeldBack(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*desk){
		"no session":           func(d *desk) { d.down = 401 },
		"a session, no calls":  func(d *desk) { d.always = true },
		"forbidden to open it": func(d *desk) { d.down = 403 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			change(d)
			c := d.client(t)
			c.Do(t.Context(), post("/x"))
			first := d.calls.count()
			for range 5 {
				c.Do(t.Context(), post("/x"))
			}
			if more := d.calls.count() - first; more > 5 {
				t.Errorf("five calls made %d requests", more)
			}
		})
	}
}
