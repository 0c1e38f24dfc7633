package journal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/wendflow/wend/runtime/run"
)

// Journal is an append-only list of events for each run.
type Journal interface {
	// Append adds events to a run that has `after` events so far; 0 begins
	// the run, and the first event must then be its RunStarted. When it
	// returns nil the events are as safe as the driver promises. It returns
	// ErrConflict, and adds nothing, if the run has another number of events:
	// somebody else drives it. After the error of a ctx that ended nothing
	// was added either. After any other error it is not known whether the
	// events were added; who wants to go on reads Events first.
	Append(ctx context.Context, id string, after int, events []run.Event) error
	// Events returns all events of a run, or ErrNotFound. The slice must not
	// be changed.
	Events(ctx context.Context, id string) ([]run.Event, error)
}

// Driver keeps runs and all that belongs to them. Its methods are safe for
// concurrent use.
type Driver interface {
	Journal
	// Begin is the first Append of a run together with its dedupe key, as one
	// deed. It returns the id of the run that holds the key: id itself if the
	// run was begun, or that of an earlier run, and then nothing was added. The
	// error is a *MismatchError if that one was begun by another request. A run
	// that failed gives its key up, see Summary.GivesUpKey, and so does one that
	// is not in the journal any more. Of many that arrive at the same instant
	// exactly one begins. A driver that bounds its keys returns ErrKeys.
	Begin(ctx context.Context, id string, d Dedupe, events []run.Event) (holder string, err error)

	Mailbox
	Values
	Owners
	Ticks
	History
	Versions
	Blobs

	// Trim removes ended runs, oldest first, until what r asks for is met, and
	// those that they had made with them: the children of a run are not removed
	// before it is. It also removes versions of flows, and dedupe keys, outside
	// events and values whose time is over. It works in small
	// steps, so that appends go on meanwhile. It returns how many runs it
	// removed.
	Trim(ctx context.Context, r Retention) (int, error)
	// Close waits for appends under way and lets go of everything. Later
	// calls return ErrClosed.
	Close() error
}

// Mailbox keeps outside events until a run receives them, whichever comes
// first. A run that awaits an event is found if it is looked for after its
// EventAwaited was appended; so who appends EventAwaited tries Take
// afterwards, who offers an event calls Awaiting afterwards, and no event
// passes a run unseen.
type Mailbox interface {
	// Offer puts an event into the mailbox. An event whose ID is there
	// already, taken or not, is a duplicate: it changes nothing and fresh is
	// false.
	Offer(ctx context.Context, e Event) (fresh bool, err error)
	// Take marks the oldest unexpired event of that name and key as taken and
	// returns it; ok is false if there is none. The taker names one visit of
	// one run: it gets the same event again until its time is over, so a crash
	// between Take and Append loses nothing.
	Take(ctx context.Context, name, key, taker string) (e Event, ok bool, err error)
	// Return puts back what taker took and did not receive because the run
	// went another way, a timeout for one. It is harmless if there is nothing
	// to put back.
	Return(ctx context.Context, id, taker string) error
	// Letter returns an event of the mailbox by its ID, taken or not, or
	// ErrNotFound.
	Letter(ctx context.Context, id string) (Letter, error)
	// Letters returns the events that f asks for and that nobody took, in the
	// order in which they came. It returns ErrCursor if f.Cursor is not a Next
	// of this driver.
	Letters(ctx context.Context, f LetterFilter) (LetterPage, error)
	// Kept counts the events that nobody took. Some whose time is over may be
	// among them.
	Kept(ctx context.Context) (int, error)
	// Awaiting returns the ids of the runs that wait for an event of that name
	// and key, those that have waited longest first.
	Awaiting(ctx context.Context, name, key string) ([]string, error)
}

// Owners shares runs among the processes that drive them. Whatever process asks,
// and however many do at the same instant, a shard has one owner at a time: it
// is another's only after it was released, or ttl after its last Lease began.
// Nobody is told of a shard that was lost but by the next Lease; who must know
// measures the time by its own clock, from before it called.
type Owners interface {
	// Lease renews the shards that owner holds and takes free ones until it
	// holds want, and says that owner is there and wants its part of all
	// shards, until ttl from now. An owner that wants 0 keeps what it holds and
	// counts no more: it is about to leave. One that holds more than it wants
	// keeps that too, and is to Release the rest when it can. Call it again
	// well within ttl: a shard that is missing then was lost, and its runs are
	// another's; one that is new brings the runs of Unfinished.
	Lease(ctx context.Context, owner string, want int, ttl time.Duration) (Share, error)
	// Release gives up shards, so that others may have them at once. Those that
	// owner does not hold are left alone.
	Release(ctx context.Context, owner string, s Shards) error
	// Tell gives a note to the owner of the shard that n.Run belongs to. It
	// does not wait until the note is heard. A note that comes while nobody
	// holds the shard, or while it changes hands, may be lost: who takes a
	// shard looks at all its runs, which is what notes are there to spare, and
	// who needs an answer looks for it in the journal and tells again.
	Tell(ctx context.Context, n Note) error
	// Hear has hear called with the notes for owner, until ctx ends. hear must
	// not block. An owner hears once, and before it leases.
	Hear(ctx context.Context, owner string, hear func(Note)) error
	// Unfinished yields the runs of the shards that have not ended, oldest
	// first. It does not hold up appends; a run that ends meanwhile may be
	// among them.
	Unfinished(ctx context.Context, s Shards) iter.Seq2[Summary, error]
	// Due returns at most limit waiting runs of the shards whose time comes
	// before the given one, the earliest first.
	Due(ctx context.Context, s Shards, before time.Time, limit int) ([]Timer, error)
}

// Ticks keeps how far schedules have come, for ticks that come while nobody is
// there, and so that of several who start runs at a tick one moves on.
type Ticks interface {
	// Ticked returns how far a schedule has come. It is the zero Tick if that is
	// not known.
	Ticked(ctx context.Context, schedule string) (Tick, error)
	// Tick says that a schedule has come from one place to another. It is not so,
	// and moved is false, if somebody else has moved it meanwhile. The zero Tick
	// is that of a schedule that is not known; what comes to it is forgotten.
	Tick(ctx context.Context, schedule string, from, to Tick) (moved bool, err error)
}

// History tells about runs without reading their events.
type History interface {
	// Find returns what is known of a run, or ErrNotFound.
	Find(ctx context.Context, id string) (Summary, error)
	// Match returns the ids that begin or end with a text, at most limit of them
	// and in no order. It may look at all ids.
	Match(ctx context.Context, text string, limit int) ([]string, error)
	// Runs returns the runs that f asks for, the newest start first. It
	// returns ErrCursor if f.Cursor is not a Next of this driver.
	Runs(ctx context.Context, f Filter) (Page, error)
	// Count counts the runs of a flow that have a status, up to most of them.
	Count(ctx context.Context, flow string, status run.Status, most int) (int, error)
}

// Versions keeps which versions of flows there were, and how it stands with each
// flow. Their sources are Blobs.
type Versions interface {
	// Deploy notes that a version is what the file of its flow holds from now on,
	// see Standing.Deploy, and returns it as it is kept. One with the same digest
	// and plugins as an earlier one is that one, with its number.
	Deploy(ctx context.Context, v Version) (Version, error)
	// Versions returns the versions of a flow that are kept, the one that was
	// deployed last first.
	Versions(ctx context.Context, flow string) ([]Version, error)
	// Standings returns how it stands with each flow of which there is a version,
	// by name.
	Standings(ctx context.Context) ([]Standing, error)
	// Stand has change say how it stands with a flow from now on, as one deed. It may be
	// called more than once. It returns ErrNotFound if no version of the flow was
	// ever deployed.
	Stand(ctx context.Context, flow string, change func(*Standing)) error
}

// Blobs keeps sources of flows and modules of plugins by their digests. A
// blob stays as long as a run or a version needs it, and as long as the driver is
// open through which it was put.
type Blobs interface {
	// PutBlob keeps data under its digest. Putting it again is harmless.
	PutBlob(ctx context.Context, digest string, data []byte) error
	// Blob returns what was put under the digest, or ErrNotFound.
	Blob(ctx context.Context, digest string) ([]byte, error)
}

// Dedupe is a key that only one run may hold at a time.
type Dedupe struct {
	Scope string // whose keys these are: a flow's trigger
	Key   string
	For   time.Duration // since the start of the run; 0: the run has no key
	// Print tells requests with one key apart: one with another Print than that
	// of the holder is a mistake. Empty fits any.
	Print string
	// Keep leaves the key with a run that failed.
	Keep bool
	// Of, if set, is a run that the new one is a retry of: its keys, and what is
	// left of their time, pass to the new one if it has them still, see
	// Summary.PassesKey.
	Of string
}

// MismatchError says that a dedupe key is held by the run of another request.
type MismatchError struct{ Holder string }

func (e *MismatchError) Error() string {
	return fmt.Sprintf("run %s has this dedupe key, and was begun by a request with another body", e.Holder)
}

// Event is something that happened outside and that a run may wait for.
type Event struct {
	ID      string
	Name    string
	Key     string
	Data    json.RawMessage
	Expires time.Time // must be set; a duplicate is known until then
}

// Letter is an event in the mailbox.
type Letter struct {
	Event
	Taker string // who took it; empty: nobody
}

// LetterFilter chooses events of the mailbox. Zero fields choose all.
type LetterFilter struct {
	Name   string
	Key    string
	Cursor string // Next of the page before
	Limit  int    // events on a page. Defaults to DefaultLimit
}

// LetterPage is a part of the mailbox.
type LetterPage struct {
	Letters []Letter
	Next    string // the Cursor of the next page; empty: this is the last
}

// Share is what an owner has of all shards.
type Share struct {
	Shards Shards
	// Owners are all who are there and want shards, in ascending order. They
	// see the same list, sooner or later, so each can tell what its part is.
	Owners []string
}

// Note is what somebody wants of the owner of a run: that it looks whether the
// run can go on, ends it, or resumes it.
type Note struct {
	Run    string
	Cancel bool
	Reason string // of the cancellation
	Resume bool
	GiveUp bool // with Resume: see run.RunResumed
	After  int  // with Resume: how many events the run had. With more it is resumed already
}

// Tick is how far a schedule has come. Times are exact to the nanosecond, and
// have no time zone.
type Tick struct {
	Plan string    // by which it ticks; of another one nothing here is true
	At   time.Time // what came until then is done, by a run or without
	Seen time.Time // what came until then was seen in time; what is not done of it waits
	Run  string    // the last that was started
}

// Same tells whether two are the same.
func (t Tick) Same(other Tick) bool {
	return t.Plan == other.Plan && t.Run == other.Run && t.At.Equal(other.At) && t.Seen.Equal(other.Seen)
}

// Timer is a run that waits for a time.
type Timer struct {
	Run string
	Due time.Time
}

// Filter chooses runs. Zero fields choose all.
type Filter struct {
	Flow    string
	Status  run.Status
	Outcome string
	// Response is the status that runs answered with, such as 502, or its first
	// digit, 5, for all that begin with it.
	Response int
	Key      string
	Labels   map[string]string // runs that have all of these
	Parent   string            // runs that this one had made
	From     time.Time         // started then or later
	To       time.Time         // started before
	Cursor   string            // Next of the page before
	Limit    int               // runs on a page. Defaults to 50
}

// Labelled tells whether a run of those labels has the ones that f asks for.
func (f *Filter) Labelled(labels map[string]string) bool {
	for name, value := range f.Labels {
		if has, ok := labels[name]; !ok || has != value {
			return false
		}
	}
	return true
}

// Answered tells whether a response of that status, or 0 for none, is among
// those that f asks for.
func (f *Filter) Answered(status int) bool {
	return f.Response == 0 || f.Response == status || f.Response < 10 && f.Response == status/100
}

// DefaultLimit is how many runs or events a page has if the filter does not say.
const DefaultLimit = 50

// Page is a part of a list of runs.
type Page struct {
	Runs []Summary
	Next string // the Cursor of the next page; empty: this is the last
}

// Retention says which ended runs and which versions of flows may be removed. A
// zero field removes none.
type Retention struct {
	Age   time.Duration // ended longer ago than this
	Bytes int64         // the oldest, while the store is larger than this
	// Versions is how many versions of each flow stay, the ones that were deployed
	// last; beside them those that runs need or that are served.
	Versions int
}

// What callers branch on.
var (
	ErrConflict = errors.New("the run has other events than expected")
	ErrNotFound = errors.New("not in the journal")
	ErrCursor   = errors.New("not a cursor of this list")
	ErrKeys     = errors.New("there are as many dedupe keys as may be")
	ErrClosed   = errors.New("the journal is closed")
)
