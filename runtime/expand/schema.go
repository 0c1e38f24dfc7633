package expand

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// FromSchema returns the type of the values that a JSON Schema (2020-12, as
// decoded JSON) accepts. An object with `properties` has these fields and no
// others, so that a misspelt one can be told, unless the schema says
// `additionalProperties`, `unevaluatedProperties` or `patternProperties`;
// without `properties` any field may be there. Fields are found wherever they
// are declared: behind `$ref`, in `allOf`, in one of `oneOf` or `anyOf`, in
// `then`, `else` and `dependentSchemas`, and by `required` alone. A schema that
// refers to itself is followed once; below that, and where schemas disagree,
// the type is any.
func FromSchema(schema map[string]any) Type {
	r := &schemaReader{root: schema, known: map[string]Type{}, open: map[string]bool{}}
	return r.typeOf(schema)
}

// FromStrict is FromSchema of a schema that says of every field whether it must
// be there: one that it declares, that it does not require and that has no
// default may be missing, and one whose type may be null may be nil. Templates
// that fail without such a field have a Ref with Gap.
func FromStrict(schema map[string]any) Type {
	r := &schemaReader{root: schema, known: map[string]Type{}, open: map[string]bool{}, strict: true}
	return r.typeOf(schema)
}

// schemaReader reads the schemas of one document.
type schemaReader struct {
	root  map[string]any
	known map[string]Type // by reference
	open  map[string]bool // references that are being followed
	// strict tells that fields which are not required may be missing.
	strict bool
}

// typeOf is what a schema says by itself, and what those say that must or may
// hold beside it.
func (r *schemaReader) typeOf(v any) Type {
	schema, ok := v.(map[string]any)
	if !ok {
		return Type{} // true, or no schema
	}
	t := r.own(schema)
	if ref, ok := schema["$ref"].(string); ok {
		t = both(t, r.follow(ref))
	}
	for _, part := range list(schema["allOf"]) {
		t = both(t, r.typeOf(part))
	}
	for _, keyword := range []string{"anyOf", "oneOf"} {
		if parts := list(schema[keyword]); len(parts) > 0 {
			t = both(t, r.oneOf(parts))
		}
	}
	for _, keyword := range []string{"then", "else"} {
		t = orElse(t, r.typeOf(schema[keyword]))
	}
	dependent, _ := schema["dependentSchemas"].(map[string]any)
	for _, part := range dependent {
		t = orElse(t, r.typeOf(part))
	}
	return required(t, list(schema["required"]))
}

// follow resolves a reference into the document; others have any type.
func (r *schemaReader) follow(ref string) Type {
	if t, ok := r.known[ref]; ok || r.open[ref] {
		return t
	}
	r.open[ref] = true
	defer delete(r.open, ref)
	t := r.typeOf(r.at(ref))
	r.known[ref] = t
	return t
}

// at returns what a JSON pointer in a URI fragment leads to, or nil.
func (r *schemaReader) at(ref string) any {
	pointer, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil
	}
	pointer, err := url.PathUnescape(pointer)
	if err != nil || pointer != "" && pointer[0] != '/' {
		return nil
	}
	var at any = r.root
	for _, name := range strings.Split(pointer, "/")[1:] {
		name = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
		switch parent := at.(type) {
		case map[string]any:
			at = parent[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i < 0 || i >= len(parent) {
				return nil
			}
			at = parent[i]
		default:
			return nil
		}
	}
	return at
}

// own is what a schema says without its neighbours.
func (r *schemaReader) own(schema map[string]any) Type {
	switch kind := schemaKind(schema); kind {
	case kindObject:
		return r.object(schema)
	case kindArray:
		return Type{&typeInfo{kind: kindArray, elem: r.elements(schema)}}
	case kindAny:
		return Type{}
	default:
		return simple(kind)
	}
}

func (r *schemaReader) object(schema map[string]any) Type {
	info := &typeInfo{kind: kindObject}
	props, declared := schema["properties"].(map[string]any)
	if declared {
		info.fields = make(map[string]Type, len(props))
		for name, p := range props {
			info.fields[name] = r.typeOf(p)
		}
		info.gaps = r.gaps(schema, props)
	}
	extra, said := schema["additionalProperties"]
	if !said {
		extra, said = schema["unevaluatedProperties"]
	}
	_, patterns := schema["patternProperties"]
	info.open = patterns || said && extra != false || !said && !declared
	info.vague = info.open && !patterns && !said
	if !patterns {
		info.other = r.typeOf(extra)
	}
	return Type{info}
}

// gaps tells of the properties that may have no value.
func (r *schemaReader) gaps(schema, props map[string]any) map[string]gap {
	if !r.strict {
		return nil
	}
	needed := list(schema["required"])
	gaps := map[string]gap{}
	for name, p := range props {
		property, _ := p.(map[string]any)
		if _, filled := property["default"]; !filled && !slices.Contains(needed, any(name)) {
			gaps[name] |= missing
		}
		if slices.Contains(list(property["type"]), any(kindNull)) {
			gaps[name] |= null
		}
	}
	return gaps
}

// elements is the one type of a list's elements.
func (r *schemaReader) elements(schema map[string]any) Type {
	prefix := list(schema["prefixItems"])
	if len(prefix) == 0 {
		return r.typeOf(schema["items"])
	}
	if schema["items"] == false {
		return r.oneOf(prefix)
	}
	return r.oneOf(append(slices.Clone(prefix), schema["items"]))
}

func (r *schemaReader) oneOf(parts []any) Type {
	t := r.typeOf(parts[0])
	for _, part := range parts[1:] {
		t = either(t, r.typeOf(part))
	}
	return t
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
		return impliedKind(schema)
	}
	return kindAny
}

// impliedKind is for schemas without `type`, whose other keywords say it.
func impliedKind(schema map[string]any) string {
	if _, ok := schema["properties"].(map[string]any); ok {
		return kindObject
	}
	values := list(schema["enum"])
	if v, ok := schema["const"]; ok {
		values = []any{v}
	}
	kind := kindAny
	for i, v := range values {
		switch k := TypeOf(v).Kind(); {
		case k == kindObject || k == kindArray || k == kindNull, i > 0 && k != kind:
			return kindAny
		default:
			kind = k
		}
	}
	return kind
}

func knownKind(s string) string {
	switch s {
	case kindString, kindInteger, kindNumber, kindBoolean, kindObject, kindArray, kindNull:
		return s
	default:
		return kindAny
	}
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// both is the type of values that are of a and of b.
func both(a, b Type) Type {
	switch ka, kb := a.Kind(), b.Kind(); {
	case ka == kindAny:
		return b
	case kb == kindAny || ka == kindInteger && kb == kindNumber:
		return a
	case ka == kindNumber && kb == kindInteger:
		return b
	case ka != kb:
		return Type{} // no value is
	case ka == kindArray:
		return Type{&typeInfo{kind: kindArray, elem: both(a.info.elem, b.info.elem)}}
	case ka == kindObject:
		// What one of them leaves out the other may declare. An object that says
		// nothing of its fields does not open one that does.
		open := a.info.open && !a.info.vague || b.info.open && !b.info.vague || a.info.vague && b.info.vague
		return merge(a.info, b.info, both, open, a.info.vague && b.info.vague)
	default:
		return a
	}
}

// either is the type of values that are of a or of b.
func either(a, b Type) Type {
	switch ka, kb := a.Kind(), b.Kind(); {
	case ka == kindNull:
		return b // missing values may stand for any other
	case kb == kindNull:
		return a
	case ka == kindInteger && kb == kindNumber:
		return b
	case ka == kindNumber && kb == kindInteger:
		return a
	case ka != kb || ka == kindAny:
		return Type{}
	case ka == kindArray:
		return Type{&typeInfo{kind: kindArray, elem: either(a.info.elem, b.info.elem)}}
	case ka == kindObject:
		return merge(a.info, b.info, either, a.info.open || b.info.open, a.info.vague && b.info.vague)
	default:
		return a
	}
}

// orElse is a, with the fields that b adds where b holds too.
func orElse(a, b Type) Type {
	if b.Kind() != kindObject {
		return a
	}
	return both(a, b)
}

// merge puts the fields of two objects together; those that both have by and.
func merge(a, b *typeInfo, and func(a, b Type) Type, open, vague bool) Type {
	info := &typeInfo{kind: kindObject, open: open, vague: vague, gaps: map[string]gap{}}
	if a.fields != nil || b.fields != nil {
		info.fields = make(map[string]Type, len(a.fields)+len(b.fields))
	}
	for name, f := range a.fields {
		other, ok := b.fields[name]
		if ok {
			f = and(f, other)
		}
		info.fields[name] = f
		info.gaps[name] = a.gaps[name]
		if ok { // both must let it be without a value
			info.gaps[name] &= b.gaps[name]
		}
	}
	for name, f := range b.fields {
		if _, ok := a.fields[name]; !ok {
			info.fields[name] = f
			info.gaps[name] = b.gaps[name]
		}
	}
	if open && !vague {
		info.other = either(a.other, b.other)
	}
	return Type{info}
}

// required declares fields that must be there and of which nothing else is said.
func required(t Type, names []any) Type {
	if len(names) == 0 || t.Kind() != kindAny && t.Kind() != kindObject {
		return t
	}
	own := &typeInfo{kind: kindObject, open: true, vague: true, fields: map[string]Type{}, gaps: map[string]gap{}}
	for _, v := range names {
		if name, ok := v.(string); ok {
			own.fields[name] = Type{}
			if t.info != nil {
				own.gaps[name] = t.info.gaps[name] & null
			}
		}
	}
	return both(t, Type{own})
}
