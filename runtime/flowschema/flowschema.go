// Package flowschema describes flow files as JSON Schema, for editors. What is
// wrong with a flow is said by flow, which knows more.
package flowschema

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/node"
)

type obj = map[string]any

// Of describes flow files with these node types. Where a value may be a
// template, text is allowed beside what the node type wants.
func Of(types *node.Set) map[string]any {
	var branches []any
	var names, docs []any
	var others []string // that are right, and too many to choose from
	for _, t := range types.All() {
		own := refs(types, t)
		for _, word := range own {
			if word == t.Name || word == t.Ref() {
				names, docs = append(names, word), append(docs, t.Doc)
			} else {
				others = append(others, regexp.QuoteMeta(word.(string)))
			}
		}
		branches = append(branches, obj{
			"if": obj{"required": []any{"type"}, "properties": obj{"type": obj{"enum": own}}},
			"then": obj{"properties": obj{
				"type":     obj{"description": about(t)},
				"with":     withSchema(t),
				"outcomes": outcomesSchema(t),
			}},
		})
	}
	duration := obj{
		"type": "string", "pattern": `^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h|d))+$`, "examples": []any{"5s", "200ms", "24h"},
		"patternErrorMessage": "Expected a duration such as 200ms, 30s or 1h30m.",
	}
	id := obj{"pattern": `^[A-Za-z_][A-Za-z0-9_]*$`, "patternErrorMessage": "Expected letters, digits and _, the first of them no digit."}
	variable := obj{"pattern": `^([A-Za-z_][A-Za-z0-9_]*|[0-9]+)$`} // $(0042) is one too
	retry := object(obj{
		"max": obj{"type": "integer", "minimum": 1}, "on": obj{"type": "array", "items": obj{"type": "string"}},
		"delay": duration, "maxDelay": duration,
		"then": obj{"const": "pause", "description": "When these attempts are used up the run waits for somebody to resume it."},
	}, "max")
	routes := obj{"type": "object", "additionalProperties": obj{"type": "string"}}
	typeSchema := obj{"type": "string", "enum": names, "enumDescriptions": docs}
	if len(others) > 0 {
		typeSchema = obj{"anyOf": []any{typeSchema, obj{"type": "string", "pattern": "^(?:" + strings.Join(others, "|") + ")$"}}}
	}
	n := object(obj{
		"name":       obj{"type": "string", "description": "A label for people, never an address."},
		"type":       typeSchema,
		"connection": obj{"type": "string", "description": "How the other party is reached, by its name in wend.yaml."},
		"with":       obj{"type": "object", "description": "The inputs; text may hold $(templates)."},
		"timeout":    described(duration, "Of one attempt."),
		"retry":      retry,
		"next":       obj{"type": "string", "description": "The node that the success outcome leads to."},
		"outcomes":   routes,
	}, "type")
	n["allOf"] = branches
	root := object(obj{
		"flow":        obj{"type": "string", "pattern": `^[a-z0-9]+(-[a-z0-9]+)*$`, "patternErrorMessage": "Expected a name in kebab-case, such as order-shipped.", "description": "The flow's name, in kebab-case."},
		"description": obj{"type": "string"},
		"timeout":     described(duration, "Of a whole run."),
		"durable":     obj{"type": "boolean", "default": true, "description": "false: runs may be forgotten when the process ends."},
		"visits":      obj{"type": "integer", "minimum": 1, "maximum": 100_000, "description": "How often a run may enter one node before it ends as failed."},
		"key": obj{
			"type": "string", "minLength": 1, "examples": []any{"$(start.orderId)"},
			"description": "What people know a run by: a template that reads the trigger, variables, run and flow.",
		},
		"labels": obj{
			"type": "object", "maxProperties": 16, "propertyNames": obj{"pattern": "^[A-Za-z_][A-Za-z0-9_-]{0,62}$"},
			"additionalProperties": obj{"type": []any{"string", "number", "boolean"}, "minLength": 1},
			"description":          "Words by which runs are found, and their values: templates that read what key may read.",
		},
		"variables": obj{"type": "object", "propertyNames": variable, "description": "Custom variables and their values at the start."},
		"defaults":  object(obj{"timeout": duration, "retry": retry, "outcomes": routes}),
		"nodes":     obj{"type": "object", "propertyNames": id, "minProperties": 1, "additionalProperties": n},
	}, "flow", "nodes")
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	// No title: the YAML language server would give it to every part without one.
	return root
}

// refs are the words by which a flow gets this type, and not another version.
func refs(types *node.Set, t *node.Type) []any {
	if t.Version == "" {
		return []any{t.Name}
	}
	minor := t.Version[:max(strings.LastIndexByte(t.Version, '.'), 0)]
	var words []any
	for _, word := range []string{t.Name, t.Ref(), t.Name + "@" + minor, t.Name + "@" + t.Version} {
		if types.Find(word) == t && !slices.Contains(words, any(word)) {
			words = append(words, word)
		}
	}
	return words
}

// about is what a type does, and what later nodes can read of it.
func about(t *node.Type) string {
	props, _ := t.Outputs.Raw()["properties"].(map[string]any)
	var outputs []string
	for _, name := range slices.Sorted(maps.Keys(props)) {
		of, _ := props[name].(map[string]any)
		if kind, ok := of["type"].(string); ok {
			name += " (" + kind + ")"
		}
		outputs = append(outputs, name)
	}
	if outputs == nil {
		return t.Doc
	}
	return t.Doc + "\n\nOutputs: " + strings.Join(outputs, ", ")
}

func object(props obj, required ...any) obj {
	o := obj{"type": "object", "properties": props, "additionalProperties": false}
	if len(required) > 0 {
		o["required"] = required
	}
	return o
}

func described(schema obj, doc string) obj {
	schema = maps.Clone(schema)
	schema["description"] = doc
	return schema
}

func outcomesSchema(t *node.Type) obj {
	props := obj{"else": obj{"type": "string", "description": "Every outcome that is not listed."}}
	for _, o := range t.Outcomes.All {
		props[o.Name] = obj{"type": "string", "description": o.Doc}
	}
	out := obj{"type": "object", "properties": props}
	if t.Shape == nil { // a shape may add outcomes
		out["additionalProperties"] = false
	}
	return out
}

func withSchema(t *node.Type) any { return withTemplates(t.Inputs.Raw()) }

// withTemplates allows text wherever a schema wants something else: it may be
// a template. Literal parts are left as they are.
func withTemplates(schema map[string]any) any {
	switch schema["x-wend"] {
	case "literal":
		return schema
	case "body":
		return obj{"$ref": "#/properties/nodes", "description": schema["description"]}
	}
	out := maps.Clone(schema)
	if props, ok := schema["properties"].(map[string]any); ok {
		p := obj{}
		for name, s := range props {
			if s, ok := s.(map[string]any); ok {
				p[name] = withTemplates(s)
			}
		}
		out["properties"] = p
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if s, ok := schema[key].(map[string]any); ok {
			out[key] = withTemplates(s)
		}
	}
	if c, ok := node.ChoicesOf(schema); ok { // any spelling stays possible, and editors offer the usual ones
		values := make([]any, len(c.Values))
		for i, v := range c.Values {
			values[i] = v
		}
		out["examples"] = values
	}
	if takesText(schema) {
		delete(out, "format")
		return out
	}
	either := obj{"anyOf": []any{out, obj{"type": "string", "pattern": `\$\(`}}}
	if doc, ok := schema["description"]; ok {
		either["description"] = doc
	}
	return either
}

// takesText tells whether any text fits a schema, and so any template does. A
// set is read name by name and takes none in its place.
func takesText(schema map[string]any) bool {
	for _, key := range []string{"enum", "const", "pattern", "minLength", "maxLength"} {
		if schema[key] != nil {
			return false
		}
	}
	return schema["type"] == nil || schema["type"] == "string" || schema["x-wend"] == "set"
}
