package yamldoc

import (
	"strings"
	"unicode/utf8"

	"github.com/wendflow/wend/runtime/diag"
)

// Text is a word or a longer text of the file, and where it stands. The zero
// Text was not written.
type Text struct {
	Value string
	Pos   diag.Pos

	src   *source
	start int // offset in src where the scalar begins, its quote or | included
	style style
	flow  bool // in { } or [ ]
	// aligned is what align gives, for who asks for many places.
	aligned []int
}

// style is how a text was written.
type style uint8

const (
	unknownStyle style = iota
	plain
	singleQuoted
	doubleQuoted
	literal // |
	folded  // >
)

// Given tells whether the text was written at all.
func (t Text) Given() bool { return t.Pos.Line != 0 }

// At returns the place in the file of the byte at offset of Value, whatever
// quotes, escapes and foldings lie between. An offset at or past the end gives
// the place after the last byte.
func (t Text) At(offset int) diag.Pos {
	offset = max(0, min(offset, len(t.Value)))
	if t.src == nil {
		p := t.Pos
		p.Col += utf8.RuneCountInString(t.Value[:offset])
		return p
	}
	if t.aligned != nil {
		return t.src.pos(t.aligned[offset])
	}
	if first := t.firstByte(); strings.HasPrefix(t.src.text[first:], t.Value) && !t.block() {
		return t.src.pos(first + offset)
	}
	at, ok := t.align()
	if !ok {
		return t.Pos
	}
	return t.src.pos(at[offset])
}

// Aligned is the same text, with what At needs found out once: asked for many
// places of a long text, At would go through the text each time.
func (t Text) Aligned() Text {
	if t.src != nil {
		t.aligned, _ = t.align()
	}
	return t
}

// Literal returns how a text is written in an expression that stands in t, and
// whether all of t has to be put in quotes for it, as it does in { } and [ ].
func (t Text) Literal(text string) (written string, inQuotes bool) {
	if inQuotes = t.style == plain && t.flow; inQuotes || t.style == doubleQuoted {
		return "'" + text + "'", inQuotes
	}
	return `"` + text + `"`, false
}

func (t Text) block() bool { return t.style == literal || t.style == folded }

// firstByte is where the text begins if it has neither fold nor escape.
func (t Text) firstByte() int {
	if t.style == singleQuoted || t.style == doubleQuoted {
		return min(t.start+1, len(t.src.text))
	}
	return t.start
}

// Cut tells what ended an unquoted text on its line: "#" if a comment did, or
// one of , ? [ ] { } in the brackets of flow style; and where it stands. Else
// mark is "". An unclosed $( or quote together with a mark means that YAML cut
// the text short.
func (t Text) Cut() (mark string, pos diag.Pos) {
	if t.src == nil || t.style != plain {
		return "", diag.Pos{}
	}
	at, ok := t.align()
	if !ok {
		return "", diag.Pos{}
	}
	end := at[len(t.Value)]
	rest := t.src.text[end:]
	blanks := len(rest) - len(strings.TrimLeft(rest, " \t"))
	next := rest[blanks:]
	switch {
	case blanks > 0 && strings.HasPrefix(next, "#"):
		return "#", t.src.pos(end + blanks)
	case next != "" && strings.ContainsRune(",?[]{}", rune(next[0])):
		return next[:1], t.src.pos(end + blanks)
	}
	return "", diag.Pos{}
}

// ReportUnclosed reports the $( at offset open, which Pieces found unclosed.
// Where YAML cut the text short it says so, at the place of the cut.
func (t Text) ReportUnclosed(l *diag.List, open int) {
	mark, cut := t.Cut()
	switch mark {
	case "":
		mistake := l.Errorf(t.At(open), diag.UnclosedTemplate, `"$(" is never closed`)
		mistake.Hint = `close it with ")", or write "$$(" for a literal "$("`
	case "#":
		mistake := l.Errorf(cut, diag.YAMLComment, `" #" begins a comment and cuts the template short`)
		mistake.Hint = "put the whole value in quotes"
	default:
		mistake := l.Errorf(cut, diag.YAMLComma, "%q ends an unquoted value in { } and [ ] style and cuts the template short", mark)
		mistake.Hint = "put the whole value in quotes"
	}
}
