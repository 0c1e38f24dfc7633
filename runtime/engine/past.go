package engine

import (
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

// Past is what runs did when they were made before, for an engine that makes them
// again to see what is different now. Its methods are called by the goroutines that
// drive the runs, and may wait by the engine's clock.
type Past interface {
	// Event returns what a run is about to record, as it is to be: with the time at
	// which it was before, and of the start of a run with all that is not of the flow.
	Event(id string, e run.Event) run.Event
	// Kept returns what a node got of a value that flows keep, or why it got none;
	// known is false if it did not ask, and the engine's journal is asked then.
	Kept(id string, at run.Place, k node.Keep) (kept node.Kept, known bool, err error)
	// Assumed returns how a node leaves that wants these calls, of which the first
	// has that number, or nil if they are to be made.
	Assumed(id string, at run.Place, calls []wire.Call, first int) *node.Finish
}

// assumed is how the node leaves without its calls, or nil.
func (r *Run) assumed(a node.Ask) *node.Finish {
	past := r.engine.cfg.Past
	if past == nil {
		return nil
	}
	return past.Assumed(r.ID, r.state.At.Place, a.Calls, len(r.state.At.Calls))
}
