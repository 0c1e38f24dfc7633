#!/usr/bin/env bash
# expr: 1 equals 1.0 alone and in a list, but not in a map, so parsed JSON equals no literal.
#
# Versions:  github.com/expr-lang/expr v1.17.8
# Expected:  two values are equal if their parts are: == of maps as of lists and numbers.
# Behaviour: numbers of different types are equal everywhere but inside maps. JSON gives
#            floats and literals are integers, so a reply never equals what it is held against.
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
		`1 == 1.0`,
		`[1] == [1.0]`,
		`{"n": 1} == {"n": 1.0}`,
		`fromJSON("[1]") == [1]`,
		`fromJSON("{\"n\": 1}") == {"n": 1}`,
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
1 == 1.0  is true
[1] == [1.0]  is true
{"n": 1} == {"n": 1.0}  is false
fromJSON("[1]") == [1]  is true
fromJSON("{\"n\": 1}") == {"n": 1}  is false
EOF
