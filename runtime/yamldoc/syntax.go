package yamldoc

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/wendflow/wend/runtime/diag"
)

// characters reports characters that YAML refuses, and those that it counts as
// line ends while editors do not.
func (p *parser) characters() bool {
	for i, r := range p.src.text {
		var what string
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(p.src.text[i:], "\ufffd"):
			what = "a byte that is not UTF-8"
		case r == '\r' && !strings.HasPrefix(p.src.text[i:], "\r\n"):
			what = "a carriage return without a line feed"
		case r == 0x85 || r == 0x2028 || r == 0x2029:
			what = fmt.Sprintf("the invisible line separator %U", r)
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r >= 0x7f && r < 0xa0, r == 0xfeff, r == 0xfffe, r == 0xffff:
			what = fmt.Sprintf("the control character %U", r)
		default:
			continue
		}
		mistake := p.list.Errorf(p.src.pos(i), diag.YAMLCharacter, "the file holds %s", what)
		mistake.Hint = "remove it, or write it as an escape such as \"\\u2028\" in double quotes"
		return false
	}
	return true
}

// syntaxError reports what is wrong with a file that is not YAML: a known trap
// if one explains it, else the library's finding in our words.
func (p *parser) syntaxError(err error) {
	msg := strings.TrimPrefix(err.Error(), "yaml: ")
	line := p.errorLine()
	if m := regexp.MustCompile(`unknown anchor '(.*)' referenced`).FindStringSubmatch(msg); m != nil {
		i := strings.Index(p.src.text, "*"+m[1])
		p.list.Errorf(p.src.pos(i), diag.YAMLAnchor, "aliases are not supported").Hint = `put a value that begins with "*" in quotes`
		return
	}
	for _, n := range []int{line, line - 1, line + 1} {
		if p.tab(n) || p.template(n) || p.star(n, msg) || p.reservedStart(n, msg) {
			return
		}
	}
	msg = lineNumber.ReplaceAllString(msg, "")
	pos := p.lineStart(line)
	if p.special(line, msg) {
		return
	}
	switch {
	case strings.Contains(msg, "mapping values are not allowed"):
		p.secondColon(line, pos)
	case strings.Contains(msg, "unexpected end of stream"):
		p.unclosedQuote()
	case strings.Contains(msg, "did not find expected ',' or"):
		mistake := p.list.Errorf(pos, diag.InvalidYAML, `expected "," or the closing bracket here or before`)
		mistake.Hint = "in { } and [ ] style put values with , [ ] { } or ? in quotes"
	case strings.Contains(msg, "did not find expected node content"):
		mistake := p.list.Errorf(pos, diag.InvalidYAML, "expected a value here or before")
		mistake.Hint = `close each "[" and "{", and put a value that begins with "]", "}" or "," in quotes`
	case strings.Contains(msg, "did not find expected key"), strings.Contains(msg, "did not find expected '-' indicator"):
		mistake := p.list.Errorf(pos, diag.InvalidYAML, "this line does not continue what stands above it")
		mistake.Hint = "check its indentation, and the quotes and brackets before it"
		if columns := p.columnsAbove(pos); len(columns) > 0 {
			mistake.Hint = fmt.Sprintf("begin it in column %s, as the lines above do, and check the quotes and brackets before it", columns)
		}
	case strings.Contains(msg, "unknown escape character"):
		p.list.Errorf(pos, diag.InvalidYAML, "unknown escape in double quotes").Hint = `write "\\" for a backslash, or use single quotes`
	case strings.Contains(msg, "could not find expected ':'"):
		p.list.Errorf(pos, diag.InvalidYAML, `expected a key followed by ":"`)
	default:
		p.list.Errorf(pos, diag.InvalidYAML, "not YAML: %s", msg)
	}
}

var lineNumber = regexp.MustCompile(`^line [0-9]+: `)

// errorLine finds the line of a syntax error. The library names the line where
// the surrounding construct began, or none; how far it had read is nearer to
// the truth, when it is fed byte by byte.
func (p *parser) errorLine() int {
	r := &byteReader{text: p.src.text}
	dec := yaml.NewDecoder(r)
	for {
		var n yaml.Node
		if err := decode(dec, &n); err != nil {
			break
		}
	}
	read := strings.TrimRight(p.src.text[:r.read], " \t\r\n")
	return p.src.pos(len(read)).Line
}

// byteReader hands out one byte at a time and counts them.
type byteReader struct {
	text string
	read int
}

func (r *byteReader) Read(b []byte) (int, error) {
	if r.read >= len(r.text) {
		return 0, io.EOF
	}
	if len(b) == 0 {
		return 0, nil
	}
	b[0] = r.text[r.read]
	r.read++
	return 1, nil
}

func (p *parser) lineStart(n int) diag.Pos {
	line := p.src.line(n)
	return p.src.pos(p.src.offset(n, 1) + len(line) - len(strings.TrimLeft(line, " \t")))
}

func (p *parser) at(line, i int) diag.Pos { return p.src.pos(p.src.offset(line, 1) + i) }

// tab reports a tab in the indentation of a line.
func (p *parser) tab(n int) bool {
	line := p.src.line(n)
	i := strings.IndexByte(line, '\t')
	if i < 0 || strings.TrimLeft(line[:i], " ") != "" || strings.TrimSpace(line) == "" {
		return false
	}
	p.list.Errorf(p.at(n, i), diag.YAMLTab, "a tab cannot indent YAML").Hint = "use spaces"
	return true
}

// star reports a value such as */5 or * that YAML takes for an alias without a
// name.
func (p *parser) star(n int, msg string) bool {
	if !strings.Contains(msg, "expected alphabetic or numeric character") {
		return false
	}
	at := starValue.FindStringIndex(p.src.line(n))
	if at == nil {
		return false
	}
	p.list.Errorf(p.at(n, at[1]-1), diag.YAMLAnchor, `"*" begins an alias in YAML, and aliases are not supported`).Hint = `put a value that begins with "*" in quotes`
	return true
}

var starValue = regexp.MustCompile(`(?:[:,[?]|^[ \t]*-)[ \t]+\*`)

// template reports an unquoted template on a line that holds what YAML reads
// as its own punctuation.
func (p *parser) template(n int) bool {
	line := p.src.line(n)
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '"' || line[i] == '\'':
			if i = quoteEnd(line, i); i < 0 {
				return false
			}
		case strings.HasPrefix(line[i:], "$("):
			end := closing(line, i+2)
			if end < 0 {
				end = len(line)
			}
			if p.punctuation(n, i, end, inBrackets(line[:i])) {
				return true
			}
			i = end
		}
	}
	return false
}

func (p *parser) punctuation(n, start, end int, flow bool) bool {
	inside := p.src.line(n)[start:end]
	if flow {
		if i := strings.IndexAny(inside, ",?[]{}"); i >= 0 {
			mistake := p.list.Errorf(p.at(n, start+i), diag.YAMLComma, "%q ends an unquoted value in { } and [ ] style", inside[i:i+1])
			mistake.Hint = "put the whole template in quotes"
			return true
		}
	}
	if i := strings.Index(inside+" ", ": "); i >= 0 {
		e := p.list.Errorf(p.at(n, start+i), diag.YAMLColon, `YAML reads a key before ": ", even inside a template`)
		e.Hint = "put the whole value in quotes"
		if strings.Contains(inside, "?") && !flow {
			e.Hint += ", or write $(if x { a } else { b })"
		}
		return true
	}
	if i := strings.Index(inside, " #"); i >= 0 {
		mistake := p.list.Errorf(p.at(n, start+i+1), diag.YAMLComment, `" #" begins a comment and cuts the template short`)
		mistake.Hint = "put the whole value in quotes"
		return true
	}
	return false
}

// inBrackets tells whether a { or [ before the end of s is still open.
func inBrackets(s string) bool {
	open := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '{', '[':
			open++
		case '}', ']':
			open--
		case '"', '\'':
			end := quoteEnd(s, i)
			if end < 0 {
				return open > 0
			}
			i = end
		}
	}
	return open > 0
}

var reservedValue = regexp.MustCompile("(?:: |- |^ *)([@`%])")

// reservedStart reports a value that begins with a character YAML reserves.
func (p *parser) reservedStart(n int, msg string) bool {
	if !strings.Contains(msg, "cannot start any token") {
		return false
	}
	m := reservedValue.FindStringSubmatchIndex(p.src.line(n))
	if m == nil {
		return false
	}
	mistake := p.list.Errorf(p.at(n, m[2]), diag.InvalidYAML, "an unquoted value cannot begin with %q", p.src.line(n)[m[2]:m[3]])
	mistake.Hint = "put the value in quotes"
	return true
}

// secondColon explains "mapping values are not allowed": two keys on a line, or
// a line that is deeper than it may be.
func (p *parser) secondColon(n int, start diag.Pos) {
	line := p.src.line(n)
	if above, ok := p.deeperThan(n); ok {
		mistake := p.list.Errorf(start, diag.InvalidYAML, "a key cannot begin here: %q above has a value already, and this line is indented deeper", above.key)
		mistake.Hint = fmt.Sprintf("begin it in column %d, as %q does", above.col, above.key)
		return
	}
	first := strings.Index(line+" ", ": ")
	if second := strings.LastIndex(line+" ", ": "); second > first {
		p.list.Errorf(p.at(n, second), diag.YAMLColon, `YAML reads a key before ": "`).Hint = "put the whole value in quotes"
		return
	}
	p.list.Errorf(start, diag.InvalidYAML, "a key cannot begin here: the line above has a value already").Hint = "check the indentation"
}

var (
	directive   = regexp.MustCompile(`(?m)^%YAML[ \t].*`)
	anchorValue = regexp.MustCompile(`(?:[:,[{]|^[ \t]*-)[ \t]+&(?:[ \t]|$)`)
	blockInFlow = regexp.MustCompile(`[:,[{][ \t]+([|>])`)
	noBlank     = regexp.MustCompile(`^[ \t]*(?:- )?([A-Za-z_][\w-]*):([^\s:/].*)$`)
)

// special reports what the library says in words that nobody knows.
func (p *parser) special(n int, msg string) bool {
	line := p.src.line(n)
	report := func(pos diag.Pos, code diag.Code, hint, format string, a ...any) bool {
		p.list.Errorf(pos, code, format, a...).Hint = hint
		return true
	}
	switch {
	case strings.Contains(msg, "incompatible YAML document"):
		at := directive.FindStringIndex(p.src.text)
		if at == nil {
			return false
		}
		return report(p.src.pos(at[0]), diag.InvalidYAML, "leave the line out, and the --- below it", "%q is a version of YAML that is not understood, only 1.1 is", p.src.text[at[0]:at[1]])
	case strings.Contains(msg, "expected alphabetic or numeric character") && anchorValue.MatchString(line):
		at := anchorValue.FindStringIndex(line)
		return report(p.at(n, at[0]+strings.IndexByte(line[at[0]:], '&')), diag.YAMLAnchor, `put a value that begins with "&" in quotes`, `"&" begins an anchor in YAML`)
	case strings.Contains(msg, "cannot start any token") && blockInFlow.MatchString(line):
		at := blockInFlow.FindStringSubmatchIndex(line)
		return report(p.at(n, at[2]), diag.InvalidYAML, "a value that begins so needs quotes", "an unquoted value in { } and [ ] cannot begin with %q, which begins a text on lines of its own", line[at[2]:at[3]])
	case strings.Contains(msg, "expected <document start>"):
		return report(p.lineStart(n), diag.YAMLDocuments, "leave the line ... out", "the document has ended above, at a line ..., and more stands behind it")
	case strings.Contains(msg, "mapping values are not allowed"), strings.Contains(msg, "could not find expected ':'"):
		for n--; n > 0 && strings.TrimSpace(p.src.line(n)) == ""; n-- {
		}
		m := noBlank.FindStringSubmatchIndex(p.src.line(n))
		if m == nil {
			return false
		}
		above := p.src.line(n)
		return report(p.at(n, m[2]), diag.InvalidYAML, fmt.Sprintf("write %q", above[m[2]:m[3]]+": "+above[m[4]:m[5]]), "a colon has a blank behind it in YAML: this line is a text, and no key")
	}
	return false
}

// keyed is a line that begins with a key.
type keyed struct {
	key string
	col int
}

var (
	beginsKey  = regexp.MustCompile(`^( *(?:- +)*)([A-Za-z_"'][\w ."'@/-]*):(?: +(.*))?$`)
	startsMore = regexp.MustCompile(`^(?:[|>&*!#\[{"'].*)?$`)
)

// deeperThan tells of a line with a key that stands deeper than the line before
// it, though that has a value of one line.
func (p *parser) deeperThan(n int) (above keyed, ok bool) {
	this := beginsKey.FindStringSubmatch(strings.TrimRight(p.src.line(n), " "))
	if this == nil {
		return keyed{}, false
	}
	for n--; n > 0 && strings.TrimSpace(p.src.line(n)) == ""; n-- {
	}
	before := beginsKey.FindStringSubmatch(strings.TrimRight(p.src.line(n), " "))
	if before == nil || startsMore.MatchString(before[3]) || len(this[1]) <= len(before[1]) {
		return keyed{}, false
	}
	return keyed{key: strings.Trim(before[2], `"'`), col: len(before[1]) + 1}, true
}

// columnsAbove are those in which the line at pos could begin: of the lines that
// it may go on, the nearest above that are indented less and deeper.
func (p *parser) columnsAbove(pos diag.Pos) string {
	var less, deeper int
	for n := pos.Line - 1; n > 0 && less == 0; n-- {
		line := p.src.line(n)
		content := strings.TrimLeft(line, " ")
		if content == "" || content[0] == '#' || !beginsKey.MatchString(strings.TrimRight(line, " ")) {
			continue
		}
		switch col := len(line) - len(content) + 1; {
		case col == pos.Col:
			return ""
		case col < pos.Col:
			less = col
		default:
			deeper = col
		}
	}
	switch {
	case less == 0 || deeper == 0:
		return ""
	default:
		return fmt.Sprintf("%d or %d", less, deeper)
	}
}

// unclosedQuote finds the line where the quote opens: the file up to that line
// still parses. It gives up on big files.
func (p *parser) unclosedQuote() {
	const tries, size = 200, 64 << 10
	lines := len(p.src.lines)
	for n := lines; n >= 1 && n > lines-tries && len(p.src.text) <= size; n-- {
		var doc yaml.Node
		before := p.src.text[:p.src.lines[n-1]]
		err := decode(yaml.NewDecoder(strings.NewReader(before)), &doc)
		if err == nil || errors.Is(err, io.EOF) {
			quote := max(strings.IndexAny(p.src.line(n), `"'`), 0)
			p.list.Errorf(p.at(n, quote), diag.InvalidYAML, "a quote opens here and is never closed")
			return
		}
	}
	p.list.Errorf(p.src.pos(len(p.src.text)), diag.InvalidYAML, "the file ends within quotes that were opened further up")
}
