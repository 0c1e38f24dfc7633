package timetable

import (
	"fmt"
	"strings"

	"github.com/robfig/cron/v3"
)

// fields of a cron line.
var fields = []struct{ name, takes string }{
	{"minute", "0 to 59"},
	{"hour", "0 to 23"},
	{"day of the month", "1 to 31"},
	{"month", "1 to 12, or jan to dec"},
	{"day of the week", "0 (Sunday) to 6, or sun to sat"},
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
	case given[0] == "@every" && len(given) == 2:
		return nil, wrong(fmt.Sprintf("write every: %s in the place of cron", given[1]), "cron %q: expected five fields", line)
	case strings.HasPrefix(given[0], "@"):
		return nil, wrong(named(given[0]), "cron %q: expected five fields", line)
	case len(given) == len(fields)+1:
		return nil, wrong("seconds are not among them; for those write every, such as every: 10s", "cron %q has six fields, expected five: minute, hour, day of the month, month, day of the week", line)
	case len(given) != len(fields):
		return nil, wrong(example, "cron %q has %d fields, expected five: minute, hour, day of the month, month, day of the week", line, len(given))
	}
	for i, f := range fields {
		one := []string{"*", "*", "*", "*", "*"}
		one[i] = given[i]
		if _, err := cron.ParseStandard(strings.Join(one, " ")); err == nil {
			continue
		}
		hint := "a list is 1,2,3, a span 1-5, and every third */3"
		if f.name == "day of the week" && strings.Contains(given[i], "7") {
			hint = "Sunday is 0"
		}
		return nil, wrong(hint, "cron %q: the %s is %q, expected %s", line, f.name, given[i], f.takes)
	}
	s, err := cron.ParseStandard(line)
	if err != nil {
		return nil, wrong(example, "cron %q: %s", line, err)
	}
	return s.(*cron.SpecSchedule), nil
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
