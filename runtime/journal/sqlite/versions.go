package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

const sqlCountRuns = `SELECT count(*) FROM (SELECT 1 FROM runs WHERE flow = ? AND status = ? LIMIT ?)`

// Count implements journal.History.
func (s *Store) Count(ctx context.Context, flow string, status run.Status, most int) (n int, err error) {
	err = s.query(ctx, sqlCountRuns, []any{flow, statusCode(status), most}, func(rows *sql.Rows) error { return rows.Scan(&n) })
	if err != nil {
		return 0, fmt.Errorf("count runs of flow %q: %w", flow, err)
	}
	return n, nil
}

const (
	sqlNextNumber = `INSERT INTO standings (flow, numbers, current) VALUES (?1, 1, 0)
		ON CONFLICT (flow) DO UPDATE SET numbers = numbers + 1 RETURNING numbers`
	sqlInsertVersion = `INSERT INTO versions (flow, number, digest, plugins, file, first, last) VALUES (?,?,?,?,?,?,?)`
	sqlFindVersion   = `SELECT number, first, last FROM versions WHERE flow = ? AND digest = ? AND plugins = ?`
	sqlUpdateVersion = `UPDATE versions SET file = ?, last = ? WHERE flow = ? AND number = ?`
)

// Deploy implements journal.Versions.
func (s *Store) Deploy(ctx context.Context, v journal.Version) (journal.Version, error) {
	plugins, err := json.Marshal(v.Plugins)
	if err == nil {
		err = s.writer.write(ctx, func(t *tx) error { return t.deploy(&v, string(plugins), nanos(s.now())) })
	}
	if err != nil {
		return v, fmt.Errorf("deploy flow %q: %w", v.Flow, s.explain(err))
	}
	return v, nil
}

// deploy completes a version.
func (t *tx) deploy(v *journal.Version, plugins string, now int64) error {
	var first, last int64
	err := t.row(sqlFindVersion, []any{v.Flow, v.Digest, plugins}, &v.Number, &first, &last)
	if errors.Is(err, sql.ErrNoRows) {
		first, last = now, now
		if err = t.row(sqlNextNumber, []any{v.Flow}, &v.Number); err == nil {
			_, err = t.exec(sqlInsertVersion, v.Flow, v.Number, v.Digest, plugins, v.File, first, last)
		}
	}
	if err != nil {
		return err
	}
	err = t.stand(v.Flow, func(st *journal.Standing) {
		if st.Current != v.Number {
			last = now
		}
		st.Deploy(v.Number)
	})
	if err != nil {
		return err
	}
	v.First, v.Last = timeOf(first), timeOf(last)
	_, err = t.exec(sqlUpdateVersion, v.File, last, v.Flow, v.Number)
	return err
}

const sqlVersions = `SELECT number, digest, plugins, file, first, last FROM versions WHERE flow = ? ORDER BY last DESC, number DESC`

// Versions implements journal.Versions.
func (s *Store) Versions(ctx context.Context, flow string) (all []journal.Version, err error) {
	err = s.query(ctx, sqlVersions, []any{flow}, func(rows *sql.Rows) error {
		v := journal.Version{Flow: flow}
		var plugins []byte
		var first, last int64
		if err := rows.Scan(&v.Number, &v.Digest, &plugins, &v.File, &first, &last); err != nil {
			return err
		}
		v.First, v.Last = timeOf(first), timeOf(last)
		all = append(all, v)
		return json.Unmarshal(plugins, &all[len(all)-1].Plugins)
	})
	if err != nil {
		return nil, fmt.Errorf("list versions of flow %q: %w", flow, err)
	}
	return all, nil
}

const standingColumns = `current, rollback, pause`

// Standings implements journal.Versions.
func (s *Store) Standings(ctx context.Context) (all []journal.Standing, err error) {
	err = s.query(ctx, `SELECT flow, `+standingColumns+` FROM standings ORDER BY flow`, nil, func(rows *sql.Rows) error {
		var st journal.Standing
		var rollback, pause []byte
		if err := rows.Scan(&st.Flow, &st.Current, &rollback, &pause); err != nil {
			return err
		}
		err := readStanding(&st, rollback, pause)
		all = append(all, st)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list flows: %w", err)
	}
	return all, nil
}

func readStanding(st *journal.Standing, rollback, pause []byte) (err error) {
	if rollback != nil {
		err = json.Unmarshal(rollback, &st.Rollback)
	}
	if pause != nil {
		err = errors.Join(err, json.Unmarshal(pause, &st.Pause))
	}
	return err
}

// Stand implements journal.Versions.
func (s *Store) Stand(ctx context.Context, flow string, change func(*journal.Standing)) error {
	err := s.writer.write(ctx, func(t *tx) error { return t.stand(flow, change) })
	if errors.Is(err, sql.ErrNoRows) {
		err = journal.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("flow %q: %w", flow, s.explain(err))
	}
	return nil
}

const (
	sqlStanding = `SELECT ` + standingColumns + ` FROM standings WHERE flow = ?`
	sqlStand    = `UPDATE standings SET current = ?, rollback = ?, pause = ? WHERE flow = ?`
)

func (t *tx) stand(flow string, change func(*journal.Standing)) error {
	st := journal.Standing{Flow: flow}
	var rollback, pause []byte
	if err := t.row(sqlStanding, []any{flow}, &st.Current, &rollback, &pause); err != nil {
		return err
	}
	if err := readStanding(&st, rollback, pause); err != nil {
		return err
	}
	change(&st)
	back, err := optional(st.Rollback, st.Rollback != nil)
	if err != nil {
		return err
	}
	held, err := optional(st.Pause, st.Pause != nil)
	if err != nil {
		return err
	}
	_, err = t.exec(sqlStand, st.Current, back, held, flow)
	return err
}

// sqlRemoveVersions leaves those that were deployed last, those that runs need and
// those of standings.
const sqlRemoveVersions = `DELETE FROM versions WHERE (flow, number) IN (
	SELECT flow, number FROM (
		SELECT flow, number, digest, plugins, row_number() OVER (PARTITION BY flow ORDER BY last DESC, number DESC) AS place FROM versions
	) v WHERE place > ?
	AND NOT EXISTS (SELECT 1 FROM definitions d WHERE d.flow = v.flow AND d.digest = v.digest AND d.plugins = v.plugins)
	AND NOT EXISTS (SELECT 1 FROM standings s WHERE s.flow = v.flow AND v.number IN
		(s.current, coalesce(s.rollback ->> '$.version', 0), coalesce(s.rollback ->> '$.over', 0))))`

// removeVersions comes after definitions that no run needs are gone.
func (t *tx) removeVersions(keep int) error {
	if keep == 0 {
		return nil
	}
	_, err := t.exec(sqlRemoveVersions, keep)
	return err
}
