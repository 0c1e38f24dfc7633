// Package lsp helps people to write flows in their editor, by the Language
// Server Protocol: mistakes as they type, completion, hover, places where a name
// is declared and used, renames and repairs. All that is known of a flow comes
// from a flow.Draft; this package finds what in it the cursor means.
package lsp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"

	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/flowschema"
)

// World is what a server knows of what is around flows.
type World struct {
	// Flows is what flows are checked against. The flows that they call are looked
	// for by the server.
	Flows flow.Config
	// Check finds what else is wrong with a flow that is in order by itself: with
	// its connections. It may be nil.
	Check func(*catalog.Set) diag.List
	// Sources are the files and folders from which this comes, by absolute paths.
	Sources []string
}

// Config says what a server begins with.
type Config struct {
	// Version of the program, for the editor's logs.
	Version string
	// World is asked when the conversation begins, for the folder in which the
	// editor works, "" if in none: an error ends it. It is asked again when one of
	// the sources has changed: with an error all stays as it was, and the editor
	// shows why.
	World func(ctx context.Context, folder string) (World, error)
	Log   *slog.Logger
}

// Serve talks with one editor until it says goodbye, the stream ends or ctx is
// done. It closes the stream. An editor that leaves without a goodbye is an
// error.
func Serve(ctx context.Context, stream io.ReadWriteCloser, c Config) error {
	s := &server{cfg: c, documents: map[uri.URI]*document{}, left: make(chan struct{})}
	conn := jsonrpc2.NewConn(jsonrpc2.NewStream(stream), jsonrpc2.WithCodec(codec{}))
	s.client = protocol.ClientDispatcher(conn)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn.Go(ctx, s.inOrder(ctx, protocol.CancelHandler(protocol.ServerHandler(s, jsonrpc2.MethodNotFoundHandler))))
	select {
	case <-ctx.Done():
	case <-s.left:
	case <-conn.Done():
	}
	// Nobody can interrupt a read of standard input, so nobody waits for it.
	go func() { _ = conn.Close() }()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case s.stage.Load() != ended:
		return errors.Join(errors.New("the editor left without a shutdown"), conn.Err())
	default:
		return nil
	}
}

// codec gives JSON-RPC the protocol's own encoding, which knows its unions.
type codec struct{}

func (codec) Marshal(v any) ([]byte, error)      { return protocol.Marshal(v) }
func (codec) Unmarshal(data []byte, v any) error { return protocol.Unmarshal(data, v) }

// inOrder handles notifications one after the other, as they came: a change of a
// document is told against the one before it. Requests are begun in that order
// and may take their time. They get the context of the conversation: their own is
// used again for others as soon as they are answered, while goroutines of package
// context may still wait for it.
func (s *server) inOrder(ctx context.Context, handle jsonrpc2.Handler) jsonrpc2.Handler {
	return func(own context.Context, req *jsonrpc2.Request) (any, error) {
		if err := s.admit(req.Method()); err != nil {
			if req.IsCall() {
				return nil, err
			}
			return nil, nil // the protocol drops what nobody waits for
		}
		if req.IsCall() {
			jsonrpc2.Async(own)
		}
		return handle(ctx, req)
	}
}

// stage is how far a conversation has come.
type stage = int32

const (
	fresh   stage = iota
	greeted       // and not yet answered
	begun
	ended
)

// admit refuses what comes before the first word or after the last.
func (s *server) admit(method string) error {
	switch now := s.stage.Load(); {
	case method == protocol.MethodExit:
	case method == protocol.MethodInitialize:
		if !s.stage.CompareAndSwap(fresh, greeted) {
			return jsonrpc2.NewError(jsonrpc2.InvalidRequest, `"initialize" comes once, and came already`)
		}
	case now < begun:
		return jsonrpc2.NewError(jsonrpc2.ServerNotInitialized, fmt.Sprintf(`%q came before "initialize" was answered`, method))
	case now == ended:
		return jsonrpc2.NewError(jsonrpc2.InvalidRequest, fmt.Sprintf(`%q came after "shutdown", only "exit" may`, method))
	}
	return nil
}

// server is the protocol's side. Documents are immutable; the map is guarded.
type server struct {
	protocol.UnimplementedServer
	cfg    Config
	client protocol.Client
	stage  atomic.Int32

	mu         sync.Mutex
	abilities  abilities
	world      *world
	documents  map[uri.URI]*document
	left       chan struct{} // closed at the end
	once       sync.Once
	publishing sync.WaitGroup
	checking   sync.Mutex // one document at a time, so that what has changed meanwhile is left out
}

// world is a World with the schema of its flows.
type world struct {
	World
	shape func() map[string]any
}

func newWorld(w World) *world {
	return &world{w, sync.OnceValue(func() map[string]any { return flowschema.Of(w.Flows.Types) })}
}

func (s *server) Initialize(ctx context.Context, p *protocol.InitializeParams) (*protocol.InitializeResult, error) {
	if err := s.meet(ctx, p); err != nil {
		s.stage.Store(fresh) // the editor may try again
		return nil, err
	}
	s.stage.Store(begun)
	yes := true
	whole := protocol.TextDocumentSyncKindIncremental
	return &protocol.InitializeResult{
		ServerInfo: protocol.ServerInfo{Name: "wend", Version: protocol.NewOptional(s.cfg.Version)},
		Capabilities: protocol.ServerCapabilities{
			PositionEncoding:           protocol.PositionEncodingKindUTF16,
			TextDocumentSync:           &protocol.TextDocumentSyncOptions{OpenClose: &yes, Change: &whole, Save: protocol.Boolean(true)},
			CompletionProvider:         &protocol.CompletionOptions{TriggerCharacters: []string{".", "(", ":", " ", "@", "/"}},
			HoverProvider:              protocol.Boolean(true),
			DefinitionProvider:         protocol.Boolean(true),
			ReferencesProvider:         protocol.Boolean(true),
			RenameProvider:             &protocol.RenameOptions{PrepareProvider: &yes},
			DocumentSymbolProvider:     protocol.Boolean(true),
			DocumentFormattingProvider: protocol.Boolean(true),
			CodeActionProvider:         &protocol.CodeActionOptions{CodeActionKinds: []protocol.CodeActionKind{protocol.CodeActionKindQuickFix}},
		},
	}, nil
}

func (s *server) SetTrace(context.Context, *protocol.SetTraceParams) error { return nil }

func (s *server) Shutdown(context.Context) error {
	s.stage.Store(ended)
	return nil
}

func (s *server) Exit(context.Context) error {
	s.once.Do(func() { close(s.left) })
	return nil
}

func (s *server) DidOpen(ctx context.Context, p *protocol.DidOpenTextDocumentParams) error {
	d := p.TextDocument
	s.put(ctx, newDocument(d.URI, d.Version, d.Text))
	return nil
}

func (s *server) DidChange(ctx context.Context, p *protocol.DidChangeTextDocumentParams) error {
	d, err := s.document(p.TextDocument.URI)
	if err != nil {
		return err
	}
	text := d.text
	for _, change := range p.ContentChanges {
		switch c := change.(type) {
		case *protocol.TextDocumentContentChangePartial:
			at := newDocument(d.uri, d.version, text)
			from, to := at.offset(c.Range.Start), at.offset(c.Range.End)
			text = text[:from] + c.Text + text[max(from, to):]
		case *protocol.TextDocumentContentChangeWholeDocument:
			text = c.Text
		}
	}
	s.put(ctx, newDocument(d.uri, p.TextDocument.Version, text))
	return nil
}

// DidClose takes the mistakes of a document away: its file is nobody's care now,
// and those who call its flow see it as it is on disk.
func (s *server) DidClose(ctx context.Context, p *protocol.DidCloseTextDocumentParams) error {
	s.mu.Lock()
	d := s.documents[p.TextDocument.URI]
	delete(s.documents, p.TextDocument.URI)
	s.mu.Unlock()
	if d != nil {
		s.callers(ctx, d)
	}
	return s.client.PublishDiagnostics(ctx, &protocol.PublishDiagnosticsParams{URI: p.TextDocument.URI, Diagnostics: []protocol.Diagnostic{}})
}

// document returns a document that is open, as it is now.
func (s *server) document(u uri.URI) (*document, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.documents[u]; d != nil {
		return d, nil
	}
	return nil, fmt.Errorf("document %q is not open", u)
}

// put makes a document the one that is shown, tells its mistakes, and those of
// the flows that may call it.
func (s *server) put(ctx context.Context, d *document) {
	s.mu.Lock()
	d.world = s.world
	switch before := s.documents[d.uri]; {
	case before != nil && before.world == d.world:
		d.beside = before.beside
	case d.uri.IsFile():
		d.beside = s.neighbours(d)
	}
	s.documents[d.uri] = d
	s.mu.Unlock()
	s.tell(ctx, d)
	s.callers(ctx, d)
}

// neighbours are the flows that a document calls, as they are in the editor, or
// else on disk.
func (s *server) neighbours(d *document) *catalog.Neighbours {
	return catalog.NeighboursOf(d.file, s.abilities.folders, d.world.Flows, func(file string) []byte {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, shown := range s.documents {
			if shown.file == file {
				return []byte(shown.text)
			}
		}
		return nil
	})
}

// callers checks the documents again that call flows, after another has changed.
func (s *server) callers(ctx context.Context, changed *document) {
	if changed.isFlow() {
		s.renew(ctx, func(d *document) bool { return d.uri != changed.uri && d.calls() })
	}
}

// renew looks at documents as if they had just been opened.
func (s *server) renew(ctx context.Context, which func(*document) bool) {
	s.mu.Lock()
	var again []*document
	for u, d := range s.documents {
		if !which(d) {
			continue
		}
		d = newDocument(d.uri, d.version, d.text)
		if d.world = s.world; u.IsFile() {
			d.beside = s.neighbours(d)
		}
		s.documents[u] = d
		again = append(again, d)
	}
	s.mu.Unlock()
	for _, d := range again {
		s.tell(ctx, d)
	}
}

// tell tells the mistakes of a document, unless it has changed by then.
func (s *server) tell(ctx context.Context, d *document) {
	ctx = context.WithoutCancel(ctx)
	s.publishing.Go(func() {
		s.checking.Lock()
		defer s.checking.Unlock()
		if !s.isLatest(d) {
			return
		}
		list := d.mistakes()
		if !s.isLatest(d) {
			return
		}
		err := s.client.PublishDiagnostics(ctx, &protocol.PublishDiagnosticsParams{
			URI: d.uri, Version: protocol.NewOptional(d.version), Diagnostics: d.diagnostics(list),
		})
		if err != nil {
			s.cfg.Log.Warn("mistakes could not be told", "document", d.uri, "error", err)
		}
	})
}

func (s *server) isLatest(d *document) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.documents[d.uri] == d
}
