package telemetry

import (
	"fmt"
	"net"
	"strconv"
	"time"

	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	span "go.opentelemetry.io/proto/slim/otlp/trace/v1"

	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/tracecontext"
)

// schema is the version of the semantic conventions that the names of attributes
// are from. Those that begin with "wend." are ours.
const schema = "https://opentelemetry.io/schemas/1.40.0"

// spanOf makes the span that a fact ends, or nil. Below that of the run are those
// of the attempts at nodes, and below each of them those of its plugin's invokes
// and of its calls.
func (t *Traces) spanOf(f fact.Fact) *span.Span {
	switch f := f.(type) {
	case fact.RunEnded:
		return t.ofRun(f)
	case fact.NodeLeft:
		return t.ofNode(f)
	case fact.Invoked:
		return t.ofInvoke(f)
	case fact.CallMade:
		return t.ofCall(f)
	default:
		return nil
	}
}

func (t *Traces) ofRun(f fact.RunEnded) *span.Span {
	trace := t.Trace(f.Run.ID, f.Run.TraceParent)
	s := begin(trace, trace.Root(), trace.Parent, f.Run.Flow, f.At.At, f.Took,
		text("wend.run.id", f.Run.ID), text("wend.flow", f.Run.Flow), text("wend.trigger", f.Run.Trigger),
		text("wend.run.status", string(f.Status)), text("wend.outcome", f.Outcome), text("wend.run.retry_of", f.Run.RetryOf))
	if s == nil {
		return nil
	}
	if trace.Parent != (tracecontext.Span{}) {
		s.Kind = span.Span_SPAN_KIND_SERVER // somebody called it
	}
	if f.Status == run.Failed {
		fails(s, f.Code, f.Outcome)
	}
	return s
}

func (t *Traces) ofNode(f fact.NodeLeft) *span.Span {
	trace := t.Trace(f.Run.ID, f.Run.TraceParent)
	s := begin(trace, nodeSpan(trace, f.Visit), trace.Root(), f.Node, f.At.At, f.Took, placed(f.Visit,
		text("wend.outcome", f.Outcome), number("wend.node.calls", f.Calls))...)
	if s != nil && f.Failed {
		fails(s, f.Code, f.Outcome)
	}
	return s
}

func (t *Traces) ofInvoke(f fact.Invoked) *span.Span {
	trace := t.Trace(f.Run.ID, f.Run.TraceParent)
	id := trace.Other(fmt.Sprintf("%s/%d/%d %d", f.Node, f.Place.Visit, f.Attempt, f.At.At.UnixNano()))
	s := begin(trace, id, nodeSpan(trace, f.Visit), "invoke "+f.Type, f.At.At, f.Took, placed(f.Visit, number("wend.plugin.fuel", int(f.Fuel)))...)
	if s != nil && f.Code != "" {
		fails(s, f.Code, "")
	}
	return s
}

func (t *Traces) ofCall(f fact.CallMade) *span.Span {
	trace := t.Trace(f.Run.ID, f.Run.TraceParent)
	host, port := f.Host, ""
	if h, p, err := net.SplitHostPort(f.Host); err == nil {
		host, port = h, p
	}
	attrs := placed(f.Visit, text("http.request.method", f.Method), text("server.address", host), text("url.path", f.Path))
	if n, err := strconv.Atoi(port); err == nil {
		attrs = append(attrs, number("server.port", n))
	}
	if f.Status != 0 {
		attrs = append(attrs, number("http.response.status_code", f.Status))
	}
	id := trace.Call(f.Node, f.Place.Visit, f.Attempt, f.Call)
	s := begin(trace, id, nodeSpan(trace, f.Visit), f.Method, f.At.At, f.Took, attrs...)
	if s == nil {
		return nil
	}
	s.Kind = span.Span_SPAN_KIND_CLIENT
	switch {
	case f.Failure != "":
		fails(s, string(f.Failure), "")
	case f.Status >= 400:
		fails(s, strconv.Itoa(f.Status), "")
	}
	return s
}

func nodeSpan(t tracecontext.Trace, v fact.Visit) tracecontext.Span {
	return t.Node(v.Node, v.Place.Visit, v.Attempt)
}

// begin makes a span that ended now; nil if nobody wants it.
func begin(t tracecontext.Trace, id, parent tracecontext.Span, name string, ended time.Time, took time.Duration, attrs ...*common.KeyValue) *span.Span {
	if !t.Sampled {
		return nil
	}
	s := &span.Span{
		TraceId: t.ID[:], SpanId: id[:], Name: name, Kind: span.Span_SPAN_KIND_INTERNAL,
		StartTimeUnixNano: uint64(ended.Add(-max(took, 0)).UnixNano()), EndTimeUnixNano: uint64(ended.UnixNano()),
		Flags: 1,
	}
	if parent != (tracecontext.Span{}) {
		s.ParentSpanId = parent[:]
	}
	for _, a := range attrs {
		if a != nil {
			s.Attributes = append(s.Attributes, a)
		}
	}
	return s
}

// fails marks a span with what it failed by. Messages may hold data, and are in
// the journal.
func fails(s *span.Span, code, outcome string) {
	s.Status = &span.Status{Code: span.Status_STATUS_CODE_ERROR}
	if code == "" {
		code = outcome
	}
	if a := text("error.type", code); a != nil {
		s.Attributes = append(s.Attributes, a)
	}
}

// placed adds to attributes where in which run something was.
func placed(v fact.Visit, more ...*common.KeyValue) []*common.KeyValue {
	return append([]*common.KeyValue{
		text("wend.run.id", v.Run.ID), text("wend.flow", v.Run.Flow), text("wend.node", v.Node), text("wend.node.type", v.Type),
		number("wend.node.visit", v.Place.Visit), number("wend.node.attempt", v.Attempt), text("wend.connection", v.Connection),
	}, more...)
}

// text is nil if there is none.
func text(key, value string) *common.KeyValue {
	if value == "" {
		return nil
	}
	return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: value}}}
}

func number(key string, value int) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: int64(value)}}}
}
