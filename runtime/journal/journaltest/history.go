package journaltest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/run"
)

var historyTests = []namedTest{
	{"Filters", testFilters},
	{"ResponseStays", testResponseStays},
	{"MarksStay", testMarksStay},
	{"Pages", testPages},
	{"NewRunsWhilePaging", testNewRunsWhilePaging},
	{"Match", testMatch},
}

// variety begins n runs of three flows with all statuses and outcomes, five
// of them in each second.
func (b *bench) variety(n int) []journal.Summary {
	b.Helper()
	endings := [][]run.Event{
		nil,
		{sleeping(time.Hour)},
		{ended(run.Completed, "success")},
		{ended(run.Completed, "noConversation")},
		{ended(run.Failed, "onError")},
		{ended(run.Failed, "success")},
		{responded(502), failedAt("n3")},
		{responded(201), sleeping(time.Hour)},
		{responded(504), ended(run.Completed, "success")},
		{run.RunCancelled{At: at(time.Second), Reason: "by hand"}},
		{pausedBy("onTimeout")},
		{pausedBy(""), run.RunResumed{At: at(time.Second), Place: place("n3")}},
	}
	var all []journal.Summary
	for i := range n {
		s := started(fmt.Sprintf("run%03d", i))
		s.At = at(time.Duration(i/5) * time.Second)
		s.Flow = []string{"greet", "pay", "end-task"}[i%3]
		s.Key = []string{"", "c-1", "c-2"}[i%3]
		if i%4 != 0 {
			s.Labels = map[string]string{"channel": []string{"sms", "mail"}[i%2], "tier": []string{"gold", "", "sms"}[i%3]}
		}
		s.FlowDigest = fmt.Sprintf("digest-%d", i%2)
		events := append(one(s), endings[i%len(endings)]...)
		b.append(s.Run, 0, events...)
		sum, err := journal.Summarize(events)
		b.ok(err)
		all = append([]journal.Summary{sum}, all...)
	}
	return all
}

func testFilters(b *bench) {
	all := b.variety(120)
	pick := func(want func(journal.Summary) bool) []journal.Summary {
		var some []journal.Summary
		for _, s := range all {
			if want(s) {
				some = append(some, s)
			}
		}
		return some
	}
	from, to := noon.Add(3*time.Second), noon.Add(9*time.Second)
	filters := []journal.Filter{
		{},
		{From: from},
		{To: to},
		{From: from, To: to},
		{From: to, To: from},
		{Flow: "pay"},
		{Flow: "nothing"},
		{Status: "nothing"},
		{Outcome: "nothing"},
		{Flow: "pay", Outcome: "success"},
		{Outcome: "success"},
		{Outcome: "onError", From: from, To: to},
		{Outcome: "success", Status: run.Failed},
		{Outcome: "success", Status: run.Running},
		{Outcome: "onTimeout", Status: run.Paused},
		{Outcome: "onTimeout", Flow: "pay"},
		{Response: 502},
		{Response: 5},
		{Response: 2},
		{Response: 201, Status: run.Waiting},
		{Response: 4},
		{Response: 404},
		{Response: 5, Flow: "pay"},
		{Response: 5, Flow: "pay", Outcome: "onTimeout", Status: run.Failed, From: from, To: to},
		{Response: 5, Outcome: "success"},
		{Key: "c-1"},
		{Key: "c-3"},
		{Key: "c-2", Status: run.Failed, Flow: "end-task", From: from},
		{Key: "c-1", Response: 5, Outcome: "success"},
		{Labels: map[string]string{"channel": "sms"}},
		{Labels: map[string]string{"channel": "gold"}},
		{Labels: map[string]string{"channel": "mail", "tier": "gold"}},
		{Labels: map[string]string{"channel": "mail", "other": "gold"}},
		{Labels: map[string]string{"tier": ""}},
		{Labels: map[string]string{"channel": "mail"}, Status: run.Completed, From: from, To: to},
		{Labels: map[string]string{"channel": "sms"}, Flow: "pay", Outcome: "success"},
		{Labels: map[string]string{"channel": "sms"}, Response: 5},
		{Key: "c-1", Labels: map[string]string{"channel": "sms"}},
		{Flow: "greet", Outcome: "success", Status: run.Completed, From: from, To: to},
	}
	for _, status := range []run.Status{run.Running, run.Waiting, run.Paused, run.Completed, run.Failed, run.Cancelled} {
		filters = append(filters, journal.Filter{Status: status}, journal.Filter{Status: status, Flow: "pay", From: from})
	}
	for _, f := range filters {
		want := pick(func(s journal.Summary) bool {
			return (f.Flow == "" || s.Flow == f.Flow) && (f.Status == "" || s.Status == f.Status) &&
				(f.Outcome == "" || s.Outcome == f.Outcome) && f.Answered(s.Response) &&
				(f.Key == "" || s.Key == f.Key) && f.Labelled(s.Labels) &&
				(f.From.IsZero() || !s.StartedAt.Before(f.From)) && (f.To.IsZero() || s.StartedAt.Before(f.To))
		})
		b.same(fmt.Sprintf("%+v", f), b.all(f), want)
		f.Limit = 10
		b.same(fmt.Sprintf("%+v", f), b.all(f), want)
	}
}

// pausedBy is of a run that waits for somebody at node n3.
func pausedBy(outcome string) run.RunPaused {
	cause := run.PauseRetries
	if outcome == "" {
		cause = run.PauseFlow
	}
	return run.RunPaused{At: at(time.Second), Place: place("n3"), Cause: cause, Outcome: outcome, Message: "m"}
}

// testMarksStay follows a run that has a key and labels through its life: it is
// found by them together with the status it has by then, until it is removed.
func testMarksStay(b *bench) {
	s := started("a")
	s.Key, s.Labels = "c-1", map[string]string{"channel": "sms", "tier": "gold"}
	b.append("a", 0, s)
	other := started("b")
	other.Key, other.Labels = "c-1", map[string]string{"channel": "sms"}
	b.append("b", 0, other)
	found := func(want ...run.Status) {
		b.Helper()
		for _, status := range []run.Status{run.Running, run.Waiting, run.Paused, run.Completed, run.Failed, run.Cancelled} {
			n := 0
			if slices.Contains(want, status) {
				n = 1
			}
			for _, f := range []journal.Filter{
				{Status: status, Labels: s.Labels},
				{Status: status, Key: "c-1", Labels: map[string]string{"tier": "gold"}},
			} {
				b.same(fmt.Sprintf("runs of %+v", f), len(b.all(f)), n)
			}
		}
	}
	found(run.Running)
	b.append("a", 1, sleeping(time.Hour))
	found(run.Waiting)
	b.append("a", 2, run.TimerFired{At: at(2 * time.Second), Place: place("nap"), Kind: run.TimerSleep})
	found(run.Running)
	b.append("a", 3, pausedBy("onTimeout"))
	found(run.Paused)
	b.append("a", 4, run.RunResumed{At: at(3 * time.Second), Place: place("n3")})
	found(run.Running)
	b.append("a", 5, ended(run.Failed, "onError"))
	found(run.Failed)
	sum, err := b.d.Find(b.Context(), "a")
	b.ok(err)
	b.same("key", sum.Key, "c-1")
	b.same("labels", sum.Labels, s.Labels)
	b.same("runs of the key", len(b.all(journal.Filter{Key: "c-1"})), 2)
	b.clock.advance(24 * time.Hour)
	b.same("removed", b.trim(journal.Retention{Age: time.Hour}), 1)
	found()
	b.same("runs of the key", len(b.all(journal.Filter{Key: "c-1"})), 1)
	b.same("runs of the label", len(b.all(journal.Filter{Labels: map[string]string{"channel": "sms"}})), 1)
}

// testResponseStays says that later appends keep what a run answered, and that
// the failure before its end is kept whole.
func testResponseStays(b *bench) {
	b.begin("a", responded(502))
	b.append("a", 2, sleeping(time.Hour))
	b.append("a", 3, run.TimerFired{At: at(2 * time.Second), Place: place("nap"), Kind: run.TimerSleep})
	b.append("a", 4, failedAt("n3"))
	events, err := b.d.Events(b.Context(), "a")
	b.ok(err)
	want, err := journal.Summarize(events)
	b.ok(err)
	b.same("response", want.Response, 502)
	b.same("error", want.Error, &run.Failure{Node: "n3", Outcome: "onTimeout", Code: "timeout", Message: "no answer “in time”", Attempt: 2})
	b.same("runs of 5xx", b.all(journal.Filter{Response: 5}), []journal.Summary{want})
}

func testPages(b *bench) {
	all := b.variety(60)
	for _, limit := range []int{7, 30, 59, 60, 61} {
		b.same(fmt.Sprintf("pages of %d", limit), b.all(journal.Filter{Limit: limit}), all)
	}
	page, err := b.d.Runs(b.Context(), journal.Filter{})
	b.ok(err)
	b.same("runs on a page by default", len(page.Runs), journal.DefaultLimit)
	page, err = b.d.Runs(b.Context(), journal.Filter{Limit: 60})
	b.ok(err)
	b.same("cursor after the last run", page.Next, "")
	for _, cursor := range []string{"x", "zz.-", ".", "1", "1.2.3", "'"} {
		if _, err := b.d.Runs(b.Context(), journal.Filter{Cursor: cursor}); !errors.Is(err, journal.ErrCursor) {
			b.Errorf("cursor %q: error %v, want ErrCursor", cursor, err)
		}
	}
}

// testNewRunsWhilePaging turns the page while runs begin and end: what was on
// the list at first is there once.
func testNewRunsWhilePaging(b *bench) {
	all := b.variety(30)
	var got []journal.Summary
	f := journal.Filter{Limit: 7}
	for turn := 0; ; turn++ {
		page, err := b.d.Runs(b.Context(), f)
		b.ok(err)
		got = append(got, page.Runs...)
		if page.Next == "" {
			break
		}
		f.Cursor = page.Next
		s := started(fmt.Sprintf("new%d", turn))
		s.At = at(time.Hour)
		b.append(s.Run, 0, s)
	}
	b.same("runs", got, all)
}

func testMatch(b *bench) {
	for _, id := range []string{"01a22222-aaaa-7000-8000-00000000abcd", "01a22222-aaab-7000-8000-00000000abce", "01a33333-aaaa-7000-8000-00000000abcd", "plain-id"} {
		b.begin(id)
	}
	for text, want := range map[string]int{
		"01a22222-aaaa": 1, "01a22222-aaa": 2, "01a2": 2, "01a": 3, "abcd": 2, "0abce": 1, "8000-00000000abce": 1, "plain": 1, "-id": 1, "7000": 0, "nothing": 0, "%": 0,
		"01a22222-aaaa-7000-8000-00000000abcd": 1,
	} {
		ids, err := b.d.Match(b.Context(), text, 10)
		b.ok(err)
		b.same("number of ids like "+text, len(ids), want)
	}
	ids, err := b.d.Match(b.Context(), "01a", 2)
	b.ok(err)
	b.same("at most", len(ids), 2)
}
