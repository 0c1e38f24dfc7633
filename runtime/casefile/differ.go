package casefile

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wendflow/wend/runtime/data"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// Differ collects differences.
type Differ struct {
	Code  diag.Code // of each difference
	Found diag.List
}

// Errorf adds a difference in other words than the methods below have.
func (d *Differ) Errorf(at diag.Pos, format string, a ...any) *diag.Error {
	return d.Found.Errorf(at, d.Code, format, a...)
}

// Value compares plain data; nil is nothing. what names it in messages.
func (d *Differ) Value(what string, want Want, got any) {
	switch w := want.(type) {
	case nil:
		return
	case *object:
		if v, ok := got.(map[string]any); ok {
			d.object(what, w, v)
			return
		}
	case *list:
		if v, ok := got.([]any); ok {
			d.list(what, w, v)
			return
		}
	case *scalar:
		if same(w.Data, got) {
			return
		}
	case *matches:
		if text, ok := textOf(got); ok && w.re.MatchString(text) {
			return
		}
	case *contains:
		d.contains(what, w, got)
		return
	case *absent:
		if w.not == (got != nil) {
			return
		}
	}
	e := d.Errorf(want.Pos(), "%s is %s, expected %s", what, Show(got), said(want))
	e.Hint = misspelt(want)
}

// misspelt is a hint where an object with one key may not have been meant as
// one.
func misspelt(want Want) string {
	o, ok := want.(*object)
	if !ok || len(o.entries) != 1 {
		return ""
	}
	if near := diag.Nearest(o.entries[0].key.Value, words); near != "" {
		return fmt.Sprintf("did you mean { %s: … }?", near)
	}
	return ""
}

func (d *Differ) object(what string, want *object, got map[string]any) {
	left := maps.Clone(got)
	for _, e := range want.entries {
		delete(left, e.key.Value)
		d.property(what, e, got)
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		d.Errorf(want.Pos(), "%s has %q, which is not expected: %s", what, name, Show(left[name]))
	}
}

func (d *Differ) property(what string, want entry, got map[string]any) {
	name := want.key.Value
	v, there := got[name]
	a, about := want.want.(*absent)
	switch {
	case about && a.not == there: // as it has to be
	case about && there:
		d.Errorf(a.Pos(), "%s has %q, which must be absent: %s", what, name, Show(v))
	case !there:
		d.Errorf(want.key.Pos, "%s has no %q, expected %s", what, name, said(want.want))
	default:
		d.Value(what+"."+name, want.want, v)
	}
}

func (d *Differ) list(what string, want *list, got []any) {
	if len(want.items) != len(got) {
		d.Errorf(want.Pos(), "%s has %d entries, expected %d", what, len(got), len(want.items))
		return
	}
	for i, v := range got {
		d.Value(what+"["+strconv.Itoa(i)+"]", want.items[i], v)
	}
}

// contains compares a part: of an object each property that is named, of a list
// any entry, of a text any piece.
func (d *Differ) contains(what string, want *contains, got any) {
	switch v := got.(type) {
	case map[string]any:
		if part, ok := want.part.(*object); ok {
			for _, e := range part.entries {
				d.property(what, e, v)
			}
			return
		}
	case []any:
		if slices.ContainsFunc(v, func(item any) bool { return fits(want.part, item) }) {
			return
		}
	default:
		part, scalar := want.part.(*scalar)
		if text, ok := textOf(got); ok && scalar && strings.Contains(text, part.Value) {
			return
		}
	}
	d.Errorf(want.Pos(), "%s is %s, expected %s", what, Show(got), said(want))
}

func fits(want Want, got any) bool {
	var d Differ
	d.Value("", want, got)
	return len(d.Found) == 0
}

// textOf is the text of a single value.
func textOf(v any) (string, bool) {
	switch v.(type) {
	case nil, map[string]any, []any:
		return "", false
	}
	text, err := data.Text(v)
	return text, err == nil
}

// Text compares a text with what is written in the file, whatever YAML takes
// that for. An empty text is absent.
func (d *Differ) Text(what string, want Want, got string) {
	ok := true
	switch w := want.(type) {
	case *scalar:
		if w.Value != got {
			d.Errorf(w.Pos(), "%s is %q, expected %q", what, got, w.Value)
		}
		return
	case *matches:
		ok = w.re.MatchString(got)
	case *contains:
		part, scalar := w.part.(*scalar)
		ok = scalar && strings.Contains(got, part.Value)
	case *absent:
		ok = w.not == (got != "")
	case *object, *list:
		ok = false
	}
	if !ok {
		d.Errorf(want.Pos(), "%s is %q, expected %s", what, got, said(want))
	}
}

// Headers compares headers, by names in any case. A nil want takes any.
func (d *Differ) Headers(what string, want *Texts, got map[string]string) {
	if want == nil {
		return
	}
	left := map[string]string{}
	for name, value := range got {
		left[strings.ToLower(name)] = value
	}
	for _, e := range want.entries {
		lower := strings.ToLower(e.key.Value)
		value, there := left[lower]
		delete(left, lower)
		a, about := e.want.(*absent)
		switch {
		case about && a.not == there: // as it has to be
		case about && there:
			d.Errorf(a.Pos(), "%s: header %q must be absent, and is %q", what, e.key.Value, value)
		case !there:
			d.Errorf(e.key.Pos, "%s: header %q is not sent", what, e.key.Value)
		default:
			d.Text(fmt.Sprintf("%s: header %q", what, e.key.Value), e.want, value)
		}
	}
	if want.part {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		d.Errorf(want.pos, "%s: header %q is sent, with %q", what, name, left[name])
	}
}

// Body compares a body: with a text byte by byte, with an object or a list as
// JSON.
func (d *Differ) Body(what string, want Want, got []byte) {
	switch w := want.(type) {
	case nil:
		return
	case *scalar:
		d.textBody(what, w, got)
		return
	case *matches, *absent:
		d.Text(what, want, string(got))
		return
	case *contains:
		if _, text := w.part.(*scalar); text {
			d.Text(what, want, string(got))
			return
		}
	case *object, *list:
	}
	v, err := data.DecodeJSON(got)
	if err != nil {
		d.Errorf(want.Pos(), "%s is no JSON (%v): %s", what, err, Show(string(got)))
		return
	}
	d.Value(what, want, v)
}

// textBody tells what differs inside of JSON, which as two long lines nobody
// would find.
func (d *Differ) textBody(what string, want *scalar, got []byte) {
	if want.Value == string(got) {
		return
	}
	expected, err := data.DecodeJSON([]byte(want.Value))
	if err == nil {
		if v, err := data.DecodeJSON(got); err == nil && !reflect.DeepEqual(v, expected) {
			d.Value(what, literal(yamldoc.Of(expected, want.Pos())), v)
			return
		}
	}
	if !utf8.Valid(got) {
		d.Errorf(want.Pos(), "%s is not text, %d bytes; expected %s", what, len(got), Show(want.Value))
		return
	}
	d.Errorf(want.Pos(), "%s is %s, expected %s", what, Show(string(got)), Show(want.Value))
}

// same compares single values. A number has one form, see package data.
func same(want, got any) bool {
	switch got.(type) {
	case map[string]any, []any:
		return false
	default:
		return want == got
	}
}

const shown = 300

// Show writes a value as JSON, shortened.
func Show(v any) string {
	text, err := data.JSON(v)
	if err != nil {
		text = fmt.Appendf(nil, "%v", v)
	}
	if len(text) <= shown {
		return string(text)
	}
	return strings.ToValidUTF8(string(text[:shown]), "") + fmt.Sprintf("… (%d bytes)", len(text))
}
