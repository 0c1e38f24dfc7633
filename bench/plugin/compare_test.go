package plugin_test

import (
	"runtime"
	"slices"
	"testing"
	"time"
)

// contender is one way of doing the work.
type contender struct {
	name string
	run  func() error
}

// block is how long one contender runs before it is the next one's turn.
const block = 20 * time.Millisecond

// compare runs the contenders by turns, once around for each b.N, and returns
// the median time of one run of each, in their order.
func compare(b *testing.B, contenders []contender) []time.Duration {
	b.Helper()
	blocks := make([][]time.Duration, len(contenders))
	size := make([]int, len(contenders))
	for i, c := range contenders {
		size[i] = runsIn(b, c)
	}
	for b.Loop() {
		for i, c := range contenders {
			runtime.GC() // what one leaves behind is not the next one's
			began := time.Now()
			for range size[i] {
				if err := c.run(); err != nil {
					b.Fatalf("%s: %v", c.name, err)
				}
			}
			blocks[i] = append(blocks[i], time.Since(began)/time.Duration(size[i]))
		}
	}
	b.ReportMetric(0, "ns/op") // of all together: says nothing
	medians := make([]time.Duration, len(contenders))
	for i, c := range contenders {
		medians[i] = median(blocks[i])
		b.ReportMetric(float64(medians[i])/1e3, c.name+"-µs")
	}
	return medians
}

// runsIn warms the contender up and returns how often it can run in a block.
func runsIn(b *testing.B, c contender) int {
	b.Helper()
	began, n := time.Now(), 0
	for ; n < 3 || time.Since(began) < block; n++ {
		if err := c.run(); err != nil {
			b.Fatalf("%s: %v", c.name, err)
		}
	}
	return max(1, int(int64(n)*int64(block)/int64(time.Since(began))))
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
