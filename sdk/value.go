package sdk

import (
	"iter"
	"strconv"
	"strings"
)

// Value is a JSON value: an input, a setting, or a part of a reply's body. The
// zero Value stands for one that is absent.
//
// String, Int, Float, Bool and List are for values that the manifest promises,
// inputs and settings: where the value is absent or null they return the zero
// value, where it is of another kind the invoke ends in a fault that names it.
// Text, Lookup and Kind are for what a vendor sent: they never fail.
type Value struct {
	kind Kind
	// text is the decoded text of a string, the source text of a number,
	// "true" or "false".
	text    string
	members []member
}

// member is an entry of a list, or with a name one of an object.
type member struct {
	name  string
	value Value
}

// Kind is the kind of a Value.
type Kind uint8

// The kinds of JSON values, and the absence of one.
const (
	Absent Kind = iota
	Null
	Bool
	Number
	String
	List
	Object
)

// String names the kind as messages do: "a number", "an object".
func (k Kind) String() string {
	return [...]string{"absent", "null", "a boolean", "a number", "a string", "a list", "an object"}[k]
}

// Kind says what kind of value v is.
func (v Value) Kind() Kind { return v.kind }

// Lookup is the value at a path of names, v itself without one. It is absent
// where the path leads nowhere. Of names that an object has twice, the last
// counts.
func (v Value) Lookup(path ...string) Value {
	for _, name := range path {
		v = v.member(name)
	}
	return v
}

func (v Value) member(name string) Value {
	if v.kind != Object {
		return Value{}
	}
	for i := len(v.members) - 1; i >= 0; i-- {
		if v.members[i].name == name {
			return v.members[i].value
		}
	}
	return Value{}
}

// Has reports whether there is a value at path other than null.
func (v Value) Has(path ...string) bool {
	return v.Lookup(path...).kind > Null
}

// Text is the text of the scalar at path: a string's content, a number as it
// was written, "true" or "false"; "" for everything else.
func (v Value) Text(path ...string) string { return v.Lookup(path...).text }

// String is the string at path.
func (v Value) String(path ...string) string {
	return v.expect(String, path).text
}

// Int is the integer at path. A number with a fraction or beyond 64 bits is a
// fault.
func (v Value) Int(path ...string) int64 {
	number := v.expect(Number, path)
	if number.kind != Number {
		return 0
	}
	n, err := strconv.ParseInt(number.text, 10, 64)
	if err != nil {
		panic(number.mismatch(path, "an integer of 64 bits"))
	}
	return n
}

// Float is the number at path.
func (v Value) Float(path ...string) float64 {
	number := v.expect(Number, path)
	if number.kind != Number {
		return 0
	}
	f, err := strconv.ParseFloat(number.text, 64)
	if err != nil {
		panic(number.mismatch(path, "a number of 64 bits"))
	}
	return f
}

// Bool is the boolean at path.
func (v Value) Bool(path ...string) bool {
	return v.expect(Bool, path).text == "true"
}

// List holds the entries of the list at path.
func (v Value) List(path ...string) []Value {
	members := v.expect(List, path).members
	entries := make([]Value, len(members))
	for i, m := range members {
		entries[i] = m.value
	}
	return entries
}

// Fields yields the names and values of an object as they were written. For
// every other kind it yields nothing.
func (v Value) Fields() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.kind != Object {
			return
		}
		for _, m := range v.members {
			if !yield(m.name, m.value) {
				return
			}
		}
	}
}

// expect is the value at path if it is of the kind wanted, the zero Value if
// it is absent or null.
func (v Value) expect(want Kind, path []string) Value {
	found := v.Lookup(path...)
	switch found.kind {
	case want:
		return found
	case Absent, Null:
		return Value{}
	default:
		panic(found.mismatch(path, want.String()))
	}
}

func (v Value) mismatch(path []string, want string) fault {
	name := "the value"
	if len(path) > 0 {
		name = strconv.Quote(strings.Join(path, "."))
	}
	shown := v.text
	if shown == "" || v.kind == String {
		shown = v.kind.String()
	}
	return fault(name + " is " + shown + ", expected " + want)
}
