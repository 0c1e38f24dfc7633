package yamldoc

import (
	"cmp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/wendflow/wend/runtime/diag"
)

// Comment is a comment of a file, from its # to the end of the line.
type Comment struct {
	Pos  diag.Pos
	Text string
	// Own tells that the comment has its line for itself; else it stands behind
	// something.
	Own bool
}

// Comments returns all comments in the order of the file. A file that is not
// YAML has none.
func (d *Document) Comments() []Comment {
	if d.broken {
		return nil
	}
	var texts []span
	for _, n := range d.nodes {
		texts = d.spans(n, texts)
	}
	slices.SortFunc(texts, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	var comments []Comment
	src := d.src.text
	for i := 0; i < len(src); {
		if len(texts) > 0 && i >= texts[0].start {
			i = max(i, texts[0].end)
			texts = texts[1:]
			continue
		}
		if src[i] != '#' || i > 0 && !strings.ContainsRune(" \t\n", rune(src[i-1])) {
			i++
			continue
		}
		pos := d.src.pos(i)
		line := d.src.line(pos.Line)
		start := i - d.src.lines[pos.Line-1]
		comments = append(comments, Comment{Pos: pos, Text: line[start:], Own: strings.TrimSpace(line[:start]) == ""})
		i += len(line) - start
	}
	return comments
}

// span is the bytes of a scalar.
type span struct{ start, end int }

func (d *Document) spans(n *yaml.Node, texts []span) []span {
	if n.Kind == yaml.ScalarNode && n.Value != "" {
		t := Text{Value: n.Value, src: d.src, start: d.src.offset(n.Line, n.Column), style: styleOf(n)}
		if at, ok := t.align(); ok {
			start := t.start
			if t.block() {
				start = at[0] // a comment may stand behind the | of a block
			}
			texts = append(texts, span{start, at[len(t.Value)]})
		}
	}
	for _, child := range n.Content {
		texts = d.spans(child, texts)
	}
	return texts
}
