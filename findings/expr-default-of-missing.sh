#!/usr/bin/env bash
# expr: a default does not help when something further up is missing.
#
# Versions:  github.com/expr-lang/expr v1.17.8
# Expected:  `order.customer.name ?? "nobody"` is "nobody" for an order without a customer,
#            since ?? is there for what is missing.
# Behaviour: only the last step may be missing. Before that each needs a ?. of its own.
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
	env := map[string]any{"order": map[string]any{}}
	for _, code := range []string{
		`order.customer ?? "nobody"`,
		`order.customer.name ?? "nobody"`,
		`order.customer?.name ?? "nobody"`,
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
order.customer ?? "nobody"  is nobody
order.customer.name ?? "nobody"  is an error
order.customer?.name ?? "nobody"  is nobody
EOF
