// Package journaltest is what every driver of package journal must pass: one
// suite about order, conflicts, owners, keys, events, lists, retention, and
// what is left after a crash. It is for tests of drivers only.
package journaltest

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
)

// Setup is what the suite needs to know of a driver.
type Setup struct {
	// Open opens a driver on what is kept in dir, which is empty at first. The
	// suite closes it.
	Open func(tb testing.TB, dir string, now func() time.Time) journal.Driver
	// Persists says that the driver keeps everything in dir, so that a driver
	// opened there later, or on a copy, has it all.
	Persists bool
	// Tail returns the file in dir whose end is lost, in whole or in part, if
	// the power fails before it is on disk. Nil if there is none.
	Tail func(dir string) string
}

// Test runs the suite.
func Test(t *testing.T, s Setup) {
	groups := []struct {
		name  string
		tests []namedTest
	}{
		{"Append", appendTests},
		{"Begin", beginTests},
		{"Mailbox", mailboxTests},
		{"Values", valueTests},
		{"Owners", ownerTests},
		{"Ticks", tickTests},
		{"History", historyTests},
		{"Versions", versionTests},
		{"Trim", trimTests},
		{"Life", lifeTests},
	}
	if s.Persists {
		groups = append(groups, struct {
			name  string
			tests []namedTest
		}{"Crash", crashTests})
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			for _, test := range g.tests {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					test.run(newBench(t, s))
				})
			}
		})
	}
}

type namedTest struct {
	name string
	run  func(*bench)
}

// bench is one test with a driver of its own.
type bench struct {
	*testing.T
	setup Setup
	dir   string
	clock *clock
	d     journal.Driver
}

func newBench(t *testing.T, s Setup) *bench {
	t.Helper()
	b := &bench{T: t, setup: s, dir: t.TempDir(), clock: &clock{now: noon}}
	b.d = b.open(b.dir)
	return b
}

func (b *bench) open(dir string) journal.Driver {
	b.Helper()
	d := b.setup.Open(b, dir, b.clock.Now)
	b.Cleanup(func() { b.ok(d.Close()) })
	return d
}

// reopen closes the driver and opens it again.
func (b *bench) reopen() {
	b.Helper()
	b.ok(b.d.Close())
	b.d = b.open(b.dir)
}

func (b *bench) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// same compares what a driver gave with what it should have.
func (b *bench) same(what string, got, want any) {
	b.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		b.Fatalf("%s (-want +got):\n%s", what, diff)
	}
}

// noise is text that no driver can make much smaller.
func noise(bytes int) string {
	random := rand.NewChaCha8([32]byte{})
	text := make([]byte, bytes/4*3)
	_, _ = random.Read(text) // never fails
	return base64.StdEncoding.EncodeToString(text)
}

// none is an empty list of ids.
var none []string

// together calls do side by side, as nearly at the same instant as can be.
func together(n int, do func(i int)) {
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	wg.Wait()
}

// clock is a time that only the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func at(d time.Duration) run.At { return run.At{At: noon.Add(d)} }

func place(node string) run.Place { return run.Place{Node: node, Visit: 1, Attempt: 1} }

// started is the first event of a run.
func started(id string) run.RunStarted {
	return run.RunStarted{
		At: at(0), Run: id, Flow: "greet", FlowDigest: "flow-1",
		Plugins: map[string]string{"acme/greet": "plugin-1"},
		Trigger: "hook", Seed: "seed", Output: map[string]any{"name": "Grüezi"},
	}
}

func sleeping(due time.Duration) run.TimerSet {
	return run.TimerSet{At: at(time.Second), Place: place("nap"), Kind: run.TimerSleep, Due: noon.Add(due)}
}

func awaiting(name, key string) run.EventAwaited {
	return run.EventAwaited{At: at(time.Second), Place: place("gate"), Name: name, Key: key}
}

func finished(node string) run.NodeFinished {
	return run.NodeFinished{At: at(2 * time.Second), Place: place(node), Outcome: "success"}
}

func ended(status run.Status, outcome string) run.RunEnded {
	return run.RunEnded{At: at(3 * time.Second), Status: status, Outcome: outcome}
}

func responded(status int) run.RunResponded {
	return run.RunResponded{At: at(time.Second), Response: node.Response{Status: status}}
}

// failedAt is the end of a run whose last failure was at a node.
func failedAt(node string) run.RunEnded {
	end := ended(run.Failed, "onTimeout")
	end.Error = &run.Failure{Node: node, Outcome: "onTimeout", Code: "timeout", Message: "no answer “in time”", Attempt: 2}
	return end
}

func one(e run.Event) []run.Event { return []run.Event{e} }

// begin appends the first events of a run: its start and others.
func (b *bench) begin(id string, more ...run.Event) {
	b.Helper()
	b.ok(b.d.Append(b.Context(), id, 0, append(one(started(id)), more...)))
}

func (b *bench) append(id string, after int, events ...run.Event) {
	b.Helper()
	b.ok(b.d.Append(b.Context(), id, after, events))
}

func (b *bench) events(id string) []run.Event {
	b.Helper()
	events, err := b.d.Events(b.Context(), id)
	b.ok(err)
	return events
}

// maxRuns is more than any test begins.
const maxRuns = 10_000

// all pages through every run.
func (b *bench) all(f journal.Filter) []journal.Summary {
	b.Helper()
	var all []journal.Summary
	for {
		if len(all) > maxRuns {
			b.Fatalf("the list of %+v does not end", f)
		}
		page, err := b.d.Runs(b.Context(), f)
		b.ok(err)
		if f.Limit > 0 && len(page.Runs) > f.Limit {
			b.Fatalf("a page has %d runs, asked for %d", len(page.Runs), f.Limit)
		}
		all = append(all, page.Runs...)
		if page.Next == "" {
			return all
		}
		f.Cursor = page.Next
	}
}

func (b *bench) unfinished(s journal.Shards) []string {
	b.Helper()
	var ids []string
	for sum, err := range b.d.Unfinished(b.Context(), s) {
		b.ok(err)
		ids = append(ids, sum.ID)
	}
	return ids
}

func (b *bench) due(before time.Duration, limit int) []string {
	b.Helper()
	timers, err := b.d.Due(b.Context(), journal.AllShards, noon.Add(before), limit)
	b.ok(err)
	var ids []string
	for _, timer := range timers {
		ids = append(ids, timer.Run)
	}
	return ids
}

func (b *bench) awaiting(name, key string) []string {
	b.Helper()
	ids, err := b.d.Awaiting(b.Context(), name, key)
	b.ok(err)
	return ids
}

// audit checks that what the lists say of each run is what its events say.
func (b *bench) audit() {
	b.Helper()
	want := map[string]bool{}
	for _, sum := range b.all(journal.Filter{}) {
		folded, err := journal.Summarize(b.events(sum.ID))
		b.ok(err)
		b.same("summary of run "+sum.ID, sum, folded)
		found, err := b.d.Find(b.Context(), sum.ID)
		b.ok(err)
		b.same("Find of run "+sum.ID, found, folded)
		if !folded.Status.Ended() {
			want[sum.ID] = true
		}
		if w := folded.Awaits; w != nil && !strings.Contains(fmt.Sprint(b.awaiting(w.Name, w.Key)), sum.ID) {
			b.Fatalf("run %s awaits %v and is not found by it", sum.ID, *w)
		}
	}
	got := map[string]bool{}
	for _, id := range b.unfinished(journal.AllShards) {
		got[id] = true
	}
	b.same("unfinished runs", got, want)
}
