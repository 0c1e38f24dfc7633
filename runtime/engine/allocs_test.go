package engine_test

import (
	"runtime/debug"
	"slices"
	"testing"

	"github.com/wendflow/wend/runtime/engine"
)

// TestAllocations holds what a run costs that calls a vendor once and answers.
// A change that raises the budget says why it is worth it.
func TestAllocations(t *testing.T) {
	if info, _ := debug.ReadBuildInfo(); info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("the race detector allocates too")
	}
	const budget = 127
	f := load(t, "  a: { type: call, with: { urls: [/one] }, next: b }\n  b: { type: respond, with: { body: $(a.status) } }")
	e := engine.New(engine.Config{Caller: &vendor{}})
	got := testing.AllocsPerRun(200, func() {
		if _, err := start(t, e, f).Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	if got > budget || got < budget-2 {
		t.Errorf("a run of three nodes makes %v allocations, its budget is %d", got, budget)
	}
}
