// Package docs_test holds the pages of docs/ and the README against the program
// that they describe: their flows pass the checker, their links lead somewhere.
package docs_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/clock"
	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/engine"
	"github.com/wendflow/wend/runtime/expand"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/flowschema"
	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/run"
	"github.com/wendflow/wend/runtime/yamldoc"
)

const root = ".."

// pages returns the README and all pages of docs/, by their path from the top
// of the repository.
func pages(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "runtime/*.md"} {
		names, err := fs.Glob(os.DirFS(root), pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			found[name] = readFile(t, name)
		}
	}
	if len(found) < 10 {
		t.Fatalf("only %d pages", len(found))
	}
	return found
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// types are the built-in node types and those of the plugins in plugins/, as
// their plugin.yaml declares them.
func types(t *testing.T) *node.Set {
	t.Helper()
	all := nodes.All()
	manifests, err := filepath.Glob(root + "/plugins/*/plugin.yaml")
	if err != nil || len(manifests) == 0 {
		t.Fatal("no plugins", err)
	}
	for _, file := range manifests {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, mistakes := manifest.Parse(file, src)
		if err := mistakes.Err(); err != nil {
			t.Fatal(err)
		}
		declared, err := m.Types("")
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, declared...)
	}
	set, err := node.NewSet(all...)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// calleeOn finds the flow of that name on a page.
func calleeOn(page, name string, cfg flow.Config) (*flow.Signature, *diag.Error) {
	for _, block := range yamlBlock.FindAllStringSubmatch(page, -1) {
		if !strings.HasPrefix(block[1], "flow: "+name+"\n") {
			continue
		}
		if f, _ := flow.Load(name, []byte(block[1]), cfg); f != nil {
			return f.Signature(), nil
		}
	}
	return nil, &diag.Error{Code: diag.UnknownFlow, Msg: "the page has no flow " + name}
}

// TestFlowsPassTheChecker checks every whole flow of the pages. Those of
// flows.md, which people copy, may not even be warned of.
func TestFlowsPassTheChecker(t *testing.T) {
	t.Parallel()
	cfg := flow.Config{Types: types(t)}
	checked := 0
	for name, text := range pages(t) {
		if name == "docs/errors.md" {
			continue // its flows are wrong by design, and have a test of their own
		}
		for _, block := range yamlBlock.FindAllStringSubmatchIndex(text, -1) {
			src := text[block[2]:block[3]]
			if !regexp.MustCompile(`(?m)^flow:`).MatchString(src) || !regexp.MustCompile(`(?m)^nodes:`).MatchString(src) {
				continue
			}
			checked++
			cfg := cfg
			cfg.Callee = func(callee string) (*flow.Signature, *diag.Error) { return calleeOn(text, callee, cfg) }
			_, mistakes := flow.Load(name, []byte(src), cfg)
			above := strings.Count(text[:block[2]], "\n")
			for _, e := range mistakes {
				if e.Severity == diag.SeverityError || name == "docs/flows.md" {
					t.Errorf("%s:%d: %s", name, above+e.Pos.Line, e)
				}
			}
		}
	}
	if checked < 7 {
		t.Errorf("only %d flows were found", checked)
	}
}

// table returns the cells of the table between <!-- name --> and <!-- end -->,
// without the head and the marks around code.
func table(t *testing.T, text, name string) [][]string {
	t.Helper()
	_, after, found := strings.Cut(text, "<!-- "+name+" -->\n")
	body, _, ends := strings.Cut(after, "<!-- end -->")
	if !found || !ends {
		t.Fatalf("no table %q", name)
	}
	var rows [][]string
	for i, line := range strings.Split(strings.TrimSpace(body), "\n") {
		if i < 2 {
			continue
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		for k := range cells {
			cells[k] = strings.Trim(strings.TrimSpace(cells[k]), "`")
		}
		rows = append(rows, cells)
	}
	return rows
}

// TestAddresses sends the addresses of flows.md.
func TestAddresses(t *testing.T) {
	t.Parallel()
	text := readFile(t, "docs/flows.md")
	x := regexp.MustCompile("With\\s+`x` being `(.*)`:").FindStringSubmatch(text)
	if x == nil {
		t.Fatal("what x is, is not said")
	}
	scope := &expand.Scope{Names: map[string]expand.Type{"x": {}}}
	for _, row := range table(t, text, "addresses") {
		template, mistakes := expand.CompileURL(yamldoc.Text{Value: row[0]}, scope)
		if err := mistakes.Err(); err != nil {
			t.Error(err)
			continue
		}
		got, err := template.Eval(expand.Env{Names: map[string]any{"x": x[1]}})
		if strings.HasPrefix(row[1], "an error") != (err != nil) || err == nil && got != row[1] {
			t.Errorf("%s: %q, %v; want %s", row[0], got, err, row[1])
		}
	}
}

// TestExpressions evaluates the examples of flows.md with the variables that
// stand above them.
func TestExpressions(t *testing.T) {
	t.Parallel()
	text := readFile(t, "docs/flows.md")
	rows := table(t, text, "expressions")
	variables := regexp.MustCompile(`(?m)^variables: \{.*\}$`).FindString(text)
	set, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		t.Run(row[0], func(t *testing.T) {
			t.Parallel()
			template, err := json.Marshal("$(" + row[0] + ")")
			if err != nil {
				t.Fatal(err)
			}
			src := "flow: f\n" + variables + "\nnodes:\n  start: { type: webhook, with: { path: /f }, next: calc }\n" +
				"  calc: { type: evaluate, with: { outputs: { x: " + string(template) + " } } }\n"
			f, mistakes := flow.Load("flow.yaml", []byte(src), flow.Config{Types: set})
			if f == nil {
				t.Fatal(mistakes.Err())
			}
			now := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
			e := engine.New(engine.Config{Clock: clock.Told(func() time.Time { return now })})
			r, _, err := e.Start(t.Context(), engine.Start{Flow: f})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := r.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			state, err := run.Fold(f, r.Events())
			if err != nil || state.Status != run.Completed {
				t.Fatalf("run %s: %s %v", state.Status, state.Reason, err)
			}
			got, err := data.JSON(state.Outputs("calc")["x"])
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != row[1] {
				t.Errorf("%s gives %s, and the page says %s", row[0], got, row[1])
			}
		})
	}
}

// TestTraps writes each line of the table of traps into a flow, and what the
// table has instead.
func TestTraps(t *testing.T) {
	t.Parallel()
	set, err := node.NewSet(nodes.All()...)
	if err != nil {
		t.Fatal(err)
	}
	check := func(line string) diag.List {
		src := "flow: f\nvariables: { a: x, vip: true, items: [] }\ndefaults: { outcomes: { onError: n2 } }\n" +
			"nodes:\n  n1: { type: webhook, with: { path: /f }, next: n2 }\n  n2:\n    type: log\n    with:\n      " + line + "\n"
		_, mistakes := flow.Load("flow.yaml", []byte(src), flow.Config{Types: set})
		return mistakes
	}
	for _, row := range table(t, readFile(t, "docs/flows.md"), "traps") {
		told := slices.ContainsFunc(check(row[0]), func(e *diag.Error) bool {
			return strings.Contains(e.Msg+"; "+e.Hint, row[1])
		})
		if !told {
			t.Errorf("%s is not told as %q, but: %v", row[0], row[1], check(row[0]))
		}
		if left := check(row[2]); len(left) > 0 {
			t.Errorf("%s is what to write, and is told: %v", row[2], left)
		}
	}
}

var (
	link  = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	fence = regexp.MustCompile("(?ms)^```.*?^```$|`[^`\n]*`")
)

// TestConstructs holds that the guide has an example of every built-in node type.
func TestConstructs(t *testing.T) {
	t.Parallel()
	page := readFile(t, "docs/guides/constructs.md")
	for _, n := range nodes.All() {
		if !regexp.MustCompile("\\| [^|]*`" + n.Name + "`[^|]* \\| \\[").MatchString(page) {
			t.Errorf("the guide has no example of %q", n.Name)
		}
	}
}

// TestShownExamples holds that the flows which a guide shows are those of
// examples/coming-from, which have tests.
func TestShownExamples(t *testing.T) {
	t.Parallel()
	page := readFile(t, "docs/guides/coming-from.md")
	files, err := filepath.Glob(filepath.Join(root, "examples/coming-from/*.test.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal("no examples", err)
	}
	for _, file := range files {
		src, err := os.ReadFile(strings.TrimSuffix(file, ".test.yaml") + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(page, "```yaml\n"+string(src)+"```\n") {
			t.Errorf("the guide does not show the flow of %s as it is", filepath.Base(file))
		}
	}
}

// TestLinksLeadSomewhere follows the links between pages, to headings too.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	all := pages(t)
	for name, text := range all {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			target, heading, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			file := path.Join(path.Dir(name), target)
			if target == "" {
				file = name
			}
			if _, err := fs.Stat(os.DirFS(root), file); errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %s leads nowhere", name, m[1])
			} else if heading != "" && !slices.Contains(anchors(all[file]), heading) {
				t.Errorf("%s: %s has no such heading", name, m[1])
			}
		}
	}
}

// anchors are the headings of a page as links name them.
func anchors(text string) []string {
	var names []string
	for _, m := range regexp.MustCompile("(?m)^#+ (.*)$").FindAllStringSubmatch(regexp.MustCompile("(?ms)^```.*?^```$").ReplaceAllString(text, ""), -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} _-]`).ReplaceAllString(strings.ToLower(m[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

// TestIndexHasEveryPage holds docs/README.md to be the way to all pages.
func TestIndexHasEveryPage(t *testing.T) {
	t.Parallel()
	all := pages(t)
	for name := range all {
		page, ok := strings.CutPrefix(name, "docs/")
		if ok && page != "README.md" && !strings.Contains(all["docs/README.md"], "("+page+")") {
			t.Errorf("docs/README.md does not lead to %s", page)
		}
	}
}

// TestExamplesOfPlugins checks the nodes that `wend nodes TYPE` shows of plugins.
func TestExamplesOfPlugins(t *testing.T) {
	t.Parallel()
	set, checked := types(t), 0
	for _, typ := range set.All() {
		if !strings.Contains(typ.Name, "/") {
			continue
		}
		checked++
		src := "flow: example\nnodes:\n  n1: { type: manual, next: n2 }\n  " +
			strings.ReplaceAll(strings.TrimSpace(flowschema.Example(typ)), "\n", "\n  ") +
			"\n  done: { type: end }\n  failed: { type: end, with: { failed: true } }\n"
		if _, mistakes := flow.Load(typ.Name, []byte(src), flow.Config{Types: set}); len(mistakes) > 0 {
			t.Errorf("%v\n%s", mistakes, src)
		}
	}
	if checked < 20 {
		t.Errorf("only %d methods", checked)
	}
}

// TestExamplesOfNodes holds that each built-in type has an example that uses it,
// laid out as wend fmt does; TestFlowsPassTheChecker checks them on their page.
func TestExamplesOfNodes(t *testing.T) {
	t.Parallel()
	anything := yamldoc.Format{Name: "document"}
	for _, typ := range nodes.All() {
		example := nodes.Example(typ.Name)
		if !strings.Contains(example, "type: "+typ.Name+"\n") && !strings.Contains(example, "type: "+typ.Name+",") {
			t.Errorf("the example of %s does not use it:\n%s", typ.Name, example)
		}
		if out, mistakes := anything.Layout(typ.Name, []byte(example)); string(out) != example {
			t.Errorf("the example of %s is laid out otherwise: %v", typ.Name, mistakes)
		}
	}
}

// TestSecurityNamesItsTests holds that each promise of SECURITY.md has a test that
// is there.
func TestSecurityNamesItsTests(t *testing.T) {
	t.Parallel()
	page := readFile(t, "SECURITY.md")
	named := regexp.MustCompile("`([a-z/]+)\\.((?:Test|Fuzz)\\w+)`")
	for line := range strings.Lines(page) {
		cells := strings.Split(line, " | ")
		if len(cells) == 2 && !strings.HasPrefix(line, "| promise") && !named.MatchString(cells[1]) {
			t.Errorf("no test holds %s", strings.TrimSpace(line))
		}
	}
	for _, m := range named.FindAllStringSubmatch(page, -1) {
		files, err := fs.Glob(os.DirFS(root), m[1]+"/*_test.go")
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(files, func(file string) bool { return strings.Contains(readFile(t, file), "\nfunc "+m[2]+"(") }) {
			t.Errorf("no test %s in %s", m[2], m[1])
		}
	}
}
