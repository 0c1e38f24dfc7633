package engine

import (
	"time"

	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/run"
)

// retryAfter is how long the vendor asked us to wait in the last reply of an
// attempt, whichever node type made the call. How long a run waits for it its
// retry decides.
func retryAfter(at run.Position, now time.Time) time.Duration {
	if len(at.Calls) == 0 {
		return 0
	}
	last := at.Calls[len(at.Calls)-1].Reply
	if last == nil {
		return 0
	}
	return outbound.RetryAfter(first(last.Headers, "retry-after"), first(last.Headers, "date"), now)
}

func first(headers map[string][]string, name string) string {
	if values := headers[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}
