package telemetry

import (
	"context"

	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/tracecontext"
)

// Traces sends the spans of runs to an OTLP receiver. Observe is for
// fact.Observe. A span is sent when it has ended, so nothing is kept of a run
// that waits. Run must be running. It is safe for concurrent use.
type Traces struct {
	sample  float64
	sender  *sender
	waiting *batches
	metrics *Metrics
}

// NewTraces returns traces to be observed and run. Sample is the part of those
// runs that is traced which nobody asked to be: from 0 to 1. Where a caller sends
// a traceparent, that says it. What becomes of the spans is counted in m.
func NewTraces(to Receiver, sample float64, m *Metrics) *Traces {
	return &Traces{sample: sample, sender: newSender(to, "spans", "/v1/traces"), waiting: newBatches(), metrics: m}
}

// Trace is the trace of a run, for those who make its calls.
func (t *Traces) Trace(run, traceParent string) tracecontext.Trace {
	return tracecontext.Of(run, traceParent, t.sample)
}

// usualSpan is what most spans fit into.
const usualSpan = 1 << 10

// Observe makes spans of what has ended.
func (t *Traces) Observe(f fact.Fact) {
	var room [usualSpan]byte
	if s := t.spanOf(room[:0], f); len(s) > 0 && !t.waiting.add(s) {
		t.metrics.spansDropped.WithLabelValues(queueFull).Inc()
	}
}

// Run sends spans until ctx ends, and then those that are left.
func (t *Traces) Run(ctx context.Context) {
	t.waiting.run(ctx, func(ctx context.Context, b batch) {
		lost := t.sender.send(ctx, b)
		t.metrics.spansDropped.WithLabelValues(notTaken).Add(float64(lost))
		t.metrics.spansSent.Add(float64(b.count - lost))
	})
}

// Why something was dropped: there was too much in the queue, or the receiver did
// not take it.
const queueFull, notTaken = "queue", "receiver"
