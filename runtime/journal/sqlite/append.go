package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

const (
	// These change one row each and nothing else: SQLite then needs no journal
	// to undo half of a statement, which would cost as much as the rest.
	sqlInsertRun = `INSERT INTO runs (
			id, definition, flow, trigger_node, retry_of, parent, parent_place, key, labels, started,
			events, status, node, outcome, code, reason, error, response, updated, ended, due, awaits_name, awaits_key)
		VALUES (?,?,?,?,?,?,?,?,?,?, ?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO NOTHING`
	sqlUpdateRun = `UPDATE runs SET events = events + ?, status = ?, node = coalesce(nullif(?, ''), node),
			outcome = ?, code = ?, reason = ?, error = ?, response = coalesce(nullif(?, 0), response), updated = ?, ended = ?, due = ?, awaits_name = ?, awaits_key = ?
		WHERE nr = ?`
	sqlInsertEvents = `INSERT INTO events (at, data) VALUES (? << 22 | ?, ?)`
	sqlFindRun      = `SELECT nr, events, labels IS NOT NULL FROM runs WHERE id = ?`
	sqlInsertLabel  = `INSERT INTO labels (name, value, status, started, nr) VALUES (?,?,?,?,?)`
	sqlLabels       = `SELECT labels, status, started FROM runs WHERE nr = ?`
	sqlMoveLabel    = `UPDATE labels SET status = ? WHERE name = ? AND value = ? AND status = ? AND started = ? AND nr = ?`
)

// maxEvents is how many events a run may have: the room that events.at leaves.
const maxEvents = 1 << 22

// Append implements journal.Journal.
func (s *Store) Append(ctx context.Context, id string, after int, events []run.Event) error {
	a, err := prepare(id, after, events)
	if err != nil {
		return err
	}
	return s.explain(s.writer.write(ctx, a.do))
}

// Begin implements journal.Driver.
func (s *Store) Begin(ctx context.Context, id string, d journal.Dedupe, events []run.Event) (string, error) {
	a, err := prepare(id, 0, events)
	if err != nil {
		return "", err
	}
	holder, mismatch := id, false
	err = s.writer.write(ctx, func(t *tx) (err error) {
		now := s.now()
		if holder, mismatch, err = t.holder(d, now); err != nil || holder != "" {
			return err
		}
		holder = id
		if err = a.do(t); err != nil {
			return err
		}
		return t.hold(d, id, now)
	})
	switch {
	case err != nil:
		return "", s.explain(err)
	case mismatch:
		return holder, &journal.MismatchError{Holder: holder}
	}
	return holder, nil
}

const (
	sqlHolder = `SELECT d.run, d.print, r.status, r.response FROM dedupe d JOIN runs r ON r.id = d.run
		WHERE d.scope = ? AND d.key = ? AND d.expires > ?`
	sqlHold    = `INSERT OR REPLACE INTO dedupe (scope, key, run, expires, print) VALUES (?,?,?,?,?)`
	sqlPassKey = `UPDATE dedupe SET run = ? WHERE run = ?`
	sqlOutcome = `SELECT status, response FROM runs WHERE id = ?`
)

// holder returns the run that has the key, or nothing, and whether it was begun
// by another request.
func (t *tx) holder(d journal.Dedupe, now time.Time) (id string, mismatch bool, err error) {
	if d.For <= 0 {
		return "", false, nil
	}
	var key any
	var mark string
	var status int
	var s journal.Summary
	err = t.row(sqlHolder, []any{d.Scope, d.Key, nanos(now)}, &key, &mark, &status, &s.Response)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", false, nil
	case err != nil:
		return "", false, err
	}
	if s.Status, err = statusOf(status); err != nil {
		return "", false, fmt.Errorf("run %s has %w", idOf(key), err)
	}
	if s.GivesUpKey() && !d.Keep {
		return "", false, nil
	}
	return idOf(key), mark != "" && d.Print != "" && mark != d.Print, nil
}

func (t *tx) hold(d journal.Dedupe, id string, now time.Time) (err error) {
	if d.Of != "" {
		if err := t.passKey(d.Of, id); err != nil {
			return err
		}
	}
	if d.For > 0 {
		_, err = t.exec(sqlHold, d.Scope, d.Key, idKey(id), nanos(now.Add(d.For)), d.Print)
	}
	return err
}

// passKey gives what a run has of a key to its retry.
func (t *tx) passKey(from, to string) error {
	var status int
	var s journal.Summary
	err := t.row(sqlOutcome, []any{idKey(from)}, &status, &s.Response)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // it was removed, and its key with it
	}
	if err == nil {
		s.Status, err = statusOf(status)
	}
	if err != nil || !s.PassesKey() {
		return err
	}
	_, err = t.exec(sqlPassKey, idKey(to), idKey(from))
	return err
}

// appending is an append, encoded by the caller so that the writer need not.
type appending struct {
	id         string
	after      int
	data       []byte
	summary    journal.Summary // what the events alone say
	failure    any             // its Error, as JSON; nil if there is none
	labels     any             // its Labels, likewise
	parent     any             // its Parent, likewise
	definition definition
}

// definition is what a run was begun with: a row of that table.
type definition struct{ flow, digest, plugins string }

func prepare(id string, after int, events []run.Event) (*appending, error) {
	a := &appending{id: id, after: after}
	var err error
	switch {
	case len(events) == 0:
		return nil, fmt.Errorf("append to run %s: no events", id)
	case after+len(events) > maxEvents:
		return nil, fmt.Errorf("append to run %s: more than %d events", id, maxEvents)
	case after == 0:
		if a.summary, err = journal.Begun(id, events); err != nil {
			return nil, err
		}
		if a.definition, err = definitionOf(&a.summary); err != nil {
			return nil, fmt.Errorf("begin run %s: %w", id, err)
		}
		if a.labels, err = optional(a.summary.Labels, a.summary.Labels != nil); err != nil {
			return nil, fmt.Errorf("begin run %s: %w", id, err)
		}
		if a.parent, err = optional(a.summary.Parent, a.summary.Parent != nil); err != nil {
			return nil, fmt.Errorf("begin run %s: %w", id, err)
		}
	default:
		a.summary.Apply(events)
	}
	if statusCode(a.summary.Status) < 0 {
		return nil, fmt.Errorf("append to run %s: no such status %q", id, a.summary.Status)
	}
	if a.failure, err = optional(a.summary.Error, a.summary.Error != nil); err != nil {
		return nil, fmt.Errorf("append to run %s: %w", id, err)
	}
	if a.data, err = encode(events); err != nil {
		return nil, fmt.Errorf("append to run %s: %w", id, err)
	}
	return a, nil
}

func definitionOf(s *journal.Summary) (definition, error) {
	plugins, err := json.Marshal(s.Plugins)
	return definition{s.Flow, s.FlowDigest, string(plugins)}, err
}

// do writes the row of the run first: it is that which may be refused.
func (a *appending) do(t *tx) error {
	change := a.insert
	if a.after > 0 {
		change = a.update
	}
	nr, err := change(t)
	if err != nil {
		return err
	}
	_, err = t.exec(sqlInsertEvents, nr, a.after, a.data)
	return err
}

func (a *appending) insert(t *tx) (nr int64, err error) {
	definition, err := t.define(a.definition)
	if err != nil {
		return 0, err
	}
	s := &a.summary
	var retryOf, parent any
	if s.RetryOf != "" {
		retryOf = idKey(s.RetryOf)
	}
	if s.Parent != nil {
		parent = idKey(s.Parent.Run)
	}
	name, key := a.awaits()
	r, err := t.result(sqlInsertRun,
		idKey(a.id), definition, s.Flow, s.Trigger, retryOf, parent, a.parent, s.Key, a.labels, nanos(s.StartedAt),
		s.Events, statusCode(s.Status), s.Node, s.Outcome, s.Code, s.Reason, a.failure, s.Response,
		nanos(s.UpdatedAt), nanos(s.EndedAt), due(s.Due), name, key)
	if err != nil {
		return 0, err
	}
	added, err := r.RowsAffected()
	if err != nil {
		return 0, err
	}
	if added == 0 {
		_, have, _, err := t.find(a.id)
		return 0, cmp.Or(err, journal.Conflict(a.id, have, a.after))
	}
	if nr, err = r.LastInsertId(); err != nil {
		return 0, err
	}
	for name, value := range s.Labels {
		if _, err := t.exec(sqlInsertLabel, name, value, statusCode(s.Status), nanos(s.StartedAt), nr); err != nil {
			return 0, err
		}
	}
	return nr, nil
}

func (a *appending) update(t *tx) (nr int64, err error) {
	nr, have, labelled, err := t.find(a.id)
	if err != nil {
		return 0, err
	}
	if have != a.after {
		return 0, journal.Conflict(a.id, have, a.after)
	}
	s := &a.summary
	if labelled {
		if err := t.moveLabels(nr, statusCode(s.Status)); err != nil {
			return 0, err
		}
	}
	name, key := a.awaits()
	_, err = t.exec(sqlUpdateRun,
		s.Events, statusCode(s.Status), s.Node, s.Outcome, s.Code, s.Reason, a.failure, s.Response,
		nanos(s.UpdatedAt), nanos(s.EndedAt), due(s.Due), name, key, nr)
	return nr, err
}

// moveLabels puts the labels of a run where those of its new status are.
func (t *tx) moveLabels(nr int64, status int) error {
	var text []byte
	var before int
	var started int64
	if err := t.row(sqlLabels, []any{nr}, &text, &before, &started); err != nil || before == status {
		return err
	}
	var labels map[string]string
	if err := json.Unmarshal(text, &labels); err != nil {
		return err
	}
	for name, value := range labels {
		if _, err := t.exec(sqlMoveLabel, status, name, value, before, started, nr); err != nil {
			return err
		}
	}
	return nil
}

// find returns a run's row, how many events it has and whether it has labels. A
// run that is not there has none.
func (t *tx) find(id string) (nr int64, have int, labelled bool, err error) {
	err = t.row(sqlFindRun, []any{idKey(id)}, &nr, &have, &labelled)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return nr, have, labelled, err
}

func (a *appending) awaits() (name, key any) {
	if w := a.summary.Awaits; w != nil {
		return w.Name, w.Key
	}
	return nil, nil
}

const (
	sqlFindDefinition   = `SELECT nr FROM definitions WHERE flow = ? AND digest = ? AND plugins = ?`
	sqlInsertDefinition = `INSERT INTO definitions (flow, digest, plugins) VALUES (?,?,?)`
)

// define returns the row of a definition, which it adds if it is new.
func (t *tx) define(d definition) (int64, error) {
	if nr, ok := t.definitions[d]; ok {
		return nr, nil
	}
	var nr int64
	err := t.row(sqlFindDefinition, []any{d.flow, d.digest, d.plugins}, &nr)
	if errors.Is(err, sql.ErrNoRows) {
		nr, err = t.insertDefinition(d)
	}
	if err == nil {
		t.definitions[d] = nr
	}
	return nr, err
}

func (t *tx) insertDefinition(d definition) (int64, error) {
	r, err := t.result(sqlInsertDefinition, d.flow, d.digest, d.plugins)
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

// idKey is how an id is kept: most are UUIDs, which are shorter as bytes.
func idKey(id string) any {
	if u, err := uuid.Parse(id); err == nil && u.String() == id {
		return u[:]
	}
	return id
}

// idOf is the inverse of idKey. Nothing is no id.
func idOf(key any) string {
	switch k := key.(type) {
	case []byte:
		if u, err := uuid.FromBytes(k); err == nil {
			return u.String()
		}
	case string:
		return k
	}
	return ""
}
