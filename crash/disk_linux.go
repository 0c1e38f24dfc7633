package main

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// limitWrites makes every write of the process fail that reaches beyond so many
// bytes of a file; a negative number lets all succeed again. A process that is
// gone needs neither.
func limitWrites(pid int, bytes int64) error {
	limit := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if bytes >= 0 {
		limit.Cur = uint64(bytes)
	}
	if err := unix.Prlimit(pid, unix.RLIMIT_FSIZE, &limit, nil); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("limit the size of files of process %d: %w", pid, err)
	}
	return nil
}

// mountSmall mounts a disk of so many bytes on a folder.
func mountSmall(dir string, bytes int64) (unmount func() error, err error) {
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", bytes)); err != nil {
		return nil, fmt.Errorf("mount a small disk, which takes root: %w", err)
	}
	return func() error { return unix.Unmount(dir, 0) }, nil
}

// fill writes a file until the disk has no byte left.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	for piece := make([]byte, 64<<10); len(piece) > 0; {
		_, err = f.Write(piece)
		if err != nil {
			piece = piece[:len(piece)/2]
		}
	}
	if !errors.Is(err, unix.ENOSPC) {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

// makePipe makes a file that is none.
func makePipe(path string) { _ = unix.Mkfifo(path, 0o600) }
