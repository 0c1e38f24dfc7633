package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flowschema"
	"github.com/wendflow/wend/runtime/node"
)

func nodesCommand(std *streams) *cobra.Command {
	var env envFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "nodes [TYPE|PLUGIN]",
		Short: "Show the catalogue of node types, those of a plugin, or one with all it takes and gives",
		Args:  takes(0, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			types, err := env.catalogue(cmd.Context())
			if err != nil {
				return err
			}
			shown, one := types.All(), false
			if len(args) == 1 {
				if shown, one, err = findTypes(types, args[0]); err != nil {
					return err
				}
			}
			switch {
			case asJSON:
				return printJSON(std.out, shown)
			case one:
				printType(std.out, shown[0])
			default:
				printTypes(std.out, shown)
			}
			return nil
		},
	}
	env.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the catalogue as JSON")
	return cmd
}

// findTypes returns the one type of that name, or those of the plugin of that name.
func findTypes(types *node.Set, name string) (shown []*node.Type, one bool, err error) {
	if t := types.Find(name); t != nil {
		return []*node.Type{t}, true, nil
	}
	if all := types.Of(name); len(all) > 0 {
		return all, false, nil
	}
	names := types.Names()
	plugin, _, _ := strings.Cut(name, "/")
	if all := types.Of(plugin); len(all) > 0 {
		names = nil
		for _, t := range all {
			names = append(names, t.Name)
		}
	}
	return nil, false, wrongf("no node type %q; %s", name, diag.Suggest(name, append(names, types.Vendors()...)))
}

func printTypes(w io.Writer, types []*node.Type) {
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, t := range types {
		fmt.Fprintf(tw, "%s\t%s\n", t.Ref(), firstSentence(t.Doc, t.Title))
	}
	tw.Flush()
}

func firstSentence(texts ...string) string {
	for _, text := range texts {
		if first, _, _ := strings.Cut(strings.Join(strings.Fields(text), " "), ". "); first != "" {
			return strings.TrimSuffix(first, ".")
		}
	}
	return ""
}

func printType(w io.Writer, t *node.Type) {
	fmt.Fprintf(w, "%s", t.Ref())
	if t.Title != "" {
		fmt.Fprintf(w, "  (%s)", t.Title)
	}
	fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(t.Doc))
	if t.Idempotent {
		fmt.Fprintln(w, "\nIdempotent: it is sent again, with the same key, when the answer was lost.")
	}
	printSchema(w, "inputs", t.Inputs)
	printSchema(w, "outputs", t.Outputs)
	printSchema(w, "settings of the connection", t.Settings)
	fmt.Fprintln(w, "\noutcomes")
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, o := range t.Outcomes.All {
		fmt.Fprintf(tw, "  %s\t%s\t%s\n", o.Name, t.Outcomes.Role(o.Name), o.Doc)
	}
	tw.Flush()
	fmt.Fprint(w, "\nexample\n", indented(example(t)))
}

// example is a flow with a built-in node type, or a node of a plugin's.
func example(t *node.Type) string {
	if t.Digest == "" {
		return nodes.Example(t.Name)
	}
	return flowschema.Example(t)
}

func indented(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}

func printSchema(w io.Writer, title string, s *node.Schema) {
	props, _ := s.Raw()["properties"].(map[string]any)
	if len(props) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s\n", title)
	required, _ := s.Raw()["required"].([]any)
	tw := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, name := range slices.Sorted(maps.Keys(props)) {
		p, _ := props[name].(map[string]any)
		need := ""
		if slices.Contains(required, any(name)) {
			need = "required"
		}
		fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\n", name, schemaKind(p), need, schemaDoc(p))
	}
	tw.Flush()
}

func schemaKind(p map[string]any) string {
	switch t := p["type"].(type) {
	case string:
		return t
	case []any:
		return strings.ReplaceAll(strings.Trim(fmt.Sprint(t), "[]"), " ", "|")
	default:
		return "any"
	}
}

func schemaDoc(p map[string]any) string {
	doc, _ := p["description"].(string)
	doc = strings.Join(strings.Fields(doc), " ")
	if doc == "" {
		doc, _ = p["title"].(string)
	}
	says, values := "One of ", p["enum"]
	if each, ok := p["items"].(map[string]any); ok {
		says, values = "Of ", each["enum"]
	}
	if enum, ok := values.([]any); ok {
		words := make([]string, len(enum))
		for i, v := range enum {
			words[i] = fmt.Sprint(v)
		}
		doc = sentence(doc) + says + strings.Join(words, ", ") + "."
	}
	if c, ok := node.ChoicesOf(p); ok {
		doc = sentence(doc) + c.String()
	}
	if d, ok := p["default"]; ok {
		doc = sentence(doc) + fmt.Sprintf("Default %v.", d)
	}
	return doc
}

// sentence is text that another sentence can follow.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.TrimSuffix(text, ".") + ". "
}
