package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"
)

// vendorDelay is how long the vendor thinks once all calls are there.
const vendorDelay = 200 * time.Millisecond

// measureInflight has n vendor calls in flight at one time: the vendor answers
// nobody before the last has come, and then takes its delay. Only so are they
// truly n; a vendor that answers after a delay sees no more at a time than the
// engine can start in that delay.
//
// With the callers waiting each call needs two files, ours and the caller's
// line. Where the limit of open files does not allow that, as many callers wait
// as can; the full number is then measured with callers that get 202 at once.
func (b *bench) measureInflight(ctx context.Context, n int) error {
	fmt.Printf("\n%-10s %-14s %8s %8s %8s %10s %12s %10s %12s\n",
		"callers", "plugin", "calls", "peak", "errors", "took", "RSS peak MB", "idle MB", "KB per call")
	waiting := min(n, openFiles()/2-500)
	for _, f := range []wendFlow{{Plugin: true}, {Plugin: true, Accept: true}, {Accept: true}} {
		count := n
		if !f.Accept {
			count = waiting
		}
		if err := b.inflight(ctx, f, count); err != nil {
			return err
		}
	}
	return nil
}

func openFiles() int {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 1024
	}
	return int(min(limit.Cur, 1<<20))
}

func (b *bench) inflight(ctx context.Context, f wendFlow, n int) error {
	vendor, err := b.vendor(ctx, "-delay", vendorDelay.String(), "-hold", strconv.Itoa(n))
	if err != nil {
		return err
	}
	defer vendor.stop()
	p, err := b.wendWith(f)(ctx, vendor.addr)
	if err != nil {
		return err
	}
	defer p.stop()
	if err := settle(ctx, time.Second); err != nil {
		return err
	}
	idle := p.memory("VmRSS")
	began := time.Now()
	sent, err := b.once(ctx, p.url, n, f.Accept)
	if err != nil {
		return err
	}
	seen, err := b.answered(ctx, vendor.addr, n)
	if err != nil {
		return err
	}
	took, peak := time.Since(began), p.memory("VmHWM")
	callers, kind := "wait", "http node"
	if f.Accept {
		callers = "get 202"
	}
	if f.Plugin {
		kind = "cisco-cce"
	}
	fmt.Printf("%-10s %-14s %8d %8d %8d %10s %12d %10d %12.1f\n", callers, kind, seen.Calls, seen.Peak, sent.Errors+seen.Failures,
		took.Round(10*time.Millisecond), peak/1024, idle/1024, float64(peak-idle)/float64(n))
	return nil
}

// once sends n requests side by side, each on a line of its own. Callers who are
// answered at once are few, and send one after the other.
func (b *bench) once(ctx context.Context, url string, n int, accept bool) (r loadResult, err error) {
	args := []string{"load", "-url", url, "-clients", strconv.Itoa(n), "-once", "-time", "1m"}
	if accept {
		args = []string{"load", "-url", url, "-clients", "64", "-total", strconv.Itoa(n), "-time", "1m", "-want", `"run"`}
	}
	cmd := exec.CommandContext(ctx, b.self, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("load: %w", err)
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return r, err
	}
	if r.FirstError != "" {
		fmt.Fprintln(os.Stderr, "first error:", r.FirstError)
	}
	return r, nil
}

// answered waits until the vendor has answered n calls, or has not for long.
func (b *bench) answered(ctx context.Context, addr string, n int) (s vendorStats, err error) {
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		if s, err = b.stats(ctx, addr); err != nil || s.Calls >= n {
			break
		}
		if err := settle(ctx, 50*time.Millisecond); err != nil {
			return s, err
		}
	}
	if err == nil {
		err = settle(ctx, time.Second) // flows that fail say so now
	}
	if err != nil {
		return s, err
	}
	return b.stats(ctx, addr)
}
