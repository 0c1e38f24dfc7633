package yamldoc

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wendflow/wend/runtime/diag"
)

// Reader takes Go values out of a tree. It collects every mistake, and reads on
// after each; what could not be read is the zero value.
type Reader struct {
	Mistakes diag.List
	// Invalid is the code of a value that is of the right kind but out of
	// bounds or out of form.
	Invalid diag.Code
	// Misread counts the values that could not be read, and so look as if they
	// were not there.
	Misread int
}

// Field is a value and how messages speak of it.
type Field struct {
	// What is its name in messages: `node "n1"`. If it is empty, that is Path
	// in quotes.
	What  string
	Path  string // before the names of its own fields: "limits.plugin"
	Key   Text   // not given at the top and in a list
	Value Value
}

func (f Field) String() string {
	if f.What != "" {
		return f.What
	}
	return strconv.Quote(f.Path)
}

func (f Field) child(key Text, v Value) Field {
	return Field{Path: joinPath(f.Path, key.Value), Key: key, Value: v}
}

func joinPath(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// Key is a key that an object may have and what reads its value.
type Key struct {
	Name     string
	Required bool
	// MayBeBlank says that a key with nothing behind it is one that was not
	// written. Else it is a mistake: somebody meant to write something.
	MayBeBlank bool
	Read       func(Field)
}

// Into makes the Read of a Key that keeps what it read.
func Into[T any](to *T, read func(Field) T) func(Field) {
	return func(f Field) { *to = read(f) }
}

// Object reads a mapping with known keys. Aliases are the names of other
// products for them; they serve the hints only. It tells whether there is a
// mapping at all.
func (r *Reader) Object(f Field, aliases map[string]string, keys ...Key) bool {
	m, ok := f.Value.(*Map)
	if !ok {
		r.Wrong(f, "a mapping")
		return false
	}
	seen := make(map[string]bool, len(keys))
	meant := map[string]bool{} // by keys that there are not
	blank := ""                // the known key above that has nothing behind it
	for _, e := range m.Entries {
		seen[e.Key.Value] = true
		i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == e.Key.Value })
		switch {
		case i < 0:
			mistake := r.Mistakes.Errorf(e.Key.Pos, diag.UnknownKey, "%s has no key %q", f, e.Key.Value)
			known := meantKey(e.Key.Value, aliases, keys)
			name, value, joined := strings.Cut(e.Key.Value, ":")
			if joined = joined && slices.Contains(names(keys), name); joined {
				known = name
			}
			meant[known] = true
			switch {
			case joined:
				mistake.Hint = fmt.Sprintf("write %q, with a blank behind the colon", name+": "+value)
			case known != "" && m.Get(known) != nil:
				mistake.Hint = fmt.Sprintf("did you mean %q, which is there already?", known)
			case known != "":
				mistake.Hint = fmt.Sprintf("did you mean %q?", known)
			case blank != "":
				mistake.Hint = fmt.Sprintf("indent it deeper than %q, if it belongs there", blank)
			default:
				mistake.Hint = diag.Suggest(e.Key.Value, names(keys))
			}
			r.checkData(e.Value)
			continue
		case keys[i].MayBeBlank && isNull(e.Value):
		default:
			keys[i].Read(f.child(e.Key, e.Value))
		}
		if blank = ""; isNull(e.Value) {
			blank = e.Key.Value
		}
	}
	for _, k := range keys {
		if k.Required && !seen[k.Name] && !meant[k.Name] {
			r.Mistakes.Errorf(m.pos, diag.MissingKey, "%s is missing the key %q", f, k.Name)
		}
	}
	return true
}

// meantKey is the key that somebody meant by another, or "".
func meantKey(key string, aliases map[string]string, keys []Key) string {
	for alias, known := range aliases {
		if strings.EqualFold(alias, key) {
			return known
		}
	}
	return diag.Nearest(key, names(keys))
}

func names(keys []Key) []string {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.Name
	}
	return names
}

// Entries reads a mapping with keys of the author's choice; of says from what
// to what, for messages: "from names to values".
func (r *Reader) Entries(f Field, of string) []Field {
	m, ok := f.Value.(*Map)
	if !ok {
		e := r.Wrong(f, strings.TrimSpace("a mapping "+of))
		if _, list := f.Value.(*List); list && !strings.Contains(of, "such as") {
			e.Hint = "write each as name: value on a line of its own, without a dash"
		}
		return nil
	}
	fields := make([]Field, len(m.Entries))
	for i, e := range m.Entries {
		fields[i] = f.child(e.Key, e.Value)
	}
	return fields
}

// Items reads a list.
func (r *Reader) Items(f Field) []Field {
	l, ok := f.Value.(*List)
	if !ok {
		e := r.Wrong(f, "a list")
		if s, one := f.Value.(*Scalar); one && plainItem.MatchString(s.Value) {
			e.Hint = "write [" + s.Value + "]"
		}
		if _, one := f.Value.(*Map); one {
			e.Hint = "begin each with a dash, also if there is only one"
		}
		return nil
	}
	fields := make([]Field, len(l.Items))
	for i, v := range l.Items {
		fields[i] = Field{Path: fmt.Sprintf("%s[%d]", f.Path, i), Value: v}
	}
	return fields
}

// plainItem is a text that can stand in [ ] as it is.
var plainItem = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./:@-]*$`)

// scalar returns the scalar that must be there, and say something.
func (r *Reader) scalar(f Field, expected string) *Scalar {
	s, ok := f.Value.(*Scalar)
	if !ok || s.Data == nil {
		r.Wrong(f, expected)
		return nil
	}
	return s
}

// Text reads a text that must say something. It is given even if it holds a
// number that has to be quoted.
func (r *Reader) Text(f Field) Text {
	t := r.Written(f)
	if t.Given() {
		r.checkData(f.Value)
	}
	return t
}

// Written is Text for what has a form of its own, as a version or a time: it
// may look like a number or a date, and says what is wrong with it itself.
func (r *Reader) Written(f Field) Text {
	s := r.scalar(f, "a text")
	if s == nil {
		return Text{}
	}
	if strings.TrimSpace(s.Value) == "" {
		r.Blank(f, "a text")
		return Text{}
	}
	return s.Text
}

// AnyText reads a text that may be "", though not a key with nothing behind it.
func (r *Reader) AnyText(f Field) Text {
	if s, ok := f.Value.(*Scalar); ok && s.Data == "" {
		return s.Text
	}
	return r.Text(f)
}

// Str is Text for those who need no place.
func (r *Reader) Str(f Field) string { return r.Text(f).Value }

// Strs reads a list of texts. One that cannot be read is "": the others keep
// their index.
func (r *Reader) Strs(f Field) []string {
	var list []string
	for _, item := range r.Items(f) {
		list = append(list, r.Str(item))
	}
	return list
}

// Texts reads a list of texts; a single one may stand without brackets.
func (r *Reader) Texts(f Field) []Text {
	items := []Field{f}
	if _, ok := f.Value.(*List); ok {
		items = r.Items(f)
	}
	var texts []Text
	for _, item := range items {
		if t := r.Text(item); t.Given() {
			texts = append(texts, t)
		}
	}
	return texts
}

// Bool reads true or false.
func (r *Reader) Bool(f Field) bool {
	s := r.scalar(f, "true or false")
	if s == nil {
		return false
	}
	b, ok := s.Data.(bool)
	if !ok {
		r.Wrong(f, "true or false").Hint = boolMeant(s)
	}
	return b
}

// boolMeant says what to write for a word that is no boolean here, "" if that is not
// known.
func boolMeant(s *Scalar) string {
	switch word := strings.ToLower(s.Value); word {
	case "true", "false":
		return fmt.Sprintf("write %s, without quotes", word)
	case "yes", "on", "1", "y":
		return "write true"
	case "no", "off", "0", "n":
		return "write false"
	default:
		return ""
	}
}

// Int reads a whole number of any size that an int has.
func (r *Reader) Int(f Field) (n int, ok bool) {
	s := r.scalar(f, "a whole number")
	if s == nil {
		return 0, false
	}
	number, _ := s.Number()
	if n, ok = number.(int); !ok {
		r.Wrong(f, "a whole number")
	}
	return n, ok
}

// Count reads a whole number of at least 1.
func (r *Reader) Count(f Field) int {
	n, ok := r.Int(f)
	if ok && n < 1 {
		r.Refuse(f, "a whole number of at least 1")
		return 0
	}
	return n
}

// Above reads a number above 0.
func (r *Reader) Above(f Field) float64 {
	s := r.scalar(f, "a number above 0")
	if s == nil {
		return 0
	}
	number, _ := s.Number()
	n, ok := number.(float64)
	if whole, is := number.(int); is {
		n, ok = float64(whole), true
	}
	switch {
	case !ok:
		r.Wrong(f, "a number above 0")
	case n <= 0:
		r.Refuse(f, "a number above 0")
	default:
		return n
	}
	return 0
}

// Size reads a number of bytes.
func (r *Reader) Size(f Field) int64 {
	s := r.scalar(f, `a size such as "256KB" or "64MiB"`)
	if s == nil {
		return 0
	}
	text := s.Value
	if n, ok := s.Number(); ok {
		text = written(n) // 1_000_000
	}
	n, err := ParseSize(text)
	if err != nil {
		r.invalid(f, "%s: %v", f, err)
	}
	return n
}

// Duration reads a length of time of at least least.
func (r *Reader) Duration(f Field, least time.Duration) Duration {
	s := r.scalar(f, `a duration such as "5s"`)
	if s == nil {
		return Duration{}
	}
	d, err := ParseDuration(s.Value)
	if err == nil && d >= least {
		return Duration{Value: d, Pos: s.Text.Pos}
	}
	r.Misread++
	if err == nil {
		r.Mistakes.Errorf(s.Text.Pos, diag.InvalidDuration, "%s is %s, expected a longer duration", f, s.Value)
		return Duration{}
	}
	e := r.Mistakes.Errorf(s.Text.Pos, diag.InvalidDuration, "%s: %v", f, err)
	if _, number := s.Data.(int); number {
		e.Hint = fmt.Sprintf(`did you mean "%ss"?`, s.Value)
	}
	if strings.Contains(s.Value, "$(") {
		e.Hint = "durations of the engine are fixed, templates are for `with`"
	}
	return Duration{}
}

// Data reads anything, as Plain gives it, and reports the numbers that would
// change and the words that may be meant as something else.
func (r *Reader) Data(f Field) any {
	r.checkData(f.Value)
	return Plain(f.Value)
}

func (r *Reader) checkData(v Value) {
	CheckNumbers(v, &r.Mistakes)
	CheckWords(v, &r.Mistakes)
}

// Wrong reports a value of another kind than expected. One that was lost
// already is not reported again. The mistake is returned for its Hint.
func (r *Reader) Wrong(f Field, expected string) *diag.Error {
	s, ok := f.Value.(*Scalar)
	switch {
	case ok && s.lost:
		r.Misread++
		return &diag.Error{}
	case isNull(f.Value):
		return r.Blank(f, expected)
	default:
		r.Misread++
		return r.Mistakes.Errorf(f.Value.Pos(), diag.WrongType, "%s is %s, expected %s", f, kindOf(f.Value), expected)
	}
}

// Blank reports that nothing stands where something is due.
func (r *Reader) Blank(f Field, expected string) *diag.Error {
	r.Misread++
	return r.Mistakes.Errorf(f.Value.Pos(), diag.EmptyValue, "%s is empty, expected %s", f, expected)
}

// Refuse reports a scalar that is out of bounds or out of form.
func (r *Reader) Refuse(f Field, expected string) {
	value := ""
	if s, ok := f.Value.(*Scalar); ok {
		value = s.Value
	}
	r.invalid(f, "%s is %q, expected %s", f, value, expected)
}

func (r *Reader) invalid(f Field, format string, a ...any) {
	r.Misread++
	r.Mistakes.Errorf(f.Value.Pos(), r.Invalid, format, a...)
}

func isNull(v Value) bool {
	s, ok := v.(*Scalar)
	return ok && s.Data == nil && !s.lost
}

// kindOf names what a value is, as people say it.
func kindOf(v Value) string {
	s, ok := v.(*Scalar)
	if !ok {
		if _, ok := v.(*List); ok {
			return "a list"
		}
		return "a mapping"
	}
	switch s.Data.(type) {
	case nil:
		return "empty"
	case bool:
		return "a boolean"
	case int, float64, json.Number:
		return "a number"
	}
	if s.style == plain {
		return fmt.Sprintf("the text %q", s.Value)
	}
	return "a text"
}
