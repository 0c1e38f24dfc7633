package sqlite

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/wendflow/wend/runtime/run"
)

// statuses are kept by their places here, which never change.
var statuses = []run.Status{0: run.Running, 1: run.Waiting, 2: run.Completed, 3: run.Failed, 4: run.Cancelled, 5: run.Paused}

// statusOf is the status that is kept as code.
func statusOf(code int) (run.Status, error) {
	if code < 0 || code >= len(statuses) {
		return "", fmt.Errorf("status %d, which is none", code)
	}
	return statuses[code], nil
}

// statusCode is -1 for what is no status.
func statusCode(s run.Status) int { return slices.Index(statuses, s) }

var (
	lastTime  = time.Unix(0, math.MaxInt64)
	firstTime = time.Unix(0, math.MinInt64)
)

// nanos is how a time is kept; no time is 0. Times that int64 cannot hold
// (after the year 2262) become the last that it can.
func nanos(t time.Time) int64 {
	switch {
	case t.IsZero():
		return 0
	case t.After(lastTime):
		return math.MaxInt64
	case t.Before(firstTime):
		return math.MinInt64
	default:
		return t.UnixNano()
	}
}

// timeOf is the inverse of nanos.
func timeOf(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n).UTC()
}

// due is NULL if there is none, so that it takes no room in the index.
func due(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return nanos(t)
}

// optional is JSON, or NULL if there is nothing.
func optional(v any, given bool) (any, error) {
	if !given {
		return nil, nil
	}
	text, err := json.Marshal(v)
	return string(text), err
}

// blob makes no bytes an empty blob, for nil would be NULL.
func blob(data []byte) []byte {
	if data == nil {
		return []byte{}
	}
	return data
}
