package timetable

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/diag"
)

// The zones that Go brings, one a line: unzip -Z1 $(go env GOROOT)/lib/time/zoneinfo.zip | grep -v '/$' | LC_ALL=C sort
//
//go:embed zones.txt
var zoneLines string

// Zones are the names of time zones that are found on every machine.
func Zones() []string { return strings.Fields(zoneLines) }

func loadZone(name string) (*time.Location, error) {
	if name == "" {
		return time.UTC, nil
	}
	if name == "Local" {
		return nil, &Error{Input: "timezone", Msg: `timezone "Local" depends on the machine`, Hint: `name the one that is meant, such as "Europe/Zurich"`}
	}
	known := Zones()
	// Some file systems find a zone in whatever letters.
	like := slices.IndexFunc(known, func(z string) bool { return strings.EqualFold(z, name) })
	loc, err := time.LoadLocation(name)
	if err == nil && (like < 0 || slices.Contains(known, name)) {
		return loc, nil
	}
	e := &Error{Input: "timezone", Msg: fmt.Sprintf("timezone %q is not known", name)}
	switch {
	case like >= 0:
		e.Hint = fmt.Sprintf("did you mean %q?", known[like])
	default:
		e.Hint = suggestZone(name, known)
	}
	return nil, e
}

// suggestZone looks at the zones of the same part of the world, and then at cities
// that begin with the same letter: of all zones diag.Nearest would look at half.
func suggestZone(name string, known []string) string {
	word := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(name), " ", "_"))
	area, city := "", word
	if i := strings.LastIndex(word, "/"); i >= 0 {
		area, city = word[:i+1], word[i+1:]
	}
	var same, cities []string
	of := map[string]string{}
	for _, zone := range known {
		lower := strings.ToLower(zone)
		if area != "" && strings.HasPrefix(lower, area) {
			same = append(same, zone)
		}
		if c := lower[strings.LastIndex(lower, "/")+1:]; city != "" && c[0] == city[0] && of[c] == "" {
			of[c], cities = zone, append(cities, c)
		}
	}
	near := diag.Nearest(word, same)
	if near == "" {
		near = of[diag.Nearest(city, cities)]
	}
	if near == "" {
		return `expected one such as "Europe/Zurich" or "UTC"`
	}
	return fmt.Sprintf("did you mean %q?", near)
}
