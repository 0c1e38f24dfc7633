package lsp_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"

	"github.com/wendflow/wend/runtime/lsp"
)

// TestOrder: nothing is answered before the beginning or after the end, and there
// is one of each.
func TestOrder(t *testing.T) {
	t.Parallel()
	e := connect(t, lsp.Config{World: built()})
	refused := func(err error, want jsonrpc2.Code, why string) {
		t.Helper()
		var said *jsonrpc2.Error
		if !errors.As(err, &said) || said.Code != want || !strings.Contains(said.Message, why) {
			t.Errorf("%v, want code %d and %q", err, want, why)
		}
	}
	ask := func() error {
		_, err := e.Hover(t.Context(), &protocol.HoverParams{TextDocumentPositionParams: at(protocol.Position{})})
		return err
	}
	refused(ask(), jsonrpc2.ServerNotInitialized, `"textDocument/hover" came before "initialize"`)
	refused(e.Shutdown(t.Context()), jsonrpc2.ServerNotInitialized, "before")
	// What nobody waits for is dropped.
	if err := e.DidOpen(t.Context(), &protocol.DidOpenTextDocumentParams{TextDocument: protocol.TextDocumentItem{URI: doc, Text: "flow: ["}}); err != nil {
		t.Fatal(err)
	}
	e.greet(&protocol.InitializeParams{})
	if err := ask(); err == nil || !strings.Contains(err.Error(), "is not open") {
		t.Errorf("a document that was opened before the beginning: %v", err)
	}
	_, err := e.Initialize(t.Context(), &protocol.InitializeParams{})
	refused(err, jsonrpc2.InvalidRequest, "came already")
	if err := e.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused(ask(), jsonrpc2.InvalidRequest, `came after "shutdown"`)
}

const calls = `-- flows/main.yaml --
flow: main
nodes:
  start: { type: manual, next: sub }
  sub:
    type: call
    with: { flow: sub, input: { order: "1" } }
    next: done
    outcomes: { else: done }
  done: { type: end }
-- flows/sub.yaml --
flow: sub
nodes:
  start: { type: called, with: { input: { type: object, properties: { order: { type: string } } } }, next: done }
  done: { type: end }
-- elsewhere/far.yaml --
flow: far
nodes:
  start: { type: called, next: done }
  done: { type: end }
`

// workspace writes files and opens an editor there that watches them, or not.
func workspace(t *testing.T, files string, watches bool, c lsp.Config) (*editor, func(file string) uri.URI) {
	t.Helper()
	folder := t.TempDir()
	for _, f := range txtar.Parse([]byte(files)).Files {
		write(t, filepath.Join(folder, f.Name), string(f.Data))
	}
	e := connect(t, c)
	root := uri.File(folder)
	p := &protocol.InitializeParams{Capabilities: protocol.ClientCapabilities{Workspace: &protocol.WorkspaceClientCapabilities{
		DidChangeWatchedFiles: &protocol.DidChangeWatchedFilesClientCapabilities{DynamicRegistration: &watches, RelativePatternSupport: &watches},
	}}}
	p.RootURI = &root //nolint:staticcheck // as editors say it that know no folders
	e.greet(p)
	return e, func(file string) uri.URI { return uri.File(filepath.Join(folder, file)) }
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (e *editor) open(u uri.URI, text string) {
	e.t.Helper()
	if text == "" {
		src, err := os.ReadFile(u.FsPath())
		if err != nil {
			e.t.Fatal(err)
		}
		text = string(src)
	}
	err := e.DidOpen(e.t.Context(), &protocol.DidOpenTextDocumentParams{TextDocument: protocol.TextDocumentItem{URI: u, Version: 1, Text: text}})
	if err != nil {
		e.t.Fatal(err)
	}
}

// shows waits until a document has one mistake with these words, or none.
func (e *editor) shows(u uri.URI, want string) {
	e.t.Helper()
	for {
		select {
		case told := <-e.told:
			if told.URI != u {
				continue
			}
			if want == "" && len(told.Diagnostics) == 0 {
				return
			}
			if len(told.Diagnostics) == 1 && want != "" && strings.Contains(string(told.Diagnostics[0].Message.(protocol.String)), want) {
				return
			}
			e.t.Logf("meanwhile: %v", told.Diagnostics)
		case <-e.t.Context().Done():
			return
		}
	}
}

func (e *editor) changed(u uri.URI) {
	e.t.Helper()
	err := e.DidChangeWatchedFiles(e.t.Context(), &protocol.DidChangeWatchedFilesParams{Changes: []protocol.FileEvent{{URI: u, Type: protocol.FileChangeTypeChanged}}})
	if err != nil {
		e.t.Fatal(err)
	}
}

// TestCallees: a flow is checked against those that it calls, as they are in the
// editor or else on disk, and again whenever one of them changes.
func TestCallees(t *testing.T) {
	t.Parallel()
	e, at := workspace(t, calls, true, lsp.Config{World: built()})
	if got := <-e.watched; !strings.Contains(got, "didChangeWatchedFiles") || !strings.Contains(got, "yaml") {
		t.Errorf("asked to watch: %s", got)
	}
	caller, sub := at("flows/main.yaml"), at("flows/sub.yaml")
	e.open(caller, "")
	e.shows(caller, "")

	number := strings.Replace(readFile(t, sub), "type: string", "type: integer", 1)
	write(t, sub.FsPath(), number)
	e.changed(sub)
	e.shows(caller, "expected an integer")

	e.open(sub, strings.Replace(number, "integer", "string", 1)) // not saved
	e.shows(caller, "")
	if err := e.DidClose(t.Context(), &protocol.DidCloseTextDocumentParams{TextDocument: protocol.TextDocumentIdentifier{URI: sub}}); err != nil {
		t.Fatal(err)
	}
	e.shows(caller, "expected an integer")

	if err := os.Remove(sub.FsPath()); err != nil {
		t.Fatal(err)
	}
	e.changed(sub)
	e.shows(caller, `there is no flow "sub" to call`)

	// A flow of another folder of the workspace is found, too.
	far := at("flows/far-caller.yaml")
	e.open(far, strings.NewReplacer("flow: main", "flow: near", "flow: sub, input: { order: \"1\" }", "flow: far").Replace(readFile(t, caller)))
	e.shows(far, "")
}

// TestCallsItself: what only shows between flows is told as well.
func TestCallsItself(t *testing.T) {
	t.Parallel()
	e, at := workspace(t, calls, true, lsp.Config{World: built()})
	sub := at("flows/sub.yaml")
	endless := "flow: sub\nnodes:\n  start: { type: called, next: again }\n  again: { type: call, with: { flow: main }, next: done, outcomes: { else: done } }\n  done: { type: end }\n"
	e.open(sub, endless)
	e.shows(sub, `cannot be called: it has no trigger of type "called"`)
	e.open(sub, strings.Replace(endless, "flow: main", "flow: sub", 1))
	e.shows(sub, "none comes to an end")
}

// TestSources: connections and node types are found again when they have changed,
// told by the editor or, if it watches nothing, when a file is saved.
func TestSources(t *testing.T) {
	t.Parallel()
	for name, watches := range map[string]bool{"watching": true, "saving": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			type answer struct {
				connections []string
				err         error
			}
			next := make(chan answer, 1)
			next <- answer{connections: []string{}}
			e, at := workspace(t, "-- wend.yaml --\n", watches, lsp.Config{World: func(ctx context.Context, folder string) (lsp.World, error) {
				a := <-next
				if a.err != nil {
					return lsp.World{}, a.err
				}
				w, err := built(a.connections...)(ctx, folder)
				w.Flows.Connections = a.connections
				w.Sources = []string{filepath.Join(folder, "wend.yaml"), filepath.Join(folder, "plugins")}
				return w, err
			}})
			flow := at("a.yaml")
			e.open(flow, "flow: a\nnodes:\n  start: { type: manual, next: call }\n  call: { type: http, connection: shop-api, with: { url: /a }, next: done, outcomes: { else: done } }\n  done: { type: end }\n")
			e.shows(flow, `no connection "shop-api"`)
			change := e.changed
			if !watches {
				change = func(u uri.URI) {
					if err := e.DidSave(t.Context(), &protocol.DidSaveTextDocumentParams{TextDocument: protocol.TextDocumentIdentifier{URI: u}}); err != nil {
						t.Fatal(err)
					}
				}
			}
			next <- answer{err: errors.New("wend.yaml:1:1: it is no YAML")}
			change(at("wend.yaml"))
			if got := <-e.messages; !strings.Contains(got, "it is no YAML") {
				t.Errorf("told: %s", got)
			}
			change(at("other.txt")) // nobody's: it would take the answer
			next <- answer{connections: []string{"shop-api"}}
			change(at("plugins/shop.wasm"))
			e.shows(flow, "")
		})
	}
}

// TestNoWorld: what is wrong around the flows is what the editor is told.
func TestNoWorld(t *testing.T) {
	t.Parallel()
	e := connect(t, lsp.Config{World: func(context.Context, string) (lsp.World, error) {
		return lsp.World{}, errors.New("wend.yaml:1:1: it is no YAML")
	}})
	if _, err := e.Initialize(t.Context(), &protocol.InitializeParams{}); err == nil || !strings.Contains(err.Error(), "wend.yaml:1:1") {
		t.Errorf("Initialize = %v", err)
	}
}

func readFile(t *testing.T, u uri.URI) string {
	t.Helper()
	src, err := os.ReadFile(u.FsPath())
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}
