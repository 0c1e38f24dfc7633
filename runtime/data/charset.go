package data

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// charsets are those in which texts come from outside. As in browsers, what is
// said to be ISO 8859-1 is read as Windows-1252, which is what its senders mean.
var charsets = map[string]encoding.Encoding{
	"iso-8859-1": charmap.Windows1252, "latin1": charmap.Windows1252, "windows-1252": charmap.Windows1252, "cp1252": charmap.Windows1252,
	"iso-8859-15": charmap.ISO8859_15,
	"utf-16":      unicode.UTF16(unicode.BigEndian, unicode.UseBOM),
	"utf-16le":    unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	"utf-16be":    unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
}

// Charsets are the names of the charsets that DecodeText reads, for people.
const Charsets = "utf-8, us-ascii, iso-8859-1, iso-8859-15, windows-1252, utf-16"

// KnowsCharset tells whether DecodeText reads texts of a charset.
func KnowsCharset(name string) bool {
	name = strings.ToLower(name)
	return isUTF8(name) || charsets[name] != nil
}

func isUTF8(name string) bool {
	switch name {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return true
	default:
		return false
	}
}

// DecodeText returns a text in UTF-8, without its byte order mark. Without a
// charset it is in UTF-8. The error is a *TextError if the text is not in the
// charset that it is said to be in.
func DecodeText(raw []byte, charset string) ([]byte, error) {
	name := strings.ToLower(charset)
	if !isUTF8(name) {
		known := charsets[name]
		if known == nil {
			return nil, fmt.Errorf("charset %q: expected one of %s", charset, Charsets)
		}
		text, err := known.NewDecoder().Bytes(raw)
		if err != nil || bytes.ContainsRune(text, utf8.RuneError) {
			return nil, &TextError{Charset: name, Offset: -1}
		}
		return TrimBOM(text), nil
	}
	raw = TrimBOM(raw)
	if at := invalidUTF8(raw); at >= 0 {
		return nil, &TextError{Charset: "utf-8", Offset: at}
	}
	return raw, nil
}

// TextError says that a text is not in the charset that it is said to be in.
type TextError struct {
	Charset string
	Offset  int // of the first byte that is not, behind a byte order mark; -1 if that is not known
}

func (e *TextError) Error() string { return "it is not " + strings.ToUpper(e.Charset) }

// invalidUTF8 returns the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(raw []byte) int {
	if utf8.Valid(raw) {
		return -1
	}
	for i := 0; ; {
		r, size := utf8.DecodeRune(raw[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
}
