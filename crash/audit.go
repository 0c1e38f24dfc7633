package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/run"
)

// check is one promise, held against the aftermath.
type check struct {
	Promise string
	Looked  int      // at how many cases
	Broken  []string // those in which it was not kept, in words
}

func (c *check) failf(format string, a ...any) {
	c.Broken = append(c.Broken, fmt.Sprintf(format, a...))
}

// promises are all that is checked, in the order of the table.
var promises = []struct {
	text string
	hold func(*aftermath, *check)
}{
	{"every accepted run is on record and has ended", (*aftermath).acceptedEnded},
	{"so has every other run in the journal", (*aftermath).allEnded},
	{"the API shows what the journal has", (*aftermath).shownAsKept},
	{"callers got the answer that the journal has, and one per run", (*aftermath).answersAgree},
	{"a dedupe key, or a request, made one run, and another only after a failure", (*aftermath).oneRunEach},
	{"a call that must not be repeated was on record, and came at most once", (*aftermath).onceAtMost},
	{"an idempotency key stood for one call, and took effect once", (*aftermath).oneEffectEach},
	{"the outcome of each call is what became of it", (*aftermath).outcomesTrue},
	{"a call was given up as interrupted only across a crash", (*aftermath).interruptedByCrash},
	{"runs ended as their flows say", (*aftermath).endsRight},
	{"an event was received by one run at most", (*aftermath).receivedOnce},
	{"an accepted event reached the run that waited for it", (*aftermath).eventsArrive},
	{"no timer fired early", (*aftermath).timersPunctual},
	{"attempts were counted on, and backed off", (*aftermath).attemptsCounted},
	{"each run was counted, and none twice", (*aftermath).countedOnce},
	{"each item of a batch had one run, and its parent knows how that ended", (*aftermath).batchesWhole},
	{"each second had its tick, and one run for it", (*aftermath).ticksWhole},
	{"a task of Cisco's was closed for each run that says so", (*aftermath).tasksClosed},
	{"runs with durable: false left nothing behind", (*aftermath).forgotten},
	{"answers made sense, and the log is clean", (*aftermath).clean},
}

// audit holds the aftermath against all promises.
func (am *aftermath) audit() []check {
	checks := make([]check, len(promises))
	for i, p := range promises {
		checks[i].Promise = p.text
		p.hold(am, &checks[i])
	}
	return checks
}

// sorted yields the runs in the order of their ids, which is that of time.
func (am *aftermath) sorted() []*history {
	runs := make([]*history, 0, len(am.runs))
	for _, id := range slices.Sorted(maps.Keys(am.runs)) {
		runs = append(runs, am.runs[id])
	}
	return runs
}

// durable are the deals with flows that promise something.
func (am *aftermath) durable() []*deal {
	return slices.DeleteFunc(slices.Clone(am.deals), func(d *deal) bool { return d.Flow == "forget" })
}

func (am *aftermath) acceptedEnded(c *check) {
	seen := map[string]bool{}
	for _, d := range am.durable() {
		for _, a := range d.Answers {
			if seen[a.Run] {
				continue
			}
			seen[a.Run] = true
			c.Looked++
			switch h := am.runs[a.Run]; {
			case h == nil:
				c.failf("%s %s: run %q, which was answered with %d, is not in the journal", d.Flow, d.Item, a.Run, a.Status)
			case !h.Status.Ended():
				c.failf("%s %s: run %s is %s at %q", d.Flow, d.Item, a.Run, h.Status, h.Node)
			}
		}
	}
}

func (am *aftermath) allEnded(c *check) {
	for _, h := range am.sorted() {
		c.Looked++
		if !h.Status.Ended() {
			c.failf("%s: run %s is %s at %q", h.Flow, h.ID, h.Status, h.Node)
		}
	}
}

func (am *aftermath) shownAsKept(c *check) {
	for _, id := range slices.Sorted(maps.Keys(am.shown)) {
		c.Looked++
		shown, h := am.shown[id], am.runs[id]
		if h == nil || shown.Status != h.Status || shown.Outcome != h.Outcome || shown.Code != h.Code || (shown.Response == nil) != (h.Response == nil) {
			c.failf("run %s: the API says %s %s %s, the journal %+v", id, shown.Status, shown.Outcome, shown.Code, h)
		}
	}
}

func (am *aftermath) answersAgree(c *check) {
	for _, h := range am.sorted() {
		responses := 0
		for _, e := range h.Events {
			if _, ok := e.(run.RunResponded); ok {
				responses++
			}
		}
		if responses > 1 {
			c.failf("%s: run %s responded %d times", h.Flow, h.ID, responses)
		}
	}
	for _, d := range am.durable() {
		for _, a := range d.Answers {
			if a.Status != http.StatusOK {
				continue
			}
			c.Looked++
			h := am.runs[a.Run]
			if h == nil || h.Response == nil {
				c.failf("%s %s: run %s answered, but has no response in the journal", d.Flow, d.Item, a.Run)
				continue
			}
			kept, err := json.Marshal(h.Response.Body)
			if err != nil || string(kept) != a.Body {
				c.failf("%s %s: run %s answered %s, the journal has %s", d.Flow, d.Item, a.Run, a.Body, kept)
			}
		}
	}
}

// oneRunEach groups runs by what made them. Who comes with the key of a run that
// failed makes another, when that has ended.
func (am *aftermath) oneRunEach(c *check) {
	made := map[[3]string][]string{}
	last := map[[3]string]*history{}
	for _, h := range am.sorted() {
		id := [3]string{h.Flow, h.Item, h.Key}
		c.Looked++
		if before := last[id]; before != nil && (h.Key == "" || !before.failed() || before.EndedAt.After(h.acted())) {
			c.failf("%s %s, key %q: run %s after %s, which is %s", id[0], id[1], id[2], h.ID, before.ID, before.Status)
		}
		last[id] = h
		made[id] = append(made[id], h.ID)
	}
	for _, d := range am.durable() {
		for _, a := range d.Answers {
			if id := [3]string{d.Flow, d.Item, a.Key}; !slices.Contains(made[id], a.Run) {
				c.failf("%s %s, key %q: was told of run %s; the journal has %v", d.Flow, d.Item, a.Key, a.Run, made[id])
			}
		}
	}
}

// acted is when a run did something for the first time. It is on record by then;
// it begins with the time at which its request came, which may have waited for the
// end of another in the same commit.
func (h *history) acted() time.Time {
	if len(h.Events) < 2 {
		return h.StartedAt
	}
	return h.Events[1].When()
}

// at returns the vendor's requests by what they were and for which run.
func (am *aftermath) at() map[[2]string][]*request {
	by := map[[2]string][]*request{}
	for _, q := range am.requests {
		id := [2]string{q.What, q.Run}
		by[id] = append(by[id], q)
	}
	return by
}

func (am *aftermath) onceAtMost(c *check) {
	for id, requests := range am.at() {
		if id[0] != "charge" {
			continue
		}
		c.Looked++
		if len(requests) > 1 {
			c.failf("run %s: the vendor was told %d times to charge: %s", id[1], len(requests), moments(requests))
		}
		h := am.runs[id[1]]
		if h == nil || len(h.Calls) == 0 {
			c.failf("run %s charged, but the journal has no such call", id[1])
		} else if sent := h.Calls[0].At.At; requests[0].At.Before(sent) {
			c.failf("run %s charged at %s, before the call began at %s", id[1], requests[0].At, sent)
		}
	}
}

func moments(requests []*request) string {
	var all []string
	for _, q := range requests {
		all = append(all, q.At.Format("15:04:05.000")+" "+string(q.Fate))
	}
	return strings.Join(all, ", ")
}

func (am *aftermath) oneEffectEach(c *check) {
	keys := map[string]*request{}
	for _, q := range am.requests {
		if q.Key == "" {
			continue
		}
		first := keys[q.Key]
		if first == nil {
			c.Looked++
			keys[q.Key] = q
			continue
		}
		if first.What != q.What || first.Run != q.Run || first.Body != q.Body {
			c.failf("key %s: %s %s %s, and then %s %s %s", q.Key, first.What, first.Run, first.Body, q.What, q.Run, q.Body)
		}
	}
	for id, requests := range am.at() {
		used := map[string]bool{}
		for _, q := range requests {
			used[q.Key] = true
		}
		if len(used) > 1 {
			c.failf("run %s: %d keys for one %s", id[1], len(used), id[0])
		}
	}
	for key, times := range am.done {
		if times != 1 {
			c.failf("key %s took effect %d times", key, times)
		}
	}
}

// nodeTimeout is how long an attempt of every call may take.
const nodeTimeout = 400 * time.Millisecond

// outcomesTrue holds what a run believes of its call to charge against what the
// vendor did.
func (am *aftermath) outcomesTrue(c *check) {
	at := am.at()
	for _, h := range am.sorted() {
		for _, f := range h.Finished {
			if f.Node != "charge" {
				continue
			}
			c.Looked++
			if why := wrongOutcome(h, f, at[[2]string{"charge", h.ID}]); why != "" {
				c.failf("%s: run %s left %q by %s (%s): %s", h.Flow, h.ID, f.Node, f.Outcome, f.Code, why)
			}
		}
	}
}

// wrongOutcome says why a charge cannot have left as it did.
func wrongOutcome(h *history, f run.NodeFinished, requests []*request) string {
	if f.Outcome == "onError" && f.Code == "interrupted" {
		return "" // it is not known, and that is what it says
	}
	if f.Outcome == "onTimeout" {
		if took := f.At.At.Sub(h.StartedAt); took < nodeTimeout {
			return fmt.Sprintf("but it took only %s", took)
		}
		return ""
	}
	if len(requests) != 1 {
		return fmt.Sprintf("but the vendor had %d requests", len(requests))
	}
	want := map[fate]string{prompt: "success", slow: "success", lost: "onError", refused: "serverError", late: "onTimeout"}
	if fate := requests[0].Fate; f.Outcome != want[fate] {
		return fmt.Sprintf("but it was %s", fate)
	}
	if f.Outcome == "onError" && f.Code != "unreachable" {
		return "but the connection broke"
	}
	return ""
}

func (am *aftermath) interruptedByCrash(c *check) {
	for _, h := range am.sorted() {
		for _, call := range h.Calls {
			if call.Reply == nil || call.Reply.Reply.Failure != "interrupted" {
				continue
			}
			c.Looked++
			if !am.apart(call.At.At, call.Reply.At.At) {
				c.failf("%s: run %s, node %q: one server was there from %s to %s",
					h.Flow, h.ID, call.Node, call.At.At.Format(time.StampMilli), call.Reply.At.At.Format(time.StampMilli))
			}
		}
	}
}

// endsRight: what may be tried again comes to a good end, whatever happened.
func (am *aftermath) endsRight(c *check) {
	codes := map[string][]string{
		"charge-later": {"success", "onError", "onTimeout", "serverError"},
		"batch-one":    {"success", "onError", "onTimeout", "serverError"},
		"batch":        {"success"}, "batch-sum": {"success"}, "tick": {"success"},
		"answer-first": {"success"}, "later": {"success"}, "retry": {"success"}, "close-task": {"success"},
		"await": {"success"}, "race": {"success", "late"},
		"charge": {""}, "order": {""}, "again": {""}, "put": {""}, "tell": {""}, "count": {""},
	}
	for _, h := range am.sorted() {
		c.Looked++
		failed := (h.Flow == "charge-later" || h.Flow == "batch-one") && h.Code != "success"
		if !slices.Contains(codes[h.Flow], h.Code) || (h.Status == run.Failed) != failed {
			c.failf("%s: run %s is %s, %s: %s", h.Flow, h.ID, h.Status, cmp.Or(h.Code, "no code"), h.Reason)
		}
		if (h.Flow == "put" || h.Flow == "count") && (h.Response == nil || h.Response.Status != http.StatusOK) {
			c.failf("%s: run %s responded %+v", h.Flow, h.ID, h.Response)
		}
	}
}

// countedOnce: what is in the store is what the runs added, and no two of them
// were given the same count.
func (am *aftermath) countedOnce(c *check) {
	want := 0
	by := map[any]string{}
	for _, h := range am.sorted() {
		if h.Flow != "count" {
			continue
		}
		for _, f := range h.Finished {
			if f.Node != "one" && f.Node != "more" {
				continue
			}
			c.Looked++
			count := f.Outputs["value"]
			if other := by[count]; other != "" {
				c.failf("run %s was given the count %v, as run %s", h.ID, count, other)
			}
			by[count] = h.ID
			if want += 1; f.Node == "more" {
				want += 999
			}
		}
	}
	if am.count != want {
		c.failf("the store has counted to %d, and the runs to %d", am.count, want)
	}
}

// batchSize is how many items the flow batch has.
const batchSize = 6

// batchesWhole: that a run of another item, or the same again, was made for an item
// is seen by oneRunEach too.
func (am *aftermath) batchesWhole(c *check) {
	children := map[string]map[string][]*history{} // by parent and by its node
	for _, h := range am.sorted() {
		if h.Parent == nil {
			continue
		}
		if am.runs[h.Parent.Run] == nil {
			c.failf("%s: run %s is the child of run %s, which is not in the journal", h.Flow, h.ID, h.Parent.Run)
			continue
		}
		if children[h.Parent.Run] == nil {
			children[h.Parent.Run] = map[string][]*history{}
		}
		children[h.Parent.Run][h.Parent.Node] = append(children[h.Parent.Run][h.Parent.Node], h)
	}
	for _, h := range am.sorted() {
		if h.Flow != "batch" {
			continue
		}
		c.Looked++
		of := children[h.ID]
		if len(of["each"]) != batchSize || len(of["sum"]) != 1 {
			c.failf("run %s has %d runs of items and %d of the sum, expected %d and 1", h.ID, len(of["each"]), len(of["sum"]), batchSize)
			continue
		}
		completed := 0
		for _, child := range of["each"] {
			if child.Status == run.Completed {
				completed++
			}
		}
		for _, f := range h.Finished {
			failed, _ := f.Outputs["failed"].([]any)
			if f.Node == "each" && (f.Outputs["completed"] != completed || len(failed) != batchSize-completed) {
				c.failf("run %s: %v completed and %d failed, it says; %d of its children completed", h.ID, f.Outputs["completed"], len(failed), completed)
			}
			if f.Node == "sum" && f.Outputs["sum"] != completed {
				c.failf("run %s was told the sum %v, and %d of its children completed", h.ID, f.Outputs["sum"], completed)
			}
		}
	}
}

// ticksWhole looks at the seconds between the first tick and the last.
func (am *aftermath) ticksWhole(c *check) {
	by := map[int64]string{}
	var first, last int64
	for _, h := range am.sorted() {
		if h.Flow != "tick" {
			continue
		}
		c.Looked++
		t, err := time.Parse(time.RFC3339, h.Item)
		if err != nil {
			c.failf("run %s: tick %q: %v", h.ID, h.Item, err)
			continue
		}
		second := t.Unix()
		if other := by[second]; other != "" {
			c.failf("tick %s has run %s and run %s", h.Item, other, h.ID)
		}
		if by[second] = h.ID; first == 0 || second < first {
			first = second
		}
		last = max(last, second)
	}
	for second := first; second <= last; second++ {
		if by[second] == "" && len(by) > 0 {
			c.failf("tick %s has no run", time.Unix(second, 0).UTC().Format(time.RFC3339))
		}
	}
}

func (am *aftermath) receivedOnce(c *check) {
	by := map[string]string{}
	for _, h := range am.sorted() {
		for _, e := range h.Received {
			c.Looked++
			if other := by[e.ID]; other != "" {
				c.failf("event %s was received by run %s and by run %s", e.ID, other, h.ID)
			}
			by[e.ID] = h.ID
			if e.Key != h.Item || e.Data["nr"] != h.Item {
				c.failf("run %s waits for %q and received %q, %v", h.ID, h.Item, e.Key, e.Data)
			}
		}
	}
}

// grace is how long before the end of waiting an event must have been accepted
// to count as one that was there in time.
const grace = time.Second

func (am *aftermath) eventsArrive(c *check) {
	waiting, received := map[string][]*history{}, map[string]bool{}
	for _, h := range am.sorted() {
		if h.Flow == "await" || h.Flow == "race" {
			waiting[h.Item] = append(waiting[h.Item], h)
			received[h.Item] = received[h.Item] || len(h.Received) > 0
		}
	}
	for _, d := range am.deals {
		if d.Told.IsZero() || received[d.Item] {
			c.Looked += min(1, len(waiting[d.Item]))
			continue
		}
		for _, h := range waiting[d.Item] {
			c.Looked++
			if len(h.Timers) > 0 && h.Timers[0].Fired.After(d.Told.Add(grace)) {
				c.failf("%s: run %s gave up at %s, and the event was accepted at %s", h.Flow, h.ID, h.Timers[0].Fired, d.Told)
			}
		}
	}
}

func (am *aftermath) timersPunctual(c *check) {
	for _, h := range am.sorted() {
		for _, t := range h.Timers {
			if t.Fired.IsZero() {
				continue
			}
			c.Looked++
			if t.Fired.Before(t.Due) {
				c.failf("%s: run %s: %s timer fired %s early", h.Flow, h.ID, t.Kind, t.Due.Sub(t.Fired))
			}
		}
	}
}

func (am *aftermath) attemptsCounted(c *check) {
	for _, h := range am.sorted() {
		last := map[string]int{}
		for _, f := range h.Finished {
			if f.Attempt != last[f.Node]+1 {
				c.failf("%s: run %s, node %q: attempt %d after %d", h.Flow, h.ID, f.Node, f.Attempt, last[f.Node])
			}
			last[f.Node] = f.Attempt
		}
		for _, t := range h.Timers {
			if t.Kind != string(run.TimerRetry) {
				continue
			}
			c.Looked++
			if t.Due.Sub(t.Set) < 0 {
				c.failf("%s: run %s: an attempt was to be made %s before the one that failed", h.Flow, h.ID, t.Set.Sub(t.Due))
			}
		}
	}
}

func (am *aftermath) tasksClosed(c *check) {
	for _, h := range am.sorted() {
		if h.Flow != "close-task" || h.Code != "success" {
			continue
		}
		c.Looked++
		if state := am.tasks[h.ID]; state != "CLOSED" {
			c.failf("run %s: the task is %q", h.ID, state)
		}
	}
}

func (am *aftermath) forgotten(c *check) {
	for _, d := range am.deals {
		if d.Flow == "forget" {
			c.Looked += len(d.Answers)
		}
	}
	for _, h := range am.sorted() {
		if h.Flow == "forget" {
			c.failf("run %s of flow forget is in the journal", h.ID)
		}
	}
}

func (am *aftermath) clean(c *check) {
	for _, d := range am.deals {
		c.Looked += len(d.Answers)
	}
	c.Broken = append(c.Broken, am.odd...)
	for line := range strings.Lines(am.log) {
		c.Broken = append(c.Broken, strings.TrimSpace(line))
	}
}
