package sdk

import (
	"strconv"
	"strings"
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
	d, err := parse(document)
	if err != nil {
		return Value{}, err
	}
	return Value{of: &d}, nil
}

func parse(text string) (document, error) {
	const bytesEach = 12 // that an entry takes of a usual document
	p := parser{text: text, entries: make([]entry, 0, len(text)/bytesEach+2)}
	at := p.value(p.entry(), p.space(0))
	if at >= 0 {
		at = p.space(at)
	}
	if at >= 0 && at < len(text) {
		p.expected(at, "the end of the document")
	}
	if p.mistake != nil {
		return document{}, p.mistake
	}
	return document{entries: p.entries, text: text, decoded: string(p.decoded)}, nil
}

// parser reads text from left to right. It is written by hand since
// encoding/json and its peers cost a guest 0.8 to 1.4 MB.
//
// Its functions take the place where they begin, and return the place behind
// what they have read, or failed: in a guest a call is dear, and so is memory
// beside a function's own variables.
type parser struct {
	text    string
	depth   int
	entries []entry
	decoded []byte // strings that do not stand in text as they are
	mistake error  // why there is a failed
}

const failed = -1

// expected keeps what is wrong at a byte.
func (p *parser) expected(at int, what string) int {
	p.mistake = fault("byte " + strconv.Itoa(at) + ": expected " + what)
	return failed
}

// entry makes the next entry.
func (p *parser) entry() int {
	p.entries = append(p.entries, entry{})
	return len(p.entries) - 1
}

// text notes that the text of an entry goes from one byte to another.
func (p *parser) setText(of int, kind Kind, from, to int) {
	e := &p.entries[of]
	e.kind, e.text, e.textSize = uint32(kind), uint32(from), uint32(to-from)
}

func (p *parser) value(into, at int) int {
	text := p.text
	if at >= len(text) {
		return p.expected(at, "a value")
	}
	switch c := text[at]; {
	case c == '"':
		end := plainEnd(text, at+1)
		if end < len(text) && text[end] == '"' {
			p.setText(into, String, at+1, end)
			return end + 1
		}
		from := len(p.text) + len(p.decoded)
		at = p.longString(at+1, end)
		p.setText(into, String, from, len(p.text)+len(p.decoded))
		return at
	case c == '{':
		return p.members(into, Object, at+1, '}')
	case c == '[':
		return p.members(into, List, at+1, ']')
	case c == '-' || isDigit(c):
		end := p.number(at)
		p.setText(into, Number, at, end)
		return end
	default:
		return p.word(into, at)
	}
}

func (p *parser) word(into, at int) int {
	rest, kind := p.text[at:], Bool
	end := at
	switch {
	case strings.HasPrefix(rest, "true"):
		end += len("true")
	case strings.HasPrefix(rest, "false"):
		end += len("false")
	case strings.HasPrefix(rest, "null"):
		p.setText(into, Null, at, at)
		return at + len("null")
	default:
		return p.expected(at, "a value")
	}
	p.setText(into, kind, at, end)
	return end
}

// members reads what is between the brackets of a list or an object.
func (p *parser) members(of int, kind Kind, at int, end byte) int {
	if p.depth++; p.depth > maxDepth {
		return p.expected(at-1, "at most "+strconv.Itoa(maxDepth)+" lists and objects in each other")
	}
	text, count, before := p.text, 0, 0
	at = p.space(at)
	more := at >= len(text) || text[at] != end
	for more {
		member := p.entry()
		if count++; count > 1 {
			p.entries[before].next = uint32(member)
		}
		before = member
		if kind == Object {
			if at = p.name(member, at); at < 0 {
				return failed
			}
		}
		if at = p.value(member, at); at < 0 {
			return failed
		}
		if at < len(text) && text[at] <= ' ' {
			at = p.space(at)
		}
		switch {
		case at < len(text) && text[at] == ',':
			if at++; at < len(text) && text[at] <= ' ' {
				at = p.space(at)
			}
		case at < len(text) && text[at] == end:
			more = false
		default:
			return p.expected(at, "\",\" or \""+string(rune(end))+"\"")
		}
	}
	e := &p.entries[of]
	e.kind, e.textSize = uint32(kind), uint32(count)
	p.depth--
	return at + 1
}

// name reads the name of a field and what stands between it and the value.
func (p *parser) name(of, at int) int {
	text := p.text
	if at >= len(text) || text[at] != '"' {
		return p.expected(at, "a name in quotes")
	}
	from, end := at+1, plainEnd(text, at+1)
	if end < len(text) && text[end] == '"' {
		at = end + 1
	} else {
		from = len(text) + len(p.decoded)
		if at = p.longString(at+1, end); at < 0 {
			return failed
		}
		end = len(text) + len(p.decoded)
	}
	e := &p.entries[of]
	e.name, e.nameSize = uint32(from), uint32(end-from)
	if at < len(text) && text[at] <= ' ' {
		at = p.space(at)
	}
	if at >= len(text) || text[at] != ':' {
		return p.expected(at, "\":\"")
	}
	if at++; at < len(text) && text[at] <= ' ' {
		at = p.space(at)
	}
	return at
}

func (p *parser) number(at int) int {
	text := p.text
	if text[at] == '-' {
		at++
	}
	if at < len(text) && text[at] == '0' {
		at++
	} else if at = p.digits(at); at < 0 {
		return failed
	}
	if at < len(text) && text[at] == '.' {
		if at = p.digits(at + 1); at < 0 {
			return failed
		}
	}
	if at < len(text) && text[at]|0x20 == 'e' {
		if at++; at < len(text) && (text[at] == '+' || text[at] == '-') {
			at++
		}
		if at = p.digits(at); at < 0 {
			return failed
		}
	}
	return at
}

// digits reads one or more.
func (p *parser) digits(start int) int {
	at := start
	for at < len(p.text) && isDigit(p.text[at]) {
		at++
	}
	if at == start {
		return p.expected(at, "a digit")
	}
	return at
}

// longString decodes a string whose plain part goes from start to at. One of
// plain ASCII without escapes, which nearly all are, never comes here: it is a
// part of the document and costs no copy.
func (p *parser) longString(start, at int) int {
	text := p.text
	if p.decoded == nil {
		p.decoded = make([]byte, 0, 2*(at-start)+64)
	}
	p.decoded = append(p.decoded, text[start:at]...)
	for at < len(text) {
		switch c := text[at]; {
		case c == '"':
			return at + 1
		case c < ' ':
			return p.expected(at, "an escape instead of a control character")
		case c == '\\':
			var r rune
			if r, at = p.escape(at + 1); at < 0 {
				return failed
			}
			p.decoded = utf8.AppendRune(p.decoded, r)
		case c < utf8.RuneSelf:
			end := plainEnd(text, at)
			p.decoded = append(p.decoded, text[at:end]...)
			at = end
		default:
			r, size := utf8.DecodeRuneInString(text[at:])
			p.decoded = utf8.AppendRune(p.decoded, r)
			at += size
		}
	}
	return p.expected(at, "'\"'")
}

// escape reads what follows a backslash, or two escapes that make one
// character.
func (p *parser) escape(at int) (rune, int) {
	c := byte(0)
	if at < len(p.text) {
		c = p.text[at]
	}
	switch c {
	case '"', '\\', '/':
		return rune(c), at + 1
	case 'b':
		return '\b', at + 1
	case 'f':
		return '\f', at + 1
	case 'n':
		return '\n', at + 1
	case 'r':
		return '\r', at + 1
	case 't':
		return '\t', at + 1
	case 'u':
		return p.unicodeEscape(at + 1)
	default:
		return 0, p.expected(at, "one of \"\\/bfnrtu after the backslash")
	}
}

func (p *parser) unicodeEscape(at int) (rune, int) {
	high, ok := p.hex4(at)
	if !ok {
		return 0, p.expected(at, "four hex digits")
	}
	at += 4
	if !utf16.IsSurrogate(high) || !strings.HasPrefix(p.text[at:], `\u`) {
		return high, at // a lone surrogate becomes U+FFFD when it is written
	}
	low, ok := p.hex4(at + 2)
	if !ok {
		return 0, p.expected(at+2, "four hex digits")
	}
	if r := utf16.DecodeRune(high, low); r != utf8.RuneError {
		return r, at + 6
	}
	return high, at // lone; what follows stands for itself
}

func (p *parser) hex4(at int) (rune, bool) {
	if len(p.text)-at < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(p.text[at:at+4], 16, 16)
	return rune(n), err == nil
}

func (p *parser) space(at int) int {
	for at < len(p.text) && isSpace(p.text[at]) {
		at++
	}
	return at
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func isDigit(c byte) bool { return c-'0' <= 9 }
