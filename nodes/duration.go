package nodes

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

var duration = regexp.MustCompile(`^(?:([0-9]+(?:\.[0-9]*)?)d)?([0-9].*)?$`)

// parseDuration reads a length of time as a flow writes it anywhere: Go's
// syntax with days before the rest, "200ms", "1h30m", "1d12h". A day is 24
// hours.
func parseDuration(text string) (time.Duration, error) {
	mistake := fmt.Errorf(`%q is not a duration, expected one such as "200ms", "5s", "1h30m" or "2d"`, text)
	parts := duration.FindStringSubmatch(text)
	if text == "" || parts == nil {
		return 0, mistake
	}
	var d time.Duration
	if parts[1] != "" {
		days, err := strconv.ParseFloat(parts[1], 64)
		if err != nil || days > mostDays {
			return 0, mistake
		}
		d = time.Duration(days * 24 * float64(time.Hour))
	}
	if parts[2] != "" {
		rest, err := time.ParseDuration(parts[2])
		if err != nil || rest > mostDays*24*time.Hour {
			return 0, mistake
		}
		d += rest
	}
	return d, nil
}

// mostDays is a hundred years, two of which a time.Duration can still hold.
const mostDays = 36500
