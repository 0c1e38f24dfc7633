package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

const sqlEvents = `SELECT e.data FROM runs r JOIN events e ON e.at BETWEEN r.nr << 22 AND r.nr << 22 | 4194303
	WHERE r.id = ? ORDER BY e.at`

// Events implements journal.Journal.
func (s *Store) Events(ctx context.Context, id string) ([]run.Event, error) {
	var events []run.Event
	err := s.query(ctx, sqlEvents, []any{idKey(id)}, func(rows *sql.Rows) (err error) {
		var data sql.RawBytes
		if err := rows.Scan(&data); err != nil {
			return err
		}
		events, err = decode(events, data)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read run %q: %w", id, err)
	}
	if len(events) == 0 {
		return nil, fmt.Errorf("run %q: %w", id, journal.ErrNotFound)
	}
	return events, nil
}

// query calls scan for each row.
func (s *Store) query(ctx context.Context, query string, args []any, scan func(*sql.Rows) error) error {
	if err := s.writer.usable(ctx); err != nil {
		return err
	}
	rows, err := s.reader.QueryContext(ctx, query, args...)
	if err != nil {
		return cmp.Or(s.writer.usable(ctx), s.explain(err))
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what went wrong
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return s.explain(rows.Err())
}

const summaryColumns = `r.nr, r.id, d.flow, d.digest, d.plugins, r.trigger_node, r.retry_of, r.parent_place, r.key, r.labels, r.started,
	r.events, r.status, r.node, r.outcome, r.code, r.reason, r.error, r.response, r.updated, r.ended, r.due, r.awaits_name, r.awaits_key`

const fromRuns = ` FROM runs r JOIN definitions d ON d.nr = r.definition `

// scanSummary reads summaryColumns.
func scanSummary(rows *sql.Rows) (nr int64, s journal.Summary, err error) {
	var id, retryOf any
	var plugins, labels, failure, parent []byte
	var status int
	var started, updated, ended int64
	var due sql.NullInt64
	var name, key sql.NullString
	err = rows.Scan(&nr, &id, &s.Flow, &s.FlowDigest, &plugins, &s.Trigger, &retryOf, &parent, &s.Key, &labels, &started,
		&s.Events, &status, &s.Node, &s.Outcome, &s.Code, &s.Reason, &failure, &s.Response, &updated, &ended, &due, &name, &key)
	if err != nil {
		return 0, s, err
	}
	if s.Status, err = statusOf(status); err != nil {
		return 0, s, fmt.Errorf("run %s has %w", idOf(id), err)
	}
	s.ID, s.RetryOf = idOf(id), idOf(retryOf)
	s.StartedAt, s.UpdatedAt, s.EndedAt, s.Due = timeOf(started), timeOf(updated), timeOf(ended), timeOf(due.Int64)
	if name.Valid {
		s.Awaits = &journal.Awaited{Name: name.String, Key: key.String}
	}
	if failure != nil {
		err = json.Unmarshal(failure, &s.Error)
	}
	if parent != nil {
		err = errors.Join(err, json.Unmarshal(parent, &s.Parent))
	}
	if labels != nil {
		err = errors.Join(err, json.Unmarshal(labels, &s.Labels))
	}
	return nr, s, errors.Join(err, json.Unmarshal(plugins, &s.Plugins))
}

// Find implements journal.History.
func (s *Store) Find(ctx context.Context, id string) (journal.Summary, error) {
	sum := journal.Summary{}
	err := s.query(ctx, `SELECT `+summaryColumns+fromRuns+`WHERE r.id = ?`, []any{idKey(id)}, func(rows *sql.Rows) (err error) {
		_, sum, err = scanSummary(rows)
		return err
	})
	if err == nil && sum.ID == "" {
		err = journal.ErrNotFound
	}
	if err != nil {
		return sum, fmt.Errorf("run %q: %w", id, err)
	}
	return sum, nil
}

// sqlMatch reads the index of ids and nothing else.
const sqlMatch = `SELECT id FROM runs WHERE CASE typeof(id)
	WHEN 'blob' THEN substr(hex(id), 1, length(?1)) = ?1 OR substr(hex(id), -length(?1)) = ?1
	ELSE substr(id, 1, length(?2)) = ?2 OR substr(id, -length(?2)) = ?2 END LIMIT ?3`

// Match implements journal.History.
func (s *Store) Match(ctx context.Context, text string, limit int) (ids []string, err error) {
	digits := strings.ToUpper(strings.ReplaceAll(text, "-", ""))
	if digits == "" {
		return nil, nil
	}
	err = s.query(ctx, sqlMatch, []any{digits, text, limit}, func(rows *sql.Rows) error {
		var key any
		if err := rows.Scan(&key); err != nil {
			return err
		}
		ids = append(ids, idOf(key))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find runs by %q: %w", text, err)
	}
	return ids, nil
}

// unfinishedPage is how many runs are read at a time: a read that lasts would
// keep the write-ahead log from being used anew.
const unfinishedPage = 500

const sqlUnfinished = `SELECT ` + summaryColumns + fromRuns + `WHERE r.nr IN (` +
	`SELECT * FROM (SELECT nr FROM runs WHERE status = 0 AND started >= ?1 AND (started > ?1 OR nr > ?2) ORDER BY started, nr LIMIT ?3) UNION ALL ` +
	`SELECT * FROM (SELECT nr FROM runs WHERE status = 1 AND started >= ?1 AND (started > ?1 OR nr > ?2) ORDER BY started, nr LIMIT ?3) UNION ALL ` +
	`SELECT * FROM (SELECT nr FROM runs WHERE status = 5 AND started >= ?1 AND (started > ?1 OR nr > ?2) ORDER BY started, nr LIMIT ?3)` +
	`) ORDER BY r.started, r.nr LIMIT ?3`

// Unfinished implements journal.Owners.
func (s *Store) Unfinished(ctx context.Context, shards journal.Shards) iter.Seq2[journal.Summary, error] {
	return func(yield func(journal.Summary, error) bool) {
		after := journal.Cursor{StartedAt: firstTime}
		for more := true; more; {
			page, err := s.unfinished(ctx, &after)
			if err != nil {
				yield(journal.Summary{}, fmt.Errorf("list unfinished runs: %w", err))
				return
			}
			more = len(page) == unfinishedPage
			for _, sum := range page {
				if shards.Has(sum.ID) && !yield(sum, nil) {
					return
				}
			}
		}
	}
}

// unfinished reads the page after a place, which it moves.
func (s *Store) unfinished(ctx context.Context, after *journal.Cursor) ([]journal.Summary, error) {
	var page []journal.Summary
	args := []any{nanos(after.StartedAt), after.Nr, unfinishedPage}
	err := s.query(ctx, sqlUnfinished, args, func(rows *sql.Rows) error {
		nr, sum, err := scanSummary(rows)
		*after = journal.Cursor{StartedAt: sum.StartedAt, Nr: nr}
		page = append(page, sum)
		return err
	})
	return page, err
}

const sqlDue = `SELECT id, due FROM runs INDEXED BY runs_due WHERE due IS NOT NULL AND due < ? ORDER BY due`

// errEnough ends a query early.
var errEnough = errors.New("enough")

// Due implements journal.Owners.
func (s *Store) Due(ctx context.Context, shards journal.Shards, before time.Time, limit int) ([]journal.Timer, error) {
	var timers []journal.Timer
	err := s.query(ctx, sqlDue, []any{nanos(before)}, func(rows *sql.Rows) error {
		var id any
		var due int64
		if len(timers) == limit {
			return errEnough
		}
		if err := rows.Scan(&id, &due); err != nil {
			return err
		}
		if t := (journal.Timer{Run: idOf(id), Due: timeOf(due)}); shards.Has(t.Run) {
			timers = append(timers, t)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, fmt.Errorf("list due timers: %w", err)
	}
	return timers, nil
}

const sqlAwaiting = `SELECT id FROM runs INDEXED BY runs_awaits
	WHERE awaits_name IS NOT NULL AND awaits_name = ? AND awaits_key = ? ORDER BY updated, nr`

// Awaiting implements journal.Mailbox.
func (s *Store) Awaiting(ctx context.Context, name, key string) ([]string, error) {
	var ids []string
	err := s.query(ctx, sqlAwaiting, []any{name, key}, func(rows *sql.Rows) error {
		var id any
		if err := rows.Scan(&id); err != nil {
			return err
		}
		ids = append(ids, idOf(id))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find runs that await %q: %w", name, err)
	}
	return ids, nil
}
