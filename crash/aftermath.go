package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/journal/sqlite"
	"github.com/wendflow/wend/runtime/run"
)

// aftermath is all that is known when the last server is gone: what clients were
// told, what the journal says, and what the vendor saw.
type aftermath struct {
	deals    []*deal
	runs     map[string]*history
	requests []*request
	done     map[string]int    // effects at the vendor by key
	tasks    map[string]string // at Cisco, by id
	lives    []*life
	count    int // of the runs of the flow count, by the store
	// shown is what the API said about accepted runs, by id.
	shown map[string]run.Report
	odd   []string       // answers that nobody should get
	said  map[string]int // what refusals said
	log   string         // of all servers
}

// history is one run by its events.
type history struct {
	journal.Summary
	Item, Key string // of the request that began it
	Events    []run.Event
	Response  *run.RunResponded
	Calls     []callRecord
	Received  []run.EventReceived
	Finished  []run.NodeFinished
	Timers    []timer
}

// failed tells whether the run ended so that its sender is to come again.
func (h *history) failed() bool {
	return h.Status.Ended() && (h.Status != run.Completed || h.Response != nil && h.Response.Status >= 500)
}

// callRecord is a call of a run by the journal.
type callRecord struct {
	run.CallStarted
	Reply *run.CallReplied
}

// timer is a wait for a time.
type timer struct {
	Set   time.Time
	Due   time.Time
	Fired time.Time // zero: it did not
	Kind  string
}

// readJournal reads what the servers left behind. None may be running.
func readJournal(ctx context.Context, dir string) (runs map[string]*history, err error) {
	db, err := sqlite.Open(ctx, sqlite.Config{Dir: dir})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	runs = map[string]*history{}
	for cursor, more := "", true; more; more = cursor != "" {
		page, err := db.Runs(ctx, journal.Filter{Limit: 1000, Cursor: cursor})
		if err != nil {
			return nil, err
		}
		for _, s := range page.Runs {
			if runs[s.ID] != nil {
				return nil, fmt.Errorf("the journal lists run %s twice", s.ID)
			}
			events, err := db.Events(ctx, s.ID)
			if err != nil {
				return nil, err
			}
			runs[s.ID] = newHistory(s, events)
		}
		cursor = page.Next
	}
	return runs, nil
}

// readCount reads what the runs of the flow count have counted to. No server may be
// running.
func readCount(ctx context.Context, dir string) (count int, err error) {
	db, err := sqlite.Open(ctx, sqlite.Config{Dir: dir})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	v, err := db.Value(ctx, "count", "count")
	if errors.Is(err, journal.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(v.Data))
}

// endedRuns are the ids of all runs that have ended. No server may be running.
func endedRuns(ctx context.Context, dir string) (ended map[string]bool, err error) {
	db, err := sqlite.Open(ctx, sqlite.Config{Dir: dir})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	ended = map[string]bool{}
	for cursor, more := "", true; more; more = cursor != "" {
		page, err := db.Runs(ctx, journal.Filter{Limit: 1000, Cursor: cursor})
		if err != nil {
			return nil, err
		}
		for _, s := range page.Runs {
			ended[s.ID] = s.Status.Ended()
		}
		cursor = page.Next
	}
	return ended, nil
}

func newHistory(s journal.Summary, events []run.Event) *history {
	h := &history{Summary: s, Events: events}
	for _, e := range events {
		h.add(e)
	}
	return h
}

func (h *history) add(e run.Event) {
	switch e := e.(type) {
	case run.RunStarted:
		h.Item, _ = e.Output["item"].(string)
		if tick, ok := e.Output["tick"].(string); ok {
			h.Item = tick // what tells the runs of a schedule apart
		}
		request, _ := e.Output["request"].(map[string]any)
		headers, _ := request["headers"].(map[string]any)
		h.Key, _ = headers["x_event_id"].(string)
	case run.CallStarted:
		h.Calls = append(h.Calls, callRecord{CallStarted: e})
	case run.CallReplied:
		for i := range h.Calls {
			if c := &h.Calls[i]; c.Place == e.Place && c.Call == e.Call {
				c.Reply = &e
			}
		}
	case run.TimerSet:
		h.Timers = append(h.Timers, timer{Set: e.At.At, Due: e.Due, Kind: string(e.Kind)})
	case run.EventAwaited:
		h.Timers = append(h.Timers, timer{Set: e.At.At, Due: e.Due, Kind: string(run.TimerEvent)})
	case run.TimerFired:
		h.Timers[len(h.Timers)-1].Fired = e.At.At
	case run.EventReceived:
		h.Received = append(h.Received, e)
	case run.NodeFinished:
		h.Finished = append(h.Finished, e)
	case run.RunResponded:
		h.Response = &e
	case run.RunEnded, run.RunCancelled:
	}
}

// span is from the first event to the last.
func (h *history) span() (from, to time.Time) {
	return h.Events[0].When(), h.Events[len(h.Events)-1].When()
}

// lifeAt returns which server was there at a time, -1 if none was.
func (am *aftermath) lifeAt(t time.Time) int {
	for i, l := range am.lives {
		if !t.Before(l.from) && (l.to.IsZero() || !t.After(l.to)) {
			return i
		}
	}
	return -1
}

// apart tells whether a server died between two times.
func (am *aftermath) apart(from, to time.Time) bool { return am.lifeAt(from) != am.lifeAt(to) }

// refusals is how many requests were answered with 503.
func (am *aftermath) refusals() int {
	n := 0
	for _, d := range am.deals {
		n += d.Refused
	}
	return n
}

// without drops the lines that contain a word.
func without(text, word string) string {
	var kept []string
	for line := range strings.Lines(text) {
		if !strings.Contains(line, word) {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}
