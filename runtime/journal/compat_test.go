package journal_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/journal"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
)

// TestOldJournals reads what earlier versions wrote: v1 did not say which version
// that was, v2 does, v3 has keys, labels and errors. The files
// in testdata are never changed: a version that cannot read them loses runs.
func TestOldJournals(t *testing.T) {
	t.Parallel()
	for _, path := range oldJournals(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			data := read(t, path)
			events, err := run.Unmarshal(data)
			if err != nil {
				t.Fatal(err)
			}
			again, err := run.Marshal(events)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(plain(t, data), plain(t, again)); diff != "" {
				t.Errorf("written again, the journal differs (-old +new):\n%s", diff)
			}
			sum, err := journal.Summarize(events)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, strings.TrimSuffix(path, ".json")+".summary", sum)
			foldEachPrefix(t, events)
		})
	}
}

// foldEachPrefix checks that old journals fold, and that a summary says at
// every event what the state says.
func foldEachPrefix(t *testing.T, events []run.Event) {
	t.Helper()
	for n := 1; n <= len(events); n++ {
		state, err := run.Fold(endTask(), events[:n])
		if err != nil {
			t.Fatal(err)
		}
		sum, err := journal.Summarize(events[:n])
		if err != nil {
			t.Fatal(err)
		}
		type both struct {
			ID, Outcome, Code, Reason string
			Status                    run.Status
			Events                    int
		}
		got := both{sum.ID, sum.Outcome, sum.Code, sum.Reason, sum.Status, sum.Events}
		want := both{state.ID, state.Outcome, state.Code, state.Reason, state.Status, state.Seq}
		if got != want {
			t.Errorf("after %d events the summary is %+v, the state %+v", n, got, want)
		}
	}
}

// endTask is the flow that the old journals are of.
func endTask() *flow.Flow {
	work := func(id, success, next string) *flow.Node {
		return &flow.Node{
			ID: id, Type: &node.Type{Name: "work"}, Outcomes: node.Outcomes{Success: success, Fault: "onError"},
			Retry: flow.Retry{Max: 2, On: []string{"onTimeout"}}, Routes: map[string]string{success: next},
		}
	}
	nodes := map[string]*flow.Node{
		"n2": work("n2", "success", "n3"), "n3": work("n3", "success", "n4"),
		"n4": work("n4", "Success", "done"), "done": work("done", "success", ""),
	}
	delete(nodes["done"].Routes, "success")
	return &flow.Flow{Name: "sms-end-task", Nodes: nodes, Triggers: []*flow.Node{nodes["n2"]}}
}

// FuzzStored reads what may be in a store after damage: it fails or gives a
// run that can be written and read again.
func FuzzStored(f *testing.F) {
	for _, path := range oldJournals(f) {
		f.Add(read(f, path))
	}
	f.Add([]byte(`[{"type":"run-started","event":{"run":"a","output":{"n":1e400}}}]`))
	f.Add([]byte(`[{"type":"run-started","event":null},{"type":"run-ended","event":{"status":"x"}}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		events, err := run.Unmarshal(data)
		if err != nil {
			return
		}
		first, err := journal.Summarize(events)
		if err != nil {
			return
		}
		again, err := run.Marshal(events)
		if err != nil {
			return // a number that JSON cannot hold
		}
		if events, err = run.Unmarshal(again); err != nil {
			t.Fatalf("what was written cannot be read: %v\n%s", err, again)
		}
		second, err := journal.Summarize(events)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("read again (-first +second):\n%s", diff)
		}
	})
}

func oldJournals(tb testing.TB) []string {
	tb.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", "v*", "*.json"))
	if err != nil || len(paths) == 0 {
		tb.Fatalf("no old journals: %v", err)
	}
	return paths
}

func read(tb testing.TB, path string) []byte {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

func plain(t *testing.T, data []byte) (v any) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// golden compares v, as JSON, with a file, which UPDATE=1 writes.
func golden(t *testing.T, path string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(read(t, path)), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}
