package flowtest

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/wendflow/wend/runtime/infile"
)

// Find returns the files of tests under paths, sorted. A folder is searched for
// *.test.yaml and *.test.yml, leaving out hidden folders; a flow stands for the
// tests beside it.
func Find(paths []string) ([]string, error) {
	var files []string
	for _, root := range paths {
		if info, err := os.Stat(root); err == nil && !info.IsDir() && !IsFile(root) {
			for _, name := range Beside(filepath.Clean(root)) {
				if _, err := os.Stat(name); err == nil {
					files = append(files, name)
				}
			}
			continue
		}
		found, err := infile.Find([]string{root}, IsFile)
		if err != nil {
			return nil, err
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	return slices.Compact(files), nil
}
