package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// kill kills servers at random moments, and shows that nothing is lost. Now and
// then one may stop in an orderly way, and flows are edited all the time: a run
// goes on with the one that it began with.
func (s *site) kill(ctx context.Context, kills int, out io.Writer) error {
	began := time.Now()
	stops := 0
	am, err := s.trial(ctx, func(ctx context.Context, t *target) (*server, error) {
		for n := range kills {
			if err := s.killOnce(ctx, t); err != nil {
				return nil, fmt.Errorf("kill %d: %w", n+1, err)
			}
			if n%10 != 9 {
				continue
			}
			fmt.Fprintf(s.stderr, "%d of %d kills\n", n+1, kills)
			stops++
			if err := s.stopOnce(ctx, t); err != nil {
				return nil, fmt.Errorf("stop %d: %w", stops, err)
			}
		}
		return s.serve(ctx, t)
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "kill -9: %d times in %s, and %d orderly stops, %d clients, seed %d\n\n",
		kills, time.Since(began).Round(time.Second), stops, s.clients, s.seed)
	return am.print(out)
}

// killOnce starts a server and kills it: mostly after a moment of work, and
// sometimes while it starts and takes up what its predecessor left, or when it
// has had the time to park runs and wake them.
func (s *site) killOnce(ctx context.Context, t *target) error {
	if s.random.IntN(6) == 0 {
		p, err := s.start(ctx)
		if err != nil {
			return err
		}
		pause(ctx, between(s.random, 0, 250))
		return p.kill()
	}
	p, err := s.serveForAWhile(ctx, t)
	if err != nil {
		return err
	}
	t.down()
	return p.kill()
}

func (s *site) stopOnce(ctx context.Context, t *target) error {
	p, err := s.serveForAWhile(ctx, t)
	if err != nil {
		return err
	}
	t.down()
	return p.stop()
}

// serveForAWhile leaves a server that has worked for a moment, sometimes with
// flows that have changed before it started or since.
func (s *site) serveForAWhile(ctx context.Context, t *target) (*server, error) {
	edit := s.random.IntN(4)
	if edit == 0 {
		if err := s.editFlows(); err != nil {
			return nil, err
		}
	}
	p, err := s.serve(ctx, t)
	if err != nil {
		return nil, err
	}
	if edit == 1 {
		if err := s.editFlows(); err != nil {
			return nil, err
		}
	}
	if s.random.IntN(5) == 0 {
		pause(ctx, between(s.random, 1000, 3000))
	} else {
		pause(ctx, between(s.random, 0, 900))
	}
	return p, nil
}

// editFlows makes every flow another one that does the same.
func (s *site) editFlows() error {
	names, err := filepath.Glob(s.path("flows/*.yaml"))
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		text = fmt.Appendf(text, "# for server %d\n", len(s.lives))
		// As a whole: a server that reads half a file says so.
		hidden := s.path("flows/.new")
		if err := errors.Join(os.WriteFile(hidden, text, 0o600), os.Rename(hidden, name)); err != nil {
			return err
		}
	}
	return nil
}

// serve starts a server and shows it to the clients.
func (s *site) serve(ctx context.Context, t *target) (*server, error) {
	p, err := s.start(ctx)
	if err != nil {
		return nil, err
	}
	base, err := p.listening(ctx)
	if err != nil {
		return nil, err
	}
	t.up(base)
	return p, nil
}

// print prints the tables. It returns errBroken if a promise was not kept.
func (am *aftermath) print(out io.Writer) error {
	am.printFlows(out)
	fmt.Fprintln(out)
	am.printEnds(out)
	fmt.Fprintln(out)
	return printChecks(out, am.audit())
}
