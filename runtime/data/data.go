// Package data is the plain data that flows see: how it is read from JSON, and
// how it reads as text. It is the same everywhere: in bodies, replies,
// templates, plugins and the journal.
//
// Plain data is nil, bool, string, int, float64, []any and map[string]any, and
// json.Number for a whole number that neither an int nor a float64 can hold:
// such a number goes through a flow digit by digit, but cannot be calculated
// with. A number has one form, whichever way it was written or came about: a
// whole one of 64 bits is an int. So data is the same after a crash, when it
// comes out of the journal.
package data

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// DecodeJSON decodes one JSON document; a byte order mark before it is skipped.
// A number beyond float64 is an error, since it could not be calculated with,
// and no one means it. So is a document that nests deeper than MaxDepth: a
// *DepthError.
func DecodeJSON(doc []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(TrimBOM(doc)))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("empty, expected a JSON document")
		}
		return nil, cmp.Or(deep(doc), err)
	}
	switch _, err := dec.Token(); {
	case err == nil:
		return nil, errors.New("more than one JSON document")
	case !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("after the JSON document: %w", err)
	}
	v, err := plain(v, 0)
	if errors.Is(err, errDeep) {
		err = cmp.Or(deep(doc), err)
	}
	if err != nil {
		return nil, err
	}
	return v, nil
}

// DepthError says that a JSON document nests deeper than MaxDepth.
type DepthError struct {
	Offset int // of the list or object that is one too many
}

func (e *DepthError) Error() string {
	return fmt.Sprintf("nested deeper than %d levels", MaxDepth)
}

// deep returns a *DepthError if a document nests too deep, JSON or not.
func deep(doc []byte) error {
	depth, quoted := 0, false
	for i := 0; i < len(doc); i++ {
		switch c := doc[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{', c == '[':
			if depth++; depth > MaxDepth {
				return &DepthError{i}
			}
		case c == '}', c == ']':
			depth--
		}
	}
	return nil
}

// errDeep is of plain, which does not know the document.
var errDeep = errors.New("too deep")

// TrimBOM returns a document without the byte order mark that some programs
// put before it.
func TrimBOM(doc []byte) []byte { return bytes.TrimPrefix(doc, []byte("\uFEFF")) }

// Plain gives the numbers inside v their one form, in place where v is a map
// or a slice, however deep. v is what encoding/json made, with or without
// UseNumber.
func Plain(v any) any {
	v, _ = plain(v, 0)
	return v
}

// plain returns the first error, and does what it can nevertheless.
func plain(v any, depth int) (any, error) {
	var first error
	keep := func(e any, err error) any {
		first = cmp.Or(first, err)
		return e
	}
	switch v := v.(type) {
	case map[string]any:
		if depth++; depth > MaxDepth {
			first = errDeep
		}
		for k, e := range v {
			v[k] = keep(plain(e, depth))
		}
	case []any:
		if depth++; depth > MaxDepth {
			first = errDeep
		}
		for i, e := range v {
			v[i] = keep(plain(e, depth))
		}
	case json.Number:
		return Number(v.String())
	case float64:
		return Float(v), nil
	}
	return v, first
}

// Number returns the number that text, a JSON number, stands for. Whole ones
// are exact.
func Number(text string) (any, error) {
	if i, err := strconv.Atoi(text); err == nil {
		return i, nil
	}
	digits := text
	if before, after, cut := strings.Cut(text, "."); cut && strings.Trim(after, "0") == "" {
		digits = before
		if i, err := strconv.Atoi(digits); err == nil {
			return i, nil
		}
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil:
		if len(text) > 40 {
			text = text[:40] + "…" // all digits, an e or a sign: no rune is cut
		}
		return nil, fmt.Errorf("number %s is out of range", text)
	case strings.Trim(digits, "-0123456789") != "":
		return Float(f), nil
	case string(AppendFloat(nil, f)) != digits:
		return json.Number(digits), nil
	}
	return f, nil
}

// exact is up to where each whole number is a float64.
const exact = 1 << 53

// Float returns the number in its one form.
func Float(f float64) any {
	switch size := math.Abs(f); {
	case f != math.Trunc(f):
		return f
	case size < exact:
		return int(f)
	case size <= math.MaxInt64:
		if i, err := strconv.Atoi(string(AppendFloat(nil, f))); err == nil {
			return i
		}
	}
	return f
}

// AppendFloat writes a number as JSON does: without an exponent up to 21
// digits. f is finite.
func AppendFloat(b []byte, f float64) []byte {
	if size := math.Abs(f); f == 0 || 1e-6 <= size && size < 1e21 {
		return strconv.AppendFloat(b, f, 'f', -1, 64)
	}
	b = strconv.AppendFloat(b, f, 'e', -1, 64)
	if n := len(b); b[n-4] == 'e' && b[n-2] == '0' { // e-07 is e-7
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	return b
}

// ErrNil is the error of what has no text.
var ErrNil = errors.New(`it is nil, which has no text; give a default with ?? "…"`)

// Text is how a value reads as text, wherever it stands in one: a text as it
// is, a number as JSON has it, lists and objects as JSON. nil is ErrNil. A list
// or object whose text would be larger than MaxText is a *BoundError.
func Text(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", ErrNil
	case string:
		return v, nil
	case int:
		return strconv.Itoa(v), nil
	case bool:
		return strconv.FormatBool(v), nil
	case json.Number:
		return v.String(), nil
	default:
		if _, err := Measure(v, MaxText); err != nil {
			return "", err
		}
		b, err := JSON(v)
		return string(b), err
	}
}
