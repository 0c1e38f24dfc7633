package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/webhook"
)

// curlLine is a command that calls a webhook: with the sample input beside the
// flow's file if there is one, else with a body made from the schema.
func curlLine(base string, h catalog.Hook) string {
	data := "@" + strings.TrimSuffix(h.Flow.File, filepath.Ext(h.Flow.File)) + ".json"
	if _, err := os.Stat(data[1:]); err != nil {
		body, err := json.Marshal(sample(bodySchema(h)))
		if err != nil {
			return ""
		}
		data = "'" + strings.ReplaceAll(string(body), "'", `'\''`) + "'"
	}
	return fmt.Sprintf("curl -sS %s%s%s -H 'Content-Type: application/json' -d %s", base, webhook.Prefix, h.Path, data)
}

func bodySchema(h catalog.Hook) map[string]any {
	schema := map[string]any{"type": "object"}
	props := map[string]any{}
	own, _ := h.Node.Outputs.Raw()["properties"].(map[string]any)
	for name, p := range own {
		if name != "request" {
			props[name] = p
		}
	}
	schema["properties"] = props
	return schema
}

// sample is a value that fits a schema's types.
func sample(schema map[string]any) any {
	if enum, ok := schema["enum"].([]any); ok && len(enum) > 0 {
		return enum[0]
	}
	if v, ok := schema["default"]; ok {
		return v
	}
	switch schema["type"] {
	case "object":
		v := map[string]any{}
		props, _ := schema["properties"].(map[string]any)
		for name, p := range props {
			if p, ok := p.(map[string]any); ok {
				v[name] = sample(p)
			}
		}
		return v
	case "array":
		items, _ := schema["items"].(map[string]any)
		return []any{sample(items)}
	case "integer", "number":
		return 1
	case "boolean":
		return true
	default:
		return "text"
	}
}
