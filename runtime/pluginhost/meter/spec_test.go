package meter_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"github.com/wendflow/wend/runtime/pluginhost/meter"
	"github.com/wendflow/wend/runtime/wasm"
)

// TestSpec runs the WebAssembly specification's own tests, which wazero's module carries, twice: as they are and
// rewritten, with a refill at nearly every check. Both must give the same results and traps, and what is invalid must stay so.
func TestSpec(t *testing.T) {
	t.Parallel()
	dir := specDir(t)
	for _, suite := range []struct {
		dir      string
		features api.CoreFeatures
		commands int // at least; so that a moved file cannot make the test empty
	}{
		{"v1", api.CoreFeaturesV1, 16_000},
		{"v2", api.CoreFeaturesV2, 48_000},
		{"tail-call", api.CoreFeaturesV2 | experimental.CoreFeaturesTailCall, 80},
		{"extended-const", api.CoreFeaturesV2 | experimental.CoreFeaturesExtendedConst, 60},
		{"exception-handling", allFeatures, 80},
		{"typed-function-references", allFeatures &^ experimental.CoreFeaturesExceptionHandling, 800},
	} {
		t.Run(suite.dir, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && suite.dir == "v1" {
				t.Skip("v2 has these cases too")
			}
			files, err := filepath.Glob(filepath.Join(dir, suite.dir, "testdata", "*.json"))
			if err != nil {
				t.Fatal(err)
			}
			total := 0
			for _, f := range files {
				total += runSpecFile(t, f, suite.features)
			}
			t.Logf("%d files, %d commands compared", len(files), total)
			if total < suite.commands {
				t.Errorf("compared %d commands, want at least %d", total, suite.commands)
			}
		})
	}
}

func specDir(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tetratelabs/wazero").Output()
	if err != nil {
		t.Skipf("no go command to find wazero's module with: %v", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "internal", "integration_test", "spectest")
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("wazero's module is here without its tests (vendored?): %v", err)
	}
	return dir
}

// wazeroAccepts are invalid modules that wazero 1.12 accepts as soon as they have any function, as ours do: it takes
// a null in the initialiser of a table for that function.
var wazeroAccepts = map[string]bool{
	"typed-function-references/table.24.wasm": true,
	"typed-function-references/table.25.wasm": true,
}

type specCommand struct {
	Type       string
	Line       int
	Name       string
	Filename   string
	As         string
	ModuleType string `json:"module_type"`
	Action     struct {
		Type   string
		Field  string
		Module string
		Args   []specValue
	}
}

type specValue struct {
	Type     string
	LaneType string `json:"lane_type"`
	Value    any
}

// specWorld is one of the two runtimes in which a file's commands run.
type specWorld struct {
	rt      wazero.Runtime
	ctx     context.Context
	rewrite bool
	named   map[string]api.Module
	last    api.Module
}

func newSpecWorld(t *testing.T, features api.CoreFeatures, rewrite bool, spectest []byte) *specWorld {
	t.Helper()
	w := &specWorld{
		rt: newRuntime(t, features), rewrite: rewrite, named: map[string]api.Module{},
		ctx: withTank(context.Background(), meter.NewTank(math.MaxInt64, 1)),
	}
	if err := w.instantiate(spectest, "spectest", ""); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *specWorld) instantiate(wasm []byte, register, name string) error {
	if w.rewrite {
		m, err := meter.Rewrite(wasm, meter.Config{TableItems: math.MaxInt32})
		if err != nil {
			return err
		}
		wasm = m.Bytes
	}
	mod, err := w.rt.InstantiateWithConfig(w.ctx, wasm, wazero.NewModuleConfig().WithName(register))
	if err != nil {
		return err
	}
	w.last = mod
	if name != "" {
		w.named[name] = mod
	}
	return nil
}

// act does a command's action and describes what came of it.
func (w *specWorld) act(c specCommand) string {
	m := w.last
	if c.Action.Module != "" {
		m = w.named[c.Action.Module]
	}
	if m == nil {
		return "no module"
	}
	if c.Action.Type == "get" {
		g := m.ExportedGlobal(c.Action.Field)
		return fmt.Sprintf("%s %#x", api.ValueTypeName(g.Type()), g.Get())
	}
	f := m.ExportedFunction(c.Action.Field)
	if f == nil {
		return "no function"
	}
	var args []uint64
	for _, a := range c.Action.Args {
		args = append(args, a.words()...)
	}
	res, err := f.Call(w.ctx, args...)
	if err != nil {
		return w.trap(m, err)
	}
	for i, typ := range f.Definition().ResultTypes() {
		if typ != api.ValueTypeI32 && typ != api.ValueTypeF32 && typ != api.ValueTypeI64 && typ != api.ValueTypeF64 &&
			typ != 0x7b && res[i] != 0 {
			res[i] = 1 // references are addresses
		}
	}
	return fmt.Sprintf("%#x", res)
}

// trap returns the kind of a trap: the first line of the error.
func (w *specWorld) trap(m api.Module, err error) string {
	kind, _, _ := strings.Cut(err.Error(), "\n")
	if d := m.ExportedGlobal(meter.DepthGlobal); d != nil && int32(d.Get()) < 0 {
		kind = "stack overflow"
		d.(api.MutableGlobal).Set(10_000)
	}
	return strings.TrimPrefix(kind, "wasm error: ")
}

func (v specValue) words() []uint64 {
	lanes, ok := v.Value.([]any)
	if !ok {
		lanes = []any{v.Value}
	}
	typ := v.Type
	if typ == "v128" {
		typ = v.LaneType
	}
	width, _ := strconv.Atoi(strings.TrimLeft(typ, "if"))
	var words []uint64
	for i, lane := range lanes {
		bits := laneBits(lane, typ, width)
		if shift := i * width % 64; v.Type == "v128" && shift != 0 {
			words[len(words)-1] |= bits << shift
		} else {
			words = append(words, bits)
		}
	}
	return words
}

func laneBits(lane any, typ string, width int) uint64 {
	s, _ := lane.(string)
	switch {
	case s == "" || s == "null":
		return 0
	case typ == "externref":
		n, _ := strconv.ParseUint(s, 10, 64)
		return n + 1 // wazero's null is 0
	case strings.HasPrefix(s, "-"):
		n, _ := strconv.ParseInt(s, 10, width)
		return uint64(n) & (1<<width - 1)
	}
	n, _ := strconv.ParseUint(s, 10, 64)
	return n
}

func runSpecFile(t *testing.T, file string, features api.CoreFeatures) (compared int) {
	t.Helper()
	dir := filepath.Dir(file)
	spectest, err := os.ReadFile(filepath.Join(dir, "../../testdata/spectest.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var suite struct{ Commands []specCommand }
	if err := json.Unmarshal(raw, &suite); err != nil {
		t.Fatal(err)
	}
	plain, metered := newSpecWorld(t, features, false, spectest), newSpecWorld(t, features, true, spectest)
	for i, c := range suite.Commands {
		where := fmt.Sprintf("%s line %d (%s)", filepath.Base(file), c.Line, c.Type)
		switch c.Type {
		case "module", "assert_uninstantiable", "assert_unlinkable", "assert_invalid", "assert_malformed":
			if c.ModuleType == "text" || strings.HasSuffix(c.Filename, ".wat") {
				continue
			}
			module, err := os.ReadFile(filepath.Join(dir, c.Filename))
			if err != nil {
				t.Fatal(err)
			}
			register := ""
			if i+1 < len(suite.Commands) && suite.Commands[i+1].Type == "register" {
				register = suite.Commands[i+1].As
			}
			a, b := plain.instantiate(module, register, c.Name), metered.instantiate(module, register, c.Name)
			if (a == nil) != (b == nil) && !wazeroAccepts[filepath.Base(filepath.Dir(dir))+"/"+c.Filename] {
				t.Errorf("%s %s: plain: %v\nmetered: %v", where, c.Filename, a, b)
			}
			var refused *wasm.Error
			if c.Type == "module" && errors.As(b, &refused) {
				t.Errorf("%s %s: %v", where, c.Filename, b)
			}
		case "assert_return", "action", "assert_trap", "assert_exhaustion", "assert_exception":
			if a, b := plain.act(c), metered.act(c); a != b {
				t.Errorf("%s %s(%v) = %s metered, %s plain", where, c.Action.Field, c.Action.Args, b, a)
			}
		case "register":
			continue
		default:
			t.Fatalf("%s: command is not known", where)
		}
		compared++
	}
	return compared
}

// TestSpecThreads checks that the threads proposal is refused by name.
func TestSpecThreads(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(specDir(t), "threads", "testdata", "atomic.*.wasm"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no modules: %v", err)
	}
	slices.Sort(files)
	wasm, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	_, err = meter.Rewrite(wasm, meter.Config{})
	if err == nil || !strings.Contains(err.Error(), "threads") {
		t.Errorf("Rewrite(%s) = %v, want an error that names threads", filepath.Base(files[0]), err)
	}
}
