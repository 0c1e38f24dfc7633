package meter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/wendflow/wend/runtime/pluginhost/meter"
)

// allFeatures is everything that wazero can run and Rewrite accepts.
const allFeatures = api.CoreFeaturesV2 | experimental.CoreFeaturesTailCall | experimental.CoreFeaturesExtendedConst |
	experimental.CoreFeaturesExceptionHandling | experimental.CoreFeaturesTypedFunctionReferences

type tankKey struct{}

func withTank(ctx context.Context, t *meter.Tank) context.Context {
	return context.WithValue(ctx, tankKey{}, t)
}

// newRuntime returns a runtime that provides what rewritten modules import.
func newRuntime(tb testing.TB, features api.CoreFeatures) wazero.Runtime {
	tb.Helper()
	return newRuntimeWith(tb, wazero.NewRuntimeConfig().WithCoreFeatures(features))
}

func newRuntimeWith(tb testing.TB, cfg wazero.RuntimeConfig) wazero.Runtime {
	tb.Helper()
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, cfg)
	tb.Cleanup(func() { rt.Close(ctx) })
	refill := func(ctx context.Context, stack []uint64) {
		stack[0] = uint64(ctx.Value(tankKey{}).(*meter.Tank).Refill(int64(stack[0])))
	}
	_, err := rt.NewHostModuleBuilder(meter.ImportModule).NewFunctionBuilder().
		WithGoFunction(api.GoFunc(refill), []api.ValueType{api.ValueTypeI64}, []api.ValueType{api.ValueTypeI64}).
		Export(meter.ImportFunc).Instantiate(ctx)
	if err != nil {
		tb.Fatal(err)
	}
	return rt
}

var buildGuest = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "meter-guest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "guest.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", out, "./testdata/guest")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if msg, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, msg)
	}
	return os.ReadFile(out)
})

func goGuest(tb testing.TB) []byte {
	tb.Helper()
	wasm, err := buildGuest()
	if err != nil {
		tb.Fatal(err)
	}
	return wasm
}

// guestCode keeps what was compiled of the Go guest, which takes most of a second, for all tests.
var guestCode = sync.OnceValue(wazero.NewCompilationCache)

// reactor is an instance of the Go guest.
type reactor struct {
	tb  testing.TB
	mod api.Module
	ctx context.Context
}

func newReactor(tb testing.TB, wasm []byte, tank *meter.Tank) *reactor {
	tb.Helper()
	rt := newRuntimeWith(tb, wazero.NewRuntimeConfig().WithCompilationCache(guestCode()))
	ctx := withTank(context.Background(), tank)
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, rt); err != nil {
		tb.Fatal(err)
	}
	cfg := wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize")
	mod, err := rt.InstantiateWithConfig(ctx, wasm, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return &reactor{tb, mod, ctx}
}

func (g *reactor) call(name string, args ...uint64) uint64 {
	g.tb.Helper()
	res, err := g.mod.ExportedFunction(name).Call(g.ctx, args...)
	if err != nil {
		g.tb.Fatalf("%s: %v", name, err)
	}
	if len(res) == 0 {
		return 0
	}
	return res[0]
}

func (g *reactor) invoke(in []byte) string {
	g.tb.Helper()
	ptr := g.call("alloc", uint64(len(in)))
	g.mod.Memory().Write(uint32(ptr), in)
	res := g.call("invoke")
	out, ok := g.mod.Memory().Read(uint32(res>>32), uint32(res))
	if !ok {
		g.tb.Fatal("output lies outside of the memory")
	}
	return string(out)
}

// orderJSON is an input for invoke of about 110 bytes per item.
func orderJSON(items int) []byte {
	type m = map[string]any
	var list []m
	for i := range items {
		list = append(list, m{
			"id": fmt.Sprintf("item-%d", i), "name": "A thing with \u00e9 and \"quotes\"", "amount": float64(i) * 1.25,
			"tags": []string{"Red", fmt.Sprintf("t%d", i%7)}, "attrs": m{"colour": "green", "n": fmt.Sprint(i)},
		})
	}
	b, _ := json.Marshal(m{"customer": "ACME", "items": list})
	return b
}

func needsSpeed(t *testing.T) {
	t.Helper()
	if underRace {
		t.Skip("run without the race detector: see `make test`")
	}
}

func TestGoGuestBehavesAsOriginal(t *testing.T) {
	t.Parallel()
	needsSpeed(t)
	wasm := goGuest(t)
	m := rewrite(t, wasm, meter.Config{})
	if len(m.Hazards) > 0 {
		t.Errorf("hazards %q, want none", m.Hazards)
	}
	plain := newReactor(t, wasm, nil)
	metered := newReactor(t, m.Bytes, meter.NewTank(math.MaxInt64, 0))
	for _, in := range [][]byte{orderJSON(0), orderJSON(1), orderJSON(300), []byte("{broken")} {
		if got, want := metered.invoke(in), plain.invoke(in); got != want || got == "" {
			t.Errorf("invoke(%.40s) = %s, want %s", in, got, want)
		}
	}
	for _, f := range []string{"sum", "recurse"} {
		if got, want := metered.call(f, 2000), plain.call(f, 2000); got != want {
			t.Errorf("%s = %d, want %d", f, got, want)
		}
	}
}

// TestGoGuestRestored: with memory and globals written back, each invoke gives the same output for the same fuel.
func TestGoGuestRestored(t *testing.T) {
	t.Parallel()
	needsSpeed(t)
	m := rewrite(t, goGuest(t), meter.Config{})
	tank := meter.NewTank(math.MaxInt64, 0)
	g := newReactor(t, m.Bytes, tank)
	in := orderJSON(50)
	g.invoke(in) // warm-up, so that the memory does not grow any more
	image, _ := g.mod.Memory().Read(0, g.mod.Memory().Size())
	image = bytes.Clone(image)
	globals := map[string]uint64{}
	for _, name := range m.MutableGlobals {
		globals[name] = g.mod.ExportedGlobal(name).Get()
	}
	var wantOut string
	var wantFuel int64
	fuel := g.mod.ExportedGlobal(meter.FuelGlobal)
	for i := range 5 {
		before := tank.Used(int64(fuel.Get()))
		out := g.invoke(in)
		used := tank.Used(int64(fuel.Get())) - before
		if i == 0 {
			wantOut, wantFuel = out, used
		}
		if out != wantOut || used != wantFuel {
			t.Errorf("invoke %d used %d fuel, want %d; same output: %v", i, used, wantFuel, out == wantOut)
		}
		g.mod.Memory().Write(0, image)
		for name, v := range globals {
			g.mod.ExportedGlobal(name).(api.MutableGlobal).Set(v)
		}
	}
}

func TestGoGuestTrips(t *testing.T) {
	t.Parallel()
	needsSpeed(t)
	wasm := rewrite(t, goGuest(t), meter.Config{}).Bytes
	for _, tt := range []struct {
		f     string
		args  []uint64
		want  meter.Trip
		trace string
	}{
		{"spin", nil, meter.TripFuel, "main.spin("},
		{"recurse", []uint64{100_000}, meter.TripDepth, "main.recurse("},
		{"fail", nil, meter.TripNone, "main.fail("},
	} {
		tank := meter.NewTank(1_000_000_000, 0)
		g := newReactor(t, wasm, tank)
		_, err := g.mod.ExportedFunction(tt.f).Call(g.ctx, tt.args...)
		if err == nil || !strings.Contains(err.Error(), tt.trace) {
			t.Errorf("%s: error %v, want a trace with %q", tt.f, err, tt.trace)
		}
		if trip := tank.Trip(int32(g.mod.ExportedGlobal(meter.DepthGlobal).Get())); trip != tt.want {
			t.Errorf("%s ended with %v, want %v", tt.f, trip, tt.want)
		}
	}
}
