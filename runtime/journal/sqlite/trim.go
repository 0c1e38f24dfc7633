package sqlite

import (
	"context"
	"fmt"
	"math"

	"github.com/wendflow/wend/runtime/journal"
)

// trimStep is how many rows one transaction of Trim removes at most.
const trimStep = 200

// Trim implements journal.Driver.
func (s *Store) Trim(ctx context.Context, r journal.Retention) (int, error) {
	removed, err := s.trim(ctx, r)
	if err != nil {
		return removed, fmt.Errorf("trim: %w", s.explain(err))
	}
	return removed, nil
}

func (s *Store) trim(ctx context.Context, r journal.Retention) (removed int, err error) {
	before := nanos(s.now().Add(-r.Age))
	steps := []step{s.removeExpired}
	if r.Age > 0 {
		steps = append(steps, func(t *tx) (int, bool, error) {
			n, err := t.removeRuns(before, math.MaxInt64)
			return n, n == trimStep, err
		})
	}
	if r.Bytes > 0 {
		steps = append(steps, func(t *tx) (int, bool, error) { return t.removeExcess(r.Bytes) })
	}
	unneeded := func(t *tx) (int, bool, error) { return 0, false, s.removeUnneeded(t, r.Versions) }
	for _, do := range append(steps, unneeded, (*tx).shrink) {
		n, err := s.repeat(ctx, do)
		removed += n
		if err != nil {
			return removed, err
		}
	}
	return removed, nil
}

// step is a part of Trim that fits in one transaction. It returns how many
// runs it removed, and whether it is to be done once more.
type step func(*tx) (removed int, more bool, err error)

func (s *Store) repeat(ctx context.Context, do step) (removed int, err error) {
	for more := true; more; {
		var n int
		err := s.writer.write(ctx, func(t *tx) (err error) {
			n, more, err = do(t)
			return err
		})
		if err != nil {
			return removed, err
		}
		removed += n
	}
	return removed, nil
}

const (
	sqlExpireKeys = `DELETE FROM dedupe WHERE (scope, key) IN
		(SELECT scope, key FROM dedupe WHERE expires <= ? LIMIT ?)`
	// A change is remembered for a run that may ask for it again.
	sqlForgetChanges = `DELETE FROM store_changes WHERE run IN (SELECT c.run FROM store_changes c
		LEFT JOIN runs r ON r.id = c.run WHERE r.id IS NULL OR r.status BETWEEN 2 AND 4 LIMIT ?)`
	sqlExpireMail = `DELETE FROM mailbox WHERE nr IN (SELECT nr FROM mailbox WHERE expires <= ? LIMIT ?)`
)

func (s *Store) removeExpired(t *tx) (removed int, more bool, err error) {
	now := nanos(s.now())
	keys, err := t.exec(sqlExpireKeys, now, trimStep)
	if err != nil {
		return 0, false, err
	}
	mail, err := t.exec(sqlExpireMail, now, trimStep)
	if err != nil {
		return 0, false, err
	}
	values, err := t.exec(sqlExpireValues, now, trimStep)
	if err != nil {
		return 0, false, err
	}
	changes, err := t.exec(sqlForgetChanges, trimStep)
	return 0, max(keys, mail, values, changes) == trimStep, err
}

const (
	sqlSize = `SELECT (page_count - freelist_count) * page_size
		FROM pragma_page_count, pragma_freelist_count, pragma_page_size`
	// sqlRoot is a run that no other of the store had made.
	sqlRoot   = `(parent IS NULL OR NOT EXISTS (SELECT 1 FROM runs p WHERE p.id = r.parent))`
	sqlOldest = `SELECT nr FROM (` +
		`SELECT * FROM (SELECT nr, started FROM runs r WHERE status = 2 AND started < ?1 AND ended < ?1 AND ` + sqlRoot + ` ORDER BY started, nr LIMIT ?2) UNION ALL ` +
		`SELECT * FROM (SELECT nr, started FROM runs r WHERE status = 3 AND started < ?1 AND ended < ?1 AND ` + sqlRoot + ` ORDER BY started, nr LIMIT ?2) UNION ALL ` +
		`SELECT * FROM (SELECT nr, started FROM runs r WHERE status = 4 AND started < ?1 AND ended < ?1 AND ` + sqlRoot + ` ORDER BY started, nr LIMIT ?2)` +
		`) ORDER BY started, nr LIMIT ?2`
	sqlEventsSize   = `SELECT coalesce(sum(length(data)), 0) FROM events WHERE at BETWEEN ?1 << 22 AND ?1 << 22 | 4194303`
	sqlRemoveEvents = `DELETE FROM events WHERE at BETWEEN ?1 << 22 AND ?1 << 22 | 4194303`
	sqlRemoveKey    = `DELETE FROM dedupe WHERE run = (SELECT id FROM runs WHERE nr = ?)`
	sqlRemoveLabels = `DELETE FROM labels WHERE (name, value, status, started, nr) IN
		(SELECT j.key, j.value, r.status, r.started, r.nr FROM runs r, json_each(r.labels) j WHERE r.nr = ?)`
	sqlEndedChildren = `SELECT nr FROM runs WHERE parent = (SELECT id FROM runs WHERE nr = ?) AND status IN (2, 3, 4) LIMIT ?`
	sqlRemoveRun     = `DELETE FROM runs WHERE nr = ?`
)

// rowSize is about what a run takes beside its events.
const rowSize = 400

// removeExcess removes the oldest ended runs while all that is kept takes more
// than so many bytes.
func (t *tx) removeExcess(bytes int64) (removed int, more bool, err error) {
	var size int64
	if err := t.row(sqlSize, nil, &size); err != nil || size <= bytes {
		return 0, false, err
	}
	removed, err = t.removeRuns(math.MaxInt64, size-bytes)
	return removed, removed > 0, err
}

// removeRuns removes the oldest runs that ended before the given time, until
// about so many bytes are free.
func (t *tx) removeRuns(before, bytes int64) (removed int, err error) {
	nrs, err := column[int64](t, sqlOldest, before, trimStep)
	if err != nil {
		return 0, err
	}
	for _, nr := range nrs {
		if bytes <= 0 || removed >= trimStep {
			break
		}
		n, freed, err := t.removeFamily(nr, trimStep-removed)
		if err != nil {
			return 0, err
		}
		removed += n
		bytes -= freed
	}
	return removed, nil
}

// removeFamily removes a run and all that it and its children had made, from the
// youngest on, but no more than so many: the run itself is the last.
func (t *tx) removeFamily(nr int64, most int) (removed int, freed int64, err error) {
	children, err := column[int64](t, sqlEndedChildren, nr, most)
	if err != nil {
		return 0, 0, err
	}
	for _, child := range children {
		n, bytes, err := t.removeFamily(child, most-removed)
		if err != nil {
			return 0, 0, err
		}
		if removed, freed = removed+n, freed+bytes; removed >= most {
			return removed, freed, nil
		}
	}
	var size int64
	if err := t.row(sqlEventsSize, []any{nr}, &size); err != nil {
		return 0, 0, err
	}
	for _, remove := range []string{sqlRemoveEvents, sqlRemoveKey, sqlRemoveLabels, sqlRemoveRun} {
		if _, err := t.exec(remove, nr); err != nil {
			return 0, 0, err
		}
	}
	return removed + 1, freed + size + rowSize, nil
}

const (
	sqlRemoveDefinitions = `DELETE FROM definitions WHERE NOT EXISTS
		(SELECT 1 FROM runs WHERE runs.definition = definitions.nr)`
	sqlUnneededBlobs = `SELECT digest FROM blobs
		EXCEPT SELECT digest FROM definitions
		EXCEPT SELECT value FROM definitions, json_each(plugins)
		EXCEPT SELECT digest FROM versions
		EXCEPT SELECT value FROM versions, json_each(plugins)`
	sqlRemoveBlob = `DELETE FROM blobs WHERE digest = ?`
)

// removeUnneeded removes definitions of which there are no runs, versions of flows
// of which there are more than are to be kept, and the blobs that none of the rest
// needs.
func (s *Store) removeUnneeded(t *tx, versions int) error {
	clear(t.definitions)
	if _, err := t.exec(sqlRemoveDefinitions); err != nil {
		return err
	}
	if err := t.removeVersions(versions); err != nil {
		return err
	}
	digests, err := column[string](t, sqlUnneededBlobs)
	if err != nil {
		return err
	}
	for _, digest := range digests {
		if s.pinned(digest) {
			continue
		}
		if _, err := t.exec(sqlRemoveBlob, digest); err != nil {
			return err
		}
	}
	return nil
}

const (
	sqlPages  = `SELECT page_count, freelist_count FROM pragma_page_count, pragma_freelist_count`
	sqlShrink = `PRAGMA incremental_vacuum(256)`
)

// shrink gives pages back to the disk while more than a quarter of the file is
// free. What is less will soon be used again.
func (t *tx) shrink() (removed int, more bool, err error) {
	var pages, free, left int64
	if err := t.row(sqlPages, nil, &pages, &free); err != nil || free*4 <= pages {
		return 0, false, err
	}
	if _, err := t.exec(sqlShrink); err != nil {
		return 0, false, err
	}
	err = t.row(sqlPages, nil, &pages, &left)
	return 0, left < free, err
}
