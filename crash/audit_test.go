package main

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
)

// at is so many seconds after the beginning of all tests. The first server
// dies at 10, the second one starts at 11.
func at(seconds float64) time.Time {
	return time.Unix(0, 0).Add(time.Duration(seconds * float64(time.Second)))
}

func when(seconds float64) run.At { return run.At{At: at(seconds)} }

func place(id string) run.Place { return run.Place{Node: id, Visit: 1, Attempt: 1} }

// tale is a run by its events.
func tale(t *testing.T, events ...run.Event) *history {
	t.Helper()
	s, err := journal.Summarize(events)
	if err != nil {
		t.Fatal(err)
	}
	return newHistory(s, events)
}

func began(id, flow, item, key string) run.RunStarted {
	headers := map[string]any{}
	if key != "" {
		headers["x_event_id"] = key
	}
	return run.RunStarted{
		At: when(1), Run: id, Flow: flow, Trigger: "hook",
		Output: map[string]any{"item": item, "request": map[string]any{"headers": headers}},
	}
}

func charge(outcome, code string, from, to float64) []run.Event {
	reply := run.Reply{Status: 200}
	if code == "interrupted" || code == "unreachable" {
		reply = run.Reply{Failure: "interrupted"}
	}
	return []run.Event{
		run.CallStarted{At: when(from), Place: place("charge"), Method: "POST"},
		run.CallReplied{At: when(to), Place: place("charge"), Reply: reply},
		run.NodeFinished{At: when(to), Place: place("charge"), Outcome: outcome, Code: code},
	}
}

func answered(seconds float64, body map[string]any) []run.Event {
	return []run.Event{
		run.RunResponded{At: when(seconds), Response: node.Response{Status: 200, Body: body}},
		run.RunEnded{At: when(seconds), Status: run.Completed, Outcome: "success"},
	}
}

func gaveUp(seconds float64) []run.Event {
	return []run.Event{
		run.RunResponded{At: when(seconds), Response: node.Response{Status: 502}},
		run.RunEnded{At: when(seconds), Status: run.Completed, Outcome: "success"},
	}
}

func awaited(id, item, event string, received bool) []run.Event {
	events := []run.Event{
		began(id, "race", item, item),
		run.EventAwaited{At: when(2), Place: place("paid"), Name: "paid", Key: item, Due: at(4)},
	}
	if received {
		return append(events,
			run.EventReceived{At: when(3), Place: place("paid"), Name: "paid", Key: item, ID: event, Data: map[string]any{"nr": item}},
			run.RunEnded{At: when(3), Status: run.Completed, Code: "success"})
	}
	return append(events,
		run.TimerFired{At: when(4), Place: place("paid"), Kind: run.TimerEvent},
		run.RunEnded{At: when(4), Status: run.Completed, Code: "late"})
}

func sequence(first run.Event, more ...[]run.Event) []run.Event {
	return append([]run.Event{first}, slices.Concat(more...)...)
}

// wellAftermath is an aftermath in which all promises were kept.
func wellAftermath(t *testing.T) *aftermath {
	t.Helper()
	body := map[string]any{"item": "1"}
	am := &aftermath{
		lives: []*life{{at(0), at(10)}, {at(11), time.Time{}}},
		deals: []*deal{
			{Flow: "charge", Item: "1", Answers: []answer{{Status: 200, Run: "paid", Body: `{"item":"1"}`}}},
			{Flow: "charge", Item: "2", Lost: 1},
			{Flow: "race", Item: "3", Told: at(1.5), Answers: []answer{{Key: "3", Status: 202, Run: "gets"}}},
			{Flow: "close-task", Item: "4", Answers: []answer{{Status: 202, Run: "task"}}},
			{Flow: "forget", Item: "5", Answers: []answer{{Status: 200, Run: "gone", Body: `{}`}}},
		},
		runs: map[string]*history{
			"paid":    tale(t, sequence(began("paid", "charge", "1", ""), charge("success", "", 1, 2), answered(2, body))...),
			"dead":    tale(t, sequence(began("dead", "charge", "2", ""), charge("onError", "interrupted", 9, 12), answered(12, body))...),
			"gets":    tale(t, awaited("gets", "3", "event", true)...),
			"count-1": counted(t, "count-1", "6", 1, 1001),
			"count-2": counted(t, "count-2", "7", 1002, 2002),
			"task":    tale(t, began("task", "close-task", "4", ""), run.RunEnded{At: when(3), Status: run.Completed, Code: "success"}),
			"tick-1":  tick(t, "tick-1", "1970-01-01T00:00:01Z"),
			"tick-2":  tick(t, "tick-2", "1970-01-01T00:00:02Z"),
			"tick-3":  tick(t, "tick-3", "1970-01-01T01:00:03+01:00"),
		},
		count: 2002,
		requests: []*request{
			{At: at(1.5), What: "charge", Run: "paid", Key: "k1", Body: "b", Fate: prompt},
			{At: at(9.5), What: "charge", Run: "dead", Key: "k2", Body: "b", Fate: slow},
			{At: at(2), What: "task-close", Run: "task", Key: "k3", Body: "b", Fate: lost},
			{At: at(3), What: "task-close", Run: "task", Key: "k3", Body: "b", Fate: prompt},
		},
		done:  map[string]int{"k1": 1, "k2": 1},
		tasks: map[string]string{"task": "CLOSED"},
	}
	maps.Copy(am.runs, batch(t))
	am.shown = map[string]run.Report{"task": {Status: run.Completed, Code: "success"}}
	return am
}

// tick is a run of a schedule.
func tick(t *testing.T, id, of string) *history {
	t.Helper()
	first := began(id, "tick", "", "")
	first.Output = map[string]any{"tick": of}
	return tale(t, first, run.RunEnded{At: when(3), Status: run.Completed, Code: "success"})
}

// batch is a run of six items, of which one failed, with its children.
func batch(t *testing.T) map[string]*history {
	t.Helper()
	runs := map[string]*history{"batch": tale(t, began("batch", "batch", "8", ""),
		run.NodeFinished{At: when(3), Place: place("each"), Outcome: "someFailed", Outputs: map[string]any{"completed": 5, "failed": []any{map[string]any{}}}},
		run.NodeFinished{At: when(4), Place: place("sum"), Outcome: "success", Outputs: map[string]any{"sum": 5}},
		run.RunEnded{At: when(4), Status: run.Completed, Code: "success"})}
	child := func(id, flow, node string, status run.Status, code string) {
		first := began(id, flow, id, "")
		first.Parent = &run.Parent{Run: "batch", Place: place(node)}
		runs[id] = tale(t, first, run.RunEnded{At: when(3), Status: status, Code: code})
	}
	for _, id := range []string{"8-a", "8-b", "8-c", "8-d", "8-e"} {
		child(id, "batch-one", "each", run.Completed, "success")
	}
	child("8-f", "batch-one", "each", run.Failed, "onTimeout")
	child("8-sum", "batch-sum", "sum", run.Completed, "success")
	return runs
}

// counted is a run that was given these counts.
func counted(t *testing.T, id, item string, one, more int) *history {
	t.Helper()
	return tale(t, sequence(began(id, "count", item, ""),
		[]run.Event{
			run.NodeFinished{At: when(2), Place: place("one"), Outcome: "success", Outputs: map[string]any{"value": one}},
			run.NodeFinished{At: when(3), Place: place("more"), Outcome: "success", Outputs: map[string]any{"value": more}},
		},
		answered(4, map[string]any{"item": item}))...)
}

func broken(am *aftermath) []string {
	var all []string
	for _, c := range am.audit() {
		if len(c.Broken) > 0 {
			all = append(all, c.Promise)
		}
	}
	return all
}

func TestAuditOfAWellWorld(t *testing.T) {
	t.Parallel()
	for _, c := range wellAftermath(t).audit() {
		if len(c.Broken) > 0 {
			t.Errorf("%s: %q", c.Promise, c.Broken)
		}
	}
}

// TestAudit breaks one promise at a time, and expects the audit to name it.
func TestAudit(t *testing.T) {
	t.Parallel()
	const (
		ended       = "every accepted run is on record and has ended"
		others      = "so has every other run in the journal"
		shows       = "the API shows what the journal has"
		answers     = "callers got the answer that the journal has, and one per run"
		oneRun      = "a dedupe key, or a request, made one run, and another only after a failure"
		once        = "a call that must not be repeated was on record, and came at most once"
		effect      = "an idempotency key stood for one call, and took effect once"
		truth       = "the outcome of each call is what became of it"
		interrupted = "a call was given up as interrupted only across a crash"
		ends        = "runs ended as their flows say"
		received    = "an event was received by one run at most"
		arrives     = "an accepted event reached the run that waited for it"
		timers      = "no timer fired early"
		attempts    = "attempts were counted on, and backed off"
		tasks       = "a task of Cisco's was closed for each run that says so"
		forgets     = "runs with durable: false left nothing behind"
		counts      = "each run was counted, and none twice"
		whole       = "each item of a batch had one run, and its parent knows how that ended"
		ticks       = "each second had its tick, and one run for it"
		sense       = "answers made sense, and the log is clean"
	)
	body := map[string]any{"item": "1"}
	for name, tc := range map[string]struct {
		harm func(t *testing.T, am *aftermath)
		want []string
	}{
		"an accepted run is lost": {func(_ *testing.T, am *aftermath) { delete(am.runs, "task") }, []string{ended, shows, oneRun}},
		"an accepted run hangs": {func(t *testing.T, am *aftermath) {
			am.runs["task"] = tale(t, began("task", "close-task", "4", ""))
		}, []string{ended, others, shows, ends}},
		"the API is wrong":            {func(_ *testing.T, am *aftermath) { am.shown["task"] = run.Report{Status: run.Failed} }, []string{shows}},
		"a caller got another answer": {func(_ *testing.T, am *aftermath) { am.deals[0].Answers[0].Body = `{"item":"2"}` }, []string{answers}},
		"a run responds twice": {func(t *testing.T, am *aftermath) {
			am.runs["paid"] = tale(t, sequence(began("paid", "charge", "1", ""), charge("success", "", 1, 2), answered(2, body)[:1], answered(2, body))...)
		}, []string{answers}},
		"a key makes two runs": {func(t *testing.T, am *aftermath) {
			am.runs["twin"] = tale(t, awaited("twin", "3", "another", true)...)
		}, []string{oneRun}},
		"a key makes another run before the first has failed": {func(t *testing.T, am *aftermath) {
			am.runs["gone-1"] = tale(t, sequence(began("gone-1", "again", "6", "6"), gaveUp(2))...)
			am.runs["gone-2"] = tale(t, sequence(began("gone-2", "again", "6", "6"), gaveUp(1.5))...)
		}, []string{oneRun}},
		"a charge comes twice": {func(_ *testing.T, am *aftermath) {
			am.requests = append(am.requests, am.requests[0])
			am.done["k1"] = 2
		}, []string{once, effect, truth}},
		"a charge of which nothing is on record": {func(_ *testing.T, am *aftermath) {
			am.requests = append(am.requests, &request{What: "charge", Run: "none", Key: "k9"})
		}, []string{once}},
		"a key for two things":        {func(_ *testing.T, am *aftermath) { am.requests[3].Body = "c" }, []string{effect}},
		"two keys for one thing":      {func(_ *testing.T, am *aftermath) { am.requests[3].Key = "k9" }, []string{effect}},
		"a lost answer is a success":  {func(_ *testing.T, am *aftermath) { am.requests[0].Fate = lost }, []string{truth}},
		"an unsent call is a success": {func(_ *testing.T, am *aftermath) { am.requests = am.requests[1:] }, []string{truth}},
		"interrupted without a crash": {func(_ *testing.T, am *aftermath) { am.lives = []*life{{at(0), time.Time{}}} }, []string{interrupted}},
		"a run ends as it must not":   {func(_ *testing.T, am *aftermath) { am.runs["task"].Code = "onError" }, []string{shows, ends}},
		"an event that two receive": {func(t *testing.T, am *aftermath) {
			am.runs["twin"] = tale(t, awaited("twin", "3", "event", true)...)
			am.runs["twin"].Key = "3-b"
		}, []string{received}},
		"an event that nobody receives": {func(t *testing.T, am *aftermath) {
			am.runs["gets"] = tale(t, awaited("gets", "3", "event", false)...)
		}, []string{arrives}},
		"a timer is early": {func(t *testing.T, am *aftermath) {
			am.deals[2].Told = time.Time{}
			am.runs["gets"] = tale(t, awaited("gets", "3", "event", false)...)
			am.runs["gets"].Timers[0].Due = at(5)
		}, []string{timers}},
		"an attempt is left out": {func(_ *testing.T, am *aftermath) { am.runs["paid"].Finished[0].Attempt = 2 }, []string{attempts}},
		"a run is counted twice": {func(_ *testing.T, am *aftermath) { am.count = 2003 }, []string{counts}},
		"a run is not counted":   {func(_ *testing.T, am *aftermath) { am.count = 1001 }, []string{counts}},
		"two runs have one count": {func(_ *testing.T, am *aftermath) {
			am.runs["count-2"].Finished[0].Outputs = map[string]any{"value": 1}
		}, []string{counts}},
		"an item has no run": {func(_ *testing.T, am *aftermath) { delete(am.runs, "8-a") }, []string{whole}},
		"an item has two runs": {func(_ *testing.T, am *aftermath) {
			twin := *am.runs["8-a"]
			twin.ID = "twin"
			am.runs["twin"] = &twin
		}, []string{oneRun, whole}},
		"a failed item is said to be done": {func(_ *testing.T, am *aftermath) {
			am.runs["batch"].Finished[0].Outputs = map[string]any{"completed": 6, "failed": []any{}}
		}, []string{whole}},
		"a child has no parent": {func(_ *testing.T, am *aftermath) { delete(am.runs, "batch") }, []string{whole}},
		"a second has no tick":  {func(_ *testing.T, am *aftermath) { delete(am.runs, "tick-2") }, []string{ticks}},
		"a second has two runs": {func(t *testing.T, am *aftermath) {
			am.runs["twin"] = tick(t, "twin", "1970-01-01T01:00:02+01:00")
		}, []string{ticks}},
		"a task stays open": {func(_ *testing.T, am *aftermath) { am.tasks["task"] = "QUEUED" }, []string{tasks}},
		"what was to be forgotten is kept": {func(t *testing.T, am *aftermath) {
			am.runs["gone"] = tale(t, sequence(began("gone", "forget", "5", ""), answered(2, body))...)
		}, []string{ends, forgets}},
		"a server panics": {func(_ *testing.T, am *aftermath) { am.log = "panic: oh no\n" }, []string{sense}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			am := wellAftermath(t)
			am.runs = maps.Clone(am.runs)
			tc.harm(t, am)
			if diff := cmp.Diff(tc.want, broken(am)); diff != "" {
				t.Errorf("broken promises (-want +got):\n%s", diff)
			}
		})
	}
}
