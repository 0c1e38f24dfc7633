package webhook_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/quota"
	"github.com/wendflow/wend/runtime/webhook"
)

// TestTurns: while a flow has as many runs as it may a request waits for one of
// them to end, for a while, and what finds too many waiting comes back.
func TestTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		turns := &quota.Turns{}
		turns.Set(1, 1)
		eng := engine.New(engine.Config{Caller: vendor{slow}})
		s := serve(t, webhook.Config{Engine: eng, Turns: turns, Wait: time.Second}, nil)
		began := time.Now()
		first := post(s, "/hooks/vendor")
		diff(t, http.StatusAccepted, first.Code)

		var both sync.WaitGroup
		both.Go(func() {
			w := post(s, "/hooks/vendor")
			diff(t, http.StatusServiceUnavailable, w.Code)
			diff(t, "1", w.Header().Get("Retry-After"))
			diff(t, 11*time.Second, time.Since(began))
		})
		synctest.Wait()
		diff(t, http.StatusServiceUnavailable, post(s, "/hooks/vendor").Code)
		diff(t, time.Second, time.Since(began))
		diff(t, http.StatusOK, post(s, "/hooks/echo").Code) // another flow
		both.Wait()

		both.Go(func() { diff(t, http.StatusAccepted, post(s, "/hooks/vendor").Code) })
		synctest.Wait()
		eng.Find(first.Header().Get(webhook.RunHeader)).Cancel("the test goes on")
		both.Wait()
		diff(t, 12*time.Second, time.Since(began)) // it waited for its answer only
		if err := eng.Shutdown(canceled(t)); err == nil {
			t.Error("no run was in progress")
		}
	})
}

// TestPerCaller: what one caller may not do takes nothing from others.
func TestPerCaller(t *testing.T) {
	t.Parallel()
	s := serve(t, webhook.Config{Clock: atNow, Engine: engine.New(engine.Config{Caller: vendor{}}), Rate: 5, PerCaller: 2}, nil)
	from := func(addr string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = addr } }
	codes := map[int]int{}
	for range 20 {
		codes[post(s, "/hooks/echo", from("192.0.2.1:1")).Code]++
	}
	diff(t, map[int]int{http.StatusOK: 2, http.StatusTooManyRequests: 18}, codes)
	for range 2 {
		diff(t, http.StatusOK, post(s, "/hooks/echo", from("[2001:db8::1]:1")).Code)
	}
	w := post(s, "/hooks/echo", from("[2001:db8::2]:1")) // of the same network
	diff(t, http.StatusTooManyRequests, w.Code)
	diff(t, "1", w.Header().Get("Retry-After"))
	diff(t, http.StatusOK, post(s, "/hooks/echo", from("192.0.2.2:1")).Code)
	diff(t, http.StatusTooManyRequests, post(s, "/hooks/echo", from("192.0.2.3:1")).Code) // the webhook's own
}

func canceled(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
