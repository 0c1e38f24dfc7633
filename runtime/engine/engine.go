// Package engine does what runs decide: it lets nodes take their steps, makes
// their calls, waits, answers callers, and puts every fact into the journal
// before the outside can rely on it. It makes no decision about routes or
// retries; that is package run.
//
// A run is driven by one goroutine from its start to its end. A run that will
// wait for long while nobody waits for it is parked: the goroutine ends, and
// the run is taken up again from the journal when its time or its event comes.
// The same way runs are taken up that an earlier process left behind.
package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/outbound"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/tracecontext"
	"github.com/wendflow/wend/sdk/wire"
)

// Caller makes calls. A fault of the transport is a reply too. The real one is
// *outbound.Client; flow tests have one that answers from a file.
type Caller interface {
	Do(ctx context.Context, r outbound.Request) wire.Reply
	Settings(connection string) map[string]any
}

// Config is what an engine needs.
type Config struct {
	// Journal keeps the runs of durable flows, and outside events. Defaults
	// to Memory.
	Journal journal.Driver
	// Memory keeps the runs of flows with `durable: false`. Defaults to one
	// that remembers the last 1,000 ended runs.
	Memory journal.Driver
	Caller Caller
	// Flow finds the definition that a run began with. Needed to take up runs
	// again; without it they stay where they are.
	Flow func(ctx context.Context, s journal.Summary) (*flow.Flow, error)
	// Callee finds the flow that a node calls, as it is now, or nil. Needed to make
	// child runs.
	Callee func(name string) *flow.Flow
	// Depth is how deep runs may call each other: a run that no other made is at 0.
	// Defaults to DefaultDepth.
	Depth int
	// Paused tells whether new runs of a flow wait before their first node, and
	// why; nil: they do not. Defaults to none.
	Paused func(flow string) *journal.Pause
	// Audience finds those whom an event of that name and key concerns. Defaults
	// to nobody but runs that wait.
	Audience func(name, key string) Audience
	// MaxKept is how many outside events are kept for runs that do not wait for
	// them yet. Defaults to DefaultKept.
	MaxKept int
	// Recoveries is how many runs that were left unfinished go on at one time
	// after a start. Defaults to 64.
	Recoveries int
	// Clock is the one that runs go by. Defaults to clock.System.
	Clock clock.Clock
	// Bounds are of what one run may take. Their zero fields default to
	// DefaultBounds.
	Bounds run.Bounds
	// Store bounds what flows keep between their runs. Its zero fields default to
	// DefaultStore.
	Store journal.ValueBounds
	// Version is that of this program. The journal says which one wrote what,
	// for those that find there what they do not know. Defaults to nothing said.
	Version string
	// NewID makes the id of a run. Defaults to UUIDv7.
	NewID func() string
	// NewSeed makes what the randomness of a run comes from. Defaults to a random
	// UUID.
	NewSeed func() string
	// Trace, if set, is the trace of a run that was started with that traceparent:
	// its calls and children carry on the span that they are of. Without it they
	// carry on what the run was started with.
	Trace func(run, traceParent string) tracecontext.Trace
	// Past is set to make runs again that were made before. Defaults to none.
	Past Past
	// Observers are told what happens. Defaults to nobody.
	Observers *fact.Observers
}

// Engine drives runs. It is safe for concurrent use. Runs that wait for a time
// or an event, and those of an earlier process, go on only while Run is
// running. Close it with Shutdown.
type Engine struct {
	cfg     Config
	drivers []journal.Driver // Memory, and Journal if it is another
	owner   string

	ctx  context.Context //nolint:containedctx // the life of all runs: ends when they must stop
	stop context.CancelCauseFunc

	taking atomic.Bool // runs that wait in the journal are taken up

	turns chan struct{} // one for each run that encodes large values

	slots    chan struct{} // one for each run that was left unfinished and goes on
	slotFree *clock.Wake
	gained   *clock.Wake // there are fresh shards
	timers   *clock.Wake // poll has to look at them

	leasing sync.Mutex    // one asks at a time
	wanted  int           // shards; belongs to who is leasing
	leaving atomic.Uint64 // a copy of own.leaving, for those who look often
	vacant  *clock.Wake   // a run has left one of them
	told    *clock.Wake   // there are notes
	flows   *clock.Wake   // some were resumed

	kept keptEvents

	mu       sync.Mutex
	runs     map[string]*Run // those that a goroutine drives
	own      ownership
	notes    []journal.Note // of other engines
	resumed  []string       // flows whose paused runs are to be taken up
	nextLook time.Time      // when poll will
	closing  bool
	idle     chan struct{}   // closed when the last run is gone after closing
	stored   map[string]bool // digests of flows in the journal
	broken   map[string]bool // runs that could not be taken up
}

// ErrStopped is returned to those who want a run started after Shutdown, and
// is the cause of runs that Shutdown interrupted.
var ErrStopped = errors.New("the engine is stopping")

// New returns an engine that is ready to start runs.
func New(cfg Config) *Engine {
	if cfg.Clock == nil {
		cfg.Clock = clock.System
	}
	if cfg.Memory == nil {
		memory := journal.NewMemory(1000)
		memory.Now = cfg.Clock.Now
		cfg.Memory = memory
	}
	if cfg.Journal == nil {
		cfg.Journal = cfg.Memory
	}
	cfg.Bounds = run.Bounds{
		Value:   cmp.Or(cfg.Bounds.Value, DefaultBounds.Value),
		Run:     cmp.Or(cfg.Bounds.Run, DefaultBounds.Run),
		Journal: cmp.Or(cfg.Bounds.Journal, DefaultBounds.Journal),
		Visits:  cfg.Bounds.Visits,
	}
	cfg.Depth = cmp.Or(cfg.Depth, DefaultDepth)
	cfg.Store = storeBounds(cfg.Store)
	cfg.Recoveries = cmp.Or(cfg.Recoveries, 64)
	if cfg.NewID == nil {
		cfg.NewID = func() string { return uuid.Must(uuid.NewV7()).String() }
	}
	if cfg.NewSeed == nil {
		cfg.NewSeed = uuid.NewString
	}
	e := &Engine{
		cfg: cfg, owner: uuid.NewString(), drivers: []journal.Driver{cfg.Memory},
		runs: map[string]*Run{}, idle: make(chan struct{}), stored: map[string]bool{}, broken: map[string]bool{},
		turns: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)),
		slots: make(chan struct{}, cfg.Recoveries), slotFree: clock.NewWake(),
		gained: clock.NewWake(), timers: clock.NewWake(), vacant: clock.NewWake(), told: clock.NewWake(), flows: clock.NewWake(),
		wanted: 1,
	}
	if cfg.Journal != cfg.Memory {
		e.drivers = append(e.drivers, cfg.Journal)
	}
	e.KeepAtMost(cfg.MaxKept)
	e.ctx, e.stop = context.WithCancelCause(context.Background())
	return e
}

// DefaultBounds are what Config.Bounds is if it is not set.
var DefaultBounds = run.Bounds{Value: 4 << 20, Run: 64 << 20, Journal: 32 << 20}

// Start is how a run begins.
type Start struct {
	Flow    *flow.Flow
	Trigger string         // node id; empty takes the flow's first trigger
	Output  map[string]any // what the trigger gives: a webhook's body and request
	// Variables replace the flow's values for this run.
	Variables map[string]any
	// TraceParent is the W3C trace context that calls carry on, wherever and
	// whenever the run makes them.
	TraceParent string
	// Accepted promises the run to the caller: Start returns only when it is
	// in the journal.
	Accepted bool
	// Dedupe is a key that only one run may have; a zero For means none. Those
	// of runs in Memory are bounded, see Keys.
	Dedupe journal.Dedupe
	// Left is called when the run is in progress here no more: it has ended, waits
	// in the journal, or was not begun. It must not block. Defaults to nothing.
	Left func()

	unpaused bool // the run goes on though its flow is paused
}

// Start begins a run and returns at once; the run goes on by itself, whatever
// becomes of ctx. If another run holds the dedupe key, that one is returned,
// repeated is true, and nothing was begun; the error is a *MismatchError of
// package journal if that one was begun by another request. Unless s.Accepted, the caller is
// taken to wait for the run until it calls Leave.
func (e *Engine) Start(ctx context.Context, s Start) (r *Run, repeated bool, err error) {
	s.Trigger = cmp.Or(s.Trigger, s.Flow.Triggers[0].ID)
	r, repeated, err = e.start(ctx, s, run.RunStarted{
		Output: s.Output, Variables: mergeVariables(s), TraceParent: s.TraceParent,
	})
	if _, mismatch := errors.AsType[*journal.MismatchError](err); mismatch {
		return nil, false, err
	}
	if err != nil {
		e.refused(s.Flow.Name, err)
		return nil, false, fmt.Errorf("start run of flow %q: %w", s.Flow.Name, err)
	}
	return r, repeated, nil
}

// start completes the first event and gives the run its goroutine.
func (e *Engine) start(ctx context.Context, s Start, first run.RunStarted) (r *Run, repeated bool, err error) {
	j := e.journalOf(s.Flow)
	if err := e.keepFlow(ctx, j, s.Flow); err != nil {
		return nil, false, err
	}
	// The run is known before it can be on disk, so that a stop in between
	// waits for it.
	if r, err = e.newHere(ctx, j, s); err != nil {
		return nil, false, err
	}
	first.At, first.Run, first.Trigger = run.At{At: e.now(), Wend: e.cfg.Version}, r.ID, s.Trigger
	first.Flow, first.FlowDigest, first.Plugins = s.Flow.Name, s.Flow.Digest, s.Flow.Plugins()
	first.Seed = e.cfg.NewSeed()
	if first.Output == nil {
		first.Output = map[string]any{}
	}
	if first.RetryOf == "" { // else it is about the same as the earlier run
		first.Mark(s.Flow)
	}
	r.left = s.Left
	r.mu.Lock()
	r.flow = s.Flow
	r.mu.Unlock()
	r.state = &run.State{Flow: s.Flow, Bounds: e.cfg.Bounds}
	holder, err := r.begin(ctx, first, s)
	if err == nil && holder == r.ID {
		clock.Go(e.cfg.Clock, r.drive)
		return r, false, nil
	}
	e.remove(r)
	r.cancel(nil)
	if err != nil {
		return nil, false, err
	}
	r, err = e.holder(ctx, holder, j)
	return r, true, err
}

// newHere makes a run that is this engine's.
func (e *Engine) newHere(ctx context.Context, j journal.Driver, s Start) (*Run, error) {
	for {
		id, err := e.newID(ctx, j)
		if err != nil {
			return nil, err
		}
		r := e.newRun(id, j)
		if !s.Accepted {
			r.waiters = 1
		}
		err = e.add(r)
		if err == nil {
			return r, nil
		}
		r.cancel(nil)
		if !errors.Is(err, errUnowned) { // else the shard was given up in that moment
			return nil, err
		}
	}
}

// holder returns the run that holds a dedupe key, in progress or not.
func (e *Engine) holder(ctx context.Context, id string, j journal.Driver) (*Run, error) {
	if r := e.Find(id); r != nil {
		return r, nil
	}
	events, err := j.Events(ctx, id)
	if err != nil {
		return nil, err
	}
	r := e.pastRun(id, j, events)
	mine, err := e.mayDrive(ctx, id, j)
	if err == nil && !mine {
		r.stopped = errMoved // its owner drives it, maybe
	}
	return r, err
}

// keepFlow puts a flow's source where a later process finds it.
func (e *Engine) keepFlow(ctx context.Context, j journal.Driver, f *flow.Flow) error {
	if j == e.cfg.Memory {
		return nil
	}
	e.mu.Lock()
	known := e.stored[f.Digest]
	e.mu.Unlock()
	if known {
		return nil
	}
	if err := j.PutBlob(ctx, f.Digest, f.Source); err != nil {
		return fmt.Errorf("keep flow %q: %w", f.Name, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stored[f.Digest] = true
	return nil
}

// Find returns a run that is being driven, or nil.
func (e *Engine) Find(id string) *Run {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.runs[id]
}

// Events returns the events of a run that are in a journal. Those of a run that
// has begun, and of which nothing had to be journaled so far, are none.
func (e *Engine) Events(ctx context.Context, id string) ([]run.Event, error) {
	driven := e.Find(id)
	var events []run.Event
	err := journal.ErrNotFound
	for _, d := range e.drivers {
		if events, err = d.Events(ctx, id); !errors.Is(err, journal.ErrNotFound) {
			break
		}
	}
	if errors.Is(err, journal.ErrNotFound) && driven != nil {
		return nil, nil
	}
	return events, err
}

// Shutdown takes no new runs and waits for those being driven. When ctx ends
// first, the rest is interrupted: a durable run that is in the journal goes on
// after the next start. It returns nil if none was interrupted.
func (e *Engine) Shutdown(ctx context.Context) error {
	e.mu.Lock()
	if !e.closing {
		e.closing = true
		if len(e.runs) == 0 {
			close(e.idle)
		}
	}
	left := len(e.runs)
	owner := !e.own.until.IsZero()
	e.mu.Unlock()
	e.parkWaiting()
	if owner {
		defer e.release(ctx)
		_ = e.lease(ctx) // tells others that this one wants nothing; else they find out later
	}
	select {
	case <-e.idle:
		e.stop(ErrStopped)
		return nil
	case <-ctx.Done():
		e.stop(ErrStopped)
		<-e.idle
		return fmt.Errorf("%d runs were interrupted: %w", left, context.Cause(ctx))
	}
}

func (e *Engine) add(r *Run) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closing && (r.parent() == "" || e.runs[r.parent()] == nil) { // a run that goes on to its end may have children made
		return ErrStopped
	}
	if r.journal != e.cfg.Memory && !e.own.active(e.now()).Has(r.ID) {
		return errUnowned
	}
	if e.runs[r.ID] != nil {
		return errDriven
	}
	e.runs[r.ID] = r
	return nil
}

// errDriven says that a goroutine drives the run already.
var errDriven = errors.New("the run is being driven")

func (e *Engine) remove(r *Run) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.runs[r.ID] != r {
		return
	}
	delete(e.runs, r.ID)
	if r.left != nil {
		r.left()
	}
	if e.own.leaving.Has(r.ID) {
		e.vacant.Set()
	}
	if e.closing && len(e.runs) == 0 {
		close(e.idle)
	}
}

func (e *Engine) stopping() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closing
}

func (e *Engine) now() time.Time { return e.cfg.Clock.Now() }

// journalOf is where the runs of a flow are kept.
func (e *Engine) journalOf(f *flow.Flow) journal.Driver {
	if f.Durable {
		return e.cfg.Journal
	}
	return e.cfg.Memory
}

// mergeVariables journals every variable's value at the start, so that a run
// does not change when its environment does.
func mergeVariables(s Start) map[string]any {
	vars := maps.Clone(s.Flow.Variables)
	maps.Copy(vars, s.Variables)
	return vars
}

// Result is what a caller who waits gets to know.
type Result struct {
	Response *node.Response // nil if the run ended without one
	Status   run.Status
	Outcome  string
	Code     string
	Reason   string
	Outputs  map[string]any // given by the node that ended the run
}
