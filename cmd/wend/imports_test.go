package main_test

import (
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/wendflow/wend/"

// diagram says which of our packages each package may import. It is the
// picture of the architecture: data flows yamldoc -> expand, spec -> flow -> run ->
// journal -> engine, imports point only back along that line, and only cmd wires.
// A * stands for one name. A package that is missing here, a row whose packages
// are gone, or an allowance that nobody uses fails too.
var diagram = map[string]string{
	"runtime/diag":                "",
	"runtime/data":                "",
	"runtime/pattern":             "",
	"runtime/route":               "",
	"runtime/yamldoc":             "runtime/data runtime/diag",
	"runtime/spec":                "runtime/diag runtime/yamldoc",
	"runtime/expand":              "runtime/data runtime/diag runtime/pattern runtime/yamldoc",
	"runtime/timetable":           "runtime/diag",
	"runtime/node":                "runtime/data runtime/diag runtime/pattern runtime/route runtime/timetable sdk/wire",
	"runtime/flow":                "runtime/data runtime/diag runtime/secret runtime/spec runtime/expand runtime/node runtime/yamldoc",
	"runtime/flowschema":          "runtime/node runtime/yamldoc",
	"runtime/catalog":             "runtime/diag runtime/flow runtime/infile runtime/journal runtime/node runtime/route",
	"runtime/run":                 "runtime/data runtime/expand runtime/flow runtime/node sdk/wire",
	"runtime/graphviz":            "",
	"runtime/graph":               "runtime/flow runtime/graphviz runtime/run",
	"runtime/journal":             "runtime/data runtime/run",
	"runtime/journal/sqlite":      "runtime/infile runtime/journal runtime/run",
	"runtime/journal/journaltest": "runtime/journal runtime/node runtime/run sdk/wire",
	"runtime/clock":               "",
	"runtime/infile":              "",
	"runtime/secret":              "runtime/infile",
	"runtime/outbound":            "runtime/clock runtime/data runtime/infile runtime/secret runtime/yamldoc sdk/wire",
	"runtime/record":              "runtime/data runtime/journal runtime/run runtime/secret",
	"runtime/secret/vault":        "runtime/clock runtime/secret",
	"runtime/config":              "runtime/diag runtime/infile runtime/outbound runtime/secret runtime/secret/vault runtime/yamldoc",
	"runtime/tracecontext":        "",
	"runtime/fact":                "runtime/clock runtime/data runtime/journal runtime/run sdk/wire",
	"runtime/engine":              "runtime/fact runtime/tracecontext runtime/data runtime/clock runtime/diag runtime/expand runtime/flow runtime/node runtime/run runtime/journal runtime/outbound sdk/wire",
	"runtime/wasm":                "",
	"runtime/manifest":            "runtime/data runtime/diag runtime/node runtime/wasm runtime/yamldoc sdk/wire",
	"runtime/engine/enginetest":   "nodes runtime/clock runtime/engine runtime/flow runtime/journal runtime/node runtime/outbound runtime/run sdk/wire",
	"runtime/pluginhost":          "runtime/data runtime/manifest runtime/node runtime/pluginhost/meter runtime/wasm sdk/wire",
	"runtime/pluginhost/meter":    "runtime/wasm",
	"runtime/pluginbuild":         "runtime/diag runtime/infile runtime/manifest runtime/pluginhost runtime/wasm",
	"runtime/casefile":            "runtime/data runtime/diag runtime/pattern runtime/yamldoc sdk/wire",
	"runtime/plugincase":          "runtime/casefile runtime/data runtime/diag runtime/node runtime/outbound runtime/pluginhost runtime/run runtime/yamldoc sdk/wire",
	"runtime/registry":            "runtime/clock runtime/infile runtime/journal runtime/manifest runtime/node runtime/pluginhost runtime/wasm",
	"runtime/retention":           "runtime/clock runtime/infile runtime/journal",
	"runtime/watch":               "",
	"runtime/problem":             "",
	"runtime/trigger":             "runtime/data runtime/flow runtime/node runtime/problem",
	"runtime/schedule":            "runtime/catalog runtime/clock runtime/engine runtime/fact runtime/flow runtime/journal runtime/node runtime/trigger",
	"runtime/cloudevent":          "runtime/data runtime/node runtime/problem runtime/trigger",
	"runtime/auth":                "runtime/infile runtime/problem",
	"runtime/quota":               "runtime/problem",
	"runtime/telemetry":           "runtime/fact runtime/quota runtime/run runtime/tracecontext",
	"runtime/webhook":             "runtime/fact runtime/outbound runtime/quota runtime/data runtime/trigger runtime/catalog runtime/clock runtime/diag runtime/engine runtime/expand runtime/journal runtime/node runtime/problem runtime/route runtime/run",
	"runtime/flowtest":            "runtime/casefile runtime/catalog runtime/clock runtime/data runtime/diag runtime/engine runtime/fact runtime/flow runtime/infile runtime/journal runtime/node runtime/outbound runtime/problem runtime/run runtime/secret runtime/trigger runtime/webhook runtime/yamldoc sdk/wire",
	"runtime/backtest":            "runtime/clock runtime/data runtime/engine runtime/flow runtime/journal runtime/node runtime/outbound runtime/record runtime/run sdk/wire",
	"runtime/api":                 "runtime/record runtime/auth runtime/quota runtime/trigger runtime/catalog runtime/cloudevent runtime/clock runtime/diag runtime/journal runtime/webhook runtime/engine runtime/flow runtime/node runtime/outbound runtime/problem runtime/run runtime/yamldoc",
	"runtime/mcp":                 "runtime/auth runtime/catalog runtime/clock runtime/engine runtime/flow runtime/journal runtime/node runtime/problem runtime/quota runtime/run runtime/trigger runtime/webhook",
	"runtime/environment":         "runtime/catalog runtime/config runtime/diag runtime/expand runtime/flow runtime/manifest runtime/node runtime/outbound runtime/webhook",
	"runtime/lsp":                 "runtime/catalog runtime/diag runtime/expand runtime/flow runtime/flowschema runtime/node runtime/spec runtime/yamldoc",
	"nodes":                       "runtime/data runtime/node runtime/route runtime/timetable runtime/yamldoc sdk/wire",
	"sdk":                         "sdk/wire",
	"sdk/sdktest":                 "sdk sdk/wire",
	"sdk/wire":                    "",
	"emulator":                    "",
	"emulator/emulatortest":       "emulator",
	"plugins/plugintest":          "emulator runtime/flowschema runtime/manifest runtime/node runtime/outbound runtime/yamldoc sdk sdk/sdktest sdk/wire",
	"plugins/*":                   "sdk sdk/wire",
	"plugins/*/emulator":          "emulator",
	"crash":                       "emulator plugins/cisco-cce/emulator runtime/journal runtime/journal/sqlite runtime/run",
	"docs":                        "", // only tests
	"docs/gen":                    "nodes runtime/api runtime/manifest runtime/node runtime/outbound runtime/telemetry",
	"cmd/wend":                    "*",
}

// sole are libraries that one package hides from all others.
var sole = map[string]string{
	"gopkg.in/yaml.v3":                           "runtime/yamldoc",
	"github.com/robfig/cron/v3":                  "runtime/timetable",
	"github.com/modelcontextprotocol/go-sdk/mcp": "runtime/mcp",
	"go.yaml.in/yaml/v3":                         "runtime/yamldoc",
	"go.yaml.in/yaml/v4":                         "runtime/yamldoc",
	"gopkg.in/yaml.v2":                           "runtime/yamldoc",
	"sigs.k8s.io/yaml":                           "runtime/yamldoc",
	"github.com/goccy/go-yaml":                   "runtime/yamldoc",
}

func TestImports(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := map[string]bool{}
	used := map[string]bool{} // "row package"
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		pkg := strings.TrimPrefix(fields[0], module)
		row, ok := rowOf(pkg)
		seen[row] = true
		allowed := diagram[row]
		if !ok {
			t.Errorf("package %q is not in the diagram: add its row, and say in its comment what its one job is", pkg)
			continue
		}
		for _, imp := range fields[1:] {
			if only, ok := sole[imp]; ok && pkg != only {
				t.Errorf("%s imports %s, which only %s may", pkg, imp, only)
			}
			imp, ours := strings.CutPrefix(imp, module)
			used[row+" "+imp] = true
			if ours && allowed != "*" && !slices.Contains(strings.Fields(allowed), imp) {
				t.Errorf("%s imports %s, which the diagram does not allow", pkg, imp)
			}
		}
	}
	for row, allowed := range diagram {
		if !seen[row] {
			t.Errorf("the diagram has a row for %q, which is not there", row)
		}
		for _, imp := range strings.Fields(allowed) {
			if imp != "*" && !used[row+" "+imp] {
				t.Errorf("the diagram allows %s to import %s, which nothing there does", row, imp)
			}
		}
	}
}

// TestImportsGoUp holds the table of runtime/README.md to its word: every package of
// runtime/ has a row, and imports only from rows above its own.
func TestImportsGoUp(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../runtime/README.md")
	if err != nil {
		t.Fatal(err)
	}
	place := map[string]int{} // by package
	for i, row := range regexp.MustCompile(`(?m)^\| `+"`([a-z/]+)`"+` \|`).FindAllSubmatch(text, -1) {
		place["runtime/"+string(row[1])] = i + 1
	}
	for row, allowed := range diagram {
		if strings.Count(row, "/") != 1 || !strings.HasPrefix(row, "runtime/") {
			continue // a package inside of another stands in that one's row
		}
		if place[row] == 0 {
			t.Errorf("the map has no row for %s: say there what its one job is", row)
			continue
		}
		for _, imp := range strings.Fields(allowed) {
			if place[imp] > place[row] {
				t.Errorf("%s imports %s, which stands below it in the map", row, imp)
			}
		}
	}
	for pkg := range place {
		if _, ok := diagram[pkg]; !ok {
			t.Errorf("the map has a row for %s, which is not there", pkg)
		}
	}
}

// TestPackageComments looks for what each package says of itself: one job. What
// that consists of may stand behind a colon.
func TestPackageComments(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{if .GoFiles}}{{.ImportPath}} {{.Doc}}{{end}}", module+"...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		pkg, doc, _ := strings.Cut(strings.TrimSpace(line), " ")
		job, _, _ := strings.Cut(doc, ":")
		switch {
		case job == "":
			t.Errorf("%s has no comment that says its one job", pkg)
		case slices.Contains(strings.Fields(job), "and"):
			t.Errorf("%s does two things, or its comment says so: %q", pkg, job)
		}
	}
}

func rowOf(pkg string) (string, bool) {
	if _, ok := diagram[pkg]; ok {
		return pkg, true
	}
	for row := range diagram {
		if ok, _ := path.Match(row, pkg); ok {
			return row, true
		}
	}
	return "", false
}
