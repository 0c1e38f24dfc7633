package lsp

import (
	"strings"
)

// place is what the cursor means by where it stands: it is found from the text
// above it alone, since a file that somebody is writing is rarely YAML.
type place struct {
	path []string // keys from the top down to the mapping or value at the cursor
	// key tells that a key is being written, in the mapping at path. Else it is
	// the value of the last key of path.
	key bool
	// template tells that the cursor stands in an expression, of which expr is
	// what stands before the cursor.
	template bool
	expr     string
	typed    string // of the word that is being written, before the cursor
}

// level is a key that is open above the cursor, by its column.
type level struct {
	column int
	key    string
}

// placeAt finds what the cursor behind these bytes means.
func (d *document) placeAt(at int) place {
	at = min(max(at, 0), len(d.text))
	line := d.position(at).Line
	var open []level
	for n := range int(line) {
		open = enter(open, d.line(n))
	}
	current := d.text[d.starts[line]:at]
	column, rest := indent(current)
	for len(open) > 0 && open[len(open)-1].column >= column {
		open = open[:len(open)-1]
	}
	p := place{}
	for _, l := range open {
		p.path = append(p.path, l.key)
	}
	key, value, isKey := cutKey(rest)
	if !isKey {
		p.key, p.typed = true, rest
		p.expression(rest)
		return p
	}
	p.path = append(p.path, key)
	p.value(value)
	return p
}

// enter follows a line above the cursor: what it opens, and what it is behind.
func enter(open []level, line string) []level {
	column, rest := indent(line)
	if rest == "" || rest[0] == '#' {
		return open
	}
	for len(open) > 0 && open[len(open)-1].column >= column {
		open = open[:len(open)-1]
	}
	if key, _, ok := cutKey(rest); ok {
		open = append(open, level{column, key})
	}
	return open
}

// indent is how far a line is indented, with the dashes of lists, and the rest.
func indent(line string) (column int, rest string) {
	for {
		rest = strings.TrimLeft(line[column:], " ")
		column = len(line) - len(rest)
		if !strings.HasPrefix(rest, "- ") {
			return column, rest
		}
		column += 2
	}
}

// cutKey parts "key: value". A key in quotes is taken as it is.
func cutKey(text string) (key, value string, ok bool) {
	key, value, ok = strings.Cut(text, ":")
	key = strings.Trim(strings.TrimSpace(key), `"'`)
	if !ok || key == "" || value != "" && value[0] != ' ' || strings.ContainsAny(key, "{}[]#, ") || strings.Contains(key, "$(") {
		return "", "", false
	}
	return key, strings.TrimLeft(value, " "), true
}

// value goes into the value of a key: into mappings and lists in one line, as far
// as the cursor.
func (p *place) value(text string) {
	p.typed = text
	if p.expression(text) || text == "" || text[0] != '{' && text[0] != '[' {
		p.typed = strings.TrimLeft(p.typed, `"'`)
		return
	}
	base := len(p.path)
	var depths []int // of the path, at each bracket that is open
	var list []bool
	begin, key := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"', '\'':
			if end := strings.IndexByte(text[i+1:], c); end >= 0 {
				i += end + 1
			}
		case '{', '[':
			depths, list = append(depths, len(p.path)), append(list, c == '[')
			begin, key = i+1, c == '{'
		case '}', ']':
			if len(depths) == 0 {
				continue
			}
			p.path = p.path[:max(depths[len(depths)-1], base)]
			depths, list = depths[:len(depths)-1], list[:len(list)-1]
			begin, key = i+1, false
		case ',':
			if len(depths) > 0 {
				p.path = p.path[:depths[len(depths)-1]]
				begin, key = i+1, !list[len(list)-1]
			}
		case ':':
			if key && i+1 < len(text) && text[i+1] == ' ' {
				p.path = append(p.path, strings.Trim(strings.TrimSpace(text[begin:i]), `"'`))
				begin, key = i+1, false
			}
		}
	}
	p.key, p.typed = key, strings.TrimLeft(text[begin:], ` "'`)
}

// expression tells whether the text ends inside of a template, or is a condition.
func (p *place) expression(text string) bool {
	bare := len(p.path) > 0 && p.path[len(p.path)-1] == "when" && !p.key
	open, quote := -1, byte(0)
	depth := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case open >= 0 && (c == '"' || c == '\''):
			quote = c
		case strings.HasPrefix(text[i:], "$$("):
			i += 2
		case open < 0 && strings.HasPrefix(text[i:], "$("):
			open, depth = i+2, 1
			i++
		case open >= 0 && c == '(':
			depth++
		case open >= 0 && c == ')':
			if depth--; depth == 0 {
				open = -1
			}
		}
	}
	switch {
	case open >= 0 && quote == 0:
		p.template, p.expr = true, text[open:]
	case bare && !strings.Contains(text, "$("):
		p.template, p.expr = true, strings.TrimLeft(text, `"'`)
	default:
		return false
	}
	p.key = false
	p.typed = tail(p.expr)
	return true
}

// tail is the chain of names that an expression ends with: "n2.sms.send".
func tail(expr string) string {
	at := len(expr)
	for at > 0 && (inName(expr[at-1]) || strings.IndexByte(".?", expr[at-1]) >= 0) {
		at--
	}
	return expr[at:]
}
