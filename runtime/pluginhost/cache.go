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
	"sync"
	"time"

	"github.com/tetratelabs/wazero"
)

// codeCache is the folder of what this build has made of plugins, a folder for
// each module.
type codeCache struct {
	dir string // empty if there is none
	log *slog.Logger
}

// cached is the folder of one module. wazero runs what it finds there as machine
// code, and checks only a part of it: so each file has a seal beside it, and what
// has none or a broken one is removed before wazero looks.
type cached codeCache

// sealed is what the name of a file's seal ends with.
const sealed = ".sum"

// unused is how long a module's folder is kept that no process has opened.
const unused = 30 * 24 * time.Hour

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
	forget(filepath.Dir(dir), time.Now().Add(-unused))
	return codeCache{dir: dir, log: log}
}

// forget removes, of all builds, what no process has opened since.
func forget(dir string, since time.Time) {
	modules, _ := filepath.Glob(filepath.Join(dir, "wend-*", "*"))
	for _, module := range modules {
		if info, err := os.Stat(module); err == nil && info.ModTime().Before(since) {
			_ = os.RemoveAll(module)
			_ = os.Remove(filepath.Dir(module)) // if it was the last one there
		}
	}
}

// of returns the folder of a module, which may not be there yet.
func (c codeCache) of(digest string) cached {
	if c.dir == "" {
		return cached(c)
	}
	return cached{dir: filepath.Join(c.dir, strings.TrimPrefix(digest, "sha256:")), log: c.log}
}

// open makes the folder, or takes the one that is there and removes what is
// damaged in it. It returns one without a folder if that cannot be had.
func (c cached) open() cached {
	if c.dir == "" {
		return c
	}
	now := time.Now()
	if err := errors.Join(os.MkdirAll(c.dir, 0o700), os.Chtimes(c.dir, now, now)); err != nil {
		c.log.Warn("a compiled plugin is not cached", "folder", c.dir, "error", err)
		return cached{log: c.log}
	}
	c.each(func(file string) {
		err := checkSeal(file)
		switch {
		case err == nil:
			return
		case errors.Is(err, errUnsealed): // by a process that was killed, or is not done yet
			c.log.Debug("a compiled plugin is compiled anew", "file", file, "error", err)
		default:
			c.log.Warn("a compiled plugin is compiled anew", "file", file, "error", err)
		}
		_, _ = os.Remove(file), os.Remove(file+sealed)
	})
	return c
}

// makingCaches keeps caches from being made side by side: wazero finds out its own
// version then, and keeps it without a lock.
var makingCaches sync.Mutex

// code is where wazero keeps machine code. Who closes it frees the code.
func (c cached) code() wazero.CompilationCache {
	if c.dir == "" {
		return wazero.NewCompilationCache()
	}
	makingCaches.Lock()
	code, err := wazero.NewCompilationCacheWithDir(c.dir)
	makingCaches.Unlock()
	if err != nil {
		c.log.Warn("a compiled plugin is not cached", "folder", c.dir, "error", err)
		return wazero.NewCompilationCache()
	}
	return code
}

// seal seals what is new.
func (c cached) seal() {
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
func (c cached) write(file string, content []byte) error {
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
func (c cached) remember(name string) {
	if c.dir == "" || c.remembers(name) {
		return
	}
	if err := c.write(filepath.Join(c.dir, name), []byte(name+"\n")); err != nil {
		c.log.Warn("that a plugin can be loaded is not cached", "file", name, "error", err)
	}
}

func (c cached) remembers(name string) bool {
	if c.dir == "" {
		return false
	}
	_, err := os.Stat(filepath.Join(c.dir, name))
	return err == nil
}

// each visits the files that are whole: another process may be writing one.
func (c cached) each(visit func(file string)) {
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
