package data

import (
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// Cut returns a value as people are shown it: whole if it takes at most so many
// bytes as JSON, else a smaller one in its place, which takes about as many. A
// text ends with how many bytes are missing, a list with how many items, and an
// object has that under the name "…". The parts of a list or object that come
// first get most of the room.
func Cut(v any, most int) (shown any, cut bool) {
	if _, err := Measure(v, most); err == nil {
		return v, false
	}
	shown, _ = cutTo(v, most, 0)
	return shown, true
}

const (
	// leastPart is what each part gets, however little room is left.
	leastPart = 32
	// shownDepth is how deep it is worth to look.
	shownDepth = 50
)

// cutTo also returns how many bytes it used.
func cutTo(v any, room, depth int) (shown any, used int) {
	if size, err := Measure(v, room); err == nil {
		return v, size.JSON
	}
	switch v := v.(type) {
	case string:
		at := min(room, len(v))
		for at > 0 && at < len(v) && !utf8.RuneStart(v[at]) {
			at--
		}
		return fmt.Sprintf("%s… %d more bytes", v[:at], len(v)-at), room
	case []any:
		list := []any{}
		for i, e := range v {
			if used >= room || depth == shownDepth {
				return append(list, fmt.Sprintf("… %d more items", len(v)-i)), used + leastPart
			}
			part, took := cutTo(e, max((room-used)/2, leastPart), depth+1)
			list, used = append(list, part), used+took+1
		}
		return list, used
	case map[string]any:
		object := make(map[string]any)
		for i, name := range slices.Sorted(maps.Keys(v)) {
			if used >= room || depth == shownDepth {
				object["…"] = fmt.Sprintf("%d more", len(v)-i)
				return object, used + leastPart
			}
			part, took := cutTo(v[name], max((room-used)/2, leastPart), depth+1)
			object[shortName(name)], used = part, used+took+len(name)+4
		}
		return object, used
	default:
		return fmt.Sprintf("… a %T", v), leastPart
	}
}

// shortName is a name that is no long value itself.
func shortName(name string) string {
	const longest = 200
	if len(name) <= longest {
		return name
	}
	at := longest
	for at > 0 && !utf8.RuneStart(name[at]) {
		at--
	}
	return fmt.Sprintf("%s… %d more bytes", name[:at], len(name)-at)
}
