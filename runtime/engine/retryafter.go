package engine

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/run"
)

// retryAfter is how long the vendor asked us to wait in the last reply of an
// attempt, whichever node type made the call.
func retryAfter(at run.Position, now time.Time) time.Duration {
	if len(at.Calls) == 0 {
		return 0
	}
	last := at.Calls[len(at.Calls)-1].Reply
	if last == nil {
		return 0
	}
	return parseRetryAfter(last.Headers, now)
}

// parseRetryAfter reads Retry-After, in seconds or as a date (RFC 9110, 10.2.3).
// A date is held against the answer's own clock, if it tells. What is negative,
// in the past or none of both asks for nothing; what is too long for a duration
// is the longest. How long a run waits for it its retry decides.
func parseRetryAfter(headers map[string][]string, now time.Time) time.Duration {
	const most = math.MaxInt64 / uint64(time.Second)
	text := strings.TrimSpace(first(headers, "retry-after"))
	seconds, err := strconv.ParseUint(text, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, most)) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if date, err := http.ParseTime(first(headers, "date")); err == nil {
		now = date
	}
	return max(0, at.Sub(now))
}

func first(headers map[string][]string, name string) string {
	if values := headers[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}
