package outbound

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// RetryAfter reads the header Retry-After, in seconds or as a date (RFC 9110,
// 10.2.3). A date is held against the answer's own clock, the header Date, if it
// tells. What is negative, in the past or none of both asks for nothing; what is
// too long for a duration is the longest.
func RetryAfter(text, date string, now time.Time) time.Duration {
	const most = math.MaxInt64 / uint64(time.Second)
	text = strings.TrimSpace(text)
	seconds, err := strconv.ParseUint(text, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(seconds, most)) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	if theirs, err := http.ParseTime(date); err == nil {
		now = theirs
	}
	return max(0, at.Sub(now))
}
