package record_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/record"
	"github.com/wendflow/wend/runtime/run"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func began(id string, parent *run.Parent) run.RunStarted {
	return run.RunStarted{
		At: run.At{At: noon}, Run: id, Flow: "main", Trigger: "n1", Parent: parent, Seed: "seed",
		Output: map[string]any{"password": "hJ7" + "kq9Zp2", "name": "ann"},
	}
}

// shelf is a Source whose pages hold one run.
type shelf struct {
	runs   []journal.Summary
	events map[string][]run.Event
}

func (s shelf) Events(_ context.Context, id string) ([]run.Event, error) {
	if s.events[id] == nil {
		return nil, fmt.Errorf("run %s: %w", id, journal.ErrNotFound)
	}
	return s.events[id], nil
}

func (s shelf) Runs(_ context.Context, _ bool, f journal.Filter) (journal.Page, error) {
	var page journal.Page
	for _, r := range s.runs {
		if f.Parent != "" && (r.Parent == nil || r.Parent.Run != f.Parent) {
			continue
		}
		switch {
		case len(page.Runs) == 1:
			page.Next = r.ID
			return page, nil
		case f.Cursor == "" || f.Cursor == r.ID:
			f.Cursor = ""
			page.Runs = append(page.Runs, r)
		}
	}
	return page, nil
}

// TestExport holds that runs come with all that they had made, however deep, and that
// what is written is read again.
func TestExport(t *testing.T) {
	t.Parallel()
	at := run.Place{Node: "n2", Visit: 1, Attempt: 1}
	spawned := run.ChildrenStarted{At: run.At{At: noon}, Place: at, Count: 2}
	end := run.RunEnded{At: run.At{At: noon}, Status: run.Completed}
	under := func(id string) *run.Parent { return &run.Parent{Run: id, Place: at} }
	s := shelf{
		runs: []journal.Summary{
			{ID: "r1", Flow: "main", Status: run.Completed},
			{ID: "r1a", Flow: "main", Status: run.Completed, Parent: under("r1")},
			{ID: "r1b", Flow: "main", Status: run.Completed, Parent: under("r1")},
			{ID: "r1b1", Flow: "main", Status: run.Completed, Parent: under("r1b")},
			{ID: "r2", Flow: "main", Status: run.Running},
			{ID: "r3", Flow: "main", Status: run.Completed},
		},
		events: map[string][]run.Event{
			"r1":   {began("r1", nil), spawned, end},
			"r1a":  {began("r1a", under("r1")), end},
			"r1b":  {began("r1b", under("r1")), spawned, end},
			"r1b1": {began("r1b1", under("r1b")), end},
		},
	}
	var file bytes.Buffer
	if err := record.Export(t.Context(), &file, s, true, journal.Filter{}); err != nil {
		t.Fatal(err)
	}
	var got []*record.Run
	for r, err := range record.Read(&file) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	want := []*record.Run{
		{ID: "r1", Flow: "main", Status: run.Completed, Events: s.events["r1"], Children: [][]run.Event{s.events["r1a"], s.events["r1b"], s.events["r1b1"]}},
		{ID: "r2", Flow: "main", Status: run.Running},
	} // r3 was removed meanwhile
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// TestMask holds that a secret is nowhere, in whatever way it is written, and that
// one secret has one word.
func TestMask(t *testing.T) {
	t.Parallel()
	secret := "hJ7" + "kq9Zp2"
	quoted := `Gh"5\k` + "q9Zp2x"
	first := began("r1", nil)
	first.Output["token"] = quoted
	at := run.Place{Node: "n2", Visit: 1, Attempt: 1}
	src := shelf{
		runs: []journal.Summary{{ID: "r1", Flow: "main", Status: run.Completed}, {ID: "r2", Flow: "main", Status: run.Completed}},
		events: map[string][]run.Event{
			"r1": {
				first,
				run.CallStarted{Place: at, Method: "GET", URL: "https://a.example.com/?q=" + secret},
				run.CallReplied{Place: at, Reply: run.Reply{Status: 200, Body: `{"again":"` + secret + `","more":{"apiKey":"zK8` + `x2Lm4q"},"t":"Gh\"5\\k` + `q9Zp2x"}`}},
				run.RunEnded{Status: run.Completed},
			},
			"r2": {run.RunStarted{Run: "r2", Flow: "main", Trigger: "n1", Output: map[string]any{"a": "b"}}, run.RunEnded{Status: run.Completed}},
		},
	}
	var file, masked bytes.Buffer
	if err := record.Export(t.Context(), &file, src, true, journal.Filter{}); err != nil {
		t.Fatal(err)
	}
	var told []bool
	if err := record.Mask(&masked, &file, func(m bool) { told = append(told, m) }); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]bool{true, false}, told); d != "" {
		t.Errorf("told (-want +got)\n%s", d)
	}
	for _, part := range []string{secret, "q9Zp2x", "zK8"} {
		if strings.Contains(masked.String(), part) {
			t.Errorf("%q is still there:\n%s", part, masked.String())
		}
	}
	for r, err := range record.Read(&masked) {
		if err != nil {
			t.Fatal(err)
		}
		if r.ID != "r1" {
			continue
		}
		call, _ := r.Events[1].(run.CallStarted)
		reply, _ := r.Events[2].(run.CallReplied)
		if !r.Masked || !record.HasWord(call.URL) || strings.Count(reply.Reply.Body, "secret-") != 3 {
			t.Errorf("masked %t, %s, %s", r.Masked, call.URL, reply.Reply.Body)
		}
	}
}

// TestReadWrong holds what is said of files that are none of runs.
func TestReadWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"run":"r1","flow":"main","status":"completed"}` + "\n{": "run 2 is cut off",
		`{"flow":"main"}`:            "run 1: it has no \"run\", which is its id; expected what `wend runs export` writes",
		`[1]`:                        "run 1: it is of type array; expected what `wend runs export` writes",
		`{"run":7}`:                  `run 1: "run" is of type number; expected what ` + "`wend runs export` writes",
		`flow: main`:                 "run 1: it is not JSON (invalid character 'l' in literal false (expecting 'a')); expected what `wend runs export` writes",
		`{"run":"r1","events":[{}]}`: `run r1: decode event 0, "": this version of Wend knows no event "", and the journal does not say which version wrote it`,
		`{"run":"r1","events":[{"type":"run-ended","event":{"status":"completed"}}]}`: "run r1: its events do not begin with its start",
	} {
		var last error
		var missing string
		for r, err := range record.Read(strings.NewReader(text)) {
			if last = err; err == nil {
				missing = "run r1: " + r.Missing
			}
		}
		got := missing
		if last != nil {
			got = last.Error()
		}
		if got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// FuzzRead: whatever a file holds, what is read of it can be masked, and is the same
// runs then.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"run":"r1","flow":"main","status":"completed","events":[{"type":"run-started","event":{"run":"r1","output":{"token":"abc123DEF"}}}],"children":[[]]}`))
	f.Add([]byte("{\"run\":\"r1\"}\n{"))
	f.Fuzz(func(t *testing.T, file []byte) {
		var before, after []string
		for r, err := range record.Read(bytes.NewReader(file)) {
			if err != nil {
				return
			}
			before = append(before, fmt.Sprint(r.ID, len(r.Events), len(r.Children)))
		}
		var masked bytes.Buffer
		if err := record.Mask(&masked, bytes.NewReader(file), func(bool) {}); err != nil {
			return // numbers that no flow could hold
		}
		for r, err := range record.Read(&masked) {
			if err != nil {
				t.Fatal(err)
			}
			after = append(after, fmt.Sprint(r.ID, len(r.Events), len(r.Children)))
		}
		if d := cmp.Diff(before, after); d != "" {
			t.Errorf("(-before +masked)\n%s", d)
		}
	})
}
