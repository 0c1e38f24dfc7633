package meter_test

import (
	"context"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wendflow/wend/runtime/pluginhost/meter"
)

// fuzzFeatures leaves out exception handling, whose memory is not bounded, and with it the panics of its validation.
const fuzzFeatures = allFeatures &^ experimental.CoreFeaturesExceptionHandling

// FuzzRewrite checks that no input makes Rewrite panic, that a rewritten module is valid exactly if the original is,
// and that whatever it exports ends within its budget.
func FuzzRewrite(f *testing.F) {
	for _, g := range gluttons {
		f.Add(g.mod.build())
	}
	f.Add(fib().build())
	f.Add(everything(op(0x01)).build())
	f.Add(tree(5).build())
	f.Fuzz(func(t *testing.T, wasm []byte) {
		m, err := meter.Rewrite(wasm, meter.Config{Depth: 200, TableItems: 10_000})
		if err != nil {
			return
		}
		ctx := context.Background()
		rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().
			WithCoreFeatures(fuzzFeatures).WithMemoryLimitPages(64))
		defer rt.Close(ctx)
		// wazero 1.12 refuses an empty custom section if it is the very last one. Rewritten, it never is.
		plain, metered := compile(rt, cat(wasm, op(0, 3, 1, 'x', 0))), compile(rt, m.Bytes)
		if (plain == nil) != (metered == nil) {
			t.Fatalf("original: %v\nrewritten: %v", plain, metered)
		}
		if metered == nil {
			runAll(t, m.Bytes)
		}
	})
}

// runAll runs a start function and all exports that take no parameters.
func runAll(t *testing.T, wasm []byte) {
	t.Helper()
	rt := newRuntimeWith(t, wazero.NewRuntimeConfig().WithCoreFeatures(fuzzFeatures).WithMemoryLimitPages(64))
	withEnv(t, rt)
	tank := meter.NewTank(200_000, 10_000)
	ctx := withTank(context.Background(), tank)
	began := time.Now()
	mod, err := rt.InstantiateWithConfig(ctx, wasm, wazero.NewModuleConfig().WithName(""))
	if err != nil {
		return
	}
	for name, def := range mod.ExportedFunctionDefinitions() {
		if len(def.ParamTypes()) > 0 {
			continue
		}
		mod.ExportedFunction(name).Call(ctx) // any result will do, but there has to be one
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Fatalf("a budget of 200,000 lasted %v", d)
	}
}
