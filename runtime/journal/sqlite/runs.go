package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
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
	query, args := listQuery(f, after, limit+1)
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

// listQuery reads the head of one index for each status, in order, and merges
// them: whatever the filter, no more than limit rows of each are looked at.
func listQuery(f journal.Filter, after journal.Cursor, limit int) (string, []any) {
	where, rest := listWhere(f, after)
	var heads []string
	var args []any
	for code, status := range statuses {
		if f.Status != "" && f.Status != status || f.Outcome != "" && !endsBy(status) {
			continue
		}
		heads = append(heads, `SELECT * FROM (SELECT nr FROM runs WHERE status = ? AND `+where+` ORDER BY started DESC, nr DESC LIMIT ?)`)
		args = append(append(append(args, code), rest...), limit)
	}
	if len(heads) == 0 {
		heads = []string{"NULL"}
	}
	return `SELECT ` + summaryColumns + fromRuns +
		`WHERE r.nr IN (` + strings.Join(heads, " UNION ALL ") + `) ORDER BY r.started DESC, r.nr DESC LIMIT ?`, append(args, limit)
}

// endsBy tells whether a run of that status may have an outcome.
func endsBy(s run.Status) bool { return s == run.Completed || s == run.Failed }

func either(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

func listWhere(f journal.Filter, after journal.Cursor) (string, []any) {
	var terms []string
	var args []any
	add := func(term string, values ...any) {
		terms = append(terms, term)
		args = append(args, values...)
	}
	failing := f.Response >= 400 || f.Response == 4 || f.Response == 5
	// A + keeps SQLite from the index of that column: another finds fewer rows.
	if f.Flow != "" {
		add(either(failing, "+flow = ?", "flow = ?"), f.Flow)
	}
	if f.Outcome != "" {
		add(either(failing, "+outcome = ?", "outcome = ? AND outcome <> ''"), f.Outcome)
	}
	if failing {
		add("response >= 400")
	}
	switch {
	case f.Response >= 10:
		add("response = ?", f.Response)
	case f.Response > 0:
		add("response / 100 = ?", f.Response)
	}
	if !f.From.IsZero() {
		add("started >= ?", nanos(f.From))
	}
	if !f.To.IsZero() {
		add("started < ?", nanos(f.To))
	}
	if f.Cursor != "" {
		at := nanos(after.StartedAt)
		add("started <= ? AND (started < ? OR nr < ?)", at, at, after.Nr)
	}
	if len(terms) == 0 {
		add("TRUE")
	}
	return strings.Join(terms, " AND "), args
}
