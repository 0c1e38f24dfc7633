package main_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	wend "github.com/wendflow/wend/cmd/wend"
)

// TestServerSheds: while a vendor is slow a flow has as many runs as the
// configuration says, a request more waits, and the next comes back; other flows go
// on, and a hangup changes it. One caller is held to its share.
func TestServerSheds(t *testing.T) {
	t.Parallel()
	called, answer := make(chan struct{}, 10), make(chan struct{})
	vendor := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		called <- struct{}{}
		<-answer
	}))
	t.Cleanup(vendor.Close)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	config := func(limits string) string {
		return file("wend.yaml", fmt.Sprintf("connections: { vendor: { baseURL: %q, private: true } }\nserver: { proxies: [127.0.0.1], requests: { perCaller: 5 } }\nlimits: { %s }\n", vendor.URL, limits))
	}
	flows := []string{
		file("slow.yaml", "flow: slow\ndurable: false\nnodes:\n  n1: { type: webhook, with: { path: /slow }, next: n2 }\n  n2: { type: http, connection: vendor, with: { method: POST, url: /x } }\n"),
		file("quick.yaml", "flow: quick\ndurable: false\nnodes: { n1: { type: webhook, with: { path: /quick } } }\n"),
	}
	ctx, cancel := context.WithCancel(t.Context())
	server, err := wend.Serve(ctx, config("runs: 1, queue: 1"), flows, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); <-server.Ended })
	post := func(path, caller string) *http.Response {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+server.Addr+"/hooks/"+path, strings.NewReader("{}"))
		if err != nil {
			t.Error(err)
			return &http.Response{}
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Forwarded-For", caller)
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Error(err)
			return &http.Response{}
		}
		_ = res.Body.Close()
		return res
	}
	want := func(res *http.Response, status int) {
		t.Helper()
		if res.StatusCode != status || (res.Header.Get("Retry-After") != "") != (status != http.StatusOK) {
			t.Errorf("answered %d, Retry-After %q, want %d", res.StatusCode, res.Header.Get("Retry-After"), status)
		}
	}
	var waiting sync.WaitGroup
	begin := func() { waiting.Go(func() { want(post("slow", "198.51.100.1"), http.StatusOK) }) }
	begin()
	<-called // one is in progress
	shed := make(chan *http.Response, 2)
	for range 2 { // one of them waits, the other is told at once
		waiting.Go(func() { shed <- post("slow", "198.51.100.2") })
	}
	want(<-shed, http.StatusServiceUnavailable)
	want(post("quick", "198.51.100.3"), http.StatusOK)
	config("runs: 3")
	server.Reload()
	<-called // the one that waited goes on
	begin()
	<-called
	close(answer)
	waiting.Wait()
	want(<-shed, http.StatusOK)

	codes := map[int]int{}
	for range 50 {
		codes[post("quick", "198.51.100.4").StatusCode]++
	}
	if codes[http.StatusTooManyRequests] == 0 || codes[http.StatusOK] < 5 || len(codes) != 2 {
		t.Errorf("one caller got %v", codes)
	}
	want(post("quick", "198.51.100.5"), http.StatusOK)
}
