#!/usr/bin/env bash
# RuleGo: a template ends at the first brace, though its language has braces of its own.
#
# Versions:  github.com/rulego/rulego v0.37.0, which embeds expr
# Expected:  ${filter(msg.list, {# > 1})[0]} is an expression of expr, whose closures stand in
#            braces; a template that cannot be read is refused when the chain is loaded.
# Behaviour: the chain loads; when a message comes the URL is empty, and the message leaves by
#            Failure with an error of net/http that does not mention the template.
# Seen:      the lines at the end.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'EOF'
package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/rulego/rulego"
	"github.com/rulego/rulego/api/types"
)

func main() {
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { fmt.Println("  asked for", r.URL) }))
	for _, template := range []string{"${msg.list[1]}", "${filter(msg.list, {# > 1})[0]}"} {
		fmt.Println(template)
		chain := fmt.Sprintf(`{"ruleChain":{"id":"r"},"metadata":{"nodes":[{"id":"a","type":"restApiCall",
			"configuration":{"restEndpointUrlPattern":%q,"requestMethod":"GET"}}],"connections":[]}}`, srv.URL+"/"+template)
		engine, err := rulego.New("r", []byte(chain))
		if err != nil {
			fmt.Println("  is refused")
			continue
		}
		engine.OnMsgAndWait(types.NewMsg(0, "t", types.JSON, types.NewMetadata(), `{"list":[1,2]}`),
			types.WithOnEnd(func(_ types.RuleContext, _ types.RuleMsg, err error, relation string) { fmt.Println(" ", relation, err) }))
		rulego.Del("r")
	}
}
EOF
export GOWORK=off GOFLAGS=
go mod init finding
go get github.com/rulego/rulego@v0.37.0
go run . | tee seen
diff - seen <<'EOF'
${msg.list[1]}
  asked for /2
  Success <nil>
${filter(msg.list, {# > 1})[0]}
  Failure Get "": unsupported protocol scheme ""
EOF
