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
	"regexp"
	"sync"

	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"

	"github.com/wendflow/wend/runtime/catalog"
	"github.com/wendflow/wend/runtime/diag"
	"github.com/wendflow/wend/runtime/flow"
	"github.com/wendflow/wend/runtime/flowschema"
)

// Config is what a server knows of the world around the flows.
type Config struct {
	// Version of the program, for the editor's logs.
	Version string
	// Flows is what flows are checked against.
	Flows flow.Config
	// Check finds what else is wrong with a flow that is in order by itself: with
	// its connections. It may be nil.
	Check func(*catalog.Set) diag.List
	Log   *slog.Logger
}

// Serve talks with one editor until it says goodbye, the stream ends or ctx is
// done. It closes the stream. An editor that leaves without a goodbye is an
// error.
func Serve(ctx context.Context, stream io.ReadWriteCloser, c Config) error {
	s := &server{
		cfg: c, documents: map[uri.URI]*document{}, left: make(chan struct{}),
		shape: sync.OnceValue(func() map[string]any { return flowschema.Of(c.Flows.Types) }),
	}
	conn := jsonrpc2.NewConn(jsonrpc2.NewStream(stream), jsonrpc2.WithCodec(codec{}))
	s.client = protocol.ClientDispatcher(conn)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn.Go(ctx, protocol.CancelHandler(inOrder(protocol.ServerHandler(s, jsonrpc2.MethodNotFoundHandler))))
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
	case !s.goodbye:
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
// and may take their time.
func inOrder(handle jsonrpc2.Handler) jsonrpc2.Handler {
	return func(ctx context.Context, req *jsonrpc2.Request) (any, error) {
		if req.IsCall() {
			jsonrpc2.Async(ctx)
		}
		return handle(ctx, req)
	}
}

// server is the protocol's side. Documents are immutable; the map is guarded.
type server struct {
	protocol.UnimplementedServer
	cfg    Config
	client protocol.Client
	shape  func() map[string]any // the schema of flows

	mu         sync.Mutex
	documents  map[uri.URI]*document
	goodbye    bool
	left       chan struct{} // closed at the end
	once       sync.Once
	publishing sync.WaitGroup
}

func (s *server) Initialize(context.Context, *protocol.InitializeParams) (*protocol.InitializeResult, error) {
	yes := true
	whole := protocol.TextDocumentSyncKindIncremental
	return &protocol.InitializeResult{
		ServerInfo: protocol.ServerInfo{Name: "wend", Version: protocol.NewOptional(s.cfg.Version)},
		Capabilities: protocol.ServerCapabilities{
			PositionEncoding:           protocol.PositionEncodingKindUTF16,
			TextDocumentSync:           &protocol.TextDocumentSyncOptions{OpenClose: &yes, Change: &whole},
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

func (s *server) Initialized(context.Context, *protocol.InitializedParams) error { return nil }

func (s *server) SetTrace(context.Context, *protocol.SetTraceParams) error { return nil }

func (s *server) Shutdown(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.goodbye = true
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

func (s *server) DidSave(context.Context, *protocol.DidSaveTextDocumentParams) error { return nil }

// DidClose takes the mistakes of a document away: its file is nobody's care now.
func (s *server) DidClose(ctx context.Context, p *protocol.DidCloseTextDocumentParams) error {
	s.mu.Lock()
	delete(s.documents, p.TextDocument.URI)
	s.mu.Unlock()
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

// put makes a document the one that is shown, and tells its mistakes unless it
// has changed again by then.
func (s *server) put(ctx context.Context, d *document) {
	s.mu.Lock()
	s.documents[d.uri] = d
	s.mu.Unlock()
	ctx = context.WithoutCancel(ctx)
	s.publishing.Go(func() {
		list := s.mistakes(d)
		s.mu.Lock()
		latest := s.documents[d.uri] == d
		s.mu.Unlock()
		if !latest {
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

// isFlow tells a flow from the many other things that are written in YAML, which
// editors show too.
func (d *document) isFlow() bool { return flowKey.MatchString(d.text) }

var flowKey = regexp.MustCompile(`(?m)^["']?(?:flow|nodes)["']? *:`)

// mistakes are those of the draft, and of a flow in order those that its
// connections have.
func (s *server) mistakes(d *document) diag.List {
	d.checked.Do(func() { d.wrongs = s.find(d) })
	return d.wrongs
}

func (s *server) find(d *document) diag.List {
	if !d.isFlow() {
		return nil
	}
	draft := d.draft(s.cfg.Flows)
	list := draft.Mistakes
	if list.HasErrors() || s.cfg.Check == nil {
		return list
	}
	f, _ := flow.Load(d.file, []byte(d.text), s.cfg.Flows)
	if f == nil {
		return list
	}
	return append(list[:len(list):len(list)], s.cfg.Check(catalog.One(f))...).Sorted()
}
