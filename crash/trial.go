package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wendflow/wend/runtime/run"
)

// trial has clients at work while servers are broken, one after the other.
// harm returns the last server, which is well; it is then given the time to
// bring everything to an end, and stopped. The aftermath is what is left.
func (s *site) trial(ctx context.Context, harm func(context.Context, *target) (*server, error)) (*aftermath, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends a server that is left by an error
	t := newTarget()
	c := newClients(t, s.seed)
	last, err := s.work(ctx, c, func(ctx context.Context) (*server, error) { return harm(ctx, t) })
	if err != nil {
		return nil, err
	}
	base, err := t.await(ctx)
	if err != nil {
		return nil, err
	}
	am := &aftermath{deals: c.deals, odd: c.odd, said: c.said, lives: s.lives}
	if err := quiet(ctx, base); err != nil {
		// The audit says what is not done.
		fmt.Fprintln(s.stderr, err)
	}
	if am.shown, err = shown(ctx, base, c.deals); err != nil {
		return nil, err
	}
	if err := last.stop(); err != nil {
		am.odd = append(am.odd, err.Error())
	}
	return am, s.collect(ctx, am)
}

// work runs the clients until harm is done and their deals are made.
func (s *site) work(ctx context.Context, c *clients, harm func(context.Context) (*server, error)) (last *server, err error) {
	enough := make(chan struct{})
	stop := sync.OnceFunc(func() { close(enough) })
	group, working := errgroup.WithContext(ctx)
	group.Go(func() error { return c.work(working, s.clients, enough) })
	group.Go(func() (err error) {
		defer stop()
		// Not the group's context: the last server outlives the group.
		last, err = harm(ctx)
		return err
	})
	return last, group.Wait()
}

// collect reads what the last server left.
func (s *site) collect(ctx context.Context, am *aftermath) (err error) {
	if am.runs, err = readJournal(ctx, s.path("data")); err != nil {
		return err
	}
	if am.count, err = readCount(ctx, s.path("data")); err != nil {
		return err
	}
	am.requests, am.done = s.vendor.seen()
	if am.tasks, err = s.vendor.tasks(); err != nil {
		return err
	}
	text, err := os.ReadFile(s.path("server.log"))
	am.log = without(string(text), "level=WARN")
	return err
}

// settleTime is how long all runs may take to end once nothing breaks any more.
const settleTime = 60 * time.Second

// quiet waits until no durable run is unfinished.
func quiet(ctx context.Context, base string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, settleTime, fmt.Errorf("some runs have not ended within %s", settleTime))
	defer cancel()
	for {
		left := 0
		for _, status := range []run.Status{run.Running, run.Waiting} {
			var page struct{ Runs []json.RawMessage }
			if err := get(ctx, base+"/api/v1/runs?limit=1&status="+string(status), &page); err != nil {
				return err
			}
			left += len(page.Runs)
		}
		if left == 0 {
			return nil
		}
		pause(ctx, 100*time.Millisecond)
	}
}

// shown asks the API about every run that was accepted.
func shown(ctx context.Context, base string, deals []*deal) (map[string]run.Report, error) {
	reports := map[string]run.Report{}
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(8)
	asked := map[string]bool{}
	for _, d := range deals {
		for _, a := range d.Answers {
			if asked[a.Run] || d.Flow == "forget" {
				continue
			}
			asked[a.Run] = true
			group.Go(func() error {
				var r run.Report
				err := get(ctx, base+"/api/v1/runs/"+a.Run, &r)
				mu.Lock()
				defer mu.Unlock()
				reports[a.Run] = r
				return err
			})
		}
	}
	return reports, group.Wait()
}

// get reads JSON. That there is no such thing leaves into as it is.
func get(ctx context.Context, url string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	switch {
	case err != nil:
		return err
	case response.StatusCode == http.StatusNotFound:
		return nil
	case response.StatusCode != http.StatusOK:
		return fmt.Errorf("GET %s: %d %s", url, response.StatusCode, body)
	}
	return json.Unmarshal(body, into)
}
