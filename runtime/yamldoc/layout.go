package yamldoc

import (
	"bytes"
	"slices"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/wendflow/wend/runtime/diag"
)

// Layout returns a file as Wend lays out YAML: two blanks a level, lists below
// their keys included; one blank behind each - : and comma and inside of { };
// comments behind lines three blanks away, below each other; one blank line at
// most; no blanks at the end of a line, and LF at the end of all. What lines
// there are and what stands in them, the order, the quotes and every comment
// stay as they were written. Laid out again nothing changes.
//
// It returns nil if the file is not YAML, and for the rare file that it cannot
// lay out without changing what it means; the list then says so.
func (f Format) Layout(file string, src []byte) ([]byte, diag.List) {
	text := bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
	if bytes.ContainsRune(text, '\r') {
		text = src // a carriage return alone is a mistake, also before a line end
	}
	doc, mistakes := f.parse(file, text)
	if doc.broken || mistakes.HasErrors() {
		return nil, mistakes.Sorted()
	}
	l := layouter{tokens: doc.tokens()}
	out := l.layout()
	if !doc.same(f, out) {
		var list diag.List
		list.Errorf(doc.src.pos(0), diag.InvalidYAML, "the file is written in a way that cannot be laid out without changing what it means").
			Hint = `write keys as "key: value", without "?", and texts in quotes on one line`
		return nil, list
	}
	return []byte(out), nil
}

// same tells whether a text holds what the document holds, comments included.
func (d *Document) same(f Format, text string) bool {
	other, _ := f.parse(d.File, []byte(text))
	return !other.broken &&
		slices.EqualFunc(d.nodes, other.nodes, sameNode) &&
		slices.EqualFunc(d.Comments(), other.Comments(), func(a, b Comment) bool {
			return strings.TrimRight(a.Text, " \t") == b.Text && a.Own == b.Own
		})
}

func sameNode(a, b *yaml.Node) bool {
	return a.Kind == b.Kind && a.Tag == b.Tag && a.Value == b.Value && a.Anchor == b.Anchor && a.Style == b.Style &&
		slices.EqualFunc(a.Content, b.Content, sameNode)
}

// layouter writes the tokens of a file anew.
type layouter struct {
	tokens []token
	levels []level // the block mappings and lists that are open
	depth  int     // of { and [ that are open
	lines  []laidLine
	// waiting are comments with lines of their own, whose indent the next line
	// decides.
	waiting []token
}

// level is a mapping or list in block style: the column that it had and the one
// that it gets.
type level struct {
	was, col int
	list     bool
}

// laidLine is a line of the result.
type laidLine struct {
	text    []byte // grows token by token, and may be all of the file
	comment string // behind text
	column  int    // that the comment had
}

func (l *layouter) layout() string {
	for i, t := range l.tokens {
		switch {
		case t.kind == commentToken && t.opens():
			l.ownComment(t)
			continue
		case t.opens():
			l.begin(i)
		case t.kind == commentToken:
			l.lines[len(l.lines)-1].comment, l.lines[len(l.lines)-1].column = t.text, t.column
			continue
		default:
			l.add(between(l.tokens[i-1], t))
			l.nest(i)
		}
		l.write(t)
	}
	l.place(l.levels, -1, 0)
	l.align()
	var out strings.Builder
	for _, line := range l.lines {
		out.Write(line.text)
		out.WriteString(line.comment + "\n")
	}
	return out.String()
}

// ownComment takes a comment with a line for itself. One that goes on below a
// comment behind a line stays there.
func (l *layouter) ownComment(t token) {
	if n := len(l.lines); t.breaks == 1 && len(l.waiting) == 0 && n > 0 && l.lines[n-1].comment != "" && l.lines[n-1].column == t.column {
		l.lines = append(l.lines, laidLine{comment: t.text, column: t.column})
		return
	}
	l.waiting = append(l.waiting, t)
}

// begin begins the line of a token.
func (l *layouter) begin(i int) {
	t := l.tokens[i]
	before := slices.Clone(l.levels)
	if l.depth > 0 {
		within := l.indent()
		l.place(nil, t.col, within)
		if t.kind == ']' || t.kind == '}' {
			within -= 2
		}
		l.line(t.breaks, within)
		return
	}
	col := l.indent()
	switch {
	case t.kind == markerToken:
		l.levels, col = nil, 0
	case t.kind == '-':
		col = l.enter(t.col, true)
	case l.isKey(i):
		col = l.enter(t.col, false)
	}
	l.place(before, t.col, col)
	l.line(t.breaks, col)
}

// enter leaves the levels that a line at a column ends and returns the column
// that the line gets, in a level of its own unless it continues one.
func (l *layouter) enter(was int, list bool) int {
	for n := len(l.levels); n > 0 && (l.levels[n-1].was > was || l.levels[n-1].was == was && l.levels[n-1].list && !list); n = len(l.levels) {
		l.levels = l.levels[:n-1]
	}
	if n := len(l.levels); n == 0 || l.levels[n-1].was != was || l.levels[n-1].list != list {
		l.levels = append(l.levels, level{was, l.indent(), list})
	}
	return l.levels[len(l.levels)-1].col
}

// nest opens the level of what stands behind a dash on the same line.
func (l *layouter) nest(i int) {
	t := l.tokens[i]
	if l.depth > 0 || l.tokens[i-1].kind != '-' {
		return
	}
	if list := t.kind == '-'; list || l.isKey(i) {
		l.levels = append(l.levels, level{t.col, l.indent(), list})
	}
}

// indent is where what belongs to the innermost level stands if it has a line
// of its own.
func (l *layouter) indent() int {
	indent := 2 * l.depth
	if n := len(l.levels); n > 0 {
		indent += l.levels[n-1].col + 2
	}
	return indent
}

// isKey tells whether a key begins at a token.
func (l *layouter) isKey(i int) bool {
	rest := l.tokens[i:]
	for len(rest) > 1 && rest[0].kind == anchorToken && !rest[1].opens() {
		rest = rest[1:]
	}
	return len(rest) > 1 && (rest[0].kind == scalarToken || rest[0].kind == aliasToken) && rest[1].kind == ':' && !rest[1].opens()
}

// place writes the comments that wait before a line: in line with it, or where
// they are deeper, with what stood before. The line was at one column and gets
// another.
func (l *layouter) place(before []level, was, col int) {
	for _, c := range l.waiting {
		at := col
		for _, lev := range before {
			if c.column > was && lev.was > was && lev.was <= c.column && lev.col > at {
				at = lev.col
			}
		}
		l.line(c.breaks, at)
		l.add(c.text)
	}
	l.waiting = nil
}

// line begins a line, behind a blank one if there were any.
func (l *layouter) line(breaks, indent int) {
	if breaks > 1 && len(l.lines) > 0 {
		l.lines = append(l.lines, laidLine{})
	}
	l.lines = append(l.lines, laidLine{text: bytes.Repeat([]byte(" "), indent)})
}

func (l *layouter) add(text string) {
	line := &l.lines[len(l.lines)-1]
	line.text = append(line.text, text...)
}

// write writes a token behind what stands on the line.
func (l *layouter) write(t token) {
	if t.kind == blockToken {
		l.writeBlock(t)
		return
	}
	if t.kind == '{' || t.kind == '[' {
		l.depth++
	}
	if t.kind == '}' || t.kind == ']' {
		l.depth--
	}
	first, rest, folded := strings.Cut(t.text, "\n")
	if !folded {
		l.add(t.text)
		return
	}
	indent := strings.Repeat(" ", max(l.indent(), 2))
	l.add(trimLine(first, t))
	for more := range strings.SplitSeq(rest, "\n") {
		if more = trimLine(strings.TrimLeft(more, " \t"), t); more != "" {
			more = indent + more
		}
		l.lines = append(l.lines, laidLine{text: []byte(more)})
	}
}

// trimLine takes the blanks from the end of a line of a scalar, but not one that
// is escaped.
func trimLine(line string, t token) string {
	trimmed := strings.TrimRight(line, " \t")
	escapes := len(trimmed) - len(strings.TrimRight(trimmed, `\`))
	if t.text[0] == '"' && escapes%2 == 1 && trimmed != line {
		return line[:len(trimmed)+1]
	}
	return trimmed
}

func (l *layouter) writeBlock(t token) {
	l.add(t.text)
	if t.comment != "" {
		l.lines[len(l.lines)-1].comment = t.comment
		l.lines[len(l.lines)-1].column = -1 // nothing goes on below it
	}
	indent := strings.Repeat(" ", max(l.indent(), 2))
	for _, line := range t.body {
		if line != "" {
			line = indent + line
		}
		l.lines = append(l.lines, laidLine{text: []byte(line)})
	}
}

// between is what stands between two tokens of a line.
func between(a, b token) string {
	switch {
	case a.kind == ':': // a comma directly behind it would be part of the key
		return " "
	case b.kind == '}' && a.kind == scalarToken && strings.HasSuffix(a.text, ":"): // with a blank it would be a key
		return ""
	case b.kind == ',', b.kind == ']', a.kind == '[', a.kind == '{' && b.kind == '}', b.kind == ':' && a.kind != aliasToken:
		return ""
	default:
		return " "
	}
}

// align puts the comments behind lines that follow each other into one column.
// A very long line would move those of all others, so it stands alone, with the
// comments that go on below its own.
func (l *layouter) align() {
	const gap, long = 3, 120
	for from := 0; from < len(l.lines); {
		width := utf8.RuneCount(l.lines[from].text)
		alone := width > long
		to := from
		for ; to < len(l.lines) && l.lines[to].comment != ""; to++ {
			wide := utf8.RuneCount(l.lines[to].text)
			if to > from && (alone && wide > 0 || wide > long) {
				break
			}
			width = max(width, wide)
		}
		for i := from; i < to; i++ {
			line := &l.lines[i]
			line.text = append(line.text, strings.Repeat(" ", width+gap-utf8.RuneCount(line.text))...)
		}
		from = max(from+1, to)
	}
}
