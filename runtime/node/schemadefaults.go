package node

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// defaults is what a schema fills in: the values of properties that are absent,
// and what is to be filled in inside of those that are there. nil is nothing.
type defaults struct {
	own   map[string]any
	props map[string]*defaults
	items *defaults
}

// deepest is how far defaults are followed into a schema: one that refers to
// itself has no end.
const deepest = 16

// defaultsOf follows `properties`, `items`, `allOf` and references inside the
// document. What holds only sometimes (`oneOf`, `then`) fills in nothing.
func defaultsOf(root map[string]any, v any, depth int) *defaults {
	schema, ok := v.(map[string]any)
	if !ok || depth > deepest {
		return nil
	}
	d := &defaults{own: map[string]any{}, props: map[string]*defaults{}}
	props, _ := schema["properties"].(map[string]any)
	for name, p := range props {
		if p, ok := p.(map[string]any); ok {
			if v, ok := p["default"]; ok {
				d.own[name] = v
			}
			d.take(name, defaultsOf(root, p, depth+1))
		}
	}
	d.items = defaultsOf(root, schema["items"], depth+1)
	parts, _ := schema["allOf"].([]any)
	if ref, ok := schema["$ref"].(string); ok {
		parts = append(slices.Clone(parts), resolve(root, ref))
	}
	for _, part := range parts {
		d.add(defaultsOf(root, part, depth+1))
	}
	if len(d.own) == 0 && len(d.props) == 0 && d.items == nil {
		return nil
	}
	return d
}

func (d *defaults) take(name string, inside *defaults) {
	switch {
	case inside == nil:
	case d.props[name] == nil:
		d.props[name] = inside
	default:
		d.props[name].add(inside)
	}
}

// add takes over what another part of the schema fills in, where this one does
// not.
func (d *defaults) add(more *defaults) {
	if more == nil {
		return
	}
	for name, v := range more.own {
		if _, ok := d.own[name]; !ok {
			d.own[name] = v
		}
	}
	for name, inside := range more.props {
		d.take(name, inside)
	}
	if d.items == nil {
		d.items = more.items
	}
}

// fill returns v with what is absent; v is not changed.
func (d *defaults) fill(v any) any {
	if d == nil {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		return d.fillObject(v)
	case []any:
		if d.items == nil {
			return v
		}
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = d.items.fill(item)
		}
		return out
	default:
		return v
	}
}

func (d *defaults) fillObject(v map[string]any) map[string]any {
	out := make(map[string]any, len(v)+len(d.own))
	maps.Copy(out, d.own)
	maps.Copy(out, v)
	for name, inside := range d.props {
		if value, ok := out[name]; ok {
			out[name] = inside.fill(value)
		}
	}
	return out
}

// resolve returns what a reference into the document leads to, or nil.
func resolve(root map[string]any, ref string) any {
	pointer, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil
	}
	var at any = root
	for name := range strings.SplitSeq(pointer, "/") {
		parent, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = parent[strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")]
	}
	return at
}

// fromOpenAPI makes of what OpenAPI 3.0 says what JSON Schema calls it: of
// `nullable: true` null beside the type, of `exclusiveMinimum: true` beside
// `minimum` the bound itself. doc is changed.
func fromOpenAPI(doc any) {
	switch doc := doc.(type) {
	case map[string]any:
		if kind, ok := doc["type"].(string); ok && doc["nullable"] == true {
			doc["type"] = []any{kind, "null"}
			if values, ok := doc["enum"].([]any); ok && !slices.Contains(values, nil) {
				doc["enum"] = append(values, nil)
			}
		}
		for bound, exclusive := range exclusives {
			limit, isNumber := doc[bound].(json.Number)
			excludes, isBool := doc[exclusive].(bool)
			if !isNumber || !isBool {
				continue
			}
			delete(doc, exclusive)
			if excludes {
				delete(doc, bound)
				doc[exclusive] = limit
			}
		}
		for key, v := range doc {
			switch key {
			case "const", "enum", "default", "example", "examples":
			default:
				fromOpenAPI(v)
			}
		}
	case []any:
		for _, v := range doc {
			fromOpenAPI(v)
		}
	}
}

var exclusives = map[string]string{"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}
