package lsp

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/node"
)

// FuzzTyping: whatever stands in a file and wherever the cursor is, every
// question has an answer.
func FuzzTyping(f *testing.F) {
	files, err := filepath.Glob("../../flows/*/*.yaml")
	files = slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, ".test.yaml") })
	if err != nil {
		f.Fatal(err)
	}
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text), len(text)*i/len(files))
	}
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		f.Fatal(err)
	}
	w := newWorld(World{Flows: flow.Config{Types: types}})
	f.Fuzz(func(t *testing.T, text string, at int) {
		const doc = uri.URI("file:///flows/x.yaml")
		d := newDocument(doc, 1, text)
		d.world = w
		s := &server{documents: map[uri.URI]*document{doc: d}}
		p := protocol.TextDocumentPositionParams{TextDocument: protocol.TextDocumentIdentifier{URI: doc}, Position: d.position(at)}
		if got := d.offset(p.Position); at >= 0 && at <= len(text) && d.position(got) != p.Position {
			t.Errorf("byte %d is %v, which is byte %d", at, p.Position, got)
		}
		d.diagnostics(d.mistakes())
		for _, err := range []error{
			second(s.Completion(t.Context(), &protocol.CompletionParams{TextDocumentPositionParams: p})),
			second(s.Hover(t.Context(), &protocol.HoverParams{TextDocumentPositionParams: p})),
			second(s.Definition(t.Context(), &protocol.DefinitionParams{TextDocumentPositionParams: p})),
			second(s.DocumentSymbol(t.Context(), &protocol.DocumentSymbolParams{TextDocument: p.TextDocument})),
			second(s.CodeAction(t.Context(), &protocol.CodeActionParams{TextDocument: p.TextDocument, Range: d.span(0, len(text))})),
		} {
			if err != nil {
				t.Error(err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

// BenchmarkTyping is one letter typed in a flow of 200 nodes: all that is known of
// the flow is found anew, and an editor asks one question.
func BenchmarkTyping(b *testing.B) {
	var text strings.Builder
	text.WriteString("flow: large\nvariables: { total: 1 }\nnodes:\n  hook: { type: webhook, with: { path: /a }, next: n1 }\n")
	for i := range 198 {
		fmt.Fprintf(&text, "  n%d:\n    type: http\n    with: { method: GET, url: \"https://example.com/$(total)\" }\n    next: n%d\n    outcomes: { else: n%d }\n", i+1, i+2, i+2)
	}
	text.WriteString("  n199: { type: log, with: { message: \"of $(n198.status ?? 0)\" } }\n")
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		b.Fatal(err)
	}
	const doc = uri.URI("file:///flows/large.yaml")
	w := newWorld(World{Flows: flow.Config{Types: types}, Check: func(*catalog.Set) diag.List { return nil }})
	s := &server{documents: map[uri.URI]*document{}}
	whole := text.String()
	cursor := strings.LastIndex(whole, "status")
	ask := func(name, text string, question func(*document, protocol.TextDocumentPositionParams) error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d := newDocument(doc, 1, text)
				d.world = w
				s.documents[doc] = d
				at := protocol.TextDocumentPositionParams{TextDocument: protocol.TextDocumentIdentifier{URI: doc}, Position: d.position(cursor)}
				if err := question(d, at); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	ask("mistakes", whole, func(d *document, _ protocol.TextDocumentPositionParams) error {
		if list := d.mistakes(); list.HasErrors() {
			return list.Err()
		}
		return nil
	})
	complete := func(_ *document, at protocol.TextDocumentPositionParams) error {
		return second(s.Completion(b.Context(), &protocol.CompletionParams{TextDocumentPositionParams: at}))
	}
	ask("completion", whole, complete)
	ask("completion-half", whole[:cursor], complete)
	ask("hover", whole, func(_ *document, at protocol.TextDocumentPositionParams) error {
		return second(s.Hover(b.Context(), &protocol.HoverParams{TextDocumentPositionParams: at}))
	})
	ask("references", whole, func(_ *document, at protocol.TextDocumentPositionParams) error {
		return second(s.References(b.Context(), &protocol.ReferenceParams{TextDocumentPositionParams: at}))
	})
}
