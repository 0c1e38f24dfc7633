package sqlite_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/journal/sqlite"
	"github.com/wendflow/wend/runtime/run"
)

// TestNothingScans asks SQLite how it would answer each query: always by an
// index, so that a million runs cost no more than a hundred.
func TestNothingScans(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir).Close()
	db, err := sql.Open("sqlite", filepath.Join(dir, sqlite.File))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })

	for name, query := range sqlite.Queries {
		t.Run(name, func(t *testing.T) {
			explain(t, db, query, anything(query))
		})
	}
	for i := range 1 << 11 {
		var f journal.Filter
		var after journal.Cursor
		for bit, set := range []func(){
			func() { f.Flow = "flow" }, func() { f.Status = run.Completed }, func() { f.Outcome = "success" },
			func() { f.Response = 502 }, func() { f.Response = 5 },
			func() { f.Key = "key" }, func() { f.Labels = map[string]string{"a": "1", "b": "2"} },
			func() { f.Parent = "p" },
			func() { f.From = noon }, func() { f.To = noon.Add(time.Hour) },
			func() { after = journal.Cursor{StartedAt: noon, Nr: 7}; f.Cursor = after.String() },
		} {
			if i&(1<<bit) != 0 {
				set()
			}
		}
		leads := []string{""}
		if f.Labels != nil && f.Key == "" && f.Parent == "" {
			leads = append(leads, "b")
		}
		for _, lead := range leads {
			t.Run(fmt.Sprintf("list %+v by %q", f, lead), func(t *testing.T) {
				query, args := sqlite.ListQuery(f, after, lead)
				explain(t, db, query, args)
			})
		}
	}
}

// anything is a value for each parameter of a query.
func anything(query string) []any {
	n := strings.Count(query, "?")
	for i := range 4 {
		if numbered := strings.Count(query, fmt.Sprintf("?%d", i)); numbered > 0 {
			n -= numbered - 1
		}
	}
	args := make([]any, n)
	for i := range args {
		args[i] = 1
	}
	return args
}

func explain(t *testing.T, db *sql.DB, query string, args []any) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan []string
	bad := false
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, detail)
		// Subqueries are scanned after their LIMIT; there are few definitions.
		for _, table := range []string{"runs", "labels", "l", "m", "r", "events", "e", "dedupe", "mailbox", "ticks", "store"} {
			bad = bad || detail == "SCAN "+table || strings.HasPrefix(detail, "SCAN "+table+" ")
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	if bad {
		t.Errorf("%s\n%s", query, strings.Join(plan, "\n"))
	}
	t.Log(strings.Join(plan, "\n"))
}
