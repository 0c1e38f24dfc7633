package main

import (
	"context"
	"fmt"
	"io"
	"time"
)

// kill kills servers at random moments, and shows that nothing is lost.
func (s *site) kill(ctx context.Context, kills int, out io.Writer) error {
	began := time.Now()
	w, err := s.trial(ctx, func(ctx context.Context, t *target) (*server, error) {
		for n := range kills {
			if err := s.killOnce(ctx, t); err != nil {
				return nil, fmt.Errorf("kill %d: %w", n+1, err)
			}
			if n%10 == 9 {
				fmt.Fprintf(s.stderr, "%d of %d kills\n", n+1, kills)
			}
		}
		return s.serve(ctx, t)
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "kill -9: %d times in %s, %d clients, seed %d\n\n",
		kills, time.Since(began).Round(time.Second), s.clients, s.seed)
	return w.print(out)
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
	p, err := s.serve(ctx, t)
	if err != nil {
		return err
	}
	if s.random.IntN(5) == 0 {
		pause(ctx, between(s.random, 1000, 3000))
	} else {
		pause(ctx, between(s.random, 0, 900))
	}
	t.down()
	return p.kill()
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
func (w *world) print(out io.Writer) error {
	w.printFlows(out)
	fmt.Fprintln(out)
	w.printEnds(out)
	fmt.Fprintln(out)
	return printChecks(out, w.audit())
}
