#!/usr/bin/env bash
# JetStream: a retry with the same Msg-Id is a duplicate, unless it repeats its fence as well.
#
# Versions:  nats-server v2.15.2 with one replica, nats.go v1.55.0
# Expected:  a publish is sent again as it was when its answer was lost, and is acknowledged as a
#            duplicate: that is what Nats-Msg-Id is for.
# Behaviour: the expected sequence is looked at first, and the message's own first copy has moved
#            it: the retry is refused as a conflict (10071). Without the fence it is a duplicate.
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
	must(js.CreateStream(ctx, jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}}))
	for range 2 {
		ack, err := js.Publish(ctx, "s.a", nil, jetstream.WithMsgID("id"), jetstream.WithExpectLastSequencePerSubject(0))
		fmt.Println("fenced:", ack != nil, err)
	}
	ack := must(js.Publish(ctx, "s.a", nil, jetstream.WithMsgID("id")))
	fmt.Println("not fenced: duplicate", ack.Duplicate)
}
EOF
export GOWORK=off GOFLAGS=
go mod init finding
go get github.com/nats-io/nats-server/v2/server@v2.15.2 github.com/nats-io/nats.go@v1.55.0 github.com/nats-io/nats.go/jetstream@v1.55.0
go run . "$dir/store" | tee seen
diff - seen <<'EOF'
fenced: true <nil>
fenced: false nats: nats: API error: code=400 err_code=10071 description=wrong last sequence: 1
not fenced: duplicate true
EOF
