package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// measureRecovery kills a server that has n runs in the middle of a call, and
// measures how the next one takes them up, and how it serves others meanwhile.
func (s *site) measureRecovery(ctx context.Context, n int, out io.Writer) error {
	s.vendor.tame.Store(true)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends a server that is left by an error
	t := newTarget()
	c := newClients(t, s.seed)
	p, err := s.serve(ctx, t)
	if err != nil {
		return err
	}
	if err := fillUp(ctx, c, n); err != nil {
		return err
	}
	t.down()
	if err := p.kill(); err != nil {
		return err
	}
	held := s.vendor.calls("hold")
	close(s.vendor.hold)

	began := time.Now()
	if p, err = s.serve(ctx, t); err != nil {
		return err
	}
	listening := time.Since(began)
	base, err := t.await(ctx)
	if err != nil {
		return err
	}
	var done atomic.Bool
	var group errgroup.Group
	var took []time.Duration
	group.Go(func() (err error) {
		took, err = c.probe(ctx, &done)
		return err
	})
	quietErr := quiet(ctx, base)
	recovered := time.Since(began)
	done.Store(true)
	if err := errors.Join(group.Wait(), quietErr, p.stop()); err != nil {
		return err
	}
	fmt.Fprintf(out, "recovery of %d runs in the middle of an idempotent call (%d held by the vendor at the kill)\n%s\n\n", n, held, s.machine())
	fmt.Fprintf(out, "start to listening      %s\n", millis(listening))
	fmt.Fprintf(out, "start to all ended      %s, %.0f runs/s\n", millis(recovered), float64(n)/(recovered-listening).Seconds())
	fmt.Fprintf(out, "new requests meanwhile  %d, p50 %s, p99 %s\n", len(took), millis(quantile(took, 50)), millis(quantile(took, 99)))
	return nil
}

// fillUp has n runs accepted.
func fillUp(ctx context.Context, c *clients, n int) error {
	var group errgroup.Group
	group.SetLimit(64)
	for k := range n {
		group.Go(func() error {
			ok, err := c.askAs(ctx, c.deal("hold", strconv.Itoa(k)), "")
			if err == nil && !ok {
				err = fmt.Errorf("run %d was not accepted", k)
			}
			return err
		})
	}
	return group.Wait()
}

// probe asks for a run that the caller waits for, again and again, until it is
// done, and returns how long each took.
func (c *clients) probe(ctx context.Context, done *atomic.Bool) (took []time.Duration, err error) {
	for !done.Load() {
		began := time.Now()
		ok, err := c.askAs(ctx, c.deal("put", fmt.Sprintf("probe-%d", len(took))), "")
		if err != nil {
			return took, err
		}
		if !ok {
			return took, fmt.Errorf("request %d was not accepted while runs are taken up", len(took))
		}
		took = append(took, time.Since(began))
		pause(ctx, 5*time.Millisecond)
	}
	return took, nil
}
