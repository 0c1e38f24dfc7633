package expand

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/wendflow/wend/runtime/data"
)

// plain turns what expr yields into plain data. Data that is plain already is
// returned as it is, not copied.
func plain(v any, f *frame) (any, error) { return f.plain(v, 0) }

func (f *frame) plain(v any, level int) (any, error) {
	if level > data.MaxNesting {
		return nil, errNesting
	}
	if err := f.spend(1); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case nil, bool, string, int, json.Number:
		return v, nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, errors.New("the result is not a finite number; was something divided by zero?")
		}
		return data.Float(v), nil
	case map[string]any:
		return f.plainObject(v, level)
	case []any:
		return f.plainList(v, level)
	case time.Time:
		return v.Format(time.RFC3339Nano), nil
	case time.Duration:
		return v.String(), nil
	case digest:
		return nil, errDigest
	case []byte:
		if !utf8.Valid(v) {
			return nil, errors.New("the bytes are not a text")
		}
		return string(v), nil
	default:
		return f.plainReflected(reflect.ValueOf(v), level)
	}
}

// plainObject copies m only if something in it changes.
func (f *frame) plainObject(m map[string]any, level int) (any, error) {
	out, copied := m, false
	for k, e := range m {
		p, err := f.plain(e, level+1)
		if err != nil {
			return nil, err
		}
		if same(p, e) {
			continue
		}
		if !copied {
			out, copied = maps.Clone(m), true
		}
		out[k] = p
	}
	return out, nil
}

func (f *frame) plainList(l []any, level int) (any, error) {
	out, copied := l, false
	for i, e := range l {
		p, err := f.plain(e, level+1)
		if err != nil {
			return nil, err
		}
		if same(p, e) {
			continue
		}
		if !copied {
			out, copied = append([]any{}, l...), true
		}
		out[i] = p
	}
	return out, nil
}

// same tells whether plain left v as it was. Maps and lists are compared by
// identity.
func same(p, v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return reflect.ValueOf(p).Pointer() == reflect.ValueOf(v).Pointer()
	case []any:
		l, ok := p.([]any)
		return ok && len(l) == len(v) && (len(l) == 0 || &l[0] == &v[0])
	case nil, bool, string, int, json.Number:
		return true
	case float64:
		return p == any(v)
	default:
		return false
	}
}

func (f *frame) plainReflected(v reflect.Value, level int) (any, error) {
	switch v.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return int(v.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if v.Uint() > math.MaxInt {
			return json.Number(strconv.FormatUint(v.Uint(), 10)), nil
		}
		return int(v.Uint()), nil
	case reflect.Float32:
		return f.plain(v.Float(), level)
	case reflect.Slice, reflect.Array:
		out := make([]any, v.Len())
		for i := range out {
			var err error
			if out[i], err = f.plain(v.Index(i).Interface(), level+1); err != nil {
				return nil, err
			}
		}
		return out, nil
	case reflect.Map:
		return f.plainMap(v, level)
	case reflect.Func:
		return nil, errors.New("the result is a function, expected a value; call it with ()")
	default:
		return nil, fmt.Errorf("the result is a %s, expected a value", v.Type())
	}
}

// plainMap makes keys texts; those of groupBy may be anything.
func (f *frame) plainMap(v reflect.Value, level int) (any, error) {
	out := make(map[string]any, v.Len())
	for it := v.MapRange(); it.Next(); {
		key, err := f.plain(it.Key().Interface(), level+1)
		if err != nil {
			return nil, err
		}
		name, err := keyText(key)
		if err != nil {
			return nil, err
		}
		if _, taken := out[name]; taken {
			return nil, fmt.Errorf("two keys read %q as text", name)
		}
		if out[name], err = f.plain(it.Value().Interface(), level+1); err != nil {
			return nil, err
		}
	}
	return out, nil
}
