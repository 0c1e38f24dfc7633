package sqlite

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/wendflow/wend/runtime/journal"
)

// Why a data folder cannot be used.
var (
	ErrLocked   = errors.New("in use by another process")
	ErrNewer    = errors.New("written by a newer Wend")
	ErrForeign  = errors.New("not a database of Wend")
	ErrDamaged  = errors.New("damaged")
	ErrReadOnly = errors.New("read-only")
	ErrLacking  = errors.New("the journal lacks what was committed")
	ErrFull     = errors.New("no space left on the disk")
)

// failed tells whether the database could not do it, as opposed to what was
// asked for being refused.
func failed(err error) bool {
	_, refused := errors.AsType[*journal.ChangeError](err)
	return err != nil && !refused && !errors.Is(err, journal.ErrConflict) && !errors.Is(err, journal.ErrNotFound)
}

func (s *Store) explain(err error) error { return explain(s.path, err) }

// explain says what an error code of SQLite means for the one who runs Wend.
func explain(path string, err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch code := e.Code() & 0xff; code {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return fmt.Errorf("%q is %w: %w", path, ErrLocked, err)
	case lib.SQLITE_READONLY, lib.SQLITE_PERM:
		return fmt.Errorf("%q is %w", path, ErrReadOnly)
	case lib.SQLITE_NOTADB:
		return fmt.Errorf("%q is %w, or no database at all: it does not begin as one of SQLite; %s", path, ErrDamaged, wayOn)
	case lib.SQLITE_CORRUPT:
		return fmt.Errorf("%q is %w: its pages do not fit together (SQLite error %d); %s", path, ErrDamaged, e.Code(), wayOn)
	case lib.SQLITE_CANTOPEN:
		return fmt.Errorf("%q cannot be opened: expected a file that this user may read and write (SQLite error %d)", path, e.Code())
	case lib.SQLITE_FULL:
		return fmt.Errorf("%w of %q: %w", ErrFull, path, err)
	default:
		return fmt.Errorf("%q: %w", path, err)
	}
}

// wayOn is what to try with a database that cannot be used.
const wayOn = "put a backup in its place, or use another data folder"

// lacksTables says what it means that a database which is ours, and was brought up to
// our schema, does not understand what it is asked first: somebody has changed it.
func lacksTables(path string, err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) && e.Code() == lib.SQLITE_ERROR {
		return fmt.Errorf("%q is %w: it does not have the tables that a database of Wend has; %s", path, ErrDamaged, wayOn)
	}
	return err
}
