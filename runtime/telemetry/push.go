package telemetry

import (
	"context"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/slim/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// pushEvery is how often metrics go to an OTLP receiver.
const pushEvery = 15 * time.Second

// Push sends what a scrape would read to an OTLP receiver, every 15 s until ctx
// ends, and then once more. Histograms go as exponential ones, which are the
// native ones of Prometheus under another name.
func (m *Metrics) Push(ctx context.Context, to Receiver) {
	s := newSender(to, "metrics", "/v1/metrics")
	tick := time.NewTicker(pushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			m.push(ctx, s)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWithin)
			defer cancel()
			m.push(last, s)
			return
		}
	}
}

func (m *Metrics) push(ctx context.Context, s *sender) {
	b := batch{}
	families, err := m.registry.Gather() // what can be had, beside an error
	if err != nil {
		s.to.Log.Error("a metric cannot be read", "error", err)
	}
	now := time.Now()
	for _, f := range families {
		item, err := proto.Marshal(metricOf(f, m.began, now))
		if err != nil {
			s.to.Log.Error("a metric cannot be sent", "metric", f.GetName(), "error", err)
			continue
		}
		b.add(item)
	}
	result := pushed
	if s.send(ctx, b) > 0 {
		result = failed
	}
	m.pushes.WithLabelValues(result).Inc()
}

// pushed is what becomes of a push that the receiver took whole.
const pushed = "taken"

// metricOf is a metric as OTLP has it, under the name that Prometheus knows it by.
// Counters without a time of their own began with the program.
func metricOf(f *dto.MetricFamily, began, now time.Time) *otlp.Metric {
	m := &otlp.Metric{Name: f.GetName(), Description: f.GetHelp(), Unit: unitOf(f.GetName())}
	at := nanos(now)
	since := func(t *timestamppb.Timestamp) uint64 {
		if t == nil {
			return nanos(began)
		}
		return nanos(t.AsTime())
	}
	const cumulative = otlp.AggregationTemporality_AGGREGATION_TEMPORALITY_CUMULATIVE
	switch f.GetType() {
	case dto.MetricType_COUNTER:
		sum := &otlp.Sum{AggregationTemporality: cumulative, IsMonotonic: true}
		for _, p := range f.GetMetric() {
			sum.DataPoints = append(sum.DataPoints, numberOf(p, p.GetCounter().GetValue(), since(p.GetCounter().GetCreatedTimestamp()), at))
		}
		m.Data = &otlp.Metric_Sum{Sum: sum}
	case dto.MetricType_HISTOGRAM:
		h := &otlp.ExponentialHistogram{AggregationTemporality: cumulative}
		for _, p := range f.GetMetric() {
			h.DataPoints = append(h.DataPoints, histogramOf(p, since(p.GetHistogram().GetCreatedTimestamp()), at))
		}
		m.Data = &otlp.Metric_ExponentialHistogram{ExponentialHistogram: h}
	case dto.MetricType_SUMMARY:
		s := &otlp.Summary{}
		for _, p := range f.GetMetric() {
			s.DataPoints = append(s.DataPoints, summaryOf(p, since(p.GetSummary().GetCreatedTimestamp()), at))
		}
		m.Data = &otlp.Metric_Summary{Summary: s}
	default:
		g := &otlp.Gauge{}
		for _, p := range f.GetMetric() {
			g.DataPoints = append(g.DataPoints, numberOf(p, p.GetGauge().GetValue(), 0, at))
		}
		m.Data = &otlp.Metric_Gauge{Gauge: g}
	}
	return m
}

// unitOf is the unit that a name of Prometheus ends with, as UCUM has it.
func unitOf(name string) string {
	name = strings.TrimSuffix(name, "_total")
	switch {
	case strings.HasSuffix(name, "_seconds"):
		return "s"
	case strings.HasSuffix(name, "_bytes"):
		return "By"
	default:
		return ""
	}
}

func labelsOf(p *dto.Metric) []*common.KeyValue {
	attrs := make([]*common.KeyValue, 0, len(p.GetLabel()))
	for _, l := range p.GetLabel() {
		attrs = append(attrs, &common.KeyValue{Key: l.GetName(), Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: l.GetValue()}}})
	}
	return attrs
}

func numberOf(p *dto.Metric, value float64, began, now uint64) *otlp.NumberDataPoint {
	return &otlp.NumberDataPoint{
		Attributes: labelsOf(p), StartTimeUnixNano: began, TimeUnixNano: now, Value: &otlp.NumberDataPoint_AsDouble{AsDouble: value},
	}
}

func summaryOf(p *dto.Metric, began, now uint64) *otlp.SummaryDataPoint {
	s := &otlp.SummaryDataPoint{
		Attributes: labelsOf(p), StartTimeUnixNano: began, TimeUnixNano: now,
		Count: p.GetSummary().GetSampleCount(), Sum: p.GetSummary().GetSampleSum(),
	}
	for _, q := range p.GetSummary().GetQuantile() {
		s.QuantileValues = append(s.QuantileValues, &otlp.SummaryDataPoint_ValueAtQuantile{Quantile: q.GetQuantile(), Value: q.GetValue()})
	}
	return s
}

// histogramOf is a native histogram; those of ours have no values below 0.
func histogramOf(p *dto.Metric, began, now uint64) *otlp.ExponentialHistogramDataPoint {
	h := p.GetHistogram()
	return &otlp.ExponentialHistogramDataPoint{
		Attributes: labelsOf(p), StartTimeUnixNano: began, TimeUnixNano: now,
		Count: h.GetSampleCount(), Sum: proto.Float64(h.GetSampleSum()), Scale: h.GetSchema(),
		ZeroCount: h.GetZeroCount(), ZeroThreshold: h.GetZeroThreshold(), Positive: bucketsOf(h),
	}
}

// bucketsOf lays out the buckets that Prometheus has in spans with gaps between,
// each as the difference to the one before. OTLP's bucket i is above base^i, that
// of Prometheus up to it.
func bucketsOf(h *dto.Histogram) *otlp.ExponentialHistogramDataPoint_Buckets {
	b := &otlp.ExponentialHistogramDataPoint_Buckets{}
	deltas := h.GetPositiveDelta()
	var count int64
	for i, span := range h.GetPositiveSpan() {
		if i == 0 {
			b.Offset = span.GetOffset() - 1
		} else {
			b.BucketCounts = append(b.BucketCounts, make([]uint64, span.GetOffset())...)
		}
		for range span.GetLength() {
			count += deltas[0]
			deltas = deltas[1:]
			b.BucketCounts = append(b.BucketCounts, uint64(count))
		}
	}
	return b
}
