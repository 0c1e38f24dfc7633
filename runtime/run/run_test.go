package run_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

const source = `
flow: sample
timeout: 1m
variables: { color: red }
nodes:
  hook: { type: start, next: a }
  a:
    type: work
    retry: { max: 2, on: [onTimeout], delay: 1s, maxDelay: 10s }
    next: b
    outcomes: { onError: sorry }
  b: { type: work, next: a, outcomes: { onError: sorry, onTimeout: p } }
  p: { type: work, retry: { max: 1, on: [onTimeout], delay: 1s, then: pause }, next: a, outcomes: { onError: sorry, onTimeout: sorry } }
  sorry: { type: work, next: a, outcomes: { onError: a, onTimeout: a } }
`

var (
	t0 = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

	workType = &node.Type{
		Name:    "work",
		Inputs:  node.MustSchema(map[string]any{"type": "object"}),
		Outputs: node.MustSchema(map[string]any{"type": "object"}),
		Outcomes: node.Outcomes{
			Success: "success", Fault: "onError",
			All: []node.Outcome{{Name: "success"}, {Name: "onError"}, {Name: "onTimeout"}},
		},
		Step: func(context.Context, node.Visit) (node.Action, error) { return node.Finish{}, nil },
	}
	startType = &node.Type{
		Name: "start", Trigger: func(map[string]any) (node.Trigger, error) { return &node.Manual{}, nil },
		Inputs:   node.MustSchema(map[string]any{"type": "object"}),
		Outputs:  node.MustSchema(map[string]any{"type": "object"}),
		Outcomes: node.Outcomes{Success: "success", All: []node.Outcome{{Name: "success"}}},
	}
)

func load(t testing.TB, src string) *flow.Flow {
	t.Helper()
	types, err := node.NewSet(workType, startType)
	if err != nil {
		t.Fatal(err)
	}
	f, mistakes := flow.Load("sample.yaml", []byte(src), flow.Config{Types: types})
	if f == nil {
		t.Fatal(mistakes.Err())
	}
	return f
}

func at(seconds int) run.At { return run.At{At: t0.Add(time.Duration(seconds) * time.Second)} }

func place(id string, visit, attempt int) run.Place {
	return run.Place{Node: id, Visit: visit, Attempt: attempt}
}

func started() run.Event {
	return run.RunStarted{At: at(0), Run: "r1", Flow: "sample", Trigger: "hook", Output: map[string]any{"x": 1}, Seed: "s"}
}

func finished(second int, p run.Place, outcome string) run.Event {
	return run.NodeFinished{At: at(second), Place: p, Outcome: outcome, Message: "because", Code: "c"}
}

func TestNext(t *testing.T) {
	t.Parallel()
	called := run.CallStarted{At: at(1), Place: place("a", 1, 1), Method: "POST", URL: "/x", Fingerprint: "f"}
	replied := run.CallReplied{At: at(2), Place: place("a", 1, 1), Reply: run.FromWire(wire.Reply{Status: 200})}
	for _, tc := range []struct {
		name   string
		events []run.Event
		want   run.Command
		at     run.Place
		status run.Status
	}{
		{
			"a run begins behind its trigger",
			[]run.Event{started()},
			run.Step{},
			place("a", 1, 1), run.Running,
		},
		{
			"a call is left open: the node decides again",
			[]run.Event{started(), called},
			run.Step{},
			place("a", 1, 1), run.Running,
		},
		{
			"a reply came",
			[]run.Event{started(), called, replied},
			run.Step{},
			place("a", 1, 1), run.Running,
		},
		{
			"success goes on",
			[]run.Event{started(), finished(1, place("a", 1, 1), "success")},
			run.Step{},
			place("b", 1, 1), run.Running,
		},
		{
			"an outcome to retry on",
			[]run.Event{started(), finished(1, place("a", 1, 1), "onTimeout")},
			run.SetTimer{Kind: run.TimerRetry, Due: at(1).At.Add(jitter(t, "a", 1, 1, time.Second))},
			place("a", 1, 1), run.Running,
		},
		{
			"the vendor asked for more time than the next gap has",
			[]run.Event{started(), run.NodeFinished{At: at(1), Place: place("a", 1, 1), Outcome: "onTimeout", RetryAfter: 7 * time.Second}},
			run.SetTimer{Kind: run.TimerRetry, Due: at(8).At},
			place("a", 1, 1), run.Running,
		},
		{
			"the vendor asked for more time than the policy gives",
			[]run.Event{started(), run.NodeFinished{At: at(1), Place: place("a", 1, 1), Outcome: "onTimeout", RetryAfter: math.MaxInt64}},
			run.SetTimer{Kind: run.TimerRetry, Due: at(11).At},
			place("a", 1, 1), run.Running,
		},
		{
			"the vendor asked for a time that is over",
			[]run.Event{started(), run.NodeFinished{At: at(1), Place: place("a", 1, 1), Outcome: "onTimeout", RetryAfter: -time.Hour}},
			run.SetTimer{Kind: run.TimerRetry, Due: at(1).At.Add(jitter(t, "a", 1, 1, time.Second))},
			place("a", 1, 1), run.Running,
		},
		{
			"waiting for the retry",
			[]run.Event{
				started(), finished(1, place("a", 1, 1), "onTimeout"),
				run.TimerSet{At: at(1), Place: place("a", 1, 1), Kind: run.TimerRetry, Due: at(2).At},
			},
			run.Wait{Kind: run.TimerRetry, Due: at(2).At},
			place("a", 1, 1), run.Waiting,
		},
		{
			"the retry is due",
			[]run.Event{
				started(), finished(1, place("a", 1, 1), "onTimeout"),
				run.TimerSet{At: at(1), Place: place("a", 1, 1), Kind: run.TimerRetry, Due: at(2).At},
				run.TimerFired{At: at(2), Place: place("a", 1, 1), Kind: run.TimerRetry},
			},
			run.Step{},
			place("a", 1, 2), run.Running,
		},
		{
			"an outcome that is not for retries",
			[]run.Event{started(), finished(1, place("a", 1, 1), "onError")},
			run.Step{},
			place("sorry", 1, 1), run.Running,
		},
		{
			"a second visit",
			[]run.Event{started(), finished(1, place("a", 1, 1), "success"), finished(2, place("b", 1, 1), "success")},
			run.Step{},
			place("a", 2, 1), run.Running,
		},
		{
			"a node that sleeps",
			[]run.Event{started(), run.TimerSet{At: at(1), Place: place("a", 1, 1), Kind: run.TimerSleep, Due: at(9).At}},
			run.Wait{Kind: run.TimerSleep, Due: at(9).At},
			place("a", 1, 1), run.Waiting,
		},
		{
			"a node that waits for an event",
			[]run.Event{started(), run.EventAwaited{At: at(1), Place: place("a", 1, 1), Name: "n", Key: "k", Due: at(9).At}},
			run.Wait{Kind: run.TimerEvent, Due: at(9).At, Event: "n", Key: "k"},
			place("a", 1, 1), run.Waiting,
		},
		{
			"the event came",
			[]run.Event{
				started(),
				run.EventAwaited{At: at(1), Place: place("a", 1, 1), Name: "n", Key: "k"},
				run.EventReceived{At: at(2), Place: place("a", 1, 1), Name: "n", Key: "k"},
			},
			run.Step{},
			place("a", 1, 1), run.Running,
		},
		{
			"the event did not come",
			[]run.Event{
				started(),
				run.EventAwaited{At: at(1), Place: place("a", 1, 1), Name: "n", Key: "k", Due: at(2).At},
				run.TimerFired{At: at(2), Place: place("a", 1, 1), Kind: run.TimerEvent},
			},
			run.Step{},
			place("a", 1, 1), run.Running,
		},
		{
			"a node ends the run",
			[]run.Event{started(), run.NodeFinished{
				At: at(1), Place: place("a", 1, 1), Outcome: "success",
				End: &node.End{Failed: true, Code: "102", Reason: "completed with an error"},
			}},
			run.End{Status: run.Failed, Outcome: "failed", Code: "102", Reason: "completed with an error"},
			place("a", 1, 1), run.Running,
		},
		{
			"the attempts are used up, and the node has its run pause",
			pausing(),
			run.Pause{Cause: run.PauseRetries, Outcome: "onTimeout", Code: "c", Message: "because"},
			place("p", 1, 2), run.Running,
		},
		{
			"another outcome than the one of its retry",
			[]run.Event{started(), finished(1, place("a", 1, 1), "success"), finished(2, place("b", 1, 1), "onTimeout"), finished(3, place("p", 1, 1), "onError")},
			run.Step{},
			place("sorry", 1, 1), run.Running,
		},
		{
			"paused",
			append(pausing(), paused(5)),
			run.Stay{Cause: run.PauseRetries},
			place("p", 1, 2), run.Paused,
		},
		{
			"resumed: another attempt",
			append(pausing(), paused(5), run.RunResumed{At: at(60), Place: place("p", 1, 2)}),
			run.Step{},
			place("p", 1, 3), run.Running,
		},
		{
			"resumed, and failed: as many attempts as at first",
			append(pausing(), paused(5), run.RunResumed{At: at(60), Place: place("p", 1, 2)}, finished(61, place("p", 1, 3), "onTimeout")),
			run.SetTimer{Kind: run.TimerRetry, Due: at(61).At.Add(gap(t, append(pausing(), paused(5), run.RunResumed{At: at(60), Place: place("p", 1, 2)}, finished(61, place("p", 1, 3), "onTimeout")), 61))},
			place("p", 1, 3), run.Running,
		},
		{
			"resumed, and no better",
			append(pausing(), paused(5), run.RunResumed{At: at(60), Place: place("p", 1, 2)}, finished(61, place("p", 1, 3), "onTimeout"),
				run.TimerSet{At: at(61), Place: place("p", 1, 3), Kind: run.TimerRetry, Due: at(62).At},
				run.TimerFired{At: at(62), Place: place("p", 1, 3), Kind: run.TimerRetry}, finished(63, place("p", 1, 4), "onTimeout")),
			run.Pause{Cause: run.PauseRetries, Outcome: "onTimeout", Code: "c", Message: "because"},
			place("p", 1, 4), run.Running,
		},
		{
			"given up",
			append(pausing(), paused(5), run.RunResumed{At: at(60), Place: place("p", 1, 2), GiveUp: true}),
			run.Step{},
			place("sorry", 1, 1), run.Running,
		},
		{
			"cancelled while it was paused",
			append(pausing(), paused(5), run.RunCancelled{At: at(60), Reason: "enough"}),
			nil, place("p", 1, 2), run.Cancelled,
		},
		{
			"paused before its first node",
			[]run.Event{started(), run.RunPaused{At: at(0), Place: place("a", 1, 1), Cause: run.PauseFlow}},
			run.Stay{Cause: run.PauseFlow},
			place("a", 1, 1), run.Paused,
		},
		{
			"and resumed",
			[]run.Event{started(), run.RunPaused{At: at(0), Place: place("a", 1, 1), Cause: run.PauseFlow}, run.RunResumed{At: at(60), Place: place("a", 1, 1)}},
			run.Step{},
			place("a", 1, 1), run.Running,
		},
		{
			"children are made",
			children(2),
			run.Tend{},
			place("a", 1, 1), run.Running,
		},
		{
			"one of them has ended",
			children(2, ended(1, run.Failed)),
			run.Tend{},
			place("a", 1, 1), run.Running,
		},
		{
			"all have",
			children(2, ended(1, run.Failed), ended(0, run.Completed)),
			run.Step{},
			place("a", 1, 1), run.Running,
		},
		{
			"there are none",
			children(0),
			run.Step{},
			place("a", 1, 1), run.Running,
		},
		{
			"no more are wanted, and one goes on",
			children(9, ended(1, run.Completed), run.ChildrenStopped{At: at(3), Place: place("a", 1, 1), Began: 2}),
			run.Tend{},
			place("a", 1, 1), run.Running,
		},
		{
			"no more are wanted, and none goes on",
			children(9, ended(1, run.Completed), run.ChildrenStopped{At: at(3), Place: place("a", 1, 1), Began: 2}, ended(0, run.Cancelled)),
			run.Step{},
			place("a", 1, 1), run.Running,
		},
		{
			"the next visit has children of its own",
			append(children(1, ended(0, run.Completed)), finished(4, place("a", 1, 1), "success"), finished(5, place("b", 1, 1), "success")),
			run.Step{},
			place("a", 2, 1), run.Running,
		},
		{
			"the end",
			[]run.Event{started(), run.RunEnded{At: at(1), Status: run.Completed}},
			nil, place("a", 1, 1), run.Completed,
		},
		{
			"cancelled",
			[]run.Event{started(), run.RunCancelled{At: at(1), Reason: "enough"}},
			nil, place("a", 1, 1), run.Cancelled,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s, err := run.Fold(load(t, source), tc.events)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, s.Next()); diff != "" {
				t.Errorf("Next() (-want +got):\n%s", diff)
			}
			if s.At.Place != tc.at || s.Status != tc.status {
				t.Errorf("at %v, %s; want %v, %s", s.At.Place, s.Status, tc.at, tc.status)
			}
		})
	}
}

// children are the events of a run whose node a has so many made.
func children(count int, more ...run.Event) []run.Event {
	made := run.ChildrenStarted{At: at(1), Place: place("a", 1, 1), Count: count, Most: 2}
	return append([]run.Event{started(), made}, more...)
}

func ended(index int, s run.Status) run.Event {
	return run.ChildEnded{At: at(2), Place: place("a", 1, 1), Index: index, Run: "c", Status: s}
}

// What does not follow from the events before is refused.
func TestChildrenOutOfOrder(t *testing.T) {
	t.Parallel()
	stopped := run.ChildrenStopped{At: at(3), Place: place("a", 1, 1), Began: 1}
	for name, events := range map[string][]run.Event{
		"an end without children": {started(), ended(0, run.Completed)},
		"an end twice":            children(2, ended(0, run.Completed), ended(0, run.Completed)),
		"an end of none":          children(2, ended(2, run.Completed)),
		"a stop without children": {started(), stopped},
		"a stop twice":            children(2, stopped, stopped),
		"a stop before an end":    children(2, ended(1, run.Completed), ended(0, run.Completed), stopped),
		"an end of one that was stopped before it began": children(2, stopped, ended(1, run.Completed)),
	} {
		if _, err := run.Fold(load(t, source), events); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The id of a child is the same for whoever asks, and of its parent's shard.
func TestChildID(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, parent := range []string{"r1", "01a222df-b88e-7c46-835a-6842b9622143"} {
		for attempt := 1; attempt <= 2; attempt++ {
			e := run.ChildrenStarted{At: at(1), Place: place("a", 1, attempt), Count: 50}
			for i := range e.Count {
				id := e.Child(parent, i)
				if run.ShardOf(id) != run.ShardOf(parent) {
					t.Errorf("child %d of %s is in another shard", i, parent)
				}
				if parsed, err := uuid.Parse(id); err != nil || parsed.Version() != 7 || parsed.String() != id {
					t.Errorf("child %d of %s has the id %q, want a UUIDv7", i, parent, id)
				}
				if seen[id] {
					t.Errorf("two children have the id %s", id)
				}
				if seen[id] = true; e.Child(parent, i) != id {
					t.Errorf("child %d of %s has two ids", i, parent)
				}
			}
		}
	}
	if e := (&run.ChildrenStarted{At: at(1), Place: place("a", 1, 1)}); e.Child("r1", 0) != "01a1f7f8-33e8-74a0-96fa-3606e88714e1" {
		t.Errorf("the id of a child has changed, and with it what is in journals: %s", e.Child("r1", 0))
	}
}

// A trace names the first children and those of the others that failed.
func TestTraceOfManyChildren(t *testing.T) {
	t.Parallel()
	const count = 1000
	events := []run.Event{started(), run.ChildrenStarted{At: at(1), Place: place("a", 1, 1), Count: count, Most: 10}}
	for i := range count - 5 {
		status := run.Completed
		if i%100 == 99 {
			status = run.Failed
		}
		events = append(events, ended(i, status))
	}
	traces, err := run.Traces(load(t, source), events)
	if err != nil {
		t.Fatal(err)
	}
	c := traces[1].Children
	if c.Count != count || c.Ended != count-5 || c.Failed != 9 || len(c.Runs) != 108 {
		t.Errorf("%d asked for, %d ended, %d failed, %d named", c.Count, c.Ended, c.Failed, len(c.Runs))
	}
	if last := c.Runs[107]; last.Index != 899 || last.Status != run.Failed || c.Runs[99].Status != run.Failed || c.Runs[98].Status != run.Completed {
		t.Errorf("the last one named is %+v", last)
	}
}

// pausing are the events of a run that has tried node p as often as it may.
func pausing() []run.Event {
	return []run.Event{
		started(), finished(1, place("a", 1, 1), "success"), finished(2, place("b", 1, 1), "onTimeout"), finished(3, place("p", 1, 1), "onTimeout"),
		run.TimerSet{At: at(3), Place: place("p", 1, 1), Kind: run.TimerRetry, Due: at(4).At},
		run.TimerFired{At: at(4), Place: place("p", 1, 1), Kind: run.TimerRetry},
		finished(5, place("p", 1, 2), "onTimeout"),
	}
}

func paused(second int) run.Event {
	return run.RunPaused{At: at(second), Place: place("p", 1, 2), Cause: run.PauseRetries, Outcome: "onTimeout", Code: "c", Message: "because"}
}

// gap is how long the decider waits before the first of its attempts.
func gap(t *testing.T, events []run.Event, second int) time.Duration {
	t.Helper()
	s, err := run.Fold(load(t, source), events)
	if err != nil {
		t.Fatal(err)
	}
	d := s.Next().(run.SetTimer).Due.Sub(at(second).At)
	if d < time.Second || d > time.Second*5/4 {
		t.Fatalf("backoff %s, want between 1s and 1.25s", d)
	}
	return d
}

// TestTimeStandsStill: a run's time does not go on while it is paused, nor does
// that of the node before which it is.
func TestTimeStandsStill(t *testing.T) {
	t.Parallel()
	resumed := func(events []run.Event, second int) *run.State {
		t.Helper()
		last := events[len(events)-1].(run.RunPaused)
		s, err := run.Fold(load(t, source), append(events, run.RunResumed{At: at(second), Place: last.Place}))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := resumed(append(pausing(), paused(5)), 3605); !s.Deadline.Equal(at(60 + 3600).At) {
		t.Errorf("deadline after an hour of pause %s, want %s", s.Deadline, at(60+3600).At)
	}
	held := []run.Event{started(), run.RunPaused{At: at(0), Place: place("a", 1, 1), Cause: run.PauseFlow}}
	s := resumed(held, 100)
	if !s.Deadline.Equal(at(160).At) || !s.At.Since.Equal(at(100).At) {
		t.Errorf("deadline %s, node since %s; want %s, %s", s.Deadline, s.At.Since, at(160).At, at(100).At)
	}
	if s.Outcome != "" || s.Reason != "" || s.Code != "" {
		t.Errorf("a run that goes on has outcome %q, %q, %q", s.Outcome, s.Reason, s.Code)
	}
	if _, err := run.Fold(load(t, source), []run.Event{started(), run.RunResumed{At: at(1)}}); err == nil {
		t.Error("a run is resumed that was not paused")
	}
}

// jitter asks the decider itself, but holds its answer to the policy.
func jitter(t *testing.T, id string, visit, attempt int, base time.Duration) time.Duration {
	t.Helper()
	s, err := run.Fold(load(t, source), []run.Event{started(), finished(1, place(id, visit, attempt), "onTimeout")})
	if err != nil {
		t.Fatal(err)
	}
	d := s.Next().(run.SetTimer).Due.Sub(at(1).At)
	if d < base || d > base*5/4 {
		t.Fatalf("backoff %s, want between %s and %s", d, base, base*5/4)
	}
	return d
}

func TestBackoffGrowsToItsMaximum(t *testing.T) {
	t.Parallel()
	f := load(t, strings.Replace(source, "max: 2", "max: 9", 1))
	s, err := run.Fold(f, []run.Event{started()})
	if err != nil {
		t.Fatal(err)
	}
	apply := func(e run.Event) {
		t.Helper()
		if err := s.Apply(e); err != nil {
			t.Fatal(err)
		}
	}
	for attempt, seconds := range []int{1, 2, 4, 8, 10, 10} {
		limit := time.Duration(seconds) * time.Second
		p := place("a", 1, attempt+1)
		apply(finished(0, p, "onTimeout"))
		set := s.Next().(run.SetTimer)
		if d := set.Due.Sub(t0); d < limit || d > limit*5/4 {
			t.Errorf("attempt %d: backoff %s, want between %s and %s", attempt+1, d, limit, limit*5/4)
		}
		apply(run.TimerSet{At: at(0), Place: p, Kind: set.Kind, Due: set.Due})
		apply(run.TimerFired{At: at(0), Place: p, Kind: set.Kind})
	}
}

func TestRetriesRunOut(t *testing.T) {
	t.Parallel()
	events := []run.Event{started()}
	for attempt := 1; attempt <= 2; attempt++ {
		p := place("a", 1, attempt)
		events = append(events, finished(1, p, "onTimeout"),
			run.TimerSet{At: at(1), Place: p, Kind: run.TimerRetry, Due: at(2).At},
			run.TimerFired{At: at(2), Place: p, Kind: run.TimerRetry})
	}
	events = append(events, finished(3, place("a", 1, 3), "onTimeout"))
	s, err := run.Fold(load(t, source), events)
	if err != nil {
		t.Fatal(err)
	}
	want := run.End{Status: run.Failed, Outcome: "onTimeout", Code: "c", Reason: `node "a" left by "onTimeout", which goes nowhere: because`}
	if diff := cmp.Diff(run.Command(want), s.Next()); diff != "" {
		t.Errorf("Next() (-want +got):\n%s", diff)
	}
}

func TestLoopIsBounded(t *testing.T) {
	t.Parallel()
	s, err := run.Fold(load(t, source), []run.Event{started()})
	if err != nil {
		t.Fatal(err)
	}
	goRound(t, s, run.DefaultVisits, `the run goes round a → b → a: it has entered node "a" 1000 times, as often as limits.visits of wend.yaml allows; `+
		`let an outcome lead out of the cycle, or write a larger visits in the head of the flow`)
}

// TestVisits holds whose limit counts, and that a lower one after a restart does
// not cut off a node that is under way.
func TestVisits(t *testing.T) {
	t.Parallel()
	own := strings.Replace(source, "timeout: 1m", "timeout: 1m\nvisits: 3", 1)
	for name, test := range map[string]struct {
		flow   string
		bounds run.Bounds
		most   int
		by     string
	}{
		"the flow's":          {own, run.Bounds{Visits: 7}, 3, "visits of the flow"},
		"the configuration's": {source, run.Bounds{Visits: 7}, 7, "limits.visits of wend.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := run.Fold(load(t, test.flow), []run.Event{started()})
			if err != nil {
				t.Fatal(err)
			}
			s.Bounds = test.bounds
			goRound(t, s, test.most, fmt.Sprintf(`has entered node "a" %d times, as often as %s allows`, test.most, test.by))
		})
	}
	s, err := run.Fold(load(t, source), []run.Event{
		started(), finished(1, place("a", 1, 1), "success"), finished(1, place("b", 1, 1), "success"),
		run.CallStarted{At: at(1), Place: place("a", 2, 1)},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Bounds.Visits = 1
	if _, ok := s.Next().(run.Step); !ok {
		t.Errorf("Next() = %+v with a call under way, want a step", s.Next())
	}
}

// goRound lets the run go on until its limit of visits ends it.
func goRound(t *testing.T, s *run.State, most int, reason string) {
	t.Helper()
	for range 2*most + 2 {
		if end, ok := s.Next().(run.End); ok {
			if end.Code != "visit-limit" || end.Status != run.Failed || !strings.Contains(end.Reason, reason) || s.At.Visit != most+1 {
				t.Errorf("Next() = %+v at visit %d, want %q", end, s.At.Visit, reason)
			}
			return
		}
		if err := s.Apply(run.NodeFinished{At: at(1), Place: s.At.Place, Outcome: "success"}); err != nil {
			t.Fatal(err)
		}
	}
	t.Error("the run still loops")
}

func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name   string
		events []run.Event
		want   string
	}{
		{"no beginning", []run.Event{finished(1, place("a", 1, 1), "success")}, "out of order"},
		{"two beginnings", []run.Event{started(), started()}, "out of order"},
		{"another node", []run.Event{started(), finished(1, place("b", 1, 1), "success")}, `the run is at "a"`},
		{"another visit", []run.Event{started(), finished(1, place("a", 2, 1), "success")}, `the run is at "a", 1, 1`},
		{"a reply without a call", []run.Event{started(), run.CallReplied{Place: place("a", 1, 1)}}, "was not started"},
		{"a call out of order", []run.Event{started(), run.CallStarted{Place: place("a", 1, 1), Call: 1}}, "expected 0"},
		{"a timer that is not set", []run.Event{started(), run.TimerFired{Kind: run.TimerSleep}}, "no sleep timer is set"},
		{"after the end", []run.Event{started(), run.RunEnded{Status: run.Completed}, finished(1, place("a", 1, 1), "success")}, "after the end"},
		{"a trigger of another flow", []run.Event{run.RunStarted{Trigger: "other"}}, `no node "other"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := run.Fold(load(t, source), tc.events)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("Fold: %v, want an error with %q", err, tc.want)
			}
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	s, err := run.Fold(load(t, source), []run.Event{
		started(),
		run.NodeFinished{
			At: at(1), Place: place("a", 1, 1), Outcome: "onError", Message: "m", Code: "c",
			Outputs: map[string]any{"y": 2}, Set: map[string]any{"color": "blue"},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"hook": map[string]any{"x": 1}, "a": map[string]any{"y": 2}, "color": "blue",
		"error": map[string]any{"node": "a", "outcome": "onError", "message": "m", "code": "c", "attempt": 1},
		"run":   map[string]any{"id": "r1", "startedAt": "2026-11-20T08:00:00Z"},
		"flow":  map[string]any{"name": "sample", "digest": s.Flow.Digest},
	}
	if diff := cmp.Diff(want, s.Env().Names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"color": "blue"}, s.Variables()); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
}

func TestMarshalKeepsEverything(t *testing.T) {
	t.Parallel()
	p := place("a", 1, 1)
	events := []run.Event{
		run.RunStarted{
			At: at(0), Run: "r1", Flow: "sample", FlowDigest: "d", Plugins: map[string]string{"v/m": "sha"}, Trigger: "hook",
			Output: map[string]any{"id": 9007199254740993, "f": 1.5, "big": json.Number("18446744073709551615"), "float": 1e19, "l": []any{1, "x", nil, true}}, Seed: "s",
		},
		run.CallStarted{At: at(1), Place: p, Call: 0, Method: "POST", URL: "https://x/y", Fingerprint: "f"},
		run.CallReplied{At: at(2), Place: p, Reply: run.FromWire(wire.Reply{Status: 201, Headers: map[string][]string{"a": {"b"}}, Body: []byte{0xff, 0}})},
		run.CallReplied{At: at(2), Place: p, Reply: run.FromWire(wire.Reply{Failure: wire.Timeout, Message: "late"})},
		run.TimerSet{At: at(3), Place: p, Kind: run.TimerSleep, Due: at(4).At},
		run.TimerFired{At: at(4), Place: p, Kind: run.TimerSleep},
		run.EventAwaited{At: at(4), Place: p, Name: "n", Key: "k"},
		run.EventReceived{At: at(5), Place: p, Name: "n", Key: "k", ID: "e1", Data: map[string]any{"n": 1}},
		run.NodeFinished{
			At: at(5), Place: p, Outcome: "success", Outputs: map[string]any{"n": 2}, Set: map[string]any{"v": 3},
			RetryAfter: time.Second, End: &node.End{Code: "1"},
		},
		run.RunResponded{At: at(5), Response: node.Response{Status: 200, Headers: map[string]string{"A": "b"}, Body: map[string]any{"n": 1}}},
		run.RunEnded{At: at(6), Status: run.Completed, Outcome: "success"},
		run.RunCancelled{At: at(6), Reason: "enough"},
	}
	data, err := run.Marshal(events)
	if err != nil {
		t.Fatal(err)
	}
	got, err := run.Unmarshal(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(events, got); diff != "" {
		t.Errorf("Unmarshal(Marshal(x)) (-want +got):\n%s", diff)
	}
}

// FuzzFold takes any list of facts that a run may come to: what can be folded
// folds the same twice, and each prefix of it folds too.
func FuzzFold(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3})
	f.Add([]byte{4, 5, 0, 6, 7, 8, 9})
	sample := load(f, source)
	f.Fuzz(func(t *testing.T, moves []byte) {
		events := []run.Event{started()}
		s, err := run.Fold(sample, events)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range moves[:min(len(moves), 200)] {
			e := move(s, m, i)
			if err := s.Apply(e); err != nil {
				return // what cannot be is refused, with no panic
			}
			events = append(events, e)
			s.Next()
		}
		again, err := run.Fold(sample, events)
		if err != nil {
			t.Fatalf("what was applied one by one does not fold: %v", err)
		}
		if again.Seq != s.Seq || again.Status != s.Status || again.At.Place != s.At.Place {
			t.Errorf("folded twice: %v %v, then %v %v", s.Status, s.At.Place, again.Status, again.At.Place)
		}
		if _, err := run.Traces(sample, events); err != nil {
			t.Errorf("Traces: %v", err)
		}
	})
}

func move(s *run.State, m byte, i int) run.Event {
	p := s.At.Place
	switch m % 12 {
	case 0:
		return run.CallStarted{At: at(i), Place: p, Call: len(s.At.Calls)}
	case 1:
		return run.CallReplied{At: at(i), Place: p, Call: int(m) / 12}
	case 2:
		return run.TimerSet{At: at(i), Place: p, Kind: run.TimerSleep, Due: at(i + 1).At}
	case 3:
		return run.TimerFired{At: at(i), Place: p, Kind: run.TimerSleep}
	case 4:
		return finished(i, p, "success")
	case 5:
		return finished(i, p, "onError")
	case 6:
		return finished(i, p, "onTimeout")
	case 7:
		return run.TimerSet{At: at(i), Place: p, Kind: run.TimerRetry, Due: at(i + 1).At}
	case 8:
		return run.TimerFired{At: at(i), Place: p, Kind: run.TimerRetry}
	case 9:
		return run.EventAwaited{At: at(i), Place: p, Name: "n", Key: "k"}
	case 10:
		return run.EventReceived{At: at(i), Place: p, Name: "n", Key: "k"}
	default:
		return run.RunResponded{At: at(i), Response: node.Response{Status: 200}}
	}
}
