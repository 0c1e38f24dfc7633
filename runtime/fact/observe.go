package fact

import (
	"fmt"
	"sync/atomic"
)

// Observer is told each fact, by the goroutine that it happened in: of one run
// in order, of several side by side. It must be quick and must not wait for
// anything, for a run waits for it; what takes long it hands to a goroutine of
// its own. It must not call the engine. One that panics is told no more.
type Observer func(Fact)

// Observers are all who watch. The zero of it, nil, is nobody. It is safe for
// concurrent use.
type Observers struct{ list []*watching }

type watching struct {
	tell   Observer
	failed atomic.Bool
}

// Observe makes observers that are told facts in this order.
func Observe(list ...Observer) *Observers {
	o := &Observers{}
	for _, tell := range list {
		o.list = append(o.list, &watching{tell: tell})
	}
	return o
}

// Watched tells whether there is anybody to tell.
func (o *Observers) Watched() bool { return o != nil && len(o.list) > 0 }

// Tell tells everybody. A fact that nobody hears costs nothing: it stays where
// the caller made it.
func Tell[F Fact](o *Observers, f F) {
	if o.Watched() {
		o.Tell(f)
	}
}

// Tell is the same for facts that were kept for a while.
func (o *Observers) Tell(f Fact) {
	if o == nil {
		return
	}
	for _, w := range o.list {
		if w.failed.Load() {
			continue
		}
		if p := w.hear(f); p != "" && w.failed.CompareAndSwap(false, true) {
			o.Tell(ObserverFailed{At{f.When()}, p})
		}
	}
}

// hear returns what the observer panicked with. Whatever that broke, a mutex that
// stays locked for one, must not be touched again.
func (w *watching) hear(f Fact) (panicked string) {
	defer func() {
		if p := recover(); p != nil {
			panicked = fmt.Sprintf("%T: %v", f, p)
		}
	}()
	w.tell(f)
	return ""
}
