package pluginhost_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/wendflow/wend/runtime/pluginhost"
)

// TestProfile holds that all fuel of an invoke is found again, under the names
// of functions, and that looking does not change it.
func TestProfile(t *testing.T) {
	t.Parallel()
	step := func(c pluginhost.Config) pluginhost.Status {
		p := load(t, newHost(t, c), guest(t))
		for range 2 {
			if _, err := method(t, p, "end-task").Step(t.Context(), visit(endTaskInputs)); err != nil {
				t.Fatal(err)
			}
		}
		return p.Status()
	}
	var profile pluginhost.Profile
	traced, plain := step(pluginhost.Config{Profile: &profile}), step(pluginhost.Config{})
	if traced.Fuel != plain.Fuel {
		t.Errorf("two invokes used %d fuel with a profile, %d without", traced.Fuel, plain.Fuel)
	}
	self, invoke := uint64(0), pluginhost.FunctionFuel{}
	for _, f := range profile.Functions() {
		self += f.Self
		if f.Name == "wend_invoke" || f.Name == "wend_invoke_table" {
			invoke = f
		}
		if f.Self > f.Total {
			t.Errorf("%s used %d by itself, %d with what it called", f.Name, f.Self, f.Total)
		}
	}
	if self != plain.Fuel {
		t.Errorf("the functions used %d fuel, the invokes %d", self, plain.Fuel)
	}
	if invoke.Calls != 2 || invoke.Total < self*9/10 {
		t.Errorf("the entry is %+v, want two calls that used nearly all of %d", invoke, self)
	}
	var text bytes.Buffer
	if err := profile.WriteText(&text, 10); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(text.String(), "\n"); lines != 12 || !strings.Contains(text.String(), "runtime.") {
		t.Errorf("WriteText(10) wrote %d lines, want a head of two and ten functions:\n%s", lines, &text)
	}
}

// TestProfileOfATrap holds that an invoke which traps is accounted for too.
func TestProfileOfATrap(t *testing.T) {
	t.Parallel()
	var profile pluginhost.Profile
	p := load(t, newHost(t, pluginhost.Config{Profile: &profile}), guest(t))
	if _, err := method(t, p, "explode").Step(t.Context(), visit(map[string]any{})); err == nil {
		t.Fatal("the method did not panic")
	}
	self := uint64(0)
	for _, f := range profile.Functions() {
		self += f.Self
	}
	if used := p.Status().Fuel; self != used {
		t.Errorf("the functions used %d fuel, the invoke %d", self, used)
	}
}
