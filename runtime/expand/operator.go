package expand

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"

	"github.com/expr-lang/expr/vm/runtime"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/pattern"
)

// operators are expr's operators that ours stand in for, since its own wrap
// around at 64 bits, or take 1 and 1.0 for different inside of data. What
// neither knows, expr's own complain of.
var operators = map[string]string{
	"+": "$add", "-": "$subtract", "*": "$multiply", "/": "$divide", "%": "$modulo", "**": "$power", "^": "$power",
	"==": "$equal", "!=": "$unequal", "in": "$in",
}

var errDivision = errors.New("division by zero")

func overflow(a any, operator string, b any) error {
	return fmt.Errorf("%v %s %v is beyond 64 bits", a, operator, b)
}

// whole returns both operands if they are integers.
func whole(args []any) (a, b int, ok bool) {
	a, isInt := args[0].(int)
	b, ok = args[1].(int)
	return a, b, ok && isInt
}

func add(f *frame, args []any) (any, error) {
	if a, b, ok := whole(args); ok {
		if sum := a + b; (sum > a) == (b > 0) {
			return sum, nil
		}
		return nil, overflow(a, "+", b)
	}
	sum := runtime.Add(args[0], args[1])
	return sum, grown(f, sum)
}

func subtract(_ *frame, args []any) (any, error) {
	if a, b, ok := whole(args); ok {
		if difference := a - b; (difference < a) == (b > 0) {
			return difference, nil
		}
		return nil, overflow(a, "-", b)
	}
	return runtime.Subtract(args[0], args[1]), nil
}

func multiply(_ *frame, args []any) (any, error) {
	if a, b, ok := whole(args); ok {
		product, ok := times(a, b)
		if !ok {
			return nil, overflow(a, "*", b)
		}
		return product, nil
	}
	return runtime.Multiply(args[0], args[1]), nil
}

func times(a, b int) (product int, ok bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	product = a * b
	return product, product/b == a && (a != -1 || b != math.MinInt) && (b != -1 || a != math.MinInt)
}

// divide is exact where the quotient is whole.
func divide(_ *frame, args []any) (any, error) {
	if isZero(args[1]) {
		return nil, errDivision
	}
	if a, b, ok := whole(args); ok && a%b == 0 {
		if a == math.MinInt && b == -1 {
			return nil, overflow(a, "/", b)
		}
		return a / b, nil
	}
	return runtime.Divide(args[0], args[1]), nil
}

func isZero(v any) bool { return v == 0 || v == 0.0 }

func modulo(_ *frame, args []any) (any, error) {
	a, b := oneForm(args[0]), oneForm(args[1])
	if isZero(b) {
		return nil, errDivision
	}
	return runtime.Modulo(a, b), nil
}

// power is exact for whole numbers.
func power(_ *frame, args []any) (any, error) {
	a, b, ok := whole(args)
	if !ok || b < 0 {
		return runtime.Exponent(args[0], args[1]), nil
	}
	result := 1
	for base, n := a, b; n > 0; n >>= 1 {
		fits := true
		if n&1 == 1 {
			result, fits = times(result, base)
		}
		if base, ok = times(base, base); !fits || !ok && n > 1 {
			return nil, overflow(a, "**", b)
		}
	}
	return result, nil
}

// shiftLeft takes whole numbers alone, which the checker sees to.
func shiftLeft(_ *frame, args []any) (any, error) {
	a, b, ok := whole(args)
	switch {
	case !ok:
		return nil, fmt.Errorf("bitshl of %s and %s, expected whole numbers", TypeOf(args[0]), TypeOf(args[1]))
	case b < 0:
		return nil, fmt.Errorf("bitshl by %d, expected at least 0", b)
	case a<<b>>b != a || a != 0 && b >= strconv.IntSize:
		return nil, fmt.Errorf("bitshl: %d << %d is beyond 64 bits", a, b)
	}
	return a << b, nil
}

func negate(_ *frame, args []any) (any, error) {
	if args[0] == math.MinInt {
		return nil, fmt.Errorf("-(%v) is beyond 64 bits", args[0])
	}
	return runtime.Negate(args[0]), nil
}

func absolute(f *frame, args []any) (any, error) {
	switch v := args[0].(type) {
	case int:
		if v < 0 {
			return negate(f, args)
		}
		return v, nil
	case float64:
		return math.Abs(v), nil
	default:
		return nil, fmt.Errorf("abs of %s, expected a number", TypeOf(v))
	}
}

func sum(f *frame, args []any) (any, error) {
	v, err := plain(args[0], f)
	if err != nil {
		return nil, err
	}
	items, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("sum of %s, expected an array", TypeOf(v))
	}
	var total any = 0
	for i, item := range items {
		switch item := item.(type) {
		case int, float64:
		case json.Number:
			return nil, fmt.Errorf("sum: %s is beyond 64 bits", item)
		default:
			return nil, fmt.Errorf("sum: item %d is %s, expected a number", i, TypeOf(item))
		}
		if total, err = add(f, []any{total, item}); err != nil {
			return nil, fmt.Errorf("sum: %w", err)
		}
	}
	return total, nil
}

// stepsPerWork is how many steps of a pattern count as one: most take far fewer
// for a byte of text than there are.
const stepsPerWork = 50

// matches spends for the pattern, unless it is fixed, and for the text by both
// their sizes. What is spent does not depend on what was compiled before.
func matches(f *frame, args []any) (any, error) {
	if args[0] == nil || args[1] == nil {
		return false, nil
	}
	text, err := stringArg("matches", args, 0)
	if err != nil {
		return nil, err
	}
	p, fixed := args[1].(*pattern.Pattern)
	if !fixed {
		source, ok := args[1].(string)
		if !ok {
			return nil, fmt.Errorf("matches: the pattern is %s, expected a string", TypeOf(args[1]))
		}
		if err := f.spend(1 + len(source)); err != nil {
			return nil, err
		}
		if p, err = pattern.Compile(source); err != nil {
			return nil, err
		}
		if err := f.spend(p.Cost()); err != nil {
			return nil, err
		}
	}
	if err := f.product(len(text), max(1, p.Cost()*bytesPerWork/stepsPerWork)); err != nil {
		return nil, err
	}
	return p.MatchString(text), nil
}

// oneForm makes integers of whole floats.
func oneForm(v any) any {
	if f, ok := v.(float64); ok {
		return data.Float(f)
	}
	return v
}

func toInteger(_ *frame, args []any) (any, error) {
	switch v := oneForm(args[0]).(type) {
	case int:
		return v, nil
	case float64:
		if math.Abs(v) < math.MaxInt64 { // NaN is not
			return int(v), nil
		}
		return nil, fmt.Errorf("int: %s is beyond 64 bits", strconv.FormatFloat(v, 'g', -1, 64))
	case json.Number:
		return nil, fmt.Errorf("int: %s is beyond 64 bits", v)
	case string:
		n, err := strconv.Atoi(v)
		if errors.Is(err, strconv.ErrRange) {
			return nil, fmt.Errorf("int: %.40s is beyond 64 bits", v)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot make an integer of %q", v)
		}
		return n, nil
	default:
		return nil, fmt.Errorf("int of %s, expected a number or a text", TypeOf(v))
	}
}

func toFloat(_ *frame, args []any) (any, error) {
	switch v := args[0].(type) {
	case int:
		return float64(v), nil
	case float64:
		return v, nil
	case json.Number:
		return v.Float64()
	case string:
		f, err := strconv.ParseFloat(v, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("cannot make a number of %q", v)
		}
		return f, nil
	default:
		return nil, fmt.Errorf("float of %s, expected a number or a text", TypeOf(v))
	}
}

// rounded leaves what is whole already as it is, which a float64 might not
// hold.
func rounded(name string, round func(float64) float64) func(*frame, []any) (any, error) {
	return func(_ *frame, args []any) (any, error) {
		switch v := args[0].(type) {
		case int, json.Number:
			return v, nil
		case float64:
			return round(v), nil
		default:
			return nil, fmt.Errorf("%s of %s, expected a number", name, TypeOf(v))
		}
	}
}

func equal(f *frame, args []any) (any, error) { return f.equal(args[0], args[1], 0) }

func unequal(f *frame, args []any) (any, error) {
	same, err := f.equal(args[0], args[1], 0)
	return !same, err
}

// equal compares data; numbers by what they are worth.
func (f *frame) equal(a, b any, level int) (bool, error) {
	if level > data.MaxNesting {
		return false, errNesting
	}
	if err := f.spend(1); err != nil {
		return false, err
	}
	switch x := a.(type) {
	case nil:
		return b == nil, nil
	case string:
		y, ok := b.(string)
		return ok && x == y, f.spend(min(len(x), len(y)) / bytesPerWork)
	case bool, json.Number:
		return a == b, nil
	case int:
		switch y := b.(type) {
		case int:
			return x == y, nil
		case float64:
			return float64(x) == y && oneForm(y) == any(x), nil
		}
		return false, nil
	case float64:
		switch b.(type) {
		case int:
			return f.equal(b, a, level)
		case float64:
			return a == b, nil
		}
		return false, nil
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			return f.equalObjects(x, y, level)
		}
	case []any:
		if y, ok := b.([]any); ok {
			return f.equalLists(x, y, level)
		}
	}
	return f.equalOthers(a, b)
}

func (f *frame) equalObjects(x, y map[string]any, level int) (bool, error) {
	if len(x) != len(y) {
		return false, nil
	}
	for name, v := range x {
		w, ok := y[name]
		if !ok {
			return false, nil
		}
		if same, err := f.equal(v, w, level+1); !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (f *frame) equalLists(x, y []any, level int) (bool, error) {
	if len(x) != len(y) {
		return false, nil
	}
	for i, v := range x {
		if same, err := f.equal(v, y[i], level+1); !same || err != nil {
			return false, err
		}
	}
	return true, nil
}

// equalOthers compares what only expressions make: times, durations, and lists
// such as 1..3.
func (f *frame) equalOthers(a, b any) (bool, error) {
	listed := isList(a) && isList(b)
	if !listed {
		return runtime.Equal(a, b), nil
	}
	x, err := plain(a, f)
	if err != nil {
		return false, err
	}
	y, err := plain(b, f)
	if err != nil {
		return false, err
	}
	return f.equal(x, y, 1)
}

func isList(v any) bool {
	if _, bytes := v.([]byte); bytes || v == nil {
		return false
	}
	return reflect.TypeOf(v).Kind() == reflect.Slice
}

// in tells whether a list has an item, or an object a key.
func in(f *frame, args []any) (any, error) {
	needle := args[0]
	switch heap := args[1].(type) {
	case []any:
		for _, item := range heap {
			if same, err := f.equal(item, needle, 0); same || err != nil {
				return same, err
			}
		}
		return false, nil
	case map[string]any:
		name, ok := needle.(string)
		if !ok {
			return false, nil
		}
		_, ok = heap[name]
		return ok, nil
	default:
		if err := f.deep(heap, 0); err != nil {
			return false, err
		}
		return runtime.In(needle, heap), nil
	}
}

// index reads an item of a list, a character of a text, or a field.
func index(f *frame, args []any) (any, error) {
	v, err := item(f, args[0], args[1])
	if missing, ok := errors.AsType[*missingError](err); ok && args[0] != nil {
		return nil, errors.New(missing.msg)
	}
	return v, err
}

// indexIfAny is index, but nil of nil.
func indexIfAny(f *frame, args []any) (any, error) {
	if args[0] == nil {
		return nil, nil
	}
	return index(f, args)
}

// get is index, but nil where there is no such item.
func get(f *frame, args []any) (any, error) {
	v, err := item(f, args[0], args[1])
	if errors.As(err, new(*missingError)) {
		return nil, nil
	}
	return v, err
}

// missingError says that there is no item of that number, or nothing that
// could have one.
type missingError struct{ msg string }

func (e *missingError) Error() string { return e.msg }

func item(f *frame, v, at any) (any, error) {
	if v == nil {
		return nil, &missingError{fmt.Sprintf("the value is nil and has no item %v; give a default with ??", at)}
	}
	if object, ok := v.(map[string]any); ok {
		name, err := keyText(at)
		return object[name], err
	}
	if name, ok := at.(string); ok {
		return nil, fmt.Errorf("the value is %s and has no field %q", TypeOf(v), name)
	}
	i, ok := oneForm(at).(int)
	if !ok {
		return nil, fmt.Errorf("the index is %s, expected an integer", TypeOf(at))
	}
	switch v := v.(type) {
	case []any:
		i, err := position(i, len(v), "array")
		if err != nil {
			return nil, err
		}
		return v[i], nil
	case string:
		if err := f.spend(1 + len(v)); err != nil {
			return nil, err
		}
		runes := []rune(v)
		i, err := position(i, len(runes), "text")
		if err != nil {
			return nil, err
		}
		return string(runes[i]), nil
	default:
		if !isList(v) {
			return nil, fmt.Errorf("the value is %s and has no item %d", TypeOf(v), i)
		}
		list := reflect.ValueOf(v)
		i, err := position(i, list.Len(), "array")
		if err != nil {
			return nil, err
		}
		return list.Index(i).Interface(), nil
	}
}

func position(i, length int, what string) (int, error) {
	at := i
	if at < 0 {
		at += length
	}
	if at < 0 || at >= length {
		return 0, &missingError{fmt.Sprintf("index out of range: %d (%s length is %d)", i, what, length)}
	}
	return at, nil
}

func keyText(key any) (string, error) {
	switch key.(type) {
	case string, int, bool, float64, json.Number:
		return data.Text(oneForm(key))
	default:
		return "", fmt.Errorf("a key is %s, expected a text, a number or a boolean", TypeOf(key))
	}
}

// slice cuts a list, or a text by its characters.
func slice(f *frame, args []any) (any, error) {
	from, to := 0, math.MaxInt
	for i, limit := range []*int{&from, &to} {
		if args[i+1] == nil {
			continue
		}
		n, ok := oneForm(args[i+1]).(int)
		if !ok {
			return nil, fmt.Errorf("the limit of a slice is %s, expected an integer", TypeOf(args[i+1]))
		}
		*limit = n
	}
	switch v := args[0].(type) {
	case string:
		if err := f.spend(1 + len(v)); err != nil {
			return nil, err
		}
		runes := []rune(v)
		from, to = cut(from, to, len(runes))
		return string(runes[from:to]), nil
	case []any:
		from, to = cut(from, to, len(v))
		return v[from:to:to], nil
	default:
		if !isList(v) {
			return nil, fmt.Errorf("the value is %s, expected an array or a text to cut", TypeOf(v))
		}
		list := reflect.ValueOf(v)
		from, to = cut(from, to, list.Len())
		return list.Slice(from, to).Interface(), nil
	}
}

// sliceIfAny is slice, but nil of nil.
func sliceIfAny(f *frame, args []any) (any, error) {
	if args[0] == nil {
		return nil, nil
	}
	return slice(f, args)
}

func cut(from, to, length int) (int, int) {
	fit := func(n int) int {
		if n < 0 {
			n += length
		}
		return min(max(n, 0), length)
	}
	from, to = fit(from), fit(to)
	return min(from, to), to
}

// object makes an object of keys and values in turn.
func object(_ *frame, args []any) (any, error) {
	out := make(map[string]any, len(args)/2)
	for i := 0; i < len(args); i += 2 {
		name, err := keyText(args[i])
		if err != nil {
			return nil, err
		}
		if _, taken := out[name]; taken {
			return nil, fmt.Errorf("two keys read %q as text", name)
		}
		out[name] = args[i+1]
	}
	return out, nil
}
