package main_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	wend "github.com/wendflow/wend/cmd/wend"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/plugincase"
	"github.com/wendflow/wend/runtime/pluginhost"
)

const fuelFile = "testdata/fuel.txt"

// fuelHead begins the file. The figures are those of one version of Go, whose
// runtime and compiler are in every guest.
func fuelHead() string {
	return "# Fuel of each invoke of the cases in plugins/*/testdata/cases, and what the host allocates for all of them together.\n" +
		"# Plugins built by " + runtime.Version() + ". Written by UPDATE=1 go test ./cmd/wend -run TestFuel\n"
}

// TestFuel holds what the shipped methods may cost, on any machine: the fuel of
// each invoke, and the host's allocations. It is not parallel, since others
// would allocate meanwhile.
func TestFuel(t *testing.T) {
	withoutRace(t)
	source, err := os.ReadFile(fuelFile)
	if err != nil && os.Getenv("UPDATE") == "" {
		t.Fatal(err)
	}
	budget, got := parseCosts(t, string(source)), []cost{}
	for _, vendor := range wend.Vendors() {
		got = append(got, costs(t, vendor)...)
	}
	if os.Getenv("UPDATE") != "" {
		text := fuelHead()
		for _, c := range got {
			text += c.String()
		}
		golden(t, fuelFile, text)
		return
	}
	if !strings.HasPrefix(string(source), fuelHead()) {
		t.Logf("%s was written with another version of Go than %s, which alone may change the figures", fuelFile, runtime.Version())
	}
	for _, c := range got {
		want := budget[c.name]
		delete(budget, c.name)
		if !c.within(want) {
			t.Errorf("its cost has changed (-was +is). If that is worth it, or if it is less: UPDATE=1 go test ./cmd/wend -run TestFuel\n-%s+%s", want, c)
		}
	}
	for name := range budget {
		t.Errorf("%s has a line for %q, which is no case any more", fuelFile, name)
	}
}

// cost is what one case takes.
type cost struct {
	name   string
	fuel   []uint64 // of each invoke
	allocs uint64
}

func (c cost) String() string {
	fuel := ""
	for _, f := range c.fuel {
		fuel += fmt.Sprintf(" %7d", f)
	}
	return fmt.Sprintf("%-38s%s  %d allocations\n", c.name, fuel, c.allocs)
}

// within tells whether c is as good as the same.
func (c cost) within(want cost) bool {
	if len(c.fuel) != len(want.fuel) {
		return false
	}
	for i := range c.fuel {
		if !near(c.fuel[i], want.fuel[i], 0) {
			return false
		}
	}
	return near(c.allocs, want.allocs, 2)
}

// near allows one per cent, or a few.
func near(a, b, few uint64) bool {
	return max(a, b)-min(a, b) <= max(b/100, few)
}

func parseCosts(t *testing.T, text string) map[string]cost {
	t.Helper()
	costs := map[string]cost{}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		c := cost{name: fields[0]}
		for _, field := range fields[1 : len(fields)-1] {
			n, err := strconv.ParseUint(field, 10, 64)
			if err != nil {
				t.Fatalf("%s: %q: %v", fuelFile, line, err)
			}
			c.fuel = append(c.fuel, n)
		}
		last := len(c.fuel) - 1
		c.fuel, c.allocs = c.fuel[:last], c.fuel[last]
		costs[c.name] = c
	}
	return costs
}

// costs plays all cases of a plugin, which has at least one for each method.
func costs(t *testing.T, vendor string) (all []cost) {
	t.Helper()
	host, err := pluginhost.New(t.Context(), pluginhost.Config{Instances: 1, CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer host.Close(context.WithoutCancel(t.Context()))
	wasm, err := os.ReadFile(filepath.Join(plugins(t, vendor), vendor+".wasm"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := host.Load(t.Context(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	played := map[string]bool{}
	for _, c := range readAllCases(t, vendor) {
		played[c.Method] = true
		typ, wrong := c.Find(vendor, p.Types())
		if typ == nil {
			t.Fatal(wrong.Err())
		}
		all = append(all, costOf(t, vendor, p, typ, c))
	}
	for _, m := range p.Manifest().Methods {
		if !played[m.Name] {
			t.Errorf("plugins/%s/testdata/cases has no case for the method %q", vendor, m.Name)
		}
	}
	return all
}

func readAllCases(t *testing.T, vendor string) (cases []*plugincase.Case) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "plugins", vendor, "testdata", "cases", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		read, mistakes := plugincase.Parse(file, source)
		if err := mistakes.Err(); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, read...)
	}
	return cases
}

// costOf plays a case, which has to end as it says.
func costOf(t *testing.T, vendor string, p *pluginhost.Plugin, typ *node.Type, c *plugincase.Case) cost {
	t.Helper()
	got := cost{name: vendor + "/" + strings.ReplaceAll(c.Name, " ", "-")}
	counted := *typ
	counted.Step = func(ctx context.Context, v node.Visit) (node.Action, error) {
		before := p.Status().Fuel
		action, err := typ.Step(ctx, v)
		got.fuel = append(got.fuel, p.Status().Fuel-before)
		return action, err
	}
	if err := c.Compare(c.Play(t.Context(), &counted)).Err(); err != nil {
		t.Error(err)
	}
	got.allocs = uint64(testing.AllocsPerRun(20, func() { c.Play(t.Context(), typ) }))
	return got
}
