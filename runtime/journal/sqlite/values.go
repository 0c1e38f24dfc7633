package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/wendflow/wend/runtime/journal"
)

const (
	sqlChanged = `SELECT r.events, c.data FROM runs r LEFT JOIN store_changes c ON c.run = r.id AND c.id = ? WHERE r.id = ?`
	sqlValue   = `SELECT ` + valueColumns + `, data FROM store WHERE scope = ? AND key = ?`
	sqlRoom    = `SELECT coalesce(sum(CASE WHEN scope = ? THEN keys END), 0), coalesce(sum(bytes), 0) FROM store_scopes`
	sqlKeep    = `INSERT INTO store (scope, key, data, updated, expires, run) VALUES (?,?,?,?,?,?)
		ON CONFLICT (scope, key) DO UPDATE SET data = excluded.data, updated = excluded.updated, expires = excluded.expires, run = excluded.run`
	sqlForget       = `DELETE FROM store WHERE scope = ? AND key = ?`
	sqlRemember     = `INSERT OR REPLACE INTO store_changes (run, id, data) VALUES (?,?,?)`
	sqlExpireValues = `DELETE FROM store WHERE nr IN (SELECT nr FROM store WHERE expires <= ? LIMIT ?)`
)

// Change implements journal.Values.
func (s *Store) Change(ctx context.Context, c journal.Change, bounds journal.ValueBounds) (is journal.Changed, err error) {
	if err := c.Check(bounds); err != nil {
		return journal.Changed{}, err
	}
	err = s.writer.write(ctx, func(t *tx) (err error) {
		is, err = t.change(c, bounds, s)
		return err
	})
	if _, refused := errors.AsType[*journal.ChangeError](err); err != nil && !refused {
		err = fmt.Errorf("change %q: %w", c.Key, s.explain(err))
	}
	return is, err
}

func (t *tx) change(c journal.Change, bounds journal.ValueBounds, s *Store) (is journal.Changed, err error) {
	if c.Run != "" {
		if data, err := t.changed(c); err != nil || data != nil {
			return journal.Changed{Done: true, Data: data}, err
		}
	}
	now := s.now()
	old, err := t.value(c.Scope, c.Key)
	if err != nil {
		return is, err
	}
	made, is, err := c.On(old, now)
	if err != nil || !is.Done {
		return is, err
	}
	if err := t.room(bounds, old, made, now.UnixNano()); err != nil {
		return journal.Changed{}, err
	}
	if made == nil {
		_, err = t.exec(sqlForget, c.Scope, c.Key)
	} else {
		_, err = t.exec(sqlKeep, c.Scope, c.Key, []byte(made.Data), nanos(made.Updated), due(made.Expires), optionalID(c.Run))
	}
	if err == nil && c.Run != "" {
		_, err = t.exec(sqlRemember, idKey(c.Run), c.ID, []byte(is.Data))
	}
	return is, err
}

// changed is what the same change did before, nil if it was not done, unless
// somebody else drives the run.
func (t *tx) changed(c journal.Change) (data []byte, err error) {
	have := 0
	err = t.row(sqlChanged, []any{c.ID, idKey(c.Run)}, &have, &data)
	switch {
	case errors.Is(err, sql.ErrNoRows), err == nil && have != c.After:
		return nil, journal.Conflict(c.Run, have, c.After)
	default:
		return data, err
	}
}

// value is nil if there is none.
func (t *tx) value(scope, key string) (*journal.Value, error) {
	var r valueRow
	err := t.row(sqlValue, []any{scope, key}, r.columns()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	v := r.value()
	return &v, err
}

// valueRow is a row of the table store.
type valueRow struct {
	scope, key string
	data       []byte
	size       int
	updated    int64
	expires    sql.NullInt64
	run        any
}

const valueColumns = `scope, key, length(data), updated, expires, run`

// columns are where valueColumns go, and data if it is asked for behind them.
func (r *valueRow) columns() []any {
	return []any{&r.scope, &r.key, &r.size, &r.updated, &r.expires, &r.run, &r.data}
}

func (r *valueRow) value() journal.Value {
	return journal.Value{
		Scope: r.scope, Key: r.key, Data: r.data, Size: r.size,
		Updated: timeOf(r.updated), Expires: timeOf(r.expires.Int64), Run: idOf(r.run),
	}
}

// room makes room among what has expired, if there is none else.
func (t *tx) room(bounds journal.ValueBounds, old, made *journal.Value, now int64) error {
	if made == nil {
		return nil
	}
	for {
		var keys int
		var size int64
		if err := t.row(sqlRoom, []any{made.Scope}, &keys, &size); err != nil {
			return err
		}
		full := bounds.Room(old, made, keys, size)
		if full == nil {
			return nil
		}
		removed, err := t.exec(sqlExpireValues, now, trimStep)
		if err != nil || removed == 0 {
			return cmp.Or(err, full)
		}
		if old, err = t.value(made.Scope, made.Key); err != nil {
			return err
		}
	}
}

func optionalID(id string) any {
	if id == "" {
		return nil
	}
	return idKey(id)
}

// Value implements journal.Values.
func (s *Store) Value(ctx context.Context, scope, key string) (journal.Value, error) {
	var found []journal.Value
	err := s.query(ctx, sqlValue+` AND (expires IS NULL OR expires > ?)`, []any{scope, key, nanos(s.now())}, func(rows *sql.Rows) error {
		var r valueRow
		err := rows.Scan(r.columns()...)
		found = append(found, r.value())
		return err
	})
	if err == nil && found == nil {
		err = journal.ErrNotFound
	}
	if err != nil {
		return journal.Value{}, fmt.Errorf("key %q: %w", key, err)
	}
	return found[0], nil
}

const (
	sqlAllValues = `SELECT ` + valueColumns + ` FROM store
		WHERE (scope, key) > (?, ?) AND (expires IS NULL OR expires > ?) ORDER BY scope, key LIMIT ?`
	sqlScopeValues = `SELECT ` + valueColumns + ` FROM store
		WHERE scope = ? AND key > ? AND (expires IS NULL OR expires > ?) ORDER BY key LIMIT ?`
)

// Values implements journal.Values.
func (s *Store) Values(ctx context.Context, f journal.ValueFilter) (page journal.ValuePage, err error) {
	scope, key, err := journal.ParseValueCursor(f.Cursor)
	if err != nil {
		return page, err
	}
	limit := cmp.Or(f.Limit, journal.DefaultLimit)
	query := sqlAllValues
	if f.Scope != nil {
		if query = sqlScopeValues; scope != *f.Scope {
			key = "" // of another list
		}
		scope = *f.Scope
	}
	err = s.query(ctx, query, []any{scope, key, nanos(s.now()), limit + 1}, func(rows *sql.Rows) error {
		var r valueRow
		err := rows.Scan(r.columns()[:6]...)
		page.Values = append(page.Values, r.value())
		return err
	})
	if err != nil {
		return journal.ValuePage{}, fmt.Errorf("list values: %w", err)
	}
	if len(page.Values) > limit {
		page.Values = page.Values[:limit]
		page.Next = journal.ValueCursor(page.Values[limit-1].Scope, page.Values[limit-1].Key)
	}
	return page, nil
}
