package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/api"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

// seeds are random.
var seeds = regexp.MustCompile(`"seed":"[^"]*"`)

// sent is what a stream of an ended run sends.
func sent(s *server, id, last string) *httptest.ResponseRecorder {
	return s.do("GET", "/api/v1/runs/"+id+"/events", "", func(r *http.Request) {
		if last != "" {
			r.Header.Set("Last-Event-ID", last)
		}
	})
}

func TestStreamOfAnEndedRun(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.start(t, "order", `{"id": 0}`)
	s.start(t, "look", `{}`)
	const ended = `id: 3
event: run-ended
data: {"at":"2026-11-20T08:00:00Z","status":"failed","outcome":"none","reason":"node \"check\" left by \"none\", which goes nowhere: branch 1 holds","error":{"node":"check","outcome":"none","message":"branch 1 holds","attempt":1}}

`
	const finished = `id: 2
event: node-finished
data: {"at":"2026-11-20T08:00:00Z","node":"check","visit":1,"attempt":1,"outcome":"none","message":"branch 1 holds","set":{"text":"order 0"}}

`
	const begun = `id: 1
event: run-started
data: {"at":"2026-11-20T08:00:00Z","run":"run-1","flow":"order","flowDigest":"DIGEST","trigger":"new","output":{"id":0,"request":{"headers":{},"method":"POST","path":"","query":{}}},"variables":{"text":""},"seed":"SEED"}

`
	tests := map[string]struct {
		last   string
		status int
		want   string
	}{
		"from the start":     {"", 200, begun + finished + ended},
		"all of it":          {"0", 200, begun + finished + ended},
		"the rest":           {"1", 200, finished + ended},
		"the end":            {"2", 200, ended},
		"nothing is left":    {"3", 204, ""},
		"more than there is": {"9", 204, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sent(s, "run-1", test.last)
			got := seeds.ReplaceAllString(digests.ReplaceAllString(w.Body.String(), "DIGEST"), `"seed":"SEED"`)
			if d := cmp.Diff(test.want, got); w.Code != test.status || d != "" {
				t.Errorf("%d, want %d (-want +got)\n%s", w.Code, test.status, d)
			}
		})
	}
	if w := sent(s, "run-1", "all"); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `Last-Event-ID \"all\": expected the number of an event`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if got := w200(t, sent(s, "run-2", "")); !strings.Contains(got, "event: call-replied\n") || !strings.Contains(got, "event: run-ended\n") {
		t.Errorf("of a run that is not durable: %s", got)
	}
}

func w200(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	if kind := w.Header().Get("Content-Type"); w.Code != http.StatusOK || kind != "text/event-stream" {
		t.Fatalf("%d %s", w.Code, kind)
	}
	return w.Body.String()
}

// pipes is a listener in memory.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}

func (p pipes) Close() error { return nil }

func (p pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (p pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// live is a server with a clock and connections, inside a bubble. It stops as
// a process does.
type live struct {
	*server
	pipes  pipes
	client *http.Client
	http   *http.Server
	stop   context.CancelFunc // of engine.Run
}

func goLive(t *testing.T, change ...func(*api.Config)) *live {
	t.Helper()
	l := &live{server: serveAt(t, time.Now, change...), pipes: make(pipes)}
	l.client = &http.Client{Transport: &http.Transport{DialContext: l.pipes.dial}}
	l.http = &http.Server{Handler: l.server, ReadTimeout: 30 * time.Second}
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	go func() { _ = l.http.Serve(l.pipes) }()
	go func() { _ = l.engine.Run(ctx) }()
	return l
}

func (l *live) close(t *testing.T) {
	t.Helper()
	l.stop()
	if err := l.engine.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	l.client.CloseIdleConnections()
	close(l.pipes)
	if err := l.http.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// follow opens the stream of a run.
func (l *live) follow(t *testing.T, id string) *bufio.Reader {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://wend/api/v1/runs/"+id+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := l.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	if resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status)
	}
	return bufio.NewReader(resp.Body)
}

// next reads the next message of a stream: an event's id and name, ":" for a
// sign of life, or why there is none. Where the run is now it leaves out.
func next(r *bufio.Reader) string {
	var id, event string
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return err.Error()
		}
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch name {
		case ":":
			event = ":"
		case "id":
			id = value
		case "event":
			event = id + " " + value
		case "":
			if event != " now" {
				return event
			}
			event = ""
		}
	}
}

func want(t *testing.T, r *bufio.Reader, messages ...string) {
	t.Helper()
	for _, m := range messages {
		if got := next(r); got != m {
			t.Fatalf("the stream says %q, want %q", got, m)
		}
	}
}

// The stream of a run that waits in the journal stays, beyond the server's time
// to read a request, and goes on with the run.
func TestStreamOfAParkedRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := goLive(t)
		l.start(t, "pay", `{"id": "a"}`)
		synctest.Wait()
		if l.engine.Find("run-1") != nil {
			t.Fatal("the run is not parked")
		}
		stream := l.follow(t, "run-1")
		want(t, stream, "1 run-started", "2 event-awaited", ":", ":", ":")
		if w := l.do("POST", "/api/v1/events/paid", `{"key": "a", "data": {"amount": 7}}`); w.Code != http.StatusAccepted {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		want(t, stream, "3 event-received", "4 node-finished", "5 node-finished", "6 run-responded", "7 run-ended", "EOF")
		w := l.do("GET", "/api/v1/runs/run-1", "")
		if !strings.Contains(w.Body.String(), `"response":{"status":200,"body":{"amount":7}}`) {
			t.Errorf("the run did not get the event: %s", w.Body)
		}
		l.close(t)
	})
}

// There are so many streams, and no more until one has ended.
func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := goLive(t)
		l.start(t, "pay", `{"id": "a"}`)
		streams := []*bufio.Reader{l.follow(t, "run-1"), l.follow(t, "run-1")}
		for _, s := range streams {
			want(t, s, "1 run-started", "2 event-awaited")
		}
		w := l.do("GET", "/api/v1/runs/run-1/events", "")
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), "2 streams are open") {
			t.Errorf("%d %s, want 503", w.Code, w.Body)
		}
		if w := l.do("POST", "/api/v1/runs/run-1/cancel", `{}`); w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		for _, s := range streams {
			want(t, s, "3 run-cancelled", "EOF")
		}
		synctest.Wait()
		if got := w200(t, sent(l.server, "run-1", "")); !strings.Contains(got, "event: run-cancelled\n") {
			t.Errorf("the stream says %q", got)
		}
		l.close(t)
	})
}

// The events of a run come as they happen, while it is driven.
func TestStreamOfARunningRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := goLive(t)
		// Somebody waits for it, so it is not parked.
		if _, _, err := l.engine.Start(t.Context(), engine.Start{Flow: l.flows.Flow("pay"), Output: map[string]any{"id": "a"}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		stream := l.follow(t, "run-1")
		want(t, stream, "1 run-started", "2 event-awaited")
		if w := l.do("POST", "/api/v1/runs/run-1/cancel", `{"reason": "no"}`); w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		want(t, stream, "3 run-cancelled", "EOF")
		l.close(t)
	})
}

// Where a run is, and its call, is told as it happens, of a run that has nothing on
// record so far too, and while the journal takes nothing.
func TestWhereARunIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		vendor := &stuck{replies: make(chan wire.Reply)}
		eng := engine.New(engine.Config{Caller: vendor, NewID: numbered("run")})
		l := goLive(t, func(cfg *api.Config) { cfg.Engine = eng })
		began := time.Now()
		r, _, err := eng.Start(t.Context(), engine.Start{Flow: l.flows.Flow("look"), Output: map[string]any{}})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if len(r.Events()) > 0 {
			t.Fatal("it is on record")
		}
		stream := l.follow(t, "run-1")
		stamp, _ := began.MarshalJSON()
		want := "event: now|data: " + strings.ReplaceAll(`{"node":"n2","visit":1,"attempt":1,"type":"http","since":AT,`+
			`"calls":[{"method":"GET","url":"https://vendor.example.com/","since":AT}]}`, "AT", string(stamp)) + "||"
		var got string
		for range 3 {
			line, err := stream.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			got += strings.TrimSpace(line) + "|"
		}
		if got != want {
			t.Errorf("the stream says\n%s\nwant\n%s", got, want)
		}
		var report run.Report
		if err := json.Unmarshal(l.do("GET", "/api/v1/runs/run-1", "").Body.Bytes(), &report); err != nil {
			t.Fatal(err)
		}
		last := report.Nodes[len(report.Nodes)-1]
		if report.Status != run.Running || report.Unrecorded != 2 || last.Node != "n2" || last.Outcome != "" || len(last.Calls) != 1 || !last.Calls[0].Since.Equal(began) {
			t.Errorf("the run is shown as %s with %d events that are not on record, at %+v", report.Status, report.Unrecorded, last)
		}
		vendor.replies <- wire.Reply{Status: 200}
		if res, err := r.Wait(t.Context()); err != nil || !res.Status.Ended() {
			t.Fatal(res, err)
		}
		for got = next(stream); strings.Contains(got, "-"); got = next(stream) {
		}
		if got != "EOF" {
			t.Errorf("the stream ends with %q", got)
		}
		if w := l.do("GET", "/api/v1/runs/run-1", ""); strings.Contains(w.Body.String(), "unrecorded") {
			t.Errorf("all of it is on record: %s", w.Body)
		}
		l.close(t)
	})
}

// stuck is a vendor that answers when it is told to.
type stuck struct {
	vendor
	replies chan wire.Reply
}

func (s *stuck) Do(context.Context, outbound.Request) wire.Reply { return <-s.replies }

// A server that stops does not wait for those who only look.
func TestStreamEndsWithTheServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := goLive(t)
		l.start(t, "pay", `{"id": "a"}`)
		stream := l.follow(t, "run-1")
		want(t, stream, "1 run-started", "2 event-awaited")
		end := make(chan string, 1)
		go func() { end <- next(stream) }()
		begin := time.Now()
		l.close(t)
		if took := time.Since(begin); took > time.Second {
			t.Errorf("stopping took %s", took)
		}
		if got := <-end; got != "EOF" {
			t.Errorf("the stream says %q, want its end", got)
		}
	})
}

// A run that another process drives is followed by what it journals.
func TestStreamOfARunElsewhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := journal.NewMemory(10)
		other := engine.New(engine.Config{Journal: shared, NewID: numbered("run")})
		here := engine.New(engine.Config{Journal: shared})
		l := goLive(t, func(cfg *api.Config) { cfg.Engine = here })
		r, _, err := other.Start(t.Context(), engine.Start{Flow: l.flows.Flow("pay"), Output: map[string]any{"id": "a"}, Accepted: true})
		if err != nil {
			t.Fatal(err)
		}
		stream := l.follow(t, "run-1")
		want(t, stream, "1 run-started", "2 event-awaited")
		if _, err := other.Deliver(t.Context(), journal.Event{ID: "e", Name: "paid", Key: "a", Expires: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if res, err := r.Wait(t.Context()); err != nil || res.Status != run.Completed {
			t.Fatal(res, err)
		}
		want(t, stream, "3 event-received", "4 node-finished", "5 node-finished", "6 run-responded", "7 run-ended", "EOF")
		if err := here.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		l.close(t)
	})
}

// Who does not read is cut off.
func TestStreamToASlowClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := goLive(t)
		l.start(t, "pay", `{"id": "a"}`)
		conn, err := l.pipes.dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, "GET /api/v1/runs/run-1/events HTTP/1.1\r\nHost: wend\r\n\r\n")
		reader := bufio.NewReader(conn)
		resp, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		if rest, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("the stream came to its end: %s", rest)
		}
		_ = conn.Close()
		l.close(t)
	})
}

// Who goes is not followed.
func TestStreamClientGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := goLive(t)
		l.start(t, "pay", `{"id": "a"}`)
		ctx, cancel := context.WithCancel(t.Context())
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://wend/api/v1/runs/run-1/events", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := l.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		synctest.Wait()
		_ = resp.Body.Close()
		// The bubble fails if a goroutine stays.
		l.close(t)
	})
}

// A run that cannot be taken up stays in its stream, and can still be ended.
func TestStreamOfARunThatCannotGoOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := goLive(t)
		l.start(t, "pay", `{"id": "a"}`)
		synctest.Wait() // it is parked: who takes it up looks for its flow
		stream := l.follow(t, "run-1")
		want(t, stream, "1 run-started", "2 event-awaited")
		l.stored = &catalog.Set{}
		posted("paid", `{"key": "a"}`)(t, l.server)
		want(t, stream, ":")
		if w := l.do("POST", "/api/v1/runs/run-1/cancel", ""); w.Code != http.StatusUnsupportedMediaType {
			t.Errorf("cancelled without a type: %d", w.Code)
		}
		if w := l.do("POST", "/api/v1/runs/run-1/cancel", "{}"); w.Code != http.StatusOK {
			t.Errorf("%d %s", w.Code, w.Body)
		}
		want(t, stream, "3 run-cancelled", "EOF")
		l.close(t)
	})
}
