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
	wrong := fmt.Errorf(`%q is not a duration, expected one such as "200ms", "5s", "1h30m" or "2d"`, s)
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
	if err != nil || n*24*float64(time.Hour) > math.MaxInt64/2 {
		return 0, wrong
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
