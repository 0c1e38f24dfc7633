package yamldoc

import (
	"regexp"
	"slices"
	"strconv"
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
	bad, ok := m.keep(c)
	if ok {
		return
	}
	inner := m.chunks(c.from+1, c.to)
	if len(inner) == 0 {
		m.byLine(c, bad)
		return
	}
	first := chunk{c.from, inner[0].from}
	if !m.fits(chunk{c.from, inner[0].from + 1}) && m.fits(chunk{inner[0].from, inner[0].from + 1}) {
		first.to = first.from
	}
	if _, ok := m.keep(first); ok && first.to > first.from {
		m.most(inner, bad)
		return
	}
	m.try(inner)
}

// try keeps the entries that fit: all of them, as a rule. It tells whether it did.
func (m *mender) try(entries []chunk) bool {
	bad, ok := m.keep(chunk{entries[0].from, entries[len(entries)-1].to})
	if !ok {
		m.most(entries, bad)
	}
	return ok
}

// most keeps the entries that fit, of some that do not fit together because of a
// line, or of what stands before it. Each try reads again what was kept before, so
// those before the line are tried in one go, and those behind it.
func (m *mender) most(entries []chunk, bad int) {
	if len(entries) == 1 {
		m.byLine(entries[0], bad)
		return
	}
	cut := max(1, slices.IndexFunc(entries, func(c chunk) bool { return bad < c.to }))
	if bad < entries[0].from || bad >= entries[len(entries)-1].to {
		cut = len(entries) / 2
	}
	if m.try(entries[:cut]) && bad >= entries[cut].from { // it is bad still
		m.most(entries[cut:], bad)
		return
	}
	m.try(entries[cut:])
}

// byLine keeps the lines of an entry that fit, and with one that does not leaves
// out what is indented deeper: it is part of it. The lines before the one that is
// bad are tried in one go.
func (m *mender) byLine(c chunk, bad int) {
	from := c.from
	if bad > from+1 && bad < c.to {
		if _, ok := m.keep(chunk{from, bad}); ok {
			from = bad
		}
	}
	deeper := -1 // than the line that was left out
	for i := from; i < c.to; i++ {
		indent := len(m.lines[i]) - len(strings.TrimLeft(m.lines[i], " "))
		blank := strings.TrimSpace(m.lines[i]) == ""
		if deeper >= 0 && (blank || indent > deeper) {
			continue
		}
		deeper = -1
		if _, ok := m.keep(chunk{i, i + 1}); !ok {
			deeper = indent
		}
	}
}

// keep keeps some lines if they fit, and blanks what lies before them. Else it
// returns which line is bad, or before which one is; -1 if that is not known.
func (m *mender) keep(c chunk) (bad int, ok bool) {
	if bad, ok = m.read(c); !ok {
		return bad, false
	}
	m.skipTo(c.from)
	m.kept += strings.Join(m.lines[c.from:c.to], "")
	m.at = c.to
	return 0, true
}

func (m *mender) fits(c chunk) bool {
	_, ok := m.read(c)
	return ok
}

func (m *mender) read(c chunk) (bad int, ok bool) {
	if m.tries++; m.tries > maxTries {
		return -1, false
	}
	before := m.kept + "\n"
	_, err := decodeAll(before + strings.Join(m.lines[c.from:c.to], ""))
	if err == nil {
		return 0, true
	}
	if said := namedLine.FindStringSubmatch(err.Error()); said != nil {
		line, _ := strconv.Atoi(said[1])
		return c.from + max(line-1-strings.Count(before, "\n"), 0), false
	}
	return -1, false
}

var namedLine = regexp.MustCompile(`line ([0-9]+)`)

// skipTo blanks the lines before i.
func (m *mender) skipTo(i int) {
	for ; m.at < i; m.at++ {
		if strings.HasSuffix(m.lines[m.at], "\n") {
			m.kept += "\n"
		}
	}
}
