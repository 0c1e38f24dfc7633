package run

import (
	"iter"
	"reflect"
)

// Table yields the names of all events and their types.
func Table() iter.Seq2[string, reflect.Type] {
	return func(yield func(string, reflect.Type) bool) {
		for _, k := range table {
			if !yield(k.name, k.typ) {
				return
			}
		}
	}
}
