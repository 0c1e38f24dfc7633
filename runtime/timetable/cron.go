package timetable

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/robfig/cron/v3"
)

// fields of a cron line: what each takes, and the first and the last of it.
var fields = []struct {
	name, takes string
	first, last string
	size        int
}{
	{"minute", "0 to 59", "0", "59", 60},
	{"hour", "0 to 23", "0", "23", 24},
	{"day of the month", "1 to 31", "1", "31", 31},
	{"month", "1 to 12, or jan to dec", "1", "12", 12},
	{"day of the week", "0 (Sunday) to 6, or sun to sat", "0", "6", 7},
}

const example = `"0 7 * * mon-fri" is each working day at 7:00`

func parse(line string) (*cron.SpecSchedule, error) {
	given := strings.Fields(line)
	wrong := func(hint, format string, a ...any) error {
		return &Error{Input: "cron", Msg: fmt.Sprintf(format, a...), Hint: hint}
	}
	switch {
	case len(given) == 0:
		return nil, wrong(example, "cron is empty")
	case strings.Contains(given[0], "="): // the library knows one, and takes it for the zone
		return nil, wrong("the zone goes into timezone", "cron %q: expected five fields, and nothing before them", line)
	case strings.HasPrefix(given[0], "cron("):
		return nil, wrong("write five fields, without cron( ) around them and with * for ?; "+example, "cron %q: expected five fields", line)
	case strings.HasPrefix(given[0], "rate("), given[0] == "every":
		return nil, wrong("write every in the place of cron, such as every: 5m", "cron %q: expected five fields", line)
	case given[0] == "@every" && len(given) == 2:
		return nil, wrong(fmt.Sprintf("write every: %s in the place of cron", given[1]), "cron %q: expected five fields", line)
	case strings.HasPrefix(given[0], "@"):
		return nil, wrong(named(given[0]), "cron %q: expected five fields", line)
	case len(given) == len(fields)+1 && given[0] == "0":
		return nil, wrong(fmt.Sprintf("seconds are not among them: write %q", strings.Join(given[1:], " ")), "cron %q has six fields, expected five: minute, hour, day of the month, month, day of the week", line)
	case len(given) == len(fields)+1:
		return nil, wrong("seconds are not among them; for those write every, such as every: 10s", "cron %q has six fields, expected five: minute, hour, day of the month, month, day of the week", line)
	case len(given) != len(fields):
		return nil, wrong(example, "cron %q has %d fields, expected five: minute, hour, day of the month, month, day of the week", line, len(given))
	}
	for i, f := range fields {
		if parses(i, given[i]) {
			continue
		}
		msg, hint := explain(i, given[i])
		return nil, wrong(hint, "cron %q: the %s is %q, %s", line, f.name, given[i], msg)
	}
	s, err := cron.ParseStandard(line)
	if err != nil {
		return nil, wrong(example, "cron %q: %s", line, err)
	}
	return s.(*cron.SpecSchedule), nil
}

// parses tells whether text can stand as the i-th field.
func parses(i int, text string) bool {
	one := []string{"*", "*", "*", "*", "*"}
	one[i] = text
	_, err := cron.ParseStandard(strings.Join(one, " "))
	return err == nil
}

var (
	backwards = regexp.MustCompile(`^([0-9A-Za-z]+)-([0-9A-Za-z]+)$`)
	stepOf    = regexp.MustCompile(`/([0-9]+)$`)
)

// explain says what is wrong with the i-th field, and what to write.
func explain(i int, text string) (msg, hint string) {
	f := fields[i]
	for part := range strings.SplitSeq(text, ",") {
		if m := stepOf.FindStringSubmatch(part); m != nil && strings.Trim(m[1], "0") == "" {
			return "a step of 0", "each one is *, and every third */3"
		}
		m := backwards.FindStringSubmatch(part)
		if m == nil {
			continue
		}
		// The two halves of what was meant, which the library takes if each end is one.
		first, last := f.first, f.last
		if f.size == 7 && !isDigit(m[1][0]) {
			first, last = "sun", "sat"
		}
		if f.size == 12 && !isDigit(m[1][0]) {
			first, last = "jan", "dec"
		}
		halves := m[1] + "-" + last + "," + first + "-" + m[2]
		if !parses(i, part) && parses(i, halves) {
			return "a span that runs backwards", fmt.Sprintf("write %q for what goes on from %s to %s", halves, last, first)
		}
	}
	switch {
	case f.size == 7 && strings.Contains(text, "7"):
		hint = "Sunday is 0: 6-7 is 6,0 here, and 1-7 is *"
	case strings.ContainsAny(text, "LW#"):
		hint = "L, W and # of other tools are not known here; tick on more days, and let a branch of \"evaluate\" choose"
	default:
		hint = "a list is 1,2,3, a span 1-5, and every third */3"
	}
	return "expected " + f.takes, hint
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// Doubt says what of a cron line cannot be meant though it has a meaning; "" if
// nothing.
func Doubt(line string) (msg, hint string) {
	given := strings.Fields(line)
	if len(given) != len(fields) {
		return "", ""
	}
	for i, f := range fields {
		m := stepOf.FindStringSubmatch(given[i])
		if m == nil || !strings.HasPrefix(given[i], "*") {
			continue
		}
		if step, err := strconv.Atoi(m[1]); err != nil || step < f.size {
			continue
		}
		hint = "write " + f.first + " if that is meant"
		if i == 0 {
			hint = fmt.Sprintf("write every: %sm in the place of cron, or %s if that is meant", m[1], f.first)
		}
		return fmt.Sprintf("cron %q: the %s is %q, a step beyond its end: that is %s alone", line, f.name, given[i], f.first), hint
	}
	return "", ""
}

// named says in five fields what other tools have a name for.
func named(name string) string {
	lines := map[string]string{
		"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
		"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
	}
	if line := lines[name]; line != "" {
		return fmt.Sprintf("%s is %q", name, line)
	}
	return example
}
