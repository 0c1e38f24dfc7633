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
	f.Fuzz(func(t *testing.T, text string, at int) {
		const doc = uri.URI("file:///flows/x.yaml")
		d := newDocument(doc, 1, text)
		s := &server{
			cfg: Config{Flows: flow.Config{Types: types}}, documents: map[uri.URI]*document{doc: d},
			shape: func() map[string]any { return nil },
		}
		p := protocol.TextDocumentPositionParams{TextDocument: protocol.TextDocumentIdentifier{URI: doc}, Position: d.position(at)}
		if got := d.offset(p.Position); at >= 0 && at <= len(text) && d.position(got) != p.Position {
			t.Errorf("byte %d is %v, which is byte %d", at, p.Position, got)
		}
		d.diagnostics(s.mistakes(d))
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
// the flow is found anew, and completion is asked for.
func BenchmarkTyping(b *testing.B) {
	var text strings.Builder
	text.WriteString("flow: large\nvariables: { total: 1 }\nnodes:\n  hook: { type: webhook, with: { path: /a }, next: n1 }\n")
	for i := range 199 {
		fmt.Fprintf(&text, "  n%d:\n    type: http\n    with: { method: GET, url: \"https://example.com/$(total)\" }\n    next: n%d\n    outcomes: { else: n%d }\n", i+1, i+2, i+2)
	}
	text.WriteString("  n200: { type: log, with: { message: $(n199.")
	types, err := node.NewSet(nodes.All()...)
	if err != nil {
		b.Fatal(err)
	}
	s := &server{cfg: Config{Flows: flow.Config{Types: types}}, documents: map[uri.URI]*document{}, shape: func() map[string]any { return nil }}
	const doc = uri.URI("file:///flows/large.yaml")
	for b.Loop() {
		d := newDocument(doc, 1, text.String())
		s.documents[doc] = d
		p := protocol.TextDocumentPositionParams{TextDocument: protocol.TextDocumentIdentifier{URI: doc}, Position: d.position(len(d.text))}
		if _, err := s.Completion(b.Context(), &protocol.CompletionParams{TextDocumentPositionParams: p}); err != nil {
			b.Fatal(err)
		}
	}
}
