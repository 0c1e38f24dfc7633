package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"runtime"
	"runtime/metrics"
	"slices"
	"testing"
	"time"

	extism "github.com/extism/go-sdk"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/pluginhost"
	"github.com/wendflow/wend/runtime/pluginhost/meter"
)

// workGuest does the usual work of plugins on plain exports: encoding/json, a
// loop, deep calls.
const workGuest = "github.com/wendflow/wend/runtime/pluginhost/meter/testdata/guest"

// BenchmarkMetered is the same work of the same Go guest: as it is, rewritten
// by the meter, and under wazero's own way to stop a guest, which is what
// Extism's timeout switches on.
func BenchmarkMetered(b *testing.B) {
	wasm := build(b, workGuest)
	rewritten, err := meter.Rewrite(wasm, meter.Config{})
	if err != nil {
		b.Fatal(err)
	}
	order := orderJSON(b, 100)
	for _, work := range []struct {
		name string
		run  func(*reactor) error
	}{
		{"json-12KB", func(r *reactor) error { return r.invoke(order) }},
		{"loop", func(r *reactor) error { return r.call("sum", 1_000_000) }},
		{"calls", func(r *reactor) error { return r.call("recurse", 3_000) }},
	} {
		b.Run(work.name, func(b *testing.B) {
			plain := newReactor(b, wasm, wazero.NewRuntimeConfig())
			metered := newReactor(b, rewritten.Bytes, wazero.NewRuntimeConfig())
			closing := newReactor(b, wasm, wazero.NewRuntimeConfig().WithCloseOnContextDone(true))
			medians := compare(b, []contender{
				{"plain", func() error { return work.run(plain) }},
				{"metered", func() error { return work.run(metered) }},
				{"close-on-done", func() error { return work.run(closing) }},
			})
			b.ReportMetric(float64(medians[1])/float64(medians[0]), "metered/plain")
			b.ReportMetric(float64(medians[2])/float64(medians[0]), "close-on-done/plain")
		})
	}
}

// reactor is an instance of workGuest. It keeps its functions: each has a stack
// of its own in wazero, which grows once.
type reactor struct {
	mod     api.Module
	ctx     context.Context
	exports map[string]api.Function
}

type tankKey struct{}

func newReactor(b *testing.B, wasm []byte, cfg wazero.RuntimeConfig) *reactor {
	b.Helper()
	// A context that can end, or there is nothing to watch for.
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), tankKey{}, meter.NewTank(math.MaxInt64, 0)))
	rt := wazero.NewRuntimeWithConfig(ctx, cfg)
	b.Cleanup(func() {
		_ = rt.Close(context.Background())
		cancel()
	})
	refill := func(ctx context.Context, stack []uint64) {
		stack[0] = uint64(ctx.Value(tankKey{}).(*meter.Tank).Refill(int64(stack[0])))
	}
	_, err := rt.NewHostModuleBuilder(meter.ImportModule).NewFunctionBuilder().
		WithGoFunction(api.GoFunc(refill), []api.ValueType{api.ValueTypeI64}, []api.ValueType{api.ValueTypeI64}).
		Export(meter.ImportFunc).Instantiate(ctx)
	if err != nil {
		b.Fatal(err)
	}
	wasi_snapshot_preview1.MustInstantiate(ctx, rt)
	mod, err := rt.InstantiateWithConfig(ctx, wasm, wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize"))
	if err != nil {
		b.Fatal(err)
	}
	return &reactor{mod, ctx, map[string]api.Function{}}
}

func (r *reactor) call(name string, args ...uint64) error {
	_, err := r.function(name).Call(r.ctx, args...)
	return err
}

func (r *reactor) function(name string) api.Function {
	if r.exports[name] == nil {
		r.exports[name] = r.mod.ExportedFunction(name)
	}
	return r.exports[name]
}

func (r *reactor) invoke(doc []byte) error {
	at, err := r.function("alloc").Call(r.ctx, uint64(len(doc)))
	if err != nil {
		return err
	}
	if !r.mod.Memory().Write(uint32(at[0]), doc) {
		return errors.New("the guest lent memory that it has not")
	}
	return r.call("invoke")
}

// orderJSON is a document of about 120 bytes per item.
func orderJSON(b *testing.B, items int) []byte {
	b.Helper()
	list := make([]any, items)
	for i := range list {
		list[i] = map[string]any{
			"id": fmt.Sprintf("item-%d", i), "name": `A thing with é and "quotes"`, "amount": float64(i) * 1.25,
			"tags": []string{"Red", fmt.Sprintf("t%d", i%7)}, "attrs": map[string]any{"colour": "green", "n": fmt.Sprint(i)},
		}
	}
	doc, err := json.Marshal(map[string]any{"customer": "ACME", "items": list})
	if err != nil {
		b.Fatal(err)
	}
	return doc
}

// BenchmarkStop is a guest that runs `for {}`: how far beyond its budget it
// runs. Fuel ends it at an exact place, so only what that took is reported; the
// wall clock and Extism's timeout have a time to keep.
func BenchmarkStop(b *testing.B) {
	const wall = 200 * time.Millisecond
	byFuel := spinner(b, manifest.Limits{Fuel: manifest.DefaultLimits().Fuel, Wall: 10 * time.Second})
	byWall := spinner(b, manifest.Limits{Fuel: manifest.DefaultCeiling().Fuel, Wall: wall})
	peer := compileExtism(b, build(b, "./extism"), wall)
	var fuel, late, peerLate []time.Duration
	for b.Loop() {
		fuel = append(fuel, fault(b, byFuel, pluginhost.FaultFuel))
		late = append(late, fault(b, byWall, pluginhost.FaultWall)-wall)
		peerLate = append(peerLate, timeout(b, peer)-wall)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ms(median(fuel)), "fuel-2e9-ms")
	for name, list := range map[string][]time.Duration{"wall-late": late, "extism-late": peerLate} {
		b.ReportMetric(ms(median(list)), name+"-ms")
		b.ReportMetric(ms(slices.Max(list)), name+"-worst-ms")
	}
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }

// spinner is a node type that never ends, but for its limits.
func spinner(b *testing.B, limits manifest.Limits) *node.Type {
	b.Helper()
	wasm := buildPlugin(b, "testdata/spin")
	m, err := manifest.Read(wasm)
	if err != nil {
		b.Fatal(err)
	}
	m.Limits = limits
	if wasm, err = manifest.Append(wasm, m); err != nil {
		b.Fatal(err)
	}
	return typeNamed(b, load(b, wasm).Types(), "spin")
}

// fault lets a node run into a limit, and returns how long that took.
func fault(b *testing.B, t *node.Type, code string) time.Duration {
	b.Helper()
	began := time.Now()
	_, err := t.Step(b.Context(), node.Visit{Inputs: map[string]any{}, Seed: "s"})
	took := time.Since(began)
	if f, ok := errors.AsType[*node.Fault](err); !ok || f.Code != code {
		b.Fatalf("ended with %v, want the fault %q", err, code)
	}
	return took
}

// timeout lets an Extism plugin run into its timeout, and returns how long that
// took.
func timeout(b *testing.B, p *extism.CompiledPlugin) time.Duration {
	b.Helper()
	i := instance(b, p)
	defer i.Close(context.Background())
	began := time.Now()
	_, _, err := i.Call("spin", nil)
	took := time.Since(began)
	if err == nil {
		b.Fatal("an endless guest ended")
	}
	return took
}

// BenchmarkGC is the longest time that the garbage collector waited for the
// world to stop while a guest span for a second, and the longest that a whole
// collection took, which on a busy machine waits for much else.
func BenchmarkGC(b *testing.B) {
	spin := spinner(b, manifest.Limits{Fuel: manifest.DefaultCeiling().Fuel, Wall: time.Second})
	peer := compileExtism(b, build(b, "./extism"), time.Second)
	plain := newReactor(b, build(b, workGuest), wazero.NewRuntimeConfig())
	for _, c := range []struct {
		name string
		spin func()
	}{
		{"wend", func() { fault(b, spin, pluginhost.FaultWall) }},
		{"extism", func() { timeout(b, peer) }},
		{"wazero-without-limits", func() { _ = plain.call("sum", 1_000_000_000) }},
		{"no-guest", func() { time.Sleep(time.Second) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			var stop, whole []time.Duration
			for b.Loop() {
				s, w := collectDuring(c.spin)
				stop, whole = append(stop, s), append(whole, w)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ms(median(stop)), "stop-ms")
			b.ReportMetric(ms(slices.Max(stop)), "stop-worst-ms")
			b.ReportMetric(ms(slices.Max(whole)), "gc-worst-ms")
		})
	}
}

// collectDuring collects garbage over and over until spin has returned.
func collectDuring(spin func()) (stop, whole time.Duration) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		spin()
	}()
	before := stopping()
	for {
		began := time.Now()
		runtime.GC()
		whole = max(whole, time.Since(began))
		select {
		case <-done:
			return longest(before, stopping()), whole
		default:
		}
	}
}

// stopping is the distribution of the times that it took to stop the world.
func stopping() *metrics.Float64Histogram {
	sample := []metrics.Sample{{Name: "/sched/pauses/stopping/gc:seconds"}}
	metrics.Read(sample)
	h := sample[0].Value.Float64Histogram()
	h.Counts = slices.Clone(h.Counts)
	return h
}

// longest is the upper end of the highest bucket that got something.
func longest(before, after *metrics.Float64Histogram) time.Duration {
	for i := len(after.Counts) - 1; i >= 0; i-- {
		if after.Counts[i] > before.Counts[i] {
			return time.Duration(after.Buckets[i+1] * float64(time.Second))
		}
	}
	return 0
}
