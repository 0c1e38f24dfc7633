package expand

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/expr-lang/expr/types"
)

// Type is what is known about a value before a run: its kind, and the fields
// or elements of objects and arrays. The zero Type is "any". Types are
// immutable.
type Type struct{ info *typeInfo }

type typeInfo struct {
	kind   string
	fields map[string]Type
	open   bool // an object with other fields than those
	other  Type // of the other fields
	elem   Type // of an array
}

// The kinds of types.
const (
	kindAny     = "any"
	kindString  = "string"
	kindInteger = "integer"
	kindNumber  = "number"
	kindBoolean = "boolean"
	kindObject  = "object"
	kindArray   = "array"
	kindNull    = "null"
)

// Kind returns "any", "string", "integer", "number", "boolean", "object",
// "array" or "null".
func (t Type) Kind() string {
	if t.info == nil {
		return kindAny
	}
	return t.info.kind
}

// String returns the kind as a word of a sentence: "a string", "an object".
func (t Type) String() string {
	switch k := t.Kind(); k {
	case kindAny:
		return "any value"
	case kindNull:
		return "nil"
	case kindInteger, kindObject, kindArray:
		return "an " + k
	default:
		return "a " + k
	}
}

// Fields returns the names of the declared fields, sorted.
func (t Type) Fields() []string {
	if t.info == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(t.info.fields))
}

// Field returns the type of a field, and whether there can be such a field. A
// value of type any has every field.
func (t Type) Field(name string) (Type, bool) {
	switch {
	case t.info == nil:
		return Type{}, true
	case t.info.kind != kindObject:
		return Type{}, false
	}
	if f, ok := t.info.fields[name]; ok {
		return f, true
	}
	return t.info.other, t.info.open
}

// Elem returns the type of an array's elements; any if it is no array.
func (t Type) Elem() Type {
	if t.info == nil {
		return Type{}
	}
	return t.info.elem
}

func simple(kind string) Type { return Type{&typeInfo{kind: kind}} }

// FromSchema returns the type of the values that a JSON Schema (2020-12, as
// decoded JSON) accepts. An object with `properties` has these fields and no
// others, so that a misspelt one can be told, unless the schema says
// `additionalProperties` or `patternProperties`; without `properties` any
// field may be there. What is not said, or said with `anyOf`, `$ref` and the
// like, is any.
func FromSchema(schema map[string]any) Type {
	switch kind := schemaKind(schema); kind {
	case kindObject:
		return objectFromSchema(schema)
	case kindArray:
		return Type{&typeInfo{kind: kindArray, elem: subschema(schema["items"])}}
	case kindAny:
		return Type{}
	default:
		return simple(kind)
	}
}

// schemaKind is the one type of a schema; null beside it only says that the
// value may be missing, which is true of every value.
func schemaKind(schema map[string]any) string {
	switch t := schema["type"].(type) {
	case string:
		return knownKind(t)
	case []any:
		kinds := slices.DeleteFunc(slices.Clone(t), func(k any) bool { return k == kindNull })
		if len(kinds) == 1 {
			kind, _ := kinds[0].(string)
			return knownKind(kind)
		}
	case nil:
		if _, ok := schema["properties"].(map[string]any); ok {
			return kindObject
		}
	}
	return kindAny
}

func knownKind(s string) string {
	switch s {
	case kindString, kindInteger, kindNumber, kindBoolean, kindObject, kindArray, kindNull:
		return s
	default:
		return kindAny
	}
}

func objectFromSchema(schema map[string]any) Type {
	info := &typeInfo{kind: kindObject}
	props, declared := schema["properties"].(map[string]any)
	if declared {
		info.fields = make(map[string]Type, len(props))
		for name, p := range props {
			info.fields[name] = subschema(p)
		}
	}
	additional, said := schema["additionalProperties"]
	_, patterns := schema["patternProperties"]
	info.open = patterns || said && additional != false || !said && !declared
	if !patterns {
		info.other = subschema(additional)
	}
	return Type{info}
}

func subschema(v any) Type {
	if s, ok := v.(map[string]any); ok {
		return FromSchema(s)
	}
	return Type{}
}

// TypeOf returns the type of a literal, such as the value a variable begins
// with. Objects are open and nil is null.
func TypeOf(v any) Type {
	switch v := v.(type) {
	case nil:
		return simple(kindNull)
	case bool:
		return simple(kindBoolean)
	case int, json.Number:
		return simple(kindInteger)
	case float64:
		return simple(kindNumber)
	case string:
		return simple(kindString)
	case map[string]any:
		info := &typeInfo{kind: kindObject, open: true, fields: make(map[string]Type, len(v))}
		for name, f := range v {
			info.fields[name] = TypeOf(f)
		}
		return Type{info}
	case []any:
		return Type{&typeInfo{kind: kindArray, elem: commonType(v)}}
	default:
		return Type{}
	}
}

// commonType is the type of all items if they are of one simple kind.
func commonType(items []any) Type {
	if len(items) == 0 {
		return Type{}
	}
	first := TypeOf(items[0])
	for _, item := range items {
		switch k := TypeOf(item).Kind(); {
		case k != first.Kind(), k == kindObject, k == kindArray, k == kindNull:
			return Type{}
		}
	}
	return first
}

// exprType is the type as expr's checker knows it. Null is any there: a
// variable that begins as nil is meant to be set.
func (t Type) exprType() types.Type {
	switch t.Kind() {
	case kindString:
		return types.String
	case kindInteger:
		return types.Int
	case kindNumber:
		return types.Float64
	case kindBoolean:
		return types.Bool
	case kindArray:
		return types.Array(t.Elem().exprType())
	case kindObject:
		m := make(types.Map, len(t.info.fields)+1)
		for name, f := range t.info.fields {
			m[name] = f.exprType()
		}
		if t.info.open {
			m[types.Extra] = t.info.other.exprType()
		}
		return m
	default:
		return types.Any
	}
}
