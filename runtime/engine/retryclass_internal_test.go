package engine

import (
	"testing"

	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

func TestRetryClass(t *testing.T) {
	t.Parallel()
	retry := flow.Retry{
		Max: 1, On: []string{"onError"},
		Classes: []flow.RetryClass{flow.Unreachable, flow.TimedOut, flow.RateLimited, flow.ServerError},
	}
	for _, tc := range []struct {
		name    string
		reply   *wire.Reply
		outcome string
		want    flow.RetryClass
		again   bool
	}{
		{"refused connection", &wire.Reply{Failure: wire.Unreachable}, "other", flow.Unreachable, true},
		{"late", &wire.Reply{Failure: wire.Timeout}, "other", flow.TimedOut, true},
		{"429", &wire.Reply{Status: 429}, "other", flow.RateLimited, true},
		{"500", &wire.Reply{Status: 500}, "other", flow.ServerError, true},
		{"503", &wire.Reply{Status: 503}, "other", flow.ServerError, true},
		{"404", &wire.Reply{Status: 404}, "other", "", false},
		{"404 by its outcome", &wire.Reply{Status: 404}, "onError", "", true},
		{"our own policy", &wire.Reply{Failure: wire.Refused}, "onError", flow.Hopeless, false},
		{"interrupted", &wire.Reply{Failure: wire.Interrupted}, "other", "", false},
		{"taken for a success", &wire.Reply{Status: 500}, "success", "", false},
		{"not answered", nil, "other", "", false},
	} {
		at := run.Position{Calls: []run.Call{{Reply: &wire.Reply{Status: 500}}, {Reply: tc.reply}}}
		got := retryClass(node.Outcomes{Success: "success"}, at, tc.outcome)
		if got != tc.want || retry.Takes(tc.outcome, got) != tc.again {
			t.Errorf("%s: class %q, tried again %t; want %q, %t", tc.name, got, !tc.again, tc.want, tc.again)
		}
	}
}
