package yamldoc

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// align finds, for every byte of the text's Value, the offset in the source it
// came from, and the offset behind the last one. It does not decode the scalar
// again: the value is known, so it only has to walk both side by side. It fails
// if they do not match, which means that it was not called with what YAML read.
func (t Text) align() ([]int, bool) {
	a := aligner{src: t.src.text, value: t.Value, at: make([]int, 0, len(t.Value)+1)}
	switch t.style {
	case plain:
		return a.flow(t.start, a.plainByte)
	case singleQuoted:
		return a.flow(t.start+1, a.singleQuotedByte)
	case doubleQuoted:
		return a.flow(t.start+1, a.doubleQuotedByte)
	case literal, folded:
		return a.block(t.start)
	default:
		return nil, false
	}
}

type aligner struct {
	src   string
	value string
	at    []int // grows to len(value)
}

// emit notes that the next len(s) bytes of the value are s and came from p.
func (a *aligner) emit(s string, p int) bool {
	if !strings.HasPrefix(a.value[len(a.at):], s) {
		return false
	}
	for range len(s) {
		a.at = append(a.at, p)
	}
	return true
}

func (a *aligner) done() bool { return len(a.at) == len(a.value) }

// flow walks a plain or quoted scalar whose first byte is at p. Next reads one
// character at p and returns the offset behind it, or -1.
func (a *aligner) flow(p int, next func(p int) int) ([]int, bool) {
	for !a.done() {
		if p >= len(a.src) {
			return nil, false
		}
		if after, breaks := fold(a.src, p); breaks > 0 {
			folded := " "
			if breaks > 1 {
				folded = strings.Repeat("\n", breaks-1)
			}
			if !a.emit(folded, p) {
				return nil, false
			}
			p = after
		} else if p = next(p); p < 0 {
			return nil, false
		}
	}
	return append(a.at, p), true
}

// fold skips blanks and line breaks at p and counts the breaks; blanks without
// a break are not a fold.
func fold(src string, p int) (after, breaks int) {
	for {
		p += len(src[p:]) - len(strings.TrimLeft(src[p:], " \t"))
		n := lineBreak(src[p:])
		if n == 0 {
			return p, breaks
		}
		p += n
		breaks++
	}
}

// lineBreak returns the length of the line break that s begins with.
func lineBreak(s string) int {
	switch {
	case strings.HasPrefix(s, "\r\n"):
		return 2
	case strings.HasPrefix(s, "\n"):
		return 1
	default:
		return 0
	}
}

func (a *aligner) plainByte(p int) int {
	if !a.emit(a.src[p:p+1], p) {
		return -1
	}
	return p + 1
}

func (a *aligner) singleQuotedByte(p int) int {
	if strings.HasPrefix(a.src[p:], "''") {
		if !a.emit("'", p) {
			return -1
		}
		return p + 2
	}
	return a.plainByte(p)
}

func (a *aligner) doubleQuotedByte(p int) int {
	if a.src[p] != '\\' {
		return a.plainByte(p)
	}
	if n := lineBreak(a.src[p+1:]); n > 0 {
		// An escaped break vanishes; each empty line after it is one break.
		after, breaks := fold(a.src, p+1+n)
		if !a.emit(strings.Repeat("\n", breaks), p) {
			return -1
		}
		return after
	}
	text, size := unescape(a.src[p:])
	if size == 0 || !a.emit(text, p) {
		return -1
	}
	return p + size
}

// unescape decodes the escape that s begins with and returns its length in s,
// 0 if it is none.
func unescape(s string) (text string, size int) {
	if len(s) < 2 {
		return "", 0
	}
	switch c := s[1]; c {
	case 'x':
		return codepoint(s, 2)
	case 'u':
		return codepoint(s, 4)
	case 'U':
		return codepoint(s, 8)
	default:
		text, ok := escapes[c]
		if !ok {
			return "", 0
		}
		return text, 2
	}
}

var escapes = map[byte]string{
	'0': "\x00", 'a': "\a", 'b': "\b", 't': "\t", '\t': "\t", 'n': "\n", 'v': "\v", 'f': "\f", 'r': "\r",
	'e': "\x1b", ' ': " ", '"': `"`, '\'': "'", '/': "/", '\\': `\`, 'N': "\u0085", '_': "\u00a0", 'L': "\u2028", 'P': "\u2029",
}

func codepoint(s string, digits int) (text string, size int) {
	if len(s) < 2+digits {
		return "", 0
	}
	r, err := strconv.ParseUint(s[2:2+digits], 16, 32)
	if err != nil || r > utf8.MaxRune {
		return "", 0
	}
	return string(rune(r)), 2 + digits
}

// block walks a | or > scalar whose indicator is at p.
func (a *aligner) block(p int) ([]int, bool) {
	header := strings.IndexByte(a.src[p:], '\n')
	if header < 0 {
		return a.at[:0:0], false
	}
	body := p + header + 1
	indent := leadingSpaces(a.src[body:])
	if !strings.ContainsAny(strings.SplitN(a.src[p:p+header], "#", 2)[0], "123456789") {
		return a.lines(body, indent)
	}
	// An explicit indent counts from the parent's, which is not known here.
	for ; indent >= 0; indent-- {
		a.at = a.at[:0]
		if at, ok := a.lines(body, indent); ok {
			return at, true
		}
	}
	return nil, false
}

// leadingSpaces returns the indent of the first line that is not empty.
func leadingSpaces(s string) int {
	for s != "" {
		rest := strings.TrimLeft(s, " ")
		n := lineBreak(rest)
		if n == 0 {
			return len(s) - len(rest)
		}
		s = rest[n:]
	}
	return 0
}

// lines walks the lines of a block scalar, each indented by indent. A break is
// kept, folded to a blank or dropped; the value tells which.
func (a *aligner) lines(p, indent int) ([]int, bool) {
	for !a.done() {
		for n := 0; n < indent && p < len(a.src) && a.src[p] == ' '; n++ {
			p++
		}
		for !a.done() && p < len(a.src) && lineBreak(a.src[p:]) == 0 {
			if p = a.plainByte(p); p < 0 {
				return nil, false
			}
		}
		if a.done() {
			break
		}
		if p >= len(a.src) {
			return nil, false
		}
		if !a.emit("\n", p) {
			a.emit(" ", p)
		}
		p += lineBreak(a.src[p:])
	}
	return append(a.at, p), true
}
