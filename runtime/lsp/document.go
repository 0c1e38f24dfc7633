package lsp

import (
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
	"unicode/utf8"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
)

// document is one version of a file that is open. Immutable and safe for
// concurrent use; what is known of the flow is found out once, when it is asked
// for.
type document struct {
	uri     uri.URI
	version int32
	file    string // for messages
	text    string
	starts  []int // of lines, in bytes
	world   *world
	beside  *catalog.Neighbours // nil if it is no file yet

	drafted sync.Once
	known   *flow.Draft
	sought  sync.Once
	names   []mention
	checked sync.Once
	wrongs  diag.List
}

func newDocument(u uri.URI, version int32, text string) *document {
	d := &document{uri: u, version: version, file: string(u), text: text, starts: []int{0}}
	if u.IsFile() {
		d.file = u.FsPath()
	}
	for i := range len(text) {
		if text[i] == '\n' {
			d.starts = append(d.starts, i+1)
		}
	}
	return d
}

func (d *document) draft() *flow.Draft {
	d.drafted.Do(func() {
		cfg := d.world.Flows
		if d.beside != nil {
			cfg.Callee = d.beside.Callee
		}
		d.known = flow.Check(d.file, []byte(d.text), cfg)
	})
	return d.known
}

// calls tells whether it calls other flows, as far as it has been checked.
func (d *document) calls() bool { return d.beside != nil && d.beside.Asked() }

// mistakes are those of the draft, and of a flow in order those that it has beside
// the flows that it calls, and its connections.
func (d *document) mistakes() diag.List {
	d.checked.Do(func() { d.wrongs = d.check() })
	return d.wrongs
}

func (d *document) check() diag.List {
	if !d.isFlow() {
		return nil
	}
	draft := d.draft()
	if draft.Flow == nil {
		return draft.Mistakes
	}
	set, list := catalog.One(draft.Flow), draft.Mistakes
	if d.beside != nil {
		var more diag.List
		set, more = d.beside.With(draft.Flow)
		list = slices.Concat(list, more)
	}
	if d.world.Check != nil {
		list = slices.Concat(list, d.world.Check(set))
	}
	// What is wrong with other files is not shown in this one.
	list = slices.DeleteFunc(slices.Clone(list), func(e *diag.Error) bool { return e.Pos.File != d.file })
	return list.Sorted()
}

// isFlow tells a flow from the many other things that are written in YAML, which
// editors show too.
func (d *document) isFlow() bool { return flowKey.MatchString(d.text) }

// mayBeFlow tells of a flow, and of a file that has nothing yet that a flow has not.
func (d *document) mayBeFlow() bool {
	if d.isFlow() {
		return true
	}
	for _, m := range topKey.FindAllStringSubmatch(d.text, -1) {
		if properties(d.world.shape())[m[1]] == nil {
			return false
		}
	}
	return true
}

var (
	flowKey = regexp.MustCompile(`(?m)^["']?(?:flow|nodes)["']? *:`)
	topKey  = regexp.MustCompile(`(?m)^["']?([A-Za-z_][A-Za-z0-9_-]*)["']? *:(?: |\r?$)`)
)

// line is the text of a line, from 0, without its end; "" beyond the last.
func (d *document) line(n int) string {
	if n < 0 || n >= len(d.starts) {
		return ""
	}
	end := len(d.text)
	if n+1 < len(d.starts) {
		end = d.starts[n+1]
	}
	return strings.TrimRight(d.text[d.starts[n]:end], "\r\n")
}

// offset is a place of the protocol in bytes. One behind the end of its line is
// that end, as the protocol has it.
func (d *document) offset(p protocol.Position) int {
	if int(p.Line) >= len(d.starts) {
		return len(d.text)
	}
	return d.starts[p.Line] + bytesOf(d.line(int(p.Line)), int(p.Character))
}

// bytesOf is how many bytes of a line that many units of UTF-16 are.
func bytesOf(line string, units int) int {
	for at, r := range line {
		if units <= 0 {
			return at
		}
		units -= unitsOf(r)
	}
	return len(line)
}

func unitsOf(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}

// position is the place of a byte.
func (d *document) position(offset int) protocol.Position {
	offset = min(max(offset, 0), len(d.text))
	n := sort.SearchInts(d.starts, offset+1) - 1
	units := 0
	for _, r := range d.text[d.starts[n]:offset] {
		units += unitsOf(r)
	}
	return protocol.Position{Line: uint32(n), Character: uint32(units)} //nolint:gosec // a file has a megabyte at most
}

func (d *document) span(from, to int) protocol.Range {
	return protocol.Range{Start: d.position(from), End: d.position(to)}
}

// at is the byte of a place of ours, which counts characters.
func (d *document) at(p diag.Pos) int {
	n := p.Line - 1
	if n < 0 || n >= len(d.starts) {
		return len(d.text)
	}
	line, col := d.line(n), p.Col-1
	for at := range line {
		if col <= 0 {
			return d.starts[n] + at
		}
		col--
	}
	return d.starts[n] + len(line)
}

// word is the stretch of a name around a byte: letters, digits and what names of
// node types hold. It may be empty.
func (d *document) word(at int) (from, to int) {
	return d.stretch(at, func(r byte) bool { return inName(r) || strings.IndexByte("-./@", r) >= 0 })
}

// name is the stretch of an identifier around a byte.
func (d *document) name(at int) (from, to int) { return d.stretch(at, inName) }

func inName(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= utf8.RuneSelf
}

func (d *document) stretch(at int, in func(byte) bool) (from, to int) {
	at = min(max(at, 0), len(d.text))
	from, to = at, at
	for from > 0 && in(d.text[from-1]) {
		from--
	}
	for to < len(d.text) && in(d.text[to]) {
		to++
	}
	return from, to
}

// wrong is the stretch that a mistake is shown under: the word that begins there,
// the text in quotes, or one character.
func (d *document) wrong(p diag.Pos) (from, to int) {
	from = d.at(p)
	if from >= len(d.text) {
		return from, from
	}
	if q := d.text[from]; q == '"' || q == '\'' {
		line := d.text[from+1 : d.endOfLine(from)]
		if n := strings.IndexByte(line, q); n >= 0 {
			return from, from + 1 + n + 1
		}
	}
	if _, to = d.word(from); to > from {
		return from, to
	}
	_, size := utf8.DecodeRuneInString(d.text[from:])
	return from, min(from+size, max(d.endOfLine(from), from))
}

func (d *document) endOfLine(at int) int {
	if n := strings.IndexByte(d.text[at:], '\n'); n >= 0 {
		return at + n
	}
	return len(d.text)
}

// diagnostics are mistakes as the protocol has them.
func (d *document) diagnostics(list diag.List) []protocol.Diagnostic {
	out := make([]protocol.Diagnostic, 0, len(list))
	for _, e := range list {
		out = append(out, d.diagnostic(e))
	}
	return out
}

// docsURL is where codes are explained.
const docsURL = "https://github.com/wendflow/wend/blob/main/docs/errors.md#"

func (d *document) diagnostic(e *diag.Error) protocol.Diagnostic {
	severity := protocol.DiagnosticSeverityError
	if e.Severity != diag.SeverityError {
		severity = protocol.DiagnosticSeverityWarning
	}
	return protocol.Diagnostic{
		Range: d.span(d.wrong(e.Pos)), Severity: severity, Code: protocol.String(e.Code),
		CodeDescription: protocol.CodeDescription{Href: uri.URI(docsURL + string(e.Code))},
		Source:          protocol.NewOptional("wend"), Message: protocol.String(e.Text()),
	}
}

// sorted puts edits into the order of the file, each once.
func sorted(edits []protocol.TextEdit) []protocol.TextEdit {
	slices.SortFunc(edits, func(a, b protocol.TextEdit) int {
		if a.Range.Start.Line != b.Range.Start.Line {
			return int(a.Range.Start.Line) - int(b.Range.Start.Line)
		}
		return int(a.Range.Start.Character) - int(b.Range.Start.Character)
	})
	return slices.CompactFunc(edits, func(a, b protocol.TextEdit) bool { return a.Range == b.Range })
}
