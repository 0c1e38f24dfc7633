package diag

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// Print writes each mistake of l, sorted: the message, then the line it is on
// with a caret under the place. Source returns the content of a file, or nil
// where it is not at hand; then only the message is written.
func Print(w io.Writer, l List, source func(file string) []byte) {
	for _, e := range l.Sorted() {
		fmt.Fprintln(w, printed(e))
		if line, ok := sourceLine(source(e.Pos.File), e.Pos.Line); ok {
			fmt.Fprintf(w, "%5d | %s\n      | %s^\n", e.Pos.Line, line, indentLike(line, e.Pos.Col-1))
		}
	}
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

func sourceLine(src []byte, line int) (string, bool) {
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	if src == nil || line < 1 {
		return "", false
	}
	for range line - 1 {
		_, rest, found := bytes.Cut(src, []byte("\n"))
		if !found {
			return "", false
		}
		src = rest
	}
	first, _, _ := bytes.Cut(src, []byte("\n"))
	return string(bytes.TrimSuffix(first, []byte("\r"))), true
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
