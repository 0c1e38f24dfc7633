#!/usr/bin/env bash
# expr: of two equal keys a map literal keeps the first, JSON in the same language the last.
#
# Versions:  github.com/expr-lang/expr v1.17.8
# Expected:  one rule: the last, as in JavaScript, Python, and its own fromJSON; or an error.
# Behaviour: the literal keeps the first, and says nothing.
# Seen:      the lines at the end.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'EOF'
package main

import (
	"fmt"

	"github.com/expr-lang/expr"
)

func main() {
	env := map[string]any{}
	for _, code := range []string{
		`{"a": 1, "a": 2}.a`,
		`fromJSON("{\"a\": 1, \"a\": 2}").a`,
	} {
		v, err := expr.Eval(code, env)
		if err != nil {
			v = "an error"
		}
		fmt.Printf("%s  is %v\n", code, v)
	}
}
EOF
export GOWORK=off GOFLAGS=
go mod init finding
go get github.com/expr-lang/expr@v1.17.8
go run . | tee seen
diff - seen <<'EOF'
{"a": 1, "a": 2}.a  is 1
fromJSON("{\"a\": 1, \"a\": 2}").a  is 2
EOF
