#!/usr/bin/env bash
# JetStream KV: renewing a lease with Update makes it permanent.
#
# Versions:  nats-server v2.15.2 with one replica, nats.go v1.55.0
# Expected:  Create with a TTL, then Update by the revision, is how a lease is renewed: the key
#            ends some time after the last update, or at its first end.
# Behaviour: Update writes a message without the TTL, and cannot be given one: the key never ends.
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
	kv := must(js.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: "L", LimitMarkerTTL: time.Second}))
	stream := must(js.Stream(ctx, "KV_L"))
	ttl := func() string { return must(stream.GetLastMsgForSubject(ctx, "$KV.L.lease")).Header.Get("Nats-TTL") }
	revision := must(kv.Create(ctx, "lease", []byte("me"), jetstream.KeyTTL(time.Second)))
	fmt.Printf("created: TTL %q\n", ttl())
	must(kv.Update(ctx, "lease", []byte("me"), revision))
	fmt.Printf("updated: TTL %q\n", ttl())
	time.Sleep(4 * time.Second)
	_, err := kv.Get(ctx, "lease")
	fmt.Println("there after four of its one second:", err == nil)
}
EOF
export GOWORK=off GOFLAGS=
go mod init finding
go get github.com/nats-io/nats-server/v2/server@v2.15.2 github.com/nats-io/nats.go@v1.55.0 github.com/nats-io/nats.go/jetstream@v1.55.0
go run . "$dir/store" | tee seen
diff - seen <<'EOF'
created: TTL "1s"
updated: TTL ""
there after four of its one second: true
EOF
