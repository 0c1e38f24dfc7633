// Command gen writes the pages of docs/ that are made from the code:
// errors.md from the comments of the codes, nodes.md from what the built-in
// node types declare, metrics.md from the metrics that are there, webhooks.md from
// the schemes by which senders sign, plugin-yaml.md from the schema of manifests,
// openapi.json from what the API says of itself; and
// NOTICE, the licences of what is in the binary. Run it from the top of the repository.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/api"
	"github.com/wendflow/wend/runtime/manifest"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/telemetry"
)

func main() {
	pages, err := makePages()
	for file, text := range pages {
		err = errors.Join(err, os.WriteFile(file, []byte(text), 0o644))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "gen: %v\n", err)
		os.Exit(1)
	}
}

// makePages returns what is written, by file.
func makePages() (map[string]string, error) {
	mistakes, err := errorsPage()
	if err != nil {
		return nil, err
	}
	notice, err := noticePage()
	if err != nil {
		return nil, err
	}
	description, err := apiDescription()
	if err != nil {
		return nil, err
	}
	return map[string]string{
		"docs/errors.md": mistakes, "docs/nodes.md": nodesPage(), "docs/metrics.md": metricsPage(), "docs/webhooks.md": webhooksPage(),
		"docs/plugin-yaml.md": manifestPage(), "docs/openapi.json": description, "NOTICE": notice,
	}, nil
}

// apiDescription is laid out for people and for diffs.
func apiDescription() (string, error) {
	raw, err := api.Description("devel")
	if err != nil {
		return "", err
	}
	var b bytes.Buffer
	err = json.Indent(&b, raw, "", "  ")
	return b.String() + "\n", err
}

const generated = "<!-- Made by `make generate` from the code; do not edit. -->\n\n"

func errorsPage() (string, error) {
	var b strings.Builder
	b.WriteString(generated)
	b.WriteString("# Mistakes that `wend check` finds\n\n" +
		"Each is printed as `file:line:col: message [code]` with its line and a caret. A test runs every flow below and " +
		"finds the code it stands under.\n")
	for _, file := range []string{"runtime/diag/codes.go", "runtime/diag/codes_flow.go"} {
		groups, err := readCodes(file)
		if err != nil {
			return "", err
		}
		for _, g := range groups {
			fmt.Fprintf(&b, "\n## %s\n", g.title)
			for _, c := range g.codes {
				c.write(&b, "")
			}
		}
	}
	b.WriteString("\n## Mistakes in `wend.yaml`\n\n" +
		"These are found there only. The others that it can have stand above: what YAML misreads, keys, names and durations.\n")
	groups, err := readCodes("runtime/config/config.go")
	if err != nil {
		return "", err
	}
	for _, g := range groups {
		for _, c := range g.codes {
			c.write(&b, " in `wend.yaml`")
		}
	}
	return b.String(), nil
}

// group is the codes of one const declaration.
type group struct {
	title string
	codes []code
}

// code is a kind of mistake, as the comment of its constant describes it.
type code struct{ name, prose, example string }

// readCodes returns the codes of a file that has no other constants.
func readCodes(file string) ([]group, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	var groups []group
	for _, decl := range parsed.Decls {
		d, ok := decl.(*ast.GenDecl)
		if !ok || d.Tok != token.CONST {
			continue
		}
		g := group{title: strings.TrimSuffix(strings.TrimSpace(d.Doc.Text()), ".")}
		for _, s := range d.Specs {
			g.codes = append(g.codes, readCode(s.(*ast.ValueSpec)))
		}
		groups = append(groups, g)
	}
	return groups, nil
}

func readCode(c *ast.ValueSpec) code {
	name, _ := strconv.Unquote(c.Values[0].(*ast.BasicLit).Value)
	var prose []string
	var example strings.Builder
	for line := range strings.Lines(strings.TrimPrefix(c.Doc.Text(), c.Names[0].Name+": ")) {
		if indented, ok := strings.CutPrefix(line, "\t"); ok {
			example.WriteString(indented)
		} else if strings.TrimSpace(line) != "" {
			prose = append(prose, strings.TrimSpace(line))
		}
	}
	return code{name, capital(strings.Join(prose, " ")), example.String()}
}

// write writes a code under a heading that says where else than in a flow it is
// found.
func (c code) write(b *strings.Builder, where string) {
	fmt.Fprintf(b, "\n### `%s`%s\n\n%s\n", c.name, where, c.prose)
	if c.example != "" {
		fmt.Fprintf(b, "\n```yaml\n%s```\n", c.example)
	}
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func nodesPage() string {
	var b strings.Builder
	b.WriteString(generated)
	b.WriteString("# Built-in node types\n\n" +
		"What every node may have beside `with`: `name`, `connection`, `timeout` (of one attempt), `retry`, `next` (where the " +
		"success outcome leads), `outcomes` (where the others lead, `else` for the rest). `wend nodes` lists the plugins' types " +
		"too, `wend nodes TYPE` shows one.\n")
	types := nodes.All()
	slices.SortFunc(types, func(a, c *node.Type) int { return cmp.Compare(a.Name, c.Name) })
	for _, t := range types {
		fmt.Fprintf(&b, "\n## `%s`\n\n%s\n", t.Name, t.Doc)
		writeSchema(&b, "input", t.Inputs)
		writeSchema(&b, "output", t.Outputs)
		b.WriteString("\n| outcome | when |\n|---|---|\n")
		for _, o := range t.Outcomes.All {
			name := "`" + o.Name + "`"
			if o.Name == t.Outcomes.Success {
				name += " (success)"
			}
			fmt.Fprintf(&b, "| %s | %s |\n", name, o.Doc)
		}
		fmt.Fprintf(&b, "\n```yaml\n%s```\n", nodes.Example(t.Name))
	}
	return b.String()
}

// writeSchema writes a table of the properties of s, those inside others
// included.
func writeSchema(b *strings.Builder, what string, s *node.Schema) {
	rows := propertyRows("", s.Raw(), what == "input")
	if len(rows) > 0 {
		fmt.Fprintf(b, "\n| %s | type | |\n|---|---|---|\n%s", what, strings.Join(rows, ""))
	}
}

func propertyRows(under string, schema map[string]any, mustSay bool) []string {
	props, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	var rows []string
	for _, name := range slices.Sorted(maps.Keys(props)) {
		p, _ := props[name].(map[string]any)
		kind, _ := p["type"].(string)
		doc := describe(p)
		if mustSay && slices.Contains(required, any(name)) {
			doc = "Required. " + doc
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %s | %s |\n", under+name, cmp.Or(kind, "any"), strings.TrimSpace(doc)))
		rows = append(rows, propertyRows(under+name+".", p, mustSay)...)
		if items, ok := p["items"].(map[string]any); ok {
			rows = append(rows, propertyRows(under+name+"[].", items, mustSay)...)
		}
	}
	return rows
}

// describe says in a cell of a table what a property means.
func describe(p map[string]any) string {
	doc, _ := p["description"].(string)
	says, values := " One of ", p["enum"]
	if each, ok := p["items"].(map[string]any); ok {
		says, values = " Of ", each["enum"]
	}
	if enum, ok := values.([]any); ok {
		names := make([]string, len(enum))
		for i, v := range enum {
			names[i] = fmt.Sprintf("`%v`", v)
		}
		doc += says + strings.Join(names, ", ") + "."
	}
	if d, ok := p["default"]; ok {
		doc += fmt.Sprintf(" Default `%v`.", d)
	}
	return strings.ReplaceAll(doc, "|", "\\|")
}

func metricsPage() string {
	var b strings.Builder
	b.WriteString(generated)
	b.WriteString("# Metrics\n\n" +
		"`GET /metrics` has them for Prometheus; [operations.md](operations.md#metrics) says how to scrape it, and what of it to look at. " +
		"Beside these there are the `go_` and `process_` metrics that every Go program has.\n\n" +
		"Histograms are native ones for those who take them, and have classic buckets for others. Labels hold names and closed " +
		"sets, never data. Of flows, connections, node types, outcomes and codes the first 100 or 200 have a label of their own; the rest is " +
		"`other`. What happens is counted when it is in the journal, so once, whatever crashes; counters begin at 0 with the process.\n\n" +
		"| metric | kind | labels | |\n|---|---|---|---|\n")
	for _, r := range telemetry.Rows() {
		labels := make([]string, len(r.Labels))
		for i, l := range r.Labels {
			labels[i] = "`" + l + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.Name, r.Kind, strings.Join(labels, " "), r.Help)
	}
	return b.String()
}

func manifestPage() string {
	var schema map[string]any
	if err := json.Unmarshal(manifest.Schema, &schema); err != nil {
		panic(err) // it is in the binary
	}
	var b strings.Builder
	b.WriteString(generated)
	b.WriteString("# plugin.yaml\n\n" +
		"The manifest of a plugin, key by key. [plugins.md](plugins.md) shows one grow; [abi.md](abi.md) says how it lies in a module. Keys in bold must be there. " +
		"`wend schema --plugin` prints the same as JSON Schema: save it, and name it in the first line of the file for an editor that knows the YAML language server:\n\n" +
		"```yaml\n# yaml-language-server: $schema=../wend.plugin.schema.json\n```\n\n" +
		"| key | form | |\n|---|---|---|\n")
	p := &manifestTable{out: &b, root: schema}
	p.rows(schema, "")
	return b.String()
}

// manifestTable writes a row for each key of a schema.
type manifestTable struct {
	out  *strings.Builder
	root map[string]any
}

func (t *manifestTable) rows(schema map[string]any, path string) {
	props, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	for _, name := range slices.SortedFunc(maps.Keys(props), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(required, a), rank(required, b)), cmp.Compare(a, b))
	}) {
		key := "`" + path + name + "`"
		if slices.Contains(required, any(name)) {
			key = "**" + key + "**"
		}
		t.row(key, path+name, props[name].(map[string]any))
	}
	if open, ok := schema["additionalProperties"].(map[string]any); ok && open["$ref"] != nil {
		t.rows(t.target(open), path+"NAME.")
	}
}

// rank puts what must be there first, in its order.
func rank(required []any, name string) int {
	if i := slices.Index(required, any(name)); i >= 0 {
		return i
	}
	return len(required)
}

func (t *manifestTable) row(key, path string, schema map[string]any) {
	target := t.target(schema)
	form, _ := target["type"].(string)
	switch {
	case schema["$ref"] == "#/$defs/object":
		form = "JSON Schema of an object"
	case target["examples"] != nil:
		form = fmt.Sprintf("such as `%v`", target["examples"].([]any)[0])
	case target["const"] != nil:
		form = fmt.Sprintf("`%v`", target["const"])
	case form == "object":
		form = "mapping"
	case form == "array":
		form = "list"
	case form == "string":
		form = "text"
	}
	about, ok := schema["description"].(string)
	if !ok {
		about, _ = target["description"].(string)
	}
	fmt.Fprintf(t.out, "| %s | %s | %s |\n", key, form, about)
	if schema["$ref"] != "#/$defs/object" {
		t.rows(target, path+".")
	}
}

// target is what a schema refers to, with its own description.
func (t *manifestTable) target(schema map[string]any) map[string]any {
	ref, ok := schema["$ref"].(string)
	if !ok {
		return schema
	}
	defs := t.root["$defs"].(map[string]any)
	return defs[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
}
