package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"
)

// measureLoad measures what durable runs cost: requests per second and latency
// at three loads, and bytes on disk.
func (s *site) measureLoad(ctx context.Context, each time.Duration, out io.Writer) error {
	s.vendor.kind.Store(true)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends a server that is left by an error
	sync, err := s.syncTime()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "durable runs, %s for each row\n%s; a write with fsync takes %s (p50) here\n\n", each, s.machine(), millis(sync))
	t := newTarget()
	p, err := s.serve(ctx, t)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "flow\tclients\trequests/s\tp50\tp99\tdisk per run\t")
	for _, flow := range []string{"accept", "put", "charge"} {
		if err := s.loadFlow(ctx, newClients(t, s.seed), flow, each, table); err != nil {
			return err
		}
	}
	_ = table.Flush()
	return p.stop()
}

// loadFlow measures one flow at all loads.
func (s *site) loadFlow(ctx context.Context, c *clients, flow string, each time.Duration, table io.Writer) error {
	for _, n := range []int{1, 16, 64} {
		if _, err := c.load(ctx, flow, n, each/5); err != nil { // to warm up
			return err
		}
		before, err := s.dataSize()
		if err != nil {
			return err
		}
		took, err := c.load(ctx, flow, n, each)
		if err != nil {
			return err
		}
		after, err := s.dataSize()
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%d\t%.0f\t%s\t%s\t%d B\t\n", flow, n, float64(len(took))/each.Seconds(),
			millis(quantile(took, 50)), millis(quantile(took, 99)), (after-before)/int64(max(1, len(took))))
	}
	return nil
}

// load has n clients ask one after the other for a time, and returns how long
// each request took.
func (c *clients) load(ctx context.Context, flow string, n int, each time.Duration) ([]time.Duration, error) {
	end := time.Now().Add(each)
	all := make([][]time.Duration, n)
	var group errgroup.Group
	for k := range n {
		group.Go(func() error {
			d := &deal{Flow: flow, Item: fmt.Sprint(k)}
			for began := time.Now(); began.Before(end); began = time.Now() {
				ok, err := c.askAs(ctx, d, "")
				if err != nil || !ok {
					return fmt.Errorf("flow %s: a request has no answer: %v", flow, err)
				}
				all[k] = append(all[k], time.Since(began))
			}
			return nil
		})
	}
	err := group.Wait()
	var took []time.Duration
	for _, a := range all {
		took = append(took, a...)
	}
	return took, err
}

// dataSize is how many bytes the database has, its log not counted: that is
// used again and again.
func (s *site) dataSize() (int64, error) {
	info, err := os.Stat(s.path(filepath.Join("data", "wend.db")))
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// syncTime is how long the disk takes to make a small write safe.
func (s *site) syncTime() (time.Duration, error) {
	f, err := os.Create(s.path("sync"))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	took := make([]time.Duration, 200)
	page := make([]byte, 4096)
	for i := range took {
		began := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		took[i] = time.Since(began)
	}
	return quantile(took, 50), nil
}

// machine says what was measured on.
func (s *site) machine() string {
	return fmt.Sprintf("%s %s/%s, %d CPUs, load %s, %s", runtime.Version(), runtime.GOOS, runtime.GOARCH,
		runtime.NumCPU(), loadAverage(), time.Now().Format(time.DateOnly))
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Fields(string(text))[0]
}
