package run_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/run"
)

// TestTableIsWhole finds in the source the types that are events, and wants
// each to have a row. That every switch has a case for each is for the linter.
func TestTableIsWhole(t *testing.T) {
	t.Parallel()
	rows := map[string]string{}
	for name, typ := range run.Table() {
		rows[typ.Name()] = name
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			method, ok := d.(*ast.FuncDecl)
			if !ok || method.Name.Name != "event" || method.Recv == nil {
				continue
			}
			found++
			event := method.Recv.List[0].Type.(*ast.Ident).Name
			if rows[event] == "" {
				t.Errorf("event %s has no row in the table, so it has no name and cannot be read", event)
			}
		}
	}
	if found != len(rows) {
		t.Errorf("%d types are events, and the table has %d names", found, len(rows))
	}
}

// The names are in journals.
func TestNamesOfEvents(t *testing.T) {
	t.Parallel()
	var names []string
	for name := range run.Table() {
		names = append(names, name)
	}
	slices.Sort(names)
	want := []string{
		"call-replied", "call-started", "child-ended", "children-started", "children-stopped", "event-awaited", "event-received", "node-finished", "run-cancelled",
		"run-ended", "run-paused", "run-responded", "run-resumed", "run-started", "timer-fired", "timer-set",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func TestUnmarshalUnknown(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, rest string
		want       run.UnknownError
		message    string
	}{
		{
			"an event", `{"type":"run-dreamt","event":{"at":"2026-11-20T08:00:00Z"}}`,
			run.UnknownError{What: "event", Name: "run-dreamt", Wend: "v1.2.0"},
			`decode event 1, "run-dreamt": this version of Wend knows no event "run-dreamt"; version v1.2.0 wrote it: use that one or a later one`,
		},
		{
			"an event of a version that took the run up", `{"type":"run-dreamt","event":{"at":"2026-11-20T08:00:00Z","wend":"v9.0.0"}}`,
			run.UnknownError{What: "event", Name: "run-dreamt", Wend: "v9.0.0"},
			"",
		},
		{
			"an event that is not even an object", `{"type":"run-dreamt","event":7}`,
			run.UnknownError{What: "event", Name: "run-dreamt", Wend: "v1.2.0"},
			"",
		},
		{
			"after a version that took the run up", `{"type":"timer-set","event":{"wend":"v2.0.0","kind":"sleep"}},{"type":"timer-set","event":{"kind":"sleep"}},{"type":"x","event":{}}`,
			run.UnknownError{What: "event", Name: "x", Wend: "v2.0.0"},
			"",
		},
		{"a status", `{"type":"run-ended","event":{"status":"suspended"}}`, run.UnknownError{What: "status", Name: "suspended", Wend: "v1.2.0"}, ""},
		{"a status that ends no run", `{"type":"run-ended","event":{"status":"running"}}`, run.UnknownError{What: "status", Name: "running", Wend: "v1.2.0"}, ""},
		{"a timer", `{"type":"timer-set","event":{"kind":"lunch"}}`, run.UnknownError{What: "timer", Name: "lunch", Wend: "v1.2.0"}, ""},
		{"a timer that fired", `{"type":"timer-fired","event":{"wend":"v3","kind":"lunch"}}`, run.UnknownError{What: "timer", Name: "lunch", Wend: "v3"}, ""},
		{"a cause", `{"type":"run-paused","event":{"cause":"lunch"}}`, run.UnknownError{What: "cause", Name: "lunch", Wend: "v1.2.0"}, ""},
		{"a failure", `{"type":"call-replied","event":{"reply":{"failure":"eaten"}}}`, run.UnknownError{What: "failure", Name: "eaten", Wend: "v1.2.0"}, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := run.Unmarshal([]byte(`[{"type":"run-started","event":{"run":"r1","wend":"v1.2.0"}},` + tc.rest + `]`))
			unknown, ok := errors.AsType[*run.UnknownError](err)
			if !ok {
				t.Fatalf("Unmarshal: %v, want an UnknownError", err)
			}
			if diff := cmp.Diff(tc.want, *unknown); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if tc.message != "" && err.Error() != tc.message {
				t.Errorf("error %q, want %q", err, tc.message)
			}
		})
	}
	// Journals of versions that did not write down which they were.
	_, err := run.Unmarshal([]byte(`[{"type":"run-started","event":{"run":"r1"}},{"type":"x","event":{}}]`))
	if want := "the journal does not say which version wrote it"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Unmarshal: %v, want %q in it", err, want)
	}
}

// What an append holds is read after the appends before it.
func TestUnmarshalMore(t *testing.T) {
	t.Parallel()
	first, err := run.Unmarshal([]byte(`[{"type":"run-started","event":{"run":"r1","wend":"v1.2.0"}}]`))
	if err != nil {
		t.Fatal(err)
	}
	all, err := run.UnmarshalMore(first, []byte(`[{"type":"run-cancelled","event":{"reason":"enough"}}]`))
	if err != nil || len(all) != 2 || all[1].(run.RunCancelled).Reason != "enough" {
		t.Errorf("UnmarshalMore: %v, %v", all, err)
	}
	_, err = run.UnmarshalMore(first, []byte(`[{"type":"x","event":{}}]`))
	if unknown, ok := errors.AsType[*run.UnknownError](err); !ok || unknown.Wend != "v1.2.0" {
		t.Errorf("UnmarshalMore: %v, want the version of the event before", err)
	}
}

func TestMoved(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 29, 7, 0, 0, 0, time.UTC)
	for name, typ := range run.Table() {
		e, ok := reflect.Zero(typ).Interface().(run.Event)
		if !ok {
			t.Fatalf("%s is no event", name)
		}
		moved := run.Moved(e, at)
		if reflect.TypeOf(moved) != typ || !moved.When().Equal(at) || !e.When().IsZero() {
			t.Errorf("%s: moved to %s it is a %T of %s, and was changed to %s", name, at, moved, moved.When(), e.When())
		}
	}
}
