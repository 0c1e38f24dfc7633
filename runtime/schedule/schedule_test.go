package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/journal/sqlite"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/schedule"
)

// bench is a journal on which servers come and go. The test is busy: time passes
// only in pass.
type bench struct {
	*testing.T
	clock   *clock.Virtual
	journal *counted
	set     atomic.Pointer[catalog.Set]
	flows   sync.Map // that were live ever, by digest

	mu   sync.Mutex
	told []string // what was left out
}

func newBench(t *testing.T, now string, flows ...string) *bench {
	t.Helper()
	v := clock.NewVirtual(when(t, now))
	m := journal.NewMemory(100_000)
	m.Now = v.Now
	b := &bench{T: t, clock: v, journal: &counted{Driver: m}}
	b.deploy(flows...)
	t.Cleanup(v.Busy())
	return b
}

// counted is a journal that can refuse to move schedules.
type counted struct {
	journal.Driver
	refuse atomic.Bool
}

var errFull = errors.New("the disk is full")

func (c *counted) Tick(ctx context.Context, name string, from, to journal.Tick) (bool, error) {
	if c.refuse.Load() {
		return false, errFull
	}
	return c.Driver.Tick(ctx, name, from, to)
}

func when(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// nightly is a flow with a schedule, whose runs last so long.
func nightly(with, lasts string) string {
	src := "flow: nightly\nnodes:\n  n1: { type: schedule, with: { " + with + " }, next: n2 }\n"
	if lasts == "" {
		return src + "  n2: { type: end }\n"
	}
	return src + "  n2: { type: delay, with: { for: " + lasts + " }, next: n3 }\n  n3: { type: end }\n"
}

// deploy makes flows live.
func (b *bench) deploy(flows ...string) {
	b.Helper()
	dir := b.TempDir()
	var files []string
	for i, src := range flows {
		files = append(files, filepath.Join(dir, fmt.Sprintf("%04d.yaml", i)))
		if err := os.WriteFile(files[i], []byte(src), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		b.Fatal(err)
	}
	set, mistakes := catalog.Load(files, flow.Config{Types: types})
	if mistakes.HasErrors() {
		b.Fatal(mistakes.Err())
	}
	for _, f := range set.Flows() {
		b.flows.Store(f.Digest, f)
	}
	b.set.Store(set)
}

// joined is the journal of one server.
type joined struct {
	journal.Driver
	leased func()
}

func (j joined) Lease(ctx context.Context, owner string, want int, ttl time.Duration) (journal.Share, error) {
	j.leased()
	return j.Driver.Lease(ctx, owner, want, ttl)
}

// server is an engine and a scheduler.
type server struct {
	*schedule.Scheduler
	engine *engine.Engine
	end    func()
}

func (b *bench) boot() *server {
	b.Helper()
	observers := fact.Observe(func(f fact.Fact) {
		if left, ok := f.(fact.TicksLeftOut); ok {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.told = append(b.told, fmt.Sprintf("%s %d", left.Why, left.Count))
		}
	})
	looked, leased := make(chan struct{}), make(chan struct{})
	s := &server{engine: engine.New(engine.Config{
		Journal: joined{b.journal, sync.OnceFunc(func() { close(leased) })}, Clock: b.clock, Observers: observers,
		Flow: func(_ context.Context, s journal.Summary) (*flow.Flow, error) {
			f, _ := b.flows.Load(s.FlowDigest)
			return f.(*flow.Flow), nil
		},
	})}
	look := sync.OnceFunc(func() { close(looked) })
	s.Scheduler = schedule.New(schedule.Config{
		Engine: s.engine, Journal: b.journal, Clock: b.clock, Observers: observers,
		Flows: func() *catalog.Set {
			look()
			return b.set.Load()
		},
	})
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := s.engine.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	running.Go(func() { s.Run(ctx) })
	<-looked
	<-leased // both are busy
	s.end = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		gone, cancel := context.WithCancel(context.Background())
		cancel()
		_ = s.engine.Shutdown(gone) // as by kill -9: what is not in the journal is lost
	})
	b.Cleanup(s.end)
	b.pass(0)
	return s
}

func (b *bench) pass(d time.Duration) {
	b.Helper()
	if err := clock.Sleep(b.Context(), b.clock, d); err != nil {
		b.Fatal(err)
	}
}

// until lets time pass until then.
func (b *bench) until(text string) {
	b.Helper()
	b.pass(when(b.T, text).Sub(b.clock.Now()))
}

// ticks are those of all runs, as "tick late missed", in order.
func (b *bench) ticks() (ticks []string) {
	b.Helper()
	for _, s := range b.runs() {
		events, err := b.journal.Events(b.Context(), s.ID)
		if err != nil {
			b.Fatal(err)
		}
		first := events[0].(run.RunStarted).Output
		tick := fmt.Sprint(first["tick"])
		if first["late"] != 0.0 || first["missed"] != int64(0) {
			tick += fmt.Sprintf(" late %.0f missed %v", first["late"], first["missed"]) // how long the work takes moves virtual time a little
		}
		ticks = append(ticks, tick)
	}
	return ticks
}

func (b *bench) runs() []journal.Summary {
	b.Helper()
	var all []journal.Summary
	f := journal.Filter{Limit: 1000}
	for {
		page, err := b.journal.Runs(b.Context(), f)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, page.Runs...)
		if f.Cursor = page.Next; f.Cursor == "" {
			slices.Reverse(all)
			return all
		}
	}
}

func (b *bench) want(lines string) {
	b.Helper()
	var want []string
	for line := range strings.Lines(lines) {
		if line = strings.TrimSpace(line); line != "" {
			want = append(want, line)
		}
	}
	if d := cmp.Diff(want, b.ticks()); d != "" {
		b.Errorf("ticks (-want +got)\n%s", d)
	}
}

func (b *bench) leftOut(want ...string) {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if d := cmp.Diff(want, b.told); d != "" {
		b.Errorf("left out (-want +got)\n%s", d)
	}
}

// Each morning at 7 in Zurich, from the autumn to the spring, with a restart each
// few days.
func TestEachMorning(t *testing.T) {
	t.Parallel()
	b := newBench(t, "2026-10-20T12:00:00+02:00", nightly(`cron: "0 7 * * *", timezone: Europe/Zurich`, ""))
	zurich, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	s := b.boot()
	for b.clock.Now().Before(when(t, "2027-04-02T12:00:00+02:00")) {
		b.pass(50 * time.Hour)
		s.end()
		s = b.boot()
	}
	got := b.ticks()
	day := time.Date(2026, 10, 21, 7, 0, 0, 0, zurich)
	var want []string
	for range got {
		want = append(want, day.Format(time.RFC3339))
		day = day.AddDate(0, 0, 1)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	for _, change := range []string{"2026-10-24T07:00:00+02:00", "2026-10-25T07:00:00+01:00", "2027-03-27T07:00:00+01:00", "2027-03-28T07:00:00+02:00"} {
		if !slices.Contains(got, change) {
			t.Errorf("no run at %s", change)
		}
	}
	b.leftOut()
}

// A time in the gap comes at its end, and one that comes twice has one run, whoever
// is restarted between the two.
func TestChangesOfClocks(t *testing.T) {
	t.Parallel()
	b := newBench(t, "2026-10-24T12:00:00+02:00", nightly(`cron: "30 2 * * *", timezone: Europe/Zurich`, ""))
	s := b.boot()
	b.until("2026-10-25T02:45:00+02:00")
	s.end()
	s = b.boot()
	b.until("2026-10-25T12:00:00+01:00")
	s.end()
	b.until("2027-03-27T12:00:00+01:00")
	b.boot()
	b.until("2027-03-28T12:00:00+02:00")
	b.want(`
		2026-10-25T02:30:00+02:00
		2027-03-28T03:00:00+02:00`)
	b.leftOut("missed 153")
}

func TestMissed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		with, want string
		left       []string
	}{
		"skip": {"", "2026-11-20T12:00:00Z\n2026-11-20T15:00:00Z", []string{"missed 2"}},
		"once": {", missed: once", "2026-11-20T12:00:00Z\n2026-11-20T14:00:00Z late 1800 missed 1\n2026-11-20T15:00:00Z", []string{"missed 1"}},
		"all":  {", missed: all", "2026-11-20T12:00:00Z\n2026-11-20T13:00:00Z late 5400 missed 0\n2026-11-20T14:00:00Z late 1800 missed 0\n2026-11-20T15:00:00Z", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "2026-11-20T11:30:00Z", nightly("every: 1h"+test.with, ""))
			s := b.boot()
			b.pass(time.Hour)
			s.end()
			b.pass(2 * time.Hour)
			b.boot()
			b.pass(time.Hour)
			b.want(test.want)
			b.leftOut(test.left...)
		})
		t.Run(name+", a restart", func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "2026-11-20T11:59:30Z", nightly("every: 1h"+test.with, ""))
			b.boot().end()
			b.pass(40 * time.Second)
			b.boot()
			b.want("2026-11-20T12:00:00Z late 10 missed 0")
			b.leftOut()
		})
	}
}

// After a year away there are at most a hundred runs, one after the other.
func TestMissedAYear(t *testing.T) {
	t.Parallel()
	b := newBench(t, "2026-01-01T00:30:00Z", nightly("every: 1h, missed: all", "10s"))
	b.boot().end()
	b.until("2027-01-01T00:30:00Z")
	b.boot()
	b.pass(10 * time.Minute)
	b.boot() // and a second server, which finds them waiting
	b.pass(15 * time.Minute)
	got := b.ticks()
	if len(got) != 100 || got[0] != "2026-12-27T21:00:00Z late 358200 missed 901" || !strings.HasPrefix(got[99], "2027-01-01T00:00:00Z late ") {
		t.Errorf("%d runs, from %q to %q", len(got), got[0], got[len(got)-1])
	}
	together(t, b.runs(), 1)
}

// together checks how many of the runs went on side by side.
func together(t *testing.T, runs []journal.Summary, want int) {
	t.Helper()
	most := 0
	for _, one := range runs {
		n := 0
		for _, other := range runs {
			if !other.StartedAt.After(one.StartedAt) && (other.EndedAt.IsZero() || other.EndedAt.After(one.StartedAt)) {
				n++
			}
		}
		most = max(most, n)
	}
	if most != want {
		t.Errorf("%d runs went on side by side, want %d", most, want)
	}
}

func TestOverlap(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		with, want string
		left       []string
		together   int
	}{
		"skip":  {"", "2026-11-20T12:00:00Z\n2026-11-20T12:03:00Z", []string{"overlap 1", "overlap 1", "overlap 1", "overlap 1"}, 1},
		"queue": {", overlap: queue", "2026-11-20T12:00:00Z\n2026-11-20T12:01:00Z late 90 missed 0\n2026-11-20T12:02:00Z late 181 missed 0", nil, 1},
		"allow": {", overlap: allow", "2026-11-20T12:00:00Z\n2026-11-20T12:01:00Z\n2026-11-20T12:02:00Z\n2026-11-20T12:03:00Z\n2026-11-20T12:04:00Z\n2026-11-20T12:05:00Z", nil, 3},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "2026-11-20T11:59:30Z", nightly("every: 1m"+test.with, "150s"))
			b.boot()
			b.pass(6 * time.Minute)
			b.want(test.want)
			b.leftOut(test.left...)
			together(t, b.runs(), test.together)
		})
	}
}

// What waits for the run before goes on waiting over a restart, and is not taken
// for missed; but no more than a hundred wait.
func TestQueue(t *testing.T) {
	t.Parallel()
	b := newBench(t, "2026-11-20T11:59:30Z", nightly("every: 1m, overlap: queue", "10m"))
	s := b.boot()
	b.pass(5 * time.Minute) // 12:00 goes on, and 12:01 to 12:04 wait
	s.end()
	b.deploy(nightly("every: 1m, overlap: queue", ""))
	b.pass(30 * time.Minute) // nobody is there at 12:05 and later
	b.boot()
	b.pass(20 * time.Second)
	b.want(`
		2026-11-20T12:00:00Z
		2026-11-20T12:01:00Z late 2010 missed 0
		2026-11-20T12:02:00Z late 1950 missed 0
		2026-11-20T12:03:00Z late 1890 missed 0
		2026-11-20T12:04:00Z late 1830 missed 0
		2026-11-20T12:34:00Z late 30 missed 29`)
	b.leftOut("missed 29")
}

func TestQueueIsBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t, "2026-11-20T11:59:30Z", nightly("every: 1m, overlap: queue", "4h"))
	b.boot()
	b.pass(3 * time.Hour) // 180 ticks, one goes on
	if n := len(b.ticks()); n != 1 {
		t.Errorf("%d runs", n)
	}
	if n := len(b.told); n != 79 || b.told[0] != "too many 1" {
		t.Errorf("left out: %d, %q", n, b.told[:1])
	}
}

// Servers that share a journal start one run for each tick, whichever of them dies,
// and so do flows that keep nothing on disk.
func TestSeveralServers(t *testing.T) {
	t.Parallel()
	for name, more := range map[string]string{"durable": "", "not durable": "durable: false\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const flow = "flow: nightly\n%snodes:\n  n1: { type: schedule, with: { every: 10s } }\n"
			b := newBench(t, "2026-11-20T12:00:00Z", fmt.Sprintf(flow, more))
			servers := []*server{b.boot(), b.boot(), b.boot()}
			b.pass(5 * time.Minute)
			servers[0].end()
			b.pass(5 * time.Minute)
			b.boot()
			b.pass(time.Second)
			at, err := b.journal.Ticked(t.Context(), "nightly/n1")
			if err != nil || !at.At.Equal(when(t, "2026-11-20T12:10:00Z")) {
				t.Errorf("the schedule is at %+v, %v", at, err)
			}
			if more != "" {
				return // whose runs are in the memory of each server
			}
			got := b.ticks()
			if unique := slices.Compact(slices.Clone(got)); len(got) != 60 || len(unique) != 60 {
				t.Errorf("%d runs, %d ticks, want 60", len(got), len(unique))
			}
		})
	}
}

// A server that dies between the run and what is noted of it starts no second one.
func TestCrashBetween(t *testing.T) {
	t.Parallel()
	b := newBench(t, "2026-11-20T11:59:30Z", nightly("every: 1h, missed: once", ""))
	s := b.boot()
	b.journal.refuse.Store(true)
	b.pass(40 * time.Second) // the run begins, and the schedule cannot move
	s.end()
	b.journal.refuse.Store(false)
	b.pass(30 * time.Minute)
	b.boot()
	b.pass(time.Second)
	b.want("2026-11-20T12:00:00Z")
	b.pass(30 * time.Minute)
	b.want("2026-11-20T12:00:00Z\n2026-11-20T13:00:00Z")
}

// While nothing can be written ticks wait, and are not taken for missed.
func TestJournalIsFull(t *testing.T) {
	t.Parallel()
	b := newBench(t, "2026-11-20T11:59:30Z", "flow: nightly\ndurable: false\nnodes:\n  n1: { type: schedule, with: { every: 10m, overlap: queue }, next: n2 }\n  n2: { type: emit, with: { event: ticked, key: $(n1.tick) } }\n")
	b.boot()
	b.journal.refuse.Store(true)
	b.pass(15 * time.Minute) // 12:00 and 12:10
	b.journal.refuse.Store(false)
	b.pass(10 * time.Second)
	page, err := b.journal.Letters(t.Context(), journal.LetterFilter{})
	if err != nil || len(page.Letters) != 2 {
		t.Errorf("%d runs, %v, want 2: %+v", len(page.Letters), err, page.Letters)
	}
	b.leftOut()
}

// Flows that are read anew go on in their rhythm. A schedule with another timetable
// begins anew, one that is gone stops, and is new when it comes back.
func TestReload(t *testing.T) {
	t.Parallel()
	hourly := nightly("every: 1h, missed: all", "")
	b := newBench(t, "2026-11-20T11:30:00Z", hourly)
	s := b.boot()
	b.pass(time.Hour)
	b.deploy(strings.ReplaceAll(hourly, "missed: all", "missed: all, jitter: 1ms"))
	s.Reload()
	b.pass(time.Hour) // 13:00, by the flow as it is now
	b.deploy(nightly(`cron: "45 * * * *", missed: all`, ""))
	s.Reload()
	b.pass(time.Hour) // 13:45
	b.deploy()
	s.Reload()
	b.pass(5 * time.Hour)
	b.deploy(hourly)
	s.Reload()
	b.pass(time.Hour) // 20:00
	b.want(`
		2026-11-20T12:00:00Z
		2026-11-20T13:00:00Z
		2026-11-20T13:45:00Z
		2026-11-20T20:00:00Z`)
	b.leftOut()
}

// A schedule that was moved while the clock was years ahead ticks when it is right.
func TestClockWasAhead(t *testing.T) {
	t.Parallel()
	b := newBench(t, "2031-11-20T11:30:00Z", nightly("every: 1h", ""))
	s := b.boot()
	b.pass(time.Hour)
	s.end()
	b.clock = clock.NewVirtual(when(t, "2026-11-20T11:30:00Z"))
	defer b.clock.Busy()()
	b.journal.Driver.(*journal.Memory).Now = b.clock.Now
	b.boot()
	b.pass(time.Hour)
	got := b.ticks()
	slices.Sort(got)
	if d := cmp.Diff([]string{"2026-11-20T12:00:00Z", "2031-11-20T12:00:00Z"}, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// Jitter puts each tick off by a time of its own, the same on each server, and the
// run sees the tick as it was planned.
func TestJitter(t *testing.T) {
	t.Parallel()
	b := newBench(t, "2026-11-20T11:59:59Z", nightly("every: 1h, jitter: 30m", ""))
	b.boot()
	b.boot()
	b.pass(12 * time.Hour)
	delays := map[time.Duration]bool{}
	for i, s := range b.runs() {
		tick := when(t, b.ticks()[i])
		delay := s.StartedAt.Sub(tick)
		if delays[delay] = true; delay < 0 || delay >= 30*time.Minute {
			t.Errorf("%s began at %s", tick, s.StartedAt)
		}
	}
	if len(delays) != 12 {
		t.Errorf("%d delays, want 12: %v", len(delays), delays)
	}
}

// A thousand schedules tick at one second, on disk. What that takes is logged, not
// tested.
func TestThousand(t *testing.T) {
	t.Parallel()
	var flows []string
	for i := range 1000 {
		flows = append(flows, strings.Replace(nightly(`cron: "0 7 * * *", timezone: Europe/Zurich`, ""), "flow: nightly", fmt.Sprintf("flow: nightly%d", i), 1))
	}
	b := newBench(t, "2026-11-20T06:59:00+01:00", flows...)
	store, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Now: b.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	b.journal.Driver = store
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	s := b.boot()
	began := time.Now()
	b.pass(time.Minute)
	b.pass(time.Second)
	took := time.Since(began)
	b.pass(time.Minute)
	flowsRun := map[string]int{}
	for _, s := range b.runs() {
		flowsRun[s.Flow]++
		if s.Status != run.Completed || s.StartedAt.Sub(when(t, "2026-11-20T07:00:00+01:00")) > time.Second {
			t.Errorf("run of %s is %s, and began at %s", s.Flow, s.Status, s.StartedAt)
		}
	}
	if len(flowsRun) != 1000 || len(b.runs()) != 1000 {
		t.Errorf("%d runs of %d flows, want 1000 of 1000", len(b.runs()), len(flowsRun))
	}
	t.Logf("1000 runs in %s", took.Round(time.Millisecond))
	s.end()
}
