package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/wasm"
)

// Plugin is a module that is loaded: its methods are node types. It is safe
// for concurrent use.
type Plugin struct {
	host     *Host
	manifest *manifest.Manifest
	limits   manifest.Limits
	types    []*node.Type
	fresh    []*node.Type
	guest    *guest
	image    *image        // nil if every invoke has a new instance
	reason   string        // why there is no image
	slots    chan struct{} // one for each invoke that may run at once

	holders int // guarded by host.mu
	shutter sync.Once
	closing chan struct{} // closed when no invoke may begin

	draining chan struct{} // held by who waits for invokes to end
	drained  int           // slots taken for good; guarded by draining

	invokes atomic.Uint64
	fuel    atomic.Uint64

	mu      sync.Mutex
	freed   bool
	idle    []*instance
	faults  map[string]uint64 // by code
	dropped uint64
	grown   uint64
	pages   uint64
}

// Types returns a node type for each method and each alias of one.
func (p *Plugin) Types() []*node.Type { return p.types }

// FreshTypes returns the same node types, but every step of theirs has a new
// instance that initialised itself. They answer as Types do, only slower:
// comparing both is a check of a plugin.
func (p *Plugin) FreshTypes() []*node.Type { return p.fresh }

// Manifest returns what the plugin says of itself. It must not be changed.
func (p *Plugin) Manifest() *manifest.Manifest { return p.manifest }

// Digest returns the name of the plugin's file, as Digest does.
func (p *Plugin) Digest() string { return p.guest.digest }

// Status is how a plugin does.
type Status struct {
	// Restored tells how an invoke gets its fresh state: by an instance being
	// restored, or if false, for the Reason given, by a new instance.
	Restored bool
	Reason   string
	Image    int // bytes of memory that an invoke begins with; 0 if not Restored

	Idle    int               // instances that wait for an invoke
	Running int               // invokes under way
	Most    int               // of those
	Invokes uint64            // since the load
	Dropped uint64            // instances not used again: they faulted, or grew
	Grown   uint64            // of those, the ones that grew; making new ones takes several times as long as most invokes
	Pages   uint64            // the most pages of memory that one grew to
	Fuel    uint64            // used by all invokes
	Faults  map[string]uint64 // by code
}

// Status returns a snapshot of the plugin's counters.
func (p *Plugin) Status() Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := Status{
		Restored: p.image != nil,
		Reason:   p.reason,
		Idle:     len(p.idle),
		Running:  len(p.slots),
		Most:     cap(p.slots),
		Invokes:  p.invokes.Load(),
		Dropped:  p.dropped,
		Grown:    p.grown,
		Pages:    p.pages,
		Fuel:     p.fuel.Load(),
		Faults:   maps.Clone(p.faults),
	}
	if p.image != nil {
		s.Image = len(p.image.memory.bytes)
	}
	return s
}

// Hold keeps the plugin open until one more Close.
func (p *Plugin) Hold() {
	p.host.mu.Lock()
	defer p.host.mu.Unlock()
	p.holders++
}

// Close lets go of the plugin. The last holder's Close waits until invokes
// under way have ended, and frees what the plugin took; later invokes fault
// with the code "closed". It fails if ctx ends first; then the plugin takes no
// new invokes but is not freed.
func (p *Plugin) Close(ctx context.Context) error {
	h := p.host
	h.mu.Lock()
	p.holders--
	last := p.holders == 0
	if last && h.plugins[p.Digest()] == p {
		delete(h.plugins, p.guest.digest)
	}
	h.mu.Unlock()
	if !last {
		return nil
	}
	return p.shut(ctx)
}

// shut waits for invokes under way by taking all slots, which it keeps, and
// frees the plugin. One that gave up can be tried again.
func (p *Plugin) shut(ctx context.Context) error {
	p.shutter.Do(func() { close(p.closing) })
	if err := p.drain(ctx); err != nil {
		return fmt.Errorf("close plugin %s: %w", p.manifest.Plugin, err)
	}
	p.mu.Lock()
	freed := p.freed
	p.freed = true
	p.mu.Unlock()
	if freed {
		return nil
	}
	p.host.mu.Lock()
	delete(p.host.live, p)
	p.host.mu.Unlock()
	if p.image != nil {
		p.image.memory.free()
	}
	if err := p.guest.close(ctx); err != nil {
		return fmt.Errorf("close plugin %s: %w", p.manifest.Plugin, err)
	}
	return nil
}

// drain returns when no invoke is under way. Only one caller at a time takes
// slots: two would wait for each other.
func (p *Plugin) drain(ctx context.Context) error {
	select {
	case p.draining <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-p.draining }()
	for ; p.drained < cap(p.slots); p.drained++ {
		select {
		case p.slots <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// source gives an instance for one invoke.
type source func() (*instance, error)

// typesOf makes the node types, which take their instances from one source.
func (p *Plugin) typesOf(digest string, from source) ([]*node.Type, error) {
	types, err := p.manifest.Types(digest)
	if err != nil {
		return nil, err
	}
	rest := types
	for _, method := range p.manifest.Methods {
		for range 1 + len(method.Aliases) {
			t := rest[0]
			t.Step = func(ctx context.Context, v node.Visit) (node.Action, error) {
				return p.step(ctx, from, t, method.Name, v)
			}
			rest = rest[1:]
		}
	}
	return types, nil
}

func (p *Plugin) step(ctx context.Context, from source, t *node.Type, method string, v node.Visit) (node.Action, error) {
	v.Inputs = t.Inputs.WithDefaults(v.Inputs)
	v.Settings = t.Settings.WithDefaults(v.Settings)
	// Later steps of a visit have the inputs of the first.
	if len(v.Replies) == 0 {
		if problems := t.Inputs.Validate(v.Inputs); len(problems) > 0 {
			return nil, &node.InvalidError{Problems: problems}
		}
		for name, in := range v.Inputs {
			if data.Deeper(in, data.MaxDepth) {
				return nil, &node.InvalidError{Problems: []node.Problem{{
					Path: []string{name}, Msg: fmt.Sprintf("nests deeper than %d levels", data.MaxDepth),
				}}}
			}
		}
	}
	r, err := p.run(ctx, from, method, v)
	if err == nil {
		var action node.Action
		if action, err = p.action(t, v, r); err == nil {
			return action, nil
		}
	}
	if f, ok := errors.AsType[*failure](err); ok {
		p.count(f.code)
		return nil, f.fault(p.manifest, method)
	}
	return nil, fmt.Errorf("plugin %s: %w", p.manifest.Plugin, err)
}

func (p *Plugin) count(code string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[code]++
}

// run is one invoke.
func (p *Plugin) run(ctx context.Context, from source, method string, v node.Visit) (*result, error) {
	w := writers.Get().(*writer)
	defer w.release()
	doc, err := p.input(w, method, v)
	if err != nil {
		return nil, err
	}
	var r *result
	err = p.borrow(ctx, from, func(i *instance) error {
		p.invokes.Add(1)
		i.begin(budget{p.limits.Fuel, p.limits.Wall}, v.Now, v.Seed, v.Log)
		if profile := p.host.profile; profile != nil {
			defer i.profile(profile)()
		}
		out, err := i.exchange(doc)
		used := i.end()
		p.fuel.Add(used)
		if v.Fuel != nil {
			*v.Fuel = used
		}
		if err != nil {
			return err
		}
		if r, err = decodeResult(out); err != nil {
			return failf(FaultContract, "%v", err)
		}
		return nil
	})
	return r, err
}

// input writes the document for the guest. It is good until w is released.
func (p *Plugin) input(w *writer, method string, v node.Visit) ([]byte, error) {
	for i, r := range v.Replies {
		if n := uint64(len(r.Body)); n > p.limits.Reply {
			return nil, over(FaultReply, fmt.Sprintf("the body of reply %d", i+1), n, p.limits.Reply)
		}
	}
	doc := w.document(p.guest, method, v)
	if n := uint64(len(doc)); n > p.limits.Input {
		return nil, over(FaultInput, "its input", n, p.limits.Input)
	}
	return doc, nil
}

// action checks a guest's answer against the manifest and the replay.
func (p *Plugin) action(t *node.Type, v node.Visit, r *result) (node.Action, error) {
	if r.replayed != nil {
		if diff := difference(v.Asked, r.replayed); diff != "" {
			return nil, failf(FaultNondeterministic, "does not repeat itself: %s", diff)
		}
	}
	if len(r.calls) > 0 {
		if n := uint64(len(v.Replies) + len(r.calls)); n > p.limits.Calls {
			return nil, failf(FaultCalls, "asks for %d calls in one visit, %d over its limit of %d", n, n-p.limits.Calls, p.limits.Calls)
		}
		return node.Ask{Calls: r.calls}, nil
	}
	if !t.Outcomes.Has(r.outcome) {
		return nil, failf(FaultContract, "left by the outcome %q, its manifest has %q", r.outcome, t.Outcomes.Names())
	}
	if r.outputs == nil {
		r.outputs = map[string]any{}
	}
	if problems := t.Outputs.Validate(r.outputs); len(problems) > 0 {
		return nil, failf(FaultContract, "its outputs do not fit its manifest: %s", node.FormatProblems(problems))
	}
	// error.code of a run is what plugins call errorCode.
	code, _ := r.outputs["errorCode"].(string)
	return node.Finish{Outcome: r.outcome, Outputs: r.outputs, Message: r.message, Code: code}, nil
}

// borrow runs f with an instance of its own. One that failed, or that cannot be
// restored, is not used again.
func (p *Plugin) borrow(ctx context.Context, from source, f func(*instance) error) error {
	if err := p.enter(ctx); err != nil {
		return err
	}
	defer func() { <-p.slots }()
	i, err := from()
	if err != nil {
		return err
	}
	err = f(i)
	if err != nil || !i.restorable() {
		p.drop(i, err)
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, i)
	return nil
}

func (p *Plugin) drop(i *instance, err error) {
	p.mu.Lock()
	p.dropped++
	if err == nil && i.image != nil {
		p.grown++
		p.pages = max(p.pages, uint64(i.memory.Size())/wasm.PageSize)
	}
	p.mu.Unlock()
	i.close()
}

// ready is the source of instances in the state of the image.
func (p *Plugin) ready() (*instance, error) {
	p.mu.Lock()
	var i *instance
	if n := len(p.idle); n > 0 {
		i, p.idle = p.idle[n-1], p.idle[:n-1]
	}
	p.mu.Unlock()
	if i == nil {
		return p.guest.instantiate(p.image)
	}
	i.restore()
	return i, nil
}

// guestOnly is the source of instances that initialised themselves.
func (p *Plugin) guestOnly() (*instance, error) { return p.guest.instantiate(nil) }

// enter waits until one more invoke may run.
func (p *Plugin) enter(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
	case <-p.closing:
		return failf(FaultClosed, "the plugin is closed")
	case <-ctx.Done():
		return failf(FaultBusy, "gave up waiting for one of its %d instances: %v", cap(p.slots), context.Cause(ctx))
	}
	select {
	case <-p.closing:
		<-p.slots
		return failf(FaultClosed, "the plugin is closed")
	default:
		return nil
	}
}
