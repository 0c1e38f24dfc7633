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

// smallDisk is the size of the disk that is filled, in bytes.
const smallDisk = 64 << 20

// breakDisk lets writes of the server fail, and then fills its disk, each so
// many times. What this machine cannot do is skipped, and said to be.
func (s *site) breakDisk(ctx context.Context, rounds int, out io.Writer) error {
	err := s.hurtDisk(ctx, rounds, out, hurt{"writes fail", s.failWrites})
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		fmt.Fprintf(out, "SKIPPED: writes fail: %v\n", err)
		return nil // a disk is filled where writes can be made to fail
	case err != nil && !errors.Is(err, errBroken):
		return err
	}
	fmt.Fprintln(out)
	return errors.Join(err, s.fullDisk(ctx, rounds, out))
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
func (s *site) fullDisk(ctx context.Context, rounds int, out io.Writer) error {
	if err := s.anew(); err != nil {
		return err
	}
	unmount, err := mountSmall(s.path("data"), smallDisk)
	if err != nil {
		fmt.Fprintf(out, "SKIPPED: the disk is full: %v\n", err)
		return nil
	}
	ballast := filepath.Join(s.path("data"), "ballast")
	err = s.hurtDisk(ctx, rounds, out, hurt{"the disk is full", func(*server) (func() error, error) {
		return func() error { return os.Remove(ballast) }, fill(ballast)
	}})
	s.end() // it may have been left by an error
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
func (s *site) hurtDisk(ctx context.Context, rounds int, out io.Writer, h hurt) error {
	began := time.Now()
	var hurting time.Duration
	w, err := s.trial(ctx, func(ctx context.Context, t *target) (*server, error) {
		p, err := s.serve(ctx, t)
		for n := 0; n < rounds && err == nil; n++ {
			pause(ctx, between(s.random, 100, 800))
			from := time.Now()
			p, err = s.hurtOnce(ctx, t, p, h)
			hurting += time.Since(from)
		}
		return p, err
	})
	if err != nil {
		return err
	}
	// That it cannot be written was to be said, and how often, on a machine on
	// which that was more often than the log has lines for.
	w.log = without(without(w.log, sqlite.File), "more that the log leaves out")
	if w.refusals() == 0 {
		w.odd = append(w.odd, "no request was refused: the disk was never hurt")
	}
	fmt.Fprintf(out, "%s: %d times, %s of %s, with %d kills meanwhile, %d clients, seed %d\n\n",
		h.what, rounds, hurting.Round(time.Second), time.Since(began).Round(time.Second), len(s.lives)-1, s.clients, s.seed)
	return w.print(out)
}

// hurtOnce keeps a server from writing for a moment. Sometimes it kills it
// then, and the next one starts before all is well again.
func (s *site) hurtOnce(ctx context.Context, t *target, p *server, h hurt) (next *server, err error) {
	undo, err := h.do(p)
	if err != nil {
		return p, err
	}
	pause(ctx, between(s.random, 300, 1500))
	if s.random.IntN(4) == 0 {
		t.down()
		if err = p.kill(); err == nil {
			p, err = s.serve(ctx, t)
		}
		pause(ctx, between(s.random, 0, 500))
	}
	return p, errors.Join(err, undo())
}
