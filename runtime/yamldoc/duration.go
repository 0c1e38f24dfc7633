package yamldoc

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/diag"
)

// Duration is a length of time as written, such as 200ms, 5s or 1d. A zero Pos
// means that it was not written.
type Duration struct {
	Value time.Duration
	Pos   diag.Pos
}

var days = regexp.MustCompile(`^([0-9]+(?:\.[0-9]*)?)d`)

// ParseDuration reads a duration as Go writes it, with days before the rest:
// 200ms, 1h30m, 2d, 1d12h. A day is 24 hours.
func ParseDuration(s string) (time.Duration, error) {
	wrong := fmt.Errorf(`%q is not a duration, expected one such as "200ms", "5s", "1h30m" or "2d"%s`, s, meantDuration(s))
	rest := strings.TrimPrefix(s, "-")
	m := days.FindStringSubmatch(rest)
	if m == nil {
		d, err := time.ParseDuration(s)
		if err != nil || strings.HasPrefix(s, "+") {
			return 0, wrong
		}
		return d, nil
	}
	n, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0, wrong
	}
	if n*24*float64(time.Hour) > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is longer than the longest duration, 50000d", s)
	}
	d := time.Duration(n * 24 * float64(time.Hour))
	if rest = rest[len(m[0]):]; rest != "" {
		more, err := time.ParseDuration(rest)
		if err != nil || more < 0 || more > math.MaxInt64/2 || strings.HasPrefix(rest, "+") {
			return 0, wrong
		}
		d += more
	}
	if strings.HasPrefix(s, "-") {
		d = -d
	}
	return d, nil
}

// Durations as people write them elsewhere: with a word for the unit, and as ISO 8601
// has them.
var (
	inWords = regexp.MustCompile(`(?i)^\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)\s*$`)
	asISO   = regexp.MustCompile(`(?i)^P(?:([0-9]+)W)?(?:([0-9]+)D)?(?:T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)S)?)?$`)
)

// meantDuration says behind a mistake which duration somebody likely meant, or nothing.
func meantDuration(s string) string {
	var meant string
	if m := inWords.FindStringSubmatch(s); m != nil {
		switch strings.ToLower(m[2]) {
		case "ms", "msec", "msecs", "milli", "millis", "millisecond", "milliseconds":
			meant = m[1] + "ms"
		case "s", "sec", "secs", "second", "seconds":
			meant = m[1] + "s"
		case "m", "min", "mins", "minute", "minutes":
			meant = m[1] + "m"
		case "h", "hr", "hrs", "hour", "hours":
			meant = m[1] + "h"
		case "d", "day", "days":
			meant = m[1] + "d"
		case "w", "week", "weeks":
			if n, err := strconv.Atoi(m[1]); err == nil && n < 1000 {
				meant = strconv.Itoa(7*n) + "d"
			}
		}
	}
	if m := asISO.FindStringSubmatch(s); m != nil {
		if n, err := strconv.Atoi(m[1]); err == nil && n < 1000 {
			meant = strconv.Itoa(7*n) + "d"
		}
		for i, unit := range []string{"d", "h", "m", "s"} {
			if m[i+2] != "" {
				meant += m[i+2] + unit //nolint:perfsprint // four times at most
			}
		}
	}
	if _, err := time.ParseDuration(strings.Replace(meant, "d", "h", 1)); meant == "" || err != nil {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", meant)
}

// FormatDuration writes a duration as people do, and ParseDuration reads: 1h30m, 2d.
func FormatDuration(d time.Duration) string {
	const day = 24 * time.Hour
	if d != 0 && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if rest, ok := strings.CutSuffix(text, zero); ok {
			text = rest + zero[:1]
		}
	}
	return text
}
