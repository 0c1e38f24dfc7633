package telemetry

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	otlp "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	resource "go.opentelemetry.io/proto/slim/otlp/resource/v1"
	span "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/tracecontext"
)

// TracesConfig says where traces go.
type TracesConfig struct {
	// Endpoint is the address of an OTLP receiver over HTTP, to which /v1/traces
	// is added.
	Endpoint string
	// Sample is the part of those runs that is traced which nobody asked to be:
	// from 0 to 1. Where a caller sends a traceparent, that says it.
	Sample float64
	// Version is that of this program.
	Version string
	// Log gets that spans cannot be sent, once until they can again.
	Log *slog.Logger
}

// Traces sends the spans of runs to an OTLP receiver. Observe is for
// fact.Observe. A span is sent when it has ended, so nothing is kept of a run
// that waits. Run must be running. It is safe for concurrent use.
type Traces struct {
	cfg     TracesConfig
	url     string
	metrics *Metrics
	queue   chan *span.Span
	client  *http.Client
	failing bool // belongs to Run
}

const (
	// mostSpans wait to be sent; more are dropped, for runs wait for nobody here.
	mostSpans = 8192
	// A request has batchSpans at most, and no span waits longer than batchEvery
	// to be in one.
	batchSpans = 512
	batchEvery = 2 * time.Second
	// sendWithin is how long the receiver has for a request, and lastWithin for
	// all that is left when the server stops.
	sendWithin = 10 * time.Second
	lastWithin = 5 * time.Second
)

// NewTraces returns traces to be observed and run. What becomes of the spans is
// counted in m.
func NewTraces(cfg TracesConfig, m *Metrics) *Traces {
	return &Traces{
		cfg: cfg, url: strings.TrimSuffix(cfg.Endpoint, "/") + "/v1/traces", metrics: m,
		queue: make(chan *span.Span, mostSpans), client: &http.Client{Timeout: sendWithin},
	}
}

// Trace is the trace of a run, for those who make its calls.
func (t *Traces) Trace(run, traceParent string) tracecontext.Trace {
	return tracecontext.Of(run, traceParent, t.cfg.Sample)
}

// Observe makes spans of what has ended.
func (t *Traces) Observe(f fact.Fact) {
	s := t.spanOf(f)
	if s == nil {
		return
	}
	select {
	case t.queue <- s:
	default:
		t.metrics.spansDropped.WithLabelValues("queue").Inc()
	}
}

// Run sends spans until ctx ends, and then those that are left.
func (t *Traces) Run(ctx context.Context) {
	tick := time.NewTicker(batchEvery)
	defer tick.Stop()
	var batch []*span.Span
	for {
		select {
		case s := <-t.queue:
			if batch = append(batch, s); len(batch) < batchSpans {
				continue
			}
		case <-tick.C:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWithin)
			defer cancel()
			t.flush(last, batch)
			return
		}
		t.send(ctx, batch)
		batch = nil
	}
}

func (t *Traces) flush(ctx context.Context, batch []*span.Span) {
	for {
		select {
		case s := <-t.queue:
			if batch = append(batch, s); len(batch) < batchSpans {
				continue
			}
			t.send(ctx, batch)
			batch = nil
		default:
			t.send(ctx, batch)
			return
		}
	}
}

// send sends a batch once. A receiver that is away for a while costs spans, not
// memory: collectors queue and try again, we do not.
func (t *Traces) send(ctx context.Context, batch []*span.Span) {
	if len(batch) == 0 {
		return
	}
	err := t.post(ctx, batch)
	if err == nil {
		t.metrics.spansSent.Add(float64(len(batch)))
		if t.failing {
			t.cfg.Log.Info("spans can be sent again", "endpoint", t.cfg.Endpoint)
		}
		t.failing = false
		return
	}
	t.metrics.spansDropped.WithLabelValues("receiver").Add(float64(len(batch)))
	if !t.failing {
		t.cfg.Log.Warn("spans cannot be sent, and are dropped until they can", "endpoint", t.cfg.Endpoint, "error", err)
	}
	t.failing = true
}

func (t *Traces) post(ctx context.Context, batch []*span.Span) error {
	plain, err := proto.Marshal(&otlp.ExportTraceServiceRequest{ResourceSpans: []*span.ResourceSpans{{
		Resource:   &resource.Resource{Attributes: []*common.KeyValue{text("service.name", "wend"), text("service.version", t.cfg.Version)}},
		ScopeSpans: []*span.ScopeSpans{{Scope: &common.InstrumentationScope{Name: "github.com/wendflow/wend", Version: t.cfg.Version}, Spans: batch, SchemaUrl: schema}},
		SchemaUrl:  schema,
	}}})
	if err != nil {
		return err
	}
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	_, err = z.Write(plain)
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, t.url, &body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("Content-Encoding", "gzip")
	resp, err := t.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // nothing is read of it but what follows
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s answered %s", t.url, resp.Status)
	}
	return nil
}
