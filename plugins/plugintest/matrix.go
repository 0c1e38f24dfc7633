package plugintest

import (
	"os"
	"testing"
	"time"

	"github.com/wendflow/wend/runtime/yamldoc"
	"github.com/wendflow/wend/sdk/sdktest"
)

// Matrix is testdata/matrix.yaml: visits of methods, each with what comes of it.
// R is what a row is for a vendor, a struct with a Row inline.
type Matrix[R any] struct {
	Connections map[string]Connection
	Rows        []R
}

// Row is what the rows of all vendors have.
type Row struct {
	Name       string
	Method     string
	Connection string // its name
	Inputs     map[string]any
	Settings   map[string]any // over those of the connection
	Emulator   map[string]any // settings of the emulator
	Faults     []string       // of the emulator, as emulator.ParseFault reads them
	Timeout    time.Duration  // of each call
	Want       struct {
		Outcome string
		Outputs map[string]any // these among others
		State   string         // of what the method deals with, in the emulator
		Calls   *int
	}
}

// ReadMatrix reads testdata/matrix.yaml. It fails on a key that R lacks.
func ReadMatrix[R any](t testing.TB) Matrix[R] {
	t.Helper()
	source, err := os.ReadFile("testdata/matrix.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var m Matrix[R]
	if err := yamldoc.Decode(source, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// Check holds a result against the row. The state is left to the caller.
func (r Row) Check(t testing.TB, result sdktest.Result) {
	t.Helper()
	if result.Outcome != r.Want.Outcome {
		t.Errorf("outcome %s: %s; want %s", result.Outcome, result.Message, r.Want.Outcome)
	}
	for name, want := range r.Want.Outputs {
		if got := result.Outputs[name]; got != want {
			t.Errorf("output %s is %#v, want %#v", name, got, want)
		}
	}
	if r.Want.Calls != nil && len(result.Calls) != *r.Want.Calls {
		t.Errorf("%d calls were made, want %d", len(result.Calls), *r.Want.Calls)
	}
}

// Covered fails if two rows have one name, or an outcome of a method has no row.
func (p *Plugin) Covered(t testing.TB, rows []Row) {
	t.Helper()
	left := map[string]bool{}
	for _, method := range p.Manifest(t).Methods {
		for _, o := range method.Outcomes.All {
			left[method.Name+" "+o.Name] = true
		}
	}
	names := map[string]bool{}
	for _, r := range rows {
		if names[r.Name] {
			t.Errorf("two rows are called %q", r.Name)
		}
		names[r.Name] = true
		delete(left, r.Method+" "+r.Want.Outcome)
	}
	for name := range left {
		t.Errorf("testdata/matrix.yaml has no row for %s", name)
	}
}
