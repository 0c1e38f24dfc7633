package spec

import "github.com/wendflow/wend/runtime/diag"

// Value is a piece of a flow's data as it was written: a *Scalar, a *Map or a
// *List.
type Value interface {
	// Pos returns where the value begins.
	Pos() diag.Pos
	sealed()
}

// Scalar is a single value. Text is what was written, after YAML's quoting;
// Data is what it means by the core rules of YAML 1.2: nil, bool, int, float64
// or string. Quoted text is always a string.
type Scalar struct {
	Text
	Data any
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

// Plain returns v as Go data: map[string]any, []any, string, int, float64,
// bool or nil. Templates stay the text they are. A nil Value is nil.
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
