// Command crash shows that nothing is lost. It serves flows with a real `wend
// serve`, has clients use them, and breaks the server in every way that it
// promises to survive: kill -9 at random moments, writes that fail, a full
// disk. Afterwards it holds what clients were promised, what the journal says
// and what the vendor saw against each other, prints a table, and exits with 1
// if anything disagrees.
//
// It knows Wend from outside only: its command line, its HTTP, and the journal
// that the server leaves behind. It does not show what a loss of power does: a
// process that is killed leaves its writes with the operating system.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := Main(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// options are the command line.
type options struct {
	kills    int
	disk     bool
	recover  int
	load     bool
	hostile  bool
	seed     uint64
	clients  int
	duration time.Duration
	wend     string
	race     bool
	keep     bool
	rounds   int    // of hurting the disk
	plugins  string // folder of the plugin if it is built; empty: it is built
}

// Main runs one mode and returns what to exit with: 0 if all promises were
// kept, 1 if not, 2 for wrong usage.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o := options{rounds: 20}
	fs := flag.NewFlagSet("crash", flag.ContinueOnError)
	fs.SetOutput(stderr)
	fs.IntVar(&o.kills, "kills", 100, "how often to kill the server")
	fs.BoolVar(&o.disk, "disk", false, "instead: let writes fail, and fill the disk")
	fs.IntVar(&o.recover, "recover", 0, "instead: measure how `N` unfinished runs are taken up after a kill")
	fs.BoolVar(&o.load, "load", false, "instead: measure requests per second, latency and size on disk")
	fs.BoolVar(&o.hostile, "hostile", false, "instead: mix inputs that nobody should send into the load; Linux")
	fs.Uint64Var(&o.seed, "seed", uint64(time.Now().UnixNano()), "what the random moments and faults follow from")
	fs.IntVar(&o.clients, "clients", 16, "how many clients work side by side")
	fs.DurationVar(&o.duration, "for", 0, "how long each measurement of -load takes (default 5s), or all of -hostile (default 10m)")
	fs.StringVar(&o.wend, "wend", "", "the wend binary (default: built from the source around)")
	fs.BoolVar(&o.race, "race", false, "build the binary with the race detector")
	fs.BoolVar(&o.keep, "keep", false, "keep the folder with data and logs; it is kept anyway if something is wrong")
	if err := fs.Parse(args); err != nil || fs.NArg() > 0 {
		return 2
	}
	err := perform(ctx, o, stdout, stderr)
	switch {
	case err == nil:
		return 0
	case !errors.Is(err, errBroken):
		fmt.Fprintf(stderr, "crash: %v\n", err)
	}
	return 1
}

// errBroken says that a promise was not kept, and that the table tells which.
var errBroken = errors.New("a promise was broken")

func perform(ctx context.Context, o options, stdout, stderr io.Writer) error {
	s, err := openSite(ctx, o, stderr)
	if err != nil {
		return err
	}
	switch {
	case o.disk:
		err = s.breakDisk(ctx, o.rounds, stdout)
	case o.recover > 0:
		err = s.measureRecovery(ctx, o.recover, stdout)
	case o.load:
		err = s.measureLoad(ctx, cmp.Or(o.duration, 5*time.Second), stdout)
	case o.hostile:
		err = s.attackHostile(ctx, cmp.Or(o.duration, 10*time.Minute), stdout)
	default:
		err = s.kill(ctx, o.kills, stdout)
	}
	if err != nil || o.keep {
		fmt.Fprintf(stderr, "data and logs are in %s\n", s.dir)
	}
	return errors.Join(err, s.close(err == nil && !o.keep))
}
