package emulator

import (
	"slices"
	"strings"
	"time"
)

// State is where a task is in its life:
//
//	CREATED → QUEUED → ROUTED → CLOSED
//	             ↑        ↓
//	             └ TRANSFERRED → CLOSED
//
// Every state but CLOSED can also go to CLOSED.
type State string

// The states of a task, as Digital Routing names them.
const (
	Created     State = "CREATED"
	Queued      State = "QUEUED"
	Routed      State = "ROUTED"
	Transferred State = "TRANSFERRED"
	Closed      State = "CLOSED"
)

// The disposition codes that the emulator sets itself.
const (
	normalEnd       = "CD_NORMAL_END_TASK"
	customerAbandon = "CD_TASK_CUSTOMER_ABANDON"
	transferTimeout = "CD_TASK_TRANSFER_TIMEOUT"
	lifetimeOver    = "CD_MAX_DIALOG_LIFETIME_EXCEEDED"
	invalidSelector = "CD_FAILED_INVALID_SCRIPT_SELECTOR"
)

const (
	// transferTime is how long a transferred task waits to be created again.
	transferTime = 15 * time.Second
	// keepTime is how long a closed task can still be read.
	keepTime = 15 * time.Minute
)

// task is one contact in the care of Digital Routing.
type task struct {
	id          string
	n           int // order of creation
	details     details
	variables   map[string]string
	state       State
	disposition string
	agent       string
	adopted     bool
	created     time.Time
	entered     time.Time // the present state
	history     []change
	announce    func(*task, time.Time)
}

// change is one entry of a task's history.
type change struct {
	State           State  `json:"state"`
	Time            string `json:"time"`
	DispositionCode string `json:"dispositionCode,omitempty"`
}

// enter puts the task in a state. A disposition goes with Closed only.
func (t *task) enter(s State, disposition string, at time.Time) {
	t.state, t.disposition, t.entered = s, disposition, at
	t.history = append(t.history, change{State: s, Time: stamp(at), DispositionCode: disposition})
	t.announce(t, at)
}

// advance lets the time up to now take its effect.
func (t *task) advance(now time.Time, cfg Settings) {
	for {
		next, disposition, at, ok := t.due(cfg)
		if !ok || now.Before(at) {
			return
		}
		t.enter(next, disposition, at)
	}
}

// due returns what time alone makes of the task, and when.
func (t *task) due(cfg Settings) (next State, disposition string, at time.Time, ok bool) {
	switch t.state {
	case Created:
		at, ok = after(t.entered, cfg.QueueAfterMs)
		if len(cfg.ScriptSelectors) > 0 && !slices.Contains(cfg.ScriptSelectors, t.details.ScriptSelector) {
			return Closed, invalidSelector, at, ok
		}
		return Queued, "", at, ok
	case Queued:
		over := t.entered.Add(queueTime(t.media()))
		if at, ok = after(t.entered, cfg.RouteAfterMs); ok && at.Before(over) {
			return Routed, "", at, true
		}
		return Closed, lifetimeOver, over, true
	case Transferred:
		return Closed, transferTimeout, t.entered.Add(transferTime), true
	case Routed, Closed:
	}
	return "", "", time.Time{}, false
}

// closeCode is the disposition of a close that names none.
func (t *task) closeCode() string {
	if t.waiting() {
		return customerAbandon
	}
	return normalEnd
}

func (t *task) waiting() bool { return t.state == Created || t.state == Queued }

// media returns the media type whose queue the task waits in.
func (t *task) media() string { return queueOf(t.details.MediaType) }

// queueOf returns the queue of a media type, or "" if there is no such type.
// A web callback waits with the other callbacks.
func queueOf(mediaType string) string {
	switch media := strings.ToLower(mediaType); media {
	case "email", "chat", "telephony", "social":
		return media
	case "web callback":
		return "telephony"
	default:
		return ""
	}
}

// queueTime is how long a task of a media type may wait for an agent.
func queueTime(media string) time.Duration {
	if media == "email" || media == "social" {
		return 3 * 24 * time.Hour
	}
	return 2 * time.Hour
}

// expired reports whether the task can no longer be read.
func (t *task) expired(now time.Time) bool {
	return t.state == Closed && now.Sub(t.entered) >= keepTime
}

// tasks are all tasks that can be read.
type tasks struct {
	announce func(*task, time.Time)
	byID     map[string]*task
	open     []*task // by creation
	closed   []*task // by the time they were closed
	made     int
}

func newTasks(announce func(*task, time.Time)) tasks {
	return tasks{announce: announce, byID: map[string]*task{}}
}

// add makes a task and puts it in the place of a closed one of that id.
func (ts *tasks) add(t *task, now time.Time) {
	if old := ts.byID[t.id]; old != nil {
		ts.closed = slices.DeleteFunc(ts.closed, func(c *task) bool { return c == old })
	}
	ts.made++
	t.n, t.created, t.announce = ts.made, now, ts.announce
	ts.byID[t.id] = t
	ts.open = append(ts.open, t)
	t.enter(Created, "", now)
}

// sweep lets the time up to now take its effect on all tasks: due changes are
// made and tasks closed for long are forgotten.
func (ts *tasks) sweep(now time.Time, cfg Settings) {
	for _, t := range ts.open {
		t.advance(now, cfg)
	}
	ts.settle()
	n := 0
	for n < len(ts.closed) && ts.closed[n].expired(now) {
		delete(ts.byID, ts.closed[n].id)
		n++
	}
	ts.closed = slices.Delete(ts.closed, 0, n)
}

// settle moves the tasks that were closed out of the open ones. It costs what is
// open, however much is closed.
func (ts *tasks) settle() {
	before := len(ts.closed)
	ts.open = slices.DeleteFunc(ts.open, func(t *task) bool {
		if t.state == Closed {
			ts.closed = append(ts.closed, t)
		}
		return t.state == Closed
	})
	byEnd := func(a, b *task) int { return a.entered.Compare(b.entered) }
	if !slices.IsSortedFunc(ts.closed[max(0, before-1):], byEnd) {
		slices.SortStableFunc(ts.closed, byEnd)
	}
}

// waiting counts the tasks in the queue of a media type.
func (ts *tasks) waiting(media string) int {
	n := 0
	for _, t := range ts.open {
		if t.waiting() && t.media() == media {
			n++
		}
	}
	return n
}

// all returns every task that can be read, by creation.
func (ts *tasks) all() []*task {
	all := slices.Concat(ts.open, ts.closed)
	slices.SortFunc(all, func(a, b *task) int { return a.n - b.n })
	return all
}

// stamp writes a time as the emulator's bodies have it.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
