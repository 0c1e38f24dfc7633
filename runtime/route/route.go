// Package route is the paths of webhooks: what fits one, and which of two is
// meant. It knows no methods and serves nothing.
package route

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Route is a path in which a segment may stand for any text. Immutable; the
// zero Route is one that nothing fits.
type Route struct {
	segments []segment
}

// segment is either a text or, with a name, any text.
type segment struct{ text, name string }

// String returns the path as it was written, without slashes at its ends.
func (r Route) String() string {
	parts := make([]string, len(r.segments))
	for i, s := range r.segments {
		parts[i] = s.text
		if s.name != "" {
			parts[i] = "{" + s.name + "}"
		}
	}
	return strings.Join(parts, "/")
}

// Names are those of the segments that stand for any text, from left to right.
func (r Route) Names() []string {
	var names []string
	for _, s := range r.segments {
		if s.name != "" {
			names = append(names, s.name)
		}
	}
	return names
}

// Len is how many segments the path has.
func (r Route) Len() int { return len(r.segments) }

var (
	plain = regexp.MustCompile(`^[A-Za-z0-9._~-]+$`)
	named = regexp.MustCompile(`^\{([A-Za-z_][A-Za-z0-9_]*)\}$`)
)

// Error says what is wrong with a path, and what to try.
type Error struct{ Msg, Hint string }

func (e *Error) Error() string { return e.Msg }

// Parse reads a path such as /orders/{id}/lines. The error is an *Error.
func Parse(path string) (Route, error) {
	fail := func(hint, format string, a ...any) (Route, error) {
		return Route{}, &Error{fmt.Sprintf("path %q: ", path) + fmt.Sprintf(format, a...), hint}
	}
	const expected = "expected one such as /sms/ended or /orders/{id}"
	rest, rooted := strings.CutPrefix(path, "/")
	if !rooted {
		return fail(meant(path, "/"+path), expected)
	}
	var r Route
	for _, part := range strings.Split(rest, "/") {
		name := named.FindStringSubmatch(part)
		switch {
		case name != nil && slices.Contains(r.Names(), name[1]):
			return fail("each has a name of its own", "%q stands in it twice", part)
		case name != nil:
			r.segments = append(r.segments, segment{name: name[1]})
		case part == ".", part == "..": // which clients resolve on their own
			return fail(signs, expected)
		case plain.MatchString(part):
			r.segments = append(r.segments, segment{text: part})
		case strings.HasPrefix(part, ":") && named.MatchString("{"+part[1:]+"}"):
			return fail(fmt.Sprintf("a name stands in { }, with quotes around the path: %q", strings.Replace(path, part, "{"+part[1:]+"}", 1)), expected)
		case strings.ContainsAny(part, "{}"):
			return fail("it is one whole segment, with a name of letters, digits and _: /orders/{id}", "%q is no parameter", part)
		case part == "*" || part == "**":
			return fail(fmt.Sprintf("a segment that may be anything has a name: %q, in quotes", strings.Replace(path, part, "{rest}", 1)), expected)
		default:
			return fail(meant(path, path), expected)
		}
	}
	return r, nil
}

// address is what stands before the path where people write all of an address.
var address = regexp.MustCompile(`^/?https?://[^/]*`)

// meant says which path is likely meant by another: one without what stands before and
// behind it in an address.
func meant(path, rooted string) string {
	bare, query, _ := strings.Cut(address.ReplaceAllString(rooted, ""), "?")
	bare = "/" + strings.Trim(bare, `/“”‘’ `)
	if bare == path {
		return signs
	}
	if _, err := Parse(bare); err != nil {
		return signs
	}
	hint := fmt.Sprintf("did you mean %q?", bare)
	if query != "" {
		hint += " A query is described by the input query"
	}
	return hint
}

const signs = "letters, digits and . _ ~ - between slashes"

// Split returns the segments of a request's path, which is escaped. A slash
// that is escaped belongs to its segment. Slashes at the ends say nothing.
func Split(escaped string) ([]string, error) {
	parts := strings.Split(strings.Trim(escaped, "/"), "/")
	for i, part := range parts {
		text, err := url.PathUnescape(part)
		if err != nil {
			return nil, err
		}
		parts[i] = text
	}
	return parts, nil
}

// Match returns the texts for which the names stand, if a path fits.
func (r Route) Match(segments []string) (map[string]string, bool) {
	if len(segments) != len(r.segments) || len(segments) == 0 {
		return nil, false
	}
	params := map[string]string{}
	for i, s := range r.segments {
		switch {
		case s.name != "" && segments[i] != "":
			params[s.name] = segments[i]
		case s.name != "" || s.text != segments[i]:
			return nil, false
		}
	}
	return params, true
}

// Order says which of two routes is meant where a path fits both: the one that
// says more. Below 0 it is a, above 0 b, and 0 where no path fits both. Not ok is
// that paths fit both, and neither says more.
func Order(a, b Route) (order int, ok bool) {
	if disjoint(a, b) {
		return 0, true
	}
	for i := range a.segments {
		more := 0
		switch {
		case a.segments[i].name == "" && b.segments[i].name != "":
			more = -1
		case a.segments[i].name != "" && b.segments[i].name == "":
			more = 1
		}
		if more != 0 && order == -more {
			return 0, false
		}
		if more != 0 {
			order = more
		}
	}
	return order, order != 0
}

func disjoint(a, b Route) bool {
	if len(a.segments) != len(b.segments) {
		return true
	}
	for i, s := range a.segments {
		if t := b.segments[i]; s.name == "" && t.name == "" && s.text != t.text {
			return true
		}
	}
	return false
}
