package fact

import (
	"log/slog"
	"time"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

// Fact is something that happened. Each kind has its own type. A fact, and what
// it points to, must not be changed.
//
//sumtype:decl
type Fact interface {
	When() time.Time
	fact()
}

func (RunStarted) fact()      {}
func (RunTakenUp) fact()      {}
func (RunWaits) fact()        {}
func (RunWoken) fact()        {}
func (RunParked) fact()       {}
func (RunPaused) fact()       {}
func (RunResumed) fact()      {}
func (RunResponded) fact()    {}
func (RunEnded) fact()        {}
func (RunDropped) fact()      {}
func (NodeEntered) fact()     {}
func (NodeLeft) fact()        {}
func (NodeLogged) fact()      {}
func (Invoked) fact()         {}
func (Fault) fact()           {}
func (RetryScheduled) fact()  {}
func (CallMade) fact()        {}
func (ChildrenStarted) fact() {}
func (ChildEnded) fact()      {}
func (RunsFound) fact()       {}
func (StartRefused) fact()    {}
func (HookRefused) fact()     {}
func (HookAsked) fact()       {}
func (LeaseGained) fact()     {}
func (LeaseLost) fact()       {}
func (Committed) fact()       {}
func (JournalFailed) fact()   {}
func (JournalHealed) fact()   {}
func (ClockJumped) fact()     {}
func (ObserverFailed) fact()  {}
func (TicksLeftOut) fact()    {}

// Run is the run that a fact is about. All facts that one engine tells of a run,
// from its start or from where it took the run up, point to the same Run.
type Run struct {
	ID          string
	Flow        string
	Trigger     string      // node id
	RetryOf     string      // the run that this one takes up again, or ""
	Parent      *run.Parent // the node of another run that had this one made; nil: none had
	TraceParent string      // W3C trace context of who started it, or ""
	StartedAt   time.Time
	Key         string // what people know it by, or ""
	Labels      map[string]string
}

// At is when a fact happened.
type At struct{ At time.Time }

// When returns the time of the fact.
func (a At) When() time.Time { return a.At }

// Of is the run that something happened to, and when.
type Of struct {
	At
	Run *Run
}

func (o Of) visit() Visit { return Visit{Of: o} }

// Visit is the attempt at a node that something happened in.
type Visit struct {
	Of
	run.Place
	Type       string // of the node, as flows write it
	Connection string // of the node, or ""
}

func (v Visit) visit() Visit { return v }

// RunStarted says that a run is on record.
type RunStarted struct {
	Of
	From     string   // the node that it begins at, if it takes up another run
	Unmarked []string // what of its key and labels could not be made, and why
}

// RunTakenUp says that the engine drives a run from where its events end: one
// that was parked, or that another process left behind.
type RunTakenUp struct {
	Of
	Events int // that it has so far
}

// RunWaits says that a run waits.
type RunWaits struct {
	Visit
	Event string    // the name of the one that is awaited, or "" if it is a time
	Due   time.Time // when it goes on by itself; zero: never
}

// RunWoken says that what a run waited for is there.
type RunWoken struct {
	Visit
	Event  string        // the name of the one that came, or "" if it was the time
	Waited time.Duration // since RunWaits
	Late   time.Duration // since the time at which it was due; 0 if an event came
}

// RunParked says that a run that waits is only in the journal from now on.
type RunParked struct {
	Of
	Due time.Time // when it goes on by itself; zero: never
}

// RunPaused says that a run does nothing until it is resumed.
type RunPaused struct {
	Visit
	Cause   run.PauseCause
	Outcome string // by which the node would leave, or ""
	Code    string
	Message string
}

// RunResumed says that a paused run goes on.
type RunResumed struct {
	Visit                // that it was paused at
	GiveUp bool          // the node leaves by its outcome, and is not tried again
	Paused time.Duration // since RunPaused
}

// RunResponded says that a run has answered its caller.
type RunResponded struct {
	Of
	Status int
	Took   time.Duration // since the run's start
}

// RunEnded is the last fact of a run.
type RunEnded struct {
	Of
	Status  run.Status // Completed, Failed or Cancelled
	Node    string     // that the run was at
	Outcome string     // see run.End
	Code    string
	Reason  string
	Error   *run.Failure // the last one; nil: there was none, or the run was cancelled while nobody drove it
	// Response is the status that the run answered with, 0 if it did not.
	Response int
	Took     time.Duration // since the run's start, waits included
}

// Why tells why an engine drops a run.
type Why string

// Why a run is dropped.
const (
	Stopping Why = "stopping" // the engine is
	Moved    Why = "moved"    // it was left to another engine in good order
	Lost     Why = "lost"     // another engine drives it
	Broken   Why = "broken"   // it cannot go on here before the next start
)

// RunDropped says that the engine drives a run no more, though it has neither
// ended nor parked.
type RunDropped struct {
	Of
	Why  Why
	Kept bool  // in a journal on disk, so that it may go on elsewhere or later
	Err  error // what was in the way
}

// NodeEntered says that an attempt at a node begins.
type NodeEntered struct{ Visit }

// NodeLeft says that an attempt at a node has ended.
type NodeLeft struct {
	Visit
	Outcome string
	Failed  bool // the outcome is not the success outcome
	Code    string
	Message string
	Calls   int           // that it made
	Took    time.Duration // since NodeEntered, waits included
}

// NodeLogged is a line that a node wrote for the log.
type NodeLogged struct {
	Visit
	Level  slog.Level
	Line   string
	Fields map[string]any // values noted with it, as flows see them; not to be changed
}

// Invoked says that a plugin was asked what the node does next. An attempt asks
// once, and once more whenever calls have their replies.
type Invoked struct {
	Visit
	Took time.Duration
	Fuel uint64
	Code string // of the fault that it ended by, or ""
}

// Fault says that an attempt failed on the host's side: a plugin that trapped, a
// template that has no value, inputs that do not fit. NodeLeft follows.
type Fault struct {
	Visit
	Outcome string
	Code    string
	Message string
	Handled bool // the flow goes on, by a route or another attempt
}

// RetryScheduled says that an attempt will be followed by another.
type RetryScheduled struct {
	Visit
	Outcome string // by which the attempt ended
	Due     time.Time
	Delay   time.Duration
}

// CallMade says that a call has ended, one way or the other.
type CallMade struct {
	Visit
	Call    int // from 0, within the attempt
	Method  string
	Scheme  string // "" if it is not known
	Host    string // "" if it is not known
	Path    string
	Status  int          // 0 if there was no reply
	Failure wire.Failure // "" if there was
	Message string       // of the failure
	// Took is how long the call took, and 0 for one that was interrupted in an
	// earlier process. Its start is When less that.
	Took     time.Duration
	Sent     int    // bytes of the body
	Received int    // bytes of the reply's body
	Key      string // its idempotency key
	// Idempotent calls are sent again when their reply was lost.
	Idempotent bool
}

// ChildrenStarted says that a node has child runs made.
type ChildrenStarted struct {
	Visit
	Count int
	Most  int       // at a time
	Due   time.Time // when those that have not ended are cancelled; zero: never
}

// ChildEnded says that a node has heard how one of its child runs ended.
type ChildEnded struct {
	Visit
	Index   int
	Child   string     // its id; "" if it never began
	Status  run.Status // "" if it never began
	Outcome string
	Code    string
	Reason  string
}

// RunsFound says that the engine takes up runs that were left unfinished.
type RunsFound struct {
	At
	Runs int
}

// StartRefused says that the engine was asked for a run and made none.
type StartRefused struct {
	At
	Flow  string
	Later bool // nothing is wrong: the engine is stopping, or has no part of the journal yet
	Err   error
}

// HookRefused says that a request to a webhook was refused, and made no run.
type HookRefused struct {
	At
	Path   string // that was called
	Caller string // its address, as far as the network tells
	Flow   string // that has the webhook; "" if none has this path
	Node   string
	Status int    // that the caller got
	Reason string // the true one, which may not be what the caller was told
}

// HookAsked says that a sender asked whether a webhook is meant for it, and
// had its answer. It made no run.
type HookAsked struct {
	At
	Path   string // that was called
	Caller string // its address, as far as the network tells
	Flow   string
	Node   string
	Type   string // of the handshake
}

// LeftOut tells why ticks have no run.
type LeftOut string

// Why ticks have none.
const (
	Missed     LeftOut = "missed"   // nobody was there in time
	Overlapped LeftOut = "overlap"  // the run before goes on
	TooMany    LeftOut = "too many" // wait already
)

// TicksLeftOut says that a schedule starts no run at some of its ticks. Each server
// that shares the journal may tell of the same ones.
type TicksLeftOut struct {
	At
	Flow  string
	Node  string // the trigger
	Why   LeftOut
	Count int // no more than a thousand are counted
	First time.Time
	Last  time.Time
}

// LeaseGained says that runs of these shards are the engine's to drive now.
type LeaseGained struct {
	At
	Shards journal.Shards
	Held   journal.Shards // with them
}

// LeaseLost says that runs of these shards are the engine's no more.
type LeaseLost struct {
	At
	Shards journal.Shards
	Held   journal.Shards // without them
	Given  bool           // in good order: they are another engine's part, or this one stops
}

// Committed says that the journal tried to put on disk what several wanted
// written, all together.
type Committed struct {
	At
	Writes int
	Waited time.Duration // the longest of them, before that
	Took   time.Duration
	Err    error // nil: it is on disk
}

// JournalFailed says that the journal refused something, which is tried again
// unless Run is dropped for it.
type JournalFailed struct {
	At
	Run   *Run   // nil if it concerns no single one
	Doing string // such as "append"
	Err   error
}

func (f JournalFailed) visit() Visit { return Visit{Of: Of{f.At, f.Run}} }

// JournalHealed says that the run goes on for which the journal failed.
type JournalHealed struct{ Of }

// ClockJumped says that somebody set the clock of the machine. Runs go on by the
// time that passes.
type ClockJumped struct {
	At
	clock.Jump
}

// ObserverFailed says that an observer panicked. It is told no more.
type ObserverFailed struct {
	At
	Panic string
}
