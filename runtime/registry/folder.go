package registry

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/wendflow/wend/runtime/infile"
	"github.com/wendflow/wend/runtime/node"
)

// folder is where plugins lie as files.
type folder struct {
	dir   string
	while func(file string) // called while a file is being read; for tests
}

// source says where plugins are looked for.
func (f folder) source() node.Source {
	info, err := os.Stat(f.dir)
	return node.Source{Folder: f.dir, Missing: f.dir != "" && (err != nil || !info.IsDir())}
}

func (f folder) files() ([]string, error) {
	files, err := filepath.Glob(filepath.Join(f.dir, "*.wasm"))
	if err != nil {
		return nil, fmt.Errorf("plugin folder %q: %w", f.dir, err)
	}
	return files, nil
}

// read reads a file that nobody writes meanwhile: half of the old and half of
// the new might even be a plugin.
func (f folder) read(name string) ([]byte, error) {
	file, err := infile.Open(name, infile.MostPlugin)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	before, err := file.Stat()
	if err != nil {
		return nil, err
	}
	content := make([]byte, before.Size())
	if _, err := io.ReadFull(file, content); err != nil {
		return nil, err
	}
	if f.while != nil {
		f.while(name)
	}
	after, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !before.ModTime().Equal(after.ModTime()) || after.Size() != before.Size() {
		return nil, errors.New("changed while it was read")
	}
	return content, nil
}

// Holds tells whether file is a plugin of the folder, or the way to it.
func (r *Registry) Holds(file string) bool {
	file = filepath.Clean(file)
	if filepath.Ext(file) == ".wasm" {
		return filepath.Dir(file) == filepath.Clean(r.folder.dir)
	}
	return strings.HasPrefix(filepath.Clean(r.folder.dir)+string(filepath.Separator), file+string(filepath.Separator))
}

// Watched is the folder, or what there is of the way to it.
func (r *Registry) Watched() string {
	dir := filepath.Clean(r.folder.dir)
	for {
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			return dir
		}
		if up := filepath.Dir(dir); up != dir {
			dir = up
			continue
		}
		return dir
	}
}
