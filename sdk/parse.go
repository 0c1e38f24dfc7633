package sdk

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deep lists and objects may nest, so that a hostile
// document cannot exhaust the stack.
const maxDepth = 1000

// Parse reads a JSON document, as RFC 8259 has it. Numbers keep their source
// text, so integers of any size stay exact. What is no valid UTF-8 in a string
// becomes U+FFFD, lone surrogates too. The error says what was expected, and
// at which byte.
func Parse(document string) (Value, error) {
	p := parser{text: document, open: make([]member, 1, 32)}
	p.space()
	if err := p.value(0); err != nil {
		return Value{}, err
	}
	p.space()
	if p.at < len(p.text) {
		return Value{}, p.expected("the end of the document")
	}
	return p.open[0].value, nil
}

// parser reads text from left to right. It is written by hand since
// encoding/json and its peers cost a guest 0.8 to 1.4 MB.
type parser struct {
	text  string
	at    int
	depth int
	// open is a stack: the document, then the members read so far of each list
	// and object that is not at its end. So each gets its members in one piece,
	// of their exact number, and no value is moved while it is read.
	open []member
}

// value reads a value into a place of open. The place is given by its index,
// since open moves as it grows.
func (p *parser) value(place int) error {
	into := &p.open[place].value
	switch c := p.peek(); {
	case c == '"':
		into.kind = String
		return p.string(&into.text)
	case c == '{':
		into.kind = Object
		return p.members(place, '}', p.field)
	case c == '[':
		into.kind = List
		return p.members(place, ']', p.value)
	case c == '-' || isDigit(c):
		into.kind = Number
		return p.number(&into.text)
	case p.word("true"):
		into.kind, into.text = Bool, "true"
	case p.word("false"):
		into.kind, into.text = Bool, "false"
	case p.word("null"):
		into.kind = Null
	default:
		return p.expected("a value")
	}
	return nil
}

// members reads what is between the brackets of a list or an object.
func (p *parser) members(place int, end byte, read func(place int) error) error {
	if p.depth++; p.depth > maxDepth {
		return p.expected("at most " + strconv.Itoa(maxDepth) + " lists and objects in each other")
	}
	p.at++
	p.space()
	first := len(p.open)
	for more := !p.skip(end); more; {
		p.open = append(p.open, member{})
		if err := read(len(p.open) - 1); err != nil {
			return err
		}
		p.space()
		more = p.skip(',')
		if !more && !p.skip(end) {
			return p.expected("\",\" or \"" + string(rune(end)) + "\"")
		}
		p.space()
	}
	p.open[place].value.members = append([]member(nil), p.open[first:]...)
	p.open = p.open[:first]
	p.depth--
	return nil
}

// field reads a name and a value.
func (p *parser) field(place int) error {
	if p.peek() != '"' {
		return p.expected("a name in quotes")
	}
	if err := p.string(&p.open[place].name); err != nil {
		return err
	}
	if p.space(); !p.skip(':') {
		return p.expected("\":\"")
	}
	p.space()
	return p.value(place)
}

func (p *parser) number(into *string) error {
	start := p.at
	p.skip('-')
	if !p.skip('0') && !p.digits() {
		return p.expected("a digit")
	}
	if p.skip('.') && !p.digits() {
		return p.expected("a digit")
	}
	if p.skip('e') || p.skip('E') {
		if !p.skip('+') {
			p.skip('-')
		}
		if !p.digits() {
			return p.expected("a digit")
		}
	}
	*into = p.text[start:p.at]
	return nil
}

func (p *parser) digits() bool {
	start := p.at
	for isDigit(p.peek()) {
		p.at++
	}
	return p.at > start
}

// string reads a string in quotes. One of plain ASCII without escapes, which
// nearly all are, is a part of the document and costs no copy.
func (p *parser) string(into *string) error {
	start := p.at + 1
	end := start + plainLength(p.text[start:])
	if end < len(p.text) && p.text[end] == '"' {
		*into = p.text[start:end]
		p.at = end + 1
		return nil
	}
	return p.longString(into, start, end)
}

// plainLength is how much of s stands in a JSON string as it is and is ASCII.
func plainLength(s string) int {
	for i := range len(s) {
		if !isPlain[s[i]] {
			return i
		}
	}
	return len(s)
}

// isPlain is a table since this is asked for nearly every byte.
var isPlain = plainBytes()

func plainBytes() (plain [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		plain[c] = c != '"' && c != '\\'
	}
	return plain
}

// longString reads the rest of a string whose plain part goes from start to at.
func (p *parser) longString(into *string, start, at int) error {
	decoded := append(make([]byte, 0, 2*(at-start)+32), p.text[start:at]...)
	for p.at = at; p.at < len(p.text); {
		switch c := p.text[p.at]; {
		case c == '"':
			p.at++
			*into = string(decoded)
			return nil
		case c < ' ':
			return p.expected("an escape instead of a control character")
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return err
			}
			decoded = utf8.AppendRune(decoded, r)
		case c < utf8.RuneSelf:
			decoded = append(decoded, c)
			p.at++
		default:
			r, size := utf8.DecodeRuneInString(p.text[p.at:])
			decoded = utf8.AppendRune(decoded, r)
			p.at += size
		}
	}
	return p.expected("'\"'")
}

// escape reads one escape, or two that make one character.
func (p *parser) escape() (rune, error) {
	p.at++
	c := p.peek()
	p.at++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		return p.unicodeEscape()
	default:
		p.at--
		return 0, p.expected("one of \"\\/bfnrtu after the backslash")
	}
}

func (p *parser) unicodeEscape() (rune, error) {
	high, ok := p.hex4()
	if !ok {
		return 0, p.expected("four hex digits")
	}
	if !utf16.IsSurrogate(high) {
		return high, nil
	}
	second := p.at
	if p.skip('\\') && p.skip('u') {
		low, ok := p.hex4()
		if !ok {
			return 0, p.expected("four hex digits")
		}
		if r := utf16.DecodeRune(high, low); r != utf8.RuneError {
			return r, nil
		}
	}
	p.at = second // a lone surrogate; what follows stands for itself
	return utf8.RuneError, nil
}

func (p *parser) hex4() (rune, bool) {
	if len(p.text)-p.at < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(p.text[p.at:p.at+4], 16, 16)
	if err != nil {
		return 0, false
	}
	p.at += 4
	return rune(n), true
}

// peek is the next byte, 0 at the end. A 0 in the document is no token either.
func (p *parser) peek() byte {
	if p.at < len(p.text) {
		return p.text[p.at]
	}
	return 0
}

func (p *parser) skip(c byte) bool {
	if p.at < len(p.text) && p.text[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *parser) word(word string) bool {
	if len(p.text)-p.at < len(word) || p.text[p.at:p.at+len(word)] != word {
		return false
	}
	p.at += len(word)
	return true
}

func (p *parser) space() {
	for p.at < len(p.text) && isSpace(p.text[p.at]) {
		p.at++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func (p *parser) expected(what string) error {
	return fault("byte " + strconv.Itoa(p.at) + ": expected " + what)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
