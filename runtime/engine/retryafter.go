package engine

import (
	"net/http"
	"strconv"
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
// A date is held against the answer's own clock, if it tells.
func parseRetryAfter(headers map[string][]string, now time.Time) time.Duration {
	text := first(headers, "retry-after")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
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
