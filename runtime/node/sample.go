package node

import (
	"maps"
	"slices"
	"strings"
)

// Sample returns a value that looks like what a JSON Schema describes: a value
// that the schema names if it names any, else one of its type, with all the
// properties that an object is said to have. It need not be valid. It is the
// same each time.
func Sample(schema map[string]any) any {
	s := sampler{root: schema, left: mostValues}
	return s.of(schema, 0)
}

// sampler bounds a schema that refers to itself. What is beyond is null.
type sampler struct {
	root map[string]any
	left int
}

const (
	mostDeep   = 16
	mostValues = 1000
)

func (s *sampler) of(v any, depth int) any {
	schema, _ := v.(map[string]any)
	if s.left--; s.left < 0 || depth > mostDeep {
		return nil
	}
	if ref, ok := schema["$ref"].(string); ok {
		return s.of(s.find(ref), depth+1)
	}
	if v, ok := named(schema); ok {
		return v
	}
	switch firstType(schema) {
	case "object":
		object := map[string]any{}
		props, _ := schema["properties"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(props)) {
			object[name] = s.of(props[name], depth+1)
		}
		return object
	case "array":
		if schema["items"] == nil {
			return []any{}
		}
		return []any{s.of(schema["items"], depth+1)}
	case "integer", "number":
		return 1
	case "boolean":
		return true
	case "null":
		return nil
	default:
		return sampleText(schema)
	}
}

// named returns a value that a schema names.
func named(schema map[string]any) (any, bool) {
	if v, ok := schema["const"]; ok {
		return v, true
	}
	if v, ok := schema["default"]; ok {
		return v, true
	}
	for _, key := range []string{"examples", "enum"} {
		if list, ok := schema[key].([]any); ok && len(list) > 0 {
			return list[0], true
		}
	}
	return nil, false
}

func firstType(schema map[string]any) any {
	if list, ok := schema["type"].([]any); ok && len(list) > 0 {
		return list[0]
	}
	if schema["type"] == nil && schema["properties"] != nil {
		return "object"
	}
	return schema["type"]
}

func sampleText(schema map[string]any) string {
	switch schema["format"] {
	case "uuid":
		return "00000000-0000-4000-8000-000000000000"
	case "date-time":
		return "2026-11-20T08:00:00Z"
	case "date":
		return "2026-11-20"
	case "email":
		return "somebody@example.com"
	case "uri":
		return "https://example.com/"
	default:
		return "text"
	}
}

// find follows a reference inside the schema: "#/$defs/order".
func (s *sampler) find(ref string) any {
	if ref == "#" {
		return s.root
	}
	path, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil
	}
	var at any = s.root
	for name := range strings.SplitSeq(path, "/") {
		m, _ := at.(map[string]any)
		at = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)]
	}
	return at
}
