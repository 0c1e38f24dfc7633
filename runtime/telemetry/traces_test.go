package telemetry_test

import (
	"compress/gzip"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	otlp "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	span "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/telemetry"
	"github.com/wendflow/wend/sdk/wire"
)

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// receiver takes spans over OTLP.
type receiver struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*span.Span
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method != "POST" || req.URL.Path != "/v1/traces" || req.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("%s %s %v", req.Method, req.URL, req.Header)
		}
		z, err := gzip.NewReader(req.Body)
		if err != nil {
			t.Error(err)
			return
		}
		body, err := io.ReadAll(z)
		if err != nil {
			t.Error(err)
		}
		var in otlp.ExportTraceServiceRequest
		if err := proto.Unmarshal(body, &in); err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, rs := range in.GetResourceSpans() {
			if got := rs.GetResource().GetAttributes()[0]; got.GetKey() != "service.name" || got.GetValue().GetStringValue() != "wend" {
				t.Errorf("the spans are of %v", got)
			}
			for _, ss := range rs.GetScopeSpans() {
				r.spans = append(r.spans, ss.GetSpans()...)
			}
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func traces(endpoint string, sample float64, m *telemetry.Metrics) *telemetry.Traces {
	return telemetry.NewTraces(telemetry.TracesConfig{Endpoint: endpoint, Sample: sample, Version: "1.2.3", Log: slog.New(slog.DiscardHandler)}, m)
}

// drain sends what is left.
func drain(t *telemetry.Traces) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	t.Run(ctx)
}

// vendor answers all calls, and remembers what trace they carry on.
type vendor struct {
	mu      sync.Mutex
	parents []string
}

func (v *vendor) Do(_ context.Context, r outbound.Request) wire.Reply {
	time.Sleep(time.Second)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.parents = append(v.parents, r.TraceParent)
	if strings.HasSuffix(r.Call.URL, "/b") {
		return wire.Reply{Status: 503}
	}
	return wire.Reply{Status: 200}
}

func (*vendor) Settings(string) map[string]any { return nil }

const sample = `flow: sample
nodes:
  hook: { type: webhook, with: { path: /sample }, next: a }
  a: { type: http, with: { method: PUT, url: "https://one.example.com:8443/a?key=s3cret" }, outcomes: { else: done }, next: later }
  later: { type: delay, with: { for: 1d }, next: b }
  b: { type: http, with: { method: PUT, url: "https://two.example.com/b" }, outcomes: { else: done }, next: done }
  done: { type: end }
`

func loadSample(t *testing.T) *flow.Flow {
	t.Helper()
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	f, mistakes := flow.Load("sample.yaml", []byte(sample), flow.Config{Types: types})
	if f == nil {
		t.Fatal(mistakes.Err())
	}
	return f
}

// A run that is parked by one process and goes on in another is in the trace of
// its caller, and its calls carry it on.
func TestTraceStaysTogether(t *testing.T) {
	t.Parallel()
	r, v := receive(t), &vendor{}
	m := telemetry.New("")
	first, second := traces(r.URL, 1, m), traces(r.URL, 1, m)
	synctest.Test(t, func(t *testing.T) {
		f, disk := loadSample(t), journal.NewMemory(10)
		start := func(tr *telemetry.Traces) (e *engine.Engine, stop func()) {
			e = engine.New(engine.Config{
				Journal: disk, Caller: v, Trace: tr.Trace, Observers: fact.Observe(tr.Observe), NewID: func() string { return "r1" },
				Flow: func(context.Context, journal.Summary) (*flow.Flow, error) { return f, nil },
			})
			ctx, cancel := context.WithCancel(t.Context())
			var group sync.WaitGroup
			group.Go(func() { _ = e.Run(ctx) })
			return e, func() {
				cancel()
				_ = e.Shutdown(t.Context())
				group.Wait()
			}
		}
		e, stop := start(first)
		if _, _, err := e.Start(t.Context(), engine.Start{Flow: f, TraceParent: parent, Accepted: true}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		stop()
		_, stop = start(second)
		time.Sleep(25 * time.Hour)
		stop()
	})
	drain(first)
	drain(second)
	byID := map[string]*span.Span{}
	for _, s := range r.spans {
		byID[hex.EncodeToString(s.GetSpanId())] = s
		if id := hex.EncodeToString(s.GetTraceId()); id != "0af7651916cd43dd8448eb211c80319c" {
			t.Errorf("%s is in trace %s", s.GetName(), id)
		}
		if strings.Contains(s.String(), "s3cret") {
			t.Errorf("a span tells a secret: %s", s)
		}
	}
	var got []string
	for _, s := range r.spans {
		above := "the caller"
		if p := byID[hex.EncodeToString(s.GetParentSpanId())]; p != nil {
			above = p.GetName()
		} else if id := hex.EncodeToString(s.GetParentSpanId()); id != "b7ad6b7169203331" {
			above = "nobody: " + id
		}
		took := time.Duration(s.GetEndTimeUnixNano() - s.GetStartTimeUnixNano())
		got = append(got, fmt.Sprintf("%s below %s, %s %s, %s %s", s.GetName(), above,
			strings.TrimPrefix(s.GetKind().String(), "SPAN_KIND_"), took, strings.TrimPrefix(s.GetStatus().GetCode().String(), "STATUS_CODE_"), attr(s, "error.type")))
	}
	want := []string{
		"PUT below a, CLIENT 1s, UNSET ",
		"a below sample, INTERNAL 1s, UNSET ",
		"later below sample, INTERNAL 24h0m0s, UNSET ",
		"PUT below b, CLIENT 1s, ERROR 503",
		"b below sample, INTERNAL 1s, ERROR 503",
		"done below sample, INTERNAL 0s, UNSET ",
		"sample below the caller, SERVER 24h0m2s, UNSET ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	for i, p := range v.parents {
		s := byID[strings.Split(p, "-")[2]]
		if s == nil || s.GetKind() != span.Span_SPAN_KIND_CLIENT {
			t.Errorf("call %d carries %s, which is no span of a call", i, p)
		}
	}
	for key, want := range map[string]string{"server.address": "one.example.com", "server.port": "8443", "url.path": "/a", "http.request.method": "PUT", "http.response.status_code": "200"} {
		if got := attr(r.spans[0], key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if text := scrape(t, m); !strings.Contains(text, "\nwend_spans_sent_total 7\n") {
		t.Error("the spans are not counted")
	}
}

func attr(s *span.Span, key string) string {
	for _, a := range s.GetAttributes() {
		if a.GetKey() == key {
			if v := a.GetValue().GetStringValue(); v != "" {
				return v
			}
			return fmt.Sprint(a.GetValue().GetIntValue())
		}
	}
	return ""
}

// What a plugin's invoke says is below its attempt.
func TestInvokeSpan(t *testing.T) {
	t.Parallel()
	r := receive(t)
	tr := traces(r.URL, 1, telemetry.New(""))
	at := visit
	at.At.At = time.Unix(100, 0)
	tr.Observe(fact.Invoked{Visit: at, Took: time.Second, Fuel: 7, Code: "fuel"})
	tr.Observe(fact.NodeLeft{Visit: at, Outcome: "onError", Failed: true, Code: "fuel", Took: time.Minute})
	drain(tr)
	if len(r.spans) != 2 || string(r.spans[0].GetParentSpanId()) != string(r.spans[1].GetSpanId()) || attr(r.spans[0], "wend.plugin.fuel") != "7" || attr(r.spans[0], "error.type") != "fuel" {
		t.Errorf("%v", r.spans)
	}
}

// Spans that nobody asked for are not sent.
func TestSampling(t *testing.T) {
	t.Parallel()
	r := receive(t)
	tr := traces(r.URL, 0.5, telemetry.New(""))
	for i := range 400 {
		about := &fact.Run{ID: fmt.Sprint(i), Flow: "own"}
		tr.Observe(fact.RunEnded{Of: fact.Of{At: fact.At{At: time.Unix(100, 0)}, Run: about}, Status: run.Completed})
	}
	for flags, flow := range map[string]string{"00": "unwanted", "01": "wanted"} {
		about := &fact.Run{ID: "r", Flow: flow, TraceParent: strings.TrimSuffix(parent, "01") + flags}
		tr.Observe(fact.RunEnded{Of: fact.Of{At: fact.At{At: time.Unix(100, 0)}, Run: about}, Status: run.Completed})
	}
	drain(tr)
	count := map[string]int{}
	for _, s := range r.spans {
		count[s.GetName()]++
	}
	if count["own"] < 150 || count["own"] > 250 || count["wanted"] != 1 || count["unwanted"] != 0 {
		t.Errorf("%v", count)
	}
}

// A receiver that refuses, or is not there, costs spans that are counted; so does
// one that is too slow for all there is.
func TestSpansAreDropped(t *testing.T) {
	t.Parallel()
	full := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }))
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	t.Cleanup(full.Close)
	ended := fact.RunEnded{Of: of, Status: run.Completed}
	ended.At.At = time.Unix(100, 0)
	for _, url := range []string{full.URL, gone.URL} {
		m := telemetry.New("")
		tr := traces(url, 1, m)
		for range 10_000 {
			tr.Observe(ended)
		}
		drain(tr)
		text := strings.Split(scrape(t, m), "\n")
		for _, want := range []string{`wend_spans_dropped_total{reason="queue"} 1808`, `wend_spans_dropped_total{reason="receiver"} 8192`, "wend_spans_sent_total 0"} {
			if !slices.Contains(text, want) {
				t.Errorf("%s: no line %q", url, want)
			}
		}
	}
}
