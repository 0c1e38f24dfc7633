// Package casefile holds what came about against what a file of cases or tests
// says must be so, each difference at its place in the file. What is played,
// and against what, its users know.
package casefile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/pattern"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// Want is what a value must be, as a file has it. A mapping with one of these
// keys, and no other, says so in another way than by the value itself; it may
// stand anywhere inside of a value:
//
//	matches   a regular expression that fits somewhere in a text or number
//	contains  a part of a text, an entry of a list, or some properties of an object
//	absent    true: there must be nothing; false: something, whatever it is
//	equals    a value none of whose mappings are read so
//
// A nil Want takes anything. It is immutable and safe for concurrent use.
//
//sumtype:decl
type Want interface {
	// Pos returns where it stands in the file.
	Pos() diag.Pos
	want()
}

type (
	scalar struct{ *yamldoc.Scalar }
	object struct {
		value   *yamldoc.Map
		entries []entry
	}
	list struct {
		value *yamldoc.List
		items []Want
	}
	matches struct {
		*yamldoc.Scalar
		re *pattern.Pattern
	}
	contains struct {
		pos  diag.Pos
		part Want
	}
	absent struct {
		*yamldoc.Scalar
		not bool
	}
)

type entry struct {
	key  yamldoc.Text
	want Want
}

func (o *object) Pos() diag.Pos   { return o.value.Pos() }
func (l *list) Pos() diag.Pos     { return l.value.Pos() }
func (c *contains) Pos() diag.Pos { return c.pos }

func (*scalar) want()   {}
func (*object) want()   {}
func (*list) want()     {}
func (*matches) want()  {}
func (*contains) want() {}
func (*absent) want()   {}

// words are the keys that say what a value must be.
var words = []string{"matches", "contains", "absent", "equals"}

// Read reads what a value must be. Mistakes go to the reader.
func Read(r *yamldoc.Reader, f yamldoc.Field) Want {
	r.Data(f) // for what YAML would misread
	return read(r, f)
}

func read(r *yamldoc.Reader, f yamldoc.Field) Want {
	switch v := f.Value.(type) {
	case *yamldoc.Map:
		return readMap(r, f, v)
	case *yamldoc.List:
		l := &list{value: v}
		for _, item := range r.Items(f) {
			l.items = append(l.items, read(r, item))
		}
		return l
	case *yamldoc.Scalar:
		return &scalar{v}
	default:
		return nil
	}
}

func readMap(r *yamldoc.Reader, f yamldoc.Field, m *yamldoc.Map) Want {
	used := wordsOf(m)
	fields := r.Entries(f, "")
	if len(used) == 0 {
		o := &object{value: m}
		for _, e := range fields {
			o.entries = append(o.entries, entry{e.Key, read(r, e)})
		}
		return o
	}
	if len(used) > 1 {
		r.Mistakes.Errorf(m.Pos(), r.Invalid, "%s has %s, expected one of them", f, quoted(used)).
			Hint = "an object that really has them is written as { equals: … }"
		return nil
	}
	e := fields[0]
	switch used[0] {
	case "matches":
		return readMatches(r, e)
	case "contains":
		if s, ok := e.Value.(*yamldoc.Scalar); ok && s.Value == "" {
			r.Blank(e, "what must be in it")
			return nil
		}
		return &contains{m.Pos(), read(r, e)}
	case "absent":
		not := !r.Bool(e)
		if s, ok := e.Value.(*yamldoc.Scalar); ok {
			return &absent{s, not}
		}
		return nil
	default:
		return literal(e.Value)
	}
}

// wordsOf returns the words that a mapping has for keys, if it has nothing else.
func wordsOf(m *yamldoc.Map) []string {
	var used []string
	for _, e := range m.Entries {
		if !slices.Contains(words, e.Key.Value) {
			return nil
		}
		used = append(used, e.Key.Value)
	}
	return used
}

func quoted(names []string) string {
	return `"` + strings.Join(names, `" and "`) + `"`
}

func readMatches(r *yamldoc.Reader, f yamldoc.Field) Want {
	text := r.Text(f)
	s, ok := f.Value.(*yamldoc.Scalar)
	if !ok || !text.Given() {
		return nil
	}
	re, err := pattern.Compile(text.Value)
	var wrong *pattern.Error
	if errors.As(err, &wrong) {
		r.Mistakes.Errorf(s.Pos(), r.Invalid, "%s: %s", f, wrong).Hint = wrong.Hint
		return nil
	}
	return &matches{s, re}
}

// literal is a value as it stands.
func literal(v yamldoc.Value) Want {
	switch v := v.(type) {
	case *yamldoc.Map:
		o := &object{value: v}
		for _, e := range v.Entries {
			o.entries = append(o.entries, entry{e.Key, literal(e.Value)})
		}
		return o
	case *yamldoc.List:
		l := &list{value: v}
		for _, item := range v.Items {
			l.items = append(l.items, literal(item))
		}
		return l
	case *yamldoc.Scalar:
		return &scalar{v}
	default:
		return nil
	}
}

// ReadText reads what a text must be.
func ReadText(r *yamldoc.Reader, f yamldoc.Field) Want {
	switch v := f.Value.(type) {
	case *yamldoc.Map:
		if used := wordsOf(v); len(used) == 1 && used[0] != "equals" {
			w := Read(r, f)
			if c, ok := w.(*contains); ok {
				if _, text := c.part.(*scalar); !text {
					r.Wrong(r.Entries(f, "")[0], "a text")
					return nil
				}
			}
			return w
		}
	case *yamldoc.Scalar:
		before := r.Misread
		if r.AnyText(f); r.Misread > before {
			return nil
		}
		return &scalar{v}
	}
	r.Wrong(f, "a text, or one of { matches: … }, { contains: … } and { absent: true }")
	return nil
}

// Texts are what the texts under some names must be, in the order of the file.
type Texts struct {
	pos     diag.Pos
	entries []entry
	part    bool // there may be others
}

// ReadTexts reads a mapping from names to what the texts under them must be. They
// are all that there may be, unless the mapping stands under "contains".
func ReadTexts(r *yamldoc.Reader, f yamldoc.Field) *Texts {
	t := &Texts{pos: f.Value.Pos()}
	if m, ok := f.Value.(*yamldoc.Map); ok && len(m.Entries) == 1 && m.Entries[0].Key.Value == "contains" {
		if _, t.part = m.Entries[0].Value.(*yamldoc.Map); t.part {
			f = r.Entries(f, "")[0]
		}
	}
	for _, e := range r.Entries(f, "from names to values") {
		t.entries = append(t.entries, entry{e.Key, ReadText(r, e)})
	}
	return t
}

// Writable returns v as data that a file must have for Read to make a Want of
// v itself: objects that would be read otherwise are under "equals".
func Writable(v any) any {
	if !ambiguous(v) {
		return v
	}
	switch v := v.(type) {
	case map[string]any:
		if onlyWords(v) {
			return map[string]any{"equals": v}
		}
		out := maps.Clone(v)
		for name, e := range out {
			out[name] = Writable(e)
		}
		return out
	case []any:
		out := slices.Clone(v)
		for i, e := range out {
			out[i] = Writable(e)
		}
		return out
	default:
		return v
	}
}

func ambiguous(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		if onlyWords(v) {
			return true
		}
		for _, e := range v {
			if ambiguous(e) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, ambiguous)
	}
	return false
}

func onlyWords(m map[string]any) bool {
	for name := range m {
		if !slices.Contains(words, name) {
			return false
		}
	}
	return len(m) > 0
}

// said is how a Want that is no value is shown.
func said(w Want) string {
	switch w := w.(type) {
	case *matches:
		return fmt.Sprintf("a match of %q", w.Value)
	case *contains:
		return "it to contain " + said(w.part)
	case *absent:
		if w.not {
			return "something"
		}
		return "nothing"
	case *scalar:
		return Show(w.Data)
	case *object:
		return Show(yamldoc.Plain(w.value))
	case *list:
		return Show(yamldoc.Plain(w.value))
	default:
		return "anything"
	}
}
