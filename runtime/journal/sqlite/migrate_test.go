package sqlite_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/journal/sqlite"
	"github.com/wendflow/wend/runtime/run"
)

// TestOldSchemas opens stores that earlier versions left: all that was in them
// is there. The files in testdata are never changed.
func TestOldSchemas(t *testing.T) {
	t.Parallel()
	const newest = 9
	for v := 1; v <= newest; v++ {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for i := 1; i <= v; i++ {
				execute(t, dir, read(t, fmt.Sprintf("schema/%d.sql", i)))
			}
			execute(t, dir, read(t, fmt.Sprintf("testdata/schema%d.sql", v)))
			execute(t, dir, fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", 0x57656e64, v))
			s, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Now: func() time.Time { return noon }})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			same(t, s, v)
		})
	}
}

// same checks what testdata/schema1.sql holds, and what later ones added.
func same(t *testing.T, s *sqlite.Store, schema int) {
	t.Helper()
	const ended = "019aa0a6-4c00-7000-8000-000000000001"
	ctx := t.Context()
	sum, err := s.Find(ctx, ended)
	if err != nil {
		t.Fatal(err)
	}
	want := journal.Summary{
		ID: ended, Flow: "sms-end-task", FlowDigest: "flow-1", Plugins: map[string]string{"cisco-cce/end-task": "plugin-1"},
		Trigger: "n2", Status: run.Completed, Node: "n4", Outcome: "success",
		StartedAt: noon, UpdatedAt: noon, EndedAt: noon, Events: 4,
	}
	if schema >= 3 {
		want.Response = 409
		want.Error = &run.Failure{Node: "n3", Outcome: "onTimeout", Message: "no answer", Attempt: 2}
	}
	if schema >= 5 {
		want.Key, want.Labels = "c-7 “x”", map[string]string{"channel": "sms", "tier": "gold"}
		for _, f := range []journal.Filter{{Key: want.Key}, {Labels: want.Labels}} {
			if page, err := s.Runs(ctx, f); err != nil || len(page.Runs) != 1 || page.Runs[0].ID != ended {
				t.Errorf("Runs(%+v): %+v, %v", f, page.Runs, err)
			}
		}
	}
	if schema >= 8 {
		want.Parent = &run.Parent{Run: "waits", Place: run.Place{Node: "n4", Visit: 1, Attempt: 2}, Index: 3, Depth: 1}
		if page, err := s.Runs(ctx, journal.Filter{Parent: "waits"}); err != nil || len(page.Runs) != 1 || page.Runs[0].ID != ended {
			t.Errorf("Runs of the parent: %+v, %v", page.Runs, err)
		}
	}
	if diff := cmp.Diff(want, sum); diff != "" {
		t.Errorf("Find (-want +got):\n%s", diff)
	}
	if schema >= 6 {
		versions, err := s.Versions(ctx, "sms-end-task")
		if diff := cmp.Diff([]journal.Version{{
			Flow: "sms-end-task", Number: 2, Digest: "flow-1", Plugins: want.Plugins, File: "flows/sms.yaml", First: noon, Last: noon.Add(time.Hour),
		}}, versions); err != nil || diff != "" {
			t.Errorf("Versions: %v (-want +got):\n%s", err, diff)
		}
		standings, err := s.Standings(ctx)
		if diff := cmp.Diff([]journal.Standing{{
			Flow: "sms-end-task", Current: 2, Rollback: &journal.Rollback{Version: 1, Over: 2, Since: noon}, Pause: &journal.Pause{Since: noon, Reason: "incident"},
		}}, standings); err != nil || diff != "" {
			t.Errorf("Standings: %v (-want +got):\n%s", err, diff)
		}
	}
	if schema >= 9 {
		v, err := s.Value(ctx, "sms-end-task", "seen “x”")
		if err != nil || string(v.Data) != `{"at":7}` || v.Run != ended || !v.Updated.Equal(noon) || !v.Expires.Equal(noon.Add(time.Hour)) {
			t.Errorf("Value: %+v, %v", v, err)
		}
		for _, test := range [][2]string{{"change-1", "41"}, {"change-2", "42"}} {
			is, err := s.Change(ctx, journal.Change{Key: "count", Kind: journal.Add, By: 1, Run: "waits", After: 2, ID: test[0]}, journal.ValueBounds{Keys: 1, Size: 40})
			if err != nil || string(is.Data) != test[1] {
				t.Errorf("Change %s: %s, %v; want %s", test[0], is.Data, err, test[1])
			}
		}
	}
	events, err := s.Events(ctx, ended)
	if err != nil || len(events) != 4 {
		t.Fatalf("Events: %d events, %v; want 4", len(events), err)
	}
	body := events[2].(run.CallReplied).Reply.Body
	if want := strings.Repeat("long, therefore compressed. ", 300); body != want {
		t.Errorf("the body is %.50q… of %d bytes", body, len(body))
	}
	holder, err := s.Begin(ctx, "new", journal.Dedupe{Scope: "sms-end-task/n2", Key: "e-1", For: time.Hour}, wholeRun("new", "x"))
	if err != nil || holder != ended {
		t.Errorf("Begin = %q, %v; want %q", holder, err, ended)
	}
	waiting, err := s.Awaiting(ctx, "paid", "7")
	if diff := cmp.Diff([]string{"waits"}, waiting); err != nil || diff != "" {
		t.Errorf("Awaiting: %v (-want +got):\n%s", err, diff)
	}
	for taker, id := range map[string]string{"waits/n4/1": "e-7", "other": ""} {
		e, ok, err := s.Take(ctx, "paid", "7", taker)
		if err != nil || e.ID != id || ok != (id != "") {
			t.Errorf("Take for %s = %q, %v, %v; want %q", taker, e.ID, ok, err, id)
		}
	}
	if schema >= 7 {
		want := journal.Tick{Plan: "every 1h0m0s", At: noon, Seen: noon.Add(time.Hour), Run: ended}
		if tick, err := s.Ticked(ctx, "nightly/n1"); err != nil || !tick.Same(want) {
			t.Errorf("Ticked = %+v, %v; want %+v", tick, err, want)
		}
	}
	if data, err := s.Blob(ctx, "plugin-1"); err != nil || string(data) != "\x00asm" {
		t.Errorf("Blob = %q, %v", data, err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
