package sqlite_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/journal/sqlite"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func open(tb testing.TB, dir string) *sqlite.Store {
	tb.Helper()
	s, err := sqlite.Open(tb.Context(), sqlite.Config{Dir: dir})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Close() })
	return s
}

// together calls do side by side.
func together(n int, do func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { do(i) })
	}
	wg.Wait()
}

// noise is text that cannot be made much smaller.
func noise(bytes int) string {
	random := rand.NewChaCha8([32]byte{})
	text := make([]byte, bytes/4*3)
	_, _ = random.Read(text) // never fails
	return base64.StdEncoding.EncodeToString(text)
}

// wholeRun is what a run with one idempotent call journals, at once.
func wholeRun(id string, payload string) []run.Event {
	at := run.At{At: time.Now()}
	p := run.Place{Node: "n4", Visit: 1, Attempt: 1}
	return []run.Event{
		run.RunStarted{
			At: at, Run: id, Flow: "sms-end-task", FlowDigest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", Trigger: "n2", Seed: uuid.NewString(),
			Plugins: map[string]string{"cisco-cce/end-task": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"},
			Output:  map[string]any{"sms": payload},
		},
		run.CallStarted{At: at, Place: p, Method: "POST", URL: "https://finesse.example.com/drapi/v1/tasks", Fingerprint: "POST /drapi"},
		run.CallReplied{At: at, Place: p, Reply: run.Reply{Status: 202}},
		run.NodeFinished{At: at, Place: p, Outcome: "Success"},
		run.RunEnded{At: at, Status: run.Completed, Outcome: "success"},
	}
}

// BenchmarkFsync is what the disk gives: 4 KiB written and synced, one after
// the other. No single writer can be faster.
func BenchmarkFsync(b *testing.B) {
	f, err := os.Create(filepath.Join(b.TempDir(), "file"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	page := make([]byte, 4096)
	parallel(b, 1, func(int, int) error {
		_, err := f.Write(page)
		return errors.Join(err, f.Sync())
	})
}

// BenchmarkAppend adds 1 KiB to runs in progress.
func BenchmarkAppend(b *testing.B) {
	body := noise(1024)
	writers(b, func(b *testing.B, n int) {
		s := open(b, b.TempDir())
		ids, counts := make([]string, n), make([]int, n)
		parallel(b, n, func(_, w int) error {
			events := []run.Event{run.CallReplied{At: run.At{At: noon}, Reply: run.Reply{Status: 200, Body: body}}}
			if counts[w]%50 == 0 {
				ids[w], counts[w] = uuid.Must(uuid.NewV7()).String(), 0
				events = wholeRun(ids[w], "x")[:1]
			}
			counts[w]++
			return s.Append(b.Context(), ids[w], counts[w]-1, events)
		})
	})
}

// BenchmarkRuns journals whole runs that need one append: a webhook that
// waits for one idempotent call.
func BenchmarkRuns(b *testing.B) {
	payload := noise(256)
	writers(b, func(b *testing.B, n int) {
		dir := b.TempDir()
		s := open(b, dir)
		parallel(b, n, func(int, int) error {
			id := uuid.Must(uuid.NewV7()).String()
			return s.Append(b.Context(), id, 0, wholeRun(id, payload))
		})
		b.ReportMetric(float64(size(b, s, dir))/float64(b.N), "disk-B/run")
	})
}

func writers(b *testing.B, bench func(b *testing.B, n int)) {
	b.Helper()
	for _, n := range []int{1, 16, 64} {
		b.Run(fmt.Sprintf("writers=%d", n), func(b *testing.B) { bench(b, n) })
	}
}

// size closes the store and returns how large its file is.
func size(b *testing.B, s *sqlite.Store, dir string) int64 {
	b.Helper()
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, sqlite.File))
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}

// parallel shares the iterations of b among n goroutines, and reports how long
// one takes.
func parallel(b *testing.B, n int, do func(i, goroutine int) error) {
	b.Helper()
	b.ReportAllocs()
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	b.ResetTimer()
	together(n, func(g int) {
		for i := int(next.Add(1)); i <= b.N; i = int(next.Add(1)) {
			start := time.Now()
			if err := do(i, g); err != nil {
				b.Error(err)
				return
			}
			took[i-1] = time.Since(start)
		}
	})
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
	b.ReportMetric(float64(took[b.N/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[b.N*99/100].Microseconds()), "p99-µs")
}

// BenchmarkMillion measures lists and single runs of a store with a million
// ended runs, which takes minutes to fill.
func BenchmarkMillion(b *testing.B) {
	const runs = 1_000_000
	s := fill(b, runs)
	ctx := b.Context()
	middle := noon.Add(runs / 2 * time.Second)
	filters := map[string]journal.Filter{
		"all":                     {},
		"flow":                    {Flow: "flow-3"},
		"flow,status":             {Flow: "flow-3", Status: run.Failed},
		"rare outcome":            {Outcome: "rare"},
		"flow,rare outcome":       {Flow: "flow-3", Outcome: "rare"},
		"status,outcome of few":   {Status: run.Completed, Outcome: "onError"},
		"flow,status,outcome":     {Flow: "flow-3", Status: run.Completed, Outcome: "success"},
		"running":                 {Status: run.Running},
		"response of few":         {Response: 502},
		"response of a kind":      {Response: 5},
		"flow,response":           {Flow: "flow-3", Response: 5},
		"response of none":        {Response: 404},
		"key":                     {Key: "key-500000"},
		"key of none":             {Key: "key"},
		"key,flow,status":         {Key: "key-500000", Flow: "flow-0", Status: run.Completed},
		"label of half":           {Labels: map[string]string{"channel": "sms"}},
		"label of few":            {Labels: map[string]string{"customer": "c-77"}},
		"label of few,of half":    {Labels: map[string]string{"channel": "mail", "customer": "c-77"}},
		"label of half,running":   {Labels: map[string]string{"channel": "sms"}, Status: run.Running},
		"label of half,flow":      {Labels: map[string]string{"channel": "sms"}, Flow: "flow-3"},
		"label of half,rare":      {Labels: map[string]string{"channel": "sms"}, Outcome: "rare"},
		"time":                    {To: middle},
		"flow,time":               {Flow: "flow-3", From: middle, To: middle.Add(time.Hour)},
		"page deep in the middle": {Cursor: journal.Cursor{StartedAt: middle, Nr: runs / 2}.String()},
		"1000 runs":               {Limit: 1000},
	}
	for name, f := range filters {
		b.Run("list/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Runs(ctx, f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	page, err := s.Runs(ctx, journal.Filter{To: middle})
	if err != nil {
		b.Fatal(err)
	}
	id := page.Runs[0].ID
	b.Run("show", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Events(ctx, id); err != nil {
				b.Fatal(err)
			}
			if _, err := s.Find(ctx, id); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("append", func(b *testing.B) {
		for b.Loop() {
			id := uuid.Must(uuid.NewV7()).String()
			if err := s.Append(ctx, id, 0, wholeRun(id, "x")); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("recover 10,000 unfinished", func(b *testing.B) {
		const unfinished = 10_000
		together(256, func(g int) {
			for i := g; i < unfinished; i += 256 {
				id := uuid.Must(uuid.NewV7()).String()
				if err := s.Append(ctx, id, 0, wholeRun(id, "x")[:2]); err != nil {
					b.Error(err)
				}
			}
		})
		for b.Loop() {
			for sum, err := range s.Unfinished(ctx, journal.AllShards) {
				if err != nil {
					b.Fatal(err)
				}
				if _, err := s.Events(ctx, sum.ID); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("trim 10,000", func(b *testing.B) {
		left := runs
		for b.Loop() {
			left -= 10_000
			if _, err := s.Trim(ctx, journal.Retention{Age: time.Duration(left) * time.Second}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// fill makes a store with that many ended runs of ten flows, one a second, of
// which every hundred-thousandth left by a rare outcome, each with a key of its
// own, a label that half of them have and one that a hundred have.
func fill(b *testing.B, runs int) *sqlite.Store {
	b.Helper()
	dir := b.TempDir()
	s := open(b, dir)
	var next atomic.Int64
	together(256, func(int) {
		for i := int(next.Add(1)); i <= runs; i = int(next.Add(1)) {
			id := uuid.Must(uuid.NewV7()).String()
			if err := s.Append(b.Context(), id, 0, oldRun(id, i)); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.Logf("%d runs take %d bytes each", runs, size(b, s, dir)/int64(runs))
	s, err := sqlite.Open(b.Context(), sqlite.Config{Dir: dir, Now: func() time.Time {
		return noon.Add(time.Duration(runs) * time.Second)
	}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

func oldRun(id string, i int) []run.Event {
	events := wholeRun(id, "x")
	at := run.At{At: noon.Add(time.Duration(i) * time.Second)}
	first, last := events[0].(run.RunStarted), events[len(events)-1].(run.RunEnded)
	first.At, first.Flow = at, fmt.Sprintf("flow-%d", i%10)
	first.Key = fmt.Sprintf("key-%d", i)
	first.Labels = map[string]string{"channel": []string{"mail", "sms"}[i/2%2], "customer": fmt.Sprintf("c-%d", i%10_000)}
	last.At = at
	if i%50_000 == 3 {
		responded := run.RunResponded{At: at, Response: node.Response{Status: 502}}
		events = append(events[:len(events)-1:len(events)-1], responded, last)
	}
	switch {
	case i%100_000 == 3:
		last.Outcome = "rare"
	case i%7 == 0:
		last.Status, last.Outcome = run.Failed, "onError"
	}
	events[0], events[len(events)-1] = first, last
	return events
}
