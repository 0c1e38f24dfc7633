package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
)

//go:embed schema/*.sql
var schema embed.FS

// Schema is the newest schema that this package knows: the number of files in
// the folder schema, which are applied in order and never change.
const Schema = 9

// applicationID marks a file as ours: "Wend".
const applicationID = 0x57656e64

// identify returns the schema that a database has, 0 for a new one. It returns
// ErrForeign for one that is not ours, and ErrNewer.
func identify(ctx context.Context, conn *sql.Conn, path string) (have int, err error) {
	var app, tables int
	const q = `SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
		FROM pragma_application_id, pragma_user_version`
	if err := conn.QueryRowContext(ctx, q).Scan(&app, &have, &tables); err != nil {
		return 0, err
	}
	switch {
	case app != applicationID && (app != 0 || have != 0 || tables != 0):
		return 0, fmt.Errorf("%q is %w", path, ErrForeign)
	case have > Schema:
		return 0, fmt.Errorf("%q was %w (schema %d, this one knows %d)", path, ErrNewer, have, Schema)
	}
	return have, nil
}

// migrate brings the schema up to Schema.
func migrate(ctx context.Context, conn *sql.Conn, path string) error {
	have, err := identify(ctx, conn, path)
	if err != nil {
		return err
	}
	for v := have + 1; v <= Schema; v++ {
		if err := upgrade(ctx, conn, v); err != nil {
			return fmt.Errorf("upgrade %q to schema %d: %w", path, v, err)
		}
	}
	return nil
}

// upgrade applies one file, all of it or nothing.
func upgrade(ctx context.Context, conn *sql.Conn, v int) error {
	file, err := schema.ReadFile(fmt.Sprintf("schema/%d.sql", v))
	if err != nil {
		return err
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	mark := fmt.Sprintf("\nPRAGMA application_id = %d; PRAGMA user_version = %d;", applicationID, v)
	if _, err := tx.ExecContext(ctx, string(file)+mark); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
