package pluginhost

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/wendflow/wend/runtime/data"
)

// decodeJSON reads one JSON document, which is valid UTF-8, as data.DecodeJSON
// does. It is our own because it is on the way
// of every invoke, where encoding/json takes as long as the guest itself.
func decodeJSON(doc string) (any, error) {
	d := &jsonDecoder{text: doc}
	v, err := d.value()
	if err == nil {
		if d.space(); d.at < len(d.text) {
			err = d.expected("the end of the document")
		}
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

type jsonDecoder struct {
	text  string
	at    int
	depth int
}

func (d *jsonDecoder) expected(what string) error {
	if d.at >= len(d.text) {
		return fmt.Errorf("it ends at byte %d, expected %s", d.at, what)
	}
	return fmt.Errorf("%q at byte %d, expected %s", d.text[d.at], d.at, what)
}

func (d *jsonDecoder) space() {
	for d.at < len(d.text) {
		switch d.text[d.at] {
		case ' ', '\t', '\n', '\r':
			d.at++
		default:
			return
		}
	}
}

// skip steps over c if it comes next.
func (d *jsonDecoder) skip(c byte) bool {
	if d.at < len(d.text) && d.text[d.at] == c {
		d.at++
		return true
	}
	return false
}

func (d *jsonDecoder) word(w string) bool {
	if strings.HasPrefix(d.text[d.at:], w) {
		d.at += len(w)
		return true
	}
	return false
}

func (d *jsonDecoder) value() (any, error) {
	d.space()
	if d.at >= len(d.text) {
		return nil, d.expected("a value")
	}
	switch c := d.text[d.at]; {
	case c == '"':
		return d.string()
	case c == '{':
		return d.object()
	case c == '[':
		return d.array()
	case c == '-' || isDigit(c):
		return d.number()
	case d.word("true"):
		return true, nil
	case d.word("false"):
		return false, nil
	case d.word("null"):
		return nil, nil
	default:
		return nil, d.expected("a value")
	}
}

func (d *jsonDecoder) object() (any, error) {
	object := map[string]any{}
	err := d.members('}', func() error {
		if d.at >= len(d.text) || d.text[d.at] != '"' {
			return d.expected("a name in quotes")
		}
		name, err := d.string()
		if err != nil {
			return err
		}
		if d.space(); !d.skip(':') {
			return d.expected(`":"`)
		}
		object[name], err = d.value()
		return err
	})
	return object, err
}

func (d *jsonDecoder) array() (any, error) {
	array := []any{}
	err := d.members(']', func() error {
		v, err := d.value()
		array = append(array, v)
		return err
	})
	return array, err
}

// members reads what stands between brackets, with commas between.
func (d *jsonDecoder) members(end byte, read func() error) error {
	if d.depth++; d.depth > data.MaxDepth {
		return fmt.Errorf("nested deeper than %d levels", data.MaxDepth)
	}
	defer func() { d.depth-- }()
	d.at++
	if d.space(); d.skip(end) {
		return nil
	}
	for {
		d.space()
		if err := read(); err != nil {
			return err
		}
		if d.space(); d.skip(end) {
			return nil
		}
		if !d.skip(',') {
			return d.expected(fmt.Sprintf("\",\" or %q", end))
		}
	}
}

// number reads a number; one too large for a float64 is an error.
func (d *jsonDecoder) number() (any, error) {
	start := d.at
	d.skip('-')
	whole := true
	if !d.skip('0') && !d.digits() {
		return nil, d.expected("a digit")
	}
	if d.skip('.') {
		whole = false
		if !d.digits() {
			return nil, d.expected("a digit")
		}
	}
	if d.skip('e') || d.skip('E') {
		whole = false
		if !d.skip('+') {
			d.skip('-')
		}
		if !d.digits() {
			return nil, d.expected("a digit")
		}
	}
	text := d.text[start:d.at]
	if whole {
		if n, err := strconv.Atoi(text); err == nil {
			return n, nil
		}
	}
	v, err := data.Number(text)
	if err != nil {
		return nil, fmt.Errorf("byte %d: %w", start, err)
	}
	return v, nil
}

func (d *jsonDecoder) digits() bool {
	start := d.at
	for d.at < len(d.text) && isDigit(d.text[d.at]) {
		d.at++
	}
	return d.at > start
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// string reads a string in quotes. One without escapes is a part of the
// document and costs no copy.
func (d *jsonDecoder) string() (string, error) {
	d.at++
	start := d.at
	for ; d.at < len(d.text); d.at++ {
		switch c := d.text[d.at]; {
		case c == '"':
			d.at++
			return d.text[start : d.at-1], nil
		case c == '\\':
			return d.escaped(start)
		case c < ' ':
			return "", d.expected("no control character inside a string")
		}
	}
	return "", d.expected(`'"'`)
}

// escaped reads the rest of a string that begins at start and has an escape.
func (d *jsonDecoder) escaped(start int) (string, error) {
	b := append(make([]byte, 0, 2*(d.at-start)+64), d.text[start:d.at]...)
	for d.at < len(d.text) {
		switch c := d.text[d.at]; {
		case c == '"':
			d.at++
			return string(b), nil
		case c == '\\':
			r, err := d.escape()
			if err != nil {
				return "", err
			}
			b = utf8.AppendRune(b, r)
		case c < ' ':
			return "", d.expected("no control character inside a string")
		default:
			b = append(b, c)
			d.at++
		}
	}
	return "", d.expected(`'"'`)
}

var escapes = map[byte]rune{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

func (d *jsonDecoder) escape() (rune, error) {
	d.at++
	if d.skip('u') {
		r, ok := d.hex()
		if !ok {
			return 0, d.expected("four hex digits")
		}
		if utf16.IsSurrogate(r) {
			return d.surrogate(r), nil
		}
		return r, nil
	}
	if d.at < len(d.text) {
		if r, ok := escapes[d.text[d.at]]; ok {
			d.at++
			return r, nil
		}
	}
	return 0, d.expected("an escape")
}

// surrogate reads the second half of a pair. A half alone is U+FFFD.
func (d *jsonDecoder) surrogate(high rune) rune {
	before := d.at
	if d.word(`\u`) {
		if low, ok := d.hex(); ok {
			if r := utf16.DecodeRune(high, low); r != utf8.RuneError {
				return r
			}
		}
	}
	d.at = before
	return utf8.RuneError
}

func (d *jsonDecoder) hex() (rune, bool) {
	if len(d.text)-d.at < 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(d.text[d.at:d.at+4], 16, 32)
	if err != nil || d.text[d.at] == '+' {
		return 0, false
	}
	d.at += 4
	return rune(n), true
}
