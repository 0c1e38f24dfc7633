package expand

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/wendflow/wend/runtime/data"
)

// Bounds of one evaluation, the same on every machine.
const (
	// maxWork is how much an expression may do: one for each turn of a loop,
	// each item looked at and each few bytes of text. It is some tenths of a
	// second at most.
	maxWork = 1_000_000
	// maxItems is how many items of lists and objects it may make.
	maxItems = 1_000_000
	// bytesPerWork is how many bytes of text count as one.
	bytesPerWork = 8
)

var (
	errWork    = fmt.Errorf("the expression does too much work, more than %d items or loop turns", maxWork)
	errNesting = fmt.Errorf("the data nests deeper than %d levels", data.MaxNesting)
)

// frame is one evaluation: what it sees, and how much work is left to it.
type frame struct {
	env    Env
	budget int
	err    error // of the function of ours that failed
}

func (f *frame) spend(n int) error {
	if f.budget -= n; n < 0 || f.budget < 0 {
		return errWork
	}
	return nil
}

// shallow spends the length of v.
func (f *frame) shallow(v any) error {
	switch v := v.(type) {
	case string:
		return f.spend(1 + len(v)/bytesPerWork)
	case []any:
		return f.spend(1 + len(v))
	case []int:
		return f.spend(1 + len(v))
	case []string:
		return f.spend(1 + len(v))
	default:
		return f.spend(1)
	}
}

// deep spends the size of all that is in v. Lists may share parts, so that
// little memory can look like a lot of data.
func (f *frame) deep(v any, level int) error {
	if level > data.MaxNesting {
		return errNesting
	}
	if err := f.shallow(v); err != nil {
		return err
	}
	switch v := v.(type) {
	case map[string]any:
		for _, e := range v {
			if err := f.deep(e, level+1); err != nil {
				return err
			}
		}
	case []any:
		for _, e := range v {
			if err := f.deep(e, level+1); err != nil {
				return err
			}
		}
	case nil, bool, string, int, float64, json.Number, []int, []string:
	default:
		return f.deepReflected(reflect.ValueOf(v), level)
	}
	return nil
}

// deepReflected is deep for the other lists and maps that expr makes.
func (f *frame) deepReflected(v reflect.Value, level int) error {
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := f.deep(v.Index(i).Interface(), level+1); err != nil {
				return err
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if err := f.deep(it.Value().Interface(), level+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// product spends for a text of n pieces of the given size.
func (f *frame) product(size, n int) error {
	if size > 0 && n > maxWork*bytesPerWork/size {
		return errWork
	}
	return f.spend(1 + size*n/bytesPerWork)
}

// grown spends for a text that was just made, since it takes memory too.
func grown(f *frame, v any) error {
	if n := textLen(v); n > 0 {
		return f.spend(1 + n/bytesPerWork)
	}
	return nil
}

func square(f *frame, v any) error {
	if err := f.deep(v, 0); err != nil {
		return err
	}
	n := listLen(v)
	return f.spend(n * n / 20)
}

func textLen(v any) int {
	s, _ := v.(string)
	return len(s)
}

func listLen(v any) int {
	if l := reflect.ValueOf(v); l.Kind() == reflect.Slice || l.Kind() == reflect.Array {
		return l.Len()
	}
	return 0
}
