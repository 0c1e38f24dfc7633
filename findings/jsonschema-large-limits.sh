#!/usr/bin/env bash
# santhosh-tekuri/jsonschema: a message shows another limit than the schema has.
#
# Versions:  github.com/santhosh-tekuri/jsonschema/v6 v6.0.2
# Expected:  a mistake names the limit as the schema has it: 1000000, 9007199254740993.
# Behaviour: numbers are printed with a power of ten in superscript digits, and go through
#            a float: the second limit is shown as one that the value before it would not break.
# Seen:      the lines at the end.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'EOF'
package main

import (
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func main() {
	for _, pair := range [][2]string{{`{"maximum": 1000000}`, `1000001`}, {`{"maximum": 9007199254740993}`, `9007199254740994`}} {
		schema, err := jsonschema.UnmarshalJSON(strings.NewReader(pair[0]))
		if err != nil {
			panic(err)
		}
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(pair[1]))
		if err != nil {
			panic(err)
		}
		c := jsonschema.NewCompiler()
		if err := c.AddResource("urn:s", schema); err != nil {
			panic(err)
		}
		_, message, _ := strings.Cut(c.MustCompile("urn:s").Validate(value).Error(), "\n")
		fmt.Println(pair[0], strings.Join(strings.Fields(message), " ")) // its blanks are of three kinds
	}
}
EOF
export GOWORK=off GOFLAGS=
go mod init finding
go get github.com/santhosh-tekuri/jsonschema/v6@v6.0.2
go run . | tee seen
diff - seen <<'EOF'
{"maximum": 1000000} - at '': maximum: got 1.000001 × 10⁰⁶, want 1 × 10⁰⁶
{"maximum": 9007199254740993} - at '': maximum: got 9.007199254740994 × 10¹⁵, want 9.007199254740992 × 10¹⁵
EOF
