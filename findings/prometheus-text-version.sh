#!/usr/bin/env bash
# client_golang: who asks for the text format 1.0.0 gets 0.0.4, with names that 0.0.4 does not have.
#
# Versions:  github.com/prometheus/client_golang v1.25.0
# Expected:  quoted names came with text format 1.0.0: an answer that has them says version=1.0.0.
# Behaviour: the answer says version=0.0.4 and escaping=allow-utf-8, and has quoted names in braces.
# Seen:      the lines at the end.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'EOF'
package main

import (
	"fmt"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func main() {
	registry := prometheus.NewRegistry()
	registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "orders.open"}, func() float64 { return 1 }))
	r := httptest.NewRequest("GET", "/metrics", nil)
	r.Header.Set("Accept", "text/plain;version=1.0.0;escaping=allow-utf-8")
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
	lines := strings.Split(strings.TrimSpace(w.Body.String()), "\n")
	fmt.Println(w.Header().Get("Content-Type"))
	fmt.Println(lines[len(lines)-1])
}
EOF
export GOWORK=off GOFLAGS=
go mod init finding
go get github.com/prometheus/client_golang/prometheus@v1.25.0 github.com/prometheus/client_golang/prometheus/promhttp@v1.25.0
go run . | tee seen
diff - seen <<'EOF'
text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8
{"orders.open"} 1
EOF
