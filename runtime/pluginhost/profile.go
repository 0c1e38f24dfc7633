package pluginhost

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wendflow/wend/runtime/pluginhost/meter"
)

// Profile collects where in a guest's code the fuel of its invokes went. It is
// exact: every call is seen, and the figures add up to what the invokes used.
// Guests whose host has a Profile are five times slower and use no more fuel.
// The zero Profile is ready for use. It is safe for concurrent use.
type Profile struct {
	mu        sync.Mutex
	functions map[string]*FunctionFuel
}

// FunctionFuel is what one function of a guest used.
type FunctionFuel struct {
	Name  string // as the module's name section has it
	Calls uint64
	Self  uint64 // fuel used by its own code
	Total uint64 // with that of the functions it called
}

// Functions returns what each function that was called has used, the dearest
// code first.
func (p *Profile) Functions() []FunctionFuel {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]FunctionFuel, 0, len(p.functions))
	for _, f := range p.functions {
		all = append(all, *f)
	}
	slices.SortFunc(all, func(a, b FunctionFuel) int {
		return cmp.Or(cmp.Compare(b.Self, a.Self), cmp.Compare(b.Total, a.Total), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// WriteText writes a table of the most functions, as `go tool pprof -top` does.
func (p *Profile) WriteText(w io.Writer, most int) error {
	all := p.Functions()
	used := uint64(0)
	for _, f := range all {
		used += f.Self
	}
	if _, err := fmt.Fprintf(w, "%d units of fuel\n%10s %6s %10s %6s %8s  function\n", used, "self", "", "total", "", "calls"); err != nil {
		return err
	}
	share := func(n uint64) float64 { return 100 * float64(n) / float64(max(used, 1)) }
	for _, f := range all[:min(most, len(all))] {
		if _, err := fmt.Fprintf(w, "%10d %5.1f%% %10d %5.1f%% %8d  %s\n", f.Self, share(f.Self), f.Total, share(f.Total), f.Calls, f.Name); err != nil {
			return err
		}
	}
	return nil
}

// add takes over what one invoke used.
func (p *Profile) add(t *trace) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.functions == nil {
		p.functions = map[string]*FunctionFuel{}
	}
	for name, more := range t.functions {
		f := p.functions[name]
		if f == nil {
			f = &FunctionFuel{Name: name}
			p.functions[name] = f
		}
		f.Calls += more.Calls
		f.Self += more.Self
		f.Total += more.Total
	}
}

// trace follows the calls of one invoke.
type trace struct {
	used      func() uint64 // fuel used so far
	last      uint64        // the same at the last call or return
	stack     []activation
	functions map[string]*tracedFunction
}

type activation struct {
	function *tracedFunction
	began    uint64 // fuel used before it
}

type tracedFunction struct {
	FunctionFuel
	open int // calls under way; a recursive one counts once in Total
}

// settle gives what was used since the last call or return to who ran.
func (t *trace) settle() {
	now := t.used()
	if n := len(t.stack); n > 0 {
		t.stack[n-1].function.Self += now - t.last
	}
	t.last = now
}

func (t *trace) enter(name string) {
	t.settle()
	f := t.functions[name]
	if f == nil {
		f = &tracedFunction{FunctionFuel: FunctionFuel{Name: name}}
		t.functions[name] = f
	}
	f.Calls++
	f.open++
	t.stack = append(t.stack, activation{f, t.last})
}

func (t *trace) leave() {
	t.settle()
	top := t.stack[len(t.stack)-1]
	t.stack = t.stack[:len(t.stack)-1]
	if top.function.open--; top.function.open == 0 {
		top.function.Total += t.last - top.began
	}
}

// profiling has the calls of a guest traced where its system wants that.
func profiling(ctx context.Context) context.Context {
	return experimental.WithFunctionListenerFactory(ctx, tracer{})
}

// tracer is the engine's way to tell of calls.
type tracer struct{}

// NewFunctionListener leaves out the functions that refill a guest's fuel:
// while they run, what was used cannot be told.
func (tracer) NewFunctionListener(f api.FunctionDefinition) experimental.FunctionListener {
	if f.ModuleName() == meter.ImportModule || f.Name() == meter.ImportModule+".check" {
		return nil
	}
	return tracer{}
}

func (tracer) Before(ctx context.Context, _ api.Module, f api.FunctionDefinition, _ []uint64, _ experimental.StackIterator) {
	if t := systemOf(ctx).trace; t != nil {
		t.enter(cmp.Or(f.Name(), f.DebugName()))
	}
}

func (tracer) After(ctx context.Context, _ api.Module, _ api.FunctionDefinition, _ []uint64) {
	if t := systemOf(ctx).trace; t != nil {
		t.leave()
	}
}

func (t tracer) Abort(ctx context.Context, m api.Module, f api.FunctionDefinition, _ error) {
	t.After(ctx, m, f, nil)
}
