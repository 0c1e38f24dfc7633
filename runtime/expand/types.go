package expand

import (
	"encoding/json"
	"maps"
	"slices"
	"sync"

	"github.com/expr-lang/expr/types"
)

// Type is what is known about a value before a run: its kind, and the fields
// or elements of objects and arrays. The zero Type is "any". Types are
// immutable.
type Type struct{ info *typeInfo }

type typeInfo struct {
	kind   string
	fields map[string]Type
	gaps   map[string]gap // fields without a value, as far as that is known
	open   bool           // an object with other fields than those
	vague  bool           // open only because nothing is said of its fields
	other  Type           // of the other fields
	elem   Type           // of an array

	once   sync.Once
	sorted []string // names of fields

	made sync.Once
	expr types.Type // as expr's checker knows it
}

// gap is how a field may come to have no value.
type gap uint8

const (
	missing gap = 1 << iota // it need not be there
	null                    // it may be null
)

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

// Fields returns the names of the declared fields, sorted. The list must not be
// changed.
func (t Type) Fields() []string {
	if t.info == nil {
		return nil
	}
	t.info.once.Do(func() { t.info.sorted = slices.Sorted(maps.Keys(t.info.fields)) })
	return t.info.sorted
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

// Schema returns a JSON Schema of the values that are of the type, from which
// FromStrict makes the same type.
func (t Type) Schema() map[string]any {
	switch kind := t.Kind(); kind {
	case kindAny:
		return map[string]any{}
	case kindArray:
		return map[string]any{"type": kind, "items": t.Elem().Schema()}
	case kindObject:
		return t.objectSchema()
	default:
		return map[string]any{"type": kind}
	}
}

func (t Type) objectSchema() map[string]any {
	s := map[string]any{"type": kindObject}
	if t.info.fields != nil {
		props, required := map[string]any{}, []any{}
		for _, name := range t.Fields() {
			props[name] = t.info.fields[name].Schema()
			gap := t.info.gaps[name]
			if gap&missing == 0 {
				required = append(required, name)
			}
			if own := props[name].(map[string]any); gap&null != 0 && own["type"] != nil {
				own["type"] = []any{own["type"], kindNull}
			}
		}
		s["properties"], s["required"] = props, required
	}
	switch {
	case !t.info.open:
		s["additionalProperties"] = false
	case t.info.fields != nil || !t.info.vague:
		s["additionalProperties"] = t.info.other.Schema()
	}
	return s
}

func simple(kind string) Type { return Type{&typeInfo{kind: kind}} }

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
	if t.info == nil {
		return types.Any
	}
	t.info.made.Do(func() { t.info.expr = t.makeExprType() })
	return t.info.expr
}

func (t Type) makeExprType() types.Type {
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
