//go:build !windows

package pluginhost

import (
	"fmt"
	"os"
	"syscall"
)

// ownFolder refuses a folder that somebody else made or may write to: what lies
// there is run.
func ownFolder(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	switch {
	case !info.IsDir():
		return fmt.Errorf("%q is not a folder", dir)
	case ok && int(stat.Uid) != os.Geteuid():
		return fmt.Errorf("folder %q belongs to another user, who could put code there", dir)
	case info.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("others may write to folder %q (mode %#o), and could put code there: chmod 700 it", dir, info.Mode().Perm())
	default:
		return nil
	}
}
