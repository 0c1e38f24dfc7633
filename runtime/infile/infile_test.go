//go:build unix

package infile_test

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/wendflow/wend/runtime/infile"
)

func TestRead(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "infile") //nolint:usetesting // short, as a socket's path has to be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	in := func(name string) string { return filepath.Join(dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.WriteFile(in("plain"), []byte("12345678"), 0o600))
	must(os.WriteFile(in("long"), []byte("123456789"), 0o600))
	must(os.WriteFile(in("sparse"), nil, 0o600))
	must(os.Truncate(in("sparse"), 1<<40))
	must(os.Mkdir(in("folder"), 0o700))
	must(syscall.Mkfifo(in("pipe"), 0o600))
	socket, err := net.Listen("unix", in("socket"))
	must(err)
	t.Cleanup(func() { _ = socket.Close() })
	for _, to := range []string{"plain", "pipe", "nothing"} {
		must(os.Symlink(in(to), in("to-"+to)))
	}
	for _, tc := range []struct{ name, want string }{
		{in("plain"), ""},
		{in("to-plain"), ""},
		{in("long"), "it has 9 bytes, expected at most 8"},
		{in("sparse"), "it has 1099511627776 bytes, expected at most 8"},
		{in("folder"), "it is a folder, expected a regular file"},
		{in("pipe"), "it is a named pipe, expected a regular file"},
		{in("to-pipe"), "it is a named pipe, expected a regular file"},
		{in("socket"), "it is a socket, expected a regular file"},
		{"/dev/zero", "it is a device, expected a regular file"},
		{in("to-nothing"), "no such file"},
		{in("nothing"), "no such file"},
	} {
		content, err := infile.Read(tc.name, 8)
		if tc.want == "" {
			if err != nil || string(content) != "12345678" {
				t.Errorf("%s: %q, %v", tc.name, content, err)
			}
			continue
		}
		var at *fs.PathError
		if !errors.As(err, &at) || at.Path != tc.name || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", tc.name, err, tc.want)
		}
		if regular := !strings.Contains(tc.want, "regular"); errors.Is(err, infile.ErrIrregular) == regular {
			t.Errorf("%s: %v, ErrIrregular %v", tc.name, err, !regular)
		}
	}
}
