#!/usr/bin/env bash
# expr: what groupBy and fromPairs give cannot be written as JSON.
#
# Versions:  github.com/expr-lang/expr v1.17.8
# Expected:  toJSON takes what the language's own functions give, if all keys are texts.
# Behaviour: their maps have keys of any type, which encoding/json refuses.
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
	env := map[string]any{"rows": []any{map[string]any{"city": "Bern"}}}
	for _, code := range []string{
		`keys(groupBy(rows, .city))`,
		`toJSON(groupBy(rows, .city))`,
		`toJSON(fromPairs([["a", 1]]))`,
		`toJSON(rows[0])`,
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
keys(groupBy(rows, .city))  is [Bern]
toJSON(groupBy(rows, .city))  is an error
toJSON(fromPairs([["a", 1]]))  is an error
toJSON(rows[0])  is {
  "city": "Bern"
}
EOF
