package expand

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/expr-lang/expr/builtin"
	"github.com/google/uuid"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// functions are ours, under names that no author can write; the first argument
// is the frame. The checker sees expr's own functions instead.
var functions = map[string]func(f *frame, args []any) (any, error){
	"$path": func(f *frame, args []any) (any, error) { return args[0].(*path).eval(f.env.Names) },

	"$tick":    counted(func(f *frame, _ any) error { return f.spend(1) }),
	"$shallow": counted((*frame).shallow),
	"$deep":    counted(func(f *frame, v any) error { return f.deep(v, 0) }),
	"$grown":   counted(grown),
	"$length":  counted(func(f *frame, v any) error { return f.spend(1 + textLen(v)/bytesPerWork) }),
	"$bytes":   counted(func(f *frame, v any) error { return f.spend(1 + textLen(v)) }),
	"$sorted":  counted(func(f *frame, v any) error { return f.spend(1 + 8*listLen(v)) }),
	"$square":  counted(square),

	"$now":      now,
	"$date":     date,
	"$timezone": timezone,
	"$keys":     keys,
	"$values":   values,
	"$toPairs":  toPairs,
	"$fromJSON": fromJSON,
	"$repeat":   repeat,
	"$replace":  replaceText,
	"$join":     join,

	"$matches": matches,

	"$add": add, "$subtract": subtract, "$multiply": multiply, "$divide": divide, "$modulo": modulo, "$power": power,
	"$negate": negate, "$equal": equal, "$unequal": unequal, "$in": in,
	"$index": index, "$indexIfAny": indexIfAny, "$get": get, "$slice": slice, "$sliceIfAny": sliceIfAny, "$object": object,
	"$abs": absolute, "$bitshl": shiftLeft, "$sum": sum, "$int": toInteger, "$float": toFloat,
	"$round": rounded("round", math.Round), "$floor": rounded("floor", math.Floor), "$ceil": rounded("ceil", math.Ceil),
	"$first": func(f *frame, args []any) (any, error) { return get(f, []any{args[0], 0}) },
	"$last":  func(f *frame, args []any) (any, error) { return get(f, []any{args[0], -1}) },

	"$string": toText, "$toJSON": toJSON, "$type": typeName, "$duration": duration, "$fromBase64": fromBase64,
	"$indexOf": indexOf("indexOf", strings.Index), "$lastIndexOf": indexOf("lastIndexOf", strings.LastIndex),
	"$plain": func(f *frame, args []any) (any, error) { return plain(args[0], f) },
}

// declared are the functions as expr takes them. A frame keeps the first error
// of ours, so that it is not taken for one of expr's.
var declared = func() map[string]*builtin.Function {
	all := map[string]*builtin.Function{}
	framed := func(name string, fn func(*frame, []any) (any, error)) {
		all[name] = &builtin.Function{Name: name, Func: func(args ...any) (any, error) {
			f := args[0].(*frame)
			v, err := fn(f, args[1:])
			f.err = err
			return v, err
		}}
	}
	for name, fn := range functions {
		framed(name, fn)
	}
	// Those in two forms: the checker's and that which runs.
	twice := func(name string, form reflect.Type, fn func(*frame, []any) (any, error)) {
		framed("$$"+name, fn)
		all["$"+name] = &builtin.Function{Name: name, Types: []reflect.Type{form}, Func: func(...any) (any, error) {
			return nil, errors.New("only for the checker")
		}}
	}
	for name, fn := range textFunctions {
		twice(name, fn.form, fn.call)
	}
	twice("character", reflect.TypeFor[func(string, int) string](), index)
	twice("characterIfAny", reflect.TypeFor[func(string, int) string](), get)
	return all
}()

// counted is a function that yields its argument and spends for it.
func counted(spend func(*frame, any) error) func(*frame, []any) (any, error) {
	return func(f *frame, args []any) (any, error) { return args[0], spend(f, args[0]) }
}

// uuidSpace is the namespace of the version-5 UUIDs that uuid() makes of other
// texts. It must never change: runs address vendors by them.
var uuidSpace = uuid.MustParse("5f0d1c1e-7f3b-4f0a-9d53-6b2f5f6e1a77")

func newUUID(f *frame, args []any) (any, error) {
	s, err := textArg("uuid", f, args[0])
	if err != nil {
		return nil, err
	}
	const canonical = 36 // uuid.Parse takes other spellings too
	if id, err := uuid.Parse(s); err == nil && len(s) == canonical {
		return id.String(), nil
	}
	return uuid.NewSHA1(uuidSpace, []byte(s)).String(), nil
}

func now(f *frame, args []any) (any, error) { //nolint:unparam // the form of all functions
	t := f.env.Now.UTC()
	if len(args) == 1 {
		if loc, ok := args[0].(*time.Location); ok {
			return t.In(loc), nil
		}
	}
	return t, nil
}

// timezone is expr's, but for the time zone of this machine.
func timezone(f *frame, args []any) (any, error) {
	const lookup = 1000 // it may read a file
	if err := f.spend(lookup); err != nil {
		return nil, err
	}
	name, err := stringArg("timezone", args, 0)
	if err != nil {
		return nil, err
	}
	return location(name)
}

func location(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("time zone %q depends on the machine; expected one such as \"Europe/Zurich\"", name)
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("no time zone %q", name)
	}
	return loc, nil
}

func date(f *frame, args []any) (any, error) {
	if len(args) == 3 {
		name, err := stringArg("date", args, 2)
		if err != nil {
			return nil, err
		}
		if _, err := timezone(f, []any{name}); err != nil {
			return nil, err
		}
	}
	return builtin.Builtins[builtin.Index["date"]].Func(args...)
}

func objectArg(name string, f *frame, args []any) (map[string]any, error) {
	v, err := plain(args[0], f)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s of %s, expected an object", name, TypeOf(v))
	}
	return m, f.spend(1 + len(m))
}

// keys, values and toPairs go by the order of the keys; Go's is random.
func keys(f *frame, args []any) (any, error) {
	m, err := objectArg("keys", f, args)
	if err != nil {
		return nil, err
	}
	out := make([]any, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k)
	}
	return out, nil
}

func values(f *frame, args []any) (any, error) {
	m, err := objectArg("values", f, args)
	if err != nil {
		return nil, err
	}
	out := make([]any, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out, nil
}

func toPairs(f *frame, args []any) (any, error) {
	m, err := objectArg("toPairs", f, args)
	if err != nil {
		return nil, err
	}
	out := make([]any, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, []any{k, m[k]})
	}
	return out, nil
}

// fromJSON keeps whole numbers whole, as everywhere in a flow.
func fromJSON(f *frame, args []any) (any, error) {
	s, err := stringArg("fromJSON", args, 0)
	if err != nil {
		return nil, err
	}
	if err := f.spend(1 + len(s)); err != nil {
		return nil, err
	}
	v, err := data.DecodeJSON([]byte(s))
	if err != nil {
		return nil, fmt.Errorf("fromJSON: not JSON: %w", err)
	}
	return v, nil
}

// toJSON is indented, for people.
func toJSON(f *frame, args []any) (any, error) {
	v, err := plain(args[0], f)
	if err != nil {
		return nil, err
	}
	if err := indented(f, v, 0); err != nil {
		return nil, err
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// indented spends for what toJSON writes: each line has the spaces of its depth.
func indented(f *frame, v any, depth int) error {
	const perLevel, lineEnd = 2, 2
	each := func(e any, name string) error {
		if err := f.spend(1 + (perLevel*depth+len(name)+lineEnd)/bytesPerWork); err != nil {
			return err
		}
		return indented(f, e, depth+1)
	}
	switch v := v.(type) {
	case string:
		return f.spend(len(v) / bytesPerWork)
	case map[string]any:
		for name, e := range v {
			if err := each(e, name); err != nil {
				return err
			}
		}
	case []any:
		for _, e := range v {
			if err := each(e, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// typeName is expr's, in which a number that is too large for it is no less an
// integer.
func typeName(_ *frame, args []any) (any, error) { //nolint:unparam // the shape of all functions
	if _, ok := args[0].(json.Number); ok {
		return "int", nil
	}
	return builtin.Type(args[0]), nil
}

// duration takes days too, as all of a flow does.
func duration(_ *frame, args []any) (any, error) {
	s, err := stringArg("duration", args, 0)
	if err != nil {
		return nil, err
	}
	return yamldoc.ParseDuration(s)
}

func repeat(f *frame, args []any) (any, error) {
	s, err := stringArg("repeat", args, 0)
	if err != nil {
		return nil, err
	}
	n, ok := args[1].(int)
	if !ok || n < 0 {
		return nil, fmt.Errorf("repeat %v times, expected a whole number from 0", args[1])
	}
	if err := f.product(len(s), n); err != nil {
		return nil, err
	}
	return strings.Repeat(s, n), nil
}

func replaceText(f *frame, args []any) (any, error) {
	var s [3]string
	for i := range s {
		var err error
		if s[i], err = stringArg("replace", args, i); err != nil {
			return nil, err
		}
	}
	n := -1
	if len(args) == 4 {
		limit, ok := args[3].(int)
		if !ok {
			return nil, errors.New("replace: expected a whole number of times")
		}
		n = limit
	}
	found := strings.Count(s[0], s[1])
	if n >= 0 {
		found = min(found, n)
	}
	if err := f.spend(1 + len(s[0])/bytesPerWork); err != nil {
		return nil, err
	}
	if err := f.product(len(s[2]), found); err != nil {
		return nil, err
	}
	return strings.Replace(s[0], s[1], s[2], n), nil
}

func join(f *frame, args []any) (any, error) {
	glue := ""
	if len(args) == 2 {
		var err error
		if glue, err = stringArg("join", args, 1); err != nil {
			return nil, err
		}
	}
	v, err := plain(args[0], f)
	if err != nil {
		return nil, err
	}
	items, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("join of %s, expected an array", TypeOf(v))
	}
	if err := f.product(len(glue), len(items)); err != nil {
		return nil, err
	}
	texts := make([]string, len(items))
	for i := range items {
		s, ok := items[i].(string)
		if !ok {
			return nil, fmt.Errorf("join: item %d is %s, expected a string", i, TypeOf(items[i]))
		}
		if err := f.spend(1 + len(s)/bytesPerWork); err != nil {
			return nil, err
		}
		texts[i] = s
	}
	return strings.Join(texts, glue), nil
}

func stringArg(function string, args []any, i int) (string, error) {
	s, ok := args[i].(string)
	if !ok {
		return "", fmt.Errorf("%s of %s, expected a string", function, TypeOf(args[i]))
	}
	return s, nil
}
