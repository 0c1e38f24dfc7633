package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/problem"
)

// query reads the parameters of a request and collects what is wrong with
// them.
type query struct {
	values url.Values
	known  []string // all that were asked for
	wrong  []problem.Field
}

func newQuery(r *http.Request) *query { return &query{values: r.URL.Query()} }

// problem is what is wrong, parameters that nobody asked for included. Call it
// last.
func (q *query) problem() error {
	var unknown []string
	for name := range q.values {
		if !slices.Contains(q.known, name) {
			unknown = append(unknown, name)
		}
	}
	slices.Sort(unknown)
	for _, name := range unknown {
		q.mistake(name, "is not known; %s", diag.Suggest(name, q.known))
	}
	if q.wrong == nil {
		return nil
	}
	p := problem.New(http.StatusBadRequest, "the parameters do not fit")
	p.Errors = q.wrong
	return p
}

// pageOf cuts a page out of a list that is there as a whole: what comes after the
// cursor, all of it unless a limit is given. key tells one from another, and is the
// cursor.
func pageOf[T any](q *query, all []T, key func(T) string) (page []T, next string) {
	limit, cursor := q.number("limit", 1, maxRuns), q.text("cursor")
	if cursor != "" {
		at := slices.IndexFunc(all, func(one T) bool { return key(one) == cursor })
		if at < 0 {
			q.wrongCursor(cursor)
			return nil, ""
		}
		all = all[at+1:]
	}
	if limit > 0 && limit < len(all) {
		return all[:limit], key(all[limit-1])
	}
	return all, ""
}

func (q *query) wrongCursor(cursor string) {
	q.mistake("cursor", "%q: expected the next of an earlier page of this list", cursor)
}

func (q *query) mistake(name, format string, a ...any) {
	q.wrong = append(q.wrong, problem.Field{Field: name, Message: fmt.Sprintf(format, a...)})
}

// text returns a parameter, "" if it is not given.
func (q *query) text(name string) string {
	q.known = append(q.known, name)
	if n := len(q.values[name]); n > 1 {
		q.mistake(name, "is given %d times, expected once", n)
	}
	return q.values.Get(name)
}

func (q *query) choice(name string, choices ...string) string {
	text := q.text(name)
	if text != "" && !slices.Contains(choices, text) {
		q.mistake(name, "%q: %s", text, diag.Suggest(text, choices))
	}
	return text
}

// number returns 0 if none is given.
func (q *query) number(name string, least, most int) int {
	text := q.text(name)
	if text == "" {
		return 0
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		q.mistake(name, "%q: expected a number from %d to %d", text, least, most)
	}
	return n
}

// labels returns those that are given as name=value, each in a parameter of its
// own; nil if there are none.
func (q *query) labels(param string) map[string]string {
	q.known = append(q.known, param)
	var labels map[string]string
	for _, text := range q.values[param] {
		name, value, ok := strings.Cut(text, "=")
		before, twice := labels[name]
		switch {
		case !ok || name == "" || value == "":
			q.mistake(param, "%q: expected name=value, such as channel=sms", text)
		case twice && before != value:
			q.mistake(param, "no run has both %s=%s and %s=%s", name, before, name, value)
		case labels == nil:
			labels = map[string]string{name: value}
		default:
			labels[name] = value
		}
	}
	return labels
}

// response returns a status, the first digit of one for a class such as 5xx, or 0
// if none is given.
func (q *query) response(name string) int {
	text := q.text(name)
	if text == "" {
		return 0
	}
	if class, all := strings.CutSuffix(text, "xx"); all && len(class) == 1 && "2" <= class && class <= "5" {
		return int(class[0] - '0')
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 200 || n > 599 {
		q.mistake(name, "%q: expected a status from 200 to 599, or 2xx, 3xx, 4xx or 5xx", text)
	}
	return n
}

// time returns the zero time if none is given.
func (q *query) time(name string) time.Time {
	text := q.text(name)
	if text == "" {
		return time.Time{}
	}
	// A + that was not escaped arrives as a space.
	t, err := time.Parse(time.RFC3339, strings.ReplaceAll(text, " ", "+"))
	if err != nil {
		q.mistake(name, "%q: expected a time as 2026-11-20T08:00:00Z (RFC 3339)", text)
	}
	return t
}
