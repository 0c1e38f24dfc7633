package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/wendflow/wend/runtime/journal"
)

// LimitPages lets the file grow to so many pages and no further, as a full
// disk would.
func (s *Store) LimitPages(ctx context.Context, n int) error {
	return s.writer.write(ctx, func(t *tx) error {
		_, err := column[int64](t, fmt.Sprintf("PRAGMA max_page_count = %d", n))
		return err
	})
}

// MakeReadOnly lets SQLite refuse every write.
func (s *Store) MakeReadOnly(ctx context.Context) error {
	err := s.writer.write(ctx, func(t *tx) error {
		_, err := t.exec("PRAGMA query_only = 1")
		return err
	})
	if errors.Is(s.explain(err), ErrReadOnly) {
		return nil // so soon that this transaction could not be counted
	}
	return err
}

// MakeWritable takes that back. Nothing may be written meanwhile: it is done beside
// the writer, whose transactions cannot even begin.
func (s *Store) MakeWritable() error {
	_, err := s.writer.tx.exec("PRAGMA query_only = 0")
	return err
}

// Pages is how many pages the file has.
func (s *Store) Pages(ctx context.Context) (pages int, err error) {
	err = s.writer.write(ctx, func(t *tx) error { return t.row("PRAGMA page_count", nil, &pages) })
	return pages, err
}

// Together makes one transaction of what is asked for, in this order.
func (s *Store) Together(ctx context.Context, ask ...func()) {
	held, release := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		_ = s.writer.write(ctx, func(*tx) error {
			close(held)
			<-release
			return nil
		})
	})
	<-held
	for i, do := range ask {
		group.Go(do)
		for s.writer.queued() != i+1 {
			runtime.Gosched()
		}
	}
	close(release)
	group.Wait()
}

func (w *writer) queued() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.queue)
}

// ListQuery is what Runs asks the database, by the order of a label or not.
func ListQuery(f journal.Filter, after journal.Cursor, lead string) (string, []any) {
	return listQuery(f, after, journal.DefaultLimit+1, lead)
}

// Queries are the others that must not scan.
var Queries = map[string]string{
	"events": sqlEvents, "unfinished": sqlUnfinished, "due": sqlDue, "awaiting": sqlAwaiting,
	"oldest": sqlOldest, "free": sqlFree, "taken": sqlTaken, "holder": sqlHolder,
	"count": sqlCountRuns, "version": sqlFindVersion, "versions": sqlVersions, "standing": sqlStanding,
	"outcome": sqlOutcome, "pass key": sqlPassKey, "remove key": sqlRemoveKey,
	"count label": sqlCountLabel, "labels of a run": sqlRemoveLabels, "labels to read": sqlLabels, "label to move": sqlMoveLabel,
	"ticked": sqlTicked, "tick": sqlUpdateTick, "forget tick": sqlDeleteTick,
	"definitions": sqlRemoveDefinitions, "expired keys": sqlExpireKeys, "expired mail": sqlExpireMail, "expired values": sqlExpireValues,
	"changed": sqlChanged, "value": sqlValue, "values": sqlAllValues, "values of a scope": sqlScopeValues, "forget": sqlForget,
}

// Dir is the data folder.
func (s *Store) Dir() string { return filepath.Dir(s.path) }
