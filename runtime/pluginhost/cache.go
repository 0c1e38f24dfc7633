package pluginhost

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
)

// codeCache is the folder of compiled code. wazero runs what it finds there as
// machine code, and checks only a part of it: so each file has a seal beside
// it, and what has none or a broken one is removed before wazero looks.
type codeCache struct {
	dir string // empty if there is none
	log *slog.Logger
}

// sealed is what the name of a file's seal ends with.
const sealed = ".sum"

// openCache makes the folder, or takes the one that is there. Without one, every
// start compiles anew; that is no reason not to start.
func openCache(dir string, log *slog.Logger) codeCache {
	err := os.MkdirAll(dir, 0o700)
	for up := dir; err == nil && up != filepath.Dir(filepath.Dir(dir)); up = filepath.Dir(up) {
		err = ownFolder(up)
	}
	if err != nil {
		log.Warn("compiled plugins are not cached, every start compiles them", "folder", dir, "error", err)
		return codeCache{log: log}
	}
	c := codeCache{dir: dir, log: log}
	c.each(func(file string) {
		err := checkSeal(file)
		switch {
		case err == nil:
			return
		case errors.Is(err, errUnsealed): // by a process that was killed, or is not done yet
			log.Debug("a compiled plugin is compiled anew", "file", file, "error", err)
		default:
			log.Warn("a compiled plugin is compiled anew", "file", file, "error", err)
		}
		_, _ = os.Remove(file), os.Remove(file+sealed)
	})
	return c
}

// seal seals what is new.
func (c codeCache) seal() {
	if c.dir == "" {
		return
	}
	c.each(func(file string) {
		if _, err := os.Stat(file + sealed); err == nil {
			return
		}
		text, err := sealOf(file)
		if err == nil {
			err = c.write(file+sealed, []byte(text))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // another process removed it
			c.log.Warn("a compiled plugin is not cached", "file", file, "error", err)
		}
	})
}

// write writes a file whole or not at all: other processes may read it, or write
// it too.
func (c codeCache) write(file string, content []byte) error {
	tmp, err := os.CreateTemp(c.dir, ".wend-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails once it is renamed, as it should
	_, err = tmp.Write(content)
	if err := errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), file)
}

// remember makes a file whose name says all.
func (c codeCache) remember(name string) {
	if c.dir == "" || c.remembers(name) {
		return
	}
	if err := c.write(filepath.Join(c.dir, name), []byte(name+"\n")); err != nil {
		c.log.Warn("that a plugin can be loaded is not cached", "file", name, "error", err)
	}
}

func (c codeCache) remembers(name string) bool {
	if c.dir == "" {
		return false
	}
	_, err := os.Stat(filepath.Join(c.dir, name))
	return err == nil
}

// each visits the files that are whole: another process may be writing one.
func (c codeCache) each(visit func(file string)) {
	err := filepath.WalkDir(c.dir, func(path string, d fs.DirEntry, err error) error {
		ext := filepath.Ext(path)
		if err != nil || !d.Type().IsRegular() || ext == sealed || ext == ".tmp" || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		visit(path)
		return nil
	})
	if err != nil {
		c.log.Warn("the cache of compiled plugins cannot be read", "folder", c.dir, "error", err)
	}
}

// checkSeal says why a file is not what was sealed.
func checkSeal(file string) error {
	want, err := os.ReadFile(file + sealed)
	if errors.Is(err, fs.ErrNotExist) {
		return errUnsealed
	}
	if err != nil {
		return err
	}
	got, err := sealOf(file)
	if err == nil && got != string(want) {
		err = errors.New("it is damaged")
	}
	return err
}

var errUnsealed = errors.New("it was not finished")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sealOf tells whether a file has changed by accident. Whoever may write to the
// folder can run code here anyway.
func sealOf(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := crc32.New(castagnoli)
	n, err := io.Copy(sum, f)
	return fmt.Sprintf("%s %d %08x\n", strings.TrimSuffix(filepath.Base(file), sealed), n, sum.Sum32()), err
}
