package outbound_test

import (
	"math"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/outbound"
)

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	const longest = math.MaxInt64 / int64(time.Second)
	for name, test := range map[string]struct {
		after, date string
		want        time.Duration
	}{
		"nothing":                    {"", "", 0},
		"seconds":                    {"40", "", 40 * time.Second},
		"with spaces":                {" 40 ", "", 40 * time.Second},
		"none":                       {"0", "", 0},
		"negative":                   {"-40", "", 0},
		"a fraction":                 {"1.5", "", 0},
		"words":                      {"soon", "", 0},
		"68 years":                   {"2147483647", "", 2147483647 * time.Second},
		"too long for a duration":    {"9223372036854775807", "", time.Duration(longest) * time.Second},
		"too long for 64 bits":       {"99999999999999999999999999", "", time.Duration(longest) * time.Second},
		"a date":                     {"Fri, 20 Nov 2026 08:00:40 GMT", "", 40 * time.Second},
		"by the clock of the answer": {"Fri, 20 Nov 2026 08:00:40 GMT", "Fri, 20 Nov 2026 08:00:30 GMT", 10 * time.Second},
		"a date in the past":         {"Fri, 20 Nov 2026 07:00:00 GMT", "", 0},
		"a date far ahead":           {"Fri, 31 Dec 9999 23:59:59 GMT", "", math.MaxInt64},
	} {
		if got := outbound.RetryAfter(test.after, test.date, now); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}
