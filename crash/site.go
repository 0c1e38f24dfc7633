package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed flows wend.yaml
var files embed.FS

// site is a folder with all that a server needs, and the vendor that its flows
// call.
type site struct {
	dir     string
	wend    string // the binary
	plugins string
	stderr  io.Writer // progress
	seed    uint64
	clients int
	vendor  *vendor
	random  *rand.Rand // of the goroutine that breaks things
	lives   []*life    // of the servers so far
	last    *server    // the newest one
}

// openSite builds the binary and the plugin, and starts the vendor. Close it.
func openSite(ctx context.Context, o options, stderr io.Writer) (s *site, err error) {
	dir, err := os.MkdirTemp("", "wend-crash-")
	if err != nil {
		return nil, err
	}
	s = &site{
		dir: dir, wend: o.wend, plugins: o.plugins, stderr: stderr,
		seed: o.seed, clients: o.clients, random: rand.New(rand.NewPCG(o.seed, 0)),
	}
	if s.vendor, err = openVendor(ctx, o.seed); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err = s.write(); err == nil {
		err = s.build(ctx, o.race)
	}
	if err != nil {
		return nil, errors.Join(err, s.close(true))
	}
	return s, nil
}

// end kills the last server, if it is still there.
func (s *site) end() {
	if s.last != nil {
		_ = s.last.kill() // it says so if there is nothing to kill
	}
}

// close ends what runs, and removes the folder if nobody needs it.
func (s *site) close(remove bool) error {
	s.end()
	err := s.vendor.close()
	if remove {
		err = errors.Join(err, os.RemoveAll(s.dir))
	}
	return err
}

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

// write puts flows and configuration into the folder.
func (s *site) write() error {
	return fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(s.path(path), 0o700)
		}
		text, err := files.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(s.path(path), []byte(strings.ReplaceAll(string(text), "ADDR", s.vendor.addr)), 0o600)
	})
}

// build makes what is run. The source is where the go command finds the
// module, so the harness runs anywhere inside it.
func (s *site) build(ctx context.Context, race bool) error {
	root, err := output(ctx, "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return err
	}
	if s.wend == "" {
		s.wend = s.path("wend")
		args := []string{"build", "-C", root, "-o", s.wend}
		if race {
			args = append(args, "-race")
		}
		if _, err := output(ctx, "go", append(args, "./cmd/wend")...); err != nil {
			return err
		}
	}
	if s.plugins != "" {
		return nil
	}
	s.plugins = s.path("plugins")
	if err := os.Mkdir(s.plugins, 0o700); err != nil {
		return err
	}
	_, err = output(ctx, s.wend, "plugin", "build", filepath.Join(root, "plugins", "cisco-cce"),
		"--out", filepath.Join(s.plugins, "cisco-cce.wasm"))
	return err
}

// output runs a command to its end.
func output(ctx context.Context, name string, args ...string) (string, error) {
	var said strings.Builder
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, said.String())
	}
	return strings.TrimSpace(string(out)), nil
}
