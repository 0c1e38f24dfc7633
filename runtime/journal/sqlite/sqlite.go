// Package sqlite keeps a journal in one SQLite file. An append that returned
// survives the end of the process and the loss of power: the file is in WAL
// mode with synchronous=FULL, and one writer commits all waiting appends
// together, so that they share an fsync. One process at a time may open a data
// folder; the folder may be moved or copied while it is closed.
//
// The package does not decide what is kept how long; see Store.Trim.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/wendflow/wend/runtime/journal"
)

// File is the name of the database in its data folder. While it is open, and
// after a crash, it has companions whose names begin with its own.
const File = "wend.db"

// Config is what a Store needs.
type Config struct {
	// Dir is the data folder. It is made if it is not there.
	Dir string
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
	// AcceptLoss opens a database that lost commits, with what is left.
	AcceptLoss bool
	// Committed, if set, is told of every transaction, by the goroutine that
	// writes: it must be quick.
	Committed func(Commit)
}

// Commit is a transaction that was tried.
type Commit struct {
	At     time.Time     // when it began
	Writes int           // that it has
	Waited time.Duration // the longest of them, before that
	Took   time.Duration
	Err    error // nil: it is on disk
}

// Store is a journal.Driver on one file.
type Store struct {
	path   string
	now    func() time.Time
	leases journal.Leases
	lock   *lock
	writer *writer
	reader *sql.DB

	mu   sync.Mutex
	pins map[string]bool // digests put since Open
}

var _ journal.Driver = (*Store)(nil)

// readers is how many reads go on side by side.
const readers = 4

// Open opens the database in the folder, and makes or upgrades it first if
// need be. It returns ErrLocked if another process has the folder open,
// ErrNewer if a newer version wrote the file, ErrLacking if it lost commits,
// ErrDamaged, ErrReadOnly or ErrFull. Close the store with Close.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("data folder %q: %w", cfg.Dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	l, err := acquire(dir)
	if err != nil {
		return nil, err
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Store{path: filepath.Join(dir, File), now: cfg.Now, lock: l, pins: map[string]bool{}}
	if err := s.open(ctx, cfg); err != nil {
		return nil, errors.Join(s.explain(err), l.release())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, cfg Config) error {
	db, conn, err := openWriter(ctx, s.path)
	if err != nil {
		return err
	}
	var counted *commits
	if err = migrate(ctx, conn, s.path); err == nil {
		counted, err = openCommits(ctx, conn, filepath.Dir(s.path), s.now, cfg.AcceptLoss)
	}
	if err == nil {
		s.writer, err = newWriter(ctx, db, conn, counted, cfg)
	}
	if err != nil {
		return errors.Join(lacksTables(s.path, err), conn.Close(), db.Close())
	}
	if s.reader, err = sql.Open("sqlite", dsn(s.path, "query_only(1)", "cache_size(-4000)", "busy_timeout(5000)")); err != nil {
		return errors.Join(err, s.writer.close())
	}
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	return nil
}

// Figures are how a store does.
type Figures struct {
	Waiting int           // writes that wait for their transaction
	Oldest  time.Duration // wait of the first of them
	Bytes   int64         // of the database and its companions
}

// Figures tells how the store does now.
func (s *Store) Figures() Figures {
	var f Figures
	f.Waiting, f.Oldest = s.writer.waiting()
	for _, name := range []string{s.path, s.path + "-wal", s.path + "-shm"} {
		if info, err := os.Stat(name); err == nil {
			f.Bytes += info.Size()
		}
	}
	return f
}

// slow is how long a write may wait before the disk is taken to be stuck.
const slow = 5 * time.Second

// Ready tells why nothing can be written; nil if it can. Where the last write
// failed it tries one, for there may be none until somebody says that all is well.
func (s *Store) Ready(ctx context.Context) error {
	if n, oldest := s.writer.waiting(); oldest > slow {
		return fmt.Errorf("%d writes wait for the disk, the first for %s", n, oldest.Round(time.Second))
	}
	if s.writer.lately() == nil {
		return nil
	}
	return s.explain(s.writer.write(ctx, func(*tx) error { return nil }))
}

// Close implements journal.Driver.
func (s *Store) Close() error {
	if !s.writer.stop() {
		return nil
	}
	// The last connection to be closed moves all into the main file.
	return errors.Join(s.reader.Close(), s.writer.close(), s.lock.release())
}

// openWriter opens the one connection that writes. A database that it makes is
// its owner's alone, and so are the files that SQLite puts beside it, which have
// the same mode: the folder may have been there before, open to others.
func openWriter(ctx context.Context, path string) (*sql.DB, *sql.Conn, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, nil, fmt.Errorf("%q is %w: it is a folder", path, ErrForeign)
	}
	// What else can be wrong with the file SQLite finds when it opens it.
	if file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err == nil {
		if err := file.Close(); err != nil {
			return nil, nil, err
		}
	}
	db, err := sql.Open("sqlite", dsn(path, "cache_size(-8000)", "wal_autocheckpoint(4000)", "busy_timeout(1000)"))
	if err != nil {
		return nil, nil, err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, nil, errors.Join(err, db.Close())
	}
	// First, since the others change the file, and it may be somebody else's.
	if _, err = identify(ctx, conn, path); err == nil {
		err = shrinkable(ctx, conn)
	}
	if err == nil {
		err = durable(ctx, conn)
	}
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close(), db.Close())
	}
	return db, conn, nil
}

// shrinkable makes a new database one whose free pages can be given back to the
// disk. Setting it again would be a write, for which a full disk has no room.
func shrinkable(ctx context.Context, conn *sql.Conn) error {
	const incremental = 2
	var mode int
	if err := conn.QueryRowContext(ctx, "PRAGMA auto_vacuum").Scan(&mode); err != nil || mode == incremental {
		return err
	}
	_, err := conn.ExecContext(ctx, "PRAGMA auto_vacuum = INCREMENTAL")
	return err
}

// durable sets what makes a commit safe and reads it back: SQLite answers a
// mode that it cannot have with the one that it has.
func durable(ctx context.Context, conn *sql.Conn) error {
	var mode string
	if err := conn.QueryRowContext(ctx, "PRAGMA journal_mode = WAL").Scan(&mode); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("the file system cannot hold a database in WAL mode (it is in %q)", mode)
	}
	if _, err := conn.ExecContext(ctx, "PRAGMA synchronous = FULL"); err != nil {
		return err
	}
	var sync int
	if err := conn.QueryRowContext(ctx, "PRAGMA synchronous").Scan(&sync); err != nil {
		return err
	}
	if sync != synchronousFull {
		return fmt.Errorf("synchronous is %d, expected %d (FULL)", sync, synchronousFull)
	}
	return nil
}

const synchronousFull = 2

func dsn(path string, pragmas ...string) string {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	if !strings.HasPrefix(u.Path, "/") {
		u.Path = "/" + u.Path // C:\x is file:///C:/x
	}
	q := url.Values{"_pragma": pragmas}
	u.RawQuery = q.Encode()
	return u.String()
}

// Lease implements journal.Owners. No other process can have the folder open,
// so leases end with the process.
func (s *Store) Lease(ctx context.Context, owner string, want int, ttl time.Duration) (journal.Share, error) {
	if err := s.writer.usable(ctx); err != nil {
		return journal.Share{}, err
	}
	return s.leases.Lease(s.now(), owner, want, ttl), nil
}

// Release implements journal.Owners.
func (s *Store) Release(ctx context.Context, owner string, shards journal.Shards) error {
	if err := s.writer.usable(ctx); err != nil {
		return err
	}
	s.leases.Release(owner, shards)
	return nil
}

// Tell implements journal.Owners.
func (s *Store) Tell(ctx context.Context, n journal.Note) error {
	if err := s.writer.usable(ctx); err != nil {
		return err
	}
	s.leases.Tell(s.now(), n)
	return nil
}

// Hear implements journal.Owners.
func (s *Store) Hear(ctx context.Context, owner string, hear func(journal.Note)) error {
	if err := s.writer.usable(ctx); err != nil {
		return err
	}
	context.AfterFunc(ctx, s.leases.Hear(owner, hear))
	return nil
}
