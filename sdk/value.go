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
	of *document
	at uint32
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
func (v Value) Kind() Kind {
	if v.of == nil {
		return Absent
	}
	return Kind(v.of.entries[v.at].kind)
}

// Lookup is the value at a path of names, v itself without one. It is absent
// where the path leads nowhere. Of names that an object has twice, the last
// counts.
func (v Value) Lookup(path ...string) Value {
	for _, name := range path {
		if v.of == nil || Kind(v.of.entries[v.at].kind) != Object {
			return Value{}
		}
		if v.at = v.of.field(v.at, name); v.at == 0 {
			return Value{}
		}
	}
	return v
}

// first is the first value in a list or an object, next the one beside v;
// absent if there is none.
func (v Value) first() Value { return v.place(v.of.first(v.at)) }

func (v Value) next() Value { return v.place(v.of.entries[v.at].next) }

func (v Value) place(at uint32) Value {
	if at == 0 {
		return Value{}
	}
	return Value{v.of, at}
}

func (v Value) name() string { return v.of.nameOf(&v.of.entries[v.at]) }

// Has reports whether there is a value at path other than null.
func (v Value) Has(path ...string) bool {
	return v.Lookup(path...).Kind() > Null
}

// Text is the text of the scalar at path: a string's content, a number as it
// was written, "true" or "false"; "" for everything else.
func (v Value) Text(path ...string) string { return v.Lookup(path...).text() }

func (v Value) text() string {
	if v.of == nil {
		return ""
	}
	e := &v.of.entries[v.at]
	if Kind(e.kind) >= List {
		return ""
	}
	return v.of.textOf(e)
}

// String is the string at path.
func (v Value) String(path ...string) string {
	if len(path) > 0 {
		v = v.Lookup(path...)
	}
	if v.Kind() == String {
		return v.of.textOf(&v.of.entries[v.at])
	}
	return v.must(String, path...).text()
}

// Int is the integer at path. A number with a fraction or beyond 64 bits is a
// fault.
func (v Value) Int(path ...string) int64 {
	return v.expect(Number, path).integer(path...)
}

// integer is the value of a number, 0 if it is absent.
func (v Value) integer(path ...string) int64 {
	text := v.text()
	if text == "" {
		return 0
	}
	if len(text) == 1 && isDigit(text[0]) { // without what ParseInt costs a guest
		return int64(text[0] - '0')
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		panic(v.mismatch(path, "an integer of 64 bits"))
	}
	return n
}

// Float is the number at path.
func (v Value) Float(path ...string) float64 {
	number := v.expect(Number, path)
	if number.of == nil {
		return 0
	}
	f, err := strconv.ParseFloat(number.text(), 64)
	if err != nil {
		panic(number.mismatch(path, "a number of 64 bits"))
	}
	return f
}

// Bool is the boolean at path.
func (v Value) Bool(path ...string) bool {
	return v.expect(Bool, path).text() == "true"
}

// List holds the entries of the list at path.
func (v Value) List(path ...string) []Value {
	list := v.expect(List, path)
	if list.of == nil {
		return nil
	}
	entries := make([]Value, 0, list.size())
	for e := list.first(); e.of != nil; e = e.next() {
		entries = append(entries, e)
	}
	return entries
}

// size is how many values a list or an object holds.
func (v Value) size() int { return int(v.of.entries[v.at].textSize) }

// Fields yields the names and values of an object as they were written. For
// every other kind it yields nothing.
func (v Value) Fields() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		if v.Kind() != Object {
			return
		}
		for e := v.first(); e.of != nil; e = e.next() {
			if !yield(e.name(), e) {
				return
			}
		}
	}
}

// expect is the value at path if it is of the kind wanted, the zero Value if
// it is absent or null.
func (v Value) expect(want Kind, path []string) Value {
	return v.Lookup(path...).must(want, path...)
}

// must is v if it is of the kind wanted, the zero Value if it is null.
func (v Value) must(want Kind, path ...string) Value {
	switch v.Kind() {
	case want:
		return v
	case Absent, Null:
		return Value{}
	default:
		panic(v.mismatch(path, want.String()))
	}
}

func (v Value) mismatch(path []string, want string) fault {
	name := "the value"
	if len(path) > 0 {
		name = strconv.Quote(strings.Join(path, "."))
	}
	shown := v.text()
	if shown == "" || v.Kind() == String {
		shown = v.Kind().String()
	}
	return fault(name + " is " + shown + ", expected " + want)
}
