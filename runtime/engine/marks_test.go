package engine_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/run"
)

// TestMarks: what a run begins with, what is missing where something cannot be
// made, and that no run is lost for it.
func TestMarks(t *testing.T) {
	t.Parallel()
	const head = `variables: { region: eu }
key: $(hook.id)
labels:
  region: $(region)
  from: $(flow.name)-$(hook.customer.name ?? "")
  maybe: $(hook.tier ?? "")
  zero: $(hook.zero)
  run: $(run.id)
`
	type marks struct {
		Key      string
		Labels   map[string]string
		Unmarked []string
	}
	labels := func(more ...string) map[string]string {
		all := map[string]string{"region": "eu", "from": "sample-", "run": "r1"}
		for i := 0; i < len(more); i += 2 {
			all[more[i]] = more[i+1]
		}
		return all
	}
	const noZero = `label "zero": $(hook.zero): it is nil, which has no text; give a default with ?? "…"`
	for name, tc := range map[string]struct {
		output    map[string]any
		variables map[string]any
		want      marks
	}{
		"all": {
			map[string]any{"id": "c-1", "tier": "gold", "zero": 0, "customer": map[string]any{"name": "Zoë"}},
			nil,
			marks{"c-1", labels("maybe", "gold", "zero", "0", "from", "sample-Zoë"), nil},
		},
		"a number, a truth, a variable of this run": {
			map[string]any{"id": 12345678901234567, "zero": true},
			map[string]any{"region": "us"},
			marks{"12345678901234567", labels("zero", "true", "region", "us"), nil},
		},
		"nil": {
			map[string]any{},
			nil,
			marks{"", labels(), []string{`key: $(hook.id): it is nil, which has no text; give a default with ?? "…"`, noZero}},
		},
		"an object": {
			map[string]any{"id": map[string]any{"a": 1}},
			nil,
			marks{"", labels(), []string{"key: $(hook.id): it is an object, expected a text, a number, true or false", noZero}},
		},
		"too long": {
			map[string]any{"id": strings.Repeat("é", 129), "zero": strings.Repeat("z", 256)},
			nil,
			marks{"", labels("zero", strings.Repeat("z", 256)), []string{`key: $(hook.id): it has 258 bytes, at most 256 are possible: "` + strings.Repeat("é", 40) + `"…`}},
		},
		"a template that fails": {
			map[string]any{"id": "c-1", "zero": "", "customer": 7},
			nil,
			marks{"c-1", map[string]string{"region": "eu", "run": "r1"}, []string{`label "from": sample.yaml:6:24: $(hook.customer.name ?? ""): hook.customer is an integer and has no field "name"`}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := loadHeaded(t, head, "  a: { type: respond }")
			e := engine.New(engine.Config{Caller: &vendor{}, NewID: func() string { return "r1" }})
			r, _, err := e.Start(t.Context(), engine.Start{Flow: f, Trigger: "hook", Output: tc.output, Variables: tc.variables})
			if err != nil {
				t.Fatal(err)
			}
			if res, err := r.Wait(t.Context()); err != nil || res.Status != run.Completed {
				t.Errorf("the run is %s, %v", res.Status, err)
			}
			first := r.Events()[0].(run.RunStarted)
			if diff := cmp.Diff(tc.want, marks{first.Key, first.Labels, first.Unmarked}); diff != "" {
				t.Errorf("marks (-want +got):\n%s", diff)
			}
		})
	}
}

// TestMarksOfARetry: a run that takes up another is about the same, whatever
// became of the variables that its key was made of.
func TestMarksOfARetry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := loadHeaded(t, "key: $(hook.id)\nlabels: { run: $(run.id) }\n", "  a: { type: ends }")
		p := boot(t, disk(), f, &vendor{})
		r, _, err := p.Start(t.Context(), engine.Start{Flow: f, Output: map[string]any{"id": "c-1"}, Accepted: true})
		if err != nil {
			t.Fatal(err)
		}
		first := ended(t, p.disk(), r.ID)
		again, _, err := p.Retry(t.Context(), r.ID, engine.Retry{From: "a"})
		if err != nil {
			t.Fatal(err)
		}
		second := ended(t, p.disk(), again.ID)
		if second.Key != "c-1" || second.Labels["run"] != first.ID || second.ID == first.ID {
			t.Errorf("run %s has the key %q and the labels %v; the run before was %s", second.ID, second.Key, second.Labels, first.ID)
		}
	})
}

// TestMarksOfTwoTriggers: a run has nothing of the trigger that it did not begin
// at.
func TestMarksOfTwoTriggers(t *testing.T) {
	t.Parallel()
	f := loadHeaded(t, "key: $(hook?.id ?? other?.id ?? \"\")\n", "  other: { type: start, next: a }\n  a: { type: respond }")
	e := engine.New(engine.Config{Caller: &vendor{}})
	for trigger, output := range map[string]map[string]any{
		"hook": {"id": "c-1"}, "other": {"id": "c-1"},
	} {
		r, _, err := e.Start(t.Context(), engine.Start{Flow: f, Trigger: trigger, Output: output})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if first := r.Events()[0].(run.RunStarted); first.Key != "c-1" || first.Unmarked != nil {
			t.Errorf("begun at %s: key %q, without %q", trigger, first.Key, first.Unmarked)
		}
	}
}
