// Package infile reads files that people name, or leave in a folder: regular
// ones only, and none that is larger than what is expected of it. What else a
// name may lead to hangs (a named pipe), never ends (a device) or fills the
// memory (a sparse file).
package infile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Bounds, in bytes, of what is read whole.
const (
	// MostText is for what people write: flows, configuration, cases, inputs.
	MostText = 16 << 20
	// MostPlugin is for a plugin.
	MostPlugin = 64 << 20
)

// Read returns what the regular file at path holds, or a *fs.PathError that
// says what it is instead, or that it has more than most bytes. A link to a
// regular file is one.
func Read(path string, most int64) ([]byte, error) {
	f, err := Open(path, most)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	// It may have grown since.
	content, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(content)) > most {
		return nil, tooLarge(path, int64(len(content)), most)
	}
	return content, nil
}

// Open opens a file that Read would read. The caller closes it.
func Open(path string, most int64) (*os.File, error) {
	info, err := os.Stat(path) // to open a device may do something already
	if err != nil {
		if at, ok := errors.AsType[*fs.PathError](err); ok {
			at.Op = "open"
		}
		return nil, err
	}
	if err := check(path, info, most); err != nil {
		return nil, err
	}
	// Should it be a pipe by now, the open does not wait for who writes.
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	info, err = f.Stat()
	if err == nil {
		err = check(path, info, most)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// ErrIrregular is what an error about a file that is no regular one is, beside
// what it says.
var ErrIrregular = errors.New("not a regular file")

type irregularError string

func (e irregularError) Error() string {
	return "it is a " + string(e) + ", expected a regular file"
}
func (irregularError) Is(target error) bool { return target == ErrIrregular }

func check(path string, info fs.FileInfo, most int64) error {
	if !info.Mode().IsRegular() {
		return &fs.PathError{Op: "read", Path: path, Err: irregularError(kind(info.Mode()))}
	}
	if info.Size() > most {
		return tooLarge(path, info.Size(), most)
	}
	return nil
}

func tooLarge(path string, size, most int64) error {
	return &fs.PathError{Op: "read", Path: path, Err: fmt.Errorf("it has %d bytes, expected at most %d", size, most)}
}

func kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "folder"
	case mode&fs.ModeNamedPipe != 0:
		return "named pipe"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeDevice != 0:
		return "device"
	}
	return "special file"
}

// Find returns the files under paths, sorted, each once. A file is taken as it is;
// a folder is searched for the names that are wanted, leaving out hidden folders.
func Find(paths []string, wanted func(name string) bool) ([]string, error) {
	var files []string
	for _, root := range paths {
		info, err := os.Stat(root)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("no file or folder %q", root)
		case err != nil:
			return nil, err
		case !info.IsDir():
			files = append(files, filepath.Clean(root))
			continue
		}
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root:
				return filepath.SkipDir
			case !d.IsDir() && wanted(d.Name()):
				files = append(files, path)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}
