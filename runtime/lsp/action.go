package lsp

import (
	"context"
	"regexp"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"

	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/yamldoc"
)

// CodeAction offers the repairs that hints name, for the mistakes in a range.
func (s *server) CodeAction(_ context.Context, p *protocol.CodeActionParams) ([]protocol.CommandOrCodeAction, error) {
	d, err := s.document(p.TextDocument.URI)
	if err != nil {
		return nil, err
	}
	from, to := d.offset(p.Range.Start), d.offset(p.Range.End)
	out := []protocol.CommandOrCodeAction{}
	for _, e := range d.mistakes() {
		begin, end := d.wrong(e.Pos)
		if end < from || begin > to {
			continue
		}
		for i, r := range d.repairs(e) {
			kind, preferred := protocol.CodeActionKindQuickFix, i == 0
			out = append(out, &protocol.CodeAction{
				Title: r.title, Kind: &kind, IsPreferred: &preferred, Diagnostics: []protocol.Diagnostic{d.diagnostic(e)},
				Edit: &protocol.WorkspaceEdit{Changes: map[uri.URI][]protocol.TextEdit{d.uri: {{Range: d.span(r.from, r.to), NewText: r.text}}}},
			})
		}
	}
	return out, nil
}

// repair is what to write in the place of something.
type repair struct {
	title    string
	from, to int
	text     string
}

var isTest = regexp.MustCompile(`\.test\.ya?ml$`)

var (
	meant  = regexp.MustCompile(`^did you mean "((?:[^"\\]|\\.)*)"\?$`)
	oneOf  = regexp.MustCompile(`^expected one of ("[^"]*"(?:, "[^"]*")*)$`)
	quoted = regexp.MustCompile(`"([^"]*)"`)
)

// repairs reads a hint. A hint that is advice rather than text to write has none.
func (d *document) repairs(e *diag.Error) (out []repair) {
	from, to := d.wrong(e.Pos)
	if from == to {
		return nil
	}
	inQuotes := d.text[from] == '"' || d.text[from] == '\''
	write := func(text string) {
		if inQuotes {
			text = string(d.text[from]) + text + string(d.text[from])
		}
		out = append(out, repair{"Write " + text, from, to, text})
	}
	switch m := meant.FindStringSubmatch(e.Hint); {
	case m != nil:
		write(m[1])
	case oneOf.MatchString(e.Hint):
		for _, word := range quoted.FindAllStringSubmatch(e.Hint, -1) {
			write(word[1])
		}
	}
	return out
}

// Formatting lays a flow or its tests out as wend fmt does. What is not YAML, or
// another's, is left as it is.
func (s *server) Formatting(_ context.Context, p *protocol.DocumentFormattingParams) ([]protocol.TextEdit, error) {
	d, err := s.document(p.TextDocument.URI)
	if err != nil {
		return nil, err
	}
	if !d.isFlow() && !isTest.MatchString(d.file) {
		return []protocol.TextEdit{}, nil
	}
	out, _ := yamldoc.Format{}.Layout(d.file, []byte(d.text))
	if out == nil || string(out) == d.text {
		return []protocol.TextEdit{}, nil
	}
	return []protocol.TextEdit{{Range: d.span(0, len(d.text)), NewText: string(out)}}, nil
}
