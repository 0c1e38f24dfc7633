package lsp

import (
	"context"
	"path/filepath"
	"slices"

	"go.lsp.dev/protocol"
	"go.lsp.dev/uri"
)

// abilities are what an editor says of itself at the beginning.
type abilities struct {
	folders  []string // in which it works
	watches  bool     // files, and tells of changes
	anywhere bool     // in other folders too
}

// meet notes what an editor says of itself, and finds the world around it.
func (s *server) meet(ctx context.Context, p *protocol.InitializeParams) error {
	var a abilities
	work := func(folder uri.URI) {
		if folder.IsFile() {
			a.folders = append(a.folders, folder.FsPath())
		}
	}
	if folders, ok := p.WorkspaceFolders.Get(); ok {
		for _, f := range folders {
			work(f.URI)
		}
	}
	if root := p.RootURI; len(a.folders) == 0 && root != nil { //nolint:staticcheck // of editors that know no folders
		work(*root)
	}
	if w := p.Capabilities.Workspace; w != nil && w.DidChangeWatchedFiles != nil {
		a.watches = is(w.DidChangeWatchedFiles.DynamicRegistration)
		a.anywhere = is(w.DidChangeWatchedFiles.RelativePatternSupport)
	}
	s.mu.Lock()
	s.abilities = a
	s.mu.Unlock()
	return s.look(ctx)
}

func is(b *bool) bool { return b != nil && *b }

// known is what the editor said, and what the world comes from.
func (s *server) known() (abilities, []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.world == nil {
		return s.abilities, nil
	}
	return s.abilities, s.world.Sources
}

// look finds the world.
func (s *server) look(ctx context.Context) error {
	folder := ""
	if a, _ := s.known(); len(a.folders) > 0 {
		folder = a.folders[0]
	}
	w, err := s.cfg.World(ctx, folder)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world = newWorld(w)
	return nil
}

// Initialized asks the editor to watch flows, and what the world comes from.
func (s *server) Initialized(ctx context.Context, _ *protocol.InitializedParams) error {
	a, sources := s.known()
	if !a.watches {
		return nil
	}
	var watched protocol.DidChangeWatchedFilesRegistrationOptions
	watch := func(p protocol.GlobPattern) {
		watched.Watchers = append(watched.Watchers, protocol.FileSystemWatcher{GlobPattern: p})
	}
	watch(protocol.Pattern("**/*.{yaml,yml,wasm}"))
	if a.anywhere {
		for _, source := range sources {
			folder, name := protocol.URI(uri.File(filepath.Dir(source))), filepath.Base(source)
			watch(&protocol.RelativePattern{BaseURI: folder, Pattern: protocol.Pattern(name)})
			watch(&protocol.RelativePattern{BaseURI: folder, Pattern: protocol.Pattern(name + "/*")}) // if it is a folder
		}
	}
	options, err := protocol.Marshal(&watched)
	if err != nil {
		return err
	}
	ctx = context.WithoutCancel(ctx)
	s.publishing.Go(func() { // its answer comes behind this notification
		err := s.client.RegisterCapability(ctx, &protocol.RegistrationParams{Registrations: []protocol.Registration{
			{ID: "files", Method: protocol.MethodWorkspaceDidChangeWatchedFiles, RegisterOptions: options},
		}})
		if err != nil {
			s.cfg.Log.Warn("the editor watches no files", "error", err)
		}
	})
	return nil
}

// DidChangeWatchedFiles looks again at what flows are checked against: the flows
// that they call, connections and node types.
func (s *server) DidChangeWatchedFiles(ctx context.Context, p *protocol.DidChangeWatchedFilesParams) error {
	files, open := []uri.URI{}, true
	for _, change := range p.Changes {
		files = append(files, change.URI)
		if _, err := s.document(change.URI); err != nil {
			open = false
		}
	}
	if !s.reload(ctx, files) && !open { // of what is open the editor says more
		s.renew(ctx, (*document).calls)
	}
	return nil
}

// DidSave is the time to look at the disk for editors that do not watch it.
func (s *server) DidSave(ctx context.Context, p *protocol.DidSaveTextDocumentParams) error {
	if a, _ := s.known(); !a.watches && !s.reload(ctx, []uri.URI{p.TextDocument.URI}) {
		s.renew(ctx, (*document).calls)
	}
	return nil
}

// reload finds the world again if one of its sources is among the files. It tells
// whether it did.
func (s *server) reload(ctx context.Context, files []uri.URI) bool {
	if !slices.ContainsFunc(files, s.isSource) {
		return false
	}
	if err := s.look(ctx); err != nil {
		s.show(ctx, "connections and node types stay as they were: "+err.Error())
		return false
	}
	s.renew(ctx, func(*document) bool { return true })
	return true
}

func (s *server) isSource(u uri.URI) bool {
	_, sources := s.known()
	return u.IsFile() && slices.ContainsFunc(sources, func(source string) bool {
		return u.FsPath() == source || filepath.Dir(u.FsPath()) == source
	})
}

func (s *server) show(ctx context.Context, message string) {
	if err := s.client.ShowMessage(ctx, &protocol.ShowMessageParams{Type: protocol.MessageTypeWarning, Message: message}); err != nil {
		s.cfg.Log.Warn(message)
	}
}
