package outbound

import (
	"html"
	"strconv"
	"strings"
	"unicode/utf16"
)

// reading is a character that stands at some place of a text, and its length
// there: as it is, or as an escape of it.
type reading struct {
	char string // empty for none
	size int
}

// readings returns all that s[i] may begin. Escapes are those of JSON, URLs and
// HTML; what was escaped several times over counts as one.
func readings(s string, i int) (r [4]reading) {
	r[0] = reading{s[i : i+1], 1}
	switch s[i] {
	case '\\':
		r[1], r[2], r[3] = readJSON(s[i:])
	case '%':
		// %25XX escapes XX twice, %2525XX three times.
		for n := 1; n < len(r); n++ {
			skip := 2 * (n - 1)
			if r[n] = readURL(s[i+skip:]); r[n].char == "" {
				break
			}
			r[n].size += skip
			if r[n].char != "%" {
				break
			}
		}
	case '+':
		r[1] = reading{" ", 1}
	case '&':
		r[1] = readHTML(s[i:])
	}
	return r
}

// readJSON reads one escape, and one behind the backslashes that were
// themselves escaped.
func readJSON(s string) (once, twice, more reading) {
	run := 1
	for run < len(s) && s[run] == '\\' {
		run++
	}
	if run == 1 {
		return readEscape(s, 1), reading{}, reading{}
	}
	once = reading{`\`, 2}
	if run >= 4 {
		twice = reading{`\`, 4}
	}
	return once, twice, readEscape(s, run)
}

// readEscape reads what the letter at this index says, with backslashes before it.
func readEscape(s string, at int) reading {
	if at >= len(s) {
		return reading{}
	}
	switch c := s[at]; c {
	case '"', '/', '\'':
		return reading{s[at : at+1], at + 1}
	case 'b', 'f', 'n', 'r', 't':
		i := strings.IndexByte("bfnrt", c)
		return reading{"\b\f\n\r\t"[i : i+1], at + 1}
	case 'u':
		return readUnit(s, at)
	default:
		return reading{}
	}
}

// readUnit reads \uXXXX, two of them if it is half of a pair; the u is at at.
func readUnit(s string, at int) reading {
	unit, ok := hexUnit(s, at+1)
	if !ok {
		return reading{}
	}
	end := at + 5
	if utf16.IsSurrogate(unit) && strings.HasPrefix(s[end:], s[:at+1]) {
		if low, ok := hexUnit(s, end+at+1); ok {
			return reading{string(utf16.DecodeRune(unit, low)), end + at + 5}
		}
	}
	return reading{string(unit), end}
}

func hexUnit(s string, at int) (rune, bool) {
	if at+4 > len(s) {
		return 0, false
	}
	n, err := strconv.ParseUint(s[at:at+4], 16, 16)
	return rune(n), err == nil
}

func readURL(s string) reading {
	if len(s) < 3 || !isHex(s[1]) || !isHex(s[2]) {
		return reading{}
	}
	n, err := strconv.ParseUint(s[1:3], 16, 8)
	if err != nil {
		return reading{}
	}
	return reading{string([]byte{byte(n)}), 3}
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// readHTML reads one character reference; the longest that matter have eight letters.
func readHTML(s string) reading {
	end := strings.IndexByte(s[:min(len(s), 10)], ';')
	if end < 2 {
		return reading{}
	}
	char := html.UnescapeString(s[:end+1])
	if char == s[:end+1] {
		return reading{}
	}
	return reading{char, end + 1}
}
