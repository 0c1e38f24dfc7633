#!/usr/bin/env bash
# yaml.v3: read as nodes and written again, a file loses its blank lines and gets a comma in front of a comment.
#
# Versions:  gopkg.in/yaml.v3 v3.0.1
# Expected:  nodes keep comments so that a file can be changed and written, with the rest as it was.
# Behaviour: blank lines go, a comment below another that stands behind a line becomes one of its own,
#            and a mapping in braces with a comment after it ends in ",}".
# Seen:      the lines at the end.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'EOF'
package main

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

const text = `flow: a

nodes:
  n1:
    type: log   # behind a line
                # and below it

  # about n2
  n2: { type: log, with: { message: "x" } }
  n3:
    type: evaluate
    # about the branches
    branches:
      # the first
      - { when: a, outcome: b }
      # the last
    # the end of n3
  # the end of nodes
# the end
`

func main() {
	once := again(text)
	fmt.Print(once)
	fmt.Println("--- a second time it is the same:", again(once) == once)
}

// again reads a file and writes it.
func again(text string) string {
	var n yaml.Node
	if err := yaml.Unmarshal([]byte(text), &n); err != nil {
		return err.Error()
	}
	out, err := yaml.Marshal(&n)
	if err != nil {
		return err.Error()
	}
	return string(out)
}
EOF
export GOWORK=off GOFLAGS=
go mod init finding
go get gopkg.in/yaml.v3@v3.0.1
go run . | tee seen
diff - seen <<'EOF'
flow: a
nodes:
    n1:
        type: log # behind a line
        # and below it
    # about n2
    n2: {type: log, with: {message: "x"}}
    n3:
        type: evaluate
        # about the branches
        branches:
            # the first
            - {when: a, outcome: b,}
            # the last
        # the end of n3
    # the end of nodes
# the end
--- a second time it is the same: true
EOF
