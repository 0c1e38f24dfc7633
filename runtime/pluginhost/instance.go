package pluginhost

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/sys"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/pluginhost/meter"
)

// instance is one copy of a guest. It serves one invoke at a time.
type instance struct {
	guest   *guest
	image   *image // nil if it initialised itself
	mod     api.Module
	memory  api.Memory
	arena   *arena
	system  *system
	ctx     context.Context //nolint:containedctx // never ends; carries the system to the host's functions
	globals []api.MutableGlobal
	fuel    api.MutableGlobal
	depth   api.MutableGlobal
	deepest uint64 // depth before any call
	alloc   api.Function
	invoke  api.Function // _start of a command
	stack   [2]uint64
}

// newInstance makes an instance in which nothing has run yet.
func (g *guest) newInstance() (*instance, error) {
	memory, err := newArena(g.limits.Memory, g.tracker)
	if err != nil {
		return nil, err
	}
	i := &instance{guest: g, arena: memory, system: &system{command: g.command}}
	i.ctx = context.WithValue(context.Background(), systemKey{}, i.system)
	i.begin(g.startBudget(), initTime, g.digest, nil)
	defer i.end()
	lend := experimental.MemoryAllocatorFunc(func(uint64, uint64) experimental.LinearMemory { return memory })
	i.mod, err = g.runtime.InstantiateModule(experimental.WithMemoryAllocator(i.ctx, lend), g.code, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		memory.Free()
		return nil, i.explain(err)
	}
	i.memory = i.mod.ExportedMemory(exportMemory)
	i.alloc = i.mod.ExportedFunction(exportAlloc)
	i.invoke = i.mod.ExportedFunction(g.entry)
	for _, name := range g.globals {
		i.globals = append(i.globals, i.mod.ExportedGlobal(name).(api.MutableGlobal))
	}
	i.fuel = i.mod.ExportedGlobal(meter.FuelGlobal).(api.MutableGlobal)
	i.system.fuel = i.fuel
	i.depth = i.mod.ExportedGlobal(meter.DepthGlobal).(api.MutableGlobal)
	i.deepest = i.depth.Get()
	return i, nil
}

// initialise brings a new instance to the state in which an image is taken.
func (i *instance) initialise() error {
	for _, s := range i.guest.data {
		i.memory.Write(s.Offset, s.Bytes) // fits, as takeData has seen
	}
	start := i.mod.ExportedFunction(exportInitialize)
	if start == nil || i.guest.command {
		return nil
	}
	i.begin(i.guest.startBudget(), initTime, i.guest.digest, nil)
	defer i.end()
	if err := i.call(start); err != nil {
		return i.explain(err)
	}
	return nil
}

// close frees the instance.
func (i *instance) close() {
	_ = i.mod.Close(i.ctx) // frees the memory, and has nothing else to fail at
}

// restorable tells whether restore can bring back the image: an instance that
// has grown cannot give its memory back.
func (i *instance) restorable() bool {
	return i.image != nil && int(i.memory.Size()) == len(i.image.memory.bytes)
}

// restore brings back the state of the image.
func (i *instance) restore() {
	i.arena.restore()
	i.setGlobals()
}

func (i *instance) setGlobals() {
	for n, g := range i.globals {
		g.Set(i.image.globals[n])
	}
}

// budget is what one call into a guest may take.
type budget struct {
	fuel uint64
	wall time.Duration
}

// startBudget is for work that a load may take its time for.
func (g *guest) startBudget() budget {
	return budget{fuel: g.limits.Fuel, wall: 10 * g.limits.Wall}
}

// begin sets up everything that a call into the guest sees or spends.
func (i *instance) begin(b budget, now time.Time, seed string, log func(string)) {
	i.system.reset(now, seed, log, i.guest.limits)
	i.arena.denied = 0
	i.system.tank = meter.NewTank(int64(min(b.fuel, math.MaxInt64)), 0)
	i.system.began, i.system.time = time.Now(), b.wall
	i.system.alarm = time.AfterFunc(b.wall, i.system.tank.Stop)
	if i.mod != nil {
		i.fuel.Set(0)
		i.depth.Set(i.deepest)
	}
}

// end returns the fuel that was used since begin.
func (i *instance) end() uint64 {
	i.system.alarm.Stop()
	i.system.log.end()
	if i.mod == nil {
		return 0
	}
	return i.used()
}

// used is the fuel that was used since begin.
func (i *instance) used() uint64 { return uint64(i.system.tank.Used(int64(i.fuel.Get()))) }

// profile traces one invoke, until the function that it returns is called.
func (i *instance) profile(into *Profile) (end func()) {
	t := &trace{used: i.used, functions: map[string]*tracedFunction{}}
	i.system.trace = t
	return func() {
		i.system.trace = nil
		into.add(t)
	}
}

// call runs f with its parameters and result in the instance's stack.
func (i *instance) call(f api.Function) error {
	return f.CallWithStack(i.ctx, i.stack[:])
}

// exchange hands a document to the guest and returns the guest's. The result
// is good until the next call.
func (i *instance) exchange(doc []byte) (out []byte, err error) {
	err = i.arena.watch(func() error {
		if i.guest.command {
			out, err = i.exchangeStreams(doc)
		} else {
			out, err = i.exchangeMemory(doc)
		}
		return err
	})
	return out, err
}

// exchangeMemory runs a library: the document in memory that it lends.
func (i *instance) exchangeMemory(doc []byte) ([]byte, error) {
	i.stack[0] = uint64(len(doc))
	if err := i.call(i.alloc); err != nil {
		return nil, i.explain(err)
	}
	at := uint32(i.stack[0])
	if at == 0 { // what most allocators say when they have nothing
		return nil, failf(FaultContract, "wend_alloc(%d) returned 0: it has no memory to lend", len(doc))
	}
	if !i.memory.Write(at, doc) {
		return nil, failf(FaultContract, "wend_alloc(%d) returned %#x, outside of its memory of %d bytes", len(doc), at, i.memory.Size())
	}
	i.stack = [2]uint64{uint64(at), uint64(len(doc))}
	if err := i.call(i.invoke); err != nil {
		return nil, i.explain(err)
	}
	at, n := uint32(i.stack[0]>>32), uint32(i.stack[0])
	out, ok := i.memory.Read(at, n)
	if !ok {
		return nil, failf(FaultContract, "wend_invoke returned %d bytes at %#x, outside of its memory of %d bytes", n, at, i.memory.Size())
	}
	if limit := i.guest.limits.Output; uint64(n) > limit {
		return nil, over(FaultOutput, "its output", uint64(n), limit)
	}
	return out, nil
}

// exchangeStreams runs a command: the document on standard input, the answer
// on standard output.
func (i *instance) exchangeStreams(doc []byte) ([]byte, error) {
	i.system.stdin = doc
	err := i.call(i.invoke)
	if exit, ok := errors.AsType[*sys.ExitError](err); ok && exit.ExitCode() == 0 {
		err = nil
	}
	if err != nil {
		return nil, i.explain(err)
	}
	return i.system.stdout.bytes, nil
}

// explain says what ended a call into the guest.
func (i *instance) explain(err error) *failure {
	limits := i.guest.limits
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	f := trapped(err, &i.system.log)
	depth := int32(0)
	if i.depth != nil {
		depth = int32(uint32(i.depth.Get()))
	}
	switch trip := i.system.tank.Trip(depth); {
	case trip == meter.TripDepth:
		f.limit(FaultDepth, "nested more than %d calls, its limit of depth", limits.Depth)
	case trip == meter.TripFuel:
		f.limit(FaultFuel, "used up its fuel of %d", limits.Fuel)
	case trip == meter.TripStopped:
		ran := time.Since(i.system.began)
		f.limit(FaultWall, "ran for %s, %s over its wall limit of %s", ran.Round(time.Millisecond), (ran - i.system.time).Round(time.Microsecond), i.system.time)
	case i.arena.denied > 0 && f.code == FaultTrap:
		f.limit(FaultMemory, "wanted %s of memory, %s over its limit of %s",
			data.ShowSize(i.arena.denied), data.ShowSize(i.arena.denied-limits.Memory), data.ShowSize(limits.Memory))
	}
	return f
}
