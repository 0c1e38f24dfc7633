package yamldoc

import "strings"

// Piece is a stretch of a text: literal words, or one template.
type Piece struct {
	Template bool
	Text     string // literal with $$( written $(, or what stands between $( and )
	Offset   int    // of Text in the Value; of a literal's first byte
}

// Pieces cuts the text at its templates. $$( is a literal $(; parentheses and
// quotes inside a template nest. Open is the offset of a $( that is never
// closed, or -1; the pieces then end before it.
func (t Text) Pieces() (pieces []Piece, open int) {
	var literal strings.Builder
	start, rest := 0, 0
	flush := func(end int) {
		if literal.WriteString(t.Value[rest:end]); literal.Len() > 0 {
			pieces = append(pieces, Piece{Text: literal.String(), Offset: start})
			literal.Reset()
		}
	}
	for i := 0; i < len(t.Value); {
		switch {
		case strings.HasPrefix(t.Value[i:], "$$("):
			literal.WriteString(t.Value[rest:i] + "$(")
			i += len("$$(")
			rest = i
		case strings.HasPrefix(t.Value[i:], "$("):
			end := closing(t.Value, i+len("$("))
			flush(i)
			if end < 0 {
				return pieces, i
			}
			pieces = append(pieces, Piece{Template: true, Text: t.Value[i+len("$(") : end], Offset: i + len("$(")})
			i = end + 1
			start, rest = i, i
		default:
			i++
		}
	}
	flush(len(t.Value))
	return pieces, -1
}

// closing returns the offset of the parenthesis that ends the template whose
// expression begins at i, or -1.
func closing(s string, i int) int {
	for depth := 1; i < len(s); i++ {
		switch c := s[i]; c {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		case '"', '\'', '`':
			if i = quoteEnd(s, i); i < 0 {
				return -1
			}
		}
	}
	return -1
}

// quoteEnd returns the offset of the quote that closes the one at i, or -1.
// Backquotes know no escapes but a doubled backquote, which needs no care here:
// it reads as the end of one string and the beginning of the next.
func quoteEnd(s string, i int) int {
	quote := s[i]
	for i++; i < len(s); i++ {
		switch {
		case s[i] == quote:
			return i
		case s[i] == '\\' && quote != '`':
			i++
		}
	}
	return -1
}
