package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// LockFile is the name of the file, beside the database, that is locked by
// the process that has it open. What it says is for people.
const LockFile = "wend.lock"

// lock is the right of this process to a data folder. The operating system
// takes it back when the process ends, however it ends. The folder itself is
// locked too where it can be, so that removing the file lets nobody in.
type lock struct{ file, folder *os.File }

var errHeld = errors.New("held")

func acquire(dir string) (*lock, error) {
	path := filepath.Join(dir, LockFile)
	folder, err := lockFolder(dir)
	var f *os.File
	if err == nil {
		f, err = openLocked(path)
	}
	if err != nil {
		_ = folder.Close() // it may be nil
	}
	switch {
	case errors.Is(err, errHeld):
		return nil, fmt.Errorf("data folder %q is %w%s", dir, ErrLocked, whoHolds(path))
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("data folder %q is %w: %w", dir, ErrReadOnly, err)
	case err != nil:
		return nil, fmt.Errorf("lock data folder: %w", err)
	}
	l := &lock{f, folder}
	l.sign()
	return l, nil
}

// sign writes down who holds the lock. A full disk is no reason not to hold it.
func (l *lock) sign() {
	host, err := os.Hostname()
	if err != nil {
		host = "an unknown host"
	}
	_ = l.file.Truncate(0)
	_, _ = l.file.WriteAt(fmt.Appendf(nil, "process %d on %s\n", os.Getpid(), host), 0)
}

func whoHolds(path string) string {
	text, err := os.ReadFile(path)
	if who := strings.TrimSpace(string(text)); err == nil && who != "" {
		return ": " + who
	}
	return ""
}

// release leaves the file: to remove it would race with who takes it next.
func (l *lock) release() error {
	_ = l.file.Truncate(0)
	err := l.file.Close()
	if l.folder != nil {
		err = errors.Join(err, l.folder.Close())
	}
	return err
}
