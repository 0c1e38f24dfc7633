package flow

import (
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/spec"
	"github.com/wendflow/wend/runtime/yamldoc"
)

func TestRetryDelays(t *testing.T) {
	t.Parallel()
	written := func(d time.Duration) yamldoc.Duration {
		return yamldoc.Duration{Value: d, Pos: diag.Pos{Line: 1}}
	}
	for name, tc := range map[string]struct {
		in                spec.Retry
		delay, top, asked time.Duration
	}{
		"nothing written": {spec.Retry{}, 200 * time.Millisecond, 30 * time.Second, time.Hour},
		"a long delay":    {spec.Retry{Delay: written(time.Hour)}, time.Hour, time.Hour, time.Hour},
		"none":            {spec.Retry{Delay: written(0)}, 0, 30 * time.Second, time.Hour},
		"a short maximum": {spec.Retry{MaxDelay: written(time.Millisecond)}, time.Millisecond, time.Millisecond, time.Millisecond},
		"both":            {spec.Retry{Delay: written(time.Second), MaxDelay: written(time.Minute)}, time.Second, time.Minute, time.Minute},
	} {
		if got := retryOf(&tc.in); got.Delay != tc.delay || got.MaxDelay != tc.top || got.MaxAsked != tc.asked {
			t.Errorf("%s: delay %s up to %s, asked %s; want %s up to %s, %s", name, got.Delay, got.MaxDelay, got.MaxAsked, tc.delay, tc.top, tc.asked)
		}
	}
}
