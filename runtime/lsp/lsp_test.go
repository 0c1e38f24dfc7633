package lsp_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"

	"github.com/wendflow/wend/nodes"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/lsp"
	"github.com/wendflow/wend/runtime/node"
)

// editor is the other side of a server.
type editor struct {
	protocol.Server
	screen
	t     *testing.T
	ended chan error
}

// screen is what an editor shows, and what it was asked to watch.
type screen struct {
	protocol.UnimplementedClient
	told     chan *protocol.PublishDiagnosticsParams
	messages chan string
	watched  chan string
}

func (s screen) PublishDiagnostics(_ context.Context, p *protocol.PublishDiagnosticsParams) error {
	s.told <- p
	return nil
}

func (s screen) ShowMessage(_ context.Context, p *protocol.ShowMessageParams) error {
	s.messages <- p.Message
	return nil
}

func (s screen) RegisterCapability(_ context.Context, p *protocol.RegistrationParams) error {
	for _, r := range p.Registrations {
		s.watched <- r.Method + " " + string(r.RegisterOptions)
	}
	return nil
}

const doc = uri.URI("file:///flows/shop.yaml")

// built is a world of the node types that are built in.
func built(connections ...string) func(context.Context, string) (lsp.World, error) {
	return func(context.Context, string) (lsp.World, error) {
		types, err := node.NewSet(nodes.All()...)
		return lsp.World{Flows: flow.Config{Types: types, Connections: connections}}, err
	}
}

func open(t *testing.T) *editor {
	t.Helper()
	e := connect(t, lsp.Config{World: built("shop-api", "sms-gateway")})
	e.greet(&protocol.InitializeParams{})
	return e
}

// connect starts a server, to which nothing is said yet.
func connect(t *testing.T, c lsp.Config) *editor {
	t.Helper()
	c.Version, c.Log = "test", slog.New(slog.DiscardHandler)
	here, there := net.Pipe()
	e := &editor{t: t, ended: make(chan error, 1), screen: screen{
		told: make(chan *protocol.PublishDiagnosticsParams, 1000), messages: make(chan string, 10), watched: make(chan string, 10),
	}}
	go func() { e.ended <- lsp.Serve(t.Context(), there, c) }()
	_, conn, server := protocol.NewClient(t.Context(), e.screen, jsonrpc2.NewStream(here))
	e.Server = server
	t.Cleanup(func() { _ = conn.Close() })
	return e
}

func (e *editor) greet(p *protocol.InitializeParams) {
	e.t.Helper()
	if _, err := e.Initialize(e.t.Context(), p); err != nil {
		e.t.Fatal(err)
	}
	if err := e.Initialized(e.t.Context(), &protocol.InitializedParams{}); err != nil {
		e.t.Fatal(err)
	}
}

// show opens a text and waits until its mistakes are told.
func (e *editor) show(text string) *protocol.PublishDiagnosticsParams {
	e.t.Helper()
	err := e.DidOpen(e.t.Context(), &protocol.DidOpenTextDocumentParams{TextDocument: protocol.TextDocumentItem{URI: doc, Version: 1, Text: text}})
	if err != nil {
		e.t.Fatal(err)
	}
	return <-e.told
}

func at(p protocol.Position) protocol.TextDocumentPositionParams {
	return protocol.TextDocumentPositionParams{TextDocument: protocol.TextDocumentIdentifier{URI: doc}, Position: p}
}

// story is a flow of a txtar file, without the cursor and with what is wanted.
type story struct {
	name, text string
	cursor     protocol.Position
	want       map[string]string
}

func stories(t *testing.T, file string) (all []story) {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		s := story{name: f.Name, want: map[string]string{}}
		before, after, ok := strings.Cut(string(f.Data), "‸")
		if !ok {
			t.Fatalf("%s: no cursor", f.Name)
		}
		s.text = before + after
		line := strings.Count(before, "\n")
		s.cursor = protocol.Position{Line: uint32(line), Character: units(before[strings.LastIndexByte(before, '\n')+1:])}
		for l := range strings.Lines(s.text) {
			if name, value, ok := strings.Cut(strings.TrimPrefix(l, "# "), ":"); ok && l[0] == '#' {
				s.want[name] = strings.TrimSpace(value)
			}
		}
		all = append(all, s)
	}
	return all
}

func units(s string) (n uint32) {
	for _, r := range s {
		if n++; r > 0xFFFF {
			n++
		}
	}
	return n
}

func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, s := range stories(t, "complete.txtar") {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			e := open(t)
			e.show(s.text)
			got, err := e.Completion(t.Context(), &protocol.CompletionParams{TextDocumentPositionParams: at(s.cursor)})
			if err != nil {
				t.Fatal(err)
			}
			list, ok := got.(*protocol.CompletionList)
			if !ok {
				t.Fatalf("%T", got)
			}
			var labels []string
			for _, item := range list.Items {
				labels = append(labels, item.Label)
			}
			want := strings.Fields(s.want["want"])
			found := slices.DeleteFunc(slices.Clone(labels), func(l string) bool { return !slices.Contains(want, l) })
			if len(want) == 0 && len(labels) > 0 || !slices.Equal(found, want) {
				t.Errorf("offered %q, want %q among them, in that order", labels, want)
			}
			for _, item := range list.Items {
				edit, ok := item.TextEdit.(*protocol.TextEdit)
				if !ok || edit.Range.End != s.cursor {
					t.Errorf("%s: the edit does not end at the cursor: %v", item.Label, item.TextEdit)
				}
			}
		})
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, s := range stories(t, "names.txtar") {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			e := open(t)
			if told := e.show(s.text); len(told.Diagnostics) > 0 && told.Diagnostics[0].Severity == protocol.DiagnosticSeverityError {
				t.Fatalf("the flow is wrong: %v", told.Diagnostics[0].Message)
			}
			h, err := e.Hover(t.Context(), &protocol.HoverParams{TextDocumentPositionParams: at(s.cursor)})
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			if h != nil {
				text = h.Contents.(*protocol.MarkupContent).Value
			}
			if !strings.HasPrefix(text, s.want["hover"]) {
				t.Errorf("hover says %q, want %q", text, s.want["hover"])
			}
			declared := -1
			def, err := e.Definition(t.Context(), &protocol.DefinitionParams{TextDocumentPositionParams: at(s.cursor)})
			if err != nil {
				t.Fatal(err)
			}
			if l, ok := def.(*protocol.Location); ok && l != nil {
				declared = int(l.Range.Start.Line)
			}
			refs, err := e.References(t.Context(), &protocol.ReferenceParams{
				TextDocumentPositionParams: at(s.cursor), Context: protocol.ReferenceContext{IncludeDeclaration: true},
			})
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, r := range refs {
				line := fmt.Sprint(r.Range.Start.Line + 1)
				if int(r.Range.Start.Line) == declared {
					line += "*"
				}
				if !slices.Contains(lines, line) {
					lines = append(lines, line)
				}
			}
			if got := strings.Join(lines, " "); got != s.want["mentions"] {
				t.Errorf("mentioned in lines %s, want %s", got, s.want["mentions"])
			}
		})
	}
}

// TestRename: a flow with a name changed everywhere is as right as it was, and
// what cannot be a name is refused with the reason.
func TestRename(t *testing.T) {
	t.Parallel()
	for _, s := range stories(t, "names.txtar") {
		if s.want["mentions"] == "" {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			e := open(t)
			before := e.show(s.text)
			edit, err := e.Rename(t.Context(), &protocol.RenameParams{TextDocumentPositionParams: at(s.cursor), NewName: "renamed_thing"})
			if err != nil {
				t.Fatal(err)
			}
			changes := edit.Changes[doc]
			text := apply(t, s.text, changes)
			if n := strings.Count(text, "renamed_thing"); n != len(changes) {
				t.Errorf("%d edits gave %d names", len(changes), n)
			}
			version := protocol.VersionedTextDocumentIdentifier{TextDocumentIdentifier: protocol.TextDocumentIdentifier{URI: doc}, Version: 2}
			err = e.DidChange(t.Context(), &protocol.DidChangeTextDocumentParams{TextDocument: version, ContentChanges: backwards(changes)})
			if err != nil {
				t.Fatal(err)
			}
			if after := <-e.told; len(after.Diagnostics) != len(before.Diagnostics) {
				t.Errorf("after the rename: %v\n%s", after.Diagnostics, text)
			}
		})
	}
	e := open(t)
	s := stories(t, "names.txtar")[1]
	e.show(s.text)
	for name, want := range map[string]string{
		"a-b": "is no name for a node", "run": "is the run itself", "true": "is a word of the expression language", "log": "is the name of a node already", "1": "is no name for a node",
	} {
		_, err := e.Rename(t.Context(), &protocol.RenameParams{TextDocumentPositionParams: at(s.cursor), NewName: name})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("rename to %q: %v, want %q", name, err, want)
		}
	}
}

// backwards makes changes of edits, the last first, so that none moves another.
func backwards(edits []protocol.TextEdit) (out []protocol.TextDocumentContentChangeEvent) {
	for _, edit := range slices.Backward(edits) {
		out = append(out, &protocol.TextDocumentContentChangePartial{Range: edit.Range, Text: edit.NewText})
	}
	return out
}

func apply(t *testing.T, text string, edits []protocol.TextEdit) string {
	t.Helper()
	lines := strings.SplitAfter(text, "\n")
	for _, edit := range slices.Backward(edits) {
		line := lines[edit.Range.Start.Line]
		lines[edit.Range.Start.Line] = line[:cut(line, edit.Range.Start)] + edit.NewText + line[cut(line, edit.Range.End):]
	}
	return strings.Join(lines, "")
}

func cut(line string, p protocol.Position) int {
	for i := range line {
		if units(line[:i]) == p.Character {
			return i
		}
	}
	return len(line)
}

// TestRepair: what a hint names can be had by a click, and mends the mistake.
func TestRepair(t *testing.T) {
	t.Parallel()
	tests := map[string]string{ // wrong to right
		"nexst: done":   "next: done",
		"next: dnoe":    "next: done",
		"next: \"don\"": "next: \"done\"",
	}
	for wrong, right := range tests {
		t.Run(wrong, func(t *testing.T) {
			t.Parallel()
			e := open(t)
			text := "flow: shop\nnodes:\n  hook:\n    type: webhook\n    with: { path: /a }\n    " + wrong + "\n  done: { type: end }\n"
			told := e.show(text)
			if len(told.Diagnostics) == 0 {
				t.Fatal("no mistake is told")
			}
			actions, err := e.CodeAction(t.Context(), &protocol.CodeActionParams{
				TextDocument: protocol.TextDocumentIdentifier{URI: doc}, Range: told.Diagnostics[0].Range,
			})
			if err != nil || len(actions) == 0 {
				t.Fatalf("%v, no repair for %v", err, told.Diagnostics[0])
			}
			edits := actions[0].(*protocol.CodeAction).Edit.Changes[doc]
			if got := apply(t, text, edits); !strings.Contains(got, right) {
				t.Errorf("repaired:\n%s\nwant %q", got, right)
			}
		})
	}
}

// TestFormatting: a file is laid out as wend fmt does, and one that is not YAML is
// left alone.
func TestFormatting(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"flow:  shop\nnodes:\n    end:   { type: end }\n": "flow: shop\nnodes:\n  end: { type: end }\n",
		"flow: shop\nnodes: [\n":                          "",
	} {
		e := open(t)
		e.show(text)
		edits, err := e.Formatting(t.Context(), &protocol.DocumentFormattingParams{TextDocument: protocol.TextDocumentIdentifier{URI: doc}})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if len(edits) == 1 {
			got = edits[0].NewText
		}
		if got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}

// TestOtherFiles: what is no flow is nobody's mistake.
func TestOtherFiles(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing yet\n", "cases:\n  - name: x\n", "services: { web: { image: x } }\n", "connections: {}\n"} {
		if told := open(t).show(text); len(told.Diagnostics) > 0 {
			t.Errorf("%q: %v", text, told.Diagnostics[0].Message)
		}
	}
}

// TestTyping: whatever part of a shipped flow an editor has at the moment, every
// question is answered. Of each flow one part in forty is shown of those that end
// with a line, or before what begins a value, a template or a field.
func TestTyping(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../flows/*/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %d flows", err, len(files))
	}
	for _, file := range files {
		if strings.HasSuffix(file, ".test.yaml") {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			e := open(t)
			e.show("")
			version := int32(1)
			for i := range len(text) + 1 {
				if i < len(text) && !strings.ContainsRune("\n.({:", rune(text[i])) {
					continue
				}
				if version++; version%40 != 0 {
					continue
				}
				e.showAgain(string(text[:i]), version)
			}
		})
	}
}

func (e *editor) showAgain(text string, version int32) {
	e.t.Helper()
	id := protocol.VersionedTextDocumentIdentifier{TextDocumentIdentifier: protocol.TextDocumentIdentifier{URI: doc}, Version: version}
	err := e.DidChange(e.t.Context(), &protocol.DidChangeTextDocumentParams{
		TextDocument: id, ContentChanges: []protocol.TextDocumentContentChangeEvent{&protocol.TextDocumentContentChangeWholeDocument{Text: text}},
	})
	if err != nil {
		e.t.Fatal(err)
	}
	line := strings.Count(text, "\n")
	p := at(protocol.Position{Line: uint32(line), Character: units(text[strings.LastIndexByte(text, '\n')+1:])})
	if _, err := e.Completion(e.t.Context(), &protocol.CompletionParams{TextDocumentPositionParams: p}); err != nil {
		e.t.Fatalf("completion behind %q: %v", tail(text), err)
	}
	if _, err := e.Hover(e.t.Context(), &protocol.HoverParams{TextDocumentPositionParams: p}); err != nil {
		e.t.Fatalf("hover behind %q: %v", tail(text), err)
	}
	if _, err := e.DocumentSymbol(e.t.Context(), &protocol.DocumentSymbolParams{TextDocument: id.TextDocumentIdentifier}); err != nil {
		e.t.Fatalf("symbols behind %q: %v", tail(text), err)
	}
	for {
		select {
		case <-e.told:
			continue
		default:
		}
		return
	}
}

func tail(text string) string { return text[max(0, len(text)-60):] }

// TestGoodbye: a server ends when it is told to, and says so if it is left.
func TestGoodbye(t *testing.T) {
	t.Parallel()
	e := open(t)
	if err := e.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := e.Exit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-e.ended; err != nil {
		t.Errorf("Serve = %v", err)
	}
	rude := open(t)
	if err := rude.Exit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-rude.ended; err == nil || !strings.Contains(err.Error(), "without a shutdown") {
		t.Errorf("Serve without a shutdown = %v", err)
	}
}
