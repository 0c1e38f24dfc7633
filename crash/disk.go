package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/wendflow/wend/runtime/journal/sqlite"
)

const (
	// rounds is how often the disk is hurt in each trial.
	rounds = 20
	// smallDisk is the size of the disk that is filled, in bytes.
	smallDisk = 64 << 20
)

// breakDisk lets writes of the server fail, and then fills its disk.
func (s *site) breakDisk(ctx context.Context, out io.Writer) error {
	failing := s.hurtDisk(ctx, out, hurt{"writes fail", s.failWrites})
	if failing != nil && !errors.Is(failing, errBroken) {
		return failing
	}
	fmt.Fprintln(out)
	return errors.Join(failing, s.fullDisk(ctx, out))
}

// hurt is a way to keep a server from writing. do returns how it is undone.
type hurt struct {
	what string
	do   func(*server) (undo func() error, err error)
}

// failWrites makes all writes fail, or those that make a file longer: then one
// may be done by half.
func (s *site) failWrites(p *server) (undo func() error, err error) {
	most := int64(0)
	if info, err := os.Stat(s.path(filepath.Join("data", sqlite.File+"-wal"))); err == nil && s.random.IntN(2) == 0 {
		most = s.random.Int64N(info.Size() + 1)
	}
	pid := p.cmd.Process.Pid
	return func() error { return limitWrites(pid, -1) }, limitWrites(pid, most)
}

// fullDisk has the data on a small disk, which is filled to the last byte.
func (s *site) fullDisk(ctx context.Context, out io.Writer) error {
	if err := s.anew(); err != nil {
		return err
	}
	unmount, err := mountSmall(s.path("data"), smallDisk)
	if err != nil {
		fmt.Fprintf(out, "SKIPPED: the disk is full: %v\n", err)
		return nil
	}
	ballast := filepath.Join(s.path("data"), "ballast")
	err = s.hurtDisk(ctx, out, hurt{"the disk is full", func(*server) (func() error, error) {
		return func() error { return os.Remove(ballast) }, fill(ballast)
	}})
	return errors.Join(err, unmount())
}

// anew makes an empty data folder, with a vendor and a log that know of nothing.
func (s *site) anew() error {
	for _, name := range []string{"data", "server.log"} {
		if err := os.Rename(s.path(name), s.path(name+".before")); err != nil {
			return err
		}
	}
	s.lives = nil
	s.vendor.forget()
	return os.Mkdir(s.path("data"), 0o700)
}

// hurtDisk hurts the disk of servers at work, kills some of them meanwhile, and
// shows that what was accepted is not lost, and what cannot be kept is refused.
func (s *site) hurtDisk(ctx context.Context, out io.Writer, h hurt) error {
	began := time.Now()
	var hurting time.Duration
	kills := 0
	w, err := s.trial(ctx, func(ctx context.Context, t *target) (*server, error) {
		p, err := s.serve(ctx, t)
		for n := 0; n < rounds && err == nil; n++ {
			pause(ctx, between(s.random, 100, 800))
			var undo func() error
			if undo, err = h.do(p); err != nil {
				break
			}
			from := time.Now()
			pause(ctx, between(s.random, 300, 1500))
			if s.random.IntN(4) == 0 {
				// The next one starts while it cannot write.
				kills++
				t.down()
				if err = p.kill(); err == nil {
					p, err = s.serve(ctx, t)
				}
				pause(ctx, between(s.random, 0, 500))
			}
			err = errors.Join(err, undo())
			hurting += time.Since(from)
		}
		return p, err
	})
	if err != nil {
		return err
	}
	w.log = without(w.log, sqlite.File) // that it cannot be written was to be said
	fmt.Fprintf(out, "%s: %d times, %s of %s, with %d kills meanwhile, %d clients, seed %d\n\n",
		h.what, rounds, hurting.Round(time.Second), time.Since(began).Round(time.Second), kills, s.clients, s.seed)
	return w.print(out)
}
