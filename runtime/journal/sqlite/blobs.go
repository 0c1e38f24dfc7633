package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/wendflow/wend/runtime/journal"
)

const sqlPutBlob = `INSERT INTO blobs (digest, data) VALUES (?,?) ON CONFLICT (digest) DO NOTHING`

// PutBlob implements journal.Blobs.
func (s *Store) PutBlob(ctx context.Context, digest string, data []byte) error {
	s.pin(digest)
	err := s.writer.write(ctx, func(t *tx) error {
		_, err := t.exec(sqlPutBlob, digest, blob(data))
		return err
	})
	if err != nil {
		return fmt.Errorf("put blob %q: %w", digest, s.explain(err))
	}
	return nil
}

// pin keeps a blob that no run needs yet.
func (s *Store) pin(digest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pins[digest] = true
}

func (s *Store) pinned(digest string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pins[digest]
}

// Blob implements journal.Blobs.
func (s *Store) Blob(ctx context.Context, digest string) ([]byte, error) {
	found := false
	var data []byte
	err := s.query(ctx, `SELECT data FROM blobs WHERE digest = ?`, []any{digest}, func(rows *sql.Rows) error {
		found = true
		return rows.Scan(&data)
	})
	if err == nil && !found {
		err = journal.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("blob %q: %w", digest, err)
	}
	return data, nil
}
