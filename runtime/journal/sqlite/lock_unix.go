//go:build !windows

package sqlite

import (
	"errors"
	"os"
	"syscall"
)

// openLocked opens the file with a lock that ends with the process.
func openLocked(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := flock(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// lockFolder locks the folder itself. Some network file systems cannot; there
// the file has to do.
func lockFolder(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = flock(f)
	if err == nil {
		return f, nil
	}
	_ = f.Close()
	if errors.Is(err, errHeld) {
		return nil, err
	}
	return nil, nil //nolint:nilnil // no lock, and no reason not to go on
}

func flock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errHeld
	}
	return err
}
