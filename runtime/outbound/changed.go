package outbound

import (
	"io/fs"
	"maps"
	"os"
	"slices"

	"github.com/wendflow/wend/runtime/secret"
)

// stamps say which files a connection was made from, by their paths: nil for one
// that is not there.
type stamps map[string]fs.FileInfo

// stamps looks at the files that the connection is made from now.
func (c Connection) stamps() stamps {
	var paths []string
	for _, ref := range c.Secrets {
		if path, ok := secret.File(ref); ok {
			paths = append(paths, path)
		}
	}
	for _, path := range []string{c.TLS.CAFile, c.TLS.CertFile, c.TLS.KeyFile} {
		if path != "" {
			paths = append(paths, path)
		}
	}
	found := stamps{}
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil {
			found[path] = info
		} else {
			found[path] = nil
		}
	}
	return found
}

func (s stamps) equal(other stamps) bool {
	return maps.EqualFunc(s, other, func(a, b fs.FileInfo) bool {
		if a == nil || b == nil {
			return a == nil && b == nil
		}
		return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
	})
}

// FilesChanged tells whether files of secrets or certificates are others than when
// the connections in use were made from them. Reload takes them.
func (c *Client) FilesChanged() bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(c.now.Load().slots)), func(s *slot) bool {
		ready := s.ready.Load()
		return ready != nil && !ready.stamps.Load().equal(s.connection.stamps())
	})
}
