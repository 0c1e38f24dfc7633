package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/wendflow/wend/runtime/infile"
)

// CommitsFile is the name of the file, beside the database, that notes how many
// transactions the database has committed. It is written after each commit and
// not synced: it may lag behind the database, and never runs ahead of it.
// Whoever finds fewer commits in the database has lost some.
const CommitsFile = "wend.commits"

// noted is what the file says of a database.
type noted struct {
	database string
	last     int64
	at       time.Time
}

// commits counts the transactions of a store. It belongs to the writer's
// goroutine.
type commits struct {
	noted
	now  func() time.Time
	file *os.File
}

const sqlCount = "UPDATE commits SET last = ? WHERE one = 1"

// openCommits returns ErrLacking if the database has fewer commits than were
// noted, unless that is accepted.
func openCommits(ctx context.Context, conn *sql.Conn, dir string, now func() time.Time, acceptLoss bool) (*commits, error) {
	c := &commits{now: now}
	if err := conn.QueryRowContext(ctx, "SELECT database, last FROM commits").Scan(&c.database, &c.last); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, CommitsFile)
	before, err := readNoted(path)
	if err != nil {
		return nil, err
	}
	if err := c.lacks(before); err != nil && !acceptLoss {
		return nil, err
	}
	if c.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	c.note(0)
	c.note(1) // of what was lost no note is left
	return c, nil
}

func (c *commits) lacks(before noted) error {
	switch {
	case before.last == 0 || before.database == c.database && before.last <= c.last:
		return nil
	case before.database != c.database:
		return fmt.Errorf("%w: %s is another database than the one with %d commits that was here until %s",
			ErrLacking, File, before.last, before.at.Format(time.RFC3339))
	default:
		return fmt.Errorf("%w: %d of %d commits are missing, the last of %s; %s or its %s-wal was replaced, cut or removed",
			ErrLacking, before.last-c.last, before.last, before.at.Format(time.RFC3339), File, File)
	}
}

// note writes down what is committed. An error leaves the file behind the
// database, which is harmless.
//
// There are two places, for use by turns: one torn by a loss of power leaves the
// other.
func (c *commits) note(place int64) {
	c.at = c.now().UTC().Truncate(time.Second)
	line := c.line()
	_, _ = c.file.WriteAt([]byte(line), place*int64(len(line)))
}

// count is told after each commit.
func (c *commits) count() {
	c.last++
	c.note(c.last % 2)
}

// line has always the same length.
func (n noted) line() string {
	text := fmt.Sprintf("wend %s %016x %s", n.database, n.last, n.at.Format(time.RFC3339))
	return fmt.Sprintf("%s %08x\n", text, crc32.ChecksumIEEE([]byte(text)))
}

// readNoted returns the newer of the file's two notes, or none: the file may be
// of before there was such a file, or damaged itself.
func readNoted(path string) (newest noted, err error) {
	f, err := infile.Open(path, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return noted{}, nil
	}
	if err != nil {
		return noted{}, err
	}
	defer f.Close()
	text := make([]byte, 2*len(noted{database: fmt.Sprintf("%032x", 0)}.line()))
	n, err := io.ReadFull(f, text)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return noted{}, err
	}
	for half := range 2 {
		from := half * len(text) / 2
		if from+len(text)/2 > n {
			break
		}
		if one, ok := parseNoted(string(text[from : from+len(text)/2])); ok && one.last >= newest.last {
			newest = one
		}
	}
	return newest, nil
}

func parseNoted(line string) (n noted, ok bool) {
	var at string
	var sum uint32
	if _, err := fmt.Sscanf(line, "wend %s %x %s %x\n", &n.database, &n.last, &at, &sum); err != nil {
		return noted{}, false
	}
	var err error
	n.at, err = time.Parse(time.RFC3339, at)
	return n, err == nil && n.line() == line
}

func (c *commits) close() error {
	// Not synced so far; a power loss from here on finds it complete.
	return errors.Join(c.file.Sync(), c.file.Close())
}
