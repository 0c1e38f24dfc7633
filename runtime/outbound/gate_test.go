package outbound_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/sdk/wire"
)

// moodyVendor answers with the status and headers that it is told to.
type moodyVendor struct {
	status atomic.Int64
	after  atomic.Value // of Retry-After
	calls  atomic.Int64
}

func (v *moodyVendor) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	v.calls.Add(1)
	if after, _ := v.after.Load().(string); after != "" {
		w.Header().Set("Retry-After", after)
	}
	w.WriteHeader(int(v.status.Load()))
}

// setTime is a clock that goes on when the test says so.
type setTime struct {
	clock.Clock
	at atomic.Int64
}

func newSetTime() *setTime {
	s := &setTime{Clock: clock.System}
	s.at.Store(time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC).UnixNano())
	return s
}

func (s *setTime) Now() time.Time       { return time.Unix(0, s.at.Load()).UTC() }
func (s *setTime) pass(d time.Duration) { s.at.Add(int64(d)) }

// TestBreaker: failures in a row open it, one call tries when the pause is over,
// and what it says decides. Each step is a call, and how it stands after it.
func TestBreaker(t *testing.T) {
	t.Parallel()
	type step struct {
		pass     time.Duration // before the call
		status   int           // of the vendor
		sent     bool
		want     outbound.BreakerState
		failures int
	}
	tests := map[string][]step{
		"opens at the third failure": {{0, 500, true, outbound.Closed, 1}, {0, 503, true, outbound.Closed, 2}, {0, 500, true, outbound.Open, 3}, {0, 200, false, outbound.Open, 3}},
		"an answer ends the row":     {{0, 500, true, outbound.Closed, 1}, {0, 500, true, outbound.Closed, 2}, {0, 404, true, outbound.Closed, 0}, {0, 500, true, outbound.Closed, 1}},
		"429 says that it works":     {{0, 500, true, outbound.Closed, 1}, {0, 429, true, outbound.Closed, 0}},
		"a good try closes it":       {{0, 500, true, outbound.Closed, 1}, {0, 500, true, outbound.Closed, 2}, {0, 500, true, outbound.Open, 3}, {29 * time.Second, 200, false, outbound.Open, 3}, {time.Second, 200, true, outbound.Closed, 0}, {0, 500, true, outbound.Closed, 1}},
		"a bad try opens it again":   {{0, 500, true, outbound.Closed, 1}, {0, 500, true, outbound.Closed, 2}, {0, 500, true, outbound.Open, 3}, {30 * time.Second, 500, true, outbound.Open, 4}, {29 * time.Second, 200, false, outbound.Open, 4}, {time.Second, 200, true, outbound.Closed, 0}},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vendor, now := &moodyVendor{}, newSetTime()
			server := serve(t, vendor.ServeHTTP)
			c := newClient(t, outbound.Config{Clock: now, Connections: []outbound.Connection{{
				Name: "c", BaseURL: server.URL, Private: true, Breaker: outbound.Breaker{Failures: 3},
			}}})
			for i, s := range steps {
				now.pass(s.pass)
				vendor.status.Store(int64(s.status))
				before := vendor.calls.Load()
				reply := c.Do(t.Context(), get("/"))
				if sent := vendor.calls.Load() > before; sent != s.sent || sent && reply.Status != s.status {
					t.Errorf("call %d: sent %t, %+v, want sent %t and %d", i, sent, reply, s.sent, s.status)
				}
				if !s.sent && (reply.Failure != wire.Unreachable || len(reply.Headers["retry-after"]) != 1) {
					t.Errorf("call %d: %+v, want unreachable and when to come back", i, reply)
				}
				if got := c.Statuses()[0]; got.Breaker != s.want || got.Failures != s.failures {
					t.Errorf("after call %d it is %s with %d failures, want %s with %d", i, got.Breaker, got.Failures, s.want, s.failures)
				}
			}
		})
	}
}

// TestBreakerTellsWhy: who is kept back learns why, for how long, and that
// nothing was sent; so does who looks.
func TestBreakerTellsWhy(t *testing.T) {
	t.Parallel()
	vendor, now := &moodyVendor{}, newSetTime()
	vendor.status.Store(502)
	server := serve(t, vendor.ServeHTTP)
	c := newClient(t, outbound.Config{Clock: now, Connections: []outbound.Connection{{
		Name: "c", BaseURL: server.URL, Private: true, Breaker: outbound.Breaker{Failures: 2, Pause: time.Minute},
	}}})
	for range 2 {
		c.Do(t.Context(), get("/"))
	}
	now.pass(17500 * time.Millisecond)
	reply := c.Do(t.Context(), get("/"))
	const want = `connection "c" is left alone, since the last 2 calls failed, the last with: status 502; it is tried again in 43s; it had not been sent`
	if reply.Message != want || reply.Headers["retry-after"][0] != "43" {
		t.Errorf("Do = %+v, want %s", reply, want)
	}
	s := c.Statuses()[0]
	if s.LastFailure != "status 502" || !s.Until.Equal(now.Now().Add(42500*time.Millisecond)) || s.KeptBack["breaker"] != 1 {
		t.Errorf("Statuses = %+v", s)
	}
}

// TestBreakerTriesOnce: while one call tries, the others fail at once.
func TestBreakerTriesOnce(t *testing.T) {
	t.Parallel()
	var hang atomic.Bool
	arrived, release := make(chan struct{}), make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if hang.Load() {
			arrived <- struct{}{}
			<-release
			return
		}
		w.WriteHeader(http.StatusInternalServerError)
	})
	now := newSetTime()
	c := newClient(t, outbound.Config{Clock: now, Connections: []outbound.Connection{{
		Name: "c", BaseURL: server.URL, Private: true, Breaker: outbound.Breaker{Failures: 1},
	}}})
	c.Do(t.Context(), get("/"))
	now.pass(time.Minute)
	if s := c.Statuses()[0]; s.Breaker != outbound.HalfOpen {
		t.Errorf("after its pause it is %s", s.Breaker)
	}
	hang.Store(true)

	ctx, giveUp := context.WithCancel(t.Context()) // a try that is given up tells nothing
	given := make(chan wire.Reply)
	go func() { given <- c.Do(ctx, get("/")) }()
	<-arrived
	if reply := c.Do(t.Context(), get("/")); reply.Failure != wire.Unreachable || !strings.Contains(reply.Message, "one call is out to try it again") {
		t.Errorf("beside the one that tries: %+v", reply)
	}
	giveUp()
	if reply := <-given; reply.Failure != wire.Interrupted {
		t.Errorf("what was given up: %+v", reply)
	}
	if s := c.Statuses()[0]; s.Breaker != outbound.HalfOpen {
		t.Errorf("after a try that was given up it is %s", s.Breaker)
	}
	go func() { given <- c.Do(t.Context(), get("/")) }()
	<-arrived
	close(release)
	if reply := <-given; reply.Status != http.StatusOK {
		t.Errorf("the next that tries: %+v", reply)
	}
	if s := c.Statuses()[0]; s.Breaker != outbound.Closed {
		t.Errorf("after a good try it is %s", s.Breaker)
	}
}

// TestBreakerCountsNoPolicy: what we do not let go says nothing of the vendor.
func TestBreakerCountsNoPolicy(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "more than is read") })
	c := newClient(t, outbound.Config{MaxReply: 4, Connections: []outbound.Connection{
		{Name: "c", BaseURL: server.URL, Private: true, Breaker: outbound.Breaker{Failures: 1}},
		{Name: "d", Hosts: []string{"127.0.0.1:1"}, Breaker: outbound.Breaker{Failures: 1}},
	}})
	for range 2 {
		if reply := c.Do(t.Context(), get("/")); !strings.Contains(reply.Message, "larger than 4 bytes") {
			t.Errorf("Do = %+v, want it to be sent each time", reply)
		}
		r := get("http://127.0.0.1:1/")
		r.Connection = "d"
		if reply := c.Do(t.Context(), r); reply.Failure != wire.Refused {
			t.Errorf("Do = %+v, want refused each time", reply)
		}
	}
}

// TestRetryAfterHolds: what the other side asks for counts for all calls of the
// connection.
func TestRetryAfterHolds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, after string
		status      int
		passed      time.Duration // since
		sent        bool
		left        string
	}{
		{"in seconds", "30", 429, 0, false, "30s"},
		{"503 asks too", "30", 503, 0, false, "30s"},
		{"some of it is over", "30", 429, 12 * time.Second, false, "18s"},
		{"it is over", "30", 429, 30 * time.Second, true, ""},
		{"a date", "Fri, 20 Nov 2026 08:00:40 GMT", 429, 0, false, ""},
		{"no more than a minute", "2147483647", 429, 0, false, "1m0s"},
		{"after which it is asked again", "2147483647", 429, time.Minute, true, ""},
		{"of no other status", "30", 500, 0, true, ""},
		{"not even of a good one", "30", 200, 0, true, ""},
		{"nothing that can be read", "soon", 429, 0, true, ""},
		{"nothing", "", 429, 0, true, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			vendor, now := &moodyVendor{}, newSetTime()
			vendor.status.Store(int64(test.status))
			vendor.after.Store(test.after)
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Date", now.Now().Format(http.TimeFormat))
				vendor.ServeHTTP(w, r)
			})
			c := newClient(t, outbound.Config{Clock: now, Connections: []outbound.Connection{{Name: "c", BaseURL: server.URL, Private: true}}})
			if reply := c.Do(t.Context(), get("/")); reply.Status != test.status {
				t.Fatalf("the first: %+v", reply)
			}
			now.pass(test.passed)
			reply := c.Do(t.Context(), post("/")) // another run's
			if sent := vendor.calls.Load() == 2; sent != test.sent {
				t.Fatalf("sent %t, %+v, want %t", sent, reply, test.sent)
			}
			if test.sent {
				return
			}
			if reply.Failure != wire.Timeout || !strings.Contains(reply.Message, "for no calls for another "+test.left) || !strings.Contains(reply.Message, "it had not been sent") {
				t.Errorf("Do = %+v, want a timeout that says %s", reply, test.left)
			}
			if s := c.Statuses()[0]; s.Until.IsZero() || s.KeptBack["retryAfter"] != 1 {
				t.Errorf("Statuses = %+v", s)
			}
		})
	}
}

// TestWaitsAreCounted: calls that wait for their turn are seen, and those that
// were kept back are counted by what kept them.
func TestWaitsAreCounted(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	server := serve(t, func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-release
	})
	vendor := outbound.Connection{Name: "c", BaseURL: server.URL, Private: true, Concurrency: 1}
	c := newClient(t, outbound.Config{Connections: []outbound.Connection{vendor, {Name: "unused"}, {Name: "hook", Type: "hmac", Secrets: map[string]string{"key": "env:KEY"}}}, Late: true})
	var group sync.WaitGroup
	group.Go(func() { c.Do(t.Context(), get("/")) })
	<-arrived
	r := get("/")
	r.Timeout = 10 * time.Millisecond
	if reply := c.Do(t.Context(), r); reply.Failure != wire.Timeout || !strings.Contains(reply.Message, "the concurrency limit") {
		t.Errorf("the second: %+v", reply)
	}
	all := c.Statuses()
	if len(all) != 2 || all[1].Name != "unused" || all[1].Used {
		t.Errorf("Statuses = %+v, want c and unused, which nobody has used", all)
	}
	if s := all[0]; !s.Used || s.UnderWay != 1 || s.Waiting != 0 || s.Waited <= 0 || s.KeptBack["concurrency"] != 1 {
		t.Errorf("Statuses = %+v", s)
	}
	vendor.Concurrency = 2 // what was counted stays
	if _, err := c.Reload([]outbound.Connection{vendor}, nil, 0); err != nil {
		t.Fatal(err)
	}
	if s := c.Statuses()[0]; s.UnderWay != 1 || s.KeptBack["concurrency"] != 1 {
		t.Errorf("after a reload: %+v", s)
	}
	close(release)
	group.Wait()
}
