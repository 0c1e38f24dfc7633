package flowschema

import (
	"strconv"
	"strings"

	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// Example is a node of a plugin's type as a flow has it, with the inputs that it
// must have and its outcomes. The values fit the schema and mean nothing.
func Example(t *node.Type) string {
	plugin, _, _ := strings.Cut(t.Name, "/")
	var b strings.Builder
	b.WriteString("n2:\n  type: " + t.Ref() + "\n")
	if t.Connects {
		b.WriteString("  connection: " + plugin + "\n")
	}
	if with := needed(t.Inputs.Raw()); len(with) > 0 {
		if text, err := yamldoc.Encode(map[string]any{"with": with}); err == nil {
			b.WriteString("  " + strings.ReplaceAll(strings.TrimSuffix(string(text), "\n"), "\n", "\n  ") + "\n")
		}
	}
	b.WriteString("  next: done   # " + t.Outcomes.Success + "\n  outcomes:\n")
	for _, o := range t.Outcomes.All {
		if o.Name != t.Outcomes.Success {
			b.WriteString("    " + key(o.Name) + ": failed\n")
		}
	}
	return b.String()
}

// needed is a sample of what must be there.
func needed(schema map[string]any) map[string]any {
	required, _ := schema["required"].([]any)
	props, _ := schema["properties"].(map[string]any)
	only := map[string]any{}
	for _, name := range required {
		if name, ok := name.(string); ok && props[name] != nil {
			only[name] = props[name]
		}
	}
	with, _ := node.Sample(map[string]any{"type": "object", "required": required, "properties": only}).(map[string]any)
	return with
}

// key is a name as a key of YAML.
func key(name string) string {
	if yamldoc.IsIdentifier(name) {
		return name
	}
	return strconv.Quote(name)
}
