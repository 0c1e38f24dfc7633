// Command gen writes the pages of docs/ that are made from the code:
// errors.md from the comments of the codes, nodes.md from what the built-in
// node types declare. Run it from the top of the repository.
package main

import (
	"cmp"
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
	"github.com/wendflow/wend/runtime/node"
)

func main() {
	for file, page := range map[string]func() (string, error){
		"docs/errors.md": errorsPage,
		"docs/nodes.md":  nodesPage,
	} {
		text, err := page()
		if err == nil {
			err = os.WriteFile(file, []byte(text), 0o644)
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "gen: %s: %v\n", file, err)
			os.Exit(1)
		}
	}
}

const generated = "<!-- Made by `make generate` from the code; do not edit. -->\n\n"

func errorsPage() (string, error) {
	var b strings.Builder
	b.WriteString(generated)
	b.WriteString("# Mistakes that `wend check` finds\n\n" +
		"Each is printed as `file:line:col: message [code]` with its line and a caret. A test runs every flow below and " +
		"finds the code it stands under.\n")
	for _, file := range []string{"runtime/diag/codes.go", "runtime/diag/codes_flow.go"} {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			return "", err
		}
		for _, decl := range parsed.Decls {
			d, ok := decl.(*ast.GenDecl)
			if !ok || d.Tok != token.CONST {
				continue
			}
			fmt.Fprintf(&b, "\n## %s\n", strings.TrimSuffix(strings.TrimSpace(d.Doc.Text()), "."))
			for _, s := range d.Specs {
				writeCode(&b, s.(*ast.ValueSpec))
			}
		}
	}
	return b.String(), nil
}

func writeCode(b *strings.Builder, c *ast.ValueSpec) {
	code, _ := strconv.Unquote(c.Values[0].(*ast.BasicLit).Value)
	text := strings.TrimPrefix(c.Doc.Text(), c.Names[0].Name+": ")
	prose, flow := []string{}, []string{}
	for line := range strings.Lines(text) {
		if example, ok := strings.CutPrefix(line, "\t"); ok {
			flow = append(flow, example)
		} else if strings.TrimSpace(line) != "" {
			prose = append(prose, strings.TrimSpace(line))
		}
	}
	fmt.Fprintf(b, "\n### `%s`\n\n%s\n", code, capital(strings.Join(prose, " ")))
	if len(flow) > 0 {
		fmt.Fprintf(b, "\n```yaml\n%s```\n", strings.Join(flow, ""))
	}
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

func nodesPage() (string, error) {
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
	}
	return b.String(), nil
}

func writeSchema(b *strings.Builder, what string, s *node.Schema) {
	props, _ := s.Raw()["properties"].(map[string]any)
	if len(props) == 0 {
		return
	}
	required, _ := s.Raw()["required"].([]any)
	fmt.Fprintf(b, "\n| %s | type | |\n|---|---|---|\n", what)
	for _, name := range slices.Sorted(maps.Keys(props)) {
		p, _ := props[name].(map[string]any)
		kind, _ := p["type"].(string)
		doc, _ := p["description"].(string)
		if slices.Contains(required, any(name)) && what == "input" {
			doc = "Required. " + doc
		}
		if enum, ok := p["enum"].([]any); ok {
			doc += fmt.Sprintf(" One of %v.", enum)
		}
		if d, ok := p["default"]; ok {
			doc += fmt.Sprintf(" Default `%v`.", d)
		}
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, cmp.Or(kind, "any"), strings.TrimSpace(strings.ReplaceAll(doc, "|", "\\|")))
	}
}
