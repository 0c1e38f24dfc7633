#!/usr/bin/env bash
# A language server made as the README shows handles the changes of a document side by side.
#
# Versions:  go.lsp.dev/protocol v1.0.1, go.lsp.dev/jsonrpc2 v1.0.1
# Expected:  the second change waits until the server is done with the first: each is a range of the
#            text before it and means nothing elsewhere.
# Behaviour: protocol.NewServer handles every message in a goroutine of its own, notifications too, so
#            that a change can be taken before the one before it. Requests alone may run so: a handler
#            on jsonrpc2.NewConn that calls jsonrpc2.Async for them, and waits for notifications.
# Seen:      the lines at the end.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'EOF'
package main

import (
	"context"
	"fmt"
	"net"
	"time"

	"go.lsp.dev/jsonrpc2"
	"go.lsp.dev/protocol"
)
// server takes its time for the first change, and sees whether the second comes meanwhile.
type server struct {
	protocol.UnimplementedServer
	second   chan bool
	overtook chan bool
}
func (s server) DidChange(_ context.Context, p *protocol.DidChangeTextDocumentParams) error {
	if p.TextDocument.Version == 2 {
		s.second <- true
		return nil
	}
	select {
	case <-s.second:
		s.overtook <- true
	case <-time.After(2 * time.Second):
		s.overtook <- false
	}
	return nil
}
type codec struct{}
func (codec) Marshal(v any) ([]byte, error)      { return protocol.Marshal(v) }
func (codec) Unmarshal(data []byte, v any) error { return protocol.Unmarshal(data, v) }
func overtakes(serve func(protocol.Server, jsonrpc2.Stream)) bool {
	here, there := net.Pipe()
	s := server{second: make(chan bool, 1), overtook: make(chan bool, 1)}
	serve(s, jsonrpc2.NewStream(there))
	_, _, editor := protocol.NewClient(context.Background(), protocol.UnimplementedClient{}, jsonrpc2.NewStream(here))
	go func() {
		for v := range int32(2) {
			p := &protocol.DidChangeTextDocumentParams{ContentChanges: []protocol.TextDocumentContentChangeEvent{}}
			p.TextDocument.URI, p.TextDocument.Version = "file:///a.txt", v+1
			_ = editor.DidChange(context.Background(), p)
		}
	}()
	return <-s.overtook
}
func main() {
	fmt.Println("protocol.NewServer, the second overtakes the first:", overtakes(func(s protocol.Server, stream jsonrpc2.Stream) {
		protocol.NewServer(context.Background(), s, stream)
	}))
	fmt.Println("a handler of one's own, the second overtakes the first:", overtakes(func(s protocol.Server, stream jsonrpc2.Stream) {
		jsonrpc2.NewConn(stream, jsonrpc2.WithCodec(codec{})).Go(context.Background(), protocol.ServerHandler(s, jsonrpc2.MethodNotFoundHandler))
	}))
}
EOF
go mod init finding 2>/dev/null
go get go.lsp.dev/protocol@v1.0.1 go.lsp.dev/jsonrpc2@v1.0.1 2>/dev/null
diff <(go run .) - <<'EOF'
protocol.NewServer, the second overtakes the first: true
a handler of one's own, the second overtakes the first: false
EOF
