#!/usr/bin/env bash
# JetStream: after a purge a message with an old Msg-Id is acknowledged and not kept.
#
# Versions:  nats-server v2.15.2 with one replica, nats.go v1.55.0
# Expected:  what was purged is gone; a message with its id is stored, or refused.
# Behaviour: the ids outlive their messages until the window ends: the publish succeeds, as a
#            duplicate of something that is not there, and the stream stays empty.
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
	stream := must(js.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}}))
	must(js.Publish(ctx, "s.a", nil, jetstream.WithMsgID("id")))
	must(0, stream.Purge(ctx))
	ack, err := js.Publish(ctx, "s.a", nil, jetstream.WithMsgID("id"))
	fmt.Println("acknowledged:", err == nil, "duplicate:", ack.Duplicate, "kept:", must(stream.Info(ctx)).State.Msgs)
}
EOF
export GOWORK=off GOFLAGS=
go mod init finding
go get github.com/nats-io/nats-server/v2/server@v2.15.2 github.com/nats-io/nats.go@v1.55.0 github.com/nats-io/nats.go/jetstream@v1.55.0
go run . "$dir/store" | tee seen
diff - seen <<'EOF'
acknowledged: true duplicate: true kept: 0
EOF
