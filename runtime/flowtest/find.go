package flowtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Find returns the files of tests under paths, sorted. A folder is searched for
// *.test.yaml and *.test.yml, leaving out hidden folders; a flow stands for the
// tests beside it.
func Find(paths []string) ([]string, error) {
	var files []string
	for _, root := range paths {
		info, err := os.Stat(root)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("no file or folder %q", root)
		case err != nil:
			return nil, err
		case !info.IsDir() && IsFile(root):
			files = append(files, filepath.Clean(root))
			continue
		case !info.IsDir():
			for _, name := range Beside(filepath.Clean(root)) {
				if _, err := os.Stat(name); err == nil {
					files = append(files, name)
				}
			}
			continue
		}
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root:
				return filepath.SkipDir
			case !d.IsDir() && IsFile(d.Name()):
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
