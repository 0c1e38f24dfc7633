package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wendflow/wend/emulator"
	ciscocce "github.com/wendflow/wend/plugins/cisco-cce/emulator"
)

// vendor is the party that the flows call. It is never killed, writes down
// every request before it answers, and behaves badly on purpose: it is slow,
// refuses, and loses answers after it has acted. What it has done for an
// Idempotency-Key it does not do again, but for charges, of which it does every
// one that it is sent.
type vendor struct {
	seed uint64
	tame atomic.Bool // it behaves well, for measurements
	cce  *emulator.Vendor

	server *http.Server
	addr   string

	mu       sync.Mutex
	requests []*request
	tries    map[string]int // by key, or by run where there is none
	done     map[string]int // effects by key
	hold     chan struct{}  // requests to /hold wait until it is closed
}

// request is what the vendor saw and did.
type request struct {
	At     time.Time
	What   string // first segment of the path: "charge"
	Run    string // second
	Method string
	Key    string // Idempotency-Key
	Body   string
	Fate   fate
}

// fate is what becomes of a request.
type fate string

const (
	prompt  fate = "prompt"
	slow    fate = "slow"
	lost    fate = "lost"    // done, but the connection breaks before the answer
	late    fate = "late"    // done, but answered when nobody waits any more
	refused fate = "refused" // 503, not done
)

// lateBy is longer than any node waits.
const lateBy = 700 * time.Millisecond

func openVendor(ctx context.Context, seed uint64) (*vendor, error) {
	cce, err := ciscocce.New(emulator.Config{Settings: json.RawMessage(
		`{"rate": 0, "quota": {"email": -1, "social": -1, "telephony": -1, "chat": -1}}`)})
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, cce.Close())
	}
	v := &vendor{
		seed: seed, cce: cce, addr: l.Addr().String(),
		tries: map[string]int{}, done: map[string]int{}, hold: make(chan struct{}),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/own/{what}/{run}", v.own)
	mux.HandleFunc("/drapi/", v.cisco)
	v.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = v.server.Serve(l) }() // close ends it
	return v, nil
}

func (v *vendor) close() error {
	return errors.Join(v.cce.Close(), v.server.Close())
}

// own is the vendor's own API: charges, which must not be repeated, and things
// to put and look at, which may.
func (v *vendor) own(w http.ResponseWriter, r *http.Request) {
	q := v.record(r, r.PathValue("what"), r.PathValue("run"))
	if q.What == "hold" {
		v.wait(r.Context())
	}
	v.meet(w, r, q, func() {
		if q.Key != "" {
			v.act(q)
		}
	}, func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"run": q.Run, "what": q.What})
	})
}

// cisco is the emulator of Cisco CCE behind the same bad manners.
func (v *vendor) cisco(w http.ResponseWriter, r *http.Request) {
	what := "task-create"
	_, id, closes := strings.Cut(r.URL.Path, "/drapi/v1/tasks/")
	if closes {
		what, id = "task-close", path.Dir(id)
	}
	q := v.record(r, what, id)
	answer := httptest.NewRecorder()
	v.meet(w, r, q, func() { v.cce.ServeHTTP(answer, r) }, func(w http.ResponseWriter) {
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

// record writes a request down, before anything comes of it. The body can be
// read again.
func (v *vendor) record(r *http.Request, what, run string) *request {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the caller was killed half-way: nobody has asked for anything
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	q := &request{
		At: time.Now(), What: what, Run: run, Method: r.Method,
		Key: r.Header.Get("Idempotency-Key"), Body: string(body),
	}
	if run == "" {
		q.Run = taskOf(body)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	id := q.Key
	if id == "" {
		id = what + "/" + q.Run
	}
	v.tries[id]++
	q.Fate = v.fateOf(q, id, v.tries[id])
	v.requests = append(v.requests, q)
	return q
}

// taskOf is the task that a body creates; the flow gives it the id of the run.
func taskOf(body []byte) string {
	var task struct{ TaskID string }
	_ = json.Unmarshal(body, &task) // the audit finds a task without a run
	return task.TaskID
}

// meet lets a request have its fate.
func (v *vendor) meet(w http.ResponseWriter, r *http.Request, q *request, act func(), answer func(http.ResponseWriter)) {
	switch q.Fate {
	case refused:
		http.Error(w, "not now", http.StatusServiceUnavailable)
		return
	case slow:
		pause(r.Context(), v.draw(q.Key+q.Run, 0, 20, 250))
	case prompt, lost, late:
	}
	act()
	switch q.Fate {
	case lost:
		panic(http.ErrAbortHandler) // the server drops the connection
	case late:
		pause(r.Context(), lateBy)
	case prompt, slow, refused:
	}
	answer(w)
}

// act takes effect, at most once for a key that may be repeated.
func (v *vendor) act(q *request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if q.What == "charge" || v.done[q.Key] == 0 {
		v.done[q.Key]++
	}
}

// fateOf makes the first tries hard, so that what may be tried again comes to
// an end.
func (v *vendor) fateOf(q *request, id string, try int) fate {
	if v.tame.Load() || q.What == "hold" {
		return prompt
	}
	if q.What == "flaky" && try <= 2 {
		return refused
	}
	if try > 4 {
		return prompt
	}
	switch n := v.draw(id, try, 0, 100) / time.Millisecond; {
	case n < 8:
		return lost
	case n < 16:
		return refused
	case n < 19:
		return late
	case n < 45:
		return slow
	default:
		return prompt
	}
}

// draw is a time between two, in milliseconds, that follows from the seed.
func (v *vendor) draw(id string, try, from, to int) time.Duration {
	h := fnv.New64a()
	fmt.Fprint(h, id, try)
	n := rand.New(rand.NewPCG(v.seed, h.Sum64())).IntN(to - from)
	return time.Duration(from+n) * time.Millisecond
}

func (v *vendor) wait(ctx context.Context) {
	select {
	case <-v.hold:
	case <-ctx.Done():
	}
}

// pause waits, unless ctx ends first.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// forget begins a new record.
func (v *vendor) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.requests, v.tries, v.done = nil, map[string]int{}, map[string]int{}
}

// calls is how many requests of a kind came.
func (v *vendor) calls(what string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	n := 0
	for _, q := range v.requests {
		if q.What == what {
			n++
		}
	}
	return n
}

// seen returns what the vendor has written down, and how often each key took
// effect.
func (v *vendor) seen() (requests []*request, done map[string]int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.requests, v.done
}

// tasks returns the state of each of Cisco's tasks by its id.
func (v *vendor) tasks() (map[string]string, error) {
	w := httptest.NewRecorder()
	v.cce.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/_emulator/state", nil))
	var state struct {
		Tasks []struct{ TaskID, State string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &state); err != nil {
		return nil, fmt.Errorf("state of the emulator: %w", err)
	}
	states := map[string]string{}
	for _, t := range state.Tasks {
		states[t.TaskID] = t.State
	}
	return states, nil
}
