package meter_test

import (
	"context"
	"math"
	"runtime"
	"runtime/metrics"
	"slices"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wendflow/wend/runtime/pluginhost/meter"
)

func rewrite(tb testing.TB, wasm []byte, cfg meter.Config) *meter.Module {
	tb.Helper()
	m, err := meter.Rewrite(wasm, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// BenchmarkGoGuest runs the plain and the metered guest by turns, so that both meet the same noise, and compares medians.
func BenchmarkGoGuest(b *testing.B) {
	wasm := goGuest(b)
	m := rewrite(b, wasm, meter.Config{})
	in := orderJSON(100)
	for _, work := range []struct {
		name string
		run  func(g *reactor)
	}{
		{"json", func(g *reactor) { g.invoke(in) }},
		{"loop", func(g *reactor) { g.call("sum", 1_000_000) }},
		{"calls", func(g *reactor) { g.call("recurse", 3_000) }},
	} {
		b.Run(work.name, func(b *testing.B) {
			tank := meter.NewTank(math.MaxInt64, 0)
			plain, metered := newReactor(b, wasm, nil), newReactor(b, m.Bytes, tank)
			took := map[*reactor][]time.Duration{}
			for range b.N {
				for _, g := range []*reactor{plain, metered} {
					began := time.Now()
					work.run(g)
					took[g] = append(took[g], time.Since(began))
				}
			}
			x, y := median(took[plain]), median(took[metered])
			used := tank.Used(int64(metered.mod.ExportedGlobal(meter.FuelGlobal).Get()))
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(x)/1e3, "plain-µs")
			b.ReportMetric(float64(y)/1e3, "metered-µs")
			b.ReportMetric(float64(y)/float64(x), "metered/plain")
			b.ReportMetric(float64(used)/float64(b.N), "fuel/op")
		})
	}
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}

// BenchmarkSlice shows what the length of a slice costs a Go guest.
func BenchmarkSlice(b *testing.B) {
	m := rewrite(b, goGuest(b), meter.Config{})
	in := orderJSON(100)
	for _, s := range []struct {
		name  string
		units int64
	}{{"10k", 10_000}, {"50k", 50_000}, {"200k", 200_000}, {"1M", 1_000_000}, {"10M", 10_000_000}} {
		b.Run(s.name, func(b *testing.B) {
			g := newReactor(b, m.Bytes, meter.NewTank(math.MaxInt64, s.units))
			b.ResetTimer()
			for range b.N {
				g.invoke(in)
			}
		})
	}
}

// BenchmarkSafepoint compares two ways back into Go: calling the host and growing the memory by nothing.
func BenchmarkSafepoint(b *testing.B) {
	loop := func(body []byte) []byte {
		return while(body, get(0), i32(1), op(0x6b, 0x22, 0))
	}
	m := wasmModule{
		imports: []wasmImport{{"wend_meter", "refill", "I:I"}}, pages: 1,
		funcs: []wasmFunc{
			{name: "host-call", sig: "i:", code: loop(cat(op(0x42, 0x7f), call(0), op(0x1a)))},
			{name: "memory.grow", sig: "i:", code: loop(cat(i32(0), op(0x40, 0, 0x1a)))},
		},
	}
	ctx := withTank(context.Background(), meter.NewTank(math.MaxInt64, 1))
	mod, err := newRuntime(b, allFeatures).InstantiateWithConfig(ctx, m.build(), wazero.NewModuleConfig())
	if err != nil {
		b.Fatal(err)
	}
	for _, f := range m.funcs {
		b.Run(f.name, func(b *testing.B) {
			if _, err := mod.ExportedFunction(f.name).Call(ctx, uint64(b.N)); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// BenchmarkGCWait shows how long the garbage collector waits while a guest runs for a second: the longest wait for
// the world to stop, and the longest runtime.GC, which on a busy machine waits for much else. Use -benchtime=1x.
func BenchmarkGCWait(b *testing.B) {
	const pages = 1024
	chase := cat( // follow pointers that lie far apart: each load misses the caches
		op(0x03, 0x40), get(0), op(0x28, 2, 0, 0x22, 0), op(0x0d, 0, 0x0b),
	)
	m := wasmModule{pages: pages, funcs: []wasmFunc{
		{name: "loop", sig: ":", code: forever()},
		{name: "chase", sig: ":", locals: "i", code: chase},
		{name: "divide", sig: ":", locals: "I", code: forever(get(0), op(0x42, 3, 0x7f), op(0x42, 0xc0, 0x84, 0x3d, 0x7c), set(0))},
		{name: "fill", sig: ":", code: forever(i32(0), i32(1), i32(pages<<16-1), op(0xfc, 0x0b, 0))},
		{name: "copy", sig: ":", code: forever(i32(0), i32(1), i32(pages<<16-1), op(0xfc, 0x0a, 0, 0))},
	}}
	wasm := rewrite(b, m.build(), meter.Config{}).Bytes
	for _, f := range m.funcs {
		b.Run(f.name, func(b *testing.B) {
			tank := meter.NewTank(math.MaxInt64, 0)
			g, err := startGuest(b, wasm, tank)
			if err != nil {
				b.Fatal(err)
			}
			if f.name == "chase" {
				scatter(g.mod.Memory())
			}
			ran := reportGC(b, func() { g.call(f.name) }, tank.Stop)
			b.ReportMetric(float64(g.used())/float64(ran), "units/ns")
		})
	}
	b.Run("go-spin", func(b *testing.B) {
		tank := meter.NewTank(math.MaxInt64, 0)
		g := newReactor(b, rewrite(b, goGuest(b), meter.Config{}).Bytes, tank)
		reportGC(b, func() { g.mod.ExportedFunction("spin").Call(g.ctx) }, tank.Stop)
	})
	b.Run("go-unmetered", func(b *testing.B) {
		g := newReactor(b, goGuest(b), nil)
		reportGC(b, func() { g.call("sum", 1_000_000_000) }, func() {})
	})
	b.Run("no-guest", func(b *testing.B) {
		done := make(chan struct{})
		reportGC(b, func() { <-done }, func() { close(done) })
	})
}

// scatter fills the memory with a cycle of pointers in a fixed, scattered order.
func scatter(mem api.Memory) {
	n := mem.Size() / 64
	at := uint32(0)
	for range n {
		next := (at*1664525 + 1013904223) % n // full period, n being a power of two
		mem.WriteUint32Le(at*64, next*64|64*0)
		at = next
	}
	mem.WriteUint32Le(0, 64) // 0 would end the walk
}

// reportGC collects garbage over and over while run runs. It calls stop after a second, and returns how long run ran.
func reportGC(b *testing.B, run, stop func()) (ran time.Duration) {
	b.Helper()
	done := make(chan time.Duration)
	go func() {
		began := time.Now()
		run()
		done <- time.Since(began)
	}()
	defer time.AfterFunc(time.Second, stop).Stop()
	before := stopping()
	var worst time.Duration
	for ran == 0 {
		began := time.Now()
		runtime.GC()
		worst = max(worst, time.Since(began))
		select {
		case ran = <-done:
		default:
		}
	}
	after, longest := stopping(), 0.0
	for i, n := range after.Counts {
		if n > before.Counts[i] {
			longest = after.Buckets[i+1]
		}
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(longest*1e3, "stop-ms")
	b.ReportMetric(float64(worst)/1e6, "gc-ms")
	return ran
}

// stopping is the distribution of the times that it took to stop the world.
func stopping() *metrics.Float64Histogram {
	sample := []metrics.Sample{{Name: "/sched/pauses/stopping/gc:seconds"}}
	metrics.Read(sample)
	h := sample[0].Value.Float64Histogram()
	h.Counts = slices.Clone(h.Counts)
	return h
}

func BenchmarkRewrite(b *testing.B) {
	wasm := goGuest(b)
	b.SetBytes(int64(len(wasm)))
	b.ReportAllocs()
	for range b.N {
		rewrite(b, wasm, meter.Config{})
	}
}
