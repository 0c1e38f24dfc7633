package telemetry_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	takelogs "go.opentelemetry.io/proto/slim/otlp/collector/logs/v1"
	takemetrics "go.opentelemetry.io/proto/slim/otlp/collector/metrics/v1"
	takespans "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	logs "go.opentelemetry.io/proto/slim/otlp/logs/v1"
	metrics "go.opentelemetry.io/proto/slim/otlp/metrics/v1"
	resource "go.opentelemetry.io/proto/slim/otlp/resource/v1"
	span "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/wendflow/wend/runtime/telemetry"
)

// receiver takes spans, metrics and lines over OTLP.
type receiver struct {
	*httptest.Server
	mu      sync.Mutex
	spans   []*span.Span
	metrics []*metrics.Metric
	lines   []*logs.LogRecord
}

func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		if req.Method != "POST" || req.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("%s %s %v", req.Method, req.URL, req.Header)
		}
		in := io.Reader(req.Body)
		if req.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(in)
			if err != nil {
				t.Error(err)
				return
			}
			in = z
		}
		body, err := io.ReadAll(in)
		if err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if err := r.take(t, req.URL.Path, body); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take(t *testing.T, path string, body []byte) error {
	t.Helper()
	switch path {
	case "/v1/traces":
		var in takespans.ExportTraceServiceRequest
		err := proto.Unmarshal(body, &in)
		for _, of := range in.GetResourceSpans() {
			fromUs(t, of.GetResource(), of.GetSchemaUrl())
			for _, scope := range of.GetScopeSpans() {
				byUs(t, scope.GetScope(), scope.GetSchemaUrl())
				r.spans = append(r.spans, scope.GetSpans()...)
			}
		}
		return err
	case "/v1/metrics":
		var in takemetrics.ExportMetricsServiceRequest
		err := proto.Unmarshal(body, &in)
		for _, of := range in.GetResourceMetrics() {
			fromUs(t, of.GetResource(), of.GetSchemaUrl())
			for _, scope := range of.GetScopeMetrics() {
				byUs(t, scope.GetScope(), scope.GetSchemaUrl())
				r.metrics = append(r.metrics, scope.GetMetrics()...)
			}
		}
		return err
	case "/v1/logs":
		var in takelogs.ExportLogsServiceRequest
		err := proto.Unmarshal(body, &in)
		for _, of := range in.GetResourceLogs() {
			fromUs(t, of.GetResource(), of.GetSchemaUrl())
			for _, scope := range of.GetScopeLogs() {
				byUs(t, scope.GetScope(), scope.GetSchemaUrl())
				r.lines = append(r.lines, scope.GetLogRecords()...)
			}
		}
		return err
	default:
		return fmt.Errorf("a request to %s", path)
	}
}

const conventions = "https://opentelemetry.io/schemas/1.43.0"

func fromUs(t *testing.T, r *resource.Resource, schema string) {
	t.Helper()
	got := attrs(r.GetAttributes())
	if got["service.name"] != "wend" || got["service.version"] != "1.2.3" || got["service.instance.id"] != "i1" || schema != conventions {
		t.Errorf("it is from %v by %s", got, schema)
	}
}

func byUs(t *testing.T, s *common.InstrumentationScope, schema string) {
	t.Helper()
	if s.GetName() != "github.com/wendflow/wend" || s.GetVersion() != "1.2.3" || schema != conventions {
		t.Errorf("it is by %v by %s", s, schema)
	}
}

// at is a receiver with that address.
func at(endpoint string) telemetry.Receiver {
	return telemetry.Receiver{Endpoint: endpoint, Version: "1.2.3", Instance: "i1", Log: slog.New(slog.DiscardHandler)}
}

// attrs are attributes as text.
func attrs(list []*common.KeyValue) map[string]string {
	all := map[string]string{}
	for _, a := range list {
		switch v := a.GetValue().GetValue().(type) {
		case *common.AnyValue_StringValue:
			all[a.GetKey()] = v.StringValue
		case *common.AnyValue_IntValue:
			all[a.GetKey()] = fmt.Sprint(v.IntValue)
		case *common.AnyValue_DoubleValue:
			all[a.GetKey()] = fmt.Sprint(v.DoubleValue)
		case *common.AnyValue_BoolValue:
			all[a.GetKey()] = fmt.Sprint(v.BoolValue)
		default:
			all[a.GetKey()] = fmt.Sprintf("%T", v)
		}
	}
	return all
}
