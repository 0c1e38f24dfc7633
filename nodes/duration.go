package nodes

import (
	"fmt"
	"time"

	"github.com/wendflow/wend/runtime/yamldoc"
)

// parseDuration reads a length of time that a node waits or keeps something.
func parseDuration(text string) (time.Duration, error) {
	d, err := yamldoc.ParseDuration(text)
	if err == nil && (d < 0 || d > mostDays*24*time.Hour) {
		return 0, fmt.Errorf("%q: expected a duration from 0 to %dd", text, mostDays)
	}
	return d, err
}

// mostDays is a hundred years, two of which a time.Duration can still hold.
const mostDays = 36500
