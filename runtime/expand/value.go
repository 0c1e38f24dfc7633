package expand

import (
	"strings"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// Value is compiled data: objects and lists of templates and literals. It is
// immutable and safe for concurrent use.
type Value struct {
	literal any // the whole value, if there is no template in it
	scalar  *Template
	fields  []valueField
	items   []*Value
	kind    valueKind
}

type valueKind uint8

const (
	literalValue valueKind = iota
	scalarValue
	objectValue
	listValue
)

type valueField struct {
	name  string
	value *Value
}

// CompileValue compiles every text in v; keys are never templates. A nil v is
// nil. Like Compile, it always returns a Value.
func CompileValue(v yamldoc.Value, s *Scope) (*Value, diag.List) {
	var list diag.List
	return compileValue(v, s, &list), list
}

func compileValue(v yamldoc.Value, s *Scope, list *diag.List) *Value {
	switch v := v.(type) {
	case *yamldoc.Scalar:
		return compileScalar(v, s, list)
	case *yamldoc.Map:
		return compileMap(v, s, list)
	case *yamldoc.List:
		return compileList(v, s, list)
	default:
		return &Value{}
	}
}

func compileScalar(v *yamldoc.Scalar, s *Scope, list *diag.List) *Value {
	if _, ok := v.Data.(string); !ok {
		return &Value{literal: v.Data}
	}
	t, mistakes := Compile(v.Text, s)
	*list = append(*list, mistakes...)
	if literal, ok := t.IsLiteral(); ok {
		return &Value{literal: literal}
	}
	return &Value{kind: scalarValue, scalar: t}
}

func compileMap(v *yamldoc.Map, s *Scope, list *diag.List) *Value {
	out := &Value{kind: objectValue, fields: make([]valueField, len(v.Entries))}
	literals := make(map[string]any, len(v.Entries))
	for i, e := range v.Entries {
		if len(*list) >= maxMistakes {
			return &Value{}
		}
		if i := strings.Index(e.Key.Value, "$("); i >= 0 {
			list.Warnf(e.Key.At(i), diag.TemplateKey, "keys are never templates; this one stays %q", e.Key.Value)
		}
		f := compileValue(e.Value, s, list)
		out.fields[i] = valueField{e.Key.Value, f}
		if f.kind == literalValue {
			literals[e.Key.Value] = f.literal
		}
	}
	if len(literals) == len(v.Entries) {
		return &Value{literal: literals}
	}
	return out
}

func compileList(v *yamldoc.List, s *Scope, list *diag.List) *Value {
	out := &Value{kind: listValue, items: make([]*Value, len(v.Items))}
	var literals []any
	for i, item := range v.Items {
		if len(*list) >= maxMistakes {
			return &Value{}
		}
		out.items[i] = compileValue(item, s, list)
		if out.items[i].kind == literalValue {
			literals = append(literals, out.items[i].literal)
		}
	}
	if len(literals) == len(v.Items) {
		return &Value{literal: append([]any{}, literals...)}
	}
	return out
}

// IsLiteral returns the data of a value without expressions.
func (v *Value) IsLiteral() (any, bool) { return v.literal, v.kind == literalValue }

// Refs returns what the templates in v read, in the order of the file.
func (v *Value) Refs() []Ref {
	var refs []Ref
	switch v.kind {
	case literalValue:
	case scalarValue:
		refs = v.scalar.Refs()
	case objectValue:
		for _, f := range v.fields {
			refs = append(refs, f.value.Refs()...)
		}
	case listValue:
		for _, item := range v.items {
			refs = append(refs, item.Refs()...)
		}
	}
	return refs
}

// Eval returns the data with every template evaluated. The first that fails
// ends it. The data must not be changed: its parts are shared.
func (v *Value) Eval(e Env) (any, error) {
	switch v.kind {
	case scalarValue:
		return v.scalar.Eval(e)
	case objectValue:
		m := make(map[string]any, len(v.fields))
		for _, f := range v.fields {
			var err error
			if m[f.name], err = f.value.Eval(e); err != nil {
				return nil, err
			}
		}
		return m, nil
	case listValue:
		l := make([]any, len(v.items))
		for i, item := range v.items {
			var err error
			if l[i], err = item.Eval(e); err != nil {
				return nil, err
			}
		}
		return l, nil
	default:
		return v.literal, nil
	}
}
