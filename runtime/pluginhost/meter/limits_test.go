package meter_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wendflow/wend/runtime/pluginhost/meter"
)

// guest is an instance of a rewritten module with the tank that its calls drink from.
type guest struct {
	tb   testing.TB
	mod  api.Module
	ctx  context.Context
	tank *meter.Tank
}

func newGuest(tb testing.TB, wasm []byte, cfg meter.Config, tank *meter.Tank) *guest {
	tb.Helper()
	g, err := startGuest(tb, rewrite(tb, wasm, cfg).Bytes, tank)
	if err != nil {
		tb.Fatal(err)
	}
	return g
}

func startGuest(tb testing.TB, rewritten []byte, tank *meter.Tank) (*guest, error) {
	tb.Helper()
	ctx := withTank(context.Background(), tank)
	mod, err := newRuntime(tb, allFeatures).InstantiateWithConfig(ctx, rewritten, wazero.NewModuleConfig().WithName(""))
	return &guest{tb, mod, ctx, tank}, err
}

// call returns the first result, the fuel used since the instance began, and the limit that was hit.
func (g *guest) call(name string, args ...uint64) (result uint64, used int64, trip meter.Trip, err error) {
	g.tb.Helper()
	res, err := g.mod.ExportedFunction(name).Call(g.ctx, args...)
	if len(res) > 0 {
		result = res[0]
	}
	depth := int32(g.mod.ExportedGlobal(meter.DepthGlobal).Get())
	return result, g.used(), g.tank.Trip(depth), err
}

func (g *guest) used() int64 { return g.tank.Used(int64(g.mod.ExportedGlobal(meter.FuelGlobal).Get())) }

// gluttons are guests that never end, or work for far more than they let on.
var gluttons = []struct {
	name string
	mod  wasmModule
	want meter.Trip
}{
	{"empty loop", one("run", ":", "", forever()), meter.TripFuel},
	{"loop with work", one("run", ":", "i", forever(get(0), i32(1), op(0x6a), set(0))), meter.TripFuel},
	{"br_if loop", one("run", ":", "", while(i32(1))), meter.TripFuel},
	{"br_table loop", one("run", ":", "", op(0x03, 0x40, 0x41, 0, 0x0e, 1, 0, 0, 0x0b)), meter.TripFuel},
	{"inner loop", one("run", ":", "", forever(while(i32(1)))), meter.TripFuel},
	{"loop behind a dead block", one("run", ":", "", cat(op(0x02, 0x40, 0x0c, 0, 0x0b), forever())), meter.TripFuel},
	{"recursion", one("run", ":", "", call(0)), meter.TripDepth},
	{"recursion by a result", one("run", ":i", "", cat(call(0), i32(1), op(0x6a))), meter.TripDepth},
	{"mutual recursion", wasmModule{funcs: []wasmFunc{
		{name: "run", sig: ":", code: call(1)}, {name: "other", sig: ":", code: call(0)},
	}}, meter.TripDepth},
	{"recursion through a table", wasmModule{
		tables: [][2]int{{1, 1}}, elems: []string{"run"},
		funcs: []wasmFunc{{name: "run", sig: ":", code: cat(i32(0), op(0x11, 0, 0))}},
	}, meter.TripDepth},
	{"wide recursion", one("run", ":", "", cat(call(0), call(0))), meter.TripDepth},
	{"tree of calls without loop or deep recursion", tree(40), meter.TripFuel},
	{"tail calls", one("run", ":", "", op(0x12, 0)), meter.TripFuel},
	{"tail calls through a table", wasmModule{
		tables: [][2]int{{1, 1}}, elems: []string{"run"},
		funcs: []wasmFunc{{name: "run", sig: ":", code: cat(i32(0), op(0x13, 0, 0))}},
	}, meter.TripFuel},
	{"fills", memory("run", forever(i32(0), i32(7), i32(65536), op(0xfc, 0x0b, 0))), meter.TripFuel},
	{"copies", memory("run", forever(i32(0), i32(9), i32(65000), op(0xfc, 0x0a, 0, 0))), meter.TripFuel},
	{"inits", memory("run", forever(i32(0), i32(0), i32(4), op(0xfc, 0x08, 0, 0))), meter.TripFuel},
	{"grows by nothing", memory("run", forever(i32(0), op(0x40, 0, 0x1a))), meter.TripFuel},
	{"table fills", table("run", forever(i32(0), op(0xd0, 0x70), i32(1000), op(0xfc, 0x11, 0))), meter.TripFuel},
	{"table copies", table("run", forever(i32(0), i32(0), i32(1000), op(0xfc, 0x0e, 0, 0))), meter.TripFuel},
	{"table grows", table("run", forever(op(0xd0, 0x70), i32(1), op(0xfc, 0x0f, 0, 0x1a))), meter.TripFuel},
	{"exceptions", wasmModule{tags: []string{""}, funcs: []wasmFunc{{
		name: "run", sig: ":",
		// loop (block (try_table (catch_all 0) throw 0)) br 0 end
		code: forever(op(0x02, 0x40, 0x1f, 0x40, 1, 2, 0, 0x08, 0, 0x0b, 0x0b)),
	}}}, meter.TripFuel},
	{"exceptions thrown from a callee", wasmModule{tags: []string{""}, funcs: []wasmFunc{
		{name: "run", sig: ":", code: forever(op(0x02, 0x40, 0x1f, 0x40, 1, 2, 0, 0x10, 1, 0x0b, 0x0b))},
		{name: "throws", sig: ":", code: cat(call(2), op(0x08, 0))},
		{name: "leaf", sig: ":", code: op(0x01)},
	}}, meter.TripFuel},
	{"exceptions caught at a loop's head", wasmModule{tags: []string{""}, funcs: []wasmFunc{
		{name: "run", sig: ":", code: op(0x03, 0x40, 0x1f, 0x40, 1, 2, 0, 0x10, 1, 0x0b, 0x0b)},
		{name: "throws", sig: ":", code: cat(call(2), op(0x08, 0))},
		{name: "leaf", sig: ":", code: op(0x01)},
	}}, meter.TripFuel},
	{"loop in a start function", wasmModule{start: "run", funcs: []wasmFunc{{name: "run", sig: ":", code: forever()}}}, meter.TripFuel},
}

// one is a module of one function.
func one(name, sig, locals string, code []byte) wasmModule {
	return wasmModule{funcs: []wasmFunc{{name: name, sig: sig, locals: locals, code: code}}}
}

// tree is a module whose functions call the next one twice each, 2^depth calls in all.
func tree(depth int) (m wasmModule) {
	m.funcs = append(m.funcs, wasmFunc{name: "run", sig: ":", code: cat(call(1), call(1))})
	for i := 1; i < depth; i++ {
		m.funcs = append(m.funcs, wasmFunc{name: "f" + strings.Repeat("x", i), sig: ":", code: cat(call(i+1), call(i+1))})
	}
	m.funcs = append(m.funcs, wasmFunc{name: "leaf", sig: ":", code: op(0x01)})
	return m
}

func memory(name string, code []byte) wasmModule {
	m := one(name, ":", "", code)
	m.pages, m.data = 1, "data"
	return m
}

func table(name string, code []byte) wasmModule {
	m := one(name, ":", "", code)
	m.tables = [][2]int{{1000, 2000}}
	return m
}

func TestGluttons(t *testing.T) {
	t.Parallel()
	const budget = 3_000_000
	for _, tt := range gluttons {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tank := meter.NewTank(budget, 10_000)
			wasm := rewrite(t, tt.mod.build(), meter.Config{Depth: 500}).Bytes
			g, err := startGuest(t, wasm, tank)
			if tt.mod.start != "" {
				if err == nil || tank.Trip(0) != tt.want {
					t.Errorf("start ended with %v (%v), want %v", tank.Trip(0), err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			_, used, trip, err := g.call("run")
			if err == nil || trip != tt.want {
				t.Errorf("run ended with %v (%v), want %v", trip, err, tt.want)
			}
			if over := used - budget; trip == meter.TripFuel && (over <= 0 || over > 70_000) {
				t.Errorf("used %d of %d fuel", used, budget)
			}
		})
	}
}

func TestDepthIsExact(t *testing.T) {
	t.Parallel()
	// run(n) calls itself until n is 0.
	code := cat(get(0), op(0x04, 0x40), get(0), i32(1), op(0x6b), call(0), op(0x0b))
	big := wasmFunc{name: "big", sig: "i:", locals: strings.Repeat("I", 130)}
	big.code = cat(get(0), op(0x04, 0x40), get(0), i32(1), op(0x6b), call(1), op(0x0b))
	m := wasmModule{funcs: []wasmFunc{{name: "run", sig: "i:", code: code}, big}}
	for _, tt := range []struct {
		f     string
		n     uint64 // calls
		depth int32
		want  meter.Trip
	}{
		{"run", 100, 100, meter.TripNone},
		{"run", 100, 99, meter.TripDepth},
		{"run", 1, 1, meter.TripNone},
		{"big", 100, 300, meter.TripNone}, // 130 locals take three levels
		{"big", 100, 299, meter.TripDepth},
	} {
		g := newGuest(t, m.build(), meter.Config{Depth: tt.depth}, meter.NewTank(math.MaxInt64, 0))
		if _, _, trip, err := g.call(tt.f, tt.n-1); trip != tt.want || (err != nil) != (tt.want != meter.TripNone) {
			t.Errorf("%s: %d calls at depth %d: %v (%v), want %v", tt.f, tt.n, tt.depth, trip, err, tt.want)
		}
	}
}

// TestDepthIsGivenBack calls in every way there is to leave a function, many times more often than the depth.
func TestDepthIsGivenBack(t *testing.T) {
	t.Parallel()
	leaf := wasmFunc{name: "leaf", sig: ":", code: op(0x01)}
	count := cat(get(0), i32(1), op(0x6b), op(0x22, 0)) // --n
	for name, m := range map[string]wasmModule{
		"return":          ways(op(0x10, 2, 0x0f), leaf),
		"br":              ways(op(0x10, 2, 0x0c, 0), leaf),
		"br out of block": ways(op(0x10, 2, 0x02, 0x40, 0x0c, 1, 0x0b), leaf),
		"br_if":           ways(cat(call(2), i32(1), op(0x0d, 0)), leaf),
		"br_table":        ways(cat(call(2), op(0x02, 0x40), i32(1), op(0x0e, 1, 0, 1, 0x0b)), leaf),
		"return in loop":  ways(cat(call(2), op(0x03, 0x40, 0x0f, 0x0b)), leaf),
		"tail call":       ways(op(0x10, 2, 0x12, 2), leaf),
		"end":             ways(op(0x10, 2), leaf),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m.funcs[0].code = while(call(1), count)
			g := newGuest(t, m.build(), meter.Config{Depth: 2}, meter.NewTank(math.MaxInt64, 0))
			if _, _, trip, err := g.call("run", 1000); err != nil {
				t.Errorf("%v (%v)", trip, err)
			}
			if d := int32(g.mod.ExportedGlobal(meter.DepthGlobal).Get()); d != 2 {
				t.Errorf("depth after the call is %d, want 2", d)
			}
		})
	}
}

// ways is a module whose run calls a function with the given code, at index 1.
func ways(code []byte, more ...wasmFunc) wasmModule {
	fs := append([]wasmFunc{{name: "run", sig: "i:"}, {name: "way", sig: ":", code: code}}, more...)
	return wasmModule{funcs: fs}
}

func TestDepthAfterExceptions(t *testing.T) {
	t.Parallel()
	deep := cat(get(0), op(0x04, 0x40), get(0), i32(1), op(0x6b), call(1), op(0x05, 0x08, 0, 0x0b)) // throw at 0
	m := wasmModule{tags: []string{""}, funcs: []wasmFunc{
		{name: "run", sig: "i:", code: while(
			op(0x02, 0x40, 0x1f, 0x40, 1, 2, 0), i32(50), call(1), op(0x0b, 0x0b), // catch_all
			get(0), i32(1), op(0x6b), op(0x22, 0),
		)},
		{name: "deep", sig: "i:", code: deep},
	}}
	g := newGuest(t, m.build(), meter.Config{Depth: 60}, meter.NewTank(math.MaxInt64, 0))
	if _, _, trip, err := g.call("run", 100); err != nil {
		t.Fatalf("%v (%v)", trip, err)
	}
	if d := int32(g.mod.ExportedGlobal(meter.DepthGlobal).Get()); d != 60 {
		t.Errorf("depth after the call is %d, want 60", d)
	}
}

func TestTableLimit(t *testing.T) {
	t.Parallel()
	m := table("run", nil)
	m.funcs[0] = wasmFunc{name: "run", sig: "i:i", code: cat(op(0xd0, 0x70), get(0), op(0xfc, 0x0f, 0))}
	if _, err := meter.Rewrite(m.build(), meter.Config{TableItems: 999}); err == nil {
		t.Error("a table of 1000 elements passes a limit of 999")
	}
	g := newGuest(t, m.build(), meter.Config{TableItems: 1500}, meter.NewTank(math.MaxInt64, 0))
	for _, tt := range []struct{ grow, want int32 }{{500, 1000}, {1, -1}} {
		if got, _, _, err := g.call("run", uint64(tt.grow)); err != nil || int32(got) != tt.want {
			t.Errorf("table.grow %d = %d (%v), want %d", tt.grow, int32(got), err, tt.want)
		}
	}
}

func TestStop(t *testing.T) {
	t.Parallel()
	tank := meter.NewTank(math.MaxInt64, 10_000)
	m := one("run", ":", "", forever())
	m.imports = nil
	g := newGuest(t, m.build(), meter.Config{}, tank)
	go tank.Stop()
	if _, _, trip, err := g.call("run"); err == nil || trip != meter.TripStopped {
		t.Errorf("run ended with %v (%v), want %v", trip, err, meter.TripStopped)
	}
}

func TestTrapIsNoTrip(t *testing.T) {
	t.Parallel()
	g := newGuest(t, one("run", ":", "", op(0x00)).build(), meter.Config{}, meter.NewTank(1000, 0))
	if _, _, trip, err := g.call("run"); err == nil || trip != meter.TripNone {
		t.Errorf("unreachable ended with %v (%v), want a trap and %v", trip, err, meter.TripNone)
	}
}
