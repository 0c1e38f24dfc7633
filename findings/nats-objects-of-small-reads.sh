#!/usr/bin/env bash
# JetStream object store: how many chunks an object has depends on how its reader reads.
#
# Versions:  nats-server v2.15.2 with one replica, nats.go v1.55.0
# Expected:  an object is cut into chunks of 128 KiB, the documented default: 8 for 1 MiB.
# Behaviour: each Read of the reader is a chunk: 256 messages where it gives 4 KiB at a time, as
#            sockets do. Whoever wants few has to fill the buffer himself.
# Seen:      the lines at the end.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'EOF'
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func main() {
	s := must(server.NewServer(&server.Options{Port: -1, JetStream: true, StoreDir: os.Args[1], NoLog: true, NoSigs: true}))
	s.Start()
	defer s.Shutdown()
	if !s.ReadyForConnections(10 * time.Second) {
		panic("not ready")
	}
	js := must(jetstream.New(must(nats.Connect(s.ClientURL()))))
	ctx, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	store := must(js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{Bucket: "O"}))
	megabyte := make([]byte, 1<<20)
	whole := must(store.Put(ctx, jetstream.ObjectMeta{Name: "a"}, bytes.NewReader(megabyte)))
	pieces := must(store.Put(ctx, jetstream.ObjectMeta{Name: "b"}, pages{bytes.NewReader(megabyte)}))
	fmt.Println(whole.Size, "bytes:", whole.Chunks, "chunks; read by 4 KiB:", pieces.Chunks)
}

// pages reads as a socket does, a piece at a time.
type pages struct{ io.Reader }

func (p pages) Read(to []byte) (int, error) { return p.Reader.Read(to[:min(len(to), 4096)]) }
EOF
export GOWORK=off GOFLAGS=
go mod init finding
go get github.com/nats-io/nats-server/v2/server@v2.15.2 github.com/nats-io/nats.go@v1.55.0 github.com/nats-io/nats.go/jetstream@v1.55.0
go run . "$dir/store" | tee seen
diff - seen <<'EOF'
1048576 bytes: 8 chunks; read by 4 KiB: 256
EOF
