package meter_test

import (
	"context"
	"fmt"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/wendflow/wend/runtime/pluginhost/meter"
)

// A guest that never ends is ended when its fuel is used up.
func Example() {
	// (module (func (export "run") (loop (br 0))))
	endless := one("run", ":", "", forever()).build()
	rewritten, err := meter.Rewrite(endless, meter.Config{Depth: 100})
	if err != nil {
		fmt.Println(err)
		return
	}

	// The tank of a call travels in its context, from where the import takes it.
	type tankKey struct{}
	refill := func(ctx context.Context, stack []uint64) {
		stack[0] = uint64(ctx.Value(tankKey{}).(*meter.Tank).Refill(int64(stack[0])))
	}
	tank := meter.NewTank(1_000_000, 0)
	ctx := context.WithValue(context.Background(), tankKey{}, tank)
	rt := wazero.NewRuntime(ctx)
	defer rt.Close(ctx)
	_, err = rt.NewHostModuleBuilder(meter.ImportModule).NewFunctionBuilder().
		WithGoFunction(api.GoFunc(refill), []api.ValueType{api.ValueTypeI64}, []api.ValueType{api.ValueTypeI64}).
		Export(meter.ImportFunc).Instantiate(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}

	// A start function would be metered too, so the tank is needed from here on.
	mod, err := rt.Instantiate(ctx, rewritten.Bytes)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = mod.ExportedFunction("run").Call(ctx)
	fuel, depth := mod.ExportedGlobal(meter.FuelGlobal), mod.ExportedGlobal(meter.DepthGlobal)
	fmt.Println("trapped:", err != nil)
	fmt.Println("limit:", tank.Trip(int32(depth.Get())))
	fmt.Println("used:", tank.Used(int64(fuel.Get())))
	// Output:
	// trapped: true
	// limit: fuel
	// used: 1000001
}
