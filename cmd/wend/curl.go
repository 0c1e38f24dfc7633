package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/node"
	"github.com/wendflow/wend/runtime/webhook"
)

// curlLine is a command that calls a webhook: with the sample input beside the
// flow's file if there is one, else with a body made from the schema.
func curlLine(base string, h catalog.Hook) string {
	data := "@" + strings.TrimSuffix(h.Flow.File, filepath.Ext(h.Flow.File)) + ".json"
	if _, err := os.Stat(data[1:]); err != nil {
		body, err := json.Marshal(bodyOf(h.Body))
		if err != nil {
			return ""
		}
		data = "'" + strings.ReplaceAll(string(body), "'", `'\''`) + "'"
	}
	return fmt.Sprintf("curl -sS %s%s%s -H 'Content-Type: application/json' -d %s", base, webhook.Prefix, h.Path, data)
}

func bodyOf(schema *node.Schema) any {
	if schema == nil {
		return map[string]any{}
	}
	return node.Sample(schema.Raw())
}
