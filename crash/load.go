package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/wendflow/wend/runtime/journal/sqlite"
)

// measureLoad measures what durable runs cost: requests per second and latency
// at three loads, and bytes on disk.
func (s *site) measureLoad(ctx context.Context, each time.Duration, out io.Writer) error {
	s.vendor.tame.Store(true)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends a server that is left by an error
	sync, err := s.syncTime()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "durable runs, %s for each row\n%s; a write with fsync takes %s (p50) here\n\n", each, s.machine(), millis(sync))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "flow\tclients\trequests/s\tp50\tp99\t")
	var sizes []string
	for _, flow := range []string{"accept", "put", "charge"} {
		size, err := s.loadFlow(ctx, flow, each, table)
		if err != nil {
			return err
		}
		sizes = append(sizes, fmt.Sprintf("%s %d bytes", flow, size))
	}
	_ = table.Flush()
	fmt.Fprintf(out, "\non disk, each run: %s\n", strings.Join(sizes, " · "))
	return nil
}

// loadFlow measures one flow at all loads, on a database of its own, and
// returns how many bytes a run takes there.
func (s *site) loadFlow(ctx context.Context, flow string, each time.Duration, table io.Writer) (size int64, err error) {
	t := newTarget()
	p, err := s.serve(ctx, t)
	if err != nil {
		return 0, err
	}
	c := newClients(t, s.seed)
	runs := 0
	for _, n := range []int{1, 16, 64} {
		warm, err := c.load(ctx, flow, n, each/5)
		if err != nil {
			return 0, err
		}
		took, err := c.load(ctx, flow, n, each)
		if err != nil {
			return 0, err
		}
		runs += len(warm) + len(took)
		fmt.Fprintf(table, "%s\t%d\t%.0f\t%s\t%s\t\n", flow, n, float64(len(took))/each.Seconds(),
			millis(quantile(took, 50)), millis(quantile(took, 99)))
	}
	if err := p.stop(); err != nil {
		return 0, err
	}
	info, err := os.Stat(s.path(filepath.Join("data", sqlite.File)))
	if err != nil {
		return 0, err
	}
	return info.Size() / int64(runs), os.Rename(s.path("data"), s.path("data."+flow))
}

// load has n clients ask one after the other for a time, and returns how long
// each request took.
func (c *clients) load(ctx context.Context, flow string, n int, each time.Duration) ([]time.Duration, error) {
	end := time.Now().Add(each)
	all := make([][]time.Duration, n)
	var group errgroup.Group
	for k := range n {
		group.Go(func() error {
			d := &deal{Flow: flow, Item: strconv.Itoa(k)}
			for began := time.Now(); began.Before(end); began = time.Now() {
				ok, err := c.askAs(ctx, d, "")
				if err != nil {
					return err
				}
				if !ok {
					return fmt.Errorf("flow %s: a request was not accepted", flow)
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

// syncTime is how long the disk takes to make a small write safe, half of the
// time.
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
		if _, err := f.WriteAt(page, 0); err != nil {
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
