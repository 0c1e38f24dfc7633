package meter_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wendflow/wend/runtime/pluginhost/meter"
	"github.com/wendflow/wend/runtime/wasm"
)

// fib is a module with names, a start function, a table and a passive segment, so that every kind of index occurs.
func fib() wasmModule {
	return wasmModule{
		imports: []wasmImport{{"env", "twice", "i:i"}},
		names:   true, start: "init", elems: []string{"fib", "collatz"}, passive: []string{"fib"},
		tables: [][2]int{{2, 10}}, pages: 1, data: "hello, world",
		globals: []wasmGlobal{
			{0x7f, true, i32(5)}, {0x7e, false, op(0x42, 7)}, {0x7e, true, op(0x42, 0)}, {0x70, true, op(0xd2, 2)},
		},
		custom: map[string]string{"keep": "me", ".debug_line": "drop me", "producers": "\x00"},
		funcs: []wasmFunc{
			{name: "init", sig: ":", code: cat(i32(41), op(0x24, 0))},
			{name: "fib", sig: "i:I", code: cat(
				get(0), i32(2), op(0x48, 0x04, 0x7e), get(0), op(0xad, 0x0f, 0x05),
				get(0), i32(1), op(0x6b), call(2), get(0), i32(2), op(0x6b), call(2), op(0x7c, 0x0b),
			)},
			{name: "collatz", sig: "i:I", locals: "I", code: cat(
				op(0x02, 0x40, 0x03, 0x40), get(0), i32(1), op(0x46, 0x0d, 1),
				get(1), op(0x42, 1, 0x7c), set(1),
				get(0), i32(1), op(0x71, 0x04, 0x40), get(0), i32(3), op(0x6c), i32(1), op(0x6a), set(0),
				op(0x05), get(0), i32(1), op(0x76), set(0), op(0x0b), op(0x0c, 0, 0x0b, 0x0b), get(1),
			)},
			{name: "pick", sig: "ii:I", code: cat(get(0), get(1), op(0x11, 2, 0))}, // call_indirect of fib's type
			{name: "pair", sig: "i:ii", code: cat(get(0), call(0), get(0), op(0x0f))},
			{name: "swap", sig: "iI:Ii", code: cat(get(1), get(0))},
			{name: "hello", sig: "i:i", code: cat(
				i32(100), i32(0), i32(12), op(0xfc, 0x08, 0, 0),
				i32(200), i32(100), i32(12), op(0xfc, 0x0a, 0, 0),
				i32(204), i32('-'), i32(3), op(0xfc, 0x0b, 0), get(0), op(0x2d, 0, 0),
			)},
			{name: "vector", sig: "i:i", code: cat(get(0), op(0xfd, 0x11), get(0), op(0xfd, 0x11, 0xfd, 0xae, 0x01, 0xfd, 0x1b, 2))},
			{name: "trunc", sig: "F:i", code: cat(get(0), op(0xfc, 0x02, 0xc0))},
			{name: "boom", sig: ":", code: op(0x00)},
			{name: "div", sig: "ii:i", code: cat(get(0), get(1), op(0x6d))},
			{name: "count", sig: ":i", code: cat(op(0x23, 0), i32(1), op(0x6a, 0x24, 0), op(0x23, 0))},
		},
	}
}

func withEnv(tb testing.TB, rt wazero.Runtime) {
	tb.Helper()
	twice := func(_ context.Context, stack []uint64) { stack[0] = uint64(uint32(stack[0]) * 2) }
	_, err := rt.NewHostModuleBuilder("env").NewFunctionBuilder().
		WithGoFunction(api.GoFunc(twice), []api.ValueType{api.ValueTypeI32}, []api.ValueType{api.ValueTypeI32}).
		Export("twice").Instantiate(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
}

func instantiate(tb testing.TB, wasm []byte, tank *meter.Tank) (context.Context, api.Module) {
	tb.Helper()
	rt := newRuntime(tb, allFeatures)
	withEnv(tb, rt)
	ctx := withTank(context.Background(), tank)
	mod, err := rt.InstantiateWithConfig(ctx, wasm, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		tb.Fatal(err)
	}
	return ctx, mod
}

func TestBehavesAsOriginal(t *testing.T) {
	t.Parallel()
	wasm := fib().build()
	ctx, plain := instantiate(t, wasm, nil)
	ctx2, metered := instantiate(t, rewrite(t, wasm, meter.Config{}).Bytes, meter.NewTank(math.MaxInt64, 3))
	for _, c := range []struct {
		f    string
		args []uint64
	}{
		{"fib", []uint64{15}},
		{"collatz", []uint64{27}},
		{"pick", []uint64{12, 0}},
		{"pick", []uint64{12, 1}},
		{"pick", []uint64{12, 2}},
		{"pair", []uint64{21}},
		{"swap", []uint64{3, 4}},
		{"hello", []uint64{203}},
		{"hello", []uint64{204}},
		{"hello", []uint64{1 << 20}},
		{"vector", []uint64{33}},
		{"trunc", []uint64{math.Float64bits(-200.5)}},
		{"boom", nil},
		{"div", []uint64{7, 0}},
		{"div", []uint64{7, 2}},
		{"count", nil},
		{"count", nil},
	} {
		a, errA := plain.ExportedFunction(c.f).Call(ctx, c.args...)
		b, errB := metered.ExportedFunction(c.f).Call(ctx2, c.args...)
		if !slices.Equal(a, b) {
			t.Errorf("%s(%v) = %v, want %v", c.f, c.args, b, a)
		}
		if errA == nil && errB == nil {
			continue
		}
		if errA == nil || errB == nil || errA.Error() != errB.Error() {
			t.Errorf("%s(%v): %v\nwant: %v", c.f, c.args, errB, errA)
		}
	}
	a, _ := plain.Memory().Read(0, 1000)
	if b, _ := metered.Memory().Read(0, 1000); !bytes.Equal(a, b) {
		t.Error("the memories differ")
	}
}

func TestNamesAndCustomSections(t *testing.T) {
	t.Parallel()
	m := rewrite(t, fib().build(), meter.Config{})
	ctx, mod := instantiate(t, m.Bytes, meter.NewTank(math.MaxInt64, 0))
	_, err := mod.ExportedFunction("boom").Call(ctx)
	if err == nil || !strings.Contains(err.Error(), "themodule.named_boom()") {
		t.Errorf("boom: %v, want a trace with the function's name", err)
	}
	compiled, err := newRuntime(t, allFeatures).CompileModule(ctx, m.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range compiled.ImportedFunctions() {
		mod, name, _ := f.Import()
		if mod == meter.ImportModule && (name != meter.ImportFunc || f.Name() != "wend_meter.refill") {
			t.Errorf("import %q is named %q", name, f.Name())
		}
	}
	for _, s := range []string{"keep", "producers"} {
		if !bytes.Contains(m.Bytes, str(s)) {
			t.Errorf("custom section %q is lost", s)
		}
	}
	if bytes.Contains(m.Bytes, []byte(".debug_line")) {
		t.Error("a section with offsets of the old code is kept")
	}
}

func TestFactsForRestoring(t *testing.T) {
	t.Parallel()
	null := op(0xd0, 0x70)
	for _, tt := range []struct {
		name string
		mod  wasmModule
		want []string
	}{
		{"none", memory("run", op(0x01)), nil},
		{"table.set", table("run", cat(i32(0), null, op(0x26, 0))), []string{"the module writes to its tables"}},
		{
			"table.grow", table("run", cat(null, i32(1), op(0xfc, 0x0f, 0, 0x1a))),
			[]string{"the module writes to its tables", "the module grows its tables"},
		},
		{"data.drop", memory("run", op(0xfc, 0x09, 0)), []string{"the module drops segments"}},
		{
			"v128 global",
			wasmModule{globals: []wasmGlobal{{0x7b, true, cat(op(0xfd, 0x0c), make([]byte, 16))}}},
			[]string{"the module has a mutable global of type v128"},
		},
	} {
		if got := rewrite(t, tt.mod.build(), meter.Config{}).Hazards; !slices.Equal(got, tt.want) {
			t.Errorf("%s: hazards %q, want %q", tt.name, got, tt.want)
		}
	}
	want := []string{"wend_meter.global.0", "wend_meter.global.2", "wend_meter.global.3"}
	if got := rewrite(t, fib().build(), meter.Config{}).MutableGlobals; !slices.Equal(got, want) {
		t.Errorf("mutable globals %q, want %q", got, want)
	}
}

func TestRestore(t *testing.T) {
	t.Parallel()
	m := rewrite(t, fib().build(), meter.Config{})
	ctx, mod := instantiate(t, m.Bytes, meter.NewTank(math.MaxInt64, 0))
	image := map[string]uint64{}
	for _, name := range m.MutableGlobals {
		image[name] = mod.ExportedGlobal(name).Get()
	}
	for range 3 {
		if got, err := mod.ExportedFunction("count").Call(ctx); err != nil || got[0] != 42 {
			t.Errorf("count() = %v (%v), want 42 after each restore", got, err)
		}
		for name, v := range image {
			mod.ExportedGlobal(name).(api.MutableGlobal).Set(v)
		}
	}
}

// TestFuelIsDeterministic: the same calls use the same fuel, whatever the slice, and run out of it at the same place.
func TestFuelIsDeterministic(t *testing.T) {
	t.Parallel()
	m := rewrite(t, fib().build(), meter.Config{})
	work := func(tank *meter.Tank) (used int64, failed bool) {
		ctx, mod := instantiate(t, m.Bytes, tank)
		for _, f := range []string{"fib", "collatz", "hello"} {
			if _, err := mod.ExportedFunction(f).Call(ctx, 18); err != nil {
				failed = true
				break
			}
		}
		return tank.Used(int64(mod.ExportedGlobal(meter.FuelGlobal).Get())), failed
	}
	want, failed := work(meter.NewTank(math.MaxInt64, 0))
	if want <= 0 || failed {
		t.Fatalf("used %d, failed %v", want, failed)
	}
	out, _ := work(meter.NewTank(want/2, 0))
	for _, slice := range []int64{1, 2, 17, 1000, 1 << 40} {
		if got, failed := work(meter.NewTank(want, slice)); got != want || failed {
			t.Errorf("slice %d: used %d (failed %v), want %d", slice, got, failed, want)
		}
		if got, failed := work(meter.NewTank(want/2, slice)); got != out || !failed {
			t.Errorf("slice %d: ran out at %d (failed %v), want %d", slice, got, failed, out)
		}
	}
}

// TestFuelPins the prices: a change of them is a change of Version.
func TestFuelPins(t *testing.T) {
	t.Parallel()
	m := rewrite(t, fib().build(), meter.Config{})
	for _, tt := range []struct {
		f    string
		arg  uint64
		want int64
	}{{"fib", 10, 3009}, {"collatz", 27, 1120}, {"hello", 0, 27}, {"vector", 1, 4}} {
		tank := meter.NewTank(math.MaxInt64, 0)
		ctx, mod := instantiate(t, m.Bytes, tank)
		before := tank.Used(int64(mod.ExportedGlobal(meter.FuelGlobal).Get()))
		if _, err := mod.ExportedFunction(tt.f).Call(ctx, tt.arg); err != nil {
			t.Fatal(err)
		}
		if got := tank.Used(int64(mod.ExportedGlobal(meter.FuelGlobal).Get())) - before; got != tt.want {
			t.Errorf("%s(%d) used %d fuel, want %d", tt.f, tt.arg, got, tt.want)
		}
	}
}

// TestBulkMatchesEngine compares the chunked copies and fills with what they replace, around the size of a chunk.
func TestBulkMatchesEngine(t *testing.T) {
	t.Parallel()
	const chunk, pages = 1 << 20, 80
	m := wasmModule{pages: pages, funcs: []wasmFunc{
		{name: "fill", sig: "iii:", code: cat(get(0), get(1), get(2), op(0xfc, 0x0b, 0))},
		{name: "copy", sig: "iii:", code: cat(get(0), get(1), get(2), op(0xfc, 0x0a, 0, 0))},
		{name: "grow", sig: "i:i", code: cat(get(0), op(0x40, 0))},
	}}
	wasm := m.build()
	ctx, plain := instantiate(t, wasm, nil)
	ctx2, metered := instantiate(t, rewrite(t, wasm, meter.Config{}).Bytes, meter.NewTank(math.MaxInt64, 1000))
	seed := make([]byte, pages<<16)
	for i := range seed {
		seed[i] = byte(i * i >> 7)
	}
	plain.Memory().Write(0, seed)
	metered.Memory().Write(0, seed)
	end := uint64(pages << 16)
	for _, c := range []struct {
		f       string
		d, s, n uint64
	}{
		{"fill", 5, 1, 10},
		{"fill", 1, 2, chunk},
		{"fill", 2, 3, chunk + 1},
		{"fill", end - chunk*2 - 5, 4, chunk*2 + 5},
		{"fill", end - chunk*2, 9, chunk*2 + 1},
		{"fill", end, 9, 0},
		{"fill", 0xffffffff, 9, 0xffffffff},
		{"fill", 0, 9, 0xffffffff},
		{"copy", 100, 7, 3*chunk + 3},
		{"copy", 7, 100, 3*chunk + 3},
		{"copy", 0, chunk, chunk*2 + 9},
		{"copy", chunk, 0, chunk*2 + 9},
		{"copy", 0, 1, end - 1},
		{"copy", 1, 0, end - 1},
		{"copy", 1, 0, end},
		{"copy", 0, 1, end},
		{"copy", 3, 3, chunk + 3},
		{"grow", 1, 0, 0},
		{"grow", 1 << 17, 0, 0},
		{"grow", 0xffffffff, 0, 0},
		{"grow", 0, 0, 0},
	} {
		args := []uint64{c.d, c.s, c.n}
		if c.f == "grow" {
			args = args[:1]
		}
		a, errA := plain.ExportedFunction(c.f).Call(ctx, args...)
		b, errB := metered.ExportedFunction(c.f).Call(ctx2, args...)
		if !slices.Equal(a, b) || (errA == nil) != (errB == nil) {
			t.Errorf("%s(%v) = %v (%v), want %v (%v)", c.f, args, b, errB, a, errA)
		}
		x, _ := plain.Memory().Read(0, plain.Memory().Size())
		if y, _ := metered.Memory().Read(0, metered.Memory().Size()); !bytes.Equal(x, y) {
			t.Fatalf("%s(%v): the memories differ", c.f, args)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	code := func(body ...byte) []byte { return one("run", ":", "", body).build() }
	named := one("run", ":", "", op(0xfb, 1))
	named.names = true
	export := one("wend_meter.fuel", ":", "", op(0x01))
	imports := one("run", ":", "", op(0x01))
	imports.imports = []wasmImport{{"wend_meter", "refill", "I:I"}}
	for _, tt := range []struct {
		name string
		wasm []byte
		want string
	}{
		{"empty", nil, `not a WebAssembly file`},
		{"component", []byte("\x00asm\x0d\x00\x01\x00"), `components are not supported`},
		{"unknown instruction", code(0xfb, 1), `function "$0": instruction 0xfb is not known`},
		{"unknown instruction in a named function", named.build(), `function "named_run": instruction 0xfb is not known`},
		{"unknown misc instruction", code(0xfc, 0x12), `instruction 0xfc 0x12 is not known`},
		{"relaxed simd", code(0xfd, 0x80, 0x02), `instruction 0xfd 0x100 is not known`},
		{"overlong vector opcode", code(0xfd, 0x8c, 0x80, 0x00), `instruction 0xfd 0x0c is not known`},
		{"atomics", code(0xfe, 0x03, 0), `function "$0": atomic instruction 0xfe 0x03 (threads) is refused`},
		{"legacy exceptions", code(0x06, 0x40, 0x0b), `instruction 0x06 of the legacy exception handling is refused`},
		{"select of a long type", code(0x1c, 1, 0x63, 0x70), `select takes one type of one byte`},
		{"reserved export", export.build(), `export "wend_meter.fuel": the prefix "wend_meter." is reserved`},
		{"reserved import", imports.build(), `import "wend_meter"."refill": the module name is reserved`},
		// What the injected code adds must not become reachable:
		{"fuel global", code(0x42, 0, 0x24, 0), `global 0 does not exist, there are 0`},
		{"depth global", code(0x23, 1, 0x1a), `global 1 does not exist, there are 0`},
		{"injected function", code(0x10, 1), `function 1 does not exist, there are 1`},
		{"injected function by reference", code(0xd2, 1, 0x1a), `function 1 does not exist, there are 1`},
		{"injected type", code(0x02, 1, 0x0b), `type 1 does not exist, there are 1`},
		{"many locals", one("run", ":", "", nil).replace("\x0a\x04\x01\x02\x00\x0b", "\x0a\x08\x01\x06\x01\xd1\x86\x03\x7f\x0b", t), `50001 locals, at most 50000 are accepted`},
		{"forged vector", append([]byte("\x00asm\x01\x00\x00\x00"), 1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f), `4294967295 types cannot fit`},
		{"truncated", code(0x01)[:20], `unexpected end`},
		{"label", code(0x0c, 5), `label does not exist`},
		{"no such memory", code(0x3f, 0, 0x1a), `memory 0 does not exist`},
	} {
		_, err := meter.Rewrite(tt.wasm, meter.Config{})
		var e *wasm.Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}

// replace builds the module and replaces a part of it.
func (m wasmModule) replace(old, with string, tb testing.TB) []byte {
	tb.Helper()
	wasm := m.build()
	if !bytes.Contains(wasm, []byte(old)) {
		tb.Fatalf("%x is not in %x", old, wasm)
	}
	return bytes.Replace(wasm, []byte(old), []byte(with), 1)
}
