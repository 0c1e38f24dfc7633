package spec

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/wendflow/wend/runtime/diag"
)

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

// atLeast bounds a duration from below.
type atLeast time.Duration

const (
	notNegative atLeast = 0
	positive    atLeast = 1
)

func (p *parser) duration(key Text, n *yaml.Node, least atLeast) Duration {
	s := p.scalar(key, n, `a duration such as "5s"`)
	if s == nil {
		return Duration{}
	}
	d, err := ParseDuration(s.Value)
	switch {
	case err != nil:
		e := p.list.Errorf(s.Text.Pos, diag.InvalidDuration, "%s: %v", quoted(key), err)
		if _, number := s.Data.(int); number {
			e.Hint = fmt.Sprintf(`did you mean "%ss"?`, s.Value)
		}
		if strings.Contains(s.Value, "$(") {
			e.Hint = "durations of the engine are fixed, templates are for `with`"
		}
		return Duration{}
	case d < time.Duration(least):
		p.list.Errorf(s.Text.Pos, diag.InvalidDuration, "%s is %s, expected a longer duration", quoted(key), s.Value)
		return Duration{}
	}
	return Duration{Value: d, Pos: s.Text.Pos}
}
