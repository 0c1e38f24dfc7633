package yamldoc

import (
	"iter"
	"maps"
	"slices"

	"github.com/wendflow/wend/runtime/diag"
)

// Value is a piece of a file's data as it was written: a *Scalar, a *Map or a
// *List.
//
//sumtype:decl
type Value interface {
	// Pos returns where the value begins.
	Pos() diag.Pos
	sealed()
}

// Scalar is a single value. Text is what was written, after YAML's quoting;
// Data is what it means by the core rules of YAML 1.2: nil, bool, string or a
// number as package data has them. Quoted text is always a string.
type Scalar struct {
	Text
	Data any

	lost bool // it stands for what could not be read, and was reported
}

// Map is a mapping in the order of the file. No key occurs twice.
type Map struct {
	Entries []Entry
	pos     diag.Pos
}

// Entry is a key of a Map and its value.
type Entry struct {
	Key   Text
	Value Value
}

// List is a sequence.
type List struct {
	Items []Value
	pos   diag.Pos
}

// Pos is where the value begins.
func (s *Scalar) Pos() diag.Pos { return s.Text.Pos }

// Pos is where the first key or the opening brace stands.
func (m *Map) Pos() diag.Pos { return m.pos }

// Pos is where the first dash or the opening bracket stands.
func (l *List) Pos() diag.Pos { return l.pos }

func (*Scalar) sealed() {}
func (*Map) sealed()    {}
func (*List) sealed()   {}

// Get returns the value of key, or nil if there is none.
func (m *Map) Get(key string) Value {
	for _, e := range m.Entries {
		if e.Key.Value == key {
			return e.Value
		}
	}
	return nil
}

// Plain returns v as Go data, as package data has it. Templates stay the text they are. A nil Value is nil.
func Plain(v Value) any {
	switch v := v.(type) {
	case *Scalar:
		return v.Data
	case *Map:
		m := make(map[string]any, len(v.Entries))
		for _, e := range v.Entries {
			m[e.Key.Value] = Plain(e.Value)
		}
		return m
	case *List:
		l := make([]any, len(v.Items))
		for i, item := range v.Items {
			l[i] = Plain(item)
		}
		return l
	default:
		return nil
	}
}

// Texts calls each for every text in v, in the order of the file, with the key
// that it stands under: the nearest one, or name.
func Texts(name string, v Value, each func(name string, t Text)) {
	switch v := v.(type) {
	case *Scalar:
		if _, isText := v.Data.(string); isText {
			each(name, v.Text)
		}
	case *Map:
		for _, e := range v.Entries {
			Texts(e.Key.Value, e.Value, each)
		}
	case *List:
		for _, item := range v.Items {
			Texts(name, item, each)
		}
	}
}

// Lost tells that the value could not be read, which was reported; it stands
// for nothing.
func (s *Scalar) Lost() bool { return s.lost }

// scalars goes through every scalar of v in the order of the file.
func scalars(v Value) iter.Seq[*Scalar] {
	return func(yield func(*Scalar) bool) { eachScalar(v, yield) }
}

func eachScalar(v Value, yield func(*Scalar) bool) bool {
	switch v := v.(type) {
	case *Scalar:
		return yield(v)
	case *Map:
		for _, e := range v.Entries {
			if !eachScalar(e.Value, yield) {
				return false
			}
		}
	case *List:
		for _, item := range v.Items {
			if !eachScalar(item, yield) {
				return false
			}
		}
	}
	return true
}

// Of makes the value of plain data, all of it at one place. The keys of a map
// are in order.
func Of(data any, pos diag.Pos) Value {
	switch data := data.(type) {
	case map[string]any:
		m := &Map{pos: pos}
		for _, key := range slices.Sorted(maps.Keys(data)) {
			m.Entries = append(m.Entries, Entry{Text{Value: key, Pos: pos}, Of(data[key], pos)})
		}
		return m
	case []any:
		l := &List{pos: pos}
		for _, item := range data {
			l.Items = append(l.Items, Of(item, pos))
		}
		return l
	case string:
		return &Scalar{Text: Text{Value: data, Pos: pos}, Data: data}
	default:
		return &Scalar{Text: Text{Value: written(data), Pos: pos}, Data: data}
	}
}
