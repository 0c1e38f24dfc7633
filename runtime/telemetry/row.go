package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Row is what there is to say of a metric.
type Row struct {
	Name   string
	Kind   string // counter, gauge or histogram
	Help   string
	Labels []string
}

// Rows are all metrics of ours, in the order of their subjects.
func Rows() []Row {
	m := New("")
	m.Read(Sources{})
	return m.rows
}

func (m *Metrics) add(c prometheus.Collector, r Row) {
	m.registry.MustRegister(c)
	m.rows = append(m.rows, r)
}

func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.add(v, Row{name, "counter", help, labels})
	return v
}

func (m *Metrics) counter(name, help string) prometheus.Counter {
	return m.counters(name, help).WithLabelValues()
}

func (m *Metrics) gauge(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	m.add(g, Row{name, "gauge", help, nil})
	return g
}

// histograms are native ones, and have buckets too.
func (m *Metrics) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
	}, labels)
	m.add(v, Row{name, "histogram", help, labels})
	return v
}
