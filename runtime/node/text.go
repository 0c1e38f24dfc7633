package node

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/data"
)

// ReadTexts gives the fields of a form, or the elements of XML, the types that
// the schema has for them: both know only texts, and a list where one is given
// several times. A text that cannot be read so stays one, for Validate to tell, and what is no
// text stays what it is. fields is not changed.
func (s *Schema) ReadTexts(fields map[string]any) map[string]any {
	if s == nil {
		return fields
	}
	typed := maps.Clone(fields)
	for name, v := range fields {
		typed[name] = s.readText(s.propertyOf(s.raw, name, 0), v)
	}
	return typed
}

// maxRefs ends schemas that refer to themselves.
const maxRefs = 16

// propertyOf returns what a schema says of a property, also through $ref and
// allOf; nil if nothing.
func (s *Schema) propertyOf(schema map[string]any, name string, depth int) map[string]any {
	if depth > maxRefs {
		return nil
	}
	props, _ := schema["properties"].(map[string]any)
	if p, ok := props[name].(map[string]any); ok {
		return p
	}
	for _, part := range s.parts(schema) {
		if p := s.propertyOf(part, name, depth+1); p != nil {
			return p
		}
	}
	others, _ := schema["additionalProperties"].(map[string]any)
	return others
}

// parts are the schemas that one is made of.
func (s *Schema) parts(schema map[string]any) []map[string]any {
	var parts []map[string]any
	if ref, ok := schema["$ref"].(string); ok {
		parts = append(parts, s.refer(ref))
	}
	for _, keyword := range []string{"allOf", "anyOf", "oneOf"} {
		list, _ := schema[keyword].([]any)
		for _, part := range list {
			if part, ok := part.(map[string]any); ok {
				parts = append(parts, part)
			}
		}
	}
	return parts
}

// refer follows a reference inside the schema, such as #/$defs/id.
func (s *Schema) refer(ref string) map[string]any {
	rest, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil
	}
	at := any(s.raw)
	for _, name := range strings.Split(rest, "/")[1:] {
		object, _ := at.(map[string]any)
		at = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)]
	}
	schema, _ := at.(map[string]any)
	return schema
}

// typesOf are the types that a schema takes, as far as it says.
func (s *Schema) typesOf(schema map[string]any, depth int) []string {
	if depth > maxRefs {
		return nil
	}
	switch t := schema["type"].(type) {
	case string:
		return []string{t}
	case []any:
		var types []string
		for _, v := range t {
			if name, ok := v.(string); ok {
				types = append(types, name)
			}
		}
		return types
	}
	var types []string
	for _, part := range s.parts(schema) {
		types = append(types, s.typesOf(part, depth+1)...)
	}
	values, _ := schema["enum"].([]any)
	if v, ok := schema["const"]; ok {
		values = []any{v}
	}
	for _, v := range values {
		types = append(types, typeOf(v))
	}
	return types
}

func typeOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case map[string]any:
		return "object"
	case []any:
		return "array"
	default:
		return "number"
	}
}

func (s *Schema) readText(schema map[string]any, v any) any {
	types := s.typesOf(schema, 0)
	list, several := v.([]any)
	switch text, isText := v.(string); {
	case slices.Contains(types, "array"):
		if !several {
			list = []any{v}
		}
		items := make([]any, len(list))
		for i, item := range list {
			items[i] = s.readText(s.itemsOf(schema, 0), item)
		}
		return items
	case !isText:
		return s.readInside(schema, v)
	case slices.Contains(types, "string"):
		return v
	case text == "" && slices.Contains(types, "object"):
		return map[string]any{} // an element of XML without any
	case text == "" && slices.Contains(types, "null"):
		return nil
	case (text == "true" || text == "false") && slices.Contains(types, "boolean"):
		return text == "true"
	case (slices.Contains(types, "integer") || slices.Contains(types, "number")) && numberText.MatchString(text):
		if n, err := data.Number(text); err == nil {
			return n
		}
	case slices.Contains(types, "object") && json.Valid([]byte(text)):
		if object, err := data.DecodeJSON([]byte(text)); err == nil {
			return object
		}
	}
	return v
}

// readInside is ReadTexts of what is inside of a field.
func (s *Schema) readInside(schema map[string]any, v any) any {
	object, ok := v.(map[string]any)
	if !ok || schema == nil {
		return v
	}
	typed := maps.Clone(object)
	for name, v := range object {
		typed[name] = s.readText(s.propertyOf(schema, name, 0), v)
	}
	return typed
}

func (s *Schema) itemsOf(schema map[string]any, depth int) map[string]any {
	if items, ok := schema["items"].(map[string]any); ok || depth > maxRefs {
		return items
	}
	for _, part := range s.parts(schema) {
		if items := s.itemsOf(part, depth+1); items != nil {
			return items
		}
	}
	return nil
}

var numberText = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)
