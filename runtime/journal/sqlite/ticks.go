package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/wendflow/wend/runtime/journal"
)

const (
	sqlTicked     = `SELECT plan, at, seen, run FROM ticks WHERE schedule = ?`
	sqlInsertTick = `INSERT INTO ticks (schedule, plan, at, seen, run) VALUES (?,?,?,?,?) ON CONFLICT (schedule) DO NOTHING`
	sqlUpdateTick = `UPDATE ticks SET plan = ?, at = ?, seen = ?, run = ? WHERE schedule = ? AND plan = ? AND at = ? AND seen = ? AND run = ?`
	sqlDeleteTick = `DELETE FROM ticks WHERE schedule = ? AND plan = ? AND at = ? AND seen = ? AND run = ?`
)

// Ticked implements journal.Ticks.
func (s *Store) Ticked(ctx context.Context, schedule string) (t journal.Tick, err error) {
	err = s.query(ctx, sqlTicked, []any{schedule}, func(rows *sql.Rows) error {
		var at, seen int64
		err := rows.Scan(&t.Plan, &at, &seen, &t.Run)
		t.At, t.Seen = timeOf(at), timeOf(seen)
		return err
	})
	if err != nil {
		return journal.Tick{}, fmt.Errorf("ticks of schedule %q: %w", schedule, err)
	}
	return t, nil
}

// Tick implements journal.Ticks.
func (s *Store) Tick(ctx context.Context, schedule string, from, to journal.Tick) (moved bool, err error) {
	query, args := sqlUpdateTick, append(columnsOf(to), append([]any{schedule}, columnsOf(from)...)...)
	switch none := (journal.Tick{}); {
	case from.Same(none):
		query, args = sqlInsertTick, append([]any{schedule}, columnsOf(to)...)
	case to.Same(none):
		query, args = sqlDeleteTick, append([]any{schedule}, columnsOf(from)...)
	}
	err = s.writer.write(ctx, func(t *tx) error {
		n, err := t.exec(query, args...)
		moved = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("tick of schedule %q: %w", schedule, s.explain(err))
	}
	return moved, nil
}

func columnsOf(t journal.Tick) []any { return []any{t.Plan, nanos(t.At), nanos(t.Seen), t.Run} }
