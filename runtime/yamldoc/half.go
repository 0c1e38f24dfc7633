package yamldoc

import (
	"strings"

	"github.com/wendflow/wend/runtime/diag"
)

// ParseHalf reads what can be read of a file that somebody is still writing. If
// it is YAML, that is what Parse reads. Else whole is false, the mistake is
// Parse's, and the lines that keep it from being YAML count as blank: every
// entry at the top, and every entry one level below, is read as far as it is
// YAML by itself. What is read stands where the file has it.
func (f Format) ParseHalf(file string, src []byte) (d *Document, mistakes diag.List, whole bool) {
	d, mistakes = f.Parse(file, src)
	if !d.broken {
		return d, mistakes, true
	}
	p := f.parser(file, src)
	if !p.small() || !p.characters() {
		return d, mistakes, false
	}
	nodes, err := decodeAll(mend(p.src.text))
	if err != nil {
		return d, mistakes, false
	}
	p.doc.broken = true
	p.documents(nodes)
	return p.doc, append(mistakes, p.list...), false
}

// mend blanks the lines that keep a text from being YAML, and leaves the others
// where they are.
func mend(text string) string {
	lines := strings.SplitAfter(text, "\n")
	m := mender{lines: lines, used: make([]bool, len(lines))}
	for _, top := range chunks(lines, 0, len(lines)) {
		if m.isYAML(top.from, top.to) {
			m.use(top.from, top.to)
			continue
		}
		inner := chunks(lines, top.from+1, top.to)
		if len(inner) < 2 || !m.isYAML(top.from, inner[0].from) {
			m.longest(top.from, top.to)
			continue
		}
		m.use(top.from, inner[0].from)
		for _, c := range inner {
			m.longest(c.from, c.to)
		}
	}
	return m.text()
}

// chunk is lines[from:to].
type chunk struct{ from, to int }

// chunks cuts lines into entries: each begins at the indent of the first, and
// goes on with what is indented deeper.
func chunks(lines []string, from, to int) []chunk {
	var list []chunk
	indent := -1
	for i := from; i < to; i++ {
		content := strings.TrimLeft(lines[i], " ")
		if text := strings.TrimSpace(content); text == "" || text[0] == '#' {
			continue
		}
		in := len(lines[i]) - len(content)
		if indent < 0 {
			indent = in
		}
		if in <= indent {
			if n := len(list); n > 0 {
				list[n-1].to = i
			}
			list = append(list, chunk{i, to})
		}
	}
	return list
}

type mender struct {
	lines []string
	used  []bool
	tries int
}

// A piece that is longer than maxPiece is not taken apart, and no more than
// maxTries are tried, for files that are broken all over.
const (
	maxPiece = 64 << 10
	maxTries = 2000
)

func (m *mender) use(from, to int) {
	for i := from; i < to; i++ {
		m.used[i] = true
	}
}

func (m *mender) isYAML(from, to int) bool {
	m.tries++
	if m.tries > maxTries {
		return false
	}
	_, err := decodeAll(strings.Join(m.lines[from:to], ""))
	return err == nil
}

// longest uses as many lines from the first as are YAML together; behind a line
// that is not, it goes on with those that fit again.
func (m *mender) longest(from, to int) {
	if m.isYAML(from, to) {
		m.use(from, to)
		return
	}
	if size := len(strings.Join(m.lines[from:to], "")); size > maxPiece {
		return
	}
	var kept strings.Builder
	for i := from; i < to; i++ {
		m.tries++
		if m.tries > maxTries {
			return
		}
		if _, err := decodeAll(kept.String() + m.lines[i]); err != nil {
			continue
		}
		kept.WriteString(m.lines[i])
		m.used[i] = true
	}
}

// text is the file with the other lines blank, and none missing.
func (m *mender) text() string {
	var b strings.Builder
	for i, line := range m.lines {
		switch {
		case m.used[i]:
			b.WriteString(line)
		case strings.HasSuffix(line, "\n"):
			b.WriteString("\n")
		}
	}
	return b.String()
}
