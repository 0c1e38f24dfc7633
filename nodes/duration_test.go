package nodes_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/node"
)

func TestDurations(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	tests := map[string]time.Duration{ // 0: not a duration
		"200ms": 200 * time.Millisecond, "1h30m": 90 * time.Minute, "2d": 2 * day,
		"1d12h": 36 * time.Hour, "1.5d": 36 * time.Hour, "1.d": day, "0.5s": 500 * time.Millisecond,
		"36500d": 36500 * day,

		"5": 0, "d": 0, "1d1d": 0, "12h1d": 0, "-5s": 0, "+5s": 0, "-1d": 0, "1d-1h": 0, "1d ": 0, " 1d": 0,
		"1e3d": 0, "NaNd": 0, "36501d": 0, "876001h": 0, "99999999999999999999d": 0, "1 day": 0, "soon": 0,
	}
	for text, want := range tests {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			action, err := find(t, "delay").Step(context.Background(), node.Visit{Inputs: m{"for": text}})
			if want == 0 {
				begin := `inputs do not fit: for: "` + text + `"`
				if err == nil || !strings.HasPrefix(err.Error(), begin) {
					t.Errorf("delay for %q = %v, %v; want an error that begins %s", text, action, err, begin)
				}
				return
			}
			if err != nil || action != (node.Sleep{For: want}) {
				t.Errorf("delay for %q = %v, %v; want %s", text, action, err, want)
			}
		})
	}
}
