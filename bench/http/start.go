package main

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"time"
)

// starts is how often the start is measured; the median is reported.
const starts = 11

// measureStart is the time from the start of the process to its first answer at
// /readyz, with compiled plugins in the cache, and the memory of the process a
// while after, when it has nothing to do.
func (b *bench) measureStart(ctx context.Context) error {
	none := filepath.Join(b.dir, "no-plugins")
	all, err := filepath.Glob(filepath.Join(b.plugins, "*.wasm"))
	if err != nil {
		return err
	}
	fmt.Printf("\n%-12s %14s %14s %12s\n", "plugins", "ready, median", "ready, worst", "idle RSS MB")
	for _, c := range []struct {
		count   int
		plugins string
		flow    wendFlow
	}{{len(all), b.plugins, wendFlow{Plugin: true, Durable: true}}, {0, none, wendFlow{Durable: true}}} {
		if err := b.start(ctx, c.flow, c.plugins, nil); err != nil { // fills the cache
			return err
		}
		var took []time.Duration
		var rss []int
		for range starts {
			err := b.start(ctx, c.flow, c.plugins, func(ready time.Duration, idle int) {
				took, rss = append(took, ready), append(rss, idle)
			})
			if err != nil {
				return err
			}
		}
		slices.Sort(took)
		slices.Sort(rss)
		fmt.Printf("%-12d %14s %14s %12d\n", c.count, took[starts/2].Round(time.Millisecond), took[starts-1].Round(time.Millisecond), rss[starts/2]/1024)
	}
	return nil
}

func (b *bench) start(ctx context.Context, f wendFlow, plugins string, tell func(ready time.Duration, idle int)) error {
	begin := b.wendFolder(f, plugins)
	began := time.Now()
	p, err := begin(ctx, "127.0.0.1:9")
	if err != nil {
		return err
	}
	defer p.stop()
	if err := p.answers(ctx, "/readyz"); err != nil {
		return err
	}
	ready := time.Since(began)
	if tell == nil {
		return nil
	}
	if err := settle(ctx, 2*time.Second); err != nil {
		return err
	}
	tell(ready, p.memory("VmRSS"))
	return nil
}

// answers waits until the process answers 200 at path.
func (p *process) answers(ctx context.Context, path string) error {
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+path, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(r)
		if err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
		}
		if err := settle(ctx, time.Millisecond); err != nil {
			return err
		}
	}
}
