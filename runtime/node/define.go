package node

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
)

// Define makes a built-in node type from an input struct, an output struct and
// one function. t brings the name, the docs and the outcomes; the schemas are
// made from the structs' tags:
//
//	json     the name; omitempty makes a field optional
//	doc      one line for people
//	type     JSON type of an any, which the step looks at itself
//	enum     allowed values, or those of a list, separated by commas
//	default  filled in when absent
//	x-wend   how it is read, see Schema; "text" on a map is about its values
//
// It panics when a struct has a type that has no schema: that is a mistake of
// this program.
func Define[In, Out any](t Type, step func(context.Context, Visit, In) (Action, error)) *Type {
	t.Inputs = MustSchema(structSchema(reflect.TypeFor[In]()))
	if t.Outputs == nil {
		t.Outputs = MustSchema(structSchema(reflect.TypeFor[Out]()))
	}
	names := fieldNames(reflect.TypeFor[In]())
	t.Step = func(ctx context.Context, v Visit) (Action, error) {
		var in In
		if !fill(reflect.ValueOf(&in).Elem(), names, v.Inputs) {
			in = *new(In)
			if err := decode(v.Inputs, &in); err != nil {
				return nil, &InvalidError{Problems: []Problem{{Msg: err.Error()}}}
			}
		}
		return step(ctx, v, in)
	}
	return &t
}

// DefineTrigger is Define for a type that starts runs. t brings the outputs
// too, and trigger makes the trigger of one node.
func DefineTrigger[In any](t Type, trigger func(In) (Trigger, error)) *Type {
	t.Inputs = MustSchema(structSchema(reflect.TypeFor[In]()))
	t.Trigger = func(inputs map[string]any) (Trigger, error) {
		var in In
		if err := decode(inputs, &in); err != nil {
			return nil, err
		}
		return trigger(in)
	}
	return &t
}

func fieldNames(t reflect.Type) []string {
	names := make([]string, t.NumField())
	for i := range names {
		names[i], _ = jsonName(t.Field(i))
	}
	return names
}

// fill sets the fields of a struct to the values under their names, and tells
// whether all were of their field's type already. They nearly always are, and
// decode takes ten times as long to find that out. Maps are left to decode,
// which copies them.
func fill(out reflect.Value, names []string, in map[string]any) bool {
	known := 0
	for i, name := range names {
		given, ok := in[name]
		if !ok {
			continue
		}
		field, v := out.Field(i), reflect.ValueOf(given)
		if !v.IsValid() || field.Kind() == reflect.Map || !v.Type().AssignableTo(field.Type()) {
			return false
		}
		field.Set(v)
		known++
	}
	return known == len(in)
}

func decode(in map[string]any, out any) error {
	d, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		TagName: "json",
		Result:  out,
		DecodeHook: mapstructure.ComposeDecodeHookFunc(
			mapstructure.StringToTimeDurationHookFunc()),
	})
	if err != nil {
		return err
	}
	return d.Decode(in)
}

func structSchema(t reflect.Type) map[string]any {
	props := map[string]any{}
	required := []any{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, optional := jsonName(f)
		p := typeSchema(f.Type)
		if doc := f.Tag.Get("doc"); doc != "" {
			p["description"] = doc
		}
		if kind := f.Tag.Get("type"); kind != "" {
			p["type"] = kind
		}
		if mode := f.Tag.Get("x-wend"); mode != "" {
			marked := p
			if each, isMap := p["additionalProperties"].(map[string]any); isMap && mode == "text" {
				marked = each
			}
			marked["x-wend"] = mode
		}
		if enum := f.Tag.Get("enum"); enum != "" {
			values := []any{}
			for v := range strings.SplitSeq(enum, ",") {
				values = append(values, v)
			}
			takes := p
			if each, isList := p["items"].(map[string]any); isList {
				takes = each
			}
			takes["enum"] = values
		}
		if d, ok := f.Tag.Lookup("default"); ok {
			p["default"] = d
		}
		props[name] = p
		if !optional {
			required = append(required, name)
		}
	}
	s := map[string]any{"type": "object", "properties": props, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

func typeSchema(t reflect.Type) map[string]any {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return map[string]any{"type": "string", "pattern": `^([0-9.]+(ns|us|ms|s|m|h|d))+$`}
	case t == reflect.TypeFor[Assignments]():
		return map[string]any{"type": "object", "x-wend": "set"}
	case t == reflect.TypeFor[Late](), t == reflect.TypeFor[Early]():
		return map[string]any{"x-wend": "late"}
	case t.Kind() == reflect.Interface:
		return map[string]any{}
	}
	switch t.Kind() {
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": typeSchema(t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": typeSchema(t.Elem())}
	case reflect.Struct:
		return structSchema(t)
	case reflect.Pointer:
		return typeSchema(t.Elem())
	default:
		panic(fmt.Sprintf("node: no schema for %s", t))
	}
}

// jsonName returns a field's name and whether it may be absent.
func jsonName(f reflect.StructField) (name string, optional bool) {
	name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name, strings.Contains(rest, "omitempty")
}
