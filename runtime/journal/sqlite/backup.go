package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Backup writes all that is in a data folder at one instant to a file, which
// must not be there yet. The folder may be open meanwhile, in this process or
// another, and be written to: neither waits for the other. When Backup returns
// nil the copy has been checked and is on disk; else there is none.
//
// The file is itself a database: alone in a folder, as File, it can be opened.
func Backup(ctx context.Context, dir, to string) error {
	from, err := filepath.Abs(filepath.Join(dir, File))
	if err != nil {
		return fmt.Errorf("data folder %q: %w", dir, err)
	}
	if _, err := os.Stat(from); err != nil {
		return fmt.Errorf("data folder %q has no journal: %w", dir, err)
	}
	if to, err = filepath.Abs(to); err != nil {
		return fmt.Errorf("%q: %w", to, err)
	}
	if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = fs.ErrExist
		}
		return fmt.Errorf("%q: %w", to, err)
	}
	// Beside the target, since a rename does not cross file systems. SQLite
	// writes into a file that is there if it is empty, and so nobody else can
	// read the copy.
	file, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*.partial")
	if err != nil {
		return err
	}
	err = copyInto(ctx, from, file.Name())
	if err == nil {
		err = file.Sync() // VACUUM does not
	}
	if err = errors.Join(err, file.Close()); err == nil {
		if err = os.Rename(file.Name(), to); err == nil {
			return syncFolder(filepath.Dir(to))
		}
	}
	return errors.Join(err, os.Remove(file.Name()))
}

// copyInto copies a database into an empty file, and checks the copy.
func copyInto(ctx context.Context, from, to string) error {
	db, err := sql.Open("sqlite", dsn(from, "busy_timeout(5000)"))
	if err != nil {
		return err
	}
	defer db.Close()
	var app int
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&app); err != nil {
		return explain(from, err)
	}
	if app != applicationID {
		return fmt.Errorf("%q is %w", from, ErrForeign)
	}
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return explain(from, err)
	}
	return sound(ctx, to)
}

// sound reads all of a database and fails with ErrDamaged if it is not whole.
func sound(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", dsn(path, "query_only(1)"))
	if err != nil {
		return err
	}
	defer db.Close()
	var said string
	if err := db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&said); err != nil {
		return explain(path, err)
	}
	if said = strings.TrimSpace(said); said != "ok" {
		return fmt.Errorf("%q is %w: %s", path, ErrDamaged, said)
	}
	return nil
}

// syncFolder makes a rename survive the loss of power.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	// Not every system can do it for a folder.
	_ = f.Sync()
	return f.Close()
}
