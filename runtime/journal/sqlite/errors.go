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
	var why error
	switch e.Code() & 0xff {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		why = ErrLocked
	case lib.SQLITE_READONLY, lib.SQLITE_PERM:
		why = ErrReadOnly
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		why = ErrDamaged
	case lib.SQLITE_FULL:
		return fmt.Errorf("%w of %q: %w", ErrFull, path, err)
	default:
		return fmt.Errorf("%q: %w", path, err)
	}
	return fmt.Errorf("%q is %w: %w", path, why, err)
}
