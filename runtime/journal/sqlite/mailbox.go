package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

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
