package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

// Runs implements journal.History.
func (s *Store) Runs(ctx context.Context, f journal.Filter) (journal.Page, error) {
	after, err := journal.ParseCursor(f.Cursor)
	if err != nil {
		return journal.Page{}, err
	}
	limit := cmp.Or(max(f.Limit, 0), journal.DefaultLimit)
	lead, err := s.lead(ctx, f)
	if err != nil {
		return journal.Page{}, fmt.Errorf("list runs: %w", err)
	}
	query, args := listQuery(f, after, limit+1, lead)
	var page journal.Page
	var next journal.Cursor
	err = s.query(ctx, query, args, func(rows *sql.Rows) error {
		nr, sum, err := scanSummary(rows)
		switch {
		case err != nil:
			return err
		case len(page.Runs) == limit:
			page.Next = next.String()
		default:
			next = journal.Cursor{StartedAt: sum.StartedAt, Nr: nr}
			page.Runs = append(page.Runs, sum)
		}
		return nil
	})
	if err != nil {
		return journal.Page{}, fmt.Errorf("list runs: %w", err)
	}
	return page, nil
}

// manyRuns is how many runs make a label one that many have.
const manyRuns = 1000

const sqlCountLabel = `SELECT count(*) FROM (SELECT 1 FROM labels WHERE name = ? AND value = ? LIMIT ?)`

// lead returns the label in whose order a list is to be read: the one that the
// fewest runs have. It is "" if another index is better.
func (s *Store) lead(ctx context.Context, f journal.Filter) (lead string, err error) {
	if f.Key != "" || f.Parent != "" {
		return "", nil
	}
	fewest := manyRuns + 1
	names := slices.Sorted(maps.Keys(f.Labels))
	switch {
	case f.Outcome != "" || failing(f):
		fewest = manyRuns // of which there are fewer, as a rule
	case len(names) == 1:
		return names[0], nil
	}
	for _, name := range names {
		var n int
		err := s.query(ctx, sqlCountLabel, []any{name, f.Labels[name], manyRuns}, func(rows *sql.Rows) error { return rows.Scan(&n) })
		if err != nil {
			return "", err
		}
		if n < fewest {
			lead, fewest = name, n
		}
	}
	return lead, nil
}

// failing tells whether answers are asked for that have an index.
func failing(f journal.Filter) bool { return f.Response >= 400 || f.Response == 4 || f.Response == 5 }

// listQuery reads the head of one index for each status, in order, and merges
// them: whatever the one filter, no more than limit rows of each are looked at.
// Of several filters the one that leaves the fewest runs chooses the index; rows
// of it that the others do not want are skipped.
func listQuery(f journal.Filter, after journal.Cursor, limit int, lead string) (string, []any) {
	from, l := "runs", listing{p: "runs."}
	if lead != "" {
		// CROSS JOIN keeps SQLite from beginning with the other table.
		from, l = "labels l CROSS JOIN runs ON runs.nr = l.nr", listing{p: "l.", lead: lead}
	}
	l.filter(f, after)
	where, order := strings.Join(l.terms, " AND "), l.p+"started DESC, "+l.p+"nr DESC"
	var heads []string
	var args []any
	for code, status := range statuses {
		if f.Status != "" && f.Status != status || f.Outcome != "" && !endsBy(status) {
			continue
		}
		heads = append(heads, `SELECT * FROM (SELECT `+l.p+`nr FROM `+from+` WHERE `+l.p+`status = ? AND `+where+` ORDER BY `+order+` LIMIT ?)`)
		args = append(append(append(args, code), l.args...), limit)
	}
	if len(heads) == 0 {
		heads = []string{"NULL"}
	}
	return `SELECT ` + summaryColumns + fromRuns +
		`WHERE r.nr IN (` + strings.Join(heads, " UNION ALL ") + `) ORDER BY r.started DESC, r.nr DESC LIMIT ?`, append(args, limit)
}

// endsBy tells whether a run of that status may have an outcome.
func endsBy(s run.Status) bool { return s == run.Completed || s == run.Failed || s == run.Paused }

// listing is the condition of one head of a list.
type listing struct {
	p     string // prefix of the table in whose order the list is read
	lead  string // the label that chooses, or ""
	terms []string
	args  []any
}

func (l *listing) add(term string, values ...any) {
	l.terms = append(l.terms, term)
	l.args = append(l.args, values...)
}

func (l *listing) filter(f journal.Filter, after journal.Cursor) {
	l.add("TRUE")
	l.labels(f)
	few := f.Key != "" || f.Parent != "" || l.lead != ""
	if f.Parent != "" {
		l.add(either(f.Key != "", "+parent = ?", "parent = ?"), idKey(f.Parent))
	}
	if f.Key != "" {
		l.add("key = ? AND key <> ''", f.Key)
	}
	// A + keeps SQLite from the index of that column: another finds fewer rows.
	if f.Flow != "" {
		l.add(either(few || failing(f), "+flow = ?", "flow = ?"), f.Flow)
	}
	if f.Outcome != "" {
		l.add(either(few || failing(f), "+outcome = ?", "outcome = ? AND outcome <> ''"), f.Outcome)
	}
	if failing(f) && !few {
		l.add("response >= 400")
	}
	switch {
	case f.Response >= 10:
		l.add("response = ?", f.Response)
	case f.Response > 0:
		l.add("response / 100 = ?", f.Response)
	}
	if !f.From.IsZero() {
		l.add(l.p+"started >= ?", nanos(f.From))
	}
	if !f.To.IsZero() {
		l.add(l.p+"started < ?", nanos(f.To))
	}
	if f.Cursor != "" {
		at := nanos(after.StartedAt)
		l.add(l.p+"started <= ? AND ("+l.p+"started < ? OR "+l.p+"nr < ?)", at, at, after.Nr)
	}
}

// labels asks for the label in whose order the list is read, and looks up the
// others.
func (l *listing) labels(f journal.Filter) {
	for _, name := range slices.Sorted(maps.Keys(f.Labels)) {
		if name == l.lead {
			l.add("l.name = ? AND l.value = ?", name, f.Labels[name])
			continue
		}
		l.add(`EXISTS (SELECT 1 FROM labels m WHERE m.name = ? AND m.value = ? AND m.status = `+l.p+`status AND m.started = `+
			l.p+`started AND m.nr = `+l.p+`nr)`, name, f.Labels[name])
	}
}

func either(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}
