package engine

import (
	"net/http"

	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

// retryClass finds what kind of failure an attempt ended with in the last reply
// that it got, whichever node type made the call. A node that took that reply
// for a success did not fail.
func retryClass(outcomes node.Outcomes, at run.Position, outcome string) flow.RetryClass {
	if outcome == outcomes.Success || len(at.Calls) == 0 {
		return ""
	}
	last := at.Calls[len(at.Calls)-1].Reply
	switch {
	case last == nil:
		return ""
	case last.Failure == wire.Unreachable:
		return flow.Unreachable
	case last.Failure == wire.Timeout:
		return flow.TimedOut
	case last.Failure == wire.Refused:
		return flow.Hopeless
	case last.Status == http.StatusTooManyRequests:
		return flow.RateLimited
	case last.Status/100 == 5:
		return flow.ServerError
	default:
		return ""
	}
}
