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
	m := mender{lines: strings.SplitAfter(text, "\n")}
	if len(text) > maxHalf {
		return ""
	}
	for _, top := range m.chunks(0, len(m.lines)) {
		m.top(top)
	}
	m.skipTo(len(m.lines))
	return m.kept
}

// A file that is longer than maxHalf is not mended, and no more than maxTries
// are made, for files that are broken all over.
const (
	maxHalf  = 256 << 10
	maxTries = 500
)

// mender goes through the lines of a text and keeps what is YAML together with
// what it kept before.
type mender struct {
	lines []string
	at    int // of the lines that are kept or blank
	kept  string
	tries int
}

// chunk is lines[from:to].
type chunk struct{ from, to int }

// chunks cuts lines into entries: each begins at the indent of the first, and
// goes on with what is indented deeper.
func (m *mender) chunks(from, to int) []chunk {
	var list []chunk
	indent := -1
	for i := from; i < to; i++ {
		content := strings.TrimLeft(m.lines[i], " ")
		if text := strings.TrimSpace(content); text == "" || text[0] == '#' {
			continue
		}
		in := len(m.lines[i]) - len(content)
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

// top keeps an entry at the top, or what is in it entry by entry. Its first line
// is left out if that is what keeps the next from fitting: a line that lost its
// indent.
func (m *mender) top(c chunk) {
	if m.keep(c) {
		return
	}
	inner := m.chunks(c.from+1, c.to)
	if len(inner) == 0 {
		m.byLine(c)
		return
	}
	first := chunk{c.from, inner[0].from}
	if !m.fits(chunk{c.from, inner[0].from + 1}) && m.fits(chunk{inner[0].from, inner[0].from + 1}) {
		first.to = first.from
	}
	m.keep(first)
	m.most(inner)
}

// most keeps the entries that fit. It tries many at a time: all but one or two
// are in order as a rule, and each try reads what was kept before.
func (m *mender) most(entries []chunk) {
	all := chunk{entries[0].from, entries[len(entries)-1].to}
	switch half := len(entries) / 2; {
	case m.keep(all):
	case half == 0:
		m.byLine(all)
	default:
		m.most(entries[:half])
		m.most(entries[half:])
	}
}

// byLine keeps the lines of an entry that fit, and with one that does not leaves
// out what is indented deeper: it is part of it.
func (m *mender) byLine(c chunk) {
	deeper := -1 // than the line that was left out
	for i := c.from; i < c.to; i++ {
		indent := len(m.lines[i]) - len(strings.TrimLeft(m.lines[i], " "))
		blank := strings.TrimSpace(m.lines[i]) == ""
		if deeper >= 0 && (blank || indent > deeper) {
			continue
		}
		if deeper = -1; !m.keep(chunk{i, i + 1}) {
			deeper = indent
		}
	}
}

// keep keeps some lines if they fit, and blanks what lies before them.
func (m *mender) keep(c chunk) bool {
	if !m.fits(c) {
		return false
	}
	m.skipTo(c.from)
	m.kept += strings.Join(m.lines[c.from:c.to], "")
	m.at = c.to
	return true
}

func (m *mender) fits(c chunk) bool {
	if m.tries++; m.tries > maxTries {
		return false
	}
	_, err := decodeAll(m.kept + "\n" + strings.Join(m.lines[c.from:c.to], ""))
	return err == nil
}

// skipTo blanks the lines before i.
func (m *mender) skipTo(i int) {
	for ; m.at < i; m.at++ {
		if strings.HasSuffix(m.lines[m.at], "\n") {
			m.kept += "\n"
		}
	}
}
