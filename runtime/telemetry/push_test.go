package telemetry_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	metrics "go.opentelemetry.io/proto/slim/otlp/metrics/v1"

	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/telemetry"
)

// pushed is what a receiver gets of metrics.
func pushed(t *testing.T, m *telemetry.Metrics) map[string]*metrics.Metric {
	t.Helper()
	r := receive(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m.Push(ctx, at(r.URL))
	all := map[string]*metrics.Metric{}
	for _, one := range r.metrics {
		if all[one.GetName()] != nil {
			t.Errorf("%s comes twice", one.GetName())
		}
		all[one.GetName()] = one
	}
	return all
}

// What is pushed is what is scraped.
func TestPush(t *testing.T) {
	t.Parallel()
	m := tellAll()
	got := pushed(t, m)
	for _, row := range telemetry.Rows() {
		one := got[row.Name]
		if one == nil {
			t.Errorf("%s is not pushed", row.Name)
			continue
		}
		if one.GetDescription() != row.Help {
			t.Errorf("%s is described as %q", row.Name, one.GetDescription())
		}
		kind := map[string]bool{"counter": one.GetSum().GetIsMonotonic(), "gauge": one.GetGauge() != nil, "histogram": one.GetExponentialHistogram() != nil}
		if !kind[row.Kind] {
			t.Errorf("%s %s is %T", row.Kind, row.Name, one.GetData())
		}
	}
	scraped := strings.Split(ours(scrape(t, m)), "\n")
	n := 0
	for name, one := range got {
		points := one.GetSum().GetDataPoints()
		if one.GetGauge() != nil {
			points = one.GetGauge().GetDataPoints()
		}
		if !strings.HasPrefix(name, "wend_") {
			continue
		}
		for _, p := range points {
			n++
			if line := sampleOf(name, p); !slices.Contains(scraped, line) && name != "wend_metric_pushes_total" {
				t.Errorf("what is pushed as %q is not scraped", line)
			}
			if p.GetTimeUnixNano() == 0 || one.GetSum() != nil && p.GetStartTimeUnixNano() == 0 {
				t.Errorf("%s has no time", name)
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d values", n)
	}
	if unit := got["wend_run_duration_seconds"].GetUnit() + got["wend_call_sent_bytes_total"].GetUnit() + got["wend_ready"].GetUnit(); unit != "sBy" {
		t.Errorf("the units are %q", unit)
	}
	if !strings.Contains(scrape(t, m), "\n"+`wend_metric_pushes_total{result="taken"} 1`) {
		t.Error("the push is not counted")
	}
}

// sampleOf is a value as the text format has it.
func sampleOf(name string, p *metrics.NumberDataPoint) string {
	var labels []string
	for key, value := range attrs(p.GetAttributes()) {
		labels = append(labels, fmt.Sprintf("%s=%q", key, value))
	}
	slices.Sort(labels)
	if len(labels) > 0 {
		name += "{" + strings.Join(labels, ",") + "}"
	}
	return fmt.Sprintf("%s %v", name, p.GetAsDouble())
}

// Each value is in the bucket that is around it, also where there are gaps.
func TestHistogramsArePushedAsTheyAre(t *testing.T) {
	t.Parallel()
	took := []time.Duration{0, time.Millisecond, time.Millisecond, 2 * time.Millisecond, time.Second, time.Second, time.Hour, 90 * 24 * time.Hour}
	m := telemetry.New("")
	for _, d := range took {
		m.Observe(fact.RunEnded{Of: of, Status: run.Completed, Took: d})
	}
	p := pushed(t, m)["wend_run_duration_seconds"].GetExponentialHistogram().GetDataPoints()[0]
	base := math.Exp2(math.Exp2(-float64(p.GetScale())))
	inside := map[int]int{}
	sum := 0.0
	for _, d := range took {
		sum += d.Seconds()
		if d == 0 {
			continue
		}
		i := int(math.Ceil(math.Log(d.Seconds())/math.Log(base))) - 1
		inside[i]++
	}
	total := p.GetZeroCount()
	for k, count := range p.GetPositive().GetBucketCounts() {
		total += count
		i := int(p.GetPositive().GetOffset()) + k
		if int(count) != inside[i] {
			t.Errorf("bucket %d, above %v s, has %d values, want %d", i, math.Pow(base, float64(i)), count, inside[i])
		}
		delete(inside, i)
	}
	if len(inside) > 0 || p.GetZeroCount() != 1 || total != p.GetCount() || p.GetCount() != uint64(len(took)) || math.Abs(p.GetSum()-sum) > 1e-6 {
		t.Errorf("not there: %v; %v", inside, p)
	}
}

// A receiver that is not there is counted, and said once.
func TestPushFails(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(nil)
	gone.Close()
	m := telemetry.New("")
	var said strings.Builder
	to := at(gone.URL)
	to.Log = slog.New(slog.NewTextHandler(&said, nil))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m.Push(ctx, to)
	if !strings.Contains(scrape(t, m), "\n"+`wend_metric_pushes_total{result="failed"} 1`) || strings.Count(said.String(), "metrics cannot be sent") != 1 {
		t.Errorf("the log says %q", said.String())
	}
}
