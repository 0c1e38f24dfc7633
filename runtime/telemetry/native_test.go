package telemetry_test

import (
	"errors"
	"io"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// histogram is one as a Prometheus server gets it in protobuf.
type histogram struct {
	name    string
	schema  *int32
	buckets int
}

// native reads the histograms of a scrape.
func native(t *testing.T, from io.Reader) []histogram {
	t.Helper()
	var all []histogram
	decoder := expfmt.NewDecoder(from, expfmt.NewFormat(expfmt.TypeProtoDelim))
	for {
		var family dto.MetricFamily
		err := decoder.Decode(&family)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range family.GetMetric() {
			if h := m.GetHistogram(); h != nil && len(family.GetName()) > 5 && family.GetName()[:5] == "wend_" {
				all = append(all, histogram{family.GetName(), h.Schema, len(h.GetBucket())})
			}
		}
	}
}
