package yamldoc

import (
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// tokenKind is one of these, or for a sign of YAML its character.
type tokenKind byte

const (
	scalarToken  tokenKind = 's' // on one line or more, with its quotes
	blockToken   tokenKind = '|' // a block scalar of either kind
	commentToken tokenKind = '#'
	anchorToken  tokenKind = '&'
	aliasToken   tokenKind = '*'
	markerToken  tokenKind = '%' // between documents, or a directive
)

// token is a piece of a file in block or flow style.
type token struct {
	kind   tokenKind
	text   string
	breaks int // line breaks before it
	col    int // bytes before it on its line
	column int // characters before it, for comments only

	// Of a block scalar text is the indicator. Its lines come without their
	// indent.
	comment string // behind the indicator
	body    []string
}

// opens tells whether the token is the first of its line.
func (t token) opens() bool { return t.breaks > 0 }

// tokens cuts the file, which is YAML without tags, into pieces. Where scalars
// begin, and where plain ones end, the library has found out.
func (d *Document) tokens() []token {
	scalars := map[int]*yaml.Node{}
	for _, n := range d.nodes {
		d.scalarsOf(n, scalars)
	}
	src := d.src.text
	var tokens []token
	line, breaks := 0, 1
	for i := 0; i < len(src); {
		switch src[i] {
		case '\n':
			breaks++
			i++
			line = i
			continue
		case ' ', '\t':
			i++
			continue
		}
		t := token{kind: tokenKind(src[i]), breaks: breaks, col: i - line}
		end := i + 1
		breaks = 0
		switch scalar := scalars[i]; {
		case scalar != nil && scalar.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
			t.kind = blockToken
			end = t.readBlock(src, i, scalar.Value)
			if strings.HasSuffix(src[:end], "\n") {
				breaks = 1
			}
		case scalar != nil:
			t.kind = scalarToken
			end = d.scalarEnd(scalar, i)
		case src[i] == '#':
			end = lineEnd(src, i)
			t.column = utf8.RuneCountInString(src[line:i])
		case src[i] == '&', src[i] == '*':
			end = i + strings.IndexAny(src[i:]+"\n", " \t\n,[]{}")
		case i == line && src[i] == '%':
			end = lineEnd(src, i)
		case i == line && (strings.HasPrefix(src[i:], "---") || strings.HasPrefix(src[i:], "...")):
			t.kind = markerToken
			end = i + len("---")
		}
		if t.kind != blockToken {
			t.text = strings.TrimRight(src[i:end], " \t")
		}
		tokens = append(tokens, t)
		if n := strings.LastIndexByte(src[i:end], '\n'); n >= 0 {
			line = i + n + 1
		}
		i = end
	}
	return tokens
}

// scalarsOf finds where the scalars in n begin, behind their anchors.
func (d *Document) scalarsOf(n *yaml.Node, scalars map[int]*yaml.Node) {
	if n.Kind == yaml.ScalarNode && (n.Value != "" || n.Style != 0) {
		start := d.src.offset(n.Line, n.Column)
		if n.Anchor != "" {
			rest := strings.TrimPrefix(d.src.text[start:], "&"+n.Anchor)
			start = len(d.src.text) - len(strings.TrimLeft(rest, " \t\n"))
		}
		scalars[start] = n
	}
	for _, child := range n.Content {
		d.scalarsOf(child, scalars)
	}
}

// scalarEnd returns the offset behind a scalar in flow style that begins at
// start.
func (d *Document) scalarEnd(n *yaml.Node, start int) int {
	src := d.src.text
	switch quote := src[start]; {
	case n.Style&yaml.DoubleQuotedStyle != 0 && quote == '"':
		for i := start + 1; i < len(src); i++ {
			switch src[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			}
		}
	case n.Style&yaml.SingleQuotedStyle != 0 && quote == '\'':
		for i := start + 1; i < len(src); i++ {
			switch {
			case strings.HasPrefix(src[i:], "''"):
				i++
			case src[i] == '\'':
				return i + 1
			}
		}
	default:
		t := Text{Value: n.Value, src: d.src, start: start, style: plain}
		if at, ok := t.align(); ok {
			return at[len(t.Value)]
		}
	}
	return start + 1
}

func lineEnd(src string, i int) int {
	if n := strings.IndexByte(src[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(src)
}

// readBlock reads the block scalar that begins at start and is known to mean
// value. It returns the offset behind it, where a line begins or the file ends.
func (t *token) readBlock(src string, start int, value string) int {
	head := lineEnd(src, start)
	indicator, comment, _ := strings.Cut(src[start:head], "#")
	t.text = strings.TrimRight(indicator, " \t")
	if comment = strings.TrimRight(comment, " \t"); strings.Contains(src[start:head], "#") {
		t.comment = "#" + comment
	}
	end := min(head+1, len(src))
	indent := firstIndent(src[end:]) - firstIndent(value)
	if strings.TrimSpace(value) == "" {
		indent = len(src) // it has no line that is not blank
	}
	keep := strings.Contains(t.text, "+")
	var blank []string
	for at := end; at < len(src); {
		to := lineEnd(src, at)
		line := src[at:to]
		text := strings.TrimLeft(line, " ")
		if text != "" && len(line)-len(text) < indent {
			break
		}
		blank = append(blank, line[min(indent, len(line)-len(text)):])
		at = min(to+1, len(src))
		if text != "" || keep {
			t.body, blank, end = append(t.body, blank...), nil, at
		}
	}
	t.text = strings.Map(func(r rune) rune {
		if r >= '1' && r <= '9' {
			return '2' // the indent that the lines get
		}
		return r
	}, t.text)
	if len(t.body) > 0 && end == len(src) && !strings.HasSuffix(src, "\n") {
		// The last line gets the end that it has not, and that is not to count.
		t.text = strings.NewReplacer("+", "", "-", "").Replace(t.text) + "-"
	}
	return end
}

// firstIndent is the indent of the first line that is not blank.
func firstIndent(text string) int {
	for line := range strings.Lines(text) {
		if rest := strings.TrimLeft(line, " "); strings.TrimSpace(rest) != "" {
			return len(line) - len(rest)
		}
	}
	return 0
}
