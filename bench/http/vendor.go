package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// vendorStats is what the vendor has seen.
type vendorStats struct {
	Calls    int // answered in full
	Peak     int // calls in flight at one time
	Failures int // reported by flows, at /failed
}

// vendor runs the vendor as a process of its own.
func (b *bench) vendor(ctx context.Context, args ...string) (*process, error) {
	p, err := b.spawn(ctx, nil, b.self, append([]string{"vendor"}, args...)...)
	if err != nil {
		return nil, err
	}
	p.addr, err = p.waitFor("listening on ")
	return p.orStopped(err)
}

func vendorMain(args []string) {
	flags := flag.NewFlagSet("vendor", flag.ExitOnError)
	delay := flags.Duration("delay", 0, "how long an answer takes")
	hold := flags.Int("hold", 0, "answer nobody before so many calls are in flight")
	_ = flags.Parse(args) // ends the process on errors
	v := &vendor{delay: *delay, hold: *hold, full: make(chan struct{})}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("listening on", l.Addr())
	log.Fatal(http.Serve(l, v))
}

// vendor answers every call alike.
type vendor struct {
	delay time.Duration
	hold  int
	full  chan struct{} // closed when hold calls are in flight

	mu       sync.Mutex
	inFlight int
	stats    vendorStats
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/stats":
		v.mu.Lock()
		defer v.mu.Unlock()
		_ = json.NewEncoder(w).Encode(v.stats)
		return
	case "/failed":
		v.mu.Lock()
		defer v.mu.Unlock()
		v.stats.Failures++
		return
	}
	if strings.HasPrefix(r.URL.Path, "/v1/") { // telemetry
		_, _ = io.Copy(io.Discard, r.Body)
		return
	}
	v.enter()
	defer v.leave()
	_, _ = io.Copy(io.Discard, r.Body)
	if v.hold > 0 {
		<-v.full
	}
	if v.delay > 0 {
		time.Sleep(v.delay)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Location", "/drapi/v1/tasks/"+taskID)
	_, _ = io.WriteString(w, `{"taskId":"`+taskID+`","status":"ok"}`)
}

func (v *vendor) enter() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.inFlight++
	v.stats.Peak = max(v.stats.Peak, v.inFlight)
	if v.inFlight == v.hold {
		close(v.full)
	}
}

func (v *vendor) leave() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.inFlight--
	v.stats.Calls++
}

// stats asks a vendor process what it has seen.
func (b *bench) stats(ctx context.Context, addr string) (s vendorStats, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/stats", nil)
	if err != nil {
		return s, err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return s, err
	}
	defer response.Body.Close()
	return s, json.NewDecoder(response.Body).Decode(&s)
}
