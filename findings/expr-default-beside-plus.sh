#!/usr/bin/env bash
# expr: ?? beside another operator is refused on one side and let pass on the other.
#
# Versions:  github.com/expr-lang/expr v1.17.8
# Expected:  mixing ?? and + without parentheses is an error, as the message of the
#            third line says ("cannot be mixed"), whichever comes first.
# Behaviour: only an operator on the right is noticed, and only if none stands on the left.
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
	env := map[string]any{"name": nil}
	for _, code := range []string{
		`"dear " + name ?? "you"`,
		`"dear " + name ?? "you" + "!"`,
		`name ?? "you" + "!"`,
		`not name ?? true`,
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
"dear " + name ?? "you"  is dear you
"dear " + name ?? "you" + "!"  is dear you!
name ?? "you" + "!"  is an error
not name ?? true  is false
EOF
