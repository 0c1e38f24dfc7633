package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"maps"
	"slices"
)

// tx is the writer's transaction, one after the other. It belongs to the
// writer's goroutine.
type tx struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	// definitions remembers rows of that table, also those of the transaction
	// that is open.
	definitions map[definition]int64
}

func newTx(ctx context.Context, conn *sql.Conn) (*tx, error) {
	t := &tx{conn: conn, stmts: map[string]*sql.Stmt{}, definitions: map[definition]int64{}}
	// Mistakes in the statements of every append show at once.
	for _, q := range []string{sqlBegin, sqlCommit, sqlInsertRun, sqlFindRun, sqlUpdateRun, sqlInsertEvents} {
		if _, err := t.stmt(ctx, q); err != nil {
			return nil, errors.Join(err, t.closeStmts())
		}
	}
	return t, nil
}

const (
	// Immediate, for the write lock must not be refused half-way.
	sqlBegin    = "BEGIN IMMEDIATE"
	sqlCommit   = "COMMIT"
	sqlRollback = "ROLLBACK"
)

func (t *tx) begin() error  { _, err := t.exec(sqlBegin); return err }
func (t *tx) commit() error { _, err := t.exec(sqlCommit); return err }

// rollback ends the transaction, unless SQLite did so by itself; then there is
// an error of no interest.
func (t *tx) rollback() {
	clear(t.definitions)
	_, _ = t.exec(sqlRollback)
}

// stmt prepares a statement once.
func (t *tx) stmt(ctx context.Context, query string) (*sql.Stmt, error) {
	if s := t.stmts[query]; s != nil {
		return s, nil
	}
	s, err := t.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	t.stmts[query] = s
	return s, nil
}

// exec returns how many rows it changed.
func (t *tx) exec(query string, args ...any) (int64, error) {
	r, err := t.result(query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (t *tx) result(query string, args ...any) (sql.Result, error) {
	ctx := context.Background() // a statement that is interrupted would end the transaction of all
	s, err := t.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// row scans the one row of a query. It returns sql.ErrNoRows if there is none.
func (t *tx) row(query string, args []any, dest ...any) error {
	ctx := context.Background()
	s, err := t.stmt(ctx, query)
	if err != nil {
		return err
	}
	return s.QueryRowContext(ctx, args...).Scan(dest...)
}

// column returns the one column of a query.
func column[T any](t *tx, query string, args ...any) ([]T, error) {
	ctx := context.Background()
	s, err := t.stmt(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err tells what went wrong
	var all []T
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

func (t *tx) closeStmts() error {
	var errs []error
	for _, query := range slices.Sorted(maps.Keys(t.stmts)) {
		errs = append(errs, t.stmts[query].Close())
	}
	return errors.Join(errs...)
}

func (t *tx) close() error { return errors.Join(t.closeStmts(), t.conn.Close()) }
