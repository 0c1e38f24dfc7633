package diag

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
)

// printedAtMost is how many mistakes of one file are printed. Nobody reads more,
// and they often come of one.
const printedAtMost = 100

// Print writes each mistake of l, sorted: the message, then the line it is on
// with a caret under the place. Of a file with very many it writes the first
// hundred, and how many more there are. Source returns the content of a file,
// or nil where it is not at hand; then only the message is written. It is called
// once for each file.
func Print(w io.Writer, l List, source func(file string) []byte) {
	sorted := l.Sorted()
	for len(sorted) > 0 {
		file := sorted[0].Pos.File
		n := slices.IndexFunc(sorted, func(e *Error) bool { return e.Pos.File != file })
		if n < 0 {
			n = len(sorted)
		}
		printFile(w, sorted[:n], source(file))
		sorted = sorted[n:]
	}
}

// printFile writes the mistakes of one file, by their lines.
func printFile(w io.Writer, l List, src []byte) {
	rest := lines{rest: bytes.TrimPrefix(src, []byte("\ufeff")), next: 1, none: src == nil || bytes.IndexByte(src, 0) >= 0} // nobody reads a line of a binary file
	for _, e := range l[:min(len(l), printedAtMost)] {
		fmt.Fprintln(w, printed(e))
		if line, ok := rest.line(e.Pos.Line); ok {
			line, before := window(line, e.Pos.Col-1)
			fmt.Fprintf(w, "%5d | %s\n      | %s^\n", e.Pos.Line, line, indentLike(line, before))
		}
	}
	if more := len(l) - printedAtMost; more > 0 {
		where := ""
		if file := l[0].Pos.File; file != "" {
			where = " in " + file
		}
		fmt.Fprintf(w, "… and %d more%s\n", more, where)
	}
}

// Of a longer line only what stands around the place is shown, in characters.
const (
	longLine   = 400
	aroundLine = 100
)

// window returns the part of a line around a place that has before characters
// before it, and how many the part has there.
func window(line string, before int) (string, int) {
	if len(line) <= longLine {
		return line, before
	}
	chars := []rune(line)
	start := max(0, min(before, len(chars))-aroundLine)
	end := min(len(chars), start+2*aroundLine)
	part := string(chars[start:end])
	if before -= start; start > 0 {
		part = "…" + part
		before++
	}
	if end < len(chars) {
		part += "…"
	}
	return part, before
}

// printed marks warnings, which the short form of an Error leaves out.
func printed(e *Error) string {
	if e.Severity == SeverityError {
		return e.Error()
	}
	marked := *e
	marked.Msg = "warning: " + e.Msg
	return marked.Error()
}

// lines goes through the lines of a file once. They are asked for in order.
type lines struct {
	rest, current []byte
	next          int // number of the line at the beginning of rest
	none          bool
}

// line returns a line without its end.
func (l *lines) line(n int) (string, bool) {
	if n < 1 {
		return "", false
	}
	for l.next <= n && !l.none {
		line, rest, more := bytes.Cut(l.rest, []byte("\n"))
		l.current, l.rest, l.none = line, rest, !more
		l.next++
	}
	if l.next != n+1 {
		return "", false
	}
	return string(bytes.TrimSuffix(l.current, []byte("\r"))), true
}

// indentLike returns blanks as wide as the first n characters of line; tabs
// stay tabs, so that the caret lines up in any terminal.
func indentLike(line string, n int) string {
	var b strings.Builder
	for _, r := range line {
		if n <= 0 {
			return b.String()
		}
		if r != '\t' {
			r = ' '
		}
		b.WriteRune(r)
		n--
	}
	return b.String() + strings.Repeat(" ", max(n, 0))
}
