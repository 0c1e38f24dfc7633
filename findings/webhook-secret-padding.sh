#!/usr/bin/env bash
# Standard Webhooks: a secret that the JavaScript libraries take is one that the Go libraries refuse.
#
# Versions:  standard-webhooks/libraries v0.0.1 and svix-webhooks/go v1.44.0;
#            npm standardwebhooks 1.1.1, svix 2.5.0
# Expected:  one secret works at both ends. Base64 with or without its = at the end is one value.
# Behaviour: without the = both libraries of npm sign with it, and both of Go fail to begin.
# Seen:      the lines at the end.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'EOF'
package main

import (
	"fmt"

	standard "github.com/standard-webhooks/standard-webhooks/libraries/go"
	svix "github.com/svix/svix-webhooks/go"
)

func main() {
	for _, secret := range []string{"whsec_c2VjcmV0LW9mLTE3LWJ5dGVzIQ==", "whsec_c2VjcmV0LW9mLTE3LWJ5dGVzIQ"} {
		_, one := standard.NewWebhook(secret)
		_, other := svix.NewWebhook(secret)
		fmt.Println(secret, "Go takes it:", one == nil, other == nil)
	}
}
EOF
cat >main.mjs <<'EOF'
import { Webhook as Standard } from "standardwebhooks";
import { Webhook as Svix } from "svix";
const secrets = ["whsec_c2VjcmV0LW9mLTE3LWJ5dGVzIQ==", "whsec_c2VjcmV0LW9mLTE3LWJ5dGVzIQ"];
const made = secrets.flatMap((s) => [Standard, Svix].map((W) => new W(s).sign("msg_1", new Date(1700000000000), "{}")));
console.log("signatures of npm's:", new Set(made).size);
EOF
export GOWORK=off GOFLAGS=
go mod init finding
go get github.com/standard-webhooks/standard-webhooks/libraries@v0.0.1 github.com/svix/svix-webhooks/go@v1.44.0
npm install --no-audit --no-fund --ignore-scripts standardwebhooks@1.1.1 svix@2.5.0
{ go run . && node main.mjs; } | tee seen
diff - seen <<'EOF'
whsec_c2VjcmV0LW9mLTE3LWJ5dGVzIQ== Go takes it: true true
whsec_c2VjcmV0LW9mLTE3LWJ5dGVzIQ Go takes it: false false
signatures of npm's: 1
EOF
