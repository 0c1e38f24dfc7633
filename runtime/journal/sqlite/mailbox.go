package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/wendflow/wend/runtime/journal"
)

const (
	sqlExpireEvent = `DELETE FROM mailbox WHERE id = ? AND expires <= ?`
	sqlOffer       = `INSERT INTO mailbox (id, name, key, data, expires) VALUES (?,?,?,?,?) ON CONFLICT (id) DO NOTHING`
)

// Offer implements journal.Mailbox.
func (s *Store) Offer(ctx context.Context, e journal.Event) (fresh bool, err error) {
	if err := e.Check(); err != nil {
		return false, err
	}
	err = s.writer.write(ctx, func(t *tx) error {
		if _, err := t.exec(sqlExpireEvent, e.ID, nanos(s.now())); err != nil {
			return err
		}
		added, err := t.exec(sqlOffer, e.ID, e.Name, e.Key, blob(e.Data), nanos(e.Expires))
		fresh = added > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("offer event %q: %w", e.Name, s.explain(err))
	}
	return fresh, nil
}

const (
	sqlTaken = `SELECT nr, id, data, expires FROM mailbox
		WHERE taker IS NOT NULL AND taker = ? AND name = ? AND key = ? AND expires > ? ORDER BY nr LIMIT 1`
	sqlFree = `SELECT nr, id, data, expires FROM mailbox
		WHERE taker IS NULL AND name = ? AND key = ? AND expires > ? ORDER BY nr LIMIT 1`
	sqlTake   = `UPDATE mailbox SET taker = ? WHERE nr = ?`
	sqlReturn = `UPDATE mailbox SET taker = NULL WHERE id = ? AND taker = ?`
)

// Take implements journal.Mailbox.
func (s *Store) Take(ctx context.Context, name, key, taker string) (e journal.Event, ok bool, err error) {
	err = s.writer.write(ctx, func(t *tx) error {
		ok = false // what an earlier try found may be gone
		now := nanos(s.now())
		_, e, err = t.letter(sqlTaken, taker, name, key, now)
		if !errors.Is(err, sql.ErrNoRows) {
			ok = err == nil
			return err
		}
		var nr int64
		nr, e, err = t.letter(sqlFree, name, key, now)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			_, err = t.exec(sqlTake, taker, nr)
		}
		ok = err == nil
		return err
	})
	if err != nil {
		return journal.Event{}, false, fmt.Errorf("take event %q: %w", name, s.explain(err))
	}
	e.Name, e.Key = name, key
	return e, ok, nil
}

func (t *tx) letter(query string, args ...any) (nr int64, e journal.Event, err error) {
	var expires int64
	var data []byte
	err = t.row(query, args, &nr, &e.ID, &data, &expires)
	e.Data, e.Expires = data, timeOf(expires)
	return nr, e, err
}

// Return implements journal.Mailbox.
func (s *Store) Return(ctx context.Context, id, taker string) error {
	err := s.writer.write(ctx, func(t *tx) error {
		_, err := t.exec(sqlReturn, id, taker)
		return err
	})
	if err != nil {
		return fmt.Errorf("return event %q: %w", id, s.explain(err))
	}
	return nil
}

const sqlLetter = `SELECT nr, id, name, key, data, expires, coalesce(taker, '') FROM mailbox WHERE expires > ?`

// Letter implements journal.Mailbox.
func (s *Store) Letter(ctx context.Context, id string) (journal.Letter, error) {
	letters, _, err := s.letters(ctx, sqlLetter+` AND id = ?`, nanos(s.now()), id)
	if err == nil && len(letters) == 0 {
		err = journal.ErrNotFound
	}
	if err != nil {
		return journal.Letter{}, fmt.Errorf("event %q: %w", id, err)
	}
	return letters[0], nil
}

// Letters implements journal.Mailbox.
func (s *Store) Letters(ctx context.Context, f journal.LetterFilter) (journal.LetterPage, error) {
	after, err := journal.ParseLetterCursor(f.Cursor)
	if err != nil {
		return journal.LetterPage{}, err
	}
	limit := cmp.Or(f.Limit, journal.DefaultLimit)
	var q strings.Builder
	q.WriteString(sqlLetter + ` AND taker IS NULL AND nr > ?`)
	args := []any{nanos(s.now()), after}
	for _, where := range []struct{ column, value string }{{"name", f.Name}, {"key", f.Key}} {
		if where.value != "" {
			q.WriteString(` AND ` + where.column + ` = ?`)
			args = append(args, where.value)
		}
	}
	q.WriteString(` ORDER BY nr LIMIT ?`)
	letters, numbers, err := s.letters(ctx, q.String(), append(args, limit+1)...)
	if err != nil {
		return journal.LetterPage{}, fmt.Errorf("list events: %w", err)
	}
	page := journal.LetterPage{Letters: letters}
	if len(letters) > limit {
		page.Letters, page.Next = letters[:limit], journal.LetterCursor(numbers[limit-1])
	}
	return page, nil
}

func (s *Store) letters(ctx context.Context, query string, args ...any) (letters []journal.Letter, numbers []int64, err error) {
	err = s.query(ctx, query, args, func(rows *sql.Rows) error {
		var l journal.Letter
		var nr, expires int64
		var data []byte
		if err := rows.Scan(&nr, &l.ID, &l.Name, &l.Key, &data, &expires, &l.Taker); err != nil {
			return err
		}
		l.Data, l.Expires = data, timeOf(expires)
		letters, numbers = append(letters, l), append(numbers, nr)
		return nil
	})
	return letters, numbers, err
}

// Kept implements journal.Mailbox. It reads an index only.
func (s *Store) Kept(ctx context.Context) (n int, err error) {
	err = s.query(ctx, `SELECT count(*) FROM mailbox WHERE taker IS NULL`, nil, func(rows *sql.Rows) error { return rows.Scan(&n) })
	if err != nil {
		return 0, fmt.Errorf("count events: %w", err)
	}
	return n, nil
}
