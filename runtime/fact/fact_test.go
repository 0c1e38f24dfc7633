package fact_test

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/fact"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/sdk/wire"
)

var (
	noon    = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	of      = fact.Of{At: fact.At{At: noon}, Run: &fact.Run{ID: "r1", Flow: "sample", Trigger: "hook"}}
	visit   = fact.Visit{Of: of, Place: run.Place{Node: "a", Visit: 2, Attempt: 1}, Type: "http", Connection: "cce"}
	errFull = errors.New("the disk is full")
)

// all has each fact once, and its line.
var all = []struct {
	fact fact.Fact
	want string
}{
	{fact.RunStarted{Of: of, From: "b"}, `level=DEBUG msg="run started" run=r1 flow=sample from=b`},
	{
		fact.RunStarted{Of: fact.Of{At: of.At, Run: &fact.Run{ID: "r2", Flow: "inner", Parent: &run.Parent{Run: "r1"}}}},
		`level=DEBUG msg="run started" run=r2 flow=inner parent=r1`,
	},
	{fact.ChildrenStarted{Visit: visit, Count: 3, Most: 2}, `level=DEBUG msg="child runs started" run=r1 flow=sample node=a attempt=1 count=3 most=2`},
	{fact.ChildEnded{Visit: visit, Index: 2, Child: "r2", Status: run.Failed, Outcome: "onError", Code: "fuel", Reason: "out of fuel"}, `level=DEBUG msg="child run ended" run=r1 flow=sample node=a attempt=1 index=2 child=r2 status=failed outcome=onError code=fuel message="out of fuel"`},
	{fact.RunTakenUp{Of: of, Events: 3}, `level=DEBUG msg="run taken up" run=r1 flow=sample events=3`},
	{fact.RunWaits{Visit: visit, Event: "paid", Due: noon}, `level=DEBUG msg="run waits" run=r1 flow=sample node=a attempt=1 event=paid until=2026-11-20T12:00:00.000Z`},
	{fact.RunWoken{Visit: visit, Waited: time.Second}, `level=DEBUG msg="run woken" run=r1 flow=sample node=a attempt=1 waited=1s`},
	{fact.Invoked{Visit: visit, Took: time.Second, Fuel: 9}, `level=DEBUG msg="plugin invoked" run=r1 flow=sample node=a attempt=1 fuel=9 took=1s`},
	{fact.Committed{Writes: 3, Waited: time.Second, Took: time.Minute}, `level=DEBUG msg="journal committed" writes=3 waited=1s took=1m0s`},
	{fact.RunParked{Of: fact.Of{Run: &fact.Run{ID: "r1", Flow: "sample", TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}}}, `level=DEBUG msg="run parked" run=r1 flow=sample trace=0af7651916cd43dd8448eb211c80319c`},
	{fact.RunParked{Of: of}, `level=DEBUG msg="run parked" run=r1 flow=sample`},
	{fact.RunPaused{Visit: visit, Cause: run.PauseRetries, Outcome: "onTimeout", Code: "c", Message: "m"}, `level=WARN msg="run paused" run=r1 flow=sample node=a attempt=1 cause=retries outcome=onTimeout code=c message=m`},
	{fact.RunPaused{Visit: visit, Cause: run.PauseFlow}, `level=INFO msg="run paused" run=r1 flow=sample node=a attempt=1 cause=flow`},
	{fact.RunResumed{Visit: visit, GiveUp: true, Paused: time.Hour}, `level=INFO msg="run resumed" run=r1 flow=sample node=a attempt=1 giveUp=true paused=1h0m0s`},
	{fact.RunResponded{Of: of, Status: 200, Took: time.Second}, `level=DEBUG msg="run responded" run=r1 flow=sample status=200 took=1s`},
	{fact.RunEnded{Of: of, Status: run.Completed, Node: "a", Outcome: "success"}, `level=DEBUG msg="run completed" run=r1 flow=sample node=a outcome=success took=0s`},
	{fact.RunEnded{Of: of, Status: run.Failed, Node: "a", Outcome: "onError", Code: "fuel", Reason: "out of fuel"}, `level=WARN msg="run failed" run=r1 flow=sample node=a outcome=onError code=fuel message="out of fuel" took=0s`},
	{fact.RunEnded{Of: of, Status: run.Cancelled, Node: "a", Code: "cancelled", Reason: "enough"}, `level=INFO msg="run cancelled" run=r1 flow=sample node=a code=cancelled message=enough took=0s`},
	{fact.RunDropped{Of: of, Why: fact.Stopping, Kept: true, Err: errFull}, `level=DEBUG msg="run interrupted" run=r1 flow=sample kept=true error="the disk is full"`},
	{fact.RunDropped{Of: of, Why: fact.Stopping, Err: errFull}, `level=WARN msg="run interrupted" run=r1 flow=sample kept=false error="the disk is full"`},
	{fact.RunDropped{Of: of, Why: fact.Moved, Kept: true}, `level=DEBUG msg="run left to another" run=r1 flow=sample kept=true`},
	{fact.RunDropped{Of: of, Why: fact.Lost, Kept: true, Err: errFull}, `level=WARN msg="another drives the run" run=r1 flow=sample kept=true error="the disk is full"`},
	{fact.RunDropped{Of: of, Why: fact.Broken, Err: errFull}, `level=ERROR msg="run stopped" run=r1 flow=sample kept=false error="the disk is full"`},
	{fact.NodeEntered{Visit: visit}, `level=DEBUG msg="node entered" run=r1 flow=sample node=a attempt=1`},
	{fact.NodeLeft{Visit: visit, Outcome: "success"}, `level=DEBUG msg="node left" run=r1 flow=sample node=a attempt=1 outcome=success took=0s`},
	{fact.NodeLogged{Visit: visit, Line: "hello"}, `level=INFO msg=hello run=r1 flow=sample node=a attempt=1`},
	{
		fact.NodeLogged{Visit: visit, Level: slog.LevelError, Line: "two\nlines", Fields: map[string]any{
			"run": "mine", "sum": 2.5e6, "list": []any{1, "a"}, "none": nil, "in": map[string]any{"a": true},
		}},
		`level=ERROR msg="two\nlines" run=r1 flow=sample node=a attempt=1 fields.in="{\"a\":true}" fields.list="[1,\"a\"]" fields.none=null fields.run=mine fields.sum=2500000`,
	},
	{fact.Fault{Visit: visit, Outcome: "onError", Code: "fuel", Message: "out of fuel", Handled: true}, `level=WARN msg="node fault" run=r1 flow=sample node=a attempt=1 outcome=onError code=fuel message="out of fuel"`},
	{fact.Fault{Visit: visit, Outcome: "onError", Code: "fuel", Message: "m"}, `level=DEBUG msg="node fault" run=r1 flow=sample node=a attempt=1 outcome=onError code=fuel message=m`},
	{fact.RetryScheduled{Visit: visit, Outcome: "onTimeout", Delay: time.Second}, `level=DEBUG msg="node is tried again" run=r1 flow=sample node=a attempt=1 outcome=onTimeout delay=1s`},
	{fact.CallMade{Visit: visit, Method: "PUT", Host: "h", Path: "/p", Status: 201, Took: time.Second}, `level=DEBUG msg="call made" run=r1 flow=sample node=a attempt=1 call=0 status=201 method=PUT host=h path=/p took=1s`},
	{fact.CallMade{Visit: visit, Method: "PUT", Path: "/p", Failure: wire.Interrupted, Message: "m"}, `level=WARN msg="call interrupted" run=r1 flow=sample node=a attempt=1 call=0 outcome=interrupted message=m method=PUT path=/p took=0s`},
	{fact.RunsFound{Runs: 2}, `level=INFO msg="unfinished runs go on" runs=2`},
	{fact.StartRefused{Flow: "sample", Err: errFull}, `level=ERROR msg="no run was made" flow=sample error="the disk is full"`},
	{fact.StartRefused{Flow: "sample", Later: true, Err: errFull}, `level=DEBUG msg="no run was made" flow=sample error="the disk is full"`},
	{fact.HookRefused{Path: "/hooks/x", Caller: "::1", Status: 404, Reason: "none"}, `level=INFO msg="webhook refused" path=/hooks/x caller=::1 status=404 error=none`},
	{fact.HookAsked{Path: "/hooks/x", Caller: "::1", Flow: "f", Node: "n1", Type: "hub"}, `level=INFO msg="handshake answered" path=/hooks/x caller=::1 flow=f node=n1 type=hub`},
	{fact.TicksLeftOut{Flow: "sample", Node: "n1", Why: fact.Missed, Count: 2, First: noon, Last: noon.Add(time.Hour)}, `level=WARN msg="ticks have no run, since nobody was there in time" flow=sample node=n1 ticks=2 first=2026-11-20T12:00:00Z last=2026-11-20T13:00:00Z`},
	{fact.TicksLeftOut{Flow: "sample", Node: "n1", Why: fact.Overlapped, Count: 1, First: noon, Last: noon}, `level=INFO msg="a tick has no run, since the run before goes on" flow=sample node=n1 ticks=1 first=2026-11-20T12:00:00Z last=2026-11-20T12:00:00Z`},
	{fact.TicksLeftOut{Flow: "sample", Node: "n1", Why: fact.TooMany, Count: 1, First: noon, Last: noon}, `level=WARN msg="ticks have no run, since too many wait already" flow=sample node=n1 ticks=1 first=2026-11-20T12:00:00Z last=2026-11-20T12:00:00Z`},
	{fact.LeaseGained{Shards: 3, Held: 7}, `level=DEBUG msg="shards gained" shards=2 held=3`},
	{fact.LeaseLost{Shards: 3, Given: true}, `level=DEBUG msg="shards lost" shards=2 held=0`},
	{fact.LeaseLost{Shards: 3}, `level=WARN msg="shards lost" shards=2 held=0`},
	{fact.JournalFailed{Doing: "append", Err: errFull}, `level=ERROR msg="the journal failed" doing=append error="the disk is full"`},
	{fact.JournalFailed{Run: of.Run, Doing: "append", Err: errFull}, `level=ERROR msg="the journal failed" run=r1 flow=sample doing=append error="the disk is full"`},
	{fact.JournalHealed{Of: of}, `level=INFO msg="the journal can be written again" run=r1 flow=sample`},
	{fact.ClockJumped{Jump: clock.Jump{By: -time.Hour, Off: -time.Hour}}, `level=WARN msg="the machine's clock was set; runs go on by the time that passes" by=-1h0m0s ahead=-1h0m0s`},
	{fact.ClockJumped{Jump: clock.Jump{By: time.Hour, Taken: true}}, `level=WARN msg="the machine's clock has been ahead for a day; its time is taken over" by=1h0m0s ahead=0s`},
	{fact.ObserverFailed{Panic: "oh no"}, `level=ERROR msg="an observer failed, and is told no more" panic="oh no"`},
}

func TestLog(t *testing.T) {
	t.Parallel()
	for _, tc := range all {
		var out bytes.Buffer
		fact.Log(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{
			Level: slog.LevelDebug,
			ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			},
		})), clock.System)(tc.fact)
		if diff := cmp.Diff(tc.want+"\n", out.String()); diff != "" {
			t.Errorf("line of %T (-want +got):\n%s", tc.fact, diff)
		}
	}
}

// Each type that is a fact has its line above.
func TestEachFactHasALine(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, tc := range all {
		name := strings.TrimPrefix(fmt.Sprintf("%T", tc.fact), "fact.")
		seen[name] = true
	}
	file, err := parser.ParseFile(token.NewFileSet(), "fact.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range file.Decls {
		if m, ok := d.(*ast.FuncDecl); ok && m.Name.Name == "fact" {
			if name := m.Recv.List[0].Type.(*ast.Ident).Name; !seen[name] {
				t.Errorf("no line of %s is held here", name)
			}
		}
	}
}

func TestTellNobodyCostsNothing(t *testing.T) {
	for name, o := range map[string]*fact.Observers{"nil": nil, "none": fact.Observe()} {
		n := testing.AllocsPerRun(100, func() { fact.Tell(o, fact.NodeLeft{Visit: visit, Outcome: "success"}) })
		if n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func TestObserversFailAlone(t *testing.T) {
	t.Parallel()
	var told []string
	asked := 0
	o := fact.Observe(
		func(fact.Fact) { asked++; panic("oh no") },
		func(f fact.Fact) { told = append(told, fmt.Sprintf("%T", f)) },
	)
	fact.Tell(o, fact.RunParked{Of: of})
	fact.Tell(o, fact.RunParked{Of: of})
	if want := []string{"fact.ObserverFailed", "fact.RunParked", "fact.RunParked"}; asked != 1 || !cmp.Equal(want, told) {
		t.Errorf("told %d times and %q, want once and %q", asked, told, want)
	}
}
